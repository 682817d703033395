"""Notebooks are kept as they ran: in order, without errors, small, and fit for viewers that run nothing."""

import json
import re

import pytest
from house import TOP, under

NOTEBOOKS = under("docs/notebooks", ".ipynb")
MACHINE = re.compile(r"/(?:home|root|work|Users|opt|mnt|tmp|var|private)/|[A-Z]:\\\\|site-packages")
LARGEST = 200_000


def code_cells(path):
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def test_there_are_notebooks():
    assert NOTEBOOKS
    assert max(path.stat().st_size for path in NOTEBOOKS) < LARGEST


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_ran_from_top_to_bottom(path):
    notebook = json.loads(path.read_text())
    assert notebook["nbformat"] == 4
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    assert len(outputs) > len(cells) / 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_without_scripts_and_names_no_machine(path):
    text = path.read_text()
    assert not MACHINE.search(text), MACHINE.search(text)
    for output in (o for cell in code_cells(path) for o in cell["outputs"]):
        shown = output.get("data", {})
        assert not [kind for kind in shown if "javascript" in kind or "vega" in kind or "widget" in kind]
        assert "text/plain" in shown or output["output_type"] == "stream"
        assert "object at 0x" not in "".join(shown.get("text/plain", ""))
        assert "<script" not in "".join(shown.get("text/html", ""))


def test_the_readme_and_the_site_lead_to_each_notebook():
    pages = [(TOP / name).read_text() for name in ("README.md", "docs/index.md")]
    for path in NOTEBOOKS:
        assert all(f"notebooks/{path.name})" in page for page in pages), path.name
