"""What may go into subscriptions and what comes out: frames, prints, pictures, dirty and hostile rows."""

import datetime as dt
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import salesops as so
from hypothesis import given, settings
from hypothesis import strategies as st

sub = so.subscription

TOY = {
    "who": ["a", "a", "b", "c"],
    "from": ["2026-01-05", "2026-02-05", "2026-01-20", "2026-03-03"],
    "to": ["2026-02-05", None, "2026-02-11", None],
    "price": [10.0, 15.5, 20.25, 8.0],
}
NAMES = {"customer": "who", "start": "from", "end": "to", "amount": "price"}

FRAMES = {
    "dict": lambda data: data,
    "pandas": lambda data: pd.DataFrame(data).assign(**{"from": lambda f: pd.to_datetime(f["from"])}),
    "polars": lambda data: pl.DataFrame(data).with_columns(pl.col("from", "to").str.to_date()),
    "pyarrow": pa.table,
    "categories": lambda data: pl.DataFrame(data).with_columns(pl.col("who").cast(pl.Categorical)),
}


def columns_of(frame):
    return (
        list(frame)
        if isinstance(frame, dict)
        else list(getattr(frame, "column_names", None) or frame.columns)
    )


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_of_any_kind_come_back_as_they_went_in(kind):
    data = FRAMES[kind](TOY)
    type_of = {"dict": dict, "pandas": pd.DataFrame, "pyarrow": pa.Table}.get(kind, pl.DataFrame)
    made = sub.movements(data, **NAMES, as_of="2026-04-01", details=True)
    long = made.to_frame()
    assert isinstance(long, type_of)
    assert columns_of(long) == ["period", "kind", "n", "amount", "state"]
    wide = made.to_wide()
    assert isinstance(wide, type_of)
    assert pl.DataFrame(wide)["end"].to_list() == [30.25, 15.5, 23.5]
    assert isinstance(made.details(), type_of)
    assert columns_of(made.details()) == ["who", "period", "kind", "amount", "before", "after"]
    assert pl.DataFrame(made.balances())["mrr"].to_list() == [10.0, 15.5, 15.5, 20.25, 8.0]
    frame = sub.mrr(data, **NAMES, as_of="2026-04-01")
    assert columns_of(frame) == ["period", "start_date", "mrr", "arr", "customers", "arpa", "state"]
    assert isinstance(sub.retention(data, **NAMES, over=1).to_frame(), type_of)
    assert isinstance(sub.renewals(data, **NAMES, as_of="2026-04-01").to_frame(), type_of)
    ended = FRAMES[kind]({name: values[:1] + values[2:3] for name, values in TOY.items()})
    terms = sub.contract_values(ended, start="from", end="to", amount="price")
    assert isinstance(terms.to_frame(), type_of)


def test_long_and_wide_agree():
    made = sub.movements(pl.DataFrame(TOY), **NAMES, as_of="2026-04-01")
    wide = made.to_wide()
    for kind in ("start", "new", "expansion", "churn", "end"):
        assert made.to_frame().filter(pl.col("kind") == kind)["amount"].to_list() == wide[kind].to_list()
    assert wide["customers"].to_list() == [2, 1, 2]


def test_details_are_kept_on_request():
    made = sub.movements(TOY, **NAMES)
    with pytest.raises(so.UsageError, match="details=True"):
        made.details()
    with pytest.raises(so.UsageError, match="details=True"):
        made.balances()


# ---- prints and pictures ----


def test_results_print_what_they_know_within_80_columns():
    rows = {**TOY, "who": ["<b>" * 40, "<b>" * 40, "b", "c"], "price": [1e12, 2e12, 3e12, 4e12]}
    made = sub.movements(rows, **NAMES, as_of="2026-03-15", currency="EUR")
    kept = sub.retention(rows, **NAMES, over=1, as_of="2026-03-15")
    came = sub.renewals(rows, **NAMES, as_of="2026-03-15")
    for one in (made, kept, came):
        text = repr(one)
        assert max(map(len, text.splitlines())) <= 80, text
        html = one._repr_html_()
        assert "<table" in html
        assert "<b>" not in html
    assert "EUR" in repr(made)
    assert "* in progress" in repr(made)
    values = sub.contract_values(
        {"start": ["2026-01-01"], "end": ["2027-01-01"], "amount": [5], "id": ["<script>" * 9]}, contract="id"
    )
    assert max(map(len, repr(values).splitlines())) <= 80
    assert "<script>" not in values._repr_html_()


def test_a_waterfall_of_what_moved():
    made = sub.movements(TOY, **NAMES, as_of="2026-04-01", currency="EUR")
    picture = made.plot()
    assert picture.svg().startswith("<svg")
    assert [row[0] for row in picture.rows] == ["start", "new", "expansion", "churn", "end"]
    assert picture.rows[-1][1] == "23.50"
    data = picture.chart.to_dict()
    rows = data["data"]["values"] if "data" in data else data["layer"][1]["data"]["values"]
    assert sum(row["value"] for row in rows if row["kind"] == "change") == pytest.approx(23.5)
    one = made.plot("2026-02")
    assert [row[0] for row in one.rows] == ["start", "expansion", "churn", "end"]
    assert "2026-02" in one.title
    assert made.plot("2026-02", "2026-03").rows[0][1] == "30.25"
    with pytest.raises(so.UsageError, match="comes after"):
        made.plot("2026-03", "2026-01")
    with pytest.raises(so.UsageError, match="2030"):
        made.plot("2030-01")


def test_a_picture_of_retention_stops_where_the_data_ends():
    rows = {
        "customer": list(range(20)),
        "start": [f"2025-{1 + i % 5:02}-01" for i in range(20)],
        "end": ["2026-01-10"] + ["2026-02-11"] * 19,
        "amount": [100] * 20,
    }
    kept = sub.retention(rows, as_of="2026-04-10")
    assert kept.to_wide()["state"].tolist() == ["complete", "data_end", "complete", "in_progress"]
    picture = kept.plot()
    assert picture.title == "2026-01: net 75.0 %, gross 75.0 %, customers 75.0 %"
    assert "In 2026-02 (!) most ends where the data ends: not drawn from there on." in picture.subtitle
    assert {row["x"] for row in picture.chart.to_dict()["layer"][1]["data"]["values"]} == {
        0,
        1,
    }  # from its start to its end
    assert [row[0] for row in picture.rows] == ["2026-01", "2026-02!", "2026-03", "2026-04"]
    # Nothing is over before that.
    only = sub.retention({name: values[1:] for name, values in rows.items()}, over=13, as_of="2026-03-01")
    assert only.plot().title.startswith("2026-02: net 0.0 %")
    assert only.plot().subtitle.endswith("In 2026-02 (!) most ends where the data ends.")


def test_pictures_of_retention_and_renewals():
    kept = sub.retention(TOY, **NAMES, over=1, as_of="2026-04-01")
    assert kept.plot().svg().startswith("<svg")
    assert "net" in kept.plot().title
    assert "of 1 month before that is still there" in kept.plot().subtitle
    assert "left" not in kept.plot().svg()
    came = sub.renewals(TOY, **NAMES, as_of="2026-06-01", late="10d")
    assert "1 of 2 contracts renewed" in came.plot().title
    for nothing in (sub.movements({**TOY, "price": [0] * 4}, **NAMES), sub.retention(TOY, **NAMES)):
        with pytest.raises(so.UsageError, match="nothing to draw"):
            nothing.plot()


# ---- what may come in ----

EMPTY = {"customer": np.array([], dtype=object), "start": np.array([], dtype="datetime64[us]")}
EMPTY |= {"end": np.array([], dtype="datetime64[us]"), "amount": np.array([], dtype=float)}
NULLS = {"customer": ["a", "b"], "start": ["2026-01-01", None], "end": [None, None], "amount": [None, 3.0]}


@pytest.mark.parametrize("rows", [EMPTY, NULLS, {**NULLS, "customer": [None, None]}])
def test_nothing_comes_of_nothing(rows):
    made = sub.movements(rows)
    assert made.periods == []
    assert list(sub.mrr(rows)["mrr"]) == []
    assert "Movements" in repr(made)
    assert made._repr_html_()
    assert sub.retention(rows, over=1).periods == []
    assert sub.renewals(rows).periods == []
    assert len(sub.contract_values(rows)) == 0
    assert made.quick_ratio() is None
    assert made.to_frame()["kind"].tolist() == []


def test_one_row():
    made = sub.movements({"customer": [7], "start": [dt.date(2026, 1, 31)], "amount": [5]}, end=None)
    assert (made.periods, made.to_wide()["end"].tolist()) == (["2026-01"], [5.0])
    assert made.to_wide()["state"].tolist() == ["complete"]


def test_rows_are_rounded_before_they_are_summed_a_month_and_exact_a_year():
    rows = {"customer": range(10_000), "start": ["2026-01-05"] * 10_000, "amount": [10] * 10_000}
    frame = so.subscription.mrr(rows, end=None, billing="year")
    assert (frame["mrr"].tolist(), frame["arr"].tolist()) == ([8300.0], [100000.0])
    for amount, monthly in ((1.5, 0.12), (4.5, 0.38)):  # half to even
        one = {"customer": ["A"], "start": ["2026-01-05"], "amount": [amount]}
        assert so.subscription.mrr(one, end=None, billing="year")["mrr"].tolist() == [monthly]
    twice = {"customer": ["A", "A"], "start": ["2026-01-05"] * 2, "amount": [10, 10], "id": ["x", "x"]}
    assert so.subscription.mrr(twice, end=None)["mrr"].tolist() == [20]
    assert so.subscription.mrr(twice, end=None, subscription="id")["mrr"].tolist() == [10]


A_YEAR = {"day": 365, "week": 52, "month": 12, "quarter": 4, "half": 2, "year": 1}
CENTS = st.integers(100, 10**7)
PRICES = st.tuples(CENTS, st.integers(1, 50), st.integers(0, 99), st.sampled_from([*A_YEAR]))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(PRICES, min_size=1, max_size=40))
def test_any_mix_of_intervals_is_exact_a_year(rows):
    cents, seats, off, paid = (list(column) for column in zip(*rows, strict=True))
    log = {
        "customer": range(len(rows)),
        "start": ["2026-01-05"] * len(rows),
        "amount": [price / 100 for price in cents],
        "seats": seats,
        "off": [less / 100 for less in off],
        "paid": paid,
        "half": [i % 2 for i in range(len(rows))],
    }
    how = {"end": None, "quantity": "seats", "discount": "off", "billing": "paid"}
    exact = sum(
        Fraction(price * n - less, 100) * A_YEAR[unit]
        for price, n, less, unit in zip(cents, seats, off, paid, strict=True)
    )
    frame = sub.mrr(log, **how)
    assert frame["arr"].tolist() == [float(exact)]
    assert abs(Fraction(round(frame["mrr"][0] * 100)) - exact * 100 / 12) <= Fraction(len(rows), 2)
    assert sum(round(arr * 100) for arr in sub.mrr(log, by="half", **how)["arr"]) == exact * 100


def test_what_is_not_whole_a_year_is_rounded_once_a_row():
    rows = {"customer": ["A", "B"], "start": ["2026-01-05"] * 2, "amount": [10, 0.05], "n": [3, 1]}
    frame = sub.mrr(rows, end=None, billing="year", billing_count="n")
    assert frame["arr"].tolist() == [3.38]
    assert (frame["mrr"].tolist(), frame["customers"].tolist()) == ([0.28], [1])  # B: 0.00 a month
    lines = {"customer": ["A"], "start": ["2026-01-01"], "end": ["2026-08-01"], "amount": [100]}
    frame = sub.mrr(lines, charges=True, as_of="2026-02-01")
    assert (frame["mrr"].tolist(), frame["arr"].tolist()) == ([14.29], [171.43])  # 7 months


def test_dirty_rows_become_issues_of_the_callers_columns():
    rows = {
        "who": ["a", None, "b", "c", "d", "e", "f", "g", "h", "i", "j", " "],
        "from": ["2026-01-01", "2026-01-01", "soon", None, "2026-03-01", *["2026-01-01"] * 7],
        "to": [None, None, None, None, "2026-01-01", "2026-01-01", "later", *[None] * 5],
        "price": [10, 10, 10, 10, 10, 10, 10, float("nan"), float("inf"), -10, 1e300, 10],
        "seats": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        "pay": ["month"] * 12,
    }
    made = sub.movements(rows, **NAMES, quantity="seats", billing="pay")
    table = made.issues.summary().to_dict()
    found = sorted(zip(table["rule"], table["column"], table["n"], strict=True))
    assert found == [
        ("ended_before_start", "to", 1),
        ("negative_amount", "price", 1),
        ("no_amount", "price", 1),
        ("no_customer", "who", 2),
        ("no_days", "to", 1),
        ("no_time", "from", 1),
        ("not_a_date", "from", 1),
        ("not_a_date", "to", 1),
        ("not_an_amount", "price", 1),
        ("too_large", "price", 1),
    ]
    assert made.to_wide()["end"].tolist()[-1] == 10


def test_dirty_terms():
    rows = {
        "customer": list("abcdef"),
        "start": ["2026-01-01"] * 6,
        "amount": ["10", "ten", "10", "10", "10", "10"],
        "seats": ["2", "1", "x", "-1", "1", "1"],
        "pay": ["Monthly", "month", "month", "month", "fortnight", "month"],
        "times": [1, 1, 1, 1, 1, 0],
    }
    made = sub.movements(rows, end=None, quantity="seats", billing="pay", billing_count="times")
    assert made.to_wide()["end"].tolist() == [20]
    rules = ("not_an_amount", "not_a_quantity", "negative_quantity", "unknown_interval", "not_a_count")
    assert [made.issues.count(rule) for rule in rules] == [1] * 5
    less = sub.movements(rows, end=None, quantity="seats", allow_negative=True)
    assert less.to_wide()["end"].tolist() == [20 - 10 + 10 + 10]


def test_mixed_currencies_and_rates_that_lack():
    rows = {
        "customer": [1, 2, 3],
        "start": ["2026-01-05"] * 3,
        "amount": [10, 1000, 7],
        "code": ["EUR", "jpy", "xx"],
    }
    with pytest.raises(so.UnitError, match="EUR and JPY"):
        sub.movements(rows, end=None, currency="code")
    with pytest.raises(so.UsageError, match="no spot rate from JPY to EUR on 2026-01-05"):
        sub.movements(rows, end=None, currency="code", to="EUR")
    left = sub.movements(rows, end=None, currency="code", to="EUR", missing="leave_out")
    assert left.to_wide()["end"].tolist() == [10]
    assert left.issues.count("no_rate") == 1
    assert left.issues.count("unknown_currency") == 1
    rates = {"date": ["2026-01-01"], "from": ["EUR"], "to": ["JPY"], "rate": [160.0]}
    made = sub.movements(rows, end=None, currency="code", to="EUR", rates=rates)
    assert made.to_wide()["end"].tolist() == [16.25]
    assert made.currency == "EUR"
    with pytest.raises(so.UsageError, match="rates"):
        sub.movements(rows, end=None, currency="code", to="EUR", rates={"day": ["2026-01-01"]})
    with pytest.raises(so.UsageError, match="to="):
        sub.movements(rows, end=None, currency="code", rates=rates)


def test_rates_move_nothing():
    rows = {"customer": [1], "start": ["2026-01-05"], "amount": [100], "code": ["USD"]}
    rates = {"date": ["2026-01-31", "2026-02-28"], "from": ["USD"] * 2, "to": ["EUR"] * 2, "rate": [0.9, 0.8]}
    how = {"end": None, "currency": "code", "to": "EUR", "rates": rates, "as_of": "2026-03-01"}
    wide = sub.movements(rows, **how).to_wide()
    assert (wide["new"].tolist(), wide["fx"].tolist(), wide["end"].tolist()) == ([90, 0], [0, -10], [90, 80])
    constant = sub.movements(rows, **how, rate_day="2026-02-28").to_wide()
    assert (constant["fx"].tolist(), constant["end"].tolist()) == ([0, 0], [80, 80])
    assert sub.retention(rows, **how, over=1).to_wide()["nrr"].tolist() == [1.0]


def test_sums_beyond_64_bits_are_refused():
    rows = {"customer": [1, 2], "start": ["2026-01-05"] * 2, "amount": [2**59, 2**59]}
    with pytest.raises(so.UsageError, match="64-bit"):
        sub.movements(rows, end=None, money_unit="minor")
    one = {"customer": [1], "start": ["2026-01-05"], "amount": [2**62]}
    made = sub.movements(one, end=None, money_unit="minor")
    assert (made.periods, made.issues.count("too_large")) == ([], 1)  # a year of it is too much


def test_hostile_texts_stay_texts():
    names = ["<script>alert(1)</script>", "'; drop table x; --", "\u202eevil", "a" * 10_000, "=1+1"]
    rows = {"customer": names, "start": ["2026-01-05"] * 5, "amount": [1] * 5, "plan": names, "id": names}
    made = sub.movements(rows, end=None, plan="plan", subscription="id", details=True, as_of="2026-03-01")
    assert made.to_wide()["customers"].tolist() == [5, 5]
    assert sorted(made.details()["customer"].tolist()) == sorted(names)
    assert "<script>" not in made._repr_html_()
    assert "<script>" not in made.plot("2026-01").svg()


def test_days_are_those_of_the_zone():
    at = dt.datetime(2026, 2, 1, 3, tzinfo=dt.UTC)
    rows = {"customer": [1], "start": [at], "amount": [5]}
    assert sub.movements(rows, end=None).periods == ["2026-02"]
    assert sub.movements(rows, end=None, tz="America/New_York").periods == ["2026-01"]


def test_as_of_is_a_day_of_the_columns_own_zone():
    start = pl.Series(["2026-01-01"]).str.to_datetime(time_zone="Europe/Berlin")
    rows = pl.DataFrame({"customer": ["A"], "start": start, "amount": [5]})
    made = sub.movements(rows, end=None, as_of="2026-02-01")
    assert (made.periods, made.to_wide()["state"].to_list()) == (["2026-01"], ["complete"])
    assert made.as_of.isoformat() == "2026-01-31T23:00:00+00:00"
    assert sub.retention(rows, end=None, as_of="2026-02-01").as_of == made.as_of
    assert sub.renewals(rows, end=None, as_of="2026-02-01").as_of == made.as_of


def test_fiscal_periods():
    calendar = so.calendar.FiscalCalendar(2)
    made = sub.movements(TOY, **NAMES, every="quarter", calendar=calendar, as_of="2026-05-01")
    assert made.periods == ["FY26-Q4", "FY27-Q1"]


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({"customer": "nobody"}, "nobody"),
        ({"start": "price"}, "price"),
        ({"amount": "who"}, None),
        ({"end": "price"}, "price"),
        ({"every": "fortnight"}, "is not one of"),
        ({"window": "soon"}, "window"),
        ({"grace": "-1d"}, "grace"),
        ({"overlaps": "first"}, "is not one of"),
        ({"follow": "account"}, "is not one of"),
        ({"follow": "subscription"}, "names them"),
        ({"to": "euro"}, "ISO 4217"),
        ({"currency": "EURO"}, "EURO"),
        ({"as_of": "soon"}, "as_of"),
        ({"as_of": float("nan")}, "as_of"),
        ({"money_unit": "cents"}, "money_unit"),
        ({"closed": "from"}, "closed_by"),
        ({"closed": "from", "closed_by": 40}, "closed_by"),
        ({"billing": "price"}, "price"),
        ({"billing": "fortnight"}, "billing: 'fortnight' is neither a column nor one of day, week"),
        ({"currency": "eur"}, "currency: 'eur' is neither a column nor a code of ISO 4217 such as 'EUR'"),
        ({"ignore_pauses": True}, "books"),
        ({"max_periods": 2, "every": "day"}, "max_periods"),
        ({"customer": 7}, "customer"),
        ({"rate_kind": "noon", "to": "EUR"}, "is not one of"),
    ],
)
def test_what_doesnt_go_is_refused_by_name(how, match):
    if match is None:
        assert sub.movements(TOY, **(NAMES | how)).issues.count("not_an_amount") == 4
        return
    with pytest.raises(so.UsageError, match=match):
        sub.movements(TOY, **(NAMES | how))


@pytest.mark.parametrize(
    ("call", "how", "match"),
    [
        ("retention", {"over": 0}, "over"),
        ("retention", {"level": 0.95}, "level"),
        ("retention", {"interval": "guess"}, "is not one of"),
        ("retention", {"window": "1d"}, "window"),
        ("renewals", {"late": "soon"}, "late"),
        ("renewals", {"level": 200}, "level"),
        ("renewals", {"early": 7}, "early"),
    ],
)
def test_questions_that_dont_go_are_refused_by_name(call, how, match):
    with pytest.raises(so.UsageError, match=match):
        getattr(sub, call)(TOY, **NAMES, **how)


def test_unknown_arguments_are_refused_as_python_does():
    for call in (sub.retention, sub.renewals, sub.mrr, sub.movements):
        with pytest.raises(TypeError, match="colour"):
            call(TOY, **NAMES, colour="red")
    with pytest.raises(TypeError, match="as_of"):
        sub.SubscriptionState.partial(TOY, as_of="2026-01-01")
    with pytest.raises(so.UsageError, match="partial"):
        sub.SubscriptionState().merge([1])


def test_batches_that_dont_fit_are_refused():
    state = sub.SubscriptionState.partial(TOY, **NAMES)
    numbers = sub.SubscriptionState.partial({**TOY, "who": [1, 2, 3, 4]}, **NAMES)
    with pytest.raises(so.UsageError, match="whole numbers"):
        state.merge(numbers)
    with pytest.raises(so.UsageError, match="different columns"):
        state.merge(sub.SubscriptionState.partial(TOY, **NAMES, plan="who"))
    with pytest.raises(so.UsageError, match="zones"):
        state.merge(sub.SubscriptionState.partial(TOY, **NAMES, tz="Europe/Berlin"))
    assert "3 customers, 4 rows" in repr(state)


# ---- contracts ----


def test_contract_values_by_their_conventions():
    row = {"start": ["2019-06-15"], "end": ["2022-06-14"], "amount": [250]}
    for convention, last_day, acv in (
        ("days/365", False, 83.33),
        ("days/365", True, 83.26),
        ("days/360", True, 82.12),
    ):
        made = sub.contract_values(row, total=True, convention=convention, end_included=last_day).to_frame()
        assert made["acv"].tolist() == [acv], convention
        assert made["tcv"].tolist() == [250]
        assert made["bookings"].tolist() == [acv]
    short = {"start": ["2026-01-01"], "end": ["2026-07-01"], "amount": [600]}
    assert sub.contract_values(short, total=True).to_frame()["bookings"].tolist() == [600]
    with pytest.raises(so.UsageError, match="is not one of"):
        sub.contract_values(row, convention="moons")


def test_contract_values_of_steps_and_products():
    rows = {
        "id": ["c", "c", "d"],
        "start": ["2021-12-15", "2022-06-15", "2026-01-01"],
        "end": ["2022-06-15", "2023-12-15", "2027-01-01"],
        "amount": [75_000, 100_000, 10],
        "setup": [5_000, None, 2],
        "code": ["EUR", "EUR", "JPY"],
    }
    made = sub.contract_values(
        pd.DataFrame(rows), contract="id", billing="year", one_off="setup", currency="code"
    )
    frame = made.to_frame()
    assert frame["tcv"].tolist() == [192_500, 12]
    assert frame["first_year"].tolist() == [92_500, 12]
    assert frame["acv"].tolist() == [96_250, 12]
    assert frame["currency"].tolist() == ["EUR", "JPY"]
    assert "2 contracts" in repr(made)


DEALS = {
    "opportunity_id": ["a", "b", "c", "d", "e"],
    "is_won": [True, True, True, False, True],
    "amount": [3600, 1200, 500, 900, None],
    "term_months": [36, 12, None, 12, 12],
    "closed_at": ["2024-02-29", "2025-01-31T23:30:00Z", "2025-03-01", "2025-03-01", "2025-03-01"],
}


def test_contract_values_of_a_book_are_those_of_its_won_deals():
    book = so.crm.Crm.build({"opportunity": DEALS}, currency="EUR")
    made = sub.contract_values(book, total=True)
    frame = pl.DataFrame(made.to_frame())
    assert frame.columns[0] == "opportunity_id"
    assert frame.select("opportunity_id", "years", "tcv", "acv").rows() == [
        ("a", 3, 3600, 1200),
        ("b", 1, 1200, 1200),
    ]
    assert frame["end"].to_list() == [dt.date(2027, 2, 28), dt.date(2026, 1, 31)]
    assert (made.issues.count("no_end"), made.issues.count("no_amount")) == (1, 1)
    assert "term_months" in made.issues.summary().column("column").to_list()
    yearly = pl.DataFrame(sub.contract_values(book, billing="year").to_frame())
    assert yearly.select("tcv", "acv").rows() == [(10800, 3600), (1200, 1200)]
    berlin = pl.DataFrame(sub.contract_values(book, total=True, tz="Europe/Berlin").to_frame())
    assert berlin["start"].to_list() == [dt.date(2024, 2, 29), dt.date(2025, 2, 1)]


@pytest.mark.parametrize(
    ("deals", "how", "match"),
    [
        (DEALS, {}, r"say total=True, or billing='year'"),
        (DEALS, {"total": True, "billing": "year"}, r"say total=True, or billing='year'"),
        (DEALS, {"total": True, "amount": "x"}, "a book has columns of its own"),
        ({"opportunity_id": ["a"], "is_won": [True]}, {"total": True}, "no amount, no term_months, no close"),
        (None, {"total": True}, r"pass a frame of contracts with start, end and amount instead"),
    ],
)
def test_contracts_of_a_book_that_dont_go_are_refused(deals, how, match):
    book = so.crm.Crm.build({"opportunity": deals} if deals else {"account": {"account_id": ["A"]}})
    with pytest.raises(so.UsageError, match=match):
        sub.contract_values(book, **how)


@pytest.mark.parametrize("ask", [sub.movements, sub.retention, sub.renewals])
def test_a_start_on_the_last_of_days_is_refused_by_name(ask):
    rows = {"customer": ["A"], "start": ["9999-12-31"], "amount": [5], "plan": ["x"]}
    for by in (None, "plan"):
        with pytest.raises(so.UsageError, match="as_of= until when rows are known"):
            ask(rows, end=None, by=by)
    assert ask(rows, end=None, as_of="2026-01-01").periods == []


def test_a_free_version_ends_the_paid_one():
    log = {
        "customer": ["A"] * 3,
        "deal": ["S"] * 3,
        "start": ["2026-01-01", "2026-03-01", "2026-05-01"],
        "amount": [50, 0, 20],
        "plan": ["pro", "free", "pro"],
    }
    how = {"end": None, "subscription": "deal", "as_of": "2026-06-01"}
    made = sub.movements(log, **how)
    assert made.to_wide()["end"].tolist() == [50, 50, 0, 0, 20]
    assert made.to_wide()["churn"].sum() == -50
    assert made.to_wide()["reactivation"].sum() == 20
    assert made.issues.count("no_revenue") == 1
    segments = sub.movements(log, by="plan", **how)
    assert segments.mrr()["mrr"].tolist() == [0] * 5 + [50, 50, 0, 0, 20]
    assert sub.mrr(log, overlaps="sum", **how)["mrr"].tolist() == [50, 50, 50, 50, 70]
