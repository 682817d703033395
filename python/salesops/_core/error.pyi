"""
Exceptions (salesops/error.hpp).
"""

from __future__ import annotations

__all__: list[str] = ["Cancelled", "DataError", "Error", "UnitError", "UsageError"]

class Error(Exception):
    pass

class UsageError(Error, ValueError):
    pass

class UnitError(Error, TypeError):
    pass

class DataError(Error):
    pass

class Cancelled(Error):
    pass
