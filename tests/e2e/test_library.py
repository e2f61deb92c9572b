"""libwasm_tee from C: a session kept open, a module kept loaded, exports called by name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from teeforge.lab import Lab
from teeforge.modules.program import build_program
from teeforge.targets.parcel import Upload

from .conftest import SAMPLES

pytestmark = pytest.mark.e2e

RUNS = 100
GREETING = "Hello from a module that stays loaded!\n"
# Outcomes of wasm_ta.h: 1 exited, 2 trapped, 3 refused.
WANTED = f"""\
runs {RUNS} good {RUNS} printed {RUNS * len(GREETING)}
add 42
mix -4999999998.5
greeting 7
count 2
add: outcome 3 status 0 argument 1 of add is i32, not i64
subtract: outcome 3 status 0 the module exports no function subtract
count 3
fail: outcome 2 status 0 unreachable
count 1
leave: outcome 1 status 7 \ncount 1
several 2 unreachable 3
"""


def compile_host(vm: Lab, source: Path, output: Path) -> Path:
    """Build a host app as a user of the library would: from the products alone."""
    built = vm.builder.build(["wasm_ta", "optee_client"])
    library, client = built["wasm_ta"], built["optee_client"].product("export") / "usr"
    subprocess.run(
        [
            f"{vm.config.toolchain.cross}gcc",
            *("-O2", "-Wall", "-Wextra", "-Werror", "-static", "-pthread", "-o", output, source),
            f"-I{library.product('include')}",
            *(library.product("lib"), client / "lib/libteec.a"),
        ],
        check=True,
    )
    return output


def test_a_module_stays_loaded_for_a_hundred_runs_and_its_exports_are_called(vm: Lab, tmp_path: Path) -> None:
    host = compile_host(vm, SAMPLES / "library/host.c", tmp_path / "host")
    program = build_program(
        SAMPLES / "library/module.c",
        wamrc=vm.builder.build(["wamrc"])["wamrc"].product("wamrc"),
        cache=vm.workspace.cache / "programs",
        cc=vm.wasm_compiler(),
    )
    out, err = bytearray(), bytearray()
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        session.push([Upload(host, "/tmp/host", 0o755), Upload(program.aot, "/tmp/module.aot", 0o644)])
        status = session.run(
            ["/tmp/host", "/tmp/module.aot", str(RUNS)], on_stdout=out.extend, on_stderr=err.extend
        )
    told = err.decode()
    assert (status, out.decode()) == (0, WANTED), told
    assert "loading takes" in told
