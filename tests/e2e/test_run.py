"""Programs in the secure world: what they print, how they end, and what is refused."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from teeforge.lab import Lab
from teeforge.machines.fleet import Place
from teeforge.modules.program import Program, build_program
from teeforge.runs.running import Runner, RunOptions
from teeforge.settings.terms import UNSAID
from teeforge.targets import couriers

from .conftest import SAMPLES, Ran, run_invoke, sha256
from .largemodules import code

pytestmark = pytest.mark.e2e


def compiled(lab: Lab, sample: str) -> Program:
    wamrc = lab.builder.build(["wamrc"])["wamrc"].product("wamrc")
    cc = lab.programs.wasm_compiler()
    return build_program(
        SAMPLES / sample, wamrc=wamrc, cache=lab.workspace.cache / "programs", cc=cc, signer=lab.signer
    )


def test_hello_prints_its_greeting_and_nothing_else_on_stdout(vm: Lab, native: Callable[..., Ran]) -> None:
    done = run_invoke("run", SAMPLES / "hello.c")
    assert (done.status, done.stdout) == (0, native("hello.c").stdout)
    assert b"hello" in done.stdout.lower()


def test_the_ta_measures_the_program_that_we_sent(vm: Lab) -> None:
    digest = sha256(compiled(vm, "hello.c").aot.read_bytes())
    done = run_invoke("run", SAMPLES / "hello.c")
    assert digest in done.stderr
    assert any(digest in line for line in vm.fleet.machine_as_it_is("qemu").tail("secure", 20))


@pytest.mark.parametrize("sample", ["float.c", "primes.c", "sha256.c"])
def test_a_program_computes_in_the_tee_what_it_computes_on_the_host(
    vm: Lab, native: Callable[..., Ran], sample: str
) -> None:
    done = run_invoke("run", SAMPLES / sample)
    assert (done.status, done.stdout) == (0, native(sample).stdout)


def test_all_checks_may_be_kept_in_all_loops(vm: Lab) -> None:
    sample = SAMPLES / "sha256.c"
    proven, plain = (run_invoke("run", sample, *options) for options in ((), ("--checks", "plain")))
    assert (plain.status, plain.stdout) == (proven.status, proven.stdout), plain.stderr
    measured = [done.stderr.split("measured by the TA")[0].split()[-1] for done in (proven, plain)]
    assert measured[0] != measured[1], "it is other code"


def test_a_program_for_wasis_older_name_runs_in_a_fresh_instance(vm: Lab, tmp_path: Path) -> None:
    """What is offered is known before there is a runtime: it is asked when the module is checked."""
    wasmtime = pytest.importorskip("wasmtime", reason="NOT TESTED: pip install wasmtime, for wat2wasm")
    exits = '(func $exit (import "wasi_unstable" "proc_exit") (param i32))'
    start = '(func (export "_start") (call $exit (i32.const 7)))'
    module = tmp_path / "old.wasm"
    module.write_bytes(wasmtime.wat2wasm(f'(module {exits} (memory (export "memory") 1) {start})'))
    done = run_invoke("run", module)
    assert done.status == 7, done.stderr


def test_a_large_program_runs_quickly_compiled_and_the_next_time_as_it_should(
    vm: Lab, tmp_path: Path
) -> None:
    module = tmp_path / "large.wasm"
    # Another one each time, which nobody has compiled yet.
    data, status = code(200_000, 100 + int.from_bytes(os.urandom(1), "big"))
    module.write_bytes(data)
    first = run_invoke("run", module, "--quick")
    assert first.status == status and "code of the lowest level" in first.stderr, first.stderr
    deadline = time.monotonic() + 120
    while "lowest level" in (again := run_invoke("run", module, "--quick")).stderr:
        assert time.monotonic() < deadline, again.stderr
        time.sleep(1)
    assert again.status == status, again.stderr
    measured = [done.stderr.split("measured by the TA")[0].split()[-1] for done in (first, again)]
    assert measured[0] != measured[1], "it is other code"


def test_the_exit_status_is_the_programs_own(vm: Lab) -> None:
    assert run_invoke("run", SAMPLES / "exit7.c").status == 7


@pytest.mark.parametrize("where", ["secure", "normal"])
def test_a_large_module_goes_the_way_of_large_files_and_is_gone_afterwards(
    vm: Lab, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    # The TEE has no room for one that is large; this makes hello's large enough.
    monkeypatch.setattr(couriers, "_BULK", 10_000)
    said = bytearray()
    options = RunOptions(where=where, stdin=io.BytesIO(b"by stdin"))
    with Runner(vm, SAMPLES / "cat.c", Place(), options) as runner:
        runner.prepare()
        assert runner.run(said.extend, print) == 0
    assert said == b"by stdin"
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        session.run(["sh", "-c", "ls /tmp/cat.*.aot"], on_stdout=said.extend, on_stderr=print)
    assert said == b"by stdin"


def test_a_megabyte_of_output_arrives_whole_and_in_order(vm: Lab, native: Callable[..., Ran]) -> None:
    done = run_invoke("run", SAMPLES / "flood.c")
    wanted = native("flood.c").stdout
    assert len(wanted) >= 1_000_000
    assert (done.status, sha256(done.stdout)) == (0, sha256(wanted))


def test_arguments_and_environment_reach_the_program(vm: Lab) -> None:
    done = run_invoke(
        "run",
        SAMPLES / "env.c",
        "--args",
        "one 'two words'",
        "--env",
        "GREETING=grüß dich",
        "--env",
        "EMPTY=",
    )
    assert done.status == 0, done.stderr
    for word in ("one", "two words", "GREETING=grüß dich", "EMPTY="):
        assert word in done.stdout.decode()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("unreachable", "unreachable"),
        ("oob", "out of bounds memory access"),
        ("recursion", "stack overflow"),
    ],
)
def test_a_trap_has_its_own_status_and_says_what_happened(vm: Lab, how: str, words: str) -> None:
    done = run_invoke("run", SAMPLES / "trap.c", "--args", how)
    assert done.status == 124
    assert words in done.stderr
    assert run_invoke("run", SAMPLES / "hello.c").status == 0


def test_a_heap_too_small_names_the_heap_and_what_to_do(vm: Lab) -> None:
    done = run_invoke("run", SAMPLES / "hello.c", "--heap", "16384")
    assert done.status not in (0, 124)
    assert "16384" in done.stderr
    assert "heap" in done.stderr


def test_an_aot_for_x86_64_is_refused_before_it_is_sent(vm: Lab, tmp_path: Path) -> None:
    program = compiled(vm, "hello.c")
    wamrc = vm.builder.build(["wamrc"])["wamrc"].product("wamrc")
    foreign = tmp_path / "foreign.aot"
    subprocess.run(
        [wamrc, "--target=x86_64", "-o", foreign, program.wasm or ""], check=True, capture_output=True
    )
    done = run_invoke("run", foreign)
    assert done.status == 1
    assert "x86" in done.stderr


def test_the_ta_itself_refuses_what_the_host_side_would_have_refused(vm: Lab, tmp_path: Path) -> None:
    from teeforge.targets.parcel import Upload

    good = compiled(vm, "hello.c").aot.read_bytes()
    arch = good.index(b"aarch64v8")
    bad = {
        "arch.aot": good[:arch] + b"x86_64\0\0\0" + good[arch + 9 :],
        "version.aot": good[:4] + struct.pack("<I", 5) + good[8:],
        "truncated.aot": good[: len(good) // 2],
        "raw.aot": (compiled(vm, "hello.c").wasm or Path()).read_bytes(),
        "noise.aot": os.urandom(4096),
    }
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        for name, data in bad.items():
            (tmp_path / name).write_bytes(vm.signer.sign(data, name, UNSAID))
            session.push([Upload(tmp_path / name, f"/tmp/{name}")])
            said: list[bytes] = []
            status = session.run(
                ["optee_wamr", "2097152", f"/tmp/{name}"],
                on_stdout=said.append,
                on_stderr=said.append,
            )
            told = b"".join(said).decode()
            assert status == 125, (name, status, told)
            assert name in told, told
    assert run_invoke("run", SAMPLES / "hello.c").status == 0


def test_a_file_that_is_not_wasm_is_one_line(vm: Lab, tmp_path: Path) -> None:
    path = tmp_path / "text.wasm"
    path.write_text("hello, I am text\n")
    done = run_invoke("run", path)
    assert done.status == 1
    assert "text.wasm: byte 0 is 0x68" in done.stderr


def test_the_negative_proof_of_tee_mprotect_holds(vm: Lab) -> None:
    said: list[bytes] = []
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        status = session.run(["mprotect_test"], on_stdout=said.append, on_stderr=said.append)
    told = b"".join(said).decode()
    assert "not ok" not in told
    assert told.count("\nok ") >= 10 and status == 0, told


def test_the_ssh_line_of_status_works(vm: Lab) -> None:
    import json
    import shlex
    import shutil

    if shutil.which("ssh") is None:
        pytest.skip("the host has no ssh program")
    target = json.loads(run_invoke("status", "--json").stdout)["targets"]["qemu"]
    done = subprocess.run(
        [*shlex.split(target["ssh"]), "ls", "/lib/optee_armtz"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "7c1e4bb6-5a37-4a0e-9d2c-0f5d2f8b6a11.ta" in done.stdout


def test_tas_on_the_target_can_be_written_by_nobody(vm: Lab) -> None:
    said: list[bytes] = []
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        session.run(["ls", "-l", "/lib/optee_armtz"], on_stdout=said.append, on_stderr=said.append)
    modes = [line.split()[0] for line in b"".join(said).decode().splitlines() if line.endswith(".ta")]
    assert modes
    assert set(modes) == {"-r--r--r--"}
