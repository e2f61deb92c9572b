"""The one exception class that users see."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path


def as_typed(text: str) -> str:
    """Return ``text`` with each `invoke …` in it as the user types it: ./inv says how it was called."""
    called = os.environ.get("TEEFORGE_CALLED", "")
    return text.replace("`invoke ", f"`{shlex.quote(called)} ") if called else text


def nearest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the hint for a name that is not ``known``: the one that is meant, else ``otherwise`` or all."""
    import difflib

    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean `{near[0]}`?" if near else otherwise or f"known: {', '.join(known)}"


# What to do, where several places say the same.
RESTORE = "restore it with git"
OTHER_BUILD_DIR = "set `build_dir:` in config.yaml to a folder you can write to"


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


def unreadable(path: Path, error: OSError | UnicodeDecodeError, hint: str = "") -> TeeforgeError:
    """Return the error for a file that is not there, not ours to read, or no text."""
    why = error.strerror if isinstance(error, OSError) else error
    return TeeforgeError(f"{path} cannot be read: {why}", hint)


def unwritable(path: Path, error: OSError, hint: str) -> TeeforgeError:
    """Return the error for a file that cannot be written; ``hint`` says where else."""
    return TeeforgeError(f"{path} cannot be written: {error.strerror}", hint)


class UnreachableError(TeeforgeError):
    """Nobody on the network served what was asked for: trying again elsewhere or later may help."""
