"""The chance to end in the next period: discrete-time hazards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from salesops._core import survival as _core
from salesops._core.error import UsageError
from salesops.survival._data import choose, flags, given, named, numbers
from salesops.survival._design import Design, covariates_of
from salesops.survival._regression import Regression, wanted_times

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class DiscreteHazard(Regression):
    """How likely a row ends in its next period, by what is known of it.

    A logistic (or cloglog) regression on a table with a row for each row and period and a level for each
    period, which is never built. In periods in which nothing ended nothing ends; past the longest duration
    nothing is known, and predictions are null.

    Parameters
    ----------
    link
        ``logit`` (coefficients are logarithms of odds ratios) or ``cloglog`` (of hazard ratios, as Cox's).
    level
        Coverage of the intervals in percent.

    Examples
    --------
    >>> weeks, won = [1, 2, 2, 3, 4, 4, 5, 6], [1, 1, 0, 1, 1, 0, 1, 0]
    >>> model = DiscreteHazard().fit(weeks, won, {"size": [1, 6, 5, 2, 3, 7, 4, 8]})
    >>> model.odds_ratios_["size"] < 1
    True
    """

    parameters = ("link", "level")
    effect = "odds_ratio"

    def __init__(self, link: str = "logit", level: float = 95) -> None:
        self.link = link
        self.level = level

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
        """Estimate the coefficients; `durations` are whole numbers of periods; else as in `CoxPH.fit`."""
        import numpy as np

        arrays = {"events": events, "entry": entry, "weights": weights}
        columns = {
            "durations": duration_col,
            "events": event_col,
            "entry": entry_col,
            "weights": weights_col,
        }
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
    def log_likelihood_(self) -> float:
        """Log-likelihood of the table of periods."""
        return float(self._fitted().log_likelihood)

    def predict_survival_function(self, data: Any, periods: Any = None) -> Any:
        """Share of rows like these that lasts beyond each period: a frame of row, period, survival."""
        import numpy as np

        result = self._fitted()
        x = self._new(data)
        wanted = wanted_times(periods, np.arange(1.0, result.period[-1] + 1))
        found = _core.discrete_survival(result, x, wanted)
        return self._frame(
            {
                "row": np.repeat(np.arange(len(x)), len(wanted)),
                "period": np.tile(wanted, len(x)),
                "survival": found,
            }
        )

    def predict_hazard(self, data: Any, period: float) -> npt.NDArray[np.float64]:
        """Chance that rows like these, having lasted until `period`, end in it."""
        import numpy as np

        result = self._fitted()
        x = self._new(data)
        before, after = (
            _core.discrete_survival(result, x, np.array([at], dtype=np.float64))
            for at in (period - 1, period)
        )
        return np.asarray(1 - after / before)
