"""One budget of jobs for all the makes that run at once: the GNU make jobserver protocol.

Source: "POSIX Jobserver Interaction" in the GNU make manual. The pipe holds one byte for each job.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager


class JobServer:
    """A pipe with ``jobs`` tokens. A step holds one while it runs; its make takes more from the pipe."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._read, self._write = os.pipe()
        os.write(self._write, b"+" * jobs)

    @property
    def descriptors(self) -> tuple[int, int]:
        """The two ends of the pipe, for a child to inherit."""
        return self._read, self._write

    @property
    def makeflags(self) -> str:
        """The value of MAKEFLAGS that tells make of the pipe."""
        return f" -j{self.jobs} --jobserver-auth={self._read},{self._write}"

    @contextmanager
    def token(self) -> Iterator[None]:
        """Hold one job; wait until one is free."""
        self._take()
        try:
            yield
        finally:
            os.write(self._write, b"+")

    def open_wide(self) -> None:
        """Let every waiting step through: makes that were killed took their tokens with them."""
        os.write(self._write, b"+" * 1000)

    def _take(self) -> None:
        while True:
            select.select([self._read], [], [])
            try:
                os.read(self._read, 1)
                return
            except BlockingIOError:
                continue  # make sets the shared pipe non-blocking, and somebody was quicker

    def close(self) -> None:
        """Close the pipe; children that still run keep their own ends."""
        os.close(self._read)
        os.close(self._write)
