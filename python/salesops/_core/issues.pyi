"""
Rows that did not fit, with the rule they broke (salesops/issues.hpp).
"""

from __future__ import annotations
import salesops._core.table
import typing

__all__: list[str] = ["Issues"]

class Issues:
    """
    What was wrong with the rows; counts are exact, rows are capped.
    """
    def __init__(self) -> None: ...
    def __len__(self) -> int: ...
    def __repr__(self) -> str: ...
    def _repr_html_(self) -> typing.Any: ...
    def add(
        self,
        table: str,
        row: typing.SupportsInt | typing.SupportsIndex,
        column: str,
        rule: str,
        n: typing.SupportsInt | typing.SupportsIndex = 1,
    ) -> None: ...
    def count(self, rule: str) -> int: ...
    def merge(self, other: Issues) -> None: ...
    def summary(self) -> salesops._core.table.Table: ...
    def to_frame(self, kind: str | None = None) -> typing.Any:
        """
        One row an issue kept, as a pandas (default, if installed), ``"polars"`` or ``"pyarrow"`` frame.
        """
    def to_table(self) -> salesops._core.table.Table: ...
    @property
    def total(self) -> int: ...
