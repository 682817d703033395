import datetime as dt
import re
import subprocess
import zoneinfo
from html.parser import HTMLParser

import pytest
import salesops as so
from salesops import report

VOID = {"meta", "br", "link", "img", "input", "hr"}
BREAKOUTS = ["", "'", '"', "</b>", "</title>", "</style>", "</svg>", "</text>", "-->", "]]>"]
ATTACKS = [
    "<script>alert(1)</script>", "<svg/onload=alert(1)>", "<img src=x onerror=alert(1)>",
    "<a href=javascript:alert(1)>x</a>", "<iframe srcdoc='<script>1</script>'></iframe>",
    "<style>@import'//x.y'</style>", "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)>",
]  # fmt: skip
LONERS = [
    "{{7*7}}", "{% raw %}", "${alert(1)}", "datum.x", "javascript:alert(1)", "\x00<b>", "\u202e<i>\u2028",
    "&lt;script&gt;", "&#60;script&#62;", "=HYPERLINK(\"http://x\")", "\x1b[31m", "<!--", "<![CDATA[",
]  # fmt: skip
PAYLOADS = [start + attack for start in BREAKOUTS[:8] for attack in ATTACKS] + LONERS


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def crm():
    return so.crm.Crm.build(so.datasets.sample_tables(seed=7, deals=3000, dirt=0.01))


@pytest.fixture(scope="module")
def html(crm):
    return report.render(crm, as_of="2025-11-15")


def hostile_book():
    """Sixty teams, reps, accounts, stages and a column named by attackers."""
    many = range(len(PAYLOADS))
    deals = {
        name: [] for name in ("opportunity_id", "account_id", "name", "pipeline_id", "owner_id", "stage_id")
    }
    deals |= {
        name: []
        for name in ("created_at", "closed_at", "close_date", "is_closed", "is_won", "amount", "type")
    }
    for i in many:
        for k in range(4):
            row = (f"O{i}-{k}", f"A{i}", PAYLOADS[i], "p", f"R{i}", PAYLOADS[i] if k == 3 else "won")
            row += (
                dt.datetime(2025, 10, 2),
                None if k == 3 else dt.datetime(2025, 10, 20),
                dt.date(2025, 12, 1),
            )
            row += (k != 3, k != 3 and (i + k) % 2 == 0, 1000.0 + i, PAYLOADS[i])
            for name, value in zip(deals, row, strict=True):
                deals[name].append(value)
    stages = [*PAYLOADS, "won"]
    return so.crm.Crm.build(
        {
            "opportunity": deals | {"<script>alert('column')</script>": deals["name"]},
            "account": {"account_id": [f"A{i}" for i in many], "name": PAYLOADS},
            "rep": {"rep_id": [f"R{i}" for i in many], "name": PAYLOADS},
            "team": {"team_id": [f"T{i}" for i in many], "name": PAYLOADS},
            "rep_assignment": {
                "rep_id": [f"R{i}" for i in many],
                "valid_from": [dt.date(2025, 1, 1)] * len(PAYLOADS),
                "team_id": [f"T{i}" for i in many],
            },
            "stage_def": {
                "pipeline_id": ["p"] * len(stages),
                "stage_id": stages,
                "label": stages,
                "rank": list(range(len(stages))),
                "type": ["open"] * len(PAYLOADS) + ["won"],
                "probability": [0.5] * len(PAYLOADS) + [1.0],
            },
        },
        currency="EUR",
    )


def assert_inert(html):
    page = Page(html)
    assert page.open == []
    assert not {"script", "iframe", "img", "a", "math", "object", "embed", "link", "base", "form"} & set(
        page.tags
    )
    assert page.tags.count("style") == 1
    for name, value in page.attributes:
        assert not name.startswith("on"), name
        assert name not in ("href", "src", "srcdoc", "style", "xlink:href", "formaction"), name
        if name != "aria-label":
            assert "javascript:" not in (value or "")
    return page


def test_there_are_enough_payloads():
    assert len(set(PAYLOADS)) >= 60


@pytest.mark.parametrize("as_of", [None, "2025-11-15"])
def test_hostile_names_come_out_inert(as_of):
    page = assert_inert(report.render(hostile_book(), as_of=as_of, period="2025-10-01/2026-01-01"))
    text = "".join(page.text)
    assert "<script>alert(1)</script>" in text
    assert "49" not in re.findall(r"\b7\*7\b|\b49\b", text)


@pytest.mark.parametrize("title", PAYLOADS)
def test_hostile_titles_come_out_inert(title, crm):
    from salesops.report import template

    page = template().render(title=title, verdict=title, freshness=title, sections=[], dark_css="")
    assert_inert(page)


def test_the_page_asks_for_nothing(html):
    page = assert_inert(html)
    policy = dict(page.attributes)["http-equiv"]
    assert policy == "Content-Security-Policy"
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html
    assert not re.search(r"@import|@font-face|url\((?!#)", html)
    assert "http" not in html.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_the_page_is_small(html):
    assert len(html.encode()) < 350_000


def test_charts_have_words_and_numbers(html):
    page = Page(html)
    charts = page.tags.count("svg")
    assert charts >= 3
    labels = [value for name, value in page.attributes if name == "aria-label"]
    assert len(labels) == charts
    assert all(len(label) > 20 for label in labels)
    assert page.tags.count("figcaption") == page.tags.count("details") == charts


def test_the_page_says_when_and_what(html):
    text = " ".join("".join(Page(html).text).split())
    assert "as known on 2025-11-15 00:00 UTC" in text
    assert "2025-Q4, 1 October 2025 to 31 December 2025" in text
    assert "Win rate" in text
    assert f"salesops {so.__version__}" in text
    assert "mixed fraction scales" in text


def test_the_win_rate_is_the_kpi(crm, html):
    value = so.kpi.win_rate(crm.as_of("2025-11-15"), period="2025-10-01/2026-01-01").value
    assert f"{value * 100:.1f} %" in text_of(html)


def test_the_same_book_gives_the_same_page(crm, html):
    assert report.render(crm, as_of="2025-11-15") == html


def test_missing_tables_become_sentences():
    crm = so.crm.Crm.build(
        {"account": {"account_id": ["A1"], "name": ["Acme"], "created_at": [dt.datetime(2025, 1, 1)]}}
    )
    text = " ".join("".join(Page(report.render(crm)).text).split())
    assert "opportunity" in text
    assert "lead" in text


def test_an_empty_period_says_so(crm):
    text = "".join(Page(report.render(crm, period="2019-Q1")).text)
    assert "no lead came in 2019-Q1" in text


def test_a_period_has_to_be_one_and_begun(crm):
    with pytest.raises(so.UsageError, match="8 periods; a report is about one"):
        report.render(crm, period="last 8 quarters")
    with pytest.raises(so.UsageError, match="begins after 2025-02-01"):
        report.render(crm, as_of="2025-02-01", period="2025-Q4")


def test_what_is_no_book_or_calendar_is_said(crm):
    frame = crm.table("opportunity").to_pandas()
    for ask in (report.render, so.pipeline.forecast, so.pipeline.backtest, so.kpi.scorecard, so.kpi.win_rate):
        with pytest.raises(so.UsageError, match="the first argument is a book"):
            ask(frame)
    with pytest.raises(so.UsageError, match="waterfall: the first argument is a book"):
        so.pipeline.waterfall(frame, "2025-01-01")
    for ask in (report.render, so.pipeline.forecast):
        with pytest.raises(so.UsageError, match="week_pattern"):
            ask(crm, calendar="4-4-5")


def test_a_book_older_than_the_report_says_so(crm):
    assert re.search(r"The last entry in the book is \d+ days older", report.render(crm, as_of="2026-02-15"))


def test_nothing_that_came_later_shows(crm):
    assert crm.latest.date().isoformat() == "2025-12-31"
    page = text_of(report.render(crm, as_of="2025-08-15"))
    assert "as known on 2025-08-15 00:00 UTC." in page
    assert "The book reaches to" not in page
    assert "December 2025" not in page


def test_the_ends_of_a_period_may_have_a_zone(crm):
    zone = zoneinfo.ZoneInfo("America/New_York")
    ends = dt.datetime(2025, 7, 1, tzinfo=zone), dt.datetime(2025, 10, 1, tzinfo=zone)
    asked = {"as_of": "2025-08-15", "zone": "America/New_York"}
    page = report.render(crm, period="2025-07-01/2025-10-01", **asked)
    assert report.render(crm, period=ends, **asked) == page


def test_write_replaces_whole_files_only(crm, tmp_path):
    target = tmp_path / "new" / "report.html"
    assert report.write(crm, target, as_of="2025-11-15") == target
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    with pytest.raises(so.DataError, match="blocked"):
        report.write(crm, blocked, as_of="2025-11-15")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blocked", "new"]


def test_without_jinja_the_extra_is_named(monkeypatch, crm):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(so.UsageError, match=r"salesops\[plot,report\]"):
        report.render(crm)


def test_importing_the_report_loads_no_chart_library():
    code = (
        "import sys, salesops.report; print([m for m in ('altair', 'jinja2', 'pandas') if m in sys.modules])"
    )
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_forecast_names_teams_with_their_chance(html):
    section = html[html.index("<h2>Forecast") : html.index("<h2>Pipeline")]
    heads = [" ".join(head.split()) for head in re.findall(r"<th[^>]*>([^<]*)</th>", section)]
    assert heads[-7:] == ["team", "won", "expected", "80 % from", "to", "quota", "chance"]
    assert re.search(r"<td>Team 01</td><td>[\d.]+[kM]?</td>", section)


def test_many_teams_are_cut_to_those_that_bring_most():
    section = report.render(hostile_book(), as_of="2025-11-15")
    section = section[section.index("<h2>Forecast") : section.index("<h2>Pipeline")]
    assert f"<td>{len(PAYLOADS) - 12} more</td>" in section
    assert '<th scope="col">quota</th>' not in section


# ---- fiscal time and zones ----

FISCAL = {
    "february": so.calendar.FiscalCalendar(2),
    "weeks": so.calendar.FiscalCalendar.week_pattern("4-4-5", end_month=9),
}


def text_of(page):
    return " ".join(" ".join(Page(page).text).split())


@pytest.mark.parametrize("name", FISCAL)
def test_every_part_follows_the_calendar(crm, name):
    calendar, day = FISCAL[name], "2025-11-15"
    quarter = calendar.period_of(day, "quarter")
    label, before = calendar.label(quarter), calendar.label(calendar.previous(quarter))
    page = report.render(crm, as_of=day, calendar=calendar)
    text = text_of(page)
    assert f"{label} should bring" in text
    assert f"{label}, {report.book.day_text(quarter.start)} to " in text
    assert f"at the same point of {before}" in text
    known = crm.as_of(day)
    span = {"period": (quarter.start, quarter.end), "calendar": calendar}
    cover = so.kpi.pipeline_coverage(known, **span)
    assert f"Open deals cover what is left {cover.value:.1f} times" in text
    steps = so.pipeline.waterfall(known, quarter.start, day, due=(quarter.start, quarter.end))
    assert f"open on {quarter.start}" in text
    assert f"{steps.to_frame('polars')['amount'][0]:,.0f}" in text
    company = so.pipeline.forecast(crm, day, calendar=calendar).to_frame("polars").to_dicts()[-1]
    assert so.plot.compact(company["bookings_mean"]) in text
    assert page.count(calendar.label(calendar.previous(quarter, 8))) >= 1
    assert f"calendar {calendar.describe()}" in text
    assert page != report.render(crm, as_of=day)


@pytest.mark.parametrize(("zone", "hour"), [("America/New_York", 5), ("Asia/Tokyo", -9), ("UTC", 0)])
def test_days_are_those_of_the_zone(crm, zone, hour):
    midnight = dt.datetime(2025, 11, 15, tzinfo=dt.UTC) + dt.timedelta(hours=hour)
    page = report.render(crm, as_of="2025-11-15", zone=zone)
    assert page == report.render(crm, as_of=midnight, zone=zone)
    text = text_of(page)
    assert f"2025-Q4, 1 October 2025 to 31 December 2025, as known on 2025-11-15 00:00 {zone}." in text
    known = crm.as_of(midnight)
    assert f"{so.kpi.win_rate(known, period='2025-Q4', zone=zone).value * 100:.1f} %" in text
    forecast = so.pipeline.forecast(crm, "2025-11-15", zone=zone)
    assert forecast.as_of == midnight
    assert forecast.period == (dt.date(2025, 10, 1), dt.date(2026, 1, 1))
    assert "in 2025-10-01 to 2025-12-31" in forecast.summary()
    # Quotas of the quarter are its quotas in any zone: none is cut.
    assert not [note for note in forecast.notes if "days of overlap" in note]
    assert forecast._fan("company")[-1]["day"] == dt.date(2026, 1, 1)


def test_the_first_instant_of_a_quarter_belongs_to_it(crm):
    """Half past seven in the evening of the last of September in New York is the first of October in UTC."""
    instant = dt.datetime(2025, 9, 30, 23, 30, tzinfo=dt.UTC)
    assert "2025-Q3" in report.render(crm, as_of=instant, zone="America/New_York")
    assert "2025-Q4" in report.render(crm, as_of=instant, zone="Asia/Tokyo")


def test_a_period_may_begin_on_a_leap_day(crm):
    assert "2024-02-29/2024-03-31" in text_of(
        report.render(crm, as_of="2024-03-20", period="2024-02-29/2024-03-31")
    )


def test_open_amounts_are_shown_without_probabilities():
    """Neither deals nor stages tell odds: the amounts by stage need none."""
    deals = {
        "opportunity_id": ["a", "b", "c", "d", "e"],
        "created_at": ["2025-10-01"] * 5,
        "stage_id": ["talk", "talk", "offer", "offer", "won"],
        "close_date": ["2025-12-01", "2025-12-02", "2025-11-20", "2026-02-01", "2025-10-20"],
        "closed_at": [None] * 4 + ["2025-10-20"],
        "is_closed": [False] * 4 + [True],
        "is_won": [None] * 4 + [True],
        "amount": ["1000", "500", "250", "9999", "70"],
    }
    crm = so.crm.Crm.build({"opportunity": deals}, currency="EUR")
    html = report.render(crm, as_of="2025-11-01")
    text = " ".join(" ".join(Page(html).text).split())
    assert "EUR 1,750 are open for 2025-Q4" in text
    assert "so nothing is weighted" in text
    assert "No open amount by stage" not in text


def test_tables_of_many_rows_may_break_in_print(html):
    """A scorecard that can't break leaves the better part of the first page empty."""
    printed = re.search(r"@media print\{(.*)\}\s*</style>", html, re.DOTALL)[1]
    whole = re.search(r"([^{}]*)\{break-inside:avoid\}", printed)[1]
    assert "tr" in whole.split(",")
    assert ".scroll:not(:has(.text)):not(:has(tbody tr:nth-child(9)))" in whole.split(",")
    card = html.split("<h2>Scorecard</h2>")[1].split("</section>")[0]
    assert card.split("<tbody>")[1].split("</tbody>")[0].count("<tr>") >= 9
