"""Days without a type of their own, and rows that no cell can hold."""

import datetime as dt
import itertools

import numpy as np
import pandas as pd
import polars as pl
import pytest
import salesops as so

DAYS = ["2026-01-05", "2026-02-10", "2026-03-31"]
PURCHASES = {"customer": ["A", "A", "A"], "amount": [10.0, 20, 30]}


def frames(zone):
    """The same days as every kind of frame writes them."""
    midnights = pd.to_datetime(DAYS)
    return {
        "dates": pl.DataFrame({**PURCHASES, "time": [dt.date.fromisoformat(day) for day in DAYS]}),
        "texts": pd.DataFrame({**PURCHASES, "time": DAYS}),
        "naive": pd.DataFrame({**PURCHASES, "time": midnights}),
        "texts of midnights": pd.DataFrame({**PURCHASES, "time": [f"{day} 00:00:00" for day in DAYS]}),
        "aware": pd.DataFrame({**PURCHASES, "time": midnights.tz_localize(zone)}),
    }


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("kind", ["dates", "texts", "naive", "texts of midnights", "aware"])
def test_days_end_with_the_day_in_every_frame(kind, zone):
    rows = frames(zone)[kind]
    grid = so.cohort.retention(rows, amount="amount", tz=zone)
    assert set(grid.to_frame()["state"]) == {"complete", "unobserved"}, "March is over"
    states = [so.cohort.RetentionState.partial(rows[i : i + 1], amount="amount", tz=zone) for i in range(3)]
    for order in itertools.permutations(range(3)):
        whole = so.cohort.RetentionState()
        for i in order:
            whole.merge(states[i])
        assert whole.finish().as_of == grid.as_of


def test_one_time_of_day_makes_instants_of_all():
    times = pd.to_datetime([f"{DAYS[0]} 00:00", f"{DAYS[1]} 00:00", "2026-03-31 09:00"])
    rows = pd.DataFrame({**PURCHASES, "time": times})
    grid = so.cohort.retention(rows, amount="amount")
    assert grid.as_of == dt.datetime(2026, 3, 31, 9, tzinfo=dt.UTC)
    whole = so.cohort.RetentionState()
    for i in range(3):
        whole.merge(so.cohort.RetentionState.partial(rows[i : i + 1], amount="amount"))
    assert whole.finish().as_of == grid.as_of


@pytest.mark.parametrize(
    "as_of",
    [
        "2026-04-01",
        dt.date(2026, 4, 1),
        dt.datetime(2026, 4, 1),
        pd.Timestamp("2026-04-01"),
        pd.Timestamp("2026-04-01", tz="Asia/Tokyo"),
        np.datetime64("2026-04-01"),
        np.datetime64("2026-04-01", "ns"),
    ],
)
def test_a_day_is_its_beginning_however_it_is_written(as_of):
    grid = so.cohort.retention(frames("UTC")["texts"], as_of=as_of, tz="Asia/Tokyo")
    assert set(grid.to_frame()["state"]) == {"complete", "unobserved"}
    assert grid.cohorts[-1] == "2026-03"
    plans = pd.DataFrame({"customer": ["A"], "start": ["2026-01-05"], "end": [None], "amount": [40]})
    made = so.subscription.movements(plans, as_of=as_of, tz="Asia/Tokyo")
    assert made.periods == ["2026-01", "2026-02", "2026-03"]


def test_subscriptions_known_by_days_alone_end_with_the_day():
    plans = {"customer": ["A", "B"], "end": [None, None], "amount": [40, 20]}
    texts = so.subscription.movements(pd.DataFrame({**plans, "start": ["2026-01-05", "2026-03-31"]}))
    stamps = pd.to_datetime(["2026-01-05", "2026-03-31"])
    assert so.subscription.movements(pd.DataFrame({**plans, "start": stamps})).as_of == texts.as_of


@pytest.mark.parametrize("measure", ["sum", "ltv", "nrr", "classic", "window"])
def test_refunds_before_the_first_purchase_are_counted(measure):
    rows = pd.DataFrame(
        {
            "customer": ["A", "A", "A", "B", "B"],
            "time": ["2026-01-05", "2026-01-06", "2026-02-05", "2026-02-07", "2026-03-01"],
            "amount": [-100, -5, 40, 10, -3],
        }
    )
    asked = {"amount": "amount", "as_of": "2026-04-01", "measure": measure}
    asked |= {"window": "30d"} if measure == "window" else {}
    for found in (
        so.cohort.retention(rows, **asked),
        so.cohort.RetentionState.partial(rows, amount="amount").finish(
            **{name: value for name, value in asked.items() if name != "amount"}
        ),
    ):
        early = found.issues.summary().to_dict()
        assert (early["rule"], early["n"]) == (["before_cohort"], [2])


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_days_are_those_of_the_zone_that_the_column_is_in(kind):
    berlin = pd.to_datetime(["2026-01-01", "2026-02-01"]).tz_localize("Europe/Berlin")
    rows = pd.DataFrame({"customer": ["a", "b"], "start": berlin, "amount": [10.0, 20.0]})
    rows["naive"] = pd.to_datetime(["2026-01-05", "2026-02-05"])
    rows["paris"] = rows["start"].dt.tz_convert("Europe/Paris")
    frame = {"pandas": rows, "polars": pl.from_pandas(rows), "pyarrow": pl.from_pandas(rows).to_arrow()}[kind]
    assert so.cohort.retention(frame, time="start").cohorts == ["2026-01", "2026-02"]
    assert so.cohort.retention(frame, time="start", tz="UTC").cohorts == ["2025-12", "2026-01"]
    assert so.cohort.retention(frame, time="naive").cohorts == ["2026-01", "2026-02"]
    made = so.subscription.movements(frame, start="start", end="naive", as_of="2026-03-01")
    assert made.periods[0] == "2026-01"
    with pytest.raises(so.UsageError, match=r"'start' in Europe/Berlin, 'paris' in Europe/Paris.*tz="):
        so.subscription.movements(frame, start="start", end="paris")
    told = so.subscription.movements(frame, start="start", end="paris", tz="Europe/Berlin")
    assert "Europe/Berlin" in repr(told)
