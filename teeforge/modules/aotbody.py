"""What stands behind the target info of an AOT file: memories, imports, exports, relocations.

The layout is that of WAMR at cba4c782, read from its core/iwasm/aot/aot_loader.c. What the runtime takes
from its pool for each thing is added up on the way; overlays/wasm_ta/ta/aot/aot_check.h does the same sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from teeforge.base.reader import Reader
from teeforge.modules.wasm import VALUE_TYPES, Export, FuncType

_V128_CONST = 0xFD
_EXPORT_KINDS = {0: "func", 1: "table", 2: "memory", 3: "global"}
_NO_START = 0xFFFFFFFF
# `mov w1, #2`: how code for aarch64 raises exception 2, out of bounds memory access, of this WAMR.
_BOUNDS_EXIT = b"\x41\x00\x80\x52"
# Functions that do not touch memory have no such exit, and unchecked code has one now and then (memory.fill).
_FEW_EXITS = 2
_MANY_FUNCTIONS = 8

# Bytes that the runtime allocates, as in overlays/wasm_ta/ta/aot/aot_check.h (a test compares the two).
COSTS = {
    "RUNTIME": 2320,
    "BLOCK_HEADER": 4,
    "DATA_SEGMENT": 37,
    "ELEMENT_SEGMENT": 45,
    "TYPE": 8,
    "GLOBAL": 48,
    "TABLE": 28,
    "IMPORT": 64,
    "EXPORT": 48,
    "NAME": 28,
    "DATA_SECTION": 24,
    "RELOCATION_GROUP": 24,
    "RELOCATION": 40,
    "MEMORY": 128,
    "INSTANCE": 320,
    "FUNCTION_LOADED": 12,
    "FUNCTION_INSTANCE": 12,
}

_T = TypeVar("_T")


@dataclass(frozen=True)
class AotMemory:
    """A linear memory: its size at start and at most, in pages of ``page_size`` bytes."""

    page_size: int
    minimum: int
    maximum: int


@dataclass(frozen=True)
class AotImport:
    """A function that the module wants from its host; ``type`` is None where the file is inconsistent."""

    module: str
    name: str
    type: FuncType | None = None


@dataclass(frozen=True)
class AotContents:
    """What the sections behind the target info say.

    ``*_bytes`` are what the loader copies, ``runtime_bytes`` what it and the instance take from the pool
    besides linear memory. ``code_pages`` are the bytes of the mappings that code and its constants get,
    ``bounds_exits`` how often the code seems to raise an out of bounds memory access.
    """

    memories: tuple[AotMemory, ...]
    init_data_bytes: int
    imports: tuple[AotImport, ...]
    imported_globals: tuple[str, ...]
    functions: int
    exports: tuple[Export, ...]
    has_start_section: bool
    aux_stack_size: int
    object_data_bytes: int
    relocations: int
    relocation_types: frozenset[int]
    symbols: tuple[str, ...]
    runtime_bytes: int
    code_pages: int
    bounds_exits: int

    @property
    def looks_unchecked(self) -> bool:
        """Whether the code of so many functions would have shown bounds checks, if they were in."""
        return self.functions >= _MANY_FUNCTIONS and self.bounds_exits <= _FEW_EXITS

    @property
    def memory_bytes(self) -> int:
        """Linear memory at start."""
        return sum(memory.page_size * memory.minimum for memory in self.memories)

    @property
    def memory_most(self) -> int:
        """Linear memory after all the growth that the module allows itself."""
        return sum(memory.page_size * max(memory.minimum, memory.maximum) for memory in self.memories)

    @property
    def grows(self) -> bool:
        """Whether the code has a memory.grow in it, as every malloc() has."""
        return "aot_enlarge_memory" in self.symbols and self.memory_most > self.memory_bytes


def read_contents(sections: Mapping[int, Reader]) -> AotContents:
    """Read the contents from a reader of each section's body; a section that is missing counts as empty.

    Raises TeeforgeError that names the byte where the layout is another one.
    """
    cost = _Cost()
    init = _InitData(sections[1], cost) if 1 in sections else _InitData(Reader(b"", 0, 0, ""), cost)
    if 1 in sections:
        init.run()
    exports = _exports(sections[4], cost) if 4 in sections else []
    relocations = _Relocations(sections.get(5, Reader(b"", 0, 0, "")), cost)
    if 5 in sections:
        relocations.run()
    instance = COSTS["FUNCTION_INSTANCE"] * (len(init.imports) + init.functions)
    # Relocations are freed after loading. What is allocated then takes most of the hole that they leave.
    cost.add(max(relocations.bytes, instance) + min(relocations.bytes, instance) // 4)
    code = sections[2].take(sections[2].end - sections[2].at, "the code") if 2 in sections else b""
    return AotContents(
        memories=tuple(init.memories),
        init_data_bytes=init.init_data_bytes,
        imports=tuple(init.imports),
        imported_globals=tuple(init.imported_globals),
        functions=init.functions,
        exports=tuple(exports),
        has_start_section=init.start != _NO_START,
        aux_stack_size=init.aux_stack_size,
        object_data_bytes=sum(init.object_data),
        relocations=relocations.count,
        relocation_types=frozenset(relocations.types),
        symbols=tuple(relocations.symbols),
        runtime_bytes=cost.bytes,
        code_pages=sum(-(-size // 4096) * 4096 for size in (len(code), *init.object_data)),
        bounds_exits=code.count(_BOUNDS_EXIT),
    )


class _Cost:
    """The sum of what is taken from the pool."""

    def __init__(self) -> None:
        self.bytes = COSTS["RUNTIME"] + COSTS["INSTANCE"]

    def add(self, size: int) -> None:
        self.bytes += size

    def block(self, size: int) -> None:
        """Count a block of its own, which the allocator rounds up."""
        self.bytes += -(-(size + COSTS["BLOCK_HEADER"]) // 8) * 8

    def name(self, length: int) -> None:
        self.block(length + 1)
        self.bytes += COSTS["NAME"]


def _counted(r: Reader, what: str, element: Callable[[], _T]) -> list[_T]:
    return r.repeat(r.aligned(4, f"the number of {what}"), what, element)


def _string(r: Reader, what: str) -> str:
    return r.take(r.aligned(2, f"the length of {what}"), what).decode("utf-8", "backslashreplace")


def _named(r: Reader, what: str, cost: _Cost) -> str:
    size = r.aligned(2, f"the length of {what}")
    cost.name(size)
    return r.take(size, what).decode("utf-8", "backslashreplace")


def _exports(r: Reader, cost: _Cost) -> list[Export]:
    def export() -> Export:
        index = r.aligned(4, "the number of what is exported")
        kind = _EXPORT_KINDS.get(r.byte("the kind of an export"), "unknown")
        cost.add(COSTS["EXPORT"])
        return Export(_named(r, "the name of an export", cost), kind, index)

    return _counted(r, "exports", export)


class _InitData:
    """The init data section: memories, tables, types, globals, imports, object data."""

    def __init__(self, reader: Reader, cost: _Cost) -> None:
        self.r = reader
        self.cost = cost
        self.memories: list[AotMemory] = []
        self.init_data_bytes = 0
        self.types: list[FuncType] = []
        self.imported_globals: list[str] = []
        self.imports: list[AotImport] = []
        self.functions = 0
        self.start = _NO_START
        self.aux_stack_size = 0
        self.object_data: list[int] = []

    def run(self) -> None:
        r, cost = self.r, self.cost
        imported = r.aligned(4, "the number of imported memories")
        if imported:
            raise r.fail(f"{imported} memories are imported, which this WAMR does not support", r.at - 4)
        self.memories = _counted(r, "memories", self._memory)
        self.init_data_bytes = sum(_counted(r, "data segments", self._segment))
        _counted(r, "imported tables", self._table_size)
        _counted(r, "tables", self._table)
        _counted(r, "element segments", self._elements)
        self.types = _counted(r, "types", self._type)
        self.imported_globals = _counted(r, "imported globals", self._imported_global)
        _counted(r, "globals", self._global)
        self.imports = _counted(r, "imported functions", self._import)
        self.functions = r.aligned(4, "the number of functions")
        cost.add(self.functions * COSTS["FUNCTION_LOADED"])
        self.start = r.aligned(4, "the start function")
        self._words(6, "the places of heap and stack")
        self.aux_stack_size = r.aligned(4, "the size of the stack in linear memory")
        self.object_data = _counted(r, "data sections", self._object_data)
        if r.at != r.end:
            raise r.fail("the init data section goes on after its last entry")

    def _words(self, count: int, what: str) -> None:
        for _ in range(count):
            self.r.aligned(4, what)

    def _memory(self) -> AotMemory:
        self.cost.add(COSTS["MEMORY"])
        self._words(1, "the flags of a memory")
        page_size = self.r.aligned(4, "the page size of a memory")
        minimum = self.r.aligned(4, "the first size of a memory")
        return AotMemory(page_size, minimum, self.r.aligned(4, "the greatest size of a memory"))

    def _segment(self) -> int:
        self._words(5, "where a data segment goes")
        size = self.r.aligned(4, "the size of a data segment")
        self.r.take(size, "a data segment")
        self.cost.add(8)
        self.cost.block(size + COSTS["DATA_SEGMENT"])
        return size

    def _table(self) -> None:
        self._words(2, "the type of a table")
        self._table_size()

    def _table_size(self) -> None:
        minimum = self.r.aligned(4, "the first size of a table")
        maximum = self.r.aligned(4, "the greatest size of a table")
        grows = self.r.aligned(4, "whether a table grows")
        self.cost.add(COSTS["TABLE"] + 4 * (maximum if grows & 1 else minimum))

    def _elements(self) -> None:
        self._words(6, "where an element segment goes")
        count = self.r.aligned(4, "the size of an element segment")
        self.r.take(count * 4, "an element segment")
        self.cost.add(8)
        self.cost.block(count * 4 + COSTS["ELEMENT_SEGMENT"])

    def _type(self) -> FuncType:
        params = self.r.aligned(4, "a type's parameters")
        results = self.r.aligned(4, "a type's results")
        cells = [VALUE_TYPES.get(code, "unknown") for code in self.r.take(params + results, "a type")]
        self.cost.add(8)
        self.cost.block(params + results + COSTS["TYPE"])
        return FuncType(tuple(cells[:params]), tuple(cells[params:]))

    def _imported_global(self) -> str:
        self.r.aligned(2, "the type of an imported global")
        module = _string(self.r, "the module of an imported global")
        return f"{module}.{_string(self.r, 'the name of an imported global')}"

    def _global(self) -> None:
        self.cost.add(COSTS["GLOBAL"])
        self.r.fixed(2, "the type of a global")
        if self.r.aligned(2, "how a global begins") == _V128_CONST:
            self.r.take(16, "the value of a global")
        else:
            self._words(2, "the value of a global")

    def _import(self) -> AotImport:
        self.cost.add(COSTS["IMPORT"])
        index = self.r.aligned(2, "the type of an import")
        module = _string(self.r, "the module of an import")
        kind = self.types[index] if index < len(self.types) else None
        return AotImport(module, _named(self.r, "the name of an import", self.cost), kind)

    def _object_data(self) -> int:
        self.cost.add(COSTS["DATA_SECTION"])
        _named(self.r, "the name of a data section", self.cost)
        size = self.r.aligned(4, "the size of a data section")
        self.r.take(size, "a data section")
        return size


class _Relocations:
    """The relocation section: a table of symbols, then groups that name them by number."""

    def __init__(self, reader: Reader, cost: _Cost) -> None:
        self.r = reader
        self.cost = cost
        self.symbols: list[str] = []
        self.count = 0
        self.bytes = 0
        self.types: set[int] = set()

    def run(self) -> None:
        r = self.r
        offsets = _counted(r, "symbols", lambda: r.fixed(4, "the place of a symbol"))
        table = r.part(r.fixed(4, "the size of the symbol table"), "the symbol table")
        begin = table.at
        self.cost.add(len(offsets) * (COSTS["NAME"] + COSTS["BLOCK_HEADER"]) + table.end - begin)
        for offset in offsets:
            if begin + offset != table.at + table.at % 2:
                raise table.fail("a symbol is not where the table says")
            self.symbols.append(_string(table, "a symbol"))
        for _ in range(r.aligned(4, "the number of relocation groups")):
            self._group()
        if r.at != r.end:
            raise r.fail("the relocation section goes on after its last entry")

    def _group(self) -> None:
        self._symbol(self.r.aligned(4, "the name of a relocation group"))
        count = self.r.fixed(4, "the number of relocations")
        self.count += len(self.r.repeat(count, "relocations", self._relocation))
        self.bytes += count * COSTS["RELOCATION"] + COSTS["RELOCATION_GROUP"] + COSTS["BLOCK_HEADER"]

    def _relocation(self) -> None:
        self.r.take(16, "the place of a relocation")
        self.types.add(self.r.fixed(4, "the type of a relocation"))
        self._symbol(self.r.fixed(4, "the symbol of a relocation"))

    def _symbol(self, index: int) -> None:
        if index >= len(self.symbols):
            raise self.r.fail(f"symbol {index} of {len(self.symbols)} is used", self.r.at - 4)
