"""A customer's own rates, held against weighed draws from the priors and the definition of each model."""

import numpy as np
import pytest
import salesops as so
from salesops import UsageError

DRAWS = 400_000
HISTORIES = [(0, 0.0, 30.0), (3, 12.0, 30.0), (6, 29.0, 30.0)]


def geometric(m, rng, x, t_x, T, first):
    """Rates, dropouts, and the likelihood of a history under each; `first`: may leave at the first too."""
    k = getattr(m, "k", None) or 1
    lam, p = rng.gamma(m.r, 1 / m.alpha, DRAWS), rng.beta(m.a, m.b, DRAWS)
    silence = lam * (T - t_x)
    silent = sum(silence**j / np.exp(sum(np.log(np.arange(1, j + 1)))) for j in range(k)) * np.exp(-silence)
    bought = lam ** (k * x) * np.exp(-lam * t_x)
    chances = x + first
    gone = p * (1 - p) ** (chances - 1) if chances else 0
    return lam / k, p, bought * ((1 - p) ** chances * silent + gone)


def leaves_at_any_time(m, rng, x, t_x, T):
    lam = rng.gamma(m.r, 1 / m.alpha, DRAWS)
    level = rng.gamma(m.s, 1 / m.beta, DRAWS)
    b = getattr(m, "b", None)
    u = np.linspace(t_x, T, 201)
    bought = lam**x
    total = np.zeros(DRAWS)
    grown = (lambda t: np.expm1(b * t)) if b else (lambda t: t)
    pace = (lambda t: b * np.exp(b * t)) if b else (lambda t: 1.0)
    weights = np.full(201, (T - t_x) / 200)
    weights[[0, -1]] /= 2
    for time, weight in zip(u, weights, strict=True):
        total += weight * level * pace(time) * np.exp(-level * grown(time) - lam * time)
    alive = np.exp(-level * grown(T) - lam * T)
    return lam, level * pace(T), bought * (alive + total)


def opportunities(m, rng, x, t_x, n):
    p, theta = rng.beta(m.alpha, m.beta, DRAWS), rng.beta(m.gamma, m.delta, DRAWS)
    total = (1 - p) ** (n - x) * (1 - theta) ** n
    for u in range(t_x, n):
        total += (1 - p) ** (u - x) * theta * (1 - theta) ** u
    return p, theta, p**x * total


CASES = {
    "bg": (so.clv.BGNBD(r=0.8, alpha=6, a=0.8, b=2.4), lambda *a: geometric(*a, 0)),
    "mbg": (so.clv.MBGNBD(r=0.8, alpha=6, a=0.8, b=2.4), lambda *a: geometric(*a, 1)),
    "bg_cnbd": (so.clv.BGCNBD(r=0.8, alpha=2, a=0.8, b=2.4, k=3), lambda *a: geometric(*a, 0)),
    "mbg_cnbd": (so.clv.MBGCNBD(r=0.8, alpha=2, a=0.8, b=2.4, k=2), lambda *a: geometric(*a, 1)),
    "pareto": (so.clv.ParetoNBD(r=0.8, alpha=6, s=0.7, beta=12), leaves_at_any_time),
    "ggompertz": (so.clv.GGompertzNBD(r=0.8, alpha=6, b=0.05, s=0.7, beta=2), leaves_at_any_time),
}


def described(values, weights, level=90):
    """Mean, sd and quantiles of weighed values."""
    order = np.argsort(values)
    values, weights = values[order], weights[order] / weights.sum()
    mean = (weights * values).sum()
    sd = np.sqrt((weights * (values - mean) ** 2).sum())
    tail = (100 - level) / 200
    low, high = values[np.searchsorted(np.cumsum(weights), [tail, 1 - tail])]
    return {"mean": mean, "sd": sd, "lo": low, "hi": high}


def near(found, known, scale):
    for name in ("mean", "sd", "lo", "hi"):
        assert found[name] == pytest.approx(known[name], rel=0.03, abs=0.01 * scale), name


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("history", HISTORIES)
def test_rates_are_those_of_weighed_draws(kind, history):
    model, weigh = CASES[kind]
    rate, dropout, weights = weigh(model, np.random.default_rng(1), *history)
    near(model.rate_distribution(*history), described(rate, weights), described(rate, weights)["sd"])
    known = described(dropout, weights)
    near(model.dropout_distribution(*history), known, known["sd"])


@pytest.mark.parametrize("history", [(0, 0, 6), (2, 3, 6), (6, 6, 6)])
def test_rates_at_opportunities(history):
    model = so.clv.BGBB(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)
    p, theta, weights = opportunities(model, np.random.default_rng(1), *history)
    near(model.rate_distribution(*history, level=80), described(p, weights, 80), 0.1)
    near(model.dropout_distribution(*history, level=80), described(theta, weights, 80), 0.1)


def test_correlated_rates():
    model = so.clv.SarmanovParetoNBD(r=0.8, alpha=6, s=0.7, beta=12, m=4)
    plain = so.clv.ParetoNBD(r=0.8, alpha=6, s=0.7, beta=12)
    lam, mu, weights = leaves_at_any_time(plain, np.random.default_rng(1), 3, 12.0, 30.0)
    tilt = 1 + 4 * (np.exp(-lam) - (6 / 7) ** 0.8) * (np.exp(-mu) - (12 / 13) ** 0.7)
    near(model.rate_distribution(3, 12.0, 30.0), described(lam, weights * tilt), 0.1)
    near(model.dropout_distribution(3, 12.0, 30.0), described(mu, weights * tilt), 0.05)


def test_one_and_many_answer_alike():
    model = CASES["pareto"][0]
    x, t_x, T = (np.array(column, dtype=float) for column in zip(*HISTORIES, strict=True))
    many = model.rate_distribution(x, t_x, T, level=80)
    assert list(many) == ["mean", "sd", "lo", "hi"]
    assert (many["mean"] == model.expected_rate(x, t_x, T)).all()
    assert (model.dropout_distribution(x, t_x, T)["mean"] == model.expected_dropout(x, t_x, T)).all()
    for i, history in enumerate(HISTORIES):
        one = model.rate_distribution(*history, level=80)
        assert all(isinstance(value, float) and value == many[name][i] for name, value in one.items())
    wide = model.rate_distribution(x, t_x, T, level=99)
    assert (wide["lo"] < many["lo"]).all()
    assert (wide["hi"] > many["hi"]).all()
    with pytest.raises(UsageError, match="level"):
        model.rate_distribution(1, 2, 3, level=100)
    with pytest.raises(UsageError, match="t_x"):
        model.rate_distribution(1, 5, 3)


def test_who_never_leaves_has_no_dropout():
    nbd = so.clv.NBD(r=2, alpha=10)
    assert nbd.dropout_distribution(1, 5, 20) == {"mean": 0, "sd": 0, "lo": 0, "hi": 0}


def test_draws_of_the_parameters_have_rates_too():
    rows = so.clv.BGNBD(r=0.6, alpha=5, a=1.2, b=3.5).simulate(np.full(300, 39.0), seed=3)
    drawn = so.clv.BGNBD().fit(rows).posterior(200, chains=2, warmup=200, progress=False)
    asked = drawn.ask(lambda m: m.rate_distribution(2, 20, 39)["hi"], count=50)
    assert asked["lo"] < asked["mean"] < asked["hi"]


def test_plans_have_means_only():
    start = np.datetime64("2024-01-01")
    truth = so.clv.ParetoNBD(r=0.9, alpha=12, s=0.8, beta=30)
    born = start + np.random.default_rng(1).integers(0, 200, 400)
    log = truth.simulate_transactions(born, until="2025-06-30", unit="week", seed=5)
    days = np.arange(start, np.datetime64("2026-07-01"), 7)
    weeks = {"start": days, "season": (np.arange(len(days)) % 52 > 44).astype(int)}
    told = so.clv.rfm(log, unit="week", observation_end="2025-06-30").over_time(weeks)
    won = so.clv.ParetoNBD().fit(told, covariates=["season"]).model_of(weeks, first="2025-07-01")
    assert won.expected_rate(1, 2, 3) > 0
    for question in (won.rate_distribution, won.dropout_distribution):
        with pytest.raises(UsageError, match="have means only: ask expected_"):
            question(1, 2, 3)
