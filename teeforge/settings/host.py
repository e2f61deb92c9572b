"""What this host is: its architecture by Debian's name, its network."""

from __future__ import annotations

import os
from pathlib import Path

from teeforge.base.errors import TeeforgeError

# The hosts that teeforge runs on: what `uname -m` says, and Debian's name for it.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def host_architecture() -> str:
    """Return Debian's name for this host's architecture. Raises TeeforgeError if it is none of ours."""
    machine = os.uname().machine
    if machine not in ARCHITECTURES:
        raise TeeforgeError(
            f"this host is a {machine}: teeforge runs on {' and '.join(ARCHITECTURES)} with Linux",
            "use such a machine, or a container on one",
        )
    return ARCHITECTURES[machine]


def own_network() -> str:
    """Return what tells our network from others: a container may have its own, with its own 127.0.0.1."""
    return str(Path("/proc/self/ns/net").readlink())
