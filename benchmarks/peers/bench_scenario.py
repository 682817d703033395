"""Intervals of every rep, team and the company over a year of weeks, against pandas."""

import itertools

import numpy as np
import pandas as pd
import salesops as so
from _bench import measure, report

REPS, TEAMS, WEEKS, DRAWS = 200, 20, 13, 2_000


def with_pandas(values: np.ndarray, teams: np.ndarray) -> tuple[pd.DataFrame, pd.Series]:
    """80 % of each team, and of all."""
    by_team = pd.DataFrame(values.sum(axis=1)).groupby(teams).sum()
    return by_team.quantile([0.1, 0.9], axis=1).T, by_team.sum().quantile([0.1, 0.9])


def main() -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 100_000, (REPS, WEEKS, DRAWS))
    teams = np.array([f"T{i % TEAMS:02d}" for i in range(REPS)])
    names = [f"R{i:03d}" for i in range(REPS)]
    weeks = pd.date_range("2026-01-05", periods=WEEKS + 1, freq="7D").to_pydatetime().tolist()
    scenario = so.scenario.Scenario.build(
        dict(zip(names, values, strict=True)),
        periods=list(itertools.pairwise(weeks)),
        teams=dict(zip(names, teams.tolist(), strict=True)),
    )

    def ours() -> list[tuple[float, float]]:
        return [scenario.interval(holder) for holder in scenario.holders if holder[0] != "rep"]

    theirs, total = with_pandas(values, teams)
    same = np.allclose(ours()[:-1], theirs.to_numpy(), atol=1) and np.allclose(ours()[-1], total, atol=1)
    report(
        "intervals of 20 teams and the company",
        values.size,
        measure(ours),
        {"pandas": measure(lambda: with_pandas(values, teams))},
        same=same,
    )


if __name__ == "__main__":
    main()
