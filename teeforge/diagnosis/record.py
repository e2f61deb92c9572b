"""The record of each run in build/runs/<n>.json: what ran, on what, how it ended, and a panic in words."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.diagnosis.panic import Panic, read_panic
from teeforge.diagnosis.words import explain_abort, explain_text, load_words

_KEPT = 200
# What the host app ends its stderr with: RFC 7464, JSON Text Sequences.
_SEPARATOR = b"\x1e"
_REPORT_MOST = 16 << 10


class Report:
    """Takes the host app's report out of its stderr, of which it is the last; all else goes on to a sink."""

    options = ("--report", "-")

    def __init__(self, sink: Callable[[bytes], object]) -> None:
        self._sink = sink
        self._held = b""

    def feed(self, data: bytes) -> None:
        """Take what came from stderr."""
        self._held += data
        begin = self._held.rfind(_SEPARATOR)
        held = self._held[begin:] if begin >= 0 else b""
        # A program may write the separator, too.
        if len(held) > _REPORT_MOST or not (_SEPARATOR + b"{\n").startswith(held[:3]):
            held = b""
        passed = self._held[: len(self._held) - len(held)]
        self._held = held
        if passed:
            self._sink(passed)

    def end(self) -> dict[str, Any]:
        """Return the report; empty if there was none."""
        with contextlib.suppress(ValueError):
            report = json.loads(self._held[1:])
            if isinstance(report, dict):
                return report
        if self._held:
            self._sink(self._held)
        return {}


def write_report(path: Path, told: Mapping[str, Any]) -> None:
    """Write a user's report of a run. Raises TeeforgeError if it cannot be written."""
    try:
        write_atomically(path, json.dumps(told, indent=1).encode() + b"\n")
    except OSError as error:
        raise TeeforgeError(f"--report {path} cannot be written: {error.strerror}") from error


class RunRecord:
    """Records one run.

    ``secure_log`` is the log of the secure console, None where there is none, as on a board. ``elf_of``
    gives the ELF of a TA by its UUID, ``words`` is the list of explanations.
    """

    def __init__(
        self,
        folder: Path,
        facts: Mapping[str, object],
        secure_log: Path | None,
        elf_of: Callable[[str], Path | None],
        cross: str,
        words: Path,
    ) -> None:
        self.folder = folder
        self._told: dict[str, Any] = dict(facts)
        self._log = secure_log
        self._elf_of = elf_of
        self._cross = cross
        self._words = words
        self._log_begin = self._log_size()
        self._began = time.monotonic()
        self._told["started"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def finish(self, report: Mapping[str, Any], status: int, copy: Path | None = None) -> list[str]:
        """Write the record; return lines about a panic of the TA for the user, if there was one.

        ``copy`` is a file of the user's that gets the same.
        """
        panic = self._panic() if report.get("outcome") in (None, "tee-error", "failed") else None
        self._told |= {
            "status": status,
            "seconds": round(time.monotonic() - self._began, 3),
            "report": dict(report),
            "panic": panic.as_json() if panic else None,
        }
        path = self._write()
        if copy:
            write_report(copy, self._told)
        if panic is None:
            return []
        hints = [explain_abort(panic.reason), *explain_text(load_words(self._words), panic.reason)]
        return [*panic.lines(), *(f"    {hint}" for hint in hints if hint), f"    recorded in {path}"]

    def _panic(self) -> Panic | None:
        """Return the panic that the secure world has logged since the run began."""
        if self._log is None:
            return None
        with contextlib.suppress(OSError):
            with self._log.open("rb") as log:
                log.seek(self._log_begin)
                text = log.read().decode(errors="replace")
            return read_panic(text, self._elf_of, self._cross)
        return None

    def _log_size(self) -> int:
        try:
            return self._log.stat().st_size if self._log else 0
        except OSError:
            return 0

    def _write(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        numbers = sorted(int(path.stem) for path in self.folder.glob("*.json") if path.stem.isdecimal())
        path = self.folder / f"{numbers[-1] + 1 if numbers else 1}.json"
        write_atomically(path, json.dumps(self._told, indent=1).encode() + b"\n")
        for number in numbers[: max(len(numbers) + 1 - _KEPT, 0)]:
            (self.folder / f"{number}.json").unlink(missing_ok=True)
        return path
