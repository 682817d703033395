"""What a model answers whose covariates change over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from salesops import _frame
from salesops._core import clv as _core
from salesops._core.error import UsageError
from salesops.clv._answers import Answers
from salesops.clv._data import Histories, Source, ask
from salesops.clv._rfm import day_of
from salesops.clv._timeline import Timeline

if TYPE_CHECKING:
    import datetime as dt

    import numpy as np
    import numpy.typing as npt

    from salesops.clv._covariates import Design
    from salesops.clv._purchases import PurchaseModel

    Floats = npt.NDArray[np.float64]


def estimates(model: PurchaseModel, design: Design) -> tuple[Any, ...]:
    """Give all that was estimated, as the core takes it."""
    by_name = model._estimates
    buys, leaves = (design.coefficients(by_name, process) for process in ("transaction", "dropout"))
    return list(by_name), list(by_name.values()), buys, leaves


def expected_by(
    model: PurchaseModel,
    design: Design,
    source: Source,
    ahead: Sequence[float],
    rate: float,
    found: Histories | None,
) -> Iterator[Floats]:
    """`PurchaseModel._expected_by`, in one pass over the life of each customer."""
    import numpy as np

    laid = design.laid_out(source, max(0.0, *ahead))
    T = source.column("T")
    offsets = np.array(ahead)
    if found is None:
        nothing = np.zeros(len(T))
        customers = (nothing, nothing, nothing)
        times = np.maximum(0, T[:, None] + offsets)
    else:
        customers = (found.x, found.t_x, found.T)
        times = np.broadcast_to(offsets, (len(T), len(offsets)))
    made = _core.dect_over_time(
        estimates(model, design), np.ascontiguousarray(times).ravel(), rate, customers, laid, model.threads
    )
    yield from made.reshape(times.shape).T


def of_rows(
    model: PurchaseModel, design: Design, source: Source, question: str, columns: tuple[Any, ...]
) -> Floats:
    """`PurchaseModel._of_rows`: each customer by its own life."""
    import numpy as np

    if question == "expected_transactions":
        ahead, x, t_x, T = columns
        return next(expected_by(model, design, source, [float(ahead)], 0.0, Histories(x, t_x, T, source)))
    if question != "pmf_new":
        raise UsageError(
            f"with {design.over_time[0]} over time the answer depends on the day: ask predict about many "
            "customers, model_of(plan, first=…) about those won on one day"
        )
    n, T = np.broadcast_arrays(*columns)
    laid = design.laid_out(source, 0.0)
    made: Floats = _core.pmf_new_over_time(
        estimates(model, design), np.ascontiguousarray(n), np.ascontiguousarray(T), laid, model.threads
    )
    return made


# ---- customers won on one day ----


class Planned(Answers):
    """The model of customers won on one day, with covariates as planned: what `ParetoNBD.model_of` gives.

    Its methods are those of all models, on numbers and arrays. Times run from the first purchase, and an
    answer beyond the end of the plan is NaN.

    Attributes
    ----------
    first, until
        The day on which the customers are won, and the first day that is not planned.
    """

    def __init__(self, core: Any, kind: str, first: dt.date, until: dt.date, threads: int) -> None:
        self.first, self.until, self.threads = first, until, threads
        self._core, self._kind = core, kind

    def _ask(self, question: str, **columns: Any) -> Any:
        if not hasattr(self._core, question):
            self._beyond(question)
        return ask(self._core, question, self.threads, columns)

    def _distribution(self, question: str, level: float, **columns: Any) -> NoReturn:
        mean = question.replace("_distribution", "")
        raise UsageError(f"rates that follow a plan have means only: ask expected_{mean}")

    def _beyond(self, question: str) -> NoReturn:
        if question == "log_likelihood":
            raise UsageError("the likelihood depends on the days of all purchases: ask fit")
        raise UsageError(f"the plan ends on {self.until}: ask dect about a time until there")

    def __repr__(self) -> str:
        return f"<{self._kind} of customers won on {self.first}, planned until {self.until}>"


def planned(
    model: PurchaseModel, design: Design, plan: Any, first: Any, until: Any, covariates: Mapping[str, Any]
) -> Planned:
    """Follow a plan; `PurchaseModel.model_of` says how."""
    import numpy as np

    day = day_of(first, "first")
    if plan is None or day is None:
        raise UsageError(
            f"{design.over_time[0]} changes over time: say what is planned and when the customers are won, "
            "model_of(frame, first='2026-03-02')"
        )
    timeline = Timeline(_frame.to_core(plan), "start", None, day_of(until, "until"))
    lacks = [name for name in design.over_time if name not in timeline.names]
    if lacks:
        raise UsageError(f"the plan has no column '{lacks[0]}'")
    kept = set(design.levels) - set(design.over_time)
    odd = sorted(kept ^ set(covariates))
    if odd:
        raise UsageError(f"say each of {', '.join(sorted(kept)) or 'the plan'} and no more: {odd[0]} is odd")
    source = Source({"T": [0.0]} | {name: [value] for name, value in covariates.items()}, {}, None, ())
    source.timeline = timeline
    born = np.array([np.datetime64(day, "D").astype(np.int64)])
    length = _core.days_in(model.unit_ or "day")
    made = timeline.lay(born, np.zeros(1, dtype=np.int64), timeline.end, length)
    core = _core.PacedParetoNBD(estimates(model, design), design.along(source, made))
    end = np.datetime64(timeline.end, "D").astype(object)
    return Planned(core, type(model).__name__, day, end, model.threads)
