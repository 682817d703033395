"""Any dataframe in, the same kind out."""

import datetime as dt
import decimal
import importlib.util
import pickle

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from salesops import UsageError, _frame
from salesops._core.table import Table

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
