"""Recurring revenue beside what one finds by looking at every row on every day."""

import datetime as dt
import math
import random
from collections import Counter

import pytest
import salesops as so

DAY = dt.timedelta(days=1)
CODES = ("EUR", "USD", "GBP")
OPTIONS = {"subscription": "sub", "currency": "code", "trial_end": "trial", "to": "EUR"}


def month_after(day):
    return (day.replace(day=28) + 4 * DAY).replace(day=1)


class Looked:
    """Random versions of subscriptions, some free or in trial, and who pays for what on every day."""

    def __init__(self, seed):
        pick = random.Random(seed)
        self.rows, self.grace = [], pick.choice([0, 0, 14, 40])
        base = dt.date(2023, 12, 20)
        self.as_of = base + pick.randrange(60, 320) * DAY
        for start in sorted(pick.sample(range(200), pick.randint(3, 14))):
            sub, begin = pick.choice(("a1", "a2", "b1", "b2", "c1")), base + start * DAY
            end = None if pick.random() < 0.3 else begin + pick.choice([1, 20, 31, 60, 90]) * DAY
            trial = None if pick.random() < 0.6 else begin + pick.choice([0, 5, 30, 60]) * DAY
            amount = pick.choice([0, 1000, 1500, 3333])
            self.rows.append((sub, begin, end, trial, amount, pick.choice(CODES)))
        self.rates = {}
        month = dt.date(2023, 11, 1)
        while month < self.as_of:
            self.rates |= {(code, month): 1 if code == "EUR" else pick.randint(50, 150) for code in CODES}
            month = month_after(month)
        self.first = min((max(r[1], r[3] or r[1]) for r in self.rows if self.pays(r)), default=self.as_of)
        self.days = [base + i * DAY for i in range((self.as_of - base).days)]
        self.paid, self.pending = {}, self.as_of
        for customer in "abc":
            self.paid[customer] = self.bridged([self.held(customer, day) for day in self.days])

    @staticmethod
    def pays(row):
        return row[4] > 0 and (row[2] is None or max(row[1], row[3] or row[1]) < row[2])

    def held(self, customer, day):
        paid = []
        for sub in sorted({row[0] for row in self.rows if row[0][0] == customer}):
            rows = [r for r in self.rows if r[0] == sub and r[1] <= day and (r[2] is None or day < r[2])]
            paid += [r for r in rows[-1:] if r[4] > 0 and (r[3] is None or r[3] <= day)]
        return paid

    def bridged(self, line):
        last = None
        for i, paid in enumerate(line):
            if not paid:
                continue
            if last is not None and i - 1 - last <= self.grace:
                line[last + 1 : i] = [line[last]] * (i - 1 - last)
            last = i
        if self.grace and last is not None and 0 < len(line) - 1 - last <= self.grace:
            self.pending = min(self.pending, self.days[last + 1])
        return dict(zip(self.days, line, strict=True))

    def value(self, customer, month, rate_of):
        """Revenue at the end of one month, by the rates of another."""
        own = Counter()
        for row in self.paid[customer].get(min(month_after(month), self.as_of) - DAY, []):
            own[row[5]] += row[4]
        # Halves are rounded to even, as Python does.
        return sum(
            amount if code == "EUR" else round(amount * self.rates[code, rate_of] / 100)
            for code, amount in own.items()
        )

    def frames(self):
        names = ("sub", "start", "end", "trial", "amount", "code")
        rows = {name: list(cells) for name, cells in zip(names, zip(*self.rows, strict=True), strict=True)}
        rows["customer"] = [sub[0] for sub in rows["sub"]]
        rows["amount"] = [amount / 100 for amount in rows["amount"]]
        for name in ("start", "end", "trial"):
            rows[name] = [None if day is None else str(day) for day in rows[name]]
        others = [(c, m) for c, m in self.rates if c != "EUR"]
        rates = {
            "date": [str(min(month_after(month), self.as_of) - DAY) for _, month in others],
            "from": [code for code, _ in others],
            "to": ["EUR"] * len(others),
            "rate": [self.rates[one] / 100 for one in others],
        }
        return rows, rates


@pytest.mark.parametrize("seed", range(60))
def test_every_row_on_every_day(seed):
    looked = Looked(seed)
    rows, rates = looked.frames()
    how = OPTIONS | {"rates": rates, "as_of": looked.as_of, "grace": f"{looked.grace}d"}
    wide = so.subscription.movements(rows, **how).to_wide()
    months = []
    month = looked.first.replace(day=1)
    while looked.first < looked.as_of and month < looked.as_of:
        months.append(month)
        month = month_after(month)
    assert len(wide["period"]) == len(months)

    def cents(column, i):
        return round(float(column[i]) * 100)

    for i, month in enumerate(months):
        sums = Counter()
        for customer in "abc":
            before = looked.value(customer, months[i - 1], months[i - 1]) if i else 0
            then = looked.value(customer, months[i - 1], month) if i else 0
            now = looked.value(customer, month, month)
            ever = any(looked.value(customer, m, m) for m in months[:i])
            sums["fx"] += then - before
            sums["end"] += now
            sums["new" if not ever else "reactivation"] += now if then == 0 else 0
            sums["churn"] -= then if now == 0 else 0
            sums["expansion"] += max(now - then, 0) if then and now else 0
            sums["contraction"] += min(now - then, 0) if then and now else 0
        for kind in ("fx", "end", "new", "reactivation", "churn", "expansion", "contraction"):
            assert cents(wide[kind], i) == sums[kind], (kind, month)
        open_end = month_after(month) > looked.as_of
        pending = looked.pending < month_after(month) and looked.pending < looked.as_of
        if open_end or pending:
            assert wide["state"][i] == ("in_progress" if open_end else "pending")
        else:
            assert wide["state"][i] in ("complete", "data_end")

    kept = so.subscription.retention(rows, over=2, **how).to_wide()
    for at, month in enumerate(months[2:]):
        base = now = logos = stayed = 0
        for customer in "abc":
            path = [looked.value(customer, m, month) for m in months[at : at + 3]]
            base, logos = base + path[0], logos + (path[0] > 0)
            stayed += path[0] > 0 and path[2] > 0
            now += path[2] if min(path) > 0 else 0
        assert (cents(kept["start"], at), cents(kept["end"], at)) == (base, now)
        assert (kept["customers"][at], kept["kept"][at]) == (logos, stayed)
        if wide["state"][at + 2] in ("complete", "data_end") and logos:
            assert kept["logo_churn"][at] == pytest.approx((logos - stayed) / logos)
            assert kept["nrr"][at] == pytest.approx(now / base)
        else:
            assert math.isnan(kept["nrr"][at])


@pytest.mark.parametrize("brings_nothing", [{"amount": [100, 0]}, {"off": [0, 100]}, {"seats": [1, 0]}])
def test_what_brings_nothing_ends_what_was_paid(brings_nothing):
    rows = {
        "customer": ["A", "A"],
        "sub": ["s", "s"],
        "start": ["2026-01-01", "2026-03-01"],
        "amount": [100, 100],
        "off": [0, 0],
        "seats": [1, 1],
    } | brings_nothing
    made = so.subscription.movements(
        rows, end=None, subscription="sub", discount="off", quantity="seats", as_of="2026-05-01"
    )
    assert made.to_wide()["end"].tolist() == [100, 100, 0, 0]
    assert made.to_wide()["churn"].tolist() == [0, 0, -100, 0]


def test_states_and_plans_are_told_in_print():
    rows = {
        "customer": ["A", "B", "C"],
        "start": ["2026-01-01", "2026-02-01", "2027-06-01"],
        "end": ["2027-01-01", None, None],
        "amount": [10] * 3,
    }
    planned = so.subscription.movements(rows)
    assert planned.issues.count("perhaps_planned") == 1
    assert "as of 2027-06-02" in repr(planned)
    assert "perhaps_planned" in repr(planned)
    pending = so.subscription.movements(rows, grace="14d", as_of="2027-01-05")
    assert pending.issues.count("may_come_back") == 1
    pending = so.subscription.retention(rows, over=1, grace="60d", as_of="2027-02-01")
    assert "2027-01?" in repr(pending)
    assert "may still come back within the grace" in repr(pending)
