"""The host's tools and packages: which versions, asked once per binary."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.base.process import clean_environment, run

_DPKG_STATUS = Path("/var/lib/dpkg/status")
_SHOWN = "${db:Status-Status} ${Version}\n"


class Tools:
    """Versions of host programs and packages, remembered in a JSON file by path, size and mtime."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        self._changed = False
        try:
            loaded = json.loads(cache.read_text(encoding="utf-8"))
            self._known = {str(key): str(value) for key, value in loaded.items()}
        except (OSError, ValueError, AttributeError):
            pass  # a missing or torn cache is an empty one

    def version(self, name: str, package: str = "") -> str:
        """Return the first line of ``name --version``; TeeforgeError if it is not installed."""
        found = shutil.which(name, path=clean_environment()["PATH"])
        if found is None:
            raise TeeforgeError(
                f"{name} is not installed",
                f"apt install {package}" if package else "`invoke doctor` names its package",
            )
        real = Path(found).resolve()
        stat = real.stat()
        key = f"{real}|{stat.st_size}|{stat.st_mtime_ns}"
        with self._lock:
            if key not in self._known:
                self._known[key] = _ask(real)
                self._changed = True
            return self._known[key]

    def package(self, name: str) -> str:
        """Return the version of an installed Debian package; libraries have no --version."""
        try:
            stat = _DPKG_STATUS.stat()
        except OSError:
            return "no dpkg"
        key = f"package {name}|{stat.st_size}|{stat.st_mtime_ns}"
        with self._lock:
            if key not in self._known:
                self._known[key] = _installed(name)
                self._changed = True
            return self._known[key]

    def save(self) -> None:
        """Keep what was learnt for the next run."""
        with self._lock:
            if self._changed:
                write_atomically(self._cache, json.dumps(self._known, indent=1).encode())
                self._changed = False


def _installed(package: str) -> str:
    try:
        status, version = run(["dpkg-query", "--show", f"--showformat={_SHOWN}", package]).split()
    except (TeeforgeError, ValueError):
        return "not installed"
    return version if status == "installed" else "not installed"


def _ask(program: Path) -> str:
    try:
        lines = run([program, "--version"]).strip().splitlines()
    except TeeforgeError:
        lines = []
    # A program without --version is known by its bytes.
    return lines[0] if lines else "sha256 " + hashlib.sha256(program.read_bytes()).hexdigest()
