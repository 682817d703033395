import gzip
import subprocess
import sys

import pytest
import salesops
from salesops import cli


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "sample"
    assert cli.main(["sample", str(path), "--seed", "7", "--deals", "600"]) == 0
    return path


def refused(capsys, *arguments):
    assert cli.main(list(arguments)) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("salesops: ")
    assert shown.err.count("\n") == 1
    return shown.err


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"salesops {salesops.__version__}\n"


def test_without_arguments_it_lists_the_commands(capsys):
    assert cli.main([]) == 0
    shown = capsys.readouterr().out
    for command in ("sample", "report", "kpi", "scorecard", "forecast", "check"):
        assert command in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fly"], "fly"),
        (["kpi"], "Missing"),
        (["report", "x", "--perid", "y"], "--perid"),
        (["sample", "x", "--deals", "many"], "--deals"),
        (["sample", "x", "--deals", "0"], "give 1 or more"),
        (["sample", "x", "--seed", "-1"], "seed: need a whole number from 0 to"),
        (["sample", "x", "--seed", "99999999999999999999"], "seed: need a whole number from 0 to"),
        (["sample", "x", "--deals", "99999999999999999999"], "deals: need a whole number from 0 to"),
        (["kpi", "profit", "x"], "there is no KPI 'profit'; there are"),
        (["kpi", "KpiResult", "x"], "there is no KPI"),
        (["kpi", "winrate", "x"], "there is no KPI 'winrate'; did you mean 'win_rate'?"),
        (["check", "/"], "no file of / has the name of a table"),
        (["check", "no/such/folder"], "'no/such/folder' is not there"),
    ],
)
def test_mistakes_are_one_line(capsys, arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert words in refused(capsys, *arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("library", ["rich", "typer"])
def test_without_the_extra_a_line_names_it(monkeypatch, capsys, library):
    monkeypatch.setitem(sys.modules, f"{library}.console" if library == "rich" else library, None)
    assert "salesops[cli]" in refused(capsys, "--version")


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "salesops", "fly"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_texts_are_not_markup(capsys):
    cli.print_table(
        ["[bold]name[/bold]"], [["[red]x[/red]\x1b[31m"], [None], [1234], [0.25]], "[link=x]t[/link]"
    )
    shown = capsys.readouterr().out
    assert "[bold]name[/bold]" in shown
    assert "[red]x[/red]" in shown
    assert "\x1b[31m" not in shown
    assert "[link=x]t[/link]" in shown
    assert "1,234" in shown


def test_sample_writes_what_check_reads(folder, capsys):
    assert {"opportunity.csv", "account.csv", "stage_def.csv"} <= {path.name for path in folder.iterdir()}
    assert cli.main(["check", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "opportunity" in shown
    assert "600" in shown


def test_a_sample_may_be_dirty(tmp_path, capsys):
    assert cli.main(["sample", str(tmp_path / "x"), "--deals", "200", "--dirt", "0.05"]) == 0
    assert cli.main(["check", str(tmp_path / "x")]) == 0
    assert "duplicate_key" in capsys.readouterr().out


def test_a_clean_book_has_no_table_of_issues(folder, capsys):
    assert cli.main(["check", str(folder)]) == 0
    assert "No issues in the rows." in capsys.readouterr().out


def test_a_kpi_is_the_library_s(folder, capsys):
    assert cli.main(["kpi", "win_rate", str(folder), "--period", "2025-Q3", "--where", "type = 'new'"]) == 0
    shown = capsys.readouterr().out
    crm = salesops.crm.Crm.build(salesops.datasets.sample_tables(seed=7, deals=600))
    expected = salesops.kpi.win_rate(crm, period="2025-Q3", where="type = 'new'")
    assert repr(expected) in shown


def test_a_kpi_by_columns_is_a_table(folder, capsys):
    assert cli.main(["kpi", "win_rate", str(folder), "--by", "owner.team", "--by", "type"]) == 0
    shown = capsys.readouterr().out
    assert "owner.team" in shown
    assert "renewal" in shown


def test_an_unknown_column_is_one_line(folder, capsys):
    assert "colour" in refused(capsys, "kpi", "win_rate", str(folder), "--by", "colour")


def test_report_and_scorecard(folder, tmp_path, capsys):
    out = tmp_path / "report.html"
    assert cli.main(["report", str(folder), "--as-of", "2025-11-15", "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    assert "2025-Q4" in out.read_text()
    assert cli.main(["scorecard", str(folder), "--as-of", "2025-11-15"]) == 0
    assert "Win rate" in capsys.readouterr().out


def test_a_forecast_fits_a_narrow_screen(folder, capsys):
    assert cli.main(["forecast", str(folder), "--as-of", "2025-11-15"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("company ") for line in lines)
    assert any(line.startswith("rep R0") for line in lines)


def test_numbers_are_never_cut(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    numbers = [123_456_789 + i for i in range(7)]
    cli.print_table([f"a_long_heading_{i}" for i in range(8)], [["some text to be folded", *numbers]], "wide")
    shown = capsys.readouterr().out
    assert all(f"{number:,}" in shown for number in numbers)
    assert "…" not in shown


def test_a_scorecard_fits_a_narrow_screen_with_its_numbers_whole(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    assert cli.main(["scorecard", str(folder), "--as-of", "2025-11-15"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    _, lines = salesops.kpi.scorecard(salesops.read(folder), as_of="2025-11-15").printed()
    numbers = {word for line in lines for cell in line for word in cell.split() if word[0].isdigit()}
    assert len(numbers) > 30
    assert numbers <= {word.strip("[],") for word in shown.split()}


@pytest.mark.parametrize(
    "asked",
    [
        ["check"],
        ["scorecard", "--as-of", "2025-11-15"],
        ["scorecard", "--by", "owner", "--by", "month"],
        ["kpi", "win_rate", "--by", "owner.team", "--by", "type"],
        ["kpi", "funnel"],
        ["kpi", "sales_cycle", "--by", "quarter"],
    ],
)
def test_tables_are_no_wider_than_a_terminal(folder, capsys, asked):
    place = 2 if asked[0] == "kpi" else 1
    assert cli.main([*asked[:place], str(folder), *asked[place:]]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert " %" in shown or asked[0] == "check" or "sales_cycle" in asked


def test_currency_brings_the_book_into_one(tmp_path, capsys):
    tables = salesops.datasets.sample_tables(deals=150, foreign_share=0.5)
    for name, table in tables.items():
        salesops.csv.write(table, tmp_path / f"{name}.csv")
    asked = ["kpi", "average_deal", str(tmp_path)]
    assert 'crm.in_currency("USD")' in refused(capsys, *asked)
    assert cli.main([*asked, "--currency", "USD"]) == 0
    assert "USD" in capsys.readouterr().out
    assert "no spot rate to CHF" in refused(capsys, *asked, "--currency", "CHF")
    assert "ISO 4217" in refused(capsys, *asked, "--currency", "dollars")


# ---- what a folder may hold ----


@pytest.fixture(scope="module")
def parquet(folder, tmp_path_factory):
    """The sample as Parquet, with files beside it that are no tables."""
    import polars as pl

    path = tmp_path_factory.mktemp("cli") / "parquet"
    path.mkdir()
    for file in folder.glob("*.csv"):
        table = salesops.csv.read(file, strip_guard=True).table
        table.to_polars().write_parquet(path / f"{file.stem}.parquet")
    pl.DataFrame({"a": [1]}).write_parquet(path / "scratch.parquet")
    (path / "oportunity.csv").write_text("opportunity_id\n1\n")
    (path / "notes.txt").write_text("call them on Monday\n")
    (path / "notes.csv").write_text("call them on Monday\n")
    (path / "picture.png").write_bytes(b"\x89PNG")
    return path


def test_parquet_reads_like_csv_and_strangers_are_named(folder, parquet, capsys):
    asked = ["--period", "2025-Q3", "--where", "type = 'new'"]
    assert cli.main(["kpi", "win_rate", str(folder), *asked]) == 0
    from_csv = capsys.readouterr()
    assert from_csv.err == ""
    assert cli.main(["kpi", "win_rate", str(parquet), *asked]) == 0
    from_parquet = capsys.readouterr()
    assert from_parquet.out == from_csv.out
    assert from_parquet.err == "salesops: left out, no table of that name: notes, oportunity, scratch\n"


def test_a_folder_reads_as_the_library_reads_it(parquet, capsys):
    crm = salesops.read(parquet)
    assert crm.issues.count("unknown_table") == 3
    assert cli.main(["check", str(parquet)]) == 0
    shown = capsys.readouterr().out
    assert f"Issues: {crm.issues.total:,}" in shown
    assert "oportunity" in shown
    salesops.read(parquet, on_issue="raise", tables=["account"])


def test_two_files_of_one_table_are_refused(tmp_path, capsys):
    for name in ("account.csv", "account.tsv"):
        (tmp_path / name).write_text("account_id\nA1\n")
    assert "two files hold the table 'account': account.csv and account.tsv" in refused(
        capsys, "check", str(tmp_path)
    )


def test_one_file_and_a_database_are_read_too(tmp_path, capsys):
    import sqlite3

    (tmp_path / "account.csv").write_text("account_id\nA1\n")
    connection = sqlite3.connect(tmp_path / "book.db")
    connection.execute("create table account as select 'A1' as account_id union select 'A2'")
    connection.commit()
    connection.close()
    for name, rows in (("account.csv", 1), ("book.db", 2)):
        assert cli.main(["check", str(tmp_path / name)]) == 0
        assert f"account   {rows}" in " ".join(capsys.readouterr().out.split()).replace(" ", "   ", 20)


# ---- how it is read ----


def export(path, created="03/04/2026 23:30", amount="1.234,50"):
    path.mkdir()
    (path / "Opportunity.csv").write_text(
        "Id;StageName;Amount;CreatedDate;CloseDate;IsWon;IsClosed\n"
        f"006A;Closed Won;{amount};{created};05/04/2026;true;true\n"
    )
    return path


def test_dates_decimals_zone_and_currency_are_told(tmp_path, capsys):
    folder = str(export(tmp_path / "x"))
    asked = [
        "kpi",
        "average_deal",
        folder,
        "--mapping",
        "salesforce",
        "--date-order",
        "dmy",
        "--decimal",
        ",",
    ]
    assert cli.main([*asked, "--currency", "EUR"]) == 0
    shown = capsys.readouterr().out
    assert "1,234 EUR" in shown or "1,234.5 EUR" in shown
    # Half past eleven at night in New York is the next day in Greenwich.
    created = ["kpi", "pipeline_created", *asked[2:], "--by", "day"]
    assert cli.main(created) == 0
    assert "2026-04-03" in capsys.readouterr().out
    assert cli.main([*created, "--tz", "America/New_York"]) == 0
    assert "2026-04-03" in capsys.readouterr().out
    crm = salesops.read(folder, "salesforce", date_order="dmy", decimal=",", tz="America/New_York")
    assert crm.table("opportunity").to_dict()["created_at"][0].isoformat() == "2026-04-04T03:30:00+00:00"


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (["--tz", "Mars/Olympus"], "no time zone 'Mars/Olympus'"),
        (["--date-order", "ymmd"], "date_order"),
        (["--decimal", ";"], "decimal"),
        (["--calendar", "4-4-6"], "sum to 13"),
        (["--calendar", "lunar"], "4-4-5"),
        (["--fiscal-year-start", "13"], "13 is no month"),
        (["--calendar", "4-4-5", "--fiscal-year-start", "13"], "13 is no month"),
        (["--calendar", "nrf", "--fiscal-year-start", "3"], "leave --fiscal-year-start out"),
    ],
)
def test_what_cannot_be_is_one_line(folder, capsys, option, words):
    assert words in refused(capsys, "kpi", "win_rate", str(folder), *option)


# ---- fiscal time ----

CALENDARS = {
    "february": (["--fiscal-year-start", "2"], salesops.calendar.FiscalCalendar(2)),
    "weeks": (["--calendar", "4-4-5"], salesops.calendar.FiscalCalendar.week_pattern("4-4-5")),
    "weeks to September": (
        ["--calendar", "4-4-5", "--fiscal-year-start", "10"],
        salesops.calendar.FiscalCalendar.week_pattern("4-4-5", end_month=9),
    ),
    "nrf": (["--calendar", "nrf"], salesops.calendar.FiscalCalendar.nrf()),
}


@pytest.mark.parametrize("name", CALENDARS)
def test_quarters_are_the_company_s(folder, capsys, name):
    options, calendar = CALENDARS[name]
    crm = salesops.read(folder)
    day = "2025-11-15"
    quarter = calendar.period_of(day, "quarter")
    assert cli.main(["scorecard", str(folder), "--as-of", day, *options]) == 0
    assert f"Scorecard {calendar.label(quarter)} · as of {day}" in capsys.readouterr().out
    assert cli.main(["kpi", "win_rate", str(folder), "--period", "last quarter", *options]) == 0
    assert (
        repr(salesops.kpi.win_rate(crm, period="last quarter", calendar=calendar)) in capsys.readouterr().out
    )
    assert cli.main(["forecast", str(folder), "--as-of", day, *options]) == 0
    forecast = salesops.pipeline.forecast(crm, day, calendar=calendar)
    assert forecast.period == (quarter.start, quarter.end)
    assert capsys.readouterr().out.strip() == forecast.to_text(reps=True)


def test_a_cut_file_is_one_line(capsys, tmp_path):
    whole = gzip.compress(b"opportunity_id,amount\n" + b"A-1,12.50\n" * 5000)
    (tmp_path / "opportunity.csv.gz").write_bytes(whole[: len(whole) // 2])
    assert "opportunity.csv.gz: the gzip data ends too early" in refused(capsys, "check", str(tmp_path))


def test_an_input_that_ends_is_one_line(capsys, monkeypatch, folder):
    def stopped(*args, **kwargs):
        raise EOFError

    monkeypatch.setattr("salesops.ingest.read", stopped)
    assert cli.main(["check", str(folder)]) == 2
    assert capsys.readouterr().err.strip() == "salesops: stopped"
