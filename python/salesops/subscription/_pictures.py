"""Pictures of recurring revenue, each with its finding, definition and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from salesops import plot
from salesops._core.error import UsageError

if TYPE_CHECKING:
    from salesops.subscription._contracts import Renewals
    from salesops.subscription._flow import Flow
    from salesops.subscription._movements import Movements
    from salesops.subscription._retention import Retention
    from salesops.subscription._segments import Beside

NAMES = {
    "new": "new",
    "reactivation": "back again",
    "expansion": "expansion",
    "price_up": "price up",
    "contraction": "contraction",
    "price_down": "price down",
    "churn": "churn",
    "transfer": "other segments",
}
STILL_OPEN = {
    "in_progress": " The last period is in progress.",
    "pending": " Who left so lately may still come back within the grace.",
}
MOST = 5  # curves that can be told apart


def waterfall(made: Movements, begin: int, end: int, row: int | None = None) -> plot.Picture:
    """From the revenue at the start of one period to that at the end of another, of all or one segment."""
    core, flow = made._core, made._flow
    major = 10 ** made._digits()
    unit = core.currency or plot.NO_CURRENCY
    periods = range(begin, end + 1)
    kinds, amount, count = core.kinds, core.amount, core.count
    starts, ends, fx = core.start, core.end, core.fx
    if flow is not None and row is not None:
        kinds, amount, count = flow.kinds, flow.amount[:, row].tolist(), flow.count[:, row].tolist()
        starts, ends, fx = (part[row].tolist() for part in (flow.start, flow.end, flow.fx))
    rows: list[dict[str, Any]] = [
        {"label": "start", "value": starts[begin] / major, "kind": "total", "n": ""}
    ]
    for kind, amounts, counts in zip(kinds, amount, count, strict=True):
        value = sum(amounts[i] for i in periods)
        n = sum(counts[i] for i in periods)
        if n:
            rows.append({"label": NAMES[kind], "value": value / major, "kind": "change", "n": f"{n:,}"})
    rates = sum(fx[i] for i in periods)
    if rates:
        rows.append({"label": "exchange rates", "value": rates / major, "kind": "change", "n": ""})
    rows.append({"label": "end", "value": ends[end] / major, "kind": "total", "n": ""})
    span = core.periods[begin] if begin == end else f"{core.periods[begin]} to {core.periods[end]}"
    if flow is not None and row is not None:
        span = f"{plot.plain(flow.labels[row], 30)}, {span}"
    title = (
        f"{span}: {plot.compact(rows[0]['value'], unit)} to {plot.compact(rows[-1]['value'], unit)} "
        "recurring a month"
    )
    steps = [row for row in rows if row["kind"] == "change"]
    if steps:
        largest = max(steps, key=lambda row: abs(row["value"]))
        title += f"; the largest step was {largest['label']}"
    open_end = STILL_OPEN.get(core.state[end], "")
    if "data_end" in [core.state[i] for i in periods]:
        open_end = " Most ends where the data ends."
    return plot.Picture(
        title=title,
        subtitle=f"Monthly recurring revenue by {core.follow}, at the end of each {core.every}; the steps "
        f"add up exactly.{open_end}",
        alt="; ".join(f"{row['label']} {plot.compact(row['value'], unit)}" for row in rows),
        chart=plot.waterfall(rows, unit=unit),
        columns=["step", core.currency or "amount", "changes"],
        rows=[[row["label"], f"{row['value']:,.{made._digits()}f}", row["n"]] for row in rows],
    )


def by_segment(made: Movements, flow: Flow, begin: int, end: int) -> plot.Picture:
    """The revenue of each segment at the end of the periods."""
    core = made._core
    major = 10 ** made._digits()
    unit = core.currency or plot.NO_CURRENCY
    order = sorted(range(len(flow.labels)), key=lambda i: (-flow.end[i, end], i))
    names = {plot.plain(flow.labels[i], 24): flow.end[i] for i in order}
    if len(order) > MOST:
        shown = order[: MOST - 1]
        names = {plot.plain(flow.labels[i], 24): flow.end[i] for i in shown}
        names[f"{len(order) - len(shown)} others"] = flow.end[order[MOST - 1 :]].sum(axis=0)
    lines = {
        name: [(float(i - begin), *(float(values[i] / major),) * 3) for i in range(begin, end + 1)]
        for name, values in names.items()
    }
    whole = core.end[end]
    title = f"{core.periods[end]}: {plot.compact(whole / major, unit)} recurring a month"
    if whole > 0:
        largest = plot.plain(flow.labels[order[0]], 24)
        title += f", {plot.percent(flow.end[order[0], end] / whole)} of it {largest}"
    note = STILL_OPEN.get(core.state[end], "")
    return plot.Picture(
        title=title,
        subtitle=f"Monthly recurring revenue by {plot.plain(flow.by, 30)}, at the end of each {core.every}."
        f"{note}",
        alt=title,
        chart=plot.curves(
            lines,
            x_title=core.every,
            y_title=core.currency or "a month",
            unit=unit,
            x_labels=core.periods[begin : end + 1],
        ),
        columns=["period", *names],
        rows=[
            [core.periods[i], *(f"{values[i] / major:,.{made._digits()}f}" for values in names.values())]
            for i in range(begin, end + 1)
        ],
    )


def retention(made: Retention) -> plot.Picture:
    """Net and gross revenue retention, and customers, by period."""
    core = made._core
    wide = core.to_table().to_dict()
    ends = core.state.index("data_end") if "data_end" in core.state else len(core.periods)
    known = [i for i in range(ends) if wide["nrr"][i] is not None]
    note = ""
    if ends < len(core.periods):
        note = f" In {core.periods[ends]} (!) most ends where the data ends"
        note += ": not drawn from there on." if known else "."
    names = {"nrr": "net", "grr_point": "gross", "logo_retention": "customers"}
    lines: dict[str, list[tuple[float, float, float, float]]] = {}
    for measure, name in names.items():
        points = []
        for i, value in enumerate(wide[measure]):
            if value is None or (known and i >= ends):
                continue
            low, high = wide[f"{measure}_low"][i], wide[f"{measure}_high"][i]
            points.append((float(i), value, value if low is None else low, value if high is None else high))
        if points:
            lines[name] = points[-60:]
    if not lines:
        raise UsageError("no period is over that has a cohort: nothing to draw")
    last = int(lines["net"][-1][0])
    title = f"{core.periods[last]}: " + ", ".join(
        f"{name} {plot.percent(wide[measure][last])}"
        for measure, name in names.items()
        if wide[measure][last] is not None
    )
    return plot.Picture(
        title=title,
        subtitle=f"Share of the revenue, and of the customers, of {plot.counted(core.over, core.every)} "
        f"before that is still there. Band: {core.confidence:g} % interval.{note}",
        alt=title,
        chart=plot.curves(lines, x_title=core.every, y_title="still there", x_labels=core.periods),
        columns=["period", *names.values()],
        rows=[
            [
                core.periods[i] + "!" * (i == ends),
                *("–" if wide[m][i] is None else plot.percent(wide[m][i]) for m in names),
            ]
            for i in range(len(core.periods))
        ],
    )


def retention_by_segment(made: Retention, beside: Beside) -> plot.Picture:
    """Net revenue retention of each segment by period."""
    core = made._core
    wide = beside.table("to_table").to_dict()
    title = f"Net revenue retention by {plot.plain(beside.by, 30)}"
    subtitle = (
        f"Share of the revenue of {plot.counted(core.over, core.every)} before that is still there. "
        f"Customers are in the segment of their first row. Band: {core.confidence:g} % interval."
    )
    bands = ("nrr", "nrr_low", "nrr_high")
    return _shares(beside, core, wide, bands, wide["customers"], title, subtitle, "still there")


def renewals_by_segment(made: Renewals, beside: Beside) -> plot.Picture:
    """The share of contracts renewed of each segment by period."""
    core = made._core
    wide = beside.table("to_table").to_dict()
    up, renewed = sum(wide["up"]), sum(wide["renewed"])
    title = f"{renewed:,} of {up:,} contracts renewed, by {plot.plain(beside.by, 30)}"
    subtitle = (
        f"Contracts with anything booked in their place ÷ contracts that ended, by {core.every} of their "
        f"last day. Customers are in the segment of their first row. Band: {core.confidence:g} % interval."
    )
    return _shares(beside, core, wide, ("rate", "low", "high"), wide["up"], title, subtitle, "renewed")


def _shares(
    beside: Beside,
    core: Any,
    wide: dict[str, list[Any]],
    bands: tuple[str, str, str],
    sizes: list[int],
    title: str,
    subtitle: str,
    y_title: str,
) -> plot.Picture:
    """One curve a segment, of the largest as many as can be told apart; the table has them all."""
    size = len(core.periods)
    ends = core.state.index("data_end") if "data_end" in core.state else size
    parts = [range(i * size, (i + 1) * size) for i in range(len(beside.labels))]
    order = sorted(range(len(parts)), key=lambda i: (-sum(sizes[at] for at in parts[i]), i))
    lines: dict[str, list[tuple[float, float, float, float]]] = {}
    for i in order[:MOST]:
        points = []
        for place, at in enumerate(parts[i]):
            value, low, high = (wide[name][at] for name in bands)
            if value is not None and place < ends:
                points.append(
                    (float(place), value, value if low is None else low, value if high is None else high)
                )
        if points:
            lines[plot.plain(beside.labels[i], 24)] = points[-60:]
    if not lines:
        raise UsageError("no period is over that has anything to compare: nothing to draw")
    if len(order) > MOST:
        subtitle += f" The {MOST} largest of {len(order)} segments."
    return plot.Picture(
        title=title,
        subtitle=subtitle,
        alt=title,
        chart=plot.curves(lines, x_title=core.every, y_title=y_title, x_labels=core.periods),
        columns=["period", *(plot.plain(beside.labels[i], 24) for i in order)],
        rows=[
            [
                core.periods[place] + "!" * (place == ends),
                *(
                    "–" if (one := wide[bands[0]][parts[i][place]]) is None else plot.percent(one)
                    for i in order
                ),
            ]
            for place in range(size)
        ],
    )


def renewals(made: Renewals) -> plot.Picture:
    """The share of contracts renewed, and of their revenue, by period."""
    core = made._core
    wide = core.to_table().to_dict()
    rows = [
        {
            "label": wide["period"][i],
            "value": value,
            "low": wide["low"][i],
            "high": wide["high"][i],
            "n": wide["up"][i],
        }
        for i, value in enumerate(wide["rate"])
        if value is not None
    ][-13:]
    if not rows:
        raise UsageError("no contract has come up for renewal: nothing to draw")
    up, renewed = sum(wide["up"]), sum(wide["renewed"])
    pending = sum(wide["pending"])
    title = f"{renewed:,} of {up:,} contracts renewed ({plot.percent(renewed / up)})"
    return plot.Picture(
        title=title + (f"; {pending:,} pending" if pending else ""),
        subtitle=f"Contracts with anything booked in their place ÷ contracts that ended, by {core.every} of "
        f"their last day. Band: {core.confidence:g} % interval.",
        alt=title,
        chart=plot.trend(rows, unit="share"),
        columns=["period", "up", "renewed", "rate", "gross rate", "net rate"],
        rows=[
            [
                wide["period"][i],
                f"{wide['up'][i]:,}",
                f"{wide['renewed'][i]:,}",
                *(
                    "–" if wide[m][i] is None else plot.percent(wide[m][i])
                    for m in ("rate", "gross_rate", "net_rate")
                ),
            ]
            for i in range(len(core.periods))
            if wide["up"][i]
        ],
    )
