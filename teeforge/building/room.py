"""Room to build in: enough of it, where programs may run, and given back."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from teeforge.base.errors import TeeforgeError

# MiB that have to be free before a component is made; what is made in place is a toolchain.
_ROOM, _ROOM_IN_PLACE = 500, 1500


def require_room(folder: Path, *, in_place: bool) -> None:
    """Refuse to begin what a nearly full disk would only break off, or could not run where it will lie."""
    free = shutil.disk_usage(folder).free
    usual = _ROOM_IN_PLACE if in_place else _ROOM
    needed = int(os.environ.get("TEEFORGE_MIN_FREE_MIB", usual)) << 20
    if free < needed:
        raise TeeforgeError(
            f"the disk of {folder} is full: {free >> 20} MiB free, {needed >> 20} MiB needed",
            "make room (`invoke clean` removes work trees), or set `build_dir:` and `store:` in config.yaml",
        )
    if in_place and os.statvfs(folder).f_flag & os.ST_NOEXEC:
        raise TeeforgeError(
            f"{folder} lies on a filesystem that is mounted noexec, and compilers could not run from there",
            "set `store:` in config.yaml to a folder on another one",
        )


@contextlib.contextmanager
def removed(folder: Path) -> Iterator[None]:
    """Remove a folder when the block ends, however it does: what is in it is large, and of no use later."""
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
