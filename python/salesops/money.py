"""Exact amounts: whole minor units of an ISO 4217 currency, no binary float in a sum or a split.

Examples
--------
>>> from salesops.money import Money, split
>>> Money("12.34", "EUR") + Money("0.66", "EUR")
Money('13.00', 'EUR')
>>> split(Money("100", "EUR"), 3)
[Money('33.34', 'EUR'), Money('33.33', 'EUR'), Money('33.33', 'EUR')]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from salesops._arguments import checked, listed, whole
from salesops._core import money as _core
from salesops._core.error import UnitError, UsageError
from salesops._names import listing

Currency = _core.Currency
Money = _core.Money
Rate = _core.Rate

if TYPE_CHECKING:
    Share = int | str | Decimal | Fraction | Rate

__all__ = ["Currency", "Money", "Rate", "from_float", "split"]
__dir__ = listing(__name__)


def split(amount: Money, weights: int | Sequence[Share]) -> list[Money]:
    """Divide an amount so that the parts sum to it exactly.

    Everyone gets the share cut down to a minor unit; the units left over go to the largest remainders,
    ties to the first.

    Parameters
    ----------
    amount
        What is divided; may be negative.
    weights
        A number of equal parts, or one weight a part (int, Decimal, Fraction, text). Weights count in
        proportion; only if all are percentages such as ``"33.33%"`` they must sum to 100 %.

    Examples
    --------
    >>> split(Money("1000.01", "EUR"), ["33.33%", "33.33%", "33.34%"])
    [Money('333.30', 'EUR'), Money('333.30', 'EUR'), Money('333.41', 'EUR')]
    """
    if not isinstance(amount, Money):
        raise UsageError(f"amount: need an amount such as Money('100', 'EUR'), not {type(amount).__name__}")
    if hasattr(weights, "__index__") and not hasattr(weights, "__len__"):
        parts = whole(weights, "weights")
        if not 1 <= parts <= 10_000_000:
            raise UsageError("the number of parts must be 1 to 10,000,000")
        counts = [1] * parts
    else:
        weights = listed(weights, "weights")
        shares = [_fraction(weight) for weight in weights]
        percent = [isinstance(weight, str) and weight.endswith("%") for weight in weights]
        if shares and all(percent) and sum(shares) != 1:
            raise UsageError(
                f"the shares sum to {float(sum(shares)):.6%}, not 100 %; without % they are in proportion"
            )
        common = math.lcm(*(share.denominator for share in shares))
        counts = [int(share * common) for share in shares]
        if any(weight.bit_length() > 62 for weight in counts):
            raise UsageError("the weights have no common denominator of 64 bits; round them")
    return [Money.of_minor(part, amount.currency) for part in _core.split(amount.minor, counts)]


@checked
def from_float(
    value: float, currency: Currency | str = "XXX", rounding: str = "half_even"
) -> tuple[Money, bool]:
    """Round a float once, from its shortest decimal form; also whether a digit was lost.

    Examples
    --------
    >>> from_float(2.675, "EUR")
    (Money('2.68', 'EUR'), True)
    """
    if not isinstance(currency, str | Currency):
        raise UsageError(f"currency: need an ISO 4217 code, not {type(currency).__name__}")
    made: tuple[Money, bool] = _core.from_float(value, currency, rounding)
    return made


def _fraction(weight: Share) -> Fraction:
    if isinstance(weight, float):
        raise UnitError("a weight is exact: give an int, text, a Decimal or a Fraction")
    rate = Rate(weight)
    return Fraction(rate.numerator, rate.denominator)
