"""A remote store: what it gives is held to products.lock, and a build goes on without it."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError, UnreachableError
from teeforge.building.exchange import pull, push

from .conftest import Checkout

ROOT = Path(__file__).resolve().parents[2]
Serve = Callable[..., str]


class _Folder(http.server.SimpleHTTPRequestHandler):
    """A web server that keeps what is PUT; it plays a proxy as well, and may be slow or cut answers short."""

    asked: list[str]
    stall = cut = False

    def translate_path(self, path: str) -> str:
        self.asked.append(path)
        return super().translate_path(urllib.parse.urlsplit(path).path)

    def do_GET(self) -> None:
        if self.stall:
            self.asked.append(self.path)
            time.sleep(60)
        super().do_GET()

    def do_HEAD(self) -> None:
        if self.stall:
            self.asked.append(self.path)
            time.sleep(60)
        super().do_HEAD()

    def copyfile(self, source: object, outputfile: object) -> None:
        if self.cut:
            outputfile.write(source.read(100))  # type: ignore[attr-defined]
            self.close_connection = True
        else:
            super().copyfile(source, outputfile)  # type: ignore[arg-type]

    def do_PUT(self) -> None:
        path = Path(self.translate_path(self.path))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as out:
            while size := int(self.rfile.readline(), 16):
                out.write(self.rfile.read(size))
                self.rfile.readline()
        self.rfile.readline()
        self.send_response(201)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve tmp_path/remote over HTTP; keywords set what the server does wrong. Returns its URL."""
    with contextlib.ExitStack() as stack:

        def start(asked: list[str] | None = None, **faults: bool) -> str:
            (tmp_path / "remote").mkdir(exist_ok=True)
            handler = type("Handler", (_Folder,), {"asked": [] if asked is None else asked, **faults})
            bound = functools.partial(handler, directory=str(tmp_path / "remote"))
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), bound)
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}/store"

        yield start


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def send(checkout: Checkout, again: bool = False) -> None:
    builder = checkout.builder()
    push(builder, builder.build(["letter"]).values(), again)


def forget(checkout: Checkout) -> None:
    """As on another host with the same commit: nothing was built, and products.lock is here."""
    checkout.configure(build_dir=f"build-{time.monotonic_ns()}")


def archives(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "remote").rglob("*.tar.xz"))


@pytest.mark.parametrize("kind", ["folder", "file", "http", "memory"])
def test_what_was_pushed_is_not_built_elsewhere(
    kind: str, checkout: Checkout, serve: Serve, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "remote"
    urls = {"folder": str(folder), "file": folder.as_uri(), "memory": f"memory://{tmp_path.name}"}
    checkout.configure(remote=urls.get(kind) or serve())
    send(checkout)
    forget(checkout)
    built = checkout.builder().build(["letter"])
    assert built["letter"].product("letter").read_text() == "dear world\n"
    assert (checkout.runs("greeting"), checkout.runs("letter")) == (0, 0)
    assert capfd.readouterr().err.count(" pulled ") == 2


def test_links_folders_and_executables_survive(checkout: Checkout, tmp_path: Path) -> None:
    script = "mkdir {out}/d {out}/d/none", "ln -s ../tool {out}/d/link", "cp /bin/true {out}/tool"
    checkout.recipe("greeting", steps=list(script), products={"text": "."})
    checkout.configure(remote=str(tmp_path / "remote"))
    builder = checkout.builder()
    push(builder, builder.build(["greeting"]).values(), False)
    forget(checkout)
    text = checkout.builder().build(["greeting"])["greeting"].product("text")
    assert (text / "d/link").readlink() == Path("../tool")
    assert os.access(text / "tool", os.X_OK)
    assert (text / "d/none").is_dir()


def test_nothing_is_sent_twice_and_the_lock_stays_the_same(
    checkout: Checkout, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    checkout.configure(remote=str(tmp_path / "remote"))
    send(checkout)
    first = (checkout.root / "products.lock").read_bytes()
    times = [path.stat().st_mtime_ns for path in archives(tmp_path)]
    send(checkout)
    assert capfd.readouterr().err.count("there already") == 2
    assert [path.stat().st_mtime_ns for path in archives(tmp_path)] == times
    assert (checkout.root / "products.lock").read_bytes() == first


def test_without_a_line_in_the_lock_nothing_is_believed(
    checkout: Checkout, serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    checkout.configure(remote=serve(asked))
    send(checkout)
    (checkout.root / "products.lock").unlink()
    forget(checkout)
    asked.clear()
    capfd.readouterr()
    checkout.builder().build(["greeting"])
    assert checkout.runs("greeting") == 1
    assert asked == []
    told = "greeting: products.lock has no line for its present inputs: the remote store is not asked\n"
    assert capfd.readouterr().err.count(told) == 1


def test_a_lying_remote_is_named_and_what_it_gives_is_built_instead(
    checkout: Checkout, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    checkout.configure(remote=str(tmp_path / "remote"))
    send(checkout)
    # Another's archive under this name: whole, well-formed, and not what it should be.
    greeting, letter = archives(tmp_path)
    greeting.write_bytes(letter.read_bytes())
    forget(checkout)
    assert checkout.builder().build(["greeting"])["greeting"].product("text").read_text() == "hello world\n"
    assert checkout.runs("greeting") == 1
    err = capfd.readouterr().err
    assert (
        f"error: greeting: {tmp_path}/remote/greeting/{greeting.name} is not what products.lock says" in err
    )
    # And the way out that it names works.
    send(checkout, again=True)
    forget(checkout)
    checkout.builder().build(["greeting"])
    assert checkout.runs("greeting") == 0


def test_a_torn_upload_is_built_instead(
    checkout: Checkout, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    checkout.configure(remote=str(tmp_path / "remote"))
    send(checkout)
    greeting = archives(tmp_path)[0]
    greeting.write_bytes(greeting.read_bytes()[:-30])
    forget(checkout)
    checkout.builder().build(["greeting"])
    assert checkout.runs("greeting") == 1
    assert "is not what products.lock says: it is torn" in capfd.readouterr().err
    assert not list(checkout.workspace.store.glob("*/.*"))


def test_an_answer_that_breaks_off_leaves_nothing(
    checkout: Checkout, serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    checkout.configure(remote=serve())
    send(checkout)
    checkout.configure(remote=serve(cut=True))
    forget(checkout)
    checkout.builder().build(["letter"])
    assert (checkout.runs("greeting"), checkout.runs("letter")) == (1, 1)
    assert capfd.readouterr().err.count("warning: the remote store http") == 1
    assert not list(checkout.workspace.store.glob("*/.*"))


@pytest.mark.parametrize("kind", ["refused", "silent", "stalled"])
def test_a_remote_that_is_away_costs_one_warning_and_little_time(
    kind: str,
    checkout: Checkout,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    checkout.configure(remote=serve())
    send(checkout)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if kind == "refused":
            silent.close()
        url = serve(stall=True) if kind == "stalled" else f"http://127.0.0.1:{port}/store"
        checkout.configure(remote=url)
        forget(checkout)
        monkeypatch.setattr("teeforge.products.remotestore._ANSWER", 0.5)
        capfd.readouterr()
        began = time.monotonic()
        checkout.builder().build(["letter"])
        assert time.monotonic() - began < 5
    assert (checkout.runs("greeting"), checkout.runs("letter")) == (1, 1)
    err = capfd.readouterr().err
    assert err.count("warning: ") == 1
    assert f"warning: the remote store {url} cannot be used: " in err


@pytest.mark.parametrize("task", ["build-all", "store.pull"])
def test_ctrl_c_does_not_wait_for_the_remote(task: str, checkout: Checkout, serve: Serve) -> None:
    checkout.configure(remote=serve())
    send(checkout)
    asked: list[str] = []
    checkout.configure(remote=serve(asked, stall=True))
    forget(checkout)
    (checkout.root / "tasks.py").symlink_to(ROOT / "tasks.py")
    command = [sys.executable, "-m", "invoke", task]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, cwd=checkout.root, env=env, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while not asked and time.monotonic() < deadline:
        time.sleep(0.02)
    began = time.monotonic()
    child.send_signal(signal.SIGINT)
    err = child.communicate(timeout=20)[1]
    assert child.returncode == 130, err
    assert time.monotonic() - began < 3
    assert err.endswith("interrupted; the next run goes on from here\n")
    assert not list(checkout.workspace.store.glob("*/.*"))


def test_what_the_remote_lacks_is_built(
    checkout: Checkout, serve: Serve, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    checkout.configure(remote=serve())
    send(checkout)
    archives(tmp_path)[0].unlink()
    forget(checkout)
    checkout.builder().build(["letter"])
    assert (checkout.runs("greeting"), checkout.runs("letter")) == (1, 0)
    err = capfd.readouterr().err
    assert "greeting: http://127.0.0.1:" in err
    assert "warning" not in err


def test_pull_says_what_is_missing(
    checkout: Checkout, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    checkout.configure(remote=str(tmp_path / "remote"))
    send(checkout)
    forget(checkout)
    assert pull(checkout.builder(), ["letter"]) == 0
    assert pull(checkout.builder(), ["letter"]) == 0
    assert (checkout.runs("greeting"), checkout.runs("letter")) == (0, 0)
    archives(tmp_path)[0].unlink()
    forget(checkout)
    capfd.readouterr()
    assert pull(checkout.builder(), ["letter"]) == 1
    err = capfd.readouterr().err
    assert "letter               cannot be known before greeting is here" in err
    assert "not to be had from" in err and "greeting, letter" in err


def test_a_proxy_of_the_environment_is_used(
    checkout: Checkout, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.configure(remote=serve())
    send(checkout)
    asked: list[str] = []
    proxy = serve(asked).removesuffix("/store")
    monkeypatch.setenv("http_proxy", proxy)
    checkout.configure(remote="http://store.invalid/store")
    forget(checkout)
    checkout.builder().build(["letter"])
    assert checkout.runs("letter") == 0
    assert all(path.startswith("http://store.invalid/store/") for path in asked) and asked


def test_products_that_were_changed_in_the_store_are_not_sent(checkout: Checkout, tmp_path: Path) -> None:
    checkout.configure(remote=str(tmp_path / "remote"))
    entry = checkout.builder().build(["greeting"])["greeting"]
    entry.product("text").write_text("hello underworld\n")
    with pytest.raises(TeeforgeError, match="is not what was built"):
        push(checkout.builder(), [entry], False)
    assert archives(tmp_path) == []
    assert not (checkout.root / "products.lock").exists()


def test_products_that_come_out_otherwise_than_locked_are_not_sent(
    checkout: Checkout, tmp_path: Path
) -> None:
    checkout.configure(remote=str(tmp_path / "remote"))
    send(checkout)
    lock = checkout.root / "products.lock"
    lines = lock.read_text().splitlines()
    words = lines[-1].split()
    lock.write_text("\n".join([*lines[:-1], " ".join([*words[:3], "0" * 64, words[4]])]) + "\n")
    with pytest.raises(TeeforgeError, match=r"is other bits than products\.lock says"):
        send(checkout)


def test_a_push_that_fails_leaves_no_part_and_no_line(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fsspec

    def fail(*_: object, **__: object) -> None:
        raise OSError("the line went dead")

    checkout.configure(remote=str(tmp_path / "remote"))
    monkeypatch.setattr(fsspec.get_filesystem_class("file"), "mv", fail)
    with pytest.raises(UnreachableError, match="the line went dead"):
        send(checkout)
    assert [path for path in (tmp_path / "remote").rglob("*") if path.is_file()] == []
    assert not (checkout.root / "products.lock").exists()


def test_a_missing_driver_gives_the_command_to_type(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    send_to = "s3://bucket/teeforge"
    checkout.configure(remote=send_to)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(UnreachableError) as caught:
        send(checkout)
    assert caught.value.message == "config.yaml: remote: the driver for s3:// is not installed"
    assert caught.value.hint.startswith(f"{sys.executable} -m pip install --require-hashes ")
    assert caught.value.hint.endswith("/requirements-remote.txt")


def test_no_remote_is_one_line(checkout: Checkout) -> None:
    with pytest.raises(TeeforgeError, match=r"config\.yaml names no remote store"):
        send(checkout)


def test_a_password_in_the_url_is_not_shown(checkout: Checkout) -> None:
    checkout.configure(remote="http://me:secret@127.0.0.1:1/store")
    with pytest.raises(UnreachableError) as caught:
        send(checkout)
    assert "secret" not in caught.value.message + caught.value.hint
    assert "http://127.0.0.1:1/store" in caught.value.message


def test_what_was_pulled_says_so(checkout: Checkout, tmp_path: Path) -> None:
    from teeforge.building.why import explain

    checkout.configure(remote=str(tmp_path / "remote"))
    send(checkout)
    forget(checkout)
    entry = checkout.builder().build(["greeting"])["greeting"]
    assert json.loads((entry.folder / "manifest.json").read_text())["pulled"] == str(tmp_path / "remote")
    assert "pulled" in next(explain(checkout.builder(), "greeting").lines())


def test_a_pull_killed_at_any_moment_goes_on_next_time(checkout: Checkout, tmp_path: Path) -> None:
    checkout.configure(remote=str(tmp_path / "remote"))
    send(checkout)
    forget(checkout)
    (checkout.root / "tasks.py").symlink_to(ROOT / "tasks.py")
    command = [sys.executable, "-m", "invoke", "store.pull"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    for seconds in (0.15, 0.3, 0.4, 0.5):
        child = subprocess.Popen(command, cwd=checkout.root, env=env, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        child.kill()
        child.wait()
    done = subprocess.run(command, cwd=checkout.root, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert checkout.runs("greeting") == 0
