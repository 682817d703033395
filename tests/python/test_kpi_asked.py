"""What is asked of a KPI is heeded, or refused: ids of a day, periods cut by `by`, starts, options."""

import datetime as dt
import itertools

import pytest
import salesops as so
from salesops import kpi
from salesops.crm import Crm

EARLIER = dt.datetime(2025, 8, 15, 12, tzinfo=dt.UTC)
NAMES = list(kpi._kpi.catalogue().to_dict()["name"])
OPTIONS = dict(zip(NAMES, kpi._kpi.catalogue().to_dict()["options"], strict=True))
# Spend has no columns in common with customers.
UNGROUPED = {"ltv_cac", "cac_payback"}
# Of a period as a whole: a length of time in `by` can't cut it.
WHOLE_PERIOD = {
    "arpa",
    "clv_simple",
    "linearity",
    "logo_churn",
    "logo_retention",
    "pipeline_coverage",
    "slippage",
    "snapshot_yield",
    "velocity",
}
QUARTERS = ["2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"]


@pytest.fixture(scope="module")
def crm():
    return so.datasets.sample_crm(seed=7, deals=600)


def call(name, book, **given):
    margin = {"gross_margin": 0.8} if "gross_margin" in OPTIONS.get(name, "").split() else {}
    return getattr(kpi, name)(book, **margin, **given)


def rows_of(result):
    columns = result.to_table().to_dict()
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


# ---- ids ----


@pytest.mark.parametrize("name", NAMES)
def test_ids_of_a_day_are_those_of_its_book(crm, name):
    then = crm.as_of(EARLIER)
    groups = [{}] if name in UNGROUPED | {"cac"} else [{}, {"by": "actor" if name == "activity" else "owner"}]
    found = 0
    for by in groups:
        for period in (None, "2025-Q3"):
            ours = call(name, crm, as_of=EARLIER, ids=True, period=period, **by).ids
            assert ours == call(name, then, ids=True, period=period, **by).ids
            found += len(ours)
    assert found > 0


def test_ids_of_a_ratio_are_those_of_the_day(crm):
    for table, time in (("opportunity", "closed_at"), ("lead", "created_at"), ("activity", "at")):
        share = kpi.ratio(
            f"share_of_{table}", numerator="owner_id is null" * (table == "lead"), table=table, time=time
        )
        ours = share(crm, as_of=EARLIER, ids=True).ids
        assert ours == share(crm.as_of(EARLIER), ids=True).ids
        known = crm.table(table).to_dict()
        at = dict(zip(known[f"{table}_id"], known[time], strict=True))
        assert ours
        assert all(at[key] is not None for key in ours) or table == "opportunity"


# ---- periods that by cuts ----


def parts_of(row):
    return {key: row[key] for key in ("numerator", "denominator", "n")}


@pytest.mark.parametrize("name", sorted(set(NAMES) - UNGROUPED))
def test_groups_of_time_are_periods_or_refused(crm, name):
    if name in WHOLE_PERIOD:
        for by in ("quarter", ["owner", "month"]):
            with pytest.raises(so.UsageError, match=r"as a whole.*period = \"last 4 quarters\""):
                call(name, crm, by=by, period="2025")
        return
    rows = rows_of(call(name, crm, by="quarter", period="2025"))
    compared = 0
    for quarter in QUARTERS:
        cut = [row for row in rows if row["quarter"] == quarter]
        alone = rows_of(call(name, crm, period=quarter))
        others = [key for key in alone[0] if key in ("step", "band", "forecast_category", "loss_reason")]
        for row in alone:
            same = [own for own in cut if all(own[key] == row[key] for key in others)]
            if not same:
                assert not row["n"]
                continue
            assert len(same) == 1
            assert same[0][name] == row[name]
            assert parts_of(same[0]) == parts_of(row)
            compared += 1
    assert compared > 0


# ---- where deals begin ----

STAGES = {
    "stage_id": ["new", "qualified", "proposal", "won", "lost"],
    "rank": [1, 2, 3, 4, 0],
    "type": ["open", "open", "open", "won", "lost"],
}


def book_of(paths):
    """Deals of (amount, loss reason, path): a path is (day of January, stage) of each stage in order."""
    deals = {key: [] for key in ("opportunity_id", "amount", "created_at", "closed_at", "stage_id", "is_won")}
    deals |= {"is_closed": [], "loss_reason": []}
    events = {key: [] for key in ("opportunity_id", "at", "seq", "field", "old", "new")}
    for i, (amount, reason, path) in enumerate(paths):
        last_day, last = path[-1]
        closed = last in ("won", "lost")
        row = (
            f"d{i}",
            amount,
            day(path[0][0]),
            day(last_day) if closed else None,
            last,
            last == "won",
            closed,
        )
        for column, cell in zip(deals, (*row, reason), strict=True):
            deals[column].append(cell)
        for seq, ((_, old), (at, new)) in enumerate(itertools.pairwise(path)):
            for column, cell in zip(events, (f"d{i}", day(at), seq, "stage", old, new), strict=True):
                events[column].append(cell)
    tables = {"opportunity": deals, "opportunity_event": events, "stage_def": STAGES}
    return Crm.build(tables, currency="EUR")


def day(n):
    return dt.datetime(2026, 1, n, tzinfo=dt.UTC)


PATHS = [
    (100, None, [(1, "new"), (3, "qualified"), (11, "won")]),  # eight days from the stage on
    (300, None, [(1, "new"), (9, "qualified"), (10, "proposal"), (13, "won")]),  # four
    (900, None, [(2, "new"), (20, "won")]),  # never at the stage, but won above it
    (200, "price", [(1, "new"), (5, "qualified"), (9, "lost")]),
    (200, "none", [(1, "new"), (6, "proposal"), (9, "lost")]),
    (700, "price", [(1, "new"), (9, "lost")]),  # never
    (500, None, [(4, "new"), (8, "qualified")]),  # open
    (500, None, [(4, "new")]),  # open, not there yet
]


def test_velocity_is_of_the_deals_that_began():
    result = kpi.velocity(book_of(PATHS), start="stage", from_rank=2, no_decision=["none"])
    details = result.details
    assert details["open"] == result.n == 1
    # One is open, one was lost before it: each reason as often as in the number that leaves out most.
    assert result.excluded == {"stage_not_reached": 2, "no_decision": 1}
    assert details["average_deal"] == (100 + 300 + 900) / 3
    assert details["win_rate"] == 3 / 4
    assert details["sales_cycle"] == pytest.approx((8 + 4 + 0) / 3)
    assert result.value == pytest.approx(1 * (1300 / 3) * 0.75 / 4)
    assert "reached a stage of rank 2 or higher" in result.definition
    assert "losses for none are no outcome" in result.definition


def test_win_rate_says_what_it_is_of():
    book = book_of(PATHS)
    plain = kpi.win_rate(book)
    assert plain.definition == "deals won ÷ deals won and lost, closed in the period"
    assert (plain.numerator, plain.denominator) == (3, 6)
    asked = kpi.win_rate(book, start="stage", from_rank=2, no_decision=["none"])
    assert (asked.numerator, asked.denominator) == (3, 4)
    assert asked.excluded == {"stage_not_reached": 2, "no_decision": 1}
    assert "rank 2" in asked.definition
    assert "losses for none" in asked.definition
    for mode in ("created_cohort", "window_cohort", "survival"):
        assert "losses for none" in kpi.win_rate(book, mode=mode, no_decision=["none"]).definition
        with pytest.raises(so.UsageError, match="start is of mode closed_in_period"):
            kpi.win_rate(book, mode=mode, start="stage", from_rank=2)
    assert kpi.average_deal(book, start="stage", from_rank=3).n == 3


def test_a_win_starts_no_deal_that_was_never_there():
    # Booked as won without leaving the first stage: no stage says that it was ever qualified.
    book = book_of([*PATHS, (100, None, [(1, "new")])])
    changed = book.apply(
        {
            "opportunity": {
                "opportunity_id": ["d8"],
                "is_won": [True],
                "is_closed": [True],
                "closed_at": [day(20)],
            }
        }
    )
    result = kpi.sales_cycle(changed, start="stage", from_rank=2)
    assert result.n == 3
    assert result.excluded == {"stage_not_reached": 1}
    assert result.value == 4


@pytest.mark.parametrize("name", ["sales_cycle", "velocity", "pipeline_created", "win_rate", "average_deal"])
def test_a_rank_above_all_open_stages_is_refused(name):
    book = book_of(PATHS)
    assert getattr(kpi, name)(book, start="stage", from_rank=3).definition
    for rank in (4, 99):
        with pytest.raises(so.UsageError, match=f"no open stage has rank {rank} or higher.*from_rank is 3"):
            getattr(kpi, name)(book, start="stage", from_rank=rank)


# ---- options ----


@pytest.mark.parametrize(
    ("name", "given", "named"),
    [
        ("win_rate", {"mode": "created_cohort", "reopened": "first_close"}, "reopened"),
        ("win_rate", {"mode": "survival", "reopened": "each_close"}, "reopened"),
        ("sales_cycle", {"mode": "survival", "reopened": "each_close"}, "reopened"),
        ("win_rate", {"window_days": 30}, "window_days"),
        ("win_rate", {"mode": "created_cohort", "window_days": 30}, "window_days"),
        ("lead_conversion", {"window_days": 30}, "window_days"),
        ("funnel", {"window_days": 30}, "window_days"),
        ("sales_cycle", {"from_rank": 2}, "from_rank"),
        ("velocity", {"from_rank": 2, "start": "lead"}, "from_rank"),
        ("scorecard", {"mode": "closed_in_period"}, "mode"),
        ("scorecard", {"weight": "value"}, "weight"),
        ("scorecard", {"window_days": 30}, "window_days"),
        ("scorecard", {"every": "quarter"}, "every"),
        ("scorecard", {"in_order": True}, "in_order"),
        ("scorecard", {"gross_margin": 0.5}, "gross_margin"),
        ("scorecard", {"from_rank": 2}, "from_rank"),
        ("scorecard", {"by": "owner", "weight": "value"}, "weight"),
        ("scorecard", {"by": "owner", "compare": "prior_year"}, "compare"),
        ("scorecard", {"by": "owner", "mode": "survival"}, "mode"),
        ("scorecard", {"by": "owner", "visits": "first"}, "visits"),
        ("scorecard", {"by": "owner", "idle_days": 3}, "idle_days"),
        ("scorecard", {"by": "owner", "start": "lead"}, "start"),
        ("scorecard", {"by": "owner", "no_decision": ["price"]}, "no_decision"),
    ],
    ids=str,
)
def test_options_that_nothing_heeds_are_refused(crm, name, given, named):
    with pytest.raises(so.UsageError, match=named):
        getattr(kpi, name)(crm, **given)


def test_options_that_a_line_heeds_are_its_own(crm):
    given = {"idle_days": 3, "target_minutes": 5, "visits": "each", "churn_base": "daily_average"}
    given |= {
        "lag": 30,
        "start": "stage",
        "from_rank": 2,
        "no_decision": ["price"],
        "reopened": "first_close",
    }
    card = {row["kpi"]: row for row in reversed(rows_of(kpi.scorecard(crm, "2025-Q3", **given)))}
    for name, row in card.items():
        own = {key: value for key, value in given.items() if key in OPTIONS[name].split()}
        if own and row["value"] is not None:
            alone = call(name, crm, period="2025-Q3", **own)
            shown = alone.details["median"] if name == "lead_response_time" else alone.value
            assert row["value"] == shown
            assert row["definition"] == alone.definition


def test_a_loss_reason_that_no_deal_has_is_told(crm):
    for name in ("win_rate", "velocity"):
        result = getattr(kpi, name)(crm, no_decision=["price", "typo"])
        assert [text for text in result.warnings if "no_decision" in text] == [
            "no_decision: no deal of this book has the loss reason 'typo'"
        ]
        assert not any(
            "no_decision" in text for text in getattr(kpi, name)(crm, no_decision=["price"]).warnings
        )
    survival = kpi.win_rate(crm, mode="survival", no_decision=["typo"])
    assert any("typo" in text for text in survival.warnings)


@pytest.mark.parametrize(
    ("level", "text"),
    [(99.99999999, "99.99999999"), (95, "95"), (90.0, "90"), (99.9, "99.9"), (1.00001, "1.00001")],
)
def test_a_level_is_printed_as_it_is(crm, level, text):
    result = kpi.win_rate(crm, level=level)
    assert f"win_rate_lo_{text}" in result.to_table().names
    assert f"at {text} %" in repr(result)
    card = kpi.scorecard(crm, by="owner", level=level)
    assert f"win_rate_hi_{text}" in card.to_table().names
    assert not any(" lo " in head for head in card.printed()[0])


def test_a_card_of_several_currencies_has_its_counts():
    deals = {"opportunity_id": ["a", "b", "c"], "amount": [10, 20, 30], "currency": ["EUR", "USD", "EUR"]}
    deals |= {"created_at": [day(1)] * 3, "closed_at": [day(9), day(10), None], "is_won": [True, True, None]}
    deals |= {"is_closed": [True, True, False]}
    card = kpi.scorecard(Crm.build({"opportunity": deals}), "2026-01")
    by_title = {row["title"]: row for row in rows_of(card)}
    assert by_title["Win rate"]["value"] == 1
    assert by_title["Sales cycle"]["value"] == 8.5
    assert by_title["Idle deals"]["n"] == 1
    for title in ("Average deal", "Sales velocity", "Win rate by value"):
        assert by_title[title]["value"] is None
        assert by_title[title]["state"].startswith("no value: amounts in EUR and USD")
    assert any("no value" in line[-1] for line in card.printed()[1])
