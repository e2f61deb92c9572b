"""Archives of products: the same bits for the same files, and nothing of a hostile one gets out."""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from teeforge.base.archive import BadArchiveError, Bits, bits_of, pack, unpack
from teeforge.base.digest import digest_path
from teeforge.base.errors import TeeforgeError


def products(folder: Path) -> Path:
    (folder / "lib/deep").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "tool").write_bytes(b"#!/bin/sh\n")
    (folder / "tool").chmod(0o755)
    (folder / "lib/libx.so.2").write_bytes(os.urandom(70000))
    (folder / "lib/libx.so").symlink_to("libx.so.2")
    (folder / "lib/deep/up").symlink_to("../../tool")
    (folder / ("n" * 120)).write_bytes(b"")
    (folder / "论文.txt").write_text("名\n", encoding="utf-8")
    return folder


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def tar_of(*members: tarfile.TarInfo, content: bytes = b"") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def vouched(tar: bytes) -> Bits:
    """What a lock would say that a liar wrote: even then nothing may get out."""
    return Bits(hashlib.sha256(tar).hexdigest(), len(tar))


def unpacked(tar: bytes, tmp_path: Path) -> Path:
    folder = tmp_path / "inside" / "products"
    folder.mkdir(parents=True)
    unpack([lzma.compress(tar)], folder, vouched(tar))
    return folder


def test_what_was_packed_comes_out_again(tmp_path: Path) -> None:
    made = products(tmp_path / "made")
    pack(made, tmp_path / "a.tar.xz")
    folder = tmp_path / "out" / "products"
    folder.mkdir(parents=True)
    data = (tmp_path / "a.tar.xz").read_bytes()
    unpack([data[n : n + 1000] for n in range(0, len(data), 1000)], folder, bits_of(made))
    assert digest_path(folder) == digest_path(made)
    assert (folder / "lib/libx.so").readlink() == Path("libx.so.2")
    assert (folder / "empty").is_dir()
    assert (folder / "tool").stat().st_mode & 0o777 == 0o755
    assert names(folder.parent) == ["products"]


def test_times_owners_and_the_place_do_not_change_the_bits(tmp_path: Path) -> None:
    made = products(tmp_path / "made")
    before = bits_of(made)
    os.utime(made / "tool", (1, 1))
    (made / "tool").chmod(0o700)
    made.rename(tmp_path / "elsewhere")
    assert bits_of(tmp_path / "elsewhere") == before


@pytest.mark.parametrize(
    "change",
    [
        lambda made: (made / "tool").chmod(0o644),
        lambda made: (made / "tool").write_bytes(b"#!/bin/sj\n"),
        lambda made: (made / "empty").rmdir(),
        lambda made: (made / "lib/libx.so").unlink(),
        lambda made: (made / "tool").rename(made / "tools"),
    ],
)
def test_all_that_a_consumer_reads_changes_the_bits(change: Callable[[Path], object], tmp_path: Path) -> None:
    made = products(tmp_path / "made")
    before = bits_of(made)
    change(made)
    assert bits_of(made) != before


@pytest.mark.parametrize(
    ("evil", "words"),
    [
        ([member("/etc/cron.d/x")], "would lie outside"),
        ([member("../x")], "would lie outside"),
        ([member("a/../../x")], "would lie outside"),
        ([member("a", tarfile.SYMTYPE, "/etc")], "points outside"),
        ([member("a", tarfile.SYMTYPE, "..")], "points outside"),
        ([member("a/b", tarfile.SYMTYPE, "../../x")], "points outside"),
        ([member("a/b/c", tarfile.SYMTYPE, "../.."), member("z", tarfile.SYMTYPE, "a/b/c/../x")], "outside"),
        ([member("a", tarfile.SYMTYPE, "b"), member("a/x")], "would lie outside"),
        ([member("a", tarfile.LNKTYPE, "/etc/passwd")], "neither file, folder nor link"),
        ([member("a", tarfile.CHRTYPE)], "neither file, folder nor link"),
        ([member("a", tarfile.FIFOTYPE)], "neither file, folder nor link"),
        ([member("a"), member("a")], "is in it twice"),
        ([member("a"), member("a/b")], "is in it twice"),
        ([member("a", tarfile.SYMTYPE, "b"), member("a")], "is in it twice"),
    ],
)  # fmt: skip
def test_a_hostile_archive_is_refused(evil: list[tarfile.TarInfo], words: str, tmp_path: Path) -> None:
    with pytest.raises(BadArchiveError, match=words):
        unpacked(tar_of(*evil, content=b"evil"), tmp_path)
    assert names(tmp_path) == ["inside"]
    assert names(tmp_path / "inside") == ["products"]


def test_a_sparse_file_that_claims_a_terabyte_is_refused(tmp_path: Path) -> None:
    info = member("a")
    info.pax_headers = {"GNU.sparse.size": str(1 << 40), "GNU.sparse.map": "0,0", "GNU.sparse.numblocks": "1"}
    with pytest.raises(BadArchiveError):
        unpacked(tar_of(info), tmp_path)


def test_what_is_no_tar_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArchiveError):
        unpacked(b"not a tar at all" * 100, tmp_path)


def refused(data: bytes, wanted: Bits, tmp_path: Path) -> str:
    folder = tmp_path / "inside" / "products"
    folder.mkdir(parents=True)
    with pytest.raises(BadArchiveError) as caught:
        unpack([data], folder, wanted)
    assert names(folder) == []
    assert names(folder.parent) == ["products"]
    return caught.value.message


def test_other_bits_are_refused_before_anything_is_unpacked(tmp_path: Path) -> None:
    tar, other = tar_of(member("a"), content=b"good"), tar_of(member("a"), content=b"evil")
    assert "its SHA-256 is" in refused(lzma.compress(other), vouched(tar), tmp_path)


def test_a_bomb_is_given_up_at_the_size_that_the_lock_says(tmp_path: Path) -> None:
    bomb = lzma.compress(bytes(40 << 20))
    assert len(bomb) < 100_000
    assert refused(bomb, Bits("0" * 64, 20480), tmp_path) == "it is larger than it should be"


def test_a_stream_that_wants_gigabytes_of_memory_is_refused(tmp_path: Path) -> None:
    assert refused(_patched_dictionary(), Bits("0" * 64, 20480), tmp_path).startswith("it cannot be expanded")


def _patched_dictionary() -> bytes:
    """A small xz stream whose header claims a dictionary of 3 GiB (property byte 39), its CRC corrected."""
    stream = bytearray(lzma.compress(b"x" * 100))
    header = stream[12 : 12 + (stream[12] + 1) * 4]
    assert header[2:4] == b"\x21\x01"
    header[4] = 39
    header[-4:] = zlib.crc32(header[:-4]).to_bytes(4, "little")
    stream[12 : 12 + len(header)] = header
    return bytes(stream)


@pytest.mark.parametrize("cut", [0, 1, 40, -1])
def test_a_torn_archive_is_refused(cut: int, tmp_path: Path) -> None:
    tar = tar_of(member("a"), content=b"good")
    assert refused(lzma.compress(tar)[:cut], vouched(tar), tmp_path) == "it is torn"


def test_bytes_after_the_end_are_refused(tmp_path: Path) -> None:
    tar = tar_of(member("a"), content=b"good")
    assert "larger" in refused(lzma.compress(tar) + b"more", vouched(tar), tmp_path)


@pytest.mark.parametrize("to", ["/usr/lib", "../outside", "a/../../b"])
def test_a_product_that_links_out_is_not_packed(to: str, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made/link").symlink_to(to)
    with pytest.raises(TeeforgeError, match="points outside of the products"):
        bits_of(tmp_path / "made")


def test_a_pipe_is_not_packed(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    os.mkfifo(tmp_path / "made/pipe")
    with pytest.raises(TeeforgeError, match="neither file, folder nor link"):
        bits_of(tmp_path / "made")
