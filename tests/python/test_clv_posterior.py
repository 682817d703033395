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
