"""Fiscal and business time: a company's periods, and working hours between instants.

Examples
--------
>>> from salesops.calendar import BusinessHours, FiscalCalendar
>>> calendar = FiscalCalendar(start_month=2)
>>> calendar.label(calendar.period_of("2025-08-15", "quarter"))
'FY26-Q3'
>>> hours = BusinessHours(zone="America/New_York")
>>> hours.elapsed("2024-01-12T21:00Z", "2024-01-15T15:00Z") / 3600
2.0
"""

from __future__ import annotations

import datetime as dt
import functools
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from salesops._arguments import checked
from salesops._columns import DAY, EPOCH, column_from, is_from, is_missing
from salesops._core import calendar as _core
from salesops._core.error import UsageError
from salesops._names import listing

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Period = _core.Period
TimeZone = _core.TimeZone

__all__ = ["BusinessHours", "FiscalCalendar", "Period", "TimeZone", "time_zone"]
__dir__ = listing(__name__)

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Spans = Sequence[tuple[str, str]]

# ---- fiscal time ----


class FiscalCalendar(_core.FiscalCalendar):
    """Years, quarters and months as a company counts them.

    Parameters
    ----------
    start_month
        The first month of the year, 1 to 12.
    year_name
        ``"ends_in"``: a year bears the number of the civil year it ends in; or ``"starts_in"``.

    Examples
    --------
    >>> calendar = FiscalCalendar(start_month=2)
    >>> [calendar.label(p) for p in calendar.parse_period("last 2 quarters", as_of="2026-11-23")]
    ['FY27-Q2', 'FY27-Q3']
    >>> FiscalCalendar.week_pattern("4-4-5", end_month=9)
    FiscalCalendar(4-4-5 years that end on the last Saturday of September, named by the year they end in)
    """

    @checked
    def __init__(self, start_month: int = 1, year_name: str = "ends_in") -> None:
        super().__init__(_core.months(start_month, year_name).state)

    @classmethod
    def _of(cls, made: _core.FiscalCalendar) -> FiscalCalendar:
        calendar = cls.__new__(cls)
        _core.FiscalCalendar.__init__(calendar, made.state)
        return calendar

    @classmethod
    def given(cls, calendar: Any) -> FiscalCalendar:
        """The calendar that a caller gave, or civil quarters for None."""
        if calendar is None:
            return cls()
        if not isinstance(calendar, FiscalCalendar):
            raise UsageError(
                f"calendar: {calendar!r} is none; make one with so.calendar.FiscalCalendar(start_month=2) or "
                'so.calendar.FiscalCalendar.week_pattern("4-4-5")'
            )
        return calendar

    @classmethod
    @checked
    def week_pattern(
        cls,
        weeks: str = "4-4-5",
        *,
        end_month: int = 12,
        end_weekday: str | int = "saturday",
        year_end: str = "last",
        year_name: str = "ends_in",
    ) -> FiscalCalendar:
        """Years of 52 or 53 whole weeks; the 53rd falls to the last month.

        Parameters
        ----------
        weeks
            The weeks of the months of a quarter: ``"4-4-5"``, ``"4-5-4"`` or ``"5-4-4"``.
        end_month, end_weekday, year_end
            The year ends on the ``"last"`` such weekday of the month, or on the one ``"nearest"`` to the
            last day of the month.
        year_name
            The civil year of `end_month` (``"ends_in"``), or the one before it (``"starts_in"``).
        """
        parts = weeks.split("-")
        if len(parts) != 3 or not all(part.isdecimal() and len(part) < 3 for part in parts):
            raise UsageError("write the weeks of the three months of a quarter as '4-4-5'")
        numbers = [int(part) for part in parts]
        return cls._of(_core.week_pattern(numbers, end_month, _weekday(end_weekday), year_end, year_name))

    @classmethod
    def nrf(cls) -> FiscalCalendar:
        """Make the 4-5-4 calendar of the National Retail Federation."""
        return cls._of(_core.nrf())

    @classmethod
    @checked
    def table(cls, rows: Iterable[tuple[int, int, int, dt.date | str]], end: dt.date | str) -> FiscalCalendar:
        """Make a calendar of rows ``(year, quarter, number, start)``; the last period ends before `end`."""
        if not all(isinstance(row, Sequence) and len(row) == 4 for row in rows):
            raise UsageError("rows: need (year, quarter, number, start) each")
        dated = [(year, quarter, number, _date(start, "rows")) for year, quarter, number, start in rows]
        return cls._of(_core.table(dated, _date(end, "end")))

    @checked
    def index(
        self, column: Any, every: str, tz: str | dt.tzinfo | TimeZone | None = None
    ) -> npt.NDArray[np.float64]:
        """Give each row the number of its period; consecutive periods count up, nulls are NaN.

        Parameters
        ----------
        column
            Dates, or timestamps: an array, a series, a list.
        every
            ``"day"``, ``"week"``, ``"month"``, ``"quarter"``, ``"half"``, ``"year"``.
        tz
            The zone whose days count (default UTC).
        """
        import numpy as np

        numbers = self._numbers(column, every, tz)
        return np.where(numbers == np.iinfo(np.int32).min, np.nan, numbers)

    @checked
    def labels(
        self, column: Any, every: str, tz: str | dt.tzinfo | TimeZone | None = None
    ) -> npt.NDArray[np.object_]:
        """Label the period of each row; None for a null.

        Examples
        --------
        >>> list(FiscalCalendar(2).labels(["2025-08-15", None], "quarter"))
        ['FY26-Q3', None]
        """
        import numpy as np

        found, place = np.unique(self._numbers(column, every, tz), return_inverse=True)
        none = np.iinfo(np.int32).min
        texts = [None if i == none else self.label(self.period_at(i, every)) for i in found.tolist()]
        return np.array([*texts, None], dtype=object)[:-1][place]

    def _numbers(self, column: Any, every: str, tz: Any) -> npt.NDArray[np.int32]:
        zone = time_zone(tz)
        return self.index_of_days(zone.local_days(_instants(column, zone)[0]), every)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(self.describe())

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_calendar, (self.state,)

    def __repr__(self) -> str:
        return f"FiscalCalendar({self.describe()})"


def _restore_calendar(state: Any) -> FiscalCalendar:
    return FiscalCalendar._of(_core.FiscalCalendar(state))


# ---- zones ----


def time_zone(zone: str | dt.tzinfo | TimeZone | None = None) -> TimeZone:
    """Find a zone by its IANA name, in ``zoneinfo.TZPATH`` or the tzdata package; None is UTC.

    Examples
    --------
    >>> time_zone("Europe/Berlin")
    TimeZone('Europe/Berlin')
    """
    if isinstance(zone, TimeZone):
        return zone
    if zone is None or zone is dt.UTC:
        return TimeZone()
    name = zone if isinstance(zone, str) else getattr(zone, "key", getattr(zone, "zone", None))
    if not isinstance(name, str):
        raise UsageError("a zone needs an IANA name, such as 'Europe/Berlin' or zoneinfo.ZoneInfo(...)")
    return _load_zone(name)


@functools.lru_cache(maxsize=600)
def _load_zone(name: str) -> TimeZone:
    if name == "UTC":
        return TimeZone()
    import importlib.resources
    import zoneinfo

    parts = name.split("/")
    if all(part and part.strip(".") and part.replace("\\", "") == part for part in parts):
        for folder in zoneinfo.TZPATH:
            file = pathlib.Path(folder, *parts)
            if file.is_file():
                return TimeZone(name, file.read_bytes())
        resource = importlib.resources.files("tzdata").joinpath("zoneinfo", *parts)
        if resource.is_file():
            return TimeZone(name, resource.read_bytes())
    import difflib

    near = difflib.get_close_matches(name, sorted(zoneinfo.available_timezones()), n=3)
    hint = f"; near it are {', '.join(near)}" if near else "; use a name such as 'Europe/Berlin'"
    raise UsageError(f"there is no time zone '{name[:64]}'{hint}")


# ---- business time ----


class BusinessHours:
    """A team's working hours.

    Parameters
    ----------
    hours
        Open spans of local time by weekday: ``{"mon": [("09:00", "12:00"), ("13:00", "17:00")]}``. Keys
        are weekdays or ranges such as ``"mon-fri"``; days not named are closed. By default Monday to
        Friday 09:00 to 17:00.
    zone
        IANA name of the team's zone.
    holidays
        Dates closed all day.
    dates
        Other hours on single dates; they go before `hours` and `holidays`.
    ambiguous
        Which reading opens or closes as the clock is put back: ``"first"`` or ``"second"``.
    first_year, last_year
        Instants outside these years are refused.

    Examples
    --------
    >>> team = BusinessHours(zone="America/New_York", holidays=["2024-01-15"])
    >>> team.elapsed("2024-01-12 10:00", "2024-01-16 12:00", tz="America/New_York")
    36000.0
    """

    @checked
    def __init__(
        self,
        hours: Mapping[str | int, Spans] | None = None,
        *,
        zone: str | dt.tzinfo | TimeZone = "UTC",
        holidays: Iterable[dt.date | str] = (),
        dates: Mapping[dt.date | str, Spans] | None = None,
        ambiguous: str = "first",
        first_year: int = 1970,
        last_year: int = 2100,
    ) -> None:
        week = _week({"mon-fri": [("09:00", "17:00")]} if hours is None else hours)
        closed = sorted({_date(day, "holidays") for day in holidays})
        other = {_date(day, "dates"): _pairs(spans, day) for day, spans in (dates or {}).items()}
        found = time_zone(zone)
        self.zone: str = found.name
        self._key = (
            week,
            self.zone,
            tuple(closed),
            tuple(sorted(other.items())),
            ambiguous,
            first_year,
            last_year,
        )
        self._core = _core.BusinessHours(week, found, closed, other, ambiguous, first_year, last_year)

    @checked
    def elapsed(
        self,
        start: Any,
        end: Any,
        *,
        tz: str | dt.tzinfo | TimeZone | None = None,
        reversed: str = "negative",
        threads: int = 0,
    ) -> Any:
        """Working seconds from `start` to `end`: a float, or an array with NaN for nulls.

        Parameters
        ----------
        start, end
            Datetimes, ISO text, or columns of them (array, series, list); one of them may be a column.
        tz
            The zone of times that name none (default UTC).
        reversed
            An end before its start gives minus the time between (``"negative"``) or ``"zero"``.
        """
        zone = time_zone(tz)
        starts, one = _instants(start, zone, "start")
        ends, other = _instants(end, zone, "end")
        starts, ends = _same_length(starts, ends, one, other)
        seconds: npt.NDArray[np.float64] = self._core.elapsed_column(starts, ends, reversed, threads)
        return float(seconds[0]) if one and other else seconds

    @checked
    def add(
        self,
        start: Any,
        seconds: Any,
        *,
        tz: str | dt.tzinfo | TimeZone | None = None,
        threads: int = 0,
    ) -> Any:
        """When `seconds` of working time have passed: a datetime in the team's zone, or datetime64 in UTC.

        `seconds` is a number, a timedelta, or a column of them; negative counts back.

        Examples
        --------
        >>> str(BusinessHours().add("2024-01-08 16:00", 7200))
        '2024-01-09 10:00:00+00:00'
        """
        starts, one = _instants(start, time_zone(tz), "start")
        spans, other = _spans(seconds)
        starts, spans = _same_length(starts, spans, one, other)
        return self._answer(self._core.add_column(starts, spans, threads), one and other)

    def is_open(self, at: Any, *, tz: str | dt.tzinfo | TimeZone | None = None) -> Any:
        """Whether the team works at an instant; False for nulls in a column."""
        instants, one = _instants(at, time_zone(tz), "at")
        found = self._core.is_open_column(instants).astype(bool)
        return bool(found[0]) if one else found

    def next_open(self, at: Any, *, tz: str | dt.tzinfo | TimeZone | None = None) -> Any:
        """Find the next opening, the instant itself while open; as `add` answers."""
        instants, one = _instants(at, time_zone(tz), "at")
        return self._answer(self._core.next_open_column(instants), one)

    def _answer(self, instants: npt.NDArray[np.int64], one: bool) -> Any:
        if not one:
            return instants.view("datetime64[us]")
        if instants[0] == _null():
            return None
        import zoneinfo

        return (EPOCH + dt.timedelta(microseconds=int(instants[0]))).astimezone(zoneinfo.ZoneInfo(self.zone))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BusinessHours) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_hours, self._key

    def __repr__(self) -> str:
        week = self._key[0]
        days = [
            f"{name[:3]} " + "+".join(f"{open_}-{close}" for open_, close in spans)
            for name, spans in zip(WEEKDAYS, week, strict=True)
            if spans
        ]
        more = [f"{len(self._key[2])} holidays"] if self._key[2] else []
        more += [f"{len(self._key[3])} other dates"] if self._key[3] else []
        return f"BusinessHours({', '.join([*days, *more, self.zone])})"


def _restore_hours(
    week: Any, zone: str, holidays: Any, dates: Any, ambiguous: str, first_year: int, last_year: int
) -> BusinessHours:
    return BusinessHours(
        dict(enumerate(week)),
        zone=zone,
        holidays=holidays,
        dates=dict(dates),
        ambiguous=ambiguous,
        first_year=first_year,
        last_year=last_year,
    )


# ---- arguments ----


def _weekday(day: str | int) -> int:
    if isinstance(day, int) and 0 <= day <= 6:
        return day
    if isinstance(day, str) and len(day) >= 3:
        for number, name in enumerate(WEEKDAYS):
            if name.startswith(day.lower()):
                return number
    raise UsageError(f"{day!r} is no weekday; write 'mon' … 'sun', 'monday' … 'sunday', or 0 … 6")


def _week(hours: Mapping[Any, Spans]) -> tuple[tuple[tuple[str, str], ...], ...]:
    week: list[tuple[tuple[str, str], ...]] = [()] * 7
    for key, spans in hours.items():
        first, dash, last = key.partition("-") if isinstance(key, str) else (key, "", "")
        begin = _weekday(first)
        end = _weekday(last) if dash else begin
        for step in range((end - begin) % 7 + 1):
            week[(begin + step) % 7] = _pairs(spans, key)
    return tuple(week)


def _pairs(spans: Spans, key: object) -> tuple[tuple[str, str], ...]:
    pairs = [tuple(span) for span in spans]
    if not all(len(pair) == 2 and all(isinstance(part, str) for part in pair) for pair in pairs):
        raise UsageError(f"the hours of {key!r} must be pairs of text such as ('09:00', '17:00')")
    return tuple(sorted((pair[0], pair[1]) for pair in pairs))


def _date(day: Any, argument: str) -> dt.date:
    if isinstance(day, str):
        try:
            return dt.date.fromisoformat(day)
        except ValueError:
            raise UsageError(f"{argument}: {day[:32]!r} is no date; write YYYY-MM-DD") from None
    if is_missing(day):
        raise UsageError(f"{argument}: a missing value is no date")
    if hasattr(day, "to_pydatetime"):
        day = day.to_pydatetime()
    if isinstance(day, dt.datetime):
        return day.date()
    if not isinstance(day, dt.date):
        raise UsageError(f"{argument}: need dates, or text YYYY-MM-DD")
    return day


@functools.cache
def _null() -> int:
    import numpy as np

    return int(np.iinfo(np.int64).min)


def _instants(values: Any, zone: TimeZone, argument: str = "column") -> tuple[npt.NDArray[np.int64], bool]:
    """UTC microseconds of one instant or a column of them, and whether it was one."""
    import numpy as np

    if values is None or isinstance(values, str | dt.date | np.datetime64 | float):
        return _instants([values], zone, argument)[0], True
    aware = False
    if is_from(values, "polars") or is_from(values, "pyarrow"):
        kind = getattr(values, "dtype", getattr(values, "type", None))
        aware = bool(getattr(kind, "time_zone", None) or getattr(kind, "tz", None))
        values = values.to_numpy() if is_from(values, "polars") else values.to_numpy(zero_copy_only=False)
    if not hasattr(values, "__len__") or isinstance(values, Mapping | set):
        raise UsageError(f"{argument}: need a datetime, ISO text, or a column of them")
    try:
        column, naive = column_from(values)
    except UsageError as error:
        raise UsageError(f"{argument}: {error}") from error
    valid = column.valid()
    naive = naive and not aware
    if column.type == "string":
        entries = [_parse(text, zone, argument) for text in column.dictionary]
        us = np.array([*entries, _null()], dtype=np.int64)[column.values()]
    elif column.type == "date":
        us, naive = column.values().astype(np.int64) * DAY, True
    elif column.type == "timestamp":
        us = column.values()
    elif valid is not None and not valid.any():
        us = np.full(len(column), _null(), dtype=np.int64)
    elif len(column) == 0:
        us = np.empty(0, dtype=np.int64)
    else:
        raise UsageError(f"{argument}: need datetimes or ISO text, not {column.type}")
    if valid is not None:
        us = np.where(valid, us, _null())
    return (zone.to_utc(us) if naive and zone.name != "UTC" else us), False


def _parse(text: str, zone: TimeZone, argument: str) -> int:
    us: int | None = zone.parse(text)
    if us is None:
        raise UsageError(
            f"{argument}: {text[:40]!r} is no time; write YYYY-MM-DD or YYYY-MM-DDTHH:MM[:SS], "
            "then Z or +02:00 if it has a zone"
        )
    return us


def _spans(seconds: Any) -> tuple[npt.NDArray[np.int64], bool]:
    """Microseconds of a number of seconds, a timedelta, or a column of them."""
    import numpy as np

    if isinstance(seconds, dt.timedelta) and not is_from(seconds, "pandas"):
        return np.array([seconds // dt.timedelta(microseconds=1)], dtype=np.int64), True
    array = np.asarray(seconds)
    if array.dtype.kind == "m":
        us = array.astype("timedelta64[us]").view(np.int64)
    elif array.dtype.kind in "iuf":
        scaled = np.rint(array.astype(np.float64) * 1e6)
        if (np.abs(scaled) >= 2.0**63).any():
            raise UsageError("seconds: a span of working time goes beyond 64-bit microseconds")
        us = np.where(np.isnan(scaled), _null(), np.where(np.isnan(scaled), 0, scaled).astype(np.int64))
    else:
        raise UsageError("seconds: need numbers of seconds, or timedeltas")
    return np.atleast_1d(us), array.ndim == 0


def _same_length(
    a: npt.NDArray[np.int64], b: npt.NDArray[np.int64], one: bool, other: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    import numpy as np

    if one and not other:
        return np.full(len(b), a[0]), b
    if other and not one:
        return a, np.full(len(a), b[0])
    if len(a) != len(b):
        raise UsageError(f"the columns have {len(a)} and {len(b)} rows; they need one length")
    return a, b
