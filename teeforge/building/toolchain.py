"""The compilers that teeforge looks for itself: LLVM for wamrc, and C to WebAssembly."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.base.process import clean_environment, run

# Clang majors whose libclang-rt-N-dev-wasm32 Debian or Ubuntu has had, best known first.
CLANG_MAJORS = (14, 16, 15, 17, 18, 19, 20, 21, 22)
_WASI_SDK = Path("/opt/wasi-sdk")
_WASM_TARGET = "--target=wasm32-wasi"


@dataclass(frozen=True)
class Llvm:
    """An LLVM with its headers; ``cmakedir`` holds its LLVMConfig.cmake.

    ``link`` is what the linker has to be told of where its libraries lie, if not in the system's folders.
    """

    major: int
    cmakedir: Path
    version_line: str
    link: str = ""


@dataclass(frozen=True)
class WasmCompiler:
    """A C compiler for WASI: ``argv`` is what a command line begins with.

    ``cxx`` and ``link_cxx`` say where C++'s library is, if not where the compiler looks for it.
    """

    path: Path
    version_line: str
    argv: tuple[str, ...]
    cxx: tuple[str, ...] = ()
    link_cxx: tuple[str, ...] = ()

    def with_cxx(self, root: Path) -> WasmCompiler:
        """Return it with the C++ library below ``root``."""
        headers, libraries = root / "include/c++/v1", root / "lib"
        return replace(self, cxx=("-nostdinc++", f"-isystem{headers}"), link_cxx=(f"-L{libraries}",))


def find_llvm(wanted: str, accepted: Sequence[int]) -> Llvm:
    """Return the LLVM to build wamrc with.

    ``wanted`` is `auto`, a major version, or a path (a prefix, an llvm-config, or the folder of
    LLVMConfig.cmake). ``accepted`` are the majors that wamrc builds with, best first. Raises
    TeeforgeError that says what is there instead and which package to install.
    """
    if wanted != "auto" and not wanted.isdecimal():
        llvm = llvm_at(Path(wanted).expanduser())
        if llvm.major not in accepted:
            raise _wrong_llvm([llvm], accepted, f"toolchain.llvm: {wanted} is ")
        return replace(_with_aarch64(llvm), link=_libraries_beside(llvm))
    majors = accepted if wanted == "auto" else [int(wanted)]
    if wanted != "auto" and int(wanted) not in accepted:
        raise TeeforgeError(
            f"toolchain.llvm: this wamrc does not build with LLVM {wanted}, only with {_listed(accepted)}",
            "write `llvm: auto` in config.yaml",
        )
    # Mostly the best is the first, and the others need not be asked.
    first = next(_installed_llvms(majors), None)
    if first is not None and first.major == majors[0]:
        return _with_aarch64(first)
    found = list(_installed_llvms(majors))
    for major in majors:
        for llvm in found:
            if llvm.major == major:
                return _with_aarch64(llvm)
    raise _wrong_llvm(found or list(_installed_llvms(range(8, 40))), majors, "found ")


def wasm_compiler_at(clang: Path, sysroot: Path, memory: Path | None = None) -> WasmCompiler:
    """Return a clang with the WASI libc below ``sysroot``; see find_wasm_compiler() for ``memory``."""
    argv = (str(clang), f"--sysroot={sysroot}")
    return _remembering(memory, lambda remembered: _clang(clang, argv, remembered))


def find_wasm_compiler(wanted: str = "auto", memory: Path | None = None) -> WasmCompiler:
    """Return a compiler of C to WASI modules.

    ``wanted`` is `auto`, the folder of a wasi-sdk, or a clang (a path or a name in PATH). `auto` takes
    the wasi-sdk of WASI_SDK_PATH or /opt/wasi-sdk, else Debian's clang. ``memory`` is a file that keeps
    what compilers answered, which takes a tenth of a second to ask. Raises TeeforgeError that says which
    part is missing and how to install it.
    """
    return _remembering(memory, lambda remembered: _find_wasm_compiler(wanted, remembered))


def _remembering(memory: Path | None, find: Callable[[_Answers], WasmCompiler]) -> WasmCompiler:
    """Return what ``find`` finds, given what was answered before; keep what is new."""
    remembered = _remembered(memory) if memory else {}
    before = dict(remembered)
    found = find(remembered)
    if memory and remembered != before:
        write_atomically(memory, json.dumps(remembered, indent=1).encode())
    return found


# Of each compiler that was asked: its version line, and the files that were there.
_Answers = dict[str, list[str]]


def _remembered(memory: Path) -> _Answers:
    try:
        kept = json.loads(memory.read_text(encoding="utf-8"))
        return {str(key): [str(word) for word in words] for key, words in kept.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # a missing or torn memory is an empty one


def _find_wasm_compiler(wanted: str, remembered: _Answers) -> WasmCompiler:
    if wanted != "auto":
        path = Path(wanted).expanduser()
        if path.is_dir():
            return _wasi_sdk(path, f"toolchain.wasm_cc: {wanted}", remembered)
        program = shutil.which(str(path), path=clean_environment()["PATH"])
        if program is None:
            raise TeeforgeError(
                f"toolchain.wasm_cc: {wanted} is neither the folder of a wasi-sdk nor a program",
                "write `wasm_cc: auto` in config.yaml, or install it",
            )
        return _clang(Path(program), (program,), remembered)
    if sdk := os.environ.get("WASI_SDK_PATH"):
        return _wasi_sdk(Path(sdk), f"WASI_SDK_PATH={sdk}", remembered)
    if (_WASI_SDK / "bin/clang").exists():
        return _wasi_sdk(_WASI_SDK, str(_WASI_SDK), remembered)
    problem: TeeforgeError | None = None
    for name in (*(f"clang-{major}" for major in CLANG_MAJORS), "clang"):
        program = shutil.which(name, path=clean_environment()["PATH"])
        if program is None:
            continue
        try:
            return _clang(Path(program), (program,), remembered)
        except TeeforgeError as error:
            problem = problem or error
    raise problem or TeeforgeError(
        "no compiler from C to WebAssembly is installed (looked for wasi-sdk and clang)",
        _apt_line(CLANG_MAJORS[0]),
    )


def _installed_llvms(majors: Sequence[int]) -> Iterator[Llvm]:
    """Yield the LLVMs that have a llvm-config in PATH and their -dev package installed."""
    path = clean_environment()["PATH"]
    for name in (*(f"llvm-config-{major}" for major in majors), "llvm-config"):
        program = shutil.which(name, path=path)
        if program is not None:
            try:
                yield llvm_at(Path(program))
            except TeeforgeError:
                continue  # the -dev package is missing, so there is nothing to build with


def llvm_at(path: Path) -> Llvm:
    """Return the LLVM of a prefix, of an llvm-config or of a folder with LLVMConfig.cmake."""
    places = [path, path / "lib/cmake/llvm", path / "lib64/cmake/llvm"]
    config = path if path.is_file() else path / "bin/llvm-config"
    if config.is_file() and os.access(config, os.X_OK):
        places.insert(0, Path(run([config, "--cmakedir"]).strip()))
    for place in places:
        try:
            text = (place / "LLVMConfig.cmake").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        version = re.search(r"set\(LLVM_PACKAGE_VERSION (\d+)(\S*)\)", text)
        if version is None:
            continue
        line = f"LLVM {version[1]}{version[2]} in {place}"
        return Llvm(int(version[1]), place.absolute(), line)
    raise TeeforgeError(
        f"{path} holds no LLVM to build with: there is no LLVMConfig.cmake",
        "name the folder that has lib/cmake/llvm/LLVMConfig.cmake in it as `toolchain.llvm:`",
    )


def _libraries_beside(llvm: Llvm) -> str:
    """Return how to link with an LLVM that was unpacked somewhere, with what it needs beside it.

    Those lie in a multiarch folder, as packages have them. libLLVM has a DT_RUNPATH of its own, which keeps
    ours (DT_RPATH, hence no new dtags) from what it needs: so the program names those libraries itself.
    """
    prefix = llvm.cmakedir.parents[2]
    beside = sorted(folder for folder in prefix.parent.glob("*-linux-gnu") if any(folder.glob("*.so*")))
    if prefix.is_relative_to("/usr/lib") or not beside:
        return ""
    words = ["-Wl,--disable-new-dtags", *(f"-rpath,{folder}" for folder in (prefix / "lib", *beside))]
    needed = [folder / name for name in _needed(prefix / "lib") for folder in beside]
    if there := [str(path) for path in needed if path.exists()]:
        words += ["--push-state", "--no-as-needed", *there, "--pop-state"]
    return ",".join(words)


def _needed(libraries: Path) -> list[str]:
    """Return the libraries that an LLVM's shared one names (DT_NEEDED)."""
    from elftools.elf.dynamic import DynamicSection
    from elftools.elf.elffile import ELFFile

    for path in sorted(libraries.glob("libLLVM-*.so")):
        with path.open("rb") as file:
            dynamic = ELFFile(file).get_section_by_name(".dynamic")
            if isinstance(dynamic, DynamicSection):
                return [str(tag.needed) for tag in dynamic.iter_tags("DT_NEEDED")]  # type: ignore[attr-defined]
    return []


def _with_aarch64(llvm: Llvm) -> Llvm:
    """Return ``llvm`` if it compiles for aarch64; an LLVM built by hand may lack it."""
    text = (llvm.cmakedir / "LLVMConfig.cmake").read_text(encoding="utf-8", errors="replace")
    targets = re.search(r"set\(LLVM_TARGETS_TO_BUILD ([^)]*)\)", text)
    if targets is not None and "AArch64" not in targets[1]:
        raise TeeforgeError(
            f"{llvm.version_line} was built without the target AArch64",
            "build it with -DLLVM_TARGETS_TO_BUILD=AArch64, or write `llvm: auto` in config.yaml",
        )
    return llvm


def _wrong_llvm(found: Sequence[Llvm], accepted: Sequence[int], lead: str) -> TeeforgeError:
    there = ", ".join(dict.fromkeys(f"LLVM {llvm.major} ({llvm.cmakedir})" for llvm in found))
    message = f"{lead}{there}; " if there else "no LLVM with its headers is installed; "
    return TeeforgeError(
        f"{message}this wamrc builds with {_listed(accepted)}",
        f"apt install llvm-{accepted[0]}-dev, or name the folder of such an LLVM "
        "as `toolchain.llvm:` in config.yaml",
    )


def _listed(majors: Sequence[int]) -> str:
    return ", ".join(str(major) for major in majors)


def _wasi_sdk(folder: Path, told: str, remembered: _Answers) -> WasmCompiler:
    clang = folder / "bin/clang"
    sysroot = folder / "share/wasi-sysroot"
    for part in (clang, sysroot):
        if not part.exists():
            raise TeeforgeError(
                f"{told} is no wasi-sdk: {part.relative_to(folder)} is not in it",
                "name the folder that has bin/clang and share/wasi-sysroot in it",
            )
    argv = (str(clang.absolute()), f"--sysroot={sysroot.absolute()}")
    return _clang(clang.absolute(), argv, remembered)


def _clang(path: Path, argv: tuple[str, ...], remembered: _Answers) -> WasmCompiler:
    """Return the compiler if all the parts are there that linking a WASI module takes."""
    argv = (*argv, _WASM_TARGET)
    status = path.stat()
    key = "|".join([*argv, str(path.resolve()), str(status.st_size), str(status.st_mtime_ns)])
    known = remembered.get(key)
    if known and all(Path(file).exists() for file in known[1:]):
        return WasmCompiler(path, known[0], argv)
    version_line = (run([*argv, "--version"]).strip().splitlines() or [path.name])[0]
    found = re.search(r"version (\d+)", version_line)
    major = int(found[1]) if found else CLANG_MAJORS[0]
    parts, missing = [], []
    linker = f"wasm-ld-{major}"
    for part, package, queries in (
        # Debian's clang links with wasm-ld-N, every other one with wasm-ld.
        (linker, f"lld-{major}", (f"-print-prog-name={linker}", "-print-prog-name=wasm-ld")),
        ("the C library", "wasi-libc", ("-print-file-name=libc.a",)),
        ("compiler-rt", f"libclang-rt-{major}-dev-wasm32", ("-print-libgcc-file-name",)),
    ):
        answers = (run([*argv, query]).strip() for query in queries)
        file = next((answer for answer in answers if _exists(answer)), None)
        if file:
            parts.append(file)
        else:
            missing.append(f"{part} ({package})")
    if missing:
        raise TeeforgeError(
            f"{path.name} cannot make WebAssembly: {', '.join(missing)} is missing", _apt_line(major)
        )
    remembered[key] = [version_line, *parts]
    return WasmCompiler(path, version_line, argv)


def _exists(answer: str) -> bool:
    """Tell whether clang found what it was asked for: it answers with a bare name if not."""
    return Path(answer).is_absolute() and Path(answer).exists()


def wasm_packages(major: int) -> tuple[str, ...]:
    """Return the Debian packages that compile C to WebAssembly with one version of clang."""
    return f"clang-{major}", f"lld-{major}", "wasi-libc", f"libclang-rt-{major}-dev-wasm32"


def _apt_line(major: int) -> str:
    return (
        f"apt install {' '.join(wasm_packages(major))}, "
        "or name the folder of a wasi-sdk as `toolchain.wasm_cc:` in config.yaml"
    )
