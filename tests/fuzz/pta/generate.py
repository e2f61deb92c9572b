"""The script of a seed: calls at the edges of what the TA has, and far beyond, before a seal and after it."""

from __future__ import annotations

import random
from collections.abc import Sequence

from .model import (
    ACCESS,
    ANY_OWNER,
    DONE_BYTES,
    INVOKE,
    MOST_MS,
    PR,
    PW,
    READ,
    SUCCESS,
    TYPES,
    UR,
    UW,
    UX,
    WRITE,
    Model,
)
from .steps import HIGH, LOW, PAGE, PLACES, SLOTS, Command, Kind, Place, Script, Step, Value

_MOST = 24
# Where the model's memory lies while a script is made up: apart, and of more bytes than there are.
_FIRST, _APART = 1 << 40, 1 << 32
_MEMORY = (Place.STACK, Place.HEAP, Place.DATA, Place.CLIENT)
_PROTS = (UR, UR | UW, UR | UX, UR | PR, UR | UW | PR | PW, UR | UX | PR)
_WORDS = (
    0,
    1,
    2,
    4,
    7,
    16,
    31,
    32,
    33,
    PAGE - 1,
    PAGE,
    PAGE + 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    (1 << 64) - 1,
)
# Of the words that are watched: around the ends of the parameters, and beyond them within their pages.
_OFFSETS = (DONE_BYTES - 8, DONE_BYTES - 4, PAGE // 2, PAGE - 8, 2 * PAGE - 8, 2 * PAGE - 4)
_TYPES = (0, 0x1, 0x11, 0x5, 0x111, 0x131, 0x31, 0x55, 0x61, 0x77, 0x5555, 0x1111)


class _Maker:
    """Makes up one script; a model of its own knows what would come of a step if all goes well."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.flagged = self.chance.random() < 0.75
        places = [0] * PLACES
        for place in range(int(Place.STACK), PLACES):
            places[place] = _FIRST + place * _APART
        self.model = Model(self.flagged, _MOST, places)
        self.mapped: dict[int, int] = {}
        self.next: list[Step] = []

    def script(self, seed: int) -> Script:
        """Return the script of a seed."""
        steps: list[Step] = []
        wanted = self.chance.randrange(3, _MOST)
        while len(steps) < wanted:
            step = self._step(steps)
            expected = self.model.expect(step)
            last = len(steps) + 1 >= wanted
            # What ends the instance is worth it at the end, or now and then.
            if expected.must_die and not last and self.chance.random() < 0.95:
                continue
            steps.append(step)
            if expected.must_die:
                break
            if expected.results and SUCCESS in expected.results:
                self.model.apply(step, SUCCESS, _FIRST + (PLACES + len(steps)) * _APART)
        return Script(seed, self.flagged, self.chance.choice((0, 0, 1)), tuple(steps))

    def _step(self, before: Sequence[Step]) -> Step:
        if self.next:
            return self.next.pop(0)
        if not before or (len(self.mapped) < 2 and self.chance.random() < 0.5):
            return self._map()
        kinds = {
            self._sound: 10,
            self._map: 5,
            self._beside: 4,
            self._unmap: 4,
            self._mprotect: 10 if self.model.sealed else 34,
            self._write: 14,
            self._run: 10,
            self._access: 30 if self.model.sealed else 12,
            self._seal: 10 if self.model.sealed else 3,
            self._watch: 10 if self.model.watched else 4,
            self._wild: 8,
            self._session: 0.5,
        }
        return self.chance.choices(list(kinds), list(kinds.values()))[0]()

    def _sound(self) -> Step:
        """Return the first step of what a runtime does: code is written, made executable, and run."""
        place, pages = self._slot()
        page = self.chance.randrange(pages)
        at = Value(page * PAGE, place)
        values = (Value(PAGE), Value(UR | UX), *self._address(place, page))
        self.next = [
            Step(Kind.WRITE, (at, Value(self.chance.getrandbits(16)))),
            Step(Kind.INVOKE, values, Command.MPROTECT, TYPES[Command.MPROTECT]),
            Step(Kind.RUN, (at,)),
        ]
        back = (values[0], Value(UR | UW), *values[2:])
        return Step(Kind.INVOKE, back, Command.MPROTECT, TYPES[Command.MPROTECT])

    def _map(self) -> Step:
        slot, pages = self.chance.randrange(SLOTS), self.chance.choice((1, 1, 2, 3, 5))
        size = pages * PAGE - self.chance.choice((0, 0, 0, 1, PAGE - 1))
        flags = self.chance.choice((0, 0, 0, 0, 1, 2))
        values = [Value(size), Value(flags)]
        if self.mapped and self.chance.random() < 0.2:
            # At an address of ours, in the middle of what is there or beside it.
            values += self._address(
                Place.SLOT + self.chance.choice(list(self.mapped)), self.chance.randrange(6)
            )
        elif flags != 2:
            self.mapped[slot] = pages
        values += [Value(0)] * (6 - len(values))
        return Step(Kind.MAP, tuple(values), Command.MAP_ZI, TYPES[Command.MAP_ZI], slot)

    def _beside(self) -> Step:
        """Return a mapping that may be shared, right behind one that may not; next is a range over both."""
        place, pages = self._slot()
        free = [slot for slot in range(SLOTS) if slot not in self.mapped] or [SLOTS - 1]
        both = (Value((pages + 1) * PAGE), Value(self.chance.choice(_PROTS)), *self._address(place, 0))
        self.next = [Step(Kind.INVOKE, both, Command.MPROTECT, TYPES[Command.MPROTECT])]
        values = (Value(PAGE), Value(1), *self._address(place, pages), Value(0), Value(0))
        return Step(Kind.MAP, values, Command.MAP_ZI, TYPES[Command.MAP_ZI], self.chance.choice(free))

    def _address(self, place: int, page: int, offset: int = 0) -> list[Value]:
        number = page * PAGE + offset
        return [Value(number, place, HIGH), Value(number, place, LOW)]

    def _slot(self) -> tuple[int, int]:
        """Return the place of something that was mapped, and its pages."""
        slot = self.chance.choice(list(self.mapped) or [0])
        return Place.SLOT + slot, self.mapped.get(slot, 1)

    def _unmap(self) -> Step:
        place, pages = self._slot()
        first = self.chance.randrange(pages)
        count = self.chance.randrange(1, pages - first + 1)
        values = (Value(count * PAGE), Value(0), *self._address(place, first))
        return Step(Kind.INVOKE, values, Command.UNMAP, TYPES[Command.UNMAP])

    def _mprotect(self) -> Step:
        place, pages = self._slot()
        first, count = self.chance.randrange(pages), self.chance.randrange(1, pages + 1)
        prot = self.chance.choice(_PROTS)
        offset, size = 0, count * PAGE - self.chance.choice((0, 0, 1, PAGE - 1))
        match self.chance.randrange(12):
            case 0:
                place, first = self.chance.choice((*_MEMORY, Place.CODE, Place.STEPS)), 0
            case 1:
                first -= self.chance.randrange(1, 3)
            case 2:
                offset = self.chance.choice((1, 8, 16, PAGE // 2, PAGE - 1))
            case 3:
                size = self.chance.choice(_WORDS)
            case 4:
                prot = self.chance.choice(
                    (self.chance.getrandbits(10), self.chance.getrandbits(32), UW, UX, 0x40)
                )
            case 5:
                prot = UR | UW | UX
            case 6:
                literal = self.chance.choice(
                    (0, self.chance.getrandbits(64), (1 << 64) - PAGE, 1 << 63, 1 << 47)
                )
                place, first, offset = Place.LITERAL, 0, literal & ~(PAGE - 1)
        values = (Value(size), Value(prot), *self._address(place, first, offset))
        return Step(Kind.INVOKE, values, Command.MPROTECT, self._types(Command.MPROTECT))

    def _types(self, command: Command) -> int:
        if self.chance.random() < 0.93:
            return TYPES[command]
        return self.chance.choice((*_TYPES, self.chance.getrandbits(16)))

    def _write(self) -> Step:
        place, pages = self._slot()
        page = self.chance.randrange(pages)
        if self.chance.random() < 0.15:
            place, page = self.chance.choice(_MEMORY), 0
        if self.chance.random() < 0.1:
            return Step(Kind.WRITE_LOOP, (Value(page * PAGE, place), Value(self.chance.randrange(1, 16))))
        return Step(Kind.WRITE, (Value(page * PAGE, place), Value(self.chance.getrandbits(16))))

    def _run(self) -> Step:
        place, pages = self._slot()
        page = self.chance.randrange(pages)
        if self.chance.random() < 0.1:
            place, page = self.chance.choice(_MEMORY), 0
        return Step(Kind.RUN, (Value(page * PAGE, place),))

    def _access(self) -> Step:
        place, pages = self._slot()
        first = self.chance.randrange(pages)
        count = self.chance.randrange(1, pages - first + 1)
        if self.chance.random() < 0.2:
            place, first, count = self.chance.choice((*_MEMORY, Place.CODE)), 0, 1
        flags = ANY_OWNER | self.chance.choice((READ, WRITE, READ | WRITE))
        return Step(Kind.ACCESS, (Value(flags), Value(first * PAGE, place), Value(count * PAGE)))

    def _seal(self) -> Step:
        keep = [self.chance.getrandbits(32) | self.chance.getrandbits(32) for _ in range(3)]
        # What shows whether a later seal gives it back, and what the rest is done with.
        keep[0] &= ~(1 << 5 | 1 << ACCESS)
        keep[0] |= (self.chance.random() < 0.5) << ACCESS | (self.chance.random() < 0.9) << INVOKE
        keep[2] &= 0x7F
        last = 0
        match self.chance.randrange(10):
            case 0:
                keep[0] |= 1 << 5
            case 1:
                keep[2] |= 1 << self.chance.randrange(7, 32)
            case 2:
                last = self.chance.getrandbits(32)
            case 3:
                keep = [0, 0, 0]
        numbers = [Value(number) for number in (*keep, last)]
        # What the IDs of objects have to begin with; the longest there can be has 64 bytes.
        size = self.chance.choice((0, 0, 0, self.model.prefix, 1, 32, 64, 65))
        prefix = [Value(0, Place.DATA) if size else Value(0), Value(size)]
        return Step(Kind.INVOKE, (*numbers, *prefix), Command.SEAL, self._types(Command.SEAL))

    def _watch(self) -> Step:
        place, pages = self._slot()
        handlers = [Value(0)] * 4 + [
            Value(self.chance.randrange(pages) * PAGE, place),
            Value(self.chance.getrandbits(64)),
            Value(0xFFFF_0000_0000_0000),
            Value(self.chance.randrange(0, 2 * PAGE), Place.DATA),
        ]
        handler = self.chance.choice(handlers)
        grace = self.chance.choice((0, 1, 50, 200))
        if handler.number == 0 and handler.place == Place.LITERAL:
            grace = self.chance.choice((grace, MOST_MS, MOST_MS + 1, (1 << 32) - 1))
        values = (
            Value(self.chance.choice((0, 1, 2, 2, 2, 2, 3, 4, (1 << 32) - 1))),
            Value(self.chance.choice((0, 0, 0, 0, 4, 8, 1, 2, *_OFFSETS, (1 << 32) - 1))),
            handler,
            Value(self.chance.getrandbits(32)),
            Value(self.chance.choice((0, 0, 0, 1, 50, MOST_MS, MOST_MS + 1))),
            Value(grace),
        )
        return Step(Kind.SET_WATCH, values)

    def _wild(self) -> Step:
        """Return a command with any parameters at all."""
        command = self.chance.choice((Command.MPROTECT, Command.WATCH, Command.WATCH, Command.SEAL))
        types = self.chance.choice(
            (TYPES[command], *_TYPES, self.chance.getrandbits(16), self.chance.getrandbits(32))
        )
        values = []
        for _ in range(8):
            place = self.chance.choice((0, 0, 0, *_MEMORY, Place.CODE, Place.STEPS, self._slot()[0]))
            values.append(Value(self.chance.choice((*_WORDS, self.chance.getrandbits(64))), place))
        return Step(Kind.INVOKE, tuple(values), command, types)

    def _session(self) -> Step:
        return Step(self.chance.choice((Kind.OPEN, Kind.CLOSE)))


def make(seed: int) -> Script:
    """Return the script of a seed, always the same."""
    return _Maker(seed).script(seed)
