"""Where everything lies: the checkout, and the folder that builds happen in."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from teeforge.base.errors import OTHER_BUILD_DIR, TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.settings.config import SAFE_PATH, Config


@dataclass(frozen=True)
class Workspace:
    """The checkout (``root``) and the folder of all that is made (``build``), both absolute.

    ``build`` never has a space or a character outside ASCII in its path, whatever ``root`` has.
    """

    root: Path
    build: Path

    @property
    def sources(self) -> Path:
        """Bare git repositories and Debian packages, as fetched."""
        return self.build / "sources"

    @property
    def work(self) -> Path:
        """A work tree and an output folder for each component; may be deleted at any time."""
        return self.build / "work"

    @property
    def store(self) -> Path:
        """Products by content key."""
        return self.build / "store"

    @property
    def cache(self) -> Path:
        """Small things that save time: tree hashes, tool versions, AOT files."""
        return self.build / "cache"

    @property
    def logs(self) -> Path:
        """What each component's steps printed, last time they ran."""
        return self.build / "logs"

    @property
    def runs(self) -> Path:
        """The record of each run, numbered."""
        return self.build / "runs"

    @property
    def targets(self) -> Path:
        """State of the machines that we started."""
        return self.build / "targets"

    @property
    def snapshots(self) -> Path:
        """Snapshots of machines, by target; may be deleted at any time."""
        return self.build / "snapshots"

    @property
    def identity(self) -> Path:
        """This environment's SSH key pair and host key."""
        return self.build / "identity"

    @property
    def shared(self) -> Path:
        """What all checkouts of this user share."""
        return _shared_cache()

    def python(self) -> Path:
        """Return a wrapper of the running Python whose path has no space, for recipes' steps."""
        wrapper = self.build / "bin" / "python3"
        quoted = sys.executable.replace("'", "'\\''")
        text = f"#!/bin/sh\nexec '{quoted}' \"$@\"\n"
        if not wrapper.is_file() or wrapper.read_text(encoding="utf-8") != text:
            write_atomically(wrapper, text.encode())
            wrapper.chmod(0o755)
        return wrapper


def open_workspace(root: Path, config: Config) -> Workspace:
    """Return the workspace of ``root``, its build folder made."""
    root = root.resolve()
    wanted = build_folder(root, config)
    # A symbolic link left by an earlier run is followed, so that the answer stays the same.
    build = wanted.resolve() if wanted.is_symlink() else wanted
    if not SAFE_PATH.fullmatch(str(build)):
        build = _safe_elsewhere(root)
    try:
        build.mkdir(parents=True, exist_ok=True)
        if build != wanted and not wanted.exists():
            with suppress(FileNotFoundError):
                wanted.unlink()  # a dangling link
            wanted.symlink_to(build)
    except OSError as error:
        raise TeeforgeError(
            f"{error.filename}: {error.strerror}",
            OTHER_BUILD_DIR,
        ) from error
    return Workspace(root, build)


def build_folder(root: Path, config: Config) -> Path:
    """Return where the build folder of ``root`` is to lie, or a link to it.

    TEEFORGE_OUT is taken for the checkout there: a container has a volume for what it makes.
    """
    out = root / os.environ.get("TEEFORGE_OUT", "")
    return (out / Path(config.build_dir).expanduser()).absolute()


def _safe_elsewhere(root: Path) -> Path:
    """Return a build folder for a checkout whose own path make cannot take."""
    return _shared_cache() / hashlib.sha256(os.fsencode(root)).hexdigest()[:16]


def _shared_cache() -> Path:
    """Return a folder of this user's whose path make can take."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if SAFE_PATH.fullmatch(str(cache)) and cache.is_absolute():
        return cache / "teeforge"
    shared = Path(f"/var/tmp/teeforge-{os.getuid()}")
    shared.mkdir(mode=0o700, exist_ok=True)
    if shared.is_symlink() or shared.stat().st_uid != os.getuid():
        raise TeeforgeError(f"{shared} belongs to somebody else", "set `build_dir:` in config.yaml")
    return shared
