"""A machine's RAM: a file in memory that no folder has, and its copy on a disk, holes as holes."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import new_private_file

_NAME = "teeforge-ram"


@dataclass(frozen=True)
class Copied:
    """What a copy of RAM came to, in bytes: as the machine sees it, what is no hole of it, on the disk."""

    size: int
    data: int
    disk: int


@contextlib.contextmanager
def new_ram(mib: int) -> Iterator[int]:
    """Give the descriptor of a new, empty RAM, to be handed to a QEMU while the block runs.

    It is gone with the last process that has it, whoever is killed; nothing is on a disk or in /dev/shm.
    Raises TeeforgeError when the system gives none.
    """
    try:
        descriptor = os.memfd_create(_NAME, os.MFD_CLOEXEC)
        try:
            os.ftruncate(descriptor, mib << 20)
        except OSError:
            os.close(descriptor)
            raise
    except OSError as error:
        raise TeeforgeError(
            f"the system gives the machine no memory of {mib} MiB: {error.strerror}",
            "look at `ulimit -f`, or lower `memory` of the target in config.yaml",
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def copy_ram(pid: int, target: Path) -> Copied:
    """Copy the RAM of the QEMU that is ``pid`` to a new file, which nobody else may read.

    Raises TeeforgeError when there is none, OSError when it cannot be written.
    """
    data = 0
    with _open_ram(pid) as source, new_private_file(target) as copy:
        size = os.fstat(source).st_size
        os.ftruncate(copy.fileno(), size)
        for start, end in _extents(source, size):
            data += end - start
            copy.seek(start)
            while start < end:
                start += os.sendfile(copy.fileno(), source, start, end - start)
        return Copied(size, data, os.fstat(copy.fileno()).st_blocks * 512)


def _extents(source: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield where something has been written to, from byte to byte."""
    end = 0
    while end < size:
        try:
            start = os.lseek(source, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        end = os.lseek(source, start, os.SEEK_HOLE)
        yield start, end


@contextlib.contextmanager
def _open_ram(pid: int) -> Iterator[int]:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if str(link.readlink()).startswith(f"/memfd:{_NAME} "):
                source = os.open(link, os.O_RDONLY | os.O_CLOEXEC)
                break
    else:
        raise TeeforgeError("QEMU has no RAM that can be read")
    try:
        yield source
    finally:
        os.close(source)
