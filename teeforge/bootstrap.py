"""Makes .venv: what `inv` runs on its first use, by a bare Python of the host.

Nothing is asked of that Python but the standard library; this and all that it imports keep to it.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from teeforge.base.errors import TeeforgeError, UnreachableError
from teeforge.base.files import write_atomically
from teeforge.base.guard import guard
from teeforge.base.progress import say
from teeforge.fetch.pip import pip_install
from teeforge.fetch.pipwheel import fetch_pip


def make_environment(root: Path) -> None:
    """Bring ``root``/.venv to what requirements.txt locks.

    Raises UnreachableError, with a whole one left as it was, when something cannot be had.
    """
    folder, locked = root / ".venv", root / "requirements.txt"
    installed, python = folder / "requirements.installed", folder / "bin" / "python"
    with _alone(root):
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
    """Make a virtual environment with pip, by ensurepip or by pip's own wheel."""
    venv.EnvBuilder(clear=True, symlinks=True).create(folder)
    if _runs(python, "import ensurepip"):
        done = subprocess.run(
            [python, "-I", "-m", "ensurepip", "--default-pip"], capture_output=True, check=False
        )
        if done.returncode == 0:
            return
    say("this Python has no ensurepip: pip comes from a Debian package")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        wheel = fetch_pip(root, Path(scratch))
        # A wheel is a zip file, which Python runs; and pip installs itself from it, without any network.
        argv = [python, "-I", f"{wheel}/pip", "--isolated", "--disable-pip-version-check", "install"]
        options = ["--quiet", "--no-index", "--no-compile", str(wheel)]
        done = subprocess.run([*map(str, argv), *options], stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise TeeforgeError(f"pip could not be put into {folder} (its own words are above)")


def _runs(python: Path, line: str) -> bool:
    """Say whether a Python is there and runs a line."""
    with suppress(OSError):
        return subprocess.run([python, "-I", "-c", line], capture_output=True, check=False).returncode == 0
    return False


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Let one process at a time make .venv; the lock is the checkout's folder itself."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
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
    sys.exit(guard(lambda: make_environment(Path(sys.argv[1]))))
