"""Quotas: the same ones count in attainment, coverage and forecasts; whose credit they are set against."""

import datetime as dt

import pytest
import salesops as so
from hypothesis import given, settings
from hypothesis import strategies as st
from salesops import kpi
from salesops.crm import Crm

PERIOD, SPAN = "2025-Q4", ("2025-10-01", "2026-01-01")
AS_OF = "2025-11-15"
REPS = ["r1", "r2", "r3"]


def columns(rows: list[dict]) -> dict[str, list]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {
        name: [str(cell) if isinstance(cell := row.get(name), dt.date) else cell for row in rows]
        for name in names
    }


def quota(holder="r1", amount="90", start="2025-10-01", end="2026-01-01", **more) -> dict:
    row = {"holder_type": "rep", "holder_id": holder, "amount": amount, "currency": "EUR"}
    return {**row, "period_start": start, "period_end": end, **more}


def deal(number: int, owner: str, closed: str | None, amount="10", won: bool | None = True) -> dict:
    row = {"opportunity_id": f"d{number}", "owner_id": owner, "created_at": "2025-06-01", "amount": amount}
    row |= {"closed_at": closed, "is_won": won, "is_closed": closed is not None, "currency": "EUR"}
    return {**row, "close_date": "2025-12-01"}


DEALS = [
    *(deal(n, REPS[n % 3], f"2025-0{6 + n % 4}-20", won=n % 2 == 0) for n in range(40)),
    *(deal(40 + n, REPS[n % 3], "2025-10-20") for n in range(6)),
    *(deal(50 + n, REPS[n % 3], None, won=None) for n in range(6)),
]


def book(quotas: list[dict], deals=DEALS, **more) -> Crm:
    tables = {
        "opportunity": columns(deals),
        "rep": columns([{"rep_id": rep, "team_id": "t1" if rep != "r3" else "t2"} for rep in REPS]),
        "team": columns([{"team_id": "t1", "parent_id": "t0"}, {"team_id": "t2"}, {"team_id": "t0"}]),
        **{name: columns(rows) for name, rows in more.items()},
    }
    if quotas:
        tables["quota"] = columns([{"quota_id": f"q{i}", **row} for i, row in enumerate(quotas)])
    return Crm.build(tables)


def forecast_quotas(crm) -> dict[tuple[str, str], float | None]:
    table = so.pipeline.forecast(crm, period=SPAN, as_of=AS_OF, draws=100).to_frame("pyarrow").to_pydict()
    return dict(zip(zip(table["holder_type"], table["holder_id"], strict=True), table["quota"], strict=True))


def attained_quotas(crm) -> dict[tuple[str, str], float | None]:
    one = kpi.attainment(crm, period=PERIOD, as_of=AS_OF)
    assert kpi.pipeline_coverage(crm, period=PERIOD, as_of=AS_OF).details["quota"] == one.denominator
    known = {("company", ""): one.denominator}
    table = kpi.attainment(crm, period=PERIOD, as_of=AS_OF, by="owner").to_table().to_dict()
    for rep, amount in zip(table["owner"], table["denominator"], strict=True):
        known["rep", rep] = amount
    return known


def same(crm) -> dict:
    ours, theirs = attained_quotas(crm), forecast_quotas(crm)
    for holder, amount in ours.items():
        assert (theirs[holder] or 0) == pytest.approx(amount, abs=1e-9), holder
    return ours


HOSTILE = [
    quota("r1", "90", measure="bookings"),
    quota("r1", "77", measure="meetings"),  # another measure
    quota("r1", "91", version=2),  # a later version
    quota("r1", "89", version=2),  # the same version twice
    quota("r1", "500", version=3, valid_to="2025-11-01"),  # not valid any more
    quota("r1", "600", version=3, valid_from="2025-12-01"),  # not valid yet
    quota("r2", "365", "2025-01-01", "2026-01-01"),  # a year of a euro a day
    quota("r2", "60", "2025-10-01", "2025-11-01"),  # whose October is told apart
    quota("r2", "13", product_family="support"),
    quota("r2", "1000000", currency="USD"),
    quota("r3", "0"),
    quota("r3", "-50", "2025-11-01", "2025-12-01"),
    quota("r3", "40", "2025-12-01", "2025-11-01"),  # ends before it starts
    quota("r3", None, "2025-10-01", "2025-11-01"),
]


def test_hostile_quotas_count_alike_everywhere():
    crm = book(HOSTILE)
    known = same(crm)
    assert known["rep", "r1"] == 91
    assert known["rep", "r2"] == 60 + 30 + 31 + 13
    assert known["rep", "r3"] == 0
    assert known["company", ""] == 91 + 134
    by_rep = kpi.attainment(crm, period=PERIOD, as_of=AS_OF, by="owner").to_table().to_dict()
    assert by_rep["attainment"][2] is None
    assert by_rep["state"][2] == "no quota"


def test_every_quota_that_cannot_count_is_counted():
    more = [quota("r9", "50"), quota("t9", "60", holder_type="team")]
    crm = book([*HOSTILE, *more])
    said = [
        "1 quota in other currencies is left out; convert the book with crm.in_currency(…)",
        "1 quota of a measure that is neither bookings nor wins is left out",
        "1 quota of the same version with a smaller amount is left out",
        "1 quota with a negative amount is left out",
        "1 quota without a period that ends after it starts is left out",
        "1 quota without an amount is left out",
        "2 quotas of reps or teams that the book lacks are left out",
    ]
    for asked in (kpi.attainment, kpi.pipeline_coverage, kpi.attainment_distribution):
        warnings = asked(crm, period=PERIOD, as_of=AS_OF).warnings
        assert sorted(text for text in warnings if "quota" in text) == said
    notes = so.pipeline.forecast(crm, period=SPAN, as_of=AS_OF, draws=100).notes
    assert {text + "." for text in said} <= set(notes)
    assert same(crm)["company", ""] == same(book(HOSTILE))["company", ""]


def test_capitals_of_a_measure_do_not_matter():
    crm = book([quota("r1", "90", measure="Bookings"), quota("r2", "5", measure="wins")])
    result = kpi.attainment(crm, period=PERIOD)
    assert (result.denominator, result.warnings) == (90, [])


def test_sums_of_quotas_beyond_64_bits_are_an_error():
    crm = book([quota(rep, "9e16") for rep in REPS[:2]])
    with pytest.raises(so.UsageError, match=r"sum of quota\.amount leaves the range"):
        so.pipeline.forecast(crm, period=SPAN, as_of=AS_OF, draws=100)
    one = book([quota("r1", "9e16")])
    assert forecast_quotas(one)["company", ""] == 9e16
    halves = [quota("r1", "9e16", product_family="a"), quota("r1", "9e16", product_family="b")]
    with pytest.raises(so.UsageError, match=r"sum of quota\.amount leaves the range"):
        so.pipeline.forecast(book(halves), period=SPAN, as_of=AS_OF, draws=100)


def test_the_company_is_judged_by_its_own_quota_and_its_members_beside():
    # r1 and r2 won 20 each of the 60; only r1 has a quota.
    company = quota("acme", "2000", holder_type="company")
    crm = book([quota("r1", "300"), company])
    one = kpi.attainment(crm, period=PERIOD, as_of=AS_OF)
    assert (one.value, one.numerator, one.denominator) == (60 / 2000, 60, 2000)
    assert (one.details["members_quota"], one.details["of_members_quota"]) == (300, 20 / 300)
    assert one.low is None
    assert one.interval_note == "none: reps share one quota"
    assert same(crm)["company", ""] == 2000
    ahead = kpi.pipeline_coverage(crm, period=PERIOD, as_of=AS_OF)
    assert (ahead.details["quota"], ahead.details["members_quota"]) == (2000, 300)
    assert (ahead.details["won"], ahead.details["remaining"], ahead.details["open"]) == (60, 1940, 60)


def test_the_sum_of_quotas_of_reps_takes_no_credit_of_others():
    crm = book([quota("r1", "300")])
    one = kpi.attainment(crm, period=PERIOD, as_of=AS_OF)
    assert (one.value, one.numerator, one.n, one.excluded["no_quota"]) == (20 / 300, 20, 2, 4)
    ahead = kpi.pipeline_coverage(crm, period=PERIOD, as_of=AS_OF)
    assert (ahead.details["won"], ahead.details["open"], ahead.excluded["no_quota"]) == (20, 20, 8)
    notes = so.pipeline.forecast(crm, period=SPAN, as_of=AS_OF, draws=100).notes
    assert any("2 members had no part in it" in note for note in notes)
    # Each length of time is judged by itself, as a forecast of it would be.
    months = [quota("r1", "31", "2025-10-01", "2025-11-01"), quota("r2", "30", "2025-11-01", "2025-12-01")]
    by_month = kpi.attainment(book(months), period=PERIOD, by="month").to_table().to_dict()
    assert (by_month["numerator"][0], by_month["denominator"][:2]) == (20, [31, 30])
    # r2 won in October, before there was a quota.
    whole = kpi.attainment(book(months), period=PERIOD)
    assert (whole.numerator, whole.excluded["no_quota"]) == (20, 4)
    teams = kpi.attainment(crm, period=PERIOD, by="owner.team").to_table().to_dict()
    assert teams["attainment"] == [20 / 300, None]


def test_a_quota_of_nothing_is_none():
    crm = book([quota("r1", "0"), quota("acme", "0", holder_type="company")])
    one = kpi.attainment(crm, period=PERIOD, as_of=AS_OF)
    assert (one.value, one.state, one.numerator) == (None, "no quota", 60)
    forecast = so.pipeline.forecast(crm, period=SPAN, as_of=AS_OF, draws=100)
    table = forecast.to_frame("pyarrow").to_pydict()
    assert set(table["quota"]) == set(table["p_attain"]) == {None}
    assert "No quota for this period." in forecast.notes
    assert same(book([quota("r1", "90"), quota("acme", "0", holder_type="company")]))["company", ""] == 90


def test_the_order_of_quotas_is_nothing():
    assert same(book(HOSTILE)) == same(book(HOSTILE[::-1]))


def test_the_companys_own_quota_first_then_those_of_reps_then_of_teams():
    company = quota("acme", "1000", holder_type="company")
    team = [quota("t0", "700", holder_type="team"), quota("t1", "600", holder_type="team")]
    reps = [quota("r1", "400"), quota("r2", "350")]
    everything = book([company, *team, *reps])
    assert same(everything)["company", ""] == 1000
    one = kpi.attainment(everything, period=PERIOD, as_of=AS_OF)
    assert (one.denominator, one.details["members_quota"]) == (1000, 750)
    assert (one.value, one.details["of_members_quota"]) == (60 / 1000, 40 / 750)
    assert same(book([*team, *reps]))["company", ""] == 750
    assert forecast_quotas(book([*team, *reps]))["team", "t1"] == 600
    assert forecast_quotas(book(reps))["team", "t0"] == 750
    # A team above another holds its quota.
    assert same(book(team))["company", ""] == 700
    assert same(book([company]))["company", ""] == 1000
    of_both = kpi.attainment(book([company, *team]), period=PERIOD)
    assert (of_both.denominator, of_both.details) == (1000, {})
    assert (
        kpi.attainment(book([company]), period=PERIOD, by="owner").to_table().to_dict()["denominator"]
        == [0] * 3
    )


days = st.integers(0, 540).map(lambda n: dt.date(2025, 1, 1) + dt.timedelta(days=n))
quotas = st.builds(
    lambda rep, amount, start, length, version, measure, family: quota(
        rep,
        str(amount),
        start,
        start + dt.timedelta(days=length),
        version=version,
        measure=measure,
        product_family=family,
    ),
    st.sampled_from(REPS),
    st.integers(0, 10**6),
    days,
    st.integers(1, 400),
    st.integers(1, 2),
    st.sampled_from(["bookings", None, "meetings"]),
    st.sampled_from([None, "a"]),
)


def in_force(rows: list[dict], holder: str, first: dt.date, last: dt.date) -> float:
    """Day by day: of each family the highest version of the shortest period that holds the day."""
    whole = 0.0
    for family in (None, "a"):
        best: dict[tuple, tuple[int, int]] = {}
        for row in rows:
            if (
                row["holder_id"] == holder
                and row["product_family"] == family
                and row["measure"] != "meetings"
            ):
                span = row["period_start"], row["period_end"]
                best[span] = max(best.get(span, (0, 0)), (row["version"], int(row["amount"])))
        for n in range((last - first).days):
            at = first + dt.timedelta(days=n)
            spans = [span for span in best if span[0] <= at < span[1]]
            if spans:
                start, end = min(spans, key=lambda span: (span[1] - span[0], -span[0].toordinal()))
                whole += best[start, end][1] / (end - start).days
    return whole


@settings(max_examples=25, deadline=None)
@given(st.lists(quotas, max_size=9))
def test_any_quotas_count_as_they_do_day_by_day(rows):
    crm = book(
        [*rows, quota("r1", "5", "2030-01-01", "2030-02-01", version=1, product_family="z", measure=None)]
    )
    by_rep = kpi.attainment(crm, period=PERIOD, by="owner").to_table().to_dict()
    for rep, amount in zip(by_rep["owner"], by_rep["denominator"], strict=True):
        expected = in_force(rows, rep, dt.date(2025, 10, 1), dt.date(2026, 1, 1))
        assert amount == pytest.approx(expected, abs=0.01 * (len(rows) + 1) ** 2)
    year = kpi.attainment(crm, period="2025").denominator
    months = kpi.attainment(crm, period="2025", by="month").to_table().to_dict()
    assert sum(months["denominator"]) == pytest.approx(year, abs=1e-6)


def test_two_currencies_of_quotas_without_one_of_deals_cannot_meet():
    deals = [{**row, "currency": None} for row in DEALS]
    crm = book([quota("r1"), quota("r2", currency="USD")], deals)
    with pytest.raises(so.UnitError, match="quotas in EUR and USD"):
        kpi.attainment(crm)


# ---- whose credit ----


def split(number: int, rep: str, pct: float, kind="revenue", total: bool | None = True) -> dict:
    row = {"opportunity_id": f"d{number}", "rep_id": rep, "pct": pct, "split_type": kind}
    return {**row, "must_total_100": total}


def test_overlays_stand_beside_and_the_company_counts_each_deal_once():
    deals = [deal(0, "r1", "2025-10-20", "100.01"), deal(1, "r2", "2025-10-21", "50")]
    splits = [
        split(0, "r1", 0.6),
        split(0, "r2", 0.4),
        split(0, "r3", 1.0, "overlay", False),
        split(0, "r2", 0.5, "overlay", False),
        split(0, "r3", 1.0, "services"),  # a second type that totals 100 % credits nobody twice
    ]
    crm = book([quota(rep, "100") for rep in REPS], deals, credit_split=splits)
    company = kpi.attainment(crm, period=PERIOD, ids=True)
    assert (company.numerator, company.denominator, company.n) == (150.01, 300, 2)
    assert company.details["overlay"] == pytest.approx(100.01 * 2.5, abs=0.005)
    assert company.ids == ["d0", "d1"]
    table = kpi.attainment(crm, period=PERIOD, by="owner").to_table().to_dict()
    assert table["numerator"] == [60.01, 90, 0]
    assert table["n"] == [1, 2, 0]
    assert table["overlay"] == [None, pytest.approx(50.01, abs=0.005), pytest.approx(200.02)]


def test_ids_of_attainment_and_coverage_are_the_deals_counted():
    crm = book([quota(rep, "100") for rep in REPS], DEALS)
    won = [f"d{40 + n}" for n in range(6)]
    opened = [f"d{50 + n}" for n in range(6)]
    result = kpi.attainment(crm, period=PERIOD, ids=True)
    assert (result.ids, result.n) == (won, 6)
    result = kpi.pipeline_coverage(crm, period=PERIOD, as_of="2025-10-25", ids=True)
    assert (sorted(result.ids), result.n) == (sorted(won + opened), 12)
    spread = kpi.attainment_distribution(crm, period=PERIOD, ids=True)
    assert (spread.ids, spread.n) == (REPS, 3)


def test_ramping_reps_stand_apart_and_leavers_count_to_their_last_day():
    quotas = [quota(rep, "92") for rep in REPS]
    reps = [
        {"rep_id": "r1"},
        {"rep_id": "r2", "leave_date": "2025-11-01"},  # 31 of 92 days, so 31 of quota
        {"rep_id": "r3"},
    ]
    hired = {"rep_id": "r3", "valid_from": "2025-11-20", "ramp_profile_id": "six months"}
    grown = {
        "rep_id": "r1",
        "valid_from": "2025-01-01",
        "valid_to": "2025-12-01",
        "ramp_profile_id": "six months",
    }
    full = {"rep_id": "r1", "valid_from": "2025-12-01"}
    deals = [
        deal(0, "r1", "2025-10-20", "46"),
        deal(1, "r2", "2025-10-21", "31"),
        deal(2, "r3", "2025-12-21", "92"),
    ]
    crm = book(quotas, deals, rep=reps, rep_assignment=[hired, grown, full])
    spread = kpi.attainment_distribution(crm, period=PERIOD)
    # r1 got over its ramp in the quarter, r2 attained what was due until leaving, r3 still ramps.
    assert (spread.n, spread.numerator, spread.excluded) == (2, 1, {"ramping": 1})
    assert spread.details["from_50"] == 0.5
    assert spread.details["from_100"] == 0.5
    assert spread.details["ramping_attained"] == 1
    # The company's attainment has all of their quotas.
    company = kpi.attainment(crm, period=PERIOD)
    assert (company.denominator, company.details["ramping_quota"]) == (276, 92)


# ---- teams ----


def teams_of(result) -> dict:
    table = result.to_table().to_dict()
    names = [name for name in table if name != "owner.team"]
    return {
        team: {name: table[name][row] for name in names}
        for row, team in enumerate(table[next(name for name in table if name.startswith("owner."))])
    }


def test_a_teams_own_quota_is_the_target_of_its_group():
    # r1 and r2 (team t1) won 20 each of the 60; r2 has no quota. r3 (t2) has one of its own.
    rows = [quota("t1", "80", holder_type="team"), quota("r1", "300"), quota("r3", "50")]
    crm = book(rows)
    teams = teams_of(kpi.attainment(crm, period=PERIOD, as_of=AS_OF, by="owner.team"))
    assert (teams["t1"]["attainment"], teams["t1"]["numerator"], teams["t1"]["denominator"]) == (0.5, 40, 80)
    assert (teams["t1"]["members_quota"], teams["t1"]["of_members_quota"]) == (300, 20 / 300)
    assert teams["t1"]["attainment_lo_95"] is None
    assert (teams["t1"]["n"], teams["t1"]["excluded"]) == (4, 0)
    # Without one of its own a team has the sum of its reps'.
    assert (teams["t2"]["attainment"], teams["t2"]["denominator"]) == (20 / 50, 50)
    ahead = teams_of(kpi.pipeline_coverage(crm, period=PERIOD, as_of=AS_OF, by="owner.team"))
    assert (ahead["t1"]["quota"], ahead["t1"]["won"], ahead["t1"]["open"]) == (80, 40, 40)
    assert ahead["t1"]["pipeline_coverage"] == 40 / (80 - 40)
    # As forecasts have it; the company is the sum of its reps' all the same.
    known = forecast_quotas(crm)
    assert (known["team", "t1"], known["team", "t2"], known["company", ""]) == (80, 50, 350)
    assert kpi.attainment(crm, period=PERIOD).denominator == 350
    # A rep's group is judged by the rep's quota, and so is what a team is cut into.
    owners = kpi.attainment(crm, period=PERIOD, by=["owner.team", "owner"]).to_table().to_dict()
    assert owners["denominator"] == [300, 0, 50]


def test_quotas_of_teams_alone_are_targets_too():
    crm = book([quota("t1", "80", holder_type="team")])
    teams = teams_of(kpi.attainment(crm, period=PERIOD, by="owner.team"))
    assert (teams["t1"]["attainment"], teams["t2"]["attainment"]) == (0.5, None)
    assert teams["t2"]["state"] == "no quota"
    months = kpi.attainment(crm, period=PERIOD, by=["owner.team", "month"]).to_table().to_dict()
    ours = [
        amount
        for team, amount in zip(months["owner.team"], months["denominator"], strict=True)
        if team == "t1"
    ]
    assert sum(ours) == pytest.approx(80, abs=1e-9)
    assert len(ours) == 3


def test_a_team_above_is_judged_by_its_own_quota_where_groups_are_such():
    rows = [quota("t0", "100", holder_type="team"), quota("t1", "80", holder_type="team"), quota("r1", "300")]
    above = teams_of(kpi.attainment(book(rows), period=PERIOD, by="owner.team.parent"))
    assert (above["t0"]["attainment"], above["t0"]["members_quota"]) == (40 / 100, 300)
    assert forecast_quotas(book(rows))["team", "t0"] == 100
    # An id behind a team that isn't a team's own has no such target.
    assert kpi.attainment(book(rows), period=PERIOD, by="owner.rep_id").to_table().num_rows == 3


def test_a_team_without_reps_is_said_to_be_left_out():
    team = [{"team_id": "t1"}, {"team_id": "t2"}, {"team_id": "empty"}]
    crm = book([quota("empty", "80", holder_type="team"), quota("r1", "300")], team=team)
    result = kpi.attainment(crm, period=PERIOD, by="owner.team")
    assert "the quota of team 'empty' is left out: no rep is in that team" in result.warnings
    assert set(teams_of(result)) == {"t1", "t2"}


def test_a_rep_who_moves_brings_no_quota_into_a_team_with_its_own():
    moves = [
        {"rep_id": "r1", "team_id": "t1", "valid_to": "2025-11-01"},
        {"rep_id": "r1", "team_id": "t2", "valid_from": "2025-11-01"},
        {"rep_id": "r3", "team_id": "t2"},
    ]
    rows = [
        quota("t1", "80", holder_type="team"),
        quota("r1", "31", "2025-10-01", "2025-11-01"),
        quota("r1", "60", "2025-11-01", "2026-01-01"),
        quota("r3", "50"),
    ]
    deals = [*DEALS, deal(90, "r1", "2025-11-20", "7")]
    teams = teams_of(kpi.attainment(book(rows, deals, rep_assignment=moves), period=PERIOD, by="owner.team"))
    assert (teams["t1"]["denominator"], teams["t1"]["members_quota"]) == (80, 31)
    assert (teams["t2"]["denominator"], teams["t2"]["numerator"]) == (110, 27)


# ---- numerator and denominator are of the same people ----


def test_a_forecast_sets_against_a_sum_of_quotas_what_those_who_have_them_book():
    """r2 and r3 book ten times what r1 does; the sum of quotas is r1's alone."""
    deals = [
        {**row, "amount": "10" if row["owner_id"] == "r1" else "100"}
        for row in DEALS
        if row["owner_id"] in REPS
    ]
    crm = book([quota("r1", "45")], deals)
    found = so.pipeline.forecast(crm, period=SPAN, as_of=AS_OF, draws=2000)
    rows = found.to_frame("pyarrow").to_pylist()
    chance = {(row["holder_type"], row["holder_id"]): row["p_attain"] for row in rows}
    assert 0 < chance["rep", "r1"] < 1
    assert chance["company", ""] == chance["team", "t1"] == chance["team", "t0"] == chance["rep", "r1"]
    # Its own quota is of what all book.
    own = book([quota("r1", "45"), quota("acme", "45", holder_type="company")], deals)
    found = so.pipeline.forecast(own, period=SPAN, as_of=AS_OF, draws=2000)
    assert (
        next(r for r in found.to_frame("pyarrow").to_pylist() if r["holder_type"] == "company")["p_attain"]
        == 1
    )


def test_weighted_coverage_is_of_those_who_have_quotas():
    deals = [{**row, "probability": 0.5} for row in DEALS]
    crm = book([quota("r1", "300")], deals)
    ahead = kpi.pipeline_coverage(crm, period=PERIOD, as_of=AS_OF)
    # r1 has 20 of the 60 that are open, and won 20 of the 60.
    assert (ahead.details["open"], ahead.details["weighted"]) == (20, 10)
    assert ahead.details["weighted_coverage"] == 10 / (300 - 20)
    assert kpi.weighted_pipeline(crm, period=PERIOD, as_of=AS_OF).value == 30
    # Against the company's own quota stands what all have open.
    own = book([quota("r1", "300"), quota("acme", "2000", holder_type="company")], deals)
    ahead = kpi.pipeline_coverage(own, period=PERIOD, as_of=AS_OF)
    assert (ahead.details["weighted"], ahead.details["weighted_coverage"]) == (30, 30 / 1940)
    # Credit follows splits there too: half of one of r2's deals is r1's.
    half = [split(51, "r1", 0.5), split(51, "r2", 0.5)]
    crm = book([quota("r1", "300")], deals, credit_split=half)
    assert kpi.pipeline_coverage(crm, period=PERIOD, as_of=AS_OF).details["weighted"] == 12.5


# ---- on which days, and whose ----


def test_what_is_won_on_days_without_a_quota_attains_none():
    deals = [deal(0, "r1", "2025-02-10", "60"), deal(1, "r1", "2025-05-10", "50")]
    for quotas, by in (
        ([quota("r1", "100", "2025-01-01", "2025-04-01")], [None, "owner", "owner.team"]),
        ([quota("acme", "100", "2025-01-01", "2025-04-01", holder_type="company")], [None]),
        ([quota("t1", "100", "2025-01-01", "2025-04-01", holder_type="team")], [None, "owner.team"]),
    ):
        for groups in by:
            result = kpi.attainment(book(quotas, deals), period="2025", by=groups, ids=True)
            found = result.to_table().to_dict()
            assert found["attainment"][0] == 0.6, (quotas, groups)
            assert (found["n"][0], found["excluded"][0]) == (1, 1)
            ids = result.ids if groups is None else result.ids["r1" if groups == "owner" else "t1"]
            assert ids == ["d0"]
    crm = book([quota("r1", "100", "2025-01-01", "2025-04-01")], deals)
    assert kpi.attainment(crm, period="2025").excluded == {"no_quota": 1}
    assert kpi.attainment_distribution(crm, period="2025").value == 0
    ahead = kpi.pipeline_coverage(crm, period="2025")
    assert (ahead.details["won"], ahead.details["remaining"]) == (60, 40)
    # What reps won beside the company's own quota is of their days too.
    company = quota("acme", "1000", "2025-01-01", "2026-01-01", holder_type="company")
    both = kpi.attainment(
        book([company, quota("r1", "100", "2025-01-01", "2025-04-01")], deals), period="2025"
    )
    assert (both.numerator, both.details["of_members_quota"]) == (110, 0.6)


def test_a_forecast_says_that_days_have_no_quota():
    some = book([quota("r1", "90", "2025-10-01", "2025-11-01")])
    whole = book([quota("r1", "90")])
    said = [
        any(
            "no quota; p_attain" in note
            for note in so.pipeline.forecast(crm, period=SPAN, as_of=AS_OF, draws=100).notes
        )
        for crm in (some, whole)
    ]
    assert said == [True, False]


def test_without_a_period_no_quota_counts_before_it_begins():
    months = [quota("r1", "100", f"2025-{m:02}-01", f"2025-{m + 1:02}-01") for m in range(1, 12)]
    deals = [deal(0, "r1", "2025-02-10", "90")]
    crm = book(months, deals)
    assert kpi.attainment(crm, as_of="2025-03-15").denominator == 300
    assert kpi.attainment(crm, as_of="2025-03-15", by="owner").to_table().to_dict()["denominator"] == [300]
    by_month = kpi.attainment(crm, as_of="2025-03-15", by="month").to_table().to_dict()
    assert by_month["month"] == ["2025-01", "2025-02", "2025-03"]
    # One that is asked for counts as a whole, be it the future.
    assert kpi.attainment(crm, as_of="2025-03-15", period="2025").denominator == 1100
    assert kpi.attainment(crm, as_of="2025-03-15", period="2025-04").denominator == 100


def test_credit_is_whose_the_deal_was_when_it_closed():
    """r1 wins, and the deal passes to r2 afterwards."""
    deals = [deal(0, "r2", "2025-10-20", "60")]
    passed = [
        {"opportunity_id": "d0", "field": "owner", "old": "r1", "new": "r2", "at": "2025-11-01", "seq": 1}
    ]
    quotas = [quota("r1", "50"), quota("r2", "50")]
    crm = book(quotas, deals, opportunity_event=passed)
    found = kpi.attainment(crm, period=PERIOD, by="owner", ids=True)
    assert found.to_table().to_dict()["attainment"] == [1.2, 0.0]
    assert found.ids == {"r1": ["d0"], "r2": []}
    assert kpi.win_rate(crm, period=PERIOD, by="owner").to_table().to_dict()["owner"] == ["r1"]
    spread = kpi.attainment_distribution(crm, period=PERIOD, ids=True)
    assert (spread.value, spread.details["above_120"]) == (0.5, 0.5)
    rows = (
        so.pipeline.forecast(crm, period=SPAN, as_of="2025-12-01", draws=100).to_frame("pyarrow").to_pylist()
    )
    won = {row["holder_id"]: row["won_to_date"] for row in rows if row["holder_type"] == "rep"}
    assert won == {"r1": 60}


def test_quotas_of_reps_need_to_know_whose_deals_are_whose():
    deals = [{name: cell for name, cell in row.items() if name != "owner_id"} for row in DEALS]
    for ask in (kpi.attainment, kpi.pipeline_coverage):
        with pytest.raises(so.UsageError, match="'owner_id' of table 'opportunity'"):
            ask(book([quota("r1", "300")], deals), period=PERIOD)
    company = [quota("acme", "2000", holder_type="company")]
    assert kpi.attainment(book(company, deals), period=PERIOD).value == 60 / 2000


def test_a_companys_quota_needs_no_reps():
    tables = {"opportunity": columns(DEALS), "quota": columns([quota("acme", "2000", holder_type="company")])}
    crm = Crm.build(tables)
    one = kpi.attainment(crm, period=PERIOD, as_of=AS_OF, ids=True)
    assert (one.value, one.n, len(one.ids)) == (60 / 2000, 6, 6)
    assert kpi.attainment(crm, period=PERIOD, by="month").to_table().to_dict()["numerator"][0] == 60
    ahead = kpi.pipeline_coverage(crm, period=PERIOD, as_of=AS_OF)
    assert (ahead.details["won"], ahead.details["open"], ahead.value) == (60, 60, 60 / 1940)
    with pytest.raises(so.UsageError, match="'rep_id' of table 'rep'"):
        kpi.attainment(crm, by="owner")
    tables["quota"] = columns([quota("r1", "300")])
    with pytest.raises(so.UsageError, match="'rep_id' of table 'rep'"):
        kpi.attainment(Crm.build(tables))
