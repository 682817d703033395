"""Charts of several lines, each with a look of its own: step curves with bands, and lines over days."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from salesops._arguments import checked
from salesops._core.error import UsageError
from salesops.plot.base import WIDTH, altair, ink, plain, records
from salesops.plot.charts import format_of, numbers

# In order of use: five full lines, then five dashed. Within each five the colours are a tenth or more apart
# in OKLab, also to eyes without red or without green cones.
SERIES = ("main", "bad", "good", "plum", "ink", "total", "brown", "violet", "ochre", "navy")
FULL = 5
MOST_LINES = len(SERIES)
LETTER = 8  # pixels that one of a name takes
DASHES = {"full": [1, 0], "dashed": [6, 3]}


@checked
def curves(
    lines: Mapping[str, Sequence[tuple[float, float, float, float]]],
    *,
    x_title: str = "",
    y_title: str = "",
    unit: str = "share",
    open_ends: Iterable[str] = (),
    x_labels: Sequence[str] = (),
    whole_x: bool = False,
    smooth: Iterable[str] = (),
) -> Any:
    """Step curves with bands, each with its name at its end, and a colour and dash of its own.

    Parameters
    ----------
    lines
        Name of a curve to its points: x, value, low, high, in order of x; at most 10 curves.
    open_ends
        Curves whose last point may still change: the step to it is dashed, the point a ring.
    x_labels
        Names of x = 0, 1, 2, …, such as periods; the last step lasts until the next.
    whole_x
        x are whole numbers, as ages are: so are the ticks, and the last step lasts until the next.
    smooth
        Curves that don't step, as laws: their points are joined.

    Examples
    --------
    >>> chart = curves({"won": [(0, 0.0, 0.0, 0.0), (30, 0.2, 0.1, 0.3)]}, x_title="days")
    >>> len(chart.to_dict()["layer"])
    3
    """
    alt = altair()
    _few(lines)
    still_open, joined = set(open_ends), set(smooth)
    if whole_x or x_labels:
        lines = {name: points if name in still_open else _lasting(points) for name, points in lines.items()}
    rows = [
        {
            "curve": name,
            "x": x,
            "value": value,
            "low": low,
            "high": high,
            **_look(i),
            "smooth": name in joined,
            "open": name in still_open and place == len(points),
        }
        for i, (name, points) in enumerate(lines.items())
        for place, (x, value, low, high) in enumerate(points, 1)
    ]
    data = records(rows, "x")
    values = [row[name] for row in data for name in ("value", "low", "high")]
    top = max(*values, 0)
    ends = _apart(_ends(data), 0.06 * (top - min(*values, 0)), top, max(row["x"] for row in data))
    color = alt.Color("color:N", scale=None)
    named: dict[str, Any] = {"tickMinStep": 1} if whole_x or x_labels else {}
    if x_labels:
        named["labelExpr"] = f"{json.dumps(list(x_labels))}[datum.value] || ''"
        named["labelFlush"] = False
        first, last = (math.floor(end(row["x"] for row in data)) for end in (min, max))
        beside = max(2, WIDTH // (7 * max(map(len, x_labels)) + 16))  # so many names stand side by side
        named["values"] = list(range(first, last, max(1, math.ceil((last - first) / beside)))) or [first]
    x = alt.X("x:Q", title=x_title or None, axis=alt.Axis(grid=False, **named))
    y = alt.Y("value:Q", title=y_title or None, axis=alt.Axis(**numbers(unit)))
    known = [row for row in data if not row["open"]]
    base = alt.Chart(alt.Data(values=known), width=WIDTH, height=240).encode(
        x=x, color=color, detail="series:N"
    )
    band = 0.18 if len(lines) < FULL else 0.07  # many bands lie upon one another
    names = alt.Chart(alt.Data(values=ends)).encode(x=x, y=alt.Y("place:Q"), text="curve:N")
    kinds = [("step-after", base)]
    if joined:
        kinds = [
            ("step-after", base.transform_filter("!datum.smooth")),
            ("linear", base.transform_filter("datum.smooth")),
        ]
    layers = [
        mark
        for how, part in kinds
        for mark in (
            part.mark_area(opacity=band, interpolate=how).encode(y=alt.Y("low:Q"), y2="high:Q"),
            part.mark_line(interpolate=how).encode(y=y, **_dashes(alt, len(lines))),
        )
    ]
    layers.append(names.mark_text(align="left", dx=8 if still_open else 6).encode(color=color))
    if len(known) < len(data):
        last = [
            row
            for row, after in zip(data, [*data[1:], {}], strict=True)
            if row["open"] or (after.get("open") and after["series"] == row["series"])
        ]
        tails = alt.Chart(alt.Data(values=last)).encode(x=x, y=y, color=color, detail="series:N")
        layers[2:2] = [
            tails.mark_line(interpolate="step-after", strokeDash=[3, 3]),
            tails.transform_filter("datum.open").mark_point(filled=False, opacity=1),
            # Curves end anywhere, so others may run behind a name.
            names.mark_text(align="left", dx=8, stroke=ink("ground"), strokeWidth=4, strokeJoin="round"),
        ]
    return alt.layer(*layers)


def with_numbers(chart: Any, rows: Sequence[Sequence[tuple[float, str]]], names: Sequence[str] = ()) -> Any:
    """Put rows of numbers, x and text of each, under a chart of curves, in the colours of its curves.

    Names stand to the left of their rows where there are several.
    """
    alt = altair()
    cells = [
        {"x": x, "row": i, "n": n, "color": ink(SERIES[i] if len(rows) > 1 else "muted")}
        for i, row in enumerate(rows)
        for x, n in row
    ]
    numbers = (
        alt.Chart(alt.Data(values=cells), width=WIDTH, height=16 * len(rows))
        .mark_text(fontSize=11)
        .encode(
            x=alt.X("x:Q", axis=None),
            y=alt.Y("row:O", axis=named_rows(names)),
            text="n:N",
            color=alt.Color("color:N", scale=None),
        )
    )
    return alt.vconcat(chart, numbers, spacing=4).resolve_scale(x="shared")


def named_rows(names: Sequence[str]) -> Any:
    """An axis of the rows of numbers under a chart, with their names; none for a single row."""
    if len(names) < 2:
        return None
    texts = json.dumps([plain(name, 36) for name in names])
    return altair().Axis(
        title=None,
        domain=False,
        ticks=False,
        labelExpr=f"{texts}[datum.value]",
        labelColor=ink("muted"),
        labelFontSize=11,
        labelLimit=100,
        labelPadding=24,  # the number at 0 is centred on the axis
    )


@checked
def progress(
    lines: Mapping[str, Sequence[tuple[dt.date, float]]],
    *,
    since: dt.date | None = None,
    since_label: str = "",
    marks: Sequence[dt.date] = (),
    y_title: str = "",
    unit: str = "count",
) -> Any:
    """Lines over days, each with its name at its end, and a rule where something begins.

    Parameters
    ----------
    lines
        Name of a line to its days and values, in order; at most 10 lines.
    since
        Where the rule stands, with the words beside it.
    marks
        Days that ticks on the ground mark.

    Examples
    --------
    >>> day = dt.date(2026, 7, 1)
    >>> chart = progress({"actual": [(day, 1.0)]}, since=day, since_label="forecast")
    >>> len(chart.to_dict()["layer"])
    4
    """
    alt = altair()
    _few(lines)
    rows = [
        {"line": name, "day": day.isoformat(), "value": value, **_look(i)}
        for i, (name, points) in enumerate(lines.items())
        for day, value in points
    ]
    data = records(rows, "day")
    top = max(row["value"] for row in data)
    ends = _apart(_ends(data), 0.08 * (top or 1), top)
    color = alt.Color("color:N", scale=None)
    x = alt.X("day:T", title=None, axis=_calendar(alt, [row["day"] for row in data]))
    axis = alt.Axis(**format_of(unit, (row["value"] for row in data)))
    y = alt.Y("value:Q", title=y_title or None, axis=axis)
    base = alt.Chart(alt.Data(values=data), width=WIDTH, height=240)
    layers = [
        base.mark_line().encode(x=x, y=y, color=color, detail="series:N", **_dashes(alt, len(lines))),
        alt.Chart(alt.Data(values=ends))
        .mark_text(align="left", dx=6)
        .encode(x=x, y=alt.Y("place:Q"), text="line:N", color=color),
    ]
    if since is not None:
        if not isinstance(since, dt.date):
            raise UsageError(f"since: need a date, not {type(since).__name__}")
        rule = alt.Chart(alt.Data(values=[{"day": since.isoformat(), "label": plain(since_label)}]))
        layers += [
            rule.mark_rule(strokeDash=[4, 3]).encode(x=x),
            rule.mark_text(align="left", dx=4, color=ink("muted"), fontSize=12).encode(
                x=x, y=alt.value(6), text="label:N"
            ),
        ]
    if marks:
        ticks = alt.Chart(alt.Data(values=records([{"day": day.isoformat()} for day in marks], "day")))
        layers.append(ticks.mark_tick(color=ink("ink"), thickness=2, size=14).encode(x=x, y=alt.value(233)))
    return alt.layer(*layers)


def _calendar(alt: Any, days: Sequence[str]) -> Any:
    """An axis of days with at most six labels, so that they don't run into each other."""
    first, last = (dt.date.fromisoformat(end(days)) for end in (min, max))
    months = (last - first).days / 30.4
    if months < 3:
        return alt.Axis(format="%-d %b", tickCount=4, labelOverlap=True, grid=False)
    step = next((step for step in (1, 3, 6) if months <= 6 * step), 12)
    every = {"interval": "month", "step": step}
    if step == 12:
        every = {"interval": "year", "step": math.ceil(months / 72)}
    return alt.Axis(format="%b %y", tickCount=every, labelOverlap=True, grid=False)


def _few(lines: Mapping[str, Any]) -> None:
    if len(lines) > MOST_LINES:
        raise UsageError(
            f"lines: {len(lines):,} are more than a reader can tell apart (at most {MOST_LINES})"
        )


def _look(series: int) -> dict[str, Any]:
    """What tells a line from the others."""
    return {
        "series": series,
        "color": ink(SERIES[series]),
        "dash": "full" if series < FULL else "dashed",
    }


def _dashes(alt: Any, lines: int) -> dict[str, Any]:
    """The encoding of dashes, where there are any."""
    if lines <= FULL:
        return {}
    scale = alt.Scale(domain=list(DASHES), range=list(DASHES.values()))
    return {"strokeDash": alt.StrokeDash("dash:N", scale=scale, legend=None)}


def _lasting(points: Sequence[tuple[float, float, float, float]]) -> list[tuple[float, float, float, float]]:
    """Points whose last step is as wide as one of x, so that it can be seen."""
    return [*points, *((x + 1, value, low, high) for x, value, low, high in points[-1:])]


def _ends(data: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last row of each line."""
    return [
        row for row, after in zip(data, [*data[1:], {}], strict=True) if row["series"] != after.get("series")
    ]


def _apart(ends: list[dict[str, Any]], least: float, top: float, x: float = 0) -> list[dict[str, Any]]:
    """Where the names go, so that no two overlap and none stands above all lines, where there is room.

    `x` is how far the axis reaches; without it all names stand one above the other.
    """

    def meet(one: dict[str, Any], other: dict[str, Any]) -> bool:
        if not x:
            return True
        left, right = sorted((one, other), key=lambda row: row["x"])
        apart: float = (right["x"] - left["x"]) / x * WIDTH
        return apart < LETTER * (len(left["curve"]) + 2)

    placed: list[dict[str, Any]] = []
    for row in sorted(ends, key=lambda row: row["value"]):
        below = [other["place"] + least for other in placed if meet(row, other)]
        placed.append({**row, "place": max([row["value"], *below])})
    for i, row in reversed(list(enumerate(placed))):
        above = [other["place"] - least for other in placed[i + 1 :] if meet(row, other)]
        row["place"] = min([row["place"], top, *above])
    return placed
