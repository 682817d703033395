"""Shares, risks and outcomes over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

from salesops._arguments import checked
from salesops._core import survival as _core
from salesops._core.error import UsageError
from salesops.survival._data import choose, flags, given, named, numbers, outcomes
from salesops.survival._estimator import Estimator
from salesops.survival._pictures import Curve, on_axis, picture

# Columns of `AalenJohansen.to_frame` beside those of each outcome.
OF_ALL = ("time", "at_risk", "survival")


class Curves(Estimator):
    """An estimator of one curve or several over the same rows."""

    origin: ClassVar[float] = 0.0
    unit: ClassVar[str] = "share"

    def _curves(self) -> tuple[str, list[Curve]]:
        """Axis title and curves."""
        raise NotImplementedError

    def plot(self, ax: Any = None, *, time: str = "time") -> Any:
        """Draw the curve with its band, and under it how many rows were at risk.

        `AalenJohansen` draws a curve for each outcome: the share that ended so by then. A `Picture`, or on a
        Matplotlib axis `ax`, which is returned. `time` is the word for the axis, such as ``"days"``. For
        groups see `salesops.survival.plot`.
        """
        result = self._fitted()
        title, curves = self._curves()
        if not curves:
            raise UsageError("no row has ended, so no outcome has a share to draw")
        if ax is not None:
            return on_axis(ax, result, time, title, curves)
        return picture(
            [curves[0]._replace(name=title)] if len(curves) == 1 else curves,
            [result],
            origin=self.origin,
            unit=self.unit,
            time=time,
            axis=title,
            about=f"{self._counts()}; the others count as long as seen. "
            f"Band: {self.get_params()['level']:g} % interval at each time. Below: rows at risk.",
        )


class OneCurve(Curves):
    """An estimator of one curve over rows that have had the event or not."""

    curve: ClassVar[str]  # its field of the result
    label: ClassVar[str]
    axis: ClassVar[str]

    def _estimate(self, compute: Any, option: Any, data: Any, values: Any, columns: Any) -> Self:
        rows, named_by = given(data, values, columns)
        durations = numbers(
            rows["durations"], f"column '{named_by['durations']}'" if named_by else "durations"
        )
        events = rows.get("events")
        if events is None:
            import numpy as np

            events = np.ones(len(durations), dtype=np.uint8)
        with named(named_by):
            result = compute(
                durations,
                flags(events),
                numbers(rows.get("entry"), "entry"),
                numbers(rows.get("weights"), "weights"),
                self.get_params()["level"],
                option,
            )
        return self._keep(result, data, result.events.sum())

    def _table(self) -> dict[str, Any]:
        result = self._fitted()
        names = ("time", "at_risk", "events", "censored", self.curve, "std_error")
        return {name: getattr(result, name) for name in names} | self._band(
            self.curve, result.low, result.high
        )

    def _curves(self) -> tuple[str, list[Curve]]:
        result = self._fitted()
        values = getattr(result, self.curve)
        settled = self.unit == "share" and bool(values[-1] == 0)
        return self.axis, [Curve(self.label, result.time, values, result.low, result.high, settled)]

    @property
    def confidence_interval_(self) -> Any:
        """The pointwise interval as a frame: time, low and high."""
        result = self._fitted()
        return self._frame({"time": result.time} | self._band(self.curve, result.low, result.high))


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
    origin = 1.0

    def __init__(self, level: float = 95, interval: str = "log_log") -> None:
        self.level = level
        self.interval = interval

    def fit(
        self,
        durations: Any,
        events: Any = None,
        entry: Any = None,
        weights: Any = None,
        *,
        duration_col: str | None = None,
        event_col: str | None = None,
        entry_col: str | None = None,
        weights_col: str | None = None,
    ) -> Self:
        """Estimate the curve.

        Parameters
        ----------
        durations
            Time until the event, or until last seen; numbers, or timedeltas (read as days). Or a frame of any
            kind, whose columns ``duration_col``, ``event_col``, ``entry_col`` and ``weights_col`` name.
        events
            1 or True for an event, 0 or False for censored; without them each row is an event.
        entry
            Age at which a row was first seen (left truncation); 0 = from the start.
        weights
            Frequencies: weight 2 counts as two equal rows.
        """
        interval = choose(_core.IntervalKind, self.interval, "interval")
        arrays = {"events": events, "entry": entry, "weights": weights}
        columns = {
            "durations": duration_col,
            "events": event_col,
            "entry": entry_col,
            "weights": weights_col,
        }
        self._estimate(_core.kaplan_meier, interval, durations, arrays, columns)
        self.median_ = self._fitted().quantile(0.5)
        return self

    @property
    def survival_function_(self) -> Any:
        """The curve as a frame: time and survival."""
        result = self._fitted()
        return self._frame({"time": result.time, "survival": result.survival})

    @property
    def cumulative_hazard_(self) -> Any:
        """−ln of the curve as a frame: time and cumulative hazard; infinite where the curve reaches 0.

        `NelsonAalen` estimates the hazard itself, which differs where few are at risk.
        """
        import numpy as np

        result = self._fitted()
        with np.errstate(divide="ignore"):
            return self._frame({"time": result.time, "cumulative_hazard": 0.0 - np.log(result.survival)})

    @property
    def summary_(self) -> Any:
        """One row: rows, events, and the median with its interval; null where the curve never gets there."""
        median = self.quantile(0.5)
        return self._frame(
            {"rows": [self.n_rows_], "events": [self.n_events_], "median": [median.estimate]}
            | self._band("median", [median.low], [median.high])
        )

    @property
    def median_survival_time_(self) -> float | None:
        """Time by which half have had the event; None where the curve never gets there."""
        median: float | None = self._fitted().quantile(0.5).estimate
        return median

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

    def confidence_band(self, kind: str = "equal_precision") -> Any:
        """Give the band that holds the whole curve at once, as a frame: time, low, high.

        Parameters
        ----------
        kind
            ``equal_precision`` (Nair 1984) or ``hall_wellner`` (1980), between the first event and the last.
        """
        found = _core.confidence_band(self._fitted(), choose(_core.BandKind, kind, "kind"))
        return self._frame({"time": found.time} | self._band("survival", found.low, found.high))


class NelsonAalen(OneCurve):
    """Risk gone through by each time: the cumulative hazard.

    Parameters
    ----------
    level
        Coverage of the pointwise band in percent.
    ties
        ``together`` (Nelson–Aalen) or ``in_turn`` (Fleming–Harrington). In turn, a row of weight 2 takes two
        turns.

    Examples
    --------
    >>> NelsonAalen().fit([1, 2], [1, 0]).result_.cumulative_hazard.tolist()
    [0.5, 0.5]
    """

    parameters = ("level", "ties")
    curve, label, axis = "cumulative_hazard", "Nelson–Aalen", "cumulative hazard"
    unit = ""

    def __init__(self, level: float = 95, ties: str = "together") -> None:
        self.level = level
        self.ties = ties

    def fit(
        self,
        durations: Any,
        events: Any = None,
        entry: Any = None,
        weights: Any = None,
        *,
        duration_col: str | None = None,
        event_col: str | None = None,
        entry_col: str | None = None,
        weights_col: str | None = None,
    ) -> Self:
        """Estimate the hazard; the arguments are those of `KaplanMeier.fit`."""
        ties = choose(_core.TiedEvents, self.ties, "ties")
        arrays = {"events": events, "entry": entry, "weights": weights}
        columns = {
            "durations": duration_col,
            "events": event_col,
            "entry": entry_col,
            "weights": weights_col,
        }
        return self._estimate(_core.nelson_aalen, ties, durations, arrays, columns)

    @property
    def cumulative_hazard_(self) -> Any:
        """The curve as a frame: time and cumulative hazard."""
        result = self._fitted()
        return self._frame({"time": result.time, "cumulative_hazard": result.cumulative_hazard})

    @property
    def survival_function_(self) -> Any:
        """exp(−hazard) as a frame: time and survival; above Kaplan & Meier's where few are at risk."""
        result = self._fitted()
        return self._frame({"time": result.time, "survival": self._survival(result)})

    @property
    def median_survival_time_(self) -> float | None:
        """Time by which exp(−hazard) has fallen to a half; None where it never gets there."""
        import numpy as np

        result = self._fitted()
        reached = np.flatnonzero(self._survival(result) <= 0.5)
        return float(result.time[reached[0]]) if len(reached) else None

    @staticmethod
    def _survival(result: Any) -> Any:
        import numpy as np

        return np.exp(-result.cumulative_hazard)

    @property
    def summary_(self) -> Any:
        """One row: rows, events, and the hazard gone through by the last time with error and interval."""
        names = ("time", "cumulative_hazard", "std_error", *self._band("cumulative_hazard", None, None))
        table = self._table()
        last = {name: table[name][-1:] for name in names}
        return self._frame({"rows": [self.n_rows_], "events": [self.n_events_], **last})


class AalenJohansen(Curves):
    """Share of each outcome by time, where one outcome rules out the others (won or lost).

    Parameters
    ----------
    level
        Coverage of the pointwise band in percent.
    interval
        Its scale: ``log_log`` (default), ``log``, ``plain`` or ``arcsine``.
    censored
        The label in `events` that means "not ended yet"; nulls mean it too. Texts without a null need it
        said, or None where all have ended.
    causes
        The outcomes that there can be, such as ``["won", "lost"]``: they are `causes_` whether a row has them
        or not, and any other label is refused. So groups are fitted alike one by one, also those in which no
        row is censored or none was lost.

    Notes
    -----
    Standard errors and bands are by the delta method (Marubini & Valsecchi 1995): Greenwood's variance where
    there is one outcome, as R's ``survfit`` and ``mstate`` and SAS under ``ERROR=DELTA``. R's ``cmprsk`` and
    SAS by default take Aalen's (1978), which is a little larger in small samples.

    Examples
    --------
    >>> deals = AalenJohansen(censored="open").fit([3, 5, 5, 8], ["won", "lost", "open", "won"])
    >>> deals.causes_, deals.at(5, "won")
    (['lost', 'won'], 0.25)
    """

    parameters = ("level", "interval", "censored", "causes")

    def __init__(
        self,
        level: float = 95,
        interval: str = "log_log",
        censored: Any = 0,
        causes: Sequence[Any] | None = None,
    ) -> None:
        self.level = level
        self.interval = interval
        self.censored = censored
        self.causes = causes

    def fit(
        self,
        durations: Any,
        events: Any = None,
        entry: Any = None,
        weights: Any = None,
        *,
        duration_col: str | None = None,
        event_col: str | None = None,
        entry_col: str | None = None,
        weights_col: str | None = None,
    ) -> Self:
        """Estimate the incidences; `events` holds one label a row, the rest is as in `KaplanMeier.fit`.

        `to_frame` gives time, at_risk and survival, and for an outcome ``won`` the columns won_events, won
        (its share by then), won_std_error (by the delta method) and the interval. An outcome whose columns
        would fall on others (one called ``time``) is refused.
        """
        arrays = {"events": events, "entry": entry, "weights": weights}
        columns = {
            "durations": duration_col,
            "events": event_col,
            "entry": entry_col,
            "weights": weights_col,
        }
        rows, named_by = given(durations, arrays, columns)
        if rows.get("events") is None:
            raise UsageError("events: need the outcome of each row")
        with named(named_by):
            causes, codes = outcomes(rows["events"], self.censored, self.causes)
            self._check_names(causes)
            result = _core.aalen_johansen(
                numbers(rows["durations"], "durations"),
                codes,
                numbers(rows.get("entry"), "entry"),
                numbers(rows.get("weights"), "weights"),
                self.level,
                choose(_core.IntervalKind, self.interval, "interval"),
                max(1, len(causes)),
            )
        self.causes_ = causes
        return self._keep(result, durations, sum(cause.events.sum() for cause in result.causes))

    def __repr__(self) -> str:
        text = super().__repr__()
        return f"{text[:-1]}, errors by the delta method>" if hasattr(self, "result_") else text

    @checked
    def at(self, time: float, cause: Any) -> float | None:
        """Share that ended by `cause` up to `time`; None past the last duration while rows are left."""
        result = self._fitted()
        if cause not in self.causes_:
            raise UsageError(f"no outcome {cause!r}; there are {', '.join(map(str, self.causes_))}")
        share: float | None = result.at(time, self.causes_.index(cause) + 1)
        return share

    @property
    def cumulative_incidence_(self) -> Any:
        """The shares as a frame: time, and a column for each outcome."""
        result = self._fitted()
        shares = {str(label): cause.incidence for label, cause in self._of_causes(result)}
        return self._frame({"time": result.time} | shares)

    @property
    def confidence_interval_(self) -> Any:
        """The pointwise intervals as a frame: time, and low and high of each outcome."""
        result = self._fitted()
        table: dict[str, Any] = {"time": result.time}
        for label, cause in self._of_causes(result):
            table |= self._band(str(label), cause.low, cause.high)
        return self._frame(table)

    def _of_causes(self, result: Any) -> Iterable[tuple[Any, Any]]:
        # Where no row has ended the core still has one, of no name.
        return zip(self.causes_, result.causes, strict=False)

    @property
    def summary_(self) -> Any:
        """A row for each outcome: its events, and its share by the last time with error and interval."""
        result = self._fitted()
        of = dict(self._of_causes(result))
        last = {
            name: [getattr(cause, name)[-1] for cause in of.values()]
            for name in ("incidence", "std_error", "low", "high")
        }
        low, high = last.pop("low"), last.pop("high")
        return self._frame(
            {
                "outcome": list(of),
                "events": [cause.events.sum() for cause in of.values()],
                "time": [result.time[-1]] * len(of),
                **last,
                **self._band("incidence", low, high),
            }
        )

    def _table(self) -> dict[str, Any]:
        result = self._fitted()
        table = {name: getattr(result, name) for name in OF_ALL}
        for label, cause in self._of_causes(result):
            table |= self._of_cause(
                label, cause.events, cause.incidence, cause.std_error, cause.low, cause.high
            )
        return table

    def _of_cause(
        self, label: Any, events: Any, incidence: Any, std_error: Any, low: Any, high: Any
    ) -> dict[str, Any]:
        own = {f"{label}_events": events, f"{label}": incidence, f"{label}_std_error": std_error}
        return own | self._band(str(label), low, high)

    def _check_names(self, causes: Iterable[Any]) -> None:
        """Refuse outcomes that would share a column: whoever asks for one would silently get another."""
        owner = dict.fromkeys(OF_ALL, "the rows as a whole")
        for label in causes:
            for name in self._of_cause(label, *[None] * 5):
                if name in owner:
                    raise UsageError(
                        f"events: the outcome {label!r} would share the column '{name}' of the result with "
                        f"{owner[name]}; give it another name"
                    )
                owner[name] = f"the outcome {label!r}"

    def _curves(self) -> tuple[str, list[Curve]]:
        self._fitted()
        return "share by then", [self._of(label) for label in self.causes_]

    def _of(self, cause: Any) -> Curve:
        """The curve of one outcome; of one that no row had it is 0."""
        import numpy as np

        result = self._fitted()
        settled = bool(result.survival[-1] == 0)
        found = dict(self._of_causes(result)).get(cause)
        if found is None:
            none = np.zeros(len(result.time))
            return Curve(str(cause), result.time, none, none, none, settled)
        return Curve(str(cause), result.time, found.incidence, found.low, found.high, settled)
