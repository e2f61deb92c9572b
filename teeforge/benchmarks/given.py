"""What benchmarks check of what they are given."""

from __future__ import annotations

import os
from pathlib import Path

from teeforge.base.errors import TeeforgeError


def check_repeat(repeat: int, example: int) -> None:
    """Raise TeeforgeError, with an ``example``, unless something is to be measured at least once."""
    if repeat < 1:
        raise TeeforgeError(f"--repeat {repeat}: it takes at least one", f"for example --repeat {example}")


def check_before(wamrc: Path | None) -> None:
    """Raise TeeforgeError if another wamrc is named that cannot be run."""
    if wamrc and not os.access(wamrc, os.X_OK):
        raise TeeforgeError(f"--before {wamrc}: that is no program", "name a wamrc that was built elsewhere")
