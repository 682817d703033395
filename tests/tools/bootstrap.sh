#!/usr/bin/env bash
# Gets a machine ready for `make`: the compiler, libraries with headers, and tools in .venv.
#
#   bootstrap.sh GROUP...      dependency groups of pyproject.toml to have in .venv
#
# System packages come from apt where we may use it (root or sudo); elsewhere one line names what is
# missing. What was found is written to .venv/house.env, which every recipe of the Makefile reads.
# The second run with the same groups does nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

stamp=".venv/.bootstrap-$(IFS=-; echo "$*")"
state="$(cat pyproject.toml tests/tools/bootstrap.sh | cksum) $PWD"
if [[ -f .venv/house.env && "$(cat "$stamp" 2>/dev/null)" == "$state" ]] && .venv/bin/python -c '' 2>/dev/null; then
  exit 0
fi

say() { printf 'bootstrap: %s\n' "$*" >&2; }

root=""
if [[ $(id -u) -ne 0 ]]; then
  root="sudo -n"
fi
can_install() { command -v apt-get >/dev/null && { [[ -z $root ]] || $root true 2>/dev/null; }; }
updated=""
apt_get() {
  if [[ -z $updated ]]; then
    $root apt-get update -qq || true
    updated=yes
  fi
  say "installing $*"
  $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

find_python() {
  local name
  for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys, os, sysconfig, venv, ensurepip
assert sys.version_info >= (3, 11) and os.path.exists(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  return 1
}
find_compiler() {
  local name
  for name in ${CXX:-} g++ g++-15 g++-14 g++-13 g++-12; do
    if command -v "$name" >/dev/null && echo '#include <compare>
      #if !defined(__clang__) && __GNUC__ < 12
      #error
      #endif' | "$name" -std=c++20 -x c++ -fsyntax-only - 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  return 1
}
has_header() {
  printf '#include <%s>\n%s\n' "$1" "${2:-}" |
    "$compiler" -std=c++20 -x c++ -isystem /usr/include/eigen3 -fsyntax-only - 2>/dev/null
}

python="$(find_python || true)"
if [[ -z $python ]] && can_install; then
  apt_get python3 python3-venv python3-dev || true
  python="$(find_python || true)"
  if [[ -z $python ]]; then
    for version in 3.13 3.12 3.11; do
      apt_get "python$version" "python$version-venv" "python$version-dev" 2>/dev/null && break
    done
    python="$(find_python || true)"
  fi
fi
compiler="$(find_compiler || true)"
if [[ -z $compiler ]] && can_install; then
  apt_get g++ || true
  compiler="$(find_compiler || true)"
  if [[ -z $compiler ]]; then
    apt_get g++-12 || true
    compiler="$(find_compiler || true)"
  fi
fi

missing=()
[[ -n $python ]] || missing+=("Python >= 3.11 with venv and headers (python3 python3-venv python3-dev)")
[[ -n $compiler ]] || missing+=("a C++20 compiler (g++ >= 12)")
if [[ " $* " == *" test "* && -n $compiler ]]; then
  wanted=()
  has_header Eigen/Core || wanted+=(libeigen3-dev)
  has_header boost/unordered/unordered_flat_map.hpp || {
    if apt-cache show libboost1.81-dev >/dev/null 2>&1; then wanted+=(libboost1.81-dev); else wanted+=(libboost-dev); fi
  }
  has_header nlohmann/json.hpp || wanted+=(nlohmann-json3-dev)
  has_header zlib.h || wanted+=(zlib1g-dev)
  has_header gtest/gtest.h || wanted+=(libgtest-dev)
  command -v pkg-config >/dev/null || wanted+=(pkg-config)
  command -v git >/dev/null || wanted+=(git)
  if [[ ${#wanted[@]} -gt 0 ]] && can_install; then
    # A fresh machine may know libboost1.81-dev only after its first update.
    $root apt-get update -qq || true
    updated=yes
    if apt-cache show libboost1.81-dev >/dev/null 2>&1; then
      wanted=("${wanted[@]/#libboost-dev/libboost1.81-dev}")
    fi
    apt_get "${wanted[@]}" || true
  fi
  has_header gtest/gtest.h || missing+=("GoogleTest (libgtest-dev)")
  command -v git >/dev/null || missing+=("git")
  command -v pkg-config >/dev/null || missing+=("pkg-config")
fi
if [[ ${#missing[@]} -gt 0 ]]; then
  say "please install: $(IFS=';'; echo "${missing[*]}")"
  exit 1
fi

if ! .venv/bin/python -c '' 2>/dev/null || ! grep -qF "$PWD" .venv/pyvenv.cfg .venv/bin/pip 2>/dev/null; then
  say "making .venv with $python"
  rm -rf .venv
  "$python" -m venv .venv
fi
say "installing tools into .venv: $*"
groups=()
for group in "$@"; do groups+=(--group "$group"); done
.venv/bin/python -m pip install -qq --disable-pip-version-check --upgrade 'pip>=25.1'
.venv/bin/python -m pip install -qq --disable-pip-version-check "${groups[@]}"

# Two jobs need about 3 GB: fewer on a small machine.
jobs="$(nproc)"
memory_jobs=$(($(awk '/MemAvailable/ {print int($2 / 1572864)}' /proc/meminfo) + 1))
{
  echo "export PATH=\"$PWD/.venv/bin:\$PATH\""
  echo "export CXX=\"\${CXX:-$compiler}\" CMAKE_GENERATOR=Ninja"
  echo "export CMAKE_BUILD_PARALLEL_LEVEL=\"\${CMAKE_BUILD_PARALLEL_LEVEL:-$((jobs < memory_jobs ? jobs : memory_jobs))}\""
  if command -v ccache >/dev/null; then
    echo "export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_SLOPPINESS=pch_defines,time_macros"
  fi
  # Headers the system lacks come from the build requirement in .venv.
  has_header Eigen/Core && has_header boost/unordered/unordered_flat_map.hpp && has_header nlohmann/json.hpp ||
    .venv/bin/python -c '
from importlib.metadata import entry_points
for point in entry_points(group="cmake.root"):
    if point.name.isidentifier() and point.name != "salesops":
        print(f"export {point.name}_ROOT=\"{point.load().__path__[0]}\"")'
} > .venv/house.env
echo "$state" > "$stamp"
