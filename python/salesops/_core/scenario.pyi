"""
Futures that add up (salesops/scenario.hpp).
"""

from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import salesops._core.table
import typing

__all__: list[str] = ["Scenario"]

class Scenario:
    """
    Draws of holders and periods, in minor units.
    """
    def __getstate__(self) -> bytes: ...
    def __init__(
        self,
        leaves: collections.abc.Sequence[tuple[str, str]],
        periods: collections.abc.Sequence[
            tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]
        ],
        memberships: collections.abc.Sequence[
            tuple[
                tuple[str, str],
                tuple[str, str],
                typing.SupportsInt | typing.SupportsIndex,
                typing.SupportsInt | typing.SupportsIndex,
            ]
        ],
        values: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
        currency: str,
        seed: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def __setstate__(self, arg0: bytes) -> None: ...
    def interval(
        self,
        holder: tuple[str, str],
        level: typing.SupportsFloat | typing.SupportsIndex,
        period: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]
        | None,
    ) -> tuple[int, int]: ...
    def mean(
        self,
        holder: tuple[str, str],
        period: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]
        | None,
    ) -> float: ...
    def probability_at_least(
        self,
        holder: tuple[str, str],
        amount: typing.SupportsInt | typing.SupportsIndex,
        period: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]
        | None,
    ) -> float: ...
    def quantile(
        self,
        holder: tuple[str, str],
        probability: typing.SupportsFloat | typing.SupportsIndex,
        period: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]
        | None,
    ) -> int: ...
    def running(self, holder: tuple[str, str]) -> numpy.typing.NDArray[numpy.int64]: ...
    def to_table(
        self, levels: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]
    ) -> salesops._core.table.Table: ...
    def values(
        self,
        holder: tuple[str, str],
        period: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]
        | None,
    ) -> numpy.typing.NDArray[numpy.int64]: ...
    @property
    def currency(self) -> str: ...
    @property
    def draws(self) -> int: ...
    @property
    def holders(self) -> list[tuple[str, str]]: ...
    @property
    def leaves(self) -> list[tuple[str, str]]: ...
    @property
    def periods(self) -> list[tuple[int, int]]: ...
    @property
    def seed(self) -> int: ...
