"""How much recurring revenue of a start cohort is left."""

from __future__ import annotations

import html
from textwrap import fill
from typing import TYPE_CHECKING, Any

from salesops import _frame
from salesops._arguments import checked
from salesops._core import subscription as _core
from salesops._core.error import UsageError
from salesops._progress import Wanted, shown
from salesops.calendar import time_zone
from salesops.crm import Crm
from salesops.plot.base import percent
from salesops.subscription import _options, _segments
from salesops.subscription._movements import (
    SHOWN,
    SubscriptionState,
    _notes,
    legend,
    mark,
    state_of,
    whole_of,
)

if TYPE_CHECKING:
    from salesops._core.table import Table
    from salesops.plot import Picture

MEASURES = ("nrr", "grr_point", "grr_path", "logo_retention")


class Retention(_segments.Compared):
    """Revenue and customers of start cohorts that are left, by period; made by `retention`.

    With ``by=`` frames have a row for each segment too, behind its name.
    """

    _core: _core.Retention

    @property
    def periods(self) -> list[str]:
        """Labels of the periods at whose end is compared."""
        return self._core.periods

    @property
    def bases(self) -> list[str]:
        """Labels of the periods at whose end the cohorts are taken."""
        return self._core.bases

    @property
    def over(self) -> int:
        """Periods from one to the other."""
        return self._core.over

    def to_frame(self) -> Any:
        """Long: period, measure, value, low, high, numerator, denominator, n (customers), state."""
        return self._frame(self._table("long_table"))

    def to_wide(self) -> Any:
        """One row a period: base, start, end, customers, kept, each measure with its interval, state."""
        return self._frame(self._table("to_table"))

    def _table(self, name: str) -> Table:
        table: Table = getattr(self._core, name)() if self._beside is None else self._beside.table(name)
        return table

    def _frame(self, table: Any) -> Any:
        return _frame.of_kind(table) if self.source is None else _frame.like(table, self.source)

    def plot(self) -> Picture:
        """Draw net and gross revenue retention over the periods, or net retention by segment: a `Picture`."""
        from salesops.subscription import _pictures

        if self._beside is not None:
            return _pictures.retention_by_segment(self, self._beside)
        return _pictures.retention(self)

    def __repr__(self) -> str:
        from salesops.plot.base import aligned

        core = self._core
        wide = core.to_table().to_dict()
        names = {"grr_point": "grr", "grr_path": "grr (path)", "logo_retention": "logos"}
        rows = [["period", "customers", *(names.get(name, name) for name in MEASURES)]]
        for i in list(range(len(core.periods)))[-SHOWN:]:
            values = [wide[name][i] for name in MEASURES]
            texts = ["–" if value is None else percent(value) for value in values]
            rows.append([core.periods[i] + mark(core.state[i]), f"{core.customers[i]:,}", *texts])
        lines = [self._headline()]
        if len(rows) > 1:
            lines += aligned(rows)
        if len(core.periods) > SHOWN:
            lines.append(f"… {len(core.periods):,} periods in all")
        return "\n".join(lines + legend(core.state))

    def _headline(self) -> str:
        core = self._core
        back = "revenue of who came back " + ("counts" if core.reactivation else "is lost")
        text = (
            f"<Retention of recurring revenue by {core.follow}, over {core.over} × {core.every}; {back}; "
            f"{core.zone}, as of {self.as_of:%Y-%m-%d %H:%M} UTC"
        )
        if self._beside is not None:
            text += self._beside.note()
        return fill(text + _notes(self.issues) + ">", 80)

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self._headline())}</p>" + _frame.to_html(self._table("to_table"), 50)


@checked
def options_of(
    *,
    over: int | None = None,
    reactivation: bool = False,
    level: float = 95,
    interval: str | None = "linearized",
    replicates: int = 1000,
    seed: int = 1,
) -> _core.RetentionOptions:
    """The core's options, without those of `movements`."""
    options = _core.RetentionOptions()
    if over is not None and over < 1:
        raise UsageError("over: revenue is compared 1 period or more apart")
    options.over, options.reactivation, options.level = over or 0, reactivation, level
    options.interval, options.replicates, options.seed = interval or "none", replicates, seed
    return options


def finish(
    state: SubscriptionState, how: dict[str, Any], segments: _segments.Segments | None = None
) -> Retention:
    """What is left of the cohorts of a state, and of each segment's to the same day."""
    own = {name: how.pop(name) for name in options_of.__annotations__ if name in how}
    threads, progress = how.pop("threads", 0), how.pop("progress", None)
    options = options_of(**own)
    _options.only(how, _options.FOLLOWING, "retention")
    if how.get("window") is not None:
        raise UsageError("window: cohorts are taken at period ends; leave it out")
    options.options = _options.options_of(zone=time_zone(state._zone), **how)
    with shown(progress, "retention") as tell:
        whole = state._core.retention(options, threads, tell)
    _options.until(whole.as_of)
    if segments is None:
        return Retention(whole, state._source)
    following = options.options
    _options.known_to(following, whole.as_of)
    options.options = following
    parts = [part.retention(options, threads, None) for part in segments.parts]
    return Retention(whole, state._source, _segments.Beside(segments, whole, parts))


@checked
def retention(
    subscriptions: Any,
    *,
    over: int | None = None,
    reactivation: bool = False,
    level: float = 95,
    interval: str | None = "linearized",
    replicates: int = 1000,
    seed: int = 1,
    threads: int = 0,
    progress: Wanted = None,
    by: str | None = None,
    **how: Any,
) -> Retention:
    """How much of the revenue of those who were customers then is left now, and how many of them.

    The cohort of a period are the customers with revenue at the end of the period `over` before. What they
    bring at the period's end is compared with what they brought then; customers won since don't count.

    Parameters
    ----------
    subscriptions, **how
        As for `movements` (without `window` and `details`).
    over
        Periods between the two; a year of them by default: 12 months, 4 quarters.
    reactivation
        Revenue of customers who left and came back in between counts with what they bring now; by default it
        is lost. Of nrr and grr alone: logos are counted at both ends, whatever was in between.
    by
        Column of segments, as for `movements`. A customer is in that of its first row, wherever it goes, so
        that the segments add up: what a plan's first customers pay for another plan now is kept.
    level, interval
        Percent that the intervals cover, and how those of revenue are made, with customers as clusters:
        ``linearized``, ``bootstrap`` (with `replicates` and `seed`) or None. Those of customers are Wilson's.

    Notes
    -----
    ``nrr``: Σ revenue now ÷ Σ revenue then. ``grr_point``: each customer's capped at what it was.
    ``grr_path``: each customer's lowest since then, so that what was lost never returns. ``grr_chained``: the
    product of the periods' own grr_point. ``logo_retention``: customers with revenue at both ends ÷ customers
    then; ``logo_churn``: customers without at the end ÷ customers then, which is 1 − logo_retention.
    grr_path ≤ grr_point ≤ min(1, nrr). A period in progress has no rates, nor has one that is pending under a
    `grace`. Amounts of both ends take the rate of the later period's last day.

    Examples
    --------
    >>> import salesops as so
    >>> plans = {
    ...     "customer": ["A", "A", "B", "C"],
    ...     "start": ["2026-01-05", "2026-02-05", "2026-01-12", "2026-02-01"],
    ...     "end": ["2026-02-05", None, "2026-02-12", None],
    ...     "amount": [40, 65, 60, 30],
    ... }
    >>> kept = so.subscription.retention(plans, over=1, as_of="2026-03-01").to_wide()
    >>> kept["nrr"].tolist(), kept["grr_point"].tolist(), kept["logo_retention"].tolist()
    ([0.65], [0.4], [0.5])
    """
    reading, rest = _options.split(how)
    _options.only(how, _options.READING | _options.FOLLOWING, "retention")
    if isinstance(subscriptions, Crm) and rest.get("to") is not None and rest.get("rates") is None:
        rest["rates"] = subscriptions
    rest |= {
        "over": over,
        "reactivation": reactivation,
        "level": level,
        "interval": interval,
        "replicates": replicates,
        "seed": seed,
        "threads": threads,
        "progress": progress,
    }
    if by is None:
        return finish(state_of(subscriptions, reading, threads), rest)
    found = _segments.read_customers(subscriptions, by, reading, threads)
    return finish(whole_of(found), rest, found)
