"""Lengths of time and discounts, as one says them."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any, Literal

from salesops._columns import is_missing
from salesops._core import clv as _core
from salesops._core.error import UnitError, UsageError

# A length of time: "39 weeks", a time delta, or a number in the unit of T.
Length = str | float | dt.timedelta
# What a range is of: the expected numbers, or what the customer will come to.
Interval = Literal["mean", "outcome"]
# "10% / year"; a number without its period is told so.
Discount = str

UNITS = ("minute", "hour", "day", "week", "month", "year")
#: Units for which a purchase is a minute, not a day.
BELOW_A_DAY = ("minute", "hour")
_NAMES = {
    "minute": ("minute", 1),
    "hour": ("hour", 1),
    "day": ("day", 1),
    "week": ("week", 1),
    "month": ("month", 1),
    "quarter": ("month", 3),
    "year": ("year", 1),
}
_LENGTH = re.compile(r"\s*(\d+(?:\.\d+)?)?\s*(minute|hour|day|week|month|quarter|year)s?\s*")
_DISCOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*(?:/|per|a|an)\s*(.+)")


def unit_of(unit: str | None, argument: str = "unit") -> str | None:
    """Check a unit of time, "weeks" or "week"; None for unknown."""
    if isinstance(unit, str) and unit.removesuffix("s") in UNITS:
        return unit.removesuffix("s")
    if unit is not None and unit not in UNITS:
        raise UsageError(f"{argument} is one of {', '.join(UNITS)}, not {unit!r}")
    return unit


def length(text: str, argument: str) -> tuple[float, str]:
    """Read ``"39 weeks"`` as a number and its unit."""
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise UsageError(
            f"{argument}: write a number and a unit such as '39 weeks' or '1 year', not {text!r}"
        )
    unit, times = _NAMES[found[2]]
    return float(found[1] or 1) * times, unit


def as_text(time: Any, argument: str) -> Any:
    """A time delta of Python, pandas or NumPy as the text of its length; all else as it is."""
    import numpy as np

    if time is None:
        return None
    if is_missing(time) or (isinstance(time, np.timedelta64) and np.isnat(time)):
        raise UsageError(f"{argument}: a missing value is no length of time")
    if isinstance(time, np.timedelta64):
        if np.datetime_data(time.dtype)[0] in ("M", "Y"):
            return f"{time.astype('timedelta64[M]').astype(np.int64)} months"
        time = time.astype("timedelta64[us]").item()
    if not isinstance(time, dt.timedelta):
        return time
    return f"{time / dt.timedelta(days=1):.9f}".rstrip("0").rstrip(".") + " days"


def said_with_unit(time: Any, unit: str | None, argument: str) -> None:
    """Refuse a bare number where a frame is asked about."""
    if time is None or isinstance(as_text(time, argument), str):
        return
    what = f"'{time} {unit}s'" if unit else f"'{time} weeks'"
    tell = "" if unit else ", and unit='week' for that of the rows"
    raise UnitError(f"{argument}={time} has no unit: say {argument}={what}{tell}")


def in_unit(time: Any, unit: str | None, argument: str, discrete: bool = False) -> float:
    """A length of time in the model's unit: text of any unit, or a number that is in the model's already."""
    time = as_text(time, argument)
    if isinstance(time, str):
        number, of = length(time, argument)
        if unit is None:
            raise UnitError(
                f"{argument}={time!r}: the model knows no unit of time; fit with unit='week' (or day, "
                "month, year), or pass a number in the unit of T"
            )
        if of == unit:
            return number
        if discrete:
            raise UnitError(
                f"{argument}={time!r}: the model counts opportunities of a {unit}; say '… {unit}s'"
            )
        return number * _core.days_in(of) / _core.days_in(unit)
    try:
        return float(time)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{argument}: a text such as '39 weeks', or a number in the unit of T") from error


def discount_rate(discount: Any, unit: str | None, discrete: bool = False) -> float:
    """The rate a unit of time of an effective discount such as ``"10% / year"``.

    Continuous, ln(1 + d) scaled to the unit; `discrete` models get the effective rate of one opportunity.
    """
    if discount is None or (isinstance(discount, int | float) and discount == 0):
        return 0.0
    found = _DISCOUNT.fullmatch(discount) if isinstance(discount, str) else None
    if found is None and isinstance(discount, str) and _DISCOUNT.fullmatch(discount.strip().lstrip("-−")):
        raise UsageError(
            f"discount={discount!r}: below 0, later purchases would be worth more; say 0 or above"
        )
    if found is None:
        raise UsageError(f"discount: say the period with it, such as '10% / year', not {discount!r}")
    share = float(found[1]) / (100 if found[2] else 1)
    if share >= 1 and not found[2]:
        raise UsageError(
            f"discount={discount!r} would be {share:.0%} a {found[3].strip()}: "
            f"write '{found[1]}% / {found[3]}', or a share below 1"
        )
    number, of = length(found[3], "discount")
    if unit is None:
        raise UnitError(
            "discount: the model doesn't know its unit of time; fit with unit='week' (or day, month, year)"
        )
    rate = math.log1p(share) * _core.days_in(unit) / (number * _core.days_in(of))
    return math.expm1(rate) if discrete else rate
