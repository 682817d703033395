"""What a cohort bought period by period, beside what a model expects of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._arguments import checked
from salesops._core import clv as _core
from salesops._core.error import UsageError
from salesops.clv._data import Source, same_unit
from salesops.clv._rfm import Rfm, split_day
from salesops.plot.base import percent

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.clv._purchases import PurchaseModel
    from salesops.plot import Picture


@dataclass
class Tracking:
    """Repeat purchases of the customers who came by `calibration_end`, by the end of each period.

    Attributes
    ----------
    ends
        Last day of each period, counted from the first purchase of all.
    actual, expected
        Purchases up to there: made, and in the mean of the model.
    calibration_end
        Last day the model saw; the rest is forecast.
    every
        Length of a period.
    """

    ends: list[dt.date]
    actual: npt.NDArray[np.float64]
    expected: npt.NDArray[np.float64]
    calibration_end: dt.date
    every: str
    model: str
    kind: Any

    @property
    def error(self) -> float | None:
        """Mean absolute error of the cumulative forecast after `calibration_end`, as a share of the actual.

        None without a holdout, or where nobody bought again.
        """
        import numpy as np

        ahead = np.array([end > self.calibration_end for end in self.ends])
        if not ahead.any() or not self.actual[ahead].min():
            return None
        return float((np.abs(self.expected - self.actual) / np.maximum(self.actual, 1))[ahead].mean())

    def to_frame(self) -> Any:
        """Give end, actual and expected of each period, and both cumulated."""
        import numpy as np

        table = _frame.from_columns(
            {
                "end": np.array(self.ends, dtype="datetime64[D]"),
                "actual": np.diff(self.actual, prepend=0),
                "expected": np.diff(self.expected, prepend=0),
                "actual_cumulative": self.actual,
                "expected_cumulative": self.expected,
            }
        )
        return _frame.like(table, self.kind)

    def plot(self, *, cumulative: bool = False) -> Picture:
        """Draw purchases by period, or up to its end, with the model's expectation."""
        from salesops.clv import _pictures

        return _pictures.tracking(self, cumulative)

    def __repr__(self) -> str:
        of = f"{self.model}: {len(self.ends)} {self.every}s to {self.ends[-1]}"
        totals = f"{self.actual[-1]:,.0f} repeat purchases, {self.expected[-1]:,.0f} expected"
        error = (
            ""
            if self.error is None
            else f"; the running total is off by {percent(self.error)} in the holdout"
        )
        return f"<Tracking of {of}; {totals}{error}>"


@checked
def tracking(model: PurchaseModel, rows: Rfm, *, every: str = "week") -> Tracking:
    """Set what the customers bought, period by period, beside what the model expects of such a cohort.

    Parameters
    ----------
    model
        A fitted model.
    rows
        The `Rfm` of its customers; with a holdout the forecast is judged on it.
    every
        ``day`` or ``week`` from the first purchase of all, or civil ``month``.

    Notes
    -----
    Expected are Σ E[X(t − first purchase)] over the customers, who are known by their first purchase and
    covariates alone; days are counted as in T, so at `calibration_end` it is Σ E[X(T)]. (BTYD's expected
    weeks end a day after the weeks it counts.) Same-day purchases are one, as everywhere.
    """
    if not isinstance(rows, Rfm):
        raise UsageError("tracking reads the days of purchase: give the Rfm that so.clv.rfm made")
    if rows.discrete:
        raise UsageError("tracking needs times: make the rows without discrete=True")
    same_unit(getattr(model, "unit_", None), rows.unit)
    ends = ends_of(rows, every)
    return _tracked(model, rows, every, ends, actual_by(rows, ends))


def tracking_error(
    model: PurchaseModel, rows: Rfm, ends: list[dt.date], actual: npt.NDArray[np.float64]
) -> float | None:
    """The error alone, where the purchases made are known already."""
    return _tracked(model, rows, "week", ends, actual).error


def _tracked(
    model: PurchaseModel, rows: Rfm, every: str, ends: list[dt.date], actual: npt.NDArray[np.float64]
) -> Tracking:
    import numpy as np

    source = Source(rows, {}, None, ())
    days = _core.days_in(rows.unit)
    seen, rest = split_day(rows.calibration_end)
    offsets = [((end - seen).days + rest) / days for end in ends]
    expected = np.array([by_end.sum() for by_end in model._expected_by(source, offsets, 0.0, None)])
    return Tracking(ends, actual, expected, seen, every, type(model).__name__, source.kind)


def ends_of(rows: Rfm, every: str) -> list[dt.date]:
    """Last days of the periods from the first purchase on; one that is not over by the end is left out."""
    import numpy as np

    start = np.asarray(rows["first_purchase"]).min().astype("datetime64[D]").item()
    last, rest = split_day(rows.holdout_end)
    if rest > 0:  # that day isn't over
        last -= dt.timedelta(days=1)
    step = {"day": 1, "week": 7}.get(every)
    if step:
        first = start + dt.timedelta(days=step - 1)
        return [first + dt.timedelta(days=step * n) for n in range((last - first).days // step + 1)]
    if every != "month":
        raise UsageError(f"every is 'day', 'week' or 'month', not {every!r}")
    ends: list[dt.date] = []
    year, month = start.year, start.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        end = dt.date(year, month, 1) - dt.timedelta(days=1)
        if end > last:
            return ends
        ends.append(end)


def actual_by(rows: Rfm, ends: list[dt.date]) -> npt.NDArray[np.float64]:
    """Repeat purchases by each day, of the customers who came by the end of the calibration."""
    import numpy as np

    return np.array(rows._state.repeat_purchases(ends, rows._core.calibration_end), dtype=np.float64)
