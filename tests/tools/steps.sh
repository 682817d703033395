#!/usr/bin/env bash
# Runs make targets one after another, all of them even when one fails, and says how each ended.
set -uo pipefail
goal="$1"
shift
lines=() failed=0 begin=$SECONDS
for step in "$@"; do
  printf '\n==== %s: %s ====\n' "$goal" "$step"
  from=$SECONDS
  if make --no-print-directory "$step"; then
    verdict=passed
  else
    verdict=FAILED failed=$((failed + 1))
  fi
  lines+=("$(printf '  %-12s %-7s %5d s' "$step" "$verdict" $((SECONDS - from)))")
done
printf '\n==== %s: summary ====\n' "$goal"
printf '%s\n' "${lines[@]}"
if [[ $failed -gt 0 ]]; then
  printf '%s: %d of %d steps FAILED in %d s\n' "$goal" "$failed" $# $((SECONDS - begin))
  exit 1
fi
printf '%s: all %d steps passed in %d s\n' "$goal" $# $((SECONDS - begin))
