"""What results show of themselves: pictures, and text that is inert."""

import pytest
import salesops as so
from salesops.crm import Crm


@pytest.fixture(scope="module")
def crm():
    return so.datasets.sample_crm(seed=5, deals=300)


def rows_of(result):
    table = result.to_table().to_dict()
    return [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]


def test_groups_are_drawn_with_their_intervals(crm):
    pytest.importorskip("altair")
    result = so.kpi.win_rate(crm, by="type")
    picture = result.plot()
    rows = {row["type"]: row for row in rows_of(result)}
    best = max(rows, key=lambda name: rows[name]["win_rate"])
    assert picture.columns == ["type", "win rate", "low", "high", "n"]
    assert picture.rows[0] == [
        best,
        *(f"{rows[best][name] * 100:.1f} %" for name in ("win_rate", "win_rate_lo_95", "win_rate_hi_95")),
        f"{rows[best]['n']:,}",
    ]
    assert picture.title.startswith(f"Win rate by type: {rows[best]['win_rate'] * 100:.1f} % ({best}) to ")
    assert "95 % interval" in picture.subtitle


def test_periods_are_drawn_in_order_of_time(crm):
    pytest.importorskip("altair")
    picture = so.kpi.win_rate(crm, period="last 4 quarters", level=80).plot()
    labels = [row[0] for row in picture.rows]
    assert len(labels) == 4
    assert labels == sorted(labels)
    assert "80 % interval" in picture.subtitle


def test_numbers_without_interval_are_drawn_without(crm):
    pytest.importorskip("altair")
    assert so.kpi.pipeline_created(crm, by="quarter").plot().columns == ["quarter", "pipeline created", "n"]


def test_what_has_no_groups_is_not_drawn(crm):
    with pytest.raises(so.UsageError, match=r"not one number; give by="):
        so.kpi.win_rate(crm).plot()
    with pytest.raises(so.UsageError, match=r"not by type, owner"):
        so.kpi.win_rate(crm, by=["type", "owner"]).plot()


def test_results_show_themselves_escaped():
    deals = {"opportunity_id": ["a", "b"], "created_at": ["2025-01-01"] * 2, "closed_at": ["2025-02-01"] * 2}
    deals |= {"is_closed": [True] * 2, "is_won": [True, False], "type": ["<img src=x onerror=alert(1)>", "b"]}
    book = Crm.build({"opportunity": deals}, currency="EUR")
    single = so.kpi.win_rate(book, where="not type like '<script>%'")
    assert "<b>50.0 %  [" in single._repr_html_()
    grouped = so.kpi.win_rate(book, by="type")._repr_html_()
    assert "&lt;img src=x" in grouped
    assert "<img" not in grouped
    assert "<script" not in single._repr_html_()
    pytest.importorskip("altair")
    drawn = so.kpi.win_rate(book, by="type").plot()._repr_mimebundle_()
    assert "&lt;img src=x" in drawn["image/svg+xml"]
    assert "<img" not in drawn["image/svg+xml"]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("win_rate", {"by": "owner.team"}),
        ("win_rate", {"by": ["owner", "month"]}),
        ("sales_cycle", {"by": "owner.team", "period": "2025-Q3"}),
        ("pipeline_created", {"by": "month", "period": "2025"}),
        ("stage_conversion", {"by": "stage"}),
        ("velocity", {"by": "owner.team", "period": "2025-Q3"}),
        ("cac", {"by": "channel", "period": "2025"}),
        ("win_rate", {"period": "last 4 quarters"}),
        ("win_rate", {"by": "owner", "where": "amount < 0"}),
    ],
)
def test_groups_print_in_80_columns_with_their_definition(crm, name, asked):
    result = getattr(so.kpi, name)(crm, **asked)
    shown = repr(result)
    assert max(map(len, shown.splitlines())) <= 80
    assert " ".join(shown.split()).count(result.definition) == 1
    assert all(warning in " ".join(shown.split()) for warning in result.warnings)
    assert "e+0" not in shown
    # Whatever column there is no room for is named.
    names = {"numerator", "denominator", *result.to_table().names[len(result.by) :]}
    ends = {column for column in names if column.startswith((f"{name}_lo_", f"{name}_hi_"))}
    for column in names - ends - {"n", "censored", "excluded", "period"}:
        assert column in shown or column.replace("_", " ") in shown, column


def test_the_numbers_printed_of_groups_are_those_of_the_frame(crm):
    result = so.kpi.win_rate(crm, by="owner.team")
    for row in rows_of(result):
        line = next(line for line in repr(result).splitlines() if line.startswith(str(row["owner.team"])))
        ends = f"{row['win_rate_lo_95'] * 100:.1f} % to {row['win_rate_hi_95'] * 100:.1f} %"
        for cell in (f"{row['win_rate'] * 100:.1f} %", ends, f"{row['n']:,}"):
            assert cell in line


def test_more_groups_than_a_screen_are_counted(crm):
    result = so.kpi.win_rate(crm, by=["owner", "month"])
    assert f"… {result.to_table().num_rows - 20:,} more groups" in repr(result)


def test_cards_print_within_a_terminal(crm):
    for asked in ({}, {"by": ["owner", "month"]}, {"by": "owner.team"}, {"level": 99.9}):
        text = repr(so.kpi.scorecard(crm, **asked))
        assert max(map(len, text.splitlines())) <= 80, text
    # All that a row has is there, beside or beneath.
    card = so.kpi.scorecard(crm)
    for row in rows_of(card):
        assert row["title"] in repr(card)
    assert "period not over" in repr(so.kpi.scorecard(crm, as_of="2025-11-15"))
    groups = repr(so.kpi.scorecard(crm, by="owner.team"))
    for name in ("won_amount", "lost_amount", "average_deal", "mean_cycle"):
        assert name in groups
    # Long and wide names are cut.
    deals = {"opportunity_id": ["a"], "created_at": ["2025-01-01"], "closed_at": ["2025-02-01"]}
    deals |= {"is_won": [True], "is_closed": [True], "type": ["ü" * 200]}
    wide = repr(so.kpi.scorecard(Crm.build({"opportunity": deals}), by="type"))
    assert max(map(len, wide.splitlines())) <= 80
    assert "ü" * 30 + "…" in wide


def test_the_catalogue_prints_and_gives_itself_as_a_frame():
    all_of_them = so.kpi.catalogue()
    names = all_of_them.to_table().to_dict()["name"]
    text = repr(all_of_them)
    assert max(map(len, text.splitlines())) <= 80
    for name in names:
        assert f"\n{name} (" in text
        assert name in all_of_them._repr_html_()
    assert len(all_of_them) == len(names)
    assert "modes" in all_of_them.to_frame("polars").columns
    assert list(all_of_them.to_frame("pandas")["name"]) == names
