"""`invoke bench.compile`: what wamrc takes for a program, of time and memory, by turns with another wamrc."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teeforge.base.errors import TeeforgeError
from teeforge.base.process import clean_environment
from teeforge.base.progress import say
from teeforge.benchmarks.given import check_before, check_repeat
from teeforge.benchmarks.goals import Goal
from teeforge.compiling.sources import Sources, check_readable, read_program
from teeforge.modules.wamrc import QUICK_FLAGS
from teeforge.modules.wasm import read_wasm

if TYPE_CHECKING:
    from teeforge.lab import Lab

# How it is compiled: at the full level, at that of `run --quick`, and at the full one by another wamrc.
FULL, QUICK, BEFORE = "full", "quick", "before"
# The most CPU time that either should take, in times the other wamrc's.
GOAL = 0.2
_MIB = 1 << 20


@dataclass(frozen=True)
class Taken:
    """What one compilation took: seconds of the clock and of the CPU, bytes of memory and of the AOT file.

    ``memory`` is that of its largest process.
    """

    seconds: float
    cpu: float
    memory: int
    size: int


@dataclass(frozen=True)
class Compiled:
    """What was found of each program, by how it was compiled; ``jobs`` of a wamrc ran at once."""

    jobs: int
    found: Mapping[str, Mapping[str, Sequence[Taken]]]

    def over_before(self, program: str, how: str) -> float | None:
        """Return the CPU time in times the other wamrc's, by the median of turns; None without one."""
        before = self.found[program].get(BEFORE)
        if how == BEFORE or not before:
            return None
        turns = zip(self.found[program][how], before, strict=True)
        return statistics.median(one.cpu / other.cpu for one, other in turns)

    def goals(self) -> Iterator[Goal]:
        """Yield what compiling should take of CPU time at most, over the other wamrc where there is one."""
        for program in self.found:
            for how in (FULL, QUICK):
                if (ratio := self.over_before(program, how)) is not None:
                    yield Goal(f"wamrc over before, {program}, {how}", ratio, GOAL)

    def as_json(self) -> dict[str, Any]:
        """Return all that was measured."""
        programs = {
            name: {
                how: {
                    "taken": [asdict(one) for one in taken],
                    "cpu_over_before": self.over_before(name, how),
                }
                for how, taken in ways.items()
            }
            for name, ways in self.found.items()
        }
        return {"jobs": self.jobs, "goal": GOAL, "programs": programs}

    def lines(self) -> list[str]:
        """Return the table to print, of medians."""
        wide = max(len(name) for name in self.found)
        head = f"{'':<{wide}} {'level':<7}{'seconds':>9}{'CPU s':>9}{'memory':>10}{'AOT':>11}  over before"
        lines = [head]
        for name, ways in self.found.items():
            for how, taken in ways.items():
                seconds, cpu, memory, size = (
                    statistics.median(getattr(one, field) for one in taken)
                    for field in ("seconds", "cpu", "memory", "size")
                )
                line = f"{name:<{wide}} {how:<7}{seconds:9.2f}{cpu:9.2f}"
                line += f"{memory / _MIB:6.0f} MiB{size / _MIB:7.2f} MiB"
                if (ratio := self.over_before(name, how)) is not None:
                    line += f"  {ratio:.2f} of its CPU time{'' if ratio <= GOAL else f', the goal is {GOAL}'}"
                lines.append(line)
        return [*lines, f"wamrc with --jobs={self.jobs}; the medians"]


def bench_compile(lab: Lab, files: Sequence[Path], repeat: int, before: Path | None) -> Compiled:
    """Measure wamrc on programs, sources or .wasm, and ``before``, another one, by turns with it.

    Raises TeeforgeError for what is no program, and if a compiler makes nothing of it.
    """
    check_repeat(repeat, 5)
    check_before(before)
    modules = [_module(lab, file) for file in files]
    compilers = lab.programs.compilers(Sources.of(modules[0]))
    ways: dict[str, list[str | Path]] = {
        FULL: [compilers.wamrc, *compilers.flags],
        QUICK: [compilers.wamrc, *compilers.flags, *QUICK_FLAGS],
    }
    if before:
        ways[BEFORE] = [before.absolute(), *compilers.flags]
    jobs = lab.config.job_count
    ready = {how: [*argv, *jobs_option(Path(argv[0]), jobs)] for how, argv in ways.items()}
    found = {}
    for file, module in zip(files, modules, strict=True):
        say(f"{file.name}, {module.stat().st_size} bytes of WebAssembly")
        taken: dict[str, list[Taken]] = {how: [] for how in ready}
        for _ in range(repeat):
            for how, argv in ready.items():
                taken[how].append(_measured(argv, module, file.name))
        found[file.name] = taken
    return Compiled(jobs, found)


def jobs_option(wamrc: Path, jobs: int) -> list[str]:
    """Return wamrc's option for so many parts at once; nothing for a wamrc from before there were parts."""
    told = subprocess.run([wamrc, "--help"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return [f"--jobs={jobs}"] if b"--jobs" in told.stdout + told.stderr else []


def _module(lab: Lab, file: Path) -> Path:
    """Return the .wasm of a program."""
    sources = Sources.of(file)
    check_readable(sources)
    if file.suffix.lower() == ".wasm":
        read_wasm(read_program(file), str(file))
        return file
    wasm = lab.programs.compile(sources, lab.programs.compilers(sources)).wasm
    if wasm is None:
        raise TeeforgeError(f"{file}: is compiled already", "name its source or its .wasm")
    return wasm


def _measured(argv: Sequence[str | Path], module: Path, name: str) -> Taken:
    with tempfile.TemporaryDirectory(prefix="teeforge-compile-") as folder:
        made = Path(folder) / "out.aot"
        began = time.monotonic()
        child = subprocess.Popen(
            [*argv, "-o", made, module.absolute()],
            env=clean_environment({"TMPDIR": folder}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Of the processes that it has waited for, too.
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if not made.exists():
            raise TeeforgeError(
                f"{name}: {argv[0]} makes nothing of it", "`invoke wasm-info` says more of a .wasm"
            )
        return Taken(
            time.monotonic() - began,
            usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss << 10,
            made.stat().st_size,
        )
