"""Comma-separated files to tables and back: strict, fast, with an issue for each cell that didn't fit."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping, Sequence
from typing import IO, Any, Literal

from salesops import _frame
from salesops._arguments import checked
from salesops._core import csv as _csv
from salesops._core.csv import Result
from salesops._core.error import UsageError
from salesops._names import listing
from salesops._progress import Wanted, shown

__all__ = ["Result", "format", "read", "write"]
__dir__ = listing(__name__)

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[Any]


@checked
def read(
    source: Source,
    *,
    types: Mapping[str, str] | None = None,
    infer: bool = True,
    delimiter: str | None = ",",
    header: bool = True,
    encoding: Literal["utf8", "latin1"] = "utf8",
    null_texts: Sequence[str] = ("",),
    on_ragged: Literal["error", "issue"] = "error",
    on_quote: Literal["error", "keep"] = "error",
    strip_guard: bool = False,
    name: str = "",
    limits: Mapping[str, int] | None = None,
    threads: int = 0,
    progress: Wanted = None,
) -> Result:
    r"""Read a CSV file (RFC 4180, plain or gzip) into a typed table.

    A file that breaks the format raises `DataError` with line and column; a cell that doesn't fit the
    type asked of its column becomes null and a row of ``.issues``.

    Parameters
    ----------
    source
        A path, the bytes themselves, or a file object.
    types
        Types by column name: ``"string"``, ``"int64"`` (and the other widths), ``"float64"``,
        ``"boolean"``, ``"date"``, ``"timestamp"``, ``"decimal[4]"`` (digits after the point), ``"money"`` or
        ``"money[EUR]"``. The others are inferred from all rows.
    infer
        False reads the columns not named in `types` as strings.
    delimiter
        One character; None finds the one of comma, semicolon, tab and bar that fits.
    header
        False names the columns ``column_1``, ``column_2``, …
    encoding
        ``"utf8"`` (checked) or ``"latin1"``.
    null_texts
        Unquoted fields that are null.
    on_ragged
        ``"issue"`` keeps lines with too few or too many fields, padded or cut.
    on_quote
        ``"keep"`` takes a quote inside an unquoted field as a character.
    strip_guard
        Take off the apostrophe that `write` puts before formulas.
    name
        The table's name in issues; by default the file's stem.
    limits
        ``max_bytes``, ``max_gzip_ratio``, ``gzip_ratio_floor``, ``max_columns``, ``max_field_bytes``.
    threads
        0 uses the CPUs this process may use; the table is the same for any number.
    progress
        Called now and then with the share done, 0 to 1. None shows a bar when the work is long and standard
        error is a terminal or a notebook; False shows none.

    Examples
    --------
    >>> import salesops as so
    >>> result = so.csv.read(b"deal,amount\nA-1,12.50\nA-2,soon\n", types={"amount": "float64"})
    >>> result.table.to_dict()
    {'deal': ['A-1', 'A-2'], 'amount': [12.5, None]}
    >>> result.issues.count("not_a_number")
    1
    """
    options = _csv.Options()
    options.delimiter = "\0" if delimiter is None else one_character(delimiter)
    options.header = header
    options.encoding = member(_csv.Encoding, "encoding", encoding)
    options.null_texts = list(null_texts)
    options.types = {column: column_type(column, text) for column, text in (types or {}).items()}
    options.infer = infer
    options.on_ragged = member(_csv.OnRagged, "on_ragged", on_ragged)
    options.on_quote = member(_csv.OnQuote, "on_quote", on_quote)
    options.strip_guard = strip_guard
    options.name = name
    options.limits = limits_of(limits or {})
    options.threads = threads
    with shown(progress, "reading") as tell:
        if isinstance(source, str | os.PathLike):
            return _csv.read(os.fsencode(source), options, tell)
        if not isinstance(source, bytes | bytearray | memoryview) and not hasattr(source, "read"):
            raise UsageError(f"source: need a path, bytes or a file object, not {type(source).__name__}")
        data: Any = source if isinstance(source, bytes | bytearray | memoryview) else source.read()
        return _csv.parse(data.encode() if isinstance(data, str) else data, options, tell)


@checked
def write(
    frame: Any,
    target: str | os.PathLike[str] | IO[Any],
    *,
    delimiter: str = ",",
    header: bool = True,
    guard: bool = True,
    crlf: bool = False,
    threads: int = 0,
    progress: Wanted = None,
) -> None:
    r"""Write any dataframe as CSV; a file takes its name only once it is whole.

    Parameters
    ----------
    frame
        Any dataframe, a dict of arrays or a `Table`.
    target
        A path, or a file object opened for text or bytes.
    delimiter, header
        As for `read`.
    guard
        Put an apostrophe before texts that a spreadsheet would run as a formula (those that begin with
        ``= + - @``, tab or a line end). Numbers stay as they are.
    crlf
        End lines with CRLF instead of LF.
    threads, progress
        As for `read`.

    Examples
    --------
    >>> import io
    >>> import salesops as so
    >>> text = io.StringIO()
    >>> so.csv.write({"note": ["=1+1", "fine"], "amount": [-5.0, 7.25]}, text)
    >>> text.getvalue()
    "note,amount\n'=1+1,-5.0\nfine,7.25\n"
    """
    table = _frame.to_core(frame)
    options = write_options(delimiter, header, guard, crlf, threads)
    if not isinstance(target, str | os.PathLike) and not hasattr(target, "write"):
        raise UsageError(f"target: need a path or a file object, not {type(target).__name__}")
    with shown(progress, "writing") as tell:
        if isinstance(target, str | os.PathLike):
            _csv.write(table, os.fsencode(target), options, tell)
            return
        text = _csv.format(table, options, tell)
    target.write(text if isinstance(target, io.TextIOBase) else text.encode())


@checked
def format(
    frame: Any, *, delimiter: str = ",", header: bool = True, guard: bool = True, crlf: bool = False
) -> str:
    r"""Make the CSV text of any dataframe, as `write` does.

    Examples
    --------
    >>> import salesops as so
    >>> so.csv.format({"deal": ["A-1"], "amount": [12.5]})
    'deal,amount\nA-1,12.5\n'
    """
    return _csv.format(_frame.to_core(frame), write_options(delimiter, header, guard, crlf, 0), None)


def write_options(delimiter: str, header: bool, guard: bool, crlf: bool, threads: int) -> _csv.WriteOptions:
    """Make the core's options."""
    options = _csv.WriteOptions()
    options.delimiter = one_character(delimiter)
    options.header, options.guard, options.crlf, options.threads = header, guard, crlf, threads
    return options


def one_character(delimiter: str) -> str:
    """Check what the core's `char` can't."""
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter == "\0":
        raise UsageError(f"delimiter must be one ASCII character, not {delimiter!r}")
    return delimiter


def member(kind: Any, option: str, text: str) -> Any:
    """Find the enum value so named."""
    if not isinstance(text, str) or text not in kind.__members__:
        raise UsageError(f"{option} must be one of {', '.join(kind.__members__)}, not {text!r}")
    return kind.__members__[text]


def column_type(column: str, text: str) -> _csv.ColumnType:
    """Read ``"int64"``, ``"decimal[4]"`` or ``"money[EUR]"``."""
    found = re.fullmatch(r"(\w+)(?:\[(\w+)\])?", text)
    kind, argument = (found[1], found[2]) if found else (text, None)
    if argument is None:
        return _csv.ColumnType(kind)
    if kind == "decimal" and argument.isdecimal():
        return _csv.ColumnType(kind, scale=int(argument))
    if kind == "money" and argument.isalpha():
        return _csv.ColumnType(kind, currency=argument)
    raise UsageError(f"column '{column}': no column type {text!r}; write decimal[4] or money[EUR]")


def limits_of(values: Mapping[str, int]) -> _csv.Limits:
    """Make the core's limits."""
    limits = _csv.Limits()
    for option, value in values.items():
        if not hasattr(limits, option):
            known = ", ".join(name for name in dir(limits) if not name.startswith("_"))
            raise UsageError(f"no limit '{option}'; there are {known}")
        setattr(limits, option, value)
    return limits
