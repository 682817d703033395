"""Durations, events and the rest out of arrays or out of the columns of any frame."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._columns import is_from, is_missing, to_numpy
from salesops._core.error import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def numbers(values: Any, argument: str) -> npt.NDArray[np.float64]:
    """Make a contiguous array of numbers; timedeltas become days, nulls NaN (which the core refuses)."""
    import numpy as np

    if values is None:
        return np.empty(0)
    array = np.asarray(values)
    if array.ndim != 1:
        raise UsageError(f"{argument} must be one column, not {array.ndim} dimensions")
    if array.dtype.kind == "O" and all(
        isinstance(one, dt.timedelta | np.timedelta64) or is_missing(one) for one in array
    ):
        array = np.array([None if is_missing(one) else one for one in array], dtype="timedelta64[us]")
    if array.dtype.kind == "m" and np.datetime_data(array.dtype)[0] in "MY":
        raise UsageError(
            f"{argument}: months and years differ in days; give days, or months as plain numbers"
        )
    if array.dtype.kind == "m":
        array = np.where(np.isnat(array), np.nan, array / np.timedelta64(1, "D"))
    if array.dtype.kind == "U":
        array = np.asarray(values, dtype=object)  # of numbers and texts NumPy makes texts
        wrong = np.array([isinstance(value, str) for value in array], dtype=bool)
    elif array.dtype.kind not in "biufO":
        raise UsageError(f"{argument} must be numbers or timedeltas, not {array.dtype}")
    else:
        try:
            return np.ascontiguousarray(array, dtype=np.float64)
        except (TypeError, ValueError):
            wrong = np.array([not _is_number(value) for value in array], dtype=bool)
    first = int(np.argmax(wrong))
    raise UsageError(
        f"{argument} must be numbers or timedeltas: {int(wrong.sum())} of {len(wrong)} rows are not "
        f"(first: row {first}, {array[first]!r}); correct or drop them"
    )


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def flags(values: Any, argument: str = "events") -> npt.NDArray[np.uint8]:
    """Make event flags of booleans or of 0 and 1."""
    import numpy as np

    told = np.asarray(values)
    if told.ndim == 1 and told.dtype == np.bool_:
        return np.ascontiguousarray(told).view(np.uint8)
    if (
        told.ndim == 1
        and told.dtype.kind in "OU"
        and len(told)
        and all(isinstance(value, str) for value in told.tolist())
    ):
        first = sorted(set(told.tolist()))[-1]
        raise UsageError(
            f"{argument}: these are texts such as {first!r}; say of each row whether the event happened: "
            f"column == {first!r}; or use AalenJohansen for several outcomes"
        )
    array = numbers(values, argument)
    wrong = ~((array == 0) | (array == 1))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise UsageError(
            f"{argument}: {int(wrong.sum())} of {len(array)} rows are neither 0 nor 1 (first: row {first}); "
            "use 1 for an event and 0 for censored, or AalenJohansen for several outcomes"
        )
    return array.astype(np.uint8)


def labels(values: Any, argument: str) -> list[Any]:
    """Make a list of labels; NaN and pandas' NA are None."""
    import numpy as np

    array = np.asarray(values)
    if array.ndim != 1:
        raise UsageError(f"{argument} must be one column, not {array.ndim} dimensions")
    return [None if is_missing(value) else value for value in array.tolist()]


def ordered(found: Iterable[Any], argument: str) -> list[Any]:
    """Sort labels of one kind."""
    try:
        return sorted(set(found))
    except TypeError as error:
        raise UsageError(f"{argument} holds labels of several kinds; use one") from error


def coded(values: Any, argument: str) -> tuple[list[Any], npt.NDArray[np.uint32]]:
    """Sort the labels of a column, none of them null, and give each row its code."""
    import numpy as np

    array = np.asarray(values)
    if array.ndim == 1 and array.dtype.kind in "iub":
        found, place = np.unique(array, return_inverse=True)
        return found.tolist(), place.astype(np.uint32)
    listed = labels(array, argument)
    if None in listed:
        raise UsageError(
            f"{argument}: {listed.count(None)} of {len(listed)} rows are null (first: row "
            f"{listed.index(None)}); correct or drop them"
        )
    names = ordered(listed, argument)
    code = {label: i for i, label in enumerate(names)}
    return names, np.array([code[label] for label in listed], dtype=np.uint32)


def outcomes(
    values: Any, censored: Any, known: Sequence[Any] | None = None
) -> tuple[list[Any], npt.NDArray[np.uint8]]:
    """Sort the outcomes in a column of labels, and give each row its code; 0 = censored.

    `known` are all the outcomes there can be, in their order: any other label but `censored` is refused.
    """
    import numpy as np

    array = np.asarray(values)
    if array.ndim == 1 and array.dtype.kind in "iu":
        found, place = np.unique(array, return_inverse=True)
        listed: list[Any] = found.tolist()
    else:
        listed = labels(values, "events")
        place = None
    causes = ordered((e for e in listed if e is not None and e != censored), "events")
    if known is not None:
        causes = _listed(known, causes, censored)
        listed = [e if e in causes else None for e in listed]
        censored = None
    told = censored is None or isinstance(censored, str) or None in listed
    if causes and isinstance(causes[0], str) and not told:
        named = ", ".join(map(repr, causes[:5])) + (", …" if len(causes) > 5 else "")
        raise UsageError(
            f"events: of the labels {named} say which means 'not ended yet': censored=…; "
            "censored=None where all have ended"
        )
    if listed and censored is not None and not told_by_default(censored, listed):
        named = ", ".join(map(repr, causes[:5])) + (", …" if len(causes) > 5 else "")
        raise UsageError(
            f"events: no row has the label {censored!r} that is to mean 'not ended yet'; there are {named}; "
            "censored=None where all have ended, or list the outcomes that there can be (causes=…)"
        )
    if len(causes) > 255:
        raise UsageError(f"events holds {len(causes)} outcomes; at most 255 can compete")
    code = {label: i + 1 for i, label in enumerate(causes)}
    codes = np.array([code.get(e, 0) for e in listed], dtype=np.uint8)
    return causes, codes if place is None else codes[place]


def _listed(known: Sequence[Any], found: Sequence[Any], censored: Any) -> list[Any]:
    """The outcomes that there can be; refuses rows that have another."""
    if isinstance(known, str) or not isinstance(known, Sequence) or not known:
        raise UsageError("causes: list the outcomes that there can be, such as ['won', 'lost']")
    causes = list(dict.fromkeys(known))
    if censored in causes:
        raise UsageError(f"causes: {censored!r} means 'not ended yet' (censored=…), so it is no outcome")
    other = [label for label in found if label not in causes]
    if other:
        named = ", ".join(map(repr, other[:5])) + (", …" if len(other) > 5 else "")
        raise UsageError(
            f"events: rows have the label {named}, which is neither {censored!r} (censored=…) nor one of "
            f"causes: {', '.join(map(repr, causes))}"
        )
    return causes


def told_by_default(censored: Any, listed: Sequence[Any]) -> bool:
    """Whether rows that haven't ended are told, or the label is the default, 0, which all may lack."""
    return (censored == 0 and not isinstance(censored, str)) or censored in listed or None in listed


def choose(kind: Any, name: Any, argument: str) -> Any:
    """Find the option called `name`."""
    if not isinstance(name, str) or name not in kind.__members__:
        raise UsageError(f"{argument} must be one of {', '.join(kind.__members__)}; not {name!r}")
    return kind.__members__[name]


# ---- columns of a frame ----

# How frames call lengths of time.
OF_LENGTHS = ("timedelta", "duration", "interval")


def column(frame: Any, name: Any) -> Any:
    """One column of any frame as a NumPy array; lengths of time as timedeltas."""
    import narwhals as nw

    if not isinstance(name, str):
        raise UsageError(f"a column is named by its text, not by {type(name).__name__}")
    frame = nw.to_native(frame, pass_through=True)
    if isinstance(frame, Mapping):
        if name not in frame:
            raise UsageError(f"no column '{name}'. The columns are: {' '.join(map(str, frame))}")
        return frame[name]
    if is_from(frame, "polars") and hasattr(frame, "collect"):
        frame = frame.select(name).collect()
    found = lengths(frame, name)
    return to_numpy(_frame.to_core(frame, [name]).column(name)) if found is None else found


def lengths(frame: Any, name: str) -> Any:
    """A column of lengths of time as timedeltas; None for any other."""
    import numpy as np

    if name not in getattr(frame, "columns" if not is_from(frame, "pyarrow") else "column_names", ()):
        return None
    if is_from(frame, "pyarrow"):
        kind, values = str(frame.schema.field(name).type), frame.column
    elif is_from(frame, "duckdb"):
        only = frame.project('"' + name.replace('"', '""') + '"')
        kind, values = (
            str(only.types[0]),
            lambda name: np.ma.filled(only.fetchnumpy()[name], np.timedelta64("NaT")),
        )
    else:
        kind, values = str(getattr(frame[name], "dtype", "")), frame.__getitem__
    return np.asarray(values(name)) if kind.lower().startswith(OF_LENGTHS) else None


# How the core calls what the caller has named a column.
CALLED = re.compile(r"^(durations|lower|upper|events|groups|entry|weights|cluster|strata)\b")


@contextlib.contextmanager
def named(columns: Mapping[str, Any]) -> Iterator[None]:
    """Let errors about an argument call it by the column that it came from."""
    try:
        yield
    except UsageError as error:
        text = str(error)
        found = CALLED.match(text)
        if found is None or columns.get(found[1]) is None:
            raise
        raise UsageError(f"column '{columns[found[1]]}'{text[found.end() :]}") from error


def given(
    data: Any, arguments: Mapping[str, Any], columns: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values by argument, out of arrays or out of the columns of the frame `data`.

    Parameters
    ----------
    data
        The frame, or the durations.
    arguments
        What was given as arrays.
    columns
        Column by argument; None where there is none. Any of them makes `data` a frame.

    Returns
    -------
    tuple
        The values, and the columns by argument (none for arrays).
    """
    wanted = {argument: name for argument, name in columns.items() if name is not None}
    if not wanted and (
        isinstance(data, Mapping) or hasattr(data, "columns") or hasattr(data, "column_names")
    ):
        raise UsageError(
            "durations: this is a frame, so say which of its columns count: duration_col='…', event_col='…'"
        )
    if not wanted:
        return {"durations": data, **arguments}, {}
    if "durations" not in wanted:
        raise UsageError("duration_col: name the column of the durations")
    both = [argument for argument, value in arguments.items() if value is not None]
    if both:
        word = {"events": "event", "groups": "group", "clusters": "cluster"}.get(both[0], both[0])
        raise UsageError(f"{both[0]}: with a frame, name its column ({word}_col=) instead of giving arrays")
    return {argument: column(data, name) for argument, name in wanted.items()}, wanted
