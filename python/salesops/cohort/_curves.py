"""Pictures of lines: means of cohorts by age, what customers bring, where a triangle leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from salesops import plot
from salesops._core.error import UsageError
from salesops.cohort._pictures import (
    at_age,
    called,
    cells_of,
    cut,
    last_of,
    mark_of,
    mean_of,
    table_of,
    told,
    unit_of,
    words_of,
)
from salesops.plot.base import altair, ink, plain, records
from salesops.plot.charts import numbers
from salesops.plot.lines import SERIES, named_rows, with_numbers

if TYPE_CHECKING:
    from salesops.cohort._grid import Retention
    from salesops.cohort._triangle import Projection

T = TypeVar("T")
Points = list[tuple[float, float, float, float]]  # x, value, low, high

LINES = 5
NUMBERS = 6
ROOM = 8  # numbers that fit side by side under a chart
NOTED = (9, 6)  # and in it, of one line and of several


def curves(grid: Retention) -> plot.Picture:
    """The mean by age, one line a segment; of brackets, which differ in length, a dot each."""
    core = grid._core
    ages = len(core.ages)
    pooled = core.pooled_table().to_dict()
    unit, mean = unit_of(grid), mean_of(grid)
    apart = grid.measure == "bracket"
    where = range(ages) if apart else core.first_age
    lines: dict[str, Points] = {}
    findings, reached = [], []
    for s in range(len(core.segments[: plot.MOST_LINES])):
        points = []
        for k, x in enumerate(where):
            value, low, high = (pooled[name][s * ages + k] for name in (mean, "low", "high"))
            if value is not None:
                points.append(
                    (float(x), value, value if low is None else low, value if high is None else high)
                )
        if points:
            name = grid._named(s) or "all cohorts"
            lines[name] = points
            reached.append({x: pooled["n"][s * ages + k] for k, x in enumerate(where)})
            worth, alone = told(grid, pooled, s, ages - 1)
            at = worth[-1] if worth else 0
            value = plot.compact(pooled[mean][s * ages + at], unit)
            note = " (of one cohort)" if worth and alone else ""
            colon = "" if name == plain(core.segments[s]) else ":"
            findings.append(f"{name}{colon} {value} {at_age(grid, at)}{note}")
    if not lines:
        raise UsageError("no age is over in any cohort: there is no mean to draw")
    title, subtitle = words_of(grid, 0, ages - 1)
    if len(core.segments) > plot.MOST_LINES:
        subtitle += f" Drawn: the first {plot.MOST_LINES} of {len(core.segments):,} segments."
    grows = "may_grow" in core.state
    if grows:
        subtitle += " It may still grow (+), the last ages most: who comes back later will count."
    if len(core.segments) > 1:
        title = f"{called(grid)}: {', '.join(findings)}"
    drawn, cut_off = within_reach(lines, unit)
    subtitle += f"{band_of(grid)}{cut_off} Below: customers in the mean."
    labels = {
        x: age + mark_of(state)
        for x, age, state in zip(where, core.ages, grid._pooled_states(), strict=False)
    }
    names = list(lines)
    y_title = grid.measure + (", may still grow" if grows else "")
    if apart:
        chart = dots(drawn, [core.ages[k] for k in where], reached, y_title=y_title, unit=unit)
    else:
        chart = plot.curves(drawn, x_title="age", y_title=y_title, unit=unit, whole_x=True)
        chart = with_reached(chart, reached, names=names)
    values = {(x, name): value for name, points in lines.items() for x, value, _, _ in points}
    return plot.Picture(
        title=title,
        subtitle=subtitle,
        alt=f"{title}. {subtitle}",
        chart=chart,
        columns=["age", *names],
        rows=[
            [labels[int(x)], *(plot.compact(values.get((x, name)), unit) for name in names)]
            for x in sorted({x for x, _ in values})
        ],
    )


def band_of(grid: Retention) -> str:
    """What the bands are, or why there is none."""
    core = grid._core
    if core.interval == "none":
        return ""
    if not core.customers_repeat:
        return f" Band: {core.level:g} % interval ({core.interval})."
    if core.interval == "bootstrap":
        return " No band: customers are in several cohorts, which the bootstrap draws apart."
    return f" Band: {core.level:g} % interval (wilson, customers as clusters)."


def within_reach(lines: Mapping[str, Points], unit: str) -> tuple[Mapping[str, Points], str]:
    """Lines whose bands end not far beyond all values, lest they flatten the rest, and a note of it."""
    top = 1.5 * max(value for points in lines.values() for _, value, _, _ in points)
    highest = max(high for points in lines.values() for *_, high in points)
    lowest = min(low for points in lines.values() for _, _, low, _ in points)
    if top <= 0 or (highest <= top and lowest >= -top):
        return lines, ""
    kept = {
        name: [(x, value, max(low, -top), min(high, top)) for x, value, low, high in points]
        for name, points in lines.items()
    }
    ends = [plot.compact(highest, unit)] * (highest > top) + [plot.compact(lowest, unit)] * (lowest < -top)
    return kept, f" Bands are cut off at {plot.compact(top, unit)}; they go to {' and '.join(ends)}."


def dots(
    lines: Mapping[str, Points], labels: Sequence[str], reached: Sequence[Mapping[int, float]], **how: str
) -> Any:
    """A dot with its interval for each name on the axis, several lines side by side, and numbers below."""
    alt = altair()
    names = list(lines)
    rows = [
        {
            "line": name,
            "at": labels[int(x)],
            "value": value,
            "low": low,
            "high": high,
            "note": plot.compact(value, how["unit"]),
        }
        for name, points in lines.items()
        for x, value, low, high in points
    ]
    colors = [ink(role) for role in SERIES[: len(names)]]
    base = alt.Chart(alt.Data(values=records(rows, "at", "value")), width=plot.WIDTH, height=240).encode(
        x=alt.X("at:N", sort=list(labels), title="ages", axis=alt.Axis(labelAngle=0)),
        color=alt.Color(
            "line:N",
            sort=names,
            scale=alt.Scale(domain=names, range=colors),
            legend=alt.Legend(title=None, symbolOpacity=1) if len(names) > 1 else None,
        ),
    )
    if len(names) > 1:
        base = base.encode(xOffset=alt.XOffset("line:N", sort=names))
    y = alt.Y(
        "value:Q", title=how["y_title"], scale=alt.Scale(zero=True), axis=alt.Axis(**numbers(how["unit"]))
    )
    chart = alt.layer(
        base.mark_rule(strokeWidth=3, opacity=0.5).encode(y=alt.Y("low:Q"), y2="high:Q"),
        base.mark_point(opacity=1, filled=True, size=60).encode(y=y),
    )
    if len(rows) <= NOTED[len(names) > 1]:  # more would lie over one another; the numbers below have them all
        chart += base.mark_text(dy=-9, fontSize=11 if len(names) < 2 else 10).encode(
            y=alt.Y("high:Q"), text="note:N"
        )
    cells = [
        {"at": labels[x], "row": i, "n": f"{n:,.0f}", "color": ink(SERIES[i] if len(names) > 1 else "muted")}
        for i, counts in enumerate(reached)
        for x, n in counts.items()
    ]
    below = (
        alt.Chart(alt.Data(values=cells), width=plot.WIDTH, height=16 * len(reached))
        .mark_text(fontSize=11)
        .encode(
            x=alt.X("at:N", sort=list(labels), axis=None),
            y=alt.Y("row:O", axis=named_rows(names)),
            text="n:N",
            color=alt.Color("color:N", scale=None),
        )
    )
    return alt.vconcat(chart, below, spacing=4).resolve_scale(color="independent")


def with_reached(
    chart: Any, reached: Sequence[Mapping[int, float]], last: int | None = None, names: Sequence[str] = ()
) -> Any:
    """Put customers at a few ages under a chart of curves, a row in its colour for each.

    `last` is where the curves end, if beyond the ages reached. Names stand to the left of their rows where
    there are several.
    """
    ages = sorted(age for age in set().union(*reached) if any(counts[age] for counts in reached))
    few = spread(ages, NUMBERS) if last is None else ages[:: -(-last // ROOM)]
    rows = [[(age, f"{counts[age]:,.0f}") for age in few] for counts in reached]
    return with_numbers(chart, rows, names)


def ltv(grid: Retention, segment: int, cac: Any) -> plot.Picture:
    """Cumulative amounts a customer by age, from the oldest cohort to the youngest, against a cost."""
    from salesops.cohort._grid import cost_of

    if grid.measure != "ltv":
        raise UsageError("kind='ltv' draws the measure ltv")
    cost = None if cac is None else cost_of(cac, "one number for the line (payback takes one a cohort)")
    unit = unit_of(grid)
    begun = cells_of(grid, segment, len(grid.cohorts))
    cells = [cell for cell in begun if cell["value"] is not None]
    pooled = grid._core.pooled_table().to_dict()
    ages = len(grid.ages)
    lines: dict[str, Points] = {}
    last = last_of(begun)
    mean = [pooled["weighted"][segment * ages + k] for k in range(last + 1)]
    if any(value is not None for value in mean):
        lines["weighted mean"] = [(float(k), v, v, v) for k, v in enumerate(mean) if v is not None]
    still_open = set()
    cohorts = list(dict.fromkeys(cell["cohort"] for cell in cells))
    kept = spread(cohorts, LINES - 1)
    for name in kept:
        row = [cell for cell in cells if cell["cohort"] == name]
        lines[name] = [(float(cell["column"]), *[cell["value"]] * 3) for cell in row]
        if row[-1]["state"] == "in_progress":
            still_open.add(name)
    chart = plot.curves(
        lines, x_title="age", y_title="amount a customer", unit=unit, open_ends=still_open, whole_x=True
    )
    title, subtitle = words_of(grid, segment, last)
    subtitle += cut(grid, segment, begun, len(grid.cohorts))
    if len(kept) < len(cohorts):
        subtitle += f" Lines: {len(kept)} of {len(cohorts):,} cohorts, from the oldest to the youngest."
    if still_open:
        subtitle += " Dashed to a ring: in progress, the amounts so far."
    if cost is not None:
        alt = altair()
        data = alt.Data(values=[{"cac": cost, "note": f"cost {plot.compact(cost, unit)}"}])
        rule = alt.Chart(data).mark_rule(strokeDash=[6, 3], color=ink("bad")).encode(y="cac:Q")
        place = {"y": "cac:Q", "text": "note:N", "x": alt.value(plot.WIDTH - 4)}
        note = alt.Chart(data).mark_text(align="right", dy=-7, color=ink("bad")).encode(**place)
        # Lines may run behind it.
        ground = {"stroke": ink("ground"), "strokeWidth": 4, "strokeJoin": "round"}
        behind = alt.Chart(data).mark_text(align="right", dy=-7, **ground).encode(**place)
        chart = chart + rule + behind + note
        title += f"; cost of {plot.compact(cost, unit)} {met(grid, segment, cost)}"
    columns, rows = table_of(cells, lambda cell: plot.compact(cell["value"], unit) + mark_of(cell["state"]))
    return plot.Picture(
        title=title, subtitle=subtitle, alt=f"{title}. {subtitle}", chart=chart, columns=columns, rows=rows
    )


def spread(names: list[T], most: int) -> list[T]:
    """The first, the last and some evenly between them."""
    if len(names) <= most:
        return names
    return [names[round(i * (len(names) - 1) / (most - 1))] for i in range(most)]


def met(grid: Retention, segment: int, cost: float) -> str:
    """By when which cohorts have met a cost, by the rule of `payback`: amounts in progress count."""
    core = grid._core
    cohorts = len(core.cohorts)
    sizes = core.size[segment * cohorts : (segment + 1) * cohorts]
    ages = [int(age) for age, _ in core.payback([cost] * cohorts, 1.0, False, segment) if age is not None]
    if not ages:
        return "not met yet"
    first, last = min(ages), max(ages)
    return (f"met at age {first}" if first == last else f"met at ages {first} to {last}") + (
        f" by {len(ages):,} of {plot.counted(sum(size > 0 for size in sizes), 'cohort')}"
    )


def projection(made: Projection) -> plot.Picture:
    """The expected share still there by age with its fan, and the customers that were seen to each age."""
    core = made._core
    seen = list(zip(core.left, made._known, strict=True))
    customers = {k: sum(left[0] for left, ages in seen if ages > k) for k in range(max(made._known))}
    points = list(zip(map(float, range(len(core.survival))), core.survival, core.low, core.high, strict=True))
    kept = points if len(points) <= 400 else points[:: len(points) // 400 + 1]
    last = len(core.survival) - 1
    aic = ", ".join(f"{name} {fit.aic:,.1f}" for name, fit in made.fits.items())
    title = (
        f"{plot.percent(core.survival[last])} still there at age {last} "
        f"({plot.percent(core.low[last])} to {plot.percent(core.high[last])}), "
        f"by {made.model}"
    )
    return plot.Picture(
        title=title,
        subtitle=f"Seen to age {max(customers)}. Fan: {made.level:g} % of {core.fans:,} draws of the "
        "parameters, by how plausible the triangle makes them. "
        f"AIC: {aic}; the lower projects. Below: customers of the cohorts seen to that age.",
        alt=title,
        chart=with_reached(
            plot.curves({made.model: kept}, x_title="age", y_title="share still there", whole_x=True),
            [customers],
            last,
        ),
        columns=["age", "customers", "left", "low", "high"],
        rows=[
            [
                f"{x:g}",
                f"{customers[int(x)]:,.0f}" if x in customers else "–",
                *map(plot.percent, rest),
            ]
            for x, *rest in kept
        ],
    )
