"""What the presets make of each system's own objects: links, leads, quotas, plans."""

import datetime as dt

import pytest
import salesops as so

DEALS = {
    "Id": ["006000000000001AAA", "006000000000002AAA"],
    "StageName": ["New", "New"],
    "CreatedDate": ["2026-01-02T08:00:00Z"] * 2,
    "IsClosed": [False, False],
    "IsWon": [False, False],
}


def test_salesforce_tasks_belong_to_what_their_ids_name():
    tasks = {
        "Id": ["00T1", "00T2", "00T3", "00T4"],
        "TaskSubtype": ["Call"] * 4,
        "CompletedDateTime": ["2026-03-01T09:00:00Z"] * 4,
        "IsClosed": [True] * 4,
        "WhatId": ["006000000000001AAA", "001000000000009AAA", None, None],
        "WhoId": [None, None, "00Q000000000003AAA", "003000000000004AAA"],
    }
    leads = {"Id": ["00Q000000000003AAA"], "CreatedDate": ["2026-03-01T08:00:00Z"]}
    accounts = {"Id": ["001000000000009AAA"]}
    contacts = {"Id": ["003000000000004AAA"]}
    crm = so.read(
        {"Opportunity": DEALS, "Task": tasks, "Lead": leads, "Account": accounts, "Contact": contacts},
        "salesforce",
        currency="USD",
    )
    made = crm.table("activity").to_dict()
    assert made["opportunity_id"] == ["006000000000001AAA", None, None, None]
    assert made["account_id"] == [None, "001000000000009AAA", None, None]
    assert made["lead_id"] == [None, None, "00Q000000000003AAA", None]
    assert made["contact_id"] == [None, None, None, "003000000000004AAA"]
    assert crm.issues.count("orphan_key") == 0
    assert so.kpi.lead_response_time(crm, as_of="2026-03-02").n == 1


def test_salesforce_quotas_end_where_the_next_one_begins():
    quotas = {
        "Id": ["q1", "q2", "q3", "q4"],
        "QuotaOwnerId": ["r1", "r1", "r1", "r2"],
        "StartDate": ["2026-01-01", "2026-02-01", "2026-03-01", "2026-03-01"],
        "QuotaAmount": [100, 110, 120, 130],
    }
    crm = so.read({"Opportunity": DEALS, "ForecastingQuota": quotas}, "salesforce", currency="USD")
    ends = crm.table("quota").to_dict()["period_end"]
    assert ends == [dt.date(2026, 2, 1), dt.date(2026, 3, 1), dt.date(2026, 4, 1), dt.date(2026, 4, 1)]
    assert crm.issues.count("period_end_inferred") == 4


def test_one_lonely_quota_has_no_end():
    quotas = {"Id": ["q1"], "QuotaOwnerId": ["r1"], "StartDate": ["2026-01-01"], "QuotaAmount": [100]}
    crm = so.read({"Opportunity": DEALS, "ForecastingQuota": quotas}, "salesforce", currency="USD")
    assert crm.table("quota").to_dict()["period_end"] == [None]


def test_hubspot_calls_reach_their_deals_and_contacts_are_leads():
    deals = {
        "hs_object_id": ["1"],
        "dealstage": ["new"],
        "createdate": ["2026-01-01T00:00:00Z"],
        "hs_is_closed": ["false"],
    }
    calls = {"hs_object_id": ["c1"], "hs_timestamp": ["2026-03-01T09:00:00Z"], "deal_id": ["1"]}
    contacts = {
        "hs_object_id": ["7", "8", "9"],
        "lifecyclestage": ["subscriber", "marketingqualifiedlead", "customer"],
        "createdate": ["2026-01-05T00:00:00Z"] * 3,
        "hs_lifecyclestage_marketingqualifiedlead_date": [None, "2026-01-07T00:00:00Z", None],
        "hs_lifecyclestage_customer_date": [None, None, "2026-02-01T00:00:00Z"],
    }
    crm = so.read({"deals": deals, "calls": calls, "contacts": contacts}, "hubspot", currency="USD")
    assert crm.table("activity").to_dict()["opportunity_id"] == ["1"]
    assert crm.table("contact").num_rows == 3
    assert crm.table("lead").to_dict()["lead_id"] == ["8", "9"]
    conversion = so.kpi.lead_conversion(crm, as_of="2026-03-02")
    assert (conversion.numerator, conversion.denominator) == (1, 2)


def test_hubspot_contacts_without_a_lifecycle_make_no_leads():
    contacts = {"hs_object_id": ["7"], "createdate": ["2026-01-05T00:00:00Z"]}
    assert so.read({"contacts": contacts}, "hubspot").tables == ["contact"]


def test_odoo_stages_without_a_team_hold_for_all_and_leads_convert_in_place():
    rows = {
        "id": ["1", "2", "3"],
        "type": ["opportunity", "lead", "opportunity"],
        "team_id": ["5", "5", "6"],
        "stage_id": ["4", "1", "1"],
        "create_date": ["2026-01-01 00:00:00"] * 3,
        "date_conversion": ["2026-01-10 00:00:00", None, None],
        "date_closed": ["2026-02-10 00:00:00", None, None],
        "won_status": ["won", "pending", "pending"],
        "active": ["true"] * 3,
    }
    stages = {
        "id": ["1", "4"],
        "name": ["New", "Won"],
        "sequence": [1, 4],
        "is_won": ["false", "true"],
        "team_id": [None, None],
    }
    crm = so.read({"crm.lead": rows, "crm.stage": stages}, "odoo", currency="EUR")
    assert crm.table("stage_def").num_rows == 2
    assert crm.issues.count("null_key") == 0
    assert crm.table("opportunity").to_dict()["opportunity_id"] == ["1", "3"]
    assert so.kpi.win_rate(crm).value == 1
    conversion = so.kpi.lead_conversion(crm)
    assert (conversion.numerator, conversion.denominator) == (1, 2)


def test_pipedrive_plans_do_not_move_the_book():
    deals = {
        "id": ["1"],
        "stage_id": ["2"],
        "status": ["open"],
        "add_time": ["2026-01-01 00:00:00"],
        "value": [10],
        "currency": ["EUR"],
    }
    activities = {
        "id": ["1", "2"],
        "type": ["call", "call"],
        "due_date": ["2026-06-01", "2026-01-20"],
        "done": ["0", "1"],
        "deal_id": ["1", "1"],
    }
    crm = so.read({"deals": deals, "activities": activities}, "pipedrive")
    assert crm.latest.date() == dt.date(2026, 1, 20)


@pytest.mark.parametrize("year", [2099, 9999])
def test_far_off_instants_are_issues_not_today(year):
    activity = {"at": [f"{year}-12-31T00:00:00Z", "2026-02-01T00:00:00Z"], "type": ["call", "call"]}
    deals = {"opportunity_id": ["a"], "created_at": ["2026-01-01T00:00:00Z"]}
    crm = so.crm.Crm.build({"opportunity": deals, "activity": activity})
    assert crm.latest.date() == dt.date(2026, 2, 1)
    assert crm.issues.count("far_future") == 1
    later = crm.apply(
        {"activity": {"activity_id": ["9"], "at": [f"{year}-01-01T00:00:00Z"], "type": ["call"]}}
    )
    assert later.latest == crm.latest
    assert later.issues.count("far_future") == 2


def test_a_meeting_counts_once_it_was_held():
    deals = {"opportunity_id": ["a"], "created_at": ["2026-01-01T00:00:00Z"]}
    meeting = {"activity_id": ["1"], "at": ["2026-02-15T00:00:00Z"], "type": ["meeting"]}
    held = so.crm.Crm.build({"opportunity": deals, "activity": meeting | {"is_completed": [True]}})
    planned = so.crm.Crm.build({"opportunity": deals, "activity": meeting})
    assert held.latest.date() == dt.date(2026, 2, 15)
    assert planned.latest.date() == dt.date(2026, 1, 1)
    moved = planned.apply({"activity": meeting | {"is_completed": [True]}})
    assert moved.latest == held.latest


def test_an_answer_that_was_not_given_answers_nothing():
    lead = {"lead_id": ["l"], "created_at": ["2026-01-01T00:00:00Z"]}
    mail = {"at": ["2026-01-01T01:00:00Z"], "type": ["email"], "lead_id": ["l"], "is_completed": [False]}
    crm = so.crm.Crm.build({"lead": lead, "activity": mail})
    asked = so.kpi.lead_response_time(crm, as_of="2026-01-05")
    assert (asked.value, asked.censored) == (0, 1)


def test_columns_of_mixed_objects_are_read_as_text():
    pd = pytest.importorskip("pandas")
    data = {
        "opportunity_id": ["a", 1],
        "amount": [1, "2,5x"],
        "is_won": [True, "no"],
        "created_at": [dt.date(2026, 1, 1), "2026-01-02"],
    }
    for frame in (data, pd.DataFrame(data)):
        crm = so.crm.Crm.build({"opportunity": frame}, currency="EUR")
        made = crm.table("opportunity").to_dict()
        assert made["opportunity_id"] == ["a", "1"]
        assert made["amount"] == [1.0, None]
        assert made["is_won"] == [True, False]
        assert crm.issues.count("not_an_amount") == 1


def test_columns_of_lists_are_issues():
    frame = {"opportunity_id": ["a"], "tags": [["x", "y"]]}
    assert so.crm.Crm.build({"opportunity": frame}).issues.count("unsupported_type") == 1
    assert so.read({"opportunity": frame}).issues.count("unsupported_type") == 1
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"opportunity_id": ["a"], "tags": [["x", "y"]]})
    assert so.crm.Crm.build({"opportunity": frame}).issues.count("unsupported_type") == 1
    crm = so.crm.Crm.build({"opportunity": {"opportunity_id": ["a"]}})
    assert crm.apply({"opportunity": frame}).issues.count("unsupported_type") == 1


def test_a_column_that_no_source_has_is_an_issue():
    deals = {"opportunity_id": ["a"], "Close Datum": ["2026-01-01"]}
    found = so.read({"opportunity": deals}, columns={"closed_at": "close_datum"})
    assert found.issues.count("column_not_found") == 0
    missed = so.read({"opportunity": deals}, columns={"opportunity.closed_at": ["close_dtum", "closed"]})
    assert missed.issues.count("column_not_found") == 1
    constant = so.read({"opportunity": deals}, columns={"opportunity.type": {"constant": "new"}})
    assert constant.issues.count("column_not_found") == 0


def test_a_day_written_as_a_number_is_refused():
    crm = so.crm.Crm.build({"opportunity": {"opportunity_id": ["a"]}})
    with pytest.raises(so.UsageError, match="write a day as"):
        crm.as_of(20251115)
