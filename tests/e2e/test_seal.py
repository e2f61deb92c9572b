"""The seal: what machine code that no compiler made can ask of the OP-TEE core, and how it is ended."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from teeforge.lab import Lab
from teeforge.settings.terms import UNSAID

from . import hostilecode
from .conftest import SAMPLES, run_invoke
from .test_hostile import LONGEST_MS, Target, target
from .test_run import compiled
from .test_wasi import compiled as own_program

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

__all__ = ["target"]

DENIED, NOT_SUPPORTED, CANCEL, SUCCESS = 0xFFFF0001, 0xFFFF000A, 0xFFFF0002, 0
NOT_FOUND = 0xFFFF0008
OBJ_OPEN, OBJ_CREATE, ENUM_ALLOC, ENUM_START, ENUM_NEXT = 41, 42, 45, 48, 49
LAST = 70  # TEE_SCN_MAX
BEYOND = 64
# overlays/wasm_ta/ta/trust/seal.c, beside to return and to panic: log, invoke, access rights, wait, time,
# digest, objects, random, storage. The numbers are those of tee_syscall_numbers.h.
KEPT = {1, 7, 8, 12, 13, 18, 20, 24, 28, 33, 41, 42, 43, 45, 46, 48, 49, 50, 51}
ENDS = {0, 2}
# Of the system pseudo TA: to map, to unmap, to seal.
KEPT_COMMANDS = {2, 3, 22}


def hostile(vm: Lab, what: int, folder: Path) -> bytes:
    sound = compiled(vm, "hello.c").aot.read_bytes()
    code = hostilecode.with_code(sound, hostilecode.hostile_code(vm, what, folder))
    return vm.signer.sign(code, "hostile", UNSAID)


def pushed(vm: Lab, target: Target, what: int, folder: Path) -> str:
    path = folder / "hostile.aot"
    path.write_bytes(hostile(vm, what, folder))
    target.push(path, "/tmp/hostile.aot")
    return "/tmp/hostile.aot"


def replies(vm: Lab) -> dict[str, dict[int, list[int]]]:
    """Return what the secure world's log has of the last run: kind -> number -> results in order."""
    lines = vm.fleet.machine_as_it_is("qemu").tail("secure", 4000)
    found: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        if match := re.search(r"hostile (\w+) ([0-9a-f]{3}) ([0-9a-f]{8})", line):
            if match[1] == "begin":
                found.clear()
            found[match[1]][int(match[2], 16)].append(int(match[3], 16))
    return found


def test_each_system_call_is_refused_or_harmless(vm: Lab, target: Target, tmp_path: Path) -> None:
    # There are objects of another program.
    target.push(own_program(vm, "note.c").signed, "/tmp/note.aot")
    target.shell("optee_wamr --quiet 1M /tmp/note.aot put hello")
    target.shell(f"optee_wamr --quiet 1M {pushed(vm, target, hostilecode.EACH_CALL, tmp_path)}")
    told = replies(vm)
    assert told["done"], told
    calls = told["call"]
    forbidden = set(range(LAST + 1)) - KEPT - ENDS
    assert {number: calls[number] for number in forbidden} == {number: [DENIED] for number in forbidden}
    for number in range(LAST + 1, LAST + 1 + BEYOND):
        assert calls[number] == [NOT_SUPPORTED]
    # Not of those that are kept, or the test would not tell; a digest has no good arguments here.
    assert not [number for number in KEPT - {1, 12, 20} if calls[number] == [DENIED]]

    assert told["session"][0] != [0], "no session with the system pseudo TA was found"
    for command, results in told["command"].items():
        assert (results == [DENIED]) == (command not in KEPT_COMMANDS), (command, results)
    assert told["map"][0] == [SUCCESS]
    assert told["protect"][0] == [DENIED]
    assert told["object"] == {
        OBJ_OPEN: [DENIED],
        OBJ_CREATE: [DENIED],
        ENUM_ALLOC: [SUCCESS],
        ENUM_START: [SUCCESS],
        ENUM_NEXT: [NOT_FOUND],
    }, "it has no objects, and sees none of another program"
    assert told["seal"][0] == [DENIED], "there are no more objects for it"
    assert told["again"] == {0: [DENIED], 1: [DENIED]}, "and nothing is given back"


@pytest.mark.parametrize("what", ["WAITS", "CALLS", "CIRCLES", "LOOPS"])
def test_what_does_not_end_is_ended(vm: Lab, target: Target, tmp_path: Path, what: str) -> None:
    """Also where it waits in the core, does nothing but system calls, or has ldelf loop for it."""
    (end,) = target.hostile("files", pushed(vm, target, getattr(hostilecode, what), tmp_path))
    assert end.how in ("error-ffff3024", "outcome-4"), end
    assert end.millis < LONGEST_MS


def test_a_sealed_instance_that_panics_says_where(vm: Lab, target: Target, tmp_path: Path) -> None:
    (end,) = target.hostile("files", pushed(vm, target, hostilecode.PANICS, tmp_path))
    assert end.how == "error-ffff3024", end
    assert any("Call stack:" in line for line in vm.fleet.machine_as_it_is("qemu").tail("secure", 200))


def test_a_session_serves_one_module(vm: Lab, target: Target) -> None:
    """The same one comes again, another one is refused; the host app opens a session for it."""
    hello, sha256 = compiled(vm, "hello.c"), compiled(vm, "sha256.c")
    target.push(hello.signed, "/tmp/hello.aot")
    target.push(sha256.signed, "/tmp/sha256.aot")
    ended = target.hostile("files", "/tmp/hello.aot", "/tmp/hello.aot", "/tmp/sha256.aot", "/tmp/hello.aot")
    assert [end.how for end in ended] == ["exited-0", "exited-0", "outcome-3", "exited-0"]
    assert ended[2].words.startswith("this session serves another module")
    said = target.shell(
        "optee_wamr --keep 20 --quiet 1M /tmp/hello.aot && optee_wamr --keep 20 --quiet 2M /tmp/sha256.aot &&"
        "optee_wamr --keep 20 --quiet 1M /tmp/hello.aot"
    )
    assert said.count(b"Hello") == 2 and b"all right" in said


def test_the_negative_proof_of_the_core_commands_holds(vm: Lab, target: Target) -> None:
    said = target.shell("mprotect_test").decode()
    assert "not ok" not in said
    assert said.count("seal") >= 8, said
    assert run_invoke("run", SAMPLES / "hello.c").status == 0
