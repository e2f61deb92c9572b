"""`invoke store`: how large and old the store's entries are, and removing those of no more use."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from teeforge.products.store import Store, Stored

_DAY = 86400.0
# What a killed run left half-written is removed after this many seconds.
_ABANDONED = 3600.0


@dataclass(frozen=True)
class Shelf:
    """An entry with its size in bytes, the days since it was last used, and whether it is needed now."""

    entry: Stored
    size: int
    days: float
    current: bool


def shelves(store: Store, current: Iterable[Stored]) -> list[Shelf]:
    """Return every entry of the store, most recently used first."""
    kept = {entry.folder for entry in current}
    found = [
        Shelf(entry, _size(entry.folder), (time.time() - store.last_used(entry)) / _DAY, entry.folder in kept)
        for entry in store.entries()
    ]
    return sorted(found, key=lambda shelf: shelf.days)


def prune(
    store: Store, current: Iterable[Stored], keep_days: float | None, max_size: int | None
) -> list[Shelf]:
    """Remove entries unused for ``keep_days``, then the oldest until ``max_size`` bytes are left.

    What the checkout needs now stays. Returns what was removed.
    """
    found = shelves(store, current)
    total = sum(shelf.size for shelf in found)
    gone: list[Shelf] = []
    for shelf in reversed(found):
        too_old = keep_days is not None and shelf.days > keep_days
        too_much = max_size is not None and total > max_size
        if not shelf.current and (too_old or too_much) and store.remove(shelf.entry):
            total -= shelf.size
            gone.append(shelf)
    for half in (path for folder in store.folders for path in folder.glob("*/.*")):
        with contextlib.suppress(FileNotFoundError):  # its process ended just now
            if time.time() - half.stat().st_mtime > _ABANDONED:
                shutil.rmtree(half, ignore_errors=True)
    return gone


def _size(folder: Path) -> int:
    total = 0
    with contextlib.suppress(FileNotFoundError):  # another process removes it just now
        for path in folder.rglob("*"):
            total += 0 if path.is_dir() else path.lstat().st_size
    return total
