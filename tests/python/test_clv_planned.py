"""Customers to come and to be drawn, intervals, sums and periods: with covariates over time and of spend."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import salesops as so

START = np.datetime64("2024-01-01")
TRUE = {"r": 1.2, "alpha": 9.0, "s": 0.7, "beta": 10.0}
SEEN, LATER = "2025-03-30", "2025-12-28"


@pytest.fixture(scope="module")
def weeks():
    """A season of eight weeks a year, until the end of 2026."""
    start = np.arange(START, np.datetime64("2026-12-28"), 7)
    return pl.DataFrame({"start": start, "season": (np.arange(len(start)) % 52 > 43).astype(int)})


def told(log, weeks, **ends):
    rows = so.clv.rfm(log, amount="amount" if "amount" in log else None, unit="week", **ends)
    web = {"customer": list(range(600)), "web": [0, 1] * 300}
    return rows.join(web).over_time(weeks)


@pytest.fixture(scope="module")
def log(weeks):
    """What a model with known coefficients draws: its purchases double in the season and on the web."""
    born = START + np.random.default_rng(1).integers(0, 200, 600)
    seen = so.clv.rfm({"customer": range(600), "time": born}, unit="week", observation_end=LATER)
    plain = so.clv.ParetoNBD(**TRUE)
    first = pd.DataFrame(plain.simulate_transactions(born, until=LATER, unit="week", seed=5))
    known = told(first, weeks, observation_end=LATER)
    model = so.clv.ParetoNBD().fit(known, covariates=["season", "web"])
    model.params_ = TRUE
    model.coefficients_ = {"transaction.season": np.log(2), "transaction.web": np.log(2)}
    web = {"customer": list(range(600)), "web": [0, 1] * 300}
    rows = seen.join(web).over_time(weeks)
    spend = so.clv.GammaGamma(p=6, q=4, v=15)
    return pd.DataFrame(model.simulate_transactions(rows, until=LATER, spend=spend, seed=8))


@pytest.fixture(scope="module")
def rows(log, weeks):
    return told(log, weeks, calibration_end=SEEN, holdout_end=LATER)


@pytest.fixture(scope="module")
def model(rows):
    return so.clv.ParetoNBD().fit(rows, covariates=["season", "web"])


@pytest.fixture(scope="module")
def spend(rows):
    return so.clv.GammaGamma().fit(rows)


@pytest.fixture(scope="module")
def by_web(rows):
    return so.clv.GammaGamma().fit(rows, covariates=["web"])


# ---- what is drawn ----


def test_the_fit_finds_what_the_simulation_put_in(model):
    for name in ("transaction.season", "transaction.web"):
        error = model.standard_errors_[name]
        assert abs(model.coefficients_[name] - np.log(2)) < 3 * error < 0.6


def test_rows_are_drawn_anew_by_their_own_paths(model, rows, weeks):
    made = model.simulate(rows, horizon=rows.holdout_duration, seed=4)
    assert (made["T"] == rows["T"]).all()
    assert made["alive"].dtype == bool
    want = model.predict(rows, horizon=f"{rows.holdout_duration} weeks")
    many = [model.simulate(rows, seed=seed)["frequency"].sum() for seed in range(30)]
    expected = next(model._expected_by(so.clv._data.Source(rows, {}, None, ()), [0.0], 0.0, None)).sum()
    assert np.mean(many) == pytest.approx(expected, abs=4 * np.std(many) / np.sqrt(30))
    assert len(want) == 600
    busy = rows.over_time(weeks.with_columns(season=pl.lit(1)))
    more = np.mean([model.simulate(busy, seed=seed)["frequency"].sum() for seed in range(30)])
    assert more > 1.2 * np.mean(many)


def test_static_covariates_are_drawn_by_kind(log, weeks):
    known = so.clv.rfm(log, unit="week", observation_end=SEEN).join(
        {"customer": list(range(600)), "web": [0, 1] * 300}
    )
    static = so.clv.ParetoNBD().fit(known, covariates=["web"])
    made = static.simulate(known, seed=3)
    shop = static.model_of(web=0)
    # A customer keeps its luck: drawn among all as among those of its kind alone.
    same = shop.simulate(known["T"], seed=3)
    assert (made["frequency"][::2] == same["frequency"][::2]).all()
    assert (made["frequency"][1::2] != same["frequency"][1::2]).any()
    drawn = pd.DataFrame(static.simulate_transactions(known, until=SEEN, seed=3))
    counted = drawn.groupby("customer").size().reindex(range(600)).to_numpy() - 1
    assert (counted == made["frequency"]).all()
    plain = so.clv.ParetoNBD().fit(known)
    assert (plain.simulate(known, seed=3)["T"] == known["T"]).all()


def test_the_log_of_a_plan_has_amounts_by_the_customers_own_spend(model, rows, by_web):
    log = pd.DataFrame(model.simulate_transactions(rows, until=SEEN, spend=by_web, seed=2))
    factor = np.exp(by_web.coefficients_["spend.web"])
    mean = log.groupby(log["customer"] % 2)["amount"].mean()
    assert mean[1] / mean[0] == pytest.approx(factor, rel=0.15)
    assert log["time"].max() <= pd.Timestamp(SEEN)
    with pytest.raises(so.UsageError, match="spend depends on web: give rows with them"):
        so.clv.ParetoNBD(r=1, alpha=9, s=1, beta=9).simulate_transactions(
            ["2025-01-01"], until=SEEN, spend=by_web, unit="week"
        )


# ---- intervals ----


def test_outcomes_hold_what_came(model, rows, spend):
    out = model.predict(
        rows,
        horizon=f"{rows.holdout_duration} weeks",
        level=80,
        interval="outcome",
        spend=spend,
        discount="10% / year",
    )
    came = rows["holdout_frequency"]
    high, low = (out[f"expected_transactions_{end}_80"].to_numpy() for end in ("hi", "lo"))
    assert ((came < low) | (came > high)).mean() < 0.2 + 3 * np.sqrt(0.16 / 600)
    assert (came > high).mean() > 0.02
    assert (high == np.floor(high)).all()
    means = model.predict(
        rows, horizon=f"{rows.holdout_duration} weeks", level=80, spend=spend, discount="10% / year"
    )
    assert (out["p_alive_hi_80"] == means["p_alive_hi_80"]).all()
    assert (out["clv_hi_80"] - out["clv_lo_80"]).sum() > (means["clv_hi_80"] - means["clv_lo_80"]).sum()


def test_a_total_has_its_own_range(model, rows, spend):
    ahead = {"horizon": f"{rows.holdout_duration} weeks", "spend": spend}
    total = model.total(rows, **ahead, level=90)
    out = model.predict(rows, **ahead, level=90)
    names = {"customers": "p_alive", "transactions": "expected_transactions", "clv": "clv"}
    for name, column in names.items():
        assert total[name] == pytest.approx(out[column].sum())
        width = total[f"{name}_hi_90"] - total[f"{name}_lo_90"]
        assert 0 < width < (out[f"{column}_hi_90"] - out[f"{column}_lo_90"]).sum()
        assert total[f"{name}_lo_90"] < total[name] < total[f"{name}_hi_90"]
    assert total["transactions"] == pytest.approx(rows["holdout_frequency"].sum(), rel=0.2)
    bare = model.total(rows, horizon="10 weeks")
    assert set(bare) == {"customers", "transactions"}


# ---- spend with covariates ----


def test_spend_by_channel_adds_up_in_totals_and_periods(model, rows, by_web):
    static = so.clv.ParetoNBD().fit(rows, covariates=["web"])
    plain = so.clv.BGNBD().fit(rows)
    for one in (model, static, plain):
        asked = {"horizon": "26 weeks", "spend": by_web, "discount": "10% / year"}
        out = one.predict(rows, **asked)
        total = one.total(rows, **asked, level=90)
        assert total["clv"] == pytest.approx(out["clv"].sum(), rel=1e-9)
        assert total["clv_lo_90"] < total["clv"] < total["clv_hi_90"]
        # The same, drawn from nothing but the customers' sums: as wide as a single spend makes it.
        width = total["clv_hi_90"] - total["clv_lo_90"]
        single = one.total(rows, **asked | {"spend": so.clv.GammaGamma().fit(rows)}, level=90)
        assert width == pytest.approx(single["clv_hi_90"] - single["clv_lo_90"], rel=0.4)
        plan = one.clv_schedule(rows, every="month", **asked)
        assert plan["clv"].sum() == pytest.approx(out["clv"].sum(), rel=1e-8)
        undiscounted = one.predict(rows, horizon="26 weeks", spend=by_web)
        assert plan["revenue"].sum() == pytest.approx(undiscounted["clv"].sum(), rel=1e-8)
        each = one.clv_schedule(rows, every="quarter", each=True, **asked)
        assert each.groupby("customer", sort=False)["clv"].sum().to_numpy() == pytest.approx(
            out["clv"].to_numpy(), rel=1e-8
        )


def test_predict_takes_each_customers_spend(model, rows, by_web):
    out = model.predict(rows, horizon="26 weeks", spend=by_web, level=90)
    for web in (0, 1):
        own = by_web.model_of(web=web).expected_spend(
            rows["spend_frequency"], rows.table.column("monetary_value").to_numpy()
        )
        own = np.where(rows["spend_frequency"] > 0, own, by_web.model_of(web=web).expected_spend(0, 0.0))
        assert out["expected_spend"].to_numpy()[web::2] == pytest.approx(own[web::2], rel=1e-9)
    assert (out["expected_spend_lo_90"] < out["expected_spend"]).all()
    assert (out["clv"] < out["clv_hi_90"]).mean() > 0.99


# ---- tracking and pictures ----


def test_tracking_follows_the_season(model, rows):
    plain = so.clv.ParetoNBD().fit(rows)
    by_season, without = so.clv.tracking(model, rows), so.clv.tracking(plain, rows)
    ends = np.array(by_season.ends, dtype="datetime64[D]")
    weekly = np.diff(by_season.expected, prepend=0)
    in_season = ((ends - 6 - START).astype(int) // 7) % 52 > 43
    late = ends > np.datetime64("2024-10-01")
    assert weekly[in_season & late].mean() > 1.3 * weekly[~in_season & late].mean()
    actual = np.diff(by_season.actual, prepend=0)
    error = [np.abs(np.diff(one.expected, prepend=0) - actual)[late].mean() for one in (by_season, without)]
    assert error[0] < error[1]
    # At the end of the calibration it is the mean of what is bought until T.
    at = by_season.ends.index(max(end for end in by_season.ends if end <= rows.calibration_end))
    drawn = [model.simulate(rows, seed=seed)["frequency"].sum() for seed in range(40)]
    assert by_season.expected[at] == pytest.approx(np.mean(drawn), rel=0.03)
    assert by_season.error is not None
    assert by_season.plot().rows
    shown = model.plot.frequencies(rows)
    drawn = [
        np.mean([(model.simulate(rows, seed=seed)["frequency"] == n).sum() for seed in range(20)])
        for n in (0, 1)
    ]
    expected = [float(row[-1].replace(",", "")) for row in shown.rows[:2]]
    assert expected == pytest.approx(drawn, rel=0.05), shown.columns


def test_compare_tells_the_tracking_error_over_time(rows):
    table = so.clv.compare(rows, ["pareto"], covariates=["season"]).to_frame()
    assert np.isfinite(table["holdout_tracking"]).all()


def test_apparel_is_tracked_and_covered_in_its_holdout_year(data_dir):
    weeks = pd.read_csv(data_dir / "clv/apparel_dynamic_covariates.csv")
    rows = so.clv.rfm(
        pd.read_csv(data_dir / "clv/apparel_transactions.csv"),
        customer="Id",
        time="Date",
        amount="Price",
        unit="week",
        calibration_end="2006-12-31",
        holdout_end="2007-12-30",
    ).over_time(weeks, start="Cov.Date", customer="Id")
    kinds = ["Gender", "Channel"]
    fit = so.clv.ParetoNBD().fit(rows, covariates=["High.Season", *kinds], dropout_covariates=kinds)
    plain = so.clv.ParetoNBD().fit(rows)
    assert so.clv.tracking(fit, rows).error < 0.02 < 0.035 < so.clv.tracking(plain, rows).error
    bought = rows["holdout_frequency"]
    total = fit.total(rows, horizon="52 weeks", level=90)
    assert total["transactions_lo_90"] < bought.sum() < total["transactions_hi_90"]
    out = fit.predict(rows, horizon="52 weeks", level=90, interval="outcome")
    inside = (out["expected_transactions_lo_90"] <= bought) & (bought <= out["expected_transactions_hi_90"])
    assert inside.mean() > 0.9


# ---- planned customers ----


def test_a_planned_customer_is_asked_as_any_other(model, weeks):
    plan = model.model_of(weeks, first="2025-06-02", web=1)
    assert str(plan.first) == "2025-06-02"
    assert "won on 2025-06-02, planned until 2026-12-28" in repr(plan)
    assert plan.expected_transactions_new(0.0) == 0
    t = np.array([4.0, 26, 52])
    mean = plan.expected_transactions_new(t)
    assert (np.diff(mean) > 0).all()
    assert (np.diff(plan.p_alive_new(t)) < 0).all()
    assert (plan.dect_new(t, 0.002) < mean).all()
    chances = plan.pmf_new(np.arange(300.0), 52.0)
    assert chances.sum() == pytest.approx(1, abs=1e-6)
    assert chances @ np.arange(300.0) == pytest.approx(mean[-1], rel=1e-5)
    assert 0 < plan.p_alive(2, 10, 20) < 1
    assert plan.log_p_alive(2, 10, 20) == pytest.approx(np.log(plan.p_alive(2, 10, 20)))
    assert plan.p_alive_at(9, 2, 10, 20) < plan.p_alive(2, 10, 20)
    assert plan.p_no_transaction(9, 2, 10, 20) == pytest.approx(plan.pmf(0, 9, 2, 10, 20))
    assert plan.expected_transactions(9, 2, 10, 20) > plan.dect(9, 0.01, 2, 10, 20)
    assert plan.expected_rate(5, 10, 20) > plan.expected_rate(1, 10, 20)
    assert plan.expected_dropout(5, 19, 20) < plan.expected_dropout(5, 10, 20)
    assert np.isnan(plan.expected_transactions_new(100.0)), "the plan ends before"
    with pytest.raises(so.UsageError, match="the plan ends on 2026-12-28: ask dect"):
        plan.dert(0.1, 2, 10, 20)
    with pytest.raises(so.UsageError, match="the plan ends on 2026-12-28: ask dect"):
        plan.dert_new(0.1)
    with pytest.raises(so.UsageError, match="the likelihood depends on the days of all purchases"):
        plan.log_likelihood(2, 10, 20)
    on_the_web = plan.expected_transactions_new(52.0)
    in_the_shop = model.model_of(weeks, first="2025-06-02", web=0).expected_transactions_new(52.0)
    assert on_the_web / in_the_shop == pytest.approx(np.exp(model.coefficients_["transaction.web"]))


def test_a_planned_customer_is_one_of_rows_that_has_just_bought(model, weeks):
    day = np.datetime64("2025-06-02")
    rows = so.clv.rfm({"customer": [1], "time": [day]}, unit="week", observation_end="2025-06-02")
    rows = rows.join({"customer": [1], "web": [1]}).over_time(weeks)
    plan = model.model_of(weeks, first=day.item(), web=1)
    out = model.predict(rows, horizon="52 weeks")
    assert out["expected_transactions"][0] == pytest.approx(plan.expected_transactions_new(52.0))
    assert out["p_alive"][0] == 1


def test_model_of_keeps_its_words_for_models_that_stay(log):
    known = so.clv.rfm(log, unit="week", observation_end=SEEN).join(
        {"customer": list(range(600)), "first": [0, 1] * 300}
    )
    static = so.clv.ParetoNBD().fit(known, covariates=["first"])
    assert static.model_of(first=1).alpha < static.model_of(first=0).alpha
    with pytest.raises(so.UsageError, match="a plan is for models whose covariates change over time"):
        static.model_of(known, first=1)
