import pathlib

import pytest
import salesops as so
from salesops import kpi

GUIDE = pathlib.Path(__file__).parents[2] / "docs" / "guide" / "kpi.md"
WORDS = {"compensation", "forecast", "kpi", "pipeline", "quota", "subscription"}


def guide_rows() -> list[list[str]]:
    lines = GUIDE.read_text(encoding="utf-8").split("## KPIs")[1].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return rows[2:]


@pytest.fixture(scope="module")
def crm() -> so.crm.Crm:
    return so.crm.Crm.build(so.datasets.sample_tables(deals=300))


def test_guide_names_each_kpi_and_each_function_exists():
    rows = guide_rows()
    assert len(rows) >= 50
    assert len({row[0] for row in rows}) == len(rows)
    for title, name, word in rows:
        word = word.strip("`")
        assert word in WORDS, title
        assert (word == "kpi") == bool(name), title
        if name:
            assert callable(getattr(kpi, name.strip("`"))), title


def test_catalogue_agrees_with_the_module_and_the_guide():
    names = set(kpi.catalogue("pandas")["name"])
    named = {row[1].strip("`") for row in guide_rows() if row[1]}
    assert named <= names
    for name in names:
        assert name in kpi.__all__


def test_every_kpi_answers_the_sample(crm):
    for name in kpi.catalogue("pandas")["name"]:
        if not hasattr(kpi, name):  # a ratio of one's own
            continue
        result = getattr(kpi, name)(crm, period="2025-Q3", gross_margin=0.8)
        assert result.to_table().num_rows >= 1, name
        assert result.name in repr(result)


def test_ratio_behaves_like_a_built_in(crm):
    big = kpi.ratio("big_wins", numerator="is_won", denominator={"type": ["new", "expansion"]})
    deals = crm.table("opportunity").to_pandas()
    chosen = deals[deals["type"].isin(["new", "expansion"])]
    assert big(crm).value == chosen["is_won"].fillna(False).astype(bool).sum() / len(chosen)
    assert "big_wins" in set(kpi.catalogue("pandas")["name"])
    assert list(big(crm, by="quarter", period="last 2 quarters").to_frame("pandas").columns)[:2] == [
        "period",
        "quarter",
    ]
    with pytest.raises(so.UsageError):
        kpi.ratio("")
    with pytest.raises(so.UsageError, match="nothing_here"):
        kpi.ratio("bad", numerator="nothing_here = 1")(crm)


def test_scorecard_prints(crm):
    card = kpi.scorecard(crm, "2025-Q3", compare="prior_year")
    assert (card.period, card.prior_period) == ("2025-Q3", "2024-Q3")
    assert "Win rate by value" in repr(card)
    html = card._repr_html_()
    assert html.count("<tr>") == card.to_table().num_rows + 1
    frame = card.to_frame("pandas").set_index("kpi")
    assert frame.loc["pipeline_coverage", "target"] == 3
    rate = kpi.win_rate(crm, period="2025-Q3")
    first = frame[frame["title"] == "Win rate"].iloc[0]
    assert first["value"] == rate.value
    assert first["status"] == ("met" if rate.value >= 0.3 else "missed")
    with pytest.raises(so.UsageError, match="compare"):
        kpi.scorecard(crm, compare="best")
