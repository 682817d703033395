import datetime as dt
import math
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import salesops as so
from hypothesis import given, settings
from hypothesis import strategies as st

TOY = [
    (1, "2015-01-01", 1), (1, "2015-02-06", 2), (2, "2015-01-01", 2), (3, "2015-01-01", 3),
    (3, "2015-01-02", 1), (3, "2015-01-05", 5), (4, "2015-01-16", 6), (4, "2015-02-02", 3),
    (4, "2015-02-05", 3), (5, "2015-01-16", 3), (5, "2015-01-17", 1), (5, "2015-01-18", 8),
    (6, "2015-02-02", 5),
]  # fmt: skip


def toy():
    customer, day, amount = zip(*TOY, strict=True)
    return {"id": list(customer), "date": list(day), "value": list(amount)}


def toy_rfm(data, **options):
    return so.clv.rfm(data, customer="id", time="date", amount="value", **options)


FRAMES = {
    "dict": lambda data: data,
    "pandas": lambda data: pd.DataFrame(data).assign(date=lambda f: pd.to_datetime(f["date"])),
    "polars": lambda data: pl.DataFrame(data).with_columns(pl.col("date").str.to_date()),
    "pyarrow": pa.table,
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_of_any_kind_come_back_as_they_went_in(kind):
    rows = toy_rfm(FRAMES[kind](toy()), observation_end="2015-02-07")
    assert rows["frequency"].tolist() == [1, 0, 2, 2, 2, 0]
    assert rows["recency"].tolist() == [36, 0, 4, 20, 2, 0]
    assert rows["T"].tolist() == [37, 37, 37, 22, 22, 5]
    assert rows["monetary_value"].tolist()[2:5] == [3, 3, 4.5]
    assert math.isnan(rows["monetary_value"][1])
    frame = rows.to_frame()
    expected = {"dict": dict, "pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.Table}[kind]
    assert isinstance(frame, expected)
    assert not len(rows.issues)
    assert "6 customers in days to 2015-02-07" in repr(rows)


def test_any_library_reads_the_rows():
    rows = toy_rfm(toy())
    assert pl.DataFrame(rows)["frequency"].to_list() == [1, 0, 2, 2, 2, 0]
    assert pl.DataFrame(rows)["total_spend"].to_list() == [3, 2, 9, 12, 12, 5]
    assert "<table" in rows._repr_html_()


def test_units_are_exact():
    weeks = toy_rfm(toy(), unit="week", observation_end="2015-02-07")
    assert weeks["T"].tolist() == [days / 7 for days in (37, 37, 37, 22, 22, 5)]
    months = toy_rfm(toy(), unit="month", observation_end="2015-02-07")
    assert months["T"][0] == 37 / (365.2425 / 12)
    civil = toy_rfm(toy(), unit="month", discrete=True, observation_end="2015-02-07")
    assert civil["frequency"].tolist() == [1, 0, 0, 1, 0, 0]
    assert civil["T"].tolist() == [1, 1, 1, 1, 1, 0]


def test_a_holdout_begins_after_the_calibration():
    rows = toy_rfm(toy(), calibration_end=dt.date(2015, 1, 16), holdout_end="2015-02-05")
    assert rows["holdout_frequency"].tolist() == [0, 0, 0, 2, 2]
    assert pl.DataFrame(rows)["holdout_spend"].to_list() == [0, 0, 0, 6, 9]
    assert rows.holdout_duration == 20
    assert rows.calibration_end == dt.date(2015, 1, 16)
    assert rows.issues.count("new_in_holdout") == 1
    assert "1 after_end" in repr(rows)


def test_nothing_after_the_observation_shows():
    kept = [row for row in TOY if row[1] <= "2015-01-16"]
    early = dict(zip(("id", "date", "value"), map(list, zip(*kept, strict=True)), strict=True))
    known = toy_rfm(toy(), observation_end="2015-01-16")
    assert known["T"].tolist() == toy_rfm(early, observation_end="2015-01-16")["T"].tolist()
    assert known["frequency"].tolist() == [0, 0, 2, 0, 0]


def test_days_are_those_of_the_zone():
    data = {"id": [1, 1], "date": pd.to_datetime(["2024-03-10T04:30Z", "2024-03-10T18:00Z"])}
    utc = so.clv.rfm(data, customer="id", time="date")
    new_york = so.clv.rfm(data, customer="id", time="date", tz="America/New_York")
    assert utc["frequency"].tolist() == [0]
    assert new_york["frequency"].tolist() == [1]
    naive = pd.DataFrame({"id": [1, 1], "date": pd.to_datetime(["2024-03-09 23:30", "2024-03-10 00:30"])})
    assert so.clv.rfm(naive, customer="id", time="date", tz="America/New_York")["frequency"].tolist() == [1]


def test_dirty_rows_are_counted():
    data = {
        "id": ["a", None, "a", "a", " ", "a"],
        "date": ["2020-01-01", "2020-01-01", None, "soon", "2020-01-01", "2020-02-01"],
        "value": ["1.50", "1", "1", "1", "1", "much"],
    }
    rows = toy_rfm(data)
    counts = dict(zip(*(rows.issues.summary().column(c).to_list() for c in ("rule", "n")), strict=True))
    assert counts == {"no_customer": 2, "no_time": 1, "not_a_date": 1, "not_an_amount": 1, "zero_amount": 1}
    assert rows["frequency"].tolist() == [1]
    assert rows["customer"].tolist() == ["a"]


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({"id": [1.5] * 13}, {}, "column 'id'.*whole numbers"),
        ({"date": list(range(13))}, {}, "column 'date' holds int64"),
        ({"value": [True] * 13}, {}, "column 'value' holds boolean"),
        ({}, {"unit": "fortnight"}, "day, week, month, year"),
        ({}, {"holdout_end": "2015-02-01"}, "calibration_end"),
        ({}, {"calibration_end": "2015-02-01", "holdout_end": "2015-01-01"}, "after calibration_end"),
        ({}, {"observation_end": "2015-01-01", "calibration_end": "2015-01-05"}, "observation_end"),
        ({}, {"calibration_end": "autumn"}, "calibration_end"),
        ({}, {"currency": "Euro"}, "ISO 4217"),
        ({}, {"money_unit": "cents"}, "major"),
    ],
)
def test_wrong_calls_say_what_is_wrong(change, options, words):
    with pytest.raises(so.UsageError, match=words):
        toy_rfm(toy() | change, **options)


def test_a_missing_column_names_those_there_are():
    with pytest.raises(so.UsageError, match=r"no column 'customer'.*id date value"):
        so.clv.rfm(toy(), time="date")


def test_amounts_of_all_kinds_are_the_same_money():
    minor = toy() | {"value": [100 * value for value in toy()["value"]]}
    text = toy() | {"value": [f"{value}.00" for value in toy()["value"]]}
    floats = toy() | {"value": [float(value) for value in toy()["value"]]}
    decimals = pa.table(toy()).set_column(2, "value", pa.array(toy()["value"]).cast(pa.decimal128(22, 3)))
    want = toy_rfm(toy())["total_spend"].tolist()
    assert toy_rfm(minor, money_unit="minor")["total_spend"].tolist() == want
    for data in (text, floats, decimals):
        assert toy_rfm(data)["total_spend"].tolist() == want
    assert toy_rfm(toy(), currency="JPY")["total_spend"].tolist() == [value / 100 for value in want]


transaction = st.tuples(st.integers(-3, 8), st.integers(0, 60), st.integers(-300, 900))


def test_amounts_beyond_32_bits_are_as_exact_as_small_ones():
    days = np.datetime64("2026-01-01") + np.arange(300)
    log = {"customer": np.arange(300) % 7, "time": days, "amount": np.arange(300) / 100}
    small = so.clv.rfm(log, amount="amount")
    log["amount"] = np.where(np.arange(300) == 250, 30_000_000.01, log["amount"])
    large = so.clv.rfm(log, amount="amount")
    assert (small["frequency"] == large["frequency"]).all()
    difference = large.to_frame()["total_spend"] - small.to_frame()["total_spend"]
    assert difference.tolist() == pytest.approx([0, 0, 0, 0, 0, 30_000_000.01 - 2.5, 0], abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(transaction, min_size=1, max_size=60), st.integers(1, 59), st.randoms())
def test_batches_in_any_order_equal_the_whole(rows, cut, shuffler):
    def table(part):
        customer, day, amount = zip(*part, strict=True)
        days = np.array(day, dtype="datetime64[D]")
        return {"customer": np.array(customer), "time": days, "amount": np.array(amount)}

    end = dt.date(1970, 2, 10)
    options = {"unit": "week", "calibration_end": end, "observation_end": dt.date(1970, 4, 1)}
    whole = so.clv.rfm(table(rows), amount="amount", money_unit="minor", **options)
    shuffler.shuffle(rows)
    state = so.clv.RfmState()
    for part in (rows[:cut], rows[cut:]):
        if part:
            state.merge(so.clv.RfmState.partial(table(part), amount="amount", money_unit="minor"))
    merged = state.finish(**options)
    for name in whole.table.names:
        np.testing.assert_array_equal(merged[name], whole[name])


def test_a_state_goes_through_json_and_processes():
    frame = pd.DataFrame(toy())
    state = so.clv.RfmState.partial(frame, customer="id", time="date", amount="value")
    whole = state.finish(unit="week").to_frame()
    for copy in (pickle.loads(pickle.dumps(state)), so.clv.RfmState.from_json(state.to_json())):
        assert copy.to_json() == state.to_json()
        copy.merge(state)
        assert copy.customers == state.customers
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(state)).finish(unit="week").to_frame(), whole)
    with pytest.raises(so.DataError, match="no RFM state"):
        so.clv.RfmState.from_json('{"format": 1}')


def test_batches_that_differ_in_kind_are_refused():
    def batch(customer, currency):
        data = {"customer": [customer], "time": ["2020-01-01"], "amount": [1]}
        return so.clv.RfmState.partial(data, amount="amount", currency=currency)

    state = batch("a", "EUR")
    with pytest.raises(so.UsageError, match="kind"):
        state.merge(batch(1, "EUR"))
    with pytest.raises(so.UnitError, match="currencies"):
        state.merge(batch("a", "USD"))
    assert state.customers == 1
    assert "1 customer," in repr(state)


def test_scores_are_by_share_of_worse_customers():
    scores = toy_rfm(pl.DataFrame(toy())).scores()
    assert scores["frequency_score"].to_list() == [2, 1, 3, 3, 3, 1]
    assert scores["monetary_score"].to_list()[3] == 4
    assert set(scores["segment"]) <= {
        "champion", "loyal", "potential loyalist", "new", "promising", "need attention", "about to sleep",
        "at risk", "can't lose", "hibernating",
    }  # fmt: skip
    assert "segment" not in toy_rfm(toy()).scores(groups=4)
    with pytest.raises(so.UsageError, match="groups"):
        toy_rfm(toy()).scores(groups=1)


def test_regularity_of_even_and_random_gaps():
    rng = np.random.default_rng(3)
    rows = []
    for customer in range(800):
        time = 0.0
        for _ in range(14):
            rows.append((customer, int(time)))
            time += rng.gamma(4, 50)
    customer, day = zip(*rows, strict=True)
    data = {"customer": np.array(customer), "time": np.array(day, dtype="datetime64[D]")}
    state = so.clv.RfmState.partial(data)
    assert state.regularity() == pytest.approx(4, rel=0.05)
    assert state.regularity("wheat") == pytest.approx(4, rel=0.2)
    assert so.clv.RfmState().regularity() is None
    with pytest.raises(so.UsageError, match="mle, wheat"):
        state.regularity("guess")


def best(function):
    """Where a function with one peak stands highest, ln k between −3 and 5."""
    low, high = -3.0, 5.0
    for _ in range(120):
        third = (high - low) * 0.381966
        if function(math.exp(low + third)) < function(math.exp(high - third)):
            low += third
        else:
            high -= third
    return math.exp((low + high) / 2)


def test_regularity_is_what_the_definitions_say():
    rng = np.random.default_rng(8)
    rows, gaps = [], []
    for customer in range(120):
        own = np.maximum(1, rng.gamma(2.0, rng.gamma(3, 10), rng.integers(1, 25)).round()).astype(int)
        gaps.append(own)
        rows += [(customer, int(day)) for day in np.cumsum([0, *own])]
    customer, day = zip(*rows, strict=True)
    data = {"customer": np.array(customer), "time": np.array(day, dtype="datetime64[D]")}
    state = so.clv.RfmState.partial(data)
    # Wheat and Morrison (1990): the first of two successive gaps is Beta(k, k) of their sum, whose variance
    # is 1/(8k + 4).
    some = [own for own in gaps if len(own) > 1]
    variance = np.mean([(own[0] / (own[0] + own[1]) - 0.5) ** 2 for own in some])
    assert state.regularity("wheat") == pytest.approx((1 / variance - 4) / 8, rel=1e-12)

    # The gaps of a customer as shares of their sum are Dirichlet(k, …, k), whatever its rate.
    def dirichlet(k):
        return sum(
            math.lgamma(len(own) * k) - len(own) * math.lgamma(k) + (k - 1) * np.log(own / own.sum()).sum()
            for own in some
        )

    assert state.regularity("mle") == pytest.approx(best(dirichlet), rel=1e-6)

    # One customer's gamma shape: its MLE with the scale at its best, Thom's approximation, 1/cv².
    many = [own for own in gaps if len(own) >= 10]

    def gamma(own):
        return lambda k: k * (math.log(k / own.mean()) + np.log(own).mean() - 1) - math.lgamma(k)

    assert state.regularity("minka") == pytest.approx(np.median([best(gamma(own)) for own in many]), rel=1e-6)
    uneven = [math.log(own.mean()) - np.log(own).mean() for own in many]
    thom = [(1 + math.sqrt(1 + 4 * s / 3)) / (4 * s) for s in uneven]
    assert state.regularity("thom") == pytest.approx(np.median(thom), rel=1e-12)
    spread = [(own.mean() / own.std(ddof=1)) ** 2 for own in many]
    assert state.regularity("cv") == pytest.approx(np.median(spread), rel=1e-12)


def test_cdnow(data_dir):
    frame = pd.read_csv(data_dir / "clv/CDNOW_sample.txt", sep=r"\s+", header=None, dtype={2: str})
    frame.columns = ["master", "id", "date", "cds", "value"]
    frame["date"] = pd.to_datetime(frame["date"], format="%Y%m%d")
    rows = toy_rfm(frame, unit="week", calibration_end="1997-09-30", holdout_end="1998-06-30")
    assert len(rows) == 2357
    assert rows.holdout_duration == 39
    assert rows["holdout_frequency"].sum() == 1882
    found = pl.DataFrame(rows).select("frequency", "recency", "T").unique().height
    assert found == 1016
    assert rows.issues.count("same_period") == 223
    by_x = pl.DataFrame(rows).group_by("frequency").agg(pl.col("holdout_frequency").mean()).sort("frequency")
    assert by_x["holdout_frequency"].head(3).to_list() == pytest.approx(
        [0.236712, 0.697039, 1.392523], abs=1e-6
    )


def test_yearly_log_in_opportunities(data_dir):
    frame = pl.read_csv(data_dir / "clv/discreteSimElog.csv", try_parse_dates=True)
    rows = so.clv.rfm(
        frame, customer="cust", time="date", unit="year", discrete=True, calibration_end="1977-01-01"
    )
    assert len(rows) == 10_000
    table = pl.DataFrame(rows)
    assert table["T"].max() == 7
    assert (table["frequency"] <= table["recency"]).all()


def test_issues_add_up_over_batches():
    bad = so.clv.RfmState.partial({"customer": [1, 1], "time": ["x", "2020-01-01"]})
    bad.merge(so.clv.RfmState.partial({"customer": [2], "time": ["y"]}))
    assert bad.finish().issues.count("not_a_date") == 2
