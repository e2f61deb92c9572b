"""Programs: run them in the TEE, and look at what is in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context

from teeforge.commandline import known
from teeforge.commandline.command import command, lab
from teeforge.commandline.known import Known
from teeforge.tasks.options import ARGS, OPTIONS, PLACE, SOURCES, path

if TYPE_CHECKING:
    from teeforge.answer import Answer
    from teeforge.compiling.sources import Sources
    from teeforge.machines.fleet import Place
    from teeforge.runs.running import RunOptions


@command(
    SOURCES,
    OPTIONS,
    PLACE,
    help={
        "where": Known("secure, or normal: the same AOT in the normal world's iwasm", ("secure", "normal")),
        "quick": "compile at the lowest level now, at the full one in the background",
        "ephemeral": "in a new machine, which is gone afterwards",
        "report": "write to this file how it went, as JSON",
        "nonce": "have evidence with this nonce made, which the program can ask for",
    },
)
def run(
    context: Context,
    sources: Callable[[], Sources],
    options: RunOptions,
    where: str = "secure",
    quick: bool = False,
    ephemeral: bool = False,
    report: str = "",
    nonce: str = "",
    *,
    place: Place,
) -> int:
    """Run a .c, .cpp, .wasm or .aot in the TEE."""
    from teeforge.runs.running import reported, run
    from teeforge.runs.streams import standard_input, standard_streams

    options = dataclasses.replace(
        options,
        stdin=standard_input(),
        where=where,
        quick=quick,
        stdio=standard_streams(),
        report=path(report),
        nonce=nonce,
    )
    with reported(options):
        program, own = sources(), lab(context)
        with own.fleet.ephemeral(place) if ephemeral else nullcontext(place) as place:
            return run(own, program, place, options)


@command(SOURCES, OPTIONS, PLACE)
def dev(context: Context, sources: Callable[[], Sources], options: RunOptions, place: Place) -> int:
    """Build, send and run at each save, until Ctrl-C."""
    from teeforge.runs.dev import KEEP, dev
    from teeforge.runs.streams import standard_streams

    options = dataclasses.replace(options, keep=KEEP, quick=True, stdio=standard_streams(reads=False))
    return dev(lab(context, live=False), sources, place, options)


@command(json=True, help={"file": Known("a .wasm or .aot", known.programs)})
def wasm_info(context: Context, file: str) -> Answer:
    """Tell what is in a module, and whether it will run."""
    from teeforge.inspection import wasm_info

    return wasm_info(lab(context), Path(file).expanduser())


@command(SOURCES, PLACE, json=True, help={"args": ARGS})
def heap_bounds(context: Context, sources: Callable[[], Sources], args: str = "", *, place: Place) -> Answer:
    """Find the smallest and largest heap by trying in the TEE."""
    from teeforge.commandline.words import arguments
    from teeforge.inspection import heap_bounds

    return heap_bounds(lab(context), sources(), place, arguments(args))


@command(json=True)
def plan(context: Context) -> Answer:
    """Show who takes how much of the secure memory."""
    from teeforge.inspection import plan

    return plan(lab(context))
