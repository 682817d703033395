"""Each draw of the parameters forecasts by itself: its own discount, its own settings, no other rows."""

import itertools
import math
import warnings

import numpy as np
import pytest
import salesops as so
from salesops import UsageError

SPEND = so.clv.GammaGamma(p=6.25, q=3.74, v=15.44)
WEEK = 7 / 365.2425  # years
NEVER_SPENT = {"spend_frequency": 0.0, "monetary_value": 0.0}


def crowd(n=60, seed=3):
    made = so.clv.BGNBD(r=0.6, alpha=5, a=0.8, b=2.5).simulate(np.full(n, 30.0), seed=seed)
    return {name: made[name] for name in ("frequency", "recency", "T", "sum_log_gaps")}


def with_spend(rows):
    return rows | {name: np.full(len(rows["T"]), value) for name, value in NEVER_SPENT.items()}


KINDS = {
    "NBD": (so.clv.NBD(), 1e-13),
    "BGNBD": (so.clv.BGNBD(), 1e-10),
    "MBGNBD": (so.clv.MBGNBD(), 1e-10),
    "ParetoNBD": (so.clv.ParetoNBD(), 1e-10),
    "MBGCNBD": (so.clv.MBGCNBD(k=2), 1e-10),
    "GGompertzNBD": (so.clv.GGompertzNBD(priors={"b": (0.02, 0.3)}), 1e-12),
}


@pytest.fixture(scope="module", params=KINDS)
def drawn(request):
    kind, tolerance = KINDS[request.param]
    rows = crowd(400 if request.param == "GGompertzNBD" else 60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", so.clv.ConvergenceWarning)  # its draws are what is looked at
        fit = kind.clone().fit(rows, unit="week")
    return fit.posterior(150, chains=2, warmup=150, progress=False), tolerance


@pytest.mark.parametrize(
    ("weeks", "yearly"), [(4, 0.10), (52, 0.15), (520, 0.5), (520, 0.02), (2000, 0.5), (2000, 0.1)]
)
def test_each_draw_discounts_what_it_expects(drawn, weeks, yearly):
    posterior, tolerance = drawn
    rows = with_spend({name: column[:12] for name, column in crowd().items()})
    history = {"x": rows["frequency"], "t_x": rows["recency"], "T": rows["T"]}
    rate = math.log1p(yearly) * WEEK
    discount = f"{yearly:.0%} / year"
    kind = type(posterior._model)
    k = {"k": posterior._model.k_} if hasattr(posterior._model, "k_") else {}
    own = np.array(
        [kind(*row, **k).dect(float(weeks), rate, **history) for row in posterior._thinned().tolist()]
    )
    worth = own * SPEND.expected_spend_new()
    asked = {"horizon": f"{weeks} weeks", "discount": discount, "spend": SPEND}
    out = posterior.predict(rows, level=90, **asked)
    low, high = np.quantile(worth, (0.05, 0.95), axis=0)
    for name, known in {"clv": worth.mean(axis=0), "clv_lo_90": low, "clv_hi_90": high}.items():
        assert out[name] == pytest.approx(known, rel=10 * tolerance), name
    total = posterior.total(rows, level=90, **asked)
    assert total["clv"] == pytest.approx(worth.sum(axis=1).mean(), rel=tolerance)
    assert total["clv_hi_90"] == pytest.approx(np.quantile(worth.sum(axis=1), 0.95), rel=10 * tolerance)


@pytest.mark.parametrize("kind", [so.clv.BGNBD, so.clv.ParetoNBD])
def test_totals_are_the_sums_of_schedules(kind):
    rows = with_spend(crowd(300))
    posterior = kind().fit(rows, unit="week").posterior(150, chains=2, warmup=150, progress=False)
    asked = {"horizon": "5 years", "discount": "15% / year", "spend": SPEND}
    plan = posterior.clv_schedule(rows, every="year", as_of="2026-01-01", **asked)
    total = posterior.total(rows, **asked)
    assert total["clv"] == pytest.approx(plan["clv"].sum(), rel=1e-9)
    assert total["transactions"] == pytest.approx(plan["expected_transactions"].sum(), rel=1e-9)


@pytest.mark.parametrize("kind", [so.clv.BGNBD, so.clv.MBGNBD, so.clv.ParetoNBD])
def test_a_longer_time_is_worth_more_and_never_more_than_all(kind):
    model = kind().fit(crowd(), unit="week")
    rows = with_spend({name: column[4:9] for name, column in crowd().items()})
    asked = {"discount": "50% / year", "spend": SPEND, "level": 90}
    ends = [model.predict(rows, horizon=f"{weeks} weeks", **asked) for weeks in (52, 520, 1040, 2000)]
    ends.append(model.predict(rows, **asked))
    for name in ("clv", "clv_lo_90", "clv_hi_90"):
        for sooner, later in itertools.pairwise(ends):
            assert (sooner[name] <= later[name] * (1 + 1e-9)).all(), name
        assert ends[3][name] == pytest.approx(ends[4][name], rel=1e-5)


def test_draws_over_covariates_that_change_discount_themselves():
    days = np.datetime64("2025-01-06") + np.arange(120).astype("timedelta64[D]")
    log = so.clv.ParetoNBD(r=0.8, alpha=6, s=0.8, beta=14).simulate_transactions(
        days.astype(str).tolist(), until="2025-12-28", unit="week", seed=5
    )
    weeks = np.datetime64("2025-01-06") + (7 * np.arange(260)).astype("timedelta64[D]")
    seasons = {"start": weeks, "season": (np.arange(260) % 8 < 3).astype(float)}
    rows = so.clv.rfm(log, unit="week", observation_end="2025-12-28").over_time(seasons)
    model = so.clv.ParetoNBD().fit(rows, covariates=["season"])
    posterior = model.posterior(150, chains=2, warmup=150, progress=False)
    asked = {"horizon": "150 weeks", "discount": "80% / year"}
    plan = posterior.clv_schedule(rows, every="year", **asked)
    spend = so.clv.GammaGamma(p=6.25, q=3.74, v=15.44)
    amounts = {**log, "amount": np.ones(len(log["time"]))}
    paid = so.clv.rfm(amounts, unit="week", amount="amount", observation_end="2025-12-28").over_time(seasons)
    total = posterior.total(
        paid,
        spend=spend,
        **asked,
    )
    whole = posterior.clv_schedule(
        paid,
        every="year",
        spend=spend,
        **asked,
    )
    assert total["transactions"] == pytest.approx(plan["expected_transactions"].sum(), rel=1e-9)
    assert total["clv"] == pytest.approx(whole["clv"].sum(), rel=1e-9)


def test_the_range_of_a_total_is_as_wide_as_its_uncertainty():
    """By the delta method, whose intervals cover what they say of so many customers."""
    truth = so.clv.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
    seen = truth.simulate(np.random.default_rng(7).uniform(27, 39, 10_000), seed=7)
    history = {"x": seen["frequency"], "t_x": seen["recency"], "T": seen["T"]}
    fit = so.clv.BGNBD().fit(seen, unit="week")
    values = np.array(list(fit.params_.values()))
    slopes = []
    for j in range(4):
        ends = [values * np.exp(np.where(np.arange(4) == j, step, 0)) for step in (1e-4, -1e-4)]
        up, down = (math.log(so.clv.BGNBD(*end).expected_transactions(39, **history).sum()) for end in ends)
        slopes.append((up - down) / 2e-4)
    covariance = fit.covariance_ / np.outer(values, values)
    sd = math.sqrt(np.array(slopes) @ covariance @ np.array(slopes))
    said = fit.total(**history, horizon=39, level=90)
    width = math.log(said["transactions_hi_90"] / said["transactions_lo_90"])
    assert width == pytest.approx(2 * 1.6448536 * sd, rel=0.025)


def test_draws_keep_the_k_that_was_found():
    posterior = so.clv.MBGCNBD().fit(crowd(200)).posterior(150, chains=2, warmup=100, progress=False)
    k = posterior._model.k_
    assert all(one.k == k for one in posterior.models(5))
    answer = posterior.ask(lambda m: m.p_alive(2, 20.0, 30.0), count=20)
    assert 0 < answer["lo"] < answer["hi"] < 1


# ---- other rows ----

MODELS = {
    "Sarmanov": so.clv.SarmanovParetoNBD(r=0.54, alpha=10.1, s=0.51, beta=9.2, m=10.0),
    "Pareto": so.clv.ParetoNBD(r=0.54, alpha=10.1, s=0.51, beta=9.2),
    "GGompertz": so.clv.GGompertzNBD(r=0.8, alpha=9, b=0.02, s=0.5, beta=0.7),
    "MBGCNBD": so.clv.MBGCNBD(r=0.85, alpha=1.45, a=0.79, b=2.42, k=3),
    "BGNBD": so.clv.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426),
    "MBGNBD": so.clv.MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614),
    "BGBB": so.clv.BGBB(alpha=1.2, beta=0.75, gamma=0.66, delta=2.78),
    "NBD": so.clv.NBD(r=0.38, alpha=12.0),
}


def histories(model, n=300, seed=1):
    random = np.random.default_rng(seed)
    T = np.floor(random.uniform(20, 40, n))
    x = np.floor(6 * random.random(n) ** 3)
    t_x = np.where(x > 0, np.maximum(1, np.floor(T * random.random(n))), 0)
    if isinstance(model, so.clv.BGBB):
        x = np.minimum(x, t_x)
    return {"x": x, "t_x": np.where(x > 0, t_x, 0), "T": T}


@pytest.mark.parametrize("name", MODELS)
def test_predictions_never_depend_on_other_rows(name):
    model = MODELS[name]
    seen = histories(model)
    asked = {"horizon": 39.0, "level": 90.0, "interval": "outcome"}
    whole = model.predict(**seen, **asked)
    dect = model.dect(39.0, 0.01, **seen)
    backwards = model.predict(**{k: v[::-1] for k, v in seen.items()}, **asked)
    for column in whole:
        assert (backwards[column][::-1] == whole[column]).all(), column
    for i in range(0, 300, 11):
        one = {k: v[i : i + 1] for k, v in seen.items()}
        alone = model.predict(**one, **asked)
        for column in whole:
            assert alone[column][0] == whole[column][i], column
        assert model.dect(39.0, 0.01, **one)[0] == dect[i]


@pytest.mark.parametrize("name", MODELS)
def test_p_alive_is_a_probability_and_time_has_no_unit(name):
    model = MODELS[name]
    seen = histories(model, seed=2)
    alive = model.p_alive(**seen)
    assert ((alive >= 0) & (alive <= 1)).all()
    assert (model.p_alive_at(5.0, **seen) <= alive * (1 + 1e-12)).all()
    if name in ("BGBB", "Sarmanov"):  # one counts, the other's family is of one unit
        return
    own = dict(zip(model.parameters, model._values(), strict=True))
    scale = {"alpha": 7.0, "b": 1 / 7.0} if name == "GGompertz" else {"alpha": 7.0}
    if name == "Pareto":
        scale["beta"] = 7.0
    settings = {"k": model.k} if hasattr(model, "k") else {}
    in_days = type(model)(**{n: v * scale.get(n, 1) for n, v in own.items()}, **settings)
    days = {"x": seen["x"], "t_x": 7 * seen["t_x"], "T": 7 * seen["T"]}
    assert in_days.p_alive(**days) == pytest.approx(alive, rel=1e-10)
    for question in (
        lambda m, t, rate, h: m.expected_transactions(t, **h),
        lambda m, t, rate, h: m.dect(t, rate, **h),
    ):
        mine, theirs = question(model, 39.0, 0.01, seen), question(in_days, 273.0, 0.01 / 7, days)
        assert theirs == pytest.approx(mine, rel=1e-10)


THREADED = {
    "MBGNBD": so.clv.MBGNBD,
    "GGompertzNBD": so.clv.GGompertzNBD,
    "SarmanovParetoNBD": so.clv.SarmanovParetoNBD,
    "BGBB": so.clv.BGBB,
    "NBD": so.clv.NBD,
    "MBGCNBD": so.clv.MBGCNBD,
}


@pytest.mark.parametrize("name", THREADED)
def test_threads_change_no_bit(name):
    if name == "BGBB":
        seen = so.clv.BGBB(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8).simulate(np.full(1500, 6.0), seed=1)
    else:
        seen = so.clv.ParetoNBD(r=0.8, alpha=6, s=0.6, beta=12).simulate(np.full(1500, 30.0), seed=2)
    history = {"x": seen["frequency"], "t_x": seen["recency"], "T": seen["T"]}
    found = []
    for threads in (1, 2, 4):
        fit = THREADED[name](threads=threads).fit(seen)
        out = fit.predict(**history, horizon=10, level=90)
        found.append(
            (
                fit.params_,
                fit.log_likelihood_,
                fit.covariance_.tolist(),
                {k: v.tolist() for k, v in out.items()},
            )
        )
    assert repr(found[0]) == repr(found[1]) == repr(found[2])


def test_threads_change_no_bit_of_spend():
    random = np.random.default_rng(3)
    x = random.integers(1, 9, 4000).astype(float)
    mean = np.round(random.gamma(6 * x) / x * 15 / random.gamma(3.7, 1, 4000), 2) + 0.01
    found = [so.clv.GammaGamma(threads=threads).fit(x=x, mean_spend=mean) for threads in (1, 2, 4)]
    assert len({repr((fit.params_, fit.log_likelihood_, fit.covariance_.tolist())) for fit in found}) == 1
    assert len({fit.expected_spend(x, mean).tobytes() for fit in found}) == 1


@pytest.mark.parametrize(
    "kind", [so.clv.NBD, so.clv.BGNBD, so.clv.MBGNBD, so.clv.ParetoNBD, so.clv.GGompertzNBD]
)
def test_customers_all_alike_who_came_back(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", so.clv.ConvergenceWarning)  # it is said in words below
        fit = kind().fit(x=[3] * 50, t_x=[20.0] * 50, T=[30.0] * 50)
    assert fit.notes_
    answer = fit.expected_transactions(30.0, 3, 20.0, 30.0)
    assert math.isfinite(answer)
    assert answer > 0


# ---- without end ----


def test_times_without_end():
    for model, ever in (
        (so.clv.BGNBD(r=0.5, alpha=10, a=1.5, b=11), True),
        (so.clv.BGNBD(r=0.5, alpha=10, a=0.9, b=11), False),
        (so.clv.MBGNBD(r=0.5, alpha=10, a=1.5, b=11), True),
        (so.clv.ParetoNBD(r=0.5, alpha=10, s=1.5, beta=11), True),
        (so.clv.MBGCNBD(r=0.5, alpha=10, a=1.5, b=11, k=3), True),
        (so.clv.BGBB(alpha=1.2, beta=0.75, gamma=1.66, delta=2.78), True),
    ):
        history = {"x": 2, "t_x": 20, "T": 26}
        said = model.expected_transactions(np.inf, **history)
        assert math.isfinite(said) == ever
        assert said == model.dert(0.0, **history)
        assert said == model.expected_transactions(np.inf, [2], [20], [26])[0]
        assert model.dect(np.inf, 0.05, **history) == model.dert(0.05, **history)
        if not isinstance(model, so.clv.BGBB):
            assert model.p_alive_at(np.inf, **history) == 0
    regular = so.clv.MBGCNBD(r=0.85, alpha=1.45, a=1.79, b=2.42, k=12)
    near, far = (regular.dect(t, 0.05, 2, 20.0, 26.0) for t in (1e5, 1e6))
    assert far == near == pytest.approx(regular.dert(0.05, 2, 20.0, 26.0), rel=1e-10)


# ---- contracts ----


def test_only_what_ends_a_cohort_may_lack():
    whole = np.array([[1000, np.nan, 743, 653]])
    by_list = so.clv.SBG().fit([[1000, math.nan, 743, 653]])
    assert so.clv.SBG().fit(whole).params_ == by_list.params_
    assert by_list.alpha_ == pytest.approx(1.509, abs=5e-4)
    triangle = np.array([[1000, 869, 743, 653], [800, 700, np.nan, np.nan], [np.nan] * 4])
    lists = so.clv.SBG().fit([[1000, 869, 743, 653], [800, 700]])
    assert so.clv.SBG().fit(triangle).params_ == lists.params_


@pytest.mark.parametrize("kind", [so.clv.SBG, so.clv.BdW])
def test_likelihoods_begin_where_the_fit_began(kind):
    seen = [800, 700, 640, 600, 571]
    fit = kind().fit(seen, first_renewal=2)
    assert fit.log_likelihood(seen) == pytest.approx(fit.log_likelihood_, abs=1e-9)
    assert kind.from_json(fit.to_json()).log_likelihood(seen) == fit.log_likelihood(seen)
    assert fit.log_likelihood(seen, first_renewal=0) < fit.log_likelihood_ - 1
    first = kind(**fit.params_)
    assert first.log_likelihood(seen, first_renewal=2) == fit.log_likelihood(seen)


@pytest.mark.parametrize("model", [so.clv.SBG(alpha=0.7, beta=3.8), so.clv.BdW(alpha=0.26, beta=1.6, c=1.6)])
def test_renewals_within_a_time(model):
    n = np.array([0.0, 1.0, 6.0])
    for rate, times in itertools.product((0.0, 0.01, 0.2), (1, 3, 40)):
        due = sum(model.survival_given(j, n) * (1 + rate) ** (1 - j) for j in range(1, times + 1))
        assert model.dect(times, rate, n) == pytest.approx(due, rel=1e-12)
        assert model.dect(times, rate, n, renewal="made") == pytest.approx(due / (1 + rate), rel=1e-12)
    assert model.dect(np.inf, 0.1, n) == pytest.approx(model.residual_lifetime(0.1, n), rel=1e-12)
    assert model.dect(5000, 0.1, n) == pytest.approx(model.residual_lifetime(0.1, n), rel=1e-12)
    with pytest.raises(UsageError, match="renewal is"):
        model.dect(3, 0.1, 0, renewal="soon")
