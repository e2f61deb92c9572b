"""An alarm for runs that take minutes: the machine has stopped working, or nothing is said any more."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable

from teeforge.base.errors import TeeforgeError

_EVERY = 2.0


class Silence:
    """Ends a run, an Alarm of ssh/remote.py, when ``failure`` returns a reason or nothing is heard for long.

    A context manager.
    """

    def __init__(self, name: str, failure: Callable[[], str], seconds: float, every: float = _EVERY) -> None:
        """Take the machine's name, what says why it stopped working, and the seconds that are too many."""
        self._name = name
        self._failure = failure
        self._seconds = seconds
        self._every = every
        self._stop = threading.Event()
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._ticking = threading.Thread(target=self._tick, daemon=True)
        self.heard()

    def __enter__(self) -> Silence:
        self._ticking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._ticking.join()
        os.close(self._read)
        os.close(self._write)

    def heard(self) -> None:
        """Take note that the program said something."""
        self._last = time.monotonic()

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._read

    def check(self) -> None:
        """Raise TeeforgeError if the run is to end."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._read, 4096):
                pass
        if why := self._failure():
            raise TeeforgeError(f"the machine {self._name} has stopped working: {why}")
        if time.monotonic() - self._last > self._seconds:
            raise TeeforgeError(f"{self._name} has said nothing for {self._seconds:g} s")

    def _tick(self) -> None:
        while not self._stop.wait(self._every):
            with contextlib.suppress(BlockingIOError):  # full: it is readable as it is
                os.write(self._write, b"!")
