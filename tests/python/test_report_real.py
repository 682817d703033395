"""The main job on real folders: scorecard, forecast and page, from Python and from the command line."""

import datetime as dt
import pathlib
import re
from html.parser import HTMLParser

import pytest
import salesops as so
from salesops import cli

MAPPINGS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "examples" / "mappings"
# Folder under the data, mapping, currency, when the page is asked for, and its quarter.
BOOKS = {
    "maven": ("crm/maven_crm", "USD", "2017-11-15", "2017-Q4"),
    "chip": ("crm/chip_pipeline_A", "USD", "2015-11-15", "2015-Q4"),
    "olist": ("ops/leads", "", "2018-06-01", "2018-Q2"),
}


@pytest.fixture(scope="module")
def books(data_dir):
    return {
        name: so.read(data_dir / folder, MAPPINGS / f"{name}.toml", currency=currency)
        for name, (folder, currency, _, _) in BOOKS.items()
    }


@pytest.fixture(scope="module")
def pages(books, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    written = {name: so.report.write(books[name], folder / f"{name}.html", BOOKS[name][2]) for name in BOOKS}
    return {name: path.read_text() for name, path in written.items()}


def card_of(crm, period, **options):
    rows = so.kpi.scorecard(crm, period, **options).to_frame("polars").to_dicts()
    return {row["title"]: row for row in rows}


def run(data_dir, name, command, *more):
    folder, currency, _, _ = BOOKS[name]
    given = [command, str(data_dir / folder), "--mapping", str(MAPPINGS / f"{name}.toml"), *more]
    return cli.main([*given, "--currency", currency] if currency else given)


# ---- scorecards: the published numbers ----


def test_maven_scorecard(books):
    year = card_of(books["maven"], "2017")
    assert year["Win rate"]["n"] == 6711
    assert year["Win rate"]["value"] == pytest.approx(0.6315005, abs=5e-8)
    assert year["Average deal"]["value"] == pytest.approx(2360.9094, abs=5e-5)
    assert (year["Average deal"]["unit"], year["Average deal"]["n"]) == ("USD", 4238)
    # By value this book only wins: its lost deals have no amount, and the card says so beside the 100 %.
    assert year["Win rate by value"]["state"] == "amounts are known of won deals alone"
    for quarter, won in zip(range(1, 5), (1_134_672, 3_086_111, 2_982_255, 2_802_496), strict=True):
        row = card_of(books["maven"], f"2017-Q{quarter}", compare="none")["Average deal"]
        assert row["value"] * row["n"] == pytest.approx(won)


def test_chip_scorecard(books):
    chip = books["chip"]
    assert (so.kpi.win_rate(chip).numerator, so.kpi.win_rate(chip).denominator) == (2054, 2322)
    # Its deals bear no closing times: they follow from the history, of today's book as of a past one.
    for as_of in (None, "2016-10-01"):
        card = card_of(chip, "2015-Q4", as_of=as_of)
        assert card["Win rate"]["n"] == 316
        assert card["Average deal"]["unit"] == "USD"
        assert card["Average deal"]["n"] > 200


def test_olist_scorecard(books):
    then = card_of(books["olist"], "2018-05", as_of=BOOKS["olist"][2])["Lead conversion"]
    assert then["n"] == 1303
    assert then["value"] == pytest.approx(70 / 1303)
    assert card_of(books["olist"], "2018-05")["Lead conversion"]["value"] == pytest.approx(0.100, abs=5e-4)
    lacking = dict(so.kpi.scorecard(books["olist"], "2018-05").lacking())
    assert lacking["activity.at, activity.lead_id"] == "Lead response time, median, Response within target"


# ---- forecasts ----


def test_maven_forecast_holds_what_came(books):
    company = so.pipeline.forecast(books["maven"], "2017-11-15").to_frame("polars").to_dicts()[-1]
    deals = books["maven"].table("opportunity").to_dict()
    won = sum(
        amount
        for amount, stage, closed in zip(deals["amount"], deals["stage_id"], deals["closed_at"], strict=True)
        if stage == "Won"
        and dt.datetime(2017, 10, 1, tzinfo=dt.UTC) <= closed <= dt.datetime(2017, 11, 15, tzinfo=dt.UTC)
    )
    assert company["won_to_date"] == pytest.approx(won)
    assert company["bookings_lo_80"] < 2_802_496 < company["bookings_hi_80"]


def test_a_forecast_without_deals_says_so(books):
    with pytest.raises(so.UsageError, match="no table 'opportunity'"):
        so.pipeline.forecast(books["olist"])


# ---- pages ----


class Words(HTMLParser):
    """What a reader of a page reads: texts of elements other than its style, and of screen readers."""

    def __init__(self, html):
        super().__init__()
        self.found, self.silent = [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.silent = tag == "style"
        self.found += [value for name, value in attrs if name == "aria-label"]

    def handle_data(self, data):
        if not self.silent and data.strip():
            self.found.append(data)


def words_of(html):
    return [" ".join(text.split()) for text in Words(html).found]


@pytest.mark.parametrize("name", BOOKS)
def test_a_page_stands_alone_and_shows_no_leftovers(name, pages):
    html = pages[name]
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    for text in words_of(html):
        assert not re.search(r"\b(?:NaN|nan|None|null|inf|XXX|undefined|True|False)\b|— \w", text), text
    assert len(html) < 120_000


@pytest.mark.parametrize("name", BOOKS)
def test_a_page_says_why_a_part_is_missing(name, pages):
    text = " ".join(words_of(pages[name]))
    assert f"{BOOKS[name][3]}, 1 " in text
    assert "not in this book needs" in text
    assert "No quota by team: attainment needs column 'amount' of table '" in text
    left_out = [words for words in words_of(pages[name]) if re.match(r"No [a-z ]+: \w+", words)]
    assert len(left_out) >= 4
    for words in left_out:
        assert re.search(r"needs|has no|no column|judged by their age|known of won deals alone", words), words


def test_the_maven_page_has_its_numbers(books, pages):
    text = " ".join(words_of(pages["maven"]))
    then = so.kpi.win_rate(books["maven"], period="2017-Q4", as_of="2017-11-15")
    assert f"{then.value * 100:.1f} %" in text
    # The page's forecast is the library's: it doesn't see amounts that were written down later.
    company = so.pipeline.forecast(books["maven"], "2017-11-15").to_frame("polars").to_dicts()[-1]
    low, high = (so.plot.compact(company[f"bookings_{end}_80"], "USD") for end in ("lo", "hi"))
    assert f"2017-Q4 should bring {low} to {high} (80 % sure)." in text
    assert "Amounts have no history" in text


def test_the_chip_page_reads_its_history(pages):
    text = " ".join(words_of(pages["chip"]))
    assert "The hardest stage is Design" in text
    assert "Nobody kept the past of 7 columns" in text


def test_a_page_of_leads_begins_with_leads(pages):
    text = " ".join(words_of(pages["olist"]))
    assert re.search(r"leads of 2018-Q2 were converted so far: \d+\.\d %\.", text)
    assert "No forecast: " in text


def test_money_without_a_currency_is_shown_without_one(data_dir):
    crm = so.read(data_dir / BOOKS["maven"][0], MAPPINGS / "maven.toml")
    assert crm.currency == "XXX"
    words = words_of(so.report.render(crm))
    assert not [text for text in words if "XXX" in text]
    assert "not named in the book" in words
    for shown in (
        so.pipeline.forecast(crm),
        so.kpi.average_deal(crm),
        so.pipeline.waterfall(crm, "2017-10-01"),
    ):
        assert "XXX" not in repr(shown)


# ---- the command line ----


def test_the_commands_do_the_same(data_dir, books, tmp_path, capsys):
    for name, (_, _, as_of, quarter) in BOOKS.items():
        page = tmp_path / f"{name}.html"
        assert run(data_dir, name, "report", "--as-of", as_of, "--out", str(page)) == 0
        assert page.read_text() == so.report.render(books[name], as_of)
        capsys.readouterr()
        assert run(data_dir, name, "scorecard", "--as-of", as_of) == 0
        shown = capsys.readouterr().out
        assert f"Scorecard {quarter} · as of {as_of}" in shown
        value = next(row[1] for row in so.kpi.scorecard(books[name], as_of=as_of).printed()[1])
        assert value in shown
    assert run(data_dir, "maven", "forecast", "--as-of", "2017-11-15") == 0
    assert capsys.readouterr().out.strip() == so.pipeline.forecast(books["maven"], "2017-11-15").to_text(
        reps=True
    )
    assert run(data_dir, "chip", "forecast", "--as-of", "2015-11-15") == 0
    assert "rep without owner" in capsys.readouterr().out
    assert run(data_dir, "olist", "forecast") == 2
    assert "no table 'opportunity'" in capsys.readouterr().err


def test_files_of_another_kind_are_named(data_dir, books, capsys):
    assert run(data_dir, "olist", "check") == 0
    assert "no table of that name: lead_response_synthetic, xeducation_leads" in capsys.readouterr().err
    assert books["olist"].issues.count("unknown_table") == 2
