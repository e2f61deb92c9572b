"""wamrc, from a .wasm file to an AOT file, and the folder that what it made is kept in."""

from __future__ import annotations

import functools
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from teeforge.base.digest import digest_file
from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_if_other
from teeforge.compiling.clang import run_compiler, signal_name
from teeforge.modules.aot import check_loadable
from teeforge.modules.simd import simd_problem
from teeforge.modules.wasm import read_wasm
from teeforge.settings.config import WASM_CPUS

# How wamrc is called. Without bounds checks the code relies on a guard area of 8 GiB around linear memory,
# which a TA does not have. Newer LLVMs write the table index of call_indirect as an over-long LEB, which is
# read with reference types only, and passive data segments, which are kept with bulk memory only.
_FLAGS = ("--target=aarch64", "--bounds-checks=1", "--enable-ref-types", "--enable-bulk-memory")


def wamrc_flags(cpu: str = WASM_CPUS[0], *, plain_checks: bool = False) -> tuple[str, ...]:
    """Return wamrc's flags: code for a CPU of Arm, in which all checks stay in all loops or not."""
    return (*_FLAGS, f"--cpu={cpu}", *(["--plain-checks"] if plain_checks else []))


WAMRC_FLAGS = wamrc_flags()
# What makes wamrc quick: a fifth of the time, for code that is twice as large and takes about twice as long.
QUICK_FLAGS = ("--opt-level=0",)
# Bytes of a .wasm below which nobody waits for it.
_LONG = 16 << 10


class CompilerDiedError(TeeforgeError):
    """wamrc did not refuse a module, it was ended by a signal."""


@dataclass(frozen=True)
class Made:
    """An AOT file that is kept, with its bytes and SHA-256, and the .wasm that it was made of, with its own.

    One that is ``quick`` was compiled at the lowest level.
    """

    aot: Path
    data: bytes
    sha256: str
    wasm: Path
    wasm_sha256: str
    quick: bool


@dataclass(frozen=True)
class Wamrc:
    """The compiler ``program``, with so many ``jobs`` at once, and the folder that what it makes is kept in.

    There its files have names that follow from what they are made of.
    """

    program: Path
    cache: Path
    jobs: int = 1

    def compile(
        self,
        data: bytes,
        name: str,
        flags: Sequence[str],
        told: Mapping[str, object],
        *,
        quick: bool = False,
    ) -> Made:
        """Return the AOT file of a .wasm, kept with what is ``told`` of it: as it is there, or made now.

        With ``quick`` it is of the lowest level, unless the .wasm is small or the other one is there.
        """
        module = read_wasm(data, name)
        digest = sha256(data)
        aot = self._place(flags, digest)
        ready = _cached(aot)
        quick = quick and ready is None and len(data) >= _LONG
        if quick:
            flags = [*flags, *QUICK_FLAGS]
            aot = self._place(flags, digest)
            ready = _cached(aot)
        if ready is None:
            if problem := simd_problem(data, module, name):
                raise problem
            # The bits are the same, however many parts are compiled at once.
            jobs = [f"--jobs={self.jobs}"] if self.jobs > 1 else []
            with work_folder(self.cache) as work:
                ready = _run_wamrc(data, name, [self.program, *flags, *jobs], work)
        made = Made(aot, ready, sha256(ready), self.cache / f"{digest}.wasm", digest, quick)
        provenance = {
            **told,
            "wasm_sha256": digest,
            "aot_sha256": made.sha256,
            "wamrc_sha256": self._digest(),
            "wamrc_flags": list(flags),
            "bounds_checks": True,
        }
        # The provenance goes last and names the digest of the AOT: without it, the rest does not count.
        last = json.dumps(provenance, indent=2).encode() + b"\n"
        keep(self.cache, [(made.wasm, data), (aot, ready), (provenance_of(aot), last)])
        return made

    def _place(self, flags: Sequence[str], digest: str) -> Path:
        """Return where the AOT file is kept that is made of a .wasm with a digest."""
        key = "\n".join([self._digest(), *flags, digest])
        return self.cache / f"{sha256(key.encode())}.aot"

    def _digest(self) -> str:
        try:
            return _digest_of_compiler(self.program, self.program.stat().st_mtime_ns)
        except OSError as error:
            raise TeeforgeError(
                f"wamrc is not there: {self.program}", "`invoke build wamrc` makes it"
            ) from error


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


def _cached(aot: Path) -> bytes | None:
    """Return an earlier result if it is whole and unchanged."""
    try:
        data = aot.read_bytes()
    except OSError:
        return None
    return data if told_about(provenance_of(aot), data) else None


def told_about(provenance: Path, data: bytes) -> Mapping[str, object]:
    """Return what a provenance file tells; nothing unless it is about this very AOT file."""
    try:
        told = json.loads(provenance.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) and told.get("aot_sha256") == sha256(data) else {}


def recorded_bounds_checks(aot: Path, data: bytes) -> bool | None:
    """Return what the file beside an AOT file says of bounds checks; None if it does not tell about it.

    ``data`` is without a signature.
    """
    told = told_about(provenance_of(aot), data).get("bounds_checks")
    return told if isinstance(told, bool) else None


def recorded_wasm(aot: Path, data: bytes) -> bytes | None:
    """Return the SHA-256 of the .wasm that an AOT file was made of, where the file beside it tells that."""
    told = told_about(provenance_of(aot), data).get("wasm_sha256")
    try:
        digest = bytes.fromhex(str(told))
    except ValueError:
        return None
    return digest if len(digest) == hashlib.sha256().digest_size else None


def provenance_of(aot: Path) -> Path:
    """Return where the JSON file is that tells what an AOT file was made of."""
    return aot.with_name(f"{aot.name}.json")


def keep(cache: Path, files: Sequence[tuple[Path, bytes]]) -> None:
    """Write files of the folder that are not there as they are wanted, in their order."""
    try:
        for target, content in files:
            write_if_other(target, content)
    except OSError as error:
        raise _not_writable(cache, error) from error


@contextmanager
def work_folder(cache: Path) -> Iterator[Path]:
    """Give a folder in ``cache`` that is gone afterwards."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".work-", dir=cache) as work:
            yield Path(work).absolute()
    except OSError as error:
        raise _not_writable(cache, error) from error


def _not_writable(cache: Path, error: OSError) -> TeeforgeError:
    return TeeforgeError(
        f"{cache} cannot be written: {error.strerror}", "free some space or the folder's rights"
    )


def _last_line(told: str) -> str:
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error")]
    return (errors or lines or ["it said nothing"])[-1].removeprefix("Error: ")


def sha256(data: bytes) -> str:
    """Return the digest of bytes in hex."""
    return hashlib.sha256(data).hexdigest()
