"""Segments of a grid compared: shares by Cochran, Mantel and Haenszel, money by its definition."""

import numpy as np
import pytest
import salesops as so


def segments(good=0.5, other=0.3, n=1500):
    random = np.random.default_rng(5)
    customer, time, plan = [], [], []
    for i in range(n):
        name, share = ("good", good) if i % 2 else ("other", other)
        born = int(random.integers(0, 3))
        for k in range(6 - born):
            if k == 0 or random.random() < share:
                customer.append(i)
                time.append(f"2024-{born + k + 1:02}-10")
                plan.append(name)
    return {"customer": customer, "time": time, "plan": plan}


def test_segments_that_differ_are_found_and_equal_ones_are_not():
    grid = so.cohort.retention(segments(), by="plan")
    assert grid.segments == ["good", "other"]
    frame = grid.compare()
    assert (frame["p_adjusted"] >= frame["p_value"]).all()
    assert (frame["p_adjusted"][:4] < 0.01).all()
    assert (frame["rate"] > frame["rate_other"]).all()
    assert set(frame["correction"]) == {"holm"}
    sizes = dict(zip(grid.segments, np.array(grid.sizes).reshape(2, -1), strict=True))
    for i, k in enumerate(frame["k"]):
        reached = slice(0, len(grid.cohorts) - 1 - int(k))
        assert (frame["n"][i], frame["n_other"][i]) == (
            sizes["good"][reached].sum(),
            sizes["other"][reached].sum(),
        )
    equal = so.cohort.retention(segments(0.4, 0.4), by="plan").compare("benjamini_hochberg")
    assert (equal["p_adjusted"] > 0.01).all()
    with pytest.raises(so.UsageError, match="segment"):
        grid.triangle()
    assert len(grid.triangle("good").cohorts) == 3


def test_who_changes_segment_counts_in_the_first_and_is_told():
    rows = {
        "customer": ["A", "A", "B", "B", "C", "C"],
        "time": ["2024-01-05", "2024-02-05", "2024-01-05", "2024-02-05", "2024-01-05", "2024-02-05"],
        "plan": ["basic", "pro", "pro", "pro", "pro", None],
    }
    grid = so.cohort.retention(rows, by="plan")
    assert (grid.segments, grid.sizes) == (["basic", "pro"], [1, 0, 2, 0])
    assert grid.issues.count("segment_changes") == 1  # A; of C nothing else is known
    assert "1 segment_changes" in repr(grid)
    assert so.cohort.retention(rows, by="plan", as_of="2024-02-01").issues.count("segment_changes") == 0
    assert so.cohort.retention(segments(), by="plan").issues.count("segment_changes") == 0
    halves = [{name: cells[i::2] for name, cells in rows.items()} for i in (0, 1)]
    state = so.cohort.RetentionState()
    state.merge(so.cohort.RetentionState.partial(half, by="plan") for half in halves)
    assert state.finish().issues.count("segment_changes") == 1


def test_the_test_of_one_cohort_is_that_of_a_table():
    """Cochran, Mantel, Haenszel with one stratum: χ² · (n − 1)/n."""
    rows = {
        "customer": [*range(100), *range(40), *range(60, 75), 100],
        "time": ["2024-01-10"] * 100 + ["2024-02-10"] * 55 + ["2024-02-29"],
        "plan": ["a" if c < 60 else "b" for c in [*range(100), *range(40), *range(60, 75), 100]],
    }
    frame = so.cohort.retention(rows, by="plan").compare("none")
    assert (frame["n"][0], frame["n_other"][0]) == (60, 40)  # without 100, whose only month isn't over
    table = np.array([[40, 20], [15, 25]])
    even = table.sum(1, keepdims=True) * table.sum(0) / 100
    assert frame["statistic"][0] == pytest.approx(((table - even) ** 2 / even).sum() * 99 / 100)


def paying(good, other, n=900, seed=7):
    """Customers of two plans who pay each month, with those amounts on average."""
    random = np.random.default_rng(seed)
    customer, time, plan, amount = [], [], [], []
    for i in range(n):
        name, mean = ("good", good) if i % 2 else ("other", other)
        born = int(random.integers(0, 3))
        for k in range(6 - born):
            if k == 0 or random.random() < 0.6:
                customer.append(i)
                time.append(f"2024-{born + k + 1:02}-10")
                plan.append(name)
                amount.append(round(float(random.gamma(2, mean / 2)), 2))
    return {"customer": customer, "time": time, "plan": plan, "amount": amount}


def defined(rows, measure):
    """Ten lines of definition: Σ w (R₁ − R₂) over its error, cohorts as strata; χ² by age."""
    paid = {}
    for i, at, plan, amount in zip(*rows.values(), strict=True):
        paid.setdefault((plan, i), {})[int(at[5:7]) - 1] = amount
    found = {}
    for k in range(6):
        difference = variance = 0.0
        for c in range(min(3, 5 - k)):  # the last month is in progress
            of = {}
            for plan in ("good", "other"):
                own = [months for (name, _), months in paid.items() if name == plan and min(months) == c]
                if measure == "ltv":
                    v = np.array([sum(months.get(c + j, 0) for j in range(k + 1)) for months in own])
                    b = np.ones(len(own))
                elif measure == "mean":
                    v = np.array([months.get(c + k, 0) for months in own])
                    b = np.array([float(c + k in months) for months in own])
                else:
                    v, b = (np.array([months.get(c + j, 0) for months in own]) for j in (k, 0))
                ratio, n = v.sum() / b.sum(), len(own)
                if measure == "grr_point":
                    v = np.minimum(v, b)
                    ratio = v.sum() / b.sum()
                error = np.sqrt(((v - ratio * b) ** 2).sum() * n / (n - 1)) / b.sum()
                of[plan] = ratio, error, b.sum()
            (one, e1, b1), (two, e2, b2) = of["good"], of["other"]
            w = b1 * b2 / (b1 + b2)
            difference += w * (one - two)
            variance += w * w * (e1**2 + e2**2)
        if variance > 1e-12:
            found[k] = difference**2 / variance
    return found


@pytest.mark.parametrize("measure", ["ltv", "mean", "nrr", "grr_point"])
def test_money_of_segments_is_compared_by_its_definition(measure):
    rows = paying(30, 25)
    grid = so.cohort.retention(
        rows, amount="amount", currency="USD", by="plan", measure=measure, replicates=100
    )
    frame = grid.compare("none")
    expected = defined(rows, measure)
    assert list(frame["k"]) == list(expected)
    assert np.asarray(frame["statistic"]) == pytest.approx(list(expected.values()), rel=1e-9)


def test_money_that_differs_is_found_and_equal_money_rarely():
    rows = paying(30, 25)
    frame = so.cohort.retention(rows, amount="amount", by="plan", measure="ltv", replicates=100).compare()
    assert (np.asarray(frame["p_adjusted"]) < 0.05).all()
    assert (np.asarray(frame["value"]) > np.asarray(frame["value_other"])).all()
    false = 0
    for seed in range(60):
        equal = paying(30, 30, n=200, seed=seed)
        grid = so.cohort.retention(equal, amount="amount", by="plan", measure="ltv", replicates=100)
        false += np.asarray(grid.compare("none")["p_value"])[2] < 0.1
    assert 1 <= false <= 13  # of 60 at 10 %: 6 ± 3 standard deviations


def test_totals_and_money_without_draws_are_not_compared():
    rows = paying(30, 25, n=60)
    with pytest.raises(so.UsageError, match="totals grow"):
        so.cohort.retention(rows, amount="amount", by="plan", measure="sum").compare()
    with pytest.raises(so.UsageError, match="bootstrap"):
        so.cohort.retention(rows, amount="amount", by="plan", measure="ltv", interval=None).compare()


def test_dates_that_no_row_can_be_read_of_are_an_error():
    rows = {"customer": [1, 2, 3], "time": [None, "05.01.2026", "06.01.2026"]}
    for ask in (so.cohort.retention, so.cohort.lifecycle):
        with pytest.raises(
            so.UsageError, match=r"column 'time' has no date that can be read: '05.01.2026' in row 1"
        ):
            ask(rows)


def test_corrections_of_p_values():
    assert so.cohort.adjusted([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert so.cohort.adjusted([0.01, 0.04, 0.03], "benjamini_hochberg") == pytest.approx([0.03, 0.04, 0.04])
    with pytest.raises(so.UsageError):
        so.cohort.adjusted([1.5])
