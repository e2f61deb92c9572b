"""A terminal, as a user has one, with a program on it."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import termios
import threading
import time
from pathlib import Path

SECONDS = 120


class Terminal:
    """A program on a terminal of its own; what it shows is read all the time."""

    def __init__(self, argv: list[str], cwd: Path, *, columns: int = 0, **variables: str) -> None:
        """Start the program; ``columns`` is what the terminal knows of its width, ``variables`` are set."""
        self._ours, self._theirs = pty.openpty()
        if columns:
            termios.tcsetwinsize(self._theirs, (24, columns))
        self.before = termios.tcgetattr(self._theirs)
        self.shown = ""
        self._read_to = 0
        self._child = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "200", **variables},
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            start_new_session=True,
            # Its own: so that Ctrl-C is a signal.
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
        )
        threading.Thread(target=self._read, daemon=True).start()

    def wait(self, pattern: str) -> str:
        """Wait until it shows what matches, after what was waited for last; return it."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if found := re.compile(pattern).search(self.shown, self._read_to):
                self._read_to = found.end()
                return found[0]
            time.sleep(0.02)
        raise AssertionError(f"{pattern!r} was not shown after: {self.shown[self._read_to :][:2000]}")

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def status(self) -> int:
        return self._child.wait(SECONDS)

    def settings(self) -> object:
        return termios.tcgetattr(self._theirs)

    def close(self) -> None:
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
            self._child.wait(SECONDS)

    def _read(self) -> None:
        while data := os.read(self._ours, 1 << 16):
            self.shown += data.decode(errors="replace")
