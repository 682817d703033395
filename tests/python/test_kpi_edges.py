"""Edges of deal KPIs that small books show."""

import re

import pytest
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


def typed_deals(types, **more):
    ids = [str(n) for n in range(len(types))]
    deals = {"opportunity_id": ids, "type": types, "created_at": ["2025-01-01"] * len(ids)}
    deals |= {"closed_at": ["2025-02-01"] * len(ids), "is_won": [True] * len(ids)} | more
    return so.crm.Crm.build({"opportunity": deals | {"amount": [10] * len(ids)}})


def test_where_refuses_what_a_column_can_never_be():
    book = typed_deals(["new", "expansion", "other"], plan=["7", "8", "9"])
    for where, said in {
        "type = 5": "'type' is text, and none of it is 5; compare it with text in quotes, such as 'new'",
        "type in ('new', 'neww')": "'type' is never 'neww'; did you mean 'new'?",
        "not type = 'qqq'": "'type' is never 'qqq'. It is one of: new expansion renewal",
        "plan = 10": "'plan' is text, and none of it is 10",
    }.items():
        with pytest.raises(so.UsageError, match=re.escape(said)):
            kpi.win_rate(book, where=where)
    for where, n in {
        "type = 'new'": 1,
        "type = 'renewal'": 0,  # a type, though of no deal
        "type = 'other'": 1,  # no type, though of a deal
        "type like 'q%'": 0,
        "plan = 7": 1,
        "plan = '10'": 0,
    }.items():
        assert kpi.win_rate(book, where=where).n == n, where


def test_the_currency_most_rows_have_is_the_one_to_convert_to():
    book = typed_deals(["new"] * 3, currency=["EUR", "USD", "USD"])
    for asked in (kpi.average_deal, so.pipeline.forecast):
        with pytest.raises(so.UnitError, match=r'crm\.in_currency\("USD"\)'):
            asked(book)
