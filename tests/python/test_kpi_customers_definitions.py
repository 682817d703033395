"""KPIs of customers in a few lines of plain Python, equal to the core on made-up and on sample books."""

import datetime as dt
import itertools
import random
from collections import Counter, defaultdict
from fractions import Fraction

import pytest
import salesops as so
from salesops import kpi
from salesops.crm import Crm

FIRST, LAST = dt.date(2025, 1, 1), dt.date(2026, 1, 1)
MONTHS = [f"2025-{month:02}" for month in range(1, 13)]
CHANNELS = ["web", "fair", None]


def days_after(day, n):
    return day + dt.timedelta(days=n)


def some_day(luck, length=365):
    return days_after(FIRST, luck.randrange(length))


def made_up(seed):
    """Spend over any days, some of it without an end; wins of 40 accounts, some without one."""
    luck = random.Random(seed)
    spend = [{"start": some_day(luck, 300), "days": luck.choice([None, 1, 7, 30, 91])} for _ in range(60)]
    for i, row in enumerate(spend):
        row |= {"id": f"S{i}", "cents": luck.randrange(1, 10**6), "channel": luck.choice(CHANNELS)}
    wins = [
        {
            "id": f"O{i:03}",
            "account": luck.choice([None, *(f"A{a}" for a in range(40))]),
            "at": some_day(luck),
            "source": luck.choice(CHANNELS),
        }
        for i in range(120)
    ]
    ends = [None if row["days"] is None else days_after(row["start"], row["days"]) for row in spend]
    book = {
        "account": {"account_id": [f"A{a}" for a in range(40)]},
        "opportunity": {
            "opportunity_id": [row["id"] for row in wins],
            "account_id": [row["account"] for row in wins],
            "source": [row["source"] for row in wins],
            "created_at": [days_after(row["at"], -20) for row in wins],
            "closed_at": [row["at"] for row in wins],
            "is_won": [True] * len(wins),
        },
        "spend": {
            "spend_id": [row["id"] for row in spend],
            "period_start": [row["start"] for row in spend],
            "period_end": ends,
            "channel": [row["channel"] for row in spend],
            "amount": [f"{row['cents'] // 100}.{row['cents'] % 100:02}" for row in spend],
        },
    }
    return Crm.build(book, currency="EUR"), spend, wins


def spent(spend, start, end, lag=0):
    """Cents of the days of a period; halves go to the even cent."""

    def until(row, day):
        all_days = row["days"] or 1
        passed = min(max((day - row["start"]).days - lag, 0), all_days)
        return round(Fraction(row["cents"] * passed, all_days))

    return sum(until(row, end) - until(row, start) for row in spend)


def first_wins(wins):
    first = {}
    for win in sorted(wins, key=lambda win: (win["at"], win["id"])):
        if win["account"]:
            first.setdefault(win["account"], win)
    return first


def rows_of(result):
    columns = result.to_table().to_dict()
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("lag", [0, 45])
def test_cac_by_the_days_of_spend(seed, lag):
    crm, spend, wins = made_up(seed)
    first = first_wins(wins)
    for start, end in [
        (FIRST, LAST),
        (dt.date(2025, 3, 3), dt.date(2025, 3, 4)),
        (dt.date(2025, 5, 7), LAST),
    ]:
        result = kpi.cac(crm, period=(start, end), lag=lag or None, ids=True)
        won = [account for account, win in first.items() if start <= win["at"] < end]
        cents = spent(spend, start, end, lag)
        assert (round(result.numerator * 100), result.denominator) == (cents, len(won))
        assert result.value == (pytest.approx(cents / 100 / len(won)) if won else None)
        assert sorted(result.ids) == sorted(won)
        nobody = sum(start <= win["at"] < end and not win["account"] for win in wins)
        assert result.excluded.get("no_account", 0) == nobody
        assert result.details == ({"lag_days": lag} if lag else {})


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("every", ["day", "week", "month", "quarter"])
def test_parts_of_cac_add_up(seed, every):
    crm, spend, wins = made_up(seed)
    first = first_wins(wins)
    whole = kpi.cac(crm, period="2025")
    for by in (every, ["channel", every]):
        rows = rows_of(kpi.cac(crm, period="2025", by=by))
        assert sum(round(row["numerator"] * 100) for row in rows) == round(whole.numerator * 100)
        assert sum(row["n"] for row in rows) == whole.n
    each = rows_of(kpi.cac(crm, period="2025", by="channel"))
    count = Counter(win["source"] for win in first.values())
    for row in each:
        own = [s for s in spend if s["channel"] == row["channel"]]
        assert (round(row["numerator"] * 100), row["n"]) == (spent(own, FIRST, LAST), count[row["channel"]])
    assert [row["channel"] for row in each] == ["fair", "web", None]
    months = [kpi.cac(crm, period=month).numerator for month in MONTHS]
    assert sum(round(month * 100) for month in months) == round(whole.numerator * 100)


def test_cac_lagged_by_the_sales_cycle():
    crm, spend, _ = made_up(3)
    result = kpi.cac(crm, period="2025-Q3", lag="sales_cycle")
    assert result.details["lag_days"] == kpi.sales_cycle(crm, period="2025-Q3").value == 20
    start, end = dt.date(2025, 7, 1), dt.date(2025, 10, 1)
    assert round(result.numerator * 100) == spent(spend, start, end, 20)
    assert "moved back by 20 days (the median sales cycle)" in result.definition


def monthly_spend(ends):
    """A win every ten days of the second quarter of 2025; 30 euros a month, known when it is over."""
    wins = [dt.date(2025, 4, 5) + dt.timedelta(days=10 * n) for n in range(9)]
    ids = [f"{n}" for n in range(9)]
    firsts = [dt.date(2025, month, 1) for month in (4, 5, 6, 7)]
    book = {
        "account": {"account_id": ids},
        "opportunity": {
            "opportunity_id": ids,
            "account_id": ids,
            "created_at": [days_after(day, -20) for day in wins],
            "closed_at": wins,
            "is_won": [True] * 9,
        },
        "spend": {
            "spend_id": ids[:3],
            "period_start": firsts[:3],
            "period_end": firsts[1:] if ends else [None] * 3,
            "amount": [30] * 3,
        },
        "subscription": {"subscription_id": ids, "account_id": ids, "start": [FIRST] * 9}
        | {"unit_amount": [10] * 9},
    }
    return Crm.build(book, currency="EUR")


def test_cac_waits_for_the_spend_of_a_running_month():
    crm = monthly_spend(ends=True)
    whole = kpi.cac(crm, period="2025-Q2", as_of="2025-07-01")
    assert (whole.value, whole.state) == (10, "")
    mid = kpi.cac(crm, period="2025-Q2", as_of="2025-06-20")
    assert (mid.value, mid.numerator, mid.n) == (10, 60, 6)
    assert (mid.state, mid.excluded["spend_unknown"]) == ("incomplete", 2)
    june = kpi.cac(crm, period="2025-06", as_of="2025-06-20")
    assert (june.value, june.state, june.excluded["spend_unknown"]) == (None, "no spend", 2)
    months = rows_of(kpi.cac(crm, period="2025-Q2", as_of="2025-06-20", by="month"))
    assert [(row["cac"], row["state"]) for row in months] == [
        (10, ""),
        (10, ""),
        (None, "no spend"),
    ]
    # Spend of 15 days before is known for half of June.
    lagged = kpi.cac(crm, period="2025-06", as_of="2025-06-25", lag=15)
    assert (lagged.n, lagged.state, lagged.excluded["spend_unknown"]) == (2, "incomplete", 1)
    for name in ("ltv_cac", "cac_payback"):
        asked = {"period": "2025-06", "gross_margin": 0.5}
        result = getattr(kpi, name)(crm, as_of="2025-06-20", **asked)
        assert (result.value, result.excluded["spend_unknown"]) == (None, 2)
    payback = kpi.cac_payback(crm, period="2025-Q2", as_of="2025-06-20", gross_margin=0.5)
    assert (payback.value, payback.state) == (10 / 5, "incomplete")


def test_spend_told_by_days_is_known_as_far_as_the_book():
    crm = monthly_spend(ends=False)
    june = kpi.cac(crm, period="2025-06", as_of="2025-06-20")
    assert (june.value, june.state) == (30 / 2, "")
    empty = kpi.cac(crm, period="2025-03", as_of="2025-06-20")
    assert (empty.value, empty.state) == (None, "no spend")


def test_cac_says_what_it_cannot_do():
    crm, _, _ = made_up(0)
    with pytest.raises(so.UsageError, match="leave out by 'owner'"):
        kpi.cac(crm, by="owner")
    with pytest.raises(so.UsageError, match="campaign"):
        kpi.cac(crm, by="campaign")
    with pytest.raises(so.UsageError, match="leave out where"):
        kpi.cac(crm, where="channel = 'web'")
    lonely = {
        "spend": {"spend_id": ["s"], "period_start": [FIRST], "amount": [1]},
        "account": {"account_id": ["a"]},
    }
    with pytest.raises(so.UsageError, match="won deals"):
        kpi.cac(Crm.build(lonely))


def test_the_costs_of_customers_list_those_won():
    crm = so.datasets.sample_crm(seed=5, deals=300)
    asked = {"period": "2025", "ids": True}
    won = kpi.cac(crm, **asked)
    assert len(set(won.ids)) == won.n > 0
    for name in ("ltv_cac", "cac_payback"):
        result = getattr(kpi, name)(crm, gross_margin=0.8, **asked)
        assert result.ids == won.ids
        assert result.details["customers"] == kpi.arpa(crm, period="2025").n


# ---- churn and revenue ----


def subscribers(seed):
    luck = random.Random(seed)
    rows = []
    for i in range(80):
        start = some_day(luck, 200)
        length = luck.choice([None, 0, 10, 60, 150])
        rows.append(
            {
                "id": f"S{i}",
                "account": f"A{luck.randrange(30)}",
                "start": start,
                "end": None if length is None else days_after(start, length),
                "cents": luck.randrange(100, 10_000),
                "discount": luck.choice([None, 0, 50, 10_000]),
                "pause": luck.choice([None, None, days_after(start, 20)]),
                "qty": luck.choice([1, 3]),
            }
        )
    resumed = {row["id"]: luck.choice([None, days_after(row["pause"], 15)]) for row in rows if row["pause"]}
    events = [(row["id"], row["pause"], "pause") for row in rows if row["pause"]]
    events += [(name, day, "resume") for name, day in resumed.items() if day]
    book = {
        "account": {"account_id": [f"A{a}" for a in range(30)], "created_at": [LAST] * 30},
        "subscription": {
            "subscription_id": [row["id"] for row in rows],
            "account_id": [row["account"] for row in rows],
            "start": [row["start"] for row in rows],
            "end": [row["end"] for row in rows],
            "qty": [row["qty"] for row in rows],
            "unit_amount": [row["cents"] / 100 for row in rows],
            "discount": [None if row["discount"] is None else row["discount"] / 100 for row in rows],
        },
        "subscription_event": {
            "subscription_id": [event[0] for event in events],
            "at": [event[1] for event in events],
            "type": [event[2] for event in events],
        },
    }
    for row in rows:
        row["minor"] = row["cents"] * row["qty"] - (row["discount"] or 0)
        row["resume"] = resumed.get(row["id"])
    return Crm.build(book, currency="USD"), rows


def runs(row, day):
    return row["start"] <= day and (row["end"] is None or day < row["end"])


def rests(row, day):
    return bool(row["pause"]) and row["pause"] <= day and not (row["resume"] and row["resume"] <= day)


def customers(rows, day):
    return {row["account"] for row in rows if runs(row, day) and row["minor"] > 0}


@pytest.mark.parametrize("seed", range(6))
def test_arpa_after_discounts_without_pauses(seed):
    crm, rows = subscribers(seed)
    for month in MONTHS:
        day = dt.date.fromisoformat(f"{month}-01")
        paying = defaultdict(int)
        left_out = Counter()
        for row in rows:
            if not runs(row, day) or row["minor"] == 0:
                continue
            if row["minor"] < 0:
                left_out["negative_amount"] += 1
            elif rests(row, day):
                left_out["paused"] += 1
            else:
                paying[row["account"]] += row["minor"]
        result = kpi.arpa(crm, period=month)
        assert (round(result.numerator * 100), result.denominator) == (sum(paying.values()), len(paying))
        assert result.excluded == left_out


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("period", ["2025-03", "2025-Q3", "2025-05-10/2025-05-31", "2025"])
def test_churn_of_the_start_and_of_the_daily_average(seed, period):
    crm, rows = subscribers(seed)
    first, last = (dt.date.fromisoformat(day) for day in SPANS[period])
    days = [days_after(first, n) for n in range((last - first).days)]
    at_end = customers(rows, last)
    counts = [customers(rows, day) for day in days]

    standard = kpi.logo_churn(crm, period=period)
    assert (standard.numerator, standard.denominator) == (len(counts[0] - at_end), len(counts[0]))
    awake = {row["account"] for row in rows if runs(row, last) and row["minor"] > 0 and not rests(row, last)}
    assert standard.details.get("paused", 0) == len((counts[0] & at_end) - awake)

    average = kpi.logo_churn(crm, period=period, churn_base="daily_average")
    lost = set(itertools.chain(*counts)) - at_end
    assert average.numerator == len(lost)
    assert average.denominator == pytest.approx(sum(map(len, counts)) / len(days), rel=1e-14)
    assert average.definition != standard.definition
    assert 0 <= average.details["annual"] <= 1


SPANS = {
    "2025-03": ("2025-03-01", "2025-04-01"),
    "2025-Q3": ("2025-07-01", "2025-10-01"),
    "2025-05-10/2025-05-31": ("2025-05-10", "2025-05-31"),
    "2025": ("2025-01-01", "2026-01-01"),
}


def test_lifetime_value_by_the_daily_average():
    crm, _ = subscribers(1)
    asked = {"period": "2025-05", "churn_base": "daily_average"}
    churn = kpi.logo_churn(crm, **asked).value
    assert 0 < churn < 1
    worth = kpi.clv_simple(crm, gross_margin=0.5, **asked)
    assert worth.details["churn"] == pytest.approx(min(churn, 1))
    assert worth.value == pytest.approx(kpi.arpa(crm, period="2025-05").value * 0.5 / min(churn, 1))


def test_more_than_all_may_churn_of_a_daily_average():
    days = [dt.date(2025, 1, 10), dt.date(2025, 1, 20)]
    crm = Crm.build(
        {
            "account": {"account_id": ["a", "b"], "created_at": ["2025-03-01"] * 2},
            "subscription": {
                "subscription_id": ["1", "2"],
                "account_id": ["a", "b"],
                "start": days,
                "end": [days_after(day, 1) for day in days],
                "unit_amount": [5, 5],
            },
        },
        currency="USD",
    )
    result = kpi.logo_churn(crm, period="2025-01", churn_base="daily_average")
    assert result.value == pytest.approx(2 / (2 / 31))
    assert result.details["annual"] == 1
    assert kpi.logo_churn(crm, period="2025-01").value is None


def two_channels(web_ends: list, fair_ends: list) -> Crm:
    """A customer of each channel on the 10th of April, May, June; 30 a month for the web, 90 at once for
    the fair."""
    ids = [f"{channel}{month}" for channel in ("web", "fair") for month in (4, 5, 6)]
    deals = {
        "opportunity_id": ids,
        "account_id": ids,
        "created_at": ["2025-03-01"] * 6,
        "closed_at": [f"2025-0{name[-1]}-10" for name in ids],
        "is_won": [True] * 6,
        "source": [name[:-1] for name in ids],
    }
    starts = [f"2025-0{month}-01" for month in range(4, 4 + len(web_ends))]
    spend = {
        "spend_id": [str(n) for n in range(len(web_ends) + len(fair_ends))],
        "channel": ["web"] * len(web_ends) + ["fair"] * len(fair_ends),
        "period_start": starts + ["2025-04-01"] * len(fair_ends),
        "period_end": web_ends + fair_ends,
        "amount": [30] * len(web_ends) + [90] * len(fair_ends),
    }
    return Crm.build({"account": {"account_id": ids}, "opportunity": deals, "spend": spend}, currency="EUR")


def by_channel(crm, **asked) -> dict:
    asked = {"period": "2025-Q2", "as_of": "2025-07-01", **asked}
    rows = rows_of(kpi.cac(crm, by="channel", **asked))
    return {row["channel"]: row for row in rows}


def test_each_channel_waits_for_its_own_spend():
    # The web's spend is told to the end of May, the fair's to the end of June.
    crm = two_channels(["2025-05-01", "2025-06-01"], ["2025-07-01"])
    each = by_channel(crm)
    assert (each["web"]["cac"], each["web"]["n"], each["web"]["state"]) == (60 / 2, 2, "incomplete")
    assert each["web"]["excluded"] == 1
    assert (each["fair"]["cac"], each["fair"]["n"], each["fair"]["state"]) == (90 / 3, 3, "")
    # Spend of one channel told by days says nothing of the other's end.
    each = by_channel(two_channels(["2025-05-01", "2025-06-01"], [None]))
    assert (each["web"]["n"], each["web"]["state"], each["fair"]["n"]) == (2, "incomplete", 3)
    # Not told by channel there is one end of all.
    assert kpi.cac(crm, period="2025-Q2", as_of="2025-07-01").n == 6
    months = rows_of(kpi.cac(crm, period="2025-Q2", as_of="2025-07-01", by=["channel", "month"]))
    states = {(row["channel"], row["month"]): (row["n"], row["state"]) for row in months}
    assert states["web", "2025-05"] == (1, "")
    assert states["web", "2025-06"] == (0, "no spend")
    assert states["fair", "2025-06"] == (1, "")


def test_a_channel_without_any_spend_goes_with_the_others():
    crm = two_channels(["2025-05-01", "2025-06-01", "2025-07-01"], [])
    fair = by_channel(crm)["fair"]
    assert (fair["cac"], fair["n"], fair["state"], fair["excluded"]) == (None, 3, "no spend", 0)


def test_a_row_of_nothing_says_that_a_channel_was_given_up():
    crm = two_channels(["2025-05-01"], ["2025-07-01"])
    assert by_channel(crm)["web"]["n"] == 1
    nothing = {"spend_id": ["x"], "channel": ["web"], "period_start": ["2025-05-01"]}
    later = crm.apply({"spend": nothing | {"period_end": ["2025-07-01"], "amount": [0]}})
    web = by_channel(later)["web"]
    assert (web["cac"], web["n"], web.get("state", "")) == (30 / 3, 3, "")
