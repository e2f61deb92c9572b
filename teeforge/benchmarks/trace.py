"""`invoke bench.trace`: where a start goes, by what Linux sees of each change of the world.

The kernel's trace (Documentation/trace/ftrace.rst) has an event of the optee driver when it enters the secure
world, and one when it is back, with the reason (drivers/tee/optee/optee_smc.h): done, a request to the driver
or to tee-supplicant, or an interrupt that Linux has to serve. So it is known of all time where it went.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say
from teeforge.benchmarks.given import check_repeat
from teeforge.benchmarks.start import told
from teeforge.runs.running import HOST_APP
from teeforge.targets.parcel import Upload

if TYPE_CHECKING:
    from teeforge.compiling.sources import Sources
    from teeforge.lab import Lab
    from teeforge.machines.fleet import Place
    from teeforge.targets.target import Session

_REPORT = "/tmp/teeforge-trace.json"
# Prints the trace of the program that its arguments name, whose own output goes nowhere.
_SCRIPT = """
cd /sys/kernel/tracing && { [ -e trace ] || { mount -t tracefs tracefs . && cd .; }; } || exit 9
events="optee/optee_invoke_fn_begin optee/optee_invoke_fn_end"
events="$events sched/sched_process_exec sched/sched_process_exit"
echo 0 > tracing_on; echo 8192 > buffer_size_kb; echo > trace
for event in $events; do echo 1 > events/$event/enable || exit 9; done
echo 1 > tracing_on
"$@" > /dev/null; status=$?
echo 0 > tracing_on; cat trace
for event in $events; do echo 0 > events/$event/enable; done
exit $status
"""
_NO_TRACE = 9
_EVENT = re.compile(r"^\s*(.+)-(\d+)\s+\[\d+\]\s+\S+\s+(\d+\.\d+): (\w+): (.*)$", re.MULTILINE)
# a0 of calls and of returns, see optee_smc.h: to go on after a request, and with the arguments of a session.
_GO_ON, _WITH_ARG = 0x32000003, (0x32000004, 0x32000013)
# Returns that want something of Linux, an interrupt to be served among them.
_WANTS, _INTERRUPT, _UNKNOWN = 0xFFFF0000, 0xFFFF0004, 0xFFFFFFFF


# Where time goes.
LINUX, SECURE, REQUESTS, INTERRUPTS = "Linux", "secure world", "its requests", "interrupts"
PLACES = (LINUX, SECURE, REQUESTS, INTERRUPTS)
# The stages, in their order.
BEFORE, OPEN, MEMORY, COMMANDS, CLOSE, AFTER = (
    *("before the first call", "open the session", "share memory", "the commands"),
    *("close the session", "after the last call"),
)


@dataclass
class Stage:
    """A part of a run: milliseconds in each place, and how often there."""

    ms: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PLACES, 0.0))
    times: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PLACES, 0))

    def add(self, place: str, ms: float) -> None:
        """Count a stay."""
        self.ms[place] += ms
        self.times[place] += 1


@dataclass(frozen=True)
class _Call:
    """From an entry into the secure world until it is done, with the stays in between."""

    began: float
    with_arg: bool
    stays: list[tuple[str, float]]
    ended: float


@dataclass(frozen=True)
class Trace:
    """What was found: the stages of each run, and what the TA says of its own."""

    runs: Sequence[Mapping[str, Stage]]
    ta_ms: Sequence[Mapping[str, float]]

    def median(self, stage: str, place: str) -> float:
        """Return the milliseconds of the middle run."""
        return statistics.median(run[stage].ms[place] for run in self.runs)

    def as_json(self) -> dict[str, Any]:
        """Return the medians."""
        stages = {
            stage: {place: round(self.median(stage, place), 3) for place in PLACES} for stage in self.runs[0]
        }
        requests = {stage: self.runs[-1][stage].times[REQUESTS] for stage in self.runs[0]}
        return {"ms": stages, "requests": requests, "ta_ms": self._ta(), "runs": len(self.runs)}

    def lines(self) -> Iterator[str]:
        """Yield the table to print."""
        yield f"{'ms':<24}" + "".join(f"{place:>16}" for place in PLACES)
        for stage in self.runs[0]:
            row = "".join(f"{self.median(stage, place):>16.2f}" for place in PLACES)
            requests = self.runs[-1][stage].times[REQUESTS]
            yield f"{stage:<24}{row}" + (f"  {requests} requests" if requests else "")
        sums = [sum(self.median(stage, place) for stage in self.runs[0]) for place in PLACES]
        yield f"{'all of it':<24}" + "".join(f"{ms:>16.2f}" for ms in sums) + f"  {sum(sums):.1f} ms"
        yield "in the TA, of the commands: " + ", ".join(f"{name} {ms:g}" for name, ms in self._ta().items())
        yield f"medians of {len(self.runs)} runs, as Linux sees them; tracing takes a part of it"

    def _ta(self) -> dict[str, float]:
        return {name: statistics.median(run[name] for run in self.ta_ms) for name in self.ta_ms[0]}


def bench_trace(lab: Lab, place: Place, sources: Sources, repeat: int, keep: bool) -> Trace:
    """Trace runs of a program on a target, cold ones, or with ``keep`` in a session that is kept.

    Raises TeeforgeError if the target's kernel has no such trace, or the program does not end with 0.
    """
    check_repeat(repeat, 10)
    program, heap = lab.programs.prepare(sources, place)
    argv = [HOST_APP, "--quiet", "--report", _REPORT, *(("--keep", "60") if keep else ())]
    runs, ta_ms = [], []
    with lab.deployed(place) as session:
        remote = f"/tmp/{sources.name}.{program.sha256[:12]}.aot"
        session.push([Upload(program.signed, remote, 0o644)])
        # The first one of a boot finds less in the core's memory.
        told(session, *argv, str(heap), remote)
        for _ in range(repeat):
            say(f"{session.name}: {sources.name}")
            runs.append(stages(_traced(session, [*argv, str(heap), remote]), keep))
            ta_ms.append(json.loads(told(session, "cat", _REPORT))["ta_ms"])
        if keep:
            told(session, HOST_APP, "--keep", "0")
    return Trace(runs, ta_ms)


def _traced(session: Session, argv: Sequence[str]) -> str:
    out, err = bytearray(), bytearray()
    status = session.run(["sh", "-c", _SCRIPT, "sh", *argv], on_stdout=out.extend, on_stderr=err.extend)
    if status == _NO_TRACE:
        raise TeeforgeError(
            f"{session.name}: its kernel tells nothing of the optee driver",
            "build it with CONFIG_FTRACE and CONFIG_EVENT_TRACING, and be root there",
        )
    if status:
        raise TeeforgeError(f"{argv[0]} ended with status {status} on {session.name}: {err.decode().strip()}")
    return out.decode()


def stages(trace: str, kept: bool = False) -> dict[str, Stage]:
    """Return the stages of the one run that a trace is of, by name.

    A ``kept`` session is there before and after. Raises TeeforgeError if not all of the run is in the trace.
    """
    events = [(at[1].strip(), float(at[3]) * 1000, at[4], at[5]) for at in _EVENT.finditer(trace)]
    # Other programs may have been started meanwhile; a thread has the name of its program.
    ours = [event for event in events if event[0] == HOST_APP]
    began = next((at for _, at, what, _ in ours if what == "sched_process_exec"), None)
    ended = next((at for _, at, what, _ in reversed(ours) if what == "sched_process_exit"), None)
    calls = list(_calls([event[1:] for event in ours]))
    commands = [call for call in calls if call.with_arg]
    if began is None or ended is None or len(commands) < (1 if kept else 3):
        raise TeeforgeError(f"the trace does not have all of a run of {HOST_APP}", "is another one running?")

    around = {} if kept else {id(commands[0]): OPEN, id(commands[-1]): CLOSE}
    made = {name: Stage() for name in (BEFORE, OPEN, MEMORY, COMMANDS, CLOSE, AFTER)}
    last = began
    for call in calls:
        name = around.get(id(call), COMMANDS if call.with_arg else MEMORY)
        made[BEFORE if call is calls[0] else name].add(LINUX, call.began - last)
        for where, ms in call.stays:
            made[name].add(where, ms)
        last = call.ended
    made[AFTER].add(LINUX, ended - last)
    return {name: stage for name, stage in made.items() if sum(stage.times.values())}


def _calls(events: Sequence[tuple[float, str, str]]) -> Iterator[_Call]:
    """Yield the calls: from an entry that does not go on with an earlier one, until nothing is asked for."""
    began, with_arg, stays, left, away = 0.0, False, [], 0.0, SECURE
    for at, what, words in events:
        if what == "optee_invoke_fn_begin":
            number = int(words.partition("(")[2].split(",")[0], 16)
            if number == _GO_ON:
                stays.append((away, at - left))
            else:
                began, with_arg, stays = at, number in _WITH_ARG, []
            left = at
        elif what == "optee_invoke_fn_end":
            reason = int(words.partition("(")[2].split(",")[0], 16)
            stays.append((SECURE, at - left))
            left, away = at, INTERRUPTS if reason == _INTERRUPT else REQUESTS
            if not _WANTS <= reason < _UNKNOWN:
                yield _Call(began, with_arg, stays, at)
