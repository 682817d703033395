"""KPIs of leads and customers in a few lines of plain Python, equal to the core on the sample book."""

import datetime as dt
import zoneinfo
from collections import defaultdict
from fractions import Fraction

import pandas as pd
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
        lead["touches"] = touches[lead["lead_id"]]
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
    assert "an association, not an effect" in result.definition
    assert "association" in repr(result)
    left_out = sum(lead["early"] for lead in in_period(leads))
    assert sum(result.to_table().to_dict()["excluded"]) == left_out
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


# ---- rules for the edges ----


def working(start, end, zone, holidays=()):
    """Time between two instants, nine to five from Monday to Friday on the clocks of a zone."""
    total, on = dt.timedelta(0), start.astimezone(zone).date()
    while on <= end.astimezone(zone).date():
        if on.weekday() < 5 and on not in holidays:
            opens, closes = (dt.datetime.combine(on, dt.time(hour), zone).astimezone(UTC) for hour in (9, 17))
            total += max(min(end, closes) - max(start, opens), dt.timedelta(0))
        on += dt.timedelta(days=1)
    return total


@pytest.fixture(scope="module")
def richer():
    """The sample book with more of leads (other hands, MQL, SQL, a zone) and calendars of reps."""
    tables = {name: table.to_pandas() for name, table in so.datasets.sample_tables(seed=7, deals=600).items()}
    leads = tables["lead"]
    hours = [((i * 7919) % 97) / 4 - 3 for i in range(len(leads))]
    created = pd.to_datetime(leads["created_at"], utc=True)
    some = pd.Series([i % 3 == 0 for i in range(len(leads))])
    leads["reassigned_at"] = (created + pd.to_timedelta([abs(h) for h in hours], unit="h")).where(some)
    mql = pd.Series([i % 5 < 3 for i in range(len(leads))])
    leads["mql_at"] = (created + pd.to_timedelta([h * 24 for h in hours], unit="h")).where(mql)
    sql = pd.Series([i % 7 < 3 for i in range(len(leads))])
    leads["qualified_at"] = (created + pd.to_timedelta([(14 - h) * 24 for h in hours], unit="h")).where(sql)
    zones = ["Asia/Tokyo", "America/New_York", None, "Nowhere/At_All"]
    leads["zone"] = [zones[i % 4] for i in range(len(leads))]
    reps = tables["rep"]
    reps["calendar_id"] = [["C1", "C2", None][i % 3] for i in range(len(reps))]
    tables["calendar"] = pd.DataFrame(
        {"calendar_id": ["C1", "C2"], "zone": ["Europe/Berlin", "America/Denver"]}
    )
    days = [dt.date(2025, 4, day) for day in (1, 2, 3)]
    tables["calendar_holiday"] = pd.DataFrame({"calendar_id": ["C1"] * 3, "date": days})
    return so.crm.Crm.build(tables)


@pytest.fixture(scope="module")
def rich_leads(richer, leads):
    extra = {row["lead_id"]: row for row in rows_of(richer.table("lead"))}
    names = ("reassigned_at", "mql_at", "qualified_at")
    return [
        lead
        | {name: utc(extra[lead["lead_id"]][name]) for name in names}
        | {"zone": extra[lead["lead_id"]]["zone"]}
        for lead in leads
    ]


def calendars(richer, hours_of):
    """Of each lead its zone, None where nobody knows it, and the holidays."""
    reps = {row["rep_id"]: row for row in rows_of(richer.table("rep"))}
    zones = {"C1": ("Europe/Berlin", {dt.date(2025, 4, day) for day in (1, 2, 3)})}
    zones |= {"C2": ("America/Denver", set()), None: ("UTC", set())}

    def of(lead):
        rep = reps.get(lead["owner_id"], {})
        if hours_of == "owner.calendar_id":
            name, holidays = zones[rep.get("calendar_id")]
        else:
            name = lead["zone"] if hours_of == "zone" else rep.get("time_zone")
            name, holidays = name or "UTC", set()
        return (None if name.startswith("Nowhere") else zoneinfo.ZoneInfo(name)), holidays

    return of


def clock_of(lead, clock):
    """When the clock of a lead starts, and its answer."""
    start = (clock != "created" and lead["available_at"]) or lead["created_at"]
    touches = [max(touch, start) for touch in lead["touches"] if touch >= lead["created_at"]]
    answer = min(touches, default=None)
    passed_on = lead["reassigned_at"]
    if clock == "reassigned" and passed_on and (answer is None or answer >= passed_on):
        start = max(start, passed_on)
    return start, answer


@pytest.mark.parametrize("hours_of", [None, "owner.time_zone", "owner.calendar_id", "zone"])
@pytest.mark.parametrize("clock", ["available", "created", "reassigned"])
def test_response_time_on_whose_clock(crm, richer, rich_leads, hours_of, clock):
    of, target = calendars(richer, hours_of), dt.timedelta(minutes=45)
    due = within = unknown = early = 0
    for lead in in_period(rich_leads):
        start, answer = clock_of(lead, clock)
        ends = [t for t in (lead["converted_at"], lead["disqualified_at"]) if t]
        zone, holidays = of(lead) if hours_of else (dt.UTC, set())
        if any(touch < lead["created_at"] for touch in lead["touches"]):
            early += 1
        elif zone is None:
            unknown += 1
        else:
            waited = working(start, max(answer or min([crm.latest, *ends]), start), zone, holidays)
            due += answer is not None or waited > target
            within += answer is not None and waited <= target
    asked = {"period": PERIOD, "hours": so.calendar.BusinessHours(), "hours_of": hours_of, "clock": clock}
    result = kpi.sla_compliance(richer, target_minutes=45, **asked)
    assert (result.numerator, result.denominator) == (within, due)
    assert result.excluded.get("unknown_zone", 0) == unknown
    assert (unknown > 0) == (hours_of == "zone")
    assert result.excluded.get("touched_before_created", 0) == early
    assert kpi.lead_response_time(richer, target_minutes=45, **asked).details["with_outcome"] > 0


def test_response_rules_name_what_they_need(crm):
    with pytest.raises(so.UsageError, match="needs hours"):
        kpi.sla_compliance(crm, hours_of="owner.time_zone")
    with pytest.raises(so.UsageError, match="no names of zones"):
        kpi.sla_compliance(crm, hours_of="created_at", hours=so.calendar.BusinessHours())
    with pytest.raises(so.UsageError, match="reassigned_at"):
        kpi.sla_compliance(crm, clock="reassigned")
    with pytest.raises(so.UsageError, match=r"clock: .*available, created, reassigned"):
        kpi.sla_compliance(crm, clock="noon")


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("days", [None, 5, 40])
def test_funnel_in_order_and_within_a_window(richer, rich_leads, in_order, days):
    deals = {row["opportunity_id"]: row for row in rows_of(richer.table("opportunity"))}
    counts = defaultdict(int)
    cohort = [
        lead
        for lead in in_period(rich_leads)
        if not days or lead["created_at"] + dt.timedelta(days=days) <= richer.latest
    ]
    for lead in cohort:
        deal = deals.get(lead["converted_opportunity_id"], {})
        times = [lead["created_at"], lead["mql_at"], lead["qualified_at"], utc(deal.get("created_at"))]
        times.append(utc(deal["closed_at"]) if deal.get("is_won") else None)
        if days:
            limit = lead["created_at"] + dt.timedelta(days=days)
            times = [time if time and time <= limit else None for time in times]
        if in_order:
            fits = [all(times[: i + 1]) and sorted(times[: i + 1]) == times[: i + 1] for i in range(5)]
        else:
            fits = [any(times[i:]) for i in range(5)]
        for i, fit in enumerate(fits):
            counts[i] += fit
    window = {"mode": "window_cohort", "window_days": days} if days else {}
    table = kpi.funnel(richer, period=PERIOD, in_order=in_order, **window).to_table().to_dict()
    assert table["step"] == ["lead", "mql", "sql", "opportunity", "won"]
    assert table["numerator"] == [counts[i] for i in range(5)]
    assert table["denominator"] == [len(cohort), *(counts[i] for i in range(4))]
    assert counts[1] > 0


def test_activity_by_rep_day_and_by_lead(crm):
    done = [
        row
        for row in rows_of(crm.table("activity"))
        if row["is_completed"] is not False and START <= utc(row["at"]) < END and not row["is_automated"]
    ]
    rep_days = {(row["actor_id"], utc(row["at"]).date()) for row in done if row["actor_id"]}
    touches = [row["lead_id"] for row in done if row["lead_id"]]
    details = kpi.activity(crm, period=PERIOD).details
    assert details["rep_days"] == len(rep_days)
    assert details["per_lead"] == len(touches) / len(set(touches))
    for kind in ("call", "email", "meeting"):
        count = sum(row["type"] == kind and row["actor_id"] is not None for row in done)
        assert details[f"{kind}s_per_rep_day"] == count / len(rep_days)


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
