"""SIMD that WAMR's commit has not is named before anything is compiled or sent."""

from __future__ import annotations

import pytest

from teeforge.modules.simd import MISSING, simd_problem
from teeforge.modules.wasm import read_wasm

from ..modulegen import leb, module, section

HEADER = b"\0asm\1\0\0\0"
# Numbers of release 2.0 that stand for nothing.
HOLES = (0x9A, 0xA2, 0xA5, 0xA6, 0xAF, 0xB0, 0xB2, 0xB3, 0xB4, 0xBB, 0xC2, 0xC5, 0xC6, 0xCF, 0xD0, 0xD2, 0xD3)
VECTOR = b"\xfd\x0c" + bytes(16)


def with_code(code: bytes) -> bytes:
    body = b"\0" + code + b"\x0b"
    types, functions = section(1, [b"\x60\0\0"]), section(3, [b"\0"])
    return HEADER + types + functions + section(10, [leb(len(body)) + body])


def told(data: bytes) -> str:
    problem = simd_problem(data, read_wasm(data, "x.wasm"), "x.wasm")
    assert problem is None or "\n" not in problem.message
    return problem.message if problem else ""


@pytest.mark.parametrize("number", sorted(MISSING))
def test_each_missing_instruction_is_told_by_its_name(number: int) -> None:
    assert MISSING[number] in told(with_code(VECTOR + b"\xfd" + leb(number)))


def test_missing_and_known_numbers_are_those_of_the_specification() -> None:
    assert not set(MISSING) & {*HOLES, 0xD4, 0xE2, 0xEE}
    assert len(MISSING) == len(set(MISSING.values())) == 61


def test_instructions_that_are_there_are_no_problem() -> None:
    there = [n for n in range(256) if n not in MISSING and n not in HOLES]
    loads = [b"\xfd" + leb(n) + b"\4\x10" for n in there if n <= 0x0B]
    lanes = [b"\xfd" + leb(n) + b"\1" for n in there if 0x15 <= n <= 0x22]
    others = [b"\xfd" + leb(n) for n in there if n >= 0x0E and not 0x15 <= n <= 0x22]
    shuffle = b"\xfd\x0d" + bytes(range(0x53, 0x63))
    assert told(with_code(VECTOR + shuffle + b"".join(loads + lanes + others))) == ""


@pytest.mark.parametrize(
    "before",
    [
        b"\x41\xfd\x00\x1a",  # i32.const with such a byte in it
        b"\x44" + b"\xfd\x53" * 4 + b"\x1a",
        b"\x02\x40\x0c\x00\x0b",
        b"\x0e\x02\x00\x00\x00",
        b"\xfc\x0a\x00\x00\xfc\x0b\x00",
        b"\x28\x02\xfd\x53",
        b"\x1c\x01\x7f",
    ],
)
def test_other_instructions_are_passed_by(before: bytes) -> None:
    assert told(with_code(before)) == ""
    assert told(with_code(before + b"\xfd\x62")).endswith("i8x16.popcnt")


def test_relaxed_simd_is_told_by_its_number() -> None:
    assert "relaxed SIMD (0x105)" in told(with_code(b"\xfd" + leb(0x105)))


@pytest.mark.parametrize(
    "code", [b"\xfd", b"\xfd\x80", b"\x41", b"\x06\xfd\x62", b"\xff\xfd\x62", b"\x0e\xff\xff\x7f"]
)
def test_code_that_is_none_is_left_to_the_compiler(code: bytes) -> None:
    told(with_code(code))


def test_modules_without_simd_have_none() -> None:
    assert not any(told(module(seed)) for seed in range(200))
