"""`invoke lock`: find the packages that config.yaml asks for in Debian's signed index, write debian.lock."""

from __future__ import annotations

import hashlib
import lzma
import re
import tempfile
import time
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.base.process import run
from teeforge.fetch.debian import archive_bases, download
from teeforge.settings.config import Config, DebianSource
from teeforge.settings.lock import LOCK_NAME

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_HEAD = """\
# Debian packages by version, size and SHA-256. Written by `invoke lock`; not to be edited by hand.
# Any mirror of Debian may serve them: what arrives must have this hash.
"""


def relock(root: Path, config: Config) -> list[str]:
    """Write debian.lock for the Debian sources of ``config``; return a line for each package.

    The index is trusted by the signature of Debian's archive key, the packages by their hashes in it.
    """
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    lines = [_HEAD, f"snapshot: {now}\n", "packages:\n"]
    said: list[str] = []
    for name, source in config.sources.items():
        if not isinstance(source, DebianSource):
            continue
        index = _index(config, source, now)
        lines.append(f"  {name}:\n")
        for package in source.packages:
            if package not in index:
                raise TeeforgeError(
                    f"config.yaml: sources.{name}.packages: Debian {source.suite} has no {package} "
                    f"for {source.architecture}",
                    "correct the name (kernel packages have their ABI number in it)",
                )
            field = index[package]
            lines += [
                f"    - name: {package}\n",
                f"      version: '{field['Version']}'\n",
                f"      path: {field['Filename']}\n",
                f"      size: {field['Size']}\n",
                f"      sha256: {field['SHA256']}\n",
            ]
            said.append(f"{name}: {package} {field['Version']}")
    write_atomically(root / LOCK_NAME, "".join(lines).encode())
    return said


def _index(config: Config, source: DebianSource, snapshot: str) -> dict[str, dict[str, str]]:
    """Return the Packages index of ``source``'s suite: package name -> fields."""
    from debian.deb822 import Packages

    problems: list[str] = []
    for base in archive_bases(config.debian, snapshot):
        try:
            release = _signed_text(download(f"{base}/dists/{source.suite}/InRelease"))
            inside = f"main/binary-{source.architecture}/Packages.xz"
            wanted = re.search(rf"^ ([0-9a-f]{{64}}) +\d+ {re.escape(inside)}$", release, re.MULTILINE)
            if not wanted:
                raise TeeforgeError(f"{base}: {source.suite} has no {inside}")
            packed = download(f"{base}/dists/{source.suite}/{inside}")
            if hashlib.sha256(packed).hexdigest() != wanted[1]:
                raise TeeforgeError(f"{base}: {inside} is not what the signed Release file names")
        except TeeforgeError as error:
            problems.append(error.message)
            continue
        text = lzma.decompress(packed).decode()
        return {
            str(entry["Package"]): {key: str(value) for key, value in entry.items()}
            for entry in Packages.iter_paragraphs(text.splitlines(), use_apt_pkg=False)
            if entry["Package"] in source.packages
        }
    raise TeeforgeError(
        "no Debian archive gave its index:\n" + "\n".join(f"    {problem}" for problem in problems),
        "set `debian.mirror:` in config.yaml",
    )


def _signed_text(data: bytes) -> str:
    """Return what Debian's archive key has signed in an InRelease file; TeeforgeError if it did not."""
    if not _KEYRING.is_file():
        raise TeeforgeError(f"{_KEYRING} is missing", "apt install debian-archive-keyring gpgv")
    with tempfile.NamedTemporaryFile() as signed:
        signed.write(data)
        signed.flush()
        return run(
            ["gpgv", "--quiet", "--keyring", _KEYRING, "--output", "-", signed.name],
            hint="the mirror does not serve what Debian signed: use another `debian.mirror:`",
        )
