"""What a task answers: the same for people, as lines, and for scripts, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from teeforge.base.errors import as_typed
from teeforge.base.progress import say


@dataclass(frozen=True)
class Answer:
    """What was found.

    ``data`` is made of what JSON has, ``lines`` say the same to people. ``status`` is the task's exit status,
    ``note`` a line for both that is no part of the answer: it goes to stderr.
    """

    data: Any
    lines: Iterable[str]
    status: int = 0
    note: str = ""

    def show(self, as_json: bool) -> int:
        """Print it on stdout, which then holds nothing else; return the exit status."""
        print(json.dumps(self.data, indent=1) if as_json else as_typed("\n".join(self.lines)), flush=True)
        if self.note:
            say(self.note)
        return self.status
