"""The streams of a run on this side: what ours are to the program, and what it reads and writes."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from teeforge.ssh.remote import Source


class Ahead:
    """A file, and then what the program reads."""

    def __init__(self, first: IO[bytes], then: Source | None) -> None:
        self._first = first
        self._then = then

    def read(self, most: int) -> bytes:
        """Return the next bytes, without waiting for more than there are."""
        if data := self._first.read(most):
            return data
        if self._then is None:
            return b""
        read: Callable[[int], bytes] = getattr(self._then, "read1", self._then.read)
        return read(most)


def standard_input() -> IO[bytes] | None:
    """Return our stdin for a program to read, without a buffer that would be waited for, or held at exit."""
    return getattr(sys.stdin.buffer, "raw", sys.stdin.buffer) if sys.stdin else None


def standard_streams(reads: bool = True) -> str:
    """Return what our streams are, as the host app's --stdio has it; stdin as /dev/null if it is not read."""
    return ",".join(_kind_of(number) if number or reads else "d" for number in range(3))


def _kind_of(descriptor: int) -> str:
    """Return t for a terminal, d for another device, f:SIZE for a file, p for a pipe or whatever else."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return "d"
    if stat.S_ISREG(status.st_mode):
        return f"f:{status.st_size}"
    if stat.S_ISCHR(status.st_mode):
        return "t" if os.isatty(descriptor) else "d"
    return "p"


def writer(stream: BinaryIO) -> Callable[[bytes], None]:
    """Return a sink that writes to a stream at once."""

    def write(data: bytes) -> None:
        stream.write(data)
        stream.flush()

    return write
