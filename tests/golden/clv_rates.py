"""Write tests/golden/clv_rates.csv: a customer's own rates given its history, with mpmath.

Each is the prior of the rate times the likelihood of the history given that rate, with all else integrated
out, and its moments and quantiles are plain integrals of that, right to about 1e-7; the library sums over the
customer's fates instead. Run by hand when a case is added: ``python tests/golden/clv_rates.py``.
"""

import pathlib
from collections.abc import Callable, Iterator

import mpmath as mp

mp.mp.dps = 25

WEEKS = ["0 0 38.86", "2 30.43 38.86", "2 8 38.86", "26 30.86 31"]  # x, t_x, T
YEARS = ["0 0 6", "2 3 6", "5 6 6"]
Density = Callable[[mp.mpf], mp.mpf]


def gamma(shape: mp.mpf, rate: mp.mpf) -> Density:
    return lambda q: q ** (shape - 1) * mp.exp(-rate * q)


def beta(a: mp.mpf, b: mp.mpf) -> Density:
    return lambda q: q ** (a - 1) * (1 - q) ** (b - 1)


def geometric(r: mp.mpf, alpha: mp.mpf, a: mp.mpf, b: mp.mpf, first: int) -> Callable[..., list[Density]]:
    """BG/NBD, or with a chance to leave at the first purchase MBG/NBD."""

    def densities(x: mp.mpf, t_x: mp.mpf, T: mp.mpf) -> list[Density]:
        chances = int(x) + first
        stays = mp.beta(a, b + chances)
        leaves = mp.beta(a + 1, b + chances - 1) if chances else mp.mpf(0)
        prior = gamma(r, alpha)

        def rate(q: mp.mpf) -> mp.mpf:
            return prior(q) * q**x * (stays * mp.exp(-q * T) + leaves * mp.exp(-q * t_x))

        def dropout(p: mp.mpf) -> mp.mpf:
            alive = (1 - p) ** chances * (alpha + T) ** (-r - x)
            gone = p * (1 - p) ** (chances - 1) * (alpha + t_x) ** (-r - x) if chances else mp.mpf(0)
            return beta(a, b)(p) * (alive + gone)

        return [rate, dropout]

    return densities


def pareto(r: mp.mpf, alpha: mp.mpf, s: mp.mpf, b: mp.mpf) -> Callable[..., list[Density]]:
    def densities(x: mp.mpf, t_x: mp.mpf, T: mp.mpf) -> list[Density]:
        def rate(q: mp.mpf) -> mp.mpf:
            left = s * mp.exp(q * b) * q**s * mp.gammainc(-s, q * (b + t_x), q * (b + T))
            return gamma(r, alpha)(q) * q**x * ((b + T) ** (-s) * mp.exp(-q * T) + left)

        def dropout(q: mp.mpf) -> mp.mpf:
            R = r + x
            left = mp.exp(q * alpha) * q**R * mp.gammainc(1 - R, q * (alpha + t_x), q * (alpha + T))
            return gamma(s, b)(q) * ((alpha + T) ** (-R) * mp.exp(-q * T) + left)

        return [rate, dropout]

    return densities


def bgbb(a: mp.mpf, b: mp.mpf, c: mp.mpf, d: mp.mpf) -> Callable[..., list[Density]]:
    def densities(x: mp.mpf, t_x: mp.mpf, n: mp.mpf) -> list[Density]:
        times = range(int(t_x), int(n))

        def rate(p: mp.mpf) -> mp.mpf:
            alive = (1 - p) ** (n - x) * mp.beta(c, d + n)
            return (
                beta(a, b)(p)
                * p**x
                * (alive + sum((1 - p) ** (u - x) * mp.beta(c + 1, d + u) for u in times))
            )

        def dropout(q: mp.mpf) -> mp.mpf:
            alive = mp.beta(a + x, b + n - x) * (1 - q) ** n
            return beta(c, d)(q) * (alive + sum(mp.beta(a + x, b + u - x) * q * (1 - q) ** u for u in times))

        return [rate, dropout]

    return densities


def described(density: Density, top: mp.mpf) -> Iterator[mp.mpf]:
    """Mean, sd, and the quantiles of 5 and 95 percent, by integrals over ln q, where nothing is singular."""

    def integral(power: int, end: mp.mpf) -> mp.mpf:
        return mp.quad(
            lambda y: mp.exp((power + 1) * y) * density(mp.exp(y)), [*(e for e in edges if e < end), end]
        )

    middle = mp.mpf(0)
    for _ in range(2):  # where the mass lies is found with the first mean
        cuts = (-300, -80, -30, -12, -5, -2, -1, "-0.5", 0, "0.5", 1, 2, 3, 5)
        edges = [middle + mp.mpf(cut) for cut in cuts]
        end = min(mp.log(top), middle + 7)
        total, first, second = (integral(power, end) for power in range(3))
        middle = mp.log(first / total)
    yield first / total
    yield mp.sqrt(second / total - (first / total) ** 2)
    # In logarithms the lower tail is a line, and any search is short.
    for probability, low, high in (("0.05", -60, 0), ("0.95", -1, 4)):
        ends = middle + low, min(middle + high, mp.log(top) - mp.mpf("1e-9"))
        wanted = mp.log(mp.mpf(probability))
        yield mp.exp(
            mp.findroot(
                lambda y, to=wanted: mp.log(integral(0, y) / total) - to, ends, solver="illinois", tol=1e-22
            )
        )


def main() -> None:
    m = mp.mpf
    models = {
        "bg": (geometric(m("0.243"), m("4.414"), m("0.793"), m("2.426"), 0), WEEKS, [mp.inf, m(1)]),
        "mbg": (geometric(m("0.525"), m("6.183"), m("0.891"), m("1.614"), 1), WEEKS, [mp.inf, m(1)]),
        "pareto": (pareto(m("0.553"), m("10.578"), m("0.606"), m("11.669")), WEEKS, [mp.inf, mp.inf]),
        "bgbb": (bgbb(m("1.204"), m("0.75"), m("0.657"), m("2.783")), YEARS, [m(1), m(1)]),
    }
    lines = ["model,which,x,t_x,T,mean,sd,low,high"]
    for name, (densities, customers, tops) in models.items():
        for customer in customers:
            history = [m(value) for value in customer.split()]
            made = zip(("rate", "dropout"), densities(*history), tops, strict=True)
            for which, density, top in made:
                values = [mp.nstr(value, 14) for value in described(density, top)]
                lines.append(",".join([name, which, *customer.split(), *values]))
                print(lines[-1], flush=True)
    pathlib.Path(__file__).with_suffix(".csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
