"""Round trips through the oracles: PyArrow, Polars, DuckDB and nanoarrow."""

import datetime as dt
import decimal

import duckdb
import nanoarrow as na
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from salesops._core import arrow
from salesops._core.table import Table

instants = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))
TYPES = {
    pa.int8(): st.integers(-128, 127),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float64(): st.floats(allow_nan=False),
    pa.bool_(): st.booleans(),
    pa.date32(): st.dates(),
    pa.timestamp("us", "UTC"): instants.map(lambda t: t.replace(tzinfo=dt.UTC)),
    pa.timestamp("ns", "UTC"): instants.map(lambda t: t.replace(tzinfo=dt.UTC)),
    pa.timestamp("s", "UTC"): instants.map(lambda t: t.replace(microsecond=0, tzinfo=dt.UTC)),
    pa.decimal128(20, 3): st.integers(-(10**19), 10**19).map(lambda n: decimal.Decimal(n).scaleb(-3)),
    pa.decimal256(50, 2): st.integers(-(10**30), 10**30).map(lambda n: decimal.Decimal(n).scaleb(-2)),
    pa.string(): st.text(max_size=20),
    pa.large_string(): st.text(max_size=20),
    pa.string_view(): st.text(max_size=20),
    pa.dictionary(pa.int8(), pa.string()): st.sampled_from(["new", "won", "lost"]),
    pa.dictionary(pa.int32(), pa.large_string()): st.text(max_size=3),
    pa.dictionary(pa.uint16(), pa.float64()): st.sampled_from([1.5, -2.0]),
}


@st.composite
def tables(draw):
    """A table of chunks, each cut out of a longer batch so that offsets aren't zero."""
    types = draw(st.lists(st.sampled_from(list(TYPES)), min_size=1, max_size=4))
    schema = pa.schema([(f"c{i}", kind) for i, kind in enumerate(types)])
    batches = []
    for _ in range(draw(st.integers(0, 3))):
        rows = draw(st.integers(0, 20))
        columns = [
            pa.array(draw(st.lists(st.none() | TYPES[kind], min_size=rows, max_size=rows)), type=kind)
            for kind in types
        ]
        start = draw(st.integers(0, rows))
        batch = pa.record_batch(columns, schema=schema).slice(start, draw(st.integers(0, rows - start)))
        batches.append(batch)
    return pa.Table.from_batches(batches, schema=schema)


@settings(deadline=None, max_examples=150)
@given(tables())
def test_rows_are_the_same_after_a_round_trip(data):
    table = Table.from_arrow(data)
    want = data.to_pylist()
    back = table.to_arrow()
    back.validate(full=True)
    assert back.to_pylist() == want
    codes = table.to_arrow(strings="dictionary")
    codes.validate(full=True)
    assert codes.to_pylist() == want
    assert table.to_polars(strings="dictionary").cast({pl.Categorical: pl.String}).rows(named=True) == want
    assert Table.from_arrow(table.to_polars()).to_dict() == table.to_dict()


@settings(deadline=None, max_examples=30)
@given(tables())
def test_other_libraries_read_our_stream(data):
    ours = Table.from_arrow(data)
    names = ", ".join(ours.names)
    assert duckdb.sql(f"select {names} from ours").fetchall() == [
        tuple(row.values()) for row in ours.to_arrow().to_pylist()
    ]
    # nanoarrow reads a negative decimal as unsigned, so decimals are left to the others.
    plain = [name for name in ours.names if ours.column(name).type != "decimal"]
    whole = ours.select(plain) if plain else Table.from_columns({"n": [1]})
    assert na.Array(whole).to_pylist() == whole.to_arrow().to_pylist()


@pytest.mark.parametrize("start", [0, 1, 7, 8, 9])
def test_slices_share_memory_and_keep_their_nulls(start):
    table = Table.from_arrow(
        pa.table({"n": [1, None, 3] * 10, "b": [True, None, False] * 10, "s": ["x", None, ""] * 10})
    )
    part = table.slice(start, 12)
    back = part.to_arrow()
    back.validate(full=True)
    assert back.to_pylist() == table.to_arrow().to_pylist()[start : start + 12]


def test_rows_that_are_null_as_a_whole_are_null_in_all_columns():
    rows = pa.StructArray.from_arrays(
        [pa.array([1, 2]), pa.array(["a", "b"])], ["n", "s"], mask=pa.array([False, True])
    )
    assert Table.from_arrow(pa.chunked_array([rows])).to_dict() == {"n": [1, None], "s": ["a", None]}


@pytest.mark.parametrize(
    "frame", [pl.DataFrame({"n": [None, None]}), pa.table({"n": pa.nulls(2)})], ids=["polars", "pyarrow"]
)
def test_a_column_of_nothing_but_nulls_is_null(frame):
    """Polars hands out one empty buffer where the format has none."""
    assert Table.from_arrow(frame).to_dict() == {"n": [None, None]}


def test_dictionaries_that_differ_by_chunk_are_joined():
    chunks = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["c", "b", None]).dictionary_encode()]
    column = Table.from_arrow(pa.table({"v": pa.chunked_array(chunks)})).column("v")
    assert column.to_list() == ["a", "b", "c", "b", None]
    assert column.dictionary == ["a", "b", "c"]


def test_read_says_what_it_left_out():
    table, issues = arrow.read(pa.table({"n": [1], "l": [[1]], "t": [dt.datetime(2024, 1, 1)]}))
    assert table.names == ["n", "t"]
    assert issues.count("unsupported_type") == 1
    assert issues.count("naive_timestamp") == 1


def test_a_capsule_not_read_is_released():
    before = pa.total_allocated_bytes()
    capsule = Table.from_arrow(pa.table({"n": pa.array(range(100_000))})).__arrow_c_stream__()
    assert pa.total_allocated_bytes() > before
    del capsule
    assert pa.total_allocated_bytes() == before


def test_extension_types_are_left_out():
    assert Table.from_arrow(pa.table({"u": pa.array([b"0" * 16], pa.uuid()), "n": [1]})).names == ["n"]
