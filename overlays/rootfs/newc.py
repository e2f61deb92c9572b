"""Writing a cpio archive of the kernel's newc format, the same bytes for the same content."""

from __future__ import annotations

from dataclasses import dataclass

# Field order and the 110-byte header: Documentation/driver-api/early-userspace/buffer-format.rst.
_MAGIC = "070701"
_FOLDER, _FILE, _LINK, _CHARACTER_DEVICE = 0o040000, 0o100000, 0o120000, 0o020000


@dataclass(frozen=True)
class Entry:
    """One member: its type and permission bits, its bytes (a link's are its target), its device."""

    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def folder(mode: int = 0o755) -> Entry:
    """Return a folder."""
    return Entry(_FOLDER | mode)


def file(data: bytes, mode: int = 0o644) -> Entry:
    """Return a regular file."""
    return Entry(_FILE | mode, data)


def link(target: str) -> Entry:
    """Return a symbolic link."""
    return Entry(_LINK | 0o777, target.encode())


def character_device(major: int, minor: int, mode: int) -> Entry:
    """Return a character device node."""
    return Entry(_CHARACTER_DEVICE | mode, b"", (major, minor))


def archive(entries: dict[str, Entry], mtime: int) -> bytes:
    """Return the archive of ``entries`` (path without leading slash -> entry).

    Folders that are implied are added; members are sorted, owned by root, and dated ``mtime``.
    """
    every = dict(entries)
    for path in entries:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            every.setdefault("/".join(parts[:depth]), folder())
    parts_of_archive = [
        _member(number, path, every[path], mtime)
        for number, path in enumerate(sorted(every, key=lambda path: path.split("/")), start=1)
    ]
    parts_of_archive.append(_member(0, "TRAILER!!!", Entry(0), 0))
    whole = b"".join(parts_of_archive)
    return _padded(whole, 512)


def _member(number: int, path: str, entry: Entry, mtime: int) -> bytes:
    name = path.encode() + b"\0"
    links = 2 if entry.mode & 0o170000 == _FOLDER else 1
    major, minor = entry.device
    fields = (
        number, entry.mode, 0, 0, links, mtime, len(entry.data), 0, 0, major, minor, len(name), 0,
    )  # fmt: skip
    header = (_MAGIC + "".join(f"{field:08X}" for field in fields)).encode()
    return _padded(header + name, 4) + _padded(entry.data, 4)


def _padded(data: bytes, unit: int) -> bytes:
    return data + bytes(-len(data) % unit)
