"""How long deals stay in a stage and what ends it: a frame for `salesops.survival`."""

from __future__ import annotations

import datetime as dt
import html
import math
import textwrap
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from salesops import _frame
from salesops._arguments import checked
from salesops._columns import DAY, to_list
from salesops._core import kpi as _kpi
from salesops._core.error import UsageError
from salesops._core.table import Column, Table
from salesops._names import meant
from salesops.calendar import time_zone
from salesops.cohort._options import length_of
from salesops.crm import core_of, instant, timestamp
from salesops.plot.base import aligned, counted, plain

if TYPE_CHECKING:
    from salesops._core.calendar import TimeZone
    from salesops._core.crm import Crm as Core
    from salesops.crm import Crm

OUTCOMES = ("moved on", "moved back", "won", "lost", "closed", "open")
FLAGS = {"moved_on": "moved on", "won": "won", "lost": "lost"}
LATEST = 31 * DAY  # how far behind its latest row a book may be asked


@checked
def stage_durations(
    crm: Crm,
    as_of: Any = None,
    *,
    every: str | None = None,
    stage: str | Iterable[str] = (),
    pipeline: str = "",
    since: Any = None,
    until: float | None = None,
    entry_unknown: str = "left_out",
    zone: Any = None,
    allow_current: Iterable[str] = (),
) -> StageDurations:
    """How long each deal stayed in each stage, what ended it, and what was known of the deal when it came.

    One row a visit to an open stage, for the estimators of `salesops.survival`. Durations are those of
    `kpi.time_in_stage`: from the entry to the exit, of a deal that is still there to `as_of` (censored).

    Parameters
    ----------
    crm
        The book; its changes of stages are known (`opportunity_event`, `opportunity_snapshot`,
        `opportunity_version`).
    as_of
        Only what was known then is used; by default the book's latest instant.
    every
        None gives exact ``days``. ``"day"``, ``"week"`` or a block such as ``"14d"`` gives the number of the
        period after the entry in which the visit ended, 1 for the first: ``days``, ``weeks``, ``periods``.
        A period counts once it is over, for deals that left in it as for those that did not.
    stage, pipeline
        Only visits to these stages, in this pipeline; all by default.
    since
        Only what happened from then on: visits that were under way are at risk from their ``entry`` on.
    until
        Follow visits for so many days, weeks or periods: those that last longer are still open then. The few
        that last longest say little, and a week in which all that are left end has no finite odds.
    entry_unknown
        What becomes of visits whose beginning nobody wrote down, as the log began later: ``"left_out"``, or
        ``"created"``: they began with their deal, and are at risk since the log first saw them.
    zone
        Time zone in which days begin: those of `as_of` and `since`, and of times known as days alone; UTC by
        default.
    allow_current
        Columns of the deals without a history that may be used as they are today, e.g.
        ``"opportunity.type"``.

    Returns
    -------
    StageDurations
        Its ``to_frame()`` has opportunity_id, pipeline_id, stage_id; visit (1 for the deal's first to the
        stage), entered, left (null while it lasts); days, weeks or periods; entry, in the same unit: since
        when the visit is at risk, 0 but for those under way; outcome (``"moved on"``, ``"moved back"`` to a
        lower rank, ``"won"``, ``"lost"``, ``"closed"``: nobody knows how, ``"open"``), next_stage_id; ended,
        moved_on, won, lost: the outcome as flags. Then what was known at the entry: age (days since the
        deal's creation), amount in major units and currency, owner_id, pushes (times the close date had been
        moved to a later day), source, campaign. A column that the book doesn't have, or only as it is today,
        is left out.

    Raises
    ------
    UsageError
        The book has no changes of stages, or not all of them in its tables; no deal was ever in `stage`.

    Examples
    --------
    >>> import salesops as so
    >>> crm = so.datasets.sample_crm(seed=7, deals=500)
    >>> frame = so.pipeline.stage_durations(crm, stage="proposal", every="week").to_frame()
    >>> model = so.survival.DiscreteHazard().fit(
    ...     frame, duration_col="weeks", event_col="moved_on", entry_col="entry", formula="pushes"
    ... )
    >>> bool(0.2 < model.predict_hazard({"pushes": [0]}, times=2)["hazard"][0] < 0.8)
    True
    """
    if entry_unknown not in ("left_out", "created"):
        raise UsageError(f"entry_unknown is 'left_out' or 'created', not '{entry_unknown}'")
    if until is not None and not until > 0:
        raise UsageError("until: need a duration above 0")
    unit, length = _unit(every)
    if until is not None and length is not None and until % 1 != 0:
        raise UsageError(f"until: need a whole number of {unit}")
    clock = time_zone(zone)
    whole = core_of(crm, "stage_durations").with_days_in(clock)
    now = whole.latest if as_of is None else instant(as_of, zone=clock)
    if now > whole.latest + LATEST:
        raise UsageError(
            f"stage_durations: as_of {timestamp(now):%Y-%m-%d} lies long after the book's latest row "
            f"({timestamp(whole.latest):%Y-%m-%d}); what happened between is not known"
        )
    if not whole.has("opportunity"):
        raise UsageError("stage_durations: the book has no table 'opportunity'")
    # A rewound book says of each deal whether, how and when it closed.
    book = Book(whole.as_of(now), clock)
    if not book.tracked and not Book(whole, clock).tracked:
        raise UsageError(
            "stage_durations needs the change history of stages: table 'opportunity_event' (field 'stage'), "
            "'opportunity_snapshot' or 'opportunity_version'; how long whole deals take is kpi.sales_cycle"
        )
    began = None if since is None else instant(since, "since", clock)
    excluded: Counter[str] = Counter()
    rows = []
    for visit in _chosen(book.visits, stage, pipeline):
        stay = _stay(visit, book, now, began, entry_unknown == "created")
        if isinstance(stay, Stay) and length is not None:
            stay = _in_periods(stay, now, length)
        if isinstance(stay, Stay):
            if until is None or stay.entry < until:
                rows.append(_followed(stay, until))
        elif stay is not None:
            excluded[stay] += 1
    table = _table(rows, book, unit, _known(rows, book, allow_current))
    rank_of = {(row.visit.pipeline, row.visit.stage): row.visit.rank for row in rows}
    order = sorted(rank_of, key=lambda key: (key[0] or "", _rank(rank_of[key]), key[1]))
    return StageDurations(table, unit, now, order, dict(excluded), book.silent)


def _rank(rank: int | None) -> float:
    return math.inf if rank is None else rank


class Visit(NamedTuple):
    """A stay of a deal in an open stage; None is what nobody knows, of `left` also what is yet to come."""

    row: int
    deal: int
    number: int  # of the deal's visits to the stage
    pipeline: str | None
    stage: str
    rank: int | None
    entered: int | None
    seen: int | None  # since when the book tells that the deal is there
    left: int | None
    outcome: str
    to: str | None  # the next stage


class Book:
    """The visits of a book, and what it knows of its deals."""

    def __init__(self, core: Core, zone: TimeZone) -> None:
        made = _kpi.stage_visits(core, zone)
        self.tracked, self.silent, self.known = made.tracked, made.silent, made.visits
        self.deals = core.table("opportunity")
        self.ids, self.created, self.deleted = (
            _cells(self.deals, name) for name in ("opportunity_id", "created_at", "is_deleted")
        )
        names = ("deal", "number", "pipeline_id", "stage_id", "rank", "entered", "seen", "left", "outcome")
        cells = [_cells(self.known, name) for name in (*names, "next_stage_id")]
        self.visits = [Visit(row, *told) for row, told in enumerate(zip(*cells, strict=True))]


def _cells(table: Table, name: str) -> list[Any]:
    """A column, instants in microseconds; without it a list of None."""
    if not table.has(name):
        return [None] * len(table)
    cells = table.column(name)
    if cells.type != "timestamp":
        return to_list(cells)
    valid = cells.valid()
    known = [True] * len(cells) if valid is None else valid.tolist()
    return [value if ok else None for value, ok in zip(cells.values().tolist(), known, strict=True)]


class Stay(NamedTuple):
    """A visit with times that are known."""

    visit: Visit
    entered: int
    left: int | None
    entry: float  # since when it is at risk
    lasted: float
    outcome: str


def _unit(every: str | None) -> tuple[str, int | None]:
    """The name of the durations, and microseconds of a period."""
    if every is None or every == "day":
        return "days", DAY if every else None
    if every == "week":
        return "weeks", 7 * DAY
    length = length_of(every, "every ('day', 'week', or a block of days such as '14d')")
    if length % DAY:
        raise UsageError("every: blocks are of whole days, such as '14d'")
    return "periods", length


def _chosen(visits: list[Visit], stage: Iterable[str], pipeline: str) -> list[Visit]:
    """The visits asked for."""
    for argument, wanted in (("pipeline", {pipeline} - {""}), ("stage", set(stage))):
        names = sorted({name for visit in visits if (name := getattr(visit, argument)) is not None})
        for name in sorted(wanted - set(names)):
            raise UsageError(
                f"{argument}: no deal was in an open stage of '{name}'{meant(name, names)}; "
                f"there are {', '.join(names[:12]) or 'none'}"
            )
        visits = [visit for visit in visits if not wanted or getattr(visit, argument) in wanted]
    return visits


def _stay(visit: Visit, book: Book, now: int, since: int | None, as_created: bool) -> Stay | str | None:
    """The visit in days, or why it is left out; None where it isn't asked for."""
    if book.deleted[visit.deal]:
        return "deleted"
    entered, at_risk = visit.entered, visit.entered
    if entered is None and as_created:
        entered, at_risk = book.created[visit.deal], visit.seen
    end = now if visit.left is None else visit.left
    if entered is None or at_risk is None or entered < at_risk >= end:
        return "entry_unknown"
    if end < entered:
        return "negative_duration"
    if since is not None:
        if end <= since:
            return None
        at_risk = max(at_risk, since)
    days = ((at_risk - entered) / DAY, (end - entered) / DAY)
    return Stay(visit, entered, visit.left, *days, visit.outcome)


def _in_periods(stay: Stay, now: int, length: int) -> Stay | str:
    """The stay in periods that are over.

    One that still runs counts for nobody: if those counted who left in a part of it, and the others did not,
    the chance to leave would come out too high.
    """
    over = (now - stay.entered) // length
    last = over if stay.left is None else (stay.left - stay.entered) // length + 1
    entry = -(-round(stay.entry * DAY) // length)
    if last > over:
        stay = stay._replace(left=None, outcome="open")
    last = min(last, over)
    return stay._replace(entry=entry, lasted=last) if last > entry else "no_whole_period"


def _followed(stay: Stay, until: float | None) -> Stay:
    """The stay as it is known at a duration."""
    if until is None or stay.lasted <= until:
        return stay
    return stay._replace(left=None, outcome="open", lasted=until)


# ---- columns ----


def _table(rows: list[Stay], book: Book, unit: str, known: dict[str, Column]) -> Table:
    visits = [row.visit for row in rows]
    outcomes = [row.outcome for row in rows]
    columns = {"opportunity_id": Column.of_strings([book.ids[visit.deal] for visit in visits])}
    if book.deals.has("pipeline_id"):
        columns["pipeline_id"] = Column.of_strings([visit.pipeline for visit in visits])
    columns |= {
        "stage_id": Column.of_strings([visit.stage for visit in visits]),
        "visit": _numbers("int64", [visit.number for visit in visits]),
        "entered": _numbers("timestamp", [row.entered for row in rows]),
        "left": _numbers("timestamp", [row.left for row in rows]),
        "entry": _numbers("float64", [row.entry for row in rows]),
        unit: _numbers("float64", [row.lasted for row in rows]),
        "outcome": Column.of_strings(outcomes),
        "next_stage_id": Column.of_strings([None if row.left is None else row.visit.to for row in rows]),
        "ended": _numbers("boolean", [outcome != "open" for outcome in outcomes]),
    }
    for name, outcome in FLAGS.items():
        columns[name] = _numbers("boolean", [one == outcome for one in outcomes])
    return Table([*columns.items(), *known.items()])


def _known(rows: list[Stay], book: Book, allow_current: Iterable[str]) -> dict[str, Column]:
    """What was known of each deal when it entered the stage."""
    began = [book.created[row.visit.deal] for row in rows]
    ages = [None if at is None else (row.entered - at) / DAY for row, at in zip(rows, began, strict=True)]
    columns = {"age": _numbers("float64", ages)}
    told, visits = _frame.without_money(book.known, "float64"), [row.visit.row for row in rows]
    for name in ("amount", "owner_id", "pushes"):
        if told.has(name):
            columns[name] = _taken(told.column(name), visits)
    deals = _frame.without_money(book.deals, "float64")
    wanted = ["source", "campaign", *(_allowed(name, deals) for name in allow_current)]
    if "amount" in (*columns, *wanted):
        wanted.append("currency")
    for name in wanted:
        if name not in columns and deals.has(name):
            columns[name] = _taken(deals.column(name), [row.visit.deal for row in rows])
    return columns


def _allowed(name: str, deals: Table) -> str:
    table, _, column = name.partition(".")
    if table != "opportunity" or not deals.has(column):
        raise UsageError(
            f"allow_current: '{name}' is no column of this book's deals; write \"opportunity.type\""
        )
    return column


def _numbers(kind: str, values: list[Any]) -> Column:
    import numpy as np

    dtypes = {"float64": np.float64, "boolean": np.uint8}
    valid = np.array([value is not None for value in values], dtype=bool)
    filled = np.array([0 if value is None else value for value in values], dtypes.get(kind, np.int64))
    return Column.of(kind, filled, valid)


def _taken(column: Column, rows: list[int]) -> Column:
    """The column's values at some rows."""
    import numpy as np

    places = np.array(rows, dtype=np.int64)
    valid = column.valid()
    kept = None if valid is None else valid[places]
    if column.type == "string":
        return Column.of_codes(column.values()[places], kept, column.dictionary)
    return Column.of(column.type, column.values()[places], kept, column.scale, column.currency)


# ---- the answer ----


class StageDurations:
    """Visits of deals to stages; see `stage_durations`."""

    def __init__(
        self,
        table: Table,
        unit: str,
        as_of: int,
        stages: list[tuple[str | None, str]],
        excluded: dict[str, int],
        silent: int,
    ) -> None:
        self._table = table
        self._as_of = as_of
        self._stages = stages
        self._silent = silent
        self.unit = unit
        self.excluded = excluded

    @property
    def as_of(self) -> dt.datetime:
        """What the book knew."""
        return timestamp(self._as_of)

    @property
    def notes(self) -> list[str]:
        """What to know before using the numbers."""
        notes = []
        if self._silent:
            deals = counted(self._silent, "deal")
            notes.append(f"{deals} closed without a logged change of stage: nobody knows where they stood")
        if self.excluded.get("entry_unknown"):
            visits = counted(self.excluded["entry_unknown"], "visit")
            notes.append(f"{visits} began before the log did: nobody knows when")
        return notes

    def to_frame(self, kind: str | None = None) -> Any:
        """One row a visit, as a pandas (default, if installed), ``"polars"`` or ``"pyarrow"`` frame."""
        return _frame.of_kind(self._table, kind)

    def __len__(self) -> int:
        return len(self._table)

    def summary(self) -> str:
        """The answer in one sentence."""
        still = self._table.column("outcome").to_list().count("open")
        return f"{counted(len(self), 'visit')} to open stages, of which {still:,} still last"

    def stages(self, kind: str | None = None) -> Any:
        """One row a stage: visits, median duration (Kaplan–Meier), and how many ended how."""
        return _frame.of_kind(self._by_stage(), kind)

    def _by_stage(self) -> Table:
        from salesops.survival import KaplanMeier

        cells = _frame.to_dict(self._table)
        pipelines = cells.get("pipeline_id", [None] * len(self))
        groups: dict[tuple[str | None, str], list[int]] = {key: [] for key in self._stages}
        for row, key in enumerate(zip(pipelines, cells["stage_id"], strict=True)):
            groups[key].append(row)
        medians, ends = [], []
        for rows in groups.values():
            lasted, ended, entry = (
                [cells[name][row] for row in rows] for name in (self.unit, "ended", "entry")
            )
            medians.append(KaplanMeier().fit(lasted, ended, entry).median_survival_time_)
            ends.append(Counter(cells["outcome"][row] for row in rows))
        columns = [
            ("stage_id", Column.of_strings([stage for _, stage in groups])),
            ("visits", _numbers("int64", [len(rows) for rows in groups.values()])),
            (f"median_{self.unit}", _numbers("float64", medians)),
        ]
        for outcome in OUTCOMES:
            counts = _numbers("int64", [one[outcome] for one in ends])
            columns.append((outcome.replace(" ", "_"), counts))
        if "pipeline_id" in cells:
            columns.insert(0, ("pipeline_id", Column.of_strings([pipeline for pipeline, _ in groups])))
        return Table(columns)

    def to_text(self) -> str:
        """The visits by stage, what was left out, and what to know."""
        rows = _frame.to_dict(self._by_stage())
        shown = {name: cells for name, cells in rows.items() if name != "closed" or any(cells)}
        lines = [[name.replace("_id", "").replace("_", " ") for name in shown]]
        for cells in zip(*shown.values(), strict=True):
            lines.append(["" if cell is None else _cell(cell) for cell in cells])
        head = f"{self.summary()}; as of {self.as_of:%Y-%m-%d}"
        left_out = ", ".join(f"{n:,} {reason.replace('_', ' ')}" for reason, n in self.excluded.items())
        tail = [*([f"left out: {left_out}"] if left_out else []), *(f"! {note}" for note in self.notes)]
        wrapped = [textwrap.fill(line, 80, subsequent_indent="  ") for line in tail]
        return "\n".join([head, *aligned(lines, left=2 if "pipeline_id" in shown else 1), *wrapped])

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f"<p><b>{html.escape(self.summary())}</b></p>{_frame.to_html(self._by_stage())}<ul>{notes}</ul>"
        )


def _cell(cell: Any) -> str:
    return (
        plain(cell, 24)
        if isinstance(cell, str)
        else f"{cell:,.1f}"
        if isinstance(cell, float)
        else f"{cell:,}"
    )
