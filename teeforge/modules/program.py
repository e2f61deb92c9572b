"""From a .c, .wasm or .aot file to an AOT module that the runtime TA loads."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from teeforge.base.digest import digest_file
from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.base.process import clean_environment, missing_program, shell_line
from teeforge.building.toolchain import WasmCompiler
from teeforge.modules.aot import AotModule, check_loadable
from teeforge.modules.wasm import read_wasm

# How wamrc is called. Without bounds checks the code relies on a guard area of 8 GiB around linear memory,
# which a TA does not have. Newer LLVMs write the table index of call_indirect as an over-long LEB, which is
# read with reference types only, and passive data segments, which are kept with bulk memory only.
WAMRC_FLAGS = ("--target=aarch64", "--bounds-checks=1", "--enable-ref-types", "--enable-bulk-memory")

# How C is compiled. A stack of 32 KiB is enough for printf of a float and keeps hello within one page of
# linear memory. __heap_base and __data_end tell wamrc where that stack is, so that an overflow traps by
# name instead of running into the program's data. Instructions newer than the first version of
# WebAssembly are left out: this WAMR does not know them all.
C_FLAGS = ("-O2", "-Wall", "-mcpu=mvp")
# Linked by a call of its own, without -O: with it clang runs any wasm-opt that it finds in PATH, and the
# program would be other bits on a machine that has one.
LINK_FLAGS = (
    "-s",
    "-Wl,-z,stack-size=32768",
    "-Wl,--export=__heap_base",
    "-Wl,--export=__data_end",
)

_OTHERS = {
    ".wat": "wat2wasm (package wabt) makes a .wasm of it",
    ".cpp": "compile it to a .wasm first, for example with a wasi-sdk",
    ".cc": "compile it to a .wasm first, for example with a wasi-sdk",
    ".rs": "compile it to a .wasm first: rustc --target wasm32-wasip1",
    ".ts": "compile it to a .wasm first: asc with @assemblyscript/wasi-shim",
    ".o": "an object file is not linked yet; give the .wasm that the linker makes",
}


class CompilerDiedError(TeeforgeError):
    """wamrc did not refuse a module, it was ended by a signal."""


@dataclass(frozen=True)
class Program:
    """A program ready to run: ``sha256`` is of the AOT file, as the TA measures it.

    ``provenance`` is a JSON file that tells what it was made of; for an .aot from elsewhere there is none.
    ``module`` is what the AOT file says about itself, ``notes`` are the warnings of the C compiler,
    ``headers`` the files that a .c includes, but for the C library's.
    """

    aot: Path
    wasm: Path | None
    sha256: str
    provenance: Path | None
    module: AotModule
    notes: str = ""
    headers: tuple[Path, ...] = ()


def build_program(
    path: Path,
    *,
    wamrc: Path,
    cache: Path,
    cc: WasmCompiler | None,
    c_flags: Sequence[str] = (),
) -> Program:
    """Return the AOT module of ``path``: compiled as far as it still must be, and checked.

    What is made goes to ``cache`` under a name that follows from its contents, so that the same input is
    compiled once. ``cc`` is needed for .c only, and ``c_flags`` come after our own. Raises TeeforgeError if
    the file cannot be read, does not compile, or would not load.
    """
    data = read_program(path)
    kind = path.suffix.lower()
    if kind == ".aot":
        module = check_loadable(data, str(path))
        beside = _provenance_of(path)
        return Program(path, None, _sha256(data), beside if _tells_about(beside, data) else None, module)
    source: dict[str, object] = {"source": path.name, "source_sha256": _sha256(data)}
    if kind == ".wasm":
        return _compile_wasm(data, str(path), wamrc, cache, source)
    if cc is None:
        raise TeeforgeError(
            f"{path}: no compiler from C to WebAssembly is installed",
            "`invoke doctor --fix` installs one",
        )
    with _work_folder(cache) as work:
        notes = _compile_c(path, work / "program.wasm", cc, c_flags)
        headers = _headers((work / "program.d").read_text(encoding="utf-8", errors="surrogateescape"))
        data = (work / "program.wasm").read_bytes()
    source |= {"compiler": cc.version_line, "compiler_flags": [*cc.argv[1:], *C_FLAGS, *LINK_FLAGS, *c_flags]}
    program = _compile_wasm(data, path.with_suffix(".wasm").name, wamrc, cache, source)
    return replace(program, notes=notes, headers=headers)


def read_program(path: Path) -> bytes:
    """Return what is in a program's file, or say why it cannot be one."""
    if path.is_dir():
        raise TeeforgeError(f"{path} is a folder", "give a .c, .wasm or .aot file")
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise TeeforgeError(f"{path}: there is no such file", _nearest(path)) from error
    except OSError as error:
        raise TeeforgeError(f"{path} cannot be read: {error.strerror}") from error
    kind = path.suffix.lower()
    if kind not in (".c", ".wasm", ".aot"):
        ending = f"{kind} files are not known" if kind else "its name has no ending"
        raise TeeforgeError(
            f"{path}: {ending}, only .c, .wasm and .aot",
            _OTHERS.get(kind, "the ending tells what the file is: rename it if it is one of these"),
        )
    if not data:
        raise TeeforgeError(f"{path}: the file is empty", f"give a {kind} file with something in it")
    return data


def _nearest(path: Path) -> str:
    """Return a hint that names a file like the one that is missing."""
    import difflib

    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in (".c", ".wasm", ".aot")]
    except OSError:
        return f"the folder {path.parent} is not there either"
    close = difflib.get_close_matches(path.name, names, 1)
    return f"did you mean {path.with_name(close[0])}?" if close else "give a .c, .wasm or .aot file"


def _compile_c(path: Path, output: Path, cc: WasmCompiler, c_flags: Sequence[str]) -> str:
    """Compile a C file to a WASI module and return the warnings."""
    # A name that begins with "-" would be taken for an option. The prefix map keeps __FILE__, and so the
    # program's digest, the same wherever the file lies.
    name = f"./{path}" if str(path).startswith("-") else str(path)
    flags = [*C_FLAGS, f"-ffile-prefix-map={Path(name).parent}/=", *c_flags]
    compiled = output.with_suffix(".o")
    tell_headers: list[str | Path] = ["-MMD", "-MF", output.with_suffix(".d")]
    argv: list[str | Path] = [*cc.argv, *flags, *tell_headers, "-c", "-o", compiled, name]
    status, told = _run(argv, output.parent)
    if status == 0:
        argv = [*cc.argv, *LINK_FLAGS, "-o", output, compiled, "-lm"]
        status, linked = _run(argv, output.parent)
        told += linked
    if status != 0 or not output.exists():
        if status < 0:
            raise TeeforgeError(f"{path}: {cc.path.name} was ended by {_signal(status)}", shell_line(argv))
        errors = len(re.findall(r"error: (?!linker command)", told))
        found = f"{errors} error{'s' if errors != 1 else ''}" if errors else f"exit status {status}"
        raise TeeforgeError(f"{told.rstrip()}\n{path} does not compile: {found} ({cc.version_line})".lstrip())
    return told


def _headers(rule: str) -> tuple[Path, ...]:
    """Return the files that a compiler names in a make rule after the source itself."""
    words = re.findall(r"(?:\\.|\$\$|[^\s\\])+", rule.replace("\\\n", " ").partition(": ")[2])
    names = [re.sub(r"\\(.)", r"\1", word).replace("$$", "$") for word in words]
    return tuple(Path(name).absolute() for name in names[1:])


def _compile_wasm(
    data: bytes,
    name: str,
    wamrc: Path,
    cache: Path,
    source: Mapping[str, object],
) -> Program:
    """Compile a module to AOT, or take it from the cache."""
    read_wasm(data, name)
    try:
        compiler = _digest_of_compiler(wamrc, wamrc.stat().st_mtime_ns)
    except OSError as error:
        raise TeeforgeError(f"wamrc is not there: {wamrc}", "`invoke build wamrc` makes it") from error
    digest = _sha256(data)
    key = _sha256("\n".join([compiler, *WAMRC_FLAGS, digest]).encode())
    aot, wasm = cache / f"{key}.aot", cache / f"{digest}.wasm"
    provenance = _provenance_of(aot)
    ready = _cached(aot, provenance)
    if ready is None:
        with _work_folder(cache) as work:
            ready = _run_wamrc(data, name, wamrc, work)
    made = {
        **source,
        "wasm_sha256": digest,
        "aot_sha256": _sha256(ready),
        "wamrc_sha256": compiler,
        "wamrc_flags": list(WAMRC_FLAGS),
        "bounds_checks": True,
    }
    # The provenance goes last and names the digest of the AOT: without it, the rest does not count.
    told = json.dumps(made, indent=2).encode() + b"\n"
    try:
        for target, content in ((wasm, data), (aot, ready), (provenance, told)):
            if not target.exists() or target.read_bytes() != content:
                write_atomically(target, content)
    except OSError as error:
        raise _not_writable(cache, error) from error
    return Program(aot, wasm, _sha256(ready), provenance, check_loadable(ready, str(aot)))


@functools.lru_cache(maxsize=1)
def _digest_of_compiler(wamrc: Path, _: int) -> str:
    """Return wamrc's digest, which takes a while, once for each version of it."""
    return digest_file(wamrc)


def _run_wamrc(data: bytes, name: str, wamrc: Path, work: Path) -> bytes:
    """Return the AOT file that wamrc makes of a module.

    wamrc ends with status 0 even when it fails: only a valid output is a success.
    """
    # wamrc gets plain names: it prints what it is given, and the module may be called anything.
    (work / "in.wasm").write_bytes(data)
    argv: list[str | Path] = [wamrc, *WAMRC_FLAGS, "-o", work / "out.aot", work / "in.wasm"]
    status, told = _run(argv, work)
    if status < 0:
        raise CompilerDiedError(
            f"{name}: wamrc was ended by {_signal(status)}",
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


def _run(argv: Sequence[str | Path], cwd: Path) -> tuple[int, str]:
    """Run a compiler and return its status (negative: the signal) and all that it said."""
    try:
        done = subprocess.run(
            [str(word) for word in argv],
            env=clean_environment({"TMPDIR": str(cwd)}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except FileNotFoundError as error:
        raise missing_program(str(argv[0])) from error
    except OSError as error:
        raise TeeforgeError(f"{argv[0]} does not run: {error.strerror}") from error
    return done.returncode, done.stdout.decode(errors="replace")


def _cached(aot: Path, provenance: Path) -> bytes | None:
    """Return an earlier result if it is whole and unchanged."""
    try:
        data = aot.read_bytes()
    except OSError:
        return None
    return data if _tells_about(provenance, data) else None


def _tells_about(provenance: Path, data: bytes) -> bool:
    """Tell whether a provenance file is about this very AOT file."""
    try:
        told = json.loads(provenance.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("aot_sha256") == _sha256(data)


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
    """Return what the file beside an AOT file says of bounds checks; None if it does not tell about it."""
    provenance = _provenance_of(aot)
    if not _tells_about(provenance, data):
        return None
    told = json.loads(provenance.read_text(encoding="utf-8")).get("bounds_checks")
    return told if isinstance(told, bool) else None


def _provenance_of(aot: Path) -> Path:
    return aot.with_name(f"{aot.name}.json")


def _not_writable(cache: Path, error: OSError) -> TeeforgeError:
    return TeeforgeError(
        f"{cache} cannot be written: {error.strerror}", "free some space or the folder's rights"
    )


def _signal(status: int) -> str:
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _last_line(told: str) -> str:
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error")]
    return (errors or lines or ["it said nothing"])[-1].removeprefix("Error: ")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
