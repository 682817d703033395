"""The words of the KPIs: what each answers and takes, out of the catalogue."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

# What every KPI takes, in the order of the signature.
COMMON = {
    "where": 'Which rows: ``"type = \'new\' and amount >= 10000"``, or a dict such as ``{"type": "new"}``.',
    "by": 'Groups: columns, names behind them (``"owner.team"``), or a length of time such as ``"month"``.',
    "period": '``"2026-Q1"``, ``"last 4 quarters"`` or ``("2026-01-01", "2026-07-01")``, the end not '
    "included.",
    "mode": "Which rows belong to a period: {modes}.",
    "weight": "{weights}.",
    "level": "Of the interval, percent.",
    "as_of": "The book as it was known then; its latest instant by default.",
    "ids": "List the rows that each number counts: ``.ids``.",
    "progress": "``False`` for no bar, or a function of the share done.",
}
# What every KPI takes beside, by name.
BESIDE = {
    "calendar": "What months, quarters and years are: a ``so.calendar.FiscalCalendar``.",
    "zone": "In which an instant has its day: a name or a ``so.calendar.TimeZone``; UTC.",
    "seed": "Of bootstrap intervals; 1.",
    "threads": "How many; the answer is the same for any.",
}
OWN = {
    "window_days": "Age within which the modes ``window_cohort`` and ``survival`` look for a success; 90.",
    "reopened": 'What a deal counts as that was closed, reopened and closed again: its ``"last_close"`` '
    '(default), its ``"first_close"`` or ``"each_close"``.',
    "allow_negative": "Let amounts below zero into sums; else they are left out and counted.",
    "start": 'What a deal begins with: it was ``"created"``, has its ``"lead"``, or comes to a ``"stage"`` '
    "of rank ``from_rank`` or higher.",
    "from_rank": 'Rank of the stage, as ``stage_def.rank`` has it, with ``start="stage"``.',
    "no_decision": 'Loss reasons that are no outcome: ``["no_decision", "disqualified"]``.',
    "visits": 'Which stays in a stage count: ``"each"``, ``"first"``, ``"latest"``, … or a ``"deal"``.',
    "every": 'Into a later ``"day"``, ``"week"``, ``"month"`` (default), ``"quarter"``, …',
    "idle_days": "Days without a sign of life after which a deal is idle; 30.",
    "target_minutes": "Within which a lead should be answered; 60.",
    "hours": "Working hours, a ``so.calendar.BusinessHours``; without it all time counts.",
    "hours_of": 'In whose zone: ``"owner.time_zone"``, ``"owner.calendar_id"``, or a column of leads.',
    "clock": 'Starts when the lead was ``"available"`` (default), ``"created"`` or ``"reassigned"``.',
    "in_order": "A step counts only after those before it.",
    "churn_base": 'Lost customers over those of the ``"start"`` (default), or the ``"daily_average"``.',
    "churn_at": 'What ends a cancelled subscription: its ``"end"`` (default; without one the day it was '
    'cancelled), or the ``"cancel"``lation, though it is paid for longer.',
    "gross_margin": "Share of revenue, such as 0.8; needed where the book's transactions have no margin.",
    "lag": 'How long before its customers money was spent: ``30`` days or ``"sales_cycle"``.',
}
# How a margin is told in an example of those that need one.
EXAMPLE = {"gross_margin": ", gross_margin=0.8"}


def _choices(words: str) -> str:
    first, *others = words.split()
    return ", ".join(
        [f"``{first}`` (default)" if others else f"``{first}``", *(f"``{one}``" for one in others)]
    )


def docstring(row: Mapping[str, str]) -> str:
    """What `help` says of a KPI of the catalogue."""
    texts = {"modes": _choices(row["modes"]), "weights": _choices(row["weights"])}
    told = {
        name: text.format(**texts) if name in ("mode", "weight") else text for name, text in COMMON.items()
    }
    told |= {name: OWN[name] for name in row["options"].split()} | BESIDE
    example = "".join(text for name, text in EXAMPLE.items() if name in row["options"].split())
    lines = [*textwrap.wrap(f"{row['title']}: {row['formula']}.", 100), "", "Parameters", "----------"]
    lines += ["crm", "    The book."]
    for name, text in told.items():
        lines += [name, *textwrap.wrap(text, 96, initial_indent="    ", subsequent_indent="    ")]
    unit = row["unit"].replace("money", "the book's currency")
    lines += [
        "",
        "Returns",
        "-------",
        "KpiResult",
        f"    In {unit}, with all it rests on.",
        "",
        "Notes",
        "-----",
    ]
    lines += textwrap.wrap(f"Needs {', '.join(row['needs'].split())}. After: {row['source']}.", 100)
    lines += [
        "",
        "Examples",
        "--------",
        ">>> import salesops as so",
        ">>> crm = so.datasets.sample_crm(deals=200)",
    ]
    lines += [f'>>> so.kpi.{row["name"]}(crm, period="2025-Q3"{example}).period', "'2025-Q3'"]
    return "\n".join(lines)


def signature(function: Callable[..., Any], own: Sequence[str]) -> inspect.Signature:
    """The signature with the KPI's own options by name, in place of any."""
    plain = inspect.signature(function)
    kept = [one for one in plain.parameters.values() if one.kind is not one.VAR_KEYWORD]
    named = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation="Any")
        for name in (*own, *BESIDE)
    ]
    return plain.replace(parameters=[*kept, *named])
