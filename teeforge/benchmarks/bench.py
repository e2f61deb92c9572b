"""`invoke bench`: start-up, code and compiling in one run, and which goals are missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teeforge.benchmarks.code import bench_code
from teeforge.benchmarks.codereport import Code
from teeforge.benchmarks.compiling import Compiled, bench_compile
from teeforge.benchmarks.goals import RED, Goal
from teeforge.benchmarks.start import Start, bench_start

if TYPE_CHECKING:
    from teeforge.lab import Lab
    from teeforge.machines.fleet import Place

# What is compiled: the least program there is, and some more.
_COMPILED = ("hello.c", "sha256.c", "matrix.c")


@dataclass(frozen=True)
class Bench:
    """What was found, by subject."""

    start: Start
    code: Code
    compiling: Compiled

    @property
    def goals(self) -> list[Goal]:
        """All goals there are."""
        return [*self.start.goals(), *self.code.goals(), *self.compiling.goals()]

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON, the goals first."""
        return {
            "goals": {goal.what: goal.as_json() for goal in self.goals},
            "start": self.start.as_json(),
            "code": self.code.as_json(),
            "compile": self.compiling.as_json(),
        }

    def lines(self, colour: bool = False) -> list[str]:
        """Return the tables to print, and the goals below them; with ``colour`` what is missed is red."""
        wide = max(len(goal.what) for goal in self.goals)
        lines = [*self.start.lines(), "", *self.code.lines(colour), "", *self.compiling.lines(), ""]
        lines.append(f"{'goals':<{wide}}{'measured':>10}{'at most':>9}")
        for goal in self.goals:
            verdict = RED.format(goal.verdict) if colour and goal.verdict != "met" else goal.verdict
            lines.append(f"{goal.what:<{wide}}{goal.measured:>10.3f}{goal.most:>9.3f}  {verdict}")
        return lines


def run_bench(
    lab: Lab, place: Place, repeat: int, dataset: str, only: Sequence[str], before: Path | None
) -> Bench:
    """Measure on a target: starts ``repeat`` times, the rest a third of it; ``only``: these kernels.

    ``before`` is another wamrc to compare with. Raises TeeforgeError for what there is not, and if a program
    does not end as it should.
    """
    started = bench_start(lab, place, repeat)
    fewer = max(1, repeat // 3)
    code = bench_code(lab, place, dataset, only, fewer, before)
    files = [lab.root / "samples" / name for name in _COMPILED]
    return Bench(started, code, bench_compile(lab, files, fewer, before))
