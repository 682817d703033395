"""Tomorrow's export on top of today's book, under the vendor's own names."""

import datetime as dt
import sqlite3

import pandas as pd
import pytest
import salesops as so

TODAY = {
    "Opportunity": {
        "Id": ["006000000000001", "006000000000002", "006000000000003"],
        "Name": ["Pumps", "Valves", "Pipes"],
        "StageName": ["Prospecting", "Proposal", "Closed Won"],
        "Amount": ["USD 1,200.50", "USD 900.00", "USD 70.00"],
        "Probability": ["10", "50", "100"],
        "CloseDate": ["31/05/2024", "01/06/2024", "20/04/2024"],
        "CreatedDate": ["2024-04-01T08:00:00Z"] * 3,
        "SystemModstamp": ["2024-05-01T08:00:00Z"] * 3,
        "IsDeleted": ["false"] * 3,
        "Why__c": [None, None, None],
    },
    "Account": {"Id": ["001000000000001"], "Name": ["Acme"], "Industry": ["Select"]},
}
# A change, a row that is older than the one the book has, one that is deleted, and a new one.
TOMORROW = {
    "Opportunity": {
        "Id": ["006000000000001", "006000000000002", "006000000000003", "006000000000004"],
        "Name": ["Pumps", "Valves", "Pipes", "Tanks"],
        "StageName": ["Closed Lost", "Prospecting", "Closed Won", "Prospecting"],
        "Amount": ["USD 1,300.50", "USD 1.00", "USD 70.00", "USD 2,000.00"],
        "Probability": ["0", "10", "100", "20"],
        "CloseDate": ["02/05/2024", "13/06/2024", "20/04/2024", "30/06/2024"],
        "CreatedDate": ["2024-04-01T08:00:00Z"] * 3 + ["2024-05-02T08:00:00Z"],
        "SystemModstamp": ["2024-05-02T08:00:00Z", "2024-04-15T08:00:00Z"] + ["2024-05-02T09:00:00Z"] * 2,
        "IsDeleted": ["false", "false", "true", "false"],
        "Why__c": ["Price", None, None, None],
    },
}
ID = [f"00600000000000{i}AAA" for i in (1, 2, 3, 4)]
HOW = {"mapping": "salesforce", "columns": {"loss_reason": "Why__c"}, "date_order": "dmy"}


def folder(path, tables):
    for name, columns in tables.items():
        pd.DataFrame(columns).to_csv(path / f"{name}.csv", index=False)
    return path


def database(path, tables):
    connection = sqlite3.connect(path / "export.sqlite")
    for name, columns in tables.items():
        pd.DataFrame(columns).to_sql(name, connection, index=False)
    connection.commit()
    return connection


@pytest.mark.parametrize(
    "form", [folder, database, lambda _, tables: tables], ids=["folder", "database", "frames"]
)
def test_tomorrows_export_is_added_to_todays_book(tmp_path, form):
    book = so.read(TODAY, **HOW)
    assert book.issues.count("placeholder") == 1
    after = book.apply(form(tmp_path, TOMORROW), **HOW)
    columns = after.table("opportunity").to_dict()
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    deals = {row["opportunity_id"]: row for row in rows}
    assert sorted(deals) == ID
    assert (deals[ID[0]]["stage_id"], float(deals[ID[0]]["amount"])) == ("Closed Lost", 1300.5)
    assert deals[ID[0]]["loss_reason"] == "Price"
    assert deals[ID[0]]["close_date"] == dt.date(2024, 5, 2)
    # The book's row of the second deal is newer than the export's.
    assert (deals[ID[1]]["stage_id"], float(deals[ID[1]]["amount"])) == ("Proposal", 900)
    assert deals[ID[2]]["is_deleted"]
    assert float(deals[ID[3]]["amount"]) == 2000
    assert deals[ID[3]]["probability"] == 0.2
    counts = after.counts().to_dict()
    assert counts["rows_in"][counts["table"].index("opportunity")] == 7
    assert after.issues.count("placeholder") == 1
    # Yesterday can still be asked for, and the old book is as it was.
    before = after.as_of("2024-05-01T12:00").table("opportunity").to_dict()
    assert [float(amount) for amount in before["amount"]] == [1200.5, 900, 70]
    assert book.table("opportunity").num_rows == 3
    frames = [pd.DataFrame(tables["Opportunity"]) for tables in (TODAY, TOMORROW)]
    both = TODAY | {"Opportunity": pd.concat(frames)}
    once = so.read(both, **HOW)
    for column in ("stage_id", "amount", "loss_reason", "probability"):
        assert after.table("opportunity").to_dict()[column] == once.table("opportunity").to_dict()[column]


def test_one_changed_row_of_an_export():
    book = so.read(TODAY, **HOW)
    row = {"Id": [ID[0]], "Amount": ["7"], "SystemModstamp": ["2024-05-03T00:00:00Z"]}
    after = book.apply({"Opportunity": row}, "salesforce")
    assert [float(amount) for amount in after.table("opportunity").to_dict()["amount"]] == [7, 900, 70]
    assert after.table("opportunity").to_dict()["currency"] == ["USD"] * 3


def test_changes_of_a_vendor_tell_their_issues():
    book = so.read(TODAY, **HOW)
    row = {"Id": [ID[0]], "CloseDate": ["03/04/2024"], "LeadSource": ["N/A"]}
    after = book.apply({"Opportunity": row}, "salesforce")
    assert after.issues.count("ambiguous_date") == 1
    assert after.issues.count("placeholder") == 2
    with pytest.raises(so.UsageError, match="none of the tables"):
        book.apply({"Weather": {"a": [1]}}, "salesforce")
    with pytest.raises(so.UsageError, match="opportunity_id"):
        book.apply({"opportunity": {"Id": [ID[0]]}})
