"""What raises the share that ends by one cause, when other ends rule it out: Fine and Gray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from salesops._core import survival as _core
from salesops._core.error import UsageError
from salesops.survival._data import given, named, numbers, outcomes
from salesops.survival._design import Design, covariates_of
from salesops.survival._hazards import HazardRegression
from salesops.survival._regression import wanted_times


class FineGray(HazardRegression):
    """Factors by which things raise the share that ends by one cause, the others competing.

    A row that ended otherwise stays at risk with the chance that it would not have been censored yet (and, of
    rows that came late, would have come by then). Errors are the sandwich over rows.

    Parameters
    ----------
    cause
        The outcome that matters.
    censored
        The label in `events` that means "not ended yet"; nulls mean it too. Texts without a null need it
        said, or None where all have ended.
    causes
        The outcomes that there can be, as in `AalenJohansen`; then `censored` need not occur.
    level
        Coverage of the intervals in percent.

    Notes
    -----
    Coefficients, errors and shares are those of R's ``finegray`` with ``coxph(ties="breslow")``. ``crr`` of
    cmprsk differs in the third digit where times are tied: it takes rows that end at a time for at risk of
    being censored then. Weights are frequencies: all numbers are those of R with each row repeated. R's
    ``finegray(weights=)`` isn't quite that: it leaves the weights out of the chance to be censored.

    Examples
    --------
    >>> days = [3, 5, 6, 8, 9, 9, 12, 4]
    >>> ends = ["won", "lost", "won", "open", "lost", "won", "won", "lost"]
    >>> model = FineGray(cause="won", censored="open").fit(days, ends, {"size": [1, 5, 2, 4, 6, 3, 5, 2]})
    >>> model.hazard_ratios_["size"] < 1
    True
    """

    parameters = ("cause", "censored", "level", "causes")
    above = "above 1 raises the share"

    def _ratios(self) -> str:
        return "subdistribution hazard"

    def __init__(
        self, cause: Any = 1, censored: Any = 0, level: float = 95, causes: Sequence[Any] | None = None
    ) -> None:
        self.cause = cause
        self.censored = censored
        self.level = level
        self.causes = causes

    def fit(
        self,
        durations: Any,
        events: Any = None,
        covariates: Any = None,
        *,
        entry: Any = None,
        weights: Any = None,
        duration_col: str | None = None,
        event_col: str | None = None,
        entry_col: str | None = None,
        weights_col: str | None = None,
        formula: str | None = None,
        reference: Mapping[str, Any] | None = None,
    ) -> Self:
        """Estimate the coefficients.

        `events` holds one label a row, `weights` are frequencies (2 counts as two equal rows), the rest is as
        in `CoxPH.fit`.
        """
        columns = {
            "durations": duration_col,
            "events": event_col,
            "entry": entry_col,
            "weights": weights_col,
        }
        rows, named_by = given(durations, {"events": events, "entry": entry, "weights": weights}, columns)
        if rows.get("events") is None:
            raise UsageError("events: need the outcome of each row")
        with named(named_by):
            causes, codes = outcomes(rows["events"], self.censored, self.causes)
            if self.cause not in causes:
                raise UsageError(f"no outcome {self.cause!r}; there are {', '.join(map(str, causes))}")
            times = numbers(rows["durations"], "durations")
            late = numbers(rows.get("entry"), "entry")
            counted = numbers(rows.get("weights"), "weights")
            if named_by:
                if covariates is not None:
                    raise UsageError("covariates: with a frame, say which columns count in formula")
                design, made = Design.learn(durations, formula, list(named_by.values()), reference)
            else:
                found, made = covariates_of(covariates, len(times), formula, reference)
                if found is None:
                    raise UsageError("covariates: give a frame or an array of rows × columns")
                design = found
            code = causes.index(self.cause) + 1
            result = _core.fine_gray(times, codes, code, made, late, counted, self.level)
        self.design_ = design
        self._keep(result, durations, result.events)
        self._warn()
        return self

    def predict_incidence(self, data: Any, times: Any = None) -> Any:
        """Share of rows like these that has ended by the cause up to each time.

        Parameters
        ----------
        data, times
            As in `CoxPH.predict_survival_function`.

        Returns
        -------
        frame
            row, time, incidence and its interval; null past the last duration.
        """
        import numpy as np

        result = self._fitted()
        x = self._new(data)
        wanted = wanted_times(times, result.baselines[0].time)
        found = _core.predict_survival(result, x, wanted, np.empty(0, dtype=np.uint32), np.empty(0))
        return self._frame(
            {
                "row": np.repeat(np.arange(len(x)), len(wanted)),
                "time": np.tile(wanted, len(x)),
                "incidence": 1 - found.survival,
                **self._band("incidence", 1 - found.high, 1 - found.low),
            }
        )
