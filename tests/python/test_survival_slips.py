"""What newcomers get wrong with lifetimes, and what they are told."""

import numpy as np
import pytest
import salesops as so
from salesops import survival

DAYS = [3, 5, 6, 8, 9, 9, 12, 4]
ENDS = ["won", "lost", "won", "still here", "lost", "won", "won", "lost"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda **how: survival.AalenJohansen(**how).fit(DAYS, ENDS),
        lambda **how: survival.FineGray(cause="won", **how).fit(DAYS, ENDS, {"x": range(8)}),
        lambda **how: survival.gray(DAYS, ENDS, list("abababab"), cause="won", **how),
    ],
)
def test_a_label_that_no_row_has_does_not_mean_still_there(ask):
    with pytest.raises(so.UsageError, match=r"no row has the label 'open'.*'lost', 'still here', 'won'"):
        ask(censored="open")
    ask(censored="still here")
    ask(censored=None)


def test_numbers_of_outcomes_may_lack_the_default():
    assert survival.AalenJohansen().fit([1, 2, 3], [1, 2, 1]).n_events_ == 3
    with pytest.raises(so.UsageError, match="no row has the label 9"):
        survival.AalenJohansen(censored=9).fit([1, 2, 3], [1, 2, 1])


def test_texts_are_no_events():
    with pytest.raises(so.UsageError, match=r"texts such as 'Yes'.*column == 'Yes'"):
        survival.KaplanMeier().fit([1, 2, 3], ["Yes", "No", "No"])


def test_a_reference_is_of_a_covariate():
    rows = {"plan": list("ababab"), "days": [1, 2, 3, 4, 5, 6], "left": [1, 1, 1, 0, 1, 1]}
    how = {"duration_col": "days", "event_col": "left"}
    with pytest.raises(so.UsageError, match="give the category by column"):
        survival.CoxPH().fit(rows, **how, reference="b")
    with pytest.raises(so.UsageError, match="'Plan' is no covariate; there are plan"):
        survival.CoxPH().fit(rows, **how, reference={"Plan": "b"})


def test_printed_models_show_their_coefficients():
    model = survival.CoxPH().fit(DAYS, [1] * 8, {"size": [1, 6, 5, 2, 3, 7, 4, 8]})
    assert "hazard_ratio" in str(model)
    assert "hazard_ratio" not in repr(model)


def test_rows_at_risk_are_those_of_the_stratum_drawn():
    pytest.importorskip("altair")
    rng = np.random.default_rng(1)
    rows = {"days": rng.integers(1, 50, 200), "x": rng.normal(size=200), "plan": ["a"] * 150 + ["b"] * 50}
    model = survival.CoxPH().fit(rows, duration_col="days", strata="plan", formula="x")
    assert model.plot_survival_function({"x": [0.0], "plan": ["b"]}).rows[0][1] == "50"
    assert model.plot_survival_function({"x": [0.0, 1.0], "plan": ["a", "b"]}).rows[0][1] == "200"


def test_where_numbers_lie_in_memory_changes_nothing():
    rng = np.random.default_rng(2)
    days, x = np.ceil(rng.exponential(9, 5000)), rng.normal(size=(5000, 3))
    shifted = np.empty((3, 5001))[:, 1:]
    shifted[:] = x.T
    columns = {name: x[:, j] for j, name in enumerate("abc")}
    apart = {name: shifted[j] for j, name in enumerate("abc")}
    once = survival.CoxPH().fit(days, days > 3, columns)
    again = survival.CoxPH().fit(days, days > 3, apart)
    third = survival.CoxPH().fit(days, days > 3, np.ascontiguousarray(x))
    assert list(once.coefficients_.values()) == list(again.coefficients_.values())
    assert list(once.coefficients_.values()) == list(third.coefficients_.values())
