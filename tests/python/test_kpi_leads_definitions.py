"""KPIs of leads and customers in a few lines of plain Python, equal to the core on the sample book."""

import datetime as dt
from collections import defaultdict
from fractions import Fraction

import pytest
import salesops as so
from salesops import kpi

UTC = dt.UTC
START, END = dt.datetime(2025, 4, 1, tzinfo=UTC), dt.datetime(2025, 7, 1, tzinfo=UTC)
PERIOD = "2025-Q2"
GROUPS = [(), ("source",), ("owner.team",), ("month", "source")]


def rows_of(table):
    columns = table.to_dict()
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def utc(value):
    if value is None or isinstance(value, dt.datetime):
        return value
    moment = dt.datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def day(value):
    return dt.date.fromisoformat(value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def crm():
    return so.datasets.sample_crm(seed=7, deals=600)


@pytest.fixture(scope="module")
def teams(crm):
    """The team of a seller on a day."""
    spans = defaultdict(list)
    for row in rows_of(crm.table("rep_assignment")):
        spans[row["rep_id"]].append((day(row["valid_from"]), day(row["valid_to"]), row["team_id"]))

    def team(rep, when):
        on = when.date()
        return next((t for a, b, t in spans[rep] if a <= on and (b is None or on < b)), None)

    return team


@pytest.fixture(scope="module")
def leads(crm, teams):
    touches = defaultdict(list)
    for row in rows_of(crm.table("activity")):
        by_a_person = row["type"] not in ("note", "task") and not row["is_automated"]
        if row["lead_id"] and row["direction"] != "in" and by_a_person:
            touches[row["lead_id"]].append(utc(row["at"]))
    won = {row["opportunity_id"] for row in rows_of(crm.table("opportunity")) if row["is_won"]}
    leads = rows_of(crm.table("lead"))
    for lead in leads:
        for name in ("created_at", "available_at", "converted_at", "disqualified_at"):
            lead[name] = utc(lead[name])
        lead["month"] = lead["created_at"].strftime("%Y-%m")
        lead["owner.team"] = teams(lead["owner_id"], lead["created_at"])
        clock = lead["available_at"] or lead["created_at"]
        lead["early"] = any(t < clock for t in touches[lead["lead_id"]])
        answer = min((t for t in touches[lead["lead_id"]] if t >= clock), default=None)
        ends = [t for t in (lead["converted_at"], lead["disqualified_at"]) if t]
        lead["answered"] = answer is not None
        lead["waited"] = max((answer or min([crm.latest, *ends])) - clock, dt.timedelta(0))
        lead["won"] = lead["converted_opportunity_id"] in won
    return leads


def by_group(rows, by):
    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in by)].append(row)
    return groups


def core(result, by, *, extra=()):
    """Numerator and denominator by group, and that the value is the one over the other."""
    table = result.to_table().to_dict()
    answer = {}
    for i, value in enumerate(table[result.name]):
        top, bottom = table["numerator"][i], table["denominator"][i]
        assert value == (top / bottom if bottom else None)
        answer[tuple(table[name][i] for name in (*extra, *by))] = (top, bottom)
    return answer


def in_period(leads):
    return [lead for lead in leads if START <= lead["created_at"] < END]


@pytest.mark.parametrize("by", GROUPS)
def test_lead_conversion(crm, leads, by):
    groups = by_group(in_period(leads), by)
    expected = {
        key: (sum(r["converted_at"] is not None for r in rows), len(rows)) for key, rows in groups.items()
    }
    assert core(kpi.lead_conversion(crm, period=PERIOD, by=by), by) == expected


@pytest.mark.parametrize("days", [1, 30, 200])
@pytest.mark.parametrize("by", GROUPS)
def test_lead_conversion_within_a_window(crm, leads, by, days):
    window = dt.timedelta(days=days)
    old = [lead for lead in in_period(leads) if lead["created_at"] + window <= crm.latest]
    won = {
        lead["lead_id"]
        for lead in old
        if lead["converted_at"] and lead["converted_at"] <= lead["created_at"] + window
    }
    expected = {
        key: (sum(r["lead_id"] in won for r in rows), len(rows)) for key, rows in by_group(old, by).items()
    }
    result = kpi.lead_conversion(crm, period=PERIOD, by=by, mode="window_cohort", window_days=days)
    assert {key: pair for key, pair in core(result, by).items() if pair[1]} == expected


@pytest.mark.parametrize("days", [10, 45])
def test_lead_conversion_by_survival(crm, leads, days):
    """The share with the outcome, step by step over the days on which something ended."""
    ends = []
    for lead in in_period(leads):
        end = lead["converted_at"] or lead["disqualified_at"] or crm.latest
        outcome = 1 if lead["converted_at"] else 2 if lead["disqualified_at"] else 0
        ends.append((end - lead["created_at"], outcome))
    open_share, converted = 1.0, 0.0
    for time in sorted({t for t, outcome in ends if outcome and t <= dt.timedelta(days=days)}):
        at_risk = sum(t >= time for t, _ in ends)
        converted += open_share * sum(e == (time, 1) for e in ends) / at_risk
        open_share *= 1 - sum(t == time and outcome > 0 for t, outcome in ends) / at_risk
    result = kpi.lead_conversion(crm, period=PERIOD, mode="survival", window_days=days)
    assert result.value == pytest.approx(converted, rel=1e-12)


@pytest.mark.parametrize("minutes", [15, 240])
@pytest.mark.parametrize("by", GROUPS)
def test_sla_compliance(crm, leads, by, minutes):
    target = dt.timedelta(minutes=minutes)
    due = [r for r in in_period(leads) if not r["early"] and (r["answered"] or r["waited"] > target)]
    expected = {
        key: (sum(r["answered"] and r["waited"] <= target for r in rows), len(rows))
        for key, rows in by_group(due, by).items()
    }
    result = kpi.sla_compliance(crm, period=PERIOD, by=by, target_minutes=minutes)
    assert {key: pair for key, pair in core(result, by).items() if pair[1]} == expected


def band_of(lead):
    if not lead["answered"]:
        return "never"
    minutes = lead["waited"] / dt.timedelta(minutes=1)
    for up_to, band in ((5, "5 min or less"), (15, "5 to 15 min"), (60, "15 to 60 min"), (240, "1 to 4 h")):
        if minutes <= up_to:
            return band
    return "over 4 h"


@pytest.mark.parametrize("by", GROUPS)
def test_response_bands(crm, leads, by):
    rows = [lead | {"band": band_of(lead)} for lead in in_period(leads) if not lead["early"]]
    expected = {
        key: (sum(r["converted_at"] is not None for r in group), len(group))
        for key, group in by_group(rows, ("band", *by)).items()
    }
    result = kpi.response_bands(crm, period=PERIOD, by=by)
    assert {k: pair for k, pair in core(result, by, extra=("band",)).items() if pair[1]} == expected


@pytest.mark.parametrize("by", GROUPS)
def test_funnel(crm, leads, by):
    expected = {}
    for key, rows in by_group(in_period(leads), by).items():
        deals = [r for r in rows if r["converted_opportunity_id"]]
        won = [r for r in deals if r["won"]]
        expected["lead", *key] = (len(rows), len(rows))
        expected["opportunity", *key] = (len(deals), len(rows))
        expected["won", *key] = (len(won), len(deals))
    result = kpi.funnel(crm, period=PERIOD, by=by)
    # A group without leads at a step has no row of that step.
    found = core(result, by, extra=("step",))
    assert {k: pair for k, pair in found.items() if pair[1]} == {k: p for k, p in expected.items() if p[1]}
    table = result.to_table().to_dict()
    for i, step in enumerate(table["step"]):
        key = tuple(table[name][i] for name in by)
        assert table["cumulative"][i] == expected[step, *key][0] / expected["lead", *key][0]


# ---- customers ----


def monthly(row):
    months = {"month": 1, "year": 12, "week": Fraction(12, 52), "day": Fraction(12, 365)}[row["interval"]]
    minor = round(Fraction(str(row["unit_amount"])) * 100) * Fraction(str(row["qty"]))
    return minor / (months * row["interval_count"])


def customers(crm, on):
    """Monthly cents of each account that pays on a day."""
    paying = defaultdict(Fraction)
    for row in rows_of(crm.table("subscription")):
        if day(row["start"]) <= on and (row["end"] is None or on < day(row["end"])):
            paying[row["account_id"]] += monthly(row)
    return paying


@pytest.fixture(scope="module")
def segments(crm):
    table = crm.table("account").to_dict()
    return dict(zip(table["account_id"], table["segment"], strict=True))


@pytest.mark.parametrize("by", [(), ("segment",)])
@pytest.mark.parametrize(
    ("period", "start", "end"), [("2025-Q2", (2025, 4), (2025, 7)), ("2025", (2025, 1), (2026, 1))]
)
def test_logo_churn_and_retention(crm, segments, by, period, start, end):
    before, after = (customers(crm, dt.date(*month, 1)) for month in (start, end))
    lost, kept = defaultdict(lambda: [0, 0]), defaultdict(lambda: [0, 0])
    for account in before:
        key = (segments[account],) if by else ()
        lost[key] = [lost[key][0] + (account not in after), lost[key][1] + 1]
        kept[key] = [kept[key][0] + (account in after), kept[key][1] + 1]
    churn = kpi.logo_churn(crm, period=period, by=by)
    assert core(churn, by) == {key: tuple(pair) for key, pair in lost.items()}
    assert core(kpi.logo_retention(crm, period=period, by=by), by) == {k: tuple(p) for k, p in kept.items()}
    if not by:
        months = (end[0] - start[0]) * 12 + end[1] - start[1]
        assert churn.details["annual"] == pytest.approx(1 - (1 - churn.value) ** (12 / months))


@pytest.mark.parametrize("by", [(), ("segment",)])
def test_arpa(crm, segments, by):
    expected = defaultdict(lambda: [0, 0])
    for account, cents in customers(crm, START.date()).items():
        key = (segments[account],) if by else ()
        expected[key] = [expected[key][0] + round(cents), expected[key][1] + 1]
    found = core(kpi.arpa(crm, period=PERIOD, by=by), by)
    assert {key: (round(top * 100), bottom) for key, (top, bottom) in found.items()} == {
        key: tuple(pair) for key, pair in expected.items()
    }


def test_cac(crm):
    first = {}
    for deal in rows_of(crm.table("opportunity")):
        if deal["is_won"] and deal["account_id"]:
            closed = utc(deal["closed_at"])
            first[deal["account_id"]] = min(closed, first.get(deal["account_id"], closed))
    won = sum(START <= at < END for at in first.values())
    spent = sum(
        Fraction(str(row["amount"]))
        for row in rows_of(crm.table("spend"))
        if START.date() <= day(row["period_start"]) < END.date()
    )
    result = kpi.cac(crm, period=PERIOD)
    assert won > 0
    assert (result.numerator, result.denominator) == (float(spent), won)
    assert result.value == float(spent) / won


def test_simple_lifetime_value_and_what_follows(crm):
    asked = {"period": "2025", "gross_margin": 0.75}
    arpa, churn = kpi.arpa(crm, period="2025"), kpi.logo_churn(crm, period="2025")
    monthly_churn = 1 - (1 - churn.value) ** (1 / 12)
    worth = kpi.clv_simple(crm, **asked)
    assert worth.value == pytest.approx(arpa.value * 0.75 / monthly_churn)
    cost = kpi.cac(crm, period="2025")
    assert kpi.ltv_cac(crm, **asked).value == pytest.approx(worth.value / cost.value)
    assert kpi.cac_payback(crm, **asked).value == pytest.approx(cost.value / (arpa.value * 0.75))
