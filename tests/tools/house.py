"""What the house checks share: the files of the project and the words of layers.toml."""

from __future__ import annotations

import functools
import pathlib
import subprocess
import tomllib
from dataclasses import dataclass

TOP = pathlib.Path(__file__).resolve().parents[2]
TOOLS = TOP / "tests" / "tools"


@dataclass(frozen=True)
class Word:
    name: str
    layer: str
    owes: str
    may_include: frozenset[str]


@functools.cache
def words() -> dict[str, Word]:
    """Every word of the house with the words it may include."""
    layers = tomllib.loads((TOOLS / "layers.toml").read_text())["layer"]
    members = {layer["name"]: layer["words"] for layer in layers}
    found = {}
    for layer in layers:
        below = {word for known in layer["knows"] for word in members[known]}
        for place, name in enumerate(layer["words"]):
            more = layer.get("also", {}).get(name, [])
            allowed = below | set(layer["words"][:place]) | set(more) | {name}
            found[name] = Word(name, layer["name"], layer["owes"], frozenset(allowed))
    return found


def word_of(path: pathlib.PurePath) -> str:
    """The word a path under include/salesops, src or python/salesops belongs to.

    `clv.hpp`, `clv_fit.cpp` and `clv/bgnbd.hpp` all belong to `clv`.
    """
    first = pathlib.PurePath(path.parts[0]).stem if len(path.parts) == 1 else path.parts[0]
    if first in words():
        return first
    return first.split("_")[0]


@functools.cache
def files() -> tuple[pathlib.Path, ...]:
    """The files that make the project: those git knows, or may come to know."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=TOP,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    return tuple(TOP / name for name in sorted(listed) if name and (TOP / name).is_file())


def under(folder: str, *suffixes: str) -> list[pathlib.Path]:
    """Project files in a folder that end in one of the suffixes."""
    root = TOP / folder
    return [path for path in files() if path.is_relative_to(root) and path.suffix in suffixes]


@functools.cache
def exceptions() -> dict[str, dict[str, str]]:
    """Exceptions to the checks, each with its reason."""
    return tomllib.loads((TOOLS / "exceptions.toml").read_text())
