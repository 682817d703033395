"""Write tests/golden/clv_covariates.csv: fits with covariates by the definitions, with mpmath.

Run by hand: ``python tests/golden/clv_covariates.py``. The data are made by formulas that
tests/cpp/test_clv_covariates.cpp repeats. Each fit is Newton's method in the logarithms of the
parameters and the coefficients, with numerical derivatives at 30 digits; standard errors are those of the
parameters themselves.
"""

import csv
import pathlib

from mpmath import beta, diff, exp, eye, gamma, inverse, log, lu_solve, matrix, mp, mpf, norm, sin, sqrt

mp.dps = 30


def spend(p, q, v, effect):
    """ln density of mean amounts: Gamma(p x, rate ν x), ν ~ Gamma(q, rate v e^(effect z))."""
    total = mpf(0)
    for i in range(40):
        x, z = 1 + i * 7 % 5, mpf(i % 5 - 2) / 2
        mean = 20 * exp(mpf("0.3") * z + mpf("0.6") * sin(mpf("1.7") * i) + sin(mpf("2.3") * i) / x)
        rate, px = v * exp(effect * z), p * x
        total += log(gamma(px + q) / (gamma(px) * gamma(q)) * rate**q / mean)
        total += px * log(x * mean) - (px + q) * log(rate + x * mean)
    return total


COHORTS = [
    (0, (1000, 771, 627, 533, 462, 412)),
    (1, (1000, 688, 517, 405, 334)),
    (0, (500, 384, 315, 266)),
    (1, (400, 277, 205, 164)),
]


def contracts(a, b, c, on_alpha, on_beta):
    """ln L of cohorts counted at each renewal, S(t) = B(a, b + t^c)/B(a, b)."""
    total = mpf(0)
    for z, left in COHORTS:
        own_a, own_b = a * exp(on_alpha * z), b * exp(on_beta * z)
        here = [beta(own_a, own_b + (mpf(t) ** c if t else 0)) / beta(own_a, own_b) for t in range(len(left))]
        total += left[-1] * log(here[-1])
        for t in range(1, len(left)):
            total += (left[t - 1] - left[t]) * log(here[t - 1] - here[t])
    return total


def fit(log_likelihood, start, positive):
    """Estimates, their standard errors and ln L; the first `positive` are sought by their logarithms."""

    def at(*u):
        return log_likelihood(*(exp(v) if k < positive else v for k, v in enumerate(u)))

    def order(*variables):
        return tuple(variables.count(k) for k in range(n))

    n = len(start)
    u, best = list(start), at(*start)
    for _ in range(60):
        slope = matrix([diff(at, u, order(k)) for k in range(n)])
        information = matrix(n, n)
        for i in range(n):
            for j in range(n):
                information[i, j] = -diff(at, u, order(i, j))
        if norm(slope) < mpf(10) ** -15:
            break
        shift = mpf(0)
        while True:
            step = lu_solve(information + shift * eye(n), slope)
            there = [v + d for v, d in zip(u, step, strict=True)]
            if max(map(abs, step)) < 2 and at(*there) > best - mpf(10) ** -20:
                break
            shift = max(10 * shift, mpf("0.01"))
        u, best = there, at(*there)
    covariance = inverse(information)
    values = [exp(v) if k < positive else v for k, v in enumerate(u)]
    errors = [sqrt(covariance[k, k]) * (values[k] if k < positive else 1) for k in range(n)]
    return values, errors, best


FITS = {
    "GammaGamma": (spend, (log(3), log(8), log(50), mpf("0.3")), 3),
    "SBG alpha": (lambda a, b, g: contracts(a, b, 1, g, 0), (mpf(0), mpf(1), mpf("0.4")), 2),
    "SBG equal": (lambda a, b, g: contracts(a, b, 1, g, g), (mpf(0), mpf(1), mpf(0)), 2),
    "BdW beta": (lambda a, b, c, g: contracts(a, b, c, 0, g), (mpf(0), mpf(1), mpf(0), mpf("-0.4")), 3),
}

with pathlib.Path(__file__).with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
    writer = csv.writer(file)
    writer.writerow(["fit", "estimates", "standard_errors", "log_likelihood"])
    for name, (log_likelihood, start, positive) in FITS.items():
        values, errors, best = fit(log_likelihood, start, positive)
        texts = (" ".join(mp.nstr(v, 15) for v in part) for part in (values, errors, [best]))
        writer.writerow([name, *texts])
