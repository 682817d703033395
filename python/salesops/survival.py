"""How long things last, and how likely they end, when some have not ended yet."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from salesops import _frame
from salesops._arguments import checked
from salesops._columns import is_from, is_missing
from salesops._core import survival as _core
from salesops._core.error import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.plot import Picture

__all__ = ["AalenJohansen", "KaplanMeier", "LogRank", "NelsonAalen", "log_rank"]

MAX_POINTS = 200


# ---- what comes in ----


def numbers(values: Any, argument: str) -> npt.NDArray[np.float64]:
    """Make a contiguous array of numbers; timedeltas become days, nulls NaN (which the core refuses)."""
    import numpy as np

    if values is None:
        return np.empty(0)
    array = np.asarray(values)
    if array.ndim != 1:
        raise UsageError(f"{argument} must be one column, not {array.ndim} dimensions")
    if array.dtype.kind == "m":
        array = np.where(np.isnat(array), np.nan, array / np.timedelta64(1, "D"))
    if array.dtype.kind not in "biufO":
        raise UsageError(f"{argument} must be numbers or timedeltas, not {array.dtype}")
    try:
        return np.ascontiguousarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{argument} must be numbers: a row is null or text") from error


def flags(values: Any) -> npt.NDArray[np.uint8]:
    """Make event flags of booleans or of 0 and 1."""
    import numpy as np

    array = numbers(values, "events")
    wrong = ~((array == 0) | (array == 1))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise UsageError(
            f"events: {int(wrong.sum())} of {len(array)} rows are neither 0 nor 1 (first: row {first}); "
            "use 1 for an event and 0 for censored, or AalenJohansen for several outcomes"
        )
    return array.astype(np.uint8)


def labels(values: Any, argument: str) -> list[Any]:
    """Make a list of labels; NaN and pandas' NA are None."""
    import numpy as np

    array = np.asarray(values)
    if array.ndim != 1:
        raise UsageError(f"{argument} must be one column, not {array.ndim} dimensions")
    return [None if is_missing(value) else value for value in array.tolist()]


def ordered(found: Iterable[Any], argument: str) -> list[Any]:
    """Sort labels of one kind."""
    try:
        return sorted(set(found))
    except TypeError as error:
        raise UsageError(f"{argument} holds labels of several kinds; use one") from error


def outcomes(values: Any, censored: Any) -> tuple[list[Any], npt.NDArray[np.uint8]]:
    """Sort the outcomes in a column of labels, and give each row its code; 0 = censored."""
    import numpy as np

    array = np.asarray(values)
    if array.ndim == 1 and array.dtype.kind in "iu":
        found, place = np.unique(array, return_inverse=True)
        listed: list[Any] = found.tolist()
    else:
        listed = labels(values, "events")
        place = None
    causes = ordered((e for e in listed if e is not None and e != censored), "events")
    if len(causes) > 255:
        raise UsageError(f"events holds {len(causes)} outcomes; at most 255 can compete")
    code = {label: i + 1 for i, label in enumerate(causes)}
    codes = np.array([code.get(e, 0) for e in listed], dtype=np.uint8)
    return causes, codes if place is None else codes[place]


def choose(kind: Any, name: str, argument: str) -> Any:
    """Find the option called `name`."""
    if not isinstance(name, str) or name not in kind.__members__:
        raise UsageError(f"{argument} must be one of {', '.join(kind.__members__)}; not {name!r}")
    return kind.__members__[name]


# ---- what the estimators share ----


class Estimator:
    """Parameters, frames and charts of a fitted curve."""

    parameters: ClassVar[tuple[str, ...]] = ()
    _source: Any = None

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
            raise UsageError(f"{type(self).__name__} is not fitted yet: call fit(durations, events) first")
        return self.result_

    def _band(self, name: str, low: Any, high: Any) -> dict[str, Any]:
        level = f"{self.get_params()['level']:g}"
        return {f"{name}_lo_{level}": low, f"{name}_hi_{level}": high}

    def to_frame(self) -> Any:
        """Give the curve as a frame of the kind that the durations came in; pandas for arrays and lists."""
        table = _frame.from_columns(self._table())
        if is_from(self._source, "polars"):
            return _frame.to_polars(table)
        if is_from(self._source, "pyarrow"):
            return _frame.to_arrow(table)
        return _frame.to_pandas(table)

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        if not hasattr(self, "result_"):
            return f"{type(self).__name__}({given})"
        return f"<{type(self).__name__}({given}): {self.n_rows_:,} rows, {self.n_events_:,g} events>"

    def _repr_html_(self) -> str:
        if not hasattr(self, "result_"):
            return f"<p>{html.escape(repr(self))}</p>"
        return f"<p>{html.escape(repr(self))}</p>" + _frame.to_html(_frame.from_columns(self._table()))

    n_rows_: int
    n_events_: float

    def _keep(self, result: Any, durations: Any, events: Any) -> Self:
        self.result_ = result
        self._source = durations
        self.n_rows_ = result.rows
        self.n_events_ = float(events)
        return self

    def _curves(self) -> tuple[str, list[tuple[str, Any, Any, Any]]]:
        """Axis title, and of each curve its name, values and band."""
        raise NotImplementedError

    def plot(self, ax: Any = None, *, time: str = "time") -> Any:
        """Draw the curve with its band: a `Picture`, or on a Matplotlib axis `ax`, which is returned.

        `time` is the word for the axis, such as ``"days"``.
        """
        result = self._fitted()
        title, curves = self._curves()
        if ax is not None:
            if not hasattr(ax, "fill_between"):
                raise UsageError(f"ax: need a Matplotlib axis, not {type(ax).__name__}")
            for name, values, low, high in curves:
                ax.step(result.time, values, where="post", label=name)
                ax.fill_between(result.time, low, high, step="post", alpha=0.2)
            ax.set_xlabel(time)
            ax.set_ylabel(title)
            ax.legend()
            return ax
        return picture(self, time, title, curves)


def picture(
    fit: Estimator, unit_of_time: str, title: str, curves: list[tuple[str, Any, Any, Any]]
) -> Picture:
    """Step lines with bands, thinned to what a chart can show; ten of the points in numbers."""
    import numpy as np

    from salesops import plot

    time = fit._fitted().time
    after = f"after {time[-1]:.4g}{'' if unit_of_time == 'time' else f' {unit_of_time}'}"
    unit = "" if isinstance(fit, NelsonAalen) else "share"
    origin = 1.0 if isinstance(fit, KaplanMeier) else 0.0
    curves = [(title if len(curves) == 1 else str(name), *curve) for name, *curve in curves]
    kept = np.unique(np.linspace(0, len(time) - 1, MAX_POINTS).astype(int))
    lines = {}
    for name, values, low, high in curves:
        # Where no band is known it has no width.
        low, high = (np.where(np.isfinite(edge), edge, values) for edge in (low, high))
        columns = (column[kept].tolist() for column in (time, values, low, high))
        lines[name] = [(0.0, origin, origin, origin), *zip(*columns, strict=True)]
    shown = np.unique(np.linspace(0, len(time) - 1, 10).astype(int))
    ends = ", ".join(f"{name} {plot.compact(float(values[-1]), unit)}" for name, values, _, _ in curves)
    return plot.Picture(
        title=f"{after.capitalize()}: {ends}",
        subtitle=f"{fit.n_rows_:,} rows, {fit.n_events_:,g} events; the others count as long as seen. "
        f"Band: {fit.get_params()['level']:g}% interval at each time.",
        alt=f"{title}; {after}: {ends}",
        chart=plot.curves(lines, x_title=unit_of_time, y_title=title, unit=unit),
        columns=[unit_of_time, *lines],
        rows=[[f"{time[i]:.4g}", *(f"{values[i]:.3f}" for _, values, _, _ in curves)] for i in shown],
    )


# ---- the estimators ----


class OneCurve(Estimator):
    """An estimator of one curve over rows that have had the event or not."""

    curve: ClassVar[str]  # its field of the result
    label: ClassVar[str]
    axis: ClassVar[str]

    def _estimate(
        self, compute: Any, option: Any, durations: Any, events: Any, entry: Any, weights: Any
    ) -> Self:
        result = compute(
            numbers(durations, "durations"),
            flags(events),
            numbers(entry, "entry"),
            numbers(weights, "weights"),
            self.get_params()["level"],
            option,
        )
        return self._keep(result, durations, result.events.sum())

    def _table(self) -> dict[str, Any]:
        result = self._fitted()
        names = ("time", "at_risk", "events", "censored", self.curve, "std_error")
        return {name: getattr(result, name) for name in names} | self._band(
            self.curve, result.low, result.high
        )

    def _curves(self) -> tuple[str, list[tuple[str, Any, Any, Any]]]:
        result = self._fitted()
        return self.axis, [(self.label, getattr(result, self.curve), result.low, result.high)]


class KaplanMeier(OneCurve):
    """Share that lasts beyond each time, with what has not ended yet counted rightly.

    Parameters
    ----------
    level
        Coverage of the pointwise band in percent.
    interval
        Its scale: ``log_log`` (default), ``log`` (R's default), ``plain`` or ``arcsine``.

    Examples
    --------
    >>> curve = KaplanMeier().fit([5, 6, 6, 2, 4], [1, 0, 1, 1, 0])
    >>> round(curve.at(5), 4)
    0.5333
    """

    parameters = ("level", "interval")
    curve, label, axis = "survival", "Kaplan–Meier", "share still there"

    def __init__(self, level: float = 95, interval: str = "log_log") -> None:
        self.level = level
        self.interval = interval

    def fit(self, durations: Any, events: Any, entry: Any = None, weights: Any = None) -> Self:
        """Estimate the curve.

        Parameters
        ----------
        durations
            Time until the event, or until last seen; numbers, or timedeltas (read as days).
        events
            1 or True for an event, 0 or False for censored.
        entry
            Age at which a row was first seen (left truncation); 0 = from the start.
        weights
            Frequencies: weight 2 counts as two equal rows.
        """
        interval = choose(_core.IntervalKind, self.interval, "interval")
        self._estimate(_core.kaplan_meier, interval, durations, events, entry, weights)
        self.median_ = self._fitted().quantile(0.5)
        return self

    @checked
    def at(self, time: float) -> float | None:
        """Share that lasts beyond `time`; None past the last duration, where nothing is known."""
        share: float | None = self._fitted().at(time)
        return share

    @checked
    def quantile(self, probability: float) -> _core.TimeEstimate:
        """Time by which the share `probability` has had the event; fields estimate, low, high or None."""
        found: _core.TimeEstimate = self._fitted().quantile(probability)
        return found

    @checked
    def rmst(self, until: float) -> _core.MeanEstimate | None:
        """Mean time lasted up to `until`; None past the last duration."""
        found: _core.MeanEstimate | None = self._fitted().rmst(until)
        return found


class NelsonAalen(OneCurve):
    """Risk gone through by each time: the cumulative hazard.

    Parameters
    ----------
    level
        Coverage of the pointwise band in percent.
    ties
        ``together`` (Nelson–Aalen) or ``in_turn`` (Fleming–Harrington).

    Examples
    --------
    >>> NelsonAalen().fit([1, 2], [1, 0]).result_.cumulative_hazard.tolist()
    [0.5, 0.5]
    """

    parameters = ("level", "ties")
    curve, label, axis = "cumulative_hazard", "Nelson–Aalen", "cumulative hazard"

    def __init__(self, level: float = 95, ties: str = "together") -> None:
        self.level = level
        self.ties = ties

    def fit(self, durations: Any, events: Any, entry: Any = None, weights: Any = None) -> Self:
        """Estimate the hazard; the arguments are those of `KaplanMeier.fit`."""
        ties = choose(_core.TiedEvents, self.ties, "ties")
        return self._estimate(_core.nelson_aalen, ties, durations, events, entry, weights)


class AalenJohansen(Estimator):
    """Share of each outcome by time, where one outcome rules out the others (won or lost).

    Parameters
    ----------
    level
        Coverage of the pointwise band in percent.
    interval
        Its scale: ``log_log`` (default), ``log``, ``plain`` or ``arcsine``.
    censored
        The label in `events` that means "not ended yet"; nulls mean it too.

    Examples
    --------
    >>> deals = AalenJohansen(censored="open").fit([3, 5, 5, 8], ["won", "lost", "open", "won"])
    >>> deals.causes_, deals.at(5, "won")
    (['lost', 'won'], 0.25)
    """

    parameters = ("level", "interval", "censored")

    def __init__(self, level: float = 95, interval: str = "log_log", censored: Any = 0) -> None:
        self.level = level
        self.interval = interval
        self.censored = censored

    def fit(self, durations: Any, events: Any, entry: Any = None, weights: Any = None) -> Self:
        """Estimate the incidences; `events` holds one label a row, the rest is as in `KaplanMeier.fit`."""
        causes, codes = outcomes(events, self.censored)
        result = _core.aalen_johansen(
            numbers(durations, "durations"),
            codes,
            numbers(entry, "entry"),
            numbers(weights, "weights"),
            self.level,
            choose(_core.IntervalKind, self.interval, "interval"),
            max(1, len(causes)),
        )
        self.causes_ = causes
        return self._keep(result, durations, sum(cause.events.sum() for cause in result.causes))

    @checked
    def at(self, time: float, cause: Any) -> float | None:
        """Share that ended by `cause` up to `time`; None past the last duration while rows are left."""
        result = self._fitted()
        if cause not in self.causes_:
            raise UsageError(f"no outcome {cause!r}; there are {', '.join(map(str, self.causes_))}")
        share: float | None = result.at(time, self.causes_.index(cause) + 1)
        return share

    def _table(self) -> dict[str, Any]:
        result = self._fitted()
        table = {"time": result.time, "at_risk": result.at_risk, "survival": result.survival}
        for label, cause in zip(self.causes_, result.causes, strict=False):
            table |= {f"{label}_events": cause.events, f"{label}": cause.incidence}
            table |= {f"{label}_std_error": cause.std_error} | self._band(str(label), cause.low, cause.high)
        return table

    def _curves(self) -> tuple[str, list[tuple[str, Any, Any, Any]]]:
        pairs = zip(self.causes_, self._fitted().causes, strict=False)
        return "share by then", [(str(label), c.incidence, c.low, c.high) for label, c in pairs]


@dataclass(frozen=True)
class LogRank:
    """Outcome of `log_rank`: χ² with its degrees and p-value, and events by group."""

    statistic: float
    degrees: int
    p_value: float
    observed: dict[Any, float]
    expected: dict[Any, float]


def log_rank(
    durations: Any,
    events: Any,
    groups: Any,
    entry: Any = None,
    weights: Any = None,
    weight: str = "log_rank",
) -> LogRank:
    """Test whether groups last equally long.

    Parameters
    ----------
    durations, events, entry, weights
        As in `KaplanMeier.fit`.
    groups
        One label a row.
    weight
        ``log_rank``, ``wilcoxon``, ``tarone_ware``, ``peto`` or ``g_rho``.

    Examples
    --------
    >>> log_rank([1, 2, 3, 4], [1, 1, 1, 1], ["a", "a", "b", "b"]).degrees
    1
    """
    import numpy as np

    listed = labels(groups, "groups")
    if None in listed:
        raise UsageError(f"groups: {listed.count(None)} rows are null (first: row {listed.index(None)})")
    names = ordered(listed, "groups")
    code = {label: i for i, label in enumerate(names)}
    found = _core.log_rank(
        numbers(durations, "durations"),
        flags(events),
        np.array([code[label] for label in listed], dtype=np.uint32),
        numbers(entry, "entry"),
        numbers(weights, "weights"),
        choose(_core.RankWeight, weight, "weight"),
    )
    return LogRank(
        found.statistic,
        found.degrees,
        found.p_value,
        dict(zip(names, found.observed, strict=True)),
        dict(zip(names, found.expected, strict=True)),
    )
