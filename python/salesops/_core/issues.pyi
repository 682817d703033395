"""
Rows that did not fit, with the rule they broke (salesops/issues.hpp).
"""

from __future__ import annotations
import salesops._core.table

__all__: list[str] = ["Issues"]

class Issues:
    """
    What was wrong with the rows; counts are exact, rows are capped.
    """
    def __len__(self) -> int: ...
    def count(self, rule: str) -> int: ...
    def summary(self) -> salesops._core.table.Table: ...
    def to_table(self) -> salesops._core.table.Table: ...
    @property
    def total(self) -> int: ...
