"""From sources, a .wasm or an .aot file to an AOT module that the runtime TA loads."""

from __future__ import annotations

import functools
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from teeforge.base.digest import digest_file
from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_if_other
from teeforge.base.progress import say
from teeforge.building.toolchain import WasmCompiler
from teeforge.compiling.clang import compile_sources, flags_of, run_compiler, signal_name
from teeforge.compiling.sources import Sources, read_program, read_source
from teeforge.modules.aot import AotModule, check_loadable
from teeforge.modules.simd import simd_problem
from teeforge.modules.wasm import read_wasm
from teeforge.settings.config import WASM_CPUS
from teeforge.signing.manifest import split
from teeforge.signing.signer import Signer

# How wamrc is called. Without bounds checks the code relies on a guard area of 8 GiB around linear memory,
# which a TA does not have. Newer LLVMs write the table index of call_indirect as an over-long LEB, which is
# read with reference types only, and passive data segments, which are kept with bulk memory only.
_FLAGS = ("--target=aarch64", "--bounds-checks=1", "--enable-ref-types", "--enable-bulk-memory")


def wamrc_flags(cpu: str = WASM_CPUS[0], *, plain_checks: bool = False) -> tuple[str, ...]:
    """Return wamrc's flags: code for a CPU of Arm, in which all checks stay in all loops or not."""
    return (*_FLAGS, f"--cpu={cpu}", *(["--plain-checks"] if plain_checks else []))


WAMRC_FLAGS = wamrc_flags()


class CompilerDiedError(TeeforgeError):
    """wamrc did not refuse a module, it was ended by a signal."""


@dataclass(frozen=True)
class Program:
    """A program ready to run: ``sha256`` is of the AOT file ``aot``, as the TA measures it.

    ``signed`` is what the TA gets: the same with a signature behind it. It is ``aot`` where none is needed.
    ``provenance`` is a JSON file that tells what it was made of; for an .aot from elsewhere there is none.
    ``module`` is what the AOT file says about itself, ``notes`` are the warnings of the C compiler,
    ``headers`` the files that a .c includes, but for the C library's.
    """

    aot: Path
    signed: Path
    wasm: Path | None
    sha256: str
    provenance: Path | None
    module: AotModule
    notes: str = ""
    headers: tuple[Path, ...] = ()


def build_program(
    file: Path | Sources,
    *,
    wamrc: Path,
    cache: Path,
    cc: WasmCompiler | None,
    signer: Signer,
    flags: Sequence[str] = WAMRC_FLAGS,
    jobs: int = 1,
) -> Program:
    """Return the AOT module of a program: compiled as far as it still must be, and checked.

    What is made goes to ``cache`` under a name that follows from its contents, so that the same input is
    compiled once. ``flags`` are wamrc's; ``cc`` is needed for C and C++ only, at most ``jobs`` of it run at
    once. What our wamrc made, ``signer`` signs; an .aot must be signed. Raises TeeforgeError if a file
    cannot be read, does not compile, would not load, or is not signed as it must be.
    """
    sources = Sources.of(file)
    maker = _Maker(wamrc, flags, cache, signer)
    if sources.compiled:
        return _compile_sources(sources, maker, cc, jobs)
    path = sources.file
    data = read_program(path)
    if path.suffix.lower() == ".wasm":
        return maker.compile(data, str(path), sources, _told_of(sources))
    return _as_it_is(path, data, cache, signer)


def _as_it_is(path: Path, data: bytes, cache: Path, signer: Signer) -> Program:
    """Return the program that is an .aot file already."""
    aot, _, _ = split(data, str(path))
    module = check_loadable(aot, str(path))
    signer.check(data, str(path))
    digest = _sha256(aot)
    plain = path
    if len(aot) < len(data):
        plain = cache / f"{digest}.aot"
        _write(cache, [(plain, aot)])
    beside = _provenance_of(path)
    return Program(plain, path, None, digest, beside if _told_about(beside, aot) else None, module)


def _told_of(sources: Sources) -> dict[str, object]:
    """Return what a provenance says of what a program was made of."""
    told = [{"source": path.name, "source_sha256": _sha256(read_source(path))} for path in sources.files]
    return {**told[0], "more_sources": told[1:]} if told[1:] else {**told[0]}


def _compile_sources(sources: Sources, maker: _Maker, cc: WasmCompiler | None, jobs: int) -> Program:
    told = _told_of(sources)
    if cc is None:
        raise TeeforgeError(
            f"{sources.file}: no compiler from C to WebAssembly is installed",
            "`invoke doctor --fix` installs one",
        )
    with _work_folder(maker.cache) as work:
        compiled = compile_sources(sources, work, cc, jobs)
    told |= {"compiler": cc.version_line, "compiler_flags": flags_of(sources, cc)}
    try:
        program = maker.compile(compiled.wasm, f"{sources.name}.wasm", sources, told)
    except TeeforgeError:
        if compiled.notes:
            say(compiled.notes.rstrip())
        raise
    return replace(program, notes=compiled.notes, headers=compiled.headers)


@dataclass(frozen=True)
class _Maker:
    """What makes AOT files of modules, and signs them."""

    wamrc: Path
    flags: Sequence[str]
    cache: Path
    signer: Signer

    def compile(self, data: bytes, name: str, sources: Sources, told: Mapping[str, object]) -> Program:
        """Compile a module to AOT, or take it from the cache, and sign it on the terms of its sources."""
        module = read_wasm(data, name)
        wamrc, cache = self.wamrc, self.cache
        try:
            compiler = _digest_of_compiler(wamrc, wamrc.stat().st_mtime_ns)
        except OSError as error:
            raise TeeforgeError(f"wamrc is not there: {wamrc}", "`invoke build wamrc` makes it") from error
        digest = _sha256(data)
        key = _sha256("\n".join([compiler, *self.flags, digest]).encode())
        aot, wasm = cache / f"{key}.aot", cache / f"{digest}.wasm"
        provenance = _provenance_of(aot)
        ready = _cached(aot, provenance)
        if ready is None:
            if problem := simd_problem(data, module, name):
                raise problem
            with _work_folder(cache) as work:
                ready = _run_wamrc(data, name, [wamrc, *self.flags], work)
        measured = _sha256(ready)
        made = {
            **told,
            "wasm_sha256": digest,
            "aot_sha256": measured,
            "wamrc_sha256": compiler,
            "wamrc_flags": list(self.flags),
            "bounds_checks": True,
        }
        signed = self.signer.sign(ready, sources.name, sources.terms, bytes.fromhex(digest))
        # Another key, name or version is another file.
        sent = cache / f"{key}.{_sha256(signed[len(ready) :])[:16]}.signed"
        # The provenance goes last and names the digest of the AOT: without it, the rest does not count.
        last = json.dumps(made, indent=2).encode() + b"\n"
        _write(cache, [(wasm, data), (aot, ready), (sent, signed), (provenance, last)])
        return Program(aot, sent, wasm, measured, provenance, check_loadable(ready, str(aot)))


def _write(cache: Path, files: Sequence[tuple[Path, bytes]]) -> None:
    try:
        for target, content in files:
            write_if_other(target, content)
    except OSError as error:
        raise _not_writable(cache, error) from error


@functools.lru_cache(maxsize=1)
def _digest_of_compiler(wamrc: Path, _: int) -> str:
    """Return wamrc's digest, which takes a while, once for each version of it."""
    return digest_file(wamrc)


def _run_wamrc(data: bytes, name: str, wamrc: Sequence[str | Path], work: Path) -> bytes:
    """Return the AOT file that wamrc makes of a module.

    wamrc ends with status 0 even when it fails: only a valid output is a success.
    """
    # wamrc gets plain names: it prints what it is given, and the module may be called anything.
    (work / "in.wasm").write_bytes(data)
    argv: list[str | Path] = [*wamrc, "-o", work / "out.aot", work / "in.wasm"]
    status, told = run_compiler(argv, work)
    if status < 0:
        raise CompilerDiedError(
            f"{name}: wamrc was ended by {signal_name(status)}",
            "a newer feature of WebAssembly may be in the module: compile it with -mcpu=mvp",
        )
    try:
        made = (work / "out.aot").read_bytes()
    except OSError as error:
        raise TeeforgeError(f"{name}: wamrc cannot compile it: {_last_line(told)}", _advice(told)) from error
    check_loadable(made, f"what wamrc made of {name}")
    return made


def _advice(told: str) -> str:
    """Return what helps against an error of wamrc."""
    if any(word in told for word in ("unsupported opcode", "unknown opcode", "invalid section id")):
        return "the module uses a newer feature of WebAssembly: compile it with -mcpu=mvp"
    return ""


def _cached(aot: Path, provenance: Path) -> bytes | None:
    """Return an earlier result if it is whole and unchanged."""
    try:
        data = aot.read_bytes()
    except OSError:
        return None
    return data if _told_about(provenance, data) else None


def _told_about(provenance: Path, data: bytes) -> Mapping[str, object]:
    """Return what a provenance file tells; nothing unless it is about this very AOT file."""
    try:
        told = json.loads(provenance.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) and told.get("aot_sha256") == _sha256(data) else {}


@contextmanager
def _work_folder(cache: Path) -> Iterator[Path]:
    """Give a folder in ``cache`` that is gone afterwards."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".work-", dir=cache) as work:
            yield Path(work).absolute()
    except OSError as error:
        raise _not_writable(cache, error) from error


def recorded_bounds_checks(aot: Path, data: bytes) -> bool | None:
    """Return what the file beside an AOT file says of bounds checks; None if it does not tell about it.

    ``data`` is without a signature.
    """
    told = _told_about(_provenance_of(aot), data).get("bounds_checks")
    return told if isinstance(told, bool) else None


def recorded_wasm(aot: Path, data: bytes) -> bytes | None:
    """Return the SHA-256 of the .wasm that an AOT file was made of, where the file beside it tells that."""
    told = _told_about(_provenance_of(aot), data).get("wasm_sha256")
    try:
        digest = bytes.fromhex(str(told))
    except ValueError:
        return None
    return digest if len(digest) == hashlib.sha256().digest_size else None


def _provenance_of(aot: Path) -> Path:
    return aot.with_name(f"{aot.name}.json")


def _not_writable(cache: Path, error: OSError) -> TeeforgeError:
    return TeeforgeError(
        f"{cache} cannot be written: {error.strerror}", "free some space or the folder's rights"
    )


def _last_line(told: str) -> str:
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error")]
    return (errors or lines or ["it said nothing"])[-1].removeprefix("Error: ")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
