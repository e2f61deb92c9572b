"""Machines resumed from a snapshot: the same machine, in less time; and what is done with a broken one."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from teeforge.machines import machine as machine_module
from teeforge.machines import snapshot as snapshot_module
from teeforge.machines.machine import Machine
from teeforge.machines.qemu import Deadlines, boot_command

from .bench import BOOTED, SLEEPER, Bench, is_alive, needs_qemu, pid_of

pytestmark = needs_qemu

RESUMED = ["resumed", "ssh"]
ALL_STATES = ["firmware", "optee", "linux", "prepared", "ssh"]


def boot(machine: Machine, *, cold: bool = False) -> list[str]:
    """Start a machine; return the states that were told."""
    told: list[str] = []
    assert machine.boot(lambda state, _: told.append(state), cold=cold) is True
    assert machine.state() == "ssh"
    return told


def snapshots(bench: Bench) -> list[Path]:
    return [path for path in (bench.folder / "snapshots").iterdir() if path.is_dir()]


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_the_first_start_is_a_boot_and_the_next_ones_resume(bench: Bench) -> None:
    machine = bench.machine(SLEEPER)
    assert boot(machine) == ALL_STATES
    booted = machine.console_log("normal").read_bytes(), machine.console_log("secure").read_bytes()
    machine.halt()
    for _ in range(2):
        assert boot(machine) == RESUMED
        # What the boot said is there, so that whoever reads the logs finds what it looks for.
        assert (
            machine.console_log("normal").read_bytes(),
            machine.console_log("secure").read_bytes(),
        ) == booted
        machine.halt()


def test_nobody_else_can_read_a_snapshot(bench: Bench) -> None:
    boot(bench.machine(SLEEPER))
    (made,) = snapshots(bench)
    assert (bench.folder / "snapshots").stat().st_mode & 0o777 == 0o700
    assert made.stat().st_mode & 0o777 == 0o700
    modes = {file.name: file.stat().st_mode & 0o777 for file in made.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    assert (made / "ram").stat().st_blocks * 512 < 32 << 20, "holes are not written"


def test_the_memory_of_a_machine_is_in_no_folder_and_gone_with_it(bench: Bench) -> None:
    machine = bench.machine(SLEEPER)
    boot(machine)
    pid = pid_of(machine)
    maps = Path(f"/proc/{pid}/maps").read_text()
    assert "/memfd:teeforge-ram (deleted)" in maps and "/dev/shm" not in maps
    os.kill(pid, 9)
    large = [path for path in bench.folder.rglob("*") if path.is_file() and path.stat().st_size >= 256 << 20]
    assert [path.name for path in large] == ["ram"], "the snapshot's, and no other"


def test_the_state_holds_none_of_the_memory(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    boot(bench.machine(SLEEPER))
    (made,) = snapshots(bench)
    assert (made / "state").stat().st_size < 4 << 20
    assert capfd.readouterr().err == ""


def test_memory_that_went_into_the_state_is_told_and_the_snapshot_serves_all_the_same(
    bench: Bench, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unshared(*arguments: Any) -> list[str]:
        return [word.replace("share=on", "share=off") for word in boot_command(*arguments)]

    monkeypatch.setattr(machine_module, "boot_command", unshared)
    machine = bench.machine(SLEEPER)
    boot(machine)
    (line,) = capfd.readouterr().err.splitlines()
    assert re.match(r"m: QEMU \d+\.\d+\.\d+.* wrote the machine's memory into its state, so .*: use ", line)
    machine.halt()
    assert boot(machine) == RESUMED
    assert capfd.readouterr().err == ""


def test_a_filesystem_without_holes_is_told(
    bench: Bench, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ftruncate = os.ftruncate

    def fill(descriptor: int, size: int) -> None:
        if "memfd:" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            ftruncate(descriptor, size)
        else:
            os.posix_fallocate(descriptor, 0, size)

    monkeypatch.setattr(os, "ftruncate", fill)
    machine = bench.machine(SLEEPER)
    boot(machine)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("m: the snapshot takes 256 of 256 MiB, for its filesystem keeps no holes: ")
    machine.halt()
    assert boot(machine) == RESUMED


def test_a_snapshot_of_another_qemu_is_told_and_replaced(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    machine = bench.machine(SLEEPER)
    boot(machine)
    machine.halt()
    (made,) = snapshots(bench)
    seal = json.loads((made / "made.json").read_text())
    (made / "made.json").write_text(json.dumps({**seal, "qemu": "6.1.0"}))
    assert boot(machine)[-5:] == ALL_STATES
    (line,) = capfd.readouterr().err.splitlines()
    assert f"QEMU 6.1.0 made it, and this is QEMU {seal['qemu']}" in line
    machine.halt()
    assert boot(machine) == RESUMED


def test_several_resume_from_one_snapshot_and_none_changes_it(bench: Bench) -> None:
    boot(bench.machine(SLEEPER, "a"))
    (made,) = snapshots(bench)
    before = digest(made / "ram")
    others = [bench.machine(SLEEPER, name) for name in ("b", "c")]
    assert [boot(machine) for machine in others] == [RESUMED, RESUMED]
    assert {machine.state() for machine in bench.machines} == {"ssh"}
    assert len({machine.ssh_port for machine in bench.machines}) == 3
    assert digest(made / "ram") == before


def test_a_cold_start_boots_a_running_machine_and_leaves_the_snapshot_alone(bench: Bench) -> None:
    machine = bench.machine(SLEEPER)
    assert boot(machine, cold=True) == ALL_STATES
    assert not (bench.folder / "snapshots").exists()
    machine.halt()
    boot(machine)
    before, pid = [path.stat() for path in snapshots(bench)], pid_of(machine)
    assert boot(machine, cold=True) == ALL_STATES
    assert not is_alive(pid)
    assert [path.stat() for path in snapshots(bench)] == before


def test_another_firmware_has_another_snapshot_which_takes_the_place(bench: Bench) -> None:
    boot(bench.machine(SLEEPER))
    (old,) = snapshots(bench)
    assert boot(bench.machine(SLEEPER + "and more")) == ALL_STATES
    (new,) = snapshots(bench)
    assert new != old
    assert boot(bench.machine(SLEEPER, "b")) == ALL_STATES


def truncated_state(made: Path) -> None:
    os.truncate(made / "state", 1000)


def damaged_state(made: Path) -> None:
    with (made / "state").open("r+b") as file:
        file.seek(100)
        file.write(bytes(10_000))


def truncated_ram(made: Path) -> None:
    os.truncate(made / "ram", 1 << 20)


def lost_ram(made: Path) -> None:
    size = (made / "ram").stat().st_size
    os.truncate(made / "ram", 0)
    os.truncate(made / "ram", size)


def missing_log(made: Path) -> None:
    (made / "secure.log").unlink()


@pytest.mark.parametrize("damage", [truncated_state, damaged_state, truncated_ram, lost_ram, missing_log])
def test_a_broken_snapshot_is_told_in_a_line_and_replaced(
    bench: Bench, capfd: pytest.CaptureFixture[str], damage: object
) -> None:
    quick = Deadlines(firmware=5, optee=5, linux=5, prepared=5, ssh=5, resumed=2)
    machine = bench.machine(SLEEPER, deadlines=quick)
    boot(machine)
    machine.halt()
    (made,) = snapshots(bench)
    assert callable(damage)
    damage(made)
    capfd.readouterr()
    assert boot(machine)[-5:] == ALL_STATES
    told = capfd.readouterr().err.splitlines()
    assert len(told) == 1 and told[0].startswith("m: the snapshot cannot be resumed, so the machine boots: ")
    machine.halt()
    assert boot(machine) == RESUMED


@pytest.mark.parametrize("what", [(os, "sendfile"), (snapshot_module, "_receive")], ids=["ram", "state"])
def test_a_machine_comes_up_where_no_snapshot_can_be_made(
    bench: Bench,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    what: tuple[object, str],
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(*what, full)
    machine = bench.machine(SLEEPER)
    assert boot(machine) == ALL_STATES
    (line,) = capfd.readouterr().err.splitlines()
    assert "no snapshot could be made" in line and "No space left" in line
    assert not [path for path in (bench.folder / "snapshots").iterdir() if path.name != "lock"]


def test_a_machine_that_never_sleeps_needs_no_snapshot(bench: Bench) -> None:
    machine = bench.machine(BOOTED)
    for _ in range(2):
        assert boot(machine) == ALL_STATES
        machine.halt()


KILLED = """
import os, sys
from pathlib import Path
from teeforge.machines import snapshot
from teeforge.machines import machine
from tests.integration.bench import SLEEPER, Bench
exec(sys.argv[2])
Bench(Path(sys.argv[1])).machine(SLEEPER).boot()
"""


@pytest.mark.parametrize(
    "moment",
    [
        "snapshot._receive = lambda *_: os._exit(9)",
        "snapshot.copy_ram = lambda *_: os._exit(9)",
        "machine.woken = lambda *_: os._exit(9)",
        "machine.Machine._let_run = lambda *_: os._exit(9)",
    ],
    ids=["while QEMU writes", "while we copy", "before the wake", "stopped"],
)
def test_an_invocation_killed_on_the_way_leaves_a_machine_that_the_next_brings_up(
    bench: Bench, moment: str
) -> None:
    root = Path(__file__).parents[2]
    argv = [sys.executable, "-c", KILLED, str(bench.folder), moment]
    assert subprocess.run(argv, cwd=root, check=False).returncode == 9
    machine = bench.machine(SLEEPER)
    assert machine.state() == "prepared"
    pid = pid_of(machine)
    boot(machine)
    assert pid_of(machine) == pid
    assert not list((bench.folder / "snapshots").glob(".*")), "what it left is gone"
    machine.halt()
    boot(machine)
    machine.halt()
    assert boot(machine) == RESUMED


SENT_A_PART = """
def send_a_part(self, file):
    self.sendall(file.read(1000))
    os._exit(9)
snapshot.socket.socket.sendfile = send_a_part
"""


@pytest.mark.parametrize(
    "moment", ["snapshot.Snapshot.load = lambda *_: os._exit(9)", SENT_A_PART], ids=["before", "within"]
)
def test_a_machine_whose_starter_was_killed_before_it_had_its_state_is_resumed_anew(
    bench: Bench, capfd: pytest.CaptureFixture[str], moment: str
) -> None:
    boot(bench.machine(SLEEPER))
    bench.machines[0].halt()
    root = Path(__file__).parents[2]
    argv = [sys.executable, "-c", KILLED, str(bench.folder), moment]
    assert subprocess.run(argv, cwd=root, check=False).returncode == 9
    assert boot(bench.machine(SLEEPER)) == RESUMED
    assert capfd.readouterr().err == ""


def test_a_resumed_machine_whose_starter_was_killed_goes_on(bench: Bench) -> None:
    boot(bench.machine(SLEEPER))
    bench.machines[0].halt()
    root = Path(__file__).parents[2]
    argv = [sys.executable, "-c", KILLED, str(bench.folder), "machine.woken = lambda *_: os._exit(9)"]
    assert subprocess.run(argv, cwd=root, check=False).returncode == 9
    machine = bench.machine(SLEEPER)
    pid = pid_of(machine)
    boot(machine)
    assert pid_of(machine) == pid


def test_machines_started_at_the_same_time_make_one_snapshot(bench: Bench) -> None:
    from concurrent.futures import ThreadPoolExecutor

    machines = [bench.machine(SLEEPER, name) for name in "abc"]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda machine: machine.boot(), machines))
    assert {machine.state() for machine in machines} == {"ssh"}
    assert len(snapshots(bench)) == 1


def test_a_qemu_that_was_killed_is_resumed(bench: Bench) -> None:
    machine = bench.machine(SLEEPER)
    boot(machine)
    os.kill(pid_of(machine), 9)
    deadline = time.monotonic() + 10
    while machine.state() != "off" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert boot(machine) == RESUMED
