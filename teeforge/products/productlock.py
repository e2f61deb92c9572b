"""products.lock: what the products under a content key are, to the bit; what a remote store is held to.

A content key is a digest of the *inputs*. Whoever can write to a remote store could put anything under a
key, so a key is no reason to believe what is found there. But a component's products are the same bits on
every host, so they have a digest of their own, and it comes with the checkout, reviewed like the code beside
it. A remote store then needs no trust at all: it is asked for a digest, by name, and gives those bits or is
refused. Without a line here nothing is taken from anywhere. Signatures on the archives would need keys to
hand out and to withdraw, and would only move the trust from the checkout's history to whoever holds one.

One line for each entry, `component key sha256 size`, sorted: git merges the lines of two people. Hosts with
other compilers have other keys, hence lines of their own; `invoke store.push` adds lines and removes none.
"""

from __future__ import annotations

import re
from pathlib import Path

from teeforge.base.archive import Bits
from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically

NAME = "products.lock"
_HEAD = (
    "# component, content key, SHA-256 and size of its products as a tar. `invoke store.push` adds lines;\n"
    "# products that a remote store has are taken only if they hash to what stands here.\n"
)
_KEY = re.compile(r"[0-9a-f]{64}")


class ProductLock:
    """The lines of one checkout's products.lock."""

    def __init__(self, root: Path) -> None:
        self._path = root / NAME
        self._bits = self._read()

    def bits(self, component: str, key: str) -> Bits | None:
        """Return what the products of ``component`` under ``key`` are, or None if no line says it."""
        return self._bits.get((component, key))

    def add(self, component: str, key: str, bits: Bits) -> None:
        """Add a line, to those that others added meanwhile; the file is written whole or not at all."""
        self._bits = {**self._read(), (component, key): bits}
        lines = [
            f"{name} {under} {one.sha256} {one.size}\n" for (name, under), one in sorted(self._bits.items())
        ]
        write_atomically(self._path, (_HEAD + "".join(lines)).encode())

    def _read(self) -> dict[tuple[str, str], Bits]:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise TeeforgeError(f"{self._path} cannot be read: {error}", "restore it with git") from error
        found: dict[tuple[str, str], Bits] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if line.startswith("#") or not line.strip():
                continue
            try:
                component, key, sha256, size = line.split()
                bits = Bits(sha256, int(size))
                if not _KEY.fullmatch(key) or found.setdefault((component, key), bits) != bits:
                    raise ValueError
            except ValueError as error:
                raise TeeforgeError(
                    f"{self._path}:{number}: should be component, key, SHA-256 and size, once for each key",
                    "restore it with git, or settle the merge",
                ) from error
        return found
