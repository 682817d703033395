#!/usr/bin/env bash
# Format, types and static analysis. `--fix` puts files into the house format instead of checking it;
# clang-tidy reads the sources changed since main, or all of them with `--all`.
set -uo pipefail
mapfile -t cpp < <(git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp')
if [[ "${1:-}" == --fix ]]; then
  clang-format -i "${cpp[@]}" && ruff check -q --fix . ; ruff format -q .
  exit
fi
failed=0
check() {
  local name="$1"
  shift
  if "$@"; then echo "$name: ok"; else echo "$name: FAILED"; failed=1; fi
}
check clang-format clang-format --dry-run -Werror "${cpp[@]}"
check "ruff check" ruff check -q .
check "ruff format" ruff format -q --check .
check mypy mypy --no-error-summary

if [[ "${1:-}" == --all ]] || ! git rev-parse -q --verify main >/dev/null; then
  sources=("${cpp[@]}")
else
  mapfile -t sources < <(git diff --name-only --diff-filter=d "$(git merge-base main HEAD)" -- '*.cpp')
fi
mapfile -t sources < <(printf '%s\n' "${sources[@]}" | grep -E '^src/.*\.cpp$')
if [[ ${#sources[@]} -gt 0 ]]; then
  cmake --preset dev --log-level=WARNING >/dev/null
  check clang-tidy clang-tidy -p build/dev --quiet --extra-arg=-Wno-unknown-warning-option "${sources[@]}"
fi
exit $failed
