"""What modules have in common that are made by hand: one function, called with several arguments."""

from __future__ import annotations

from collections.abc import Sequence

# Bytes of memory.
SIZE = 1 << 16


def module(parameters: str, body: str, calls: Sequence[Sequence[int]], kind: str = "i32") -> str:
    """Return a module of one page, full of 77, whose function f is called with several arguments."""
    count = parameters.count("(param")
    assert all(len(given) == count for given in calls)
    exported = "".join(
        f'(func (export "f{number}") (result i64) (call $f {" ".join(f"({kind}.const {n})" for n in given)}))'
        for number, given in enumerate(calls)
    )
    return f"""(module (memory 1 2)
        (func $fill (memory.fill (i32.const 0) (i32.const 77) (i32.const {SIZE}))) (start $fill)
        (func $f {parameters} (result i64)
          (local $i i32) (local $k i32) (local $l i64) (local $s i64) (local $d f64)
          {body}
          (local.get $s))
        {exported})"""
