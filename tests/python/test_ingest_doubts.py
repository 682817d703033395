"""What reading must not guess: scales, marks, totals, zones; and what it must not forget."""

import datetime as dt

import pandas as pd
import pytest
import salesops as so


def history(values, olds=None, deals=("d1", "d2")):
    n = len(values)
    return {
        "opportunity": {
            "opportunity_id": list(deals),
            "created_at": ["2026-01-01"] * len(deals),
            "amount": [1000] * len(deals),
            "stage_id": ["s"] * len(deals),
        },
        "opportunity_event": {
            "opportunity_id": [deals[i % len(deals)] for i in range(n)],
            "at": [f"2026-01-0{2 + i}" for i in range(n)],
            "seq": list(range(n)),
            "field": ["probability"] * n,
            "new": values,
        }
        | ({"old": olds} if olds else {}),
    }


@pytest.mark.parametrize("reader", [so.crm.Crm.build, so.read])
def test_mixed_scales_in_a_history_are_refused_as_a_whole(reader):
    crm = reader(history(["0.5", "60", "0.4"]), currency="USD")
    assert crm.issues.count("mixed_fraction_scales") == 3
    assert crm.issues.count("percent_scale") == 0
    weighted = so.kpi.weighted_pipeline(crm, as_of="2026-01-10")
    assert weighted.value in (None, 0)
    assert crm.table("opportunity").to_dict()["probability"] == [None, None]
    # The rows stay in their table, and the counts add up.
    assert crm.table("opportunity_event").num_rows == 3


def test_old_values_have_a_scale_too():
    assert so.read(history(["60"], ["0.5"])).issues.count("mixed_fraction_scales") == 1


@pytest.mark.parametrize(
    ("values", "expected"), [(["50", "60"], 1100), (["0.5", "0.6"], 1100), (["0", "1"], 1000)]
)
def test_one_scale_in_a_history_is_read(values, expected):
    crm = so.read(history(values), currency="USD")
    assert so.kpi.weighted_pipeline(crm, as_of="2026-01-10").value == expected
    assert crm.issues.count("mixed_fraction_scales") == 0


def test_a_chance_beyond_certainty_is_none():
    crm = so.read(history(["50", "60", "150", "-1"]), currency="USD")
    assert crm.issues.count("fraction_out_of_range") == 2
    assert so.kpi.weighted_pipeline(crm, as_of="2026-01-10").value == 1100


def test_later_changes_have_the_scale_of_the_first():
    percent = so.read(history(["50", "60"]), currency="USD")

    def later(value):
        return {
            "opportunity_event": {
                "opportunity_id": ["d1"],
                "at": ["2026-02-01"],
                "seq": [9],
                "field": ["probability"],
                "new": [value],
            }
        }

    more = percent.apply(later("10"))
    assert so.kpi.weighted_pipeline(more).value == 700
    wrong = percent.apply(later("0.1"))
    assert wrong.issues.count("mixed_fraction_scales") == 1
    assert so.kpi.weighted_pipeline(wrong).value == 1100
    fractions = so.read(history(["0.5", "0.6"]), currency="USD")
    assert fractions.apply(later("10")).issues.count("mixed_fraction_scales") == 1
    # Once refused, a history of probabilities stays so.
    mixed = so.read(history(["0.5", "60"]), currency="USD").apply(later("70"))
    assert mixed.issues.count("mixed_fraction_scales") == 3
    assert so.kpi.weighted_pipeline(mixed).value in (None, 0)


def test_a_column_with_a_sign_on_some_values_keeps_only_those():
    deals = {"opportunity_id": list("abcd"), "probability": ["50", "60", "70", "0.5%"]}
    crm = so.read({"opportunity": deals})
    assert crm.table("opportunity").to_dict()["probability"] == [None, None, None, 0.005]
    assert crm.issues.count("mixed_fraction_scales") == 3


@pytest.mark.parametrize(
    ("texts", "amounts"),
    [
        (["12345", "1,234"], [12345, 1234]),
        (["1,234", "12345.50"], [1234, 12345.5]),
        (["1,234", "99,50"], [1.23, 99.5]),
        (["12345", "1.234"], [12345, 1.23]),
        (["1,234"], [1234]),
    ],
)
def test_a_thousand_in_an_amount_is_a_thousand(texts, amounts):
    deals = {"opportunity_id": [f"d{i}" for i in range(len(texts))], "amount": texts}
    crm = so.read({"opportunity": deals}, currency="USD")
    assert crm.table("opportunity").to_dict()["amount"] == amounts


def test_a_whole_number_has_no_decimals():
    accounts = {"account_id": ["a", "b"], "employees": ["12345", "1,234"]}
    assert so.read({"account": accounts}).table("account").to_dict()["employees"] == [12345, 1234]


TIMES = [
    "2026-01-01 10:00:00+00",
    "2026-01-01 10:00:00 UTC",
    "2026-01-01T10:00:00Z",
    "2026-01-01 12:00:00.0+02",
]
TIMES += ["2026-01-01 10:00:00 GMT", "2026-01-01 06:30:00-0330"]


@pytest.mark.parametrize("reader", [so.crm.Crm.build, so.read])
def test_times_as_databases_write_them(reader):
    deals = {
        "opportunity_id": [f"d{i}" for i in range(len(TIMES))],
        "created_at": TIMES,
        "close_date": TIMES,
    }
    crm = reader({"opportunity": deals})
    table = crm.table("opportunity").to_dict()
    assert {time.isoformat() for time in table["created_at"]} == {"2026-01-01T10:00:00+00:00"}
    assert set(table["close_date"]) == {dt.date(2026, 1, 1)}
    for text in ["2026-01-01 10:00:00+0", "2026-01-01 UTC", "2026-01-01+00", "2026-01-01 10:00 UTCx", "UTC"]:
        bad = reader({"opportunity": {"opportunity_id": ["d"], "created_at": [text]}})
        assert bad.table("opportunity").to_dict()["created_at"] == [None], text


# ---- totals ----


def accounts(rows):
    names = ("account_id", "industry", "employees")
    return {"account": dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))}


def test_a_whole_row_is_data_whatever_its_name():
    deals = {"opportunity_id": ["d"], "account_id": ["Total"]}
    crm = so.read(accounts([("Total", "Energy", 5)]) | {"opportunity": deals})
    assert crm.table("account").to_dict()["account_id"] == ["Total"]
    assert crm.issues.count("orphan_key") == 0
    assert crm.issues.count("footer_row") == 0
    gap = so.read(accounts([("Shell", None, 9), ("Total", "Energy", None)]))
    assert gap.table("account").num_rows == 2
    pair = so.read({"account": {"account_id": ["A", "Total"], "employees": [3, 5]}})
    assert pair.table("account").num_rows == 2


def test_sums_at_the_end_are_no_account():
    rows = [("Shell", "Energy", 9), ("Total", "Energy", 5), ("Grand Total", None, 14)]
    crm = so.read(accounts(rows))
    assert crm.table("account").to_dict()["account_id"] == ["Shell", "Total"]
    pair = {
        "account_id": ["A", "B", "Subtotal", "C", "Total"],
        "employees": ["1,000", "5", "1,005", "2", "1,007"],
    }
    read = so.read({"account": pair})
    assert read.table("account").to_dict()["account_id"] == ["A", "B", "C"]
    told = read.issues.to_frame("pandas")
    assert told.loc[told["rule"] == "footer_row", "row"].tolist() == [2, 4]
    assert set(told.loc[told["rule"] == "footer_row", "severity"]) == {"info"}


def test_a_total_that_may_be_a_row_is_worth_a_warning():
    for rows in ([("Total", None, 5)], [("Subtotal", None, 9), ("BP", "Energy", 8), ("Total", None, 5)]):
        with pytest.warns(so.ingest.IssueWarning, match="footer_row"):
            crm = so.read(accounts([("Shell", "Energy", 9), *rows]), on_issue="warn")
        assert "Total" not in crm.table("account").to_dict()["account_id"]


# ---- what reading found stays known ----


def test_a_book_keeps_what_its_reading_found():
    deals = {
        "opportunity_id": ["a", "b", "Subtotal"],
        "name": ["N/A", "Pumps", None],
        "close_date": ["03/04/2026", "05/06/2026", None],
        "created_at": ["2026-01-01", "2026-01-02", None],
        "amount": [1, 2, None],
    }
    rates = {"date": ["2026-01-01"], "from": ["USD"], "to": ["EUR"], "kind": ["spot"], "rate": [0.5]}
    crm = so.read({"opportunity": deals, "fx_rate": rates}, currency="USD")
    found = {rule: crm.issues.count(rule) for rule in ("ambiguous_date", "placeholder", "footer_row")}
    assert found == {"ambiguous_date": 2, "placeholder": 1, "footer_row": 1}
    row = {"opportunity": {"opportunity_id": ["c"], "amount": [3]}}
    for book in (
        crm.apply(row),
        crm.apply(row).apply({"opportunity": {"opportunity_id": ["d"]}}),
        crm.as_of("2026-01-02"),
        crm.with_days_in("Europe/Berlin"),
        crm.in_currency("EUR"),
    ):
        assert {rule: book.issues.count(rule) for rule in found} == found
    strange = crm.apply({"opportunity": pd.DataFrame({"opportunity_id": ["e"], "tags": [["x"]]})})
    assert strange.issues.count("unsupported_type") == 1
    assert strange.issues.count("placeholder") == 1
    assert crm.issues.count("unsupported_type") == 0


# ---- rates and zones ----


def test_a_book_in_a_zone_takes_no_rate_of_the_day_before():
    deals = {"opportunity_id": ["d"], "amount": [100], "is_won": [True], "closed_at": ["2026-02-01"]}
    rates = {
        "date": ["2026-01-01", "2026-02-01"],
        "from": ["USD"] * 2,
        "to": ["EUR"] * 2,
        "kind": ["spot"] * 2,
        "rate": [0.5, 1.0],
    }
    crm = so.read({"opportunity": deals, "fx_rate": rates}, currency="USD")
    there = crm.with_days_in("Europe/Berlin")
    for book in (there, there.as_of("2026-02-02")):
        with pytest.raises(so.UsageError, match="convert the book as it was read"):
            book.in_currency("EUR")
        with pytest.raises(so.UsageError, match="as it was read"):
            book.apply({"opportunity": deals})
    assert there.in_currency("EUR", at="2026-01-15").table("opportunity").to_dict()["amount"] == [50]
    euros = crm.in_currency("EUR")
    asked = {"period": "2026-02", "zone": "Europe/Berlin"}
    assert so.kpi.average_deal(euros, **asked).value == 100
    assert euros.with_days_in("Europe/Berlin").table("opportunity").to_dict()["amount"] == [100]
