#!/usr/bin/env bash
# Puts plimsoll where the later steps of the action find it.
#
#   install.sh key   names the build: writes the outputs `key` and `folder`; none with PLIMSOLL_BINARY
#   install.sh       installs: writes the outputs `path` (absolute) and `built` (true after a build)
#
#   PLIMSOLL_BINARY       an installed plimsoll; nothing is then built
#   PLIMSOLL_ACTION_PATH  the tree of the action, which holds the source
#   RUNNER_TEMP           emptied for each job, so a build here is of this job or from the cache
set -euo pipefail

fail() {
  echo "::error title=plimsoll::$1"
  exit 2
}

output() {
  [[ "$2" != *$'\n'* ]] || fail "The $1 contains a line break."
  printf '%s=%s\n' "$1" "$2" >> "$GITHUB_OUTPUT"
}

sha256() {
  if command -v sha256sum > /dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# Every file that the build could read, by content: a stale binary must never be found by its key.
digest_of_tree() {
  cd "$PLIMSOLL_ACTION_PATH"
  find . \( -name .git -o -path ./target -o -path ./.plimsoll \) -prune -o -type f -print0 \
    | LC_ALL=C sort -z \
    | while IFS= read -r -d '' file; do sha256 "$file"; done \
    | sha256 \
    | cut -d ' ' -f 1
}

# Rust's own name of platform and version; the action's tree decides which toolchain that is.
toolchain() {
  cd "$PLIMSOLL_ACTION_PATH"
  command -v cargo > /dev/null || return 1
  cargo --version --verbose | sed -n 's/^release: //p; s/^host: //p' | tr '\n' '-'
}

# Only a program that says that it is plimsoll is one.
answers() {
  [[ -x "$1" ]] && [[ "$("$1" --version < /dev/null)" =~ ^plimsoll\ [0-9] ]]
}

given() {
  local path="$PLIMSOLL_BINARY"
  if [[ "$path" != */* ]] && command -v -- "$path" > /dev/null; then
    path="$(command -v -- "$path")"
  fi
  [[ "$path" == /* ]] || path="$PWD/$path"
  answers "$path" || fail "The input binary names no working plimsoll."
  output path "$path"
}

build() {
  echo "No built plimsoll for this source and platform yet: building it, which takes minutes."
  command -v cargo > /dev/null \
    || fail "There is no cargo to build plimsoll with: install Rust, or name an installed plimsoll by the input binary."
  # From the action's own tree, so that neither settings nor toolchain of the workspace apply.
  (
    cd "$PLIMSOLL_ACTION_PATH"
    env -u CARGO_BUILD_TARGET -u RUSTFLAGS \
      cargo build --release --locked --manifest-path "$PLIMSOLL_ACTION_PATH/Cargo.toml" \
      --target-dir "$RUNNER_TEMP/plimsoll-target"
  )
  mkdir -p "$folder"
  cp "$RUNNER_TEMP/plimsoll-target/release/plimsoll" "$folder/plimsoll"
  answers "$folder/plimsoll" || fail "The plimsoll that was built does not start."
}

folder="$RUNNER_TEMP/plimsoll"

case "${1:-install}" in
  key)
    if [[ -z "${PLIMSOLL_BINARY:-}" ]] && rust="$(toolchain)"; then
      output key "plimsoll-${rust}$(digest_of_tree)"
      output folder "$folder"
    fi
    ;;
  install)
    if [[ -n "${PLIMSOLL_BINARY:-}" ]]; then
      given
    else
      answers "$folder/plimsoll" || { build && output built true; }
      output path "$folder/plimsoll"
    fi
    ;;
  *) fail "install.sh takes key or nothing." ;;
esac
