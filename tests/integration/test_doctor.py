"""The doctor: the whole table whatever is wrong, and what to do about each row."""

from __future__ import annotations

from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.building import apt
from teeforge.building.doctor import Check, ensure_host, examine, missing_packages
from teeforge.settings.config import Config, QemuTarget, Toolchain
from teeforge.settings.recipe import Recipe

RECIPE = Recipe(
    summary="a compiler",
    steps=("make",),
    products={"it": "it"},
    overlay="it",
    tools={"no-such-make": "make"},
    llvm=(14, 15),
)


def config(**toolchain: str) -> Config:
    return Config(sources={}, targets={"qemu": QemuTarget("qemu")}, toolchain=Toolchain(**toolchain))  # type: ignore[arg-type]


def rows(**toolchain: str) -> dict[str, Check]:
    return {check.name: check for check in examine(config(kind="host", **toolchain), {"it": RECIPE})}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host that has nothing but an apt, which knows the packages named in a file."""
    programs = tmp_path / "bin"
    programs.mkdir()
    known = tmp_path / "known"
    known.write_text("")
    for name, script in {
        "apt-get": "exit 0",
        "apt-cache": f"""
shift
for name; do
	echo "$name:"
	found='(none)'
	while read -r line; do [ "$line" = "$name" ] && found=1; done < {known}
	echo "  Candidate: $found"
done""",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr("teeforge.building.toolchain._WASI_SDK", tmp_path / "none")
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "archive_Packages").touch()
    monkeypatch.setattr(apt, "_LISTS", lists)
    return tmp_path


def test_every_row_is_there_though_nothing_is(host: Path) -> None:
    found = rows()
    assert {"git", "ssh", "qemu-system-aarch64", "no-such-make", "LLVM for wamrc", "C to WebAssembly"} <= set(
        found
    )
    assert not any(check.ok for check in found.values())
    assert found["no-such-make"].words() == "MISSING: apt install make"
    assert found["LLVM for wamrc"].problem.endswith("apt has none of llvm-14-dev, llvm-15-dev")


def test_what_apt_has_is_offered_the_best_first(host: Path) -> None:
    (host / "known").write_text("llvm-15-dev\nclang-19\nlld-19\nwasi-libc\nlibclang-rt-19-dev-wasm32\n")
    found = rows()
    assert found["LLVM for wamrc"].packages == ("llvm-15-dev",)
    assert found["C to WebAssembly"].packages[0] == "clang-19"
    assert "llvm-15-dev" in missing_packages(found.values())


def test_a_version_that_would_not_do_is_not_offered(host: Path) -> None:
    (host / "known").write_text("llvm-19-dev\nllvm-14-dev\n")
    check = rows(llvm="19")["LLVM for wamrc"]
    assert check.packages == ()
    assert "does not build with LLVM 19, only with 14, 15" in check.words()
    assert rows(llvm="14")["LLVM for wamrc"].packages == ("llvm-14-dev",)


def test_empty_lists_are_told_from_packages_that_are_missing(host: Path) -> None:
    (host / "lists/archive_Packages").unlink()
    check = rows()["LLVM for wamrc"]
    assert "apt's lists are empty: run apt-get update" in check.words()
    assert check.packages == ("llvm-14-dev",)


def test_a_host_without_apt_is_told_so(host: Path) -> None:
    (host / "bin/apt-get").unlink()
    assert "no apt here: install one of these by hand" in rows()["LLVM for wamrc"].words()
    with pytest.raises(TeeforgeError) as caught:
        ensure_host(config(kind="host"), {"it": RECIPE})
    assert "LLVM for wamrc: " in caught.value.message
    assert "`toolchain: pinned`" in caught.value.hint


def test_with_the_pinned_toolchain_only_git_is_asked_for(host: Path) -> None:
    assert [check.name for check in examine(config(), {"it": RECIPE})] == ["git"]
