"""Reading how far a machine has booted from what its two consoles said."""

from __future__ import annotations

import re
from dataclasses import dataclass

# In the order in which a machine goes through them. In `prepared` it sleeps until the host wakes it.
STATES = ("off", "firmware", "optee", "linux", "prepared", "ssh")

# What each part says when it starts: (state, console, text).
_MILESTONES = (
    ("firmware", "normal", b"NOTICE:  BL"),
    ("optee", "secure", b"OP-TEE version:"),
    ("linux", "normal", b"teeforge: state linux"),
    ("prepared", "normal", b"teeforge: state prepared"),
    ("ssh", "normal", b"teeforge: state ssh"),
)

# After these the machine does not go on, and waiting for a deadline would tell nobody more.
_FATAL = (
    ("normal", re.compile(rb"Kernel panic - not syncing: [^\r\n]*")),
    # TF-A: plat_error_handler() and el3_panic() spin for ever.
    ("normal", re.compile(rb"^ERROR: +BL\d[^\r\n]*", re.MULTILINE)),
    ("normal", re.compile(rb"^(PANIC in EL3|Unhandled Exception in EL3)[^\r\n]*", re.MULTILINE)),
    ("secure", re.compile(rb"^(PANIC in EL3|Unhandled Exception in EL3)[^\r\n]*", re.MULTILINE)),
    # The core's own panic; a TA's is worded otherwise and harms nobody else.
    ("secure", re.compile(rb"^E/TC:\S+ \S+ (Panic[^\r\n]*)", re.MULTILINE)),
)
# Written by overlays/rootfs, and final only while the machine boots.
_FAILED_START = re.compile(rb"teeforge: (failed [^\r\n]*)")


@dataclass(frozen=True)
class Progress:
    """The last state that was reached, and the line that says why there will be no further one."""

    state: str
    failure: str = ""

    def reached(self, state: str) -> bool:
        """Say whether the machine is in ``state`` or beyond it."""
        return STATES.index(self.state) >= STATES.index(state)


def read_progress(normal: bytes, secure: bytes) -> Progress:
    """Return the progress of a running machine, given all that its consoles have said."""
    consoles = {"normal": normal, "secure": secure}
    state = "off"
    for name, console, text in _MILESTONES:
        if text in consoles[console]:
            state = name
    for console, pattern in _FATAL:
        found = pattern.search(consoles[console])
        if found:
            return Progress(state, _text(found[0]))
    if state != "ssh" and (found := _FAILED_START.search(normal)):
        return Progress(state, _text(found[1]))
    return Progress(state)


def is_woken(normal: bytes) -> bool:
    """Say whether the machine was woken: then a further line to its console would go to a shell."""
    return b"teeforge: woken" in normal


def last_lines(log: bytes, count: int) -> list[str]:
    """Return the last lines of a console that say anything, safe to print on a terminal."""
    lines = [_text(line).rstrip() for line in log.splitlines()]
    return [line for line in lines if line][-count:]


def _text(raw: bytes) -> str:
    printable = (char if char.isprintable() or char == "\t" else "?" for char in raw.decode(errors="replace"))
    return "".join(printable).strip()
