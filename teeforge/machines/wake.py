"""Waking a prepared machine: what makes it one of its own, in a line that overlays/rootfs/wake.c reads.

A machine boots to where nothing of it is secret, or different from machine to machine. There it sleeps, there
a snapshot can be made, and there each one goes on the same way, booted or resumed.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import short_path
from teeforge.machines.identity import Identity

# For the kernel and for the secure world, 32 bytes each.
_SEED_BYTES = 64


def wake_line(name: str, identity: Identity) -> bytes:
    """Return what wakes the machine ``name``; it is for one of them and not to be used again.

    Both worlds of a resumed machine have the randomness of all the others of the snapshot, until the seed
    makes it their own. The clock, too, is that of the snapshot.
    """
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    words = (
        *("wake", f"{seconds}.{nanoseconds:09}", os.urandom(_SEED_BYTES).hex(), name),
        *(identity.dropbear_host_key.hex(), identity.authorized_key, "end"),
    )
    # The first line end is that of what a killed process may have begun to write.
    return f"\n{' '.join(words)}\n".encode()


@contextlib.contextmanager
def woken(folder: Path, name: str, identity: Identity) -> Iterator[None]:
    """Wake the machine whose sockets are in ``folder``, which must be running.

    The console is held until the block ends: QEMU drops what it has not read yet of one that hangs up.
    """
    with socket.socket(socket.AF_UNIX) as console, short_path(folder, "normal.sock") as path:
        console.settimeout(5)
        try:
            console.connect(path)
            console.sendall(wake_line(name, identity))
        except OSError as error:
            raise TeeforgeError(f"the machine's console does not take a line: {error}") from error
        yield
