"""Reading .wasm files: what a module contains, without running or compiling it.

Follows the binary format of the WebAssembly core specification, release 2.0, chapter 5. Every read
is checked, so that any bytes at all give either a module or one clear line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from teeforge.base.errors import TeeforgeError
from teeforge.base.reader import Reader, printable

PAGE_SIZE = 65536
_MAGIC = b"\0asm"
_CORE_VERSION = b"\x01\0\0\0"
_COMPONENT_LAYER = b"\x01\0"  # the last two bytes of the version field of a component

SECTION_NAMES = {
    0: "custom",
    1: "type",
    2: "import",
    3: "function",
    4: "table",
    5: "memory",
    6: "global",
    7: "export",
    8: "start",
    9: "element",
    10: "code",
    11: "data",
    12: "data count",
    13: "tag",
}
# The order in which sections come; "data count" and "tag" were given their numbers later.
_ORDER = {section: rank for rank, section in enumerate((1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11))}
VALUE_TYPES = {
    0x7F: "i32",
    0x7E: "i64",
    0x7D: "f32",
    0x7C: "f64",
    0x7B: "v128",
    0x70: "funcref",
    0x6F: "externref",
    0x69: "exnref",
}
_KINDS = {0: "func", 1: "table", 2: "memory", 3: "global", 4: "tag"}
_FUNC_TYPE = 0x60
_HINT = "the file is damaged or not a WebAssembly module: make it again"

_T = TypeVar("_T")


@dataclass(frozen=True)
class Section:
    """One section: ``offset`` and ``size`` are of its body, in bytes of the file."""

    id: int
    name: str
    offset: int
    size: int


@dataclass(frozen=True)
class FuncType:
    """Types of the parameters and of the results of a function, such as ("i32", "i64")."""

    params: tuple[str, ...]
    results: tuple[str, ...]

    def __str__(self) -> str:
        return f"({', '.join(self.params)}) -> ({', '.join(self.results)})"


@dataclass(frozen=True)
class Limits:
    """Size of a memory in pages of 64 KiB, or of a table in elements."""

    minimum: int
    maximum: int | None = None
    shared: bool = False
    index64: bool = False


@dataclass(frozen=True)
class Import:
    """What the module wants from its host; functions have a ``type``, memories ``limits``."""

    module: str
    name: str
    kind: str
    type: FuncType | None = None
    limits: Limits | None = None


@dataclass(frozen=True)
class Export:
    """Something that the module offers; ``index`` counts the imports of that kind first."""

    name: str
    kind: str
    index: int


@dataclass(frozen=True)
class WasmModule:
    """What a .wasm file says about itself."""

    sections: tuple[Section, ...]
    types: tuple[FuncType, ...]
    imports: tuple[Import, ...]
    exports: tuple[Export, ...]
    memories: tuple[Limits, ...]
    functions: int
    start: int | None
    data_bytes: int
    features: frozenset[str]

    @property
    def memory_bytes(self) -> int:
        """Linear memory at start, its own or imported, in bytes."""
        imported = [i.limits for i in self.imports if i.limits is not None]
        return sum(limits.minimum for limits in (*imported, *self.memories)) * PAGE_SIZE


def read_wasm(data: bytes, name: str) -> WasmModule:
    """Read a WebAssembly module; ``name`` is what errors call the file.

    Raises TeeforgeError that names the byte where the file stops being a module. Function bodies
    are not looked into: whether they are valid is for the compiler to say.
    """
    _check_header(data, name)
    reading = _Reading(Reader(data, 8, len(data), name, _HINT))
    reading.run()
    return WasmModule(
        sections=tuple(reading.sections),
        types=tuple(reading.types),
        imports=tuple(reading.imports),
        exports=tuple(reading.exports),
        memories=tuple(reading.memories),
        functions=reading.functions,
        start=reading.start,
        data_bytes=reading.data_bytes,
        features=frozenset(reading.features),
    )


def _check_header(data: bytes, name: str) -> None:
    if not data:
        raise TeeforgeError(f"{name}: the file is empty, a WebAssembly module begins with 00 61 73 6d")
    for at, wanted in enumerate(_MAGIC):
        if at >= len(data):
            raise TeeforgeError(f"{name}: the file ends at byte {at}, inside the magic number 00 61 73 6d")
        if data[at] != wanted:
            found = f"byte {at} is 0x{data[at]:02x}"
            text_hint = "this looks like WebAssembly text: wat2wasm (package wabt) makes a .wasm of it"
            raise TeeforgeError(
                f"{name}: {found}, a WebAssembly module begins with 00 61 73 6d",
                text_hint if data.lstrip()[:1] == b"(" else "",
            )
    version = data[4:8]
    if len(version) < 4:
        raise TeeforgeError(f"{name}: the file ends at byte {len(data)}, inside the version number")
    if version == _CORE_VERSION:
        return
    if version[2:] == _COMPONENT_LAYER:
        raise TeeforgeError(
            f"{name}: byte 6 is 0x01: this is a WebAssembly component, only modules can be run",
            "build it for WASI preview 1 (target wasm32-wasi or wasm32-wasip1)",
        )
    raise TeeforgeError(f"{name}: byte 4: version {version.hex(' ')}, a module has 01 00 00 00")


class _Reading:
    """The state while a module is read, section after section."""

    def __init__(self, reader: Reader) -> None:
        self.file = reader
        self.r = reader
        self.sections: list[Section] = []
        self.types: list[FuncType] = []
        self.imports: list[Import] = []
        self.exports: list[Export] = []
        self.memories: list[Limits] = []
        self.functions = 0
        self.bodies = 0
        self.start: int | None = None
        self.data_bytes = 0
        self.features: set[str] = set()

    def run(self) -> None:
        readers = {
            1: self._types,
            2: self._imports,
            3: self._functions,
            5: self._memories,
            7: self._exports,
            8: self._start,
            10: self._code,
            11: self._data,
            12: self._data_count,
            13: self._tags,
        }
        last = -1
        while self.file.at < self.file.end:
            begin = self.file.at
            section = self.file.byte("a section's number")
            if section not in SECTION_NAMES:
                raise self.file.fail(f"there is no section {section}", begin)
            name = f"the {SECTION_NAMES[section]} section"
            self.r = self.file.part(self.file.leb(f"the size of {name}"), name)
            offset, size = self.r.at, self.r.end - self.r.at
            if section == 0:
                title = self._text("the name of a custom section")
                self.sections.append(Section(section, title, offset, size))
                self._custom(title)
                continue
            if _ORDER[section] <= last:
                raise self.file.fail(f"{name} is out of order or there twice", begin)
            last = _ORDER[section]
            self.sections.append(Section(section, SECTION_NAMES[section], offset, size))
            if section in readers:
                readers[section]()
                if self.r.at != self.r.end:
                    raise self.r.fail(f"{name} goes on after its last entry")
        if self.functions != self.bodies:
            raise self.file.fail(f"{self.functions} functions are declared, but {self.bodies} have a body")

    def _vector(self, what: str, element: Callable[[], _T]) -> list[_T]:
        return self.r.repeat(self.r.leb(f"the number of {what}"), what, element)

    def _text(self, what: str) -> str:
        return self.r.utf8(self.r.leb(f"the length of {what}"), what)

    def _custom(self, title: str) -> None:
        """Take the features from the section in which LLVM notes what the code was compiled for."""
        if title != "target_features":
            return
        try:
            for prefix, feature in self._vector("features", self._feature):
                if prefix in b"+=":
                    self.features.add(printable(feature))
        except TeeforgeError:
            pass  # a custom section never makes a module invalid

    def _feature(self) -> tuple[int, str]:
        return self.r.byte("a feature's prefix"), self._text("a feature's name")

    def _value_type(self) -> str:
        code = self.r.byte("a value type")
        if code not in VALUE_TYPES:
            raise self.r.fail(f"0x{code:02x} is not a value type", self.r.at - 1)
        if code == 0x7B:
            self.features.add("simd128")
        if code in (0x6F, 0x69):
            self.features.add("reference-types")
        return VALUE_TYPES[code]

    def _limits(self, what: str) -> Limits:
        flags = self.r.byte(f"the limits of {what}")
        if flags > 7:
            raise self.r.fail(f"0x{flags:02x} is not a kind of limits", self.r.at - 1)
        bits = 64 if flags & 4 else 32
        if flags & 4:
            self.features.add("memory64")
        if flags & 2:
            self.features.add("atomics")
        minimum = self.r.leb(f"the least size of {what}", bits)
        maximum = self.r.leb(f"the greatest size of {what}", bits) if flags & 1 else None
        return Limits(minimum, maximum, bool(flags & 2), bool(flags & 4))

    def _memory(self) -> Limits:
        limits = self._limits("a memory")
        if not limits.index64 and max(limits.minimum, limits.maximum or 0) > 65536:
            raise self.r.fail("a memory has at most 65536 pages (4 GiB)")
        return limits

    def _tags(self) -> None:
        self.features.add("exception-handling")
        self._vector("tags", self._tag)

    def _tag(self) -> FuncType:
        self.r.byte("a tag's attribute")
        return self._type_index()

    def _types(self) -> None:
        self.types = self._vector("types", self._func_type)

    def _func_type(self) -> FuncType:
        form = self.r.byte("a type")
        if form != _FUNC_TYPE:
            raise self.r.fail(f"0x{form:02x} is not the beginning of a function type", self.r.at - 1)
        params = self._vector("parameters", self._value_type)
        results = self._vector("results", self._value_type)
        if len(results) > 1:
            self.features.add("multivalue")
        return FuncType(tuple(params), tuple(results))

    def _type_index(self) -> FuncType:
        index = self.r.leb("a type's number")
        if index >= len(self.types):
            raise self.r.fail(f"type {index} is used, but there are {len(self.types)}")
        return self.types[index]

    def _imports(self) -> None:
        self.imports = self._vector("imports", self._import)

    def _import(self) -> Import:
        module = self._text("the module name of an import")
        name = self._text("the name of an import")
        kind = _KINDS.get(code := self.r.byte("the kind of an import"))
        if kind == "func":
            return Import(module, name, kind, type=self._type_index())
        if kind == "memory":
            return Import(module, name, kind, limits=self._memory())
        if kind == "table":
            self._value_type()
            self._limits("a table")
        elif kind == "global":
            self._value_type()
            if self.r.byte("whether a global changes"):
                self.features.add("mutable-globals")
        elif kind == "tag":
            self._tag()
        else:
            raise self.r.fail(f"{code} is not a kind of import", self.r.at - 1)
        return Import(module, name, kind)

    def _functions(self) -> None:
        self.functions = len(self._vector("functions", self._type_index))

    def _memories(self) -> None:
        self.memories = self._vector("memories", self._memory)
        if len(self.memories) > 1:
            self.features.add("multimemory")

    def _exports(self) -> None:
        self.exports = self._vector("exports", self._export)

    def _export(self) -> Export:
        name = self._text("the name of an export")
        code = self.r.byte("the kind of an export")
        if code not in _KINDS:
            raise self.r.fail(f"{code} is not a kind of export", self.r.at - 1)
        return Export(name, _KINDS[code], self.r.leb("the number of what is exported"))

    def _start(self) -> None:
        self.start = self.r.leb("the number of the start function")

    def _code(self) -> None:
        self.bodies = len(self._vector("function bodies", self._body))

    def _body(self) -> None:
        self.r.take(self.r.leb("the size of a function body"), "a function body")

    def _data_count(self) -> None:
        self.r.leb("the number of data segments")
        self.features.add("bulk-memory")

    def _data(self) -> None:
        self.data_bytes = sum(self._vector("data segments", self._segment))

    def _segment(self) -> int:
        mode = self.r.leb("the mode of a data segment")
        if mode > 2:
            raise self.r.fail(f"{mode} is not a mode of a data segment", self.r.at - 1)
        if mode == 2:
            self.r.leb("the memory of a data segment")
        if mode == 1:
            self.features.add("bulk-memory")
        else:
            self._offset_expression()
        size = self.r.leb("the size of a data segment")
        self.r.take(size, "a data segment")
        return size

    def _offset_expression(self) -> None:
        """Skip the constant expression that says where a segment goes."""
        while (opcode := self.r.byte("where a data segment goes")) != 0x0B:
            if opcode == 0x41:
                self.r.skip_leb("i32.const", 32)
            elif opcode == 0x42:
                self.r.skip_leb("i64.const", 64)
            elif opcode == 0x23:
                self.r.leb("global.get")
            elif opcode in (0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E):
                self.features.add("extended-const")
            else:
                raise self.r.fail(f"0x{opcode:02x} is not allowed in a constant expression", self.r.at - 1)
