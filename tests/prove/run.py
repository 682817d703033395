"""Runs the slow proofs and writes docs/proof.md: `python tests/prove/run.py [NAME...]`.

Each proof is a function below or a script `prove_<what>.py` beside this file. All are run even when one
fails; what a machine can't run (no clang, no apt) counts as failed and says why.
"""

from __future__ import annotations

import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
PAGE = TOP / "docs" / "proof.md"
FUZZ_SECONDS = 30


class UnprovedError(Exception):
    """A proof that failed or could not be run, with the reason."""


def run(*command: str | pathlib.Path, **options: object) -> str:
    """Run a command from the top of the project; its output, or `UnprovedError` with the end of it."""
    options = {"cwd": TOP, **options}
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-25:])
        raise UnprovedError(f"{' '.join(map(str, command[:4]))} … ended with {done.returncode}:\n{tail}")
    return done.stdout


def clang() -> tuple[str, str]:
    """The newest clang from 16 on; installed with apt where we may."""
    for attempt in range(2):
        for version in range(25, 15, -1):
            cc, cxx = shutil.which(f"clang-{version}"), shutil.which(f"clang++-{version}")
            if cc and cxx:
                return cc, cxx
        if attempt == 0 and shutil.which("apt-get") and os.geteuid() == 0:
            quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            run(
                "apt-get",
                "install",
                "-y",
                "--no-install-recommends",
                "clang-19",
                "libclang-rt-19-dev",
                env=quiet,
            )
    raise UnprovedError("needs clang 16 or newer (apt-get install clang-19 libclang-rt-19-dev)")


def counted(output: str) -> str:
    """The line in which ctest or pytest counts."""
    lines = [line for line in output.splitlines() if "tests passed" in line or " passed" in line]
    return lines[-1].strip("= ") if lines else "passed"


def thread_sanitizer() -> str:
    """C++ tests under the thread sanitizer."""
    run("cmake", "--preset", "tsan")
    run("cmake", "--build", "build/tsan")
    return counted(
        run("ctest", "--test-dir", "build/tsan", "--output-on-failure", "-E", "refuses_|compiles_")
    )


def clang_build() -> str:
    """Library, bindings and tests built by clang with warnings as errors, tests passed."""
    _, cxx = clang()
    pybind = run(sys.executable, "-m", "pybind11", "--cmakedir").strip()
    flags = [f"-DCMAKE_CXX_COMPILER={cxx}", "-DSALESOPS_PYTHON=ON", f"-Dpybind11_DIR={pybind}"]
    run("cmake", "--preset", "dev", "-B", "build/clang", f"-DPython_EXECUTABLE={sys.executable}", *flags)
    run("cmake", "--build", "build/clang")
    return counted(run("ctest", "--test-dir", "build/clang", "--output-on-failure", "-j2"))


def fuzzing() -> str:
    """libFuzzer on every target, starting from its corpus."""
    _, cxx = clang()
    run("cmake", "--preset", "fuzz", f"-DCMAKE_CXX_COMPILER={cxx}")
    run("cmake", "--build", "build/fuzz")
    targets = sorted(path for path in (TOP / "build/fuzz/tests/fuzz").glob("fuzz_*") if path.is_file())
    if not targets:
        raise UnprovedError("no fuzz target was built")
    for target in targets:
        corpus = TOP / "tests/fuzz/corpus" / target.name.removeprefix("fuzz_")
        with tempfile.TemporaryDirectory() as scratch:
            crashes = TOP / "build/fuzz"
            run(
                target,
                scratch,
                corpus,
                f"-max_total_time={FUZZ_SECONDS}",
                "-timeout=10",
                f"-artifact_prefix={crashes}/",
            )
    return f"{len(targets)} targets, {FUZZ_SECONDS} s each, no crash, no leak, no hang"


def fresh(folder: str) -> pathlib.Path:
    """The interpreter of an empty virtual environment."""
    venv.create(folder, with_pip=True, clear=True)
    return pathlib.Path(folder) / "bin" / "python"


def plain() -> dict[str, str]:
    """Our environment without what the Makefile adds to it, and with no Eigen or Boost to find."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.endswith("_ROOT") and not k.startswith(("CMAKE_", "PYTHON"))
    }
    hidden = "-DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF -DCMAKE_IGNORE_PREFIX_PATH=/usr;/usr/local"
    return {**kept, "CMAKE_ARGS": hidden, "PATH": os.environ["PATH"].replace(f"{TOP}/.venv/bin:", "")}


SMOKE = "import salesops; from salesops import _core; print(_core.__file__)"


def pip_install_alone() -> str:
    """`pip install .` in an empty environment, the system's Eigen and Boost hidden."""
    with tempfile.TemporaryDirectory() as scratch:
        python = fresh(f"{scratch}/env")
        run(python, "-m", "pip", "install", f"-Cbuild-dir={scratch}/build", ".", env=plain())
        cache = pathlib.Path(f"{scratch}/build/CMakeCache.txt").read_text()
        boost = next(line for line in cache.splitlines() if line.startswith("Boost_DIR"))
        if "=/usr" in boost:
            raise UnprovedError(f"the system's Boost was used: {boost}")
        run(python, "-c", SMOKE, cwd=scratch)
    return "built with the headers of the build requirement alone"


def sdist_to_wheel() -> str:
    """Source archive → wheel → Python tests, in an empty environment."""
    with tempfile.TemporaryDirectory() as scratch:
        run(sys.executable, "-m", "build", "--sdist", "-o", scratch)
        (archive,) = pathlib.Path(scratch).glob("*.tar.gz")
        python = fresh(f"{scratch}/env")
        run(python, "-m", "pip", "install", "pip>=25.1")
        run(python, "-m", "pip", "wheel", "--no-deps", "-w", scratch, archive, env=plain())
        (wheel,) = pathlib.Path(scratch).glob("*.whl")
        run(python, "-m", "pip", "install", "--group", "test", f"{wheel}[plot,report,cli,sql]")
        return counted(run(python, "-m", "pytest", "-q", "tests/python"))


def editable_install() -> str:
    """`pip install -e .` imports Python from the source folder."""
    with tempfile.TemporaryDirectory() as scratch:
        python = fresh(f"{scratch}/env")
        run(python, "-m", "pip", "install", "-e", ".", f"-Cbuild-dir={scratch}/build", env=plain())
        where = run(python, "-c", "import salesops; print(salesops.__file__)", cwd=scratch).strip()
        if pathlib.Path(where).resolve() != TOP / "python/salesops/__init__.py":
            raise UnprovedError(f"salesops was imported from {where}")
    return "imported from python/salesops"


def notebooks() -> str:
    """Every notebook runs from top to bottom."""
    import nbclient
    import nbformat

    found = sorted((TOP / "docs" / "notebooks").glob("*.ipynb"))
    if not found:
        raise UnprovedError("there are no notebooks in docs/notebooks")
    for path in found:
        book = nbformat.read(path, as_version=4)
        nbclient.NotebookClient(
            book, timeout=600, resources={"metadata": {"path": str(path.parent)}}
        ).execute()
    return f"{len(found)} notebooks"


PROOFS: list[Callable[[], str]] = [
    thread_sanitizer,
    clang_build,
    fuzzing,
    pip_install_alone,
    sdist_to_wheel,
    editable_install,
    notebooks,
]


def script(path: pathlib.Path) -> Callable[[], str]:
    """A proof that is a program: its last line says what was found, its exit code whether it holds."""

    def proof() -> str:
        return (run(sys.executable, path).strip().splitlines() or ["holds"])[-1]

    proof.__name__ = path.stem.removeprefix("prove_")
    proof.__doc__ = next(iter(path.read_text().strip('"\n').splitlines()), path.stem)
    return proof


def main(names: list[str]) -> int:
    proofs = PROOFS + [script(path) for path in sorted(HERE.glob("prove_*.py"))]
    rows, failed = [], 0
    for proof in proofs:
        if names and proof.__name__ not in names:
            continue
        print(f"{proof.__name__} …", flush=True)
        start = time.perf_counter()
        try:
            holds, found = True, proof()
        except UnprovedError as reason:
            holds, found, failed = False, str(reason), failed + 1
        spent = time.perf_counter() - start
        print(f"  {'holds' if holds else 'FAILED'} ({spent:.0f} s): {found}", flush=True)
        what = (proof.__doc__ or "").splitlines()[0].rstrip(".")
        first = found.splitlines()[0].replace("|", "\\|")
        rows.append(f"| {what} | {'holds' if holds else 'FAILED'} | {first} | {spent:.0f} s |")
    if not names:
        head = ["# Slow proofs", "", f"Written by `make prove` on {platform.system()} {platform.machine()}, "]
        head[-1] += f"Python {platform.python_version()}."
        PAGE.write_text(
            "\n".join([*head, "", "| what | verdict | found | time |", "|---|---|---|---:|", *rows, ""])
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
