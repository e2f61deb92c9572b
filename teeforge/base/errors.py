"""The one exception class that users see."""

from __future__ import annotations


class TeeforgeError(Exception):
    """A failure with one clear line and, where we know it, the next step.

    ``message`` names the thing (file, key, byte, host); ``hint`` says what to do about it.
    ``status`` is the exit status that ``tasks.py`` gives the process, 1 unless told otherwise.
    """

    def __init__(self, message: str, hint: str = "", status: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status


class UnreachableError(TeeforgeError):
    """Nobody on the network served what was asked for: trying again elsewhere or later may help."""
