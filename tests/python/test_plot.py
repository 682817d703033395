import datetime as dt
import itertools
import re
from xml.etree import ElementTree

import pytest
from salesops import plot
from salesops._core.error import DataError, UsageError
from salesops.plot.base import counted

ROWS = [{"label": f"row {i}", "value": i / 10, "low": i / 20, "high": i / 5, "n": 5 * i} for i in range(1, 5)]
STEPS = [("open", 5e6, "total"), ("new", 2e6, "change"), ("won", -1e6, "change"), ("now", 6e6, "total")]
CHARTS = {
    "ranking": lambda: plot.ranking(ROWS, unit="share"),
    "intervals": lambda: plot.intervals(ROWS, reference=0.2, reference_label="company"),
    "waterfall": lambda: plot.waterfall(
        [dict(zip(("label", "value", "kind"), s, strict=True)) for s in STEPS]
    ),
    "trend": lambda: plot.trend(ROWS, reference=0.25),
    "curves": lambda: plot.curves({"won": [(0, 0.0, 0.0, 0.0), (30, 0.2, 0.1, 0.3)]}, x_title="days"),
    "burn_up": lambda: plot.burn_up(
        [(dt.date(2026, 7, 1), 0.0), (dt.date(2026, 8, 1), 4e5)],
        [(dt.date(2026, 9, 1), 5e5, 7e5, 8e5), (dt.date(2026, 9, 30), 6e5, 9e5, 12e5)],
        quota=1e6,
    ),
    "heat": lambda: plot.heat(
        [{"x": i % 4, "y": i // 4, "value": i / 12} for i in range(12)], x_title="x", y_title="y"
    ),
    "versus": lambda: plot.versus([{"label": str(i), "actual": i, "expected": i + 0.5} for i in range(8)]),
    "progress": lambda: plot.progress(
        {
            name: [(dt.date(2026, month, 1), scale * month) for month in range(1, 10)]
            for name, scale in (("actual", 1.0), ("expected", 1.02))
        },
        since=dt.date(2026, 6, 1),
        since_label="forecast",
        marks=[dt.date(2026, 2, 3)],
    ),
}


@pytest.mark.parametrize(
    ("n", "text"),
    [(1, "1 deal"), (1.0, "1 deal"), (0, "0 deals"), (1.5, "1.5 deals"), (2e6, "2,000,000 deals")],
)
def test_one_is_singular(n, text):
    assert counted(n, "deal") == text


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_small_scriptless_svg_with_alt_text(name):
    svg = plot.to_svg(CHARTS[name](), 'What it shows: "more" <less>')
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'What it shows: "more" <less>'
    assert root.get("viewBox")
    assert root.get("width") is None
    assert {e.tag.split("}")[1] for e in root.iter()} <= {
        "svg",
        "g",
        "path",
        "text",
        "tspan",
        "rect",
        "line",
        "defs",
        "clipPath",
    }
    assert not [n for e in root.iter() for n in e.attrib if n.startswith("on") or "href" in n or n == "style"]
    assert len(svg) < 12_000


@pytest.mark.parametrize("name", CHARTS)
def test_the_same_rows_give_the_same_picture(name):
    assert plot.to_svg(CHARTS[name](), "x") == plot.to_svg(CHARTS[name](), "x")


def test_every_colour_drawn_has_a_dark_twin():
    known = {light for light, _ in plot.COLORS.values()} | {"none", "transparent"}
    for make in CHARTS.values():
        root = ElementTree.fromstring(plot.to_svg(make(), "x"))
        used = {e.get(a) for e in root.iter() for a in ("fill", "stroke") if e.get(a)}
        assert used <= known, used - known


def luminance(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("role", sorted(set(plot.COLORS) - {"grid", "ground"}))
@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_marks_and_text_stand_out(role, mode):
    assert contrast(plot.COLORS[role][mode], plot.GROUND[mode]) >= 4.5


def test_two_charts_of_a_page_share_no_id():
    ids = [
        {e.get("id") for e in ElementTree.fromstring(plot.to_svg(make(), "x")).iter() if e.get("id")}
        for make in CHARTS.values()
    ]
    assert sum(map(len, ids)) == len(set().union(*ids))


def test_marks_are_limited():
    with pytest.raises(UsageError, match=r"2,001 marks .* group the rows"):
        plot.ranking([{"label": "x", "value": 1.0}] * 2001)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plot.ranking([]), "no rows"),
        (lambda: plot.ranking([{"label": "x"}]), "column 'value' is missing; there are label"),
        (lambda: plot.trend([{"label": "x", "value": 1}]), "column 'low'"),
    ],
)
def test_wrong_rows_are_named(call, words):
    with pytest.raises(UsageError, match=words):
        call()


def test_without_altair_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "altair", None)
    with pytest.raises(UsageError, match=r"salesops\[plot\]"):
        plot.ranking(ROWS)


def test_without_vl_convert_the_extra_is_named(monkeypatch):
    chart = plot.ranking(ROWS)
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    with pytest.raises(UsageError, match=r"salesops\[plot\]"):
        plot.to_svg(chart, "x")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "", "0"),
        (3, "count", "3"),
        (7.2513, "ratio", "7.25"),
        (9999, "USD", "USD 9,999"),
        (12345, "USD", "USD 12.3k"),
        (123456, "", "123k"),
        (1.5e6, "EUR", "EUR 1.50M"),
        (-2.5e9, "", "-2.50B"),
        (0.5, "share", "50.0 %"),
        (41.26, "days", "41.3 days"),
        (None, "USD", "–"),
        (float("nan"), "", "–"),
    ],
)
def test_numbers_are_short(value, unit, text):
    assert plot.compact(value, unit) == text


def test_text_is_made_plain():
    assert plot.plain("a\x00b\x1b[31m\ud800") == "a�b�[31m�"
    assert len(plot.plain("x" * 500)) == 60
    svg = plot.to_svg(plot.ranking([{"label": "bad\x00\x0b", "value": 1.0}]), "alt\x01")
    ElementTree.fromstring(svg)


def test_a_picture_shows_in_a_notebook_that_trusts_nobody():
    picture = plot.Picture("5 < 6", "why & how", "five", plot.ranking(ROWS), ["row", "value"], [["a", "1.5"]])
    display = picture._repr_mimebundle_()
    assert set(display) == {"image/svg+xml", "text/plain"}
    assert display["text/plain"].splitlines() == ["5 < 6", "Why & how", "row  value", "a      1.5"]
    root = ElementTree.fromstring(display["image/svg+xml"])
    assert root.get("aria-label") == "five"
    words = ["".join(element.itertext()) for element in root.iter() if element.tag.endswith("}text")]
    assert {"5 < 6", "Why & how"} <= set(words)
    ground = next(element for element in root.iter() if element.tag.endswith("}rect"))
    assert (ground.get("width"), ground.get("fill")) == (root.get("width"), plot.GROUND[0])


def test_many_numbers_are_cut_in_words():
    picture = plot.Picture("t", "s", "a", plot.ranking(ROWS), ["row"], [[str(i)] for i in range(100)])
    assert repr(picture).splitlines()[-2:] == ["39", "… 60 more rows"]


def test_curves_bear_their_names_at_their_ends():
    won, lost = [(0, 0.0, 0.0, 0.0), (30, 0.2, 0.1, 0.3)], [(0, 0.0, 0.0, 0.0), (45, 0.5, 0.4, 0.6)]
    names = plot.curves({"won": won, "lost": lost}).to_dict()["layer"][2]["data"]["values"]
    assert [(row["curve"], row["x"], row["value"]) for row in names] == [("won", 30, 0.2), ("lost", 45, 0.5)]
    assert len({row["color"] for row in names}) == 2


def test_the_open_end_of_a_curve_is_dashed_to_a_ring():
    won = [(0, 0.0, 0.0, 0.0), (30, 0.2, 0.1, 0.3), (60, 0.3, 0.3, 0.3)]
    layers = plot.curves({"won": won, "lost": won}, open_ends=["won"]).to_dict()["layer"]
    band, solid, dashed, ring, *_ = layers
    assert [row["x"] for row in solid["data"]["values"] if row["curve"] == "won"] == [0, 30]
    assert [row["x"] for row in solid["data"]["values"] if row["curve"] == "lost"] == [0, 30, 60]
    assert band["data"] == solid["data"]
    assert [(row["curve"], row["x"]) for row in dashed["data"]["values"]] == [("won", 30), ("won", 60)]
    assert dashed["mark"]["strokeDash"]
    assert ring["mark"] == {"type": "point", "filled": False, "opacity": 1}
    assert ring["transform"] == [{"filter": "datum.open"}]


def test_names_of_curves_that_end_alike_stand_apart():
    lines = {
        name: [(0, 1.0, 1.0, 1.0), (9, end, end, end)] for name, end in (("a", 0.5), ("b", 0.5), ("c", 0.1))
    }
    ends = plot.curves(lines).to_dict()["layer"][2]["data"]["values"]
    assert {row["curve"]: row["place"] for row in ends} == pytest.approx({"c": 0.1, "a": 0.5, "b": 0.56})


def test_names_that_stand_side_by_side_stay_where_their_curves_end():
    lines = {str(x): [(0, 1.0, 1.0, 1.0), (x, 0.5, 0.5, 0.5)] for x in (20, 50, 52)}
    ends = plot.curves(lines).to_dict()["layer"][2]["data"]["values"]
    assert {row["curve"]: row["place"] for row in ends} == pytest.approx({"20": 0.5, "50": 0.5, "52": 0.56})


def test_names_of_curves_stand_no_higher_than_the_curves():
    lines = {str(i): [(0, 1.0, 1.0, 1.0), (9, 0.99, 0.98, 1.0)] for i in range(10)}
    places = sorted(row["place"] for row in plot.curves(lines).to_dict()["layer"][2]["data"]["values"])
    assert places == pytest.approx([1 - 0.06 * i for i in reversed(range(10))])


def seen(color, eyes):
    """Where a colour lies in OKLab for eyes without red or without green cones (Machado et al. 2009)."""
    encoded = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    light = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in encoded]
    reaches = [min(1.0, max(0.0, sum(w * c for w, c in zip(row, light, strict=True)))) for row in eyes]
    cones = (
        (0.4122214708, 0.5363325363, 0.0514459929),
        (0.2119034982, 0.6806995451, 0.1073969566),
        (0.0883024619, 0.2817188376, 0.6299787005),
    )
    answers = [sum(w * c for w, c in zip(row, reaches, strict=True)) ** (1 / 3) for row in cones]
    lab = (
        (0.2104542553, 0.7936177850, -0.0040720468),
        (1.9779984951, -2.4285922050, 0.4505937099),
        (0.0259040371, 0.7827717662, -0.8086757660),
    )
    return [sum(w * c for w, c in zip(row, answers, strict=True)) for row in lab]


EYES = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red cones": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no green cones": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_ten_lines_are_told_apart_by_colour_or_dash(eyes, mode):
    roles = {light: (light, dark) for light, dark in plot.COLORS.values()}
    lines = {str(i): [(0, 1.0, 1.0, 1.0), (9, i / 10, 0.0, 1.0)] for i in range(10)}
    rows = plot.curves(lines).to_dict()["layer"][1]["data"]["values"][::2]
    for one, other in itertools.combinations(rows, 2):
        assert one["color"] != other["color"]
        if one["dash"] == other["dash"]:
            colors = (seen(roles[row["color"]][mode], EYES[eyes]) for row in (one, other))
            assert sum((a - b) ** 2 for a, b in zip(*colors, strict=True)) > 0.1**2, (one, other)
    drawn = plot.to_svg(plot.curves(lines), "ten")
    dashed = re.findall(r'stroke="(#[0-9a-f]+)"[^>]*stroke-dasharray="6,3"', drawn)
    assert dashed == [row["color"] for row in rows if row["dash"] == "dashed"]
    few = plot.to_svg(plot.curves({name: lines[name] for name in "01234"}), "five")
    assert "stroke-dasharray" not in few


def test_more_lines_than_can_be_told_apart_are_refused():
    days = {str(i): [(dt.date(2026, 7, 1), 1.0)] for i in range(11)}
    with pytest.raises(UsageError, match="more than a reader can tell apart"):
        plot.progress(days)
    with pytest.raises(UsageError, match="lines: 11 are more"):
        plot.curves({name: [(0, 1.0, 1.0, 1.0)] for name in days})


@pytest.mark.parametrize("how", [{"whole_x": True}, {"x_labels": ["2026-01", "2026-02"]}])
def test_the_last_age_or_period_is_as_wide_as_the_others(how):
    line = [(0, 1.0, 1.0, 1.0), (1, 0.5, 0.4, 0.6)]
    band, drawn, names = plot.curves({"kept": line}, **how).to_dict()["layer"]
    assert [row["x"] for row in drawn["data"]["values"]] == [0, 1, 2]
    assert drawn["data"]["values"][2]["value"] == 0.5
    assert band["data"] == drawn["data"]
    assert [row["x"] for row in names["data"]["values"]] == [2]
    alone = plot.to_svg(plot.curves({"kept": line[:1]}, **how), "one")
    width = re.search(r'd="M0,[\d.]+L([\d.]+),[\d.]+[^"]*" stroke="#0072b2"', alone)
    assert float(width[1]) > 100
    still_open = plot.curves({"kept": line}, open_ends=["kept"], **how).to_dict()["layer"]
    assert [row["x"] for row in still_open[2]["data"]["values"]] == [0, 1]  # to a ring, which can be seen


@pytest.mark.parametrize("name", CHARTS)
def test_no_text_of_the_rows_enters_an_expression(name):
    def sorts(node):
        if isinstance(node, dict):
            yield from ([node["sort"]] if "sort" in node else [])
            node = list(node.values())
        for child in node if isinstance(node, list) else []:
            yield from sorts(child)

    assert not [sort for sort in sorts(CHARTS[name]().to_dict()) if isinstance(sort, list)]


def texts(svg):
    """Words drawn and where their line begins, from the left."""
    found = []

    def walk(element, x):
        moved = re.match(r"translate\(([-\d.]+)", element.get("transform", ""))
        x += float(moved[1]) if moved else 0
        if element.tag.endswith("}text"):
            found.append(("".join(element.itertext()), x, element))
        for child in element:
            walk(child, x)

    walk(ElementTree.fromstring(svg), 0.0)
    return found


@pytest.mark.parametrize("months", [1, 2, 4, 9, 18, 20, 22, 24, 30, 37, 60, 100, 200])
@pytest.mark.parametrize("start", [dt.date(1997, 1, 5), dt.date(2024, 8, 29)])
def test_days_on_an_axis_stand_apart(start, months):
    line = [(start + dt.timedelta(days=round(30.4 * months * i / 20)), i) for i in range(21)]
    labels = [
        (x, text)
        for text, x, _ in texts(plot.to_svg(plot.progress({"a line": line}), "x"))
        if re.fullmatch(r"\d+ [A-Z]\w\w|[A-Z]\w\w \d\d", text)
    ]
    assert 2 <= len(labels) <= 7
    assert len({text for _, text in labels}) == len(labels)
    assert min(after - x for (x, _), (after, _) in itertools.pairwise(sorted(labels))) > 47


def test_words_on_a_grid_can_be_read_on_any_cell():
    rows = [
        {"x": i, "y": 0, "value": float(i == 0)} for i in range(20)
    ]  # one dark cell, narrower than its words
    words = [element for text, _, element in texts(plot.to_svg(plot.heat(rows), "x")) if text == "100.0 %"]
    halo, drawn = words
    assert (halo.get("stroke"), halo.get("stroke-width")) == (plot.GROUND[0], "3")
    assert drawn.get("fill") == plot.ink("ink")
    assert drawn.get("stroke") is None


@pytest.fixture
def saved(tmp_path):
    picture = plot.Picture(
        "5 < 6 <script>", "why & how", "five", plot.ranking(ROWS), ["row", "value"], [["a<b", "1.5"]]
    )

    def save(name):
        picture.save(tmp_path / name)
        return (tmp_path / name).read_bytes()

    return save


def test_a_picture_is_saved_as_it_shows(saved):
    root = ElementTree.fromstring(saved("picture.svg"))
    assert {"5 < 6 <script>", "Why & how"} <= {text for text, _, _ in texts(ElementTree.tostring(root))}
    png = saved("picture.PNG")
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width = int.from_bytes(png[16:20], "big")
    assert width == pytest.approx(2 * float(root.get("width")), abs=2)


def test_a_saved_page_asks_nobody_for_anything(saved):
    page = saved("picture.html").decode()
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert not re.search(r"src=|href=|url\(http|@import", page)
    named = set(re.findall(r"https?://[^\s\"']+", page))
    assert named == {"http://www.w3.org/2000/svg"}  # a name, no address
    for words in ("<h1>5 &lt; 6 &lt;script&gt;</h1>", "<p>Why &amp; how</p>", "<td>a&lt;b</td>", "row 4"):
        assert words in page


def test_a_picture_is_saved_nowhere_else(saved, tmp_path):
    with pytest.raises(UsageError, match=r"saved as \.svg, \.png or \.html, not 'picture\.pdf'"):
        saved("picture.pdf")
    with pytest.raises(DataError, match="can't be written: No such file"):
        saved("none/picture.svg")
    assert not list(tmp_path.iterdir())


def test_numbers_below_one_are_decimals():
    small = plot.to_svg(plot.curves({"hazard": [(0, 0.0, 0.0, 0.0), (9, 0.3, 0.1, 0.4)]}, unit=""), "hazard")
    assert ">0.1</text>" in small
    assert "00m<" not in small
    large = plot.to_svg(plot.curves({"sum": [(0, 0, 0, 0), (9, 4e9, 1e9, 5e9)]}, unit="USD"), "sum")
    assert {">0</text>", ">4B</text>"} <= set(re.findall("(>[^<>]*</text>)", large))


def test_ages_are_whole():
    def drawn(**how):
        return plot.to_svg(plot.curves({"kept": [(0, 1, 1, 1), (3, 0.5, 0.4, 0.6)]}, **how), "kept")

    assert ">0.5</text>" in drawn()
    assert ">0.5</text>" not in drawn(whole_x=True)
    assert ">2</text>" in drawn(whole_x=True)


def test_periods_are_named_on_the_axis_and_numbers_keep_their_sign():
    lines = {"net": [(float(i), 0.9, 0.8, 1.0) for i in range(6)]}
    chart = plot.curves(lines, x_title="month", x_labels=[f"2026-0{i}" for i in range(1, 7)])
    picture = plot.Picture(
        title="Of the revenue of twelve months ago 56.4 % is left", subtitle="", alt="net", chart=chart
    )
    drawn = plot.to_svg(picture.titled(), "net")
    assert ">2026-01</text>" in drawn
    assert ">2026-05</text>" in drawn
    assert "56.4\u00a0%" in drawn
