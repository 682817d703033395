"""Regressions on lifetimes from frames, their words, and the traps that public references set."""

import csv
import itertools
import math
import warnings

import numpy as np
import pytest
import salesops as so
from salesops import survival
from salesops._progress import ConvergenceWarning


def read(path, delimiter=","):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter=delimiter))
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.fixture
def rossi(data_dir):
    columns = read(data_dir / "survival" / "rossi.csv")
    names = ("week", "arrest", "fin", "age", "race", "wexp", "mar", "paro", "prio")
    return {name: np.array(columns[name], dtype=float) for name in names}


@pytest.fixture
def waltons(data_dir):
    columns = read(data_dir / "survival" / "waltons_dataset.csv")
    return np.array(columns["T"], float), np.array(columns["E"], float), columns["group"]


@pytest.fixture
def leukemia(data_dir):
    return {name: np.array(values, float)
            for name, values in read(data_dir / "survival" / "anderson.csv", " ").items()}  # fmt: skip


def customers(rows=400, seed=1):
    """Customers of three plans who leave sooner the cheaper the plan and the fewer the seats."""
    rng = np.random.default_rng(seed)
    plan = rng.choice(["basic", "plus", "pro"], rows)
    seats = rng.integers(1, 20, rows)
    rate = 0.05 * np.exp(0.8 * (plan == "basic") - 0.4 * (plan == "pro") - 0.05 * seats)
    months = np.maximum(1, np.ceil(rng.exponential(1 / rate)))
    end = rng.integers(6, 48, rows)
    return {
        "months": np.minimum(months, end).astype(float),
        "left": months <= end,
        "plan": plan.tolist(),
        "seats": seats,
        "region": rng.choice(["north", "south"], rows).tolist(),
        "account": rng.integers(0, rows // 3, rows),
    }


COX = {"duration_col": "months", "event_col": "left"}

# ---- frames and columns ----


def test_any_frame_gives_the_same_fit():
    rows = customers()
    expected = survival.CoxPH().fit(rows, formula="plan + seats", **COX)
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    pa = pytest.importorskip("pyarrow")
    for frame in (pd.DataFrame(rows), pl.DataFrame(rows), pl.DataFrame(rows).lazy(), pa.table(rows)):
        fit = survival.CoxPH().fit(frame, formula="plan + seats", **COX)
        assert fit.coefficients_ == expected.coefficients_
    assert isinstance(survival.CoxPH().fit(pl.DataFrame(rows), formula="seats", **COX).summary_, pl.DataFrame)
    assert isinstance(survival.WeibullAFT().fit(pa.table(rows), formula="seats", **COX).summary_, pa.Table)
    curve = survival.KaplanMeier().fit(pl.DataFrame(rows), **COX)
    assert isinstance(curve.survival_function_, pl.DataFrame)
    assert curve.at(12) == survival.KaplanMeier().fit(rows["months"], rows["left"]).at(12)


def test_categories_stand_beside_a_named_reference():
    rows = customers()
    fit = survival.CoxPH().fit(rows, formula="plan + seats", **COX)
    assert list(fit.coefficients_) == ["plan=plus", "plan=pro", "seats"]
    assert fit.references_ == {"plan": "basic"}
    assert "plan is compared with basic" in fit.notes_
    other = survival.CoxPH().fit(rows, formula="plan + seats", reference={"plan": "pro"}, **COX)
    assert list(other.coefficients_) == ["plan=basic", "plan=plus", "seats"]
    assert other.coefficients_["plan=basic"] == pytest.approx(-fit.coefficients_["plan=pro"], rel=1e-9)
    assert other.log_likelihood_ == pytest.approx(fit.log_likelihood_, rel=1e-12)
    # New rows are coded as the fit was, whatever else they hold.
    new = {"plan": ["pro"], "seats": [3]}
    assert fit.predict_median(new) == pytest.approx(other.predict_median(new))
    with pytest.raises(
        so.UsageError, match="column 'plan': 1 of 1 rows hold a category that the fit did not"
    ):
        fit.predict_median({"plan": ["gold"], "seats": [3]})
    with pytest.raises(so.UsageError, match="no category 'gold'; there are basic, plus, pro"):
        survival.CoxPH().fit(rows, formula="plan", reference={"plan": "gold"}, **COX)


def test_formulas():
    rows = customers()

    def names(formula):
        return list(survival.CoxPH().fit(rows, formula=formula, **COX).coefficients_)

    assert names("seats + C(plan)") == ["seats", "plan=plus", "plan=pro"]
    assert names("seats * region") == ["seats", "region=south", "seats:region=south"]
    assert names("seats:region") == ["seats:region=south"]
    assert names("`seats`") == ["seats"]
    assert len(names("C(seats)")) == 18
    assert names("region + .")[0] == "region=south"
    wide = {**rows, "x y": np.arange(400.0)}
    assert list(survival.CoxPH().fit(wide, formula="`x y`", **COX).coefficients_) == ["x y"]
    for wrong in ("seats +", "+ seats", "seats seats", "log(seats)", "", "seats - 1"):
        with pytest.raises(so.UsageError, match="formula"):
            names(wrong)
    with pytest.raises(so.UsageError, match="no column 'chairs'"):
        names("chairs")


def test_arrays_are_columns_too():
    rows = customers()
    x = np.column_stack([rows["seats"], np.array(rows["plan"]) == "basic"])
    fit = survival.CoxPH().fit(rows["months"], rows["left"], x)
    assert list(fit.coefficients_) == ["x0", "x1"]
    framed = survival.CoxPH().fit(rows["months"], rows["left"], {"seats": x[:, 0], "basic": x[:, 1]})
    assert list(framed.coefficients_.values()) == list(fit.coefficients_.values())
    assert fit.predict_partial_hazard(x[:3]).shape[0] == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"months": [-1.0] + [2.0] * 399}, "column 'months': 1 of 400 rows are negative"),
        ({"left": [2] + [0] * 399}, "column 'left': 1 of 400 rows are neither 0 nor 1"),
        ({"left": [0] * 400}, "column 'left': none of 400 rows has an event"),
        ({"seats": [None] + [3] * 399}, "column 'seats': 1 of 400 rows are null"),
        ({"seats": [3] * 400}, "column 'seats' has one value"),
        ({"plan": ["pro"] * 400}, "column 'plan' has one value"),
        ({"plan": [None] + ["pro", "plus", "basic"] * 133}, "column 'plan': 1 of 400 rows are null"),
        ({"plan": [f"p{i}" for i in range(400)]}, "column 'plan' has 400 categories"),
        ({"months": ["a"] * 400}, "months"),
    ],
)
def test_errors_name_the_column_of_the_user(change, words):
    with pytest.raises(so.UsageError, match=words):
        survival.CoxPH().fit({**customers(), **change}, formula="plan + seats", **COX)


def test_more_that_is_refused():
    rows = customers()
    with pytest.raises(so.UsageError, match="duration_col"):
        survival.CoxPH().fit(rows, event_col="left")
    with pytest.raises(so.UsageError, match="no column 'gone'"):
        survival.CoxPH().fit(rows, duration_col="months", event_col="gone")
    with pytest.raises(so.UsageError, match="name its column"):
        survival.CoxPH().fit(rows, rows["left"], duration_col="months")
    with pytest.raises(so.UsageError, match="efron, breslow, exact"):
        survival.CoxPH(ties="mean").fit(rows, formula="seats", **COX)
    with pytest.raises(so.UsageError, match="not fitted"):
        survival.CoxPH().predict_median(rows)
    late = {**rows, "late": [99.0] + [0.0] * 399}
    with pytest.raises(so.UsageError, match="column 'late': 1 of 400 rows are not before"):
        survival.CoxPH().fit(late, formula="seats", entry_col="late", **COX)
    twice = {**rows, "chairs": rows["seats"] * 2}
    with pytest.raises(so.UsageError, match="column 'chairs' is a sum"):
        survival.CoxPH().fit(twice, formula="seats + chairs", **COX)
    with pytest.raises(so.UsageError, match="column 'chairs' is a sum"):
        survival.WeibullAFT().fit(twice, formula="seats + chairs", **COX)
    with pytest.raises(so.UsageError, match="instead of events"):
        survival.WeibullAFT().fit([1, 2], [1, 1], upper=[1, 2])


# ---- Cox ----


def test_strata_and_clusters_by_column():
    rows = customers()
    fit = survival.CoxPH().fit(rows, formula="seats", strata=["region", "plan"], cluster_col="account", **COX)
    plain = survival.CoxPH().fit(rows, formula="seats", strata=["region", "plan"], **COX)
    assert fit.coefficients_ == plain.coefficients_
    assert fit.result_.std_errors[0] != plain.result_.std_errors[0]
    baseline = fit.baseline_
    assert set(baseline["stratum"]) == {
        f"region={r}, plan={p}" for r in ("north", "south") for p in ("basic", "plus", "pro")
    }
    one = {"seats": [5, 5], "region": ["north", "south"], "plan": ["pro", "basic"]}
    curve = fit.predict_survival_function(one, [6, 12])
    assert curve["row"].tolist() == [0, 0, 1, 1]
    assert curve["survival"][1] > curve["survival"][3]
    with pytest.raises(so.UsageError, match="did not see"):
        fit.predict_median({"seats": [5], "region": ["west"], "plan": ["pro"]})
    # All columns that have no other part are covariates.
    assert list(survival.CoxPH().fit(rows, strata="region", cluster_col="account", **COX).coefficients_) == [
        "plan=plus",
        "plan=pro",
        "seats",
    ]


def test_predictions_of_cox(rossi):
    model = survival.CoxPH().fit(rossi, duration_col="week", event_col="arrest")
    mean = {name: [values.mean()] for name, values in rossi.items()}
    hazard = model.predict_partial_hazard(mean)
    assert hazard["partial_hazard"][0] == pytest.approx(1)
    assert hazard["partial_hazard_lo_95"][0] == pytest.approx(1)
    curve = model.predict_survival_function(mean, [10, 52, 60])
    log_risk = sum(model.coefficients_[name] * mean[name][0] for name in model.coefficients_)
    expected = 0.95649921906866 * math.exp(log_risk)
    assert -math.log(curve["survival"][1]) == pytest.approx(expected, rel=2e-8)
    assert math.isnan(curve["survival"][2])
    assert curve["survival_lo_95"][1] < curve["survival"][1] < curve["survival_hi_95"][1]
    assert np.isnan(model.predict_median(mean)[0])
    found = model.predict_quantile(mean, 0.1)
    every = model.predict_survival_function(mean)
    for name, band in (
        ("time", "survival"),
        ("time_lo_95", "survival_lo_95"),
        ("time_hi_95", "survival_hi_95"),
    ):
        reached = every["time"][every[band] <= 0.9]
        assert found[name].tolist() == pytest.approx([reached.min()], nan_ok=True), name
    assert found["time_lo_95"][0] < found["time"][0] < found["time_hi_95"][0]
    assert model.predict_quantile(mean).isna().all(axis=None)  # half of them were never arrested
    table = model.summary_
    assert table["covariate"].tolist() == list(model.hazard_ratios_)
    assert model.confidence_interval_.columns.tolist() == [
        "covariate",
        "coefficient_lo_95",
        "coefficient_hi_95",
    ]
    assert table["hazard_ratio"][0] == pytest.approx(math.exp(-0.379422166486), rel=1e-9)
    assert table["p_value"][1] == pytest.approx(0.00903, abs=1e-5)  # age, as R prints it


def test_leukemia_by_every_rule_of_ties(leukemia):
    expected = {
        "efron": (1.386075530, 1.690890388, -69.8281010607),
        "breslow": (1.294067217, 1.604343233, -72.2792597574),
        "exact": (1.444289036, 1.763457941, -59.3847095030),
    }
    for ties, (rx, white, likelihood) in expected.items():
        model = survival.CoxPH(ties=ties).fit(
            leukemia, duration_col="t", event_col="status", formula="Rx + logWBC"
        )
        assert list(model.coefficients_.values()) == pytest.approx([rx, white], rel=1e-8)
        assert model.log_likelihood_ == pytest.approx(likelihood, rel=1e-10)


def test_assumptions_have_a_verdict(rossi):
    model = survival.CoxPH().fit(rossi, duration_col="week", event_col="arrest")
    found = model.check_assumptions("km")
    assert found.doubtful == ["age", "wexp"]
    assert "age, wexp" in repr(found)
    assert len(found.to_frame()) == 8
    with pytest.raises(so.UsageError, match="km, rank, identity, log"):
        model.check_assumptions("square")
    with pytest.raises(so.UsageError, match="exact"):
        survival.CoxPH(ties="exact").fit(rossi, duration_col="week", event_col="arrest").check_assumptions()


def test_separation_is_said_in_words():
    rows = {
        "t": [1.0, 2, 3, 4, 5, 6, 7, 8],
        "e": [1, 1, 1, 1, 0, 1, 0, 1],
        "cancelled": [1, 1, 1, 0, 0, 0, 0, 0],
    }
    with pytest.warns(ConvergenceWarning, match="'cancelled' splits") as told:
        survival.CoxPH().fit(rows, duration_col="t", event_col="e")
    assert told[0].filename == __file__, "it names the line of the caller"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = survival.CoxPH(penalty=1).fit(rows, duration_col="t", event_col="e")
    assert "penalty" in fit.notes_[0]
    assert so.clv.ConvergenceWarning is ConvergenceWarning


# ---- accelerated failure times ----


def test_laws_of_lifetimes(waltons):
    durations, events, _ = waltons
    fits = {
        law: getattr(survival, f"{law}AFT")().fit(durations, events)
        for law in ("Exponential", "Weibull", "LogNormal", "LogLogistic", "GeneralizedGamma")
    }
    assert fits["GeneralizedGamma"].log_likelihood_ == pytest.approx(-644.3346289, abs=1e-6)
    assert min(fits, key=lambda law: fits[law].aic_) == "GeneralizedGamma"
    assert fits["LogLogistic"].median_survival_time_ == pytest.approx(50.3234434, rel=1e-6)
    weibull = fits["Weibull"]
    scale, shape = weibull.parameters_["lambda"], weibull.parameters_["rho"]
    assert weibull.median_survival_time_ == pytest.approx(scale * math.log(2) ** (1 / shape))
    curve = weibull.survival_function_
    assert len(curve) == 50
    assert curve["survival"][9] == pytest.approx(math.exp(-((curve["time"][9] / scale) ** shape)))
    # lifelines' standard errors are of λ and ρ: by the delta method.
    intercept, ln_sigma = weibull.result_.std_errors
    assert scale * intercept == pytest.approx(1.3265, abs=5e-4)
    assert shape * ln_sigma == pytest.approx(0.24332, abs=5e-5)


def test_lifetimes_cut_off_on_the_left(rossi):
    """Values of R's eha, known to 1e-3; the likelihood itself is in the C++ tests."""
    rows = {**rossi, "start": np.where(rossi["week"] > 10, 2.0, 0.0)}
    model = survival.WeibullAFT().fit(rows, duration_col="week", event_col="arrest", entry_col="start")
    assert model.coefficients_["fin"] == pytest.approx(0.28865175, rel=1e-3)
    assert -model.coefficients_["ln_sigma"] == pytest.approx(0.27564733, rel=1e-4)


def test_lifetimes_between_two_looks():
    """A published example of eight looks, 30 apart, with lower ends of 0.1, 30.1, …; by R's survreg."""
    weights = [15, 17, 19, 26, 19, 43, 20, 15356]
    lower = [30.0 * i + 0.1 for i in range(8)]
    upper = [30.0 * i for i in range(1, 8)]
    for last in (None, math.inf):
        model = survival.WeibullAFT().fit(lower, upper=[*upper, last], weights=weights)
        assert model.parameters_["rho"] == pytest.approx(1.2728305362, rel=1e-8)
        assert model.parameters_["lambda"] == pytest.approx(7649.2091862, rel=1e-8)
    rows = {"from": lower, "to": [*upper, math.inf], "n": weights}
    framed = survival.WeibullAFT().fit(
        rows, duration_col="from", upper_col="to", weights_col="n", formula="1"
    )
    assert framed.parameters_ == model.parameters_


def test_quantiles_of_many_rows_are_those_of_each(monkeypatch):
    rows = customers()
    model = survival.CoxPH().fit(rows, formula="seats", strata="region", **COX)
    new = {"seats": [2, 5, 9, 4], "region": ["north", "south", "north", "south"]}
    together = model.predict_quantile(new, 0.25)
    monkeypatch.setattr("salesops.survival._cox.CELLS", 1)
    pd = pytest.importorskip("pandas")
    pd.testing.assert_frame_equal(model.predict_quantile(new, 0.25), together)
    one = model.predict_quantile({"seats": 9, "region": "north"}, 0.25)
    assert one.iloc[0].tolist() == pytest.approx(together.iloc[2].tolist(), nan_ok=True)


def test_rows_to_predict_for_come_in_many_ways():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    model = survival.CoxPH().fit(customers(), formula="seats + plan", **COX)
    new = {"seats": [5, 2], "plan": ["pro", "basic"]}
    medians = model.predict_median(new).tolist()
    alike = [
        pd.DataFrame(new),
        pl.DataFrame(new),
        [[5, "pro"], [2, "basic"]],
        ((5, "pro"), [2, "basic"]),
        [{"plan": "pro", "seats": 5}, {"seats": 2, "plan": "basic"}],
    ]
    for data in alike:
        assert model.predict_median(data).tolist() == medians
    assert model.predict_median({"seats": 5, "plan": "pro"}).tolist() == medians[:1]
    same = model.predict_median({"seats": [5, 2], "plan": ["pro", "pro"]}).tolist()
    assert model.predict_median({"seats": [5, 2], "plan": "pro"}).tolist() == same
    alone = survival.CoxPH().fit(customers(), formula="seats", **COX)
    told = alone.predict_median({"seats": [5, 2]}).tolist()
    for data in ([5, 2], (5, 2), np.array([5, 2]), pd.Series([5, 2]), np.array([[5], [2]]), [[5], [2]]):
        assert alone.predict_median(data).tolist() == told
    need = r"a frame with the columns of the fit, a dict \{'seats': \[…\], 'plan': \[…\]\} or a list of rows"
    for data in ([5, "pro"], [[5]], [[5, "pro"], 3], 5, None, np.zeros((2, 3)), []):
        with pytest.raises(so.UsageError, match=need):
            model.predict_median(data)
    with pytest.raises(so.UsageError, match="or a list of values; the int given is none of them"):
        alone.predict_median(5)
    with pytest.raises(so.UsageError, match="data: row 1 has no 'plan'"):
        model.predict_median([{"seats": 5, "plan": "pro"}, {"seats": 5}])


def test_predictions_are_asked_alike_of_all_regressions():
    rows = {**customers(), "weeks": np.ceil(customers()["months"])}
    cols = {"duration_col": "weeks", "event_col": "left", "formula": "seats"}
    models = [survival.CoxPH(), survival.WeibullAFT(), survival.DiscreteHazard()]
    for model in models:
        model.fit(rows, **cols)
        curve = model.predict_survival_function([2, 5], times=(1, 3))
        assert curve.columns[:3].tolist() == ["row", "time", "survival"]
        assert curve[["row", "time"]].to_numpy().tolist() == [[0, 1], [0, 3], [1, 1], [1, 3]]
        assert len(model.predict_survival_function([2], times=3)) == 1
        assert model.predict_quantile([2, 5])["time"].tolist() == model.predict_median([2, 5]).tolist()
    share = survival.FineGray().fit(rows, **cols).predict_incidence([2, 5], times=(1, 3))
    assert share.columns[:3].tolist() == ["row", "time", "incidence"]
    assert len(share) == 4


def test_predictions_of_aft():
    rows = customers()
    model = survival.WeibullAFT().fit(rows, formula="plan + seats", **COX)
    assert model.time_ratios_["plan=pro"] > 1
    new = {"plan": ["basic", "pro"], "seats": [5, 5]}
    medians = model.predict_median(new)
    assert medians[1] / medians[0] == pytest.approx(model.time_ratios_["plan=pro"])
    quantiles = model.predict_quantile(new, 0.5)
    assert quantiles["time"].tolist() == medians.tolist()
    assert (quantiles["time_lo_95"] < medians).all()
    curve = model.predict_survival_function(new, medians.tolist())
    assert curve["survival"].tolist()[::3] == pytest.approx([0.5, 0.5])
    with pytest.raises(so.UsageError, match="need rows"):
        model.predict_median()
    with pytest.raises(so.UsageError, match="no columns"):
        survival.WeibullAFT().fit([1, 2], [1, 1]).predict_median(new)


# ---- comparisons and bands ----


def test_restricted_means_against_each_other(waltons):
    durations, events, groups = waltons
    found = survival.rmst(durations, events, groups, until=60)
    assert found.groups["control"].estimate == pytest.approx(54.3035568228, rel=1e-9)
    assert found.difference.estimate == pytest.approx(54.3035568228 - 25.5882352941, rel=1e-9)
    error = math.hypot(0.767358947045, 2.20219992518)
    assert found.difference.std_error == pytest.approx(error, rel=1e-9)
    assert found.difference.low == pytest.approx(found.difference.estimate - 1.959963984540054 * error)
    assert found.ratio.estimate == pytest.approx(54.3035568228 / 25.5882352941, rel=1e-9)
    assert found.difference.p_value == pytest.approx(
        math.erfc(found.difference.estimate / error / math.sqrt(2))
    )
    assert "difference 28.7" in repr(found)
    same = survival.rmst([*durations, *durations], [*events, *events], ["a"] * 163 + ["b"] * 163, until=60)
    assert (same.difference.estimate, same.difference.p_value, same.ratio.estimate) == (0, 1, 1)
    assert survival.rmst(durations, events, until=60).difference is None
    with pytest.raises(so.UsageError, match="past the last duration of group 'a'"):
        survival.rmst([1, 2, 3, 9], [1, 0, 1, 1], ["a", "a", "b", "b"], until=5)


def bridge(rng, low, high, runs=4000, steps=400):
    """Brownian bridges at even steps, and where they are between `low` and `high`."""
    walks = rng.normal(size=(runs, steps)).cumsum(axis=1) / math.sqrt(steps)
    at = np.arange(1, steps + 1) / steps
    inside = (at >= low) & (at <= high)
    return (walks - at * walks[:, -1:])[:, inside], at[inside]


@pytest.mark.parametrize("kind", ["hall_wellner", "equal_precision"])
def test_bands_hold_the_whole_curve(kind):
    """Over many samples of a known law the band misses the curve in 5 of 100, at some time or other."""
    rng = np.random.default_rng(5)
    missed = 0
    for _ in range(150):
        durations, end = rng.exponential(1, 150), rng.exponential(2, 150)
        fit = survival.KaplanMeier().fit(np.minimum(durations, end), durations <= end)
        band = fit.confidence_band(kind)
        truth = np.exp(-band["time"])
        before = np.exp(-np.append(band["time"].to_numpy()[1:], band["time"].to_numpy()[-1]))
        low, high = band["survival_lo_95"], band["survival_hi_95"]
        missed += bool(((truth > high) | (before < low)).any())
    assert 1 <= missed <= 18


def test_critical_values_of_bands():
    from salesops._core import survival as core

    rng = np.random.default_rng(6)
    # All events: a runs to 1, and the Hall–Wellner band is Kolmogorov's.
    fit = survival.KaplanMeier().fit(np.arange(1, 2001), np.ones(2000)).result_
    assert core.confidence_band(fit, core.BandKind.hall_wellner).critical == pytest.approx(1.358, abs=0.003)
    half = (
        survival.KaplanMeier()
        .fit([*range(1, 1001), 1000], [1] * 1000 + [0], weights=[1] * 1000 + [1000])
        .result_
    )
    walks, _ = bridge(rng, 0, 0.5)
    simulated = np.quantile(np.abs(walks).max(axis=1), 0.95)
    found = core.confidence_band(half, core.BandKind.hall_wellner).critical
    assert found == pytest.approx(simulated, abs=0.05)
    precise = core.confidence_band(half, core.BandKind.equal_precision).critical
    assert 2.8 < precise < 3.6


def test_bands_are_wider_than_points():
    fit = survival.KaplanMeier().fit(*[np.arange(1.0, 41), np.tile([1, 1, 0, 1], 10)])
    points = fit.confidence_interval_.set_index("time")
    for kind in ("hall_wellner", "equal_precision"):
        band = fit.confidence_band(kind).set_index("time")
        inside = points.loc[band.index]
        assert (band["survival_lo_95"] <= inside["survival_lo_95"] + 1e-12).mean() > 0.9
        assert (band["survival_hi_95"] >= inside["survival_hi_95"] - 1e-12).mean() > 0.9
    assert len(survival.KaplanMeier().fit([1, 2], [0, 0]).confidence_band()) == 0


# ---- pictures ----


def test_forests_and_tables_under_curves():
    pytest.importorskip("altair")
    rows = customers()
    model = survival.CoxPH().fit(rows, formula="plan + seats", **COX)
    picture = model.plot()
    assert "hazard ratio" in picture.title
    assert [row[0] for row in picture.rows] == ["plan=plus", "plan=pro", "seats"]
    assert "compared with basic" in picture.subtitle
    assert "<svg" in picture.svg()
    assert "time ratio" in survival.WeibullAFT().fit(rows, formula="plan + seats", **COX).plot().title
    curve = survival.KaplanMeier().fit(rows, **COX).plot(time="months")
    cells = curve.chart.to_dict()["vconcat"][1]["data"]["values"]
    assert cells[0] == {"x": 0.0, "n": "400"} | {name: cells[0][name] for name in ("row", "color")}
    assert [float(cell["n"]) for cell in cells] == sorted((float(cell["n"]) for cell in cells), reverse=True)
    at = np.array(rows["months"])
    assert all(float(cell["n"]) == (at >= cell["x"]).sum() for cell in cells)
    assert curve.columns[:2] == ["months", "at risk"]
    assert curve.svg().count("<text") > len(cells)


# ---- traps of public references (spec cohort.md, 2.1) ----


def test_trap_triangles_are_not_all_equally_long():
    """T4 and the ragged triangle: a cohort counts only as far as it was watched."""
    cohorts = [[100, 80, 60, 50], [200, 150, 120], [400, 300], [500]]
    durations, events, weights = [], [], []
    for cohort in cohorts:
        for k, (before, after) in enumerate(itertools.pairwise(cohort), start=1):
            durations, events, weights = [*durations, k], [*events, 1], [*weights, before - after]
        durations, events, weights = [*durations, len(cohort) - 1], [*events, 0], [*weights, cohort[-1]]
    fit = survival.KaplanMeier().fit(durations, events, weights=weights).result_
    assert fit.at_risk[1:].tolist() == [700, 230, 60]
    assert fit.survival[1:] == pytest.approx([0.7571428571, 0.5925465839, 0.4937888199], abs=1e-10)
    assert fit.std_error[1:] == pytest.approx([0.0162074741, 0.0241854150, 0.0349136416], abs=1e-10)


def test_traps_of_curves(waltons):
    durations, events, groups = waltons
    # T5: the classical hazard is the default, ties in turn have a name.
    hazard = survival.NelsonAalen().fit(durations, events).result_
    in_turn = survival.NelsonAalen(ties="in_turn").fit(durations, events).result_
    assert hazard.cumulative_hazard[-1] == pytest.approx(3.9234919027)
    assert in_turn.cumulative_hazard[-1] == pytest.approx(5.0213370295)
    # T6: the error of the mean, not the spread of the lifetimes (√75.848).
    control = np.array(groups) == "control"
    mean = survival.KaplanMeier().fit(durations[control], events[control]).rmst(60)
    assert mean.std_error == pytest.approx(0.767358947045)
    # T7: each kind of interval has its name in the result.
    ends = {"log_log": (0.2416594936, 0.3837586202), "log": (0.2475771288, 0.3919868965),
            "plain": (0.2399501256, 0.3830971932)}  # fmt: skip
    for kind, expected in ends.items():
        fit = survival.KaplanMeier(interval=kind).fit(durations, events)
        step = np.searchsorted(fit.result_.time, 60)
        assert (fit.result_.low[step], fit.result_.high[step]) == pytest.approx(expected, abs=1e-9)
        assert kind in repr(fit)


def test_trap_two_tests_are_called_peto(leukemia):
    args = (leukemia["t"], leukemia["status"], leukemia["Rx"])
    peto, rho = (survival.logrank(*args, weight=weight) for weight in ("peto", "g_rho"))
    assert peto.statistic == pytest.approx(14.084139, abs=1e-6)
    assert rho.statistic == pytest.approx(14.457151, abs=1e-6)
    assert "peto" in repr(peto)
    assert "g_rho" in repr(rho)


def test_trap_baselines_are_compared_at_zero(rossi):
    """T9: lifelines and R centre differently; where all columns are 0 they agree."""
    model = survival.CoxPH().fit(rossi, duration_col="week", event_col="arrest")
    assert model.baseline_["cumulative_hazard"].iloc[-1] == pytest.approx(0.95649921906866, rel=2e-8)
    moved = survival.CoxPH().fit({**rossi, "age": rossi["age"] - 20}, duration_col="week", event_col="arrest")
    ratio = moved.baseline_["cumulative_hazard"].iloc[-1] / 0.95649921906866
    assert ratio == pytest.approx(math.exp(20 * model.coefficients_["age"]), rel=1e-7)


def test_traps_of_competing_risks():
    """T10: nothing is drawn at random, whatever the ties. T11: the variance is named."""
    rng = np.random.default_rng(2)
    durations, outcomes = rng.integers(1, 9, 500), rng.integers(0, 3, 500)
    first = survival.AalenJohansen().fit(durations, outcomes).result_
    order = rng.permutation(500)
    second = survival.AalenJohansen().fit(durations[order], outcomes[order]).result_
    for cause in (0, 1):
        assert first.causes[cause].incidence.tolist() == second.causes[cause].incidence.tolist()
    toy = survival.AalenJohansen().fit([1, 2, 3, 4, 5, 6], [0, 1, 1, 2, 2, 0]).result_.causes[1]
    assert toy.std_error[3:5] ** 2 == pytest.approx([0.032, 0.048])
