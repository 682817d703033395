"""Progress of long calls, and the warning when one ends early.

A bar on a terminal or in a notebook, or whatever the caller wants to be told.
"""

from __future__ import annotations

import contextlib
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TextIO

Progress = Callable[[float], object]
Wanted = Progress | bool | None

_within: ContextVar[bool] = ContextVar("within a call that shows progress", default=False)
PATIENCE = 1.0
WIDTH = 30


class ConvergenceWarning(UserWarning):
    """A fit that ended before it was sure; `notes_` say why."""


def warn(text: str | Warning, kind: type[Warning] = UserWarning) -> None:
    """Warn about the caller's line, however deep in the library the reason is."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "salesops":
        frame, level = frame.f_back, level + 1
    warnings.warn(text, kind, stacklevel=level)


class Bar:
    """A line that is drawn once the work has lasted a second, and wiped when it ends."""

    def __init__(self, what: str, stream: TextIO) -> None:
        self.what, self.stream = what, stream
        self.begin = time.monotonic()
        self.drawn = ""

    def __call__(self, share: float) -> None:
        """Draw the share done, 0 to 1."""
        seconds = time.monotonic() - self.begin
        if seconds < PATIENCE:
            return
        full = int(share * WIDTH)
        line = f"{self.what} {'█' * full}{'·' * (WIDTH - full)} {share:4.0%} {seconds:.0f} s"
        if line != self.drawn:
            self.put(line)

    def close(self) -> None:
        """Wipe the line."""
        if self.drawn:
            self.put("")
            self.stream.write("\r")
            self.stream.flush()

    def put(self, line: str) -> None:
        """Write the line over the last one."""
        try:
            self.stream.write("\r" + line.ljust(len(self.drawn)))
        except UnicodeEncodeError:
            self.stream.write("\r" + line.replace("█", "#").replace("·", ".").ljust(len(self.drawn)))
        self.stream.flush()
        self.drawn = line


@contextlib.contextmanager
def shown(progress: Wanted, what: str) -> Iterator[Progress | None]:
    """What to tell the share done: the caller's function, a bar, or None when nobody looks.

    None shows the bar where standard error is a terminal or a notebook, True always, False never. Calls
    that this one makes show none of their own.
    """
    bar: Bar | None = None
    if not callable(progress) and wants_bar(progress):
        bar = Bar(what, sys.stderr)
    token = _within.set(True)
    try:
        yield progress if callable(progress) else bar
    finally:
        _within.reset(token)
        if bar is not None:
            bar.close()


def wants_bar(progress: bool | None) -> bool:
    """Whether a bar shall be drawn."""
    if progress is not None or sys.stderr is None:
        return bool(progress) and sys.stderr is not None
    return not _within.get() and watched(sys.stderr)


def watched(stream: TextIO) -> bool:
    """Whether a person sees the stream at once."""
    return stream.isatty() or type(stream).__module__.startswith("ipykernel")


def part(tell: Progress | None, start: float, end: float) -> Progress | None:
    """The progress of a part of the work, which is `start` to `end` of the whole."""
    if tell is None:
        return None
    return lambda share: tell(start + (end - start) * share)
