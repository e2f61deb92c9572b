"""Modules by binaryen: random bytes that `wasm-opt --translate-to-fuzz` makes valid ones of."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

from teeforge.spectest.binary import leb, read_module, write_module

from .observe import prepend

# What this WAMR knows, but for reference types: those of version 108 are of a draft. generate.py has them.
_FEATURES = (
    *("--enable-sign-ext", "--enable-nontrapping-float-to-int", "--enable-mutable-globals"),
    *("--enable-multivalue", "--enable-bulk-memory"),
)
# The bits of a NaN are not defined: --denan lets no NaN be. Half of the modules are optimised.
_PASSES = ("--denan",)
_OPTIMISE = ("-O2", "-O3", "-Oz")
# One page, and one that it may grow by, for the 16 and 17 of binaryen: hashing them takes time.
_LIMITS = b"\x01\x01\x01\x02"


def generate(seed: int, folder: Path) -> bytes:
    """Return the module of a seed. The same version of binaryen makes the same of it."""
    chance = random.Random(seed)
    source, made = folder / f"{seed}.seed", folder / f"{seed}.ttf.wasm"
    source.write_bytes(chance.randbytes(chance.choice((200, 1000, 3000))))
    optimise = [chance.choice(_OPTIMISE)] if chance.random() < 0.5 else []
    words = ["wasm-opt", str(source), "--translate-to-fuzz", *_FEATURES, *_PASSES, *optimise, "-o", str(made)]
    subprocess.run(words, capture_output=True, check=True)
    try:
        return _small(made.read_bytes())
    finally:
        source.unlink()
        made.unlink()


def _small(wasm: bytes) -> bytes:
    """Return the module with little memory, and with functions that do nothing where it imports some."""
    module = read_module(wasm)
    sections = dict(module.sections)
    if 5 in sections:
        sections[5] = _LIMITS
    imports = [entry for entry in module.imports if entry.kind == "func"]
    if imports:
        del sections[2]
        # They come first, as imports do: all indices stay what they are.
        assert len(imports) == len(module.imports) and not any(
            entry.type.results for entry in imports if entry.type
        )
        sections[3] = prepend(sections[3], [leb(entry.index) for entry in imports])
        sections[10] = prepend(sections[10], [b"\x02\x00\x0b"] * len(imports))
    return write_module(sections)
