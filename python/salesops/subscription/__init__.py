"""Recurring revenue: what it is, what moved it, what is kept, renewed and contracted."""

from __future__ import annotations

from salesops._names import listing
from salesops.subscription._contracts import (
    ContractValues,
    Renewals,
    contract_values,
    magic_number,
    renewals,
)
from salesops.subscription._movements import Movements, SubscriptionState, movements, mrr
from salesops.subscription._retention import Retention, retention

__all__ = [
    "ContractValues",
    "Movements",
    "Renewals",
    "Retention",
    "SubscriptionState",
    "contract_values",
    "magic_number",
    "movements",
    "mrr",
    "renewals",
    "retention",
]
__dir__ = listing(__name__)
