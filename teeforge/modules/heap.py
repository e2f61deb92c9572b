"""How large the runtime's pool (its "heap") must be for a module, and how large it may be."""

from __future__ import annotations

from teeforge.base.errors import TeeforgeError
from teeforge.modules.aot import COMPILE_AGAIN, AotModule

# What `--heap auto` gives a program that calls malloc() on top of the memory that it starts with.
GROWTH = 4 << 20
# What it gives beside the sum, which is what is asked of the runtime's allocator: that splits and aligns.
# Modules of many shapes took 0.9 KB more at most (tests/modulegen.py).
_SLACK = 4096
_SLACK_PART = 8
_ALIGNMENT = 8
# The TA takes no smaller pool: WASM_TA_HEAP_MIN of its wasm_ta.h. A module without memory needs less.
_LEAST = 4096


def heap_needed(module: AotModule) -> int:
    """Return about the bytes of the smallest pool that the module starts in, up to a page off.

    It is more than that where relocations, which are freed after loading, leave room for linear memory.

    The TA's own estimate (heap_needed in its report) is the same sum. Raises TeeforgeError for an AOT
    file of another version.
    """
    if module.contents is None:
        raise TeeforgeError("the memory need of an AOT file of this version is unknown", COMPILE_AGAIN)
    return module.contents.memory_bytes + module.contents.runtime_bytes


def heap_auto(module: AotModule, largest: int | None = None) -> int:
    """Return the pool that a module is given: enough to start, and to grow where it can.

    memory.grow moves linear memory to a larger block while the first one still lives; after that it
    grows in place. ``largest`` is the most that the TA can have, None if that is not known.
    """
    needed = heap_needed(module)
    assert module.contents is not None
    wanted = needed + _SLACK + module.contents.runtime_bytes // _SLACK_PART
    if module.contents.grows:
        start, most = module.contents.memory_bytes, module.contents.memory_most
        wanted += min(start + GROWTH, most)
    wanted = max(-(-wanted // _ALIGNMENT) * _ALIGNMENT, _LEAST)
    return wanted if largest is None else max(min(wanted, largest), needed)
