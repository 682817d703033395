"""How much customers spend a purchase."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from salesops._arguments import checked
from salesops._core import clv as _core
from salesops._core.error import UsageError
from salesops._progress import warn
from salesops.clv._covariates import Design
from salesops.clv._data import (
    Complaints,
    Source,
    by_name,
    equal_lengths,
    listed_rows,
    numbers,
    same_currency,
)
from salesops.clv._estimator import Seen
from salesops.clv._explained import Explained
from salesops.plot.base import counted

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(eq=False, repr=False)
class GammaGamma(Explained):
    """Mean spend a purchase, shrunk towards all customers the less is known (Fader and Hardie 2013).

    Amounts of a customer are Gamma(p, rate ν), ν is Gamma(q, rate v); v is an amount. Assumes that spend and
    frequency are independent: `frequency_correlation_` says how far they are.
    """

    parameters = ("p", "q", "v")
    _core_model = _core.GammaGamma

    p: float | None = None
    q: float | None = None
    v: float | None = None

    def _spend_columns(
        self, source: Source, rows: int | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.intp]]:
        """Number of purchases with an amount and their mean; 0 purchases where none is known.

        And the rows that bought again without one above 0.
        """
        import numpy as np

        if source.table is None:
            x_name = "spend_x" if len(source.array("spend_x")) else "x"
            x, mean, mean_name = source.array(x_name), source.array("mean_spend"), "mean_spend"
            if rows and len(mean) == 0:
                raise UsageError("spend= needs mean_spend=, each customer's mean amount")
        else:
            x_name = source.name("spend_frequency" if source.has("spend_frequency") else "frequency")
            mean_name = source.name("monetary_value")
            x, mean = (
                numbers(source.table.column(x_name), f"column '{x_name}'"),
                source.column("monetary_value"),
            )
        equal_lengths({x_name: x, mean_name: mean})
        complaints = Complaints(len(x))
        with np.errstate(invalid="ignore"):
            complaints.check(f"have a {x_name} that is no whole number ≥ 0", ~(x >= 0) | (x != np.floor(x)))
            complaints.check(f"have an infinite {mean_name}", np.isinf(mean))
        complaints.raise_any()
        known = (x > 0) & (mean > 0)
        return np.where(known, x, 0.0), np.where(known, mean, 0.0), np.flatnonzero((x > 0) & ~known)

    def _spend_of(self, source: Source, rows: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The same for a forecast, which takes who is untold for one like all, and warns of it."""
        same_currency(getattr(self, "currency_", ""), source.currency)
        x, mean, untold = self._spend_columns(source, rows)
        if len(untold):
            warn(
                f"{len(untold):,} of {len(x):,} rows bought again without a mean spend above 0 "
                f"({listed_rows(untold)}): they are taken to spend as all do"
            )
        return x, mean

    @checked
    def fit(
        self,
        data: Any = None,
        y: Any = None,
        *more: Any,
        covariates: Sequence[str] = (),
        x: Any = None,
        mean_spend: Any = None,
        weights: Any = None,
        columns: Mapping[str, str] | None = None,
        unit: str | None = None,
        warm_start: bool = False,
    ) -> Self:
        """Find the most likely parameters.

        Parameters
        ----------
        data
            An `Rfm` with amounts, or any frame with columns frequency and monetary_value.
        covariates
            Columns that move the amounts: a unit of z multiplies them by e^γ (v by e^γ). Numbers, or text
            whose categories are compared with the first in alphabetical order.
        x, mean_spend
            Arrays instead: purchases and their mean amount.
        weights
            Customers that each row stands for: an array, or the frame's column of that name.
        columns
            What the frame calls its columns.
        warm_start
            Begin at the estimates of the last fit.

        Notes
        -----
        Customers without a repeat purchase tell nothing and are left out; so are those whose mean is not
        above 0, and `notes_` counts and lists these. `currency_` is that of an `Rfm`, as far as known.
        """
        import numpy as np

        by_name(y, more, ("x", "mean_spend"))
        source = Source(
            data, {"x": x, "mean_spend": mean_spend, "weights": weights}, columns, ("x", "mean_spend")
        )
        raw_x = source.array("x") if source.table is None else source.column("frequency")
        count, mean, _ = self._spend_columns(source)
        weight = source.array("weights")
        design = Design.learn(source, covariates, (), ()) if covariates else None
        if design is not None and design.over_time:
            raise UsageError(f"{design.over_time[0]} changes over time, which GammaGamma can't follow")
        terms = design.read(source) if design else {}
        self.covariates_ = design.state() if design else None
        if len(weight):
            equal_lengths({"weights": weight, "the rows": count})
        # Who bought again without an amount isn't one who never bought again.
        told = (raw_x == 0) | (count > 0)
        kept = [column[told] for column in (count, mean, *terms.values())]
        weighted = weight[told] if len(weight) else weight
        out = np.flatnonzero(~told)
        if len(out) and not (count > 0).any():
            raise UsageError(
                f"no customer has a mean spend to learn from: {len(out):,} of {len(count):,} rows bought "
                f"again without one above 0 ({listed_rows(out)}), the others never bought again"
            )
        self._fit_seen(Seen(tuple(kept), weighted), unit or source.unit, warm_start)
        self.currency_ = source.currency
        if len(out):
            customers = float(weight[out].sum()) if len(weight) else len(out)
            who = f"{counted(round(customers), 'customer')} who bought again without an amount above 0"
            verb = "was" if customers == 1 else "were"
            self.notes_.append(f"{who} {verb} left out ({listed_rows(out)})")
        self._note_dependence(count, mean, weight if len(weight) else np.ones(len(count)))
        return self

    def _solve(self, seen: Seen, options: tuple[Any, ...]) -> tuple[Any, Any]:
        count, mean, *terms = seen.columns
        rows = (count, mean, seen.weights)
        design = self._design()
        if design is None:
            summary, core = _core.fit_gamma_gamma(rows, *options)
        else:
            moving = list(zip(design.labels(design.transaction), terms, strict=True))
            summary, core = _core.fit_gamma_gamma_covariates((rows, moving), *options)
        return summary, core

    def _moved(self) -> dict[str, dict[str, int]]:
        return {"spend": {"v": 1}}

    def _note_dependence(self, x: Any, mean: Any, weight: Any) -> None:
        """Correlate ln frequency with ln spend: the model assumes none."""
        import numpy as np

        known = x > 0
        n = float(weight[known].sum())
        self.frequency_correlation_ = math.nan
        if n < 10 or len(set(x[known].tolist())) < 2 or np.ptp(mean[known]) == 0:
            return
        both = np.cov(np.log(x[known]), np.log(mean[known]), aweights=weight[known])
        self.frequency_correlation_ = float(both[0, 1] / math.sqrt(both[0, 0] * both[1, 1]))
        # Fisher's z is about normal with variance 1/(n − 3).
        if abs(math.atanh(min(abs(self.frequency_correlation_), 1 - 1e-12))) * math.sqrt(n - 3) > 3.29:
            self.notes_.append(
                f"spend and frequency are not independent (correlation of their logarithms "
                f"{self.frequency_correlation_:.2f}), which the model assumes"
            )

    def log_likelihood(self, x: Any, mean_spend: Any) -> Any:
        """Log-density of each mean; 0 for x = 0."""
        return self._ask("log_likelihood", x=x, mean_spend=mean_spend)

    def expected_spend(self, x: Any, mean_spend: Any) -> Any:
        """Expected amount of a purchase of one whose `x` purchases had the mean `mean_spend`."""
        return self._ask("expected_spend", x=x, mean_spend=mean_spend)

    def _scales(self, source: Source | None, rows: int) -> npt.NDArray[np.float64]:
        """By how much the covariates of each customer multiply its amounts."""
        import numpy as np

        if self._design() is None:
            return np.ones(rows)
        if source is None:
            raise UsageError(f"spend depends on {', '.join(self._design_names())}: give rows with them")
        kinds, code = self._kinds(source)
        v = self._values()[2]
        return np.array([self._at(values)[0]._values()[2] / v for values in kinds])[code]

    def _design_names(self) -> list[str]:
        design = self._design()
        return [] if design is None else list(design.levels)

    def _of_customers(self, source: Source, rows: int, warned: bool = False) -> npt.NDArray[np.float64]:
        """Expected amount of a purchase of each customer, by its own covariates."""
        x, mean = self._spend_columns(source, rows)[:2] if warned else self._spend_of(source, rows)
        scale = self._scales(source, rows)
        core = self._core_model(self._values())
        made: npt.NDArray[np.float64] = scale * core.expected_spend([x, mean / scale], self.threads)
        return made

    def expected_spend_new(self) -> float:
        """Expected amount of a purchase over all customers; NaN when q ≤ 1, where there is none."""
        spend: float = self._core().expected_spend_new()
        return spend

    @checked
    def simulate(self, x: Any, *, seed: int = 0) -> npt.NDArray[np.float64]:
        """Draw the mean amount of each customer's `x` purchases; NaN for 0."""
        drawn: npt.NDArray[np.float64] = self._core().simulate(numbers(x, "x"), seed, self.threads)
        return drawn

    @checked
    def simulate_amounts(self, counts: Any, *, seed: int = 0) -> npt.NDArray[np.float64]:
        """Draw the single amounts of customers who buy `counts` times each, to the cent."""
        return self._amounts(counts, seed, 1.0)

    def _amounts(self, counts: Any, seed: int, scale: Any) -> npt.NDArray[np.float64]:
        import numpy as np

        p, q, v = self._values()
        each = numbers(counts, "counts").astype(np.int64)
        random = np.random.Generator(np.random.Philox(key=[seed, 0]))
        level = np.repeat(random.gamma(q, 1 / v, len(each)) / scale, each)
        amounts: npt.NDArray[np.float64] = np.round(random.gamma(p, 1, len(level)) / level, 2)
        return amounts
