"""The scorecard: the KPIs of one period on a page, or the closed deals of groups as sums that add up."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Any

from salesops._arguments import checked
from salesops._core import kpi as _kpi
from salesops._core.error import UsageError
from salesops._frame import of_kind as frame
from salesops._names import NoAnswerError
from salesops._progress import Wanted, shown
from salesops.crm import Crm, core_of, timestamp
from salesops.kpi.ask import Period, Where, as_of_text, change_text, number_text, options_of, unit_text
from salesops.plot.base import NO_CURRENCY, counted

if TYPE_CHECKING:
    from salesops._core.table import Table


NOT_AVAILABLE = "not available"


class Scorecard:
    """The KPIs of one period beside those of the period before and the targets, or of each group.

    Grouped, it has one row a group: deals won and lost, win rate with its Wilson interval, win rate by
    value, amounts won and lost, average deal and mean sales cycle in days with t intervals, and the deals
    left out (`unknown`, `no_amount`, `no_cycle`).
    """

    def __init__(self, core: _kpi.Scorecard, listed: bool = False) -> None:
        self._core = core
        self._listed = listed

    @property
    def period(self) -> str:
        """The period."""
        return self._core.period

    @property
    def prior_period(self) -> str:
        """What it is compared with; empty without a comparison."""
        return self._core.prior_period

    @property
    def as_of(self) -> dt.datetime:
        """What the book knew."""
        return timestamp(self._core.as_of)

    @property
    def prior_as_of(self) -> dt.datetime | None:
        """When the prior values were known: as far into the prior period as ``as_of`` is into this one."""
        known = self._core.prior_as_of
        return None if known is None else timestamp(known)

    @property
    def by(self) -> list[str]:
        """The columns of the groups."""
        return list(self._core.by)

    @property
    def currency(self) -> str:
        """The currency of the amounts of groups; "several currencies" where they have no sums."""
        return self._core.currency

    @property
    def ids(self) -> list[list[str]]:
        """Keys of the rows that each line counts, in the order of the lines.

        `UsageError` unless asked with ``ids=True``.
        """
        if not self._listed:
            raise NoAnswerError("scorecard: rows are listed where asked with ids=True")
        return self._core.ids()

    def to_table(self) -> Table:
        """One row a KPI, or a group, as a plain table."""
        return self._core.to_table()

    def to_frame(self, kind: str | None = None) -> Any:
        """One row a KPI, or a group, as a pandas (default), ``"polars"`` or ``"pyarrow"`` frame."""
        return frame(self._core.to_table(), kind)

    def __repr__(self) -> str:
        return self.to_text()

    @checked
    def to_text(self, rows: int = 20, *, lacking: bool = True) -> str:
        """The card as people read it, in 80 columns.

        Parameters
        ----------
        rows
            Of groups the first so many.
        lacking
            Also list the KPIs that the book can't have, and why.
        """
        return self._core.to_text(max(rows, 0), lacking)

    def lacking(self) -> list[tuple[str, str]]:
        """What the book lacks, and the titles of the KPIs that it therefore can't have."""
        found: dict[str, list[str]] = {}
        for row in self._kpis():
            if row["state"].startswith(NOT_AVAILABLE):
                needs = row["state"].removeprefix(NOT_AVAILABLE).lstrip(": ").removeprefix("needs ")
                if column := _ONE_COLUMN.fullmatch(needs):
                    needs = f"{column['table']}.{column['column']}"
                found.setdefault(needs, []).append(row["title"])
        return [(needs, ", ".join(titles)) for needs, titles in found.items()]

    def _kpis(self) -> list[dict[str, Any]]:
        """The rows of the KPIs; none of a card of groups."""
        columns = self.to_table().to_dict()
        if "kpi" not in columns or self.by:
            return []
        return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]

    @checked
    def printed(self, rows: int = 60) -> tuple[list[str], list[list[str]]]:
        """Heads and cells as people read them: of the KPIs that the book allows, or of groups."""
        table = self.to_table()
        shown = table.slice(0, min(table.num_rows, rows)).to_dict()
        if "kpi" not in shown or self.by:
            level = level_text(self._core.level)
            ends = {f"{name}_{end}_{level}" for name in shown for end in ("lo", "hi")}
            names = [name for name in shown if name not in ends]
            columns = [_group_cells(name, shown, level, name in self.by) for name in names]
            return [name.replace("_", " ") for name in names], [
                list(row) for row in zip(*columns, strict=True)
            ]
        prior = f"prior {self.prior_period}" if self.prior_period else "prior"
        body = [_kpi_cells(row) for row in self._kpis() if not row["state"].startswith(NOT_AVAILABLE)]
        heads = ["KPI", self.period, "interval", prior, "change", "target", "n", "note"]
        told = [place for place in range(len(heads)) if any(line[place] for line in body)]
        return [heads[place] for place in told], [[line[place] for place in told] for line in body]

    def _repr_html_(self) -> str:
        heads, body = self.printed()
        caption = f"Scorecard {self.period}, {as_of_text(self.as_of)}"
        if self.currency and self.currency != NO_CURRENCY:
            caption += f", amounts in {self.currency}"
        if self.to_table().num_rows > len(body):
            caption += f", {len(body)} of {counted(self.to_table().num_rows, 'group')}"

        def line(cells: list[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        rows = "".join(line(cells, "td") for cells in body)
        lacking = "".join(f"<li>{escape(for_)}: needs {escape(needs)}</li>" for needs, for_ in self.lacking())
        return (
            f"<table><caption>{escape(caption)}</caption>"
            f"<thead>{line(heads, 'th')}</thead><tbody>{rows}</tbody></table>"
            + (f"<p>Not in this book:</p><ul>{lacking}</ul>" if lacking else "")
        )


def level_text(level: float) -> str:
    """A level as it stands in the names of columns: "95", "99.9"."""
    return f"{Decimal(repr(level)).normalize():f}"


# How a KPI says in a sentence that it needs one column more.
_ONE_COLUMN = re.compile(r"\w+ needs column '(?P<column>.+)' of table '(?P<table>.+)', which this book lacks")


def _kpi_cells(row: dict[str, Any]) -> list[str]:
    unit, low, delta, target = row["unit"], row["low"], row["delta"], row["target"]
    return [
        row["title"],
        number_text(row["value"], unit)
        + (f" {unit_text(unit)}".rstrip() if row["value"] is not None else ""),
        "" if low is None else f"{number_text(low, unit)} to {number_text(row['high'], unit)}",
        number_text(row["prior"], unit),
        change_text(delta, unit),
        "" if target is None else f"{number_text(target, unit)} {row['status']}".strip(),
        f"{row['n']:,}",
        row["state"],
    ]


def _group_cells(name: str, columns: dict[str, Any], level: str, key: bool) -> list[str]:
    """A column of groups; an estimate has its interval behind it."""
    unit = "share" if name.startswith("win_rate") else ""

    def text(cell: Any) -> str:
        if cell is None:
            return f"no {name}" if key else "—"
        return cell if isinstance(cell, str) else number_text(float(cell), unit)

    cells = [text(cell) for cell in columns[name]]
    lows, highs = (columns.get(f"{name}_{end}_{level}") for end in ("lo", "hi"))
    if lows is None or highs is None:
        return cells
    return [
        cell if low is None else f"{cell} ({text(low)} to {text(high)})"
        for cell, low, high in zip(cells, lows, highs, strict=True)
    ]


class ScorecardState:
    """The scorecard of groups as a state that adds up: ``partial``, ``merge``, ``finish``.

    It holds integers alone, so any split of the deals over threads, files or machines gives the same card,
    to the bit. Groups are known by their texts. It pickles (as JSON), for work spread over processes.

    Examples
    --------
    >>> import salesops as so
    >>> crm = so.crm.Crm.build(so.datasets.sample_tables(deals=200))
    >>> ids = crm.table("opportunity").to_dict()["opportunity_id"]
    >>> parts = [so.kpi.ScorecardState.partial(crm, by="owner", deals=part) for part in (ids[:90], ids[90:])]
    >>> parts[0].merge(parts[1]) == so.kpi.ScorecardState.partial(crm, by="owner")
    True
    """

    def __init__(self, core: _kpi.ScorecardState | None = None) -> None:
        self._core = _kpi.ScorecardState() if core is None else core

    @classmethod
    def partial(
        cls,
        crm: Crm,
        *,
        by: str | Iterable[str] = (),
        period: Period = None,
        where: Where = None,
        as_of: Any = None,
        deals: Iterable[str] | None = None,
        **options: Any,
    ) -> ScorecardState:
        """What closed deals add up to.

        Parameters
        ----------
        crm
            The book.
        by
            Columns, names behind them (``owner.team``, as valid at the close), or a length of time.
        period
            By default the whole book.
        deals
            Ids of the deals to add, each once whatever is listed twice; by default all. Ids that the book
            lacks count nothing, so a change costs its own deals: retract them as they were, merge them as
            they are.
        """
        given = {"by": by, "period": period, "where": where, "as_of": as_of, **options}
        listed = None if deals is None else [str(deal) for deal in deals]
        return cls(_kpi.ScorecardState.partial(core_of(crm, "partial"), options_of(given), listed))

    def merge(self, other: ScorecardState) -> ScorecardState:
        """Add other deals, asked alike; returns itself."""
        self._core.merge(_state(other)._core)
        return self

    def retract(self, other: ScorecardState) -> ScorecardState:
        """Take out deals that were added before; returns itself."""
        self._core.retract(_state(other)._core)
        return self

    @checked
    def finish(self, level: float = 95) -> Scorecard:
        """The card of what is in it."""
        return Scorecard(self._core.finish(level))

    def copy(self) -> ScorecardState:
        """One that can change by itself."""
        return ScorecardState(_kpi.ScorecardState(self._core))

    def to_json(self) -> str:
        """The state as text, exactly."""
        return self._core.to_json()

    @classmethod
    @checked
    def from_json(cls, text: str) -> ScorecardState:
        """A state that ``to_json`` wrote; `DataError` for any other text."""
        return cls(_kpi.ScorecardState.from_json(text))

    def __len__(self) -> int:
        return self._core.groups()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScorecardState) and self._core.equals(other._core)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return ScorecardState.from_json, (self.to_json(),)

    def __repr__(self) -> str:
        return f"ScorecardState({counted(len(self), 'group')})"


def _state(other: Any) -> ScorecardState:
    if not isinstance(other, ScorecardState):
        raise UsageError("other: a ScorecardState, from ScorecardState.partial(…)")
    return other


@checked
def scorecard(
    crm: Crm,
    period: Period = None,
    *,
    by: str | Iterable[str] = (),
    compare: str = "prior",
    where: Where = None,
    as_of: Any = None,
    level: float = 95,
    ids: bool = False,
    progress: Wanted = None,
    **options: Any,
) -> Scorecard:
    """Put the KPIs of one period on a page, or the closed deals of each group.

    Parameters
    ----------
    period
        One period; by default the quarter that holds ``as_of``. Grouped, any, by default the whole book.
    by
        Groups: columns, names behind them (``owner.team``, as valid at the close), or a length of time.
    compare
        ``"prior"`` (the period before), ``"prior_year"`` or ``"none"``: at the same elapsed point, as it was
        known then; of a period that is over, as long after its end. Groups aren't compared.
    where
        Which rows; KPIs whose table lacks a column of it are listed as not available.
    ids
        Also list the rows that each line counts: ``Scorecard.ids``.
    progress
        Called now and then with the share done, 0 to 1. None shows a bar when the work is long and standard
        error is a terminal or a notebook; False shows none.

    Examples
    --------
    >>> import salesops as so
    >>> crm = so.crm.Crm.build(so.datasets.sample_tables(deals=200))
    >>> so.kpi.scorecard(crm).period
    '2025-Q4'
    >>> so.kpi.scorecard(crm, by=["owner", "month"]).to_frame("polars").columns[:4]
    ['owner', 'month', 'won', 'lost']
    """
    core = core_of(crm, "scorecard")
    given = {"period": period, "by": by, "where": where, "as_of": as_of, "level": level, "keep_rows": ids}
    given |= options
    asked = options_of(given)
    with shown(progress, "scorecard") as tell:
        return Scorecard(_kpi.scorecard(core, asked, compare, tell), bool(ids))
