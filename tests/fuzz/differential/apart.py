"""Loops that access one address each time and others beside it: just beside, and just not.

In each module f is what is compiled. Names in brackets are those of aot_disjoint_accesses.h, whose pass keeps
in a register what is at such an address, where nothing else that the loop accesses is.
"""

from __future__ import annotations

from collections.abc import Sequence

from .modules import SIZE, module

_ROUNDS, _FIRST = 20, 4096
_X, _Y, _AT = "(local.get $x)", "(local.get $y)", "(local.get $at)"
_PARAMETERS = "(param $at i32) (param $x i32) (param $y i32)"
# What is at $x becomes more by what is at $at.
_SUM = f"(i64.store {_X} (i64.add (i64.load {_X}) (i64.load {_AT})))"
# What is at $at becomes what is at $x, and one.
_FILL = f"(i64.store {_AT} (i64.add (i64.load {_X}) (i64.const 1)))"


def _loop(statement: str, step: int, rounds: int) -> str:
    return f"""(local.set $k (i32.const 0))
        (loop $again {statement}
          (local.set $at (i32.add {_AT} (i32.const {step})))
          (local.set $k (i32.add (local.get $k) (i32.const 1)))
          (br_if $again (i32.ne (local.get $k) (i32.const {rounds}))))"""


def _rounds(statement: str, step: int, calls: Sequence[tuple[int, int, int]]) -> str:
    """Return a module with a loop of 20 rounds, in each of which $at goes on; calls give $at, $x and $y."""
    return module(
        _PARAMETERS,
        f"""(local.set $i {_AT})
        {_loop(statement, step, _ROUNDS)}
        (local.set $s (i64.add (i64.load {_X}) (i64.load {_Y})))""",
        calls,
    )


def _around(first: int, last: int, size: int = 8) -> list[tuple[int, int, int]]:
    """Return calls with $x below, at and above accesses of ``size`` bytes from ``first`` to ``last``."""
    low, high = min(first, last), max(first, last)
    places = (low - 8, low - 7, low - 1, low, low + 40, high - 1, high, high + size - 1, high + size)
    return [(first, place, 0) for place in places]


_LAST = _FIRST + 8 * (_ROUNDS - 1)
EDGES = {
    # [whole], [ends], [pairs]: one address, loaded and stored or only loaded.
    "apart-sum": _rounds(_SUM, 8, _around(_FIRST, _LAST)),
    "apart-sum-down": _rounds(_SUM, -8, _around(_LAST, _FIRST)),
    "apart-fill": _rounds(_FILL, 8, _around(_FIRST, _LAST)),
    "apart-fill-down": _rounds(_FILL, -8, _around(_LAST, _FIRST)),
    "apart-gaps": _rounds(_SUM, 24, _around(_FIRST, _FIRST + 24 * (_ROUNDS - 1))),
    "apart-close": _rounds(_SUM, 1, _around(_FIRST, _FIRST + _ROUNDS - 1)),
    "apart-byte": _rounds(
        f"(i32.store8 {_X} (i32.add (i32.load8_u {_X}) (i32.load16_u {_AT})))",
        2,
        _around(_FIRST, _FIRST + 2 * (_ROUNDS - 1), 2),
    ),
    "apart-all-of-memory": _rounds(
        _SUM, 8, [(SIZE - 8 * _ROUNDS, x, 0) for x in (0, SIZE - 8, SIZE - 8 * _ROUNDS - 8, SIZE - 7)]
    ),
    # Two that are stored in turn, and may be one.
    "apart-two": _rounds(
        f"(i64.store {_X} (i64.add (i64.load {_Y}) (i64.load {_AT})))"
        f"(i64.store {_Y} (i64.xor (i64.load {_X}) (i64.const 5)))",
        8,
        [(_FIRST, 256, 256 + beside) for beside in (-8, -7, -1, 0, 1, 7, 8)],
    ),
    # It is known ahead that they are not apart: half of the one is the other; and that they are.
    **{
        f"apart-offset-{offset}": _rounds(
            f"(i64.store {_X} (i64.add (i64.load offset={offset} {_X}) (i64.load {_AT})))"
            f"(i64.store offset={offset} {_X} (i64.sub (i64.load {_X}) (i64.const 3)))",
            8,
            [(_FIRST, x, 0) for x in (256, _FIRST, _LAST - 4, _LAST + 8)],
        )
        for offset in (4, 8)
    },
    # The same, of the one and the place where the others begin, in $i.
    **{
        f"apart-known-{offset}": _rounds(
            f"(i64.store {_AT} (i64.add (i64.load offset={offset} (local.get $i)) (i64.const 1)))",
            8,
            [(_FIRST, 0, 8)],
        )
        for offset in (0, 20, 152, 153, 159, 160)
    },
    # [entry]: what is apart in one round of the loop around is not in the next one.
    **{
        f"apart-again-{rounds}": module(
            _PARAMETERS,
            f"""(loop $more {_loop(_SUM, 8, rounds)}
              (local.set $i (local.get $x)) (local.set $x (local.get $y)) (local.set $y (local.get $i))
              (local.set $l (i64.add (local.get $l) (i64.const 1)))
              (br_if $more (i64.ne (local.get $l) (i64.const 3))))
            (local.set $s (i64.xor (i64.load {_X}) (i64.load {_Y})))""",
            [
                (_FIRST, _FIRST + 8 * rounds, 256),
                (_FIRST, _FIRST + 12 * rounds, 256),
                (_FIRST, 256, _FIRST + 8),
                (_FIRST, 256, _FIRST + 8 * rounds - 4),
                (_FIRST, 256, _FIRST + 20 * rounds),
                (_FIRST, _FIRST + 24 * rounds, _FIRST - 8),
            ],
        )
        for rounds in (8, 12, 40)
    },
    # Others are stored beside, one ahead of the other.
    "apart-three": _rounds(
        f"(i64.store offset=800 {_AT} (i64.add (i64.load {_X}) (i64.load {_AT}))){_SUM}",
        8,
        [
            (_FIRST, x, 0)
            for x in (
                _FIRST - 8,
                _FIRST - 7,
                _FIRST + 44,
                _LAST + 8,
                _FIRST + 793,
                _FIRST + 800,
                _LAST + 807,
                _LAST + 808,
            )
        ],
    ),
}
