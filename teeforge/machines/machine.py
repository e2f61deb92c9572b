"""A machine that we run in QEMU: boot it, know its state, stop it."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.base.locking import exclusive_lock
from teeforge.base.progress import say
from teeforge.machines.bootlog import STATES, Progress, is_woken, last_lines, read_progress
from teeforge.machines.daemon import Daemon
from teeforge.machines.identity import Identity
from teeforge.machines.qemu import (
    Firmware,
    MachineConfig,
    boot_command,
    check_layout,
    inputs_digest,
    resume_command,
)
from teeforge.machines.qmp import Qmp
from teeforge.machines.ram import new_ram
from teeforge.machines.snapshot import Snapshot, Snapshots
from teeforge.machines.storage import SecureStorage
from teeforge.machines.wake import woken
from teeforge.settings.host import own_network
from teeforge.ssh.connection import SshAddress, connect
from teeforge.targets.target import Session, open_shell

StateCallback = Callable[[str, float], None]

_CONSOLES = ("normal", "secure")
_LINES_SHOWN = 8


class PortTakenError(TeeforgeError):
    """The port that the machine is to have on the host cannot be used."""


@dataclass(frozen=True)
class _Record:
    """What is remembered of a started machine in machine.json."""

    digest: str
    ssh_port: int
    network: str


class Machine:
    """One QEMU machine, whose state, logs and sockets live in ``folder``."""

    def __init__(
        self,
        name: str,
        folder: Path,
        config: MachineConfig,
        firmware: Firmware,
        identity: Identity,
        snapshots: Snapshots | None = None,
    ) -> None:
        """Take where snapshots of machines like this one are; without them each start is a boot."""
        self.name = name
        self.folder = folder
        self.identity = identity
        self.storage = SecureStorage(name, folder)
        self._config = config
        self._firmware = firmware
        self._snapshots = snapshots
        self._daemon = Daemon(folder, pidfile="qemu.pid", output="qemu.log")
        self._record_file = folder / "machine.json"

    def state(self) -> str:
        """Return the last state of STATES that the machine has reached; off if it does not run."""
        return self._progress().state if self._daemon.running() else "off"

    def failure(self) -> str:
        """Return the console line after which a running machine stopped working, or nothing."""
        return self._progress().failure if self._daemon.running() else ""

    @property
    def ssh_port(self) -> int:
        """The port on our 127.0.0.1 that leads to the machine. Raises TeeforgeError when none does."""
        record = self._record()
        if record is None or not self._daemon.running():
            raise TeeforgeError(f"the machine {self.name} is off", "`invoke boot` starts it")
        if record.network != own_network():
            raise TeeforgeError(
                f"the machine {self.name} runs in another container, or outside of this one",
                "use it there (`docker exec`), `invoke halt` it here, or have another one here: --name",
            )
        return record.ssh_port

    def ssh_line(self) -> str:
        """Return the `ssh` command to type."""
        return self.target().address.ssh_line()

    def scp_line(self) -> str:
        """Return the `scp` command to type, which sends FILE to the machine's /tmp."""
        return self.target().address.scp_line()

    def target(self) -> QemuTarget:
        """Return the machine as a target that programs are sent to and run on."""
        return QemuTarget(self)

    def console_log(self, console: str) -> Path:
        """Return the log of a console, ``normal`` or ``secure``."""
        return self.folder / f"{console}.log"

    def tail(self, console: str, lines: int = 20) -> list[str]:
        """Return the last lines of a console."""
        return last_lines(self._log(console), lines)

    def boot(self, on_state: StateCallback | None = None, *, cold: bool = False) -> bool:
        """Bring the machine to the state ``ssh``; say whether it had to be started.

        A machine that runs with these very inputs is left alone, one with others is restarted. It is resumed
        from the snapshot of such machines if there is one; else it boots, and one is made. ``cold`` boots in
        any case, and does nothing with snapshots. ``on_state`` is called with each state as it is reached and
        the seconds since the start. Raises TeeforgeError that names the state it got stuck in and shows both
        consoles.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            if self._snapshots:
                self._snapshots.sweep()
            self.storage.check()
            key = inputs_digest(self._config, self._firmware)
            digest = self._digest(key)
            record = self._record()
            if not cold and self._daemon.running() and record is not None and record.digest == digest:
                progress = self._progress()
                if progress == Progress("ssh") and self.ssh_port:
                    return False
                if not progress.failure:
                    # An earlier invocation was killed while it waited.
                    self._follow(on_state, time.monotonic())
                    return True
            self._stop()
            begun = time.monotonic()
            snapshot = self._snapshots.find(key) if self._snapshots and not cold else None
            if snapshot and self._resumed(snapshot, digest, on_state, begun):
                return True
            self._cold_start(digest)
            self._follow(on_state, begun, "" if cold else key)
            return True

    def halt(self) -> bool:
        """Stop the machine within seconds, come what may; say whether it was running."""
        if not self.folder.is_dir():
            return False
        with self._locked():
            return self._stop()

    def _locked(self) -> contextlib.AbstractContextManager[int]:
        return exclusive_lock(self.folder / "lock", wait=300)

    def _digest(self, key: str) -> str:
        """Return the digest of what this machine is, of which ``key`` is the part that snapshots have."""
        mine = (self.name, self._config.ssh_port, self.identity.host_public_key, self.identity.authorized_key)
        return hashlib.sha256(repr((key, mine)).encode()).hexdigest()

    def _cold_start(self, digest: str) -> None:
        initrd_bytes = self._firmware.initrd.stat().st_size
        check_layout(self._config, self._firmware, initrd_bytes)
        files = Firmware(
            self._firmware.flash.resolve(),
            self._firmware.kernel.resolve(),
            self._firmware.initrd.resolve(),
        )
        with new_ram(self._config.memory_mib) as ram:
            argv = boot_command(self._config, files, initrd_bytes, ram, self._config.ssh_port)
            self._start(digest, argv, ram=(ram,))

    def _resumed(self, snapshot: Snapshot, digest: str, on_state: StateCallback | None, begun: float) -> bool:
        """Resume the machine from a snapshot; remove one that is of no use, and say False."""
        assert self._snapshots is not None
        try:
            if not snapshot.is_whole():
                raise TeeforgeError("it was written to, or the host was started anew since")
            argv = resume_command(
                self._config, self._firmware.flash.resolve(), snapshot.ram.resolve(), self._config.ssh_port
            )
            self._start(digest, argv, snapshot)
            self._follow(on_state, begun, resumed=True)
        except PortTakenError:
            raise
        except (TeeforgeError, OSError) as error:
            why = str(error).partition("\n")[0]
            say(f"{self.name}: the snapshot cannot be resumed, so the machine boots: {why}")
            self._snapshots.remove(snapshot)
            return False
        return True

    def _start(
        self, digest: str, argv: Sequence[str], snapshot: Snapshot | None = None, ram: Sequence[int] = ()
    ) -> None:
        self._record_file.unlink(missing_ok=True)
        for console in _CONSOLES:
            self.console_log(console).unlink(missing_ok=True)
        for log in snapshot.logs() if snapshot else ():
            shutil.copy(log, self.folder / log.name)
        self.storage.taken()
        self._daemon.start(argv, ram)
        try:
            port = self._await_qmp()
            if snapshot:
                with Qmp(self.folder) as qmp:
                    snapshot.load(qmp)
            record = {"digest": digest, "ssh_port": port, "network": own_network(), "command": argv}
            write_atomically(self._record_file, json.dumps(record, indent=2).encode() + b"\n")
        except BaseException:
            self._stop()
            raise

    def _await_qmp(self) -> int:
        """Wait until QEMU has set itself up, and return the forwarded port."""
        deadline = time.monotonic() + self._config.deadlines.firmware
        while True:
            if not self._daemon.running():
                raise self._died("off")
            try:
                with Qmp(self.folder) as qmp:
                    return qmp.ssh_port()
            except TeeforgeError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.005)

    def _follow(
        self, on_state: StateCallback | None, begun: float, key: str = "", *, resumed: bool = False
    ) -> None:
        """Follow a started machine until ``ssh``, waking it; one that does not get there is stopped.

        With ``key`` a snapshot is made on the way.
        """
        deadlines = self._config.deadlines
        tell = on_state or (lambda state, seconds: None)
        try:
            for before, state in itertools.pairwise(STATES[:-1]):
                self._await(before, state, getattr(deadlines, state))
                if not resumed:
                    tell(state, time.monotonic() - begun)
            if not self._progress().reached("ssh"):
                if key:
                    self._make_snapshot(key)
                self._let_run()
                if resumed:
                    tell("resumed", time.monotonic() - begun)
                asleep = not is_woken(self._log("normal"))
                with woken(self.folder, self.name, self.identity) if asleep else contextlib.nullcontext():
                    self._await("prepared", "ssh", deadlines.resumed if resumed else deadlines.ssh)
            tell("ssh", time.monotonic() - begun)
        except BaseException:
            self._stop()
            raise

    def _await(self, before: str, state: str, seconds: float) -> None:
        """Wait until the machine, which is in the state ``before``, has reached ``state``."""
        deadline = time.monotonic() + seconds
        while not (progress := self._progress()).reached(state):
            # Asked in this order, so that a last word is still read.
            alive = self._daemon.running()
            progress = self._progress()
            if progress.failure:
                raise self._stuck(before, f"gave up: {progress.failure}")
            if not alive and not progress.reached(state):
                raise self._died(before)
            if time.monotonic() > deadline:
                raise self._stuck(before, f"did not get to `{state}` within {seconds:g} s")
            time.sleep(0.01)

    def _make_snapshot(self, key: str) -> None:
        """Make a snapshot of the prepared machine; without one it goes on all the same."""
        if self._snapshots is None:
            return
        try:
            with Qmp(self.folder, timeout=20) as qmp:
                remark = self._snapshots.make(key, qmp, self._daemon.pid(), self.folder)
                if remark:
                    say(f"{self.name}: {remark}")
        except (TeeforgeError, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            say(f"{self.name}: no snapshot could be made, so the next start is a boot: {why}")

    def _let_run(self) -> None:
        """Wait until the machine runs, if it is being resumed; go on if a snapshot was being made of it."""
        deadline = time.monotonic() + self._config.deadlines.firmware
        with Qmp(self.folder, timeout=self._config.deadlines.firmware) as qmp:
            while (status := qmp.status()) != "running":
                if status in ("paused", "postmigrate"):
                    qmp.command("cont")
                elif time.monotonic() > deadline:
                    raise self._stuck("prepared", f"does not run: QEMU says {status}")
                time.sleep(0.005)

    def _stop(self) -> bool:
        was_running = self._daemon.running()
        if was_running:
            try:
                with Qmp(self.folder, timeout=1) as qmp:
                    qmp.command("quit")
                obeys = self._daemon.wait(2)
            except TeeforgeError:
                obeys = False
            if not obeys:
                self._daemon.stop()
            self.storage.left()
        self._record_file.unlink(missing_ok=True)
        for socket in ("qmp.sock", *(f"{console}.sock" for console in _CONSOLES)):
            (self.folder / socket).unlink(missing_ok=True)
        return was_running

    def _progress(self) -> Progress:
        return read_progress(self._log("normal"), self._log("secure"))

    def _log(self, console: str) -> bytes:
        try:
            return self.console_log(console).read_bytes()
        except FileNotFoundError:
            return b""

    def _record(self) -> _Record | None:
        try:
            read = json.loads(self._record_file.read_text(encoding="utf-8"))
            return _Record(str(read["digest"]), int(read["ssh_port"]), str(read["network"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _died(self, state: str) -> TeeforgeError:
        said = self._daemon.said()
        if any("Could not set up host forwarding rule" in line for line in said):
            return PortTakenError(
                f"port {self._config.ssh_port} on 127.0.0.1 cannot be used for the machine "
                f"{self.name}: another program has it, or the system refuses it",
                "set `ssh_port: 0` (any free one) of the target in config.yaml",
            )
        # QEMU's own complaints come first and start with its name; advice may follow.
        why = next((line for line in said if line.startswith("qemu-system")), "".join(said[-1:]))
        return self._stuck(state, f"ended: QEMU {'said: ' + why if why else 'exited without a word'}")

    def _stuck(self, state: str, what: str) -> TeeforgeError:
        lines = [f"the machine {self.name}, in the state `{state}`, {what}"]
        shown = {f"{console} console": self.tail(console, _LINES_SHOWN) for console in _CONSOLES}
        shown["QEMU"] = self._daemon.said(_LINES_SHOWN)
        for title, told in shown.items():
            lines += [f"  {title}:"] + [f"    {line}" for line in told] if told else [f"  {title}: nothing"]
        return TeeforgeError("\n".join(lines), f"the whole logs are in {self.folder}")


class QemuTarget:
    """A machine of ours, as a target."""

    def __init__(self, machine: Machine) -> None:
        self.name = machine.name
        self._machine = machine

    @property
    def address(self) -> SshAddress:
        """Where the machine's SSH server is. Raises TeeforgeError when the machine is off."""
        identity = self._machine.identity
        return SshAddress(
            host="127.0.0.1",
            port=self._machine.ssh_port,
            user="root",
            client_key=identity.client_key,
            host_key=identity.host_public_key,
            known_hosts=identity.known_hosts,
        )

    def connect(self) -> Session:
        """Open a connection. Raises TeeforgeError when the machine is not up."""
        address = self.address
        failure = self._machine.failure()
        if failure:
            raise TeeforgeError(
                f"the machine {self.name} has stopped working: {failure}",
                "`invoke boot` restarts it",
            )
        state = self._machine.state()
        # Probes while it boots would only slow it down.
        if state != "ssh":
            raise TeeforgeError(
                f"the machine {self.name} has only got to `{state}`", "`invoke boot` waits for it"
            )
        return Session(self.name, connect(self.name, address), address)

    def shell(self) -> int:
        """Give the user's terminal to a shell on the machine."""
        return open_shell(self)
