"""Pareto/NBD whose rates are correlated, as users meet it."""

import numpy as np
import pandas as pd
import pytest
import salesops as so


@pytest.fixture(scope="module")
def cdnow(data_dir):
    raw = pd.read_csv(data_dir / "clv/CDNOW_sample.txt", sep=r"\s+", header=None, dtype={2: str})
    raw.columns = ["master", "customer", "time", "cds", "amount"]
    raw["time"] = pd.to_datetime(raw["time"], format="%Y%m%d")
    return so.clv.rfm(
        raw, amount="amount", unit="week", calibration_end="1997-09-30", holdout_end="1998-06-30"
    )


def test_cdnow_correlated_rates_stand_at_their_bound(cdnow):
    plain = so.clv.ParetoNBD().fit(cdnow)
    model = so.clv.SarmanovParetoNBD().fit(cdnow)
    assert model.log_likelihood_ == pytest.approx(-9591.6670, abs=1e-4)
    assert model.log_likelihood_ > -9591.766  # where CLVTools stops
    assert model.m_ == pytest.approx(model.m_bounds_[1], rel=1e-3)
    assert model.rate_correlation_ == pytest.approx(0.08834, abs=1e-5)
    assert any(note.startswith("m stands at its upper bound") for note in model.notes_)
    assert so.clv.likelihood_ratio_test(plain, model).p_value == pytest.approx(0.01009, abs=1e-5)
    copy = so.clv.from_json(model.to_json())
    ahead = [
        one.predict(cdnow, horizon="39 weeks")["expected_transactions"].sum() for one in (model, copy, plain)
    ]
    assert ahead[0] == ahead[1]
    assert ahead[2] == pytest.approx(1665.5131, abs=1e-3)
    assert ahead[0] == pytest.approx(1728.3596, abs=1e-3)  # of 1,882; Pareto/NBD alone 1,665.5


def test_correlated_rates_answer_like_their_crowd():
    given = {"r": 0.9, "alpha": 1.2, "s": 1.4, "beta": 2.5}
    plain = so.clv.ParetoNBD(**given)
    for m in (-1.5, 0.0, 3.0):
        model = so.clv.SarmanovParetoNBD(**given, m=m)
        made = model.simulate(np.full(60_000, 4.0), horizon=3, seed=2)
        x, t_x, T = made["frequency"], made["recency"], made["T"]
        assert made["alive"].mean() == pytest.approx(model.p_alive(x, t_x, T).mean(), abs=0.005)
        mean = model.expected_transactions(3, x, t_x, T).mean()
        assert made["holdout_frequency"].mean() == pytest.approx(mean, rel=0.02)
        assert x.mean() == pytest.approx(model.expected_transactions_new(4), rel=0.02)
        assert (x == 2).mean() == pytest.approx(model.pmf_new(2, 4), abs=0.005)
        assert model.pmf(np.arange(80), 3, 2, 3, 4).sum() == pytest.approx(1)
        assert np.sign(model.rate_correlation_) == np.sign(m)
        if m == 0:
            assert model.dert(0.1, 2, 3, 4) == pytest.approx(plain.dert(0.1, 2, 3, 4), rel=1e-12)
    made = so.clv.SarmanovParetoNBD(**given, m=1.5).simulate(np.full(20_000, 8.0), seed=1)
    fit = so.clv.SarmanovParetoNBD().fit(made)
    assert abs(fit.m_ - 1.5) < 4 * fit.standard_errors_["m"]
    low, high = fit.confidence_intervals(level=90)["m"]
    assert (high - fit.m_) == pytest.approx(fit.m_ - low)
    assert so.clv.SarmanovParetoNBD(priors={"s": (1.4, 0.1)}).fit(made, warm_start=True).converged_
    with pytest.raises(so.UsageError, match="priors: no parameter 'm'"):
        so.clv.SarmanovParetoNBD(priors={"m": (1, 1)}).fit(made)
