"""One table for all customers: forecasts by the estimates, or by draws of a posterior."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
    def of(cls, spend: GammaGamma | Posterior | None, source: Source, rows: int) -> Money:
        """Read the columns that the model of spend needs."""
        import numpy as np

        nothing = np.empty(0)
        if spend is None:
            return cls(None, nothing, nothing, nothing, nothing)
        drawn = spend if isinstance(spend, Posterior) else None
        model = spend._model if isinstance(spend, Posterior) else spend
        if not isinstance(model, GammaGamma):
            raise UsageError("spend= is a fitted so.clv.GammaGamma, or its posterior")
        x, mean = model._spend_columns(source, rows)
        covariance = model.covariance_.ravel() if hasattr(model, "params_") else nothing
        draws = drawn._thinned().ravel() if drawn else nothing
        return cls(model._core(), x, mean, np.ascontiguousarray(covariance), draws)

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
    money = Money.of(spend, source, len(found.x))
    design = model._design()
    if design is not None and design.over_time:
        made = _over_time(model, design, found, asked, money, drawn)
    else:
        made = _by_models(model, found, asked, money, drawn)
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
    model: PurchaseModel, found: Histories, asked: Asked, money: Money, drawn: Posterior | None
) -> dict[str, Any]:
    """Each customer by the model that its covariates make; without any, all by one."""
    import numpy as np

    kinds, code = model._kinds(found.source)
    if drawn is None or len(kinds) <= _AT_ONCE:
        return _ask(model, kinds, code, found, asked, money, drawn)
    parts = []
    for begin in range(0, len(kinds), _AT_ONCE):
        rows = np.flatnonzero((code >= begin) & (code < begin + _AT_ONCE))
        own = Histories(found.x[rows], found.t_x[rows], found.T[rows], found.source)
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
    drawn: Posterior | None,
) -> dict[str, Any]:
    import numpy as np

    models = [model._at(values) for values in kinds]
    covariance = draws = np.empty(0)
    if drawn is not None:
        rows = drawn._thinned()
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
        yield rows, Histories(found.x[rows], found.t_x[rows], found.T[rows], found.source)


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
