"""One domain, one word: what exists of a word is complete, and no name means two things."""

import importlib
import inspect
import pathlib

import pytest
import salesops
from house import TOP, exceptions, word_of, words


def present(word: str) -> dict[str, bool]:
    """Which places know the word."""
    any_of = {
        "header": [f"include/salesops/{word}.hpp"],
        "source": [f"src/{word}.cpp", f"src/{word}"],
        "binding": [f"bindings/bind_{word}.cpp", f"bindings/{word}"],
        "module": [f"python/salesops/{word}.py", f"python/salesops/{word}/__init__.py"],
        "cpp test": [f"tests/cpp/test_{word}.cpp"],
        "python test": [f"tests/python/test_{word.removeprefix('_')}.py"],
        "bench": [f"benchmarks/cpp/bench_{word}.cpp", f"benchmarks/peers/bench_{word}.py"],
        "guide": [f"docs/guide/{word}.md"],
    }
    return {kind: any((TOP / name).exists() for name in names) for kind, names in any_of.items()}


OWED = {
    "header": {"header", "cpp test"},
    "set": {"header", "source", "binding", "module", "cpp test", "python test", "bench", "guide"},
    "module": {"module", "python test", "guide"},
    "private module": {"module"},
}


@pytest.mark.parametrize("word", words().values(), ids=lambda word: word.name)
def test_a_word_that_exists_is_complete(word):
    have = present(word.name)
    if not any(have.values()):
        pytest.skip("not there yet")
    owes = "private module" if word.name.startswith("_") else word.owes
    excused = {kind for kind in OWED[owes] if f"{word.name}: {kind}" in exceptions()["missing_file"]}
    missing = sorted(kind for kind in OWED[owes] - excused if not have[kind])
    assert not missing, f"{word.name} lacks {missing}"
    needless = sorted(kind for kind in excused if have[kind])
    assert not needless, f"{word.name} is excused in exceptions.toml from what it has: {needless}"


def test_every_file_belongs_to_a_word():
    homes = [("include/salesops", "*.hpp", ""), ("src", "*.cpp", ""), ("bindings", "bind_*.cpp", "bind_")]
    homes += [("tests/cpp", "test_*.cpp", "test_"), ("tests/python", "test_*.py", "test_")]
    homes += [("docs/guide", "*.md", ""), ("python/salesops", "*.py", "")]
    homes += [("benchmarks/cpp", "bench_*.cpp", "bench_"), ("benchmarks/peers", "bench_*.py", "bench_")]
    free = {"__init__", "index", "core"}
    free |= {word.removeprefix("_") for word in words() if word.startswith("_")}
    strays = []
    for folder, pattern, prefix in homes:
        for path in sorted((TOP / folder).glob(pattern)):
            name = path.relative_to(TOP / folder).name.removeprefix(prefix)
            stem = name.split(".")[0]
            known = {word_of(pathlib.PurePath(name)), f"_{stem}"} & set(words()) or stem in free
            if not known and not stem.startswith("_"):
                strays.append(f"{folder}/{path.name}")
    assert not strays, f"name these after a word of layers.toml: {strays}"


def test_no_module_shares_its_name_with_a_function():
    modules = {path.stem for path in (TOP / "python/salesops").glob("*.py")}
    functions = {name for name in salesops.__all__ if not inspect.ismodule(getattr(salesops, name))}
    assert not modules & functions


@pytest.mark.parametrize("name", salesops._WORDS)
def test_dir_lists_what_a_module_offers(name):
    module = importlib.import_module(f"salesops.{name}")
    assert dir(module) == sorted(module.__all__)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_all_names_what_is_there():
    assert len(set(salesops.__all__)) == len(salesops.__all__)
    assert [name for name in salesops.__all__ if not hasattr(salesops, name)] == []
