"""The courier of targets that have our program `receive`, as the machines in QEMU do.

It runs as long as the connection is open, and hashes what comes while the SSH server decrypts what comes
next. What is said to it is in overlays/rootfs/receive.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from teeforge.base.errors import TeeforgeError
from teeforge.targets.parcel import Parcel, RefusedError, Sizes, State

COMMAND = "exec /usr/sbin/receive"
_GREETING = "receive 1"
# Its answers must fit into what may be under way while it is still being asked.
_LOOKS = 500


class Pipe(Protocol):
    """Both ends of a program that runs on a target."""

    def write(self, data: bytes) -> bool:
        """Send bytes to its stdin; say whether it still reads."""
        ...

    def line(self) -> str:
        """Return its next line without the newline, nothing at its end."""
        ...

    def close(self) -> None:
        """End it."""
        ...

    def lost(self) -> TeeforgeError:
        """Return what to say if it ended and should not have."""
        ...


class Receiver:
    """A `receive` that runs on a target. After an error it is of no more use."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._greeting: str | None = None

    def greets(self) -> bool:
        """Say whether the target has one, and one that speaks as we do."""
        if self._greeting is None:
            self._greeting = self._pipe.line()
        return self._greeting == _GREETING

    def look(self, sizes: Sizes) -> State:
        """Return SHA-256 and mode of those that are files there, and not of another size."""
        self._expect_greeting()
        state: dict[str, tuple[str, int]] = {}
        paths = list(sizes)
        for first in range(0, len(paths), _LOOKS):
            some = paths[first : first + _LOOKS]
            asked = [f"look {-1 if sizes[path] is None else sizes[path]} {path}\n" for path in some]
            self._pipe.write("".join(asked).encode())
            for path in some:
                answer = self._pipe.line()
                if found := re.fullmatch("([0-9a-f]{64}) ([0-7]+)", answer):
                    state[path] = (found[1], int(found[2], 8))
                elif answer != "-":
                    raise self._broken(answer)
        return state

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Bring files there, all or none; see Courier."""
        self._expect_greeting()
        for data in _stream(parcels):
            if not self._pipe.write(data):
                break
        answer = self._pipe.line()
        found = re.fullmatch(r"failed (folder|write|bytes|replace) (\d+): (.*)", answer)
        if found and int(found[2]) < len(parcels):
            raise RefusedError(found[1], parcels[int(found[2])], found[3])
        if answer != "done":
            raise self._broken(answer)

    def close(self) -> None:
        """End it; what it has not put in place is removed."""
        self._pipe.close()

    def _expect_greeting(self) -> None:
        if not self.greets():
            raise self._broken(self._greeting or "")

    def _broken(self, answer: str) -> TeeforgeError:
        if not answer:
            return self._pipe.lost()
        return TeeforgeError(
            f"`receive` on the target said `{answer[:200]}`", "`invoke boot` restarts a machine"
        )


def _stream(parcels: Sequence[Parcel]) -> Iterator[bytes]:
    """Give all that a `receive` is told to take some files."""
    for parcel in parcels:
        upload = parcel.upload
        yield f"put {upload.mode:o} {parcel.size} {parcel.sha256} {upload.remote}\n".encode()
        left = parcel.size
        for chunk in parcel.chunks():
            left -= len(chunk)
            yield chunk
        if left:
            raise RefusedError("bytes", parcel, "it became shorter")
    yield b"commit\n"
