"""What counts, what is left out, and what stands beside a number so that nobody is misled."""

import pytest
import salesops as so
from salesops import kpi

LATE = {"account_id": ["z"], "created_at": ["2026-12-01"]}  # as far as the books go


def leads(rows, **tables):
    """Leads of rows (id, created, converted, deal)."""
    ids, created, converted, deal = zip(*rows, strict=True)
    table = {"lead_id": list(ids), "created_at": list(created), "converted_at": list(converted)}
    if any(deal):
        table["converted_opportunity_id"] = list(deal)
    for name in [name for name in tables if name not in ("opportunity", "activity")]:
        table[name] = tables.pop(name)
    return so.crm.Crm.build({"lead": table, "account": LATE} | tables)


# ---- conversions without a time ----


def untimed():
    deal = {"opportunity_id": ["o"], "created_at": ["2026-02-01"], "close_date": ["2026-03-01"]}
    deal |= {"is_closed": [True], "is_won": [True]}
    rows = [("1", "2026-01-05", None, "o"), ("2", "2026-01-06", None, None)]
    return leads(rows, opportunity=deal)


def test_a_lead_that_became_a_deal_was_converted():
    crm = untimed()
    assert crm.issues.count("conversion_time_unknown") == 1
    cohort = kpi.lead_conversion(crm)
    assert (cohort.numerator, cohort.denominator, cohort.censored) == (1, 2, 1)
    assert cohort.details["won_share"] == 0.5
    steps = kpi.funnel(crm).to_table().to_dict()
    assert dict(zip(steps["step"], steps["numerator"], strict=True))["won"] == 1
    for mode in ("window_cohort", "survival"):
        left = kpi.lead_conversion(crm, mode=mode)
        assert left.excluded == {"time_unknown": 1}
        assert left.n == 1
        assert any("an outcome at an unknown time, so at no age" in text for text in left.warnings)
    period = {"mode": "closed_in_period", "period": "2026-Q1"}
    ratio = kpi.lead_conversion(crm, **period)
    assert (ratio.numerator, ratio.excluded) == (0, {"time_unknown": 1})
    assert kpi.lead_conversion(crm, mode="closed_in_period").numerator == 1


def test_what_became_of_a_lead_at_an_unknown_time_is_known_at_the_end():
    crm = untimed()
    assert kpi.lead_conversion(crm, as_of="2026-06-01").numerator == 0
    assert kpi.lead_conversion(crm, as_of=crm.latest).numerator == 1


# ---- win rate of a window ----


def test_a_window_leaves_out_wins_without_a_time():
    deals = {"opportunity_id": list("wlxo"), "created_at": ["2026-01-01"] * 4}
    deals |= {"closed_at": ["2026-01-20", "2026-01-20", None, None], "is_won": [True, False, True, False]}
    deals |= {"is_closed": [True, True, True, False], "amount": ["10", "10", "10", "20"]}
    crm = so.crm.Crm.build({"opportunity": deals, "account": LATE}, currency="EUR")
    rate = kpi.win_rate(crm, mode="window_cohort")
    assert (rate.numerator, rate.denominator, rate.excluded) == (1, 3, {"time_unknown": 1})
    assert "deals won within 90 days ÷ all deals created in the period and at least that old" in str(rate)
    value = kpi.win_rate(crm, mode="window_cohort", weight="value")
    assert (value.numerator, value.denominator) == (10, 40)
    assert "amount won within 90 days ÷ amount of all deals created" in value.definition


# ---- amounts at the limit ----


def test_the_largest_amount_stays_itself():
    largest = "92233720368547758.07"
    deals = {"opportunity_id": ["a"], "created_at": ["2026-01-01"], "close_date": ["2026-12-15"]}
    deals |= {"amount": [largest], "probability": [1.0], "owner_id": ["r"]}
    quota = {"quota_id": ["q"], "holder_type": ["rep"], "holder_id": ["r"], "amount": ["100"]}
    quota |= {"period_start": ["2026-10-01"], "period_end": ["2027-01-01"]}
    tables = {"opportunity": deals, "rep": {"rep_id": ["r"]}, "quota": quota, "account": LATE}
    crm = so.crm.Crm.build(tables, currency="EUR")
    assert kpi.weighted_pipeline(crm).value == float(largest)
    coverage = kpi.pipeline_coverage(crm)
    assert coverage.details["weighted_coverage"] == coverage.value == float(largest) / 100


# ---- merged leads ----


def test_a_lead_has_what_was_merged_into_it():
    rows = [("old", "2026-01-01", "2026-02-01", "o"), ("new", "2026-03-01", None, None)]
    deal = {
        "opportunity_id": ["o"],
        "created_at": ["2026-02-01"],
        "closed_at": ["2026-02-20"],
        "is_won": [True],
    }
    calls = {"activity_id": ["1"], "type": ["call"], "at": ["2026-01-01T00:30"], "lead_id": ["old"]}
    merged = {"merged_into": ["new", None]}
    crm = leads(rows, **merged, opportunity=deal, activity=calls)
    cohort = kpi.lead_conversion(crm)
    assert (cohort.numerator, cohort.denominator, cohort.excluded) == (1, 1, {"merged": 1})
    assert cohort.details["won_share"] == 1
    assert kpi.lead_conversion(crm, mode="survival").value == 1
    steps = kpi.funnel(crm, in_order=True).to_table().to_dict()
    assert steps["numerator"] == [1, 1, 1]
    answer = kpi.lead_response_time(crm)
    assert (answer.n, answer.excluded, answer.details["median"]) == (1, {"merged": 1}, 30)
    assert crm.table("lead").to_dict()["merged_into"] == ["new", None]


# ---- one's own ratio ----


def test_amounts_below_zero_are_left_out_of_a_ratio():
    deals = {"opportunity_id": list("abcd"), "closed_at": ["2026-01-01"] * 4, "is_won": [True] * 4}
    deals |= {"amount": ["100", "-50", "0", None]}
    crm = so.crm.Crm.build({"opportunity": deals}, currency="EUR")
    share = kpi.ratio("won", value="amount", numerator="is_won")
    answer = share(crm)
    assert (answer.numerator, answer.denominator) == (100, 100)
    assert answer.excluded == {"negative_amount": 1, "null_amount": 1, "zero_amount": 1}
    with_them = share(crm, allow_negative=True)
    assert (with_them.numerator, with_them.denominator, with_them.n) == (50, 50, 3)
    with pytest.raises(so.UsageError, match="no option 'allow_negative'"):
        kpi.ratio("count", numerator="is_won")(crm, allow_negative=True)


# ---- pushes beyond a calendar ----


def test_a_push_beyond_the_calendar_is_a_push():
    deals = {"opportunity_id": list("ab"), "created_at": ["2026-01-01"] * 2}
    deals |= {"close_date": ["2027-03-01", "2027-05-01"]}
    events = {"opportunity_id": list("aab"), "field": ["close_date"] * 3}
    events |= {
        "at": ["2026-02-01", "2026-03-01", "2026-03-01"],
        "old": ["2026-03-01", "2026-06-01", "2027-01-10"],
    }
    events |= {"new": ["2026-06-01", "2027-03-01", "2027-05-01"]}
    crm = so.crm.Crm.build({"opportunity": deals, "opportunity_event": events, "account": LATE})
    periods = {"period_id": ["y", *"1234"], "type": ["year"] + ["quarter"] * 4, "number": [2026, 1, 2, 3, 4]}
    periods |= {"start": ["2026-01-01", "2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"]}
    periods |= {"end": ["2027-01-01", "2026-04-01", "2026-07-01", "2026-10-01", "2027-01-01"]}
    table = so.crm.Crm.build({"opportunity": deals, "fiscal_period": periods}).fiscal_calendar()
    assert kpi.pushes(crm, every="quarter").value == 3
    pushed = kpi.pushes(crm, every="quarter", calendar=table)
    assert (pushed.value, pushed.excluded) == (2, {"outside_calendar": 1})


# ---- responses ----


def test_who_waits_no_longer_than_the_target_is_not_never_answered():
    created = ["2026-01-01T00:00", "2026-01-01T09:59", "2026-01-01T08:00", "2026-01-01T09:58"]
    table = {"lead_id": list("abcd"), "created_at": created}
    table |= {"disqualified_at": [None, None, None, "2026-01-01T09:59"]}
    calls = {"activity_id": ["1", "2"], "type": ["call", "note"], "lead_id": ["a", "a"]}
    calls |= {"at": ["2026-01-01T00:10", "2026-01-01T10:00"]}
    crm = so.crm.Crm.build({"lead": table, "activity": calls})
    answer = kpi.lead_response_time(crm)
    assert (answer.details["never"], answer.details["not_yet"]) == (0.5, 0.25)
    assert kpi.lead_response_time(crm, where="lead_id in ('a', 'b')").details["never"] == 0
    assert "answered within 0.5 minutes" in kpi.lead_response_time(crm, target_minutes=0.5).definition
    assert "answered within 60 minutes" in answer.definition


# ---- stories of one lead ----


def test_a_lead_in_two_stories_counts_once():
    crm = leads([("1", "2026-01-05", "2026-01-20", None), ("2", "2026-01-06", None, None)])
    ratio = kpi.lead_conversion(crm, mode="closed_in_period", ids=True)
    assert (ratio.numerator, ratio.denominator, ratio.n, ratio.ids) == (1, 2, 2, ["1", "2"])
    by_month = kpi.lead_conversion(crm, mode="closed_in_period", by="month", ids=True)
    assert by_month.ids == {"2026-01": ["1", "2"]}


# ---- texts ----


def test_a_period_of_no_units_says_so():
    crm = leads([("1", "2026-01-05", None, None)])
    with pytest.raises(so.UsageError, match="ask for 1 to 10000 periods, not 0") as refused:
        kpi.lead_conversion(crm, period="last 0 quarters")
    assert "did you mean" not in str(refused.value)


# ---- beside the number ----


def test_rates_tell_of_those_that_are_open():
    """Ten of twenty deals are won within thirty days, the others are young or open since long."""
    n = 40
    old = [i < 20 for i in range(n)]
    won = [i < 10 for i in range(n)]
    deals = {
        "opportunity_id": [str(i) for i in range(n)],
        "created_at": ["2026-01-01" if is_old else "2026-11-30" for is_old in old],
        "closed_at": ["2026-01-31" if is_won else None for is_won in won],
        "is_closed": won,
        "is_won": won,
        "amount": ["1"] * n,
    }
    calls = {"activity_id": ["1"], "opportunity_id": ["0"], "at": ["2026-01-15"]}
    crm = so.crm.Crm.build({"opportunity": deals, "account": LATE, "activity": calls}, currency="EUR")
    closed = kpi.win_rate(crm)
    assert closed.value == 1
    assert closed.details == pytest.approx({"survival": 0.5, "stale_open_share": 1 / 3})
    untouched = so.crm.Crm.build({"opportunity": deals, "account": LATE}, currency="EUR")
    assert "stale_open_share" not in kpi.win_rate(untouched).details, "nothing tells when they were touched"
    for mode in ("created_cohort", "window_cohort"):
        assert kpi.win_rate(crm, mode=mode).details == {"survival": pytest.approx(0.5)}
    young = kpi.win_rate(crm, mode="window_cohort", window_days=10)
    assert (young.value, young.details["survival"]) == (0, 0)
    assert kpi.win_rate(crm, weight="value").details == pytest.approx({"stale_open_share": 1 / 3})
    # By groups there is the mode of that name, at its own price.
    assert "survival" not in kpi.win_rate(crm, by="month").to_table().names
    quarters = kpi.win_rate(crm, mode="created_cohort", period="last 3 quarters").to_table().to_dict()
    assert quarters["survival"] == [pytest.approx(0.5), None, None]


@pytest.mark.parametrize("asked", [{}, {"where": {}}, {"period": "last 6 quarters"}])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_the_share_beside_a_rate_is_that_of_the_curve(asked, zone):
    crm = so.crm.Crm.build(so.datasets.sample_tables(deals=600))
    if "where" in asked:
        owner = crm.table("opportunity").to_dict()["owner_id"][0]
        asked = {"where": {"owner": owner}}
    for window in (20, 90):
        given = asked | {"zone": zone, "window_days": window}
        beside = kpi.win_rate(crm, mode="window_cohort", **given).to_table().to_dict()["survival"]
        curve = kpi.win_rate(crm, mode="survival", **given).to_table().to_dict()["win_rate"]
        assert beside == [one if one is None else pytest.approx(one, rel=1e-12) for one in curve]


def test_lead_conversion_tells_of_those_that_are_open():
    rows = [(str(i), "2026-01-01", "2026-01-11" if i < 5 else None, None) for i in range(10)]
    rows += [(str(10 + i), "2026-11-30", None, None) for i in range(10)]
    crm = leads(rows)
    cohort = kpi.lead_conversion(crm)
    assert (cohort.value, cohort.details["survival"]) == (0.25, pytest.approx(0.5))
    months = kpi.lead_conversion(crm, by="month").to_table().to_dict()
    assert months["survival"] == [pytest.approx(0.5), None]
