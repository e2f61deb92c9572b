"""Files: written whole or not at all, their modes, and paths short enough for a socket."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write ``path`` beside itself and rename it into place: all of it or nothing of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        fresh.rename(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def write_if_other(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write ``path`` as write_atomically() does, unless it has these very bytes."""
    if not path.is_file() or path.read_bytes() != data:
        write_atomically(path, data, mode)


def new_private_file(path: Path) -> BinaryIO:
    """Open a file to be written that was not there, and that nobody else may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def plain_mode(path: Path) -> None:
    """Give a file or folder the mode that git would: 0644 or 0755; a link has none."""
    mode = path.lstat().st_mode
    wanted = 0o755 if stat.S_ISDIR(mode) or mode & stat.S_IXUSR else 0o644
    if not stat.S_ISLNK(mode) and stat.S_IMODE(mode) != wanted:
        path.chmod(wanted)


def plain_modes(folder: Path) -> None:
    """Give a folder and all that is in it plain modes."""
    plain_mode(folder)
    for where, folders, files in os.walk(folder):
        for name in (*folders, *files):
            plain_mode(Path(where, name))


def shared_mode(mode: int) -> int:
    """Return ``mode`` as the user's umask leaves it, but readable by all: for what several users share."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        told = next((line for line in status if line.startswith("Umask:")), "Umask: 022")
    return mode & ~(int(told.split()[1], 8) & 0o022)


def make_shared(folder: Path) -> None:
    """Make ``folder`` and what it lies in, readable by all; what is there already stays as it is."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        with contextlib.suppress(PermissionError):  # somebody else was quicker
            path.chmod(shared_mode(0o777))


@contextlib.contextmanager
def short_path(folder: Path, name: str) -> Iterator[str]:
    """Give a path of ``folder/name`` that fits in a socket address, however deep the folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)
