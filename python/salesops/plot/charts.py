"""The charts: rows in, an Altair chart out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from salesops._arguments import checked
from salesops.plot.base import WIDTH, altair, compact, ink, number, plain, records

# Billions are B to those who count money, not the G of the International System.
# Below 1 they read 0.1, not 100m.
AMOUNTS = {
    "format": "~s",
    "labelExpr": "abs(datum.value) < 1 ? format(datum.value, '~r') : replace(datum.label, 'G', 'B')",
}
SHARES = {"format": "%", "labelExpr": "replace(datum.label, '%', ' %')"}


def numbers(unit: str) -> dict[str, Any]:
    """How an axis writes its numbers."""
    return SHARES if unit == "share" else AMOUNTS


@checked
def ranking(
    rows: Sequence[Mapping[str, Any]],
    *,
    unit: str = "",
    title: str = "",
    role: str = "main",
    sort: bool = False,
) -> Any:
    """Bars with their numbers beside them; in the order given unless `sort`.

    Parameters
    ----------
    rows
        ``label``, ``value``, and optionally ``note``, the text beside the bar.
    unit
        Of the value: a currency, ``"share"``, ``"count"``, ``"days"``.

    Examples
    --------
    >>> ranking([{"label": "North", "value": 3.0}]).to_dict()["width"]
    320
    """
    alt = altair()
    data = records(rows, "label", "value")
    for row in data:
        row.setdefault("note", compact(row["value"], unit))
    if sort:
        data.sort(key=lambda row: -(row["value"] or 0))
    number(data)
    top = max([0.0, *(row["value"] or 0 for row in data)]) or 1.0
    base = alt.Chart(alt.Data(values=data), width=WIDTH, height={"step": 30})
    y = alt.Y("label:N", sort=alt.EncodingSortField("order", op="min"), title=None)
    x = alt.X("value:Q", title=title or None, axis=None, scale=alt.Scale(domain=[0, top * 1.55]))
    bars = base.mark_bar(height=18, color=ink(role)).encode(x=x, y=y)
    notes = base.mark_text(align="left", dx=6).encode(x=x, y=y, text="note:N")
    return bars + notes


@checked
def intervals(
    rows: Sequence[Mapping[str, Any]],
    *,
    unit: str = "share",
    reference: float | None = None,
    reference_label: str = "",
) -> Any:
    """A dot with its interval a row, against a reference line.

    Parameters
    ----------
    rows
        ``label``, ``value``, ``low``, ``high`` (the last two may be None).
    reference
        Where the line stands: the target, or the whole company.

    Examples
    --------
    >>> chart = intervals([{"label": "North", "value": 0.3, "low": 0.2, "high": 0.4}], reference=0.25)
    >>> len(chart.to_dict()["layer"])
    4
    """
    alt = altair()
    data = records(rows, "label", "value", "low", "high")
    for row in data:
        row["note"] = compact(row["value"], unit)
    number(data)
    base = alt.Chart(alt.Data(values=data), width=WIDTH, height={"step": 34})
    y = alt.Y("label:N", sort=alt.EncodingSortField("order", op="min"), title=None)
    percent = alt.Axis(tickCount=5, **numbers(unit))
    x = alt.X("value:Q", title=None, axis=percent, scale=alt.Scale(zero=False, nice=False, padding=24))
    layers = [
        base.mark_rule(strokeWidth=3, color=ink("main"), opacity=0.5).encode(
            x=alt.X("low:Q"), x2="high:Q", y=y
        ),
        base.mark_point(opacity=1).encode(x=x, y=y),
        base.mark_text(dy=-11).encode(x=x, y=y, text="note:N"),
    ]
    if reference is not None:
        line = alt.Chart(alt.Data(values=[{"at": reference, "label": plain(reference_label)}]))
        layers.insert(0, line.mark_rule(strokeDash=[4, 3]).encode(x="at:Q"))
        if reference_label:
            words = line.mark_text(align="left", dx=4, color=ink("muted"), fontSize=12)
            layers.append(words.encode(x="at:Q", y=alt.value(-12), text="label:N"))
    return alt.layer(*layers)


@checked
def waterfall(rows: Sequence[Mapping[str, Any]], *, unit: str = "") -> Any:
    """What took a total from its start to its end, step by step.

    Parameters
    ----------
    rows
        ``label``, ``value``, ``kind``: ``"total"`` for the start and the end, ``"change"`` between them.

    Examples
    --------
    >>> steps = [("open", 5.0, "total"), ("new", 2.0, "change"), ("now", 7.0, "total")]
    >>> chart = waterfall([dict(zip(("label", "value", "kind"), step)) for step in steps])
    >>> len(chart.to_dict()["layer"])
    3
    """
    alt = altair()
    data = records(rows, "label", "value", "kind")
    level = 0.0
    for row in data:
        total = row["kind"] == "total"
        row["from"], level = (0.0, row["value"]) if total else (level, level + row["value"])
        row["to"], row["edge"] = level, max(row["from"], level)
        row["color"] = ink("total" if total else "good" if row["value"] >= 0 else "bad")
        row["note"] = (
            compact(row["value"], unit) if total or row["value"] <= 0 else "+" + compact(row["value"], unit)
        )
    number(data)
    low = min(0.0, *(min(row["from"], row["to"]) for row in data))
    top = max(row["edge"] for row in data) or 1.0
    base = alt.Chart(alt.Data(values=data), width=WIDTH, height={"step": 26})
    y = alt.Y("label:N", sort=alt.EncodingSortField("order", op="min"), title=None)
    scale = alt.Scale(domain=[low, low + (top - low) * 1.32], nice=False)
    bars = base.mark_bar(height=17).encode(
        x=alt.X("from:Q", axis=None, scale=scale), x2="to:Q", y=y, color=alt.Color("color:N", scale=None)
    )
    zero = base.mark_rule(color=ink("grid")).encode(
        x=alt.datum(0.0, type="quantitative", axis=None, scale=scale)
    )
    notes = base.mark_text(align="left", dx=6).encode(
        x=alt.X("edge:Q", axis=None, scale=scale), y=y, text="note:N"
    )
    return zero + bars + notes


@checked
def trend(rows: Sequence[Mapping[str, Any]], *, unit: str = "share", reference: float | None = None) -> Any:
    """A number over periods with its band; periods with fewer than 10 cases are hollow.

    Parameters
    ----------
    rows
        ``label`` of the period, ``value``, ``low``, ``high``, ``n``, in order of time.

    Examples
    --------
    >>> row = {"label": "2026-Q1", "value": 0.3, "low": 0.2, "high": 0.4, "n": 50}
    >>> len(trend([row]).to_dict()["layer"])
    4
    """
    alt = altair()
    data = records(rows, "label", "value", "low", "high", "n")
    number(data)
    for row in data:
        row["fill"] = ink("main") if (row["n"] or 0) >= 10 else ink("ground")
    last = [{**data[-1], "note": compact(data[-1]["value"], unit)}]
    base = alt.Chart(alt.Data(values=data), width=WIDTH, height=210)
    crowded = alt.Axis(labelAngle=-45 if len(data) > 6 else 0)
    x = alt.X("label:O", sort=alt.EncodingSortField("order", op="min"), title=None, axis=crowded)
    axis = alt.Axis(tickCount=5, **numbers(unit))
    y = alt.Y("value:Q", title=None, axis=axis, scale=alt.Scale(zero=False))
    layers = [
        base.mark_area(opacity=0.18, color=ink("main")).encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        base.mark_line().encode(x=x, y=y),
        base.mark_point(strokeWidth=2, stroke=ink("main"), opacity=1).encode(
            x=x, y=y, fill=alt.Fill("fill:N", scale=None)
        ),
        alt.Chart(alt.Data(values=last)).mark_text(dy=-14, align="right").encode(x=x, y=y, text="note:N"),
    ]
    if reference is not None:
        layers.append(
            alt.Chart(alt.Data(values=[{"at": reference}])).mark_rule(strokeDash=[4, 3]).encode(y="at:Q")
        )
    return alt.layer(*layers)


@checked
def burn_up(
    actual: Sequence[tuple[dt.date, float]],
    ahead: Sequence[tuple[dt.date, float, float, float]],
    *,
    quota: float | None = None,
    unit: str = "",
) -> Any:
    """What was booked so far, and the fan to the period's end, against quota.

    Parameters
    ----------
    actual
        Days and running totals up to the last day known; steps between them.
    ahead
        Later days, each with low, middle and high of the total by then.
    quota
        Where the line stands.

    Examples
    --------
    >>> day = dt.date(2026, 7, 1)
    >>> chart = burn_up([(day, 0.0)], [(dt.date(2026, 9, 30), 5.0, 8.0, 12.0)], quota=9.0)
    >>> len(chart.to_dict()["layer"])
    7
    """
    alt = altair()
    known = records([{"day": day.isoformat(), "total": total} for day, total in actual], "day")
    last, total = known[-1]["day"], known[-1]["total"]
    fan = [{"day": last, "low": total, "mid": total, "high": total}]
    fan += [{"day": day.isoformat(), "low": low, "mid": mid, "high": high} for day, low, mid, high in ahead]
    x = alt.X("day:T", title=None, axis=alt.Axis(format="%-d %b", tickCount=4, grid=False))
    axis = alt.Axis(tickCount=5, **AMOUNTS)
    y = alt.Y("total:Q", title=unit or None, axis=axis, scale=alt.Scale(zero=True))
    final = [{"day": fan[-1]["day"], "at": fan[-1][name]} for name in ("low", "mid", "high")]
    points = alt.Chart(alt.Data(values=[{**mark, "note": compact(mark["at"])} for mark in final if ahead]))
    band = alt.Chart(alt.Data(values=records(fan)), width=WIDTH, height=240)
    layers = [
        band.mark_area(opacity=0.2, color=ink("main")).encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        band.mark_line(strokeDash=[5, 4]).encode(x=x, y=alt.Y("mid:Q")),
        alt.Chart(alt.Data(values=known)).mark_line(interpolate="step-after").encode(x=x, y=y),
        points.mark_point(size=35, opacity=1).encode(x=x, y=alt.Y("at:Q")),
        points.mark_text(align="left", dx=6).encode(x=x, y=alt.Y("at:Q"), text="note:N"),
    ]
    if quota is not None:
        mark = {"at": quota, "day": known[0]["day"], "note": f"quota {compact(quota, unit)}"}
        line = alt.Chart(alt.Data(values=[mark]))
        layers += [
            line.mark_rule(strokeDash=[2, 2], color=ink("bad"), strokeWidth=2).encode(y=alt.Y("at:Q")),
            line.mark_text(align="left", dx=2, dy=-8, color=ink("bad")).encode(
                x=x, y=alt.Y("at:Q"), text="note:N"
            ),
        ]
    return alt.layer(*layers)


@checked
def heat(
    rows: Sequence[Mapping[str, Any]],
    *,
    x_title: str = "",
    y_title: str = "",
    unit: str = "share",
    steps: tuple[float, float] = (1.0, 1.0),
) -> Any:
    """A grid of cells, the darker the larger.

    Parameters
    ----------
    rows
        ``x``, ``y``, where a cell begins, and its ``value``; None where there is none.
    steps
        Width and height of a cell.

    Examples
    --------
    >>> chart = heat([{"x": 0, "y": 0, "value": 0.2}, {"x": 1, "y": 0, "value": 0.8}])
    >>> len(chart.to_dict()["layer"])
    5
    """
    alt = altair()
    data = [row for row in records(rows, "x", "y", "value") if row["value"] is not None]
    for row in data:
        row["x2"], row["y2"] = row["x"] + steps[0], row["y"] + steps[1]
    values = [row["value"] for row in data]
    scale = alt.Scale(domain=[min(0.0, *values), max(values)], range=[0.06, 1.0])
    base = alt.Chart(alt.Data(values=data), width=WIDTH, height=WIDTH * 3 // 4)
    ends = {
        axis: [min(row[axis] for row in data), max(row[axis + "2"] for row in data)] for axis in ("x", "y")
    }
    x = alt.X("x:Q", title=x_title or None, axis=alt.Axis(grid=False), scale=_exactly(alt, ends["x"]))
    y = alt.Y("y:Q", title=y_title or None, axis=alt.Axis(grid=False), scale=_exactly(alt, ends["y"]))
    cells = base.mark_rect(color=ink("main")).encode(
        x=x, y=y, x2="x2:Q", y2="y2:Q", opacity=alt.Opacity("value:Q", scale=scale, legend=None)
    )
    top, low = max(data, key=lambda row: row["value"]), min(data, key=lambda row: row["value"])
    words = [{**row, "note": compact(row["value"], unit)} for row in (top, low)]
    for row in words:
        row["left"] = row["x"] + steps[0] / 2 > sum(ends["x"]) / 2
    halo = {"stroke": ink("ground"), "strokeWidth": 3}  # cells under the words may be dark, light or both
    notes = [
        alt.Chart(alt.Data(values=[row]))
        .mark_text(
            align="right" if row["left"] else "left",
            dx=-4 if row["left"] else 4,
            dy=12 if row["y2"] == ends["y"][1] else -8,
            color=ink("ink"),
            fontWeight="bold",
            **ground,
        )
        .encode(x=alt.X("x2:Q" if row["left"] else "x:Q"), y=alt.Y("y2:Q"), text="note:N")
        for row in words[: 1 if top is low else 2]
        for ground in (halo, {})
    ]
    return alt.layer(cells, *notes)


def _exactly(alt: Any, ends: list[float]) -> Any:
    return alt.Scale(domain=ends, nice=False, zero=False)


@checked
def versus(
    rows: Sequence[Mapping[str, Any]],
    *,
    names: tuple[str, str] = ("actual", "expected"),
    x_title: str = "",
    y_title: str = "",
    unit: str = "count",
) -> Any:
    """What was, as bars, with what was expected, as dots, over ordered groups.

    Parameters
    ----------
    rows
        ``label``, ``actual``, ``expected``, in order.
    names
        What bars and dots are called in the legend.

    Examples
    --------
    >>> chart = versus([{"label": "0", "actual": 5, "expected": 4.5}])
    >>> len(chart.to_dict()["layer"])
    3
    """
    alt = altair()
    data = records(rows, "label", "actual", "expected")
    number(data)
    base = alt.Chart(alt.Data(values=data), width=WIDTH, height=230)
    crowded = alt.Axis(labelAngle=-45 if max(len(row["label"]) for row in data) > 4 else 0, grid=False)
    x = alt.X("label:O", sort=alt.EncodingSortField("order", op="min"), title=x_title or None, axis=crowded)
    values = [row[name] for row in data for name in ("actual", "expected")]
    axis = alt.Axis(tickCount=5, **format_of(unit, values))
    y = {name: alt.Y(f"{name}:Q", title=y_title or None, axis=axis) for name in ("actual", "expected")}
    return alt.layer(
        base.mark_bar(color=ink("total"), opacity=0.55).encode(x=x, y=y["actual"]),
        base.mark_point(color=ink("main"), opacity=1, size=70).encode(x=x, y=y["expected"]),
        _key(alt, names),
    )


def format_of(unit: str, values: Iterable[float]) -> dict[str, Any]:
    """How numbers stand on an axis: whole thousands are easier to read than 0.5k."""
    if unit == "share":
        return SHARES
    return {"format": "~s" if max(values) >= 10_000 else ",~f"}


def _key(alt: Any, names: tuple[str, str]) -> Any:
    """Names in their colours, above the chart."""
    words = [
        {"text": f"{mark} {plain(name)}", "at": place, "color": ink(role)}
        for mark, name, place, role in zip("■●", names, (0, 110), ("total", "main"), strict=True)
    ]
    return (
        alt.Chart(alt.Data(values=words))
        .mark_text(align="left", fontSize=12)
        .encode(
            x=alt.X("at:Q", scale=None),
            y=alt.value(-10),
            text="text:N",
            color=alt.Color("color:N", scale=None),
        )
    )
