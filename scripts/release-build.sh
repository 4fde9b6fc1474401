#!/usr/bin/env bash
# Builds the program for a target and packs it: release-build.sh TARGET FOLDER
#
# Nothing of the machine goes into it: no cache, no path, no time. Prints the path of the archive.
set -euo pipefail

readonly target="$1" folder="$2"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo_home="${CARGO_HOME:-$HOME/.cargo}"
SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)"
export SOURCE_DATE_EPOCH CARGO_INCREMENTAL=0 MACOSX_DEPLOYMENT_TARGET=11.0
export CARGO_ENCODED_RUSTFLAGS="--remap-path-prefix=$PWD=/plimsoll"$'\x1f'"--remap-path-prefix=$cargo_home=/cargo"
export CFLAGS="-ffile-prefix-map=$cargo_home=/cargo"
# The compiler of the machine would compile C against its own library.
if [[ "$target" == *-linux-musl ]]; then
  export "CC_${target//-/_}=musl-gcc"
fi

cargo build --release --locked --target "$target" --target-dir target >&2
python3 scripts/release.py archive "$target" "target/$target/release/plimsoll" "$folder"
