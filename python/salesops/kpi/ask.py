"""What is asked of KPIs, as the core takes it, and how numbers are shown."""

from __future__ import annotations

import datetime as dt
import importlib.util
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from salesops._core import kpi as _kpi
from salesops._core.error import UsageError
from salesops.calendar import BusinessHours, time_zone
from salesops.crm import instant, timestamp

if TYPE_CHECKING:
    from salesops._core.table import Table

Where = str | Mapping[str, Any] | None
Period = str | tuple[Any, Any] | None


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, dt.date | dt.datetime):
        return f"'{value.isoformat()}'"
    return "'" + str(value).replace("'", "''") + "'"


def where_text(where: Where) -> str:
    """The expression of a ``where``: text, or a dict of column to value, list of values, or None."""
    if where is None:
        return ""
    if isinstance(where, str):
        return where
    if not isinstance(where, Mapping):
        raise UsageError("where: an expression such as \"type = 'new'\", or a dict such as {'type': 'new'}")
    parts = []
    for column, value in where.items():
        if not isinstance(column, str):
            raise UsageError(f"where: columns have names, not {column!r}")
        name = f'"{column}"' if not column.replace(".", "").replace("_", "").isalnum() else column
        if value is None:
            parts.append(f"{name} is null")
        elif isinstance(value, str | int | float | dt.date):
            parts.append(f"{name} = {_literal(value)}")
        else:
            parts.append(f"{name} in ({', '.join(_literal(v) for v in value)})")
    return " and ".join(parts)


def _day(value: Any, zone: Any) -> str:
    """The civil day that begins with an end of a period; an instant with a zone has it in the zone asked."""
    moment = timestamp(instant(value, "period"))
    given = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(given, dt.date) or (isinstance(given, dt.datetime) and given.tzinfo):
        moment += dt.timedelta(seconds=time_zone(zone).offset_at(instant(value)))
    if moment.time() != dt.time():
        raise UsageError(
            f"period: {given} lies within a day; periods are of whole days in the zone asked. Choose rows "
            "within a day by where=, e.g. \"closed_at >= '2026-01-01T12:00'\""
        )
    return moment.date().isoformat()


def period_text(period: Period, zone: Any = None) -> str:
    """A period given as text or as (start, end), end not included."""
    if period is None:
        return ""
    if isinstance(period, str):
        return period
    if not isinstance(period, Sequence) or len(period) != 2:
        raise UsageError('period: a text such as "2026-Q1", or (start, end), the end not included')
    return "/".join(_day(day, zone) for day in period)


def options_of(given: dict[str, Any]) -> _kpi.Options:
    """What a KPI is asked, for the core."""
    options = {key: value for key, value in given.items() if value is not None}
    options["where"] = where_text(options.get("where"))
    options["period"] = period_text(options.get("period"), options.get("zone"))
    by = options.get("by", [])
    options["by"] = [by] if isinstance(by, str) else list(by)
    if "zone" in options:
        options["zone"] = time_zone(options["zone"])
    if isinstance(options.get("hours"), BusinessHours):
        options["hours"] = options["hours"]._core
    if isinstance(options.get("lag"), int) and not isinstance(options["lag"], bool):
        options["lag"] = f"{options['lag']} days"
    if "as_of" in options:
        options["as_of"] = instant(options["as_of"])
    return _kpi.Options(options)


def frame(table: Table, kind: str | None = None) -> Any:
    """A table as the kind of frame asked for, else the first that is installed."""
    kinds = ("pandas", "polars", "pyarrow")
    if kind is None:
        kind = next((name for name in kinds if importlib.util.find_spec(name)), None)
    if kind is None:
        return table
    if kind not in kinds:
        raise UsageError(f"kind is one of {', '.join(kinds)}, not '{kind}'")
    return getattr(table, "to_arrow" if kind == "pyarrow" else f"to_{kind}")()


def number_text(value: float | None, unit: str) -> str:
    """A number as people read it."""
    if value is None:
        return "—"
    if unit == "share":
        return f"{value:.1%}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")
