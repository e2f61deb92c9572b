"""Locks between invocations: held through an open file, so that a killed process leaves none."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from teeforge.base.errors import TeeforgeError


@contextlib.contextmanager
def exclusive_lock(
    path: Path, *, wait: float = 120.0, on_wait: Callable[[], None] | None = None
) -> Iterator[int]:
    """Hold the lock file ``path`` while the block runs, and give its descriptor.

    ``on_wait`` is called once when another process holds it. Raises TeeforgeError after ``wait``
    seconds.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + wait
        told = False
        while not try_lock(descriptor):
            if not told and on_wait:
                on_wait()
            told = True
            if time.monotonic() > deadline:
                raise TeeforgeError(
                    f"another teeforge has held {path} for {wait:.0f} s",
                    f"wait for it, or find it with `fuser -v {path}`",
                )
            time.sleep(0.05)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def held_lock(path: Path) -> Iterator[bool]:
    """Hold the lock file ``path`` while the block runs if it is free now; give whether it was."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield try_lock(descriptor)
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Take the exclusive lock of an open file if it is free, and say whether we have it.

    Raises TeeforgeError where its filesystem has no locks.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        raise TeeforgeError(
            f"{path} cannot be locked: {error.strerror} (a network filesystem without locks?)",
            "set `build_dir:` and `store:` in config.yaml to folders on a disk of this host",
        ) from error
    return True
