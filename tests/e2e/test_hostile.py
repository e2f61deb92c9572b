"""Hostile input in the real TEE: whatever it is, the run ends, says how, and the next run works."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from teeforge.lab import Lab
from teeforge.settings.terms import UNSAID
from teeforge.targets.parcel import Upload
from teeforge.targets.target import Session

from .conftest import ROOT, SAMPLES, run_invoke
from .manytypes import many_types
from .mutants import mutants
from .test_run import compiled

pytestmark = pytest.mark.e2e

# For thousands of them, by hand: TEEFORGE_MUTANTS=2000
COUNT = int(os.environ.get("TEEFORGE_MUTANTS", "300"))
SEED = int(os.environ.get("TEEFORGE_MUTANTS_SEED", "1"))

# hostile_host asks for the end after 1.5 s, and the OP-TEE core waits for 2 s more.
LONGEST_MS = 15000


@dataclass(frozen=True)
class Ended:
    """How a run ended: exited-N, outcome-N (wasm_ta.h), or error-N (of the TEE)."""

    name: str
    how: str
    millis: int
    words: str


@dataclass(frozen=True)
class Target:
    """The machine with our own host app on it."""

    lab: Lab
    session: Session

    def hostile(self, *arguments: str) -> list[Ended]:
        said: list[bytes] = []
        words = ["sh", "-c", f'hostile_host {" ".join(arguments)}; echo "status $? 0 "']
        self.session.run(words, on_stdout=said.append, on_stderr=said.append)
        told = b"".join(said).decode(errors="replace")
        lines = [line.split(" ", 3) for line in told.splitlines()]
        assert lines[-1][:2] == ["status", "0"], told[-500:]
        return [Ended(name, how, int(millis), words) for name, how, millis, words in lines[:-1]]

    def shell(self, script: str) -> bytes:
        said: list[bytes] = []
        status = self.session.run(["sh", "-c", script], on_stdout=said.append, on_stderr=said.append)
        assert status == 0, said
        return b"".join(said)

    def push(self, path: Path, to: str) -> None:
        self.session.push([Upload(path, to)])


@pytest.fixture
def target(vm: Lab, tmp_path: Path) -> Iterator[Target]:
    """A connection, with hostile_host deployed; afterwards the core lives and hello runs."""
    program = tmp_path / "hostile_host"
    export = vm.builder.build(["optee_client"])["optee_client"].product("export")
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", f"-I{export}/usr/include", f"-L{export}/usr/lib"]
    files = [f"-I{ROOT}/overlays/wasm_ta/ta/include", str(ROOT / "tests/e2e/hostile_host.c")]
    compiler = f"{vm.config.toolchain.cross}gcc"
    subprocess.run([compiler, *flags, *files, "-o", str(program), "-lteec", "-lpthread"], check=True)
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        session.push([Upload(program, "/usr/bin/hostile_host", 0o755)])
        yield Target(vm, session)
    done = run_invoke("run", SAMPLES / "hello.c")
    assert done.status == 0, done.stderr
    log = vm.fleet.machine_as_it_is("qemu").tail("secure", 20000)
    assert not [line for line in log if line.startswith("E/TC:") and "Panic" in line]


def seed_file(vm: Lab, folder: Path) -> bytes:
    """Return a small AOT file with a bit of everything."""
    wamrc = vm.builder.build(["wamrc"])["wamrc"].product("wamrc")
    cc = vm.programs.wasm_compiler()
    wasm, aot = folder / "seed.wasm", folder / "seed.aot"
    flags = ["-O1", "-nostdlib", "-mcpu=mvp", "-s", "-Wl,-z,stack-size=8192", "-Wl,--export=__heap_base"]
    subprocess.run([*cc.argv, *flags, ROOT / "tests/fuzz/seed.c", "-o", wasm], check=True)
    subprocess.run(
        [wamrc, "--target=aarch64", "--bounds-checks=1", "-o", aot, wasm], check=True, capture_output=True
    )
    return aot.read_bytes()


def packed(files: list[tuple[str, bytes]], path: Path) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, data in files:
            entry = tarfile.TarInfo(f"mutants/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


@pytest.mark.timeout(120 + 2 * COUNT)
def test_no_damaged_file_stops_the_tee(target: Target, tmp_path: Path) -> None:
    sound = [seed_file(target.lab, tmp_path), compiled(target.lab, "hello.c").aot.read_bytes()]
    ended: list[Ended] = []
    # Signed, or they would be refused before they are looked at
    files = [(name, target.lab.signer.sign(data, name, UNSAID)) for name, data in mutants(sound, COUNT, SEED)]
    for begin in range(0, COUNT, 500):
        part = files[begin : begin + 500]
        target.push(packed(part, tmp_path / "mutants.tgz"), "/tmp/mutants.tgz")
        target.shell("cd /tmp && rm -rf mutants && tar xzf mutants.tgz")
        ended += target.hostile("files", "/tmp/mutants/*")

    counts = Counter(end.how for end in ended)
    print(f"{COUNT} mutants, {sum(end.millis for end in ended) / 1000:.0f} s:", counts.most_common())
    assert [end.name for end in ended] == [name for name, _ in files]
    assert not [end for end in ended if end.how.startswith("outcome") and not end.words]
    assert not [end for end in ended if end.millis > LONGEST_MS]
    # TARGET_DEAD: machine code that no compiler made ended its own instance, and no other
    assert {how for how in counts if how.startswith("error")} <= {"error-ffff3024"}
    assert counts["outcome-3"] > COUNT / 4
    # Damage that leaves the code alone, where it is and where it is entered, is found before it runs
    sound_code = ("_truncate", "_size", "_swap")
    dead = [end.name for end in ended if end.how.startswith("error") and end.name.endswith(sound_code)]
    assert not dead, f"files with sound code ended the TA: {dead}"


def test_streams_may_be_overwritten_while_a_program_writes(target: Target) -> None:
    target.push(compiled(target.lab, "flood.c").signed, "/tmp/flood.aot")
    ended = target.hostile("streams", "/tmp/flood.aot", "40")
    assert len(ended) == 40
    assert max(end.millis for end in ended) < LONGEST_MS
    assert not [end for end in ended if end.how.startswith("error")], ended


def test_a_module_may_be_changed_while_the_ta_takes_it(target: Target) -> None:
    """What was measured and checked is what runs: the TA looks at its own copy."""
    target.push(compiled(target.lab, "hello.c").signed, "/tmp/hello.aot")
    ended = target.hostile("module", "/tmp/hello.aot", "60")
    assert len(ended) == 60
    assert max(end.millis for end in ended) < LONGEST_MS


def test_many_types_and_imports_are_checked_in_a_moment(target: Target, tmp_path: Path) -> None:
    """For each import its type is looked up: it was found by going through all of them, for minutes."""
    path = tmp_path / "many.aot"
    path.write_bytes(many_types(seed_file(target.lab, tmp_path), 65536, 10000))
    target.push(path, "/tmp/many.aot")
    (end,) = target.hostile("files", "/tmp/many.aot")
    assert end.how == "outcome-3" and end.millis < 5000, end


def test_any_command_with_any_parameters_is_answered(target: Target) -> None:
    ended = target.hostile("params", "500")
    assert len(ended) == 500
    assert not [end for end in ended if end.how == "error-ffff3024"], Counter(end.how for end in ended)


@pytest.mark.parametrize("sample", ["grow.c", "recurse.c", "shout.c"])
def test_a_program_that_wants_everything_is_stopped(target: Target, sample: str) -> None:
    """Memory, stack and output without end: the first two trap or give up, the last is ended from outside."""
    program = compiled(target.lab, f"../tests/e2e/greedy/{sample}")
    target.push(program.signed, "/tmp/greedy.aot")
    (end,) = target.hostile("files", "/tmp/greedy.aot")
    assert end.how == {"grow.c": "exited-0", "recurse.c": "outcome-2", "shout.c": "outcome-4"}[sample], end
    assert end.millis < LONGEST_MS


def test_programs_run_beside_each_other(vm: Lab, target: Target) -> None:
    target.push(compiled(vm, "sha256.c").signed, "/tmp/sha256.aot")
    script = (
        "for n in 1 2 3 4; do"
        '  optee_wamr 2097152 /tmp/sha256.aot > /tmp/out.$n 2>/dev/null & pids="$pids $!";'
        "done;"
        "for pid in $pids; do wait $pid || echo failed; done; cat /tmp/out.*"
    )
    said = target.shell(script)
    assert b"failed" not in said
    assert said.count(b"all right") == 4


def test_arguments_are_taken_up_to_their_limit_and_then_refused(vm: Lab, target: Target) -> None:
    target.push(compiled(vm, "hello.c").signed, "/tmp/hello.aot")
    said = target.shell(
        "long=$(head -c 100000 /dev/zero | tr '\\0' a);"
        "optee_wamr 2097152 /tmp/hello.aot $long > /dev/null 2>&1; echo one $?;"
        "optee_wamr 2097152 /tmp/hello.aot $long $long 2>&1 > /dev/null; echo two $?"
    ).decode()
    assert "one 0" in said
    assert "two 12" in said, said[-500:]
