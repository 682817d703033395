"""What Cox's and Fine & Gray's models share: ratios of hazards."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from salesops._core import survival as _core
from salesops.survival._regression import Regression, z_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class HazardRegression(Regression):
    """Coefficients whose exponentials are ratios of hazards."""

    level: float

    def _coefficients(self) -> tuple[list[str], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        result = self._fitted()
        return list(result.names), result.coefficients, result.std_errors

    @property
    def coefficients_(self) -> dict[str, float]:
        """Logarithm of the hazard ratio of one unit, by column."""
        result = self._fitted()
        return dict(zip(result.names, result.coefficients.tolist(), strict=True))

    @property
    def hazard_ratios_(self) -> dict[str, float]:
        """The factor on the risk of one unit, by column."""
        return {name: math.exp(value) for name, value in self.coefficients_.items()}

    @property
    def log_likelihood_(self) -> float:
        """Partial log-likelihood."""
        return float(self._fitted().log_likelihood)

    @property
    def log_likelihood_null_(self) -> float:
        """The same without columns."""
        return float(self._fitted().log_likelihood_null)

    @property
    def likelihood_ratio_(self) -> _core.ChiSquare:
        """Test that nothing matters, by the likelihoods."""
        return self._test("likelihood_ratio")

    @property
    def wald_(self) -> _core.ChiSquare:
        """Test that nothing matters, by the coefficients."""
        return self._test("wald")

    @property
    def score_(self) -> _core.ChiSquare:
        """Test that nothing matters, by the slope at 0."""
        return self._test("score")

    def _test(self, name: str) -> _core.ChiSquare:
        found: _core.ChiSquare = getattr(self._fitted(), name)
        return found

    def predict_partial_hazard(self, data: Any) -> Any:
        """Give the risk beside a row with the mean of every column: a frame with intervals."""
        import numpy as np

        result = self._fitted()
        x = self._new(data) - result.means
        log_risk = x @ result.coefficients
        covariance = result.covariance.reshape(len(result.means), -1)
        half = z_of(self.level) * np.sqrt(np.einsum("ij,jk,ik->i", x, covariance, x))
        return self._frame(
            {"partial_hazard": np.exp(log_risk)}
            | self._band("partial_hazard", np.exp(log_risk - half), np.exp(log_risk + half))
        )
