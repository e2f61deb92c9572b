"""Components that run only where they lie, as the toolchain does: shared, known by what went into them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from teeforge.base.errors import TeeforgeError
from teeforge.building.pinned import sound
from teeforge.products.store import Stored
from teeforge.reproduce import key_elsewhere

from .conftest import Checkout, Upstream, make_checkout

TOOL = """\
import pathlib, sys
home, root = map(pathlib.Path, sys.argv[1:])
(root / "usr/bin").mkdir(parents=True)
tool = root / "usr/bin/greet"
tool.write_text(f"#!/bin/sh\\ntest {home}/root/usr/bin/greet -ef $0 && echo hello from here\\n")
tool.chmod(0o755)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def with_toolchain(checkout: Checkout) -> Checkout:
    """Give a checkout a toolchain of one program, and a component that uses that."""
    checkout.configure(toolchain="pinned")
    (checkout.root / "overlays/toolchain").mkdir()
    (checkout.root / "overlays/toolchain/make.py").write_text(TOOL, encoding="utf-8")
    checkout.recipe(
        "toolchain",
        summary="a program that says where it is",
        overlay="toolchain",
        in_place=True,
        steps=["{python} {source}/make.py {home} {out}/root"],
        products={"root": "root"},
    )
    (checkout.root / "overlays/letter/copy").write_text("#!/bin/sh\ngreet > $1\n")
    (checkout.root / "overlays/letter/copy").chmod(0o755)
    for name in ("greeting", "letter"):
        (checkout.root / f"recipes/{name}.yaml").unlink()
    checkout.recipe(
        "letter",
        summary="what the program says",
        overlay="letter",
        tools={"greet": "greet"},
        steps=["/bin/sh {source}/copy {out}/said"],
        products={"said": "said"},
    )
    return checkout


@pytest.fixture
def pinned(checkout: Checkout) -> Checkout:
    return with_toolchain(checkout)


def built(checkout: Checkout) -> dict[str, Stored]:
    return checkout.builder().build(["letter"])


def test_steps_run_its_programs_and_no_others(pinned: Checkout) -> None:
    assert built(pinned)["letter"].product("said").read_text() == "hello from here\n"
    pinned.recipe("letter", steps=["sed --version"])
    with pytest.raises(TeeforgeError, match="sed is not installed"):
        built(pinned)


def test_it_lies_where_all_checkouts_of_a_user_find_it(pinned: Checkout, tmp_path: Path, cache: Path) -> None:
    first = built(pinned)["toolchain"]
    assert first.folder.is_relative_to(cache / "teeforge/store")
    other = with_toolchain(make_checkout(tmp_path / "other", Upstream(tmp_path / "other-upstream")))
    second = built(other)
    assert second["toolchain"].folder == first.folder
    assert second["letter"].key == built(pinned)["letter"].key
    assert not (other.root / "build/store/toolchain").exists()


def test_its_place_is_no_part_of_what_others_are_known_by(
    pinned: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = built(pinned)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another-cache"))
    second = built(pinned)
    assert first["toolchain"].digest("root") != second["toolchain"].digest("root")
    assert first["letter"].key == second["letter"].key


def test_what_goes_into_it_is(pinned: Checkout) -> None:
    first = built(pinned)["letter"].key
    with (pinned.root / "overlays/toolchain/make.py").open("a") as script:
        script.write("# another one\n")
    assert built(pinned)["letter"].key != first


def test_one_that_was_moved_is_made_anew(pinned: Checkout, tmp_path: Path, cache: Path) -> None:
    built(pinned)
    moved = tmp_path / "moved"
    shutil.move(cache, moved)
    shutil.copytree(moved, cache / "elsewhere")
    again = built(pinned)["toolchain"]
    assert again.folder.is_relative_to(cache / "teeforge/store")


def test_one_that_lies_in_a_shared_store_is_used_there(pinned: Checkout, tmp_path: Path) -> None:
    pinned.configure(toolchain="pinned", store=str(tmp_path / "shared"))
    assert built(pinned)["toolchain"].folder.is_relative_to(tmp_path / "shared")


def test_damage_is_named_and_mended_by_the_next_run(pinned: Checkout) -> None:
    entry = built(pinned)["toolchain"]
    program = entry.product("root") / "usr/bin/greet"
    program.write_text("#!/bin/sh\nrm -rf everything\n")
    pinned.recipe("letter", env={"OTHER": "1"})
    with pytest.raises(TeeforgeError) as caught:
        built(pinned)
    assert caught.value.message == (
        f"letter: the toolchain in the store is damaged: {program} was changed or is gone"
    )
    assert not entry.folder.exists()
    assert built(pinned)["letter"].product("said").read_text() == "hello from here\n"


def test_a_file_that_is_gone_is_damage_and_one_that_came_is_none(pinned: Checkout) -> None:
    builder = pinned.builder()
    entry = builder.build(["letter"])["toolchain"]
    (entry.product("root") / "usr/bin/more").touch()
    assert sound(builder.places, entry).root == entry.product("root")
    (entry.product("root") / "usr/bin/greet").unlink()
    with pytest.raises(TeeforgeError, match="usr/bin/greet was changed or is gone"):
        sound(builder.places, entry)


def test_it_goes_to_no_remote_store_and_comes_from_none(pinned: Checkout, tmp_path: Path) -> None:
    from teeforge.building.exchange import pull, push

    pinned.configure(toolchain="pinned", remote=str(tmp_path / "remote"))
    builder = pinned.builder()
    push(builder, builder.build(["letter"]).values(), again=False)
    assert {path.name for path in (tmp_path / "remote").iterdir()} == {"letter"}
    lines = (pinned.root / "products.lock").read_text().splitlines()
    assert [line.split()[0] for line in lines if line[0] != "#"] == ["letter"]
    shutil.rmtree(pinned.root / "build/store")
    assert pull(pinned.builder(), ["letter"]) == 0


def test_products_that_the_lock_says_are_others_are_told(
    pinned: Checkout, capfd: pytest.CaptureFixture[str]
) -> None:
    key = built(pinned)["letter"].key
    assert "other bits" not in capfd.readouterr().err
    (pinned.root / "products.lock").write_text(f"letter amd64 {key} {'0' * 64} 10240\n")
    shutil.rmtree(pinned.root / "build/store")
    built(pinned)
    assert f"warning: letter {key[:12]} is other bits than products.lock says" in capfd.readouterr().err


def test_with_the_hosts_toolchain_there_is_no_such_component(pinned: Checkout) -> None:
    pinned.configure(toolchain="host")
    assert "toolchain" not in pinned.builder().recipes
    text = yaml.safe_dump({"kind": "pinned", "cross": "arm-"})
    with pytest.raises(TeeforgeError, match="cross: is for `kind: host`"):
        pinned.configure(toolchain=yaml.safe_load(text))
        pinned.builder()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a filesystem of memory with options, for a store to lie on."""
    if os.geteuid() != 0:
        pytest.skip("mounting a filesystem takes root")
    folder = tmp_path / "mounted"
    folder.mkdir()

    def mount(options: str) -> Path:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
        return folder

    yield mount
    subprocess.run(["umount", folder], check=False)


def test_a_store_that_nothing_can_run_from_is_refused(pinned: Checkout, small: Callable[[str], Path]) -> None:
    folder = small("noexec")
    pinned.configure(toolchain="pinned", store=str(folder))
    with pytest.raises(TeeforgeError, match="lies on a filesystem that is mounted noexec") as caught:
        built(pinned)
    assert "set `store:` in config.yaml" in caught.value.hint
    assert not list(folder.rglob("usr"))


def test_a_disk_that_fills_leaves_nothing_half_done(
    pinned: Checkout, small: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEEFORGE_MIN_FREE_MIB", "0")
    folder = small("size=1m")
    pinned.configure(toolchain="pinned", store=str(folder))
    pinned.recipe("toolchain", steps=["dd if=/dev/zero of={out}/root bs=64k count=64"])
    with pytest.raises(TeeforgeError, match="the disk is full: dd failed"):
        built(pinned)
    assert [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size] == []


def test_keys_of_hosts_of_another_architecture_are_known_without_one(
    pinned: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = pinned.builder()
    done = builder.build(["letter"])
    there = key_elsewhere(builder, "letter", done, "arm64")
    # A toolchain of nothing but an overlay is the same everywhere; one of packages has a section for each.
    assert there == done["letter"].key
    line = f"gcc 1 pool/gcc.deb 1 {'a' * 64}"
    lock = (
        f"snapshot: 20261122T000000Z\npackages:\n  up/amd64: |\n    {line}\n  up/arm64: |\n    {line[:-1]}b\n"
    )
    (pinned.root / "debian.lock").write_text(lock)
    source = {"suite": "bookworm", "architecture": "host", "packages": ["gcc"]}
    pinned.configure(toolchain="pinned", sources={"up": source})
    pinned.recipe("toolchain", source="up")
    keys = {}
    for architecture in ("amd64", "arm64"):
        monkeypatch.setattr("teeforge.settings.lock.host_architecture", lambda ours=architecture: ours)
        builder = pinned.builder()
        tools = replace(done["toolchain"], key=builder.inputs("toolchain", {}).key)
        entries = {"toolchain": tools}
        keys[architecture] = builder.inputs("letter", entries).key
        other = "arm64" if architecture == "amd64" else "amd64"
        keys[f"{other} from {architecture}"] = key_elsewhere(builder, "letter", entries, other)
    assert keys["amd64"] == keys["amd64 from arm64"] != keys["arm64"] == keys["arm64 from amd64"]
