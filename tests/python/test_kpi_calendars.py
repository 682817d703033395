"""KPIs by the quarters of a company: 4-4-5 weeks, years from February, and the book's own calendar."""

import datetime as dt
from collections import defaultdict
from fractions import Fraction

import pytest
import salesops as so
from salesops import kpi
from salesops.calendar import FiscalCalendar
from salesops.crm import Crm

FEBRUARY = FiscalCalendar(2)
WEEKS = FiscalCalendar.week_pattern("4-4-5")
PERIODS = {"february": (FEBRUARY, "FY26-Q3"), "4-4-5": (WEEKS, "FY25-Q3")}


def day(value) -> dt.date:
    return value if isinstance(value, dt.date) and not isinstance(value, dt.datetime) else value.date()


def quarters_from_february(at: dt.date) -> tuple[int, int, int]:
    """Year, quarter and month of the year, named by the year that it ends in."""
    month = (at.month - 2) % 12
    return at.year + (at.month >= 2), month // 3 + 1, month + 1


def saturday_year(year: int) -> dt.date:
    """The day after the last Saturday of December of the year before."""
    last = dt.date(year - 1, 12, 31)
    return last - dt.timedelta(days=(last.weekday() - 5) % 7) + dt.timedelta(days=1)


def quarters_of_weeks(at: dt.date) -> tuple[int, int, int]:
    year = at.year + (at >= saturday_year(at.year + 1))
    week = (at - saturday_year(year)).days // 7
    quarter = min(week // 13, 3)
    within = min(week - 13 * quarter, 12)
    return year, quarter + 1, 3 * quarter + (0 if within < 4 else 1 if within < 8 else 2) + 1


PLAIN = {"february": quarters_from_february, "4-4-5": quarters_of_weeks}


def fiscal_rows(plain) -> dict[str, list]:
    """The same calendar as a table of the book: what a CRM would export."""
    starts: dict[tuple[str, tuple[int, ...]], dt.date] = {}
    at = dt.date(2021, 1, 2)
    while plain(at)[0] == plain(dt.date(2021, 1, 1))[0]:  # to where a year begins
        at += dt.timedelta(days=1)
    while at < dt.date(2027, 6, 1):
        year, quarter, month = plain(at)
        for key in (("Year", (year,)), ("Quarter", (year, quarter)), ("Month", (year, month))):
            starts.setdefault(key, at)
        at += dt.timedelta(days=1)
    rows = defaultdict(list)
    for kind in ("Year", "Quarter", "Month"):
        spans = sorted((start, key) for (of, key), start in starts.items() if of == kind)
        for (start, key), following in zip(spans, [*spans[1:], (at, ())], strict=True):
            rows["period_id"].append("-".join([kind, *map(str, key)]))
            rows["type"].append(kind)
            rows["start"].append(start)
            rows["end"].append(following[0] - dt.timedelta(days=1))
            rows["number"].append(key[-1])
    return dict(rows)


@pytest.fixture(scope="module")
def tables():
    return so.datasets.sample_tables(seed=3, deals=900, reps=6)


@pytest.fixture(scope="module")
def deals(tables):
    rows = Crm.build(tables).table("opportunity").to_pandas().itertuples()
    return [row for row in rows if row.is_closed]


@pytest.fixture(scope="module", params=["february", "4-4-5"])
def case(request, tables):
    """The book with the calendar as its table, that calendar, and its plain reading."""
    plain = PLAIN[request.param]
    given = {name: table for name, table in tables.items() if name != "fiscal_period"}
    crm = Crm.build({**given, "fiscal_period": fiscal_rows(plain)})
    calendar, period = PERIODS[request.param]
    return crm, calendar, plain, period


def test_the_table_is_the_calendar(case):
    crm, calendar, plain, period = case
    ours = crm.fiscal_calendar()
    at = dt.date(2024, 6, 1)
    while at < dt.date(2026, 12, 1):
        year, quarter, month = plain(at)
        for every, number in (("year", 0), ("quarter", quarter), ("month", month)):
            made, known = ours.period_of(at, every), calendar.period_of(at, every)
            assert (made.year, made.start, made.end) == (year, known.start, known.end)
            assert made.number == number
        at += dt.timedelta(days=1)
    assert ours.parse_period(period, "2026-01-01") == calendar.parse_period(period, "2026-01-01")


@pytest.mark.parametrize("from_table", [False, True])
def test_win_rate_by_quarter(case, deals, from_table):
    crm, calendar, plain, period = case
    calendar = crm.fiscal_calendar() if from_table else calendar
    expected = defaultdict(lambda: [0, 0])
    for deal in deals:
        year, quarter, _ = plain(day(deal.closed_at))
        expected[f"FY{year % 100}-Q{quarter}"][0] += deal.is_won
        expected[f"FY{year % 100}-Q{quarter}"][1] += 1
    table = kpi.win_rate(crm, by="quarter", calendar=calendar, where="is_closed").to_table().to_dict()
    ours = {
        name: [won, n]
        for name, won, n in zip(table["quarter"], table["numerator"], table["n"], strict=True)
        if name
    }
    assert ours == expected
    assert list(ours) == sorted(ours)
    one = kpi.win_rate(crm, period=period, calendar=calendar)
    assert [one.numerator, one.denominator] == expected[period]
    card = kpi.scorecard(crm, by="quarter", calendar=calendar).to_table().to_dict()
    assert (
        dict(zip(card["quarter"], map(list, zip(card["won"], card["closed"], strict=True)), strict=True))
        == ours
    )


@pytest.mark.parametrize("from_table", [False, True])
def test_linearity_by_months_of_the_quarter(case, deals, from_table):
    crm, calendar, plain, period = case
    calendar = crm.fiscal_calendar() if from_table else calendar
    year, wanted = 2000 + int(period[2:4]), int(period[-1])
    thirds = [Fraction(0)] * 3
    for deal in deals:
        at = plain(day(deal.closed_at))
        if deal.is_won and at[:2] == (year, wanted):
            thirds[(at[2] - 1) % 3] += Fraction(str(deal.amount))
    result = kpi.linearity(crm, period=period, calendar=calendar)
    assert result.value == pytest.approx(float(thirds[2] / sum(thirds)), rel=1e-13)
    assert result.numerator == pytest.approx(float(thirds[2]), rel=1e-13)


@pytest.mark.parametrize("from_table", [False, True])
def test_attainment_takes_the_days_of_the_quarter(case, deals, from_table):
    crm, calendar, _, period = case
    calendar = crm.fiscal_calendar() if from_table else calendar
    span = calendar.parse_period(period, "2026-01-01")[0]
    quota = Fraction(0)
    for row in crm.table("quota").to_pandas().itertuples():
        start, end = day(row.period_start), day(row.period_end)
        if row.holder_type == "rep":
            shared = (min(end, span.end) - max(start, span.start)).days
            quota += Fraction(str(row.amount)) * max(0, shared) / (end - start).days
    won = sum(
        Fraction(str(deal.amount))
        for deal in deals
        if deal.is_won and span.start <= day(deal.closed_at) < span.end
    )
    result = kpi.attainment(crm, period=period, calendar=calendar)
    # Each quota's part is rounded to the cent.
    assert result.denominator == pytest.approx(float(quota), abs=0.005 * len(crm.table("quota").to_pandas()))
    assert result.numerator == pytest.approx(float(won), rel=1e-13)
    by_month = kpi.attainment(crm, period=period, calendar=calendar, by="month").to_table().to_dict()
    assert sum(by_month["denominator"]) == pytest.approx(result.denominator, rel=1e-13)


def test_a_book_without_periods_has_no_calendar(tables):
    given = {name: table for name, table in tables.items() if name != "fiscal_period"}
    assert Crm.build(given).fiscal_calendar() is None


def build(rows: list[tuple]) -> Crm:
    names = ("period_id", "type", "start", "end", "number")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    deals = {"opportunity_id": ["d"], "created_at": ["2026-01-01"]}
    return Crm.build({"fiscal_period": columns, "opportunity": deals})


def test_quarters_alone_are_a_calendar():
    calendar = build(
        [
            ("y", "year", "2026-02-01", "2027-02-01", None),
            ("b", "quarter", "2026-05-01", "2026-08-01", None),
            ("a", "quarter", "2026-02-01", "2026-05-01", None),
        ]
    ).fiscal_calendar()
    assert calendar.label(calendar.period_of("2026-06-30", "quarter")) == "FY27-Q2"


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("m", "month", "2026-02-01", "2026-03-01", 1)], "no row of type 'year'"),
        (
            [
                ("y", "year", "2026-02-01", "2027-02-01", 2026),
                ("a", "month", "2026-02-01", "2026-02-20", 1),
                ("b", "month", "2026-03-01", "2026-04-01", 2),
            ],
            "doesn't start where this one ends",
        ),
        (
            [("y", "year", "2026-02-01", "2027-02-01", 2026), ("a", "month", "2026-02-01", None, 1)],
            "the last period needs an end",
        ),
    ],
)
def test_a_table_that_is_no_calendar_says_why(rows, says):
    with pytest.raises(so.UsageError, match=says):
        build(rows).fiscal_calendar()
