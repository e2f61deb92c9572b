"""What a signed module may: the part of its manifest that people write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from teeforge.settings.config import parse_size

# What of WASI a program may import, beside its streams, memory and its own end: bits by the word for them.
WASI_GROUPS = {"arguments": 1, "clocks": 2, "random": 4, "files": 8, "sockets": 16}
# What of the folders that --dir lends.
FOLDERS = {"none": 0, "read": 1, "write": 2}
# Bytes of a name, see wasm_signed.h.
NAME_MOST = 63
_HEAP_MOST = 1 << 30  # WASM_TA_HEAP_MAX


@dataclass(frozen=True)
class Terms:
    """Name and version of a program, and what it may have; without a ``name`` it is the file's.

    ``heap`` is the largest pool, ``storage`` what there may be in /secure (0: it has none), both as sizes
    such as 2MiB. Name and signer are whose storage it is: a ``version`` older than the one that stored is
    refused.
    """

    name: str = ""
    version: int = 1
    heap: str = "1GiB"
    wasi: tuple[str, ...] = tuple(WASI_GROUPS)
    folders: Literal["none", "read", "write"] = "write"
    storage: str = "16MiB"

    def __post_init__(self) -> None:
        if self.name and safe_name(self.name) != self.name:
            raise ValueError(
                f"name: is `{self.name}`, should be up to {NAME_MOST} bytes without control characters"
            )
        if not 0 <= self.version < 1 << 32:
            raise ValueError(f"version: is {self.version}, should be 0 to {(1 << 32) - 1}")
        for group in self.wasi:
            if group not in WASI_GROUPS:
                raise ValueError(f"wasi: `{group}` is unknown, should be some of {', '.join(WASI_GROUPS)}")
        if not self.heap_bytes <= _HEAP_MOST:
            raise ValueError(f"heap: is {self.heap}, should be at most 1GiB")
        if self.storage_bytes >= 1 << 63:
            raise ValueError(f"storage: is {self.storage}, which is too much")

    @property
    def heap_bytes(self) -> int:
        """The largest pool in bytes."""
        return parse_size(self.heap, "heap")

    @property
    def storage_bytes(self) -> int:
        """What there may be in /secure, in bytes."""
        return parse_size(self.storage, "storage")


# What a program may of which nothing is said.
UNSAID = Terms()


def safe_name(name: str) -> str:
    """Return a name that a manifest can have: control characters replaced, cut off where it is too long."""
    plain = "".join("?" if ord(letter) < 0x20 or ord(letter) == 0x7F else letter for letter in name)
    return plain.encode("utf-8", "replace")[:NAME_MOST].decode("utf-8", "ignore")
