"""What else is known of customers: columns by name, text as categories, and what they do to a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from salesops._core.error import UsageError
from salesops.clv._data import Complaints, Source, numbers

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Levels = dict[str, list[Any] | None]


@dataclass
class Design:
    """The columns a fit read.

    `levels` are the categories of a column of text, in order: the first is the one the others are compared
    with. None where the column holds numbers.
    """

    transaction: list[str]
    dropout: list[str]
    equal: list[str]
    levels: Levels

    @classmethod
    def learn(
        cls, source: Source, transaction: Sequence[str], dropout: Sequence[str], equal: Sequence[str]
    ) -> Self:
        """Read which categories there are."""
        for name in equal:
            if name not in transaction or name not in dropout:
                raise UsageError(f"equal: '{name}' must be in covariates and in dropout_covariates")
        levels = {name: _levels(source, name) for name in dict.fromkeys([*transaction, *dropout])}
        return cls(list(transaction), list(dropout), list(equal), levels)

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
        """Numbers of each row, by name of the term."""
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
        dropout: Mapping[str, int],
        values: Mapping[str, float],
    ) -> npt.NDArray[np.float64]:
        """How ln of each parameter of a customer follows from ln of all parameters and the coefficients.

        Parameters
        ----------
        names
            All that was estimated, coefficients last.
        dropout
            The sign with which γ'z moves each parameter of leaving.
        values
            The customer's terms.
        """
        import numpy as np

        effects = np.zeros((len(parameters), len(names)))
        effects[:, : len(parameters)] = np.eye(len(parameters))
        processes = (
            ("transaction", self.transaction, {"alpha": -1}),
            ("dropout", self.dropout, dropout),
        )
        for process, columns, moved in processes:
            for label in self.labels(columns):
                own = f"{process}.{label}"
                place = names.index(own if own in names else label)
                for parameter, sign in moved.items():
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
    if name not in source.table.names:
        raise UsageError(f"covariates: no column '{name}'; there are {', '.join(source.table.names)}")
    return np.asarray(source.table.column(name).to_numpy())
