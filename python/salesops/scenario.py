"""Many possible futures of one measure, that always add up."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._arguments import checked, pair
from salesops._core.error import UsageError
from salesops._core.scenario import Scenario as _Scenario
from salesops._names import listing
from salesops.crm import instant, timestamp
from salesops.plot.base import counted

if TYPE_CHECKING:
    import datetime as dt

    import numpy as np
    import numpy.typing as npt

__all__ = ["Scenario"]
__dir__ = listing(__name__)

Holder = str | tuple[str, str]
Period = tuple[Any, Any] | None


def minor_per_major(currency: str) -> int:
    """Minor units in one unit of the currency; 1 for counts."""
    if not currency:
        return 1
    from salesops.money import Currency

    return int(10 ** Currency(currency).exponent)


def levels_of(level: float | Sequence[float]) -> list[float]:
    """Levels as a list."""
    return [float(level)] if isinstance(level, int | float) else [float(one) for one in level]


class Scenario:
    """Draws × holders × periods of one currency, or of counts.

    A holder is ``"company"``, ``("team", "T1")``, ``("rep", "R1")``, or an id that only one holder has.
    A period is ``(start, end)`` made of whole leaf periods; by default all of them. Amounts go in and
    out in major units.

    Examples
    --------
    >>> import numpy as np
    >>> import salesops as so
    >>> scenario = so.scenario.Scenario.build(
    ...     {"R1": [[100, 200, 300]], "R2": [[50, 50, 50]]},
    ...     periods=[("2026-01-01", "2026-04-01")],
    ...     teams={"R1": "T1", "R2": "T1"},
    ... )
    >>> scenario.mean("company"), scenario.probability_at_least("T1", 250)
    (250.0, 0.6666666666666666)
    """

    def __init__(self, core: _Scenario) -> None:
        self._core = core
        self._unit = minor_per_major(core.currency)

    @classmethod
    @checked
    def build(
        cls,
        values: Mapping[str, Any],
        *,
        periods: Sequence[tuple[Any, Any]],
        teams: Mapping[str, str] | None = None,
        currency: str = "",
        seed: int = 0,
    ) -> Scenario:
        """A scenario of one's own draws.

        Parameters
        ----------
        values
            Rep to periods × draws, in minor units of `currency` (whole numbers).
        periods
            ``(start, end)`` of each leaf period.
        teams
            Rep to team; the company is above all.
        """
        import numpy as np

        array = np.asarray(list(values.values()))
        if array.ndim != 3 or not np.array_equal(array, np.round(array)):
            raise UsageError("values: for each rep, periods × draws of whole minor units")
        ends = [pair(one, "periods") for one in periods]
        spans = [(instant(start, "periods"), instant(end, "periods")) for start, end in ends]
        first, last = -208_188, 2_932_896
        company = ("company", "")
        teams = teams or {}
        members = [
            (("rep", rep), ("team", teams[rep]) if rep in teams else company, first, last) for rep in values
        ]
        members += [(("team", team), company, first, last) for team in sorted(set(teams.values()))]
        leaves = [("rep", rep) for rep in values]
        return cls(_Scenario(leaves, spans, members, array.astype(np.int64), currency, seed))

    @property
    def draws(self) -> int:
        """Number of futures."""
        return self._core.draws

    @property
    def currency(self) -> str:
        """ISO 4217 code; empty for counts."""
        return self._core.currency

    @property
    def seed(self) -> int:
        """Seed of the draws."""
        return self._core.seed

    @property
    def holders(self) -> list[tuple[str, str]]:
        """All holders as (type, id), leaves first, the company last."""
        return list(self._core.holders)

    @property
    def periods(self) -> list[tuple[dt.datetime, dt.datetime]]:
        """The leaf periods."""
        return [(timestamp(start), timestamp(end)) for start, end in self._core.periods]

    def _holder(self, holder: Holder) -> tuple[str, str]:
        if isinstance(holder, tuple):
            return holder
        if holder == "company":
            return ("company", "")
        found = [one for one in self._core.holders if one[1] == holder]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(
                f"'{holder}' is {' and '.join(kind for kind, _ in found)}; say ('{found[0][0]}', '{holder}')"
            )
        known = [one or kind for kind, one in reversed(self._core.holders)]
        more = f" and {len(known) - 8:,} more" if len(known) > 8 else ""
        raise UsageError(f"no holder '{holder}'; there are {', '.join(known[:8])}{more}")

    @staticmethod
    def _period(period: Period) -> tuple[int, int] | None:
        if period is None:
            return None
        start, end = pair(period, "period")
        return instant(start, "period"), instant(end, "period")

    def values(self, holder: Holder = "company", period: Period = None) -> npt.NDArray[np.int64]:
        """The value of each draw, in minor units."""
        return self._core.values(self._holder(holder), self._period(period))

    def mean(self, holder: Holder = "company", period: Period = None) -> float:
        """Mean over the draws."""
        return self._core.mean(self._holder(holder), self._period(period)) / self._unit

    @checked
    def quantile(self, holder: Holder = "company", probability: float = 0.5, period: Period = None) -> float:
        """The value that `probability` of the draws stay below."""
        return self._core.quantile(self._holder(holder), probability, self._period(period)) / self._unit

    @checked
    def interval(
        self, holder: Holder = "company", level: float = 80, period: Period = None
    ) -> tuple[float, float]:
        """The central range that holds `level` percent of the draws."""
        low, high = self._core.interval(self._holder(holder), level, self._period(period))
        return low / self._unit, high / self._unit

    @checked
    def probability_at_least(self, holder: Holder, amount: float, period: Period = None) -> float:
        """Share of draws that reach `amount`."""
        minor = round(amount * self._unit)
        if not -(2**63) <= minor < 2**63:
            raise UsageError("amount: goes beyond 64-bit minor units")
        return self._core.probability_at_least(self._holder(holder), minor, self._period(period))

    @checked
    def to_frame(self, level: float | Sequence[float] = 80, kind: str | None = None) -> Any:
        """One row a holder and leaf period: mean and interval."""
        from salesops._frame import of_kind as frame

        return frame(self._core.to_table(levels_of(level)), kind)

    def __repr__(self) -> str:
        low, high = self.interval()
        unit = f" {self.currency}" if self.currency else ""
        return (
            f"<Scenario: {counted(self.draws, 'draw')}, {counted(len(self._core.leaves), 'rep')}, "
            f"{counted(len(self._core.periods), 'period')}; "
            f"company mean {self.mean():,.0f}{unit}, 80 % {low:,.0f} to {high:,.0f}>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>" + _frame.to_html(self._core.to_table([80.0]))
