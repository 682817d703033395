"""Pictures of lifetimes that have to stay readable."""

import re

import pytest
import salesops as so
from salesops import survival
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


def test_titles_rest_on_ten_rows_at_risk():
    many = survival.KaplanMeier().fit([*range(1, 21), 30], [1] * 20 + [0])
    assert many.plot(time="days").title == "After 10 days: share still there 52.4 %"  # of 12; 2 see day 20
    few = survival.KaplanMeier().fit([1, 2, 3] + [4] * 10, [1, 1, 1] + [0] * 10)
    assert few.plot().title == "After 4: share still there 76.9 %"
    assert survival.plot({"many": many, "few": few}).title == "After 4: many 81.0 %, few 76.9 %"
    hazard = survival.NelsonAalen().fit([*range(1, 21), 30], [1] * 20 + [0])
    assert hazard.plot().title == f"After 10: cumulative hazard {sum(1 / n for n in range(12, 22)):.2f}"
    causes = survival.AalenJohansen().fit([*range(1, 21), 30], [1, 2] * 10 + [0])
    assert causes.plot().title == "After 10: 1 23.8 %, 2 23.8 %"
    tiny = survival.KaplanMeier().fit([1, 2, 3], [1, 0, 0])
    assert survival.plot({"many": many, "tiny": tiny}).title == "After 3: many 85.7 %, tiny 66.7 %"


def test_rows_at_risk_bear_the_names_of_their_groups():
    fits = {f"plan {i} of </text> those we have": survival.KaplanMeier().fit([1 + i, 9]) for i in range(7)}
    fits["last"] = survival.KaplanMeier().fit([1, 2])
    drawn = survival.plot(fits).svg()
    muted = re.findall(r'<text text-anchor="end"[^>]*fill="#57606a"[^>]*>([^<]*)</text>', drawn)
    assert [name[:6] for name in muted] == [f"plan {i}" for i in range(7)] + ["last"]
    assert all(name.endswith("…") for name in muted[:-1])
    alone = fits["last"].plot().svg()
    assert not re.findall(r'<text text-anchor="end"[^>]*fill="#57606a"', alone)


def test_groups_are_drawn_together_with_their_rows_at_risk():
    curves = {
        "a": survival.KaplanMeier().fit([1, 2, 3, 4, 10], [1, 1, 0, 1, 0]),
        "b": survival.KaplanMeier().fit([2, 5, 8], [0, 1, 0]),
    }
    picture = survival.plot(curves, time="days")
    assert picture.title == "After 8 days: a 30.0 %, b 50.0 %"
    drawn = picture.svg()
    for name, fit in curves.items():
        assert f">{name}</text>" in drawn
        color = re.search(rf'fill="(#[0-9a-f]+)"[^>]*>{name}</text>', drawn)[1]
        counts = re.findall(rf'fill="{color}"[^>]*>([0-9]+)</text>', drawn)
        assert counts == [
            str(int(fit.result_.at_risk[fit.result_.time >= t].max(initial=0))) for t in range(0, 11, 2)
        ]
    assert [row[0] for row in picture.rows] == ["2", "4", "6", "8", "10"]
    assert picture.rows[-1][2] == "–"  # nobody of b has been watched that long
    with pytest.raises(so.UsageError, match="group 'b' needs a KaplanMeier or NelsonAalen, all of one kind"):
        survival.plot({"a": curves["a"], "b": survival.NelsonAalen().fit([1, 2], [1, 0])})
    with pytest.raises(so.UsageError, match="group 'c' needs"):
        survival.plot({"c": [1, 2]})
    with pytest.raises(so.UsageError, match="at least one group"):
        survival.plot({})
    with pytest.raises(so.UsageError, match="not fitted yet"):
        survival.plot({"a": survival.KaplanMeier()})
