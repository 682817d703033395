"""Visits of deals to stages, out of the tables of a book; the rules are those of `kpi.time_in_stage`."""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from salesops import _frame
from salesops._columns import DAY, EPOCH_DAY, to_list
from salesops.crm import day_in, instant

if TYPE_CHECKING:
    from salesops._core.calendar import TimeZone
    from salesops._core.crm import Crm as Core

# What `opportunity_event.field` calls the columns of a deal.
EVENTS = {
    "stage_id": "stage",
    "pipeline_id": "pipeline",
    "amount": "amount",
    "close_date": "close_date",
    "owner_id": "owner",
}
STATES = {"opportunity_snapshot": "snapshot_date", "opportunity_version": "valid_from"}
NEVER = 2**63
NAMED = {"won": "won", "closedwon": "won", "lost": "lost", "closedlost": "lost"}


class Book:
    """The columns of a book as lists: instants in microseconds, dates in days, amounts in major units."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.deals = self.cells("opportunity", "opportunity_id")
        self.row_of = {deal: row for row, deal in enumerate(self.deals)}

    def has(self, table: str, column: str) -> bool:
        """Whether there is such a column."""
        return self.core.has(table) and self.core.table(table).has(column)

    def cells(self, table: str, column: str) -> list[Any]:
        """A column; without it a list of None."""
        if not self.core.has(table):
            return []
        whole = self.core.table(table)
        if not whole.has(column):
            return [None] * len(whole)
        if whole.column(column).type == "money":
            beside = ["currency"] if whole.has("currency") else []
            whole = _frame.without_money(whole.select([column, *beside]), "float64")
        cells = whole.column(column)
        if cells.type not in ("timestamp", "date"):
            return to_list(cells)
        valid = cells.valid()
        known = [True] * len(cells) if valid is None else valid.tolist()
        return [value if ok else None for value, ok in zip(cells.values().tolist(), known, strict=True)]

    @functools.cached_property
    def created(self) -> list[int | None]:
        """When each deal was created."""
        return self.cells("opportunity", "created_at")

    @functools.cached_property
    def deleted(self) -> list[bool | None]:
        """Whether each deal is deleted."""
        return self.cells("opportunity", "is_deleted")

    @functools.cached_property
    def events(self) -> list[tuple[int, int, int, str, Any, Any]]:
        """Deal, instant, number, field, old and new text of the changes that can be placed."""
        columns = ("opportunity_id", "at", "seq", "field", "old", "new")
        rows = zip(*(self.cells("opportunity_event", name) for name in columns), strict=True)
        return [
            (self.row_of[deal], at, seq or 0, field, old, new)
            for deal, at, seq, field, old, new in rows
            if deal in self.row_of and at is not None
        ]


@dataclass
class Past:
    """What became of a column: the value of each deal before its changes, and these."""

    initial: list[Any]
    changes: list[list[tuple[int, Any]]]

    @classmethod
    def of(cls, book: Book, column: str) -> Past:
        """Read the events, snapshots and versions of a column of the deals."""
        told = [*_from_events(book, column)]
        for table, time in STATES.items():
            told += _from_states(book, table, time, column)
        told.sort(key=lambda row: row[:3])
        past = cls(book.cells("opportunity", column), [[] for _ in book.deals])
        for deal, at, _, old, new in told:
            if not past.changes[deal]:
                past.initial[deal] = old
            past.changes[deal].append((at, new))
        return past

    @property
    def tracked(self) -> bool:
        """Whether anybody wrote down a change."""
        return any(self.changes)

    def at(self, deal: int, when: int) -> Any:
        """The value at an instant; a change at it counts."""
        value = self.initial[deal]
        for at, new in self.changes[deal]:
            if at > when:
                break
            value = new
        return value


def _from_events(book: Book, column: str) -> Iterator[tuple[int, int, int, Any, Any]]:
    for deal, at, seq, field, old, new in book.events:
        if field == EVENTS[column]:
            readable, value = _read(new, column)
            if readable:
                yield deal, at, seq, _read(old, column)[1], value


def _read(text: str | None, column: str) -> tuple[bool, Any]:
    """Whether a text can be a value of the column, and the value."""
    if text is None or not text.strip():
        return True, None
    try:
        if column == "amount":
            return math.isfinite(float(text)), float(text)
        if column == "close_date":
            return True, (dt.datetime.fromisoformat(text).date() - EPOCH_DAY).days
    except ValueError:
        return False, None
    return True, text


def _from_states(book: Book, table: str, time: str, column: str) -> Iterator[tuple[int, int, int, Any, Any]]:
    """What differs from the row before is a change."""
    if not book.has(table, column):
        return
    columns = (book.cells(table, name) for name in ("opportunity_id", time, column))
    rows = [
        (book.row_of[deal], at, value)
        for deal, at, value in zip(*columns, strict=True)
        if deal in book.row_of and at is not None
    ]
    rows.sort(key=lambda row: row[:2])
    before: tuple[int, Any] | None = None
    for deal, at, value in rows:
        known = before is not None and before[0] == deal
        if not known or (before is not None and value != before[1]):
            yield deal, at, 0, before[1] if known and before is not None else None, value
        before = deal, value


class Stages:
    """Whether a stage of a pipeline is open, won or lost, and its rank."""

    def __init__(self, book: Book) -> None:
        names = ("pipeline_id", "stage_id", "type", "rank")
        rows = [*zip(*(book.cells("stage_def", name) for name in names), strict=True)]
        typed = book.has("stage_def", "type")
        self._defined = bool(rows)
        self._types: dict[tuple[str | None, str], str] = {}
        self._ranks: dict[tuple[str | None, str], int] = {}
        # Of deals without a pipeline the first one by name speaks, and the lowest rank.
        for pipeline, stage, told, rank in sorted(rows, key=lambda row: row[0] or ""):
            kind = told if told in ("won", "lost") else "open" if typed else _by_name(stage)
            for key in ((pipeline, stage), (None, stage)):
                self._types.setdefault(key, kind)
                if rank is not None:
                    self._ranks[key] = min(rank, self._ranks.get(key, rank))

    def type(self, pipeline: str | None, stage: str) -> str:
        """``open``, ``won`` or ``lost``."""
        if not self._defined:
            return _by_name(stage)
        return self._types.get((pipeline, stage)) or self._types.get((None, stage), "open")

    def rank(self, pipeline: str | None, stage: str) -> int | None:
        """The place of the stage, as far as it has one."""
        found = self._ranks.get((pipeline, stage))
        return self._ranks.get((None, stage)) if found is None else found

    def place(self, key: tuple[str | None, str]) -> tuple[str, float, str]:
        """What puts pipelines and stages in order."""
        rank = self.rank(*key)
        return key[0] or "", math.inf if rank is None else rank, key[1]


def _by_name(stage: str) -> str:
    return NAMED.get("".join(c for c in stage.lower() if "a" <= c <= "z"), "open")


class Visit(NamedTuple):
    """A stay of a deal in an open stage; None is what nobody knows, of `left` also what is yet to come."""

    deal: int
    number: int  # of the deal's visits to the stage
    pipeline: str | None
    stage: str
    entered: int | None
    seen: int | None  # since when the book tells that the deal is there
    left: int | None
    outcome: str
    to: str | None  # the next stage


class Stop(NamedTuple):
    """A step on a deal's way: when it left the stage before, when it entered this one, and was seen there."""

    left: int | None
    entered: int | None
    seen: int | None
    stage: str | None
    ending: str = ""  # how it closed, where the log missed that and no stage tells


class Ways:
    """The ways of all deals through the stages."""

    def __init__(self, book: Book, zone: TimeZone) -> None:
        self.zone = zone
        self.stages, self.stage, self.pipeline = (
            Stages(book),
            Past.of(book, "stage_id"),
            Past.of(book, "pipeline_id"),
        )
        self.stage_now, self.pipeline_now, self.created, self.closed, self.is_closed, self.is_won = (
            book.cells("opportunity", name)
            for name in ("stage_id", "pipeline_id", "created_at", "closed_at", "is_closed", "is_won")
        )
        self.first = min((told[0][0] for told in self.stage.changes if told), default=NEVER)
        # Deals that closed without a word of their stage: nobody knows where they stood.
        self.silent = [row for row, told in enumerate(self.stage.changes) if self.is_closed[row] and not told]
        # If one did before the first change, the log began late: what it says first of older deals isn't of
        # their creation.
        closes = (self.closed[deal] for deal in self.silent)
        self.late = any(at is not None and at < self.first for at in closes)

    def pipeline_at(self, deal: int, at: int | None) -> str | None:
        """The pipeline at an instant, as far as it is known; else today's."""
        then: str | None = None if at is None else self.pipeline.at(deal, at)
        return self.pipeline_now[deal] if then is None else then

    def type_at(self, deal: int, at: int | None, stage: str) -> str:
        """Whether the stage is open, won or lost to the deal then."""
        return self.stages.type(self.pipeline_at(deal, at), stage)

    def stops(self, deal: int) -> list[Stop]:
        """The deal's way, stages that nobody names included."""
        created, told = self.created[deal], self.stage.changes[deal]
        older = created is not None and created < self.first
        here = self.stage.initial[deal] if told or not self.is_closed[deal] else None
        missed = older and self.late
        stops = [Stop(None, None if missed else created, self.first if missed else created, here)]
        found = here is not None
        for at, to in told:
            if to == stops[-1].stage:
                continue
            # The log found the deal there: nobody knows since when.
            unknown = not found and older and at >= created + DAY
            stops.append(Stop(at, None if unknown else at, at, to))
            found = True
        return stops + self._close(deal, stops[-1])

    def _close(self, deal: int, last: Stop) -> list[Stop]:
        """The close, where the log missed it."""
        closed = self.closed[deal]
        if not self.is_closed[deal] or closed is None or _ends_before(last.entered, closed, self.zone):
            return []
        if last.stage is not None and self.type_at(deal, last.entered, last.stage) != "open":
            return []
        at = closed if last.entered is None else max(last.entered, closed)
        now, won = self.stage_now[deal], self.is_won[deal]
        if now is not None and self.type_at(deal, None, now) != "open":
            return [Stop(at, at, at, now)]
        return [Stop(at, at, at, None, "closed" if won is None else "won" if won else "lost")]

    def visits(self, deal: int) -> Iterator[Visit]:
        """The deal's visits to open stages."""
        stops, counted = self.stops(deal), Counter[str]()
        for here, there in zip(stops, [*stops[1:], None], strict=True):
            stage, entered = here.stage, here.entered
            if stage is None or self.type_at(deal, entered, stage) != "open":
                continue
            counted[stage] += 1
            pipeline = self.pipeline_at(deal, entered)
            outcome = "open" if there is None else self._outcome(deal, pipeline, stage, there)
            left, to = (None, None) if there is None else (there.left, there.stage)
            yield Visit(deal, counted[stage], pipeline, stage, entered, here.seen, left, outcome, to)

    def _outcome(self, deal: int, pipeline: str | None, stage: str, there: Stop) -> str:
        if there.stage is None:
            return there.ending or "moved on"
        then = self.pipeline_at(deal, there.left)
        kind = self.stages.type(then, there.stage)
        if kind != "open":
            return kind
        before, after = self.stages.rank(pipeline, stage), self.stages.rank(then, there.stage)
        back = pipeline == then and before is not None and after is not None and after < before
        return "moved back" if back else "moved on"


def _ends_before(entered: int | None, closed: int, zone: TimeZone) -> bool:
    """Whether a close lies before the stage; one that is known as a day alone doesn't on that day."""
    return entered is not None and closed < entered and closed != instant(day_in(entered, zone), zone=zone)
