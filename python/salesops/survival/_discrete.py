"""The chance to end in the next period: discrete-time hazards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from salesops._arguments import checked
from salesops._core import survival as _core
from salesops._core.error import UsageError
from salesops.survival._data import choose, flags, given, named, numbers
from salesops.survival._design import Design, covariates_of
from salesops.survival._regression import Regression, ages, quantiles, wanted_times

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class DiscreteHazard(Regression):
    """How likely a row ends in its next period, by what is known of it.

    A logistic (or cloglog) regression on a table with a row for each row and period and a level for each
    period (or band of periods), which is never built. In a period (a band) in which nothing ended nothing
    ends; past the longest duration nothing is known, and predictions are null.

    Parameters
    ----------
    link
        ``logit`` (coefficients are logarithms of odds ratios) or ``cloglog`` (of hazard ratios, as Cox's).
    level
        Coverage of the intervals in percent.
    periods
        First periods of bands that share a level, whole numbers that rise from 1: ``[1, 2, 3, 5, 9, 14, 27]``
        has weeks 1 and 2 of their own, 3 and 4 together, …, 27 and all that come. Within a band the chance of
        a row is the same in each period. So a late week in which none of a few ended doesn't say "0 %", and
        one in which the last left has finite odds. Without it each period has its own level.

    Examples
    --------
    >>> weeks, won = [1, 2, 2, 3, 4, 4, 5, 6], [1, 1, 0, 1, 1, 0, 1, 0]
    >>> model = DiscreteHazard().fit(weeks, won, {"size": [1, 6, 5, 2, 3, 7, 4, 8]})
    >>> model.odds_ratios_["size"] < 1
    True
    >>> DiscreteHazard(periods=[1, 3]).fit(weeks, won, {"size": [1, 6, 5, 2, 3, 7, 4, 8]}).bands_
    [(1, 2), (3, 6)]
    """

    parameters = ("link", "level", "periods")
    effect = "odds_ratio"

    def __init__(self, link: str = "logit", level: float = 95, periods: Sequence[int] | None = None) -> None:
        self.link = link
        self.level = level
        self.periods = periods

    def fit(
        self,
        durations: Any,
        events: Any = None,
        covariates: Any = None,
        *,
        entry: Any = None,
        weights: Any = None,
        duration_col: str | None = None,
        event_col: str | None = None,
        entry_col: str | None = None,
        weights_col: str | None = None,
        formula: str | None = None,
        reference: Mapping[str, Any] | None = None,
    ) -> Self:
        """Estimate the coefficients.

        `durations` are whole numbers of periods, `weights` frequencies (2 counts as two equal rows), the rest
        is as in `CoxPH.fit`.
        """
        import numpy as np

        arrays = {"events": events, "entry": entry, "weights": weights}
        columns = {
            "durations": duration_col,
            "events": event_col,
            "entry": entry_col,
            "weights": weights_col,
        }
        starts = numbers(self.periods, "periods")
        if self.periods is not None and not len(starts):
            raise UsageError("periods: give the first period of each band, whole numbers that rise from 1")
        rows, named_by = given(durations, arrays, columns)
        with named(named_by):
            times = numbers(rows["durations"], "durations")
            ended = np.ones(len(times), np.uint8) if rows.get("events") is None else flags(rows["events"])
            if named_by:
                if covariates is not None:
                    raise UsageError("covariates: with a frame, say which columns count in formula")
                design, made = Design.learn(durations, formula, list(named_by.values()), reference)
            else:
                found, made = covariates_of(covariates, len(times), formula, reference)
                if found is None:
                    raise UsageError("covariates: give a frame or an array of rows × columns")
                design = found
            result = _core.discrete_hazard(
                times,
                ended,
                made,
                numbers(rows.get("entry"), "entry"),
                numbers(rows.get("weights"), "weights"),
                starts,
                choose(_core.HazardLink, self.link, "link"),
                self.level,
            )
        self.effect = "odds_ratio" if self.link == "logit" else "hazard_ratio"
        self.design_ = design
        self._keep(result, durations, result.events)
        self._warn()
        return self

    def _coefficients(self) -> tuple[list[str], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        result = self._fitted()
        return list(result.names), result.coefficients, result.std_errors

    @property
    def coefficients_(self) -> dict[str, float]:
        """Logarithm of the ratio of one unit, by column."""
        result = self._fitted()
        return dict(zip(result.names, result.coefficients.tolist(), strict=True))

    @property
    def odds_ratios_(self) -> dict[str, float]:
        """The factor of one unit on the odds (under ``cloglog`` on the hazard), by column."""
        import math

        return {name: math.exp(value) for name, value in self.coefficients_.items()}

    @property
    def bands_(self) -> list[tuple[int, int]]:
        """First and last period of each level, of those in which something ended."""
        result = self._fitted()
        ends = zip(result.period.tolist(), result.period_end.tolist(), strict=True)
        return [(int(first), int(last)) for first, last in ends]

    @property
    def log_likelihood_(self) -> float:
        """Log-likelihood of the table of periods."""
        return float(self._fitted().log_likelihood)

    # ---- predictions ----

    def _lasting(self, x: npt.NDArray[np.float64], times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Share that lasts beyond each period: rows × periods."""
        import numpy as np

        return _core.discrete_survival(self.result_, x, times, np.empty(0)).survival.reshape(len(x), -1)

    def _periods(self) -> npt.NDArray[np.float64]:
        import numpy as np

        return np.arange(1.0, self._fitted().period_end[-1] + 1)

    def predict_survival_function(self, data: Any, times: Any = None, *, since: Any = None) -> Any:
        """Share of rows like these that lasts beyond each period.

        Parameters
        ----------
        data, since
            As in `CoxPH.predict_survival_function`.
        times
            A period or several; without them each up to the last in which one ended, or the end of its band.

        Returns
        -------
        frame
            row, time (the period), survival and its interval; null past the longest duration.
        """
        x, wanted = self._new(data), wanted_times(times, self._periods())
        late = ages(since, times, len(x))
        return self._long(wanted, len(x), _core.discrete_survival(self.result_, x, wanted, late))

    def predict_hazard(self, data: Any, times: Any = None) -> Any:
        """Chance that rows like these, having lasted until a period, end in it.

        Parameters
        ----------
        data
            As in `CoxPH.predict_survival_function`.
        times
            As there; whole numbers from 1 on.

        Returns
        -------
        frame
            row, time (the period), hazard and its interval; null past the longest duration.

        Examples
        --------
        >>> weeks, won = [1, 2, 2, 3, 4, 4, 5, 6], [1, 1, 0, 1, 1, 0, 1, 0]
        >>> model = DiscreteHazard().fit(weeks, won, {"size": [1, 6, 5, 2, 3, 7, 4, 8]})
        >>> model.predict_hazard([2, 5], times=[1, 2])[["row", "time"]].values.tolist()
        [[0.0, 1.0], [0.0, 2.0], [1.0, 1.0], [1.0, 2.0]]
        """
        import numpy as np

        x, wanted = self._new(data), wanted_times(times, self._periods())
        wrong = ~((wanted >= 1) & np.isfinite(wanted) & (np.floor(wanted) == wanted))
        if wrong.any():
            raise UsageError(
                f"times: {int(wrong.sum())} of {len(wanted)} are no periods (first: "
                f"{wanted[wrong][0]:g}); give whole numbers from 1 on"
            )
        late = np.tile(wanted - 1, len(x))
        found = _core.discrete_survival(self.result_, np.repeat(x, len(wanted), axis=0), np.ones(1), late)
        return self._frame(
            {
                "row": np.repeat(np.arange(len(x)), len(wanted)),
                "time": np.tile(wanted, len(x)),
                "hazard": 1 - found.survival,
                **self._band("hazard", 1 - found.high, 1 - found.low),
            }
        )

    @checked
    def predict_quantile(self, data: Any, probability: float = 0.5) -> Any:
        """Period by which the share `probability` of rows like these has ended: a frame with time.

        Null where not watched so long. It has no interval.
        """
        if not 0 < probability < 1:
            raise UsageError(f"probability: need a number between 0 and 1, not {probability:g}")
        x, periods = self._new(data), self._periods()
        return self._frame({"time": quantiles(periods, self._lasting(x, periods), probability)})

    def predict_median(self, data: Any) -> npt.NDArray[np.float64]:
        """Period by which half of rows like these have ended; NaN where not watched so long."""
        x, periods = self._new(data), self._periods()
        return quantiles(periods, self._lasting(x, periods), 0.5)
