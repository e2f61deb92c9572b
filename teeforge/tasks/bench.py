"""Benchmarks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context

from teeforge.commandline import known
from teeforge.commandline.command import command, lab
from teeforge.commandline.known import Known
from teeforge.tasks.options import PLACE, path

if TYPE_CHECKING:
    from teeforge.answer import Answer
    from teeforge.machines.fleet import Place


_CODE = {
    "dataset": Known("PolyBench's: mini, small or medium (default: small)", ("mini", "small", "medium")),
    "kernels": "with commas (default: all); an unknown one tells which there are",
    "before": "another wamrc, whose code is measured as well",
}


@command(PLACE, name="run", default=True, json=True, help={**_CODE, "repeat": "starts of each (default: 10)"})
def run(
    context: Context,
    repeat: int = 10,
    dataset: str = "small",
    kernels: str = "",
    before: str = "",
    *,
    place: Place,
) -> Answer:
    """Measure start-up, code and compiling, beside their goals."""
    from teeforge.answer import Answer
    from teeforge.base.progress import coloured
    from teeforge.benchmarks.bench import run_bench

    found = run_bench(lab(context), place, repeat, dataset, _named(kernels), path(before))
    return Answer(found.as_json(), found.lines(coloured(sys.stdout)))


@command(PLACE, json=True, help={"repeat": "runs of each (default: 10)"})
def start(context: Context, repeat: int = 10, *, place: Place) -> Answer:
    """Measure start-up and speed, TEE against normal world."""
    from teeforge.answer import Answer
    from teeforge.benchmarks.start import bench_start

    found = bench_start(lab(context), place, repeat)
    return Answer(found.as_json(), found.lines())


@command(PLACE, json=True, help={**_CODE, "repeat": "runs of each in each world (default: 3)"})
def code(
    context: Context,
    dataset: str = "small",
    kernels: str = "",
    repeat: int = 3,
    before: str = "",
    *,
    place: Place,
) -> Answer:
    """Measure code: seconds and instructions, over native."""
    from teeforge.answer import Answer
    from teeforge.base.progress import coloured
    from teeforge.benchmarks.code import bench_code

    found = bench_code(lab(context), place, dataset, _named(kernels), repeat, path(before))
    return Answer(found.as_json(), found.lines(coloured(sys.stdout)))


@command(
    PLACE,
    json=True,
    help={
        "file": Known("what is started (default: samples/hello.c)", known.programs),
        "repeat": "runs (default: 10)",
        "keep": "in a session that is kept",
    },
)
def trace(context: Context, file: str = "", repeat: int = 10, keep: bool = False, *, place: Place) -> Answer:
    """Show where the time of a start goes, by stages."""
    from teeforge.answer import Answer
    from teeforge.benchmarks.trace import bench_trace
    from teeforge.compiling.sources import Sources

    own = lab(context)
    found = bench_trace(own, place, Sources.of(path(file) or own.root / "samples/hello.c"), repeat, keep)
    return Answer(found.as_json(), found.lines())


@command(
    json=True,
    name="compile",
    iterable=["more"],
    help={
        "file": Known("a .c, .cpp or .wasm, or a folder of sources", known.programs),
        "more": Known("one more of them; may be repeated", known.programs),
        "repeat": "times that each is compiled (default: 3)",
        "before": "another wamrc, which is measured by turns with ours",
    },
)
def compiling(
    context: Context, file: str, more: list[str] | None = None, repeat: int = 3, before: str = ""
) -> Answer:
    """Measure wamrc: time, memory and bytes, over another one's."""
    from teeforge.answer import Answer
    from teeforge.benchmarks.compiling import bench_compile

    files = [Path(name).expanduser() for name in (file, *(more or ()))]
    found = bench_compile(lab(context), files, repeat, path(before))
    return Answer(found.as_json(), found.lines())


@command(
    json=True,
    help={
        "repeat": "times that each is measured (default: 3)",
        "only": "rows, with commas; an unknown one tells which there are",
        "quick": "leave out the cold build, which takes minutes",
    },
)
def pipeline(context: Context, repeat: int = 3, only: str = "", quick: bool = False) -> Answer:
    """Measure the way from a saved file to its output."""
    from teeforge.answer import Answer
    from teeforge.pipeline.measure import bench_pipeline

    return Answer(*bench_pipeline(lab(context), repeat, only, quick))


def _named(kernels: str) -> list[str]:
    return [kernel for kernel in kernels.split(",") if kernel]
