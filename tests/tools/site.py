"""Hooks of mkdocs.yml: every Python module in docs/reference.md, every notebook as a page."""

from __future__ import annotations

import json
import pathlib
import re

from mkdocs.structure.files import File, Files


def on_files(files: Files, config: dict) -> Files:
    """Add a page for each notebook."""
    for path in sorted((pathlib.Path(config["docs_dir"]) / "notebooks").glob("*.ipynb")):
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=page_of(path)))
    return files


def on_page_markdown(markdown: str, page: object, config: dict, files: object) -> str:
    """Add one entry a module to the reference; let links to notebooks lead to their pages."""
    if page.file.src_uri != "reference.md":
        return markdown.replace(".ipynb)", ".md)")
    folder = pathlib.Path(config["config_file_path"]).parent / "python" / "salesops"
    found = [*folder.glob("*.py"), *(path.parent for path in folder.glob("*/__init__.py"))]
    names = sorted(path.stem for path in found if not path.stem.startswith("_"))
    return markdown + "".join(f"\n\n::: salesops.{name}\n" for name in names)


def page_of(path: pathlib.Path) -> str:
    """A notebook as Markdown with its outputs."""
    parts = []
    for cell in json.loads(path.read_text())["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        parts += [output_of(output) for output in cell.get("outputs", [])]
    return "\n\n".join(parts)


def output_of(output: dict) -> str:
    """The picture of an output, else its table, else its text."""
    data = output.get("data", {"text/plain": output.get("text", "")})
    kind = next(name for name in ("image/svg+xml", "text/html", "text/plain") if name in data)
    shown = "".join(data[kind])
    if kind == "text/plain":
        return f"```text\n{shown.rstrip()}\n```"
    # The theme dresses tables without a class; Markdown takes an empty line for the end of the element.
    shown = re.sub(r"<table[^>]*>", "<table>", shown)
    return "<div>" + "\n".join(line.strip() for line in shown.splitlines() if line.strip()) + "</div>"
