"""Sales-operations analytics: trusted KPIs, forecasts, quotas and pay from the rows a CRM already has."""

from salesops._core.error import DataError, Error, UnitError, UsageError

__all__ = ["DataError", "Error", "UnitError", "UsageError"]
