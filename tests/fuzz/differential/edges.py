"""Loops at the edge of each condition of wamrc's loop versioning, and floats at those of plain operations.

In each module f is what is compiled; what is exported calls it where a condition holds and where it just does
not. Names in brackets are those of overlays/wamrc/core/iwasm/compilation/aot_loop_versioning.h.
"""

from __future__ import annotations

import wasmtime

from . import apart, fields
from .modules import SIZE, module
from .observe import observe
from .reference import Case, run

_FROM_TO = "(param $from i32) (param $to i32)"
_BEGIN = "(local.set $i (local.get $from))"
_ADD = "(local.set $s (i64.add (local.get $s) {0}))"
_STEP = "(local.set $i (i32.add (local.get $i) (i32.const {0})))"


def _loop(statement: str, step: int, again: str = "(i32.ne (local.get $i) (local.get $to))") -> str:
    return f"{_BEGIN} (loop $again {statement} {_STEP.format(step)} (br_if $again {again}))"


def _load(offset: int = 0, address: str = "(local.get $i)") -> str:
    return _ADD.format(f"(i64.load offset={offset} {address})")


EDGES = {
    # The last access is the last of memory, and the first beyond it.
    "last": module(
        _FROM_TO,
        _loop(_load(), 8),
        [(0, SIZE), (8, SIZE), (0, SIZE + 8), (1, SIZE + 1), (SIZE - 8, SIZE), (SIZE - 7, SIZE + 1)],
    ),
    # Stores: what was written before the trap stays.
    "store": module(
        _FROM_TO,
        _loop("(i64.store (local.get $i) (i64.const -1))", 8),
        [(0, 800), (SIZE - 80, SIZE), (SIZE - 84, SIZE + 4)],
    ),
    # [count]: the only exits are checks; then one that is not passed each time.
    "count-no-exit": module(_FROM_TO, _loop(_load(), 8, "(i32.const 1)"), [(0, 0), (SIZE - 64, 0)]),
    "count-not-each-time": module(
        _FROM_TO,
        f"""{_BEGIN} (block $out (loop $again {_load()} {_STEP.format(8)}
          (local.set $k (i32.add (local.get $k) (i32.const 1)))
          (if (i32.and (local.get $i) (local.get $to)) (then
            (br_if $out (i32.eq (local.get $k) (i32.const 16)))))
          (br $again)))""",
        [(0, 8), (SIZE - 256, 0x80), (SIZE - 128, 0x10), (SIZE - 120, 0x40000000)],
    ),
    # The number of rounds times the step does not fit into 64 bits.
    "count-64-bits": module(
        "(param $from i64) (param $to i64)",
        f"""(local.set $l (local.get $from))
        (loop $again {_load()} {_STEP.format(8)}
          (local.set $l (i64.add (local.get $l) (i64.const 1)))
          (br_if $again (i64.ne (local.get $l) (local.get $to))))""",
        [(0, 8), (0, SIZE >> 3), (0, (SIZE >> 3) + 1), (0, 1 << 61), (0, (1 << 61) + 1)],
        "i64",
    ),
    # [equal]: a counter steps over its end, and an exit that is not passed each time.
    "equal-stepped-over": module(
        _FROM_TO,
        f"""{_BEGIN}
        (loop $again {_ADD.format("(i64.load8_u (i32.and (local.get $i) (i32.const 0xffff)))")}
          {_load(0, "(local.get $k)")}
          (local.set $k (i32.add (local.get $k) (i32.const 8)))
          {_STEP.format(24)} (br_if $again (i32.ne (local.get $i) (local.get $to))))""",
        [(0, 240), (0, 241), (8, 240), (0, 24), (0, 0)],
    ),
    "equal-not-each-time": module(
        _FROM_TO,
        f"""{_BEGIN} (block $out (loop $again
          (local.set $k (i32.add (local.get $k) (i32.const 3)))
          (local.set $l (i64.add (local.get $l) (i64.const 1)))
          (if (i64.ne (i64.and (local.get $l) (i64.const 7)) (i64.const 0)) (then
            (i32.store8 (i32.const 9) (local.get $k))
            (br_if $out (i32.eq (local.get $k) (local.get $to)))))
          {_load()} {_STEP.format(8)} (br $again)))""",
        [(0, 48), (0, 24), (0, 27), (SIZE - 64, 9), (SIZE - 64, 48)],
    ),
    # [range]: an address that wraps, and is compared with what is no bound of memory.
    "range": module(
        f"{_FROM_TO} (param $high i32)",
        _loop(
            "(if (i64.gt_u (i64.extend_i32_u (local.get $i))"
            " (i64.shl (i64.extend_i32_u (local.get $high)) (i64.const 32))) (then unreachable))"
            + _ADD.format("(i64.extend_i32_u (local.get $i))"),
            8,
        ),
        [(0, 64, 1), (0xFFFFFFE0, 0x20, 0x100), (0xFFFFFFF8, 8, 2), (8, 64, 0)],
    ),
    "range-memory": module(_FROM_TO, _loop(_load(), 8), [(0xFFFFFFC0, 0x40), (0xFFFFFFF8, 8)]),
    "range-stride": module(
        f"{_FROM_TO} (param $step i32)",
        f"""{_BEGIN} (local.set $k (i32.const 0))
        (loop $again {_load()}
          (local.set $i (i32.add (local.get $i) (local.get $step)))
          (local.set $k (i32.add (local.get $k) (i32.const 1)))
          (br_if $again (i32.ne (local.get $k) (local.get $to))))""",
        [(0, 8, 8), (0, 2, SIZE), (64, 5, 0xFFFFFFF0), (64, 6, 0xFFFFFFF0), (0, 3, 0x80000000)],
    ),
    # [down]: below 0.
    "down": module(
        _FROM_TO,
        _loop(_load(), -8),
        [(SIZE - 8, 0xFFFFFFF8), (64, 0), (64, 0xFFFFFFF8), (64, 0xFFFFFFF0), (60, 0xFFFFFFF4), (SIZE, 0)],
    ),
    # [sum]: a sum of 64 bits that wraps, in which the last is small again.
    "sum": module(
        f"{_FROM_TO} (param $large i32)",
        _loop(
            "(if (i64.gt_u (i64.add (i64.extend_i32_u (local.get $i)) (i64.extend_i32_s (local.get $large)))"
            " (i64.const 150)) (then unreachable))" + _load(),
            8,
        ),
        [(104, 200, -100), (0, 200, -100), (96, 200, -100), (0, 200, 0)],
    ),
    # [bound]: memory grows in the loop, so the bound is another one.
    "bound": module(
        _FROM_TO,
        _loop(
            f"""(if (i32.eq (local.get $i) (i32.const {SIZE - 64}))
              (then (drop (memory.grow (i32.const 1)))))
            {_load()}""",
            8,
        ),
        [(SIZE - 512, SIZE + 512), (SIZE - 32, SIZE + 8), (SIZE - 32, 2 * SIZE + 8)],
    ),
    "bound-not-reached": module(
        f"{_FROM_TO} (param $half i32)",
        _loop(
            "(if (i64.ge_u (i64.extend_i32_u (local.get $i))"
            " (i64.shl (i64.extend_i32_u (local.get $half)) (i64.const 1))) (then unreachable))" + _load(),
            8,
        ),
        [(0, 64, 29), (0, 64, 28), (0, 64, 32), (8, 16, 4)],
    ),
    # Two comparisons in one check.
    "both": module(
        f"{_FROM_TO} (param $first i32) (param $second i32)",
        _loop(
            "(if (i32.or "
            + " ".join(
                "(i64.gt_u (i64.extend_i32_u (local.get $i))"
                f" (i64.shl (i64.extend_i32_u (local.get {limit})) (i64.const 1)))"
                for limit in ("$first", "$second")
            )
            + ") (then unreachable))"
            + _load(),
            8,
        ),
        [(0, 64, 28, 28), (0, 64, 27, 28), (0, 64, 28, 27), (0, 64, 0, 0)],
    ),
    # [merge]: offsets that differ, the larger one later and earlier.
    "merge": module(
        _FROM_TO,
        _loop(_load(4096) + _load(0) + _load(8000), 8),
        [(0, 64), (SIZE - 8064, SIZE - 8000), (SIZE - 8064, SIZE - 7992), (SIZE - 5000, SIZE - 4992)],
    ),
    "merge-later": module(
        _FROM_TO,
        _loop(_load(0) + _load(8000), 8),
        [(0, 64), (SIZE - 8064, SIZE - 8000), (SIZE - 8064, SIZE - 7992)],
    ),
    # A store between two checks of one address keeps the second one from being known by the first.
    "merge-stored-between": module(
        _FROM_TO,
        _loop("(i64.store (local.get $i) (i64.const -1))" + _load(8000), 8),
        [(0, 64), (SIZE - 8064, SIZE - 8000), (SIZE - 8064, SIZE - 7992)],
    ),
    # A step that grows is no stride.
    "not-affine": module(
        _FROM_TO,
        f"""{_BEGIN}
        (loop $again {_load()}
          (local.set $k (i32.add (local.get $k) (i32.const 8)))
          (local.set $i (i32.add (local.get $i) (local.get $k)))
          (br_if $again (i32.ne (local.get $k) (local.get $to))))""",
        [(0, 64), (0, 1000), (0, 1024), (SIZE - 100, 64)],
    ),
    # A byte and a mask as indices.
    "index": module(
        f"{_FROM_TO} (param $base i32)",
        _loop(
            _load(0, "(i32.add (local.get $base) (i32.load8_u (local.get $i)))")
            + _load(0, "(i32.and (local.get $i) (i32.const 0x7fff))"),
            1,
        ),
        [
            (0, 64, 0),
            (0, 64, SIZE - 85),
            (0, 64, SIZE - 84),
            (0, 64, 0xFFFFFFB4),
            (SIZE - 1, SIZE + 1, 0),
        ],
    ),
    # As below, where it is the unrolling of a loop that makes a constant of an operand.
    **{
        f"quiet-unrolled-{name}": f"""(module (memory 1)
          (func $f (param $a f64) (result i64) (local $i i32) (local $d f64)
            (local.set $d (f64.const 1))
            (loop $again
              (local.set $d (f64.mul (local.get $a) {factor}))
              (f64.store (i32.shl (local.get $i) (i32.const 3)) (local.get $d))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $again (i32.ne (local.get $i) (i32.const 3))))
            (i64.and (i64.load (i32.const 0)) (i64.and (i64.load (i32.const 8))
              (i64.const 0x7ff8000000000000))))
          (func (export "nan") (result i64) (call $f (f64.reinterpret_i64 (i64.const 0x7ff0000000000001))))
          (func (export "not") (result i64) (call $f (f64.const 3))))"""
        for name, factor in (
            ("phi", "(local.get $d)"),
            ("select-first", "(select (f64.const 1) (f64.const 3) (i32.eqz (local.get $i)))"),
            ("select-later", "(select (f64.const 3) (f64.const 1) (i32.eqz (local.get $i)))"),
        )
    },
    # A signalling NaN becomes quiet, whatever it is multiplied by: its bits are what comes back.
    **{
        f"quiet-{number}": f"""(module
          (func $f (param $a f64) (param $b i32) (result i64)
            (i64.and (i64.reinterpret_f64 {operation}) (i64.const 0x7ff8000000000000)))
          (func (export "nan") (result i64)
            (call $f (f64.reinterpret_i64 (i64.const 0x7ff0000000000001)) (i32.const 1)))
          (func (export "not") (result i64) (call $f (f64.const 3) (i32.const 0))))"""
        for number, operation in enumerate(
            (
                "(f64.mul (local.get $a) (f64.const 1))",
                "(f64.div (local.get $a) (f64.const 1))",
                "(f64.mul (f64.const -1) (local.get $a))",
                "(f64.sub (local.get $a) (f64.const 0))",
                "(f64.add (local.get $a) (f64.const -0))",
                "(f64.sub (f64.const -0) (local.get $a))",
                "(f64.mul (local.get $a) (select (f64.const 1) (f64.const 3) (local.get $b)))",
                "(f64.mul (local.get $a) (select (f64.const 1) (local.get $a) (local.get $b)))",
                "(f64.mul (if (result f64) (local.get $b) (then (f64.const 1)) (else (local.get $a)))"
                "(local.get $a))",
                "(f64.promote_f32 (f32.demote_f64 (local.get $a)))",
            )
        )
    },
}


def cases() -> list[Case]:
    """Return what the reference makes of each, and of those of fields.py."""
    return [
        run(name, observe(bytes(wasmtime.wat2wasm(text))), 0)
        for name, text in {**EDGES, **fields.EDGES, **apart.EDGES}.items()
    ]
