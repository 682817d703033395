"""KPIs with honest definitions: one function each, all in the same shape."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from salesops._arguments import checked
from salesops._core import kpi as _kpi
from salesops._core.error import UsageError
from salesops._frame import of_kind as frame
from salesops._names import NoAnswerError, listing, meant
from salesops._progress import Progress, Wanted, shown
from salesops.crm import Crm, core_of, timestamp
from salesops.kpi.ask import (
    Period,
    Where,
    as_of_text,
    number_text,
    options_of,
    unit_text,
    where_text,
    zones_of,
)
from salesops.kpi.cards import Scorecard, ScorecardState, level_text, scorecard
from salesops.kpi.described import docstring, signature
from salesops.plot.base import aligned, plain

if TYPE_CHECKING:
    from salesops._core.table import Table
    from salesops.plot import Picture

__all__ = [
    "Catalogue",
    "KpiResult",
    "Scorecard",
    "ScorecardState",
    "activity",
    "arpa",
    "attainment",
    "attainment_distribution",
    "average_deal",
    "cac",
    "cac_payback",
    "catalogue",
    "clv_simple",
    "concentration",
    "forecast_rollup",
    "funnel",
    "hygiene",
    "idle_share",
    "lead_conversion",
    "lead_response_time",
    "linearity",
    "logo_churn",
    "logo_retention",
    "loss_reasons",
    "ltv_cac",
    "pipeline_coverage",
    "pipeline_created",
    "pushes",
    "ratio",
    "response_bands",
    "sales_cycle",
    "scorecard",
    "sla_compliance",
    "slippage",
    "snapshot_yield",
    "stage_conversion",
    "stage_regression",
    "time_in_stage",
    "velocity",
    "weighted_pipeline",
    "win_rate",
]
__dir__ = listing(__name__)


# Details that are shares, whatever the unit of the number.
_SHARES = {
    "churn",
    "cumulative",
    "discount",
    "duplicates",
    "expected",
    "never",
    "null_share",
    "of_members_quota",
    "top_20_share",
    "survival",
    "top_1",
    "top_5",
    "win_rate",
    "won_share",
}
# What an ungrouped result has beside what all have.
_FIELDS = (
    "value",
    "numerator",
    "denominator",
    "n",
    "censored",
    "excluded",
    "low",
    "high",
    "interval_note",
    "state",
    "details",
)
FEW = 10  # rows below which an interval says how little it rests on


class KpiResult:
    """What a KPI answers: the number, and everything it rests on.

    Ungrouped results have ``value``, ``numerator``, ``denominator``, ``n``, ``censored``, ``excluded``,
    ``low``, ``high``, ``state`` and ``details``; grouped ones are read with ``to_frame()``. Both have
    ``ids``.
    """

    def __init__(self, core: _kpi.Result, crm: Crm, listed: bool = False) -> None:
        self._core = core
        self._crm: Crm | None = crm
        self._listed = listed
        self._keys: list[list[str]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the book behind; keys of rows are looked up in it before."""
        return vars(self) | {"_crm": None, "_keys": self._found() if self._listed else None}

    def _found(self) -> list[list[str]]:
        """Keys of the rows behind each metric."""
        if self._keys is None:
            self._keys = _kpi.ids_of(core_of(self._crm, self.name), self._core)
        return self._keys

    def __getattr__(self, name: str) -> Any:
        if name in _FIELDS:
            return getattr(self._single(), name)
        # Where a property has no answer Python asks here, and would lose what it said.
        if isinstance(own := getattr(type(self), name, None), property):
            return own.__get__(self)
        # `dir` looks at what an object that is just being copied lacks.
        near = "" if name.startswith("_") else meant(name, dir(self))
        raise AttributeError(f"{type(self).__name__} has no '{name}'{near}")

    def __dir__(self) -> list[str]:
        names = [name for name in object.__dir__(self) if not name.startswith("_")]
        return sorted(names if self._grouped() else [*names, *_FIELDS])

    def _grouped(self) -> bool:
        return bool(self._core.by) or len(self._core.metrics) != 1

    def _single(self) -> _kpi.Metric:
        if self._grouped():
            raise NoAnswerError(
                f"{self.name} is grouped by {', '.join(self.by)}: read its rows with .to_frame()"
            )
        return self._core.metrics[0]

    @property
    def name(self) -> str:
        """Name of the KPI."""
        return self._core.name

    @property
    def definition(self) -> str:
        """What was computed, in words."""
        return self._core.definition

    @property
    def unit(self) -> str:
        """Unit of the value."""
        return self._core.unit

    @property
    def mode(self) -> str:
        """Which rows belong to a period."""
        return self._core.mode

    @property
    def period(self) -> str:
        """The periods asked for."""
        return self._core.period

    @property
    def as_of(self) -> dt.datetime:
        """What the book knew."""
        return timestamp(self._core.as_of)

    @property
    def by(self) -> list[str]:
        """The columns of the groups."""
        return list(self._core.by)

    @property
    def warnings(self) -> list[str]:
        """What to know before using the number."""
        return list(self._core.warnings)

    @property
    def ids(self) -> Any:
        """Keys of the rows behind the number, a list; `UsageError` unless asked with ``ids=True``.

        A grouped result gives a dict of such lists. Its keys are the groups: a text or None, or a tuple of
        them where there are several columns in ``by``.
        """
        if not self._listed:
            raise NoAnswerError(f"{self.name}: rows are listed where asked with ids=True")
        ids = self._found()
        if not self._core.by:
            self._single()
            return ids[0]
        groups = self._core.to_table()
        columns = groups.select(groups.names[: len(self._core.by)]).to_dict()
        names = zip(*columns.values(), strict=True)
        return {name if len(name) > 1 else name[0]: keys for name, keys in zip(names, ids, strict=True)}

    def to_table(self) -> Table:
        """One row a group, as a plain table."""
        return self._core.to_table()

    def to_frame(self, kind: str | None = None) -> Any:
        """One row a group, as a pandas (default, if installed), ``"polars"`` or ``"pyarrow"`` frame."""
        return frame(self._core.to_table(), kind)

    def plot(self) -> Picture:
        """Groups of one column with their intervals, or periods as a line; needs the extra [plot]."""
        from salesops.plot.answer import answer

        return answer(self)

    def _repr_html_(self) -> str:
        from html import escape

        from salesops._frame import to_html

        head = self._head()
        if self._grouped():
            return (
                f"<p><b>{escape(head)}</b><br>{escape(self.definition)}</p>{to_html(self._core.to_table())}"
            )
        lines = map(escape, self._words())
        return f"<p>{escape(head)}<br><b>{escape(self._value_line())}</b><br>{'<br>'.join(lines)}</p>"

    def _head(self) -> str:
        return f"{self.name} · {self.period} · {self.mode} · {as_of_text(self.as_of)}"

    def _words(self) -> list[str]:
        return [self.definition, *(f"! {warning}" for warning in self.warnings)]

    def _lines(self, rows: int = 20, width: int = 80) -> list[str]:
        """The groups as people read them, as far as the width goes; then what is left to ask for."""
        table = self._core.to_table()
        shown = table.slice(0, min(table.num_rows, rows)).to_dict()
        unit, name, level = self.unit, self.name, f"{self._core.level:g}"
        low, high = (f"{name}_{end}_{level}" for end in ("lo", "hi"))
        places = list(shown)
        # The columns of the groups stand first.
        columns = [
            [heading, *(plain(f"no {heading}" if cell is None else cell, 30) for cell in shown[heading])]
            for heading in places[: places.index(name)]
        ]
        wide, few_rows = max(len(columns), 1), False
        columns.append(
            [f"{name} {unit_text(unit)}".rstrip(), *(number_text(value, unit) for value in shown[name])]
        )
        if low in shown and any(end is not None for end in shown[low]):
            ends = zip(shown[low], shown[high], strict=True)
            told = [
                metric.interval_note.endswith(f"fewer than {FEW} rows")
                for metric in self._core.metrics[:rows]
            ]
            few_rows = any(told)
            marks = ["*" if few else " " * few_rows for few in told]
            columns.append(
                [
                    f"{level} %",
                    *(
                        "" if a is None else f"{number_text(a, unit)} to {number_text(b, unit)}{few}"
                        for (a, b), few in zip(ends, marks, strict=True)
                    ),
                ]
            )
        others = [place for place in places[places.index(name) + 1 :] if place not in (low, high)]
        known = {"n": "n", "censored": "still open", "excluded": "left out"}
        for place in (place for place in others if place in known):
            if place == "n" or any(shown[place]):
                columns.append(
                    [known[place], *(f"{n:,.0f}" if n or place == "n" else "" for n in shown[place])]
                )
        more, parts = [], ("numerator", "denominator")
        for place in sorted((place for place in others if place not in known), key=lambda one: one in parts):
            of = "share" if place in _SHARES else ""
            cells = [cell if isinstance(cell, str) else number_text(cell, of) for cell in shown[place]]
            column = [place.replace("_", " "), *cells]
            used = sum(2 + max(map(len, each)) for each in columns) - 2
            if used + 2 + max(map(len, column)) > width:
                more.append(place)
            else:
                columns.append(column)
        lines = aligned([list(line) for line in zip(*columns, strict=True)], left=wide)
        if table.num_rows > rows:
            left = table.num_rows - rows
            lines.append(f"… {left:,} more {'group' if left == 1 else 'groups'}")
        if few_rows:
            lines.append(f"* fewer than {FEW} rows")
        if more:
            lines += textwrap.wrap(f"also in .to_frame(): {', '.join(more)}", width)
        return lines

    def _value_line(self) -> str:
        """The one number, its interval, what it rests on."""
        metric = self._single()
        unit = self.unit
        line = f"{number_text(metric.value, unit)} {unit_text(unit)}".rstrip()
        if metric.low is not None:
            low, high = number_text(metric.low, unit), number_text(metric.high, unit)
            line += f"  [{low}, {high}] at {level_text(self._core.level)} %"
            line += f", of fewer than {FEW} rows" if metric.interval_note.endswith(f"{FEW} rows") else ""
        line += f"  = {metric.numerator:,.10g} ÷ {metric.denominator:,.10g}, n {metric.n:,}"
        if metric.censored:
            line += f", {metric.censored:,} still open"
        for reason, rows in metric.excluded.items():
            line += f", {rows:,} {reason.replace('_', ' ')}"
        return line + (f" ({metric.state})" if metric.state else "")

    def __repr__(self) -> str:
        return self.to_text()

    @checked
    def to_text(self, rows: int = 20) -> str:
        """The answer as people read it, in 80 columns; of groups the first `rows`."""
        one = textwrap.wrap("" if self._grouped() else self._value_line(), 80, subsequent_indent="  ")
        body = self._lines(max(rows, 0)) if self._grouped() else one
        texts = [textwrap.fill(text, 80, subsequent_indent="  ") for text in (self._head(), *self._words())]
        return "\n".join([texts[0], *body, *texts[1:]])


_catalogue = _kpi.catalogue().to_dict()
# What each built-in KPI heeds beside the options that all of them have.
_own_options = {
    name: listed.split() for name, listed in zip(_catalogue["name"], _catalogue["options"], strict=True)
}
_some_options = {option for listed in _own_options.values() for option in listed}


_rows = {
    name: dict(zip(_catalogue, cells, strict=True))
    for name, *cells in zip(_catalogue["name"], *_catalogue.values(), strict=True)
}


def _make(name: str) -> Callable[..., KpiResult]:
    return _wrap(name, getattr(_kpi, name), docstring(_rows[name]), _own_options[name])


def _wrap(
    name: str, compute: Callable[..., _kpi.Result], text: str | None, own: list[str]
) -> Callable[..., KpiResult]:
    def function(
        crm: Crm,
        *,
        where: Where = None,
        by: str | Iterable[str] = (),
        period: Period = None,
        mode: str | None = None,
        weight: str | None = None,
        level: float = 95,
        as_of: Any = None,
        ids: bool = False,
        progress: Wanted = None,
        **options: Any,
    ) -> KpiResult:
        core = core_of(crm, name)
        for option, value in options.items():
            if value is not None and option in _some_options and option not in own:
                known = f"; of its own it has {', '.join(own)}" if own else ""
                raise UsageError(f"{name} has no option '{option}'{known}")
        given = {"where": where, "by": by, "period": period, "mode": mode, "weight": weight, "level": level}
        given |= {"as_of": as_of, "keep_rows": ids, **options}
        if isinstance(path := options.get("hours_of"), str):
            given.setdefault("zones", zones_of(crm, path))
        asked = options_of(given)
        with shown(progress, name.replace("_", " ")) as tell:
            return KpiResult(compute(core, asked, tell), crm, bool(ids))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    function.__signature__ = signature(function, own)  # type: ignore[attr-defined]
    return function


win_rate = _make("win_rate")
lead_conversion = _make("lead_conversion")
lead_response_time = _make("lead_response_time")
sla_compliance = _make("sla_compliance")
response_bands = _make("response_bands")
funnel = _make("funnel")
activity = _make("activity")
logo_churn = _make("logo_churn")
logo_retention = _make("logo_retention")
arpa = _make("arpa")
clv_simple = _make("clv_simple")
cac = _make("cac")
ltv_cac = _make("ltv_cac")
cac_payback = _make("cac_payback")
sales_cycle = _make("sales_cycle")
average_deal = _make("average_deal")
velocity = _make("velocity")
loss_reasons = _make("loss_reasons")
linearity = _make("linearity")
concentration = _make("concentration")
stage_conversion = _make("stage_conversion")
time_in_stage = _make("time_in_stage")
stage_regression = _make("stage_regression")
slippage = _make("slippage")
pushes = _make("pushes")
pipeline_created = _make("pipeline_created")
weighted_pipeline = _make("weighted_pipeline")
pipeline_coverage = _make("pipeline_coverage")
forecast_rollup = _make("forecast_rollup")
idle_share = _make("idle_share")
snapshot_yield = _make("snapshot_yield")
hygiene = _make("hygiene")
attainment = _make("attainment")
attainment_distribution = _make("attainment_distribution")


_ratios: dict[str, tuple[str, str, str, str]] = {}


@checked
def ratio(
    name: str,
    *,
    numerator: Where = None,
    denominator: Where = None,
    table: str = "opportunity",
    time: str = "closed_at",
    value: str | None = None,
) -> Callable[..., KpiResult]:
    """Make a KPI of one's own: rows that two expressions choose, one over the other.

    Parameters
    ----------
    name
        Name of the KPI in results and in :func:`catalogue`.
    numerator, denominator
        Expressions, or dicts of column to value; the numerator counts among the denominator's rows.
    table
        Table of the rows.
    time
        Column that places a row in a period.
    value
        Column to add up instead of counting rows. Amounts that aren't positive are left out and counted.

    Returns
    -------
    callable
        Asked like a built-in KPI: ``by``, ``period``, ``where``, ``as_of``, …, with a ``value`` also
        ``allow_negative``.

    Examples
    --------
    >>> import salesops as so
    >>> big = so.kpi.ratio("big_wins", numerator="is_won", denominator="amount >= 10000")
    >>> crm = so.crm.Crm.build(so.datasets.sample_tables(deals=200))
    >>> 0 < big(crm).value < 1
    True
    """
    if not name:
        raise UsageError("ratio: the KPI needs a name")
    if name in _own_options:
        raise UsageError(f"ratio: '{name}' is a built-in KPI; give your own another name")
    definition = {"name": name, "numerator": where_text(numerator), "denominator": where_text(denominator)}
    definition |= {"table": table, "at": time, "value": value or ""}

    def compute(crm: Any, options: _kpi.Options, tell: Progress | None) -> _kpi.Result:
        return _kpi.ratio(crm, definition, options, tell)

    what = value or "rows"
    formula = " ÷ ".join(
        what + (f" where {definition[part]}" if definition[part] else "")
        for part in ("numerator", "denominator")
    )
    mode = "created_cohort" if time == "created_at" else "closed_in_period"
    own = ["allow_negative"] if value else []
    _ratios[name] = (formula, mode, " ".join(own), f"{table}.{time}" + (f" {table}.{value}" if value else ""))
    return _wrap(name, compute, f"Share: {formula}.", own)


class Catalogue:
    """All KPIs, one row each: name, title, formula, unit, modes, weights, options, needs, source."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def to_table(self) -> Table:
        """One row a KPI, as a plain table."""
        return self._table

    def to_frame(self, kind: str | None = None) -> Any:
        """One row a KPI, as a pandas (default, if installed), ``"polars"`` or ``"pyarrow"`` frame."""
        return frame(self._table, kind)

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        columns = self._table.select(["name", "unit", "formula"]).to_dict()
        lines = [f"{len(self)} KPIs; their modes, options and needs are in .to_frame()"]
        for name, unit, formula in zip(*columns.values(), strict=True):
            lines += textwrap.wrap(f"{name} ({unit}): {formula}", 80, subsequent_indent="  ")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from salesops._frame import to_html

        return to_html(self._table, len(self))


def catalogue() -> Catalogue:
    """All KPIs as data: what each is, what it can be asked, which columns it needs.

    Modes, weights, options of its own and columns are words with a space between; the unit "money" stands
    for the book's currency.

    Examples
    --------
    >>> import salesops as so
    >>> "win_rate" in so.kpi.catalogue().to_table().to_dict()["name"]
    True
    """
    from salesops._core.table import Table

    columns = {name: list(values) for name, values in _catalogue.items()}
    for name, (formula, mode, options, needs) in _ratios.items():
        row = {
            "name": name,
            "title": name.replace("_", " ").capitalize(),
            "formula": formula,
            "unit": "share",
        }
        row |= {"default_mode": mode, "modes": mode, "weights": "count", "options": options}
        row |= {"needs": needs, "source": "kpi.ratio"}
        for column, value in row.items():
            columns[column].append(value)
    return Catalogue(Table.from_columns(columns))
