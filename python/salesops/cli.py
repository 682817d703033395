"""The command line: a sample book, its report, and KPIs from a folder of files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesops._core.error import Error, UsageError

if TYPE_CHECKING:
    from salesops._core.table import Table
    from salesops.crm import Crm

__all__ = ["main"]


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
        given = sys.argv[1:] if arguments is None else arguments
        outcome = application(typer)(given or ["--help"], standalone_mode=False)
    except (Error, OSError) as error:
        return refuse(str(error))
    except Exception as error:
        # Typer has its own copy of click or the real one; their usage errors share only this method.
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
    app.callback(invoke_without_command=True)(about)
    for command in (sample, report, kpi, scorecard, forecast, check):
        app.command()(command)
    return app


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

    folder.mkdir(parents=True, exist_ok=True)
    tables = datasets.sample_tables(seed, deals, dirt=dirt)
    for name, table in tables.items():
        csv.write(table, folder / f"{name}.csv")
    print(f"{len(tables)} tables, {sum(table.num_rows for table in tables.values()):,} rows: {folder}")


def report(
    folder: Path,
    out: Path = Path("report.html"),
    as_of: str | None = None,
    period: str | None = None,
    mapping: str | None = None,
    title: str | None = None,
    currency: str | None = None,
) -> None:
    """Write the report of a period as one HTML file; --currency converts the book by its fx_rate."""
    from salesops import report as reports

    written = reports.write(book(folder, mapping, currency), out, as_of, period, title)
    print(f"report: {written} ({written.stat().st_size / 1000:.0f} kB)")


def kpi(
    name: str,
    folder: Path,
    by: list[str] | None = None,
    period: str | None = None,
    where: str | None = None,
    mode: str | None = None,
    weight: str | None = None,
    as_of: str | None = None,
    mapping: str | None = None,
    currency: str | None = None,
) -> None:
    """Print a KPI; --by groups it, --where chooses rows, --currency converts amounts."""
    from salesops import kpi as kpis

    known = [
        word for word in kpis.__all__ if word.islower() and word not in ("catalogue", "ratio", "scorecard")
    ]
    if name not in known:
        raise UsageError(f"there is no KPI '{name}'; there are {', '.join(known)}")
    given = {"period": period, "where": where, "mode": mode, "weight": weight, "as_of": as_of}
    result = getattr(kpis, name)(book(folder, mapping, currency), by=by or [], **given)
    if not by:
        print(result)
        return
    show(result.to_table(), f"{result.name}, {result.period}, as of {result.as_of:%Y-%m-%d}")
    print(result.definition)


def scorecard(
    folder: Path,
    as_of: str | None = None,
    period: str | None = None,
    by: list[str] | None = None,
    where: str | None = None,
    compare: str = "prior",
    mapping: str | None = None,
    currency: str | None = None,
) -> None:
    """Print the KPIs of a period; --by prints the closed deals of each group."""
    from salesops import kpi as kpis

    crm = book(folder, mapping, currency)
    card = kpis.scorecard(crm, period, by=by or [], compare=compare, where=where, as_of=as_of)
    heads, lines = card.printed()
    amounts = f", amounts in {card.currency}" if card.currency else ""
    print_table(heads, lines, f"Scorecard {card.period}, as of {card.as_of:%Y-%m-%d}{amounts}")
    if card.to_table().num_rows > len(lines):
        print(f"… {card.to_table().num_rows - len(lines):,} more groups")


def forecast(
    folder: Path,
    as_of: str | None = None,
    period: str | None = None,
    mapping: str | None = None,
    currency: str | None = None,
) -> None:
    """Print what the period will book, by rep, by team and in all."""
    from salesops.report.book import Book, word

    asked = Book(book(folder, mapping, currency), as_of, period)
    found = word("pipeline").forecast(asked.crm, as_of=asked.as_of, period=(asked.start, asked.end))
    print(found.to_text(reps=True))


def check(folder: Path, mapping: str | None = None) -> None:
    """Print what was read, what was wrong with it, and what is missing for more."""
    crm = book(folder, mapping)
    show(crm.counts(), "Rows")
    show(crm.issues.summary(), f"Issues: {crm.issues.total:,}", 100)
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


# ---- in and out ----


def book(folder: Path, mapping: str | None, currency: str | None = None) -> Crm:
    """The book in a folder, in one currency where it is named."""
    crm = read(folder, mapping)
    return crm.in_currency(currency) if currency else crm


def read(folder: Path, mapping: str | None) -> Crm:
    """The book in a folder."""
    from salesops.crm import Crm
    from salesops.report.book import word

    if not folder.exists():
        raise UsageError(f"'{folder}' is not there; salesops sample {folder} writes a sample book")
    if mapping:
        mapped: Crm = word("ingest").read(folder, mapping=mapping)
        return mapped
    from salesops import csv

    files = sorted(folder.glob("*.csv"))
    if not files:
        raise UsageError(f"'{folder}' holds no CSV file; expected opportunity.csv, account.csv, …")
    return Crm.build({path.stem: csv.read(path, strip_guard=True).table for path in files})


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

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    grid = Grid(title=Text(plain(title, 200)), box=box.SIMPLE_HEAD, title_justify="left")
    for position, name in enumerate(columns):
        cells = [row[position] for row in rows]
        numbers = any(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells)
        # On a narrow screen headings and texts are folded; a number that lost digits would be another one.
        widest = max((len(cell_text(cell)) for cell in cells), default=0) if numbers else 8
        grid.add_column(
            Text(plain(name).replace("_", " ")),
            justify="right" if numbers else "left",
            min_width=widest,
            overflow="fold",
        )
    for row in rows:
        grid.add_row(*(Text(cell_text(cell)) for cell in row))
    needed = sum(column.min_width or 0 for column in grid.columns) + 3 * len(columns) + 1
    console.size = console.size._replace(width=max(console.width, needed))
    if needed >= console.width:
        for column in grid.columns:
            column.max_width = column.min_width
    console.print(grid)


def cell_text(cell: Any) -> str:
    """A cell as people read it."""
    from salesops.plot import plain

    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.4g}"
    return plain(f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else cell, 160)
