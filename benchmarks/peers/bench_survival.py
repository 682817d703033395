"""Survival curves, tests and regressions of a million rows, beside lifelines."""

import warnings

import numpy as np
from _bench import measure, report
from salesops import survival

ROWS = 1_000_000
COLUMNS = 8


def rows(n: int, rounded: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Durations that eight columns shorten or lengthen, events, and the columns."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, COLUMNS))
    # No matrix product: its threads would spin on beside what is timed next.
    durations = rng.exponential(400.0, n) * np.exp((x * np.linspace(-0.3, 0.3, COLUMNS)).sum(axis=1))
    return np.ceil(durations) if rounded else durations, rng.random(n) < 0.6, x


def curves(lifelines) -> None:
    for task, rounded in (("Kaplan–Meier, whole days", True), ("Kaplan–Meier, exact times", False)):
        durations, events, _ = rows(ROWS, rounded)
        ours = measure(lambda d=durations, e=events: survival.KaplanMeier().fit(d, e))
        if lifelines is None:
            report(task, rows=ROWS, ours=ours)
            continue
        peer = measure(lambda d=durations, e=events: lifelines.KaplanMeierFitter().fit(d, e))
        theirs = lifelines.KaplanMeierFitter().fit(durations, events).survival_function_at_times([100, 400])
        fit = survival.KaplanMeier().fit(durations, events)
        same = bool(np.allclose([fit.at(100), fit.at(400)], theirs.to_numpy(), rtol=1e-9))
        report(task, ROWS, ours, {"lifelines": peer}, same=same, limit=0.5 if rounded else 0.05)
    durations, events, _ = rows(ROWS, True)
    codes = np.where(events, 1 + (np.arange(ROWS) % 2), 0)
    ours = measure(lambda: survival.AalenJohansen().fit(durations, codes))
    report("Aalen–Johansen, two outcomes, whole days", rows=ROWS, ours=ours)


def ranks(lifelines) -> None:
    durations, events, x = rows(ROWS, False)
    groups = (x[:, 0] > 0).astype(int)
    ours = measure(lambda: survival.logrank(durations, events, groups))
    if lifelines is None:
        report("log-rank, two groups", rows=ROWS, ours=ours)
        return
    from lifelines.statistics import logrank_test

    first = groups == 0

    def theirs() -> float:
        return logrank_test(durations[first], durations[~first], events[first], events[~first]).test_statistic

    same = bool(np.isclose(survival.logrank(durations, events, groups).statistic, theirs(), rtol=1e-9))
    report("log-rank, two groups", ROWS, ours, {"lifelines": measure(theirs)}, same=same, limit=0.1)


def frame_of(n: int, rounded: bool):
    """The rows as a frame, which both take."""
    import pandas as pd

    durations, events, x = rows(n, rounded)
    return pd.DataFrame(x, columns=[f"x{j}" for j in range(COLUMNS)]).assign(T=durations, E=events)


def regressions(lifelines) -> None:
    columns = {"duration_col": "T", "event_col": "E"}
    for task, n, rounded in (
        ("Cox × 8, whole days", ROWS, True),
        ("Cox × 8, exact times", ROWS, False),
        # Without ties lifelines goes from row to row in Python: a tenth of the rows says enough.
        ("Cox × 8, exact times, a tenth", ROWS // 10, False),
    ):
        frame = frame_of(n, rounded)
        ours = measure(lambda f=frame: survival.CoxPH().fit(f, **columns))
        if lifelines is None or (n == ROWS and not rounded):
            report(task, rows=n, ours=ours)
            continue
        peer = measure(lambda f=frame: lifelines.CoxPHFitter().fit(f, "T", "E"), repeat=2)
        theirs = lifelines.CoxPHFitter().fit(frame, "T", "E").params_.to_numpy()
        mine = list(survival.CoxPH().fit(frame, **columns).coefficients_.values())
        same = bool(np.allclose(mine, theirs, rtol=1e-5, atol=1e-7))
        report(task, n, ours, {"lifelines": peer}, same=same, limit=1 / 15)
    frame = frame_of(ROWS // 10, False)
    ours = measure(lambda: survival.WeibullAFT().fit(frame, **columns))
    if lifelines is None:
        report("Weibull AFT × 8", rows=len(frame), ours=ours)
        return
    peer = measure(lambda: lifelines.WeibullAFTFitter().fit(frame, "T", "E"), repeat=2)
    theirs = lifelines.WeibullAFTFitter().fit(frame, "T", "E").params_["lambda_"]
    mine = survival.WeibullAFT().fit(frame, **columns).coefficients_
    same = all(abs(mine[name] - theirs[name]) < 1e-3 for name in frame.columns[:COLUMNS])
    report("Weibull AFT × 8", len(frame), ours, {"lifelines": peer}, same=same, limit=0.5)


def main() -> None:
    try:
        import lifelines
    except ImportError:
        lifelines = None
    warnings.simplefilter("ignore")
    curves(lifelines)
    ranks(lifelines)
    regressions(lifelines)


if __name__ == "__main__":
    main()
