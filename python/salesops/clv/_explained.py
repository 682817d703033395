"""Models whose parameters depend on what else is known of a customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from salesops._core.error import UsageError
from salesops.clv._covariates import Design
from salesops.clv._estimator import Estimator

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.clv._data import Source


class Explained(Estimator):
    """A model that a fit may give covariates: then its parameters are those of customers with z = 0."""

    covariates_: dict[str, Any] | None

    def _moved(self) -> dict[str, dict[str, int]]:
        """The sign with which γ'z moves ln of each parameter, by process."""
        return {}

    def _design(self) -> Design | None:
        state = getattr(self, "covariates_", None)
        return None if state is None else Design.of(state)

    def model_of(self, **covariates: Any) -> Self:
        """Give the model of customers with these covariates, which answers every question about them.

        Examples
        --------
        >>> import salesops as so
        >>> rows = so.clv.ParetoNBD(r=0.6, alpha=10, s=0.6, beta=12).simulate([30.0] * 600, seed=1)
        >>> rows["channel"] = ["shop", "web"] * 300
        >>> model = so.clv.ParetoNBD().fit(rows, covariates=["channel"])
        >>> abs(model.model_of(channel="shop").alpha / model.alpha_ - 1) < 1e-12
        True
        """
        design = self._design()
        if design is None:
            raise UsageError(f"{type(self).__name__} was fitted without covariates; ask it as it is")
        if design.over_time:
            raise UsageError(f"{design.over_time[0]} changes over time: ask predict about many customers")
        return self._at(design.value_of(covariates))[0]

    def _effects(self, design: Design, values: Mapping[str, float]) -> npt.NDArray[np.float64]:
        return design.effects(list(self._estimates), self.parameters, self._moved(), values)

    def _at(self, values: Mapping[str, float]) -> tuple[Self, Any]:
        """The model at these terms, and the covariance of its parameters."""
        import numpy as np

        design = self._design()
        if design is None:
            return self, getattr(self, "identified_covariance_", None)
        count = len(self.parameters)
        effects = self._effects(design, values)
        estimates = np.array(list(self._estimates.values()))
        logs = np.concatenate([np.log(estimates[:count]), estimates[count:]])
        own = np.exp(effects @ logs)
        slopes = own[:, None] * effects
        slopes[:, :count] /= estimates[:count]
        model = self.clone().set_params(**dict(zip(self.parameters, own.tolist(), strict=True)))
        model.unit_ = self.unit_
        return model, slopes @ self.identified_covariance_ @ slopes.T

    def _drawn_at(
        self, values: Mapping[str, float], draws: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Parameters at these terms, by draws of all parameters and coefficients."""
        import numpy as np

        count = len(self.parameters)
        design = self._design()
        if design is None:
            return np.ascontiguousarray(draws[:, :count])
        logs = np.concatenate([np.log(draws[:, :count]), draws[:, count:]], axis=1)
        return np.ascontiguousarray(np.exp(logs @ self._effects(design, values).T))

    def _kinds(self, source: Source) -> tuple[list[dict[str, float]], npt.NDArray[np.uint32]]:
        """Terms that customers share, and which of them each row has; no rows: all have none."""
        import numpy as np

        design = self._design()
        if design is None:
            return [{}], np.empty(0, dtype=np.uint32)
        return kinds_of(design.read(source))


def kinds_of(
    terms: Mapping[str, npt.NDArray[np.float64]],
) -> tuple[list[dict[str, float]], npt.NDArray[np.uint32]]:
    """Terms that rows share, and which of them each row has."""
    import numpy as np

    distinct, code = np.unique(np.column_stack(list(terms.values())), axis=0, return_inverse=True)
    kinds = [dict(zip(terms, row, strict=True)) for row in distinct.tolist()]
    return kinds, np.ascontiguousarray(code.ravel(), dtype=np.uint32)
