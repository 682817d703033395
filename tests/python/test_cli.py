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
        (["kpi", "profit", "x"], "there is no KPI 'profit'; there are"),
        (["kpi", "KpiResult", "x"], "there is no KPI"),
        (["check", "/"], "no file of / has the name of a table"),
        (["check", "no/such/folder"], "'no/such/folder' is not there"),
    ],
)
def test_mistakes_are_one_line(capsys, arguments, words):
    assert words in refused(capsys, *arguments)


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


def test_currency_brings_the_book_into_one(tmp_path, capsys):
    tables = salesops.datasets.sample_tables(deals=150, foreign_share=0.5)
    for name, table in tables.items():
        salesops.csv.write(table, tmp_path / f"{name}.csv")
    asked = ["kpi", "average_deal", str(tmp_path)]
    assert 'crm.in_currency("EUR")' in refused(capsys, *asked)
    assert cli.main([*asked, "--currency", "USD"]) == 0
    assert "USD" in capsys.readouterr().out
    assert "no spot rate to CHF" in refused(capsys, *asked, "--currency", "CHF")
    assert "ISO 4217" in refused(capsys, *asked, "--currency", "dollars")
