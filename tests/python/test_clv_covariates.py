"""Customers that differ in what is known of them: fits, forecasts, and what is refused."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
import salesops as so

BASE = {"r": 0.8, "alpha": 9.0, "s": 0.6, "beta": 12.0}
CHANNEL = {"shop": (0.0, 0.0), "web": (0.7, -0.5), "app": (-0.4, 0.6)}


@pytest.fixture(scope="module")
def frame():
    """Pareto/NBD customers of three channels, each with a rate of buying and of leaving of its own."""
    parts = []
    for seed, (channel, (buys, leaves)) in enumerate(CHANNEL.items()):
        own = BASE | {
            "alpha": BASE["alpha"] * math.exp(-buys),
            "beta": BASE["beta"] * math.exp(-leaves),
        }
        made = so.clv.ParetoNBD(**own).simulate(np.full(2500, 52.0), horizon=26, seed=seed)
        part = pd.DataFrame(made).drop(columns=["sum_log_gaps", "alive"])
        parts.append(part.assign(channel=channel))
    rows = pd.concat(parts, ignore_index=True)
    rows["age"] = np.random.default_rng(1).normal(40, 12, len(rows))
    rows.insert(0, "customer", [f"C{i}" for i in range(len(rows))])
    mean = np.random.default_rng(2).gamma(6, 5, len(rows))
    rows["monetary_value"] = np.where(rows["frequency"] > 0, mean, 0.0)
    return rows


@pytest.fixture(scope="module")
def model(frame):
    return so.clv.ParetoNBD().fit(frame, covariates=["channel"], dropout_covariates=["channel"], unit="week")


def log_likelihood(model, rows, design):
    """The definition: each customer's own Pareto/NBD."""
    total = 0.0
    for channel, part in rows.groupby("channel"):
        buys, leaves = design.get(channel, (0.0, 0.0))
        own = so.clv.ParetoNBD(
            r=model.r_,
            alpha=model.alpha_ * math.exp(-buys),
            s=model.s_,
            beta=model.beta_ * math.exp(-leaves),
        )
        total += own.log_likelihood(part["frequency"], part["recency"], part["T"]).sum()
    return total


def test_coefficients_are_what_the_customers_were_made_with(frame, model):
    assert list(model.coefficients_) == [
        f"{process}.channel={channel}"
        for process in ("transaction", "dropout")
        for channel in ("shop", "web")
    ]
    base = dict(zip(("transaction", "dropout"), CHANNEL["app"], strict=True))
    for name, value in model.coefficients_.items():
        process, channel = name.replace(".channel", "").split("=")
        truth = CHANNEL[channel][process == "dropout"] - base[process]
        assert abs(value - truth) < 4 * model.standard_errors_[name], name
    of = {
        channel: tuple(model.coefficients_[f"{p}.channel={channel}"] for p in ("transaction", "dropout"))
        for channel in ("shop", "web")
    }
    assert model.log_likelihood_ == pytest.approx(log_likelihood(model, frame, of), rel=1e-10)
    assert model.aic_ == pytest.approx(2 * 8 - 2 * model.log_likelihood_)
    assert model.covariance_.shape == (8, 8)
    assert "transaction.channel=web" in str(model.summary_)
    assert model.converged_


def test_apparel_fit_is_the_reference(data_dir):
    raw = pd.read_csv(data_dir / "clv/apparel_transactions.csv")
    known = pd.read_csv(data_dir / "clv/apparel_static_covariates.csv")
    rows = so.clv.rfm(
        raw, customer="Id", time="Date", amount="Price", unit="week", calibration_end="2006-12-31"
    ).join(known, on="Id")
    both = ["Gender", "Channel"]
    model = so.clv.ParetoNBD().fit(rows, covariates=both, dropout_covariates=both)
    values = [1.838966664, 92.962961601, 0.591304144, 49.513083276]
    assert model.log_likelihood_ == pytest.approx(-5821.06268587, abs=1e-5)
    assert list(model.params_.values()) == pytest.approx(values, rel=1e-4)
    assert model.coefficients_ == pytest.approx(
        {
            "transaction.Gender": 0.286135435,
            "transaction.Channel": 0.623929987,
            "dropout.Gender": -0.641867994,
            "dropout.Channel": 0.789758813,
        },
        rel=1e-4,
    )
    assert model.standard_errors_["dropout.Gender"] == pytest.approx(0.295500, rel=1e-4)
    equal = so.clv.ParetoNBD().fit(rows, covariates=both, dropout_covariates=both, equal=["Gender"])
    assert equal.log_likelihood_ == pytest.approx(-5826.53419, abs=1e-4)
    assert equal.coefficients_["Gender"] == pytest.approx(0.328253, rel=1e-3)
    test = so.clv.likelihood_ratio_test(equal, model)
    assert (test.statistic, test.degrees) == (pytest.approx(10.943, abs=1e-3), 1)


def test_each_customer_follows_its_own_model(frame, model):
    spend = so.clv.GammaGamma().fit(frame)
    out = model.predict(frame, horizon="26 weeks", discount="10% / year", spend=spend, level=80)
    for channel in CHANNEL:
        rows = frame["channel"] == channel
        x, t_x, T = (frame.loc[rows, name].to_numpy() for name in ("frequency", "recency", "T"))
        own = model.model_of(channel=channel)
        got = out.loc[rows]
        assert got["expected_transactions"].to_numpy() == pytest.approx(
            own.expected_transactions(26, x, t_x, T)
        )
        assert got["p_alive"].to_numpy() == pytest.approx(own.p_alive(x, t_x, T))
    assert (out["clv_lo_80"] < out["clv"]).all()
    assert (out["clv"] < out["clv_hi_80"]).all()
    score = so.clv.evaluate(model, frame, holdout="26 weeks")
    assert score["expected"] == pytest.approx(out["expected_transactions"].sum())
    assert abs(score["bias"]) < 0.05
    with pytest.raises(so.UsageError, match=r"depends on channel: ask model_of"):
        model.p_alive(1, 1, 2)


def test_intervals_are_those_of_the_customers_own_parameters(frame, model):
    """Draws of all estimates, each mapped to one channel's parameters, give the same range."""
    row = frame[frame["channel"] == "web"].iloc[[5]]
    names = [*model.params_, *model.coefficients_]
    estimates = np.array([*model.params_.values(), *model.coefficients_.values()])
    scale = np.array([*model.params_.values(), 1, 1, 1, 1])
    logs = np.concatenate([np.log(estimates[:4]), estimates[4:]])
    drawn = np.random.default_rng(1).multivariate_normal(
        logs, model.covariance_ / np.outer(scale, scale), size=4000
    )
    by = dict(zip(names, drawn.T, strict=True))
    expected = [
        so.clv.ParetoNBD(
            r=math.exp(r), alpha=math.exp(alpha), s=math.exp(s), beta=math.exp(beta)
        ).expected_transactions(26, *row[["frequency", "recency", "T"]].to_numpy()[0])
        for r, alpha, s, beta in zip(
            by["r"],
            by["alpha"] - by["transaction.channel=web"],
            by["s"],
            by["beta"] - by["dropout.channel=web"],
            strict=True,
        )
    ]
    low, high = np.quantile(expected, [0.05, 0.95])
    out = model.predict(row, horizon="26 weeks", level=90).iloc[0]
    width = high - low
    assert out["expected_transactions_lo_90"] == pytest.approx(low, abs=0.06 * width)
    assert out["expected_transactions_hi_90"] == pytest.approx(high, abs=0.06 * width)


def test_numbers_of_any_size_and_one_process_alone(frame):
    by_age = so.clv.BGNBD().fit(frame, covariates=["age"])
    shifted = so.clv.BGNBD().fit(frame.assign(age=frame["age"] * 1000 + 5e4), covariates=["age"])
    assert list(by_age.coefficients_) == ["transaction.age"]
    assert shifted.log_likelihood_ == pytest.approx(by_age.log_likelihood_, abs=1e-6)
    assert shifted.coefficients_["transaction.age"] * 1000 == pytest.approx(
        by_age.coefficients_["transaction.age"], rel=1e-4
    )
    ahead = [
        one.predict(rows, horizon="26 weeks", unit="week")["expected_transactions"].to_numpy()
        for one, rows in ((by_age, frame), (shifted, frame.assign(age=frame["age"] * 1000 + 5e4)))
    ]
    assert ahead[0] == pytest.approx(ahead[1], rel=1e-5)
    leaving = so.clv.MBGNBD().fit(frame, dropout_covariates=["channel"])
    own = leaving.model_of(channel="web")
    factor = math.exp(leaving.coefficients_["dropout.channel=web"])
    assert (own.a, own.b) == pytest.approx((leaving.a_ * factor, leaving.b_ * factor))


def test_ridges_hold_coefficients_near_zero(frame, model):
    held = so.clv.ParetoNBD(l2=1e4).fit(frame, covariates=["channel"], dropout_covariates=["channel"])
    for name, value in held.coefficients_.items():
        assert abs(value) < abs(model.coefficients_[name])


def test_a_model_with_covariates_survives_json_and_other_frames(frame, model, tmp_path):
    model.save(tmp_path / "model.json")
    again = so.clv.load(tmp_path / "model.json")
    want = model.predict(frame.head(50), horizon="26 weeks", level=80)
    got = again.predict(pl.from_pandas(frame.head(50)), horizon="26 weeks", level=80)
    assert got.to_pandas().equals(want)
    some = model.predict(frame.iloc[[4000, 3]], horizon="26 weeks")
    assert some["p_alive"].tolist() == [
        model.predict(frame, horizon="26 weeks")["p_alive"][i] for i in (4000, 3)
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="channel"), "no column 'channel'"),
        (
            lambda f: f.assign(channel=f["channel"].where(f.index != 7, None)),
            r"1 of 7,500 rows of column 'channel' have no value \(row 7\)",
        ),
        (
            lambda f: f.assign(channel=f["channel"].where(f.index > 1, "fax")),
            r"2 of 7,500 rows of column 'channel' hold a category that the fit did not see \(row 0, 1\)",
        ),
    ],
)
def test_what_a_forecast_cannot_read_is_named(frame, model, change, words):
    with pytest.raises(so.UsageError, match=words):
        model.predict(change(frame), horizon="26 weeks", unit="week")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"covariates": 5}, "covariates: need a list, not int"),
        ({"covariates": ["chanel"]}, "no column 'chanel'; there are customer, frequency"),
        ({"covariates": ["age"]}, r"2 of 7,500 rows of column 'age' have no finite value \(row 0, 9\)"),
        ({"covariates": ["one"]}, "column 'one' has one category for all"),
        ({"covariates": ["channel"], "equal": ["channel"]}, "in both lists of covariates"),
        ({"covariates": ["day"]}, "column 'day' is neither numbers nor text"),
    ],
)
def test_what_a_fit_cannot_read_is_named(frame, options, words):
    bad = frame.assign(one="same", day=np.datetime64("2026-01-01", "s"))
    bad.loc[[0, 9], "age"] = np.nan
    with pytest.raises(so.UsageError, match=words):
        so.clv.ParetoNBD().fit(bad, **options)


def test_models_and_data_without_covariates_say_so(frame, model):
    with pytest.raises(so.UsageError, match="NBD takes no covariates"):
        so.clv.NBD().fit(frame, covariates=["age"])
    with pytest.raises(so.UsageError, match="arrays have none"):
        so.clv.BGNBD().fit(x=[1, 2], t_x=[1, 2], T=[3, 3], covariates=["age"])
    with pytest.raises(so.UsageError, match="fitted without covariates"):
        so.clv.BGNBD().fit(frame).model_of(age=3)
    with pytest.raises(so.UsageError, match="say each of channel"):
        model.model_of(age=3)
    plain = so.clv.ParetoNBD().fit(frame)
    plain.fit(frame, covariates=["channel"])
    assert plain.fit(frame).covariates_ is None
    assert plain.coefficients_ == {}


def test_join_adds_columns_by_customer():
    tx = {"id": [7, 7, 8, 9], "day": ["2026-01-05", "2026-02-05", "2026-01-07", "2026-01-09"]}
    rows = so.clv.rfm(pl.DataFrame(tx), customer="id", time="day", unit="week")
    more = pd.DataFrame({"key": [9, 8, 1], "tier": ["gold", None, "none"], "age": [30, 40, 50]})
    joined = rows.join(more, on="key")
    assert joined.table.column("tier").to_list() == [None, None, "gold"]
    assert joined.table.column("age").to_list() == [None, 40, 30]
    assert joined.unit == "week"
    assert isinstance(joined.to_frame(), pl.DataFrame)
    assert "tier" not in rows.table.names
    for frame, words in (
        (more.rename(columns={"key": "id"}), "no column 'key'"),
        (more.assign(T=1), "column 'T' already"),
        (pd.concat([more, more]), "names a customer twice"),
        (more.assign(key=["9", "8", "1"]), "both text, or both numbers"),
    ):
        with pytest.raises(so.UsageError, match=words):
            rows.join(frame, on="key")


def test_a_ridge_is_an_end_and_said_to_be_one():
    """All leave at one rate, so in most samples s and beta tend to infinity together."""
    ran_away = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        n = 400
        T = rng.integers(27 * 7, 39 * 7, n) / 7
        rate, end = rng.gamma(1.5, 1 / 11, n), rng.exponential(55, n)
        x, t_x = np.zeros(n), np.zeros(n)
        for i in range(n):
            times = np.cumsum(rng.exponential(1 / rate[i], 400))
            times = times[times < min(T[i], end[i])]
            x[i], t_x[i] = len(times), times[-1] if len(times) else 0
        channel = np.array(["shop", "web"] * (n // 2))
        frame = pd.DataFrame({"frequency": x, "recency": t_x, "T": T, "channel": channel})
        plain = so.clv.ParetoNBD().fit(frame)
        assert plain.converged_, plain.reason_
        for options in ({}, {"dropout_covariates": ["channel"]}):
            model = so.clv.ParetoNBD().fit(frame, covariates=["channel"], **options)
            assert model.converged_, model.reason_
            assert plain.log_likelihood_ <= model.log_likelihood_ + 1e-6
            if model.s_ > 1e4:
                ran_away += 1
                assert any("leave at one rate" in note for note in model.notes_)
    assert ran_away >= 4
