"""Arguments of cohorts as the core takes them: columns, filters, periods, windows, instants."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._arguments import text, whole
from salesops._columns import check_times, is_missing
from salesops._core import cohort as _core
from salesops._core.error import UsageError
from salesops._core.table import Column, Table
from salesops._names import meant
from salesops.calendar import FiscalCalendar, TimeZone, time_zone
from salesops.crm import begins_day, instant
from salesops.plot.base import plain

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops._core.issues import Issues

Filter = str | Mapping[str, Any] | None
Moment = str | dt.date | None

PERIODS = ("day", "week", "month", "quarter", "half", "year")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
UNITS = {"h": 3_600_000_000, "d": 86_400_000_000, "w": 7 * 86_400_000_000}
LENGTH = re.compile(r"(\d{1,5}) ?(h|d|w|hours?|days?|weeks?)")


def length_of(length: str, argument: str) -> int:
    """Microseconds of a length such as ``24h``, ``7d``, ``2 weeks``."""
    found = LENGTH.fullmatch(length)
    if found is None or int(found[1]) == 0:
        raise UsageError(f"{argument}: a length such as '24h', '7d' or '4 weeks', not {length!r}")
    return int(found[1]) * UNITS[found[2][0]]


def known_at(as_of: Moment, zone: TimeZone) -> int | None:
    """The last microsecond known: the instant given, or the one before the day given begins."""
    if as_of is None:
        return None
    at = instant(as_of, "as_of", zone)
    return at - (1 if begins_day(at, zone) else 0)


# ---- columns ----


def values_of(wanted: Any) -> list[Any]:
    """The values of one condition; a lone one is a list of one."""
    return [wanted] if isinstance(wanted, str) or not hasattr(wanted, "__iter__") else list(wanted)


def matches(column: Column, wanted: Any, name: str, argument: str) -> npt.NDArray[np.bool_]:
    """The rows of a column that hold one of the values; a null holds none."""
    import numpy as np

    values = values_of(wanted)
    texts = [value for value in values if isinstance(value, str)]
    empty = column.null_count == len(column)  # of what kind its cells would be, nothing says
    if column.type == "string":
        if len(texts) < len(values) and not empty:
            other = next(value for value in values if not isinstance(value, str))
            raise UsageError(
                f"{argument}: column '{name}' holds text, and {type(other).__name__} is none: "
                "put its values in quotes"
            )
        allowed = np.array([entry in texts for entry in column.dictionary] + [False])
        codes, valid = column.values(), column.valid()
        found: npt.NDArray[np.bool_] = allowed[codes if valid is None else np.where(valid, codes, -1)]
        return found
    cells = column.to_numpy()
    if empty:
        return np.zeros(len(column), dtype=bool)
    if texts and cells.dtype.kind == "M":
        try:
            return np.isin(cells, np.array(values, dtype=cells.dtype))
        except ValueError as error:
            raise UsageError(f"{argument}: column '{name}' holds {column.type}, not {texts[0]!r}") from error
    if texts:
        raise UsageError(
            f"{argument}: column '{name}' holds {column.type}, and {texts[0]!r} is text: leave the quotes out"
        )
    return np.isin(cells, np.array(values))


def with_filter(table: Table, wanted: Filter, argument: str) -> tuple[Table, str]:
    """The table with a filter as a boolean column, and that column's name; empty where there is none."""
    import numpy as np

    if wanted is None:
        return table, ""
    name = f" {argument}"  # no column of the caller's begins like this
    if isinstance(wanted, str):
        column = table.column(wanted)
        if column.type != "boolean":
            raise UsageError(f"{argument}: column '{wanted}' isn't true or false; give {{'{wanted}': value}}")
        return table.with_column(name, column), name
    kept = np.ones(len(table), dtype=bool)
    for one, values in wanted.items():
        kept &= matches(table.column(str(one)), values, str(one), argument)
    return table.with_column(name, Column.of("boolean", kept.astype(np.uint8))), name


def said(wanted: Filter) -> dict[str, frozenset[Any]] | None:
    """What a filter asks for, however it is written."""
    if wanted is None:
        return None
    if isinstance(wanted, str):
        return {wanted: frozenset({True})}
    return {str(name): frozenset(values_of(values)) for name, values in wanted.items()}


def tell_never(issues: Issues, table: Table, wanted: Filter, name: str, argument: str) -> list[str]:
    """Add an issue for a filter, kept as column `name`, that no row passes: a slip, most likely.

    Returns what there is instead, as a sentence.
    """
    if wanted is None or not len(table):
        return []
    column = table.column(name)
    valid, passed = column.valid(), column.values()
    if (passed if valid is None else passed.astype(bool) & valid).any():
        return []
    columns = wanted if isinstance(wanted, str) else ", ".join(map(str, wanted))
    issues.add("transactions", -1, columns, f"no_row_is_{argument}")
    if isinstance(wanted, str):
        return [f"{argument}: column '{wanted}' is true in no row"]
    alone = [
        f"no row of column '{one}' is {_some(map(repr, values_of(values)), 'or')}"
        f"{_there_are(table.column(str(one)), values_of(values))}"
        for one, values in wanted.items()
        if not matches(table.column(str(one)), values, str(one), argument).any()
    ]
    return [f"{argument}: {'; '.join(alone) or f'no row passes all of {columns} at once'}"]


MOST_NAMED = 12  # categories are named, what tells rows apart is not


def _there_are(column: Column, wanted: list[Any]) -> str:
    """The value that was meant, else those there are, where they are few."""
    texts = column.dictionary if column.type == "string" else []
    near = next((found for one in wanted if (found := meant(str(one), texts))), "")
    if near:
        return near
    there = set(texts)
    if column.type.startswith(("int", "uint")):
        values, valid = column.values(), column.valid()
        there = set((values if valid is None else values[valid])[:100_000].tolist())
    kinds = [repr(value) for value in sorted(there)]
    return f"; there are {_some(kinds, 'and')}" if 0 < len(kinds) <= MOST_NAMED else ""


def _some(texts: Iterable[str], last: str) -> str:
    *rest, end = [plain(text) for text in texts] or ["nothing"]
    return f"{', '.join(rest)} {last} {end}" if rest else end


def asked(**filters: Filter) -> list[str]:
    """The columns that filters look at; `UsageError` for what is no filter."""
    names: list[str] = []
    for argument, one in filters.items():
        if one is None:
            continue
        if isinstance(one, str):
            names.append(text(one, argument))
        elif isinstance(one, Mapping) and one:
            names += [text(name, argument) for name in one]
        else:
            raise UsageError(
                f"{argument}: the name of a boolean column, or a dict such as {{'event': 'signup'}}"
            )
    return names


def read_events(
    events: Any,
    *,
    customer: str,
    time: str,
    amount: str | None,
    currency: str,
    money_unit: str,
    start: Filter,
    returned: Filter,
    older: Filter,
    by: str | None,
    tz: str | dt.tzinfo | None,
) -> tuple[Table, _core.Columns]:
    """The core's table of the columns needed, and where it keeps what."""
    if money_unit not in ("major", "minor"):
        raise UsageError(f"money_unit is 'major' or 'minor', not {money_unit!r}")
    named = [customer, time, *([amount] if amount else []), *([by] if by else [])]
    named += asked(start=start, returned=returned, older=older)
    if currency and not (len(currency) == 3 and currency.isupper()):
        named.append(currency)  # a column of codes
    tz = tz or _frame.own_zone(events, named)
    try:
        table = _frame.to_core(events, list(dict.fromkeys(named)), tz)
    except UsageError as error:
        if len(currency) == 3 and str(error).startswith(f"no column '{currency}'"):
            raise UsageError(f"{error}. A currency code is of three capitals") from error
        raise
    check_times(table.column(time), time)
    columns = _core.Columns()
    columns.customer, columns.time, columns.amount = customer, time, amount or ""
    columns.currency, columns.minor_units, columns.by = currency, money_unit == "minor", by or ""
    table, columns.start = with_filter(table, start, "start")
    table, columns.returned = with_filter(table, returned, "returned")
    table, columns.older = with_filter(table, older, "older")
    columns.zone = time_zone(tz)
    return table, columns


# ---- options ----


def set_cut(
    options: _core.Options,
    every: str,
    week_start: str | int | None,
    calendar: FiscalCalendar | None,
    anchor: Moment,
) -> None:
    """How time is cut."""
    if isinstance(week_start, str):
        if week_start.lower() not in WEEKDAYS:
            raise UsageError(f"week_start: a day of the week such as 'sunday', not {week_start!r}")
        week_start = WEEKDAYS.index(week_start.lower())
    if week_start is not None and not 0 <= whole(week_start, "week_start") <= 6:
        raise UsageError("week_start: a day of the week, or 0 (Monday) to 6 (Sunday)")
    if week_start is not None and every != "week":
        raise UsageError(f"week_start is for every='week', not {every!r}")
    days = 0
    if every not in PERIODS:
        if "fiscal" in every.lower():
            raise UsageError(
                f"every: there is no {every!r}; 'month', 'quarter', 'half' and 'year' are fiscal ones with "
                "calendar=so.calendar.FiscalCalendar(…)"
            )
        if LENGTH.fullmatch(every) is None:
            raise UsageError(
                f"every: {', '.join(PERIODS)}, or a block of days such as '28d', not {every!r}"
                f"{meant(every, PERIODS)}"
            )
        length = length_of(every, "every")
        if length % UNITS["d"]:
            raise UsageError("every: blocks are of whole days; hours are for window=")
        every, days = "days", length // UNITS["d"]
    if anchor is not None and not days:
        raise UsageError("anchor is for blocks of days, such as every='28d'")
    fixed = None if anchor is None else day_of(anchor, "anchor")
    options.cut(every, FiscalCalendar.given(calendar), week_start, days, fixed)


def day_of(value: Any, argument: str) -> dt.date:
    """A day from a date or ISO text."""
    if is_missing(value):
        raise UsageError(f"{argument}: a missing value is no date")
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{argument}: a date or text such as '2024-05-31'") from error


def brackets_of(brackets: Any) -> list[tuple[int, int]]:
    """Pairs of ages."""
    made = []
    for one in brackets or ():
        ends = list(one) if hasattr(one, "__iter__") and not isinstance(one, str) else [one, one]
        try:
            pair = tuple(whole(age, "brackets") for age in ends)
        except UsageError:
            pair = ()
        if len(pair) != 2:
            raise UsageError("brackets: ages, or pairs of first and last age, such as [1, (2, 3), (4, 6)]")
        if not all(0 <= age <= 100_000 for age in pair):
            raise UsageError("brackets: ages go from 0 to 100,000")
        if pair in made:
            first, last = pair
            name = first if first == last else pair
            raise UsageError(f"brackets: {name} is there twice; name each once")
        made.append(pair)
    return made
