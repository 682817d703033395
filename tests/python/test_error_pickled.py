"""Results and models through pickle and `copy.deepcopy`: equal afterwards, small, and never half read."""

import contextlib
import copy
import functools
import importlib
import inspect
import pickle
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import salesops as so
from salesops import _core

AS_OF = "2025-08-15"
BALLAST = "ballast that no result needs"

pytestmark = pytest.mark.filterwarnings("ignore:.*converge")


# ---- one of everything ----


@functools.cache
def book():
    return so.datasets.sample_crm(seed=7, deals=400, reps=6)


@functools.cache
def lifetimes():
    draw = np.random.default_rng(1)
    n = 120
    return pd.DataFrame(
        {
            "months": draw.integers(1, 24, n).astype(float),
            "left": draw.integers(0, 2, n),
            "how": draw.choice(["open", "won", "lost"], n),
            "plan": draw.choice(["free", "team"], n),
            "seats": draw.integers(1, 90, n).astype(float),
            "note": BALLAST,
        }
    )


@functools.cache
def purchases():
    draw = np.random.default_rng(2)
    n = 600
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(draw.integers(0, 400, n), unit="D")
    return pd.DataFrame(
        {
            "customer": draw.integers(0, 90, n).astype(str),
            "time": days,
            "amount": draw.integers(5, 90, n).astype(float),
            "segment": draw.choice(["smb", "mid"], n),
            "note": BALLAST,
        }
    )


@functools.cache
def subscriptions():
    draw = np.random.default_rng(3)
    start = pd.Timestamp("2023-01-01") + pd.to_timedelta(draw.integers(0, 500, 80), unit="D")
    return pd.DataFrame(
        {
            "customer": draw.integers(0, 50, 80),
            "start": start,
            "end": start + pd.to_timedelta(draw.integers(20, 700, 80), unit="D"),
            "amount": draw.integers(5, 90, 80).astype(float),
            "note": BALLAST,
        }
    )


def fitted(model, **options):
    return getattr(so.survival, model)().fit(lifetimes(), duration_col="months", event_col="left", **options)


@functools.cache
def rows():
    return so.clv.rfm(purchases(), amount="amount", unit="week", calibration_end="2024-10-31")


@functools.cache
def buyers(model="BGNBD", **options):
    return getattr(so.clv, model)(**options).fit(rows())


NEW = {"plan": ["free", "team"], "seats": [3.0, 40.0]}
FORMULA = "plan + seats"
TRIANGLE = [[100, 80, 60, 50], [200, 150, 120], [400, 300], [500]]


def groups(measure, **options):
    return measure(lifetimes(), duration_col="months", event_col="left", group_col="plan", **options)


def churners():
    start = np.array(["2024-01-01", "2024-03-01", "2024-05-01"] * 30, "datetime64[D]") + np.arange(90)
    end = np.where(np.arange(90) % 3 == 0, np.datetime64("NaT"), start + 30 + np.arange(90) * 3)
    frame = {"start": start, "end": end.astype("datetime64[D]"), "seats": np.arange(90.0) % 7}
    return so.survival.churn_scores(
        so.survival.CoxPH(), frame, horizon=60, as_of="2024-08-01", formula="seats"
    )


def grid(**options):
    return so.cohort.retention(
        purchases(), customer="customer", time="time", amount="amount", every="month", **options
    )


def curve_asked(model):
    return [model.at(6), model.quantile(0.5), model.rmst(9), model.confidence_band()]


def regression_asked(model):
    return [model.predict_survival_function(NEW, [1, 6, 12]), model.predict_median(NEW)]


def predicted(model):
    return [model.predict(rows(), horizon="26 weeks")]


def grid_asked(made):
    return [made.compare(), made.payback(30.0, segment="mid")]


def forecast_asked(made):
    return [made.scenario.interval("company", 90), made.deals(), made.plot().rows]


AFT = ("ExponentialAFT", "WeibullAFT", "LogNormalAFT", "LogLogisticAFT", "GeneralizedGammaAFT")
LIFETIME_MODELS = ("NBD", "MBGNBD", "ParetoNBD", "GGompertzNBD", "BGCNBD", "MBGCNBD", "SarmanovParetoNBD")

# name: how one is made, and what it is asked beside what it shows by itself.
MADE = {
    "survival.KaplanMeier": (lambda: fitted("KaplanMeier"), curve_asked),
    "survival.GroupSizes": (lambda: so.survival.sample_size(0.8, 1, 0.15, 0.2, 0.7), None),
    "survival.NelsonAalen": (lambda: fitted("NelsonAalen"), None),
    "survival.AalenJohansen": (
        lambda: so.survival.AalenJohansen(censored="open").fit(
            lifetimes(), duration_col="months", event_col="how"
        ),
        lambda model: [model.at(6, "won")],
    ),
    "survival.CoxPH": (
        lambda: fitted("CoxPH", formula=FORMULA),
        lambda model: [*regression_asked(model), model.check_assumptions(), model.concordance_],
    ),
    "survival.Assumptions": (lambda: fitted("CoxPH", formula=FORMULA).check_assumptions(), None),
    "survival.FineGray": (
        lambda: so.survival.FineGray("won", "open").fit(
            lifetimes(), duration_col="months", event_col="how", formula=FORMULA
        ),
        lambda model: [model.predict_incidence(NEW)],
    ),
    "survival.DiscreteHazard": (
        lambda: fitted("DiscreteHazard", formula=FORMULA),
        lambda model: [model.predict_survival_function(NEW), model.predict_hazard(NEW, 3)],
    ),
    **{
        f"survival.{name}": (functools.partial(fitted, name, formula=FORMULA), regression_asked)
        for name in AFT
    },
    "survival.LogRank": (lambda: groups(so.survival.logrank), None),
    "survival.RestrictedMeans": (lambda: groups(so.survival.rmst, until=9), None),
    "survival.ChurnScores": (churners, None),
    "survival.Calibration": (lambda: churners().calibration, None),
    "survival.Measured": (lambda: churners().calibration.auc, None),
    "cohort.Retention": (lambda: grid(by="segment", measure="ltv"), grid_asked),
    "cohort.Lifecycle": (lambda: so.cohort.lifecycle(purchases()), None),
    "cohort.Triangle": (lambda: so.cohort.Triangle(TRIANGLE), lambda made: [made.survival()]),
    "cohort.Projection": (lambda: so.cohort.Triangle(TRIANGLE).project(3, fans=100), None),
    "subscription.Movements": (
        lambda: so.subscription.movements(subscriptions(), start="start", end="end", details=True),
        None,
    ),
    "subscription.Retention": (
        lambda: so.subscription.retention(subscriptions(), start="start", end="end", over=3),
        None,
    ),
    "subscription.Renewals": (
        lambda: so.subscription.renewals(subscriptions(), start="start", end="end"),
        None,
    ),
    "subscription.ContractValues": (
        lambda: so.subscription.contract_values(subscriptions(), start="start", end="end"),
        None,
    ),
    "clv.Rfm": (rows, None),
    "clv.RfmState": (lambda: so.clv.RfmState.partial(purchases()), lambda made: [made.to_json()]),
    "clv.BGNBD": (buyers, predicted),
    **{
        f"clv.{name}": (
            functools.partial(buyers, name),
            predicted,
        )
        for name in LIFETIME_MODELS
    },
    "clv.BGBB": (
        lambda: so.clv.BGBB().fit({"frequency": [3, 1, 0, 5], "recency": [5, 2, 0, 6], "T": [6] * 4}),
        lambda model: [model.p_alive(3, 5, 6)],
    ),
    "clv.GammaGamma": (lambda: buyers("GammaGamma"), lambda model: [model.expected_spend(2, 30.0)]),
    "clv.SBG": (lambda: so.clv.SBG().fit([100, 80, 70, 65]), lambda model: [model.survival([1, 5])]),
    "clv.BdW": (lambda: so.clv.BdW().fit([100, 80, 70, 65]), lambda model: [model.survival([1, 5])]),
    "clv.Comparison": (lambda: so.clv.compare(rows(), models=["BGNBD", "NBD"]), None),
    "clv.LikelihoodRatioTest": (
        lambda: so.clv.likelihood_ratio_test(buyers("NBD"), buyers("ParetoNBD")),
        None,
    ),
    "clv.Tracking": (lambda: so.clv.tracking(buyers(), rows()), None),
    "pipeline.Forecast": (
        lambda: so.pipeline.forecast(book(), AS_OF, draws=200, zone="Europe/Berlin"),
        forecast_asked,
    ),
    "pipeline.Backtest": (lambda: so.pipeline.backtest(book(), periods=3, draws=200), None),
    "pipeline.Waterfall": (
        lambda: so.pipeline.waterfall(book(), "2025-07-01", AS_OF),
        lambda made: [made.plot().rows],
    ),
    "pipeline.StageDurations": (lambda: so.pipeline.stage_durations(book(), AS_OF, stage="proposal"), None),
    "scenario.Scenario": (
        lambda: so.pipeline.forecast(book(), AS_OF, draws=200).scenario,
        lambda made: [made.interval("company", 90), made.mean("company")],
    ),
    "kpi.KpiResult": (
        lambda: so.kpi.win_rate(book(), by="owner", ids=True),
        lambda made: [made.ids],
    ),
    "kpi.Scorecard": (lambda: so.kpi.scorecard(book(), as_of=AS_OF), None),
    "kpi.ScorecardState": (lambda: so.kpi.ScorecardState.partial(book(), by="owner"), None),
    "kpi.Catalogue": (so.kpi.catalogue, None),
    "plot.Picture": (lambda: so.kpi.win_rate(book(), by="month").plot(), lambda made: [made.svg()]),
    "sample.Sample": (lambda: so.sample.crm(seed=1, deals=50), None),
    "issues.Issues": (lambda: book().issues, None),
    "table.Table": (lambda: book().table("opportunity").slice(7, 90), None),
    "table.Column": (lambda: book().table("opportunity").column("owner_id"), lambda made: [made.to_list()]),
}
ELSEWHERE = {
    "cohort.RetentionState", "crm.Crm", "subscription.SubscriptionState",  # not pickled, below
    "clv.ConvergenceWarning", "clv.PurchaseModel", "clv.Posterior", "clv.Selection", "clv.Summary",
}  # fmt: skip


@functools.cache
def made(name):
    return MADE[name][0]()


# ---- all that can be read ----

SHOWN = ("to_frame", "to_table", "to_text", "to_dict", "summary", "long_table", "mrr", "moved", "balances")
# Left behind, an Altair object, or what leads back to the model.
UNTOLD = {"_crm", "_book", "_options", "_keys", "_seen", "chart", "plot", "_model"}
ADDRESS = re.compile(" at 0x[0-9a-f]+")


def told(value, depth=0):
    """A value as nested plain data: numbers to the bit, frames with their types, objects by all they show."""
    if isinstance(value, str | bytes | int | None | type) or inspect.ismodule(value):
        return value
    if isinstance(value, float | np.generic):
        return repr(value)
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tolist() if value.dtype == object else value.tobytes()
    if isinstance(value, pd.DataFrame | pd.Series):
        return type(value).__name__, str(getattr(value, "dtypes", "")), repr(value.to_dict())
    if isinstance(value, dict):
        return {repr(key): told(one, depth) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return type(value).__name__, [told(one, depth) for one in value]
    if not type(value).__module__.startswith("salesops") or depth > 5:
        return ADDRESS.sub("", repr(value))
    names = [name for name in dir(type(value)) if not name.startswith("_")]
    names += [name for name in vars(value) if name not in names] if hasattr(value, "__dict__") else []
    seen = {"class": type(value), "print": ADDRESS.sub("", repr(value))}
    for name in names:
        if name in UNTOLD:
            continue
        try:
            one = getattr(value, name)
            if callable(one) and not inspect.isclass(one):
                if name not in SHOWN or len(inspect.signature(one).parameters) > 2:
                    continue
                one = one()
        except (so.UsageError, TypeError, ValueError) as error:
            one = str(error)
        seen[name] = told(one, depth + 1)
    return seen


def answers(name, value):
    asked = MADE[name][1]
    return told([value, [] if asked is None else asked(value)])


@pytest.mark.parametrize("name", MADE)
def test_what_comes_back_is_equal(name):
    value, expected = made(name), answers(name, made(name))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        kept = pickle.dumps(value, protocol)
        assert answers(name, pickle.loads(kept)) == expected, protocol
        assert BALLAST.encode() not in kept  # the rows that a result was made of stay behind
        assert len(kept) < 600_000, len(kept)
    assert answers(name, copy.deepcopy(value)) == expected


def test_all_public_classes_are_tried():
    words = ["survival", "cohort", "subscription", "clv", "pipeline", "scenario", "kpi", "plot", "crm"]
    found = set()
    for word in words:
        module = importlib.import_module(f"salesops.{word}")
        names = getattr(module, "__all__", [])
        found |= {f"{word}.{name}" for name in names if inspect.isclass(getattr(module, name))}
    assert found - set(MADE) == ELSEWHERE & found


def test_another_process_reads_them(tmp_path):
    chosen = [made(name) for name in MADE if not name.startswith("plot.")]
    file = tmp_path / "results.pickle"
    file.write_bytes(pickle.dumps(chosen))
    code = "import pickle, sys; print(*map(repr, pickle.load(open(sys.argv[1], 'rb'))), sep='\\n')"
    printed = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert ADDRESS.sub("", printed.stdout) == ADDRESS.sub("", "\n".join(map(repr, chosen)) + "\n")


def test_results_work_on_without_their_book():
    forecast = pickle.loads(pickle.dumps(made("pipeline.Forecast")))
    with pytest.raises(so.UsageError, match=r"without its book: ask pipeline\.backtest"):
        forecast.backtest()


def test_issues_go_on_counting():
    issues = _core.issues.Issues()
    issues.add("deals", 3, "amount", "negative", 500)
    for row in range(150):
        issues.add("deals", row, "owner", "unknown")
    again = pickle.loads(pickle.dumps(issues))
    for one in (issues, again):
        one.add("deals", 9, "amount", "negative")
        one.add("deals", 999, "owner", "unknown")
    assert told(again) == told(issues)
    assert again.total == 652
    assert again.to_table().num_rows == 102


def test_tables_keep_types_nulls_and_exact_numbers():
    table = _core.table.Table.from_columns(
        {
            "text": ["ä", None, ""],
            "whole": [1, None, 2**62],
            "share": [0.1, None, float("inf")],
            "flag": [True, None, False],
            "day": np.array(["2024-02-29", "NaT", "1970-01-01"], "datetime64[D]"),
        }
    )
    for one in (
        table,
        table.slice(1, 2),
        table.slice(0, 0),
        _core.table.Table.empty(4),
        _core.table.Table([]),
    ):
        again = pickle.loads(pickle.dumps(one))
        assert again.to_dict() == one.to_dict()
        assert (len(again), again.names) == (len(one), one.names)
        assert [again.column(n).type for n in again.names] == [one.column(n).type for n in one.names]


# ---- what doesn't pickle says what to do ----

NOT_PICKLED = {
    "crm.Crm": (book, "build it of them with Crm.build or salesops.read"),
    "cohort.RetentionState": (
        lambda: so.cohort.RetentionState.partial(purchases()),
        r"pickle what finish\(\) gives",
    ),
    "subscription.SubscriptionState": (
        lambda: so.subscription.SubscriptionState.partial(subscriptions(), start="start", end="end"),
        r"pickle what finish\(\) gives",
    ),
}


@pytest.mark.parametrize("name", NOT_PICKLED)
def test_what_does_not_pickle_says_what_to_do(name):
    make, way_out = NOT_PICKLED[name]
    value = make()
    with pytest.raises(TypeError, match=way_out):
        pickle.dumps(value)
    assert repr(copy.deepcopy(value)) == repr(value)


# ---- what was changed is refused ----


def cores():
    """Every compiled object that results hold, one of a class, and the bytes it becomes."""
    found = {}

    def walk(value, depth=0):
        kind = type(value)
        if kind.__module__.startswith("salesops._core") and hasattr(value, "__getstate__"):
            state = None if kind in found else value.__getstate__()
            if isinstance(state, bytes):
                found[kind] = state
        if isinstance(value, dict | list | tuple):
            values = list(value.values()) if isinstance(value, dict) else value
        elif kind.__module__.startswith("salesops") and depth < 4:
            names = [name for name in dir(kind) if not name.startswith("_")]
            properties = [name for name in names if not callable(getattr(kind, name))]
            for name in properties:
                with contextlib.suppress(so.UsageError):  # what was not asked for
                    walk(getattr(value, name, None), depth + 1)
            values = list(vars(value).values()) if hasattr(value, "__dict__") else []
        else:
            return
        for one in values:
            walk(one, depth + 1)

    for name in MADE:
        if not name.startswith("plot."):
            walk(made(name))
    return found


def restored(kind, state):
    value = kind.__new__(kind)
    value.__setstate__(state)
    return value


def test_changed_bytes_are_refused():
    found = cores()
    assert len(found) > 20
    draw = np.random.default_rng(5)
    for kind, state in found.items():
        assert restored(kind, state).__getstate__() == state
        for _ in range(60):
            place, cut = draw.integers(len(state)), draw.integers(len(state))
            before, after = state[:place], state[place + 1 :]
            changed = before + bytes([state[place] ^ (1 << int(draw.integers(8)))]) + after
            for wrong in (changed, before + draw.bytes(8) + state[place:], before + after, state[:cut]):
                with pytest.raises(so.DataError, match="pickled"):
                    restored(kind, wrong)
        for wrong in (b"", draw.bytes(500), bytes(500), state + b"\0"):
            with pytest.raises(so.DataError, match="pickled"):
                restored(kind, wrong)
        for wrong in (None, 3, "text", (), [state], {"state": state}, bytearray(state)):
            with pytest.raises(TypeError):
                kind.__new__(kind).__setstate__(wrong)


def test_bytes_of_another_class_or_version_are_refused():
    found = cores()
    curve, hazard = _core.survival.KaplanMeier, _core.survival.NelsonAalen
    with pytest.raises(so.DataError, match="it is a NelsonAalen"):
        restored(curve, found[hazard])

    def checksum(data):
        total = 0xCBF29CE484222325
        for byte in data:
            total = ((total ^ byte) * 0x100000001B3) % 2**64
        return total.to_bytes(8, sys.byteorder)

    state = found[curve][:-8]
    assert state + checksum(state) == found[curve]
    other = state.replace(so.__version__.encode(), b"9" * len(so.__version__), 1)
    with pytest.raises(so.DataError, match=rf"by salesops 9+ and this is {so.__version__}: compute it anew"):
        restored(curve, other + checksum(other))
    for cut in range(len(state)):  # a forged checksum doesn't make the reader run over the end
        with pytest.raises(so.DataError):
            restored(curve, state[:cut] + checksum(state[:cut]))
