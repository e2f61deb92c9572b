"""WASI preview 1 in the secure world: the official suite, folders, stdin, and what outlives the run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from teeforge.base.errors import UnreachableError
from teeforge.lab import Lab
from teeforge.modules.program import Program, build_program
from teeforge.targets.parcel import Upload

from .conftest import ROOT, SAMPLES, Ran, run_invoke

pytestmark = pytest.mark.e2e

PROGRAMS = Path(__file__).parent / "programs"


def run_with_stdin(data: bytes, *arguments: str | Path) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "run", *map(str, arguments)],
        cwd=ROOT,
        input=data,
        capture_output=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def compiled(lab: Lab, name: str) -> Program:
    wamrc = lab.builder.build(["wamrc"])["wamrc"].product("wamrc")
    cc = lab.programs.wasm_compiler()
    return build_program(
        PROGRAMS / name, wamrc=wamrc, cache=lab.workspace.cache / "programs", cc=cc, signer=lab.signer
    )


def on_target(vm: Lab, *argv: str) -> Ran:
    out, err = bytearray(), bytearray()
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        status = session.run(argv, on_stdout=out.extend, on_stderr=err.extend)
    return Ran(status, bytes(out), err.decode(errors="replace"))


def test_every_module_of_the_official_suite_passes_in_the_tee(vm: Lab, tmp_path: Path) -> None:
    try:
        vm.builder.sources.fetch("wasi-testsuite")
    except UnreachableError as error:
        pytest.skip(f"NOT TESTED, the suite cannot be had: {error.message}")
    junit = tmp_path / "junit.xml"
    done = run_invoke("wasi-test", "--junit", junit)
    assert b"72 of 72 pass" in done.stdout, done.stdout.decode()
    assert done.status == 0
    suites = ElementTree.parse(junit).getroot()
    assert {suite.get("name"): suite.get("tests") for suite in suites} == {
        "wasi-testsuite.assemblyscript": "12",
        "wasi-testsuite.c": "14",
        "wasi-testsuite.rust": "46",
    }


@pytest.mark.parametrize("data", [b"", b"one line\n", bytes(range(256)), os.urandom(1 << 20)])
def test_stdin_reaches_the_program_whole_and_ends(vm: Lab, data: bytes) -> None:
    done = run_with_stdin(data, SAMPLES / "cat.c")
    assert (done.status, done.stdout) == (0, data), done.stderr


def test_stdin_is_left_alone_by_a_program_that_does_not_read_it(vm: Lab) -> None:
    run_invoke("run", SAMPLES / "hello.c")
    done = on_target(
        vm, "sh", "-c", "echo mine | { optee_wamr --quiet 2M /tmp/hello.*.aot >/dev/null; cat; }"
    )
    assert (done.status, done.stdout) == (0, b"mine\n"), done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    (made / "sub").mkdir(parents=True)
    for name in ("changed.txt", "gone.txt", "kept.txt", "sub/moved.txt"):
        (made / name).write_text(f"{name}\n")
    (made / "outside").symlink_to("/etc/passwd")
    return made


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_a_folder_is_read_by_the_program_and_stays_as_it_was(vm: Lab, folder: Path) -> None:
    before = contents(folder)
    done = run_invoke("run", PROGRAMS / "tree.c", "--dir", folder)
    assert done.status == 0, done.stderr
    names = {".", "..", "changed.txt", "gone.txt", "kept.txt", "sub", "outside"}
    assert set(done.stdout.decode().split()) == names
    assert contents(folder) == before


def test_a_writable_folder_is_afterwards_what_the_program_left(vm: Lab, folder: Path) -> None:
    inode = (folder / "kept.txt").stat().st_ino
    lent = ["--dir", f"{folder}::/data:rw", "--dir", f"{PROGRAMS}::/data/other/programs"]
    done = run_invoke("run", PROGRAMS / "tree.c", *lent, "--args", "/data")
    assert done.status == 0, done.stderr
    assert contents(folder) == {
        "changed.txt": "changed.txt\nmore\n",
        "kept.txt": "kept.txt\n",
        "made/moved.txt": "sub/moved.txt\n",
        "new.txt": "new\n",
    }
    assert not (folder / "sub").exists()
    assert str((folder / "link").readlink()) == "changed.txt"
    assert str((folder / "outside").readlink()) == "/etc/passwd"
    assert (folder / "kept.txt").stat().st_ino == inode


def test_a_folder_that_is_not_there_is_one_line(vm: Lab, tmp_path: Path) -> None:
    done = run_invoke("run", SAMPLES / "hello.c", "--dir", tmp_path / "none")
    assert done.status == 1
    assert "none is not there" in done.stderr


def test_more_files_than_there_is_room_for_are_refused(vm: Lab, tmp_path: Path) -> None:
    (tmp_path / "huge").write_bytes(bytes(24 << 20))
    done = run_invoke("run", SAMPLES / "hello.c", "--dir", tmp_path)
    assert done.status == 125
    assert "no memory for the program's files" in done.stderr
    assert run_invoke("run", SAMPLES / "hello.c").status == 0


def test_a_full_filesystem_is_an_error_of_the_program_alone(vm: Lab) -> None:
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        session.push([Upload(compiled(vm, "fill.c").signed, "/tmp/fill.aot")])
    for limit, least, most in ((["--files-limit", "1M"], 700_000, 1 << 20), ([], 4 << 20, 16 << 20)):
        done = on_target(vm, "optee_wamr", *limit, "1M", "/tmp/fill.aot")
        assert done.status == 0, done.stderr
        why, written, again = done.stdout.decode().splitlines()
        assert why == again == "No space left on device"
        assert least < int(written) <= most


@pytest.fixture
def secret(vm: Lab) -> Iterator[str]:
    name = f"secret-{os.urandom(4).hex()}"
    yield name
    assert run_invoke("run", PROGRAMS / "secret.c", "--args", f"remove {name}").status == 0
    assert name not in run_invoke("run", PROGRAMS / "secret.c", "--args", "list").stdout.decode()


def test_what_is_in_secure_outlives_the_run_and_the_boot(vm: Lab, secret: str) -> None:
    word = os.urandom(8).hex()
    done = run_invoke("run", PROGRAMS / "secret.c", "--args", f"write {secret} {word}")
    assert done.status == 0, done.stderr
    assert secret in run_invoke("run", PROGRAMS / "secret.c", "--args", "list").stdout.decode()

    stored = vm.fleet.machine_as_it_is("qemu").folder / "tee"
    assert not any(word.encode() in path.read_bytes() for path in stored.rglob("*") if path.is_file())
    assert run_invoke("halt").status == 0
    done = run_invoke("run", PROGRAMS / "secret.c", "--args", f"read {secret}")
    assert (done.status, done.stdout.decode()) == (0, word), done.stderr
