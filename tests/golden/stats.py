"""Write tests/golden/stats.csv: interval ends and concentration figures to 17 digits with mpmath.

Run by hand when a case is added: ``python tests/golden/stats.py``.
"""

import pathlib

import mpmath as mp
import scipy.stats

mp.mp.dps = 40


def beta_cdf(x: mp.mpf, a: mp.mpf, b: mp.mpf) -> mp.mpf:
    """I_x(a, b) by its series of positive terms on the side of x where that is short."""
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_cdf(1 - x, b, a)
    term = (
        mp.exp(a * mp.log(x) + b * mp.log(1 - x) + mp.loggamma(a + b) - mp.loggamma(a) - mp.loggamma(b)) / a
    )
    total, i = mp.mpf(0), 0
    while term > total * mp.mpf(10) ** -35:
        total += term
        term *= x * (a + b + i) / (a + 1 + i)
        i += 1
    return total


def beta_quantile(p: mp.mpf, a: mp.mpf, b: mp.mpf) -> mp.mpf:
    """The double-precision quantile of SciPy, polished by Newton's rule."""
    a, b = mp.mpf(a), mp.mpf(b)
    x = mp.mpf(scipy.stats.beta.ppf(float(p), float(a), float(b)))
    for _ in range(4):
        log_density = (a - 1) * mp.log(x) + (b - 1) * mp.log(1 - x)
        log_density += mp.loggamma(a + b) - mp.loggamma(a) - mp.loggamma(b)
        x -= (beta_cdf(x, a, b) - p) / mp.exp(log_density)
    return x


def normal_quantile(p: mp.mpf) -> mp.mpf:
    return mp.sqrt(2) * mp.erfinv(2 * p - 1)


def student_quantile(p: mp.mpf, degrees: int) -> mp.mpf:
    """For p above one half: t² = ν(1/w − 1), where w is a beta quantile."""
    w = beta_quantile(2 * (1 - p), mp.mpf(degrees) / 2, mp.mpf(1) / 2)
    return mp.sqrt(degrees * (1 / w - 1))


def wilson(k: int, n: int, level: int) -> tuple[mp.mpf, mp.mpf]:
    z = normal_quantile(mp.mpf(100 + level) / 200)
    p = mp.mpf(k) / n
    half = z * mp.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    middle = p + z**2 / (2 * n)
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)


def beta_interval(k: int, n: int, level: int, shift: tuple[float, float]) -> tuple[mp.mpf, mp.mpf]:
    tail = mp.mpf(100 - level) / 200
    a, b = (mp.mpf(x) for x in shift)
    low = mp.mpf(0) if k == 0 else beta_quantile(tail, k + a, n - k + b)
    high = mp.mpf(1) if k == n else beta_quantile(1 - tail, k + b, n - k + a)
    return low, high


def main() -> None:
    rows = ["quantity,k,n,level,low,high"]
    for k, n in [(0, 1), (1, 1), (3, 10), (0, 5), (5, 5), (7, 19), (250, 1000), (1995, 2000)]:
        for level in (80, 95, 99):
            for name, (low, high) in {
                "wilson": wilson(k, n, level),
                "clopper_pearson": beta_interval(k, n, level, (0, 1)),
                "jeffreys": beta_interval(k, n, level, (0.5, 0.5)),
            }.items():
                low, high = (mp.mpf(0) if k == 0 else low), (mp.mpf(1) if k == n else high)
                rows.append(f"{name},{k},{n},{level},{mp.nstr(low, 17)},{mp.nstr(high, 17)}")
    for degrees in (1, 2, 5, 30, 1000):
        for level in (80, 95, 99):
            t = student_quantile(mp.mpf(100 + level) / 200, degrees)
            rows.append(f"student,{degrees},{degrees + 1},{level},{mp.nstr(-t, 17)},{mp.nstr(t, 17)}")
    pathlib.Path(__file__).with_suffix(".csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
