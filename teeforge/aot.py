"""Reading .aot files: what wamrc made, and whether the WAMR in the TA loads it.

The layout is that of WAMR at cba4c782, read from its core/iwasm/aot/aot_loader.c: little endian,
numbers aligned to their size (at most 4) from the beginning of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from teeforge.errors import TeeforgeError
from teeforge.reader import Reader, printable
from teeforge.wasm import Export, WasmModule

VERSION = 3
TARGET = "aarch64v8"
SECTION_NAMES = ("target info", "init data", "text", "function", "export", "relocation")

_MAGIC = b"\0aot"
_TARGET_INFO_SIZE = 36
_LATER_TARGET_INFO_SIZE = 48
# Which releases of WAMR write which version; version 3 also by what comes before 2.0.0.
_WRITERS = {
    3: "WAMR 2.2.0 and earlier",
    4: "WAMR 2.3.0 to 2.4.0",
    5: "WAMR 2.4.1 to 2.4.5",
    6: "WAMR after 2.4.5",
}
_ELF64_LITTLE = 2
_RELOCATABLE = 1
_MACHINE_AARCH64 = 183
_MACHINES = {
    3: "i386",
    8: "mips",
    40: "arm",
    62: "x86_64",
    94: "xtensa",
    183: "aarch64",
    243: "riscv",
}
_V128_CONST = 0xFD
_EXPORT_KINDS = {0: "func", 1: "table", 2: "memory", 3: "global"}
# What arch/aot_reloc_aarch64.c applies: MOVW_UABS_G0 to G3, ADR_PREL_PG_HI21(_NC), ADD_ABS_LO12_NC,
# LDST8 to LDST128_ABS_LO12_NC, CALL26.
_RELOCATIONS = frozenset({*range(263, 270), *range(275, 279), 283, 284, 285, 286, 299})
_RELOCATION_NAMES = {257: "ABS64", 261: "PREL32", 282: "JUMP26", 311: "ADR_GOT_PAGE"}

_DAMAGED = "the file is cut off or damaged: make it again"
_AGAIN = "compile the .wasm with this project's wamrc: `invoke run FILE.wasm` does it"

_T = TypeVar("_T")


@dataclass(frozen=True)
class AotSection:
    """One section: ``offset`` and ``size`` are of its body, in bytes of the file."""

    id: int
    offset: int
    size: int

    @property
    def name(self) -> str:
        """What the section holds."""
        return SECTION_NAMES[self.id] if self.id < len(SECTION_NAMES) else f"section {self.id}"


@dataclass(frozen=True)
class TargetInfo:
    """What the code was compiled for; ``size`` is the section's, 36 or (WAMR 2.0.0 on) 48 bytes."""

    size: int
    bin_type: int
    file_type: int
    machine: int
    arch: str


@dataclass(frozen=True)
class AotMemory:
    """A linear memory: its size at start and at most, in pages of ``page_size`` bytes."""

    page_size: int
    minimum: int
    maximum: int


@dataclass(frozen=True)
class AotImport:
    """A function that the module wants from its host."""

    module: str
    name: str


@dataclass(frozen=True)
class AotContents:
    """What the sections behind the target info say; ``*_bytes`` are what the loader copies."""

    memories: tuple[AotMemory, ...]
    init_data_bytes: int
    imports: tuple[AotImport, ...]
    functions: int
    exports: tuple[Export, ...]
    aux_stack_size: int
    object_data_bytes: int
    relocations: int
    relocation_types: frozenset[int]
    symbols: tuple[str, ...]


@dataclass(frozen=True)
class AotModule:
    """An AOT file; ``contents`` is None where its layout is another than this WAMR's."""

    version: int
    target: TargetInfo
    sections: tuple[AotSection, ...]
    contents: AotContents | None

    @property
    def written_by(self) -> str:
        """The releases of WAMR whose wamrc writes such a file."""
        if self.version == VERSION and self.target.size == _LATER_TARGET_INFO_SIZE:
            return "WAMR 2.0.0 to 2.2.0"
        if self.version == VERSION and self.target.size == _TARGET_INFO_SIZE:
            return "WAMR 1.3.3 and earlier"
        return _WRITERS.get(self.version, "no known release of WAMR")


def is_aot(data: bytes) -> bool:
    """Tell whether a file begins as AOT files do."""
    return data.startswith(_MAGIC)


def read_aot(data: bytes, name: str) -> AotModule:
    """Read an AOT file of any version; ``name`` is what errors call the file.

    Raises TeeforgeError that names the byte where it stops being one.
    """
    _check_magic(data, name)
    reader = Reader(data, 4, len(data), name, _DAMAGED)
    version = reader.fixed(4, "the version")
    sections = []
    while reader.at < reader.end:
        kind = reader.aligned(4, "a section's type")
        size = reader.fixed(4, "a section's size")
        sections.append(AotSection(kind, reader.at, size))
        reader.take(size, f"the {sections[-1].name} section")
    if not sections or sections[0].id != 0:
        raise reader.fail("the first section is not the target info", 8)
    target = _target_info(data, sections[0], name)
    contents = None
    if version == VERSION and target.size == _TARGET_INFO_SIZE and target.bin_type == _ELF64_LITTLE:
        contents = _read_contents(data, sections, name)
    return AotModule(version, target, tuple(sections), contents)


def check_loadable(data: bytes, name: str) -> AotModule:
    """Read an AOT file that is to run in the TA.

    Raises TeeforgeError with one sentence about why the loader of WAMR cba4c782 on aarch64 would
    refuse it. What the file does not show stays unseen: whether bounds checks are in.
    """
    _check_magic(data, name)
    version = int.from_bytes(data[4:8], "little")
    if len(data) >= 8 and version != VERSION:
        writer = _WRITERS.get(version)
        raise TeeforgeError(
            f"{name}: byte 4: this is AOT version {version}, which "
            + (f"the wamrc of {writer} writes" if writer else "no known release of WAMR writes")
            + f"; the TA loads version {VERSION}",
            _AGAIN,
        )
    module = read_aot(data, name)
    target = module.target
    if target.size == _LATER_TARGET_INFO_SIZE:
        raise TeeforgeError(
            f"{name}: byte 12: the target info has 48 bytes, 12 more than the TA's WAMR reads: the "
            "feature flags and wider reserved field that the wamrc of WAMR 2.0.0 to 2.2.0 writes",
            _AGAIN,
        )
    if target.machine != _MACHINE_AARCH64 or target.arch != TARGET:
        raise TeeforgeError(
            f"{name}: byte 22: the code is for {printable(target.arch) or 'no architecture'} "
            f"(ELF machine {target.machine}), the TA runs {TARGET}",
            f"{_AGAIN} (by hand: wamrc --target=aarch64 --bounds-checks=1)",
        )
    if target.bin_type != _ELF64_LITTLE or target.file_type != _RELOCATABLE:
        raise TeeforgeError(
            f"{name}: byte 16: binary type {target.bin_type}, file type {target.file_type}; the TA "
            "loads relocatable 64-bit little endian code (2 and 1)",
            _AGAIN,
        )
    if [section.id for section in module.sections] != list(range(len(SECTION_NAMES))):
        there = ", ".join(section.name for section in module.sections[:8])
        raise TeeforgeError(
            f"{name}: it has the sections {there}; the TA wants {', '.join(SECTION_NAMES)}", _AGAIN
        )
    assert module.contents is not None
    for kind in sorted(module.contents.relocation_types - _RELOCATIONS):
        label = _RELOCATION_NAMES.get(kind)
        raise TeeforgeError(
            f"{name}: the code needs a relocation of type {kind}"
            + (f" (R_AARCH64_{label})" if label else "")
            + ", which the TA's loader does not know",
            "compile it without tail calls and with the usual options of wamrc",
        )
    return module


# The pool of the runtime (its "heap") holds the linear memory, the stack of the exec env, and what the
# loader and the instance allocate. Bytes each, measured with WAMR cba4c782 on aarch64 by bisection and
# rounded up. Relocations count although they are freed after loading: the hole they leave is too small
# for what comes then.
HEAP_FIXED = 3072
# The stack of the exec env that the TA asks for (WASM_STACK_SIZE in its run.c): AOT code uses the TA's own.
EXEC_STACK = 256
HEAP_PER_FUNCTION = 48
HEAP_PER_SYMBOL = 96
HEAP_PER_IMPORT = 128
HEAP_PER_EXPORT = 96
HEAP_PER_RELOCATION = 32
# A .wasm has no relocations yet; compiled C has 5 to 6 for each function.
_RELOCATIONS_PER_FUNCTION = 6


def heap_needed(module: AotModule | WasmModule, *, stack: int = EXEC_STACK, app_heap: int = 0) -> int:
    """Return how many bytes the runtime's pool must have to run a module, rather too many.

    ``stack`` is the stack of the exec env and ``app_heap`` WAMR's own heap inside linear memory,
    both in bytes as the TA is told them. Growth by memory.grow is not in it.
    """
    if isinstance(module, WasmModule):
        linear, data, functions = module.memory_bytes, module.data_bytes, module.functions
        imports, exports, symbols = len(module.imports), len(module.exports), functions
        relocations = functions * _RELOCATIONS_PER_FUNCTION
    elif module.contents is None:
        raise TeeforgeError("the memory need of an AOT file of this version is unknown", _AGAIN)
    else:
        contents = module.contents
        linear = sum(memory.minimum * memory.page_size for memory in contents.memories)
        data, functions = contents.init_data_bytes, contents.functions
        imports, exports, symbols = len(contents.imports), len(contents.exports), len(contents.symbols)
        relocations = contents.relocations
    return (
        linear
        + app_heap
        + stack
        + data
        + HEAP_FIXED
        + functions * HEAP_PER_FUNCTION
        + symbols * HEAP_PER_SYMBOL
        + imports * HEAP_PER_IMPORT
        + exports * HEAP_PER_EXPORT
        + relocations * HEAP_PER_RELOCATION
    )


def _check_magic(data: bytes, name: str) -> None:
    if data.startswith(_MAGIC):
        return
    if not data:
        raise TeeforgeError(f"{name}: the file is empty, an AOT file begins with 00 61 6f 74")
    if data.startswith(b"\0asm"):
        raise TeeforgeError(
            f"{name}: byte 2 is 0x73: this is a WebAssembly module, not an AOT file",
            "give it a name that ends in .wasm, and it is compiled first",
        )
    if data.startswith(b"\x7fELF"):
        raise TeeforgeError(
            f"{name}: byte 0 is 0x7f: this is an ELF file, not an AOT file",
            "wamrc writes AOT files when it is not given --format",
        )
    for at, wanted in enumerate(_MAGIC):
        if at >= len(data):
            raise TeeforgeError(f"{name}: the file ends at byte {at}, inside the magic 00 61 6f 74")
        if data[at] != wanted:
            raise TeeforgeError(
                f"{name}: byte {at} is 0x{data[at]:02x}, an AOT file begins with 00 61 6f 74",
                "an .aot file is what wamrc makes of a .wasm",
            )


def _target_info(data: bytes, section: AotSection, name: str) -> TargetInfo:
    r = Reader(data, section.offset, section.offset + section.size, name, _DAMAGED)
    if section.size not in (_TARGET_INFO_SIZE, _LATER_TARGET_INFO_SIZE):
        raise r.fail(f"the target info has {section.size} bytes instead of 36 or 48", r.at - 4)
    bin_type = r.fixed(2, "the binary type")
    r.fixed(2, "the ABI")
    file_type = r.fixed(2, "the file type")
    machine = r.fixed(2, "the machine")
    # Version and flags of the ELF header, then a reserved word; the arch is what stands last.
    r.take(section.size - 8 - 16, "the flags")
    arch = r.take(16, "the architecture").split(b"\0")[0].decode("ascii", "backslashreplace")
    return TargetInfo(section.size, bin_type, file_type, machine, arch)


def _read_contents(data: bytes, sections: list[AotSection], name: str) -> AotContents:
    """Read what stands behind the target info, in sections of the layout of cba4c782."""
    found = {section.id: section for section in reversed(sections)}

    def of(kind: int) -> Reader:
        section = found.get(kind, AotSection(kind, len(data), 0))
        return Reader(data, section.offset, section.offset + section.size, name, _DAMAGED)

    init = _InitData(of(1))
    if 1 in found:
        init.run()
    exports = _exports(of(4)) if 4 in found else []
    relocations = _Relocations(of(5))
    if 5 in found:
        relocations.run()
    return AotContents(
        memories=tuple(init.memories),
        init_data_bytes=init.init_data_bytes,
        imports=tuple(init.imports),
        functions=init.functions,
        exports=tuple(exports),
        aux_stack_size=init.aux_stack_size,
        object_data_bytes=init.object_data_bytes,
        relocations=relocations.count,
        relocation_types=frozenset(relocations.types),
        symbols=tuple(relocations.symbols),
    )


def _counted(r: Reader, what: str, element: Callable[[], _T]) -> list[_T]:
    return r.repeat(r.aligned(4, f"the number of {what}"), what, element)


def _string(r: Reader, what: str) -> str:
    return r.take(r.aligned(2, f"the length of {what}"), what).decode("utf-8", "backslashreplace")


def _exports(r: Reader) -> list[Export]:
    def export() -> Export:
        index = r.aligned(4, "the number of what is exported")
        kind = _EXPORT_KINDS.get(r.byte("the kind of an export"), "unknown")
        return Export(_string(r, "the name of an export"), kind, index)

    return _counted(r, "exports", export)


class _InitData:
    """The init data section: memories, tables, types, globals, imports, object data."""

    def __init__(self, reader: Reader) -> None:
        self.r = reader
        self.memories: list[AotMemory] = []
        self.init_data_bytes = 0
        self.imports: list[AotImport] = []
        self.functions = 0
        self.aux_stack_size = 0
        self.object_data_bytes = 0

    def run(self) -> None:
        r = self.r
        imported = r.aligned(4, "the number of imported memories")
        if imported:
            raise r.fail(f"{imported} memories are imported, which this WAMR does not support", r.at - 4)
        self.memories = _counted(r, "memories", self._memory)
        self.init_data_bytes = sum(_counted(r, "data segments", self._segment))
        _counted(r, "imported tables", lambda: self._words(3, "an imported table"))
        _counted(r, "tables", lambda: self._words(5, "a table"))
        _counted(r, "element segments", self._elements)
        _counted(r, "types", self._type)
        _counted(r, "imported globals", self._imported_global)
        _counted(r, "globals", self._global)
        self.imports = _counted(r, "imported functions", self._import)
        self.functions = r.aligned(4, "the number of functions")
        self._words(1, "the start function")
        self._words(6, "the places of heap and stack")
        self.aux_stack_size = r.aligned(4, "the size of the stack in linear memory")
        self.object_data_bytes = sum(_counted(r, "data sections", self._object_data))
        if r.at != r.end:
            raise r.fail("the init data section goes on after its last entry")

    def _words(self, count: int, what: str) -> None:
        for _ in range(count):
            self.r.aligned(4, what)

    def _memory(self) -> AotMemory:
        self._words(1, "the flags of a memory")
        page_size = self.r.aligned(4, "the page size of a memory")
        minimum = self.r.aligned(4, "the first size of a memory")
        return AotMemory(page_size, minimum, self.r.aligned(4, "the greatest size of a memory"))

    def _segment(self) -> int:
        self._words(5, "where a data segment goes")
        size = self.r.aligned(4, "the size of a data segment")
        self.r.take(size, "a data segment")
        return size

    def _elements(self) -> None:
        self._words(6, "where an element segment goes")
        count = self.r.aligned(4, "the size of an element segment")
        self.r.take(count * 4, "an element segment")

    def _type(self) -> None:
        count = self.r.aligned(4, "a type's parameters") + self.r.aligned(4, "a type's results")
        self.r.take(count, "a type")

    def _imported_global(self) -> None:
        self.r.aligned(2, "the type of an imported global")
        _string(self.r, "the module of an imported global")
        _string(self.r, "the name of an imported global")

    def _global(self) -> None:
        self.r.fixed(2, "the type of a global")
        if self.r.aligned(2, "how a global begins") == _V128_CONST:
            self.r.take(16, "the value of a global")
        else:
            self._words(2, "the value of a global")

    def _import(self) -> AotImport:
        self.r.aligned(2, "the type of an import")
        module = _string(self.r, "the module of an import")
        return AotImport(module, _string(self.r, "the name of an import"))

    def _object_data(self) -> int:
        _string(self.r, "the name of a data section")
        size = self.r.aligned(4, "the size of a data section")
        self.r.take(size, "a data section")
        return size


class _Relocations:
    """The relocation section: a table of symbols, then groups that name them by number."""

    def __init__(self, reader: Reader) -> None:
        self.r = reader
        self.symbols: list[str] = []
        self.count = 0
        self.types: set[int] = set()

    def run(self) -> None:
        r = self.r
        offsets = _counted(r, "symbols", lambda: r.fixed(4, "the place of a symbol"))
        table = r.part(r.fixed(4, "the size of the symbol table"), "the symbol table")
        begin = table.at
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

    def _relocation(self) -> None:
        self.r.take(16, "the place of a relocation")
        self.types.add(self.r.fixed(4, "the type of a relocation"))
        self._symbol(self.r.fixed(4, "the symbol of a relocation"))

    def _symbol(self, index: int) -> None:
        if index >= len(self.symbols):
            raise self.r.fail(f"symbol {index} of {len(self.symbols)} is used", self.r.at - 4)
