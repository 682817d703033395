"""Any dataframe in, the same kind out.

`to_core` makes the core's table of whatever the caller has; `like` gives a result back as the kind of
frame the caller brought. Dataframe libraries are imported only when the caller's data comes from one.
"""

from __future__ import annotations

import datetime as dt
import html
import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from salesops._columns import DAY, EPOCH, UnreadableError, column_from, is_from, to_list, to_numpy
from salesops._core import arrow as _arrow
from salesops._core.error import DataError, UsageError
from salesops._core.table import Column, Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# ---- in ----


def to_core(
    data: Any,
    columns: Sequence[str] | None = None,
    tz: str | dt.tzinfo | None = None,
    unread: list[str] | None = None,
) -> Table:
    """Make the core's table of any dataframe; large columns are borrowed, not copied.

    Parameters
    ----------
    data
        A pandas, Polars or PyArrow frame, a Polars LazyFrame (collected), a DuckDB relation, anything
        with ``__arrow_c_stream__``, a mapping of names to arrays or lists, or a `Table`.
    columns
        The columns wanted, in this order; all by default. Columns of a type that can't be read (lists,
        binary, durations) are left out by default and an error when asked for.
    tz
        The zone of timestamps without one (default UTC). A time that a clock change repeats is the
        earlier of the two; one that it skips is read with the offset before the change.
    unread
        Takes the names of the columns left out for their type.

    Notes
    -----
    NaN in float columns of pandas and NumPy is a null: these have no other. Pandas' nameless index is
    left out, a named one is a column.
    """
    wanted = None if columns is None else list(columns)
    refuse(data)
    if isinstance(data, Table):
        return data if wanted is None else data.select(wanted)
    if isinstance(data, Mapping):
        return localize(*from_mapping(data, wanted, unread), tz)
    if is_from(data, "pandas"):
        return localize(*from_pandas(data, wanted, unread), tz)
    if is_from(data, "polars") and hasattr(data, "collect"):
        data = (data if wanted is None else data.select(wanted)).collect()
    if not (hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__")):
        data = narwhals_native(data)
    table, naive = from_arrow(data, wanted, unread)
    return localize(table, naive, tz)


def refuse(data: Any) -> None:
    """Raise for data that looks like a table but can't be read as it is."""
    kind = f"{type(data).__module__}.{type(data).__name__}"
    if is_from(data, "pyspark"):
        raise UsageError(
            f"Spark data ({kind}) is not read directly; bring a summary home with .toPandas() or .toArrow()"
        )
    if is_from(data, "dask"):
        raise UsageError(f"Dask data ({kind}) is not read directly; call .compute() first")
    if isinstance(data, str | bytes) or hasattr(data, "__fspath__"):
        raise UsageError("need a dataframe, not a path; read the file first")


def narwhals_native(data: Any) -> Any:
    """Unwrap or collect what narwhals knows; `UsageError` for anything else."""
    import narwhals as nw

    if isinstance(data, nw.LazyFrame):
        return data.collect().to_arrow()
    frame = nw.from_native(data, pass_through=True, eager_only=True)
    if isinstance(frame, nw.DataFrame):
        return frame.to_arrow()
    raise UsageError(
        f"can't make a table of {type(data).__module__}.{type(data).__name__}: need a pandas, Polars or "
        "PyArrow frame, a DuckDB relation, a dict of arrays, or anything with __arrow_c_stream__"
    )


def from_arrow(data: Any, columns: list[str] | None, unread: list[str] | None) -> tuple[Table, list[str]]:
    """Read what has an Arrow stream; also the names of the columns whose timestamps had no zone."""
    table, issues = _arrow.read(data, columns)
    summary = issues.summary()
    named: dict[str, list[str]] = {"naive_timestamp": [], "unsupported_type": []}
    if len(summary) > 0:
        for rule, name in zip(
            summary.column("rule").to_list(), summary.column("column").to_list(), strict=True
        ):
            named.setdefault(rule, []).append(name)
    if unread is not None:
        unread += named["unsupported_type"]
    return table, named["naive_timestamp"]


def from_pandas(
    data: Any, columns: list[str] | None, unread: list[str] | None = None
) -> tuple[Table, list[str]]:
    """Read through PyArrow where it is installed; else, or where it refuses, column by column."""
    if not hasattr(data, "columns"):
        raise UsageError("the data is a single pandas column; make a frame of it with .to_frame()")
    index_names = [name for name in data.index.names if name is not None]
    wanted = list(data.columns)
    if columns is not None:
        missing = [name for name in columns if name not in data.columns and name not in index_names]
        if missing:
            raise UsageError(
                f"no column '{missing[0]}'. The columns are: " + " ".join(str(name) for name in data.columns)
            )
        wanted = [name for name in wanted if name in columns]
    places = [i for i, name in enumerate(data.columns) if columns is None or name in columns]
    series = {str(name): data.iloc[:, i] for name, i in zip(wanted, places, strict=True)}
    if len(series) != len(wanted):
        names = [str(name) for name in wanted]
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"the column name '{twice}' is used twice; rename one of the two")
    if columns is not None and set(columns) <= set(series) and all(map(_plain, series.values())):
        # Numbers of NumPy are borrowed as they are; Arrow's way would look for their nulls one by one.
        return from_mapping({name: one.to_numpy() for name, one in series.items()}, columns, unread)
    if importlib.util.find_spec("pyarrow") is not None:
        pa = need("pyarrow")
        try:
            # Columns chosen here are borrowed; a frame of them would be a copy.
            arrow = data if columns is None else pa.Table.from_pandas(data, columns=wanted)
            return from_arrow(arrow, columns, unread)
        except (pa.ArrowException, UnicodeError):
            pass  # one column of mixed objects; the others can still be read one by one
    levels = {name: data.index.get_level_values(name) for name in index_names}
    return from_mapping(levels | series, columns, unread)


def _plain(series: Any) -> bool:
    """Whether a pandas column holds NumPy's numbers or booleans."""
    return getattr(series.dtype, "kind", "O") in "iufb" and type(series.dtype).__module__.startswith("numpy")


def names_of(data: Any) -> list[str]:
    """Names of the columns that `to_core` reads by default."""
    if is_from(data, "pandas") and hasattr(data, "columns") and set(data.index.names) == {None}:
        series = {name: data.iloc[:, i] for i, name in enumerate(data.columns)}
        if len(series) == len(data.columns) and all(map(_plain, series.values())):
            return [str(name) for name in series]
    return list(to_core(data).names)


def from_mapping(
    data: Mapping[str, Any], columns: list[str] | None, unread: list[str] | None = None
) -> tuple[Table, list[str]]:
    """Read a mapping of names to arrays, series or lists; also the names of naive timestamps."""
    if columns is not None and (missing := [name for name in columns if name not in data]):
        raise UsageError(f"no column '{missing[0]}'. The columns are: " + " ".join(map(str, data)))
    made: list[tuple[str, Column]] = []
    naive: list[str] = []
    for name in data if columns is None else columns:
        try:
            column, is_naive = column_from(data[name])
        except (UsageError, OverflowError) as error:
            if columns is None and isinstance(error, UnreadableError):
                if unread is not None:
                    unread.append(str(name))
                continue
            raise DataError(f"column '{name}': {error}") from error
        made.append((str(name), column))
        if is_naive:
            naive.append(str(name))
    return Table(made), naive


def from_columns(data: Mapping[str, Any]) -> Table:
    """Make a table of a mapping of names to arrays or lists."""
    return from_mapping(data, None)[0]


# ---- zones ----


def own_zone(data: Any, columns: Sequence[str]) -> str | None:
    """Name of the zone that the timestamps of these columns are in; None where they say none.

    `UsageError` for several: then the caller has to say which days count.
    """
    texts = [name for name in columns if isinstance(name, str)]
    zones = {name: zone for name in texts if (zone := _zone_of(data, name)) is not None}
    if len(set(zones.values())) > 1:
        named = ", ".join(f"'{name}' in {zone}" for name, zone in zones.items())
        raise UsageError(f"the columns are in several time zones ({named}); say whose days count: tz='…'")
    return next(iter(zones.values()), None)


def _zone_of(data: Any, name: str) -> str | None:
    if is_from(data, "polars") and hasattr(data, "collect_schema"):
        schema = data.collect_schema()
        zone = getattr(schema.get(name), "time_zone", None)
    elif is_from(data, "pyarrow") and hasattr(data, "schema"):
        zone = getattr(data.schema.field(name).type, "tz", None) if name in data.schema.names else None
    elif isinstance(data, Mapping) or (is_from(data, "pandas") and hasattr(data, "columns")):
        zone = getattr(getattr(data[name], "dtype", None), "tz", None) if name in data else None
        zone = getattr(zone, "key", getattr(zone, "zone", None))
    else:
        zone = None
    return zone if isinstance(zone, str) and "/" in zone else None  # offsets are no civil zone


def localize(table: Table, naive: Sequence[str], tz: str | dt.tzinfo | None) -> Table:
    """Read the naive timestamps as clock readings of `tz`."""
    zone = zone_of(tz)
    if zone is None:
        return table
    for name in naive:
        column = table.column(name)
        utc = utc_of(column.values(), column.valid(), zone, name)
        table = table.with_column(name, Column.of("timestamp", utc, column.valid()))
    return table


def zone_of(tz: str | dt.tzinfo | None) -> dt.tzinfo | None:
    """Find a zone by its IANA name; None for UTC."""
    if tz is None or tz == "UTC" or tz is dt.UTC:
        return None
    if isinstance(tz, dt.tzinfo):
        return tz
    if not isinstance(tz, str):
        raise UsageError(f"tz: need the name of a zone such as 'Europe/Berlin', not {type(tz).__name__}")
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(tz)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(f"no time zone '{tz}'; use an IANA name such as 'Europe/Berlin'") from error


def utc_of(
    local: npt.NDArray[np.int64], valid: npt.NDArray[np.bool_] | None, zone: dt.tzinfo, name: str
) -> npt.NDArray[np.int64]:
    """UTC microseconds of clock readings; the zone is asked once a day, and row by row where it changes."""
    import numpy as np

    def offset(reading: int) -> int:
        try:
            clock = EPOCH.replace(tzinfo=zone) + dt.timedelta(microseconds=reading)
        except OverflowError as error:
            raise DataError(
                f"column '{name}': a timestamp outside the years 1 to 9999 has no zone"
            ) from error
        return (clock.utcoffset() or dt.timedelta()) // dt.timedelta(microseconds=1)

    local = local if valid is None else np.where(valid, local, 0)
    days, row_day = np.unique(local // DAY, return_inverse=True)
    shifts = np.zeros(len(days), dtype=np.int64)
    changing = np.zeros(len(days), dtype=bool)
    for i, day in enumerate(days.tolist()):
        seen = {offset(day * DAY + part * DAY // 4) for part in range(4)} | {offset(day * DAY + DAY - 1)}
        changing[i] = len(seen) > 1
        shifts[i] = seen.pop()
    shift = shifts[row_day]
    rows = np.flatnonzero(changing[row_day])
    readings, row_reading = np.unique(local[rows], return_inverse=True)
    exact = np.array([offset(reading) for reading in readings.tolist()], dtype=np.int64)
    shift[rows] = exact[row_reading] if len(rows) else 0
    return local - shift


# ---- out ----


class Stream:
    """A table's Arrow stream with the caller's choice of formats."""

    def __init__(self, table: Table, money: str = "float64", strings: str = "text") -> None:
        self.table, self.money, self.strings = table, money, strings

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema, money=self.money, strings=self.strings)


def like(table: Table, data: Any, money: str = "float64") -> Any:
    """Give a result back as the kind of frame that `data` is.

    Pandas, Polars and PyArrow come back as themselves (a LazyFrame as a DataFrame), a mapping as a dict
    of NumPy arrays, DuckDB relations and bare streams as PyArrow tables where PyArrow is installed,
    else as our `Table`.
    """
    if isinstance(data, Table):
        return table
    if isinstance(data, Mapping):
        plain = without_money(table, money)
        return {name: to_numpy(plain.column(name)) for name in plain.names}
    if is_from(data, "pandas"):
        return to_pandas(table, money=money)
    if is_from(data, "polars"):
        return to_polars(table, money=money)
    if importlib.util.find_spec("pyarrow") is None:
        return table
    result = to_arrow(table, money=money)
    if is_from(data, "pyarrow"):
        return result
    import narwhals as nw

    frame = nw.from_native(data, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        made: Any = nw.from_arrow(result, backend=frame.implementation)
        return made if isinstance(data, nw.DataFrame) else made.to_native()
    return result


def empty_like(data: Any) -> Any:
    """An empty frame that `like` answers as it does `data`: it keeps no rows alive, and pickles."""
    if isinstance(data, Mapping):
        return {}
    for library, kind in (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "table")):
        if is_from(data, library):
            return getattr(importlib.import_module(library), kind)({})
    return like(Table.empty(0), data) if hasattr(data, "__arrow_c_stream__") else None


def of_kind(table: Table, kind: str | None = None) -> Any:
    """Give a table as the kind of frame asked for, else the first that is installed."""
    import importlib.util

    kinds = ("pandas", "polars", "pyarrow")
    if kind is None:
        kind = next((name for name in kinds if importlib.util.find_spec(name)), None)
    if kind is None:
        return table
    if kind not in kinds:
        raise UsageError(f"kind is one of {', '.join(kinds)}, not '{kind}'")
    return getattr(table, "to_arrow" if kind == "pyarrow" else f"to_{kind}")()


def to_arrow(table: Table, *, money: str = "float64", strings: str = "text") -> Any:
    """Make a PyArrow table."""
    pa = need("pyarrow")
    return pa.table(Stream(table, money, strings))


def to_polars(table: Table, *, money: str = "float64", strings: str = "text") -> Any:
    """Make a Polars DataFrame."""
    pl = need("polars")
    return pl.DataFrame(Stream(table, money, strings))


def to_pandas(table: Table, *, money: str = "float64") -> Any:
    """Make a pandas DataFrame; without PyArrow from NumPy columns."""
    pd = need("pandas")
    if importlib.util.find_spec("pyarrow") is not None:
        return to_arrow(table, money=money).to_pandas()
    plain = without_money(table, money)
    columns = {name: series_of(pd, plain.column(name)) for name in plain.names}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(table)))


def series_of(pd: Any, column: Column) -> Any:
    """Make the series that PyArrow would have made."""
    values = to_numpy(column)
    if column.type == "timestamp":
        return pd.Series(values).dt.tz_localize("UTC")
    if column.type == "date":
        return pd.Series(column.to_list(), dtype=object)
    return pd.Series(values)


def without_money(table: Table, money: str) -> Table:
    """Amounts in major units, as float64 or as decimals."""
    return Table.from_arrow(Stream(table, money, "dictionary"))


def need(library: str) -> Any:
    """Import a library the caller asked for by name."""
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise UsageError(f"{library} is not installed: pip install {library}") from error


def to_dict(table: Table, *, money: str = "float64") -> dict[str, list[Any]]:
    """Make Python lists by column name; None for a null."""
    plain = without_money(table, money)
    return {name: to_list(plain.column(name)) for name in plain.names}


def to_html(table: Table, max_rows: int = 20) -> str:
    """Make an HTML table of the first rows, with all text escaped; it takes the colours of its page."""
    shown = without_money(table.slice(0, min(max_rows, len(table))), "float64")
    columns = [shown.column(name) for name in shown.names]
    lefts = [' style="text-align:left"' if column.type in ("string", "bool") else "" for column in columns]
    head = "".join(f"<th{left}>{html.escape(n)}</th>" for n, left in zip(shown.names, lefts, strict=True))
    rows = "".join(
        "<tr>"
        + "".join(f"<td{left}>{cell_html(cell)}</td>" for cell, left in zip(row, lefts, strict=True))
        + "</tr>"
        for row in zip(*(to_list(column) for column in columns), strict=True)
    )
    note = f"{len(table):,} rows × {table.num_columns} columns"
    return f'<table class="salesops"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><p>{note}</p>'


def cell_html(cell: Any) -> str:
    """A cell as people read it, escaped."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.2f}".removesuffix(".00") if abs(cell) >= 1000 else f"{cell:.4g}"
    if isinstance(cell, dt.datetime):
        return f"{cell:%Y-%m-%d %H:%M}"
    return html.escape(str(cell))
