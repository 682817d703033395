import inspect
import json
import math
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import salesops as so

BG = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
PARETO = {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}
PURCHASE_MODELS = {
    so.clv.NBD: {"r": 0.385, "alpha": 12.07},
    so.clv.BGNBD: BG,
    so.clv.MBGNBD: {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614},
    so.clv.ParetoNBD: PARETO,
    so.clv.SarmanovParetoNBD: {"r": 0.54, "alpha": 10.1, "s": 0.51, "beta": 9.2, "m": 10.0},
    so.clv.BGBB: {"alpha": 1.204, "beta": 0.750, "gamma": 0.657, "delta": 2.783},
    so.clv.BGCNBD: {"r": 0.85, "alpha": 1.45, "a": 0.79, "b": 2.42, "k": 2},
    so.clv.MBGCNBD: {"r": 0.85, "alpha": 1.45, "a": 0.79, "b": 2.42, "k": 3},
    so.clv.GGompertzNBD: {"r": 0.8, "alpha": 9, "b": 0.02, "s": 0.5, "beta": 0.7},
}


def simulated(n=1500, seed=1):
    """BG/NBD customers in weeks, on whole days."""
    rng = np.random.default_rng(seed)
    T = np.floor(rng.uniform(27, 39, n) * 7)
    rate, leave = rng.gamma(0.6, 1 / 9, n), rng.beta(0.8, 2.4, n)
    x, t_x = np.zeros(n), np.zeros(n)
    for i in range(n):
        time = 0.0
        while True:
            time += rng.exponential(1 / rate[i]) * 7
            if time >= T[i]:
                break
            x[i], t_x[i] = x[i] + 1, max(1, np.floor(time))
            if rng.random() < leave[i]:
                break
    return {"frequency": x, "recency": t_x / 7, "T": T / 7}


@pytest.fixture(scope="module")
def frame():
    data = pd.DataFrame(simulated())
    mean = np.random.default_rng(2).gamma(6, 5, len(data))
    data["monetary_value"] = np.where(data["frequency"] > 0, mean, 0.0)
    data.insert(0, "customer_id", [f"C{i}" for i in range(len(data))])
    return data


@pytest.fixture(scope="module")
def bg(frame):
    return so.clv.BGNBD().fit(frame, unit="week")


@pytest.fixture(scope="module")
def cdnow(data_dir):
    raw = pd.read_csv(data_dir / "clv/CDNOW_sample.txt", sep=r"\s+", header=None, dtype={2: str})
    raw.columns = ["master", "customer", "time", "cds", "amount"]
    raw["time"] = pd.to_datetime(raw["time"], format="%Y%m%d")
    return so.clv.rfm(
        raw, amount="amount", unit="week", calibration_end="1997-09-30", holdout_end="1998-06-30"
    )


# ---- answers at given parameters ----


@pytest.mark.parametrize(
    ("x", "t_x", "T", "log_likelihood", "p_alive", "mean"),
    [
        (0, 0, 38.86, -0.554713276438, 1, 0.195098052011),
        (2, 30.43, 38.86, -9.45860630706627, 0.726578570081, 1.22602817477),
        (26, 30.86, 31, -37.7265794734, 0.968915649718, 20.7497261409),
    ],
)
def test_bg_answers_with_the_published_parameters(x, t_x, T, log_likelihood, p_alive, mean):
    model = so.clv.BGNBD(**BG)
    assert model.log_likelihood(x, t_x, T) == pytest.approx(log_likelihood, rel=1e-9)
    assert model.p_alive(x, t_x, T) == pytest.approx(p_alive, rel=1e-9)
    assert model.log_p_alive(x, t_x, T) == pytest.approx(math.log(p_alive), abs=1e-9)
    assert model.expected_transactions(39, x, t_x, T) == pytest.approx(mean, rel=1e-9)


def test_a_chance_below_the_smallest_number_has_a_logarithm():
    model = so.clv.ParetoNBD(**PARETO)
    assert model.p_alive(2000, 10, 1e4) == 0
    assert -1e5 < model.log_p_alive(2000, 10, 1e4) < -745


def test_arrays_go_together():
    model = so.clv.ParetoNBD(**PARETO)
    t = np.array([1.0, 39.0, 52.0])
    assert model.expected_transactions(t, 2, 30.43, 38.86) == pytest.approx(
        [0.0446178585951, 1.45512319326, 1.8508267207]
    )
    assert model.expected_transactions_new([1, 3, 32]) == pytest.approx(
        [0.050979843246, 0.14606118505, 1.05589613041]
    )
    assert model.pmf_new(range(3), 39) == pytest.approx([0.593625031602, 0.165562947277, 0.0824871841163])
    assert model.dert(0.002, 2, 30.43, 38.86) == pytest.approx(7.75422960011)
    assert isinstance(model.p_alive(2, 30.43, 38.86), float)
    with pytest.raises(so.UsageError, match=r"x has 2, t_x has 3"):
        model.p_alive([1, 2], [1, 2, 3], 5)
    with pytest.raises(so.UsageError, match="t_x must be numbers"):
        model.p_alive(1, "1", 5)
    with pytest.raises(so.UsageError, match="have t_x > T"):
        model.p_alive(2, 9, 5)
    assert model.p_alive([], [], []).shape == (0,)


@pytest.mark.parametrize("kind", PURCHASE_MODELS)
def test_all_models_answer_the_same_questions_alike(kind):
    model = kind(**PURCHASE_MODELS[kind])
    x, t_x, T = (2.0, 5.0, 6.0) if kind is so.clv.BGBB else (2.0, 20.0, 26.0)
    p = model.p_alive(x, t_x, T)
    assert 0 < p <= 1
    assert model.p_alive_at(0, x, t_x, T) == pytest.approx(p)
    assert model.p_alive_at(8, x, t_x, T) <= p
    masses = model.pmf(np.arange(200), 8, x, t_x, T)
    assert masses[0] == pytest.approx(model.p_no_transaction(8, x, t_x, T))
    mean = model.expected_transactions(8, x, t_x, T)
    assert masses.sum() == pytest.approx(1, abs=1e-6)
    assert (masses * np.arange(200)).sum() == pytest.approx(mean, rel=1e-4)
    assert model.dect(8, 0, x, t_x, T) == pytest.approx(mean, rel=1e-7)
    assert model.dect(8, 0.01, x, t_x, T) < mean
    assert model.dect(4000, 0.05, x, t_x, T) == pytest.approx(model.dert(0.05, x, t_x, T), rel=1e-6)
    assert model.dect_new(4000, 0.05) == pytest.approx(model.dert_new(0.05), rel=1e-6)
    assert model.pmf_new(np.arange(200), 8).sum() == pytest.approx(1, abs=1e-6)
    assert 0 < model.p_alive_new(3) <= 1
    assert model.expected_rate(x, t_x, T) > 0
    assert model.expected_dropout(x, t_x, T) >= 0
    assert model.log_likelihood(x, t_x, T) < 0


def test_without_parameters_there_is_no_answer():
    with pytest.raises(so.UsageError, match="call fit, or pass r, alpha, a, b"):
        so.clv.BGNBD().p_alive(1, 1, 2)
    with pytest.raises(so.UsageError, match="alpha is missing"):
        so.clv.NBD(r=1).p_alive(1, 1, 2)
    with pytest.raises(so.UsageError, match="needs k"):
        so.clv.BGCNBD(**BG).p_alive(1, 1, 2)


# ---- fits ----


def test_a_fit_is_stationary_and_says_how_sure_it_is(frame, bg):
    x, t_x, T = (frame[name].to_numpy() for name in ("frequency", "recency", "T"))
    best = bg.log_likelihood(x, t_x, T).sum()
    assert bg.log_likelihood_ == pytest.approx(best, rel=1e-10)
    assert bg.converged_
    assert bg.n_ == len(frame)
    assert bg.aic_ == pytest.approx(8 - 2 * best)
    assert bg.bic_ == pytest.approx(4 * math.log(len(frame)) - 2 * best)
    for name in bg.parameters:
        for factor in (0.99, 1.01):
            moved = so.clv.BGNBD(**bg.params_ | {name: bg.params_[name] * factor})
            assert moved.log_likelihood(x, t_x, T).sum() < best
        assert getattr(bg, f"{name}_") == bg.params_[name]
    assert np.sqrt(np.diag(bg.covariance_)) == pytest.approx(list(bg.standard_errors_.values()))
    assert np.allclose(bg.covariance_, bg.covariance_.T)


def test_frames_arrays_weights_and_names_give_the_same_fit(frame, bg):
    arrays = {"x": frame["frequency"], "t_x": frame["recency"], "T": frame["T"]}
    distinct = frame.groupby(["frequency", "recency", "T"]).size().reset_index(name="n")
    fits = [
        so.clv.BGNBD().fit(**arrays),
        so.clv.BGNBD().fit(pl.from_pandas(frame)),
        so.clv.BGNBD().fit(pa.Table.from_pandas(frame.sample(frac=1, random_state=1))),
        so.clv.BGNBD().fit(distinct, weights=distinct["n"]),
        so.clv.BGNBD().fit(
            frame.rename(columns={"frequency": "orders", "T": "age"}),
            columns={"frequency": "orders", "T": "age"},
        ),
        so.clv.BGNBD().fit(frame.set_index("customer_id")),
        so.clv.BGNBD(**BG).fit(frame),
    ]
    for fit in fits:
        assert list(fit.params_.values()) == pytest.approx(list(bg.params_.values()), rel=1e-7)
        assert fit.unit_ is None


def test_bad_histories_are_listed_by_the_callers_names(frame):
    bad = frame.rename(columns={"recency": "last_order"}).astype({"frequency": float})
    bad.loc[3, "frequency"] = 1.5
    bad.loc[5, ["frequency", "last_order"]] = [0, 4]
    bad.loc[[7, 8], "last_order"] = 99
    bad.loc[9, "T"] = np.nan
    with pytest.raises(so.UsageError) as caught:
        so.clv.BGNBD().fit(bad, columns={"recency": "last_order"})
    text = str(caught.value)
    assert "1 of 1,500 rows have a frequency that is no whole number (row 3)" in text
    assert "last_order > T (swapped?) (row 7, 8)" in text
    assert "frequency = 0 but last_order > 0 (row 5" in text
    assert "no finite T (row 9)" in text


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, f: m.fit(), "x=, t_x=, T="),
        (lambda m, f: m.fit(f, x=[1]), "x= and a frame"),
        (lambda m, f: m.fit(f.drop(columns="T")), "no column 'T'"),
        (lambda m, f: m.fit(f, columns={"orders": "x"}), "no 'orders' to name"),
        (lambda m, f: m.fit(f, unit="fortnight"), "day, week, month, year"),
        (lambda m, f: m.fit(x=[1, 2], t_x=[1], T=[2, 2]), "equally long"),
        (lambda m, f: m.fit(f, weights=[1]), "equally long"),
        (lambda m, f: m.set_params(q=1), "no parameter 'q'"),
        (lambda m, f: m.summary_, "not fitted"),
        (lambda m, f: m.set_params(priors={"q": (1, 1)}).fit(f), "priors: no parameter 'q'"),
        (lambda m, f: m.fit("rows.csv"), "not a path"),
    ],
)
def test_wrong_calls_say_what_is_wrong(frame, call, words):
    with pytest.raises(so.UsageError, match=words):
        call(so.clv.BGNBD(), frame)


def test_a_fit_without_repeat_purchases_ends_with_a_note():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", so.clv.ConvergenceWarning)
        model = so.clv.BGNBD().fit(x=[0, 0, 0], t_x=[0, 0, 0], T=[10, 20, 30])
    assert model.notes_
    assert all(math.isfinite(value) for value in model.params_.values())


def test_regularity_is_found(data_dir, cdnow):
    regular = so.clv.MBGCNBD().fit(cdnow)
    assert regular.k_ == 1
    assert regular.log_likelihood_ == pytest.approx(-9582.135715554, abs=1e-5)
    fixed = so.clv.MBGCNBD(k=2).fit(cdnow)
    assert fixed.k_ == 2
    assert fixed.log_likelihood_ < regular.log_likelihood_
    assert "k=2" in repr(fixed)
    with pytest.raises(so.UsageError, match="sum_log_gaps"):
        so.clv.BGCNBD().fit(x=[1], t_x=[1], T=[2])


REFERENCE = {
    so.clv.NBD: ([0.3847661358, 12.0720228448], -9763.657614673),
    so.clv.BGNBD: ([0.2425945224, 4.4136020190, 0.7929220172, 2.4259067768], -9582.429206674),
    so.clv.MBGNBD: ([0.5248431591, 6.1830852796, 0.8913593907, 1.6140022402], -9582.135715554),
    so.clv.ParetoNBD: ([0.5532770469, 10.5776834633, 0.6062399891, 11.6687352889], -9594.976178940),
}


@pytest.mark.parametrize("kind", REFERENCE)
def test_cdnow_fits_are_the_reference(cdnow, kind):
    values, log_likelihood = REFERENCE[kind]
    model = kind().fit(cdnow)
    assert model.log_likelihood_ >= log_likelihood - 1e-6
    assert list(model.params_.values()) == pytest.approx(values, rel=1e-5)
    assert model.unit_ == "week"
    # What NBD reads of a customer is (x, T); there are fewer of these than of (x, t_x, T).
    assert model.n_distinct_ == (464 if kind is so.clv.NBD else 1016)


def test_cdnow_spend_and_standard_errors(cdnow):
    spend = so.clv.GammaGamma().fit(cdnow)
    assert list(spend.params_.values()) == pytest.approx(
        [6.2495722713, 3.7442246671, 15.4435209626], rel=1e-5
    )
    assert spend.log_likelihood_ == pytest.approx(-4055.917694802, abs=1e-6)
    assert list(spend.standard_errors_.values()) == pytest.approx(
        [1.19005534, 0.29013307, 4.15942275], rel=1e-4
    )
    assert spend.n_ == 946
    bg = so.clv.BGNBD().fit(cdnow)
    assert list(bg.standard_errors_.values()) == pytest.approx(
        [0.01255738, 0.37822406, 0.18573382, 0.70541426], rel=1e-4
    )


def test_cdnow_forecast_against_the_holdout(cdnow):
    table = so.clv.compare(cdnow, ["nbd", "bg", "mbg", so.clv.ParetoNBD]).to_frame().set_index("model")
    assert list(table.index) == ["MBGNBD", "BGNBD", "ParetoNBD", "NBD"]
    expected = {
        "BGNBD": (0.785454, 1.607982),
        "MBGNBD": (0.764779, 1.607183),
        "ParetoNBD": (0.754523, 1.602848),
    }
    for name, (mae, rmse) in expected.items():
        assert table.loc[name, "holdout_mae"] == pytest.approx(mae, abs=2e-6)
        assert table.loc[name, "holdout_rmse"] == pytest.approx(rmse, abs=2e-6)
    assert table.loc["ParetoNBD", "holdout_bias"] == pytest.approx(1665.5131 / 1882 - 1, abs=1e-6)


def test_donations(data_dir):
    data = pl.read_csv(data_dir / "clv/donations.csv")
    model = so.clv.BGBB().fit(data, columns={"T": "periods"}, weights=data["weights"])
    assert list(model.params_.values()) == pytest.approx(
        [1.2035223516, 0.7497163582, 0.6567182084, 2.7834422326], rel=1e-5
    )
    ahead = model.expected_transactions(5, data["frequency"], data["recency"], data["periods"])
    assert (ahead * data["weights"].to_numpy()).sum() == pytest.approx(12_884.2, abs=0.5)


# ---- forecasts ----


def test_predict_gives_one_row_a_customer_in_the_callers_frame(frame, bg):
    spend = so.clv.GammaGamma().fit(frame)
    out = bg.predict(frame, horizon="39 weeks", discount="10% / year", spend=spend, level=90)
    assert list(out.columns) == [
        "customer_id",
        "p_alive", "p_alive_lo_90", "p_alive_hi_90",
        "expected_transactions", "expected_transactions_lo_90", "expected_transactions_hi_90",
        "expected_spend", "expected_spend_lo_90", "expected_spend_hi_90",
        "clv", "clv_lo_90", "clv_hi_90",
    ]  # fmt: skip
    x, t_x, T = (frame[name].to_numpy() for name in ("frequency", "recency", "T"))
    assert np.array_equal(out["p_alive"], bg.p_alive(x, t_x, T))
    rate = math.log(1.1) * 7 / 365.2425
    money = spend.expected_spend(x, frame["monetary_value"].to_numpy())
    assert out["expected_spend"].to_numpy() == pytest.approx(money)
    assert out["clv"].to_numpy() == pytest.approx(money * bg.dect(39, rate, x, t_x, T), rel=1e-12)
    for name in ("expected_transactions", "expected_spend", "clv"):
        assert (out[f"{name}_lo_90"] <= out[name]).all()
        assert (out[name] <= out[f"{name}_hi_90"]).all()
    indexed = frame.set_index("customer_id")
    assert bg.predict(indexed, horizon="39 weeks", unit="week").index.equals(indexed.index)
    polars = bg.predict(pl.from_pandas(frame), horizon="39 weeks", unit="week")
    assert isinstance(polars, pl.DataFrame)
    assert polars["expected_transactions"].to_list() == out["expected_transactions"].to_list()
    arrays = bg.predict(x=x[:3], t_x=t_x[:3], T=T[:3], horizon=39)
    assert arrays["p_alive"].tolist() == out["p_alive"].tolist()[:3]


def test_time_units_are_kept(frame, bg):
    half = bg.predict(frame, horizon="1 year")["expected_transactions"]
    same = bg.predict(frame, horizon=f"{365.2425 / 7} weeks")["expected_transactions"]
    assert half.to_numpy() == pytest.approx(same.to_numpy())
    tx = {"customer": [1, 1, 2], "time": ["2020-01-01", "2020-03-01", "2020-02-01"]}
    days = so.clv.rfm(tx, unit="day", observation_end="2020-06-01")
    with pytest.raises(so.UnitError, match="counts in weeks, the data in days"):
        bg.predict(days, horizon="4 weeks")
    unknown = so.clv.NBD(r=1, alpha=2)
    with pytest.raises(so.UnitError, match="unit of time"):
        unknown.predict(frame, horizon="4 weeks")
    with pytest.raises(so.UnitError, match="unit of time"):
        unknown.predict(x=[1], t_x=[1], T=[2], horizon=4, discount="10% / year")
    assert unknown.predict(frame, horizon="1 week", unit="week")["p_alive"].eq(1).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "without end"),
        ({"horizon": "soon"}, "39 weeks"),
        ({"horizon": "0 weeks"}, "horizon"),
        ({"horizon": "39 weeks", "discount": 0.1}, "10% / year"),
        ({"horizon": "39 weeks", "discount": "10%"}, "10% / year"),
        ({"horizon": "39 weeks", "level": 0.9}, "level"),
        ({"horizon": "39 weeks", "spend": 5}, "GammaGamma"),
    ],
)
def test_forecasts_need_what_they_are_made_of(frame, bg, options, words):
    with pytest.raises(so.UsageError, match=words):
        bg.predict(frame, **options)


def test_intervals_need_a_fit(frame):
    with pytest.raises(so.UsageError, match="fitted"):
        so.clv.BGNBD(**BG).predict(frame, horizon="39 weeks", unit="week", level=90)


def test_without_end_purchases_are_discounted(frame, bg):
    out = bg.predict(frame.head(5), discount="10% / year", level=80)
    x, t_x, T = (frame[name].to_numpy()[:5] for name in ("frequency", "recency", "T"))
    rate = math.log(1.1) * 7 / 365.2425
    assert out["discounted_transactions"].to_numpy() == pytest.approx(bg.dert(rate, x, t_x, T), rel=1e-9)
    assert (out["discounted_transactions_lo_80"] < out["discounted_transactions_hi_80"]).all()


def test_opportunities_are_discounted_one_by_one():
    model = so.clv.BGBB(**PURCHASE_MODELS[so.clv.BGBB])
    rows = {"frequency": [0, 4, 6], "recency": [0, 5, 6], "T": [6, 6, 6]}
    out = model.predict(rows, horizon="5 years", discount="10% / year", unit="year")
    assert out["expected_transactions"].tolist() == pytest.approx(
        [0.072802877475, 2.02962303148, 3.7521156076]
    )
    endless = model.predict(rows, discount="10% / year", unit="year")["discounted_transactions"]
    assert endless.tolist() == pytest.approx([0.114646996182, 3.19616740451, 5.90867831956])
    with pytest.raises(so.UnitError, match="opportunities of a year"):
        model.predict(rows, horizon="60 months", unit="year")


def test_predictions_do_not_depend_on_other_rows(frame, bg):
    all_rows = bg.predict(frame, horizon="39 weeks", unit="week", level=80)
    some = bg.predict(frame.iloc[[17, 3]], horizon="39 weeks", unit="week", level=80)
    for name in ("expected_transactions", "expected_transactions_hi_80"):
        assert some[name].tolist() == all_rows[name].iloc[[17, 3]].tolist()


def test_empty_frames_are_answered(frame, bg):
    assert len(bg.predict(frame.head(0), horizon="39 weeks", unit="week")) == 0
    with pytest.raises(so.UsageError):
        so.clv.BGNBD().fit(frame.head(0))


# ---- spend ----


def test_expected_spend_of_hardies_note():
    model = so.clv.GammaGamma(p=6.25, q=3.74, v=15.44)
    assert model.expected_spend([2, 1, 0], [22.35, 11.77, 0]) == pytest.approx(
        [24.6637139108, 18.9168520578, 35.2189781022]
    )
    assert model.expected_spend_new() == pytest.approx(35.2189781022)
    assert math.isnan(so.clv.GammaGamma(p=6, q=0.9, v=15).expected_spend_new())
    assert model.log_likelihood(0, 0) == 0


def test_spend_notes_what_it_leaves_out_and_assumes(frame):
    dependent = frame.copy()
    repeat = dependent["frequency"] > 0
    dependent.loc[repeat, "monetary_value"] *= dependent.loc[repeat, "frequency"]
    odd = dependent.index[repeat][:3]
    dependent.loc[odd, "monetary_value"] = [0.0, -5.0, np.nan]
    model = so.clv.GammaGamma().fit(dependent)
    assert any(note.startswith("3 customers") for note in model.notes_)
    assert any("not independent" in note for note in model.notes_)
    assert model.frequency_correlation_ > 0.3
    assert not any("not independent" in note for note in so.clv.GammaGamma().fit(frame).notes_)


# ---- contracts ----


def test_contracts(data_dir):
    survivors = [1000, 869, 743, 653, 593, 551, 517, 491]
    rows = pd.read_csv(data_dir / "clv/sbg_cohorts.csv")
    one = so.clv.SBG().fit(rows[rows["cohort"] == "highend"])
    two = so.clv.SBG().fit(survivors)
    assert list(one.params_.values()) == pytest.approx([0.6680883511, 3.8060949641], rel=1e-5)
    assert list(two.params_.values()) == pytest.approx(list(one.params_.values()), rel=1e-9)
    assert two.log_likelihood_ == pytest.approx(-1611.158147391, abs=1e-6)
    assert two.log_likelihood(survivors) == pytest.approx(two.log_likelihood_)
    discrete_weibull = so.clv.BdW().fit([survivors])
    assert discrete_weibull.c_ == pytest.approx(1.7235648487, rel=1e-4)
    assert discrete_weibull.aic_ < two.aic_


def test_contract_answers():
    model = so.clv.SBG(alpha=0.668, beta=3.806)
    assert model.survival([1, 2, 7]) == pytest.approx([0.85069289, 0.74688163, 0.48894462], abs=1e-8)
    assert model.retention(1) == pytest.approx(0.85069289, abs=1e-8)
    assert model.survival_given(1, 1) == pytest.approx(0.74688163 / 0.85069289, abs=1e-7)
    due = so.clv.SBG(alpha=3.80, beta=15.20).residual_lifetime(0.1, [1, 2, 3])
    made = so.clv.SBG(alpha=3.80, beta=15.20).residual_lifetime(0.1, [1, 2, 3], renewal="made")
    assert made == pytest.approx(due / 1.1)
    assert due == pytest.approx([3.4510003, 3.5865437, 3.7168115], abs=1e-6)
    with pytest.raises(so.UsageError, match="due"):
        model.residual_lifetime(0.1, 1, renewal="soon")
    with pytest.raises(so.UsageError, match="survivors"):
        model.fit()
    with pytest.raises(so.UsageError, match="recency > T"):
        model.fit({"recency": [3], "T": [2]})


# ---- simulation ----


@pytest.mark.parametrize("kind", PURCHASE_MODELS)
def test_simulated_customers_behave_as_expected(kind):
    model = kind(**PURCHASE_MODELS[kind])
    made = model.simulate(np.full(20_000, 20.0), horizon=10, seed=5)
    ahead = model.expected_transactions(10, made["frequency"], made["recency"], made["T"])
    error = np.std(made["holdout_frequency"] - ahead) / math.sqrt(20_000)
    assert abs(made["holdout_frequency"].mean() - ahead.mean()) < 4 * error
    alive = model.p_alive(made["frequency"], made["recency"], made["T"])
    assert made["alive"].mean() == pytest.approx(alive.mean(), abs=0.015)
    again = model.simulate(np.full(50, 20.0), horizon=10, seed=5)
    assert again["frequency"].tolist() == made["frequency"].tolist()[:50]


def test_simulated_spend_and_contracts():
    spend = so.clv.GammaGamma(p=6.25, q=3.74, v=15.44)
    drawn = spend.simulate(np.full(50_000, 3.0), seed=1)
    assert drawn.mean() == pytest.approx(spend.expected_spend_new(), rel=0.02)
    assert np.isnan(spend.simulate([0], seed=1)).all()
    left = so.clv.SBG(alpha=0.668, beta=3.806).simulate(100_000, 3, seed=1)
    assert left / 1e5 == pytest.approx([1, 0.85069289, 0.74688163, 0.66981692], abs=0.006)


# ---- habits ----


ALL = [*PURCHASE_MODELS, so.clv.GammaGamma, so.clv.SBG, so.clv.BdW]


@pytest.mark.parametrize("kind", ALL)
def test_constructors_and_parameters_agree(kind):
    names = list(inspect.signature(kind).parameters)
    model = kind()
    assert sorted(model.get_params()) == sorted(names)
    changed = kind().set_params(l2=0.5, **{model.parameters[0]: 2.0})
    assert changed.clone().get_params() == changed.get_params()
    assert changed.clone() is not changed
    assert repr(changed).startswith(f"{kind.__name__}({model.parameters[0]}=2")


def test_summary_prints(bg):
    text = str(bg.summary_)
    assert text.splitlines()[0] == "BGNBD: 1,500 customers, time in weeks"
    assert "std error" in text
    assert "log-likelihood" in text
    name, value, error, low, high = bg.summary_.rows(90)[0]
    assert (name, value, error) == ("r", bg.r_, bg.standard_errors_["r"])
    assert 0 < low < value < high
    assert "<table" in bg._repr_html_()
    assert "1,500 customers" in repr(bg)


def test_models_pickle_and_survive_json(tmp_path, frame, bg):
    spend = so.clv.GammaGamma(priors={"p": (6, 2)}, l2=0.01).fit(frame)
    for model in (bg, spend, so.clv.BGCNBD(**BG, k=2)):
        path = tmp_path / "model.json"
        model.save(path)
        for copy in (
            pickle.loads(pickle.dumps(model)),
            so.clv.load(path),
            type(model).from_json(model.to_json()),
        ):
            assert type(copy) is type(model)
            assert copy.get_params() == model.get_params()
            if hasattr(model, "params_"):
                assert copy.params_ == model.params_
                assert np.array_equal(copy.covariance_, model.covariance_)
                assert copy.notes_ == model.notes_
                assert copy.unit_ == model.unit_
    assert so.clv.load(path).p_alive(2, 20, 26) == so.clv.BGCNBD(**BG, k=2).p_alive(2, 20, 26)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "broken"),
        ("{}", "broken"),
        ("[1]", "broken"),
        (json.dumps({"format": "other", "version": 1}), "no model"),
        (json.dumps({"format": "salesops.clv", "version": 99, "model": "NBD", "given": {}}), "newer release"),
        (json.dumps({"format": "salesops.clv", "version": 1, "model": "Nobody", "given": {}}), "broken"),
        (json.dumps({"format": "salesops.clv", "version": 1, "model": "NBD", "given": {"x": 1}}), "broken"),
    ],
)
def test_broken_json_is_refused(text, words):
    with pytest.raises(so.DataError, match=words):
        so.clv.from_json(text)


def test_json_of_another_model_is_refused():
    with pytest.raises(so.UsageError, match="holds a NBD"):
        so.clv.BGNBD.from_json(so.clv.NBD(r=1, alpha=1).to_json())


def test_priors_and_ridges_pull(frame, bg):
    pulled = so.clv.BGNBD(priors={"r": (5.0, 0.01)}).fit(frame)
    assert pulled.r_ > 2 * bg.r_
    ridge = so.clv.BGNBD(l2=1000).fit(frame)
    assert abs(math.log(ridge.a_)) < abs(math.log(bg.a_)) + 1e-9


def test_compare_fits_and_orders(frame):
    table = so.clv.compare(pl.from_pandas(frame), ["nbd", so.clv.BGNBD, so.clv.MBGNBD(l2=0.001)])
    assert table.to_frame()["aic"].is_sorted()
    assert "holdout_mae" not in table.to_frame().columns
    assert "log_likelihood" in str(table)
    assert max(map(len, str(table).splitlines())) <= 80
    for models, words in ((["what"], "nbd, bg"), ([], "at least one"), ([3], "names, classes")):
        with pytest.raises(so.UsageError, match=words):
            so.clv.compare(frame, models)
    with pytest.raises(so.UsageError, match="holdout_frequency"):
        so.clv.compare(frame, ["nbd"], holdout=5)


def test_evaluate_reads_the_frames_of_others(frame, bg):
    rng = np.random.default_rng(4)
    bought = rng.poisson(0.5, len(frame))
    lifetimes = frame.rename(columns={"frequency": "frequency_cal", "recency": "recency_cal", "T": "T_cal"})
    lifetimes = lifetimes.assign(frequency_holdout=bought, duration_holdout=13.0)
    pymc = frame.assign(test_frequency=bought, test_T=13.0)
    want = so.clv.evaluate(bg, frame.assign(holdout_frequency=bought), holdout="13 weeks")
    assert so.clv.evaluate(bg, lifetimes) == want
    assert so.clv.evaluate(bg, pymc) == want
    assert want["actual"] == bought.sum()
    with pytest.raises(so.UsageError, match="how long"):
        so.clv.evaluate(bg, frame.assign(holdout_frequency=bought))
    with pytest.raises(so.UsageError, match="no holdout"):
        so.clv.evaluate(bg, frame)
