import csv
import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest
import salesops as so
from salesops import survival
from salesops._progress import ConvergenceWarning
from salesops.survival._pictures import MAX_POINTS


def read(path, delimiter=","):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def numbers(rows, name):
    return np.array([float(row[name]) for row in rows])


def test_wins_and_losses_of_a_real_book(data_dir):
    durations, events = [], []
    for row in read(data_dir / "crm" / "maven_crm" / "sales_pipeline.csv"):
        if row["engage_date"]:
            end = dt.date.fromisoformat(row["close_date"] or "2017-12-31")
            durations.append((end - dt.date.fromisoformat(row["engage_date"])).days)
            events.append(row["deal_stage"] if row["close_date"] else None)
    fit = survival.AalenJohansen().fit(durations, events)
    assert fit.n_rows_ == 8300
    won = [fit.at(day, "Won") for day in (7, 14, 30, 60, 90, 120)]
    lost = [fit.at(day, "Lost") for day in (7, 14, 30, 60, 90, 120)]
    assert won == pytest.approx(
        [0.09108434, 0.18761423, 0.21899483, 0.26473297, 0.39701475, 0.50004196], abs=1e-8
    )
    assert lost == pytest.approx(
        [0.07915663, 0.15049989, 0.16220646, 0.18550122, 0.25212462, 0.29549951], abs=1e-8
    )


def test_churn_of_telephone_customers(data_dir):
    rows = read(data_dir / "ops" / "subscriptions" / "ibm_telco_churn.csv")
    fit = survival.KaplanMeier().fit(numbers(rows, "tenure"), [row["Churn"] == "Yes" for row in rows])
    shares = [fit.at(month) for month in (1, 12, 24, 48, 60, 72)]
    assert shares == pytest.approx([0.945961, 0.8432, 0.788736, 0.70884, 0.664404, 0.59279], abs=2e-6)


SMALL = ([5.0, 6.0, 6.0, 2.0, 4.0], [1, 0, 1, 1, 0])


@pytest.mark.parametrize(
    ("durations", "events", "more", "words"),
    [
        ([], [], {}, "no rows"),
        ([-1, 2], [1, 1], {}, "durations: 1 of 2"),
        ([None, 2], [1, 1], {}, "durations"),
        ([float("inf"), 2], [1, 1], {}, "durations: 1 of 2"),
        ([1, 2], [1, 2], {}, "neither 0 nor 1"),
        ([1, 2], [1, None], {}, "events"),
        ([1, 2], [1], {}, "equally long"),
        ([1, 2], [1, 1], {"entry": [1, 0]}, "entry: 1 of 2"),
        ([1, 2], [1, 1], {"weights": [1, -1]}, "weights: 1 of 2"),
        (["a", "b"], [1, 1], {}, "durations must be numbers"),
        ([[1, 2]], [1], {}, "durations must be one column"),
    ],
)
def test_bad_rows_are_refused(durations, events, more, words):
    with pytest.raises(so.UsageError, match=words):
        survival.KaplanMeier().fit(durations, events, **more)


def test_options_are_refused_by_name():
    with pytest.raises(so.UsageError, match="log_log, log, plain, arcsine"):
        survival.KaplanMeier(interval="wald").fit(*SMALL)
    with pytest.raises(so.UsageError, match="percent"):
        survival.KaplanMeier(level=0.95).fit(*SMALL)
    with pytest.raises(so.UsageError, match="not fitted"):
        survival.KaplanMeier().at(1)
    with pytest.raises(so.UsageError, match="no outcome"):
        survival.AalenJohansen().fit(*SMALL).at(1, "won")
    with pytest.raises(so.UsageError, match="null"):
        survival.logrank(*SMALL, groups=["a", None, "a", "b", "b"])


def test_one_row_and_nothing_known():
    fit = survival.KaplanMeier().fit([3], [0])
    assert fit.at(2) == 1
    assert fit.at(4) is None
    assert fit.median_.estimate is None
    assert repr(fit.median_) == "TimeEstimate(estimate=None, low=None, high=None)"
    assert fit.rmst(4) is None
    assert survival.AalenJohansen().fit([3], [0]).causes_ == []


def test_habits_of_an_estimator():
    fit = survival.KaplanMeier(level=80)
    assert fit.get_params() == {"level": 80, "interval": "log_log"}
    assert fit.set_params(level=90).fit(*SMALL) is fit
    assert repr(fit) == "<KaplanMeier(level=90, interval='log_log'): 5 rows, 3 events>"
    assert "survival_lo_90" in fit._repr_html_()
    assert list(fit.to_frame().columns)[-2:] == ["survival_lo_90", "survival_hi_90"]
    with pytest.raises(so.UsageError, match="no parameter"):
        fit.set_params(alpha=1)


def test_frames_come_back_in_kind():
    pl = pytest.importorskip("polars")
    frame = survival.NelsonAalen().fit(pl.Series(SMALL[0]), pl.Series(SMALL[1])).to_frame()
    assert isinstance(frame, pl.DataFrame)
    pd = pytest.importorskip("pandas")
    days = pd.to_timedelta(pd.Series(SMALL[0]), unit="D")
    frame = survival.KaplanMeier().fit(days, pd.Series(SMALL[1]).astype(bool)).to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame["time"].tolist() == [2, 4, 5, 6]
    listed = [dt.timedelta(days=day) for day in SMALL[0]]
    assert survival.KaplanMeier().fit(listed, SMALL[1]).to_frame()["time"].tolist() == [2, 4, 5, 6]


def test_charts_are_small():
    pytest.importorskip("altair")
    rng = np.random.default_rng(1)
    fit = survival.AalenJohansen().fit(rng.exponential(size=5000), rng.integers(0, 3, 5000))
    picture = fit.plot()
    bands = picture.chart.to_dict()["vconcat"][0]["layer"][0]["data"]["values"]
    assert len(bands) == 2 * (1 + MAX_POINTS)
    assert len(picture.svg()) < 60_000
    ends = [f"{curve.values[-1]:.3f}" for curve in fit._curves()[1]]
    assert picture.rows[-1][2:] == ends


@pytest.mark.parametrize(
    ("fit", "start"),
    [(survival.KaplanMeier(), 1.0), (survival.NelsonAalen(), 0.0), (survival.AalenJohansen(), 0.0)],
)
def test_curves_start_at_time_zero(fit, start):
    pytest.importorskip("altair")
    first = fit.fit(*SMALL).plot().chart.to_dict()["vconcat"][0]["layer"][0]["data"]["values"][0]
    assert (first["x"], first["value"]) == (0.0, start)


def test_without_altair_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "altair", None)
    with pytest.raises(so.UsageError, match=r"\[plot\]"):
        survival.KaplanMeier().fit(*SMALL).plot()


def test_conversion_of_leads_as_known_on_a_day(data_dir):
    leads = data_dir / "ops" / "leads"
    won = {row["mql_id"]: dt.date.fromisoformat(row["won_date"][:10])
           for row in read(leads / "olist_closed_deals.csv")}  # fmt: skip
    as_of = dt.date(2018, 5, 31)
    durations, events = [], []
    for row in read(leads / "olist_mql.csv"):
        first, end = dt.date.fromisoformat(row["first_contact_date"][:10]), won.get(row["mql_id"])
        known = end is not None and end <= as_of
        durations.append(max(0, ((end if known else as_of) - first).days))  # one row is won 2 days too early
        events.append(known)
    fit = survival.KaplanMeier().fit(durations, events)
    assert (fit.n_rows_, fit.n_events_) == (8000, 665)
    assert [1 - fit.at(day) for day in (30, 90, 180)] == pytest.approx([0.0698, 0.0876, 0.0953], abs=6e-5)


def test_labels_need_the_one_that_means_open():
    days, ends = [3, 5, 5, 8], ["won", "lost", "open", "won"]
    for ask in (
        lambda **more: survival.AalenJohansen(**more).fit(days, ends).causes_,
        lambda **more: survival.FineGray(cause="won", **more).fit(days, ends, {"x": [1, 2, 3, 4]}),
    ):
        with pytest.raises(so.UsageError, match="events: of the labels 'lost', 'open', 'won' say which"):
            ask()
    assert survival.AalenJohansen(censored="open").fit(days, ends).causes_ == ["lost", "won"]
    assert survival.AalenJohansen(censored=None).fit(days, ends).causes_ == ["lost", "open", "won"]
    assert survival.AalenJohansen().fit(days, ["won", "lost", None, "won"]).causes_ == ["lost", "won"]


def test_one_group_can_not_be_compared():
    days, ended = [1, 2, 3], [1, 1, 1]
    with pytest.raises(so.UsageError, match="groups: all rows are of 'a'; a test compares two groups"):
        survival.logrank(days, ended, ["a", "a", "a"])
    with pytest.raises(so.UsageError, match="column 'plan': all rows are of 'a'"):
        survival.logrank(
            {"days": days, "left": ended, "plan": ["a"] * 3},
            duration_col="days",
            event_col="left",
            group_col="plan",
        )
    with pytest.raises(so.UsageError, match="a test compares two groups"):
        survival.gray(days, [1, 2, 1], ["a", "a", "a"], cause=1)
    assert survival.rmst(days, ended, ["a", "a", "a"], until=2).difference is None


def test_columns_of_a_frame_are_named_by_keyword():
    frame = {"months": [5, 6, 6, 2], "left": [1, 0, 1, 1], "seats": [3, 9, 4, 2]}
    for rows in (frame, pl.DataFrame(frame), pd.DataFrame(frame), pl.DataFrame(frame).to_arrow()):
        with pytest.raises(
            so.UsageError, match=r"durations: this is a frame.*duration_col='…', event_col='…'"
        ):
            survival.CoxPH().fit(rows, "months", "left")


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        (
            ["time", "survival", "open"],
            "'survival' would share the column 'survival' of the result with the rows",
        ),
        (["won", "time", "open"], "'time' would share the column 'time' of the result"),
        (
            ["won", "won_events", "open"],
            "'won_events' would share the column 'won_events'.*the outcome 'won'",
        ),
        (["won", "won_lo_95", "open"], "column 'why': the outcome 'won_lo_95'.*the outcome 'won'"),
    ],
)
def test_outcomes_never_take_the_place_of_other_columns(ends, words):
    with pytest.raises(so.UsageError, match=words):
        survival.AalenJohansen(censored="open").fit(
            {"days": [1, 2, 3], "why": ends}, duration_col="days", event_col="why"
        )
    names = (
        survival.AalenJohansen(censored="open").fit([1, 2, 3], ["won", "price", "open"]).to_frame().columns
    )
    assert len(set(names)) == len(names) == 3 + 2 * 5


ROWS = {
    "months": [5, 6, 6, 2, 4, 9],
    "left": [1, 0, 1, 1, 0, 1],
    "plan": list("ababab"),
    "why": ["x", "y", "x", "y", "y", "x"],
    "born": [0] * 6,
    "count": [1] * 6,
    "size": [1, 5, 2, 4, 3, 6],
}
ENDED = {"duration_col": "months", "event_col": "left", "entry_col": "born", "weights_col": "count"}
OUTCOME = {"duration_col": "months", "event_col": "why", "entry_col": "born", "weights_col": "count"}
ASK = {
    "rmst": lambda rows: survival.rmst(rows, until=3, group_col="plan", **ENDED),
    "logrank": lambda rows: survival.logrank(rows, group_col="plan", **ENDED),
    "KaplanMeier": lambda rows: survival.KaplanMeier().fit(rows, **ENDED),
    "CoxPH": lambda rows: survival.CoxPH().fit(rows, formula="size", **ENDED),
    "WeibullAFT": lambda rows: survival.WeibullAFT().fit(rows, formula="size", **ENDED),
    "DiscreteHazard": lambda rows: survival.DiscreteHazard().fit(rows, formula="size", **ENDED),
    "AalenJohansen": lambda rows: survival.AalenJohansen(censored=None).fit(rows, **OUTCOME),
    "gray": lambda rows: survival.gray(rows, group_col="plan", cause="x", censored=None, **OUTCOME),
    "FineGray": lambda rows: survival.FineGray(cause="x", censored=None).fit(rows, formula="size", **OUTCOME),
}


@pytest.mark.parametrize("ask", ASK)
@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("left", 2, "are neither 0 nor 1"),
        ("months", "a", "are not"),
        ("months", None, "are NaN"),
        ("months", -1, "are"),
        ("born", 9, "are not before their duration"),
        ("born", "a", "are not"),
        ("count", -2, "are not finite and above 0"),
        ("count", "a", "are not"),
    ],
)
def test_bad_rows_are_counted_in_the_column_of_the_whole_frame(ask, name, value, what):
    if name == "left" and ask in ("AalenJohansen", "gray", "FineGray"):
        return
    rows = ROWS | {name: [*ROWS[name][:4], value, ROWS[name][5]]}
    with pytest.raises(so.UsageError, match=rf"^column '{name}'.* 1 of 6 rows {what}.*\(first: row 4"):
        ASK[ask](rows)


@pytest.mark.parametrize("groups", [["a"], ["a", "b", "b"], []])
@pytest.mark.parametrize(
    "ask",
    [
        lambda groups: survival.logrank([1, 2], [1, 1], groups),
        lambda groups: survival.gray([1, 2], [1, 1], groups, cause=1),
        lambda groups: survival.rmst([1, 2], [1, 1], groups, until=1),
    ],
)
def test_groups_of_another_length_are_told_so(ask, groups):
    with pytest.raises(so.UsageError, match=f"groups has {len(groups)} rows, durations has 2"):
        ask(groups)


def test_groups_are_as_long_as_durations():
    with pytest.raises(so.UsageError, match="column 'plan' has 0 rows, durations has 6"):
        ASK["rmst"](ROWS | {"plan": []})
    with pytest.raises(so.UsageError, match="column 'left' has 2 rows, durations has 6"):
        ASK["rmst"](ROWS | {"left": [1, 0]})
    with pytest.raises(so.UsageError, match="column 'months' has no rows"):
        ASK["rmst"]({name: [] for name in ROWS})
    with pytest.raises(so.UsageError, match="column 'plan': 1 of 6 rows are null"):
        ASK["rmst"](ROWS | {"plan": [*"ababa", None]})
    with pytest.raises(so.UsageError, match="column 'why': of the labels 'x', 'y' say which"):
        survival.gray(ROWS, group_col="plan", cause="x", **OUTCOME)


def test_no_p_value_is_zero_in_words():
    near, far = np.linspace(1, 2, 2000), np.linspace(8, 9, 2000)
    days, group = np.concatenate([near, far]), np.repeat(["near", "far"], 2000)
    means = survival.rmst(days, groups=group, until=8)
    assert means.difference.p_value == 0
    assert repr(means).endswith("p < 1e-300)>")
    assert ", p < 1e-300; " in repr(survival.LogRank(2000.0, 1, 0.0, {}, {}, "log_rank"))
    assert ", p 0.0123; " in repr(survival.LogRank(6.26, 1, 0.01234, {}, {}, "log_rank"))
    everything = survival.CoxPH().fit(*SMALL, {"x": [1, 3, 2, 5, 4]}).check_assumptions().everything
    assert f"all together p {everything.p_value:.3g}" in repr(survival.Assumptions("km", {}, everything))


PLANS = ["d", "c", "b", "a"]
OF_ROW = list("badcabdcab")
LASTED = {"m": [5, 6, 6, 2, 4, 9, 3, 8, 7, 1], "e": [1, 0, 1, 1, 1, 1, 0, 1, 1, 1]}


def declared_frames():
    declared = pd.Categorical(OF_ROW, categories=["unused", *PLANS])
    enum = pl.Series(OF_ROW, dtype=pl.Enum(["unused", *PLANS]))
    yield pd.DataFrame({**LASTED, "plan": declared})
    yield {**LASTED, "plan": declared}
    yield pl.DataFrame({**LASTED, "plan": enum})
    yield pl.DataFrame({**LASTED, "plan": enum}).lazy()
    yield pl.DataFrame({**LASTED, "plan": enum}).to_arrow()


def test_the_reference_is_the_first_category_in_the_declared_order():
    for rows in declared_frames():
        model = survival.CoxPH().fit(rows, duration_col="m", event_col="e")
        assert model.references_ == {"plan": "d"}, type(rows)
        assert list(model.coefficients_) == ["plan=c", "plan=b", "plan=a"]
    texts = {**LASTED, "plan": OF_ROW}
    undeclared = pl.DataFrame(texts).with_columns(pl.col("plan").cast(pl.Categorical))
    for rows in (texts, undeclared, undeclared.to_arrow(), pd.DataFrame(texts)):
        assert survival.CoxPH().fit(rows, duration_col="m", event_col="e").references_ == {"plan": "a"}
    told = survival.CoxPH().fit(
        pd.DataFrame(texts).astype({"plan": "category"}),
        duration_col="m",
        event_col="e",
        reference={"plan": "c"},
    )
    assert told.references_ == {"plan": "c"}


def test_numbers_declared_as_categories_are_categories():
    size = pd.Categorical([2, 1, 3, 2, 1, 3, 2, 1, 3, 1], categories=[3, 2, 1])
    model = survival.CoxPH().fit(LASTED["m"], LASTED["e"], pd.DataFrame({"size": size}))
    assert model.references_ == {"size": 3}
    assert list(model.coefficients_) == ["size=2", "size=1"]
    assert len(model.predict_median({"size": [1, 2, 3]})) == 3


def test_the_variance_of_incidences_is_of_the_delta_method_and_named():
    days, ends = np.arange(1, 7), np.array([0, 1, 1, 2, 2, 0])
    fit = survival.AalenJohansen().fit(days, ends)
    found = fit.result_.causes[1]
    n, d, own = 7.0 - days, ends > 0, ends == 2
    before = np.concatenate([[1], np.cumprod(1 - d / n)[:-1]])
    delta, aalen = [], []
    for t in (3, 4):
        past = days <= days[t]
        n_, d_, k, s, f = (
            n[past],
            d[past],
            own[past],
            before[past],
            found.incidence[t] - found.incidence[past],
        )
        delta.append(
            np.sum(f**2 * d_ / (n_ * (n_ - d_)) + s**2 * k * (n_ - k) / n_**3 - 2 * f * s * k / n_**2)
        )
        aalen.append(
            np.sum(
                f**2 * d_ / ((n_ - 1) * (n_ - d_))
                + s**2 * k * (n_ - k) / (n_**2 * (n_ - 1))
                - 2 * f * s * k * (n_ - k) / (n_ * (n_ - d_) * (n_ - 1))
            )
        )
    assert aalen == pytest.approx([0.0469, 0.0778], abs=5e-5)  # as cmprsk
    assert delta == pytest.approx([0.032, 0.048])
    assert found.std_error[3:5] ** 2 == pytest.approx(delta)
    assert repr(fit).endswith("6 rows, 4 events, errors by the delta method>")
    assert "delta" not in repr(survival.AalenJohansen())


def test_the_hazard_behind_a_kaplan_meier_curve():
    fit = survival.KaplanMeier().fit([5, 6, 6, 2, 4, 9], [1, 0, 1, 1, 0, 1])
    hazard = fit.cumulative_hazard_
    assert hazard["time"].tolist() == fit.result_.time.tolist()
    assert np.exp(-hazard["cumulative_hazard"]).tolist() == pytest.approx(fit.result_.survival.tolist())
    assert hazard["cumulative_hazard"].iloc[-1] == np.inf


def test_the_curve_behind_a_hazard():
    fit = survival.NelsonAalen().fit([5, 6, 6, 2, 4, 9], [1, 0, 1, 1, 0, 1])
    curve = fit.survival_function_
    assert curve["time"].tolist() == fit.result_.time.tolist()
    assert (-np.log(curve["survival"])).tolist() == pytest.approx(fit.result_.cumulative_hazard.tolist())
    assert fit.median_survival_time_ == curve["time"][curve["survival"] <= 0.5].min() == 6
    assert survival.NelsonAalen().fit([1, 2], [0, 0]).median_survival_time_ is None


def test_shares_of_outcomes_and_their_intervals_are_frames_of_their_own():
    days, ends = pl.Series([3, 5, 5, 8]), ["won", "lost", "open", "won"]
    deals = survival.AalenJohansen(censored="open", level=80).fit(days, ends)
    whole = deals.to_frame()
    assert deals.cumulative_incidence_.equals(whole.select("time", "lost", "won"))
    ends = ("lost_lo_80", "lost_hi_80", "won_lo_80", "won_hi_80")
    assert deals.confidence_interval_.equals(whole.select("time", *ends))
    assert survival.AalenJohansen().fit([3], [0]).cumulative_incidence_.columns.tolist() == ["time"]


def test_curves_have_a_summary():
    curve = survival.KaplanMeier(level=90).fit(*SMALL)
    row = curve.summary_.iloc[0].to_dict()
    median = curve.median_
    assert [row["rows"], row["events"], row["median"]] == [5, 3, median.estimate]
    assert row["median_lo_90"] == median.low
    assert survival.KaplanMeier().fit([1, 2], [0, 0]).summary_["median"].isna().all()
    hazard = survival.NelsonAalen().fit(pl.Series(SMALL[0]), pl.Series(SMALL[1]))
    assert isinstance(hazard.summary_, pl.DataFrame)
    last = hazard.to_frame().row(-1, named=True)
    assert hazard.summary_.row(0, named=True) == {
        "rows": 5,
        "events": 3,
        **{name: last[name] for name in last if name not in ("at_risk", "events", "censored")},
    }
    deals = survival.AalenJohansen(censored="open").fit([3, 5, 5, 8], ["won", "lost", "open", "won"])
    assert deals.summary_["outcome"].tolist() == ["lost", "won"]
    assert deals.summary_["events"].tolist() == [1, 2]
    assert deals.summary_["incidence"].tolist() == [deals.at(8, "lost"), deals.at(8, "won")]
    assert deals.summary_["incidence_hi_95"].iloc[0] == deals.to_frame()["lost_hi_95"].iloc[-1]


def test_the_baseline_of_cox_is_where_every_column_is_zero():
    model = survival.CoxPH(penalty=1).fit(
        ROWS, duration_col="months", event_col="left", formula="size + plan"
    )
    curve = model.survival_function_
    zero = {"size": [0], "plan": ["a"]}
    predicted = model.predict_survival_function(zero)
    assert curve["time"].tolist() == predicted["time"].tolist()
    assert curve["survival"].tolist() == pytest.approx(predicted["survival"].tolist())
    assert model.median_survival_time_ == model.predict_median(zero)[0]
    never = survival.CoxPH(penalty=1).fit([1, 2, 3, 4, 5], [1, 0, 1, 0, 0], {"x": [3, 1, 4, 2, 5]})
    assert never.predict_median({"x": [0]}).tolist() == pytest.approx([np.nan], nan_ok=True)
    assert never.median_survival_time_ is None
    layered = survival.CoxPH(penalty=1).fit(
        ROWS, duration_col="months", event_col="left", formula="size", strata="plan"
    )
    parts = layered.survival_function_
    for plan in ("a", "b"):
        own = layered.predict_survival_function({"size": [0], "plan": [plan]})
        own = dict(zip(own["time"], own["survival"], strict=True))
        for time, share in parts[parts["stratum"] == f"plan={plan}"][["time", "survival"]].to_numpy():
            assert share == pytest.approx(own[time])
    with pytest.raises(so.UsageError, match="strata: each has a median of its own; ask predict_median"):
        _ = layered.median_survival_time_


def test_laws_have_the_names_of_curves():
    law = survival.WeibullAFT().fit(*SMALL)
    hazard = law.cumulative_hazard_
    scale, power = law.parameters_["lambda"], law.parameters_["rho"]
    assert hazard["cumulative_hazard"].tolist() == pytest.approx(((hazard["time"] / scale) ** power).tolist())
    model = survival.WeibullAFT().fit(ROWS, duration_col="months", event_col="left", formula="size")
    for name, instead in (
        ("survival_function_", "predict_survival_function"),
        ("cumulative_hazard_", "predict_survival_function"),
        ("median_survival_time_", "predict_median"),
    ):
        with pytest.raises(so.UsageError, match=rf"{name}: the model has columns.*ask {instead}\(rows\)"):
            getattr(model, name)


def test_concordance_of_a_law_counts_pairs():
    rng = np.random.default_rng(3)
    size = rng.integers(0, 6, 60)
    days = np.ceil(rng.exponential(np.exp(size / 3)) * 3)
    ended = rng.random(60) < 0.7
    model = survival.LogNormalAFT().fit(days, ended, {"size": size})
    median = model.predict_median({"size": size})
    right = pairs = 0.0
    for i in np.flatnonzero(ended):
        later = (days > days[i]) | ((days == days[i]) & ~ended)
        pairs += later.sum()
        right += (median[later] > median[i]).sum() + (median[later] == median[i]).sum() / 2
    assert model.concordance_index_ == pytest.approx(right / pairs)
    assert model.concordance_index_ > 0.6
    other = survival.LogNormalAFT().fit(days, ended, {"size": -size})
    assert other.concordance_index_ == model.concordance_index_
    assert model.fit(days, ended, {"size": rng.permutation(size)}).concordance_index_ < 0.6
    with pytest.raises(so.UsageError, match="no columns"):
        _ = survival.WeibullAFT().fit(*SMALL).concordance_index_
    looks = survival.WeibullAFT().fit([1, 2, 3, 4], upper=[2, 2, None, 9], covariates={"x": [1, 3, 2, 5]})
    with pytest.raises(so.UsageError, match="2 of 4 lifetimes lie between two looks"):
        _ = looks.concordance_index_


def test_predicted_curves_stand_over_the_rows_of_the_fit():
    pytest.importorskip("altair")
    rng = np.random.default_rng(4)
    size, plan = rng.integers(0, 5, 80), rng.choice(["a", "b"], 80)
    days = np.where(plan == "a", 20, 40) * rng.random(80)
    rows = {"days": days, "left": rng.random(80) < 0.7, "size": size, "plan": plan}
    model = survival.CoxPH().fit(rows, duration_col="days", event_col="left", formula="size + plan")
    asked = {"size": [0, 4], "plan": ["a", "b"]}
    picture = model.plot_survival_function(asked, names=["small", "large"], time="days")
    assert picture.columns == ["days", "at risk", "small", "large"]
    assert "<svg" in picture.svg()
    for name, at_risk, *shares in picture.rows:
        # The picture rounds its times, so it is asked at the duration that it means.
        time = days[np.argmin(abs(days - float(name)))]
        assert int(at_risk) == (days >= time).sum()
        predicted = model.predict_survival_function(asked, times=time)["survival"]
        assert shares == [f"{share:.3f}" for share in predicted]
    layered = survival.CoxPH().fit(rows, duration_col="days", event_col="left", formula="size", strata="plan")
    last = layered.plot_survival_function(asked).rows[-1]
    assert float(last[0]) == pytest.approx(days[plan == "a"].max(), rel=1e-3)
    with pytest.raises(so.UsageError, match="data: 11 rows; a chart takes 1 to 10 curves"):
        model.plot_survival_function({"size": [1] * 11, "plan": ["a"] * 11})
    with pytest.raises(so.UsageError, match="names: need 2 different names"):
        model.plot_survival_function(asked, names=["same", "same"])
    with pytest.raises(so.UsageError, match="need a Matplotlib axis"):
        model.plot_survival_function(asked, ax=1)


@pytest.mark.parametrize(("rho", "gamma"), [(0, 0), (1, 0), (0, 1), (1, 1), (0.5, 2)])
def test_powers_of_the_curve_weigh_the_log_rank_test(rho, gamma):
    rng = np.random.default_rng(5)
    durations = np.ceil(rng.exponential(8, 300))
    events = rng.random(300) < 0.7
    groups = rng.integers(0, 2, 300)
    share, difference, variance = 1.0, 0.0, 0.0
    for time in np.unique(durations[events]):
        at_risk = durations >= time
        ends = events & (durations == time)
        n, d = at_risk.sum(), ends.sum()
        mine = (at_risk & (groups == 0)).sum() / n
        weight = share**rho * (1 - share) ** gamma
        difference += weight * ((ends & (groups == 0)).sum() - d * mine)
        variance += weight**2 * d * mine * (1 - mine) * (n - d) / max(n - 1, 1)
        share *= 1 - d / n
    found = survival.logrank(durations, events, groups, weight="g_rho", rho=rho, gamma=gamma)
    assert found.statistic == pytest.approx(difference**2 / variance, rel=1e-9)
    if rho == gamma == 0:
        assert found.statistic == pytest.approx(
            survival.logrank(durations, events, groups).statistic, rel=1e-12
        )


@pytest.mark.parametrize("power", [-1, float("nan"), float("inf")])
def test_powers_are_finite_and_not_below_0(power):
    with pytest.raises(so.UsageError, match="rho and gamma"):
        survival.logrank([1, 2, 3], [1, 1, 1], ["a", "b", "a"], weight="g_rho", gamma=power)


def test_separation_of_interactions_leaves_no_certainty():
    """Where rounding leaves a variance below 0 nothing is known: no error of 0, no p of 0."""
    rows = {
        "months": [5, 6, 6, 2, 4, 9, 3, 8],
        "left": [1, 0, 1, 1, 0, 1, 1, 1],
        "x": [1.0, 2, 3, 4, 5, 6, 2, 1],
        "plan": list("pqrpqrpq"),
    }
    with pytest.warns(ConvergenceWarning, match="'x', 'plan=q', 'plan=r', 'x:plan=q', 'x:plan=r'"):
        model = survival.CoxPH().fit(rows, duration_col="months", event_col="left", formula="x*plan")
    summary = model.summary_
    assert not (np.asarray(summary["std_error"]) < 1).any()
    assert not (np.asarray(summary["p_value"]) < 0.5).any()
