"""Write tests/golden/clv.csv: customer lifetime value to 17 digits with mpmath.

The formulas are the textbook's (hypergeometric functions, differences, plain sums) at 30 digits and more, of
the printed sets of parameters at 50 and more,
not the stable forms of the library. Run by hand when a case is added: ``python tests/golden/clv.py``.
"""

import itertools
import pathlib
from collections.abc import Callable, Iterator, Sequence

import mpmath as mp

mp.mp.dps = 60

CUSTOMERS = [  # x, t_x, T
    "0 0 38.86", "0 0 0.1", "0 0 3650", "1 0.000001 3650", "1 0.5 100000", "2 30.43 38.86", "7 600 1500",
    "26 30.86 31", "50 50 50", "161 94.71429 98", "221 103.42857 103.57143", "400 5 6", "1000 99.9 100",
    "5000 700 720",
]  # fmt: skip
DONORS = [  # x, t_x, opportunities
    "0 0 0", "0 0 1", "0 0 6", "0 0 1000", "1 1 6", "1 1 400", "2 4 6", "4 5 6", "6 6 6", "37 80 300",
    "80 80 80", "80 80 300", "290 300 300", "900 1000 1000",
]  # fmt: skip
BG_SETS = [  # r, alpha, a, b
    "0.243 4.414 0.793 2.426", "0.243 4.414 1 2.426", "0.5 10 0.001 50", "0.5 6 0.9 0.3", "60 400 0.8 2.4",
    "0.7 20 1200 9000", "0.2 0.001 0.8 2.4", "0.525 6.183 0.891 1.614",
]  # fmt: skip
PARETO_SETS = [  # r, alpha, s, beta
    "0.553 10.578 0.606 11.669", "0.5143 2.8845 0.2856 14.1087", "10.465 0.00798565181 3.0516 2.82",
    "0.5 10 0.8 0.001", "0.55 10.5 1 11.6", "0.55 10.5 0.6 10.5", "50 400 20 3000", "0.8 5 40 100000",
    "0.5533 10.578 0.6061 11.669",
]  # fmt: skip


def numbers(text: str) -> list[mp.mpf]:
    return [mp.mpf(word) for word in text.split()]


def rising(a, n):
    return mp.loggamma(a + n) - mp.loggamma(a)


def log_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def log_purchases(r, alpha, x, T):
    return rising(r, x) + r * mp.log(alpha) - (r + x) * mp.log(alpha + T)


def negative_binomial(n, r, alpha, t):
    log_p = rising(r, n) - mp.loggamma(n + 1) + r * mp.log(alpha / (alpha + t)) + n * mp.log(t / (alpha + t))
    return mp.exp(log_p)


class BG:
    """BG/NBD, or with `first` = 1 MBG/NBD: the first purchase is a chance to leave as well."""

    def __init__(self, r, alpha, a, b, first):
        self.r, self.alpha, self.a, self.b, self.first = r, alpha, a, b, first

    def terms(self, x, t_x, T):
        """ln of the two parts of the likelihood: alive at T, left at t_x."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        passed = x + self.first
        alive = log_purchases(r, alpha, x, T) + log_beta(a, b + passed) - log_beta(a, b)
        if passed == 0:
            return alive, mp.ninf
        left = log_purchases(r, alpha, x, t_x) + log_beta(a + 1, b + passed - 1) - log_beta(a, b)
        return alive, left

    def log_likelihood(self, *history):
        alive, left = self.terms(*history)
        return mp.log(mp.exp(alive) + mp.exp(left))

    def log_p_alive(self, *history):
        return self.terms(*history)[0] - self.log_likelihood(*history)

    def future(self, x, T):
        return self.r + x, self.alpha + T, self.a, self.b + x + self.first

    def expected_transactions(self, t, x, t_x, T):
        R, alpha, a, b = self.future(x, T)
        if a == 1:
            a += mp.mpf(10) ** -35  # the limit, to more digits than are kept
        z = t / (alpha + t)
        mean = (a + b - 1) / (a - 1) * (1 - (1 - z) ** R * mp.hyp2f1(R, b, a + b - 1, z))
        return mp.exp(self.log_p_alive(x, t_x, T)) * mean

    def dect(self, t, rate, x, t_x, T):
        R, alpha, a, b = self.future(x, T)
        step = alpha / 4
        points = [0, step, *(step * 4**i for i in range(1, 12) if step * 4**i < t), t]
        slope = lambda u: mp.exp(-rate * u) * mp.hyp2f1(R + 1, a, a + b, -u / alpha)  # noqa: E731
        return mp.exp(self.log_p_alive(x, t_x, T)) * R / alpha * mp.quad(slope, points)

    def dert(self, rate, x, t_x, T):
        return self.dect(80 / rate, rate, x, t_x, T)

    def p_alive_at(self, t, x, t_x, T):
        R, alpha, a, b = self.future(x, T)
        return mp.exp(self.log_p_alive(x, t_x, T)) * mp.hyp2f1(R, a, a + b, -t / alpha)

    def pmf(self, n, t, x, t_x, T):
        R, alpha, a, b = self.future(x, T)
        p = mp.exp(self.log_p_alive(x, t_x, T))
        stays = mp.exp(log_beta(a, b + n) - log_beta(a, b)) * negative_binomial(n, R, alpha, t)
        if n == 0:
            return 1 - p + p * stays
        more = 1 - mp.fsum(negative_binomial(i, R, alpha, t) for i in range(int(n)))
        return p * (stays + mp.exp(log_beta(a + 1, b + n - 1) - log_beta(a, b)) * more)

    def p_no_transaction(self, t, x, t_x, T):
        return self.pmf(0, t, x, t_x, T)


def hyp2f1_next(n, b, z):
    """₂F₁(n, b; n+1; z): by Euler's transformation and its plain series where that is quick."""
    if z > 0.95:
        return mp.hyp2f1(n, b, n + 1, z)
    term = total = mp.mpf(1)
    i = 0
    while term > total * mp.eps:
        term *= z * (n + 1 - b + i) / (n + 1 + i)
        total += term
        i += 1
    return total * (1 - z) ** (1 - b)


class Pareto:
    def __init__(self, r, alpha, s, beta):
        self.r, self.alpha, self.s, self.beta = r, alpha, s, beta

    def left(self, x, t_x, T):
        """∫ s (alpha+u)^(−r−x) (beta+u)^(−s−1) du over (t_x, T]."""
        r, alpha, s, beta = self.r, self.alpha, self.s, self.beta
        n = r + s + x
        high, b = (alpha, s + 1) if alpha >= beta else (beta, r + x)
        part = lambda u: hyp2f1_next(n, b, abs(alpha - beta) / (high + u)) / (high + u) ** n  # noqa: E731
        return s / n * (part(t_x) - part(T))

    def log_alive(self, x, T):
        return -(self.r + x) * mp.log(self.alpha + T) - self.s * mp.log(self.beta + T)

    def log_likelihood(self, x, t_x, T):
        constant = rising(self.r, x) + self.r * mp.log(self.alpha) + self.s * mp.log(self.beta)
        return constant + mp.log(mp.exp(self.log_alive(x, T)) + self.left(x, t_x, T))

    def log_p_alive(self, x, t_x, T):
        alive = self.log_alive(x, T)
        return alive - mp.log(mp.exp(alive) + self.left(x, t_x, T))

    def expected_transactions(self, t, x, t_x, T):
        R, alpha, s, beta = self.r + x, self.alpha + T, self.s, self.beta + T
        life = mp.log(1 + t / beta) if s == 1 else (1 - (beta / (beta + t)) ** (s - 1)) / (s - 1)
        return mp.exp(self.log_p_alive(x, t_x, T)) * R * beta / alpha * life

    def dert(self, rate, x, t_x, T):
        zeta = rate * (self.beta + T)
        value = (self.r + x) * (self.beta + T) / (self.alpha + T) * mp.hyperu(1, 2 - self.s, zeta)
        return mp.exp(self.log_p_alive(x, t_x, T)) * value

    def dect(self, t, rate, x, t_x, T):
        beta = self.beta + T
        later = mp.exp(-rate * t) * (beta / (beta + t)) ** (self.s - 1)
        full = mp.hyperu(1, 2 - self.s, rate * beta) - later * mp.hyperu(1, 2 - self.s, rate * (beta + t))
        return mp.exp(self.log_p_alive(x, t_x, T)) * (self.r + x) * beta / (self.alpha + T) * full

    def p_alive_at(self, t, x, t_x, T):
        beta = self.beta + T
        return mp.exp(self.log_p_alive(x, t_x, T)) * (beta / (beta + t)) ** self.s

    def pmf(self, n, t, x, t_x, T):
        R, alpha, s, beta = self.r + x, self.alpha + T, self.s, self.beta + T
        p = mp.exp(self.log_p_alive(x, t_x, T))
        present = (beta / (beta + t)) ** s * negative_binomial(n, R, alpha, t)
        slope = lambda u: s / beta * (1 + u / beta) ** (-s - 1) * negative_binomial(n, R, alpha, u)  # noqa: E731
        gone = mp.quad(slope, mp.linspace(0, t, 9))
        return p * (present + gone) + (1 - p if n == 0 else 0)

    def p_no_transaction(self, t, x, t_x, T):
        return self.pmf(0, t, x, t_x, T)


class GGompertz:
    def __init__(self, r, alpha, b, s, beta):
        self.r, self.alpha, self.b, self.s, self.beta = r, alpha, b, s, beta

    def present(self, u):
        return (self.beta / (self.beta + mp.expm1(self.b * u))) ** self.s

    def left(self, x, t_x, T):
        slope = lambda u: (  # noqa: E731
            self.s * self.b * mp.exp(self.b * u) / (self.beta + mp.expm1(self.b * u))
            * self.present(u) * (self.alpha + u) ** (-self.r - x)
        )  # fmt: skip
        steps = [mp.mpf(0), *(mp.mpf(2) ** -i for i in range(24, -1, -1))]
        return mp.quad(slope, [t_x + (T - t_x) * step for step in steps])

    def log_likelihood(self, x, t_x, T):
        alive = self.present(T) * (self.alpha + T) ** (-self.r - x)
        return rising(self.r, x) + self.r * mp.log(self.alpha) + mp.log(alive + self.left(x, t_x, T))

    def log_p_alive(self, x, t_x, T):
        alive = self.present(T) * (self.alpha + T) ** (-self.r - x)
        return mp.log(alive / (alive + self.left(x, t_x, T)))

    def dect(self, t, rate, x, t_x, T):
        slope = lambda u: mp.exp(-rate * u) * self.present(T + u) / self.present(T)  # noqa: E731
        steps = [mp.mpf(0), *(mp.mpf(2) ** -i for i in range(10, -1, -1))]
        value = mp.quad(slope, [t * step for step in steps])
        return mp.exp(self.log_p_alive(x, t_x, T)) * (self.r + x) / (self.alpha + T) * value

    def expected_transactions(self, t, x, t_x, T):
        return self.dect(t, 0, x, t_x, T)

    def dert(self, rate, x, t_x, T):
        return self.dect(80 / rate, rate, x, t_x, T)


class CNBD:
    """BG/CNBD-k, or with `first` = 1 MBG/CNBD-k."""

    def __init__(self, k, r, alpha, a, b, first):
        self.k, self.r, self.alpha, self.a, self.b, self.first = int(k), r, alpha, a, b, first

    def terms(self, x, t_x, T):
        """Parts of the likelihood: left at t_x, and alive with j events since, j < k."""
        r, alpha, a, b, k = self.r, self.alpha, self.a, self.b, self.k
        passed = x + self.first
        silent = [
            mp.exp(log_purchases(r, alpha, k * x + j, T)) * (T - t_x) ** j / mp.factorial(j) for j in range(k)
        ]
        chance = mp.exp(log_beta(a, b + passed) - log_beta(a, b) - x * mp.loggamma(k))
        left = mp.mpf(0)
        if passed > 0:
            left = mp.exp(log_purchases(r, alpha, k * x, t_x) - x * mp.loggamma(k))
            left *= mp.exp(log_beta(a + 1, b + passed - 1) - log_beta(a, b))
        return left, [chance * part for part in silent]

    def log_likelihood(self, *history):
        left, silent = self.terms(*history)
        return mp.log(left + mp.fsum(silent))

    def log_p_alive(self, *history):
        left, silent = self.terms(*history)
        return mp.log(mp.fsum(silent) / (left + mp.fsum(silent)))

    def expected_transactions(self, t, x, t_x, T):
        left, silent = self.terms(x, t_x, T)
        a, b, k = self.a, self.b + x + self.first, self.k
        total = mp.mpf(0)
        for j, part in enumerate(silent):
            R = self.r + k * x + j
            events, inner = itertools.count(), mp.mpf(0)
            chance = [mp.mpf(1)]
            for n in events:
                made = (n + j) // k
                while len(chance) <= made:
                    m = len(chance) - 1
                    chance.append(chance[-1] * (b + m) / (a + b + m))
                term = negative_binomial(n, R, self.alpha + T, t) * mp.fsum(chance[:made])
                inner += term
                if n > R * t / (self.alpha + T) + k and term < inner * mp.mpf(10) ** -25:
                    break
            total += part * inner
        return total / (left + mp.fsum(silent))


class BGBB:
    def __init__(self, alpha, beta, gamma, delta):
        self.alpha, self.beta, self.gamma, self.delta = alpha, beta, gamma, delta

    def alive(self, x, n):
        return mp.beta(self.alpha + x, self.beta + n - x) * mp.beta(self.gamma, self.delta + n)

    def likelihood(self, x, t_x, n):
        """times B(alpha, beta) B(gamma, delta)"""
        left = (
            mp.beta(self.alpha + x, self.beta + t_x - x + i) * mp.beta(self.gamma + 1, self.delta + t_x + i)
            for i in range(int(n - t_x))
        )
        return self.alive(x, n) + mp.fsum(left)

    def log_likelihood(self, *history):
        return mp.log(
            self.likelihood(*history) / mp.beta(self.alpha, self.beta) / mp.beta(self.gamma, self.delta)
        )

    def log_p_alive(self, x, t_x, n):
        return mp.log(self.alive(x, n) / self.likelihood(x, t_x, n))

    def dect(self, t, rate, x, t_x, n):
        buys = mp.beta(self.alpha + x + 1, self.beta + n - x)
        terms = (mp.beta(self.gamma, self.delta + n + i) * (1 + rate) ** -i for i in range(1, int(t) + 1))
        return buys * mp.fsum(terms) / self.likelihood(x, t_x, n)

    def expected_transactions(self, t, *history):
        return self.dect(t, 0, *history)

    def dert(self, rate, *history):
        return self.dect(mp.ceil(60 / mp.log(1 + rate)), rate, *history)

    def pmf(self, n, t, x, t_x, opportunities):
        a, b = self.alpha + x, self.beta + opportunities - x
        c, d = self.gamma, self.delta + opportunities
        p = mp.exp(self.log_p_alive(x, t_x, opportunities))
        taken = lambda i: mp.binomial(i, n) * mp.beta(a + n, b + i - n) / mp.beta(a, b)  # noqa: E731
        present = taken(t) * mp.beta(c, d + t) / mp.beta(c, d)
        gone = mp.fsum(taken(i) * mp.beta(c + 1, d + i) / mp.beta(c, d) for i in range(int(n), int(t)))
        return p * (present + gone) + (1 - p if n == 0 else 0)


class Contract:
    """sBG (c = 1) and BdW."""

    def __init__(self, alpha, beta, c=1):
        self.alpha, self.beta, self.c = alpha, beta, c

    def survival(self, t):
        return mp.exp(log_beta(self.alpha, self.beta + t**self.c) - log_beta(self.alpha, self.beta))

    def retention(self, t):
        return self.survival(t) / self.survival(t - 1)

    def residual_lifetime(self, rate, n):
        terms = int(50 / mp.log(1 + rate))
        later = (self.survival(n + j) * (1 + rate) ** (1 - j) for j in range(1, terms))
        return mp.fsum(later) / self.survival(n)


class GammaGamma:
    def __init__(self, p, q, v):
        self.p, self.q, self.v = p, q, v

    def log_likelihood(self, x, mean):
        p, q, v = self.p * x, self.q, self.v
        constant = mp.loggamma(p + q) - mp.loggamma(p) - mp.loggamma(q) + q * mp.log(v)
        return constant + (p - 1) * mp.log(mean) + p * mp.log(x) - (p + q) * mp.log(v + x * mean)


MODELS: dict[str, Callable] = {
    "BGNBD": lambda *m: BG(*m, 0), "MBGNBD": lambda *m: BG(*m, 1), "ParetoNBD": Pareto,
    "GGompertzNBD": GGompertz, "BGCNBD": lambda *m: CNBD(*m, 0), "MBGCNBD": lambda *m: CNBD(*m, 1),
    "BGBB": BGBB, "SBG": Contract, "BdW": Contract, "GammaGamma": GammaGamma,
}  # fmt: skip


def rows(model: str, parameters: str, quantities: Sequence[str], arguments: Sequence[str]) -> Iterator[str]:
    """One line a quantity and customer. Values too small for a double are left out."""
    made = MODELS[model](*numbers(parameters))
    for argument, quantity in itertools.product(arguments, quantities):
        name, *leading = quantity.split()
        given = " ".join([*leading, argument])
        value = getattr(made, name)(*numbers(given))
        if abs(value) > mp.mpf(10) ** -290 or value == 0:
            yield f"{name},{model},{parameters},{given},{mp.nstr(value, 17)}"


def main() -> None:
    main_figures = ["log_likelihood", "log_p_alive", "expected_transactions 52"]
    few = ["0 0 38.86", "2 30.43 38.86", "26 30.86 31", "5 20 60"]
    lines = ["quantity,model,parameters,arguments,value"]
    for model, sets in [("BGNBD", BG_SETS), ("MBGNBD", BG_SETS), ("ParetoNBD", PARETO_SETS)]:
        for parameters in sets:
            mp.mp.dps = 400  # differences of large powers
            lines += rows(model, parameters, main_figures, CUSTOMERS)
            print(model, parameters, len(lines), flush=True)

    mp.mp.dps = 30
    others = ["p_no_transaction 10", "p_alive_at 26", "pmf 1 39", "pmf 12 39"]
    discounted = ["dert 0.002", "dert 0.1", "dect 52 0.002", "dect 300 0.01"]
    for model, sets in [("BGNBD", BG_SETS[:4]), ("MBGNBD", BG_SETS[:4]), ("ParetoNBD", PARETO_SETS[:7])]:
        for parameters in sets:
            lines += rows(model, parameters, others + discounted, few)
            print(model, parameters, len(lines), flush=True)
    mp.mp.dps = 50
    for parameters in ["0.8 9 0.02 0.5 0.7", "0.553 10.578 0.0002 0.603 0.0026"]:  # as printed
        lines += rows("GGompertzNBD", parameters, main_figures, CUSTOMERS)
        print(parameters, len(lines), flush=True)
    for model, k in itertools.product(["BGCNBD", "MBGCNBD"], [2, 3]):
        lines += rows(model, f"{k} 0.85 1.45 0.79 2.42", main_figures, CUSTOMERS)
        print(model, k, len(lines), flush=True)
    lines += rows(
        "BGBB", "1.204 0.75 0.657 2.783", ["log_likelihood", "log_p_alive", "expected_transactions 5"], DONORS
    )
    mp.mp.dps = 30
    for parameters in [
        "0.8 9 0.02 0.5 0.7",
        "0.55 10 0.0002 0.6 0.0026",
        "1.2 8 0.3 2 40",
        "0.6 5 0.05 0.3 900",
    ]:
        figures = [*main_figures, "dert 0.01", "dect 52 0.002"]
        lines += rows("GGompertzNBD", parameters, figures, [*few, "161 94.71429 98", "1000 99.9 100"])
        print(parameters, len(lines), flush=True)
    for model, k in itertools.product(["BGCNBD", "MBGCNBD"], [1, 2, 3, 7]):
        parameters = f"{k} 0.85 1.45 0.79 2.42"
        lines += rows(model, parameters, [*main_figures[:2], "expected_transactions 20"], few)
        lines += rows(model, parameters, main_figures[:2], ["161 94.71429 98", "1000 99.9 100"])
        print(model, parameters, len(lines), flush=True)
    for parameters in ["1.204 0.75 0.657 2.783", "0.3 0.2 1 4", "3 40 20 900"]:
        figures = [
            *main_figures[:2],
            "expected_transactions 10",
            "dert 0.1",
            "dect 7 0.05",
            "pmf 0 5",
            "pmf 3 5",
        ]
        histories = ["0 0 0", "0 0 6", "4 5 6", "6 6 6", "1 1 400", "37 80 300"]
        lines += rows("BGBB", parameters, figures, histories)
    for model, parameters in [
        ("SBG", "0.668 3.806"), ("SBG", "0.067 0.267"), ("SBG", "600 9000"), ("BdW", "0.2142 1.4266 1.7236"),
        ("BdW", "0.4556 0.7793 1.2835"), ("BdW", "3 5 0.4"), ("BdW", "0.668 3.806 1"),
    ]:  # fmt: skip
        lines += rows(model, parameters, ["survival", "retention"], ["1", "7", "60", "1000"])
        lines += rows(
            model, parameters, ["residual_lifetime 0.1", "residual_lifetime 0.004"], ["0", "7", "60"]
        )
    for parameters in ["6.25 3.74 15.44", "3.1 0.6 56.5", "0.02 50 4000"]:
        lines += rows(
            "GammaGamma", parameters, ["log_likelihood"], ["1 11.77", "2 22.35", "900 0.01", "3 1000000"]
        )
    pathlib.Path(__file__).with_suffix(".csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
