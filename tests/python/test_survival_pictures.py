"""Pictures of lifetimes that have to stay readable."""

import re

import pytest
from salesops.survival._pictures import forest

pytest.importorskip("altair")


def test_long_labels_of_a_forest_have_their_room():
    plans = ["customer_acquisition_channel=partner referrals of ", "WWWWMMMM" * 8, "=" * 30 + "-" * 70]
    names = ["seats", *(plan + end for plan in plans for end in ("2024", "2025"))]
    picture = forest([(name, 2.0, 1.5, 3.0) for name in names], what="hazard", level=95, subtitle="")
    spec = picture.chart.to_dict()
    labels = [row["label"] for row in spec["layer"][1]["data"]["values"]]
    assert len(set(labels)) == len(names)
    assert all(label.endswith(name[-4:]) for label, name in zip(labels, names, strict=True))
    assert labels[1].split("\n") == ["customer_acquisition_", "channel=partner referrals of", "2024"]
    assert max(len(line) for label in labels for line in label.split("\n")) <= 28
    # A W of DejaVu Sans, a wide font that many browsers take, has 12.9 pixels.
    svg = picture.svg()
    assert int(re.search(r"translate\((\d+),", svg)[1]) >= 28 * 13
    assert all(f">{line}<" in svg for label in labels for line in label.split("\n"))
    assert [row[0] for row in picture.rows] == names
