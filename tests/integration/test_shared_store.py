"""One store for several checkouts and users: processes at once, and a store that is not ours to write."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from teeforge.building.builder import Builder
from teeforge.products.store import Store, copy_products

from .conftest import Checkout

ROOT = Path(__file__).resolve().parents[2]
KEY = "a" * 64
# Adds the same entry again and again while others do, and reads all of it each time.
HAMMER = """
import functools, sys
from pathlib import Path
from teeforge.base.digest import digest_path
from teeforge.products.store import Store, copy_products
store, out = Store(Path(sys.argv[1])), Path(sys.argv[2])
products = {"kit": "kit"}
for n in range(20):
    key = f"{n:032x}" + "0" * 32
    entry = store.add("a", key, products, functools.partial(copy_products, "a", out, products), {"n": n})
    for _ in range(3):
        assert digest_path(entry.product("kit")) == entry.digest("kit"), n
        assert store.find("a", key) is not None, n
"""


def add(store: Store, out: Path, key: str = KEY) -> Path:
    products = {"text": "greeting.txt"}
    return store.add("a", key, products, functools.partial(copy_products, "a", out, products), {}).folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "greeting.txt").write_text("hello\n")
    return folder


def test_processes_that_make_the_same_entry_do_not_take_it_from_each_other(tmp_path: Path) -> None:
    for n in range(20):
        (tmp_path / f"out/kit/{n}").mkdir(parents=True)
        (tmp_path / f"out/kit/{n}/file").write_text(str(n))
    command = [sys.executable, "-c", HAMMER, str(tmp_path / "store"), str(tmp_path / "out")]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    children = [subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    told = [child.communicate()[1] for child in children]
    assert [child.returncode for child in children] == [0] * 4, told
    assert len(list((tmp_path / "store/a").iterdir())) == 20


def test_checkouts_that_build_at_once_share_what_they_make(checkout: Checkout, tmp_path: Path) -> None:
    checkout.configure(store=str(tmp_path / "shared"))
    checkout.recipe("greeting", steps=["sleep 0.2", "make -C {source} O={out} NAME=greeting"])
    (checkout.root / "tasks.py").symlink_to(ROOT / "tasks.py")
    children = []
    for n in range(3):
        other = tmp_path / f"checkout{n}"
        shutil.copytree(checkout.root, other, symlinks=True)
        command = [sys.executable, "-m", "invoke", "build-all"]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        children.append(subprocess.Popen(command, cwd=other, env=env, stderr=subprocess.PIPE, text=True))
    told = [child.communicate()[1] for child in children]
    assert [child.returncode for child in children] == [0] * 3, told
    for component in ("greeting", "letter"):
        assert len(list((tmp_path / "shared" / component).iterdir())) == 1


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write anywhere: be somebody else for a while."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


def test_a_store_of_somebody_else_is_read_and_our_own_takes_what_is_new(out: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        place = Path(name)
        place.chmod(0o755)
        theirs, ours = place / "theirs", place / "ours"
        first = add(Store(theirs), out)
        for folder in (theirs, theirs / "a"):
            folder.chmod(0o555)
        ours.mkdir()
        ours.chmod(0o777)
        mine = place / "out"
        shutil.copytree(out, mine)
        with as_nobody():
            store = Store(theirs, ours)
            found = store.find("a", KEY)
            assert found is not None and found.folder == first
            store.used(found)
            assert store.remove(found) is False
            assert add(store, mine, "b" * 64).is_relative_to(ours)
            assert {entry.key for entry in store.entries()} == {KEY, "b" * 64}
        for folder in (theirs, theirs / "a"):
            folder.chmod(0o755)


def test_a_broken_entry_gives_way_and_a_whole_one_does_not(tmp_path: Path, out: Path) -> None:
    store = Store(tmp_path / "store")
    folder = add(store, out)
    inode = folder.stat().st_ino
    assert add(store, out).stat().st_ino == inode
    (folder / "products/greeting.txt").unlink()
    assert add(store, out).stat().st_ino != inode
    assert [path.name for path in folder.parent.iterdir()] == [KEY[:32]]


def test_the_shared_store_takes_what_is_new_where_it_may(checkout: Checkout, tmp_path: Path) -> None:
    checkout.configure(store=str(tmp_path / "shared"))
    builder: Builder = checkout.builder()
    entry = builder.build(["greeting"])["greeting"]
    assert entry.folder.is_relative_to(tmp_path / "shared")
    assert not checkout.workspace.store.exists()
