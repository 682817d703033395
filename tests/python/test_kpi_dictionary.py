"""The guide's table of KPIs against the dictionary that it was made from."""

import importlib
import os
import pathlib
import re

import pytest
from salesops import kpi

TOP = pathlib.Path(__file__).parents[2]
# Where the guide calls a KPI by another word than the dictionary.
OTHERWISE = {
    "ACV / TCV": "Annual and total contract value",
    "MRR / ARR": "Monthly and annual recurring revenue",
    "MRR movements": "Movements of recurring revenue",
    "NRR": "Net revenue retention",
    "GRR": "Gross revenue retention",
    "CAC": "Customer acquisition cost",
    "LTV:CAC": "Lifetime value to acquisition cost",
    "Quota:OTE": "Quota to on-target earnings",
    "SLA compliance": "Response within target",
}


@pytest.fixture(scope="module")
def dictionary(data_dir) -> list[str]:
    """The titles of tables 1.1 and 1.2."""
    path = data_dir.parent / "spec" / "kpis.md"
    if not path.is_file():
        if os.environ.get("SALESOPS_REQUIRE_DATA") == "1":
            pytest.fail("SALESOPS_REQUIRE_DATA=1 but the dictionary isn't beside the data")
        pytest.skip("the dictionary isn't beside the data")
    text = path.read_text(encoding="utf-8")
    titles = []
    for number in ("1.1", "1.2"):
        part = re.split(rf"^### {re.escape(number)} ", text, flags=re.MULTILINE)[1].split("\n### ")[0]
        rows = [line for line in part.splitlines() if line.startswith("|")][2:]
        titles += [row.strip("|").split(" | ")[0].strip(" *") for row in rows]
    return titles


def guide() -> list[tuple[str, str, str]]:
    text = (TOP / "docs/guide/kpi.md").read_text(encoding="utf-8").split("## KPIs")[1]
    rows = [line for line in text.splitlines() if line.startswith("|")][2:]
    cells = [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows]
    return [(title, name, word) for title, name, word in cells]


def words(title: str) -> set[str]:
    """What a title speaks of, without plurals and small words."""
    found = re.findall(r"[a-z]{4,}", title.lower())
    return {word.rstrip("s")[:7] for word in found} - {"rate", "from"}


def test_each_row_of_the_dictionary_has_its_row_in_the_guide(dictionary):
    rows = guide()
    assert len(dictionary) >= 50
    assert len(rows) == len(dictionary)
    for title, (known, _, _) in zip(dictionary, rows, strict=True):
        if title in OTHERWISE:
            assert known == OTHERWISE[title]
        else:
            assert words(title) & words(known), (title, known)
    assert set(OTHERWISE) <= set(dictionary)


def test_each_row_names_a_function_or_a_domain_that_the_design_has(dictionary):
    design = (TOP / "docs/design.md").read_text(encoding="utf-8").split("## Layers")[1].split("\n## ")[0]
    domains = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"^\| (?:5|6)[^|]*\|([^|]*)\|", design, re.M))))
    assert {"kpi", "clv", "quota", "subscription", "compensation"} <= domains
    known = set(kpi.catalogue().to_table().to_dict()["name"])
    for title, (_, name, word) in zip(dictionary, guide(), strict=True):
        assert word in domains, title
        if word == "kpi":
            assert name in known, title
            assert callable(getattr(kpi, name)), title
        elif name:
            assert callable(getattr(importlib.import_module(f"salesops.{word}"), name)), title
