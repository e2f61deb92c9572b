"""Fetching and patching with a real git: the same commit everywhere, and no traces of a failure."""

from __future__ import annotations

import hashlib
import http.server
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError, UnreachableError
from teeforge.fetch.debian import Pool
from teeforge.fetch.gitstore import GitStore
from teeforge.fetch.sources import Sources
from teeforge.settings.config import Config, DebianArchive, QemuTarget
from teeforge.settings.lock import DebianLock, LockedPackage
from teeforge.settings.recipe import load_recipes

from .conftest import Checkout, Upstream, git, make_checkout

PATCH = """\
From 1111111111111111111111111111111111111111 Mon Sep 17 00:00:00 2001
From: A Patcher <patcher@example.org>
Date: Mon, 1 Jun 2026 12:00:00 +0200
Subject: [PATCH] greet everybody

Because a world is not enough.
---
 greeting.in | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

diff --git a/greeting.in b/greeting.in
--- a/greeting.in
+++ b/greeting.in
@@ -1 +1 @@
-hello WHO
+hello WHO and everybody
diff --git a/notes.txt b/notes.txt
--- a/notes.txt
+++ b/notes.txt
@@ -1,3 +1,3 @@
 one
-two
+TWO
 three
--
2.39.5
"""


def sources(checkout: Checkout) -> Sources:
    builder = checkout.builder()
    return builder.sources


def compose(checkout: Checkout) -> str:
    recipes = load_recipes(checkout.root, checkout.config)
    return sources(checkout).compose(recipes["greeting"])


def add_patch(checkout: Checkout, text: str = PATCH) -> None:
    (checkout.root / "patches/greeting/0001-greet-everybody.patch").write_text(text, encoding="utf-8")


def test_a_patch_applied_twice_leaves_the_same_commit(checkout: Checkout) -> None:
    add_patch(checkout)
    assert compose(checkout) == compose(checkout)


def test_one_patch_of_a_series_can_be_taken_alone(checkout: Checkout) -> None:
    add_patch(checkout)
    both = compose(checkout)
    second = PATCH.replace("TWO", "deux").replace("-two", "-TWO").replace("everybody", "all")
    second = second.replace("-hello WHO\n", "-hello WHO and everybody\n")
    (checkout.root / "patches/greeting/0002-more.patch").write_text(second, encoding="utf-8")
    assert compose(checkout) != both
    checkout.recipe("greeting", patches=["greeting/0001-greet-everybody.patch"])
    assert compose(checkout) == both
    checkout.recipe("greeting", patches=["greeting/0003-none.patch"])
    with pytest.raises(
        TeeforgeError, match=r"neither a folder nor a patch patches/greeting/0003-none\.patch"
    ):
        compose(checkout)


def test_the_same_patch_gives_the_same_commit_in_another_checkout(checkout: Checkout, tmp_path: Path) -> None:
    add_patch(checkout)
    other = make_checkout(tmp_path / "other", Upstream(tmp_path / "other-upstream"))
    other.upstream = checkout.upstream
    other.pinned(checkout.pin)
    add_patch(other)
    assert compose(checkout) == compose(other)


def test_the_commit_keeps_author_date_and_message_of_the_patch(checkout: Checkout) -> None:
    add_patch(checkout)
    commit = compose(checkout)
    folder = checkout.workspace.sources / "greeting.git"
    told = git(folder, "show", "-s", "--format=%an|%ae|%ad|%cn|%s|%b", "--date=iso", commit)
    assert told.startswith(
        "A Patcher|patcher@example.org|2026-06-01 12:00:00 +0200|teeforge|greet everybody|"
    )
    assert "Because a world is not enough." in told


def test_a_patch_that_does_not_apply_names_patch_file_and_hunk_and_leaves_the_tree(
    checkout: Checkout,
) -> None:
    recipe = load_recipes(checkout.root, checkout.config)["greeting"]
    tree = checkout.workspace.work / "tree"
    sources(checkout).check_out(recipe, tree)
    add_patch(checkout, PATCH.replace("-two", "-deux"))
    with pytest.raises(TeeforgeError) as caught:
        sources(checkout).check_out(recipe, tree)
    assert caught.value.message == (
        "patch greeting/0001-greet-everybody.patch does not apply: notes.txt, hunk 1 (line 1)"
    )
    assert (tree / "greeting.in").read_text() == "hello WHO\n"


def test_a_cherry_pick_is_put_on_top_of_the_pin(checkout: Checkout) -> None:
    checkout.upstream.commit(**{"other.txt": "something else\n"})
    pick = checkout.upstream.commit(**{"notes.txt": "one\ntwo\nthree\nfour\n"})
    checkout.pinned(checkout.pin, cherry_picks=[pick])
    recipe = load_recipes(checkout.root, checkout.config)["greeting"]
    tree = checkout.workspace.work / "tree"
    sources(checkout).check_out(recipe, tree)
    assert (tree / "notes.txt").read_text() == "one\ntwo\nthree\nfour\n"
    assert not (tree / "other.txt").exists()


def test_a_pin_that_upstream_does_not_have_is_named(checkout: Checkout) -> None:
    checkout.pinned("0123456789" * 4)
    with pytest.raises(TeeforgeError) as caught:
        compose(checkout)
    assert f"does not have commit {'0123456789' * 4}" in caught.value.message


def test_an_upstream_that_cannot_be_reached_is_named_with_what_to_do(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teeforge.fetch.gitfetch.time.sleep", lambda _: None)
    checkout.configure(mirrors={checkout.upstream.url: "http://127.0.0.1:9/nothing.git"})
    with pytest.raises(TeeforgeError) as caught:
        compose(checkout)
    assert "http://127.0.0.1:9/nothing.git cannot be fetched" in caught.value.message
    assert "https_proxy" in caught.value.hint


def test_a_commit_that_is_here_is_never_fetched_again(checkout: Checkout) -> None:
    compose(checkout)
    checkout.upstream.folder.rename(checkout.root.parent / "gone")
    assert compose(checkout)


def test_a_mirror_serves_the_same_commit(checkout: Checkout, tmp_path: Path) -> None:
    checkout.upstream.folder.rename(tmp_path / "mirror")
    checkout.configure(mirrors={checkout.upstream.url: (tmp_path / "mirror").as_uri()})
    assert compose(checkout)


def test_a_fetch_killed_half_way_is_fetched_again(checkout: Checkout) -> None:
    store = GitStore(checkout.workspace.sources / "greeting.git")
    store.fetch(checkout.upstream.url, checkout.pin)
    # What SIGKILL leaves: objects without their ref, and git's own lock files.
    git(store.path, "update-ref", "-d", f"refs/teeforge/{checkout.pin}")
    for name in ("shallow.lock", f"refs/teeforge/{checkout.pin}.lock"):
        (store.path / name).parent.mkdir(parents=True, exist_ok=True)
        (store.path / name).touch()
    assert not store.has(checkout.pin)
    store.fetch(checkout.upstream.url, checkout.pin)
    assert store.has(checkout.pin)


def test_many_components_may_open_a_source_at_the_same_time(tmp_path: Path) -> None:
    with ThreadPoolExecutor(12) as pool:
        stores = list(pool.map(lambda _: GitStore(tmp_path / "greeting.git"), range(24)))
    assert not stores[0].has("0" * 40)


def test_a_hand_edited_work_tree_becomes_the_tree_again(checkout: Checkout) -> None:
    recipe = load_recipes(checkout.root, checkout.config)["greeting"]
    tree = checkout.workspace.work / "tree"
    sources(checkout).check_out(recipe, tree)
    (tree / "greeting.in").write_text("edited\n")
    (tree / "dropping.o").write_text("left by a build\n")
    sources(checkout).check_out(recipe, tree)
    assert (tree / "greeting.in").read_text() == "hello WHO\n"
    assert not (tree / "dropping.o").exists()


def test_a_stale_index_lock_of_a_killed_run_is_no_obstacle(checkout: Checkout) -> None:
    recipe = load_recipes(checkout.root, checkout.config)["greeting"]
    tree = checkout.workspace.work / "tree"
    tree.parent.mkdir(parents=True)
    (tree.parent / "tree.index.lock").touch()
    sources(checkout).check_out(recipe, tree)
    assert (tree / "Makefile").exists()


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[str]:
    """A real HTTP server with one package in its pool."""
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool/a.deb").write_bytes(b"a package")
    handler = http.server.SimpleHTTPRequestHandler
    handler.log_message = lambda *_: None  # type: ignore[method-assign]
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *a: handler(*a, directory=str(tmp_path))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def pool(tmp_path: Path, mirror: str, data: bytes) -> Pool:
    package = LockedPackage("a", "1", "pool/a.deb", len(data), hashlib.sha256(data).hexdigest())
    config = Config(sources={}, targets={"qemu": QemuTarget("qemu")}, debian=DebianArchive(mirror=mirror))
    return Pool(tmp_path / "debs", config, DebianLock("20261122T000000Z", {"up": package.line()}))


def test_a_package_is_taken_from_any_mirror_that_serves_the_right_bytes(tmp_path: Path, archive: str) -> None:
    (path,) = pool(tmp_path, archive, b"a package").fetch("up")
    assert path.read_bytes() == b"a package"


def test_a_package_that_comes_slowly_says_how_much_is_here_and_how_long_it_takes(tmp_path: Path) -> None:
    half = bytes(1 << 20)

    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(2 * len(half)))
            self.end_headers()
            self.wfile.write(half[: 1 << 19])
            time.sleep(1.2)
            self.wfile.write(half[1 << 19 :])
            time.sleep(1.2)
            self.wfile.write(half)

        def log_message(self, *_: object) -> None:
            pass

    told: list[str] = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        pool(tmp_path, f"http://127.0.0.1:{server.server_port}", 2 * half).fetch("up", told.append)
        server.shutdown()
    assert re.fullmatch(r"a 1, 1 of 2 MB, \d s left", told[0]), told
    assert told[-1] == "a 1, 2 of 2 MB"


def test_a_mirror_that_serves_other_bytes_is_refused(
    tmp_path: Path, archive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teeforge.fetch.archives.host_archives", lambda: ())
    with pytest.raises(TeeforgeError) as caught:
        pool(tmp_path, archive, b"another package").fetch("up")
    assert "serves other bytes: SHA-256 " in caught.value.message
    assert list((tmp_path / "debs").iterdir()) == []


def test_an_archive_that_is_away_is_told_once_and_asked_once(
    tmp_path: Path, archive: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = "http://127.0.0.1:9/debian"
    monkeypatch.setattr("teeforge.fetch.archives.host_archives", lambda: (archive,))
    monkeypatch.setattr("teeforge.fetch.debian._away", {})
    for _ in range(2):
        pool(tmp_path, gone, b"a package").fetch("up")
        (tmp_path / "debs").rename(tmp_path / f"debs.{os.urandom(4).hex()}")
    told = f"{gone}/pool/a.deb: connection refused; now asking {archive}\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize(("answered", "tries"), [(False, 3), (True, 6)])
def test_a_name_server_that_stumbles_is_asked_for_longer_where_it_has_answered(
    tmp_path: Path, archive: str, monkeypatch: pytest.MonkeyPatch, answered: bool, tries: int
) -> None:
    asked: list[str] = []

    def stumble(url: str, *_: object) -> bytes:
        asked.append(url)
        raise UnreachableError(f"{url}: the host's name cannot be looked up (no network?)")

    monkeypatch.setattr("teeforge.fetch.archives.host_archives", lambda: ())
    monkeypatch.setattr("teeforge.fetch.debian.archive_bases", lambda *_: (archive,))
    monkeypatch.setattr("teeforge.fetch.debian._away", {})
    monkeypatch.setattr("teeforge.fetch.debian._answered", set())
    monkeypatch.setattr("teeforge.fetch.debian.time.sleep", lambda _: None)
    if answered:
        pool(tmp_path, archive, b"a package").fetch("up")
        (tmp_path / "debs").rename(tmp_path / "earlier")
    monkeypatch.setattr("teeforge.fetch.debian.download", stumble)
    with pytest.raises(UnreachableError):
        pool(tmp_path, archive, b"a package").fetch("up")
    assert len(asked) == tries


def test_a_server_that_is_silent_is_told_and_not_waited_for_without_end(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("teeforge.fetch.waiting.SAID", 0.5)
    monkeypatch.setattr("teeforge.fetch.waiting.PATIENCE", 1.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/silent.git"
        checkout.configure(mirrors={checkout.upstream.url: url})
        began = time.monotonic()
        with pytest.raises(UnreachableError) as caught:
            compose(checkout)
        # git and the helper that it started are gone: it would have waited for 300 s.
        assert time.monotonic() - began < 6
    assert f"{url} cannot be fetched: no answer in" in caught.value.message
    assert "no answer yet from 127.0.0.1; still trying, Ctrl-C ends" in capsys.readouterr().err


def test_nobody_there_is_told_at_once(checkout: Checkout) -> None:
    checkout.configure(mirrors={checkout.upstream.url: "http://127.0.0.1:9/nothing.git"})
    began = time.monotonic()
    with pytest.raises(UnreachableError) as caught:
        compose(checkout)
    assert time.monotonic() - began < 5
    assert caught.value.message.endswith("nothing.git cannot be fetched: connection refused")
