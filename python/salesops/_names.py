"""Names as people look for them: what `dir` lists of a module, and the one that a slip of the pen meant."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable

from salesops._core.error import UsageError


class NoAnswerError(UsageError, AttributeError):
    """Asked for what a result does not have: it is not fitted yet, or this one has no such answer.

    To Python it is a missing attribute, so that ``hasattr`` is False and ``getattr`` takes its default.
    """


def listing(module: str) -> Callable[[], list[str]]:
    """The `__dir__` of a module that shows what it offers, and not what it imports."""
    return lambda: sorted(sys.modules[module].__all__)


def meant(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'win_rate'?``, or nothing where no name is near."""

    def bare(text: str) -> str:
        return "".join(letter for letter in text.lower() if letter.isalnum())

    spelled = {bare(one): one for one in known}
    near = difflib.get_close_matches(bare(name), spelled, n=1, cutoff=0.7)
    return f"; did you mean '{spelled[near[0]]}'?" if near else ""
