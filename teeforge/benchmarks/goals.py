"""What benchmarks are held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# What is missed, on a terminal.
RED = "\x1b[31m{}\x1b[0m"


@dataclass(frozen=True)
class Goal:
    """A ratio that was measured, and the most that it should be."""

    what: str
    measured: float
    most: float

    @property
    def verdict(self) -> str:
        """Whether it is met, in a word."""
        return "met" if self.measured <= self.most else "MISSED"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"measured": round(self.measured, 3), "goal": round(self.most, 3), "verdict": self.verdict}
