"""Crowds of customers that behave as a model says."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from salesops._arguments import listed
from salesops._core import clv as _core
from salesops._core.error import UsageError
from salesops.clv import _over_time
from salesops.clv._data import Source, is_column, numbers, of_model
from salesops.clv._rfm import Rfm, day_of, end_of
from salesops.clv._units import BELOW_A_DAY, unit_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.clv._purchases import PurchaseModel
    from salesops.clv._spend import GammaGamma

    Columns = dict[str, npt.NDArray[Any]]


def drawn(model: PurchaseModel, rows: Any, T: Any, horizon: float, seed: int, times: bool) -> Columns:
    """Customers seen for `T`; without it for the times that the rows hold, or are."""
    import numpy as np

    if isinstance(rows, (int, float, np.number)):
        raise UsageError("T: one length a customer, such as [52] * 1000, not a number alone")
    design = model._design()
    source = None if rows is None or is_column(rows) else Source(rows, {}, None, ())
    if source is None and design is not None:
        raise UsageError("T: a model with covariates draws the customers of rows that have them")
    if T is None:
        if source is not None:
            of_model(model, source)
        T = source.column("T") if source is not None else numbers(rows, "T")
    if design is None or source is None:
        keys = np.empty(0, dtype=np.uint64)
        made: Columns = model._core().simulate(T, keys, horizon, seed, model.threads, times)
        return made
    if design.over_time:
        ahead = float(np.max(T + horizon - source.column("T"), initial=0.0))
        laid = design.laid_out(source, ahead)
        told = _over_time.estimates(model, design)
        return _core.simulate_over_time(told, T, laid, horizon, seed, model.threads, times)
    kinds, code = model._kinds(source)
    parts = []
    for place, values in enumerate(kinds):
        own = np.flatnonzero(code == place)
        core = model._at(values)[0]._core()
        part = core.simulate(T[own], own.astype(np.uint64), horizon, seed, model.threads, times)
        parts.append((own, part))
    return _together(parts, len(code))


def _together(parts: list[tuple[Any, Columns]], rows: int) -> Columns:
    """Columns of some customers each, put in the order of all."""
    import numpy as np

    whole: Columns = {}
    for name, column in parts[0][1].items():
        if name in ("times", "first"):
            continue
        whole[name] = np.empty(rows, dtype=column.dtype)
        for own, part in parts:
            whole[name][own] = part[name]
    if "times" not in parts[0][1]:
        return whole
    each = np.zeros(rows, dtype=np.int64)
    for own, part in parts:
        each[own] = _counts(part)
    who = np.concatenate([np.repeat(own, _counts(part)) for own, part in parts])
    times = np.concatenate([part["times"] for _, part in parts])
    whole["times"] = times[np.argsort(who, kind="stable")]
    whole["first"] = np.concatenate([[0], np.cumsum(each)]).astype(np.uintp)
    return whole


def _counts(made: Columns) -> npt.NDArray[np.int64]:
    """Purchases of each customer."""
    first: npt.NDArray[np.int64] = made["first"].astype("int64")
    return first[1:] - first[:-1]


def _last(until: str | dt.date, tick: str) -> Any:
    """The last day, or minute, of a log."""
    import numpy as np

    end = end_of(until, "until") if tick == "m" else (day_of(until, "until"), 0)
    if end is None or end[0] is None:
        raise UsageError("until: need a day")
    day, minute = end
    last = np.datetime64(day, "D")
    return last + np.timedelta64(minute, "m") if tick == "m" else last


def transactions(
    model: PurchaseModel,
    first: Any,
    until: str | dt.date,
    spend: GammaGamma | None,
    unit: str | None,
    seed: int,
) -> Columns:
    """A log of all purchases; `PurchaseModel.simulate_transactions` says how."""
    import numpy as np

    of = getattr(model, "unit_", None) or unit_of(unit)
    if of is None or model._opportunities:
        raise UsageError("transactions need a model of time with a unit: give unit='week'")
    rows = first if isinstance(first, Rfm) else None
    if rows is None and model._design() is not None:
        raise UsageError("first: a model with covariates draws the customers of rows that have them")
    tick = "m" if of in BELOW_A_DAY else "D"
    try:
        days = np.array(
            listed(first, "first") if rows is None else rows["first_purchase"], dtype=f"datetime64[{tick}]"
        )
    except (TypeError, ValueError) as error:
        raise UsageError("first: need dates, or texts such as '1997-09-30'") from error
    last = _last(until, tick)
    if not (days <= last).all():
        raise UsageError("first: a customer was won after until")
    if spend is not None and not hasattr(spend, "simulate_amounts"):
        raise UsageError(f"spend: need a GammaGamma, not {type(spend).__name__}")
    length = _core.days_in(of) * (24 * 60 if tick == "m" else 1)
    made = drawn(model, rows, (last - days).astype(float) / length, 0.0, seed, True)
    each = _counts(made)
    again = np.repeat(days, each) + np.floor(made["times"] * length).astype(f"timedelta64[{tick}]")
    who = np.arange(len(days))
    customer = np.concatenate([who, np.repeat(who, each)])
    time = np.concatenate([days, again])
    order = np.lexsort((time, customer))
    names = who if rows is None else rows.table.column("customer").to_numpy()
    log: Columns = {"customer": names[customer[order]], "time": time[order]}
    if spend is not None:
        source = None if rows is None else Source(rows, {}, None, ())
        log["amount"] = spend._amounts(each + 1, seed, spend._scales(source, len(days)))
    return log
