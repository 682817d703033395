"""
From the tables a CRM hands out to those of the data model (salesops/ingest.hpp).
"""

from __future__ import annotations
import collections.abc
import salesops._core.calendar
import salesops._core.crm
import salesops._core.issues
import salesops._core.table
import typing

__all__: list[str] = [
    "Mapping",
    "apply",
    "check",
    "preset_text",
    "presets",
    "salesforce_id",
    "text_columns",
    "title_lines",
    "understands",
    "zones",
]

class Mapping:
    """
    Which source tables and columns feed the data model.
    """

    clock: str
    zone: str
    @staticmethod
    def parse(json: str) -> Mapping: ...
    @property
    def name(self) -> str: ...

def apply(
    mapping: Mapping,
    raw: collections.abc.Sequence[tuple[str, salesops._core.table.Table]],
    zones: collections.abc.Sequence[salesops._core.calendar.TimeZone],
    progress: typing.Any = None,
) -> tuple: ...
def check(crm: salesops._core.crm.Crm) -> salesops._core.issues.Issues: ...
def preset_text(name: str) -> str: ...
def presets() -> list[str]: ...
def salesforce_id(id: str) -> str: ...
def text_columns(mapping: Mapping, table: str, names: collections.abc.Sequence[str]) -> list[str]: ...
def title_lines(mapping: Mapping, text: str) -> int: ...
def understands(mapping: Mapping, table: str) -> bool: ...
def zones(mapping: Mapping) -> list[str]: ...
