"""Bayesian fits, as users meet them."""

import numpy as np
import pytest
import salesops as so
from salesops import UsageError

LEFT = [1000, 869, 743, 653, 593, 551, 517, 491]


def customers(n=400, seed=3):
    return so.clv.BGNBD(r=0.6, alpha=5, a=1.2, b=3.5).simulate(np.full(n, 39.0), seed=seed)


@pytest.fixture(scope="module")
def model():
    return so.clv.BGNBD().fit(customers())


@pytest.fixture(scope="module")
def drawn(model):
    return model.posterior(400, chains=2, warmup=200, progress=False)


def test_it_agrees_with_the_likelihood_of_many_customers():
    many = so.clv.BGNBD().fit(customers(5000))
    drawn = many.posterior(400, chains=2, warmup=200, progress=False)
    for name, row in drawn.diagnosis().items():
        assert row["r_hat"] < 1.03
        assert abs(row["mean"] - many.params_[name]) < many.standard_errors_[name]
        assert row["sd"] == pytest.approx(many.standard_errors_[name], rel=0.3)


def test_seeds_and_threads(model, drawn):
    again = model.clone().set_params(threads=1).fit(customers())
    same = again.posterior(400, chains=2, warmup=200, progress=False)
    other = model.posterior(400, chains=2, warmup=200, seed=2, progress=False)
    for name in ("r", "alpha", "a", "b"):
        assert drawn.draws[name].shape == (2, 400)
        assert (drawn.draws[name] == same.draws[name]).all()
        assert (drawn.draws[name] != other.draws[name]).any()


def test_priors_hold_what_the_data_leave_open():
    few = customers(15)
    free = so.clv.BGNBD().fit(few).posterior(300, chains=2, warmup=200, progress=False)
    sure = so.clv.BGNBD(priors={"a": (1.2, 0.1), "b": (3.5, 0.1)}).fit(few)
    held = sure.posterior(300, chains=2, warmup=200, progress=False)
    assert held.diagnosis()["a"]["sd"] < 0.2 < free.diagnosis()["a"]["sd"]
    assert any("believed" in note for note in free.notes)
    assert not any("believed" in note for note in held.notes)


def test_questions_about_customers_carry_the_uncertainty(model, drawn):
    data = customers(5)
    answer = drawn.ask(
        lambda m: m.p_alive(data["frequency"], data["recency"], data["T"]), count=100, level=90
    )
    point = model.p_alive(data["frequency"], data["recency"], data["T"])
    assert answer["mean"].shape == (5,)
    assert (answer["lo"] <= answer["mean"]).all()
    assert (answer["mean"] <= answer["hi"]).all()
    assert answer["mean"] == pytest.approx(point, abs=0.1)


def test_it_prints_and_gives_frames(drawn):
    text = repr(drawn)
    assert "R-hat" in text
    assert max(map(len, text.splitlines()[:6])) <= 80
    assert "<table" in drawn._repr_html_()
    frame = drawn.to_frame("polars", level=80)
    assert frame["parameter"].to_list() == ["r", "alpha", "a", "b"]
    assert {"lo_80", "hi_80", "r_hat", "ess_bulk"} <= set(frame.columns)


def test_covariates_have_draws_too():
    data = customers(300)
    moved = so.clv.BGNBD().fit({**data, "z": np.arange(300) % 2}, covariates=["z"])
    drawn = moved.posterior(50, chains=2, warmup=60, progress=False)
    assert list(drawn.draws)[:4] == ["r", "alpha", "a", "b"]
    assert len(drawn.draws) == 5
    with pytest.raises(UsageError, match="covariates"):
        next(drawn.models(3))


def test_forecasts_of_the_draws_are_those_of_their_models(model, drawn):
    data = {**customers(40), "monetary_value": np.full(40, 20.0)}
    made = drawn.predict(data, horizon="20 weeks", unit="week", level=80)
    rows = np.linspace(0, 799, 256).astype(int)
    columns = {name: drawn.draws[name].ravel()[rows] for name in ("r", "alpha", "a", "b")}
    models = [so.clv.BGNBD(*values) for values in zip(*columns.values(), strict=True)]
    x, t_x, T = (data[name] for name in ("frequency", "recency", "T"))
    want = np.array([one.expected_transactions(20, x, t_x, T) for one in models])
    assert made["expected_transactions"] == pytest.approx(want.mean(axis=0), rel=1e-12)
    assert made["expected_transactions_lo_80"] == pytest.approx(np.quantile(want, 0.1, axis=0), rel=1e-12)
    assert made["expected_transactions_hi_80"] == pytest.approx(np.quantile(want, 0.9, axis=0), rel=1e-12)
    alive = np.array([one.p_alive(x, t_x, T) for one in models])
    assert made["p_alive"] == pytest.approx(alive.mean(axis=0), rel=1e-12)
    # With many customers the posterior is the normal distribution of the estimates.
    point = model.predict(data, horizon="20 weeks", unit="week", level=80)
    width = [one["expected_transactions_hi_80"] - one["expected_transactions_lo_80"] for one in (made, point)]
    assert width[0].sum() == pytest.approx(width[1].sum(), rel=0.25)
    # What a customer will do varies more than its mean.
    own = drawn.predict(data, horizon="20 weeks", unit="week", level=80, interval="outcome")
    assert own["expected_transactions_hi_80"].sum() > 1.3 * made["expected_transactions_hi_80"].sum()
    assert own["expected_transactions"] == pytest.approx(made["expected_transactions"], rel=1e-12)


def test_money_is_drawn_along(model, drawn):
    data = customers(400)
    paid = so.clv.GammaGamma(p=6, q=4, v=15).simulate(np.maximum(data["frequency"], 1), seed=2)
    rows = {**data, "monetary_value": np.where(data["frequency"] > 0, paid, 0.0)}
    spend = so.clv.GammaGamma().fit(rows)
    amounts = spend.posterior(200, chains=2, warmup=150, progress=False)
    own = drawn.predict(rows, horizon="20 weeks", discount="10% / year", unit="week", spend=amounts)
    normal = drawn.predict(rows, horizon="20 weeks", discount="10% / year", unit="week", spend=spend)
    assert own["clv"].sum() == pytest.approx(normal["clv"].sum(), rel=0.2)
    assert (own["clv_lo_90"] < own["clv"]).all()
    assert (own["clv"] < own["clv_hi_90"]).all()
    with pytest.raises(UsageError, match=r"ask posterior\.predict"):
        model.predict(rows, horizon="20 weeks", unit="week", spend=amounts)
    with pytest.raises(UsageError, match="forecasts no purchases"):
        amounts.predict(rows, horizon="20 weeks", unit="week")


def test_forecasts_of_draws_follow_covariates():
    data = customers(600)
    rows = {**data, "z": np.arange(600) / 600, "kind": np.array(["a", "b", "c"] * 200, dtype=object)}
    fitted = so.clv.BGNBD().fit(rows, covariates=["z", "kind"])
    drawn = fitted.posterior(150, chains=2, warmup=100, progress=False)
    whole = drawn.predict(rows, horizon="10 weeks", unit="week")  # 600 models, more than are asked at once
    some = {name: column[[3, 599]] for name, column in rows.items()}
    part = drawn.predict(some, horizon="10 weeks", unit="week")
    for name in part:
        assert (part[name] == whole[name][[3, 599]]).all()
    chosen = np.linspace(0, 299, 256).astype(int)
    of = {name: values.ravel()[chosen] for name, values in drawn.draws.items()}
    shift = of["transaction.z"] * rows["z"][3] + 0  # customer 3 is of kind a
    models = zip(of["r"], of["alpha"] * np.exp(-shift), of["a"], of["b"], strict=True)
    x, t_x, T = (data[name][3] for name in ("frequency", "recency", "T"))
    want = np.array([so.clv.BGNBD(*values).expected_transactions(10, x, t_x, T) for values in models])
    assert part["expected_transactions"][0] == pytest.approx(want.mean(), rel=1e-10)
    with pytest.raises(UsageError, match="256 draws or more, there are 100"):
        fitted.posterior(50, chains=2, warmup=60, progress=False).predict(
            rows, horizon="10 weeks", unit="week"
        )


def test_progress_rises_to_one(model):
    told = []
    model.posterior(50, chains=2, warmup=50, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1


@pytest.mark.parametrize(
    "asked", [{"chains": 0}, {"draws": 1}, {"warmup": 2}, {"acceptance": 1.0}, {"acceptance": float("nan")}]
)
def test_mistakes_are_named(model, asked):
    with pytest.raises(UsageError, match=r"posterior|acceptance"):
        model.posterior(**{"draws": 50, "progress": False, **asked})


def test_what_cannot_be_drawn_says_why(model, drawn):
    with pytest.raises(UsageError, match="fit"):
        so.clv.BGNBD().posterior()
    with pytest.raises(UsageError, match="saved"):
        so.clv.from_json(model.to_json()).posterior()
    with pytest.raises(UsageError, match="count"):
        drawn.ask(lambda m: m.r, count=0)
    with pytest.raises(UsageError, match="level"):
        drawn.intervals(level=100)


@pytest.mark.parametrize("kind", ["NBD", "MBGNBD", "ParetoNBD", "GGompertzNBD"])
def test_every_model_of_purchases_draws(kind):
    fitted = getattr(so.clv, kind)().fit(customers(60))
    drawn = fitted.posterior(20, chains=2, warmup=40, progress=False)
    assert all((values > 0).all() for values in drawn.draws.values())


def test_contracts_and_spend_draw():
    assert so.clv.BdW().fit(LEFT).posterior(50, chains=2, warmup=60, progress=False).draws["c"].min() > 0
    x = np.tile([1.0, 2.0, 3.0], 60)
    spend = so.clv.GammaGamma().fit(x=x, mean_spend=so.clv.GammaGamma(p=6, q=4, v=15).simulate(x, seed=2))
    assert set(spend.posterior(50, chains=2, warmup=60, progress=False).draws) == {"p", "q", "v"}


def test_sums_of_the_draws_are_sums_of_each_draw(model, drawn):
    rows = customers()
    spend = so.clv.GammaGamma(p=6, q=4, v=15)
    sums = drawn.total(rows, horizon="13 weeks", unit="week", level=80)
    thinned = drawn._thinned()
    by_draw = []
    for r, alpha, a, b in thinned[::16]:
        one = so.clv.BGNBD(r=r, alpha=alpha, a=a, b=b)
        by_draw.append(one.expected_transactions(13, rows["frequency"], rows["recency"], rows["T"]).sum())
    assert sums["transactions"] == pytest.approx(np.mean(by_draw), rel=0.02)
    assert sums["transactions_lo_80"] < np.mean(by_draw) < sums["transactions_hi_80"]
    each = drawn.predict(rows, horizon="13 weeks", unit="week", level=80)["expected_transactions"].sum()
    assert sums["transactions"] == pytest.approx(each)
    assert sums["customers_lo_80"] < sums["customers"] < sums["customers_hi_80"]
    plain = model.total(rows, horizon="13 weeks", unit="week", level=80)
    assert sums["transactions"] == pytest.approx(plain["transactions"], rel=0.1)
    money = {"mean_spend": np.full(len(rows["T"]), 20.0), "spend_x": np.ones(len(rows["T"]))}
    worth = drawn.total(
        x=rows["frequency"], t_x=rows["recency"], T=rows["T"], horizon=13, spend=spend, level=80, **money
    )
    assert worth["clv_lo_80"] < worth["clv"] < worth["clv_hi_80"]


def test_a_schedule_of_the_draws_adds_up_to_their_total():
    born = np.datetime64("2024-01-01") + np.random.default_rng(1).integers(0, 120, 300)
    truth = so.clv.BGNBD(r=0.8, alpha=6, a=0.8, b=2.5)
    money = so.clv.GammaGamma(p=6, q=4, v=60)
    log = truth.simulate_transactions(born, until="2025-03-31", unit="week", spend=money, seed=4)
    rows = so.clv.rfm(log, amount="amount", unit="week", observation_end="2025-03-31")
    model, spend = so.clv.BGNBD().fit(rows), so.clv.GammaGamma().fit(rows)
    drawn = model.posterior(200, chains=2, warmup=200, progress=False)
    asked = {"horizon": "26 weeks", "discount": "10% / year", "level": 80}
    plan = drawn.clv_schedule(rows, every="quarter", spend=spend, **asked)
    assert list(plan) == [
        "period", "start", "end",
        "expected_transactions", "expected_transactions_lo_80", "expected_transactions_hi_80",
        "revenue", "revenue_lo_80", "revenue_hi_80",
        "clv", "clv_lo_80", "clv_hi_80",
    ]  # fmt: skip
    assert plan["period"].tolist() == ["2025-Q2", "2025-Q3"]
    sums = drawn.total(rows, spend=spend, **asked)
    assert plan["expected_transactions"].sum() == pytest.approx(sums["transactions"])
    assert plan["clv"].sum() == pytest.approx(sums["clv"], rel=0.01)
    assert (plan["clv"] < plan["revenue"]).all()
    for name in ("expected_transactions", "revenue", "clv"):
        assert (plan[f"{name}_lo_80"] < plan[name]).all()
        assert (plan[name] < plan[f"{name}_hi_80"]).all()
    best = model.clv_schedule(rows, horizon="26 weeks", every="quarter", spend=spend, discount="10% / year")
    assert plan["clv"] == pytest.approx(best["clv"], rel=0.1)
    by_spend = spend.posterior(200, chains=2, warmup=200, progress=False)
    both = drawn.clv_schedule(rows, every="quarter", spend=by_spend, **asked)
    assert both["clv"] == pytest.approx(plan["clv"], rel=0.1)
    bare = drawn.clv_schedule(rows, periods=2, every="quarter", discount="10% / year")
    assert "discounted_transactions_hi_90" in bare
    with pytest.raises(UsageError, match="give a horizon"):
        drawn.clv_schedule(rows)
    with pytest.raises(UsageError, match="GammaGamma"):
        drawn.clv_schedule(rows, horizon="26 weeks", spend=3)
    with pytest.raises(UsageError, match="forecasts no purchases"):
        by_spend.total(rows, horizon="26 weeks")


def test_sums_and_schedules_of_draws_follow_covariates():
    rows = so.clv.ParetoNBD(r=0.8, alpha=8, s=0.6, beta=12).simulate(np.full(300, 40.0), seed=2)
    rows["channel"] = ["shop", "web", "web"] * 100
    model = so.clv.ParetoNBD().fit(rows, covariates=["channel"], unit="week")
    drawn = model.posterior(200, chains=2, warmup=200, progress=False)
    sums = drawn.total(rows, horizon="26 weeks", level=80)
    assert sums["transactions_lo_80"] < sums["transactions"] < sums["transactions_hi_80"]
    plan = drawn.clv_schedule(rows, horizon="26 weeks", every="quarter", as_of="2026-06-30")
    assert plan["expected_transactions"].sum() == pytest.approx(sums["transactions"])
