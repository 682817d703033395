"""
What deals will book (salesops/pipeline.hpp).
"""

from __future__ import annotations
import collections.abc
import salesops._core.crm
import salesops._core.scenario
import salesops._core.table
import typing

__all__: list[str] = [
    "Backtest",
    "Coverage",
    "Fit",
    "Forecast",
    "Options",
    "Waterfall",
    "backtest",
    "forecast",
    "waterfall",
]

class Fit:
    """
    What a forecast rests on.
    """
    @property
    def arrivals_per_week(self) -> float: ...
    @property
    def coefficients(self) -> list[float]: ...
    @property
    def deals(self) -> int: ...
    @property
    def kappa(self) -> float: ...
    @property
    def landmarks(self) -> int: ...
    @property
    def lost(self) -> int: ...
    @property
    def new_level_sd(self) -> float: ...
    @property
    def owner_sd(self) -> float: ...
    @property
    def shock_sd(self) -> float: ...
    @property
    def stages(self) -> salesops._core.table.Table: ...
    @property
    def terms(self) -> list[str]: ...
    @property
    def won(self) -> int: ...

class Options:
    """
    How to forecast.
    """
    def __init__(
        self,
        measure: str,
        levels: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
        draws: typing.SupportsInt | typing.SupportsIndex,
        seed: typing.SupportsInt | typing.SupportsIndex,
        currency: str,
        allow_current: collections.abc.Sequence[str],
        adjust: bool,
        threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...

class Forecast:
    """
    The distribution of a period's bookings.
    """
    def summary(self) -> str: ...
    @property
    def as_of(self) -> int: ...
    @property
    def deals(self) -> salesops._core.table.Table: ...
    @property
    def fit(self) -> Fit: ...
    @property
    def holders(self) -> salesops._core.table.Table: ...
    @property
    def levels(self) -> list[float]: ...
    @property
    def notes(self) -> list[str]: ...
    @property
    def open_deals(self) -> int: ...
    @property
    def period(self) -> tuple[int, int]: ...
    @property
    def scenario(self) -> salesops._core.scenario.Scenario: ...
    @property
    def won_deals(self) -> int: ...

class Coverage:
    """
    How often an interval held what was won.
    """
    @property
    def cells(self) -> int: ...
    @property
    def covered(self) -> int: ...
    @property
    def high(self) -> float: ...
    @property
    def holder_type(self) -> str: ...
    @property
    def low(self) -> float: ...
    @property
    def verdict(self) -> str: ...

class Backtest:
    """
    Past forecasts against what was won.
    """
    def summary(self) -> str: ...
    @property
    def accuracy(self) -> salesops._core.table.Table: ...
    @property
    def brier(self) -> float | None: ...
    @property
    def cells(self) -> salesops._core.table.Table: ...
    @property
    def coverage(self) -> list[Coverage]: ...
    @property
    def deals(self) -> int: ...
    @property
    def deals_won(self) -> int: ...
    @property
    def expected_wins(self) -> float | None: ...
    @property
    def level(self) -> float: ...
    @property
    def naive_brier(self) -> float | None: ...
    @property
    def notes(self) -> list[str]: ...
    @property
    def reliability(self) -> salesops._core.table.Table: ...

class Waterfall:
    """
    Why the open pipeline is not what it was.
    """
    def to_table(self) -> salesops._core.table.Table: ...
    @property
    def currency(self) -> str: ...
    @property
    def details(self) -> salesops._core.table.Table: ...
    @property
    def notes(self) -> list[str]: ...
    @property
    def period(self) -> tuple[int, int]: ...

def backtest(
    crm: salesops._core.crm.Crm,
    periods: typing.SupportsInt | typing.SupportsIndex,
    months: typing.SupportsInt | typing.SupportsIndex,
    weeks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    options: Options,
    progress: typing.Any = None,
) -> Backtest: ...
def forecast(
    crm: salesops._core.crm.Crm,
    as_of: typing.SupportsInt | typing.SupportsIndex | None,
    period: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]
    | None,
    options: Options,
    progress: typing.Any = None,
) -> Forecast: ...
def waterfall(
    crm: salesops._core.crm.Crm,
    start: typing.SupportsInt | typing.SupportsIndex,
    end: typing.SupportsInt | typing.SupportsIndex,
    due_from: typing.SupportsInt | typing.SupportsIndex | None,
    due_before: typing.SupportsInt | typing.SupportsIndex | None,
    owners: collections.abc.Sequence[str],
    pipeline: str,
    currency: str,
    progress: typing.Any = None,
) -> Waterfall: ...
