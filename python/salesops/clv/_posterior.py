"""Parameters as draws from what data and beliefs leave plausible."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._arguments import checked
from salesops._core.error import UsageError
from salesops._names import NoAnswerError
from salesops._progress import Wanted, shown

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.calendar import FiscalCalendar
    from salesops.clv._estimator import Estimator
    from salesops.clv._purchases import PurchaseModel
    from salesops.clv._units import Interval, Length

#: How many draws stand for the posterior in a forecast; the core takes so many.
DRAWS = 256
_COLUMNS = ("mean", "sd", "standard_error", "r_hat", "ess_bulk", "ess_tail")


class Posterior:
    """Draws of a model's parameters, and what they say.

    Attributes
    ----------
    draws
        Array of chains by draws of each parameter and coefficient, by name.
    divergences, cut_short
        Trajectories that left their energy (a corner was not entered), and that reached the longest length.
    acceptance
        Mean share of accepted steps.
    notes
        What to know before using the draws, in words; empty when all is well but for what was believed.
    """

    def __init__(self, model: Estimator, summary: Any) -> None:
        values, diagnoses, self.divergences, self.cut_short, self.acceptance = summary.posterior
        self.draws: dict[str, npt.NDArray[np.float64]] = {
            name: values[:, :, i] for i, name in enumerate(summary.parameters)
        }
        self.notes: list[str] = list(summary.notes)
        self._diagnoses: list[tuple[float, ...]] = diagnoses
        self._model = model

    def diagnosis(self) -> dict[str, dict[str, float]]:
        """Mean, sd, standard error of the mean, R-hat, effective draws of bulk and tails, by parameter.

        As a rule of thumb R-hat should be at most 1.01 and effective draws at least 400 (Vehtari, Gelman,
        Simpson, Carpenter, Bürkner 2021).
        """
        return {
            name: dict(zip(_COLUMNS, row, strict=True))
            for name, row in zip(self.draws, self._diagnoses, strict=True)
        }

    @checked
    def intervals(self, level: float = 95) -> dict[str, tuple[float, float]]:
        """Middle `level` percent of each parameter's draws."""
        return {name: _middle(values.ravel(), level) for name, values in self.draws.items()}

    def models(self, count: int = 200) -> Iterator[Any]:
        """Models with the parameters of `count` draws, evenly taken from all chains."""
        import numpy as np

        if self._model.coefficients_:
            raise UsageError("models: a model with covariates has parameters for each customer; use draws")
        columns = [self.draws[name].ravel() for name in self._model.parameters]
        if not 1 <= count <= len(columns[0]):
            raise UsageError(f"count must be from 1 to {len(columns[0])}, the draws there are")
        for i in np.linspace(0, len(columns[0]) - 1, count).astype(int):
            drawn = self._model.clone()
            drawn.set_params(
                **{name: float(c[i]) for name, c in zip(self._model.parameters, columns, strict=True)},
                **self._model._settled(),
            )
            yield drawn

    def _thinned(self) -> npt.NDArray[np.float64]:
        """256 draws, evenly from all chains: one row each, parameters and coefficients."""
        import numpy as np

        columns = [values.ravel() for values in self.draws.values()]
        if len(columns[0]) < DRAWS:
            raise UsageError(f"a forecast needs {DRAWS} draws or more, there are {len(columns[0])}")
        rows: npt.NDArray[np.float64] = np.column_stack(columns)
        thinned: npt.NDArray[np.float64] = rows[np.linspace(0, len(rows) - 1, DRAWS).astype(int)]
        return thinned

    @checked
    def predict(
        self,
        data: Any = None,
        *,
        horizon: Length | None = None,
        discount: str | None = None,
        spend: Any = None,
        level: float = 90,
        interval: Interval = "mean",
        x: Any = None,
        t_x: Any = None,
        T: Any = None,
        spend_x: Any = None,
        mean_spend: Any = None,
        columns: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> Any:
        """Forecast each customer by the draws: their mean and the middle `level` percent of them.

        The arguments and columns are those of the model's `predict`, covariates included. 256 draws, evenly
        from all chains, stand for the posterior, the same for all customers.

        Parameters
        ----------
        spend
            A fitted `GammaGamma`, or its posterior.
        interval
            ``mean`` or, the customer's own chance included, ``outcome``.

        Examples
        --------
        >>> import salesops as so
        >>> rows = so.clv.ParetoNBD(r=0.6, alpha=10, s=0.6, beta=12).simulate([30.0] * 300, seed=1)
        >>> drawn = so.clv.NBD().fit(rows, unit="week").posterior(200, chains=2, warmup=200, progress=False)
        >>> out = drawn.predict(rows, horizon="26 weeks", level=80)
        >>> bool((out["expected_transactions_lo_80"] < out["expected_transactions_hi_80"]).all())
        True
        """
        from salesops.clv._data import Source

        arrays = {"x": x, "t_x": t_x, "T": T, "spend_x": spend_x, "mean_spend": mean_spend}
        source = Source(data, arrays, columns, ("x", "t_x", "T"))
        return self._purchases()._forecast(source, horizon, discount, spend, level, interval, unit, self)

    @checked
    def total(
        self,
        data: Any = None,
        *,
        horizon: Length | None = None,
        discount: str | None = None,
        spend: Any = None,
        level: float = 90,
        x: Any = None,
        t_x: Any = None,
        T: Any = None,
        spend_x: Any = None,
        mean_spend: Any = None,
        columns: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> dict[str, float]:
        """Add up the customers by the draws: means and the middle `level` percent of the sums.

        The arguments and names are those of the model's `total`; `spend` may be a posterior, as in `predict`,
        whose columns these are the sums of.

        Examples
        --------
        >>> import salesops as so
        >>> rows = so.clv.ParetoNBD(r=0.6, alpha=10, s=0.6, beta=12).simulate([30.0] * 300, seed=1)
        >>> drawn = so.clv.NBD().fit(rows, unit="week").posterior(200, chains=2, warmup=200, progress=False)
        >>> sums = drawn.total(rows, horizon="26 weeks", level=80)
        >>> sums["transactions_lo_80"] < sums["transactions"] < sums["transactions_hi_80"]
        True
        """
        from salesops.clv._data import Source

        arrays = {"x": x, "t_x": t_x, "T": T, "spend_x": spend_x, "mean_spend": mean_spend}
        source = Source(data, arrays, columns, ("x", "t_x", "T"))
        return self._purchases()._total(source, horizon, discount, spend, level, unit, self)

    @checked
    def clv_schedule(
        self,
        data: Any,
        *,
        horizon: Length | None = None,
        periods: int | None = None,
        every: str = "month",
        calendar: FiscalCalendar | None = None,
        discount: str | None = None,
        spend: Any = None,
        level: float = 90,
        as_of: str | dt.date | None = None,
        columns: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> Any:
        """Spread purchases and value over the periods of a calendar by the draws, one row a period.

        The arguments and columns are those of the model's `clv_schedule`, each number a mean of the draws,
        with ``<name>_lo_90`` and ``<name>_hi_90`` of the period's sum beside it. `spend` may be a posterior.
        Each period is a forecast by all draws; the periods' means add up to `total`'s, their ends don't.

        Examples
        --------
        >>> import salesops as so
        >>> rows = so.clv.ParetoNBD(r=0.6, alpha=10, s=0.6, beta=12).simulate([30.0] * 300, seed=1)
        >>> drawn = so.clv.NBD().fit(rows, unit="week").posterior(200, chains=2, warmup=200, progress=False)
        >>> plan = drawn.clv_schedule(rows, periods=2, every="quarter", as_of="2026-06-30")
        >>> plan["period"].tolist()
        ['2026-Q3', '2026-Q4']
        """
        asked = (horizon, periods, every, calendar, discount, spend, as_of, columns, unit)
        return self._purchases()._schedule(data, *asked, level=level, drawn=self)

    def _purchases(self) -> PurchaseModel:
        from salesops.clv._purchases import PurchaseModel

        if not isinstance(self._model, PurchaseModel):
            raise UsageError(f"{type(self._model).__name__} forecasts no purchases; use ask")
        return self._model

    @checked
    def ask(
        self, question: Callable[[Any], Any], *, count: int = 200, level: float = 90
    ) -> dict[str, npt.NDArray[np.float64]]:
        """Mean and interval of any question to the model, over draws of its parameters.

        Parameters
        ----------
        question
            Takes a model, gives a number or an array: ``lambda m: m.p_alive(x, t_x, T)``.
        count
            So many draws are asked.
        level
            Of the interval, percent.

        Returns
        -------
        dict
            Arrays ``mean``, ``lo`` and ``hi``, of the shape of the answers.

        Examples
        --------
        >>> import salesops as so
        >>> model = so.clv.SBG().fit([1000, 869, 743, 653, 593, 551, 517, 491])
        >>> drawn = model.posterior(200, chains=2, warmup=100, progress=False)
        >>> answer = drawn.ask(lambda m: m.survival(12.0), count=100)
        >>> bool(answer["lo"] < answer["mean"] < answer["hi"])
        True
        """
        import numpy as np

        answers = np.array([question(model) for model in self.models(count)])
        low, high = ends(level)
        return {
            "mean": answers.mean(axis=0),
            "lo": np.quantile(answers, low, axis=0),
            "hi": np.quantile(answers, high, axis=0),
        }

    @checked
    def to_frame(self, kind: str | None = None, *, level: float = 95) -> Any:
        """One row a parameter: mean, sd, interval and diagnosis, in the kind of frame asked for."""
        found = self.intervals(level)
        columns: dict[str, list[Any]] = {"parameter": list(self.draws)}
        rows = list(self.diagnosis().values())
        for name in ("mean", "sd"):
            columns[name] = [row[name] for row in rows]
        columns[f"lo_{level:g}"] = [low for low, _ in found.values()]
        columns[f"hi_{level:g}"] = [high for _, high in found.values()]
        for name in _COLUMNS[2:]:
            columns[name] = [row[name] for row in rows]
        return _frame.of_kind(_frame.from_columns(columns), kind)

    def _lines(self) -> tuple[str, list[tuple[str, list[float]]], list[str]]:
        chains, draws = next(iter(self.draws.values())).shape
        head = f"Posterior of {type(self._model).__name__}: {chains} chains of {draws:,} draws"
        found = self.intervals()
        rows = [
            (name, [row["mean"], row["sd"], *found[name], row["r_hat"], row["ess_bulk"], row["ess_tail"]])
            for name, row in self.diagnosis().items()
        ]
        return head, rows, [f"note: {note}" for note in self.notes]

    def __repr__(self) -> str:
        head, rows, notes = self._lines()
        width = max(8, *(len(name) for name, _ in rows))
        titles = ("mean", "sd", "95 % from", "to", "R-hat", "ESS bulk", "ESS tail")
        lines = [head, " " * width + "".join(f"{title:>10}" for title in titles)]
        for name, values in rows:
            cells = [f"{value:10.4g}" for value in values[:4]]
            cells += [f"{values[4]:10.3f}", *(f"{value:10.0f}" for value in values[5:])]
            lines.append(f"{name:{width}}" + "".join(cells))
        return "\n".join(lines + notes)

    def _repr_html_(self) -> str:
        head, rows, notes = self._lines()
        titles = ("", "mean", "sd", "95 % from", "to", "R-hat", "ESS bulk", "ESS tail")
        top = "".join(f"<th>{title}</th>" for title in titles)
        body = "".join(
            f"<tr><td>{html.escape(name)}</td>"
            + "".join(f"<td>{value:.4g}</td>" for value in values)
            + "</tr>"
            for name, values in rows
        )
        foot = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
        return f'<p>{html.escape(head)}</p><table class="salesops"><tr>{top}</tr>{body}</table>{foot}'


def draw(model: Estimator, sampling: tuple[int, int, int, float, int], progress: Wanted) -> Posterior:
    """Draw a fitted model's posterior; `Estimator.posterior` says how."""
    if not hasattr(model, "params_"):
        raise NoAnswerError(f"{type(model).__name__} is not fitted yet: call fit first")
    if not hasattr(model, "_seen"):
        raise UsageError("posterior looks at the rows again, which no saved model holds: fit it here")
    with shown(progress, "posterior") as tell:
        options = model._fit_options(list(model.params_.values()), 0, sampling, tell)
        summary, _ = model._solve(model._seen, options)
    return Posterior(model, summary)


def ends(level: float) -> tuple[float, float]:
    """Where the middle `level` percent ends, as probabilities."""
    if not 1 < level < 100:
        raise UsageError("level must lie between 1 and 100 percent")
    return 0.5 - level / 200, 0.5 + level / 200


def _middle(values: npt.NDArray[np.float64], level: float) -> tuple[float, float]:
    import numpy as np

    low, high = np.quantile(values, ends(level))
    return float(low), float(high)
