"""What is said of a module before and after it runs, held against the real TEE."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from teeforge.inspection import starts
from teeforge.lab import Lab
from teeforge.machines.fleet import Place
from teeforge.modules.aot import read_aot
from teeforge.modules.heap import heap_needed
from teeforge.modules.program import Program, build_program
from teeforge.targets.parcel import Upload

from ..modulegen import module
from .conftest import ROOT, SAMPLES, run_invoke

pytestmark = pytest.mark.e2e

PAGE = 4096
NEEDS_20_MIB = """
#include <stdio.h>
static char big[20 << 20];
int main(void)
{
	long sum = 0;
	for (unsigned i = 0; i < sizeof(big); i += 4096)
		big[i] = i / 4096 % 100;
	for (unsigned i = 0; i < sizeof(big); i += 4096)
		sum += ((volatile char *)big)[i];
	printf("%ld\\n", sum);
	return 0;
}
"""
GROWS = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void)
{
	size_t got = 0;
	for (char *p; got < 3 << 20 && (p = malloc(65536)); got += 65536)
		memset((void *volatile)p, 1, 65536);
	printf("%zu\\n", got);
	return 0;
}
"""


def many_functions(count: int = 500) -> str:
    names = range(count)
    return "\n".join(
        [
            "#include <stdio.h>",
            *(f"static int f{n}(int x) {{ return x * {n + 3} + {n}; }}" for n in names),
            f"int (*const volatile table[])(int) = {{ {', '.join(f'f{n}' for n in names)} }};",
            f"int main(int c, char **v) {{ int s = 0; for (int i = 0; i < {count}; i++) s += table[i](c);",
            'printf("%d\\n", s); return 0; }',
        ]
    )


def compiled(lab: Lab, source: Path) -> Program:
    wamrc = lab.builder.build(["wamrc"])["wamrc"].product("wamrc")
    cc = lab.programs.wasm_compiler()
    return build_program(
        source, wamrc=wamrc, cache=lab.workspace.cache / "programs", cc=cc, signer=lab.signer
    )


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def last_record(lab: Lab) -> dict[str, Any]:
    newest = max(lab.workspace.runs.glob("*.json"), key=lambda path: int(path.stem))
    told: dict[str, Any] = json.loads(newest.read_text())
    return told


@pytest.mark.parametrize("sample", ["hello.c", "float.c", "primes.c", "env.c"])
def test_the_ta_and_the_host_compute_the_same_heap(vm: Lab, sample: str) -> None:
    assert run_invoke("run", SAMPLES / sample).status == 0
    record = last_record(vm)
    module = compiled(vm, SAMPLES / sample).module
    assert record["report"]["heap_needed"] == heap_needed(module)
    assert record["sha256"] == record["report"]["sha256"]


def test_the_bounds_that_are_computed_are_the_real_ones(vm: Lab, tmp_path: Path) -> None:
    # Of the second one relocations take 10 KB, and their place can be had for linear memory after loading.
    many = written(tmp_path, "many.c", many_functions())
    for source, most in ((SAMPLES / "hello.c", PAGE), (many, 2 * PAGE)):
        done = run_invoke("heap-bounds", source, "--json")
        assert done.status == 0, done.stderr
        told = json.loads(done.stdout)
        assert 0 <= told["smallest"]["computed"] - told["smallest"]["found"] <= most
        assert abs(told["largest"]["computed"] - told["largest"]["found"]) <= 65536


def test_the_automatic_heap_is_enough_for_modules_of_any_shape(vm: Lab, tmp_path: Path) -> None:
    small = []
    with vm.deployed(Place()) as session:
        for seed in range(40):
            path = tmp_path / f"{seed}.wasm"
            path.write_bytes(module(seed))
            program, verdict = vm.programs.judged(path, Place())
            assert verdict.heap is not None and verdict.needed is not None
            session.push([Upload(program.signed, "/tmp/shape.aot", 0o644)])
            if not starts(session, verdict.heap, ["/tmp/shape.aot"]):
                small.append(f"seed {seed}: {verdict.heap} bytes are too few")
    assert not small


def test_a_program_that_allocates_megabytes_has_room_with_the_automatic_heap(vm: Lab, tmp_path: Path) -> None:
    done = run_invoke("run", written(tmp_path, "grows.c", GROWS))
    assert (done.status, done.stdout) == (0, b"3145728\n"), done.stderr


def test_wasm_info_says_that_a_sample_runs(vm: Lab) -> None:
    program = compiled(vm, SAMPLES / "hello.c")
    done = run_invoke("wasm-info", program.aot)
    assert done.status == 0
    assert "it will run in the TEE" in done.stdout.decode()
    assert json.loads(run_invoke("wasm-info", program.wasm or "", "--json").stdout)["runs"] is True


def test_code_without_bounds_checks_is_refused_by_its_provenance(vm: Lab, tmp_path: Path) -> None:
    program = compiled(vm, SAMPLES / "hello.c")
    wamrc = vm.builder.build(["wamrc"])["wamrc"].product("wamrc")
    unchecked = tmp_path / "unchecked.aot"
    subprocess.run(
        [wamrc, "--target=aarch64", "-o", unchecked, program.wasm or ""], check=True, capture_output=True
    )
    assert read_aot(unchecked.read_bytes(), "x").contents is not None
    # Without the record its code gives it away.
    assert "without bounds checks" in run_invoke("sign", unchecked).stderr
    assert not program.module.contents or not program.module.contents.looks_unchecked
    digest = hashlib.sha256(unchecked.read_bytes()).hexdigest()
    told = {"aot_sha256": digest, "bounds_checks": False}
    (tmp_path / "unchecked.aot.json").write_text(json.dumps(told))
    for verb in ("sign", "wasm-info"):
        done = run_invoke(verb, unchecked)
        assert done.status == 1
        assert "without bounds checks" in done.stderr + done.stdout.decode()


def test_a_panic_of_the_ta_is_shown_with_file_and_line_and_recorded(vm: Lab, tmp_path: Path) -> None:
    program = compiled(vm, SAMPLES / "hello.c")
    data = bytearray(program.aot.read_bytes())
    text = next(section for section in program.module.sections if section.name == "text")
    # udf #0 in place of every instruction: nothing that bounds checks or the loader could notice.
    data[text.offset + 4 : text.offset + text.size] = bytes(text.size - 4)
    broken = tmp_path / "broken.aot"
    broken.write_bytes(data)
    # Refused otherwise: such code has no bounds checks in it.
    told = {"aot_sha256": hashlib.sha256(data).hexdigest(), "bounds_checks": True}
    (tmp_path / "broken.aot.json").write_text(json.dumps(told))
    assert run_invoke("sign", broken).status == 0
    done = run_invoke("run", broken)
    assert done.status == 126
    assert "panicked: undef-abort" in done.stderr
    assert "the program's compiled code" in done.stderr
    assert "TA_InvokeCommandEntryPoint at " in done.stderr
    assert "/wasm_ta/ta/main.c:" in done.stderr
    panic = last_record(vm)["panic"]
    assert any("aot_runtime.c:" in frame["place"] for frame in panic["frames"])
    assert run_invoke("run", SAMPLES / "hello.c").status == 0


def test_the_log_of_another_tas_panic_is_explained(vm: Lab) -> None:
    said: list[bytes] = []
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        session.run(["mprotect_test"], on_stdout=said.append, on_stderr=said.append)
    done = run_invoke("explain-error", vm.fleet.machine_as_it_is("qemu").console_log("secure"))
    assert done.status == 0
    assert "/mprotect_test/ta/" in done.stdout.decode()


@pytest.mark.skipif(not os.environ.get("TEEFORGE_LARGE_MODULES"), reason="TEEFORGE_LARGE_MODULES is not set")
@pytest.mark.timeout(1800)
def test_a_larger_secure_ram_gives_a_module_more_than_16_mib(
    vm: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = written(tmp_path, "large.c", NEEDS_20_MIB)
    refused = run_invoke("run", source)
    assert refused.status == 1
    assert "secure_ram" in refused.stderr
    text = (ROOT / "config.yaml").read_text()
    assert "\nsecure_ram: 16MiB" in text
    text = text.replace("\nsecure_ram: 16MiB", "\nsecure_ram: 64MiB").replace("\n  qemu:\n", "\n  large:\n")
    monkeypatch.setenv("TEEFORGE_CONFIG", str(written(tmp_path, "config.yaml", text)))
    try:
        done = run_invoke("run", source, "--target", "large")
        assert (done.status, done.stdout) == (0, b"252640\n"), done.stderr
        bounds = json.loads(
            run_invoke("heap-bounds", SAMPLES / "hello.c", "--target", "large", "--json").stdout
        )
        assert abs(bounds["largest"]["computed"] - bounds["largest"]["found"]) <= 65536
        assert bounds["largest"]["found"] > 46 << 20
        said: list[bytes] = []
        machine = Lab(ROOT).fleet.machine_as_it_is("large")
        with machine.target().connect() as session:
            session.run(["cat", "/proc/iomem"], on_stdout=said.append, on_stderr=said.append)
        # Linux keeps off the pool: 48 MiB from 0x60000000 are reserved.
        assert b"60000000-62ffffff : reserved" in b"".join(said)
    finally:
        run_invoke("halt", "--target", "large")
