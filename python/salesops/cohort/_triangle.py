"""Contracts of several cohorts: the curve behind a ragged triangle, and where it leads."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._arguments import checked, listed
from salesops._columns import is_from, is_missing, to_list
from salesops._core import cohort as _core
from salesops._core.error import UsageError
from salesops._progress import Wanted, shown
from salesops.plot.base import counted, percent

if TYPE_CHECKING:
    from salesops.plot import Picture


class Triangle:
    """Customers left after 0, 1, 2, … renewals, one list a cohort; cohorts end at different ages.

    None and NaN at the end of a list are ages not reached yet; before a number they are a `UsageError`. A
    frame of any kind has a row for each cohort and a column for each age, in order; pandas' index is neither.

    Examples
    --------
    >>> triangle = Triangle([[100, 80, 60, 50], [200, 150, 120], [400, 300], [500]])
    >>> [round(share, 4) for share in triangle.survival()["survival"].tolist()]
    [0.7571, 0.5925, 0.4938]
    """

    def __init__(self, cohorts: Any) -> None:
        rows = [listed(row, "cohorts") for row in listed(_by_row(cohorts), "cohorts")]
        self.cohorts = [_counts(row, place) for place, row in enumerate(rows)]

    @checked
    def survival(self, level: float = 95) -> Any:
        """Share left at each age: the product of one-step ratios over the cohorts that have both cells.

        The Kaplan–Meier curve of the triangle, with Greenwood's standard error and log-log intervals. Where
        nobody has left yet, or nobody is left, these have no width: then it is Clopper and Pearson's bound of
        the customers whose cohort has reached the age. For customers who don't come back; a list that rises
        is a `UsageError`.

        Returns
        -------
        frame
            k, at_risk, lost, survival, std_error, low, high
        """
        names = ("k", "at_risk", "lost", "survival", "std_error", "low", "high")
        found = _core.pooled_survival(self.cohorts, level)
        return _dict_of(dict(zip(names, found, strict=True)))

    def pooled(self) -> Any:
        """Share active at each age of all customers whose cohort has reached it: for those who may come back.

        Returns
        -------
        frame
            k, cohorts, n, active, rate
        """
        ages = max((len(row) for row in self.cohorts), default=0)
        reached = [[row for row in self.cohorts if len(row) > k] for k in range(ages)]
        n = [sum(row[0] for row in rows) for rows in reached]
        active = [sum(row[k] for row in rows) for k, rows in enumerate(reached)]
        rate = [a / size if size else float("nan") for a, size in zip(active, n, strict=True)]
        return _dict_of(
            {
                "k": list(range(ages)),
                "cohorts": [len(r) for r in reached],
                "n": n,
                "active": active,
                "rate": rate,
            }
        )

    @checked
    def project(
        self,
        periods: int = 12,
        *,
        model: str = "best",
        level: float = 80,
        fans: int = 1000,
        fan: str = "posterior",
        seed: int = 0,
        profile_level: float = 95,
        threads: int = 0,
        progress: Wanted = None,
    ) -> Projection:
        """Fit sBG and BdW to the triangle and say how many customers will be left, with a fan.

        Parameters
        ----------
        periods
            Ages beyond each cohort's last: the coming periods of the calendar.
        model
            ``best`` (of both, by AIC), ``sBG`` or ``BdW``, in any case.
        level
            Percent of the draws that the fan holds.
        fans
            Draws of the parameters and of who leaves, at least 100.
        fan
            Where the parameters of a draw come from: ``posterior``, how plausible the triangle makes them
            (see below), or ``bootstrap``, the parametric one: the chosen model fitted again to triangles
            drawn from it. As wide where the triangle says much, too narrow for few customers, and a
            `UsageError` where nobody has left.
        profile_level
            Percent of the parameters' profile-likelihood intervals; 0 = none.

        Notes
        -----
        The posterior fan draws the parameters by how plausible the triangle makes them, of two models each as
        often as Akaike's weights have it, after weak beliefs: the mean chance to leave, α/(α+β), is uniform,
        ln(α+β) normal(2, 2), ln c of BdW normal(0, ½). Where the triangle says much they don't matter; where
        nobody has left yet, or few customers were seen, they are what gives the fan an honest width. A fan
        holds its estimate.
        """
        with shown(progress, "projection") as tell:
            made = _core.project(
                self.cohorts, periods, level, fans, seed, fan, model.lower(), profile_level, threads, tell
            )
        return Projection(made, [len(row) for row in self.cohorts])

    def __repr__(self) -> str:
        ages = max((len(row) for row in self.cohorts), default=0)
        return f"<Triangle: {counted(len(self.cohorts), 'cohort')}, {counted(ages, 'age')}>"


def _by_row(cohorts: Any) -> Any:
    """Rows of a frame; what is none as it is."""
    if not hasattr(type(cohorts), "columns"):
        return cohorts
    if is_from(cohorts, "pandas"):
        cohorts = cohorts.reset_index(drop=True)
    table = _frame.to_core(cohorts)
    return zip(*(to_list(table.column(name)) for name in table.names), strict=True)


def _counts(row: list[Any], cohort: int) -> list[float]:
    """A cohort's numbers up to the last age it has reached."""
    try:
        numbers = [math.nan if is_missing(value) else float(value) for value in row]
    except (TypeError, ValueError) as error:
        raise UsageError(
            "cohorts: numbers alone, customers left after 0, 1, 2, … renewals; leave names of cohorts out"
        ) from error
    while numbers and math.isnan(numbers[-1]):
        numbers.pop()
    for age, value in enumerate(numbers):
        # Closing the gap would move all later numbers to younger ages.
        if math.isnan(value):
            raise UsageError(
                f"cohorts: cohort {cohort} (counted from 0) has no number at age {age}, but one later: "
                "fill the gap, or end its list before it"
            )
    return numbers


@dataclass(frozen=True)
class Fitted:
    """One model fitted to a triangle.

    Attributes
    ----------
    model
        ``sBG`` or ``BdW``.
    parameters, standard_errors, profile
        By name; profile are the ends of the profile-likelihood intervals.
    log_likelihood, aic
        Of the estimates; the lower AIC projects.
    converged, notes
        Whether the maximum was found, and what the data can't tell.
    """

    model: str
    parameters: dict[str, float]
    standard_errors: dict[str, float]
    profile: dict[str, tuple[float, float]]
    log_likelihood: float
    aic: float
    converged: bool
    notes: list[str]


class Projection:
    """Where a triangle leads; made by `Triangle.project`. There is none without its fan."""

    def __init__(self, core: _core.Projection, known: list[int]) -> None:
        self._core = core
        self._known = known

    @property
    def model(self) -> str:
        """The model that projects."""
        return self._core.model

    @property
    def level(self) -> float:
        """Percent of the draws that the fan holds."""
        return self._core.level

    @property
    def fits(self) -> dict[str, Fitted]:
        """The fitted models by name."""
        made = {}
        for name, names, values, errors, profile, likelihood, aic, converged, notes in self._core.fits:
            made[name] = Fitted(
                name,
                dict(zip(names, values, strict=True)),
                dict(zip(names, errors, strict=True)),
                dict(zip(names, profile, strict=False)),
                likelihood,
                aic,
                converged,
                notes,
            )
        return made

    def curve(self) -> Any:
        """Share of new customers left at each age: k, survival and the ends of the fan of the parameters."""
        core = self._core
        return _dict_of(
            {"k": list(range(len(core.survival))), "survival": core.survival}
            | self._fan("survival", core.low, core.high)
        )

    def to_frame(self) -> Any:
        """Customers left of each cohort: cohort (from 0), k, left, the ends of the fan, projected."""
        core = self._core
        places = [(c, k) for c, row in enumerate(core.left) for k in range(len(row))]
        left, low, high = (
            [rows[c][k] for c, k in places] for rows in (core.left, core.left_low, core.left_high)
        )
        return _dict_of(
            {"cohort": [c for c, _ in places], "k": [k for _, k in places], "left": left}
            | self._fan("left", low, high)
            | {"projected": [k >= self._known[c] for c, k in places]}
        )

    def total(self) -> Any:
        """Customers left of all cohorts together: periods ahead (0 = now), left and the ends of the fan.

        The ends are of the total in each draw. Single cohorts' ends don't add up to them: not all cohorts are
        at their lower ends at once. Each list of the triangle is taken to end now.
        """
        core = self._core
        return _dict_of(
            {"ahead": list(range(len(core.total))), "left": core.total}
            | self._fan("left", core.total_low, core.total_high)
        )

    def _fan(self, name: str, low: Any, high: Any) -> dict[str, Any]:
        return {f"{name}_lo_{self.level:g}": low, f"{name}_hi_{self.level:g}": high}

    def plot(self) -> Picture:
        """Draw the curve with its fan, and under it the customers seen to each age: a `Picture`."""
        from salesops.cohort import _curves

        return _curves.projection(self)

    def __repr__(self) -> str:
        aic = ", ".join(f"{name} {fit.aic:,.1f}" for name, fit in self.fits.items())
        last = len(self._core.survival) - 1
        return (
            f"<Projection by {self.model} (AIC: {aic}): "
            f"{percent(self._core.survival[last])} still there at age {last}; "
            f"{self.level:g} % of {self._core.fans:,} fans hold {percent(self._core.low[last])} to "
            f"{percent(self._core.high[last])}>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>"


def _dict_of(columns: dict[str, Any]) -> Any:
    """A frame of whatever kind there is."""
    return _frame.of_kind(_frame.from_columns(columns))
