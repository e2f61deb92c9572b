"""What came of a call, held against what a script wants: bits, classes of NaNs, messages of traps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from teeforge.spectest.scripts import TYPES, Value

_NAMES = {code: name for name, code in TYPES.items()}
# The quiet bit and the exponent of a NaN, and its sign (Numerics, "NaN propagation", in the specification).
_CANONICAL = {"f32": 0x7FC0_0000, "f64": 0x7FF8_0000_0000_0000}
_SIGN = {"f32": 1 << 31, "f64": 1 << 63}
# What the TA's message begins with where a module is refused while its segments are copied.
_INSTANTIATING = "AOT module instantiate failed: "
# What WAMR and the TA say where the specification's testsuite has other words for it.
MESSAGES = {
    "native stack overflow": "call stack exhausted",
    "stack overflow": "call stack exhausted",
    "wasm operand stack overflow": "call stack exhausted",
    "out of bounds table index": "out of bounds table access",
    "data segment does not fit": "out of bounds memory access",
    "elements segment does not fit": "out of bounds table access",
}


@dataclass(frozen=True)
class Reply:
    """One line of spec_test: started, returned, trapped, refused, exited or failed, and what it tells."""

    how: str
    values: tuple[Value, ...] = ()
    message: str = ""

    def __str__(self) -> str:
        return f"{self.how} {_listed(self.values) if self.how == 'returned' else self.message}".rstrip()


def read_reply(line: str) -> Reply:
    """Return what a line of spec_test says."""
    how, _, rest = line.partition(" ")
    if how != "returned":
        return Reply(how, message=rest)
    return Reply(how, tuple(_value(word) for word in rest.split()))


def _value(word: str) -> Value:
    kind, _, bits = word.partition(":")
    return Value(_NAMES.get(int(kind, 16), f"type {kind}"), int(bits, 16))


def compare_values(expected: Sequence[Value], given: Sequence[Value]) -> str:
    """Return how values are other than expected, or nothing."""
    if len(expected) == len(given) and all(map(_matches, expected, given)):
        return ""
    return f"{_listed(given)} instead of {_listed(expected)}"


def _matches(expected: Value, given: Value) -> bool:
    if expected.type != given.type or given.bits is None:
        return False
    if expected.nan:
        canonical = _CANONICAL[expected.type]
        if expected.nan == "nan:canonical":
            return given.bits & ~_SIGN[expected.type] == canonical
        return given.bits & canonical == canonical
    if expected.bits is None:
        return given.bits != 0xFFFF_FFFF
    return given.bits == expected.bits


def _listed(values: Sequence[Value]) -> str:
    return " ".join(map(str, values)) or "nothing"


def compare_message(wanted: str, message: str) -> str:
    """Return how the message of a trap is another than the specification's, or nothing.

    A script may want the beginning only, or name the element, which the TA does not.
    """
    said = message.removeprefix(_INSTANTIATING)
    said = next((spec for own, spec in MESSAGES.items() if said.startswith(own)), said)
    good = bool(said) and (said.startswith(wanted) or wanted.startswith(said))
    return "" if good else f"`{message}` instead of `{wanted}`"
