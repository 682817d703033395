"""The presets configure, and the two builds of `make test` take other versions of Eigen and Boost."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from house import TOP

PRESETS = json.loads((TOP / "CMakePresets.json").read_text())
# The CMake that first read each version of presets (cmake-presets(7)).
READS = {3: (3, 21), 4: (3, 23), 5: (3, 24), 6: (3, 25)}


def test_presets_say_which_cmake_they_need():
    asked = PRESETS["cmakeMinimumRequired"]["major"], PRESETS["cmakeMinimumRequired"]["minor"]
    text = re.search(r"cmake_minimum_required\(VERSION (\d+)\.(\d+)", (TOP / "CMakeLists.txt").read_text())
    ours = (int(text[1]), int(text[2]))
    assert asked == max(READS[PRESETS["version"]], ours)
    page = (TOP / "CONTRIBUTING.md").read_text()
    assert f"CMake {ours[0]}.{ours[1]} builds it; the presets need {asked[0]}.{asked[1]}" in page


@pytest.mark.parametrize("name", ["release", "coverage"])
def test_a_preset_configures(name, tmp_path):
    done = subprocess.run(
        ["cmake", "--preset", name, "-B", str(tmp_path), "-DSALESOPS_TESTS=OFF"],
        cwd=TOP,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    made = (tmp_path / "CMakeCache.txt").read_text()
    wanted = next(preset for preset in PRESETS["configurePresets"] if preset["name"] == name)
    for variable, value in wanted["cacheVariables"].items():
        assert re.search(rf"^{variable}:\w+={re.escape(value)}$", made, re.M), variable
    assert (tmp_path / "build.ninja").is_file()


def headers_of(build: str) -> tuple[str, str]:
    """Versions of Boost and Eigen that a build was configured with."""
    cache = (TOP / "build" / build / "CMakeCache.txt").read_text()
    folders = [re.search(rf"^{name}_DIR:PATH=(.*)$", cache, re.M)[1] for name in ("Boost", "Eigen3")]
    versions = []
    for folder, name in zip(folders, ("Boost", "Eigen3"), strict=True):
        file = pathlib.Path(folder) / f"{name}ConfigVersion.cmake"
        versions.append(re.search(r"PACKAGE_VERSION \"?(\d+(?:\.\d+)+)", file.read_text())[1])
    return versions[0], versions[1]


def test_the_two_builds_take_other_headers():
    """What users get from PyPI and what Debian has; where a system lacks one, both take PyPI's."""
    caches = [TOP / "build" / build / "CMakeCache.txt" for build in ("python", "asan")]
    if not all(cache.is_file() for cache in caches):
        pytest.skip("one of the two builds isn't there yet")
    package, system = headers_of("python"), headers_of("asan")
    print(f"Boost {package[0]} and {system[0]}, Eigen {package[1]} and {system[1]}")
    if not pathlib.Path("/usr/include/boost/version.hpp").is_file():
        pytest.skip("the system has no Boost of its own")
    assert package[0] != system[0]
    assert package[1] != system[1]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("test_ingest_real.py", "SALESOPS_DATA names no folder"),
        ("test_kpi_dictionary.py", "SALESOPS_DATA names no folder"),
    ],
)
@pytest.mark.parametrize("required", [True, False])
def test_data_that_is_required_is_not_skipped(file, words, required, tmp_path):
    """Under SALESOPS_REQUIRE_DATA=1 an absent folder fails; without it, its tests are skipped."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SALESOPS_")}
    environment |= {"SALESOPS_DATA": str(tmp_path / "absent"), "SALESOPS_REQUIRE_DATA": str(int(required))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", f"tests/python/{file}"]
    done = subprocess.run(command, cwd=TOP, env=environment, capture_output=True, text=True)
    assert done.returncode == (1 if required else 0), done.stdout
    assert words in done.stdout
    assert ("skipped" in done.stdout) != required


def test_a_dictionary_that_is_missing_fails_where_data_is_required(tmp_path):
    (tmp_path / "data").mkdir()
    environment = os.environ | {"SALESOPS_DATA": str(tmp_path / "data"), "SALESOPS_REQUIRE_DATA": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/python/test_kpi_dictionary.py",
    ]
    done = subprocess.run(command, cwd=TOP, env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    assert "2 errors" in done.stdout
