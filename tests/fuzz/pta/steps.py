"""Scripts of steps as mprotect_test carries them out, and its replies (overlays/mprotect_test/include)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

PAGE = 4096
MOST_STEPS = 64
SLOTS = 8
HIGH, LOW = 0x40, 0x80
NOT_BEGUN, BEGUN = 0xA0A0A0A0, 0xB0B0B0B0

_STEP = struct.Struct("<4I8B8Q")
_SCRIPT = struct.Struct("<4I")
_RESULTS = struct.Struct("<2I")
_DONE = struct.Struct("<2IQ")


class Kind(IntEnum):
    """enum mprotect_test_kind."""

    INVOKE = 0
    MAP = 1
    SET_WATCH = 2
    ACCESS = 3
    WRITE = 4
    WRITE_LOOP = 5
    RUN = 6
    OPEN = 7
    CLOSE = 8


class Place(IntEnum):
    """enum mprotect_test_place; SLOT is the first of them."""

    LITERAL = 0
    SLOT = 1
    STACK = 1 + SLOTS
    HEAP = 2 + SLOTS
    DATA = 3 + SLOTS
    CODE = 4 + SLOTS
    CLIENT = 5 + SLOTS
    STEPS = 6 + SLOTS


PLACES = 7 + SLOTS
_PLACES = struct.Struct(f"<{PLACES}Q")
_REPLY = _RESULTS.size + _PLACES.size + MOST_STEPS * _DONE.size


class Command(IntEnum):
    """PTA_SYSTEM_*."""

    MAP_ZI = 2
    UNMAP = 3
    MPROTECT = 20
    WATCH = 21
    SEAL = 22


@dataclass(frozen=True)
class Value:
    """A number, counted from a place; with ``half`` (HIGH or LOW) only 32 bits of the sum."""

    number: int
    place: int = Place.LITERAL
    half: int = 0

    def at(self, places: Sequence[int]) -> int:
        """Return what the TA makes of it."""
        value = (self.number + places[self.place]) & 0xFFFF_FFFF_FFFF_FFFF
        value = value >> 32 if self.half == HIGH else value
        return value & 0xFFFF_FFFF if self.half else value

    def __str__(self) -> str:
        """Return it for people."""
        place = next((one.name for one in Place if one == self.place), f"SLOT{self.place - Place.SLOT}")
        base = "" if self.place == Place.LITERAL else f"{place}+"
        return f"{base}{self.number:#x}" + {HIGH: ".high", LOW: ".low"}.get(self.half, "")


@dataclass(frozen=True)
class Step:
    """One step; ``command``, ``types`` and ``slot`` count for some kinds only."""

    kind: Kind
    values: tuple[Value, ...] = ()
    command: int = 0
    types: int = 0
    slot: int = 0

    def packed(self) -> bytes:
        """Return struct mprotect_test_step."""
        values = [*self.values, *[Value(0)] * (8 - len(self.values))]
        places = [value.place | value.half for value in values]
        numbers = [value.number & 0xFFFF_FFFF_FFFF_FFFF for value in values]
        return _STEP.pack(self.kind, self.command, self.types, self.slot, *places, *numbers)

    def __str__(self) -> str:
        """Return it for people."""
        command = f" {self.command} types {self.types:#06x}" if self.kind == Kind.INVOKE else ""
        slot = f" SLOT{self.slot}" if self.kind == Kind.MAP else ""
        return f"{self.kind.name}{command}{slot} {' '.join(map(str, self.values))}".rstrip()


@dataclass(frozen=True)
class Script:
    """The steps of a seed, for the TA that is ``flagged`` or the other one, and the word that is watched."""

    seed: int
    flagged: bool
    stop: int
    steps: tuple[Step, ...]

    def packed(self) -> bytes:
        """Return struct mprotect_test_script and its steps."""
        head = _SCRIPT.pack(not self.flagged, self.stop, len(self.steps), 0)
        return head + b"".join(step.packed() for step in self.steps)

    def lines(self) -> Iterator[str]:
        """Yield it for people."""
        yield f"seed {self.seed}, {'flagged' if self.flagged else 'unflagged'} TA, stop {self.stop}"
        yield from (f"{number:>4} {step}" for number, step in enumerate(self.steps))


@dataclass(frozen=True)
class Reply:
    """What came of a script: the command, an empty one after it, the places, each step's result and value."""

    result: int
    after: int
    places: tuple[int, ...]
    done: tuple[tuple[int, int], ...]


def replies(data: bytes) -> Iterator[Reply]:
    """Yield the replies that `mprotect_test --steps` wrote; one that was cut short is left out."""
    for at in range(0, len(data) - _REPLY + 1, _REPLY):
        result, after = _RESULTS.unpack_from(data, at)
        places = _PLACES.unpack_from(data, at + _RESULTS.size)
        first = at + _RESULTS.size + _PLACES.size
        done = [_DONE.unpack_from(data, first + n * _DONE.size) for n in range(MOST_STEPS)]
        yield Reply(result, after, places, tuple((code, value) for code, _, value in done))
