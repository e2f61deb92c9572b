"""What nobody allowed does not run in the TEE, and what runs has storage of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from teeforge.lab import Lab
from teeforge.settings.modules import DEVELOPMENT_KEY
from teeforge.settings.terms import UNSAID, Terms
from teeforge.targets.parcel import Upload
from teeforge.targets.target import Session

from .conftest import SAMPLES, Ran, run_invoke
from .test_wasi import compiled

pytestmark = pytest.mark.e2e

REFUSED = 125
# Of its own each time: what a machine has stored outlives a test.
ROLLBACK = f"rollback-{secrets.token_hex(4)}"


class Machine:
    """The machine, with a program of ours on any terms."""

    def __init__(self, lab: Lab, session: Session, folder: Path) -> None:
        self.lab = lab
        self.session = session
        self.folder = folder
        self.aot = compiled(lab, "note.c").aot.read_bytes()

    def push(self, data: bytes, to: str = "/tmp/signed.aot") -> None:
        (self.folder / "pushed").write_bytes(data)
        self.session.push([Upload(self.folder / "pushed", to)])

    def sign(self, terms: Terms = UNSAID, to: str = "/tmp/signed.aot") -> None:
        self.push(self.lab.signer.sign(self.aot, "signed-test", terms), to)

    def sh(self, script: str) -> Ran:
        out, err = bytearray(), bytearray()
        status = self.session.run(["sh", "-c", script], on_stdout=out.extend, on_stderr=err.extend)
        return Ran(status, bytes(out), err.decode(errors="replace"))

    def run(self, *words: str, options: str = "", heap: str = "1M", file: str = "/tmp/signed.aot") -> Ran:
        return self.sh(f"optee_wamr --quiet {options} {heap} {file} {' '.join(words)}")


@pytest.fixture
def machine(vm: Lab, tmp_path: Path) -> Iterator[Machine]:
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        yield Machine(vm, session, tmp_path)


def refusal(done: Ran) -> str:
    """Return the one line of a module that was refused."""
    assert (done.status, done.stdout) == (REFUSED, b""), done
    (line,) = done.stderr.splitlines()
    return line


def test_what_is_not_signed_as_it_must_be_does_not_run(machine: Machine) -> None:
    good = machine.lab.signer.sign(machine.aot, "signed-test", UNSAID)
    size = len(machine.aot)
    bad = {
        "is not signed": machine.aot,
        "cut short": good[:-3],
        "two signatures": good + good[size:],
        "other bytes than were signed": bytes([*good[:5000], good[5000] ^ 1, *good[5001:]]),
        "is not what was signed": good[: size + 120] + b"\x01" + good[size + 121 :],
    }
    for words, data in bad.items():
        machine.push(data)
        line = refusal(machine.run("get"))
        assert words in line and "invoke sign" in line, line


def test_more_than_the_manifest_allows_is_refused(machine: Machine) -> None:
    machine.sign(Terms(heap="512KiB", folders="read"))
    assert "more than the manifest allows" in refusal(machine.run("get"))
    machine.sh("mkdir -p /tmp/lent")
    lent = "--dir /tmp/lent::/lent:rw"
    assert "for reading only" in refusal(machine.run("get", heap="400K", options=lent))
    machine.sign(Terms(wasi=("arguments", "clocks")))
    assert "files (path_*, fd_readdir)" in refusal(machine.run("get"))
    machine.sign(Terms(folders="none"))
    assert "allows no folders" in refusal(machine.run("get", options="--dir /tmp/lent::/lent"))


def test_each_program_has_a_secure_folder_of_its_own(machine: Machine) -> None:
    machine.sign(Terms(name="space-one"), "/tmp/one.aot")
    machine.sign(Terms(name="space-two"), "/tmp/two.aot")
    assert machine.run("put", "first", file="/tmp/one.aot").status == 0
    assert machine.run("get", file="/tmp/two.aot").stdout != b"first\n"
    assert machine.run("put", "second", file="/tmp/two.aot").status == 0
    assert b"first" in machine.run("get", file="/tmp/one.aot").stdout
    assert b"second" in machine.run("get", file="/tmp/two.aot").stdout


def test_an_older_version_is_refused_what_a_newer_one_stored(machine: Machine) -> None:
    machine.sign(Terms(name=ROLLBACK, version=1))
    assert machine.run("put", "by-one").status == 0
    machine.sign(Terms(name=ROLLBACK, version=3))
    assert b"by-one" in machine.run("get").stdout
    assert machine.run("put", "by-three").status == 0
    machine.sign(Terms(name=ROLLBACK, version=2))
    for words in (["get"], ["put", "by-two"]):
        done = machine.run(*words)
        assert done.status == REFUSED and b"by-three" not in done.stdout, done
        wanted = f"version 2 of {ROLLBACK} is older than version 3"
        assert wanted in done.stderr and "run that version or a newer one" in done.stderr
    machine.sign(Terms(name=ROLLBACK, version=3))
    assert b"by-three" in machine.run("get").stdout


def test_a_program_has_no_more_storage_than_its_manifest_allows(machine: Machine) -> None:
    machine.sign(Terms(name="quota", storage="2KiB"))
    assert machine.run("put", "small").status == 0
    done = machine.run("put", "$(head -c 3000 /dev/zero | tr '\\0' x)")
    assert "allows it 2048 bytes" in done.stderr and "invoke sign" in done.stderr, done
    assert b"small" in machine.run("get").stdout or machine.run("get").stdout == b""
    machine.sign(Terms(name="quota-none", storage="0"))
    done = machine.run("put", "small")
    assert "allows it nothing in /secure" in done.stderr, done


def test_no_program_waits_for_the_storage_of_another_one(machine: Machine) -> None:
    machine.sign(Terms(name="holder"), "/tmp/holder.aot")
    machine.sign(Terms(name="other"), "/tmp/other.aot")
    script = (
        "optee_wamr --quiet 1M /tmp/holder.aot hold 120 >/dev/null 2>&1 & sleep 4;"
        "optee_wamr --quiet 1M /tmp/other.aot put mine; echo other $?;"
        "optee_wamr --quiet 1M /tmp/holder.aot put mine; echo holder $?; kill $!; wait"
    )
    done = machine.sh(script)
    # Its own second run waits, and gives up after a while.
    assert done.stdout.splitlines() == [b"other 0", b"holder 2"], done
    assert "in use by another run" in done.stderr


def test_invoke_sign_makes_an_aot_from_elsewhere_one_that_runs(machine: Machine, tmp_path: Path) -> None:
    lab = machine.lab
    plain = tmp_path / "elsewhere.aot"
    plain.write_bytes(compiled(lab, f"{SAMPLES}/hello.c").aot.read_bytes())
    done = run_invoke("run", plain)
    assert done.status == 1 and "is not signed" in done.stderr and "invoke sign" in done.stderr
    done = run_invoke("sign", plain, "--name", "greeting", "--version", "4", "--storage", "0")
    assert done.status == 0, done.stderr
    assert f"greeting version 4, by the key {DEVELOPMENT_KEY[:16]}" in done.stdout.decode()
    # What the judge says of code whose origin nobody recorded.
    assert "no .aot.json beside it" in done.stderr
    assert run_invoke("run", plain).status == 0
    assert "greeting version 4" in run_invoke("wasm-info", plain).stdout.decode()
    assert run_invoke("run", plain, "--where", "normal").status == 0
    # A copy is signed as well; signed again, there is one signature still.
    assert run_invoke("sign", plain, "--output", tmp_path / "again.aot").status == 0
    assert (tmp_path / "again.aot").stat().st_size == plain.stat().st_size
    assert any(
        "name greeting version 4" in line for line in lab.fleet.machine_as_it_is("qemu").tail("secure", 60)
    )


def test_what_cannot_run_is_not_signed(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "cut.aot"
    file.write_bytes(machine.aot[: len(machine.aot) // 2])
    before = file.read_bytes()
    done = run_invoke("sign", file)
    assert done.status == 1 and file.read_bytes() == before
    assert len(done.stderr.strip().splitlines()) <= 2, done.stderr


def test_a_source_is_compiled_and_signed_for_whoever_sends_it_himself(
    machine: Machine, tmp_path: Path
) -> None:
    done = run_invoke("sign", SAMPLES / "exit7.c", "--output", tmp_path / "seven.aot")
    assert done.status == 0 and "warning" not in done.stderr, done.stderr
    machine.push((tmp_path / "seven.aot").read_bytes())
    assert machine.run().status == 7
    done = run_invoke("sign", SAMPLES / "exit7.c")
    assert done.status == 1 and "--output" in done.stderr
