"""Faults of WAMR as small modules: patches/wasm-micro-runtime/README.md tells which is whose."""

from __future__ import annotations

from pathlib import Path

import pytest

from teeforge.lab import Lab

from .conftest import run_invoke

pytestmark = pytest.mark.e2e

CASES = sorted((Path(__file__).parent / "faults").glob("*.wat"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_module_ends_as_the_specification_says(vm: Lab, case: Path, tmp_path: Path) -> None:
    wasmtime = pytest.importorskip(
        "wasmtime", reason="NOT TESTED: pip install wasmtime, which reads .wat files"
    )
    text = case.read_text(encoding="utf-8")
    expected = text.splitlines()[1].removeprefix(";; expected: ")
    module = tmp_path / f"{case.stem}.wasm"
    module.write_bytes(wasmtime.wat2wasm(text))
    done = run_invoke("run", module, "--heap", "2MiB")
    if expected.startswith("trap "):
        assert f"trapped: {expected.removeprefix('trap ')}" in done.stderr
    elif expected == "refused":
        assert done.status != 0 and "trapped" not in done.stderr
    else:
        assert f"exit {done.status}" == expected, done.stderr
    assert "panic" not in done.stderr and "nothing is mapped" not in done.stderr
