"""Models of repeat purchases: who will still buy, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from salesops._core import clv as _core
from salesops._core.error import UsageError
from salesops.clv._data import Source, equal_lengths, histories, numbers, same_unit
from salesops.clv._estimator import Estimator
from salesops.clv._spend import GammaGamma
from salesops.clv._units import discount_rate, in_unit, unit_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Priors = Mapping[str, tuple[float, float]] | None


class PurchaseModel(Estimator):
    """Answers of one name for all models.

    The array methods take numbers or arrays that go together (one number for all, or one a row) and give an
    array, or a number when all are numbers. x is the number of repeat purchases, t_x the time of the last,
    T the time seen, both from the first purchase; t a time ahead. Discount rates are per unit of T,
    continuous (BG/BB: per opportunity). Rows that are no history, such as t_x > T, give NaN.
    """

    _fit_name: ClassVar[str] = ""
    _opportunities: ClassVar[bool] = False

    # ---- fit ----

    def fit(
        self,
        data: Any = None,
        y: Any = None,
        *,
        x: Any = None,
        t_x: Any = None,
        T: Any = None,
        weights: Any = None,
        sum_log_gaps: Any = None,
        columns: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> Self:
        """Find the most likely parameters.

        Parameters
        ----------
        data
            An `Rfm`, or any frame with columns frequency, recency and T (also those of lifetimes and
            pymc-marketing, as they are).
        y
            Ignored; scikit-learn passes it.
        x, t_x, T
            Arrays instead of a frame.
        weights
            Customers that each row stands for.
        sum_log_gaps
            Σ ln of the times between purchases; only the CNBD-k models read it, from the frame too.
        columns
            What the frame calls its columns: ``{"frequency": "orders"}``.
        unit
            Unit of recency and T: day, week, month or year. An `Rfm` knows it.
        """
        arrays = {"x": x, "t_x": t_x, "T": T, "weights": weights, "sum_log_gaps": sum_log_gaps}
        source = Source(data, arrays, columns, ("x", "t_x", "T"))
        if self._opportunities and source.discrete is False:
            raise UsageError("BGBB counts opportunities: make the rows with so.clv.rfm(…, discrete=True)")
        found = histories(source, self._opportunities)
        same_unit(source.unit, unit_of(unit))
        weight = source.array("weights")
        if len(weight):
            equal_lengths({"weights": weight, source.name("frequency"): found.x})
        histories_ = (found.x, found.t_x, found.T, weight, self._gaps(source))
        summary, core = getattr(_core, self._fit_name)(self._fit_data(histories_), *self._fit_options())
        self._take_core(core)
        return self._take(summary, source.unit or unit)

    def _gaps(self, source: Source) -> npt.NDArray[np.float64]:
        import numpy as np

        return np.empty(0)

    def _fit_data(self, columns: tuple[Any, ...]) -> Any:
        return columns

    def _take_core(self, core: Any) -> None:
        pass

    # ---- one question a method ----

    def _ask(self, question: str, **columns: Any) -> Any:
        import numpy as np

        given = {name: np.asarray(value) for name, value in columns.items()}
        ready = [numbers(np.atleast_1d(value), name) for name, value in given.items()]
        try:
            together = np.broadcast_arrays(*ready)
        except ValueError as error:
            sizes = ", ".join(f"{name} has {len(column)}" for name, column in zip(given, ready, strict=True))
            raise UsageError(f"arrays must be equally long: {sizes}") from error
        answer = getattr(self._core(), question)(
            [np.ascontiguousarray(column) for column in together], self.threads
        )
        return float(answer[0]) if all(value.ndim == 0 for value in given.values()) else answer

    def log_likelihood(self, x: Any, t_x: Any, T: Any) -> Any:
        """Log-likelihood of each customer's history."""
        return self._ask("log_likelihood", x=x, t_x=t_x, T=T)

    def p_alive(self, x: Any, t_x: Any, T: Any) -> Any:
        """Probability of being still a customer at T."""
        return self._ask("p_alive", x=x, t_x=t_x, T=T)

    def p_alive_at(self, t: Any, x: Any, t_x: Any, T: Any) -> Any:
        """Probability of being still a customer at T + t."""
        return self._ask("p_alive_at", t=t, x=x, t_x=t_x, T=T)

    def expected_transactions(self, t: Any, x: Any, t_x: Any, T: Any) -> Any:
        """Mean number of purchases in (T, T + t]."""
        return self._ask("expected_transactions", t=t, x=x, t_x=t_x, T=T)

    def expected_transactions_new(self, t: Any) -> Any:
        """Mean number of repeat purchases in the first t of a new customer."""
        return self._ask("expected_transactions_new", t=t)

    def pmf(self, n: Any, t: Any, x: Any, t_x: Any, T: Any) -> Any:
        """Probability of n purchases in (T, T + t]."""
        return self._ask("pmf", n=n, t=t, x=x, t_x=t_x, T=T)

    def pmf_new(self, n: Any, t: Any) -> Any:
        """Probability of n repeat purchases in the first t of a new customer."""
        return self._ask("pmf_new", n=n, t=t)

    def p_no_transaction(self, t: Any, x: Any, t_x: Any, T: Any) -> Any:
        """Probability of no purchase in (T, T + t]."""
        return self._ask("p_no_transaction", t=t, x=x, t_x=t_x, T=T)

    def dert(self, discount_rate: Any, x: Any, t_x: Any, T: Any) -> Any:
        """Discounted expected purchases after T, without end."""
        return self._ask("dert", discount_rate=discount_rate, x=x, t_x=t_x, T=T)

    def dect(self, t: Any, discount_rate: Any, x: Any, t_x: Any, T: Any) -> Any:
        """Discounted expected purchases in (T, T + t]."""
        return self._ask("dect", t=t, discount_rate=discount_rate, x=x, t_x=t_x, T=T)

    def p_alive_new(self, t: Any) -> Any:
        """Probability that a new customer is still one after t."""
        return self._ask("p_alive_new", t=t)

    def dert_new(self, discount_rate: Any) -> Any:
        """Discounted expected repeat purchases of a new customer, without end."""
        return self._ask("dert_new", discount_rate=discount_rate)

    def dect_new(self, t: Any, discount_rate: Any) -> Any:
        """Discounted expected repeat purchases in the first t of a new customer."""
        return self._ask("dect_new", t=t, discount_rate=discount_rate)

    def expected_rate(self, x: Any, t_x: Any, T: Any) -> Any:
        """Mean purchase rate while alive, per unit of T."""
        return self._ask("expected_rate", x=x, t_x=t_x, T=T)

    def expected_dropout(self, x: Any, t_x: Any, T: Any) -> Any:
        """Mean dropout: a probability a purchase or an opportunity, or a rate (Pareto, GGompertz)."""
        return self._ask("expected_dropout", x=x, t_x=t_x, T=T)

    # ---- a crowd that behaves so ----

    def simulate(self, T: Any, *, horizon: float = 0.0, seed: int = 0) -> dict[str, npt.NDArray[Any]]:
        """Draw customers seen for `T`, as columns that `fit` takes.

        frequency, recency, T, sum_log_gaps, the purchases in (T, T + horizon] as holdout_frequency, and
        whether each is alive at T. The same seed gives the same customers; customer i keeps its luck when
        others come and go.
        """
        columns: dict[str, npt.NDArray[Any]] = self._core().simulate(
            numbers(T, "T"), float(horizon), seed, self.threads
        )
        columns["alive"] = columns["alive"] == 1
        return columns

    # ---- one table for all customers ----

    def predict(
        self,
        data: Any = None,
        *,
        horizon: str | float | None = None,
        discount: str | None = None,
        spend: GammaGamma | None = None,
        level: float | None = None,
        x: Any = None,
        t_x: Any = None,
        T: Any = None,
        spend_x: Any = None,
        mean_spend: Any = None,
        columns: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> Any:
        """Forecast each customer: one row each, in the caller's kind of frame.

        Parameters
        ----------
        data
            An `Rfm` or a frame as for `fit`, or the arrays x, t_x, T (and spend_x, mean_spend).
        horizon
            ``"39 weeks"``, ``"1 year"``, or a number in the unit of T. None = without end, with a discount.
        discount
            Effective rate and its period, ``"10% / year"``; nothing is discounted by default.
        spend
            `GammaGamma`; adds expected_spend a purchase and clv = expected_spend × discounted purchases.
        level
            Percent of an interval from the uncertainty of the parameters: columns ``<name>_lo_90``,
            ``<name>_hi_90``.
        unit
            Unit of the rows, when a frame can't tell.

        Returns
        -------
        frame
            customer, p_alive, expected_transactions (without end discounted_transactions), and with `spend`
            expected_spend and clv.
        """
        arrays = {"x": x, "t_x": t_x, "T": T, "spend_x": spend_x, "mean_spend": mean_spend}
        source = Source(data, arrays, columns, ("x", "t_x", "T"))
        found = histories(source, self._opportunities)
        fitted = getattr(self, "unit_", None)
        given = source.unit or unit_of(unit)
        same_unit(fitted, given)
        of = fitted or given
        rate = discount_rate(discount, of, self._opportunities)
        if horizon is None and rate == 0:
            raise UsageError(
                "horizon=None counts purchases without end; give discount='10% / year', or a horizon"
            )
        ahead = float("inf") if horizon is None else in_unit(horizon, of, "horizon", self._opportunities)
        core_spend, spend_columns, spend_covariance = self._spend(source, spend, len(found.x))
        made = self._core().predict(
            found.x,
            found.t_x,
            found.T,
            ahead,
            rate,
            float(level or 0),
            self._covariance(level),
            core_spend,
            *spend_columns,
            spend_covariance,
            self.threads,
            None,
        )
        names = ["p_alive", "expected_transactions"] + (["expected_spend", "clv"] if spend else [])
        if horizon is None:
            names[1] = "discounted_transactions"
            made["discounted_transactions"] = made.pop("expected_transactions")
        result: dict[str, Any] = {}
        for name in names:
            value, low, high = made[name]
            result[name] = value
            if level:
                result |= {f"{name}_lo_{level:g}": low, f"{name}_hi_{level:g}": high}
        return source.like(result)

    def _covariance(self, level: float | None) -> Any:
        import numpy as np

        if not level:
            return np.empty(0)
        if not hasattr(self, "params_"):
            raise UsageError(
                "level= needs a fitted model: parameters that were given are taken as known for sure"
            )
        return np.ascontiguousarray(self.covariance_.ravel())

    def _spend(self, source: Source, spend: GammaGamma | None, rows: int) -> tuple[Any, tuple[Any, Any], Any]:
        import numpy as np

        nothing = np.empty(0)
        if spend is None:
            return None, (nothing, nothing), nothing
        if not isinstance(spend, GammaGamma):
            raise UsageError("spend= is a fitted so.clv.GammaGamma")
        x, mean = spend.spend_columns(source, rows)
        covariance = spend.covariance_.ravel() if hasattr(spend, "params_") else nothing
        return spend._core(), (x, mean), np.ascontiguousarray(covariance)


def _start(
    model: Any, names: tuple[str, ...], values: tuple[float | None, ...], settings: tuple[Any, ...]
) -> None:
    for name, value in zip((*names, *Estimator.settings), (*values, *settings), strict=True):
        setattr(model, name, value)


class NBD(PurchaseModel):
    """Customers buy at rates of their own and never leave: the baseline (Ehrenberg 1959).

    Purchase rates are Gamma(r, rate alpha) over customers; alpha is a time.
    """

    parameters = ("r", "alpha")
    _core_model = _core.NBD
    _fit_name = "fit_nbd"

    def __init__(
        self,
        r: float | None = None,
        alpha: float | None = None,
        *,
        priors: Priors = None,
        l2: float = 0.0,
        strict: bool = False,
        threads: int = 0,
    ) -> None:
        _start(self, self.parameters, (r, alpha), (priors, l2, strict, threads))


class _BetaGeometric(PurchaseModel):
    parameters = ("r", "alpha", "a", "b")

    def __init__(
        self,
        r: float | None = None,
        alpha: float | None = None,
        a: float | None = None,
        b: float | None = None,
        *,
        priors: Priors = None,
        l2: float = 0.0,
        strict: bool = False,
        threads: int = 0,
    ) -> None:
        _start(self, self.parameters, (r, alpha, a, b), (priors, l2, strict, threads))


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


class ParetoNBD(PurchaseModel):
    """Customers may leave at any time (Schmittlein, Morrison and Colombo 1987).

    Purchase rates are Gamma(r, rate alpha), rates of leaving Gamma(s, rate beta); alpha, beta are times.
    """

    parameters = ("r", "alpha", "s", "beta")
    _core_model = _core.ParetoNBD
    _fit_name = "fit_pareto_nbd"

    def __init__(
        self,
        r: float | None = None,
        alpha: float | None = None,
        s: float | None = None,
        beta: float | None = None,
        *,
        priors: Priors = None,
        l2: float = 0.0,
        strict: bool = False,
        threads: int = 0,
    ) -> None:
        _start(self, self.parameters, (r, alpha, s, beta), (priors, l2, strict, threads))


class BGBB(PurchaseModel):
    """Customers buy or not at given opportunities (Fader, Hardie and Shang 2010).

    T is the number of opportunities, t_x that of the last purchase. Purchase probabilities are Beta(alpha,
    beta), dropout probabilities Beta(gamma, delta). Discount rates are per opportunity.
    """

    parameters = ("alpha", "beta", "gamma", "delta")
    _core_model = _core.BGBB
    _fit_name = "fit_bg_bb"
    _opportunities = True

    def __init__(
        self,
        alpha: float | None = None,
        beta: float | None = None,
        gamma: float | None = None,
        delta: float | None = None,
        *,
        priors: Priors = None,
        l2: float = 0.0,
        strict: bool = False,
        threads: int = 0,
    ) -> None:
        _start(self, self.parameters, (alpha, beta, gamma, delta), (priors, l2, strict, threads))


class GGompertzNBD(PurchaseModel):
    """As Pareto/NBD, with a risk of leaving that changes with age (Bemmaor and Glady 2012).

    Purchase rates are Gamma(r, rate alpha); lifetimes Gompertz with scale b and Gamma(s, rate beta) levels.
    """

    parameters = ("r", "alpha", "b", "s", "beta")
    _core_model = _core.GGompertzNBD
    _fit_name = "fit_ggompertz_nbd"

    def __init__(
        self,
        r: float | None = None,
        alpha: float | None = None,
        b: float | None = None,
        s: float | None = None,
        beta: float | None = None,
        *,
        priors: Priors = None,
        l2: float = 0.0,
        strict: bool = False,
        threads: int = 0,
    ) -> None:
        _start(self, self.parameters, (r, alpha, b, s, beta), (priors, l2, strict, threads))


class _RegularPurchases(PurchaseModel):
    parameters = ("r", "alpha", "a", "b")
    settings = ("k", *Estimator.settings)
    k_: int

    def __init__(
        self,
        r: float | None = None,
        alpha: float | None = None,
        a: float | None = None,
        b: float | None = None,
        *,
        k: int | None = None,
        priors: Priors = None,
        l2: float = 0.0,
        strict: bool = False,
        threads: int = 0,
    ) -> None:
        _start(self, self.parameters, (r, alpha, a, b), (priors, l2, strict, threads))
        self.k = k

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
