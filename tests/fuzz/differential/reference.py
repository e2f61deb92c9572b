"""What wasmtime makes of a module: the calls of a case, with what came of each."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import wasmtime

from .observe import OBSERVER, Observed
from .opcodes import EDGES, F32, F64, FLOATS, I32, I64, INTEGERS

TYPES = {
    "i32": I32,
    "i64": I64,
    "f32": F32,
    "f64": F64,
    "funcref": 0x70,
    "externref": 0x6F,
    "anyref": 0x6F,
}  # wasmtime calls it so
NULL = 0xFFFFFFFF
# For each call: far more than a case that ends takes.
_FUEL = 1_000_000
_ROUNDS = 2
_CALLS_MAX = 20

# What the engine says, in the words of the TA.
_TRAPS = {
    wasmtime.TrapCode.UNREACHABLE: ("unreachable",),
    wasmtime.TrapCode.MEMORY_OUT_OF_BOUNDS: ("out of bounds memory access",),
    wasmtime.TrapCode.TABLE_OUT_OF_BOUNDS: ("out of bounds table access", "undefined element"),
    wasmtime.TrapCode.INDIRECT_CALL_TO_NULL: ("uninitialized element",),
    wasmtime.TrapCode.BAD_SIGNATURE: ("indirect call type mismatch",),
    wasmtime.TrapCode.INTEGER_OVERFLOW: ("integer overflow",),
    wasmtime.TrapCode.INTEGER_DIVISION_BY_ZERO: ("integer divide by zero",),
    wasmtime.TrapCode.BAD_CONVERSION_TO_INTEGER: ("invalid conversion to integer",),
}
_OPEN = (wasmtime.TrapCode.STACK_OVERFLOW, wasmtime.TrapCode.OUT_OF_FUEL)


@dataclass(frozen=True)
class Call:
    """A call and what must come of it: values, one of some traps, or what nobody knows (``open``).

    Values are type and bits, the bits None for any NaN, and for any reference but null.
    """

    name: str
    args: tuple[tuple[int, int], ...] = ()
    values: tuple[tuple[int, int | None], ...] = ()
    traps: tuple[str, ...] = ()
    open: bool = False


@dataclass(frozen=True)
class Case:
    """A module with its calls in order; ``starts`` tells whether an instance of it can be made."""

    name: str
    wasm: bytes
    starts: bool
    calls: tuple[Call, ...]


def _engine() -> wasmtime.Engine:
    config = wasmtime.Config()
    config.consume_fuel = True
    config.cranelift_opt_level = "none"
    config.parallel_compilation = False
    config.wasm_relaxed_simd = False
    config.wasm_simd = False
    config.wasm_threads = False
    config.wasm_tail_call = False
    return wasmtime.Engine(config)


_ENGINE = _engine()


def run(name: str, observed: Observed, seed: int) -> Case:
    """Return the case of a module; it ends with the first call of which the outcome is open."""
    module = wasmtime.Module(_ENGINE, observed.wasm)
    store = wasmtime.Store(_ENGINE)
    store.set_fuel(_FUEL)
    try:
        instance = wasmtime.Instance(store, module, [])
    except (wasmtime.Trap, wasmtime.WasmtimeError):
        return Case(name, observed.wasm, False, ())
    calls: list[Call] = []
    exports = instance.exports(store)
    for function, args in _planned(observed, random.Random(seed)):
        calls.append(_call(store, exports[function], function, args))
        if calls[-1].open:
            break
    return Case(name, observed.wasm, True, tuple(calls))


def _planned(observed: Observed, chance: random.Random) -> Iterator[tuple[str, tuple[tuple[int, int], ...]]]:
    """Yield functions with arguments, and in between the one that observes."""
    made = 0
    for _ in range(_ROUNDS):
        for name, parameters in observed.functions:
            if made < _CALLS_MAX:
                made += 1
                yield name, tuple((TYPES[kind], _argument(TYPES[kind], chance)) for kind in parameters)
        yield OBSERVER, ()


def _argument(kind: int, chance: random.Random) -> int:
    if kind in (I32, I64):
        return chance.choice(INTEGERS + EDGES[kind])
    return chance.choice(FLOATS[kind]) if kind in (F32, F64) else NULL


def _call(store: wasmtime.Store, function: object, name: str, args: Sequence[tuple[int, int]]) -> Call:
    assert isinstance(function, wasmtime.Func)
    store.set_fuel(_FUEL)
    made = Call(name, tuple(args))
    results = [TYPES[str(kind)] for kind in function.type(store).results]
    try:
        given = function(store, *(_python(kind, bits) for kind, bits in args))
    except wasmtime.Trap as trap:
        if trap.trap_code in _OPEN:
            return Call(name, made.args, open=True)
        assert trap.trap_code is not None
        return Call(name, made.args, traps=_TRAPS[trap.trap_code])
    values = given if isinstance(given, list) else [given]
    return Call(
        name, made.args, tuple((kind, _bits(kind, one)) for kind, one in zip(results, values, strict=False))
    )


def _python(kind: int, bits: int) -> int | float | None:
    if kind == F32:
        return float(struct.unpack("<f", struct.pack("<I", bits))[0])
    if kind == F64:
        return float(struct.unpack("<d", struct.pack("<Q", bits))[0])
    width = {I32: 32, I64: 64}.get(kind)
    return None if width is None else bits - (1 << width) if bits >> width - 1 else bits


def _bits(kind: int, value: object) -> int | None:
    if isinstance(value, float):
        code = ("<f", "<I") if kind == F32 else ("<d", "<Q")
        return None if value != value else int(struct.unpack(code[1], struct.pack(code[0], value))[0])
    if kind in (I32, I64):
        assert isinstance(value, int)
        return value % (1 << (32 if kind == I32 else 64))
    return NULL if value is None else None
