"""Whatever the book, each public entry answers or says why not: finite numbers or none, errors of ours."""

import datetime as dt
import math

import pytest
import salesops as so
from salesops import cli

EARLIER = dt.date(2025, 3, 1)


def of_forecast(result):
    return [result.to_frame("pandas"), result.deals("pandas"), result.notes, result.summary(), repr(result)]


def of_backtest(result):
    return [result.to_frame("pandas"), result.accuracy("pandas"), result.coverage, result.brier, repr(result)]


def of_state(book, **given):
    half = so.kpi.ScorecardState.partial(book, **given)
    other = so.kpi.ScorecardState.partial(book, **given)
    return half.merge(other).finish().to_table().to_dict()


def of_book(book):
    counts = book.counts().to_dict()
    for row in zip(
        *(counts[name] for name in ("rows_in", "kept", "superseded", "rejected", "deleted")), strict=True
    ):
        assert row[0] == sum(row[1:])
    return [counts, book.capabilities().to_dict(), so.kpi.win_rate(book).value]


ENTRIES = {
    "scorecard": lambda book, _: so.kpi.scorecard(book).to_table().to_dict(),
    "scorecard of a quarter": lambda book, _: so.kpi.scorecard(book, "2025-Q2").to_table().to_dict(),
    "scorecard of groups": lambda book, _: so.kpi.scorecard(book, by="owner").to_table().to_dict(),
    "ratio": lambda book, _: (
        so.kpi.ratio("big", numerator="is_won", denominator="amount >= 10000")(book, by="quarter")
        .to_table()
        .to_dict()
    ),
    "state": lambda book, _: of_state(book),
    "state of groups": lambda book, _: of_state(book, by="owner"),
    "forecast": lambda book, _: of_forecast(so.pipeline.forecast(book, draws=100)),
    "forecast of an earlier day": lambda book, _: of_forecast(so.pipeline.forecast(book, EARLIER, draws=100)),
    "forecast of wins": lambda book, _: of_forecast(so.pipeline.forecast(book, draws=100, measure="wins")),
    "backtest": lambda book, _: of_backtest(so.pipeline.backtest(book, periods=2, draws=100)),
    "waterfall": lambda book, _: [
        part("pandas")
        for found in [so.pipeline.waterfall(book, EARLIER)]
        for part in (found.to_frame, found.details)
    ],
    "report.render": lambda book, _: so.report.render(book),
    "report.render of an earlier day": lambda book, _: so.report.render(book, EARLIER),
    "report.write": lambda book, folder: so.report.write(book, folder / "report.html").stat().st_size,
    "in_currency": lambda book, _: of_book(book.in_currency("EUR")),
    "in_currency, nulls": lambda book, _: of_book(book.in_currency("EUR", missing="null")),
    "as_of": lambda book, _: of_book(book.as_of(EARLIER)),
    "strict as_of": lambda book, _: of_book(book.as_of(EARLIER, strict=True)),
    "capabilities": lambda book, _: of_book(book),
}


def numbers_of(answer):
    """All floats in an answer."""
    if isinstance(answer, dict):
        answer = list(answer.values())
    elif hasattr(answer, "to_dict"):  # a frame, whose NaN may be a null
        frame = answer.astype(object).where(answer.notna(), None)
        answer = frame.to_dict("list").values()
    if isinstance(answer, float):
        yield answer
    elif not isinstance(answer, str | bytes) and hasattr(answer, "__iter__"):
        for one in answer:
            yield from numbers_of(one)


def sound(answer):
    return all(math.isfinite(number) for number in numbers_of(answer))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", ENTRIES)
def test_hostile_books_are_answered_or_refused(hostile, entry, tmp_path):
    how, book = hostile
    refused = ""
    try:
        answer = ENTRIES[entry](book, tmp_path)
    except so.Error as error:
        refused = str(error)
    if refused:
        assert len(refused) > 30, how
        assert "nan" not in refused.lower().split()
    else:
        assert sound(answer)


@pytest.mark.filterwarnings("ignore")
def test_hostile_changes_are_applied_or_refused(hostile, tables, spoiled):
    how, book = hostile
    changes = spoiled(how)
    for first, second in ((book, tables), (so.crm.Crm.build(tables), changes)):
        for names in (["opportunity"], ["account", "activity", "lead"], list(tables)):
            refused = "none" * 10
            try:
                whole = first.apply({name: second[name] for name in names})
            except so.Error as error:
                refused = str(error)
            else:
                assert sound(of_book(whole))
            assert len(refused) > 30, how


@pytest.fixture(scope="module")
def folder(hostile, spoiled, tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile")
    for name, frame in spoiled(hostile[0]).items():
        frame.to_csv(path / f"{name}.csv", index=False)
    return path


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "command", ["check", "kpi win_rate", "kpi average_deal --by owner", "scorecard", "forecast", "report"]
)
def test_hostile_files_are_answered_or_refused_in_a_line(folder, command, tmp_path, capsys):
    words = command.split()
    rest = ["--out", str(tmp_path / "report.html")] if words[0] == "report" else []
    code = cli.main([*words[:2], str(folder), *words[2:], *rest])
    told = capsys.readouterr()
    assert code in (0, 2)
    assert "Traceback" not in told.err
    assert not {"nan", "inf", "-inf"} & set(told.out.lower().replace("%", " ").split())
    if code == 2:
        assert told.err.startswith("salesops: ")
        assert told.err.count("\n") == 1
    elif words[0] == "report":
        assert (tmp_path / "report.html").stat().st_size > 1000
