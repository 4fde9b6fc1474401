#!/usr/bin/env bash
# The last step of the action: the one place that makes it red.
#
#   PLIMSOLL_VERDICT  the verdict that plimsoll wrote
#   PLIMSOLL_GATE     the exit code that plimsoll wrote as its output
#   PLIMSOLL_EXIT     the exit code that the shell saw
#
# Green only when plimsoll wrote a verdict, said 0 and also left with 0. A program that was killed,
# or that is not plimsoll, wrote none.
set -euo pipefail

gate="${PLIMSOLL_GATE:-}"
seen="${PLIMSOLL_EXIT:-}"

if [[ -n "${PLIMSOLL_VERDICT:-}" && "$gate" == 0 && "$seen" == 0 ]]; then
  exit 0
fi

for code in "$gate" "$seen"; do
  if [[ "$code" =~ ^[0-9]{1,3}$ ]] && ((10#$code >= 1 && 10#$code <= 255)); then
    exit "$((10#$code))"
  fi
done

echo "::error title=plimsoll::Plimsoll wrote no verdict, and without one nothing is green."
exit 2
