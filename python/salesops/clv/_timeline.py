"""What changes over time for the same customers: seasons, campaigns, prices."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from salesops._core import clv as _core
from salesops._core.error import UsageError
from salesops._core.table import Table
from salesops.clv._data import Complaints
from salesops.clv._estimator import Seen

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.clv._rfm import Rfm


@dataclass
class Intervals:
    """Intervals ``first[i]`` … ``first[i+1] − 1`` are those of customer i, from its first purchase on."""

    first: npt.NDArray[np.uintp]
    until: npt.NDArray[np.float64]  # where each ends, in the customer's own time
    row: npt.NDArray[np.intp]  # of the timeline, whose values hold

    def spread(self, per_customer: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """One value an interval of what a customer keeps."""
        import numpy as np

        ends = self.first.astype(np.int64)
        return np.repeat(per_customer, ends[1:] - ends[:-1])

    def merged(self, columns: list[npt.NDArray[np.float64]]) -> tuple[Intervals, npt.NDArray[np.intp]]:
        """Make neighbours one where all columns agree, and tell the last interval of each."""
        import numpy as np

        ends = self.first.astype(np.int64)
        kept = np.zeros(len(self.until), dtype=bool)
        kept[ends[1:][ends[1:] > ends[:-1]] - 1] = True
        for column in columns:
            kept[:-1] |= column[1:] != column[:-1]
        before = np.concatenate([[0], np.cumsum(kept)])
        last = np.flatnonzero(kept)
        return Intervals(before[ends].astype(np.uintp), self.until[last], self.row[last]), last


class Timeline:
    """Rows of covariates that hold from a day on, until the next row of the same customer."""

    def __init__(self, table: Table, start: str, customer: str | None, until: dt.date | None) -> None:
        import numpy as np

        for name in [start, *([customer] if customer else [])]:
            if name not in table.names:
                raise UsageError(f"over_time: no column '{name}'; there are {', '.join(table.names)}")
        if len(table) == 0:
            raise UsageError("over_time: the frame has no rows")
        self.names = [name for name in table.names if name not in (start, customer)]
        self.table = Table([(name, table.column(name)) for name in self.names])
        days = _days(np.asarray(table.column(start).to_numpy()), start)
        self.code: dict[Any, int] | None = None
        codes = np.zeros(len(days), dtype=np.int64)
        if customer:
            keys = table.column(customer).to_list()
            self.code = {key: place for place, key in enumerate(dict.fromkeys(keys))}
            codes = np.array([self.code[key] for key in keys], dtype=np.int64)
        self._row = np.lexsort((days, codes))
        self._codes, self._days = codes[self._row], days[self._row]
        last = np.append(self._codes[1:] != self._codes[:-1], True)
        again = ~last[:-1] & (self._days[1:] == self._days[:-1])
        complaints = Complaints(len(days))
        more = "" if customer else "; name the column of the customer with customer="
        repeated = np.zeros(len(days), dtype=bool)
        repeated[self._row[1:][again]] = True
        complaints.check(f"of the timeline repeat a '{start}'{more}", repeated)
        complaints.raise_any()
        # The last row of a customer holds as long as the one before it, or until the day given.
        lengths = np.diff(self._days, prepend=self._days[:1])
        self._ends = np.append(self._days[1:], 0)
        self._ends[last] = (self._days + lengths)[last]
        if until is not None:
            self._ends[last] = np.datetime64(until, "D").astype(np.int64)
        alone = last & np.append(True, last[:-1])
        if until is None and alone.any():
            raise UsageError("over_time: a single row ends nowhere; say until when, with until=")
        if (self._ends <= self._days).any():
            raise UsageError("over_time: until= lies before the last row begins")

    @property
    def end(self) -> int:
        """The day when the last row ends."""
        return int(self._ends.max())

    def intervals(self, rows: Rfm, ahead: float, chosen: Any = None) -> Intervals:
        """Lay the rows out along the life of each customer (or of those `chosen`), until T + `ahead`."""
        import numpy as np

        chosen = np.arange(len(rows)) if chosen is None else chosen
        born = np.asarray(rows["first_purchase"]).astype("datetime64[D]").astype(np.int64)[chosen]
        length = _core.days_in(rows.unit)
        seen = np.datetime64(rows.calibration_end, "D").astype(np.int64)
        codes = np.zeros(len(born), dtype=np.int64)
        if self.code is not None:
            found = [self.code.get(key, -1) for key in rows.table.column("customer").to_list()]
            codes = np.array(found, dtype=np.int64)[chosen]
            complaints = Complaints(len(born))
            complaints.check("have a customer without covariates over time", codes < 0)
            complaints.raise_any()
        return self.lay(born, codes, int(np.ceil(seen + ahead * length - 1e-6)), length)

    def lay(
        self, born: npt.NDArray[np.int64], codes: npt.NDArray[np.int64], needed: int, length: float
    ) -> Intervals:
        """The same for customers born on some days and named by their codes, until a day."""
        import numpy as np

        complaints = Complaints(len(born))
        # One ordered key for all, so that each customer's first and last rows are found at once.
        origin = min(int(self._days[0]), int(self._days.min()), int(born.min()))
        span = max(int(self._days.max()), int(born.max()), needed) - origin + 2
        keys = self._codes * span + (self._days - origin)
        begin = np.searchsorted(self._codes, codes, "left")
        low = np.searchsorted(keys, codes * span + (born - origin), "right") - 1
        high = np.searchsorted(keys, codes * span + (needed - origin), "left")
        complaints.check("first bought before their covariates over time begin", low < begin)
        low = np.maximum(low, begin)
        high = np.maximum(high, low)
        reached = np.where(high > low, self._ends[np.maximum(high - 1, 0)], born)
        day = np.datetime64(needed, "D")
        complaints.check(
            f"have covariates over time that end before {day}, until when they are needed", reached < needed
        )
        complaints.raise_any()
        counts = high - low
        first = np.concatenate([[0], np.cumsum(counts)])
        place = np.arange(first[-1]) - np.repeat(first[:-1], counts) + np.repeat(low, counts)
        until = (self._ends[place] - np.repeat(born, counts)) / length
        return Intervals(first.astype(np.uintp), until, self._row[place])


def _days(values: Any, name: str) -> npt.NDArray[np.int64]:
    """Days since 1970 of dates, timestamps or ISO text."""
    import numpy as np

    try:
        if values.dtype.kind != "M":
            values = np.array(values.tolist(), dtype="datetime64[D]")
        days = values.astype("datetime64[D]")
    except (TypeError, ValueError) as error:
        raise UsageError(f"over_time: column '{name}' needs dates, or texts such as '1997-09-30'") from error
    complaints = Complaints(len(days))
    complaints.check(f"of the timeline have no '{name}'", np.isnat(days))
    complaints.raise_any()
    return np.asarray(days.astype(np.int64))


@dataclass
class SeenOverTime:
    """What a fit with covariates over time saw: histories, times of purchase, intervals of covariates."""

    columns: tuple[npt.NDArray[np.float64], ...]
    weights: npt.NDArray[np.float64]
    first: npt.NDArray[np.uintp]
    times: npt.NDArray[np.float64]
    laid: tuple[Any, ...]

    def data(self) -> tuple[Any, ...]:
        """As the core takes it."""
        import numpy as np

        return (*self.columns, self.weights, np.empty(0)), self.first, self.times, self.laid

    def again(self, random: np.random.Generator) -> SeenOverTime:
        """As many customers, drawn from these with replacement."""
        import numpy as np

        place = Seen((np.arange(len(self.columns[0]), dtype=np.float64),), self.weights).again(random)
        kept = place.columns[0].astype(np.int64)
        first, times = _parts(self.first, kept)
        begin, spans = _parts(self.laid[0], kept)
        until, *columns, equal = self.laid[1:]
        moved = [[(label, values[spans]) for label, values in part] for part in columns]
        laid = (begin, until[spans], *moved, equal)
        return SeenOverTime(
            tuple(column[kept] for column in self.columns), place.weights, first, self.times[times], laid
        )


def _parts(first: npt.NDArray[np.uintp], kept: npt.NDArray[np.int64]) -> tuple[Any, Any]:
    """Offsets of some customers' parts, and where their parts were."""
    import numpy as np

    begin = first.astype(np.int64)
    counts = np.diff(begin)[kept]
    ends = np.concatenate([[0], np.cumsum(counts)])
    where = np.arange(ends[-1]) - np.repeat(ends[:-1], counts) + np.repeat(begin[kept], counts)
    return ends.astype(np.uintp), where
