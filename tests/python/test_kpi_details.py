"""What stands beside the numbers: prices, trimmed means, skew, stage targets, duplicates, connects."""

import statistics

import pytest
import salesops as so
from salesops import kpi
from salesops.crm import Crm


def won(amounts, **more) -> Crm:
    n = len(amounts)
    deals = {
        "opportunity_id": [f"d{i}" for i in range(n)],
        "created_at": ["2025-05-01"] * n,
        "closed_at": ["2025-08-10"] * n,
        "is_won": [True] * n,
        "is_closed": [True] * n,
        "amount": amounts,
        "currency": ["EUR"] * n,
    }
    return Crm.build({"opportunity": deals | more})


def test_the_trimmed_mean_leaves_a_twentieth_out_at_each_end():
    amounts = [(n * 37) % 101 + 1 for n in range(44)] + [1_000_000]
    kept = sorted(amounts)[2:-2]
    found = kpi.average_deal(won(amounts))
    assert found.details["trimmed_mean"] == pytest.approx(statistics.mean(kept), rel=1e-14)
    assert found.value > 100 * found.details["trimmed_mean"]
    few = kpi.average_deal(won(amounts[:19]))
    assert few.details["trimmed_mean"] == pytest.approx(few.value, rel=1e-14)


def test_the_discount_is_of_deals_with_a_list_price():
    crm = won([80, 90, 500, 70], list_amount=[100, 100, None, 0], owner_id=["a", "b", "c", "c"])
    assert kpi.average_deal(crm).details["discount"] == 30 / 200
    by = kpi.average_deal(crm, by="owner").to_table().to_dict()
    assert by["discount"] == [0.2, 0.1, None]
    assert "discount" not in kpi.average_deal(won([80])).details


def test_the_skew_of_attainment():
    shares = [0.2, 0.4, 0.5, 0.9, 2.0]
    reps = [f"r{i}" for i in range(5)]
    crm = Crm.build(
        {
            "opportunity": {
                "opportunity_id": reps,
                "owner_id": reps,
                "created_at": ["2025-05-01"] * 5,
                "closed_at": ["2025-08-10"] * 5,
                "is_won": [True] * 5,
                "is_closed": [True] * 5,
                "amount": [100 * share for share in shares],
                "currency": ["EUR"] * 5,
            },
            "rep": {"rep_id": reps},
            "quota": {
                "quota_id": reps,
                "holder_type": ["rep"] * 5,
                "holder_id": reps,
                "amount": [100] * 5,
                "currency": ["EUR"] * 5,
                "period_start": ["2025-07-01"] * 5,
                "period_end": ["2025-10-01"] * 5,
            },
        }
    )
    mean, n = statistics.mean(shares), 5
    m2, m3 = (sum((share - mean) ** power for share in shares) / n for power in (2, 3))
    expected = (n * (n - 1)) ** 0.5 / (n - 2) * m3 / m2**1.5
    found = kpi.attainment_distribution(crm, period="2025-Q3")
    assert found.details["skew"] == pytest.approx(expected, rel=1e-12)
    two = kpi.attainment_distribution(crm, period="2025-Q3", where="owner_id in ('r0', 'r1')")
    assert two.n == 5  # reps with a quota who won nothing are part of it
    assert two.details["skew"] > 0


OPEN = {
    "opportunity_id": list("abcde"),
    "account_id": ["x", "x", "x", "y", None],
    "name": ["Renewal", "Renewal", "Other", "Renewal", "Renewal"],
    "created_at": ["2025-05-01", "2025-05-20", "2025-05-28", "2025-05-01", "2025-05-25"],
    "stage_id": ["new", "offer", "new", "none", "new"],
    "close_date": ["2025-09-01"] * 5,
    "amount": [1, 2, 3, 4, 5],
}
STAGES = {"stage_id": ["new", "offer", "none"], "rank": [1, 2, 3], "target_days": [7, 30, None]}


def test_idle_by_the_target_of_the_stage():
    calls = {"activity_id": ["1"], "opportunity_id": ["b"], "at": ["2025-05-20"]}
    crm = Crm.build({"opportunity": OPEN, "stage_def": STAGES, "activity": calls})
    found = kpi.idle_share(crm, as_of="2025-06-05")
    assert found.value == 2 / 5  # a and d, 35 days old
    # a, c and e are in "new" for 35, 8 and 11 days, b in "offer" for 16.
    assert found.details["beyond_target"] == 3 / 4
    assert kpi.idle_share(crm, as_of="2025-06-05", where="opportunity_id = 'c'").details["beyond_target"] == 1
    plain = {name: cells for name, cells in STAGES.items() if name != "target_days"}
    assert "beyond_target" not in kpi.idle_share(Crm.build({"opportunity": OPEN, "stage_def": plain})).details


def test_duplicates_are_open_deals_of_one_account_and_name():
    found = kpi.hygiene(Crm.build({"opportunity": OPEN}))
    assert found.details["duplicates"] == 2 / 5
    closed = OPEN | {"closed_at": ["2025-05-30", *[None] * 4], "is_closed": [True, *[False] * 4]}
    closed["is_won"] = [True, *[None] * 4]
    assert kpi.hygiene(Crm.build({"opportunity": closed})).details["duplicates"] == 0
    nameless = {name: cells for name, cells in OPEN.items() if name != "name"}
    without = kpi.hygiene(Crm.build({"opportunity": nameless}))
    assert "duplicates" not in without.details
    assert without.value == found.value


def test_connects_and_what_meetings_lead_to():
    crm = Crm.build(
        {
            "opportunity": OPEN,
            "rep": {"rep_id": ["r"]},
            "activity": {
                "activity_id": [str(i) for i in range(8)],
                "type": ["call", "call", "call", "call", "meeting", "meeting", "meeting", "email"],
                "outcome": ["Connected", "connect - later", "no answer", None, "connected", None, None, None],
                "at": [f"2025-06-0{1 + i % 2}T10:00:00" for i in range(8)],
                "actor_id": ["r"] * 8,
                "opportunity_id": [None, None, None, None, "a", "a", "b", "c"],
            },
        }
    )
    details = kpi.activity(crm).details
    assert (details["connects"], details["connects_per_rep_day"]) == (2, 1)
    assert details["meetings_per_activity"] == 3 / 8
    assert details["opportunities_per_meeting"] == 2 / 3
    sample = Crm.build(so.datasets.sample_tables(deals=50))
    rows = sample.table("activity").to_dict()
    said = sum(
        kind == "call" and (outcome or "").startswith("connect") and done is not False and not machine
        for kind, outcome, done, machine in zip(
            rows["type"], rows["outcome"], rows["is_completed"], rows["is_automated"], strict=True
        )
    )
    assert kpi.activity(sample).details["connects"] == said > 0
