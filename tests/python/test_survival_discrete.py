"""Discrete-time hazards beside the table of periods that they stand for."""

import numpy as np
import pytest
import salesops as so
from salesops import survival
from salesops._progress import ConvergenceWarning


def renewals(n=300, seed=1):
    """Contracts that end at renewals, every fourth period, or are lost sight of between them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n).round(2)
    ends = 4 * (1 + rng.geometric(1 / (1 + np.exp(1 - 0.8 * x)), n).clip(max=5))
    seen = rng.integers(1, 22, n)
    return np.minimum(ends, seen), ends <= seen, x


def expanded(durations, events, x, starts=None):
    """By definition: a row for each contract and period, and a level for each period or band."""
    levels = np.unique(durations[events])
    rows = [(i, k) for i, end in enumerate(durations) for k in range(1, end + 1)]
    who, when = np.array(rows).T
    if starts is not None:
        place = np.searchsorted(starts, when, "right") - 1
        levels = np.unique(np.searchsorted(starts, levels, "right") - 1)
    else:
        place = when
    kept = np.isin(place, levels)
    who, when, place = who[kept], when[kept], place[kept]
    design = np.column_stack([place[:, None] == levels, x[who]]).astype(float)
    return levels, who, when, design


def by_table(durations, events, x, starts=None):
    """Newton's steps on the table."""
    levels, who, when, design = expanded(durations, events, x, starts)
    ended = (events[who] & (durations[who] == when)).astype(float)
    beta = np.zeros(design.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-design @ beta))
        information = design.T @ (design * (chance * (1 - chance))[:, None])
        beta += np.linalg.solve(information, design.T @ (ended - chance))
    error = np.sqrt(np.linalg.inv(information)[-1, -1])
    value = float(np.log(np.where(ended == 1, chance, 1 - chance)).sum())
    return levels, beta, error, value


def test_it_is_the_logistic_regression_of_the_table_of_periods():
    durations, events, x = renewals()
    levels, beta, error, value = by_table(durations, events, x)
    model = survival.DiscreteHazard().fit(durations, events, {"x": x})
    assert model.coefficients_["x"] == pytest.approx(beta[-1], rel=1e-9)
    assert model.result_.std_errors[0] == pytest.approx(error, rel=1e-7)
    assert model.log_likelihood_ == pytest.approx(value, rel=1e-10)
    for k, level in zip(levels.tolist(), beta, strict=False):
        assert model.predict_hazard({"x": [0.5]}, k)["hazard"][0] == pytest.approx(
            1 / (1 + np.exp(-level - 0.5 * beta[-1])), rel=1e-9
        )


def test_nothing_ends_between_renewals_and_nothing_is_known_past_the_last():
    durations, events, x = renewals()
    model = survival.DiscreteHazard().fit(durations, events, {"x": x})
    assert model.predict_hazard({"x": [0, 2]}, 5)["hazard"].tolist() == [0, 0]
    last = int(durations.max())
    left = model.predict_survival_function({"x": [0.0]}, times=[7, 8, 9, last, last + 1])["survival"]
    assert left[0] > left[1] == left[2]
    assert np.isfinite(left[3])
    assert np.isnan(left[4])
    assert np.isnan(model.predict_hazard({"x": [0.0]}, last + 1)["hazard"][0])


def test_hazards_of_several_periods_and_rows():
    durations, events, x = renewals()
    model = survival.DiscreteHazard().fit(durations, events, {"x": x})
    asked = model.predict_hazard([0.0, 2.0], times=(4, 8))
    assert asked[["row", "time"]].to_numpy().tolist() == [[0, 4], [0, 8], [1, 4], [1, 8]]
    alone = [model.predict_hazard([value], at)["hazard"][0] for value in (0.0, 2.0) for at in (4, 8)]
    assert asked["hazard"].tolist() == alone
    every = model.predict_hazard([0.0, 2.0])
    assert every["time"].tolist() == 2 * list(range(1, int(durations[events].max()) + 1))
    left = model.predict_survival_function([0.0, 2.0])["survival"].to_numpy().reshape(2, -1)
    assert np.cumprod(1 - every["hazard"].to_numpy().reshape(2, -1), axis=1) == pytest.approx(left)
    for wrong in (0, [1, 2.5], [-1], float("nan"), float("inf")):
        with pytest.raises(so.UsageError, match=r"times: 1 of \d are no periods .* whole numbers from 1 on"):
            model.predict_hazard([0.0], wrong)
    with pytest.raises(so.UsageError, match="times must be numbers"):
        model.predict_hazard([0.0], "next")
    with pytest.raises(so.UsageError, match="times: 1 of 2 rows are not finite and at least 0"):
        model.predict_survival_function([0.0], [4, -1])


def test_the_median_is_the_first_period_by_which_half_have_ended():
    durations, events, x = renewals()
    model = survival.DiscreteHazard().fit(durations, events, {"x": x})
    curve = model.predict_survival_function([0.0, -9.0])
    reached = curve["time"][(curve["row"] == 0) & (curve["survival"] <= 0.5)].min()
    assert model.predict_median([0.0, -9.0]).tolist() == pytest.approx([reached, np.nan], nan_ok=True)
    first = model.predict_quantile([0.0], 0.1)["time"][0]
    assert first == curve["time"][(curve["row"] == 0) & (curve["survival"] <= 0.9)].min() < reached
    for wrong in (0, 1, -0.5):
        with pytest.raises(so.UsageError, match="probability: need a number between 0 and 1"):
            model.predict_quantile([0.0], wrong)


def test_results_print_what_they_hold():
    days, events, groups = [1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 0], ["a", "b"] * 3
    means = survival.rmst(days, events, groups, until=3)
    assert repr(means.difference).startswith("Contrast(estimate=")
    cox = survival.CoxPH().fit(days, events, {"x": [1, 5, 2, 4, 3, 6]})
    for text in (repr(cox.result_.wald), repr(cox.result_.score)):
        assert text.startswith("ChiSquare(statistic=")


def test_empty_frames_of_text_dates_are_empty():
    pd = pytest.importorskip("pandas")
    rows = pd.DataFrame({"customer": ["a"], "time": ["2026-01-05"], "amount": [3.0]})
    none = rows[rows.customer == "z"]
    grid = so.cohort.retention(none, amount="amount")
    assert len(grid.to_frame()) == 0
    book = pd.DataFrame({"customer": ["a"], "start": ["2026-01-05"], "end": ["2026-05-05"], "amount": [3.0]})
    assert len(so.subscription.movements(book[book.customer == "z"], end="end").to_wide()) == 0


STARTS = [1, 2, 3, 5, 9, 14, 27]


def weekly(n=400, seed=3, entry=False):
    """Deals that end in some week, as a chance that falls with the week and rises with x."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n).round(2)
    ends = np.full(n, 99)
    for week in range(60, 0, -1):
        ends[rng.random(n) < 1 / (1 + np.exp(1 + 0.15 * week - 0.7 * x))] = week
    seen = rng.integers(1, 40, n)
    return np.minimum(ends, seen), ends <= seen, x


@pytest.mark.parametrize("starts", [STARTS, [1], [1, 4, 100], list(range(1, 60))])
def test_periods_of_a_band_share_a_level(starts):
    durations, events, x = weekly()
    levels, beta, error, value = by_table(durations, events, x, starts)
    model = survival.DiscreteHazard(periods=starts).fit(durations, events, {"x": x})
    assert model.coefficients_["x"] == pytest.approx(beta[-1], rel=1e-8)
    assert model.result_.std_errors[0] == pytest.approx(error, rel=1e-6)
    assert model.log_likelihood_ == pytest.approx(value, rel=1e-10)
    ends = [*starts[1:], 1000]
    last = int(durations.max())
    assert model.bands_ == [(starts[i], min(ends[i] - 1, last)) for i in levels]
    hazard = model.predict_hazard({"x": [0.5]}, times=range(1, last + 1))["hazard"]
    for week, found in enumerate(hazard, start=1):
        band = np.searchsorted(starts, week, "right") - 1
        known = dict(zip(levels.tolist(), beta, strict=False))
        chance = 1 / (1 + np.exp(-known[band] - 0.5 * beta[-1])) if band in known else 0
        assert found == pytest.approx(chance, rel=1e-7)
    if starts == list(range(1, 60)):
        alone = survival.DiscreteHazard().fit(durations, events, {"x": x})
        assert alone.coefficients_ == pytest.approx(model.coefficients_, rel=1e-12)
    every = model.predict_survival_function({"x": [0.5]})
    assert every["time"].tolist() == list(range(1, model.bands_[-1][1] + 1))


def test_bands_are_statsmodels_regression_of_the_table():
    logit = pytest.importorskip("statsmodels.discrete.discrete_model").Logit
    durations, events, x = weekly()
    _, who, when, design = expanded(durations, events, x, STARTS)
    fit = logit((events[who] & (durations[who] == when)).astype(float), design).fit(disp=0, tol=1e-12)
    model = survival.DiscreteHazard(periods=STARTS).fit(durations, events, {"x": x})
    assert model.result_.baseline == pytest.approx(fit.params[:-1], rel=1e-7)
    assert model.coefficients_["x"] == pytest.approx(fit.params[-1], rel=1e-8)
    assert model.result_.std_errors[0] == pytest.approx(fit.bse[-1], rel=1e-6)
    assert model.log_likelihood_ == pytest.approx(fit.llf, rel=1e-10)


def test_late_entries_and_weights_count_in_bands():
    durations, events, x = weekly(200)
    entry = np.where(durations > 6, 5, 0)
    _, who, when, design = expanded(durations, events, x, STARTS)
    seen = when > entry[who]
    weight = 1 + np.arange(len(x)) % 3
    ended = (events[who] & (durations[who] == when)).astype(float)
    model = survival.DiscreteHazard(periods=STARTS).fit(
        durations, events, {"x": x}, entry=entry, weights=weight
    )
    eta = design @ np.append(model.result_.baseline, model.coefficients_["x"])
    values = weight[who] * np.where(ended == 1, -np.logaddexp(0, -eta), -np.logaddexp(0, eta))
    assert model.log_likelihood_ == pytest.approx(values[seen].sum(), rel=1e-12)
    slopes = (weight[who] * (ended - 1 / (1 + np.exp(-eta))))[seen] @ design[seen]
    assert slopes == pytest.approx(0, abs=1e-6)


def test_a_thin_last_week_has_finite_odds_in_a_band():
    days, won, x = [1, 2, 2, 3, 3, 4, 5, 6], [1, 1, 0, 1, 0, 1, 0, 1], [1, 6, 5, 2, 3, 7, 4, 8]
    with pytest.warns(ConvergenceWarning, match=r"bands of them \(periods\)"):
        survival.DiscreteHazard().fit(days, won, {"x": x})
    model = survival.DiscreteHazard(periods=(1, 2, 3)).fit(days, won, {"x": x})
    assert model.result_.converged
    assert 0 < model.predict_hazard([4], 5)["hazard"][0] < 1
    assert model.bands_ == [(1, 1), (2, 2), (3, 6)]
    assert (
        repr(survival.DiscreteHazard(periods=[1, 3]))
        == "DiscreteHazard(link='logit', level=95, periods=[1, 3])"
    )


@pytest.mark.parametrize("wrong", [[2, 3], [1, 1], [1, 3, 2], [1, 2.5], [], [1, float("nan")], [0, 1]])
def test_bands_that_cannot_be(wrong):
    with pytest.raises(so.UsageError, match="periods: give the first period of each band, whole numbers"):
        survival.DiscreteHazard(periods=wrong).fit([1, 2, 3, 4], [1, 1, 0, 1], {"x": [1, 5, 2, 3]})
