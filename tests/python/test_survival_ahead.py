"""Shares of those who have lasted so far, and how sure they are."""

import numpy as np
import pytest
import salesops as so
from salesops import survival

LAWS = ("ExponentialAFT", "WeibullAFT", "LogNormalAFT", "LogLogisticAFT", "GeneralizedGammaAFT")
TRIALS, ROWS = 200, 160
Z = 1.959963984540054


def lives(n=300, seed=1):
    """Lifetimes of a Weibull law that one column stretches, some cut off."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n).round(2)
    ends = 9 * np.exp(0.4 * x) * rng.exponential(size=n) ** 0.7
    seen = rng.uniform(2, 22, n)
    return np.minimum(ends, seen), ends <= seen, x


def in_periods(days, ended, last=10):
    """The same by whole periods that were seen to their end."""
    periods = np.where(ended, np.ceil(days), np.floor(days))
    return np.minimum(periods, last).astype(int), ended & (periods <= last)


def by_delta(log_share, at, covariance):
    """Log-log interval of a share whose logarithm is a formula of what was estimated."""
    step = 1e-5
    slope = np.array(
        [(log_share(at + step * unit) - log_share(at - step * unit)) / (2 * step) for unit in np.eye(len(at))]
    )
    logarithm = log_share(at)
    tilt = np.exp(Z * np.sqrt(slope @ covariance @ slope) / -logarithm)
    return [np.exp(logarithm), np.exp(logarithm * tilt), np.exp(logarithm / tilt)]


def asked(model, x, time, since):
    found = model.predict_survival_function({"x": [x]}, time, since=since)
    return found.iloc[0, 2:].tolist()


def test_a_law_looks_ahead_by_the_delta_method():
    days, ended, x = lives()
    model = survival.WeibullAFT().fit(days, ended, {"x": x})

    def log_share(at):
        level, slope, log_sigma = at

        def gone(time):
            return np.exp((np.log(time) - level - 0.7 * slope) / np.exp(log_sigma))

        return gone(5.0) - gone(5.0 + 6.0)

    covariance = model.result_.covariance.reshape(3, 3)
    expected = by_delta(log_share, model.result_.estimates, covariance)
    assert asked(model, 0.7, 6.0, 5.0) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("law", LAWS)
def test_laws_divide_the_shares(law):
    days, ended, x = lives()
    model = getattr(survival, law)().fit(days, ended, {"x": x})
    curve = (
        model.predict_survival_function({"x": [0.7, -1]}, [3, 5, 11])["survival"].to_numpy().reshape(2, -1)
    )
    ahead = model.predict_survival_function({"x": [0.7, -1]}, [6], since=[5, 3])
    assert ahead["survival"][0] == pytest.approx(curve[0, 2] / curve[0, 1])
    at_zero = model.predict_survival_function({"x": [0.7]}, [3, 5], since=0)
    assert at_zero.equals(model.predict_survival_function({"x": [0.7]}, [3, 5]))
    assert (ahead["survival_lo_95"] < ahead["survival"]).all()
    if law == "ExponentialAFT":  # without memory
        assert asked(model, 0.7, 3, 50) == pytest.approx(asked(model, 0.7, 3, 0), rel=1e-12)


def test_a_law_without_columns_has_a_row_for_each_age():
    days, ended, _ = lives()
    model = survival.WeibullAFT().fit(days, ended)
    found = model.predict_survival_function(times=[2, 4], since=[0, 5, 9])
    assert found[["row", "time"]].to_numpy().tolist() == [[r, t] for r in range(3) for t in (2, 4)]
    curve = model.predict_survival_function(times=[5, 9])["survival"]
    assert found["survival"][3] == pytest.approx(curve[1] / curve[0])


@pytest.mark.parametrize("link", ["logit", "cloglog"])
@pytest.mark.parametrize("starts", [None, [1, 3, 6, 10]])
def test_periods_look_ahead_by_the_delta_method(link, starts):
    days, ended, x = lives(400)
    model = survival.DiscreteHazard(link=link, periods=starts).fit(*in_periods(days, ended, 12), {"x": x})
    result = model.result_
    at = np.append(result.baseline, result.coefficients)
    first, last = result.period, result.period_end

    def log_share(at):
        total = 0.0
        for period in range(5, 12):  # after 4 come 5 to 11
            band = np.flatnonzero((first <= period) & (period <= last))
            if len(band):
                eta = at[band[0]] + at[-1] * 0.7
                total += -np.exp(eta) if link == "cloglog" else -np.logaddexp(0, eta)
        return total

    covariance = result.joint_covariance.reshape(len(at), -1)
    assert covariance[-1, -1] == pytest.approx(result.std_errors[0] ** 2, rel=1e-12)
    expected = by_delta(log_share, at, covariance)
    assert asked(model, 0.7, 7, 4) == pytest.approx(expected, rel=1e-6)
    once = model.predict_hazard({"x": [0.7]}, 4)
    assert once["hazard"][0] == pytest.approx(1 - asked(model, 0.7, 1, 3)[0], rel=1e-12)
    assert once["hazard_lo_95"][0] < once["hazard"][0] < once["hazard_hi_95"][0]


def test_levels_and_coefficients_vary_as_in_the_regression_of_the_table():
    logit = pytest.importorskip("statsmodels.discrete.discrete_model").Logit
    days, ended, x = lives(400)
    days, ended = in_periods(days, ended, 5)
    x = x + 3  # a mean that is not 0
    rows = np.array([(i, k) for i, end in enumerate(days) for k in range(1, end + 1)])
    who, when = rows.T
    design = np.column_stack([when[:, None] == np.arange(1, 6), x[who]]).astype(float)
    fit = logit((ended[who] & (days[who] == when)).astype(float), design).fit(disp=0, tol=1e-12)
    model = survival.DiscreteHazard().fit(days, ended, {"x": x})
    found = model.result_.joint_covariance.reshape(6, 6)
    np.testing.assert_allclose(found, fit.cov_params(), rtol=1e-6)


def law_of(days, ended, x):
    return survival.WeibullAFT().fit(days, ended, {"x": x})


def cox_of(days, ended, x):
    return survival.CoxPH().fit(days, ended, {"x": x})


def periods_of(days, ended, x):
    return survival.DiscreteHazard(link="cloglog").fit(*in_periods(days, ended), {"x": x})


@pytest.mark.parametrize("fit", [law_of, cox_of, periods_of])
def test_intervals_hold_the_truth_as_often_as_they_say(fit):
    # S(t) = exp(−(t/(9·exp(0.4·x)))^(1/0.7)), of which all three models are true.
    def gone(time, x):
        return (time / (9 * np.exp(0.4 * x))) ** (1 / 0.7)

    x, age, ahead = 0.5, 4, 5
    truth = np.exp(gone(age, x) - gone(age + ahead, x))
    held = 0
    for seed in range(TRIALS):
        share, low, high = asked(fit(*lives(ROWS, seed)), x, ahead, age)
        assert low < share < high
        held += low < truth < high
    assert 0.90 <= held / TRIALS <= 0.98


def test_nothing_is_known_past_the_longest_duration():
    days, ended, x = lives()
    for model, ends in ((cox_of(days, ended, x), days.max()), (periods_of(days, ended, x), 10)):
        known = model.predict_survival_function({"x": [0, 0]}, [0, 1], since=[ends - 1, ends])
        shares = known["survival"].to_numpy()
        assert np.isfinite(shares).tolist() == [True, True, True, False]
        assert np.isfinite(known["survival_lo_95"]).tolist() == [True, True, True, False]
        assert shares[0] == shares[2] == 1


def test_ages_that_cannot_be():
    days, ended, x = lives()
    for model in (fit(days, ended, x) for fit in (law_of, cox_of, periods_of)):
        with pytest.raises(so.UsageError, match="times: with since, say how long after it"):
            model.predict_survival_function({"x": [0]}, since=3)
        with pytest.raises(so.UsageError, match="since has 3 ages for 2 rows: give one, or one a row"):
            model.predict_survival_function({"x": [0, 1]}, 2, since=[1, 2, 3])
        with pytest.raises(so.UsageError, match="since: 1 of 2 rows are not finite and at least 0"):
            model.predict_survival_function({"x": [0, 1]}, 2, since=[1, -2])


def test_scores_have_intervals():
    days, ended, x = lives(600, 5)
    rng = np.random.default_rng(2)
    start = rng.uniform(0, 20, 600).round(2)
    end = np.where(ended, start + days, np.nan)
    rows = {"start": start, "end": end, "x": x}
    for model in (survival.WeibullAFT(), survival.CoxPH(), survival.WeibullAFT(level=80)):
        scores = survival.churn_scores(model, rows, as_of=20, horizon=3, until=60)
        table = scores.to_frame()
        level = model.get_params()["level"]
        low, high = table[f"churn_lo_{level}"], table[f"churn_hi_{level}"]
        known = table["churn"] > 0  # of other ages CoxPH saw nobody leave, or nobody at all
        assert ((low < table["churn"]) & (table["churn"] < high))[known].all()
        assert low.notna().equals(known)
        assert high.notna().equals(known)
        one = int(np.flatnonzero(known)[3])
        there = np.flatnonzero((start < 20) & ~(end <= 20))[one]
        alone = asked(scores.model, x[there], 3, table["age"][one])
        assert [table["churn"][one], high[one], low[one]] == pytest.approx(
            [1 - part for part in alone], abs=1e-11
        )
