"""The command line: a sample book, its report, and KPIs from a folder of files."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesops._arguments import texts
from salesops._core.error import Error, UsageError
from salesops._names import listing, meant
from salesops.crm import Crm

if TYPE_CHECKING:
    from salesops._core.table import Table
    from salesops.calendar import FiscalCalendar

__all__ = ["main"]
__dir__ = listing(__name__)

# Reads the book; gives it with what its days and quarters are.
Book = Callable[[], tuple[Crm, dict[str, Any]]]


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns 0, or 2 after one line that says what was wrong.

    Parameters
    ----------
    arguments
        Those of the command line by default.

    Examples
    --------
    >>> main(["kpi", "win_rate", "no/such/folder"])
    2
    """
    try:
        import rich.console  # noqa: F401
        import typer
    except ImportError:
        return refuse("the command line needs the extra [cli]: pip install 'salesops[cli]'")
    try:
        given = sys.argv[1:] if arguments is None else texts(arguments, "arguments")
        outcome = application(typer)(given or ["--help"], standalone_mode=False)
    except (Error, OSError) as error:
        return refuse(str(error))
    except Exception as error:
        # Typer has its own copy of click or the real one; their usage errors share only this method,
        # and what they make of Ctrl-C or a closed input only this name.
        if type(error).__name__ == "Abort":
            return refuse("stopped")
        if not hasattr(error, "format_message"):
            raise
        return refuse(error.format_message())
    return outcome if isinstance(outcome, int) else 0


def refuse(message: str) -> int:
    """Say what was wrong in one line."""
    print(f"salesops: {' '.join(message.split())}", file=sys.stderr)
    return 2


def application(typer: Any) -> Any:
    """The commands as a Typer application."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.callback(invoke_without_command=True)(explained(about, typer))
    app.command()(explained(sample, typer))
    for command in (report, kpi, scorecard, forecast, check):
        app.command()(explained(of_a_book(command), typer))
    return app


# What the arguments mean, for --help.
MEANING = {
    "version": "print the version",
    "folder": "CSV or Parquet files named as their tables, or one SQLite or DuckDB file",
    "name": "win_rate, average_deal, sales_cycle, …",
    "seed": "another seed, other deals",
    "deals": "how many deals",
    "dirt": "share of the rows to spoil, as people do",
    "out": "the file to write",
    "as_of": "say what was known then: 2025-11-15 (its midnight) or 2025-11-15T09:00; by default all",
    "period": "2025-Q3, FY26-P07, 2025-07, 'last 4 quarters', 2025-07-01/2025-10-01",
    "title": "heading of the page",
    "by": "column to group by, or month, quarter, …; may be given several times",
    "where": "which rows: \"type = 'new' and amount > 1000\"",
    "mode": "which rows belong to a period: closed_in_period, created_cohort, …",
    "weight": "count or value",
    "compare": "prior, prior_year or none",
    "mapping": "salesforce, hubspot, pipedrive, odoo, or a TOML or JSON file",
    "currency": "of amounts that name none; others are converted to it by fx_rate, at each deal's close",
    "date_order": "dmy, mdy or ymd: how to read 03/04/2026",
    "decimal": "'.' or ','",
    "tz": "time zone of times that name none, and whose days count: America/New_York",
    "fiscal_year_start": "month in which the fiscal year begins, 1 to 12",
    "calendar": "years of whole weeks: 4-4-5, 4-5-4, 5-4-4, or nrf",
}


def explained(command: Callable[..., None], typer: Any) -> Callable[..., None]:
    """The command with a sentence on each of its arguments."""
    signature = inspect.signature(command, eval_str=True)
    told = [
        one.replace(
            default=typer.Argument(help=MEANING[one.name])
            if one.default is one.empty
            else typer.Option(one.default, "--" + one.name.replace("_", "-"), help=MEANING[one.name])
        )
        for one in signature.parameters.values()
    ]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        command(**given)

    run.__signature__ = signature.replace(parameters=told)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in told}
    return run


# ---- commands ----


def about(version: bool = False) -> None:
    """Sales-operations analytics: KPIs, forecasts and reports from the files a CRM exports."""
    if version:
        from salesops import __version__

        print(f"salesops {__version__}")


def sample(folder: Path, seed: int = 7, deals: int = 5000, dirt: float = 0.0) -> None:
    """Write a sample book as CSV files, one a table; --dirt 0.01 spoils one row in a hundred."""
    if deals < 1:
        raise UsageError(f"--deals: {deals} deals make no book; give 1 or more")
    from salesops import csv, datasets

    tables = datasets.sample_tables(seed, deals, dirt=dirt)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        csv.write(table, folder / f"{name}.csv")
    print(f"{len(tables)} tables, {sum(table.num_rows for table in tables.values()):,} rows: {folder}")


def report(
    book: Book,
    out: Path = Path("report.html"),
    as_of: str | None = None,
    period: str | None = None,
    title: str | None = None,
) -> None:
    """Write the report of a period as one HTML file."""
    from salesops import report as reports

    crm, time = book()
    written = reports.write(crm, out, as_of, period, title, **time)
    print(f"report: {written} ({written.stat().st_size / 1000:.0f} kB)")


def kpi(
    book: Book,
    name: str,
    by: list[str] | None = None,
    period: str | None = None,
    where: str | None = None,
    mode: str | None = None,
    weight: str | None = None,
    as_of: str | None = None,
) -> None:
    """Print a KPI; --by groups it, --where chooses rows."""
    from salesops import kpi as kpis

    known = [
        word for word in kpis.__all__ if word.islower() and word not in ("catalogue", "ratio", "scorecard")
    ]
    if name not in known:
        raise UsageError(f"there is no KPI '{name}'{meant(name, known) or ';'} there are {', '.join(known)}")
    crm, time = book()
    given = {"period": period, "where": where, "mode": mode, "weight": weight, "as_of": as_of, **time}
    print(getattr(kpis, name)(crm, by=by or [], **given).to_text(60))


def scorecard(
    book: Book,
    as_of: str | None = None,
    period: str | None = None,
    by: list[str] | None = None,
    where: str | None = None,
    compare: str = "prior",
) -> None:
    """Print the KPIs of a period; --by prints the closed deals of each group."""
    from salesops import kpi as kpis

    crm, time = book()
    card = kpis.scorecard(crm, period, by=by or [], compare=compare, where=where, as_of=as_of, **time)
    print(card.to_text(60, lacking=False))
    if card.lacking():
        lacking = [[titles, needs] for needs, titles in card.lacking()]
        print_table(["not in this book", "needs"], lacking, "")


def forecast(book: Book, as_of: str | None = None, period: str | None = None) -> None:
    """Print what the period will book, by rep, by team and in all."""
    from salesops import pipeline

    crm, time = book()
    print(pipeline.forecast(crm, as_of, period, **time).to_text(reps=True))


def check(book: Book) -> None:
    """Print what was read, what was wrong with it, and what is missing for more."""
    crm, _ = book()
    show(crm.counts(), "Rows")
    if crm.issues.total:
        show(crm.issues.summary(), f"Issues: {crm.issues.total:,}", 100)
    else:
        print("No issues in the rows.\n")
    wanted = crm.capabilities().to_dict()
    gaps = [
        [table, column, cost]
        for table, column, present, cost in zip(
            wanted["table"], wanted["column"], wanted["present"], wanted["without_it"], strict=True
        )
        if not present and cost
    ]
    if gaps:
        print_table(["table", "column", "without it"], gaps, "Not in the book")


# ---- the book of a command ----


def of_a_book(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the arguments of `read` in place of its first, the book."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    shared = list(inspect.signature(read, eval_str=True).parameters.values())

    def run(**given: Any) -> None:
        command(functools.partial(read, **{asked.name: given.pop(asked.name) for asked in shared}), **given)

    # What must be given comes first: the name of a KPI before the folder.
    needed = [asked for asked in [*own, *shared] if asked.default is asked.empty]
    rest = [asked for asked in [*own, *shared] if asked.default is not asked.empty]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.Signature([*needed, *rest])  # type: ignore[attr-defined]
    return run


def read(
    folder: Path,
    mapping: str | None = None,
    currency: str | None = None,
    date_order: str | None = None,
    decimal: str | None = None,
    tz: str | None = None,
    fiscal_year_start: int | None = None,
    calendar: str | None = None,
) -> tuple[Crm, dict[str, Any]]:
    """The book in a folder or file, in one currency where it is named, and what its days and quarters are."""
    from salesops import ingest
    from salesops.calendar import time_zone

    if not folder.exists():
        raise UsageError(f"'{folder}' is not there; salesops sample {folder} writes a sample book")
    time = {"calendar": fiscal_calendar(fiscal_year_start, calendar), "zone": time_zone(tz)}
    how: dict[str, Any] = {"date_order": date_order, "decimal": decimal, "tz": tz}
    crm = ingest.read(folder, mapping, currency=currency or "", **how)
    tell_strangers(crm)
    if currency and crm.currency != currency:
        crm = crm.in_currency(currency)
    return crm, time


def fiscal_calendar(start: int | None, pattern: str | None) -> FiscalCalendar:
    """The calendar of quarters: civil, from another month, or of whole weeks."""
    from salesops.calendar import FiscalCalendar

    if start is not None and not 1 <= start <= 12:
        raise UsageError(f"--fiscal-year-start: {start} is no month; give 1 to 12")
    if pattern is None:
        return FiscalCalendar(start or 1)
    if pattern == "nrf":
        if start is not None:
            raise UsageError("--calendar nrf: its year begins in February; leave --fiscal-year-start out")
        return FiscalCalendar.nrf()
    return FiscalCalendar.week_pattern(pattern, end_month=((start or 1) - 2) % 12 + 1)


def tell_strangers(crm: Crm) -> None:
    """Name the files that are no tables, so that a misspelt one isn't missed in silence."""
    summary = crm.issues.summary().to_dict()
    names = [
        table
        for table, rule in zip(summary["table"], summary["rule"], strict=True)
        if rule == "unknown_table"
    ]
    if names:
        print(f"salesops: left out, no table of that name: {', '.join(map(str, names))}", file=sys.stderr)


# ---- out ----


def show(table: Table, title: str, rows: int = 60) -> None:
    """Print a table."""
    shown = table.slice(0, min(rows, table.num_rows)).to_dict()
    print_table(list(shown), [list(row) for row in zip(*shown.values(), strict=True)], title)
    if table.num_rows > rows:
        print(f"… {table.num_rows - rows:,} more rows")


def print_table(columns: list[str], rows: list[list[Any]], title: str) -> None:
    """Print rows; their texts are never taken as markup."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    from salesops.plot import plain

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 80)
    grid = Grid(
        title=Text(plain(title, 200)) if title else None,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        collapse_padding=True,
        pad_edge=False,
    )
    for position, name in enumerate(columns):
        cells, head = [cell_text(row[position]) for row in rows], plain(name).replace("_", " ")
        grid.add_column(
            Text(head),
            justify="right" if all(NUMBER.match(cell) for cell in cells if cell) else "left",
            min_width=max((least(text) for text in [head, *cells]), default=1),
            overflow="fold",
        )
    for row in rows:
        grid.add_row(*(Text(cell_text(cell)) for cell in row))
    needed = sum(column.min_width or 0 for column in grid.columns) + 2 * len(columns) + 1
    console.size = console.size._replace(width=max(console.width, needed))
    if needed >= console.width:
        for column in grid.columns:
            column.max_width = column.min_width
    console.print(grid)


NUMBER = re.compile(r"[-+]?\d|—")


def least(text: str) -> int:
    """The width below which a text may not be folded: a number that lost digits would be another one."""
    longest = 14
    words = text.split()
    return max((len(word) if NUMBER.match(word) else min(len(word), longest) for word in words), default=0)


def cell_text(cell: Any) -> str:
    """A cell as people read it."""
    from salesops.plot import plain

    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.4g}"
    return plain(f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else cell, 160)
