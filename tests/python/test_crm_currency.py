"""A book in one currency: the rules in plain Python with fractions, compared with the core."""

import datetime as dt
from fractions import Fraction

import pytest
import salesops as so
from hypothesis import given, settings
from hypothesis import strategies as st
from salesops.crm import Crm

DIGITS = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3, "BHD": 3}
CODES = list(DIGITS)
START = dt.date(2026, 1, 1)
LATEST = START + dt.timedelta(days=60)
MAX_AGE = {"spot": 31, "budget": 366}


def day(n):
    return START + dt.timedelta(days=n)


# ---- the definition ----


def latest(rates, source, to, on, kind, max_age):
    earlier = [
        r for r in rates if r[1:4] == (source, to, kind) and r[0] <= on and (on - r[0]).days <= max_age
    ]
    return Fraction(repr(max(earlier)[4])) if earlier else None


def pair(rates, source, to, *rest):
    direct, opposite = latest(rates, source, to, *rest), latest(rates, to, source, *rest)
    return direct if direct is not None else opposite and 1 / opposite


def rate_of(rates, source, to, on, kind="spot", through=""):
    rest = (on, kind, MAX_AGE[kind])
    if source == to:
        return Fraction(1)
    rate = pair(rates, source, to, *rest)
    if rate is None and through and through not in (source, to):
        first, second = pair(rates, source, through, *rest), pair(rates, through, to, *rest)
        rate = first * second if first and second else None
    return rate


def converted(minor, source, to, rate):
    """Python rounds a fraction half to even."""
    return None if rate is None else round(minor * rate * Fraction(10) ** (DIGITS[to] - DIGITS[source]))


# ---- generated books ----

rate_rows = st.lists(
    st.tuples(
        st.integers(-40, 60).map(day),
        st.sampled_from(CODES),
        st.sampled_from(CODES),
        st.sampled_from(["spot", "budget"]),
        st.one_of(st.floats(1e-3, 1e3), st.sampled_from([0.5, 2.0, 0.125, 1.5, 0.01])),
    ).filter(lambda r: r[1] != r[2]),
    max_size=40,
    unique_by=lambda r: r[:4],
)
deal_rows = st.lists(
    st.tuples(
        st.integers(-(10**9), 10**9),
        st.sampled_from(CODES),
        st.integers(0, 30),
        st.none() | st.integers(31, 60),
    ),
    min_size=1,
    max_size=30,
)


def book(deals, rates):
    """Deals in minor units; one activity says what the latest day is."""
    amount, currency, created, closed = zip(*deals, strict=True)
    return Crm.build(
        {
            "opportunity": {
                "opportunity_id": [f"d{i}" for i in range(len(deals))],
                "created_at": [day(n) for n in created],
                "closed_at": [None if n is None else str(day(n)) for n in closed],
                "is_closed": [n is not None for n in closed],
                "is_won": [n is not None for n in closed],
                "amount": list(amount),
                "currency": list(currency),
            },
            "activity": {"activity_id": ["x"], "at": [str(LATEST)]},
            "fx_rate": table_of(rates),
        },
        money_unit="minor",
    )


def table_of(rates):
    names = ["date", "from", "to", "kind", "rate"]
    return {
        name: list(column)
        for name, column in zip(names, zip(*rates, strict=True) if rates else [[]] * 5, strict=True)
    }


def minor_units(crm, to):
    amounts = crm.table("opportunity").to_dict(money="decimal")["amount"]
    return [None if a is None else int(a.scaleb(DIGITS[to])) for a in amounts]


@settings(max_examples=150, deadline=None)
@given(deal_rows, rate_rows, st.sampled_from(CODES), st.sampled_from(["", *CODES]), st.data())
def test_amounts_are_the_definitions(deals, rates, to, through, data):
    at = data.draw(st.sampled_from(["close", "create", "budget", day(35)]))
    kind = "budget" if at == "budget" else "spot"
    expected = []
    for amount, source, created, closed in deals:
        on = (
            at
            if isinstance(at, dt.date)
            else day(created)
            if at == "create"
            else day(60 if closed is None else closed)
        )
        expected.append(converted(amount, source, to, rate_of(rates, source, to, on, kind, through)))
    crm = book(deals, rates)
    result = crm.in_currency(to, at=at, through=through, missing="null")
    assert minor_units(result, to) == expected
    assert result.issues.count("no_rate") == expected.count(None)
    foreign = sum(e is not None and d[1] != to for e, d in zip(expected, deals, strict=True))
    assert result.issues.count(f"converted_at_{kind}") == foreign
    assert result.currency == to
    assert set(result.table("opportunity").to_dict()["currency"]) == {to}
    if None in expected:
        with pytest.raises(so.UsageError, match=f"for {expected.count(None)} amounts"):
            crm.in_currency(to, at=at, through=through)
    # The order of rows says nothing.
    again = book(deals, data.draw(st.permutations(rates)))
    assert minor_units(again.in_currency(to, at=at, through=through, missing="null"), to) == expected
    order = data.draw(st.permutations(range(len(deals))))
    moved = book([deals[i] for i in order], rates).in_currency(to, at=at, through=through, missing="null")
    assert minor_units(moved, to) == [expected[i] for i in order]


# ---- the sample: rates make no movement ----


@pytest.fixture(scope="module", params=[3, 7])
def foreign(request):
    return so.datasets.sample_crm(seed=request.param, deals=400, foreign_share=0.6)


@pytest.mark.parametrize("at", ["close", "create", "budget", "2025-03-31"])
def test_the_waterfall_moves_the_deals_that_moved(foreign, at):
    crm = foreign.in_currency("EUR", at=at, through="USD")
    assert crm.currency == "EUR"
    begin, end = "2025-04-01", "2025-07-01"
    steps = so.pipeline.waterfall(crm, begin, end).to_frame("pyarrow").to_pylist()
    assert sum(round(s["amount"] * 100) for s in steps[:-1]) == round(steps[-1]["amount"] * 100)
    own = [
        so.pipeline.waterfall(foreign, begin, end, currency=code).to_frame("pyarrow").to_pylist()
        for code in ("USD", "EUR", "GBP")
    ]
    for n, step in enumerate(steps):
        assert step["deals"] == sum(part[n]["deals"] for part in own), step["step"]


def test_every_kpi_answers_in_the_currency(foreign):
    with pytest.raises(so.UnitError, match=r'crm\.in_currency\("USD"\)'):
        so.kpi.average_deal(foreign)
    with pytest.raises(so.UnitError, match=r'crm\.in_currency\("USD"\)'):
        so.pipeline.forecast(foreign)
    crm = foreign.in_currency("EUR", through="USD")
    assert so.kpi.average_deal(crm).unit == "EUR"
    for name in ("attainment", "arpa", "pipeline_coverage"):
        result = getattr(so.kpi, name)(crm)
        assert result.value is not None or result.state == "attained"
    outlook = so.pipeline.forecast(crm, draws=200)
    assert "EUR" in outlook.summary()


def test_as_of_and_constant_currency_commute(foreign):
    t, options = "2025-02-01", {"at": "2025-01-15", "through": "USD"}
    one, other = (
        foreign.as_of(t).in_currency("EUR", **options),
        foreign.in_currency("EUR", **options).as_of(t),
    )
    for name in one.tables:
        assert one.table(name).to_dict() == other.table(name).to_dict(), name


def test_a_rebuilt_book_has_the_same_history(foreign):
    # Texts of changes are in the currency too: reading the tables again gives the same past.
    crm = foreign.in_currency("EUR", through="USD")
    again = Crm.build({name: crm.table(name) for name in crm.tables})
    assert again.currency == "EUR"
    assert again.issues.count("history_disagrees") == 0
    for t in ("2024-06-01", "2025-03-01"):
        amounts = [b.as_of(t).table("opportunity").to_dict()["amount"] for b in (crm, again)]
        assert amounts[0] == amounts[1]


def test_errors_name_the_way_out():
    crm = book([(100, "USD", 0, 40)], [])
    with pytest.raises(so.UsageError, match=r"USD on 2026-02-10 for 1.*fx_rate.*max_age"):
        crm.in_currency("EUR")
    with pytest.raises(so.UsageError, match="ISO 4217"):
        crm.in_currency("euro")
    with pytest.raises(so.UsageError, match="'close', 'create', 'budget' or a day"):
        crm.in_currency("EUR", at="yesterday")
    with pytest.raises(so.UsageError, match="budget rates"):
        crm.in_currency("EUR", at="budget", kind="month_avg")
    with pytest.raises(so.UsageError, match="is not one of: spot, month_avg, budget"):
        crm.in_currency("EUR", kind="mid")
    with pytest.raises(so.UsageError, match="is not one of: error, null"):
        crm.in_currency("EUR", missing="one")
    later = crm.apply({"fx_rate": table_of([(day(40), "USD", "EUR", "spot", 0.5)])})
    assert minor_units(later.in_currency("EUR"), "EUR") == [50]


def coded(codes, **options):
    deals = {"opportunity_id": [str(n) for n in range(len(codes))], "amount": ["1234"] * len(codes)}
    return Crm.build({"opportunity": deals | {"currency": codes}}, **options)


def test_codes_of_currencies_are_read_in_any_case_and_checked():
    crm = coded(["usd", "USD", " Usd "])
    assert crm.currency == "USD"
    assert crm.issues.count("unknown_currency") == 0
    yen = coded(["jpy"]).table("opportunity").column("amount")
    assert yen.to_list() == coded(["JPY"]).table("opportunity").column("amount").to_list()
    assert coded([None], currency="jpy").currency == "JPY"
    odd = coded(["usd", "ZZZ", "ZZZ", "euro"])
    assert odd.issues.count("unknown_currency") == 3
    assert odd.table("opportunity").to_dict()["currency"] == ["USD", "ZZZ", "ZZZ", "euro"]
    rates = {"fx_rate": table_of([(day(40), "usd", "Eur", "spot", 0.5)])}
    assert minor_units(book([(100, "usd", 0, 40)], []).apply(rates).in_currency("EUR"), "EUR") == [50]
    later = coded(["usd"]).apply(
        {"opportunity": {"opportunity_id": ["9"], "amount": ["1"], "currency": ["Usd"]}}
    )
    assert later.currency == "USD"


def test_a_currency_that_is_no_code_is_refused():
    for bad in ("<b>", "dollars", "U$D"):
        with pytest.raises(so.UsageError, match="is no currency code; use three letters of ISO 4217"):
            coded([None], currency=bad)
    assert coded([None], currency="zzz").issues.count("unknown_currency") == 1
