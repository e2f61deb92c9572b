"""Builds that go on from the last one's output: only what is stale is compiled, and the bits are the same."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.base.process import run_logged
from teeforge.building.builder import Builder

from .conftest import Checkout

MAKEFILE = """\
names := one two
$(O)/all.txt: $(names:%=$(O)/%.txt)
\tcat $^ > $@
$(O)/%.txt: %.in
\t! grep -q wrong $<
\tsed s/WHO/world/ $< > $@
\techo $* >> $(O)/../../made
"""


@pytest.fixture
def parts(checkout: Checkout) -> Checkout:
    """The checkout with a component of two parts that is built incrementally."""
    folder = checkout.root / "overlays/parts"
    folder.mkdir()
    (folder / "Makefile").write_text(MAKEFILE)
    for name in ("one", "two"):
        (folder / f"{name}.in").write_text(f"{name} WHO\n")
    checkout.recipe(
        "parts",
        summary="two parts",
        overlay="parts",
        incremental=True,
        steps=["make -C {source} O={out}"],
        products={"all": "all.txt"},
    )
    return checkout


def change(parts: Checkout, name: str, text: str) -> None:
    (parts.root / "overlays/parts" / name).write_text(text)


def build(parts: Checkout) -> str:
    """Build; return what came out."""
    return parts.builder().build(["parts"])["parts"].product("all").read_text()


def made(parts: Checkout) -> list[str]:
    """Return what was made since the last call, in order."""
    record = parts.workspace.work / "made"
    told = sorted(record.read_text().split()) if record.exists() else []
    record.unlink(missing_ok=True)
    return told


def test_a_changed_file_alone_is_compiled(parts: Checkout) -> None:
    assert (build(parts), made(parts)) == ("one world\ntwo world\n", ["one", "two"])
    change(parts, "two.in", "second WHO\n")
    assert (build(parts), made(parts)) == ("one world\nsecond world\n", ["two"])


def test_a_file_that_is_put_back_is_compiled_as_well(parts: Checkout) -> None:
    build(parts)
    change(parts, "two.in", "second WHO\n")
    build(parts)
    made(parts)
    change(parts, "two.in", "two WHO\n")
    change(parts, "one.in", "first WHO\n")
    assert (build(parts), made(parts)) == ("first world\ntwo world\n", ["one", "two"])


def test_after_an_error_the_rest_is_not_compiled_again(parts: Checkout) -> None:
    build(parts)
    change(parts, "two.in", "wrong\n")
    with pytest.raises(TeeforgeError):
        build(parts)
    made(parts)
    change(parts, "two.in", "right\n")
    assert (build(parts), made(parts)) == ("one world\nright\n", ["two"])


def test_another_flag_or_set_of_files_begins_anew(parts: Checkout) -> None:
    build(parts)
    made(parts)
    parts.recipe("parts", env={"FLAG": "1"})
    build(parts)
    assert made(parts) == ["one", "two"]
    change(parts, "three.in", "not used\n")
    build(parts)
    assert made(parts) == ["one", "two"]


def test_without_a_word_in_the_recipe_each_build_begins_anew(parts: Checkout) -> None:
    parts.recipe("parts", incremental=False)
    build(parts)
    made(parts)
    change(parts, "two.in", "second WHO\n")
    build(parts)
    assert made(parts) == ["one", "two"]


def test_what_a_killed_build_left_is_not_trusted(parts: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    build(parts)
    made(parts)
    change(parts, "two.in", "second WHO\n")

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        (parts.workspace.work / "parts/out/one.txt").write_text("torn")
        raise Killed

    monkeypatch.setattr("teeforge.base.process.run_logged", killed)
    with pytest.raises(Killed):
        build(parts)
    monkeypatch.setattr("teeforge.base.process.run_logged", run_logged)
    assert (build(parts), made(parts)) == ("one world\nsecond world\n", ["one", "two"])


def test_steps_that_were_ended_from_outside_leave_nothing_to_trust(parts: Checkout) -> None:
    build(parts)
    made(parts)
    change(parts, "two.in", "wrong\n")
    builder: Builder = parts.builder()
    builder._stop.set()
    with pytest.raises(TeeforgeError):
        builder.build(["parts"])
    change(parts, "two.in", "second WHO\n")
    build(parts)
    assert made(parts) == ["one", "two"]


def test_a_clock_that_went_back_begins_anew(parts: Checkout) -> None:
    build(parts)
    made(parts)
    later = time.time() + 3600
    stamp: Path = parts.workspace.work / "parts/out.stamp"
    os.utime(stamp, (later, later))
    change(parts, "two.in", "second WHO\n")
    build(parts)
    assert made(parts) == ["one", "two"]


def test_a_host_that_was_started_anew_begins_anew(parts: Checkout, restart_host: Callable[[], None]) -> None:
    build(parts)
    made(parts)
    restart_host()
    # As a power cut leaves it: the size, the time, and no bytes.
    lost: Path = parts.workspace.work / "parts/source/one.in"
    before = lost.stat()
    untouched = lost.with_name("Makefile").stat().st_ctime_ns
    lost.write_bytes(bytes(before.st_size))
    os.utime(lost, ns=(before.st_atime_ns, before.st_mtime_ns))
    change(parts, "two.in", "second WHO\n")
    assert build(parts) == "one world\nsecond world\n"
    assert made(parts) == ["one", "two"]
    assert lost.with_name("Makefile").stat().st_ctime_ns > untouched


def test_a_restart_counts_until_the_old_tree_is_gone(
    parts: Checkout, restart_host: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    build(parts)
    restart_host()
    kept: Path = parts.workspace.work / "parts/source/Makefile"
    before = kept.stat().st_ctime_ns
    change(parts, "two.in", "second WHO\n")

    remove = shutil.rmtree

    def killed(path: Path, **how: Any) -> None:
        if path == kept.parent:
            raise TeeforgeError("killed")
        remove(path, **how)

    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", killed)
        with pytest.raises(TeeforgeError, match="killed"):
            build(parts)
    assert kept.stat().st_ctime_ns == before
    assert build(parts) == "one world\nsecond world\n"
    # git would see by a file's ctime that it was written to; no test can set that as a power cut leaves it.
    assert kept.stat().st_ctime_ns > before


def test_products_that_never_reached_the_disk_are_built_again(
    parts: Checkout, restart_host: Callable[[], None]
) -> None:
    product = parts.builder().build(["parts"])["parts"].product("all")
    product.write_bytes(bytes(product.stat().st_size))
    restart_host()
    assert build(parts) == "one world\ntwo world\n"


def test_products_are_read_again_once_after_a_restart(
    parts: Checkout, restart_host: Callable[[], None]
) -> None:
    product = parts.builder().build(["parts"])["parts"].product("all")
    restart_host()
    assert build(parts) == "one world\ntwo world\n"
    product.write_bytes(b"nobody looks")
    assert build(parts) == "nobody looks"
