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
