"""Pictures of cohorts, each with its finding, definition and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from salesops import plot
from salesops._core.error import UsageError
from salesops.plot.base import altair, ink, records

if TYPE_CHECKING:
    from salesops.cohort._grid import Retention

MOST_COHORTS = 36
MOST_AGES = 40
ROOMY = 14  # ages whose numbers have room for signs and three digits
COARSER = {"day": "week", "week": "month", "month": "quarter", "quarter": "year", "half": "year"}


def unit_of(grid: Retention) -> str:
    """How values are written."""
    from salesops.cohort._grid import RATES

    if grid.measure in RATES:
        return "share"
    return "count" if grid.measure == "count" else grid.currency or plot.NO_CURRENCY


def mean_of(grid: Retention) -> str:
    """Which mean of the cohorts is told: totals have no weights."""
    return "simple" if grid.measure in ("sum", "count") else "weighted"


def peopled(grid: Retention, segment: int) -> range:
    """The cohorts from the first to the last with customers."""
    core = grid._core
    if not core.cohorts:
        raise UsageError(f"no customer is in a cohort, so there is nothing to draw: {grid._why_none()}")
    begin = segment * len(core.cohorts)
    some = [c for c, size in enumerate(core.size[begin : begin + len(core.cohorts)]) if size]
    return range(some[0], some[-1] + 1) if some else range(len(core.cohorts))


def cells_of(grid: Retention, segment: int, last_cohorts: int) -> list[dict[str, Any]]:
    """The cells that have begun, of the latest cohorts with customers and the first ages."""
    core = grid._core
    cohorts, ages = core.cohorts, core.ages
    values, states, active = core.value, core.state, core.active
    made = []
    for c in peopled(grid, segment)[-last_cohorts:]:
        for k, age in enumerate(ages[:MOST_AGES]):
            cell = (segment * len(cohorts) + c) * len(ages) + k
            if states[cell] == "unobserved":
                continue
            value = values[cell]
            made.append(
                {
                    "cohort": cohorts[c],
                    "k": age,
                    "column": k,
                    "value": None if value != value else value,
                    "active": active[cell],
                    "state": states[cell],
                }
            )
    return made


def mean_row(grid: Retention, segment: int, last: int) -> list[dict[str, Any]]:
    """The mean of the cohorts by age as cells of a last row, where there are several cohorts."""
    if len(peopled(grid, segment)) < 2:
        return []
    mean, ages = mean_of(grid), grid._core.ages
    begin = segment * len(ages)
    pooled = grid._core.pooled_table().to_dict()[mean][begin : begin + last + 1]
    states = grid._pooled_states()[begin:]
    return [
        {"cohort": f"{mean} mean", "k": ages[k], "column": k, "value": value, "state": states[k]}
        for k, value in enumerate(pooled)
        if value is not None
    ]


def last_of(cells: list[dict[str, Any]]) -> int:
    """The last column drawn."""
    return max(int(cell["column"]) for cell in cells)


def told(grid: Retention, pooled: dict[str, Any], segment: int, last: int) -> tuple[list[int], bool]:
    """Ages after the start, up to the last drawn, whose mean is worth telling: of two cohorts or more.

    Where there is no such age, those of one cohort, and True.
    """
    core = grid._core
    known = {
        k: pooled["cohorts"][segment * len(core.ages) + k]
        for k, number in enumerate(core.first_age[: last + 1])
        if number > 0 and pooled[mean_of(grid)][segment * len(core.ages) + k] is not None
    }
    several = [k for k, cohorts in known.items() if cohorts > 1]
    return several or list(known), not several


def called(grid: Retention) -> str:
    """The measure as titles name it."""
    return grid.measure if mean_of(grid) == "weighted" else f"{grid.measure} (simple mean)"


def words_of(grid: Retention, segment: int, last: int) -> tuple[str, str]:
    """The finding (the mean at the first and the last age told) and the definition."""
    core = grid._core
    pooled = core.pooled_table().to_dict()
    name = f"{grid._named(segment)}: " if core.segments[segment] else ""
    ages, alone = told(grid, pooled, segment, last)
    mean = mean_of(grid)
    means = {k: pooled[mean][segment * len(core.ages) + k] for k in (ages[:1] + ages[-1:])}
    finding = ", ".join(
        f"{plot.compact(value, unit_of(grid))} {at_age(grid, k)}" for k, value in means.items()
    )
    if not finding:
        finding = "nothing is known after age 0"
    elif alone:
        finding += " (of one cohort)"
    length = "block of days" if core.every == "days" else core.every
    return (
        f"{name}{called(grid)} by {length}: {finding}",
        f"{grid.definition}; {mean} mean over all cohorts {whose(grid, length)}, as of "
        f"{grid.as_of:%Y-%m-%d}, {core.zone}.",
    )


def whose(grid: Retention, length: str) -> str:
    """Which cohorts are in a mean."""
    if grid.measure == "bracket":
        return "whose bracket is over"
    return "whose customers' windows are all over" if grid.measure == "window" else f"whose {length} is over"


def at_age(grid: Retention, place: int) -> str:
    """An age in a sentence."""
    kind = "window" if grid.measure == "window" else "ages" if "-" in grid.ages[place] else "age"
    return f"{'in' if kind == 'window' else 'at'} {kind} {grid.ages[place]}"


def cut(grid: Retention, segment: int, cells: list[dict[str, Any]], most: int = MOST_COHORTS) -> str:
    """What is drawn of what there is, in sentences; nothing where all is."""
    core, kept = grid._core, peopled(grid, segment)
    ages, cohorts = len(core.ages), len(core.cohorts)
    states = core.state[(segment * cohorts + kept.start) * ages : (segment * cohorts + kept.stop) * ages]
    begun = max(k for k in range(ages) if any(state != "unobserved" for state in states[k::ages]))
    first, last = (end(cell["column"] for cell in cells) for end in (min, max))
    parts = [f"the last {most:,} of {len(kept):,} cohorts"] if len(kept) > most else []
    if last < begun:
        parts.append(f"ages {core.ages[first]} to {core.ages[last]} of {core.ages[begun]}")
    words = f" Drawn: {', '.join(parts)}; {_fewer(grid)}." if parts else ""
    if len(kept) < cohorts:
        words += f" Left out: {plot.counted(cohorts - len(kept), 'period')} without new customers."
    return words


def _fewer(grid: Retention) -> str:
    """How to ask for a grid of fewer cells."""
    if grid.measure == "window":
        return "a longer window= has fewer"
    every = grid._core.every
    return f"every='{COARSER[every]}' has fewer" if every in COARSER else "longer blocks are fewer"


def table_of(cells: list[dict[str, Any]], text: Any) -> tuple[list[str], list[list[str]]]:
    """Cells as rows of texts, one a cohort; an empty column … where there are more ages."""
    every = list(dict.fromkeys(cell["k"] for cell in sorted(cells, key=lambda cell: cell["column"])))
    ages = every[:SHOWN] + ["…"] * (len(every) > SHOWN)
    rows: dict[str, dict[str, str]] = {}
    for cell in cells:
        rows.setdefault(cell["cohort"], {})[cell["k"]] = text(cell)
    return ["cohort", *ages], [[name, *(row.get(age, "") for age in ages)] for name, row in rows.items()]


SHOWN = 13


def heatmap(grid: Retention, segment: int) -> plot.Picture:
    """Cells by cohort and age, and means: blank has not begun, dashed is open, a ring is zero, + may grow."""
    alt = altair()
    unit = unit_of(grid)
    begun = cells_of(grid, segment, MOST_COHORTS)
    cells = begun + mean_row(grid, segment, last_of(begun))
    core = grid._core
    # Age 0 of shares is the whole cohort: it would drown the rest.
    whole = grid.measure in ("classic", "unbounded", "nrr", "grr_point", "grr_path")
    scaled = [c["value"] for c in cells if c["value"] is not None and not (whole and c["column"] == 0)]
    top = max([*(value for value in scaled if value > 0), 1e-12])
    ages = {cell["k"] for cell in cells}
    roomy = len(ages) <= ROOMY
    short = _short if roomy else _shorter
    for cell in cells:
        value, open_cell = cell["value"], cell["state"] == "in_progress"
        share = 0.0 if value is None else min(1.0, max(0.0, value / top))
        cell["shade"] = 0.0 if open_cell or not value else 0.12 + 0.88 * share
        cell["edge"] = ink("ground") if value else ink("muted")
        cell["zero"] = value == 0
        cell["note"] = "" if value is None else short(value, unit)
        cell["ink"] = ink("ground") if cell["shade"] > 0.55 else ink("ink")
    data = records(cells, "cohort", "k", "value")
    grows = any(cell["state"] == "may_grow" for cell in cells)
    # A + needs its place beside the number.
    step = (42 if grows else 34) if roomy else step_of([*ages, *(cell["note"] for cell in cells)], grows)
    base = alt.Chart(alt.Data(values=data), width=max(plot.WIDTH, step * len(ages)))
    x = alt.X("k:O", sort=core.ages, title="age", axis=alt.Axis(orient="top", labelAngle=0))
    order = [*core.cohorts, f"{mean_of(grid)} mean"]
    y = alt.Y("cohort:O", sort=order, title=None)
    over = "datum.state != 'in_progress'"
    layers = [
        base.transform_filter(over)
        .mark_rect(strokeWidth=1, color=ink("main"))
        .encode(
            x=x,
            y=y,
            fillOpacity=alt.Opacity("shade:Q", scale=None, legend=None),
            stroke=alt.Stroke("edge:N", scale=None),
        ),
        # The dashes of a rectangle belong to its mark: Vega-Lite has no channel for them.
        base.transform_filter(f"!({over})")
        .mark_rect(strokeWidth=1, strokeDash=[3, 2], fillOpacity=0, stroke=ink("muted"))
        .encode(x=x, y=y),
        base.transform_filter("datum.zero")
        .mark_point(filled=False, size=40, color=ink("bad"))
        .encode(x=x, y=y),
    ]
    marks = ["Blank: not begun", "dashed: in progress", "ring: zero"]
    if any(cell["value"] is None and cell["state"] != "in_progress" for cell in cells):
        marks.append("–: nobody to count")
        nobody = base.transform_filter(f"datum.value === null && {over}")
        layers.append(nobody.mark_text(text="–", color=ink("muted")).encode(x=x, y=y))
    if grows:
        marks.append("+: may still grow")
        corner = base.transform_filter("datum.state == 'may_grow'").mark_text(
            text="+", align="right", baseline="top", dx=-2, dy=1, fontSize=9
        )
        layers.append(
            corner.encode(
                x=alt.X("k:O", sort=core.ages, bandPosition=1),
                y=alt.Y("cohort:O", sort=order, bandPosition=0),
                color=alt.Color("ink:N", scale=None),
            )
        )
    layers.append(
        base.transform_filter("!datum.zero")
        .mark_text(fontSize=10)
        .encode(x=x, y=y, text="note:N", color=alt.Color("ink:N", scale=None))
    )
    if unit == "share" and not roomy:
        marks.insert(0, "Numbers: percent")
        marks[1] = marks[1].lower()
    title, subtitle = words_of(grid, segment, last_of(begun))
    columns, rows = table_of(cells, lambda cell: plot.compact(cell["value"], unit) + mark_of(cell["state"]))
    return plot.Picture(
        title=title,
        subtitle=f"{subtitle}{cut(grid, segment, begun)} {'; '.join(marks)}.",
        alt=f"{title}. Rows are cohorts and their mean, columns ages; the darker the more.",
        chart=alt.layer(*layers).properties(height={"step": 20}),
        columns=columns,
        rows=rows,
    )


def _short(value: float, unit: str) -> str:
    return plot.percent(value, 0) if unit == "share" else plot.compact(value, "")


def _shorter(value: float, unit: str) -> str:
    """At most three digits and a letter: 37, 8.1, 940, 1.3k, 25M."""
    if unit == "share":
        return f"{value * 100:,.0f}"
    size, letter = next(
        (
            (size, letter)
            for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k"))
            if abs(value) >= size * 0.9995
        ),
        (1.0, ""),
    )
    scaled = value / size
    whole = abs(scaled) >= 9.95 or (scaled.is_integer() and not letter)
    digits = 0 if whole else 1 if abs(scaled) >= 0.095 else 2
    return f"{scaled:,.{digits}f}{letter}"


def step_of(texts: Sequence[str], grows: bool = False) -> int:
    """Pixels of a column in which texts of ten points stand without touching."""
    return max(22, 6 * max(map(len, texts)) + (14 if grows else 6))


def mark_of(state: str) -> str:
    return {"in_progress": "*", "may_grow": "+"}.get(state, "")


def triangle(grid: Retention, segment: int) -> plot.Picture:
    """Customers active by cohort and age, as numbers."""
    alt = altair()
    cells = cells_of(grid, segment, MOST_COHORTS)
    for cell in cells:
        cell["note"] = f"{cell['active']:,}{mark_of(cell['state'])}"
        cell["ink"] = ink("muted") if cell["state"] == "in_progress" else ink("ink")
    data = records(cells, "cohort", "k")
    core = grid._core
    ages = {cell["k"] for cell in cells}
    step = max(44 if len(ages) <= ROOMY else 0, step_of([cell["note"] for cell in cells]) + 4)
    base = alt.Chart(alt.Data(values=data), width=max(plot.WIDTH, step * len(ages)))
    chart = base.mark_text(fontSize=11).encode(
        x=alt.X("k:O", sort=core.ages, title="age", axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("cohort:O", sort=core.cohorts, title=None),
        text="note:N",
        color=alt.Color("ink:N", scale=None),
    )
    title, subtitle = words_of(grid, segment, last_of(cells))
    columns, rows = table_of(cells, lambda cell: cell["note"])
    return plot.Picture(
        title=title,
        subtitle=f"{subtitle}{cut(grid, segment, cells)} Customers active; * in progress, + may still grow.",
        alt=f"Customers active by cohort and age. {title}",
        chart=chart.properties(height={"step": 18}),
        columns=columns,
        rows=rows,
    )


def lifecycle(core: Any) -> plot.Picture:
    """Who came, as bars above the line, and who went, below."""
    from salesops.cohort._grid import no_rows

    alt = altair()
    if not core.periods:
        why = no_rows(core, "nobody is active")
        raise UsageError(f"no customer is active in any period, so there is nothing to draw: {why}")
    periods, active, states, older = core.periods, core.active, core.state, core.older
    first = max(0, len(periods) - MOST_COHORTS)
    kinds = {"new": "good", "resurrecting": "main", "returning": "total"}
    if any(older):
        kinds["older"] = "ink"
    kinds["dormant"] = "bad"
    counts = {name: getattr(core, name) for name in kinds}
    rows = []
    for i in range(first, len(periods)):
        for name in kinds:
            n = counts[name][i]
            rows.append(
                {
                    "period": periods[i],
                    "kind": name,
                    "n": -n if name == "dormant" else n,
                    "solid": 0.45 if states[i] == "in_progress" else 1.0,
                }
            )
    data = records(rows, "period", "kind", "n")
    legend = alt.Color(
        "kind:N", scale=alt.Scale(domain=list(kinds), range=[ink(c) for c in kinds.values()]), title=None
    )
    chart = (
        alt.Chart(alt.Data(values=data), width=max(plot.WIDTH, 14 * (len(periods) - first)), height=230)
        .mark_bar()
        .encode(
            x=alt.X("period:O", sort=periods, title=None, axis=alt.Axis(labelAngle=-45)),
            y=alt.Y("n:Q", title="customers"),
            color=legend,
            opacity=alt.Opacity("solid:Q", scale=None, legend=None),
        )
    )
    words = (
        "New: never active before; returning: active the period before, too; resurrecting: active earlier; "
    )
    if any(older):
        words += "older: first seen here, but older than the log; "
    words += "dormant: active the period before, not in this one. Pale: in progress."
    if first:
        words += f" Drawn: the last {MOST_COHORTS} of {len(periods):,} periods."
    last = next((i for i in reversed(range(len(periods))) if states[i] == "complete"), len(periods) - 1)
    title = (
        f"{periods[last]}: {active[last]:,} active, {counts['new'][last]:,} new, "
        f"{counts['resurrecting'][last]:,} back again, {counts['dormant'][last]:,} gone quiet"
    )
    return plot.Picture(
        title=title,
        subtitle=words,
        alt=title,
        chart=chart,
        columns=["period", *kinds, "active"],
        rows=[
            [periods[i], *(f"{counts[name][i]:,}" for name in kinds), f"{active[i]:,}"]
            for i in range(first, len(periods))
        ],
    )
