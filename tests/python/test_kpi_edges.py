"""Edges of deal KPIs that small books show."""

import salesops as so
from salesops import kpi


def test_close_time_is_that_of_the_stage_history_where_the_deal_has_none():
    deal = {"opportunity_id": ["a"], "created_at": ["2025-01-01"], "close_date": ["2025-12-31"]}
    deal |= {"stage_id": ["won"], "is_closed": [True], "is_won": [True]}
    events = {
        "opportunity_id": ["a"],
        "at": ["2025-01-11"],
        "field": ["stage"],
        "old": ["open"],
        "new": ["won"],
    }
    stages = {"stage_id": ["open", "won"], "rank": [1, 2], "type": ["open", "won"]}
    book = so.crm.Crm.build({"opportunity": deal, "opportunity_event": events, "stage_def": stages})
    assert kpi.sales_cycle(book).value == 10


def test_loss_reasons_say_what_share_has_none():
    deals = {
        "opportunity_id": list("abcd"),
        "created_at": ["2025-01-01"] * 4,
        "closed_at": ["2025-02-01"] * 4,
    }
    deals |= {
        "is_closed": [True] * 4,
        "is_won": [False] * 4,
        "amount": [10, 20, 30, 40],
        "type": list("xxxy"),
    }
    deals["loss_reason"] = ["price", None, "price", "timing"]
    book = so.crm.Crm.build({"opportunity": deals}, currency="EUR")
    for weight, share in (("count", 1 / 3), ("value", 20 / 60)):
        table = kpi.loss_reasons(book, by="type", weight=weight).to_table().to_dict()
        assert table["loss_reason"] == ["price", None, "timing"]
        assert table["null_share"] == [share, share, 0]
