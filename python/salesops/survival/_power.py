"""How many rows a comparison of two groups takes, before it begins."""

from __future__ import annotations

from typing import NamedTuple

from salesops._arguments import checked
from salesops._core import survival as _core


class GroupSizes(NamedTuple):
    """Outcome of `sample_size`: rows of the treated group and of the control group."""

    treated: int
    control: int


@checked
def sample_size(
    power: float,
    ratio: float,
    treated_share: float,
    control_share: float,
    hazard_ratio: float,
    level: float = 95,
) -> GroupSizes:
    """How many rows of each group a comparison takes that shall show a difference.

    By the log-rank test with hazards that keep the ratio θ, r treated rows for each of control (Freedman
    1982; the numbers of lifelines' ``sample_size_necessary_under_cph`` and R's ``powerSurvEpi``): events =
    (z(1 − α/2) + z(power))²·((r·θ + 1)/(θ − 1))²/r, and rows that have so many by the shares, rounded up.

    Parameters
    ----------
    power
        The chance to show the difference if it is there, such as 0.8.
    ratio
        Treated rows for each row of control; 1 = as many.
    treated_share, control_share
        What share of each group will have had the event by the end (0 to 1), such as one minus the
        Kaplan–Meier curve at the end of the trial. Where control has p, treated has 1 − (1 − p)^θ.
    hazard_ratio
        θ: the difference to be shown, treated against control; 0.8 is a fifth less risk.
    level
        In percent; the test is two-sided, so 95 is α = 0.05.

    Returns
    -------
    GroupSizes
        A pair: treated, control.

    Raises
    ------
    UsageError
        For numbers that can't be, named.

    Examples
    --------
    Of customers 20 % leave within the year; with the new onboarding they shall be 15 %:

    >>> import math
    >>> theta = math.log(1 - 0.15) / math.log(1 - 0.20)
    >>> sample_size(0.8, 1, 0.15, 0.20, theta)
    GroupSizes(treated=908, control=908)
    """
    trial = _core.Trial(treated_share, control_share, hazard_ratio, level)
    return GroupSizes(*_core.sample_size(trial, power, ratio))


@checked
def power(
    n_treated: float,
    n_control: float,
    treated_share: float,
    control_share: float,
    hazard_ratio: float,
    level: float = 95,
) -> float:
    """How likely a comparison with so many rows a group shows a difference (lifelines' ``power_under_cph``).

    Parameters
    ----------
    n_treated, n_control
        Rows of each group.
    treated_share, control_share, hazard_ratio, level
        As in `sample_size`.

    Examples
    --------
    >>> round(power(12, 12, 0.8, 0.2, 0.139), 6)
    0.744937
    """
    trial = _core.Trial(treated_share, control_share, hazard_ratio, level)
    return float(_core.power(trial, n_treated, n_control))
