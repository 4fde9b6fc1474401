#!/usr/bin/env bash
# Stands in for plimsoll in the tests of the actions: keeps how it was called, and does as it is told.
#
#   STAND_IN_SEEN      folder that gets, for each verb, VERB.environment and VERB.arguments (with NULs
#                      between them) and VERB.files, the names of all files below PLIMSOLL_RUNS
#   STAND_IN_SAYS      its version
#   STAND_IN_OUTPUTS   what a measuring verb appends to its outputs, STAND_IN_PUBLISHED what publish does
#   STAND_IN_LEAVES    the exit code of a measuring verb, or the signal that kills it
#   STAND_IN_PUBLISH_LEAVES   the exit code of publish
set -euo pipefail

verb="${1:-}"
if [[ "$verb" == --version ]]; then
  echo "${STAND_IN_SAYS:-plimsoll 0.0.0}"
  exit
fi

env -0 > "$STAND_IN_SEEN/$verb.environment"
printf '%s\0' "$@" > "$STAND_IN_SEEN/$verb.arguments"
if [[ -d "${PLIMSOLL_RUNS:-}" ]]; then
  (cd "$PLIMSOLL_RUNS" && find . -type f) > "$STAND_IN_SEEN/$verb.files"
fi

if [[ "$verb" == publish ]]; then
  printf '%s' "${STAND_IN_PUBLISHED:-}" >> "$GITHUB_OUTPUT"
  exit "${STAND_IN_PUBLISH_LEAVES:-0}"
fi
printf '%s' "${STAND_IN_OUTPUTS:-}" >> "$GITHUB_OUTPUT"
if [[ "${STAND_IN_LEAVES:-0}" == SIG* ]]; then
  kill -s "${STAND_IN_LEAVES#SIG}" "$$"
fi
exit "${STAND_IN_LEAVES:-0}"
