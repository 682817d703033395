#!/usr/bin/env bash
# Builds the wheel from build/python (kept, so the next build is short) and installs it with EXTRAS.
#
#   package.sh EXTRAS
set -euo pipefail
rm -rf build/dist
mkdir -p build/dist
python -m pip wheel -qq --no-deps --no-build-isolation -Cbuild-dir=build/python -w build/dist . ||
  { echo "the wheel did not build; what the compiler said is above" >&2; exit 1; }
wheel="$(echo build/dist/salesops-*.whl)"
python -m pip install -qq --no-deps --force-reinstall "$wheel"
python -m pip install -qq "$wheel[$1]"
echo "installed $(basename "$wheel")"
