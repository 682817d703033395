import contextlib
import datetime as dt
import gzip
import json
import sqlite3
import sys
import warnings

import pytest
import salesops as so
from hypothesis import given
from hypothesis import strategies as st
from salesops import ingest

DEALS = (
    "opportunity_id,stage_id,amount,created_at\nA-1,New,12.50,2024-01-02\nA-2,Won,7,2024-01-03T10:00:00Z\n"
)
ACCOUNTS = "account_id,name\nX,Example\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "opportunities.csv").write_text(DEALS)
    (tmp_path / "Account.csv.gz").write_bytes(gzip.compress(ACCOUNTS.encode()))
    (tmp_path / "notes.txt").write_text("not,a,table\n1,2,3\n")
    (tmp_path / "readme.md").write_text("nothing")
    return tmp_path


def amounts(crm):
    return crm.table("opportunity").to_dict()["amount"]


@pytest.mark.usefixtures("zlib")
def test_reads_a_folder_by_the_names_of_its_files(folder):
    crm = so.read(folder, currency="EUR")
    assert crm.tables == ["account", "opportunity"]
    assert amounts(crm) == [12.5, 7.0]
    assert so.read(str(folder), currency="EUR").tables == crm.tables


def test_reads_one_file(folder):
    assert so.read(folder / "opportunities.csv").tables == ["opportunity"]


def test_reads_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"opportunity_id": ["A"], "amount": [1.25]}), tmp_path / "deals.parquet")
    crm = so.read(tmp_path, columns={"name": "title"}, tables={"opportunity": "deals"}, currency="EUR")
    assert amounts(crm) == [1.25]


def frames():
    pd = pytest.importorskip("pandas")
    pl = pytest.importorskip("polars")
    data = {"id": [7, 8], "title": ["a", "b"], "value": [1.5, None], "currency": ["EUR", "EUR"]}
    return [data, pd.DataFrame(data), pl.DataFrame(data)]


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_reads_a_dict_of_frames(kind):
    crm = so.read({"deals": frames()[kind]}, "pipedrive")
    assert crm.table("opportunity").to_dict()["opportunity_id"] == ["7", "8"]
    assert amounts(crm) == [1.5, None]


def sqlite_book():
    connection = sqlite3.connect(":memory:")
    connection.execute('CREATE TABLE "opportunity" (opportunity_id, amount, created_at TEXT)')
    connection.execute(
        "INSERT INTO opportunity VALUES ('A', 1, '2024-01-02'), ('B', '2.50', NULL), ('C', NULL, '')"
    )
    connection.execute('CREATE TABLE "odd"" name; DROP TABLE opportunity;--" (account_id)')
    connection.execute('INSERT INTO "odd"" name; DROP TABLE opportunity;--" VALUES (\'X\')')
    connection.execute("CREATE TABLE other (x)")
    connection.commit()
    return connection


def test_reads_sqlite_connections_and_files(tmp_path):
    connection = sqlite_book()
    crm = so.read(connection, currency="EUR")
    assert crm.tables == ["opportunity"]
    assert amounts(crm) == [1.0, 2.5, None]
    path = tmp_path / "book #1.db"
    with sqlite3.connect(path) as copy:
        connection.backup(copy)
    copy.close()
    assert amounts(so.read(path, currency="EUR")) == [1.0, 2.5, None]
    connection.close()


def test_quotes_hostile_table_names():
    connection = sqlite_book()
    crm = so.read(connection, tables={"account": 'odd" name; DROP TABLE opportunity;--'})
    assert crm.tables == ["account", "opportunity"]
    assert crm.table("account").to_dict()["account_id"] == ["X"]
    connection.close()


def test_reads_duckdb(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "book.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE deals AS SELECT 'A' AS opportunity_id, 1.25::DECIMAL(9, 2) AS amount"
        )
        connection.execute("CREATE SCHEMA crm; CREATE TABLE crm.account AS SELECT 'X' AS account_id")
        crm = so.read(connection, tables={"opportunity": "deals"}, currency="EUR")
        assert (crm.tables, amounts(crm)) == (["account", "opportunity"], [1.25])
    assert amounts(so.read(path, tables={"opportunity": "deals"}, currency="EUR")) == [1.25]


def test_reads_sqlalchemy(tmp_path):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/book.db")
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE deal (id INTEGER, value REAL, currency TEXT)"))
        connection.execute(sqlalchemy.text("INSERT INTO deal VALUES (1, 2.5, 'EUR')"))
        assert amounts(so.read(connection, "pipedrive")) == [2.5]
    assert amounts(so.read(engine, "pipedrive")) == [2.5]
    engine.dispose()
    assert amounts(so.read(f"sqlite:///{tmp_path}/book.db", "pipedrive")) == [2.5]
    with pytest.raises(so.UsageError, match=r"nope.db: the database of sqlite:///.*nope.db is not there"):
        so.read(f"sqlite:///{tmp_path}/nope.db", "pipedrive")
    assert not (tmp_path / "nope.db").exists()


def test_reads_adbc(tmp_path):
    dbapi = pytest.importorskip("adbc_driver_sqlite.dbapi")
    pytest.importorskip("pyarrow")
    with dbapi.connect(f"file:{tmp_path}/book.db") as connection:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE deal (id INTEGER, value REAL, currency TEXT)")
            cursor.execute("INSERT INTO deal VALUES (1, 2.5, 'EUR')")
        connection.commit()
        assert amounts(so.read(connection, "pipedrive")) == [2.5]
        assert amounts(so.read(connection, "pipedrive", tables=["deal"])) == [2.5]


def test_reads_adbc_of_duckdb(tmp_path):
    dbapi = pytest.importorskip("adbc_driver_duckdb.dbapi")
    pytest.importorskip("pyarrow")
    with dbapi.connect(f"{tmp_path}/book.duckdb") as connection:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE deal (id INTEGER, value DECIMAL(9, 2), currency TEXT)")
            cursor.execute("INSERT INTO deal VALUES (1, 2.5, 'EUR'), (2, NULL, 'EUR')")
            cursor.execute("CREATE TABLE notes (text TEXT)")
        connection.commit()
        crm = so.read(connection, "pipedrive")
        assert (crm.tables, amounts(crm)) == (["opportunity"], [2.5, None])
        assert amounts(so.read(connection, tables={"opportunity": "deal"}, mapping="pipedrive")) == [
            2.5,
            None,
        ]


@pytest.mark.parametrize("title", ["", "Report of deals\n\n"])
@pytest.mark.usefixtures("zlib")
def test_damaged_gzip_is_a_data_error(tmp_path, title):
    path = tmp_path / "opportunity.csv.gz"
    text = title + DEALS + "".join(f"B-{i},New,{i},2024-01-02\n" for i in range(20_000))
    whole = gzip.compress(text.encode())
    path.write_bytes(whole)
    assert so.read(path).table("opportunity").num_rows == 20_002
    for kept in (30, len(whole) // 2, len(whole) - 4):
        path.write_bytes(whole[:kept])
        with pytest.raises(so.DataError, match=r"opportunity.csv.gz.*the file was cut"):
            so.read(path)
    path.write_bytes(whole[:5000] + bytes(5000) + whole[10000:])
    with pytest.raises(so.DataError, match=r"opportunity.csv.gz|gzip"):
        so.read(path)


def test_a_gzip_bomb_below_title_lines_is_a_data_error(tmp_path, monkeypatch):
    path = tmp_path / "opportunity.csv.gz"
    path.write_bytes(gzip.compress(b"Report of deals\n\n" + DEALS.encode() + b" " * (80 << 20)))
    with pytest.raises(so.DataError, match="grows"):
        so.read(path)


def test_reads_packed_utf16(tmp_path):
    path = tmp_path / "opportunity.csv.gz"
    path.write_bytes(gzip.compress(DEALS.encode("utf-16")))
    assert amounts(so.read(path)) == [12.5, 7.0]
    path.write_bytes(b"\xff\xfe" + DEALS.encode() + b"\n")
    with pytest.raises(so.DataError, match="UTF-16"):
        so.read(path.rename(tmp_path / "opportunity.csv"))


class Driver:
    """Any DB-API 2 connection."""

    def __init__(self):
        self.connection = sqlite_book()

    def cursor(self):
        return self.connection.cursor()


def test_reads_any_dbapi_connection_whose_tables_are_named():
    driver = Driver()
    with pytest.raises(so.UsageError, match="name them: tables="):
        so.read(driver)
    assert so.read(driver, tables=["opportunity"]).tables == ["opportunity"]
    driver.connection.close()


REPORT = """Pipeline by month
"As of 2024-05-01"

"Opportunity ID","Opportunity Name","Stage","Amount","Close Date","Probability (%)"
"006000000000001","Pumps, 12","Prospecting","USD 1,200.50","31/05/2024","10"
"006000000000002","Total Energies","Closed Won","USD 900.00","01/06/2024","100"
"Subtotal","","","USD 2,100.50","",""
"Grand Total","","","USD 2,100.50","",""

"Copyright (c) 2000-2024"
"Confidential Information - Do Not Distribute"
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_reads_a_report_export(tmp_path, encoding):
    (tmp_path / "opportunity.csv").write_text(REPORT, encoding=encoding)
    crm = so.read(tmp_path, "salesforce")
    deals = crm.table("opportunity").to_dict()
    assert deals["opportunity_id"] == ["006000000000001AAA", "006000000000002AAA"]
    assert deals["name"] == ["Pumps, 12", "Total Energies"]
    assert deals["amount"] == [1200.5, 900.0]
    assert deals["close_date"] == [dt.date(2024, 5, 31), dt.date(2024, 6, 1)]
    assert deals["probability"] == [0.1, 1.0]
    assert deals["currency"] == ["USD", "USD"]
    assert crm.issues.count("title_row") == 3
    assert crm.issues.count("footer_row") == 4


def test_takes_more_columns():
    deals = {"Id": ["1"], "Why__c": ["Price"], "TCV": [5], "Amount": [None], "Mood": ["good"]}
    crm = so.read(
        {"Opportunity": deals},
        "salesforce",
        columns={"loss_reason": "Why__c", "opportunity.amount": ["TCV"], "opportunity.feeling": "Mood"},
        currency="EUR",
    )
    row = {name: values[0] for name, values in crm.table("opportunity").to_dict().items()}
    assert (row["loss_reason"], row["amount"], row["feeling"]) == ("Price", 5.0, "good")
    with pytest.raises(so.UsageError, match=r'write "table\.feeling"'):
        so.read({"Opportunity": deals}, columns={"feeling": "Mood"})
    with pytest.raises(so.UsageError, match="no table 'deal'"):
        so.read({"Opportunity": deals}, columns={"deal.amount": "TCV"})


def test_percent_and_values_stay_when_a_column_is_added():
    deals = {"Id": ["1"], "Chance__c": ["40"]}
    crm = so.read({"Opportunity": deals}, "salesforce", columns={"opportunity.probability": "Chance__c"})
    assert crm.table("opportunity").to_dict()["probability"] == [0.4]


def test_asks_for_the_order_of_dates():
    deals = {"opportunity_id": ["A"], "close_date": ["03/04/2024"]}
    crm = so.read({"opportunity": deals})
    assert crm.issues.count("ambiguous_date") == 1
    for order, expected in {"dmy": dt.date(2024, 4, 3), "mdy": dt.date(2024, 3, 4)}.items():
        crm = so.read({"opportunity": deals}, date_order=order)
        assert crm.table("opportunity").to_dict()["close_date"] == [expected]
    with pytest.raises(so.UsageError, match="dmy mdy ymd"):
        so.read({"opportunity": deals}, date_order="american")


def test_cuts_times_in_the_zone(tmp_path):
    (tmp_path / "deals.csv").write_text(
        "id,closedate,createdate\n1,2024-06-30T22:30:00Z,2024-06-01 00:30:00\n"
    )
    for tz, date, created in [(None, 30, "2024-06-01T00:30"), ("Europe/Berlin", 1, "2024-05-31T22:30")]:
        row = so.read(tmp_path, "hubspot", tz=tz).table("opportunity").to_dict()
        assert row["close_date"][0].day == date
        assert row["created_at"][0].isoformat()[:16] == created


def test_zone_of_frames_without_zones():
    deals = {"id": ["1"], "createdate": [dt.datetime(2024, 6, 1, 0, 30)]}
    found, _ = ingest.read_tables({"deals": deals}, "hubspot", tz="Europe/Berlin")
    assert found["opportunity"].to_dict()["created_at"][0].isoformat()[:16] == "2024-05-31T22:30"
    deals = {"id": ["1"], "add_time": [dt.datetime(2024, 6, 1, 0, 30)]}
    found, _ = ingest.read_tables({"deals": deals}, "pipedrive", tz="Europe/Berlin")
    assert found["opportunity"].to_dict()["created_at"][0].isoformat()[:16] == "2024-06-01T00:30"


def test_warns_or_raises_on_issues():
    deals = {"opportunity_id": ["A"], "close_date": ["soon"]}
    with warnings.catch_warnings():
        so.read({"opportunity": deals}, on_issue="collect")
    with pytest.warns(ingest.IssueWarning, match="close_date: not_a_date") as caught:
        so.read({"opportunity": deals}, on_issue="warn")
    assert caught[0].message.issues.count("not_a_date") == 1
    with pytest.raises(ingest.IssueError, match="not_a_date") as raised:
        so.read({"opportunity": deals}, on_issue="raise")
    assert raised.value.issues.count("not_a_date") == 1
    so.read({"opportunity": {"opportunity_id": ["A"]}}, on_issue="raise")
    with pytest.raises(so.UsageError, match="on_issue"):
        so.read({"opportunity": deals}, on_issue="ignore")


@pytest.mark.usefixtures("zlib")
def test_mapping_files(tmp_path, folder):
    spec = {"tables": {"opportunity": {"from": "opportunities", "columns": {"name": "stage_id"}}}}
    (tmp_path / "m.json").write_text(json.dumps(spec))
    (tmp_path / "m.toml").write_text(
        '[tables.opportunity]\nfrom = "opportunities"\ncolumns = { name = "stage_id" }\n'
    )
    core = ingest.CoreMapping.parse(json.dumps(spec))
    for given_as in (spec, tmp_path / "m.json", str(tmp_path / "m.toml"), core):
        assert so.read(folder, given_as).table("opportunity").to_dict()["name"] == ["New", "Won"]
    (tmp_path / "bad.toml").write_text("[")
    with pytest.raises(so.UsageError, match=r"bad\.toml"):
        so.read(folder, tmp_path / "bad.toml")
    with pytest.raises(so.UsageError, match="hubspot"):
        so.read(folder, "hubspit")
    with pytest.raises(so.UsageError, match="finished Mapping"):
        so.read(folder, core, tz="Europe/Berlin")
    with pytest.raises(so.UsageError, match="texts, numbers"):
        so.read(folder, {"tables": {1j: object()}, "name": object()})


def test_names_what_to_do(tmp_path):
    with pytest.raises(so.UsageError, match="no file or folder"):
        so.read(tmp_path / "nowhere")
    with pytest.raises(so.UsageError, match="no CSV or Parquet files"):
        so.read(tmp_path)
    (tmp_path / "things.csv").write_text("a,b\n1,2\n")
    with pytest.raises(so.UsageError, match=r"found things\.csv"):
        so.read(tmp_path)
    with pytest.raises(so.UsageError, match="no table 'thing'"):
        so.read(tmp_path, tables={"opportunity": "thing"})
    with pytest.raises(so.UsageError, match="a dict of frames"):
        so.read(42)
    with pytest.raises(so.UsageError, match="names of tables are texts"):
        so.read({1: {}})
    with pytest.raises(so.UsageError, match="none of the tables 'things'"):
        so.read({"things": {"a": [1]}})
    (tmp_path / "x.xlsx").write_bytes(b"PK\3\4")
    with pytest.raises(so.UsageError, match="CSV or Parquet"):
        so.read(tmp_path / "x.xlsx")
    (tmp_path / "deal.csv").write_text("id\n1\n")
    (tmp_path / "deal.csv.gz").write_bytes(gzip.compress(b"id\n1\n"))
    with pytest.raises(so.UsageError, match="two files"):
        so.read(tmp_path, "pipedrive")


def test_names_the_extra_that_is_missing(tmp_path, monkeypatch):
    (tmp_path / "book.duckdb").write_bytes(b"\0" * 8 + b"DUCK" + b"\0" * 100)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(so.UsageError, match=r"pip install 'salesops\[sql\]'"):
        so.read(tmp_path / "book.duckdb")
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(so.UsageError, match="pip install 'sqlalchemy'"):
        so.read("postgresql://nowhere/book")


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
def test_an_empty_file_is_named_and_lacks_its_key(tmp_path, text):
    (tmp_path / "opportunity.csv").write_text(text)
    with pytest.raises(so.UsageError, match="key column 'opportunity_id'"):
        so.read(tmp_path)
    assert ingest.read_tables(tmp_path)[1].count("empty_file") == 1


@pytest.mark.parametrize(
    ("text", "ids", "rules"),
    [
        ("opportunity_id\n", [], []),
        ("opportunity_id,opportunity_id,,\nA,B,C,D\n", ["A"], ["duplicate_name", "empty_name"]),
        ("opportunity_id,amount\n=1+1,=cmd|' /C calc'!A0\n'@x,+7\n", ["=1+1", "@x"], ["not_an_amount"]),
        ("opportunity_id;amount\nA;1,5\n", ["A"], []),
        ("opportunity_id,amount\nA\nB,1,2,3\n", ["A", "B"], ["too_few_fields", "too_many_fields"]),
        ("opportunity_id,amount\nA," + "9" * 200_000 + "\n", ["A"], ["not_an_amount"]),
        ("opportunity_id,close_date\nA,999999999999999999\nB,0000-00-00\n", ["A", "B"], ["not_a_date"]),
        ("opportunity_id" + ",c" * 2_000 + "\nA" + ",x" * 2_000 + "\n", ["A"], ["duplicate_name"]),
    ],
)
def test_hostile_files_give_a_book_and_issues(tmp_path, text, ids, rules):
    (tmp_path / "opportunity.csv").write_text(text)
    crm = so.read(tmp_path)
    assert crm.table("opportunity").to_dict()["opportunity_id"] == ids
    assert all(crm.issues.count(rule) for rule in rules)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_book_or_an_error_of_ours(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "opportunity.csv"
    path.write_bytes(b"opportunity_id,amount,close_date\n" + data)
    with contextlib.suppress(so.Error):
        so.read(path, "salesforce")


@given(st.dates(dt.date(1950, 1, 1), dt.date(2049, 12, 31)), st.sampled_from(["dmy", "mdy"]))
def test_dates_come_back_in_their_order(date, order):
    text = date.strftime("%d/%m/%Y" if order == "dmy" else "%m/%d/%Y")
    found, _ = ingest.read_tables(
        {"opportunity": {"opportunity_id": ["A"], "close_date": [text]}}, date_order=order
    )
    assert found["opportunity"].to_dict()["close_date"] == [date]


@given(st.integers(-(10**15), 10**15), st.sampled_from(["{:,.2f}", "€{:,.2f}", "{:,.2f} EUR", "{:.2f}"]))
def test_amounts_come_back_to_the_cent(cents, form):
    from decimal import Decimal

    text = form.format(Decimal(cents) / 100)
    crm = so.read({"opportunity": {"opportunity_id": ["A"], "amount": [text]}}, currency="EUR")
    assert crm.table("opportunity").column("amount").values().tolist() == [cents]


def test_a_table_nobody_knows_is_answered_with_those_that_are():
    with pytest.raises(so.UsageError, match=r"It knows:.* opportunity"):
        so.read({"deals": {"id": ["a"]}}, columns={"loss_reason": "why"})


def test_what_a_driver_says_is_an_error_of_ours(tmp_path):
    closed = sqlite3.connect(":memory:")
    closed.close()
    with pytest.raises(so.DataError, match="can't be read: ProgrammingError: Cannot operate on a closed"):
        so.read(closed)
    with pytest.raises(so.UsageError, match="driver of postgresql URLs isn't installed"):
        so.read("postgresql://host/x")
    with pytest.raises(so.UsageError, match="nodialect: SQLAlchemy can't make sense"):
        so.read("nodialect://x")
    absent = tmp_path / "none.db"
    with pytest.raises(so.UsageError, match="no file"):
        so.read(f"sqlite:///{absent}")
    assert not absent.exists()
