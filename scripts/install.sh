#!/usr/bin/env bash
# Puts plimsoll where the later steps of the action find it: the one that is named, else the released
# one whose hash this tree pins, else one that is built from this tree.
#
#   install.sh key   names the build: writes the outputs `key` and `folder`; neither where nothing
#                    would be built
#   install.sh       installs: writes the outputs `path` (absolute) and `built` (true after a build
#                    that has a key)
#
#   PLIMSOLL_BINARY       an installed plimsoll; nothing is then downloaded or built
#   PLIMSOLL_ACTION_PATH  the tree of the action: `dist/` names the release, the rest is the source
#   RUNNER_OS RUNNER_ARCH select the released archive
#   RUNNER_TOOL_CACHE     keeps downloaded archives; each is hashed again whenever it is used
#   RUNNER_TEMP           emptied for each job, so a build here is of this job or from the cache
#
# bash 3.2 must do: macOS has no newer one.
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

# Only a program that says that it is plimsoll is one.
answers() {
  [[ -f "$1" && -x "$1" ]] && [[ "$("$1" --version < /dev/null)" =~ ^plimsoll\ [0-9] ]]
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

# Knows `find_release` and `install_release`.
# shellcheck source=scripts/released.sh
source "$(dirname "${BASH_SOURCE[0]}")/released.sh"

# Every file that the build could read, by content: a stale binary must never be found by its key.
digest_of_tree() {
  cd "$tree"
  find . \( -name .git -o -path ./target -o -path ./.plimsoll \) -prune -o -type f -print0 \
    | LC_ALL=C sort -z \
    | while IFS= read -r -d '' file; do sha256 "$file"; done \
    | sha256 \
    | cut -d ' ' -f 1
}

# Rust's own name of platform and version; the action's tree decides which toolchain that is.
toolchain() {
  cd "$tree"
  command -v cargo > /dev/null || return 1
  cargo --version --verbose | sed -n 's/^release: //p; s/^host: //p' | tr '\n' '-'
}

build() {
  echo "No built plimsoll for this source and platform yet: building it, which takes minutes."
  command -v cargo > /dev/null \
    || fail "There is no cargo to build plimsoll with: install Rust, or name an installed plimsoll by the input binary."
  # From the action's own tree, so that neither settings nor toolchain of the workspace apply.
  (
    cd "$tree" \
      && env -u CARGO_BUILD_TARGET -u RUSTFLAGS \
        cargo build --release --locked --manifest-path "$tree/Cargo.toml" \
        --target-dir "$RUNNER_TEMP/plimsoll-target"
  ) || fail "Plimsoll could not be built from the action's source."
  mkdir -p "$folder"
  cp "$RUNNER_TEMP/plimsoll-target/release/plimsoll" "$folder/plimsoll"
  answers "$folder/plimsoll" || fail "The plimsoll that was built does not start."
}

# A tree whose release is found needs no build, and one that stands in for it has no key.
key() {
  local rust digest
  [[ -z "${PLIMSOLL_BINARY:-}" ]] || return 0
  ! find_release || return 0
  rust="$(toolchain)" || return 0
  digest="$(digest_of_tree)"
  output key "plimsoll-$rust$digest"
  output folder "$folder"
}

install() {
  local built=true
  if [[ -n "${PLIMSOLL_BINARY:-}" ]]; then
    given
    return
  fi
  if find_release; then
    if install_release; then
      output path "$program"
      return
    fi
    built=""
    echo "::warning title=plimsoll::The released plimsoll $version could not be downloaded; its source is built instead."
  fi
  if ! answers "$folder/plimsoll"; then
    build
    [[ -z "$built" ]] || output built true
  fi
  output path "$folder/plimsoll"
}

tree="$(cd "$PLIMSOLL_ACTION_PATH" && pwd)"
folder="$RUNNER_TEMP/plimsoll"

case "${1:-install}" in
  key) key ;;
  install) install ;;
  *) fail "install.sh takes key or nothing." ;;
esac
