"""What KPIs say: to those who ask wrongly, of what a book can't know, and in print."""

import inspect

import pytest
import salesops as so
from salesops import kpi

DEALS = {
    "opportunity_id": ["a", "b", "c", "d"],
    "created_at": ["2025-01-05", "2025-01-10", "2025-02-01", "2025-03-01"],
    "closed_at": ["2025-03-01", "2025-03-10", "2025-04-20", None],
    "is_won": [True, False, True, False],
    "is_closed": [True, True, True, False],
    "amount": [100, 200, 1234567, 50],
    "close_date": ["2025-03-01", "2025-03-10", "2025-04-20", "2025-06-01"],
}


@pytest.fixture(scope="module")
def small():
    return so.crm.Crm.build({"opportunity": DEALS}, currency="EUR")


@pytest.fixture(scope="module")
def crm():
    return so.datasets.sample_crm(seed=7, deals=600)


# ---- to those who look for what isn't there ----


def test_what_an_answer_lacks_is_no_attribute(crm):
    alone, grouped, card = kpi.win_rate(crm), kpi.win_rate(crm, by="owner"), kpi.scorecard(crm)
    periods = kpi.win_rate(crm, period="last 2 quarters")
    for answer, lacks, words in (
        (grouped, "value", r"win_rate is grouped by owner: read its rows with .to_frame\(\)"),
        (periods, "low", "grouped by period"),
        (alone, "ids", "rows are listed where asked with ids=True"),
        (grouped, "ids", "rows are listed where asked with ids=True"),
        (card, "ids", "scorecard: rows are listed where asked with ids=True"),
    ):
        assert not hasattr(answer, lacks)
        assert getattr(answer, lacks, None) is None
        assert lacks not in dict(inspect.getmembers(answer))
        with pytest.raises(so.UsageError, match=words):
            getattr(answer, lacks)
    assert hasattr(alone, "value")
    with pytest.raises(AttributeError, match="KpiResult has no 'vlaue'; did you mean 'value'"):
        _ = alone.vlaue
    assert not hasattr(grouped, "anything")
    assert not hasattr(kpi.KpiResult.__new__(kpi.KpiResult), "value")  # as copies begin


# ---- of what a book can't know ----


def test_days_long_after_the_book_are_refused_alike(crm):
    words = "lies long after the book's latest row"
    for ask in (kpi.win_rate, kpi.weighted_pipeline, kpi.scorecard):
        with pytest.raises(so.UsageError, match=f"as_of 2027-01-01.* {words}"):
            ask(crm, as_of="2027-01-01")
    with pytest.raises(so.UsageError, match=f"as_of 2027-01-01.* {words}"):
        kpi.scorecard(crm, by="owner", as_of="2027-01-01")
    with pytest.raises(so.UsageError, match=f"waterfall: the end 2027-01-01.* {words}"):
        so.pipeline.waterfall(crm, "2025-06-01", "2027-01-01")
    with pytest.raises(so.UsageError, match=f"pipeline: as_of 2027-01-01.* {words}"):
        so.pipeline.forecast(crm, "2027-01-01")
    assert crm.as_of("2027-01-01").issues.count("after_latest_row") == 1
    assert crm.as_of("2025-06-01").issues.count("after_latest_row") == 0
    assert kpi.win_rate(crm, as_of="2026-01-20").value is not None  # within a month


def test_a_period_ahead_says_so(crm):
    ahead = kpi.win_rate(crm, period="2026-Q2")
    assert (ahead.value, ahead.state) == (None, "period lies ahead")
    assert any("2026-Q2 begins after" in warning for warning in ahead.warnings)
    both = kpi.win_rate(crm, period="next 2 quarters")
    assert sum("begins after" in warning for warning in both.warnings) == 2
    now = kpi.win_rate(crm, period="2025-Q4")
    assert (now.state, [w for w in now.warnings if "begins after" in w]) == ("", [])
    # What is expected is of days to come.
    assert not any("begins after" in w for w in kpi.weighted_pipeline(crm, period="2026-Q1").warnings)
    states = kpi.scorecard(crm, "2026-Q2").to_table().to_dict()
    assert dict(zip(states["kpi"], states["state"], strict=True))["average_deal"] == "period lies ahead"


def test_a_period_that_is_over_has_no_coverage(crm):
    over = kpi.pipeline_coverage(crm, period="2025-Q3")
    assert (over.value, over.state) == (None, "period is over")
    assert any("no deal can close in it any more" in warning for warning in over.warnings)
    assert kpi.pipeline_coverage(crm, period="2025-Q3", as_of="2025-08-01").value > 0


def test_ids_that_nobody_asked_for_are_refused(crm):
    for answer in (kpi.win_rate(crm), kpi.win_rate(crm, by="type"), kpi.scorecard(crm, by="owner")):
        with pytest.raises(so.UsageError, match="asked with ids=True"):
            _ = answer.ids
    assert len(kpi.win_rate(crm, ids=True).ids) > 0


# ---- to those who ask wrongly ----


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"by": "owner.tem"}, "did you mean 'owner.team'"),
        ({"by": "quater"}, "did you mean 'quarter'"),
        ({"by": "weekk"}, "did you mean 'week'"),
        ({"by": "ownr"}, "did you mean 'owner'"),
        ({"period": "weekk"}, 'did you mean "this week"'),
        ({"period": "last 4 quaters"}, 'did you mean "last 4 quarters"'),
        ({"period": "soon"}, "write one of"),
        ({"mode": "cohort"}, "did you mean 'created_cohort' or 'window_cohort'"),
        ({"mode": "survivel"}, "did you mean 'survival'"),
        ({"calendar": "4-4-5"}, "FiscalCalendar.week_pattern"),
        ({"window_days": "90"}, "window_days: need a whole number, not str"),
        ({"allow_negative": 1}, "allow_negative: need True or False"),
    ],
)
def test_a_slip_of_the_pen_is_told_what_it_meant(crm, asked, words):
    with pytest.raises(so.UsageError) as told:
        kpi.win_rate(crm, **asked)
    assert words in str(told.value)


def test_a_number_as_text_is_told_so(crm):
    with pytest.raises(so.UsageError, match="target_minutes: need a number, not str"):
        kpi.sla_compliance(crm, target_minutes="60")


@pytest.mark.parametrize("name", [name for name in kpi.__all__ if name in kpi._own_options])
def test_help_tells_what_the_catalogue_knows(crm, name):
    row = next(r for r in zip_rows(kpi.catalogue().to_table().to_dict()) if r["name"] == name)
    function = getattr(kpi, name)
    text, words = function.__doc__, " ".join(function.__doc__.split())
    for said in (row["title"], row["formula"], row["source"], *row["needs"].split(), *row["modes"].split()):
        assert said in words, said
    own = row["options"].split()
    listed = [line for line in text.splitlines() if line and not line.startswith((" ", "-", ">"))]
    for option in ("where", "by", "period", "mode", "weight", "level", "as_of", "ids", *own):
        assert option in listed
    assert set(own) <= set(inspect.signature(function).parameters)
    assert max(map(len, text.splitlines())) <= 110
    lines = [line.removeprefix(">>> ") for line in text.splitlines() if line.startswith(">>> ")]
    space = {"so": so, "crm": crm}
    assert eval(lines[-1], space) == "2025-Q3"


def zip_rows(columns):
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def test_results_list_their_fields(crm):
    one = kpi.win_rate(crm)
    assert {"value", "low", "high", "n", "details", "ids", "to_frame", "plot"} <= set(dir(one))
    grouped = kpi.win_rate(crm, by="type")
    assert "value" not in dir(grouped)
    for answer in (one, grouped):
        for name in dir(answer):
            if name not in ("ids",):
                getattr(answer, name)


# ---- in print ----


def test_changes_of_shares_are_points(crm):
    card = kpi.scorecard(crm, "2025-Q4", as_of="2025-11-15")
    heads, lines = card.printed()
    rows = {row["title"]: row for row in zip_rows(card.to_table().to_dict())}
    change, unit = heads.index("change"), 0
    for line in lines:
        row = rows[line[0]]
        if row["delta"] is None:
            continue
        said = f"{row['delta'] * 100:+,.1f} pp" if row["unit"] == "share" else None
        if said is not None and round(row["delta"], 3):
            unit += 1
            assert line[change] == said
            assert said in repr(card)
        assert "%" not in line[change]
    assert unit > 3


def test_numbers_are_written_alike(crm):
    one, card = kpi.win_rate(crm, period="2025-Q3"), kpi.scorecard(crm, "2025-Q3")
    share = f"{one.value * 100:.1f} %"
    assert share in repr(one)
    assert share in repr(card)
    assert share in card._repr_html_()
    assert share in one._repr_html_()
    assert share == so.plot.compact(one.value, "share")
    amount = next(
        row["value"] for row in zip_rows(card.to_table().to_dict()) if row["kpi"] == "weighted_pipeline"
    )
    assert f"{amount:,.0f} USD" in repr(card)


def test_no_currency_is_not_named(small):
    nameless = so.crm.Crm.build({"opportunity": DEALS})
    for card in (kpi.scorecard(nameless, "2025-Q2"), kpi.scorecard(nameless, by="quarter")):
        assert "XXX" not in repr(card) + card._repr_html_()
    assert "EUR" in repr(kpi.scorecard(small, by="quarter"))


def test_counts_have_no_unit_and_few_rows_are_told(small, crm):
    assert "count" not in repr(kpi.activity(crm)).splitlines()[1]
    assert "fewer than 10 rows" in repr(kpi.win_rate(small))
    assert "fewer than 10" not in repr(kpi.win_rate(crm))
    grouped = repr(kpi.win_rate(small, by="quarter"))
    assert "%*" in grouped
    assert "* fewer than 10 rows" in grouped
    card = kpi.scorecard(small, by="quarter")
    assert "* fewer than 10 deals" in repr(card)
    assert "fewer than 10" not in repr(kpi.scorecard(crm, by="type"))
    states = [row["state"] for row in zip_rows(kpi.scorecard(small, "2025-Q1").to_table().to_dict())]
    assert any("fewer than 10 rows" in state for state in states)


def test_rows_without_a_group_are_named(small):
    assert "no quarter" in repr(kpi.win_rate(small, by="quarter"))
    assert kpi.win_rate(small, by="quarter").to_table().to_dict()["quarter"][-1] is None


def test_a_funnel_prints_shares(crm):
    answer = kpi.funnel(crm)
    last = answer.to_table().to_dict()["cumulative"][-1]
    assert f"{last * 100:.1f} %" in repr(answer)


def test_one_is_one(small):
    steps = repr(so.pipeline.waterfall(small, "2025-02-15", "2025-04-30"))
    assert "1 deal\n" in steps + "\n"
    assert "1 deals" not in steps
    assert so.plot.counted(1, "deal") == "1 deal"
    assert so.plot.counted(2000, "deal") == "2,000 deals"
