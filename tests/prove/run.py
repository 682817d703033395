"""Runs the slow proofs and writes docs/proof.md: `python tests/prove/run.py [NAME...]`.

Each proof is a function below or a script `prove_<what>.py` beside this file. All are run even when one
fails; what a machine can't run (no clang, no apt) counts as failed and says why. Those of `ON_REQUEST` are
run only when named. The page keeps the last verdict of each proof.
"""

from __future__ import annotations

import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Callable

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
PAGE = TOP / "docs" / "proof.md"
FUZZ_SECONDS = 30
PATIENCE = 3600  # seconds for one command
HOME = pathlib.Path("/", "root")  # of who types in a bare system


class UnprovedError(Exception):
    """A proof that failed or could not be run, with the reason."""


def run(*command: str | pathlib.Path, **options: object) -> str:
    """Run a command from the top of the project; its output, or `UnprovedError` with the end of it."""
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=PATIENCE,
        **{"cwd": TOP, **options},
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-25:])
        typed = " ".join(map(str, command[:4])).replace(f"{TOP}/", "")
        raise UnprovedError(f"{typed} … ended with {done.returncode}:\n{tail}")
    return done.stdout


def say(text: str) -> None:
    """What a long proof is at."""
    print(f"    {text}", flush=True)


def need(package: str, *programs: str) -> None:
    """Install `package` with apt when one of `programs` is absent."""
    absent = [name for name in programs if not shutil.which(name)]
    if absent and shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "update")
        run("apt-get", "install", "-y", "--no-install-recommends", *package.split(), env=quiet)
        absent = [name for name in programs if not shutil.which(name)]
    if absent:
        raise UnprovedError(f"needs {' and '.join(absent)} (apt-get install {package})")


def clang() -> str:
    """The newest clang++ from 16 on; installed with apt where we may."""
    versions = range(25, 15, -1)
    found = [name for v in versions if shutil.which(name := f"clang++-{v}") and shutil.which(f"clang-{v}")]
    if not found:
        need("clang-19 libclang-rt-19-dev", "clang++-19")
    return found[0] if found else "clang++-19"


def counted(output: str) -> str:
    """The line in which ctest or pytest counts."""
    lines = [line for line in output.splitlines() if "tests passed" in line or " passed" in line]
    return lines[-1].strip("= ") if lines else "passed"


def headers(output: str) -> str:
    """The versions of the headers that a build found."""
    lines = re.findall(r"-- Headers: (.*)", output)
    if not lines:
        raise UnprovedError("the build doesn't say which headers it found")
    return lines[-1].strip()


def thread_sanitizer() -> str:
    """C++ tests under the thread sanitizer."""
    run("cmake", "--preset", "tsan")
    run("cmake", "--build", "build/tsan")
    return counted(
        run("ctest", "--test-dir", "build/tsan", "--output-on-failure", "-j2", "-E", "refuses_|compiles_")
    )


def clang_build() -> str:
    """Library, bindings and tests built by clang with warnings as errors, tests passed."""
    compiler = clang()
    pybind = run(sys.executable, "-m", "pybind11", "--cmakedir").strip()
    flags = [f"-DCMAKE_CXX_COMPILER={compiler}", "-DSALESOPS_PYTHON=ON", f"-Dpybind11_DIR={pybind}"]
    flags += [f"-DPython_EXECUTABLE={sys.executable}"]
    found = headers(run("cmake", "--preset", "dev", "-B", "build/clang", *flags))
    run("cmake", "--build", "build/clang")
    tests = counted(run("ctest", "--test-dir", "build/clang", "--output-on-failure", "-j2"))
    return f"{compiler}: {tests}; {found}"


def fuzzing() -> str:
    """libFuzzer on every target, starting from its corpus."""
    run("cmake", "--preset", "fuzz", f"-DCMAKE_CXX_COMPILER={clang()}")
    run("cmake", "--build", "build/fuzz")
    targets = sorted(path for path in (TOP / "build/fuzz/tests/fuzz").glob("fuzz_*") if path.is_file())
    if not targets:
        raise UnprovedError("no fuzz target was built")
    inputs = 0
    for target in targets:
        corpus = TOP / "tests/fuzz/corpus" / target.name.removeprefix("fuzz_")
        limits = [f"-max_total_time={FUZZ_SECONDS}", "-timeout=10", "-print_final_stats=1"]
        with tempfile.TemporaryDirectory() as scratch:
            output = run(target, scratch, corpus, *limits, f"-artifact_prefix={TOP / 'build/fuzz'}/")
        done = int(re.findall(r"stat::number_of_executed_units:\s*(\d+)", output)[-1])
        say(f"{target.name}: {done} inputs")
        inputs += done
    return f"{len(targets)} targets, {FUZZ_SECONDS} s each, {inputs} inputs: no crash, no leak, no hang"


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


def pip_install() -> str:
    """`pip install` of the source archive in an empty environment without the system's headers; its tests."""
    with tempfile.TemporaryDirectory() as scratch:
        run(sys.executable, "-m", "build", "--sdist", "-o", scratch)
        (archive,) = pathlib.Path(scratch).glob("*.tar.gz")
        shutil.unpack_archive(archive, scratch)
        source = pathlib.Path(scratch) / archive.name.removesuffix(".tar.gz")
        python = fresh(f"{scratch}/env")
        run(python, "-m", "pip", "install", "pip>=25.1")
        say("building")
        wanted = f"{archive}[plot,report,cli,sql]"
        built = run(python, "-m", "pip", "install", "-v", f"-Cbuild-dir={scratch}/build", wanted, env=plain())
        cache = pathlib.Path(f"{scratch}/build/CMakeCache.txt").read_text()
        used = re.findall(r"^(?:Boost|Eigen3|nlohmann_json)_DIR.*=/usr.*$", cache, re.MULTILINE)
        if used:
            raise UnprovedError(f"the system's headers were used: {', '.join(used)}")
        say("testing")
        run(python, "-m", "pip", "install", "--group", "test", cwd=source)
        tests = run(python, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "tests/python", cwd=source)
        return f"{counted(tests)}; {headers(built)}"


def editable_install() -> str:
    """`pip install -e .` imports Python from the source folder."""
    with tempfile.TemporaryDirectory() as scratch:
        python = fresh(f"{scratch}/env")
        # The tools of .venv and the build folder of `make package`: nothing is compiled again.
        (site,) = pathlib.Path(f"{scratch}/env/lib").glob("python3*/site-packages")
        (site / "tools.pth").write_text(sysconfig.get_path("purelib") + "\n")
        options = ["--no-build-isolation", "--no-deps", "-Cbuild-dir=build/python"]
        run(python, "-m", "pip", "install", *options, "-e", ".")
        where = run(python, "-c", "import salesops; print(salesops.__file__)", cwd=scratch).strip()
        if pathlib.Path(where).resolve() != TOP / "python/salesops/__init__.py":
            raise UnprovedError(f"salesops was imported from {where}")
    return "imported from python/salesops"


def subdirectory() -> str:
    """The library inside another project, with the oldest CMake that is allowed: built, linked and run."""
    oldest = re.search(r"VERSION ([0-9.]+?)\.\.\.", (TOP / "CMakeLists.txt").read_text())[1]
    with tempfile.TemporaryDirectory() as scratch:
        python = fresh(f"{scratch}/env")
        run(python, "-m", "pip", "install", f"cmake=={oldest}.*")
        cmake = f"{scratch}/env/bin/cmake"
        together = "-DCMAKE_UNITY_BUILD=ON"
        run(cmake, "-S", "tests/package/add_subdirectory", "-B", f"{scratch}/build", together)
        run(cmake, "--build", f"{scratch}/build")
        said = run(f"{scratch}/build/consumer").splitlines()[0]
        return f"{run(cmake, '--version').splitlines()[0]}: {said}"


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


PHONE = """<!doctype html><title>waiting</title><iframe width=390 height=844 src="report.html"></iframe>
<script>
document.querySelector("iframe").onload = event => {
  const page = event.target.contentDocument;
  const wide = [...page.querySelectorAll("h1, h2, p, svg, table")].filter(part => {
    for (let box = part.parentElement; box; box = box.parentElement)
      if (/auto|scroll/.test(getComputedStyle(box).overflowX)) return false;
    return part.getBoundingClientRect().right > 390;
  });
  const small = [...page.querySelectorAll("p, td, th, li")].filter(
    part => part.innerText.trim() && parseFloat(getComputedStyle(part).fontSize) < 11);
  document.title = `${page.documentElement.scrollWidth} ${wide.length} ${small.length}`;
};
</script>"""


def phone() -> str:
    """The report fits a phone: nothing wider than 390 pixels, no text under 11."""
    browsers = ("chromium", "chromium-browser", "google-chrome")
    if not any(map(shutil.which, browsers)):
        need("chromium", "chromium")
    browser = next(name for name in browsers if shutil.which(name))
    with tempfile.TemporaryDirectory() as scratch:
        run("salesops", "sample", f"{scratch}/sample", "--seed", "7", "--deals", "2000")
        told = ["--as-of", "2025-11-15", "--out", f"{scratch}/report.html"]
        run("salesops", "report", f"{scratch}/sample", *told)
        (pathlib.Path(scratch) / "phone.html").write_text(PHONE)
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
        flags += ["--virtual-time-budget=20000", "--dump-dom"]
        shown = run(browser, *flags, f"file://{scratch}/phone.html")
        found = re.search(r"<title>(\d+) (\d+) (\d+)</title>", shown)
        if not found:
            raise UnprovedError("the browser showed no report")
        width, wide, small = map(int, found.groups())
        if width > 390 or wide or small:
            raise UnprovedError(f"{width} pixels wide, {wide} parts stick out, {small} are too small to read")
    return f"{width} pixels wide"


def bare_debian() -> str:
    """`make demo`, then `make test`, typed into a bare Debian 12 that has only git and make."""
    if os.geteuid() != 0:
        raise UnprovedError("needs root, for chroot")
    need("debootstrap", "debootstrap")
    with tempfile.TemporaryDirectory(prefix="bare-debian-") as scratch:
        root = pathlib.Path(scratch)
        say("debootstrap")
        run("debootstrap", "--variant=minbase", "bookworm", root)
        # How this machine reaches its registries.
        for name in ("etc/apt/apt.conf.d", "usr/local/share/ca-certificates", "etc/xdg/pip"):
            if (pathlib.Path("/") / name).is_dir():
                shutil.copytree(f"/{name}", root / name, dirs_exist_ok=True)
        for name in ("etc/resolv.conf", "etc/hosts", "etc/pip.conf"):
            if (pathlib.Path("/") / name).is_file():
                shutil.copyfile(f"/{name}", root / name)
        kept = re.compile(r"PIP_|SSL_CERT|(https?|no)_proxy$", re.IGNORECASE)
        words = {name: value for name, value in os.environ.items() if kept.match(name)}
        words |= {"HOME": str(HOME), "LANG": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

        def typed(line: str) -> str:
            return run(
                *("unshare", "--fork", "--pid", f"--mount-proc={root}/proc", "chroot", root),
                *("bash", "-c", line),
                env=words,
            )

        typed("apt-get update && apt-get install -y --no-install-recommends ca-certificates git make")
        run("git", "clone", "-q", TOP, f"{root}{HOME}/salesops")
        found = []
        for goal in ("demo", "test"):
            say(f"make {goal}")
            start = time.perf_counter()
            typed(f"cd ~/salesops && make {goal}")
            found.append(f"make {goal} {time.perf_counter() - start:.0f} s")
        if not pathlib.Path(f"{root}{HOME}/salesops/out/report.html").is_file():
            raise UnprovedError("make demo left no out/report.html")
    return ", ".join(found)


PROOFS: list[Callable[[], str]] = [
    thread_sanitizer,
    clang_build,
    fuzzing,
    pip_install,
    editable_install,
    subdirectory,
    notebooks,
    phone,
]
ON_REQUEST: list[Callable[[], str]] = [bare_debian]


def script(path: pathlib.Path) -> Callable[[], str]:
    """A proof that is a program: its last line says what was found, its exit code whether it holds."""

    def proof() -> str:
        try:
            return (run(sys.executable, path).strip().splitlines() or ["holds"])[-1]
        except UnprovedError as reason:
            say(str(reason))
            raise UnprovedError(str(reason).strip().splitlines()[-1]) from reason

    proof.__name__ = path.stem.removeprefix("prove_")
    proof.__doc__ = next(iter(path.read_text().strip().splitlines()), path.stem).strip('"')
    return proof


def title(proof: Callable[[], str]) -> str:
    """The first line of what a proof says of itself."""
    return (proof.__doc__ or proof.__name__).splitlines()[0].rstrip(".")


def write_page(rows: dict[str, str], order: list[str]) -> None:
    """Put new rows into the page and keep the others, in the order of the proofs."""
    if PAGE.exists():
        old = re.findall(r"^\| (.*?) \| (?:holds|FAILED) .*$", PAGE.read_text(), re.MULTILINE)
        lines = [
            line for line in PAGE.read_text().splitlines() if re.match(r"\| .* \| (holds|FAILED) ", line)
        ]
        rows = dict(zip(old, lines, strict=True)) | rows
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    table = ["| what | verdict | found | time |", "|---|---|---|---:|"]
    table += [rows[name] for name in order if name in rows]
    PAGE.write_text(
        "\n".join(["# Slow proofs", "", f"Written by `make prove` on {machine}.", "", *table, ""])
    )


def main(names: list[str]) -> int:
    """Run the proofs named, or all but those on request; 1 when one failed, 2 for an unknown name."""
    scripts = [script(path) for path in sorted(HERE.glob("prove_*.py"))]
    known = {proof.__name__: proof for proof in [*PROOFS, *scripts, *ON_REQUEST]}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no proof {', '.join(unknown)}; there are {', '.join(known)}")
        return 2
    chosen = [known[name] for name in names] or [*PROOFS, *scripts]
    failed = []
    for number, proof in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {proof.__name__}: {title(proof)}", flush=True)
        start = time.perf_counter()
        try:
            verdict, found = "holds", proof()
        except Exception as reason:  # one proof that can't be run doesn't stop the others
            verdict, found = "FAILED", str(reason) or type(reason).__name__
            failed.append(proof.__name__)
        spent = time.perf_counter() - start
        print(f"  {verdict} ({spent:.0f} s): {found}", flush=True)
        first = found.splitlines()[0].replace("|", "\\|")
        row = f"| {title(proof)} | {verdict} | {first} | {spent:.0f} s |"
        write_page({title(proof): row}, [title(each) for each in known.values()])
    print(
        f"{len(chosen) - len(failed)} of {len(chosen)} proofs hold"
        + "".join(f"; FAILED: {n}" for n in failed)
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
