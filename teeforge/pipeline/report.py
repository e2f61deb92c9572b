"""The figures of `invoke bench.pipeline`: a table, a JSON file for each run, and what the run before said."""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from teeforge.base.files import write_atomically

# A row that takes so many times as long as the run before is marked.
_SLOWER = 1.2
_MET, _AT_BEST, _MISSED = "met", "at best", "MISSED"


@dataclass(frozen=True)
class Row:
    """One figure: ``goal`` is the most it should be, ``unit`` s, MB, x (times the plain way) or none.

    ``plain`` says what the plain way is, where there is one.
    """

    name: str
    title: str
    unit: str
    goal: float
    plain: str = ""


@dataclass
class Taken:
    """What was measured of a row, and of the plain way by turns with it."""

    row: Row
    values: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        """Whether the goal is met by the median, by the best alone, or not at all."""
        if self.median <= self.row.goal:
            return _MET
        return _AT_BEST if min(self.values) <= self.row.goal else _MISSED

    @property
    def over_plain(self) -> float | None:
        """How long it takes, in times the plain way, by the median of pairs."""
        if self.row.unit == "x":
            return self.median
        if not self.plain:
            return None
        return statistics.median(ours / plain for ours, plain in zip(self.values, self.plain, strict=True))

    def over(self, before: Mapping[str, Any]) -> float | None:
        """How long it takes, in times the run ``before``; None if that did not measure it."""
        then = before.get("rows", {}).get(self.row.name, {}).get("median")
        return self.median / then if then and then > 0 else None

    def is_slower(self, before: Mapping[str, Any]) -> bool:
        """Say whether it takes much longer than in the run ``before``."""
        return (self.over(before) or 0) > _SLOWER

    def as_json(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """Return all of it, compared with the run before."""
        over = self.over(before)
        ratio = self.over_plain
        return {
            "title": self.row.title,
            "unit": self.row.unit,
            "goal": self.row.goal,
            "verdict": self.verdict,
            "values": [round(value, 4) for value in self.values],
            "min": round(min(self.values), 4),
            "median": round(self.median, 4),
            "max": round(max(self.values), 4),
            "plain": [round(value, 4) for value in self.plain],
            "over_plain": None if ratio is None else round(ratio, 3),
            "over_previous": None if over is None else round(over, 3),
            "slower": self.is_slower(before),
        }


def report(taken: Sequence[Taken], host: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return one run as it is kept."""
    return {"host": dict(host), "rows": {one.row.name: one.as_json(before) for one in taken}}


def table(taken: Sequence[Taken], host: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """Return the lines to print: median, spread, goal, the plain way, and the run before."""
    lines = [f"{'':<46}{'median':>8} {'min..max':<15}{'goal':>6}  {'':<8}{'of plain':>9}{'of before':>10}"]
    for one in taken:
        row, over, ratio = one.row, one.over(before), one.over_plain
        spread = f"{_number(min(one.values))}..{_number(max(one.values))}"
        mark = "  slower" if one.is_slower(before) else ""
        judged = f"{row.goal:>6g}{row.unit:>3} {one.verdict:<8}{_times(ratio):>8}{_times(over):>10}{mark}"
        lines.append(f"{row.title:<46}{_number(one.median):>8} {spread:<15}{judged}")
    lines += [
        f"{one.row.title}: {one.row.plain} {_number(statistics.median(one.plain))}"
        for one in taken
        if one.plain
    ]
    if before:
        then = before["host"]
        lines.append(f"the run before: {then.get('when')}, commit {then.get('commit')}")
        if then.get("work_ms") and host.get("work_ms"):
            slower = host["work_ms"] / then["work_ms"]
            lines.append(f"the host itself takes {slower:.2f}x as long as then for the same work")
    return lines


def fixed_work() -> float:
    """Return the milliseconds of some work that is always the same: how fast, or busy, the host is."""
    began = time.monotonic()
    hashlib.pbkdf2_hmac("sha256", b"teeforge", b"teeforge", 100_000)
    return (time.monotonic() - began) * 1e3


def keep(folder: Path, found: Mapping[str, Any]) -> Path:
    """Write a run to a file of its own; return its path."""
    name = str(found["host"]["when"]).replace(":", "")
    path = folder / f"{name}.json"
    write_atomically(path, json.dumps(found, indent=1).encode() + b"\n")
    return path


def previous(folder: Path) -> dict[str, Any]:
    """Return what the runs before said of each row last; empty if there was none."""
    merged: dict[str, Any] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            merged = {"host": found["host"], "rows": {**merged.get("rows", {}), **found["rows"]}}
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a file that is none of ours
    return merged


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}x"
