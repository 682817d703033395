"""What a book doesn't know isn't told as a fact, and what is told says of which rows."""

import pandas as pd
import pytest
import salesops as so
from salesops import kpi
from salesops.crm import Crm

STAGES = {
    "stage_id": ["new", "offer", "won", "lost"],
    "rank": [1, 2, 3, 4],
    "type": ["open", "open", "won", "lost"],
}


def book(deals: dict, **more) -> Crm:
    return Crm.build({"opportunity": deals, **more})


# ---- without a history ----

WON_ALONE = {  # close dates and amounts are those of the wins
    "opportunity_id": ["a", "b", "c", "d"],
    "account_id": ["x", "y", "z", "z"],
    "created_at": ["2025-05-01"] * 4,
    "closed_at": ["2025-08-10", "2025-09-10", "2025-09-20", None],
    "close_date": ["2025-08-10", "2025-09-10", None, None],
    "is_won": [True, True, False, None],
    "is_closed": [True, True, True, False],
    "amount": [100, 50, None, None],
    "currency": ["EUR"] * 4,
}


def with_histories(deals: dict, *fields: str) -> Crm:
    rows = {
        "opportunity_id": ["a"] * len(fields),
        "field": list(fields),
        "old": ["2025-08-01" if field == "close_date" else "90" for field in fields],
        "new": ["2025-08-10" if field == "close_date" else "100" for field in fields],
        "at": ["2025-08-05"] * len(fields),
    }
    return book(deals, opportunity_event=rows)


def test_slippage_needs_past_close_dates():
    with pytest.raises(so.UsageError, match="slippage needs the change history of close dates"):
        kpi.slippage(book(WON_ALONE), period="2025-Q3")
    assert kpi.slippage(with_histories(WON_ALONE, "close_date"), period="2025-Q3").value == 0
    card = kpi.scorecard(book(WON_ALONE), period="2025-Q3").to_table().to_dict()
    row = card["kpi"].index("slippage")
    assert card["value"][row] is None
    assert "needs the change history" in card["state"][row]
    by_value = kpi.slippage(with_histories(WON_ALONE, "close_date"), period="2025-Q3", weight="value")
    assert any("present ones" in text for text in by_value.warnings)


def test_a_yield_of_amounts_that_only_wins_have_is_none():
    one = kpi.snapshot_yield(book(WON_ALONE), period="2025-Q3")
    assert (one.value, one.low, one.state) == (None, None, "amounts are known of won deals alone")
    assert any("amounts have no history" in text for text in one.warnings)
    assert "expected" not in one.details  # needs the close dates of that day
    priced = WON_ALONE | {"amount": [100, 50, 30, 20]}
    assert kpi.snapshot_yield(book(priced), period="2025-Q3").value == 150 / 200
    known = kpi.snapshot_yield(with_histories(priced, "amount", "close_date"), period="2025-Q3")
    assert (known.value, known.warnings) == (140 / 190, [])
    assert known.details["expected"] == 1


def test_coverage_tells_no_yield_without_past_close_dates():
    quota = {"quota_id": ["q"], "holder_type": ["company"], "amount": [1000], "currency": ["EUR"]}
    quota |= {"period_start": ["2025-10-01"], "period_end": ["2026-01-01"]}
    priced = WON_ALONE | {"amount": [100, 50, 30, 20]}
    ask = {"period": "2025-Q4", "as_of": "2025-10-01"}
    blind = kpi.pipeline_coverage(book(priced, quota=quota), **ask)
    assert "yield" not in blind.details
    assert any("close dates have no history" in text for text in blind.warnings)
    event = {"opportunity_id": ["a"], "field": ["close_date"], "old": ["2025-08-01"], "new": ["2025-08-10"]}
    seen = kpi.pipeline_coverage(
        book(priced, quota=quota, opportunity_event=event | {"at": ["2025-08-05"]}), **ask
    )
    assert seen.details["yield"] > 0
    assert any("amounts have no history" in text for text in seen.warnings)


# ---- of which rows ----


def reopened() -> Crm:
    """Deal a is lost in January and won in June, deal b of another owner is only won."""
    events = [("lost", "new", "2025-01-10"), ("new", "lost", "2025-03-01"), ("won", "new", "2025-06-10")]
    return book(
        {
            "opportunity_id": ["a", "b"],
            "owner_id": ["r", "s"],
            "created_at": ["2024-12-01"] * 2,
            "closed_at": ["2025-06-10", "2025-01-20"],
            "stage_id": ["won", "won"],
            "amount": [10, 20],
            "currency": ["EUR"] * 2,
        },
        stage_def=STAGES,
        opportunity_event={
            "opportunity_id": ["a"] * 3,
            "field": ["stage"] * 3,
            "new": [new for new, _, _ in events],
            "old": [old for _, old, _ in events],
            "at": [at for _, _, at in events],
        },
    )


@pytest.mark.parametrize("name", ["win_rate", "average_deal", "sales_cycle"])
def test_the_note_of_reopened_deals_is_of_those_asked_for(name):
    def noted(**asked) -> bool:
        return any("reopened" in text for text in getattr(kpi, name)(reopened(), **asked).warnings)

    assert noted()
    assert noted(period="2025-Q2")
    assert not noted(period="2025-Q1")
    assert noted(period="2025-Q1", reopened="first_close")
    assert noted(period="2025", reopened="each_close")
    assert noted(where="owner_id = 'r'")
    assert not noted(where="owner_id = 's'")


def test_a_roll_up_lists_the_deals_of_each_category():
    crm = book(
        {
            "opportunity_id": ["a", "b", "c", "d"],
            "created_at": ["2025-05-01"] * 4,
            "closed_at": ["2025-08-10", None, None, None],
            "close_date": ["2025-08-10", "2025-09-01", "2025-09-02", "2025-12-01"],
            "is_won": [True, None, None, None],
            "is_closed": [True, False, False, False],
            "forecast_category": [None, "commit", "pipeline", "commit"],
            "amount": [100, 50, 20, 10],
            "currency": ["EUR"] * 4,
        }
    )
    found = kpi.forecast_rollup(crm, period="2025-Q3", ids=True)
    surer = {name: ["a", "b"] for name in ("commit", "most_likely", "best_case")}
    assert found.ids == {"closed": ["a"], **surer, "pipeline": ["a", "b", "c"]}
    assert found.to_table().to_dict()["n"] == [1, 2, 2, 2, 3]


# ---- groups of numbers ----


def test_groups_of_amounts_are_in_major_units_and_decimals_are_groups():
    deals = {
        "opportunity_id": list("abcde"),
        "created_at": ["2025-05-01"] * 5,
        "closed_at": ["2025-08-10"] * 5,
        "is_won": [True, False, True, True, True],
        "is_closed": [True] * 5,
        "amount": ["12.34", "9", "12.34", "100.5", None],
        "probability": [0.5, 0.25, 0.5, None, 1.0],
        "score": [-1.5, 2.25, -1.5, 0.0, -0.0],
        "currency": ["EUR"] * 5,
    }
    crm = book(deals)
    by_amount = kpi.win_rate(crm, by="amount").to_table().to_dict()
    assert by_amount["amount"] == ["9.00", "12.34", "100.50", None]
    assert by_amount["n"] == [1, 2, 1, 1]
    assert kpi.scorecard(crm, by="amount").to_table().to_dict()["amount"] == ["9.00", "12.34", "100.50", None]
    yen = kpi.win_rate(book(deals | {"amount": [1234] * 5, "currency": ["JPY"] * 5}), by="amount")
    assert yen.to_table().to_dict()["amount"] == ["1234"]
    by_score = kpi.win_rate(crm, by="score").to_table().to_dict()
    assert [float(text) for text in by_score["score"]] == [-1.5, 0, 2.25]
    assert by_score["n"] == [2, 2, 1]
    chances = kpi.win_rate(crm, by=["probability", "score"]).to_table().to_dict()
    assert chances["n"] == [1, 2, 1, 1]


# ---- a conversion is no customer ----


def test_lead_conversion_tells_who_became_a_customer():
    crm = book(
        {
            "opportunity_id": ["a", "b"],
            "created_at": ["2025-05-01"] * 2,
            "closed_at": ["2025-08-10", None],
            "is_won": [True, None],
            "is_closed": [True, False],
        },
        lead={
            "lead_id": list("wxyz"),
            "created_at": ["2025-04-01"] * 4,
            "converted_at": ["2025-05-01", "2025-05-01", "2025-05-02", None],
            "converted_opportunity_id": ["a", "b", None, None],
        },
    )
    one = kpi.lead_conversion(crm)
    assert (one.value, one.details["won_share"], one.details["without_opportunity"]) == (0.75, 0.25, 1)
    before = kpi.lead_conversion(crm, as_of="2025-07-01")
    assert (before.value, before.details["won_share"]) == (0.75, 0)
    assert "won or not" in one.definition


# ---- numbers that can't be whole yet ----


def test_linearity_of_a_running_period_says_so():
    crm = Crm.build(so.datasets.sample_tables(deals=300))
    assert kpi.linearity(crm, period="2025-Q2", as_of="2025-05-15").state == "period not over"
    assert kpi.linearity(crm, period="2025-Q2", as_of="2025-07-01").state == ""
    each = kpi.linearity(crm, period="next 2 quarters", as_of="2025-05-15")
    assert each.to_table().to_dict()["state"] == ["period lies ahead"] * 2
    two = kpi.linearity(crm, period="2025-04-01/2025-05-15", as_of="2025-05-01")
    assert two.state == "period not over"


def test_velocity_says_what_it_lacks_and_leaves_out():
    open_only = WON_ALONE | {"closed_at": [None] * 4, "is_won": [None] * 4, "is_closed": [False] * 4}
    assert kpi.velocity(book(open_only)).state == "no deal closed"
    lost = WON_ALONE | {"is_won": [False, False, False, None]}
    assert kpi.velocity(book(lost)).state == "no win with an amount"
    bare = WON_ALONE | {"is_won": [True, True, True, None]}
    one = kpi.velocity(book(bare))
    assert one.value is not None
    assert one.excluded["null_amount"] == 1
    assert one.state == ""


def test_concentration_without_accounts_says_so():
    def warned(crm) -> bool:
        return any("name no account" in text for text in kpi.concentration(crm).warnings)

    assert warned(book({name: cells for name, cells in WON_ALONE.items() if name != "account_id"}))
    assert not warned(book(WON_ALONE))


def test_a_frame_with_a_name_twice_is_refused():
    frame = pd.DataFrame([["a", 1, 2]], columns=["opportunity_id", "amount", "amount"])
    with pytest.raises(so.UsageError, match="'amount' is used twice"):
        Crm.build({"opportunity": frame})
