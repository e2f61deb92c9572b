"""The script of a case for spec_test, and whether its replies are what the reference did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .opcodes import F32, F64
from .reference import NULL, Call, Case

# How deep a recursion may go is everyone's own affair, and so is how much memory there is.
_OPEN_TRAPS = ("native stack overflow", "wasm operand stack overflow")
_NAN = {F32: (0x7F800000, 0x7FFFFFFF), F64: (0x7FF0000000000000, 0x7FFFFFFFFFFFFFFF)}


@dataclass(frozen=True)
class Verdict:
    """``difference`` is empty where there is none; ``whole``: all calls could be compared."""

    difference: str = ""
    whole: bool = True


def script(case: Case, path: str) -> Iterator[str]:
    """Yield the lines; for each but the last there is a reply."""
    yield f"load 0 {path}"
    yield "start 0"
    for call in case.calls:
        args = [f"{kind:x}:{bits:x}" for kind, bits in call.args]
        yield " ".join(["call 0", call.name.encode().hex() or "-", *args])
    yield "unload 0"


def judge(case: Case, replies: Sequence[str]) -> Verdict:
    """Compare what spec_test printed for a case with what the reference did."""
    if len(replies) < 2:
        return Verdict("the engine died before the module was started")
    if replies[0] != "loaded":
        return Verdict(f"the module is not loaded: {replies[0]}")
    if (replies[1] == "started") != case.starts:
        return Verdict(f"{replies[1]}, but the reference {'starts' if case.starts else 'does not start'} it")
    for number, call in enumerate(case.calls):
        if number + 2 >= len(replies):
            return Verdict(f"the engine died in call {number}, {call.name}")
        reply = replies[number + 2]
        if call.open or reply.partition(" ")[2] in _OPEN_TRAPS:
            if reply.startswith("failed") and "asked for the end" not in reply:
                return Verdict(f"call {number}, {call.name}: {reply}")
            return Verdict(whole=False)
        if not _matches(call, reply):
            return Verdict(f"call {number}, {call.name}{list(call.args)}: {reply} instead of {wanted(call)}")
    return Verdict()


def wanted(call: Call) -> str:
    """Return what the reference did, in the words of spec_test."""
    if call.traps:
        return f"trapped {' or '.join(call.traps)}"
    values = [f"{kind:x}:{'NaN or not null' if bits is None else f'{bits:x}'}" for kind, bits in call.values]
    return " ".join(["returned", *values])


def _matches(call: Call, reply: str) -> bool:
    how, _, rest = reply.partition(" ")
    if how == "trapped":
        return rest in call.traps
    if how != "returned" or call.traps:
        return False
    given = [tuple(int(part, 16) for part in word.split(":")) for word in rest.split()]
    return len(given) == len(call.values) and all(map(_same, call.values, given))


def _same(value: tuple[int, int | None], given: tuple[int, ...]) -> bool:
    kind, bits = value
    if given[0] != kind:
        return False
    if bits is not None:
        return given[1] == bits
    if kind in _NAN:
        exponent, mask = _NAN[kind]
        return given[1] & mask > exponent
    return given[1] != NULL
