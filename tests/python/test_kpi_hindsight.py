"""Books whose columns know today what nobody knew then: what is taken from them, and what isn't."""

import pandas as pd
import pytest
import salesops as so
from salesops import kpi

WINS_ALONE = pd.DataFrame(
    {
        "opportunity_id": list("abcdefgh"),
        "owner_id": ["r1", "r2"] * 4,
        "created_at": ["2025-01-05"] * 4 + ["2025-04-05"] * 4,
        "closed_at": ["2025-05-01", "2025-05-02", "2025-05-03", None, "2025-06-01", "2025-06-02", None, None],
        "close_date": [
            "2025-05-01",
            "2025-05-02",
            "2025-05-03",
            None,
            "2025-06-01",
            "2025-06-02",
            None,
            None,
        ],
        "is_closed": [True, True, True, False, True, True, False, False],
        "is_won": [True, False, True, False, True, False, False, False],
        "amount": [100.0, 0, 300, None, 50, 0, None, None],
        "next_step": ["", "", "", "call", "", "", "call", ""],
    }
)
QUOTA = pd.DataFrame(
    {
        "quota_id": ["q"],
        "holder_type": ["company"],
        "period_start": ["2025-04-01"],
        "period_end": ["2025-07-01"],
        "measure": ["bookings"],
        "amount": [1000],
    }
)
THEN = {"period": "2025-Q2", "as_of": "2025-04-20"}


@pytest.fixture
def book():
    return so.read({"opportunity": WINS_ALONE, "quota": QUOTA}, currency="USD")


@pytest.mark.parametrize("name", ["snapshot_yield", "pipeline_created", "pipeline_coverage"])
def test_amounts_of_wins_alone_say_nothing_of_open_deals(book, name):
    found = getattr(kpi, name)(book, **THEN)
    assert found.value is None
    assert found.to_frame()["state"].tolist() == ["amounts are known of won deals alone"]
    assert book.as_of("2025-04-20").issues.count("known_of_wins_alone") == 1


def test_a_history_of_amounts_lifts_the_doubt(book):
    changes = pd.DataFrame(
        {
            "opportunity_id": ["a"],
            "field": ["amount"],
            "old_value": ["80"],
            "new_value": ["100"],
            "at": ["2025-04-25"],
        }
    )
    told = so.read({"opportunity": WINS_ALONE, "opportunity_event": changes}, currency="USD")
    assert kpi.pipeline_created(told, period="2025-Q1").value is not None


def test_groups_of_a_card_have_no_rate_of_amounts_that_only_wins_have(book):
    card = kpi.scorecard(book, by="owner_id", period="2025-Q2").to_frame()
    assert card["win_rate_by_value"].isna().all()
    both = WINS_ALONE.assign(amount=[100.0, 60, 300, None, 50, 0, None, None])
    card = kpi.scorecard(so.read({"opportunity": both}, currency="USD"), by="owner_id", period="2025-Q2")
    assert card.to_frame()["win_rate_by_value"].tolist() == [1, 0]


def test_hygiene_of_the_past_is_not_compared_with_that_of_today(book):
    card = kpi.scorecard(book, "2025-Q2").to_frame()
    row = card[card["kpi"] == "hygiene"].iloc[0]
    assert row["value"] is not None
    assert pd.isna(row["prior"])
    then = kpi.hygiene(book, as_of="2025-04-20")
    assert any(warning.startswith("next_step has no history") for warning in then.warnings)
    assert "amount" not in then.details, "it would tell who was to win"


def test_deals_of_which_no_activity_is_known_are_not_called_idle(book):
    found = kpi.idle_share(book)
    assert (found.value, found.n) == (None, 3)
    assert "neither changes of stage nor activities" in str(found)
    calls = pd.DataFrame({"activity_id": ["1"], "opportunity_id": ["d"], "at": ["2025-06-01"]})
    told = so.read({"opportunity": WINS_ALONE, "activity": calls}, currency="USD")
    assert kpi.idle_share(told).value == pytest.approx(2 / 3)


def test_the_report_shows_no_amounts_that_nobody_knew(book, tmp_path):
    so.report.write(book, tmp_path / "then.html", as_of="2025-04-20")
    text = (tmp_path / "then.html").read_text()
    assert "are open for 2025-Q2" not in text
    assert "amounts are known of won deals alone" in text


def test_a_table_of_unknown_columns_says_so():
    foreign = pd.DataFrame({"opportunity_id": ["a"], "deal_stage": ["Won"], "engage_date": ["2025-01-01"]})
    crm = so.read({"opportunity": foreign})
    issues = crm.issues.to_table().to_dict()
    assert issues["column"][issues["rule"].index("no_known_column")] == "deal_stage, engage_date"
    assert so.read({"opportunity": WINS_ALONE}).issues.count("no_known_column") == 0


def test_a_source_of_two_columns_is_wrong_once():
    rows = pd.DataFrame({"Id": ["a", "b"], "Close": ["soon", "2025-01-01"]})
    columns = {"opportunity_id": "Id", "close_date": "Close", "closed_at": "Close"}
    mapping = {"name": "ours", "tables": {"opportunity": {"from": "opportunity", "columns": columns}}}
    crm = so.read({"opportunity": rows}, mapping)
    assert crm.issues.count("not_a_date") == 1
