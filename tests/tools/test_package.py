"""The package as users get it: stubs, size, time to import."""

import pathlib
import subprocess
import sys
import time
import zipfile

import salesops._core
import stubs
from house import TOP

LARGEST_WHEEL = 5_000_000


def test_stubs_are_those_of_the_module(tmp_path):
    stubs.write(tmp_path)
    fresh = {path.name: path.read_text() for path in tmp_path.glob("*.pyi")}
    kept = {path.name: path.read_text() for path in (TOP / "python/salesops/_core").glob("*.pyi")}
    assert sorted(kept) == sorted(fresh), "run `make stubs`"
    assert [name for name in fresh if fresh[name] != kept[name]] == [], "run `make stubs`"


def test_the_installed_package_is_whole():
    folder = pathlib.Path(salesops.__file__).parent
    assert (folder / "py.typed").is_file()
    assert TOP not in folder.parents or ".venv" in folder.parts


def test_the_wheel_is_small_and_holds_python_alone():
    wheel = max((TOP / "build/dist").glob("salesops-*.whl"), key=lambda path: path.stat().st_mtime)
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB")
    assert wheel.stat().st_size < LARGEST_WHEEL
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert all(top == "salesops" or top.endswith(".dist-info") for top in tops), tops
    assert not [name for name in names if name.endswith((".hpp", ".cpp", ".a"))]


def test_importing_pulls_in_nothing_heavy():
    """Heavy companions are imported when used. The time is printed, never judged."""
    code = "import sys; before = set(sys.modules); import salesops; print(*sorted(set(sys.modules) - before))"
    start = time.perf_counter()
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    spent = time.perf_counter() - start
    print(f"import salesops, with the interpreter's start: {spent * 1000:.0f} ms")
    heavy = {"pandas", "polars", "pyarrow", "altair", "duckdb", "jinja2", "typer", "scipy", "matplotlib"}
    assert not heavy & set(loaded.split())
