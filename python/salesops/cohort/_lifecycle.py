"""Every period's customers by where they come from."""

from __future__ import annotations

import datetime as dt
import html
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._arguments import checked
from salesops._core import cohort as _core
from salesops.calendar import FiscalCalendar
from salesops.cohort import _options
from salesops.cohort._far import watched
from salesops.cohort._grid import known_at, no_rows, told_issues
from salesops.cohort._options import Filter, Moment
from salesops.cohort._retention import options_of

if TYPE_CHECKING:
    from salesops._core.issues import Issues
    from salesops.plot import Picture


class Lifecycle:
    """New, returning, resurrecting and dormant customers by period; made by `lifecycle`.

    In every period new + returning + resurrecting + older = active, and active changes by new + resurrecting
    + older − dormant.
    """

    def __init__(self, core: _core.Lifecycle, source: Any) -> None:
        self._core = core
        self.source = _frame.empty_like(source)

    @property
    def periods(self) -> list[str]:
        """Labels of the periods, without a gap."""
        return self._core.periods

    @property
    def as_of(self) -> dt.datetime | None:
        """The last instant that is known; None where no row has a time."""
        return known_at(self._core)

    @property
    def issues(self) -> Issues:
        """What was left out, by rule."""
        return self._core.issues

    def to_frame(self) -> Any:
        """One row a period: period, new, returning, resurrecting, dormant, older, active, state."""
        return _frame.like(self._core.to_table(), self.source)

    def plot(self) -> Picture:
        """Draw who came above the line and who went below: a `Picture`."""
        from salesops.cohort import _pictures

        return _pictures.lifecycle(self._core)

    def __repr__(self) -> str:
        from salesops.plot.base import aligned, counted

        core = self._core
        older = ("older",) if any(core.older) else ()
        names = ("new", "returning", "resurrecting", *older, "dormant", "active")
        periods = [
            period + ("*" if state == "in_progress" else "")
            for period, state in zip(core.periods, core.state, strict=True)
        ]
        counts = ([f"{n:,}" for n in getattr(core, name)] for name in names)
        rows = [list(row) for row in zip(periods, *counts, strict=True)][-12:]
        notes = told_issues(core.issues)
        if not periods:
            return f"<Lifecycle: no period: {no_rows(core, 'nobody is active')}{notes}>"
        text = f"<Lifecycle: {counted(len(periods), 'period')}, {core.zone}{notes}>"
        return "\n".join([text, *aligned([["period", *names], *rows])])

    def _repr_html_(self) -> str:
        head = repr(self).splitlines()[0]
        return f"<p>{html.escape(head)}</p>" + _frame.to_html(self._core.to_table(), 50)


@checked
def lifecycle(
    events: Any,
    *,
    customer: str = "customer",
    time: str = "time",
    amount: str | None = None,
    every: str = "month",
    tz: str | dt.tzinfo | None = None,
    as_of: Moment = None,
    week_start: str | int | None = None,
    calendar: FiscalCalendar | None = None,
    anchor: Moment = None,
    returned: Filter = None,
    activity: str = "not_refund",
    min_count: int = 1,
    observed_from: Moment = None,
    older: Filter = None,
    currency: str = "",
    money_unit: str = "major",
    max_cells: float = 1_000_000,
    threads: int = 0,
) -> Lifecycle:
    """Count the customers of each period by where they come from.

    ``new``: never active before. ``returning``: active in the period before, too. ``resurrecting``: active
    earlier, not in the period before. ``dormant``: active in the period before, not in this one; while this
    one is in progress they may still come. ``older``: first seen here, but older than the log.

    Parameters
    ----------
    events
        Any dataframe with one row an event.
    customer, time, amount, every, tz, as_of, week_start, calendar, anchor, activity, min_count, older, \
observed_from, currency, money_unit, max_cells
        As for `retention`.
    returned
        Which events are activity; all by default.

    Examples
    --------
    >>> import salesops as so
    >>> times = ["2026-01-05", "2026-01-20", "2026-02-03", "2026-03-09"]
    >>> orders = {"customer": ["A", "B", "A", "B"], "time": times}
    >>> so.cohort.lifecycle(orders).to_frame()["resurrecting"].tolist()
    [0, 0, 1]
    """
    table, columns = _options.read_events(
        events,
        customer=customer,
        time=time,
        amount=amount,
        currency=currency,
        money_unit=money_unit,
        start=returned,
        returned=returned,
        older=older,
        by=None,
        tz=tz,
    )
    options = options_of(
        zone=columns.zone,
        every=every,
        week_start=week_start,
        calendar=calendar,
        anchor=anchor,
        activity=activity,
        min_count=min_count,
        as_of=as_of,
        observed_from=observed_from,
        max_cells=max_cells,
    )
    core = watched(table, columns, options, lambda: _core.lifecycle(table, columns, options, threads))
    _options.tell_never(core.issues, table, returned, columns.returned, "returned")
    return Lifecycle(core, events)
