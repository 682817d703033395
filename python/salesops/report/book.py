"""The book as a report asks it, and what its page is made of."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from salesops import kpi, plot
from salesops._core.error import Error, UsageError
from salesops.calendar import FiscalCalendar, time_zone
from salesops.crm import Crm, core_of, day_in, instant, timestamp
from salesops.kpi.ask import Period, period_text
from salesops.plot import Picture, compact, counted, plain

if TYPE_CHECKING:
    from salesops._core.table import Table

DAY = dt.timedelta(days=1)


@dataclass
class Line:
    """A small line under a big number."""

    text: str
    tone: str = ""


@dataclass
class Card:
    """One big number."""

    label: str
    value: str
    lines: list[Line] = field(default_factory=list)


@dataclass
class Grid:
    """A table ready to print; `text` aligns all of it left."""

    columns: list[str]
    rows: list[list[str]]
    text: bool = False


@dataclass
class Section:
    """A part of the page."""

    title: str
    notes: list[str] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Grid] = field(default_factory=list)
    terms: list[tuple[str, str]] = field(default_factory=list)

    def attempt(self, what: str, into: list[Any], make: Callable[..., Any], *given: Any) -> None:
        """Add what `make` gives; where the data don't allow it, a sentence says so."""
        try:
            into.append(make(*given))
        except Error as error:
            self.notes.append(f"No {what}: {plain(error, 400)}.")


def word(name: str) -> Any:
    """A module of this package that an installation may lack."""
    try:
        return importlib.import_module(f"salesops.{name}")
    except ImportError as error:
        raise UsageError(f"this installation has no salesops.{name}, so this part is left out") from error


def rows_of(table: Table) -> list[dict[str, Any]]:
    """A table as a list of rows."""
    columns = table.to_dict()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def day_text(day: dt.date) -> str:
    """A day as people write it."""
    return f"{day.day} {day:%B %Y}"


class Book:
    """The book as known at `as_of`, with the period reported and the one before it."""

    def __init__(
        self,
        crm: Crm,
        as_of: str | dt.date | dt.datetime | None,
        period: Period,
        calendar: FiscalCalendar | None = None,
        zone: Any = None,
    ) -> None:
        core_of(crm, "report")
        self.calendar = FiscalCalendar.given(calendar)
        self.zone = time_zone(zone)
        self.whole = crm = crm.with_days_in(self.zone)
        self.last_entry = crm.latest
        self.as_of = crm.latest if as_of is None else timestamp(instant(as_of, zone=self.zone))
        self.rewound = as_of is not None
        self.crm = crm.as_of(self.as_of) if self.rewound else crm
        self.today = self.day(self.as_of)
        text = period_text(period, self.zone)
        found = self.calendar.parse_period(text or "this quarter", self.today)
        if len(found) != 1:
            raise UsageError(f"period: '{text}' is {len(found)} periods; a report is about one")
        self.start, self.end = found[0].start, found[0].end
        self.label = self.calendar.label(found[0])
        if self.today < self.start:
            raise UsageError(
                f"period: {self.label} begins after {self.today}; choose a later as_of or an earlier period"
            )
        self.definitions: dict[str, str] = {}
        self.outlook = ""

    @property
    def span(self) -> str:
        """The period as the KPIs take it."""
        return f"{self.start}/{self.end}"

    @property
    def unit(self) -> str:
        """The currency of the book's money, as it stands beside numbers."""
        return "" if self.crm.currency == plot.NO_CURRENCY else self.crm.currency

    @property
    def time(self) -> dict[str, Any]:
        """What days and quarters are, for KPIs and forecasts."""
        return {"calendar": self.calendar, "zone": self.zone}

    def day(self, at: dt.datetime) -> dt.date:
        """The day of an instant in the report's zone."""
        return day_in(instant(at), self.zone)

    def ask(self, name: str, **options: Any) -> kpi.KpiResult:
        """A KPI of the period, known at `as_of`."""
        compute = getattr(kpi, name, None)
        if compute is None:
            raise UsageError(f"there is no KPI '{name}'")
        result: kpi.KpiResult = compute(self.crm, **{"period": self.span, **self.time, **options})
        if result.definition:
            self.definitions[name] = result.definition
        return result

    def verdict(self) -> str:
        """The report in one sentence."""
        if self.outlook:
            return self.outlook
        try:
            found = self.ask("attainment")
        except Error:
            found = None
        if found is not None and found.value is not None:
            won, quota = compact(found.numerator, self.unit), compact(found.denominator, self.unit)
            return f"{won} of {quota} are won in {self.label}: {compact(found.value, 'share')} of quota."
        try:
            rate = self.ask("win_rate")
        except Error:
            return self.verdict_of_leads()
        if rate.value is None:
            return f"No deal was closed in {self.label} so far."
        share = compact(rate.value, "share")
        return f"{rate.numerator:,.0f} of {counted(rate.n, 'deal')} closed in {self.label} were won: {share}."

    def verdict_of_leads(self) -> str:
        """The report in one sentence where the book has no deals."""
        try:
            rate = self.ask("lead_conversion")
        except Error:
            return f"This book has neither deals nor leads to report of in {self.label}."
        if rate.value is None:
            return f"No lead came in {self.label} so far."
        share = compact(rate.value, "share")
        leads = counted(rate.n, "lead")
        return f"{rate.numerator:,.0f} of {leads} of {self.label} were converted so far: {share}."

    def freshness(self) -> str:
        """What the page knew, and how old that is."""
        known = f"{self.label}, {day_text(self.start)} to {day_text(self.end - DAY)}, "
        known += f"as known on {self.known_at()}."
        if self.last_entry > self.as_of:
            return known  # what was entered later was not known
        idle = (self.as_of - self.last_entry).days
        last = day_text(self.day(self.last_entry))
        if idle > 0:
            return f"{known} The last entry in the book is {counted(idle, 'day')} older: {last}."
        return f"{known} The book reaches to {last}."

    def known_at(self) -> str:
        """The instant of the report on the clocks of its zone."""
        local = self.as_of + dt.timedelta(seconds=self.zone.offset_at(instant(self.as_of)))
        return f"{local:%Y-%m-%d %H:%M} {self.zone.name or 'UTC'}"
