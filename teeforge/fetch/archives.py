"""Where Debian's packages may be had: a mirror of the user's, the host's own apt, the snapshot archive.

Needs nothing but Python: it is read before anything is installed.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator

from teeforge.base.errors import TeeforgeError
from teeforge.base.process import run


def archive_bases(mirror: str | None, snapshot: str | None, moment: str) -> Iterator[str]:
    """Yield the addresses to try: the user's mirror, the host's, and the snapshot archive of a moment."""
    if mirror:
        yield mirror.rstrip("/")
    yield from host_archives()
    if snapshot:
        yield f"{snapshot.rstrip('/')}/{moment}"


@functools.cache
def host_archives() -> tuple[str, ...]:
    """Return the addresses of Debian's main archive that the host's apt is set up with."""
    found = dict.fromkeys(_told_by_lists() or _told_by_sources())
    return tuple(address for address in found if address.startswith(("http:", "https:")))


def _told_by_lists() -> list[str]:
    """Return the archives whose lists apt has: those say whether they are Debian's."""
    told = _ask("apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)")
    rows = [line.split("|", 2) for line in told.splitlines()]
    return [row[2].rstrip("/") for row in rows if row[:2] == ["Debian", "Debian"]]


def _told_by_sources() -> list[str]:
    """Return the archives that apt would ask: a fresh machine or container has no lists yet."""
    told = _ask("apt-get", "indextargets", "--no-release-info", "--format", "$(REPO_URI)")
    addresses = (line.rstrip("/") for line in told.splitlines())
    return [address for address in addresses if address.endswith("/debian")]


def _ask(*argv: str) -> str:
    try:
        return run(argv)
    except TeeforgeError:
        return ""  # no apt here, or none set up: then the snapshot has it


@functools.cache
def proxies() -> dict[str, str] | None:
    """Return apt's proxies where the environment names none."""
    if any(os.environ.get(name) for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy")):
        return None
    found: dict[str, str] = {}
    for scheme in ("http", "https"):
        try:
            told = run(["apt-config", "shell", "PROXY", f"Acquire::{scheme}::Proxy"])
        except TeeforgeError:
            return None
        value = told.strip().removeprefix("PROXY=").strip("'\"")
        if value and value != "DIRECT":
            found[scheme] = value
    return found or None
