"""Secure storage that is damaged, gone, full or read-only: told in words each time, nothing is removed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from teeforge.lab import Lab
from teeforge.modules.program import Program
from teeforge.targets.parcel import Upload
from teeforge.targets.target import Session

from .conftest import Ran, run_invoke
from .test_wasi import compiled

pytestmark = pytest.mark.e2e

NAME = "test-storage"
# In the order in which they are made: OP-TEE's list of versions, then what the TA keeps.
OBJECTS = ("dirf.db", "0", "1", "2", "3")
ANEW = "`invoke storage.anew`"


def flip(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    for at in range(0, len(data), 256):
        data[at] ^= 0xFF
    (folder / name).write_bytes(data)


def truncate(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])


def zero(folder: Path, name: str) -> None:
    (folder / name).write_bytes(bytes((folder / name).stat().st_size))


def zero_head(folder: Path, name: str) -> None:
    (folder / name).write_bytes(bytes(4096) + (folder / name).read_bytes()[4096:])


def empty(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"")


def remove(folder: Path, name: str) -> None:
    (folder / name).unlink()


def swap(folder: Path, name: str) -> None:
    other = "3" if name != "3" else "2"
    one, two = (folder / name).read_bytes(), (folder / other).read_bytes()
    (folder / name).write_bytes(two)
    (folder / other).write_bytes(one)


FAULTS: tuple[Callable[[Path, str], None], ...] = (flip, truncate, zero, zero_head, empty, remove, swap)


class Storage:
    """The secure storage of a machine of its own, and the program that uses it."""

    def __init__(self, lab: Lab, name: str, program: Program) -> None:
        self.lab = lab
        self.name = name
        self.program = program
        self.folder = lab.workspace.targets / name / "tee"
        self.session: Session | None = None

    def start(self) -> Ran:
        """Have the machine on, with the runtime TA, its host app and the program."""
        done = run_invoke("boot", "--name", self.name)
        assert done.status == 0, done.stderr
        ours = self.lab.builder.build(["wasm_ta"])["wasm_ta"]
        files = [
            Upload(ours.product(entry.product), entry.path, int(entry.mode, 8))
            for entry in self.lab.recipes["wasm_ta"].deploy
        ]
        self.session = self.lab.fleet.machine_as_it_is(self.name).target().connect()
        self.session.push([*files, Upload(self.program.signed, "/tmp/note.aot")])
        return done

    def halt(self) -> None:
        if self.session:
            self.session.close()
            self.session = None
        assert run_invoke("halt", "--name", self.name).status == 0

    def run(self, *argv: str) -> Ran:
        """Run a command on the machine."""
        assert self.session
        out, err = bytearray(), bytearray()
        status = self.session.run(argv, on_stdout=out.extend, on_stderr=err.extend)
        return Ran(status, bytes(out), err.decode(errors="replace"))

    def note(self, *argv: str) -> Ran:
        return self.run("optee_wamr", "--quiet", "1M", "/tmp/note.aot", *argv)

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def replace(self, files: dict[str, bytes]) -> None:
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        for name, data in files.items():
            (self.folder / name).write_bytes(data)

    def forget(self) -> None:
        self.halt()
        shutil.rmtree(self.folder.parent)


@pytest.fixture
def storage(vm: Lab) -> Iterator[Storage]:
    """Storage that was never used."""
    made = Storage(vm, NAME, compiled(vm, "note.c"))
    made.start()
    yield made
    made.forget()


@pytest.fixture(scope="module")
def kept(vm: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Storage, Path]]:
    """Storage of a machine that is off, and a copy of it with one note in it."""
    made = Storage(vm, f"{NAME}-kept", compiled(vm, "note.c"))
    made.start()
    assert made.note("put", "first").status == 0
    made.halt()
    copy = tmp_path_factory.mktemp("storage") / "tee"
    shutil.copytree(made.folder, copy)
    yield made, copy
    made.forget()


def signed(lab: Lab, version: int, folder: Path) -> Upload:
    """Return the runtime TA, signed as one of that version."""
    products = lab.builder.build(["wasm_ta", "optee_os"])
    kit = products["optee_os"].product("ta_dev_kit")
    elf = products["wasm_ta"].product("elf")
    ta = folder / f"{version}.ta"
    subprocess.run(
        [
            *(sys.executable, kit / "scripts" / "sign_encrypt.py", "sign-enc", "--uuid", elf.stem),
            *("--ta-version", str(version), "--key", kit / "keys" / "default_ta.pem"),
            *("--in", elf, "--out", ta),
        ],
        check=True,
    )
    return Upload(ta, f"/lib/optee_armtz/{elf.stem}.ta", 0o444)


def told(done: Ran) -> str:
    """Return the one line in which the host app tells what is wrong, without the program's own."""
    assert done.status != 0, done
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("optee_wamr: "))
    return line


def matrix() -> list[tuple[str, Callable[[Path, str], None]]]:
    """Return each fault of each object if TEEFORGE_ALL_FAULTS is set, else each of them once."""
    whole = bool(os.environ.get("TEEFORGE_ALL_FAULTS"))
    return [
        (OBJECTS[row % len(OBJECTS)], fault)
        for column, fault in enumerate(FAULTS)
        for row in (range(len(OBJECTS)) if whole else [column])
    ]


@pytest.mark.parametrize(("name", "fault"), matrix(), ids=lambda part: getattr(part, "__name__", part))
def test_each_fault_of_each_object_is_told_at_each_start_and_nothing_is_removed(
    kept: tuple[Storage, Path], name: str, fault: Callable[[Path, str], None]
) -> None:
    storage, copy = kept
    shutil.rmtree(storage.folder)
    shutil.copytree(copy, storage.folder)
    assert set(OBJECTS) == set(storage.files())
    fault(storage.folder, name)
    damaged = storage.files()

    for _ in range(2):
        storage.start()
        for words in (["get"], ["get"], ["put", "second"], ["get"]):
            line = told(storage.note(*words))
            assert re.search("is damaged|damaged, missing", line) and ANEW in line, line
        storage.halt()
        assert storage.files() == damaged


def test_a_file_that_is_damaged_is_not_replaced_by_another_one(storage: Storage) -> None:
    assert storage.note("put", "first").status == 0
    storage.halt()
    flip(storage.folder, "2")
    damaged = storage.files()["2"]
    storage.start()
    for _ in range(2):
        line = told(storage.note("replace", "second"))
        assert "/secure/note is damaged" in line and ANEW in line
        assert "/secure/note is damaged" in told(storage.note("get"))
    storage.halt()
    assert storage.files()["2"] == damaged


def test_damage_names_the_file_that_is_damaged(kept: tuple[Storage, Path]) -> None:
    storage, copy = kept
    lines = []
    for name in OBJECTS:
        shutil.rmtree(storage.folder)
        shutil.copytree(copy, storage.folder)
        flip(storage.folder, name)
        storage.start()
        done = storage.note("get")
        lines.append(told(done) if done.status else "")
        storage.halt()
    text = "\n".join(lines)
    for what in ("dirf.db", "versions of TAs", "the lock of /secure", "the index of /secure", "/secure/note"):
        assert what in text, text


def test_storage_that_is_wholly_gone_is_an_error_until_it_is_begun_anew(storage: Storage) -> None:
    assert storage.note("put", "first").status == 0
    storage.halt()
    left = storage.files()
    for path in storage.folder.iterdir():
        path.unlink()
    for _ in range(2):
        done = run_invoke("boot", "--name", NAME)
        assert done.status == 1
        assert (
            f"the secure storage of the machine {NAME} is gone" in done.stderr
            and "storage.anew" in done.stderr
        )
    storage.replace(left)
    storage.start()
    assert storage.note("get").stdout == b"first"
    done = run_invoke("storage.anew", "--name", NAME)
    assert done.status == 0 and "tee-1" in done.stderr, done.stderr
    assert {path.name for path in storage.folder.with_name("tee-1").iterdir()} == set(left)
    storage.start()
    assert storage.note("get").status == 5
    assert storage.note("put", "second").status == 0


def test_an_older_copy_is_told_when_the_machine_starts(storage: Storage) -> None:
    assert storage.note("put", "first").status == 0
    storage.halt()
    older = storage.files()
    assert "was changed" not in storage.start().stderr
    assert storage.note("put", "second").status == 0
    storage.halt()
    newer = storage.files()
    # All of it together is what it was, and nothing in the TEE can tell.
    storage.replace(older)
    assert "its secure storage was changed while it was off" in storage.start().stderr
    assert storage.note("get").stdout == b"first"
    storage.halt()
    # The directory alone names objects that are not there any more.
    mixed = {**newer, "dirf.db": older["dirf.db"]}
    storage.replace(mixed)
    storage.start()
    assert "is damaged" in told(storage.note("get"))
    assert "is damaged" in told(storage.note("put", "third"))
    storage.halt()
    assert storage.files() == mixed


def test_a_program_that_ignores_damage_is_told_on_stderr(storage: Storage) -> None:
    assert storage.note("put", "first").status == 0
    storage.halt()
    remove(storage.folder, "3")
    storage.start()
    done = storage.note("careless", "10")
    assert done.status == 0
    assert "the index of /secure is damaged" in done.stderr and ANEW in done.stderr


def test_what_cannot_be_stored_at_the_end_of_a_run_is_status_126(storage: Storage) -> None:
    assert storage.run("mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", "/var/lib/tee").status == 0
    assert storage.note("put", "first").status == 0
    done = storage.note("careless", "400000")
    assert done.status == 126
    line = told(done)
    assert "not all of what the program wrote is stored: /secure/careless" in line and "no space left" in line
    assert "make room" in line
    assert storage.run("mount", "-o", "remount,size=4m", "/var/lib/tee").status == 0
    assert storage.note("get").stdout == b"first"
    assert storage.note("careless", "400000").status == 0


def test_storage_that_is_read_only_is_read_and_a_write_is_told(storage: Storage) -> None:
    assert storage.note("put", "first").status == 0
    assert storage.run("mount", "-o", "remount,ro", "/var/lib/tee").status == 0
    assert storage.note("get").stdout == b"first"
    done = storage.note("put", "second")
    assert done.status == 126 and "read-only" in told(done), done.stderr
    assert storage.run("mount", "-o", "remount,rw", "/var/lib/tee").status == 0
    assert storage.note("get").stdout == b"first"


def test_the_first_use_of_storage_that_cannot_be_written_is_told(storage: Storage) -> None:
    assert storage.run("mount", "-o", "remount,ro", "/var/lib/tee").status == 0
    line = told(storage.note("put", "first"))
    assert "cannot be written" in line


def test_more_than_memory_holds_is_told_though_the_program_ends_well(storage: Storage) -> None:
    done = storage.run(
        *("optee_wamr", "--quiet", "--files-limit", "64K", "1M", "/tmp/note.aot", "careless", "400000")
    )
    assert "a write to /secure failed: there is no memory" in done.stderr, done


def test_a_ta_of_an_older_version_is_refused_before_and_after_a_boot(
    storage: Storage, tmp_path: Path
) -> None:
    older, newer = (signed(storage.lab, version, tmp_path) for version in (1, 2))
    for ta, status in ((older, 0), (newer, 0), (older, 126), (newer, 0)):
        assert storage.session
        storage.session.push([ta])
        # Twice: the first time the core asks the list of versions, the second time it knows.
        assert [storage.note("put", "first").status for _ in range(2)] == [status, status]
    storage.halt()
    storage.start()
    assert storage.session
    storage.session.push([older])
    assert storage.note("get").status == 126
    storage.session.push([newer])
    assert storage.note("get").stdout == b"first"
