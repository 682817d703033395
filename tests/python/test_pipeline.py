import pathlib
import re

import pytest
import salesops as so
from salesops import pipeline
from salesops.plot.base import odds

AS_OF = "2025-08-15"


@pytest.fixture(scope="module")
def crm():
    return so.datasets.sample_crm(seed=7, deals=1500, reps=8)


@pytest.fixture(scope="module")
def forecast(crm):
    return pipeline.forecast(crm, AS_OF, draws=400)


def test_a_forecast_says_its_answer_first(forecast):
    text = repr(forecast)
    assert text.startswith("80 % sure of ")
    assert "as of 2025-08-15" in text
    assert len(text.splitlines()) < 20
    assert "<table" in forecast._repr_html_()
    assert [str(day) for day in forecast.period] == ["2025-07-01", "2025-10-01"]


def test_frames_are_coherent(forecast):
    frame = forecast.to_frame("pandas")
    company = frame[frame.holder_type == "company"].iloc[0]
    reps = frame[frame.holder_type == "rep"]
    assert reps.bookings_mean.sum() == pytest.approx(company.bookings_mean, abs=0.1)
    assert company.bookings_lo_80 < company.bookings_mean < company.bookings_hi_80
    deals = forecast.deals("pandas")
    assert deals.p_win.between(0, 1).all()
    assert forecast.scenario.mean("company") == pytest.approx(company.bookings_mean, abs=0.01)
    reach = forecast.scenario.probability_at_least("company", company.quota)
    assert reach == pytest.approx(company.p_attain)


def test_kinds_of_frame_and_books(crm, forecast):
    assert forecast.to_frame("polars").columns == forecast.to_frame("pyarrow").column_names
    again = pipeline.forecast(crm._core, AS_OF, draws=400)
    assert again.summary() == forecast.summary()


def test_periods_in_words(crm):
    named = pipeline.forecast(crm, AS_OF, "FY25-Q4", draws=100)
    spanned = pipeline.forecast(crm, AS_OF, ("2025-10-01", "2026-01-01"), draws=100)
    assert named.period == spanned.period
    assert named.summary() == spanned.summary()
    fiscal = pipeline.forecast(crm, AS_OF, calendar=so.calendar.FiscalCalendar(start_month=2), draws=100)
    assert [str(day) for day in fiscal.period] == ["2025-08-01", "2025-11-01"]
    with pytest.raises(so.UsageError, match="a forecast is of one"):
        pipeline.forecast(crm, AS_OF, "last 2 quarters")


def test_wins_levels_and_seeds(crm):
    wins = pipeline.forecast(crm, AS_OF, measure="wins", level=[50, 95], draws=200, seed=3)
    frame = wins.to_frame("pandas")
    assert {"bookings_lo_50", "bookings_hi_95"} <= set(frame.columns)
    assert wins.scenario.currency == ""
    with pytest.raises(so.UsageError, match="measure"):
        pipeline.forecast(crm, AS_OF, measure="euros")
    with pytest.raises(so.UsageError, match="draws"):
        pipeline.forecast(crm, AS_OF, draws=3)


def test_the_fan_tells_the_forecast(forecast):
    pytest.importorskip("altair")
    picture = forecast.plot()
    company = forecast.to_frame("pandas").query("holder_type == 'company'").iloc[0]
    numbers = dict(picture.rows)
    assert numbers["low"] == f"{company.bookings_lo_80:,.0f}"
    assert numbers["quota"] == f"{company.quota:,.0f}"
    assert f"{company.p_attain * 100:.0f} % likely" in picture.title
    band, _, known = picture.chart.to_dict()["layer"][:3]
    ends = [chart["data"]["values"][-1] for chart in (known, band)]
    assert ends[0]["day"] == AS_OF
    assert ends[0]["total"] == pytest.approx(company.won_to_date)
    assert ends[1]["day"] == str(forecast.period[1])
    assert ends[1]["high"] == pytest.approx(company.bookings_hi_80, rel=1e-6)
    team = next(holder for holder in forecast.scenario.holders if holder[0] == "team")
    assert f"of team {team[1]}" in forecast.plot(team).title
    with pytest.raises(so.UsageError, match="no holder"):
        forecast.plot("nobody")


def test_the_fan_of_a_period_ahead_starts_at_nothing(crm):
    pytest.importorskip("altair")
    ahead = pipeline.forecast(crm, AS_OF, ("2025-10-01", "2026-01-01"), draws=100).plot()
    known = ahead.chart.to_dict()["layer"][2]["data"]["values"]
    assert known == [{"day": "2025-10-01", "total": 0.0}]


def test_the_bars_of_a_waterfall_are_its_steps(crm):
    pytest.importorskip("altair")
    fall = pipeline.waterfall(crm, "2025-06-01", "2025-07-01")
    picture = fall.plot()
    assert [row[0] for row in picture.rows][:: len(picture.rows) - 1] == [
        "open on 2025-06-01",
        "open on 2025-07-01",
    ]
    assert [row[1:] for row in picture.rows] == [
        [f"{amount:,.0f}", f"{deals:,}"] for _, amount, deals in fall._steps()
    ]


def test_a_backtest_states_its_coverage(forecast):
    back = forecast.backtest(periods=4)
    company = next(row for row in back.coverage if row["holder_type"] == "company")
    assert company["cells"] == 4
    assert company["verdict"] == "too few to judge"
    assert company["low"] <= company["covered"] / 4 <= company["high"]
    assert "of 4" in repr(back)
    cells = back.to_frame("pandas")
    covered = (cells.lo_80 <= cells.actual) & (cells.actual <= cells.hi_80)
    assert (covered == cells.covered).all()
    assert back.brier < back.naive_brier
    assert back.accuracy("pandas").holder_type.tolist() == ["company", "team", "rep"]
    assert len(back.reliability("pandas")) == 10
    assert "<table" in back._repr_html_()


def test_a_waterfall_names_a_step_that_went_the_way_of_the_whole(crm):
    pytest.importorskip("altair")
    named = 0
    for month in range(2, 12):
        fall = pipeline.waterfall(crm, f"2025-{month:02}-01", f"2025-{month + 1:02}-01")
        steps = {name: amount for name, amount, _ in fall._steps()}
        change = steps["end"] - steps["start"]
        found = re.search("(grew|shrank) by .*; the largest step was '(.+)'", fall.plot().title)
        assert found, fall.plot().title
        assert (found[1] == "grew") == (change >= 0)
        assert (steps[found[2].replace(" ", "_")] > 0) == (change >= 0)
        named += 1
    assert named


def test_a_waterfall_conserves(crm):
    fall = pipeline.waterfall(crm, "2025-06-01", "2025-07-01", due=("2025-06-01", "2025-10-01"))
    amounts = fall.to_frame("pandas").set_index("step").amount
    assert amounts.iloc[:-1].sum() == pytest.approx(amounts["end"], abs=0.001)
    details = fall.details("pandas").groupby("movement").amount.sum()
    assert details["created"] == pytest.approx(amounts["created"])
    assert repr(fall).startswith("Open pipeline, 2025-06-01 to 2025-07-01")
    one = pipeline.waterfall(crm, "2025-06-01", owner=crm.table("opportunity").to_dict()["owner_id"][0])
    assert one.period[1] == crm.latest
    with pytest.raises(so.UsageError, match="owner"):
        pipeline.waterfall(crm, "2025-06-01", owner="nobody")


def test_a_holder_that_is_not_there_is_answered_with_those_that_are(crm):
    result = pipeline.forecast(crm, as_of="2025-11-15", draws=100)
    with pytest.raises(so.UsageError, match=r"no holder 'nobody'; there are company, .* and \d+ more"):
        result.plot("nobody")


def test_the_order_of_rows_changes_no_digit():
    tables = {name: table.to_pandas() for name, table in so.datasets.sample_tables(deals=400).items()}
    shuffled = {
        name: table.sample(frac=1, random_state=len(name)).reset_index(drop=True)
        for name, table in tables.items()
    }
    # Rows of one instant stand in their order in a history: its changes stay as they were told.
    shuffled["opportunity_event"] = tables["opportunity_event"]
    asked = {"as_of": "2025-11-15", "draws": 200}
    one = so.pipeline.forecast(so.crm.Crm.build(tables), **asked)
    other = so.pipeline.forecast(so.crm.Crm.build(shuffled), **asked)
    assert one.to_frame("pyarrow").equals(other.to_frame("pyarrow"))
    assert one.summary() == other.summary()
    deals = [f.deals("pyarrow").sort_by("opportunity_id") for f in (one, other)]
    assert deals[0].equals(deals[1])


@pytest.mark.parametrize("currency", ["EUR", "euro"])
@pytest.mark.parametrize(
    "ask",
    [pipeline.forecast, pipeline.backtest, lambda crm, **asked: pipeline.waterfall(crm, AS_OF, **asked)],
)
def test_a_currency_that_no_deal_has_is_refused(crm, ask, currency):
    with pytest.raises(so.UsageError, match=f"currency: no deal has '{currency}'; the deals have USD"):
        ask(crm, currency=currency)


# ---- what can't be forecast ----


def test_a_period_far_ahead_is_refused():
    crm = so.datasets.sample_crm(seed=7, deals=400)
    words = "reaches no further than 2028-01-01: as far ahead as the book reaches back"
    for period in ("2060-Q1", "2028-Q1"):
        with pytest.raises(so.UsageError, match=words):
            so.pipeline.forecast(crm, period=period, draws=100)
    assert so.pipeline.forecast(crm, period="2027-Q4", draws=100).summary()


def plain_deals(amounts):
    n = len(amounts)
    return {
        "opportunity_id": [f"d{i}" for i in range(n)],
        "created_at": [f"2025-01-{1 + i % 28:02d}" for i in range(n)],
        "closed_at": [f"2025-02-{1 + i % 28:02d}" if i % 4 else None for i in range(n)],
        "is_closed": [bool(i % 4) for i in range(n)],
        "is_won": [i % 4 > 1 for i in range(n)],
        "close_date": ["2025-03-15"] * n,
        "amount": amounts,
    }


def test_a_young_book_sees_a_quarter_ahead():
    young = so.crm.Crm.build({"opportunity": plain_deals([100] * 80)})
    assert so.pipeline.forecast(young, draws=100).summary()
    with pytest.raises(so.UsageError, match=r"reaches no further than 2025-05-3.*at least a quarter"):
        so.pipeline.forecast(young, period="2025", draws=100)


def test_amounts_that_nobody_knows_are_no_zero():
    quota = {"holder_type": ["company"], "period_start": ["2025-01-01"], "period_end": ["2025-04-01"]}
    none = so.crm.Crm.build({"opportunity": plain_deals([None] * 80), "quota": quota | {"amount": [1000]}})
    for kpi in (so.kpi.attainment, so.kpi.pipeline_coverage):
        result = kpi(none, period="2025-Q1")
        assert result.value is None
        assert result.excluded["null_amount"] > 0
        assert "(no amounts)" in repr(result)
    with pytest.raises(so.UsageError, match="no deal has an amount"):
        so.pipeline.forecast(none, draws=100)
    assert so.pipeline.forecast(none, draws=100, measure="wins").summary()
    some = so.crm.Crm.build(
        {"opportunity": plain_deals([None, None, 100] * 26), "quota": quota | {"amount": [1000]}}
    )
    assert so.kpi.attainment(some, period="2025-Q1").value > 0
    assert any("without an amount" in note for note in so.pipeline.forecast(some, draws=100).notes)


def test_negative_amounts_are_left_out_as_in_kpis():
    amounts = [1000 if i % 3 else -5000 for i in range(80)]
    book = so.crm.Crm.build({"opportunity": plain_deals(amounts)})
    result = so.pipeline.forecast(book, draws=200)
    company = result.to_frame("pandas").set_index("holder_type").loc["company"]
    won = sum(amount for i, amount in enumerate(amounts) if i % 4 > 1 and amount > 0)
    assert float(company["won_to_date"]) == won
    assert float(company["bookings_lo_80"]) >= won
    left_out = sum(amount < 0 and i % 4 != 1 for i, amount in enumerate(amounts))
    assert f"{left_out} open or won deals with a negative amount left out." in result.notes


@pytest.mark.parametrize("as_of", ["2017-10-15", "2017-11-01", "2017-11-15"])
def test_a_book_that_lacks_its_oldest_closes_teaches_nothing_of_that_time(data_dir, as_of):
    """Deals of this real book began in 2016, but none that closed before March 2017 is in it."""
    mapping = pathlib.Path(__file__).parents[2] / "docs" / "examples" / "mappings" / "maven.toml"
    book = so.read(data_dir / "crm" / "maven_crm", mapping, currency="USD")
    frame = pipeline.forecast(book, as_of, measure="wins").to_frame("pandas")
    company = frame[frame.holder_type == "company"].iloc[0]
    assert company.bookings_lo_80 < 1196 < company.bookings_hi_80, "what the quarter came to"
    assert company.bookings_hi_80 - company.bookings_lo_80 < 700, "it was 2,700 with a landmark before them"


@pytest.mark.parametrize(("chance", "text"), [(1, "over 99 %"), (0, "under 1 %"), (0.82, "82 %")])
def test_nothing_is_certain_that_was_simulated(chance, text):
    assert odds(chance) == text
