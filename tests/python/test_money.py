import copy
import pickle
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from salesops import UnitError, UsageError
from salesops.money import Currency, Money, Rate, from_float, split

MINOR = st.integers(-(2**63) + 1, 2**63 - 1)


def test_amounts_are_exact_values():
    a = Money("12.34", "EUR")
    assert a + Money(1, "EUR") == Money("13.34", "EUR")
    assert a - Money(Decimal("20"), "EUR") == Money("-7.66", "EUR")
    assert Money(0.1, "EUR") * 3 == Money("0.3", "EUR")
    assert (a.minor, a.amount, str(a), repr(a)) == (1234, "12.34", "12.34 EUR", "Money('12.34', 'EUR')")
    assert Money("5").currency == Currency("XXX")
    assert len({a, copy.copy(a), pickle.loads(pickle.dumps(a)), Money("12.34", "USD")}) == 2
    assert a != Money("12.34", "USD")
    assert float(a) == 12.34
    assert not Money(0, "JPY")


def test_units_do_not_mix():
    with pytest.raises(UnitError, match="EUR and JPY"):
        Money(1, "EUR") + Money(1, "JPY")
    with pytest.raises(UnitError):
        _ = Money(1, "EUR") < Money(1, "JPY")
    with pytest.raises(UnitError, match="exact"):
        Money(1, "EUR") * 0.05
    with pytest.raises(TypeError):
        Money(1, "EUR") + 1.5


@pytest.mark.parametrize(
    "bad", ["", "1,5", "1e3", "nan", "1.005", float("nan"), float("inf"), 0.005, 1e300, 2**63]
)
def test_bad_amounts_are_refused(bad):
    with pytest.raises(UsageError):
        Money(bad, "EUR")


def test_unknown_currency_is_named():
    with pytest.raises(UsageError, match="BTC"):
        Money(1, "BTC")


@pytest.mark.parametrize("rate", ["0.075", "7.5%", "3/40", Decimal("0.075"), Fraction(3, 40), Rate("7.5%")])
def test_rates_are_exact(rate):
    assert Money("10.20", "EUR").times(rate) == Money("0.76", "EUR")  # 0.765, half-even
    assert Money("10.20", "EUR").times(rate, rounding="half_up") == Money("0.77", "EUR")
    assert hash(Rate(rate)) == hash(Rate("3/40"))
    assert pickle.loads(pickle.dumps(Rate(rate))) == Rate("0.075")
    with pytest.raises(UsageError, match="half_even"):
        Money(1, "EUR").times(rate, rounding="nearest")


def test_conversion_rounds_once():
    assert Money("10", "EUR").convert("JPY", "161.255") == Money(1613, "JPY")


def test_floats_enter_by_their_shortest_decimal():
    assert from_float(2.675, "EUR") == (Money("2.68", "EUR"), True)
    assert from_float(1234.5, "EUR") == (Money("1234.50", "EUR"), False)


def test_splits_match_the_reference_numbers():
    assert [p.minor for p in split(Money("100", "EUR"), 3)] == [3334, 3333, 3333]
    thirds = ["33.33%", "33.33%", "33.34%"]
    assert [p.minor for p in split(Money("1000.01", "EUR"), thirds)] == [33330, 33330, 33341]
    assert [p.minor for p in split(Money(1000003, "JPY"), [22, 24, 23, 31])] == [
        220000,
        240001,
        230001,
        310001,
    ]
    assert split(Money(1, "JPY"), [Fraction(1, 3), Decimal("0.5"), "1/6"]) == [
        Money(n, "JPY") for n in (0, 1, 0)
    ]


@pytest.mark.parametrize("weights", [[], [0], [1, -1], ["50%", "49%"], 0, [2**62, 2**62 + 1, "1/3"], ["x"]])
def test_splits_without_an_answer_are_refused(weights):
    with pytest.raises(UsageError):
        split(Money(1, "EUR"), weights)


def test_float_weights_are_refused():
    with pytest.raises(UnitError):
        split(Money(1, "EUR"), [0.5, 0.5])


@given(MINOR, st.lists(st.integers(0, 2**40), min_size=1, max_size=12).filter(any))
def test_splits_sum_to_the_whole(minor, weights):
    parts = split(Money.of_minor(minor, "EUR"), weights)
    assert sum(part.minor for part in parts) == minor
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(minor * weight, sum(weights)) - part.minor) < 1


@given(
    MINOR,
    st.fractions(-2, 2, max_denominator=10**6),
    st.sampled_from(["half_even", "half_up", "down", "floor"]),
)
def test_products_round_as_decimal_does(minor, rate, mode):
    exact = minor * rate
    if abs(exact) >= 2**63 - 1:
        return
    floor = exact.numerator // exact.denominator
    rest = exact - floor
    away = floor + 1 if exact > 0 else floor
    expected = {
        "half_even": round(exact),
        "half_up": floor + (rest > Fraction(1, 2)) if rest != Fraction(1, 2) else away,
        "down": int(exact),
        "floor": floor,
    }[mode]
    assert Money.of_minor(minor, "EUR").times(rate, rounding=mode).minor == expected


@given(st.floats(-1e12, 1e12))
def test_floats_round_as_their_repr(value):
    expected = round(Fraction(repr(value)) * 100)
    assert from_float(value, "EUR")[0].minor == expected
