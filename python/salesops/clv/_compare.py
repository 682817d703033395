"""How models do on a holdout, side by side."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

from salesops import _frame
from salesops._core.error import UsageError
from salesops.clv._data import Source, equal_lengths, histories
from salesops.clv._models import BGBB, BGCNBD, BGNBD, MBGCNBD, MBGNBD, NBD, GGompertzNBD, ParetoNBD
from salesops.clv._purchases import PurchaseModel
from salesops.clv._units import in_unit

MODELS: dict[str, type[PurchaseModel]] = {
    "nbd": NBD,
    "bg": BGNBD,
    "mbg": MBGNBD,
    "pareto": ParetoNBD,
    "bgbb": BGBB,
    "bg_cnbd": BGCNBD,
    "mbg_cnbd": MBGCNBD,
    "ggompertz": GGompertzNBD,
}


def evaluate(
    model: PurchaseModel,
    data: Any,
    *,
    holdout: str | float | None = None,
    columns: Mapping[str, str] | None = None,
) -> dict[str, float]:
    """Compare a model's forecast with what the customers bought in the holdout.

    Parameters
    ----------
    model
        A fitted model.
    data
        An `Rfm` with a holdout, or a frame with a column holdout_frequency (or those of lifetimes and
        pymc-marketing).
    holdout
        Length of the holdout, where the data don't tell it.

    Returns
    -------
    dict
        actual and expected purchases in all, bias = expected ÷ actual − 1, and by customer the mean absolute
        error mae and the root mean square error rmse.
    """
    import numpy as np

    source = Source(data, {}, columns, ())
    found = histories(source, model._opportunities)
    if not source.has("holdout_frequency"):
        raise UsageError("the data have no holdout: make them with calibration_end= and holdout_end=")
    actual = source.column("holdout_frequency")
    equal_lengths({source.name("holdout_frequency"): actual, source.name("frequency"): found.x})
    if not np.isfinite(actual).all():
        raise UsageError(f"column '{source.name('holdout_frequency')}' has rows without a number")
    ahead: Any = source.holdout_duration
    if holdout is not None:
        ahead = in_unit(
            holdout, getattr(model, "unit_", None) or source.unit, "holdout", model._opportunities
        )
    elif ahead is None and source.has("holdout_duration"):
        ahead = source.column("holdout_duration")
    if ahead is None:
        raise UsageError("say how long the holdout is: holdout='39 weeks', or a number in the unit of T")
    expected = model._of_rows(source, "expected_transactions", ahead, found.x, found.t_x, found.T)
    error = expected - actual
    total = float(actual.sum())
    return {
        "actual": total,
        "expected": float(expected.sum()),
        "bias": float(expected.sum()) / total - 1 if total else math.nan,
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
    }


class Comparison:
    """Models side by side, the smallest AIC first; prints as a table."""

    def __init__(self, models: list[PurchaseModel], columns: dict[str, list[Any]], source: Any) -> None:
        self.models = models
        self._table = _frame.from_columns(columns)
        self._source = source

    def to_frame(self) -> Any:
        """Give the table as the kind of frame that the data came in."""
        return _frame.like(self._table, self._source)

    def __repr__(self) -> str:
        return repr(self._table)

    def __str__(self) -> str:
        return str(self._table)

    def _repr_html_(self) -> str:
        notes = "".join(
            f"<p>{html.escape(f'{type(m).__name__}: {note}')}</p>" for m in self.models for note in m.notes_
        )
        return _frame.to_html(self._table) + notes


def compare(
    data: Any,
    models: Sequence[str | PurchaseModel | type[PurchaseModel]] = ("nbd", "bg", "mbg", "pareto"),
    *,
    holdout: str | float | None = None,
    columns: Mapping[str, str] | None = None,
) -> Comparison:
    """Fit models on the same customers and put them side by side.

    Parameters
    ----------
    data
        As for `fit`; with a holdout the errors on it are shown too.
    models
        Names (nbd, bg, mbg, pareto, bgbb, bg_cnbd, mbg_cnbd, ggompertz), classes, or models with settings;
        fitted ones are taken as they are.
    holdout
        Length of the holdout, where the data don't tell it.

    Notes
    -----
    Log-likelihoods are of the same purchase times, so AIC and BIC compare across models; not with BGBB,
    whose data are counts of opportunities.
    """
    fitted = [_fitted(model, data, columns) for model in models]
    if not fitted:
        raise UsageError("models: name at least one")
    fitted.sort(key=lambda model: model.aic_)
    made: dict[str, list[Any]] = {
        "model": [type(model).__name__ for model in fitted],
        "parameters": [len(model.standard_errors_) for model in fitted],
        "log_likelihood": [model.log_likelihood_ for model in fitted],
        "aic": [model.aic_ for model in fitted],
        "bic": [model.bic_ for model in fitted],
        "converged": [model.converged_ for model in fitted],
    }
    source = Source(data, {}, columns, ())
    if source.has("holdout_frequency"):
        scores = [evaluate(model, data, holdout=holdout, columns=columns) for model in fitted]
        made |= {f"holdout_{name}": [score[name] for score in scores] for name in ("bias", "mae", "rmse")}
    elif holdout is not None:
        raise UsageError("holdout= was given, but the data have no column holdout_frequency")
    return Comparison(fitted, made, getattr(data, "source", data))


def _fitted(model: Any, data: Any, columns: Mapping[str, str] | None) -> PurchaseModel:
    if isinstance(model, str):
        if model not in MODELS:
            raise UsageError(f"models: no {model!r}; there are {', '.join(MODELS)}")
        model = MODELS[model]
    if isinstance(model, type) and issubclass(model, PurchaseModel):
        model = model()
    if not isinstance(model, PurchaseModel):
        raise UsageError("models: names, classes or models of repeat purchases")
    return model if hasattr(model, "params_") else model.clone().fit(data, columns=columns)
