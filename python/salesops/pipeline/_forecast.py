"""What deals will book; how good that forecast was; why the pipeline moved."""

from __future__ import annotations

import datetime as dt
import html
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._arguments import checked, pair
from salesops._core import pipeline as _core
from salesops._core.crm import data_model
from salesops._core.error import UsageError
from salesops._progress import Wanted, shown
from salesops.calendar import time_zone
from salesops.crm import core_of, day_in, instant, timestamp
from salesops.plot.base import NO_CURRENCY, aligned, counted, odds, plain
from salesops.scenario import Scenario, levels_of, minor_per_major

if TYPE_CHECKING:
    from salesops._core.calendar import TimeZone
    from salesops._core.table import Table
    from salesops.crm import Crm
    from salesops.plot import Picture


Period = str | tuple[Any, Any] | None
DAY = 86_400_000_000


def _frame_of(table: Table, kind: str | None) -> Any:
    from salesops._frame import of_kind as frame

    return frame(table, kind)


def _unit(currency: str) -> str:
    """A currency as it stands beside amounts: nothing where the book names none."""
    return "" if currency == NO_CURRENCY else currency


def _span(period: Period, as_of: int, calendar: Any, zone: TimeZone) -> tuple[int, int]:
    if period is None or isinstance(period, str):
        from salesops.calendar import FiscalCalendar

        fiscal = FiscalCalendar.given(calendar)
        found = fiscal.parse_period(period or "this quarter", as_of=day_in(as_of, zone))
        if len(found) != 1:
            raise UsageError(f"period: '{period}' is {len(found)} periods; a forecast is of one")
        period = found[0].start, found[0].end
    start, end = pair(period, "period")
    return instant(start, "period", zone), instant(end, "period", zone)


def _check_currency(book: Any, currency: str) -> None:
    """Refuse a currency that no deal has."""
    if not currency or "opportunity" not in book.tables:
        return
    deals = book.table("opportunity")
    known = sorted(deals.column("currency").dictionary) if deals.has("currency") else []
    if known and currency not in known:
        raise UsageError(f"currency: no deal has '{currency[:16]}'; the deals have {', '.join(known[:12])}")


def _options(
    *,
    level: float | Sequence[float],
    draws: int,
    seed: int,
    measure: str,
    currency: str,
    allow_current: Iterable[str],
    adjust: bool,
    threads: int,
) -> _core.Options:
    known = {f"{table}.{column}" for table, column, *_ in data_model()}
    for name in allow_current:
        if name not in known:
            raise UsageError(f"allow_current: '{name}' is no \"table.column\" of the data model")
    return _core.Options(
        measure, levels_of(level), draws, seed, currency, list(allow_current), adjust, threads
    )


@checked
def forecast(
    crm: Crm,
    as_of: Any = None,
    period: Period = None,
    *,
    level: float | Sequence[float] = 80,
    draws: int = 2000,
    seed: int = 1,
    measure: str = "bookings",
    currency: str = "",
    calendar: Any = None,
    zone: Any = None,
    allow_current: Iterable[str] = (),
    adjust: bool = True,
    threads: int = 0,
    progress: Wanted = None,
) -> Forecast:
    """Forecast a period's bookings by rep, team and in all.

    Parameters
    ----------
    crm
        The book.
    as_of
        Only what was known then is used; by default the book's latest instant.
    period
        ``"FY26-Q3"``, ``"next quarter"``, ``(start, end)``; by default the quarter that holds `as_of`.
    level
        Percent of the intervals, one or several.
    draws, seed
        Futures simulated; equal seeds give equal futures.
    measure
        ``"bookings"`` adds amounts, ``"wins"`` counts won deals.
    currency
        Only the deals of this currency.
    calendar
        A `FiscalCalendar` for `period`; by default calendar quarters.
    zone
        Time zone in which days begin: those of `period`, and an `as_of` that is a day; UTC by default.
    allow_current
        Columns without a history that may be used as they are today, e.g. ``"opportunity.amount"``.
    adjust
        Correct by what earlier periods taught.
    threads
        0 takes the CPUs this process may use.
    progress
        Called now and then with the share done, 0 to 1. None shows a bar when the work is long and standard
        error is a terminal or a notebook; False shows none.

    Examples
    --------
    >>> import salesops as so
    >>> crm = so.datasets.sample_crm(seed=7, deals=500)
    >>> result = so.pipeline.forecast(crm, as_of="2025-08-01", draws=500)
    >>> result.to_frame("pyarrow").num_rows > 5
    True
    """
    clock = time_zone(zone)
    book = core_of(crm, "forecast").with_days_in(clock)
    _check_currency(book, currency)
    now = None if as_of is None else instant(as_of, zone=clock)
    options = _options(
        level=level,
        draws=draws,
        seed=seed,
        measure=measure,
        currency=currency,
        allow_current=allow_current,
        adjust=adjust,
        threads=threads,
    )
    span = _span(period, book.latest if now is None else now, calendar, clock)
    with shown(progress, "forecasting") as tell:
        return Forecast(_core.forecast(book, now, span, options, tell), book, options, clock)


class Forecast:
    """The distribution of a period's bookings; see `forecast`."""

    def __init__(self, core: _core.Forecast, book: Any, options: _core.Options, zone: TimeZone) -> None:
        self._core = core
        self._book = book
        self._options = options
        self._zone = zone

    def __getstate__(self) -> dict[str, Any]:
        """Leave the book behind, which `backtest` alone asks."""
        return vars(self) | {"_book": None, "_options": None}

    @property
    def as_of(self) -> dt.datetime:
        """What the book knew."""
        return timestamp(self._core.as_of)

    @property
    def period(self) -> tuple[dt.date, dt.date]:
        """First day, and the day after the last."""
        start, end = self._core.period
        return day_in(start, self._zone), day_in(end, self._zone)

    @property
    def scenario(self) -> Scenario:
        """All draws."""
        return Scenario(self._core.scenario)

    @property
    def fit(self) -> _core.Fit:
        """What the forecast rests on: rates by stage, spread, corrections."""
        return self._core.fit

    @property
    def notes(self) -> list[str]:
        """What to know before using the numbers."""
        return list(self._core.notes)

    def summary(self) -> str:
        """The answer in one sentence."""
        return self._core.summary()

    def to_frame(self, kind: str | None = None) -> Any:
        """One row a holder: won to date, expected, interval, quota, probability to reach it.

        ``p_attain`` is of what all of the holder's members book; against a sum of reps' quotas, of what the
        reps that have one book.
        """
        return _frame_of(self._core.holders, kind)

    def deals(self, kind: str | None = None) -> Any:
        """One row an open deal: chance to be won in the period, expected booking."""
        return _frame_of(self._core.deals, kind)

    @checked
    def backtest(
        self, periods: int = 8, *, months: int = 3, weeks: Sequence[int] = (0,), progress: Wanted = None
    ) -> Backtest:
        """How good the same forecast would have been in past periods; of a pickled one see `backtest`."""
        if self._book is None:
            raise UsageError("this forecast was pickled without its book: ask pipeline.backtest(crm)")
        with shown(progress, "backtesting") as tell:
            return Backtest(_core.backtest(self._book, periods, months, list(weeks), self._options, tell))

    def _lines(self, reps: bool) -> list[str]:
        rows = _frame.to_dict(self._core.holders)
        level = f"{self._core.levels[0]:g}"
        heads = ["", "won", "expected", f"{level} % from", "to", "quota", "chance"]
        lines = [heads]
        for i, kind in enumerate(rows["holder_type"]):
            if kind == "rep" and not reps:
                continue
            amounts = [f"{rows[name][i]:,.0f}" for name in ("won_to_date", "bookings_mean")]
            amounts += [f"{rows[f'bookings_{end}_{level}'][i]:,.0f}" for end in ("lo", "hi")]
            quota, chance = rows["quota"][i], rows["p_attain"][i]
            reach = ["", ""] if quota is None else [f"{quota:,.0f}", odds(chance)]
            name = rows["holder_id"][i] or ("without owner" if kind == "rep" else "")
            lines.append([plain(f"{kind} {name}".strip(), 24), *amounts, *reach])
        return aligned(lines)

    def to_text(self, *, reps: bool = False) -> str:
        """The answer, what it rests on, and a line a team and company, or also a rep."""
        fit = self.fit
        basis = (
            f"as of {self.as_of:%Y-%m-%d}; "
            f"{counted(self._core.open_deals, 'open deal')}, {self._core.won_deals:,} won in the period; "
            f"rates from {counted(fit.won, 'win')} and {fit.lost:,} lost; "
            f"{self._core.scenario.draws:,} draws"
        )
        notes = (textwrap.fill(f"! {note}", 80, subsequent_indent="  ") for note in self.notes)
        head = [textwrap.fill(self.summary(), 80), textwrap.fill(basis, 80), ""]
        return "\n".join([*head, *self._lines(reps), *notes])

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f"<p><b>{html.escape(self.summary())}</b></p>{_frame.to_html(self._core.holders, 60)}"
            f"<p>as of {self.as_of:%Y-%m-%d}, {self._core.open_deals:,} open deals, "
            f"{self._core.scenario.draws:,} draws</p><ul>{notes}</ul>"
        )

    def plot(self, holder: str | tuple[str, str] = "company") -> Picture:
        """Bookings to date and the fan to the period's end, against the quota; needs the extra [plot]."""
        from salesops import plot

        kind, name = self.scenario._holder(holder)
        row = self._row((kind, name))
        currency, level = self._core.scenario.currency, self._core.levels[0]
        unit = _unit(currency) if currency else "wins"
        fan, today = self._fan(holder), self.as_of.date()
        known = [(one["day"], one["mean"]) for one in fan if one["day"] <= max(today, self.period[0])]
        if known[-1][0] < today:
            known.append((min(today, self.period[1]), row["won_to_date"]))
        low, mean, high = (row[f"bookings_{part}"] for part in (f"lo_{level:g}", "mean", f"hi_{level:g}"))
        range_text = f"{plot.compact(low, unit)} to {plot.compact(high, unit)}"
        who = "" if kind == "company" else f" of {kind} {plot.plain(name)}"
        reach = "" if row["quota"] is None else f"; {odds(row['p_attain'])} likely to reach the quota"
        numbers = {"won to date": row["won_to_date"], "low": low, "mean": mean, "high": high}
        numbers |= {} if row["quota"] is None else {"quota": row["quota"]}
        return plot.Picture(
            title=f"Bookings{who}: {range_text}{reach}",
            subtitle=f"Won so far, and where the total may stand: mean (dashed) and the range that holds it "
            f"with {level:g} %. As of {self.as_of:%Y-%m-%d}; {self._core.scenario.draws:,} draws.",
            alt="; ".join(f"{label} {plot.compact(value, unit)}" for label, value in numbers.items()),
            chart=plot.burn_up(
                known,
                [
                    (one["day"], one["low"], one["mean"], one["high"])
                    for one in fan
                    if one["day"] > known[-1][0]
                ],
                quota=row["quota"],
                unit=unit,
            ),
            columns=["", unit or "amount"],
            rows=[[label, f"{value:,.0f}"] for label, value in numbers.items()],
        )

    def _fan(self, holder: str | tuple[str, str]) -> list[dict[str, Any]]:
        import numpy as np

        scenario = self.scenario
        unit = minor_per_major(scenario.currency)
        tail = (100 - self._core.levels[0]) / 2
        sums = self._core.scenario.running(scenario._holder(holder)) / unit
        low, high = np.percentile(sums, [tail, 100 - tail], axis=1)
        days = [
            day_in(instant(at), self._zone)
            for at in (scenario.periods[0][0], *(p[1] for p in scenario.periods))
        ]
        start = {"day": days[0], "low": 0.0, "high": 0.0, "mean": 0.0}
        rows = [
            {"day": day, "low": float(low[i]), "high": float(high[i]), "mean": float(sums[i].mean())}
            for i, day in enumerate(days[1:])
        ]
        return [start, *rows]

    def _row(self, holder: tuple[str, str]) -> dict[str, Any]:
        columns = _frame.to_dict(self._core.holders)
        rows = (dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True))
        return next(row for row in rows if (row["holder_type"], row["holder_id"]) == holder)


@checked
def backtest(
    crm: Crm,
    periods: int = 8,
    *,
    months: int = 3,
    weeks: Sequence[int] = (0,),
    level: float = 80,
    draws: int = 2000,
    seed: int = 1,
    measure: str = "bookings",
    currency: str = "",
    allow_current: Iterable[str] = (),
    adjust: bool = True,
    threads: int = 0,
    progress: Wanted = None,
) -> Backtest:
    """Forecast past periods from what was known then, and hold it against what was won.

    Parameters
    ----------
    periods, months
        How many past periods, and how long each is.
    weeks
        Weeks into the period at which to forecast.

    Other parameters are those of `forecast`.

    Examples
    --------
    >>> import salesops as so
    >>> crm = so.datasets.sample_crm(seed=7, deals=500)
    >>> result = so.pipeline.backtest(crm, periods=4, draws=300)
    >>> result.coverage[0]["verdict"]
    'too few to judge'
    """
    options = _options(
        level=level,
        draws=draws,
        seed=seed,
        measure=measure,
        currency=currency,
        allow_current=allow_current,
        adjust=adjust,
        threads=threads,
    )
    book = core_of(crm, "backtest")
    _check_currency(book, currency)
    with shown(progress, "backtesting") as tell:
        return Backtest(_core.backtest(book, periods, months, list(weeks), options, tell))


class Backtest:
    """Past forecasts against what was won; see `backtest`."""

    def __init__(self, core: _core.Backtest) -> None:
        self._core = core

    @property
    def coverage(self) -> list[dict[str, Any]]:
        """Of each holder type: cells, covered, Clopper-Pearson 95 % interval, verdict."""
        return [
            {
                "holder_type": one.holder_type,
                "cells": one.cells,
                "covered": one.covered,
                "low": one.low,
                "high": one.high,
                "verdict": one.verdict,
            }
            for one in self._core.coverage
        ]

    @property
    def brier(self) -> float | None:
        """Mean squared error of the deals' chances."""
        return self._core.brier

    @property
    def naive_brier(self) -> float | None:
        """The same of the weighted pipeline."""
        return self._core.naive_brier

    @property
    def notes(self) -> list[str]:
        """What to know before using the numbers."""
        return list(self._core.notes)

    def summary(self) -> str:
        """The answer in one sentence."""
        return self._core.summary()

    def to_frame(self, kind: str | None = None) -> Any:
        """One row a period, as_of and holder: forecast, interval, actual, weighted pipeline."""
        return _frame_of(self._core.cells, kind)

    def accuracy(self, kind: str | None = None) -> Any:
        """Bias and WAPE by holder type, beside those of the weighted pipeline."""
        return _frame_of(self._core.accuracy, kind)

    def reliability(self, kind: str | None = None) -> Any:
        """Of each tenth of p_win: deals, mean chance, share won."""
        return _frame_of(self._core.reliability, kind)

    def __repr__(self) -> str:
        lines = [textwrap.fill(self.summary(), 80)]
        if self.brier is not None and self.naive_brier is not None:
            lines.append(
                f"Brier {self.brier:.4f} on {self._core.deals:,} open deals "
                f"(weighted pipeline {self.naive_brier:.4f})"
            )
        lines.append(self._core.accuracy.to_text(5))
        return "\n".join([*lines, *(f"! {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        return f"<p><b>{html.escape(self.summary())}</b></p>{_frame.to_html(self._core.accuracy)}"


def _day(value: Any, name: str) -> int | None:
    return None if value is None else instant(value, name) // DAY


@checked
def waterfall(
    crm: Crm,
    start: Any,
    end: Any = None,
    *,
    due: tuple[Any, Any] | None = None,
    owner: str | Iterable[str] = (),
    pipeline: str = "",
    currency: str = "",
    progress: Wanted = None,
) -> Waterfall:
    """Why the open pipeline is not what it was: start, what came, changed and went, end.

    Parameters
    ----------
    start, end
        The two instants; `end` is the book's latest by default.
    due
        Only deals expected to close in ``(first day, day after the last)``; either may be None.
    owner
        Only deals of these owners.
    pipeline, currency
        Only deals of this pipeline, of this currency.
    progress
        As for `forecast`.

    Examples
    --------
    >>> import salesops as so
    >>> crm = so.datasets.sample_crm(seed=7, deals=500)
    >>> so.pipeline.waterfall(crm, "2025-06-01", "2025-07-01").to_frame("pyarrow").num_rows
    15
    """
    book = core_of(crm, "waterfall")
    _check_currency(book, currency)
    first, last = pair(due or (None, None), "due")
    begin, finish = instant(start, "start"), book.latest if end is None else instant(end, "end")
    due_from, due_before = _day(first, "due"), _day(last, "due")
    with shown(progress, "following the pipeline") as tell:
        return Waterfall(
            _core.waterfall(book, begin, finish, due_from, due_before, list(owner), pipeline, currency, tell)
        )


class Waterfall:
    """Start, movements and end of the open pipeline; see `waterfall`."""

    def __init__(self, core: _core.Waterfall) -> None:
        self._core = core

    @property
    def period(self) -> tuple[dt.datetime, dt.datetime]:
        """The two instants."""
        start, end = self._core.period
        return timestamp(start), timestamp(end)

    @property
    def notes(self) -> list[str]:
        """What to know before using the numbers."""
        return list(self._core.notes)

    def to_frame(self, kind: str | None = None) -> Any:
        """One row a step: amount and deals."""
        return _frame_of(self._core.to_table(), kind)

    def details(self, kind: str | None = None) -> Any:
        """One row a deal and movement."""
        return _frame_of(self._core.details, kind)

    def _steps(self) -> list[tuple[str, float, int]]:
        rows = _frame.to_dict(self._core.to_table())
        steps = zip(rows["step"], rows["amount"], rows["deals"], strict=True)
        return [step for step in steps if step[2] or step[0] in ("start", "end")]

    def __repr__(self) -> str:
        start, end = self.period
        lines = [f"Open pipeline, {start:%Y-%m-%d} to {end:%Y-%m-%d} {_unit(self._core.currency)}".rstrip()]
        lines += [
            f"  {name:<11} {amount:>16,.0f}   {counted(deals, 'deal')}"
            for name, amount, deals in self._steps()
        ]
        return "\n".join([*lines, *(f"! {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        return _frame.to_html(self._core.to_table())

    def plot(self) -> Picture:
        """The steps as floating bars; needs the extra [plot]."""
        from salesops import plot

        unit, (start, end) = _unit(self._core.currency), self.period
        ends = {"start": f"open on {start.date()}", "end": f"open on {end.date()}"}
        rows: list[dict[str, Any]] = [
            {"label": ends.get(name, name.replace("_", " ")), "value": amount, "deals": deals}
            | {"kind": "total" if name in ends else "change"}
            for name, amount, deals in self._steps()
        ]
        change = rows[-1]["value"] - rows[0]["value"]
        # Of the steps that went the way the whole did: what grew a pipeline that shrank explains nothing.
        along = [row for row in rows[1:-1] if (row["value"] > 0) == (change >= 0)]
        largest = max(along, key=lambda row: abs(row["value"]), default=None)
        title = f"The pipeline {'grew' if change >= 0 else 'shrank'} by {plot.compact(abs(change), unit)}"
        return plot.Picture(
            title=title + (f"; the largest step was '{largest['label']}'" if largest else ""),
            subtitle="Open amount; the steps add up exactly.",
            alt="; ".join(f"{row['label']} {plot.compact(row['value'], unit)}" for row in rows),
            chart=plot.waterfall(rows, unit=unit),
            columns=["step", unit or "amount", "deals"],
            rows=[[row["label"], f"{row['value']:,.0f}", f"{row['deals']:,}"] for row in rows],
        )
