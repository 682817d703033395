"""What models of customers say to those who ask wrongly, and of rows that can't be read."""

import numpy as np
import pytest
import salesops as so

TX = {
    "customer": ["A", "A", "B", "B"],
    "day": ["2026-01-05", "2026-01-26", "2026-01-12", "2026-02-02"],
    "value": [20.0, 30.0, 15.0, 5.0],
}


def test_rows_without_a_readable_date_are_named():
    bad = TX | {"day": ["05.01.", "26.01.", "x", "y"]}
    with pytest.raises(so.UsageError, match=r"column 'day': 4 rows not_a_date"):
        so.clv.rfm(bad, time="day")
    with pytest.raises(so.UsageError, match=r"column 'day': 4 rows not_a_date"):
        so.clv.rfm(bad, time="day", observation_end="2026-03-01")
    some = so.clv.rfm(TX | {"day": ["05.01.", *TX["day"][1:]]}, time="day")
    assert "1 not_a_date in 'day'" in repr(some)


def test_amounts_that_are_none_are_named():
    with pytest.raises(so.UsageError, match=r"column 'value' has no amount: 4 rows can't be read"):
        so.clv.rfm(TX | {"value": ["€20", "€30", "n/a", "€5"]}, time="day", amount="value")
    some = so.clv.rfm(TX | {"value": ["20", "€30", "15", "5"]}, time="day", amount="value")
    assert "1 not_an_amount in 'value'" in repr(some)


def test_states_merge_in_a_chain_and_units_may_be_several():
    parts = [{name: column[i : i + 2] for name, column in TX.items()} for i in (0, 2)]
    states = [so.clv.RfmState.partial(part, time="day") for part in parts]
    rows = so.clv.RfmState().merge(states[0]).merge(states[1]).finish(unit="weeks")
    assert rows.unit == "week"
    assert len(rows) == 2
    with pytest.raises(so.UsageError, match="unit is one of minute, hour, day, week"):
        so.clv.rfm(TX, time="day", unit="fortnights")


@pytest.fixture(scope="module")
def model():
    return so.clv.ParetoNBD(r=0.55, alpha=10.6, s=0.61, beta=11.7)


def test_models_are_named_as_their_classes_too(model):
    rows = {
        n: c for n, c in model.simulate([40.0] * 400, seed=3).items() if n in ("frequency", "recency", "T")
    }
    assert type(so.clv.compare(rows, ["ParetoNBD", "nbd"]).models[0]).__name__ == "ParetoNBD"
    with pytest.raises(so.UsageError, match=r"there are nbd, .*ParetoNBD"):
        so.clv.compare(rows, ["Pareto"])


def test_a_number_of_customers_is_no_length_of_time(model):
    with pytest.raises(so.UsageError, match=r"T: one length a customer, such as \[52\] \* 1000"):
        model.simulate(3)


@pytest.mark.parametrize("question", ["log_likelihood", "p_alive", "expected_rate"])
def test_arrays_that_are_no_history_are_refused(model, question):
    ask = getattr(model, question)
    with pytest.raises(so.UsageError, match=r"1 of 3 rows have t_x > T \(swapped\?\) \(row 1\)"):
        ask([1, 2, 3], [10.0, 50.0, 20.0], [39.0, 39.0, 39.0])
    with pytest.raises(so.UsageError, match=r"1 of 1 rows have a negative x"):
        ask(-1, 10, 39)
    assert np.isfinite(ask([1, 2], [10.0, 20.0], 39.0)).all()
    with pytest.raises(so.UsageError, match=r"1 of 1 rows have no finite t_x \(row 0\)"):
        ask(1, float("nan"), 39)


def test_customers_without_an_amount_are_noted_once():
    rng = np.random.default_rng(1)
    x = rng.integers(1, 6, 300)
    spend = rng.gamma(6, 5, 300)
    spend[:7] = 0
    model = so.clv.GammaGamma().fit({"frequency": x, "monetary_value": spend})
    assert [note for note in model.notes_ if "7" in note] == [
        "7 customers who bought again without an amount above 0 were left out (row 0, 1, 2, 3, 4, …)"
    ]
    assert not any("no repeat purchase" in note for note in model.notes_)
    known = so.clv.GammaGamma().fit({"frequency": x[7:], "monetary_value": spend[7:]})
    assert model.params_ == known.params_
    with pytest.raises(so.UsageError, match="equally long"):
        so.clv.GammaGamma().fit({"frequency": x, "monetary_value": spend}, weights=[1, 2])
