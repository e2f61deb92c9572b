"""Expressions for the functions of generate.py: code that gives one value of a type."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .opcodes import (
    BINARY,
    COPYSIGN,
    EDGES,
    EQUAL,
    EXTERNREF,
    F32,
    F64,
    FLOATS,
    FUNCREF,
    I32,
    INTEGERS,
    LOADS,
    NUMBERS,
    REINTERPRET,
    SHIFTS,
    UNARY,
    constant,
    leb,
    signed,
)

_END = b"\x0b"
# What the label of a loop takes, which only its own end may go to: no type has this number.
LOOP = (0,)
_DEPTH = 5
_SIZE = 1500
_OFFSETS = (0, 0, 1, 4, 8, 13)
_FAR = (0xFFFF, 0x10000, 0x7FFFFFF0, 0xFFFFFFF0, 0xFFFFFFFF)
FunctionType = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Table:
    """A table: what it holds, and how many at least and at most."""

    kind: int
    least: int
    most: int


@dataclass
class Shape:
    """What a module has, as far as code names it. Global 0 is the budget."""

    types: list[FunctionType] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)
    pages: tuple[int, int] = (1, 1)
    tables: list[Table] = field(default_factory=list)
    globals: list[tuple[int, bool]] = field(default_factory=list)
    segments: int = 0
    data: int = 0


class Expressions:
    """One function while it is made: its locals, and the labels that are open, with what they take."""

    def __init__(self, chance: random.Random, shape: Shape, type: FunctionType) -> None:
        self._chance = chance
        self._shape = shape
        self._type = type
        self._locals = [*type[0], *NUMBERS, I32, FUNCREF, EXTERNREF]
        self._locals += [chance.choice(NUMBERS) for _ in range(chance.randrange(4))]
        # Of its own: no other statement sets the counter of a loop, nor a NaN on its way.
        self._own: list[int] = []
        self._labels: list[tuple[int, ...]] = []
        self._room = _SIZE

    @staticmethod
    def bits(chance: random.Random, kind: int) -> int:
        """Return a number of some type, as bits: more often one at which something changes."""
        if kind in (F32, F64):
            return chance.choice(FLOATS[kind])
        width = 32 if kind == I32 else 64
        if chance.random() < 0.2:
            return chance.getrandbits(width)
        return chance.choice(INTEGERS + EDGES[kind])

    def statement(self, depth: int) -> bytes:
        """Return code that takes and gives nothing: functions.py has it."""
        raise NotImplementedError

    def _own_local(self, kind: int) -> bytes:
        self._own.append(kind)
        return leb(len(self._locals) + len(self._own) - 1)

    def _local(self, kind: int) -> bytes:
        return leb(self._chance.choice([n for n, other in enumerate(self._locals) if other == kind]))

    def _tables(self, kind: int) -> list[int]:
        return [n for n, table in enumerate(self._shape.tables) if table.kind == kind]

    def _globals(self, kind: int, mutable: bool) -> list[int]:
        known = enumerate(self._shape.globals)
        return [n for n, (other, can) in known if n and other == kind and (can or not mutable)]

    # Expressions

    def expression(self, kind: int, depth: int) -> bytes:
        """Return code that gives a value."""
        self._room -= 1
        if depth >= _DEPTH or self._room < 0:
            return self._leaf(kind)
        ways = [self._kept, self._choice, self._block, self._called, self._indirect, self._if]
        ways += [self._global, self._branch, self._dead]
        if kind in NUMBERS:
            ways += [
                self._unary,
                self._binary,
                self._binary,
                self._load,
                self._unary,
                self._binary,
                self._shift,
            ]
        if kind == I32:
            ways += [self._size, self._null, self._grown]
        if kind in (FUNCREF, EXTERNREF):
            ways += [self._taken, self._taken]
        return (
            self._leaf(kind) if self._chance.random() < 0.15 else self._chance.choice(ways)(kind, depth + 1)
        )

    def _leaf(self, kind: int) -> bytes:
        if self._chance.random() < 0.5:
            return b"\x20" + self._local(kind)
        if kind == FUNCREF and self._chance.random() < 0.7:
            return b"\xd2" + leb(self._chance.randrange(len(self._shape.functions)))
        if kind in (FUNCREF, EXTERNREF):
            return b"\xd0" + bytes([kind])
        return constant(kind, self.bits(self._chance, kind))

    def _kept(self, kind: int, depth: int) -> bytes:
        """A value stays on the stack while statements are made, which may set the local that it is from."""
        index = self._local(kind)
        value = self._chance.choice((b"\x20" + index, b"\x20" + index, self.expression(kind, depth)))
        change = self.expression(kind, depth) + self._chance.choice(
            (b"\x21" + index, b"\x22" + index + b"\x1a")
        )
        return value + change + self.statement(depth)

    def _choice(self, kind: int, depth: int) -> bytes:
        both = self.expression(kind, depth) + self.expression(kind, depth) + self.expression(I32, depth)
        typed = kind in (FUNCREF, EXTERNREF) or self._chance.random() < 0.3
        return both + (b"\x1c\x01" + bytes([kind]) if typed else b"\x1b")

    def _block(self, kind: int, depth: int) -> bytes:
        """A block, with parameters where there is a type for it."""
        typed = [n for n, (_, gives) in enumerate(self._shape.types) if gives == (kind,)]
        if not typed or self._chance.random() < 0.4:
            return (
                b"\x02" + bytes([kind]) + self._inside((kind,), lambda: self.expression(kind, depth)) + _END
            )
        index = self._chance.choice(typed)
        takes, gives = self._shape.types[index]
        before = b"".join(self.expression(one, depth) for one in takes)
        return (
            before
            + b"\x02"
            + signed(index)
            + self._inside(gives, lambda: self._taking(takes, gives, depth))
            + _END
        )

    def _taking(self, takes: Sequence[int], gives: Sequence[int], depth: int) -> bytes:
        code = b"".join(self._away(one) for one in reversed(takes))
        return code + b"".join(self.expression(one, depth) for one in gives)

    def _away(self, kind: int) -> bytes:
        return b"\x21" + self._local(kind) if self._chance.random() < 0.7 else b"\x1a"

    def _inside(self, label: tuple[int, ...], code: Callable[[], bytes]) -> bytes:
        self._labels.append(label)
        made = code()
        self._labels.pop()
        return made

    def _if(self, kind: int, depth: int) -> bytes:
        typed = [n for n, (_, gives) in enumerate(self._shape.types) if gives == (kind,)]
        condition = self.expression(I32, depth)
        if not typed or self._chance.random() < 0.4:
            then = self._inside((kind,), lambda: self.expression(kind, depth))
            other = self._inside((kind,), lambda: self.expression(kind, depth))
            return condition + b"\x04" + bytes([kind]) + then + b"\x05" + other + _END
        index = self._chance.choice(typed)
        takes, gives = self._shape.types[index]
        before = b"".join(self.expression(one, depth) for one in takes)
        then = self._inside(gives, lambda: self._taking(takes, gives, depth))
        other = self._inside(gives, lambda: self._taking(takes, gives, depth))
        return before + condition + b"\x04" + signed(index) + then + b"\x05" + other + _END

    def _first(self, gives: Sequence[int], kind: int, depth: int) -> bytes:
        """After something that gives several values: one of this type is left."""
        code, wanted = b"", self._own_local(kind)
        found = False
        for one in reversed(gives):
            if one == kind and not found:
                code, found = code + b"\x21" + wanted, True
            else:
                code += self._away(one)
        return code + b"\x20" + wanted

    def _called(self, kind: int, depth: int) -> bytes:
        known = [(n, self._shape.types[index]) for n, index in enumerate(self._shape.functions)]
        known = [(n, type) for n, type in known if kind in type[1]]
        if not known:
            return self._leaf(kind)
        index, (takes, gives) = self._chance.choice(known)
        args = b"".join(self.expression(one, depth) for one in takes)
        return args + b"\x10" + leb(index) + self._first(gives, kind, depth)

    def _index(self, table: int, depth: int) -> bytes:
        """Mostly one that the table has."""
        size = max(1, self._shape.tables[table].least)
        if self._chance.random() < 0.03:
            return self.expression(I32, depth)
        if self._chance.random() < 0.5:
            return constant(I32, self._chance.randrange(size + (self._chance.random() < 0.05)))
        return self.expression(I32, depth) + constant(I32, size) + b"\x70"

    def _indirect(self, kind: int, depth: int) -> bytes:
        tables = self._tables(FUNCREF)
        used = [index for index in self._shape.functions if kind in self._shape.types[index][1]]
        if not tables or not used:
            return self._leaf(kind)
        table, index = self._chance.choice(tables), self._chance.choice(used)
        takes, gives = self._shape.types[index]
        args = b"".join(self.expression(one, depth) for one in takes) + self._index(table, depth)
        return args + b"\x11" + leb(index) + leb(table) + self._first(gives, kind, depth)

    def _global(self, kind: int, depth: int) -> bytes:
        known = self._globals(kind, False)
        return b"\x23" + leb(self._chance.choice(known)) if known else self._leaf(kind)

    def _branch(self, kind: int, depth: int) -> bytes:
        """A branch that may be taken, out of a block that gives the same as the branch carries."""
        near = [n for n, label in enumerate(reversed(self._labels)) if label == (kind,)]
        if not near:
            return self._leaf(kind)
        code = self.expression(kind, depth) + self.expression(I32, depth)
        return code + b"\x0d" + leb(self._chance.choice(near))

    def _dead(self, kind: int, depth: int) -> bytes:
        """A block that is left for good, and code behind that is never reached."""
        return b"\x02" + bytes([kind]) + self._inside((kind,), lambda: self._left(kind, depth)) + _END

    def _left(self, kind: int, depth: int) -> bytes:
        if self._chance.random() < 0.02:
            return b"\x00" + self._chance.choice((b"", self.expression(kind, depth)))
        near = [(n, label) for n, label in enumerate(reversed(self._labels)) if label != LOOP]
        number, label = self._chance.choice(near)
        same = [n for n, other in near if other == label]
        table = b"\x0e" + leb(len(same)) + b"".join(map(leb, same)) + leb(number)
        values = b"".join(self.expression(one, depth) for one in label)
        ways = [values + b"\x0c" + leb(number), values + self.expression(I32, depth) + table]
        ways.append(b"".join(map(self._leaf, self._type[1])) + b"\x0f")
        behind = self._chance.choice((b"", b"", self.expression(kind, depth), b"\x6a\x1a", b"\x1b\x1a"))
        return self._chance.choice(ways) + behind

    def _plain(self, kind: int, code: bytes) -> bytes:
        """Make a NaN the number 0, whose bits and sign are known."""
        if kind not in EQUAL:
            return code
        index = self._own_local(kind)
        again = b"\x20" + index
        return code + b"\x22" + index + constant(kind, 0) + again + again + EQUAL[kind] + b"\x1b"

    def _unary(self, kind: int, depth: int) -> bytes:
        if kind in REINTERPRET and self._chance.random() < 0.1:
            code, of = REINTERPRET[kind]
            return self._plain(of, self.expression(of, depth)) + code
        code, of = self._chance.choice(UNARY[kind])
        if code[0] in (*range(0xA8, 0xAC), *range(0xAE, 0xB2)) and self._chance.random() < 0.8:
            code = b"\xfc" + bytes([code[0] - 0xA8 - (2 if code[0] > 0xAD else 0)])
        return self.expression(of, depth) + code

    def _binary(self, kind: int, depth: int) -> bytes:
        if kind in COPYSIGN and self._chance.random() < 0.1:
            sign = self._plain(kind, self.expression(kind, depth))
            return self.expression(kind, depth) + sign + COPYSIGN[kind]
        code, of = self._chance.choice(BINARY[kind])
        second = self.expression(of, depth)
        if code[0] in (*range(0x6D, 0x71), *range(0x7F, 0x83)) and self._chance.random() < 0.8:
            second += constant(of, 1) + (b"\x72" if of == I32 else b"\x84")
        return self.expression(of, depth) + second + code

    def _shift(self, kind: int, depth: int) -> bytes:
        if kind not in SHIFTS:
            return self._binary(kind, depth)
        width = 32 if kind == I32 else 64
        count = self._chance.choice((0, 1, width - 1, width, width + 1, 2 * width, 5 * width + 3))
        return self.expression(kind, depth) + constant(kind, count) + self._chance.choice(SHIFTS[kind])

    def _address(self, depth: int) -> bytes:
        if self._chance.random() < 0.02:
            return self.expression(I32, depth)
        if self._chance.random() < 0.3:
            return constant(I32, self._chance.choice((0, 1, 100, 1000, 1000, 65000, 65504, 65528, 65532)))
        return (
            self.expression(I32, depth)
            + constant(I32, self._chance.choice((0xFF, 0x7FFF, 0x7FFF, 0xFFF0)))
            + b"\x71"
        )

    def _offset(self, width: int) -> bytes:
        offset = self._chance.choice(_FAR if self._chance.random() < 0.01 else _OFFSETS)
        return leb(self._chance.randrange(width.bit_length())) + leb(offset)

    def _load(self, kind: int, depth: int) -> bytes:
        opcode, width = self._chance.choice(LOADS[kind])
        return self._address(depth) + bytes([opcode]) + self._offset(width)

    def _size(self, kind: int, depth: int) -> bytes:
        return b"\x3f\x00" if self._chance.random() < 0.5 else b"\xfc\x10" + leb(self._any_table())

    def _null(self, kind: int, depth: int) -> bytes:
        return self.expression(self._chance.choice((FUNCREF, EXTERNREF)), depth) + b"\xd1"

    def _any_table(self) -> int:
        return self._chance.randrange(len(self._shape.tables))

    def _grown(self, kind: int, depth: int) -> bytes:
        if self._chance.random() < 0.5:
            return constant(I32, self._chance.choice((0, 0, 1, 2, 65536, 0xFFFFFFFF))) + b"\x40\x00"
        table = self._any_table()
        by = constant(I32, self._chance.choice((0, 1, 2, 7, 100)))
        return self.expression(self._shape.tables[table].kind, depth) + by + b"\xfc\x0f" + leb(table)

    def _taken(self, kind: int, depth: int) -> bytes:
        tables = self._tables(kind)
        if not tables:
            return self._leaf(kind)
        table = self._chance.choice(tables)
        return self._index(table, depth) + b"\x25" + leb(table)
