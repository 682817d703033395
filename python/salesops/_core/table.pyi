"""
Immutable typed columns and tables (salesops/table.hpp).
"""

from __future__ import annotations
import collections.abc
import typing

__all__: list[str] = ["Table"]

class Table:
    """
    Columns of one length under distinct names; immutable.
    """
    def __len__(self) -> int: ...
    def __repr__(self) -> str: ...
    def has(self, name: str) -> bool: ...
    def select(self, names: collections.abc.Sequence[str]) -> Table: ...
    def slice(
        self,
        start: typing.SupportsInt | typing.SupportsIndex,
        length: typing.SupportsInt | typing.SupportsIndex,
    ) -> Table: ...
    def to_text(self, max_rows: typing.SupportsInt | typing.SupportsIndex = 20) -> str: ...
    @property
    def names(self) -> list[str]: ...
    @property
    def num_columns(self) -> int: ...
    @property
    def num_rows(self) -> int: ...
