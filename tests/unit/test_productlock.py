"""products.lock: lines that git can merge, and no line that could be misread."""

from __future__ import annotations

from pathlib import Path

import pytest

from teeforge.base.archive import Bits
from teeforge.base.errors import TeeforgeError
from teeforge.products.productlock import Product, ProductLock
from teeforge.settings.host import host_architecture

KEY, OTHER = "a" * 64, "b" * 64
BITS = Bits("c" * 64, 10240)
HOST = host_architecture()


def test_a_line_is_found_again_by_component_and_key(tmp_path: Path) -> None:
    ProductLock(tmp_path).add("wamrc", KEY, BITS)
    lock = ProductLock(tmp_path)
    assert lock.bits("wamrc", KEY) == BITS
    assert lock.bits("wamrc", OTHER) is None
    assert lock.bits("linux", KEY) is None


def test_lines_of_others_stay_and_are_sorted(tmp_path: Path) -> None:
    mine, theirs = ProductLock(tmp_path), ProductLock(tmp_path)
    theirs.add("wamrc", KEY, BITS)
    mine.add("linux", OTHER, BITS)
    lines = [line for line in (tmp_path / "products.lock").read_text().splitlines() if line[0] != "#"]
    assert lines == [f"linux {HOST} {OTHER} {'c' * 64} 10240", f"wamrc {HOST} {KEY} {'c' * 64} 10240"]


@pytest.mark.parametrize(
    "line",
    [
        "<<<<<<< HEAD",
        f"wamrc {HOST} {KEY} {'c' * 64}",
        f"wamrc {HOST} {KEY} {'c' * 63} 10240",
        f"wamrc {HOST} {KEY[:32]} {'c' * 64} 10240",
        f"wamrc {HOST} {KEY} {'c' * 64} -1",
        f"wamrc {HOST} {KEY} {'C' * 64} 10240",
        f"wamrc {HOST} {KEY} {'d' * 64} 10240",
    ],
)
def test_a_line_that_is_none_is_named(line: str, tmp_path: Path) -> None:
    ProductLock(tmp_path).add("wamrc", KEY, BITS)
    with (tmp_path / "products.lock").open("a") as lock:
        lock.write(line + "\n")
    with pytest.raises(TeeforgeError) as caught:
        ProductLock(tmp_path)
    assert caught.value.message.startswith(f"{tmp_path}/products.lock:5: ")


def test_no_lock_vouches_for_nothing(tmp_path: Path) -> None:
    assert ProductLock(tmp_path).bits("wamrc", KEY) is None


def test_lines_are_kept_by_architecture_and_replaced_as_a_whole(tmp_path: Path) -> None:
    ProductLock(tmp_path).add("wamrc", KEY, BITS)
    lock = ProductLock(tmp_path)
    lock.replace([Product("linux", HOST, OTHER, BITS), Product("linux", "sparc", KEY, BITS)])
    assert ProductLock(tmp_path).bits("linux", OTHER) == BITS
    assert lock.bits("linux", KEY) is None
    assert lock.bits("wamrc", KEY) is None
