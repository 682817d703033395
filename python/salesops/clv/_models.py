"""Models of repeat purchases, as published."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from salesops._core import clv as _core
from salesops._core.error import UsageError
from salesops.clv._estimator import Estimator
from salesops.clv._purchases import PurchaseModel

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.clv._data import Source


@dataclass(eq=False, repr=False)
class NBD(PurchaseModel):
    """Customers buy at rates of their own and never leave: the baseline (Ehrenberg 1959).

    Purchase rates are Gamma(r, rate alpha) over customers; alpha is a time.
    """

    parameters = ("r", "alpha")
    _core_model = _core.NBD
    _fit_name = "fit_nbd"

    r: float | None = None
    alpha: float | None = None


@dataclass(eq=False, repr=False)
class _BetaGeometric(PurchaseModel):
    parameters = ("r", "alpha", "a", "b")
    _dropout: ClassVar = {"a": 1, "b": 1}

    r: float | None = None
    alpha: float | None = None
    a: float | None = None
    b: float | None = None


class BGNBD(_BetaGeometric):
    """Customers may leave after each repeat purchase (Fader, Hardie and Lee 2005).

    Purchase rates are Gamma(r, rate alpha), dropout probabilities Beta(a, b). One who bought once has had no
    chance to leave: P(alive) is 1 by construction.

    Examples
    --------
    >>> model = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> round(model.expected_transactions(39, x=2, t_x=30.43, T=38.86), 3)
    1.226
    """

    _core_model = _core.BGNBD
    _fit_name = "fit_bg_nbd"


class MBGNBD(_BetaGeometric):
    """Customers may leave after each purchase, the first too (Batislam et al. and Hoppe and Wagner 2007)."""

    _core_model = _core.MBGNBD
    _fit_name = "fit_mbg_nbd"


@dataclass(eq=False, repr=False)
class ParetoNBD(PurchaseModel):
    """Customers may leave at any time (Schmittlein, Morrison and Colombo 1987).

    Purchase rates are Gamma(r, rate alpha), rates of leaving Gamma(s, rate beta); alpha, beta are times.
    """

    parameters = ("r", "alpha", "s", "beta")
    _core_model = _core.ParetoNBD
    _fit_name = "fit_pareto_nbd"
    _dropout: ClassVar = {"beta": -1}
    _follows = True

    r: float | None = None
    alpha: float | None = None
    s: float | None = None
    beta: float | None = None


@dataclass(eq=False, repr=False)
class SarmanovParetoNBD(PurchaseModel):
    """As Pareto/NBD, with purchase rates λ and rates of leaving μ that are correlated.

    Their density is that of Pareto/NBD times 1 + m (e^−λ − L₁)(e^−μ − L₂), Sarmanov's mixture (Park and Fader
    2004), with the means L₁, L₂ of e^−λ, e^−μ. m > 0: who buys often leaves sooner. m lies within
    `m_bounds_`, since no density is negative, so correlations stay small. The family depends on the unit
    of time; weeks are customary. Beliefs (`priors`) and starts are of the four others; profiles give m none.

    Examples
    --------
    >>> model = SarmanovParetoNBD(r=0.54, alpha=10.1, s=0.51, beta=9.2, m=10)
    >>> round(model.rate_correlation_, 4)
    0.0418
    """

    parameters = ("r", "alpha", "s", "beta", "m")
    _signed: ClassVar = ("m",)
    _core_model = _core.SarmanovParetoNBD
    _fit_name = "fit_sarmanov_pareto_nbd"

    r: float | None = None
    alpha: float | None = None
    s: float | None = None
    beta: float | None = None
    m: float | None = None

    def _check_given(self) -> None:
        super()._check_given()
        if any(getattr(self, name) is None for name in self.parameters):
            return
        *others, m = self._given()
        low, high = _core.SarmanovParetoNBD([*others, 0.0]).m_bounds
        if not low * (1 + 1e-12) <= m <= high * (1 + 1e-12):
            raise UsageError(f"SarmanovParetoNBD: m must lie from {low:.6g} to {high:.6g}, not {m:.6g}")

    @property
    def rate_correlation_(self) -> float:
        """Correlation of λ and μ over customers."""
        correlation: float = self._core().correlation
        return correlation

    @property
    def m_bounds_(self) -> tuple[float, float]:
        """Least and largest m for which the density is nowhere below 0."""
        low, high = self._core().m_bounds
        return low, high


@dataclass(eq=False, repr=False)
class BGBB(PurchaseModel):
    """Customers buy or not at given opportunities (Fader, Hardie and Shang 2010).

    T is the number of opportunities, t_x that of the last purchase. Purchase probabilities are Beta(alpha,
    beta), dropout probabilities Beta(gamma, delta). Discount rates are per opportunity.
    """

    parameters = ("alpha", "beta", "gamma", "delta")
    _core_model = _core.BGBB
    _fit_name = "fit_bg_bb"
    _opportunities = True

    alpha: float | None = None
    beta: float | None = None
    gamma: float | None = None
    delta: float | None = None


@dataclass(eq=False, repr=False)
class GGompertzNBD(PurchaseModel):
    """As Pareto/NBD, with a risk of leaving that changes with age (Bemmaor and Glady 2012).

    Purchase rates are Gamma(r, rate alpha); lifetimes Gompertz with scale b and Gamma(s, rate beta) levels.
    """

    parameters = ("r", "alpha", "b", "s", "beta")
    _core_model = _core.GGompertzNBD
    _fit_name = "fit_ggompertz_nbd"
    _dropout: ClassVar = {"beta": -1}

    r: float | None = None
    alpha: float | None = None
    b: float | None = None
    s: float | None = None
    beta: float | None = None


@dataclass(eq=False, repr=False)
class _RegularPurchases(PurchaseModel):
    parameters = ("r", "alpha", "a", "b")
    settings = ("k", *Estimator.settings)

    r: float | None = None
    alpha: float | None = None
    a: float | None = None
    b: float | None = None
    k: int | None = field(default=None, kw_only=True)

    def _shape(self) -> int:
        k = getattr(self, "k_", self.k)
        if k is None:
            raise UsageError(f"{type(self).__name__} needs k, the regularity, beside its parameters")
        return int(k)

    def _core(self) -> Any:
        return self._core_model(self._values(), self._shape())

    def _gaps(self, source: Source) -> npt.NDArray[np.float64]:
        import numpy as np

        if source.table is None:
            gaps = source.array("sum_log_gaps")
        else:
            gaps = source.column("sum_log_gaps") if source.has("sum_log_gaps") else np.empty(0)
        if len(gaps) == 0 and self.k is None:
            raise UsageError(
                "the likeliest k needs the column sum_log_gaps (so.clv.rfm makes it); or give k="
            )
        return gaps

    def _fit_data(self, columns: tuple[Any, ...]) -> Any:
        return columns, self.k or 0

    def _take_core(self, core: Any) -> None:
        self.k_ = core.k
        self.gaps_known_ = len(self._seen.columns[3]) > 0

    def _settled(self) -> dict[str, Any]:
        return {"k": self.k_}

    def _comparable(self) -> bool:
        return self.k_ == 1 or getattr(self, "gaps_known_", True)

    def _details(self) -> list[str]:
        k = getattr(self, "k_", self.k)
        return [] if k is None else [f"k={k}"]

    def log_likelihood(self, x: Any, t_x: Any, T: Any, sum_log_gaps: Any = 0.0) -> Any:
        """Log-likelihood of each customer's history; without `sum_log_gaps` it lacks (k − 1) Σ ln gaps."""
        return self._ask("log_likelihood", x=x, t_x=t_x, T=T, sum_log_gaps=sum_log_gaps)


class BGCNBD(_RegularPurchases):
    """BG/NBD whose times between purchases are Erlang-k: k = 1 at random, more for a regular pace.

    Platzer and Reutterer (2016); forecasts are exact. Without `k` the likeliest of 1 … 12 is taken.
    """

    _core_model = _core.BGCNBD
    _fit_name = "fit_bg_cnbd"


class MBGCNBD(_RegularPurchases):
    """MBG/NBD whose times between purchases are Erlang-k (Reutterer, Platzer and Schröder 2021)."""

    _core_model = _core.MBGCNBD
    _fit_name = "fit_mbg_cnbd"
