"""AOT files whose functions are machine code of ours, made without wamrc: tests/e2e/hostile/code.c."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

from teeforge.lab import Lab

from .conftest import ROOT
from .mutants import TEXT, sections

# What code.c does.
EACH_CALL, WAITS, CALLS, CIRCLES, LOOPS, PANICS = range(6)

_FUNCTION = 3
_SOURCE = ROOT / "tests/e2e/hostile"


def hostile_code(lab: Lab, what: int, folder: Path) -> bytes:
    """Return what the compiler makes of code.c: position independent, entered at its beginning."""
    kit = lab.builder.build(["optee_os"])["optee_os"].product("ta_dev_kit")
    cross, elf, code = lab.config.toolchain.cross, folder / "code.elf", folder / "code.bin"
    flags = [
        "-O1",
        "-ffreestanding",
        "-nostdlib",
        "-static",
        "-mcmodel=tiny",
        "-mgeneral-regs-only",
        "-fno-pic",
    ]
    flags += [
        "-fno-stack-protector",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-Wno-unused-function",
        "-Wl,--build-id=none",
    ]
    words = [*flags, f"-DDO={what}", f"-I{kit}/include", f"-Wl,-T,{_SOURCE}/code.ld,-e,entry"]
    subprocess.run([f"{cross}gcc", *words, _SOURCE / "code.c", "-o", elf], check=True)
    subprocess.run([f"{cross}objcopy", "-O", "binary", "-j", ".text", elf, code], check=True)
    return code.read_bytes()


def with_code(aot: bytes, code: bytes) -> bytes:
    """Return a sound AOT file with ``code`` behind its own, and all its functions beginning there."""
    parts = {kind: bytearray(aot[begin:end]) for kind, begin, end in sections(aot)}
    text = parts[TEXT]
    text += bytes(-len(text) % 4)
    (literals,) = struct.unpack_from("<I", text)
    at = len(text) - 4 - literals
    text += code + bytes(-len(code) % 4)

    # Offsets of 8 bytes each come first, then types of 4.
    functions = parts[_FUNCTION]
    for n in range(len(functions) // 12):
        struct.pack_into("<Q", functions, 8 * n, at)

    whole = bytearray(aot[:8])
    for kind, body in parts.items():
        whole += bytes(-len(whole) % 4) + struct.pack("<II", kind, len(body)) + body
    return bytes(whole)
