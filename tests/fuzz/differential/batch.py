"""Cases by the batch: generated, run by the reference, compiled, and then run by an engine in one go."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import binaryen, fields, generate, loops
from .compare import Verdict, judge, script
from .engines import Engine
from .observe import observe
from .reference import Case, run

_COMPILE_SECONDS = 120
# Our generators; the other one is binaryen's.
_OWN = {"own": generate.generate, "loops": loops.generate, "fields": fields.generate}
GENERATORS = (*_OWN, "binaryen")


@dataclass(frozen=True)
class Batch:
    """Cases with their AOT files in a folder; ``wrong`` tells by engine and case why some did not compile."""

    cases: tuple[Case, ...]
    folder: Path
    wrong: dict[tuple[int, int], str]


def make_case(seed: int, kind: str, scratch: Path) -> Case:
    """Return the case of a seed: of a generator of our own, or of binaryen's."""
    wasm = _OWN[kind](seed) if kind in _OWN else binaryen.generate(seed, scratch)
    return run(f"{kind}-{seed}", observe(wasm), seed)


def prepare(
    seeds: Sequence[tuple[str, int]], wamrc: Path, flags: Sequence[Sequence[str]], scratch: Path
) -> Batch:
    """Make the cases of some seeds and compile them, for as many engines as there are flags."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    cases = [make_case(seed, kind, folder) for kind, seed in seeds]
    return compile_cases(cases, wamrc, flags, folder)


def compile_cases(cases: Sequence[Case], wamrc: Path, flags: Sequence[Sequence[str]], folder: Path) -> Batch:
    """Compile cases into a folder."""
    wrong = {}
    for engine, words in enumerate(flags):
        (folder / str(engine)).mkdir()
        for number, case in enumerate(cases):
            what = _compile(wamrc, words, case, folder / str(engine) / f"{number}.aot")
            if what:
                wrong[engine, number] = what
    return Batch(tuple(cases), folder, wrong)


def _compile(wamrc: Path, flags: Sequence[str], case: Case, to: Path) -> str:
    """Compile a case; return what was wrong, or nothing."""
    source = to.with_suffix(".wasm")
    source.write_bytes(case.wasm)
    try:
        words = [str(wamrc), *flags, "-o", str(to), str(source)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=_COMPILE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"wamrc takes more than {_COMPILE_SECONDS} s"
    finally:
        source.unlink()
    if done.returncode < 0:
        return f"wamrc was ended by signal {-done.returncode}"
    said = (done.stdout + done.stderr).strip().splitlines()
    return "" if to.exists() else f"wamrc: {said[-1] if said else 'no output'}"


def run_batch(engine: Engine, batch: Batch, number: int = 0) -> list[Verdict]:
    """Return a verdict for each case; ``number`` is the engine's. One that ends it is the last of a run."""
    wrong = {case: Verdict(why) for (of, case), why in batch.wrong.items() if of == number}
    verdicts = dict(wrong)
    while rest := [case for case in range(len(batch.cases)) if case not in verdicts]:
        scripts = {case: list(script(batch.cases[case], f"{case}.aot")) for case in rest}
        lines, why = engine.run(batch.folder / str(number), [line for case in rest for line in scripts[case]])
        for case in rest:
            wanted = len(scripts[case]) - 1
            replies, lines = lines[:wanted], lines[wanted:]
            verdict = judge(batch.cases[case], replies)
            dead = len(replies) < wanted
            verdicts[case] = (
                Verdict(f"{verdict.difference or 'it ended the engine'}: {why}") if dead else verdict
            )
            if dead:
                break
        else:
            if why:
                verdicts[rest[-1]] = Verdict(f"after the last case: {why}")
    return [verdicts[case] for case in range(len(batch.cases))]
