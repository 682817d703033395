"""Outcomes that are known as a day alone: on the day of the beginning they took no time."""

import pandas as pd
import pytest
import salesops as so
from salesops import kpi

ZONES = ["UTC", "Europe/Berlin", "America/New_York"]


def same_day_leads(created="2026-01-05T10:00:00Z"):
    """Twenty leads of one morning, ten of them converted that day, as Salesforce exports it."""
    n = 20
    leads = pd.DataFrame(
        {
            "Id": [f"L{i}" for i in range(n)],
            "CreatedDate": [created] * n,
            "IsConverted": [i < 10 for i in range(n)],
            "ConvertedDate": ["2026-01-05" if i < 10 else None for i in range(n)],
            "ConvertedOpportunityId": [f"O{i}" if i < 10 else None for i in range(n)],
        }
    )
    deals = pd.DataFrame(
        {
            "Id": [f"O{i}" for i in range(n)],
            "CreatedDate": [created] * n,
            "StageName": ["Closed Won" if i < 10 else "Prospecting" for i in range(n)],
            "IsClosed": [i < 10 for i in range(n)],
            "IsWon": [i < 10 for i in range(n)],
            "CloseDate": ["2026-01-05" if i < 10 else "2026-12-31" for i in range(n)],
            "Amount": [100.0] * n,
        }
    )
    account = pd.DataFrame({"Id": ["late"], "CreatedDate": ["2026-12-01T00:00:01Z"]})
    return so.read({"Lead": leads, "Opportunity": deals, "Account": account}, mapping="salesforce")


@pytest.mark.parametrize("zone", ZONES)
def test_leads_that_convert_on_their_day_convert(zone):
    crm = same_day_leads()
    assert crm.issues.count("converted_before_created") == 0
    assert kpi.lead_conversion(crm, zone=zone).value == 0.5
    curve = kpi.lead_conversion(crm, mode="survival", zone=zone)
    assert (curve.value, curve.excluded, curve.details["naive_mean"]) == (0.5, {}, 0)
    steps = kpi.funnel(crm, in_order=True, zone=zone).to_table().to_dict()
    assert dict(zip(steps["step"], steps["numerator"], strict=True))["won"] == 10


@pytest.mark.parametrize("zone", ZONES)
def test_wins_of_the_day_are_wins(zone):
    crm = same_day_leads()
    curve = kpi.win_rate(crm, mode="survival", zone=zone)
    assert (curve.value, curve.excluded) == (0.5, {})
    cycle = kpi.sales_cycle(crm, zone=zone)
    assert (cycle.value, cycle.n, cycle.excluded) == (0, 10, {})
    assert kpi.sales_cycle(crm, mode="survival", zone=zone).value == 0
    card = kpi.scorecard(crm, by="month", zone=zone).to_table().to_dict()
    assert (card["mean_cycle"], card["no_cycle"]) == ([0], [0])
    assert kpi.velocity(crm, zone=zone).state == "wins took no time"


def test_the_day_before_is_before():
    """Created a day after what came of them: an impossible order, left out and said."""
    crm = same_day_leads("2026-01-06T10:00:00Z")
    assert crm.issues.count("converted_before_created") == 10
    assert kpi.lead_conversion(crm, mode="survival").excluded == {"converted_before_created": 10}
    assert kpi.win_rate(crm, mode="survival").excluded == {"negative_duration": 10}
    assert kpi.sales_cycle(crm).excluded == {"negative_duration": 10}


def test_an_instant_of_the_day_is_no_day():
    """Of two instants of one day the order counts, where one isn't midnight."""
    deals = {"opportunity_id": ["a", "b"], "created_at": ["2026-01-05T10:00Z"] * 2}
    deals |= {"closed_at": ["2026-01-05T09:00Z", "2026-01-05T11:00Z"], "is_won": [True, True]}
    crm = so.crm.Crm.build({"opportunity": deals})
    assert crm.issues.count("closed_before_created") == 1
    assert kpi.sales_cycle(crm).excluded == {"negative_duration": 1}


def test_a_stay_ends_with_a_close_of_its_day():
    deals = {"opportunity_id": ["a"], "created_at": ["2026-01-01T09:00Z"], "stage_id": ["won"]}
    deals |= {"close_date": ["2026-01-05"], "is_closed": [True], "is_won": [True]}
    events = {"opportunity_id": ["a"], "at": ["2026-01-05T10:00Z"], "field": ["stage"]}
    events |= {"old": ["new"], "new": ["talk"]}
    stages = {"stage_id": ["new", "talk", "won"], "rank": [1, 2, 3], "type": ["open", "open", "won"]}
    crm = so.crm.Crm.build({"opportunity": deals, "opportunity_event": events, "stage_def": stages})
    stays = kpi.time_in_stage(crm, by="stage").to_table().to_dict()
    assert (stays["stage"], stays["n"], stays["time_in_stage"][1]) == (["new", "talk"], [1, 1], 0)


@pytest.mark.parametrize("zone", [*ZONES, "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_conversions_of_the_last_day_are_known(zone):
    """The day of a zone may begin after the last instant of the book, and before others."""
    leads = {"lead_id": ["1", "2"], "created_at": ["2026-03-05T10:00Z", "2026-03-31T02:00Z"]}
    leads |= {"converted_at": ["2026-03-31", None]}
    crm = so.crm.Crm.build({"lead": leads})
    assert kpi.lead_conversion(crm, zone=zone).value == 0.5
    assert kpi.lead_conversion(crm, period="2026-03-01/2026-04-01", zone=zone).numerator == 1
    there = crm.with_days_in(zone)
    assert there.latest >= crm.latest
    past = crm.as_of("2026-03-31T02:00Z")
    assert kpi.lead_conversion(past, zone=zone).numerator == 1
