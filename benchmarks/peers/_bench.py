"""What every peer benchmark shares: measure, compare, print one JSON line a task.

A benchmark is a script `bench_<word>.py` beside this file. It prepares the same input for us and
for the peer, checks that the answers agree, and reports::

    from _bench import measure, report

    ours = measure(lambda: so.clv.rfm(orders))
    peer = measure(lambda: lifelines.utils.summary_data(...))
    report("rfm summary", rows=len(orders), ours=ours, peers={"lifetimes": peer}, same=same_answer, limit=1.0)

`limit` is the share of the peer's time that ours may take: 0.5 claims "at most half". A peer that is not
installed is left out with `peers={}`; the line then holds our time alone. `note` is printed beside the line;
for a scan, `bandwidth_note(bytes, ours)` says how near it is to what memory gives.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache


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


def memory() -> int:
    """Resident bytes of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def peak(call: Callable[[], object]) -> int:
    """Bytes of resident memory above the start while `call` runs."""
    before = most = memory()
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.002):
            most = max(most, memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    kept = call()
    most = max(most, memory())
    done.set()
    watcher.join()
    del kept
    return most - before


def report(
    task: str,
    rows: int,
    ours: float,
    peers: Mapping[str, float] | None = None,
    *,
    same: bool = True,
    limit: float | None = None,
    note: str | None = None,
    unit: str | None = None,
) -> None:
    """Print the line of a task: one a peer, or one of our own time where there is no peer.

    `unit` names what was measured where it isn't seconds: MB.
    """
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
            "note": note,
            "unit": unit,
        }
        print(json.dumps(line), flush=True)


@cache
def read_bandwidth() -> float:
    """Bytes a second that all CPUs together read: the best of summing arrays too large for caches."""
    import numpy as np

    threads = len(os.sched_getaffinity(0))
    parts = [np.ones(1 << 24) for _ in range(threads)]
    best = 0.0
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(7):
            start = time.perf_counter()
            list(pool.map(np.sum, parts))
            best = max(best, sum(part.nbytes for part in parts) / (time.perf_counter() - start))
    return best


def bandwidth_note(bytes_read: int, seconds: float) -> str:
    """How near a scan of so many bytes is to the machine's memory bandwidth."""
    limit = read_bandwidth()
    share = bytes_read / seconds / limit
    return f"reads {bytes_read / 1e6:.0f} MB at {share:.0%} of {limit / 1e9:.1f} GB/s"
