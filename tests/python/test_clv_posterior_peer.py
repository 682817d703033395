"""Posteriors of the CDNOW sample against those that pymc-marketing drew (tests/golden/clv_posterior.py)."""

import csv
import pathlib
import re

import pytest
import salesops as so

TOP = pathlib.Path(__file__).parents[2]
OURS = {"BetaGeoModel": so.clv.BGNBD, "ModifiedBetaGeoModel": so.clv.MBGNBD}
PAGE = TOP / "docs" / "from_pymc_marketing.md"


@pytest.mark.parametrize("peer", OURS)
def test_posteriors_are_those_of_pymc_marketing(data_dir, peer):
    path = data_dir / "clv" / "cdnow_customers_summary.csv"
    columns = so.csv.read(path).table.to_dict()
    model = OURS[peer]().fit(x=columns["frequency"], t_x=columns["recency"], T=columns["T"])
    drawn = model.posterior(1000, chains=2, warmup=400, progress=False)
    with (TOP / "tests" / "golden" / "clv_posterior.csv").open(encoding="utf-8") as file:
        rows = {row["parameter"]: row for row in csv.DictReader(file) if row["model"] == peer}
    ends = drawn.intervals(level=90)
    title = {"BetaGeoModel": "BG/NBD", "ModifiedBetaGeoModel": "MBG/NBD"}[peer]
    shown = re.findall(rf"\| {title} \| (\w+) \| (\S+) ± (\S+) \| (\S+) ± (\S+) \|", PAGE.read_text("utf-8"))
    assert [row[0] for row in shown] == ["r", "alpha", "a", "b"]
    for name, *numbers in shown:
        found = drawn.diagnosis()[name]
        known = [float(rows[name]["mean"]), float(rows[name]["sd"]), found["mean"], found["sd"]]
        assert [float(number) for number in numbers] == pytest.approx(known, abs=6e-5), name
    for name, found in drawn.diagnosis().items():
        sd = float(rows[name]["sd"])
        assert abs(found["mean"] - float(rows[name]["mean"])) < 0.15 * sd
        assert found["sd"] == pytest.approx(sd, rel=0.12)
        for end, known in zip(ends[name], ("q05", "q95"), strict=True):
            assert abs(end - float(rows[name][known])) < 0.25 * sd
        assert found["r_hat"] < 1.02
