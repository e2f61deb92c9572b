"""Whether a module will run in the TA, and what a user is told if not."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teeforge.base.errors import TeeforgeError
from teeforge.modules import wasi
from teeforge.modules.aot import check_loadable, read_aot
from teeforge.modules.aotbody import COSTS
from teeforge.modules.plan import Plan
from teeforge.modules.verdict import Verdict, judge_aot, judge_wasm
from teeforge.modules.wasm import read_wasm
from teeforge.settings.memory import SecureMemory
from tests.unit import test_aot as made
from tests.unit.test_wasm import CODE, DATA, FUNCTIONS, HEADER, MEMORY, TYPES, section, text, vector

TA = Path(__file__).resolve().parents[2] / "overlays/wasm_ta/ta"
START = section(7, vector(text("_start") + b"\x00\x01"))
ROOM = Plan(SecureMemory(16 << 20))


def imported(*names: tuple[str, str]) -> bytes:
    return section(2, vector(*(text(module) + text(name) + b"\x00\x00" for module, name in names)))


def judged_wasm(imports: bytes = b"", memory: bytes = MEMORY, exports: bytes = START) -> Verdict:
    data = HEADER + TYPES + imports + FUNCTIONS + memory + exports + CODE + DATA
    return judge_wasm(read_wasm(data, "x.wasm"), "x.wasm", ROOM)


def judged_aot(data: bytes, bounds_checks: bool | None = True) -> Verdict:
    return judge_aot(
        read_aot(data, "x.aot"), "x.aot", bounds_checks=bounds_checks, file_bytes=len(data), room=ROOM
    )


def only_problem(verdict: Verdict) -> TeeforgeError:
    assert not verdict.runs
    assert len(verdict.problems) == 1, [problem.message for problem in verdict.problems]
    assert verdict.problems[0].hint
    with pytest.raises(TeeforgeError) as caught:
        verdict.enforce()
    assert caught.value.message == verdict.problems[0].message
    return verdict.problems[0]


def test_the_offer_is_the_tas_own_table() -> None:
    table: dict[str, str] = {}
    for path in TA.rglob("*.c"):
        for line in re.finditer(
            r'^\s*(?:FUNCTION\((\w+)|SAME\((\w+),\s*\w+),\s*"([^"]*)"\)', path.read_text(), re.M
        ):
            table.setdefault(line[1] or line[2], line[3])
    assert table == wasi.SIGNATURES | wasi.EMSCRIPTEN | wasi.ATTESTATION


def test_the_costs_are_the_tas_own() -> None:
    told = (TA / "aot/aot_check.h").read_text()
    told = told.replace("+ COST_BLOCK_HEADER", f"+ {COSTS['BLOCK_HEADER']}")
    costs = {
        name: sum(int(number) for number in re.findall(r"\d+", value))
        for name, value in re.findall(r"^#define COST_(\w+)\s+([(\d +)]+)", told, re.M)
    }
    assert costs == COSTS


def test_a_module_of_wasi_preview_1_runs_and_is_given_a_heap() -> None:
    verdict = judged_aot(made.MODULE)
    assert verdict.runs and not verdict.warnings
    assert verdict.needed and verdict.heap and verdict.largest
    assert 2 * 65536 < verdict.needed <= verdict.heap < verdict.largest
    kind = (("wasi_snapshot_preview1", "fd_close"),)
    bad_type = judged_wasm(imported(*kind))
    assert "wasi_snapshot_preview1.fd_close" in only_problem(bad_type).message
    assert "(ii)i instead of (i)i" in only_problem(bad_type).message
    assert judged_wasm(imported(("wasi_unstable", "args_get"))).runs


@pytest.mark.parametrize(
    ("module", "name", "words", "hint"),
    [
        ("env", "emscripten_resize_heap", "what emcc writes", "-sSTANDALONE_WASM"),
        ("env", "_emscripten_memcpy_js", "what emcc writes", "-sINITIAL_MEMORY=131072"),
        ("env", "__syscall_openat", "what emcc writes", "-sSTANDALONE_WASM"),
        ("a", "b", "names made short", "-sSTANDALONE_WASM"),
        ("env", "abort", "AssemblyScript without WASI", "wasi-shim"),
        ("env", "nowhere", "it has WASI preview 1", "no library that it was linked with has it"),
        ("wbg", "__wbg_log", "wasm-bindgen", "wasm32-wasip1"),
        ("gojs", "runtime.wasmExit", "Go", "GOOS=wasip1"),
        ("wasi:cli/stdout@0.2.0", "get-stdout", "component", "wasm32-wasip1"),
        ("wasi_snapshot_preview2", "x", "no part of WASI preview 1", "wasm32-wasip1"),
    ],
)
def test_an_import_that_is_not_offered_is_named_with_what_to_type(
    module: str, name: str, words: str, hint: str
) -> None:
    problem = only_problem(judged_wasm(imported((module, name))))
    assert f"it imports {module}.{name}" in problem.message
    assert words in problem.message
    assert hint in problem.hint


def test_many_missing_imports_are_one_line() -> None:
    problem = only_problem(judged_wasm(imported(*(("env", f"emscripten_{n}") for n in range(30)))))
    assert "and 22 more" in problem.message
    assert "\n" not in problem.message


def test_an_imported_memory_is_a_problem() -> None:
    memory = section(2, vector(text("env") + text("memory") + b"\x02\x00\x01"))
    assert "env.memory (memory)" in only_problem(judged_wasm(memory, memory=b"")).message


@pytest.mark.parametrize(
    ("limits", "words"), [(b"\x03\x01\x02", "threads"), (b"\x04\x01", "a 64-bit memory")]
)
def test_what_this_wamr_does_not_have_is_named(limits: bytes, words: str) -> None:
    assert words in only_problem(judged_wasm(memory=section(5, vector(limits)))).message


def test_a_module_without_start_is_no_program() -> None:
    problem = only_problem(judged_wasm(exports=section(7, vector(text("add") + b"\x00\x00"))))
    assert "it exports add" in problem.message
    assert "main()" in problem.hint


def test_more_memory_than_the_ta_can_have_is_refused_naming_both() -> None:
    emcc = section(5, vector(b"\x00\x80\x02"))  # 256 pages
    problem = only_problem(judged_wasm(memory=emcc))
    assert "16777216 bytes (256 pages)" in problem.message
    assert "-sINITIAL_MEMORY=131072" in problem.hint
    assert "256 pages" in only_problem(judged_aot(made.aot(init=made.init_data(256)))).message


def test_data_that_has_no_room_in_memory_and_file_is_refused_before_it_is_compiled() -> None:
    data = section(11, vector(b"\0\x41\0\x0b\x80\x80\xc0\x02" + bytes(5 << 20)))
    module = HEADER + TYPES + FUNCTIONS + section(5, vector(b"\0\x60")) + START + CODE + data
    problem = only_problem(judge_wasm(read_wasm(module, "x.wasm"), "x.wasm", ROOM))
    assert "(6291456 of it linear memory)" in problem.message
    assert "beside a file with its data, 5242" in problem.message
    assert judge_wasm(read_wasm(module, "x.wasm"), "x.wasm", Plan(SecureMemory(64 << 20))).runs


def test_code_that_hardly_fits_is_warned_of_before_it_is_compiled() -> None:
    module = read_wasm(HEADER + TYPES + FUNCTIONS + MEMORY + START + CODE + DATA, "x.wasm")
    assert not judge_wasm(module, "x.wasm", ROOM).warnings
    sections = tuple(replace(part, size=6 << 20) if part.name == "code" else part for part in module.sections)
    verdict = judge_wasm(replace(module, sections=sections), "x.wasm", ROOM)
    assert verdict.runs
    assert "of its code of 6291456, for which the TEE has hardly room" in verdict.warnings[0]


def test_what_is_too_large_for_its_code_is_refused_naming_that_and_not_its_memory() -> None:
    module = read_aot(made.MODULE, "x.aot")
    assert module.contents is not None
    large = replace(module, contents=replace(module.contents, code_pages=13 << 20))
    problem = only_problem(judge_aot(large, "x.aot", bounds_checks=True, file_bytes=13_000_000, room=ROOM))
    assert (
        "beside its file of 13000000 bytes and its code of 13631488 the TA can have none" in problem.message
    )
    assert "its linear memory is" not in problem.message
    assert "secure_ram" in problem.hint and "stack-size" not in problem.hint


def test_a_file_that_the_core_cannot_take_is_refused_naming_its_size() -> None:
    room = Plan(SecureMemory(128 << 20))
    problem = only_problem(
        judge_aot(read_aot(made.MODULE, "x.aot"), "x.aot", bounds_checks=True, file_bytes=60 << 20, room=room)
    )
    assert f"{60 << 20} bytes, and the core can take {room.largest_file} at most" in problem.message
    assert "secure_ram" in problem.hint


def test_memory_that_wamrc_can_make_smaller_is_only_a_warning() -> None:
    names = (
        text("_start") + b"\x00\x01",
        text("__heap_base") + b"\x03\x00",
        text("__data_end") + b"\x03\x00",
    )
    verdict = judged_wasm(memory=section(5, vector(b"\x00\x80\x02")), exports=section(7, vector(*names)))
    assert verdict.runs
    assert "unless wamrc makes it smaller" in verdict.warnings[0]


def test_code_without_bounds_checks_is_refused_and_of_unknown_origin_warned_of() -> None:
    assert "without bounds checks" in only_problem(judged_aot(made.MODULE, bounds_checks=False)).message
    unknown = judged_aot(made.MODULE, bounds_checks=None)
    assert unknown.runs
    assert "--bounds-checks=1" in unknown.warnings[0]


def test_code_of_unknown_origin_that_never_checks_is_refused() -> None:
    contents = read_aot(made.MODULE, "x.aot").contents
    assert contents is not None
    assert not contents.looks_unchecked, "three functions are too few to tell"
    many = replace(contents, functions=20)
    assert many.looks_unchecked
    assert not replace(many, bounds_exits=19).looks_unchecked


@pytest.mark.parametrize("version", [3, 4, 6])
def test_an_aot_of_a_later_wamr_is_refused_with_what_to_type(version: int) -> None:
    verdict = judged_aot(made.aot(version=version, target=made.target_info(size=48)))
    assert "WAMR" in only_problem(verdict).message
    assert "invoke run FILE.wasm" in verdict.problems[0].hint
    assert verdict.needed is None


def test_all_that_is_wrong_is_told_at_once() -> None:
    data = made.aot(
        target=made.target_info(machine=62, arch=b"x86_64"),
        init=made.init_data(300, name="path_frobnicate"),
        reloc=made.relocations([made.JUMP26]),
    )
    told = " ".join(problem.message for problem in judged_aot(data, bounds_checks=False).problems)
    for words in ("x86_64", "path_frobnicate", "JUMP26", "without bounds checks", "300 pages"):
        assert words in told


@pytest.mark.parametrize(
    ("name", "hint", "on_already"),
    [
        ("__syscall_openat", "invoke run FILE.c", "-sSTANDALONE_WASM"),
        ("_emscripten_throw_longjmp", "-sSUPPORT_LONGJMP=0", "-sSTANDALONE_WASM"),
        ("invoke_vi", "-sSUPPORT_LONGJMP=0", "-sSTANDALONE_WASM"),
        ("emscripten_resize_heap", "wasi-sdk", "-sINITIAL_MEMORY"),
        ("abort", "--use abort=", "build it with @assemblyscript"),
    ],
)
def test_advice_is_never_what_is_on_already(name: str, hint: str, on_already: str) -> None:
    # A _start and functions of WASI: so it was built as that advice would have it.
    mixed = imported(("wasi_snapshot_preview1", "proc_exit"), ("env", name))
    verdict = judged_wasm(mixed, exports=START)
    told = [problem.hint for problem in verdict.problems if f"env.{name}" in problem.message]
    assert len(told) == 1 and hint in told[0] and on_already not in told[0]


def test_a_larger_secure_ram_is_no_advice_where_it_is_the_largest() -> None:
    emcc = section(5, vector(b"\x00\x80\x80\x01"))  # 16384 pages, 1 GiB
    data = HEADER + TYPES + FUNCTIONS + emcc + START + CODE + DATA
    room = Plan(SecureMemory(256 << 20))
    problem = only_problem(judge_wasm(read_wasm(data, "x.wasm"), "x.wasm", room))
    assert "secure_ram" not in problem.hint and "stack-size" in problem.hint


@given(st.lists(st.integers(0, len(made.MODULE) * 8 - 1), max_size=8))
def test_any_file_that_can_be_read_can_be_judged(bits: list[int]) -> None:
    data = bytearray(made.MODULE)
    for bit in bits:
        data[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(TeeforgeError):
        judged_aot(bytes(data))
    with contextlib.suppress(TeeforgeError):
        check_loadable(bytes(data), "x.aot")


@given(st.binary(max_size=300))
def test_any_wasm_that_can_be_read_can_be_judged(rest: bytes) -> None:
    with contextlib.suppress(TeeforgeError):
        judge_wasm(read_wasm(HEADER + TYPES + rest, "x.wasm"), "x.wasm", ROOM)
