"""History told by periodic snapshots: what the book knew then, against a simulated pipeline."""

import datetime as dt
import random

import salesops as so
from hypothesis import given, settings
from hypothesis import strategies as st
from salesops.crm import Crm

FIRST = dt.date(2025, 1, 1)
STAGES = ["new", "talk", "offer"]
FIELDS = ["stage_id", "amount", "close_date", "owner_id"]


class Truth:
    """Deals that appear, change and vanish; snapshots of all that are there at some dates."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self.dates = [FIRST + dt.timedelta(days=n) for n in sorted(chance.sample(range(1, 200), 4))]
        self.last = FIRST + dt.timedelta(days=220)
        self.states: dict[str, list[tuple[dt.date, dict | None]]] = {}
        for number in range(6):
            day = FIRST + dt.timedelta(days=chance.randrange(150))
            changes: list[tuple[dt.date, dict | None]] = []
            for _ in range(chance.randrange(1, 6)):
                changes.append((day, self.state(chance)))
                day += dt.timedelta(days=chance.randrange(1, 60))
            if chance.random() < 0.4:
                changes.append((day, None))
            self.states[f"d{number}"] = changes

    @staticmethod
    def state(chance: random.Random) -> dict:
        return {
            "stage_id": chance.choice(STAGES),
            "amount": chance.choice([None, 10, 20, 30]),
            "close_date": FIRST + dt.timedelta(days=chance.randrange(400)),
            "owner_id": chance.choice(["r1", "r2", None]),
        }

    def at(self, day: dt.date) -> dict[str, dict]:
        """The deals that are there at the start of a day."""
        found = {}
        for deal, changes in self.states.items():
            known = [state for since, state in changes if since <= day]
            if known and known[-1] is not None:
                found[deal] = known[-1]
        return found

    def snapshots(self, dates=None) -> list[dict]:
        return [
            {"opportunity_id": deal, "snapshot_date": day, **state}
            for day in (self.dates if dates is None else dates)
            for deal, state in self.at(day).items()
        ]

    def seen(self, day: dt.date, dates=None) -> dict[str, dict]:
        """What snapshots up to a day tell: of each deal, the last state seen."""
        found: dict[str, dict] = {}
        for date in self.dates if dates is None else sorted(dates):
            if date <= day:
                found |= self.at(date)
        return found


def columns(rows: list[dict], names=("opportunity_id", "snapshot_date", *FIELDS)) -> dict[str, list]:
    return {
        name: [str(c) if isinstance(c := row.get(name), dt.date) else c for row in rows] for name in names
    }


def book(snapshots: list[dict], deals: list[str] = ()) -> Crm:
    tables = {"opportunity_snapshot": columns(snapshots)}
    if deals:
        tables["opportunity"] = {"opportunity_id": list(deals)}
    return Crm.build(tables, currency="EUR")


def state_of(crm: Crm, day) -> dict[str, dict]:
    table = crm.as_of(str(day)).table("opportunity").to_dict()
    rows = [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]
    known = {}
    for row in rows:
        state = {field: row.get(field) for field in FIELDS}
        if any(value is not None for value in state.values()):
            known[row["opportunity_id"]] = state
    return known


seeds = st.integers(0, 10**6)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_at_a_snapshot_the_book_is_what_was_there(seed):
    truth = Truth(seed)
    if not truth.snapshots():
        return
    crm = book(truth.snapshots())
    for day in truth.dates:
        then, there = state_of(crm, day), truth.at(day)
        assert {deal: then.get(deal) for deal in there} == there
        # One that vanished since stays as it was last seen: a snapshot doesn't say why it is missing.
        assert then == truth.seen(day)


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(0, 220))
def test_between_snapshots_the_last_one_holds(seed, after):
    truth = Truth(seed)
    if not truth.snapshots():
        return
    day = FIRST + dt.timedelta(days=after)
    crm = book(truth.snapshots())
    assert state_of(crm, day) == truth.seen(day)
    # Nothing before the first sight of a deal, and later snapshots change nothing of it.
    some = [date for date in truth.dates if date <= day]
    if truth.snapshots(some):
        assert state_of(book(truth.snapshots(some)), day) == state_of(crm, day)


@settings(max_examples=20, deadline=None)
@given(seeds, st.randoms(use_true_random=False))
def test_rows_told_twice_or_in_any_order_change_nothing(seed, chance):
    truth = Truth(seed)
    rows = truth.snapshots()
    if not rows:
        return
    twice = [*rows, *chance.choices(rows, k=len(rows))]
    chance.shuffle(twice)
    once, again = book(rows), book(twice)
    for day in [*truth.dates, truth.last]:
        assert state_of(again, day) == state_of(once, day)
    assert again.counts().to_dict()["kept"][-1] == len(twice)


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(0, 3))
def test_a_late_snapshot_is_as_if_it_had_come_in_time(seed, late):
    truth = Truth(seed)
    day = truth.dates[late]
    others = [date for date in truth.dates if date != day]
    deals = sorted(truth.states)
    if not truth.snapshots(others) or not truth.snapshots([day]):
        return
    before = book(truth.snapshots(others), deals)
    after = before.apply({"opportunity_snapshot": columns(truth.snapshots([day]))})
    whole = book(truth.snapshots(), deals)
    for date in [*truth.dates, truth.last, day + dt.timedelta(days=1), day - dt.timedelta(days=1)]:
        assert state_of(after, date) == state_of(whole, date) == truth.seen(date)
        assert state_of(before, date) == truth.seen(date, others)


def test_of_two_snapshots_at_one_instant_the_last_told_counts():
    rows = [
        {"opportunity_id": "d", "snapshot_date": "2025-01-01", "amount": 10},
        {"opportunity_id": "d", "snapshot_date": "2025-01-01", "amount": 20},
        {"opportunity_id": "d", "snapshot_date": "2025-02-01", "amount": 30},
    ]
    corrected = book(rows[::2]).apply({"opportunity_snapshot": columns(rows[1:2])})
    for crm, amount in ((book(rows), 20), (book(rows[::-1]), 10), (corrected, 20)):
        assert state_of(crm, "2025-01-15")["d"]["amount"] == amount
        assert state_of(crm, "2025-02-15")["d"]["amount"] == 30


def test_a_day_adds_up_to_what_its_snapshot_holds():
    truth = Truth(4)
    day = truth.dates[-1]
    amounts = [state["amount"] for state in truth.at(day).values() if state["amount"] is not None]
    then = so.kpi.ratio("told", table="opportunity_snapshot", time="snapshot_date", value="amount")
    found = then(book(truth.snapshots()), period=(day, day + dt.timedelta(days=1)))
    assert 0 < found.denominator == sum(amounts)
