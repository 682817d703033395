"""Every option of a grid together, against the definitions written out customer by customer."""

import datetime as dt
import itertools
from collections import defaultdict

import pyarrow as pa
import pytest
import salesops as so
from hypothesis import given, settings
from hypothesis import strategies as st

START = dt.datetime(2024, 1, 1, 0, 30, tzinfo=dt.UTC)  # never a midnight, so that rows are instants
BRACKETS = [(0, 0), (1, 2), (2, 4)]
WINDOW = dt.timedelta(days=30)
MEASURES = ("classic", "unbounded", "bracket", "window", "previous", "count", "sum", "ltv", "mean")
RATES_OF_MONEY = ("nrr", "grr_point", "grr_path")


def month(at):
    return at.year * 12 + at.month


def cohorts_of(events, how):
    """(segment, cohort, first start, events) of customers and cohorts; how many are older and outside."""
    made, older, outside = [], 0, 0
    starts = how["start"] or "abc"
    for own in events.values():
        segment = min(e["by"] for e in own if e["at"] == own[0]["at"])
        begins = [e for e in own if e["event"] in starts and e["amount"] >= 0]
        active = [e for e in own if e["amount"] >= 0]
        if how["observed_from"] and own[0]["at"] < how["observed_from"]:
            older += 1
        elif not begins or (how["entry"] == "first_ever" and active[0]["at"] != begins[0]["at"]):
            outside += 1
        else:
            months = sorted({month(e["at"]) for e in begins})
            for c in months if how["entry"] == "recurring" else months[:1]:
                made.append((segment, c, next(e["at"] for e in begins if month(e["at"]) == c), own))
    return made, older, outside


def counted(unit, how):
    """The returns of a customer from its start on, the start itself if it is one."""
    starts, returns = how["start"] or "abc", how["returned"] or "abc"
    begun = unit[2]
    for e in unit[3]:
        itself = e["at"] == begun and e["event"] in starts
        if e["event"] in returns and e["amount"] >= 0 and (e["at"] > begun or itself):
            yield e["at"]


def value_of(units, key, measure, least, until):
    """Numerator and denominator of a cell, by its definition."""

    def times(unit, k):
        return sum(month(at) - unit[1] == k for at in unit[4])

    def on(unit, k):
        return times(unit, k) >= least

    def money(unit, k):
        return sum(e["amount"] for e in unit[3] if month(e["at"]) - unit[1] == k)

    def kept(unit, k):
        ages = range(k + 1) if measure == "grr_path" else (0, k)
        return max(0, min(money(unit, age) for age in ages))

    n = len(units)
    if measure == "window":
        over = [u for u in units if u[2] + WINDOW * (key + 1) <= until]
        return sum(sum((at - u[2]) // WINDOW == key for at in u[4]) >= least for u in over), len(over)
    if measure == "bracket":
        return sum(any(on(u, k) for k in range(key[0], key[1] + 1)) for u in units), n
    if measure == "unbounded":
        return sum(any(on(u, k) for k in range(key, 60)) for u in units), n
    if measure == "previous":
        return sum(on(u, key - 1) and on(u, key) for u in units), sum(on(u, key - 1) for u in units)
    if measure in ("grr_point", "grr_path"):
        return sum(kept(u, key) for u in units), sum(kept(u, 0) for u in units)
    if measure == "nrr":
        return sum(money(u, key) for u in units), sum(money(u, 0) for u in units)
    if measure == "classic":
        return sum(on(u, key) for u in units), n
    if measure == "count":
        return sum(times(u, key) for u in units), 1
    if measure == "ltv":
        return sum(money(u, k) for u in units for k in range(key + 1)) / 100, n
    total = sum(money(u, key) for u in units) / 100
    return total, sum(on(u, key) for u in units) if measure == "mean" else 1


rows = st.lists(
    st.fixed_dictionaries(
        {
            "customer": st.integers(0, 5),
            "at": st.integers(0, 6 * 30 * 24).map(lambda hours: START + dt.timedelta(hours=hours)),
            "amount": st.sampled_from([-250, 0, 100, 999]),
            "event": st.sampled_from("abc"),
            "by": st.sampled_from("xy"),
        }
    ),
    min_size=1,
    max_size=40,
)
filters = st.sampled_from([None, "a", "ab", "b"])
options = st.fixed_dictionaries(
    {
        "measure": st.sampled_from(MEASURES + RATES_OF_MONEY),
        "entry": st.sampled_from(["first_time", "first_ever", "recurring"]),
        "start": filters,
        "returned": filters,
        "min_count": st.integers(1, 3),
        "by": st.sampled_from([None, "by"]),
        "observed_from": st.sampled_from([None, START + dt.timedelta(days=45)]),
    }
)


@settings(max_examples=300, deadline=None)
@given(rows=rows, how=options, batches=st.booleans())
def test_every_option_against_the_definitions(rows, how, batches):
    measure = how["measure"]
    if measure == "window" and how["entry"] == "recurring":
        how = {**how, "entry": "first_time"}
    names = {key: {"event": list(how[key])} for key in ("start", "returned") if how[key]}
    names |= {"time": "at", "amount": "amount", "money_unit": "minor", "by": how["by"]}
    finish = {key: how[key] for key in ("measure", "entry", "min_count", "observed_from")}
    finish |= {"interval": None} | {"bracket": {"brackets": BRACKETS}, "window": {"window": "30d"}}.get(
        measure, {}
    )

    def table(part):
        types = [pa.int64(), pa.timestamp("us", "UTC"), pa.int64(), pa.string(), pa.string()]
        names_of = ("customer", "at", "amount", "event", "by")
        cells = [
            pa.array([row[name] for row in part], kind) for name, kind in zip(names_of, types, strict=True)
        ]
        return pa.table(cells, names=names_of)

    if batches:
        parts = [so.cohort.RetentionState.partial(table(part), **names) for part in (rows[::2], rows[1::2])]
        grid = so.cohort.RetentionState().merge(parts).finish(**finish)
    else:
        grid = so.cohort.retention(table(rows), **names, **finish)

    events = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["at"]):
        events[row["customer"]].append(row if how["by"] else {**row, "by": ""})
    units, older, outside = cohorts_of(events, how)
    units = [(*unit, list(counted(unit, how))) for unit in units]
    assert (grid.older, grid.outside, grid.customers) == (older, outside, len(units))
    latest = max(row["at"] for row in rows)
    until = latest + dt.timedelta(microseconds=1)
    core = grid._core
    keys = BRACKETS if measure == "bracket" else core.first_age
    first = min((c for _, c, *_ in units), default=0)
    places = itertools.product(grid.segments, range(len(grid.cohorts)), range(len(grid.ages)))
    for i, (segment, c, k) in enumerate(places):
        inside = [u for u in units if u[0] == segment and u[1] == first + c]
        over, under = value_of(inside, keys[k], measure, how["min_count"], until)
        state, value = core.state[i], core.value[i]
        first_key = keys[k][0] if measure == "bracket" else keys[k]
        begun = under > 0 if measure == "window" else first + c + first_key <= month(latest)
        assert (state != "unobserved") == begun or (measure == "window" and not inside)
        still_open = state == "in_progress" and measure in RATES_OF_MONEY
        if state == "unobserved" or not inside or still_open or under <= 0:
            assert value != value
        else:
            assert value == pytest.approx(over / under)
        if measure == "unbounded" and state in ("complete", "may_grow") and inside:
            assert (state == "complete") == (over == len(inside))
