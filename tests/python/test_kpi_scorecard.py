"""The scorecard of groups: what it says, and that its states add up whatever way they are cut."""

import copy
import datetime as dt
import json
import math
import pickle
import random
import statistics
from collections import defaultdict

import pandas as pd
import pytest
import salesops as so
from hypothesis import given, settings
from hypothesis import strategies as st
from salesops import kpi
from salesops.crm import Crm
from salesops.kpi import ScorecardState

BY = ["owner", "month"]


@pytest.fixture(scope="module")
def tables():
    return so.datasets.sample_tables(seed=11, deals=800, reps=9)


@pytest.fixture(scope="module")
def crm(tables):
    return Crm.build(tables)


def rows_of(result):
    table = result.to_table().to_dict()
    return [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]


def ids_of(crm):
    return crm.table("opportunity").to_dict()["opportunity_id"]


# ---- what it says ----


def test_it_equals_the_kpis_one_by_one(crm):
    card = kpi.scorecard(crm, by=BY, period="2025")
    groups = {(row["owner"], row["month"]): row for row in rows_of(card)}
    assert card.by == BY
    assert card.currency == crm.currency
    rates = rows_of(kpi.win_rate(crm, by=BY, period="2025"))
    assert {(row["owner"], row["month"]) for row in rates} == set(groups)
    for row in rates:
        ours = groups[row["owner"], row["month"]]
        assert (ours["won"], ours["closed"]) == (row["numerator"], row["denominator"])
        for end in ("", "_lo_95", "_hi_95"):
            assert ours[f"win_rate{end}"] == row[f"win_rate{end}"]
    for row in rows_of(kpi.average_deal(crm, by=BY, period="2025")):
        ours = groups[row["owner"], row["month"]]
        assert ours["won_amount"] == row["numerator"]
        for end in ("", "_lo_95", "_hi_95"):
            assert ours[f"average_deal{end}"] == row[f"average_deal{end}"]
    for row in rows_of(kpi.win_rate(crm, by=BY, period="2025", weight="value")):
        assert groups[row["owner"], row["month"]]["win_rate_by_value"] == pytest.approx(
            row["win_rate"], rel=1e-14
        )
    for row in rows_of(kpi.sales_cycle(crm, by=BY, period="2025")):
        assert groups[row["owner"], row["month"]]["mean_cycle"] == pytest.approx(row["mean"], rel=1e-14)


def owner_at(crm):
    """Who owned each deal when it closed, by a plain reading of the changes."""
    changes = defaultdict(list)
    for row in crm.table("opportunity_event").to_pandas().itertuples():
        if row.field == "owner":
            changes[row.opportunity_id].append((row.at, row.old, row.new))
    owner = {}
    for deal in crm.table("opportunity").to_pandas().itertuples():
        past = sorted(changes[deal.opportunity_id], key=lambda change: change[0])
        before = [new for at, _, new in past if at <= deal.closed_at]
        owner[deal.opportunity_id] = before[-1] if before else past[0][1] if past else deal.owner_id
    return owner


def test_it_equals_a_plain_definition(crm):
    owners, groups = owner_at(crm), defaultdict(list)
    deals = crm.table("opportunity").to_pandas()
    for deal in deals[deals["is_closed"].fillna(False)].itertuples():
        groups[owners[deal.opportunity_id], f"{deal.closed_at:%Y-%m}"].append(deal)
    found = rows_of(kpi.scorecard(crm, by=BY))
    assert [(row["owner"], row["month"]) for row in found] == sorted(groups)
    moved = sum(owners[row.opportunity_id] != row.owner_id for row in deals.itertuples())
    assert moved > 0
    for row in found:
        closed = groups[row["owner"], row["month"]]
        won = [deal for deal in closed if deal.is_won]
        assert (row["won"], row["lost"], row["closed"]) == (len(won), len(closed) - len(won), len(closed))
        amounts = [float(deal.amount) for deal in won]
        assert row["won_amount"] == pytest.approx(math.fsum(amounts), rel=1e-13)
        days = [(deal.closed_at - deal.created_at) / dt.timedelta(days=1) for deal in won]
        for name, values in (("average_deal", amounts), ("mean_cycle", days)):
            if not values:
                assert row[name] is None
                continue
            assert row[name] == pytest.approx(statistics.fmean(values), rel=1e-12)
            if len(values) < 2:
                assert row[f"{name}_lo_95"] is None
                continue
            error = statistics.stdev(values) / math.sqrt(len(values))
            t = (row[f"{name}_hi_95"] - row[f"{name}_lo_95"]) / 2 / error if error > 0 else 2
            assert 1.9 < t < 12.8


def test_a_t_interval_by_hand():
    # Amounts 10, 20, 30: mean 20, sd 10, t(2) at 95 % is 4.302653.
    book = {
        "opportunity_id": ["a", "b", "c", "d"],
        "created_at": ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"],
        "closed_at": ["2026-01-11", "2026-01-22", "2026-02-02", "2026-02-03"],
        "is_won": [True, True, True, False],
        "amount": [10, 20, 30, 40],
        "currency": ["USD"] * 4,
    }
    (row,) = rows_of(ScorecardState.partial(Crm.build({"opportunity": book})).finish())
    half = 4.302652729749462 * 10 / math.sqrt(3)
    assert row["average_deal"] == 20
    assert row["average_deal_lo_95"] == pytest.approx(20 - half, rel=1e-12)
    assert row["average_deal_hi_95"] == pytest.approx(20 + half, rel=1e-12)
    assert (row["mean_cycle"], row["mean_cycle_hi_95"]) == (20, pytest.approx(20 + half, rel=1e-12))
    assert row["win_rate_by_value"] == 0.6
    assert (row["won"], row["lost"], row["win_rate"]) == (3, 1, 0.75)


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Kolkata", "America/St_Johns"])
def test_days_are_those_of_the_zone(crm, zone):
    found = rows_of(kpi.scorecard(crm, by=["day"], zone=so.calendar.time_zone(zone)))
    days = defaultdict(int)
    deals = crm.table("opportunity").to_pandas()
    closed = pd.to_datetime(deals[deals["is_closed"].fillna(False)]["closed_at"], utc=True)
    for day in closed.dt.tz_convert(zone).dt.date:
        days[str(day)] += 1
    assert {row["day"]: row["closed"] for row in found} == days


def test_groups_of_every_kind(crm):
    for by in (["owner.team", "account.segment"], ["type"], ["is_won"], ["quarter", "owner.team"], []):
        rows = rows_of(kpi.scorecard(crm, by=by)) if by else rows_of(ScorecardState.partial(crm).finish())
        rates = [row for row in rows_of(kpi.win_rate(crm, by=by)) if row["n"]]
        assert [[row[name] for name in by] for row in rows] == [[row[name] for name in by] for row in rates]
        assert [row["win_rate"] for row in rows] == [row["win_rate"] for row in rates]
    periods = rows_of(kpi.scorecard(crm, "last 4 quarters", by="owner.team"))
    rates = rows_of(kpi.win_rate(crm, period="last 4 quarters", by="owner.team"))
    assert [(r["period"], r["owner.team"], r["win_rate"]) for r in periods] == [
        (r["period"], r["owner.team"], r["win_rate"]) for r in rates
    ]
    chosen = kpi.scorecard(crm, by="month", where={"type": "new"})
    assert sum(r["won"] for r in rows_of(chosen)) == kpi.win_rate(crm, where={"type": "new"}).numerator
    then = kpi.scorecard(crm, by="month", as_of="2025-03-01")
    assert rows_of(then) == rows_of(kpi.scorecard(crm.as_of("2025-03-01"), by="month"))


def test_sums_that_outgrow_a_word_are_exact():
    largest = 2**63 - 1
    deals = [("w", True, n % 2 == 0, largest - n) for n in range(40)] + [("l", False, True, largest)] * 40
    book = {
        "opportunity_id": [f"{kind}{i}" for i, (kind, *_) in enumerate(deals)],
        "created_at": ["1500-01-01" if known else None for _, _, known, _ in deals],
        "closed_at": ["2098-01-01"] * len(deals),
        "is_won": [won for _, won, _, _ in deals],
        "amount": [amount for *_, amount in deals],
        "currency": ["EUR"] * len(deals),
    }
    state = ScorecardState.partial(Crm.build({"opportunity": book}, money_unit="minor"))
    ((_, sums),) = json.loads(state.to_json())["groups"]
    won = [amount for _, is_won, _, amount in deals if is_won]
    took = (dt.datetime(2098, 1, 1) - dt.datetime(1500, 1, 1)) // dt.timedelta(microseconds=1)
    squares = sum(amount * amount for amount in won)
    assert sums[:5] == [40, 40, 0, 40, str(40 * largest)]
    assert sums[5] == [40, str(sum(won)), str(squares % 2**128), squares >> 128]
    assert sums[6] == [20, str(20 * took), str(20 * took * took % 2**128), 20 * took * took >> 128]


def test_sums_of_many_deals_are_exact():
    """Groups of thousands of large amounts and long cycles outgrow the narrow sums again and again."""
    n = 9000
    amounts = [2**52 - 5 + i % 10 for i in range(n)]
    created, closed = dt.date(1900, 1, 1), [dt.date(2042 + (i % 5 > 0), 6, 1) for i in range(n)]
    book = {
        "opportunity_id": [f"O{i}" for i in range(n)],
        "created_at": [str(created)] * n,
        "closed_at": [str(day) for day in closed],
        "is_won": [i % 3 > 0 for i in range(n)],
        "amount": amounts,
        "currency": ["EUR"] * n,
    }
    state = ScorecardState.partial(Crm.build({"opportunity": book}, money_unit="minor"))
    ((_, sums),) = json.loads(state.to_json())["groups"]
    won = [amount for i, amount in enumerate(amounts) if i % 3 > 0]
    took = [(day - created).days * 86_400_000_000 for i, day in enumerate(closed) if i % 3 > 0]
    assert sums[:5] == [6000, 3000, 0, 3000, str(sum(amounts) - sum(won))]
    for of, numbers in ((sums[5], won), (sums[6], took)):
        squares = sum(x * x for x in numbers)
        assert of == [6000, str(sum(numbers)), str(squares % 2**128), squares >> 128]


def test_several_currencies_leave_the_money_out():
    book = {
        "opportunity_id": ["a", "b", "c", "d"],
        "owner_id": ["R1", "R1", "R2", "R2"],
        "created_at": ["2025-01-01"] * 4,
        "closed_at": ["2025-02-01"] * 4,
        "is_won": [True, False, True, True],
        "amount": [10, 20, None, 40],
        "currency": ["EUR", "USD", "EUR", "EUR"],
    }
    crm = Crm.build({"opportunity": book})
    card = kpi.scorecard(crm, by="owner")
    assert card.currency == "several currencies"
    assert "amounts in several currencies" in repr(card)
    first, second = rows_of(card)
    assert (first["won"], first["lost"], first["win_rate"], first["mean_cycle"]) == (1, 1, 0.5, 31)
    assert (second["won"], second["no_amount"], second["mean_cycle"]) == (2, 1, 31)
    for row in (first, second):
        for money in ("won_amount", "lost_amount", "win_rate_by_value", "average_deal", "average_deal_lo_95"):
            assert row[money] is None
    euros = kpi.scorecard(crm, by="owner", where="currency = 'EUR'")
    assert euros.currency == "EUR"
    assert [row["won_amount"] for row in rows_of(euros)] == [10, 40]
    # It still adds up, whatever the parts hold; two currencies are not made into several behind one's back.
    whole = ScorecardState.partial(crm, by="owner")
    euro, both = (ScorecardState.partial(crm, by="owner", deals=ids) for ids in (["c", "d"], ["a", "b"]))
    assert euro.copy().merge(both) == both.copy().merge(euro) == whole
    assert whole.copy().retract(euro) == both
    assert ScorecardState.from_json(whole.to_json()) == whole
    dollar = ScorecardState.partial(crm, by="owner", deals=["b"])
    with pytest.raises(so.UnitError, match="EUR and USD"):
        euro.merge(dollar)


def test_ids_are_the_deals_of_each_group(crm):
    for by in (BY, "owner.team"):
        card = kpi.scorecard(crm, by=by, period="last 4 quarters", where={"type": "new"}, ids=True)
        rows = rows_of(card)
        assert [len(ids) for ids in card.ids] == [row["closed"] + row["unknown"] for row in rows]
        deals = crm.table("opportunity").to_pandas().set_index("opportunity_id")
        for row, ids in zip(rows, card.ids, strict=True):
            assert deals.loc[ids, "is_won"].sum() == row["won"]
            if "month" in row:
                assert {f"{at:%Y-%m}" for at in deals.loc[ids, "closed_at"]} == {row["month"]}
    with pytest.raises(so.UsageError, match="ids=True"):
        _ = kpi.scorecard(crm, by=BY).ids


def test_ids_of_a_card_are_those_of_its_kpis(crm):
    card = kpi.scorecard(crm, "2025-Q2", as_of="2025-06-15", ids=True)
    rows = rows_of(card)
    assert any(card.ids)
    for row, ids in zip(rows, card.ids, strict=True):
        assert len(ids) == len(set(ids)) or row["kpi"] in ("stage_conversion",), row["kpi"]
        if ids:
            assert len(ids) == row["n"], row["kpi"]
    then = crm.as_of("2025-06-15")
    assert card.ids[0] == kpi.win_rate(then, period="2025-Q2", ids=True).ids


def test_it_prints(crm):
    card = kpi.scorecard(crm, by=BY)
    assert f"amounts in {crm.currency}" in repr(card)
    html = card._repr_html_()
    assert html.count("<tr>") == 61
    assert f"60 of {card.to_table().num_rows:,} groups" in html
    hostile = Crm.build(
        {"opportunity": {"opportunity_id": ["a"], "is_won": [True], "owner_id": ["<script>"], "amount": [1]}}
    )
    assert "<script>" not in kpi.scorecard(hostile, by="owner")._repr_html_()


@pytest.mark.parametrize("reopened", ["last_close", "first_close", "each_close"])
def test_reopened_deals_count_as_asked(crm, reopened):
    assert kpi.win_rate(crm, reopened="each_close").n > kpi.win_rate(crm).n
    rows = rows_of(kpi.scorecard(crm, by=BY, reopened=reopened))
    rates = [row for row in rows_of(kpi.win_rate(crm, by=BY, reopened=reopened)) if row["n"]]
    assert [(r["owner"], r["month"], r["won"], r["closed"], r["win_rate"]) for r in rows] == [
        (r["owner"], r["month"], r["numerator"], r["denominator"], r["win_rate"]) for r in rates
    ]
    deals = rows_of(kpi.average_deal(crm, by=BY, reopened=reopened))
    assert sum(row["won_amount"] for row in rows) == pytest.approx(sum(row["numerator"] for row in deals))


# ---- states add up ----


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_split_of_whole_deals_adds_up(crm, data):
    by = data.draw(st.sampled_from([BY, ["owner.team", "quarter"], ["account.segment"], ["day", "type"], []]))
    parts = data.draw(st.integers(1, 5))
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    split = defaultdict(list)
    for deal in ids_of(crm):
        split[rng.randrange(parts)].append(deal)
    states = [
        ScorecardState.partial(crm, by=by, deals=ids, threads=rng.choice([1, 2, 4])) for ids in split.values()
    ]
    rng.shuffle(states)
    whole = ScorecardState.partial(crm, by=by, threads=rng.choice([1, 2, 4]))
    together = ScorecardState()
    for state in states:
        together.merge(pickle.loads(pickle.dumps(state)))
    assert together == whole
    assert rows_of(together.finish()) == rows_of(whole.finish())
    for state in states[1:]:
        together.retract(state)
    assert together == states[0]


def test_books_with_other_dictionaries_merge(tables, crm):
    deals = tables["opportunity"].to_pandas()
    whole = ScorecardState.partial(crm, by=BY)
    halves = [deals.iloc[::-1].iloc[:300], deals.iloc[::-1].iloc[300:]]
    books = [Crm.build({**tables, "opportunity": half.reset_index(drop=True)}) for half in halves]
    first, second = (ScorecardState.partial(book, by=BY) for book in books)
    assert first.copy().merge(second) == second.copy().merge(first) == whole


def test_a_changed_deal_costs_itself_alone(crm):
    before = crm.table("opportunity").to_pandas()
    deal = before[before["is_won"].fillna(False)].iloc[[3]].assign(amount=123456)
    now = crm.apply({"opportunity": deal})
    ids = deal["opportunity_id"].tolist()
    state = ScorecardState.partial(crm, by=BY)
    assert state != ScorecardState.partial(now, by=BY)
    state.retract(ScorecardState.partial(crm, by=BY, deals=ids))
    state.merge(ScorecardState.partial(now, by=BY, deals=ids))
    assert state == ScorecardState.partial(now, by=BY)
    assert len(ScorecardState.partial(crm, by=BY, deals=["nobody"])) == 0


def test_what_does_not_add_up_is_refused(crm):
    state = ScorecardState.partial(crm, by="owner")
    with pytest.raises(so.UsageError, match="different keys"):
        state.merge(ScorecardState.partial(crm, by="month"))
    with pytest.raises(so.UsageError, match="differently"):
        state.merge(ScorecardState.partial(crm, by="owner", where={"type": "new"}))
    with pytest.raises(so.UsageError, match="different periods"):
        state.merge(ScorecardState.partial(crm, by="owner", period="2025"))
    twice = state.copy().merge(state)
    with pytest.raises(so.UsageError, match="never added"):
        state.retract(twice)
    assert state == ScorecardState.partial(crm, by="owner")
    euros = Crm.build(
        {"opportunity": {"opportunity_id": ["a"], "is_won": [True], "owner_id": ["r"], "amount": [1]}},
        currency="EUR",
    )
    with pytest.raises(so.UnitError, match="EUR"):
        state.merge(ScorecardState.partial(euros, by="owner"))
    with pytest.raises(so.UsageError, match="nobody"):
        kpi.scorecard(crm, by="nobody")
    with pytest.raises(so.UsageError, match="mode"):
        kpi.scorecard(crm, by="owner", mode="survival")
    with pytest.raises(so.UsageError, match="level"):
        kpi.scorecard(crm, by="owner", level=0)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"format": 2}', "null", "not json"],
)
def test_other_text_is_no_state(text):
    with pytest.raises(so.DataError, match="scorecard state"):
        ScorecardState.from_json(text)


def test_a_broken_state_is_refused(crm):
    state = json.loads(ScorecardState.partial(crm, by="owner.team").to_json())
    assert ScorecardState.from_json(json.dumps(state)) == ScorecardState.partial(crm, by="owner.team")

    def broken(change):
        spoiled = copy.deepcopy(state)
        change(spoiled)
        with pytest.raises(so.DataError, match="scorecard state"):
            ScorecardState.from_json(json.dumps(spoiled))

    broken(lambda s: s["groups"][0].__setitem__(0, [99]))
    broken(lambda s: s["groups"][0].__setitem__(0, [0, 0]))
    broken(lambda s: s["groups"][0][1].__setitem__(0, -1))
    broken(lambda s: s["groups"][0][1].__setitem__(0, 2**63))
    broken(lambda s: s["groups"][0][1].__setitem__(4, "9" * 40))
    broken(lambda s: s["groups"][0][1].__setitem__(4, "1.5"))
    broken(lambda s: s["groups"][0][1][5].__setitem__(0, 10**9))
    broken(lambda s: s["groups"].append(s["groups"][0]))
    broken(lambda s: s["keys"][0]["labels"].append(s["keys"][0]["labels"][0]))
    broken(lambda s: s.__setitem__("as_of", 1e300))
    broken(lambda s: s.pop("currency"))


def test_huge_amounts_keep_every_digit():
    n, amount = 200, 92_000_000_000_000_000
    book = {
        "opportunity_id": [f"d{i}" for i in range(n)],
        "created_at": ["1401-01-01"] * n,
        "closed_at": ["2098-01-01"] * n,
        "is_won": [True] * n,
        "amount": [amount + i % 2 for i in range(n)],
        "currency": ["USD"] * n,
    }
    crm = Crm.build({"opportunity": book})
    whole = ScorecardState.partial(crm)
    (row,) = rows_of(whole.finish())
    assert not row["no_amount"]
    assert not row["no_cycle"]
    half = statistics.NormalDist().inv_cdf(0.975) * 0.5 / math.sqrt(n)
    assert (row["average_deal_hi_95"] - row["average_deal_lo_95"]) / 2 == pytest.approx(half, abs=64)
    assert ScorecardState.from_json(whole.to_json()) == whole


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows(rows):
    book = {
        "opportunity_id": ["a"][:rows],
        "closed_at": ["2026-01-01"][:rows],
        "is_won": [True][:rows],
        "owner_id": [None][:rows],
        "amount": [-5.0][:rows],
    }
    crm = Crm.build({"opportunity": pd.DataFrame(book)})
    found = rows_of(kpi.scorecard(crm, by=["owner", "month"]))
    assert len(found) == rows
    for row in found:
        assert (row["owner"], row["month"], row["won"], row["no_amount"]) == (None, "2026-01", 1, 1)
        assert row["average_deal"] is None
        assert row["win_rate"] == 1


def test_what_a_book_lacks_is_named_by_table_and_column():
    deals = {
        "opportunity_id": ["a"],
        "created_at": ["2025-10-02"],
        "amount": [5],
        "close_date": ["2025-11-02"],
    }
    card = kpi.scorecard(Crm.build({"opportunity": pd.DataFrame(deals)}, currency="EUR"))
    needs = {title: needs for needs, titles in card.lacking() for title in titles.split(", ")}
    assert needs["Weighted pipeline"] == "opportunity.probability"
    assert not any(" needs column " in need for need in needs.values())


def test_a_line_says_how_many_rows_have_no_outcome_yet():
    card = so.kpi.scorecard(so.datasets.sample_crm(seed=7, deals=1500), as_of="2025-11-15")
    states = {row["kpi"]: row["state"] for row in card.to_frame("pyarrow").to_pylist()}
    steps = so.kpi.stage_conversion(
        so.datasets.sample_crm(seed=7, deals=1500), as_of="2025-11-15", period="2025-Q4"
    )
    assert states["stage_conversion"].startswith(f"{steps.censored} still open, with them ")
    assert "still open" not in states["win_rate"]


# ---- beside the period before ----


@pytest.mark.parametrize(("period", "before"), [("2025-Q2", "2025-Q1"), ("2025-05", "2025-04")])
def test_a_period_that_is_over_is_beside_one_as_long_over(crm, period, before):
    as_of = dt.datetime(2025, 10, 20, 12, tzinfo=dt.UTC)
    card = kpi.scorecard(crm, period=period, as_of=as_of)
    calendar = so.calendar.FiscalCalendar()
    ends = [
        dt.datetime.combine(calendar.parse_period(name, as_of.date())[0].end, dt.time(), dt.UTC)
        for name in (period, before)
    ]
    assert card.prior_as_of - ends[1] == as_of - ends[0]
    rows = {row["title"]: row for row in rows_of(card)}
    for title, name in (("Lead conversion", "lead_conversion"), ("Idle deals", "idle_share")):
        then = getattr(kpi, name)(crm, period=before, as_of=card.prior_as_of)
        assert rows[title]["prior"] == then.value
