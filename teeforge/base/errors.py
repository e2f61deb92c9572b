"""The one exception class that users see."""

from __future__ import annotations

import os
import shlex


def as_typed(text: str) -> str:
    """Return ``text`` with each `invoke …` in it as the user types it: ./inv says how it was called."""
    called = os.environ.get("TEEFORGE_CALLED", "")
    return text.replace("`invoke ", f"`{shlex.quote(called)} ") if called else text


class TeeforgeError(Exception):
    """A failure with one clear line and, where we know it, the next step.

    ``message`` names the thing (file, key, byte, host); ``hint`` says what to do about it.
    ``status`` is the exit status that ``tasks.py`` gives the process, 1 unless told otherwise.
    """

    def __init__(self, message: str, hint: str = "", status: int = 1) -> None:
        super().__init__(as_typed(message))
        self.message = as_typed(message)
        self.hint = as_typed(hint)
        self.status = status


class UnreachableError(TeeforgeError):
    """Nobody on the network served what was asked for: trying again elsewhere or later may help."""
