"""The parts of the page; each draws what the book allows and says what is missing."""

from __future__ import annotations

import datetime as dt
from typing import Any

from salesops import __version__, kpi, plot
from salesops._core.error import UsageError
from salesops.crm import instant
from salesops.kpi.cards import NOT_AVAILABLE
from salesops.plot import Picture, compact, counted, plain
from salesops.plot.base import odds
from salesops.report.book import Book, Card, Grid, Line, Section, day_text, rows_of, word

# ---- scorecard ----

# The big numbers; the others of the scorecard stand in a table.
HEADLINES = (
    "attainment",
    "pipeline_coverage",
    "win_rate",
    "average_deal",
    "sales_cycle",
    "slippage",
    "lead_conversion",
    "sla_compliance",
)


def scorecard(book: Book) -> Section:
    """The KPIs of the period beside those of the period before and the targets."""
    section = Section("Scorecard")
    found = kpi.scorecard(book.crm, book.span, **book.time)
    rows = rows_of(found.to_table())
    for row in rows:
        if row["definition"]:
            book.definitions.setdefault(row["kpi"], row["definition"])
    # Two rows may bear one name (win rate by count and by value): the first is the headline.
    first = {row["kpi"]: row for row in reversed(rows)}
    big = [first[name] for name in HEADLINES if not first[name]["state"].startswith(NOT_AVAILABLE)]
    section.cards = [card(row, found.prior_period) for row in big]
    heads, cells = found.printed(len(rows))
    titles = {row["title"] for row in big}
    rest = [[plain(cell, 200) for cell in line] for line in cells if line[0] not in titles]
    if rest:
        section.tables.append(Grid(heads, rest))
    if found.lacking():
        lines = [[plain(for_, 200), plain(needs, 300)] for needs, for_ in found.lacking()]
        section.tables.append(Grid(["not in this book", "needs"], lines, text=True))
    return section


def card(row: dict[str, Any], prior_period: str) -> Card:
    """One KPI as a big number, with interval, prior, change and target."""

    def show(value: float | None) -> str:
        if row["unit"] == "ratio":
            return "–" if value is None else f"{value:.1f}×"
        return compact(value, row["unit"])

    value, state, up = row["value"], plain(row["state"], 200), row["better"] == "up"
    if value is None:
        return Card(
            row["title"],
            state or "–",
            [Line("nothing left to cover" if state else "nothing to divide by so far")],
        )
    big = Card(row["title"], show(value))
    interval = "" if row["low"] is None else f"{show(row['low'])} to {show(row['high'])}, 95 % interval, "
    big.lines.append(Line(f"{interval}n {row['n']:,}"))
    if state:
        big.lines.append(Line(state))
    if row["delta"] is not None:
        change = row["delta"]
        tone = "" if not change else "good" if (change > 0) == up else "bad"
        arrow = "▲" if change > 0 else "▼" if change < 0 else "="
        big.lines.append(Line(f"{arrow} from {show(row['prior'])} at the same point of {prior_period}", tone))
    if row["target"] is not None:
        tone = "good" if row["status"] == "met" else "bad"
        big.lines.append(Line(f"target {show(row['target'])}: {row['status']}", tone))
    return big


# ---- forecast ----


def forecast(book: Book) -> Section:
    """Bookings to date and where they may end, against quota, in all and by team."""
    section = Section("Forecast")
    section.attempt("forecast", section.pictures, outlook, book, section)
    return section


def outlook(book: Book, section: Section) -> Picture:
    """The burn-up with its fan; the teams go into the section's table."""
    # The whole book: the forecast rewinds it itself, without what only later became known.
    found = word("pipeline").forecast(
        book.whole,
        as_of=book.as_of if book.rewound else None,
        period=(book.start, book.end),
        level=80,
        zone=book.zone,
    )
    # How to ask otherwise is of no use to a reader.
    section.notes += [
        plain(note.partition("; allow_current")[0].rstrip("."), 300) + "." for note in found.notes
    ]
    holders = rows_of(found._core.holders)
    company = next(row for row in holders if row["holder_type"] == "company")
    low, middle, high = (company[f"bookings_{part}"] for part in ("lo_80", "mean", "hi_80"))
    quota, chance, total = company["quota"], company["p_attain"], company["won_to_date"]
    unit = book.unit
    likely = f"{compact(low, unit)} to {compact(high, unit)}"
    reach = (
        "" if quota is None else f" and is {odds(chance)} likely to reach the quota of {compact(quota, unit)}"
    )
    book.outlook = f"{book.label} should bring {likely} (80 % sure){reach}."
    teams = [row for row in holders if row["holder_type"] == "team"]
    if teams:
        section.tables.append(team_outlook(book, teams))
    today = min(book.today, book.end)
    fan = [(row["day"], row["low"], row["mean"], row["high"]) for row in found._fan("company")]
    return Picture(
        title=f"{compact(total, unit)} are won; {compact(middle, unit)} are expected by the end",
        subtitle="Amount won so far, and where the total may stand: mean (dashed) and the range that holds "
        "it with 80 %. Counts open deals by stage and time in it, and deals yet to come.",
        alt=f"{compact(total, unit)} are won, {compact(middle, unit)} expected, {likely} likely."
        + ("" if quota is None else f" The quota is {compact(quota, unit)}."),
        chart=plot.burn_up(
            won_by_day(book, today, total), [row for row in fan if row[0] > today], quota=quota, unit=unit
        ),
        columns=["", unit or "amount"],
        rows=[
            ["won so far", compact(total)],
            ["low: 1 in 10 ends below", compact(low)],
            ["mean", compact(middle)],
            ["high: 1 in 10 ends above", compact(high)],
            ["quota", compact(quota)],
            ["chance to reach quota", "–" if chance is None else odds(chance)],
        ],
    )


def team_outlook(book: Book, teams: list[dict[str, Any]]) -> Grid:
    """Where each team may end; of many the twelve that are expected to bring most."""
    names, most = team_names(book), 12
    kept = sorted(teams, key=lambda row: -row["bookings_mean"])[:most] if len(teams) > most else teams
    heads = ["team", "won", "expected", "80 % from", "to"]
    rows = [
        [
            plain(names.get(row["holder_id"], row["holder_id"]), 36),
            *(
                compact(row[name])
                for name in ("won_to_date", "bookings_mean", "bookings_lo_80", "bookings_hi_80")
            ),
        ]
        for row in kept
    ]
    if any(row["quota"] is not None for row in kept):
        heads += ["quota", "chance"]
        for cells, row in zip(rows, kept, strict=True):
            cells += [compact(row["quota"]), "–" if row["p_attain"] is None else odds(row["p_attain"])]
    if len(kept) < len(teams):
        rows.append([f"{len(teams) - len(kept):,} more", *[""] * (len(heads) - 1)])
    return Grid(heads, rows)


def won_by_day(book: Book, today: dt.date, total: float) -> list[tuple[dt.date, float]]:
    """Running amount won from the period's start to today."""
    running, steps = 0.0, [(book.start, 0.0)]
    for row in rows_of(book.ask("average_deal", by="day").to_table()):
        running += row["numerator"] or 0.0
        steps.append((dt.date.fromisoformat(str(row["day"])), running))
    return [*steps, (today, total)]


# ---- pipeline ----


def pipeline(book: Book) -> Section:
    """Coverage, stages, leads."""
    section = Section("Pipeline")
    for name, draw in PIPELINE.items():
        section.attempt(name, section.pictures, draw, book)
    return section


def stage_labels(book: Book) -> dict[str, str]:
    """Stage ids and what people call them."""
    if "stage_def" not in book.crm.tables:
        return {}
    return {
        row["stage_id"]: row.get("label") or row["stage_id"] for row in rows_of(book.crm.table("stage_def"))
    }


def conversion(book: Book) -> Picture:
    """How often deals get past each stage."""
    since = max(book.start - dt.timedelta(days=365), dt.date(1970, 1, 1))
    found = book.ask("stage_conversion", by="stage", period=f"{since}/{book.today}")
    labels = stage_labels(book)
    order = {name: place for place, name in enumerate(labels)}
    table = sorted(rows_of(found.to_table()), key=lambda row: order.get(row["stage"], len(order)))
    rows = [
        {"label": labels.get(row["stage"], row["stage"]), "value": row["stage_conversion"], "n": row["n"]}
        | {"low": row["stage_conversion_lo_95"], "high": row["stage_conversion_hi_95"]}
        for row in table
        if row["stage_conversion"] is not None
    ]
    if not rows:
        raise UsageError("stage_conversion: no deal entered a stage in the year before the period")
    worst = min(rows, key=lambda row: row["value"])
    return Picture(
        title=f"The hardest stage is {plain(worst['label'])}: {compact(worst['value'], 'share')} get past it",
        subtitle=f"{found.definition}. Since {day_text(since)}; line: 95 % interval.",
        alt="; ".join(f"{plain(row['label'])} {compact(row['value'], 'share')}" for row in rows),
        chart=plot.intervals(rows),
        columns=["stage", "get past it", "low", "high", "n"],
        rows=[
            [
                plain(row["label"]),
                *(compact(row[key], "share") for key in ("value", "low", "high")),
                f"{row['n']:,}",
            ]
            for row in rows
        ],
    )


def open_stages(book: Book) -> Picture:
    """The open amount in each stage."""
    labels = stage_labels(book)
    try:
        found = book.ask("weighted_pipeline", by="stage_id")
    except UsageError:
        return unweighted_stages(book, labels)
    order = {name: place for place, name in enumerate(labels)}
    unit = book.unit
    table = sorted(rows_of(found.to_table()), key=lambda row: order.get(row["stage_id"], len(order)))
    if not table:
        raise UsageError("weighted_pipeline: no open deal has a close date in the period")
    rows: list[dict[str, Any]] = []
    for row in table:
        stage, amount = row["stage_id"], row.get("unweighted") or 0.0
        note = f"{compact(amount, unit)}, {counted(row['n'], 'deal')}"
        rows.append({"label": plain(labels.get(stage, stage or "no stage")), "value": amount, "note": note})
    total = sum(row["value"] for row in rows)
    weighted = sum(row["weighted_pipeline"] or 0.0 for row in table)
    return Picture(
        title=f"{compact(total, unit)} are open for {book.label}, {compact(weighted, unit)} by stage odds",
        subtitle="Amount of open deals with a close date in the period, by stage.",
        alt="; ".join(f"{row['label']}: {row['note']}" for row in rows),
        chart=plot.ranking(rows, unit=unit),
        columns=["stage", "open", "× probability", "deals"],
        rows=[
            [drawn["label"], compact(drawn["value"]), compact(row["weighted_pipeline"]), f"{row['n']:,}"]
            for drawn, row in zip(rows, table, strict=True)
        ],
    )


def unweighted_stages(book: Book, labels: dict[str, str]) -> Picture:
    """The open amount in each stage of a book that tells no probabilities."""
    if "known_of_wins_alone" in (row["rule"] for row in rows_of(book.crm.issues.summary())):
        raise UsageError("amounts are known of won deals alone: those that are open have none yet")
    expected = f"close_date >= '{book.start}' and close_date < '{book.end}' and amount > 0"
    found = book.ask("idle_share", by="stage_id", period=None, where=expected, ids=True)
    amounts = {row["opportunity_id"]: row["amount"] for row in rows_of(book.crm.table("opportunity"))}
    if not found.ids:
        raise UsageError("no open deal has an amount and a close date in the period")
    order = {name: place for place, name in enumerate(labels)}
    rows: list[dict[str, Any]] = []
    for stage, ids in sorted(found.ids.items(), key=lambda group: order.get(group[0], len(order))):
        amount = float(sum(amounts[one] for one in ids))
        note = f"{compact(amount, book.unit)}, {counted(len(ids), 'deal')}"
        label = plain(labels.get(stage, stage or "no stage"))
        rows.append({"label": label, "value": amount, "note": note, "deals": len(ids)})
    total = sum(row["value"] for row in rows)
    return Picture(
        title=f"{compact(total, book.unit)} are open for {book.label}",
        subtitle="Amount of open deals with a close date in the period, by stage. Neither deals nor stages "
        "have a probability, so nothing is weighted.",
        alt="; ".join(f"{row['label']}: {row['note']}" for row in rows),
        chart=plot.ranking(rows, unit=book.unit),
        columns=["stage", "open", "deals"],
        rows=[[row["label"], compact(row["value"]), f"{row['deals']:,}"] for row in rows],
    )


def leads(book: Book) -> Picture:
    """How far the leads of the period came."""
    found = book.ask("funnel")
    table = rows_of(found.to_table())
    rows = [
        {
            "label": row["step"],
            "value": row["numerator"],
            "note": f"{row['numerator']:,.0f}, {compact(row.get('cumulative'), 'share')}",
        }
        for row in table
    ]
    if not rows or not rows[0]["value"]:
        raise UsageError(f"funnel: no lead came in {book.label}")
    return Picture(
        title=f"{rows[-1]['value']:,.0f} of {rows[0]['value']:,.0f} leads of {book.label} came to "
        f"'{plain(rows[-1]['label'])}' so far",
        subtitle=f"{found.definition}. Beside each bar: share of all leads.",
        alt="; ".join(f"{plain(row['label'])} {row['note']}" for row in rows),
        chart=plot.ranking(rows, unit="count"),
        columns=["step", "leads", "of the step before", "of all leads"],
        rows=[
            [
                plain(row["step"]),
                f"{row['numerator']:,.0f}",
                compact(row["funnel"], "share"),
                compact(row.get("cumulative"), "share"),
            ]
            for row in table
        ],
    )


def steps(book: Book) -> Picture:
    """What made the open pipeline what it is since the period's start."""
    found = word("pipeline").waterfall(
        book.crm, instant(book.start, zone=book.zone), book.as_of, due=(book.start, book.end)
    )
    picture: Picture = found.plot()
    picture.title = picture.title.replace("The pipeline", f"The pipeline of {book.label}", 1)
    words = "Open amount with a close date in the period; the steps add up exactly."
    picture.subtitle = " ".join([words, *(plain(note, 200) for note in found.notes)])
    return picture


def coverage(book: Book) -> Picture:
    """What is open against what is still to be won."""
    found = book.ask("pipeline_coverage")
    details, unit = found.details, book.unit
    remaining = max(details.get("remaining", 0.0), 0.0)
    rows = [
        {"label": "won", "value": details.get("won", 0.0)},
        {"label": "left to win", "value": remaining},
        {"label": "open for it", "value": details.get("open", 0.0)},
    ]
    required = details.get("required")
    if required and remaining:
        rows.append({"label": "needed by win rate", "value": required * remaining})
    if details.get("past_due"):
        rows.append({"label": "open, past due", "value": details["past_due"]})
    enough = found.value is None or not required or found.value >= required
    finding = "The quota is attained"
    if found.value is not None:
        finding = f"Open deals cover what is left {found.value:.1f} times"
        finding += f"; {required:.1f} times are {'enough' if enough else 'needed'}" if required else ""
    return Picture(
        title=finding,
        subtitle=f"{found.definition}. Needed: 1 ÷ win rate by value of the year before.",
        alt="; ".join(f"{row['label']} {compact(row['value'], unit)}" for row in rows),
        chart=plot.ranking(rows, unit=unit, role="main" if enough else "bad"),
        columns=["", unit or "amount"],
        rows=[[row["label"], compact(row["value"])] for row in rows],
    )


PIPELINE = {
    "coverage": coverage,
    "steps of the pipeline": steps,
    "open amount by stage": open_stages,
    "stage conversion": conversion,
    "leads": leads,
}

# ---- teams ----


def teams(book: Book) -> Section:
    """Who wins how much: teams, and the quarters before."""
    section = Section("Teams and trend")
    section.attempt("win rate by team", section.pictures, by_team, book)
    section.attempt("win rate by quarter", section.pictures, quarters, book)
    section.attempt("quota by team", section.tables, team_table, book)
    return section


def team_names(book: Book) -> dict[str, str]:
    """Team ids and names."""
    if "team" not in book.crm.tables:
        return {}
    return {row["team_id"]: row.get("name") or row["team_id"] for row in rows_of(book.crm.table("team"))}


def by_team(book: Book) -> Picture:
    """Win rate of the teams against the company's."""
    whole = book.ask("win_rate")
    names = team_names(book)
    rows = [
        {
            "label": names.get(row["owner.team"], row["owner.team"] or "no team"),
            "value": row["win_rate"],
            "n": row["n"],
        }
        | {"low": row["win_rate_lo_95"], "high": row["win_rate_hi_95"]}
        for row in rows_of(book.ask("win_rate", by="owner.team").to_table())
        if row["win_rate"] is not None
    ]
    if not rows or whole.value is None:
        raise UsageError(f"win rate by team: no deal was closed in {book.label}")
    rows.sort(key=lambda row: -row["value"])
    apart = [r for r in rows if r["low"] is not None and (r["low"] > whole.value or r["high"] < whole.value)]
    finding = f"No team differs clearly from the company's {compact(whole.value, 'share')}"
    if apart:
        words = ", ".join(plain(row["label"]) for row in apart[:3])
        verb = "differs" if len(apart) == 1 else "differ"
        finding = f"{words} {verb} from the company's {compact(whole.value, 'share')}"
    return Picture(
        title=finding,
        subtitle=f"{whole.definition}, {book.label}. Line: 95 % interval; a team differs where it "
        "misses the company's rate.",
        alt="; ".join(
            f"{plain(row['label'])} {compact(row['value'], 'share')} of {row['n']:,}" for row in rows
        ),
        chart=plot.intervals(rows[:40], reference=whole.value, reference_label="company"),
        columns=["team", "win rate", "low", "high", "n"],
        rows=[
            [
                plain(row["label"]),
                *(compact(row[key], "share") for key in ("value", "low", "high")),
                f"{row['n']:,}",
            ]
            for row in rows[:40]
        ],
    )


def quarters(book: Book) -> Picture:
    """Win rate of the last eight quarters."""
    found = book.ask("win_rate", period="last 8 quarters")
    rows = [
        {"label": row["period"], "value": row["win_rate"], "n": row["n"]}
        | {"low": row["win_rate_lo_95"], "high": row["win_rate_hi_95"]}
        for row in rows_of(found.to_table())
        if row["win_rate"] is not None
    ]
    if not rows:
        raise UsageError("win rate by quarter: no deal was closed in the eight quarters before")
    last, first = rows[-1], rows[0]
    moved = last["low"] > first["high"] or last["high"] < first["low"]
    return Picture(
        title=f"The win rate {'moved' if moved else 'shows no clear change'}: "
        f"{compact(first['value'], 'share')} in {first['label']}, "
        f"{compact(last['value'], 'share')} in {last['label']}",
        subtitle=f"{found.definition}. Band: 95 % interval; hollow: fewer than 10 deals.",
        alt="; ".join(f"{row['label']} {compact(row['value'], 'share')}" for row in rows),
        chart=plot.trend(rows),
        columns=["quarter", "win rate", "low", "high", "n"],
        rows=[
            [row["label"], *(compact(row[key], "share") for key in ("value", "low", "high")), f"{row['n']:,}"]
            for row in rows
        ],
    )


def team_table(book: Book) -> Grid:
    """Quota and pipeline of each team, most left to win first."""
    names, behind = team_names(book), f", {book.unit}" if book.unit else ""
    rows = rows_of(book.ask("attainment", by="owner.team").to_table())
    rows.sort(key=lambda row: (row["numerator"] or 0.0) - (row["denominator"] or 0.0))
    return Grid(
        ["team", f"won{behind}", f"quota{behind}", "attained", f"left{behind}"],
        [
            [
                plain(names.get(row["owner.team"], row["owner.team"] or "no team")),
                f"{row['numerator']:,.0f}",
                f"{row['denominator']:,.0f}",
                compact(row["attainment"], "share"),
                f"{max(row['denominator'] - row['numerator'], 0.0):,.0f}",
            ]
            for row in rows
        ],
    )


# ---- what it rests on ----


def issues(book: Book) -> Section:
    """What was wrong with the rows."""
    section = Section("Data issues")
    rewound = [row for row in rows_of(book.crm.issues.summary()) if row["rule"] == "untracked_column"]
    if rewound:
        names = [plain(f"{row['table']}.{row['column']}") for row in rewound]
        named = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
        section.notes.append(
            f"Nobody kept the past of {len(names)} columns, so they stand as today: {named}."
        )
    found = book.whole.issues
    if not found.total:
        section.notes.append("No issue was found in the rows of the book.")
        return section
    rows = sorted(rows_of(found.summary()), key=lambda row: -row["n"])
    if len(rows) > 50:
        section.notes.append(f"The 50 most frequent of {len(rows)} are shown.")
    section.tables.append(
        Grid(
            ["table", "column", "rule", "severity", "rows", "first row"],
            [issue_row(row) for row in rows[:50]],
            text=True,
        )
    )
    return section


def issue_row(row: dict[str, Any]) -> list[str]:
    """One rule that rows broke."""
    first = "" if row["first_row"] is None else f"{row['first_row']:,}"
    rule = plain(row["rule"]).replace("_", " ")
    return [plain(row["table"]), plain(row["column"]), rule, plain(row["severity"]), f"{row['n']:,}", first]


def footer(book: Book) -> Section:
    """Definitions, sources, version."""
    section = Section("Definitions and sources")
    section.terms = [(name.replace("_", " "), text) for name, text in sorted(book.definitions.items())]
    counts = rows_of(book.crm.counts())
    rows = ", ".join(f"{row['table']} {row['kept']:,}" for row in counts)
    dropped = sum(row["superseded"] + row["rejected"] for row in counts)
    section.terms += [
        ("rows kept", f"{rows}; {dropped:,} superseded or rejected"),
        ("known at", f"{book.known_at()}: later entries are left out"),
        ("calendar", book.calendar.describe()),
        ("currency", book.unit or currencies(book)),
        ("made with", f"salesops {__version__}"),
    ]
    return section


def currencies(book: Book) -> str:
    """Why no currency stands beside the amounts."""
    if book.crm.currency:
        return "not named in the book"
    amounts = any(book.crm.table(name).has("currency") for name in book.crm.tables)
    return "several" if amounts else "no money in the book"


ALL = (scorecard, forecast, pipeline, teams, issues, footer)
