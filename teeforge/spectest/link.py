"""Linking for the testsuite: what a module imports is put into it, so that it needs nobody.

The TA offers no functions but WASI's, and no globals, tables and memories. What scripts import from their
host, `spectest`, is here, for them alone; and what they import from another of their modules, as far as a
copy of it is as good: a function that touches nothing but its arguments, a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from teeforge.base.errors import TeeforgeError
from teeforge.base.reader import Reader, printable
from teeforge.modules.wasm import VALUE_TYPES, FuncType, Limits
from teeforge.spectest.binary import (
    Imported,
    Module,
    leb,
    read_expression,
    read_module,
    section,
    vector,
    write_module,
)

_CODES = {name: code for code, name in VALUE_TYPES.items()}


class LinkError(TeeforgeError):
    """The module does not link: nobody has what it imports, or it is something else."""


class LimitsError(LinkError):
    """A table or memory of another module, ``owner`` in the registry, is not as large as it is imported."""

    def __init__(self, owner: str) -> None:
        super().__init__("incompatible import type")
        self.owner = owner


class SharedError(TeeforgeError):
    """The module would share state with another one, ``owner`` in the registry, which takes two modules."""

    def __init__(self, message: str, owner: str) -> None:
        super().__init__(message)
        self.owner = owner


@dataclass(frozen=True)
class Provided:
    """Something to import: a func with a ``type`` and a ``body``, a global, a table or a memory.

    ``value`` is the element or value type, ``body`` a function's code or a global's constant expression, None
    if a copy of it would not do.
    """

    kind: str
    type: FuncType | None = None
    value: str = ""
    mutable: bool = False
    limits: Limits | None = None
    body: bytes | None = None


Exports = Mapping[str, Provided]
_EMPTY_BODY = b"\x00\x0b"


def _printer(*params: str) -> Provided:
    return Provided("func", FuncType(params, ()), body=_EMPTY_BODY)


def _constant(kind: str, code: bytes) -> Provided:
    return Provided("global", value=kind, body=code)


# What the host of a test script offers (interpreter/README.md of WebAssembly/spec): functions that would
# print, the numbers 666 and 666.6, a table, a memory.
SPECTEST: Exports = {
    "print": _printer(),
    "print_i32": _printer("i32"),
    "print_i64": _printer("i64"),
    "print_f32": _printer("f32"),
    "print_f64": _printer("f64"),
    "print_i32_f32": _printer("i32", "f32"),
    "print_f64_f64": _printer("f64", "f64"),
    "global_i32": _constant("i32", b"\x41\x9a\x05"),
    "global_i64": _constant("i64", b"\x42\x9a\x05"),
    "global_f32": _constant("f32", b"\x43" + bytes.fromhex("66a62644")),
    "global_f64": _constant("f64", b"\x44" + bytes.fromhex("cdccccccccd48440")),
    "table": Provided("table", value="funcref", limits=Limits(10, 20), body=b""),
    "memory": Provided("memory", limits=Limits(1, 2), body=b""),
}


def link(data: bytes, registry: Mapping[str, Exports]) -> bytes:
    """Return a module that imports nothing any more; one that imports nothing is returned as it is.

    Raises LinkError if it does not link, SharedError if it takes another module to do it, TeeforgeError if
    the module is not one.
    """
    module = read_module(data)
    if not module.imports:
        return data
    found = [_find(entry.module, entry.name, registry) for entry in module.imports]
    for entry, provided in zip(module.imports, found, strict=True):
        _match(entry, provided)
    for entry, provided in zip(module.imports, found, strict=True):
        if provided.body is None:
            what = f"{entry.module}.{entry.name} ({entry.kind})"
            raise SharedError(f"it shares {printable(what)} with another module", entry.module)
    return _merge(module, found)


def _find(owner: str, name: str, registry: Mapping[str, Exports]) -> Provided:
    provided = registry.get(owner, {}).get(name)
    if provided is None:
        raise LinkError(f"unknown import {printable(owner)}.{printable(name)}")
    return provided


def _match(entry: Imported, provided: Provided) -> None:
    """Raise LinkError where something is imported as what it is not (specification, "Import Matching")."""
    same = (entry.kind, entry.type, entry.value, entry.mutable)
    fits = same == (provided.kind, provided.type, provided.value, provided.mutable)
    if fits and entry.limits and provided.limits:
        most, has = entry.limits.maximum, provided.limits.maximum
        large = provided.limits.minimum >= entry.limits.minimum
        if not large or (most is not None and (has is None or has > most)):
            raise LimitsError(entry.module)
    if not fits:
        raise LinkError("incompatible import type")


def _merge(module: Module, found: Sequence[Provided]) -> bytes:
    """Put definitions where the imports were: they come first in each index space, so no index changes."""
    kinds = {kind: [p for p in found if p.kind == kind] for kind in ("func", "table", "memory", "global")}
    constants = [provided.body or b"" for provided in kinds["global"]]
    sections = dict(module.sections)
    sections.pop(2)
    indexes = [leb(entry.index) for entry in module.imports if entry.kind == "func"]
    bodies = [leb(len(p.body or b"")) + (p.body or b"") for p in kinds["func"]]
    _prepend(sections, 3, indexes)
    _prepend(sections, 4, [bytes([_CODES[p.value]]) + _limits(p.limits) for p in kinds["table"]])
    _prepend(sections, 5, [_limits(p.limits) for p in kinds["memory"]])
    for number, rewrite in ((6, _globals), (9, _elements), (11, _data)):
        if number in sections:
            sections[number] = rewrite(sections[number], constants)
    _prepend(sections, 6, [bytes([_CODES[p.value], 0]) + (p.body or b"") + b"\x0b" for p in kinds["global"]])
    _prepend(sections, 10, bodies)
    return write_module(sections)


def _prepend(sections: dict[int, bytes], number: int, entries: Sequence[bytes]) -> None:
    if not entries:
        return
    body = sections.get(number, b"\0")
    reader = Reader(body, 0, len(body), section(number))
    count = reader.leb("a count")
    sections[number] = leb(count + len(entries)) + b"".join(entries) + body[reader.at :]


def _limits(limits: Limits | None) -> bytes:
    assert limits is not None
    most = limits.maximum
    return bytes([most is not None]) + leb(limits.minimum) + (b"" if most is None else leb(most))


def _rewrite(
    body: bytes, number: int, constants: Sequence[bytes], entry: Callable[[Reader, Sequence[bytes]], bytes]
) -> bytes:
    """Return a section whose entries' constant expressions have the values of globals that were imported."""
    reader = Reader(body, 0, len(body), section(number))
    return vector([entry(reader, constants) for _ in range(reader.leb("a count"))])


def _globals(body: bytes, constants: Sequence[bytes]) -> bytes:
    def entry(reader: Reader, constants: Sequence[bytes]) -> bytes:
        return reader.take(2, "a global's type") + read_expression(reader, constants)

    return _rewrite(body, 6, constants, entry)


def _data(body: bytes, constants: Sequence[bytes]) -> bytes:
    def entry(reader: Reader, constants: Sequence[bytes]) -> bytes:
        mode = reader.leb("a mode")
        made = leb(mode)
        if mode == 2:
            made += leb(reader.leb("a memory"))
        if mode != 1:
            made += read_expression(reader, constants)
        size = reader.leb("a size")
        return made + leb(size) + reader.take(size, "a segment")

    return _rewrite(body, 11, constants, entry)


def _elements(body: bytes, constants: Sequence[bytes]) -> bytes:
    """Of the eight kinds of element segments, bit 0: not active; 1: table or declared; 2: expressions."""

    def entry(reader: Reader, constants: Sequence[bytes]) -> bytes:
        kind = reader.leb("a kind of segment")
        made = leb(kind)
        if kind & 1 == 0:
            if kind & 2:
                made += leb(reader.leb("a table"))
            made += read_expression(reader, constants)
        if kind & 3:
            made += reader.take(1, "a kind of elements")
        count = reader.leb("a count")
        made += leb(count)
        for _ in range(count):
            made += read_expression(reader, constants) if kind & 4 else leb(reader.leb("a function"))
        return made

    return _rewrite(body, 9, constants, entry)


def exports_of(data: bytes) -> Exports:
    """Return what a module, linked before, offers to others."""
    module = read_module(data)
    return {name: _provided(module, kind, index) for name, (kind, index) in module.exports.items()}


def _provided(module: Module, kind: str, index: int) -> Provided:
    if kind == "func":
        type_index, body = module.functions[index]
        return Provided(kind, module.types[type_index], body=body)
    if kind == "global":
        value, mutable, code = module.globals[index]
        return Provided(kind, value=value, mutable=mutable, body=None if mutable else code)
    if kind == "table":
        value, limits = module.tables[index]
        return Provided(kind, value=value, limits=limits)
    return Provided(kind, limits=module.memories[index])


def getter(field: str) -> str:
    """Return the name of the function that gives the value of an exported global."""
    return f"spec-test: get {field}"


def add_getters(data: bytes, fields: Sequence[str]) -> bytes:
    """Return a module with a function more for each of some exported globals: it gives the global's value.

    They come last, so no index changes. The TA calls functions, and nothing else of a module's exports.
    """
    module = read_module(data)
    there = [name for name in fields if module.exports.get(name, ("", 0))[0] == "global"]
    types, functions, exports, bodies = [], [], [], []
    for number, name in enumerate(there):
        index = module.exports[name][1]
        called = getter(name).encode()
        types.append(b"\x60\0\x01" + bytes([_CODES[module.globals[index][0]]]))
        functions.append(leb(len(module.types) + number))
        exports.append(leb(len(called)) + called + b"\0" + leb(len(module.functions) + number))
        code = b"\0\x23" + leb(index) + b"\x0b"
        bodies.append(leb(len(code)) + code)
    sections = dict(module.sections)
    for section_number, entries in ((1, types), (3, functions), (7, exports), (10, bodies)):
        _append(sections, section_number, entries)
    return write_module(sections)


def _append(sections: dict[int, bytes], number: int, entries: Sequence[bytes]) -> None:
    body = sections.get(number, b"\0")
    reader = Reader(body, 0, len(body), section(number))
    count = reader.leb("a count")
    sections[number] = leb(count + len(entries)) + body[reader.at :] + b"".join(entries)
