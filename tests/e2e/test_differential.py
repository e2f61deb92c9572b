"""Modules of a fuzzer, executed: the engine does as wasmtime does, on this host, sanitized, and in the TEE.

By hand thousands of them: python -m tests.fuzz.differential --modules 20000
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from teeforge.lab import Lab
from teeforge.machines.fleet import Place
from teeforge.modules.wamrc import QUICK_FLAGS

from .conftest import clang_of_the_host, install_in_ci

wasmtime = pytest.importorskip("wasmtime", reason="NOT TESTED: pip install wasmtime, the reference")

from tests.fuzz.differential.batch import GENERATORS, compile_cases, prepare, run_batch  # noqa: E402
from tests.fuzz.differential.compare import Verdict  # noqa: E402
from tests.fuzz.differential.edges import cases as edge_cases  # noqa: E402
from tests.fuzz.differential.engines import Engine, HostEngine, TeeEngine  # noqa: E402
from tests.fuzz.differential.large import large  # noqa: E402
from tests.fuzz.differential.observe import observe  # noqa: E402
from tests.fuzz.differential.reference import Call, Case, run  # noqa: E402
from tests.fuzz.differential.workbench import build_execute  # noqa: E402

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

MODULES = int(os.environ.get("TEEFORGE_FUZZ_MODULES", "25"))
# For a module that hangs, and a heap that the large module fits in.
SECONDS = 3
HEAP = 4 << 20

LOOP = (
    '(module (func (export "loop") (param i32) (loop br 0)) (func (export "six") (result i32) i32.const 6))'
)
SIX = '(module (func (export "six") (result i32) i32.const 6))'
BEYOND = '(module (memory 1 1) (func (export "f") (result i32) (i32.load (i32.const 0x200000))))'


@pytest.fixture(scope="module")
def wamrc(lab: Lab) -> Path:
    return lab.build(["wamrc"])["wamrc"].product("wamrc")


@pytest.fixture(scope="module")
def execute(lab: Lab) -> Path:
    clang = f"clang-{clang_of_the_host()}"
    packages = [clang, f"lib{clang.replace('-', '-rt-')}-dev"]
    if os.uname().machine != "x86_64":
        pytest.skip("NOT TESTED: the TA is built for x86-64 hosts only")
    if not install_in_ci(packages):
        pytest.skip(f"NOT TESTED: apt install {' '.join(packages)}")
    return build_execute(lab, lab.workspace.cache / "differential", f"/usr/bin/{clang}")


@pytest.fixture(params=["host", "tee"])
def engine(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Engine]:
    """The TA's sources on this host, or the TA in the TEE; a call has a few seconds there."""
    if request.param == "host":
        yield HostEngine(request.getfixturevalue("execute"), SECONDS, HEAP)
        return
    vm: Lab = request.getfixturevalue("vm")
    driver = vm.build(["spec_test"])["spec_test"].product("spec_test")
    with vm.deployed(Place("qemu", "")) as session:
        yield TeeEngine(session, driver, vm.signer, SECONDS, HEAP)


def run_cases(engine: Engine, wamrc: Path, cases: Sequence[Case], folder: Path) -> list[Verdict]:
    return run_batch(engine, compile_cases(cases, wamrc, [engine.flags], folder))


def case_of(name: str, text: str) -> Case:
    return run(name, observe(bytes(wasmtime.wat2wasm(text))), 0)


@pytest.mark.parametrize("kind", GENERATORS)
def test_modules_do_what_they_do_in_the_reference(
    engine: Engine, kind: str, wamrc: Path, tmp_path: Path
) -> None:
    if kind == "binaryen" and not (install_in_ci(["binaryen"]) or shutil.which("wasm-opt")):
        pytest.skip("NOT TESTED: apt install binaryen")
    batch = prepare([(kind, seed) for seed in range(MODULES)], wamrc, [engine.flags], tmp_path)
    verdicts = run_batch(engine, batch)
    found = {case.name: v.difference for case, v in zip(batch.cases, verdicts, strict=True) if v.difference}
    assert not found
    assert sum(verdict.whole for verdict in verdicts) > 0.9 * MODULES


def test_code_of_the_lowest_level_does_the_same(engine: Engine, wamrc: Path, tmp_path: Path) -> None:
    seeds = [(kind, 1000 + seed) for seed in range(MODULES // 3) for kind in ("own", "loops", "fields")]
    batch = prepare(seeds, wamrc, [(*engine.flags, *QUICK_FLAGS)], tmp_path)
    verdicts = run_batch(engine, batch)
    assert [verdict.difference for verdict in verdicts if verdict.difference] == []
    assert sum(verdict.whole for verdict in verdicts) > 0.9 * len(seeds)


def test_loops_fields_and_floats_at_the_edge_of_what_is_proven(
    engine: Engine, wamrc: Path, tmp_path: Path
) -> None:
    cases = edge_cases()
    verdicts = run_cases(engine, wamrc, cases, tmp_path)
    assert {
        case.name: verdict for case, verdict in zip(cases, verdicts, strict=True) if verdict != Verdict()
    } == {}


def test_a_wrong_expectation_is_noticed_in_each_engine(engine: Engine, wamrc: Path, tmp_path: Path) -> None:
    case = case_of("six", SIX)
    other = dataclasses.replace(case, calls=(Call("six", values=((0x7F, 7),)), *case.calls[1:]))
    good, bad = run_cases(engine, wamrc, [case, other], tmp_path)
    assert good == Verdict() and "returned 7f:6 instead of returned 7f:7" in bad.difference


def test_a_module_that_hangs_is_ended_by_the_watch_and_reported(
    engine: Engine, wamrc: Path, tmp_path: Path
) -> None:
    open_case = case_of("loop", LOOP)
    assert open_case.calls[-1].open
    ends = dataclasses.replace(open_case, calls=(Call("loop", ((0x7F, 0),)),))
    began = time.monotonic()
    hangs, differs, after = run_cases(engine, wamrc, [open_case, ends, case_of("six", SIX)], tmp_path)
    assert time.monotonic() - began < 60
    assert hangs == Verdict(whole=False) and after == Verdict()
    assert "the host app asked for the end of the run instead of returned" in differs.difference


def test_code_that_lacks_a_bounds_check_is_caught_on_the_host(
    execute: Path, wamrc: Path, tmp_path: Path
) -> None:
    """A wrong engine: the sanitizer sees what an access beyond linear memory does, and the next case runs."""
    unchecked = HostEngine(execute)
    unchecked.flags = tuple(flag.replace("bounds-checks=1", "bounds-checks=0") for flag in unchecked.flags)
    cases = [case_of("beyond", BEYOND), case_of("six", SIX)]
    wrong, after = run_cases(unchecked, wamrc, cases, tmp_path)
    assert "AddressSanitizer: SEGV" in wrong.difference and after == Verdict()
    (tmp_path / "checked").mkdir()
    assert run_cases(HostEngine(execute), wamrc, cases, tmp_path / "checked") == [Verdict(), Verdict()]


def test_a_large_module_runs(engine: Engine, wamrc: Path, tmp_path: Path) -> None:
    calls = tuple(
        Call("call", ((0x7F, 5), (0x7F, index)), values, traps)
        for index, values, traps in [
            (0, ((0x7F, 5),), ()),
            (49999, ((0x7F, 5 + 49999 % 2000),), ()),
            (50000, (), ("undefined element",)),
        ]
    )
    case = Case("large", large(functions=2000, elements=50000, code=20000), True, calls)
    assert run_cases(engine, wamrc, [case], tmp_path) == [Verdict()]
