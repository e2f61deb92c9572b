"""SIMD: which instructions this WAMR has, and which a module wants.

WAMR's commit is of June 2021, before SIMD was final: some instructions were not there yet, and some numbers
meant others than they do now. A module that uses those would be refused without a word, or worse compute
something else. Numbers and names are of the core specification, release 2.0, chapter 5.4.8.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from teeforge.base.errors import TeeforgeError
from teeforge.modules.wasm import WasmModule

_NAMED = 6
_CODE_SECTION = 10
# What the pin has not, or has under another number; the first of each row has the number before it.
_MISSING_ROWS = (
    (
        0x53,
        "v128.any_true v128.load8_lane v128.load16_lane v128.load32_lane v128.load64_lane v128.store8_lane",
    ),
    (0x59, "v128.store16_lane v128.store32_lane v128.store64_lane v128.load32_zero v128.load64_zero"),
    (0x5E, "f32x4.demote_f64x2_zero f64x2.promote_low_f32x4"),
    (0x62, "i8x16.popcnt"),
    (0x67, "f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest"),
    (0x74, "f64x2.ceil f64x2.floor"),
    (0x7A, "f64x2.trunc"),
    (0x7C, "i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u"),
    (0x7E, "i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u"),
    (0x82, "i16x8.q15mulr_sat_s"),
    (0x94, "f64x2.nearest"),
    (0x9C, "i16x8.extmul_low_i8x16_s i16x8.extmul_high_i8x16_s"),
    (0x9E, "i16x8.extmul_low_i8x16_u i16x8.extmul_high_i8x16_u"),
    (0xBA, "i32x4.dot_i16x8_s"),
    (0xBC, "i32x4.extmul_low_i16x8_s i32x4.extmul_high_i16x8_s"),
    (0xBE, "i32x4.extmul_low_i16x8_u i32x4.extmul_high_i16x8_u"),
    (0xC0, "i64x2.abs"),
    (0xC3, "i64x2.all_true i64x2.bitmask"),
    (0xC7, "i64x2.extend_low_i32x4_s i64x2.extend_high_i32x4_s"),
    (0xC9, "i64x2.extend_low_i32x4_u i64x2.extend_high_i32x4_u"),
    (0xD6, "i64x2.eq i64x2.ne i64x2.lt_s i64x2.gt_s i64x2.le_s i64x2.ge_s"),
    (0xDC, "i64x2.extmul_low_i32x4_s i64x2.extmul_high_i32x4_s"),
    (0xDE, "i64x2.extmul_low_i32x4_u i64x2.extmul_high_i32x4_u"),
    (0xEA, "f32x4.pmin f32x4.pmax"),
    (0xF6, "f64x2.pmin f64x2.pmax"),
    (0xFC, "i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero"),
    (0xFE, "f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u"),
)
MISSING = {first + n: name for first, row in _MISSING_ROWS for n, name in enumerate(row.split())}
_RELAXED = 0x100

# What follows an opcode: so many LEB128 numbers, or so many bytes. The rest has nothing.
_LEBS = {
    **dict.fromkeys((0x02, 0x03, 0x04, 0x0C, 0x0D, 0x10, 0x12), 1),  # blocks, br, br_if, call, return_call
    **dict.fromkeys((0x11, 0x13), 2),  # call_indirect, return_call_indirect
    **dict.fromkeys(range(0x20, 0x27), 1),  # locals, globals, tables
    **dict.fromkeys(range(0x28, 0x3F), 2),  # loads and stores
    **dict.fromkeys((0x3F, 0x40, 0x41, 0x42, 0xD0, 0xD2), 1),  # memory.size and .grow, constants, ref.*
}
_BYTES = {0x43: 4, 0x44: 8}
_PLAIN = {0x00, 0x01, 0x05, 0x0B, 0x0F, 0x1A, 0x1B, 0xD1, *range(0x45, 0xC5)}
_BULK_LEBS = (*(0,) * 8, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1)


def simd_problem(data: bytes, module: WasmModule, name: str) -> TeeforgeError | None:
    """Return what to say of a module that uses SIMD which this WAMR has not; None if it does not."""
    numbers = sorted(set(_missing(data, module)))
    if not numbers:
        return None
    names = [MISSING.get(number, f"relaxed SIMD (0x{number:x})") for number in numbers]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return TeeforgeError(
        f"{name}: it uses SIMD instructions that this WAMR, of before SIMD was final, does not have: "
        f"{', '.join(names[:_NAMED])}{more}",
        "compile it without SIMD: -mno-simd128 (or -mcpu=mvp), for Rust -C target-feature=-simd128",
    )


def _missing(data: bytes, module: WasmModule) -> Iterator[int]:
    """Yield the numbers of such instructions."""
    for section in module.sections:
        if (
            section.id == _CODE_SECTION
            and data.find(b"\xfd", section.offset, section.offset + section.size) >= 0
        ):
            yield from _in_bodies(data, section.offset)


def _in_bodies(data: bytes, at: int) -> Iterator[int]:
    count, at = _leb(data, at)
    for _ in range(count):
        size, at = _leb(data, at)
        if data.find(b"\xfd", at, at + size) >= 0:
            # What is not valid, the compiler says.
            with contextlib.suppress(IndexError):
                yield from _in_body(data, at, at + size)
        at += size


def _in_body(data: bytes, at: int, end: int) -> Iterator[int]:
    """Go from instruction to instruction; up to the first that is unknown, of which the compiler tells."""
    groups, at = _leb(data, at)
    for _ in range(groups):
        _, at = _leb(data, at)
        at += 1
    while at < end:
        opcode = data[at]
        at += 1
        if opcode in _LEBS:
            at = _skip(data, at, _LEBS[opcode])
        elif opcode in _BYTES:
            at += _BYTES[opcode]
        elif opcode == 0xFD:
            number, at = _leb(data, at)
            if number in MISSING or number >= _RELAXED:
                yield number
            at = _skip_simd(data, at, number)
        elif opcode in (0x0E, 0x1C):  # br_table, select with types
            count, at = _leb(data, at)
            at = _skip(data, at, count + (opcode == 0x0E))
        elif opcode == 0xFC:
            number, at = _leb(data, at)
            if number >= len(_BULK_LEBS):
                return
            at = _skip(data, at, _BULK_LEBS[number])
        elif opcode not in _PLAIN:
            return


def _skip_simd(data: bytes, at: int, number: int) -> int:
    """Return what is behind the immediates of a SIMD instruction."""
    if number <= 0x0B or 0x54 <= number <= 0x5D:
        at = _skip(data, at, 2)
        return at + 1 if 0x54 <= number <= 0x5B else at
    if number in (0x0C, 0x0D):
        return at + 16
    return at + 1 if 0x15 <= number <= 0x22 else at


def _skip(data: bytes, at: int, count: int) -> int:
    for _ in range(count):
        while data[at] & 0x80:
            at += 1
        at += 1
    return at


def _leb(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return number, at
