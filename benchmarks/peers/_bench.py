"""What every peer benchmark shares: measure, compare, print one JSON line a task.

A benchmark is a script `bench_<word>.py` beside this file. It prepares the same input for us and
for the peer, checks that the answers agree, and reports::

    from _bench import measure, report

    ours = measure(lambda: so.clv.rfm(orders))
    peer = measure(lambda: lifelines.utils.summary_data(...))
    report("rfm summary", rows=len(orders), ours=ours, peers={"lifetimes": peer}, same=same_answer, limit=1.0)

`limit` is the share of the peer's time that ours may take: 0.5 claims "at most half". A peer that is not
installed is left out with `peers={}`; the line then holds our time alone.
"""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable, Mapping


def measure(call: Callable[[], object], *, repeat: int = 5, at_most: float = 20.0) -> float:
    """Median seconds of `call` after one warm-up; fewer repeats once `at_most` seconds are spent."""
    begin = time.perf_counter()
    call()
    times: list[float] = []
    enabled = gc.isenabled()
    gc.disable()
    try:
        while len(times) < repeat and (not times or time.perf_counter() - begin < at_most):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    finally:
        if enabled:
            gc.enable()
    return statistics.median(times)


def report(
    task: str,
    rows: int,
    ours: float,
    peers: Mapping[str, float] | None = None,
    *,
    same: bool = True,
    limit: float | None = None,
) -> None:
    """Print the line of a task: one a peer, or one of our own time where there is no peer."""
    for peer, seconds in (peers or {"": None}).items():
        line = {
            "task": task,
            "rows": rows,
            "ours_s": ours,
            "peer": peer or None,
            "peer_s": seconds,
            "ratio": ours / seconds if seconds else None,
            "same_answer": same if seconds else None,
            "limit_share": limit if seconds else None,
        }
        print(json.dumps(line), flush=True)
