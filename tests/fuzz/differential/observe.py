"""A module with functions added that tell what cannot be seen from outside: its memory, globals and tables."""

from __future__ import annotations

from dataclasses import dataclass

from teeforge.base.reader import Reader
from teeforge.modules.wasm import VALUE_TYPES
from teeforge.spectest.binary import Module, leb, read_module, write_module

from .opcodes import I32, I64, constant

CODES = {name: code for code, name in VALUE_TYPES.items()}
_GLOBALS_MAX = 12
_TABLES_MAX = 6
_NUMBERS = ("i32", "i64", "f32", "f64")
_END = b"\x0b"


@dataclass(frozen=True)
class Observed:
    """A module to run: its exported functions with the types of what they take, and those that observe it."""

    wasm: bytes
    functions: tuple[tuple[str, tuple[str, ...]], ...]
    observers: tuple[str, ...]


def observe(wasm: bytes) -> Observed:
    """Add the functions. A module may come without any section of these."""
    module = read_module(wasm)
    made: list[tuple[str, int, bytes, bytes]] = []
    if module.memories:
        made.append(("seen memory", I64, _LOCALS, _memory()))
    for index, (kind, _, _) in enumerate(module.globals[:_GLOBALS_MAX]):
        get = b"\x23" + leb(index)
        plain = kind in _NUMBERS
        made.append((f"seen global {index}", CODES[kind] if plain else I32, b"\x00", get + (b"" if plain else b"\xd1")))
    for index in range(min(len(module.tables), _TABLES_MAX)):
        made.append((f"seen table {index}", I64, _LOCALS, _table(index)))
    functions = tuple(
        (name, module.types[module.functions[index][0]].params)
        for name, (kind, index) in module.exports.items()
        if kind == "func"
    )
    return Observed(_with(module, made), functions, tuple(name for name, *_ in made))


def _with(module: Module, made: list[tuple[str, int, bytes, bytes]]) -> bytes:
    """Return the module with functions of one result: name, type, locals and code of each."""
    sections = dict(module.sections)
    types, functions = len(module.types), len(module.functions)
    added = [
        (1, [b"\x60\x00\x01" + bytes([kind]) for _, kind, _, _ in made]),
        (3, [leb(types + n) for n in range(len(made))]),
        (7, [_name(name) + b"\x00" + leb(functions + n) for n, (name, *_) in enumerate(made)]),
        (10, [leb(len(locals_ + code + _END)) + locals_ + code + _END for _, _, locals_, code in made]),
    ]
    for number, entries in added:
        sections[number] = _append(sections.get(number, b"\x00"), entries)
    return write_module(sections)


def _name(text: str) -> bytes:
    encoded = text.encode()
    return leb(len(encoded)) + encoded


def _count(section: bytes) -> tuple[int, bytes]:
    """Return how many entries a section has, and the entries."""
    reader = Reader(section, 0, len(section), "a section")
    count = reader.leb("a count")
    return count, section[reader.at :]


def prepend(section: bytes, entries: list[bytes]) -> bytes:
    """Return a section with entries before its own."""
    count, rest = _count(section)
    return leb(count + len(entries)) + b"".join(entries) + rest


def _append(section: bytes, entries: list[bytes]) -> bytes:
    count, rest = _count(section)
    return leb(count + len(entries)) + rest + b"".join(entries)


def _loop(size: bytes, step: int, bound: bytes, value: bytes) -> bytes:
    """Return locals and code of a hash over ``size`` and each ``value``; local 0 is where it is, 1 the hash."""
    hash_one = b"\x20\x01" + value + b"\x85" + constant(I64, 0x9E3779B97F4A7C15) + b"\x7e"
    hash_one += constant(I64, 29) + b"\x89\x21\x01"
    again = b"\x20\x00" + constant(I32, step) + b"\x6a\x22\x00" + bound + b"\x49\x0d\x00"
    loop = b"\x03\x40" + hash_one + again + _END
    return size + b"\xad\x21\x01" + size + b"\x04\x40" + loop + _END + b"\x20\x01"


_LOCALS = b"\x02\x01\x7f\x01\x7e"


def _memory() -> bytes:
    size = b"\x3f\x00"
    return _loop(size, 8, size + constant(I32, 16) + b"\x74", b"\x20\x00\x29\x03\x00")


def _table(index: int) -> bytes:
    """Of a table only which entries are null: references have no bits."""
    size = b"\xfc\x10" + leb(index)
    return _loop(size, 1, size, b"\x20\x00\x25" + leb(index) + b"\xd1\xad")
