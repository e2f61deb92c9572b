"""What `invoke dev` shows: plain lines, or on a terminal the output above a live line of stages."""

from __future__ import annotations

import codecs
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say

if TYPE_CHECKING:
    from rich.live import Live


@dataclass
class Stage:
    """One part of the way from a save to its output; ``seconds`` is None while it lasts."""

    began: float = field(default_factory=time.monotonic)
    seconds: float | None = None

    @property
    def elapsed(self) -> float:
        """How long it took, or has taken so far."""
        return time.monotonic() - self.began if self.seconds is None else self.seconds


class View:
    """Plain lines: the program's streams are passed on as they are, all else goes to stderr.

    A context manager. ``stages`` are those of the turn that is shown.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.stages: Mapping[str, Stage] = {}
        self._saved = 0.0
        self._first: float | None = None

    def __enter__(self) -> View:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self, changed: Sequence[Path], stages: Mapping[str, Stage]) -> None:
        """A turn begins because these files were saved; none at the start and after a break."""
        self.stages = stages
        self._first = None
        # From the save itself, not from when it was noticed.
        times = [path.stat().st_mtime for path in changed if path.exists()]
        self._saved = min(max(times, default=time.time()), time.time())
        if changed:
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            self.tell(f"--- {changed[0].name}{more} saved")

    def out(self, data: bytes) -> None:
        """The program wrote on stdout."""
        self.came()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def err(self, data: bytes) -> None:
        """The program, or its host app, wrote on stderr."""
        self.came()
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()

    def end(self, status: int) -> None:
        """The program ended."""
        self.tell(f"--- {self.summary(status)}")

    def fail(self, error: TeeforgeError) -> None:
        """The turn ended with an error."""
        self.tell(f"error: {error.message}")
        if error.hint:
            self.tell(f"hint: {error.hint}")

    def tell(self, line: str) -> None:
        """Show a line of ours."""
        say(line)

    def came(self) -> None:
        """Note when the first output came."""
        self._first = self._first or time.time()

    def summary(self, status: int) -> str:
        """Return the line that a turn ends with."""
        parts = [f"exit status {status}"]
        if self._first:
            parts.append(f"{self._first - self._saved:.2f} s from save to output")
        return ", ".join([*parts, self.times()])

    def times(self) -> str:
        """Return how long each stage took."""
        return " ".join(f"{name} {stage.elapsed:.2f}" for name, stage in self.stages.items())


class LiveView(View):
    """The same on a terminal: whole lines scroll by above, the present state stays below."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self._live: Live | None = None
        self._state = "starting"
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._partial = ""
        self._moves = threading.Event()
        self._closed = False

    def __enter__(self) -> LiveView:
        from rich.console import Console
        from rich.live import Live

        # Lines that others say on stderr belong above ours, but only if they would be seen there.
        self._live = Live(
            console=Console(highlight=False),
            get_renderable=self._below,
            auto_refresh=False,
            redirect_stderr=sys.stderr.isatty(),
        )
        self._live.start()
        threading.Thread(target=self._tick, args=(self._live,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._flush()
            self._rest("ended")
            self._closed = True
            self._live.stop()
            self._live = None

    def begin(self, changed: Sequence[Path], stages: Mapping[str, Stage]) -> None:
        """A turn begins."""
        self._state = "at it"
        self._moves.set()
        super().begin(changed, stages)

    def out(self, data: bytes) -> None:
        """The program wrote: whole lines go up, the rest waits below."""
        self.came()
        *whole, self._partial = (self._partial + self._decode(data)).split("\n")
        for line in whole:
            self._print(line)

    err = out

    def end(self, status: int) -> None:
        """The program ended."""
        self._flush()
        self._rest("ok" if status == 0 else f"status {status}")
        self._print(f"─── {self.summary(status)}", "green" if status == 0 else "yellow")

    def fail(self, error: TeeforgeError) -> None:
        """The turn ended with an error."""
        self._flush()
        self._rest("error")
        self._print(f"error: {error.message}", "red")
        if error.hint:
            self._print(f"hint: {error.hint}")

    def tell(self, line: str) -> None:
        """Show a line of ours."""
        self._flush()
        self._print(line.replace("---", "───", 1), "dim")

    def _tick(self, live: Live) -> None:
        """Draw the stages' seconds while they run; while nothing does, nothing is drawn."""
        while self._moves.wait() and not self._closed:
            live.refresh()
            time.sleep(0.12)

    def _rest(self, state: str) -> None:
        self._moves.clear()
        self._state = state

    def _flush(self) -> None:
        if self._partial:
            self._print(self._partial)
            self._partial = ""

    def _print(self, line: str, style: str = "") -> None:
        from rich.text import Text

        if self._live:
            text = Text.from_ansi(line) if not style else Text(line)
            self._live.console.print(text, style=style, soft_wrap=True)
            self._live.refresh()

    def _below(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        style = {"at it": "yellow", "ok": "green", "error": "red"}.get(self._state, "dim")
        line = Text.assemble(
            (f" {self.file.name} ", "reverse"), " ", (self._state, style), "  ", (self.times(), "dim")
        )
        line.append("  saves are watched; Ctrl-C ends" if self._live else "")
        return Group(*([Text(self._partial)] if self._partial else []), line)
