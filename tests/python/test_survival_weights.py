"""Weights are frequencies: rows of weight 2 give the numbers of rows that stand twice."""

import numpy as np
import pytest
from salesops import survival

N = 120
rng = np.random.default_rng(4)
TIME = rng.integers(1, 9, N).astype(float)
ENTRY = np.minimum(rng.integers(0, 4, N), TIME - 1)
END = rng.integers(0, 3, N)
GROUP, LAYER = rng.integers(0, 3, N), rng.integers(0, 2, N)
X = rng.normal(size=(N, 2)).round(1)
WEIGHT = rng.integers(1, 4, N)
AGAIN = np.repeat(np.arange(N), WEIGHT)


def curve(kind, *what, **how):
    def numbers(rows, weights, entry):
        fit = kind(**how).fit(TIME[rows], END[rows] == 1, entry, weights)
        return [fit.n_events_, *(getattr(fit.result_, name) for name in ("std_error", "low", "high", *what))]

    return numbers


def shares(rows, weights, entry):
    fit = survival.AalenJohansen().fit(TIME[rows], END[rows], entry, weights)
    return [fit.n_events_, *(getattr(one, name) for one in fit.result_.causes for name in ("low", "high"))]


def bands(kind):
    def numbers(rows, weights, entry):
        fit = survival.KaplanMeier().fit(TIME[rows], END[rows] == 1, entry, weights)
        return [fit.confidence_band(kind).to_numpy()]

    return numbers


def ranks(weight):
    def numbers(rows, weights, entry):
        layers = LAYER[rows] if weight != "peto" else None
        found = survival.logrank(
            TIME[rows], END[rows] == 1, GROUP[rows], entry, weights, weight, strata=layers
        )
        return [found.statistic, list(found.expected.values())]

    return numbers


def gray(rows, weights, entry):
    how = {"cause": 1, "weights": weights, "entry": entry, "strata": LAYER[rows]}
    return [survival.gray(TIME[rows], END[rows], GROUP[rows], **how).statistic]


def means(rows, weights, entry):
    how = {"until": 5, "weights": weights, "entry": entry}
    found = survival.rmst(TIME[rows], END[rows] == 1, GROUP[rows] > 0, **how)
    return [found.difference.std_error, found.ratio.p_value]


def cox(rows, weights, entry):
    how = {"weights": weights, "entry": entry, "strata": LAYER[rows]}
    fit = survival.CoxPH(ties="breslow").fit(TIME[rows], END[rows] == 1, X[rows], **how)
    by_time = fit.check_assumptions("identity").everything.statistic
    return [fit.summary_.iloc[:, 1:], fit.log_likelihood_, fit.baseline_["std_error"], by_time]


def subdistribution(rows, weights, entry):
    fit = survival.FineGray().fit(TIME[rows], END[rows], X[rows], weights=weights, entry=entry)
    return [fit.summary_.iloc[:, 1:], fit.wald_.statistic, fit.predict_incidence(X[:2])]


def law(rows, weights, entry):
    fit = survival.LogNormalAFT().fit(TIME[rows], END[rows] == 1, X[rows], weights=weights, entry=entry)
    return [fit.n_events_, fit.summary_.iloc[:, 1:], fit.bic_]


def periods(rows, weights, entry):
    fit = survival.DiscreteHazard().fit(TIME[rows], END[rows] == 1, X[rows], weights=weights, entry=entry)
    return [fit.n_events_, fit.summary_.iloc[:, 1:], fit.log_likelihood_, fit.predict_hazard(X[:2])]


ESTIMATES = {
    "KaplanMeier": curve(survival.KaplanMeier, "survival"),
    "NelsonAalen": curve(survival.NelsonAalen, "cumulative_hazard"),
    "NelsonAalen in turn": curve(survival.NelsonAalen, "cumulative_hazard", ties="in_turn"),
    "AalenJohansen": shares,
    "band of equal precision": bands("equal_precision"),
    "band of Hall and Wellner": bands("hall_wellner"),
    **{weight: ranks(weight) for weight in ("log_rank", "wilcoxon", "tarone_ware", "peto", "g_rho")},
    "gray": gray,
    "rmst": means,
    "CoxPH with Breslow's ties": cox,
    "FineGray": subdistribution,
    "AFT": law,
    "DiscreteHazard": periods,
}


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("estimate", ESTIMATES)
def test_weights_are_equal_rows(estimate, late):
    weighed = ESTIMATES[estimate](slice(None), WEIGHT, ENTRY if late else None)
    again = ESTIMATES[estimate](AGAIN, None, ENTRY[AGAIN] if late else None)
    for one, other in zip(weighed, again, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-7, atol=1e-12)


def test_ties_in_turn_by_hand():
    found = survival.NelsonAalen(ties="in_turn").fit([1, 2], [1, 1], weights=[2, 1]).result_
    assert found.cumulative_hazard == pytest.approx([1 / 3 + 1 / 2, 1 / 3 + 1 / 2 + 1])
    part = survival.NelsonAalen(ties="in_turn").fit([1, 2], [1, 0], weights=[1.5, 1]).result_
    assert part.cumulative_hazard == pytest.approx([1 / 2.5 + 0.5 / 1.5] * 2)
    assert part.std_error == pytest.approx([np.sqrt(1 / 2.5**2 + 0.5 / 1.5**2)] * 2)
    # A sum of weights that misses a whole number by rounding leaves no event of its own.
    tenths = survival.NelsonAalen(ties="in_turn").fit([1] * 30, weights=[0.1] * 30).result_
    assert tenths.cumulative_hazard == pytest.approx([1 / 3 + 1 / 2 + 1])


@pytest.mark.parametrize("left", [0, 10, 5000])
def test_many_in_turn_are_a_sum(left):
    dead = 3000
    found = survival.NelsonAalen(ties="in_turn").fit([1, 2], [1, 0], weights=[dead, left + 1e-3]).result_
    steps = left + 1e-3 + np.arange(1, dead + 1)
    assert found.cumulative_hazard[0] == pytest.approx(np.sum(1 / steps), rel=1e-12)
    assert found.std_error[0] ** 2 == pytest.approx(np.sum(1 / steps**2), rel=1e-12)


def test_sums_of_money_as_weights_take_no_time():
    found = survival.NelsonAalen(ties="in_turn").fit([1, 2], [1, 0], weights=[1e12, 1e12]).result_
    assert found.cumulative_hazard[0] == pytest.approx(np.log(2), rel=1e-9)
