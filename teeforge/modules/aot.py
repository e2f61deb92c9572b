"""Reading .aot files: what wamrc made, and whether the WAMR in the TA loads it.

The layout is that of WAMR at cba4c782, read from its core/iwasm/aot/aot_loader.c: little endian,
numbers aligned to their size (at most 4) from the beginning of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from teeforge.base.errors import TeeforgeError
from teeforge.base.reader import Reader, printable
from teeforge.modules.aotbody import AotContents, read_contents

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
# What arch/aot_reloc_aarch64.c applies: MOVW_UABS_G0 to G3, ADR_PREL_PG_HI21(_NC), ADD_ABS_LO12_NC,
# LDST8 to LDST128_ABS_LO12_NC, CALL26.
_RELOCATIONS = frozenset({*range(263, 270), *range(275, 279), 283, 284, 285, 286, 299})
_RELOCATION_NAMES = {257: "ABS64", 261: "PREL32", 282: "JUMP26", 311: "ADR_GOT_PAGE"}

_DAMAGED = "the file is cut off or damaged: make it again"
COMPILE_AGAIN = "compile the .wasm with this project's wamrc: `invoke run FILE.wasm` does it"
COMPILE_AGAIN_OR_BY_HAND = f"{COMPILE_AGAIN} (by hand: wamrc --target=aarch64 --bounds-checks=1)"


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
        contents = read_contents(
            {
                section.id: Reader(data, section.offset, section.offset + section.size, name, _DAMAGED)
                for section in reversed(sections)
            }
        )
    return AotModule(version, target, tuple(sections), contents)


def check_loadable(data: bytes, name: str) -> AotModule:
    """Read an AOT file that is to run in the TA.

    Raises TeeforgeError with one sentence about why the loader of WAMR cba4c782 on aarch64 would
    refuse it. What the file does not show stays unseen: whether bounds checks are in.
    """
    _check_magic(data, name)
    version = int.from_bytes(data[4:8], "little")
    if len(data) >= 8 and version != VERSION:
        raise _other_version(version, name)
    module = read_aot(data, name)
    for problem in loader_problems(module, name):
        raise problem
    return module


def loader_problems(module: AotModule, name: str) -> Iterator[TeeforgeError]:
    """Yield each reason for which the TA's loader would refuse a file, with what to do about it."""
    target = module.target
    if module.version != VERSION:
        yield _other_version(module.version, name)
    elif target.size == _LATER_TARGET_INFO_SIZE:
        yield TeeforgeError(
            f"{name}: byte 12: the target info has 48 bytes, 12 more than the TA's WAMR reads: the "
            "feature flags and wider reserved field that the wamrc of WAMR 2.0.0 to 2.2.0 writes",
            COMPILE_AGAIN,
        )
    if target.machine != _MACHINE_AARCH64 or target.arch != TARGET:
        yield TeeforgeError(
            f"{name}: byte 22: the code is for {printable(target.arch) or 'no architecture'} "
            f"(ELF machine {target.machine}), the TA runs {TARGET}",
            COMPILE_AGAIN_OR_BY_HAND,
        )
    if target.bin_type != _ELF64_LITTLE or target.file_type != _RELOCATABLE:
        yield TeeforgeError(
            f"{name}: byte 16: binary type {target.bin_type}, file type {target.file_type}; the TA "
            "loads relocatable 64-bit little endian code (2 and 1)",
            COMPILE_AGAIN,
        )
    if module.contents is None:
        return
    if [section.id for section in module.sections] != list(range(len(SECTION_NAMES))):
        there = ", ".join(section.name for section in module.sections[:8])
        yield TeeforgeError(
            f"{name}: it has the sections {there}; the TA wants {', '.join(SECTION_NAMES)}", COMPILE_AGAIN
        )
    for kind in sorted(module.contents.relocation_types - _RELOCATIONS):
        label = _RELOCATION_NAMES.get(kind)
        yield TeeforgeError(
            f"{name}: the code needs a relocation of type {kind}"
            + (f" (R_AARCH64_{label})" if label else "")
            + ", which the TA's loader does not know",
            "compile it without tail calls and with the usual options of wamrc",
        )


def _other_version(version: int, name: str) -> TeeforgeError:
    writer = _WRITERS.get(version)
    return TeeforgeError(
        f"{name}: byte 4: this is AOT version {version}, which "
        + (f"the wamrc of {writer} writes" if writer else "no known release of WAMR writes")
        + f"; the TA loads version {VERSION}",
        COMPILE_AGAIN,
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
