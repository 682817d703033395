"""How sure the estimates are: intervals three ways, and tests of one model against another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from salesops._core import clv as _core
from salesops._core.error import UsageError
from salesops._names import NoAnswerError

if TYPE_CHECKING:
    from salesops.clv._estimator import Estimator

Ends = dict[str, tuple[float, float]]


def confidence_intervals(model: Estimator, method: str, level: float, draws: int, seed: int) -> Ends:
    """Intervals of all that was estimated; `Estimator.confidence_intervals` says how."""
    if not hasattr(model, "params_"):
        raise NoAnswerError(f"{type(model).__name__} is not fitted yet: call fit first")
    if not 1 < level < 100:
        raise UsageError("level must lie between 1 and 100 percent")
    if method == "wald":
        return _wald(model, level)
    if method not in ("profile", "bootstrap"):
        raise UsageError(f"method is 'wald', 'profile' or 'bootstrap', not {method!r}")
    if not hasattr(model, "_seen"):
        raise UsageError(
            f"method='{method}' looks at the rows again, which no saved model holds: fit it here"
        )
    if method == "profile":
        options = model._fit_options(list(model.params_.values()), float(level))
        summary, _ = model._solve(model._seen, options)
        return dict(zip(summary.parameters, summary.profile, strict=True))
    return _bootstrap(model, level, draws, seed)


def _wald(model: Estimator, level: float) -> Ends:
    from statistics import NormalDist

    z = NormalDist().inv_cdf(0.5 + level / 200)
    ends = {}
    for name, value in model._estimates.items():
        reach = z * model.standard_errors_[name]
        if name in model.params_ and name not in model._signed:
            factor = _exp(reach / value)
            ends[name] = (value / factor, value * factor)
        else:
            ends[name] = (value - reach, value + reach)
    return ends


def _bootstrap(model: Estimator, level: float, draws: int, seed: int) -> Ends:
    import numpy as np

    if draws < 20:
        raise UsageError("draws: at least 20, better 200 and more")
    options = model._fit_options(list(model.params_.values()))
    estimates = []
    for draw in range(draws):
        random = np.random.Generator(np.random.Philox(key=[seed, draw]))
        estimates.append(model._solve(model._seen.again(random), options)[0].estimates)
    tail = 0.5 - level / 200
    low, high = np.quantile(np.array(estimates), [tail, 1 - tail], axis=0).tolist()
    return dict(zip(model._estimates, zip(low, high, strict=True), strict=True))


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


@dataclass(frozen=True)
class LikelihoodRatioTest:
    """Whether the larger of two nested models says significantly more.

    Attributes
    ----------
    statistic
        2 (ln L of the larger − ln L of the smaller).
    degrees
        Parameters more.
    p_value
        P(χ² > statistic).
    """

    statistic: float
    degrees: int
    p_value: float

    def __str__(self) -> str:
        more = "parameter" if self.degrees == 1 else "parameters"
        return f"χ² = {self.statistic:.4g} for {self.degrees} {more} more, p = {self.p_value:.3g}"


#: Models that others become at the end of a parameter's range.
_WITHIN = {
    "NBD": {"BGNBD", "MBGNBD", "ParetoNBD", "GGompertzNBD", "SarmanovParetoNBD"},
    "ParetoNBD": {"GGompertzNBD", "SarmanovParetoNBD"},
    "SBG": {"BdW"},
}


def likelihood_ratio_test(smaller: Estimator, larger: Estimator) -> LikelihoodRatioTest:
    """Test whether the larger of two nested models says significantly more about the same customers.

    Parameters
    ----------
    smaller, larger
        Fitted models: one kind with fewer and more covariates (or coefficients held equal), or NBD within
        one with dropout, ParetoNBD within GGompertzNBD or SarmanovParetoNBD, SBG within BdW.

    Notes
    -----
    Where the smaller model is the larger at the end of a parameter's range (all but covariates, Sarmanov's m
    and SBG) the true p-value is smaller: the test errs on the side of the smaller model.

    Examples
    --------
    >>> import salesops as so
    >>> left = [1000, 869, 743, 653, 593, 551, 517, 491]
    >>> print(so.clv.likelihood_ratio_test(so.clv.SBG().fit(left), so.clv.BdW().fit(left)))
    χ² = 11.69 for 1 parameter more, p = 0.000629
    """
    for model in (smaller, larger):
        if not hasattr(model, "params_"):
            raise NoAnswerError(f"{type(model).__name__} is not fitted yet: call fit first")
        if model.l2 or model.priors:
            raise UsageError("a fit held by l2 or priors has no likelihood to test: fit without them")
    if not _nested(smaller, larger):
        raise UsageError(
            f"{_name(smaller)} is not nested in {_name(larger)}: compare them by AIC, or on a holdout"
        )
    if smaller.n_ != larger.n_:
        raise UsageError(
            f"the fits are of {smaller.n_:,.0f} and of {larger.n_:,.0f} customers; they must be the same"
        )
    return LikelihoodRatioTest(
        *_core.likelihood_ratio_test(
            len(smaller.standard_errors_),
            smaller.log_likelihood_,
            len(larger.standard_errors_),
            larger.log_likelihood_,
        )
    )


def _nested(smaller: Estimator, larger: Estimator) -> bool:
    few, many = type(smaller).__name__, type(larger).__name__
    if few != many:
        return many in _WITHIN.get(few, ()) and not smaller.coefficients_
    if getattr(smaller, "k_", None) != getattr(larger, "k_", None):
        return False
    more = _freedom(larger)
    return len(smaller.coefficients_) < len(larger.coefficients_) and _freedom(smaller) <= more


def _freedom(model: Estimator) -> set[str]:
    """Every coefficient by process, one that is held equal counting for both."""
    processes = ("transaction.", "dropout.")
    free = set()
    for name in model.coefficients_:
        free |= {name} if name.startswith(processes) else {process + name for process in processes}
    return free


def _name(model: Any) -> str:
    more = f" with {len(model.coefficients_)} coefficients" if model.coefficients_ else ""
    return type(model).__name__ + more
