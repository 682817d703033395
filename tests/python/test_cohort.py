"""Grids of cohorts against hand-made and published tables, brute force, and their own identities."""

import csv
import datetime as dt
import json
import zoneinfo
from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import salesops as so
from hypothesis import given, settings
from hypothesis import strategies as st

# ---- fixtures ----


@pytest.fixture(scope="module")
def golden(data_dir):
    with (data_dir / "survival/cohort_golden_A.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {
        "customer": [row["customer_id"] for row in rows],
        "time": [row["ts_utc"] for row in rows],
        "amount": [row["amount"] for row in rows],
    }


@pytest.fixture(scope="module")
def expected(data_dir):
    return json.loads((data_dir / "survival/cohort_golden_A_expected.json").read_text())


@pytest.fixture(scope="module")
def cdnow(data_dir):
    rows = np.loadtxt(data_dir / "clv/CDNOW_master.txt", dtype=str, skiprows=1)
    days = pd.to_datetime(pd.Series(rows[:, 1]), format="%Y%m%d").dt.date
    return pl.DataFrame(
        {
            "customer": rows[:, 0].astype(np.int32),
            "time": days.tolist(),
            "amount": rows[:, 3].astype(float),
        }
    )


@pytest.fixture(scope="module")
def cdnow_expected(data_dir):
    return json.loads((data_dir / "survival/cdnow_cohort_expected.json").read_text())


def begun(grid, name, cohort):
    """The cells of a cohort that have begun."""
    frame = pl.DataFrame(so.cohort._grid._frame.to_arrow(grid._core.to_table()))
    rows = frame.filter((pl.col("cohort") == cohort) & (pl.col("state") != "unobserved"))
    return rows[name].to_list()


TOY = {
    "id": ["a", "b", "a", "c", "b"],
    "date": ["2024-01-05", "2024-01-20", "2024-02-03", "2024-02-09", "2024-03-31"],
    "value": [10.0, 20.5, 5.25, 8.0, -1.0],
}
GOLDEN = {"amount": "amount", "activity": "positive", "as_of": "2024-05-15T12:00:00Z"}


# ---- tables that are known ----


@pytest.mark.parametrize("zone", ["America/New_York", "UTC"])
def test_the_golden_grid_in_two_zones(golden, expected, zone):
    classic = so.cohort.retention(golden, tz=zone, **GOLDEN)
    unbounded = so.cohort.retention(golden, tz=zone, measure="unbounded", **GOLDEN)
    sizes = dict(zip(classic.cohorts, classic.sizes, strict=True))
    for row in expected[zone]["cohorts"]:
        assert sizes[row["cohort"]] == row["size"]
        assert begun(classic, "active", row["cohort"]) == row["classic"]
        assert begun(unbounded, "active", row["cohort"]) == row["unbounded"]
        assert begun(classic, "amount", row["cohort"]) == row["net_revenue"]
        states = begun(classic, "state", row["cohort"])
        assert states == ["complete"] * (len(states) - 1) + ["in_progress"]
    assert sum(sizes.values()) == 6
    life = so.cohort.lifecycle(golden, tz=zone, **GOLDEN)
    for i, period in enumerate(life.periods):
        for kind in ("new", "returning", "resurrecting", "dormant"):
            assert getattr(life._core, kind)[i] == len(expected[zone]["lifecycle"][period].get(kind, []))


def test_the_zone_alone_moves_a_cohort(golden):
    sizes = {}
    for zone in ("America/New_York", "UTC"):
        grid = so.cohort.retention(golden, tz=zone, **GOLDEN)
        sizes[zone] = dict(zip(grid.cohorts, grid.sizes, strict=True))
    assert sizes["America/New_York"]["2024-03"] == 1 == sizes["UTC"]["2024-04"]
    assert sizes["UTC"]["2024-03"] == 0 == sizes["America/New_York"]["2024-04"]


def test_cdnow_by_month(cdnow, cdnow_expected):
    grid = so.cohort.retention(cdnow, amount="amount")
    assert grid.customers == 23_570
    for cohort, row in cdnow_expected["cohorts"].items():
        known = [n for n in row["classic"] if n is not None]
        assert begun(grid, "active", cohort) == known
        assert begun(grid, "n", cohort) == [row["size"]] * len(known)
        revenue = [value for value in row["net_revenue"] if value is not None]
        assert begun(grid, "amount", cohort) == pytest.approx(revenue, abs=1e-9)
        assert set(begun(grid, "state", cohort)) == {"complete"}
    pooled = grid.pooled()
    at = {k: (a, n) for k, a, n in zip(pooled["k"], pooled["active"], pooled["n"], strict=True)}
    assert [at[k] for k in (1, 12, 16, 17)] == [(3501, 23570), (1774, 23570), (1048, 16322), (498, 7846)]
    low, high = pooled["low"][1], pooled["high"][1]
    assert low < 3501 / 23570 < high
    assert pooled["simple"][1] == pytest.approx((1157 / 7846 + 1312 / 8476 + 1032 / 7248) / 3)


def test_cdnow_brackets_and_lifecycle(cdnow, cdnow_expected):
    brackets = [1, (2, 3), (4, 6), (7, 12)]
    grid = so.cohort.retention(cdnow, measure="bracket", brackets=brackets)
    assert grid.ages == ["1", "2-3", "4-6", "7-12"]
    for cohort, row in cdnow_expected["brackets_months"].items():
        assert begun(grid, "active", cohort) == list(row.values())
    life = so.cohort.lifecycle(cdnow).to_frame()
    for row in life.iter_rows(named=True):
        known = cdnow_expected["lifecycle"][row["period"]]
        assert {kind: row[kind] for kind in known} == known
    june = life.filter(pl.col("period") == "1998-06").row(0, named=True)
    counts = (june["new"], june["returning"], june["resurrecting"], june["dormant"])
    assert counts == (0, 446, 1060, 1042)


def test_cdnow_time_to_the_second_purchase(cdnow):
    days = cdnow.group_by("customer", "time").len().sort("customer", "time")
    first = days.group_by("customer", maintain_order=True).agg(
        pl.col("time").first().alias("first"), pl.col("time").get(1, null_on_oob=True).alias("second")
    )
    end = dt.date(1998, 6, 30)
    until = first.with_columns(lasted=(pl.col("second").fill_null(end) - pl.col("first")).dt.total_days())
    curve = so.survival.KaplanMeier().fit(
        until["lasted"].to_numpy(), until["second"].is_not_null().to_numpy()
    )
    found = [curve.at(t) for t in (30, 90, 365)]
    assert found == pytest.approx([0.8254136614, 0.7078065337, 0.5413661434], abs=1e-10)


@pytest.mark.parametrize(
    ("active", "n", "kind", "low", "high"),
    [
        (0, 10, "wilson", 0, 0.2775327999),
        (1, 10, "wilson", 0.0178762131, 0.4041500268),
        (37, 50, "wilson", 0.6044684274, 0.8412847251),
        (263, 1000, "wilson", 0.2366568598, 0.2911570237),
        (1, 10, "clopper_pearson", 0.0025285785, 0.4450161170),
    ],
)
def test_intervals_of_a_share(active, n, kind, low, high):
    times = ["2024-01-15"] * n + ["2024-02-15"] * active + ["2024-03-31"]
    customers = [*range(n), *range(active), n]
    grid = so.cohort.retention({"customer": customers, "time": times}, interval=kind)
    cell = grid.to_frame()
    assert cell["rate"][1] == active / n
    assert [cell["low"][1], cell["high"][1]] == pytest.approx([low, high], abs=1e-10)
    assert grid.interval == kind


def test_triangle_a_in_all_three_columns():
    cohorts = [[100, 80, 60, 50], [200, 150, 120], [400, 300], [500]]
    triangle = so.cohort.Triangle(cohorts)
    curve = triangle.survival()
    assert curve["at_risk"].tolist() == [700, 230, 60]
    assert curve["lost"].tolist() == [170, 50, 10]
    assert curve["survival"].tolist() == pytest.approx([0.7571428571, 0.5925465839, 0.4937888199], abs=1e-10)
    assert curve["std_error"].tolist() == pytest.approx([0.0162074741, 0.0241854150, 0.0349136416], abs=1e-10)
    pooled = triangle.pooled()
    assert pooled["rate"].tolist() == pytest.approx([1, 0.7571428571, 0.6, 0.5], abs=1e-10)
    wrong = [sum(row[k] for row in cohorts if len(row) > k) / 1200 for k in (1, 2, 3)]
    assert wrong == pytest.approx([0.4416666667, 0.15, 0.0416666667], abs=1e-10)
    assert not np.allclose(pooled["rate"].tolist()[1:], wrong)


def test_a_grid_of_contracts_gives_its_triangle():
    rows = [
        (f"{c}-{i}", f"2024-{c + k + 1:02}-10")
        for c, left in enumerate([[100, 80, 60, 50], [200, 150, 120], [400, 300], [500]])
        for k, n in enumerate(left)
        for i in range(n)
    ]
    customer, time = zip(*rows, strict=True)
    grid = so.cohort.retention({"customer": customer, "time": time}, as_of="2024-05-01")
    assert grid.triangle().cohorts == [[100, 80, 60, 50], [200, 150, 120], [400, 300], [500]]
    pooled = grid.pooled()
    assert pooled["weighted"].tolist() == pytest.approx([1, 530 / 700, 180 / 300, 50 / 100])


@pytest.mark.parametrize(("kind", "s12"), [("sbg", 0.377999), ("bdw", 0.403930)])
def test_projections_of_high_end_customers(kind, s12):
    left = [1000, 869, 743, 653, 593, 551, 517, 491]
    made = so.cohort.Triangle([left]).project(5, model=kind, fans=200, seed=3)
    curve = made.curve()
    assert curve["survival"].tolist()[12] == pytest.approx(s12, abs=2e-6)
    assert curve["survival_lo_80"].tolist()[12] < s12 < curve["survival_hi_80"].tolist()[12]
    fit = made.fits[made.model]
    likelihood = {"sbg": -1611.158147, "bdw": -1605.314213}[kind]
    assert fit.log_likelihood == pytest.approx(likelihood, abs=1e-6)
    assert all(low < fit.parameters[name] < high for name, (low, high) in fit.profile.items())
    frame = made.to_frame()
    assert frame["left"].tolist()[:8] == left
    assert frame["projected"].tolist() == [False] * 8 + [True] * 5
    again = so.cohort.Triangle([left]).project(5, model=kind, fans=200, seed=3)
    assert again.to_frame()["left_lo_80"].tolist() == frame["left_lo_80"].tolist()


def test_the_lower_aic_projects():
    made = so.cohort.Triangle([[1000, 869, 743, 653, 593, 551, 517, 491]]).project(5, fans=100)
    assert made.model == "BdW"
    assert made.fits["BdW"].aic < made.fits["sBG"].aic
    assert "BdW" in repr(made)


# ---- brute force ----


def label(day, every, sunday=False):
    if every == "day":
        return day.isoformat()
    if every == "month":
        return f"{day:%Y-%m}"
    if sunday:
        return (day - dt.timedelta(days=(day.weekday() + 1) % 7)).isoformat()
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


ZONES = [
    "Africa/Casablanca", "America/Havana", "America/New_York", "America/Sao_Paulo", "America/St_Johns",
    "Antarctica/Troll", "Asia/Amman", "Asia/Gaza", "Asia/Kathmandu", "Asia/Tehran", "Asia/Tokyo",
    "Atlantic/Azores", "Australia/Lord_Howe", "Europe/Berlin", "Europe/London", "Pacific/Apia",
    "Pacific/Chatham", "Pacific/Kiritimati", "America/Caracas", "UTC",
]  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
def test_periods_of_thirty_years_against_zoneinfo(zone):
    tz = zoneinfo.ZoneInfo(zone)
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    instants = []
    for offset in range(30 * 365 + 8):
        midnight = dt.datetime(1995, 1, 1) + dt.timedelta(days=offset)
        us = (midnight.replace(tzinfo=tz) - epoch) // dt.timedelta(microseconds=1)
        instants += [us - 1, us, us + 59_000_000]
    days = [(epoch + dt.timedelta(microseconds=us)).astimezone(tz).date() for us in instants]
    data = {
        "customer": np.arange(len(instants)),
        "time": np.array(instants).astype("datetime64[us]"),
    }
    for every, sunday in (("day", False), ("week", False), ("week", True), ("month", False)):
        start = {"week_start": "sunday"} if sunday else {}
        table = pa.table(data).set_column(1, "time", pa.array(data["time"], pa.timestamp("us", "UTC")))
        grid = so.cohort.retention(table, every=every, tz=zone, max_age=0, **start)
        found = {c: n for c, n in zip(grid.cohorts, grid.sizes, strict=True) if n}
        assert found == Counter(label(day, every, sunday) for day in days)


def reference(rows, zone, last):
    """Cohort grids and lifecycle by month of (customer, instant, minor units), customer by customer."""
    tz = zoneinfo.ZoneInfo(zone)
    months = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for customer, at, minor in rows:
        day = at.astimezone(tz)
        slot = months[customer][day.year * 12 + day.month - 1]
        slot[0] += minor >= 0
        slot[1] += minor
    grid = defaultdict(lambda: dict.fromkeys(("size", "classic", "unbounded", "sum", "previous", "grr"), 0))
    life = defaultdict(Counter)
    for slots in months.values():
        active = sorted(m for m, (n, _) in slots.items() if n)
        if not active:
            continue
        c = active[0]
        least = slots[c][1]
        for m in range(c, last + 1):
            cell = grid[c, m - c]
            amount = slots[m][1] if m in slots else 0
            least = min(least, amount)
            cell["size"] += 1
            cell["classic"] += m in active
            cell["unbounded"] += active[-1] >= m
            cell["previous"] += m in active and m - 1 in active
            cell["sum"] += amount
            cell["grr"] += least
            if m in active:
                kind = "new" if m == c else "returning" if m - 1 in active else "resurrecting"
                life[m][kind] += 1
            elif m - 1 in active:
                life[m]["dormant"] += 1
    return grid, life


moments = st.datetimes(dt.datetime(2023, 1, 1), dt.datetime(2024, 6, 30), timezones=st.just(dt.UTC))
events = st.lists(st.tuples(st.integers(0, 6), moments, st.integers(-500, 1000)), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(rows=events, zone=st.sampled_from(ZONES))
def test_grids_against_brute_force(rows, zone):
    latest = max(at for _, at, _ in rows).astimezone(zoneinfo.ZoneInfo(zone))
    last = latest.year * 12 + latest.month - 1
    cells, life = reference(rows, zone, last)
    customer, at, minor = zip(*rows, strict=True)
    data = pa.table({"customer": customer, "time": pa.array(at, pa.timestamp("us", "UTC")), "amount": minor})
    options = {"amount": "amount", "money_unit": "minor", "tz": zone, "interval": None}
    names = {"classic": "active", "unbounded": "active", "previous": "active", "sum": "amount"}
    for measure, name in names.items():
        grid = so.cohort.retention(data, measure=measure, **options)
        core = grid._core
        ages, starts, values, sizes = core.first_age, core.starts, core.value, core.size
        counts = getattr(core, name)
        seen = 0
        for i, state in enumerate(core.state):
            c, k = divmod(i, len(ages))
            key = (starts[c].year * 12 + starts[c].month - 1, ages[k])
            if state == "unobserved":
                assert values[i] != values[i]
                continue
            if sizes[c] == 0:
                assert key not in cells
                continue
            seen += 1
            assert sizes[c] == cells[key]["size"]
            assert counts[i] == cells[key][measure]
        assert seen == sum(1 for _, k in cells if k >= (1 if measure == "previous" else 0))
    found = so.cohort.lifecycle(data, amount="amount", money_unit="minor", tz=zone)._core
    for i, start in enumerate(found.starts[:-1] if found.periods else []):
        counts = life[start.year * 12 + start.month - 1]
        for kind in ("new", "returning", "resurrecting", "dormant"):
            assert getattr(found, kind)[i] == counts[kind]


@settings(max_examples=40, deadline=None)
@given(rows=events, cut=st.integers(0, 60), order=st.randoms())
def test_parts_in_any_order_make_the_whole(rows, cut, order):
    def table(part):
        customer, at, minor = zip(*part, strict=True) if part else ((), (), ())
        return pa.table(
            {
                "customer": pa.array(customer, pa.int64()),
                "time": pa.array(at, pa.timestamp("us", "UTC")),
                "amount": pa.array(minor, pa.int64()),
            }
        )

    how = {"measure": "grr_path", "replicates": 100}
    whole = so.cohort.retention(table(rows), amount="amount", **how)
    mixed = list(rows)
    order.shuffle(mixed)
    state = so.cohort.RetentionState()
    for part in (mixed[:cut], mixed[cut:]):
        state.merge(so.cohort.RetentionState.partial(table(part), amount="amount"))
    assert state.finish(**how).to_frame().equals(whole.to_frame())
    assert state.lifecycle().to_frame().equals(so.cohort.lifecycle(table(rows), amount="amount").to_frame())


# ---- time ----


def test_as_of_a_day_is_its_beginning():
    grid = so.cohort.retention(TOY, customer="id", time="date", as_of="2024-03-01")
    assert grid.cohorts == ["2024-01", "2024-02"]
    assert set(grid.to_wide("state")["1"].tolist()) == {"complete", "unobserved"}
    later = so.cohort.retention(TOY, customer="id", time="date", as_of=dt.datetime(2024, 3, 1, 0, 1))
    assert later.cohorts[-1] == "2024-03"
    default = so.cohort.retention(TOY, customer="id", time="date")
    assert default.as_of == dt.datetime(2024, 3, 31, 23, 59, 59, 999999, tzinfo=dt.UTC)


def test_weeks_blocks_and_fiscal_periods():
    rows = {"customer": [1, 2, 3], "time": ["2024-01-06", "2024-01-07", "2024-01-08"]}
    assert so.cohort.retention(rows, every="week").cohorts == ["2024-W01", "2024-W02"]
    sunday = so.cohort.retention(rows, every="week", week_start="sunday")
    assert (sunday.cohorts, sunday.sizes) == (["2023-12-31", "2024-01-07"], [1, 2])
    blocks = so.cohort.retention(rows, every="2d")
    assert (blocks.cohorts, blocks.sizes) == (["2024-01-05", "2024-01-07"], [1, 2])
    anchored = so.cohort.retention(rows, every="2d", anchor="2024-01-07")
    assert (anchored.cohorts, anchored.sizes) == (["2024-01-06", "2024-01-08"], [2, 1])
    retail = so.cohort.retention(rows, calendar=so.calendar.FiscalCalendar.week_pattern("4-4-5"))
    assert retail.cohorts == ["FY24-P01"]
    fiscal = so.cohort.retention(rows, every="quarter", calendar=so.calendar.FiscalCalendar(start_month=2))
    assert fiscal.cohorts == ["FY24-Q4"]


def test_a_period_without_anybody_is_a_row_of_zeros():
    rows = {"customer": ["a", "a", "b"], "time": ["2024-01-05", "2024-04-05", "2024-04-30"]}
    grid = so.cohort.retention(rows)
    assert grid.cohorts == ["2024-01", "2024-02", "2024-03", "2024-04"]
    assert grid.sizes == [1, 0, 0, 1]
    assert begun(grid, "active", "2024-01") == [1, 0, 0, 1]
    assert begun(grid, "rate", "2024-02") == [None, None, None]


def test_daily_cohorts_over_ten_years_are_refused_unless_allowed():
    rows = {"customer": [1, 2], "time": ["2014-01-01", "2023-12-31"]}
    with pytest.raises(so.UsageError, match=r"more than 1000000: take weeks, set max_age, or .* max_cells"):
        so.cohort.retention(rows, every="day")
    assert len(so.cohort.retention(rows, every="day", max_age=3).cohorts) == 3652


# ---- who begins, what counts ----


def test_starts_and_returns_may_be_different_events():
    log = {
        "customer": [1, 1, 1, 2, 2, 3],
        "time": [f"2024-{text}" for text in ("01-05", "01-09", "02-05", "01-03", "02-05", "02-06")],
        "event": ["signup", "login", "login", "login", "signup", "login"],
    }
    how = {"start": {"event": "signup"}, "returned": {"event": ["login"]}}
    grid = so.cohort.retention(log, **how)
    assert (grid.sizes, grid.outside) == ([1, 1], 1)
    assert begun(grid, "active", "2024-01") == [1, 1]
    assert begun(grid, "active", "2024-02") == [0]
    first = so.cohort.retention(log, entry="first_ever", **how)
    assert (first.customers, first.outside) == (1, 2)
    flags = log | {"is_signup": [event == "signup" for event in log["event"]]}
    assert so.cohort.retention(flags, start="is_signup").sizes == [1, 1]


def test_customers_older_than_the_log_are_counted_apart(golden):
    grid = so.cohort.retention(golden, observed_from="2024-02-01", **GOLDEN)
    assert (grid.older, grid.customers, grid.cohorts[0]) == (2, 4, "2024-02")
    assert "2 older than the log" in repr(grid)
    known = golden | {"joined": ["2023" if c == "C" else "2024" for c in golden["customer"]]}
    marked = so.cohort.retention(known, older={"joined": "2023"}, **GOLDEN)
    assert (marked.older, marked.customers) == (1, 5)
    life = so.cohort.lifecycle(golden, observed_from="2024-02-01", **GOLDEN).to_frame()
    assert life["older"].tolist() == [1, 1, 0, 0]


def test_windows_count_customers_whose_window_is_over():
    rows = {
        "customer": [1, 1, 1, 2, 2],
        "time": [
            "2024-01-01T12:00",
            "2024-01-02T11:00",
            "2024-01-02T12:00",
            "2024-01-03T00:00",
            "2024-01-04T01:00",
        ],
    }
    grid = so.cohort.retention(rows, measure="window", window="24h", as_of="2024-01-05")
    assert begun(grid, "n", "2024-01") == [2, 2, 1]
    assert begun(grid, "active", "2024-01") == [2, 2, 0]
    assert begun(grid, "state", "2024-01") == ["complete", "complete", "in_progress"]


# ---- money ----

MRR = {"A": [100, 120, 80], "B": [200, 150, 200], "C": [50, 0, 50], "D": [150, 150, 0]}


def invoices():
    return {
        "customer": [name for name in MRR for _ in range(3)],
        "time": ["2024-01-15", "2024-02-15", "2024-03-15"] * 4,
        "amount": [amount for row in MRR.values() for amount in row],
    }


def test_three_definitions_of_kept_revenue():
    values = {
        measure: begun(
            so.cohort.retention(
                invoices(), amount="amount", measure=measure, interval=None, as_of="2024-04-01"
            ),
            "rate",
            "2024-01",
        )
        for measure in ("nrr", "grr_point", "grr_path")
    }
    assert values["nrr"] == pytest.approx([1, 0.84, 0.66])
    assert values["grr_point"] == pytest.approx([1, 0.80, 0.66])
    assert values["grr_path"] == pytest.approx([1, 0.80, 0.46])


def test_value_by_age_and_its_interval():
    grid = so.cohort.retention(invoices(), amount="amount", measure="ltv", as_of="2024-04-01", seed=4)
    assert begun(grid, "value", "2024-01") == pytest.approx([125, 230, 312.5])
    assert grid.interval == "bootstrap"
    assert all(
        low < v < high
        for low, v, high in zip(*(begun(grid, n, "2024-01") for n in ("low", "value", "high")), strict=True)
    )
    mean = so.cohort.retention(
        invoices(), amount="amount", measure="mean", activity="positive", interval=None
    )
    assert begun(mean, "value", "2024-01")[1] == pytest.approx(140)
    count = so.cohort.retention(invoices(), measure="count")
    assert begun(count, "value", "2024-01") == [4, 4, 4]


def test_payback_against_the_cost_of_a_customer():
    grid = so.cohort.retention(invoices(), amount="amount", measure="ltv", interval=None, as_of="2024-04-01")
    assert grid.payback(200)["payback"].tolist()[0] == 1
    assert grid.payback(200, interpolate=True)["payback"].tolist()[0] == pytest.approx(1 + 75 / 105)
    late = grid.payback({"2024-01": 1000})
    assert np.isnan(late["payback"][0])
    assert late["at_least"][0] == 3
    assert grid.payback(150, margin=0.5)["payback"].tolist()[0] == 2


@pytest.mark.parametrize(
    ("label", "answer"),
    [
        ("2024-1", "; did you mean '2024-01'?"),
        ("2024-O2", "; did you mean '2024-02'?"),
        (dt.date(2024, 3, 1), "; did you mean '2024-03'?"),
        ("May", "; they go from '2024-01' to '2024-12'"),
        (("2024-01",), "; did you mean '2024-01'?"),
    ],
)
def test_a_cost_of_no_cohort_is_refused(label, answer):
    grid = so.cohort.retention(invoices(), amount="amount", measure="ltv", interval=None, as_of="2025-01-01")
    with pytest.raises(so.UsageError) as error:
        grid.payback({"2024-01": 200, label: 5})
    assert str(error.value) == f"cac: there is no cohort {str(label)!r}{answer}"


def test_currencies_are_not_mixed():
    rows = invoices() | {"code": ["EUR"] * 6 + ["USD"] * 6}
    with pytest.raises(so.UnitError, match="2 currencies"):
        so.cohort.retention(rows, amount="amount", currency="code")
    one = so.cohort.retention(rows | {"code": ["JPY"] * 12}, amount="amount", currency="code")
    assert one.currency == "JPY"
