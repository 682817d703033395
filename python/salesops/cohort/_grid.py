"""The grid of cohorts and ages."""

from __future__ import annotations

import datetime as dt
import html
import math
import numbers
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._arguments import checked, number
from salesops._columns import EPOCH, is_missing
from salesops._core import cohort as _core
from salesops._core.error import UsageError
from salesops._core.table import Column, Table
from salesops._names import meant
from salesops.plot.base import counted, percent, plain

if TYPE_CHECKING:
    from salesops._core.issues import Issues
    from salesops.cohort._triangle import Triangle
    from salesops.plot import Picture

MEASURES = {
    "classic": "share of the cohort active in period k",
    "unbounded": "share of the cohort active in period k or later",
    "bracket": "share of the cohort active in any period of the bracket",
    "window": "share active in the k-th window from their own first event, of those whose window is over",
    "previous": "share active in period k of those active in k − 1",
    "nrr": "amounts of period k ÷ amounts of period 0",
    "grr_point": "amounts of period k, each customer's capped at period 0 ÷ amounts of period 0",
    "grr_path": "each customer's lowest amount through period k ÷ amounts of period 0",
    "ltv": "amounts through period k ÷ customers of the cohort",
    "sum": "amounts of period k",
    "mean": "amounts of period k ÷ customers active in it",
    "count": "events in period k",
}
RATES = ("classic", "unbounded", "bracket", "window", "previous", "nrr", "grr_point", "grr_path")
NO_INTERVAL = (
    "entry: with recurring entry a customer is in several cohorts, which the bootstrap draws apart: "
    "their means have no interval"
)
MARKS = {"complete": "", "in_progress": "*", "may_grow": "+", "unobserved": ""}
SHOWN = 12
BARE = re.compile(r"[-+]?\d+|true|false")


class Retention:
    """Cohorts × ages, each cell with its value, interval and state; made by `retention`.

    States: ``complete``; ``in_progress`` (the period isn't over at `as_of`); ``may_grow`` (unbounded: who
    comes back later will count); ``unobserved`` (not begun: null, never 0).
    """

    def __init__(
        self, core: _core.Retention, source: Any, notes: Sequence[str] = (), by: str | None = None
    ) -> None:
        self._core = core
        self.source = _frame.empty_like(source)
        self._notes = notes
        self._by = by

    # ---- what it knows ----

    @property
    def measure(self) -> str:
        """The measure, as `retention` names it."""
        return self._core.measure

    @property
    def definition(self) -> str:
        """The measure in words."""
        return MEASURES[self._core.measure]

    @property
    def cohorts(self) -> list[str]:
        """Labels of the cohorts, without a gap."""
        return self._core.cohorts

    @property
    def ages(self) -> list[str]:
        """Ages as texts; brackets as ``2-3``."""
        return self._core.ages

    @property
    def segments(self) -> list[str]:
        """Segments by name; one empty text without `by`."""
        return self._core.segments

    @property
    def sizes(self) -> list[int]:
        """Customers of each cohort (of the first segment, then the next, …)."""
        return self._core.size

    @property
    def customers(self) -> int:
        """Customers in cohorts."""
        return self._core.customers

    @property
    def older(self) -> int:
        """Customers older than the log: their cohort is unknown."""
        return self._core.older

    @property
    def outside(self) -> int:
        """Customers without an event that begins a cohort."""
        return self._core.outside

    @property
    def as_of(self) -> dt.datetime | None:
        """The last instant that is known; None where no row has a time."""
        return known_at(self._core)

    @property
    def level(self) -> float:
        """Percent that the intervals cover."""
        return self._core.level

    @property
    def interval(self) -> str:
        """Kind of the intervals."""
        return self._core.interval

    @property
    def currency(self) -> str:
        """ISO 4217 code of the amounts, as far as known."""
        return self._core.currency

    @property
    def issues(self) -> Issues:
        """What was left out, by rule."""
        return self._core.issues

    @property
    def notes(self) -> list[str]:
        """Filters that no row passes, with the values there are, and means without an interval, in words."""
        repeated = self._core.customers_repeat and self.interval == "bootstrap"
        return [*self._notes] + [NO_INTERVAL] * repeated

    # ---- frames ----

    def to_frame(self) -> Any:
        """Long: (segment,) cohort, period, k, n, active, (amount,) rate or value, low, high, state."""
        return _frame.like(self._core.to_table(), self.source)

    def pooled(self) -> Any:
        """One row an age: cohorts, n, active, weighted and simple mean over the cohorts whose cell is over.

        ``weighted`` pools customers (Σ active ÷ Σ n, with an interval); ``simple`` gives a cohort one vote.
        ``state`` is that of the cells in the mean: where they may grow it may, too.

        With recurring entry a customer is in several cohorts, and ``n`` counts it in each. The interval of
        shares takes customers as clusters then: it is Wilson's, with as many independent customers as the
        spread over them is worth (Korn and Graubard). Money has no interval of its means.
        """
        table = self._core.pooled_table()
        return _frame.like(table.with_column("state", Column.of_strings(self._pooled_states())), self.source)

    def _pooled_states(self) -> list[str]:
        """The state of each segment's means by age; that of what has begun where no cell is over."""
        core = self._core
        ages, states = len(core.ages), core.state
        segment = len(core.cohorts) * ages
        columns = [
            set(states[s * segment + k : (s + 1) * segment : ages])
            for s in range(len(core.segments))
            for k in range(ages)
        ]
        order = ("may_grow", "complete", "in_progress", "unobserved")
        return [next(state for state in order if state in column) for column in columns]

    @checked
    def to_wide(self, values: str = "value", *, means: bool = True) -> Any:
        """One row a cohort, one column an age; null where nothing is known yet.

        Parameters
        ----------
        values
            ``value`` (the measure; ``rate`` is the same), ``active``, ``amount``, ``n``, ``low``, ``high`` or
            ``state``.
        means
            Add the rows ``weighted mean`` and ``simple mean`` of each age (of values only).
        """
        return _frame.like(self._wide(values, means), self.source)

    def _wide(self, values: str, means: bool) -> Table:
        core = self._core
        values = "value" if values == "rate" else values
        allowed = ("value", "active", "amount", "n", "low", "high", "state")
        if values not in allowed:
            raise UsageError(f"values is one of {', '.join(allowed)}, not {values!r}")
        if values == "amount" and not core.has_amount:
            raise UsageError("there are no amounts; give retention their column")
        ages, cohorts = len(core.ages), len(core.cohorts)
        state, cells = core.state, getattr(core, values)
        if values != "state":
            cells = [
                None if s == "unobserved" or cell != cell else cell
                for cell, s in zip(cells, state, strict=True)
            ]
        if values == "amount":
            major = 10 ** self._digits()
            cells = [None if cell is None else cell / major for cell in cells]
        labels = core.cohorts * len(core.segments)
        segments = [segment for segment in core.segments for _ in range(cohorts)]
        sizes = list(core.size)
        rows = [cells[row * ages : (row + 1) * ages] for row in range(len(labels))]
        if means and values == "value" and rows:
            pooled = _frame.to_dict(core.pooled_table())
            for s, segment in enumerate(core.segments):
                for name in ("weighted", "simple"):
                    labels.append(f"{name} mean")
                    segments.append(segment)
                    sizes.append(sum(core.size[s * cohorts : (s + 1) * cohorts]))
                    rows.append(pooled[name][s * ages : (s + 1) * ages])
        columns = [("segment", Column.of_strings(segments))] if core.segments != [""] else []
        columns.append(("cohort", Column.of_strings(labels)))
        columns.append(("size", _typed(sizes, "int64")))
        kind = {"state": "string", "active": "int64", "n": "int64"}.get(values, "float64")
        columns += [(age, _typed([row[k] for row in rows], kind)) for k, age in enumerate(core.ages)]
        return Table(columns)

    def _digits(self) -> int:
        from salesops._core.money import Currency

        return Currency(self._core.currency).exponent if self._core.currency else 2

    # ---- questions ----

    @checked
    def triangle(self, segment: str | None = None) -> Triangle:
        """Customers still active by cohort, complete cells only: for survival and projections."""
        from salesops.cohort._triangle import Triangle

        return Triangle(self._core.triangle(self._segment(segment)))

    def _segment(self, segment: str | None) -> int:
        if segment is None:
            if len(self._core.segments) > 1:
                raise UsageError(
                    f"segment: name one of {', '.join(self._core.segments)}; plot('curves') draws them all"
                )
            return 0
        if self._core.segments == [""]:
            raise UsageError("segment: the grid has none; name their column with by")
        if segment not in self._core.segments:
            raise UsageError(f"segment: there is no {segment!r}; there are {', '.join(self._core.segments)}")
        return self._core.segments.index(segment)

    def _named(self, place: int) -> str:
        """A segment as pictures and prints name it: one that says nothing alone with its column."""
        name = plain(self._core.segments[place])
        return f"{plain(self._by)} {name}" if self._by and BARE.fullmatch(name) else name

    @checked
    def payback(
        self,
        cac: Any,
        *,
        margin: float = 1.0,
        interpolate: bool = False,
        segment: str | None = None,
    ) -> Any:
        """When each cohort has earned what its customers cost.

        Amounts of a period in progress count, so a cost may be met before its period is over; a refund may
        still undo that.

        Parameters
        ----------
        cac
            Cost to acquire a customer in major units: one number, or a dict of cohort labels to numbers;
            cohorts that it leaves out have no payback. A label of no cohort is a `UsageError`.
        margin
            Share of the amounts that is earned.
        interpolate
            Take the amounts of the period of payback as evenly spread, and give the time in periods since the
            cohort's first period began: half of the second period's amounts needed is 1.5.

        Returns
        -------
        frame
            cohort, size, cac, payback (the first age k by which it was met, or with `interpolate` the time;
            null where it isn't yet) and at_least (ages that are known to be too early: the lower bound of
            those still open).
        """
        core = self._core
        given = {str(label): cost for label, cost in cac.items()} if isinstance(cac, Mapping) else None
        for label in given or ():
            if label not in core.cohorts:
                raise UsageError(f"cac: there is no cohort {plain(label)!r}{_nearest(label, core.cohorts)}")
        if given is None:
            costs = [cost_of(cac)] * len(core.cohorts)
        else:
            known = {label: cost_of(cost) for label, cost in given.items() if not is_missing(cost)}
            costs = [known.get(cohort, math.nan) for cohort in core.cohorts]
        place = self._segment(segment)
        found = core.payback(costs, margin, interpolate, place)
        size = core.size[place * len(core.cohorts) : (place + 1) * len(core.cohorts)]
        table = Table(
            [
                ("cohort", Column.of_strings(core.cohorts)),
                ("size", _typed(size, "int64")),
                ("cac", _typed([None if cost != cost else cost for cost in costs], "float64")),
                ("payback", _typed([age for age, _ in found], "float64")),
                ("at_least", _typed([least for _, least in found], "int64")),
            ]
        )
        return _frame.like(table, self.source)

    @checked
    def compare(self, correction: str = "holm") -> Any:
        """Test each pair of segments at each age for a difference that is more than chance.

        Cohorts are strata, so a segment with younger customers isn't taken for a worse one. Shares of
        customers are compared by Cochran, Mantel and Haenszel's test; ltv, mean, nrr and grr by the
        difference of the cohorts' ratios over its standard error, with the same kind of weights. Totals (sum,
        count) can't be compared.

        Parameters
        ----------
        correction
            Of the p-values for their number, over all pairs and ages: ``holm`` (chance of any false alarm),
            ``benjamini_hochberg`` (share of false ones among the alarms) or ``none``.

        Returns
        -------
        frame
            segment, other, k, n, n_other, rate, rate_other (or value, value_other), statistic, p_value,
            p_adjusted, correction. Customers and rates are pooled over the cohorts that both have.
        """
        core = self._core
        found = core.compare(correction)
        names = core.segments
        value = "value" if core.measure in ("ltv", "mean") else "rate"
        numbers = (value, f"{value}_other", "statistic", "p_value", "p_adjusted")
        table = Table(
            [
                ("segment", Column.of_strings([names[one[0]] for one in found])),
                ("other", Column.of_strings([names[one[1]] for one in found])),
                ("k", self._ages_of([one[2] for one in found])),
                ("n", _typed([one[3] for one in found], "int64")),
                ("n_other", _typed([one[4] for one in found], "int64")),
                *((name, _typed([one[i] for one in found], "float64")) for i, name in enumerate(numbers, 5)),
                ("correction", Column.of_strings([correction] * len(found))),
            ]
        )
        return _frame.like(table, self.source)

    def _ages_of(self, places: Sequence[int]) -> Column:
        core = self._core
        if core.measure == "bracket":
            return Column.of_strings([core.ages[place] for place in places])
        return _typed([core.first_age[place] for place in places], "int64")

    @checked
    def plot(self, kind: str = "heatmap", *, segment: str | None = None, cac: Any = None) -> Picture:
        """Draw the grid: a `Picture`.

        Parameters
        ----------
        kind
            ``heatmap``: cells by cohort and age; blank = not begun, dashed = in progress, ringed = zero.
            ``curves``: the weighted mean by age (of totals the simple one) with its interval, one line a
            segment; below, the customers whose cohort has reached the age.
            ``triangle``: customers active as numbers. ``ltv``: cumulative amounts a customer of the oldest
            cohort, the youngest and some between, dashed where in progress, with `cac` as a line that is met
            as `payback` has it; for the measure ltv.
        """
        from salesops.cohort import _curves, _pictures

        drawn = {
            "heatmap": lambda: _pictures.heatmap(self, self._segment(segment)),
            "curves": lambda: _curves.curves(self),
            "triangle": lambda: _pictures.triangle(self, self._segment(segment)),
            "ltv": lambda: _curves.ltv(self, self._segment(segment), cac),
        }
        if kind not in drawn:
            raise UsageError(f"kind is one of {', '.join(drawn)}, not {kind!r}")
        if cac is not None and kind != "ltv":
            raise UsageError(f"cac is for kind='ltv', not {kind!r}")
        if segment is not None and kind == "curves":
            raise UsageError("segment: curves draw all segments, a line each")
        return drawn[kind]()

    # ---- prints ----

    def __repr__(self) -> str:
        from salesops.plot.base import aligned

        core = self._core
        cohorts, ages, sizes, values, states = core.cohorts, core.ages, core.size, core.value, core.state
        lines = [self._headline()]
        for s, segment in enumerate(core.segments if cohorts else []):
            grid = [["cohort", "size", *ages[:SHOWN]]]
            for c, cohort in enumerate(cohorts[:SHOWN]):
                row = s * len(cohorts) + c
                cells = range(row * len(ages), row * len(ages) + len(ages[:SHOWN]))
                grid.append([cohort, f"{sizes[row]:,}", *(self._cell(values[i], states[i]) for i in cells)])
            if segment:
                lines.append(f"{self._named(s)}:")
            lines += aligned(grid)
        if len(cohorts) > SHOWN or len(ages) > SHOWN:
            lines.append(f"… {len(cohorts)} cohorts × {len(ages)} ages in all")
        if "in_progress" in states:
            lines.append("* in progress")
        if "may_grow" in states:
            lines.append("+ may still grow")
        return "\n".join(lines)

    def _cell(self, value: float, state: str) -> str:
        if state == "unobserved":
            return ""
        if value != value:
            return "–" + MARKS[state]
        text = (
            percent(value)
            if self.measure in RATES
            else f"{value:,.4g}"
            if abs(value) < 1000
            else f"{value:,.0f}"
        )
        return text + MARKS[state]

    def _headline(self) -> str:
        core = self._core
        text = f"<Retention ({core.measure}: {self.definition}): "
        if not core.cohorts:
            why = f"{self._why_none()}{told_issues(core.issues)}{self._told_notes()}"
            return f"{text}no customer in a cohort: {why}>"
        text += (
            f"{counted(core.customers, 'customer')} in {counted(len(core.cohorts), 'cohort')} by "
            f"{_length(core)}, {core.zone}, as of {known_at(core):%Y-%m-%d %H:%M} UTC"
        )
        if core.older:
            text += f"; {core.older:,} older than the log"
        if core.outside:
            text += f"; {core.outside:,} never began"
        return f"{text}{told_issues(core.issues)}{self._told_notes()}>"

    def _told_notes(self) -> str:
        return "".join(f". {note}" for note in self._notes)

    def _why_none(self) -> str:
        """Why there is no cohort."""
        core = self._core
        if not core.older and not core.outside:
            return no_rows(core)
        older = f"{counted(core.older, 'customer')} older than the log" if core.older else ""
        outside = (
            f"{counted(core.outside, 'customer')} without an event that begins one" if core.outside else ""
        )
        return ", ".join(filter(None, (older, outside)))

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self._headline())}</p>" + _frame.to_html(self._wide("value", True), 50)


def known_at(core: Any) -> dt.datetime | None:
    """The last instant that is known, of a grid or a lifecycle; None where no row has a time."""
    # Without a row nothing is known, and the core's instant is where it counts from.
    return EPOCH + dt.timedelta(microseconds=core.as_of) if core.starts or core.as_of else None


def no_rows(core: Any, what: str = "no row has a customer and a time") -> str:
    """What there is none of, in a grid or a lifecycle without any."""
    at = known_at(core)
    if at is None and not len(core.issues):
        return "there are no rows"
    return what if at is None else f"{what} up to {at:%Y-%m-%d %H:%M} UTC"


def told_issues(issues: Issues) -> str:
    """How many issues there are of each rule, as the end of a line."""
    if not len(issues):
        return ""
    notes = _frame.to_dict(issues.summary())
    return "; " + ", ".join(f"{n:,} {rule}" for n, rule in zip(notes["n"], notes["rule"], strict=True))


def _length(core: Any) -> str:
    return "block of days" if core.every == "days" else str(core.every)


def _typed(values: Sequence[Any], kind: str) -> Column:
    """A column of one type whatever is in it; None is null."""
    import numpy as np

    if kind == "string":
        return Column.of_strings(values)
    valid = np.array([value is not None for value in values], dtype=bool)
    return Column.of(kind, np.array([0 if v is None else v for v in values], dtype=kind), valid)


def _nearest(label: Any, cohorts: Sequence[str]) -> str:
    """The cohort that a label meant, else how cohorts are labelled."""
    padded = re.sub(r"\d+", lambda digits: digits[0].zfill(2), str(label))
    span = f"; they go from {cohorts[0]!r} to {cohorts[-1]!r}" if cohorts else "; there are none"
    return meant(padded, cohorts) or span


def cost_of(cac: Any, wanted: str = "a number, or a dict of cohort labels to numbers") -> float:
    """A cost in major units; `UsageError` for what is none."""
    if not isinstance(cac, numbers.Real | Decimal) or is_missing(cac):
        raise UsageError(f"cac: need {wanted}, not {'NaN' if cac != cac else type(cac).__name__}")
    cost = number(cac, "cac")
    if not 0 <= cost < math.inf:
        raise UsageError(f"cac: need {wanted}, of 0 or more")
    return float(cost)
