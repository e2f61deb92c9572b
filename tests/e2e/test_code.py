"""Programs in the TEE compute what gcc's code does, and are measured."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.benchmarks.code import Ready, lap_of, prepare, start_tick
from teeforge.benchmarks.codereport import BEFORE, COUNTED, IWASM, NATIVE, TEE, TIMED
from teeforge.benchmarks.kernels import AMOUNTS, EXACT, kernels, native_programs
from teeforge.benchmarks.start import told
from teeforge.lab import Lab
from teeforge.machines.fleet import Place
from teeforge.machines.qemu import QUIET_CPU, Clock
from teeforge.targets.target import Session

from .conftest import run_invoke

pytestmark = pytest.mark.e2e

SOME = ("adi", "deriche", "doitgen", "nussinov", "coremark", "lua")
# What the programs that are no kernels of PolyBench say of what they computed, and what is in it.
SAID = {"coremark": r"^.*crc.*$", "lua": r"^lua .*$", "sqlite": r"^sqlite .*$"}
MARKS = {"coremark": "crcfinal", "lua": "lua ", "sqlite": "sqlite "}


def exact(lab: Lab, dataset: str, only: tuple[str, ...]) -> list[Ready]:
    """Return kernels whose native programs round as WebAssembly does."""
    wanted = kernels(lab, dataset, only)
    natives = native_programs(lab, wanted, EXACT)
    ready = prepare(lab, Place(), wanted)
    return [replace(one, native=native) for one, native in zip(ready, natives, strict=True)]


def computed(session: Session, one: Ready, world: str) -> str:
    """Return what a kernel computed: PolyBench's arrays, or what the other programs say of it."""
    if said := SAID.get(one.kernel.name):
        return "\n".join(re.findall(said, told(session, *one.command(world)), re.MULTILINE))
    out, arrays = bytearray(), bytearray()
    status = session.run(one.command(world, "dump"), on_stdout=out.extend, on_stderr=arrays.extend)
    assert status == 0, (one.kernel.name, world, arrays[-200:])
    return arrays.decode()


def test_kernels_compute_in_the_tee_what_they_compute_natively(vm: Lab) -> None:
    """TEEFORGE_ALL_KERNELS=small (or mini, medium) does it with all of them and that data set."""
    dataset = os.environ.get("TEEFORGE_ALL_KERNELS", "")
    ready = exact(vm, dataset or "mini", () if dataset else SOME)
    assert len(ready) == (30 + len(AMOUNTS) if dataset else len(SOME))
    wrong = []
    with vm.deployed(Place()) as session:
        for one in ready:
            session.push(one.files)
            native, tee = (computed(session, one, world) for world in (NATIVE, TEE))
            assert MARKS.get(one.kernel.name, "==END   DUMP_ARRAYS==") in native
            wrong += [one.kernel.name] if tee != native else []
    assert not wrong


def test_code_is_measured_in_all_worlds(vm: Lab) -> None:
    wamrc = vm.builder.build(["wamrc"])["wamrc"].product("wamrc")
    done = run_invoke(
        *("bench.code", "--dataset", "small", "--kernels", "gemm,nussinov", "--repeat", "3", "--json"),
        *("--before", wamrc),
    )
    assert done.status == 0, done.stderr
    report = json.loads(done.stdout)
    for what in (COUNTED, TIMED):
        found = report[what]
        assert set(found["kernels"]) == {"gemm", "nussinov"}
        assert all(len(laps[world]) == 3 for laps in found["kernels"].values() for world in (NATIVE, BEFORE))
        mean, goal = (found[key]["tee_over_native"] for key in ("mean", "goal"))
        assert found["verdict"]["tee_over_native"] == ("met" if mean <= goal else "MISSED")
    # Of seconds nothing is sure on a busy host.
    counted = report[COUNTED]["mean"]
    assert 0.2 < counted["iwasm_over_native"] < 10
    assert 0.5 < counted["tee_over_iwasm"] < 2
    # The same compiler as now: of three one is hardly interrupted, and SMALL is long beside an interrupt.
    assert counted["tee_over_before"] == pytest.approx(counted["tee_over_iwasm"], rel=0.1)
    assert not [machine for machine in vm.fleet.machines() if machine.startswith("tmp-")]


def test_instructions_are_counted_alike_each_time(vm: Lab) -> None:
    (nussinov,) = prepare(vm, Place(), kernels(vm, "small", ("nussinov",)))
    with vm.fleet.ephemeral(Place(clock=Clock.COUNTING)) as place, vm.deployed(place) as session:
        session.push(nussinov.files)
        laps = {
            world: [lap_of(told(session, *nussinov.command(world)), world) for _ in range(2)]
            for world in nussinov.worlds
        }
        # Its terminal is set up by init while it is waited for the line that wakes.
        assert b"wake 1" not in (vm.fleet.folder(place) / "normal.log").read_bytes()
    for world, counts in laps.items():
        assert max(counts) < 1.01 * min(counts), world
    # An interrupt costs the TEE two more changes of the world.
    assert min(laps[TEE]) == pytest.approx(min(laps[IWASM]), rel=0.03)


def test_seconds_are_taken_on_a_cpu_that_linux_leaves_alone(vm: Lab) -> None:
    count = ("sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done")

    def ticks(session: Session) -> list[int]:
        line = told(session, "grep", "arch_timer", "/proc/interrupts")
        return [int(word) for word in line.split()[1:3]]

    with vm.fleet.ephemeral(Place(clock=Clock.QUIET)) as place, vm.deployed(place) as session:
        taken = {}
        for cpu in (0, QUIET_CPU):
            before = ticks(session)
            told(session, "taskset", f"{1 << cpu:x}", *count)
            taken[cpu] = ticks(session)[cpu] - before[cpu]
    assert taken[QUIET_CPU] < taken[0] / 3


def test_beside_what_is_timed_a_program_interrupts_now_and_then(vm: Lab) -> None:
    def status(session: Session) -> dict[str, str]:
        pid = told(session, "pidof", "teeforge-tick").strip()
        lines = told(session, "cat", f"/proc/{pid}/status").splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    with vm.fleet.ephemeral(Place(clock=Clock.QUIET)) as place:
        start_tick(vm, place)
        with vm.deployed(place) as session:
            before = status(session)
            told(session, "sleep", "2")
            waits = int(status(session)["voluntary_ctxt_switches"]) - int(before["voluntary_ctxt_switches"])
    assert before["Cpus_allowed_list"] == str(QUIET_CPU)
    assert 10 < waits < 200


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--dataset", "huge"), "--dataset huge: there is none"),
        (("--kernels", "gemm,gem"), "--kernels: there is no gem\nhint: kernels: 2mm, 3mm, "),
        (("--repeat", "0"), "--repeat 0: it takes at least one"),
        (("--before", "README.md"), "README.md: that is no program"),
    ],
)
def test_what_there_is_not_is_one_line(vm: Lab, options: tuple[str, ...], said: str) -> None:
    done = run_invoke("bench.code", *options)
    assert done.status == 1
    assert said in done.stderr


def test_a_kernel_that_does_not_compile_natively_is_named(vm: Lab) -> None:
    (gemm,) = kernels(vm, "mini", ("gemm",))
    with pytest.raises(TeeforgeError, match=r"gemm does not compile with .*gcc:"):
        native_programs(vm, [replace(gemm, flags=("-DMINI_DATASET",))])
