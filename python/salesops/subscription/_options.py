"""Arguments of subscriptions as the core takes them: columns, lengths, rates, instants."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from salesops import _frame
from salesops._arguments import checked, text, whole
from salesops._columns import EPOCH, is_missing
from salesops._core import subscription as _core
from salesops._core.error import UsageError
from salesops._core.table import Table
from salesops.calendar import FiscalCalendar, TimeZone, time_zone
from salesops.crm import Crm, begins_day, instant

Moment = str | dt.date | None

BILLINGS = ("day", "week", "month", "quarter", "half", "year")
UNITS = {"min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 7 * 86_400_000_000}
LENGTH = re.compile(r"(\d{1,6}) ?(min(?:utes?)?|h(?:ours?)?|d(?:ays?)?|w(?:eeks?)?)")


def length_of(length: str | None, argument: str) -> int | None:
    """Microseconds of a length such as ``60min``, ``24h``, ``7d``; None stays."""
    if length is None:
        return None
    found = LENGTH.fullmatch(text(length, argument))
    if found is None:
        raise UsageError(f"{argument}: a length such as '60min', '24h' or '7d', not {length!r}")
    unit = found[2]
    return int(found[1]) * UNITS["min" if unit.startswith("min") else unit[0]]


def known_at(as_of: Moment, zone: TimeZone) -> int | None:
    """Nothing from this microsecond on is known: the beginning of a day, or just after an instant."""
    if as_of is None:
        return None
    at = instant(as_of, "as_of", zone)
    return at + (0 if begins_day(at, zone) else 1)


def until(us: int) -> dt.datetime:
    """The instant from which on nothing is known."""
    try:
        return EPOCH + dt.timedelta(microseconds=us)
    except OverflowError:
        raise UsageError(
            "the latest start is the last day of the year 9999: say with as_of= until when rows are known, "
            "or leave such rows out"
        ) from None


def known_to(options: _core.Options, us: int) -> None:
    """Nothing from this instant on is known, as of the whole."""
    until(us)
    options.as_of = us


def day_of(value: Any, argument: str) -> dt.date:
    """A day from a date or ISO text."""
    if is_missing(value):
        raise UsageError(f"{argument}: a missing value is no date")
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{argument}: a date or text such as '2024-05-31'") from error


@checked
def read_rows(
    rows: Any,
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
    follow: str = "customer",
    tz: str | dt.tzinfo | None = None,
    extra: str | None = None,
) -> tuple[Table, _core.Columns]:
    """The core's table of the columns needed, and where it keeps what."""
    if money_unit not in ("major", "minor"):
        raise UsageError(f"money_unit is 'major' or 'minor', not {money_unit!r}")
    columns = _core.Columns()
    columns.customer, columns.start, columns.amount, columns.currency = customer, start, amount, currency
    columns.minor_units, columns.charges = money_unit == "minor", charges
    columns.end_included, columns.allow_negative, columns.follow = end_included, allow_negative, follow
    given = {
        "subscription": subscription,
        "end": end,
        "trial_end": trial_end,
        "closed": closed,
        "quantity": quantity,
        "discount": discount,
        "billing_count": billing_count,
        "plan": plan,
    }
    for name, column in given.items():
        setattr(columns, name, column or "")
    if (closed is None) != (closed_by is None):
        raise UsageError(
            "closed= names the column of signing days, closed_by= the last day of the month, both"
        )
    if closed_by is not None:
        if not 1 <= whole(closed_by, "closed_by") <= 31:
            raise UsageError("closed_by: a day of the month, 1 to 31")
        columns.closed_by = closed_by
    named = [*([customer] if follow == "customer" else []), start, amount, *(c for c in given.values() if c)]
    if billing in BILLINGS:
        columns.usual_billing = billing
    elif billing is not None:
        columns.billing = billing
        named.append(billing)
    if currency and not (len(currency) == 3 and currency.isupper()):
        named.append(currency)  # a column of codes
    if extra is not None:
        named.append(extra)
    tz = tz or _frame.own_zone(rows, named)
    columns.zone = time_zone(tz)
    try:
        return _frame.to_core(rows, list(dict.fromkeys(named)), tz), columns
    except UsageError as error:
        for name, word, known in (
            ("billing", billing, f"one of {', '.join(BILLINGS)}"),
            ("currency", currency, "a code of ISO 4217 such as 'EUR'"),
        ):
            if word and str(error).startswith(f"no column '{word}'"):
                raise UsageError(f"{name}: '{word}' is neither a column nor {known}") from error
        raise


def rows_of(rows: Any, reading: Mapping[str, Any], extra: str | None = None) -> tuple[Table, _core.Columns]:
    """`read_rows` of the arguments of `movements`, without those that are for books."""
    given = dict(reading)
    if given.pop("ignore_pauses", False):
        raise UsageError("ignore_pauses is for books, whose events tell of pauses")
    if given.pop("churn_at", "end") != "end":
        raise UsageError("churn_at is for books, which tell ends from cancellations")
    return read_rows(rows, **given, extra=extra)


def rates_of(rates: Any) -> Table | None:
    """Dated rates as the model's table `fx_rate`: date, from, to, rate."""
    if rates is None:
        return None
    if isinstance(rates, Crm):
        return rates.table("fx_rate") if "fx_rate" in rates.tables else None
    try:
        book = Crm.build({"fx_rate": rates})
    except UsageError as error:
        raise UsageError(f"rates: {error}") from error
    table = book.table("fx_rate")
    if "rate" not in table.names:
        raise UsageError("rates: need the columns date, from, to and rate")
    return table


@checked
def options_of(
    *,
    zone: Any,
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
    max_periods: float = 100_000,
) -> _core.Options:
    """The core's options."""
    options = _core.Options()
    options.every, options.calendar, options.overlaps = every, FiscalCalendar.given(calendar), overlaps
    options.as_of = known_at(as_of, zone)
    options.window_us, options.grace_us = length_of(window, "window"), length_of(grace, "grace") or 0
    options.max_periods = int(min(max(max_periods, 1), 2**62))
    if to is None and rates is not None:
        raise UsageError("rates convert: name the currency with to=")
    options.to, options.rates = to or "", rates_of(rates)
    day = None if rate_day is None else day_of(rate_day, "rate_day")
    options.convert(rate_kind, max_age, through, missing, day)
    return options


READING = frozenset(
    (
        "customer",
        "subscription",
        "start",
        "end",
        "amount",
        "quantity",
        "discount",
        "billing",
        "billing_count",
        "trial_end",
        "plan",
        "currency",
        "money_unit",
        "closed",
        "closed_by",
        "charges",
        "end_included",
        "allow_negative",
        "ignore_pauses",
        "churn_at",
        "follow",
        "tz",
    )
)
FOLLOWING = frozenset(
    (
        "every",
        "calendar",
        "as_of",
        "window",
        "grace",
        "overlaps",
        "to",
        "rates",
        "rate_kind",
        "rate_day",
        "max_age",
        "through",
        "missing",
        "max_periods",
    )
)
OF_BOOKS = ("allow_negative", "ignore_pauses", "churn_at", "follow", "tz")


def only(given: Mapping[str, Any], allowed: frozenset[str], asker: str) -> None:
    """Refuse an argument that nobody knows, as Python does."""
    for name in given:
        if name not in allowed:
            raise TypeError(f"{asker}() got an unexpected keyword argument '{name}'")


def split(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments that name columns and say how to read them, and those that say how to follow revenue."""
    return (
        {name: value for name, value in given.items() if name in READING},
        {name: value for name, value in given.items() if name in FOLLOWING},
    )


@checked
def book_columns(given: Mapping[str, Any]) -> _core.Columns:
    """What of the arguments a book heeds; naming a column is a mistake, since it has its own."""
    usual = {
        "customer": "customer",
        "start": "start",
        "end": "end",
        "amount": "amount",
        "money_unit": "major",
    }
    for name, value in given.items():
        if name not in OF_BOOKS and value not in (usual.get(name), None, "", False):
            raise UsageError(f"{name}: a book has columns of its own; leave it out")
    columns = _core.Columns()
    columns.follow, columns.allow_negative = (
        given.get("follow", "customer"),
        given.get("allow_negative", False),
    )
    columns.churn_at = given.get("churn_at", "end")
    columns.zone = time_zone(given.get("tz"))
    return columns
