"""Who is about to leave: chances from what was known on a day, judged by what came after it."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import re
from collections.abc import Iterable, Iterator
from textwrap import fill
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._arguments import checked, number, texts
from salesops._columns import to_numpy
from salesops._core.error import UsageError
from salesops.plot.base import counted
from salesops.survival._aft import AFT
from salesops.survival._calibration import Calibration, calibration
from salesops.survival._cox import CoxPH
from salesops.survival._data import column, flags, numbers
from salesops.survival._design import Chosen, declared, parse
from salesops.survival._estimator import Estimator

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.plot import Picture

    Numbers = npt.NDArray[np.float64]

# Names of its own beside the caller's columns.
LASTED, LEFT = "(duration at as_of)", "(churned by as_of)"


class ChurnScores:
    """Chance of each customer to leave within the horizon; made by `churn_scores`.

    Attributes
    ----------
    model
        The model as fitted on what was known at `as_of`.
    calibration
        What came after held against the scores: a `Calibration`. None where nothing can be held against
        them, and why in print: the data end before the horizon does, as for scores of today, nobody left
        within it or everybody did, or all scores are alike.
    as_of, horizon
        In days where the columns are dates (`as_of` then is the day), else in their unit.
    n_unscored
        Customers older than the model can tell of: `CoxPH` and `DiscreteHazard` know nothing beyond the
        longest duration.
    n_no_length
        Customers known at `as_of` whose end is their start: never there at any age, they are left out.
    """

    def __init__(
        self,
        model: Any,
        table: dict[str, Any],
        judged: Calibration | str,
        about: dict[str, Any],
        source: Any,
    ) -> None:
        self.model = model
        self.calibration = None if isinstance(judged, str) else judged
        self.as_of, self.horizon = about["as_of"], about["horizon"]
        self.n_unscored: int = about["n_unscored"]
        self.n_no_length: int = about["n_no_length"]
        self._judged = judged
        self._table = table
        self._source = _frame.empty_like(source)

    def to_frame(self) -> Any:
        """A row for each customer there at `as_of`: the name, age, churn (the chance; null if unscored).

        Beside it the interval of the chance, as wide as the model's `level` says (``churn_lo_95`` and
        ``churn_hi_95``): how sure the fit is of customers like this one, not whether this one leaves. It is
        null where the chance is 0 because nobody was seen to leave at such an age. Where the horizon is over
        also left: whether the customer left within it; null if not known.
        """
        table = _frame.from_columns(self._table)
        return _frame.of_kind(table) if isinstance(self._source, dict) else _frame.like(table, self._source)

    def plot(self) -> Picture:
        """Draw the calibration: a `Picture`. A `UsageError` says why where there is none."""
        if self.calibration is None:
            raise UsageError(f"there is no calibration to draw, as these scores are {self._judged}")
        return self.calibration.plot()

    def __len__(self) -> int:
        return len(self._table["age"])

    def __repr__(self) -> str:
        text = f"<ChurnScores of {counted(len(self), 'customer')} as of {self.as_of}, within {self.horizon:g}"
        if self.n_unscored:
            text += f"; {self.n_unscored:,} older than {type(self.model).__name__} has seen have none"
        if self.n_no_length:
            text += f"; {self.n_no_length:,} that ended as they began left out"
        return fill(f"{text}; {self._judged}>", 80)


@checked
def churn_scores(
    model: Any,
    customers: Any,
    *,
    horizon: float,
    as_of: Any = None,
    start_col: str = "start",
    end_col: str = "end",
    churn_col: str | None = None,
    customer_col: str | None = None,
    formula: str | None = None,
    strata: str | Iterable[str] = (),
    until: Any = None,
    groups: int = 10,
    level: float = 95,
) -> ChurnScores:
    """Score who leaves within `horizon` from what was known at `as_of`, and judge it by what came after.

    The model is fitted to customers who began before `as_of`: who left by then with their duration, the
    others as lasting so far; who left at the start was never there and is left out. Ends and customers after
    `as_of` play no part. A customer who is there at age a leaves within h with chance 1 − S(a + h) ÷ S(a),
    which has an interval for what the fit leaves open: coefficients and law, or the course of the risk.
    Where the data reach a horizon beyond `as_of`, `calibration` judges the scores, unless nobody left within
    it or everybody did.

    Covariates are taken as they stand in the frame: give them as they were known at the start or at `as_of`
    (of a book, ``crm.as_of(day)``). What was written into a column later is a leak that nothing here can see.

    Parameters
    ----------
    model
        What to fit: `CoxPH`, `DiscreteHazard` (ages in whole numbers), or a law such as `WeibullAFT`, which
        also scores customers older than any that was seen. It is copied.
    customers
        A frame of any kind with a row for each customer.
    horizon
        Days where the columns are dates, else in their unit.
    as_of
        The day of the split; by default `until`, for scores of today that nobody can judge yet.
    start_col, end_col
        When customers began and left: dates, timestamps, ISO text, or numbers. Null in the end: still there.
        An end on the day `as_of` is over.
    churn_col
        Whether an end was churn; other ends (a merger, a death) count as no longer watched.
    customer_col
        Name of the customer, for the frame of scores.
    formula
        Columns of the model, as in `CoxPH.fit`; by default all that have no other part. The first category is
        the reference, in declared order as there. A law needs none (``formula="1"``): age alone then tells.
    strata
        Columns by which the course of the risk over the age differs (`CoxPH` only): contracts for a year end
        at their birthdays, those by the month at any time.
    until
        How far the data reach, later ends not being known; by default the latest start or end in the frame.
    groups, level
        As in `calibration`.

    Raises
    ------
    UsageError
        For columns and days that can't be, named.

    Examples
    --------
    >>> import numpy as np
    >>> from salesops import survival
    >>> draw = np.random.default_rng(1)
    >>> began, seats = draw.integers(0, 700, 900), draw.integers(1, 9, 900)
    >>> left = began + draw.exponential(60 * np.exp(seats / 4)).round() + 1
    >>> rows = {"start": began, "end": np.where(left < 1000, left, np.nan), "seats": seats}
    >>> scores = survival.churn_scores(survival.WeibullAFT(), rows, as_of=700, horizon=90, until=1000)
    >>> scores.calibration.slope.low < 1 < scores.calibration.slope.high
    True
    """
    import numpy as np

    if not isinstance(model, Estimator) or not hasattr(model, "predict_survival_function"):
        raise UsageError(f"model: need CoxPH(), DiscreteHazard() or a law, not {type(model).__name__}")
    if not 0 < horizon < math.inf:
        raise UsageError("horizon: a length of time above 0")
    start, dated = _moments(customers, start_col)
    end, end_dated = _moments(customers, end_col)
    if np.isnan(start).any():
        first = int(np.flatnonzero(np.isnan(start))[0])
        raise UsageError(f"column '{start_col}' is null in row {first}: when did the customer begin?")
    if dated != end_dated and not np.isnan(end).all():
        raise UsageError(f"column '{end_col}' must be of the kind of '{start_col}': dates or numbers both")
    if (end < start).any():
        first = int(np.flatnonzero(end < start)[0])
        raise UsageError(
            f"column '{end_col}' is before '{start_col}' in {int((end < start).sum())} rows "
            f"(first: row {first})"
        )
    churned = (
        np.ones(len(start), np.uint8) if churn_col is None else flags(column(customers, churn_col), churn_col)
    )
    last = float(np.nanmax([start.max(), *end])) if until is None else _moment(until, dated, "until")
    split = last if as_of is None else _moment(as_of, dated, "as_of")
    if split > last:
        raise UsageError("as_of: the data end before it; give until= if they reach further than the last end")
    end = np.where(np.isnan(end) | (end > last), np.inf, end)

    # What was known at the split.
    known = (start < split) & (end > start)
    there = known & (end > split)
    if not there.any():
        raise UsageError("as_of: no customer is there at the split")
    others = [name for name in (start_col, end_col, churn_col, customer_col) if name is not None]
    layers = texts(strata, "strata")
    if layers and not isinstance(model, CoxPH):
        raise UsageError(f"strata: {type(model).__name__} has none; CoxPH does")
    law = isinstance(model, AFT)
    columns, orders = ({}, {}) if law and formula == "1" else _covariates(customers, formula, layers, others)
    if not law and not set(columns) - set(layers):
        raise UsageError(
            f"{type(model).__name__} needs a column beside {', '.join([*others, *layers])}; a law such as "
            "WeibullAFT does without"
        )
    told = Chosen({name: values[known] for name, values in columns.items()}, orders)
    told[LASTED] = (np.minimum(end, split) - start)[known]
    told[LEFT] = ((end <= split) & (churned == 1))[known]
    fitted: Any = type(model)(**model.get_params())
    more = {"strata": layers} if layers else {}
    with _of_frame(np.flatnonzero(known), f"'{end_col}' less '{start_col}'", f"'{churn_col or end_col}'"):
        fitted.fit(told, duration_col=LASTED, event_col=LEFT, formula=formula if columns else "1", **more)

    # Who was there at the split, and what became of them.
    age = split - start[there]
    chance, interval = _chances(
        fitted, {name: values[there] for name, values in columns.items()}, age, horizon
    )
    scored = np.isfinite(chance)
    table: dict[str, Any] = {}
    if customer_col is not None:
        table["customer"] = np.asarray(column(customers, customer_col))[there]
    table |= {"age": age, "churn": chance, **interval}
    judged: Calibration | str = (
        "not judged yet: the data end too soon; take as_of at least one horizon before their end"
    )
    if last >= split + horizon:
        after, left = np.minimum(end[there], last) - split, np.isfinite(end[there]) & (churned[there] == 1)
        within = left & (after <= horizon)
        open_end = ~within & (after < horizon)
        table["left"] = [
            None if unknown else bool(one) for one, unknown in zip(within, open_end, strict=True)
        ]
        lasted = ~within & ~open_end
        if not within[scored].any():
            judged = f"not judged: nobody with a score left within {horizon:g}"
        elif not lasted[scored].any():
            judged = f"not judged: nobody with a score was there for {horizon:g} more"
        elif np.ptp(chance[scored]) == 0:
            judged = "not judged: all of them are alike"
        else:
            judged = calibration(
                chance[scored], after[scored], left[scored], horizon=horizon, groups=groups, level=level
            )
    day = np.datetime64("1970-01-01") + np.timedelta64(round(split * 86_400), "s") if dated else split
    about = {
        "as_of": dt.date.fromisoformat(str(day)[:10]) if dated else split,
        "horizon": horizon,
        "n_unscored": int((~scored).sum()),
        "n_no_length": int(((start < split) & (end == start)).sum()),
    }
    return ChurnScores(fitted, table, judged, about, customers)


@contextlib.contextmanager
def _of_frame(rows: Any, lasted: str, left: str) -> Iterator[None]:
    """Let errors about the `rows` that were chosen speak of the caller's columns and rows."""
    try:
        yield
    except UsageError as error:
        text = str(error).replace(f"'{LASTED}'", lasted).replace(f"'{LEFT}'", left)
        raise UsageError(
            re.sub(r"\bfirst: row (\d+)", lambda found: f"first: row {rows[int(found[1])]}", text)
        ) from error


def _moments(frame: Any, name: str) -> tuple[Numbers, bool]:
    """A column of moments as numbers, NaN for none, and whether they are days of dates."""
    import numpy as np

    values = to_numpy(_frame.to_core(frame, [name]).column(name))
    if values.dtype.kind == "O" and any(isinstance(one, str) for one in values):
        try:
            values = np.array(values, dtype="datetime64[us]")
        except ValueError as error:
            raise UsageError(f"column '{name}': a row is no date such as 2024-05-31") from error
    if values.dtype.kind == "M":
        return _days(values), True
    if values.dtype.kind == "O":
        values = np.array([np.nan if one is None else one for one in values], dtype=object)
    return numbers(values, f"column '{name}'"), False


def _days(values: Any) -> Numbers:
    """Days since 1970; NaN for none."""
    import numpy as np

    stamps = np.asarray(values).astype("datetime64[us]")
    days = stamps.astype(np.int64) / 86_400_000_000
    return np.where(np.isnat(stamps), np.nan, days)


def _moment(value: Any, dated: bool, argument: str) -> float:
    """A day (or instant in UTC) or a number, as the columns are."""
    import numpy as np

    if not dated:
        return float(number(value, argument))
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
    try:
        if isinstance(value, int | float):
            raise TypeError
        return float(_days(np.datetime64(value, "us")))
    except (TypeError, ValueError) as error:
        raise UsageError(f"{argument}: a date or text such as '2024-05-31', as the columns are") from error


def _covariates(
    frame: Any, formula: str | None, strata: list[str], others: list[str]
) -> tuple[dict[str, Any], dict[str, list[Any] | None]]:
    """The columns that the model may take, and the declared order of their categories."""
    wanted = None
    if formula is not None:
        named = {name for term in parse(formula)[0] for name in term}
        wanted = None if "." in named else sorted(named | set(strata))
    table = _frame.to_core(frame, wanted)
    taken = {name: table.column(name) for name in table.names if name not in others}
    return (
        {name: to_numpy(values) for name, values in taken.items()},
        {name: declared(frame, name, values) for name, values in taken.items()},
    )


def _chances(
    model: Any, columns: dict[str, Any], age: Numbers, horizon: float
) -> tuple[Numbers, dict[str, Numbers]]:
    """1 − S(age + horizon) ÷ S(age) of each row, NaN where the model can't tell, and its interval by name."""
    import numpy as np

    names = ("survival", *model._band("survival", None, None))
    found = model.predict_survival_function(columns or None, horizon, since=age)
    table = _frame.to_core(found, list(names))
    # What rounding leaves beyond would part equal chances. Where nobody left, nothing tells how sure that is.
    chance, high, low = ((1 - to_numpy(table.column(name)).astype(float)).round(12) for name in names)
    low[chance == 0] = high[chance == 0] = np.nan
    return chance, model._band("churn", low, high)
