"""What a program is made of, as the user names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.compiling.advice import Hints, advice
from teeforge.compiling.sources import Sources, check_readable, gather


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in (
        "main.c",
        "util.c",
        "more.cpp",
        "x.wasm",
        "y.wasm",
        "lib.a",
        "src/a.c",
        "src/b.c",
        "inc/u.h",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


def refusal(*arguments: object) -> TeeforgeError:
    with pytest.raises(TeeforgeError) as caught:
        gather(*arguments)  # type: ignore[arg-type]
    assert "\n" not in caught.value.message
    return caught.value


def test_several_files_with_flags_are_one_program(here: Path) -> None:
    made = gather(Path("main.c"), ["util.c", "lib.a"], "-Iinc '-DS=a b'", "-lm")
    assert made.files == (Path("main.c"), Path("util.c"), Path("lib.a"))
    assert (made.c_flags, made.ld_flags, made.cxx) == (("-Iinc", "-DS=a b"), ("-lm",), False)
    check_readable(made)
    assert gather(Path("main.c"), ["more.cpp"]).cxx


@pytest.mark.parametrize("word", ["y", "-", "a.txt", "1", "z.wasm"])
def test_what_is_meant_as_an_argument_is_told_how_to_be_one(here: Path, word: str) -> None:
    assert f"--args {word}" in refusal(Path("main.c"), [word]).hint


def test_two_modules_are_two_programs(here: Path) -> None:
    assert "module of its own" in refusal(Path("x.wasm"), ["y.wasm"]).message


def test_flags_are_for_sources(here: Path) -> None:
    for arguments in ((["util.c"], "", ""), ([], "-O1", ""), ([], "", "-lm")):
        assert "compiled here" in refusal(Path("x.wasm"), *arguments).message


def test_an_open_quotation_in_flags_is_told(here: Path) -> None:
    assert "--cflags" in refusal(Path("main.c"), [], "'-DX").message


def test_a_folder_is_all_its_sources(here: Path) -> None:
    assert gather(Path("src")).files == (Path("src/a.c"), Path("src/b.c"))
    assert "program.yaml" in refusal(Path("inc")).hint


def test_a_list_in_a_folder_names_files_and_flags(here: Path) -> None:
    Path("program.yaml").write_text("sources: [main.c, 'src/*.c']\ncflags: -Iinc -DN=3\n")
    made = gather(Path())
    assert made.files == (Path("main.c"), Path("src/a.c"), Path("src/b.c"))
    assert (made.c_flags, made.folder) == (("-Iinc", "-DN=3"), Path())


@pytest.mark.parametrize(
    "text", ["sources: []", "source: [a.c]", "sources: ['no/*.c']", 'sources: [a.c]\ncflags: "\'"', "{", ""]
)
def test_a_list_without_sense_is_told_with_its_name(here: Path, text: str) -> None:
    Path("program.yaml").write_text(text)
    with pytest.raises(TeeforgeError, match=r"program\.yaml"):
        gather(Path())


def test_a_missing_further_file_is_told(here: Path) -> None:
    with pytest.raises(TeeforgeError, match=r"utl\.c: there is no such file"):
        check_readable(gather(Path("main.c"), ["utl.c"]))


def advised(told: str, c_flags: tuple[str, ...] = ()) -> str:
    return advice(told, Sources(Path("src/a.c"), (Path("src/a.c"),), c_flags))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            '#error "compile with -D_WASI_EMULATED_SIGNAL and link with -lwasi-emulated-signal"',
            'add --cflags="-D_WASI_EMULATED_SIGNAL" --ldflags="-lwasi-emulated-signal"',
        ),
        ("fatal error: 'u.h' file not found", 'add --cflags="-Isrc/../inc"'),
        ("fatal error: 'no.h' file not found", "tell where no.h is: --cflags=-IFOLDER"),
        (
            "/usr/include/setjmp.h:29:10: fatal error: 'bits/setjmp.h' file not found",
            "setjmp.h is not in WASI's",
        ),
        ("undefined symbol: pthread_create", "WASI preview 1 has none"),
        ("undefined symbol: fork", "do without other processes"),
        ("undefined symbol: forked", "name the source or library that has it"),
        ("undefined symbol: main", "none of the files has a main()"),
        ("error: cannot use 'throw' with exceptions disabled", "newer than this WAMR"),
        ("error: use of undeclared identifier 'x'", ""),
    ],
)
def test_advice_names_options_that_there_are(here: Path, told: str, said: str) -> None:
    assert said in advised(told)
    assert said or not advised(told)


def test_advice_that_was_half_taken_is_completed(here: Path) -> None:
    told = advised("undefined symbol: raise", ("-D_WASI_EMULATED_SIGNAL",))
    assert told == 'add --ldflags="-lwasi-emulated-signal"'


def test_what_libc_says_at_run_time_becomes_an_option() -> None:
    sent: list[bytes] = []
    hints = Hints(sent.append)
    for part in (b"To enable it, add -lc-print", b"scan-long-double to the link command.\n"):
        hints.feed(part)
    assert b"".join(sent).startswith(b"To enable it")
    assert hints.lines() == ['hint: add --ldflags="-lc-printscan-long-double"']
