"""Where a script grows a memory by more than the TEE has: the specification lets memory.grow fail."""

from __future__ import annotations

from collections.abc import Iterator

from teeforge.base.errors import TeeforgeError
from teeforge.base.reader import Reader
from teeforge.modules.program import Program
from teeforge.modules.wasm import PAGE_SIZE
from teeforge.spectest.binary import read_module
from teeforge.spectest.plan import Check, Loaded
from teeforge.spectest.values import Reply

_REASON = "memory.grow by more than the TEE has (`secure_ram`), which the specification allows to fail"
_FAILED = 0xFFFF_FFFF
_MOST = 65536  # pages of a memory


class Shortage:
    """Finds the checks that fail for this reason alone, with a heap of ``heap`` bytes."""

    def __init__(self, heap: int) -> None:
        self._pages = heap // PAGE_SIZE
        self._short: set[Loaded] = set()

    def excuse(self, check: Check, reply: Reply, program: Program) -> None:
        """Make a failed check one that is not applicable, if so.

        That is one in which memory.grow gave -1 and a number of pages is at hand that cannot be had; and what
        fails in the same instance afterwards, for its memory is smaller than the script thinks.
        """
        if check.verdict != "failed" or check.call is None:
            return
        loaded = check.call[0]
        if loaded in self._short or (_grew_not(check, reply, program) and self._wants_more(check)):
            self._short.add(loaded)
            check.skip(_REASON)

    def _wants_more(self, check: Check) -> bool:
        assert check.call is not None
        loaded, _, action = check.call
        numbers = {arg.bits for arg in action.args if arg.type == "i32"} or set(_constants(loaded))
        return any(self._pages < number <= _MOST for number in numbers if number is not None)


def _grew_not(check: Check, reply: Reply, program: Program) -> bool:
    expected = check.command.expected
    number = expected[0].bits if len(expected) == 1 and expected[0].type == "i32" else None
    contents = program.module.contents
    gave = [value.bits for value in reply.values]
    return number is not None and number < _MOST and gave == [_FAILED] and bool(contents and contents.grows)


def _constants(loaded: Loaded) -> Iterator[int]:
    """Yield what may be the operand of an i32.const in the module's code."""
    code = read_module(loaded.wasm.read_bytes()).sections.get(10, b"")
    for at, byte in enumerate(code):
        if byte == 0x41:
            try:
                yield Reader(code, at + 1, len(code), "the code").leb("a number")
            except TeeforgeError:
                continue
