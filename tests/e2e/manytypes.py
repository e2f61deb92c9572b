"""An AOT file with as many types and imports as fit: what is checked for each must not take long."""

from __future__ import annotations

import struct

from .mutants import sections

_TARGET_INFO, _NOWHERE = 0, 0xFFFFFFFF
_MODULE, _NAME = b"wasi_snapshot_preview1", b"sched_yield"
_I32 = 0x7F
_RETURN = 0xD65F03C0


def many_types(aot: bytes, types: int, imports: int) -> bytes:
    """Return a file for the target of ``aot``: all imports are of the last type, which is () -> i32."""
    ((_, begin, end),) = [section for section in sections(aot) if section[0] == _TARGET_INFO]
    bodies = [
        aot[begin:end],
        _init_data(types, imports),
        struct.pack("<II", 0, _RETURN),
        struct.pack("<QI", 0, 0),
        struct.pack("<I", 0),
        struct.pack("<III", 0, 0, 0),
    ]
    whole = bytearray(aot[:8])
    for kind, body in enumerate(bodies):
        whole += bytes(-len(whole) % 4)
        assert kind != 1 or (len(whole) + 8) % 4 == 0
        whole += struct.pack("<II", kind, len(body)) + body
    return bytes(whole)


def _init_data(types: int, imports: int) -> bytes:
    """Numbers are aligned to their size: its beginning is at a multiple of 4."""
    # No memories, data segments, tables, element segments.
    data = bytearray(struct.pack("<6I", 0, 0, 0, 0, 0, 0))
    data += struct.pack("<I", types)
    for _ in range(types):
        data += bytes(-len(data) % 4) + struct.pack("<IIB", 0, 1, _I32)
    # No globals.
    data += bytes(-len(data) % 4) + struct.pack("<III", 0, 0, imports)
    for _ in range(imports):
        data += bytes(-len(data) % 2) + struct.pack("<H", types - 1)
        for name in (_MODULE, _NAME):
            data += bytes(-len(data) % 2) + struct.pack("<H", len(name)) + name
    # One function, no start function, nothing of the stack, no data sections.
    data += bytes(-len(data) % 4) + struct.pack("<II7I", 1, _NOWHERE, *[_NOWHERE] * 7)
    return bytes(data + struct.pack("<I", 0))
