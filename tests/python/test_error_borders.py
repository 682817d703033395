"""A caller's mistake is a `UsageError`, a file's a `DataError`; nothing else comes out."""

import decimal

import numpy as np
import pandas as pd
import pytest
import salesops as so
from salesops.calendar import FiscalCalendar
from salesops.kpi import win_rate
from salesops.money import Money, split


@pytest.fixture(scope="module")
def crm():
    return so.datasets.sample_crm(seed=7, deals=300, reps=4)


@pytest.mark.parametrize("moment", [pd.NaT, float("nan"), None, pd.NA, True, 2**63, "soon", b"2025", np.nan])
def test_an_instant_has_to_be_one(moment):
    with pytest.raises(so.UsageError, match="as_of"):
        so.crm.instant(moment)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda crm: win_rate(crm, by=5), "by: need a list, not int"),
        (lambda crm: win_rate(crm, by=[5]), "by: need a text, not int"),
        (lambda crm: win_rate(crm, mode=5), "mode: need a text, not int"),
        (lambda crm: win_rate(crm, weight=b"value"), "weight: need a text, not bytes"),
        (lambda crm: win_rate(crm, where="\ud800"), "where: the text has a lone surrogate"),
        (lambda crm: win_rate(crm, where={"type": b"new"}), "where: column 'type'.*not bytes"),
        (lambda crm: win_rate(crm, where={"type": {"a": 1}}), "where: column 'type'.*not dict"),
        (lambda crm: win_rate(crm, where={"amount": float("inf")}), "where: column 'amount'"),
        (lambda crm: win_rate(crm, where={5: "new"}), "where: columns have names, not 5"),
        (lambda crm: win_rate(crm, period=5), "period.*not int"),
        (lambda crm: win_rate(crm, period=b"ab"), "period.*not bytes"),
        (lambda crm: win_rate(crm, as_of=pd.NaT), "as_of: expected a date"),
        (lambda crm: so.kpi.ratio(5), "name: need a text, not int"),
        (lambda crm: so.pipeline.forecast(crm, seed=-1), "seed: need a whole number from 0 to"),
        (lambda crm: so.pipeline.forecast(crm, draws=100.5), "draws: need a whole number, not float"),
        (lambda crm: so.pipeline.forecast(crm, draws=2**40), "draws: need a whole number from"),
        (lambda crm: so.pipeline.forecast(crm, level="80"), "level: need a number, not str"),
        (lambda crm: so.pipeline.forecast(crm, period=5), "period: need .start, end., not int"),
        (lambda crm: so.pipeline.forecast(crm, period=b"ab"), "period: need .start, end., not bytes"),
        (lambda crm: so.pipeline.forecast(crm, allow_current=["nope"]), "allow_current: 'nope' is no"),
        (lambda crm: so.pipeline.waterfall(crm, "2025-01-01", owner=[5]), "owner: need a text, not int"),
        (lambda crm: so.pipeline.waterfall(crm, "2025-01-01", due=5), "due: need .start, end."),
        (lambda crm: crm.in_currency("EUR", max_age="x"), "max_age: need a whole number, not str"),
        (lambda crm: so.datasets.sample_crm(seed=-1), "seed: need a whole number from 0 to"),
        (lambda crm: so.datasets.sample_crm(deals=10.5), "deals: need a whole number, not float"),
        (lambda crm: so.sample.crm(reps=None), "reps: need a whole number, not NoneType"),
        (lambda crm: so.report.write(crm, None), "path: need a text, not NoneType"),
        (lambda crm: FiscalCalendar("x"), "start_month: need a whole number, not str"),
        (lambda crm: split(100, 3), "amount: need an amount such as .*, not int"),
        (lambda crm: split(Money("1", "EUR"), None), "weights: need a list, not NoneType"),
        (lambda crm: Money(None, "USD"), "amount: need text, .*not NoneType"),
    ],
)
def test_mistakes_name_the_argument(crm, ask, words):
    with pytest.raises(so.UsageError, match=words):
        ask(crm)


@pytest.mark.parametrize(
    "frame",
    [{"opportunity_id": ["\ud800"]}, pd.DataFrame({"opportunity_id": pd.Series(["\ud800"], dtype=object)})],
)
def test_a_text_that_is_no_unicode_is_a_data_error(frame):
    with pytest.raises(so.DataError, match="lone surrogate"):
        so.crm.Crm.build({"opportunity": frame})


@pytest.mark.parametrize(
    ("given", "same"),
    [
        ({"amount": np.int64(5000)}, "amount = 5000"),
        ({"amount": np.float64(0.5)}, "amount = 0.5"),
        ({"amount": decimal.Decimal("5E+3")}, "amount = 5000"),
        ({"is_won": np.bool_(True)}, "is_won = true"),
        ({"type": np.array(["new", "renewal"])}, "type in ('new', 'renewal')"),
        ({"type": [None, "new"]}, "(type is null or type in ('new'))"),
        ({"type": [None], "owner_id": pd.NA}, "type is null and owner_id is null"),
    ],
)
def test_values_of_where_are_those_of_python_and_numpy(given, same):
    assert so.kpi.ask.where_text(given) == same


def test_null_or_in_is_asked_of_the_rows():
    deals = {
        "opportunity_id": ["a", "b", "c"],
        "type": ["new", None, "renewal"],
        "created_at": ["2025-01-01"] * 3,
        "closed_at": ["2025-02-01"] * 3,
        "is_closed": [True] * 3,
        "is_won": [True, False, True],
    }
    crm = so.crm.Crm.build({"opportunity": deals})
    assert win_rate(crm, where={"type": [None, "new"]}).n == 2
    assert win_rate(crm, where={"type": ["new"]}).n == 1


def test_numbers_of_numpy_are_numbers(crm):
    asked = {"as_of": "2025-08-01", "draws": np.int32(100), "seed": np.uint64(3), "level": np.float32(80)}
    plain = {"as_of": "2025-08-01", "draws": 100, "seed": 3, "level": 80.0}
    assert so.pipeline.forecast(crm, **asked).summary() == so.pipeline.forecast(crm, **plain).summary()


def test_one_text_is_a_list_of_one(crm):
    asked = {"allow_current": "opportunity.amount", "as_of": "2025-08-01", "draws": 100}
    assert so.pipeline.forecast(crm, **asked).summary()
    reason = so.kpi.loss_reasons(crm, by="loss_reason").to_table().to_dict()["loss_reason"][0]
    assert win_rate(crm, no_decision=reason).n == win_rate(crm, no_decision=[reason]).n < win_rate(crm).n
