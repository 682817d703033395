"""How sure estimates and forecasts are: intervals three ways, tests, what a customer will come to."""

import math
import pickle

import numpy as np
import pandas as pd
import pytest
import salesops as so

TRUE = {"r": 0.7, "alpha": 8.0, "a": 0.9, "b": 2.5}


@pytest.fixture(scope="module")
def rows():
    return so.clv.BGNBD(**TRUE).simulate(np.random.default_rng(3).uniform(30, 60, 2000), horizon=26, seed=4)


@pytest.fixture(scope="module")
def model(rows):
    return so.clv.BGNBD().fit(rows)


@pytest.mark.parametrize("method", ["wald", "profile", "bootstrap"])
def test_intervals_agree_where_the_likelihood_is_a_parabola(model, method):
    for level in (50, 90):
        ends = model.confidence_intervals(method, level=level, draws=400, seed=1)
        wald = model.confidence_intervals(level=level)
        assert list(ends) == ["r", "alpha", "a", "b"]
        for name, (low, high) in ends.items():
            assert low < model.params_[name] < high
            if name in ("r", "alpha"):
                assert (low, high) == pytest.approx(wald[name], rel=0.06)
    same = model.confidence_intervals(method, level=90, draws=40, seed=1)
    assert same == model.confidence_intervals(method, level=90, draws=40, seed=1)


def test_wald_is_its_formula(model):
    z = 1.6448536269514722
    for name, (low, high) in model.confidence_intervals(level=90).items():
        spread = math.exp(z * model.standard_errors_[name] / model.params_[name])
        assert (low, high) == pytest.approx((model.params_[name] / spread, model.params_[name] * spread))


def test_a_profile_ends_where_the_likelihood_has_fallen(rows, model):
    """At the end for r, the best fit with r held there lies z²/2 below the best."""
    half = 1.6448536269514722**2 / 2
    for end in model.confidence_intervals("profile", level=90)["r"]:
        held = so.clv.BGNBD(priors={"r": (end, 1e-6)}).fit(rows)
        assert held.r_ == pytest.approx(end, rel=1e-6)
        assert model.log_likelihood_ - held.log_likelihood_ == pytest.approx(half, abs=1e-4)


def test_a_bootstrap_counts_customers_not_rows(rows):
    frame = pd.DataFrame(rows)[["frequency", "recency", "T"]]
    frame["T"] = frame["T"].round(0) + 1
    cells = frame.groupby(["frequency", "recency", "T"]).size().reset_index(name="n")
    widths = []
    for data, weights in ((frame, None), (cells, cells["n"])):
        fit = so.clv.BGNBD().fit(data, weights=weights)
        low, high = fit.confidence_intervals("bootstrap", draws=200, seed=2)["r"]
        widths.append(high - low)
    assert widths[0] == pytest.approx(widths[1], rel=0.25)


def test_intervals_of_spend_and_contracts():
    x = np.arange(3000.0) % 8 + 1
    spend = so.clv.GammaGamma().fit(x=x, mean_spend=so.clv.GammaGamma(p=6, q=4, v=15).simulate(x, seed=1))
    left = so.clv.SBG(alpha=0.7, beta=3.8).simulate(3000, 7, seed=2)
    for model in (spend, so.clv.SBG().fit(left)):
        wald = model.confidence_intervals(level=80)
        for method in ("profile", "bootstrap"):
            for name, (low, high) in model.confidence_intervals(method, level=80).items():
                assert 0 < low < model.params_[name] < high
                assert (high - low) == pytest.approx(wald[name][1] - wald[name][0], rel=0.5)


def test_where_wald_is_wrong_the_profile_and_the_bootstrap_agree():
    """With three purchases each, p and v are known together only."""
    x = np.full(800, 3.0)
    drawn = so.clv.GammaGamma(p=6, q=4, v=15).simulate(x, seed=1)
    model = so.clv.GammaGamma().fit(x=x, mean_spend=drawn)
    wald, profile, bootstrap = (
        model.confidence_intervals(method, level=80)["p"] for method in ("wald", "profile", "bootstrap")
    )
    assert profile == pytest.approx(bootstrap, rel=0.3)
    assert profile[1] > 2 * wald[1]


def test_correlations_are_those_of_the_covariance(model):
    errors = list(model.standard_errors_.values())
    correlation = model.correlation_
    assert np.diag(correlation) == pytest.approx(np.ones(4))
    assert correlation[2, 3] * errors[2] * errors[3] == pytest.approx(model.covariance_[2, 3])
    assert correlation[2, 3] > 0.9


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "jackknife"}, "'wald', 'profile' or 'bootstrap'"),
        ({"level": 0.9}, "percent"),
        ({"method": "bootstrap", "draws": 3}, "at least 20"),
    ],
)
def test_wrong_questions_about_intervals(model, options, words):
    with pytest.raises(so.UsageError, match=words):
        model.confidence_intervals(**options)


def test_a_saved_model_knows_its_rows_no_more(model):
    for copy in (so.clv.from_json(model.to_json()), pickle.loads(pickle.dumps(model))):
        assert copy.confidence_intervals() == model.confidence_intervals()
        with pytest.raises(so.UsageError, match="fit it here"):
            copy.confidence_intervals("profile")
    with pytest.raises(so.UsageError, match="not fitted"):
        so.clv.NBD().confidence_intervals()


def test_the_likelihood_ratio_is_chi_squared(rows, model):
    """Half of the p-values of a true smaller model lie above one half."""
    noise = np.random.default_rng(5)
    p_values = []
    frame = pd.DataFrame(rows)
    for _ in range(40):
        larger = so.clv.BGNBD().fit(frame.assign(z=noise.normal(size=len(frame))), covariates=["z"])
        test = so.clv.likelihood_ratio_test(model, larger)
        assert test.degrees == 1
        assert test.p_value == pytest.approx(math.erfc(math.sqrt(test.statistic / 2)), abs=1e-9)
        p_values.append(test.p_value)
    assert 10 <= sum(p > 0.5 for p in p_values) <= 30
    assert sum(p < 0.01 for p in p_values) <= 4


def test_only_nested_fits_of_the_same_customers_are_tested(rows, model):
    nbd = so.clv.NBD().fit(rows)
    assert so.clv.likelihood_ratio_test(nbd, model).p_value < 1e-10
    assert str(so.clv.likelihood_ratio_test(nbd, model)).startswith("χ² = ")
    fewer = so.clv.NBD().fit({name: column[:-1] for name, column in rows.items()})
    for smaller, larger, words in (
        (model, nbd, "BGNBD is not nested in NBD"),
        (model, so.clv.MBGNBD().fit(rows), "by AIC"),
        (fewer, model, "1,999 and of 2,000"),
        (so.clv.NBD(l2=1).fit(rows), model, "l2 or priors"),
        (so.clv.NBD(), model, "not fitted"),
    ):
        with pytest.raises(so.UsageError, match=words):
            so.clv.likelihood_ratio_test(smaller, larger)


# ---- what a customer will come to ----

MODELS = [
    so.clv.NBD(r=0.8, alpha=9),
    so.clv.BGNBD(**TRUE),
    so.clv.MBGNBD(**TRUE),
    so.clv.ParetoNBD(r=0.8, alpha=9, s=0.6, beta=11.7),
    so.clv.BGCNBD(r=1.2, alpha=2, a=0.8, b=2.4, k=3),
    so.clv.MBGCNBD(r=1.2, alpha=2, a=0.8, b=2.4, k=2),
    so.clv.GGompertzNBD(r=0.8, alpha=9, b=0.02, s=0.5, beta=0.7),
    so.clv.BGBB(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_outcomes_have_the_distribution_of_the_pmf(model):
    """The interval's ends are quantiles of pmf, up to the chance of 2,048 draws."""
    rows = {"frequency": [0.0, 2.0, 9.0], "recency": [0.0, 25.0, 38.0], "T": [39.0, 39.0, 39.0]}
    for level in (50, 90):
        out = model.predict(rows, horizon="26 weeks", unit="week", level=level, interval="outcome")
        tail = (1 - level / 100) / 2
        slack = 4 * math.sqrt(tail * (1 - tail) / 2048)
        for i in range(3):
            x, t_x, T = (rows[name][i] for name in ("frequency", "recency", "T"))
            below = np.cumsum(model.pmf(np.arange(120), 26, x, t_x, T))
            for end, share in (("lo", tail), ("hi", 1 - tail)):
                n = int(out[f"expected_transactions_{end}_{level}"][i])
                assert (below[n - 1] if n else 0) <= share + slack
                assert below[n] >= share - slack


def test_nine_in_ten_customers_come_to_what_the_interval_says():
    truth = so.clv.ParetoNBD(r=0.8, alpha=9, s=0.6, beta=11.7)
    money = so.clv.GammaGamma(p=6, q=4, v=15)
    made = truth.simulate(np.full(4000, 39.0), horizon=26, seed=9)
    x = made["frequency"]
    rng = np.random.default_rng(6)
    level_of = rng.gamma(money.q, 1 / money.v, len(x))
    with np.errstate(invalid="ignore"):
        mean = rng.gamma(money.p * np.maximum(x, 1), 1 / level_of) / np.maximum(x, 1)
    spent = np.array(
        [
            rng.gamma(money.p, 1 / nu, int(n)).sum()
            for nu, n in zip(level_of, made["holdout_frequency"], strict=True)
        ]
    )
    rows = {
        "frequency": x,
        "recency": made["recency"],
        "T": made["T"],
        "monetary_value": np.where(x > 0, mean, 0),
    }
    out = truth.predict(rows, horizon="26 weeks", unit="week", spend=money, level=90, interval="outcome")
    bought = made["holdout_frequency"]
    inside = (bought >= out["expected_transactions_lo_90"]) & (bought <= out["expected_transactions_hi_90"])
    assert inside.mean() > 0.9
    above, below = spent > out["clv_hi_90"], spent < out["clv_lo_90"]
    assert above.mean() == pytest.approx(0.05, abs=0.012)
    assert below.mean() < 0.06
    assert (out["clv_lo_90"] <= out["clv_hi_90"]).all()


def test_outcomes_vary_more_than_means_and_are_the_customers_own(rows, model):
    some = {name: column[:40] for name, column in rows.items()}
    mean = model.predict(some, horizon="26 weeks", unit="week", level=90)
    outcome = model.predict(some, horizon="26 weeks", unit="week", level=90, interval="outcome")
    wide, narrow = (
        frame["expected_transactions_hi_90"] - frame["expected_transactions_lo_90"]
        for frame in (outcome, mean)
    )
    assert (wide > narrow).mean() > 0.9  # one who is gone for sure buys nothing for sure
    for name in ("p_alive", "p_alive_lo_90", "expected_transactions"):
        assert np.array_equal(outcome[name], mean[name])
    one = model.predict(
        {n: c[7:8] for n, c in some.items()}, horizon="26 weeks", unit="week", level=90, interval="outcome"
    )
    for name in one:
        assert one[name][0] == outcome[name][7]
    with pytest.raises(so.UsageError, match="horizon that ends"):
        model.predict(some, discount="10% / year", unit="week", level=90, interval="outcome")
    with pytest.raises(so.UsageError, match="'mean' or 'outcome'"):
        model.predict(some, horizon="26 weeks", unit="week", interval="both")


def test_forecasts_have_intervals_where_parameters_have_none():
    """All leave at one rate: s and beta run to infinity together, of which s/beta alone is known."""
    truth = so.clv.ParetoNBD(r=0.8, alpha=8, s=80, beta=4000)
    rows = truth.simulate(np.full(1500, 60.0), seed=1)
    model = so.clv.ParetoNBD().fit(rows, unit="week")
    assert np.isnan(model.standard_errors_["s"])
    assert np.isnan(model.covariance_[2, 2])
    assert np.isfinite(model.identified_covariance_).all()
    assert any("intervals of forecasts are over what is determined" in note for note in model.notes_)
    out = model.predict(rows, horizon="26 weeks", level=90)
    wide = out["p_alive_hi_90"] - out["p_alive_lo_90"]
    assert np.isfinite(wide).all()
    silent = rows["recency"] < 40
    assert (wide[silent] > 0.01).mean() > 0.8  # that s/beta varies shows
    sums = model.total(rows, horizon="26 weeks", level=99)
    later = truth.expected_transactions(26, rows["frequency"], rows["recency"], rows["T"]).sum()
    assert sums["transactions_lo_99"] < later < sums["transactions_hi_99"]
    again = so.clv.ParetoNBD.from_json(model.to_json())
    assert (again.predict(rows, horizon="26 weeks", level=90)["p_alive_lo_90"] == out["p_alive_lo_90"]).all()


def best_of_rest(cohorts, place, value, start):
    """The log-likelihood of BdW with one parameter held, by a search along the others' axes and diagonals."""

    def log_likelihood(logs):
        alpha, beta, c = np.exp(logs)
        log_s = {0: 0.0}
        for t in range(1, max(map(len, cohorts))):
            y = t**c
            log_s[t] = (
                math.lgamma(beta + y) + math.lgamma(alpha + beta)
                - math.lgamma(beta) - math.lgamma(alpha + beta + y)
            )  # fmt: skip
        total = 0.0
        for row in cohorts:
            for t in range(1, len(row)):
                lost = math.exp(log_s[t - 1]) - math.exp(log_s[t])
                total += (row[t - 1] - row[t]) * math.log(lost) if lost > 0 else -math.inf
            total += row[-1] * log_s[len(row) - 1]
        return total

    at = np.log(np.array(start))
    at[place] = math.log(value)
    best, step = log_likelihood(at), 0.5
    free = np.delete(np.arange(3), place)
    ways = [
        np.eye(3)[free[0]],
        np.eye(3)[free[1]],
        np.eye(3)[free].sum(0),
        np.eye(3)[free[0]] - np.eye(3)[free[1]],
    ]
    while step > 1e-7:
        tried = [
            (log_likelihood(at + side * step * way), side * step * way) for way in ways for side in (1, -1)
        ]
        top, move = max(tried, key=lambda one: one[0])
        if top > best:
            best, at = top, at + move
        else:
            step /= 2
    return best


def test_profiles_of_contracts_end_where_the_likelihood_has_fallen():
    """The spec's triangle A hardly tells the three parameters apart: its profiles run along flat ridges."""
    ragged = [[100, 80, 60, 50], [200, 150, 120], [400, 300], [500]]
    fit = so.clv.BdW().fit(ragged)
    ends = fit.confidence_intervals("profile")
    assert ends["alpha"] == ends["beta"] == (0, math.inf)
    low, high = ends["c"]
    assert low == pytest.approx(0.713054, abs=1e-5)
    assert high == math.inf
    assert so.clv.SBG().fit(ragged).confidence_intervals("profile")["alpha"][1] == math.inf
    four = [[1000, 869, 743, 653, 593]]
    model = so.clv.BdW().fit(four)
    start = [0.26, 1.72, 1.58]
    top = model.log_likelihood_
    for place, name in enumerate(("alpha", "beta", "c")):
        for end in model.confidence_intervals("profile")[name]:
            assert top - best_of_rest(four, place, end, start) == pytest.approx(1.920729, abs=1e-4)
