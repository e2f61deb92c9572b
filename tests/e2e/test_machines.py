"""Many machines of one snapshot: each with its own time, randomness, name and storage; and their ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from teeforge.lab import Lab
from teeforge.machines.machine import Machine

from .conftest import ROOT, SAMPLES, Ran, run_invoke

pytestmark = pytest.mark.e2e

NAMES = ("test-a", "test-b", "test-c")
SECRET = Path(__file__).parent / "programs/secret.c"


def start(*arguments: str | Path) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "invoke", *map(str, arguments)]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(argv, cwd=ROOT, stdin=quiet, stdout=quiet, stderr=subprocess.PIPE)


def on(name: str, *argv: str) -> str:
    """Run a command on a machine; return what it wrote."""
    told = bytearray()
    with Lab(ROOT).fleet.machine_as_it_is(name).target().connect() as session:
        assert session.run(argv, on_stdout=told.extend, on_stderr=told.extend) == 0, told
    return told.decode()


def status() -> dict[str, dict[str, object]]:
    done = run_invoke("status", "--json")
    assert done.status == 0, done.stderr
    targets = json.loads(done.stdout)["targets"]
    assert isinstance(targets, dict)
    return targets


def machine(vm: Lab, name: str = "qemu") -> Machine:
    return vm.fleet.machine_as_it_is(name)


def pid_of(machine: Machine) -> int:
    return int((machine.folder / "qemu.pid").read_text())


def until(what: object, seconds: float = 20) -> None:
    """Wait until something is so."""
    assert callable(what)
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def resumed() -> Ran:
    """Start the machine anew; the start must be a resume."""
    assert run_invoke("halt").status == 0
    done = run_invoke("boot")
    assert done.status == 0, done.stderr
    assert re.search(r"^qemu +resumed ", done.stderr, re.MULTILINE), done.stderr
    return done


def test_root_in_the_machine_reaches_nothing_of_the_host_but_what_was_forwarded(vm: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(3)
        # 10.0.2.2 is the host, as QEMU's network shows it where it is not restricted.
        dial = f"timeout 2 nc 10.0.2.2 {server.getsockname()[1]} || true"
        on("qemu", "sh", "-c", dial)
        with pytest.raises(TimeoutError):
            server.accept()


def test_qemu_runs_in_its_sandbox(vm: Lab) -> None:
    status = Path(f"/proc/{pid_of(machine(vm))}/status").read_text(encoding="ascii")
    assert re.search(r"^Seccomp:\t2$", status, re.MULTILINE)


@pytest.fixture(scope="module")
def three(vm: Lab) -> Iterator[tuple[str, ...]]:
    """Three machines that were started at the same time, beside the one that the other tests use."""
    starting = [start("boot", "--name", name) for name in NAMES]
    for child in starting:
        _, told = child.communicate(timeout=120)
        assert child.returncode == 0, told.decode()
        assert b"resumed" in told
    yield NAMES
    for name in NAMES:
        assert run_invoke("halt", "--name", name).status == 0


def test_the_next_start_is_a_resume_and_tells_the_right_time_in_both_worlds(vm: Lab) -> None:
    resumed()
    before = time.time()
    done = run_invoke("run", SAMPLES / "env.c")
    told = re.search(r"realtime: (\d+\.\d+) s", done.stdout.decode())
    assert told, done.stderr
    assert before - 0.3 < float(told[1]) < time.time() + 0.3
    assert abs(int(on("qemu", "date", "+%s")) - time.time()) < 2


def test_a_resumed_machine_says_no_secret_and_all_that_its_boot_said(vm: Lab) -> None:
    resumed()
    normal, secure = (machine(vm).console_log(name).read_bytes() for name in ("normal", "secure"))
    assert b"NOTICE:  BL1" in normal and b"OP-TEE version" in secure
    identity = machine(vm).identity
    assert identity.dropbear_host_key[-32:].hex().encode() not in normal + secure
    assert b"wake 1" not in normal
    assert machine(vm).state() == "ssh"


def test_machines_of_one_snapshot_have_names_ports_and_randomness_of_their_own(
    three: tuple[str, ...],
) -> None:
    assert [on(name, "hostname").strip() for name in three] == list(three)
    assert len({on(name, "cat", "/proc/sys/kernel/random/uuid") for name in three}) == 3
    ports = {machine.ssh_port for name in three for machine in [Lab(ROOT).fleet.machine_as_it_is(name)]}
    assert len(ports) == 3
    found = status()
    assert all(found[name]["state"] == "ssh" and found[name]["ssh"] for name in three)


def test_a_snapshot_is_small_and_its_machines_share_it(vm: Lab, three: tuple[str, ...]) -> None:
    (made,) = (path for path in vm.workspace.snapshots.glob("qemu/*") if path.is_dir())
    # Measured with QEMU 7.2, 10.0 and 11.1: 97 MiB, and 51 of its own for a machine.
    assert sum(file.stat().st_blocks * 512 for file in made.iterdir()) < 128 << 20
    rollup = Path(f"/proc/{pid_of(machine(vm, three[2]))}/smaps_rollup").read_text()
    own = sum(int(kib) for kib in re.findall(r"^Private_(?:Clean|Dirty): +(\d+) kB", rollup, re.MULTILINE))
    assert 0 < own < 100 << 10


def test_the_first_bytes_of_the_secure_worlds_generator_differ(three: tuple[str, ...]) -> None:
    told = [run_invoke("run", SAMPLES / "env.c", "--name", name).stdout.decode() for name in three]
    lines = {line for text in told for line in text.splitlines() if line.startswith("random: ")}
    assert len(lines) == 3, told


def test_ssh_servers_of_one_snapshot_have_other_session_keys(three: tuple[str, ...]) -> None:
    def cookie(name: str) -> bytes:
        port = Lab(ROOT).fleet.machine_as_it_is(name).ssh_port
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"SSH-2.0-test\r\n")
            data = b""
            # The banner, and the server's SSH_MSG_KEXINIT (20) with 16 random bytes: RFC 4253, 7.1.
            while len(data.partition(b"\r\n")[2]) < 5 + 1 + 16:
                data += connection.recv(4096)
        packet = data.partition(b"\r\n")[2]
        assert packet[5] == 20
        return packet[6:22]

    assert len({cookie(name) for name in three}) == 3


def test_secure_storage_is_the_machines_own_and_outlives_its_boot(three: tuple[str, ...]) -> None:
    one, other = three[:2]
    name, word = f"kept-{os.urandom(4).hex()}", os.urandom(8).hex()

    def secret(machine: str, words: str) -> Ran:
        return run_invoke("run", SECRET, "--args", words, "--name", machine)

    assert secret(one, f"write {name} {word}").status == 0
    assert name not in secret(other, "list").stdout.decode()
    assert run_invoke("halt", "--name", one).status == 0
    assert secret(one, f"read {name}").stdout.decode() == word
    assert secret(one, f"remove {name}").status == 0


def test_a_machine_cannot_have_the_name_of_another_target_or_none(vm: Lab) -> None:
    done = run_invoke("boot", "--name", "Not A Name")
    assert done.status == 1 and "is no name for a machine" in done.stderr


def test_an_ephemeral_machine_is_gone_when_it_is_halted(vm: Lab) -> None:
    done = run_invoke("boot", "--ephemeral")
    assert done.status == 0, done.stderr
    name = done.stdout.decode().strip()
    assert status()[name]["ephemeral"] is True
    assert on(name, "hostname").strip() == name
    assert run_invoke("halt", "--name", name).status == 0
    assert not machine(vm, name).folder.exists()
    assert name not in status()


def test_a_run_in_an_ephemeral_machine_keeps_the_exit_status_and_leaves_nothing(vm: Lab) -> None:
    before = set(status())
    done = run_invoke("run", SAMPLES / "exit7.c", "--ephemeral")
    assert done.status == 7, done.stderr
    assert set(status()) == before


def test_an_ephemeral_machine_whose_starter_was_killed_is_gone_at_the_next_command(vm: Lab) -> None:
    before = set(status())
    child = start("run", SAMPLES / "loop.c", "--ephemeral")
    targets = vm.workspace.targets
    until(lambda: any(b"state ssh" in log.read_bytes() for log in targets.glob("tmp-*/normal.log")))
    (folder,) = targets.glob("tmp-*")
    pid = int((folder / "qemu.pid").read_text())
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert Path(f"/proc/{pid}").exists(), "QEMU outlives it"
    assert set(status()) == before
    assert not folder.exists()
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_a_machine_that_was_killed_comes_back_at_the_next_run(vm: Lab) -> None:
    run_invoke("boot")
    os.kill(pid_of(machine(vm)), signal.SIGKILL)
    until(lambda: machine(vm).state() == "off")
    done = run_invoke("run", SAMPLES / "hello.c")
    assert done.status == 0 and b"Hello" in done.stdout, done.stderr
    assert re.search(r"^qemu +resumed ", done.stderr, re.MULTILINE)


def test_a_broken_snapshot_is_replaced(vm: Lab) -> None:
    run_invoke("halt")
    (state,) = vm.workspace.snapshots.glob("qemu/*/state")
    os.truncate(state, state.stat().st_size // 2)
    done = run_invoke("boot")
    assert done.status == 0, done.stderr
    assert "the snapshot cannot be resumed, so the machine boots: " in done.stderr
    resumed()


def test_an_invocation_killed_at_any_moment_is_followed_by_one_that_succeeds(vm: Lab) -> None:
    """Through a boot, the making of the snapshot and a resume; what is left is taken up each time."""
    run_invoke("halt")
    for snapshot in vm.workspace.snapshots.glob("qemu/*/state"):
        snapshot.unlink()
    for seconds in (0.3, 1.0, 2.0, 1.5, 1.0, 0.5, 0.3, 0.2):
        child = start("boot")
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        if seconds < 1:
            with contextlib.suppress(OSError, ValueError):
                os.kill(pid_of(machine(vm)), signal.SIGKILL)
    done = run_invoke("run", SAMPLES / "hello.c")
    assert done.status == 0 and b"Hello" in done.stdout, done.stderr
    run_invoke("halt")
    assert run_invoke("boot").status == 0
    resumed()


HALF_A_WORD = """
import os, socket, time
from pathlib import Path
from teeforge.machines import machine
from teeforge.machines import wake
from teeforge.machines.fleet import Place
from teeforge.lab import Lab
def woken(folder, name, identity):
    os.chdir(folder)
    console = socket.socket(socket.AF_UNIX)
    console.connect("normal.sock")
    line = wake.wake_line(name, identity)
    console.sendall({what})
    time.sleep(0.5)
    os._exit(9)
machine.woken = woken
Lab(Path.cwd()).fleet.boot(Place())
"""


@pytest.mark.parametrize("what", ["line[:300]", "line"], ids=["half of the line", "the line"])
def test_a_machine_whose_waker_was_killed_wakes_all_the_same_and_shows_no_secret(vm: Lab, what: str) -> None:
    run_invoke("halt")
    argv = [sys.executable, "-c", HALF_A_WORD.format(what=what)]
    assert subprocess.run(argv, cwd=ROOT, check=False, env=dict(os.environ)).returncode == 9
    pid = pid_of(machine(vm))
    done = run_invoke("boot")
    assert done.status == 0, done.stderr
    assert pid_of(machine(vm)) == pid
    assert on("qemu", "hostname").strip() == "qemu"
    time.sleep(0.2)
    normal = machine(vm).console_log("normal").read_bytes()
    assert b"end\r\n" not in normal and b"\nwake" not in normal


def test_halt_all_stops_every_machine(vm: Lab) -> None:
    assert run_invoke("boot", "--name", NAMES[0]).status == 0
    assert run_invoke("boot").status == 0
    done = run_invoke("halt", "--all")
    assert done.status == 0, done.stderr
    assert {target["state"] for target in status().values()} <= {"off", "a board"}
    # For the tests that follow.
    assert run_invoke("deploy").status == 0
