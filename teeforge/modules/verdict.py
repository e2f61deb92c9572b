"""Whether a module will run in the TA, on which heap; and if not, why, and what to type instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from teeforge.base.errors import TeeforgeError
from teeforge.base.reader import printable
from teeforge.modules import wasi
from teeforge.modules.aot import COMPILE_AGAIN_OR_BY_HAND, AotModule, loader_problems
from teeforge.modules.aotbody import AotContents
from teeforge.modules.heap import heap_auto, heap_needed
from teeforge.modules.simd import simd_problem
from teeforge.modules.wasm import PAGE_SIZE, FuncType, WasmModule
from teeforge.settings.memory import BLOCK, LARGEST, OWN

_NAMED = 8  # imports of one kind that a message names
_EMCC = "-sSTANDALONE_WASM -sINITIAL_MEMORY=131072 -sSTACK_SIZE=32768"
_EMCC_HINT = f"link it with `emcc {_EMCC}` (emcc before 3.1.25: -sTOTAL_STACK instead of -sSTACK_SIZE)"
_LONGJMP_HINT = f"{_EMCC_HINT}, and do without them"
_ASC_HINT = "build it with @assemblyscript/wasi-shim"
_RUST_HINT = "build it for wasm32-wasip1, without wasm-bindgen"
# Who writes such imports, and what to do: (module, beginning of the name, words, hint).
_KNOWN_IMPORTS = (
    ("env", "abort", "AssemblyScript without WASI", _ASC_HINT),
    ("env", "seed", "AssemblyScript without WASI", _ASC_HINT),
    ("env", "console.", "AssemblyScript without WASI", _ASC_HINT),
    ("env", "emscripten_", "what emcc writes for JavaScript", _EMCC_HINT),
    ("env", "_emscripten_throw_longjmp", "what emcc writes for longjmp or exceptions", _LONGJMP_HINT),
    ("env", "_emscripten_", "what emcc writes for JavaScript", _EMCC_HINT),
    ("env", "__syscall_", "what emcc writes for JavaScript", _EMCC_HINT),
    ("env", "invoke_", "what emcc writes for longjmp or exceptions", _LONGJMP_HINT),
    ("env", "__cxa_", "C++ exceptions", "compile it with -fno-exceptions"),
    ("a", "", "what emcc writes for JavaScript, with names made short", _EMCC_HINT),
    ("wbg", "", "what wasm-bindgen writes for JavaScript", _RUST_HINT),
    ("__wbindgen_placeholder__", "", "wasm-bindgen", _RUST_HINT),
    ("gojs", "", "what Go writes for JavaScript", "build it with GOOS=wasip1 GOARCH=wasm"),
    ("go", "", "what Go writes for JavaScript", "build it with GOOS=wasip1 GOARCH=wasm"),
    ("wasi", "", "threads or another proposal of WASI", "build it for WASI preview 1 without threads"),
    ("wasi:", "", "a part of a component", "build it for WASI preview 1 (target wasm32-wasip1)"),
    ("wasi_", "", "no part of WASI preview 1", "build it for WASI preview 1 (target wasm32-wasip1)"),
)
_WITHOUT_EMCC = "emcc has that for JavaScript alone: compile it with `invoke run FILE.c`, or with a wasi-sdk"
# For a program that was built for WASI as it is: what stands in place of that advice.
_ON_ALREADY = {
    _EMCC_HINT: _WITHOUT_EMCC,
    _LONGJMP_HINT: "do without longjmp and exceptions: -sSUPPORT_LONGJMP=0 -fno-exceptions",
    _ASC_HINT: "have asc take its abort and seed from the shim: --use abort=wasi_abort",
    _RUST_HINT: "do without what uses wasm-bindgen: it speaks to JavaScript",
}
_SMALL_STACK = 64 << 10
_LESS_MEMORY = "clang -Wl,-z,stack-size=65536; emcc -sINITIAL_MEMORY=131072"
_SMALLER = "make it smaller: less code (-Os), tables and data"
_UNDEFINED = "no library that it was linked with has it: link one that does, or define it"
# Bytes of AOT code for each of a .wasm's: 1.2 to 2.7 were seen.
_LEAST_CODE = 1.2
_SHRINKERS = {"__heap_base", "__data_end"}


class Room(Protocol):
    """What the TA can have at most; plan.py computes it."""

    @property
    def largest_file(self) -> int:
        """Return the size of the largest AOT file, in bytes."""
        ...

    def largest_heap(self, file_bytes: int, code_bytes: int, stack: int = 0) -> int:
        """Return the largest pool beside an AOT file, its code and a stack of its own, in bytes."""
        ...


@dataclass(frozen=True)
class Verdict:
    """``problems`` keep the module from running, each with its hint; ``warnings`` do not.

    ``needed``, ``heap`` and ``largest`` are pools in bytes: to start with, of `--heap auto`, and the most
    that the TA can have. None where the file does not tell, as a .wasm before it is compiled.
    """

    problems: tuple[TeeforgeError, ...]
    warnings: tuple[str, ...]
    needed: int | None = None
    heap: int | None = None
    largest: int | None = None

    @property
    def runs(self) -> bool:
        """Whether nothing keeps the module from running."""
        return not self.problems

    def enforce(self) -> None:
        """Raise TeeforgeError with all the problems, if there are any."""
        if self.problems:
            *before, last = self.problems
            told = [f"{problem.message}\n    {problem.hint}" for problem in before]
            raise TeeforgeError("\n".join([*told, last.message]), last.hint)


def judge_wasm(
    module: WasmModule, name: str, room: Room | None = None, data: bytes = b"", *, library: bool = False
) -> Verdict:
    """Judge a .wasm before it is compiled; how much heap it needs is known afterwards.

    With ``data``, the file, its code is looked at as well, which takes a second for each megabyte. What a
    ``library`` exports is called by name, so it needs no _start.
    """
    functions = [(i.module, i.name, i.type) for i in module.imports if i.kind == "func"]
    others = [f"{i.module}.{i.name} ({i.kind})" for i in module.imports if i.kind != "func"]
    standalone = any(entry.name == "_start" for entry in module.exports)
    problems = [
        *_imports(functions, name, standalone),
        *_other_imports(others, name),
        *_features(module, name),
    ]
    if data and (problem := simd_problem(data, module, name)):
        problems.append(problem)
    exported = [entry.name for entry in module.exports if entry.kind == "func"]
    if not library and "_start" not in exported and module.start is None:
        problems.append(_no_start(name, exported))
    warnings = []
    largest = room.largest_heap(0, 0) if room else None
    problem = _least_is_too_much(module, name, room) if room else None
    if problem:
        # wamrc makes the memory of such a module as small as its data and stack are.
        if {entry.name for entry in module.exports} >= _SHRINKERS:
            warnings.append(f"{problem.message}, unless wamrc makes it smaller")
        else:
            problems.append(problem)
    if room and (warning := hardly_fits(module, name, room)):
        warnings.append(warning)
    return Verdict(tuple(problems), tuple(warnings), largest=largest)


def _least_is_too_much(module: WasmModule, name: str, room: Room) -> TeeforgeError | None:
    """Return the problem if what a .wasm needs at least is too much; its data is in its AOT file as well."""
    memory, data, most = module.memory_bytes, module.data_bytes, room.largest_heap(0, 0)
    if memory > most:
        return _too_much(name, memory, most, most)
    largest = room.largest_heap(data, 0)
    if memory + data <= largest:
        return None
    return TeeforgeError(
        f"{name}: to start it needs a heap of more than {memory + data} bytes ({memory} of it linear "
        f"memory), and beside a file with its data, {data} bytes, the TA can have {largest or 'none'}",
        "; or ".join([_SMALLER, *_larger_ram(most)]),
    )


def hardly_fits(module: WasmModule, name: str, room: Room) -> str:
    """Return a warning if the code that wamrc makes of a .wasm has most likely no room; else nothing."""
    wasm = sum(section.size for section in module.sections if section.name == "code")
    code = int(wasm * _LEAST_CODE)
    if module.memory_bytes + module.data_bytes <= room.largest_heap(code + module.data_bytes, code):
        return ""
    return (
        f"{name}: wamrc makes {code} bytes or more of its code of {wasm}, for which the TEE has hardly room "
        "beside the rest: it may be compiled for nothing"
    )


def judge_aot(
    module: AotModule,
    name: str,
    *,
    bounds_checks: bool | None,
    file_bytes: int,
    room: Room | None = None,
    stack: int = 0,
) -> Verdict:
    """Judge an AOT file.

    ``bounds_checks`` is what is recorded of how it was compiled, None if nothing is: then the code is
    looked at, which shows their absence where there is enough of it. ``file_bytes`` is the size of the
    file, of which the TA keeps a copy; ``stack`` what the program has instead of the TA's own, 0 for that.
    """
    problems = list(loader_problems(module, name))
    warnings = []
    if bounds_checks is None and module.contents is not None and module.contents.looks_unchecked:
        bounds_checks = False
    if bounds_checks is None:
        warnings.append(
            f"{name}: no .aot.json beside it tells how it was compiled: without --bounds-checks=1 a bad "
            "pointer of the program would overwrite the TA"
        )
    elif not bounds_checks:
        problems.append(
            TeeforgeError(
                f"{name}: it was compiled without bounds checks: a bad pointer would overwrite the TA",
                COMPILE_AGAIN_OR_BY_HAND,
            )
        )
    contents = module.contents
    if contents is None:
        return Verdict(tuple(problems), tuple(warnings))
    standalone = any(entry.name == "_start" for entry in contents.exports)
    problems += _imports([(i.module, i.name, i.type) for i in contents.imports], name, standalone)
    problems += _other_imports([f"{entry} (global)" for entry in contents.imported_globals], name)
    exported = [entry.name for entry in contents.exports if entry.kind == "func"]
    if "_start" not in exported and not contents.has_start_section:
        problems.append(_no_start(name, exported))
    needed = heap_needed(module)
    largest = room.largest_heap(file_bytes, contents.code_pages, stack) if room else None
    if room and file_bytes > room.largest_file:
        problems.append(_too_large_a_file(name, file_bytes, room))
    elif room and largest is not None and needed > largest:
        problems.append(_no_room(contents, name, needed, file_bytes, largest, room.largest_heap(0, 0)))
    return Verdict(tuple(problems), tuple(warnings), needed, heap_auto(module, largest), largest)


def _imports(
    functions: Sequence[tuple[str, str, FuncType | None]], name: str, standalone: bool
) -> Iterator[TeeforgeError]:
    """Yield one problem for each kind of import that the TA does not offer.

    ``standalone``: it has a _start, so that what makes programs of WASI was on when it was built.
    """
    wasi_too = any(module in wasi.MODULES for module, _, _ in functions)
    missing: dict[tuple[str, str], list[str]] = {}
    for module, function, kind in functions:
        if wasi.offers(module, function, kind):
            continue
        if wasi.offers(module, function, None):
            assert kind is not None
            wanted, has = wasi.signature(kind), wasi.SIGNATURES[function]
            key = (f"as {wanted} instead of {has}", "build it with the libc of WASI preview 1")
        else:
            key = _known(module, function, standalone and wasi_too)
        missing.setdefault(key, []).append(printable(f"{module}.{function}"))
    for (words, hint), names in missing.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        told = ", ".join(names[:_NAMED]) + more
        yield TeeforgeError(f"{name}: it imports {told}, which the TA does not offer: {words}", hint)


def _known(module: str, function: str, built_for_wasi: bool) -> tuple[str, str]:
    for owner, prefix, words, hint in _KNOWN_IMPORTS:
        same = module.startswith(owner) if owner.endswith((":", "_")) else module == owner
        if same and function.startswith(prefix):
            # Advice that was taken already is none.
            return words, _ON_ALREADY.get(hint, hint) if built_for_wasi else hint
    return "it has WASI preview 1", _UNDEFINED


def _other_imports(imports: Sequence[str], name: str) -> Iterator[TeeforgeError]:
    if imports:
        told = ", ".join(printable(text) for text in imports[:_NAMED])
        yield TeeforgeError(
            f"{name}: it imports {told}, and the TA offers functions only",
            "link it as a program of its own: no --import-memory, no --import-table, not as a side module",
        )


def _features(module: WasmModule, name: str) -> Iterator[TeeforgeError]:
    """Yield what the module's own structure needs and this WAMR has not."""
    memories = [*module.memories, *(i.limits for i in module.imports if i.limits is not None)]
    found = {
        "shared memory (threads)": (any(m.shared for m in memories), "compile it without -pthread"),
        "a 64-bit memory": (any(m.index64 for m in memories), "compile it for wasm32"),
        "several memories": (len(memories) > 1, "link it with one memory"),
        "exceptions": ("exception-handling" in module.features, "compile it with -fno-exceptions"),
    }
    for words, (there, hint) in found.items():
        if there:
            yield TeeforgeError(f"{name}: it uses {words}, which this WAMR does not have", hint)


def _no_start(name: str, names: Sequence[str]) -> TeeforgeError:
    told = f" (it exports {', '.join(printable(text) for text in names[:_NAMED])})" if names else ""
    return TeeforgeError(
        f"{name}: it exports no function _start, so there is nothing to run{told}",
        "link it as a command, with a main(): no -nostartfiles, no -mexec-model=reactor, no --no-entry",
    )


def _no_room(
    contents: AotContents, name: str, needed: int, file_bytes: int, largest: int, most: int
) -> TeeforgeError:
    """Say for what a module does not fit: its linear memory, or its code, tables and data.

    ``largest`` is the heap that it can have, ``most`` that of a small one.
    """
    memory, code = contents.memory_bytes, contents.code_pages
    if memory > file_bytes + code + contents.runtime_bytes:
        return _too_much(name, memory, largest, most, contents.aux_stack_size)
    return TeeforgeError(
        f"{name}: to start it needs a heap of {needed} bytes ({memory} of it linear memory), and beside its "
        f"file of {file_bytes} bytes and its code of {code} the TA can have {largest or 'none'}",
        "; or ".join([_SMALLER, *_larger_ram(most)]),
    )


def _too_large_a_file(name: str, file_bytes: int, room: Room) -> TeeforgeError:
    return TeeforgeError(
        f"{name}: its AOT file has {file_bytes} bytes, and the core can take {room.largest_file} at most",
        "; or ".join([_SMALLER, *_larger_ram(room.largest_heap(0, 0))]),
    )


def _larger_ram(most: int) -> list[str]:
    """Return the advice of a larger secure memory, if the heap of a small module says that there is one."""
    if most >= LARGEST - OWN - BLOCK:
        return []
    return ["set a larger `secure_ram` in config.yaml (`invoke plan`)"]


def _too_much(name: str, memory: int, largest: int, most: int, stack: int = 0) -> TeeforgeError:
    """``stack`` is the part of the memory that is the program's stack, 0 if that is not known."""
    advice = [f"link it with less: {_LESS_MEMORY}"]
    if 0 < stack <= _SMALL_STACK:
        advice = ["make its data smaller: its stack takes little of it"]
    return TeeforgeError(
        f"{name}: its linear memory is {memory} bytes ({memory // PAGE_SIZE} pages) at the start, "
        f"the TA can have a heap of {largest}",
        "; or ".join([*advice, *_larger_ram(most)]),
    )
