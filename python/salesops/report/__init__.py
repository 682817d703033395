"""One self-contained HTML file that says how the quarter goes, and what that rests on."""

from __future__ import annotations

import datetime as dt
import importlib
import os
import re
from pathlib import Path
from typing import Any

from salesops import plot
from salesops._arguments import checked
from salesops._core.error import DataError, UsageError
from salesops._names import listing
from salesops._progress import Wanted, shown
from salesops.calendar import FiscalCalendar
from salesops.crm import Crm
from salesops.kpi.ask import Period
from salesops.plot import plain
from salesops.report import sections
from salesops.report.book import Book

__all__ = ["render", "write"]
__dir__ = listing(__name__)


@checked
def write(
    crm: Crm,
    path: str | os.PathLike[str],
    as_of: str | dt.date | dt.datetime | None = None,
    period: Period = None,
    title: str | None = None,
    *,
    calendar: FiscalCalendar | None = None,
    zone: Any = None,
    progress: Wanted = None,
) -> Path:
    """Write the report of a period as one HTML file: no script, no request, fit for print and phone.

    Parameters
    ----------
    crm
        The book.
    path
        The file to write; a file of that name is replaced once the new one is whole.
    as_of
        The report says what was known then. By default the latest instant in the book.
    period
        ``"FY26-Q3"``, ``"2026-07"``, or (start, end), end not included. By default the quarter of `as_of`.
    title
        Heading of the page.
    calendar
        A `FiscalCalendar`: what a quarter is, here and in every part; by default calendar quarters.
    zone
        IANA name of the zone whose days count, and in which an `as_of` that is a day begins; UTC by default.
    progress
        Called now and then with the share done, 0 to 1. None shows a bar when the work is long and standard
        error is a terminal or a notebook; False shows none.

    Returns
    -------
    pathlib.Path
        Where it was written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import salesops as so
    >>> crm = so.crm.Crm.build(so.datasets.sample_tables(deals=200))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     so.report.write(crm, pathlib.Path(folder) / "report.html", as_of="2025-11-15").name
    'report.html'
    """
    page = render(crm, as_of, period, title, calendar=calendar, zone=zone, progress=progress)
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(page, encoding="utf-8", errors="replace")
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise DataError(f"'{target}' can't be written: {error.strerror}") from error
    return target


@checked
def render(
    crm: Crm,
    as_of: str | dt.date | dt.datetime | None = None,
    period: Period = None,
    title: str | None = None,
    *,
    calendar: FiscalCalendar | None = None,
    zone: Any = None,
    progress: Wanted = None,
) -> str:
    """The report as text of HTML; the parameters are those of `write`.

    Examples
    --------
    >>> import salesops as so
    >>> crm = so.crm.Crm.build(so.datasets.sample_tables(deals=200))
    >>> "default-src 'none'" in render(crm, as_of="2025-11-15")
    True
    """
    plot.altair()
    page = template()
    from markupsafe import Markup

    parts = []
    with shown(progress, "writing the report") as tell:
        book = Book(crm, as_of, period, calendar, zone)
        for section_of in sections.ALL:
            parts.append(section_of(book))
            if tell is not None:
                tell(len(parts) / len(sections.ALL))
    drawn = [
        {
            "title": section.title,
            "notes": section.notes,
            "cards": section.cards,
            # Safe: to_svg keeps drawing elements only, and its texts are escaped.
            "pictures": [(picture, Markup(picture.svg())) for picture in section.pictures],
            "tables": section.tables,
            "terms": section.terms,
        }
        for section in parts
    ]
    text: str = page.render(
        title=plain(title or "Sales report", 200),
        verdict=book.verdict(),
        freshness=book.freshness(),
        sections=drawn,
        dark_css=Markup(plot.dark_css()),
    )
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text)


def template() -> Any:
    """The page's template, or an error that names the extra."""
    try:
        jinja2 = importlib.import_module("jinja2")
    except ImportError as error:
        raise UsageError(
            "reports need the extras [plot] and [report]: pip install 'salesops[plot,report]'"
        ) from error
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("salesops"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")
