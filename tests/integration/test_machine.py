"""A real QEMU whose machine says on both consoles what we tell it to: states, hangs, ends."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import short_path
from teeforge.machines.qemu import Deadlines
from teeforge.settings.host import own_network

from .bench import BOOTED, UP_TO_LINUX, Bench, is_alive, needs_qemu, pid_of

pytestmark = needs_qemu


def test_every_state_is_told_in_order_and_the_last_one_stays(bench: Bench) -> None:
    machine = bench.machine()
    assert machine.state() == "off"
    told: list[str] = []
    assert machine.boot(lambda state, seconds: told.append(state)) is True
    assert told == ["firmware", "optee", "linux", "prepared", "ssh"]
    assert machine.state() == "ssh"
    assert machine.tail("secure") == ["I/TC: OP-TEE version: 4"]
    assert machine.halt() is True
    assert machine.state() == "off"
    assert machine.halt() is False


def test_booting_again_with_the_same_inputs_leaves_the_machine_alone(bench: Bench) -> None:
    bench.machine().boot()
    pid = pid_of(bench.machines[0])
    # Another object, as another invocation has it.
    assert bench.machine().boot() is False
    assert pid_of(bench.machines[0]) == pid


def test_booting_with_other_firmware_restarts_it(bench: Bench) -> None:
    bench.machine().boot()
    pid = pid_of(bench.machines[0])
    assert bench.machine(BOOTED + r"another\n").boot() is True
    assert not is_alive(pid)


def test_the_forwarded_port_is_on_the_loopback_and_leads_to_the_machine(bench: Bench) -> None:
    machine = bench.machine()
    machine.boot()
    socket.create_connection(("127.0.0.1", machine.ssh_port), timeout=2).close()
    assert f"-p {machine.ssh_port} root@127.0.0.1" in machine.ssh_line()
    machine.halt()
    with pytest.raises(TeeforgeError, match="the machine m is off"):
        _ = machine.ssh_port


def test_a_machine_whose_loopback_is_not_ours_can_be_stopped_but_not_reached(bench: Bench) -> None:
    machine = bench.machine()
    machine.boot()
    record = machine.folder / "machine.json"
    record.write_text(record.read_text().replace(own_network(), "net:[1]"))
    for reach in (machine.boot, machine.ssh_line, machine.target().connect):
        with pytest.raises(TeeforgeError, match="the machine m runs in another container"):
            reach()
    assert machine.state() == "ssh"
    assert machine.halt() is True


def test_two_machines_run_at_once(bench: Bench) -> None:
    one, two = bench.machine(name="one"), bench.machine(name="two")
    one.boot()
    two.boot()
    assert one.ssh_port != two.ssh_port
    assert (one.state(), two.state()) == ("ssh", "ssh")


def test_a_taken_port_is_named(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        machine = bench.machine(ssh_port=port)
        with pytest.raises(TeeforgeError, match=rf"port {port} on 127\.0\.0\.1 cannot be used"):
            machine.boot()
    assert machine.boot() is True


@pytest.mark.parametrize(
    ("script", "before", "wanted"),
    [
        (r"", "off", "firmware"),
        (r"NOTICE:  BL1: up\n", "firmware", "optee"),
        (r"NOTICE:  BL1: up\n\002OP-TEE version: 4\n", "optee", "linux"),
        (r"NOTICE:  BL1: up\n\002OP-TEE version: 4\n\001teeforge: state linux\n", "linux", "prepared"),
        (UP_TO_LINUX + r"teeforge: state prepared\n", "prepared", "ssh"),
    ],
)
def test_a_hang_says_in_which_state_and_shows_the_consoles(
    bench: Bench, script: str, before: str, wanted: str
) -> None:
    machine = bench.machine(script, deadlines=Deadlines(0.5, 0.3, 0.3, 0.3, 0.3))
    with pytest.raises(TeeforgeError) as caught:
        machine.boot()
    first = caught.value.message.splitlines()[0]
    assert f"in the state `{before}`, did not get to `{wanted}` within 0." in first
    for line in machine.tail("normal") + machine.tail("secure"):
        assert f"    {line}" in caught.value.message
    assert machine.state() == "off"


@pytest.mark.parametrize(
    "last",
    [
        r"\001Kernel panic - not syncing: VFS: no root",
        r"\002E/TC:0 0 Panic at core/x.c:1 <f>",
        r"\001teeforge: failed to find /dev/tee0",
        r"\001ERROR:   BL2: Failed to load image id 4",
    ],
)
def test_a_last_word_ends_the_wait_before_the_deadline(bench: Bench, last: str) -> None:
    script = r"\001NOTICE:  BL1: up\n\002OP-TEE version: 4\n" + last + r"\n"
    machine = bench.machine(script, deadlines=Deadlines(30, 30, 30, 30, 30))
    begun = time.monotonic()
    with pytest.raises(TeeforgeError, match="gave up: "):
        machine.boot()
    assert time.monotonic() - begun < 10


def test_qemu_that_dies_at_once_is_quoted(bench: Bench) -> None:
    machine = bench.machine(extra=("-machine", "no-such-machine"))
    with pytest.raises(TeeforgeError, match=r"in the state `off`, ended: QEMU said: .*unsupported machine"):
        machine.boot()
    assert machine.state() == "off"


def test_qemu_that_dies_later_is_told(bench: Bench) -> None:
    machine = bench.machine(r"NOTICE:  BL1: up\n", deadlines=Deadlines(30, 30, 30, 30, 30))

    def kill(state: str, _: float) -> None:
        os.kill(pid_of(machine), signal.SIGKILL)

    with pytest.raises(TeeforgeError, match="in the state `firmware`, ended: QEMU"):
        machine.boot(kill)


def test_a_missing_qemu_is_named(bench: Bench) -> None:
    with pytest.raises(TeeforgeError, match="qemu-system-none is not installed"):
        bench.machine(qemu="qemu-system-none").boot()


def test_a_missing_file_is_named_before_anything_starts(bench: Bench) -> None:
    machine = bench.machine()
    (bench.folder / "initrd").unlink()
    with pytest.raises(TeeforgeError, match="initrd: No such file"):
        machine.boot()


def test_a_kernel_that_is_none_is_named(bench: Bench) -> None:
    (bench.folder / "Image").write_bytes(b"\x1f\x8b" + bytes(100))
    with pytest.raises(TeeforgeError, match="Image is not an uncompressed arm64 kernel"):
        bench.machine().boot()


def test_too_little_memory_is_told_before_anything_starts(bench: Bench) -> None:
    with pytest.raises(TeeforgeError, match="memory is 128 MiB, this machine needs at least"):
        bench.machine(memory_mib=128).boot()


def test_memory_that_the_system_does_not_give_is_told_in_a_line(bench: Bench) -> None:
    machine = bench.machine()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (128 << 20, before[1]))
    try:
        with pytest.raises(
            TeeforgeError, match="the system gives the machine no memory of 256 MiB: File too"
        ):
            machine.boot()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert machine.state() == "off"


def test_an_invocation_killed_while_it_waits_leaves_a_machine_for_the_next(bench: Bench) -> None:
    machine = bench.machine(r"NOTICE:  BL1: up\n", deadlines=Deadlines(5, 2, 2, 2, 2))
    code = (
        "import sys; from pathlib import Path; from teeforge.machines.identity import load_identity;"
        "from teeforge.machines.machine import Machine; from teeforge.machines.qemu import *;"
        "folder = Path(sys.argv[1]);"
        "Machine('m', folder / 'targets/m', MachineConfig(cpus=1, memory_mib=256),"
        " Firmware(Path(sys.argv[2]), folder / 'Image', folder / 'initrd'),"
        " load_identity(folder / 'identity')).boot(lambda state, _: print(state, flush=True))"
    )
    flash = bench.flash(r"NOTICE:  BL1: up\n")
    waiting = subprocess.Popen(
        [sys.executable, "-c", code, str(bench.folder), str(flash)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "firmware\n"
    pid = pid_of(machine)
    waiting.kill()
    waiting.communicate()
    assert machine.state() == "firmware", "QEMU has to outlive us"
    told: list[str] = []
    with pytest.raises(TeeforgeError, match="did not get to `optee`"):
        machine.boot(lambda state, _: told.append(f"{state} {pid_of(machine)}"))
    assert told == [f"firmware {pid}"], "it was waited for, not started again"
    assert not is_alive(pid)


def test_what_a_killed_qemu_leaves_behind_does_not_count(bench: Bench) -> None:
    machine = bench.machine()
    machine.boot()
    os.kill(pid_of(machine), signal.SIGKILL)
    while is_alive(pid_of(machine)):
        time.sleep(0.01)
    # A number in the stale pidfile that is somebody else's by now: ours.
    (machine.folder / "qemu.pid").write_text(f"{os.getpid()}\n")
    # Its last threads may still be going, and with them the lock that says that it runs.
    deadline = time.monotonic() + 10
    while machine.state() != "off" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert machine.state() == "off"
    assert machine.halt() is False
    assert machine.boot() is True
    assert pid_of(machine) != os.getpid()


def test_torn_state_files_do_not_count(bench: Bench) -> None:
    machine = bench.machine()
    machine.boot()
    pid = pid_of(machine)
    (machine.folder / "machine.json").write_text('{"digest": ')
    assert machine.boot() is True
    assert not is_alive(pid)
    assert machine.state() == "ssh"


def test_a_qemu_that_does_not_listen_any_more_is_ended(bench: Bench) -> None:
    machine = bench.machine()
    machine.boot()
    pid = pid_of(machine)
    os.kill(pid, signal.SIGSTOP)
    begun = time.monotonic()
    assert machine.halt() is True
    assert time.monotonic() - begun < 15
    assert not is_alive(pid)


def test_a_folder_deeper_than_a_socket_address_works(bench: Bench) -> None:
    machine = bench.machine(name="deep " * 30)
    machine.boot()
    assert machine.halt() is True


def test_a_console_can_be_attached_and_is_logged_all_the_same(bench: Bench) -> None:
    machine = bench.machine()
    machine.boot()
    with (
        socket.socket(socket.AF_UNIX) as console,
        short_path(machine.folder, "normal.sock") as path,
    ):
        console.connect(path)
    assert machine.tail("normal")[-1] == "teeforge: state ssh"


def test_invocations_at_the_same_time_start_one_machine(bench: Bench) -> None:
    from concurrent.futures import ThreadPoolExecutor

    machines = [bench.machine() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(lambda machine: machine.boot(), machines))
    assert sorted(started) == [False, False, False, True]
