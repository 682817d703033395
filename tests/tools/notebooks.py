"""Runs every notebook of docs/notebooks from top to bottom and keeps what it showed."""

from __future__ import annotations

import pathlib

import nbclient
import nbformat

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "notebooks"
# The kernel of whoever runs it; nothing of one machine.
KEPT = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def main() -> None:
    """Run and write each notebook; one that fails is left as it was, with the error of its cell."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        place = {"metadata": {"path": str(path.parent)}}
        nbclient.NotebookClient(notebook, timeout=600, record_timing=False, resources=place).execute()
        # Progress bars are for who waits.
        for cell in notebook.cells:
            if "outputs" in cell:
                cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        notebook.metadata = KEPT
        nbformat.write(notebook, path)
        print(path.name)


if __name__ == "__main__":
    main()
