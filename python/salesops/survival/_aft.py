"""How long things last as a formula: accelerated failure times, with columns or without."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from salesops._arguments import checked
from salesops._core import survival as _core
from salesops._core.error import UsageError
from salesops._names import NoAnswerError
from salesops.plot.base import counted as plural
from salesops.survival._data import flags, given, named, numbers
from salesops.survival._design import Columns, Design, covariates_of, stacked
from salesops.survival._pictures import AtRisk, Curve, picture, shown, told
from salesops.survival._regression import Regression, ages, wanted_times

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.plot import Picture

GRID = 180  # points of a law's curve


class AFT(Regression):
    """ln T = intercept + coefficients·columns + σ·W; the law of W names the class.

    Parameters
    ----------
    level
        Coverage of the intervals in percent.
    """

    effect = "time_ratio"
    above = "above 1 lasts longer"
    parameters = ("level",)
    law: ClassVar[_core.LifetimeLaw]
    called: ClassVar[str]

    def __init__(self, level: float = 95) -> None:
        self.level = level

    def fit(
        self,
        durations: Any,
        events: Any = None,
        covariates: Any = None,
        *,
        upper: Any = None,
        entry: Any = None,
        weights: Any = None,
        duration_col: str | None = None,
        event_col: str | None = None,
        upper_col: str | None = None,
        entry_col: str | None = None,
        weights_col: str | None = None,
        formula: str | None = None,
        reference: Mapping[str, Any] | None = None,
        threads: int = 0,
    ) -> Self:
        """Estimate by maximum likelihood.

        Parameters
        ----------
        durations
            A frame of any kind with ``duration_col`` and the other columns named, or the durations.
        events
            1 or True for an event, 0 or False for censored; without them each row is an event.
        covariates
            Beside durations: a frame, or an array of rows × columns (named x0, x1, …). Without any (and with
            a frame: with ``formula="1"``) the law of the lifetimes alone is fitted.
        upper
            Instead of events: the lifetime lies between the duration and this. Equal = seen exactly, infinite
            or null = still going on.
        entry, weights
            Age at which a row was first seen; frequencies: a weight of 2 counts as two equal rows.
        formula, reference
            As in `CoxPH.fit`.
        threads
            0 = all; the numbers are the same for any.
        """
        import numpy as np

        arrays = {"events": events, "upper": upper, "entry": entry, "weights": weights}
        columns = {
            "durations": duration_col,
            "events": event_col,
            "upper": upper_col,
            "entry": entry_col,
            "weights": weights_col,
        }
        rows, named_by = given(durations, arrays, columns)
        if rows.get("upper") is not None and rows.get("events") is not None:
            raise UsageError("upper: it stands instead of events; give one of the two")
        with named({**named_by, "lower": named_by.get("durations")}):
            lower = numbers(rows["durations"], "durations")
            if rows.get("upper") is not None:
                above = numbers(rows["upper"], "upper")
                above = np.where(np.isnan(above), np.inf, above)
            elif rows.get("events") is not None:
                ended = flags(rows["events"])
                if len(ended) != len(lower):
                    raise UsageError(f"events has {len(ended)} rows, durations has {len(lower)}")
                above = np.where(ended == 1, lower, np.inf)
            else:
                above = lower
            late = numbers(rows.get("entry"), "entry")
            counted = numbers(rows.get("weights"), "weights")
            design: Design | None = None
            made: Columns = []
            if named_by and covariates is not None:
                raise UsageError("covariates: with a frame, say which columns count in formula")
            if named_by and formula != "1":
                design, made = Design.learn(durations, formula, list(named_by.values()), reference)
            elif not named_by:
                design, made = covariates_of(covariates, len(lower), formula, reference)
            result = _core.aft(self.law, lower, above, made, late, counted, self.level, threads)
        self.design_ = design
        self._last = float(np.max(lower))
        self._seen = (lower, above, made, late, counted)
        self.__dict__.pop("concordance_index_", None)
        self._keep(result, durations, result.events)
        self._warn()
        return self

    # ---- what was found ----

    def _coefficients(self) -> tuple[list[str], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        result = self._fitted()
        places, names = self._places(), list(result.names)
        columns = {names[i] for i in places}
        for i in range(len(names)):
            while i not in places and names[i] in columns:
                names[i] = f"({names[i]})"
        return names, result.estimates, result.std_errors

    def _places(self) -> list[int]:
        """Where the columns stand among the estimates: after the intercept, before the shapes."""
        self._fitted()
        return list(range(1, 1 + len(self._seen[2])))

    @property
    def coefficients_(self) -> dict[str, float]:
        """All that was estimated, by name: the intercept, the columns, ln σ (and q).

        Where a column bears the name of a parameter, the parameter stands in brackets, such as ``(q)``.
        """
        names, estimates, _ = self._coefficients()
        return dict(zip(names, estimates.tolist(), strict=True))

    @property
    def time_ratios_(self) -> dict[str, float]:
        """The factor by which one unit stretches time, by column."""
        result = self._fitted()
        return {result.names[i]: math.exp(result.estimates[i]) for i in self._places()}

    @property
    def parameters_(self) -> dict[str, float]:
        """The parameters as books call them, for a row with 0 in every column."""
        result = self._fitted()
        return self._as_in_books(float(result.estimates[0]), float(result.sigma), float(result.q))

    def _as_in_books(self, mu: float, sigma: float, q: float) -> dict[str, float]:
        raise NotImplementedError

    @property
    def log_likelihood_(self) -> float:
        """Log-likelihood of the times."""
        return float(self._fitted().log_likelihood)

    @property
    def likelihood_ratio_(self) -> _core.ChiSquare:
        """Test that no column matters."""
        found: _core.ChiSquare = self._fitted().likelihood_ratio
        return found

    @property
    def aic_(self) -> float:
        """Akaike's criterion: the lower, the better a law describes the times."""
        return float(self._fitted().aic)

    @property
    def bic_(self) -> float:
        """Schwarz's criterion."""
        return float(self._fitted().bic)

    @cached_property
    def concordance_index_(self) -> float:
        """How often, of two rows of the fit, the one with the shorter median ends first."""
        import numpy as np

        self._fitted()
        lower, above, made, late, counted = self._seen
        if not made:
            raise NoAnswerError("concordance: the model has no columns, so it puts no row before another")
        between = np.isfinite(above) & (above > lower)
        if between.any():
            raise NoAnswerError(
                f"concordance: {int(between.sum())} of {len(lower)} lifetimes lie between two looks, so that "
                "nobody knows which of two ended first"
            )
        nobody = np.empty(0, dtype=np.uint32)
        ended = np.isfinite(above).astype(np.uint8)
        rows = _core.CoxRows(lower, ended, made, late, counted, nobody, nobody, _core.CoxTies.efron)
        return _core.concordance(rows, -stacked(made) @ self.result_.estimates[self._places()]).estimate

    # ---- predictions ----

    def _asked(self, data: Any) -> tuple[npt.NDArray[np.float64], int]:
        import numpy as np

        self._fitted()
        if self.design_ is None:
            if data is not None:
                raise UsageError("the model has no columns; ask without data")
            return np.empty(0), 1
        if data is None:
            raise UsageError("data: need rows with the columns of the fit")
        x = self._new(data)
        return x, len(x)

    def _times(self) -> npt.NDArray[np.float64]:
        import numpy as np

        return np.linspace(self._last / 50, self._last, 50)

    def predict_survival_function(self, data: Any = None, times: Any = None, *, since: Any = None) -> Any:
        """Share of rows like these that lasts beyond each time.

        Parameters
        ----------
        data
            As in `CoxPH.predict_survival_function`; nothing for a model without columns.
        times
            A time or several, also beyond the longest duration seen; without them 50 times up to it.
        since
            As in `CoxPH.predict_survival_function`; a model without columns has a row for each age.

        Returns
        -------
        frame
            row, time, survival and its interval.
        """
        x, rows = self._asked(data)
        wanted = wanted_times(times, self._times())
        late = ages(since, times, rows)
        rows = len(late) if self.design_ is None and len(late) else rows
        return self._long(wanted, rows, _core.aft_survival(self.result_, x, wanted, rows, late))

    def _alone(self, what: str, instead: str) -> None:
        """Refuse where columns give each row a result of its own."""
        self._fitted()
        if self.design_ is not None:
            raise NoAnswerError(
                f"{what}: the model has columns, so each row has its own; ask {instead}(rows)"
            )

    @property
    def survival_function_(self) -> Any:
        """The curve of a model without columns, as a frame: row, time, survival and its interval."""
        self._alone("survival_function_", "predict_survival_function")
        return self.predict_survival_function()

    @property
    def cumulative_hazard_(self) -> Any:
        """−ln of the curve of a model without columns, as a frame: time and cumulative hazard."""
        import numpy as np

        self._alone("cumulative_hazard_", "predict_survival_function")
        times = self._times()
        curve = _core.aft_survival(self.result_, np.empty(0), times, 1, np.empty(0)).survival
        with np.errstate(divide="ignore"):
            return self._frame({"time": times, "cumulative_hazard": 0.0 - np.log(curve)})

    @checked
    def predict_quantile(self, data: Any = None, probability: float = 0.5) -> Any:
        """Time by which the share `probability` of rows like these has ended: a frame with intervals."""
        x, rows = self._asked(data)
        found = _core.aft_quantile(self.result_, x, probability, rows)
        return self._frame({"time": found.estimate} | self._band("time", found.low, found.high))

    def predict_median(self, data: Any = None) -> npt.NDArray[np.float64]:
        """Time by which half of rows like these have ended."""
        x, rows = self._asked(data)
        return _core.aft_quantile(self.result_, x, 0.5, rows).estimate

    @property
    def median_survival_time_(self) -> float:
        """The median of a model without columns."""
        self._alone("median_survival_time_", "predict_median")
        return float(self.predict_median()[0])

    def plot(self, *, time: str = "time") -> Any:
        """Draw the time ratios of the columns with their intervals; without columns the curve of the law.

        The curve stands with its interval over Kaplan & Meier's of the same rows, with the rows at risk under
        them: where both part, the law doesn't hold. Lifetimes that lie between two looks have no such curve;
        there the law stands alone. `time` is the word for its axis, such as ``"days"``.
        """
        self._fitted()
        return super().plot() if self.design_ is not None else self._over_seen(time)

    def _over_seen(self, time: str) -> Picture:
        """The law's curve over what was seen."""
        import numpy as np

        lower, above, _, late, counted = self._seen
        between = int((np.isfinite(above) & (above > lower)).sum())
        watched: Any
        if between:
            own = counted if len(counted) else np.ones(len(lower))
            when = np.union1d(lower, above[np.isfinite(above)])
            still = reaching(lower, own, when)
            if len(late):  # whoever comes later is not there yet
                still -= reaching(np.where(late > 0, late, -1.0), own, when)
            watched = AtRisk(when, still)
            about = (
                f"of {between:,} of {plural(len(lower), 'row')} it is known between which times they "
                "ended, so no Kaplan–Meier curve stands beside"
            )
            below = "rows known to be still there"
        else:
            ended = np.isfinite(above).astype(np.uint8)
            watched = _core.kaplan_meier(lower, ended, late, counted, self.level, _core.IntervalKind.log_log)
            about = (
                f"{self._counts()}; the others count as long as seen. Steps: Kaplan–Meier of the same rows"
            )
            below = "rows at risk"
        asked = np.array([*shown(watched), told([watched])])
        last = float(watched.time[-1])
        times = np.union1d(np.linspace(last / GRID, last, GRID), asked)
        found = _core.aft_survival(self.result_, np.empty(0), times, 1, np.empty(0))
        curves = [Curve(self.called, times, found.survival, found.low, found.high)]
        if not between:
            seen = (watched.time, watched.survival, watched.low, watched.high)
            curves.append(Curve("Kaplan–Meier", *seen))
        return picture(
            curves,
            [watched],
            origin=1.0,
            unit="share",
            time=time,
            axis="share still there",
            about=f"{about}. Line: the {self.called} law. Bands: {self.level:g} % interval at each time. "
            f"Below: {below}.",
            smooth=[self.called],
        )


def reaching(
    values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], when: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The weight of the values that are at least as large as each of `when`."""
    import numpy as np

    order = np.argsort(values)
    beyond = np.append(np.cumsum(weights[order][::-1])[::-1], 0.0)
    return beyond[np.searchsorted(values[order], when, side="left")]


class ExponentialAFT(AFT):
    """Lifetimes without memory: the risk is the same at every age.

    Examples
    --------
    >>> round(ExponentialAFT().fit([1, 2, 3, 4], [1, 1, 0, 1]).parameters_["mean"], 4)
    3.3333
    """

    law = _core.LifetimeLaw.exponential
    called = "exponential"

    def _as_in_books(self, mu: float, sigma: float, q: float) -> dict[str, float]:
        return {"mean": math.exp(mu)}


class WeibullAFT(AFT):
    """Lifetimes whose risk rises (ρ above 1) or falls (below) with age as a power.

    Examples
    --------
    >>> sorted(WeibullAFT().fit([1, 2, 3, 4], [1, 1, 0, 1]).parameters_)
    ['lambda', 'rho']
    """

    law = _core.LifetimeLaw.weibull
    called = "Weibull"

    def _as_in_books(self, mu: float, sigma: float, q: float) -> dict[str, float]:
        return {"lambda": math.exp(mu), "rho": 1 / sigma}


class LogNormalAFT(AFT):
    """Lifetimes with a normal logarithm: the risk rises, then falls.

    Examples
    --------
    >>> sorted(LogNormalAFT().fit([1, 2, 3, 4], [1, 1, 0, 1]).parameters_)
    ['mu', 'sigma']
    """

    law = _core.LifetimeLaw.log_normal
    called = "log-normal"

    def _as_in_books(self, mu: float, sigma: float, q: float) -> dict[str, float]:
        return {"mu": mu, "sigma": sigma}


class LogLogisticAFT(AFT):
    """Lifetimes with a logistic logarithm: as the log-normal, with heavier tails. α is the median.

    Examples
    --------
    >>> sorted(LogLogisticAFT().fit([1, 2, 3, 4], [1, 1, 0, 1]).parameters_)
    ['alpha', 'beta']
    """

    law = _core.LifetimeLaw.log_logistic
    called = "log-logistic"

    def _as_in_books(self, mu: float, sigma: float, q: float) -> dict[str, float]:
        return {"alpha": math.exp(mu), "beta": 1 / sigma}


class GeneralizedGammaAFT(AFT):
    """The family that holds the Weibull (q = 1), log-normal (0) and gamma laws (q = σ), to choose among them.

    Examples
    --------
    >>> months = [1, 2, 2, 3, 3, 4, 5, 6, 8, 9, 12, 15]
    >>> sorted(GeneralizedGammaAFT().fit(months).parameters_)
    ['mu', 'q', 'sigma']
    """

    law = _core.LifetimeLaw.generalized_gamma
    called = "generalised gamma"

    def _as_in_books(self, mu: float, sigma: float, q: float) -> dict[str, float]:
        return {"mu": mu, "sigma": sigma, "q": q}
