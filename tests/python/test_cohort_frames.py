"""What may go into cohorts and what comes out: frames, prints, pictures, dirty and hostile rows."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import salesops as so

TOY = {
    "id": ["a", "b", "a", "c", "b"],
    "date": ["2024-01-05", "2024-01-20", "2024-02-03", "2024-02-09", "2024-03-31"],
    "value": [10.0, 20.5, 5.25, 8.0, -1.0],
}


def begun(grid, name, cohort):
    """The cells of a cohort that have begun."""
    frame = pl.DataFrame(so.cohort._grid._frame.to_arrow(grid._core.to_table()))
    rows = frame.filter((pl.col("cohort") == cohort) & (pl.col("state") != "unobserved"))
    return rows[name].to_list()


MRR = {"A": [100, 120, 80], "B": [200, 150, 200], "C": [50, 0, 50], "D": [150, 150, 0]}


def invoices():
    return {
        "customer": [name for name in MRR for _ in range(3)],
        "time": ["2024-01-15", "2024-02-15", "2024-03-15"] * 4,
        "amount": [amount for row in MRR.values() for amount in row],
    }


# ---- frames ----

FRAMES = {
    "dict": lambda data: data,
    "pandas": lambda data: pd.DataFrame(data).assign(date=lambda f: pd.to_datetime(f["date"]).dt.date),
    "polars": lambda data: pl.DataFrame(data).with_columns(pl.col("date").str.to_date()),
    "pyarrow": pa.table,
    "categories": lambda data: pl.DataFrame(data).with_columns(pl.col("id").cast(pl.Categorical)),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_of_any_kind_come_back_as_they_went_in(kind):
    data = FRAMES[kind](TOY)
    grid = so.cohort.retention(data, customer="id", time="date", amount="value")
    frame = grid.to_frame()
    types = {"dict": dict, "pandas": pd.DataFrame, "pyarrow": pa.Table}
    assert isinstance(frame, types.get(kind, pl.DataFrame))
    columns = (
        list(frame) if kind == "dict" else list(getattr(frame, "column_names", getattr(frame, "columns", ())))
    )
    assert columns == ["cohort", "period", "k", "n", "active", "amount", "rate", "low", "high", "state"]
    wide = pl.DataFrame(grid.to_wide("active", means=False))
    assert wide["cohort"].to_list() == ["2024-01", "2024-02", "2024-03"]
    assert wide["0"].to_list() == [2, 1, 0]
    assert wide["1"].cast(float).fill_nan(None).to_list() == [1, 0, None]
    assert wide["2"].cast(float).fill_nan(None).to_list() == [0, None, None]


def test_wide_frames_name_their_means():
    wide = so.cohort.retention(pl.DataFrame(TOY), customer="id", time="date").to_wide()
    assert wide["cohort"].to_list()[-2:] == ["weighted mean", "simple mean"]
    assert wide["1"].to_list() == [0.5, 0.0, None, pytest.approx(1 / 3), 0.25]
    states = so.cohort.retention(pl.DataFrame(TOY), customer="id", time="date").to_wide("state")
    assert states["1"].to_list() == ["complete", "complete", "unobserved"]


def test_grids_print_what_they_know():
    grid = so.cohort.retention(TOY, customer="id", time="date", as_of="2024-03-15")
    text = repr(grid)
    assert "3 customers in 3 cohorts by month" in text
    assert "* in progress" in text
    assert "0.0 %*" in text
    assert "<table" in grid._repr_html_()
    assert "new" in repr(so.cohort.lifecycle(TOY, customer="id", time="date"))


# ---- pictures ----


@pytest.mark.parametrize("kind", ["heatmap", "curves", "triangle"])
def test_pictures_of_grids(kind):
    grid = so.cohort.retention(TOY, customer="id", time="date", as_of="2024-03-15")
    picture = grid.plot(kind)
    assert picture.svg().startswith("<svg")
    assert picture.rows
    assert "classic" in picture.title


def test_the_heatmap_tells_null_progress_and_zero_apart():
    toy = {"id": [*TOY["id"], "d"], "date": [*TOY["date"], "2024-04-01"]}
    grid = so.cohort.retention(toy, customer="id", time="date", as_of="2024-04-02")
    data = grid.plot().chart.to_dict()
    cells = data["data"]["values"] if "data" in data else data["layer"][0]["data"]["values"]
    means = [(cell["k"], cell["value"]) for cell in cells if cell["cohort"] == "weighted mean"]
    assert means == [("0", 1), ("1", pytest.approx(1 / 3)), ("2", 0.5)]
    cells = [cell for cell in cells if cell["cohort"] != "weighted mean"]
    assert len(cells) == 10  # six of sixteen have not begun: they are not drawn
    assert sum(cell["state"] == "in_progress" for cell in cells) == 4
    svg = grid.plot().svg()
    assert svg.count("stroke-dasharray") == 4
    assert svg.count(">–<") == 1  # nobody began in March, and its age 0 is over
    assert "–: nobody to count" in grid.plot().subtitle
    zeros = [cell for cell in cells if cell["value"] == 0 and cell["state"] == "complete"]
    assert [cell["cohort"] for cell in zeros] == ["2024-02"]
    assert all(cell["zero"] and cell["shade"] == 0 for cell in zeros)
    empty = [cell for cell in cells if cell["value"] is None]
    assert {cell["cohort"] for cell in empty} == {"2024-03"}
    assert not any(cell["zero"] or cell["note"] for cell in empty)


def test_a_row_without_an_amount_is_activity_of_nothing():
    rows = {"customer": ["A", "A", "B", "B"], "amount": ["10", None, "5", "abc"]}
    rows["time"] = ["2026-01-05", "2026-02-05", "2026-01-07", "2026-02-10"]
    found = {}
    for activity in ("not_refund", "positive"):
        grid = so.cohort.retention(rows, amount="amount", activity=activity, as_of="2026-03-01")
        found[activity] = [grid.to_wide(what, means=False)["1"].tolist()[0] for what in ("active", "amount")]
        assert grid.issues.summary().to_dict()["rule"] == ["no_amount", "not_an_amount"]
    assert found == {"not_refund": [2, 0], "positive": [0, 0]}


def test_one_is_singular():
    one = {"customer": [1], "time": ["2026-01-05"]}
    assert "1 customer in 1 cohort by month" in repr(so.cohort.retention(one))
    assert repr(so.cohort.RetentionState.partial(one)) == "<RetentionState: 1 customer, 1 event>"
    assert repr(so.cohort.Triangle([[10]])) == "<Triangle: 1 cohort, 1 age>"
    assert "1 period," in repr(so.cohort.lifecycle(one))


def test_pictures_of_money_lifecycle_and_projection():
    grid = so.cohort.retention(invoices(), amount="amount", measure="ltv", interval=None, as_of="2024-04-01")
    assert "met at age 1" in grid.plot("ltv", cac=200).title
    assert so.cohort.lifecycle(TOY, customer="id", time="date").plot().svg().startswith("<svg")
    with pytest.raises(so.UsageError, match="kind"):
        grid.plot("pie")


def test_a_projection_tells_whom_it_rests_on():
    made = so.cohort.Triangle([[1000, 800, 600, 500], [200, 150, 120], [400, 300], [500]])
    picture = made.project(4, fans=100).plot()
    assert picture.svg().startswith("<svg")
    numbers = picture.chart.to_dict()["vconcat"][1]["data"]["values"]
    told = [(0, "2,100"), (1, "1,600"), (2, "1,200"), (3, "1,000")]
    assert [(cell["x"], cell["n"]) for cell in numbers] == told
    assert [row[:2] for row in picture.rows[:5]] == [*([str(age), n] for age, n in told), ["4", "–"]]
    assert "Below: customers of the cohorts seen to that age" in picture.subtitle
    assert " % still there at age 7 (" in picture.title
    assert ">share still there<" in picture.svg()
    # Of ages so close there is room for the first alone.
    (alone,) = made.project(40, fans=100).plot().chart.to_dict()["vconcat"][1]["data"]["values"]
    assert alone["x"] == 0


def marks_of(chart, mark):
    """The rows that marks of a kind draw, dashed ones apart."""
    found = chart.to_dict()
    drawn = {True: [], False: []}
    for layer in [inner for one in found["layer"] for inner in one.get("layer", [one])]:
        if layer["mark"]["type"] == mark:
            rows = (
                found["datasets"][layer["data"]["name"]]
                if "name" in layer["data"]
                else layer["data"]["values"]
            )
            drawn["strokeDash" in layer["mark"]] += rows
    return drawn[False], drawn[True]


def test_a_cost_is_met_in_the_picture_as_payback_has_it():
    rows = {
        "customer": list("ABCAB"),
        "time": ["2026-01-05"] * 3 + ["2026-02-03"] * 2,
        "amount": [10, 10, 10, 90, 90],
    }
    grid = so.cohort.retention(rows, amount="amount", measure="ltv", as_of="2026-02-10")
    assert grid.payback(25)["payback"].tolist()[0] == 1
    assert grid.plot("ltv", cac=25).title.endswith("cost of 25 met at age 1 by 1 of 1 cohort")
    assert grid.plot("ltv", cac=71).title.endswith("cost of 71 not met yet")


def test_amounts_in_progress_are_never_a_solid_line():
    grid = so.cohort.retention(invoices(), amount="amount", measure="ltv", interval=None, as_of="2024-03-20")
    picture = grid.plot("ltv", cac=200)
    assert "Dashed to a ring: in progress" in picture.subtitle
    solid, dashed = marks_of(picture.chart, "line")
    assert {row["x"] for row in solid if row["curve"] == "2024-01"} == {0, 1}
    assert [row["x"] for row in dashed] == [1, 2]
    rings, _ = marks_of(picture.chart, "point")
    assert [row["x"] for row in rings if row["open"]] == [2]
    over = so.cohort.retention(
        invoices(), amount="amount", measure="ltv", interval=None, as_of="2024-04-01"
    ).plot("ltv")
    assert "in progress" not in over.subtitle
    assert marks_of(over.chart, "line")[1] == []


def monthly(cohorts, amount=1.0):
    """One customer a cohort who comes every month."""
    months = [f"{2017 + month // 12}-{month % 12 + 1:02}-05" for month in range(cohorts)]
    return {
        "customer": [born for born in range(cohorts) for _ in months[born:]],
        "time": [month for born in range(cohorts) for month in months[born:]],
        "amount": [amount] * (cohorts * (cohorts + 1) // 2),
    }


def test_pictures_say_what_they_leave_out():
    grid = so.cohort.retention(monthly(87))
    assert (len(grid.cohorts), len(grid.ages)) == (87, 87)
    heatmap = grid.plot()
    words = "Drawn: the last 36 of 87 cohorts, ages 0 to 35 of 86; every='quarter' has fewer."
    assert words in heatmap.subtitle
    assert words in grid.plot("triangle").subtitle
    assert heatmap.title.endswith("100.0 % at age 1, 100.0 % at age 35")
    assert heatmap.columns == ["cohort", *map(str, range(13)), "…"]
    assert heatmap.rows[0][-1] == ""
    ltv = so.cohort.retention(monthly(87), amount="amount", measure="ltv", interval=None).plot("ltv")
    assert "Drawn: ages 0 to 39 of 86; every='quarter' has fewer. Lines: 4 of 87 cohorts" in ltv.subtitle
    assert (
        max(row["x"] for rows in marks_of(ltv.chart, "line") for row in rows) == 40
    )  # the step of age 39 ends
    life = so.cohort.lifecycle(monthly(37)).plot()
    assert "Drawn: the last 36 of 37 periods." in life.subtitle
    many = monthly(2) | {"by": ["a", "b", "c"]}
    assert "segments" not in so.cohort.retention(many, by="by").plot("curves").subtitle
    names = list("abcdefghijk")
    eleven = {"customer": names, "time": ["2024-01-05"] * 11, "by": names}
    curves = so.cohort.retention(eleven, by="by", as_of="2024-02-01").plot("curves")
    assert "Drawn: the first 10 of 11 segments." in curves.subtitle
    assert curves.columns == ["age", *names[:10]]
    small = so.cohort.retention(monthly(12))
    assert not any("Drawn" in small.plot(kind).subtitle for kind in ("heatmap", "triangle", "curves"))
    assert "…" not in small.plot().columns
    windows = so.cohort.retention(monthly(5), measure="window", window="30d", as_of="2017-05-07")
    assert len(windows.plot().rows[:-1]) < len(windows.cohorts)  # May's customers have no window that is over
    assert "Drawn" not in windows.plot().subtitle


@pytest.mark.parametrize("measure", ["sum", "count"])
def test_totals_are_told_by_the_simple_mean(measure):
    rows = monthly(4, amount=2.0)
    rows["customer"] += rows["customer"]  # each month twice
    rows["time"] += rows["time"]
    rows["amount"] += [4.0] * 10
    grid = so.cohort.retention(rows, amount="amount", measure=measure, as_of="2017-05-01")
    told = {"sum": "6", "count": "2"}[measure]
    title = f"{measure} (simple mean) by month: {told} at age 1, {told} at age 2"
    for kind in ("heatmap", "curves"):
        picture = grid.plot(kind)
        assert picture.title == title
        assert "; simple mean over all cohorts whose month is over" in picture.subtitle
    assert "Band" not in picture.subtitle
    assert grid.plot().rows[-1] == ["simple mean", *[told] * 4]
    assert [row[1] for row in picture.rows] == [told] * 4


@pytest.mark.parametrize("kind", ["heatmap", "triangle", "ltv"])
def test_cohorts_before_and_after_all_customers_are_not_drawn(kind):
    rows = {
        "customer": [0, 1, 1, *[0] * 60],
        "time": ["2017-01-05", "2017-03-05", "2017-04-05"]
        + [f"{2017 + month // 12}-{month % 12 + 1:02}-07" for month in range(60)],
        "amount": [1.0] * 63,
        "by": ["a", "b", "b", *["a"] * 60],
    }
    how = {"measure": "ltv", "interval": None} if kind == "ltv" else {}
    grid = so.cohort.retention(rows, amount="amount", max_age=3, **how)
    picture = grid.plot(kind)
    cohorts = [row[0] for row in picture.rows if row[0] != "weighted mean"]
    assert cohorts == ["2017-01", *["2017-02"] * (kind != "ltv"), "2017-03"]
    assert "Left out: 57 periods without new customers." in picture.subtitle
    assert "Drawn" not in picture.subtitle
    late = so.cohort.retention(rows, amount="amount", by="by", **how).plot(kind, segment="b")
    assert [row[0] for row in late.rows] == ["2017-03"]
    assert "Left out: 59 periods without new customers." in late.subtitle


def test_who_is_older_than_the_log_is_shown_apart():
    rows = {
        "customer": ["a", "b", "c", "a", "b", "d"],
        "time": ["2023-12-05", "2024-01-05", "2024-01-06", "2024-01-07", "2024-02-05", "2024-02-06"],
    }
    life = so.cohort.lifecycle(rows, observed_from="2024-01-01")
    assert repr(life).splitlines()[1:3] == [
        "period    new  returning  resurrecting  older  dormant  active",
        "2024-01     2          0             0      1        0       3",
    ]
    picture = life.plot()
    assert picture.columns == ["period", "new", "resurrecting", "returning", "older", "dormant", "active"]
    for row in picture.rows:
        assert sum(map(int, row[1:5])) == int(row[6])
    bars = {row["kind"]: row["n"] for row in picture.chart.to_dict()["data"]["values"][:5]}
    assert bars == {"new": 2, "resurrecting": 0, "returning": 0, "older": 1, "dormant": 0}
    assert "older: first seen here, but older than the log" in picture.subtitle
    whole = so.cohort.lifecycle(rows)
    assert "older" not in repr(whole) + repr(whole.plot())


def test_titles_quote_means_of_two_cohorts_or_say_that_it_is_one():
    grid = so.cohort.retention(monthly(4), as_of="2017-05-01")
    assert grid.pooled()["cohorts"].tolist() == [4, 3, 2, 1]
    assert grid.plot().title == "classic by month: 100.0 % at age 1, 100.0 % at age 2"
    assert grid.plot("curves").title == grid.plot().title
    segmented = so.cohort.retention(monthly(4) | {"by": ["x"] * 10}, by="by", as_of="2017-05-01")
    assert segmented.plot("curves").title == "x: " + grid.plot().title
    two = monthly(4) | {"by": [["x", "y"][born % 2] for born in (0, 0, 0, 0, 1, 1, 1, 2, 2, 3)]}
    both = so.cohort.retention(two, by="by", as_of="2017-05-01").plot("curves").title
    assert both == "classic: x 100.0 % at age 1, y 100.0 % at age 2 (of one cohort)"
    one = so.cohort.retention(monthly(2), as_of="2017-03-01")
    assert one.plot().title == "classic by month: 100.0 % at age 1 (of one cohort)"
    none = so.cohort.retention(monthly(1), as_of="2017-02-01")
    assert none.plot().title == "classic by month: nothing is known after age 0"


def test_customers_in_the_mean_stand_under_the_curves():
    grid = so.cohort.retention(monthly(13), as_of="2018-02-01")
    curves = grid.plot("curves")
    cells = curves.chart.to_dict()["vconcat"][1]["data"]["values"]
    assert [(cell["x"], cell["n"]) for cell in cells] == [(k, str(13 - k)) for k in (0, 2, 5, 7, 10, 12)]
    assert "Below: customers in the mean" in curves.subtitle
    plans = monthly(4) | {"by": list("xxxxxxxyyy")}
    both = so.cohort.retention(plans, by="by", as_of="2017-05-01").plot("curves")
    rows = both.chart.to_dict()["vconcat"][1]["data"]["values"]
    assert ">0.5<" not in both.svg()  # ages are whole numbers
    assert both.svg().count(">x</text>") == both.svg().count(">y</text>") == 2  # at the curve and at its row
    assert [cell["n"] for cell in rows if cell["row"] == 0] == ["2", "2", "2", "1"]
    assert [cell["n"] for cell in rows if cell["row"] == 1] == ["2", "1", "0", "0"]
    assert len({cell["color"] for cell in rows}) == 2


def test_what_may_still_grow_is_marked_wherever_it_is_shown():
    how = {"customer": "id", "time": "date", "as_of": "2024-04-01"}
    grid = so.cohort.retention(TOY, measure="unbounded", **how)
    assert grid.pooled()["state"].tolist() == ["complete", "may_grow", "may_grow"]
    heatmap = grid.plot()
    assert heatmap.svg().count(">+<") == 4  # not where all of a cohort count already
    assert heatmap.rows[-1] == ["weighted mean", "100.0 %", "66.7 %+", "50.0 %+"]
    assert "+: may still grow" in heatmap.subtitle
    curves = grid.plot("curves")
    assert "may still grow" in curves.subtitle
    assert "unbounded, may still grow" in curves.svg()
    assert [row[0] for row in curves.rows] == ["0", "1+", "2+"]
    classic = so.cohort.retention(TOY, **how)
    assert set(classic.pooled()["state"]) == {"complete"}
    for kind in ("heatmap", "curves"):
        assert "grow" not in repr(classic.plot(kind))
        assert ">+<" not in classic.plot(kind).svg()


def test_means_of_ages_that_are_not_over_say_so():
    grid = so.cohort.retention(TOY, customer="id", time="date", as_of="2024-03-15")
    assert grid.pooled()["state"].tolist() == ["complete", "complete", "in_progress"]
    by = so.cohort.retention(TOY | {"plan": list("aabba")}, customer="id", time="date", by="plan")
    assert len(by.pooled()["state"]) == len(by.segments) * len(by.ages)


@pytest.mark.parametrize("cohorts", [4, 5, 6, 11])
def test_the_oldest_and_the_youngest_cohort_are_drawn(cohorts):
    months = [f"2024-{month:02}" for month in range(1, cohorts + 1)]
    rows = {"customer": months, "time": [f"{month}-05" for month in months], "amount": [1.0] * cohorts}
    grid = so.cohort.retention(rows, amount="amount", measure="ltv", interval=None)
    solid, dashed = marks_of(grid.plot("ltv").chart, "line")
    named = {row["curve"] for row in solid + dashed} - {"weighted mean"}
    assert len(named) == 4
    assert {months[0], months[-1]} <= named


# ---- what may come in ----


def test_nothing_comes_of_nothing():
    empty = {"customer": np.array([], dtype=object), "time": np.array([], dtype="datetime64[us]")}
    for rows in (empty, {"customer": [None, None], "time": ["2024-01-01", None]}):
        grid = so.cohort.retention(rows)
        assert grid.customers == 0
        assert grid.cohorts == []
        assert grid.to_wide()["cohort"].tolist() == []
        assert so.cohort.lifecycle(rows).periods == []
        assert "no customer in a cohort" in repr(grid)


def test_one_row_and_rows_in_reverse():
    grid = so.cohort.retention({"customer": ["x"], "time": ["2024-01-05"]})
    assert (grid.sizes, grid.ages) == ([1], ["0"])
    forward = so.cohort.retention(TOY, customer="id", time="date", amount="value").to_frame()
    reverse = {name: values[::-1] for name, values in TOY.items()}
    backward = so.cohort.retention(reverse, customer="id", time="date", amount="value").to_frame()
    assert pd.DataFrame(forward).equals(pd.DataFrame(backward))


def test_dirty_rows_become_issues():
    rows = {
        "customer": ["a", None, "b", "c", "  "],
        "time": ["2024-01-05", "2024-01-05", "nonsense", None, "2024-01-06"],
        "amount": [1.0, 2.0, 3.0, 4.0, float("nan")],
    }
    grid = so.cohort.retention(rows, amount="amount")
    assert grid.customers == 1
    found = grid.issues
    assert [found.count(rule) for rule in ("no_customer", "not_a_date", "no_time", "no_amount")] == [
        2,
        1,
        1,
        1,
    ]
    assert "no_customer" in repr(grid)


def test_amounts_negative_huge_and_beyond():
    rows = {"customer": [1, 1, 2], "time": ["2024-01-05", "2024-02-05", "2024-02-29"], "amount": [-5, 10, -1]}
    grid = so.cohort.retention(rows, amount="amount")
    assert (grid.customers, grid.outside, grid.cohorts) == (1, 1, ["2024-02"])
    assert begun(grid, "amount", "2024-02") == [10]  # the refund came before the customer's first purchase
    huge = {"customer": [1, 2], "time": ["2024-01-05"] * 2, "amount": [2**62, 2**62]}
    with pytest.raises(so.UsageError, match="64-bit"):
        so.cohort.retention(huge, amount="amount", money_unit="minor")


def test_hostile_texts_stay_texts():
    names = ["<script>alert(1)</script>", "'; drop table x; --", "\u202eevil", "a" * 10_000, "=1+1"]
    rows = {"customer": names, "time": ["2024-01-05"] * 5, "plan": names}
    grid = so.cohort.retention(rows, by="plan", as_of="2024-02-01")
    assert grid.customers == 5
    assert "<script>" not in grid._repr_html_()
    assert "<script>" not in grid.plot("curves").svg()


def test_sparse_and_large_ids():
    ids = np.array([2**62, 5, -(2**60), 5], dtype=np.int64)
    grid = so.cohort.retention(
        {"customer": ids, "time": ["2024-01-05", "2024-01-06", "2024-01-07", "2024-02-29"]}
    )
    assert grid.sizes == [3, 0]
    assert begun(grid, "active", "2024-01") == [3, 1]


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({"measure": "best"}, "is not one of"),
        ({"measure": "nrr"}, "amounts"),
        ({"measure": "bracket"}, "brackets"),
        ({"measure": "window"}, "window"),
        ({"window": "7d"}, "window"),
        ({"brackets": [(3, 1)], "measure": "bracket"}, "bracket"),
        ({"every": "fortnight"}, "every"),
        ({"every": "fiscal"}, "there is no 'fiscal'.*calendar="),
        ({"every": "Fiscal month"}, "there is no 'Fiscal month'.*calendar="),
        ({"every": "36h"}, "whole days"),
        ({"week_start": "someday", "every": "week"}, "week_start"),
        ({"week_start": "sunday"}, "week_start"),
        ({"min_count": 0}, "min_count"),
        ({"level": 0.95}, "level"),
        ({"max_age": -2}, "max_age"),
        ({"entry": "late"}, "is not one of"),
        ({"as_of": "soon"}, "as_of"),
        ({"start": {"nothing": 1}}, "nothing"),
        ({"start": "id"}, "isn't true or false"),
        ({"interval": "bootstrap", "measure": "unbounded"}, "bootstrap"),
        ({"customer": "who"}, "who"),
    ],
)
def test_what_doesnt_go_is_refused_by_name(how, match):
    with pytest.raises(so.UsageError, match=match):
        so.cohort.retention(TOY, **({"customer": "id", "time": "date"} | how))


def test_triangles_that_rise_or_have_no_renewal_are_refused():
    with pytest.raises(so.UsageError, match="more customers than before"):
        so.cohort.Triangle([[10, 12]]).survival()
    with pytest.raises(so.UsageError, match="no renewal"):
        so.cohort.Triangle([[10], [20]]).project()
    with pytest.raises(so.UsageError, match="model"):
        so.cohort.Triangle([[10, 8]]).project(model="weibull")


def test_a_triangle_takes_the_rows_of_a_frame():
    frame = pd.DataFrame([[100, 80, 60], [50, 40, None], [30, None, None]])
    named = frame.rename(columns=str)
    by_cohort = named.set_index(pd.Index(["2026-01", "2026-02", "2026-03"], name="cohort"))
    polars = pl.from_pandas(named)
    for one in (
        frame,
        by_cohort,
        named.convert_dtypes(),
        polars,
        polars.lazy(),
        polars.to_arrow(),
        frame.values,
    ):
        assert so.cohort.Triangle(one).cohorts == [[100, 80, 60], [50, 40], [30]], type(one)
    with pytest.raises(so.UsageError, match=r"cohort 1 .* has no number at age 0"):
        so.cohort.Triangle(named[["2", "0"]])
    with pytest.raises(so.UsageError, match=r"numbers alone.*leave names of cohorts out"):
        so.cohort.Triangle(by_cohort.reset_index())


@pytest.mark.parametrize("missing", [None, float("nan"), np.float32("nan"), pd.NA])
def test_a_triangle_has_no_gaps_but_open_ends(missing):
    with pytest.raises(
        so.UsageError, match=r"cohort 1 \(counted from 0\) has no number at age 1.*fill the gap"
    ):
        so.cohort.Triangle([[100, 80], [100, missing, 60]])
    with pytest.raises(so.UsageError, match=r"cohort 0 .* at age 0"):
        so.cohort.Triangle([[missing, 60]])
    open_ended = so.cohort.Triangle([[100, 80, 60], [50, 40, missing], [30, missing, missing]])
    assert open_ended.cohorts == [[100, 80, 60], [50, 40], [30]]
