import numpy as np
import pytest
import salesops as so
from salesops import scenario

PERIODS = [("2026-01-05", "2026-01-12"), ("2026-01-12", "2026-01-19")]


def made(draws: int = 500) -> scenario.Scenario:
    rng = np.random.default_rng(2)
    values = {name: rng.integers(-100, 5000, (2, draws)) for name in ("R1", "R2", "R3")}
    return scenario.Scenario.build(
        values, periods=PERIODS, teams={"R1": "A", "R2": "A", "R3": "B"}, currency="EUR", seed=4
    )


def test_it_adds_up_in_every_draw():
    one = made()
    reps = sum(one.values(name) for name in ("R1", "R2", "R3"))
    assert np.array_equal(reps, one.values("company"))
    assert np.array_equal(one.values("A") + one.values("B"), one.values("company"))
    weeks = sum(one.values("company", period) for period in PERIODS)
    assert np.array_equal(weeks, one.values("company"))


def test_amounts_are_major_units_and_quantiles_are_numpys():
    one = made()
    low, high = one.interval("A", 80)
    expected = np.percentile(one.values("A"), [10, 90]) / 100
    assert [low, high] == pytest.approx(expected, abs=0.006)
    assert one.mean("A") == pytest.approx(one.values("A").mean() / 100)
    share = (one.values("company") >= 5000).mean()
    assert one.probability_at_least("company", 50.0) == pytest.approx(share)


def test_frame_and_words():
    one = made()
    frame = one.to_frame([80, 95], "pandas")
    assert list(frame["holder_type"].unique()) == ["rep", "team", "company"]
    assert {"value_lo_80", "value_hi_95"} <= set(frame.columns)
    assert "500 draws" in repr(one)
    assert "<table" in one._repr_html_()
    assert one.seed == 4


def test_what_it_refuses():
    one = made(3)
    with pytest.raises(so.UsageError, match="no holder"):
        one.mean("R9")
    with pytest.raises(so.UsageError, match="leaf periods"):
        one.mean("company", ("2026-01-05", "2026-01-10"))
    with pytest.raises(so.UsageError, match="percent"):
        one.interval("company", 0.8)
    with pytest.raises(so.UsageError, match="whole minor units"):
        scenario.Scenario.build({"R1": [[0.5]]}, periods=PERIODS[:1])
    with pytest.raises(so.UsageError, match="overlaps"):
        scenario.Scenario.build({"R1": [[1], [1]]}, periods=[PERIODS[0], PERIODS[0]])
