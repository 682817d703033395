#!/usr/bin/env bash
# Format, types and static analysis of the whole project.
#
#   lint.sh --fix        puts files into the house format instead of checking it
#   lint.sh FILE...      clang-tidy reads these sources alone
set -uo pipefail
mapfile -t cpp < <(git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp')
if [[ "${1:-}" == --fix ]]; then
  clang-format -i "${cpp[@]}" && ruff check -q --fix . ; ruff format -q .
  exit
fi
failed=0
check() {
  local name="$1" from=$SECONDS
  shift
  if "$@"; then echo "$name: ok ($((SECONDS - from)) s)"; else echo "$name: FAILED"; failed=1; fi
}
check clang-format clang-format --dry-run -Werror "${cpp[@]}"
check "ruff check" ruff check -q .
check "ruff format" ruff format -q --check .
check mypy mypy --no-error-summary

if [[ $# -gt 0 ]]; then sources=("$@"); else mapfile -t sources < <(printf '%s\n' "${cpp[@]}" | grep '^src/.*\.cpp$'); fi
cmake --preset dev --log-level=WARNING >/dev/null
tidy() { printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy -p build/dev --quiet; }
check "clang-tidy of ${#sources[@]} files" tidy
exit $failed
