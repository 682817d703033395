"""Units below a day: purchases told apart by the minute."""

import datetime as dt
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import salesops as so
from salesops import UsageError

LOG = {
    "customer": ["A", "A", "A", "A", "B"],
    "time": [
        "2026-01-05T10:00:10",
        "2026-01-05T10:00:50",
        "2026-01-05T11:30:00",
        "2026-01-06T09:15:59",
        "2026-01-05T22:00:00",
    ],
    "amount": [1.0, 2.0, 4.0, 8.0, 16.0],
}
MODEL = so.clv.BGNBD(r=0.6, alpha=5, a=0.8, b=2.5)


@pytest.fixture(scope="module")
def visits():
    """Sessions of an app: some hundred visitors over ten days, in hours."""
    rng = np.random.default_rng(2)
    begun = np.datetime64("2026-03-02T00:00") + rng.integers(0, 72 * 60, 400).astype("timedelta64[m]")
    return MODEL.simulate_transactions(begun, until="2026-03-12 08:30", unit="hour", seed=1)


@pytest.fixture(scope="module")
def rows(visits):
    ends = {"calibration_end": "2026-03-09 12:00", "holdout_end": "2026-03-12 08:30"}
    return so.clv.rfm(visits, unit="hour", **ends)


def test_hours_are_minutes_over_sixty():
    rows = so.clv.rfm(LOG, amount="amount", unit="hour")
    assert rows["frequency"].tolist() == [2, 0]
    assert rows["recency"].tolist() == [23.25, 0]
    assert rows["T"].tolist() == [23.25, 11.25]
    assert rows["total_spend"].tolist() == [1500, 1600]  # minor units
    assert rows.calibration_end == dt.datetime(2026, 1, 6, 9, 15, tzinfo=dt.UTC)
    assert "2 customers in hours to 2026-01-06 09:15 UTC; 1 same_period" in repr(rows)
    assert rows["first_purchase"][1] == np.datetime64("2026-01-05T22:00")
    minutes = so.clv.rfm(LOG, unit="minutes", observation_end="2026-01-06")
    assert minutes["T"].tolist() == [37 * 60 + 59, 25 * 60 + 59]
    civil = so.clv.rfm(LOG, unit="hour", discrete=True)
    assert civil["recency"].tolist() == [23, 0]


def test_a_zone_reads_clocks_and_nothing_else():
    local = so.clv.rfm(LOG, unit="hour", tz="America/New_York")
    assert local["recency"].tolist() == [23.25, 0]
    assert local.calibration_end == dt.datetime(2026, 1, 6, 14, 15, tzinfo=dt.UTC)
    frame = pd.DataFrame(LOG).assign(time=lambda f: pd.to_datetime(f["time"]))
    assert so.clv.rfm(frame, unit="hour", tz="America/New_York").calibration_end == local.calibration_end
    # The night on which the clock is put forward: an hour that isn't there doesn't pass.
    night = {"customer": ["A", "A"], "time": ["2026-03-08T01:30", "2026-03-08T03:30"]}
    assert so.clv.rfm(night, unit="hour", tz="America/New_York")["recency"].tolist() == [1]


def test_ends_may_have_a_time_and_a_zone():
    for end in ("2026-01-05 11:00", dt.datetime(2026, 1, 5, 11), "2026-01-05T06:00-05:00"):
        rows = so.clv.rfm(LOG, unit="hour", calibration_end=end)
        assert rows["frequency"].tolist() == [0]  # B came later
        assert rows["T"].tolist() == [1]
        assert rows["holdout_frequency"].tolist() == [2]
        assert rows.holdout_duration == 22.25
    with pytest.raises(UsageError, match="calibration_end: a date or text"):
        so.clv.rfm(LOG, unit="hour", calibration_end="noon")


def test_what_has_no_minutes_is_refused():
    days = pl.DataFrame({"customer": ["A"], "time": [dt.date(2026, 1, 5)]})
    with pytest.raises(UsageError, match="'time' holds dates; hours and minutes need the time of day"):
        so.clv.rfm(days, unit="hour")
    with pytest.raises(UsageError, match="read by the day"):
        so.clv.RfmState.partial(LOG).finish(unit="hour")
    with pytest.raises(UsageError, match="by the minute, the other by the day"):
        so.clv.RfmState.partial(LOG).merge(so.clv.RfmState.partial(LOG, by_minute=True))
    with pytest.raises(UsageError, match="over_time counts days"):
        so.clv.rfm(LOG, unit="hour").over_time({"start": ["2026-01-01"], "sale": [1]}, until="2026-06-01")
    with pytest.raises(UsageError, match="minute, hour, day"):
        so.clv.rfm(LOG, unit="second")


def test_batches_and_texts_keep_the_minutes():
    parts = [{name: column[i : i + 1] for name, column in LOG.items()} for i in range(5)]
    states = [so.clv.RfmState.partial(part, amount="amount", by_minute=True) for part in reversed(parts)]
    whole = so.clv.rfm(LOG, amount="amount", unit="hour")
    merged = pickle.loads(pickle.dumps(so.clv.RfmState().merge(states))).finish(unit="hour")
    assert merged["recency"].tolist() == whole["recency"].tolist()
    assert merged["sum_log_gaps"].tolist() == whole["sum_log_gaps"].tolist()


def test_horizons_are_in_hours_or_in_what_is_said(rows):
    model = so.clv.BGNBD().fit(rows)
    assert model.unit_ == "hour"
    assert model.r_ == pytest.approx(0.6, rel=0.4)
    said = model.predict(rows, horizon="36 hours")["expected_transactions"]
    history = {"x": rows["frequency"], "t_x": rows["recency"], "T": rows["T"]}
    assert said == pytest.approx(model.predict(**history, horizon=36)["expected_transactions"])
    assert said == pytest.approx(model.predict(rows, horizon="2160 minutes")["expected_transactions"])
    assert said == pytest.approx(model.predict(rows, horizon="1.5 days")["expected_transactions"])
    daily = model.predict(rows, horizon="36 hours", discount="1% / day")
    assert (daily["expected_transactions"] == said).all()
    by_week = so.clv.ParetoNBD(r=0.5, alpha=10, s=0.6, beta=12)
    ahead = by_week.predict(x=[2], t_x=[30], T=[38], horizon="84 hours", unit="week")
    assert (
        ahead["expected_transactions"]
        == by_week.predict(x=[2], t_x=[30], T=[38], horizon=0.5)["expected_transactions"]
    )
    with pytest.raises(so.UnitError):
        model.predict(so.clv.rfm({"customer": ["A"], "time": ["2026-01-01"]}), horizon="3 hours")


def test_a_holdout_of_hours_is_judged_and_tracked(rows):
    model = so.clv.BGNBD().fit(rows)
    judged = so.clv.evaluate(model, rows)
    assert judged["actual"] == rows["holdout_frequency"].sum()
    assert abs(judged["bias"]) < 0.3
    followed = so.clv.tracking(model, rows, every="day")
    assert followed.ends[-1] == dt.date(2026, 3, 11)  # the 12th isn't over
    assert followed.calibration_end == dt.date(2026, 3, 9)
    seen = [int(value) for value in followed.actual]
    assert seen == sorted(seen)
    # Expected by the end of the ninth of March is 11 hours and 59 minutes after the calibration's end.
    at = followed.ends.index(dt.date(2026, 3, 9))
    later = np.asarray(rows["T"]) + (11 * 60 + 59) / 60
    assert followed.expected[at] == pytest.approx(model.expected_transactions_new(later).sum())


def test_a_schedule_begins_with_the_rest_of_the_day(rows):
    model = so.clv.BGNBD().fit(rows)
    plan = model.clv_schedule(rows, horizon="36 hours", every="day")
    assert plan["period"].tolist() == ["2026-03-10", "2026-03-11"]
    whole = model.predict(rows, horizon="36 hours")["expected_transactions"].sum()
    assert plan["expected_transactions"].sum() == pytest.approx(whole)
    first = model.expected_transactions(
        (11 * 60 + 59) / 60 + 24, rows["frequency"], rows["recency"], rows["T"]
    )
    assert plan["expected_transactions"][0] == pytest.approx(first.sum())


def test_the_best_model_of_hours_is_reported_later(visits):
    rows = so.clv.rfm(visits, unit="hour", calibration_end="2026-03-08", holdout_end="2026-03-10 12:00")
    chosen = so.clv.select(rows, ["nbd", "bg"])
    assert chosen.best.unit_ == "hour"


def test_a_log_of_hours_has_times(visits):
    time = visits["time"]
    assert time.dtype == np.dtype("datetime64[m]")
    assert time.max() <= np.datetime64("2026-03-12T08:30")
    assert len(np.unique(time.astype("datetime64[h]"))) > 100
