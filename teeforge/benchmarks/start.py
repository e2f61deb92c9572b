"""`invoke bench.start`: start-up and computing in the TEE, as ratios to what is measured beside them."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say
from teeforge.benchmarks.given import check_repeat
from teeforge.benchmarks.goals import Goal
from teeforge.targets.parcel import Upload

if TYPE_CHECKING:
    from teeforge.lab import Lab
    from teeforge.machines.fleet import Place
    from teeforge.targets.target import Session

# What is computed, with arguments that make it long enough for a clock of milliseconds.
_COMPUTE = (
    ("primes.c", ("3000000",)),
    ("sha256.c", ("--times", "20000", "teeforge")),
    ("matrix.c", ("100",)),
)
_STOPWATCH = "/tmp/teeforge-stopwatch"
_REPORT = "/tmp/teeforge-bench.json"
_ROUNDS = 4
_KEEP = ("--keep", "60")
# What is started, the least first.
TRUE, IWASM, ALIVE, COLD = "/bin/true", "hello, iwasm", "hello, TEE, instance alive", "hello, TEE, cold"
# The most that a start should take, over another one. WaTZ's port took 130 ms where /bin/true took 7.
_GOALS = ((COLD, TRUE, 65 / 7), (ALIVE, IWASM, 2.0))


@dataclass(frozen=True)
class Figure:
    """Milliseconds of one thing, measured several times."""

    ms: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.ms)

    def as_json(self) -> dict[str, Any]:
        """Return the figure as JSON has it."""
        return {"min": min(self.ms), "median": round(self.median, 3), "max": max(self.ms), "n": len(self.ms)}


@dataclass(frozen=True)
class Start:
    """What a benchmark found: start-up by name, and computing as pairs (secure, normal)."""

    startup: dict[str, Figure]
    compute: dict[str, tuple[Figure, Figure]]

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON: milliseconds, and ratios."""
        true = self.startup[TRUE]
        return {
            "startup_ms": {name: figure.as_json() for name, figure in self.startup.items()},
            "startup_over_true": {
                name: round(figure.median / true.median, 2) for name, figure in self.startup.items()
            },
            "compute_ms": {
                name: {"secure": secure.as_json(), "normal": normal.as_json()}
                for name, (secure, normal) in self.compute.items()
            },
            "secure_over_normal": {name: _ratio(pair) for name, pair in self.compute.items()},
            "secure_over_normal_mean": round(self.mean(), 3),
        }

    def goals(self) -> Iterator[Goal]:
        """Yield what starting should take at most, by medians."""
        for one, other, most in _GOALS:
            yield Goal(f"{one} over {other}", self.startup[one].median / self.startup[other].median, most)

    def mean(self) -> float:
        """Return the geometric mean of secure over normal, by medians of the ratios within a repetition."""
        return statistics.geometric_mean([_ratio(pair) for pair in self.compute.values()])

    def lines(self) -> list[str]:
        """Return the table to print."""
        true = self.startup[TRUE]
        lines = [f"{'start-up':<28}{'min':>9}{'median':>9}{'max':>9}{'/bin/true':>11}"]
        lines += [
            f"{name:<28}{_columns(figure)}{figure.median / true.median:>10.1f}x"
            for name, figure in self.startup.items()
        ]
        lines += ["", f"{'computing':<28}{'min':>9}{'median':>9}{'max':>9}{'TEE/iwasm':>11}"]
        for name, (secure, normal) in self.compute.items():
            lines.append(f"{name + ', TEE':<28}{_columns(secure)}{_ratio((secure, normal)):>11.3f}")
            lines.append(f"{name + ', iwasm':<28}{_columns(normal)}")
        lines.append(f"{'geometric mean':<55}{self.mean():>11.3f}")
        return [*lines, "milliseconds, as a shell on the target sees them; computing without start-up"]


def bench_start(lab: Lab, place: Place, repeat: int) -> Start:
    """Measure on a target, everything ``repeat`` times, in rounds that take turns.

    Raises TeeforgeError if ``repeat`` is too small or a program does not end as it should.
    """
    check_repeat(repeat, 10)
    stopwatch = lab.builder.build(["bench"])["bench"].product("stopwatch")
    samples = lab.root / "samples"
    with lab.deployed(place) as session:
        session.push([Upload(stopwatch, _STOPWATCH, 0o755)])
        hello = _push(lab, session, samples / "hello.c", place)
        startup = _startup(session, hello, repeat)
        compute = {}
        for sample, arguments in _COMPUTE:
            say(f"{place.name}: {sample}")
            compute[sample] = _compute(
                session, _push(lab, session, samples / sample, place), arguments, repeat
            )
    return Start(startup, compute)


class _Sent(NamedTuple):
    """A sample on the target: its heap, its signed file for the TEE, and a plain one for iwasm."""

    heap: str
    signed: str
    plain: str

    @property
    def secure(self) -> tuple[str, str]:
        """What the host app wants."""
        return self.heap, self.signed


def _push(lab: Lab, session: Session, sample: Path, place: Place) -> _Sent:
    """Send a sample to the target."""
    program, heap = lab.programs.prepare(sample, place)
    remote = f"/tmp/{sample.stem}.{program.sha256[:12]}.aot"
    plain = f"{remote}.plain"
    session.push([Upload(program.signed, remote, 0o644), Upload(program.aot, plain, 0o644)])
    return _Sent(str(heap), remote, plain)


def _startup(session: Session, hello: _Sent, repeat: int) -> dict[str, Figure]:
    secure = ("optee_wamr", "--quiet")
    commands: dict[str, tuple[str, ...]] = {
        TRUE: ("/bin/true",),
        IWASM: ("iwasm", hello.plain),
        ALIVE: (*secure, *_KEEP, *hello.secure),
        COLD: (*secure, *hello.secure),
    }
    # The one that starts the instance does not count.
    told(session, *secure, *_KEEP, *hello.secure)
    found: dict[str, list[float]] = {name: [] for name in commands}
    for size in _rounds(repeat):
        for name, command in commands.items():
            say(f"{session.name}: {name}")
            words = told(session, _STOPWATCH, str(size), *command)
            found[name] += [float(line) for line in words.split()]
    # Whoever comes next finds all of the secure memory.
    told(session, "optee_wamr", "--keep", "0")
    return {name: Figure(tuple(ms)) for name, ms in found.items()}


def _compute(
    session: Session, program: _Sent, arguments: tuple[str, ...], repeat: int
) -> tuple[Figure, Figure]:
    """Run a program in both worlds by turns; only the time within _start counts.

    Each run has an instance, and so a layout of memory, of its own in the TEE as it has in iwasm.
    """
    secure, normal = [], []
    for _ in range(repeat):
        told(session, "optee_wamr", "--quiet", "--report", _REPORT, *program.secure, *arguments)
        secure.append(float(json.loads(told(session, "cat", _REPORT))["ta_ms"]["run"]))
        told(session, "iwasm", "--report", _REPORT, program.plain, *arguments)
        normal.append(float(json.loads(told(session, "cat", _REPORT))["ms"]["run"]))
    return Figure(tuple(secure)), Figure(tuple(normal))


def _rounds(repeat: int) -> list[int]:
    """Divide the repetitions into a few rounds, so that noise hits all alike."""
    rounds = min(_ROUNDS, repeat)
    return [repeat // rounds + (n < repeat % rounds) for n in range(rounds)]


def told(session: Session, *argv: str) -> str:
    """Return what a program on a target prints. Raises TeeforgeError if it does not end with 0."""
    out, err = bytearray(), bytearray()
    status = session.run(argv, on_stdout=out.extend, on_stderr=err.extend)
    if status != 0:
        raise TeeforgeError(
            f"{' '.join(argv)} ended with status {status} on {session.name}: {err.decode().strip()}",
            "a benchmark counts only what works: `invoke run` shows more",
        )
    return out.decode()


def _ratio(pair: tuple[Figure, Figure]) -> float:
    """Return secure over normal, the median over runs that came one after the other."""
    ratios = [secure / normal for secure, normal in zip(pair[0].ms, pair[1].ms, strict=True)]
    return round(statistics.median(ratios), 3)


def _columns(figure: Figure) -> str:
    return f"{min(figure.ms):>9.1f}{figure.median:>9.1f}{max(figure.ms):>9.1f}"
