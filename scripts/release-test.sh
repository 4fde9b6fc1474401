#!/usr/bin/env bash
# Tests a packed archive on the platform that it is for: release-test.sh ARCHIVE VERSION
set -euo pipefail

readonly archive="$1" version="$2"
name="$(basename "$archive" .tar.gz)"
readonly name
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT

fail() {
  echo "::error title=release::$name: $1"
  exit 1
}

# A machine that was busy for a moment tells nothing about the archive.
selftest() {
  local code try
  for try in 1 2 3; do
    code=0
    ./plimsoll selftest || code=$?
    ((code != 0)) || return 0
    echo "The self-test left with $code, try $try of 3."
  done
  fail "the self-test does not hold on this machine"
}

tar -xzf "$archive" -C "$place"
cd "$place/$name"
[[ "$(find . -type f | LC_ALL=C sort | tr '\n' ' ')" == "./LICENSE-APACHE ./LICENSE-MIT ./README.md ./plimsoll " ]] \
  || fail "holds other files than the program, its licences and README.md"
said="$(./plimsoll --version)" || fail "the program does not start"
[[ "$said" == "plimsoll $version" ]] || fail "the program says that it is $said"
if [[ "$name" == *-linux-musl ]] && readelf --program-headers --wide ./plimsoll | grep -q INTERP; then
  fail "the program needs a loader, so it is not static"
fi
selftest
echo "$name holds."
