"""Reading .wasm files: what a module says about itself, and one clear line for what is none."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teeforge.base.errors import TeeforgeError
from teeforge.modules.wasm import FuncType, Limits, read_wasm

HEADER = b"\0asm\x01\0\0\0"


def leb(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def vector(*items: bytes) -> bytes:
    return leb(len(items)) + b"".join(items)


def text(value: str) -> bytes:
    return leb(len(value.encode())) + value.encode()


def section(number: int, body: bytes) -> bytes:
    return bytes([number]) + leb(len(body)) + body


I32, I64 = b"\x7f", b"\x7e"
TYPES = section(1, vector(b"\x60" + vector(I32, I32) + vector(I32), b"\x60" + vector() + vector()))
IMPORTS = section(2, vector(text("wasi_snapshot_preview1") + text("fd_write") + b"\x00\x00"))
FUNCTIONS = section(3, vector(b"\x01"))
MEMORY = section(5, vector(b"\x01\x02\x10"))
EXPORTS = section(7, vector(text("_start") + b"\x00\x01", text("memory") + b"\x02\x00"))
CODE = section(10, vector(leb(2) + b"\x00\x0b"))
DATA = section(11, vector(b"\x00\x41\x80\x08\x0b" + text("hello")))
FEATURES = section(0, text("target_features") + vector(b"+" + text("sign-ext")))
MODULE = HEADER + TYPES + IMPORTS + FUNCTIONS + MEMORY + EXPORTS + CODE + DATA + FEATURES


def message(data: bytes, name: str = "x.wasm") -> str:
    with pytest.raises(TeeforgeError) as caught:
        read_wasm(data, name)
    assert "\n" not in caught.value.message
    return caught.value.message


def test_module_tells_its_imports_exports_memory_and_features() -> None:
    module = read_wasm(MODULE, "x.wasm")
    assert [(i.module, i.name, i.kind) for i in module.imports] == [
        ("wasi_snapshot_preview1", "fd_write", "func")
    ]
    assert module.imports[0].type == FuncType(("i32", "i32"), ("i32",))
    assert [(e.name, e.kind, e.index) for e in module.exports] == [
        ("_start", "func", 1),
        ("memory", "memory", 0),
    ]
    assert module.memories == (Limits(2, 16),)
    assert module.memory_bytes == 2 * 65536
    assert module.functions == 1
    assert module.data_bytes == len("hello")
    assert module.start is None
    assert module.features == {"sign-ext"}
    assert [s.name for s in module.sections][-2:] == ["data", "target_features"]


def test_smallest_module_is_read() -> None:
    assert read_wasm(HEADER, "x.wasm").sections == ()


def test_imported_memory_counts_as_memory() -> None:
    imported = section(2, vector(text("env") + text("memory") + b"\x02\x00\x03"))
    assert read_wasm(HEADER + imported, "x.wasm").memory_bytes == 3 * 65536


@pytest.mark.parametrize(
    ("section_bytes", "feature"),
    [
        (section(1, vector(b"\x60" + vector() + vector(I32, I64))), "multivalue"),
        (section(1, vector(b"\x60" + vector(b"\x7b") + vector())), "simd128"),
        (section(1, vector(b"\x60" + vector(b"\x6f") + vector())), "reference-types"),
        (section(5, vector(b"\x03\x01\x02")), "atomics"),
        (section(5, vector(b"\x04\x01")), "memory64"),
        (section(11, vector(b"\x01" + text("passive"))), "bulk-memory"),
    ],
)
def test_newer_features_are_noticed(section_bytes: bytes, feature: str) -> None:
    assert feature in read_wasm(HEADER + section_bytes, "x.wasm").features


def test_text_file_is_refused_naming_its_first_byte() -> None:
    assert message(b"hello", "hello.txt") == (
        "hello.txt: byte 0 is 0x68, a WebAssembly module begins with 00 61 73 6d"
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "x.wasm: the file is empty"),
        (b"\0as", "x.wasm: the file ends at byte 3"),
        (b"\0aot\x03\0\0\0", "x.wasm: byte 2 is 0x6f"),
        (b"\0asm\x02\0\0\0", "x.wasm: byte 4: version 02 00 00 00"),
        (b"\0asm\x0d\0\x01\0", "x.wasm: byte 6 is 0x01: this is a WebAssembly component"),
        (HEADER + b"\x7f\x00", "x.wasm: byte 8: there is no section 127"),
        (HEADER + b"\x01\x05\x00", "x.wasm: byte 10: the type section needs 5 bytes, but only 1 are left"),
        (HEADER + MEMORY + TYPES, "the type section is out of order"),
        (HEADER + MEMORY + MEMORY, "the memory section is out of order or there twice"),
        (HEADER + section(5, vector(b"\x00\x81\x80\x04")), "at most 65536 pages"),
        (HEADER + section(5, vector(b"\x00\x01") + b"\x00"), "goes on after its last entry"),
        (HEADER + section(1, leb(2**32 - 1)), "4294967295 types do not fit"),
        (HEADER + section(1, b"\xff\xff\xff\xff\x7f"), "is not a number of 32 bits"),
        (HEADER + section(7, vector(b"\x01\xff\x00\x00")), "is not UTF-8"),
        (HEADER + TYPES + FUNCTIONS, "1 functions are declared, but 0 have a body"),
        (HEADER + IMPORTS, "type 0 is used, but there are 0"),
    ],
)
def test_broken_module_is_refused_with_the_byte(data: bytes, expected: str) -> None:
    assert expected in message(data)


def test_webassembly_text_is_recognised() -> None:
    with pytest.raises(TeeforgeError) as caught:
        read_wasm(b"\n(module)", "x.wasm")
    assert "wat2wasm" in caught.value.hint


def test_damaged_custom_section_does_not_matter() -> None:
    broken = section(0, text("target_features") + b"\xff\xff\xff\x0f")
    assert read_wasm(HEADER + broken, "x.wasm").features == frozenset()


def test_module_cut_anywhere_gives_a_module_or_one_clear_error() -> None:
    for end in range(len(MODULE)):
        with contextlib.suppress(TeeforgeError):
            read_wasm(MODULE[:end], "x.wasm")


@given(st.binary(max_size=200))
def test_any_bytes_after_the_header_give_a_module_or_one_clear_error(rest: bytes) -> None:
    with contextlib.suppress(TeeforgeError):
        read_wasm(HEADER + rest, "x.wasm")


@given(st.integers(0, len(MODULE) * 8 - 1), st.integers(0, len(MODULE) * 8 - 1))
def test_flipped_bits_give_a_module_or_one_clear_error(first: int, second: int) -> None:
    data = bytearray(MODULE)
    for bit in {first, second}:
        data[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(TeeforgeError):
        read_wasm(bytes(data), "x.wasm")
