"""One table for all customers: forecasts by the estimates, or by draws of a posterior."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from salesops._core import clv as _core
from salesops._core.error import UsageError
from salesops.clv._covariates import Design
from salesops.clv._data import Histories, histories
from salesops.clv._posterior import DRAWS, Posterior
from salesops.clv._spend import GammaGamma

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.clv._data import Source
    from salesops.clv._purchases import PurchaseModel

    Floats = npt.NDArray[np.float64]

#: Models of which one call of the core is given the draws.
_AT_ONCE = 512
#: Customers whose forecasts by all draws are held at once.
_BLOCK = 8192

Column = tuple[Any, Any, Any]


@dataclass
class Asked:
    """What is asked of each customer."""

    ahead: float | None
    rate: float
    level: float | None
    interval: str


class Money(NamedTuple):
    """Mean spend of each customer and the model it is judged by, as the core takes them."""

    model: Any
    x: Floats
    mean: Floats
    covariance: Floats
    draws: Floats

    @classmethod
    def of(cls, spend: GammaGamma | Posterior | None, source: Source, rows: int) -> list[tuple[Any, Money]]:
        """Read what the model of spend needs: rows that share covariates, each with their own."""
        import numpy as np

        nothing, everyone = np.empty(0), np.arange(rows)
        if spend is None:
            return [(everyone, cls(None, nothing, nothing, nothing, nothing))]
        drawn = spend if isinstance(spend, Posterior) else None
        model = spend._model if isinstance(spend, Posterior) else spend
        if not isinstance(model, GammaGamma):
            raise UsageError("spend= is a fitted so.clv.GammaGamma, or its posterior")
        x, mean = model._spend_columns(source, rows)
        kinds, code = model._kinds(source)
        parts = []
        for place, values in enumerate(kinds):
            own, covariance = model._at(values)
            known = nothing if covariance is None else np.ascontiguousarray(covariance).ravel()
            draws = model._drawn_at(values, drawn._thinned()).ravel() if drawn else nothing
            where = np.flatnonzero(code == place) if len(code) else everyone
            parts.append((where, cls(own._core(), x[where], mean[where], known, draws)))
        return parts

    def take(self, rows: Any) -> Money:
        """Some of the customers."""
        return self if self.model is None else self._replace(x=self.x[rows], mean=self.mean[rows])


def forecast(
    model: PurchaseModel,
    source: Source,
    asked: Asked,
    spend: GammaGamma | Posterior | None,
    drawn: Posterior | None = None,
) -> Any:
    """Forecast each customer; `PurchaseModel.predict` and `Posterior.predict` say how."""
    found = histories(source, model._opportunities)
    _check(model, asked, drawn)
    if isinstance(spend, Posterior) and drawn is None:
        raise UsageError("spend= of draws goes with draws of the purchases: ask posterior.predict")
    monies = Money.of(spend, source, len(found.x))
    design = model._design()
    if design is not None and design.over_time:
        if len(monies) > 1:
            raise UsageError("spend with covariates goes with purchases whose covariates don't change")
        made = _over_time(model, design, found, asked, monies[0][1], drawn)
    else:
        kinds, code = model._kinds(source)
        parts = []
        for rows, money in monies:
            own = code[rows] if len(code) else code
            parts.append((rows, _by_models(model, kinds, own, found.take(rows), asked, money, drawn)))
        made = parts[0][1] if len(parts) == 1 else _put_together(parts, len(found.x))
    names = ["p_alive", "expected_transactions"] + (["expected_spend", "clv"] if spend else [])
    if asked.ahead is None:
        names[1] = "discounted_transactions"
        made["discounted_transactions"] = made.pop("expected_transactions")
    result: dict[str, Any] = {}
    for name in names:
        value, low, high = made[name]
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
    design = model._design()
    monies = Money.of(spend, source, len(found.x))
    if len(monies) > 1 or (design is not None and design.over_time):
        raise UsageError("total: not with covariates over time or of spend; add up predict's columns")
    kinds, code = model._kinds(source)
    point = _ask(model, kinds, code, found, replace(asked, level=None), monies[0][1], None)
    made = point
    if asked.level:
        draws: Any = drawn
        if drawn is None and design is not None:  # one draw of the coefficients for all customers
            estimates = np.array(list(model._estimates.values()))
            draws = _normal_draws(estimates, model.covariance_, len(model.parameters), 0)
        made = _ask(model, kinds, code, found, asked, monies[0][1], draws)
    bought = "transactions" if asked.ahead is not None else "discounted_transactions"
    names = {"customers": "total_alive", bought: "total_transactions"}
    if spend is not None:
        names["clv"] = "total_clv"
    result: dict[str, float] = {}
    for name, key in names.items():
        result[name] = point[key][0] if drawn is None else made[key][0]
        if asked.level:
            low, high = f"{name}_lo_{asked.level:g}", f"{name}_hi_{asked.level:g}"
            result[low], result[high] = made[key][1:]
    return result


def _check(model: PurchaseModel, asked: Asked, drawn: Posterior | None) -> None:
    if asked.ahead is None and asked.rate == 0:
        raise UsageError(
            "horizon=None counts purchases without end; give discount='10% / year', or a horizon"
        )
    if asked.interval not in ("mean", "outcome"):
        raise UsageError(f"interval is 'mean' or 'outcome', not {asked.interval!r}")
    if asked.level and asked.interval == "mean" and drawn is None and not hasattr(model, "params_"):
        raise UsageError(
            "level= needs a fitted model: parameters that were given are taken as known for sure; "
            "interval='outcome' is of the customer's own chance"
        )


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
        *money,
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


def answers_over_time(
    model: PurchaseModel, design: Design, found: Histories, ahead: float, rate: float
) -> dict[str, Floats]:
    """P(alive), expected and discounted purchases by the estimates."""
    laid = design.laid_out(found.source, ahead)
    return _asked_over_time(model, design, laid, found, ahead, rate, list(model._estimates.values()))


def _asked_over_time(
    model: PurchaseModel,
    design: Design,
    laid: Any,
    found: Histories,
    ahead: float,
    rate: float,
    estimates: list[float],
) -> dict[str, Floats]:
    by_name = dict(zip(model._estimates, estimates, strict=True))
    core = model._core_model([by_name[name] for name in model.parameters])
    buys, leaves = (design.coefficients(by_name, process) for process in ("transaction", "dropout"))
    made = _core.predict_over_time(
        core, buys, leaves, found.x, found.t_x, found.T, laid, ahead, rate, model.threads
    )
    return {
        "p_alive": made["p_alive"][0],
        "expected_transactions": made["expected_transactions"][0],
        "discounted": made["discounted_transactions"],
    }


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
    if asked.level and asked.interval == "outcome":
        raise UsageError("with covariates over time intervals are of the mean: leave interval='mean'")
    point = answers_over_time(model, design, found, asked.ahead, asked.rate)
    if money.model is not None:
        point["expected_spend"] = money.model.expected_spend([money.x, money.mean], model.threads)
        point["clv"] = point["expected_spend"] * point["discounted"]
    if not asked.level:
        return {name: (values, None, None) for name, values in point.items()}
    whole = {name: (values, *np.full((2, len(values)), np.nan)) for name, values in point.items()}
    if drawn is not None:
        estimates: Floats | None = drawn._thinned()
    else:
        of = np.array(list(model._estimates.values()))
        estimates = _normal_draws(of, model.covariance_, len(model.parameters), 0)
    if estimates is None:
        return whole
    spends = _spends(money)
    for rows, part in _blocks(found):
        laid = design.laid_out(part.source, asked.ahead, rows)
        draws: dict[str, list[Floats]] = {name: [] for name in point}
        for one, spend in zip(estimates.tolist(), spends, strict=True):
            made = _asked_over_time(model, design, laid, part, asked.ahead, asked.rate, one)
            if spend is not None:
                made["expected_spend"] = spend.expected_spend(
                    [money.x[rows], money.mean[rows]], model.threads
                )
                made["clv"] = made["expected_spend"] * made["discounted"]
            for name, answer in made.items():
                draws[name].append(answer)
        tail = 0.5 - asked.level / 200
        for name, columns in whole.items():
            values = np.array(draws[name])
            if drawn is not None:
                columns[0][rows] = values.mean(axis=0)
            columns[1][rows], columns[2][rows] = np.quantile(values, [tail, 1 - tail], axis=0)
    return whole


def _blocks(found: Histories) -> Iterator[tuple[Any, Histories]]:
    import numpy as np

    for begin in range(0, len(found.x), _BLOCK):
        rows = np.arange(begin, min(begin + _BLOCK, len(found.x)))
        yield rows, found.take(rows)


def _normal_draws(values: Floats, covariance: Floats, positive: int, stream: int) -> Floats | None:
    """Draws from the normal distribution of estimates, of the first `positive` of their logarithms.

    None where the covariance is unknown.
    """
    import numpy as np

    scale = np.concatenate([values[:positive], np.ones(len(values) - positive)])
    of_logs = covariance / np.outer(scale, scale)
    if not np.isfinite(of_logs).all():
        return None
    size, directions = np.linalg.eigh(of_logs)
    normals = np.random.Generator(np.random.Philox(key=[0, stream])).standard_normal((DRAWS, len(values)))
    shifts = normals @ (directions * np.sqrt(np.maximum(size, 0))).T
    return np.concatenate(
        [values[:positive] * np.exp(shifts[:, :positive]), values[positive:] + shifts[:, positive:]], axis=1
    )


def _spends(money: Money) -> list[Any]:
    """A model of spend a draw."""
    import numpy as np

    if money.model is None:
        return [None] * DRAWS
    values = np.array(money.model.values)
    drawn: Floats | None = np.tile(values, (DRAWS, 1))
    if len(money.draws):
        drawn = money.draws.reshape(DRAWS, 3)
    elif len(money.covariance):
        drawn = _normal_draws(values, money.covariance.reshape(3, 3), 3, 1)
    nothing = [np.full(3, np.nan)] * DRAWS
    return [_core.GammaGamma(list(row)) for row in (nothing if drawn is None else drawn)]
