"""Runs the scripts of a release on temporary repositories: what becomes a release, and what is one."""

import hashlib
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))
import release

VERSION = "7.8.9"
URL = f"https://host.example/owner/plimsoll/releases/download/v{VERSION}"
CHANGELOG = f"""# Changelog

## [Unreleased]

- Later.

## [{VERSION}] - 2026-12-01

### Added

- This.

## [7.8.8] - 2026-11-01

- That.

[{VERSION}]: https://host.example
"""
TARGET = next(iter(release.RUNNERS))
NAME = f"plimsoll-v{VERSION}-{TARGET}"


class Repository:
    """A repository whose one commit could become the release."""

    def __init__(self, base):
        self.root = pathlib.Path(tempfile.mkdtemp(dir=base)) / "a repository"
        self.archives = self.root.parent / "the archives"
        shutil.copytree(ROOT / "scripts", self.root / "scripts")
        package = f'name = "plimsoll"\nversion = "{VERSION}"\n'
        self.write("Cargo.toml", f"[package]\n{package}")
        self.write("Cargo.lock", f"version = 4\n\n[[package]]\n{package}")
        self.write("CHANGELOG.md", CHANGELOG)
        self.write("dist/README.md", "read me\n")
        for name in release.TEXTS:
            self.write(name, f"{name}\n")
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("The source")
        self.archives.mkdir()
        for target in release.RUNNERS:
            (self.archives / f"plimsoll-v{VERSION}-{target}.tar.gz").write_bytes(target.encode())

    def write(self, path, content):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(content)

    def run(self, *command, **environment):
        """What a command printed and its exit code; the machine's own settings of git are not used."""
        clean = os.environ | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        clean |= {"GIT_COMMITTER_DATE": "1700000000 +0000"}
        clean |= {f"GIT_{who}_{what}": "someone@host.example"
                  for who in ["AUTHOR", "COMMITTER"] for what in ["NAME", "EMAIL"]}
        done = subprocess.run(
            [str(part) for part in command], cwd=self.root, env=clean | environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
        )
        return done.stdout, done.returncode

    def git(self, *arguments):
        said, code = self.run("git", *arguments)
        assert code == 0, said
        return said.strip()

    def commit(self, message):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def amend(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--amend", "--no-edit", "--allow-empty")

    def python(self, script, *arguments, **environment):
        return self.run(sys.executable, f"scripts/{script}", *arguments, **environment)

    def release(self):
        said, code = self.run("bash", "scripts/release-commit.sh", self.archives, URL,
                              GIT_COMMITTER_DATE="1800000000 +0000")
        assert code == 0, said
        return said.split()[-1]

    def refuses(self, said, code, *words):
        assert code == 1 and all(word in said for word in words), f"{words}: {code}, {said}"
        return 1


def a_tree_becomes_only_its_own_next_version(base):
    repository = Repository(base)
    said, code = repository.python("release.py", "plan", VERSION)
    outputs = dict(line.split("=", 1) for line in said.splitlines())
    assert code == 0 and outputs["tag"] == f"v{VERSION}" and outputs["major"] == "v7", said
    assert outputs["prerelease"] == "false" and TARGET in outputs["matrix"], said
    cases = [("7.8.8", "Cargo.toml says"), ("7.8", "no version"), ("v7.8.9", "no version"),
             (f"{VERSION}\nx=y", "no version"), ("7.08.9", "no version"), ("7.8.9+1", "no version")]
    for version, word in cases:
        repository.refuses(*repository.python("release.py", "plan", version), word)
    return 1 + len(cases)


def what_must_be_there_before_a_release(base):
    held = 0
    undated = CHANGELOG.replace(f"[{VERSION}] - 2026-12-01", f"[{VERSION}]")
    empty = CHANGELOG.replace("- This.", "This.")
    cases = [("CHANGELOG.md", undated, "has no section"), ("CHANGELOG.md", empty, "lists no change"),
             ("Cargo.lock", "version = 4\n", "Cargo.lock None"), ("dist/SHA256SUMS", "", "release commit"),
             ("Cargo.toml", "", "names no version")]
    for path, content, words in cases:
        repository = Repository(base)
        repository.write(path, content)
        held += repository.refuses(*repository.python("release.py", "plan", VERSION), words)
        if path == "CHANGELOG.md":
            held += repository.python("release.py", "plan")[1] == 0  # a rehearsal asks nothing
    return held


def versions_only_rise(base):
    held = 0
    for tag, refused in [("v7.8.9", True), ("v7.8.10", True), ("v10.0.0-rc.1", True), ("v7.8.8", False),
                         ("v7.8.9-rc.1", False), ("v8", False), ("vary", False)]:
        repository = Repository(base)
        repository.git("tag", tag)
        said, code = repository.python("release.py", "plan", VERSION)
        assert (code != 0) == refused, f"{tag}: {said}"
        held += 1
    rising = ["1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0",
              "1.0.1", "1.2.0", "1.10.0", "2.0.0-rc.1"]
    assert sorted(reversed(rising), key=release.order) == rising
    return held + 1


def the_notes_are_one_section_of_the_changelog(base):
    assert Repository(base).python("release.py", "notes") == ("### Added\n\n- This.\n", 0)
    return 1


def an_archive_is_the_same_bytes_again(base):
    repository = Repository(base)
    packed = []
    for folder in ["one", "two"]:
        program = repository.root / folder / "built"
        repository.write(f"{folder}/built", "the program")
        said, code = repository.python("release.py", "archive", TARGET, program, folder,
                                       SOURCE_DATE_EPOCH="1700000000")
        assert code == 0 and said.strip() == f"{folder}/{NAME}.tar.gz", said
        packed.append((repository.root / said.strip()).read_bytes())
    assert packed[0] == packed[1]
    with tarfile.open(fileobj=io.BytesIO(packed[0])) as archive:
        held = {member.name: (oct(member.mode), member.mtime) for member in archive.getmembers()}
    expected = {f"{NAME}/plimsoll": "0o755"} | {f"{NAME}/{name}": "0o644" for name in release.TEXTS}
    assert held == {name: (mode, 1700000000) for name, mode in expected.items()}, held
    return 2 + repository.refuses(*repository.python("release.py", "archive", "mips", "a", "b"), "no target")


def the_build_has_no_trace_of_the_machine(base):
    """A stand-in for cargo notes how it was called."""
    repository = Repository(base)
    tools = repository.root.parent / "tools"
    tools.mkdir()
    cargo = tools / "cargo"
    cargo.write_text("#!/bin/sh\nenv > seen; echo \"$*\" >> seen\n"
                     f"mkdir -p target/{TARGET}/release; echo x > target/{TARGET}/release/plimsoll\n")
    cargo.chmod(0o755)
    said, code = repository.run("bash", "scripts/release-build.sh", TARGET, "out",
                                PATH=f"{tools}:{os.environ['PATH']}", CARGO_HOME="/cargo home")
    assert code == 0 and said.split() == [f"out/{NAME}.tar.gz"], said
    seen = (repository.root / "seen").read_text()
    remapped = f"--remap-path-prefix={repository.root}=/plimsoll\x1f--remap-path-prefix=/cargo home=/cargo"
    for expected in [f"CARGO_ENCODED_RUSTFLAGS={remapped}\n", "CC_x86_64_unknown_linux_musl=musl-gcc\n",
                     f"build --release --locked --target {TARGET} --target-dir target\n"]:
        assert expected in seen, f"{expected} in {seen}"
    return 1


def only_a_working_archive_passes_its_test(base):
    """The stand-in is a real program, because a static one is told from one that is not."""
    program = "fn main() { if std::env::args().any(|a| a == \"selftest\") { std::process::exit(CODE) } " \
              "println!(\"plimsoll WHICH\") }"
    cases = [("0", VERSION, "+crt-static", False, None), ("0", VERSION, "-crt-static", False, "not static"),
             ("1", VERSION, "+crt-static", False, "self-test"),
             ("0", "1.0.0", "+crt-static", False, "says that"),
             ("0", VERSION, "+crt-static", True, "other files")]
    for code, says, linked, more, error in cases:
        repository = Repository(base)
        repository.write("built.rs", program.replace("CODE", code).replace("WHICH", says))
        said, left = repository.run("rustc", "-C", f"target-feature={linked}", "built.rs", "-o", "built")
        assert left == 0, said
        if more:
            packs = (repository.root / "scripts" / "release.py").read_text()
            repository.write("scripts/release.py", packs.replace('"README.md"]', '"README.md", "built.rs"]'))
        packed, left = repository.python("release.py", "archive", TARGET, "built", "out",
                                         SOURCE_DATE_EPOCH="1700000000")
        archive = repository.root / packed.strip()
        said, left = repository.run("bash", "scripts/release-test.sh", archive, VERSION)
        assert (left == 0) == (error is None) and (error or "holds.") in said, f"{error}: {said}"
        assert said.count("The self-test left") == (3 if error == "self-test" else 0), said
    return len(cases)


def a_release_commit_changes_only_what_it_pins(base):
    repository = Repository(base)
    source = repository.git("rev-parse", "HEAD")
    commit = repository.release()
    changed = repository.git("diff", "--name-only", source, commit).split()
    assert changed == [f"dist/{name}" for name in release.WRITTEN], changed
    said, code = repository.python("release-check.py", commit)
    assert code == 0 and source in said and VERSION in said, said
    assert repository.git("status", "--porcelain") == "", "the check left something behind"
    # The same archives again, whenever and by whomever, are the same commit.
    dates = repository.git("log", "-1", "--format=%at %ct %an %cn", commit)
    assert dates == "1700000000 1700000000 github-actions[bot] github-actions[bot]", dates
    repository.git("reset", "--quiet", "--hard", source)
    assert repository.release() == commit
    return 3


def another_commit_is_no_release(base):
    digest = hashlib.sha256(TARGET.encode()).hexdigest()
    sums = "".join(f"{digest}  plimsoll-v{VERSION}-{target}.tar.gz\n" for target in sorted(release.RUNNERS))
    lacking = "".join(sums.splitlines(keepends=True)[1:])
    cases = [
        ("src/main.rs", "changed", "src/main.rs differs"),
        ("dist/README.md", "changed", "dist/README.md differs"),
        ("dist/program", "changed", "dist/program differs"),
        ("scripts/install.sh", "changed", "scripts/install.sh differs"),
        ("dist/VERSION", "7.8.10\n", "Cargo.toml says"),
        ("dist/VERSION", f"{VERSION}\n\n", "2 lines"),
        ("dist/SOURCE", f"{'0' * 40}\n", "not the only parent"),
        ("dist/SOURCE", "main\n", "no full commit"),
        ("dist/BASE_URL", URL.replace("https", "http"), "no https:// address"),
        ("dist/BASE_URL", URL.replace(VERSION, "7.8.8"), "no https:// address"),
        ("dist/SHA256SUMS", lacking, "lacks plimsoll-v7.8.9-aarch64-apple-darwin.tar.gz"),
        ("dist/SHA256SUMS", sums + f"{digest}  other.tar.gz\n", "other lines"),
        ("dist/SHA256SUMS", sums + sums, "other lines"),
        ("dist/SHA256SUMS", f"{sums}# more\n", "other lines"),
    ]
    for path, content, words in cases:
        repository = Repository(base)
        repository.release()
        repository.write(path, content)
        repository.amend()
        repository.refuses(*repository.python("release-check.py", "HEAD"), words)
    return len(cases)


def a_release_has_its_source_as_only_parent(base):
    repository = Repository(base)
    source = repository.git("rev-parse", "HEAD")
    held = repository.refuses(*repository.python("release-check.py", "HEAD"), "dist/SOURCE")
    repository.release()
    repository.git("branch", "released")
    # Something between source and release: what it changed is not what was built.
    repository.git("reset", "--quiet", "--hard", source)
    repository.write("src/main.rs", "more")
    repository.commit("More")
    repository.git("cherry-pick", "released")
    held += repository.refuses(*repository.python("release-check.py", "HEAD"), "not the only parent")
    repository.git("merge", "--quiet", "--strategy=ours", "released", "--message", "Both")
    held += repository.refuses(*repository.python("release-check.py", "HEAD"), "not the only parent")
    # A link instead of a file could point anywhere.
    repository.git("reset", "--quiet", "--hard", "released")
    (repository.root / "dist" / "VERSION").unlink()
    (repository.root / "dist" / "VERSION").symlink_to("SOURCE")
    repository.amend()
    held += repository.refuses(*repository.python("release-check.py", "HEAD"), "not added as a plain file")
    # A replacement that only this clone has does not make it right.
    repository.git("reset", "--quiet", "--hard", "released")
    repository.write("src/main.rs", "changed")
    repository.amend()
    repository.git("replace", "HEAD", "released")
    held += repository.refuses(*repository.python("release-check.py", "HEAD"), "src/main.rs differs")
    return held + repository.refuses(*repository.python("release-check.py", "--help"), "rev-parse failed")


def only_the_pinned_archives_are_published(base):
    repository = Repository(base)
    commit = repository.release()
    sums = repository.git("show", f"{commit}:dist/SHA256SUMS") + "\n"
    check = ["release-check.py", commit, repository.archives]
    held = repository.refuses(*repository.python(*check), "holds")
    (repository.archives / "SHA256SUMS").write_text(sums)
    assert repository.python(*check)[1] == 0
    (repository.archives / "more").write_text("more")
    held += repository.refuses(*repository.python(*check), "holds", "more")
    (repository.archives / "more").unlink()
    (repository.archives / "SHA256SUMS").write_text(sums[64:])
    held += repository.refuses(*repository.python(*check), "other archives")
    (repository.archives / "SHA256SUMS").write_text(sums)
    (repository.archives / f"{NAME}.tar.gz").write_text("other")
    return 1 + held + repository.refuses(*repository.python(*check), "other archives")


def every_platform_finds_its_archive(base):
    """What the release writes is what the installing script reads."""
    repository = Repository(base)
    repository.release()
    script = 'tree="$PWD"; source scripts/released.sh; fail() { echo "$1"; exit 2; }; ' \
             'find_release && echo "$base_url/$name.tar.gz $hash"'
    for platform, target in [("Linux-X64", "x86_64-unknown-linux-musl"),
                             ("Linux-ARM64", "aarch64-unknown-linux-musl"),
                             ("macOS-X64", "x86_64-apple-darwin"), ("macOS-ARM64", "aarch64-apple-darwin")]:
        system, machine = platform.split("-")
        said, code = repository.run("bash", "-c", script, RUNNER_OS=system, RUNNER_ARCH=machine)
        digest = hashlib.sha256(target.encode()).hexdigest()
        assert said == f"{URL}/plimsoll-v{VERSION}-{target}.tar.gz {digest}\n", said
    return len(release.RUNNERS)


def this_tree_is_a_source_or_a_release(_):
    """A branch that held a release would install that instead of what it says."""
    if not any((ROOT / "dist" / name).exists() for name in release.WRITTEN):
        return 1
    check = [sys.executable, str(ROOT / "scripts" / "release-check.py"), "HEAD"]
    assert subprocess.run(check, cwd=ROOT).returncode == 0, "dist/ is only for a release commit"
    return 1


if __name__ == "__main__":
    cases = [a_tree_becomes_only_its_own_next_version, what_must_be_there_before_a_release,
             versions_only_rise, the_notes_are_one_section_of_the_changelog,
             an_archive_is_the_same_bytes_again, the_build_has_no_trace_of_the_machine,
             only_a_working_archive_passes_its_test, a_release_commit_changes_only_what_it_pins,
             another_commit_is_no_release, a_release_has_its_source_as_only_parent,
             only_the_pinned_archives_are_published, every_platform_finds_its_archive,
             this_tree_is_a_source_or_a_release]
    with tempfile.TemporaryDirectory() as folder:
        print(f"release: {sum(case(folder) for case in cases)} cases hold")
