"""Segments add up to the whole, in number and to the cent, and each of them adds up by itself."""

import numpy as np
import polars as pl
import pytest
import salesops as so

sub = so.subscription
KINDS = ["new", "reactivation", "expansion", "price_up", "contraction", "price_down", "churn"]
RATES = {
    "date": [f"2025-{month:02}-28" for month in range(1, 13)],
    "from": ["USD"] * 12,
    "to": ["EUR"] * 12,
    "rate": [0.9 - month / 100 for month in range(12)],
}


def rows_of(seed, n=120, stay=False):
    """Customers who come, go, return, change plans and pay for several at once."""
    random = np.random.default_rng(seed)
    rows = []
    for customer in range(n):
        home = str(random.choice(["north", "south", "west"]))
        for number in range(int(random.integers(1, 4))):
            month, plan = int(random.integers(1, 10)), str(random.choice(["basic", "pro"]))
            for _ in range(int(random.integers(1, 5))):
                last = month + int(random.integers(1, 4))
                seats = int(random.integers(1, 5))
                day = int(random.integers(1, 28))
                rows.append(
                    {
                        "customer": f"c{customer}",
                        "subscription": f"s{customer}-{number}",
                        "start": f"2025-{month:02}-{day:02}",
                        "end": None if last > 12 else f"2025-{last:02}-{day:02}",
                        "amount": round(float(random.gamma(2, 20)), 2),
                        "seats": seats,
                        "plan": plan,
                        "region": home,
                        "code": "EUR" if stay and home == "north" else "USD",
                    }
                )
                if last > 12:
                    break
                month = last + int(random.integers(0, 2))
                if month > 12:
                    break
                plan = str(random.choice(["basic", "pro", "team"]))
    return {name: [row[name] for row in rows] for name in rows[0]}


def check_sums(parts, whole, by, *names):
    """The segments' columns add up to those of the whole."""
    parts, whole = pl.DataFrame(parts), pl.DataFrame(whole)
    sums = parts.group_by("period", maintain_order=True).agg(pl.col(names).sum())
    assert parts.columns[0] == by
    assert sums["period"].to_list() == whole["period"].to_list()
    for name in names:
        assert sums[name].to_list() == pytest.approx(whole[name].to_list(), abs=1e-6), name


HOW = {
    "customers": {},
    "years": {"billing": "year"},
    "prices": {"subscription": "subscription", "quantity": "seats"},
    "subscriptions": {"subscription": "subscription", "follow": "subscription"},
    "quarters": {"every": "quarter", "as_of": "2025-11-15"},
    "items": {"subscription": "subscription", "overlaps": "sum"},
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("by", ["plan", "region"])
def test_every_kind_adds_up_to_the_whole(seed, how, by):
    rows = rows_of(seed)
    made, whole = sub.movements(rows, by=by, **HOW[how]), sub.movements(rows, **HOW[how])
    wide = made.to_wide()
    check_sums(wide, whole.to_wide(), by, "start", *KINDS, "fx", "end")
    check_sums(made.mrr(), whole.mrr(), by, "mrr", "arr")
    transfer = pl.DataFrame(wide).group_by("period").agg(pl.col("transfer").sum())["transfer"]
    assert transfer.to_list() == pytest.approx([0] * len(whole.periods), abs=1e-6)
    own = sum(np.asarray(wide[name]) for name in [*KINDS, "transfer", "fx"])
    assert np.asarray(wide["start"]) + own == pytest.approx(np.asarray(wide["end"]), abs=1e-6)
    states = pl.DataFrame(wide)["state"].to_list()
    assert states == pl.DataFrame(whole.to_wide())["state"].to_list() * len(made.segments)
    if by == "region":  # nobody moves: customers add up too, and so does what happened to them
        assert not np.asarray(wide["transfer"]).any()
        check_sums(wide, whole.to_wide(), by, "customers")
        long = pl.DataFrame(made.to_frame()).filter(pl.col("kind") != "transfer")
        sums = long.group_by("period", "kind", maintain_order=True).agg(pl.col("n", "amount").sum())
        assert sums["n"].to_list() == list(whole.to_frame()["n"])
    else:
        assert (np.asarray(wide["transfer"]) != 0).sum() > 5 or how == "subscriptions"
        assert made.issues.count("in_several_segments") > 0


@pytest.mark.parametrize("by", ["plan", "region"])
def test_a_segment_has_the_revenue_of_its_rows(by):
    rows = pl.DataFrame(rows_of(11))
    wide = pl.DataFrame(sub.movements(rows, by=by).to_wide())
    for (label,), own in rows.group_by(by):
        alone = pl.DataFrame(sub.movements(own, as_of="2025-12-31").to_wide())
        part = wide.filter(pl.col(by) == label).tail(len(alone))
        last = len(alone) - 1  # the whole is known to another day of the last month
        assert part["period"].to_list() == alone["period"].to_list()
        assert part["end"][:last].to_list() == alone["end"][:last].to_list()
        assert part["customers"][:last].to_list() == alone["customers"][:last].to_list()


def test_who_moves_is_neither_churn_nor_new():
    plans = {
        "customer": ["A", "A", "B", "B", "C", "D", "D"],
        "start": ["2026-01-05", "2026-02-05", "2026-01-12", "2026-03-20", "2026-02-01"] + ["2026-01-01"] * 2,
        "end": ["2026-02-05", None, "2026-02-12", None, None, None, "2026-03-01"],
        "amount": [40, 65, 25, 30, 100, 10, 20],
        "plan": ["basic", "pro", "basic", "pro", None, "basic", "pro"],
    }
    made = sub.movements(plans, by="plan", as_of="2026-04-01", details=True)
    assert (made.by, made.segments) == ("plan", ["basic", "pro", "(none)"])
    moved = pl.DataFrame(made.details())
    assert moved.columns[:2] == ["plan", "customer"]
    assert moved.drop("before", "after").rows() == [
        ("basic", "A", "2026-01", "new", 40),
        ("basic", "A", "2026-02", "transfer", -40),  # to pro, where it pays 25 more
        ("basic", "B", "2026-01", "new", 25),
        ("basic", "B", "2026-02", "churn", -25),
        ("basic", "D", "2026-01", "new", 10),
        ("pro", "A", "2026-02", "expansion", 25),
        ("pro", "A", "2026-02", "transfer", 40),
        ("pro", "B", "2026-03", "reactivation", 30),  # new to pro, though not to us
        ("pro", "D", "2026-01", "new", 20),
        ("pro", "D", "2026-03", "contraction", -20),  # D goes on with basic
        ("(none)", "C", "2026-02", "new", 100),
    ]
    assert pl.DataFrame(made.balances()).filter(pl.col("customer") == "A").rows() == [
        ("basic", "A", "2026-01", 40),
        ("pro", "A", "2026-02", 65),
        ("pro", "A", "2026-03", 65),
    ]
    assert made.issues.count("in_several_segments") == 3
    assert made.issues.count("no_segment") == 1
    assert made.quick_ratio("2026-03", segment="pro") == 30 / 20
    assert made.quick_ratio("2026-02", segment="basic") == 0
    assert made.quick_ratio("2026-02", segment="pro") is None
    assert "3 segments by plan" in repr(made)
    mrr = pl.DataFrame(sub.mrr(plans, by="plan", as_of="2026-04-01"))
    assert mrr.filter(pl.col("period") == "2026-03")["mrr"].to_list() == [10, 95, 100]
    assert mrr.filter(pl.col("period") == "2026-02")["arpa"].to_list() == [10, 42.5, 100]


def test_the_next_row_of_a_subscription_ends_the_one_before_in_any_segment():
    log = {
        "customer": ["A"] * 3,
        "deal": ["S"] * 3,
        "start": ["2026-01-05", "2026-02-05", "2026-03-01"],
        "amount": [40, 65, 30],
        "plan": ["basic", "pro", "basic"],
    }
    how = {"by": "plan", "subscription": "deal", "as_of": "2026-04-01"}
    expected = [40, 0, 30, 0, 65, 0]
    assert list(sub.mrr(log, end=None, **how)["mrr"]) == expected
    assert list(sub.mrr(log | {"end": [None] * 3}, **how)["mrr"]) == expected
    last_days = {"end": ["2026-06-30", "2026-07-31", "2026-12-31"]}
    assert list(sub.mrr(log | last_days, end_included=True, **how)["mrr"]) == expected
    starts = pl.Series(log["start"]).str.to_datetime(time_zone="Europe/Berlin")
    assert list(sub.mrr(pl.DataFrame(log | {"start": starts}), end=None, **how)["mrr"]) == expected
    nested = log | {"end": ["2026-12-01", "2026-02-20", None]}  # pro for two weeks, then basic again
    with pytest.raises(so.UsageError, match=r"'plan' don't add up .* end each row where the next begins"):
        sub.mrr(nested | {"start": ["2026-01-05", "2026-01-15", "2026-03-01"]}, **how)


def test_rates_move_nothing_from_one_segment_to_another():
    how = {"currency": "code", "to": "EUR", "rates": RATES, "max_age": 60}
    rows = rows_of(5, stay=True)
    made, whole = sub.movements(rows, by="region", **how), sub.movements(rows, **how)
    check_sums(made.to_wide(), whole.to_wide(), "region", "start", *KINDS, "fx", "end", "customers")
    assert np.asarray(made.to_wide()["fx"]).any()
    plans = sub.movements(rows, by="plan", **how).to_wide()  # each part of a customer is rounded: by a cent
    off = pl.DataFrame(plans).group_by("period", maintain_order=True).agg(pl.col("end").sum())["end"]
    assert off.to_list() == pytest.approx(list(whole.to_wide()["end"]), abs=1)
    own = sum(np.asarray(plans[name]) for name in [*KINDS, "transfer", "fx"])
    assert np.asarray(plans["start"]) + own == pytest.approx(np.asarray(plans["end"]), abs=1e-6)


def test_segments_of_any_kind_and_frame():
    rows = {"customer": [1, 2, 3], "start": ["2026-01-05"] * 3, "amount": [10, 20, 40]}
    for values, labels in (
        ([2, 10, 2], ["2", "10"]),
        ([True, False, True], ["false", "true"]),
        ([2.0, float("nan"), 2.0], ["2", "(none)"]),
        (["b", " ", "b "], ["b", "(none)"]),
        (["<b>", "=1+1", "<b>"], ["<b>", "=1+1"]),
    ):
        made = sub.movements(rows | {"team": values}, end=None, by="team")
        assert made.segments == labels
        assert sum(made.mrr()["mrr"]) == 70
    assert type(sub.movements(pl.DataFrame(rows), end=None, by="customer").to_wide()) is pl.DataFrame
    assert "&lt;b&gt;" in made._repr_html_()
    nothing = {name: [] for name in ("customer", "start", "amount", "team")}
    made = sub.movements(nothing, end=None, by="team", details=True)
    assert made.segments == []
    for frame in (made.to_wide(), made.to_frame(), made.mrr(), made.details(), made.balances()):
        assert next(iter(frame)) == "team"
        assert len(frame["team"]) == 0
    dirty = {"customer": [1], "start": ["never"], "amount": [5], "team": ["a"]}
    with pytest.raises(so.UsageError, match="'start' has no date"):
        sub.movements(dirty, end=None, by="team")


@pytest.mark.parametrize(
    ("by", "how", "match"),
    [
        ("price", {}, "by: column 'price' holds fractions, not segments"),
        ("nobody", {}, "no column 'nobody'"),
        ("state", {}, "by: the result has a column 'state' of its own; rename yours"),
        ("day", {}, "by: column 'day' holds date, not segments"),
        ("plan", {"window": "2d"}, "window: segments are compared at period ends"),
        ("id", {}, "by: column 'id' has 1,001 values, more than 1,000 segments"),
        (5, {}, "by: "),
    ],
)
def test_segments_that_dont_go_are_refused_by_name(by, how, match):
    n = 1001
    rows = pl.DataFrame(
        {
            "customer": ["A"] * n,
            "start": ["2026-01-05"] * n,
            "amount": [5] * n,
            "price": [1.5] * n,
            "state": ["TX"] * n,
            "plan": ["a"] * n,
            "id": range(n),
        }
    ).with_columns(pl.col("start").str.to_date().alias("day"))
    with pytest.raises(so.UsageError, match=match):
        sub.movements(rows, end=None, by=by, **how)


def test_a_segment_that_isnt_there_is_refused_by_name():
    rows = {"customer": ["A"], "start": ["2026-01-05"], "amount": [5], "plan": ["a"]}
    with pytest.raises(so.UsageError, match=r"name a column with movements\(…, by=…\)"):
        sub.movements(rows, end=None).quick_ratio(segment="a")
    with pytest.raises(so.UsageError, match="segment: there is no 'b'; there are a"):
        sub.movements(rows, end=None, by="plan").plot(segment="b")


def test_pictures_of_segments():
    rows = rows_of(3)
    made = sub.movements(rows, by="plan", currency="EUR")
    picture = made.plot()
    assert picture.columns[0] == "period"
    assert sorted(picture.columns[1:]) == ["basic", "pro", "team"]
    assert "of it" in picture.title
    assert picture.svg().startswith("<svg")
    steps = made.plot(segment="team")
    assert steps.title.startswith("team, ")
    assert "other segments" in [row[0] for row in steps.rows]
    many = sub.movements(rows | {"team": [f"t{i % 9}" for i in range(len(rows["plan"]))]}, by="team").plot()
    assert many.columns[-1] == "5 others"
    whole = sub.movements(rows).mrr()
    by_period = dict(zip(whole["period"], whole["mrr"], strict=True))
    for row in many.rows:
        assert sum(float(cell.replace(",", "")) for cell in row[1:]) == pytest.approx(by_period[row[0]])


@pytest.mark.parametrize("by", ["plan", "account.segment", "account.country"])
def test_subscriptions_of_a_book_by_their_columns_and_their_accounts(by):
    crm = so.datasets.sample_crm(seed=7, deals=400)
    for book in (crm, crm.as_of("2025-03-01")):
        made, whole = sub.movements(book, by=by), sub.movements(book)
        check_sums(made.to_wide(), whole.to_wide(), by, "start", *KINDS, "end", "customers")
        assert made.as_of == whole.as_of
    with pytest.raises(so.UsageError, match=r"no column 'segment'; there are .*account\.segment"):
        sub.movements(crm, by="segment")


# ---- retention and renewals: a customer stays in the segment of its first row ----


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("by", ["plan", "region"])
def test_customers_of_segments_add_up(how, by):
    rows = rows_of(21)
    kept, whole = (sub.retention(rows, over=2, **HOW[how], **one) for one in ({"by": by}, {}))
    assert (kept.by, kept.periods) == (by, whole.periods)
    wide = kept.to_wide()
    check_sums(wide, whole.to_wide(), by, "start", "end", "customers", "kept")
    weights, nrr = np.asarray(wide["start"]), np.asarray(wide["nrr"], dtype=float)
    size = len(whole.periods)
    parts = np.where(weights > 0, weights * np.nan_to_num(nrr), 0).reshape(-1, size).sum(axis=0)
    over = np.asarray(whole.to_wide()["state"]) != "in_progress"
    total = np.asarray(whole.to_wide()["nrr"]) * np.asarray(whole.to_wide()["start"])
    assert parts[over] == pytest.approx(total[over])
    long = pl.DataFrame(kept.to_frame())
    assert long.columns == [by, *pl.DataFrame(whole.to_frame()).columns]
    assert len(long) == len(kept.segments) * len(whole.to_frame()["period"])
    made, whole = (sub.renewals(rows, **HOW[how], **one) for one in ({"by": by}, {}))
    counts = ("up", "renewed", "pending", "available", "booked", "kept")
    check_sums(made.to_frame(), whole.to_frame(), by, *counts)
    moves = kept.issues.count("in_several_segments")
    assert moves == made.issues.count("in_several_segments")
    assert (moves > 0) == (by == "plan")


def test_a_segment_that_began_later_has_no_revenue_before():
    rows = {
        "customer": ["A", "B"],
        "start": ["2026-01-01", "2026-03-01"],
        "amount": [10, 20],
        "plan": ["old", "new"],
    }
    kept = sub.retention(rows, end=None, by="plan", over=1, as_of="2026-06-01")
    wide = pl.DataFrame(kept.to_wide()).filter(pl.col("plan") == "new")
    assert wide["period"].to_list() == ["2026-02", "2026-03", "2026-04", "2026-05"]
    assert wide["base"].to_list() == ["2026-01", "2026-02", "2026-03", "2026-04"]
    assert wide["start"].to_list() == [0, 0, 20, 20]
    assert np.isnan(wide["nrr"].to_numpy()).tolist() == [True, True, False, False]
    long = pl.DataFrame(kept.to_frame()).filter(pl.col("plan") == "new", pl.col("measure") == "logo_churn")
    assert long["denominator"].to_list() == [0, 0, 1, 1]
    assert long["n"].to_list() == [0, 0, 1, 1]


def test_an_upgrade_is_kept_by_the_segment_it_began_in():
    rows = {
        "customer": ["A", "A", "B"],
        "start": ["2026-02-01", "2026-01-01", "2026-01-01"],
        "end": ["2026-03-01", "2026-02-01", "2026-03-01"],
        "amount": [65, 40, 100],
        "plan": ["pro", "basic", "pro"],
    }
    kept = sub.retention(rows, by="plan", over=1, as_of="2026-03-01")
    assert kept.segments == ["basic", "pro"]
    assert kept.to_wide()["nrr"].tolist() == [65 / 40, 1]
    assert sub.renewals(rows, by="plan", as_of="2026-05-01").to_frame()["renewed"].sum() == 1
    pictures = kept.plot(), sub.renewals(rows, by="plan", as_of="2026-05-01").plot()
    for picture in pictures:
        assert picture.columns[0] == "period"
        assert set(picture.columns[1:]) == {"basic", "pro"}
        assert "segment of their first row" in picture.subtitle
        assert picture.svg().startswith("<svg")
    assert "2 segments by plan" in repr(kept)


@pytest.mark.parametrize("by", ["plan", "account.segment"])
def test_customers_of_a_book_by_segment(by):
    crm = so.datasets.sample_crm(seed=7, deals=400)
    kept, whole = sub.retention(crm, by=by, over=3), sub.retention(crm, over=3)
    check_sums(kept.to_wide(), whole.to_wide(), by, "start", "end", "customers", "kept")
    made, whole = sub.renewals(crm, by=by), sub.renewals(crm)
    check_sums(made.to_frame(), whole.to_frame(), by, "up", "renewed", "pending", "available", "kept")


@pytest.mark.parametrize("ask", [sub.retention, sub.renewals])
def test_segments_of_customers_that_dont_go_are_refused_by_name(ask):
    rows = {"customer": ["A"], "start": ["2026-01-05"], "amount": [5], "base": ["x"], "rate": ["x"]}
    by = "base" if ask is sub.retention else "rate"
    with pytest.raises(so.UsageError, match=f"a column '{by}' of its own; rename yours"):
        ask(rows, end=None, by=by)
    with pytest.raises(so.UsageError, match="no column 'nobody'"):
        ask(rows, end=None, by="nobody")
    nothing = {name: [] for name in ("customer", "start", "amount", "team")}
    assert len(ask(nothing, end=None, by="team").to_frame()["team"]) == 0


@pytest.mark.parametrize("column", ["start", "end"])
def test_a_segment_of_dirty_rows_alone_is_left_out_as_in_the_whole(column):
    rows = {
        "customer": ["A", "B"],
        "start": ["2026-01-05", "2026-01-05"],
        "end": ["2026-03-05", "2026-03-05"],
        "amount": [10, 20],
        "plan": ["x", "y"],
    }
    rows[column] = ["05.01.2026", rows[column][1]]
    how = {"by": "plan", "as_of": "2026-04-01"}
    made = sub.movements(rows, **how)
    assert made.mrr()["mrr"].tolist() == [0, 0, 0, 20, 20, 0]
    assert made.issues.count("not_a_date") == 1
    kept = sub.retention(rows, over=1, **how).to_wide()
    assert kept["start"].tolist() == [0, 0, 20, 20]
    assert sub.renewals(rows, **how).to_frame()["up"].tolist() == [0, 0, 0, 0, 0, 0]
