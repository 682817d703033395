"""
Tables in and out through the Arrow C interfaces (salesops/arrow.hpp).
"""

from __future__ import annotations
import collections.abc
import salesops._core.issues
import salesops._core.table
import typing

__all__: list[str] = ["read"]

def read(
    data: typing.Any, columns: collections.abc.Sequence[str] | None = None
) -> tuple[salesops._core.table.Table, salesops._core.issues.Issues]:
    """
    The table of anything with ``__arrow_c_stream__``, and what was left out or noted on the way.
    """
