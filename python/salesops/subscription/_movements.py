"""From subscriptions to recurring revenue and its movements: at once, or batch by batch."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._arguments import checked, listed
from salesops._core import subscription as _core
from salesops._core.error import UsageError
from salesops._progress import Wanted, shown
from salesops.calendar import FiscalCalendar, time_zone
from salesops.crm import Crm, core_of
from salesops.plot.base import counted, plain
from salesops.subscription import _flow, _options, _segments
from salesops.subscription._options import Moment

if TYPE_CHECKING:
    from salesops._core.issues import Issues
    from salesops._core.table import Table
    from salesops.plot import Picture
    from salesops.subscription._retention import Retention

SHOWN = 12
GAINS = ("new", "reactivation", "expansion", "price_up")
MARKS = {
    "in_progress": ("*", "in progress"),
    "pending": ("?", "who left so lately may still come back within the grace"),
    "data_end": ("!", "most ends where the data ends"),
}


class Movements:
    """Recurring revenue by period and what moved it; made by `movements`.

    In every period start + new + reactivation + expansion + price_up + contraction + price_down + churn + fx
    = end, to the cent; losses are negative. A period's state is ``complete``, ``in_progress`` (not over at
    `as_of`), ``pending`` (who left since then may still come back within the `grace`), or ``data_end``: most
    that ran ends on the latest day that the rows know of, so the data may end there rather than the
    subscriptions.

    With ``by=`` frames have a row for each segment too, behind its name, and ``transfer``: what customers
    took from one segment to another. Then every kind adds up over the segments, and transfers to 0.
    """

    def __init__(
        self,
        core: _core.Movements,
        source: Any,
        details: bool = False,
        flow: _flow.Flow | None = None,
        issues: Issues | None = None,
    ) -> None:
        self._core = core
        self.source = source
        self._details = details
        self._flow = flow
        self._own_issues = issues

    # ---- what it knows ----

    @property
    def periods(self) -> list[str]:
        """Labels of the periods, without a gap."""
        return self._core.periods

    @property
    def currency(self) -> str:
        """ISO 4217 code of the amounts, as far as known."""
        return self._core.currency

    @property
    def follow(self) -> str:
        """``customer`` or ``subscription``."""
        return self._core.follow

    @property
    def as_of(self) -> dt.datetime:
        """Nothing from here on is known."""
        return _options.until(self._core.as_of)

    @property
    def issues(self) -> Issues:
        """What was left out, merged or cut, by rule."""
        return self._core.issues if self._own_issues is None else self._own_issues

    @property
    def by(self) -> str | None:
        """The column of the segments; None without."""
        return None if self._flow is None else self._flow.by

    @property
    def segments(self) -> list[str]:
        """The segments; ``(none)`` are the rows without one. Empty without ``by=``."""
        return [] if self._flow is None else self._flow.labels

    # ---- frames ----

    def to_frame(self) -> Any:
        """Long: period, kind (``start``, the movements, ``fx``, ``end``), n, amount, state."""
        return self._frame(self._told.long_table())

    def to_wide(self) -> Any:
        """One row a period: start, the movements, fx, end, customers, quick_ratio, state."""
        return self._frame(self._told.to_table())

    def mrr(self) -> Any:
        """One row a period: mrr, arr, customers, arpa, state."""
        return self._frame(self._told.mrr_table())

    def details(self) -> Any:
        """One row a customer and movement: period, kind, amount, before, after; needs ``details=True``."""
        self._need_details()
        return self._frame(self._told.moved_table())

    def balances(self) -> Any:
        """One row a customer and period with revenue: mrr; needs ``details=True``."""
        self._need_details()
        return self._frame(self._told.balances_table())

    @property
    def _told(self) -> _core.Movements | _flow.Flow:
        return self._core if self._flow is None else self._flow

    def _need_details(self) -> None:
        if not self._details:
            raise UsageError("customers were not kept: ask for them with movements(…, details=True)")

    def _frame(self, table: Table) -> Any:
        if self.source is None:
            return _frame.of_kind(table)
        return _frame.like(table, self.source)

    # ---- questions ----

    @checked
    def quick_ratio(
        self, period: str | None = None, *, reactivation: bool = True, segment: str | None = None
    ) -> float | None:
        """(new + reactivation + expansion + price_up) ÷ losses; None in a period without losses.

        Parameters
        ----------
        period
            Its label; the last that is over by default.
        reactivation
            Count those who came back among the gains.
        segment
            One of `segments`; all of them by default.
        """
        place = self._place(period)
        if place is None:
            return None
        if segment is None:
            return self._core.quick_ratio(place, reactivation)
        row = self._segment(segment)
        gains, losses = self._known_flow().gains_and_losses(reactivation)
        return float(gains[row, place] / losses[row, place]) if losses[row, place] else None

    def _known_flow(self) -> _flow.Flow:
        if self._flow is None:
            raise UsageError("segment: nothing was asked by segment; name a column with movements(…, by=…)")
        return self._flow

    def _segment(self, segment: str) -> int:
        labels = self._known_flow().labels
        if segment not in labels:
            raise UsageError(f"segment: there is no {segment!r}; there are {', '.join(labels) or 'none'}")
        return labels.index(segment)

    def _place(self, period: str | None) -> int | None:
        periods, states = self._core.periods, self._core.state
        if period is not None:
            if period not in periods:
                shown_periods = f"{periods[0]} to {periods[-1]}" if periods else "none"
                raise UsageError(f"period: there is no {period!r}; there are {shown_periods}")
            return periods.index(period)
        over = [i for i, state in enumerate(states) if state == "complete"]
        return over[-1] if over else (len(periods) - 1 if periods else None)

    @checked
    def plot(
        self, first: str | None = None, last: str | None = None, *, segment: str | None = None
    ) -> Picture:
        """Draw what took the revenue from the start of a period to the end of another: a `Picture`.

        With ``by=``: the revenue of each segment by period, or the steps of the `segment` named.

        Parameters
        ----------
        first, last
            Labels of periods; the last twelve that are over by default, one alone where only one is named.
        segment
            One of `segments`.
        """
        from salesops.subscription import _pictures

        row = None if segment is None else self._segment(segment)

        if last is None:
            end = self._place(first)
            begin = end if first is not None or end is None else max(0, end - 11)
        else:
            end = self._place(last)
            begin = end if first is None else self._place(first)
        if begin is None or end is None:
            raise UsageError("there is no revenue in any period: nothing to draw")
        if begin > end:
            raise UsageError(f"first: {first} comes after {last}")
        if self._flow is not None and row is None:
            return _pictures.by_segment(self, self._flow, begin, end)
        return _pictures.waterfall(self, begin, end, row)

    # ---- prints ----

    def __repr__(self) -> str:
        from salesops.plot.base import aligned

        core = self._core
        rows = [["period", "start", "new", "back", "up", "down", "churn", "end", "customers"]]
        if any(core.fx):
            rows[0].insert(7, "fx")
        kinds = dict(zip(core.kinds, core.amount, strict=True))
        digits = self._digits()
        for i in list(range(len(core.periods)))[-SHOWN:]:
            up = kinds["expansion"][i] + kinds["price_up"][i]
            down = kinds["contraction"][i] + kinds["price_down"][i]
            cells = [core.start[i], kinds["new"][i], kinds["reactivation"][i], up, down, kinds["churn"][i]]
            cells += [core.fx[i]] * (len(rows[0]) - 9) + [core.end[i]]
            texts = [_amount(cell / 10**digits) for cell in cells]
            rows.append([core.periods[i] + mark(core.state[i]), *texts, f"{core.active[i]:,}"])
        lines = [self._headline()]
        if len(rows) > 1:
            lines += aligned(rows)
        if len(core.periods) > SHOWN:
            lines.append(f"… {len(core.periods):,} periods in all")
        return "\n".join(lines + legend(core.state))

    def _digits(self) -> int:
        from salesops._core.money import Currency

        return Currency(self._core.currency).exponent if self._core.currency else 2

    def _headline(self) -> str:
        from textwrap import fill

        core = self._core
        text = (
            f"<Movements of monthly recurring revenue by {core.follow} and {core.every}, "
            f"{core.currency or 'no currency named'}, {core.zone}, as of {self.as_of:%Y-%m-%d %H:%M} UTC"
        )
        if self._flow is not None:
            text += f"; {counted(len(self.segments), 'segment')} by {plain(self._flow.by, 30)}"
        return fill(text + _notes(self.issues) + ">", 80)

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self._headline())}</p>" + _frame.to_html(self._told.to_table(), 50)


def mark(state: str) -> str:
    """The sign behind a period that isn't complete."""
    return MARKS.get(state, ("", ""))[0]


def legend(states: list[str]) -> list[str]:
    """What the signs say."""
    return [f"{sign} {text}" for state, (sign, text) in MARKS.items() if state in states]


def _notes(issues: Issues) -> str:
    notes = _frame.to_dict(issues.summary()) if len(issues) else {"n": [], "rule": []}
    return "".join(f"; {n:,} {rule}" for n, rule in zip(notes["n"], notes["rule"], strict=True))


def _amount(value: float) -> str:
    from salesops.plot.base import compact

    return f"{value:,.0f}" if abs(value) < 1e6 else compact(value)


class SubscriptionState:
    """Subscriptions of many batches: ``partial`` each, ``merge``, then ``finish``.

    Results equal those of all rows at once, in any order and any cut.

    Examples
    --------
    >>> import salesops as so
    >>> first = {"customer": ["A"], "start": ["2026-01-05"], "end": [None], "amount": [40]}
    >>> second = {"customer": ["B"], "start": ["2026-01-09"], "end": ["2026-02-09"], "amount": [25]}
    >>> state = so.subscription.SubscriptionState()
    >>> for batch in (first, second):
    ...     state.merge(so.subscription.SubscriptionState.partial(batch))
    >>> state.finish(as_of="2026-03-01").mrr()["mrr"].tolist()
    [65.0, 40.0]
    """

    def __init__(self) -> None:
        self._core = _core.State()
        self._source: Any = {}
        self._zone: Any = None

    @classmethod
    def partial(cls, subscriptions: Any, *, threads: int = 0, **columns: Any) -> SubscriptionState:
        """Read a batch; the arguments are those of `movements` that name columns and how to read them."""
        _options.only(columns, _options.READING, "SubscriptionState.partial")
        return state_of(subscriptions, columns, threads)

    def merge(self, other: SubscriptionState | Iterable[SubscriptionState]) -> None:
        """Add another batch, or several."""
        for state in [other] if isinstance(other, SubscriptionState) else listed(other, "other"):
            if not isinstance(state, SubscriptionState):
                raise UsageError(f"other: need what partial made, not {type(state).__name__}")
            if not self._core.rows:
                self._source, self._zone = state._source, state._zone
            self._core.merge(state._core)

    def finish(
        self, *, details: bool = False, threads: int = 0, progress: Wanted = None, **how: Any
    ) -> Movements:
        """Follow the revenue; the arguments are those of `movements` that don't name columns."""
        options = _options.options_of(zone=time_zone(self._zone), **how)
        options.keep_movements = options.keep_balances = details
        with shown(progress, "movements") as tell:
            made = self._core.finish(options, threads, tell)
        _options.until(made.as_of)
        return Movements(made, self._source, details)

    def retention(self, **how: Any) -> Retention:
        """Compare start cohorts; the arguments are those of `retention` that don't name columns."""
        from salesops.subscription._retention import finish

        return finish(self, how)

    @property
    def customers(self) -> int:
        """Customers (or subscriptions) seen so far."""
        return self._core.customers

    @property
    def rows(self) -> int:
        """Rows with revenue seen so far."""
        return self._core.rows

    def __repr__(self) -> str:
        return f"<SubscriptionState: {counted(self.customers, 'customer')}, {counted(self.rows, 'row')}>"


def state_of(subscriptions: Any, columns: dict[str, Any], threads: int) -> SubscriptionState:
    """What a frame, or a book, tells of subscriptions."""
    state = SubscriptionState()
    if isinstance(subscriptions, Crm):
        where = _options.book_columns(columns)
        book = core_of(subscriptions, "subscription")
        state._core = _core.State.of_book(book, where, not columns.get("ignore_pauses", False))
        state._source = None
    else:
        table, where = _options.rows_of(subscriptions, columns)
        state._core = _core.State.partial(table, where, threads)
        state._source = _frame.empty_like(subscriptions)
    state._zone = where.zone
    return state


def whole_of(segments: _segments.Segments) -> SubscriptionState:
    """The state of all segments together."""
    state = SubscriptionState()
    state._core, state._source, state._zone = segments.whole, segments.source, segments.zone
    return state


@checked
def movements(
    subscriptions: Any,
    *,
    customer: str = "customer",
    subscription: str | None = None,
    start: str = "start",
    end: str | None = "end",
    amount: str = "amount",
    quantity: str | None = None,
    discount: str | None = None,
    billing: str | None = None,
    billing_count: str | None = None,
    trial_end: str | None = None,
    plan: str | None = None,
    currency: str = "",
    money_unit: str = "major",
    closed: str | None = None,
    closed_by: int | None = None,
    charges: bool = False,
    end_included: bool = False,
    allow_negative: bool = False,
    ignore_pauses: bool = False,
    churn_at: str = "end",
    follow: str = "customer",
    tz: str | dt.tzinfo | None = None,
    by: str | None = None,
    every: str = "month",
    calendar: FiscalCalendar | None = None,
    as_of: Moment = None,
    window: str | None = None,
    grace: str | None = None,
    overlaps: str = "latest",
    to: str | None = None,
    rates: Any = None,
    rate_kind: str = "spot",
    rate_day: Moment = None,
    max_age: int | None = None,
    through: str = "",
    missing: str = "error",
    details: bool = False,
    max_periods: float = 100_000,
    threads: int = 0,
    progress: Wanted = None,
) -> Movements:
    """Follow monthly recurring revenue from period to period: new, expansion, contraction, churn, back again.

    Parameters
    ----------
    subscriptions
        Any dataframe with one row a subscription, a version of one, or an invoice line; or a book, whose
        tables ``subscription`` and ``subscription_event`` are followed (its columns need no naming).
    customer, start, end, amount
        Columns. Customers are text or whole numbers; `start` and `end` dates, timestamps or ISO text. A row
        is paid for from its start up to its end (not included, unless `end_included`); null runs on.
        ``end=None`` where there is no such column. `amount` is the price of a unit for an interval.
    subscription
        Column that names the subscription of a row. Without it each row is one, so that equal rows add up.
    quantity, discount
        Columns: units (1 by default), and an amount off each interval, of all units together.
    billing, billing_count
        What the amount is for: ``day``, ``week``, ``month`` (default), ``quarter``, ``half``, ``year``, or a
        column of such words (``annual``, ``monthly``, … are read too); and a column with how many of them.
        A week counts 52/12, a day 365/12 times a month.
    trial_end
        Column: nothing is paid before. A version of a subscription holds from its start on, so that who is in
        trial of another version pays nothing until then.
    plan
        Column. Price changes are told apart where `quantity` is named: other prices of the units of one
        subscription that both periods have, at an unchanged plan, are ``price_up`` and ``price_down``.
    currency
        ISO 4217 code that decides the decimals (two by default), or the column that holds it.
    money_unit
        ``minor`` when whole numbers are minor units.
    closed, closed_by
        Column of signing days, and the day of the month by which a start in the month after counts from the
        signing on: ``closed_by=15``.
    charges
        Rows are invoice lines: a row's amount is for the time from its start to its end; where there is no
        end it lasts one interval.
    allow_negative
        Amounts below 0 lower their customer's revenue; by default they are left out and counted.
    ignore_pauses
        Of a book: revenue runs on through pauses. By default a pause takes it out.
    churn_at
        Of a book: a cancelled subscription is over at its ``end``, or without one when it was cancelled
        (``cancel_at``, else its event); ``cancel``: when it was cancelled.
    follow
        ``customer``: revenue is followed by customer, so that an end of one of several subscriptions is
        contraction; ``subscription``: each on its own.
    tz
        Zone whose days count, and of timestamps without one; by default that of the timestamps, else UTC.
    by
        Column of segments, such as plan or country; of a book one of its subscriptions' columns, or of their
        accounts': ``account.segment``. Every row is in its own segment. A customer's movement of a period is
        what it is for the whole customer, shared among its segments; what it takes from one to another is
        ``transfer``, which adds up to 0. Not with `window`.
    every, calendar
        ``day``, ``week``, ``month``, ``quarter``, ``half``, ``year`` of the civil calendar, or of
        a `so.calendar.FiscalCalendar`.
    as_of
        Later starts and ends are not known: an instant, or a day, of which it is the beginning. By default
        the end of the day of the latest start (of a book: its latest instant), so that ends to come don't
        count; a few starts more than 400 days after the rest don't decide it (``long_after_the_rest`` in
        `issues`), and ends that may be planned like the starts after them are told as ``perhaps_planned``.
    window
        Follow changes one by one rather than by period ends: those of a customer within ``60min`` or ``2d``
        of the first count as one, dated at the first.
    grace
        Who comes back within ``14d`` of an end never left: the old revenue runs on until then. Periods that
        someone who left so lately may still change are ``pending``.
    overlaps
        Rows of one subscription that overlap: ``latest``, the one that began last holds (a free one or one in
        trial too) and equal rows count once; ``sum``, they are items that add up.
    to, rates, rate_kind, rate_day, max_age, through, missing
        Convert to a currency by a frame of dated rates (date, from, to, rate; of a book: its own), as
        `Crm.in_currency` finds them: at the last day of each period, or at `rate_day` throughout. Rates
        make no movement; what they do to the revenue is ``fx``. ``missing="leave_out"`` drops currencies
        that lack a rate.
    details
        Keep every customer's movements and balances, for `Movements.details` and `Movements.balances`.
    max_periods
        More are refused.

    Examples
    --------
    >>> import salesops as so
    >>> plans = {
    ...     "customer": ["A", "A", "B", "B"],
    ...     "start": ["2026-01-05", "2026-02-05", "2026-01-12", "2026-03-20"],
    ...     "end": ["2026-02-05", None, "2026-02-12", None],
    ...     "amount": [40, 65, 25, 30],
    ... }
    >>> made = so.subscription.movements(plans, as_of="2026-04-01")
    >>> wide = made.to_wide()
    >>> wide["expansion"].tolist(), wide["churn"].tolist(), wide["reactivation"].tolist()
    ([0.0, 25.0, 0.0], [0.0, -25.0, 0.0], [0.0, 0.0, 30.0])
    >>> wide["end"].tolist()
    [65.0, 65.0, 95.0]
    """
    given = dict(locals())
    reading, how = _options.split(given)
    if isinstance(subscriptions, Crm) and to is not None and rates is None:
        how["rates"] = subscriptions
    if by is not None:
        return _by_segment(subscriptions, by, reading, how, details, threads, progress)
    state = state_of(subscriptions, reading, threads)
    return state.finish(details=details, threads=threads, progress=progress, **how)


def _by_segment(
    subscriptions: Any,
    by: str,
    reading: dict[str, Any],
    how: dict[str, Any],
    details: bool,
    threads: int,
    progress: Wanted,
) -> Movements:
    """The whole, then each segment to the same day."""
    if how["window"] is not None:
        raise UsageError("window: segments are compared at period ends; leave it out")
    found = _segments.read(subscriptions, by, reading, how["overlaps"], threads)
    options = _options.options_of(zone=found.zone, **how)
    options.keep_movements, options.keep_balances = True, details
    with shown(progress, "movements") as tell:
        whole = found.whole.finish(options, threads, tell)
    tables = [whole.to_table(), whole.long_table(), whole.mrr_table()]
    _segments.check_names(by, [*tables, whole.moved_table()] if details else tables)
    _options.known_to(options, whole.as_of)
    parts = [part.finish(options, threads, None) for part in found.parts]
    flow = _flow.Flow(found, whole, parts, how["to"] is not None)
    issues = _segments.issues_of(found, whole.issues, flow.wanderers)
    return Movements(whole, found.source, details, flow, issues)


@checked
def mrr(subscriptions: Any, *, threads: int = 0, progress: Wanted = None, **how: Any) -> Any:
    """Monthly and annual recurring revenue at the end of every period.

    Parameters
    ----------
    subscriptions, **how
        As for `movements`.

    Returns
    -------
    frame
        period, start_date, mrr, arr, customers, arpa (mrr a customer), state; with ``by=`` behind the
        segment.

    Notes
    -----
    `arr` is the exact sum of what the rows bring a year: 10,000 customers at 10.00 a year are 100,000.00.
    Only what a `billing_count`, an invoice line of odd length or a fraction of a minor unit leaves is
    rounded, once a row; the sum of each currency is converted at once. `mrr` is the ``end`` of `movements`,
    whose monthly amounts are rounded to the minor unit, half to even, before rows are summed, so that
    customers, segments and movements add up: 0.83 each, 8,300.00. So ``arr / 12`` is the exact monthly
    revenue, and `mrr` is within half a minor unit a row of it (where amounts are converted, another half a
    customer and currency).

    Examples
    --------
    >>> import salesops as so
    >>> seats = {"customer": ["A", "B"], "start": ["2026-01-01", "2026-01-15"], "price": [99, 1200]}
    >>> seats |= {"seats": [50, 20], "paid": ["month", "year"]}
    >>> names = {"end": None, "amount": "price", "quantity": "seats", "billing": "paid"}
    >>> frame = so.subscription.mrr(seats, **names)
    >>> frame["mrr"].tolist(), frame["arr"].tolist()
    ([6950.0], [83400.0])
    """
    return movements(subscriptions, threads=threads, progress=progress, **how).mrr()
