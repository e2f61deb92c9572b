"""Modules taken apart by section and put together again, for those that the testsuite has valid.

Follows the binary format of the WebAssembly core specification, release 2.0, chapter 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from teeforge.base.errors import TeeforgeError
from teeforge.base.reader import Reader
from teeforge.modules.wasm import SECTION_NAMES, VALUE_TYPES, FuncType, Limits

_HEADER = b"\0asm\x01\0\0\0"
_KINDS = ("func", "table", "memory", "global")
# In the order of the file; the count of data segments comes before the code.
_ORDER = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11)


@dataclass(frozen=True)
class Imported:
    """An import: what it is to be, as link.Provided has it; ``index`` is a function's type."""

    module: str
    name: str
    kind: str
    type: FuncType | None = None
    value: str = ""
    mutable: bool = False
    limits: Limits | None = None
    index: int = 0


@dataclass
class Module:
    """A module by section, and what linking wants to know of it.

    ``functions`` are type and body, the body None where a copy of it in another module would do something
    else; ``globals`` type, whether they change, and the code of their value, None where it is not a number.
    """

    sections: dict[int, bytes]
    types: list[FuncType] = field(default_factory=list)
    imports: list[Imported] = field(default_factory=list)
    functions: list[tuple[int, bytes | None]] = field(default_factory=list)
    tables: list[tuple[str, Limits]] = field(default_factory=list)
    memories: list[Limits] = field(default_factory=list)
    globals: list[tuple[str, bool, bytes | None]] = field(default_factory=list)
    exports: dict[str, tuple[str, int]] = field(default_factory=dict)


def section(number: int) -> str:
    """Return what errors call a section."""
    return f"the {SECTION_NAMES[number]} section"


def leb(number: int) -> bytes:
    """Return an unsigned number as LEB128."""
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def vector(entries: Sequence[bytes]) -> bytes:
    """Return entries with their number before them."""
    return leb(len(entries)) + b"".join(entries)


def write_module(sections: Mapping[int, bytes]) -> bytes:
    """Return the file of a module, without custom sections."""
    there = [(number, sections[number]) for number in _ORDER if number in sections]
    return _HEADER + b"".join(bytes([number]) + leb(len(body)) + body for number, body in there)


def read_module(data: bytes) -> Module:
    """Take a valid module apart. Raises TeeforgeError if it is none."""
    file = Reader(data, len(_HEADER), len(data), "the module")
    sections: dict[int, bytes] = {}
    while file.at < file.end:
        number = file.byte("a section")
        body = file.take(file.leb("a size"), "a section")
        if number:
            sections[number] = body
    module = Module(sections)
    for number, entry in _READERS.items():
        body = sections.get(number, b"\0")
        reader = Reader(body, 0, len(body), section(number))
        for position in range(reader.leb("a count")):
            entry(module, reader, position)
    return module


def _type(module: Module, reader: Reader, _: int) -> None:
    reader.byte("a form")
    module.types.append(FuncType(_values(reader), _values(reader)))


def _values(reader: Reader) -> tuple[str, ...]:
    return tuple(_value(reader) for _ in range(reader.leb("a count")))


def _value(reader: Reader) -> str:
    code = reader.byte("a value type")
    if code not in VALUE_TYPES:
        raise TeeforgeError(f"0x{code:02x} is not a value type")
    return VALUE_TYPES[code]


def _text(reader: Reader) -> str:
    return reader.utf8(reader.leb("a length"), "a name")


def _limits(reader: Reader) -> Limits:
    flags = reader.byte("limits")
    return Limits(reader.leb("a minimum"), reader.leb("a maximum") if flags & 1 else None)


def _import(module: Module, reader: Reader, _: int) -> None:
    owner, name, kind = _text(reader), _text(reader), _KINDS[reader.byte("a kind")]
    if kind == "func":
        index = reader.leb("a type")
        entry = Imported(owner, name, kind, type=module.types[index], index=index)
        module.functions.append((index, None))
    elif kind == "table":
        entry = Imported(owner, name, kind, value=_value(reader), limits=_limits(reader))
        module.tables.append((entry.value, entry.limits or Limits(0)))
    elif kind == "memory":
        entry = Imported(owner, name, kind, limits=_limits(reader))
        module.memories.append(entry.limits or Limits(0))
    else:
        entry = Imported(owner, name, kind, value=_value(reader), mutable=bool(reader.byte("mutability")))
        module.globals.append((entry.value, entry.mutable, None))
    module.imports.append(entry)


def _function(module: Module, reader: Reader, _: int) -> None:
    module.functions.append((reader.leb("a type"), None))


def _table(module: Module, reader: Reader, _: int) -> None:
    module.tables.append((_value(reader), _limits(reader)))


def _memory(module: Module, reader: Reader, _: int) -> None:
    module.memories.append(_limits(reader))


def _global(module: Module, reader: Reader, _: int) -> None:
    value, mutable = _value(reader), bool(reader.byte("mutability"))
    code = read_expression(reader, ())[:-1]
    module.globals.append((value, mutable, code if 0x41 <= code[0] <= 0x44 else None))


def _export(module: Module, reader: Reader, _: int) -> None:
    name = _text(reader)
    module.exports[name] = _KINDS[reader.byte("a kind")], reader.leb("an index")


def _code(module: Module, reader: Reader, position: int) -> None:
    body = reader.take(reader.leb("a size"), "a body")
    number = position + sum(entry.kind == "func" for entry in module.imports)
    module.functions[number] = module.functions[number][0], body if is_pure(body) else None


_READERS = {
    1: _type,
    2: _import,
    3: _function,
    4: _table,
    5: _memory,
    6: _global,
    7: _export,
    10: _code,
}


def read_expression(reader: Reader, constants: Sequence[bytes]) -> bytes:
    """Read a constant expression to its end; the first globals become their values, ``constants``."""
    made = bytearray()
    while (opcode := reader.byte("a constant expression")) != 0x0B:
        begin = reader.at
        _skip_operands(reader, opcode)
        if opcode == 0x23:
            index = Reader(reader.data, begin, reader.at, reader.name).leb("a global")
            if index < len(constants):
                made += constants[index]
                continue
        made += bytes([opcode]) + reader.data[begin : reader.at]
    return bytes(made) + b"\x0b"


def is_pure(body: bytes) -> bool:
    """Tell whether a function's body touches nothing but its locals: no index of its module is in it."""
    reader = Reader(body, 0, len(body), "a body")
    for _ in range(reader.leb("a count of locals")):
        reader.leb("a number of locals")
        reader.byte("a type")
    while reader.at < reader.end:
        opcode = reader.byte("an instruction")
        if not (opcode in _PURE or 0x41 <= opcode <= 0xC4):
            return False
        if opcode in (0x02, 0x03, 0x04):
            if not 0x40 <= reader.byte("a block type") <= 0x7F:
                return False
        else:
            _skip_operands(reader, opcode)
    return True


# unreachable, nop, blocks, br, br_if, return, drop, select, local.*
_PURE = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0B, 0x0C, 0x0D, 0x0F, 0x1A, 0x1B, 0x20, 0x21, 0x22}


def _skip_operands(reader: Reader, opcode: int) -> None:
    """Step over what follows an opcode of constant expressions and pure bodies."""
    if opcode == 0x43:
        reader.take(4, "a number")
    elif opcode == 0x44:
        reader.take(8, "a number")
    elif opcode in (0x0C, 0x0D, 0x20, 0x21, 0x22, 0x23, 0x41, 0x42, 0xD0, 0xD2):
        reader.skip_leb("an operand", 64)
