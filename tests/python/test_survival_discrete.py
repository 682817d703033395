"""Discrete-time hazards beside the table of periods that they stand for."""

import numpy as np
import pytest
import salesops as so
from salesops import survival


def renewals(n=300, seed=1):
    """Contracts that end at renewals, every fourth period, or are lost sight of between them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n).round(2)
    ends = 4 * (1 + rng.geometric(1 / (1 + np.exp(1 - 0.8 * x)), n).clip(max=5))
    seen = rng.integers(1, 22, n)
    return np.minimum(ends, seen), ends <= seen, x


def by_table(durations, events, x):
    """By definition: a row for each contract and period, a level for each period, Newton's steps."""
    levels = np.unique(durations[events])
    rows = [(i, k) for i, end in enumerate(durations) for k in levels if k <= end]
    who, when = np.array(rows).T
    design = np.column_stack([when[:, None] == levels, x[who]]).astype(float)
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
    with pytest.raises(so.UsageError, match="times: 1 of 2 rows are not from 0"):
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
