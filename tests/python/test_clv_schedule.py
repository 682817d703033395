"""Lifetime value by month, quarter and fiscal period."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest
import salesops as so
from salesops.calendar import FiscalCalendar

PARETO = {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}
ROWS = {
    "customer": ["A", "B", "C"],
    "frequency": [0.0, 2.0, 26.0],
    "recency": [0.0, 30.43, 30.86],
    "T": [38.86, 38.86, 31.0],
    "monetary_value": [0.0, 22.35, 11.77],
}
SPEND = so.clv.GammaGamma(p=6.25, q=3.74, v=15.44)


def by(every, horizon="1 year", **options):
    given = {"as_of": "1997-09-30", "unit": "week"} | options
    return so.clv.ParetoNBD(**PARETO).clv_schedule(pd.DataFrame(ROWS), horizon=horizon, every=every, **given)


@pytest.mark.parametrize("every", ["day", "week", "month", "quarter", "half", "year"])
@pytest.mark.parametrize("horizon", ["1 year", "39 weeks", "3.5 weeks"])
def test_periods_add_up_to_the_one_number(every, horizon):
    model = so.clv.ParetoNBD(**PARETO)
    money = {"discount": "10% / year", "spend": SPEND}
    whole = model.predict(pd.DataFrame(ROWS), horizon=horizon, unit="week", **money)
    table = by(every, horizon, **money)
    assert table["clv"].sum() == pytest.approx(whole["clv"].sum(), rel=1e-12)
    assert table["expected_transactions"].sum() == pytest.approx(
        whole["expected_transactions"].sum(), rel=1e-12
    )
    assert (table["clv"] > 0).all()
    assert (table["clv"] < table["revenue"]).all()
    each = by(every, horizon, each=True, **money)
    assert each.groupby("customer")["clv"].sum().tolist() == pytest.approx(whole["clv"].tolist(), rel=1e-12)


def test_a_month_holds_what_comes_in_it():
    """From the definition: the density of purchases, discounted day by day."""
    table = by("month", "92 days", discount="10% / year")
    assert table["period"].tolist() == ["1997-10", "1997-11", "1997-12"]
    assert table["start"].tolist() == [dt.date(1997, m, 1) for m in (10, 11, 12)]
    assert table["end"].tolist() == [
        dt.date(1997, 10, 31),
        dt.date(1997, 11, 30),
        dt.date(1997, 12, 31),
    ]
    model = so.clv.ParetoNBD(**PARETO)
    x, t_x, T = (np.array(ROWS[name]) for name in ("frequency", "recency", "T"))
    fine = 24
    edges = np.arange(0, 92 * fine + 1) / fine
    total = np.array([model.expected_transactions(t / 7, x, t_x, T).sum() for t in edges])
    middle = (edges[1:] + edges[:-1]) / 2
    worth = np.diff(total) * 1.1 ** (-middle / 365.2425)
    for place, (first, last) in enumerate(((0, 31), (31, 61), (61, 92))):
        inside = (middle > first) & (middle < last)
        assert table["discounted_transactions"][place] == pytest.approx(worth[inside].sum(), rel=1e-6)
        assert table["expected_transactions"][place] == pytest.approx(np.diff(total)[inside].sum(), rel=1e-9)


def test_fiscal_quarters_and_cut_periods():
    table = by("quarter", "26 weeks", calendar=FiscalCalendar(start_month=2))
    assert table["period"].tolist() == ["FY1998-Q3", "FY1998-Q4", "FY1999-Q1"]
    assert table["start"].tolist()[:2] == [dt.date(1997, 10, 1), dt.date(1997, 11, 1)]
    assert table["end"].tolist()[-1] == dt.date(1998, 3, 31)
    nrf = by("month", "1 year", calendar=FiscalCalendar.nrf())
    assert len(nrf) == 13


def test_whole_periods_and_the_rest_of_a_day():
    """A year is 365.2425 days: its last quarter of a day is no period of its own."""
    year = by("quarter", "1 year", as_of="1996-12-31")
    assert year["period"].tolist() == ["1997-Q1", "1997-Q2", "1997-Q3", "1997-Q4"]
    assert year["end"].tolist()[-1] == dt.date(1997, 12, 31)
    whole = by("quarter", None, periods=4, as_of="1996-12-31")
    assert whole["end"].tolist() == year["end"].tolist()
    model = so.clv.ParetoNBD(**PARETO)
    ahead = model.predict(pd.DataFrame(ROWS), horizon="365 days", unit="week")["expected_transactions"].sum()
    assert whole["expected_transactions"].sum() == pytest.approx(ahead, rel=1e-12)
    cut = by("month", "40 days", as_of="1996-12-31")
    assert cut["end"].tolist() == [dt.date(1997, 1, 31), dt.date(1997, 2, 9)]
    assert len(by("week", None, periods=7)) == 7


def test_rows_of_transactions_know_their_last_day():
    tx = pl.DataFrame(
        {
            "customer": ["A", "A", "B"],
            "time": ["2026-01-05", "2026-03-05", "2026-02-01"],
            "amount": [20.0, 30.0, 15.0],
        }
    )
    rows = so.clv.rfm(tx, amount="amount", unit="week", observation_end="2026-04-30")
    table = so.clv.ParetoNBD(**PARETO).clv_schedule(rows, horizon="61 days", spend=SPEND)
    assert isinstance(table, pl.DataFrame)
    assert table["period"].to_list() == ["2026-05", "2026-06"]
    each = so.clv.ParetoNBD(**PARETO).clv_schedule(rows, horizon="61 days", spend=SPEND, each=True)
    assert each["customer"].to_list() == ["A", "A", "B", "B"]
    assert each.group_by("period").agg(pl.col("clv").sum()).sort("period")["clv"].to_list() == pytest.approx(
        table["clv"].to_list()
    )


def test_opportunities_are_periods():
    model = so.clv.BGBB(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
    rows = {"frequency": [0, 4, 6], "recency": [0, 5, 6], "T": [6, 6, 6]}
    table = model.clv_schedule(
        rows, horizon="5 years", every="year", as_of="2001-12-31", unit="year", discount="10% / year"
    )
    assert table["period"].tolist() == ["2002", "2003", "2004", "2005", "2006"]
    assert table["expected_transactions"].sum() == pytest.approx(
        0.072802877475 + 2.02962303148 + 3.7521156076
    )
    kept = table["discounted_transactions"] / table["expected_transactions"]
    assert kept.tolist() == pytest.approx([1.1**-n for n in range(1, 6)])
    with pytest.raises(so.UsageError, match="by year too"):
        model.clv_schedule(rows, horizon="5 years", every="month", as_of="2001-12-31", unit="year")


def test_customers_of_several_channels_follow_their_own_models():
    made = so.clv.ParetoNBD(**PARETO).simulate(np.full(500, 39.0), seed=1)
    made["channel"] = np.array(["shop", "web"] * 250, dtype=object)
    model = so.clv.ParetoNBD().fit(made, covariates=["channel"], unit="week")
    table = model.clv_schedule(made, horizon="1 year", as_of="2025-12-31")
    whole = model.predict(made, horizon="1 year")
    assert table["expected_transactions"].sum() == pytest.approx(
        whole["expected_transactions"].sum(), rel=1e-12
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"every": "fortnight"}, "every is one of"),
        ({"horizon": "0 weeks"}, "above 0"),
        ({"as_of": None}, "as_of: say the last day"),
        ({"as_of": "yesterday"}, "as_of: a date"),
        ({"spend": 3}, "GammaGamma"),
        ({"horizon": None}, "or the number of periods"),
        ({"periods": 3}, "or the number of periods"),
        ({"horizon": None, "periods": 0}, "periods: a whole number"),
        ({"unit": None, "horizon": "5 weeks"}, "unit of time"),
        ({"horizon": 5}, "say horizon='5 weeks'"),
    ],
)
def test_wrong_schedules_say_what_is_wrong(options, words):
    with pytest.raises((so.UsageError, so.UnitError), match=words):
        by(**({"every": "month"} | options))
