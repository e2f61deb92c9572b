"""Fields of structures near the end of memory: some checks follow from others of one address, some do not.

EDGES are at the conditions of wamrc's known checks; names in brackets are those of
overlays/wamrc/core/iwasm/compilation/aot_known_checks.h. What is generated reads and writes at pointers that
are arguments, on ways that part and meet, with calls, traps and growing memory in between.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import wasmtime

_PAGE = 1 << 16
_OFFSETS = (0, 0, 0, 4, 4, 8, 8, 8, 12, 16, 24, 1, 7)
_FAR = (40, 4096, 65528, 0xFFFFFFF0)
_LOADS = (
    *("i64.load", "i64.load", "i64.load32_u", "i64.load8_u", "i64.load16_s"),
    *("i64.load8_u", "i64.load32_s"),
)
_STORES = ("i64.store", "i64.store32", "i64.store8", "i64.store16")
_POINTERS = ("$p", "$p", "$q", "$r")


class _Writer:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def address(self) -> str:
        return f"(local.get {self.chance.choice(_POINTERS)})"

    def offset(self) -> str:
        return f"offset={self.chance.choice(_FAR if self.chance.random() < 0.03 else _OFFSETS)}"

    def load(self) -> str:
        return f"({self.chance.choice(_LOADS)} {self.offset()} {self.address()})"

    def add(self) -> str:
        return f"(local.set $s (i64.add (i64.rotl (local.get $s) (i64.const 1)) {self.load()}))"

    def store(self) -> str:
        return f"({self.chance.choice(_STORES)} {self.offset()} {self.address()} (local.get $s))"

    def move(self) -> str:
        to, way = self.chance.choice(("$p", "$q", "$r")), self.chance.randrange(4)
        if way == 0:
            what = f"(i32.add {self.address()} (i32.const {self.chance.choice((4, 8, -8, 16, 0x10000))}))"
        elif way == 1:
            what = f"(i32.load16_u {self.offset()} {self.address()})"
        elif way == 2:
            what = f"(select {self.address()} {self.address()} {self.condition()})"
        else:
            what = self.address()
        return f"(local.set {to} {what})"

    def condition(self) -> str:
        return f"(i32.and (local.get $n) (i32.const {self.chance.choice((1, 2, 4))}))"

    def other_trap(self) -> str:
        return self.chance.choice(
            (
                "(local.set $s (i64.div_u (local.get $s) (i64.extend_i32_u (local.get $n))))",
                f"(if (i64.gt_u (i64.add (i64.extend_i32_u {self.address()}) (i64.const 8)) {self.load()})"
                " (then unreachable))",
            )
        )

    def grow(self) -> str:
        return self.chance.choice(("(call $grow (local.get $n))", "(drop (memory.grow (i32.const 1)))"))

    def part(self, depth: int) -> str:
        then, other = (self.statements(depth + 1) for _ in range(2))
        return f"(if {self.condition()} (then {then}) (else {other}))"

    def loop(self, depth: int) -> str:
        return (
            f"(local.set $k{depth} (i32.const 3)) (loop $l{depth} {self.statements(depth + 1)}"
            f" (br_if $l{depth} (local.tee $k{depth} (i32.sub (local.get $k{depth}) (i32.const 1)))))"
        )

    def statements(self, depth: int = 0) -> str:
        made = []
        for _ in range(self.chance.choice((1, 2, 3, 5))):
            roll = self.chance.random()
            if roll < 0.55:
                made.append(self.add())
            elif roll < 0.7:
                made.append(self.store())
            elif roll < 0.78:
                made.append(self.move())
            elif roll < 0.82:
                made.append(self.other_trap())
            elif roll < 0.85:
                made.append(self.grow())
            elif depth < 2:
                made.append(self.part(depth) if roll < 0.96 else self.loop(depth))
        return " ".join(made)

    def function(self, number: int) -> str:
        return (
            f"(func $f{number} (param $p i32) (param $q i32) (param $n i32) (result i64)"
            "(local $r i32) (local $s i64) (local $k0 i32) (local $k1 i32)"
            f"(local.set $r (local.get $q)) {self.statements()} {self.statements()} (local.get $s))"
        )


def _pointer(chance: random.Random, size: int) -> int:
    if chance.random() < 0.5:
        return chance.choice((64, 1024, 4096))
    edge = chance.choice((size, size, size - 16, size - 40, size - 4096, 1 << 31, 1 << 32))
    return (edge - chance.choice((0, 1, 2, 4, 7, 8, 9, 12, 15, 16, 20, 24, 48))) % (1 << 32)


def generate(seed: int) -> bytes:
    """Return the module of a seed: the same bytes each time."""
    chance = random.Random(f"fields {seed}")
    pages = 0 if chance.random() < 0.03 else chance.choice((1, 1, 2))
    functions = [_Writer(chance).function(number) for number in range(3)]
    calls = []
    for number in range(len(functions)):
        for call in range(4):
            given = (
                _pointer(chance, pages * _PAGE),
                _pointer(chance, pages * _PAGE),
                chance.choice((0, 1, 2, 3, 4, 7)),
            )
            words = " ".join(f"(i32.const {value})" for value in given)
            calls.append(f'(func (export "f{number}.{call}") (result i64) (call $f{number} {words}))')
    data = "".join(f"\\{byte:02x}" for byte in chance.randbytes(256))
    text = [f"(module (memory {pages} {pages + 2})"]
    text += [f'(data (i32.const {place}) "{data}")' for place in (0, _PAGE - 256) if pages]
    text += ["(func $grow (param i32) (if (i32.eq (local.get 0) (i32.const 2))"]
    text += ["(then (drop (memory.grow (i32.const 1))))))"]
    return bytes(wasmtime.wat2wasm("\n".join([*text, *functions, *calls, ")"])))


def _module(body: str, calls: Sequence[Sequence[int]]) -> str:
    """Return a module of one page, full of 77, whose function f gets a pointer and a number."""
    exported = "".join(
        f'(func (export "f{number}") (result i64) (call $f (i32.const {p}) (i32.const {n})))'
        for number, (p, n) in enumerate(calls)
    )
    return f"""(module (memory 1 2)
        (func $fill (memory.fill (i32.const 0) (i32.const 77) (i32.const {_PAGE}))) (start $fill)
        (func $f (param $p i32) (param $n i32) (result i64) (local $s i64)
          {body} (local.get $s))
        {exported})"""


def _add(load: str, offset: int, address: str = "$p") -> str:
    return f"(local.set $s (i64.add (local.get $s) (i64.{load} offset={offset} (local.get {address}))))"


_WIDE, _BYTE = "load", "load8_u"
_ENDS = [(_PAGE - distance, 0) for distance in (0, 1, 7, 8, 9, 15, 16, 17, 24, 25)]
_EITHER = [(p, n) for p, _ in _ENDS for n in (0, 1)]
# Where instances have the bounds, and what lies around; of a module 20 calls are made.
_PLACES = range(320, 480, 8)

EDGES = {
    # [larger]: the larger end first, and last; the larger offset of less width.
    "fields-down": _module(_add(_WIDE, 8) + _add(_WIDE, 0), _ENDS),
    "fields-up": _module(_add(_WIDE, 0) + _add(_WIDE, 8) + _add(_WIDE, 16), _ENDS),
    "fields-width": _module(_add(_BYTE, 0) + _add(_WIDE, 0), _ENDS),
    "fields-offset": _module(_add(_BYTE, 4) + _add(_WIDE, 0), _ENDS),
    "fields-other": _module(
        _add(_WIDE, 0) + _add(_BYTE, 16, "$n") + _add(_BYTE, 8),
        [*_ENDS, (64, _PAGE - 16), (64, _PAGE - 17), (_PAGE - 8, 64)],
    ),
    # [bound]: what a program compares with is in linear memory, where an instance would have it.
    "fields-compared": _module(
        "".join(
            f"""(if (i32.eq (local.get $n) (i32.const {place})) (then
              (if (i64.gt_u (i64.extend_i32_u (local.get $p)) (i64.load (i32.const {place})))
                (then unreachable))
              {_add(_BYTE, 0)}))"""
            for place in _PLACES
        ),
        [(0xFFFFFF00, place) for place in _PLACES],
    ),
    # [edge]: checked on one of two ways that meet, on either, and where a loop goes on with another address.
    "fields-one-way": _module(
        f"(if (local.get $n) (then {_add(_WIDE, 8)})) {_add(_WIDE, 0)}",
        _EITHER,
    ),
    "fields-other-way": _module(
        f"(if (local.get $n) (then {_add(_WIDE, 8)}) (else {_add(_WIDE, 0)})) {_add(_WIDE, 4)}",
        _EITHER,
    ),
    "fields-loop": _module(
        f"""(loop $again {_add(_WIDE, 8)} {_add(_WIDE, 0)}
          (local.set $p (i32.add (local.get $p) (i32.const 8)))
          (br_if $again (i32.lt_u (local.get $p) (local.get $n))))""",
        [(0, 64), (_PAGE - 64, _PAGE - 8), (_PAGE - 64, _PAGE), (_PAGE - 64, _PAGE - 16)],
    ),
    "fields-grow": _module(
        f"{_add(_WIDE, 0)} (drop (memory.grow (local.get $n))) {_add(_WIDE, 0)} {_add(_WIDE, 8)}",
        _EITHER,
    ),
    # [silent]: what was stored before the trap stays.
    "fields-stored": _module(
        "(i64.store offset=0 (local.get $p) (i64.const 5)) (i64.store offset=8 (local.get $p) (i64.const 6))"
        "(i64.store offset=16 (local.get $p) (i64.const 7))",
        _ENDS,
    ),
    "fields-store-between": _module(
        f"{_add(_WIDE, 0)} (i32.store8 (i32.const 3) (local.get $n)) {_add(_WIDE, 8)}",
        [(p, n + 9) for p, n in _ENDS],
    ),
    # [same]: asked ahead of the loop, which stores before it fails.
    "fields-unswitched": _module(
        f"""(local.set $s (i64.const 3)) (loop $again {_add(_BYTE, 0)}
          (i32.store (i32.const 64) (i32.wrap_i64 (local.get $s)))
          (i32.store offset=4096 (local.get $p) (i32.wrap_i64 (local.get $s)))
          (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))""",
        [(p, n) for p in (128, _PAGE - 4100, _PAGE - 4099, _PAGE - 1, _PAGE) for n in (1, 3)],
    ),
    # [way]: another exception comes first.
    "fields-divided": _module(
        f"{_add(_WIDE, 0)} (local.set $s (i64.div_u (local.get $s) (i64.extend_i32_u (local.get $n))))"
        + _add(_WIDE, 8),
        _EITHER,
    ),
}
