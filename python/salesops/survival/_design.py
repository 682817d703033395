"""Columns of a frame as the numbers of a regression: text as categories beside a named reference."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from salesops import _frame
from salesops._columns import is_from, is_missing, to_numpy
from salesops._core.error import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops._core.table import Column, Table

MOST_CATEGORIES = 200
TOKEN = re.compile(r"\s*(?:(C)\s*\(\s*(?:`([^`]+)`|([^\W\d]\w*))\s*\)|`([^`]+)`|([^\W\d]\w*)|([+:*.]))")

Columns = list[tuple[str, "npt.NDArray[np.float64]"]]


def parse(formula: str) -> tuple[list[list[str]], set[str]]:
    """Read ``a + b:c + C(d)``: the columns of each term, and those to take as categories.

    ``a*b`` is ``a + b + a:b``; names that are no plain words stand in backquotes; ``.`` is all other columns.
    """
    terms: list[list[list[str]]] = [[[]]]  # term, its alternatives under *, the columns of each
    categories: set[str] = set()
    place, wants = 0, True
    text = formula.rstrip()
    while place < len(text):
        found = TOKEN.match(text, place)
        if found is None or (found[6] in ("+", ":", "*")) == wants:
            raise UsageError(f"formula: can't read {text[place:].strip()!r}; write a + b + a:b + C(c)")
        place = found.end()
        sign = found[6]
        if sign in ("+", ":", "*"):
            wants = True
            if sign == "+":
                terms.append([[]])
            elif sign == "*":
                terms[-1].append([])
            continue
        name = found[2] or found[3] or found[4] or found[5] or "."
        if found[1]:
            categories.add(name)
        terms[-1][-1].append(name)
        wants = False
    if wants:
        raise UsageError("formula: it ends where a column is due; write a + b + a:b + C(c)")
    made: list[list[str]] = []
    for alternatives in terms:
        for count in range(1, len(alternatives) + 1):
            for chosen in itertools.combinations(alternatives, count):
                term = [name for part in chosen for name in part]
                if term not in made and (len(alternatives) > 1 or count == 1):
                    made.append(term)
    return made, categories


@dataclass
class Design:
    """What a fit read of a frame.

    `levels` are the categories of a column, the reference first: the others are compared with it. None where
    the column holds numbers.
    """

    terms: list[list[str]]
    levels: dict[str, list[Any] | None]

    @classmethod
    def learn(
        cls,
        frame: Any,
        formula: str | None,
        others: Sequence[str],
        reference: Mapping[str, Any] | None = None,
    ) -> tuple[Self, Columns]:
        """Find the terms and the categories, and read the columns; `others` are not covariates."""
        asked, categories = ([["."]], set()) if formula is None else parse(formula)
        if any("." in term for term in asked):
            names = [name for name in _frame.names_of(frame) if name not in others]
            named = {name for term in asked for name in term}
            rest = [[name] for name in names if name not in named]
            asked = [made for term in asked for made in (rest if term == ["."] else [term])]
        if any("." in term for term in asked):
            raise UsageError("formula: '.' stands alone in a term")
        wanted = list(dict.fromkeys(name for term in asked for name in term))
        if not wanted:
            raise UsageError("covariates: no column is left beside " + ", ".join(others))
        table = _frame.to_core(frame, wanted)
        if reference is not None and not isinstance(reference, Mapping):
            raise UsageError(f"reference: give the category by column, such as {{'plan': {reference!r}}}")
        references = dict(reference or {})
        levels = {
            name: levels_of(
                name,
                table.column(name),
                name in categories or name in references,
                declared(frame, name, table.column(name)),
            )
            for name in wanted
        }
        for name, level in references.items():
            if name not in levels:
                raise UsageError(f"reference: '{name}' is no covariate; there are {', '.join(levels)}")
            known = levels[name]
            if known is None or level not in known:
                raise UsageError(
                    f"reference: column '{name}' has no category {level!r}"
                    + ("" if known is None else f"; there are {', '.join(map(str, known))}")
                )
            levels[name] = [level, *(one for one in known if one != level)]
        design = cls(asked, levels)
        return design, design.columns(table)

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Self:
        """Make it of what `state` gave."""
        return cls(**state)

    def state(self) -> dict[str, Any]:
        """Plain lists, for JSON."""
        return asdict(self)

    @property
    def references(self) -> dict[str, Any]:
        """The category that the others of a column are compared with."""
        return {name: levels[0] for name, levels in self.levels.items() if levels is not None}

    def read(self, frame: Any) -> Columns:
        """Read the columns of new rows, coded as in the fit."""
        return self.columns(_frame.to_core(frame, list(self.levels)))

    def columns(self, table: Table) -> Columns:
        """Numbers of each row by name: a column, ``column=category``, or a product ``a:b``."""
        import numpy as np

        single: dict[str, Columns] = {}
        for name, levels in self.levels.items():
            if levels is None:
                single[name] = [(name, numeric(name, table.column(name)))]
                continue
            codes = codes_of(name, table.column(name), levels)
            single[name] = [
                (f"{name}={level}", np.asarray(codes == i + 1, dtype=np.float64))
                for i, level in enumerate(levels[1:])
            ]
        found: Columns = []
        for term in self.terms:
            for chosen in itertools.product(*(single[name] for name in term)):
                name = ":".join(part for part, _ in chosen)
                values = chosen[0][1]
                for _, more in chosen[1:]:
                    values = values * more
                found.append((name, values))
        return found


def refuse(name: str, wrong: npt.NDArray[np.bool_], what: str) -> None:
    """Raise with how many rows are wrong, and the first."""
    import numpy as np

    if wrong.any():
        raise UsageError(
            f"column '{name}': {int(wrong.sum())} of {len(wrong)} rows {what} (first: row "
            f"{int(np.flatnonzero(wrong)[0])}); correct or drop them"
        )


class Chosen(dict[str, Any]):
    """Arrays of some rows of a frame; `orders` are the categories in the order that the frame declares."""

    def __init__(self, columns: Mapping[str, Any], orders: Mapping[str, list[Any] | None]) -> None:
        super().__init__(columns)
        self.orders = orders


def declared(frame: Any, name: str, column: Column) -> list[Any] | None:
    """Categories as a pandas Categorical, Polars Enum or ordered Arrow dictionary puts them in order."""
    if isinstance(frame, Chosen):
        return frame.orders.get(name)
    if is_from(frame, "pyarrow"):
        ordered = getattr(frame.schema.field(name).type, "ordered", False) and column.type == "string"
        return list(column.dictionary) if ordered else None
    if is_from(frame, "polars"):
        kind = frame.collect_schema()[name]
    elif (isinstance(frame, Mapping) or is_from(frame, "pandas")) and name in frame:
        kind = getattr(frame[name], "dtype", None)
    else:
        return None
    return list(kind.categories) if type(kind).__name__ in ("CategoricalDtype", "Enum") else None


def levels_of(
    name: str, column: Column, as_categories: bool, order: Sequence[Any] | None = None
) -> list[Any] | None:
    """Categories of a column that occur, in `order` or sorted; None for one of numbers."""
    if column.type in ("date", "timestamp"):
        raise UsageError(f"column '{name}' holds {column.type}s; make a number of it, such as an age in days")
    if column.type != "string" and not as_categories and order is None:
        return None
    values = to_numpy(column).tolist() if column.type != "string" else texts_of(column)
    found = {value for value in values if not is_missing(value)}
    levels = sorted(found) if order is None else [level for level in order if level in found]
    if len(levels) > MOST_CATEGORIES:
        raise UsageError(
            f"column '{name}' has {len(levels):,} categories; leave it out, or merge the rare ones"
        )
    if len(levels) < 2:
        raise UsageError(f"column '{name}' has one value in all rows, so it tells nothing: leave it out")
    return levels


def texts_of(column: Column) -> list[str]:
    """The entries of a column of text that occur."""
    import numpy as np

    valid = column.valid()
    codes = column.values() if valid is None else column.values()[valid]
    entries = column.dictionary
    return [entries[code] for code in np.unique(codes).tolist()]


def codes_of(name: str, column: Column, levels: Sequence[Any]) -> npt.NDArray[np.int64]:
    """Place of each row's category among `levels`."""
    import numpy as np

    place = {level: i for i, level in enumerate(levels)}
    if column.type == "string":
        valid = column.valid()
        refuse(name, np.zeros(0, bool) if valid is None else ~valid, "are null")
        of_entry = np.array([place.get(entry, -1) for entry in column.dictionary], dtype=np.int64)
        codes: npt.NDArray[np.int64] = of_entry[column.values()]
    else:
        values = to_numpy(column).tolist()
        refuse(name, np.array([is_missing(value) for value in values], dtype=bool), "are null")
        codes = np.array([place.get(value, -1) for value in values], dtype=np.int64)
    refuse(name, codes < 0, "hold a category that the fit did not see")
    return codes


def numeric(name: str, column: Column) -> npt.NDArray[np.float64]:
    """Numbers of every row, none of them missing."""
    import numpy as np

    valid = column.valid()
    if valid is not None:
        refuse(name, ~valid, "are null")
    if column.type == "string":
        raise UsageError(f"column '{name}' holds text where the fit saw numbers")
    return np.ascontiguousarray(to_numpy(column), dtype=np.float64)


def covariates_of(
    values: Any, rows: int, formula: str | None, reference: Mapping[str, Any] | None
) -> tuple[Design | None, Columns]:
    """Covariates beside arrays of durations: a frame, or an array of rows × columns (x0, x1, …)."""
    import numpy as np

    if values is None:
        return None, []
    if isinstance(values, np.ndarray | list | tuple):
        array = np.asarray(values, dtype=np.float64, order="F")  # columns that lie in one piece
        if array.ndim != 2:
            raise UsageError(f"covariates must be rows × columns, not {array.ndim} dimensions")
        values = {f"x{j}": array[:, j] for j in range(array.shape[1])}
    design, columns = Design.learn(values, formula, (), reference)
    if columns and len(columns[0][1]) != rows:
        raise UsageError(f"covariates has {len(columns[0][1])} rows, durations has {rows}")
    return design, columns


def stacked(columns: Columns) -> npt.NDArray[np.float64]:
    """Row by row, as predictions take them."""
    import numpy as np

    return np.ascontiguousarray(np.column_stack([values for _, values in columns]))


def new_rows(design: Design | None, data: Any) -> npt.NDArray[np.float64]:
    """Read rows to predict for, in any of the ways of `as_frame`."""
    if design is None:
        raise UsageError("the model has no columns to predict from")
    return stacked(design.read(as_frame(design, data)))


def as_frame(design: Design, data: Any) -> Any:
    """Rows to predict for as a frame or a dict of columns.

    They come as a frame; as a dict of columns, in which a single value stands for all rows; as dicts, a row
    each; as an array or lists of rows × columns in the order of the fit; of a single column as its values.
    """
    import numpy as np

    names = list(design.levels)
    if isinstance(data, Mapping):
        return repeated(data)
    if isinstance(data, np.ndarray) and data.ndim == 2 and data.shape[1] == len(names):
        return dict(zip(names, data.T, strict=True))
    if len(getattr(data, "shape", ())) == 1:  # an array or a series
        data = np.asarray(data).tolist()
    if data is None or isinstance(data, bool | int | float | np.generic | np.ndarray):
        raise rows_needed(names, data)
    if not isinstance(data, list | tuple):
        return data
    if data and all(isinstance(row, Mapping) for row in data):
        for place, row in enumerate(data):
            missing = [name for name in data[0] if name not in row]
            if missing:
                raise UsageError(f"data: row {place} has no '{missing[0]}'")
        return {name: [row[name] for row in data] for name in data[0]}
    nested = [isinstance(row, list | tuple | np.ndarray) for row in data]
    if data and not any(nested) and len(names) == 1:
        return {names[0]: list(data)}
    if not data or not all(nested) or any(len(row) != len(names) for row in data):
        raise rows_needed(names, data)
    return {name: [row[place] for row in data] for place, name in enumerate(names)}


def repeated(columns: Mapping[str, Any]) -> Mapping[str, Any]:
    """Columns of one length: a single value stands for all rows."""
    alone = {
        name for name, values in columns.items() if isinstance(values, str) or not hasattr(values, "__len__")
    }
    rows = max((len(values) for name, values in columns.items() if name not in alone), default=1)
    return {name: [values] * rows if name in alone else values for name, values in columns.items()}


def rows_needed(names: Sequence[str], data: Any) -> UsageError:
    """The error that says how to give rows to predict for."""
    listed = ", ".join(f"'{name}': […]" for name in names[:5]) + (", …" if len(names) > 5 else "")
    rows = "a list of values" if len(names) == 1 else f"a list of rows, each a list of {len(names)} values"
    return UsageError(
        f"data: need rows: a frame with the columns of the fit, a dict {{{listed}}} or {rows}; "
        f"the {type(data).__name__} given is none of them"
    )
