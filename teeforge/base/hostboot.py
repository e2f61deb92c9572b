"""Whether the host was started anew meanwhile: what was written just before may never have reached its disk.

A power cut leaves files of the right name and size with nothing in them. Waiting for the disk at every save
would cost more than to look again, once, after each start of the host.
"""

from __future__ import annotations

import functools
from pathlib import Path

from teeforge.base.files import write_atomically

# See random(4).
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@functools.cache
def host_boot() -> str:
    """Return what Linux calls this start of the host, nothing where it does not say."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def is_of_this_boot(stamp: Path) -> bool:
    """Say whether ``stamp`` was put there since the host was started."""
    try:
        return stamp.read_text(encoding="ascii") == host_boot()
    except (OSError, ValueError):
        return False


def put_stamp(stamp: Path) -> None:
    """Say of what lies beside ``stamp`` that all of it was made since the host was started."""
    write_atomically(stamp, host_boot().encode())
