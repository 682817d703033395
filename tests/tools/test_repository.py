"""The repository holds the product and speaks of it alone."""

import importlib.metadata
import re

from house import TOP, exceptions, files

LONGEST = 600
BINARY = {".png", ".svg", ".gz", ".parquet", ".ipynb"}
GENERATED = (TOP / "python/salesops/_core",)


def text_files():
    return [path for path in files() if path.suffix not in BINARY and "corpus" not in path.parts]


def test_no_file_is_longer_than_a_reader_can_hold():
    code = [p for p in files() if p.suffix in {".hpp", ".cpp", ".py"} and p.parent not in GENERATED]
    long = {str(p.relative_to(TOP)) for p in code if len(p.read_text().splitlines()) > LONGEST}
    allowed = set(exceptions()["long_file"])
    assert not long - allowed, f"over {LONGEST} lines: {sorted(long - allowed)}"
    assert not allowed - long, f"no longer in need of an exception: {sorted(allowed - long)}"


def test_nothing_big_and_nothing_built_is_kept():
    big = [str(p.relative_to(TOP)) for p in files() if p.stat().st_size > 1_000_000]
    built = [str(p.relative_to(TOP)) for p in files() if p.suffix in {".so", ".o", ".a", ".whl", ".pyc"}]
    assert not big
    assert not built


def test_no_one_machine_shows_through():
    """No absolute path of somebody's machine, no package index of somebody's network."""
    path = re.compile(r"(?<![\w.$}~\])])/(?:home|root|work|Users|opt|mnt)/\w")
    index = re.compile(r"(?:--|PIP_)(?:extra-)?index-url|find-links|\.pkg\.dev|localhost:\d")
    found = [
        f"{p.relative_to(TOP)}:{number}"
        for p in text_files()
        if p.name != "test_repository.py"
        for number, line in enumerate(p.read_text(errors="replace").splitlines(), 1)
        if path.search(line) or index.search(line, re.IGNORECASE)
    ]
    assert not found


def test_no_unfinished_work_is_left_in_comments():
    mark = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|HA" r"CK)\b")
    found = [
        f"{p.relative_to(TOP)}:{number}"
        for p in text_files()
        for number, line in enumerate(p.read_text(errors="replace").splitlines(), 1)
        if mark.search(line)
    ]
    assert not found


def test_one_version_everywhere():
    version = (TOP / "VERSION").read_text().strip()
    header = (TOP / "include/salesops/version.hpp").read_text()
    assert f'version = "{version}"' in header
    assert importlib.metadata.version("salesops") == version
    assert "## [Unreleased]" in (TOP / "CHANGELOG.md").read_text()
