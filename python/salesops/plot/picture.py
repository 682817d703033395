"""A chart with its words, as SVG that needs no script."""

from __future__ import annotations

import hashlib
import html
import importlib
import os
import pathlib
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from salesops import _arguments
from salesops._arguments import checked
from salesops._core.error import DataError, UsageError
from salesops.plot.base import GROUND, aligned, altair, ink, plain, theme

SVG = "http://www.w3.org/2000/svg"
LONGEST = 40

# On white only: of a grid "the darker the more" is said.
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;"
    f"color:{ink('ink')};background:{GROUND[0]}}}h1{{font-size:1.3rem}}svg{{width:100%;max-width:36rem}}"
    "table{border-collapse:collapse;margin-top:1rem}td,th{padding:.1rem .8rem .1rem 0;text-align:right}"
    "td:first-child,th:first-child{text-align:left}"
)
_TAGS = {"svg", "g", "path", "text", "tspan", "rect", "line", "circle", "defs", "clipPath"}
_URL = re.compile(r"url\((#[\w.-]+)\)")


def wrapped(text: str, width: int) -> list[str]:
    """Lines of a text, in which a number keeps its percent sign."""
    return textwrap.wrap(text.replace(" %", "\u00a0%"), width)


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

    def __post_init__(self) -> None:
        for name in ("title", "subtitle", "alt"):
            _arguments.text(getattr(self, name), name)
        # Definitions begin small; a sentence of their own doesn't.
        self.subtitle = self.subtitle[:1].upper() + self.subtitle[1:]

    def svg(self) -> str:
        """The chart as inline SVG."""
        return to_svg(self.chart, self.alt)

    def titled(self) -> Any:
        """The chart with its title and definition above it."""
        words = altair().Title(
            wrapped(plain(self.title, 300), 42), subtitle=wrapped(plain(self.subtitle, 400), 58)
        )
        return self.chart.properties(title=words)

    @checked
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture with its title and definition to a file, which needs neither script nor network.

        Parameters
        ----------
        path
            Ends in ``.svg``, ``.png`` (twice the size, for sharp print) or ``.html``: a page with the numbers
            under the chart.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> from salesops import plot
        >>> chart = plot.ranking([{"label": "North", "value": 3.0}])
        >>> picture = plot.Picture("North leads", "Deals won", "North has three.", chart)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     picture.save(pathlib.Path(folder) / "deals.svg")
        ...     (pathlib.Path(folder) / "deals.svg").read_text()[:4]
        '<svg'
        """
        target = pathlib.Path(path)
        kind = target.suffix.lower()
        if kind == ".svg":
            made = to_svg(self.titled(), self.alt, standalone=True).encode()
        elif kind == ".png":
            made = renderer().vegalite_to_png(specification(self.titled(), GROUND[0]), scale=2)
        elif kind == ".html":
            made = self._page().encode()
        else:
            raise UsageError(f"path: a picture is saved as .svg, .png or .html, not '{target.name}'")
        try:
            target.write_bytes(made)
        except OSError as error:
            raise DataError(f"'{target}' can't be written: {error.strerror}") from error

    def _page(self) -> str:
        title, subtitle = (html.escape(plain(words, 1000)) for words in (self.title, self.subtitle))
        lines = [
            "".join(f"<{tag}>{html.escape(plain(cell, 200))}</{tag}>" for cell in cells)
            for tag, cells in [("th", self.columns), *(("td", row) for row in self.rows)]
        ]
        numbers = "".join(f"<tr>{line}</tr>" for line in lines if line)
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<style>{_STYLE}</style></head><body><h1>{title}</h1><p>{subtitle}</p>{self.svg()}"
            f"<table>{numbers}</table></body></html>\n"
        )

    def __repr__(self) -> str:
        numbers = aligned([self.columns, *self.rows[:LONGEST]]) if self.columns else []
        if len(self.rows) > LONGEST:
            numbers.append(f"… {len(self.rows) - LONGEST:,} more rows")
        return "\n".join([self.title, *textwrap.wrap(self.subtitle, 80), *numbers])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """SVG, and the words with the numbers for viewers that show no SVG."""
        return {"image/svg+xml": to_svg(self.titled(), self.alt, standalone=True), "text/plain": repr(self)}


@checked
def to_svg(chart: Any, alt: str, *, standalone: bool = False) -> str:
    """Render a chart as SVG that can stand in a page: no script, no link, names of its own, alt text.

    Parameters
    ----------
    chart
        An Altair chart.
    alt
        What it shows, in words.
    standalone
        With a size and a white ground of its own, for a file or a notebook.

    Examples
    --------
    >>> from salesops import plot
    >>> chart = plot.ranking([{"label": "North", "value": 3.0}])
    >>> to_svg(chart, "North has three.").startswith("<svg")
    True
    """
    if not hasattr(chart, "to_dict"):
        raise UsageError(f"chart: need an Altair chart, not {type(chart).__name__}")
    ground = GROUND[0] if standalone else "transparent"
    svg = renderer().vegalite_to_svg(specification(chart, ground))
    return clean_svg(svg, alt, keep_size=standalone)


def renderer() -> Any:
    """What draws offline, or an error that names the extra."""
    altair()
    try:
        return importlib.import_module("vl_convert")
    except ImportError as error:
        raise UsageError("charts need the extra [plot]: pip install 'salesops[plot]'") from error


def specification(chart: Any, ground: str) -> dict[str, Any]:
    """The Vega-Lite specification under the theme."""
    spec: dict[str, Any] = chart.to_dict(validate=False)
    config = styled(spec.get("config", {}))
    # Readers' fonts may be wider than the one the picture was measured with.
    slack = {} if ground == "transparent" else {"padding": {**config["padding"], "right": 40}}
    spec["config"] = {**config, "background": ground, **slack}
    return spec


def styled(config: Mapping[str, Any]) -> dict[str, Any]:
    """A chart's own configuration with the theme over Altair's defaults."""
    base = theme()["config"]
    return {
        name: {**config.get(name, {}), **base[name]}
        if isinstance(base.get(name), dict)
        else config.get(name, base.get(name))
        for name in {**config, **base}
    }


def clean_svg(svg: str, alt: str, *, keep_size: bool) -> str:
    """Keep drawing elements only, and make ids unique to this chart."""
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(svg)
    prefix = "c" + hashlib.sha256((svg + alt).encode()).hexdigest()[:8]
    scrub(root, prefix)
    for name in () if keep_size else ("width", "height"):
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
        elif name == "d":
            element.set(name, re.sub(r"(\.\d)\d+", r"\1", value))
        elif name == "transform":
            element.set(name, re.sub(r"(\.\d\d)\d+", r"\1", value))
    for child in list(element):
        if child.tag.removeprefix(f"{{{SVG}}}") in _TAGS:
            scrub(child, prefix)
        else:
            element.remove(child)
