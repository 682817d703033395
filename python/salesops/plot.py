"""Charts of aggregates: one theme, colour-blind safe, in light and dark, as SVG that needs no script.

A `Picture` is what a reader gets: the finding as title, the definition under it, words for those who can't
see it, and the numbers as a table. The chart itself is an ordinary Altair chart.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import importlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from salesops._core.error import UsageError

__all__ = [
    "MAX_MARKS",
    "Picture",
    "burn_up",
    "compact",
    "intervals",
    "ranking",
    "theme",
    "to_svg",
    "trend",
    "waterfall",
]

MAX_MARKS = 2000
WIDTH = 320
SVG = "http://www.w3.org/2000/svg"

# Role: colour on white, colour on near black. Blue, vermilion and green are of Okabe and Ito's palette,
# shifted until marks have a contrast of 3 and text of 4.5 on their ground.
COLORS = {
    "ink": ("#1b1f24", "#e6e8eb"),
    "muted": ("#57606a", "#a7afbb"),
    "grid": ("#d8dee4", "#323a45"),
    "main": ("#0072b2", "#56b4e9"),
    "good": ("#008060", "#2fc79c"),
    "bad": ("#c04a00", "#ff9447"),
    "total": ("#5b6470", "#97a1af"),
}
GROUND = ("#ffffff", "#14181f")

_TAGS = {"svg", "g", "path", "text", "tspan", "rect", "line", "circle", "defs", "clipPath"}
_URL = re.compile(r"url\((#[\w.-]+)\)")


def ink(role: str) -> str:
    """The colour of a role on white."""
    return COLORS[role][0]


def dark_css(selector: str = "svg") -> str:
    """CSS that repaints the charts for a dark page."""
    rules = []
    for light, dark in COLORS.values():
        rules += [f'{selector} [{paint}="{light}"]{{{paint}:{dark}}}' for paint in ("fill", "stroke")]
    return "".join(rules)


def theme() -> dict[str, Any]:
    """The Vega-Lite configuration of all charts.

    Examples
    --------
    >>> theme()["config"]["background"]
    'transparent'
    """
    text = {"labelColor": ink("ink"), "titleColor": ink("muted"), "labelFontSize": 13, "titleFontSize": 12}
    lines = {"gridColor": ink("grid"), "domainColor": ink("grid"), "tickColor": ink("grid")}
    return {
        "config": {
            "aria": False,
            "background": "transparent",
            "padding": {"left": 26, "right": 14, "top": 6, "bottom": 6},
            "font": "system-ui, Segoe UI, Helvetica, Arial, sans-serif",
            "view": {"stroke": None},
            "axis": {**text, **lines, "titleFontWeight": "normal", "labelLimit": 150},
            "text": {"color": ink("ink"), "fontSize": 13},
            "bar": {"color": ink("main")},
            "line": {"color": ink("main"), "strokeWidth": 2.5},
            "point": {"color": ink("main"), "filled": True, "size": 60},
            "rule": {"color": ink("muted")},
        }
    }


def altair() -> Any:
    """Altair, or an error that names the extra."""
    try:
        return importlib.import_module("altair")
    except ImportError as error:
        raise UsageError("charts need the extra [plot]: pip install 'salesops[plot]'") from error


# ---- numbers and words ----


def compact(value: float | None, unit: str = "") -> str:
    """A number as a reader wants it: few digits, with its unit.

    Examples
    --------
    >>> compact(1234567, "USD"), compact(0.3215, "share"), compact(None)
    ('USD 1.23M', '32.2%', '–')
    """
    if value is None or value != value:
        return "–"
    if unit == "share":
        return f"{value:.1%}"
    size, letter = next(
        ((size, letter) for size, letter in ((1e9, "B"), (1e6, "M"), (1e4, "k")) if abs(value) >= size),
        (1.0, ""),
    )
    scaled = value / (1e3 if letter == "k" else size)
    digits = 0 if not letter and float(value).is_integer() else max(0, 2 - len(f"{abs(scaled):.0f}") + 1)
    number = f"{scaled:,.{digits}f}{letter}"
    if len(unit) == 3 and unit.isupper():
        return f"{unit} {number}"
    return number if unit in ("", "count", "ratio") else f"{number} {unit}"


def plain(text: Any, limit: int = 60) -> str:
    """Text without control characters and no longer than `limit`."""
    kept = "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Cs") else c for c in str(text)
    )
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def records(rows: Sequence[Mapping[str, Any]], *needed: str) -> list[dict[str, Any]]:
    """Rows as the charts take them: few enough, with the columns needed, text made plain."""
    if len(rows) > MAX_MARKS:
        raise UsageError(
            f"{len(rows):,} marks are more than a reader can see (at most {MAX_MARKS:,}): group the rows"
        )
    if not rows:
        raise UsageError("no rows to draw")
    for name in needed:
        if name not in rows[0]:
            raise UsageError(f"column '{name}' is missing; there are {', '.join(map(str, rows[0]))}")
    return [{key: plain(v, 36) if isinstance(v, str) else v for key, v in row.items()} for row in rows]


def number(data: list[dict[str, Any]]) -> None:
    """Number the rows: a list of labels as `sort` would put texts into a Vega expression."""
    for order, row in enumerate(data):
        row["order"] = order


# ---- pictures ----


@dataclass
class Picture:
    """A chart with its words and its numbers.

    Attributes
    ----------
    title, subtitle
        What the chart shows, and how it is defined.
    alt
        The same in words, for readers who can't see it.
    chart
        The Altair chart.
    columns, rows
        The numbers drawn, ready to print.
    """

    title: str
    subtitle: str
    alt: str
    chart: Any
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def svg(self) -> str:
        """The chart as inline SVG."""
        return to_svg(self.chart, self.alt)

    def _repr_html_(self) -> str:
        title, subtitle = html.escape(self.title), html.escape(self.subtitle)
        return f"<figure><figcaption><b>{title}</b><br>{subtitle}</figcaption>{self.svg()}</figure>"


def to_svg(chart: Any, alt: str) -> str:
    """Render a chart as SVG that can stand in a page: no script, no link, names of its own, alt text.

    Parameters
    ----------
    chart
        An Altair chart.
    alt
        What it shows, in words.

    Examples
    --------
    >>> chart = ranking([{"label": "North", "value": 3.0}])
    >>> to_svg(chart, "North has three.").startswith("<svg")
    True
    """
    altair()
    try:
        convert = importlib.import_module("vl_convert")
    except ImportError as error:
        raise UsageError("charts need the extra [plot]: pip install 'salesops[plot]'") from error
    spec = chart.to_dict(validate=False)
    spec["config"] = styled(spec.get("config", {}))
    return clean_svg(convert.vegalite_to_svg(spec), alt)


def styled(config: Mapping[str, Any]) -> dict[str, Any]:
    """A chart's own configuration with the theme over Altair's defaults."""
    base = theme()["config"]
    return {
        name: {**config.get(name, {}), **base[name]}
        if isinstance(base.get(name), dict)
        else config.get(name, base.get(name))
        for name in {**config, **base}
    }


def clean_svg(svg: str, alt: str) -> str:
    """Keep drawing elements only, and make ids unique to this chart."""
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(svg)
    prefix = "c" + hashlib.sha256((svg + alt).encode()).hexdigest()[:8]
    scrub(root, prefix)
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", plain(alt, 1000))
    return ElementTree.tostring(root, encoding="unicode")


def scrub(element: ElementTree.Element, prefix: str) -> None:
    """Drop elements and attributes that don't draw."""
    for name, value in list(element.attrib.items()):
        if name.startswith(("on", "aria", "{")) or name in ("href", "style", "class", "role"):
            del element.attrib[name]
        elif name == "id":
            element.set(name, f"{prefix}-{value}")
        elif "url(" in value:
            element.set(name, _URL.sub(lambda found: f"url(#{prefix}-{found[1][1:]})", value))
        elif name in ("d", "transform"):
            element.set(name, re.sub(r"(\.\d\d)\d+", r"\1", value))
    for child in list(element):
        if child.tag.removeprefix(f"{{{SVG}}}") in _TAGS:
            scrub(child, prefix)
        else:
            element.remove(child)


# ---- charts ----


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
    percent = alt.Axis(format="%" if unit == "share" else "~s", tickCount=5)
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
        row["fill"] = ink("main") if (row["n"] or 0) >= 10 else GROUND[0]
    last = [{**data[-1], "note": compact(data[-1]["value"], unit)}]
    base = alt.Chart(alt.Data(values=data), width=WIDTH, height=210)
    crowded = alt.Axis(labelAngle=-45 if len(data) > 6 else 0)
    x = alt.X("label:O", sort=alt.EncodingSortField("order", op="min"), title=None, axis=crowded)
    axis = alt.Axis(format="%" if unit == "share" else "~s", tickCount=5)
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
    axis = alt.Axis(format="~s", tickCount=5)
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
