"""Fills docs/reference.md with every Python module when the site is built (a hook of mkdocs.yml)."""

from __future__ import annotations

import pathlib


def on_page_markdown(markdown: str, page: object, config: dict, files: object) -> str:
    """Add one entry a module to the reference; leave other pages alone."""
    if page.file.src_uri != "reference.md":
        return markdown
    folder = pathlib.Path(config["config_file_path"]).parent / "python" / "salesops"
    modules = [path.stem for path in folder.glob("*.py")]
    modules += [path.parent.name for path in folder.glob("*/__init__.py")]
    names = sorted(name for name in modules if not name.startswith("_"))
    return markdown + "".join(f"\n\n::: salesops.{name}\n" for name in names)
