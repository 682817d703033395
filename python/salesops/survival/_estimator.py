"""What all estimators of lifetimes share: parameters, frames, and how they print."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from salesops import _frame
from salesops._columns import is_from
from salesops._core.error import UsageError
from salesops._names import NoAnswerError
from salesops.plot.base import counted


def p_text(p_value: float) -> str:
    """A p-value in words; one too small for a float is not 0."""
    return f"p {p_value:.3g}" if p_value >= 1e-300 else "p < 1e-300"


class Estimator:
    """Parameters and frames of what was fitted."""

    parameters: ClassVar[tuple[str, ...]] = ()
    _source: Any = None

    n_rows_: int
    n_events_: float

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Give the constructor's parameters."""
        return {name: getattr(self, name) for name in self.parameters}

    def set_params(self, **parameters: Any) -> Self:
        """Set constructor parameters by name."""
        for name, value in parameters.items():
            if name not in self.parameters:
                raise UsageError(f"no parameter {name!r}; there are {', '.join(self.parameters)}")
            setattr(self, name, value)
        return self

    def _table(self) -> dict[str, Any]:
        raise NotImplementedError

    def _fitted(self) -> Any:
        if not hasattr(self, "result_"):
            raise NoAnswerError(f"{type(self).__name__} is not fitted yet: call fit(durations, events) first")
        return self.result_

    def _band(self, name: str, low: Any, high: Any) -> dict[str, Any]:
        level = f"{self.get_params()['level']:g}"
        return {f"{name}_lo_{level}": low, f"{name}_hi_{level}": high}

    def _frame(self, columns: Mapping[str, Any]) -> Any:
        """Make a frame of the kind that the rows came in; pandas for arrays and lists."""
        table = _frame.from_columns(columns)
        if is_from(self._source, "polars"):
            return _frame.to_polars(table)
        if is_from(self._source, "pyarrow"):
            return _frame.to_arrow(table)
        if is_from(self._source, "pandas") or not hasattr(self._source, "__arrow_c_stream__"):
            return _frame.to_pandas(table)
        return _frame.like(table, self._source)

    def to_frame(self) -> Any:
        """Give the result as a frame of the kind that the rows came in; pandas for arrays and lists."""
        return self._frame(self._table())

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        if not hasattr(self, "result_"):
            return f"{type(self).__name__}({given})"
        return f"<{type(self).__name__}({given}): {self._counts()}>"

    def _counts(self) -> str:
        return f"{counted(self.n_rows_, 'row')}, {counted(self.n_events_, 'event')}"

    def __str__(self) -> str:
        if not hasattr(self, "result_"):
            return repr(self)
        return f"{self!r}\n{_frame.from_columns(self._table())}"

    def _repr_html_(self) -> str:
        if not hasattr(self, "result_"):
            return f"<p>{html.escape(repr(self))}</p>"
        return f"<p>{html.escape(repr(self))}</p>" + _frame.to_html(_frame.from_columns(self._table()))

    def _keep(self, result: Any, source: Any, events: Any) -> Self:
        self.result_ = result
        self._source = _frame.empty_like(source)
        self.n_rows_ = result.rows
        self.n_events_ = float(events)
        return self
