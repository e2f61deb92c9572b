"""From sources, a .wasm or an .aot file to an AOT module that the runtime TA loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say
from teeforge.building.toolchain import WasmCompiler
from teeforge.compiling.clang import compile_sources, flags_of
from teeforge.compiling.sources import Sources, read_program, read_source
from teeforge.modules.aot import AotModule, check_loadable
from teeforge.modules.wamrc import (
    WAMRC_FLAGS,
    Wamrc,
    keep,
    provenance_of,
    sha256,
    told_about,
    work_folder,
)
from teeforge.signing.manifest import split
from teeforge.signing.signer import Signer


@dataclass(frozen=True)
class Program:
    """A program ready to run: ``sha256`` is of the AOT file ``aot``, as the TA measures it.

    ``signed`` is what the TA gets: the same with a signature behind it. It is ``aot`` where none is needed.
    ``provenance`` is a JSON file that tells what it was made of; for an .aot from elsewhere there is none.
    ``module`` is what the AOT file says about itself, ``notes`` are the warnings of the C compiler,
    ``headers`` the files that a .c includes, but for the C library's. One that is ``quick`` was compiled at
    the lowest level: optimize() makes the other code of it.
    """

    aot: Path
    signed: Path
    wasm: Path | None
    sha256: str
    provenance: Path | None
    module: AotModule
    notes: str = ""
    headers: tuple[Path, ...] = ()
    quick: bool = False


def build_program(
    file: Path | Sources,
    *,
    wamrc: Path,
    cache: Path,
    cc: WasmCompiler | None,
    signer: Signer,
    flags: Sequence[str] = WAMRC_FLAGS,
    quick: bool = False,
    jobs: int = 1,
) -> Program:
    """Return the AOT module of a program: compiled as far as it still must be, and checked.

    What is made goes to ``cache`` under a name that follows from its contents, so that the same input is
    compiled once. ``flags`` are wamrc's; ``cc`` is needed for C and C++ only, at most ``jobs`` of either run
    at once. With ``quick`` a module of some size is compiled at the lowest level, unless it is there at its
    full one. What our wamrc made, ``signer`` signs; an .aot must be signed. Raises TeeforgeError if a file
    cannot be read, does not compile, would not load, or is not signed as it must be.
    """
    sources = Sources.of(file)
    maker = _Maker(Wamrc(wamrc, cache, jobs), flags, signer, quick)
    if sources.compiled:
        return _compile_sources(sources, maker, cc, jobs)
    path = sources.file
    data = read_program(path)
    if path.suffix.lower() == ".wasm":
        return maker.compile(data, str(path), sources, _told(path, data))
    return _as_it_is(path, data, cache, signer)


def _as_it_is(path: Path, data: bytes, cache: Path, signer: Signer) -> Program:
    """Return the program that is an .aot file already."""
    aot, _, _ = split(data, str(path))
    module = check_loadable(aot, str(path))
    signer.check(data, str(path))
    digest = sha256(aot)
    plain = path
    if len(aot) < len(data):
        plain = cache / f"{digest}.aot"
        keep(cache, [(plain, aot)])
    beside = provenance_of(path)
    return Program(plain, path, None, digest, beside if told_about(beside, aot) else None, module)


def _told(path: Path, data: bytes) -> dict[str, object]:
    return {"source": path.name, "source_sha256": sha256(data)}


def _told_of(sources: Sources) -> dict[str, object]:
    """Return what a provenance says of what a program was made of."""
    told = [_told(path, read_source(path)) for path in sources.files]
    return {**told[0], "more_sources": told[1:]} if told[1:] else {**told[0]}


def _compile_sources(sources: Sources, maker: _Maker, cc: WasmCompiler | None, jobs: int) -> Program:
    if cc is None:
        raise TeeforgeError(
            f"{sources.file}: no compiler from C to WebAssembly is installed",
            "`invoke doctor --fix` installs one",
        )
    while True:
        told = _told_of(sources)
        with work_folder(maker.wamrc.cache) as work:
            compiled = compile_sources(sources, work, cc, jobs)
        if _told_of(sources) == told:
            break  # else a source was saved meanwhile, and its digest may be of another
    told |= {"compiler": cc.version_line, "compiler_flags": flags_of(sources, cc)}
    try:
        program = maker.compile(compiled.wasm, f"{sources.name}.wasm", sources, told)
    except TeeforgeError:
        if compiled.notes:
            say(compiled.notes.rstrip())
        raise
    return replace(program, notes=compiled.notes, headers=compiled.headers)


def optimize(aot: Path, wamrc: Path, flags: Sequence[str]) -> None:
    """Compile what was compiled quickly, as its AOT file's provenance tells, with other ``flags``.

    Whoever wants the program next finds that.
    """
    cache = aot.parent
    told = told_about(provenance_of(aot), aot.read_bytes())
    wasm = cache / f"{told['wasm_sha256']}.wasm"
    Wamrc(wamrc, cache).compile(wasm.read_bytes(), wasm.name, flags, told)


@dataclass(frozen=True)
class _Maker:
    """What makes AOT files of modules, and signs them."""

    wamrc: Wamrc
    flags: Sequence[str]
    signer: Signer
    quick: bool = False

    def compile(self, data: bytes, name: str, sources: Sources, told: Mapping[str, object]) -> Program:
        """Compile a module to AOT, or take it from the cache, and sign it on the terms of its sources."""
        made = self.wamrc.compile(data, name, self.flags, told, quick=self.quick)
        signed = self.signer.sign(made.data, sources.name, sources.terms, bytes.fromhex(made.wasm_sha256))
        # Another key, name or version is another file.
        sent = made.aot.with_suffix(f".{sha256(signed[len(made.data) :])[:16]}.signed")
        keep(self.wamrc.cache, [(sent, signed)])
        module = check_loadable(made.data, str(made.aot))
        beside = provenance_of(made.aot)
        return Program(made.aot, sent, made.wasm, made.sha256, beside, module, quick=made.quick)
