"""From events to a grid: at once, or batch by batch."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._arguments import checked, listed
from salesops._core import cohort as _core
from salesops._core.error import UsageError
from salesops._names import meant
from salesops._progress import Wanted, shown
from salesops.calendar import FiscalCalendar, time_zone
from salesops.cohort import _options
from salesops.cohort._far import watched
from salesops.cohort._grid import Retention
from salesops.cohort._options import Filter, Moment
from salesops.crm import instant
from salesops.plot.base import counted

if TYPE_CHECKING:
    from salesops.cohort._lifecycle import Lifecycle


class RetentionState:
    """Events of many batches: ``partial`` each, ``merge``, then ``finish``.

    Results equal those of all rows at once, in any order and any cut.

    Examples
    --------
    >>> import salesops as so
    >>> january = {"customer": ["A", "B"], "time": ["2026-01-05", "2026-01-07"]}
    >>> february = {"customer": ["A"], "time": ["2026-02-28"]}
    >>> state = so.cohort.RetentionState()
    >>> for batch in (january, february):
    ...     _ = state.merge(so.cohort.RetentionState.partial(batch))
    >>> state.finish(every="month").to_wide("active", means=False)["1"].tolist()
    [1.0, nan]
    """

    def __init__(self) -> None:
        self._core = _core.State()
        self._source: Any = {}
        self._zone: Any = None
        self._filters: dict[str, Any] | None = None  # of the batches so far
        self._by: str | None = None

    @classmethod
    @checked
    def partial(
        cls,
        events: Any,
        *,
        customer: str = "customer",
        time: str = "time",
        amount: str | None = None,
        currency: str = "",
        money_unit: str = "major",
        start: Filter = None,
        returned: Filter = None,
        older: Filter = None,
        by: str | None = None,
        tz: str | dt.tzinfo | None = None,
        threads: int = 0,
    ) -> RetentionState:
        """Read a batch; the arguments are those of `retention`."""
        table, columns = _options.read_events(
            events,
            customer=customer,
            time=time,
            amount=amount,
            currency=currency,
            money_unit=money_unit,
            start=start,
            returned=returned,
            older=older,
            by=by,
            tz=tz,
        )
        state = cls()
        state._core = _core.State.partial(table, columns, threads)
        state._source, state._zone, state._by = _frame.empty_like(events), tz, by
        filters = {"start": start, "returned": returned, "older": older}
        state._filters = {argument: _options.said(one) for argument, one in filters.items()}
        return state

    def merge(self, other: RetentionState | Iterable[RetentionState]) -> RetentionState:
        """Add another batch, or several; returns itself.

        Batches are of one question: other filters, segments of another column, amounts in one alone, or
        another zone are a `UsageError`.
        """
        for state in [other] if isinstance(other, RetentionState) else listed(other, "other"):
            if not isinstance(state, RetentionState):
                raise UsageError(f"other: need what RetentionState.partial made, not {type(state).__name__}")
            mine, theirs = self._filters, state._filters
            if mine is not None and theirs is not None and mine != theirs:
                differ = ", ".join(argument for argument in mine if mine[argument] != theirs[argument])
                raise UsageError(
                    f"other: its batches were read with another filter as {differ}; read all with the same"
                )
            self._core.merge(state._core)
            if mine is None:
                self._source, self._zone, self._filters = state._source, state._zone, theirs
                self._by = state._by
        return self

    def finish(self, *, threads: int = 0, progress: Wanted = None, **how: Any) -> Retention:
        """Make the grid; the arguments are those of `retention` that don't name columns."""
        options = self._options("finish", how)
        with shown(progress, "cohorts") as tell:
            return Retention(self._core.finish(options, threads, tell), self._source, by=self._by)

    def lifecycle(self, *, threads: int = 0, **how: Any) -> Lifecycle:
        """Count new, returning, resurrecting and dormant customers; arguments as for `lifecycle`."""
        from salesops.cohort._lifecycle import Lifecycle

        options = self._options("lifecycle", how)
        return Lifecycle(self._core.lifecycle(options, threads), self._source)

    def _options(self, asker: str, how: dict[str, Any]) -> _core.Options:
        """The options of a call; what it doesn't take is refused as Python does, with what it takes."""
        taken = [name for name in inspect.signature(options_of).parameters if name != "zone"]
        reading = inspect.signature(RetentionState.partial).parameters
        for name in how:
            if name in taken:
                continue
            read = "; the batches were read with it, by partial" if name in reading else meant(name, taken)
            raise TypeError(
                f"{asker}() got an unexpected keyword argument '{name}'{read}; it takes {', '.join(taken)}"
            )
        return options_of(zone=time_zone(self._zone), **how)

    @property
    def customers(self) -> int:
        """Customers seen so far."""
        return self._core.customers

    @property
    def events(self) -> int:
        """Events of customers seen so far."""
        return self._core.events

    def __repr__(self) -> str:
        return f"<RetentionState: {counted(self.customers, 'customer')}, {counted(self.events, 'event')}>"


@checked
def options_of(
    *,
    zone: Any,
    every: str = "month",
    week_start: str | int | None = None,
    calendar: FiscalCalendar | None = None,
    anchor: Moment = None,
    entry: str = "first_time",
    activity: str = "not_refund",
    measure: str = "classic",
    min_count: int = 1,
    brackets: Sequence[Any] | None = None,
    window: str | None = None,
    as_of: Moment = None,
    observed_from: Moment = None,
    max_age: int | None = None,
    level: float = 95,
    interval: str | None = "by_measure",
    replicates: int = 1000,
    seed: int = 0,
    max_cells: float = 1_000_000,
) -> _core.Options:
    """The core's options."""
    options = _core.Options()
    _options.set_cut(options, every, week_start, calendar, anchor)
    options.entry, options.activity, options.measure = entry, activity, measure
    options.min_count, options.level, options.seed = min_count, level, seed
    options.interval, options.replicates = interval or "none", replicates
    options.set_brackets(_options.brackets_of(brackets))
    if (window is not None) != (measure == "window"):
        raise UsageError("window= is the length of the measure 'window', such as window='7d'")
    if window is not None:
        options.window_us = _options.length_of(window, "window")
    if brackets is not None and measure != "bracket":
        raise UsageError("brackets= are for the measure 'bracket'")
    if max_age is not None:
        if max_age < 0:
            raise UsageError("max_age: 0 or more")
        options.max_age = max_age
    options.max_cells = int(min(max_cells, 2**62))
    options.as_of = _options.known_at(as_of, zone)
    if observed_from is not None:
        options.observed_from = instant(observed_from, "observed_from", zone)
    return options


@checked
def retention(
    events: Any,
    *,
    customer: str = "customer",
    time: str = "time",
    amount: str | None = None,
    every: str = "month",
    tz: str | dt.tzinfo | None = None,
    as_of: Moment = None,
    measure: str = "classic",
    week_start: str | int | None = None,
    calendar: FiscalCalendar | None = None,
    anchor: Moment = None,
    entry: str = "first_time",
    start: Filter = None,
    returned: Filter = None,
    activity: str = "not_refund",
    min_count: int = 1,
    brackets: Sequence[Any] | None = None,
    window: str | None = None,
    by: str | None = None,
    observed_from: Moment = None,
    older: Filter = None,
    max_age: int | None = None,
    level: float = 95,
    interval: str | None = "by_measure",
    replicates: int = 1000,
    seed: int = 0,
    currency: str = "",
    money_unit: str = "major",
    max_cells: float = 1_000_000,
    threads: int = 0,
    progress: Wanted = None,
) -> Retention:
    """Customers by the period they began in, and what share of them comes back, or what they bring.

    Parameters
    ----------
    events
        Any dataframe with one row an event: a purchase, a login, an invoice.
    customer, time, amount
        Its columns. Customers are text or whole numbers; times dates, timestamps or ISO text; amounts numbers
        in major units (negative = refund), rounded once to the currency's decimals.
    every
        ``day``, ``week``, ``month``, ``quarter``, ``half``, ``year`` of the calendar, or blocks of days such
        as ``28d``, counted back from `as_of` (or from `anchor`, the last day of a block).
    tz
        Zone whose days count, and of timestamps without one; by default that of the timestamps, else UTC.
    as_of
        Nothing later is known: an instant, or a day, of which it is the beginning. By default the latest
        instant in the rows, or the end of the latest day where they have no time of day (dates, or
        timestamps that are all midnight in `tz`).
    measure
        ``classic``, ``unbounded``, ``bracket``, ``window``, ``previous`` (shares of customers); ``nrr``,
        ``grr_point``, ``grr_path`` (shares of amounts); ``ltv``, ``sum``, ``mean`` (amounts); ``count``.
    week_start
        Weeks begin on this day (``monday`` … or 0 … 6) instead of the calendar's.
    calendar
        `so.calendar.FiscalCalendar`: fiscal years, 4-4-5, a table of your own. Civil by default.
    entry
        ``first_time``: a cohort is that of the first start event. ``first_ever``: only of those whose first
        event of all is one. ``recurring``: every period with a start event.
    start, returned
        Events that can begin a cohort, and those that count as coming back: a boolean column, or a dict such
        as ``{"event": "signup"}``, with one value or several. All by default. Age 0 counts what came after
        the start, and the start itself where it passes `returned`. A filter that no row passes is an issue,
        ``no_row_is_start`` or ``no_row_is_returned``; `Retention.notes` says what there is instead.
    activity
        ``not_refund``: rows with an amount of 0 and more; ``positive``: above 0; ``all``. All move money. An
        amount that is null or can't be read is 0, so that its row counts as activity by default; it is listed
        in `Retention.issues`.
    min_count
        Events that make a customer active in a period.
    brackets
        Ages, or pairs of first and last age: ``[1, (2, 3), (4, 6)]``. They may overlap; none is there twice.
    window
        Length of the measure window, from each customer's own first instant: ``24h``, ``7d``, ``30d``.
    by
        Column of segments; a customer is in that of its first event. Who has rows of another one too is
        counted in `Retention.issues`, as ``segment_changes``. `Retention.compare` tests them.
    observed_from
        The log begins here. Customers with earlier rows, or with a row that is `older`, are older than it:
        their cohort is unknown, and they are counted apart.
    max_age
        Ages 0 … max_age only.
    level, interval
        Percent covered, and the kind: ``wilson`` (shares) or ``bootstrap`` (nrr, grr, ltv, mean) by default;
        ``clopper_pearson``, ``none``.
    replicates, seed
        Of the bootstrap, which draws customers within their cohort. It looks at every event so many times.
    currency
        ISO 4217 code that decides the decimals (two by default), or the column that holds it. More than one
        code is a `UnitError`.
    money_unit
        ``minor`` when whole numbers are minor units.
    max_cells
        A larger grid is refused, with the coarser period named, or the few rows that lie far from the rest.

    Notes
    -----
    Rows more than 400 days before or after all others, at most a tenth of at least ten, are issues:
    ``long_before_the_rest``, ``long_after_the_rest``. A wrong year moves `as_of`.

    Cohorts and ages come from the calendar: a period in which nobody came is a row of zeros. A cell that has
    not begun is null, one whose period isn't over is ``in_progress``. nrr and grr have no value before the
    period is over.

    grr lies between 0 and 1: amounts of a customer and period that are below 0 in sum count as 0, in age 0
    too. nrr is net of refunds: with these it may lie below grr, and below 0.

    Examples
    --------
    >>> import salesops as so
    >>> orders = {
    ...     "customer": ["A", "B", "A", "B", "A"],
    ...     "time": ["2026-01-05", "2026-01-20", "2026-02-03", "2026-03-09", "2026-03-31"],
    ... }
    >>> grid = so.cohort.retention(orders)
    >>> grid.to_wide("active", means=False)["1"].tolist()
    [1.0, 0.0, nan]
    """
    table, columns = _options.read_events(
        events,
        customer=customer,
        time=time,
        amount=amount,
        currency=currency,
        money_unit=money_unit,
        start=start,
        returned=returned,
        older=older,
        by=by,
        tz=tz,
    )
    options = options_of(
        zone=columns.zone,
        every=every,
        week_start=week_start,
        calendar=calendar,
        anchor=anchor,
        entry=entry,
        activity=activity,
        measure=measure,
        min_count=min_count,
        brackets=brackets,
        window=window,
        as_of=as_of,
        observed_from=observed_from,
        max_age=max_age,
        level=level,
        interval=interval,
        replicates=replicates,
        seed=seed,
        max_cells=max_cells,
    )
    with shown(progress, "cohorts") as tell:
        core = watched(
            table, columns, options, lambda: _core.retention(table, columns, options, threads, tell)
        )
    notes = _options.tell_never(core.issues, table, start, columns.start, "start")
    notes += _options.tell_never(core.issues, table, returned, columns.returned, "returned")
    return Retention(core, events, notes, by)


@checked
def adjusted(p_values: Sequence[float], correction: str = "holm") -> list[float]:
    """Correct p-values for their number: ``holm``, ``benjamini_hochberg`` or ``none``.

    Examples
    --------
    >>> adjusted([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    return _core.adjusted([float(p) for p in p_values], correction)
