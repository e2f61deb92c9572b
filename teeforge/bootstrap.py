"""Makes .venv: what `inv` runs on its first use, by a bare Python of the host.

Nothing is asked of that Python but the standard library; this and all that it imports keep to it.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from teeforge.base.errors import UnreachableError
from teeforge.base.files import write_atomically
from teeforge.base.guard import guard
from teeforge.base.progress import say
from teeforge.fetch.pip import pip_install
from teeforge.fetch.pipwheel import fetch_pip


def make_environment(root: Path, folder: Path) -> None:
    """Bring ``folder``, the .venv of the checkout ``root``, to what its requirements.txt locks.

    Raises UnreachableError, with a whole one left as it was, when something cannot be had.
    """
    locked = root / "requirements.txt"
    installed, python = folder / "requirements.installed", folder / "bin" / "python"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.parent):
        before = installed.read_bytes() if installed.is_file() and _runs(python, "import pip") else b""
        if before == locked.read_bytes():
            return  # another inv was quicker
        say(f"{'updating .venv to' if before else 'making .venv from'} {locked.name}")
        # Without this file it is not whole, and made anew.
        installed.unlink(missing_ok=True)
        try:
            if not before:
                _create(folder, python, root)
            pip_install([python, "-I", "-m", "pip"], locked)
        except UnreachableError:
            if before:
                write_atomically(installed, before)
            raise
        write_atomically(installed, locked.read_bytes())


def _create(folder: Path, python: Path, root: Path) -> None:
    """Make a virtual environment with pip, by the wheel that Python comes with or by Debian's."""
    venv.EnvBuilder(clear=True, symlinks=True).create(folder)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        wheel = _own_wheel() or fetch_pip(root, Path(scratch))
        # Unpacking a wheel of nothing but Python is to install it; having pip do it takes three seconds more.
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        with zipfile.ZipFile(wheel) as files:
            files.extractall(folder / "lib" / version / "site-packages")
    command = folder / "bin" / "pip"
    # Not by #!: no kernel takes a path with a space there.
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))} -m pip "$@"\n', encoding="utf-8")
    command.chmod(0o755)


def _own_wheel() -> Path | None:
    """Return the wheel of pip that this Python's ensurepip has, with it or where its distribution says."""
    try:
        import ensurepip
    except ImportError:
        return None
    kept = sysconfig.get_config_var("WHEEL_PKG_DIR") or "/usr/share/python-wheels"
    places = (Path(ensurepip.__file__).with_name("_bundled"), Path(kept))
    return next((wheel for place in places for wheel in sorted(place.glob("pip-*.whl"))), None)


def _runs(python: Path, line: str) -> bool:
    """Say whether a Python is there and runs a line."""
    with suppress(OSError):
        return subprocess.run([python, "-I", "-c", line], capture_output=True, check=False).returncode == 0
    return False


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Let one process at a time make .venv; the lock is the folder that it lies in."""
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # some network filesystems have no locks
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another inv is making .venv; waiting for it")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(guard(lambda: make_environment(Path(sys.argv[1]), Path(sys.argv[2]))))
