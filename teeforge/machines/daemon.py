"""A program that outlives us: started in its own session, found again, and ended for certain."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.locking import try_lock
from teeforge.base.process import clean_environment, missing_program


class Daemon:
    """One program per folder, which holds a lock on ``alive`` there for as long as it lives.

    The lock is inherited through an open file, so it cannot go stale, and a reused process number
    cannot be taken for ours. The program writes its own ``pidfile``.
    """

    def __init__(self, folder: Path, pidfile: str, output: str) -> None:
        self._folder = folder
        self._alive = folder / "alive"
        self._pidfile = folder / pidfile
        self._output = folder / output
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, argv: Sequence[str], pass_fds: Sequence[int] = ()) -> None:
        """Start the program in its folder, detached, with ``pass_fds`` open in it, too.

        Raises TeeforgeError when it is missing.
        """
        self._pidfile.unlink(missing_ok=True)
        descriptor = os.open(self._alive, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            deadline = time.monotonic() + 5
            # Somebody who only looks holds it for a moment.
            while not try_lock(descriptor):
                if time.monotonic() > deadline:
                    raise TeeforgeError(
                        f"{self._alive} is held by a program that is not known here",
                        f"find it with `fuser -v {self._alive}`",
                    )
                time.sleep(0.01)
            with self._output.open("wb") as output:
                self._child = subprocess.Popen(
                    argv,
                    cwd=self._folder,
                    env=clean_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=(descriptor, *pass_fds),
                    start_new_session=True,
                )
        except (FileNotFoundError, PermissionError) as error:
            raise missing_program(argv[0]) from error
        finally:
            os.close(descriptor)

    def running(self) -> bool:
        """Say whether the program lives, whoever started it."""
        if self._child is not None and self._child.poll() is not None:
            self._child = None
        try:
            descriptor = os.open(self._alive, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return not try_lock(descriptor)
        finally:
            os.close(descriptor)

    def pid(self, wait: float = 3.0) -> int:
        """Return the process number of the running program, verified to be the lock's holder."""
        deadline = time.monotonic() + wait
        while True:
            with contextlib.suppress(OSError, ValueError):
                pid = int(self._pidfile.read_text())
                if self._holds(pid):
                    return pid
            if not self.running():
                raise ProcessLookupError
            if time.monotonic() > deadline:
                raise TeeforgeError(
                    f"{self._pidfile} does not name the program that holds {self._alive}",
                    f"find it with `fuser -v {self._alive}` and end it",
                )
            time.sleep(0.02)

    def stop(self, grace: float = 2.0) -> None:
        """End the program: SIGTERM, and SIGKILL after ``grace`` seconds. No-op when it is gone."""
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid())
            try:
                for number in (signal.SIGTERM, signal.SIGKILL):
                    # Again now that the handle cannot come to mean another process any more.
                    if not self._holds(self.pid()):
                        return
                    signal.pidfd_send_signal(handle, number)
                    if self.wait(grace):
                        return
            finally:
                os.close(handle)
            raise TeeforgeError(f"process {self.pid()} does not end, not even by SIGKILL")

    def wait(self, seconds: float) -> bool:
        """Wait until the program has ended; say whether it has."""
        deadline = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        if self._child is not None:
            # Its files are closed, so this takes no time; it leaves no zombie behind.
            self._child.wait()
            self._child = None
        return True

    def said(self, lines: int = 10) -> list[str]:
        """Return the last lines that the program wrote to its stdout and stderr."""
        with contextlib.suppress(OSError):
            return self._output.read_text(errors="replace").splitlines()[-lines:]
        return []

    def _holds(self, pid: int) -> bool:
        """Say whether the process has the lock file open."""
        ours = self._alive.stat()
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                theirs = link.stat()
                if (theirs.st_dev, theirs.st_ino) == (ours.st_dev, ours.st_ino):
                    return True
        return False
