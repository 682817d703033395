"""Runs the benchmarks and writes docs/benchmarks.md.

    python benchmarks/run.py [WORD...]     all words, or only those named, whose sections are replaced

Every `peers/bench_<word>.py` prints one JSON line a task (see peers/_bench.py). C++ benchmarks
(`cpp/bench_<word>`, built by the preset `bench`) print lines of the same form and are run where built.
A different answer, or a script that fails, makes the run fail; a missed limit is shown and fails nothing,
since times belong to a machine.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent
PAGE = TOP / "docs" / "benchmarks.md"


def commands(words: list[str]) -> list[tuple[str, list[str]]]:
    """Word and command of every benchmark there is."""
    found = [(path.stem, [sys.executable, str(path)]) for path in (HERE / "peers").glob("bench_*.py")]
    built = TOP / "build" / "bench" / "benchmarks"
    found += [
        (path.name, [str(path)])
        for path in built.glob("bench_*")
        if os.access(path, os.X_OK) and path.is_file()
    ]
    named = [(name.removeprefix("bench_"), command) for name, command in sorted(found)]
    return [(word, command) for word, command in named if not words or word in words]


def lines_of(command: list[str]) -> list[dict]:
    """The JSON lines a benchmark prints."""
    done = subprocess.run(command, cwd=HERE / "peers", stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def seconds(value: float | None) -> str:
    if value is None:
        return "–"
    if value < 1e-3:
        return f"{value * 1e6:.0f} µs"
    return f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"


def measured(line: dict, side: str) -> str:
    """What one side took: time, or what the line's unit says."""
    value, unit = line.get(side), line.get("unit")
    return seconds(value) if unit is None or value is None else f"{value:,.0f} {unit}"


def machine() -> str:
    cpu = platform.processor() or platform.machine()
    info = pathlib.Path("/proc/cpuinfo")
    if info.exists():
        models = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        cpu = models[0] if models else cpu
    python = f"Python {platform.python_version()}"
    return f"{cpu}, {len(os.sched_getaffinity(0))} CPUs, {platform.system()} {platform.machine()}, {python}"


def verdict(line: dict) -> str:
    if line.get("limit_share") is None or line.get("ratio") is None:
        return ""
    met = "met" if line["ratio"] <= line["limit_share"] else "missed"
    return f"≤ {line['limit_share']:g} {met}"


def page(results: dict[str, list[dict]]) -> str:
    versions = {}
    for peer in sorted({line["peer"] for lines in results.values() for line in lines if line.get("peer")}):
        try:
            versions[peer] = importlib.metadata.version(peer.split()[0])
        except importlib.metadata.PackageNotFoundError:
            continue
    out = [
        "# Benchmarks",
        "",
        "Written by `make bench` (or `benchmarks/run.py WORD`, a section): medians after a warm-up, the",
        "same input for both sides, answers compared.",
        "*ours / peer* below 1 means we are faster. Build flags are those of the release build.",
        "",
        f"Machine: {machine()}. salesops {importlib.metadata.version('salesops')}"
        + "".join(f", {name} {version}" for name, version in versions.items())
        + ".",
    ]
    for word, lines in results.items():
        out += [
            "",
            f"## {word}",
            "",
            "| task | rows | ours | peer | peer's time | ours / peer | same answer | aim | note |",
        ]
        out.append("|---|---:|---:|---|---:|---:|---|---|---|")
        for line in lines:
            ratio = "–" if line.get("ratio") is None else f"{line['ratio']:.3g}"
            same = {True: "yes", False: "NO", None: "–"}[line.get("same_answer")]
            cells = [line["task"], f"{line['rows']:,}", measured(line, "ours_s"), line.get("peer") or "–"]
            cells += [measured(line, "peer_s"), ratio, same, verdict(line), line.get("note") or ""]
            out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out) + "\n"


def with_sections(page: str, fresh: str) -> str:
    """A page with the sections of another one in the place of its own; its head stays."""
    head, *sections = page.split("\n## ")
    known = {section.split("\n", 1)[0]: section.rstrip("\n") for section in sections}
    known |= {section.split("\n", 1)[0]: section.rstrip("\n") for section in fresh.split("\n## ")[1:]}
    return "\n\n## ".join([head.rstrip("\n"), *(known[word] for word in sorted(known))]) + "\n"


def main(words: list[str]) -> int:
    results: dict[str, list[dict]] = {}
    failed = []
    for word, command in commands(words):
        print(f"{word} …", flush=True)
        try:
            lines = lines_of(command)
        except subprocess.CalledProcessError as error:
            failed.append(f"{word}: exit code {error.returncode}")
            continue
        results.setdefault(word, []).extend(lines)
        for line in lines:
            rival = f" against {line['peer']} {measured(line, 'peer_s')}" if line.get("peer") else ""
            note = f" ({line['note']})" if line.get("note") else ""
            print(f"  {line['task']}: {measured(line, 'ours_s')}{rival} {verdict(line)}{note}")
            if line.get("same_answer") is False:
                failed.append(f"{word}: {line['task']}: the answers differ")
    PAGE.write_text(page(results) if not words else with_sections(PAGE.read_text(), page(results)))
    print(PAGE.relative_to(TOP))
    for text in failed:
        print(f"FAILED {text}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
