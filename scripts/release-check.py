"""Whether a commit is the release commit that it claims to be.

    release-check.py COMMIT [ASSETS]

A release commit adds to the commit that it was built from, which `dist/SOURCE` names, the files of
`dist/` that pin the archives, and changes nothing else: whoever trusts the source can trust the tag.
With ASSETS, a folder, that folder must hold the pinned archives and their SHA256SUMS, and nothing else.

Works on the repository of the current folder. Every problem is printed, and the exit code is then 1.
"""

import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True  # the tree that is checked stays as it is
import release

SUM = re.compile(r"([0-9a-f]{64})  ([\w.-]+)")


def git(*arguments):
    # A local replacement of commits must not change what is compared.
    environment = os.environ | {"GIT_NO_REPLACE_OBJECTS": "1"}
    done = subprocess.run(["git", *arguments], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise release.Problem(f"git {arguments[0]} failed: {done.stderr.strip() or done.returncode}")
    return done.stdout


def content(commit, path):
    return git("show", f"{commit}:{path}")


def line(commit, name):
    """The one line of a file of `dist/`."""
    lines = content(commit, f"dist/{name}").splitlines()
    if len(lines) != 1:
        raise release.Problem(f"dist/{name} has {len(lines)} lines instead of one")
    return lines[0]


def source_of(commit):
    source = line(commit, "SOURCE")
    if not re.fullmatch(r"[0-9a-f]{40}", source):
        raise release.Problem("dist/SOURCE holds no full commit")
    if git("rev-list", "--parents", "--max-count=1", commit).split()[1:] != [source]:
        raise release.Problem(f"{source}, which dist/SOURCE names, is not the only parent of the commit")
    return source


def differences(commit):
    """What the commit changes beside the files that it must add, and which of these it does not add."""
    changes = git("diff-tree", "-r", "-z", "--no-renames", source_of(commit), commit).split("\0")[:-1]
    pairs = zip(changes[::2], changes[1::2], strict=True)
    found = {path: described.split() for described, path in pairs}
    expected = {f"dist/{name}" for name in release.WRITTEN}
    for path in sorted(expected | found.keys()):
        if path not in expected:
            yield f"{path} differs from the source"
        elif path not in found or found[path][4] != "A" or found[path][1] != "100644":
            yield f"{path} is not added as a plain file"


def versions(commit):
    version, url = line(commit, "VERSION"), line(commit, "BASE_URL")
    release.order(version)
    own = release.package_version(content(commit, "Cargo.toml"))
    if own != version:
        yield f"dist/VERSION is {version}, but Cargo.toml says {own}"
    if not re.fullmatch(rf"https://[\w./-]+/v{re.escape(version)}", url):
        yield f"dist/BASE_URL is no https:// address that ends with /v{version}"


def pinned(commit):
    """The lines of SHA256SUMS must be those of the targets, in order."""
    version = line(commit, "VERSION")
    lines = content(commit, "dist/SHA256SUMS").splitlines()
    matches = [SUM.fullmatch(each) for each in lines]
    names = [match[2] for match in matches if match]
    expected = sorted(release.archive_name(version, target) for target in release.RUNNERS)
    for name in sorted(set(expected) - set(names)):
        yield f"dist/SHA256SUMS lacks {name}"
    if not all(matches) or names != expected:
        yield "dist/SHA256SUMS holds other lines than one for each archive, sorted by name"


def assets(commit, folder):
    version, sums = line(commit, "VERSION"), content(commit, "dist/SHA256SUMS")
    there = sorted(path.name for path in pathlib.Path(folder).iterdir())
    expected = {release.archive_name(version, target) for target in release.RUNNERS} | {"SHA256SUMS"}
    if set(there) != expected:
        yield f"{folder} holds {', '.join(there)}"
    elif release.sums(folder, version) != sums or release.text(f"{folder}/SHA256SUMS") != sums:
        yield f"{folder} holds other archives than those that dist/SHA256SUMS pins"


def problems(commit, *folder):
    checks = [differences, versions, pinned] + ([assets] if folder else [])
    for check in checks:
        try:
            yield from check(commit, *(folder if check is assets else []))
        except release.Problem as problem:
            yield str(problem)


def main(arguments):
    if len(arguments) not in (1, 2):
        sys.exit(__doc__)
    commit = git("rev-parse", "--verify", "--end-of-options", f"{arguments[0]}^{{commit}}").strip()
    found = list(dict.fromkeys(problems(commit, *arguments[1:])))
    for problem in found:
        print(problem, file=sys.stderr)
    if not found:
        print(f"{commit} is a release of {line(commit, 'VERSION')}, built from {line(commit, 'SOURCE')}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except release.Problem as problem:
        sys.exit(str(problem))
