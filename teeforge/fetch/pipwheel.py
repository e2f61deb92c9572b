"""pip itself, for a Python without ensurepip: the wheel in a Debian package that debian.lock pins.

This and what it imports needs nothing but Python itself: `inv` uses it before anything is installed.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import re
import tarfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from teeforge.base.errors import TeeforgeError, UnreachableError
from teeforge.base.progress import say
from teeforge.fetch.debian import host_archives, proxies
from teeforge.fetch.waiting import Waiting, asked, by_proxy, plainly

_SECONDS = 30.0  # to connect, and without a byte
_AR, _AR_HEADER = b"!<arch>\n", 60


def fetch_pip(root: Path, folder: Path) -> Path:
    """Put the wheel of pip that debian.lock pins into ``folder``; return its path.

    Raises UnreachableError if no archive of Debian serves it.
    """
    say("this Python has no pip of its own (no ensurepip): taking Debian's")
    lock = (root / "debian.lock").read_text(encoding="utf-8")
    path, size, sha256 = _locked(lock)
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
            problems.append(f"{url}: serves other bytes ({len(data)}, should be {size})")
        say(problems[-1])
    raise UnreachableError(
        "pip, which this Python lacks, cannot be had from any archive of Debian",
        "check the network and https_proxy, set `debian.mirror:` in config.yaml, "
        "or use a Python with ensurepip (Debian: python3-venv)",
    )


def _locked(lock: str) -> tuple[str, int, str]:
    """Return pool path, size and SHA-256 of what stands under `pip:` in debian.lock, in the form we write."""
    block = re.search(r"^  pip:\n((?:    .*\n)+)", lock, re.MULTILINE)
    found = re.search(r"path: (\S+)\n +size: (\d+)\n +sha256: ([0-9a-f]{64})\n", block[1] if block else "")
    if found is None:
        raise TeeforgeError("debian.lock does not lock `pip`", "restore it with git")
    return found[1], int(found[2]), found[3]


def _archives(root: Path, lock: str) -> Iterator[str]:
    """Yield the archives to ask, as Debian packages are asked for later: mirror, host's, snapshot."""
    config = Path(os.environ.get("TEEFORGE_CONFIG") or root / "config.yaml").read_text(encoding="utf-8")
    if mirror := _setting(config, "mirror"):
        yield mirror
    yield from host_archives()
    moment = re.search(r"^snapshot: (\S+)", lock, re.MULTILINE)
    if moment and (snapshot := _setting(config, "snapshot")):
        yield f"{snapshot}/{moment[1]}"


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
    """Write the wheel that is in a Debian package, see deb(5), into ``folder``."""
    at = len(_AR)
    while deb.startswith(_AR) and at + _AR_HEADER <= len(deb):
        name, size = deb[at : at + 16].decode("ascii").strip(), int(deb[at + 48 : at + 58])
        at += _AR_HEADER
        if name.rstrip("/") == "data.tar.xz":
            data = lzma.decompress(deb[at : at + size])
            with tarfile.open(fileobj=io.BytesIO(data)) as members:
                for member in members:
                    if re.fullmatch(r"\./usr/share/python-wheels/(pip-[\w.+-]+\.whl)", member.name):
                        content = members.extractfile(member)
                        assert content is not None
                        wheel = folder / Path(member.name).name
                        wheel.write_bytes(content.read())
                        return wheel
        at += size + size % 2
    raise TeeforgeError("the Debian package that debian.lock names as `pip` has no pip in it")
