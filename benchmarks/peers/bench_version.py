"""What a user waits for before the first number: the build from nothing, the wheel, the import.

The build runs as `pip install .` does, with an empty build folder and no compiler cache.
"""

from __future__ import annotations

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from _bench import report

TOP = pathlib.Path(__file__).resolve().parents[2]


def seconds_of(command: list[str], **options: object) -> float:
    """Wall time of a command that has to succeed."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)
    return time.perf_counter() - start


def import_time(module: str) -> float:
    """Median of what `import module` adds to the start of Python, in a new process each."""
    times = [
        seconds_of([sys.executable, "-c", f"import {module}"]) - seconds_of([sys.executable, "-c", ""])
        for _ in range(9)
    ]
    return statistics.median(times)


def met(reached: bool) -> str:
    return "met" if reached else "missed"


ours = import_time("salesops")
peers = {name: import_time(name) for name in ("pandas", "polars", "lifelines")}
report("import", 1, ours, peers, note=f"aim 150 ms: {met(ours < 0.15)}")

with tempfile.TemporaryDirectory() as scratch:
    command = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation"]
    command += [f"-Cbuild-dir={scratch}/build", "-w", f"{scratch}/dist", "."]
    took = seconds_of(command, cwd=TOP, env={**os.environ, "CCACHE_DISABLE": "1"})
    size = next(pathlib.Path(scratch, "dist").glob("*.whl")).stat().st_size / 1e6
note = f"aim 5 min: {met(took < 300)}; wheel of {size:.1f} MB, aim 5 MB: {met(size < 5)}"
report("build from nothing", 1, took, note=note)
