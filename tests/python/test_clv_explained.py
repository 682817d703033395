"""Covariates of GGompertz, of spend and of contracts; sums over customers."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
import salesops as so


@pytest.fixture(scope="module")
def buyers():
    """GGompertz customers of the shop and of the web, who buy and leave unlike, and spend unlike."""
    parts = []
    for seed, (channel, buys, leaves, spends) in enumerate([("shop", 0, 0, 0), ("web", 0.5, 0.7, -0.6)]):
        model = so.clv.GGompertzNBD(
            r=1.2, alpha=5 * math.exp(-buys), b=0.06, s=1.1, beta=0.9 * math.exp(-leaves)
        )
        rows = model.simulate(np.full(1200, 52.0), seed=seed)
        spend = so.clv.GammaGamma(p=4, q=5, v=60 * math.exp(spends)).simulate(rows["frequency"], seed=seed)
        part = pd.DataFrame(rows).drop(columns=["sum_log_gaps", "alive", "holdout_frequency"])
        part["recency"] = np.ceil(part["recency"])
        parts.append(part.assign(channel=channel, monetary_value=np.nan_to_num(spend)))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def model(buyers):
    by = ["channel"]
    return so.clv.GGompertzNBD().fit(buyers, covariates=by, dropout_covariates=by, unit="week")


@pytest.fixture(scope="module")
def spend(buyers):
    return so.clv.GammaGamma().fit(buyers, covariates=["channel"])


def test_gompertz_risks_follow_covariates(buyers, model):
    truth = {"transaction.channel=web": 0.5, "dropout.channel=web": 0.7}
    assert list(model.coefficients_) == list(truth)
    for name, value in truth.items():
        assert abs(model.coefficients_[name] - value) < 4 * model.standard_errors_[name]
    likelihood = 0.0
    for channel, rows in buyers.groupby("channel"):
        own = model.model_of(channel=channel)
        columns = rows["frequency"], rows["recency"], rows["T"]
        likelihood += own.log_likelihood(*(column.to_numpy() for column in columns)).sum()
    assert likelihood == pytest.approx(model.log_likelihood_, abs=1e-5)
    again = so.clv.GGompertzNBD.from_json(model.to_json())
    shown = ["p_alive", "expected_transactions"]
    pd.testing.assert_frame_equal(
        again.predict(buyers, horizon="26 weeks", unit="week")[shown],
        model.predict(buyers, horizon="26 weeks", unit="week")[shown],
    )


def test_spend_follows_covariates(buyers, model, spend):
    assert (
        abs(spend.coefficients_["spend.channel=web"] + 0.6) < 4 * spend.standard_errors_["spend.channel=web"]
    )
    web = spend.model_of(channel="web")
    assert web.v == pytest.approx(spend.v_ * math.exp(spend.coefficients_["spend.channel=web"]))
    x, mean = buyers["frequency"].to_numpy(), buyers["monetary_value"].to_numpy()
    likelihood = sum(
        spend.model_of(channel=channel).log_likelihood(x[of], mean[of]).sum()
        for channel in ("shop", "web")
        for of in [(buyers["channel"] == channel).to_numpy() & (mean > 0)]
    )
    assert likelihood == pytest.approx(spend.log_likelihood_, abs=1e-5)
    # Each customer's spend is judged by its own channel; ranges hold the values.
    out = model.predict(buyers, horizon="26 weeks", unit="week", spend=spend, level=80)
    for channel in ("shop", "web"):
        of = (buyers["channel"] == channel).to_numpy()
        own = spend.model_of(channel=channel).expected_spend(x[of], mean[of])
        np.testing.assert_allclose(out["expected_spend"].to_numpy()[of], own, rtol=1e-12)
    assert (out["clv_lo_80"] < out["clv"]).all()
    assert (out["clv"] < out["clv_hi_80"]).all()
    np.testing.assert_allclose(out["clv"], out["expected_spend"] * out["expected_transactions"], rtol=1e-12)
    again = so.clv.GammaGamma.from_json(spend.to_json())
    assert again.model_of(channel="web").v == web.v
    assert spend.confidence_intervals("bootstrap", draws=20)["spend.channel=web"][1] < 0
    plan = model.clv_schedule(buyers, horizon="26 weeks", spend=spend, as_of="2026-01-01")
    assert plan["clv"].sum() == pytest.approx(
        model.predict(buyers, horizon="26 weeks", spend=spend)["clv"].sum()
    )
    with pytest.raises(so.UsageError, match="arrays have none"):
        so.clv.GammaGamma().fit(x=[1, 2], mean_spend=[3, 4], covariates=["channel"])


def members(model, plan, n, seed):
    """One row a customer: renewals kept and seen, as pymc-marketing has them."""
    rng = np.random.default_rng(seed)
    seen = rng.integers(3, 8, n)
    left = np.array(model.simulate(n, 7, seed=seed))
    gone = np.repeat(np.arange(1, 8), (left[:-1] - left[1:]).astype(int))
    kept = np.concatenate([gone, np.full(n - len(gone), 99)])
    rng.shuffle(kept)
    return pl.DataFrame({"recency": np.minimum(kept, seen), "T": seen, "plan": [plan] * n})


@pytest.mark.parametrize("kind", [so.clv.SBG, so.clv.BdW])
def test_contracts_follow_covariates(kind):
    extra = {"c": 1.2} if kind is so.clv.BdW else {}
    base = members(kind(alpha=0.9, beta=3.0, **extra), "basic", 6000, 1)
    plus = members(kind(alpha=0.9 * math.exp(-0.5), beta=3.0, **extra), "plus", 6000, 2)
    rows = pl.concat([base, plus])
    model = kind().fit(rows, covariates=["plan"])
    assert list(model.coefficients_) == ["alpha.plan=plus"]
    found, error = model.coefficients_["alpha.plan=plus"], model.standard_errors_["alpha.plan=plus"]
    assert abs(found + 0.5) < 4 * error
    own = model.model_of(plan="plus")
    assert own.alpha == pytest.approx(model.alpha_ * math.exp(found))
    assert own.retention(1) > model.model_of(plan="basic").retention(1)
    # The sum of the customers' own likelihoods, by the definition.
    likelihood = 0.0
    for plan in ("basic", "plus"):
        of, of_plan = rows.filter(pl.col("plan") == plan), model.model_of(plan=plan)
        kept, seen = of["recency"].to_numpy(), of["T"].to_numpy()
        survival = np.array([1.0, *of_plan.survival(np.arange(1.0, 9.0))])
        likelihood += np.log(
            np.where(kept < seen, survival[kept - 1] - survival[kept], survival[seen - 1])
        ).sum()
    assert likelihood == pytest.approx(model.log_likelihood_, rel=1e-9)
    both = kind().fit(rows, covariates=["plan"], beta_covariates=["plan"], equal=["plan"])
    assert list(both.coefficients_) == ["plan=plus"]
    assert both.log_likelihood_ < model.log_likelihood_
    assert kind.from_json(model.to_json()).model_of(plan="plus").alpha == own.alpha
    with pytest.raises(so.UsageError, match="one row a customer"):
        kind().fit([100, 80, 70], covariates=["plan"])


def test_totals_are_the_sums_and_err_together(buyers, model):
    plain = so.clv.BGNBD().fit(buyers, unit="week")
    spend = so.clv.GammaGamma().fit(buyers)
    rows = plain.predict(buyers, horizon="26 weeks", unit="week", spend=spend, level=90)
    sums = plain.total(buyers, horizon="26 weeks", unit="week", spend=spend, level=90)
    assert sums["customers"] == pytest.approx(rows["p_alive"].sum())
    assert sums["transactions"] == pytest.approx(rows["expected_transactions"].sum())
    assert sums["clv"] == pytest.approx(rows["clv"].sum())
    width = sums["transactions_hi_90"] - sums["transactions_lo_90"]
    each = rows["expected_transactions_hi_90"] - rows["expected_transactions_lo_90"]
    assert 0.3 * each.sum() < width < each.sum()
    assert math.sqrt((each**2).sum()) < width
    # Without covariates one draw of the parameters is that of all customers; with them too.
    by_channel = model.total(buyers, horizon="26 weeks", unit="week", level=90)
    point = model.predict(buyers, horizon="26 weeks", unit="week")["expected_transactions"].sum()
    assert by_channel["transactions"] == pytest.approx(point)
    assert by_channel["transactions_lo_90"] < point < by_channel["transactions_hi_90"]
    endless = plain.total(buyers, discount="10% / year")
    assert list(endless) == ["customers", "discounted_transactions"]
    known = so.clv.BGNBD(**plain.params_).total(buyers, horizon="26 weeks", unit="week")
    assert known["transactions"] == pytest.approx(sums["transactions"])
    spend = so.clv.GammaGamma().fit(buyers, covariates=["channel"])
    worth = plain.total(buyers, horizon="26 weeks", unit="week", spend=spend, level=90)
    each = plain.predict(buyers, horizon="26 weeks", unit="week", spend=spend)["clv"]
    assert worth["clv"] == pytest.approx(each.sum())
    assert worth["clv_lo_90"] < each.sum() < worth["clv_hi_90"]
