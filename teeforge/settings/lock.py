"""debian.lock: the exact Debian packages of each Debian source, by version and SHA-256, without any host."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.settings import schema
from teeforge.settings.config import Config, DebianSource

LOCK_NAME = "debian.lock"


@dataclass(frozen=True)
class LockedPackage:
    """One .deb: ``path`` is its pool path inside the archive, ``size`` is in bytes."""

    name: str
    version: str
    path: str
    size: int
    sha256: str

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise ValueError(f"sha256: `{self.sha256}` is not 64 hexadecimal digits")
        if not self.path.startswith("pool/") or ".." in self.path:
            raise ValueError(f"path: `{self.path}` should begin with pool/")


@dataclass(frozen=True)
class DebianLock:
    """All of debian.lock; ``snapshot`` is the moment (as snapshot archives name it) of locking."""

    snapshot: str
    packages: dict[str, tuple[LockedPackage, ...]]

    def digest(self, source: str) -> str:
        """Return what identifies the packages of ``source``: a SHA-256 in hex."""
        lines = sorted(f"{package.name} {package.sha256}" for package in self.packages[source])
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def load_lock(root: Path, config: Config) -> DebianLock:
    """Read ``root``/debian.lock and check that it locks what config.yaml asks for."""
    path = root / LOCK_NAME
    lock = schema.load(path, DebianLock)
    for name, source in config.sources.items():
        if isinstance(source, DebianSource):
            locked = {package.name for package in lock.packages.get(name, ())}
            missing = [package for package in source.packages if package not in locked]
            extra = sorted(locked - set(source.packages))
            if missing or extra:
                what = f"does not lock {', '.join(missing)}" if missing else f"also locks {extra[0]}"
                raise TeeforgeError(
                    f"{path} {what}, but config.yaml's sources.{name}.packages says otherwise",
                    "`invoke lock` writes it anew",
                )
    return lock
