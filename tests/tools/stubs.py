"""Writes the stubs of the compiled module: `python stubs.py FOLDER`."""

import pathlib
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]


def write(folder: pathlib.Path) -> None:
    """Replace the stubs in `folder` by those of the installed module."""
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(
            [sys.executable, "-m", "pybind11_stubgen", "salesops._core", "-o", scratch, "--exit-code"],
            check=True,
            cwd=scratch,
        )
        made = pathlib.Path(scratch) / "salesops" / "_core"
        if not made.is_dir():
            (made.parent / "_core.pyi").rename(made.parent / "__init__.pyi")
            made = made.parent
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.pyi"):
            old.unlink()
        for new in made.glob("*.pyi"):
            (folder / new.name).write_text(new.read_text())
    settings = str(TOP / "pyproject.toml")
    subprocess.run(
        [sys.executable, "-m", "ruff", "format", "-q", "--config", settings, str(folder)], check=True
    )


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]))
