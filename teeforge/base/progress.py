"""What is shown while components are built: a live table on a terminal, plain lines elsewhere.

Everything goes to stderr: stdout belongs to the program that runs in the TEE, and to --json.
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from teeforge.base.errors import as_typed

if TYPE_CHECKING:
    from rich.live import Live


@dataclass
class _Row:
    began: float = field(default_factory=time.monotonic)
    seconds: float | None = None
    state: str = "running"
    last: str = ""


class Progress:
    """Rows of running and finished components; a context manager while a build runs."""

    def __init__(self, live: bool = True) -> None:
        """Draw a table if stderr is a terminal and ``live``; else say lines."""
        self._draws = live
        self._rows: dict[str, _Row] = {}
        self._lock = threading.Lock()
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        if self._draws and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            with _terminal:
                _wipe()
            self._live = Live(console=Console(stderr=True), get_renderable=self._table, refresh_per_second=8)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()
            self._live = None
        self._rows.clear()

    def start(self, name: str) -> None:
        """A component begins."""
        with self._lock:
            self._rows[name] = _Row()

    def line(self, name: str, text: str) -> None:
        """A component's step printed a line."""
        with self._lock:
            if name in self._rows:
                self._rows[name].last = text

    def done(self, name: str, how: str) -> None:
        """A component is up to date: ``how`` is `built`, `pulled` or `unchanged`."""
        self._finish(name, how)

    def fail(self, name: str) -> None:
        """A component failed."""
        self._finish(name, "failed")

    def _finish(self, name: str, state: str) -> None:
        with self._lock:
            row = self._rows.setdefault(name, _Row())
            row.seconds = time.monotonic() - row.began
            row.state, row.last = state, ""
            if self._live is None:
                say(f"{name:<20} {state:<10} {row.seconds:6.1f} s")

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        style = {
            "built": "green",
            "pulled": "green",
            "unchanged": "dim",
            "failed": "bold red",
            "running": "yellow",
        }
        with self._lock:
            for name, row in self._rows.items():
                seconds = row.seconds if row.seconds is not None else time.monotonic() - row.began
                table.add_row(
                    Text(name),
                    Text(row.state, style=style[row.state]),
                    Text(f"{seconds:.1f} s"),
                    Text(row.last, style="dim", no_wrap=True, overflow="ellipsis"),
                )
        return table


# Guards the terminal, and the line on it that is not ended yet.
_terminal = threading.Lock()
_unended = ""
# Lines that have a command to be pasted.
_COMMAND = re.compile(r"by hand: |\bapt(?:-get)? install ")


def say(text: str, *, fold: bool = False) -> None:
    """Print a line for the user on stderr; with ``fold`` no word of it is cut at a terminal's edge."""
    text = as_typed(text)
    if fold and sys.stderr.isatty():
        text = folded(text, _columns(sys.stderr))
    with _terminal:
        _wipe()
        print(text, file=sys.stderr, flush=True)


def folded(text: str, columns: int) -> str:
    """Return text with its long lines folded between words, as many ``columns`` wide as they may be.

    What is there to be pasted into a shell stays whole: what is in backquotes, and lines with commands.
    """
    return "\n".join(_fold(line, columns) for line in text.split("\n"))


def _fold(line: str, columns: int) -> str:
    if len(line) <= columns or line.startswith(" ") or _COMMAND.search(line):
        return line
    whole = re.sub("`[^`]*`", lambda quoted: quoted[0].replace(" ", "\0"), line)
    lines = textwrap.wrap(
        whole, columns, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines).replace("\0", " ")


def time_left(done: float, total: float, seconds: float) -> str:
    """Return how long the rest takes if it goes on like this, such as `3 min left`; nothing if none knows."""
    if done <= 0 or done >= total or seconds < 1:
        return ""
    rest = seconds * (total - done) / done
    return f"{rest / 60:.0f} min left" if rest >= 90 else f"{rest:.0f} s left"


def coloured(stream: IO[str]) -> bool:
    """Say whether to write in colours: on a terminal, unless NO_COLOR (no-color.org) is set."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def _columns(stream: IO[str]) -> int:
    """Return how many columns a terminal has; one that does not know is taken to have 80."""
    return os.get_terminal_size(stream.fileno()).columns or 80


@contextmanager
def ticking(what: str) -> Iterator[None]:
    """Show on a terminal that work which takes longer than a second goes on: `what: 12 s`, each second.

    While a table is drawn there, that shows what goes on.
    """
    over = threading.Event()
    if sys.stderr.isatty():
        threading.Thread(target=_tick, args=(what, over), daemon=True).start()
    try:
        yield
    finally:
        with _terminal:
            over.set()
            _wipe()


def _tick(what: str, over: threading.Event) -> None:
    global _unended
    began = time.monotonic()
    while not over.wait(1 - (time.monotonic() - began) % 1):
        with _terminal:
            stream = sys.__stderr__
            # rich puts an object of its own in the place of stderr while it draws.
            if over.is_set() or stream is None or sys.stderr is not stream:
                continue
            _wipe()
            seconds = f": {time.monotonic() - began:.0f} s"
            _unended = what[: max(_columns(stream) - len(seconds) - 1, 0)] + seconds
            print(_unended, end="", file=stream, flush=True)


def _wipe() -> None:
    """Take the line that is not ended off the terminal."""
    global _unended
    if _unended:
        print(f"\r{' ' * len(_unended)}\r", end="", file=sys.stderr, flush=True)
        _unended = ""
