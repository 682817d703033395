"""
A seeded CRM book with known truth (salesops/sample.hpp).
"""

from __future__ import annotations
import salesops._core.table
import typing

__all__: list[str] = ["Sample", "Truth", "crm"]

class Truth:
    """
    What no real book tells; holds all deals of the window.
    """
    def __getstate__(self) -> bytes: ...
    def __setstate__(self, arg0: bytes) -> None: ...
    @property
    def accounts(self) -> salesops._core.table.Table: ...
    @property
    def deals(self) -> salesops._core.table.Table: ...
    @property
    def reps(self) -> salesops._core.table.Table: ...
    @property
    def stages(self) -> salesops._core.table.Table: ...

class Sample:
    """
    The tables of a book by name, and the truth behind them.
    """
    def __getstate__(self) -> bytes: ...
    def __setstate__(self, arg0: bytes) -> None: ...
    def table(self, name: str) -> salesops._core.table.Table:
        """
        The table so named; an error lists those there are.
        """
    @property
    def tables(self) -> dict[str, salesops._core.table.Table]: ...
    @property
    def truth(self) -> Truth: ...

def crm(
    seed: typing.SupportsInt | typing.SupportsIndex,
    deals: typing.SupportsInt | typing.SupportsIndex,
    start: str,
    months: typing.SupportsInt | typing.SupportsIndex,
    end: str | None,
    reps: typing.SupportsInt | typing.SupportsIndex,
    currency: str,
    foreign_share: typing.SupportsFloat | typing.SupportsIndex,
    pipelines: typing.SupportsInt | typing.SupportsIndex,
    leads_per_deal: typing.SupportsFloat | typing.SupportsIndex,
    activities_per_deal: typing.SupportsFloat | typing.SupportsIndex,
    dirt: typing.SupportsFloat | typing.SupportsIndex,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> Sample: ...
