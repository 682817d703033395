"""What the regressions share: coefficients as a table, and rows to predict for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from salesops._core.error import UsageError
from salesops._progress import ConvergenceWarning, warn
from salesops.survival._data import numbers
from salesops.survival._design import Design, new_rows
from salesops.survival._estimator import Estimator
from salesops.survival._pictures import forest

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def z_of(level: float) -> float:
    """How many standard errors a symmetric interval of `level` percent reaches."""
    import statistics

    return statistics.NormalDist().inv_cdf(0.5 + level / 200)


def two_sided(z: float) -> float:
    """Chance that a normal deviate is farther out than z."""
    return math.erfc(abs(z) / math.sqrt(2))


class Regression(Estimator):
    """Coefficients with their errors; `effect` is the name of their exponentials."""

    effect = "hazard_ratio"
    above: ClassVar[str] = "above 1 ends sooner"
    design_: Design | None = None

    def _coefficients(self) -> tuple[list[str], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        raise NotImplementedError

    def _table(self) -> dict[str, Any]:
        import numpy as np

        names, values, errors = self._coefficients()
        half = z_of(self.get_params()["level"]) * errors
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            z = values / errors
            return {
                "covariate": names,
                "coefficient": values,
                "std_error": errors,
                **self._band("coefficient", values - half, values + half),
                self.effect: np.exp(values),
                **self._band(self.effect, np.exp(values - half), np.exp(values + half)),
                "z": z,
                "p_value": np.array([two_sided(one) for one in z.tolist()]),
            }

    @property
    def summary_(self) -> Any:
        """Coefficients, their exponentials, intervals and tests: a frame with a row for each."""
        return self.to_frame()

    @property
    def confidence_interval_(self) -> Any:
        """Intervals of the coefficients as a frame."""
        table = self._table()
        return self._frame(
            {name: table[name] for name in table if name == "covariate" or name.startswith("coefficient_")}
        )

    @property
    def references_(self) -> dict[str, Any]:
        """The category that the others of a column are compared with, by column."""
        return {} if self.design_ is None else self.design_.references

    def _places(self) -> list[int]:
        """Where the columns stand among the estimates."""
        return list(range(len(self._coefficients()[0])))

    def _ratios(self) -> str:
        """What the exponentials are ratios of."""
        return self.effect.removesuffix("_ratio")

    def plot(self) -> Any:
        """Draw the ratio of each column with its interval, on a logarithmic axis against 1: a `Picture`.

        Of `CoxPH` hazard ratios, of `FineGray` subdistribution hazard ratios, of the laws (`WeibullAFT` and
        others) time ratios, of `DiscreteHazard` odds ratios, under ``cloglog`` hazard ratios. The title tells
        the ratio farthest from 1 of those whose interval leaves 1 out.
        """
        table = self._table()
        low, high = self._band(self.effect, None, None)
        rows = [
            (table["covariate"][i], *(float(table[name][i]) for name in (self.effect, low, high)))
            for i in self._places()
        ]
        if not rows:
            raise UsageError("the model has no columns to draw")
        level = self.get_params()["level"]
        subtitle = (
            f"{self.above}, all else being equal; bars: {level:g} % intervals. "
            f"{self._counts()}. " + ". ".join(self.notes_)
        )
        return forest(rows, what=self._ratios(), level=level, subtitle=subtitle)

    @property
    def notes_(self) -> list[str]:
        """What to know about the fit, in words."""
        return notes_of(self._fitted(), self.references_)

    def _new(self, data: Any) -> npt.NDArray[np.float64]:
        self._fitted()
        return new_rows(self.design_, data)

    def _warn(self) -> None:
        if not self.result_.converged:
            warn("; ".join(self.result_.notes), ConvergenceWarning)

    def _long(self, times: npt.NDArray[np.float64], rows: int, found: Any) -> Any:
        """Curves of many rows as one frame: row, time, survival and its interval."""
        import numpy as np

        return self._frame(
            {
                "row": np.repeat(np.arange(rows), len(times)),
                "time": np.tile(times, rows),
                "survival": found.survival,
                **self._band("survival", found.low, found.high),
            }
        )


def quantiles(
    times: npt.NDArray[np.float64], survival: npt.NDArray[np.float64], probability: float
) -> npt.NDArray[np.float64]:
    """When each curve, a row each, has first fallen to 1 − `probability`; NaN where it never does."""
    import numpy as np

    reached = survival <= 1 - probability
    return np.where(reached.any(axis=1), times[reached.argmax(axis=1)], np.nan)


def wanted_times(times: Any, default: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The times asked for: one, several, or all that the fit has seen."""
    import numpy as np

    return default if times is None else numbers(np.atleast_1d(np.asarray(times)), "times")


def ages(since: Any, times: Any, rows: int) -> npt.NDArray[np.float64]:
    """Age of each row to predict from: one for all, or one a row; empty where all begin at 0."""
    import numpy as np

    if since is None:
        return np.empty(0)
    if times is None:
        raise UsageError("times: with since, say how long after it")
    found = numbers(np.atleast_1d(np.asarray(since)), "since")
    return np.full(rows, found[0]) if len(found) == 1 else found


def notes_of(result: Any, references: Mapping[str, Any]) -> list[str]:
    """What a reader of the table should know."""
    against = [f"{column} is compared with {level}" for column, level in references.items()]
    return [*result.notes, *against]
