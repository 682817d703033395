"""The answer of a KPI as a picture: groups with their intervals, periods as a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from salesops._core.error import UsageError
from salesops.plot.base import compact, plain
from salesops.plot.charts import intervals, trend
from salesops.plot.picture import Picture

if TYPE_CHECKING:
    from salesops.kpi import KpiResult

LARGEST = 40
TIMES = {"day", "week", "month", "quarter", "year", "period"}


def answer(result: KpiResult) -> Picture:
    """Draw a KPI that was asked by one column or by periods."""
    name, unit = result.name, result.unit
    columns = result.to_table().to_dict()
    keys = list(columns)[: list(columns).index(name)]
    if len(keys) != 1:
        what = f"by {', '.join(keys)}" if keys else "one number"
        raise UsageError(
            f"{name}: a chart needs groups of one column or several periods, not {what}; give by="
        )
    low, high = (next(c for c in columns if c.startswith(f"{name}_{end}_")) for end in ("lo", "hi"))
    rows: list[dict[str, Any]] = [
        {
            "label": "none" if label is None else plain(label, 36),
            "value": value,
            "low": lo,
            "high": hi,
            "n": n,
        }
        for label, value, lo, hi, n in zip(
            columns[keys[0]], columns[name], columns[low], columns[high], columns["n"], strict=True
        )
        if value is not None
    ]
    if not rows:
        raise UsageError(f"{name}: no group has a value to draw")
    certain = all(row["low"] is None for row in rows)
    in_time = keys[0] in TIMES
    cut = len(rows) - LARGEST
    if not in_time:
        rows = sorted(rows, key=lambda row: -row["n"])[:LARGEST]
        rows.sort(key=lambda row: -row["value"])
    shown = [f"{compact(row['value'], unit)} ({row['label']})" for row in (rows[0], rows[-1])]
    words = name.replace("_", " ")
    title = (
        f"{words.capitalize()}{'' if in_time else f' by {plain(keys[0])}'}: {' to '.join(shown[: len(rows)])}"
    )
    subtitle = result.definition
    subtitle += "" if in_time else f", {'whole book' if result.period == 'all' else plain(result.period)}"
    subtitle += f"; as of {result.as_of:%Y-%m-%d}."
    if not certain:
        subtitle += f" {'Band' if in_time else 'Line'}: {low.rpartition('_')[2]} % interval."
    if cut > 0 and not in_time:
        subtitle += f" The {LARGEST} largest groups; {cut:,} more are left out."
    values = ["value", "low", "high"][: 1 if certain else 3]
    return Picture(
        title=title,
        subtitle=subtitle,
        alt="; ".join(f"{row['label']} {compact(row['value'], unit)}" for row in rows),
        chart=(trend if in_time else intervals)(rows, unit=unit),
        columns=[plain(keys[0]), words, *values[1:], "n"],
        rows=[[row["label"], *(compact(row[key], unit) for key in values), f"{row['n']:,}"] for row in rows],
    )
