"""A cursor over bytes from outside: each read is checked against the end of what it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from teeforge.base.errors import TeeforgeError

_T = TypeVar("_T")


def printable(text: str) -> str:
    """Return a name out of a file so that it cannot steer a terminal or break its line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Reader:
    """Reads ``data`` from ``at`` up to ``end``; all numbers are little endian.

    ``name`` is what errors call the file, ``hint`` what they tell the user to do, and ``what`` in
    the methods is what they call the thing that is read.
    """

    def __init__(self, data: bytes, at: int, end: int, name: str, hint: str = "") -> None:
        self.data = data
        self.at = at
        self.end = end
        self.name = name
        self.hint = hint

    def part(self, size: int, what: str) -> Reader:
        """Return a reader of the next ``size`` bytes and step over them."""
        begin = self.at
        self.take(size, what)
        return Reader(self.data, begin, self.at, self.name, self.hint)

    def fail(self, what: str, at: int | None = None) -> TeeforgeError:
        """Return the error for what is wrong at byte ``at``, by default the next one."""
        return TeeforgeError(f"{self.name}: byte {self.at if at is None else at}: {what}", self.hint)

    def take(self, count: int, what: str) -> bytes:
        """Read ``count`` bytes."""
        if count > self.end - self.at:
            left = max(self.end - self.at, 0)
            raise self.fail(f"{what} needs {count} bytes, but only {left} are left")
        self.at += count
        return self.data[self.at - count : self.at]

    def fixed(self, size: int, what: str) -> int:
        """Read an unsigned number of ``size`` bytes."""
        return int.from_bytes(self.take(size, what), "little")

    def aligned(self, size: int, what: str) -> int:
        """Read an unsigned number from the next offset that its size divides, or 4 does."""
        self.at += -self.at % min(size, 4)
        return self.fixed(size, what)

    def byte(self, what: str) -> int:
        """Read one byte."""
        return self.take(1, what)[0]

    def leb(self, what: str, bits: int = 32) -> int:
        """Read an unsigned LEB128 number of at most ``bits`` bits, even if needlessly long."""
        begin, value = self.at, 0
        for shift in range(0, bits, 7):
            piece = self.byte(what)
            value |= (piece & 0x7F) << shift
            if not piece & 0x80:
                if value >> bits:
                    break
                return value
        raise self.fail(f"{what} is not a number of {bits} bits", begin)

    def skip_leb(self, what: str, bits: int) -> None:
        """Step over a LEB128 number, signed or not."""
        begin = self.at
        for _ in range(0, bits, 7):
            if not self.byte(what) & 0x80:
                return
        raise self.fail(f"{what} is not a number of {bits} bits", begin)

    def utf8(self, size: int, what: str) -> str:
        """Read ``size`` bytes of text."""
        raw = self.take(size, what)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise self.fail(f"{what} is not UTF-8", self.at - size) from None

    def repeat(self, count: int, what: str, element: Callable[[], _T]) -> list[_T]:
        """Read ``count`` things of a byte or more, so that a huge count is refused at once."""
        if count > self.end - self.at:
            raise self.fail(f"{count} {what} do not fit into the {self.end - self.at} bytes that are left")
        return [element() for _ in range(count)]
