"""Modules that are large: each runs in the TEE, or is refused in one line that says why."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from teeforge.lab import Lab
from teeforge.machines.fleet import Place
from teeforge.targets.parcel import Upload

from .conftest import run_invoke
from .largemodules import code, elements, functions

pytestmark = pytest.mark.e2e

# wamrc takes minutes and gigabytes for these.
by_hand = pytest.mark.skipif(
    not os.environ.get("TEEFORGE_LARGE_MODULES"), reason="TEEFORGE_LARGE_MODULES is not set"
)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "large.wasm"
    path.write_bytes(data)
    return path


def runs(folder: Path, made: tuple[bytes, int]) -> None:
    done = run_invoke("run", written(folder, made[0]))
    assert done.status == made[1], done.stderr


def test_a_million_elements_of_a_table_and_an_aot_file_of_4_megabytes(vm: Lab, tmp_path: Path) -> None:
    module = elements(1_000_000)
    runs(tmp_path, module)
    verdict = vm.programs.judged(tmp_path / "large.wasm", Place())[1]
    assert verdict.needed is not None and verdict.largest is not None
    assert 8_000_000 < verdict.needed < verdict.largest


def test_what_does_not_fit_is_refused_by_the_judge_and_by_the_ta_for_the_same_reason(
    vm: Lab, tmp_path: Path
) -> None:
    path = written(tmp_path, elements(1_300_000)[0])
    done = run_invoke("run", path)
    assert done.status == 1
    refused = re.search(r"needs a heap of (\d+) bytes \(65536 of it linear memory\)", done.stderr)
    assert refused and len(done.stderr.splitlines()) == 2, done.stderr
    program = vm.programs.judged(path, Place())[0]
    told: list[bytes] = []
    with vm.deployed(Place()) as session:
        session.push([Upload(program.signed, "/tmp/large.aot", 0o644)])
        argv = ["optee_wamr", refused[1], "/tmp/large.aot"]
        status = session.run(argv, on_stdout=told.append, on_stderr=told.append)
        session.run(["rm", "/tmp/large.aot"], on_stdout=told.append, on_stderr=told.append)
    assert status == 125
    said = b"".join(told).decode()
    assert f"no memory for a heap of {refused[1]} bytes: this module needs about {refused[1]}" in said


@by_hand
@pytest.mark.timeout(1800)
def test_60000_functions(vm: Lab, tmp_path: Path) -> None:
    runs(tmp_path, functions(60_000))


@by_hand
@pytest.mark.timeout(1800)
def test_3_megabytes_of_code(vm: Lab, tmp_path: Path) -> None:
    runs(tmp_path, code(3 << 20, 1000))


@by_hand
@pytest.mark.timeout(1800)
def test_10_megabytes_of_code_are_refused_before_anything_is_sent(vm: Lab, tmp_path: Path) -> None:
    done = run_invoke("run", written(tmp_path, code(10 << 20, 2000)[0]))
    assert done.status == 1
    assert "bytes and its code of " in done.stderr and "secure_ram" in done.stderr
