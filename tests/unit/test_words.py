"""Errors in words: result codes and messages, and the dump of a TA that panicked."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teeforge.diagnosis.panic import Panic, read_panic
from teeforge.diagnosis.record import Report, RunRecord
from teeforge.diagnosis.words import WORDS, Entry, explain_abort, explain_text, load_words

ROOT = Path(__file__).resolve().parents[2]
TA = "7c1e4bb6-5a37-4a0e-9d2c-0f5d2f8b6a11"
DUMP = f"""I/TA: module sha256 00 size 1 heap 1
E/TC:? 0
E/TC:? 0 User mode data-abort at address 0x30 (translation fault)
E/TC:? 0  esr 0x92000005  ttbr0 0x200000e1d8040   ttbr1 0x00000000   cidr 0x0
E/TC:? 0  x30 000000004005d39c elr 0000000040537430
E/LD:  Status of TA {TA}
E/LD:   arch: aarch64
E/LD:  region  0: va 0x40005000 pa 0x0e1f6000 size 0x002000 flags rw-s (ldelf)
E/LD:  region 10: va 0x40032000 pa 0x0e208000 size 0x03a000 flags r-xs [0]
E/LD:  region 12: va 0x40079000 pa 0x0e24f000 size 0x041000 flags rw-s (stack)
E/LD:  region 15: va 0x4052d000 pa 0x0e29d000 size 0x00b000 flags r-xs
E/LD:   [0] {TA} @ 0x40032000
E/LD:  Call stack:
E/LD:   0x40537430
E/LD:   0x40032104
E/LD:   0x40079010
E/LD:   0xdeadbeef
I/TA: something later 0x40032104
"""


@pytest.fixture
def words() -> tuple[Entry, ...]:
    return load_words(ROOT / WORDS)


def dead(dump: str = DUMP) -> Panic:
    panic = read_panic(dump, lambda _: None, "aarch64-linux-gnu-")
    assert panic is not None
    return panic


def test_the_list_is_read_whole(words: tuple[Entry, ...]) -> None:
    written = re.findall(r"^(CODE|ORIGIN|TRAP|REFUSAL|STORAGE)\(", (ROOT / WORDS).read_text(), re.M)
    assert [entry.kind for entry in words] == written
    wanted = {"CODE": 3, "ORIGIN": 1, "TRAP": 2, "REFUSAL": 2, "STORAGE": 2}
    for entry in words:
        assert len(entry.texts) == wanted[entry.kind], entry
        assert (entry.number is not None) == (entry.kind in ("CODE", "ORIGIN"))
        assert all(entry.texts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the TEE said 0xffff3024", "TEEC_ERROR_TARGET_DEAD: the TA panicked"),
        ("0xFFFF000C", "out of memory"),
        ("4294901772", "TEEC_ERROR_OUT_OF_MEMORY"),
        ("TEE_ERROR_SECURITY", "a security check failed"),
        ("TEEC_ERROR_BUSY", "busy"),
        ("Exception: out of bounds memory access", "bad pointer or index"),
        ("AOT module load failed: unknown binary version", "AOT file of another WAMR"),
        ("WASM module load failed: zero byte expected", "-mcpu=mvp"),
    ],
)
def test_codes_and_messages_are_explained(words: tuple[Entry, ...], text: str, expected: str) -> None:
    assert expected in " ".join(explain_text(words, text))


def test_what_is_not_known_is_not_explained(words: tuple[Entry, ...]) -> None:
    assert list(explain_text(words, "all is well, 42")) == []


def test_a_panic_is_read_with_every_frame() -> None:
    panic = dead()
    assert panic.ta == TA
    assert panic.reason == "data-abort at address 0x30 (translation fault)"
    assert "nothing is mapped" in explain_abort(panic.reason)
    assert [frame.address for frame in panic.frames] == [0x40537430, 0x40032104, 0x40079010, 0xDEADBEEF]
    places = [frame.place for frame in panic.frames]
    assert "the program's compiled code, at byte 0xa430" in places[0]
    assert places[1] == f"{TA} + 0x100 (no ELF of this build)"
    assert "not code" in places[2]
    assert "nothing is mapped" in places[3]


def test_the_last_panic_counts_and_its_code_is_kept() -> None:
    panic = dead(DUMP + "E/TC:? 0 TA panicked with code 0xffff000c\n")
    assert panic.code == 0xFFFF000C
    assert panic.frames == ()
    assert read_panic("I/TA: module exit status 0\n", lambda _: None, "") is None


def test_the_dump_of_a_ta_that_was_ended_later_is_none_of_the_panics() -> None:
    ended = "E/LD:" + DUMP.partition("E/LD:")[2].replace("0x40032000", "0x50000000")
    assert dead(DUMP + ended).frames == dead().frames


def test_a_frame_is_symbolised_with_the_elf_of_the_build(tmp_path: Path) -> None:
    source, elf = tmp_path / "ta.c", tmp_path / f"{TA}.elf"
    source.write_text("int inner(int x)\n{\n\treturn x + 1;\n}\n")
    subprocess.run(["gcc", "-g", "-O0", "-c", "-o", elf, source], check=True)
    dump = DUMP.replace("0x40537430", "0x40032004").replace("0x40032104", "0x40032008")
    panic = read_panic(dump, {TA: elf}.get, "")
    assert panic is not None
    assert panic.frames[0].place.startswith("inner at ")
    assert "ta.c:" in panic.frames[0].place


@given(st.lists(st.integers(0, len(DUMP) - 1), max_size=6), st.text(max_size=20))
def test_any_log_is_read(cuts: list[int], junk: str) -> None:
    dump = DUMP
    for cut in cuts:
        dump = dump[:cut] + junk + dump[cut + 1 :]
    read_panic(dump, lambda _: None, "")


def record(folder: Path, log: Path | None) -> RunRecord:
    return RunRecord(folder, {"program": "x.c"}, log, lambda _: None, "", ROOT / WORDS)


def test_each_run_leaves_a_numbered_record(tmp_path: Path) -> None:
    for status in (0, 7):
        told = record(tmp_path, None).finish({"outcome": "exited"}, status)
        assert told == []
    second = json.loads((tmp_path / "2.json").read_text())
    assert (second["program"], second["status"], second["panic"]) == ("x.c", 7, None)
    assert second["report"] == {"outcome": "exited"}


def test_a_panic_since_the_run_began_is_told_and_recorded(tmp_path: Path) -> None:
    log = tmp_path / "secure.log"
    log.write_text("E/TC:? 0 TA panicked with code 0x1\n")
    run = record(tmp_path / "runs", log)
    log.write_text(log.read_text() + DUMP)
    told = run.finish({"outcome": "tee-error"}, 126)
    assert "data-abort at address 0x30" in told[0]
    assert any("nothing is mapped" in line for line in told)
    panic = json.loads((tmp_path / "runs/1.json").read_text())["panic"]
    assert len(panic["frames"]) == 4
    # The panic before the run is none of its own.
    quiet = record(tmp_path / "runs", log).finish({"outcome": "tee-error"}, 126)
    assert quiet == []


def test_a_host_app_that_leaves_no_report_is_no_error(tmp_path: Path) -> None:
    assert record(tmp_path, None).finish({}, 1) == []


def through_report(*chunks: bytes) -> tuple[bytes, dict[str, object]]:
    passed = bytearray()
    report = Report(passed.extend)
    for chunk in chunks:
        report.feed(chunk)
    told = report.end()
    return bytes(passed), told


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_report_is_taken_from_the_end_of_stderr(size: int) -> None:
    stderr = b'of the program\n\x1e{"fake": 1}\n\x1e\n\x1e{\n"outcome": "exited"}\n'
    chunks = [stderr[at : at + size] for at in range(0, len(stderr), size)]
    assert through_report(*chunks) == (stderr[: stderr.rfind(b"\x1e")], {"outcome": "exited"})


def test_without_a_report_stderr_is_the_programs_alone() -> None:
    for stderr in (b"", b"no report", b"\x1e", b"\x1e{\n half", b"\x1e[]\n", b"\x1e{\n" + b"x" * 40000):
        assert through_report(stderr) == (stderr, {})


def test_what_only_begins_like_a_report_is_not_held_back() -> None:
    passed: list[bytes] = []
    report = Report(passed.append)
    report.feed(b"\x1equestion? ")
    assert passed == [b"\x1equestion? "]
