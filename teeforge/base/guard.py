"""From any exception to a clear line and an exit status: the last thing a user may see is a stack trace."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Callable

from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say

_FAILED, _INTERRUPTED, UNREAD = 1, 130, 141
# What a task ends with, if not with the status of the program that it ran.
STATUSES = {
    0: "done",
    _FAILED: "it could not be done: a line says what, where, and what to do",
    _INTERRUPTED: "Ctrl-C; the next run goes on from there",
    UNREAD: "whoever read its output has gone, as in `| head`",
}


def guard(body: Callable[[], int | None]) -> int:
    """Run ``body``; return its status, or one of STATUSES with what went wrong on stderr."""
    try:
        _check_streams()
        return body() or 0
    except TeeforgeError as error:
        return tell(error)
    except KeyboardInterrupt:
        say("interrupted; the next run goes on from here")
        return _INTERRUPTED
    except BrokenPipeError:
        nobody_reads()
        return UNREAD
    except OSError as error:
        if error.errno == errno.ENOSPC:
            say(f"error: the disk is full: {error.filename or 'a file could not be written'}", fold=True)
            say("hint: make room; `invoke clean` removes work trees. Nothing half-done was kept", fold=True)
        else:
            say(f"error: {error.filename or 'the system'}: {error.strerror or error}", fold=True)
        return _FAILED
    except Exception as error:
        with tempfile.NamedTemporaryFile("w", prefix="teeforge-", suffix=".log", delete=False) as record:
            traceback.print_exc(file=record)
        say(f"error: teeforge itself failed: {type(error).__name__}: {error}", fold=True)
        say("hint: this is a bug; please report it with what `invoke doctor --report` writes,")
        say(f"    or with {record.name}")
        return _FAILED


def tell(error: TeeforgeError) -> int:
    """Say what went wrong, and what to do about it; return the exit status."""
    say(f"error: {error.message}", fold=True)
    if error.hint:
        say(f"hint: {error.hint}", fold=True)
    return error.status


def nobody_reads() -> None:
    """Let stdout lead nowhere: its reader has gone, and Python must not complain of it once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _check_streams() -> None:
    """Have the standard streams open, or else the next file that is opened would be one of them.

    Who closes stdout wants nothing of what we make, or does not know: that is an error, as it is for `cat`.
    """
    closed = sys.stdout is None
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if stream is None:
            # The lowest number that is free.
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8")
    if closed:
        raise TeeforgeError("stdout is closed", "give it a place to go: >/dev/null, for one")
