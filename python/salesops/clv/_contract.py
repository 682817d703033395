"""Models of contracts: who renews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from salesops import _frame
from salesops._arguments import checked
from salesops._core import clv as _core
from salesops._core.error import UsageError
from salesops.clv._covariates import Design
from salesops.clv._data import Complaints, Source, equal_lengths, is_column, numbers
from salesops.clv._explained import Explained, kinds_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass
class _Cohorts:
    """What a fit saw: customers left after each renewal, by cohort."""

    survivors: list[list[float]]
    first_renewal: int
    terms: dict[str, list[float]]
    """What is known of each cohort."""

    def again(self, random: np.random.Generator) -> _Cohorts:
        """As many customers of each cohort, drawn with replacement: who left when, and who stayed."""
        import numpy as np

        drawn = []
        for cohort in self.survivors:
            left = np.array(cohort)
            if np.isnan(left).any():
                raise UsageError("method='bootstrap' needs a count after every renewal; use 'profile'")
            fates = np.append(left[:-1] - left[1:], left[-1])
            again = random.multinomial(round(left[0]), fates / left[0])
            drawn.append((left[0] - np.concatenate([[0], np.cumsum(again[:-1])])).tolist())
        return _Cohorts(drawn, self.first_renewal, self.terms)


class ContractModel(Explained):
    """Answers of one name for both models. Times are numbers of renewals due since the contract began."""

    _fit_name = ""

    @checked
    def fit(
        self,
        survivors: Any = None,
        y: Any = None,
        *more: Any,
        covariates: Sequence[str] = (),
        beta_covariates: Sequence[str] = (),
        equal: Sequence[str] = (),
        first_renewal: int = 0,
        unit: str | None = None,
        warm_start: bool = False,
    ) -> Self:
        """Find the most likely parameters.

        Parameters
        ----------
        survivors
            Customers left after 0, 1, 2, … renewals; a list of such lists for several cohorts (each may end
            early), or a matrix with a row a cohort that ends in NaN; or a frame with one row a customer:
            ``recency`` periods kept of ``T`` seen, and ``cohort`` if there are several (as in
            pymc-marketing; recency = T: still a customer). All count by age: rows that begin with NaN, as
            those of a triangle by calendar months do, are refused.
        covariates, beta_covariates
            Columns of such a frame that move alpha, and beta: numbers, or text whose categories are compared
            with the first in alphabetical order. A unit of z multiplies alpha by e^γ, and with it the odds
            alpha/beta of the mean customer to leave at the first renewal.
        equal
            Columns in both lists whose two coefficients are one: those odds stay, their spread moves.
        first_renewal
            Renewals already made where the lists begin.
        unit
            Length of a period, kept for reference.
        warm_start
            Begin at the estimates of the last fit.
        """
        if y is not None or more:
            raise UsageError("survivors of several cohorts go into one list: fit([first, second])")
        if covariates or beta_covariates or equal:
            source = Source(_frame_of_customers(survivors), {}, None, ())
            design = Design.learn(source, covariates, beta_covariates, equal)
            kinds, code = kinds_of(design.read(source))
            cohorts = _cohorts_of_customers(survivors, code)
            terms = {label: [kinds[kind][label] for kind, _ in cohorts] for label in kinds[0]}
            self.covariates_ = design.state()
            seen = _Cohorts([cohort for _, cohort in cohorts], first_renewal, terms)
        else:
            self.covariates_ = None
            seen = _Cohorts(_cohorts(survivors), first_renewal, {})
        self._fit_seen(seen, unit, warm_start)
        self.first_renewal_ = first_renewal
        return self

    def _solve(self, seen: _Cohorts, options: tuple[Any, ...]) -> tuple[Any, Any]:
        cohorts = [(cohort, seen.first_renewal) for cohort in seen.survivors]
        design = self._design()
        if design is None:
            summary, core = getattr(_core, self._fit_name)(cohorts, *options)
            return summary, core
        parts = [
            [(label, numbers(seen.terms[label], label)) for label in design.labels(columns)]
            for columns in (design.transaction, design.dropout)
        ]
        data = (cohorts, *parts, design.labels(design.equal))
        summary, core = getattr(_core, f"{self._fit_name}_covariates")(data, *options)
        return summary, core

    def _moved(self) -> dict[str, dict[str, int]]:
        return {"alpha": {"alpha": 1}, "beta": {"beta": 1}}

    @checked
    def log_likelihood(self, survivors: Any, *, first_renewal: int | None = None) -> float:
        """Log-likelihood of one cohort, or of several together.

        Parameters
        ----------
        survivors
            As for `fit`.
        first_renewal
            Renewals already made where the lists begin; as in the last fit by default, without one 0.
        """
        core = self._core()
        given = getattr(self, "first_renewal_", 0) if first_renewal is None else first_renewal
        cohorts = [numbers(cohort, "survivors") for cohort in _cohorts(survivors)]
        return float(sum(core.log_likelihood(cohort, float(given)) for cohort in cohorts))

    @checked
    def simulate(self, customers: int, renewals: int, *, seed: int = 0) -> npt.NDArray[np.float64]:
        """Draw how many of a cohort are left after 0, 1, … renewals."""
        left: npt.NDArray[np.float64] = self._core().simulate(customers, renewals, seed)
        return left

    def survival(self, t: Any) -> Any:
        """Share of new customers that makes t renewals."""
        return self._ask("survival", t=t)

    def survival_given(self, t: Any, n: Any) -> Any:
        """Share that makes t more renewals, of those who made n."""
        return self._ask("survival_given", t=t, n=n)

    def retention(self, t: Any) -> Any:
        """Share that makes the t-th renewal, of those who come up for it."""
        return self._ask("retention", t=t)

    def residual_lifetime(self, discount_rate: Any, n: Any, *, renewal: str = "due") -> Any:
        """Discounted expected renewals of a customer who made n.

        Parameters
        ----------
        discount_rate
            Effective rate a period.
        n
            Renewals made.
        renewal
            ``due``: the next is decided now and counts in full; ``made``: the last was made a moment ago and
            the next counts discounted once.
        """
        return self._ask("residual_lifetime", discount_rate=discount_rate, n=n, made=_made(renewal))

    def dect(self, t: Any, discount_rate: Any, n: Any, *, renewal: str = "due") -> Any:
        """Discounted expected renewals among the next t of a customer who made n.

        The arguments are those of `residual_lifetime`, which is this without end. Times the margin of a
        period either is money.

        Examples
        --------
        >>> import salesops as so
        >>> model = so.clv.SBG(alpha=0.668, beta=3.806)
        >>> worth = 30 * model.dect(12, 0.01, n=[0, 1, 5])  # 30 a month, 1 % a month, for a year
        >>> [round(value, 2) for value in worth.tolist()]
        [187.3, 203.55, 243.17]
        """
        return self._ask("dect", t=t, discount_rate=discount_rate, n=n, made=_made(renewal))


def _made(renewal: str) -> float:
    if renewal not in ("due", "made"):
        raise UsageError(f"renewal is 'due' or 'made', not {renewal!r}")
    return float(renewal == "made")


def _cohorts(survivors: Any) -> list[list[float]]:
    import numpy as np

    if survivors is None:
        raise UsageError("survivors: customers left after 0, 1, 2, … renewals")
    if isinstance(survivors, list | tuple) and survivors and np.ndim(survivors[0]) == 1:
        return _by_age([numbers(cohort, "survivors") for cohort in survivors])
    if isinstance(survivors, list | tuple) or is_column(survivors):
        return _by_age([numbers(survivors, "survivors")])
    if isinstance(survivors, np.ndarray):
        rows = np.asarray(survivors, dtype=np.float64)
        ends = [np.flatnonzero(~np.isnan(row))[-1:] + 1 for row in rows]  # only what NaN ends is not seen
        return _by_age([row[: int(end[0]) if len(end) else 0] for row, end in zip(rows, ends, strict=True)])
    return [cohort for _, cohort in _cohorts_of_customers(survivors)]


def _by_age(cohorts: list[npt.NDArray[np.float64]]) -> list[list[float]]:
    """Refuse what begins with nothing: shifted to the left it could still lack the customers at the start."""
    import numpy as np

    complaints = Complaints(len(cohorts))
    complaints.check(
        "begin with NaN", np.array([len(row) > 0 and np.isnan(row[0]) for row in cohorts], dtype=bool)
    )
    if complaints.parts:
        raise UsageError(
            f"survivors: {complaints.parts[0]}: count by age, from the start of each cohort's contracts; "
            "of a triangle by calendar that is [row[~np.isnan(row)] for row in triangle]"
        )
    return [row.tolist() for row in cohorts]


def _frame_of_customers(survivors: Any) -> Any:
    import numpy as np

    if survivors is None or isinstance(survivors, list | tuple | np.ndarray) or is_column(survivors):
        raise UsageError("covariates are columns of a frame with one row a customer; lists have none")
    return survivors


def _cohorts_of_customers(data: Any, kinds: Any = None) -> list[tuple[int, list[float]]]:
    """Count who is left at each age, among the customers of one kind seen that long."""
    import numpy as np

    table = _frame.to_core(data)
    recency, T = numbers(table.column("recency"), "recency"), numbers(table.column("T"), "T")
    rows = equal_lengths({"recency": recency, "T": T})
    complaints = Complaints(rows)
    with np.errstate(invalid="ignore"):
        for name, column in (("recency", recency), ("T", T)):
            complaints.check(
                f"have a {name} that is no whole number ≥ 1", ~(column >= 1) | (column != np.floor(column))
            )
        complaints.check("have recency > T", recency > T)
    complaints.raise_any()
    label = np.asarray(table.column("cohort").to_list()) if "cohort" in table.names else np.zeros(rows)
    kind = np.zeros(rows, dtype=np.int64) if kinds is None else np.asarray(kinds, dtype=np.int64)
    cohorts = []
    for code in np.unique(kind).tolist():
        for one in np.unique(label[kind == code]):
            alike = (label == one) & (kind == code)
            for seen in np.unique(T[alike]):
                kept = recency[alike & (seen == T)]
                cohorts.append((code, [float((kept > age).sum()) for age in range(int(seen))]))
    return cohorts


@dataclass(eq=False, repr=False)
class SBG(ContractModel):
    """Shifted beta-geometric: churn probabilities are Beta(alpha, beta) (Fader and Hardie 2007).

    Examples
    --------
    >>> model = SBG(alpha=0.668, beta=3.806)
    >>> [round(share, 3) for share in model.survival([1, 2, 3]).tolist()]
    [0.851, 0.747, 0.67]
    """

    parameters = ("alpha", "beta")
    _core_model = _core.SBG
    _fit_name = "fit_sbg"

    alpha: float | None = None
    beta: float | None = None


@dataclass(eq=False, repr=False)
class BdW(ContractModel):
    """Beta-discrete-Weibull: as SBG, with each customer's churn falling (c < 1) or rising (c > 1) with age.

    Fader, Hardie, Liu, Davin and Steenburgh (2018).
    """

    parameters = ("alpha", "beta", "c")
    _core_model = _core.BdW
    _fit_name = "fit_bdw"

    alpha: float | None = None
    beta: float | None = None
    c: float | None = None
