"""What else is known of customers: columns by name, text as categories, and what they do to a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from salesops._core.error import UsageError
from salesops.clv._data import Complaints, Source, numbers

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.clv._timeline import Intervals

Levels = dict[str, list[Any] | None]


@dataclass
class Design:
    """The columns a fit read: those that move the first process of a model, and the second.

    `levels` are the categories of a column of text, in order: the first is the one the others are compared
    with. None where the column holds numbers.
    """

    transaction: list[str]
    dropout: list[str]
    equal: list[str]
    levels: Levels
    over_time: list[str] = field(default_factory=list)
    """Columns that change over time."""

    @classmethod
    def learn(
        cls, source: Source, transaction: Sequence[str], dropout: Sequence[str], equal: Sequence[str]
    ) -> Self:
        """Read which categories there are."""
        for name in equal:
            if name not in transaction or name not in dropout:
                raise UsageError(f"equal: '{name}' must be in both lists of covariates")
        levels = {name: _levels(source, name) for name in dict.fromkeys([*transaction, *dropout])}
        timed = source.timeline.names if source.timeline else []
        over_time = [name for name in levels if name in timed]
        return cls(list(transaction), list(dropout), list(equal), levels, over_time)

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Self:
        """Make it of what `state` gave."""
        return cls(**state)

    def state(self) -> dict[str, Any]:
        """Plain lists, for JSON."""
        return asdict(self)

    def terms(self, column: str) -> list[tuple[str, Any]]:
        """Name and category of what a column adds: itself, or each category but the first."""
        levels = self.levels[column]
        return [(column, None)] if levels is None else [(f"{column}={level}", level) for level in levels[1:]]

    def labels(self, columns: Sequence[str]) -> list[str]:
        """Names of all that the columns add."""
        return [label for column in columns for label, _ in self.terms(column)]

    def read(self, source: Source) -> dict[str, npt.NDArray[np.float64]]:
        """Numbers of each row, by name of the term; those of a column over time, of each of its rows."""
        import numpy as np

        found: dict[str, npt.NDArray[np.float64]] = {}
        for column, levels in self.levels.items():
            values = _column(source, column, levels)
            if levels is None:
                found[column] = values
                continue
            complaints = Complaints(len(values))
            known = set(levels)
            unseen = np.array([value not in known for value in values.tolist()], dtype=bool)
            complaints.check(f"of column '{column}' hold a category that the fit did not see", unseen)
            complaints.raise_any()
            found |= {label: (values == level).astype(np.float64) for label, level in self.terms(column)}
        return found

    def laid_out(self, source: Source, ahead: float, rows: Any = None) -> tuple[Any, ...]:
        """Intervals of the customers (or of some `rows`) until T + `ahead`, as the core takes them."""
        timeline = source.timeline
        if timeline is None or not set(self.over_time) <= set(timeline.names):
            raise UsageError(
                f"the model follows {', '.join(self.over_time)} over time: tell it by rows.over_time(…)"
            )
        return self.along(source, timeline.intervals(source.data, ahead, rows), rows)

    def along(self, source: Source, made: Intervals, rows: Any = None) -> tuple[Any, ...]:
        """Values of each interval, as the core takes them; neighbours that agree in all are one."""
        read = self.read(source)
        values = {
            label: read[label][made.row]
            if column in self.over_time
            else made.spread(read[label] if rows is None else read[label][rows])
            for column in self.levels
            for label, _ in self.terms(column)
        }
        made, last = made.merged(list(values.values()))
        parts = [
            [(label, values[label][last]) for label in self.labels(columns)]
            for columns in (self.transaction, self.dropout)
        ]
        return made.first, made.until, *parts, self.labels(self.equal)

    def coefficients(self, estimates: Mapping[str, float], process: str) -> list[float]:
        """Coefficients of one process, in the order of its columns' terms."""
        columns = self.transaction if process == "transaction" else self.dropout
        names = ((f"{process}.{label}", label) for label in self.labels(columns))
        return [estimates[own if own in estimates else label] for own, label in names]

    def value_of(self, given: Mapping[str, Any]) -> dict[str, float]:
        """Numbers of one customer, by name of the term."""
        unknown = sorted(set(given) ^ set(self.levels))
        if unknown:
            raise UsageError(f"say each of {', '.join(self.levels)} and no more: {unknown[0]} is odd")
        one = Source({name: [value] for name, value in given.items()}, {}, None, ())
        return {label: float(column[0]) for label, column in self.read(one).items()}

    def effects(
        self,
        names: Sequence[str],
        parameters: Sequence[str],
        moved: Mapping[str, Mapping[str, int]],
        values: Mapping[str, float],
    ) -> npt.NDArray[np.float64]:
        """How ln of each parameter of a customer follows from ln of all parameters and the coefficients.

        Parameters
        ----------
        names
            All that was estimated, coefficients last.
        moved
            The sign with which γ'z moves ln of each parameter, by process.
        values
            The customer's terms.
        """
        import numpy as np

        effects = np.zeros((len(parameters), len(names)))
        effects[:, : len(parameters)] = np.eye(len(parameters))
        lists = (self.transaction, self.dropout)
        for (process, signs), columns in zip(moved.items(), lists, strict=False):
            for label in self.labels(columns):
                own = f"{process}.{label}"
                place = names.index(own if own in names else label)
                for parameter, sign in signs.items():
                    effects[parameters.index(parameter), place] += sign * values[label]
        return effects


def _levels(source: Source, name: str) -> list[Any] | None:
    """Categories of a column of text; None for one of numbers."""
    values = _values(source, name)
    if values.dtype.kind in "biuf":
        return None
    present = [value for value in values.tolist() if value is not None]
    if all(isinstance(value, bool | int | float) for value in present):
        return None
    if not all(isinstance(value, str) for value in present):
        raise UsageError(f"column '{name}' is neither numbers nor text; make it one of these")
    levels = sorted(set(present))
    if len(levels) == 1:
        raise UsageError(f"column '{name}' has one category for all customers, so it tells nothing")
    return levels


def _column(source: Source, name: str, levels: list[Any] | None) -> Any:
    """Values of every row, none of them missing."""
    import numpy as np

    values = _values(source, name)
    complaints = Complaints(len(values))
    if levels is None:
        values = numbers(values, f"column '{name}'")
        complaints.check(f"of column '{name}' have no finite value", ~np.isfinite(values))
    else:
        values = values.astype(object)
        complaints.check(f"of column '{name}' have no value", np.array([v is None for v in values], bool))
    complaints.raise_any()
    return values


def _values(source: Source, name: str) -> Any:
    import numpy as np

    if source.table is None:
        raise UsageError("covariates are columns of a frame; arrays have none")
    tables = [source.table] if source.timeline is None else [source.table, source.timeline.table]
    for table in tables:
        if name in table.names:
            return np.asarray(table.column(name).to_numpy())
    there = ", ".join(name for table in tables for name in table.names)
    raise UsageError(f"covariates: no column '{name}'; there are {there}")
