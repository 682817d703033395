"""Curves with their bands and the rows at risk under them, and forests of hazard ratios."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from salesops._core.error import UsageError

if TYPE_CHECKING:
    from salesops.plot import Picture
    from salesops.survival._calibration import Calibration

MAX_POINTS = 200
TICKS = 6
FEW = 10  # rows at risk, under which a title rests on no time
NAMED = 4  # curves that a title names one by one
DECADES = 4  # of ratios, beyond which every round one would be too many
LONGEST, LINE = 84, 28  # characters of a label, and of a line of it


class Curve(NamedTuple):
    """A curve with its band.

    `settled`: nothing more can come, so its last value holds for ever.
    """

    name: str
    time: Any
    values: Any
    low: Any
    high: Any
    settled: bool = False

    def at(self, time: float, origin: float) -> float | None:
        """The value at a time; None past the last."""
        import numpy as np

        if time > self.time[-1] and not self.settled:
            return None
        place = int(np.searchsorted(self.time, time, side="right")) - 1
        return origin if place < 0 else float(self.values[place])


class AtRisk(NamedTuple):
    """Rows at risk just before each time."""

    time: Any
    at_risk: Any


def ticks(last: float) -> list[float]:
    """Round times from 0 to the last."""
    import numpy as np

    if last <= 0:
        return [0.0]
    rough = last / (TICKS - 1)
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(power * size for size in (1, 2, 2.5, 5, 10) if power * size >= rough)
    return [round(i * step, 10) for i in range(int(last / step) + 1)]


def at_risk(result: Any, times: Sequence[float]) -> list[float]:
    """Rows at risk just before each time."""
    import numpy as np

    places = np.searchsorted(result.time, times, side="left")
    return [float(result.at_risk[place]) if place < len(result.time) else 0.0 for place in places]


def told(results: Sequence[Any]) -> float:
    """The time that a title tells: the last tick, else observed time, with enough rows of each group at risk.

    Where there is none, the last that all groups reach.
    """
    import numpy as np

    last = min(float(result.time[-1]) for result in results)
    observed = np.unique(np.concatenate([result.time for result in results])).tolist()
    for times in (ticks(max(float(result.time[-1]) for result in results)), observed):
        fewest = np.min([at_risk(result, times) for result in results], axis=0)
        enough = [at for at, n in zip(times, fewest, strict=True) if 0 < at <= last and n >= FEW]
        if enough:
            return float(enough[-1])
    return last


def shown(result: Any) -> list[float]:
    """The ten of its times at which a table of a picture tells numbers."""
    import numpy as np

    times: list[float] = result.time[np.unique(np.linspace(0, len(result.time) - 1, 10).astype(int))].tolist()
    return times


def steps(curve: Curve, origin: float, most: int) -> list[tuple[float, float, float, float]]:
    """Points of a curve with its band, thinned to `most` beside the first."""
    import numpy as np

    kept = np.unique(np.linspace(0, len(curve.time) - 1, most).astype(int))
    # Where no band is known it has no width.
    low, high = (np.where(np.isfinite(edge), edge, curve.values) for edge in (curve.low, curve.high))
    columns = (values[kept].tolist() for values in (curve.time, curve.values, low, high))
    return [(0.0, origin, origin, origin), *zip(*columns, strict=True)]


def picture(
    curves: Sequence[Curve],
    watched: Sequence[Any],
    *,
    origin: float,
    unit: str,
    time: str,
    axis: str,
    about: str,
    subject: str = "",
    smooth: Sequence[str] = (),
) -> Picture:
    """Draw curves with their bands, and under them how many rows were at risk.

    Parameters
    ----------
    watched
        Whose rows were at risk: one for all curves, or one for each.
    origin, unit
        Where the curves start, and what their values are.
    time, axis
        Words for the axes.
    about
        The definition, as the subtitle.
    subject
        What the title is about, if not all that ends.
    smooth
        Curves that don't step.
    """
    from salesops import plot

    until = told(watched)
    values = {curve.name: curve.at(until, origin) for curve in curves}
    after = f"{f'{subject} after' if subject else 'After'} {until:.4g}{'' if time == 'time' else f' {time}'}"
    alt = f"{axis}; {after}: " + ", ".join(
        f"{name} {plot.compact(value, unit)}" for name, value in values.items()
    )
    kept = list(curves)
    if len(kept) > plot.MOST_LINES:
        kept = sorted(kept, key=lambda curve: -(values[curve.name] or 0))[: plot.MOST_LINES]
        about += f" Drawn: the {plot.MOST_LINES} largest of {len(curves)} curves."
    most = min(MAX_POINTS, plot.MAX_MARKS // len(kept) - 1)
    chart = plot.curves(
        {curve.name: steps(curve, origin, most) for curve in kept},
        x_title=time,
        y_title=axis,
        unit=unit,
        smooth=smooth,
    )
    if len(watched) == 1:
        (alone,) = watched
        times = shown(alone)
        counts = [[f"{n:,.6g}"] for n in at_risk(alone, times)]
    else:
        times = [at for at in ticks(max(float(one.time[-1]) for one in watched)) if at > 0]
        counts = [[] for _ in times]
    return plot.Picture(
        title=f"{after}: {ends_of(values, unit)}",
        subtitle=about,
        alt=alt,
        chart=with_at_risk(chart, watched, [curve.name for curve in kept]),
        columns=[time, *(["at risk"] if len(watched) == 1 else []), *values],
        rows=[
            [
                f"{at:.4g}",
                *count,
                *("–" if (v := curve.at(at, origin)) is None else f"{v:.3f}" for curve in curves),
            ]
            for at, count in zip(times, counts, strict=True)
        ],
    )


def ends_of(values: Mapping[str, float | None], unit: str) -> str:
    """The values of a few curves; of many the smallest and the largest."""
    from salesops import plot

    words = {name: plot.compact(value, unit) for name, value in values.items()}
    if len(values) <= NAMED:
        return ", ".join(f"{name} {word}" for name, word in words.items())
    known = {name: value for name, value in values.items() if value is not None}
    least, most = (end(known, key=lambda name: known[name]) for end in (min, max))
    return f"from {words[least]} ({least}) to {words[most]} ({most})"


def with_at_risk(chart: Any, results: Sequence[Any], names: Sequence[str] = ()) -> Any:
    """Put numbers of rows at risk under a chart, on the same axis of time, in the colours of its curves.

    Names stand to the left of their rows where there are several.
    """
    from salesops.plot.lines import with_numbers

    times = ticks(max(float(result.time[-1]) for result in results))
    rows = [
        [(x, f"{n:,.6g}") for x, n in zip(times, at_risk(result, times), strict=True)] for result in results
    ]
    return with_numbers(chart, rows, names if len(results) > 1 else ())


def on_axis(ax: Any, result: Any, unit_of_time: str, title: str, curves: Sequence[Curve]) -> Any:
    """Draw on a Matplotlib axis, with the rows at risk under it."""
    if not hasattr(ax, "fill_between"):
        raise UsageError(f"ax: need a Matplotlib axis, not {type(ax).__name__}")
    for curve in curves:
        ax.step(curve.time, curve.values, where="post", label=curve.name)
        ax.fill_between(curve.time, curve.low, curve.high, step="post", alpha=0.2)
    times = ticks(float(result.time[-1]))
    ax.set_xticks(times)
    counts = [f"{n:,.6g}" for n in at_risk(result, times)]
    ax.set_xticklabels([f"{x:g}\n{n}" for x, n in zip(times, counts, strict=True)])
    ax.set_xlabel(f"{unit_of_time} (below: rows at risk)")
    ax.set_ylabel(title)
    ax.legend()
    return ax


def forest(
    rows: Sequence[tuple[str, float, float, float]], *, what: str, level: float, subtitle: str
) -> Picture:
    """Ratios with their intervals on a logarithmic axis, against 1.

    Parameters
    ----------
    rows
        Name, ratio, low, high.
    what
        What the ratios are: ``"hazard"``, ``"time"``.
    """
    from salesops import plot

    alt = plot.altair()
    data = plot.records(
        [
            {"label": shortened(name), "value": ratio, "low": low, "high": high, "note": f"{ratio:.2f}"}
            for name, ratio, low, high in rows
        ],
        "label",
        longest=LONGEST,
    )
    plot.number(data)
    labels = [lines_of(row["label"]) for row in data]
    for row, lines in zip(data, labels, strict=True):
        row["label"] = "\n".join(lines)
    step = max(34, 8 + 16 * max(map(len, labels)))
    base = alt.Chart(alt.Data(values=data), width=plot.WIDTH, height={"step": step})
    # Readers' fonts may be wider than the one that labels are measured with: the room is kept for the widest.
    names = alt.Axis(
        labelExpr="split(datum.label, '\\n')",
        labelLineHeight=16,
        labelOffset=alt.expr("-8 * (length(split(datum.value, '\\n')) - 1)"),
        labelLimit=0,
        minExtent=max(room(line) for lines in labels for line in lines),
    )
    y = alt.Y("label:N", sort=alt.EncodingSortField("order", op="min"), title=None, axis=names)
    scale = alt.Scale(type="log", nice=False, padding=24)
    round_ones = rounds([edge for _, *edges in rows for edge in edges])
    axis = alt.Axis(format="~g", grid=False, **({"values": round_ones} if round_ones else {"tickCount": 5}))
    x = alt.X("value:Q", title=f"{what} ratio", scale=scale, axis=axis)
    one = alt.Chart(alt.Data(values=[{"at": 1}])).mark_rule(strokeDash=[4, 3]).encode(x="at:Q")
    chart = alt.layer(
        one,
        base.mark_rule(strokeWidth=3, color=plot.ink("main"), opacity=0.5).encode(
            x=alt.X("low:Q", scale=scale), x2="high:Q", y=y
        ),
        base.mark_point(opacity=1).encode(x=x, y=y),
        base.mark_text(dy=-11).encode(x=x, y=y, text="note:N"),
    )
    sure = [(name, ratio) for name, ratio, low, high in rows if low > 1 or high < 1]
    strongest = max(sure, key=lambda row: abs(math_log(row[1])), default=None)
    title = (
        f"No column's {what} ratio is surely different from 1"
        if strongest is None
        else f"{strongest[0]}: {what} ratio {strongest[1]:.2f}"
    )
    return plot.Picture(
        title=title,
        subtitle=subtitle,
        alt="; ".join(f"{name} {ratio:.2f} ({low:.2f} to {high:.2f})" for name, ratio, low, high in rows),
        chart=chart,
        columns=["column", f"{what} ratio", f"low {level:g} %", f"high {level:g} %"],
        rows=[[name, *(f"{value:.3f}" for value in values)] for name, *values in rows],
    )


def rounds(ratios: Sequence[float]) -> list[float]:
    """Round ratios within those given, 1 among them; none where the axis' own ticks do better."""
    import math

    finite = [ratio for ratio in ratios if 0 < ratio < math.inf]
    least, most = min([1.0, *finite]), max([1.0, *finite])
    decades = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    if len(decades) > DECADES:
        return []
    parts = (1, 1.5, 2, 3, 5, 7) if len(decades) < DECADES else (1, 3)
    found = [round(part * 10.0**power, 12) for power in decades for part in parts]
    found = [ratio for ratio in found if least <= ratio <= most]
    return found if len(found) >= TICKS // 2 else []


def shortened(label: str) -> str:
    """A label that isn't too long: the end of ``column=category`` tells the categories apart, so it stays."""
    half = LONGEST // 2
    return label if len(label) <= LONGEST else f"{label[: half - 1]}…{label[-half:]}"


def lines_of(label: str) -> list[str]:
    """A label in lines, broken where one of its words ends."""
    lines = [""]
    for part in re.findall(rf"[^ =:_-]{{,{LINE - 1}}}[ =:_-]|[^ =:_-]{{1,{LINE}}}", label):
        if len(lines[-1]) + len(part.rstrip()) > LINE:
            lines.append("")
        lines[-1] += part
    return [line.strip() for line in lines]


def room(line: str) -> int:
    """Pixels that a line of a label takes in a wide font."""
    return sum(13 if c in "mwMW@%" or ord(c) > 0x2E7F else 10 if c.isupper() else 8 for c in line)


def calibrated(judged: Calibration) -> Picture:
    """What was said of each group against what happened to it, on the diagonal where both agree."""
    from salesops import plot
    from salesops.plot.charts import numbers

    alt = plot.altair()
    groups = judged.groups
    cells = [
        {"expected": said, "observed": seen, "low": low, "high": high}
        for said, seen, low, high in zip(
            groups["expected"], groups["observed"], groups["observed_lo"], groups["observed_hi"], strict=True
        )
        if seen is not None
    ]
    line = [
        {"expected": said, "observed": seen}
        for said, seen in zip(judged.curve["expected"], judged.curve["observed"], strict=True)
    ]
    most = max(value for row in [*cells, *line] for value in row.values() if value is not None)
    scale = alt.Scale(domain=[0, min(1.0, most * 1.05)], nice=False, clamp=True)
    axis = alt.Axis(tickCount=5, **numbers("share"))
    x = alt.X("expected:Q", title="chance as said", scale=scale, axis=axis)
    y = alt.Y("observed:Q", title="share that left", scale=scale, axis=axis)
    size = {"width": 340, "height": 340}
    ends = [{"expected": at, "observed": at} for at in (0, min(1.0, most * 1.05))]
    dots = alt.Chart(alt.Data(values=plot.records(cells, "expected")), **size)
    chart = alt.layer(
        alt.Chart(alt.Data(values=ends), **size)
        .mark_line(strokeDash=[4, 3], color=plot.ink("muted"), strokeWidth=1)
        .encode(x=x, y=y),
        alt.Chart(alt.Data(values=plot.records(line, "expected")), **size)
        .mark_line(color=plot.ink("main"), opacity=0.5)
        .encode(x=x, y=y),
        dots.mark_rule(strokeWidth=3, color=plot.ink("main"), opacity=0.5).encode(
            x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q"
        ),
        dots.mark_point(opacity=1).encode(x=x, y=y),
    )
    seen = judged.observed
    words = f"{plot.percent(judged.expected)} were expected to leave, {plot.percent(seen.estimate)} did"
    return plot.Picture(
        title=words,
        subtitle=f"Within {judged.horizon:g}, of {judged.n:,}; on the dashed line what was said came true. "
        f"Dots: groups by chance with {judged.level:g} % intervals (Kaplan–Meier); line: smoothed. "
        f"Slope {judged.slope.estimate:.2f} ({judged.slope.low:.2f} to {judged.slope.high:.2f}), "
        f"AUC {judged.auc.estimate:.2f} ({judged.auc.low:.2f} to {judged.auc.high:.2f}).",
        alt=f"{words}. By group, said and seen: "
        + "; ".join(
            f"{plot.percent(row['expected'], 0)}, {plot.percent(row['observed'], 0)}" for row in cells
        ),
        chart=chart,
        columns=[
            "group",
            "rows",
            "expected",
            "observed",
            f"low {judged.level:g} %",
            f"high {judged.level:g} %",
        ],
        rows=[
            [str(number), f"{n:,}", *("–" if value is None else f"{value:.3f}" for value in values)]
            for number, n, *values in zip(
                *(
                    groups[name]
                    for name in ("group", "n", "expected", "observed", "observed_lo", "observed_hi")
                ),
                strict=True,
            )
        ],
    )


def math_log(ratio: float) -> float:
    """Logarithm of a ratio, far out where there is none."""
    import math

    return math.log(ratio) if 0 < ratio < math.inf else math.copysign(1e9, ratio - 1)
