"""A module as large as none that was compiled from a program, for wamrc, loader and TA."""

from __future__ import annotations

from .opcodes import FUNCREF, I32, constant, leb


def _section(number: int, count: int, body: bytes) -> bytes:
    body = leb(count) + body
    return bytes([number]) + leb(len(body)) + body


def large(functions: int, elements: int, code: int) -> bytes:
    """Return a module with so many functions, elements of a table and bytes of code; call() goes through it.

    Function n adds n to its argument, and changes it by what it is padded with; call(x, i) calls element i.
    """
    room = code // functions
    bodies = []
    for n in range(functions):
        body = b"\x00\x20\x00" + constant(I32, n) + b"\x6a"
        while len(body) < room - 8:
            body += constant(I32, n * 0x9E3779B1 % (1 << 32)) + b"\x73"
        bodies.append(leb(len(body) + 1) + body + b"\x0b")
    call = b"\x00\x20\x00\x20\x01\x11\x00\x00\x0b"
    refs = b"".join(leb(n % functions) for n in range(elements))
    return b"\0asm\x01\0\0\0" + b"".join(
        [
            _section(1, 2, b"\x60\x01\x7f\x01\x7f" + b"\x60\x02\x7f\x7f\x01\x7f"),
            _section(3, functions + 1, b"\x00" * functions + b"\x01"),
            _section(4, 1, bytes([FUNCREF, 1]) + leb(elements) * 2),
            _section(7, 1, b"\x04call\x00" + leb(functions)),
            _section(9, 1, b"\x00" + constant(I32, 0) + b"\x0b" + leb(elements) + refs),
            _section(10, functions + 1, b"".join(bodies) + leb(len(call)) + call),
        ]
    )
