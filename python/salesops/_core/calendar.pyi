"""
Fiscal and business time (salesops/calendar.hpp).
"""

from __future__ import annotations
import collections.abc
import datetime
import numpy
import numpy.typing
import typing

__all__: list[str] = [
    "BusinessHours",
    "FiscalCalendar",
    "Period",
    "TimeZone",
    "months",
    "nrf",
    "table",
    "week_pattern",
]

class Period:
    """
    Civil days [start, end) that count as one; `every` is its length.
    """
    def __contains__(self, date: datetime.date) -> bool: ...
    def __eq__(self, arg0: Period) -> bool: ...
    def __getstate__(self) -> tuple[int, int, str, int, int]: ...
    def __hash__(self) -> int: ...
    def __init__(
        self,
        start: datetime.date,
        end: datetime.date,
        every: str = "all",
        year: typing.SupportsInt | typing.SupportsIndex = 0,
        number: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> None: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, arg0: tuple) -> None: ...
    @property
    def days(self) -> int: ...
    @property
    def end(self) -> datetime.date:
        """
        The first day after it.
        """
    @property
    def every(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def start(self) -> datetime.date: ...
    @property
    def year(self) -> int: ...

class FiscalCalendar:
    """
    Years, quarters and months as a company counts them.
    """

    __hash__: typing.ClassVar[None] = None
    def __eq__(self, arg0: FiscalCalendar) -> bool: ...
    def __init__(self, state: tuple) -> None: ...
    def between(self, start: datetime.date, end: datetime.date, every: str) -> list[Period]: ...
    def describe(self) -> str: ...
    def index_of_days(
        self, days: typing.Annotated[numpy.typing.ArrayLike, numpy.int32], every: str
    ) -> numpy.typing.NDArray[numpy.int32]: ...
    def label(self, period: Period) -> str: ...
    def next(self, period: Period, n: typing.SupportsInt | typing.SupportsIndex = 1) -> Period: ...
    def parse_period(self, text: str, as_of: datetime.date) -> list[Period]: ...
    def period_at(self, index: typing.SupportsInt | typing.SupportsIndex, every: str) -> Period: ...
    def period_of(self, date: datetime.date, every: str) -> Period: ...
    def previous(self, period: Period, n: typing.SupportsInt | typing.SupportsIndex = 1) -> Period: ...
    @property
    def state(self) -> tuple:
        """
        What makes the calendar, as plain values.
        """

class TimeZone:
    """
    Local clocks of a zone of the IANA database.
    """

    __hash__: typing.ClassVar[None] = None
    def __eq__(self, arg0: TimeZone) -> bool: ...
    @typing.overload
    def __init__(self) -> None: ...
    @typing.overload
    def __init__(self, name: str, tzif: bytes) -> None: ...
    def __reduce__(self) -> tuple: ...
    def __repr__(self) -> str: ...
    def local_days(
        self, us: typing.Annotated[numpy.typing.ArrayLike, numpy.int64]
    ) -> numpy.typing.NDArray[numpy.int32]: ...
    def offset_at(self, us: typing.SupportsInt | typing.SupportsIndex) -> int:
        """
        Seconds ahead of UTC.
        """
    def parse(self, text: str) -> int | None: ...
    def to_utc(
        self, local: typing.Annotated[numpy.typing.ArrayLike, numpy.int64], ambiguous: str = "first"
    ) -> numpy.typing.NDArray[numpy.int64]: ...
    @property
    def name(self) -> str: ...

class BusinessHours:
    """
    Working time between instants, in UTC microseconds.
    """
    def __init__(
        self,
        week: typing.Annotated[
            collections.abc.Sequence[collections.abc.Sequence[tuple[str, str]]], "FixedSize(7)"
        ],
        zone: TimeZone,
        holidays: collections.abc.Sequence[datetime.date],
        dates: collections.abc.Mapping[datetime.date, collections.abc.Sequence[tuple[str, str]]],
        ambiguous: str,
        first_year: typing.SupportsInt | typing.SupportsIndex,
        last_year: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def add_column(
        self,
        starts: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
        us: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
        threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> numpy.typing.NDArray[numpy.int64]: ...
    def elapsed_column(
        self,
        starts: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
        ends: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
        reversed: str,
        threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def is_open_column(
        self, at: typing.Annotated[numpy.typing.ArrayLike, numpy.int64]
    ) -> numpy.typing.NDArray[numpy.uint8]: ...
    def next_open_column(
        self, at: typing.Annotated[numpy.typing.ArrayLike, numpy.int64]
    ) -> numpy.typing.NDArray[numpy.int64]: ...

def months(start_month: typing.SupportsInt | typing.SupportsIndex, year_name: str) -> FiscalCalendar: ...
def nrf() -> FiscalCalendar: ...
def table(
    rows: collections.abc.Sequence[
        tuple[
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
            datetime.date,
        ]
    ],
    end: datetime.date,
) -> FiscalCalendar: ...
def week_pattern(
    weeks: typing.Annotated[
        collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(3)"
    ],
    end_month: typing.SupportsInt | typing.SupportsIndex,
    end_weekday: typing.SupportsInt | typing.SupportsIndex,
    year_end: str,
    year_name: str,
) -> FiscalCalendar: ...
