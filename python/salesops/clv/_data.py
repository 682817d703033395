"""Histories of customers out of any dataframe, checked before they are used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._columns import is_from, is_missing
from salesops._core.error import UnitError, UsageError
from salesops._core.table import Column, Table
from salesops._progress import warn
from salesops.clv._rfm import Rfm
from salesops.clv._units import UNITS, unit_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.clv._purchases import PurchaseModel
    from salesops.clv._timeline import Timeline

Array = "npt.NDArray[np.float64]"

#: What a column may be called: our own name, then those of lifetimes and pymc-marketing.
NAMES = {
    "frequency": ("frequency", "frequency_cal"),
    "recency": ("recency", "recency_cal"),
    "T": ("T", "T_cal"),
    "monetary_value": ("monetary_value", "monetary_value_cal"),
    "spend_frequency": ("spend_frequency",),
    "sum_log_gaps": ("sum_log_gaps",),
    "holdout_frequency": ("holdout_frequency", "frequency_holdout", "test_frequency"),
    "holdout_duration": ("duration_holdout", "test_T"),
    "customer": ("customer", "customer_id", "id", "ID"),
}
_ROWS_SHOWN = 5
# Neighbouring units are at least 4.3 times each other; the same customers are seldom seen 3 times as long.
_OUT_OF_PROPORTION = 3
_NOT_ALL_NEW = 30  # customers; fewer may all have come of late


def numbers(values: Any, name: str) -> npt.NDArray[np.float64]:
    """A contiguous array of numbers; nulls are NaN."""
    import numpy as np

    array = np.asarray(values.to_numpy() if isinstance(values, Column) else values)
    if array.ndim != 1:
        raise UsageError(f"{name} must be one column, not {array.ndim} dimensions")
    if array.dtype.kind == "O":
        array = np.array([np.nan if is_missing(value) else value for value in array.tolist()], dtype=object)
    if array.dtype.kind not in "biufO":
        raise UsageError(f"{name} must be numbers, not {array.dtype}")
    try:
        return np.ascontiguousarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} must be numbers: a row holds something else") from error


def listed_rows(where: npt.NDArray[Any]) -> str:
    """The first of some rows, as words."""
    shown = ", ".join(str(row) for row in where[:_ROWS_SHOWN].tolist())
    return f"row {shown}" + (", …" if len(where) > _ROWS_SHOWN else "")


@dataclass
class Complaints:
    """Rows that break a rule, gathered into one message."""

    rows: int
    parts: list[str] = field(default_factory=list)

    def check(self, what: str, broken: npt.NDArray[np.bool_]) -> None:
        """Note the rows for which `broken` holds."""
        import numpy as np

        where = np.flatnonzero(broken)
        if len(where):
            self.parts.append(f"{len(where):,} of {self.rows:,} rows {what} ({listed_rows(where)})")

    def raise_any(self) -> None:
        """Raise them together."""
        if self.parts:
            raise UsageError("; ".join(self.parts))


def equal_lengths(columns: Mapping[str, npt.NDArray[np.float64]]) -> int:
    """Rows of columns that must be equally long."""
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise UsageError(
            "columns must be equally long: " + ", ".join(f"{k} has {v}" for k, v in sizes.items())
        )
    return next(iter(sizes.values()), 0)


def is_column(data: Any) -> bool:
    """Whether this is one column by itself: a list, an array or a series."""
    return (
        isinstance(data, list | tuple | range | Column)
        or getattr(data, "ndim", None) == 1
        or type(data).__name__.endswith(("Series", "Array"))  # Polars and PyArrow count no dimensions
    )


def by_name(second: Any, more: tuple[Any, ...], names: tuple[str, ...]) -> None:
    """Refuse arrays by position: scikit-learn passes y=None and nothing else."""
    if second is not None or more:
        raise UsageError(f"arrays go by name, so that none is swapped: fit({_called(names)})")


def _called(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name}=…" for name in names)


class Source:
    """The caller's data: a frame, an `Rfm`, or keyword arrays."""

    def __init__(
        self, data: Any, arrays: Mapping[str, Any], columns: Mapping[str, str] | None, wanted: tuple[str, ...]
    ) -> None:
        self.data = data
        self.unit: str | None = None
        self.discrete: bool | None = None
        self.currency = ""
        self.first_counted = False
        self.holdout_duration: float | None = None
        self.table: Table | None = None
        self.timeline: Timeline | None = None
        self._arrays = {name: values for name, values in arrays.items() if values is not None}
        self._columns = dict(columns or {})
        unknown = set(self._columns) - set(NAMES)
        if unknown:
            raise UsageError(f"columns: no {sorted(unknown)[0]!r} to name; there are {', '.join(NAMES)}")
        if data is None:
            missing = [name for name in wanted if name not in self._arrays]
            if missing:
                raise UsageError(f"give a frame, or the arrays {', '.join(f'{name}=' for name in wanted)}")
            return
        given = [name for name in wanted if name in self._arrays]
        if given:
            raise UsageError(f"{given[0]}= and a frame were given; use one of them")
        if isinstance(data, Rfm):
            self.table, self.timeline = data.table, data._timeline
            self.unit, self.discrete = data.unit, data.discrete
            self.currency, self.first_counted = data.currency, data.include_first
            self.holdout_duration = data.holdout_duration or None
        else:
            if is_column(data):
                arrays_too = f", or arrays by name: {_called(wanted)}" if wanted else ""
                raise UsageError(f"the data is one column: give a frame with all of them{arrays_too}")
            self.table = _frame.to_core(data)
            # Of any other library than pandas a frame has no place for it.
            told = getattr(data, "attrs", {}).get("unit") if is_from(data, "pandas") else None
            self.unit = told if told in UNITS else None

    def unit_with(self, unit: str | None) -> str | None:
        """The unit of time of the rows, as they tell it or the caller does; the two must agree."""
        said = unit_of(unit)
        if self.unit and said and self.unit != said:
            text = f"unit='{said}', but so.clv.rfm made the data in {self.unit}s"
            scaled = f"; if T was scaled since, set attrs['unit'] = '{said}'"
            raise UnitError(text if isinstance(self.data, Rfm) else text + scaled)
        return self.unit or said

    def name(self, what: str) -> str:
        """What the caller calls a column."""
        if self.table is None:
            return {"frequency": "x", "recency": "t_x"}.get(what, what)
        if what in self._columns:
            return self._columns[what]
        found = [name for name in NAMES[what] if name in self.table.names]
        return found[0] if found else NAMES[what][0]

    def has(self, what: str) -> bool:
        """Whether the column is there."""
        if self.table is None:
            return self.name(what) in self._arrays
        return self.name(what) in self.table.names

    def column(self, what: str) -> npt.NDArray[np.float64]:
        """The column as numbers."""
        name = self.name(what)
        if self.table is None:
            if name not in self._arrays:
                raise UsageError(f"give a frame, or the array {name}=")
            return numbers(self._arrays[name], name)
        return numbers(self.table.column(name), f"column '{name}'")

    def array(self, name: str) -> npt.NDArray[np.float64]:
        """A keyword array, or the column of the frame that it names; empty when it was not given."""
        import numpy as np

        values = self._arrays.get(name, np.empty(0))
        if isinstance(values, str):
            if self.table is None:
                raise UsageError(f"{name}='{values}' names a column, but no frame was given")
            return numbers(self.table.column(values), f"column '{values}'")
        return numbers(values, name)

    @property
    def kind(self) -> Any:
        """A frame of the caller's kind."""
        if isinstance(self.data, Rfm):
            return self.data.source
        return {} if self.data is None else self.data

    def customers(self) -> Column | None:
        """The column of customers, where there is one."""
        if self.table is None or not self.has("customer"):
            return None
        return self.table.column(self.name("customer"))

    def like(self, columns: dict[str, Any]) -> Any:
        """Give columns back as the caller's kind of frame, with its customers or its index."""
        table = _frame.from_columns(columns)
        if self.table is not None and self.has("customer") and not self._is_index("customer"):
            name = self.name("customer")
            table = Table([(name, self.table.column(name)), *((n, table.column(n)) for n in table.names)])
        result = _frame.like(table, self.kind)
        if is_from(self.data, "pandas"):
            result.index = self.data.index
        return result

    def _is_index(self, what: str) -> bool:
        return is_from(self.data, "pandas") and self.name(what) in self.data.index.names


@dataclass
class Histories:
    """x, t_x and T of customers, checked."""

    x: npt.NDArray[np.float64]
    t_x: npt.NDArray[np.float64]
    T: npt.NDArray[np.float64]
    source: Source

    def take(self, rows: Any) -> Histories:
        """Some of the customers."""
        return Histories(self.x[rows], self.t_x[rows], self.T[rows], self.source)


def _check_history(
    complaints: Complaints,
    names: tuple[str, str, str],
    columns: tuple[npt.NDArray[np.float64], ...],
    opportunities: bool,
) -> None:
    """Complain of rows that are no history of a customer."""
    import numpy as np

    x_name, t_x_name, T_name = names
    x, t_x, T = columns
    whole = [(x_name, x)] + ([(t_x_name, t_x), (T_name, T)] if opportunities else [])
    with np.errstate(invalid="ignore"):
        for name, column in zip(names, columns, strict=True):
            complaints.check(f"have no finite {name}", ~np.isfinite(column))
        complaints.check(f"have a negative {x_name}", x < 0)
        for name, column in whole:
            complaints.check(
                f"have a {name} that is no whole number", np.isfinite(column) & (column != np.floor(column))
            )
        complaints.check(f"have a negative {t_x_name}", t_x < 0)
        complaints.check(f"have {t_x_name} > {T_name} (swapped?)", t_x > T)
        complaints.check(f"have {x_name} = 0 but {t_x_name} > 0", (x == 0) & (t_x > 0))
        if opportunities:
            complaints.check(f"have {x_name} > {t_x_name}", x > t_x)


def check_rows(columns: Mapping[str, npt.NDArray[np.float64]], opportunities: bool = False) -> None:
    """Refuse arrays that are no histories, or no spend, and say which rows."""
    import numpy as np

    complaints = Complaints(len(next(iter(columns.values()), ())))
    if {"x", "t_x", "T"} <= columns.keys():
        x, t_x, T = (columns[name] for name in ("x", "t_x", "T"))
        _check_history(complaints, ("x", "t_x", "T"), (x, t_x, T), opportunities)
    elif {"x", "mean_spend"} <= columns.keys():
        x, mean = columns["x"], columns["mean_spend"]
        with np.errstate(invalid="ignore"):
            complaints.check("have an x that is no whole number ≥ 0", ~((x >= 0) & (x == np.floor(x))))
            complaints.check("have x > 0 without a finite mean_spend above 0", (x > 0) & ~_amount(mean))
    complaints.raise_any()


def _amount(mean: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    import numpy as np

    known: npt.NDArray[np.bool_] = np.isfinite(mean) & (mean > 0)
    return known


def histories(source: Source, opportunities: bool = False) -> Histories:
    """Read the three columns and refuse what is no history, naming the caller's columns."""
    names = {what: source.name(what) for what in ("frequency", "recency", "T")}
    x, t_x, T = (source.column(what) for what in names)
    rows = equal_lengths({names["frequency"]: x, names["recency"]: t_x, names["T"]: T})
    complaints = Complaints(rows)
    _check_history(complaints, (names["frequency"], names["recency"], names["T"]), (x, t_x, T), opportunities)
    complaints.raise_any()
    # Nobody who bought once, and some whose only purchase is said to be the last one too.
    if source.first_counted or (rows and x.min() >= 1 and bool(((x == 1) & (t_x == 0)).any())):
        raise UsageError(
            f"{names['frequency']} counts the first purchase, but models of purchases are of those after it: "
            "make the rows with include_first=False"
            + ("" if source.first_counted else f", or subtract 1 from {names['frequency']}")
        )
    return Histories(x, t_x, T, source)


def same_unit(fitted: str | None, given: str | None) -> None:
    """Refuse data in another unit of time than the model was fitted in."""
    if fitted is not None and given is not None and fitted != given:
        raise UnitError(
            f"the model counts in {fitted}s, the data in {given}s; make the data with unit='{fitted}'"
        )


def of_model(model: PurchaseModel, source: Source, unit: str | None = None) -> str | None:
    """The unit of time of model and rows, which must be one; warn where only the numbers can tell."""
    fitted, given = getattr(model, "unit_", None), source.unit_with(unit)
    same_unit(fitted, given)
    seen = getattr(model, "longest_T_", None)  # none in models saved by older releases
    if given is None and source.table is not None and seen:
        T = source.column("T")
        longest = float(T.max()) if len(T) else seen
        short = len(T) >= _NOT_ALL_NEW and longest < seen / _OUT_OF_PROPORTION
        if short or longest > seen * _OUT_OF_PROPORTION:
            of = f" {fitted}s" if fitted else ""
            warn(
                f"{source.name('T')} of the frame reaches {longest:,.4g}, the model was fitted on up to "
                f"{seen:,.4g}{of}: in another unit of time its answers are wrong; make the rows with "
                f"so.clv.rfm(…, unit=), or say unit='{fitted or 'week'}' if it is that"
            )
    return fitted or given


def same_currency(fitted: str, given: str) -> None:
    """Refuse amounts in another currency than the model of spend was fitted in."""
    if fitted and given and fitted != given:
        raise UnitError(
            f"the model of spend was fitted in {fitted}, the data are in {given}; fit one on those"
        )


def ask(
    core: Any,
    question: str,
    threads: int,
    columns: Mapping[str, Any],
    level: float | None = None,
    opportunities: bool = False,
) -> Any:
    """One question to a model of the core, for numbers and columns that go together.

    With a `level` the answer is a distribution: mean, sd, and the ends of its middle.
    """
    import numpy as np

    given = {name: np.asarray(value) for name, value in columns.items()}
    ready = [numbers(np.atleast_1d(value), name) for name, value in given.items()]
    try:
        together = np.broadcast_arrays(*ready)
    except ValueError as error:
        sizes = ", ".join(f"{name} has {len(column)}" for name, column in zip(given, ready, strict=True))
        raise UsageError(f"arrays must be equally long: {sizes}") from error
    check_rows(dict(zip(given, together, strict=True)), opportunities)
    rows = [np.ascontiguousarray(column) for column in together]
    single = all(value.ndim == 0 for value in given.values())
    answer = getattr(core, question)(rows, *([] if level is None else [float(level)]), threads)
    if level is None:
        return float(answer[0]) if single else answer
    columns_of = zip(("mean", "sd", "lo", "hi"), answer, strict=True)
    return {name: float(column[0]) if single else column for name, column in columns_of}
