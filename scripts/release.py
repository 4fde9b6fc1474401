"""The parts of a release: what it is called, what is in it, and what `dist/` says of it.

    release.py plan [VERSION]    whether this tree can become that version; prints outputs of a step.
                                 Without a version nothing is asked, for a rehearsal.
    release.py notes             prints the changelog's section of this version
    release.py archive TARGET PROGRAM FOLDER
                                 packs the program into FOLDER, the same bytes from the same files
    release.py dist FOLDER URL SOURCE
                                 writes `dist/` for the archives in FOLDER, which were built from the
                                 commit SOURCE and are downloaded from below URL

All of it works on the tree in the current folder. Problems are printed, and the exit code is 1.
"""

import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tomllib

# Each target with the runner that builds it and tests it.
RUNNERS = {
    "x86_64-unknown-linux-musl": "ubuntu-24.04",
    "aarch64-unknown-linux-musl": "ubuntu-24.04-arm",
    "x86_64-apple-darwin": "macos-15-intel",
    "aarch64-apple-darwin": "macos-15",
}
# What a release commit adds to `dist/`, and all that it adds.
WRITTEN = ["BASE_URL", "SHA256SUMS", "SOURCE", "VERSION"]
# What an archive holds beside the program.
TEXTS = ["LICENSE-APACHE", "LICENSE-MIT", "README.md"]

NUMBER = r"(?:0|[1-9]\d*)"
LABEL = rf"(?:{NUMBER}|\d*[A-Za-z-][0-9A-Za-z-]*)"
SEMVER = re.compile(rf"({NUMBER})\.({NUMBER})\.({NUMBER})(?:-({LABEL}(?:\.{LABEL})*))?")


class Problem(Exception):
    """Why there can be no release, in words for the maintainer."""


def text(path):
    try:
        return pathlib.Path(path).read_text()
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror}") from error


def package_version(manifest):
    try:
        return tomllib.loads(manifest)["package"]["version"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise Problem("Cargo.toml names no version") from error


def locked_version(lock):
    packages = tomllib.loads(lock).get("package", [])
    return next((each["version"] for each in packages if each["name"] == "plimsoll"), None)


def archive_name(version, target):
    return f"plimsoll-v{version}-{target}.tar.gz"


def order(version):
    """Sorts as Semantic Versioning does: a pre-release comes before its release."""
    match = SEMVER.fullmatch(version)
    if not match:
        raise Problem(f"`{version}` is no version such as 1.2.3 or 1.2.3-rc.1")
    *core, before = match.groups()
    labels = [(0, int(label), "") if label.isdigit() else (1, 0, label)
              for label in (before.split(".") if before else [])]
    return [int(number) for number in core], before is None, labels


def changes(changelog, version):
    """The text below the heading of a version, which must have a date."""
    heading = re.compile(rf"## \[{re.escape(version)}\] - \d{{4}}-\d{{2}}-\d{{2}}")
    lines = iter(changelog.splitlines())
    if not any(heading.fullmatch(line) for line in lines):
        raise Problem(f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD`")
    section = []
    for line in lines:
        if line.startswith("## ") or re.match(r"\[[^]]+\]: ", line):
            break
        section.append(line)
    if not any(line.startswith("- ") for line in section):
        raise Problem(f"the section of {version} in CHANGELOG.md lists no change")
    return "\n".join(section).strip() + "\n"


def released_tags():
    listed = subprocess.run(["git", "tag", "--list", "v*"], check=True, capture_output=True, text=True)
    return [tag[1:] for tag in listed.stdout.split() if SEMVER.fullmatch(tag[1:])]


def may_become(version):
    """Raises unless this tree can become that version."""
    order(version)
    own, locked = package_version(text("Cargo.toml")), locked_version(text("Cargo.lock"))
    if (own, locked) != (version, version):
        raise Problem(f"Cargo.toml says {own} and Cargo.lock {locked}, not {version}")
    changes(text("CHANGELOG.md"), version)
    written = [name for name in WRITTEN if pathlib.Path("dist", name).exists()]
    if written:
        raise Problem(f"only a release commit holds dist/{written[0]}: remove it from this branch")
    later = [other for other in released_tags() if order(other) >= order(version)]
    if later:
        raise Problem(f"v{later[0]} exists already, and {version} does not come after it")


def plan(version=""):
    if version:
        may_become(version)
    version = version or package_version(text("Cargo.toml"))
    matrix = [{"target": target, "runner": runner} for target, runner in RUNNERS.items()]
    print(f"version={version}")
    print(f"tag=v{version}")
    print(f"major=v{order(version)[0][0]}")
    print(f"prerelease={'false' if order(version)[1] else 'true'}")
    print(f"matrix={json.dumps(matrix)}")


def notes():
    print(changes(text("CHANGELOG.md"), package_version(text("Cargo.toml"))), end="")


def archive(target, program, folder):
    if target not in RUNNERS:
        raise Problem(f"{target} is no target of a release")
    name = archive_name(package_version(text("Cargo.toml")), target)
    inside = name.removesuffix(".tar.gz")
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, mode in [(program, 0o755)] + [(path, 0o644) for path in TEXTS]:
            member = tarfile.TarInfo(f"{inside}/{'plimsoll' if path == program else path}")
            content = pathlib.Path(path).read_bytes()
            member.size, member.mode, member.mtime = len(content), mode, epoch
            tar.addfile(member, io.BytesIO(content))
    place = pathlib.Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_bytes(gzip.compress(packed.getvalue(), mtime=epoch))
    print(place / name)


def sums(folder, version):
    """The hashes of exactly the archives that a release has, as `sha256sum` writes them."""
    expected = sorted(archive_name(version, target) for target in RUNNERS)
    there = sorted(path.name for path in pathlib.Path(folder).glob("*.tar.gz"))
    if there != expected:
        raise Problem(f"{folder} holds {', '.join(there) or 'nothing'}, not {', '.join(expected)}")
    lines = []
    for name in expected:
        digest = hashlib.sha256((pathlib.Path(folder) / name).read_bytes()).hexdigest()
        lines.append(f"{digest}  {name}\n")
    return "".join(lines)


def dist(folder, url, source):
    version = package_version(text("Cargo.toml"))
    place = pathlib.Path("dist")
    place.mkdir(exist_ok=True)
    (place / "SHA256SUMS").write_text(sums(folder, version))
    (place / "VERSION").write_text(f"{version}\n")
    (place / "BASE_URL").write_text(f"{url}\n")
    (place / "SOURCE").write_text(f"{source}\n")


def main(verb="", *arguments):
    verbs = {"plan": plan, "notes": notes, "archive": archive, "dist": dist}
    try:
        if verb not in verbs:
            raise Problem(__doc__)
        verbs[verb](*arguments)
    except Problem as problem:
        sys.exit(f"{problem}")


if __name__ == "__main__":
    main(*sys.argv[1:])
