"""Runs scripts/install.sh against a stand-in release on a local HTTPS server.

A copy of the action's tree holds a tiny program as its source, so a build from source is told from the
released program by what each says. Every path has characters that a shell would read.
"""

import hashlib
import http.server
import io
import os
import pathlib
import shutil
import ssl
import subprocess
import tarfile
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERSION = "7.8.9"
TARGET = "x86_64-unknown-linux-musl"
NAME = f"plimsoll-v{VERSION}-{TARGET}"
ARCHIVE = f"{NAME}.tar.gz"
HOSTILE = "it's a \"pla$ce\" `touch x` ; & \\ é"
BYTES_MAX = 1 << 16
RELEASED = f"#!/bin/sh\necho plimsoll {VERSION} released\n".encode()
SOURCE = f'fn main() {{ println!("plimsoll {VERSION} built") }}'
TOOLS = ["bash", "sh", "env", "curl", "tar", "gzip", "sha256sum", "cut", "head", "mktemp", "mkdir",
         "cp", "mv", "rm", "chmod", "dirname", "find", "sort", "sed", "tr", "shasum", "perl"]


def pack(members):
    """An archive of (name, content) pairs; a content that is text makes a symbolic link to it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.mode = 0o644
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


GOOD = pack([(f"{NAME}/README.md", b"read me"), (f"{NAME}/plimsoll", RELEASED)])


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers each path as the server's `site` says: bytes, or a function that writes the answer."""

    def do_GET(self):
        self.server.requests.append(self.path)
        answer = self.server.site.get(self.path)
        if answer is None:
            self.send_error(404)
        elif callable(answer):
            answer(self)
        else:
            self.begin(len(answer))
            self.wfile.write(answer)

    def begin(self, length=None):
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_):
        pass


def cut_short(request):
    request.begin(len(GOOD))
    request.wfile.write(GOOD[: len(GOOD) // 2])


def announced_too_large(request):
    request.begin(BYTES_MAX + 1)
    request.wfile.write(bytes(BYTES_MAX + 1))


def endless(request):
    request.begin()
    while True:
        request.wfile.write(bytes(BYTES_MAX))


def moved_to(address):
    def answer(request):
        request.send_response(302)
        request.send_header("Location", address)
        request.end_headers()
    return answer


class Server(http.server.ThreadingHTTPServer):
    """Serves `site` and notes what was asked; over TLS when it is given a certificate."""

    daemon_threads = True

    def __init__(self, site, certificate=None):
        super().__init__(("127.0.0.1", 0), Answers)
        self.site, self.requests = site, []
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.address = f"http{'s' if certificate else ''}://127.0.0.1:{self.server_port}"

    def handle_error(self, *_):
        pass  # a client that gives up is part of the tests

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Machine:
    """A runner with a tool cache, and a tree of the action that names a release of the server."""

    def __init__(self, base, server, pinned=GOOD):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=base)) / HOSTILE
        self.server = server
        self.tree, self.tools = self.folder / "tree", self.folder / "tools"
        self.temp = self.folder / "temp"
        shutil.copytree(ROOT / "scripts", self.tree / "scripts")
        limits = self.tree / "scripts" / "released.sh"
        changed = limits.read_text().replace("BYTES_MAX=104857600", f"BYTES_MAX={BYTES_MAX}")
        assert changed != limits.read_text()
        limits.write_text(changed)
        for folder in ["src", "dist", "publish"]:
            (self.tree / folder).mkdir()
        package = f'name = "plimsoll"\nversion = "{VERSION}"\n'
        (self.tree / "Cargo.toml").write_text(f'[package]\n{package}edition = "2024"\n')
        (self.tree / "Cargo.lock").write_text(f"version = 4\n\n[[package]]\n{package}")
        (self.tree / "src" / "main.rs").write_text(SOURCE)
        self.pin("VERSION", f"{VERSION}\n")
        self.pin("BASE_URL", f"{server.address}/release\n")
        other = f"{'0' * 64}  plimsoll-v{VERSION}-aarch64-apple-darwin.tar.gz\n"
        self.pin("SHA256SUMS", f"{other}{digest(pinned)}  {ARCHIVE}\n")

    def pin(self, name, text):
        (self.tree / "dist" / name).write_text(text)

    @property
    def cached(self):
        return self.tools / "plimsoll" / VERSION / TARGET / ARCHIVE

    def run(self, *verb, path=None, trusts=True, **more):
        """Runs the script in a new job: what it said, its outputs and its exit code."""
        shutil.rmtree(self.temp, ignore_errors=True)
        self.temp.mkdir()
        written = self.folder / "outputs"
        written.write_text("")
        kept = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"]
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment |= {"RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "GITHUB_OUTPUT": str(written),
                        "RUNNER_TEMP": str(self.temp), "RUNNER_TOOL_CACHE": str(self.tools),
                        "PLIMSOLL_ACTION_PATH": str(self.tree)}
        if trusts:
            environment["CURL_CA_BUNDLE"] = str(self.server.authority)
        if path is not None:
            environment["PATH"] = str(path)
        environment = {name: value for name, value in (environment | more).items() if value is not None}
        done = subprocess.run(
            [shutil.which("bash"), str(self.tree / "scripts" / "install.sh"), *verb],
            cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        assert not list(self.folder.rglob("x")), f"a path was executed: {done.stdout}"
        lines = [line.partition("=") for line in written.read_text().splitlines()]
        return done.stdout, {name: value for name, _, value in lines}, done.returncode

    def says(self, outputs):
        path = pathlib.Path(outputs["path"])
        assert path.is_absolute(), path
        return subprocess.check_output([path, "--version"], text=True).strip()

    def expect_released(self, requests, **how):
        before = len(self.server.requests)
        said, outputs, code = self.run(**how)
        assert code == 0 and "::" not in said, said
        assert self.says(outputs) == f"plimsoll {VERSION} released" and outputs.keys() == {"path"}
        assert len(self.server.requests) - before == requests, self.server.requests[before:]
        assert self.cached.read_bytes() == GOOD
        assert [entry.name for entry in pathlib.Path(outputs["path"]).parent.iterdir()] == ["plimsoll"]

    def expect_built(self, warns, **how):
        said, outputs, code = self.run(**how)
        assert code == 0 and said.count("::warning") == warns, said
        assert self.says(outputs) == f"plimsoll {VERSION} built"
        # What stands in for a release has no key, so it must not be saved under one.
        assert outputs.get("built") == (None if warns else "true"), outputs
        assert ("key" in self.run("key", **how)[1]) == (not warns)

    def expect_error(self, *words, **how):
        said, outputs, code = self.run(**how)
        assert code == 2 and said.count("::error") == 1 and outputs == {}, said
        assert all(word in said for word in words), said
        assert not list(self.temp.rglob("plimsoll-target")), "fell through to a build"


def digest(content):
    return hashlib.sha256(content).hexdigest()


def tools_without_cargo(folder):
    """A search path with what the script needs and without cargo."""
    folder.mkdir()
    for tool in filter(shutil.which, TOOLS):
        (folder / tool).symlink_to(shutil.which(tool))
    return folder


def a_release_is_downloaded_once(base, server):
    machine = Machine(base, server)
    assert machine.run("key") == ("", {}, 0), "a release needs no key"
    machine.expect_released(requests=1)
    machine.expect_released(requests=0)
    machine.cached.write_bytes(GOOD + b"more")
    machine.expect_released(requests=1)
    machine.expect_released(requests=0)
    machine.expect_released(requests=0, PLIMSOLL_ACTION_PATH=str(machine.tree / "publish" / ".."))
    machine.pin("BASE_URL", f"{server.address}/moved\n")
    machine.cached.unlink()
    machine.pin("SHA256SUMS", f"{digest(GOOD)} *{ARCHIVE}\n")
    machine.expect_released(requests=2)
    return 6


def a_cache_is_only_a_help(base, server):
    machine = Machine(base, server)
    machine.tools.write_text("a file, so that no folder can be made here")
    for cache in [str(machine.tools), None]:
        said, outputs, code = machine.run(RUNNER_TOOL_CACHE=cache)
        assert code == 0 and machine.says(outputs).endswith("released"), said
    return 2


def another_archive_is_never_installed(base, server):
    machine = Machine(base, server, pinned=GOOD + b"other")
    machine.expect_error(digest(GOOD), digest(GOOD + b"other"), "nothing is installed")
    assert not machine.tools.exists() and not list(machine.temp.rglob("plimsoll"))
    return 1


def what_cannot_be_downloaded_is_built(base, server):
    machine = Machine(base, server)
    for place in ["absent", "cut", "large", "endless", "plain"]:
        machine.pin("BASE_URL", f"{server.address}/{place}\n")
        machine.expect_built(warns=1)
        assert not machine.tools.exists(), f"{place} was kept"
    machine.pin("BASE_URL", f"{server.address}/release\n")
    machine.expect_built(warns=1, trusts=False)
    machine.pin("BASE_URL", "https://127.0.0.1:1\n")
    machine.expect_built(warns=1)
    machine.expect_error("input binary", path=tools_without_cargo(machine.folder / "bin"))
    return 8


def without_a_release_the_source_is_built(base, server):
    machine = Machine(base, server)
    before = len(server.requests)
    machine.expect_built(warns=0, RUNNER_ARCH="RISCV64")
    machine.expect_built(warns=0, RUNNER_OS="Linux", RUNNER_ARCH="ARM64")
    bare = tools_without_cargo(machine.folder / "bin")
    machine.expect_error("no cargo", "input binary", path=bare, RUNNER_ARCH="RISCV64")
    (machine.tree / "dist" / "SHA256SUMS").unlink()
    machine.expect_built(warns=0)
    (machine.tree / "src" / "main.rs").write_text("no Rust")
    assert machine.run()[2] == 2
    assert len(server.requests) == before
    return 5


def a_named_binary_is_taken(base, server):
    machine = Machine(base, server)
    named = machine.folder / "named"
    named.write_bytes(RELEASED)
    named.chmod(0o755)
    before = len(server.requests)
    for name in [str(named), "./named"]:
        said, outputs, code = machine.run(PLIMSOLL_BINARY=name)
        assert code == 0 and machine.says(outputs).endswith("released"), said
    machine.expect_error("input binary", PLIMSOLL_BINARY=str(machine.folder))
    assert machine.run("key", PLIMSOLL_BINARY=str(named)) == ("", {}, 0)
    assert len(server.requests) == before
    return 4


def only_the_expected_member_is_unpacked(base, server):
    evil = b"#!/bin/sh\ntouch evil\n"
    around = [("../evil", evil), (f"{NAME}/../../evil", evil), ("evil", evil), (f"{NAME}/evil", evil)]
    held = around + [(f"{NAME}/plimsoll", RELEASED)] + around
    lacking = [("plimsoll", RELEASED), (f"{NAME}/../plimsoll", RELEASED)]
    linked = [(f"{NAME}/plimsoll", "/bin/sh")]
    for members, error in [(held, None), (lacking, "holds no"), (linked, "does not start")]:
        archive = pack(members)
        server.site[f"/packed/{ARCHIVE}"] = archive
        machine = Machine(base, server, pinned=archive)
        machine.pin("BASE_URL", f"{server.address}/packed\n")
        if error:
            machine.expect_error(error)
        else:
            said, outputs, code = machine.run()
            assert code == 0 and machine.says(outputs).endswith("released"), said
            assert [entry.name for entry in pathlib.Path(outputs["path"]).parent.iterdir()] == ["plimsoll"]
        assert not [path for path in machine.folder.parent.rglob("evil")]
    return 3


def a_damaged_tree_is_refused(base, server):
    cases = [("VERSION", "../7.8.9"), ("VERSION", ""), ("SHA256SUMS", f"123  {ARCHIVE}\n"),
             ("BASE_URL", server.address.replace("https", "http")), ("BASE_URL", "")]
    for name, text in cases:
        machine = Machine(base, server)
        machine.pin(name, text)
        machine.expect_error(f"dist/{name}")
    return len(cases)


def certificate(folder):
    """A server's certificate that is its own authority, with its key in the same file."""
    key, chain = folder / "key.pem", folder / "authority.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=stand-in", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(chain)],
        check=True, capture_output=True,
    )
    both = folder / "both.pem"
    both.write_text(key.read_text() + chain.read_text())
    return both, chain


def main():
    cases = [a_release_is_downloaded_once, a_cache_is_only_a_help, another_archive_is_never_installed,
             what_cannot_be_downloaded_is_built, without_a_release_the_source_is_built,
             a_named_binary_is_taken, only_the_expected_member_is_unpacked, a_damaged_tree_is_refused]
    with tempfile.TemporaryDirectory() as folder:
        both, authority = certificate(pathlib.Path(folder))
        with Server({f"/{ARCHIVE}": GOOD}) as plain, Server({}, both) as server:
            server.authority = authority
            server.site |= {
                f"/release/{ARCHIVE}": GOOD,
                f"/moved/{ARCHIVE}": moved_to(f"{server.address}/release/{ARCHIVE}"),
                f"/plain/{ARCHIVE}": moved_to(f"{plain.address}/{ARCHIVE}"),
                f"/cut/{ARCHIVE}": cut_short,
                f"/large/{ARCHIVE}": announced_too_large,
                f"/endless/{ARCHIVE}": endless,
            }
            held = sum(case(folder, server) for case in cases)
            assert plain.requests == [], "a download went on without TLS"
    print(f"install.sh: {held} cases hold")


if __name__ == "__main__":
    main()
