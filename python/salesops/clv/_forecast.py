"""One table for all customers: forecasts by the estimates, or by draws of a posterior."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from salesops._core import clv as _core
from salesops._core.error import UsageError
from salesops._progress import warn
from salesops.clv._covariates import Design
from salesops.clv._data import Histories, histories
from salesops.clv._over_time import estimates as known
from salesops.clv._posterior import DRAWS, Posterior
from salesops.clv._spend import GammaGamma

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.clv._data import Source
    from salesops.clv._purchases import PurchaseModel
    from salesops.clv._units import Interval

    Floats = npt.NDArray[np.float64]

#: Models of which one call of the core is given the draws.
_AT_ONCE = 512
#: What the core says of a fit to one-time buyers alone, where no priors or l2 hold it.
_NOBODY = "no customer bought again"

Column = tuple[Any, Any, Any]


@dataclass
class Asked:
    """What is asked of each customer."""

    ahead: float | None
    rate: float
    level: float | None
    interval: Interval


class Money(NamedTuple):
    """Models of spend, the one each customer follows, and its mean spend, as the core takes them."""

    models: list[Any]
    of_row: npt.NDArray[np.uint32]
    x: Floats
    mean: Floats
    covariance: Floats
    draws: Floats

    @classmethod
    def of(
        cls, spend: GammaGamma | Posterior | None, source: Source, rows: int, together: bool = False
    ) -> Money:
        """Read what the model of spend needs; kinds of customers are drawn `together` for sums."""
        import numpy as np

        nothing = np.empty(0)
        codes = np.empty(0, dtype=np.uint32)
        if spend is None:
            return cls([], codes, nothing, nothing, nothing, nothing)
        model = spend._model if isinstance(spend, Posterior) else spend
        if not isinstance(model, GammaGamma):
            raise UsageError("spend= is a fitted so.clv.GammaGamma, or its posterior")
        x, mean = model._spend_of(source, rows)
        kinds, code = model._kinds(source)
        drawn = None
        if isinstance(spend, Posterior) or (together and len(kinds) > 1):
            drawn = spend_draws(spend)[1]
        found = [model._at(values) for values in kinds]
        covariance = draws = nothing
        if drawn is not None:
            draws = np.concatenate([model._drawn_at(values, drawn).ravel() for values in kinds])
        elif found[0][1] is not None:
            covariance = np.concatenate([np.ascontiguousarray(one).ravel() for _, one in found])
        return cls([own._core() for own, _ in found], code, x, mean, covariance, draws)

    def take(self, rows: Any) -> Money:
        """Some of the customers."""
        if not self.models:
            return self
        code = self.of_row[rows] if len(self.of_row) else self.of_row
        return self._replace(of_row=code, x=self.x[rows], mean=self.mean[rows])


def forecast(
    model: PurchaseModel,
    source: Source,
    asked: Asked,
    spend: GammaGamma | Posterior | None,
    drawn: Posterior | None = None,
) -> Any:
    """Forecast each customer; `PurchaseModel.predict` and `Posterior.predict` say how."""
    import numpy as np

    found = histories(source, model._opportunities)
    _check(model, asked, drawn)
    if isinstance(spend, Posterior) and drawn is None:
        raise UsageError("spend= of draws goes with draws of the purchases: ask posterior.predict")
    nothing = unknown(model, drawn)
    if nothing:
        model, asked = _as_known(model), replace(asked, interval="mean")
    money = Money.of(spend, source, len(found.x))
    design = model._design()
    if design is not None and design.over_time:
        made = _over_time(model, design, found, asked, money, drawn)
    else:
        kinds, code = model._kinds(source)
        made = _by_models(model, kinds, code, found, asked, money, drawn)
    names = ["p_alive", "expected_transactions"] + (["expected_spend", "clv"] if spend else [])
    if asked.ahead is None:
        names[1] = "discounted_transactions"
        made["discounted_transactions"] = made.pop("expected_transactions")
    result: dict[str, Any] = {}
    for name in names:
        value, low, high = made[name]
        if nothing and name != "expected_spend":
            low = high = np.full(len(value), np.nan)
        result[name] = value
        if asked.level:
            result |= {f"{name}_lo_{asked.level:g}": low, f"{name}_hi_{asked.level:g}": high}
    return source.like(result)


def total(
    model: PurchaseModel,
    source: Source,
    asked: Asked,
    spend: GammaGamma | Posterior | None,
    drawn: Posterior | None = None,
) -> dict[str, float]:
    """Sums over the customers; `PurchaseModel.total` says how."""
    import numpy as np

    found = histories(source, model._opportunities)
    _check(model, asked, drawn)
    nothing = unknown(model, drawn)
    if nothing:
        model = _as_known(model)
    design = model._design()
    money = Money.of(spend, source, len(found.x), together=True)
    if design is not None and design.over_time:
        point = made = _over_time(model, design, found, asked, money, drawn)
    else:
        kinds, code = model._kinds(source)
        point = _ask(model, kinds, code, found, replace(asked, level=None), money, None)
        made = point
        if asked.level:
            draws: Any = drawn
            if drawn is None and design is not None:  # one draw of the coefficients for all customers
                estimates = np.array(list(model._estimates.values()))
                draws = _normal_draws(estimates, model.identified_covariance_, len(model.parameters), 0)
            made = _ask(model, kinds, code, found, asked, money, draws)
    bought = "transactions" if asked.ahead is not None else "discounted_transactions"
    names = {"customers": "total_alive", bought: "total_transactions"}
    if spend is not None:
        names["clv"] = "total_clv"
    result: dict[str, float] = {}
    for name, key in names.items():
        result[name] = point[key][0] if drawn is None else made[key][0]
        if asked.level:
            low, high = f"{name}_lo_{asked.level:g}", f"{name}_hi_{asked.level:g}"
            result[low], result[high] = (math.nan, math.nan) if nothing else made[key][1:]
    return result


def _check(model: PurchaseModel, asked: Asked, drawn: Posterior | None) -> None:
    if asked.ahead is None and asked.rate == 0:
        raise UsageError(
            "horizon=None counts purchases without end; give discount='10% / year', or a horizon"
        )
    if asked.interval not in ("mean", "outcome"):
        width = "; how wide it is, level= says" if isinstance(asked.interval, int | float) else ""
        raise UsageError(f"interval is 'mean' or 'outcome', not {asked.interval!r}{width}")
    if asked.level and asked.interval == "mean" and drawn is None and not hasattr(model, "params_"):
        raise UsageError(
            "level= needs a fitted model: parameters that were given are taken as known for sure; "
            "interval='outcome' is of the customer's own chance"
        )


def unknown(model: PurchaseModel, drawn: Posterior | None = None) -> bool:
    """Whether the fit saw nobody buy again, so that no range holds; warn of it. Draws rest on priors."""
    if drawn is not None or getattr(model, "reason_", None) != _NOBODY:
        return False
    warn(
        f"{type(model).__name__} was fitted to customers of whom none bought again: how many are still there "
        "and will return is not known at all. The numbers are one guess of many that fit as well, and ranges "
        "(level=) are NaN; wait for purchases, or give priors="
    )
    return True


def _as_known(model: PurchaseModel) -> PurchaseModel:
    """The model without doubt about its parameters: draws of ones that may be anything are no numbers."""
    import numpy as np

    made = copy.copy(model)
    made.identified_covariance_ = np.zeros_like(model.identified_covariance_)
    return made


# ---- customers who keep their covariates ----


def _by_models(
    model: PurchaseModel,
    kinds: list[dict[str, float]],
    code: Any,
    found: Histories,
    asked: Asked,
    money: Money,
    drawn: Posterior | None,
) -> dict[str, Any]:
    """Each customer by the model that its covariates make; without any, all by one."""
    import numpy as np

    if drawn is None or len(kinds) <= _AT_ONCE:
        return _ask(model, kinds, code, found, asked, money, drawn)
    parts = []
    for begin in range(0, len(kinds), _AT_ONCE):
        rows = np.flatnonzero((code >= begin) & (code < begin + _AT_ONCE))
        own = found.take(rows)
        near = (code[rows] - begin).astype(np.uint32)
        made = _ask(model, kinds[begin : begin + _AT_ONCE], near, own, asked, money.take(rows), drawn)
        parts.append((rows, made))
    return _put_together(parts, len(found.x))


def _ask(
    model: PurchaseModel,
    kinds: list[dict[str, float]],
    code: Any,
    found: Histories,
    asked: Asked,
    money: Money,
    drawn: Posterior | Floats | None,
) -> dict[str, Any]:
    """`drawn`: draws of all parameters and coefficients instead of their covariance."""
    import numpy as np

    models = [model._at(values) for values in kinds]
    covariance = draws = np.empty(0)
    if drawn is not None:
        rows = drawn._thinned() if isinstance(drawn, Posterior) else drawn
        draws = np.concatenate([model._drawn_at(values, rows).ravel() for values in kinds])
    elif asked.level and hasattr(model, "params_"):
        covariance = np.concatenate([one.ravel() for _, one in models])
    made: dict[str, Any] = model._core_model.predict(
        [one._core() for one, _ in models],
        code,
        found.x,
        found.t_x,
        found.T,
        float("inf") if asked.ahead is None else asked.ahead,
        asked.rate,
        float(asked.level or 0),
        asked.interval == "outcome",
        covariance,
        draws,
        money,
        model.threads,
        None,
    )
    return made


def _put_together(parts: list[tuple[Any, dict[str, Any]]], rows: int) -> dict[str, Any]:
    import numpy as np

    whole: dict[str, Any] = {}
    for name in ("p_alive", "expected_transactions", "expected_spend", "clv"):
        columns = tuple(np.full(rows, np.nan) for _ in range(3))
        for where, made in parts:
            for column, part in zip(columns, made[name], strict=True):
                if len(part):
                    column[where] = part
        whole[name] = columns
    return whole


# ---- customers whose covariates change ----


def _over_time(
    model: PurchaseModel,
    design: Design,
    found: Histories,
    asked: Asked,
    money: Money,
    drawn: Posterior | None,
) -> dict[str, Any]:
    import numpy as np

    if asked.ahead is None or not 0 < asked.ahead < float("inf"):
        raise UsageError("covariates over time are known so far ahead only: give a horizon above 0")
    covariance = draws = np.empty(0)
    if drawn is not None:
        draws = drawn._thinned().ravel()
    elif asked.level:
        covariance = np.ascontiguousarray(model.identified_covariance_).ravel()
    made: dict[str, Any] = _core.predict_over_time(
        known(model, design),
        (found.x, found.t_x, found.T),
        design.laid_out(found.source, asked.ahead),
        asked.ahead,
        asked.rate,
        float(asked.level or 0),
        asked.interval == "outcome",
        covariance,
        draws,
        money,
        model.threads,
    )
    return made


def at_draws(model: Any, draws: Floats) -> Iterator[Any]:
    """The fitted model as it would be at each of some draws of all its parameters and coefficients."""
    for row in draws.tolist():
        yield model._with_estimates(row)


def spends_at_draws(spend: GammaGamma | Posterior) -> Iterator[Any]:
    """The model of spend at each of some draws; given parameters are known for sure."""
    if isinstance(spend, GammaGamma) and not hasattr(spend, "params_"):
        return repeat(spend)
    return at_draws(*spend_draws(spend))


def spend_draws(spend: GammaGamma | Posterior) -> tuple[GammaGamma, Floats]:
    """A model of spend, and draws of all its parameters and coefficients."""
    import numpy as np

    model = spend._model if isinstance(spend, Posterior) else spend
    if not isinstance(model, GammaGamma):
        raise UsageError("spend= is a fitted so.clv.GammaGamma, or its posterior")
    if isinstance(spend, Posterior):
        return model, spend._thinned()
    estimates = np.array(list(model._estimates.values()))
    return model, _normal_draws(estimates, model.identified_covariance_, len(model.parameters), 1)


def _normal_draws(values: Floats, covariance: Floats, positive: int, stream: int) -> Floats:
    """Draws from the normal distribution of estimates, of the first `positive` of their logarithms."""
    import numpy as np

    scale = np.concatenate([values[:positive], np.ones(len(values) - positive)])
    of_logs = covariance / np.outer(scale, scale)
    size, directions = np.linalg.eigh(of_logs)
    normals = np.random.Generator(np.random.Philox(key=[0, stream])).standard_normal((DRAWS, len(values)))
    shifts = normals @ (directions * np.sqrt(np.maximum(size, 0))).T
    return np.concatenate(
        [values[:positive] * np.exp(shifts[:, :positive]), values[positive:] + shifts[:, positive:]], axis=1
    )
