"""clang for WASI: C and C++ sources to one .wasm, and words for what keeps them from becoming one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.process import clean_environment, missing_program, shell_line
from teeforge.building.toolchain import WasmCompiler
from teeforge.compiling.advice import advice
from teeforge.compiling.sources import COMPILED, CXX_ENDINGS, Sources

# How C is compiled. A stack of 32 KiB is enough for printf of a float and keeps hello within one page of
# linear memory. __heap_base and __data_end tell wamrc where that stack is, so that an overflow traps by
# name instead of running into the program's data. Instructions newer than the first version of
# WebAssembly are left out: this WAMR does not know them all. A loop that clang unrolls is none that wamrc
# vectorises, and wamrc unrolls by itself.
C_FLAGS = ("-O2", "-Wall", "-mcpu=mvp", "-fno-unroll-loops")
# WebAssembly's exceptions are newer, too.
CXX_FLAGS = ("-fno-exceptions",)
# Linked by a call of its own, without -O: with it clang runs any wasm-opt that it finds in PATH, and the
# program would be other bits on a machine that has one.
LINK_FLAGS = (
    "-s",
    "-Wl,-z,stack-size=32768",
    "-Wl,--export=__heap_base",
    "-Wl,--export=__data_end",
)
_LINK_CXX = ("-lc++", "-lc++abi")
# Debian's compiler-rt was made with the stack protector, and wasi-libc has nothing of it: some of its parts,
# as those for __int128, would not link.
_STACK_PROTECTOR = """void *__stack_chk_guard = (void *)0x52bf10ad;
void __stack_chk_fail(void) { __builtin_trap(); }
"""


@dataclass(frozen=True)
class Compiled:
    """A module, what the compiler said on the way, and the headers that were read but for the C library's."""

    wasm: bytes
    notes: str
    headers: tuple[Path, ...]


def flags_of(sources: Sources, cc: WasmCompiler) -> list[str]:
    """Return the flags that decide the module, for its provenance."""
    cxx = [*CXX_FLAGS, *_LINK_CXX] if sources.cxx else []
    return [*cc.argv[1:], *C_FLAGS, *LINK_FLAGS, *cxx, *sources.c_flags, *sources.ld_flags]


def compile_sources(sources: Sources, work: Path, cc: WasmCompiler, jobs: int) -> Compiled:
    """Compile and link a program in the folder ``work``, with at most ``jobs`` compilers at once.

    Raises TeeforgeError with what clang says.
    """
    maker = _Maker(sources, work, cc)
    with ThreadPoolExecutor(jobs) as pool:
        objects = list(pool.map(maker.compile, range(len(sources.files))))
    maker.check()
    maker.link(objects)
    maker.check()
    headers = tuple(dict.fromkeys(path for rule in maker.rules for path in maker.headers(rule)))
    return Compiled((work / "program.wasm").read_bytes(), "".join(maker.told), headers)


class _Maker:
    """The compilers that run for one program, and what they said, in the order of the sources."""

    def __init__(self, sources: Sources, work: Path, cc: WasmCompiler) -> None:
        self._sources = sources
        self._work = work
        self._cc = cc
        # One for each source, and one for the linker.
        self.told = [""] * (len(sources.files) + 1)
        self.rules: list[Path] = []
        self._failed: tuple[int, Sequence[str | Path]] | None = None

    def compile(self, number: int) -> Path:
        """Make an object file of a source; give what there is to link of it."""
        path = self._sources.files[number]
        kind = path.suffix.lower()
        if kind not in COMPILED:
            return path.absolute()
        cxx = [*self._cc.cxx, *CXX_FLAGS] if kind in CXX_ENDINGS else []
        name = self._name(path)
        # The prefix map keeps __FILE__, and so the program's digest, the same wherever the file lies.
        flags = [*cxx, *C_FLAGS, f"-ffile-prefix-map={Path(name).parent}/=", *self._sources.c_flags]
        compiled, rule = self._work / f"{number}.o", self._work / f"{number}.d"
        self.rules.append(rule)
        self._run([*self._cc.argv, *flags, "-MMD", "-MF", rule, "-c", "-o", compiled, name], number)
        return compiled

    def link(self, objects: Sequence[Path]) -> None:
        """Make a module of object files."""
        number, output = len(self.told) - 1, self._work / "program.wasm"
        cxx = [*self._cc.link_cxx, *_LINK_CXX] if self._sources.cxx else []
        argv: list[str | Path] = [
            *self._cc.argv,
            *LINK_FLAGS,
            "-o",
            output,
            *objects,
            *self._sources.ld_flags,
            *cxx,
            "-lm",
        ]
        self._run(argv, number)
        if self._failed and "undefined symbol: __stack_chk_" in self.told[number]:
            self._failed, self.told[number] = None, ""
            self._run([*argv, self._stack_protector()], number)
        if not self._failed and not output.exists():
            self._failed = (0, argv)

    def check(self) -> None:
        """Raise TeeforgeError if a compiler failed."""
        if self._failed is None:
            return
        status, argv = self._failed
        file, version = self._sources.file, self._cc.version_line
        if status < 0:
            ended = f"{file}: {self._cc.path.name} was ended by {signal_name(status)}"
            raise TeeforgeError(ended, shell_line(argv))
        told = "".join(self.told)
        errors = len(re.findall(r"error: (?!linker command)", told))
        found = f"{errors} error{'s' if errors != 1 else ''}" if errors else f"exit status {status}"
        message = f"{told.rstrip()}\n{file} does not compile: {found} ({version})".lstrip()
        raise TeeforgeError(message, advice(told, self._sources))

    def headers(self, rule: Path) -> list[Path]:
        """Return the files that a compiler names in a make rule after the source itself."""
        folder = self._sources.folder or Path()
        names = rule_names(rule.read_text(encoding="utf-8", errors="surrogateescape"))
        return [(folder / name).absolute() for name in names]

    def _name(self, path: Path) -> str:
        """Return a source's name for the compiler."""
        name = os.path.relpath(path, self._sources.folder) if self._sources.folder else str(path)
        # One that begins with "-" would be taken for an option.
        return f"./{name}" if name.startswith("-") else name

    def _stack_protector(self) -> Path:
        source, compiled = self._work / "stack.c", self._work / "stack.o"
        source.write_text(_STACK_PROTECTOR)
        self._run([*self._cc.argv, *C_FLAGS, "-c", "-o", compiled, source], len(self.told) - 1)
        return compiled

    def _run(self, argv: Sequence[str | Path], number: int) -> None:
        status, told = run_compiler(argv, self._work, self._sources.folder)
        self.told[number] += told
        if status != 0 and (self._failed is None or status < 0):
            self._failed = (status, argv)


def rule_names(rule: str) -> list[str]:
    """Return what a make rule names after its first prerequisite."""
    words = re.findall(r"(?:\\.|\$\$|[^\s\\])+", rule.replace("\\\n", " ").partition(": ")[2])
    return [re.sub(r"\\(.)", r"\1", word).replace("$$", "$") for word in words][1:]


def run_compiler(argv: Sequence[str | Path], work: Path, folder: Path | None = None) -> tuple[int, str]:
    """Run a compiler, its own files in ``work``; return its status (negative: a signal) and what it said."""
    try:
        done = subprocess.run(
            [str(word) for word in argv],
            cwd=folder,
            env=clean_environment({"TMPDIR": str(work)}),
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


def signal_name(status: int) -> str:
    """Return the name of the signal that a negative status stands for."""
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
