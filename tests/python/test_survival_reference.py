"""Every row of the reference numbers made with R's survival package."""

import csv
import datetime as dt
import functools

import numpy as np
import pytest
from salesops import survival


def read(path, delimiter=","):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def numbers(rows, name):
    return np.array([float(row[name]) for row in rows])


@functools.cache
def data_sets(folder):
    """Durations, events, entry and grouping columns of each data set of the reference file."""
    waltons, rossi = read(folder / "waltons_dataset.csv"), read(folder / "rossi.csv")
    dd, g3 = read(folder / "dd.csv"), read(folder / "g3.csv")
    leukemia, lymphoma = read(folder / "anderson.csv", " "), read(folder / "lymphoma.csv")
    aids = read(folder / "multicenter_aids_cohort.tsv", "\t")
    return {
        "waltons": (waltons, numbers(waltons, "T"), numbers(waltons, "E"), None),
        "rossi": (rossi, numbers(rossi, "week"), numbers(rossi, "arrest"), None),
        "dd": (dd, numbers(dd, "duration"), numbers(dd, "observed"), None),
        "g3": (g3, numbers(g3, "time"), np.array([row["event"] == "True" for row in g3]), None),
        "leukemia": (leukemia, numbers(leukemia, "t"), numbers(leukemia, "status"), None),
        "lymphoma": (lymphoma, numbers(lymphoma, "Time"), numbers(lymphoma, "Censor"), None),
        "multicenter_aids": (aids, numbers(aids, "T"), numbers(aids, "D"), numbers(aids, "W")),
    }


def part(data, group):
    rows, durations, events, entry = data
    if group is None:
        return durations, events, entry
    name, value = group.split("=")
    mask = np.array([row[name] == value for row in rows])
    return durations[mask], events[mask], None if entry is None else entry[mask]


def split_arg(arg):
    """`Rx=0;t=6` to ('Rx=0', 6.0)."""
    group, time = None, None
    for piece in arg.split(";"):
        if piece.startswith("t="):
            time = float(piece[2:])
        elif "=" in piece:
            group = piece
    return group, time


COLUMN = {"at_risk": "at_risk", "S": "survival", "se_greenwood": "std_error", "ci95_low": "low",
          "ci95_high": "high", "H": "cumulative_hazard", "se_H": "std_error"}  # fmt: skip


def second_purchases(folder):
    bought = {}
    for line in (folder.parent / "clv" / "CDNOW_master.txt").read_text().splitlines()[1:]:
        customer, day = line.split()[:2]
        bought.setdefault(customer, set()).add(dt.date(int(day[:4]), int(day[4:6]), int(day[6:8])))
    days = [sorted(found) for found in bought.values()]
    last = dt.date(1998, 6, 30)
    durations = [((found[1] if len(found) > 1 else last) - found[0]).days for found in days]
    return durations, [len(found) > 1 for found in days], None


@functools.cache
def curve_of(folder, dataset, model, options, group):
    known = dataset == "cdnow_second_purchase"
    durations, events, entry = second_purchases(folder) if known else part(data_sets(folder)[dataset], group)
    kind = options.rpartition("conf=")[2].replace("-", "_")
    fit = {
        "kaplan_meier": lambda: survival.KaplanMeier(interval=kind),
        "nelson_aalen": survival.NelsonAalen,
        "fleming_harrington": lambda: survival.NelsonAalen(ties="in_turn"),
    }[model]()
    return fit.fit(durations, events, entry).result_


def of_curve(folder, row):
    group, time = split_arg(row["arg"])
    curve = curve_of(folder, row["dataset"], row["model"], row["options"], group)
    if row["quantity"].startswith("median"):
        name = {"median": "estimate", "median_ci95_low": "low", "median_ci95_high": "high"}
        return getattr(curve.quantile(0.5), name[row["quantity"]])
    step = np.searchsorted(curve.time, time, side="right") - 1
    if row["quantity"] == "at_risk":
        step = np.searchsorted(curve.time, time, side="left")
    column = COLUMN[row["quantity"]]
    before = 1.0 if column in ("survival", "low", "high") else 0.0
    return getattr(curve, column)[step] if step >= 0 else before


def of_rmst(folder, row):
    durations, events, _ = part(data_sets(folder)[row["dataset"]], row["arg"])
    mean = survival.KaplanMeier().fit(durations, events).rmst(float(row["options"][4:]))
    return mean.estimate if row["quantity"] == "rmst" else mean.std_error


def of_logrank(folder, row):
    rows, durations, events, _ = data_sets(folder)[row["dataset"]]
    weight = "log_rank" if row["arg"] == "rho=0" else "g_rho"
    groups = [cells[row["options"]] for cells in rows]
    return survival.logrank(durations, events, groups, weight=weight).statistic


@functools.cache
def competing(folder, dataset):
    if dataset == "aj_toy":
        return survival.AalenJohansen(censored="").fit([1, 2, 3, 4, 5, 6], ["", "a", "a", "b", "b", ""])
    rows = read(folder.parent / "forecast" / "mgus2_multistate.csv")
    first = [(float(r["ptime"]), "pcm") if r["pstat"] == "1" else
             (float(r["futime"]), "death" if r["death"] == "1" else None) for r in rows]  # fmt: skip
    return survival.AalenJohansen().fit([t for t, _ in first], [e for _, e in first])


def of_competing(folder, row):
    fit = competing(folder, row["dataset"])
    cause, time = row["arg"].split(";t=")
    step = np.searchsorted(fit.result_.time, float(time), side="right") - 1
    found = fit.result_.causes[fit.causes_.index(cause)]
    if row["quantity"] == "var":
        return found.std_error[step] ** 2
    return (found.incidence if row["quantity"] == "CIF" else found.std_error)[step]


ROSSI = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]


def frame(folder, dataset):
    rows, durations, events, _ = data_sets(folder)[dataset]
    names = ROSSI if dataset == "rossi" else ["Rx", "logWBC", "sex"]
    return {"T": durations, "E": events} | {name: numbers(rows, name) for name in names}


@functools.cache
def cox_of(folder, dataset, options):
    ties, _, more = options.partition(";")
    strata, robust, formula = None, more == "robust", None
    if more.startswith("strata="):
        strata = more[7:]
    elif more and not robust:
        formula = more
    model = survival.CoxPH(ties=ties[5:], robust=robust)
    return model.fit(frame(folder, dataset), duration_col="T", event_col="E", strata=strata, formula=formula)


def of_cox(folder, row):
    model = cox_of(folder, row["dataset"], row["options"])
    table = model._table()
    if row["quantity"] in ("coef", "se"):
        column = {"coef": "coefficient", "se": "std_error"}[row["quantity"]]
        return table[column][table["covariate"].index(row["arg"])]
    if row["quantity"].startswith("H0"):
        baseline = model.baseline_
        step = np.searchsorted(baseline["time"], float(row["arg"][2:]), side="right") - 1
        return baseline["cumulative_hazard"][step]
    return {
        "loglik": model.log_likelihood_,
        "loglik_null": model.log_likelihood_null_,
        "concordance": model.concordance_index_,
        "concordance_se": model.concordance_.std_error,
        "wald_chisq": model.wald_.statistic,
        "score_chisq": model.score_.statistic,
    }[row["quantity"]]


@functools.cache
def assumptions_of(folder, scale):
    return cox_of(folder, "rossi", "ties=efron").check_assumptions(scale)


def of_zph(folder, row):
    found = assumptions_of(folder, row["options"])
    return (found.everything if row["arg"] == "GLOBAL" else found.columns[row["arg"]]).statistic


LAWS = {
    "weibull": survival.WeibullAFT,
    "lognormal": survival.LogNormalAFT,
    "loglogistic": survival.LogLogisticAFT,
    "exponential": survival.ExponentialAFT,
}


@functools.cache
def aft_of(folder, dataset, law):
    return LAWS[law]().fit(frame(folder, dataset), duration_col="T", event_col="E")


def of_aft(folder, row):
    model = aft_of(folder, row["dataset"], row["options"][5:])
    if row["quantity"] in ("coef", "se"):
        name = "intercept" if row["arg"] == "(Intercept)" else row["arg"]
        values = model.result_.estimates if row["quantity"] == "coef" else model.result_.std_errors
        return values[model.result_.names.index(name)]
    return model.result_.sigma if row["quantity"] == "scale" else model.log_likelihood_


@functools.cache
def law_of(folder, dataset, law):
    _, durations, events, _ = data_sets(folder)[dataset]
    return LAWS[law]().fit(durations, events)


def of_law(folder, row):
    model = law_of(folder, row["dataset"], row["model"])
    if row["quantity"] == "loglik":
        return model.log_likelihood_
    return model.parameters_[row["quantity"].partition("(")[0]]


MODELS = {
    "kaplan_meier": of_curve,
    "nelson_aalen": of_curve,
    "fleming_harrington": of_curve,
    "rmst": of_rmst,
    "logrank": of_logrank,
    "aalen_johansen": of_competing,
    "cox_ph": of_cox,
    "cox_zph": of_zph,
    "aft": of_aft,
    "weibull": of_law,
    "lognormal": of_law,
    "loglogistic": of_law,
    "exponential": of_law,
}
# R stops its fits when the likelihood stands still, so its estimates have fewer true digits than it prints:
# for Cox nine of them, as `test_where_r_stops` shows.
TOLERANCE = {"cox_ph": 2e-8, "cox_zph": 1e-7} | dict.fromkeys(("aft", *LAWS), 1e-6)


def efron(x, durations, events, beta):
    """Slope and information of Efron's likelihood, written out."""
    theta = np.exp(x @ beta)
    slope, information = np.zeros(len(beta)), np.zeros((len(beta), len(beta)))
    for time in np.unique(durations[events == 1]):
        at_risk, dead = durations >= time, (durations == time) & (events == 1)
        for l in range(dead.sum()):  # noqa: E741
            weight = theta * (at_risk - l / dead.sum() * dead)
            weight /= weight.sum()
            mean = weight @ x
            information += (x - mean).T @ ((x - mean) * weight[:, None])
            slope -= mean
        slope += x[dead].sum(axis=0)
    return slope, information


def test_where_r_stops(data_dir):
    """R's estimates are those of Newton's fourth step to all digits printed; ours are the limit."""
    folder = data_dir / "survival"
    _, durations, events, _ = data_sets(folder)["rossi"]
    x = np.column_stack([frame(folder, "rossi")[name] for name in ROSSI])
    x = x - x.mean(axis=0)
    beta, path = np.zeros(7), []
    for _ in range(7):
        slope, information = efron(x, durations, events, beta)
        beta = beta + np.linalg.solve(information, slope)
        path.append(beta)
    printed = [
        float(row["value"])
        for row in read(folder / "reference_survival.csv")
        if (row["dataset"], row["model"], row["options"], row["quantity"])
        == ("rossi", "cox_ph", "ties=efron", "coef")
    ]
    assert min(np.abs(step - printed).max() for step in path[:5]) < 1e-11
    ours = list(cox_of(folder, "rossi", "ties=efron").coefficients_.values())
    assert ours == pytest.approx(path[-1], rel=1e-11)


def test_every_row_of_the_reference(data_dir):
    folder = data_dir / "survival"
    checked, wrong = {}, []
    rows = read(folder / "reference_survival.csv")
    for row in rows:
        if row["dataset"] == "proportion":
            continue  # intervals of rates belong to the word stats
        actual = MODELS[row["model"]](folder, row)
        # Where the curve is 0 R has no standard error; ours is 0.
        expected = 0.0 if row["value"] == "NaN" else float(row["value"])
        tolerance = TOLERANCE.get(row["model"], 1e-9)
        if actual != pytest.approx(expected, rel=tolerance, abs=1e-11):
            wrong.append((row, actual))
        checked[row["model"]] = checked.get(row["model"], 0) + 1
    assert wrong == []
    assert set(checked) == set(MODELS)
    assert sum(checked.values()) == len(rows) - 28
