"""How models do on a holdout, side by side."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._arguments import checked
from salesops._core.error import UsageError
from salesops.clv._data import Histories, Source, equal_lengths, histories, of_model
from salesops.clv._models import (
    BGBB,
    BGCNBD,
    BGNBD,
    MBGCNBD,
    MBGNBD,
    NBD,
    GGompertzNBD,
    ParetoNBD,
    SarmanovParetoNBD,
)
from salesops.clv._purchases import PurchaseModel
from salesops.clv._rfm import Rfm, day_of
from salesops.clv._tracking import actual_by, ends_of, tracking_error
from salesops.clv._units import Length, in_unit

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops._core.table import Table

MEASURES = ("mae", "rmse", "bias", "tracking")
MODELS: dict[str, type[PurchaseModel]] = {
    "nbd": NBD,
    "bg": BGNBD,
    "mbg": MBGNBD,
    "pareto": ParetoNBD,
    "sarmanov": SarmanovParetoNBD,
    "bgbb": BGBB,
    "bg_cnbd": BGCNBD,
    "mbg_cnbd": MBGCNBD,
    "ggompertz": GGompertzNBD,
}


@checked
def evaluate(
    model: PurchaseModel,
    data: Any,
    *,
    holdout: Length | None = None,
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

    _, actual, expected = forecast_of(model, Source(data, {}, columns, ()), holdout)
    error = expected - actual
    total = float(actual.sum())
    return {
        "actual": total,
        "expected": float(expected.sum()),
        "bias": float(expected.sum()) / total - 1 if total else math.nan,
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
    }


def forecast_of(
    model: PurchaseModel, source: Source, holdout: Length | None
) -> tuple[Histories, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Histories, purchases in the holdout, and those expected."""
    import numpy as np

    if not isinstance(model, PurchaseModel):
        raise UsageError(f"model: need a model of purchases, not {type(model).__name__}")
    of = of_model(model, source)
    found = histories(source, model._opportunities)
    if not source.has("holdout_frequency"):
        raise UsageError("the data have no holdout: make them with calibration_end= and holdout_end=")
    actual = source.column("holdout_frequency")
    equal_lengths({source.name("holdout_frequency"): actual, source.name("frequency"): found.x})
    if not np.isfinite(actual).all():
        raise UsageError(f"column '{source.name('holdout_frequency')}' has rows without a number")
    ahead: Any = source.holdout_duration
    if holdout is not None:
        ahead = in_unit(holdout, of, "holdout", model._opportunities)
    elif ahead is None and source.has("holdout_duration"):
        ahead = source.column("holdout_duration")
    if ahead is None:
        raise UsageError("say how long the holdout is: holdout='39 weeks', or a number in the unit of T")
    return found, actual, model._of_rows(source, "expected_transactions", ahead, found.x, found.t_x, found.T)


def stacked(table: Table, width: int = 80) -> str:
    """The rows, in as many tables one above the other as keep within the width; each names its rows."""
    first, *others = table.names
    texts, taken = [], [first]
    for name in others:
        if len(taken) > 1 and max(map(len, table.select([*taken, name]).to_text().splitlines())) > width:
            texts.append(table.select(taken).to_text())
            taken = [first]
        taken.append(name)
    return "\n".join([*texts, table.select(taken).to_text()])


class Comparison:
    """Models side by side, the smallest AIC first; prints as a table."""

    def __init__(self, models: list[PurchaseModel], columns: dict[str, list[Any]], source: Any) -> None:
        self.models = models
        self._table = _frame.from_columns(columns)
        self._source = _frame.empty_like(source)

    def to_frame(self) -> Any:
        """Give the table as the kind of frame that the data came in."""
        return _frame.like(self._table, self._source)

    @property
    def notes(self) -> list[str]:
        """Which rows of the table don't compare with the others, and why."""
        return [
            f"{type(model).__name__} is not comparable by likelihood, AIC and BIC: the data lack "
            "sum_log_gaps (so.clv.rfm makes it)"
            for model in self.models
            if not model._comparable()
        ]

    def __repr__(self) -> str:
        return "\n".join([stacked(self._table), *self.notes])

    def _repr_html_(self) -> str:
        notes = [f"{type(m).__name__}: {note}" for m in self.models for note in m.notes_]
        return _frame.to_html(self._table) + "".join(
            f"<p>{html.escape(note)}</p>" for note in [*self.notes, *notes]
        )


@checked
def compare(
    data: Any,
    models: Sequence[str | PurchaseModel | type[PurchaseModel]] = ("nbd", "bg", "mbg", "pareto"),
    *,
    covariates: Sequence[str] = (),
    dropout_covariates: Sequence[str] = (),
    equal: Sequence[str] = (),
    holdout: Length | None = None,
    columns: Mapping[str, str] | None = None,
) -> Comparison:
    """Fit models on the same customers and put them side by side.

    Parameters
    ----------
    data
        As for `fit`; with a holdout the errors on it are shown too.
    models
        Names (nbd, bg, mbg, pareto, sarmanov, bgbb, bg_cnbd, mbg_cnbd, ggompertz, or those of the classes),
        classes, or models with settings; fitted ones are taken as they are.
    covariates, dropout_covariates, equal
        As for `fit`, for all models that take such columns; the others are fitted without.
    holdout
        Length of the holdout, where the data don't tell it.

    Notes
    -----
    Log-likelihoods are of the same purchase times, so AIC and BIC compare across models; not with BGBB,
    whose data are counts of opportunities. Those of a CNBD-k model with k > 1 are NaN, and it comes last,
    where the data lack sum_log_gaps: they would be of something else. On a holdout: bias = expected ÷ actual
    − 1 of all purchases, mae and rmse by customer, and, of an `Rfm`, tracking: the mean absolute error of the
    cumulative purchases by week, as a share of the actual (`tracking`).
    """
    asked = _Terms(covariates, dropout_covariates, equal)
    fitted = [_fitted(model, data, columns, asked) for model in models]
    if not fitted:
        raise UsageError("models: name at least one")
    fitted.sort(key=lambda model: model.aic_ if model._comparable() else math.inf)
    made: dict[str, list[Any]] = {
        "model": [type(model).__name__ for model in fitted],
        "parameters": [len(model.standard_errors_) for model in fitted],
        "log_likelihood": [model.log_likelihood_ if model._comparable() else math.nan for model in fitted],
        "aic": [model.aic_ if model._comparable() else math.nan for model in fitted],
        "bic": [model.bic_ if model._comparable() else math.nan for model in fitted],
        "converged": [model.converged_ for model in fitted],
    }
    made |= _named_covariates(fitted)
    source = Source(data, {}, columns, ())
    if source.has("holdout_frequency"):
        scores = [evaluate(model, data, holdout=holdout, columns=columns) for model in fitted]
        made |= {f"holdout_{name}": [score[name] for score in scores] for name in ("bias", "mae", "rmse")}
        if isinstance(data, Rfm) and not data.discrete:
            made["holdout_tracking"] = _tracking(fitted, data)
    elif holdout is not None:
        raise UsageError("holdout= was given, but the data have no column holdout_frequency")
    return Comparison(fitted, made, getattr(data, "source", data))


@dataclass
class _Terms:
    """Columns of customers, and of which process."""

    covariates: Sequence[str] = ()
    dropout_covariates: Sequence[str] = ()
    equal: Sequence[str] = ()

    def of(self, model: PurchaseModel, data: Any) -> dict[str, Any]:
        """What a model can take: all, those that never change, or none; a fitted one keeps its own."""
        if hasattr(model, "params_"):
            design = model._design()
            return {} if design is None else _Terms(design.transaction, design.dropout, design.equal)._all()
        if not model._dropout:
            return {}
        timeline = getattr(data, "_timeline", None)
        changing = set() if timeline is None or model._follows else set(timeline.names)
        kept = {name: [c for c in columns if c not in changing] for name, columns in self._all().items()}
        return kept if any(kept.values()) else {}

    def _all(self) -> dict[str, Any]:
        return {name: list(getattr(self, name)) for name in ("covariates", "dropout_covariates", "equal")}


def _named_covariates(models: list[PurchaseModel]) -> dict[str, list[str]]:
    """The columns that each model reads, where one reads any."""
    designs = [model._design() for model in models]
    if all(design is None for design in designs):
        return {}
    return {"covariates": ["" if design is None else ", ".join(design.levels) for design in designs]}


class Selection(Comparison):
    """The model that a first holdout chose, refitted, and what a second holdout says of all."""

    @property
    def best(self) -> PurchaseModel:
        """The chosen model, fitted to all before the second holdout."""
        return self.models[0]


@checked
def select(
    rows: Rfm,
    models: Sequence[str | PurchaseModel | type[PurchaseModel]] = ("nbd", "bg", "mbg", "pareto"),
    *,
    by: str = "mae",
    covariates: Sequence[str] = (),
    dropout_covariates: Sequence[str] = (),
    equal: Sequence[str] = (),
    report_end: Any = None,
) -> Selection:
    """Choose a model on one holdout and report on a later one, which had no say in the choice.

    The models are fitted up to `calibration_end` and judged until `holdout_end`; all are fitted anew up to
    there and judged once more on what came after. The first row is the chosen one.

    Parameters
    ----------
    rows
        An `Rfm` with a holdout, and transactions after it.
    models
        Names, classes, or models with settings, as for `compare`; fitted ones are fitted anew, with the
        covariates they have. So one model may stand there with and without.
    by
        What is smallest in the choice: ``mae``, ``rmse``, ``tracking``, or ``bias`` in size.
    covariates, dropout_covariates, equal
        As for `fit`, for all models that take such columns and are not fitted yet.
    report_end
        Last day of the second holdout; by default the last day in the transactions.
    """
    if by not in MEASURES:
        raise UsageError(f"by is one of {', '.join(MEASURES)}, not {by!r}")
    if not isinstance(rows, Rfm) or not rows.holdout_duration:
        raise UsageError("select needs the Rfm of so.clv.rfm(…, calibration_end=, holdout_end=)")
    asked = _Terms(covariates, dropout_covariates, equal)
    given = [_kind(model) for model in models]
    terms = [asked.of(model, rows) for model in given]
    kinds = [model.clone() for model in given]
    if not kinds:
        raise UsageError("models: name at least one")
    later = rows._again(
        calibration_end=rows.holdout_end,
        holdout_end=report_end if rows._core.by_minute else day_of(report_end, "report_end"),
        to_end=True,
    )
    if not later.holdout_duration:
        raise UsageError(
            f"there are no transactions after holdout_end {rows.holdout_end}: end the first holdout earlier"
        )
    first = [model.clone().fit(rows, **own) for model, own in zip(kinds, terms, strict=True)]
    again = [model.fit(later, **own) for model, own in zip(kinds, terms, strict=True)]
    scores = _scores(first, rows)
    judged = _scores(again, later)
    worth = [abs(value) if value is not None else math.inf for value in scores[by]]
    order = sorted(range(len(kinds)), key=worth.__getitem__)
    made: dict[str, list[Any]] = {
        "model": [type(again[i]).__name__ for i in order],
        "chosen": [i == order[0] for i in order],
        **{f"holdout_{name}": [scores[name][i] for i in order] for name in MEASURES},
        **{f"report_{name}": [judged[name][i] for i in order] for name in MEASURES},
    }
    ordered = [again[i] for i in order]
    return Selection(ordered, made | _named_covariates(ordered), rows.source)


def _scores(models: list[PurchaseModel], rows: Rfm) -> dict[str, list[Any]]:
    judged = [evaluate(model, rows) for model in models]
    found: dict[str, list[Any]] = {name: [one[name] for one in judged] for name in ("mae", "rmse", "bias")}
    return found | {"tracking": _tracking(models, rows)}


def _tracking(models: list[PurchaseModel], rows: Rfm) -> list[float | None]:
    ends = ends_of(rows, "week")
    actual = actual_by(rows, ends)
    return [tracking_error(model, rows, ends, actual) for model in models]


def _kind(model: Any) -> PurchaseModel:
    if isinstance(model, str):
        classes = {kind.__name__: kind for kind in MODELS.values()}
        if model not in MODELS | classes:
            raise UsageError(f"models: no {model!r}; there are {', '.join([*MODELS, *classes])}")
        model = (MODELS | classes)[model]
    if isinstance(model, type) and issubclass(model, PurchaseModel):
        model = model()
    if not isinstance(model, PurchaseModel):
        raise UsageError("models: names, classes or models of repeat purchases")
    return model


def _fitted(model: Any, data: Any, columns: Mapping[str, str] | None, asked: _Terms) -> PurchaseModel:
    found = _kind(model)
    if hasattr(found, "params_"):
        return found
    return found.clone().fit(data, columns=columns, **asked.of(found, data))
