"""pip itself, for a Python without ensurepip: the wheel in a Debian package that debian.lock pins.

This and what it imports needs nothing but Python itself: `inv` uses it before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from teeforge.base.errors import RESTORE, TeeforgeError, UnreachableError
from teeforge.base.progress import say
from teeforge.fetch.archives import archive_bases, proxies
from teeforge.fetch.deb import unpack_debs
from teeforge.fetch.waiting import Waiting, asked, by_proxy, plainly

_SECONDS = 30.0  # to connect, and without a byte


def fetch_pip(root: Path, folder: Path) -> Path:
    """Put the wheel of pip that debian.lock pins into ``folder``; return its path.

    Raises UnreachableError if no archive of Debian serves it.
    """
    say("this Python has no pip of its own (no ensurepip): taking Debian's")
    lock = (root / "debian.lock").read_text(encoding="utf-8")
    path, sha256 = _locked(lock)
    problems = []
    for base in _archives(root, lock):
        url = f"{base}/{path}"
        try:
            data = _download(url)
        except OSError as error:
            problems.append(f"{url}{by_proxy(url, proxies())}: {plainly(str(error))}")
        else:
            if hashlib.sha256(data).hexdigest() == sha256:
                return _unpack(data, folder)
            problems.append(f"{url}: serves other bytes than debian.lock says ({len(data)} of them)")
        say(problems[-1])
    raise UnreachableError(
        "pip, which this Python lacks, cannot be had from any archive of Debian",
        "check the network and https_proxy, set `debian.mirror:` in config.yaml, "
        "or use a Python with ensurepip (Debian: python3-venv)",
    )


def _locked(lock: str) -> tuple[str, str]:
    """Return pool path and SHA-256 of what stands under `pip:` in debian.lock (settings/lock.py)."""
    found = re.search(r"^  pip: \|\n    \S+ \S+ (\S+) \d+ ([0-9a-f]{64})$", lock, re.MULTILINE)
    if found is None:
        raise TeeforgeError("debian.lock does not lock `pip`", RESTORE)
    return found[1], found[2]


def _archives(root: Path, lock: str) -> Iterator[str]:
    """Yield the archives to ask, as Debian packages are asked for later."""
    config = Path(os.environ.get("TEEFORGE_CONFIG") or root / "config.yaml").read_text(encoding="utf-8")
    moment = re.search(r"^snapshot: (\S+)", lock, re.MULTILINE)
    snapshot = _setting(config, "snapshot") if moment else ""
    yield from archive_bases(_setting(config, "mirror"), snapshot, moment[1] if moment else "")


def _setting(config: str, key: str) -> str:
    """Return what config.yaml has under `debian:` for ``key``; YAML has no reader in the standard library."""
    block = re.search(r"^debian:[^\n]*\n((?:[ #][^\n]*\n|\n)*)", config, re.MULTILINE)
    found = re.search(rf"^ +{key}: *([^\s#]\S*)", block[1] if block else "", re.MULTILINE)
    value = found[1].strip("'\"").rstrip("/") if found else ""
    return "" if value in ("null", "~") else value


def _download(url: str) -> bytes:
    """Return the bytes at ``url``, by the environment's proxies, else by apt's. Raises OSError."""
    handlers = [urllib.request.ProxyHandler(known)] if (known := proxies()) else []
    opener = urllib.request.build_opener(*handlers)
    with Waiting(asked(url, proxies())) as waiting, opener.open(url, timeout=_SECONDS) as answer:
        pieces = []
        while piece := answer.read(1 << 16):
            waiting.heard()
            pieces.append(piece)
    return b"".join(pieces)


def _unpack(deb: bytes, folder: Path) -> Path:
    """Unpack a Debian package into ``folder``; return the wheel of pip that is in it."""
    package = folder / "pip.deb"
    package.write_bytes(deb)
    unpack_debs([package], folder)
    wheels = sorted(folder.glob("usr/share/python-wheels/pip-*.whl"))
    if not wheels:
        raise TeeforgeError("the Debian package that debian.lock names as `pip` has no pip in it")
    return wheels[0]
