"""products.lock: what the products under a content key are, to the bit; what a remote store is held to.

A content key is a digest of the *inputs*. Whoever can write to a remote store could put anything under a
key, so a key is no reason to believe what is found there. But a component's products are the same bits on
every host, so they have a digest of their own, and it comes with the checkout, reviewed like the code beside
it. A remote store then needs no trust at all: it is asked for a digest, by name, and gives those bits or is
refused. Without a line here nothing is taken from anywhere. Signatures on the archives would need keys to
hand out and to withdraw, and would only move the trust from the checkout's history to whoever holds one.

One line for each entry, `component architecture key sha256 size`, sorted: git merges the lines of two people.
The pinned toolchain, and with it the key, is another one on each of the hosts' architectures; what it makes
for the target is mostly the same. `invoke lock.products` writes the lines that it can tell. Hosts with
compilers of their own have other keys, hence lines of their own, which `invoke store.push` adds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from teeforge.base.archive import Bits
from teeforge.base.errors import RESTORE, TeeforgeError, unreadable
from teeforge.base.files import write_atomically
from teeforge.settings.host import host_architecture

NAME = "products.lock"
_HEAD = (
    "# component, the host's architecture, content key, SHA-256 and size of its products as a tar.\n"
    "# `invoke lock.products` writes it: what is built is compared with it, and what a remote store has is\n"
    "# taken only if it hashes to what stands here.\n"
)
_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Product:
    """What a line says: the bits that a component has under a content key, on hosts of an architecture."""

    component: str
    architecture: str
    key: str
    bits: Bits

    def line(self) -> str:
        """Return the line of products.lock."""
        return f"{self.component} {self.architecture} {self.key} {self.bits.sha256} {self.bits.size}\n"


class ProductLock:
    """The lines of one checkout's products.lock."""

    def __init__(self, root: Path) -> None:
        self._path = root / NAME
        self._lines = self._read()

    @property
    def products(self) -> Iterable[Product]:
        """What all the lines say."""
        return self._lines.values()

    def bits(self, component: str, key: str) -> Bits | None:
        """Return what the products of ``component`` under ``key`` are, or None if no line says it."""
        found = self._lines.get((component, host_architecture(), key))
        return found.bits if found else None

    def add(self, component: str, key: str, bits: Bits) -> None:
        """Add a line, to those that others added meanwhile."""
        self.replace([*self._read().values(), Product(component, host_architecture(), key, bits)])

    def replace(self, products: Iterable[Product]) -> None:
        """Let ``products`` be all that is said; the file is written whole or not at all."""
        lines = sorted({product.line() for product in products})
        write_atomically(self._path, (_HEAD + "".join(lines)).encode())
        self._lines = self._read()

    def _read(self) -> dict[tuple[str, str, str], Product]:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise unreadable(self._path, error, RESTORE) from error
        found: dict[tuple[str, str, str], Product] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if line.startswith("#") or not line.strip():
                continue
            try:
                component, architecture, key, sha256, size = line.split()
                product = Product(component, architecture, key, Bits(sha256, int(size)))
                known = found.setdefault((component, architecture, key), product)
                if not _KEY.fullmatch(key) or known != product:
                    raise ValueError
            except ValueError as error:
                raise TeeforgeError(
                    f"{self._path}:{number}: should be component, architecture, key, SHA-256 and size, once "
                    "for each key",
                    "restore it with git, or settle the merge",
                ) from error
        return found
