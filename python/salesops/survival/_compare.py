"""Whether groups last equally long, and by how much they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from salesops._arguments import checked
from salesops._core import survival as _core
from salesops._core.error import UsageError
from salesops.survival._data import choose, coded, flags, given, named, numbers, outcomes
from salesops.survival._estimator import p_text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class LogRank:
    """Outcome of `logrank` and `gray`: χ² with its degrees and p-value, and events by group."""

    statistic: float
    degrees: int
    p_value: float
    observed: dict[Any, float]
    expected: dict[Any, float]
    weight: str

    def __repr__(self) -> str:
        groups = ", ".join(f"{name} {self.observed[name]:g}/{e:.4g}" for name, e in self.expected.items())
        return (
            f"<LogRank({self.weight}): chi2 {self.statistic:.4g} on {self.degrees}, {p_text(self.p_value)}; "
            f"events observed/expected: {groups}>"
        )


def _rows(
    data: Any, arrays: dict[str, Any], columns: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    rows, named_by = given(data, arrays, columns)
    if rows.get("groups") is None:
        raise UsageError("groups: need the group of each row")
    if rows.get("events") is None:
        rows["events"] = [1] * len(rows["durations"])
    return rows, named_by


def _as_long(argument: str, length: int, times: int) -> None:
    if length != times:
        raise UsageError(f"{argument} has {length} rows, durations has {times}: they must be equally long")


def _compared(groups: Any, times: int) -> tuple[list[Any], npt.NDArray[np.uint32]]:
    """The groups of a test; one alone has nothing to be compared with."""
    names, codes = coded(groups, "groups")
    _as_long("groups", len(codes), times)
    if len(names) == 1:
        raise UsageError(f"groups: all rows are of {names[0]!r}; a test compares two groups or more")
    return names, codes


def _layers(rows: dict[str, Any]) -> npt.NDArray[np.uint32]:
    """Code of each row's stratum; empty where there are none."""
    import numpy as np

    strata = rows.get("strata")
    return np.empty(0, np.uint32) if strata is None else coded(strata, "strata")[1]


def logrank(
    durations: Any,
    events: Any = None,
    groups: Any = None,
    entry: Any = None,
    weights: Any = None,
    weight: str = "log_rank",
    *,
    strata: Any = None,
    rho: float = 1,
    gamma: float = 0,
    duration_col: str | None = None,
    event_col: str | None = None,
    group_col: str | None = None,
    entry_col: str | None = None,
    weights_col: str | None = None,
    strata_col: str | None = None,
) -> LogRank:
    """Test whether groups last equally long.

    Parameters
    ----------
    durations, events, entry, weights
        As in `KaplanMeier.fit`; also a frame with its columns.
    groups
        One label a row.
    weight
        What each event time counts: ``log_rank`` (all alike), ``wilcoxon`` (Gehan), ``tarone_ware``, ``peto``
        (Peto & Peto, as lifelines and Kleinbaum & Klein), ``g_rho`` (Fleming & Harrington). The last two
        differ: the result bears the name.
    strata
        One label a row: groups are compared within, and what is found is added up (R's ``survdiff`` with
        ``strata``). So regions in which customers leave sooner anyway don't pass for a difference of plans.
    rho, gamma
        Of ``g_rho``: weights S^ρ (1 − S)^γ just before each time. ρ looks at early differences (by default 1,
        as R's ``rho=1``), γ at late ones.

    Examples
    --------
    >>> logrank([1, 2, 3, 4], [1, 1, 1, 1], ["a", "a", "b", "b"]).degrees
    1
    >>> months, region = [1, 2, 1, 2, 8, 9, 8, 9], ["north"] * 4 + ["south"] * 4
    >>> plan = ["a", "a", "b", "b", "a", "b", "a", "b"]
    >>> logrank(months, groups=plan, strata=region).observed
    {'a': 4.0, 'b': 4.0}
    """
    rows, named_by = _rows(
        durations,
        {"events": events, "groups": groups, "entry": entry, "weights": weights, "strata": strata},
        {
            "durations": duration_col,
            "events": event_col,
            "groups": group_col,
            "entry": entry_col,
            "weights": weights_col,
            "strata": strata_col,
        },
    )
    with named(named_by):
        times = numbers(rows["durations"], "durations")
        names, codes = _compared(rows["groups"], len(times))
        found = _core.log_rank(
            times,
            flags(rows["events"]),
            codes,
            numbers(rows.get("entry"), "entry"),
            numbers(rows.get("weights"), "weights"),
            choose(_core.RankWeight, weight, "weight"),
            rho,
            gamma,
            _layers(rows),
        )
    return LogRank(
        found.statistic,
        found.degrees,
        found.p_value,
        dict(zip(names, found.observed, strict=True)),
        dict(zip(names, found.expected, strict=True)),
        weight,
    )


def gray(
    durations: Any,
    events: Any = None,
    groups: Any = None,
    *,
    cause: Any,
    censored: Any = 0,
    causes: Sequence[Any] | None = None,
    entry: Any = None,
    weights: Any = None,
    strata: Any = None,
    rho: float = 0,
    duration_col: str | None = None,
    event_col: str | None = None,
    group_col: str | None = None,
    entry_col: str | None = None,
    weights_col: str | None = None,
    strata_col: str | None = None,
) -> LogRank:
    """Test whether groups reach an outcome alike when other outcomes rule it out (Gray 1988).

    Statistic and p-value are those of R's `cmprsk`, also at the last times of small samples, where its factor
    for ties falls below 0. Groups of which no event is expected are left out (`cmprsk` then gives −1); where
    nothing can be compared the statistic is 0 and p is 1.

    Parameters
    ----------
    durations, entry, weights
        As in `KaplanMeier.fit`; also a frame with its columns.
    events
        One label a row; `censored` (and null) means "not ended yet".
    groups
        One label a row.
    cause
        The outcome to compare.
    causes
        The outcomes that there can be, as in `AalenJohansen`; then `censored` need not occur.
    strata
        One label a row: groups are compared within.
    rho
        Weight (1 − F)^rho of each time, F the share that has reached the outcome: above 0, early differences
        count more.

    Examples
    --------
    >>> days, ends = [3, 5, 5, 8, 9, 9], ["won", "lost", "won", "open", "lost", "won"]
    >>> gray(days, ends, ["a", "a", "a", "b", "b", "b"], cause="won", censored="open").degrees
    1
    """
    rows, named_by = _rows(
        durations,
        {"events": events, "groups": groups, "entry": entry, "weights": weights, "strata": strata},
        {
            "durations": duration_col,
            "events": event_col,
            "groups": group_col,
            "entry": entry_col,
            "weights": weights_col,
            "strata": strata_col,
        },
    )
    with named(named_by):
        times = numbers(rows["durations"], "durations")
        names, codes = _compared(rows["groups"], len(times))
        told, ended = outcomes(rows["events"], censored, causes)
        if cause not in told:
            raise UsageError(f"no outcome {cause!r}; there are {', '.join(map(str, told))}")
        found = _core.gray_test(
            times,
            ended,
            codes,
            told.index(cause) + 1,
            numbers(rows.get("entry"), "entry"),
            numbers(rows.get("weights"), "weights"),
            rho,
            _layers(rows),
        )
    return LogRank(
        found.statistic,
        found.degrees,
        found.p_value,
        dict(zip(names, found.observed, strict=True)),
        dict(zip(names, found.expected, strict=True)),
        "gray",
    )


@dataclass(frozen=True)
class RestrictedMeans:
    """Outcome of `rmst`: mean time lasted within `until`, by group, and two groups against each other.

    `difference` and `ratio` are of the first group against the second, in the order of `groups`; each has
    estimate, std_error, low, high and p_value. They are None unless there are two groups.
    """

    until: float
    groups: dict[Any, _core.MeanEstimate]
    difference: _core.Contrast | None
    ratio: _core.Contrast | None

    def __repr__(self) -> str:
        means = ", ".join(f"{name} {m.estimate:.4g} ± {m.std_error:.2g}" for name, m in self.groups.items())
        text = f"within {self.until:g}: {means}"
        if self.difference is not None:
            one = self.difference
            text += (
                f"; difference {one.estimate:.4g} ({one.low:.4g} to {one.high:.4g}, {p_text(one.p_value)})"
            )
        return f"<RestrictedMeans {text}>"


@checked
def rmst(
    durations: Any,
    events: Any = None,
    groups: Any = None,
    *,
    until: float,
    entry: Any = None,
    weights: Any = None,
    level: float = 95,
    duration_col: str | None = None,
    event_col: str | None = None,
    group_col: str | None = None,
    entry_col: str | None = None,
    weights_col: str | None = None,
) -> RestrictedMeans:
    """How long the rows of each group last on average, counting no further than `until`.

    With two groups also their difference and ratio with intervals and p-values. It needs no proportional
    hazards, and reads in units of time. The standard error is that of the estimate (Klein & Moeschberger
    4.5), not the spread of the lifetimes.

    Parameters
    ----------
    durations, events, entry, weights
        As in `KaplanMeier.fit`; also a frame with its columns.
    groups
        One label a row; without them all rows are one group, named ``all``.
    until
        The horizon; within the durations seen in each group.

    Examples
    --------
    >>> found = rmst([1, 2, 3, 4], [1, 1, 1, 1], ["a", "a", "b", "b"], until=3)
    >>> found.difference.estimate
    -1.5
    """
    import numpy as np

    rows, named_by = given(
        durations,
        {"events": events, "groups": groups, "entry": entry, "weights": weights},
        {
            "durations": duration_col,
            "events": event_col,
            "groups": group_col,
            "entry": entry_col,
            "weights": weights_col,
        },
    )
    with named(named_by):
        times = numbers(rows["durations"], "durations")
        events, groups = rows.get("events"), rows.get("groups")
        ended = np.ones(len(times), np.uint8) if events is None else flags(events)
        names, codes = (
            (["all"], np.zeros(len(times), np.uint32)) if groups is None else coded(groups, "groups")
        )
        late, frequency = numbers(rows.get("entry"), "entry"), numbers(rows.get("weights"), "weights")
        lengths = {
            "events": len(ended),
            "groups": len(codes),
            "entry": len(late),
            "weights": len(frequency),
        }
        for argument, length in lengths.items():
            if rows.get(argument) is not None:
                _as_long(argument, length, len(times))

        def curve_of(own: Any) -> _core.KaplanMeier:
            def of(part: Any) -> Any:
                return part[own] if len(part) else part

            return _core.kaplan_meier(
                of(times), of(ended), of(late), of(frequency), level, _core.IntervalKind.log_log
            )

        try:
            curves = [curve_of(codes == code) for code in range(max(1, len(names)))]
        except UsageError:
            curve_of(slice(None))  # refuses the same row by its place among all rows
            raise
    means: dict[Any, _core.MeanEstimate] = {}
    for name, curve in zip(names, curves, strict=True):
        mean = curve.rmst(until)
        if mean is None:
            raise UsageError(f"until: {until:g} lies past the last duration of group {name!r}")
        means[name] = mean
    both = _core.rmst_difference(curves[0], curves[1], until) if len(curves) == 2 else None
    return RestrictedMeans(
        until, means, None if both is None else both.difference, None if both is None else both.ratio
    )
