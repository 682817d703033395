"""What contracts are worth, and what of them was renewed."""

from __future__ import annotations

import datetime as dt
import html
from textwrap import fill
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._arguments import checked
from salesops._core import subscription as _core
from salesops._core.error import UsageError
from salesops.calendar import time_zone
from salesops.crm import Crm
from salesops.plot.base import counted, percent
from salesops.subscription import _options, _segments
from salesops.subscription._deals import won_deals
from salesops.subscription._movements import SHOWN, _amount, _notes, state_of, whole_of

if TYPE_CHECKING:
    from salesops._core.issues import Issues
    from salesops._core.table import Table
    from salesops.plot import Picture


class Renewals(_segments.Compared):
    """Contracts that came up for renewal and what became of them, by the period of their last day.

    ``rate``: renewals with anything booked ÷ renewals that were up. ``gross_rate``: revenue booked, each
    capped at what was available, ÷ revenue available. ``net_rate``: the same uncapped. Renewals whose time
    isn't over at `as_of` are ``pending`` and in no rate. With ``by=`` frames have a row for each segment too,
    behind its name.
    """

    _core: _core.Renewals

    @property
    def periods(self) -> list[str]:
        """Labels of the periods."""
        return self._core.periods

    def to_frame(self) -> Any:
        """One row a period: up, renewed, pending, rate, low, high, available, booked, kept, rates, state."""
        table = self._table()
        return _frame.of_kind(table) if self.source is None else _frame.like(table, self.source)

    def _table(self) -> Table:
        if self._beside is None:
            return self._core.to_table()
        return self._beside.table("to_table")

    def plot(self) -> Picture:
        """Draw the renewal rate by period, or by segment: a `Picture`."""
        from salesops.subscription import _pictures

        if self._beside is not None:
            return _pictures.renewals_by_segment(self, self._beside)
        return _pictures.renewals(self)

    def __repr__(self) -> str:
        from salesops.plot.base import aligned

        wide = _frame.to_dict(self._core.to_table())
        rows = [["period", "up", "renewed", "pending", "rate", "available", "kept", "gross", "net"]]
        seen = [i for i, n in enumerate(wide["up"]) if n or wide["pending"][i]]
        for i in seen[-SHOWN:]:
            share = [
                "–" if wide[m][i] is None else percent(wide[m][i]) for m in ("rate", "gross_rate", "net_rate")
            ]
            counts = [f"{wide[name][i]:,}" for name in ("up", "renewed", "pending")]
            sums = [_amount(wide[name][i]) for name in ("available", "kept")]
            rows.append([wide["period"][i], *counts, share[0], *sums, *share[1:]])
        core = self._core
        text = (
            f"<Renewals by {core.follow} and {core.every}, {core.currency or 'no currency named'} a month, "
            f"{core.zone}, as of {self.as_of:%Y-%m-%d %H:%M} UTC"
        )
        if self._beside is not None:
            text += self._beside.note()
        lines = [fill(text + _notes(self.issues) + ">", 80)]
        return "\n".join(lines + (aligned(rows) if len(rows) > 1 else []))

    def _repr_html_(self) -> str:
        head = repr(self).split(">")[0] + ">"
        return f"<p>{html.escape(head)}</p>" + _frame.to_html(self._table(), 50)


@checked
def renewals(
    subscriptions: Any,
    *,
    early: str = "0d",
    late: str = "30d",
    level: float = 95,
    by: str | None = None,
    threads: int = 0,
    **how: Any,
) -> Renewals:
    """What share of the contracts that ended was renewed, in number and in revenue.

    All rows of a customer that end together are one renewal; its rows that begin from `early` before to
    `late` after are what was booked in their place, each for one renewal only. Rows should be contract terms;
    in a book, a ``renew`` event ends one term and begins the next, a ``change`` does not.

    Parameters
    ----------
    subscriptions, **how
        As for `movements` (without `window` and `details`). ``follow="subscription"`` looks for the renewal
        under the same subscription only.
    early, late
        Lengths such as ``30d``.
    level
        Percent that the intervals of the rate cover.
    by
        Column of segments, as for `movements`. A customer is in that of its first row, so that a contract
        renewed on another plan is renewed.

    Examples
    --------
    >>> import salesops as so
    >>> terms = {
    ...     "customer": ["A", "A", "B", "B", "C"],
    ...     "start": ["2025-01-01", "2026-01-01", "2025-01-01", "2026-01-10", "2025-01-01"],
    ...     "end": ["2026-01-01", None, "2026-01-01", None, "2026-01-01"],
    ...     "amount": [100, 130, 100, 70, 50],
    ... }
    >>> frame = so.subscription.renewals(terms, as_of="2026-03-01").to_frame()
    >>> frame["renewed"][-3].tolist(), frame["kept"][-3].tolist(), frame["gross_rate"][-3].tolist()
    (2, 170.0, 0.68)
    """
    _options.only(how, (_options.READING | _options.FOLLOWING) - {"window"}, "renewals")
    reading, rest = _options.split(how)
    if isinstance(subscriptions, Crm) and rest.get("to") is not None and rest.get("rates") is None:
        rest["rates"] = subscriptions
    found = None
    if by is None:
        state = state_of(subscriptions, reading, threads)
    else:
        found = _segments.read_customers(subscriptions, by, reading, threads)
        state = whole_of(found)
    options = _core.RenewalOptions()
    options.options = following = _options.options_of(zone=time_zone(state._zone), **rest)
    options.early_us = _options.length_of(early, "early") or 0
    options.late_us = _options.length_of(late, "late") or 0
    options.level = level
    whole = _core.renewals(state._core, options, threads)
    _options.until(whole.as_of)
    if found is None:
        return Renewals(whole, state._source)
    _options.known_to(following, whole.as_of)
    options.options = following
    parts = [_core.renewals(part, options, threads) for part in found.parts]
    return Renewals(whole, state._source, _segments.Beside(found, whole, parts))


class ContractValues:
    """Annual and total values of contracts; made by `contract_values`."""

    def __init__(self, core: _core.ContractValues, source: Any) -> None:
        self._core = core
        self.source = source

    @property
    def issues(self) -> Issues:
        """What was left out, by rule."""
        return self._core.issues

    def to_frame(self) -> Any:
        """One row a contract: start, end, years, tcv, acv, first_year, one_off, bookings (, currency)."""
        table = self._core.to_table()
        return _frame.of_kind(table) if self.source is None else _frame.like(table, self.source)

    def __len__(self) -> int:
        return len(self._core)

    def __repr__(self) -> str:
        head = fill(f"<ContractValues of {counted(len(self), 'contract')}{_notes(self.issues)}>", 80)
        wide = _frame.to_dict(self._core.to_table())
        name = next(iter(wide))
        from salesops.plot.base import aligned, plain

        rows = [[name, "start", "end", "years", "tcv", "acv", "bookings"]]
        for i in range(min(len(self), SHOWN)):
            sums = [_amount(wide[m][i]) for m in ("tcv", "acv", "bookings")]
            label = plain(str(wide[name][i]), 18)
            rows.append([label, str(wide["start"][i]), str(wide["end"][i]), f"{wide['years'][i]:.2f}", *sums])
        lines = aligned(rows) if len(rows) > 1 else []
        if len(self) > SHOWN:
            lines.append(f"… {len(self):,} contracts in all")
        return "\n".join([head, *lines])

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self).splitlines()[0])}</p>" + _frame.to_html(self._core.to_table(), 50)


@checked
def contract_values(
    contracts: Any,
    *,
    contract: str | None = None,
    start: str = "start",
    end: str = "end",
    amount: str = "amount",
    total: bool = False,
    quantity: str | None = None,
    discount: str | None = None,
    billing: str | None = None,
    billing_count: str | None = None,
    one_off: str | None = None,
    convention: str = "months",
    end_included: bool = False,
    currency: str = "",
    money_unit: str = "major",
    allow_negative: bool = False,
    tz: str | dt.tzinfo | None = None,
    threads: int = 0,
) -> ContractValues:
    """Total and annual contract value: ``tcv`` over the term, ``acv`` = tcv ÷ years.

    Parameters
    ----------
    contracts
        Any dataframe with one row a contract, or several (steps, products) under one name; or a book, whose
        won deals are contracts from the day they closed for their ``term_months``. What a deal's amount is
        for nobody can see: say ``total=True`` or ``billing="year"``.
    contract
        Column of that name; without it each row is one contract.
    start, end, amount, quantity, discount, billing, billing_count, end_included, currency, money_unit, \
allow_negative
        As for `movements`. Ends are needed.
    total
        The amount is for the whole of the row, from start to end, rather than for an interval.
    one_off
        Column of an amount that is paid once, besides.
    convention
        Years of a term: ``months`` (whole ones where the days agree) ÷ 12, ``days/365`` or ``days/360``.

    Returns
    -------
    ContractValues
        With ``first_year``, what the first twelve months bring (the other acv in use, for contracts that step
        up), and ``bookings``: acv of terms of a year or longer, else tcv.

    Examples
    --------
    >>> import salesops as so
    >>> signed = {"start": ["2019-06-15"], "end": ["2022-06-14"], "amount": [250]}
    >>> frame = so.subscription.contract_values(signed, total=True, convention="days/365").to_frame()
    >>> frame["tcv"].tolist(), frame["acv"].tolist()
    ([250.0], [83.33])
    """
    rows = contracts
    if isinstance(contracts, Crm):
        given = (contract, start, end, amount, quantity, discount, billing_count, one_off, currency)
        if given != (None, "start", "end", "amount", None, None, None, None, "") or end_included:
            raise UsageError("a book has columns of its own: leave the names of columns out")
        if total == (billing is not None) or (billing is not None and billing not in _options.BILLINGS):
            raise UsageError(
                "a deal's amount may be for its whole term or for a part of it: say total=True, or "
                "billing='year' (or 'month', …)"
            )
        rows, tz = won_deals(contracts, time_zone(tz)), tz or "UTC"
        contract, start, end, currency = "opportunity_id", "closed", "term_months", "currency"
    table, columns = _options.read_rows(
        rows,
        follow="subscription",
        subscription=contract,
        start=start,
        end=end,
        amount=amount,
        quantity=quantity,
        discount=discount,
        billing=billing,
        billing_count=billing_count,
        currency=currency,
        money_unit=money_unit,
        charges=total,
        end_included=end_included,
        allow_negative=allow_negative,
        tz=tz,
        extra=one_off,
    )
    core = _core.contract_values(table, columns, one_off or "", convention, threads)
    return ContractValues(core, None if isinstance(contracts, Crm) else _frame.empty_like(contracts))


@checked
def magic_number(revenue: float, revenue_before: float, cost_before: float) -> float | None:
    """Annual recurring revenue won by a unit of what sales and marketing cost the quarter before.

    Parameters
    ----------
    revenue, revenue_before
        Recurring revenue of the quarter and of the one before: three times that of a month.
    cost_before
        Cost of sales and marketing of the quarter before. (Some take the same quarter's: pass that.)

    Returns
    -------
    float
        (revenue − revenue_before) × 4 ÷ cost_before; None without a cost above 0.

    Examples
    --------
    >>> magic_number(330_000, 300_000, 100_000)
    1.2
    """
    for name, value in (
        ("revenue", revenue),
        ("revenue_before", revenue_before),
        ("cost_before", cost_before),
    ):
        if abs(value) > 9e13:
            raise UsageError(f"{name}: amounts go up to 9e13")
    cents = (round(value * 100) for value in (revenue, revenue_before, cost_before))
    return _core.magic_number(*cents)
