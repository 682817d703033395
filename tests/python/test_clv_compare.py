"""Models chosen on a holdout, reported on a later one; fits that begin where the last ended; scikit-learn."""

import numpy as np
import pandas as pd
import pytest
import salesops as so

TRUE = so.clv.ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)


@pytest.fixture(scope="module")
def log():
    born = np.datetime64("1997-01-01") + np.random.default_rng(1).integers(0, 84, 3000)
    return pd.DataFrame(TRUE.simulate_transactions(born, until="1998-12-31", unit="week", seed=3))


@pytest.fixture(scope="module")
def rows(log):
    return so.clv.rfm(log, unit="week", calibration_end="1997-12-31", holdout_end="1998-06-30")


def test_a_model_is_chosen_on_one_holdout_and_reported_on_a_later_one(log, rows):
    found = so.clv.select(rows, ["nbd", "bg", "pareto"], by="rmse", report_end="1998-12-31")
    table = found.to_frame().set_index("model")
    assert table["holdout_rmse"].is_monotonic_increasing
    assert table["chosen"].tolist() == [True, False, False]
    assert type(found.best).__name__ == table.index[0]
    first = so.clv.BGNBD().fit(rows)
    later_rows = so.clv.rfm(log, unit="week", calibration_end="1998-06-30", holdout_end="1998-12-31")
    later = so.clv.BGNBD().fit(later_rows)
    for prefix, model, data in (("holdout", first, rows), ("report", later, later_rows)):
        score = so.clv.evaluate(model, data)
        for name in ("mae", "rmse", "bias"):
            assert table.loc["BGNBD", f"{prefix}_{name}"] == pytest.approx(score[name], rel=1e-6)
        assert table.loc["BGNBD", f"{prefix}_tracking"] == pytest.approx(
            so.clv.tracking(model, data).error, rel=1e-6
        )
    assert found.best.n_ == len(later_rows)


def test_what_comes_after_the_first_holdout_has_no_say(log, rows):
    """Other purchases in the second half of 1998 change the report, not the choice."""
    extra = log[log["time"] > "1998-06-30"].assign(time=pd.Timestamp("1998-11-11"))
    more = so.clv.rfm(
        pd.concat([log, extra.assign(customer=extra["customer"] // 2)]),
        unit="week",
        calibration_end="1997-12-31",
        holdout_end="1998-06-30",
    )
    before, after = (so.clv.select(one, ["nbd", "pareto"]).to_frame() for one in (rows, more))
    names = ["model", "chosen", "holdout_mae", "holdout_tracking"]
    assert before[names].equals(after[names])
    assert not before["report_mae"].equals(after["report_mae"])


def test_selection_needs_two_holdouts(log, rows):
    for data, options, words in (
        (rows, {"by": "luck"}, "mae, rmse, bias, tracking"),
        (rows, {"models": []}, "at least one"),
        (rows, {"models": ["what"]}, "nbd, bg"),
        (so.clv.rfm(log, unit="week"), {}, "calibration_end=, holdout_end="),
        (so.clv.rfm(log, unit="week", calibration_end="1997-12-31"), {}, "no transactions after holdout_end"),
    ):
        with pytest.raises(so.UsageError, match=words):
            so.clv.select(data, **options)


def test_a_warm_start_is_quicker_and_ends_at_the_same_place(log):
    june = so.clv.rfm(log, unit="week", calibration_end="1998-06-30")
    july = so.clv.rfm(log, unit="week", calibration_end="1998-07-31")
    cold = so.clv.ParetoNBD().fit(july)
    warm = so.clv.ParetoNBD().fit(june)
    warm.fit(july, warm_start=True)
    assert list(warm.params_.values()) == pytest.approx(list(cold.params_.values()), rel=1e-6)
    assert warm.log_likelihood_ == pytest.approx(cold.log_likelihood_, abs=1e-7)
    assert warm.n_iter_ < cold.n_iter_


def test_simulated_logs_are_the_crowd(log):
    rows = so.clv.rfm(log, unit="week", observation_end="1998-12-31")
    assert len(rows) == 3000
    made = TRUE.simulate(rows["T"], seed=3)
    assert rows["frequency"].sum() == pytest.approx(made["frequency"].sum(), rel=0.05)
    model = so.clv.ParetoNBD().fit(rows)
    for name, value in TRUE.get_params().items():
        if name in model.params_:
            assert abs(model.params_[name] - value) < 4.5 * model.standard_errors_[name]
    spend = so.clv.GammaGamma(p=6.25, q=3.74, v=15.44)
    paid = pd.DataFrame(
        TRUE.simulate_transactions(
            ["1997-01-01"] * 4000, until="1998-12-31", unit="week", spend=spend, seed=4
        )
    )
    found = so.clv.GammaGamma().fit(so.clv.rfm(paid, amount="amount", unit="week"))
    for name in ("p", "q", "v"):
        assert abs(found.params_[name] - getattr(spend, name)) < 4.5 * found.standard_errors_[name]
    for call, words in (
        (lambda: TRUE.simulate_transactions(["1997-01-01"], until="1998-12-31"), "unit='week'"),
        (lambda: TRUE.simulate_transactions(["1999-01-01"], until="1998-12-31", unit="day"), "after until"),
    ):
        with pytest.raises(so.UsageError, match=words):
            call()


def test_no_model_is_made_of_what_none_can_be():
    for kind, given, words in (
        (so.clv.NBD, {"r": 1, "alpha": -1}, "NBD: alpha must be a finite number above 0, not -1"),
        (so.clv.BGNBD, {"r": float("nan")}, "BGNBD: r must be a finite number above 0, not nan"),
        (so.clv.GammaGamma, {"v": "15"}, "GammaGamma: v must be a finite number above 0, not '15'"),
        (so.clv.SBG, {"beta": 0}, "SBG: beta must be"),
        (so.clv.SarmanovParetoNBD, {"m": float("inf")}, "m must be a finite number, not inf"),
        (
            so.clv.SarmanovParetoNBD,
            {"r": 1, "alpha": 1, "s": 1, "beta": 1, "m": 9},
            "m must lie from -4 to 4",
        ),
    ):
        with pytest.raises(so.UsageError, match=words):
            kind(**given)
        with pytest.raises(so.UsageError, match=words):
            kind().set_params(**given)
    kept = so.clv.NBD(r=1)
    assert kept.clone().get_params() == kept.get_params()


def test_a_warning_names_the_line_of_the_caller():
    rows = {"frequency": [0, 0, 0], "recency": [0, 0, 0], "T": [10, 20, 30]}
    for call in (lambda: so.clv.BGNBD().fit(rows), lambda: so.clv.compare(rows, ["bg"])):
        with pytest.warns(so.clv.ConvergenceWarning, match="BGNBD did not converge") as told:
            call()
        assert {one.filename for one in told} == {__file__}
    with pytest.raises(so.clv.ConvergenceWarning, match="BGNBD did not converge"):
        so.clv.BGNBD(strict=True).fit(rows)


def test_scikit_learn_clones_and_pipes(rows):
    from sklearn import base, pipeline, preprocessing

    frame = rows.to_frame()
    model = so.clv.BGNBD(l2=0.01).fit(frame)
    copy = base.clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "params_")
    select = preprocessing.FunctionTransformer(lambda data: data[["frequency", "recency", "T"]])
    pipe = pipeline.Pipeline([("columns", select), ("clv", so.clv.BGNBD(l2=0.01))])
    pipe.set_params(clv__l2=0.02).fit(frame, clv__unit="week")
    assert pipe.named_steps["clv"].l2 == 0.02
    want = so.clv.BGNBD(l2=0.02).fit(frame, unit="week").predict(frame, horizon="26 weeks")
    got = pipe.predict(frame, horizon="26 weeks")
    assert np.allclose(got["expected_transactions"], want["expected_transactions"])


def test_a_comparison_prints_within_a_terminal():
    from salesops._frame import from_columns
    from salesops.clv._compare import stacked

    columns = {"model": ["ParetoNBD", "BGNBD"]}
    columns |= {f"holdout_measure_{n}": [1234.5, 0.5] for n in range(8)}
    text = stacked(from_columns(columns))
    assert max(map(len, text.splitlines())) <= 80
    for name in columns:
        assert name in text
    assert text.count("ParetoNBD") == text.count("model") > 1
    narrow = {"model": ["NBD"], "aic": [1.0]}
    assert stacked(from_columns(narrow)) == from_columns(narrow).to_text()


def test_a_likelihood_of_something_else_is_not_ranked(rows):
    frame = rows.to_frame()
    lacking = frame[["customer", "frequency", "recency", "T", "holdout_frequency"]]
    models = [so.clv.MBGCNBD(k=2), "mbg", "nbd"]
    found = so.clv.compare(lacking, models, holdout=rows.holdout_duration).to_frame().set_index("model")
    assert found.index[-1] == "MBGCNBD"
    assert found.loc["MBGCNBD", ["log_likelihood", "aic", "bic"]].isna().all()
    assert found.drop(index="MBGCNBD")["aic"].is_monotonic_increasing
    assert np.isfinite(found["holdout_mae"]).all()
    text = repr(so.clv.compare(lacking, models, holdout=rows.holdout_duration))
    assert "MBGCNBD is not comparable by likelihood, AIC and BIC: the data lack sum_log_gaps" in text
    whole = so.clv.compare(rows, models)
    assert np.isfinite(whole.to_frame()["aic"]).all()
    assert "not comparable" not in repr(whole)
    with_one = so.clv.compare(lacking, [so.clv.MBGCNBD(k=1), "mbg"], holdout=rows.holdout_duration).to_frame()
    assert np.isfinite(with_one["aic"]).all()
