"""`python -m tests.fuzz.differential`: as many modules as are asked for, in either engine or in both."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

from teeforge.lab import Lab
from teeforge.machines.fleet import Place
from teeforge.modules.wamrc import QUICK_FLAGS

from .batch import GENERATORS, Batch, prepare, run_batch
from .engines import Engine
from .workbench import ROOT, engines

_BATCH = 100
# Batches that are made ahead, so that no engine waits.
_AHEAD = 4


class Tally:
    """What was found so far; each find is kept as a module, with what was wrong beside it."""

    def __init__(self, finds: Path) -> None:
        self.finds = finds
        self.modules = Counter[str]()
        self.open = Counter[str]()
        self.calls = 0
        self.found = 0

    def add(self, name: str, engine: Engine, batch: Batch, number: int) -> None:
        """Run a batch in an engine and count."""
        for case, verdict in zip(batch.cases, run_batch(engine, batch, number), strict=True):
            self.modules[name] += 1
            self.calls += len(case.calls)
            self.open[name] += not verdict.whole
            if verdict.difference:
                self.found += 1
                self.finds.mkdir(parents=True, exist_ok=True)
                (self.finds / f"{case.name}.wasm").write_bytes(case.wasm)
                (self.finds / f"{case.name}.{name}.txt").write_text(verdict.difference + "\n")
                print(f"{name}: {case.name}: {verdict.difference[:600]}", flush=True)

    def line(self, seconds: float) -> str:
        """Return it in one line."""
        counts = ", ".join(f"{name} {count} ({self.open[name]} open)" for name, count in self.modules.items())
        return f"{counts}; {self.calls} calls; {self.found} differences; {seconds:.0f} s"


def fuzz(
    engines: dict[str, Engine],
    wamrc: Path,
    seeds: Sequence[tuple[str, int]],
    jobs: int,
    scratch: Path,
    tally: Tally,
) -> None:
    """Run the modules of some seeds, made by so many processes."""
    began = time.monotonic()
    flags = [engine.flags for engine in engines.values()]
    parts = [seeds[n : n + _BATCH] for n in range(0, len(seeds), _BATCH)]
    waiting: list[Future[Batch]] = []
    with ProcessPoolExecutor(jobs) as pool:
        for part in [*parts, *[None] * _AHEAD]:
            if part:
                waiting.append(pool.submit(prepare, part, wamrc, flags, scratch))
            if len(waiting) > _AHEAD or (part is None and waiting):
                batch = waiting.pop(0).result()
                for number, (name, engine) in enumerate(engines.items()):
                    tally.add(name, engine, batch, number)
                shutil.rmtree(batch.folder)
                print(tally.line(time.monotonic() - began), flush=True)


def main(words: Sequence[str]) -> int:
    """Return 1 if there was a difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.differential", description=__doc__)
    parser.add_argument("--modules", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: 0)")
    parser.add_argument("--engine", choices=("host", "tee", "both"), default="both")
    parser.add_argument("--generator", choices=(*GENERATORS, "all"), default="all")
    parser.add_argument(
        "--seconds", type=int, default=5, help="for one trip to an engine, which a hang takes (default: 5)"
    )
    parser.add_argument("--quick", action="store_true", help="code as `invoke run --quick` has it")
    parser.add_argument("--jobs", type=int, default=2, help="processes that make modules (default: 2)")
    parser.add_argument(
        "--finds", type=Path, default=ROOT / "build/finds", help="folder for modules that differ"
    )
    parser.add_argument("--cc", default="clang-14", help="a clang, which has the sanitizers")
    given = parser.parse_args(words)
    kinds = GENERATORS if given.generator == "all" else (given.generator,)
    names = ["host", "tee"] if given.engine == "both" else [given.engine]
    seeds = [(kinds[n % len(kinds)], given.first + n) for n in range(given.modules)]
    lab, tally = Lab(ROOT), Tally(given.finds)
    wamrc = lab.build(["wamrc"])["wamrc"].product("wamrc")
    with (
        tempfile.TemporaryDirectory(prefix="teeforge-diff-") as scratch,
        engines(lab, names, Place("qemu", ""), given.cc, given.seconds) as made,
    ):
        if given.quick:
            for engine in made.values():
                engine.flags = (*engine.flags, *QUICK_FLAGS)
        fuzz(made, wamrc, seeds, given.jobs, Path(scratch), tally)
    return 1 if tally.found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
