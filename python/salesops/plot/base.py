"""What charts share: colours in light and dark, the theme, numbers and words."""

from __future__ import annotations

import importlib
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from salesops import _arguments
from salesops._arguments import checked
from salesops._core.error import UsageError

MAX_MARKS = 2000
NO_CURRENCY = "XXX"  # of ISO 4217; no reader takes it for a word
WIDTH = 320

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
    "ground": ("#ffffff", "#14181f"),
    "plum": ("#6f1a63", "#c060b0"),
    "brown": ("#6b3f00", "#c98a3c"),
    "violet": ("#5a3fc0", "#a080ff"),
    "ochre": ("#8a6d00", "#e3d24a"),
    "navy": ("#10406e", "#b9dcff"),
}
GROUND = COLORS["ground"]


def ink(role: str) -> str:
    """The colour of a role on white."""
    if not isinstance(role, str) or role not in COLORS:
        raise UsageError(f"role: need one of {', '.join(COLORS)}")
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
            "title": {
                "anchor": "start",
                "frame": "bounds",
                "offset": 14,
                "color": ink("ink"),
                "fontSize": 15,
                "subtitleColor": ink("muted"),
                "subtitleFontSize": 12,
            },
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


@checked
def counted(n: float, thing: str) -> str:
    """How many of a thing: "1 deal", "2,000 deals"; weighted also "1.5 deals"."""
    number = f"{n:,.0f}" if float(n).is_integer() else f"{n:,g}"
    return f"{number} {thing}{'' if n == 1 else 's'}"


@checked
def percent(share: float, digits: int = 1) -> str:
    """A share as people read it: "37.4 %"."""
    return f"{share * 100:,.{digits}f} %"


def odds(chance: float) -> str:
    """A chance out of simulations as a whole percentage; as these go nothing is certain."""
    return "over 99 %" if chance > 0.99 else "under 1 %" if chance < 0.01 else percent(chance, 0)


def compact(value: float | None, unit: str = "") -> str:
    """A number as a reader wants it: few digits, with its unit.

    Examples
    --------
    >>> compact(1234567, "USD"), compact(-1234567, "XXX"), compact(0.3215, "share"), compact(None)
    ('USD 1.23M', '-1.23M', '32.1 %', '–')
    >>> compact(-1234567, "USD")
    '-USD 1.23M'
    """
    _arguments.text(unit, "unit")
    if value is None or value != value:
        return "–"
    _arguments.number(value, "value")
    if unit == "share":
        return percent(value)
    size, letter = next(
        ((size, letter) for size, letter in ((1e9, "B"), (1e6, "M"), (1e4, "k")) if abs(value) >= size),
        (1.0, ""),
    )
    scaled = value / (1e3 if letter == "k" else size)
    digits = 0 if not letter and float(value).is_integer() else max(0, 2 - len(f"{abs(scaled):.0f}") + 1)
    number = f"{scaled:,.{digits}f}{letter}"
    unit = unit.replace(NO_CURRENCY, "").strip()
    if unit in ("", "count", "ratio"):
        return number
    if len(unit) == 3 and unit.isupper():
        return f"-{unit} {number[1:]}" if number.startswith("-") else f"{unit} {number}"
    return f"{number} {unit}"


@checked
def plain(text: Any, limit: int = 60) -> str:
    """Text without control characters and no longer than `limit`."""
    kept = "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Cs") else c for c in str(text)
    )
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


@checked
def records(rows: Sequence[Mapping[str, Any]], *needed: str, longest: int = 36) -> list[dict[str, Any]]:
    """Rows as the charts take them: few enough, with the columns needed, text plain and not too long."""
    if len(rows) > MAX_MARKS:
        raise UsageError(
            f"{len(rows):,} marks are more than a reader can see (at most {MAX_MARKS:,}): group the rows"
        )
    if not rows:
        raise UsageError("no rows to draw")
    for name in needed:
        if name not in rows[0]:
            raise UsageError(f"column '{name}' is missing; there are {', '.join(map(str, rows[0]))}")
    return [{key: plain(v, longest) if isinstance(v, str) else v for key, v in row.items()} for row in rows]


def number(data: list[dict[str, Any]]) -> None:
    """Number the rows: a list of labels as `sort` would put texts into a Vega expression."""
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise UsageError("data: need a list of dicts")
    for order, row in enumerate(data):
        row["order"] = order


def aligned(lines: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Rows of cells as lines of one width a column: the first `left` to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
