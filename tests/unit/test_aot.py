"""Reading .aot files: what wamrc made, and in one sentence why the TA would not load it."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teeforge.base.errors import TeeforgeError
from teeforge.modules.aot import check_loadable, read_aot
from teeforge.modules.aotbody import AotImport, AotMemory
from teeforge.modules.heap import GROWTH, heap_auto, heap_needed
from teeforge.modules.wasm import FuncType

ADR_PREL_PG_HI21, ADD_ABS_LO12_NC, CALL26, JUMP26 = 275, 277, 283, 282


class Body:
    """Bytes of a section; every number is aligned as wamrc does it (sections begin at multiples of 4)."""

    def __init__(self) -> None:
        self.data = b""

    def number(self, size: int, *values: int) -> Body:
        for value in values:
            self.data += bytes(-len(self.data) % min(size, 4)) + value.to_bytes(size, "little")
        return self

    def string(self, value: str) -> Body:
        self.number(2, len(value))
        self.data += value.encode()
        return self


def target_info(machine: int = 183, arch: bytes = b"aarch64v8", bin_type: int = 2, size: int = 36) -> bytes:
    head = struct.pack("<HHHHII", bin_type, 0, 1, machine, 1, 0)
    return head + bytes(size - len(head) - 16) + arch.ljust(16, b"\0")


def init_data(pages: int = 2, most: int = 16, name: str = "fd_write") -> bytes:
    body = Body()
    body.number(4, 0, 1).number(4, 0, 65536, pages, most)  # no imported memory, one of our own
    body.number(4, 1).number(4, 0, 0, 0x41).number(8, 1024).number(4, 5)  # one data segment of 5 bytes
    body.data += b"hello"
    body.number(4, 0, 1).number(4, 0x70, 1, 4, 4, 0)  # no imported table, one of our own
    body.number(4, 1).number(4, 0, 0x70, 0, 0x41).number(8, 1).number(4, 2).number(4, 0, 1)  # elements
    body.number(4, 1).number(4, 4, 1)  # one type of 4 parameters and 1 result
    body.data += b"\x7f" * 5
    body.number(4, 0)  # no imported global
    body.number(4, 1).number(1, 0x7F, 1).number(2, 0x41).number(8, 66560)
    body.number(4, 1).number(2, 0).string("wasi_snapshot_preview1").string(name)
    body.number(4, 3).number(4, 0xFFFFFFFF).number(4, 1, 2, 3, 4, 5, 6).number(4, 32768)
    body.number(4, 1).string(".rodata").number(4, 3)
    body.data += b"abc"
    return body.data


def exports() -> bytes:
    body = Body().number(4, 2)
    body.number(4, 0).number(1, 2).string("memory")
    body.number(4, 1).number(1, 0).string("_start")
    return body.data


def relocations(
    types: Sequence[int] = (ADR_PREL_PG_HI21, CALL26),
    symbols: Sequence[str] = (".rela.text", "aot_func#1", ".rodata"),
) -> bytes:
    table, offsets = Body(), []
    for symbol in symbols:
        table.number(2)
        table.data += bytes(len(table.data) % 2)
        offsets.append(len(table.data))
        table.string(symbol)
    body = Body().number(4, len(symbols), *offsets).number(4, len(table.data))
    body.data += table.data
    body.number(4, 1).number(4, 0, len(types))
    for number, kind in enumerate(types):
        body.number(8, number * 4, 0).number(4, kind, 1 + number % 2)
    return body.data


def aot(
    *,
    version: int = 3,
    target: bytes = b"",
    init: bytes = b"",
    reloc: bytes = b"",
    order: Sequence[int] = range(6),
) -> bytes:
    bodies = [
        target or target_info(),
        init or init_data(),
        bytes(4) + b"\x1f\x20\x03\xd5" * 8,
        bytes(8 * 3 + 4 * 3),
        exports(),
        reloc or relocations(),
    ]
    out = b"\0aot" + version.to_bytes(4, "little")
    for kind in order:
        out += bytes(-len(out) % 4) + struct.pack("<II", kind, len(bodies[kind])) + bodies[kind]
    return out


MODULE = aot()
GROWING = (".rela.text", "aot_func#1", "aot_enlarge_memory")


def refusal(data: bytes) -> TeeforgeError:
    with pytest.raises(TeeforgeError) as caught:
        check_loadable(data, "x.aot")
    assert "\n" not in caught.value.message
    assert caught.value.message.startswith("x.aot: ")
    return caught.value


def test_loadable_file_tells_what_is_in_it() -> None:
    module = check_loadable(MODULE, "x.aot")
    assert (module.version, module.target.size, module.target.arch) == (3, 36, "aarch64v8")
    assert module.written_by == "WAMR 1.3.3 and earlier"
    contents = module.contents
    assert contents is not None
    assert contents.memories == (AotMemory(65536, 2, 16),)
    assert contents.init_data_bytes == 5
    assert contents.imports == (
        AotImport("wasi_snapshot_preview1", "fd_write", FuncType(("i32",) * 4, ("i32",))),
    )
    assert [(e.name, e.kind) for e in contents.exports] == [("memory", "memory"), ("_start", "func")]
    assert contents.functions == 3
    assert contents.aux_stack_size == 32768
    assert contents.object_data_bytes == 3
    assert contents.relocations == 2
    assert contents.relocation_types == {ADR_PREL_PG_HI21, CALL26}
    assert contents.symbols == (".rela.text", "aot_func#1", ".rodata")


@pytest.mark.parametrize(
    ("version", "writer"),
    [
        (4, "WAMR 2.3.0 to 2.4.0"),
        (5, "WAMR 2.4.1 to 2.4.5"),
        (6, "WAMR after 2.4.5"),
        (99, "no known release"),
    ],
)
def test_other_version_is_refused_naming_the_releases_that_write_it(version: int, writer: str) -> None:
    error = refusal(aot(version=version))
    assert f"byte 4: this is AOT version {version}" in error.message
    assert writer in error.message
    assert error.hint


def test_target_info_with_12_bytes_more_is_refused_naming_its_releases() -> None:
    error = refusal(aot(target=target_info(size=48)))
    assert "48 bytes, 12 more" in error.message
    assert "WAMR 2.0.0 to 2.2.0" in error.message


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (target_info(machine=62, arch=b"x86_64"), "the code is for x86_64"),
        (target_info(machine=40, arch=b"thumbv7"), "the code is for thumbv7"),
        (target_info(arch=b"aarch64v8\x1b[2J"), "the code is for aarch64v8\\x1b[2J"),
        (target_info(bin_type=3), "binary type 3"),
        (target_info(size=40), "the target info has 40 bytes"),
    ],
)
def test_other_architecture_is_refused(target: bytes, expected: str) -> None:
    assert expected in refusal(aot(target=target)).message


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "the file is empty"),
        (b"\0asm\x01\0\0\0", "byte 2 is 0x73: this is a WebAssembly module"),
        (b"\x7fELF\x02\x01\x01", "byte 0 is 0x7f: this is an ELF file"),
        (b"hello", "byte 0 is 0x68, an AOT file begins with 00 61 6f 74"),
        (b"\0ao", "the file ends at byte 3"),
        (b"\0aot\x03", "byte 4: the version needs 4 bytes"),
        (MODULE[:8], "byte 8: the first section is not the target info"),
        (MODULE[:-1], "the relocation section needs"),
        (aot(order=range(5)), "it has the sections target info, init data, text, function, export; "),
        (aot(order=(0, 1, 3, 2, 4, 5)), "it has the sections target info, init data, function"),
        (aot(order=(1, 0)), "the first section is not the target info"),
        (aot(init=init_data() + bytes(4)), "the init data section goes on after its last entry"),
    ],
)
def test_file_that_is_no_aot_module_is_refused(data: bytes, expected: str) -> None:
    assert expected in refusal(data).message


def test_relocation_that_the_loader_does_not_know_is_refused_by_name() -> None:
    assert "type 282 (R_AARCH64_JUMP26)" in refusal(aot(reloc=relocations([CALL26, JUMP26]))).message


@pytest.mark.parametrize("version", [3, 4, 5, 6])
def test_other_versions_are_still_read_for_information(version: int) -> None:
    module = read_aot(aot(version=version, target=target_info(size=48)), "x.aot")
    assert module.version == version
    assert module.contents is None
    with pytest.raises(TeeforgeError):
        heap_needed(module)


def test_heap_covers_memory_and_the_runtimes_own_need() -> None:
    small = heap_needed(check_loadable(aot(init=init_data(1)), "x.aot"))
    large = heap_needed(check_loadable(aot(init=init_data(3)), "x.aot"))
    assert large - small == 2 * 65536
    assert 65536 + 2048 < small < 65536 + 8192


def test_heap_of_a_program_that_cannot_grow_is_what_it_needs_and_a_page_or_two() -> None:
    module = check_loadable(MODULE, "x.aot")
    assert heap_needed(module) + 4096 <= heap_auto(module) < heap_needed(module) + 8192
    # Where there is less, it is all there is.
    assert heap_auto(module, heap_needed(module) + 64) == heap_needed(module) + 64


def test_heap_of_a_program_that_grows_holds_the_old_and_the_new_memory() -> None:
    module = check_loadable(aot(reloc=relocations(symbols=GROWING)), "x.aot")
    needed = heap_needed(module)
    assert heap_auto(module) - needed >= 16 * 65536, "its own maximum is 16 pages"
    unlimited = check_loadable(
        aot(init=init_data(2, most=65536), reloc=relocations(symbols=GROWING)), "x.aot"
    )
    assert heap_auto(unlimited) - heap_needed(unlimited) >= 2 * 65536 + GROWTH
    assert heap_auto(unlimited, largest=needed + 65536) <= needed + 65536
    assert heap_auto(unlimited, largest=1) == heap_needed(unlimited)


def test_file_cut_anywhere_is_refused_with_one_clear_error() -> None:
    for end in range(len(MODULE)):
        refusal(MODULE[:end])


@given(st.binary(max_size=300))
def test_any_init_data_is_read_or_refused_with_one_clear_error(init: bytes) -> None:
    with contextlib.suppress(TeeforgeError):
        check_loadable(aot(init=init), "x.aot")


@given(st.binary(max_size=300))
def test_any_relocations_are_read_or_refused_with_one_clear_error(reloc: bytes) -> None:
    with contextlib.suppress(TeeforgeError):
        check_loadable(aot(reloc=reloc), "x.aot")


@given(st.integers(0, len(MODULE) * 8 - 1), st.integers(0, len(MODULE) * 8 - 1))
def test_flipped_bits_are_read_or_refused_with_one_clear_error(first: int, second: int) -> None:
    data = bytearray(MODULE)
    for bit in {first, second}:
        data[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(TeeforgeError):
        check_loadable(bytes(data), "x.aot")
