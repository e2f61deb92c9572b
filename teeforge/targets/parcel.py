"""Files on their way to a target: what they are to be there, their bytes, and who may bring them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from teeforge.base.errors import TeeforgeError, unreadable

_CHUNK = 1 << 18

# How many bytes a file has to have on a target to be worth a look, None for any, by path.
Sizes = Mapping[str, int | None]
# SHA-256 and mode of each file that is there, by path.
State = Mapping[str, tuple[str, int]]


@dataclass(frozen=True)
class Upload:
    """A local file, its absolute path on the target, and its permission bits there."""

    local: Path
    remote: str
    mode: int = 0o644


@dataclass(frozen=True)
class Parcel:
    """An upload, and how many bytes of which SHA-256 it had when it was packed."""

    upload: Upload
    size: int
    sha256: str

    def chunks(self) -> Iterator[bytes]:
        """Give the file's bytes, at most ``size`` of them. Raises TeeforgeError if it cannot be read."""
        left = self.size
        try:
            with self.upload.local.open("rb") as file:
                while chunk := file.read(min(_CHUNK, left)):
                    left -= len(chunk)
                    yield chunk
        except OSError as error:
            raise _unreadable(self.upload, error) from error


class Courier(Protocol):
    """What brings files to one target."""

    def look(self, sizes: Sizes) -> State:
        """Return SHA-256 and mode of those that are files there; one of another size may be left out."""
        ...

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Bring files there, all or none.

        Each goes to a temporary name in its own folder and is verified; when all are there, they are
        renamed. Raises RefusedError when the target cannot take one, TeeforgeError when it is lost.
        """
        ...


class RefusedError(Exception):
    """What a target could not do with a file; none was replaced.

    ``what`` is `folder` (there is none), `write`, `bytes` (they are others than they should be) or
    `replace`. ``why`` is what the target says.
    """

    def __init__(self, what: str, parcel: Parcel, why: str) -> None:
        super().__init__(what, parcel, why)
        self.what = what
        self.parcel = parcel
        self.why = why


def size_of(upload: Upload) -> int:
    """Return how many bytes there are to send. Raises TeeforgeError if the file cannot be read."""
    try:
        return upload.local.stat().st_size
    except OSError as error:
        raise _unreadable(upload, error) from error


def pack(upload: Upload) -> Parcel:
    """Read a file for the first time. Raises TeeforgeError if it cannot be read."""
    try:
        with upload.local.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return Parcel(upload, file.tell(), digest)
    except OSError as error:
        raise _unreadable(upload, error) from error


def _unreadable(upload: Upload, error: OSError) -> TeeforgeError:
    return unreadable(upload.local, error)
