"""A caller's mistake is a `UsageError`, a file's a `DataError`; nothing else comes out."""

import contextlib
import datetime as dt
import decimal
import importlib
import inspect
import io
import signal
import sys

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


# ---- every public function, each argument hostile ----

HOSTILE = [None, pd.NaT, float("nan"), -1, 1e300, b"x", "", object(), [], {}]
DAY = dt.date(2024, 1, 1)

# Made by functions, not by callers.
RESULTS = {
    "Backtest", "ChurnScores", "Comparison", "Crm", "Forecast", "KpiResult", "LikelihoodRatioTest", "LogRank",
    "Posterior", "PurchaseModel", "Result", "Rfm", "RfmState", "Sample", "Scenario", "Scorecard", "Selection",
    "Summary", "Tracking", "Truth", "Waterfall",
}  # fmt: skip

# Arguments that hold for one function only; those of the others are in `things`.
OWN = {
    "BGNBD.simulate": {"T": [3.0]},
    "Crm.as_of": {"t": "2025-01-01"},
    "Crm.in_currency": {"currency": "USD"},
    "FiscalCalendar.table": {"rows": [(2024, 1, 1, "2024-01-01")], "end": "2025-01-01"},
    "GammaGamma.fit": {"x": [1, 2, 3], "mean_spend": [3.0, 4.0, 6.0]},
    "GammaGamma.simulate": {"x": [1]},
    "KaplanMeier.rmst": {"until": 2.0},
    "Scenario.probability_at_least": {"amount": 1.0},
    "csv.read": {"source": b"a,b\n1,2\n"},
    "ingest.mapping": {"source": "odoo"},
    "kpi.ratio": {"name": "mine"},
    "pipeline.waterfall": {"start": "2025-01-01"},
    "plot.number": {"data": [{"label": "a"}]},
    "plot.progress": {"lines": {"a": [(DAY, 1.0)]}},
    "report.write": {"path": "report.html"},
}

# Compiled functions have no signature to ask: their arguments in order.
PERIOD = FiscalCalendar().period_of("2024-01-01", "month")
COMPILED = {
    "FiscalCalendar.between": ("2024-01-01", "2024-03-01", "month"),
    "FiscalCalendar.index_of_days": (np.array([19000], dtype=np.int32), "month"),
    "FiscalCalendar.label": (PERIOD,),
    "FiscalCalendar.next": (PERIOD,),
    "FiscalCalendar.parse_period": ("2024-Q1", "2024-01-01"),
    "FiscalCalendar.period_at": (5, "month"),
    "FiscalCalendar.period_of": ("2024-01-01", "month"),
    "FiscalCalendar.previous": (PERIOD,),
    "TimeZone.local_days": (np.array([0], dtype=np.int64),),
    "TimeZone.offset_at": (0,),
    "TimeZone.parse": ("2024-01-01",),
    "TimeZone.to_utc": (np.array([0], dtype=np.int64),),
    "Currency.__init__": ("EUR",),
    "Money.__init__": ("1", "EUR"),
    "Money.convert": ("USD", "1.1"),
    "Money.of_minor": (1, "EUR"),
    "Money.times": ("0.5",),
    "Rate.__init__": ("1/2",),
}


def public():
    """Names of all functions, constructors and methods."""
    for word in so._WORDS:
        module = importlib.import_module(f"salesops.{word}")
        for name in module.__all__:
            one = getattr(module, name)
            if not inspect.isclass(one):
                if callable(one):
                    yield f"{word}.{name}"
            elif not issubclass(one, BaseException):
                if name not in RESULTS:
                    yield f"{name}.__init__"
                for method, found in inspect.getmembers(one, callable):
                    if not method.startswith("_") and not inspect.isclass(found):
                        yield f"{name}.{method}"


@pytest.fixture(scope="module")
def things(crm):
    """An object of each class whose methods are asked, and an argument for each name."""
    log = {"customer": list("aaabbcdd"), "time": [f"2024-01-{1 + 3 * i:02d}" for i in range(8)]}
    log["amount"] = [1.0, 2, 3, 4, 5, 6, 7, 8]
    clv, life = so.clv, so.survival
    rfm, state = clv.rfm(log, amount="amount"), clv.RfmState.partial(log)
    model = clv.BGNBD().fit(rfm)
    forecast = so.pipeline.forecast(crm, "2025-08-01", draws=100)
    rows = [{"label": name, "value": 1.0, "low": 0.5, "high": 1.5, "n": 3} for name in "ab"]
    chart = so.plot.ranking(rows)
    objects = [
        so.calendar.BusinessHours(), FiscalCalendar(), so.calendar.TimeZone(), crm, model, rfm, state,
        forecast,
        clv.SBG(0.7, 3.8), clv.GammaGamma(6.25, 3.74, 15.4), forecast.scenario, Money("1", "EUR"),
        so.pipeline.backtest(crm, periods=2, draws=100),
        so.pipeline.waterfall(crm, "2025-01-01", "2025-06-01"),
        life.KaplanMeier().fit([1, 2, 3], [1, 0, 1]), life.NelsonAalen().fit([1, 2, 3], [1, 0, 1]),
        life.AalenJohansen().fit([1, 2, 3], [1, 0, 2]), win_rate(crm, by="owner_id"),
        so.plot.Picture(title="a", subtitle="b", alt="c", chart=chart),
    ]  # fmt: skip
    arguments = {
        "T": 3.0, "actual": [(DAY, 1.0)], "ahead": [(dt.date(2024, 2, 1), 1.0, 2.0, 3.0)], "alt": "c",
        "amount": Money("1", "EUR"), "at": "2024-01-09", "calendar": FiscalCalendar(), "cause": 1,
        "changes": {}, "chart": chart, "column": ["2024-01-01"], "counts": [1], "crm": crm, "currency": "EUR",
        "customers": 10, "data": rfm, "discount_rate": 0.1, "durations": [1, 2, 3], "end": "2024-01-09",
        "events": [1, 0, 1], "every": "month", "first": ["2024-01-01"], "frame": {"a": [1]},
        "groups": ["a", "b", "a"], "holder": "company", "larger": model,
        "lines": {"a": [(1.0, 2.0, 1.0, 3.0)]},
        "mean_spend": 3.0, "model": model, "n": 1, "name": "opportunity", "other": state, "path": "file.json",
        "periods": [("2024-01-01", "2024-02-01")], "probability": 0.5, "renewals": 3, "role": "ink",
        "rows": rows, "seconds": 60, "smaller": model, "start": "2024-01-08 10:00", "subtitle": "b",
        "source": {"opportunity": {"opportunity_id": ["a"]}}, "survivors": [100, 80, 70], "t": 1.0,
        "t_x": 2.0, "tables": {}, "target": io.StringIO(), "text": model.to_json(), "time": 1.0, "title": "a",
        "transactions": log, "until": "2024-06-01", "value": 1.0, "values": {"R": [[1, 2]]}, "weights": 2,
        "x": 1,
    }  # fmt: skip
    return {type(one).__name__: one for one in objects}, arguments


def calls(name, things):
    """Calls of a public function, each with one argument hostile; none where `things` lack its object."""
    objects, known = things
    place, _, part = name.partition(".")
    if part == "__init__":
        function = next(found for word in so._WORDS if (found := getattr(getattr(so, word), place, None)))
    elif place[0].isupper():
        if place not in objects:
            return
        function = getattr(objects[place], part)
    else:
        function = getattr(getattr(so, place), part)
    if name in COMPILED:
        given = COMPILED[name]
        for i, value in ((i, value) for i in range(len(given)) for value in HOSTILE):
            yield (
                lambda i=i, value=value: function(*given[:i], value, *given[i + 1 :]),
                f"argument {i}={value!r}",
            )
        return
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # a compiled function that takes nothing
        return
    named = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    own = OWN.get(name, {})
    usual = {one.name: known.get(one.name) for one in named if one.default is one.empty} | own
    if name == "report.write":  # the others are those of render
        named = [one for one in named if one.name == "path"]
    for one in named:
        for value in HOSTILE:
            asked = usual | {one.name: value}
            yield lambda asked=asked: function(**asked), f"{one.name}={value!r}"


@contextlib.contextmanager
def within(seconds):
    """Ends a call that hangs."""

    def stop(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(public()))
def test_whatever_the_argument_an_error_is_ours(name, things, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["salesops"])
    wrong = []
    for call, what in calls(name, things):
        try:
            with within(20):
                call()
        except so.Error:
            pass
        except Exception as error:
            # A compiled function binds its arguments by type.
            if not (name in COMPILED and isinstance(error, TypeError) and "incompatible" in str(error)):
                wrong.append(f"{what}: {type(error).__name__}: {str(error)[:80]}")
    assert wrong == []
