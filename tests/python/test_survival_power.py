"""How many rows a comparison takes, against lifelines' numbers and against trials that are drawn."""

import math

import numpy as np
import pytest
import salesops as so
from salesops import survival


def test_numbers_of_lifelines():
    # lifelines 0.30: sample_size_necessary_under_cph and power_under_cph of the same arguments.
    assert survival.sample_size(0.8, 1, 0.8, 0.2, 0.139) == (14, 14)
    assert survival.sample_size(0.9, 2, 0.3, 0.4, 0.7) == (673, 337)
    assert survival.sample_size(0.8, 0.5, 0.15, 0.2, 1.5) == (350, 700)
    assert survival.power(12, 12, 0.8, 0.2, 0.139) == pytest.approx(0.7449369524555466, rel=1e-12)
    assert survival.power(100, 250, 0.3, 0.4, 0.7) == pytest.approx(0.39363327887718486, rel=1e-12)
    assert survival.power(100, 250, 0.15, 0.2, 1.5) == pytest.approx(0.3569884015656737, rel=1e-12)


def test_the_size_is_the_first_that_has_the_power():
    for level in (80, 95, 99):
        treated, control = survival.sample_size(0.8, 1, 0.15, 0.2, 0.7, level)
        assert survival.power(treated, control, 0.15, 0.2, 0.7, level) >= 0.8
        assert survival.power(treated - 1, control - 1, 0.15, 0.2, 0.7, level) < 0.8


def test_trials_of_that_size_show_the_difference_as_often():
    theta = math.log(1 - 0.3) / math.log(1 - 0.4)
    treated, control = survival.sample_size(0.8, 1, 0.3, 0.4, theta)
    rng, shown = np.random.default_rng(11), 0
    group = np.repeat([0, 1], [treated, control])
    rate = -math.log(1 - 0.4) * np.where(group == 0, theta, 1)
    for _ in range(300):
        ends = rng.exponential(1 / rate)
        shown += survival.logrank(np.minimum(ends, 1), ends <= 1, group).p_value < 0.05
    assert 0.75 <= shown / 300 <= 0.85


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1.0, 1, 0.3, 0.4, 0.7), "power must lie between 0 and 1"),
        ((80, 1, 0.3, 0.4, 0.7), "power must lie between 0 and 1, such as 0.8"),
        ((0.8, 0, 0.3, 0.4, 0.7), "ratio must be a finite number above 0"),
        (
            (0.8, 1, 30, 0.4, 0.7),
            "treated_share: give the share of the group that will have had the event, from 0",
        ),
        ((0.8, 1, 0.3, -0.1, 0.7), "control_share: give the share"),
        ((0.8, 1, 0, 0, 0.7), "treated_share and control_share: without events"),
        ((0.8, 1, 0.3, 0.4, 1), "hazard_ratio must be a finite number above 0 and not 1"),
        ((0.8, 1, 0.3, 0.4, -2), "hazard_ratio must be"),
        ((0.8, 1, 0.3, 0.4, 1 + 1e-9), r"hazard_ratio: more than 10\^15 rows"),
        ((0.8, 1, 0.3, 0.4, "0.7"), "hazard_ratio"),
    ],
)
def test_trials_that_cannot_be(arguments, words):
    with pytest.raises(so.UsageError, match=words):
        survival.sample_size(*arguments)


def test_both_groups_need_rows():
    with pytest.raises(so.UsageError, match="n_treated and n_control: both groups need rows"):
        survival.power(0, 12, 0.8, 0.2, 0.139)
