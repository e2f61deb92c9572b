"""`invoke bench.code`: how fast code is in the TEE, over gcc's and over the same AOT in iwasm.

A program measures itself, see overlays/bench/code/lap.c: of PolyBench the kernel alone, of the others what
they do after their start. Seconds are those of a machine of its own, with a CPU that Linux's clock does not
interrupt: at each change of the world QEMU forgets where all pages are, which no board does, and code in the
TEE takes longer for it. Instructions are those of another, whose clock goes on by a nanosecond with each:
they are the same on every host, and what interrupts the program is in them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say
from teeforge.benchmarks.codereport import BEFORE, COUNTED, IWASM, NATIVE, TEE, TIMED, Code, Laps
from teeforge.benchmarks.given import check_before, check_repeat
from teeforge.benchmarks.kernels import Kernel, kernels, native_programs
from teeforge.benchmarks.start import told
from teeforge.machines.qemu import QUIET_CPU, Clock
from teeforge.programs import enforced_heap
from teeforge.targets.parcel import Upload

if TYPE_CHECKING:
    from teeforge.lab import Lab
    from teeforge.machines.fleet import Place
    from teeforge.modules.program import Program
    from teeforge.programs import Compilers
    from teeforge.targets.target import Session

_PROGRAM, _TICK = "/tmp/teeforge-code", "/tmp/teeforge-tick"
# Runs what follows on the quiet machine's quiet CPU.
_QUIETLY = ("taskset", f"{1 << QUIET_CPU:x}")


@dataclass(frozen=True)
class Ready:
    """A kernel compiled for each world, and the bytes of the heap that it has in the TEE."""

    kernel: Kernel
    native: Path
    aot: Path
    signed: Path
    heap: int
    before: Path | None = None

    @property
    def worlds(self) -> tuple[str, ...]:
        """Where it runs, see codereport.py."""
        return (NATIVE, IWASM, TEE, *((BEFORE,) if self.before else ()))

    @property
    def files(self) -> tuple[Upload, ...]:
        """What the commands need on a target."""
        made = {NATIVE: (self.native, 0o755), IWASM: (self.aot, 0o644), TEE: (self.signed, 0o644)}
        if self.before:
            made[BEFORE] = (self.before, 0o644)
        return tuple(Upload(file, f"{_PROGRAM}.{world}", mode) for world, (file, mode) in made.items())

    def command(self, world: str, *arguments: str) -> tuple[str, ...]:
        """Return the command that runs it in one of its worlds."""
        runner = {IWASM: ("iwasm",), BEFORE: ("iwasm",), TEE: ("optee_wamr", "--quiet", str(self.heap))}
        return (*runner.get(world, ()), f"{_PROGRAM}.{world}", *(arguments or self.kernel.arguments))


def bench_code(
    lab: Lab, place: Place, dataset: str, only: Sequence[str], repeat: int, before: Path | None = None
) -> Code:
    """Measure ``only`` those kernels (none named: all) on machines like a target's, or on a board.

    Seconds are those of the machine that ``place`` names, if it names one.
    ``before`` is another wamrc, whose code is run in iwasm as well. On a board nothing is counted. Raises
    TeeforgeError for what there is not, and if a program does not end as it should.
    """
    check_repeat(repeat, 5)
    check_before(before)
    ready = prepare(lab, place, kernels(lab, dataset, only), before)
    found: dict[str, dict[str, Laps]] = {}
    board = lab.fleet.is_board(place)
    if not board:
        with lab.fleet.ephemeral(replace(place, machine="", clock=Clock.COUNTING)) as counting:
            found[COUNTED] = _measured(lab, counting, ready, repeat)
    if board or place.machine:
        found[TIMED] = _measured(lab, place, ready, repeat)
    else:
        with lab.fleet.ephemeral(replace(place, clock=Clock.QUIET)) as quiet:
            start_tick(lab, quiet)
            found[TIMED] = _measured(lab, quiet, ready, repeat, _QUIETLY)
    return Code(dataset, found)


def prepare(lab: Lab, place: Place, wanted: Sequence[Kernel], before: Path | None = None) -> list[Ready]:
    """Return kernels compiled for all worlds.

    Their heap is all there is, where that is known: what they allocate no file tells.
    """
    lab.deployment.build()
    heap = "auto" if lab.fleet.is_board(place) else "max"
    compilers = lab.programs.compilers(wanted[0].sources())
    programs = _compiled(lab, wanted, compilers)
    others: list[Path | None] = [None] * len(wanted)
    if before:
        others = [other.aot for other in _compiled(lab, wanted, replace(compilers, wamrc=before, jobs=1))]
    return [
        Ready(
            kernel,
            native,
            program.aot,
            program.signed,
            enforced_heap(lab.programs.verdict(program, kernel.files[0], place), heap),
            other,
        )
        for kernel, native, program, other in zip(
            wanted, native_programs(lab, wanted), programs, others, strict=True
        )
    ]


def _compiled(lab: Lab, wanted: Sequence[Kernel], compilers: Compilers) -> list[Program]:
    with ThreadPoolExecutor(lab.config.job_count) as pool:
        return list(pool.map(lambda kernel: lab.programs.compile(kernel.sources(), compilers), wanted))


def _measured(
    lab: Lab, place: Place, ready: Sequence[Ready], repeat: int, prefix: Sequence[str] = ()
) -> dict[str, Laps]:
    """Run each kernel in all its worlds by turns, in rounds over all kernels.

    A host that is slow for a minute is slow for a round, and another one counts.
    """
    taken: dict[str, dict[str, list[int]]] = {one.kernel.name: {w: [] for w in one.worlds} for one in ready}
    with lab.deployed(place) as session:
        for turn in range(repeat):
            for one in ready:
                say(f"{place.name}: {one.kernel.name}, {turn + 1} of {repeat}")
                _take(session, one, prefix, taken[one.kernel.name])
        told(session, "rm", *(upload.remote for upload in ready[0].files))
    return {name: {world: tuple(laps) for world, laps in worlds.items()} for name, worlds in taken.items()}


def start_tick(lab: Lab, place: Place) -> None:
    """Start what has QEMU adapt its TLB to what runs on the quiet CPU."""
    program = lab.builder.build(["bench"])["bench"].product("tick")
    with lab.deployed(place) as session:
        session.push([Upload(program, _TICK, 0o755)])
        told(session, "sh", "-c", f"setsid {' '.join(_QUIETLY)} {_TICK} </dev/null >/dev/null 2>&1 &")


def _take(session: Session, one: Ready, prefix: Sequence[str], taken: dict[str, list[int]]) -> None:
    session.push(one.files)
    for world, laps in taken.items():
        laps.append(lap_of(told(session, *prefix, *one.command(world)), one.kernel.name))


def lap_of(output: str, name: str) -> int:
    """Return the nanoseconds, or instructions, that a program says its laps took: the lower quartile.

    Interrupts make some longer, and where a clock was read makes some of the others a little shorter.

    Raises TeeforgeError if it does not say.
    """
    laps = re.findall(r"^lap ([1-9]\d*)$", output, re.MULTILINE)
    if not laps:
        raise TeeforgeError(f"{name} does not say how long it took", "overlays/bench/code/lap.c has it do so")
    return sorted(map(int, laps))[len(laps) // 4]
