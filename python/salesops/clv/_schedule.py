"""Lifetime value spread over the periods in which it will come."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._core import clv as _core
from salesops._core.error import UsageError
from salesops._core.table import Table
from salesops.calendar import FiscalCalendar, Period
from salesops.clv import _forecast, _posterior
from salesops.clv._rfm import Rfm, day_of, split_day
from salesops.clv._units import BELOW_A_DAY

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.clv._data import Histories, Source
    from salesops.clv._posterior import Posterior
    from salesops.clv._purchases import PurchaseModel
    from salesops.clv._spend import GammaGamma

EVERY = ("day", "week", "month", "quarter", "half", "year")


@dataclass
class Periods:
    """Periods after the last day seen, the first and the last cut where the forecast begins and ends."""

    labels: list[str]
    starts: list[dt.date]
    ends: list[dt.date]  # last days
    edges: list[float]  # where each one ends, in units of T after the last day


def periods(
    seen_until: dt.date, ahead: float, unit: str, every: str, calendar: FiscalCalendar, discrete: bool
) -> Periods:
    """Cut the time ahead at the bounds of the calendar's periods."""
    days = _core.days_in(unit)
    as_of, rest = split_day(seen_until)
    exact = unit in BELOW_A_DAY
    made = Periods([], [], [], [])
    edge = 0.0
    for whole, end in _ends(seen_until, unit, every, calendar, discrete):
        # A rest of less than a day, as of a year's 365.2425, goes to the last period.
        last = end >= ahead or (not discrete and not exact and (ahead - end) * days < 1)
        edge = ahead if last else end
        passed = math.ceil(edge * days - rest - 1e-9) if exact else int(edge * days + 1e-9)
        seen = whole.end if discrete else as_of + dt.timedelta(days=1 + max(1, passed))
        made.labels.append(calendar.label(whole))
        made.starts.append(max(whole.start, as_of + dt.timedelta(days=1)))
        made.ends.append(min(whole.end, seen) - dt.timedelta(days=1))
        made.edges.append(edge)
        if last:
            break
    return made


def length_of(
    number: int, as_of: dt.date, unit: str, every: str, calendar: FiscalCalendar, discrete: bool
) -> float:
    """Time to the end of the period number `number`, in the unit of T."""
    if not (isinstance(number, int) and 1 <= number <= 10_000):
        raise UsageError("periods: a whole number from 1 to 10,000")
    return next(islice(_ends(as_of, unit, every, calendar, discrete), number - 1, None))[1]


def _ends(
    seen_until: dt.date, unit: str, every: str, calendar: FiscalCalendar, discrete: bool
) -> Iterator[tuple[Period, float]]:
    """Periods from the day after the one seen last on, and when each ends in units of T.

    What is left of that day belongs to the first.
    """
    as_of, rest = split_day(seen_until)
    if every not in EVERY:
        raise UsageError(f"every is one of {', '.join(EVERY)}, not {every!r}")
    if discrete and every != unit:
        raise UsageError(f"BGBB counts opportunities of a {unit}: the schedule is by {unit} too")
    whole = calendar.period_of(as_of + dt.timedelta(days=0 if discrete else 1), every)
    for number in count(1):
        if discrete:
            whole = calendar.next(whole)
            yield whole, float(number)
        else:
            yield whole, ((whole.end - as_of).days - 1 + rest) / _core.days_in(unit)
            whole = calendar.next(whole)


def last_day(as_of: Any, data: Any) -> dt.date:
    """The day that T ends on."""
    day = data.calibration_end if as_of is None and isinstance(data, Rfm) else day_of(as_of, "as_of")
    if day is None:
        raise UsageError("as_of: say the last day that was seen, such as '2026-06-30'; an Rfm knows it")
    return day


def schedule(
    model: PurchaseModel,
    source: Source,
    found: Histories,
    cut: Periods,
    rate: float,
    spend: GammaGamma | None,
    each: bool,
) -> Any:
    """Purchases and money of each period, of all customers or of each."""
    import numpy as np

    _forecast.unknown(model)
    bought = _by_period(model, found, cut, 0.0)
    columns = {"expected_transactions": bought}
    if spend is not None:
        value = spend._of_customers(source, len(found.x))
        kept = bought if rate == 0 else _by_period(model, found, cut, rate)
        columns |= {"revenue": bought * value, "clv": kept * value}
    elif rate != 0:
        columns["discounted_transactions"] = _by_period(model, found, cut, rate)
    named = _named(cut)
    if not each:
        table = _frame.from_columns(named | {name: values.sum(axis=1) for name, values in columns.items()})
        return _frame.like(table, source.kind)
    customers = len(found.x)
    rows = np.arange(customers).repeat(len(cut.labels))
    made = {name: np.tile(values, customers) for name, values in named.items()}
    made |= {name: values.T.ravel() for name, values in columns.items()}
    customer = source.customers()
    who = rows if customer is None else np.asarray(customer.to_numpy())[rows]
    table = _frame.from_columns({"customer": who} | made)
    return _frame.like(Table([(name, table.column(name)) for name in table.names]), source.kind)


def by_draws(
    model: PurchaseModel,
    found: Histories,
    cut: Periods,
    rate: float,
    spend: GammaGamma | Posterior | None,
    level: float,
    drawn: Posterior,
) -> Any:
    """The same of all customers by draws of the parameters: means, and the middle `level` percent."""
    import numpy as np

    amounts = None if spend is None else _forecast.spends_at_draws(spend)
    sums: dict[str, list[npt.NDArray[np.float64]]] = {}
    for one in _forecast.at_draws(model, drawn._thinned()):
        bought = _by_period(one, found, cut, 0.0)
        kept = bought if rate == 0 else _by_period(one, found, cut, rate)
        columns = {"expected_transactions": bought}
        if amounts is not None:
            value = next(amounts)._of_customers(found.source, len(found.x), warned=bool(sums))
            columns |= {"revenue": bought * value, "clv": kept * value}
        elif rate != 0:
            columns["discounted_transactions"] = kept
        for name, values in columns.items():
            sums.setdefault(name, []).append(values.sum(axis=1))
    ends = _posterior.ends(level)
    table: dict[str, Any] = _named(cut)
    for name, by_draw in sums.items():
        table[name] = np.mean(by_draw, axis=0)
        low, high = np.quantile(by_draw, ends, axis=0)
        table |= {f"{name}_lo_{level:g}": low, f"{name}_hi_{level:g}": high}
    return _frame.like(_frame.from_columns(table), found.source.kind)


def _named(cut: Periods) -> dict[str, Any]:
    import numpy as np

    return {
        "period": np.array(cut.labels, dtype=object),
        "start": np.array(cut.starts, dtype="datetime64[D]"),
        "end": np.array(cut.ends, dtype="datetime64[D]"),
    }


def _by_period(model: PurchaseModel, found: Histories, cut: Periods, rate: float) -> npt.NDArray[np.float64]:
    """One row a period, one column a customer: what comes by its end less what came by its start."""
    import numpy as np

    by_end = list(model._expected_by(found.source, cut.edges, rate, found))
    return np.diff(np.array(by_end), axis=0, prepend=0.0)
