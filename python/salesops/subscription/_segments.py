"""Rows put in segments by a column, and the core's results of each put beside each other."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._columns import DAY, column_from
from salesops._core import subscription as _core
from salesops._core.crm import Crm as _Crm
from salesops._core.error import UsageError
from salesops._core.issues import Issues
from salesops._core.table import Column, Table
from salesops.calendar import TimeZone
from salesops.crm import Crm, core_of
from salesops.plot.base import counted, plain
from salesops.subscription import _options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.int64]

NONE = "(none)"
MOST = 1000
UNKNOWN = -(2**63)


@dataclass(frozen=True)
class Segments:
    """Subscriptions as a whole and in segments, ready to be followed."""

    by: str
    labels: list[str]
    whole: _core.State
    parts: list[_core.State]
    source: Any
    zone: Any
    nameless: int  # rows without a segment
    wanderers: int  # customers with rows in several segments


# ---- rows ----


def codes_of(column: Column, name: str) -> tuple[list[str], Numbers]:
    """The segments in order, those without one last, and that of each row."""
    import numpy as np

    values, valid = column.values(), column.valid()
    known = np.ones(len(column), dtype=bool) if valid is None else valid.astype(bool)
    if column.type == "string":
        entries = [text.strip() for text in column.dictionary]
        order = sorted(set(entries) - {""})
        place = {text: i for i, text in enumerate(order)}
        of_entry = np.array([*(place.get(text, -1) for text in entries), -1], dtype=np.int64)
        codes = of_entry[np.where(known, values, -1)]
    elif column.type == "boolean" or column.type.startswith(("int", "uint", "float")):
        if not (np.isfinite(values[known]) & (values[known] == np.floor(values[known]))).all():
            raise UsageError(f"by: column '{name}' holds fractions, not segments: cut it into classes first")
        found, inverse = np.unique(values[known], return_inverse=True)
        codes = np.full(len(column), -1, dtype=np.int64)
        codes[known] = inverse
        truths = column.type == "boolean"
        order = [str(bool(value)).lower() if truths else f"{int(value)}" for value in found.tolist()]
    else:
        raise UsageError(
            f"by: column '{name}' holds {column.type}, not segments: text, whole numbers or booleans"
        )
    if len(order) > MOST:
        raise UsageError(f"by: column '{name}' has {len(order):,} values, more than {MOST:,} segments")
    if (codes < 0).any():
        codes[codes < 0] = len(order)
        order.append(NONE)
    return order, codes


def split(table: Table, codes: Numbers, n: int) -> list[Table]:
    """The rows of each segment; texts keep only the names that they need."""
    import numpy as np

    order = np.argsort(codes, kind="stable")
    parts = np.split(order, np.searchsorted(codes[order], np.arange(1, n)))[:n]
    columns: list[list[tuple[str, Column]]] = [[] for _ in parts]
    for name in table.names:
        column = table.column(name)
        values, valid = column.values(), column.valid()
        entries = np.array([*column.dictionary, ""], dtype=object) if column.type == "string" else None
        for made, rows in zip(columns, parts, strict=True):
            kept = None if valid is None else valid[rows]
            if entries is None:
                one = Column.of(column.type, values[rows], kept, column.scale, column.currency)
            else:
                there = values[rows] if kept is None else np.where(kept, values[rows], len(entries) - 1)
                used, places = np.unique(there, return_inverse=True)
                one = Column.of_codes(places.astype(np.int32), kept, list(entries[used]))
            made.append((name, one))
    return [Table(made) for made in columns]


def instants_of(column: Column, zone: TimeZone) -> Numbers:
    """UTC microseconds of dates, timestamps or ISO texts; `UNKNOWN` where there is none."""
    import numpy as np

    values, valid = column.values(), column.valid()
    if column.type == "string":
        entries = [zone.parse(text) for text in column.dictionary]
        us = np.array([UNKNOWN if at is None else at for at in entries] + [UNKNOWN], dtype=np.int64)[
            values if valid is None else np.where(valid, values, -1)
        ]
    elif column.type == "date":
        us = np.asarray(zone.to_utc(values.astype(np.int64) * DAY))
    elif column.type == "timestamp":
        us = values.astype(np.int64)
    else:
        return np.full(len(column), UNKNOWN, dtype=np.int64)
    return us if valid is None else np.where(valid, us, UNKNOWN)


def keys_of(column: Column) -> Numbers:
    """A number for each customer, −1 for none."""
    import numpy as np

    valid = column.valid()
    keys = np.unique(column.values(), return_inverse=True)[1].astype(np.int64)
    return keys if valid is None else np.where(valid, keys, -1)


def several(keys: Numbers, codes: Numbers) -> npt.NDArray[np.bool_]:
    """The rows of keys that have rows in several segments."""
    import numpy as np

    low = np.full(keys.max(initial=-1) + 2, np.iinfo(np.int64).max)
    high = np.full(len(low), -1, dtype=np.int64)
    np.minimum.at(low, keys, codes)
    np.maximum.at(high, keys, codes)
    found: npt.NDArray[np.bool_] = (keys >= 0) & (low[keys] < high[keys])
    return found


def at_first(keys: Numbers, codes: Numbers, begins: Callable[[], Numbers]) -> tuple[Numbers, int]:
    """Each row in the segment of its customer's first row, and how many customers have several."""
    import numpy as np

    rows = np.flatnonzero(several(keys, codes))
    if not len(rows):
        return codes, 0
    at = begins()[rows]
    at = np.where(at == UNKNOWN, np.iinfo(np.int64).max, at)
    order = rows[np.lexsort((codes[rows], at, keys[rows]))]
    names, first = np.unique(keys[order], return_index=True)
    codes = codes.copy()
    codes[rows] = codes[order[first]][np.searchsorted(names, keys[rows])]
    return codes, len(names)


def cut(table: Table, columns: _core.Columns, codes: Numbers) -> Table:
    """End the rows of a subscription that goes on in another segment where its next row begins.

    The one that began last holds, which the rows of a segment alone don't tell. Rows whose amount depends on
    their end (invoice lines), and those that a later one ends before, stay as they are.
    """
    import numpy as np

    if not columns.subscription or columns.charges or columns.closed:
        return table
    keys = keys_of(table.column(columns.subscription))
    rows = np.flatnonzero(several(keys, codes))
    if not len(rows):
        return table
    zone, never = columns.zone, np.iinfo(np.int64).max
    starts = instants_of(table.column(columns.start), zone)
    ends = np.full(len(table), never)
    if columns.end:
        said = blank_free(table.column(columns.end))
        ends = instants_of(table.column(columns.end), zone)
        unread, read = said & (ends == UNKNOWN), ends != UNKNOWN
        if columns.end_included:
            ends[read] = zone.to_utc((zone.local_days(ends[read]).astype(np.int64) + 1) * DAY)
        ends[~said], ends[unread] = never, starts[unread] - 1  # left out, as before
    rows = rows[(starts[rows] != UNKNOWN) & (ends[rows] > starts[rows])]
    rows = rows[np.lexsort((ends[rows], starts[rows], keys[rows]))]
    here, after = rows[:-1], rows[1:]
    over = (keys[here] == keys[after]) & (starts[after] < ends[here]) & (ends[here] <= ends[after])
    if not over.any():
        return table
    ends[here[over]] = starts[after[over]]
    columns.end, columns.end_included = columns.end or " end", False  # no column begins like this
    known = ends != never
    return table.with_column(columns.end, Column.of("timestamp", np.where(known, ends, 0), known))


def blank_free(column: Column) -> npt.NDArray[np.bool_]:
    """The rows that say something."""
    import numpy as np

    valid = column.valid()
    known = np.ones(len(column), dtype=bool) if valid is None else valid.astype(bool)
    if column.type != "string":
        return known
    said = np.array([*(bool(text.strip()) for text in column.dictionary), False])
    found: npt.NDArray[np.bool_] = known & said[np.where(known, column.values(), -1)]
    return found


def with_times(table: Table, columns: _core.Columns) -> Table:
    """Texts as the instants that they are, so that a segment may have none that can be read."""
    import numpy as np

    for name in sorted({columns.start, columns.end, columns.trial_end, columns.closed} - {""}):
        column = table.column(name)
        if column.type == "string" and len(column):
            # `UNKNOWN` where something is said lies beyond all years: no date, as before.
            us = np.asarray(instants_of(column, columns.zone))
            table = table.with_column(name, Column.of("timestamp", us, blank_free(column)))
    return table


# ---- reading ----


def read(subscriptions: Any, by: str, reading: dict[str, Any], overlaps: str, threads: int) -> Segments:
    """Rows in their own segments: what moves is told of each."""
    if isinstance(subscriptions, Crm):
        return _of_book(subscriptions, by, reading, stay=False)
    table, columns = _options.rows_of(subscriptions, reading, by)
    labels, codes = codes_of(table.column(by), by)
    whole = _core.State.partial(table, columns, threads)
    table = with_times(table, columns)
    if overlaps == "latest":
        table = cut(table, columns, codes)
    return _of_table(subscriptions, by, labels, codes, table, columns, whole, 0, threads)


def read_customers(subscriptions: Any, by: str, reading: dict[str, Any], threads: int) -> Segments:
    """Customers in the segment of their first row, with all of their rows: they stay in it."""
    if isinstance(subscriptions, Crm):
        return _of_book(subscriptions, by, reading, stay=True)
    table, columns = _options.rows_of(subscriptions, reading, by)
    labels, own = codes_of(table.column(by), by)
    follows = columns.subscription if columns.follow == "subscription" else columns.customer
    codes, n = at_first(
        keys_of(table.column(follows)), own, lambda: instants_of(table.column(columns.start), columns.zone)
    )
    whole = _core.State.partial(table, columns, threads)
    table = with_times(table, columns)
    return _of_table(subscriptions, by, labels, codes, table, columns, whole, n, threads)


def _of_table(
    data: Any,
    by: str,
    labels: list[str],
    codes: Numbers,
    table: Table,
    columns: _core.Columns,
    whole: _core.State,
    wanderers: int,
    threads: int,
) -> Segments:
    parts = [_core.State.partial(part, columns, threads) for part in split(table, codes, len(labels))]
    nameless = int((codes == labels.index(NONE)).sum()) if NONE in labels else 0
    return Segments(by, labels, whole, parts, _frame.empty_like(data), columns.zone, nameless, wanderers)


def _of_book(book: Crm, by: str, reading: dict[str, Any], *, stay: bool) -> Segments:
    """Subscriptions of a book by their own columns, or by those of their accounts."""
    columns = _options.book_columns(reading)
    core, pauses_end = core_of(book, "subscription"), not reading.get("ignore_pauses", False)
    whole = _core.State.of_book(core, columns, pauses_end)
    table = core.table("subscription")
    labels, codes = codes_of(_book_column(core, table, by), by)
    wanderers = 0
    if stay:
        follows = "subscription_id" if columns.follow == "subscription" else "account_id"
        codes, wanderers = at_first(
            keys_of(table.column(follows)), codes, lambda: instants_of(table.column("start"), columns.zone)
        )
    others = {name: core.table(name) for name in ("account", "subscription_event") if core.has(name)}
    parts = [
        _core.State.of_book(_Crm.build({"subscription": part} | others), columns, pauses_end)
        for part in split(table, codes, len(labels))
    ]
    nameless = int((codes == labels.index(NONE)).sum()) if NONE in labels else 0
    return Segments(by, labels, whole, parts, None, columns.zone, nameless, wanderers)


def _book_column(core: _Crm, table: Table, by: str) -> Column:
    """A column of the subscriptions, or of the accounts that they belong to."""
    import numpy as np

    of_account = by.removeprefix("account.")
    accounts = core.table("account") if core.has("account") else None
    if of_account == by and table.has(by):
        return table.column(by)
    if of_account == by or accounts is None or not accounts.has(of_account):
        known = ["account." + name for name in (accounts.names if accounts else ())]
        raise UsageError(
            f"by: a book's subscriptions have no column '{by}'; there are {', '.join([*table.names, *known])}"
        )
    column = accounts.column(of_account)
    place = {name: i for i, name in enumerate(accounts.column("account_id").to_list())}
    rows = np.array([place.get(name, -1) for name in table.column("account_id").to_list()], dtype=np.int64)
    return column_from(list(np.array([*column.to_list(), None], dtype=object)[rows]))[0]


# ---- results ----


class Beside:
    """The core's results of segments as frames beside each other, from the first period of the whole on."""

    SAID = ("period", "start_date", "base", "measure", "state")

    def __init__(self, segments: Segments, whole: Any, parts: list[Any]) -> None:
        self.by, self.labels = segments.by, segments.labels
        self.whole, self.parts = whole, parts
        tables = [getattr(whole, name)() for name in ("to_table", "long_table") if hasattr(whole, name)]
        check_names(self.by, tables)
        self.issues = issues_of(segments, whole.issues, segments.wanderers)

    def table(self, name: str) -> Table:
        """One table of all segments, of the core's of that name."""
        whole = getattr(self.whole, name)()
        parts = [padded(getattr(part, name)(), whole, self.SAID) for part in self.parts]
        return labelled(self.by, self.labels, parts, whole)

    def note(self) -> str:
        """What a headline says of them."""
        return f"; {counted(len(self.labels), 'segment')} by {plain(self.by, 30)}"


class Compared:
    """What answers by period have in common that put a customer in the segment of its first row."""

    def __init__(self, core: Any, source: Any, beside: Beside | None = None) -> None:
        self._core = core
        self.source = source
        self._beside = beside

    @property
    def currency(self) -> str:
        """ISO 4217 code of the amounts, as far as known."""
        currency: str = self._core.currency
        return currency

    @property
    def as_of(self) -> dt.datetime:
        """Nothing from here on is known."""
        return _options.until(self._core.as_of)

    @property
    def issues(self) -> Issues:
        """What was left out, merged or cut, by rule."""
        issues: Issues = self._core.issues if self._beside is None else self._beside.issues
        return issues

    @property
    def by(self) -> str | None:
        """The column of the segments; None without."""
        return None if self._beside is None else self._beside.by

    @property
    def segments(self) -> list[str]:
        """The segments; ``(none)`` are customers without one. Empty without ``by=``."""
        return [] if self._beside is None else self._beside.labels


def check_names(by: str, tables: Sequence[Table]) -> None:
    """Refuse a column of segments that the results have themselves."""
    for table in tables:
        if table.has(by):
            raise UsageError(f"by: the result has a column '{by}' of its own; rename yours")


def issues_of(segments: Segments, own: Issues, wanderers: int) -> Issues:
    """What is told of the whole, and of the segments."""
    issues = Issues()
    issues.merge(own)
    for rule, n in (("no_segment", segments.nameless), ("in_several_segments", wanderers)):
        if n:
            issues.add("subscriptions", -1, segments.by, rule, n)
    return issues


def labelled(by: str, labels: list[str], tables: Sequence[Table], whole: Table) -> Table:
    """Tables of the same columns under each other, behind the name of their segment."""
    import numpy as np

    places = np.repeat(np.arange(len(labels), dtype=np.int32), [len(table) for table in tables])
    parts = tables or [whole.slice(0, 0)]
    made = [(by, Column.of_codes(places, None, labels))]
    made += [(name, joined([table.column(name) for table in parts])) for name in whole.names]
    return Table(made)


def joined(columns: Sequence[Column]) -> Column:
    """Columns of one type under each other."""
    import numpy as np

    first = columns[0]
    validity = [column.valid() for column in columns]
    valid = None
    if any(one is not None for one in validity):
        valid = np.concatenate(
            [np.ones(len(c), dtype=bool) if v is None else v for c, v in zip(columns, validity, strict=True)]
        )
    if first.type == "string":
        place: dict[str, int] = {}
        codes = []
        for column in columns:
            own = [place.setdefault(text, len(place)) for text in column.dictionary]
            codes.append(np.array([*own, 0], dtype=np.int32)[column.values()])
        return Column.of_codes(np.concatenate(codes), valid, list(place))
    return Column.of(
        first.type, np.concatenate([c.values() for c in columns]), valid, first.scale, first.currency
    )


def padded(table: Table, whole: Table, said: Sequence[str]) -> Table:
    """A segment's rows from the first period of the whole on: nothing before it begins.

    The columns `said` are those of the whole; counts and amounts are 0 before, shares are null.
    """
    import numpy as np

    lead = len(whole) - len(table)
    made: list[tuple[str, Column]] = []
    for name in whole.names:
        column, of_whole = table.column(name), whole.column(name)
        if name in said:
            made.append((name, of_whole))
            continue
        values = np.concatenate([np.zeros(lead, dtype=of_whole.values().dtype), column.values()])
        valid = column.valid()
        known = np.ones(len(table), dtype=bool) if valid is None else valid.astype(bool)
        before = np.full(lead, of_whole.type != "float64")
        if name in ("numerator", "denominator") and (there := of_whole.valid()) is not None:
            before = there[:lead]
        known = np.concatenate([before, known])
        made.append(
            (name, Column.of(of_whole.type, values, None if known.all() else known, 0, of_whole.currency))
        )
    return Table(made)
