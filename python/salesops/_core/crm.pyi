"""
The book: CRM tables, checked, typed, rewindable (salesops/crm.hpp).
"""

from __future__ import annotations
import collections.abc
import datetime
import salesops._core.calendar
import salesops._core.issues
import salesops._core.table
import typing

__all__: list[str] = ["Crm", "data_model"]

class Crm:
    """
    An immutable book.
    """
    @staticmethod
    def build(
        tables: dict, currency: str = "", minor_units: bool = False, progress: typing.Any = None
    ) -> Crm: ...
    def __deepcopy__(self, memo: dict) -> Crm: ...
    def __reduce__(self) -> tuple: ...
    def apply(self, changes: dict, progress: typing.Any = None) -> Crm: ...
    def as_of(
        self,
        t: typing.SupportsInt | typing.SupportsIndex,
        strict: bool = False,
        allow_current: collections.abc.Sequence[str] = [],
        progress: typing.Any = None,
    ) -> Crm: ...
    def capabilities(self) -> salesops._core.table.Table: ...
    def counts(self) -> salesops._core.table.Table: ...
    def has(self, table: str) -> bool: ...
    def in_currency(
        self,
        currency: str,
        at: str,
        day: datetime.date,
        kind: str,
        max_age: typing.SupportsInt | typing.SupportsIndex | None,
        through: str,
        missing: str,
    ) -> Crm: ...
    def row_of(self, table: str, id: str) -> int: ...
    def table(self, name: str) -> salesops._core.table.Table: ...
    def with_days_in(self, zone: salesops._core.calendar.TimeZone) -> Crm: ...
    @property
    def currency(self) -> str: ...
    @property
    def issues(self) -> salesops._core.issues.Issues: ...
    @property
    def latest(self) -> int:
        """
        UTC microseconds.
        """
    @property
    def tables(self) -> list[str]: ...

def data_model() -> list:
    """
    (table, column, kind, key, required, references, values, tracking) of each column.
    """
