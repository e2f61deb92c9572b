"""`invoke bench.pipeline`: what it takes from a saved file to its output, row by row."""

from __future__ import annotations

import itertools
import json
import os
import random
import shlex
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from teeforge.base.errors import TeeforgeError
from teeforge.base.locking import exclusive_lock
from teeforge.base.progress import say
from teeforge.benchmarks.given import check_repeat
from teeforge.diagnosis.hostfacts import host_facts
from teeforge.pipeline.report import (
    Row,
    Taken,
    fixed_work,
    keep,
    previous,
    report,
    table,
)
from teeforge.pipeline.scratch import Done, Scratch

if TYPE_CHECKING:
    from teeforge.lab import Lab

_MACHINES = 8
_LARGE = 64 << 20
_SEND = """
import sys, time
from pathlib import Path
from teeforge.machines.fleet import Place
from teeforge.lab import Lab
from teeforge.targets.parcel import Upload
target = Lab(Path.cwd()).fleet.boot(Place())
with target.connect() as session:
    began = time.monotonic()
    session.push([Upload(Path(sys.argv[1]), "/tmp/large", 0o644)])
    print(time.monotonic() - began)
"""
_TA = "overlays/wasm_ta/ta/main.c"
# A function of the TA gets an instruction more: another one each time, so that its bits do change.
_TA_PLACE = "TA_CreateEntryPoint(void)\n{\n"
_TA_CHANGE = '\t__asm__ volatile("mov x9, #%d" ::: "x9");\n'
_TURN_ENDS = "--- exit status 0"  # of `invoke dev`
_GREETING = "Hello from WebAssembly in the secure world!"


class Pipeline:
    """What is measured, and how. Each method takes one measurement of one row, or of several."""

    def __init__(self, scratch: Scratch, rows: Iterable[Row]) -> None:
        self.scratch = scratch
        self.taken = {row.name: Taken(row) for row in rows}
        self.work_ms: list[float] = []
        self._stamps = itertools.count(random.randrange(1, 30000))
        self._plain_first = itertools.cycle((False, True))
        self._program = scratch.folder / "program.c"

    def measure(self, repeat: int) -> list[Taken]:
        """Measure all rows ``repeat`` times; they take turns, so that a busy moment hits all alike."""
        if {"ta", "ta-run"} & self.taken.keys():
            # Who works on the TA has built it before; the copy has only its products.
            self._change_ta()
            self.scratch.invoke("build-all")
            self.scratch.git("checkout", "--quiet", "--", _TA)
        for turn in range(repeat):
            self.work_ms.append(fixed_work())
            for names, take in self._methods().items():
                if any(name in self.taken for name in names):
                    say(f"{turn + 1} of {repeat}: {', '.join(name for name in names if name in self.taken)}")
                    take()
        if "memory" in self.taken:
            self._note("memory", self.scratch.peak / 1e6)
        return list(self.taken.values())

    def _methods(self) -> dict[tuple[str, ...], Callable[[], None]]:
        return {
            ("list",): self._list,
            ("noop",): self._noop,
            ("git",): self._git,
            ("c",): self._c,
            ("c-run", "c-down"): self._c_run,
            ("ta",): self._ta,
            ("ta-run",): self._ta_run,
            ("scp",): self._scp,
            ("resume", "cold-boot"): self._boot,
            ("machines", "machines-memory"): self._machines,
            ("cold", "cold-cpu"): self._cold,
        }

    def _note(self, name: str, value: float, plain: float | None = None) -> None:
        if name in self.taken:
            self.taken[name].values.append(value)
            if plain is not None:
                self.taken[name].plain.append(plain)

    def _list(self) -> None:
        self._note("list", self.scratch.invoke("--list").seconds)

    def _noop(self) -> None:
        done = self.scratch.invoke("build-all")
        _must(not done.built, f"`invoke build-all` had something to do: {done.built}")
        self._note("noop", done.seconds)

    def _git(self) -> None:
        """Go to another commit and back, twice; only the first time may anything be built."""
        before = self.scratch.git("rev-parse", "HEAD").strip()
        for recipe in (self.scratch.root / "recipes").glob("*.yaml"):
            recipe.write_text(recipe.read_text(encoding="utf-8") + "# another commit\n", encoding="utf-8")
        self._change_ta()
        self.scratch.commit("another")
        other = self.scratch.git("rev-parse", "HEAD").strip()
        first = self.scratch.invoke("build-all")
        # And what evidence of it has to say.
        _must(first.built == ["wasm_ta", "evidence"], f"a change in the TA built {first.built}")
        again: list[str] = []
        for commit in (before, other, before):
            self.scratch.git("checkout", "--quiet", commit)
            again += self.scratch.invoke("build-all").built
        self._note("git", len(again))

    def _c(self) -> None:
        """Save a program while `invoke dev` watches it."""
        self._change_program()
        with self.scratch.going_on("dev", str(self._program)) as spoken:
            spoken.until(_TURN_ENDS)
            greeting = self._change_program()
            began = time.monotonic()
            self._note("c", spoken.until(greeting) - began)

    def _ta(self) -> None:
        """Save the TA's C file while `invoke dev` runs hello."""
        self.scratch.invoke("deploy")
        with self.scratch.going_on("dev", "samples/hello.c") as spoken:
            spoken.until(_TURN_ENDS)
            self._change_ta()
            began = time.monotonic()
            self._note("ta", spoken.until(_GREETING, 2) - began)
            spoken.until(_TURN_ENDS, 2)
        done = self.scratch.invoke("deploy")
        _must(not done.built and not done.sent, f"`invoke dev` ran another TA: {done.stderr}")
        self.scratch.git("checkout", "--quiet", "--", _TA)

    def _c_run(self) -> None:
        self.scratch.invoke("deploy")
        up = self._change_and_run()
        self._note("c-run", up)
        if "c-down" in self.taken:
            self.scratch.invoke("halt")
            self._note("c-down", self._change_and_run() - up)

    def _change_and_run(self) -> float:
        greeting = self._change_program()
        done = self.scratch.invoke("run", str(self._program))
        _must(greeting in done.stdout, f"the program said: {done.stdout}")
        return done.seconds

    def _change_program(self) -> str:
        """Save the program with another greeting, and return that."""
        greeting = f"Hello, {next(self._stamps)}"
        text = (self.scratch.root / "samples/hello.c").read_text(encoding="utf-8")
        self._program.write_text(text.replace(_GREETING, greeting), encoding="utf-8")
        return greeting

    def _ta_run(self) -> None:
        self._run_hello()
        self._change_ta()
        done = self._run_hello()
        _must("wasm_ta" in done.built and any(path.endswith(".ta") for path in done.sent), done.stderr)
        self._note("ta-run", done.seconds)
        self.scratch.git("checkout", "--quiet", "--", _TA)

    def _change_ta(self) -> None:
        path = self.scratch.root / _TA
        text = path.read_text(encoding="utf-8")
        changed = text.replace(_TA_PLACE, _TA_PLACE + _TA_CHANGE % next(self._stamps))
        _must(text != changed, f"{_TA} has no `{_TA_PLACE.splitlines()[0]}`")
        path.write_text(changed, encoding="utf-8")

    def _run_hello(self) -> Done:
        done = self.scratch.invoke("run", "samples/hello.c")
        _must(_GREETING in done.stdout, f"hello said: {done.stdout}")
        return done

    def _scp(self) -> None:
        """Send a new large file, verified, over the connection that is kept open, and with scp."""
        large = self.scratch.folder / "large"
        large.write_bytes(os.urandom(_LARGE))
        os.sync()  # else the host writes it to its disk beside us
        ours = float(self.scratch.python("-c", _SEND, str(large)).stdout)
        machine = self.scratch.status()["targets"]["qemu"]
        gone = [*shlex.split(machine["ssh"]), f"rm /tmp/{large.name}"]
        _timed(gone)
        scp = _timed([str(large) if word == "FILE" else word for word in shlex.split(machine["scp"])])
        _timed(gone)
        self._note("scp", ours / scp, scp)

    def _boot(self) -> None:
        self.scratch.invoke("boot")  # makes the snapshot
        cold = None
        if "cold-boot" in self.taken:
            self.scratch.invoke("halt")
            cold = self._answers(self.scratch.invoke("boot", "--cold"))
            self._note("cold-boot", cold)
        if "resume" in self.taken:
            self.scratch.invoke("halt")
            self._note("resume", self._answers(self.scratch.invoke("boot")), cold)

    def _answers(self, booted: Done) -> float:
        """Return the seconds from the start of booting to a command's answer over the line it printed."""
        lines = [line for line in booted.stderr.splitlines() if line.startswith("ssh ")]
        _must(bool(lines), f"the machine was not booted: {booted.stderr}")
        began = time.monotonic()
        argv = [*shlex.split(lines[0]), "echo here"]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        _must(done.stdout == "here\n", f"the machine does not answer: {done.stderr}")
        return booted.seconds + time.monotonic() - began

    def _machines(self) -> None:
        """Resume several at once, each by a command of its own; weigh them when each has run a program."""
        self.scratch.invoke("boot")
        names = [f"bench{n}" for n in range(_MACHINES)]
        self._note("machines", self._all_at_once([("boot", "--name", name) for name in names]))
        if "machines-memory" in self.taken:
            self._all_at_once([("run", "samples/hello.c", "--name", name) for name in names])
            self._note("machines-memory", max(self.scratch.unshared(name) for name in names) / 1e6)
        self.scratch.halt()

    def _all_at_once(self, tasks: Sequence[Sequence[str]]) -> float:
        """Run tasks beside each other; return the seconds until the last has ended well."""
        began = time.monotonic()
        children = [self.scratch.start(self.scratch.argv(*words)) for words in tasks]
        told = [child.communicate() for child in children]
        seconds = time.monotonic() - began
        for child, (_, stderr) in zip(children, told, strict=True):
            _must(child.returncode == 0, stderr)
        return seconds

    def _cold(self) -> None:
        """Build everything from nothing, ours and the plain way; they take turns in who is first."""
        self.scratch.halt()
        if next(self._plain_first):
            bare = self._bare_build()
            done = self._cold_build()
        else:
            done = self._cold_build()
            bare = self._bare_build()
        _must(set(done.built) == set(bare), f"`invoke build-all` built {done.built}")
        seconds, cpu = (sum(column) for column in zip(*bare.values(), strict=True))
        self._note("cold", done.seconds / seconds, seconds)
        self._note("cold-cpu", done.cpu / cpu, cpu)

    def _cold_build(self) -> Done:
        done = self.scratch.invoke("build-all", env=self.scratch.cold())
        shutil.rmtree(self.scratch.folder / "cold")
        return done

    def _bare_build(self) -> dict[str, tuple[float, float]]:
        folder = self.scratch.folder / "bare"
        done = self.scratch.python("-m", "teeforge.pipeline.barebuild", str(folder))
        shutil.rmtree(folder)
        took: dict[str, tuple[float, float]] = json.loads(done.stdout)
        return took


ROWS = (
    Row("noop", "build-all, nothing to do", "s", 0.3),
    Row("list", "invoke --list", "s", 0.25),
    Row("cold", "cold build-all", "x", 1.05, "the bare tools, s"),
    Row("cold-cpu", "cold build-all, CPU time", "x", 1.05, "the bare tools, CPU s"),
    Row("ta", "the TA's C file to output, invoke dev", "s", 2.5),
    Row("ta-run", "the TA's C file to output, invoke run", "s", 2.5),
    Row("c", "a .c program to output, invoke dev", "s", 1.5),
    Row("c-run", "a .c program to output, invoke run", "s", 1.5),
    Row("c-down", "the same with the VM down, longer by", "s", 1.0),
    Row("cold-boot", "cold boot to SSH", "s", 3.5),
    Row("resume", "resume to the first command over SSH", "s", 0.8, "a cold boot, s"),
    Row("machines", f"{_MACHINES} machines from one snapshot, all answering", "s", 6.0),
    Row("machines-memory", "unshared memory of each after a run", "MB", 150.0),
    Row("git", "components built again after git checkout", "", 0.0),
    Row("scp", "a large file, verified over there", "x", 1.0, "scp, s"),
    Row("memory", "memory of teeforge itself", "MB", 120.0),
)


_SLOW = ("cold", "cold-cpu")


def bench_pipeline(lab: Lab, repeat: int, only: str, quick: bool) -> tuple[dict[str, Any], list[str]]:
    """Measure, keep what was found below build/bench, and return it as JSON has it and as lines to print."""
    rows = choose_rows(only, quick)
    folder = lab.workspace.build / "bench"
    host = host_facts(lab.root)
    taken, work_ms = measure_pipeline(lab, rows, repeat)
    host["load_after"] = [round(load, 2) for load in os.getloadavg()]
    host["work_ms"] = round(statistics.median(work_ms), 2)
    before = previous(folder)
    found = report(taken, host, before)
    kept = keep(folder, found)
    return found, [*table(taken, host, before), f"kept as {kept}"]


def choose_rows(only: str, quick: bool) -> list[Row]:
    """Return the rows that ``only`` names (with commas), without the cold build if ``quick``."""
    wanted = [name for name in only.replace(" ", "").split(",") if name]
    known = [row.name for row in ROWS]
    for name in wanted:
        if name not in known:
            raise TeeforgeError(f"--only {name}: there is no such row", f"rows: {', '.join(known)}")
    return [row for row in ROWS if (not wanted or row.name in wanted) and not (quick and row.name in _SLOW)]


def measure_pipeline(lab: Lab, rows: Iterable[Row], repeat: int) -> tuple[list[Taken], list[float]]:
    """Measure ``rows`` in a copy of the lab's checkout, all ``repeat`` times; beside them the host itself.

    Raises TeeforgeError if ``repeat`` is too small, or if anything does not do what it should: a figure of
    what does not work counts for nothing.
    """
    check_repeat(repeat, 3)
    folder = lab.workspace.build / "bench"
    folder.mkdir(exist_ok=True)
    with exclusive_lock(folder / "lock", wait=1):
        scratch = Scratch(folder / "scratch")
        say(f"preparing {scratch.folder}")
        scratch.prepare(lab)
        pipeline = Pipeline(scratch, rows)
        try:
            taken = pipeline.measure(repeat)
        finally:
            scratch.halt()
        # After a failure it stays, to be looked at.
        scratch.remove()
    return taken, pipeline.work_ms


def _timed(argv: Sequence[str]) -> float:
    began = time.monotonic()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    _must(done.returncode == 0, f"{argv[0]} failed: {done.stderr}")
    return time.monotonic() - began


def _must(true: bool, otherwise: str) -> None:
    if not true:
        raise TeeforgeError(
            f"bench.pipeline: {otherwise.strip()}", "it is measured in build/bench/scratch/checkout"
        )
