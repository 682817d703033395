"""Values that papers, manuals and other packages print, or that follow from them, in one list each."""

import math

import numpy as np
import pandas as pd
import pytest
import salesops as so


def transactions(path, **options):
    raw = pd.read_csv(path, **options)
    raw.columns = [name.lower() for name in raw.columns]
    return raw


@pytest.fixture(scope="module")
def cdnow_log(data_dir):
    raw = pd.read_csv(data_dir / "clv/CDNOW_sample.txt", sep=r"\s+", header=None, dtype={2: str})
    raw.columns = ["master", "customer", "time", "cds", "amount"]
    return raw.assign(time=pd.to_datetime(raw["time"], format="%Y%m%d"))


@pytest.fixture(scope="module")
def cdnow(cdnow_log):
    return so.clv.rfm(
        cdnow_log, amount="amount", unit="week", calibration_end="1997-09-30", holdout_end="1998-06-30"
    )


@pytest.fixture(scope="module")
def fits(cdnow):
    kinds = (so.clv.BGNBD, so.clv.MBGNBD, so.clv.ParetoNBD)
    return {kind.__name__: kind().fit(cdnow) for kind in kinds}


@pytest.fixture(scope="module")
def rows(data_dir):
    """Data sets by name."""
    folder = data_dir / "clv"
    apparel = pd.read_csv(folder / "apparel_transactions.csv")
    example = pd.read_csv(folder / "example_transactions.csv")
    weeks = pd.read_csv(folder / "cdnow_customers_summary.csv")
    spend = pd.read_csv(folder / "cdnow_customers_summary_with_transactions.csv")
    return {
        "apparel": so.clv.rfm(
            apparel, customer="Id", time="Date", amount="Price", unit="week", calibration_end="2006-12-31"
        ),
        "example": so.clv.rfm(example, customer="id", time="date", observation_end="2014-12-31"),
        "cdnow csv": weeks,
        "cdnow csv spend": spend.rename(
            columns={"x": "frequency", "t_x": "recency", "zbar": "monetary_value"}
        ),
    }


FITS = [
    ("cdnow csv", "NBD", [0.3847676741, 12.0720849910], -9763.660222233),
    ("cdnow csv", "BGNBD", [0.2425929072, 4.4135315612, 0.7928861481, 2.4257534365], -9582.425560567),
    ("cdnow csv", "MBGNBD", [0.5248379837, 6.1829920197, 0.8913561553, 1.6139993347], -9582.132684900),
    ("cdnow csv", "ParetoNBD", [0.5532755087, 10.5776122387, 0.6062135687, 11.6679112379], -9594.973929827),
    ("cdnow csv spend", "GammaGamma", [6.2488024897, 3.7445884533, 15.4477480095], -4055.923243503),
    ("example", "BGNBD", [0.1638509014, 1.8642804401, 1.8503431075, 3.1810587556], -39248.626120576),
    ("apparel", "NBD", [0.8337461065, 41.0945948217], -5910.745925751),
    ("apparel", "BGNBD", [0.6073113266, 20.9567540348, 1.2755613858, 8.8609490462], -5857.019748908),
    ("apparel", "MBGNBD", [1.8913804462, 45.8272053840, 0.6023689866, 1.5823707228], -5848.045278240),
    ("apparel", "ParetoNBD", [1.4489391259, 48.6348814458, 0.5612510489, 46.8821092370], -5848.097826902),
    ("apparel", "GammaGamma", [3.0990385948, 5.6536929688, 56.5041876572], -1670.663044297),
]


@pytest.mark.parametrize(
    ("data", "kind", "values", "log_likelihood"), FITS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_fits(rows, data, kind, values, log_likelihood):
    model = getattr(so.clv, kind)().fit(rows[data])
    assert model.log_likelihood_ >= log_likelihood - 1e-6
    assert model.log_likelihood_ == pytest.approx(log_likelihood, abs=1e-5)
    assert list(model.params_.values()) == pytest.approx(values, rel=1e-4)


# As CLVTools prints and tests them: estimates to four digits or so, log-likelihoods, standard errors.
CLVTOOLS = [
    ("BGNBD", [0.2425945, 4.4136019, 0.7929199, 2.4258881], -9582.429, []),
    (
        "ParetoNBD",
        [0.55315, 10.57633, 0.60625, 11.67150],
        -9594.976,
        [0.0476264, 0.8427222, 0.1872594, 6.2105448],
    ),
]


@pytest.mark.parametrize(("kind", "values", "log_likelihood", "errors"), CLVTOOLS)
def test_estimates_that_clvtools_prints(cdnow, fits, kind, values, log_likelihood, errors):
    assert cdnow["T"].max() == pytest.approx(38.857, abs=5e-4)
    assert list(fits[kind].params_.values()) == pytest.approx(values, rel=3e-4)
    assert fits[kind].log_likelihood_ == pytest.approx(log_likelihood, abs=1e-3)
    if errors:
        assert list(fits[kind].standard_errors_.values()) == pytest.approx(errors, rel=3e-4)


def test_one_coefficient_for_both_processes_as_clvtools_finds_it(data_dir, rows):
    known = pd.read_csv(data_dir / "clv/apparel_static_covariates.csv")
    both = ["Gender", "Channel"]
    model = so.clv.ParetoNBD().fit(
        rows["apparel"].join(known, on="Id"), covariates=both, dropout_covariates=both, equal=["Gender"]
    )
    values = [1.79392, 94.7223, 0.428726, 59.0743]
    assert list(model.params_.values()) == pytest.approx(values, rel=5e-4)
    assert model.coefficients_ == pytest.approx(
        {"transaction.Channel": 0.638430, "dropout.Channel": 1.02279, "Gender": 0.328253}, rel=1e-3
    )


def test_ggompertz_ends_in_pareto(cdnow, fits):
    """CLVTools stops at b 1e-5 and −9594.97627; the supremum is Pareto/NBD's."""
    model = so.clv.GGompertzNBD().fit(cdnow)
    assert model.log_likelihood_ == pytest.approx(-9594.97618, abs=6e-6)
    assert model.log_likelihood_ > -9594.97627
    assert model.beta_ / model.b_ == pytest.approx(11.669, abs=2e-3)
    note = "b and beta tend to 0 with beta/b = 11.67: the limit is Pareto/NBD"
    assert any(one.startswith(note) for one in model.notes_)
    ahead = [
        one.predict(cdnow, horizon="39 weeks", unit="week")["p_alive"] for one in (model, fits["ParetoNBD"])
    ]
    assert ahead[0].to_numpy() == pytest.approx(ahead[1].to_numpy(), abs=1e-4)


def test_alpha_next_to_nothing():
    model = so.clv.BGNBD(r=0.2, alpha=0.001, a=0.8, b=2.4)
    assert model.log_likelihood(0, 0, 39) == pytest.approx(-2.11426851316, rel=1e-9)
    assert model.p_alive(0, 0, 39) == 1
    assert model.expected_transactions(52, 0, 0, 39) == pytest.approx(0.227903101133, rel=1e-9)


CONTRACTS = [
    ("SBG", "Regular", [0.7040772985, 1.1820430262], -1680.265188463),
    ("SBG", "High-end", [0.6680883511, 3.8060949641], -1611.158147391),
    ("BdW", "Regular", [0.4556139894, 0.7793255084, 1.2834512858], -1679.602832907),
    ("BdW", "High-end", [0.2142533393, 1.4265748749, 1.7235648487], -1605.314213214),
]


@pytest.mark.parametrize(("kind", "segment", "values", "log_likelihood"), CONTRACTS)
def test_contracts(data_dir, kind, segment, values, log_likelihood):
    left = pd.read_csv(data_dir / "clv/2-segment-retention.csv", encoding="utf-8-sig")[segment][:8]
    scale = 1000 / left.iloc[0]
    model = getattr(so.clv, kind)().fit((left * scale).round().tolist())
    assert model.log_likelihood_ == pytest.approx(log_likelihood, abs=1e-5)
    assert list(model.params_.values()) == pytest.approx(values, rel=1e-4)


def test_cohorts_of_several_starts():
    """README of shifted_beta_geometric_py: alpha 3.80, beta 15.19."""
    left = [10000, 8000, 6480, 5307, 4391]
    model = so.clv.SBG().fit([left, left[:4], left[:3], left[:2]])
    assert model.log_likelihood_ == pytest.approx(-40255.837280741, abs=1e-5)
    assert list(model.params_.values()) == pytest.approx([3.7981258079, 15.1919079374], rel=1e-3)
    assert model.correlation_[0, 1] == pytest.approx(0.9985, abs=1e-4)


CORRELATIONS = {
    "BGNBD": {
        (0, 1): 0.780381,
        (0, 2): -0.037665,
        (0, 3): 0.007410,
        (1, 2): -0.040793,
        (1, 3): 0.039442,
        (2, 3): 0.940455,
    },
    "ParetoNBD": {
        (0, 1): 0.821762,
        (0, 2): -0.353566,
        (0, 3): -0.475576,
        (1, 2): -0.170606,
        (1, 3): -0.230399,
        (2, 3): 0.971571,
    },
}


@pytest.mark.parametrize("kind", CORRELATIONS)
def test_correlations_of_estimates(fits, kind):
    for (i, j), value in CORRELATIONS[kind].items():
        assert fits[kind].correlation_[i, j] == pytest.approx(value, abs=2e-5)


def test_correlations_and_errors_of_spend(cdnow):
    model = so.clv.GammaGamma().fit(cdnow)
    found = model.correlation_
    assert (found[0, 1], found[0, 2], found[1, 2]) == pytest.approx(
        (-0.671819, -0.970304, 0.821994), abs=2e-5
    )


def test_spend_with_the_first_purchase(cdnow_log):
    """CLVTools prints p 9.88124, q 3.39875, γ 7.92859 and −9898.450937 of 2,349 customers."""
    rows = so.clv.rfm(
        cdnow_log, amount="amount", unit="week", calibration_end="1997-09-30", include_first=True
    )
    model = so.clv.GammaGamma().fit(rows)
    assert model.n_ == 2349
    assert model.log_likelihood_ == pytest.approx(-9898.450937, abs=2e-6)
    assert list(model.params_.values()) == pytest.approx([9.88124, 3.39875, 7.92859], rel=1e-4)


# ---- at the published parameters ----

PUBLISHED = {
    "BGNBD": so.clv.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426),
    "MBGNBD": so.clv.MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614),
    "ParetoNBD": so.clv.ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669),
}
CUSTOMERS = [(0, 0, 38.86), (2, 30.43, 38.86), (26, 30.86, 31)]
# log-likelihood, P(alive), purchases within 1, 39 and 52 weeks
KNOWN = {
    "BGNBD": [
        (-0.554713276438, 1, 0.00559565788948, 0.195098052011, 0.252073022282),
        (-9.45860630706627, 0.726578570081, 0.0374479697417, 1.22602817477, 1.55872080643),
        (-37.7265794734, 0.968915649718, 0.710620937335, 20.7497261409, 25.7581959365),
    ],
    "MBGNBD": [
        (-0.539837463531, 0.389735080919, 0.00452317230678, 0.154012746675, 0.197705817416),
        (-9.48555131453, 0.706202265118, 0.0393396595072, 1.26296062327, 1.59721663082),
        (-38.3221269478, 0.965566144144, 0.681220747106, 19.4507226522, 24.0039228222),
    ],
    "ParetoNBD": [
        (-0.521046294081, 0.295286604617, 0.00328339609259, 0.107081468215, 0.136201005924),
        (-9.55428324515, 0.869167559153, 0.0446178585951, 1.45512319326, 1.8508267207),
        (-39.1316715403, 0.997918731055, 0.632832178897, 20.1170260774, 25.4584729514),
    ],
}
NEW = {  # E[X(1)], E[X(3)], E[X(32)], P(X(39) = 0 … 4)
    "BGNBD": (
        [0.0532678911717, 0.150865230893, 1.04524332837],
        [0.573786352096, 0.199395280836, 0.0854297595391, 0.045860353848, 0.0276714493358],
    ),
    "MBGNBD": (
        [0.0530847952637, 0.150863288607, 1.03718283243],
        [0.582473189493, 0.182783077288, 0.0868948256735, 0.0485704429516, 0.0297741485594],
    ),
    "ParetoNBD": (
        [0.050979843246, 0.14606118505, 1.05589613041],
        [0.593625031602, 0.165562947277, 0.0824871841163, 0.0490399536428, 0.0316957067443],
    ),
}
DERT = {  # δ, customer: discounted purchases to come
    "BGNBD": {(0.002, 1): 6.07419196285, (0.0027, 1): 5.15637982615, (0.002, 0): 1.23200288132},
    "MBGNBD": {(0.002, 1): 5.71610090322, (0.002, 0): 0.862178675953},
    "ParetoNBD": {(0.002, 1): 7.75422960011, (0.0027, 1): 6.48377356773, (0.002, 0): 0.570628173825},
}


@pytest.mark.parametrize("kind", PUBLISHED)
def test_answers_at_published_parameters(kind):
    model = PUBLISHED[kind]
    for customer, (log_likelihood, alive, *ahead) in zip(CUSTOMERS, KNOWN[kind], strict=True):
        assert model.log_likelihood(*customer) == pytest.approx(log_likelihood, rel=1e-9)
        assert model.p_alive(*customer) == pytest.approx(alive, rel=1e-9)
        assert model.expected_transactions([1, 39, 52], *customer) == pytest.approx(ahead, rel=1e-9)
    means, pmf = NEW[kind]
    assert model.expected_transactions_new([1, 3, 32]) == pytest.approx(means, rel=1e-9)
    assert model.pmf_new(range(5), 39) == pytest.approx(pmf, rel=1e-9)
    for (rate, customer), value in DERT[kind].items():
        assert model.dert(rate, *CUSTOMERS[customer]) == pytest.approx(value, rel=1e-9)


def test_counts_in_manuals():
    """BTYD's manual; lifetimes tests the first list."""
    bg = PUBLISHED["BGNBD"]
    assert bg.pmf_new(range(11, 21), 30) == pytest.approx(
        [
            0.00199952144748,
            0.00151702362996,
            0.00116331500666,
            0.000900314789644,
            0.000702363765887,
            0.000551790242649,
            0.000436191280898,
            0.000346717139624,
            0.00027696126484,
            0.000222226048007,
        ],
        rel=1e-9,
    )
    # pymc-marketing, tests/clv/models/test_beta_geo.py
    expected = [0.0532678912, 0.1508652309, 0.2807558936]
    assert bg.expected_transactions_new([1, 3, 6]) == pytest.approx(expected, abs=6e-11)
    assert bg.pmf_new(10, 2) == pytest.approx(1.07868964037e-7, rel=1e-9)
    pareto = so.clv.ParetoNBD(r=0.55, alpha=10.56, s=0.61, beta=11.64)
    assert [pareto.pmf_new(11, 30), pareto.pmf_new(0, 39), pareto.pmf_new(10, 2)] == pytest.approx(
        [0.00188994147309, 0.595938069598, 1.89370759668e-9], rel=1e-9
    )


def test_spend_of_hardies_first_ten_customers(data_dir):
    model = so.clv.GammaGamma(p=6.25, q=3.74, v=15.44)
    data = pd.read_csv(data_dir / "clv/cdnow_customers_summary_with_transactions.csv").head(10)
    assert model.expected_spend(data["x"], data["zbar"]) == pytest.approx(
        [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17], abs=0.1
    )


def test_subscribers():
    high, regular = so.clv.SBG(alpha=0.668, beta=3.806), so.clv.SBG(alpha=0.704, beta=1.182)
    assert high.survival(range(1, 8)) == pytest.approx(
        [0.85069289, 0.74688163, 0.66981692, 0.60995102, 0.56186898, 0.52225229, 0.48894462], abs=6e-9
    )
    assert regular.survival(range(1, 8)) == pytest.approx(
        [0.62672322, 0.47384271, 0.38799988, 0.33209486, 0.29237437, 0.26248306, 0.23905064], abs=6e-9
    )
    first = so.clv.SBG(alpha=3.80, beta=15.20).residual_lifetime(0.1, range(5))
    assert first == pytest.approx([3.3098184, 3.4510003, 3.5865437, 3.7168115, 3.842134], abs=6e-8)
    second = so.clv.SBG(alpha=0.067, beta=0.267).residual_lifetime(0.1, range(5))
    assert second == pytest.approx([7.6708355, 9.4552994, 9.8508338, 10.056167, 10.18864], abs=6e-7)


# ---- CDNOW's holdout ----


def test_holdout_totals_and_groups(cdnow, fits):
    x, bought = cdnow["frequency"], cdnow["holdout_frequency"]
    assert bought.sum() == 1882
    totals = {
        "BGNBD": (1653.4087, 1917.2777),
        "MBGNBD": (1576.7283, 1057.6364),
        "ParetoNBD": (1665.5131, 1051.8752),
    }
    for kind, (ahead, alive) in totals.items():
        out = fits[kind].predict(cdnow, horizon="39 weeks")
        assert out["expected_transactions"].sum() == pytest.approx(ahead, abs=2e-3)
        assert out["p_alive"].sum() == pytest.approx(alive, abs=2e-3)
    ahead = fits["ParetoNBD"].predict(cdnow, horizon="39 weeks")["expected_transactions"].to_numpy()
    groups = np.minimum(x, 7)
    actual = [0.236712, 0.697039, 1.392523, 1.56, 2.532258, 2.947368, 3.862069, 6.359375]
    expected = [0.138447, 0.599471, 1.195837, 1.713843, 2.398308, 2.907208, 3.818559, 6.403067]
    assert [int((groups == n).sum()) for n in range(8)] == [1411, 439, 214, 100, 62, 38, 29, 64]
    assert [bought[groups == n].mean() for n in range(8)] == pytest.approx(actual, abs=6e-7)
    assert [ahead[groups == n].mean() for n in range(8)] == pytest.approx(expected, abs=2e-5)
    picture = fits["ParetoNBD"].plot.holdout(cdnow)
    assert [row[0] for row in picture.rows] == ["0", "1", "2", "3", "4", "5", "6", "7+"]
    assert [float(row[1]) for row in picture.rows] == pytest.approx(actual, abs=6e-3)


def test_weekly_tracking(cdnow, fits):
    pareto = so.clv.tracking(fits["ParetoNBD"], cdnow)
    bg = so.clv.tracking(fits["BGNBD"], cdnow)
    assert len(pareto.ends) == 78
    assert [str(pareto.ends[week - 1]) for week in (1, 39, 78)] == ["1997-01-07", "1997-09-30", "1998-06-30"]
    assert pareto.actual[19:25].tolist() == [1359, 1414, 1484, 1517, 1573, 1672]
    assert pareto.actual[[38, 77]].tolist() == [2457, 4339]
    T = cdnow["T"]
    assert pareto.expected[38] == pytest.approx(fits["ParetoNBD"].expected_transactions_new(T).sum())
    # BTYD and the papers let expected weeks end a day later than the weeks they count.
    late = np.arange(1, 79) - 39 + 1 / 7

    def published(kind):
        by_week = [fits[kind].expected_transactions_new(np.maximum(0, T + end)).sum() for end in late]
        return np.array(by_week)

    weeks = slice(19, 25)
    cumulative = [1308.91, 1385.33, 1459.98, 1532.97, 1604.39, 1674.32]
    assert published("ParetoNBD")[weeks] == pytest.approx(cumulative, abs=0.01)
    assert published("ParetoNBD")[[38, 77]] == pytest.approx([2532.78, 4275.39], abs=0.01)
    cumulative = [1312.46, 1387.35, 1460.39, 1531.72, 1601.42, 1669.60]
    assert published("BGNBD")[weeks] == pytest.approx(cumulative, abs=0.01)
    assert published("BGNBD")[[38, 77]] == pytest.approx([2501.53, 4165.66], abs=0.01)
    incremental = np.diff(published("ParetoNBD"), prepend=0)
    assert incremental[weeks] == pytest.approx([78.31, 76.42, 74.65, 72.98, 71.41, 69.93], abs=0.01)
    assert pareto.to_frame()["actual"][weeks].tolist() == [73, 55, 70, 33, 56, 99]
    assert pareto.expected[weeks] == pytest.approx(published("ParetoNBD")[weeks], rel=0.01)
    off = np.abs(pareto.expected - pareto.actual)[39:] / pareto.actual[39:]
    assert pareto.error == pytest.approx(off.mean())
    compared = so.clv.compare(cdnow, list(fits.values())).to_frame().set_index("model")
    assert compared.loc["BGNBD", "holdout_tracking"] == pytest.approx(bg.error)


def test_discounted_totals(cdnow, fits):
    """CLVTools, whose parameters stop a little short: ± .05 %."""
    x, t_x, T = (cdnow[name] for name in ("frequency", "recency", "T"))
    model = fits["ParetoNBD"]
    mean = (
        so.clv.GammaGamma()
        .fit(cdnow)
        .expected_spend(cdnow["spend_frequency"], np.nan_to_num(cdnow["monetary_value"]))
    )
    for rate, bought, worth in (
        (math.log(1.1) / 52, 9012.30, 327_110.40),
        (0.001, 12_590.34, 456_980.46),
    ):
        ahead = model.dert(rate, x, t_x, T)
        assert ahead.sum() == pytest.approx(bought, rel=5e-4)
        assert (ahead * mean).sum() == pytest.approx(worth, rel=5e-4)


def test_donations_against_the_real_holdout(data_dir):
    """13,260 donations in 2002–2006; 12,884.2 expected, as the walkthrough of BTYD and lifetimes say."""
    real = pd.read_csv(data_dir / "clv/donation_incidence_1995_cohort.csv", header=None).to_numpy()
    seen, later = real[:, 2:8], real[:, 8:13]
    x = seen.sum(axis=1)
    t_x = (seen * np.arange(1, 7)).max(axis=1)
    model = so.clv.BGBB().fit({"frequency": x, "recency": t_x, "T": np.full(len(x), 6)}, unit="year")
    assert list(model.params_.values()) == pytest.approx(
        [1.2035223516, 0.7497163582, 0.6567182084, 2.7834422326], rel=1e-5
    )
    assert model.log_likelihood_ == pytest.approx(-33225.581274347, abs=1e-5)
    ahead = model.expected_transactions(5, x, t_x, np.full(len(x), 6))
    assert later.sum() == 13260
    assert ahead.sum() == pytest.approx(12884.2, abs=0.5)
    assert [int((x == n).sum()) for n in range(7)] == [3464, 1823, 1430, 1085, 1036, 1063, 1203]
    # What the walkthrough expects of those who never, and who always, gave again.
    assert len(x) * model.pmf_new([0, 6], 6) == pytest.approx([3454.9, 1253.1], abs=0.05)
    # Alive at the next opportunity, as BTYD and lifetimes have it.
    printed = so.clv.BGBB(alpha=1.204, beta=0.75, gamma=0.657, delta=2.783)
    assert printed.p_alive_at(1, [0, 2, 6], [0, 4, 6], 6) == pytest.approx([0.11, 0.59, 0.93], abs=5e-3)
    means = [later[x == n].sum(axis=1).mean() for n in range(7)]
    assert means == pytest.approx([0.1744, 0.4328, 0.8126, 1.3899, 2.0618, 2.6425, 3.5345], abs=6e-5)


def test_worth_of_a_month(rows):
    """lifetimes' test: money 1, discount 0, one month of 30 days, the first five customers."""
    model = so.clv.BGNBD().fit(rows["example"])
    data = pd.DataFrame({name: rows["example"][name] for name in ("frequency", "recency", "T")}).head(5)
    money = so.clv.GammaGamma(p=1, q=2, v=1)  # a purchase is worth 1 to those of whom nothing is known
    data["spend_frequency"], data["monetary_value"] = 0.0, np.nan
    asked = {"horizon": "30 days", "unit": "day", "spend": money}
    whole = model.predict(data, **asked)
    known = [0.016053, 0.021171, 0.030461, 0.031686, 0.001607]
    assert whole["clv"].to_numpy() == pytest.approx(known, abs=2e-5)
    assert (whole["clv"] == whole["expected_transactions"]).all()
    # lifetimes discounts the month at its end, which halves it; each purchase in its time loses less.
    at_once = model.predict(data, discount="100% / 30 days", **asked)["clv"]
    assert (at_once / whole["clv"]).to_numpy() == pytest.approx(0.5 / math.log(2), rel=0.02)
