# shellcheck shell=bash
# The released archive of this platform: found in `dist/`, downloaded or taken from the tool cache, and
# unpacked. Sourced by install.sh, whose `fail`, `sha256`, `answers` and `tree` it uses.
#
# All of it is called where `set -e` does not hold, so each command that can fail says what then.

readonly ARCHIVE_BYTES_MAX=104857600
readonly DOWNLOAD_SECONDS_MAX=120

# Through standard input: beside a name with a backslash, the hash itself would be escaped.
hash_of() {
  sha256 < "$1" | cut -d ' ' -f 1
}

platform() {
  case "${RUNNER_OS:-}-${RUNNER_ARCH:-}" in
    Linux-X64) echo x86_64-unknown-linux-musl ;;
    Linux-ARM64) echo aarch64-unknown-linux-musl ;;
    macOS-X64) echo x86_64-apple-darwin ;;
    macOS-ARM64) echo aarch64-apple-darwin ;;
  esac
}

# The hash that a file of hashes, $1, gives for the name $2; nothing when it gives none.
pinned_hash() {
  local hash file
  while read -r hash file; do
    if [[ "${file#\*}" == "$2" ]]; then
      echo "$hash"
      return
    fi
  done < "$1"
}

# Whether this tree names a released archive for this platform, and which one.
find_release() {
  local dist="${tree:?}/dist" versions='^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$'
  [[ -f "$dist/SHA256SUMS" ]] || return 1
  target="$(platform)"
  [[ -n "$target" ]] || return 1
  version="$(head -n 1 "$dist/VERSION")" || fail "dist/VERSION cannot be read."
  base_url="$(head -n 1 "$dist/BASE_URL")" || fail "dist/BASE_URL cannot be read."
  [[ "$version" =~ $versions ]] || fail "dist/VERSION holds no version."
  [[ "$base_url" == https://* ]] || fail "dist/BASE_URL holds no https:// address."
  name="plimsoll-v$version-$target"
  hash="$(pinned_hash "$dist/SHA256SUMS" "$name.tar.gz")"
  [[ -n "$hash" ]] || return 1
  [[ "$hash" =~ ^[0-9a-f]{64}$ ]] || fail "dist/SHA256SUMS holds no SHA-256 of $name.tar.gz."
}

# The file size is bounded twice, because an old curl only believes what the server announces.
download() {
  command -v curl > /dev/null || return 1
  (
    ulimit -f "$((ARCHIVE_BYTES_MAX / 1024))"
    exec curl --proto '=https' --tlsv1.2 --fail --location --silent --show-error \
      --retry 2 --retry-max-time "$DOWNLOAD_SECONDS_MAX" --connect-timeout 10 \
      --max-time "$DOWNLOAD_SECONDS_MAX" --max-filesize "$ARCHIVE_BYTES_MAX" \
      --output "$1" -- "$base_url/$name.tar.gz"
  )
}

# A cache that cannot be written costs the next job a download, and this one nothing.
keep() {
  local archive="$1" cached="$2" part
  {
    mkdir -p "$(dirname "$cached")" \
      && part="$(mktemp "$cached.XXXXXX")" \
      && cp "$archive" "$part" \
      && mv -f "$part" "$cached"
  } || echo "The archive could not be kept in the tool cache."
}

# Puts an archive with the pinned hash at $1. False only when there is none to be had.
fetch_archive() {
  local got cached="${RUNNER_TOOL_CACHE:-$RUNNER_TEMP/plimsoll-tools}/plimsoll/$version/$target/$name.tar.gz"
  # The copy is hashed and unpacked, so that nobody changes the file in between.
  if [[ -f "$cached" ]] && cp "$cached" "$1" && [[ "$(hash_of "$1")" == "$hash" ]]; then
    echo "plimsoll $version for $target is in the tool cache."
    return
  fi
  download "$1" || return 1
  got="$(hash_of "$1")"
  if [[ "$got" != "$hash" ]]; then
    rm -f "$1"
    fail "The downloaded $name.tar.gz has the SHA-256 $got, but $hash is expected: nothing is installed."
  fi
  echo "plimsoll $version for $target was downloaded."
  keep "$1" "$cached"
}

# Puts the released program at $program. False only when there is no archive to be had.
install_release() {
  local place archive
  place="$(mktemp -d "$RUNNER_TEMP/plimsoll-release.XXXXXX")" || fail "RUNNER_TEMP cannot be written."
  archive="$place/archive.tar.gz"
  program="$place/plimsoll"
  fetch_archive "$archive" || return 1
  # Only the bytes of the one expected member: no name, link or mode in the archive counts.
  tar -xzOf - "$name/plimsoll" < "$archive" > "$program" \
    || fail "The released $name.tar.gz holds no $name/plimsoll."
  rm -f "$archive"
  chmod 755 "$program"
  answers "$program" || fail "The released plimsoll $version does not start on this machine: \
name an installed plimsoll by the input binary."
}
