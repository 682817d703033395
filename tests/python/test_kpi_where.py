"""What `where` and `by` compare: amounts to the minor unit, days of the zone asked, ids after merges."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest
import salesops as so
from salesops import kpi


def won_deals(amounts, currencies=None, **more):
    """Won deals with these amounts, closed in the middle of 2026."""
    n = len(amounts)
    if "closed_at" not in more and "close_date" not in more:
        more["closed_at"] = ["2026-06-01"] * n
    deals = {
        "opportunity_id": [f"d{i}" for i in range(n)],
        "created_at": ["2026-01-01"] * n,
        "amount": amounts,
        "is_closed": [True] * n,
        "is_won": [True] * n,
    } | ({"currency": currencies} if currencies else {})
    return deals | more


def book(deals, currency=None, **tables):
    given = {"currency": currency} if currency else {}
    return so.crm.Crm.build({"opportunity": deals} | tables, **given)


# ---- amounts ----


@pytest.mark.parametrize(
    ("where", "n"),
    [
        ({"amount": 19.99}, 1),
        ({"amount": Decimal("19.99")}, 1),
        ({"amount": [19.99, 20]}, 2),
        ("amount <= 19.99", 1),
        ("amount > 19.99", 1),
        ("amount < 19.99", 0),
        ("amount != 19.99", 1),
        # More digits than a cent has are compared as they are.
        ("amount >= 19.990000000000000001", 1),
        ("amount < 19.995", 1),
        ("amount = 19.994", 0),
        ("amount > 19.9899999999", 2),
        ("amount in (19.99, 20.001)", 1),
        # Beyond what any amount can be.
        ("amount < 1e30", 2),
        ("amount > -1e30", 2),
        ("amount >= 1e-5", 2),
        ("amount > 1.999e+1", 1),
    ],
)
def test_amounts_compare_to_the_cent(where, n):
    deals = book(won_deals(["19.99", "20.00"]), "USD")
    assert kpi.win_rate(deals, where=where).n == n
    assert kpi.scorecard(deals, by="month", where=where).to_table().to_dict()["won"] == [n] * (n > 0)


def test_large_amounts_compare_to_the_cent():
    deals = book(won_deals(["90071992547409.93", "90071992547409.92"]), "USD")
    assert kpi.win_rate(deals, where="amount = 90071992547409.93").n == 1
    assert kpi.win_rate(deals, where="amount > 90071992547409.92").n == 1
    groups = kpi.win_rate(deals, by="amount").to_table().to_dict()
    assert groups["amount"] == ["90071992547409.92", "90071992547409.93"]


def test_ratios_of_ones_own_compare_amounts_alike():
    big = kpi.ratio("big", numerator="amount >= 19.99", denominator="amount <= 20")
    assert big(book(won_deals(["19.98", "19.99", "20.00"]), "USD")).numerator == 2


def test_each_amount_is_in_units_of_its_own_currency():
    deals = won_deals(["900", "5000", "9.00", "1.234", "1.600"], ["JPY", "JPY", "EUR", "KWD", "KWD"])
    asked = book(deals)
    for where, n in {
        "currency = 'JPY' and amount >= 1000": 1,
        "currency = 'JPY' and amount = 900": 1,
        "currency = 'KWD' and amount > 1.5": 1,
        "amount = 9": 1,
        "amount < 1.2345": 1,
    }.items():
        assert kpi.win_rate(asked, where=where).n == n, where
    groups = kpi.win_rate(asked, by="amount").to_table().to_dict()
    assert groups["amount"] == ["1.234", "1.600", "9.00", "900", "5000"]
    card = kpi.scorecard(asked, by="amount").to_table().to_dict()
    assert card["amount"] == groups["amount"]
    history = {
        "opportunity_id": ["d0", "d1"],
        "at": ["2026-02-01"] * 2,
        "field": ["amount"] * 2,
        "old": ["700", "4000"],
        "new": ["900", "5000"],
    }
    tracked = book(deals, opportunity_event=history)
    assert kpi.win_rate(tracked, where="amount >= 1000").n == 1


def test_amounts_compare_with_numbers_alone():
    deals = book(won_deals(["1"]), "USD")
    for where in ("amount > 'x'", "amount = true"):
        with pytest.raises(so.UsageError, match="money column, compare it with a number"):
            kpi.win_rate(deals, where=where)


def test_numbers_have_exponents_and_lists_a_value():
    deals = book(won_deals(["19.99", "20.00"], score=[1e16, 1e-5]), "USD")
    for value in (1e16, 1e-5):
        assert kpi.win_rate(deals, where={"score": value}).n == 1
    assert kpi.win_rate(deals, where={"amount": 1e16}).n == 0
    with pytest.raises(so.UsageError, match="column 'score': an empty list leaves no row"):
        kpi.win_rate(deals, where={"score": []})
    with pytest.raises(so.UsageError, match="'in' needs a value or several"):
        kpi.win_rate(deals, where="score in ()")
    with pytest.raises(so.UsageError, match="not a number"):
        kpi.win_rate(deals, where="score = 1e")


# ---- days ----

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("column", ["closed_at", "close_date", "closed_at and nulls"])
def test_a_day_is_that_of_the_zone(zone, column):
    days = ["2026-06-30", "2026-07-01", "2026-07-02"]
    closes = {"closed_at": [None] * 3} if column == "closed_at and nulls" else {}
    closes |= {"closed_at": days} if column == "closed_at" else {"close_date": days}
    deals = book(won_deals(["1"] * 3, **closes), "USD")
    day = dt.date(2026, 7, 1)
    for where, n in {
        "closed_at >= '2026-07-01'": 2,
        "closed_at > '2026-07-01'": 1,
        "closed_at <= '2026-07-01'": 2,
        "closed_at < '2026-07-01'": 1,
        "closed_at = '2026-07-01'": 1,
        "closed_at != '2026-07-01'": 2,
        "closed_at in ('2026-07-01', '2026-06-30')": 2,
        "closed_at is null": 0,
    }.items():
        assert kpi.win_rate(deals, where=where, zone=zone).n == n, where
    for one in (day, dt.datetime(2026, 7, 1), pd.Timestamp("2026-07-01")):
        assert kpi.win_rate(deals, where={"closed_at": one}, zone=zone).n == 1
    in_july = {"where": "closed_at >= '2026-07-01'", "zone": zone}
    assert kpi.win_rate(deals, **in_july).n == kpi.win_rate(deals, period="2026-Q3", zone=zone).n
    assert kpi.ratio("r", numerator="is_won")(deals, **in_july).n == 2


def test_an_instant_lies_within_its_day():
    deals = book(won_deals(["1", "1"], closed_at=["2026-07-01T02:00Z", "2026-07-01T12:00Z"]), "USD")
    on_the_first = {"closed_at": dt.date(2026, 7, 1)}
    assert kpi.win_rate(deals, where=on_the_first).n == 2
    assert kpi.win_rate(deals, where=on_the_first, zone="America/New_York").n == 1
    assert kpi.win_rate(deals, where="closed_at > '2026-07-01T02:00'").n == 1
    assert kpi.win_rate(deals, where="closed_at = '2026-07-01T14:00+02:00'").n == 1


# ---- assignments ----


def moved_rep(**closes):
    n = len(*closes.values())
    deals = won_deals(["100"] * n, owner_id=["r"] * n, **closes)
    moves = {
        "rep_id": ["r", "r"],
        "team_id": ["old", "new"],
        "valid_from": ["2026-01-01", "2026-07-01"],
        "valid_to": ["2026-07-01", None],
    }
    quotas = {
        "quota_id": ["q1", "q2"],
        "holder_type": ["rep", "rep"],
        "holder_id": ["r", "r"],
        "amount": ["50", "200"],
        "period_start": ["2026-04-01", "2026-07-01"],
        "period_end": ["2026-07-01", "2026-10-01"],
    }
    tables = {"rep": {"rep_id": ["r"]}, "rep_assignment": moves, "quota": quotas}
    tables["team"] = {"team_id": ["old", "new"]}
    return book(deals, "USD", **tables)


@pytest.mark.parametrize("zone", ZONES)
def test_a_rep_moves_on_a_day_of_the_zone(zone):
    crm = moved_rep(close_date=["2026-07-01"] * 2)
    asked = {"by": "owner.team", "period": "2026-Q3", "zone": zone}
    assert kpi.win_rate(crm, **asked).to_table().to_dict()["owner.team"] == ["new"]
    assert kpi.scorecard(crm, **asked).to_table().to_dict()["owner.team"] == ["new"]
    assert kpi.win_rate(crm, period="2026-Q3", zone=zone, where="owner.team = 'new'").n == 2
    quota = kpi.attainment(crm, **asked).to_table().to_dict()
    assert (quota["owner.team"], quota["numerator"], quota["denominator"]) == (["new"], [200], [200])


@pytest.mark.parametrize(("zone", "team"), [("UTC", "new"), ("America/New_York", "old")])
def test_an_instant_has_its_day_where_it_is_asked(zone, team):
    crm = moved_rep(closed_at=["2026-07-01T02:00Z"])
    assert kpi.win_rate(crm, by="owner.team", zone=zone).to_table().to_dict()["owner.team"] == [team]


# ---- merged rows ----


def test_a_merged_account_is_the_one_that_remained():
    accounts = {"account_id": ["A", "B", "C"], "merged_into": [None, "A", None]}
    deals = won_deals(["1", "2", "4"], account_id=["A", "B", "C"], closed_at=["2026-06-01"] * 3)
    crm = book(deals, "USD", account=accounts)
    groups = kpi.win_rate(crm, by="account").to_table().to_dict()
    assert (groups["account"], groups["n"]) == (["A", "C"], [2, 1])
    assert kpi.scorecard(crm, by="account_id").to_table().to_dict()["won_amount"] == [3, 4]
    for where in ("account = 'A'", "account_id = 'A'", {"account": "B"}, "account in ('B')"):
        assert kpi.win_rate(crm, where=where).n == 2, where
    assert kpi.concentration(crm).details["accounts"] == 2
    # The one that remained need have no deal of its own.
    deals["account_id"] = ["B", "B", "C"]
    groups = kpi.win_rate(book(deals, "USD", account=accounts), by="account").to_table().to_dict()
    assert (groups["account"], groups["n"]) == (["A", "C"], [2, 1])
