"""The memory budget of the TEE: who takes how much, and what is left for a module."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from teeforge.settings.memory import (
    BLOCK,
    FIRMWARE,
    LARGEST,
    MIB,
    NOT_ISOLATED,
    OWN,
    PAGE,
    SecureMemory,
    pages,
    words,
)

# The core's part of secure RAM (CFG_TEE_RAM_VA_SIZE). What its image leaves of that it gives back for TAs
# when it has started, but for what it took meanwhile: page tables, the device tree. Found by trying.
CORE = 2 * MIB
_CORE_TAKES = 32 * PAGE
_CORE_LEAVES = 296 * PAGE  # where the core is not built
# What ldelf, the TA's loader, keeps mapped in each instance of a TA, with the arguments of a small program.
LDELF = 36 * PAGE
# The runtime TA where it is not built: its segments, and the stack that its header asks for.
_TA_IMAGE = 58 * PAGE
TA_STACK = 290 << 10
# What the TA maps beside a stack that a run asks for: a guard (GUARD_SIZE of its runtime.c), and what WAMR
# reserves for natives.
STACK_GUARD = (64 + 32) << 10


@dataclass(frozen=True)
class Share:
    """One line of the budget. ``where`` is `secure RAM` or `ordinary RAM`."""

    name: str
    size: int
    note: str = ""
    free: bool = False


# Page tables that are not full: of what the TA maps beside the large pieces, and where those begin and end.
TABLES_APART = 3

# Small pieces that a session takes from the pool in ordinary RAM as well: a page or two were seen.
POOL_SLACK = 32 << 10


@dataclass(frozen=True)
class Plan:
    """The budget with a given TA: ``ta_image`` and ``ta_stack`` are bytes of memory, not of the file.

    ``core_leaves`` is what the core's image leaves of its part.
    """

    memory: SecureMemory
    ta_image: int = _TA_IMAGE
    ta_stack: int = TA_STACK
    core_leaves: int = _CORE_LEAVES

    @property
    def given_back(self) -> int:
        """Bytes of the core's part that TAs get, in one piece."""
        return max(self.core_leaves - _CORE_TAKES, 0)

    @property
    def ta(self) -> int:
        """Bytes that an instance of the TA takes before it sees a module."""
        return LDELF + pages(self.ta_image) + pages(self.ta_stack)

    @property
    def largest_file(self) -> int:
        """Bytes of the largest AOT file that can be handed to the TA."""
        return self.memory.largest_file

    def largest_heap(self, file_bytes: int, code_bytes: int, stack: int = 0) -> int:
        """Return the largest pool that a module can be given, in bytes.

        Beside it the TA keeps a copy of the AOT file until it is loaded, and the code. OP-TEE gives each
        of them one piece, from the first area that has one: the pool in ordinary RAM where there is one,
        then what the core gave back, then the rest of secure RAM. All of it takes page tables, and so does
        the file itself, in memory that both worlds share.
        """
        mapped = 2 * pages(file_bytes) + pages(code_bytes) + (pages(stack) + STACK_GUARD if stack else 0)
        by_tables = (self.memory.page_tables - TABLES_APART) * BLOCK - mapped
        return max(min(self._by_areas(file_bytes, code_bytes, stack), by_tables), 0)

    def _by_areas(self, file_bytes: int, code_bytes: int, stack: int) -> int:
        """Return the largest pool by what memory is free, and in which pieces; below 0 for none."""
        own = OWN - FIRMWARE - CORE
        areas = [self.given_back, own]
        if self.memory.pool:
            areas.insert(0, self.memory.pool - POOL_SLACK)
        if not all(_take(areas, size) for size in (self.ta, pages(file_bytes))):
            return 0
        # The heap comes before the code, in the largest area. The code goes where it fits then.
        heap = areas.pop(max(range(len(areas)), key=lambda n: areas[n]))
        for size in (pages(stack) + STACK_GUARD if stack else 0, pages(code_bytes)):
            if not _take(areas, size):
                heap -= size
        return heap

    def shares(self, file_bytes: int = 64 << 10, code_bytes: int = 64 << 10) -> Iterator[Share]:
        """Yield the budget, for an AOT file and code of these sizes; the sizes add up to the whole."""
        heap = self.largest_heap(file_bytes, code_bytes)
        yield Share("firmware", FIRMWARE, "TF-A, BL31")
        yield Share("OP-TEE core", CORE - self.given_back, "code, data, heap, page tables")
        yield Share("TA image", pages(self.ta_image), "the runtime TA: WAMR and WASI")
        yield Share("TA stack", pages(self.ta_stack), "compiled code runs on it")
        yield Share("TA loader", LDELF, "ldelf, arguments")
        yield Share("module's file", pages(file_bytes), "a copy, until it is loaded")
        yield Share("module's code", pages(code_bytes), "executable, not writable")
        yield Share("heap", heap, "linear memory and what the runtime needs", free=True)
        rest = self.memory.total - sum(
            (FIRMWARE, CORE - self.given_back, self.ta, pages(file_bytes), pages(code_bytes), heap)
        )
        yield Share("scattered", rest, "in pieces, for other TAs and for files")


def _take(areas: list[int], size: int) -> bool:
    """Take a piece from the first area that has one; say whether one has."""
    for number, free in enumerate(areas):
        if free >= size:
            areas[number] -= size
            return True
    return False


def plan_of(memory: SecureMemory, ta_elf: Path | None, core_elf: Path | None) -> Plan:
    """Return the plan with the TA and the core of two ELF files, or with the usual ones' sizes."""
    image, stack = _measure(ta_elf) if ta_elf else (_TA_IMAGE, TA_STACK)
    return Plan(memory, image, stack, _core_leaves(core_elf) if core_elf else _CORE_LEAVES)


def _core_leaves(elf: Path) -> int:
    """Return what a core's image leaves of its part, by the symbols of its linker script (kern.ld.S)."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        sections = ELFFile(file)
        table, strings = (sections.get_section_by_name(name) for name in (".symtab", ".strtab"))
        symbols, names = (table.data(), strings.data()) if table and strings else (b"", b"")
    found: dict[bytes, int] = {}
    # Thousands of symbols (Elf64_Sym): elftools would take a quarter of a second for them.
    for name, _, _, _, value, _ in struct.iter_unpack("<IBBHQQ", symbols):
        for wanted in (b"__vcore_free_start", b"__vcore_free_end"):
            if names.startswith(wanted + b"\0", name):
                found[wanted] = value
    if len(found) < 2:
        return _CORE_LEAVES
    return found[b"__vcore_free_end"] - found[b"__vcore_free_start"]


def _measure(elf: Path) -> tuple[int, int]:
    """Return the bytes of memory that a TA's segments and its stack take.

    The stack size is the second word after the UUID in its header (struct ta_head of user_ta_header.h).
    """
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        parsed = ELFFile(file)
        image = sum(
            pages(segment["p_vaddr"] % PAGE + segment["p_memsz"])
            for segment in parsed.iter_segments()
            if segment["p_type"] == "PT_LOAD"
        )
        head = parsed.get_section_by_name(".ta_head")
        data = head.data() if head is not None else b""
    return image, int.from_bytes(data[16:20], "little") or TA_STACK


def plan_lines(plan: Plan, width: int = 64) -> list[str]:
    """Return the budget as a table and a bar of ``width`` characters."""
    shares = list(plan.shares())
    lines = [f"secure_ram: {words(plan.memory.total)}", ""]
    lines += [f"  {share.name:<14} {share.size / MIB:8.2f} MiB  {share.note}" for share in shares]
    lines.append(f"  {'':<14} {plan.memory.total / MIB:8.2f} MiB")
    bar = ""
    for share in shares:
        length = max(round(width * share.size / plan.memory.total), 1 if share.size else 0)
        bar += ("." if share.free else share.name[0].upper()) * length
    heap = next(share.size for share in shares if share.free)
    lines += ["", f"  [{bar}]", "", f"a module can have a heap of up to {heap} bytes ({heap // 65536} pages)"]
    tables = plan.memory.page_tables
    lines.append(
        f"page tables: {tables}, for {words(tables * BLOCK)} of what a TA maps: "
        "a module's file twice, code and heap"
    )
    if plan.memory.pool:
        lines.append(f"not isolated: {NOT_ISOLATED}")
    else:
        most = words(LARGEST)
        lines.append(f"more: a larger `secure_ram` in config.yaml, up to {most}, not isolated under QEMU")
    return lines


def plan_json(plan: Plan) -> dict[str, object]:
    """Return the budget for scripts, sizes in bytes."""
    shares = [{"name": share.name, "bytes": share.size, "note": share.note} for share in plan.shares()]
    heap = next(share.size for share in plan.shares() if share.free)
    return {
        "secure_ram": plan.memory.total,
        "isolated": not plan.memory.pool,
        "shares": shares,
        "largest_heap": heap,
        "page_tables": plan.memory.page_tables,
    }
