"""Programs: from their sources to a signed AOT file, and whether it will run."""

from __future__ import annotations

import dataclasses
import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say, ticking

if TYPE_CHECKING:
    from teeforge.building.toolchain import WasmCompiler
    from teeforge.compiling.sources import Sources
    from teeforge.lab import Lab
    from teeforge.machines.fleet import Place
    from teeforge.modules.program import Program
    from teeforge.modules.verdict import Verdict

# The component that has C++'s library for WASI.
_CXX = "wasm_cxx"


@dataclasses.dataclass(frozen=True)
class Compilers:
    """What a program takes to become an AOT file: wamrc with its flags, and for C++ its library.

    With ``quick`` programs of some size are compiled at wamrc's lowest level. ``jobs`` compilers run at once;
    wamrcs from before there were parts of a module know of 1 only.
    """

    wamrc: Path = Path()
    cxx: Path | None = None
    flags: tuple[str, ...] = ()
    quick: bool = False
    jobs: int = 1


class Programs:
    """What a checkout compiles, signs and judges."""

    def __init__(self, lab: Lab) -> None:
        """Take compilers, settings and targets from ``lab``."""
        self._lab = lab

    def prepare(self, file: Path | Sources, place: Place, heap: str = "auto") -> tuple[Program, int]:
        """Return ``file`` compiled as far as needed, and the bytes of the heap to run it on.

        Raises TeeforgeError if it cannot run on ``place``.
        """
        if heap == "max":
            # All that is left can only be known of a core and a TA that are built.
            self._lab.deployment.build()
        program, verdict = self.judged(file, place)
        return program, enforced_heap(verdict, heap)

    def judged(self, file: Path | Sources, place: Place) -> tuple[Program, Verdict]:
        """Compile ``file`` as far as needed; say whether it will run on a target, and on which heap.

        Raises TeeforgeError if it does not compile, or if a .wasm could not run in any case.
        """
        from teeforge.compiling.sources import Sources

        sources = Sources.of(file)
        program = self.compile(sources, self.compilers(sources), place)
        return program, self.verdict(program, sources.file, place)

    def verdict(self, program: Program, file: Path, place: Place, stack: int = 0) -> Verdict:
        """Say whether a compiled ``file`` will run on a target, on which heap beside a ``stack`` (bytes)."""
        from teeforge.modules.verdict import judge_aot
        from teeforge.modules.wamrc import recorded_bounds_checks

        data = program.aot.read_bytes()
        told = program.aot if program.wasm else file
        return judge_aot(
            program.module,
            str(file),
            bounds_checks=recorded_bounds_checks(told, data),
            file_bytes=program.signed.stat().st_size,
            room=self._lab.plan(place),
            stack=stack,
        )

    def compilers(self, sources: Sources, *, plain_checks: bool = False, quick: bool = False) -> Compilers:
        """Return what a program is compiled with, brought up to date."""
        from teeforge.modules.wamrc import wamrc_flags

        if sources.file.suffix.lower() == ".aot" or not all(path.is_file() for path in sources.files):
            return Compilers()
        wanted = ["wamrc"]
        if sources.cxx and not self._other_wasm_compiler() and self._lab.config.toolchain.pinned:
            wanted.append(_CXX)
        built = self._lab.builder.build(wanted)
        cxx = built[_CXX].product("root") if _CXX in wanted else None
        flags = wamrc_flags(self._lab.config.toolchain.wasm_cpu, plain_checks=plain_checks)
        return Compilers(built["wamrc"].product("wamrc"), cxx, flags, quick, self._lab.config.job_count)

    def wasm_compiler(self) -> WasmCompiler:
        """Return what compiles .c to .wasm: the toolchain's, unless another one is named."""
        from teeforge.building.toolchain import find_wasm_compiler

        memory = self._lab.workspace.cache / "compilers.json"
        if self._other_wasm_compiler() or (toolchain := self._lab.builder.toolchain()) is None:
            return find_wasm_compiler(self._lab.config.toolchain.wasm_cc, memory)
        return toolchain.wasm_compiler(memory)

    def _other_wasm_compiler(self) -> bool:
        """Say whether the user names a compiler from C to WebAssembly."""
        return self._lab.config.toolchain.wasm_cc != "auto" or "WASI_SDK_PATH" in os.environ

    def compile(self, sources: Sources, compilers: Compilers, place: Place | None = None) -> Program:
        """Return a program compiled as far as needed; builds no component, so it may run in a thread.

        What cannot run on ``place``, if one is named, in any case is not compiled.
        """
        from teeforge.compiling.sources import check_readable, read_program
        from teeforge.modules.plan import Plan
        from teeforge.modules.program import build_program
        from teeforge.modules.verdict import hardly_fits, judge_wasm
        from teeforge.modules.wasm import read_wasm

        check_readable(sources)
        file, cache = sources.file, self._lab.workspace.cache / "programs"
        if file.suffix.lower() == ".wasm":
            # It says more than wamrc would.
            module = read_wasm(read_program(file), str(file))
            known = place is not None and not self._lab.fleet.is_board(place)
            room = Plan(self._lab.config.memory) if known else None
            judge_wasm(module, str(file), room).enforce()
            if room and (warning := hardly_fits(module, str(file), room)):
                say(f"warning: {warning}")
        with ticking(f"compiling {file}"):
            build = functools.partial(
                build_program,
                sources,
                wamrc=compilers.wamrc,
                flags=compilers.flags,
                quick=compilers.quick,
                cache=cache,
                signer=self._lab.signer,
                jobs=compilers.jobs,
            )
            if not sources.compiled:
                return build(cc=None)
            with self._lab.builder.toolchain_used():
                cc = self.wasm_compiler()
                if compilers.cxx:
                    cc = cc.with_cxx(compilers.cxx)
                program = build(cc=cc)
        if program.notes:
            say(program.notes.rstrip())
        return program


def enforced_heap(verdict: Verdict, wanted: str) -> int:
    """Return the pool that --heap asks for, with the verdict's warnings told.

    Raises TeeforgeError if the program cannot run, or --heap makes no sense.
    """
    from teeforge.settings.config import parse_size

    verdict.enforce()
    for warning in verdict.warnings:
        say(f"warning: {warning}")
    if wanted == "auto" and verdict.heap is not None:
        return verdict.heap
    if wanted == "max" and verdict.largest is not None:
        return verdict.largest
    try:
        return parse_size(wanted, "--heap")
    except ValueError as error:
        raise TeeforgeError(str(error), "for example --heap 2MiB, --heap auto or --heap max") from error
