"""What those new to lifetime value get wrong first, and what they are told."""

import copy
import datetime as dt
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import salesops as so
from salesops import UnitError

C = so.clv
LENGTHS = {"unit": "week", "calibration_end": "1997-09-30"}


@pytest.fixture(scope="module")
def log():
    born = np.datetime64("1997-01-01") + np.random.default_rng(1).integers(0, 84, 400)
    true = C.ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)
    return true.simulate_transactions(born, until="1997-12-31", unit="week", seed=3)


@pytest.fixture(scope="module")
def weeks(log):
    return C.rfm(log, **LENGTHS)


@pytest.fixture(scope="module")
def model(weeks):
    return C.BGNBD().fit(weeks)


@pytest.fixture
def strict():
    """Warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# ---- the unit of time of a frame ----


def days(log, make=dict):
    return C.rfm(make(log), observation_end="1997-09-30").to_frame()


@pytest.mark.parametrize(
    "ask",
    [
        lambda m, rows: m.predict(rows, horizon="39 weeks"),
        lambda m, rows: m.total(rows, horizon="39 weeks"),
        lambda m, rows: m.clv_schedule(rows, horizon="39 weeks", as_of="1997-09-30"),
        lambda m, rows: C.evaluate(m, rows | {"holdout_frequency": rows["T"]}, holdout="9 weeks"),
        lambda m, rows: m.plot.frequencies(rows),
    ],
)
@pytest.mark.parametrize("saved", [False, True])
def test_a_frame_in_days_is_told_from_a_model_in_weeks_by_its_times(log, model, ask, saved):
    told = C.from_json(model.to_json()) if saved else model
    words = r"T of the frame reaches 272, the model was fitted on up to 38.86 weeks: .*unit='week'"
    with pytest.warns(UserWarning, match=words):
        ask(told, days(log))


@pytest.mark.usefixtures("strict")
def test_a_frame_in_the_models_unit_or_that_tells_it_warns_of_nothing(log, weeks, model):
    for frame in (C.rfm(log, **LENGTHS).to_frame(), pl.DataFrame(C.rfm(log, **LENGTHS).to_frame())):
        assert len(model.predict(frame, horizon="39 weeks")) > 0
    later = C.rfm(log, unit="week", observation_end="1998-09-30").to_frame()
    model.predict(later, horizon="39 weeks")
    long = {name: column * 7 for name, column in weeks.to_frame().items() if name in ("recency", "T")}
    model.predict(long | {"frequency": weeks["frequency"]}, horizon="39 weeks", unit="week")
    new = {"frequency": [0.0] * 29, "recency": [0.0] * 29, "T": [1.0] * 29}
    model.predict(new, horizon="39 weeks")
    model.predict(x=[0], t_x=[0], T=[1], horizon=39)  # arrays are in the model's unit
    older = C.from_json(model.to_json().replace("longest_T_", "unknown_"))
    older.predict(days(log), horizon="39 weeks")


def test_months_are_told_from_weeks(model):
    months = {"frequency": [0.0] * 30, "recency": [0.0] * 30, "T": [8.9] * 30}
    with pytest.warns(UserWarning, match=r"T of the frame reaches 8.9"):
        model.predict(months, horizon="39 weeks")


def test_a_pandas_frame_keeps_the_unit_of_its_rows(log, model):
    frame = days(log, pd.DataFrame)
    assert frame.attrs == {"unit": "day"}
    with pytest.raises(UnitError, match="counts in weeks, the data in days"):
        model.predict(frame, horizon="39 weeks")
    words = r"unit='week', but so.clv.rfm made the data in days; .*set attrs\['unit'\] = 'week'"
    with pytest.raises(UnitError, match=words):
        C.BGNBD().fit(frame, unit="week")
    assert C.BGNBD().fit(frame).unit_ == "day"
    frame[["recency", "T"]] /= 7
    frame.attrs["unit"] = "week"
    assert C.BGNBD().fit(frame).params_ == pytest.approx(model.params_, rel=1e-3)
    frame.attrs["unit"] = "EUR"  # somebody else's
    assert C.BGNBD().fit(frame).unit_ is None


# ---- contracts by calendar ----

LEFT = [100.0, 80.0, 70.0]
NAN = float("nan")


@pytest.mark.parametrize(
    "triangle",
    [
        np.array([LEFT, [NAN, 50.0, 40.0]]),
        [LEFT, [NAN, 50.0, 40.0]],
        [np.array(LEFT), np.array([NAN, NAN, 40.0])],
    ],
)
def test_cohorts_by_calendar_are_refused(triangle):
    words = r"1 of 2 rows begin with NaN \(row 1\).*by age.*row\[~np.isnan\(row\)\]"
    with pytest.raises(so.UsageError, match=words):
        C.SBG().fit(triangle)
    with pytest.raises(so.UsageError, match=words):
        C.SBG(alpha=1, beta=3).log_likelihood(triangle)
    by_age = [[left for left in row if left == left] for row in map(list, triangle)]
    ends = np.array([LEFT, [50.0, 40.0, NAN]])
    if len(by_age[1]) == 2:
        assert C.SBG().fit(by_age).params_ == C.SBG().fit(ends).params_


def test_a_list_that_begins_with_nothing_is_refused():
    for one in ([NAN, 80.0, 70.0], np.array([NAN, 80.0, 70.0])):
        with pytest.raises(so.UsageError, match=r"1 of 1 rows begin with NaN"):
            C.SBG().fit(one)


@pytest.mark.parametrize("make", [pd.Series, pl.Series])
def test_contracts_take_a_series_as_a_list(make):
    assert C.SBG().fit(make(LEFT)).params_ == C.SBG().fit(LEFT).params_
    assert C.SBG().fit([make(LEFT), make(LEFT[:2])]).params_ == C.SBG().fit([LEFT, LEFT[:2]]).params_


# ---- nobody bought again ----

ONCE = {"frequency": [0.0] * 50, "recency": [0.0] * 50, "T": [float(n) for n in range(1, 51)]}
NOTHING = "none bought again: how many are still there and will return is not known at all"
KINDS = (C.NBD, C.BGNBD, C.MBGNBD, C.ParetoNBD, C.GGompertzNBD, C.SarmanovParetoNBD)


def of_none(kind, **given):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", C.ConvergenceWarning)
        return kind(**given).fit(ONCE, unit="week")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("saved", [False, True])
def test_nothing_known_of_returning_is_no_range(kind, saved):
    fitted = of_none(kind)
    fitted = C.from_json(fitted.to_json()) if saved else fitted
    spend = C.GammaGamma().fit(x=[1, 2, 3, 4, 5] * 20, mean_spend=np.linspace(5, 50, 100))
    money = ONCE | {"monetary_value": [0.0] * 50}
    for interval in ("mean", "outcome"):
        with pytest.warns(UserWarning, match=NOTHING):
            out = fitted.predict(money, horizon="10 weeks", spend=spend, level=90, interval=interval)
        for name in ("p_alive", "expected_transactions", "clv"):
            assert np.isnan([out[f"{name}_lo_90"], out[f"{name}_hi_90"]]).all()
        assert np.isfinite(out["expected_spend_lo_90"]).all()  # another fit, which knows
    with pytest.warns(UserWarning, match=NOTHING):
        sums = fitted.total(money, horizon="10 weeks", spend=spend, level=90)
    assert all(np.isnan(value) == ("_90" in name) for name, value in sums.items())


def test_nothing_known_is_said_without_ranges_and_by_opportunities_too():
    donors = of_none(C.BGBB)
    with pytest.warns(UserWarning, match=NOTHING):
        assert np.isnan(donors.total(ONCE, horizon="10 weeks", level=80)["customers_hi_80"])
    model = of_none(C.BGNBD)
    for ask in (
        lambda: model.predict(ONCE, horizon="10 weeks"),
        lambda: model.total(ONCE, horizon="10 weeks"),
        lambda: model.clv_schedule(ONCE, periods=2, as_of="2026-06-30"),
    ):
        with pytest.warns(UserWarning, match=NOTHING):
            ask()


@pytest.mark.usefixtures("strict")
def test_what_is_believed_or_was_seen_has_ranges(model, weeks):
    believed = of_none(C.BGNBD, priors=dict.fromkeys(("r", "alpha", "a", "b"), (1.0, 1.0)))
    drawn = believed.posterior(150, chains=2, warmup=200, progress=False)
    for sums in (
        believed.total(ONCE, horizon="10 weeks", level=90),
        drawn.total(ONCE, horizon="10 weeks", level=90),
        model.total(weeks, horizon="10 weeks", level=90),
    ):
        assert sums["transactions_lo_90"] < sums["transactions_hi_90"]


# ---- calls as other libraries have them ----

BOUGHT = pd.DataFrame({"frequency": [2.0, 0.0, 1.0, 3.0], "recency": [4.0, 0.0, 1.0, 2.0], "T": [6.0] * 4})
FREQUENCY, RECENCY, T = (BOUGHT[name] for name in BOUGHT)
MONEY = pd.Series([30.0, 10.0, 20.0, 25.0])
BY_NAME = r"arrays go by name, so that none is swapped: fit\(x=…, t_x=…, T=…\)"
ONE = r"the data is one column: give a frame with all of them, or arrays by name: "


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: C.BGNBD().fit(FREQUENCY, RECENCY, T), BY_NAME),
        (lambda: C.BGNBD().fit(BOUGHT, RECENCY), BY_NAME),
        (lambda: C.BGNBD().fit(BOUGHT, None, T), BY_NAME),
        (lambda: C.GammaGamma().fit(FREQUENCY, MONEY), r"fit\(x=…, mean_spend=…\)"),
        (lambda: C.SBG().fit(LEFT, LEFT), r"into one list: fit\(\[first, second\]\)"),
        (lambda: C.BGNBD().fit(FREQUENCY), ONE + "x=…, t_x=…, T=…"),
        (lambda: C.BGNBD().fit(pl.Series(FREQUENCY)), ONE),
        (lambda: C.BGNBD().fit(FREQUENCY.to_numpy()), ONE),
        (lambda: C.BGNBD().fit([2, 0]), ONE),
        (lambda: C.GammaGamma().fit(MONEY), ONE + "x=…, mean_spend=…"),
        (lambda: C.evaluate(C.NBD(r=1, alpha=2), FREQUENCY), "one column: give a frame with all of them$"),
        (lambda: C.BGNBD().fit(BOUGHT, weights="w"), "'w'"),
        (
            lambda: C.BGNBD().fit(x=[1], t_x=[1], T=[2], weights="w"),
            "weights='w' names a column, but no frame",
        ),
    ],
)
def test_calls_of_lifetimes_are_told_the_way(call, words):
    with pytest.raises(so.UsageError, match=words):
        call()


def test_scikit_learn_still_passes_no_y(weeks, model):
    assert C.BGNBD().fit(weeks, None).params_ == model.params_
    assert C.BGNBD().fit(weeks, y=None).params_ == model.params_


def test_weights_may_be_a_column(weeks):
    frame = weeks.to_frame()
    frame["w"] = np.arange(1.0, len(weeks) + 1)
    by_name = C.BGNBD().fit(frame, weights="w")
    assert by_name.params_ == C.BGNBD().fit(frame, weights=frame["w"]).params_
    assert by_name.n_ == frame["w"].sum()


@pytest.mark.parametrize(
    "length",
    [
        dt.timedelta(weeks=39),
        pd.Timedelta(weeks=39),
        np.timedelta64(39, "W"),
        np.timedelta64(39 * 7 * 24, "h"),
        pl.Series([dt.timedelta(weeks=39)]).item(),
    ],
)
def test_horizons_may_be_time_deltas(weeks, model, length):
    assert model.total(weeks, horizon=length) == model.total(weeks, horizon="39 weeks")
    assert "in 273 days" in model.plot.matrix("expected_transactions", T=length, horizon=length).title


def test_time_deltas_of_months_and_parts_of_days(weeks, model):
    assert model.total(weeks, horizon=np.timedelta64(3, "M")) == model.total(weeks, horizon="3 months")
    assert model.total(weeks, horizon=np.timedelta64(1, "Y")) == model.total(weeks, horizon="1 year")
    hours = model.total(weeks, horizon=dt.timedelta(hours=36))["transactions"]
    assert hours == pytest.approx(model.total(weeks, horizon="36 hours")["transactions"], rel=1e-9)
    for none in (np.timedelta64("NaT"), pd.NaT, dt.timedelta(days=-3)):
        with pytest.raises(so.UsageError, match="horizon"):
            model.total(weeks, horizon=none)


@pytest.mark.parametrize("make", [dict, pd.DataFrame, pl.DataFrame])
def test_customers_of_a_frame_are_drawn_anew(weeks, model, make):
    frame = make({name: weeks[name] for name in ("frequency", "recency", "T")})
    drawn = model.simulate(frame, seed=5)
    assert drawn["T"].tolist() == weeks["T"].tolist()
    assert drawn["frequency"].tolist() == model.simulate(weeks["T"], seed=5)["frequency"].tolist()
    assert (
        drawn["frequency"].tolist() == model.simulate(make({"T": weeks["T"]}), seed=5)["frequency"].tolist()
    )


# ---- rows that travel, and rows of a state that goes on ----


@pytest.mark.parametrize("send", [copy.deepcopy, lambda rows: pickle.loads(pickle.dumps(rows))])
def test_rows_travel_whole(log, send):
    told = C.rfm(pd.DataFrame(log), holdout_end="1997-11-30", **LENGTHS)
    who = told["customer"]
    told = told.join({"customer": who, "tier": np.arange(len(told)) % 2})
    told = told.over_time({"start": ["1997-01-01", "1997-06-01"], "summer": [0, 1]}, until="1999-01-01")
    made = send(told)
    assert repr(made) == repr(told)
    pd.testing.assert_frame_equal(made.to_frame(), told.to_frame())
    assert made.issues.summary().to_dict() == told.issues.summary().to_dict()
    model = C.ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)
    assert C.tracking(model, made).actual.tolist() == C.tracking(model, told).actual.tolist()
    assert C.select(made, ["bg"]).best.params_ == C.select(told, ["bg"]).best.params_
    again = made.join({"customer": who, "more": np.arange(len(told))})
    assert [*again.table.names] == [*told.table.names, "more"]
    noon = log | {"time": log["time"] + np.timedelta64(12, "h")}
    first = C.rfm(noon, unit="hour", include_first=True)
    assert send(first).include_first
    assert send(first)["T"].tolist() == first["T"].tolist()


def test_rows_keep_to_what_was_known_when_they_were_made():
    january = {"customer": ["A", "B", "A"], "time": ["2026-01-05", "2026-01-07", "2026-01-20"]}
    late = {"customer": ["A", "C"], "time": ["2026-01-12", "2026-01-03"]}
    state = C.RfmState.partial(january)
    rows = state.finish(unit="week", calibration_end="2026-01-10")
    before = C.tracking(C.BGNBD(r=1, alpha=5, a=1, b=2), rows, every="day").actual.tolist()
    state.merge(C.RfmState.partial(late))
    assert C.tracking(C.BGNBD(r=1, alpha=5, a=1, b=2), rows, every="day").actual.tolist() == before
    assert len(pickle.loads(pickle.dumps(rows))) == len(rows) == 2
    assert len(state.finish(unit="week")) == 3


# ---- words ----


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (
            lambda m, r: m.predict(r, horizon="1 week", interval=0.9),
            "'mean' or 'outcome', not 0.9; .* level=",
        ),
        (lambda m, r: m.predict(r, horizon="1 week", interval="both"), "'mean' or 'outcome', not 'both'$"),
        (lambda m, r: m.predict(r, horizon="1 week", discount="-10% / year"), "below 0.*say 0 or above"),
        (lambda m, r: m.predict(r, horizon="1 week", discount="10%"), "say the period with it"),
    ],
)
def test_slips_are_told_what_there_is(weeks, model, ask, words):
    with pytest.raises(so.UsageError, match=words):
        ask(model, weeks)


def test_one_is_singular():
    one = {"customer": ["A"], "time": ["2026-01-05"]}
    assert repr(C.rfm(one)) == "<Rfm: 1 customer in days to 2026-01-05>"
    assert repr(C.RfmState.partial(one)) == "<RfmState: 1 customer, 1 day with transactions>"
    fitted = C.NBD(priors={"r": (1.0, 1.0), "alpha": (1.0, 1.0)}).fit(x=[2], t_x=[3], T=[5])
    assert ": 1 customer, log-likelihood" in repr(fitted)
    assert repr(fitted.summary_).startswith("NBD: 1 customer\n")
    spend = C.GammaGamma().fit(
        {"frequency": [1, 2, 3] * 9 + [1], "monetary_value": [5.0, 9.0, 7.0] * 9 + [0.0]}
    )
    assert "1 customer who bought again without an amount above 0 was left out (row 27)" in spend.notes_
