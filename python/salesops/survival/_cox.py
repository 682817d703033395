"""What makes things end sooner, all else being equal: Cox's proportional hazards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from salesops._arguments import checked
from salesops._core import survival as _core
from salesops._core.error import UsageError
from salesops._names import NoAnswerError
from salesops.survival._data import choose, coded, column, flags, given, named, numbers
from salesops.survival._design import Design, as_frame, covariates_of, stacked
from salesops.survival._estimator import p_text
from salesops.survival._hazards import HazardRegression
from salesops.survival._pictures import AtRisk, Curve, on_axis, picture
from salesops.survival._regression import ages, quantiles, wanted_times

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST_CURVES = 10
CELLS = 4_000_000  # of predicted curves held at once


@dataclass(frozen=True)
class Assumptions:
    """Outcome of `CoxPH.check_assumptions`: which effects change with time.

    `columns` and `everything` (all columns together) hold statistic, degrees and p_value.
    """

    scale: str
    columns: dict[str, _core.ChiSquare]
    everything: _core.ChiSquare

    @property
    def doubtful(self) -> list[str]:
        """Columns with p below 0.05, the strongest first."""
        found = [(test.p_value, name) for name, test in self.columns.items() if test.p_value < 0.05]
        return [name for _, name in sorted(found)]

    def to_frame(self) -> Any:
        """A row for each column, and one for all together."""
        from salesops import _frame

        tests = [*self.columns.values(), self.everything]
        return _frame.of_kind(
            _frame.from_columns(
                {
                    "covariate": [*self.columns, "all together"],
                    "statistic": [test.statistic for test in tests],
                    "degrees": [test.degrees for test in tests],
                    "p_value": [test.p_value for test in tests],
                }
            )
        )

    def __repr__(self) -> str:
        verdict = (
            f"effects that change with time: {', '.join(self.doubtful)}; stratify by them, or split the time"
            if self.doubtful
            else "no column's effect visibly changes with time"
        )
        return (
            f"<Assumptions(scale={self.scale!r}): {verdict} (all together {p_text(self.everything.p_value)})>"
        )


class CoxPH(HazardRegression):
    """Factors by which things raise the risk of an end, whatever the course of that risk over time.

    Parameters
    ----------
    ties
        Several events at one time: ``efron`` (default), ``breslow`` or ``exact`` (time is discrete).
    penalty
        Ridge: the likelihood loses ½·penalty·Σ(coefficient·standard deviation)². It gives an answer where a
        column splits those with events from the others.
    robust
        Sandwich standard errors; with `cluster` they are taken over clusters.
    level
        Coverage of the intervals in percent.

    Attributes
    ----------
    summary_, hazard_ratios_, confidence_interval_
        Coefficients, their exponentials and intervals.
    log_likelihood_, log_likelihood_null_, likelihood_ratio_, wald_, score_
        The fit, and tests that nothing matters.
    concordance_index_, concordance_
        How often, of two rows, the one with the higher risk ends first; with its standard error.
    baseline_, cumulative_hazard_, survival_function_, median_survival_time_
        Cumulative hazard, curve and median where every column is 0 (text: at its reference). Other packages
        take their baselines at the means of the columns.
    notes_
        What to know about the fit, in words.
    references_
        The category that the others of a column are compared with.

    Examples
    --------
    >>> rows = {"months": [5, 6, 6, 2, 4, 9, 12, 3], "left": [1, 0, 1, 1, 0, 1, 0, 1]}
    >>> rows["seats"] = [3, 9, 4, 2, 8, 5, 12, 6]
    >>> model = CoxPH().fit(rows, duration_col="months", event_col="left")
    >>> model.hazard_ratios_["seats"] < 1
    True
    """

    parameters = ("ties", "penalty", "robust", "level")
    origin, unit = 1.0, "share"

    def __init__(
        self, ties: str = "efron", penalty: float = 0, robust: bool = False, level: float = 95
    ) -> None:
        self.ties = ties
        self.penalty = penalty
        self.robust = robust
        self.level = level

    def fit(
        self,
        durations: Any,
        events: Any = None,
        covariates: Any = None,
        *,
        entry: Any = None,
        weights: Any = None,
        strata: Any = None,
        cluster: Any = None,
        duration_col: str | None = None,
        event_col: str | None = None,
        entry_col: str | None = None,
        weights_col: str | None = None,
        cluster_col: str | None = None,
        formula: str | None = None,
        reference: Mapping[str, Any] | None = None,
        threads: int = 0,
    ) -> Self:
        """Estimate the coefficients.

        Parameters
        ----------
        durations
            A frame of any kind with ``duration_col`` and the other columns named, or the durations.
        events
            1 or True for an event, 0 or False for censored; without them each row is an event.
        covariates
            Beside durations: a frame, or an array of rows × columns (named x0, x1, …).
        entry
            Age at which a row was first seen, or its stretch begins (start–stop rows); 0 = the start.
        weights
            What each row counts, as R's case weights. Under Breslow's ties a weight of 2 is two equal rows.
            Efron's rule has tied rows take turns, whatever they weigh; robust errors, that of the
            concordance and the times of `check_assumptions` take a row for one observation. For counts
            repeat the rows, or take ``breslow``.
        strata
            Names of columns (with a frame), or a label a row: each stratum has its own course of risk.
        cluster
            A label a row (with a frame: ``cluster_col``): rows of one customer may depend on one another.
        formula
            ``"seats + plan"``; ``a:b`` is a product, ``a*b`` both and their product, ``C(a)`` takes numbers
            as categories, ``.`` is all other columns. Without it all columns count that have no other part.
        reference
            The category that the others are compared with, by column; else the first: of a pandas
            Categorical, a Polars Enum or an ordered Arrow dictionary in its declared order, else sorted.
        threads
            0 = all; the numbers are the same for any.

        Raises
        ------
        UsageError
            For rows and columns that can't be, named; also columns that are sums of others.
        """
        if duration_col is not None:
            listed = [strata] if isinstance(strata, str) else list(strata or [])
        else:
            listed = []
        arrays = {"events": events, "entry": entry, "weights": weights, "cluster": cluster}
        columns = {
            "durations": duration_col,
            "events": event_col,
            "entry": entry_col,
            "weights": weights_col,
            "cluster": cluster_col,
        }
        rows, named_by = given(durations, arrays, columns)
        with named(named_by):
            times = numbers(rows["durations"], "durations")
            ended = _ended(rows.get("events"), len(times))
            late = numbers(rows.get("entry"), "entry")
            counted = numbers(rows.get("weights"), "weights")
            together = _codes(rows.get("cluster"), "cluster")[1]
        if named_by:
            if covariates is not None:
                raise UsageError("covariates: with a frame, say which columns count in formula")
            design, made = Design.learn(durations, formula, [*named_by.values(), *listed], reference)
            layers, self._strata = _layers(
                {name: column(durations, name) for name in listed}, [f"column '{name}'" for name in listed]
            )
        else:
            found, made = covariates_of(covariates, len(times), formula, reference)
            if found is None:
                raise UsageError("covariates: give a frame or an array of rows × columns")
            design = found
            layers, self._strata = _layers({} if strata is None else {"strata": strata}, ["strata"])
        self._strata_columns = listed
        self._seen = (times, ended, late, counted)
        self._layers = layers
        self._rows = _core.CoxRows(
            times, ended, made, late, counted, layers, together, choose(_core.CoxTies, self.ties, "ties")
        )
        with named(named_by):
            result = _core.cox(self._rows, self.penalty, self.robust, self.level, threads)
        self.design_ = design
        self._columns = made
        self.__dict__.pop("concordance_", None)
        self._keep(result, durations, result.events)
        self._warn()
        return self

    # ---- what was found ----

    @cached_property
    def concordance_(self) -> _core.Concordance:
        """Concordance of the rows of the fit: estimate, std_error and the pairs."""
        result = self._fitted()
        risk = stacked(self._columns) @ result.coefficients
        return _core.concordance(self._rows, risk)

    @property
    def concordance_index_(self) -> float:
        """How often, of two rows, the one with the higher risk ends first."""
        return self.concordance_.estimate

    def _at_zero(self, told: Callable[[Any], dict[str, Any]]) -> Any:
        """What `told` makes of the baseline of each stratum where every column is 0: a frame."""
        import numpy as np

        result = self._fitted()
        parts: dict[str, list[Any]] = {}
        stratum: list[Any] = []
        for baseline in result.baselines:
            found = {"time": baseline.time} | told(_core.baseline_at_zero(result, baseline))
            for name, values in found.items():
                parts.setdefault(name, []).append(values)
            stratum += [_told(self._strata[baseline.stratum])] * len(baseline.time) if self._strata else []
        columns = {name: np.concatenate(values) for name, values in parts.items()}
        return self._frame(({"stratum": stratum} if self._strata else {}) | columns)

    @property
    def baseline_(self) -> Any:
        """Cumulative hazard where every column is 0, by stratum: a frame."""
        return self._at_zero(
            lambda zero: {"cumulative_hazard": zero.cumulative_hazard, "std_error": zero.std_error}
        )

    @property
    def cumulative_hazard_(self) -> Any:
        """`baseline_`: the cumulative hazard where every column is 0."""
        return self.baseline_

    @property
    def survival_function_(self) -> Any:
        """exp(−`baseline_`): share that lasts beyond each time where every column is 0, by stratum: a frame.

        Text is at its reference. lifelines' ``baseline_survival_`` is another curve, at the means of the
        columns. For rows of your own ask `predict_survival_function`.
        """
        import numpy as np

        return self._at_zero(lambda zero: {"survival": np.exp(-zero.cumulative_hazard)})

    @property
    def median_survival_time_(self) -> float | None:
        """Time by which half have ended where every column is 0; None where not watched so long.

        For rows of your own, and where strata have a median each, ask `predict_median`.
        """
        import numpy as np

        result = self._fitted()
        if self._strata:
            raise NoAnswerError("strata: each has a median of its own; ask predict_median for rows of it")
        zero = np.zeros((1, len(result.means)))
        median = float(_core.predict_quantile(result, zero, 0.5, np.empty(0, dtype=np.uint32))[0])
        return None if np.isnan(median) else median

    # ---- predictions ----

    def _in_strata(self, data: Any, strata: Any) -> npt.NDArray[np.uint32]:
        import numpy as np

        if not self._strata:
            return np.empty(0, dtype=np.uint32)
        if strata is None and self._strata_columns:
            rows_given = data if self.design_ is None else as_frame(self.design_, data)
            values = {name: column(rows_given, name) for name in self._strata_columns}
        elif strata is not None:
            values = {"strata": strata}
        else:
            raise UsageError("strata: say the stratum of each row")
        known = {tuple(labels.values()): code for code, labels in enumerate(self._strata)}
        rows = list(zip(*(np.asarray(one).tolist() for one in values.values()), strict=True))
        for i, row in enumerate(rows):
            if row not in known:
                raise UsageError(f"strata: row {i} is of a stratum that the fit did not see")
        return np.array([known[row] for row in rows], dtype=np.uint32)

    def _event_times(self) -> npt.NDArray[np.float64]:
        import numpy as np

        return np.unique(np.concatenate([baseline.time for baseline in self._fitted().baselines]))

    def predict_survival_function(
        self, data: Any, times: Any = None, *, strata: Any = None, since: Any = None
    ) -> Any:
        """Share of rows like these that lasts beyond each time.

        Parameters
        ----------
        data
            A frame with the columns of the fit (and those of the strata); a dict of columns, in which a
            single value stands for all rows; a list of dicts or of lists, a row each; of a model of one
            column also its values. All predictions take them so.
        times
            A time or several; without them each event time.
        strata
            A label a row, where the fit had strata as an array.
        since
            Age that the rows have reached, one for all or one a row: times count from there, and the share is
            of those who have lasted so long, S(since + time) ÷ S(since), with its own interval.

        Returns
        -------
        frame
            row, time, survival and its interval; null past the last duration.

        Examples
        --------
        >>> months, left = [5, 6, 6, 2, 4, 9, 12, 3], [1, 0, 1, 1, 0, 1, 0, 1]
        >>> model = CoxPH().fit(months, left, {"seats": [3, 9, 4, 2, 8, 5, 12, 6]})
        >>> now, later = model.predict_survival_function([5], times=[4, 9])["survival"]
        >>> ahead = model.predict_survival_function([5], times=5, since=4)["survival"][0]
        >>> abs(ahead - later / now) < 1e-12
        True
        """
        x = self._new(data)
        wanted = wanted_times(times, self._event_times())
        codes, late = self._in_strata(data, strata), ages(since, times, len(x))
        found = _core.predict_survival(self.result_, x, wanted, codes, late)
        return self._long(wanted, len(x), found)

    @checked
    def predict_quantile(self, data: Any, probability: float = 0.5, *, strata: Any = None) -> Any:
        """Time by which the share `probability` of rows like these has ended.

        Returns
        -------
        frame
            time and its interval, where the bands of the curve reach the share; null if not watched so long.
        """
        import numpy as np

        x, codes = self._new(data), self._in_strata(data, strata)
        times = self._event_times()
        block = max(1, CELLS // len(times))
        ends: list[tuple[Any, Any]] = []
        for first in range(0, max(1, len(x)), block):
            part = slice(first, first + block)
            found = _core.predict_survival(self.result_, x[part], times, codes[part], np.empty(0))
            bands = (edge.reshape(-1, len(times)) for edge in (found.low, found.high))
            low, high = (quantiles(times, band, probability) for band in bands)
            ends.append((low, high))
        time = _core.predict_quantile(self.result_, x, probability, codes)
        low, high = (np.concatenate(edges) for edges in zip(*ends, strict=True))
        return self._frame({"time": time} | self._band("time", low, high))

    def predict_median(self, data: Any, *, strata: Any = None) -> npt.NDArray[np.float64]:
        """Time by which half of rows like these have ended; NaN where not watched so long."""
        return _core.predict_quantile(self._fitted(), self._new(data), 0.5, self._in_strata(data, strata))

    # ---- checks and charts ----

    def plot_survival_function(
        self,
        data: Any,
        *,
        strata: Any = None,
        names: Iterable[str] | None = None,
        ax: Any = None,
        time: str = "time",
    ) -> Any:
        """Draw the predicted curve of each row of `data`, and under it how many rows of the fit were at risk.

        With strata, those of the strata drawn.

        Parameters
        ----------
        data, strata
            As in `predict_survival_function`; at most ten rows.
        names
            What to call the rows; else by their number.
        ax, time
            As in `KaplanMeier.plot`: a Matplotlib axis, which is returned, and the word for the axis of time.
        """
        import numpy as np

        result = self._fitted()
        x = self._new(data)
        called = [f"row {i}" for i in range(len(x))] if names is None else [str(name) for name in names]
        if not 1 <= len(x) <= MOST_CURVES:
            raise UsageError(f"data: {len(x)} rows; a chart takes 1 to {MOST_CURVES} curves")
        if len(set(called)) != len(x):
            raise UsageError(f"names: need {len(x)} different names, one for each row")
        codes = self._in_strata(data, strata)
        times, ended, late, counted = self._seen
        if len(codes):  # of the strata drawn
            drawn = np.isin(self._layers, codes)
            times, ended = times[drawn], ended[drawn]
            late, counted = (part[drawn] if len(part) else part for part in (late, counted))
        seen = _core.kaplan_meier(times, ended, late, counted, self.level, _core.IntervalKind.log_log)
        found = _core.predict_survival(result, x, seen.time, codes, np.empty(0))
        values, low, high = (part.reshape(len(x), -1) for part in (found.survival, found.low, found.high))
        # A stratum may have been watched for less time than others.
        known = ~np.isnan(values).any(axis=0)
        watched = AtRisk(seen.time[known], seen.at_risk[known])
        curves = [
            Curve(name, watched.time, values[i][known], low[i][known], high[i][known])
            for i, name in enumerate(called)
        ]
        if ax is not None:
            return on_axis(ax, watched, time, "share still there", curves)
        return picture(
            curves,
            [watched],
            origin=self.origin,
            unit=self.unit,
            time=time,
            axis="share still there",
            about=f"{self._counts()}; the others count as long as seen. "
            f"Band: {self.level:g} % interval at each time. Below: rows at risk.",
        )

    def check_assumptions(self, scale: str = "km") -> Assumptions:
        """Test whether effects hold over the whole life, as the model believes.

        Score test that a column's effect changes with g(t) (Grambsch & Therneau 1994, exact as in R's
        survival 3): `scale` is ``km`` (1 − Kaplan–Meier, R's default), ``rank``, ``identity`` or ``log``.
        """
        result = self._fitted()
        found = _core.proportional_hazards_test(self._rows, result, choose(_core.TimeScale, scale, "scale"))
        return Assumptions(scale, dict(zip(result.names, found.columns, strict=True)), found.global_test)


def _ended(events: Any, rows: int) -> npt.NDArray[np.uint8]:
    import numpy as np

    return np.ones(rows, dtype=np.uint8) if events is None else flags(events)


def _codes(values: Any, argument: str) -> tuple[list[Any], npt.NDArray[np.uint32]]:
    import numpy as np

    return ([], np.empty(0, dtype=np.uint32)) if values is None else coded(values, argument)


def _layers(
    columns: Mapping[str, Any], called: Iterable[str]
) -> tuple[npt.NDArray[np.uint32], list[dict[str, Any]]]:
    """Code of each row's stratum, and the labels of each code; errors call the columns as `called`."""
    import numpy as np

    if not columns:
        return np.empty(0, dtype=np.uint32), []
    parts = {
        name: coded(values, argument)
        for (name, values), argument in zip(columns.items(), called, strict=False)
    }
    mixed = np.zeros(len(next(iter(parts.values()))[1]), dtype=np.int64)
    for names, codes in parts.values():
        mixed = mixed * len(names) + codes
    found, place = np.unique(mixed, return_inverse=True)
    labels = []
    for code in found.tolist():
        one = {}
        for name, (names, _) in reversed(list(parts.items())):
            code, own = divmod(code, len(names))
            one[name] = names[own]
        labels.append(dict(reversed(list(one.items()))))
    return place.astype(np.uint32), labels


def _told(stratum: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={label}" for name, label in stratum.items())
