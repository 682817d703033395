"""Books to try things on."""

from __future__ import annotations

from typing import Any

from salesops import sample
from salesops._arguments import checked
from salesops._core.table import Table
from salesops._names import listing
from salesops.crm import Crm

__all__ = ["sample_crm", "sample_tables"]
__dir__ = listing(__name__)


@checked
def sample_tables(seed: int = 7, deals: int = 5000, **options: Any) -> dict[str, Table]:
    """Tables of a sample book by name; `options` are those of `salesops.sample.crm`.

    Examples
    --------
    >>> sorted(sample_tables(deals=10))[:3]
    ['account', 'activity', 'contact']
    """
    return sample.crm(seed, deals, **options).tables


@checked
def sample_crm(seed: int = 7, deals: int = 5000, **options: Any) -> Crm:
    """Return the sample book; `options` are those of `salesops.sample.crm`.

    Examples
    --------
    >>> sample_crm(deals=10).table("opportunity").num_rows
    10
    """
    return Crm.build(sample_tables(seed, deals, **options))
