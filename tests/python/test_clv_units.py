"""What a number is of: units of time, days and instants, currencies, discounts, rows that are no history."""

import datetime as dt
import re

import numpy as np
import pytest
import salesops as so
from salesops import UnitError, UsageError

BG = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
TX = {
    "customer": ["A", "A", "B", "B", "B", "C", "D", "D"],
    "time": [
        "2024-03-01T10:00:00",
        "2024-03-10T04:30:00",
        "2024-02-01T10:00:00",
        "2024-02-20T10:00:00",
        "2024-03-20T10:00:00",
        "2024-02-10T10:00:00",
        "2024-02-12T10:00:00",
        "2024-04-12T10:00:00",
    ],
    "amount": [10.0, 12.0, 7.0, 9.0, 9.0, 3.0, 5.0, 6.0],
}


def rows(**options):
    ends = {"calibration_end": "2024-03-15", "holdout_end": "2024-04-15"}
    return so.clv.rfm(TX, **ends, **options)


@pytest.fixture(scope="module")
def by_week():
    """A model fitted in weeks."""
    seen = so.clv.BGNBD(**BG).simulate(np.full(400, 39.0), seed=1)
    return so.clv.BGNBD().fit(seen, unit="week")


@pytest.mark.parametrize(
    "ask",
    [
        lambda m, days: so.clv.evaluate(m, days),
        lambda m, days: so.clv.compare(days, [m]),
        lambda m, days: m.plot.frequencies(days),
        lambda m, days: m.plot.holdout(days),
        lambda m, days: m.simulate(days),
        lambda m, days: m.predict(days, horizon="39 weeks"),
        lambda m, days: m.total(days, horizon="39 weeks"),
        lambda m, days: m.clv_schedule(days, horizon="39 weeks"),
        lambda m, days: so.clv.tracking(m, days),
    ],
)
def test_rows_in_another_unit_are_refused_everywhere(by_week, ask):
    with pytest.raises(UnitError, match="counts in weeks, the data in days"):
        ask(by_week, rows())


def test_a_bare_number_beside_a_frame_is_refused(by_week):
    weeks = rows(unit="week")
    for ask in (by_week.predict, by_week.total, by_week.clv_schedule):
        with pytest.raises(UnitError, match="horizon=39 has no unit: say horizon='39 weeks'"):
            ask(weeks, horizon=39)
    untold = so.clv.BGNBD(**BG)
    frame = {"frequency": [1.0], "recency": [2.0], "T": [9.0]}
    with pytest.raises(UnitError, match="and unit='week' for that of the rows"):
        untold.predict(frame, horizon=39)
    said = untold.predict(frame, horizon="39 weeks", unit="week")["expected_transactions"]
    arrays = untold.predict(x=[1], t_x=[2], T=[9], horizon=39)["expected_transactions"]
    assert said == arrays == untold.expected_transactions(39, [1], [2], [9])


def test_opportunities_come_whole():
    model = so.clv.BGBB(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)
    seen = {"frequency": [2], "recency": [4], "T": [6]}
    assert model.predict(seen, horizon="2 years", unit="year")["expected_transactions"][0] > 0
    for horizon in ("2.5 years", "0.5 year"):
        with pytest.raises(UsageError, match="counts opportunities, so give a whole number"):
            model.predict(seen, horizon=horizon, unit="year")


def test_a_share_of_more_than_all_is_a_slip(by_week):
    weeks, spend = rows(unit="week"), so.clv.GammaGamma(p=6.25, q=3.74, v=15.44)
    with pytest.raises(UsageError, match="would be 1000% a year: write '10% / year'"):
        by_week.predict(weeks, horizon="1 year", discount="10 / year")
    seen = {
        "frequency": [2.0],
        "recency": [4.0],
        "T": [6.0],
        "monetary_value": [30.0],
    }
    both = [
        by_week.predict(seen, horizon="1 year", discount=said, spend=spend)["clv"][0]
        for said in ("0.10 / year", "10% / year")
    ]
    assert both[0] == both[1]


# ---- days and instants ----


def test_an_end_of_days_is_a_day():
    for end in (dt.datetime(2024, 3, 10, 1, 0), "2024-03-10 01:00"):
        with pytest.raises(UsageError, match="observation_end: "):
            so.clv.rfm(TX, observation_end=end)
    with pytest.raises(UsageError, match="not a time of day"):
        so.clv.rfm(TX, tz="Asia/Tokyo", observation_end=dt.datetime(2024, 3, 9, 23, tzinfo=dt.UTC))
    midnight = dt.datetime(2024, 3, 9, 15, tzinfo=dt.UTC)  # of the 10th in Tokyo
    tokyo = so.clv.rfm(TX, tz="Asia/Tokyo", observation_end=midnight)
    assert tokyo.calibration_end == dt.date(2024, 3, 10)
    assert so.clv.rfm(TX, observation_end=dt.datetime(2024, 3, 10)).calibration_end == dt.date(2024, 3, 10)
    by_hour = so.clv.rfm(TX, unit="hour", observation_end=dt.datetime(2024, 3, 10, 1, 0))
    assert by_hour["frequency"].tolist() == [0, 1, 0, 0]
    assert so.clv.rfm(TX, observation_end="2024-03-10")["frequency"].tolist() == [1, 1, 0, 0]


def test_a_log_of_days_ends_on_a_day():
    model = so.clv.BGNBD(**BG)
    until = dt.datetime(2024, 3, 10, 12, 0)
    with pytest.raises(UsageError, match="until: days count here"):
        model.simulate_transactions(["2024-01-01"], until=until, unit="week")
    made = model.simulate_transactions(["2024-01-01"] * 50, until=until, unit="hour", seed=1)
    assert str(made["time"].max()) <= "2024-03-10T12:00"


def test_an_instant_needs_the_zone_whose_days_count():
    state = so.clv.RfmState.from_json(so.clv.RfmState.partial(TX, tz="Asia/Tokyo").to_json())
    with pytest.raises(UsageError, match="give a date, not an instant"):
        state.finish(observation_end=dt.datetime(2024, 3, 9, 15, tzinfo=dt.UTC))


# ---- rows that are no history ----


def test_rows_that_count_the_first_purchase_are_refused(by_week):
    counted = rows(unit="week", include_first=True, amount="amount", currency="EUR")
    assert counted.include_first
    said = "counts the first purchase.*include_first=False"
    for kind in (so.clv.BGNBD, so.clv.ParetoNBD, so.clv.NBD):
        with pytest.raises(UsageError, match=said):
            kind().fit(counted)
    for ask in (by_week.predict, by_week.total):
        with pytest.raises(UsageError, match=said):
            ask(counted, horizon="39 weeks")
    with pytest.raises(UsageError, match=r"include_first=False, or subtract 1 from frequency"):
        by_week.fit(counted.to_frame(), unit="week")
    assert so.clv.GammaGamma(p=6.25, q=3.74, v=15.44).fit(counted).n_ == 4


ASKED = {
    "p_alive": {},
    "log_likelihood": {},
    "expected_transactions": {"t": 39},
    "pmf": {"n": 1, "t": 39},
    "dert": {"discount_rate": 0.01},
    "dect": {"t": 39.5, "discount_rate": 0.01},
    "expected_rate": {},
    "rate_distribution": {},
}


@pytest.mark.parametrize("question", ASKED)
def test_questions_refuse_what_is_no_history(question):
    model = so.clv.ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)
    bad = {
        "x": [2.0, 1.5, 0.0, np.nan, -1.0, 3.0],
        "t_x": [5.0, 5.0, 2.0, 3.0, 4.0, 9.0],
        "T": [9.0, 9.0, 9.0, 9.0, np.inf, 8.0],
    }
    with pytest.raises(UsageError) as told:
        getattr(model, question)(**ASKED[question], **bad)
    for part in (
        "1 of 6 rows have no finite x (row 3)",
        "1 of 6 rows have no finite T (row 4)",
        "1 of 6 rows have a negative x (row 4)",
        "1 of 6 rows have a x that is no whole number (row 1)",
        "1 of 6 rows have t_x > T (swapped?) (row 5)",
        "1 of 6 rows have x = 0 but t_x > 0 (row 2)",
    ):
        assert part in str(told.value)
    one = {"x": 2, "t_x": 5, "T": 9}
    assert getattr(model, question)(**ASKED[question], **one) is not None


def test_questions_about_opportunities_refuse_halves():
    model = so.clv.BGBB(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)
    with pytest.raises(UsageError, match=re.escape("have a T that is no whole number (row 0)")):
        model.p_alive([1], [2], [6.5])
    with pytest.raises(UsageError, match=re.escape("have x > t_x (row 1)")):
        model.p_alive([1, 3], [2, 2], [6, 6])


# ---- amounts ----


def test_amounts_below_nothing_are_told_of(by_week):
    spend = so.clv.GammaGamma(p=6.25, q=3.74, v=15.44)
    seen = {
        "frequency": [2.0, 0.0, 1.0, 3.0, 4.0],
        "recency": [4.0, 0.0, 1.0, 2.0, 3.0],
        "T": [6.0] * 5,
        "monetary_value": [30.0, 0.0, -3.0, np.nan, 0.0],
    }
    with pytest.warns(
        UserWarning, match=r"3 of 5 rows bought again without a mean spend above 0 \(row 2, 3, 4\)"
    ):
        made = by_week.predict(seen, horizon="39 weeks", spend=spend)
    assert made["expected_spend"][2] == spend.expected_spend_new()
    with pytest.warns(UserWarning, match="3 of 5 rows"):
        by_week.clv_schedule(seen, horizon="39 weeks", spend=spend, as_of="2026-01-01")
    for asked in ({"x": [2, 2], "mean_spend": [-5.0, 0.0]}, {"x": [1.5, -1], "mean_spend": [5.0, 5.0]}):
        for question in (spend.expected_spend, spend.log_likelihood):
            with pytest.raises(UsageError, match=r"2 of 2 rows have .* \(row 0, 1\)"):
                question(**asked)
    assert spend.expected_spend(0, 0) == spend.expected_spend_new()


def test_a_fit_says_whom_it_left_out():
    many = np.random.default_rng(1)
    x = np.r_[many.integers(1, 6, 200), 2, 3].astype(float)
    mean = np.r_[many.gamma(6, 5, 200), -4.0, np.nan]
    fit = so.clv.GammaGamma().fit(x=x, mean_spend=mean, weights=np.r_[np.ones(200), 5, 7])
    assert any("12 customers" in note and "(row 200, 201)" in note for note in fit.notes_)
    with pytest.raises(UsageError, match=r"2 of 3 rows bought again without one above 0 \(row 0, 1\)"):
        so.clv.GammaGamma().fit(x=[2, 3, 0], mean_spend=[-5.0, 0, 0])


def test_amounts_in_another_currency_are_refused(by_week):
    seen = so.clv.BGNBD(**BG).simulate_transactions(
        ["2024-01-01"] * 300,
        until="2024-09-30",
        unit="week",
        seed=3,
        spend=so.clv.GammaGamma(p=6.25, q=3.74, v=15.44),
    )
    euros, francs = (so.clv.rfm(seen, amount="amount", unit="week", currency=c) for c in ("EUR", "CHF"))
    spend = so.clv.GammaGamma().fit(euros)
    again = so.clv.GammaGamma.from_json(spend.to_json())
    assert by_week.predict(euros, horizon="39 weeks", spend=again)["clv"] is not None
    for model in (spend, again):
        with pytest.raises(UnitError, match="fitted in EUR, the data are in CHF"):
            by_week.predict(francs, horizon="39 weeks", spend=model)
        with pytest.raises(UnitError, match="fitted in EUR"):
            by_week.clv_schedule(francs, horizon="39 weeks", spend=model)
