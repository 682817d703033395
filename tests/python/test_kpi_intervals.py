"""Intervals where all rows agree: agreement of few says little of the others."""

import math

import pytest
from salesops import kpi
from salesops.crm import Crm


def wilson(successes: int, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    p = successes / n
    middle, half = p + z * z / 2 / n, z * math.sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def book(deals: list[dict], **tables) -> Crm:
    rows = [
        {
            "opportunity_id": f"d{i}",
            "account_id": f"a{i}",
            "created_at": "2025-01-01",
            "closed_at": "2025-02-01",
            "is_closed": True,
            "is_won": True,
            "amount": "100",
            **row,
        }
        for i, row in enumerate(deals)
    ]
    names = list(dict.fromkeys(name for row in rows for name in row))
    tables["opportunity"] = {name: [row.get(name) for row in rows] for name in names}
    tables.setdefault("account", {"account_id": sorted({row["account_id"] for row in rows})})
    return Crm.build(tables, currency="EUR")


@pytest.mark.parametrize("won", [True, False])
def test_a_share_of_amounts_on_which_all_accounts_agree_claims_no_certainty(won):
    crm = book([{"is_won": won, "amount": str(100 * (i + 1))} for i in range(5)])
    result = kpi.win_rate(crm, weight="value")
    assert result.value == won
    low, high = wilson(5 if won else 0, 5)
    assert (result.low, result.high) == pytest.approx((low, high))
    assert result.interval_note == "Wilson over 5 accounts, which all agree; fewer than 10 rows"
    # Five deals of two accounts are two that agree.
    crm = book([{"is_won": won, "account_id": f"a{i % 2}"} for i in range(5)])
    assert kpi.win_rate(crm, weight="value").low == pytest.approx(wilson(2 if won else 0, 2)[0])
    own = kpi.ratio("all_of_it", numerator="is_won", value="amount")
    assert own(crm).high - own(crm).low > 0.3
    groups = kpi.win_rate(crm, weight="value", by="is_won").to_table().to_dict()
    assert groups["win_rate_hi_95"][0] - groups["win_rate_lo_95"][0] > 0.3


def test_other_ratios_on_which_all_agree_have_no_interval():
    # Each open deal passes half of the checks: no share of 0 or 1, and nothing to draw from.
    crm = book([{"is_closed": False, "is_won": None, "closed_at": None, "next_step": None}] * 6)
    half = kpi.hygiene(crm)
    assert (half.value, half.low, half.high) == (0.5, None, None)
    assert half.interval_note == "none: all of 6 accounts agree"
    # Attainment may exceed 1: five reps at 100 % don't bound it.
    reps = [f"r{i}" for i in range(5)]
    span = {"period_start": ["2025-01-01"] * 5, "period_end": ["2025-04-01"] * 5}
    tables = {
        "rep": {"rep_id": reps},
        "quota": {"quota_id": reps, "holder_id": reps, "amount": ["100"] * 5, **span},
    }
    crm = book([{"owner_id": rep} for rep in reps], **tables)
    reached = kpi.attainment(crm, period="2025-Q1")
    assert (reached.value, reached.low, reached.high) == (1, None, None)
    assert reached.interval_note == "none: all of 5 reps agree"
    subscriptions = {
        "subscription_id": ["s1", "s2", "s3"],
        "account_id": ["a0", "a1", "a2"],
        "start": ["2024-01-01"] * 3,
        "unit_amount": ["10"] * 3,
    }
    each = kpi.arpa(book([{}] * 3, subscription=subscriptions), period="2025-01")
    assert (each.value, each.low, each.interval_note) == (10, None, "none: all of 3 rows agree")


def test_a_mean_of_equal_rows_has_no_interval():
    crm = book([{"owner_id": "r1"}] * 4)
    same = kpi.average_deal(crm)
    assert (same.value, same.low, same.high) == (100, None, None)
    assert same.interval_note == "none: all of 4 rows agree"
    card = kpi.scorecard(crm, by="owner").to_table().to_dict()
    assert (card["average_deal"], card["average_deal_lo_95"], card["average_deal_hi_95"]) == (
        [100],
        [None],
        [None],
    )
    assert card["mean_cycle_lo_95"] == [None]
    # One that differs is enough to see a spread.
    some = kpi.average_deal(book([{}, {}, {}, {"amount": "101"}]))
    assert some.low < some.value < some.high


@pytest.mark.parametrize("converted", [True, False])
def test_a_share_of_time_that_all_or_none_reach_claims_no_certainty(converted):
    leads = {
        "lead_id": [f"l{i}" for i in range(6)],
        "created_at": ["2025-01-01"] * 6,
        "converted_at": [f"2025-01-0{i + 2}" if converted else None for i in range(6)],
    }
    crm = book([{}], lead=leads)
    result = kpi.lead_conversion(crm, mode="survival", window_days=20)
    assert result.value == pytest.approx(float(converted))
    assert result.low is None or result.high - result.low > 0.3
