"""
Immutable typed columns and tables (salesops/table.hpp).
"""

from __future__ import annotations
import collections.abc
import numpy
import typing

__all__: list[str] = ["Column", "Table"]

class Column:
    """
    An immutable typed column.
    """
    @staticmethod
    def of(
        type: str,
        values: numpy.ndarray,
        valid: typing.Any = None,
        scale: typing.SupportsInt | typing.SupportsIndex = 0,
        currency: str = "",
    ) -> Column:
        """
        From a NumPy array in the type's layout, borrowed when it has it already.
        """
    @staticmethod
    def of_codes(
        codes: numpy.ndarray, valid: typing.Any, dictionary: collections.abc.Sequence[str]
    ) -> Column:
        """
        Strings from int32 codes into distinct strings.
        """
    @staticmethod
    def of_strings(values: collections.abc.Iterable[str | None]) -> Column:
        """
        From strings and None.
        """
    def __getstate__(self) -> bytes: ...
    def __len__(self) -> int: ...
    def __setstate__(self, arg0: bytes) -> None: ...
    def to_list(self) -> typing.Any:
        """
        Python values; None for a null.
        """
    def to_numpy(self) -> typing.Any:
        """
        A NumPy array; a null is NaN, NaT or None, as the type has it.
        """
    def valid(self) -> typing.Any:
        """
        One bool a row, or None when no row is null.
        """
    def values(self) -> numpy.ndarray:
        """
        The memory as a read-only NumPy array, without a copy.
        """
    @property
    def currency(self) -> str: ...
    @property
    def dictionary(self) -> list[str]:
        """
        The distinct strings behind the codes.
        """
    @property
    def null_count(self) -> int: ...
    @property
    def scale(self) -> int: ...
    @property
    def type(self) -> str: ...

class Table:
    """
    Columns of one length under distinct names; immutable.
    """
    @staticmethod
    def empty(rows: typing.SupportsInt | typing.SupportsIndex) -> Table:
        """
        Rows without columns.
        """
    @staticmethod
    def from_arrow(data: typing.Any, columns: collections.abc.Sequence[str] | None = None) -> Table:
        """
        The table of anything with ``__arrow_c_stream__``; borrows what it can.
        """
    @staticmethod
    def from_columns(data: typing.Any) -> typing.Any:
        """
        From a mapping of names to NumPy arrays or lists.
        """
    def __arrow_c_stream__(
        self, requested_schema: typing.Any = None, *, money: str = "float64", strings: str = "text"
    ) -> typing.Any:
        """
        One batch as a capsule; the requested schema is not looked at.
        """
    def __getstate__(self) -> bytes: ...
    def __init__(self, columns: collections.abc.Sequence[tuple[str, Column]]) -> None: ...
    def __len__(self) -> int: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, arg0: bytes) -> None: ...
    def _repr_html_(self) -> typing.Any: ...
    def column(self, name: str) -> Column:
        """
        The column so named; an error lists those there are.
        """
    def has(self, name: str) -> bool: ...
    def select(self, names: collections.abc.Sequence[str]) -> Table: ...
    def slice(
        self,
        start: typing.SupportsInt | typing.SupportsIndex,
        length: typing.SupportsInt | typing.SupportsIndex,
    ) -> Table: ...
    def to_arrow(self, *, money: str = "float64", strings: str = "text") -> typing.Any:
        """
        A PyArrow table; ``money='decimal'`` keeps amounts exact.
        """
    def to_dict(self, *, money: str = "float64") -> typing.Any:
        """
        Python lists by column name; None for a null.
        """
    def to_frame(self, kind: str | None = None) -> typing.Any:
        """
        A pandas (default, if installed), ``"polars"`` or ``"pyarrow"`` frame.
        """
    def to_pandas(self, *, money: str = "float64") -> typing.Any:
        """
        A pandas DataFrame; ``money='decimal'`` keeps amounts exact.
        """
    def to_polars(self, *, money: str = "float64", strings: str = "text") -> typing.Any:
        """
        A Polars DataFrame; ``money='decimal'`` keeps amounts exact.
        """
    def to_text(self, max_rows: typing.SupportsInt | typing.SupportsIndex = 20) -> str: ...
    def with_column(self, name: str, column: Column) -> Table: ...
    @property
    def names(self) -> list[str]: ...
    @property
    def num_columns(self) -> int: ...
    @property
    def num_rows(self) -> int: ...
