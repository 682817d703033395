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


def test_a_currency_is_asked_for_by_its_code():
    book = typed_deals(["new"] * 3, currency=["EUR", "USD", "USD"])
    for where, said in {
        "currency = 'usd'": "'currency' is never 'usd'; did you mean 'USD'?",
        "not currency in ('EUR', 'Usd')": "did you mean 'USD'?",
        "currency = 'dollars'": "'currency' is never 'dollars'. It is a code of ISO 4217",
    }.items():
        with pytest.raises(so.UsageError, match=re.escape(said)):
            kpi.win_rate(book, where=where)
    with pytest.raises(so.UsageError, match="did you mean 'USD'"):
        kpi.win_rate(book, where={"currency": "usd"})
    for where, n in {"currency = 'USD'": 2, "currency = 'CHF'": 0, "currency like 'u%'": 0}.items():
        assert kpi.win_rate(book, where=where).n == n, where


def test_open_ages_are_of_each_group_of_time():
    """Deals a to d begin on New Year's Day; a ends in February, b in May, c in August, d never."""
    closed = ["2025-02-10", "2025-05-10", "2025-08-10", None]
    deals = {"opportunity_id": list("abcd"), "created_at": ["2025-01-01"] * 4, "closed_at": closed}
    deals |= {"is_won": [True] * 3 + [None], "is_closed": [True] * 3 + [False]}
    book = so.crm.Crm.build({"opportunity": deals})
    table = kpi.sales_cycle(book, by="quarter", as_of="2025-09-01").to_table().to_dict()
    assert table["quarter"] == ["2025-Q1", "2025-Q2", "2025-Q3"]
    # At the end of March three are open for 90 days, of June two for 181, and on 1 September one for 243.
    assert table["open_median_age"] == table["open_mean_age"] == [90, 181, 243]
    months = kpi.sales_cycle(book, by="month", period="2025-Q2").to_table().to_dict()
    assert (months["month"], months["open_median_age"]) == (["2025-05"], [151])
    both = (
        kpi.sales_cycle(book, by=["year", "quarter"], period="2025", as_of="2025-09-01").to_table().to_dict()
    )
    assert both["open_median_age"] == [90, 181, 243]
    # The whole is of its end.
    assert kpi.sales_cycle(book, as_of="2025-09-01").details["open_median_age"] == 243
    assert kpi.sales_cycle(book, period="2025-Q1").details["open_median_age"] == 90
    # By day or week there are none, and a warning says so.
    days = kpi.sales_cycle(book, by="week")
    assert "open_median_age" not in days.to_table().names
    assert any("ages of open deals are told by month" in text for text in days.warnings)


def test_open_ages_of_a_calendar_that_ends():
    """A table of periods that covers half of the book: the other half is in no group."""
    deals = {"opportunity_id": ["a", "b"], "created_at": ["2024-06-01"] * 2}
    deals |= {"closed_at": ["2025-02-01", None], "is_won": [True, None], "is_closed": [True, False]}
    rows = {"period_id": ["y", "q1", "q2"], "type": ["year", "quarter", "quarter"]}
    rows |= {"start": ["2025-01-01", "2025-01-01", "2025-04-01"], "number": [2025, 1, 2]}
    rows |= {"end": ["2025-06-30", "2025-03-31", "2025-06-30"]}
    late = {"account_id": ["x"], "created_at": ["2025-05-01"]}
    book = so.crm.Crm.build({"opportunity": deals, "fiscal_period": rows, "account": late})
    result = kpi.sales_cycle(book, by="quarter", calendar=book.fiscal_calendar(), as_of="2025-05-01")
    table = result.to_table().to_dict()
    assert table["open_median_age"] == [304]  # from June to the end of March
