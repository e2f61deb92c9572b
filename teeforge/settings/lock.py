"""debian.lock: the exact Debian packages of each Debian source, by version and SHA-256, without any host."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.settings import schema
from teeforge.settings.config import Config, DebianSource
from teeforge.settings.host import ARCHITECTURES, host_architecture

LOCK_NAME = "debian.lock"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class LockedPackage:
    """One .deb: ``path`` is its pool path inside the archive, ``size`` is in bytes."""

    name: str
    version: str
    path: str
    size: int
    sha256: str

    @classmethod
    def read(cls, line: str) -> LockedPackage:
        """Return the package of one line of debian.lock; ValueError says what is wrong with it."""
        try:
            name, version, path, size, sha256 = line.split()
            package = cls(name, version, path, int(size), sha256)
        except ValueError as error:
            raise ValueError(f"`{line}` should be name, version, path, size and SHA-256") from error
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"`{sha256}` is not 64 hexadecimal digits")
        if not path.startswith("pool/") or ".." in path:
            raise ValueError(f"`{path}` should begin with pool/")
        return package

    def line(self) -> str:
        """Return the package as debian.lock holds it."""
        return f"{self.name} {self.version} {self.path} {self.size} {self.sha256}"


@dataclass(frozen=True)
class DebianLock:
    """All of debian.lock: a text of lines for each section, read when it is wanted.

    ``snapshot`` is the moment (as snapshot archives name it) of locking.
    """

    snapshot: str
    packages: dict[str, str]

    def of(self, section: str) -> list[LockedPackage]:
        """Return the packages of a section."""
        try:
            return [LockedPackage.read(line) for line in self.packages[section].splitlines()]
        except ValueError as error:
            raise TeeforgeError(
                f"{LOCK_NAME}: packages.{section}: {error}", "restore it with git, or run `invoke lock`"
            ) from error

    def digest(self, section: str) -> str:
        """Return what identifies the packages of a section: a SHA-256 in hex."""
        lines = sorted(f"{package.name} {package.sha256}" for package in self.of(section))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def section_of(name: str, source: DebianSource, architecture: str = "") -> str:
    """Return the section of debian.lock that holds what a host (none named: this one) takes of a source."""
    return f"{name}/{architecture or host_architecture()}" if source.architecture == "host" else name


def sections(name: str, source: DebianSource) -> Iterable[tuple[str, str]]:
    """Yield each section of a source and the architecture that it is for."""
    if source.architecture == "host":
        yield from ((f"{name}/{architecture}", architecture) for architecture in ARCHITECTURES.values())
    else:
        yield name, source.architecture


def load_lock(root: Path, config: Config) -> DebianLock:
    """Read ``root``/debian.lock and check that it locks what config.yaml asks for."""
    path = root / LOCK_NAME
    lock = schema.load(path, DebianLock)
    for name, source in config.sources.items():
        if isinstance(source, DebianSource):
            for section, architecture in sections(name, source):
                _check(path, lock.packages.get(section, ""), name, source, architecture)
    return lock


def _check(path: Path, text: str, name: str, source: DebianSource, architecture: str) -> None:
    """Raise TeeforgeError if a section is not of the packages that config.yaml names."""
    locked = {line.partition(" ")[0] for line in text.splitlines()}
    wanted = source.packages_for(architecture)
    missing = [package for package in wanted if package not in locked]
    extra = locked & set(source.without) if source.depends else locked - set(wanted)
    if missing or extra:
        what = f"does not lock {', '.join(missing)}" if missing else f"also locks {min(extra)}"
        raise TeeforgeError(
            f"{path} {what}, but config.yaml's sources.{name} says otherwise",
            "`invoke lock` writes it anew",
        )
