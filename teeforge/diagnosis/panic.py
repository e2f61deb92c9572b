"""The dump that OP-TEE writes to the secure console when a TA dies, with file and line for each address.

The format is that of OP-TEE 4.10.0: core/arch/arm/kernel/abort.c and ldelf's dump of the TA.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from teeforge.base.process import clean_environment
from teeforge.base.reader import printable

_BEGIN = re.compile(
    r"User mode (?P<abort>(?:data|prefetch|undef)-abort at address 0x[0-9a-f]+(?: \([^)]*\))?)"
    r"|TA panicked with code (?P<code>0x[0-9a-f]+)"
)
_REGION = re.compile(
    r"region +\d+: va (0x[0-9a-f]+) pa 0x[0-9a-f]+ size (0x[0-9a-f]+)(?: flags (\S{4})(?: \[(\d+)\])?)?"
)
_ELF = re.compile(r"\[(\d+)\] ([0-9a-f-]{36}) @ (0x[0-9a-f]+)")
_STATUS = re.compile(r"Status of TA ([0-9a-f-]{36})")
_STACK = re.compile(r"Call stack:")
_FRAME = re.compile(r"E/LD:\S* +(0x[0-9a-f]+)\s*$")
_FRAMES = 64
_COMPILED = "the program's compiled code"


@dataclass(frozen=True)
class Frame:
    """One address of the call stack; ``place`` is `function at file:line`, or what else is known."""

    address: int
    place: str


@dataclass(frozen=True)
class Panic:
    """How a TA died: ``reason`` in OP-TEE's words, ``code`` for TEE_Panic(), the innermost frame first."""

    ta: str
    reason: str
    code: int | None
    frames: tuple[Frame, ...]

    def lines(self) -> list[str]:
        """Return it for people."""
        told = [f"the TA {self.ta or '(unknown)'} panicked: {self.reason}"]
        return told + [
            f"    #{n:<2} {frame.address:#014x} {frame.place}" for n, frame in enumerate(self.frames)
        ]

    def as_json(self) -> dict[str, Any]:
        """Return it for a record."""
        return asdict(self)


@dataclass(frozen=True)
class _Region:
    address: int
    size: int
    flags: str
    elf: int | None


def read_panic(log: str, elf_of: Callable[[str], Path | None], cross: str) -> Panic | None:
    """Return the last panic of a console's log, or None if there is none.

    ``elf_of`` gives the unstripped ELF file of the TA with a UUID; ``cross`` is the prefix of addr2line.
    """
    begins = list(_BEGIN.finditer(log))
    if not begins:
        return None
    begin = begins[-1]
    dump = log[begin.start() :]
    code = int(begin["code"], 16) if begin["code"] else None
    dumped = list(_STATUS.finditer(dump))
    status = dumped[0] if dumped else None
    # What follows is of TAs that the core ended: dumped too, but without a word of a panic before.
    dump = dump[: dumped[1].start()] if len(dumped) > 1 else dump
    regions = [
        _Region(int(m[1], 16), int(m[2], 16), m[3] or "", int(m[4]) if m[4] else None)
        for m in _REGION.finditer(dump)
    ]
    elves = {int(m[1]): (m[2], int(m[3], 16)) for m in _ELF.finditer(dump)}
    addresses = _call_stack(dump)
    places = _places(addresses, regions, elves, elf_of, cross)
    return Panic(
        status[1] if status else "",
        printable(begin["abort"] or f"TEE_Panic({code:#010x})"),
        code,
        tuple(Frame(address, place) for address, place in zip(addresses, places, strict=True)),
    )


def _call_stack(dump: str) -> list[int]:
    """Return the addresses behind ldelf's `Call stack:`."""
    addresses: list[int] = []
    inside = False
    for line in dump.splitlines():
        if _STACK.search(line) and "E/LD" in line:
            inside = True
        elif inside and (found := _FRAME.search(line)):
            addresses.append(int(found[1], 16))
        elif inside and addresses:
            break
    return addresses[:_FRAMES]


def _places(
    addresses: list[int],
    regions: list[_Region],
    elves: dict[int, tuple[str, int]],
    elf_of: Callable[[str], Path | None],
    cross: str,
) -> list[str]:
    places: list[str] = []
    for number, address in enumerate(addresses):
        region = next((r for r in regions if r.address <= address < r.address + r.size), None)
        if region is None:
            places.append("where nothing is mapped")
        elif region.elf is None or region.elf not in elves:
            # A TA maps executable memory of its own for compiled modules alone.
            what = _COMPILED if "x" in region.flags else "memory that is not code"
            places.append(f"in {what}, at byte {address - region.address:#x} of its mapping")
        else:
            uuid, base = elves[region.elf]
            elf = elf_of(uuid)
            # A caller is asked for by the call, not by what comes after it.
            offset = address - base - (4 if number else 0)
            places.append(
                _line(elf, offset, cross) if elf else f"{uuid} + {offset:#x} (no ELF of this build)"
            )
    return places


def _line(elf: Path, offset: int, cross: str) -> str:
    """Return `function at file:line` of an offset, inlined callers behind it."""
    try:
        done = subprocess.run(
            [f"{cross}addr2line", "-f", "-p", "-i", "-C", "-e", str(elf), f"{offset:#x}"],
            capture_output=True,
            text=True,
            check=False,
            env=clean_environment(),
        )
    except OSError:
        return f"{elf.name} + {offset:#x} ({cross}addr2line is not installed)"
    told = " ".join(done.stdout.split())
    return printable(told) if told and not told.startswith("??") else f"{elf.name} + {offset:#x}"
