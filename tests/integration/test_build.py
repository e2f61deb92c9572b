"""The graph and the store: nothing is built twice, and a kill at any moment corrupts nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.fetch.sources import Sources
from teeforge.lab import Lab
from teeforge.settings.recipe import Recipe
from teeforge.settings.workspace import open_workspace

from .conftest import Checkout, Upstream, make_checkout


def test_a_component_and_what_it_needs_are_built(checkout: Checkout) -> None:
    built = checkout.builder().build(["letter"])
    assert list(built) == ["greeting", "letter"]
    assert built["letter"].product("letter").read_text() == "dear world\n"


def test_an_unchanged_tree_builds_nothing(checkout: Checkout) -> None:
    first = checkout.builder().build(["letter"])
    second = checkout.builder().build(["letter"])
    assert {name: entry.key for name, entry in first.items()} == {
        name: entry.key for name, entry in second.items()
    }
    assert (checkout.runs("greeting"), checkout.runs("letter")) == (1, 1)


def test_a_change_rebuilds_just_what_reads_it(checkout: Checkout) -> None:
    checkout.builder().build(["letter"])
    (checkout.root / "overlays/letter/letter.in").write_text("dearest WHO\n")
    built = checkout.builder().build(["letter"])
    assert built["letter"].product("letter").read_text() == "dearest world\n"
    assert (checkout.runs("greeting"), checkout.runs("letter")) == (1, 2)


def test_identical_products_of_a_rebuild_rebuild_nobody(checkout: Checkout) -> None:
    checkout.builder().build(["letter"])
    checkout.recipe("greeting", env={"UNUSED": "but part of the key"})
    checkout.builder().build(["letter"])
    assert (checkout.runs("greeting"), checkout.runs("letter")) == (2, 1)


@pytest.mark.parametrize("call", [1, 2], ids=["while its tree is named", "while its tree is laid out"])
def test_a_file_saved_during_a_build_is_in_the_key_of_what_it_went_into(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    letter = checkout.root / "overlays/letter/letter.in"
    calls = []

    def compose(sources: Sources, recipe: Recipe, *rest: Any) -> str:
        if recipe.overlay == "letter":
            calls.append(recipe)
            if len(calls) == call:
                letter.write_text("my dear WHO\n")
        return real(sources, recipe, *rest)

    real = Sources.compose
    monkeypatch.setattr(Sources, "compose", compose)
    built = checkout.builder().build(["letter"])
    assert built["letter"].product("letter").read_text() == "my dear world\n"
    assert len(calls) > call
    assert checkout.builder().peek("letter", built) == built["letter"]
    letter.write_text("dear WHO\n")
    assert checkout.builder().build(["letter"])["letter"].product("letter").read_text() == "dear world\n"


def test_going_back_to_an_earlier_config_builds_nothing(checkout: Checkout) -> None:
    checkout.builder().build(["letter"])
    newer = checkout.upstream.commit(**{"greeting.in": "good day WHO\n"})
    checkout.pinned(newer)
    checkout.builder().build(["letter"])
    checkout.pinned(checkout.pin)
    checkout.builder().build(["letter"])
    assert (checkout.runs("greeting"), checkout.runs("letter")) == (2, 2)


def test_the_products_are_the_same_bits_in_another_folder(checkout: Checkout, tmp_path: Path) -> None:
    other = make_checkout(tmp_path / "elsewhere" / "deeper", Upstream(tmp_path / "up2"))
    other.upstream = checkout.upstream
    other.pinned(checkout.pin)
    ours, theirs = (c.builder().build(["letter"])["letter"] for c in (checkout, other))
    assert (ours.key, ours.digest("letter")) == (theirs.key, theirs.digest("letter"))


@pytest.mark.parametrize("name", ["with a space", "论文", "it's"])
def test_a_checkout_whose_path_make_cannot_take_is_built_elsewhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    checkout = make_checkout(tmp_path / name, Upstream(tmp_path / "upstream"))
    built = checkout.builder().build(["letter"])
    assert built["letter"].product("letter").read_text() == "dear world\n"
    assert (checkout.root / "build").is_symlink()
    assert checkout.workspace == open_workspace(checkout.root, checkout.config)


def test_a_checkout_that_is_built_outside_of_it_is_only_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = make_checkout(tmp_path / "论文", Upstream(tmp_path / "upstream"))
    (checkout.root / "build").symlink_to("/a/folder/of/the/host")
    before = sorted(checkout.root.rglob("*"))
    monkeypatch.setenv("TEEFORGE_OUT", str(tmp_path / "out"))
    built = checkout.builder().build(["letter"])
    assert built["letter"].product("letter").is_relative_to(tmp_path / "out" / "build")
    Lab(checkout.root, live=False).clean(everything=True)
    assert not (tmp_path / "out" / "build").exists()
    assert sorted(checkout.root.rglob("*")) == before


def test_a_failing_step_shows_its_last_lines_the_log_and_the_command(checkout: Checkout) -> None:
    checkout.recipe("greeting", steps=["make -C {source} nothing-of-that-name"])
    with pytest.raises(TeeforgeError) as caught:
        checkout.builder().build(["letter"])
    assert caught.value.message.startswith("greeting: make failed with exit status 2:")
    assert "No rule to make target 'nothing-of-that-name'" in caught.value.message
    assert "build/logs/greeting.log" in caught.value.hint
    assert "make -C " in caught.value.hint


def test_a_failed_build_leaves_nothing_in_the_store(checkout: Checkout) -> None:
    checkout.recipe("greeting", steps=["make -C {source} O={out} NAME=greeting", "false"])
    with pytest.raises(TeeforgeError):
        checkout.builder().build(["greeting"])
    assert not list(checkout.workspace.store.rglob("*.txt"))


def test_a_step_that_leaves_no_product_is_named(checkout: Checkout) -> None:
    checkout.recipe("greeting", products={"text": "no-such-file"})
    with pytest.raises(TeeforgeError) as caught:
        checkout.builder().build(["greeting"])
    assert "recipes/greeting.yaml: products.text" in caught.value.message


def test_a_missing_compiler_is_named_with_its_package(checkout: Checkout) -> None:
    checkout.recipe("greeting", tools={"no-such-compiler": "gcc-for-nothing"})
    with pytest.raises(TeeforgeError) as caught:
        checkout.builder().build(["greeting"])
    assert caught.value.message.endswith("no-such-compiler is not installed")
    assert caught.value.hint == "apt install gcc-for-nothing"


def test_a_full_disk_is_noticed_before_the_work(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEEFORGE_MIN_FREE_MIB", str(1 << 40))
    with pytest.raises(TeeforgeError) as caught:
        checkout.builder().build(["greeting"])
    assert "is full" in caught.value.message


def test_a_disk_that_fills_up_during_a_step_is_said_first(checkout: Checkout) -> None:
    checkout.recipe("greeting", steps=["cp /etc/passwd /dev/full"])
    with pytest.raises(TeeforgeError) as caught:
        checkout.builder().build(["greeting"])
    assert caught.value.message.startswith("greeting: the disk is full: cp failed")


def test_the_cross_compiler_of_the_config_is_the_one_that_is_looked_for(checkout: Checkout) -> None:
    checkout.configure(toolchain={"kind": "host", "cross": "no-such-prefix-"})
    checkout.recipe("greeting", tools={"{toolchain.cross}gcc": "gcc-aarch64-linux-gnu"})
    with pytest.raises(TeeforgeError) as caught:
        checkout.builder().build(["greeting"])
    assert caught.value.message == "greeting: no-such-prefix-gcc is not installed"


def test_an_entry_broken_by_hand_is_built_anew(checkout: Checkout) -> None:
    entry = checkout.builder().build(["greeting"])["greeting"]
    entry.product("text").unlink()
    again = checkout.builder().build(["greeting"])["greeting"]
    assert again.product("text").read_text() == "hello world\n"


def test_a_torn_manifest_is_built_anew(checkout: Checkout) -> None:
    entry = checkout.builder().build(["greeting"])["greeting"]
    (entry.folder / "manifest.json").write_text('{"component": "gree')
    assert checkout.builder().build(["greeting"])["greeting"].product("text").exists()


def test_everything_but_the_store_may_vanish(checkout: Checkout) -> None:
    checkout.builder().build(["letter"])
    for folder in (checkout.workspace.work, checkout.workspace.cache):
        shutil.rmtree(folder)
    checkout.builder().build(["letter"])
    assert not list(checkout.workspace.work.glob("runs-*"))


def test_the_users_compiler_flags_do_not_reach_a_step(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFLAGS", "-Wrong")
    checkout.recipe("greeting", steps=["env"], products={"text": "."})
    checkout.builder().build(["greeting"])
    log = (checkout.workspace.logs / "greeting.log").read_text()
    assert "CFLAGS" not in log
    assert "SOURCE_DATE_EPOCH=" in log
    assert "TZ=UTC" in log


def test_makes_of_all_components_share_one_job_budget(checkout: Checkout) -> None:
    checkout.configure(jobs=3)
    checkout.recipe("greeting", steps=["env"], products={"text": "."})
    checkout.builder().build(["greeting"])
    assert "MAKEFLAGS= -j3 --jobserver-auth=" in (checkout.workspace.logs / "greeting.log").read_text()


def test_another_version_of_a_package_is_another_input(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.recipe("greeting", packages=["libc6-dev-arm64-cross"])
    monkeypatch.setattr("teeforge.base.tools._DPKG_STATUS", tmp_path / "status")
    (tmp_path / "status").write_text("")
    for version in ("1.0", "1.1"):
        monkeypatch.setattr("teeforge.base.tools._installed", lambda _, version=version: version)
        (tmp_path / "status").write_text(version)
        entry = checkout.builder().build(["greeting"])["greeting"]
        assert entry.manifest["inputs"]["package libc6-dev-arm64-cross"] == version
    assert checkout.runs("greeting") == 2


def test_the_manifest_tells_what_went_in(checkout: Checkout) -> None:
    entry = checkout.builder().build(["letter"])["letter"]
    inputs = entry.manifest["inputs"]
    assert inputs["product greeting.text"] == checkout.builder().build(["greeting"])["greeting"].digest(
        "text"
    )
    assert inputs["source tree"].startswith("git:")
