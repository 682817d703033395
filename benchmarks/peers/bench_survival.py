"""Survival curves of a million rows, beside lifelines."""

import numpy as np
from _bench import measure, report
from salesops import survival


def rows(n: int, rounded: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    durations = rng.exponential(400.0, n)
    return np.ceil(durations) if rounded else durations, rng.random(n) < 0.6


def main() -> None:
    try:
        import lifelines
    except ImportError:
        lifelines = None
    for task, rounded in (("Kaplan–Meier, whole days", True), ("Kaplan–Meier, exact times", False)):
        durations, events = rows(1_000_000, rounded)
        ours = measure(lambda d=durations, e=events: survival.KaplanMeier().fit(d, e))
        if lifelines is None:
            report(task, rows=len(durations), ours=ours)
            continue
        peer = measure(lambda d=durations, e=events: lifelines.KaplanMeierFitter().fit(d, e))
        theirs = lifelines.KaplanMeierFitter().fit(durations, events).survival_function_at_times([100, 400])
        fit = survival.KaplanMeier().fit(durations, events)
        same = bool(np.allclose([fit.at(100), fit.at(400)], theirs.to_numpy(), rtol=1e-9))
        report(task, len(durations), ours, {"lifelines": peer}, same=same, limit=0.5)
    durations, events = rows(1_000_000, True)
    codes = np.where(events, 1 + (np.arange(len(events)) % 2), 0)
    ours = measure(lambda: survival.AalenJohansen().fit(durations, codes))
    report("Aalen–Johansen, two outcomes, whole days", rows=len(durations), ours=ours)


if __name__ == "__main__":
    main()
