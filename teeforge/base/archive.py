"""Products as one archive: the same products give the same tar, whoever packs them, and it travels in xz.

What identifies an archive is its ``Bits``: SHA-256 and size of the tar inside. Names, links, contents,
empty folders and executable bits are all in there; owners, times and the rest of the modes are no products.
unpack() looks at nothing that does not hash to the bits that were asked for, and expands no more than their
size.
"""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import os
import posixpath
import stat
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from teeforge.base.errors import TeeforgeError

_CHUNK = 1 << 20
# Of xz's presets the one that gives a third of gzip's size here; it unpacks faster than the lower ones.
_PRESET = 6
# An xz stream may ask for gigabytes before it gives a byte; preset 6 takes 9 MiB.
_MEMORY = 128 << 20
# More than anything packed by us is larger in xz than without.
_OVERHEAD = 1 << 20
_KINDS = (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE)


@dataclass(frozen=True)
class Bits:
    """What a tar is, to the bit: ``sha256`` in hex, ``size`` in bytes."""

    sha256: str
    size: int

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef") or self.size <= 0:
            raise ValueError(f"`{self.sha256} {self.size}` is no SHA-256 with a size")


class BadArchiveError(TeeforgeError):
    """An archive that is not what it should be; nothing of it was kept."""


class _Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


class _Hasher:
    """Takes what is written and keeps its hash and length."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes, /) -> None:
        self._hash.update(data)
        self._size += len(data)

    @property
    def bits(self) -> Bits:
        return Bits(self._hash.hexdigest(), self._size)


def bits_of(folder: Path) -> Bits:
    """Return the bits that packing ``folder`` would give."""
    hasher = _Hasher()
    _write_tar(folder, hasher)
    return hasher.bits


def pack(folder: Path, archive: Path) -> None:
    """Write the files of ``folder`` to ``archive``. Raises TeeforgeError for a device or a socket."""
    with lzma.open(archive, "wb", preset=_PRESET) as out:
        _write_tar(folder, out)


def unpack(chunks: Iterable[bytes], folder: Path, wanted: Bits) -> None:
    """Unpack an archive that comes in ``chunks`` into the empty ``folder``.

    Raises BadArchiveError if it is not ``wanted``, before anything of it is believed, and if it holds
    what could reach out of the folder; what was unpacked by then is the caller's to remove.
    """
    # Beside the folder, where there is room for it; it has no name, so a kill leaves nothing.
    with tempfile.TemporaryFile(dir=folder.parent) as tar:
        _expand(chunks, tar, wanted)
        tar.seek(0)
        try:
            with tarfile.open(fileobj=tar, mode="r:") as members:
                _extract(members, folder)
        except (tarfile.TarError, ValueError, EOFError) as error:
            raise BadArchiveError(f"it is no tar: {error}") from error
        except (FileExistsError, NotADirectoryError) as error:
            raise BadArchiveError(f"`{error.filename}` is in it twice") from error


def _write_tar(folder: Path, out: _Sink) -> None:
    size = 0
    for name, path in _walk(folder):
        info = tarfile.TarInfo(name)
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, str(path.readlink())
            if not _points_inside(name, info.linkname):
                raise TeeforgeError(
                    f"{path} points outside of the products", "it would mean nothing elsewhere"
                )
        elif stat.S_ISDIR(mode):
            info.type, info.mode = tarfile.DIRTYPE, 0o755
        elif stat.S_ISREG(mode):
            info.mode, info.size = 0o755 if mode & stat.S_IXUSR else 0o644, path.lstat().st_size
        else:
            raise TeeforgeError(f"{path} is neither file, folder nor link", "a product may hold no others")
        header = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
        out.write(header)
        size += len(header) + _copy(path, info.size, out)
    # The end: two empty blocks, and as many more as fill tar's traditional record.
    end = 2 * tarfile.BLOCKSIZE
    out.write(bytes(end + -(size + end) % tarfile.RECORDSIZE))


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield what is in a folder by name and path, sorted; folders themselves only if they are empty."""
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        if path.is_symlink() or not path.is_dir() or not any(path.iterdir()):
            yield path.relative_to(folder).as_posix(), path


def _copy(path: Path, size: int, out: _Sink) -> int:
    """Write a file's content, padded to whole blocks; return how much that was."""
    if size == 0:
        return 0
    left = size
    with path.open("rb") as data:
        while left and (chunk := data.read(min(_CHUNK, left))):
            out.write(chunk)
            left -= len(chunk)
    if left:
        raise TeeforgeError(f"{path} changed while it was read", "run it again")
    padding = -size % tarfile.BLOCKSIZE
    out.write(bytes(padding))
    return size + padding


def _expand(chunks: Iterable[bytes], tar: BinaryIO, wanted: Bits) -> None:
    """Write the tar that is in ``chunks``; stop at the first byte too many."""
    hasher = _Hasher()
    expander = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
    taken = made = 0
    try:
        for chunk in chunks:
            taken += len(chunk)
            if expander.eof or taken > wanted.size + _OVERHEAD:
                raise BadArchiveError("it is larger than it should be")
            data = expander.decompress(chunk, _CHUNK)
            while data or not expander.needs_input:
                made += len(data)
                if made > wanted.size:
                    raise BadArchiveError("it is larger than it should be")
                hasher.write(data)
                tar.write(data)
                if expander.eof:
                    break
                data = expander.decompress(b"", _CHUNK)
        if not expander.eof or expander.unused_data:
            raise BadArchiveError("it is torn" if not expander.eof else "it is larger than it should be")
    except lzma.LZMAError as error:
        raise BadArchiveError(f"it cannot be expanded: {error}") from error
    if hasher.bits != wanted:
        raise BadArchiveError(f"its SHA-256 is {hasher.bits.sha256}, should be {wanted.sha256}")


def _extract(members: tarfile.TarFile, folder: Path) -> None:
    """Make the files, folders and links of a tar inside ``folder``, and only there."""
    links: set[str] = set()
    for member in members:
        name = member.name
        if member.type not in _KINDS or member.sparse is not None:
            raise BadArchiveError(f"`{name}` is neither file, folder nor link")
        if not _inside(name) or any(parent in links for parent in _parents(name)):
            raise BadArchiveError(f"`{name}` would lie outside")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if member.type == tarfile.DIRTYPE:
            target.mkdir()
        elif member.type == tarfile.SYMTYPE:
            if not _points_inside(name, member.linkname):
                raise BadArchiveError(f"the link `{name}` points outside, to `{member.linkname}`")
            links.add(name)
            target.symlink_to(member.linkname)
        else:
            _write_file(members, member, target)


def _write_file(members: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    data = members.extractfile(member)
    assert data is not None
    mode = 0o755 if member.mode & stat.S_IXUSR else 0o644
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with contextlib.closing(data), os.fdopen(os.open(target, flags, mode), "wb") as out:
        while chunk := data.read(_CHUNK):
            out.write(chunk)


def _inside(name: str) -> bool:
    parts = name.split("/")
    return not name.startswith("/") and not {"", ".", ".."} & set(parts) and "\0" not in name


def _parents(name: str) -> Iterator[str]:
    while name := posixpath.dirname(name):
        yield name


def _points_inside(name: str, to: str) -> bool:
    """Say whether a link stays inside. `..` may only lead it: behind another link it means another place."""
    if not to or to.startswith("/") or posixpath.normpath(to) != to.rstrip("/"):
        return False
    return not posixpath.normpath(posixpath.join(posixpath.dirname(name), to)).startswith("..")
