"""What xtest prints: its cases and their parts, and what became of each (optee_test, host/xtest/adbg)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_CASE = re.compile(r"\* ([a-z]\w*_\d\w*) (.*)")
_PART = re.compile(r"o ([a-z]\w*_\d\w*(?:\.\d+)+) (.*)")
_END = re.compile(r"  ([a-z]\w*_\d\w*(?:\.\d+)*) (OK|FAILED)")
_ERROR = re.compile(r"([a-z]\w*_\d\w*(?:\.\d+)*) FAILED (first error at \S+)")
_CHECKS = re.compile(r"(\d+) subtests? of which (\d+) failed")
_SKIP = re.compile(r"skip(ping|ped)?\b", re.IGNORECASE)
_DONE = "TEE test application done!"


@dataclass
class Unit:
    """A case of the suite, or a part of one: ``passed``, ``failed`` or ``skipped``, and why it did not pass.

    xtest says OK of what it skips: here it is skipped if it said so and had no parts.
    """

    name: str
    title: str
    verdict: str = "failed"
    reason: str = "it did not end"
    seconds: float = 0.0

    @property
    def is_case(self) -> bool:
        """Whether it is a case, not a part of one."""
        return "." not in self.name


@dataclass
class Suite:
    """All that a run of xtest told: units by name in the order in which they began, and xtest's own count."""

    units: dict[str, Unit] = field(default_factory=dict)
    checks: int = 0
    whole: bool = False
    """Whether xtest came to its end."""

    @property
    def cases(self) -> list[Unit]:
        """The cases, without their parts."""
        return [unit for unit in self.units.values() if unit.is_case]


@dataclass
class _Open:
    """A unit that has begun."""

    unit: Unit
    began: float
    parts: int = 0
    skipped: str = ""


class OutputReader:
    """Reads xtest's output as it comes; ``suite`` is what it came to so far."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Take what seconds are measured with."""
        self.suite = Suite()
        self._clock = clock
        self._open: list[_Open] = []
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Unit]:
        """Take some bytes; yield the cases that ended with them."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if unit := self._line(line.decode(errors="replace").rstrip("\r")):
                yield unit

    def _line(self, line: str) -> Unit | None:
        """Take a line; return the case that it ends."""
        if (found := _CASE.fullmatch(line)) or (found := _PART.fullmatch(line)):
            self._begin(Unit(found[1], found[2]))
        elif found := _END.fullmatch(line):
            return self._end(found[1], found[2] == "OK")
        elif found := _ERROR.fullmatch(line):
            if unit := self.suite.units.get(found[1]):
                unit.reason = found[2]
        elif found := _CHECKS.fullmatch(line):
            self.suite.checks = int(found[1])
        elif line == _DONE:
            self.suite.whole = True
        elif self._open and _SKIP.search(line):
            self._open[-1].skipped = self._open[-1].skipped or line.strip()
        return None

    def _begin(self, unit: Unit) -> None:
        if unit.is_case:
            self._open.clear()
        elif self._open:
            self._open[-1].parts += 1
        self.suite.units[unit.name] = unit
        self._open.append(_Open(unit, self._clock()))

    def _end(self, name: str, well: bool) -> Unit | None:
        """End a unit, and what is open within it; return it if it is a case."""
        if name not in [one.unit.name for one in self._open]:
            return None
        while (ended := self._open.pop()).unit.name != name:
            pass
        unit = ended.unit
        unit.seconds = self._clock() - ended.began
        skipped = well and not ended.parts and ended.skipped
        unit.verdict = "skipped" if skipped else "passed" if well else "failed"
        unit.reason = ended.skipped if skipped else "" if well else "it failed"
        return unit if unit.is_case else None
