"""The book: CRM tables, checked and typed, that can be rewound to any day."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from salesops._arguments import checked
from salesops._columns import is_missing
from salesops._core.crm import Crm as _Crm
from salesops._core.crm import data_model as _data_model
from salesops._core.error import UsageError
from salesops._core.issues import Issues
from salesops._names import listing
from salesops._progress import Wanted, part, shown
from salesops.calendar import FiscalCalendar, time_zone
from salesops.plot.base import counted

if TYPE_CHECKING:
    from salesops._core.calendar import TimeZone
    from salesops._core.table import Table

__all__ = ["Crm", "data_model", "instant"]
__dir__ = listing(__name__)

# Frames under the names of tables.
Tables = Mapping[str, Any]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def instant(
    value: str | dt.date | dt.datetime | int, name: str = "as_of", zone: TimeZone | None = None
) -> int:
    """UTC microseconds of a datetime, a date (its midnight) or ISO text; in `zone` if it names none."""
    if isinstance(value, bool) or is_missing(value):
        what = "a bool" if isinstance(value, bool) else "a missing value"
        raise UsageError(f"{name}: expected a date, a datetime or ISO text, not {what}")
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise UsageError(f"{name}: microseconds since 1970 are whole numbers of 64 bits")
        if 1400_01_01 <= value <= 9999_12_31:
            raise UsageError(
                f"{name}: a whole number is microseconds since 1970; write a day as '2025-11-15'"
            )
        return value
    if type(value).__name__ == "datetime64":  # NumPy's
        value = cast(Any, value).astype("datetime64[us]").item()
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError as error:
            raise UsageError(f"{name}: '{value}' is no ISO date or time, e.g. 2026-07-31") from error
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day)
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            return (value - _EPOCH) // _MICROSECOND
        local = (value.replace(tzinfo=dt.UTC) - _EPOCH) // _MICROSECOND
        return local if zone is None else int(time_zone(zone).to_utc([local])[0])
    raise UsageError(f"{name}: expected a date, a datetime or ISO text, not {type(value).__name__}")


def timestamp(us: int) -> dt.datetime:
    """The datetime of UTC microseconds."""
    return _EPOCH + us * _MICROSECOND


def day_in(us: int, zone: TimeZone) -> dt.date:
    """The day of UTC microseconds on a zone's clocks."""
    return timestamp(us + zone.offset_at(us) * 1_000_000).date()


def begins_day(us: int, zone: TimeZone) -> bool:
    """Whether an instant begins a day of the zone: pandas has no other way to write the day itself."""
    return us == instant(day_in(us, zone), zone=zone)


def data_model() -> Table:
    """All tables and columns that a book accepts, one row a column.

    Examples
    --------
    >>> import salesops as so
    >>> so.crm.data_model().num_rows > 200
    True
    """
    from salesops._core.table import Table

    names = ["table", "column", "kind", "key", "required", "references", "values", "tracking"]
    rows = [(*row[:6], ", ".join(row[6]), row[7]) for row in _data_model()]
    table: Table = Table.from_columns(
        {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    )
    return table


class Crm:
    """An immutable book of CRM tables.

    Made by :func:`salesops.read`; ``as_of`` rewinds it, ``apply`` adds changes; both give a new book.

    Examples
    --------
    >>> import salesops as so
    >>> crm = so.datasets.sample_crm(seed=7, deals=200)
    >>> crm.as_of("2024-01-01").latest.date().isoformat()
    '2024-01-01'
    """

    def __init__(self, core: _Crm, notes: Issues | None = None) -> None:
        self._core = core
        self._notes = notes
        self._issues = core.issues
        if notes is not None:
            self._issues = Issues()
            self._issues.merge(notes)
            self._issues.merge(core.issues)

    @classmethod
    @checked
    def build(
        cls,
        tables: Tables,
        *,
        currency: str = "",
        money_unit: str = "major",
        progress: Wanted = None,
    ) -> Crm:
        """A book of dataframes under the names of the data model.

        Parameters
        ----------
        tables
            Table name to dataframe (pandas, Polars, PyArrow, DuckDB relation, dict of arrays, …).
        currency
            ISO 4217 code of rows that don't name one.
        money_unit
            ``"major"`` (12 is twelve euros) or ``"minor"`` (integers are cents).
        progress
            Called now and then with the share done, 0 to 1. None shows a bar when the work is long and
            standard error is a terminal or a notebook; False shows none.
        """
        notes = Issues()
        minor, given = _is_minor(money_unit), _tables(tables, notes)
        with shown(progress, "building the book") as tell:
            return cls(_Crm.build(given, currency=currency, minor_units=minor, progress=tell), notes)

    @property
    def tables(self) -> list[str]:
        """Names of the tables in the book."""
        return list(self._core.tables)

    @checked
    def table(self, name: str) -> Table:
        """One table, typed."""
        return self._core.table(name)

    @property
    def latest(self) -> dt.datetime:
        """The latest instant in the book, or the instant it was rewound to."""
        return timestamp(self._core.latest)

    @property
    def currency(self) -> str:
        """The currency of all money in the book; empty when there are several."""
        return self._core.currency

    @property
    def issues(self) -> Issues:
        """What was wrong with the rows: counts by rule, and the first rows of each."""
        return self._issues

    def fiscal_calendar(self) -> FiscalCalendar | None:
        """The calendar of table ``fiscal_period``, for ``calendar=`` of KPIs and forecasts; None without one.

        Rows of type ``month`` (or ``period``) are its periods, else those of type ``quarter``; each belongs
        to the quarter and the year that began last. ``number`` names a year, and counts quarters and months
        in it; ``end`` is the day after, or the last day. Gaps, overlaps and periods without a year are a
        `UsageError`.
        """
        from salesops._core import kpi

        made = kpi.fiscal_calendar(self._core)
        return None if made is None else FiscalCalendar._of(made)

    def counts(self) -> Table:
        """Rows read, kept, superseded, rejected and deleted of each table; they add up."""
        return self._core.counts()

    def capabilities(self) -> Table:
        """What the book holds, and what the absence of a column costs."""
        return self._core.capabilities()

    @checked
    def as_of(
        self,
        t: str | dt.date | dt.datetime | int,
        *,
        strict: bool = False,
        allow_current: Iterable[str] = (),
        progress: Wanted = None,
    ) -> Crm:
        """The book as it was known at ``t``.

        Parameters
        ----------
        t
            A date (its midnight, UTC), a datetime (UTC without a zone), or ISO text.
        strict
            Leave out columns whose past nobody kept, except those in ``allow_current``.
        allow_current
            Names as ``"table.column"``.
        progress
            As for ``build``.
        """
        at, names = instant(t, "t"), list(allow_current)
        with shown(progress, "rewinding the book") as tell:
            return Crm(self._core.as_of(at, strict=strict, allow_current=names, progress=tell), self._notes)

    def apply(
        self,
        changes: Any,
        mapping: Any = None,
        *,
        columns: Mapping[str, Any] | None = None,
        tables: Mapping[str, str] | Iterable[str] | None = None,
        date_order: str | None = None,
        decimal: str | None = None,
        tz: Any = None,
        progress: Wanted = None,
    ) -> Crm:
        """A new book with rows added or replaced by key; see ``counts`` for what became of them.

        Costs what the changes cost, and one copy of each column in which a value of an old row is another
        one; the rest is shared with this book.

        Parameters
        ----------
        changes
            Table name to dataframe, under the names of the data model; or whatever `salesops.read` takes:
            a folder, a file, a connection, and with `mapping` frames under a vendor's names.
        mapping, columns, tables, date_order, decimal, tz
            As for `salesops.read`; with any of them the changes are read as it reads them.
        progress
            As for ``build``.

        Examples
        --------
        >>> import salesops as so
        >>> book = so.read({"Opportunity": {"Id": ["006A"], "Amount": ["$5"]}}, "salesforce", currency="USD")
        >>> book.apply({"Opportunity": {"Id": ["006A", "006B"], "Amount": ["$6", "$7"]}}, "salesforce")
        Crm(opportunity 2; latest 1970-01-01; 0 issues)
        """
        how: dict[str, Any] = {
            "columns": columns,
            "tables": tables,
            "date_order": date_order,
            "decimal": decimal,
            "tz": tz,
        }
        asked = mapping is not None or any(value is not None for value in how.values())
        notes = Issues()
        if self._notes is not None:
            notes.merge(self._notes)
        with shown(progress, "applying changes") as tell:
            if asked or not isinstance(changes, Mapping):
                from salesops.ingest import read_tables

                found, told = read_tables(changes, mapping, progress=part(tell, 0, 0.5), **how)
                notes.merge(told)
                return Crm(self._core.apply(found, progress=part(tell, 0.5, 1)), notes)
            return Crm(self._core.apply(_tables(changes, notes), progress=tell), notes)

    @checked
    def with_days_in(self, zone: str | dt.tzinfo | TimeZone) -> Crm:
        """The same book for whoever reads it in a time zone.

        A civil day has no zone. Times known as days alone begin in ``zone`` rather than in UTC: those of a
        column whose times are all midnight UTC, and closes that the close date stands in for. KPIs, forecasts
        and reports asked with ``zone=`` do so themselves. `apply` refuses this book, and `in_currency` too
        but at a fixed day: both go to the one that was read.

        Examples
        --------
        >>> import pandas as pd
        >>> import salesops as so
        >>> deals = pd.DataFrame({"opportunity_id": ["a"], "is_won": [True], "closed_at": ["2025-04-01"]})
        >>> print(so.crm.Crm.build({"opportunity": deals}).with_days_in("America/New_York").latest)
        2025-04-01 04:00:00+00:00
        """
        return Crm(self._core.with_days_in(time_zone(zone)), self._notes)

    @checked
    def in_currency(
        self,
        currency: str,
        *,
        at: str | dt.date = "close",
        kind: str = "spot",
        max_age: int | None = None,
        through: str = "",
        missing: str = "error",
    ) -> Crm:
        """The book with every amount in one currency, by the rates in its table ``fx_rate``.

        All amounts of a deal take one rate, so rates alone never move a pipeline. Other rows take the day
        they happened, quotas and spend the start of their period, accounts and products the book's latest
        day. Products are exact and rounded once, half to even.

        Parameters
        ----------
        currency
            ISO 4217 code.
        at
            The day of a deal's rate: ``"close"`` (while it is open, the book's latest day), ``"create"``,
            ``"budget"`` (the close, at budget rates), or a date for the whole book: constant currency.
        kind
            ``"spot"``, ``"month_avg"`` or ``"budget"``: which rates of ``fx_rate`` to take.
        max_age
            Days for which a rate holds until the next one; 31, and 366 for budget rates, by default.
        through
            A currency to go through where a pair has no rates, e.g. ``"USD"``.
        missing
            ``"error"`` refuses a book that lacks a rate and says which; ``"null"`` leaves those amounts
            out and counts them in ``issues`` (``no_rate``).

        Examples
        --------
        >>> import salesops as so
        >>> crm = so.datasets.sample_crm(seed=7, deals=200, foreign_share=0.5)
        >>> crm.currency, crm.in_currency("EUR").currency
        ('', 'EUR')
        """
        day, basis = dt.date(1970, 1, 1), str(at)
        if at == "budget":
            if kind not in ("spot", "budget"):
                raise UsageError(f"at='budget' takes budget rates, not kind='{kind}'")
            basis, kind = "close", "budget"
        elif at not in ("close", "create"):
            day, basis = timestamp(instant(at, "at: 'close', 'create', 'budget' or a day")).date(), "fixed"
        return Crm(self._core.in_currency(currency, basis, day, kind, max_age, through, missing), self._notes)

    def __repr__(self) -> str:
        issues = counted(self.issues.total, "issue")
        if not any(self.table(name).num_rows for name in self.tables):
            return f"Crm(empty: {'no rows' if self.tables else 'no tables'}; {issues})"
        rows = ", ".join(f"{name} {self.table(name).num_rows:,}" for name in self.tables)
        text = f"Crm({rows}; latest {self.latest:%Y-%m-%d}; {issues})"
        return textwrap.fill(text, 80, subsequent_indent="    ", break_on_hyphens=False)


def core_of(crm: Any, asker: str) -> _Crm:
    """The compiled book behind a `Crm`, or itself; anything else is the caller's mistake."""
    if isinstance(crm, _Crm):
        return crm
    if not isinstance(crm, Crm):
        raise UsageError(f"{asker}: the first argument is a book, from so.read(…) or so.crm.Crm.build(…)")
    return crm._core


def _is_minor(money_unit: str) -> bool:
    if money_unit not in ("major", "minor"):
        raise UsageError(f"money_unit is 'major' or 'minor', not '{money_unit}'")
    return money_unit == "minor"


def _tables(tables: Mapping[str, Any], notes: Issues) -> dict[str, Table]:
    """Tables of the core; columns of a type that can't be read (lists, bytes) go to the notes."""
    from salesops._frame import to_core

    if not isinstance(tables, Mapping):
        raise UsageError(f"expected a dict of table name to dataframe, not {type(tables).__name__}")
    made = {}
    for name, table in tables.items():
        unread: list[str] = []
        made[name] = to_core(table, unread=unread)
        for column in unread:
            notes.add(name, -1, column, "unsupported_type", made[name].num_rows)
    return made
