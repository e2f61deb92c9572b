"""`invoke lock`: find the packages that config.yaml asks for in Debian's signed index, write debian.lock."""

from __future__ import annotations

import functools
import hashlib
import lzma
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.base.process import run
from teeforge.fetch.archives import archive_bases
from teeforge.fetch.debian import download
from teeforge.settings.config import Config, DebianSource
from teeforge.settings.lock import LOCK_NAME, LockedPackage, sections

if TYPE_CHECKING:
    from teeforge.fetch.closure import Suite

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_HEAD = """\
# Debian packages: name, version, path in the archive, size, SHA-256. Written by `invoke lock`, not by hand.
# Any mirror of Debian may serve them: what arrives must have this hash.
"""


def relock(root: Path, config: Config) -> list[str]:
    """Write debian.lock for the Debian sources of ``config``; return a line for each package.

    The index is trusted by the signature of Debian's archive key, the packages by their hashes in it.
    """
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    suite_of = functools.cache(lambda name, architecture: _suite(config, name, architecture, now))
    lines = [_HEAD, f"snapshot: {now}\n", "packages:\n"]
    said: list[str] = []
    for name, source in config.sources.items():
        if not isinstance(source, DebianSource):
            continue
        for section, architecture in sections(name, source):
            lines.append(f"  {section}: |\n")
            for package in _chosen(name, source, architecture, suite_of):
                lines.append(f"    {package.line()}\n")
                said.append(f"{section}: {package.name} {package.version}")
    write_atomically(root / LOCK_NAME, "".join(lines).encode())
    return said


def _chosen(
    name: str, source: DebianSource, architecture: str, suite_of: Callable[[str, str], Suite]
) -> Iterator[LockedPackage]:
    """Yield the packages of a source as the suites have them."""
    from teeforge.fetch.closure import closure

    wanted = source.packages_for(architecture)
    suites = {suite: suite_of(suite, architecture) for suite in {source.suite, *wanted.values()}}
    for package, suite in wanted.items():
        if package not in suites[suite].packages:
            raise TeeforgeError(
                f"config.yaml: sources.{name}.packages: Debian {suite} has no {package} for {architecture}",
                "correct the name (kernel packages have their ABI number in it)",
            )
    chosen = closure(suites, wanted, source.without, source.suite) if source.depends else wanted
    for package, suite in chosen.items():
        entry = suites[suite].packages[package]
        yield LockedPackage(package, entry["Version"], entry["Filename"], int(entry["Size"]), entry["SHA256"])


def _suite(config: Config, suite: str, architecture: str, snapshot: str) -> Suite:
    """Return a suite as Debian's archives have it now."""
    from debian.deb822 import Packages

    from teeforge.fetch.closure import Suite

    problems: list[str] = []
    for base in archive_bases(config.debian.mirror, config.debian.snapshot, snapshot):
        try:
            release = _signed_text(download(f"{base}/dists/{suite}/InRelease"))
            inside = f"main/binary-{architecture}/Packages.xz"
            wanted = re.search(rf"^ ([0-9a-f]{{64}}) +\d+ {re.escape(inside)}$", release, re.MULTILINE)
            if not wanted:
                raise TeeforgeError(f"{base}: {suite} has no {inside}")
            packed = download(f"{base}/dists/{suite}/{inside}")
            if hashlib.sha256(packed).hexdigest() != wanted[1]:
                raise TeeforgeError(f"{base}: {inside} is not what the signed Release file names")
        except TeeforgeError as error:
            problems.append(error.message)
            continue
        text = lzma.decompress(packed).decode()
        entries = Packages.iter_paragraphs(text.splitlines(), use_apt_pkg=False)
        return Suite(suite, {str(entry["Package"]): entry for entry in entries})
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
