"""The programs whose code is measured: PolyBench's kernels, CoreMark, Lua and SQLite, for AOT and for gcc."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.base.process import run
from teeforge.compiling.clang import run_compiler
from teeforge.compiling.sources import Sources

if TYPE_CHECKING:
    from teeforge.lab import Lab

# By what PolyBench calls its data sets: how often a kernel runs at least; one of the shorter laps
# counts (in the first one QEMU's TLB may be too small).
DATASETS = {"mini": 2, "small": 2, "medium": 3}
# The other programs, which are components of their names, and how much they do in each data set: CoreMark's
# iterations, Lua's rounds, SQLite's rows.
AMOUNTS = {
    "coremark": {"mini": 1, "small": 20, "medium": 200},
    "lua": {"mini": 1, "small": 20, "medium": 100},
    "sqlite": {"mini": 500, "small": 10_000, "medium": 50_000},
}
NATIVE_FLAGS = ("-O3", "-static", "-s", "-w", "-Wl,--build-id=none")
# WebAssembly rounds a product before it is added to something; gcc does not, unless it is told to.
EXACT = ("-ffp-contract=off",)
_COREMARK_SOURCES = ("list_join", "main", "matrix", "state", "util")
# The core, and the libraries that want no more of an operating system than WASI is.
_LUA_SOURCES = (
    *(
        "api",
        "auxlib",
        "baselib",
        "code",
        "ctype",
        "debug",
        "do",
        "dump",
        "func",
        "gc",
        "lex",
        "mathlib",
        "mem",
    ),
    *(
        "object",
        "opcodes",
        "parser",
        "state",
        "string",
        "strlib",
        "table",
        "tablib",
        "tm",
        "undump",
        "vm",
        "zio",
    ),
)
# Errors in Lua end the program that is measured, which has none: WASI's C library has no longjmp. Its hashes
# are the same each time, and so is what it sorts by.
_LUA_FLAGS = (
    *("-DLUAI_THROW(L,c)=abort()", "-DLUAI_TRY(L,c,a)={a}", "-Dluai_jmpbuf=int"),
    *("-Dluai_makeseed(L)=0", "-Dl_randomizePivot()=0", "-D_WASI_EMULATED_SIGNAL"),
)
_SQLITE_FLAGS = (
    *("-DNDEBUG", "-DSQLITE_OS_OTHER=1", "-DSQLITE_THREADSAFE=0", "-DSQLITE_TEMP_STORE=3"),
    *("-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OMIT_WAL", "-DSQLITE_DEFAULT_MEMSTATUS=0"),
)


@dataclass(frozen=True)
class Kernel:
    """A program in C: its files, what the compilers are told of it, and the arguments to run it with."""

    name: str
    files: tuple[Path, ...]
    flags: tuple[str, ...]
    arguments: tuple[str, ...] = ()

    def sources(self) -> Sources:
        """Return it as what `invoke run` compiles."""
        # What upstream's code makes compilers warn of is nothing that its user can do something about.
        return Sources(self.files[0], self.files, (*self.flags, "-w"))


def kernels(lab: Lab, dataset: str, only: Sequence[str] = ()) -> list[Kernel]:
    """Return all kernels, or ``only`` those, in the order of their names; the larger programs last.

    Raises TeeforgeError for a data set or a kernel that there is not.
    """
    if dataset not in DATASETS:
        raise TeeforgeError(f"--dataset {dataset}: there is none", f"data sets: {', '.join(DATASETS)}")
    programs = [name for name in AMOUNTS if not only or name in only]
    # Whoever asks for a program by its name need not fetch the kernels.
    polybench = ["polybench"] if not only or set(only) - set(programs) else []
    built = lab.builder.build(["bench", *polybench, *programs])
    code = built["bench"].product("code")
    found = _polybench(built["polybench"].product("root"), code, dataset) if polybench else []
    found += [
        _PROGRAMS[name](built[name].product("root"), code, str(AMOUNTS[name][dataset])) for name in programs
    ]
    known = [kernel.name for kernel in found]
    if unknown := [name for name in only if name not in known]:
        raise TeeforgeError(
            f"--kernels: there is no {unknown[0]}",
            f"kernels: {', '.join({**dict.fromkeys(known), **AMOUNTS})}",
        )
    return [kernel for kernel in found if not only or kernel.name in only]


def _polybench(root: Path, code: Path, dataset: str) -> list[Kernel]:
    ours = (code / "polybench.c", code / "lap.c")
    flags = (
        *("-DPOLYBENCH_TIME", "-DPOLYBENCH_NO_FLUSH_CACHE", f"-D{dataset.upper()}_DATASET"),
        *("-Dmain=kernel_main", f"-I{root / 'utilities'}", f"-I{code}"),
    )
    listed = (root / "utilities/benchmark_list").read_text(encoding="utf-8").split()
    files = sorted((root / name for name in listed), key=lambda file: file.stem)
    return [Kernel(file.stem, (file, *ours), flags, (str(DATASETS[dataset]),)) for file in files]


def _coremark(root: Path, code: Path, iterations: str) -> Kernel:
    files = (*(root / f"core_{part}.c" for part in _COREMARK_SOURCES), code / "coremark.c", code / "lap.c")
    flags = ("-DPERFORMANCE_RUN=1", '-DFLAGS_STR=""', f"-I{root}", f"-I{root / 'posix'}", f"-I{code}")
    # The three seeds of a performance run.
    return Kernel("coremark", files, flags, ("0x0", "0x0", "0x66", iterations))


def _lua(root: Path, code: Path, rounds: str) -> Kernel:
    files = (code / "lua.c", *(root / f"l{part}.c" for part in _LUA_SOURCES), code / "lap.c")
    return Kernel("lua", files, (*_LUA_FLAGS, f"-I{code / 'lua'}", f"-I{root}", f"-I{code}"), (rounds,))


def _sqlite(root: Path, code: Path, rows: str) -> Kernel:
    files = (code / "sqlite.c", code / "lap.c")
    return Kernel("sqlite", files, (*_SQLITE_FLAGS, f"-I{root}", f"-I{code}"), (rows,))


_PROGRAMS: Mapping[str, Callable[[Path, Path, str], Kernel]] = {
    "coremark": _coremark,
    "lua": _lua,
    "sqlite": _sqlite,
}


def native_programs(lab: Lab, wanted: Sequence[Kernel], flags: Sequence[str] = ()) -> list[Path]:
    """Return each kernel compiled for the bare machine, a static program of gcc -O3; kept in the cache.

    ``flags`` are further ones, for instance EXACT.
    """
    lab.builder.toolchain()
    gcc = f"{lab.config.toolchain.cross}gcc"
    cache, version = lab.workspace.cache / "native", run([gcc, "--version"])
    cache.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(lab.config.job_count) as pool:
        return list(
            pool.map(lambda kernel: _native(kernel, [gcc, *NATIVE_FLAGS, *flags], version, cache), wanted)
        )


def _native(kernel: Kernel, gcc: Sequence[str], version: str, cache: Path) -> Path:
    argv = [*gcc, *kernel.flags, *map(str, kernel.files), "-lm"]
    program = cache / hashlib.sha256("\n".join([version, *argv]).encode()).hexdigest()
    if not program.exists():
        made = cache / f".{program.name}.{os.getpid()}"
        status, told = run_compiler([*argv, "-o", made], cache)
        if status != 0:
            raise TeeforgeError(f"{kernel.name} does not compile with {gcc[0]}:\n{told.rstrip()}")
        write_atomically(program, made.read_bytes(), 0o755)
        made.unlink()
    return program
