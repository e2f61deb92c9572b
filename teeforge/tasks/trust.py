"""Trust: signatures of modules, and evidence of what ran."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context

from teeforge.commandline import known
from teeforge.commandline.command import command, lab
from teeforge.commandline.known import Known
from teeforge.tasks.options import CHECKS, HEAP, PLACE, SOURCES, path, program

if TYPE_CHECKING:
    from teeforge.answer import Answer
    from teeforge.compiling.sources import Sources
    from teeforge.machines.fleet import Place


@command(
    help={
        "file": Known("an .aot from elsewhere; or with --output a .wasm, .c or .cpp", known.programs),
        "name": "the program's name (default: the file's), whose storage it has",
        "version": "an older one than the one that stored in /secure is refused (default: 1)",
        "heap": "the largest it may have, e.g. 4MiB (default: any)",
        "wasi": "arguments,clocks,random,files,sockets: some of it (default: all)",
        "folders": Known(
            "none, read or write: what it may be lent (default: write)", ("none", "read", "write")
        ),
        "storage": "what it may have in /secure; 0 for nothing (default: 16MiB)",
        "output": "where to write it (default: the file itself)",
    },
)
def sign(
    context: Context,
    file: str,
    name: str = "",
    version: int = 1,
    heap: str = "1GiB",
    wasi: str | None = None,
    folders: str = "write",
    storage: str = "16MiB",
    output: str = "",
) -> None:
    """Sign an .aot, after a look at it."""
    from teeforge.signature import sign_file, terms_of

    terms = terms_of(name, version, heap, wasi, folders, storage)
    sign_file(lab(context), Path(file).expanduser(), terms, path(output))


@command(
    SOURCES,
    PLACE,
    help={
        "nonce": "the verifier's, 8 to 64 bytes in hexadecimal digits (default: a new one)",
        "out": "write the token to this file (default: a line of base64url on stdout)",
        "heap": HEAP,
        "checks": CHECKS,
    },
)
def attest(
    context: Context,
    sources: Callable[[], Sources],
    nonce: str = "",
    out: str = "",
    heap: str = "auto",
    checks: str = "proven",
    *,
    place: Place,
) -> int:
    """Load a program in the TEE, and give evidence of that."""
    from teeforge.runs.attesting import attest
    from teeforge.runs.running import RunOptions

    options = RunOptions(heap=heap, checks=checks, nonce=nonce)
    return attest(lab(context), sources(), place, options, path(out))


@command(
    json=True,
    help={
        "token": "a file that `invoke attest` made",
        "nonce": "what was sent for it; without one it may be an old token",
        "key": "the machine's public key in PEM (default: those kept of this checkout's machines)",
        "reference": "what the build computed, reference.json (default: this checkout's)",
        "module": Known("the program that it should be of: a .c, .wasm or .aot", known.programs),
    },
)
def verify(
    context: Context, token: str, nonce: str = "", key: str = "", reference: str = "", module: str = ""
) -> Answer:
    """Say what evidence is worth, in words."""
    from teeforge.runs.attesting import verify

    told: Answer = verify(
        lab(context),
        Path(token).expanduser(),
        nonce=nonce,
        key=path(key),
        reference=path(reference),
        module=program(module),
    )
    return told


@command(SOURCES, PLACE, help={"to": "the relying party's address, http://HOST:PORT", "heap": HEAP})
def relay(
    context: Context, sources: Callable[[], Sources], to: str = "", heap: str = "auto", *, place: Place
) -> int:
    """Run a program that shows its evidence to somebody."""
    from teeforge.runs.relaying import relay

    return relay(lab(context), sources(), place, to, heap)
