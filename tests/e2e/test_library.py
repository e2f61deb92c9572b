"""libwasm_tee from C: a session kept open, a module kept loaded, exports called by name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from teeforge.compiling.sources import Sources
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
        cc=vm.programs.wasm_compiler(),
        signer=vm.signer,
    )
    out, err = bytearray(), bytearray()
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        session.push([Upload(host, "/tmp/host", 0o755), Upload(program.signed, "/tmp/module.aot", 0o644)])
        status = session.run(
            ["/tmp/host", "/tmp/module.aot", str(RUNS)], on_stdout=out.extend, on_stderr=err.extend
        )
    told = err.decode()
    assert (status, out.decode()) == (0, WANTED), told
    assert "loading takes" in told


KEEPS_ITS_DESCRIPTORS = """#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "libwasm_tee.h"

static bool swallow(void *context, int fd, const void *bytes, size_t length)
{
	(void)context, (void)fd, (void)bytes, (void)length;
	return true;
}

static void look(const char *what, bool good)
{
	printf("%s %d %s\\n", what, good, fcntl(0, F_GETFD) < 0 ? "closed" : "open");
}

int main(int argc, char **argv)
{
	static char bytes[1 << 20], longest[1 << 18];
	char name[WASM_TA_NAME_SIZE + 1] = { 0 };
	const char *many[] = { longest, NULL };
	struct wasm_ta_returned returned;
	struct wasm_tee_error error = { 0 };
	struct wasm_ta_result result = { 0 };
	struct wasm_tee *tee = wasm_tee_open(&error);
	struct wasm_tee_program program = { .argv = many, .output = swallow };
	struct wasm_tee_call call = { .name = name };
	FILE *file = fopen(argv[argc - 1], "rb");
	size_t size = fread(bytes, 1, sizeof(bytes), file);
	struct wasm_tee_module *module = NULL;

	wasm_tee_configure_heap(tee, 1 << 20, &error);
	look("empty module", wasm_tee_load(tee, bytes, 0, &result, &error));
	look("huge module", wasm_tee_load(tee, bytes, (size_t)1 << 40, &result, &error));
	program.module = bytes;
	look("empty run", wasm_tee_run(tee, &program, &result, &error));
	module = wasm_tee_load(tee, bytes, size, &result, &error);
	look("load", module);
	look("empty name", wasm_tee_call(module, &call, &returned, &error));
	memset(name, 'n', WASM_TA_NAME_SIZE);
	look("long name", wasm_tee_call(module, &call, &returned, &error));
	name[WASM_TA_NAME_SIZE - 1] = 0;
	call.argc = WASM_TA_CALL_VALUES + 1;
	look("many arguments", wasm_tee_call(module, &call, &returned, &error));
	memset(longest, 'x', sizeof(longest) - 1);
	look("long argument", wasm_tee_run_loaded(module, &program, &result, &error));
	program.module_size = size;
	look("long argument", wasm_tee_run(tee, &program, &result, &error));
	wasm_tee_unload(module);
	wasm_tee_close(tee);
	look("close", true);
	return 0;
}
"""


def test_calls_that_are_refused_leave_the_callers_descriptors_alone(vm: Lab, tmp_path: Path) -> None:
    source = tmp_path / "host.c"
    source.write_text(KEEPS_ITS_DESCRIPTORS)
    host = compile_host(vm, source, tmp_path / "host")
    module = SAMPLES / "library/module.c"
    program = vm.programs.compile(Sources.of(module), vm.programs.compilers(Sources.of(module)))
    out = bytearray()
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        session.push([Upload(host, "/tmp/host", 0o755), Upload(program.signed, "/tmp/module.aot", 0o644)])
        command = ["/tmp/host", "/tmp/module.aot"]
        assert session.run(command, on_stdout=out.extend, on_stderr=out.extend) == 0
    lines = out.decode().splitlines()
    assert len(lines) == 10 and all(line.endswith(" open") for line in lines), lines
