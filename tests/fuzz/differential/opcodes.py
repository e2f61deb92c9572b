"""Instructions of WebAssembly by what they take and give: what generate.py chooses from.

Numbers are those of the core specification, release 2.0, chapter 5.4.
"""

from __future__ import annotations

import struct

from teeforge.spectest.binary import leb as leb

I32, I64, F32, F64 = 0x7F, 0x7E, 0x7D, 0x7C
FUNCREF, EXTERNREF = 0x70, 0x6F
NUMBERS = (I32, I64, F32, F64)
REFERENCES = (FUNCREF, EXTERNREF)

_SATURATING = {
    I32: [(0, F32), (1, F32), (2, F64), (3, F64)],
    I64: [(4, F32), (5, F32), (6, F64), (7, F64)],
}


def _range(first: int, last: int) -> list[bytes]:
    return [bytes([opcode]) for opcode in range(first, last + 1)]


# Each by the type of its result: the instruction, and what it takes.
UNARY: dict[int, list[tuple[bytes, int]]] = {
    I32: [
        *((code, I32) for code in [b"\x45", *_range(0x67, 0x69), b"\xc0", b"\xc1"]),
        *((code, I64) for code in [b"\x50", b"\xa7"]),
        *((bytes([0xFC, number]), of) for number, of in _SATURATING[I32]),
        *((code, F32) for code in [b"\xa8", b"\xa9"]),
        *((code, F64) for code in [b"\xaa", b"\xab"]),
    ],
    I64: [
        *((code, I64) for code in [*_range(0x79, 0x7B), *_range(0xC2, 0xC4)]),
        *((code, I32) for code in [b"\xac", b"\xad"]),
        *((bytes([0xFC, number]), of) for number, of in _SATURATING[I64]),
        *((code, F32) for code in [b"\xae", b"\xaf"]),
        *((code, F64) for code in [b"\xb0", b"\xb1"]),
    ],
    F32: [
        *((code, F32) for code in _range(0x8B, 0x91)),
        *((code, I32) for code in [b"\xb2", b"\xb3", b"\xbe"]),
        *((code, I64) for code in [b"\xb4", b"\xb5"]),
        (b"\xb6", F64),
    ],
    F64: [
        *((code, F64) for code in _range(0x99, 0x9F)),
        *((code, I32) for code in [b"\xb7", b"\xb8"]),
        *((code, I64) for code in [b"\xb9", b"\xba", b"\xbf"]),
        (b"\xbb", F32),
    ],
}
BINARY: dict[int, list[tuple[bytes, int]]] = {
    I32: [
        *((code, I32) for code in [*_range(0x46, 0x4F), *_range(0x6A, 0x78)]),
        *((code, I64) for code in _range(0x51, 0x5A)),
        *((code, F32) for code in _range(0x5B, 0x60)),
        *((code, F64) for code in _range(0x61, 0x66)),
    ],
    I64: [(code, I64) for code in _range(0x7C, 0x8A)],
    # copysign shows the sign of a NaN: generate.py has its own way to it.
    F32: [(code, F32) for code in _range(0x92, 0x97)],
    F64: [(code, F64) for code in _range(0xA0, 0xA5)],
}
# Shifts and rotations, of which a constant count is another path of the compiler.
SHIFTS = {I32: _range(0x74, 0x78), I64: _range(0x86, 0x8A)}
COPYSIGN = {F32: b"\x98", F64: b"\xa6"}
REINTERPRET = {I32: (b"\xbc", F32), I64: (b"\xbd", F64)}
EQUAL = {F32: b"\x5b", F64: b"\x61"}
# Opcode and bytes of the access.
LOADS = {
    I32: [(0x28, 4), (0x2C, 1), (0x2D, 1), (0x2E, 2), (0x2F, 2)],
    I64: [(0x29, 8), (0x30, 1), (0x31, 1), (0x32, 2), (0x33, 2), (0x34, 4), (0x35, 4)],
    F32: [(0x2A, 4)],
    F64: [(0x2B, 8)],
}
STORES = {
    I32: [(0x36, 4), (0x3A, 1), (0x3B, 2)],
    I64: [(0x37, 8), (0x3C, 1), (0x3D, 2), (0x3E, 4)],
    F32: [(0x38, 4)],
    F64: [(0x39, 8)],
}

INTEGERS = (0, 1, 2, 3, 4, 7, 8, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000)
EDGES = {
    I32: (0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFF0, 0xFFFF0000),
    I64: (0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, (1 << 32) + 16, (1 << 63) - 1, 1 << 63, (1 << 64) - 1),
}
# As bits: numbers at which conversions change, infinities, and NaNs of both kinds.
FLOATS = {
    F32: (
        *(0, 0x80000000, 0x3F800000, 0xBF800000, 0x3F000000, 0x4F000000, 0xCF000000, 0x4EFFFFFF, 0x4F7FFFFF),
        *(0x5F000000, 0xDF000000, 0x5F7FFFFF, 1, 0x807FFFFF, 0x7F7FFFFF, 0x7F800000, 0xFF800000),
        *(0x7FC00000, 0xFFC00000, 0x7FA00000),
    ),
    F64: (
        *(0, 1 << 63, 0x3FF0000000000000, 0xBFF0000000000000, 0x41E0000000000000, 0xC1E0000000200000),
        *(0x41DFFFFFFFC00000, 0x41EFFFFFFFE00000, 0x43E0000000000000, 0xC3E0000000000000, 0x43EFFFFFFFFFFFFF),
        *(1, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, 0xFFF0000000000000),
        *(0x7FF8000000000000, 0xFFF8000000000000, 0x7FF4000000000000),
    ),
}


def signed(number: int) -> bytes:
    """Return a signed number as LEB128."""
    made = bytearray()
    while not -64 <= number < 64:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number & 0x7F])


def constant(type: int, bits: int) -> bytes:
    """Return the instruction that gives a number, by its bits."""
    if type == I32:
        return b"\x41" + signed(bits - (1 << 32) if bits >> 31 else bits)
    if type == I64:
        return b"\x42" + signed(bits - (1 << 64) if bits >> 63 else bits)
    return b"\x43" + struct.pack("<I", bits) if type == F32 else b"\x44" + struct.pack("<Q", bits)
