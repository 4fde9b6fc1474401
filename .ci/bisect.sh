#!/usr/bin/env bash
# `git bisect run plimsoll check` over a repository of ten commits of which the seventh slows the target.
#
#   PLIMSOLL_BINARY  the program
set -euo pipefail

plimsoll="$(realpath "$PLIMSOLL_BINARY")"
root="$PWD"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
git init --quiet --initial-branch=main
git config user.name nobody
git config user.email nobody@localhost
mkdir baselines
cp "$root/baselines/demo.json" baselines/
cp "$root/plimsoll.yml" .
printf '.plimsoll/\n' > .gitignore
for number in 1 2 3 4 5 6 7 8 9 10; do
  if [[ "$number" == 7 ]]; then
    sed -i 's/^    profile: llm$/    profile: llm\n    slowdown: 1.25/' plimsoll.yml
    grep -q 'slowdown: 1.25$' plimsoll.yml
  fi
  echo "$number" > notes
  git add --all
  git commit --quiet --message "commit $number"
done

git bisect start HEAD HEAD~9 > /dev/null
git bisect run "$plimsoll" check --quiet --exit-codes git-bisect | tee log
found="$(git show --no-patch --format=%s refs/bisect/bad)"
grep -q 'is the first' log || { echo "the bisection did not end"; exit 1; }
[[ "$found" == "commit 7" ]] || { echo "it found $found, not commit 7"; exit 1; }
