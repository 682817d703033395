"""Numbers in the pictures of large grids: there, in their cells, and with the way to fewer of them."""

import itertools
import re

import pytest
import salesops as so


def months(n, amount=1.0):
    """One more customer each month, who comes back every month."""
    rows = [
        (c, f"{2020 + k // 12}-{k % 12 + 1:02}-05", amount * (k + 1)) for c in range(n) for k in range(c, n)
    ]
    return dict(zip(("customer", "time", "amount"), map(list, zip(*rows, strict=True)), strict=True))


def texts(picture):
    """The texts of a picture's cells as (x, y, text)."""
    found = re.findall(
        r'<text text-anchor="middle" transform="translate\(([\d.]+),([\d.]+)\)"[^>]*font-size="1[01]px"[^>]*>'
        r"([^<]*)<",
        picture.svg(),
    )
    return [(float(x), float(y), text) for x, y, text in found]


@pytest.mark.parametrize("n", [12, 24, 36])
@pytest.mark.parametrize("kind", ["heatmap", "triangle"])
def test_every_cell_of_a_large_grid_has_its_number(n, kind):
    picture = so.cohort.retention(months(n)).plot(kind)
    means = n - 1 if kind == "heatmap" else 0  # the last age is over in no cohort
    assert len(texts(picture)) == n * (n + 1) // 2 + means
    assert ("Numbers: percent; blank: not begun" in picture.subtitle) == (kind == "heatmap" and n > 14)
    assert "Drawn" not in picture.subtitle


@pytest.mark.parametrize("measure", ["classic", "unbounded", "ltv", "sum", "count"])
def test_numbers_of_a_row_do_not_touch(measure):
    rows = months(36, 1234.56)
    picture = so.cohort.retention(rows, amount="amount", measure=measure, interval=None).plot()
    by_row = {}
    for x, y, text in texts(picture):
        by_row.setdefault(y, []).append((x, text))
    assert len(by_row) == 37
    width = 5.6  # of a digit of ten points
    for row in by_row.values():
        row.sort()
        for (x, text), (after, other) in itertools.pairwise(row):
            assert after - x >= width * (len(text) + len(other)) / 2, (text, other)
    assert float(re.search(r'viewBox="0 0 (\d+)', picture.svg())[1]) < 1400


def test_money_in_narrow_cells_is_short():
    rows = months(15, 1234.56)
    picture = so.cohort.retention(rows, amount="amount", measure="sum").plot()
    row = [text for _, y, text in sorted(texts(picture)) if y < 20]
    assert row[0] == "1.2k"
    assert row[-1] == "19k"
    assert (
        so.cohort.retention(months(14, 1234.56), amount="amount", measure="sum").plot().svg().count(">1,235<")
    )


def test_what_is_cut_names_the_way_to_all_of_it():
    rows = months(48)
    picture = so.cohort.retention(rows).plot()
    assert (
        "Drawn: the last 36 of 48 cohorts, ages 0 to 35 of 47; every='quarter' has fewer." in picture.subtitle
    )
    assert "Drawn" not in so.cohort.retention(rows, every="quarter").plot().subtitle
    blocks = so.cohort.retention(rows, every="28d").plot()
    assert "longer blocks are fewer." in blocks.subtitle
    assert (
        "a longer window= has fewer."
        in so.cohort.retention(rows, measure="window", window="7d").plot().subtitle
    )


def bought(rows, **more):
    who, when, amount = zip(*rows, strict=True)
    return {"customer": who, "time": when, "amount": amount} | more


STEADY = [(who, f"2025-{month:02}-05", 10.0) for who in range(6) for month in range(1, 7) if who % month < 3]


def test_brackets_are_names_on_the_axis_and_say_what_is_over():
    how = {"measure": "bracket", "brackets": [(1, 2), (1, 3), (4, 9)], "as_of": "2025-07-01"}
    drawn = so.cohort.retention(bought(STEADY), **how).plot("curves")
    dots, below = drawn.chart.to_dict()["vconcat"]
    assert dots["layer"][0]["encoding"]["x"]["type"] == "nominal"
    assert dots["layer"][0]["encoding"]["x"]["sort"] == ["1-2", "1-3", "4-9"]
    assert [cell["at"] for cell in below["data"]["values"]] == ["1-2", "1-3", "4-9"]
    assert [row[0] for row in drawn.rows] == ["1-2", "1-3"]  # 4-9 is not over
    assert "over all cohorts whose bracket is over" in drawn.subtitle
    assert "at ages 1-3" in drawn.title
    two = so.cohort.retention(bought(STEADY, shop=[who % 2 for who, *_ in STEADY]), by="shop", **how)
    svg = two.plot("curves").svg()
    assert svg.count(">shop 0<") == 2  # in the key and at its row of numbers
    window = so.cohort.retention(bought(STEADY), measure="window", window="30d", as_of="2025-07-01")
    assert "over all cohorts whose customers' windows are all over" in window.plot("curves").subtitle
    assert "in window 1" in window.plot("curves").title


@pytest.mark.parametrize(
    ("names", "told"),
    [([0, 1], "country 0: "), ([True, False], "country false: "), (["north", "south"], "north ")],
)
def test_segments_that_say_nothing_alone_are_named_with_their_column(names, told):
    rows = bought(STEADY, country=[names[who % 2] for who, *_ in STEADY])
    grid = so.cohort.retention(rows, by="country", as_of="2025-07-01")
    assert grid.plot("curves").title.startswith(f"classic: {told}")
    first = told.rstrip(": ")
    assert grid.plot(segment=grid.segments[0]).title.startswith(f"{first}: classic by month")
    assert f"\n{first}:\n" in repr(grid)
    state = so.cohort.RetentionState.partial(rows, by="country")
    assert f"\n{first}:\n" in repr(state.finish(as_of="2025-07-01"))


def test_bands_far_beyond_all_values_are_cut_off_with_a_note():
    rows = [(who, "2025-01-05", 100.0 if who == 0 else 1.0) for who in range(8)]
    rows += [(who, f"2025-{month:02}-05", 20.0) for who in range(8) for month in (2, 3)]
    grid = so.cohort.retention(bought(rows), amount="amount", measure="nrr", as_of="2025-04-01", seed=1)
    highest = max(grid.pooled()["high"])
    assert highest > 10
    drawn = grid.plot("curves")
    ends = [row["high"] for row in drawn.chart.to_dict()["vconcat"][0]["layer"][0]["data"]["values"]]
    assert max(ends) == pytest.approx(1.5 * max(grid.pooled()["weighted"]))
    assert f"Bands are cut off at {so.plot.percent(max(ends))}; they go to {so.plot.percent(highest)}." in (
        drawn.subtitle
    )
    calm = so.cohort.retention(bought(STEADY), amount="amount", measure="nrr", as_of="2025-07-01")
    assert "cut off" not in calm.plot("curves").subtitle
