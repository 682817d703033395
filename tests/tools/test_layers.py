"""A word includes only what its layer may know."""

import re

import pytest
from house import TOP, under, word_of, words

INCLUDE = re.compile(r'^\s*#\s*include\s+["<]salesops/([^">]+)[">]', re.MULTILINE)
SOURCES = [
    *((path, path.relative_to(TOP / "include/salesops")) for path in under("include/salesops", ".hpp")),
    *((path, path.relative_to(TOP / "src")) for path in under("src", ".cpp", ".hpp")),
]


def breaches(word: str, text: str) -> list[str]:
    included = {word_of(TOP.joinpath(name).relative_to(TOP)) for name in INCLUDE.findall(text)}
    return sorted(included - words()[word].may_include)


@pytest.mark.parametrize(("path", "name"), SOURCES, ids=lambda value: str(value).rpartition("salesops/")[2])
def test_includes_keep_to_the_layers(path, name):
    word = word_of(name)
    assert word in words(), f"{name}: no such word in tests/tools/layers.toml"
    assert not breaches(word, path.read_text()), f"{name} may not know these words"


def test_the_check_sees_a_breach():
    text = '#include "salesops/kpi.hpp"\n#include <salesops/clv/bgnbd.hpp>\n#include "salesops/error.hpp"\n'
    assert breaches("table", text) == ["clv", "kpi"]
    assert breaches("kpi", text) == []
