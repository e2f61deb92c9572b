"""From .c, .wasm and .aot to a module that the TA loads, with the real compilers."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.benchmarks.compiling import jobs_option
from teeforge.building.toolchain import WasmCompiler
from teeforge.compiling.clang import Compiled, compile_sources
from teeforge.compiling.sources import Sources
from teeforge.lab import Lab
from teeforge.modules import program as program_module
from teeforge.modules.aot import check_loadable
from teeforge.modules.program import Program, build_program, optimize
from teeforge.modules.wamrc import WAMRC_FLAGS
from teeforge.modules.wasm import read_wasm
from teeforge.settings.modules import DEVELOPMENT, Modules
from teeforge.signing.signer import Signer

from .largemodules import code

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
SIGNER = Signer(DEVELOPMENT, Path())
HELLO = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'

Build = Callable[..., Program]

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="session")
def cc(lab: Lab) -> WasmCompiler:
    return lab.programs.wasm_compiler()


@pytest.fixture(scope="session")
def wamrc(lab: Lab) -> Path:
    return lab.builder.build(["wamrc"])["wamrc"].product("wamrc")


@pytest.fixture
def build(tmp_path: Path, wamrc: Path, cc: WasmCompiler) -> Build:
    def build(path: Path | Sources, **changed: object) -> Program:
        settings = {"wamrc": wamrc, "cache": tmp_path / "cache", "cc": cc, "signer": SIGNER, **changed}
        return build_program(path, **settings)  # type: ignore[arg-type]

    return build


def refusal(build: Build, path: Path, **changed: object) -> TeeforgeError:
    with pytest.raises(TeeforgeError) as caught:
        build(path, **changed)
    return caught.value


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def fake_wamrc(folder: Path, script: str) -> Path:
    program = write(folder / "wamrc", f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_a_wasm_opt_in_the_path_does_not_change_the_program(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "hello.c", HELLO)
    without = build(source, cache=tmp_path / "one")
    called = tmp_path / "called"
    write(tmp_path / "bin/wasm-opt", f"#!/bin/sh\ntouch {called}\nexit 1\n").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    assert build(source, cache=tmp_path / "two").sha256 == without.sha256
    assert not called.exists()


@pytest.mark.parametrize("sample", sorted(path.name for path in SAMPLES.glob("*.c")))
def test_every_sample_compiles_without_warnings_to_a_loadable_module(build: Build, sample: str) -> None:
    program = build(Sources(SAMPLES / sample, (SAMPLES / sample,), ("-Wextra",)))
    assert program.notes == ""
    contents = program.module.contents
    assert contents is not None
    assert {entry.module for entry in contents.imports} == {"wasi_snapshot_preview1"}
    # Without it an overflow of the stack would run into the program's data.
    assert contents.aux_stack_size == 32768
    # The loader knows every relocation; the file on disk is the one that was checked.
    assert check_loadable(program.aot.read_bytes(), "again") == program.module


def test_wasm_beside_the_aot_is_the_one_it_was_made_of(build: Build, tmp_path: Path) -> None:
    program = build(write(tmp_path / "hello.c", HELLO))
    assert program.wasm is not None
    assert read_wasm(program.wasm.read_bytes(), "hello").functions > 0
    assert build(program.wasm).sha256 == program.sha256


def test_provenance_tells_source_compilers_flags_and_digests(build: Build, tmp_path: Path) -> None:
    program = build(write(tmp_path / "hello.c", HELLO))
    assert program.provenance is not None
    told = json.loads(program.provenance.read_text())
    assert told["source"] == "hello.c"
    assert told["aot_sha256"] == program.sha256
    assert told["bounds_checks"] is True
    assert "--bounds-checks=1" in told["wamrc_flags"]
    assert "clang" in told["compiler"]
    assert len(told["wamrc_sha256"]) == len(told["wasm_sha256"]) == len(told["source_sha256"]) == 64


def test_a_source_saved_while_it_is_compiled_is_the_one_that_the_provenance_tells(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, later = tmp_path / "hello.c", HELLO.replace("hello", "hello again")
    source.write_text(HELLO)

    def compile_then_save(*arguments: Any) -> Compiled:
        compiled = compile_sources(*arguments)
        source.write_text(later)
        return compiled

    monkeypatch.setattr(program_module, "compile_sources", compile_then_save)
    program = build(source)
    assert program.provenance and program.wasm
    told = json.loads(program.provenance.read_text())
    assert told["source_sha256"] == hashlib.sha256(later.encode()).hexdigest()
    assert b"hello again" in program.wasm.read_bytes()


def test_same_source_elsewhere_gives_the_same_bits(build: Build, tmp_path: Path) -> None:
    source = "#include <assert.h>\nint main(int c, char **v) { assert(c); return !__FILE__[c]; }\n"
    here = build(write(tmp_path / "a/x.c", source))
    there = build(write(tmp_path / "ein Ordner/ü/x.c", source), cache=tmp_path / "other cache")
    assert here.sha256 == there.sha256


def test_names_with_spaces_other_alphabets_and_a_leading_dash_work(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "Ablage für Künste"
    first = build(write(tmp_path / "zwei Wörter 世界.c", HELLO), cache=cache)
    monkeypatch.chdir(write(tmp_path / "dash/-o.c", HELLO).parent)
    assert build(Path("-o.c"), cache=cache).sha256 == first.sha256


def test_unchanged_program_is_not_compiled_again(build: Build, tmp_path: Path) -> None:
    source = write(tmp_path / "hello.c", HELLO)
    first = build(source)
    before = first.aot.stat().st_mtime_ns
    assert build(source) == first
    assert first.aot.stat().st_mtime_ns == before


def test_damaged_result_is_made_again(build: Build, tmp_path: Path) -> None:
    source = write(tmp_path / "hello.c", HELLO)
    first = build(source)
    first.aot.write_bytes(first.aot.read_bytes()[:-1])
    assert build(source).sha256 == first.sha256
    assert first.provenance is not None
    first.provenance.unlink()
    assert build(source).provenance == first.provenance
    assert first.provenance.exists()


def test_own_aot_is_taken_as_it_is(build: Build, tmp_path: Path) -> None:
    made = build(write(tmp_path / "hello.c", HELLO))
    own = write(tmp_path / "own.aot", made.signed.read_bytes())
    program = build(own, cc=None, wamrc=tmp_path / "none")
    assert (program.signed, program.sha256, program.provenance) == (own, made.sha256, None)
    # For the normal world without its signature.
    assert program.aot.read_bytes() == made.aot.read_bytes()
    assert made.provenance is not None
    shutil.copy(made.provenance, tmp_path / "own.aot.json")
    assert build(own).provenance == tmp_path / "own.aot.json"
    plain = write(tmp_path / "plain.aot", made.aot.read_bytes())
    assert "is not signed" in refusal(build, plain).message
    anybody = Signer(Modules("any"), tmp_path)
    assert build(plain, signer=anybody).signed == build(plain, signer=anybody).aot == plain


def test_compile_error_shows_the_compilers_words_then_one_clear_line(build: Build, tmp_path: Path) -> None:
    error = refusal(build, write(tmp_path / "bad.c", "int main(void) { return x + y; }\n"))
    lines = error.message.splitlines()
    assert "bad.c:1:25: error: use of undeclared identifier 'x'" in lines[0]
    assert lines[-1].startswith(f"{tmp_path}/bad.c does not compile: 2 errors (")


def test_link_error_names_the_symbol(build: Build, tmp_path: Path) -> None:
    source = "int nowhere(void); int main(void) { return nowhere(); }\n"
    error = refusal(build, write(tmp_path / "bad.c", source))
    assert "undefined symbol: nowhere" in error.message
    assert "does not compile: 1 error (" in error.message


def test_warnings_are_handed_on(build: Build, tmp_path: Path) -> None:
    program = build(write(tmp_path / "warn.c", "int main(void) { int unused; return 0; }\n"))
    assert "unused variable 'unused'" in program.notes


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("nope.c", None, "nope.c: there is no such file"),
        ("empty.c", b"", "empty.c: the file is empty"),
        ("empty.wasm", b"", "empty.wasm: the file is empty"),
        ("empty.aot", b"", "empty.aot: the file is empty"),
        ("x.wat", b"(module)", "x.wat: .wat files are not known"),
        ("noending", b"x", "noending: its name has no ending"),
        ("text.wasm", b"hello", "text.wasm: byte 0 is 0x68, a WebAssembly module begins with"),
        ("cut.wasm", b"\0asm\x01\0\0\0\x01\x20", "cut.wasm: byte 10: the type section needs 32 bytes"),
        ("raw.aot", b"\0asm\x01\0\0\0", "raw.aot: byte 2 is 0x73: this is a WebAssembly module"),
    ],
)
def test_file_that_is_no_program_is_one_clear_line(
    build: Build, tmp_path: Path, name: str, content: bytes | None, expected: str
) -> None:
    if content is not None:
        write(tmp_path / name, content)
    error = refusal(build, tmp_path / name)
    assert error.message.startswith(f"{tmp_path}/{expected}")
    assert "\n" not in error.message
    assert not (tmp_path / "cache").exists()


def test_folder_is_refused(build: Build, tmp_path: Path) -> None:
    assert refusal(build, tmp_path).message == f"{tmp_path} is a folder"


def test_missing_file_brings_up_the_nearest_name(build: Build, tmp_path: Path) -> None:
    write(tmp_path / "hello.c", HELLO)
    assert "did you mean" in refusal(build, tmp_path / "helo.c").hint


def test_missing_compilers_say_what_to_type(build: Build, tmp_path: Path) -> None:
    source = write(tmp_path / "hello.c", HELLO)
    assert "invoke doctor" in refusal(build, source, cc=None).hint
    assert "invoke build wamrc" in refusal(build, source, wamrc=tmp_path / "none").hint


def test_module_that_wamrc_refuses_is_an_error_although_wamrc_ends_with_0(
    build: Build, tmp_path: Path
) -> None:
    # A function of type () -> i32 whose body leaves nothing on the stack: well-formed, but not valid.
    invalid = bytes.fromhex("0061736d01000000 0105016000017f 03020100 0a040102000b")
    error = refusal(build, write(tmp_path / "invalid.wasm", invalid))
    assert error.message.startswith(f"{tmp_path}/invalid.wasm: wamrc cannot compile it: ")
    assert "\n" not in error.message
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("exit 0", "wamrc cannot compile it: it said nothing"),
        ("kill -SEGV $$", "wamrc was ended by SIGSEGV"),
        ('while [ "$1" != -o ]; do shift; done; printf "\\0aot" > "$2"', "the version needs 4 bytes"),
        ('while [ "$1" != -o ]; do shift; done; echo hello > "$2"', "byte 0 is 0x68"),
    ],
)
def test_wamrc_without_a_valid_output_is_a_failure_and_leaves_nothing(
    build: Build, tmp_path: Path, script: str, expected: str
) -> None:
    module = write(tmp_path / "m.wasm", b"\0asm\x01\0\0\0")
    error = refusal(build, module, wamrc=fake_wamrc(tmp_path, script))
    assert expected in error.message
    assert "m.wasm" in error.message
    assert not list((tmp_path / "cache").iterdir())


def test_cache_that_cannot_be_written_is_named(build: Build, tmp_path: Path) -> None:
    blocked = write(tmp_path / "file", b"") / "cache"
    error = refusal(build, write(tmp_path / "hello.c", HELLO), cache=blocked)
    assert error.message.startswith(f"{blocked} cannot be written: ")


def test_a_large_module_is_compiled_quickly_first_and_better_later(
    build: Build, wamrc: Path, tmp_path: Path
) -> None:
    path = write(tmp_path / "large.wasm", code(200_000, 100)[0])
    quick = build(path, quick=True)
    assert quick.quick and "--opt-level=0" in told_by(quick)
    optimize(quick.aot, wamrc, WAMRC_FLAGS)
    best = build(path, quick=True)
    assert not best.quick and "--opt-level=0" not in told_by(best)
    assert best.aot.read_bytes() == build(path, cache=tmp_path / "another").aot.read_bytes()
    assert best.provenance and json.loads(best.provenance.read_text())["source"] == "large.wasm"


def test_a_small_module_is_never_compiled_quickly(build: Build, tmp_path: Path) -> None:
    program = build(write(tmp_path / "small.c", "int main(void) { return 0; }\n"), quick=True)
    assert not program.quick and "--opt-level=0" not in told_by(program)


def told_by(program: Program) -> list[str]:
    """Return wamrc's flags, as a program's provenance tells them."""
    assert program.provenance
    return list(json.loads(program.provenance.read_text())["wamrc_flags"])


def test_a_wamrc_without_parts_is_not_asked_for_them(tmp_path: Path, wamrc: Path) -> None:
    older = fake_wamrc(tmp_path, "echo '  --target=<arch-name>'")
    assert jobs_option(older, 2) == [] and jobs_option(wamrc, 2) == ["--jobs=2"]
