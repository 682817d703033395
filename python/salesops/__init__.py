"""Sales-operations analytics: trusted KPIs, forecasts, quotas and pay from the rows a CRM already has."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from salesops._core.error import DataError, Error, UnitError, UsageError
from salesops._core.version import version as __version__

_WORDS = [
    "calendar",
    "cli",
    "clv",
    "cohort",
    "crm",
    "csv",
    "datasets",
    "ingest",
    "kpi",
    "money",
    "pipeline",
    "plot",
    "report",
    "sample",
    "scenario",
    "subscription",
    "survival",
]
_FUNCTIONS = {"read": "ingest"}

__all__ = ["DataError", "Error", "UnitError", "UsageError", "__version__", *_WORDS, *_FUNCTIONS]

if TYPE_CHECKING:
    from salesops.ingest import read as read


def __getattr__(name: str) -> Any:
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(f"salesops.{_FUNCTIONS[name]}"), name)
    if name in _WORDS:
        return importlib.import_module(f"salesops.{name}")
    raise AttributeError(f"module 'salesops' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
