"""Finding LLVM and the compiler from C to WebAssembly, among made-up installations."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.building.toolchain import WasmCompiler, find_llvm, find_wasm_compiler
from teeforge.compiling.clang import compile_sources, rule_names
from teeforge.compiling.sources import Sources

ACCEPTED = (14, 15, 13)

Install = Callable[..., Path]


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def llvm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs LLVMs under one prefix each; nothing else is in PATH."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def install(version: str, *, dev: bool = True, targets: str = "AArch64;X86", name: str = "") -> Path:
        major = version.split(".")[0]
        prefix = tmp_path / f"llvm-{major}"
        cmakedir = prefix / "lib/cmake/llvm"
        cmakedir.mkdir(parents=True)
        if dev:
            (cmakedir / "LLVMConfig.cmake").write_text(
                f"set(LLVM_PACKAGE_VERSION {version})\nset(LLVM_TARGETS_TO_BUILD {targets})\n"
            )
        program(tmp_path / "bin" / (name or f"llvm-config-{major}"), f"echo {cmakedir}")
        return prefix

    return install


def refusal(wanted: str) -> TeeforgeError:
    with pytest.raises(TeeforgeError) as caught:
        find_llvm(wanted, ACCEPTED)
    return caught.value


def test_best_llvm_is_taken_of_several(llvm: Install) -> None:
    for version in ("13.0.1", "15.0.7", "14.0.6", "19.1.0"):
        llvm(version)
    found = find_llvm("auto", ACCEPTED)
    assert found.major == 14
    assert "LLVM 14.0.6" in found.version_line
    assert (found.cmakedir / "LLVMConfig.cmake").exists()


def test_wanted_major_is_taken(llvm: Install) -> None:
    llvm("14.0.6")
    llvm("13.0.1")
    assert find_llvm("13", ACCEPTED).major == 13


def test_plain_llvm_config_is_found(llvm: Install) -> None:
    llvm("13.0.1", name="llvm-config")
    assert find_llvm("auto", ACCEPTED).major == 13


def test_llvm_may_be_named_by_its_folder_or_its_config(llvm: Install, tmp_path: Path) -> None:
    prefix = llvm("15.0.7")
    for path in (prefix, prefix / "lib/cmake/llvm", tmp_path / "bin/llvm-config-15"):
        assert find_llvm(str(path), ACCEPTED).major == 15


def test_an_unpacked_llvm_is_linked_with_the_libraries_beside_it(llvm: Install, tmp_path: Path) -> None:
    prefix = llvm("14.0.6")
    assert find_llvm(str(prefix), ACCEPTED).link == ""
    beside = prefix.parent / "x86_64-linux-gnu"
    beside.mkdir()
    (beside / "libz3.so.4").touch()
    expected = f"-Wl,--disable-new-dtags,-rpath,{prefix}/lib,-rpath,{beside}"
    assert find_llvm(str(prefix), ACCEPTED).link == expected
    assert find_llvm("auto", ACCEPTED).link == ""


def test_llvm_19_alone_is_named_with_what_to_install(llvm: Install) -> None:
    llvm("19.1.0")
    error = refusal("auto")
    assert "found LLVM 19 (" in error.message
    assert "this wamrc builds with 14, 15, 13" in error.message
    assert "apt install llvm-14-dev" in error.hint


def test_llvm_without_its_headers_does_not_count(llvm: Install) -> None:
    llvm("14.0.6", dev=False)
    assert refusal("auto").message.startswith("no LLVM with its headers is installed")
    llvm("13.0.1")
    assert find_llvm("auto", ACCEPTED).major == 13


def test_llvm_without_aarch64_is_refused(llvm: Install) -> None:
    llvm("14.0.6", targets="X86")
    assert "without the target AArch64" in refusal("auto").message


def test_major_that_wamrc_cannot_use_is_refused_even_if_installed(llvm: Install) -> None:
    llvm("19.1.0")
    assert "does not build with LLVM 19, only with 14, 15, 13" in refusal("19").message
    assert "is LLVM 19" in refusal(str(llvm("20.1.0").parent / "llvm-19")).message


def test_folder_without_llvm_is_refused(llvm: Install, tmp_path: Path) -> None:
    assert refusal(str(tmp_path)).message == (
        f"{tmp_path} holds no LLVM to build with: there is no LLVMConfig.cmake"
    )


def fake_clang(path: Path, parts: Path, version: str = "16.0.6") -> Path:
    """A clang that answers where its parts are: a path if it is there, else the bare name, as clang does."""
    return program(
        path,
        f"""
for last; do :; done
case "$last" in
--version) echo "clang version {version}"; exit;;
-print-prog-name=*|-print-file-name=*) name="${{last#*=}}";;
-print-libgcc-file-name) name=libclang_rt.builtins-wasm32.a;;
esac
if [ -e "{parts}/$name" ]; then echo "{parts}/$name"; else echo "$name"; fi
""",
    )


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr("teeforge.building.toolchain._WASI_SDK", tmp_path / "opt/wasi-sdk")
    folder = tmp_path / "parts"
    folder.mkdir()
    for name in ("wasm-ld", "libc.a", "libclang_rt.builtins-wasm32.a"):
        (folder / name).touch()
    return folder


def test_clang_of_the_host_is_found(parts: Path, tmp_path: Path) -> None:
    clang = fake_clang(tmp_path / "bin/clang-16", parts)
    found = find_wasm_compiler()
    assert found.path == clang
    assert found.argv == (str(clang), "--target=wasm32-wasi")
    assert found.version_line == "clang version 16.0.6"


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("wasm-ld", "wasm-ld-16 (lld-16)"),
        ("libc.a", "the C library (wasi-libc)"),
        ("libclang_rt.builtins-wasm32.a", "compiler-rt (libclang-rt-16-dev-wasm32)"),
    ],
)
def test_missing_part_is_named_with_its_package(parts: Path, tmp_path: Path, part: str, told: str) -> None:
    (parts / part).unlink()
    fake_clang(tmp_path / "bin/clang-16", parts)
    with pytest.raises(TeeforgeError) as caught:
        find_wasm_compiler()
    assert caught.value.message == f"clang-16 cannot make WebAssembly: {told} is missing"
    assert "apt install clang-16 lld-16 wasi-libc libclang-rt-16-dev-wasm32" in caught.value.hint


def test_no_compiler_at_all_says_what_to_install(parts: Path) -> None:
    with pytest.raises(TeeforgeError) as caught:
        find_wasm_compiler()
    assert "apt install clang-14" in caught.value.hint


def test_wasi_sdk_comes_first_and_brings_its_own_sysroot(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_clang(tmp_path / "bin/clang-16", parts)
    sdk = tmp_path / "my sdk"
    clang = fake_clang(sdk / "bin/clang", parts)
    (sdk / "share/wasi-sysroot").mkdir(parents=True)
    expected = (str(clang), f"--sysroot={sdk}/share/wasi-sysroot", "--target=wasm32-wasi")
    assert find_wasm_compiler(str(sdk)).argv == expected
    monkeypatch.setenv("WASI_SDK_PATH", str(sdk))
    assert find_wasm_compiler().argv == expected


def test_wrong_wasi_sdk_path_is_refused_rather_than_passed_over(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_clang(tmp_path / "bin/clang-16", parts)
    monkeypatch.setenv("WASI_SDK_PATH", str(tmp_path))
    with pytest.raises(TeeforgeError) as caught:
        find_wasm_compiler()
    assert caught.value.message == f"WASI_SDK_PATH={tmp_path} is no wasi-sdk: bin/clang is not in it"


def test_unknown_compiler_is_refused(parts: Path) -> None:
    with pytest.raises(TeeforgeError) as caught:
        find_wasm_compiler("emcc-nowhere")
    assert "neither the folder of a wasi-sdk nor a program" in caught.value.message


def test_what_a_compiler_answered_is_remembered_until_it_or_its_parts_change(
    parts: Path, tmp_path: Path
) -> None:
    memory = tmp_path / "cache/compilers.json"
    clang = fake_clang(tmp_path / "bin/clang-16", parts)
    first = find_wasm_compiler("auto", memory)
    kept = memory.read_bytes()
    # One that would answer otherwise, but looks the same, is not asked.
    size, times = clang.stat().st_size, (clang.stat().st_atime_ns, clang.stat().st_mtime_ns)
    program(clang, "exit 1".ljust(size - len("#!/bin/sh\n\n")))
    os.utime(clang, ns=times)
    assert clang.stat().st_size == size
    assert find_wasm_compiler("auto", memory) == first
    assert memory.read_bytes() == kept
    fake_clang(clang, parts, "16.0.77")
    assert find_wasm_compiler("auto", memory).version_line == "clang version 16.0.77"
    (parts / "libc.a").unlink()
    with pytest.raises(TeeforgeError, match=r"the C library \(wasi-libc\) is missing"):
        find_wasm_compiler("auto", memory)
    memory.write_text("torn")
    (parts / "libc.a").touch()
    assert find_wasm_compiler("auto", memory).version_line == "clang version 16.0.77"


def test_a_program_tells_which_headers_it_includes(tmp_path: Path) -> None:
    rule = "/work/program.o: ./my\\ program.c include/a.h \\\n  /b/$$c.h we\\#ird.h\n"
    assert rule_names(rule) == ["include/a.h", "/b/$c.h", "we#ird.h"]
    assert rule_names("/work/program.o: program.c\n") == []


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_more_compilers_run_at_once_than_the_budget_of_jobs_has(tmp_path: Path, jobs: int) -> None:
    compiler, running = tmp_path / "clang", tmp_path / "running"
    running.mkdir()
    # Says how many of it there are, and leaves what clang would leave.
    compiler.write_text(
        f"""#!/bin/sh
for word; do [ "$last" = -o ] && made=$word; [ "$last" = -MF ] && echo "x: y.c" > "$word"; last=$word; done
: > "$made"
case $* in *" -c "*) : > {running}/$$; sleep 0.2; ls {running} | wc -l; rm {running}/$$ ;; esac
"""
    )
    compiler.chmod(0o755)
    files = tuple(tmp_path / f"{n}.c" for n in range(6))
    cc = WasmCompiler(compiler, "clang", (str(compiler),))
    told = compile_sources(Sources(files[0], files), tmp_path, cc, jobs).notes.split()
    assert len(told) == 6
    assert max(map(int, told)) == jobs
