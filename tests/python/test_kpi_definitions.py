"""Each KPI in a few lines of plain Python, compared with the core on the sample book."""

import datetime as dt
import itertools
import math
import statistics
from collections import defaultdict
from fractions import Fraction

import pytest
import salesops as so
from salesops import kpi

UTC = dt.UTC
START, END = dt.datetime(2025, 7, 1, tzinfo=UTC), dt.datetime(2025, 10, 1, tzinfo=UTC)
PERIOD = "2025-Q3"
DAY = dt.timedelta(days=1)


def rows_of(table) -> list[dict]:
    columns = table.to_dict()
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def instant(value):
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


def date(value):
    return dt.date.fromisoformat(value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def crm() -> so.crm.Crm:
    return so.crm.Crm.build(so.datasets.sample_tables(deals=500))


@pytest.fixture(scope="module")
def deals(crm) -> list[dict]:
    rows = rows_of(crm.table("opportunity"))
    for row in rows:
        row["created_at"], row["closed_at"] = instant(row["created_at"]), instant(row["closed_at"])
        row["close_date"] = date(row["close_date"])
        row["amount"] = Fraction(str(row["amount"]))
        row["status"] = ("won" if row["is_won"] else "lost") if row["is_closed"] else "open"
    return rows


@pytest.fixture(scope="module")
def events(crm) -> dict[str, list[dict]]:
    by_deal = defaultdict(list)
    for row in rows_of(crm.table("opportunity_event")):
        row["at"] = instant(row["at"])
        by_deal[row["opportunity_id"]].append(row)
    for rows in by_deal.values():
        rows.sort(key=lambda row: (row["at"], row["seq"]))
    return by_deal


def inside(at) -> bool:
    return at is not None and START <= at < END


def won(deals) -> list[dict]:
    return [deal for deal in deals if deal["status"] == "won" and inside(deal["closed_at"])]


def lost(deals) -> list[dict]:
    return [deal for deal in deals if deal["status"] == "lost" and inside(deal["closed_at"])]


def before(deal, events, field, t):
    """Value of a field just before t."""
    changes = [e for e in events[deal["opportunity_id"]] if e["field"] == field]
    past = [e["new"] for e in changes if e["at"] < t]
    if past:
        return past[-1]
    return changes[0]["old"] if changes else deal[{"stage": "stage_id"}.get(field, field)]


def days(delta: dt.timedelta) -> float:
    return delta / DAY


def test_win_rate(crm, deals):
    assert kpi.win_rate(crm, period=PERIOD).value == len(won(deals)) / (len(won(deals)) + len(lost(deals)))
    top = sum(deal["amount"] for deal in won(deals))
    bottom = top + sum(deal["amount"] for deal in lost(deals))
    assert kpi.win_rate(crm, period=PERIOD, weight="value").value == pytest.approx(
        float(top / bottom), rel=1e-14
    )


@pytest.mark.parametrize("mode", ["closed_in_period", "created_cohort", "window_cohort"])
@pytest.mark.parametrize("period", [None, PERIOD, "last 4 quarters"])
def test_win_rate_listed_and_streamed_are_one(crm, mode, period):
    for by in ([], ["owner"], ["owner", "month"], ["account.segment", "quarter"], ["is_won", "owner.team"]):
        asked = {"by": by, "period": period, "mode": mode}
        listed = kpi.win_rate(crm, ids=True, **asked)
        assert kpi.win_rate(crm, **asked).to_table().to_dict() == listed.to_table().to_dict()


def incidence(durations: list[tuple[float, int]]) -> list[tuple[float, float]]:
    survival, share, curve = 1.0, 0.0, []
    for t in sorted({d for d, _ in durations}):
        at_risk = sum(d >= t for d, _ in durations)
        share += survival * sum(d == t and cause == 1 for d, cause in durations) / at_risk
        survival *= 1 - sum(d == t and cause > 0 for d, cause in durations) / at_risk
        curve.append((t, share))
    return curve


def ages(crm, deals) -> list[tuple[float, int]]:
    cohort = [deal for deal in deals if inside(deal["created_at"])]
    causes = {"open": 0, "won": 1, "lost": 2}
    return [(days((d["closed_at"] or crm.latest) - d["created_at"]), causes[d["status"]]) for d in cohort]


def test_survival_modes(crm, deals):
    curve = incidence(ages(crm, deals))
    share = [f for t, f in curve if t <= 60][-1]
    assert kpi.win_rate(crm, period=PERIOD, mode="survival", window_days=60).value == pytest.approx(
        share, rel=1e-12
    )
    half = next(t for t, f in curve if f >= curve[-1][1] / 2)
    assert kpi.sales_cycle(crm, period=PERIOD, mode="survival").value == pytest.approx(half, rel=1e-12)


def test_sales_cycle_and_average_deal(crm, deals):
    cycles = [days(deal["closed_at"] - deal["created_at"]) for deal in won(deals)]
    result = kpi.sales_cycle(crm, period=PERIOD)
    assert result.value == pytest.approx(statistics.median(cycles), rel=1e-13)
    assert result.details["mean"] == pytest.approx(statistics.fmean(cycles), rel=1e-13)
    average = kpi.average_deal(crm, period=PERIOD)
    assert average.value == pytest.approx(
        float(sum(d["amount"] for d in won(deals)) / len(won(deals))), rel=1e-14
    )


def test_velocity(crm, deals):
    open_deals = sum(
        d["created_at"] < END and (d["closed_at"] is None or d["closed_at"] >= END) for d in deals
    )
    average = float(sum(d["amount"] for d in won(deals)) / len(won(deals)))
    rate = len(won(deals)) / (len(won(deals)) + len(lost(deals)))
    cycle = statistics.fmean(days(deal["closed_at"] - deal["created_at"]) for deal in won(deals))
    assert kpi.velocity(crm, period=PERIOD).value == pytest.approx(
        open_deals * average * rate / cycle, rel=1e-12
    )


def test_loss_reasons(crm, deals):
    counts = defaultdict(int)
    for deal in lost(deals):
        counts[deal["loss_reason"]] += 1
    table = kpi.loss_reasons(crm, period=PERIOD).to_table().to_dict()
    found = dict(zip(table["loss_reason"], table["loss_reasons"], strict=True))
    assert found == {reason: n / len(lost(deals)) for reason, n in counts.items()}


def test_linearity_and_concentration(crm, deals):
    total = sum(deal["amount"] for deal in won(deals))
    last = sum(deal["amount"] for deal in won(deals) if deal["closed_at"].month == 9)
    assert kpi.linearity(crm, period=PERIOD).value == pytest.approx(float(last / total), rel=1e-13)
    accounts = defaultdict(Fraction)
    for deal in won(deals):
        accounts[deal["account_id"]] += deal["amount"]
    largest = sorted(accounts.values(), reverse=True)
    result = kpi.concentration(crm, period=PERIOD)
    assert result.value == pytest.approx(float(sum(largest[:10]) / total), rel=1e-13)
    assert result.details["hhi"] == pytest.approx(float(sum((x / total) ** 2 for x in largest)), rel=1e-12)


def visits_of(deal, events):
    changes = [e for e in events[deal["opportunity_id"]] if e["field"] == "stage"]
    return [(e["new"], e["at"]) for e in changes]


def test_stage_kpis(crm, deals, events):
    defs = {(row["pipeline_id"], row["stage_id"]): row for row in rows_of(crm.table("stage_def"))}
    moved = ended = censored = 0
    stays, back = [], []
    for deal in deals:
        path = [(defs[deal["pipeline_id"], stage], at) for stage, at in visits_of(deal, events)]
        seen = set()
        for i, (stage, at) in enumerate(path):
            if stage["type"] != "open":
                continue
            if i + 1 < len(path) and inside(at):
                stays.append(days(path[i + 1][1] - at))
            if stage["stage_id"] in seen:
                continue
            seen.add(stage["stage_id"])
            up = any(later["type"] != "lost" and later["rank"] > stage["rank"] for later, _ in path[i + 1 :])
            if inside(at):
                moved, ended = moved + up, ended + (up or deal["status"] != "open")
                censored += not up and deal["status"] == "open"
        if inside(deal["created_at"]):
            pairs = itertools.pairwise(path)
            steps = [(a, b) for (a, _), (b, _) in pairs if a["type"] == b["type"] == "open"]
            back.append(any(b["rank"] < a["rank"] for a, b in steps))
    conversion = kpi.stage_conversion(crm, period=PERIOD)
    assert (conversion.numerator, conversion.denominator, conversion.censored) == (moved, ended, censored)
    assert kpi.time_in_stage(crm, period=PERIOD).value == pytest.approx(statistics.fmean(stays), rel=1e-12)
    assert kpi.stage_regression(crm, period=PERIOD).value == sum(back) / len(back)


def test_slippage_and_yield(crm, deals, events):
    fates, start, gained, expected = defaultdict(int), Fraction(0), Fraction(0), 0
    then = {
        row["opportunity_id"]: row
        for row in rows_of(crm.as_of(END - dt.timedelta(microseconds=1)).table("opportunity"))
    }
    for deal in deals:
        stage = before(deal, events, "stage", START)
        if deal["created_at"] >= START or stage in ("won", "lost", "renewed", "churned"):
            continue
        amount = Fraction(str(before(deal, events, "amount", START)))
        start += amount
        gained += amount if deal["status"] == "won" and inside(deal["closed_at"]) else 0
        if not START.date() <= date(before(deal, events, "close_date", START)) < END.date():
            continue
        expected += 1
        row = then[deal["opportunity_id"]]
        fate = ("won" if row["is_won"] else "lost") if row["is_closed"] else None
        fates[fate or ("pushed" if date(row["close_date"]) >= END.date() else "open")] += 1
    result = kpi.slippage(crm, period=PERIOD)
    assert (result.n, result.numerator) == (expected, fates["pushed"] + fates["open"])
    assert {k: round(v * expected) for k, v in result.details.items()} == {
        "removed": 0,
        "lost": 0,
        "won": 0,
        "open": 0,
        "pushed": 0,
    } | fates
    assert kpi.snapshot_yield(crm, period=PERIOD).value == pytest.approx(float(gained / start), rel=1e-13)


def test_pushes(crm, deals, events):
    count = 0
    for deal in deals:
        for change in events[deal["opportunity_id"]]:
            if change["field"] != "close_date" or not change["old"] or not inside(change["at"]):
                continue
            later = change["new"][:7] > change["old"][:7]
            count += later and (deal["closed_at"] is None or change["at"] < deal["closed_at"])
    assert kpi.pushes(crm, period=PERIOD).value == count


def test_pipeline_created(crm, deals, events):
    total = Fraction(0)
    for deal in deals:
        if inside(deal["created_at"]):
            total += Fraction(
                str(before(deal, events, "amount", deal["created_at"] + dt.timedelta(microseconds=1)))
            )
    assert kpi.pipeline_created(crm, period=PERIOD).value == pytest.approx(float(total), rel=1e-14)


def open_in(deals, start: dt.date, end: dt.date) -> list[dict]:
    return [d for d in deals if d["status"] == "open" and d["close_date"] and start <= d["close_date"] < end]


def test_weighted_pipeline_and_rollup(crm, deals):
    chosen = open_in(deals, dt.date(2026, 1, 1), dt.date(2026, 4, 1))
    cents = sum(math.floor(float(d["amount"] * 100) * d["probability"] + 0.5) for d in chosen)
    assert kpi.weighted_pipeline(crm, period="2026-Q1").value == pytest.approx(cents / 100, rel=1e-14)
    order = ["closed", "commit", "most_likely", "best_case", "pipeline"]
    table = kpi.forecast_rollup(crm, period="2026-Q1").to_table().to_dict()
    assert table["forecast_category"] == order
    own = [sum(d["amount"] for d in chosen if d["forecast_category"] == name) for name in order]
    assert table["forecast_rollup"] == pytest.approx([float(sum(own[: i + 1])) for i in range(5)], rel=1e-14)


def test_attainment_and_coverage(crm, deals):
    quotas = [
        row
        for row in rows_of(crm.table("quota"))
        if row["holder_type"] == "rep" and date(row["period_start"]) == START.date()
    ]
    by_rep = {row["holder_id"]: Fraction(str(row["amount"])) for row in quotas}
    credit = defaultdict(Fraction)
    for deal in won(deals):
        credit[deal["owner_id"]] += deal["amount"]
    result = kpi.attainment(crm, period=PERIOD)
    assert result.value == pytest.approx(float(sum(credit.values()) / sum(by_rep.values())), rel=1e-13)
    shares = [credit[rep] / quota for rep, quota in by_rep.items()]
    spread = kpi.attainment_distribution(crm, period=PERIOD)
    assert spread.value == sum(share >= 1 for share in shares) / len(shares)
    assert spread.details["below_50"] == sum(share < Fraction(1, 2) for share in shares) / len(shares)


def test_coverage(crm, deals):
    then = crm.as_of("2025-08-15")
    rows = rows_of(then.table("opportunity"))
    ahead = [
        r for r in rows if not r["is_closed"] and "2025-08-15" <= str(r["close_date"])[:10] < "2025-10-01"
    ]
    gained = sum(Fraction(str(r["amount"])) for r in rows if r["is_won"] and inside(instant(r["closed_at"])))
    quota = sum(
        Fraction(str(r["amount"]))
        for r in rows_of(then.table("quota"))
        if r["holder_type"] == "company" and str(r["period_start"])[:10] == "2025-07-01"
    )
    value = sum(Fraction(str(r["amount"])) for r in ahead) / (quota - gained)
    result = kpi.pipeline_coverage(crm, period=PERIOD, as_of="2025-08-15")
    assert result.value == pytest.approx(float(value), rel=1e-13)


def test_idle_and_hygiene(crm, deals, events):
    touched = defaultdict(list)
    for row in rows_of(crm.table("activity")):
        touched[row["opportunity_id"]].append(instant(row["at"]))
    idle, passed, open_deals = 0, 0, [deal for deal in deals if deal["status"] == "open"]
    for deal in open_deals:
        moves = [e["at"] for e in events[deal["opportunity_id"]] if e["field"] == "stage"] + [
            deal["created_at"]
        ]
        idle += crm.latest - max(moves + touched[deal["opportunity_id"]]) > 30 * DAY
        passed += deal["close_date"] >= crm.latest.date()
        passed += deal["amount"] > 0
        passed += bool(deal["next_step"])
        passed += crm.latest - max(moves) <= 14 * DAY
    assert kpi.idle_share(crm).value == idle / len(open_deals)
    assert kpi.hygiene(crm).value == passed / (4 * len(open_deals))


# ---- rules for the edges ----


@pytest.fixture(scope="module")
def paths(crm, deals, events) -> dict[str, list[tuple[dict, dt.datetime]]]:
    """The stages of each deal in order, each with its entry."""
    defs = {(row["pipeline_id"], row["stage_id"]): row for row in rows_of(crm.table("stage_def"))}
    return {
        deal["opportunity_id"]: [
            (defs[deal["pipeline_id"], stage], at) for stage, at in visits_of(deal, events)
        ]
        for deal in deals
    }


@pytest.fixture(scope="module")
def starts(crm, deals, paths) -> dict[str, dict[str, dt.datetime | None]]:
    """Where deals begin, by `start`."""
    first_lead = {}
    for lead in rows_of(crm.table("lead")):
        if deal := lead["converted_opportunity_id"]:
            first_lead[deal] = min(instant(lead["created_at"]), first_lead.get(deal, crm.latest))
    reached = {
        key: next((at for s, at in path if s["type"] in ("open", "won") and s["rank"] >= 3), None)
        for key, path in paths.items()
    }
    created = {deal["opportunity_id"]: deal["created_at"] for deal in deals}
    return {"created": created, "lead": first_lead, "stage": reached}


@pytest.mark.parametrize("start", ["created", "lead", "stage"])
def test_sales_cycle_from_a_start(crm, deals, starts, start):
    def cycles(closed):
        begun = [(starts[start].get(d["opportunity_id"]), d["closed_at"]) for d in closed]
        return [days(end - begin) for begin, end in begun if begin is not None and end >= begin]

    asked = {"start": start, "from_rank": 3 if start == "stage" else None}
    result = kpi.sales_cycle(crm, period=PERIOD, **asked)
    expected = cycles(won(deals))
    assert 0 < len(expected) == result.n
    assert result.value == pytest.approx(statistics.median(expected), rel=1e-12)
    assert result.details["lost_median"] == pytest.approx(statistics.median(cycles(lost(deals))), rel=1e-12)
    assert result.details["lost_mean"] == pytest.approx(statistics.fmean(cycles(lost(deals))), rel=1e-12)
    ages = cycles(
        deal | {"closed_at": END}
        for deal in deals
        if deal["created_at"] < END and (deal["closed_at"] is None or deal["closed_at"] >= END)
    )
    assert result.details["open_median_age"] == pytest.approx(statistics.median(ages), rel=1e-12)
    assert result.details["open_mean_age"] == pytest.approx(statistics.fmean(ages), rel=1e-12)
    left_out = {"lead": "no_lead", "stage": "stage_not_reached"}
    assert set(result.excluded) <= {left_out.get(start), "negative_duration"}
    assert sum(result.excluded.values()) == len(won(deals)) - len(expected)
    cohort = [(starts[start].get(d["opportunity_id"]), d) for d in deals]
    causes = {"open": 0, "won": 1, "lost": 2}
    lives = [
        (days((d["closed_at"] or crm.latest) - begin), causes[d["status"]])
        for begin, d in cohort
        if inside(begin)
    ]
    curve = incidence([(time, cause) for time, cause in lives if time >= 0])
    half = next(t for t, f in curve if f >= curve[-1][1] / 2)
    found = kpi.sales_cycle(crm, period=PERIOD, mode="survival", **asked).value
    assert found == pytest.approx(half, rel=1e-12)


def test_a_start_at_a_stage_needs_its_rank(crm):
    with pytest.raises(so.UsageError, match="from_rank = 2"):
        kpi.sales_cycle(crm, start="stage")
    with pytest.raises(so.UsageError, match=r"start: .*not one of: created, lead, stage"):
        kpi.sales_cycle(crm, start="birth")
    with pytest.raises(so.UsageError, match="a lead has no amount"):
        kpi.pipeline_created(crm, start="lead")


@pytest.mark.parametrize("every", ["day", "month", "quarter"])
def test_pushes_into_a_later_period(crm, deals, events, every):
    def number(text):
        day = date(text[:10])
        months = day.year * 12 + day.month - 2  # fiscal years from February
        return {"day": day, "month": months, "quarter": months // 3}[every]

    changes = [
        change
        for deal in deals
        for change in events[deal["opportunity_id"]]
        if change["field"] == "close_date" and change["old"] and inside(change["at"])
        if deal["closed_at"] is None or change["at"] < deal["closed_at"]
    ]
    expected = sum(number(change["new"]) > number(change["old"]) for change in changes)
    calendar = so.calendar.FiscalCalendar(start_month=2)
    asked = {"period": "2025-07-01/2025-10-01", "calendar": calendar}
    assert kpi.pushes(crm, every=every, **asked).value == expected > 0


@pytest.mark.parametrize("visits", ["first", "each", "deal"])
def test_stage_conversion_of_visits(crm, deals, paths, visits):
    moved = ended = censored = 0
    for deal in deals:
        path = paths[deal["opportunity_id"]]
        for i, (stage, at) in enumerate(path):
            again = any(before["stage_id"] == stage["stage_id"] for before, _ in path[:i])
            if stage["type"] != "open" or not inside(at) or (again and visits != "each"):
                continue
            others = path if visits == "deal" else path[i + 1 :]
            up = any(other["type"] != "lost" and other["rank"] > stage["rank"] for other, _ in others)
            moved, ended = moved + up, ended + (up or deal["status"] != "open")
            censored += not up and deal["status"] == "open"
    result = kpi.stage_conversion(crm, period=PERIOD, visits=visits)
    assert (result.numerator, result.denominator, result.censored) == (moved, ended, censored)


@pytest.mark.parametrize("visits", ["each", "first", "latest", "cumulative", "current"])
@pytest.mark.parametrize("mark", [PERIOD, None])
def test_time_in_stage_of_visits(crm, deals, paths, visits, mark):
    expected, lasting = [], 0
    for deal in deals:
        path = [*paths[deal["opportunity_id"]], ({"type": None, "stage_id": None}, None)]
        stays = [
            (a["stage_id"], at, left)
            for (a, at), (_, left) in itertools.pairwise(path)
            if a["type"] == "open"
        ]
        groups = defaultdict(list)
        for stage, entered, left in stays:
            groups[stage].append((entered, left))
        chosen = {
            "each": [[stay] for group in groups.values() for stay in group],
            "first": [group[:1] for group in groups.values()],
            "latest": [group[-1:] for group in groups.values()],
            "cumulative": list(groups.values()),
            "current": [[stay] for group in groups.values() for stay in group if stay[1] is None],
        }[visits]
        for group in chosen:
            if mark and not inside(group[0][0]):
                continue
            if visits != "current" and any(left is None for _, left in group):
                lasting += 1
            else:
                expected.append(sum(days((left or crm.latest) - entered) for entered, left in group))
    result = kpi.time_in_stage(crm, period=mark, visits=visits)
    assert (result.n, result.censored) == (len(expected), lasting)
    if expected:
        assert result.value == pytest.approx(statistics.fmean(expected), rel=1e-11)
    assert ("survival_median" in result.details) == (visits != "current")
    with pytest.raises(so.UsageError, match="visits is one of 'each' 'first' 'latest'"):
        kpi.time_in_stage(crm, visits="deal")


def test_pipeline_created_at_the_first_qualified_stage(crm, deals, events, starts):
    total, now = Fraction(0), Fraction(0)
    for deal in deals:
        if inside(at := starts["stage"][deal["opportunity_id"]]):
            total += Fraction(str(before(deal, events, "amount", at + dt.timedelta(microseconds=1))))
            now += deal["amount"]
    result = kpi.pipeline_created(crm, period=PERIOD, start="stage", from_rank=3)
    assert result.value == pytest.approx(float(total), rel=1e-14)
    assert total != now
    assert result.warnings == []


def test_loss_reasons_by_the_stage_lost_from(crm, deals, paths):
    counts, sums = defaultdict(int), defaultdict(Fraction)
    for deal in lost(deals):
        stage = [s["stage_id"] for s, at in paths[deal["opportunity_id"]] if s["type"] == "open"][-1]
        counts[stage, deal["loss_reason"]] += 1
        sums[stage, deal["loss_reason"]] += deal["amount"]
    for weight, expected in (("count", counts), ("value", sums)):
        table = kpi.loss_reasons(crm, period=PERIOD, by="open_stage", weight=weight).to_table().to_dict()
        found = zip(table["open_stage"], table["loss_reason"], table["numerator"], strict=True)
        assert {(s, r): pytest.approx(float(expected[s, r])) for s, r in expected} == {
            (s, r): n for s, r, n in found
        }


def test_velocity_says_what_each_input_would_change(crm):
    details = kpi.velocity(crm, period=PERIOD).details
    value = {name: details[name] for name in ("open", "average_deal", "win_rate", "sales_cycle")}

    def velocity(**changed):
        v = value | changed
        return v["open"] * v["average_deal"] * v["win_rate"] / v["sales_cycle"]

    names = {"open": "per_open", "average_deal": "per_average_deal", "win_rate": "per_win_rate"}
    for name, detail in (names | {"sales_cycle": "per_cycle_day"}).items():
        step = value[name] * 1e-6
        slope = (velocity(**{name: value[name] + step}) - velocity(**{name: value[name] - step})) / (2 * step)
        assert details[detail] == pytest.approx(slope, rel=1e-6)


def test_losses_without_a_decision_may_stay_out_of_win_rates(crm, deals):
    none = ["no_decision", "lost_contact"]
    decided = [deal for deal in lost(deals) if deal["loss_reason"] not in none]
    assert 0 < len(decided) < len(lost(deals))
    narrow = kpi.win_rate(crm, period=PERIOD, no_decision=none)
    assert narrow.value == len(won(deals)) / (len(won(deals)) + len(decided))
    assert narrow.excluded == {"no_decision": len(lost(deals)) - len(decided)}
    each = kpi.win_rate(crm, period=PERIOD, no_decision=none, reopened="each_close")
    assert each.excluded["no_decision"] > 0
    cohort = [deal for deal in deals if inside(deal["created_at"])]
    out = [deal for deal in cohort if deal["status"] == "lost" and deal["loss_reason"] in none]
    for mode in ("created_cohort", "window_cohort", "survival"):
        asked = kpi.win_rate(crm, period=PERIOD, mode=mode, no_decision=none)
        assert asked.excluded == {"no_decision": len(out)}
        assert asked.n == len(cohort) - len(out)


def test_created_cohorts_report_what_is_still_open(crm, deals):
    start = (crm.latest - 60 * DAY).date() + DAY
    cohort = [deal for deal in deals if deal["created_at"].date() >= start]
    result = kpi.win_rate(crm, period=(start, crm.latest.date() + DAY), mode="created_cohort")
    assert result.n == len(cohort)
    assert result.censored == sum(deal["status"] == "open" for deal in cohort) > 0
    leads = rows_of(crm.table("lead"))
    still = sum(not lead["converted_at"] and not lead["disqualified_at"] for lead in leads)
    assert kpi.lead_conversion(crm).censored == still > 0


def test_coverage_that_history_asks_for(crm):
    """Won by the end of a quarter out of what was open and expected in its rest, four quarters in a row."""
    opened, gained = Fraction(0), Fraction(0)
    final = {row["opportunity_id"]: row for row in rows_of(crm.table("opportunity"))}
    asked = dt.datetime(2025, 8, 15, tzinfo=UTC)
    latest = {row["opportunity_id"]: row for row in rows_of(crm.as_of(asked).table("opportunity"))}
    quarters = [dt.datetime(2024, 7, 1, tzinfo=UTC), dt.datetime(2024, 10, 1, tzinfo=UTC)]
    quarters += [dt.datetime(2025, 1, 1, tzinfo=UTC), dt.datetime(2025, 4, 1, tzinfo=UTC), START]
    for start, end in itertools.pairwise(quarters):
        then = start + (asked - START)
        for row in rows_of(crm.as_of(then).table("opportunity")):
            if row["is_closed"] or not then.date() <= date(row["close_date"]) < end.date():
                continue
            opened += Fraction(str(row["amount"]))
            end_row = latest.get(row["opportunity_id"], final[row["opportunity_id"]])
            if end_row["is_won"] and instant(end_row["closed_at"]) < end:
                gained += Fraction(str(row["amount"]))
    result = kpi.pipeline_coverage(crm, period=PERIOD, as_of="2025-08-15")
    assert result.details["yield"] == pytest.approx(float(gained / opened), rel=1e-12)
    assert result.details["required_by_yield"] == pytest.approx(float(opened / gained), rel=1e-12)
    rest = kpi.weighted_pipeline(crm, period="2025-08-15/2025-10-01", as_of="2025-08-15")
    assert result.details["weighted"] == rest.value
    assert result.details["weighted_coverage"] == rest.value / result.denominator
    owners = kpi.pipeline_coverage(crm, period=PERIOD, as_of="2025-08-15", by="owner").to_table().to_dict()
    weighted = [number for number in owners["weighted"] if number is not None]
    assert sum(weighted) == pytest.approx(rest.value, rel=1e-12)
