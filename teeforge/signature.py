"""`invoke sign`: an .aot gets a signature, after a look at what the judge says of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError, unwritable
from teeforge.base.files import write_atomically
from teeforge.base.progress import say
from teeforge.compiling.sources import read_program
from teeforge.settings.terms import Terms
from teeforge.signing.manifest import split

if TYPE_CHECKING:
    from teeforge.lab import Lab


def terms_of(name: str, version: int, heap: str, wasi: str | None, folders: str, storage: str) -> Terms:
    """Return what the options of `invoke sign` mean. ``wasi`` is a list with commas, None for all of it."""
    groups = Terms().wasi if wasi is None else tuple(word for word in wasi.split(",") if word)
    if folders not in ("none", "read", "write"):
        raise TeeforgeError(f"--folders {folders}: there is no such right", "give none, read or write")
    try:
        return Terms(name, version, heap, groups, folders, storage)  # type: ignore[arg-type]
    except ValueError as error:
        raise TeeforgeError(f"--{error}", "`invoke --help sign` tells the options") from error


def sign_file(lab: Lab, file: Path, terms: Terms, output: Path | None = None) -> None:
    """Put a signature behind an .aot file, in place or in ``output``; one that it has is replaced.

    Of a .wasm or a source, what it is compiled to is signed. Raises TeeforgeError if the judge finds that it
    cannot run.
    """
    from teeforge.compiling.sources import Sources
    from teeforge.modules.aot import read_aot
    from teeforge.modules.verdict import judge_aot
    from teeforge.modules.wamrc import recorded_bounds_checks, recorded_wasm

    name, target = file.stem, output or file
    if file.suffix.lower() != ".aot":
        if output is None:
            raise TeeforgeError(f"{file} is no .aot file", "say where the one goes: --output FILE.aot")
        sources = Sources.of(file)
        file = lab.programs.compile(sources, lab.programs.compilers(sources)).aot
    data = read_program(file)
    try:
        aot, before, _ = split(data, str(file))
    except TeeforgeError as error:
        raise TeeforgeError(error.message, "sign the file as wamrc made it") from error
    verdict = judge_aot(
        read_aot(aot, str(file)),
        str(file),
        bounds_checks=recorded_bounds_checks(file, aot),
        file_bytes=len(data),
        room=lab.plan(),
    )
    verdict.enforce()
    for warning in verdict.warnings:
        say(f"warning: {warning}")
    signed = lab.signer.sign(aot, name, terms, recorded_wasm(file, aot))
    try:
        write_atomically(target, signed)
    except OSError as error:
        raise unwritable(target, error, "give --output FILE") from error
    manifest = split(signed, str(target))[1]
    assert manifest is not None
    print(f"{target}: {'signed anew' if before else 'signed'} as {manifest.words()}")
