import copy
import datetime as dt
import pickle
import random
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from salesops import UsageError
from salesops.calendar import BusinessHours, FiscalCalendar, Period, time_zone

ZONES = [
    *[
        "Africa/Cairo",
        "Africa/Casablanca",
        "America/Argentina/Buenos_Aires",
        "America/Caracas",
        "America/Havana",
    ],
    *["America/New_York", "America/Sao_Paulo", "America/St_Johns", "Antarctica/Troll", "Asia/Beirut"],
    *[
        "Asia/Kathmandu",
        "Asia/Pyongyang",
        "Asia/Tehran",
        "Australia/Lord_Howe",
        "Europe/Berlin",
        "Europe/Dublin",
    ],
    *["Europe/Moscow", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati"],
]
UTC = dt.UTC
NY = "America/New_York"
HOUR = 3600.0


@pytest.mark.parametrize("name", ZONES)
def test_zones_agree_with_zoneinfo(name):
    zone, theirs = time_zone(name), zoneinfo.ZoneInfo(name)
    rng = random.Random(name)
    epoch = dt.datetime(1970, 1, 1, tzinfo=UTC)
    end = int((dt.datetime(2038, 1, 1, tzinfo=UTC) - epoch).total_seconds())
    changes = []
    for hour in range(0, end, 6 * 3600):
        if zone.offset_at(hour * 1_000_000) != zone.offset_at((hour + 6 * 3600) * 1_000_000):
            changes += [hour + rng.randrange(6 * 3600) for _ in range(20)]
    for seconds in [rng.randrange(end) for _ in range(3_000)] + changes:
        moment = epoch + dt.timedelta(seconds=seconds)
        local = moment.astimezone(theirs)
        assert zone.offset_at(seconds * 1_000_000) == local.utcoffset().total_seconds(), moment
        reading = (local.replace(tzinfo=UTC) - epoch) // dt.timedelta(microseconds=1)
        which = "second" if local.fold else "first"
        assert zone.to_utc(np.array([reading]), which)[0] == seconds * 1_000_000, moment
        day = zone.local_days(np.array([seconds * 1_000_000]))[0]
        assert dt.date(1970, 1, 1) + dt.timedelta(days=int(day)) == local.date()


def test_unknown_zones_name_near_ones():
    with pytest.raises(UsageError, match="Europe/Berlin"):
        time_zone("Europe/Berlim")
    for bad in ["../../etc/passwd", "/etc/passwd", "", "Europe", ".", "Europe//Berlin"]:
        with pytest.raises(UsageError):
            time_zone(bad)
    with pytest.raises(UsageError):
        time_zone(dt.timezone(dt.timedelta(hours=2)))


REFERENCE = [
    ({"zone": NY}, "2024-01-08 10:00", "2024-01-08 12:00", 7200),
    ({"zone": NY, "holidays": ["2024-01-15"]}, "2024-01-12 10:00", "2024-01-16 12:00", 36000),
    ({"zone": NY}, "2024-03-08 16:00", "2024-03-11 10:00", 7200),
    ({"zone": NY, "hours": {"sun": [("00:00", "06:00")]}}, "2024-03-10 00:00", "2024-03-10 23:00", 18000),
    (
        {"hours": {"mon-fri": [("09:00", "12:00"), ("13:00", "17:00")]}},
        "2024-01-08 11:00",
        "2024-01-08 14:00",
        7200,
    ),
    ({"zone": "America/Los_Angeles"}, "2024-01-02T00:30Z", "2024-01-02T18:00Z", 5400),
    ({"zone": NY}, "2024-01-13 20:00", "2024-01-15 09:30", 1800),
    ({"zone": NY}, "2024-01-12 18:00", "2024-01-12 18:30", 0),
    ({"zone": NY}, "2024-01-15 07:00", "2024-01-15 08:00", 0),
]


@pytest.mark.parametrize(("options", "start", "end", "seconds"), REFERENCE)
def test_business_time_matches_the_reference_table(options, start, end, seconds):
    hours = BusinessHours(**options)
    assert hours.elapsed(start, end, tz=hours.zone) == seconds
    assert hours.elapsed(end, start, tz=hours.zone) == -seconds
    assert hours.elapsed(end, start, tz=hours.zone, reversed="zero") == 0


def test_due_times():
    hours = BusinessHours(zone=NY)
    due = hours.add("2024-01-08 16:00", 2 * HOUR, tz=NY)
    assert due == dt.datetime(2024, 1, 9, 10, tzinfo=zoneinfo.ZoneInfo(NY))
    assert due.tzinfo.key == NY
    assert hours.add(dt.datetime(2024, 1, 8, 21, tzinfo=UTC), dt.timedelta(hours=2)) == due
    many = hours.add(pd.Series(pd.to_datetime(["2024-01-08 21:00", None])), [2 * HOUR, 1.0])
    assert many.dtype == "datetime64[us]"
    assert many[0] == np.datetime64("2024-01-09T15:00")
    assert np.isnat(many[1])
    assert hours.is_open("2024-01-08T15:00Z") is True
    assert hours.is_open(["2024-01-08T15:00Z", None, "2024-01-13T15:00Z"]).tolist() == [True, False, False]
    assert hours.next_open("2024-01-13 10:00") == dt.datetime(2024, 1, 15, 14, tzinfo=UTC)
    assert hours.next_open(None) is None


def columns():
    stamps = ["2024-01-12T15:00:00", None, "2024-01-16T17:00:00"]
    naive = pd.Series(pd.to_datetime(stamps))
    aware = naive.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    values = [None if text is None else dt.datetime.fromisoformat(text) for text in stamps]
    yield "list of text", stamps
    yield "list of datetimes", values
    yield "numpy", np.array(stamps, dtype="datetime64[s]")
    yield "pandas", naive
    yield "pandas aware", aware
    yield "pandas index", pd.DatetimeIndex(aware)
    yield "pandas text", pd.Series(stamps)
    yield "polars", pl.Series(values)
    yield "polars aware", pl.Series(values).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")
    yield "polars text", pl.Series(stamps)
    yield "pyarrow", pa.array(values)
    yield "pyarrow chunks", pa.chunked_array([values[:1], values[1:]])


@pytest.mark.parametrize(
    ("kind", "column"), list(columns()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_columns_of_any_kind(kind, column):
    hours = BusinessHours(zone=NY, holidays=[dt.date(2024, 1, 15)])
    seconds = hours.elapsed("2024-01-12T15:00Z", column)
    assert seconds.dtype == np.float64
    np.testing.assert_array_equal(seconds, [0, np.nan, 36000])


def test_naive_columns_take_the_zone():
    column = ["2024-01-08 10:00", "2024-01-08T15:00Z"]
    np.testing.assert_array_equal(
        BusinessHours(zone=NY).elapsed("2024-01-08T14:00Z", column, tz=NY), [HOUR, HOUR]
    )
    days = pl.Series([dt.date(2024, 1, 8)])
    assert BusinessHours(zone=NY).elapsed(days, "2024-01-08T15:00Z", tz=NY).tolist() == [HOUR]


def test_edges_of_columns():
    hours = BusinessHours()
    assert hours.elapsed([], []).tolist() == []
    assert np.isnan(hours.elapsed([None, None], [None, "2024-01-01"])).all()
    assert np.isnan(hours.elapsed(np.datetime64("NaT"), pd.NaT))
    assert np.isnan(hours.elapsed(None, "2024-01-01"))
    for wild in ["9999-12-31", "1400-01-01", np.datetime64("9000-01-01"), dt.datetime(1, 1, 1)]:
        with pytest.raises(UsageError, match="1970 to 2100"):
            hours.elapsed("2024-01-01", wild)
    with pytest.raises(UsageError, match="row 1"):
        hours.elapsed("2024-01-01", ["2024-01-01", "9999-12-31"])
    with pytest.raises(UsageError, match="2 and 3 rows"):
        hours.elapsed(["2024-01-01"] * 2, ["2024-01-01"] * 3)
    for bad in ["soon", "2024-13-01", 5, ["2024-01-01", 5], {"a": 1}, [1.5]]:
        with pytest.raises(UsageError, match="end"):
            hours.elapsed("2024-01-01", bad)
    for bad in ["x", 1e30, float("inf")]:
        with pytest.raises(UsageError, match="seconds"):
            hours.add("2024-01-01", bad)
    with pytest.raises(UsageError, match="due time"):
        hours.add("2024-01-01", 1e12)


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        ({"mon": [("09:00", "12:00"), ("11:00", "13:00")]}, "Monday overlap"),
        ({"mon": [("17:00", "09:00")]}, "two spans"),
        ({"mon": [("09:00", "09:00")]}, "open before they close"),
        ({"mon": [("9", "17:00")]}, "HH:MM"),
        ({"mon": [("09:00", "24:01")]}, "24:00"),
        ({"noday": [("09:00", "17:00")]}, "weekday"),
        ({"mon": [("09:00",)]}, "pairs"),
    ],
)
def test_bad_hours_are_refused(hours, message):
    with pytest.raises(UsageError, match=message):
        BusinessHours(hours)


def test_hours_are_values():
    make = {"zone": NY, "holidays": ["2024-01-15"], "dates": {"2024-12-24": [("09:00", "12:00")]}}
    hours = BusinessHours({"mon-fri": [("09:00", "17:00")]}, **make)
    same = BusinessHours(None, **make)
    assert hours == same == pickle.loads(pickle.dumps(hours)) == copy.deepcopy(hours)
    assert hash(hours) == hash(same)
    assert hours != BusinessHours()
    assert repr(hours).startswith("BusinessHours(mon 09:00-17:00, tue")
    assert NY in repr(hours)
    assert hours.elapsed("2024-12-24", "2024-12-25", tz=NY) == 3 * HOUR


def test_agrees_with_a_scan_of_every_minute():
    """Open minutes as zoneinfo's clock shows them, without changes of the clock inside open time."""
    theirs = zoneinfo.ZoneInfo("Europe/London")
    hours = BusinessHours({"mon-sat": [("08:30", "12:15"), ("13:00", "18:45")]}, zone="Europe/London")
    begin = dt.datetime(2024, 3, 20, tzinfo=UTC)
    spans = [((8, 30), (12, 15)), ((13, 0), (18, 45))]
    total = [0]
    for minute in range(30 * 1440):
        local = (begin + dt.timedelta(minutes=minute)).astimezone(theirs)
        now = (local.hour, local.minute)
        total.append(total[-1] + (local.weekday() < 6 and any(a <= now < b for a, b in spans)))
    rng = np.random.default_rng(5)
    a, b = rng.integers(0, len(total), (2, 2000))
    start = np.datetime64("2024-03-20T00:00") + a.astype("timedelta64[m]")
    end = np.datetime64("2024-03-20T00:00") + b.astype("timedelta64[m]")
    np.testing.assert_array_equal(hours.elapsed(start, end), (np.array(total)[b] - np.array(total)[a]) * 60)


def test_fiscal_periods():
    calendar = FiscalCalendar(start_month=2)
    quarter = calendar.period_of("2025-08-15", "quarter")
    assert (quarter.start, quarter.end, quarter.days) == (dt.date(2025, 8, 1), dt.date(2025, 11, 1), 92)
    assert calendar.label(quarter) == "FY26-Q3"
    assert calendar.label(calendar.next(quarter)) == "FY26-Q4"
    assert dt.date(2025, 10, 31) in quarter
    assert calendar.parse_period("FY26-Q3", "2026-01-01") == [quarter]
    assert pickle.loads(pickle.dumps(quarter)) == quarter
    assert hash(quarter) == hash(Period("2025-08-01", "2025-11-01", "quarter", 2026, 3))
    assert len(calendar.between("2025-02-01", "2026-02-01", "month")) == 12
    with pytest.raises(UsageError, match="last 4 quarters"):
        calendar.parse_period("soon", "2026-01-01")
    with pytest.raises(UsageError, match="quarter"):
        calendar.period_of("2025-08-15", "decade")


def test_fiscal_calendars_are_values():
    rows = [(2025, 1, 1, "2025-01-01"), (2025, 1, 2, "2025-02-01")]
    calendars = [
        FiscalCalendar(),
        FiscalCalendar(2),
        FiscalCalendar(2, "starts_in"),
        FiscalCalendar.nrf(),
        FiscalCalendar.week_pattern("4-4-5", end_month=9),
        FiscalCalendar.table(rows, "2025-03-01"),
    ]
    assert len(set(calendars)) == len(calendars)
    for calendar in calendars:
        again = pickle.loads(pickle.dumps(calendar))
        assert again == calendar
        assert hash(again) == hash(calendar)
        assert repr(again) == repr(calendar)
    assert FiscalCalendar.nrf().parse_period("2023", "2024-01-01")[0].days == 371
    for bad in ["4-4-4", "445", "4-4-5-0", "a-b-c"]:
        with pytest.raises(UsageError):
            FiscalCalendar.week_pattern(bad)


def test_fiscal_columns():
    calendar = FiscalCalendar(2)
    column = pd.Series(pd.to_datetime(["2025-07-31 23:30", None, "2025-08-01 12:00"]))
    assert calendar.labels(column, "quarter").tolist() == ["FY26-Q2", None, "FY26-Q3"]
    assert (
        calendar.labels(column.dt.tz_localize("UTC"), "quarter", tz="Europe/Berlin").tolist()[0] == "FY26-Q3"
    )
    index = calendar.index(column, "quarter")
    assert index[2] == index[0] + 1
    assert np.isnan(index[1])
    assert calendar.labels([], "year").tolist() == []
    assert calendar.labels([None], "year").tolist() == [None]
