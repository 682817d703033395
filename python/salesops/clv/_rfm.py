"""From transactions to one row a customer."""

from __future__ import annotations

import copy
import datetime as dt
import html
import zoneinfo
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from salesops import _frame
from salesops._arguments import checked, listed
from salesops._columns import check_times, is_from, is_missing
from salesops._core.clv import Rfm as _Rfm
from salesops._core.clv import RfmState as _RfmState
from salesops._core.error import UsageError
from salesops._core.table import Column, Table
from salesops.calendar import time_zone
from salesops.clv._units import BELOW_A_DAY, unit_of
from salesops.plot.base import counted

if TYPE_CHECKING:
    from salesops._core.issues import Issues
    from salesops.clv._timeline import Timeline

Day = str | dt.date | None
_End = tuple[dt.date, int] | None


class _Asked(NamedTuple):
    """How rows were asked for, as the core takes it."""

    unit: str
    discrete: bool
    calibration_end: _End
    holdout_end: _End
    observation_end: _End
    include_first: bool = False


class Rfm:
    """One row a customer: frequency, recency, T and, with amounts, what was spent.

    A table that any dataframe library reads (``__arrow_c_stream__``); `to_frame` gives the kind that the
    transactions came in. The models take it as it is and keep its unit of time.
    """

    def __init__(self, state: _RfmState, asked: _Asked, source: Any, threads: int = 0) -> None:
        self._state = state
        self._asked = asked
        self._core: _Rfm = state.finish(*asked, threads)
        self.table: Table = self._core.to_table()
        self.source = _frame.empty_like(source)
        self._joined: list[tuple[Table, str]] = []
        self._timeline: Timeline | None = None

    def _again(
        self, *, calibration_end: dt.date, holdout_end: dt.date | None = None, to_end: bool = False
    ) -> Rfm:
        """The rows of the same transactions as they would be with other last days, and what was joined."""
        seen = None if to_end else (holdout_end or calibration_end)
        asked = _Asked(
            self.unit,
            self.discrete,
            end_of(calibration_end, "calibration_end"),
            end_of(holdout_end, "holdout_end"),
            end_of(seen, "observation_end"),
        )
        rows = Rfm(self._state, asked, self.source)
        for table, on in self._joined:
            rows = rows.join(table, on)
        rows._timeline = self._timeline
        return rows

    @property
    def unit(self) -> str:
        """Unit of recency and T."""
        return self._core.unit

    @property
    def discrete(self) -> bool:
        """Whether civil periods of the unit were counted."""
        return self._core.discrete

    @property
    def include_first(self) -> bool:
        """Whether frequency and monetary_value count the first purchase, which models of purchases refuse."""
        return self._asked.include_first

    @property
    def currency(self) -> str:
        """ISO 4217 code of the amounts, as far as known."""
        return self._core.currency

    @property
    def calibration_end(self) -> dt.date:
        """Last day the models see; for hours and minutes the last minute of UTC."""
        return self._moment(self._core.calibration_end)

    @property
    def holdout_end(self) -> dt.date:
        """Last day (minute) of the holdout; `calibration_end` without one."""
        return self._moment(self._core.holdout_end)

    def _moment(self, end: tuple[dt.date, int]) -> dt.date:
        day, minute = end
        if not self._core.by_minute:
            return day
        return dt.datetime.combine(day, dt.time(*divmod(minute, 60)), dt.UTC)

    @property
    def holdout_duration(self) -> float:
        """Length of the holdout in the unit; 0 without one."""
        return self._core.holdout_duration

    @property
    def issues(self) -> Issues:
        """What was merged and left out, by rule."""
        return self._core.issues

    def __copy__(self) -> Rfm:
        made = object.__new__(Rfm)
        vars(made).update(vars(self))
        return made

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle holds: the transactions as text, of which the rows are made again."""
        kept = vars(self) | {"_state": self._state.to_json()}
        del kept["_core"]
        return kept

    def __setstate__(self, kept: dict[str, Any]) -> None:
        vars(self).update(kept)
        self._state = _RfmState.from_json(kept["_state"])
        self._core = self._state.finish(*self._asked, 0)

    def __len__(self) -> int:
        return len(self._core)

    def __getitem__(self, name: str) -> Any:
        return self.table.column(name).to_numpy()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema, money="float64", strings="text")

    def to_frame(self) -> Any:
        """Give the rows as the kind of frame that the transactions came in.

        A pandas frame keeps the unit of time in ``attrs["unit"]``, where the models read it; of other kinds
        tell it them with ``unit=``.
        """
        frame = _frame.like(self.table, self.source)
        if is_from(frame, "pandas"):
            frame.attrs["unit"] = self.unit
        return frame

    def join(self, customers: Any, on: str = "customer") -> Rfm:
        """Add what else is known of the customers, as columns that models take as covariates.

        Parameters
        ----------
        customers
            Any frame with one row a customer; others than those here may be in it.
        on
            Its column with the customer. Customers here that it lacks get nulls.

        Examples
        --------
        >>> import salesops as so
        >>> tx = {"customer": ["A", "B"], "time": ["2026-01-05", "2026-01-12"]}
        >>> rows = so.clv.rfm(tx).join({"id": ["B", "A"], "channel": ["web", "shop"]}, on="id")
        >>> rows.table.column("channel").to_list()
        ['shop', 'web']
        """
        table = _frame.to_core(customers)
        if on not in table.names:
            raise UsageError(f"join: no column '{on}'; there are {', '.join(table.names)}")
        keys = table.column(on).to_list()
        place = {key: row for row, key in enumerate(keys) if key is not None}
        if len(place) < sum(key is not None for key in keys):
            raise UsageError(f"join: column '{on}' names a customer twice; one row a customer is needed")
        added = [name for name in table.names if name != on]
        for name in added:
            if name in self.table.names or (self._timeline and name in self._timeline.names):
                raise UsageError(f"join: there is a column '{name}' already; rename the one to add")
        rows = [place.get(key) for key in self.table.column("customer").to_list()]
        if all(row is None for row in rows):
            raise UsageError(f"join: no customer here is in column '{on}'; are both text, or both numbers?")
        values = {name: table.column(name).to_list() for name in added}
        taken = {n: [None if row is None else column[row] for row in rows] for n, column in values.items()}
        made = _frame.from_columns(taken)
        joined = copy.copy(self)
        joined._joined = [*self._joined, (table, on)]
        columns = [(name, self.table.column(name)) for name in self.table.names]
        joined.table = Table(columns + [(name, made.column(name)) for name in made.names])
        return joined

    @checked
    def over_time(
        self, frame: Any, *, start: str = "start", customer: str | None = None, until: Day = None
    ) -> Rfm:
        """Add what changes over time, as columns that `ParetoNBD` takes as covariates.

        Parameters
        ----------
        frame
            Any frame with one row a day of change, or a customer and day of change: seasons, campaigns,
            prices. It reaches from the first purchases to `calibration_end`, and for a forecast on to its
            horizon: what is planned then, or assumed.
        start
            Its column with the day from which a row holds, until the next one (of the same customer).
        customer
            Its column with the customer; without one the rows hold for all.
        until
            Day on which the last row ends; by default it holds as long as the row before it.

        Notes
        -----
        A purchase belongs to the row with start ≤ day < next start. The same rows may be told another plan:
        `over_time` replaces what was told before.

        Examples
        --------
        >>> import salesops as so
        >>> tx = {"customer": ["A", "B", "A"], "time": ["2026-01-05", "2026-01-12", "2026-02-02"]}
        >>> sale = {"start": ["2026-01-01", "2026-01-10", "2026-01-20"], "sale": [0, 1, 0]}
        >>> so.clv.rfm(tx, unit="week").over_time(sale, until="2026-06-01")
        <Rfm: 2 customers in weeks to 2026-02-02; sale over time>
        """
        from salesops.clv._timeline import Timeline

        if self.discrete:
            raise UsageError("over_time needs times: make the rows without discrete=True")
        if self._core.by_minute:
            raise UsageError("over_time counts days: make the rows with unit='day' or a longer one")
        made = Timeline(_frame.to_core(frame), start, customer, day_of(until, "until"))
        for name in made.names:
            if name in self.table.names:
                raise UsageError(f"over_time: there is a column '{name}' already; rename the one to add")
        told = copy.copy(self)
        told._timeline = made
        return told

    @checked
    def scores(self, groups: int = 5) -> Any:
        """Score recency, frequency and spend from 1 to `groups`, and name segments (of five groups).

        A score is 1 + ⌊groups × the share of customers that are worse⌋, so equal customers score equally
        and groups may differ in size. Few days since the last purchase score high.
        """
        recency, frequency, monetary, segment = self._core.scores(groups)
        columns: list[tuple[str, Column]] = [("customer", self.table.column("customer"))]
        made = {"recency_score": recency, "frequency_score": frequency}
        if self._core.has_amount:
            made["monetary_score"] = monetary
        scores = _frame.from_columns(made | ({"segment": segment} if segment else {}))
        return _frame.like(Table(columns + [(n, scores.column(n)) for n in scores.names]), self.source)

    def __repr__(self) -> str:
        kind = f"civil {self.unit}s" if self.discrete else f"{self.unit}s"
        text = f"<Rfm: {counted(len(self), 'customer')} in {kind} to {_said(self.calibration_end)}"
        if self.holdout_duration:
            text += f", holdout to {_said(self.holdout_end)}"
        if self._timeline is not None:
            text += f"; {', '.join(self._timeline.names)} over time"
        notes = self.issues.summary()
        counts = ", ".join(
            f"{n:,} {rule}" + (f" in '{column}'" if column else "")
            for column, rule, n in zip(
                *(notes.column(name).to_list() for name in ("column", "rule", "n")), strict=True
            )
        )
        return text + (f"; {counts}>" if counts else ">")

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>" + _frame.to_html(self.table)


class RfmState:
    """Transactions of many batches: ``partial`` each, ``merge``, then ``finish``.

    Results equal those of all rows at once to the bit, in any order and any cut.

    Examples
    --------
    >>> import salesops as so
    >>> january = {"customer": ["A", "B"], "date": ["2026-01-05", "2026-01-07"]}
    >>> february = {"customer": ["A"], "date": ["2026-02-02"]}
    >>> state = so.clv.RfmState()
    >>> for batch in (january, february):
    ...     state = state.merge(so.clv.RfmState.partial(batch, customer="customer", time="date"))
    >>> state.finish(unit="week")["recency"].tolist()
    [4.0, 0.0]
    """

    def __init__(self) -> None:
        self._core = _RfmState()
        self._source: Any = None
        self._zone: dt.tzinfo | None = None  # whose days count, as far as known
        self._shared = False

    @classmethod
    @checked
    def partial(
        cls,
        transactions: Any,
        *,
        customer: str = "customer",
        time: str = "time",
        amount: str | None = None,
        currency: str = "",
        money_unit: str = "major",
        tz: str | dt.tzinfo | None = None,
        by_minute: bool = False,
        threads: int = 0,
    ) -> RfmState:
        """Read a batch; the arguments are those of `rfm`.

        `by_minute` tells purchases apart by the minute, which ``finish(unit="hour")`` needs, not by the day.
        """
        if money_unit not in ("major", "minor"):
            raise UsageError(f"money_unit is 'major' or 'minor', not {money_unit!r}")
        columns = [customer, time] + ([amount] if amount else [])
        state = cls()
        state._source = _frame.empty_like(transactions)
        tz = tz or _frame.own_zone(transactions, columns)
        table = _frame.to_core(transactions, columns, tz)
        check_times(table.column(time), time)
        state._core = _RfmState.partial(
            table,
            customer,
            time,
            amount or "",
            currency,
            money_unit == "minor",
            time_zone(tz),
            by_minute,
            threads,
        )
        state._zone = _zone_of(tz)
        return state

    def merge(self, other: RfmState | Iterable[RfmState]) -> RfmState:
        """Add another batch, or several; returns itself."""
        for state in [other] if isinstance(other, RfmState) else listed(other, "other"):
            if not isinstance(state, RfmState):
                raise UsageError(f"other: need what RfmState.partial made, not {type(state).__name__}")
            if self._shared:  # with rows, which are of what was known when they were made
                known, self._core, self._shared = self._core, _RfmState(), False
                self._core.merge(known)
            self._core.merge(state._core)
            if self._source is None:
                self._source = state._source
            if self._zone is None:
                self._zone = state._zone
        return self

    @checked
    def finish(
        self,
        *,
        unit: str = "day",
        discrete: bool = False,
        calibration_end: Day = None,
        holdout_end: Day = None,
        observation_end: Day = None,
        include_first: bool = False,
        threads: int = 0,
    ) -> Rfm:
        """One row a customer; the arguments are those of `rfm`."""
        of = unit_of(unit) or "day"
        end = end_of if of in BELOW_A_DAY else _whole_day
        asked = _Asked(
            of,
            discrete,
            end(calibration_end, "calibration_end", self._zone),
            end(holdout_end, "holdout_end", self._zone),
            end(observation_end, "observation_end", self._zone),
            include_first,
        )
        self._shared = True
        return Rfm(self._core, asked, self._source, threads)

    @checked
    def regularity(self, method: str = "mle") -> float | None:
        """Shape k of the times between purchases: 1 at random, more for a regular pace; None without enough.

        ``mle`` (conditional on each customer's total time, so each has a rate of its own), ``wheat`` (Wheat
        and Morrison), or the median over customers with ten gaps by ``minka``, ``thom`` or ``cv``.
        """
        k: float | None = self._core.regularity(method)[0]
        return k

    def to_json(self) -> str:
        """The state as text, exactly: to be merged on another machine or another day."""
        return self._core.to_json()

    @classmethod
    @checked
    def from_json(cls, text: str) -> RfmState:
        """A state that ``to_json`` wrote; `DataError` for any other text."""
        return _restored(text, None)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.to_json(), self._source, self._zone)

    @property
    def customers(self) -> int:
        """Customers seen so far."""
        return self._core.customers

    def __repr__(self) -> str:
        customers, days = counted(self._core.customers, "customer"), counted(self._core.days, "day")
        return f"<RfmState: {customers}, {days} with transactions>"


def _restored(text: str, source: Any, zone: dt.tzinfo | None = None) -> RfmState:
    state = RfmState()
    state._core = _RfmState.from_json(text)
    state._source = source
    state._zone = zone
    return state


def _zone_of(tz: str | dt.tzinfo | None) -> dt.tzinfo | None:
    if tz is None:
        return dt.UTC
    try:
        return zoneinfo.ZoneInfo(tz) if isinstance(tz, str) else tz
    except (ValueError, zoneinfo.ZoneInfoNotFoundError):  # a zone that Python doesn't know
        return None


def day_of(value: Day, argument: str, zone: Any = None) -> dt.date | None:
    """A day from a date or ISO text; None stays. An instant is the day that begins with it in the zone."""
    if value is None:
        return None
    if is_missing(value):
        raise UsageError(f"{argument}: a missing value is no date")
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            if zone is None:
                raise UsageError(f"{argument}: days count here, so give a date, not an instant of a zone")
            value = value.astimezone(zone)
        if value.time() != dt.time():
            raise UsageError(
                f"{argument}: days count here, so give a date such as '1997-09-30', not a time of day; "
                "rfm(…, unit='hour') ends at times"
            )
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{argument}: a date or text such as '1997-09-30'") from error


def _whole_day(value: Day, argument: str, zone: Any = None) -> tuple[dt.date, int] | None:
    day = day_of(value, argument, zone)
    return None if day is None else (day, 24 * 60 - 1)


def end_of(value: Day, argument: str, zone: Any = None) -> tuple[dt.date, int] | None:
    """The last day that counts, and its last minute (of UTC): all of a day, or until a time of it."""
    moment = value
    if isinstance(value, str) and not _is_date(value):
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            moment = value
    if not isinstance(moment, dt.datetime) or is_missing(moment):
        return _whole_day(value, argument)
    if moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC)
    return moment.date(), moment.hour * 60 + moment.minute


def split_day(end: dt.date) -> tuple[dt.date, float]:
    """The day of an end, and how much of that day comes after it."""
    if not isinstance(end, dt.datetime):
        return end, 0.0
    return end.date(), 1 - (end.hour * 60 + end.minute + 1) / (24 * 60)


def _is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _said(end: dt.date) -> str:
    return f"{end:%Y-%m-%d %H:%M} UTC" if isinstance(end, dt.datetime) else str(end)


@checked
def rfm(
    transactions: Any,
    *,
    customer: str = "customer",
    time: str = "time",
    amount: str | None = None,
    unit: str = "day",
    discrete: bool = False,
    calibration_end: Day = None,
    holdout_end: Day = None,
    observation_end: Day = None,
    include_first: bool = False,
    currency: str = "",
    money_unit: str = "major",
    tz: str | dt.tzinfo | None = None,
    threads: int = 0,
) -> Rfm:
    """Summarise transactions to one row a customer.

    Parameters
    ----------
    transactions
        Any dataframe with one row a transaction.
    customer, time, amount
        Its columns. Customers are text or whole numbers; times dates, timestamps or ISO text; amounts
        numbers in major units (negative = refund), rounded once to the currency's decimals.
    unit
        ``day``, ``week`` (7 days), ``month`` or ``year`` (365.2425 days): recency, T are days ÷ its length.
        ``hour`` or ``minute``: all rows of a customer and minute are one purchase, and recency, T are
        minutes ÷ its length, in UTC.
    discrete
        Count civil periods of the unit instead, one purchase a period at most, as BG/BB needs.
    calibration_end
        Last day the models may see; by default `observation_end`. An instant must be a midnight of `tz`. For
        hours and minutes also a time, ``"1997-09-30 12:00"``: the last minute, of UTC without an offset.
    holdout_end
        Last day of the holdout that begins after `calibration_end`; by default `observation_end`.
    observation_end
        Nothing after this day is known; by default the latest day (minute) in the data.
    include_first
        Count the first purchase in frequency and monetary_value; only GammaGamma takes such rows.
    currency
        ISO 4217 code that decides the decimals; two by default.
    money_unit
        ``minor`` when whole numbers are minor units.
    tz
        Zone whose days count, and of timestamps without one; by default that of the timestamps, else UTC.

    Notes
    -----
    All rows of a customer and day are one purchase. A day with a refund that sums to zero or less is none;
    it lowers total_spend. A purchase of 0 counts in frequency and is left out of monetary_value, whose number
    of purchases is spend_frequency. `Rfm.issues` counts all of it.

    Examples
    --------
    >>> import salesops as so
    >>> tx = {
    ...     "customer": ["A", "A", "B"],
    ...     "date": ["2026-01-05", "2026-01-26", "2026-01-12"],
    ...     "value": [20.0, 30.0, 15.0],
    ... }
    >>> rows = so.clv.rfm(tx, time="date", amount="value", unit="week", observation_end="2026-03-02")
    >>> rows["frequency"].tolist(), rows["recency"].tolist(), rows["T"].tolist()
    ([1.0, 0.0], [3.0, 0.0], [8.0, 7.0])
    """
    state = RfmState.partial(
        transactions,
        customer=customer,
        time=time,
        amount=amount,
        currency=currency,
        money_unit=money_unit,
        tz=tz,
        by_minute=unit_of(unit) in BELOW_A_DAY,
        threads=threads,
    )
    return state.finish(
        unit=unit,
        discrete=discrete,
        calibration_end=calibration_end,
        holdout_end=holdout_end,
        observation_end=observation_end,
        include_first=include_first,
        threads=threads,
    )
