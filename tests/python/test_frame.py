"""Any dataframe in, the same kind out."""

import datetime as dt
import decimal
import importlib.util
import pickle
import re
import zoneinfo

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from salesops import DataError, UsageError, _frame
from salesops._core.table import Column, Table

ROWS = {
    "n": [1, 2, None],
    "x": [1.5, None, -2.0],
    "s": ["Müller & Söhne", None, "a text of more than twelve bytes"],
    "t": [dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC), None, dt.datetime(1969, 12, 31, tzinfo=dt.UTC)],
    "d": [dt.date(2024, 2, 29), None, dt.date(1900, 1, 1)],
    "b": [True, None, False],
}


def arrow() -> pa.Table:
    return pa.table(ROWS)


@pytest.fixture
def without_pyarrow(monkeypatch):
    """The library as it is where PyArrow isn't installed."""
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "pyarrow" else found(name, *rest)
    )


def frames():
    yield "pyarrow", arrow()
    yield "batch", arrow().to_batches()[0]
    yield "reader", arrow().to_reader()
    yield "polars", pl.DataFrame(ROWS)
    yield "lazy", pl.LazyFrame(ROWS)
    yield "pandas", arrow().to_pandas(types_mapper=pd.ArrowDtype)
    yield "duckdb", duckdb.from_arrow(arrow())
    yield "dict", ROWS
    yield "table", Table.from_arrow(arrow())


@pytest.mark.parametrize(("kind", "data"), list(frames()), ids=[kind for kind, _ in frames()])
def test_every_kind_gives_the_same_table(kind, data):
    assert _frame.to_core(data).to_dict() == ROWS


def test_numpy_pandas_gives_the_same_table():
    assert _frame.to_core(pd.DataFrame(ROWS)).to_dict() == ROWS


def test_the_same_kind_comes_back():
    table = _frame.to_core(ROWS)
    assert isinstance(_frame.like(table, arrow()), pa.Table)
    assert isinstance(_frame.like(table, pl.DataFrame(ROWS)), pl.DataFrame)
    assert isinstance(_frame.like(table, pl.LazyFrame(ROWS)), pl.DataFrame)
    assert isinstance(_frame.like(table, pd.DataFrame(ROWS)), pd.DataFrame)
    assert isinstance(_frame.like(table, duckdb.from_arrow(arrow())), pa.Table)
    assert isinstance(_frame.like(table, arrow().to_reader()), pa.Table)
    assert isinstance(_frame.like(table, ROWS), dict)
    assert _frame.like(table, table) is table


def test_without_pyarrow_bare_streams_give_our_table(without_pyarrow):
    table = _frame.to_core(ROWS)
    assert _frame.like(table, duckdb.sql("select 1 as a")) is table


@pytest.mark.parametrize("data", ["deals.csv", b"x", 3, None, [1, 2], object()])
def test_anything_else_is_a_usage_error(data):
    with pytest.raises(UsageError, match="need a"):
        _frame.to_core(data)


def test_polars_reads_its_own_rows_back():
    frame = pl.DataFrame(ROWS)
    assert _frame.like(_frame.to_core(frame), frame).equals(frame)


def test_pickle_keeps_the_table():
    table = _frame.to_core(
        arrow().append_column("m", pa.array([decimal.Decimal("1.20"), None, decimal.Decimal(-3)]))
    )
    again = pickle.loads(pickle.dumps(table))
    assert again.to_dict() == table.to_dict()
    assert len(pickle.loads(pickle.dumps(Table.empty(4)))) == 4


def test_html_escapes_names_and_text():
    text = Table.from_columns({"<b>": np.array(["<script>alert(1)</script>", "a&b"])})._repr_html_()
    assert "<script>" not in text
    assert "<b>" not in text
    assert "a&amp;b" in text


# ---- columns ----


def test_numpy_columns_are_borrowed_and_read_back():
    x = np.arange(1000, dtype=np.float64)
    table = Table.from_columns({"x": x, "n": np.arange(1000, dtype=np.uint16)})
    assert table.column("x").values().ctypes.data == x.ctypes.data
    del x
    assert table.column("x").values()[999] == 999
    assert table.column("n").type == "uint16"


@pytest.mark.parametrize(
    ("values", "kind", "want"),
    [
        (np.array([1.5, np.nan]), "float64", [1.5, None]),
        (np.array([1.5], dtype=np.float16), "float32", [1.5]),
        (np.array([1], dtype=">i4"), "int32", [1]),
        (np.array([True, False]), "boolean", [True, False]),
        (np.array(["2024-01-01", "NaT"], dtype="datetime64[D]"), "date", [dt.date(2024, 1, 1), None]),
        (
            np.array(["2024-01-01T00:00:00.123456789", "NaT"], dtype="datetime64[ns]"),
            "timestamp",
            [dt.datetime(2024, 1, 1, microsecond=123456, tzinfo=dt.UTC), None],
        ),
        (np.array(["a", "b"]), "string", ["a", "b"]),
        (np.array(["a", None, float("nan")], dtype=object), "string", ["a", None, None]),
        ([1, None], "int64", [1, None]),
        ([1, 2.5], "float64", [1.0, 2.5]),
        ([decimal.Decimal("1.10"), 2, None], "decimal", [decimal.Decimal("1.10"), decimal.Decimal(2), None]),
        ([decimal.Decimal("-1E+3")], "decimal", [decimal.Decimal(-1000)]),
        ([None, None], "float64", [None, None]),
        ([], "float64", []),
        (np.ma.masked_array([1, 2], [False, True]), "int64", [1, None]),
        (pd.array([1, None], dtype="Int64"), "int64", [1, None]),
        (pd.Series(["x", None], dtype="category"), "string", ["x", None]),
        (pd.Series([2, 3], dtype="category"), "int64", [2, 3]),
        (pd.Series([True, None], dtype="boolean"), "boolean", [True, None]),
    ],
)
def test_columns_of_every_kind(values, kind, want):
    column = Table.from_columns({"v": values}).column("v")
    assert column.type == kind
    assert column.to_list() == want


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([10**30], "column 'v'"),
        ([decimal.Decimal("Infinity")], "infinite"),
        ([decimal.Decimal("1E-50")], "128 bits"),
        (np.zeros((2, 2)), "one dimension"),
        (np.array(["300000-01-01"], dtype="datetime64[s]"), "64 bits"),
        ([b"x"], "bytes"),
        ([1, [2]], "int and list"),
    ],
)
def test_columns_that_cannot_be_say_why(values, message):
    with pytest.raises(DataError, match=message):
        _frame.to_core({"v": values}, ["v"])


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(UsageError, match="rows"):
        _frame.to_core({"a": [1], "b": [1, 2]})


# ---- pandas ----


def test_pandas_index_is_a_column_only_with_a_name(monkeypatch):
    data = pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "b"])
    assert _frame.to_core(data).names == ["x"]
    named = data.rename_axis("deal")
    assert sorted(_frame.to_core(named).names) == ["deal", "x"]
    assert _frame.to_core(named, ["deal"]).to_dict() == {"deal": ["a", "b"]}


def test_pandas_mixed_objects_do_not_hurt_the_other_columns():
    data = pd.DataFrame({"x": [1.0, 2.0], "odd": [1, ["a"]]})
    unread: list[str] = []
    assert _frame.to_core(data, unread=unread).names == ["x"]
    assert unread == ["odd"]
    with pytest.raises(DataError, match="column 'odd'"):
        _frame.to_core(data, ["odd"])


def test_mixed_cells_are_texts():
    cells = ["a", 1, 2.5, 1e300, True, decimal.Decimal("1.50"), dt.date(2026, 1, 2), None]
    table = _frame.to_core({"v": cells})
    assert table.column("v").to_list() == ["a", "1", "2.5", "1e+300", "true", "1.50", "2026-01-02", None]


def test_pandas_without_pyarrow(without_pyarrow):
    data = pd.DataFrame(
        {
            "x": [1.5, None],
            "s": ["a", None],
            "t": pd.to_datetime(["2024-07-01 12:00", None]).tz_localize("Europe/Berlin"),
            "c": pd.Categorical(["b", "a"]),
            "i": pd.array([1, None], dtype="Int64"),
        }
    )
    table = _frame.to_core(data)
    noon = dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC)
    assert table.to_dict() == {
        "x": [1.5, None],
        "s": ["a", None],
        "t": [noon, None],
        "c": ["b", "a"],
        "i": [1, None],
    }
    back = _frame.like(table, data)
    assert isinstance(back, pd.DataFrame)
    assert back["t"][0] == pd.Timestamp(noon)
    assert back["s"][0] == "a"
    assert back["s"].isna().tolist() == [False, True]


def test_a_single_series_is_refused():
    with pytest.raises(UsageError, match="to_frame"):
        _frame.to_core(pd.Series([1]))
    with pytest.raises(UsageError, match="single column"):
        _frame.to_core(pl.Series([1]))


# ---- choice, types, producers ----


def test_unreadable_columns_hurt_only_when_asked_for():
    data = pl.DataFrame(
        {"n": [1], "list": [[1]], "binary": [b"x"], "gap": [dt.timedelta(1)], "at": [dt.time(1)]}
    )
    assert _frame.to_core(data).names == ["n"]
    with pytest.raises(DataError, match="column 'list'"):
        _frame.to_core(data, ["list"])
    with pytest.raises(UsageError, match="did you mean 'n'"):
        _frame.to_core(data, ["m"])


def test_a_reader_is_read_once():
    reader = arrow().to_reader()
    assert len(_frame.to_core(reader)) == 3
    assert len(_frame.to_core(reader)) == 0


def test_the_words_of_a_failing_producer_are_kept():
    def batches():
        yield arrow().to_batches()[0]
        raise ValueError("the warehouse is on fire")

    with pytest.raises(DataError, match="warehouse is on fire"):
        _frame.to_core(pa.RecordBatchReader.from_batches(arrow().schema, batches()))


def test_spark_frames_are_refused_with_a_way_out():
    spark = type("DataFrame", (), {"__module__": "pyspark.sql.dataframe", "__arrow_c_stream__": None})
    with pytest.raises(UsageError, match="toArrow"):
        _frame.to_core(spark())


def test_numbers_are_not_copied_either_way():
    source = pa.table(
        {"x": pa.array(np.arange(10_000_000, dtype=np.float64)), "n": pa.array(np.arange(10_000_000))}
    )
    table = _frame.to_core(source)
    back = table.to_arrow()
    for name in ("x", "n"):
        address = source[name].chunk(0).buffers()[1].address
        assert table.column(name).values().ctypes.data == address
        assert back[name].chunk(0).buffers()[1].address == address


def test_money_leaves_as_floats_or_decimals():
    usd = Column.of("money", np.array([12345, 1], dtype=np.int64), np.array([True, False]), 0, "USD")
    table = Table([("amount", usd)])
    assert table.to_dict() == {"amount": [123.45, None]}
    assert table.to_pandas()["amount"][0] == 123.45
    assert table.to_arrow(money="decimal")["amount"].to_pylist() == [decimal.Decimal("123.45"), None]
    assert table.to_polars(money="decimal")["amount"].to_list() == [decimal.Decimal("123.45"), None]
    with pytest.raises(UsageError, match="money="):
        table.to_arrow(money="cents")


# ---- zones ----


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
def test_naive_timestamps_are_clock_readings_of_the_zone(zone):
    hours = np.arange("2023-12-31", "2025-01-02", np.timedelta64(20, "m"), dtype="datetime64[us]")
    got = _frame.to_core({"t": hours}, tz=zone).column("t").values()
    info = zoneinfo.ZoneInfo(zone)
    want = [int(t.replace(tzinfo=info).timestamp()) * 1_000_000 for t in hours.tolist()]
    assert got.tolist() == want


def test_timestamps_with_a_zone_keep_it():
    aware = pl.DataFrame({"t": [dt.datetime(2024, 7, 1, tzinfo=dt.UTC)]})
    assert _frame.to_core(aware, tz="Europe/Berlin").to_dict() == aware.to_dict(as_series=False)
    with pytest.raises(UsageError, match="no time zone"):
        _frame.to_core({"t": [dt.datetime(2024, 1, 1)]}, tz="Europe/Nowhere")


def test_tables_show_as_people_read_them():
    table = _frame.from_columns(
        {
            "name": ["<b>Ada</b>", None],
            "share": [1 / 3, 12345678.9],
            "count": [1, 20000],
            "at": [dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), None],
        }
    )
    shown = _frame.to_html(table)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", shown)
    assert cells == [
        "&lt;b&gt;Ada&lt;/b&gt;",
        "0.3333",
        "1",
        "2026-01-02 03:04",
        "",
        "12,345,678.90",
        "20000",
        "",
    ]
    assert shown.count("text-align:left") == 3
    assert "color" not in shown
