"""Large modules, each with one thing that it has very much of; what they exit with is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from teeforge.spectest.binary import leb, vector, write_module
from tests.fuzz.differential.opcodes import signed

_TYPES = vector([b"\x60\0\0", b"\x60\x01\x7f\x01\x7f", b"\x60\x01\x7f\0"])
_ACTION, _NUMBER, _EXIT = 0, 1, 2
_FIRST = 1  # of our functions: 0 is proc_exit


def elements(count: int) -> tuple[bytes, int]:
    """A table of ``count`` times one function, of which the last entry is called; with its exit status."""
    add_5 = b"\x20\0\x41\x05\x6a"
    call = b"\x41\x07\x41" + signed(count - 1) + b"\x11" + leb(_NUMBER) + b"\0"
    table = {
        4: vector([b"\x70\0" + leb(count)]),
        9: vector([b"\0\x41\0\x0b" + vector([leb(_FIRST)] * count)]),
    }
    return _program([add_5], call, table), 12


def functions(count: int) -> tuple[bytes, int]:
    """``count`` functions, of which the last is called; with its exit status."""
    numbers = range(count)
    bodies = [b"\x20\0\x41" + signed(n | 1) + b"\x6c\x41" + signed(n) + b"\x6a" for n in numbers]
    call = b"\x41\x01\x10" + leb(_FIRST + count - 1)
    return _program(bodies, call), ((numbers[-1] | 1) + numbers[-1]) & 63


def code(size: int, count: int) -> tuple[bytes, int]:
    """``size`` bytes of code that reads memory, in ``count`` functions; the last is called, and gives 21."""
    step = b"\x20\0\x41\x01\x6c\x20\0\x41\xff\x1f\x71\x28\x02\0\x6a\x21\0"
    # Each function is another one, lest they become one.
    bodies = [step * (size // count // len(step)) + b"\x20\0\x41" + signed(n) + b"\x6a" for n in range(count)]
    call = b"\x41" + signed(21 - (count - 1)) + b"\x10" + leb(_FIRST + count - 1)
    return _program(bodies, call), 21


def _program(bodies: Sequence[bytes], call: bytes, more: Mapping[int, bytes] | None = None) -> bytes:
    """A module whose _start exits with what ``call`` leaves, its last 6 bits."""
    start = call + b"\x41\x3f\x71\x10\0"
    return write_module(
        {
            1: _TYPES,
            2: vector([_name("wasi_snapshot_preview1") + _name("proc_exit") + b"\0" + leb(_EXIT)]),
            3: vector([leb(_NUMBER)] * len(bodies) + [leb(_ACTION)]),
            5: vector([b"\0\x01"]),
            7: vector([_name("_start") + b"\0" + leb(_FIRST + len(bodies)), _name("memory") + b"\x02\0"]),
            10: vector([leb(len(body) + 2) + b"\0" + body + b"\x0b" for body in (*bodies, start)]),
            **(more or {}),
        }
    )


def _name(text: str) -> bytes:
    return leb(len(text)) + text.encode()
