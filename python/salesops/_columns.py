"""Columns of the core out of NumPy arrays, series and lists, and back."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from salesops._core.error import DataError, UsageError
from salesops._core.table import Column

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
EPOCH_DAY = dt.date(1970, 1, 1)
DAY = 86_400_000_000
# By the digits that instants of our days have.
SINCE_1970 = {
    10: ("seconds", "s"),
    13: ("milliseconds", "ms"),
    16: ("microseconds", "us"),
    19: ("nanoseconds", "ns"),
}

# ---- in ----


def is_from(data: Any, library: str) -> bool:
    """Whether the type of `data` (or a base of it) is the library's, without an import of it."""
    return any(base.__module__.split(".")[0] == library for base in type(data).__mro__)


class UnreadableError(UsageError):
    """A column of a type that has no place in a table."""


def column_from(values: Any) -> tuple[Column, bool]:
    """Make a column of an array, a series or a list; also whether its timestamps were naive."""
    import numpy as np

    if isinstance(values, Column):
        return values, False
    if is_from(values, "pandas"):
        return column_from_series(values)
    if not isinstance(values, np.ndarray):
        values = list(values)
        return column_from_objects(values)
    if values.ndim != 1:
        raise UsageError(f"need one dimension, not {values.ndim}")
    if isinstance(values, np.ma.MaskedArray):
        column, naive = column_from_numpy(
            values.filled(values.dtype.type(0)) if values.dtype.kind in "iufb" else values.data
        )
        valid = ~np.ma.getmaskarray(values)
        return with_valid(column, valid), naive
    return column_from_numpy(values)


def with_valid(column: Column, valid: npt.NDArray[np.bool_]) -> Column:
    """Narrow the validity of a column."""
    import numpy as np

    own = column.valid()
    both = valid if own is None else np.logical_and(own, valid)
    if column.type == "string":
        return Column.of_codes(column.values(), both, column.dictionary)
    return Column.of(column.type, column.values(), both, column.scale, column.currency)


def column_from_series(series: Any) -> tuple[Column, bool]:
    """Make a column of a pandas series or index."""
    import numpy as np

    dtype = series.dtype
    missing = np.asarray(series.isna(), dtype=bool)
    name = str(dtype)
    if name == "category":
        entries, naive = column_from(
            np.asarray(series.cat.categories if hasattr(series, "cat") else series.categories)
        )
        codes = np.asarray(series.cat.codes if hasattr(series, "cat") else series.codes, dtype=np.int32)
        if entries.type == "string":
            return Column.of_codes(codes, ~missing, entries.to_list()), naive
        return column_from(np.asarray(series.astype(object)))
    if getattr(dtype, "tz", None) is not None:
        utc = (
            series.dt.tz_convert("UTC").dt.tz_localize(None)
            if hasattr(series, "dt")
            else series.tz_convert(None)
        )
        return column_from_numpy(np.asarray(utc))[0], False
    if isinstance(dtype, np.dtype):
        return column_from_numpy(np.asarray(series))
    kind = getattr(dtype, "kind", "O")
    if kind in "iufb":
        width = getattr(dtype, "numpy_dtype", np.dtype("float64"))
        filled = series.to_numpy(dtype=width, na_value=width.type(0))
        column, _ = column_from_numpy(filled)
        return with_valid(column, ~missing), False
    return column_from_objects([None if gone else value for value, gone in zip(series, missing, strict=True)])


def column_from_numpy(values: npt.NDArray[Any]) -> tuple[Column, bool]:
    """Make a column of a one-dimensional array; borrowed where the layout fits."""
    import numpy as np

    kind = values.dtype.kind
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    if kind in "iu":
        return Column.of(str(values.dtype), values), False
    if kind == "b":
        return Column.of("boolean", values), False
    if kind == "f":
        to = "float64" if values.dtype.itemsize >= 8 else "float32"
        ready = values.astype(to, copy=False)
        gone = np.isnan(ready)
        return Column.of(to, ready, ~gone if gone.any() else None), False
    if kind == "M":
        return column_from_datetimes(values)
    if kind in "UTO":
        return column_from_objects(values.tolist())
    raise UnreadableError(f"arrays of {values.dtype} can't be read; cast it to numbers, text or timestamps")


def column_from_datetimes(values: npt.NDArray[Any]) -> tuple[Column, bool]:
    """Make a date column of datetime64[D], else a timestamp column, rounded down to the microsecond."""
    import numpy as np

    unit, count = np.datetime_data(values.dtype)
    gone = np.isnat(values)
    valid = ~gone if gone.any() else None
    raw = values.view(np.int64)
    if unit == "D" and count == 1:
        inside = gone | ((raw >= -(2**31)) & (raw < 2**31))
        if not inside.all():
            raise DataError("a date doesn't fit days in 32 bits")
        return Column.of("date", np.where(gone, 0, raw).astype(np.int32), valid), False
    if unit in ("Y", "M", "W", "D", "h", "m", "s", "ms"):
        limit = np.iinfo(np.int64).max // int(np.timedelta64(1, "D") / np.timedelta64(1, "us"))
        days = values.astype("datetime64[D]").view(np.int64)
        if not (gone | (np.abs(days) < limit)).all():
            raise DataError("a timestamp doesn't fit microseconds in 64 bits")
    us = raw if unit == "us" and count == 1 else values.astype("datetime64[us]").view(np.int64)
    return Column.of("timestamp", us, valid), True


def is_missing(value: Any) -> bool:
    """None, NaN, NaT, pandas' NA."""
    if value is None:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    if isinstance(value, decimal.Decimal):
        return value.is_nan()
    return type(value).__name__ in ("NAType", "NaTType") or (
        type(value).__name__ == "datetime64" and str(value) == "NaT"
    )


def column_from_objects(values: list[Any]) -> tuple[Column, bool]:
    """Make a column of Python objects of one kind."""
    import numpy as np

    values = [None if is_missing(value) else value for value in values]
    kinds = {kind_of(value) for value in values if value is not None}
    valid = np.array([value is not None for value in values], dtype=bool)
    if not kinds:
        return Column.of("float64", np.zeros(len(values)), valid if len(values) else None), False
    if kinds == {"str"}:
        try:
            return Column.of_strings(values), False
        except RuntimeError as error:  # pybind11 says no more than that it can't
            raise DataError(
                "a text has a lone surrogate, which is no character; read it again in its own encoding"
            ) from error

    def filled(zero: Any) -> list[Any]:
        return [zero if value is None else value for value in values]

    if kinds == {"bool"}:
        return Column.of("boolean", np.array(filled(False), dtype=bool), valid), False
    if kinds == {"int"}:
        return Column.of("int64", np.array(filled(0), dtype=np.int64), valid), False
    if kinds <= {"int", "float"}:
        return Column.of("float64", np.array(filled(0.0), dtype=np.float64), valid), False
    if kinds <= {"int", "decimal"}:
        return column_from_decimals(values, valid), False
    if kinds == {"date"}:
        days = [0 if value is None else (value - EPOCH_DAY).days for value in values]
        return Column.of("date", np.array(days, dtype=np.int32), valid), False
    if kinds in ({"naive"}, {"aware"}, {"naive", "date"}):
        us = np.array([0 if value is None else microseconds(value) for value in values], dtype=np.int64)
        return Column.of("timestamp", us, valid), kinds != {"aware"}
    if kinds == {"datetime64"}:
        return column_from_datetimes(np.array(filled(np.datetime64("NaT")), dtype="datetime64[us]"))
    if kinds <= TEXTS.keys():  # no one type: as text, so that the reader of the column judges each cell
        return column_from_objects([None if v is None else TEXTS[kind_of(v)](v) for v in values])
    raise UnreadableError(
        f"it holds {' and '.join(sorted(kinds))} objects, which is no column type; cast it to one kind"
    )


def kind_of(value: Any) -> str:
    """Sort a Python object into the kinds a column can be made of."""
    import numpy as np

    if isinstance(value, str):
        return "str"
    if isinstance(value, bool | np.bool_):
        return "bool"
    if isinstance(value, int | np.integer):
        return "int"
    if isinstance(value, float | np.floating):
        return "float"
    if isinstance(value, decimal.Decimal):
        return "decimal"
    if isinstance(value, dt.datetime):
        return "naive" if value.tzinfo is None else "aware"
    if isinstance(value, dt.date):
        return "date"
    return type(value).__name__


# How a value of each kind reads as text.
TEXTS: dict[str, Callable[[Any], str]] = {
    "str": str,
    "bool": lambda value: str(bool(value)).lower(),
    "int": str,
    "float": lambda value: f"{value:.17g}" if value != float(f"{value:.15g}") else f"{value:.15g}",
    "decimal": lambda value: f"{value:f}",
    "date": dt.date.isoformat,
    "naive": dt.datetime.isoformat,
    "aware": dt.datetime.isoformat,
}


def microseconds(value: dt.datetime | dt.date) -> int:
    """UTC microseconds of a datetime; one without a zone is taken as UTC."""
    if not isinstance(value, dt.datetime):
        return (value - EPOCH_DAY).days * DAY
    aware = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value
    return (aware - EPOCH) // dt.timedelta(microseconds=1)


def check_times(column: Column, name: str) -> None:
    """Refuse a column of times without a time in it: days such as 19970101, numbers of seconds and the like.

    What such digits are only their owner knows, so they are not read; the error says how.
    """
    if column.type == "string":
        first = next(iter(column.dictionary), "")
        if not first or not all(_says_day(text) for text in column.dictionary):
            return
    elif column.type.startswith(("int", "uint", "float")):
        values, valid = column.values(), column.valid()
        if not len(values) or (valid is not None and not valid.any()):
            return
        number = float(values[0 if valid is None else valid.argmax()])
        first = f"{number:.0f}" if math.isfinite(number) else ""
    else:
        return
    if _says_day(first):
        digits = f"frame['{name}']" + ("" if column.type == "string" else ".astype('Int64').astype('string')")
        raise UsageError(
            f"column '{name}' holds days as digits, such as {first}, not dates: make dates of it first, in "
            f"pandas by pd.to_datetime({digits}, format='%Y%m%d'), in Polars by "
            f"pl.col('{name}').cast(pl.String).str.to_date('%Y%m%d')"
        )
    if unit := SINCE_1970.get(len(first)) if first.isdigit() else None:
        raise UsageError(
            f"column '{name}' holds {column.type}, not dates or instants; if they count "
            f"{unit[0]} since 1970, make instants of them first, in pandas by "
            f"pd.to_datetime(frame['{name}'], unit='{unit[1]}')"
        )


def _says_day(text: str) -> bool:
    """Whether eight digits are year, month and day."""
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return False
    try:
        return bool(dt.date(int(text[:4]), int(text[4:6]), int(text[6:])))
    except ValueError:
        return False


def column_from_decimals(values: list[Any], valid: npt.NDArray[np.bool_]) -> Column:
    """Make an exact decimal column with as many digits after the point as the longest value has."""
    import numpy as np

    numbers = [decimal.Decimal(0) if value is None else decimal.Decimal(value) for value in values]
    if not all(number.is_finite() for number in numbers):
        raise UsageError("an infinite decimal is no amount; set it to null")
    scale = max((max(0, -int(number.as_tuple().exponent)) for number in numbers), default=0)
    exact = decimal.Context(prec=200)
    integers = [int(number.scaleb(scale, exact)) for number in numbers]
    if scale > 38 or any(not -(2**127) <= integer < 2**127 for integer in integers):
        raise UsageError("a decimal needs more than 128 bits; round the column")
    halves = [(integer & (2**64 - 1), (integer >> 64) & (2**64 - 1)) for integer in integers]
    return Column.of("decimal", np.array(halves, dtype=np.uint64).reshape(-1, 2), valid, scale)


# ---- out ----


def to_list(column: Column) -> list[Any]:
    """Python values of a column; None for a null. Money is in minor units."""
    valid = column.valid()
    values = python_values(column)
    if valid is None:
        return values
    return [value if ok else None for value, ok in zip(values, valid.tolist(), strict=True)]


def python_values(column: Column) -> list[Any]:
    """Python values with anything under a null."""
    raw = column.values().tolist()
    if column.type == "string":
        entries = column.dictionary
        return [entries[code] if 0 <= code < len(entries) else None for code in raw]
    valid = column.valid()
    if column.type in ("date", "timestamp", "decimal") and valid is not None:
        zero: Any = [0, 0] if column.type == "decimal" else 0
        raw = [value if ok else zero for value, ok in zip(raw, valid.tolist(), strict=True)]
    try:
        if column.type == "date":
            return [EPOCH_DAY + dt.timedelta(days=days) for days in raw]
        if column.type == "timestamp":
            return [EPOCH + dt.timedelta(microseconds=us) for us in raw]
    except OverflowError as error:
        raise DataError("a date or timestamp lies outside the years 1 to 9999 that Python has") from error
    if column.type == "decimal":
        exact = decimal.Context(prec=60)
        return [decimal.Decimal(signed(low, high)).scaleb(-column.scale, exact) for low, high in raw]
    return list(raw)


def signed(low: int, high: int) -> int:
    """Join the halves of a two's complement number of 128 bits."""
    value = (high << 64) | low
    return value - (1 << 128) if high >> 63 else value


def to_numpy(column: Column) -> npt.NDArray[Any]:
    """Make a NumPy array of a column.

    Numbers without nulls come as they lie, without a copy; integers with nulls become float64 with NaN,
    dates and timestamps datetime64 (UTC) with NaT; strings, decimals, and booleans with nulls are objects.
    """
    import numpy as np

    valid = column.valid()
    values = column.values()
    if column.type in ("date", "timestamp"):
        stamps = values.astype(np.int64).view("datetime64[D]" if column.type == "date" else "datetime64[us]")
        return stamps if valid is None else np.where(valid, stamps, np.datetime64("NaT"))
    if column.type == "string":
        entries: npt.NDArray[Any] = np.array([*column.dictionary, None], dtype=object)
        return np.take(entries, values if valid is None else np.where(valid, values, len(entries) - 1))
    if column.type == "decimal" or (column.type == "boolean" and valid is not None):
        objects = np.empty(len(column), dtype=object)
        objects[:] = to_list(column)
        return objects
    if valid is None:
        return values
    numbers: npt.NDArray[Any] = values.astype(np.float32 if column.type == "float32" else np.float64)
    numbers[~valid] = np.nan
    return numbers
