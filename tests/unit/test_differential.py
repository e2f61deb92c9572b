"""The differential fuzzer's own parts: generators, the reference, and what counts as a difference."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from pathlib import Path

import pytest

wasmtime = pytest.importorskip("wasmtime", reason="NOT TESTED: pip install wasmtime, the reference")

from tests.fuzz.differential.batch import make_case  # noqa: E402
from tests.fuzz.differential.compare import judge, script  # noqa: E402
from tests.fuzz.differential.generate import generate  # noqa: E402
from tests.fuzz.differential.large import large  # noqa: E402
from tests.fuzz.differential.observe import OBSERVER, observe  # noqa: E402
from tests.fuzz.differential.reference import Case, run  # noqa: E402

SEEDS = range(40)


def case_of(text: str, seed: int = 0) -> Case:
    return run("a case", observe(wasmtime.wat2wasm(text)), seed)


# Some NaN, and something that is not null.
ANY = {0x7D: 0x7FC00000, 0x7C: 0x7FF8000000000000, 0x70: 1, 0x6F: 1}


def as_the_reference(case: Case) -> list[str]:
    """What an engine says that does the same."""
    replies = []
    for call in case.calls:
        values = [f"{kind:x}:{ANY[kind] if bits is None else bits:x}" for kind, bits in call.values]
        replies.append(f"trapped {call.traps[0]}" if call.traps else " ".join(["returned", *values]))
    return ["loaded", "started" if case.starts else "trapped unreachable", *replies]


def test_a_seed_gives_the_same_bytes_each_time() -> None:
    assert [generate(seed) for seed in SEEDS] == [generate(seed) for seed in SEEDS]
    assert len({generate(seed) for seed in SEEDS}) == len(SEEDS)


def test_a_seed_gives_the_same_bytes_as_when_this_was_written() -> None:
    """A find is told by its seed: who changes the generator knows that those of before are gone."""
    digest = hashlib.sha256(b"".join(map(generate, SEEDS))).hexdigest()
    assert digest == "cbb1f33c4364b78dc764203f130f2f9f57157e7c3a746ed2e6cc25e528f7e360"


def test_the_reference_accepts_each_module_and_ends_each_call(tmp_path: Path) -> None:
    cases = [make_case(seed, "own", tmp_path) for seed in SEEDS]
    assert sum(case.starts for case in cases) > len(SEEDS) / 2
    calls = [call for case in cases for call in case.calls]
    assert sum(bool(call.traps) for call in calls) < len(calls) / 2
    assert sum(call.open for call in calls) < len(calls) / 20


def test_loops_end_and_most_run_more_than_once_before_they_trap(tmp_path: Path) -> None:
    cases = [make_case(seed, "loops", tmp_path) for seed in SEEDS]
    assert cases == [make_case(seed, "loops", tmp_path) for seed in SEEDS]
    calls = [call for case in cases for call in case.calls]
    assert all(case.starts for case in cases)
    assert sum(bool(call.traps) for call in calls) < len(calls) * 2 / 3
    assert sum(call.open for call in calls) < len(calls) / 20


def test_fields_end_and_more_than_half_of_the_calls_do_not_trap(tmp_path: Path) -> None:
    cases = [make_case(seed, "fields", tmp_path) for seed in SEEDS]
    assert cases == [make_case(seed, "fields", tmp_path) for seed in SEEDS]
    calls = [call for case in cases for call in case.calls]
    assert all(case.starts for case in cases) and not any(call.open for call in calls)
    assert 0.2 < sum(bool(call.traps) for call in calls) / len(calls) < 0.6


@pytest.mark.skipif(not shutil.which("wasm-opt"), reason="NOT TESTED: apt install binaryen")
def test_binaryen_makes_the_same_valid_module_of_a_seed(tmp_path: Path) -> None:
    first, again = (make_case(7, "binaryen", tmp_path) for _ in range(2))
    assert first == again and first.starts and first.calls


def test_an_engine_that_does_the_same_differs_in_nothing(tmp_path: Path) -> None:
    for seed in SEEDS:
        case = make_case(seed, "own", tmp_path)
        if not any(call.open for call in case.calls):
            assert judge(case, as_the_reference(case)).difference == ""


def test_each_other_result_trap_or_end_is_a_difference() -> None:
    case = case_of(
        '(module (global i32 (i32.const 5)) (func (export "a") (result i32) i32.const 7)'
        ' (func (export "b") unreachable))'
    )
    good = as_the_reference(case)
    assert good[2:4] == ["returned 7f:7", "trapped unreachable"]
    for line, other in [
        (0, "refused it is damaged"),
        (1, "trapped unreachable"),
        (2, "returned 7f:8"),
        (2, "returned 7e:7"),
        (2, "returned"),
        (2, "trapped unreachable"),
        (2, "failed the host app asked for the end of the run"),
        (3, "returned"),
        (3, "trapped integer overflow"),
        (4, "returned 7e:0"),
    ]:
        assert judge(case, [*good[:line], other, *good[line + 1 :]]).difference, other
    assert judge(case, good[:-1]).difference
    assert judge(dataclasses.replace(case, starts=False), good).difference


def test_any_nan_is_as_good_as_another_and_a_number_is_not() -> None:
    case = case_of('(module (func (export "a") (result f32) f32.const nan))')
    good = as_the_reference(case)
    assert not judge(case, [*good[:2], "returned 7d:ffa00001", *good[3:]]).difference
    assert judge(case, [*good[:2], "returned 7d:7f800000", *good[3:]]).difference


def test_how_deep_a_recursion_goes_is_not_compared() -> None:
    case = case_of('(module (func $f (export "a") (result i32) call $f call $f i32.add))')
    assert case.calls[-1].open
    verdict = judge(case, ["loaded", "started", "trapped native stack overflow"])
    assert not verdict.difference and not verdict.whole
    assert judge(case, ["loaded", "started"]).difference


@pytest.mark.parametrize(
    "change",
    [
        "(i32.store8 (i32.const 65535) (i32.const 1))",
        "(drop (memory.grow (i32.const 1)))",
        "(global.set $i (i32.const 1))",
        "(global.set $f (f64.const -0))",
        "(global.set $r (ref.null func))",
        "(table.set $t (i32.const 2) (ref.func $a))",
        "(drop (table.grow $t (ref.null func) (i32.const 1)))",
    ],
)
def test_what_is_observed_changes_with_memory_globals_and_tables(change: str) -> None:
    def seen(code: str) -> object:
        case = case_of(
            "(module (memory 1 2) (table $t 3 9 funcref) (elem declare func $a)"
            "(global $i (mut i32) (i32.const 0)) (global $f (mut f64) (f64.const 0))"
            f'(global $r (mut funcref) (ref.func $a)) (func $a (export "a") {code}))'
        )
        assert case.calls[1].name == OBSERVER
        return case.calls[1].values

    assert seen(change) != seen("") == seen("")


def test_a_script_names_functions_and_passes_values_in_hex() -> None:
    case = case_of('(module (func (export "\\c3\\a4 b") (param i32 f64)))')
    lines = list(script(case, "0.aot"))
    assert lines[:2] == ["load 0 0.aot", "start 0"] and lines[-1] == "unload 0"
    assert lines[2].startswith("call 0 c3a42062 7f:") and " 7c:" in lines[2]


def test_the_large_module_is_valid_and_calls_through_its_table() -> None:
    store = wasmtime.Store()
    module = wasmtime.Module(store.engine, large(functions=10, elements=25, code=4000))
    call = wasmtime.Instance(store, module, []).exports(store)["call"]
    assert call(store, 5, 3) == call(store, 5, 13) != call(store, 5, 4)
