"""Whether what was said of the chances came true, where some are no longer watched."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from salesops import _frame
from salesops._arguments import checked
from salesops._core import survival as _core
from salesops._core.error import UsageError
from salesops._progress import ConvergenceWarning
from salesops.plot.base import counted, percent
from salesops.survival._cox import CoxPH
from salesops.survival._curves import KaplanMeier
from salesops.survival._data import flags, numbers
from salesops.survival._regression import z_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.plot import Picture

    Numbers = npt.NDArray[np.float64]


class Measured(NamedTuple):
    """An estimate with its interval."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        if math.isnan(self.estimate):
            return "–"
        return f"{self.estimate:.3g} ({self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True)
class Calibration:
    """Outcome of `calibration`: predicted chances beside what happened within `horizon`.

    Attributes
    ----------
    expected
        Mean of the predicted chances.
    observed
        Share that ended within the horizon, by Kaplan & Meier: estimate, low, high.
    ratio
        observed ÷ expected: 1 where the level is right.
    slope
        1 where chances are spread as they should be; below 1 they are too extreme, 0 says they tell nothing.
    ici
        Integrated calibration index: mean distance of a prediction from the smooth curve of what happened.
    auc
        How often, of two, the one that ended within the horizon had the higher chance. 0.5 is chance.
    brier, brier_null
        Mean squared error of the chances, and that of giving everybody the observed share.
    """

    horizon: float
    level: float
    n: int
    n_events: int
    n_censored: int
    expected: float
    observed: Measured
    slope: Measured
    ici: float
    auc: Measured
    brier: Measured
    brier_null: float
    groups: dict[str, list[Any]]
    curve: dict[str, list[float]]

    @property
    def ratio(self) -> Measured:
        """Observed ÷ expected."""
        return Measured(*(one / self.expected for one in self.observed))

    @property
    def brier_skill(self) -> float:
        """1 − brier ÷ brier_null: share of the error that the chances take away (index of accuracy)."""
        return 1 - self.brier.estimate / self.brier_null

    def to_frame(self) -> Any:
        """A row for each group, the safest first: n, events, censored, expected, observed and interval."""
        names = {"observed_lo": f"observed_lo_{self.level:g}", "observed_hi": f"observed_hi_{self.level:g}"}
        table = {names.get(name, name): values for name, values in self.groups.items()}
        return _frame.of_kind(_frame.from_columns(table))

    def plot(self) -> Picture:
        """Draw what happened against what was said, with the smooth curve between: a `Picture`."""
        from salesops.survival._pictures import calibrated

        return calibrated(self)

    def __repr__(self) -> str:
        return (
            f"<Calibration within {self.horizon:g}: {counted(self.n, 'row')}, "
            f"{counted(self.n_events, 'event')}, {self.n_censored:,} no longer watched; "
            f"expected {percent(self.expected)}, observed "
            f"{percent(self.observed.estimate)} ({percent(self.observed.low)} to "
            f"{percent(self.observed.high)}), "
            f"slope {self.slope}, ICI {self.ici:.2g}, AUC {self.auc}, "
            f"Brier {self.brier.estimate:.3g} beside {self.brier_null:.3g}>"
        )


@checked
def calibration(
    predicted: Any, durations: Any, events: Any = None, *, horizon: float, groups: int = 10, level: float = 95
) -> Calibration:
    """Hold predicted chances of an end within `horizon` against what happened.

    Rows that are not watched to the horizon count as what they are. Observed shares are 1 − Kaplan–Meier at
    the horizon with log-log intervals; where none of n ended, up to 1 − (α/2)^(1/n). The slope is the
    coefficient of ln(−ln(1 − predicted)) in Cox's model of the rows up to the horizon, and the curve that of
    a restricted cubic spline of it with knots at its 10, 50 and 90 % (Austin, Harrell & van Klaveren 2020,
    who also define the ICI); for both, chances stay 1 ÷ 2n away from 0 and 1.

    Brier score and AUC weigh a row that ended in time by 1 ÷ G(its end −) and one that lasted by
    1 ÷ G(horizon −), G being the Kaplan–Meier curve of the censorings (Graf et al. 1999; Uno et al. 2007;
    Blanche et al. 2013). Their intervals take these weights as known, which makes them a little wide.

    Parameters
    ----------
    predicted
        Chance of each row to end within the horizon, 0 to 1, known before anything of it happened.
    durations, events
        As in `KaplanMeier.fit`, counted from the moment of the prediction.
    horizon
        Length of time that the chances are for, in the unit of `durations`.
    groups
        How many of about equal size, by predicted chance; equal chances stay in one.
    level
        Coverage of the intervals in percent.

    Raises
    ------
    UsageError
        Where nothing can be judged: no row is watched to the horizon, none ends before it, or all chances
        are alike.

    Examples
    --------
    >>> said = [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9]
    >>> found = calibration(said, [9, 9, 9, 5, 9, 3, 9, 2], [0, 0, 0, 1, 0, 1, 0, 1], horizon=6, groups=2)
    >>> found.auc.estimate, found.expected
    (0.8, 0.5)
    """
    import numpy as np

    if not 0 < level < 100:
        raise UsageError("level: a percentage between 0 and 100")
    if groups < 1:
        raise UsageError("groups: at least one")
    if not 0 < horizon < math.inf:
        raise UsageError("horizon: a length of time above 0")
    chance, time = numbers(predicted, "predicted"), numbers(durations, "durations")
    ended = np.ones(len(time), np.uint8) if events is None else flags(events)
    if not len(chance) == len(time) == len(ended):
        raise UsageError("predicted, durations and events must be equally long")
    wrong = ~((chance >= 0) & (chance <= 1))
    if wrong.any():
        raise UsageError(
            f"predicted: {int(wrong.sum())} of {len(chance)} are no chances from 0 to 1 "
            f"(first: row {int(np.flatnonzero(wrong)[0])})"
        )
    whole = KaplanMeier(level=level).fit(time, ended)  # also checks the durations
    case = (ended == 1) & (time <= horizon)
    lasted = ~case & (time >= horizon)
    if not case.any() or not lasted.any():
        what = "ended within" if not case.any() else "is watched to"
        raise UsageError(
            f"horizon: no row {what} {horizon:g}; take one that some end before and some outlast"
        )
    if np.ptp(chance) == 0:
        raise UsageError("predicted: all chances are alike, so nothing tells the rows apart")

    z = z_of(level)
    weight = _weights(time, ended, case, lasted, horizon)
    observed = _observed(whole, horizon, int(lasted.sum()))
    loss = weight * (case - chance) ** 2
    error = float(loss.std(ddof=1)) / math.sqrt(len(loss)) * z
    brier = float(loss.mean())
    slope, curve, ici = _smooth(chance, np.minimum(time, horizon), case, horizon, level)
    return Calibration(
        horizon=horizon,
        level=level,
        n=len(chance),
        n_events=int(case.sum()),
        n_censored=int((~case & ~lasted).sum()),
        expected=float(chance.mean()),
        observed=observed,
        slope=slope,
        ici=ici,
        auc=_auc(chance, case, lasted, weight, z),
        brier=Measured(brier, max(0.0, brier - error), brier + error),
        brier_null=float((weight * (case - observed.estimate) ** 2).mean()),
        groups=_grouped(chance, time, ended, case, lasted, horizon, groups, level),
        curve=curve,
    )


def _observed(fit: KaplanMeier, horizon: float, lasted: int) -> Measured:
    """Share that ended by the horizon, with its interval."""
    import numpy as np

    curve = fit.result_
    place = int(np.searchsorted(curve.time, horizon, side="right")) - 1
    share = 1 - float(curve.survival[place]) if place >= 0 else 0.0
    if share == 0:  # Greenwood's error is 0 as well; the chance under which none of so many ends isn't.
        return Measured(0.0, 0.0, 1 - (0.5 - fit.level / 200) ** (1 / lasted))
    return Measured(share, 1 - float(curve.high[place]), 1 - float(curve.low[place]))


def _weights(time: Numbers, ended: Any, case: Any, lasted: Any, horizon: float) -> Numbers:
    """1 ÷ the chance to be still watched just before the end, or the horizon; 0 for the others.

    Events come before censorings at one time, so that just before a time means all censorings before it.
    """
    import numpy as np

    # Censorings at a time find only those that did not end at it: shifted behind the events.
    order = np.unique(time)
    lost = np.bincount(np.searchsorted(order, time), weights=ended == 0, minlength=len(order))
    gone = np.bincount(np.searchsorted(order, time), weights=ended == 1, minlength=len(order))
    left = len(time) - np.concatenate([[0], np.cumsum(lost + gone)[:-1]]) - gone
    watched = np.concatenate(
        [[1.0], np.cumprod(1 - np.divide(lost, left, out=np.zeros(len(order)), where=left > 0))]
    )
    before = watched[np.searchsorted(order, np.minimum(time, horizon), side="left")]
    weight = np.zeros(len(time))
    known = case | lasted
    weight[known] = 1 / before[known]
    return weight


def _auc(chance: Numbers, case: Any, lasted: Any, weight: Numbers, z: float) -> Measured:
    """Weighted share of pairs in order, ties half; its error from what each row brings to it."""
    import numpy as np

    cases, controls = chance[case], np.sort(chance[lasted])
    heavy = weight[case] / weight[case].sum()
    above = (np.searchsorted(controls, cases, "left") + np.searchsorted(controls, cases, "right")) / 2
    above = above / len(controls)
    order = np.argsort(cases)
    cumulated = np.concatenate([[0.0], np.cumsum(heavy[order])])
    sides = [cumulated[np.searchsorted(cases[order], controls, side)] for side in ("left", "right")]
    below = 1 - (sides[0] + sides[1]) / 2
    auc = float(heavy @ above)
    error = math.sqrt(
        float((heavy**2) @ (above - auc) ** 2) + float(((below - auc) ** 2).sum()) / len(controls) ** 2
    )
    return Measured(auc, max(0.0, auc - z * error), min(1.0, auc + z * error))


def _fitted(time: Numbers, case: Any, columns: dict[str, Any], level: float) -> CoxPH:
    """Fit what happened to what was said; chances that split all ends from the rest are told by the slope."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return CoxPH(level=level).fit(time, case, columns)


def _smooth(
    chance: Numbers, time: Numbers, case: Any, horizon: float, level: float
) -> tuple[Measured, dict[str, list[float]], float]:
    """Slope, smooth curve of what happened by what was said, and the mean distance of the two."""
    import numpy as np

    edge = 0.5 / len(chance)
    said = np.clip(chance, edge, 1 - edge)  # ln(−ln(1 − p)) is infinite at 0 and 1
    x = np.log(-np.log1p(-said))
    line = _fitted(time, case, {"predicted": x}, level)
    half = z_of(level) * float(line.result_.std_errors[0])
    at = line.coefficients_["predicted"] if line.result_.converged else math.nan
    knots = np.quantile(x, [0.1, 0.5, 0.9])
    bent = len(np.unique(knots)) == 3 and len(np.unique(x)) > 4

    def columns(values: Numbers) -> dict[str, Any]:
        if not bent:
            return {"predicted": values}
        first, middle, last = (np.maximum(values - knot, 0) ** 3 for knot in knots)
        share = (knots[2] - knots[0]) / (knots[2] - knots[1])
        curved = first - middle * share + last * (share - 1)
        return {"predicted": values, "curved": curved / (knots[2] - knots[0]) ** 2}

    fit = _fitted(time, case, columns(x), level) if bent else line

    def happened(values: Numbers) -> Numbers:
        design = np.column_stack(list(columns(values).values()))
        found = _core.predict_survival(
            fit.result_, design, np.array([horizon]), np.empty(0, np.uint32), np.empty(0)
        )
        return 1 - np.asarray(found.survival)

    low, high = np.quantile(said, [0.01, 0.99]).tolist()
    grid = np.linspace(low, high, 50)
    curve = {"expected": grid.tolist(), "observed": happened(np.log(-np.log1p(-grid))).tolist()}
    return Measured(at, at - half, at + half), curve, float(np.abs(happened(x) - said).mean())


def _grouped(
    chance: Numbers,
    time: Numbers,
    ended: Any,
    case: Any,
    lasted: Any,
    horizon: float,
    groups: int,
    level: float,
) -> dict[str, list[Any]]:
    """Expected and observed by groups of about equal size; null where none is watched to the horizon."""
    import numpy as np

    cuts = np.unique(np.quantile(chance, np.arange(1, groups) / groups))
    place = np.searchsorted(cuts, chance, side="right")
    table: dict[str, list[Any]] = {
        name: []
        for name in ("group", "n", "events", "censored", "expected", "observed", "observed_lo", "observed_hi")
    }
    for number, code in enumerate(np.unique(place), 1):
        own = place == code
        known = bool(lasted[own].any()) or bool(case[own].all())
        found = None
        if known:
            found = _observed(
                KaplanMeier(level=level).fit(time[own], ended[own]), horizon, int(lasted[own].sum())
            )
        cells = [None] * 3 if found is None else [one if math.isfinite(one) else None for one in found]
        counts = [int(own.sum()), int(case[own].sum()), int((own & ~case & ~lasted).sum())]
        row = [number, *counts, float(chance[own].mean()), *cells]
        for name, value in zip(table, row, strict=True):
            table[name].append(value)
    return table
