"""Slips of the pen in rows: a wrong year, days as numbers, nothing at all. Named, with the way out."""

import datetime as dt
import decimal
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import salesops as so

DAYS = [f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}" for i in range(200)]
FRAMES = {
    "text": lambda rows: rows,
    "timestamp": lambda rows: pd.DataFrame(rows).assign(time=lambda frame: pd.to_datetime(frame["time"])),
    "date": lambda rows: pl.DataFrame(rows).with_columns(pl.col("time").str.to_date()),
}


def with_days(*days, before=DAYS):
    """Customers who come now and then, and the days given at the end."""
    time = [*before, *days]
    return {"customer": [i % 20 for i in range(len(time))], "time": time}


# ---- one wrong year ----


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("every", ["day", "week", "month"])
def test_a_wrong_year_that_makes_a_grid_too_large_is_named(kind, every):
    rows = FRAMES[kind](with_days("2126-03-04"))
    with pytest.raises(so.UsageError) as caught:
        so.cohort.retention(rows, every=every)
    told = str(caught.value)
    assert (
        "column 'time': 1 of 201 rows lies long after the rest (2024-01-01 to 2024-12-28); the first is row "
        "200, 2126-03-04: mend or drop it, or ask with as_of='2024-12-29', which knows nothing "
        "later. With them, "
    ) in told
    assert "cells, more than 1000000" in told
    as_of = re.search(r"as_of='(.*?)'", told)[1]
    healed = so.cohort.retention(rows, every=every, as_of=as_of)
    right = so.cohort.retention(FRAMES[kind](with_days()), every=every)
    assert healed.to_wide().equals(right.to_wide()) if kind != "text" else healed.cohorts == right.cohorts


def test_a_wrong_year_is_named_with_the_column_of_the_caller_and_in_its_zone():
    rows = {"who": [1] * 101, "seen at": ["2024-05-01T23:30Z"] * 100 + ["2999-01-01T23:30Z"]}
    with pytest.raises(so.UsageError, match=r"'seen at': 1 of .* row 100, 2999-01-02: .*as_of='2024-05-03'"):
        so.cohort.retention(rows, customer="who", time="seen at", tz="Asia/Tokyo")


def test_rows_long_before_and_after_are_told_apart():
    rows = with_days("1970-01-01", "2126-03-04", "1969-12-31")
    with pytest.raises(so.UsageError) as caught:
        so.cohort.retention(rows)
    told = str(caught.value)
    assert "2 of 203 rows lie long before the rest (2024-01-01 to 2024-12-28); the first is row 200" in told
    assert "1 of 203 rows lies long after the rest" in told
    assert told.count("as_of=") == 1  # which is of no help with rows before
    for how in ({"as_of": "2024-12-29"}, {"as_of": "2024-12-29", "observed_from": "2024-01-01"}):
        grid = so.cohort.retention(rows, **how)
        assert grid.issues.count("long_after_the_rest") == 0
        assert grid.issues.count("long_before_the_rest") == (0 if "observed_from" in how else 2)


def test_a_grid_that_is_merely_large_is_told_as_before():
    for days in (["2014-01-01", "2023-12-31"], DAYS[:12] * 9 + ["2126-03-04"] * 40):
        with pytest.raises(so.UsageError, match=r"^\d+ cohorts at "):
            so.cohort.retention({"customer": [1] * len(days), "time": days}, every="day")


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("measure", ["classic", "unbounded", "previous", "bracket", "window", "count"])
def test_a_wrong_year_in_a_grid_that_fits_is_an_issue(kind, measure):
    own = {"bracket": {"brackets": [1, (2, 3)]}, "window": {"window": "30d"}}.get(measure, {})
    rows = FRAMES[kind](with_days("1999-01-05", "2042-03-04", "2042-03-05"))
    grid = so.cohort.retention(rows, measure=measure, **own)
    found = grid.issues.to_frame("polars").sort("row")
    assert found["rule"].to_list() == ["long_before_the_rest", "long_after_the_rest"]
    assert found["row"].to_list() == [200, 201]
    assert grid.issues.count("long_after_the_rest") == 2
    assert "2 long_after_the_rest" in repr(grid)
    assert so.cohort.retention(FRAMES[kind](with_days()), measure=measure, **own).issues.total == 0


def test_periods_of_a_lifecycle_have_the_same_issue():
    for every in ("day", "quarter", "year"):
        life = so.cohort.lifecycle(with_days("2042-03-04"), every=every)
        assert life.issues.count("long_after_the_rest") == 1
        assert "1 long_after_the_rest" in repr(life).splitlines()[0]
    assert so.cohort.lifecycle(with_days(), every="day").issues.total == 0


def test_years_of_rest_are_no_slip():
    two = [day.replace("2024", "2020") for day in DAYS] + DAYS
    assert so.cohort.retention(with_days(before=two)).issues.total == 0
    few = {"customer": [1, 1, 2], "time": ["2015-01-05", "2024-01-05", "2015-02-05"]}
    assert so.cohort.retention(few).issues.total == 0
    dirty = with_days("2042-03-04", None, "soon")
    assert so.cohort.retention(dirty).issues.total == 3
    one = {"customer": [1], "time": ["2024-01-05"]}
    assert so.cohort.retention(one, measure="previous").issues.total == 0


# ---- nothing at all ----


@pytest.mark.parametrize(
    ("rows", "how", "grid", "life"),
    [
        ({"customer": [], "time": []}, {}, "there are no rows", "there are no rows"),
        (
            {"customer": ["b", "a"], "time": [None, None]},
            {},
            "no row has a customer and a time; 2 no_time",
            "nobody is active; 2 no_time",
        ),
        (
            {"customer": [None, "a"], "time": ["2024-01-01", None]},
            {},
            "no row has a customer and a time up to 2024-01-01 23:59 UTC; 1 no_customer, 1 no_time",
            "nobody is active up to 2024-01-01 23:59 UTC; 1 no_customer, 1 no_time",
        ),
        (
            {"customer": ["a", "b"], "time": ["2024-01-01", "2024-02-01"]},
            {"as_of": "2020-01-01"},
            "no row has a customer and a time up to 2019-12-31 23:59 UTC",
            "nobody is active up to 2019-12-31 23:59 UTC",
        ),
        (
            {"customer": ["a", "b"], "time": ["2024-01-01", "2024-02-01"]},
            {"observed_from": "2025-01-01"},
            "2 customers older than the log",
            "nobody is active up to 2024-02-01 23:59 UTC",
        ),
        (
            {"customer": ["a"], "time": ["2024-01-01"], "amount": [-5]},
            {"amount": "amount"},
            "1 customer without an event that begins one",
            "nobody is active up to 2024-01-01 23:59 UTC",
        ),
    ],
)
def test_an_empty_grid_says_why(rows, how, grid, life):
    empty, none = so.cohort.retention(rows, **how), so.cohort.lifecycle(rows, **how)
    for made, words in ((empty, f"no customer in a cohort: {grid}"), (none, f"no period: {life}")):
        assert words in repr(made)
        assert words in made._repr_html_()
        assert "1970" not in repr(made)
    assert (empty.as_of is None) == (not any(rows["time"]))
    for made, words in ((empty, grid), (none, life)):
        with pytest.raises(so.UsageError, match=f"nothing to draw: {words.split(';')[0]}"):
            made.plot()


def test_what_is_known_of_no_rows():
    empty = {"customer": [], "time": []}
    assert so.cohort.retention(empty).as_of is None
    assert so.cohort.lifecycle(empty).as_of is None
    one = so.cohort.retention({"customer": [1], "time": ["1969-12-31"]})
    assert one.as_of == dt.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC)


# ---- days as digits, and counted seconds ----

DIGITS = [19970101, 19970215, 19970331]


@pytest.mark.parametrize("ask", [so.cohort.retention, so.cohort.lifecycle, so.clv.rfm])
@pytest.mark.parametrize(
    "time",
    [DIGITS, [float(day) for day in DIGITS], [str(day) for day in DIGITS], [None, 19970215, None]],
    ids=["int", "float", "text", "null"],
)
def test_days_as_digits_are_refused_with_the_way_that_works(ask, time):
    frame = pd.DataFrame({"who": [1, 2, 1], "on": time})
    with pytest.raises(so.UsageError, match=r"column 'on' holds days as digits, such as 1997") as caught:
        ask(frame, customer="who", time="on")
    told = str(caught.value)
    healed = frame.assign(on=eval(re.search(r"pandas by (.*\)), in Polars", told)[1]))
    ask(healed, customer="who", time="on")
    if time[0] is not None and not isinstance(time[0], float):
        polars = pl.DataFrame({"who": [1, 2, 1], "on": time})
        way = eval(re.search(r"Polars by (.*)$", told)[1])
        assert polars.with_columns(way)["on"].dtype == pl.Date


@pytest.mark.parametrize(("unit", "per_second"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_counted_seconds_are_refused_with_the_way_that_works(unit, per_second):
    frame = pd.DataFrame({"customer": [1, 1], "time": np.array([1704448800, 1707127200]) * per_second})
    for ask in (so.cohort.retention, so.clv.rfm):
        with pytest.raises(so.UsageError, match="since 1970, make instants of them first") as caught:
            ask(frame)
    healed = frame.assign(time=eval(re.search(r"pandas by (.*\))$", str(caught.value))[1]))
    assert so.cohort.retention(healed).cohorts == ["2024-01", "2024-02"]


def test_texts_that_are_no_days_are_told_as_before():
    for time in (["19971301", "19970101"], ["5", "6"], [1.5, float("inf")], [5, 6]):
        with pytest.raises(so.UsageError, match="column 'time'") as caught:
            so.cohort.retention({"customer": [1, 2], "time": time})
        assert "digits" not in str(caught.value)
    some = so.cohort.retention({"customer": [1, 2], "time": ["19970101", "1997-01-05"]})
    assert some.issues.count("not_a_date") == 1


# ---- arguments that don't fit ----

PAID = {
    "customer": ["A", "B", "A", "B"],
    "time": ["2024-01-05", "2024-01-09", "2024-02-03", "2024-03-01"],
    "amount": [10.0, 20.0, 30.0, 40.0],
    "event": ["signup", "signup", "login", "login"],
}


@pytest.mark.parametrize(
    ("cac", "words"),
    [
        ("100", "need a number, or a dict of cohort labels to numbers, not str"),
        (True, "not bool"),
        (None, "not NoneType"),
        (float("nan"), "not NaN"),
        ([10, 20, 30], "not list"),
        ({"2024-01": "10"}, "not str"),
        (-1, "need a number, or a dict of cohort labels to numbers, of 0 or more"),
        (float("inf"), "of 0 or more"),
        ({"2024-01": -1}, "of 0 or more"),
        ({"2024-1": 1}, "there is no cohort '2024-1'; did you mean '2024-01'?"),
    ],
)
def test_costs_that_are_none_are_refused_by_name(cac, words):
    with pytest.raises(so.UsageError, match=f"^cac: .*{re.escape(words)}"):
        so.cohort.retention(PAID, amount="amount").payback(cac)


def test_costs_of_any_kind_of_number():
    grid = so.cohort.retention(PAID, amount="amount", measure="ltv", interval=None)
    for cac in (25, 25.0, np.float32(25), np.int64(25), decimal.Decimal(25)):
        assert grid.payback(cac)["payback"].tolist()[0] == 1
        assert "cost of 25 met at age 1" in grid.plot("ltv", cac=cac).title
    unknown = grid.payback({"2024-01": None, "2024-02": float("nan"), "2024-03": 5})["cac"].tolist()
    assert unknown == pytest.approx([np.nan, np.nan, 5], nan_ok=True)
    by_year = so.cohort.retention(PAID, amount="amount", every="year")
    assert by_year.payback({2024: 25})["payback"].tolist() == [0]


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda grid: grid.plot("ltv", cac=[1]), "cac: need one number for the line"),
        (lambda grid: grid.plot("ltv", cac=float("inf")), "cac: need one number for the line"),
        (lambda grid: grid.plot(cac=3), "cac is for kind='ltv', not 'heatmap'"),
        (lambda grid: grid.plot("curves", segment="x"), "segment: curves draw all segments"),
        (lambda grid: grid.triangle("x"), "segment: the grid has none; name their column with by"),
        (lambda grid: so.cohort.retention(PAID, every="months"), "not 'months'; did you mean 'month'?"),
        (lambda grid: so.cohort.lifecycle(PAID, every="M"), "or a block of days such as '28d', not 'M'"),
        (
            lambda grid: so.cohort.retention(PAID, amount="amount", currency="usd"),
            "no column 'usd'.* A currency code is of three capitals",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(ask, words):
    grid = so.cohort.retention(PAID, amount="amount", measure="ltv", interval=None)
    with pytest.raises(so.UsageError, match=words):
        ask(grid)


def test_brackets_of_numpy_are_ages_too():
    grid = so.cohort.retention(PAID, measure="bracket", brackets=[np.int64(1), np.array([1, 2])])
    assert grid.ages == ["1", "1-2"]


def test_a_filter_that_no_row_passes_is_an_issue():
    log = {"customer": PAID["customer"], "time": PAID["time"], "event": PAID["event"]}
    slip = so.cohort.retention(log, start={"event": "sign-up"}, returned={"event": "logn"})
    found = slip.issues.to_frame("polars")
    assert found["rule"].to_list() == ["no_row_is_start", "no_row_is_returned"]
    assert set(found["column"]) == {"event"}
    assert so.cohort.lifecycle(log, returned={"event": "logn"}).issues.count("no_row_is_returned") == 1
    flags = pd.DataFrame(log).assign(started=pd.array([None, False, False, False], dtype="boolean"))
    assert so.cohort.retention(flags, start="started").issues.count("no_row_is_start") == 1
    fine = so.cohort.retention(log, start={"event": "signup"}, returned={"event": "login"})
    assert fine.issues.total == 0
    none = {name: cells[:0] for name, cells in log.items()}
    assert so.cohort.retention(none, start={"event": "signup"}).issues.total == 0
