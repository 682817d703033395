"""Cohorts where definitions meet their edges: refunds, filters in other words, nobody lost, few customers."""

import csv
import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
import salesops as so

LOG = {
    "customer": [1, 1],
    "time": ["2026-01-05T10:00", "2026-03-05T10:00"],
    "event": ["signup", "login"],
}
DIFFERENT = {"start": {"event": "signup"}, "returned": {"event": "login"}}


def cells(grid, name):
    return list(grid.to_frame()[name])


# ---- what may grow ----


def test_unbounded_may_grow_at_age_0_until_all_count():
    early = so.cohort.retention(LOG, **DIFFERENT, measure="unbounded", as_of="2026-03-01")
    assert (cells(early, "rate")[0], cells(early, "state")[0]) == (0, "may_grow")
    late = so.cohort.retention(LOG, **DIFFERENT, measure="unbounded", as_of="2026-04-01")
    assert (cells(late, "rate")[0], cells(late, "state")[0]) == (1, "complete")
    assert cells(so.cohort.retention(LOG, measure="unbounded", as_of="2026-02-01"), "state")[0] == "complete"
    twice = so.cohort.retention(LOG, measure="unbounded", min_count=2, as_of="2026-02-01")
    assert cells(twice, "state")[0] == "may_grow"


# ---- kept amounts ----


def paid(*rows):
    return {
        "customer": [who for who, *_ in rows],
        "time": [f"2026-{month:02}-05" for _, month, _ in rows],
        "amount": [amount for *_, amount in rows],
    }


@pytest.mark.parametrize("measure", ["grr_point", "grr_path"])
@pytest.mark.parametrize(
    ("rows", "nrr", "grr"),
    [
        ([("A", 1, 100), ("B", 1, 100), ("A", 2, -40), ("B", 2, 100)], 0.3, 0.5),
        ([("A", 1, 100), ("B", 1, 100), ("A", 2, -140), ("B", 2, -100)], -1.2, 0),
        ([("A", 1, 100), ("B", 1, 10), ("B", 1, -50)], 0, 0),
        ([("A", 1, 100), ("B", 1, 10), ("B", 1, -50), ("A", 2, 70), ("B", 2, 500)], 9.5, 0.7),
    ],
)
def test_gross_retention_lies_between_nothing_and_all(rows, nrr, grr, measure):
    how = {"amount": "amount", "as_of": "2026-03-01", "interval": None}
    gross = so.cohort.retention(paid(*rows), measure=measure, **how)
    assert cells(gross, "rate")[:2] == pytest.approx([1, grr])
    net = so.cohort.retention(paid(*rows), measure="nrr", **how)
    assert cells(net, "rate")[:2] == pytest.approx([1, nrr])
    drawn = so.cohort.retention(paid(*rows), measure=measure, amount="amount", as_of="2026-03-01")
    assert 0 <= cells(drawn, "low")[1] <= cells(drawn, "high")[1] <= 1


def test_gross_retention_is_that_of_subscriptions():
    amounts = {"A": [100, 120, 80], "B": [200, 0, 200], "C": [50, 60, 60], "D": [150, 150, 0]}
    rows = [(who, m, one) for who, row in amounts.items() for m, one in enumerate(row, 1)]
    grids = {
        measure: so.cohort.retention(
            paid(*rows), amount="amount", measure=measure, as_of="2026-04-01", interval=None
        )
        for measure in ("grr_point", "grr_path")
    }
    plans = {
        "customer": [who for who, *_ in rows],
        "start": [f"2026-{m:02}-01" for _, m, _ in rows],
        "end": [f"2026-{m + 1:02}-01" for _, m, _ in rows],
        "amount": [one for *_, one in rows],
    }
    of_plans = so.subscription.retention(plans, over=2, as_of="2026-04-01", reactivation=True).to_wide()
    for measure, grid in grids.items():
        assert cells(grid, "rate")[2] == pytest.approx(of_plans[measure].tolist()[-1])


# ---- filters ----

BUYS = {
    "customer": [1, 2, 2, 3],
    "time": ["2026-01-05T10:00", "2026-01-06T10:00", "2026-02-06T10:00", "2026-02-07T10:00"],
    "event": ["buy"] * 4,
    "bought": [True] * 4,
}


@pytest.mark.parametrize("start", [None, {"event": "buy"}, {"event": ["buy", "renew"]}, "bought"])
@pytest.mark.parametrize(
    "returned",
    [None, {"event": ["buy"]}, {"event": np.array(["buy"])}, {"event": ("renew", "buy")}, {"bought": True}],
)
def test_filters_go_by_the_rows_that_pass(start, returned):
    for how in ({}, {"measure": "window", "window": "7d"}, {"entry": "recurring"}):
        plain = so.cohort.retention(BUYS, as_of="2026-04-01", **how)
        other = so.cohort.retention(BUYS, start=start, returned=returned, as_of="2026-04-01", **how)
        pd.testing.assert_frame_equal(pd.DataFrame(other.to_frame()), pd.DataFrame(plain.to_frame()))
        assert cells(other, "rate")[0] == 1


def test_the_start_is_a_return_where_it_passes_as_one():
    log = {
        "customer": [1, 1, 2, 3],
        "time": ["2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08"],
        "event": ["view", "buy", "buy", "view"],
    }
    # Of three who begin, one buys after it and one by it.
    grid = so.cohort.retention(log, returned={"event": "buy"}, as_of="2026-02-01")
    assert cells(grid, "active") == [2]
    # Rows of others change nothing, and neither does what comes later.
    alone = so.cohort.retention(
        {name: column[2:3] for name, column in log.items()}, returned={"event": "buy"}, as_of="2026-02-01"
    )
    assert cells(alone, "active") == [1]


def test_a_slip_in_a_filter_is_told_with_what_there_is():
    log = {**LOG, "n": [1, 2]}
    slip = so.cohort.retention(log, start={"event": "singup"}, returned={"event": "bought"})
    assert slip.notes == [
        "start: no row of column 'event' is 'singup'; did you mean 'signup'?",
        "returned: no row of column 'event' is 'bought'; there are 'login' and 'signup'",
    ]
    assert "did you mean 'signup'?" in repr(slip)
    assert so.cohort.retention(log, start={"n": [3, 4]}).notes == [
        "start: no row of column 'n' is 3 or 4; there are 1 and 2"
    ]
    both = so.cohort.retention(log, start={"event": "signup", "n": 2})
    assert both.notes == ["start: no row passes all of event, n at once"]
    never = pd.DataFrame(log).assign(started=[False, False])
    assert so.cohort.retention(never, start="started").notes == ["start: column 'started' is true in no row"]
    assert so.cohort.retention(log, **DIFFERENT).notes == []
    many = {**LOG, "event": [f"{i}@example.com" for i in range(2)]}
    many = {name: column * 20 for name, column in many.items()} | {"event": [f"{i}@x.com" for i in range(40)]}
    assert "@" not in so.cohort.retention(many, start={"event": "signup"}).notes[0]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"n": "1"}, "start: column 'n' holds int64, and '1' is text: leave the quotes out"),
        ({"event": 1}, "start: column 'event' holds text, and int is none: put its values in quotes"),
        ({"event": ["signup", None]}, "start: column 'event' holds text, and NoneType is none"),
    ],
)
def test_a_filter_of_another_kind_than_its_column_is_refused(wanted, words):
    with pytest.raises(so.UsageError) as error:
        so.cohort.retention({**LOG, "n": [1, 2]}, start=wanted)
    assert str(error.value).startswith(words)


def test_days_are_filtered_by_their_text():
    log = {**LOG, "day": [dt.date(2026, 1, 1), dt.date(2026, 2, 1)]}
    assert so.cohort.retention(log, start={"day": "2026-01-01"}).customers == 1
    with pytest.raises(so.UsageError, match="column 'day' holds date, not 'soon'"):
        so.cohort.retention(log, start={"day": "soon"})


# ---- batches ----


def test_batches_of_other_filters_are_refused():
    part = so.cohort.RetentionState.partial
    state = so.cohort.RetentionState().merge(part(LOG, start={"event": "signup"}))
    state.merge(part(LOG, start={"event": ["signup"]}))
    for other in ({"event": "login"}, None, {"event": ["signup", "login"]}):
        with pytest.raises(so.UsageError, match="another filter as start; read all with the same"):
            state.merge(part(LOG, start=other))
    with pytest.raises(so.UsageError, match="as returned, older"):
        state.merge(part(LOG, start={"event": "signup"}, returned={"event": "login"}, older={"event": "x"}))
    assert state.events == 4
    flags = {**LOG, "began": [True, False]}
    begun = part(flags, start="began").merge(part(flags, start={"began": True}))
    assert begun.finish().customers == 1
    with pytest.raises(so.UsageError, match="different columns as by: 'event' and 'began'"):
        part(flags, by="event").merge(part(flags, by="began"))


def test_finish_names_itself_and_what_it_takes():
    state = so.cohort.RetentionState.partial(LOG)
    words = r"finish\(\) got an unexpected keyword argument 'tz'; the batches were read with it, by partial"
    with pytest.raises(TypeError, match=words):
        state.finish(tz="UTC")
    slip = (
        r"finish\(\) got an unexpected keyword argument 'mesure'; did you mean 'measure'\?; it takes every, "
    )
    with pytest.raises(TypeError, match=slip):
        state.finish(mesure="classic")
    with pytest.raises(TypeError, match=r"lifecycle\(\) got an unexpected keyword argument 'typo'"):
        state.lifecycle(typo=1)


def test_brackets_are_named_once_and_models_as_they_are_told():
    for brackets, name in (([1, 1], "1"), ([(2, 3), 1, (2, 3)], r"\(2, 3\)")):
        with pytest.raises(so.UsageError, match=f"brackets: {name} is there twice"):
            so.cohort.retention(LOG, measure="bracket", brackets=brackets)
    triangle = so.cohort.Triangle([[100, 80, 70]])
    for model in ("sBG", "BdW"):
        made = triangle.project(2, model=model, fans=100)
        assert triangle.project(2, model=made.model.lower(), fans=100).curve().equals(made.curve())
    with pytest.raises(so.UsageError, match="model is"):
        triangle.project(2, model="weibull")


# ---- customers who repeat ----


def test_one_customer_of_twelve_months_is_one_customer():
    log = {"customer": [1] * 12, "time": [f"2025-{m:02}-05" for m in range(1, 13)]}
    pooled = so.cohort.retention(log, entry="recurring", as_of="2026-01-01").pooled()
    assert (pooled["n"][0], pooled["weighted"][0], pooled["high"][0]) == (12, 1, 1)
    assert pooled["low"][0] == pytest.approx(1 / (1 + 1.959963984540054**2))  # Wilson's, 1 of 1


def test_the_interval_of_customers_who_repeat_covers():
    rng = np.random.default_rng(5)
    n, months, runs = 60, 12, 150
    covered = {"wilson": 0, "clustered": 0}
    for _ in range(runs):
        habit = rng.beta(0.4, 0.4, n)  # customers who always come, and customers who hardly do
        here = rng.random((n, months)) < habit[:, None]
        who, when = np.nonzero(here)
        log = {"customer": who.tolist(), "time": [f"2025-{m + 1:02}-05" for m in when]}
        log = {"customer": [*log["customer"], n], "time": [*log["time"], "2025-12-06"]}
        row = so.cohort.retention(log, entry="recurring", as_of="2026-01-01").pooled()
        # Of a customer here in a month, the chance to be here in the next: E h² ÷ E h.
        truth = (0.4 * 1.4) / (0.8 * 1.8) / 0.5
        active, cells_of = row["active"][1], row["n"][1]
        p, z = active / cells_of, 1.96
        half = z * math.sqrt(p * (1 - p) / cells_of)
        covered["wilson"] += p - half <= truth <= p + half
        covered["clustered"] += row["low"][1] <= truth <= row["high"][1]
    assert covered["clustered"] / runs > 0.90
    assert covered["wilson"] / runs < 0.85


def test_means_of_money_of_customers_who_repeat_have_no_interval_and_say_why():
    rows = [(who, month, 10 * month) for who in "ABC" for month in (1, 2, 3)]
    how = {"amount": "amount", "measure": "ltv", "as_of": "2026-04-01"}
    grid = so.cohort.retention(paid(*rows), entry="recurring", **how)
    assert np.isnan(grid.pooled()["low"]).all()
    assert "with recurring entry a customer is in several cohorts" in grid.notes[0]
    assert "No band: customers are in several cohorts" in grid.plot("curves").subtitle
    once = so.cohort.retention(paid(*rows), **how)
    assert not np.isnan(once.pooled()["low"]).any()
    assert once.notes == []


# ---- fans ----


def fan_of(made):
    last = made.curve().iloc[-1]
    return last["survival"], last["survival_lo_80"], last["survival_hi_80"]


@pytest.mark.parametrize(
    ("cohorts", "point", "low", "high"),
    [
        ([[1, 1]], 1, (0, 0.7), (0.999, 1)),
        ([[100, 100, 100]], 1, (0.9, 0.99), (0.999, 1)),
        ([[100, 0]], 0, (0, 1e-6), (1e-4, 0.05)),
        ([[30, 30, 30, 30], [20, 20]], 1, (0.6, 0.97), (0.999, 1)),
    ],
)
def test_no_fan_is_without_a_width(cohorts, point, low, high):
    value, lower, upper = fan_of(so.cohort.Triangle(cohorts).project(3, fans=400))
    assert value == pytest.approx(point, abs=0.003)
    assert low[0] <= lower <= low[1]
    assert high[0] - 1e-9 <= upper <= high[1]


def test_the_survival_of_nobody_lost_has_a_bound():
    curve = so.cohort.Triangle([[20, 20, 20], [10, 10]]).survival()
    assert curve["survival"].tolist() == [1, 1]
    assert curve["low"].tolist() == pytest.approx([0.025 ** (1 / 30), 0.025 ** (1 / 20)])
    assert curve["high"].tolist() == [1, 1]
    gone = so.cohort.Triangle([[20, 10, 0]]).survival(level=90)
    assert gone["survival"].tolist() == [0.5, 0]
    assert gone["high"].tolist()[1] == pytest.approx(1 - 0.05 ** (1 / 20))


def test_the_bootstrap_is_as_wide_where_the_triangle_says_much():
    triangle = so.cohort.Triangle([[4000, 3000, 2400, 2050, 1800], [5000, 3800, 3000, 2550], [6000, 4500]])
    asked = {"model": "sBG", "fans": 2000, "profile_level": 0}
    ends = [triangle.project(4, fan=fan, **asked).total() for fan in ("posterior", "bootstrap")]
    widths = [made["left_hi_80"][1:] - made["left_lo_80"][1:] for made in ends]
    assert np.allclose(widths[0], widths[1], rtol=0.15)
    assert np.array_equal(ends[0]["left"], ends[1]["left"])
    with pytest.raises(so.UsageError, match="nobody has left yet, so a bootstrap has nothing to vary"):
        so.cohort.Triangle([[100, 100]]).project(2, fan="bootstrap")
    with pytest.raises(so.UsageError, match="fan is posterior or bootstrap"):
        triangle.project(2, fan="delta")


@pytest.mark.parametrize(("alpha", "beta"), [(50, 950), (20, 980), (0.3, 6)])
@pytest.mark.parametrize("ages", [2, 3, 4])
def test_fans_of_thirty_customers_cover(alpha, beta, ages):
    ahead, runs = 6, 80
    rng = np.random.default_rng(1000 * ages + beta)
    step = np.arange(ages + ahead)
    stay = (beta + step) / (alpha + beta + step)  # the renewals of sBG
    truth = stay[: ages - 1 + ahead].prod()
    curve = left = 0
    for run in range(runs):
        seen = [30]
        for chance in stay[: ages - 1]:
            seen.append(int(rng.binomial(seen[-1], chance)))
        then = seen[-1]
        for chance in stay[ages - 1 : ages - 1 + ahead]:
            then = int(rng.binomial(then, chance))
        made = so.cohort.Triangle([seen]).project(ahead, fans=300, seed=run, profile_level=0)
        _, low, high = fan_of(made)
        curve += low <= truth <= high
        total = made.total().iloc[-1]
        left += total["left_lo_80"] <= then <= total["left_hi_80"]
    # 80 % are promised; 80 runs know it to ± 9.
    assert curve / runs > 0.68
    assert left / runs > 0.68


def test_the_total_of_cohorts_has_a_fan_of_its_own():
    made = so.cohort.Triangle([[100, 80, 60, 50], [200, 150, 120], [400, 300], [500]]).project(3, fans=500)
    total = made.total()
    assert total["ahead"].tolist() == [0, 1, 2, 3]
    assert total.iloc[0].tolist() == [0, 970, 970, 970]
    frame = made.to_frame()
    frame["ahead"] = frame.k - frame.cohort.map({0: 3, 1: 2, 2: 1, 3: 0})
    sums = frame[frame.projected].groupby("ahead").sum()
    assert total["left"].tolist()[1:] == pytest.approx(sums["left"].tolist())
    assert (total["left_lo_80"].to_numpy()[1:] > sums["left_lo_80"].to_numpy()).all()
    assert (total["left_hi_80"].to_numpy()[1:] < sums["left_hi_80"].to_numpy()).all()
    assert total["left_lo_80"].tolist()[1:] < total["left"].tolist()[1:] < total["left_hi_80"].tolist()[1:]


# ---- published values ----


LEFT = {
    "high_end": [1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394],
    "regular": [1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173],
}


def test_published_fits_of_contracts(data_dir):
    with (data_dir / "survival/reference_retention_models.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 7
    for row in rows:
        seen = LEFT[row["cohort"]][: int(row["observed_periods"]) + 1]
        made = so.cohort.Triangle([seen]).project(
            12 - int(row["observed_periods"]) or 1, model=row["model"], fans=100, profile_level=0
        )
        fit = made.fits[made.model]
        assert fit.log_likelihood == pytest.approx(float(row["loglik"]), abs=1e-6)
        for name, value in fit.parameters.items():
            assert value == pytest.approx(float(row[name]), rel=2e-4)
        told = [float(row[f"S{k}"]) for k in range(1, 13)]
        assert made.curve()["survival"].tolist()[1:13] == pytest.approx(told, abs=2e-6)


@pytest.mark.parametrize(("cohort", "off"), [("high_end", -0.0406), ("regular", -0.0171)])
def test_the_shifted_beta_geometric_underestimates_year_12(cohort, off):
    # Fader and Hardie (2007) say that it overestimates by 4 and 2 %.
    made = so.cohort.Triangle([LEFT[cohort][:8]]).project(5, model="sBG", fans=100, profile_level=0)
    share = made.curve()["survival"].tolist()[12]
    assert share / (LEFT[cohort][12] / 1000) - 1 == pytest.approx(off, abs=5e-5)


def test_published_likelihoods_and_residual_lifetimes():
    seen = LEFT["high_end"][:8]
    for at, told in ((1, -2115.5455), (0.01, -2741.7009)):
        assert so.clv.SBG(alpha=at, beta=at).log_likelihood(seen) == pytest.approx(told, abs=5e-5)
    lasting = [5.41447886, 5.90137763, 6.29389161, 6.61992004, 6.89670673, 7.13566112, 7.34472129, 7.52962811]
    fitted = so.clv.SBG(alpha=0.6680883511, beta=3.8060949641)
    assert fitted.residual_lifetime(0.1, range(8)).tolist() == pytest.approx(lasting, abs=1e-7)
