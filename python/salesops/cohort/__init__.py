"""Customers by the period they began in: who comes back, what they bring, what is to be expected."""

from __future__ import annotations

from salesops._names import listing
from salesops.cohort._grid import Retention
from salesops.cohort._lifecycle import Lifecycle, lifecycle
from salesops.cohort._retention import RetentionState, adjusted, retention
from salesops.cohort._triangle import Projection, Triangle

__all__ = [
    "Lifecycle",
    "Projection",
    "Retention",
    "RetentionState",
    "Triangle",
    "adjusted",
    "lifecycle",
    "retention",
]
__dir__ = listing(__name__)
