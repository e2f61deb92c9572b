"""Loops over memory: what is proven ahead of a loop just holds in some modules, and just fails in others.

Each function gets where to begin, where to end and its strides as arguments, so that wamrc knows none of
them; what is exported calls it with values at the edges: of memory, of 2 and 4 GiB, of what wraps.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import wasmtime

_PAGE = 1 << 16
_STEPS = (1, 2, 4, 8, 8, 16, 24, 3, 640, -1, -4, -8, -24, 0x10000, 0x7FFFFFFF, 0x80000000)
_SMALL = (0, 0, 0, 4, 8, 100, 4096)
_LARGE = (0x7FFFFFF8, 0xFFFFFF00, 0xFFFFFFF8, 0xFFFFFFFF)
_FLOATS = ("1", "-1", "0", "-0", "2.5", "nan", "inf", "0x1p-3", "-7")
_LOADS = {
    "i32": ((4, "load"), (1, "load8_u"), (1, "load8_s"), (2, "load16_u"), (2, "load16_s")),
    "i64": ((8, "load"), (4, "load32_u"), (1, "load8_u"), (2, "load16_s")),
    "f32": ((4, "load"),),
    "f64": ((8, "load"), (8, "load")),
}
_STORES = {
    "i32": ((4, "store"), (1, "store8"), (2, "store16")),
    "i64": ((8, "store"), (4, "store32")),
    "f32": ((4, "store"),),
    "f64": ((8, "store"),),
}
# $i counts by a constant, $j by an argument; $x and $y are what does not change.
_LOCALS = (
    "(local $i i32) (local $j i32) (local $k i32) (local $o i32) (local $s i64)"
    "(local $f f32) (local $g f32) (local $d f64) (local $e f64)"
)
_PARAMETERS = (
    "(param $from i32) (param $to i32) (param $count i32) (param $step i32) (param $x i32) (param $y i32)"
)
_SPARE = {"f32": "$g", "f64": "$e"}
_SUMS = {"i64": ("$s", "i64.add"), "f32": ("$f", "f32.add"), "f64": ("$d", "f64.add")}


@dataclass(frozen=True)
class _Loop:
    """A function, and what decides which arguments make it end."""

    text: str
    step: int
    comparison: str


def _number(kind: str, value: str) -> str:
    """Return a float for memory: of a NaN, the bits are open."""
    name = _SPARE[kind]
    same = f"({kind}.eq (local.get {name}) (local.get {name}))"
    return f"(select (local.tee {name} {value}) ({kind}.const nan) {same})"


class _Writer:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def address(self, depth: int = 0) -> str:
        pick = self.chance.choice
        way = self.chance.randrange(12 if depth < 1 else 9)
        if way < 3:
            return "(local.get $i)"
        if way < 5:
            return f"(i32.add (local.get {pick(('$x', '$y'))}) (local.get {pick(('$i', '$j'))}))"
        if way == 5:
            return "(local.get $j)"
        if way == 6:
            return f"(local.get {pick(('$x', '$y'))})"
        if way == 7:
            shifted = f"(i32.shl (local.get $k) (i32.const {pick((1, 2, 3, 16))}))"
            return f"(i32.add (local.get $x) {shifted})"
        if way == 8:
            masked = f"(i32.and (local.get $i) (i32.const {pick((7, 255, 0xFFF8))}))"
            return f"(i32.add (local.get $x) {masked})"
        if way == 9:
            return f"(i32.sub (local.get $x) (local.get {pick(('$i', '$k'))}))"
        if way == 10:
            return f"(i32.mul (local.get $i) (i32.const {pick((2, 8, 12, 0x10000))}))"
        return f"(i32.load8_u {self.address(depth + 1)})"

    def offset(self) -> str:
        chosen = self.chance.choice(_LARGE if self.chance.random() < 0.03 else _SMALL)
        return f"offset={chosen}"

    def value(self, kind: str) -> str:
        if self.chance.random() < 0.6:
            return self.load(kind)
        if kind[0] == "f":
            name, way = ("$f" if kind == "f32" else "$d"), self.chance.choice(("add", "mul", "sub", "div"))
            constant = f"({kind}.const {self.chance.choice(_FLOATS)})"
            operands = [
                self.load(kind),
                self.chance.choice((constant, f"(local.get {name})", self.load(kind))),
            ]
            self.chance.shuffle(operands)
            return _number(kind, f"({kind}.{way} {' '.join(operands)})")
        return "(local.get $k)" if kind == "i32" else "(i64.add (local.get $s) (i64.const 3))"

    def load(self, kind: str) -> str:
        _, name = self.chance.choice(_LOADS[kind])
        return f"({kind}.{name} {self.offset()} {self.address()})"

    def statement(self) -> str:
        roll = self.chance.random()
        kind = self.chance.choice(("i32", "i64", "f32", "f64", "f64"))
        if roll < 0.5:
            _, name = self.chance.choice(_STORES[kind])
            made = f"({kind}.{name} {self.offset()} {self.address()} {self.value(kind)})"
        elif roll < 0.92 or kind == "i32":
            kind = "i64" if kind == "i32" else kind
            local, add = _SUMS[kind]
            made = f"(local.set {local} ({add} (local.get {local}) {self.value(kind)}))"
        elif roll < 0.96:
            when = f"(i32.eq (local.get $k) (i32.const {self.chance.choice((0, 1, 5))}))"
            made = f"(if {when} (then (drop (memory.grow (i32.const {self.chance.choice((0, 1))})))))"
        elif roll < 0.98:
            made = "(call $grow (local.get $k))"
        else:
            made = f"(br_if $out (i32.eq {self.load('i32')} (i32.const {self.chance.choice((0, 1, 77))})))"
        if self.chance.random() < 0.12:
            return f"(if (i32.and (local.get $k) (i32.const 1)) (then {made}))"
        return made

    def body(self, step: int) -> str:
        statements = [self.statement() for _ in range(self.chance.choice((1, 1, 2, 3, 5)))]
        steps = [
            f"(local.set $i (i32.add (local.get $i) (i32.const {step})))",
            "(local.set $j (i32.add (local.get $j) (local.get $step)))",
            "(local.set $k (i32.add (local.get $k) (i32.const 1)))",
        ]
        if self.chance.random() < 0.2:
            return "\n".join([*steps, *statements])
        return "\n".join([*statements, *steps])

    def loop(self, number: int) -> _Loop:
        step = self.chance.choice(_STEPS)
        comparison = self.chance.choice(("ne", "count", "lt_u", "lt_s", "gt_u", "le_u"))
        if comparison == "count":
            again = "(i32.ne (local.get $k) (local.get $count))"
        else:
            again = f"(i32.{comparison} (local.get $i) (local.get $to))"
        if self.chance.random() < 0.5:
            inner = f"(loop $again {self.body(step)} (br_if $again {again}))"
        else:
            inner = f"(loop $again (br_if $out (i32.eqz {again})) {self.body(step)} (br $again))"
        begin = "(local.set $i (i32.add (local.get $from) (local.get $o)))"
        begin += "(local.set $j (local.get $y)) (local.set $k (i32.const 0))"
        inner = f"{begin} (block $out {inner})"
        if self.chance.random() < 0.3:
            outer = self.chance.choice((8, 640, -8))
            more = f"(local.set $o (i32.add (local.get $o) (i32.const {outer})))"
            inner = (
                f"(loop $more {inner} {more} (br_if $more (i32.ne (local.get $o) (i32.const {3 * outer}))))"
            )
        result = "(i64.xor (local.get $s) (i64.extend_i32_u (local.get $i)))"
        sums = f"(f32.store (i32.const 16) {_number('f32', '(local.get $f)')})"
        sums += f"(f64.store (i32.const 24) {_number('f64', '(local.get $d)')})"
        text = f"(func $f{number} {_PARAMETERS} (result i64) {_LOCALS}\n{inner}\n{sums}\n{result})"
        return _Loop(text, step, comparison)


def _arguments(chance: random.Random, loop: _Loop, size: int) -> list[int]:
    """Return arguments with which a loop ends after few rounds, mostly, near what is the end of something."""
    count = chance.choice((1, 2, 3, 7, 16, 40, 100, 300))
    span = loop.step * count
    edges = (0, 64, 1024, size, size, size, size // 2, 1 << 31, (1 << 32) - 64, (1 << 32) - span)
    near = chance.choice(edges) + chance.choice((0, 0, -8, 8, -1, 1, -64, 3, -4096))
    start = near - span if chance.random() < 0.6 else near
    end = start + span
    if loop.comparison != "ne" and chance.random() < 0.3:
        end += chance.choice((-1, 1, 3))
    if loop.comparison == "gt_u" and loop.step > 0:
        start, end = end, start
    step = chance.choice((8, 4, 1, 640, 0, size, 0xFFFFFFF8, 0x80000000))
    x = chance.choice((0, 0, 128, size - span, size - 8 * count, size - 8, (1 << 32) - 8 * count))
    y = chance.choice((0, 64, size - step * count, size - 4 * count, size))
    if chance.random() < 0.6:
        # All but one far from the edges: else most loops end at once.
        start, end = (start, end) if chance.random() < 0.4 else (4096 - min(span, 0), 4096 + max(span, 0))
        x, y, step = chance.choice((0, 64, 512)), chance.choice((0, 1024)), chance.choice((1, 4, 8))
    return [value % (1 << 32) for value in (start, end, count, step, x, y)]


def generate(seed: int) -> bytes:
    """Return the module of a seed: the same bytes each time."""
    chance = random.Random(f"loops {seed}")
    pages = chance.choice((1, 1, 1, 2))
    most = pages + chance.choice((0, 1))
    loops = [_Writer(chance).loop(number) for number in range(chance.choice((2, 3, 4)))]
    calls = []
    for number, loop in enumerate(loops):
        for call in range(3):
            given = " ".join(f"(i32.const {value})" for value in _arguments(chance, loop, pages * _PAGE))
            calls.append(f'(func (export "f{number}.{call}") (result i64) (call $f{number} {given}))')
    data = "".join(f"\\{byte:02x}" for byte in chance.randbytes(512))
    grow = "(func $grow (param i32) (if (i32.eq (local.get 0) (i32.const 2))"
    grow += "(then (drop (memory.grow (i32.const 1))))))"
    text = [f'(module (memory {pages} {most}) (data (i32.const 0) "{data}")', grow]
    return bytes(wasmtime.wat2wasm("\n".join([*text, *(loop.text for loop in loops), *calls, ")"])))
