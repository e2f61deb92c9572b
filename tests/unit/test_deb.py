"""Unpacking Debian packages: what is in them, nothing outside, and one line for what is none."""

from __future__ import annotations

import os
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.fetch.deb import unpack_debs
from tests.debpackage import deb, entry


def package(path: Path, *entries: tuple[tarfile.TarInfo, bytes]) -> Path:
    path.write_bytes(deb(*entries))
    return path


def test_files_links_and_modes_are_there_whatever_the_umask(tmp_path: Path) -> None:
    path = package(
        tmp_path / "a.deb",
        (entry("./usr/", tarfile.DIRTYPE, 0o755), b""),
        (entry("./usr/bin/tool", mode=0o4755), b"#!/bin/sh\n"),
        (entry("./usr/bin/other", tarfile.SYMTYPE, link="/usr/bin/tool"), b""),
        (entry("./usr/bin/third", tarfile.LNKTYPE, link="./usr/bin/tool"), b""),
        (entry("./usr/share/text", mode=0o600), b"text"),
    )
    before = os.umask(0o077)
    try:
        unpack_debs([path], tmp_path / "root")
    finally:
        os.umask(before)
    usr = tmp_path / "root/usr"
    assert (usr / "bin/tool").stat().st_mode & 0o7777 == 0o755
    assert (usr / "bin/other").readlink() == Path("/usr/bin/tool")
    assert (usr / "bin/third").samefile(usr / "bin/tool")
    assert (usr / "share/text").stat().st_mode & 0o7777 == 0o644


def test_a_package_is_unpacked_while_others_are_still_coming(tmp_path: Path) -> None:
    def coming() -> Iterator[Path]:
        yield package(tmp_path / "first.deb", (entry("./first"), b"1"))
        until = time.monotonic() + 10
        while not (tmp_path / "root/first").exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        yield package(tmp_path / "second.deb", (entry("./second"), b"2"))

    unpack_debs(coming(), tmp_path / "root")
    assert (tmp_path / "root/second").read_bytes() == b"2"


def test_packages_that_share_folders_come_to_lie_beside_each_other(tmp_path: Path) -> None:
    paths = [
        package(tmp_path / f"{name}.deb", (entry(f"./usr/lib/{name}"), name.encode()))
        for name in ("a", "b", "c")
    ]
    unpack_debs(paths, tmp_path / "root")
    assert {path.name for path in (tmp_path / "root/usr/lib").iterdir()} == {"a", "b", "c"}


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "usr/../../outside"])
def test_a_member_that_would_be_outside_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(TeeforgeError) as caught:
        unpack_debs([package(tmp_path / "a.deb", (entry(name), b"x"))], tmp_path / "root")
    assert f"`{name}` would be outside" in caught.value.message
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("cut", [0, 7, 40, 160, -2000])
def test_what_is_no_package_is_one_line_with_its_name(cut: int, tmp_path: Path) -> None:
    path = package(tmp_path / "a.deb", (entry("./file"), os.urandom(4000)))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(TeeforgeError) as caught:
        unpack_debs([path], tmp_path / "root")
    assert caught.value.message.startswith(f"{path} is no Debian package that can be read: ")
