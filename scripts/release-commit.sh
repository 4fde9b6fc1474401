#!/usr/bin/env bash
# Makes the release commit on top of HEAD and prints it: release-commit.sh ARCHIVES URL
#
# Its only change is `dist/`. Author and time are fixed, so the same archives give the same commit.
set -euo pipefail

readonly archives="$1" url="$2"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source_commit="$(git rev-parse HEAD)"
GIT_AUTHOR_DATE="@$(git log -1 --format=%ct) +0000"
export GIT_AUTHOR_DATE GIT_COMMITTER_DATE="$GIT_AUTHOR_DATE"
export GIT_AUTHOR_NAME="github-actions[bot]" GIT_COMMITTER_NAME="github-actions[bot]"
export GIT_AUTHOR_EMAIL="41898282+github-actions[bot]@users.noreply.github.com"
export GIT_COMMITTER_EMAIL="$GIT_AUTHOR_EMAIL"

python3 "$here/release.py" dist "$archives" "$url" "$source_commit" >&2
git add --force dist/BASE_URL dist/SHA256SUMS dist/SOURCE dist/VERSION
git commit --quiet --no-verify --no-gpg-sign --message "Release $(cat dist/VERSION)

Built from $source_commit." >&2
python3 "$here/release-check.py" HEAD >&2
git rev-parse HEAD
