"""A module with a function added that tells what is not seen from outside: memory, globals and tables."""

from __future__ import annotations

from dataclasses import dataclass

from teeforge.base.reader import Reader
from teeforge.modules.wasm import VALUE_TYPES
from teeforge.spectest.binary import Module, leb, read_module, write_module

from .opcodes import EQUAL, F32, F64, I32, I64, REINTERPRET, constant

CODES = {name: code for code, name in VALUE_TYPES.items()}
OBSERVER = "seen: memory, globals and tables"
_END = b"\x0b"
# Where a loop is, the hash, and a float that may be a NaN.
_AT, _HASH, _FLOAT = b"\x00", b"\x01", {F32: b"\x02", F64: b"\x03"}
_LOCALS = b"\x04" + b"".join(b"\x01" + bytes([kind]) for kind in (I32, I64, F32, F64))


@dataclass(frozen=True)
class Observed:
    """A module to run: its exported functions with the types of what they take."""

    wasm: bytes
    functions: tuple[tuple[str, tuple[str, ...]], ...]


def observe(wasm: bytes) -> Observed:
    """Add a function that returns a hash: one call, since each takes its time."""
    module = read_module(wasm)
    code = b"".join(_global(index, CODES[kind]) for index, (kind, _, _) in enumerate(module.globals))
    code += b"".join(map(_table, range(len(module.tables))))
    if module.memories:
        code += _memory()
    functions = tuple(
        (name, module.types[module.functions[index][0]].params)
        for name, (kind, index) in module.exports.items()
        if kind == "func"
    )
    return Observed(_with(module, _LOCALS + code + b"\x20" + _HASH + _END), functions)


def _with(module: Module, body: bytes) -> bytes:
    """Return the module with a function () -> i64."""
    sections, name = dict(module.sections), OBSERVER.encode()
    added = [
        (1, b"\x60\x00\x01" + bytes([I64])),
        (3, leb(len(module.types))),
        (7, leb(len(name)) + name + b"\x00" + leb(len(module.functions))),
        (10, leb(len(body)) + body),
    ]
    for number, entry in added:
        sections[number] = _append(sections.get(number, b"\x00"), entry)
    return write_module(sections)


def _count(section: bytes) -> tuple[int, bytes]:
    """Return how many entries a section has, and the entries."""
    reader = Reader(section, 0, len(section), "a section")
    count = reader.leb("a count")
    return count, section[reader.at :]


def prepend(section: bytes, entries: list[bytes]) -> bytes:
    """Return a section with entries before its own."""
    count, rest = _count(section)
    return leb(count + len(entries)) + b"".join(entries) + rest


def _append(section: bytes, entry: bytes) -> bytes:
    count, rest = _count(section)
    return leb(count + 1) + rest + entry


def _mix(value: bytes) -> bytes:
    """Take an i64 into the hash."""
    mixed = b"\x20" + _HASH + value + b"\x85" + constant(I64, 0x9E3779B97F4A7C15) + b"\x7e"
    return mixed + constant(I64, 29) + b"\x89\x21" + _HASH


def _global(index: int, kind: int) -> bytes:
    get = b"\x23" + leb(index)
    if kind == I64:
        return _mix(get)
    if kind == I32:
        return _mix(get + b"\xad")
    if kind not in EQUAL:
        return _mix(get + b"\xd1\xad")
    # Any NaN is the same: only a number is equal to itself.
    again = b"\x20" + _FLOAT[kind]
    number = get + b"\x22" + _FLOAT[kind] + constant(kind, 0x7F) + again + again + EQUAL[kind] + b"\x1b"
    return _mix(number + (REINTERPRET[I32][0] + b"\xad" if kind == F32 else REINTERPRET[I64][0]))


def _loop(size: bytes, step: int, bound: bytes, value: bytes) -> bytes:
    """Take a size and each value below it into the hash."""
    start = constant(I32, 0) + b"\x21" + _AT
    again = b"\x20" + _AT + constant(I32, step) + b"\x6a\x22" + _AT + bound + b"\x49\x0d\x00"
    return _mix(size + b"\xad") + start + size + b"\x04\x40\x03\x40" + _mix(value) + again + _END + _END


def _memory() -> bytes:
    size = b"\x3f\x00"
    return _loop(size, 8, size + constant(I32, 16) + b"\x74", b"\x20" + _AT + b"\x29\x03\x00")


def _table(index: int) -> bytes:
    """Of a table only which entries are null: references have no bits."""
    size = b"\xfc\x10" + leb(index)
    return _loop(size, 1, size, b"\x20" + _AT + b"\x25" + leb(index) + b"\xd1\xad")
