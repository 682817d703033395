"""What newcomers get wrong with lifetimes, and what they are told."""

import datetime as dt
import math

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
    with pytest.raises(so.UsageError, match=r"or list the outcomes that there can be \(causes=…\)"):
        ask(censored="open")
    ask(censored="still here")
    ask(censored=None)
    ask(censored="still here", causes=["won", "lost"])
    ask(censored="open", causes=["won", "lost", "still here"])
    with pytest.raises(so.UsageError, match=r"label 'still here', which is neither 'open' .* 'won', 'lost'"):
        ask(censored="open", causes=["won", "lost"])
    with pytest.raises(so.UsageError, match="label 'lost', which is neither 'still here'"):
        ask(censored="still here", causes=["won", "Lost"])
    with pytest.raises(so.UsageError, match="causes: 'still here' means 'not ended yet'"):
        ask(censored="still here", causes=["won", "lost", "still here"])
    for wrong in ("won", [], 3):
        with pytest.raises(so.UsageError, match="causes: list the outcomes that there can be"):
            ask(censored="still here", causes=wrong)


def test_groups_are_fitted_alike_whatever_their_rows_have():
    groups = {
        "a": ([3, 5, 8], ["won", "lost", "open"]),
        "b": ([2, 6], ["won", "lost"]),  # none is censored
        "c": ([4, 7], ["won", "open"]),  # none was lost
        "d": ([1, 2], [None, None]),  # none has ended
    }
    fit = survival.AalenJohansen(censored="open", causes=["won", "lost"])
    fits = {}
    for name, (days, ends) in groups.items():
        fits[name] = type(fit)(**fit.get_params()).fit(days, ends)
        assert fits[name].causes_ == ["won", "lost"]
        assert fits[name].cumulative_incidence_.columns.tolist() == ["time", "won", "lost"]
    assert fits["b"].at(6, "lost") == survival.AalenJohansen(censored=None).fit(*groups["b"]).at(6, "lost")
    assert fits["c"].at(7, "lost") == 0
    assert fits["c"].at(7, "won") == 0.5
    assert fits["d"].n_events_ == 0
    pytest.importorskip("altair")
    assert "won" in survival.plot(fits, cause="won").title
    numbers = survival.AalenJohansen(causes=[1, 2]).fit([1, 2, 3], np.array([1, 1, 0]))
    assert (numbers.causes_, numbers.at(2, 2)) == ([1, 2], 0)


def test_exact_ties_say_what_they_do_not_take():
    rows = {"t": DAYS, "x": [1, 6, 5, 2, 3, 7, 4, 8], "w": [1, 2] * 4, "c": list("aabbccdd")}
    exact = survival.CoxPH(ties="exact")
    with pytest.raises(
        so.UsageError, match=r"^column 'w': exact ties take no weights; leave them out, or take"
    ):
        exact.fit(rows, duration_col="t", weights_col="w", formula="x")
    with pytest.raises(
        so.UsageError, match=r"^column 'c': exact ties have no robust errors; leave robust and"
    ):
        exact.fit(rows, duration_col="t", cluster_col="c", formula="x")
    with pytest.raises(so.UsageError, match=r"^robust: exact ties have no robust errors"):
        survival.CoxPH(ties="exact", robust=True).fit(rows, duration_col="t", formula="x")


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


LAWS = ("ExponentialAFT", "WeibullAFT", "LogNormalAFT", "LogLogisticAFT", "GeneralizedGammaAFT")


@pytest.mark.parametrize("law", LAWS)
def test_columns_may_bear_the_names_of_parameters(law):
    rng = np.random.default_rng(7)
    named = {name: rng.normal(size=120).round(2) for name in ("q", "intercept", "ln_sigma", "x")}
    plain = dict(zip("abcd", named.values(), strict=True))
    days = np.exp(rng.normal(size=120) + named["q"]).round(3) + 0.01
    how = {"duration_col": "t", "event_col": "e"}
    model = getattr(survival, law)().fit({"t": days, "e": days < 3, **named}, **how)
    other = getattr(survival, law)().fit({"t": days, "e": days < 3, **plain}, **how)
    assert list(model.time_ratios_) == list(named)
    assert list(model.time_ratios_.values()) == list(other.time_ratios_.values())
    assert model.concordance_index_ == other.concordance_index_
    coefficients = model.coefficients_
    assert list(coefficients.values()) == list(other.coefficients_.values())
    assert list(coefficients)[:5] == ["(intercept)", *named]
    assert list(coefficients)[5:] == ["(ln_sigma)", "(q)"][: len(coefficients) - 5]
    assert list(model.summary_["covariate"]) == list(coefficients)
    assert model.parameters_ == other.parameters_
    pytest.importorskip("altair")
    assert [row[0] for row in model.plot().rows] == [*named]


def test_a_column_of_strata_may_be_called_strata():
    rows = {"days": DAYS, "x": [1, 6, 5, 2, 3, 7, 4, 8], "strata": list("abababab")}
    model = survival.CoxPH().fit(rows, duration_col="days", strata="strata", formula="x")
    asked = model.predict_survival_function({"x": [2, 2], "strata": ["a", "b"]}, times=6)["survival"]
    other = {**rows, "plan": rows["strata"]}
    again = survival.CoxPH().fit(other, duration_col="days", strata="plan", formula="x")
    assert (
        asked.tolist()
        == again.predict_survival_function({"x": [2, 2], "plan": ["a", "b"]}, times=6)["survival"].tolist()
    )
    with pytest.raises(so.UsageError, match="no column 'strata'"):
        model.predict_survival_function({"x": [2]}, times=6)
    rows["strata"] = [None, *rows["strata"][1:]]
    with pytest.raises(so.UsageError, match="column 'strata': 1 of 8 rows are null"):
        survival.CoxPH().fit(rows, duration_col="days", strata="strata", formula="x")


def test_a_column_called_all_together_keeps_its_own_check():
    rows = {"days": DAYS, "all together": [1, 6, 5, 2, 3, 7, 4, 8], "x": [2, 1, 2, 3, 1, 3, 2, 2]}
    found = survival.CoxPH().fit(rows, duration_col="days").check_assumptions().to_frame()
    assert found["covariate"].tolist() == ["all together", "x", "all together"]
    assert found["degrees"].tolist() == [1, 1, 2]


LENGTHS = [dt.timedelta(days=1, hours=12), dt.timedelta(days=4), dt.timedelta(days=2)]


def frames_of_lengths(lengths):
    pd, pl, pa = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    duckdb, nw = pytest.importorskip("duckdb"), pytest.importorskip("narwhals")
    for unit in ("s", "ms", "us", "ns"):
        arrow = pa.array(lengths, pa.duration(unit))
        yield f"arrow {unit}", pa.table({"t": arrow})
        yield f"arrow batch {unit}", pa.record_batch({"t": arrow})
        yield f"pandas {unit}", pd.DataFrame({"t": pd.Series(lengths).astype(f"timedelta64[{unit}]")})
        yield (
            f"pandas of arrow {unit}",
            pd.DataFrame({"t": pd.Series(arrow.to_pandas()).astype(pd.ArrowDtype(pa.duration(unit)))}),
        )
        yield f"dict of numpy {unit}", {"t": np.array(lengths, f"timedelta64[{unit}]")}
        if unit != "s":
            series = pl.Series(lengths, dtype=pl.Duration(unit))
            yield f"polars {unit}", pl.DataFrame({"t": series})
            yield f"polars lazy {unit}", pl.LazyFrame({"t": series})
            yield f"narwhals {unit}", nw.from_native(pl.DataFrame({"t": series}))
    yield "dict of lists", {"t": list(lengths)}
    yield "dict of pandas' own", {"t": [pd.Timedelta(one) if one else pd.NaT for one in lengths]}
    own = pa.table({"hours": [None if one is None else one.total_seconds() / 3600 for one in lengths]})
    assert own.num_rows
    yield "duckdb", duckdb.sql("select to_hours(hours::int) as t from own")


def test_lengths_of_time_in_any_frame_are_days():
    for name, frame in frames_of_lengths(LENGTHS):
        curve = survival.KaplanMeier().fit(frame, duration_col="t").result_
        assert curve.time.tolist() == [1.5, 2, 4], name
    for _, frame in frames_of_lengths([LENGTHS[0], None, LENGTHS[2]]):
        with pytest.raises(so.UsageError, match=r"column 't': 1 of 3 rows are NaN .*first: row 1"):
            survival.KaplanMeier().fit(frame, duration_col="t")


def test_lengths_of_several_kinds_are_days_and_months_are_none():
    mixed = [np.timedelta64(36, "h"), dt.timedelta(days=4), np.timedelta64(2, "D")]
    assert survival.KaplanMeier().fit(mixed).result_.time.tolist() == [1.5, 2, 4]
    with pytest.raises(so.UsageError, match="durations: months and years differ in days; give days"):
        survival.KaplanMeier().fit(np.array([1, 2], "timedelta64[M]"))


def test_groups_are_compared_within_strata():
    rng = np.random.default_rng(3)
    late = rng.integers(0, 2, 400)
    days = (rng.exponential(5 + 40 * late) + 1).round()
    plan = np.where(rng.random(400) < 0.2 + 0.6 * late, "pro", "basic")
    rows = {"days": days, "plan": plan, "start": late}
    how = {"duration_col": "days", "group_col": "plan"}
    assert survival.logrank(rows, **how).p_value < 1e-6
    within = survival.logrank(rows, **how, strata_col="start")
    assert within.p_value > 0.05
    parts = [survival.logrank(days[late == s], groups=plan[late == s]) for s in (0, 1)]
    for name in ("basic", "pro"):
        assert within.expected[name] == pytest.approx(sum(part.expected[name] for part in parts))
    assert survival.logrank(days, groups=plan, strata=[1] * 400).statistic == pytest.approx(
        survival.logrank(rows, **how).statistic
    )
    with pytest.raises(so.UsageError, match="strata has 3 rows, durations has 400"):
        survival.logrank(days, groups=plan, strata=[1, 2, 3])
    with pytest.raises(so.UsageError, match="column 'start': 1 of 400 rows are null"):
        survival.logrank({**rows, "start": [None, *late[1:].tolist()]}, **how, strata_col="start")


@pytest.mark.parametrize("law", LAWS)
def test_looks_far_below_the_rest_don_t_lead_the_search_astray(law):
    # Answers within minutes or hours, among many leads that nobody has answered for a year.
    lower = np.array([0, 1 / 1440, 1 / 96, 1 / 24, 0.5, 2, 30, 365])
    upper = np.array([1 / 1440, 1 / 96, 1 / 24, 0.5, 2, 30, 365, np.inf])
    weights = np.array([3, 9, 20, 31, 25, 18, 9, 4000])
    model = getattr(survival, law)().fit(lower, upper=upper, weights=weights)
    assert model.result_.converged
    if law in ("LogNormalAFT", "WeibullAFT"):
        best = model.log_likelihood_
        shape = np.array([model.parameters_[name] for name in model.parameters_])
        for moved in ([1.02, 1], [0.98, 1], [1, 1.02], [1, 0.98]):
            assert by_hand(law, *(shape * moved), lower, weights) < best
        assert by_hand(law, *shape, lower, weights) == pytest.approx(best, rel=1e-10)


def by_hand(law, first, second, lower, weights):
    """Log-likelihood of looks that follow on one another."""
    if law == "WeibullAFT":
        left = [*(math.exp(-((t / first) ** second)) for t in lower), 0]
    else:
        left = [1, *(math.erfc((math.log(t) - first) / second / math.sqrt(2)) / 2 for t in lower[1:]), 0]
    return float(weights @ np.log(-np.diff(left)))
