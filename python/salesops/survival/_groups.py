"""The curves of several groups in one picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from salesops import _arguments
from salesops._arguments import checked
from salesops._core.error import UsageError
from salesops.survival._curves import AalenJohansen, Curves
from salesops.survival._pictures import picture

if TYPE_CHECKING:
    from salesops.plot import Picture


@checked
def plot(fits: Any, *, cause: Any = None, time: str = "time") -> Picture:
    """Draw the curves of groups in one picture, and under them how many rows of each were at risk.

    The title tells the latest time at which each group has 10 rows at risk, where there is one: the share of
    each group, of more than four the smallest and the largest.

    Parameters
    ----------
    fits
        Name of each group to its fitted `KaplanMeier`, `NelsonAalen` or `AalenJohansen`, all of one kind and
        level; at most 10. A single fit is drawn as its own `plot` draws it.
    cause
        Of `AalenJohansen`: the outcome whose share is drawn, where there are several. A group in which
        nothing ended so stays at 0.
    time
        The word for the axis, such as ``"days"``.

    Examples
    --------
    >>> from salesops.survival import AalenJohansen, KaplanMeier
    >>> days, left, plan = [5, 6, 6, 2, 4, 9], [1, 0, 1, 1, 0, 1], ["a", "a", "a", "b", "b", "b"]
    >>> fits = {
    ...     name: KaplanMeier().fit(
    ...         [d for d, p in zip(days, plan) if p == name], [e for e, p in zip(left, plan) if p == name]
    ...     )
    ...     for name in "ab"
    ... }
    >>> plot(fits, time="days").title
    'After 6 days: a 33.3 %, b 66.7 %'
    >>> deals = {
    ...     "new": AalenJohansen(censored="open").fit([3, 5, 8], ["won", "lost", "open"]),
    ...     "old": AalenJohansen(censored="open").fit([2, 6, 9], ["lost", "won", "open"]),
    ... }
    >>> plot(deals, cause="won", time="days").title
    'won after 8 days: new 33.3 %, old 33.3 %'
    """
    from salesops.plot import MOST_LINES

    if isinstance(fits, Curves):
        if cause is None:
            drawn: Picture = fits.plot(time=time)
            return drawn
        fits = {str(cause): fits}
    groups = {str(name): fit for name, fit in _arguments.mapping(fits, "fits").items()}
    if not groups:
        raise UsageError("fits: name at least one group and its curve")
    if len(groups) < len(fits):
        raise UsageError("fits: two groups bear the same name; give each one of its own")
    if len(groups) > MOST_LINES:
        raise UsageError(
            f"fits: {len(groups)} groups are more than a reader can tell apart (at most {MOST_LINES}); "
            "choose those that matter, or draw several pictures"
        )
    kind = next(iter(groups.values()))
    for name, fit in groups.items():
        if type(fit) is not type(kind) or not isinstance(fit, Curves):
            raise UsageError(
                f"fits: group '{name}' needs a KaplanMeier, NelsonAalen or AalenJohansen, all of one kind"
            )
        if fit.get_params()["level"] != kind.get_params()["level"]:
            raise UsageError(f"fits: group '{name}' has intervals of another level; fit all with one level")
    results = [fit._fitted() for fit in groups.values()]
    if isinstance(kind, AalenJohansen):
        cause = asked(groups, cause)
        curves = [fit._of(cause) for fit in groups.values()]
        axis, subject = f"share {cause} by then", "" if list(groups) == [str(cause)] else str(cause)
        about = f"Share that ended as '{cause}' by then, other outcomes competing"
    elif cause is not None:
        raise UsageError(f"cause: a {type(kind).__name__} has no outcomes to choose from")
    else:
        curves = [fit._curves()[1][0] for fit in groups.values()]
        axis, subject, about = kind.axis, "", kind.axis.capitalize()
    return picture(
        [curve._replace(name=name) for name, curve in zip(groups, curves, strict=True)],
        results,
        origin=kind.origin,
        unit=kind.unit,
        time=time,
        axis=axis,
        subject=subject,
        about=f"{about}. Those whose end is not known count as long as seen. Band: "
        f"{kind.get_params()['level']:g} % interval at each time. Below: rows at risk.",
    )


def asked(groups: Mapping[str, AalenJohansen], cause: Any) -> Any:
    """The outcome to draw: the one asked for, or the only one."""
    known = list(dict.fromkeys(label for fit in groups.values() for label in fit.causes_))
    if cause is None and len(known) == 1:
        return known[0]
    if cause in known:
        return cause
    listed = ", ".join(map(repr, known)) or "none: no row has ended"
    if cause is None:
        raise UsageError(f"cause: say which outcome to draw; there are {listed}")
    raise UsageError(f"cause: no outcome {cause!r}; there are {listed}")
