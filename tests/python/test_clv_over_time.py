"""Pareto/NBD with covariates over time: seasons and plans as users hand them in."""

import datetime as dt
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
import salesops as so

START = np.datetime64("2024-01-01")
END = "2025-06-30"
TRUE = so.clv.ParetoNBD(r=0.9, alpha=12, s=0.8, beta=30)


@pytest.fixture(scope="module")
def log():
    born = START + np.random.default_rng(1).integers(0, 200, 400)
    return pd.DataFrame(TRUE.simulate_transactions(born, until=END, unit="week", seed=5))


@pytest.fixture(scope="module")
def rows(log):
    return so.clv.rfm(log, unit="week", observation_end=END)


@pytest.fixture(scope="module")
def weeks():
    """A season and the state of the shop, for all customers alike, a year beyond the data."""
    start = np.arange(START, np.datetime64("2026-07-01"), 7).astype("datetime64[s]")
    frame = pd.DataFrame({"start": start})
    frame["season"] = (frame.index % 52 > 44).astype(int)
    frame["shop"] = np.where(frame.index % 7 < 2, "sale", "normal")
    return frame


@pytest.fixture(scope="module")
def model(rows, weeks):
    known = rows.over_time(weeks)
    return so.clv.ParetoNBD().fit(known, covariates=["season", "shop"], dropout_covariates=["season"])


# ---- the reference ----


@pytest.fixture(scope="module")
def apparel(data_dir):
    tx = pd.read_csv(data_dir / "clv/apparel_transactions.csv")
    weeks = pd.read_csv(data_dir / "clv/apparel_dynamic_covariates.csv")
    made = so.clv.rfm(
        tx, customer="Id", time="Date", amount="Price", unit="week", calibration_end="2006-12-31"
    )
    return made.over_time(weeks, start="Cov.Date", customer="Id")


ALL = ["High.Season", "Gender", "Channel"]


def test_apparel_beats_clvtools_and_says_what_runs_away(apparel):
    fit = so.clv.ParetoNBD().fit(apparel, covariates=ALL, dropout_covariates=ALL)
    assert fit.log_likelihood_ == pytest.approx(-5752.623172, abs=1e-5)
    assert fit.log_likelihood_ > -5754.7702
    assert fit.coefficients_["transaction.High.Season"] == pytest.approx(0.7185, abs=1e-4)
    assert fit.standard_errors_["transaction.High.Season"] == pytest.approx(0.0596, abs=1e-3)
    assert fit.coefficients_["dropout.High.Season"] < -10
    assert (
        "dropout.High.Season runs to minus infinity: nobody seems to leave where it is above 0" in fit.notes_
    )
    assert "nobody seems to leave" in str(fit.summary_)
    out = fit.predict(apparel, horizon="26 weeks", level=90)
    # The other parameters are known as well as ever: intervals hold the one that runs away as estimated.
    assert np.isnan(fit.standard_errors_["dropout.High.Season"])
    assert any("intervals of forecasts are over what is determined" in note for note in fit.notes_)
    assert not out.isna().any(axis=None)
    for name in ("p_alive", "expected_transactions"):
        assert (out[f"{name}_lo_90"] <= out[name]).mean() > 0.9
        assert (out[f"{name}_lo_90"] < out[f"{name}_hi_90"]).mean() > 0.95
    sums = fit.total(apparel, horizon="26 weeks", level=90)
    assert sums["transactions_lo_90"] < sums["transactions"] < sums["transactions_hi_90"]


def test_apparel_forecast_has_intervals_where_all_is_determined(apparel):
    fit = so.clv.ParetoNBD().fit(apparel, covariates=ALL, dropout_covariates=["Gender", "Channel"])
    assert fit.converged_
    assert all(np.isfinite(list(fit.standard_errors_.values())))
    # CLVTools gives .01249 for this one, where its search had stopped short of a maximum. Ours is what the
    # likelihood falls by: half a unit at one standard error.
    name = "transaction.High.Season"
    low, high = fit.confidence_intervals("profile", level=68.26894921370859)[name]
    assert (high - low) / 2 == pytest.approx(fit.standard_errors_[name], rel=0.01)
    assert fit.standard_errors_[name] == pytest.approx(0.0597, abs=1e-4)
    spend = so.clv.GammaGamma().fit(apparel)
    asked = {"horizon": "26 weeks", "discount": "10% / year", "spend": spend}
    out = fit.predict(apparel, **asked, level=90)
    point = fit.predict(apparel, **asked)
    for name in ("p_alive", "expected_transactions", "expected_spend", "clv"):
        assert (out[name] == point[name]).all()
        inside = (out[f"{name}_lo_90"] <= out[name]) & (out[name] <= out[f"{name}_hi_90"])
        assert inside.mean() > 0.97
    assert (out["clv"] < out["expected_spend"] * out["expected_transactions"]).all()


# ---- what it is equal to ----


def test_what_never_changes_is_the_static_fit(log, rows):
    kinds = pd.DataFrame({"customer": range(400), "tier": np.arange(400) % 3, "web": np.arange(400) % 2})
    each = kinds.merge(pd.DataFrame({"start": pd.to_datetime(["2024-01-01", "2025-01-01"])}), how="cross")
    static = so.clv.ParetoNBD().fit(rows.join(kinds), covariates=["tier", "web"], dropout_covariates=["web"])
    told = rows.over_time(each, customer="customer", until="2027-01-01")
    moving = so.clv.ParetoNBD().fit(told, covariates=["tier", "web"], dropout_covariates=["web"])
    assert moving.log_likelihood_ == pytest.approx(static.log_likelihood_, abs=1e-7)
    assert moving.coefficients_ == pytest.approx(static.coefficients_, abs=1e-5)
    assert moving.standard_errors_ == pytest.approx(static.standard_errors_, rel=1e-4)
    ahead = {"horizon": "40 weeks", "discount": "10% / year"}
    want = static.predict(rows.join(kinds), **ahead)
    got = moving.predict(told, **ahead)
    for name in ("p_alive", "expected_transactions"):
        assert got[name].to_numpy() == pytest.approx(want[name].to_numpy(), rel=1e-4)
    # A column that stays may come from the rows themselves, beside one that changes.
    mixed = rows.join(kinds[["customer", "web"]]).over_time(
        each[["customer", "start", "tier"]], customer="customer", until="2027-01-01"
    )
    both = so.clv.ParetoNBD().fit(mixed, covariates=["tier", "web"], dropout_covariates=["web"])
    assert both.log_likelihood_ == pytest.approx(moving.log_likelihood_, abs=1e-9)


def test_rows_for_all_are_rows_of_each(rows, weeks, model):
    each = weeks.merge(pd.DataFrame({"who": range(400)}), how="cross").sample(frac=1, random_state=2)
    told = rows.over_time(pl.from_pandas(each), customer="who")
    own = so.clv.ParetoNBD().fit(told, covariates=["season", "shop"], dropout_covariates=["season"])
    assert own.params_ == model.params_
    assert own.coefficients_ == model.coefficients_
    texts = rows.over_time(weeks.assign(start=weeks["start"].dt.strftime("%Y-%m-%d")))
    same = model.predict(texts, horizon="20 weeks")
    assert same.equals(model.predict(told, horizon="20 weeks"))


def test_the_fit_finds_a_season_that_is_there(log, weeks):
    """Purchases outside the season are thinned: the factor on the rate is known."""
    day = log["time"].to_numpy().astype("datetime64[D]")
    week = (day - START).astype(int) // 7
    first = log["time"] == log.groupby("customer")["time"].transform("min")
    kept = first | (week % 52 > 44) | (np.random.default_rng(3).random(len(log)) < 0.4)
    told = so.clv.rfm(log[kept], unit="week", observation_end=END).over_time(weeks)
    fit = so.clv.ParetoNBD().fit(told, covariates=["season"])
    found, error = fit.coefficients_["transaction.season"], fit.standard_errors_["transaction.season"]
    assert abs(found - np.log(1 / 0.4)) < 3 * error < 0.5
    plain = so.clv.ParetoNBD().fit(told)
    test = so.clv.likelihood_ratio_test(plain, fit)
    assert test.degrees == 1
    assert test.p_value < 1e-6
    # The season to come raises what is expected, by its factor on the rate.
    calm = fit.predict(
        told.over_time(weeks.assign(season=weeks["season"].where(weeks["start"] < END, 0))),
        horizon="45 weeks",
    )
    busy = fit.predict(
        told.over_time(weeks.assign(season=weeks["season"].where(weeks["start"] < END, 1))),
        horizon="45 weeks",
    )
    ratio = busy["expected_transactions"].sum() / calm["expected_transactions"].sum()
    assert ratio == pytest.approx(np.exp(found), rel=0.02)


# ---- forecasts and habits ----


def test_a_schedule_and_a_score_read_the_plan_too(log, weeks, model):
    told = so.clv.rfm(log, unit="week", calibration_end="2025-03-31", holdout_end=END).over_time(weeks)
    score = so.clv.evaluate(model, told)
    out = model.predict(told, horizon=f"{told.holdout_duration} weeks")
    assert score["expected"] == pytest.approx(out["expected_transactions"].sum())
    plan = model.clv_schedule(told, horizon="26 weeks", every="quarter")
    whole = model.predict(told, horizon="26 weeks")
    assert plan["expected_transactions"].sum() == pytest.approx(whole["expected_transactions"].sum())


def test_it_chooses_among_models_with_and_without(log, weeks):
    told = so.clv.rfm(log, unit="week", calibration_end="2024-10-31", holdout_end="2025-02-28")
    told = told.join({"customer": list(range(400)), "web": [0, 1] * 200}).over_time(weeks)
    followed = so.clv.ParetoNBD().fit(told, covariates=["shop", "web"])
    found = so.clv.select(told, ["nbd", "bg", "pareto", followed], covariates=["web"], report_end=END)
    table = found.to_frame()
    of = dict(zip(table["model"] + " " + table["covariates"], table["report_mae"], strict=True))
    assert set(of) == {"NBD ", "BGNBD web", "ParetoNBD web", "ParetoNBD shop, web"}
    assert "shop, web" in str(found)
    assert max(map(len, str(found).splitlines())) <= 80
    # The same by hand, on the rows as they will be.
    later = so.clv.rfm(log, unit="week", calibration_end="2025-02-28", holdout_end=END)
    later = later.join({"customer": list(range(400)), "web": [0, 1] * 200}).over_time(weeks)
    own = so.clv.ParetoNBD().fit(later, covariates=["shop", "web"])
    assert of["ParetoNBD shop, web"] == pytest.approx(so.clv.evaluate(own, later)["mae"], rel=1e-6)
    table = so.clv.compare(told, ["nbd", "pareto"], covariates=["shop"], dropout_covariates=["web"])
    assert table.to_frame()["parameters"].tolist() == [6, 2]


def test_models_survive_json_with_their_categories(tmp_path, rows, weeks, model):
    model.save(tmp_path / "model.json")
    again = so.clv.load(tmp_path / "model.json")
    assert json.loads(model.to_json())["fitted"]["covariates_"]["over_time"] == ["season", "shop"]
    told = rows.over_time(weeks)
    assert again.predict(told, horizon="20 weeks").equals(model.predict(told, horizon="20 weeks"))
    with pytest.raises(so.UsageError, match="column 'shop' hold a category that the fit did not see"):
        again.predict(rows.over_time(weeks.assign(shop="closed")), horizon="20 weeks")


@pytest.fixture(scope="module")
def few(log, weeks):
    told = so.clv.rfm(log[log["customer"] < 60], unit="week", observation_end=END).over_time(weeks)
    priors = {"r": (0.9, 0.3), "alpha": (12, 0.3), "s": (0.8, 0.3), "beta": (30, 0.3)}
    return told, so.clv.ParetoNBD(priors=priors).fit(told, covariates=["season"])


def test_intervals_of_parameters_by_all_methods(few):
    told, fit = few
    wald = fit.confidence_intervals(level=90)["transaction.season"]
    profile = fit.confidence_intervals("profile", level=90)["transaction.season"]
    bootstrap = fit.confidence_intervals("bootstrap", level=90, draws=20)["transaction.season"]
    assert profile == pytest.approx(wald, abs=0.2 * (wald[1] - wald[0]))
    assert bootstrap == pytest.approx(wald, abs=0.8 * (wald[1] - wald[0]))
    free = so.clv.ParetoNBD().fit(told, covariates=["season"])
    twice = so.clv.ParetoNBD().fit(told, covariates=["season"], weights=np.full(len(told), 2.0))
    assert twice.log_likelihood_ == pytest.approx(2 * free.log_likelihood_)


def test_a_posterior_forecasts_over_time_too(few):
    told, fit = few
    drawn = fit.posterior(140, chains=2, warmup=60, progress=False)
    out = drawn.predict(told, horizon="20 weeks", level=80)
    point = fit.predict(told, horizon="20 weeks", level=80)
    for end in ("", "_lo_80", "_hi_80"):
        got, want = (one[f"expected_transactions{end}"].to_numpy() for one in (out, point))
        assert got.sum() == pytest.approx(want.sum(), rel=0.15)
    assert (out["p_alive_lo_80"] < out["p_alive_hi_80"]).all()


# ---- what is refused ----


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda w: w.iloc[2:], {}, r"of 400 rows first bought before their covariates over time begin \(row"),
        (lambda w: w[w["start"] < "2025-05-01"], {}, "end before 2025-06-30, until when they are needed"),
        (
            lambda w: pd.concat([w, w.tail(3)]),
            {},
            "3 of 134 rows of the timeline repeat a 'start'; name the column",
        ),
        (lambda w: w.rename(columns={"start": "day"}), {}, "no column 'start'; there are day, season, shop"),
        (lambda w: w.assign(T=1), {}, "there is a column 'T' already"),
        (lambda w: w.head(1), {}, "a single row ends nowhere"),
        (lambda w: w.head(0), {}, "no rows"),
        (lambda w: w.assign(start="soon"), {}, "needs dates"),
        (lambda w: w.assign(start=w["start"].where(w.index != 3)), {}, r"have no 'start' \(row 3\)"),
        (lambda w: w, {"until": "2024-01-01"}, "until= lies before the last row begins"),
        (
            lambda w: w.assign(who="A"),
            {"customer": "who"},
            "400 of 400 rows have a customer without covariates",
        ),
        (
            lambda w: w.assign(season=w["season"].where(w.index != 9)),
            {},
            r"1 of 131 rows of column 'season' have no finite value \(row 9\)",
        ),
    ],
)
def test_what_a_timeline_cannot_say_is_named(rows, weeks, change, options, words):
    with pytest.raises(so.UsageError, match=words):
        so.clv.ParetoNBD().fit(rows.over_time(change(weeks), **options), covariates=["season"])


def test_what_a_model_over_time_cannot_be_asked(rows, weeks, model):
    told = rows.over_time(weeks)
    with pytest.raises(so.UsageError, match="end before 2026-12-28"):
        model.predict(told, horizon="78 weeks")
    with pytest.raises(so.UsageError, match="give a horizon"):
        model.predict(told, discount="10% / year")
    with pytest.raises(so.UsageError, match=r"follows season, shop over time: tell it by rows.over_time"):
        model.predict(rows, horizon="9 weeks")
    with pytest.raises(so.UsageError, match="say what is planned and when"):
        model.model_of(season=1, shop="sale")
    with pytest.raises(so.UsageError, match="say what is planned and when"):
        model.model_of(weeks)
    with pytest.raises(so.UsageError, match="the plan has no column 'shop'"):
        model.model_of(weeks.drop(columns="shop"), first="2025-07-01")
    with pytest.raises(so.UsageError, match="say each of the plan and no more: web is odd"):
        model.model_of(weeks, first="2025-07-01", web=1)
    with pytest.raises(so.UsageError, match="first bought before"):
        model.model_of(weeks, first="2023-07-01")
    with pytest.raises(so.UsageError, match="draws the customers of rows that have them"):
        model.simulate_transactions(["2025-01-01"], until=END)
    with pytest.raises(so.UsageError, match="ask"):
        model.p_alive(1, 1, 2)
    with pytest.raises(so.UsageError, match="season changes over time, which BGNBD can't follow"):
        so.clv.BGNBD().fit(told, covariates=["season"])
    with pytest.raises(so.UsageError, match="column 'season' already"):
        told.join({"customer": [1], "season": [1]})
    with pytest.raises(so.UsageError, match="without discrete"):
        so.clv.rfm({"customer": ["A"], "time": [dt.date(2024, 1, 1)]}, discrete=True).over_time(weeks)
