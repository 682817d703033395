"""Rows whose time lies far from all others: a slip in a year, most likely."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from salesops._core import cohort as _core
from salesops._core.error import UsageError
from salesops._core.table import Table
from salesops.calendar import TimeZone
from salesops.crm import day_in
from salesops.plot.base import counted

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

T = TypeVar("T")

APART = 400  # days, as in books
SHARE = 10  # such rows are at most one in so many
FEWEST = 10  # rows below which nothing is the rest
DAY = 86_400_000_000
NO_DAY = -(2**31)


class Far(NamedTuple):
    """Rows before or after all others."""

    rule: str
    n: int
    row: int  # the first of them
    day: dt.date  # of that row
    first: dt.date  # of the rest
    last: dt.date

    def told(self, time: str, rows: int) -> str:
        """What is far, and the way out."""
        it, lie = ("it", "lies") if self.n == 1 else ("them", "lie")
        way = f"mend or drop {it}"
        if self.rule == "long_after_the_rest":
            way += f", or ask with as_of='{self.last + dt.timedelta(days=1)}', which knows nothing later"
        return (
            f"column '{time}': {self.n:,} of {counted(rows, 'row')} {lie} long "
            f"{self.rule.split('_')[1]} the rest ({self.first} to {self.last}); the first is row "
            f"{self.row:,}, {self.day}: {way}"
        )


def watched(table: Table, columns: _core.Columns, options: _core.Options, make: Callable[[], T]) -> T:
    """What `make` gives, with such rows among its issues, and named where the grid is too large for them."""
    time, zone = columns.time, columns.zone
    ends = options.observed_from, options.as_of
    try:
        made: Any = make()
    except UsageError as error:
        far = far_rows(table, time, zone, *ends) if "max_cells" in str(error) else []
        if not far:
            raise
        told = "; ".join(one.told(time, len(table)) for one in far)
        raise UsageError(f"{told}. With them, {error}") from error
    if _has_gap(made):
        for one in far_rows(table, time, zone, *ends):
            made.issues.add("transactions", one.row, time, one.rule, one.n)
    return cast(T, made)


def far_rows(table: Table, time: str, zone: TimeZone, since: int | None, until: int | None) -> list[Far]:
    """Those among the rows from `since` to `until` (microseconds); none where too many to be slips."""
    import numpy as np

    days = _days(table, time, zone)
    known = days != NO_DAY
    if since is not None:
        known &= days >= _number(day_in(since, zone))
    if until is not None:
        known &= days <= _number(day_in(until, zone))
    rows = np.flatnonzero(known)
    kept = days[rows]
    parts = _parts(kept) if len(rows) >= FEWEST else []
    if len(parts) < 2:
        return []
    first, last, size = max(parts, key=lambda part: part[2])
    if (len(rows) - size) * SHARE > len(rows):
        return []
    found = []
    for rule, far in (("long_before_the_rest", kept < first), ("long_after_the_rest", kept > last)):
        if n := int(far.sum()):
            row = int(rows[int(np.argmax(far))])
            found.append(Far(rule, n, row, _date(int(days[row])), _date(first), _date(last)))
    return found


def _has_gap(made: Any) -> bool:
    """Whether nobody came for so long that the rows are worth a look; the last period has some row."""
    import numpy as np

    if len(made.starts) < 2:
        return False
    periods = len(made.starts) - 1
    if isinstance(made, _core.Lifecycle):
        busy = np.array(made.active) > 0
    else:
        busy = np.array(made.size).reshape(-1, periods).sum(0) > 0
        if made.ages and made.measure not in ("bracket", "window", "unbounded"):
            cells = np.array(made.active).reshape(-1, periods, len(made.ages)).sum(0) > 0
            for place, age in enumerate(made.first_age):
                busy[age:] |= cells[: periods - age, place]
    busy[-1] = True
    came = np.flatnonzero(busy)
    return any(
        after - before > 1 and (made.starts[after + 1] - made.starts[before]).days > APART
        for before, after in zip(came.tolist(), came[1:].tolist(), strict=False)
    )


def _parts(days: npt.NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Days that hang together: the first, the last and the rows of each part."""
    import numpy as np

    least = int(days.min())
    counts = np.bincount(days - least)
    present = np.flatnonzero(counts)
    parts = np.split(present, np.flatnonzero(np.diff(present) > APART) + 1)
    return [(int(part[0]) + least, int(part[-1]) + least, int(counts[part].sum())) for part in parts]


def _number(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days


def _date(day: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=day)


def _days(table: Table, time: str, zone: TimeZone) -> npt.NDArray[np.int64]:
    """The day of each row, `NO_DAY` where there is none; each distinct text is read once."""
    import numpy as np

    column = table.column(time)
    valid, values = column.valid(), column.values()
    if column.type == "string":
        of_text = np.array([_day_of(text, zone) for text in column.dictionary] + [NO_DAY], dtype=np.int64)
        found: npt.NDArray[np.int64] = of_text[values if valid is None else np.where(valid, values, -1)]
        return found
    days = zone.local_days(values) if column.type == "timestamp" else values
    # What is beyond the calendar is an issue of its own.
    inside = (days >= _number(dt.date(1400, 1, 1))) & (days <= _number(dt.date.max))
    return np.where(inside if valid is None else inside & valid, days, NO_DAY).astype(np.int64)


def _day_of(text: str, zone: TimeZone) -> int:
    """The civil day of a text."""
    at = zone.parse(text)
    return NO_DAY if at is None else (at + zone.offset_at(at) * 1_000_000) // DAY
