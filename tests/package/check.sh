#!/usr/bin/env bash
# Builds and runs small host programs against an install tree, each the way its users would.
#
#   check.sh PREFIX
set -euo pipefail
prefix="$1"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
top="$(cd "$here/../.." && pwd)"
build="$top/build/consumers"
version="$(cat "$top/VERSION")"
rm -rf "$build/find_package" "$build/core_only" "$build/add_subdirectory"

consume() {
  local name="$1"
  shift
  cmake -S "$here/$name" -B "$build/$name" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 "$@" >/dev/null
  cmake --build "$build/$name" >"$build/$name.log" 2>&1 || { cat "$build/$name.log"; return 1; }
  "$build/$name/consumer" >/dev/null
  echo "$name: ok"
}
mkdir -p "$build"
consume find_package -DCMAKE_PREFIX_PATH="$prefix"
consume core_only -DCMAKE_PREFIX_PATH="$prefix"
if nm -C "$build/core_only/consumer" | grep -q 'U salesops::'; then
  echo "core_only: the headers need the compiled library" >&2
  exit 1
fi
# Inside another project the host has to configure and compile; `make prove` also builds the library there,
# links and runs it.
subdirectory="$build/add_subdirectory"
cmake -S "$here/add_subdirectory" -B "$subdirectory" -DCMAKE_BUILD_TYPE=Debug >/dev/null
cmake --build "$subdirectory" --target host >/dev/null
echo "add_subdirectory: ok"

export PKG_CONFIG_PATH="$prefix/lib/pkgconfig:$prefix/lib64/pkgconfig:$prefix/lib/$("$CXX" -dumpmachine)/pkgconfig"
[[ "$(pkg-config --modversion salesops)" == "$version" ]]
# shellcheck disable=SC2046
"$CXX" -std=c++20 "-DSALESOPS_EXPECTED_VERSION=\"$version\"" "$here/consumer.cpp" \
  $(pkg-config --cflags --libs salesops) -o "$build/pkg_config"
"$build/pkg_config" >/dev/null
echo "pkg_config: ok"

# shellcheck disable=SC2046
"$CXX" -std=c++20 "$top/docs/examples/quickstart.cpp" $(pkg-config --cflags --libs salesops) -o "$build/quickstart"
python "$here/quickstart.py" "$build/quickstart"
