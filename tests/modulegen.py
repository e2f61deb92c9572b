"""Makes small valid modules of many shapes, each from a seed: what they need of memory is the test."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_I32 = b"\x7f"
_VALUE_TYPES = (b"\x7f", b"\x7e", b"\x7d", b"\x7c")
_CONSTANTS = {
    b"\x7f": b"\x41\x07",
    b"\x7e": b"\x42\x07",
    b"\x7d": b"\x43\0\0\0\0",
    b"\x7c": b"\x44" + bytes(8),
}
# Functions of WASI that take and give i32 alone, with their number of parameters.
_WASI = {"proc_exit": 1, "fd_close": 1, "random_get": 2, "args_get": 2, "fd_write": 4, "sched_yield": 0}


def leb(number: int) -> bytes:
    """Return an unsigned number as the binary format has it."""
    data = b""
    while number > 0x7F:
        data += bytes([number & 0x7F | 0x80])
        number >>= 7
    return data + bytes([number])


def vector(items: Sequence[bytes]) -> bytes:
    """Return a vector of encoded items."""
    return leb(len(items)) + b"".join(items)


def name(text: str) -> bytes:
    """Return a name as the binary format has it."""
    return leb(len(text)) + text.encode()


def section(number: int, items: Sequence[bytes]) -> bytes:
    """Return a section that is a vector; nothing for an empty one."""
    body = vector(items)
    return bytes([number]) + leb(len(body)) + body if items else b""


class Shape:
    """The sizes of a module's parts, drawn from a seed: most are tiny, some parts of some are large."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.pages = self.draw.choice((None, 0, 1, 1, 2, 17))
        self.imports = self.draw.sample(sorted(_WASI), self.few(len(_WASI)))
        self.functions = 1 + self.few(120)
        self.globals = self.few(90)
        self.table = self.few(300)
        self.exports = self.few(80)
        self.long_names = self.draw.random() < 0.3

    def few(self, most: int) -> int:
        """Return 0, a small number, or rarely one up to ``most``."""
        return self.draw.choice((0, 0, 1, 2, 3, self.draw.randint(0, most)))

    def many(self, most: int, make: Callable[[int], bytes]) -> list[bytes]:
        """Return few items, each made of its number."""
        return [make(number) for number in range(self.few(most))]


def module(seed: int) -> bytes:
    """Return a module that exports _start, which returns at once or does a little."""
    shape = Shape(seed)
    imports = shape.imports
    types = [b"\x60\0\0", *(_type(_WASI[text], text != "proc_exit") for text in imports)]
    more = shape.many(
        40, lambda _: b"\x60" + vector(shape.draw.choices(_VALUE_TYPES, k=shape.few(9))) + b"\0"
    )
    first = len(imports)
    exports = [name("_start") + b"\0" + leb(first)]
    if shape.pages is not None:
        exports.append(name("memory") + b"\x02\0")
    tail = "x" * 60 if shape.long_names else ""
    exports += [name(f"e{n}{tail}") + b"\0" + leb(first) for n in range(shape.exports)]
    elements = []
    if shape.table:
        numbers = [leb(first + n % shape.functions) for n in range(shape.draw.randint(0, shape.table))]
        elements = [b"\0\x41\0\x0b" + vector(numbers)]
    data = []
    if shape.pages:
        data = shape.many(30, lambda n: b"\0\x41" + leb(n) + b"\x0b" + vector([b"d"] * shape.few(3000)))
    return b"\0asm\1\0\0\0" + b"".join(
        (
            section(1, types + more),
            section(
                2,
                [
                    name("wasi_snapshot_preview1") + name(t) + b"\0" + leb(n + 1)
                    for n, t in enumerate(imports)
                ],
            ),
            section(3, [b"\0"] * shape.functions),
            section(4, [b"\x70\0" + leb(shape.table)] if shape.table else []),
            section(5, [] if shape.pages is None else [b"\0" + leb(shape.pages)]),
            section(6, [_global(shape.draw.choice(_VALUE_TYPES)) for _ in range(shape.globals)]),
            section(7, exports),
            section(9, elements),
            section(10, [_body(shape, n, first) for n in range(shape.functions)]),
            section(11, data),
        )
    )


def _import(text: str, kind: int) -> bytes:
    return name("wasi_snapshot_preview1") + name(text) + b"\0" + leb(kind)


def _type(parameters: int, gives: bool) -> bytes:
    return b"\x60" + vector([_I32] * parameters) + vector([_I32] * gives)


def _global(kind: bytes) -> bytes:
    return kind + b"\1" + _CONSTANTS[kind] + b"\x0b"


def _body(shape: Shape, number: int, first: int) -> bytes:
    """Return a function: calls of the next one, constants and stores, all of which become relocations."""
    code = b""
    if number + 1 < shape.functions:
        code += (b"\x10" + leb(first + number + 1)) * shape.few(2)
    if shape.pages:
        code += b"\x41\x08\x41\x2a\x36\x02\0" * shape.few(4)
    code += (b"\x44" + b"\x1f\x85\xebQ\xb8\x1e\x09@" + b"\x1a") * shape.few(3)
    body = b"\0" + code + b"\x0b"
    return leb(len(body)) + body
