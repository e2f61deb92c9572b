"""./inv on hosts of many kinds, with a real venv and a real pip; what they ask for lies in folders."""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import http.server
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from teeforge.base.errors import UnreachableError
from teeforge.fetch.pipwheel import fetch_pip
from tests.debpackage import deb, entry

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "dirname", "readlink", "uname", "getconf", "cmp", "id", "git", "cat", "rm", "ln")
NOTHING: Mapping[str, str] = {}
# None: Debian's python3 without its python3-venv
ENSUREPIP = importlib.util.find_spec("ensurepip")
# Tells where it stands and what it was told, instead of running tasks.
INVOKE = "import os, sys\nprint(os.getcwd(), *sys.argv[1:], sep='|')\n"


def wheel(folder: Path, version: str) -> str:
    """Make a package called invoke; return the line that locks it."""
    name = f"invoke-{version}"
    inside = {
        "invoke/__init__.py": "",
        "invoke/__main__.py": INVOKE,
        f"{name}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: invoke\nVersion: {version}\n",
        f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    hashes = {
        path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        for path, text in inside.items()
    }
    record = "".join(f"{path},sha256={hashes[path]},{len(text)}\n" for path, text in inside.items())
    path = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as made:
        for member, text in {
            **inside,
            f"{name}.dist-info/RECORD": f"{record}{name}.dist-info/RECORD,,\n",
        }.items():
            made.writestr(member, text)
    return f"invoke=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def without(folder: Path, *missing: str) -> Path:
    """Make a Python that lacks modules: the one that runs this test, but for them. Return its bin folder."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix)
    (folder / "bin").mkdir(parents=True)
    (folder / "lib" / version).mkdir(parents=True)
    shutil.copy(Path(sys._base_executable).resolve(), folder / "bin" / version)  # type: ignore[attr-defined]
    for found in (base / "lib" / version).iterdir():
        if found.name not in (*missing, "site-packages", "dist-packages", "lib-dynload"):
            (folder / "lib" / version / found.name).symlink_to(found)
    loaded = folder / "lib" / version / "lib-dynload"
    loaded.mkdir()
    for found in (base / "lib" / version / "lib-dynload").iterdir():
        if found.name.partition(".")[0] not in missing:
            (loaded / found.name).symlink_to(found)
    for library in (base / "lib").glob("libpython*"):
        (folder / "lib" / library.name).symlink_to(library)
    done = subprocess.run([folder / "bin" / version, "-I", "-c", "import ssl, venv"], check=False)
    if done.returncode != 0:
        pytest.skip("this Python cannot be copied")
    return folder / "bin"


@dataclass
class Host:
    """A made-up host: a checkout, and a PATH with a few tools; what is not added is not there."""

    place: Path

    @property
    def root(self) -> Path:
        return self.place / "check out"

    @property
    def bin(self) -> Path:
        return self.place / "bin"

    def tool(self, name: str, script: str) -> None:
        """Put a shell script into PATH, before all others."""
        (self.bin / name).unlink(missing_ok=True)
        (self.bin / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / name).chmod(0o755)

    def environment(self, *path: Path) -> dict[str, str]:
        folders = [*path, self.bin]
        plain = {"HOME": str(self.place), "PATH": ":".join(map(str, folders)), "PIP_NO_INDEX": "1"}
        return {**plain, "PIP_FIND_LINKS": (self.place / "wheels").as_uri()}

    def inv(self, *path: Path, words: Sequence[str] = ("hello",), more: Mapping[str, str] = NOTHING) -> str:
        """Run inv; return its status and all that it said."""
        done = subprocess.run(
            ["../check out/inv", *words],
            cwd=self.bin,
            env={**self.environment(*path), **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        assert "Traceback" not in done.stdout
        return f"{done.returncode}\n{done.stdout}"

    def lock_pip(self, wheel: Path) -> Path:
        """Make a Debian archive that serves pip's wheel as a package, and lock it; return the archive."""
        data = deb((entry(f"./usr/share/python-wheels/{wheel.name}"), wheel.read_bytes()))
        (self.place / "archive/pool").mkdir(parents=True, exist_ok=True)
        (self.place / "archive/pool/pip.deb").write_bytes(data)
        (self.root / "debian.lock").write_text(
            f"snapshot: 20261122T000000Z\npackages:\n  other: |\n    other 1 pool/other.deb 1 {'0' * 64}\n"
            f"  pip: |\n    python3-pip-whl 1 pool/pip.deb {len(data)} {hashlib.sha256(data).hexdigest()}\n"
        )
        return self.place / "archive"

    def lock(self, version: str) -> None:
        """Have requirements.txt lock a version of invoke."""
        (self.root / "requirements.txt").write_text(wheel(self.place / "wheels", version))


@pytest.fixture(scope="session")
def pip_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of pip: this Python's own, or Debian's."""
    bundled = (
        list(Path(ENSUREPIP.origin).parent.glob("_bundled/pip-*.whl"))
        if ENSUREPIP and ENSUREPIP.origin
        else []
    )
    if found := [*bundled, *Path("/usr/share/python-wheels").glob("pip-*.whl")]:
        return found[0]
    try:
        return fetch_pip(ROOT, tmp_path_factory.mktemp("pip"))
    except UnreachableError as error:
        pytest.skip(f"no wheel of pip: {error.message}")


@pytest.fixture
def host(tmp_path: Path, pip_wheel: Path) -> Host:
    made = Host(tmp_path)
    for folder in (made.root, made.bin, tmp_path / "wheels"):
        folder.mkdir()
    shutil.copy(ROOT / "inv", made.root / "inv")
    for name in ("tasks.py", "teeforge"):
        (made.root / name).symlink_to(ROOT / name)
    for name in TOOLS:
        if found := shutil.which(name):
            (made.bin / name).symlink_to(found)
    made.lock("1.0")
    (made.root / "config.yaml").write_text("debian:\n  mirror: null\n")
    (made.root / "debian.lock").write_text("snapshot: 20261122T000000Z\npackages: {}\n")
    if ENSUREPIP is None:  # every .venv needs Debian's pip here
        mirror = made.lock_pip(pip_wheel).as_uri()
        (made.root / "config.yaml").write_text(f"debian:\n  mirror: {mirror}\n  snapshot: null\n")
    return made


@pytest.fixture
def python() -> Path:
    """The folder of the Python that runs this test, outside of its .venv."""
    return Path(sys._base_executable).parent  # type: ignore[attr-defined]


@pytest.fixture
def archive(host: Host, pip_wheel: Path) -> Iterator[str]:
    """A Debian archive that serves pip's wheel as a package, locked in the checkout; its address."""
    folder = host.lock_pip(pip_wheel)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    http.server.SimpleHTTPRequestHandler.log_message = lambda *_: None  # type: ignore[method-assign]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@contextlib.contextmanager
def silence() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_it_stays_where_the_user_stands_and_hands_on_what_it_was_told(host: Host, python: Path) -> None:
    told = host.inv(python, words=("run", "x y.c", ""))
    assert told.splitlines()[-1] == f"{host.bin}|--search-root|{host.root}|run|x y.c|"
    assert "making .venv from requirements.txt" in told
    assert host.inv(python) == f"0\n{host.bin}|--search-root|{host.root}|hello\n"


def test_a_python_that_is_broken_or_old_is_passed_over(host: Host, python: Path) -> None:
    broken = host.place / "broken"
    broken.mkdir()
    for name, script in (("python3.11", "exit 1"), ("python3", "echo 3.11 >&2; exit 127")):
        (broken / name).write_text(f"#!/bin/sh\n{script}\n")
        (broken / name).chmod(0o755)
    lacking = without(host.place / "lacking", "_lzma", "lzma.py")
    assert host.inv(broken, lacking, python).startswith("0\n")
    assert Path(host.root / ".venv/bin/python").resolve().is_relative_to(python.resolve().parent)


def test_a_python_without_ensurepip_gets_pip_from_a_debian_package(host: Host, archive: str) -> None:
    bare = without(host.place / "bare", "ensurepip")
    (host.root / "config.yaml").write_text(
        f"debian:   # ours\n  mirror: '{archive}/' # first\n  snapshot: null\n"
    )
    told = host.inv(bare)
    assert told.startswith("0\n") and "taking Debian's" in told
    for pip in ([host.root / ".venv/bin/python", "-m", "pip"], [host.root / ".venv/bin/pip"]):
        told = subprocess.run([*map(str, pip), "list"], capture_output=True, check=True, text=True).stdout
        assert re.search(r"^pip +\d+\.\d", told, re.MULTILINE) and re.search(
            r"^invoke +1.0", told, re.MULTILINE
        )


def test_pip_is_taken_by_its_hash_from_whichever_archive_has_it(host: Host, archive: str) -> None:
    bare = without(host.place / "bare", "ensurepip")
    (host.place / "archive/20261122T000000Z").symlink_to(".")
    (host.place / "bad/pool").mkdir(parents=True)
    (host.place / "bad/pool/pip.deb").write_bytes(b"something else")
    bad = (host.place / "bad").as_uri()
    (host.root / "config.yaml").write_text(f"debian:\n  mirror: {bad}\n  snapshot: {archive}\n")
    told = host.inv(bare)
    assert (
        told.startswith("0\n")
        and "pool/pip.deb: serves other bytes than debian.lock says (14 of them)" in told
    )
    shutil.rmtree(host.root / ".venv")
    (host.root / "config.yaml").write_text(f"debian:\n  mirror: {bad}\n  snapshot: http://127.0.0.1:9/d\n")
    told = host.inv(bare)
    assert told.startswith("1\n") and "/20261122T000000Z/pool/pip.deb: connection refused" in told
    assert "error: pip, which this Python lacks, cannot be had from any archive of Debian" in told
    assert not (host.root / ".venv/requirements.installed").exists()


@pytest.mark.skipif(ENSUREPIP is None, reason="this Python has no ensurepip")
def test_one_with_ensurepip_is_taken_before_one_without(host: Host, python: Path) -> None:
    bare = without(host.place / "bare", "ensurepip")
    told = host.inv(bare, python)
    assert told.startswith("0\n") and "taking Debian's" not in told


@pytest.mark.parametrize(
    ("system", "bits", "words"),
    [
        ("Darwin arm64", "64", "this is Darwin arm64, and teeforge needs Linux on amd64 or arm64"),
        ("Linux riscv64", "64", "this is Linux riscv64, and"),
        ("Linux armv7l", "32", "this is Linux armv7l, and"),
        ("Linux aarch64", "32", "this is a 32-bit system"),
    ],
)
def test_a_host_that_cannot_do_is_told_so_first(host: Host, system: str, bits: str, words: str) -> None:
    host.tool("uname", f"echo {system}")
    host.tool("getconf", f"echo {bits}")
    status, *told = host.inv().splitlines()
    assert status == "1" and words in told[0] and "container" in told[0]
    assert "docker build" in told[1] and str(host.root) in told[1]
    assert "docker run" in told[2] and str(host.root) in told[2]
    assert not (host.root / ".venv").exists()


def test_without_git_the_line_to_type_is_printed(host: Host, python: Path) -> None:
    (host.bin / "git").unlink()
    again = "git is not installed; run this, then ../check out/inv again"
    # Only what is made of scripts: the folder of the real Python may have a git as well.
    alone = host.place / "alone"
    alone.mkdir()
    (alone / "python3.11").symlink_to(python / f"python3.{sys.version_info.minor}")
    assert host.inv(alone) == f"1\ninv: {again}: install git by hand\n"
    host.tool("apt-get", "exit 9")
    assert host.inv(alone) == f"1\ninv: {again}: sudo apt-get install -y git\n"


def test_without_a_python_it_is_installed_where_we_may(host: Host, python: Path) -> None:
    host.tool("id", "echo 1000")
    assert "1\ninv: no Python 3.11 or newer: install python3" in host.inv()
    host.tool("apt-get", "exit 9")
    told = host.inv()
    assert "1\ninv: no Python 3.11 or newer; run this, then ../check out/inv again:" in told
    assert re.search(r"sudo apt-get install -y python3(\.11)?\n", told)
    host.tool("id", "echo 0")
    host.tool("env", 'shift; exec "$@"')
    minor = sys.version_info.minor
    host.tool(
        "apt-get",
        f'echo "apt-get $*"\n[ "${{1##*update}}" ] && ln -sf {python}/python3.{minor} {host.bin}/python3.11',
    )
    told = host.inv()
    assert "apt-get -q -o Acquire" in told and "install python3" in told
    assert told.endswith("|hello\n")


def test_a_pull_without_a_network_loses_nothing(host: Host, python: Path) -> None:
    assert host.inv(python).startswith("0\n")
    before = (host.root / "requirements.txt").read_text()
    host.lock("2.0")
    nowhere = {"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    began = time.monotonic()
    told = host.inv(python, more=nowhere)
    assert time.monotonic() - began < 15
    assert (
        "error: pip could not fetch what requirements.txt locks: connection refused\nhint: check the" in told
    )
    # Back at the commit before, all is there still.
    (host.root / "requirements.txt").write_text(before)
    assert host.inv(python, more=nowhere) == f"0\n{host.bin}|--search-root|{host.root}|hello\n"
    host.lock("2.0")
    assert "updating .venv to requirements.txt" in host.inv(python)
    assert list((host.root / ".venv").glob("lib/*/site-packages/invoke-2.0.dist-info"))


def test_a_half_made_environment_and_one_whose_python_went_are_made_anew(host: Host, python: Path) -> None:
    (host.root / ".venv/bin").mkdir(parents=True)
    (host.root / ".venv/bin/python").symlink_to("/nonexistent/python")
    (host.root / ".venv/requirements.installed").write_bytes((host.root / "requirements.txt").read_bytes())
    (host.root / ".venv/left over").touch()
    assert host.inv(python).startswith("0\n")
    assert not (host.root / ".venv/left over").exists()


def test_two_at_once_make_it_once(host: Host, python: Path) -> None:
    words = ["../check out/inv", "hello"]
    children = [
        subprocess.Popen(
            words,
            cwd=host.bin,
            env=host.environment(python),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(3)
    ]
    told = [child.communicate()[0].decode() for child in children]
    assert all(child.returncode == 0 for child in children), told
    assert "".join(told).count("making .venv from requirements.txt") == 1


def test_an_index_that_does_not_answer_is_told_within_fifteen_seconds(host: Host, python: Path) -> None:
    with silence() as address:
        more = {"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": f"{address}/simple"}
        began = time.monotonic()
        child = subprocess.Popen(
            ["./inv", "hello"],
            cwd=host.root,
            env={**host.environment(python), **more},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        assert child.stderr is not None
        line = next((line for line in child.stderr if "no answer" in line), "")
        # Making the environment itself takes its seconds, before anybody is asked.
        assert time.monotonic() - began < 15 + 15
        assert line == f"no answer yet from {address}/simple; still trying, Ctrl-C ends\n"
        os.killpg(child.pid, signal.SIGINT)
        assert child.wait(10) != 0
        child.stderr.close()


@pytest.mark.parametrize("out", ["../out of it", "here"])
def test_the_environment_may_lie_outside_of_the_checkout(host: Host, python: Path, out: str) -> None:
    (host.root / ".venv/bin").mkdir(parents=True)
    (host.root / ".venv/bin/python").write_text("not one for this container\n")
    more = {"TEEFORGE_OUT": out if out == "here" else str(host.place / "out of it")}
    told = host.inv(python, more=more)
    assert told.startswith("0\n") and "making .venv from requirements.txt" in told
    assert (host.root / out / ".venv/requirements.installed").is_file()
    assert host.inv(python, more=more) == f"0\n{host.bin}|--search-root|{host.root}|hello\n"
    assert [path.name for path in (host.root / ".venv").iterdir()] == ["bin"]
