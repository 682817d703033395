"""Draws docs/images/report.svg, the picture of the README, from the sample book."""

import pathlib
import textwrap

import altair as alt
import salesops as so
from salesops import plot
from salesops.report import sections
from salesops.report.book import Book

crm = so.crm.Crm.build(so.datasets.sample_tables(seed=7, deals=5000))
book = Book(crm, "2025-11-15", None)
pictures = [sections.by_team(book), sections.quarters(book)]
titled = [
    picture.chart.properties(
        title=alt.Title(
            textwrap.wrap(picture.title, 42), anchor="start", fontSize=14, color=plot.ink("ink"), offset=14
        )
    )
    for picture in pictures
]
svg = plot.to_svg(alt.hconcat(*titled, spacing=40), " ".join(picture.alt for picture in pictures))
head, rest = svg.split(">", 1)
ground = f'<rect width="100%" height="100%" fill="{plot.GROUND[0]}" />'
pathlib.Path(__file__).with_name("report.svg").write_text(f"{head}>{ground}{rest}\n", encoding="utf-8")
