"""Machines that disappear: when they are halted, or when whoever needed them has gone.

A marker in the machine's folder says so. Whoever is in charge of the machine holds a lock on it; a machine
that was handed to the user has nobody in charge, and is there for as long as it runs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.locking import try_lock

_MARKER = "ephemeral"
_HANDED_OVER = b"handed over\n"


class Claim:
    """A new folder for a machine, of which the holder is in charge until it is closed."""

    def __init__(self, folder: Path) -> None:
        """Make ``folder``; raises TeeforgeError when there is a machine of that name."""
        self.folder = folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Made elsewhere and renamed: one that is there without its marker would be there for ever.
        part = folder.parent / f".part.{os.urandom(4).hex()}"
        part.mkdir(mode=0o700)
        self._marker = os.open(part / _MARKER, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            try_lock(self._marker)
            part.rename(folder)
        except OSError as error:
            os.close(self._marker)
            shutil.rmtree(part, ignore_errors=True)
            raise TeeforgeError(
                f"there is a machine {folder.name} already, and it would disappear", "choose another --name"
            ) from error

    def hand_over(self) -> None:
        """Leave the machine to the user, until it is halted."""
        os.write(self._marker, _HANDED_OVER)

    def close(self) -> None:
        """Be in charge no longer."""
        os.close(self._marker)


def is_ephemeral(folder: Path) -> bool:
    """Say whether the machine in ``folder`` is to disappear."""
    return (folder / _MARKER).is_file()


@contextlib.contextmanager
def _uncontested(folder: Path) -> Iterator[bool | None]:
    """Give whether the machine was handed over, or None where somebody is in charge; hold it meanwhile."""
    try:
        marker = os.open(folder / _MARKER, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        yield os.pread(marker, 64, 0) == _HANDED_OVER if try_lock(marker) else None
    finally:
        os.close(marker)


def sweep(targets: Path, runs: Callable[[str], bool], halt: Callable[[str], object]) -> None:
    """Remove machines below ``targets`` that nobody needs: no longer running, or left by a killed process."""
    for marker in targets.glob(f"*/{_MARKER}"):
        folder = marker.parent
        with _uncontested(folder) as handed_over:
            if handed_over is None or (handed_over and runs(folder.name)):
                continue
            # A folder that was about to get its name has no machine yet.
            if not folder.name.startswith("."):
                halt(folder.name)
            shutil.rmtree(folder, ignore_errors=True)
