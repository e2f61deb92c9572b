"""A generator of our own: small modules that are rich in what WAMR's compiler and its tables got wrong.

Each is valid and ends: loops and calls take from a budget that is a global of the module.
"""

from __future__ import annotations

import random

from .expressions import Shape, Table
from .functions import Function
from .opcodes import EXTERNREF, FUNCREF, I32, NUMBERS, constant, leb

_END = b"\x0b"
_PAGE = 1 << 16


def _vector(entries: list[bytes]) -> bytes:
    return leb(len(entries)) + b"".join(entries)


def _section(number: int, entries: list[bytes]) -> bytes:
    body = _vector(entries)
    return bytes([number]) + leb(len(body)) + body if entries else b""


def _types(chance: random.Random, shape: Shape) -> None:
    """Choose types; sometimes so many that their indices take two bytes wherever they stand."""
    if chance.random() < 0.3:
        shape.types += [((), ())] * 130
    kinds = (*NUMBERS, I32, FUNCREF, EXTERNREF)
    for _ in range(chance.randrange(4, 9)):
        takes = tuple(chance.choice(kinds) for _ in range(chance.choice((0, 1, 1, 2, 3, 9))))
        gives = tuple(chance.choice(kinds) for _ in range(chance.choice((0, 1, 1, 1, 2, 4))))
        shape.types.append((takes, gives))
    shape.types.append(((), ()))
    first = 130 if len(shape.types) > 130 else 0
    shape.functions = [chance.randrange(first, len(shape.types)) for _ in range(chance.randrange(2, 6))]


def _shape(chance: random.Random) -> Shape:
    shape = Shape()
    _types(chance, shape)
    pages = 0 if chance.random() < 0.05 else chance.choice((1, 1, 1, 2))
    shape.pages = (pages, pages + chance.randrange(2))
    for _ in range(chance.randrange(1, 5)):
        size = 0 if chance.random() < 0.1 else chance.choice((1, 2, 5, 10, 17))
        kind = EXTERNREF if chance.random() < 0.2 else FUNCREF
        shape.tables.append(Table(kind, size, size + chance.choice((0, 1, 5, 40))))
    # Those of the generator come first: what is left of the budget.
    shape.globals = [(I32, True)]
    for _ in range(chance.randrange(1, 7)):
        shape.globals.append((chance.choice((*NUMBERS, FUNCREF, EXTERNREF)), chance.random() < 0.8))
    shape.segments = chance.randrange(1, 5)
    shape.data = chance.randrange(1, 4)
    return shape


def _elements(chance: random.Random, shape: Shape) -> list[bytes]:
    """Return segments of functions: active in some table, passive, or declarative for all ref.func."""
    functions = [leb(n) for n in range(len(shape.functions))]
    made = []
    whole = [n for n, table in enumerate(shape.tables) if table.kind == FUNCREF and chance.random() < 0.7]
    for table in whole:
        few = functions if chance.random() < 0.3 else [chance.choice(functions)]
        held = _vector([chance.choice(few) for _ in range(shape.tables[table].least)])
        made.append(b"\x02" + leb(table) + constant(I32, 0) + _END + b"\x00" + held)
    for _ in range(shape.segments):
        count = chance.randrange(0, 8)
        refs = [b"\xd2" + chance.choice(functions) + _END for _ in range(count)]
        refs = [b"\xd0\x70\x0b" if chance.random() < 0.3 else ref for ref in refs]
        plain = _vector([chance.choice(functions) for _ in range(count)])
        tables = [n for n, table in enumerate(shape.tables) if table.kind == FUNCREF and table.least >= count]
        if tables and chance.random() < 0.5:
            table = chance.choice(tables)
            offset = chance.randrange(shape.tables[table].least - count + 1)
            if chance.random() < 0.03:
                offset += 50
            place = leb(table) + constant(I32, offset) + _END
            exact = chance.random() < 0.5
            made.append(
                b"\x06" + place + b"\x70" + _vector(refs) if exact else b"\x02" + place + b"\x00" + plain
            )
        else:
            made.append(chance.choice((b"\x05\x70" + _vector(refs), b"\x01\x00" + plain)))
    return [*made, b"\x03\x00" + _vector(functions)]


def _data(chance: random.Random, shape: Shape) -> list[bytes]:
    made = []
    for _ in range(shape.data):
        held = chance.randbytes(chance.choice((0, 1, 7, 64, 300)))
        if shape.pages[0] and chance.random() < 0.4:
            offset = chance.choice((0, 13, 1000, shape.pages[0] * _PAGE - len(held)))
            made.append(b"\x00" + constant(I32, offset) + _END + leb(len(held)) + held)
        else:
            made.append(b"\x01" + leb(len(held)) + held)
    return made


def generate(seed: int) -> bytes:
    """Return the module of a seed: the same bytes each time."""
    chance = random.Random(seed)
    shape = _shape(chance)
    # Few may go so deep that the stack ends: of those the outcome is open.
    budget = 40000 if chance.random() < 0.02 else chance.choice((20, 100, 300))
    bodies = [Function(chance, shape, shape.types[index]).body() for index in shape.functions]
    bodies += [_refilled(n, len(shape.types[index][0]), budget) for n, index in enumerate(shape.functions)]
    values = [constant(I32, budget)]
    values += [_value(chance, shape, kind) for kind, _ in shape.globals[1:]]
    sections = [
        _section(
            1,
            [
                b"\x60" + _vector([bytes([k]) for k in p]) + _vector([bytes([k]) for k in r])
                for p, r in shape.types
            ],
        ),
        _section(3, [leb(index) for index in shape.functions * 2]),
        _section(4, [bytes([t.kind, 1]) + leb(t.least) + leb(t.most) for t in shape.tables]),
        _section(5, [b"\x01" + leb(shape.pages[0]) + leb(shape.pages[1])]),
        _section(6, [bytes([k, m]) + v + _END for (k, m), v in zip(shape.globals, values, strict=True)]),
        _section(
            7,
            [
                leb(2) + f"f{n}".encode() + b"\x00" + leb(len(shape.functions) + n)
                for n in range(len(shape.functions))
            ],
        ),
        _section(9, _elements(chance, shape)),
        b"\x0c" + leb(len(leb(shape.data))) + leb(shape.data),
        _section(10, [leb(len(body)) + body for body in bodies]),
        _section(11, _data(chance, shape)),
    ]
    return b"\0asm\x01\0\0\0" + b"".join(sections)


def _refilled(function: int, parameters: int, budget: int) -> bytes:
    """Return the body of what is exported for a function: the whole budget is for each call from outside."""
    args = b"".join(b"\x20" + leb(n) for n in range(parameters))
    return b"\x00" + constant(I32, budget) + b"\x24\x00" + args + b"\x10" + leb(function) + _END


def _value(chance: random.Random, shape: Shape, kind: int) -> bytes:
    if kind == FUNCREF and chance.random() < 0.7:
        return b"\xd2" + leb(chance.randrange(len(shape.functions)))
    if kind in (FUNCREF, EXTERNREF):
        return b"\xd0" + bytes([kind])
    return constant(kind, Function.bits(chance, kind))
