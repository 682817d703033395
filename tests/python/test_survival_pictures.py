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
    with pytest.raises(
        so.UsageError, match="group 'b' needs a KaplanMeier, NelsonAalen or AalenJohansen, all"
    ):
        survival.plot({"a": curves["a"], "b": survival.NelsonAalen().fit([1, 2], [1, 0])})
    with pytest.raises(so.UsageError, match="group 'c' needs"):
        survival.plot({"c": [1, 2]})
    with pytest.raises(so.UsageError, match="at least one group"):
        survival.plot({})
    with pytest.raises(so.UsageError, match="fits: need a dict, not list"):
        survival.plot([curves["a"]])
    with pytest.raises(so.UsageError, match="not fitted yet"):
        survival.plot({"a": survival.KaplanMeier()})
    with pytest.raises(so.UsageError, match="group 'b' has intervals of another level"):
        survival.plot({"a": curves["a"], "b": survival.KaplanMeier(level=80).fit([1, 2])})
    with pytest.raises(so.UsageError, match="two groups bear the same name"):
        survival.plot({1: curves["a"], "1": curves["b"]})
    with pytest.raises(so.UsageError, match="a KaplanMeier has no outcomes"):
        survival.plot(curves, cause="won")


def test_hazards_of_groups_are_drawn_as_their_fits_tell():
    fits = {name: survival.NelsonAalen().fit(days) for name, days in (("a", [1, 2, 4]), ("b", [2, 3, 5, 6]))}
    picture = survival.plot(fits)
    assert picture.title == f"After 4: a {1 / 3 + 1 / 2 + 1:.2f}, b {1 / 4 + 1 / 3:.2f}"
    assert picture.rows[-1] == ["6", "–", f"{1 / 4 + 1 / 3 + 1 / 2 + 1:.3f}"]  # a hazard goes on


def deals(won, lost, still_open=(99,)):
    """Deals by their days."""
    days = [*won, *lost, *still_open]
    ends = ["won"] * len(won) + ["lost"] * len(lost) + ["open"] * len(still_open)
    return survival.AalenJohansen(censored="open").fit(days, ends)


def lines_of(picture):
    """Points of each curve: x, value, low, high."""
    found = {}
    for row in picture.chart.to_dict()["vconcat"][0]["layer"][1]["data"]["values"]:
        found.setdefault(row["curve"], []).append((row["x"], row["value"], row["low"], row["high"]))
    return found


def test_one_model_draws_each_of_its_outcomes():
    fit = deals([2, 4, 4, 9], [1, 6, 7])
    picture = fit.plot(time="days")
    assert lines_of(picture).keys() == {"lost", "won"}
    for name, points in lines_of(picture).items():
        of = fit.result_.causes[fit.causes_.index(name)]
        assert points[0] == (0, 0, 0, 0)
        assert [point[:2] for point in points[1:]] == list(zip(fit.result_.time, of.incidence, strict=True))
    (numbers,) = (part["data"]["values"] for part in picture.chart.to_dict()["vconcat"][1:])
    assert numbers[0]["n"] == "8"
    assert survival.plot(fit, time="days").title == picture.title == "After 99 days: lost 37.5 %, won 50.0 %"
    assert survival.plot(fit, cause="won", time="days").title == "After 99 days: won 50.0 %"
    with pytest.raises(so.UsageError, match="no row has ended"):
        survival.AalenJohansen().fit([1, 2], [0, 0]).plot()


def test_groups_are_drawn_by_the_share_of_one_outcome():
    fits = {"basic": deals([2, 4, 4, 8], [1, 6]), "pro": deals([3, 5], [2, 7, 8, 8])}
    picture = survival.plot(fits, cause="won", time="days")
    assert picture.title == "won after 99 days: basic 57.1 %, pro 28.6 %"
    assert "share won by then" in picture.svg()
    for name, points in lines_of(picture).items():
        of = fits[name].result_.causes[1]
        assert [point[1] for point in points[1:]] == of.incidence.tolist()
        assert points[-1][2:] == (of.low[-1], of.high[-1])
    rows = picture.chart.to_dict()["vconcat"][1]["data"]["values"]
    assert [(row["row"], row["n"]) for row in rows if row["x"] == 0] == [(0, "7"), (1, "7")]
    never = survival.plot({**fits, "none": deals([], [1, 5])}, cause="won").title
    assert never.endswith("pro 28.6 %, none 0.0 %")
    only = {"a": survival.AalenJohansen().fit([1, 2], [0, 1]), "b": survival.AalenJohansen().fit([3], [1])}
    assert survival.plot(only).title == "1 after 2: a 100.0 %, b 0.0 %"
    with pytest.raises(so.UsageError, match="cause: say which outcome to draw; there are 'lost', 'won'"):
        survival.plot(fits)
    with pytest.raises(so.UsageError, match="no outcome 'win'; there are 'lost', 'won'"):
        survival.plot(fits, cause="win")


def test_shares_that_can_change_no_more_are_told_at_any_later_time():
    fits = {
        "over": survival.AalenJohansen().fit([1, 2], [1, 2]),
        "long": survival.AalenJohansen().fit([1, 30], [1, 0]),
    }
    assert [row[1:] for row in survival.plot(fits, cause=1).rows][-1] == ["0.500", "0.500"]
    left = {"over": survival.KaplanMeier().fit([1, 2]), "long": survival.KaplanMeier().fit([1, 30], [1, 0])}
    assert [row[1:] for row in survival.plot(left).rows][-1] == ["0.000", "0.500"]


def test_curves_reach_the_end_of_what_was_watched():
    left = survival.KaplanMeier().fit([2, 3, 50], [1, 1, 0])
    (points,) = lines_of(left.plot()).values()
    assert [point[:2] for point in points[-2:]] == [(3, pytest.approx(1 / 3)), (50, pytest.approx(1 / 3))]
    both = lines_of(survival.plot({"a": left, "b": survival.KaplanMeier().fit([1, 80], [1, 0])}))
    assert {name: points[-1][0] for name, points in both.items()} == {"a": 50, "b": 80}
    assert {name: points[-1][0] for name, points in lines_of(deals([2], [5]).plot()).items()} == {
        "lost": 99,
        "won": 99,
    }
    rows = {"x": [1, 2, 3, 4], "time": [2, 3, 4, 70], "left": [1, 1, 1, 0]}
    cox = survival.CoxPH(penalty=1).fit(rows, duration_col="time", event_col="left")
    assert [points[-1][0] for points in lines_of(cox.plot_survival_function({"x": [1, 3]})).values()] == [
        70,
        70,
    ]


def test_pictures_of_many_groups_say_the_ends_and_of_too_many_what_to_do():
    fits = {f"plan {i}": survival.KaplanMeier().fit(range(1 + i, 90 + i)) for i in range(11)}
    ten = dict(list(fits.items())[:10])
    picture = survival.plot(ten)
    assert picture.title == "After 80: from 10.1 % (plan 0) to 20.2 % (plan 9)"
    assert "plan 4 14.6 %" in picture.alt
    cells = picture.chart.to_dict()["vconcat"][1]["data"]["values"]
    ends = picture.chart.to_dict()["vconcat"][0]["layer"][-1]["data"]["values"]
    assert len({row["color"] for row in cells}) == 10
    assert {row["curve"]: row["color"] for row in ends} == {
        name: next(row["color"] for row in cells if row["row"] == i) for i, name in enumerate(ten)
    }
    with pytest.raises(so.UsageError, match="fits: 11 groups are more than a reader can tell apart"):
        survival.plot(fits)
    twelve = survival.AalenJohansen().fit([*range(1, 13), 40], [*range(12, 0, -1), 0]).plot()
    assert twelve.title.startswith("After 4: ")  # outcomes 12 to 9 have been seen
    assert twelve.subtitle.endswith("Drawn: the 10 largest of 12 curves.")
    assert len(lines_of(twelve)) == 10
    assert {"9", "10", "11", "12"} <= lines_of(twelve).keys()
    assert len(twelve.columns) == 2 + 12


ROWS = {
    "months": [5, 6, 6, 2, 4, 9, 12, 3, 8, 7],
    "left": [1, 0, 1, 1, 0, 1, 0, 1, 0, 1],
    "seats": [3, 9, 4, 2, 8, 5, 12, 6, 7, 3],
}
FIT = {"duration_col": "months", "event_col": "left", "formula": "seats"}


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (survival.CoxPH(), "hazard ratio"),
        (survival.FineGray(), "subdistribution hazard ratio"),
        (survival.WeibullAFT(level=80), "time ratio"),
        (survival.DiscreteHazard(), "odds ratio"),
        (survival.DiscreteHazard(link="cloglog"), "hazard ratio"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_regressions_draw_a_forest_of_their_ratios(model, what):
    picture = model.fit(ROWS, **FIT).plot()
    level = model.level
    assert picture.columns == ["column", what, f"low {level:g} %", f"high {level:g} %"]
    table = model.to_frame()
    place = list(table["covariate"]).index("seats")
    ratio = what.replace(" ", "_").removeprefix("subdistribution_")
    told = [table[name][place] for name in (ratio, f"{ratio}_lo_{level:g}", f"{ratio}_hi_{level:g}")]
    assert picture.rows == [["seats", *(f"{value:.3f}" for value in told)]]
    assert f">{what}</text>" in picture.svg()
    surely = told[1] > 1 or told[2] < 1
    assert picture.title == (
        f"seats: {what} {told[0]:.2f}" if surely else f"No column's {what} is surely different from 1"
    )
    assert picture.subtitle.startswith("Above 1 lasts longer" if what == "time ratio" else "Above 1 ")


def test_ratios_on_an_axis_are_round_on_both_sides_of_one():
    def ticks(*rows):
        picture = forest([("x", *row) for row in rows], what="hazard", level=95, subtitle="")
        axis = picture.chart.to_dict()["layer"][2]["encoding"]["x"]["axis"]
        return axis.get("values")

    assert ticks((0.93, 0.6, 1.7)) == [0.7, 1, 1.5]
    assert ticks((2.0, 1.1, 2.9)) == [1, 1.5, 2]
    assert ticks((0.4, 0.2, 0.9), (3.0, 1.5, 6.0)) == [0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5]
    assert ticks((1.01, 0.95, 1.08)) is None  # too near for round ones
    assert ticks((2.0, 1e-9, 1e9)) is None


@pytest.mark.parametrize("law", ["Exponential", "Weibull", "LogNormal", "LogLogistic", "GeneralizedGamma"])
def test_laws_stand_over_the_kaplan_meier_curve_of_their_rows(law):
    days = [1, 2, 2, 3, 3, 4, 5, 6, 8, 9, 12, 15, 18, 20, 30]
    ends = [1] * 12 + [0, 1, 0]
    fit = getattr(survival, f"{law}AFT")().fit(days, ends)
    seen = survival.KaplanMeier().fit(days, ends)
    picture = fit.plot(time="days")
    assert picture.columns == ["days", "at risk", fit.called, "Kaplan–Meier"]
    told = fit.predict_survival_function(times=seen.result_.time)["survival"]
    assert picture.title == f"After 4 days: {fit.called} {100 * told[3]:.1f} %, Kaplan–Meier 60.0 %"
    rows = {row[0]: row[1:] for row in picture.rows}
    for i, at in enumerate(seen.result_.time):
        if f"{at:g}" in rows:
            exact = [f"{seen.result_.at_risk[i]:g}", f"{told[i]:.3f}", f"{seen.result_.survival[i]:.3f}"]
            assert rows[f"{at:g}"] == exact
    assert len(rows) == 10
    stepped, joined = (picture.chart.to_dict()["vconcat"][0]["layer"][i] for i in (1, 3))
    assert (stepped["mark"]["interpolate"], joined["mark"]["interpolate"]) == ("step-after", "linear")
    points = [row for row in joined["data"]["values"] if row["smooth"]]
    assert {row["curve"] for row in points} == {fit.called}
    assert (points[0]["x"], points[0]["value"], points[-1]["x"]) == (0, 1, 30)
    curve = fit.predict_survival_function(times=points[-1]["x"]).iloc[0]
    assert points[-1]["low"] == pytest.approx(curve["survival_lo_95"])
    assert points[-1]["high"] == pytest.approx(curve["survival_hi_95"])


def test_a_law_of_lifetimes_between_two_looks_stands_alone():
    fit = survival.WeibullAFT().fit([0, 30, 60, 60, 20], upper=[30, 60, None, 90, 20], entry=[0, 0, 40, 0, 0])
    picture = fit.plot(time="days")
    assert picture.columns == ["days", "at risk", "Weibull"]
    assert picture.subtitle.startswith("Of 3 of 5 rows it is known between which times they ended")
    assert "rows known to be still there" in picture.subtitle
    still = {"0": "4", "20": "3", "30": "2", "60": "2", "90": "0"}  # the third came at 40
    assert {row[0]: row[1] for row in picture.rows} == still
    weighted = survival.WeibullAFT().fit([0, 30, 60], upper=[30, 60, None], weights=[2, 1, 3]).plot()
    assert [row[1] for row in weighted.rows] == ["6", "4", "3"]
