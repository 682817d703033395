"""80 % intervals of the pipeline forecast cover 72 to 88 % on sample books of many seeds, bias within 3 %.

All books count. Beside them stands the bias of those that haven't seen the same months a year before:
they can know neither the season nor the renewals of the second year (docs/guide/pipeline.md), and lie within
15 %. `python tests/prove/prove_pipeline.py 1000` takes other seeds, from that one on.
"""

import datetime as dt
import sys
from collections import defaultdict

import salesops as so

SEEDS = 40
WEEKS = (2, 6, 10)
LEVEL = 0.80
SLACK = 0.08
BIAS = 0.03
YOUNG_BIAS = 0.15
YOUNG_BEFORE = dt.date(2024, 4, 1)  # the sample begins on 2023-01-01


def main(first: int = 1) -> int:
    """Count covered cells and add up company forecasts over books that share nothing but their process."""
    cells = {"company": [0, 0], "team": [0, 0], "rep": [0, 0]}
    forecast, actual = defaultdict(float), defaultdict(float)
    for seed in range(first, first + SEEDS):
        crm = so.datasets.sample_crm(seed=seed, deals=4000, leads_per_deal=0, activities_per_deal=0)
        result = so.pipeline.backtest(crm, periods=8, weeks=WEEKS, draws=500, seed=seed)
        for row in result.coverage:
            cells[row["holder_type"]][0] += row["covered"]
            cells[row["holder_type"]][1] += row["cells"]
        for row in result.to_frame("pyarrow").to_pylist():
            if row["holder_type"] == "company":
                week = (row["as_of"] - row["start"]).days // 7
                age = "young" if row["start"].date() < YOUNG_BEFORE else "grown"
                for key in (week, (week, age)):
                    forecast[key] += float(row["forecast"])
                    actual[key] += float(row["actual"])
    bias = {key: forecast[key] / actual[key] - 1 for key in forecast}
    words = [f"{kind} {covered}/{n} = {covered / n:.1%}" for kind, (covered, n) in cells.items()]
    words += [
        f"bias in week {week} {bias[week]:+.1%} (first year {bias[week, 'young']:+.1%}, "
        f"later {bias[week, 'grown']:+.1%})"
        for week in WEEKS
    ]
    print("; ".join(words))
    wide = any(abs(covered / n - LEVEL) > SLACK for covered, n in cells.values())
    off = any(abs(bias[week]) > BIAS or abs(bias[week, "grown"]) > BIAS for week in WEEKS)
    return wide or off or any(abs(bias[week, "young"]) > YOUNG_BIAS for week in WEEKS)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
