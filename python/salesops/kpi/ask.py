"""What is asked of KPIs, as the core takes it, and how numbers are shown."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

from salesops._arguments import listed, number, pair, text, texts, truth, whole
from salesops._columns import is_missing, kind_of
from salesops._core import kpi as _kpi
from salesops._core.error import UsageError
from salesops.calendar import FiscalCalendar, TimeZone, time_zone
from salesops.crm import Crm, instant, timestamp
from salesops.plot.base import percent

Where = str | Mapping[str, Any] | None
Period = str | tuple[Any, Any] | None


def _literal(value: Any, name: str) -> str:
    kind = kind_of(value)
    if kind == "bool":
        return "true" if value else "false"
    if kind == "int":
        return str(int(value))
    if kind == "float" and math.isfinite(value):
        return repr(float(value))
    if kind == "decimal" and value.is_finite():
        return f"{value:f}"
    if kind == "naive" and value.time() == dt.time():
        return f"'{value.date().isoformat()}'"  # a day, as in a period
    if kind in ("date", "naive", "aware"):
        return f"'{value.isoformat()}'"
    if kind == "str":
        return "'" + text(value, name).replace("'", "''") + "'"
    raise UsageError(f"{name}: compared with texts, numbers, dates, None, or a list of them, not {kind}")


def _condition(column: str, value: Any) -> str:
    """One column is a value, or one of several; None and what else is missing means null."""
    name = f'"{column}"' if not column.replace(".", "").replace("_", "").isalnum() else column
    said = f"where: column '{column}'"
    if is_missing(value):
        return f"{name} is null"
    if not hasattr(value, "__iter__") or isinstance(value, str | bytes | Mapping):
        return f"{name} = {_literal(value, said)}"
    values = listed(value, said)
    if not values:
        raise UsageError(f"{said}: an empty list leaves no row; leave the column out for rows of any value")
    known = [_literal(one, said) for one in values if not is_missing(one)]
    if len(known) == len(values):
        return f"{name} in ({', '.join(known)})"
    return f"({name} is null or {name} in ({', '.join(known)}))" if known else f"{name} is null"


def where_text(where: Where) -> str:
    """The expression of a ``where``: text, or a dict of column to value, list of values, or None."""
    if where is None:
        return ""
    if isinstance(where, str):
        return text(where, "where")
    if not isinstance(where, Mapping):
        raise UsageError("where: an expression such as \"type = 'new'\", or a dict such as {'type': 'new'}")
    parts = []
    for column, value in where.items():
        if not isinstance(column, str):
            raise UsageError(f"where: columns have names, not {column!r}")
        parts.append(_condition(text(column, "where"), value))
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
        return text(period, "period")
    return "/".join(_day(day, zone) for day in pair(period, 'period, if no text such as "2026-Q1"'))


def zones_of(crm: Crm, path: str) -> dict[str, TimeZone]:
    """The zones that the book names where `path` ends, for systems without zone files."""
    found = {}
    for name in crm.tables:
        table = crm.table(name)
        ends = {path, path.rsplit(".", 1)[-1]} | ({"zone"} if name == "calendar" else set())
        for column in ends & set(table.names):
            for zone in set(table.select([column]).to_dict()[column]):
                with contextlib.suppress(UsageError):  # the core counts those that are no zones
                    if isinstance(zone, str):
                        found[zone] = time_zone(zone)
    return found


# How options are read that are no texts.
_READ: dict[Any, set[str]] = {
    whole: {"window_days", "idle_days", "from_rank", "seed", "threads"},
    number: {"level", "target_minutes", "gross_margin"},
    truth: {"allow_negative", "in_order", "keep_rows"},
}


def options_of(given: dict[str, Any]) -> _kpi.Options:
    """What a KPI is asked, for the core."""
    options = {key: value for key, value in given.items() if value is not None}
    options["where"] = where_text(options.get("where"))
    options["period"] = period_text(options.get("period"), options.get("zone"))
    options["by"] = texts(options.get("by", []), "by")
    if "no_decision" in options:
        options["no_decision"] = texts(options["no_decision"], "no_decision")
    for name in {"mode", "reopened", "weight", "churn_base", "churn_at"} & set(options):
        text(options[name], name)
    for read, names in _READ.items():
        options |= {name: read(options[name], name) for name in names & options.keys()}
    if "calendar" in options:
        options["calendar"] = FiscalCalendar.given(options["calendar"])
    if "zone" in options:
        options["zone"] = time_zone(options["zone"])
    if "hours" in options:
        options["hours"] = getattr(options["hours"], "_core", options["hours"])
    if isinstance(options.get("lag"), int) and not isinstance(options["lag"], bool):
        options["lag"] = f"{options['lag']} days"
    if "as_of" in options:
        options["as_of"] = instant(options["as_of"], zone=options.get("zone"))
    return _kpi.Options(options)


def unit_text(unit: str) -> str:
    """What stands behind a number: nothing where the number says it or money names no currency."""
    return "" if unit in ("share", "ratio", "count") else unit.replace("XXX", "").strip()


def number_text(value: float | None, unit: str) -> str:
    """A number as people read it."""
    if value is None:
        return "—"
    if unit == "share":
        return percent(value)
    if unit == "ratio":
        return f"{value:,.2f}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return trimmed(value)


def change_text(delta: float | None, unit: str) -> str:
    """What a value gained; shares differ by percentage points."""
    if delta is None:
        return "—"
    return ("+" if delta > 0 else "") + (
        f"{delta * 100:,.1f} pp" if unit == "share" else number_text(delta, unit)
    )


def as_of_text(at: dt.datetime) -> str:
    """What an answer says of its day; a book without an instant has none."""
    return "no dated rows" if at.timestamp() == 0 else f"as of {at:%Y-%m-%d}"


def trimmed(value: float) -> str:
    """Two decimals, without zeros at the end."""
    text = f"{value:,.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
