"""Snapshots of a prepared machine: made once, resumed in a fraction of a second as often as is wanted."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import new_private_file, write_atomically
from teeforge.base.hostboot import host_boot
from teeforge.base.locking import held_lock
from teeforge.machines.qmp import Qmp
from teeforge.machines.ram import Copied, copy_ram

_FILES = ("ram", "state", "normal.log", "secure.log")
_MIGRATION_SECONDS = 20.0
# The RAM of the one is a file in memory, of the other the snapshot's.
_WITHOUT_RAM = [{"capability": "x-ignore-shared", "state": True}]


@dataclass(frozen=True)
class Snapshot:
    """One snapshot: the RAM, the state of all devices, and what the consoles had said."""

    folder: Path

    @property
    def ram(self) -> Path:
        """The machine's RAM, as large as that and mostly holes."""
        return self.folder / "ram"

    @property
    def state(self) -> Path:
        """The rest of the machine, as QEMU migrates it."""
        return self.folder / "state"

    def is_whole(self) -> bool:
        """Say whether nobody has written to a file since, and all of it has been written to the disk.

        The latter is known only until the host is started anew.
        """
        try:
            return bool(self._sealed()["looks"] == self._looks())
        except (OSError, ValueError, LookupError, TypeError):
            return False

    def seal(self, qemu: str) -> None:
        """Remember how its files look now that all are written, and the version of QEMU that made it."""
        write_atomically(self._seal, json.dumps({"qemu": qemu, "looks": self._looks()}).encode(), 0o600)

    @property
    def _seal(self) -> Path:
        return self.folder / "made.json"

    def _sealed(self) -> Any:
        return json.loads(self._seal.read_text(encoding="utf-8"))

    def _looks(self) -> dict[str, Any]:
        """Return what changes when somebody writes to a file, or the host is started anew."""
        known = {name: (self.folder / name).stat() for name in _FILES}
        files = {name: [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns] for name, stat in known.items()}
        return {"boot": host_boot(), "files": files}

    def load(self, qmp: Qmp) -> None:
        """Load the state into a QEMU that waits for it; it runs when it has it, or ends.

        Raises TeeforgeError when it is not the QEMU that made the snapshot.
        """
        # Its program file looked the same, but that may be a script, or have other libraries now.
        if qmp.version != (made_by := self._sealed().get("qemu")):
            raise TeeforgeError(f"QEMU {made_by} made it, and this is QEMU {qmp.version}")
        qmp.command("migrate-set-capabilities", capabilities=_WITHOUT_RAM)
        with _connected(qmp) as connection, self.state.open("rb") as state:
            qmp.command("migrate-incoming", uri="fd:state")
            # One that does not like what it reads ends, and says why itself.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendfile(state)

    def logs(self) -> Iterator[Path]:
        """Yield the consoles' logs up to the snapshot."""
        yield from (self.folder / name for name in _FILES if name.endswith(".log"))


class Snapshots:
    """The snapshots of one kind of machine, in a folder of their own; the last one is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: str) -> Snapshot | None:
        """Return the snapshot that consists of what ``key`` is the digest of."""
        snapshot = Snapshot(self._folder / key)
        return snapshot if snapshot.folder.is_dir() else None

    def remove(self, snapshot: Snapshot) -> None:
        """Remove a snapshot; machines that were resumed from it go on."""
        # Renamed first: half of one must not be found.
        gone = self._folder / f".gone.{os.urandom(4).hex()}"
        with contextlib.suppress(FileNotFoundError):
            snapshot.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def make(self, key: str, qmp: Qmp, pid: int, logs: Path) -> str:
        """Make a snapshot of the machine that is ``pid`` and has its logs in ``logs``; this stops it.

        Returns in a line what makes the snapshot large or slow: nothing as a rule. Does nothing if another
        process is just making one. Raises TeeforgeError or OSError when it cannot be made; then there is
        none, and the machine can go on.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with held_lock(self._folder / "lock") as ours:
            if not ours:
                return ""
            self._remove_parts()
            part = self._folder / f".part.{os.urandom(4).hex()}"
            part.mkdir(mode=0o700)
            try:
                remark = _write(part, qmp, pid, logs)
                for old in self._folder.iterdir():
                    if old.is_dir() and old != part:
                        self.remove(Snapshot(old))
                part.rename(self._folder / key)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise
        return remark

    def sweep(self) -> None:
        """Remove what a killed process left of a snapshot."""
        if any(self._folder.glob(".*")):
            with held_lock(self._folder / "lock") as ours:
                if ours:
                    self._remove_parts()

    def _remove_parts(self) -> None:
        for part in self._folder.glob(".*"):
            shutil.rmtree(part, ignore_errors=True)


def _write(folder: Path, qmp: Qmp, pid: int, logs: Path) -> str:
    qmp.command("stop")
    streamed = _save_state(qmp, folder / "state")
    ram = copy_ram(pid, folder / "ram")
    for name in _FILES:
        if name.endswith(".log"):
            _put(folder / name, (logs / name).read_bytes())
    Snapshot(folder).seal(qmp.version)
    return remark_on(ram, streamed, qmp.version)


def remark_on(ram: Copied, streamed: int, qemu: str) -> str:
    """Return in a line what makes a snapshot large or slow, and what to do; nothing if it is as it should be.

    ``streamed`` is how many bytes of memory, zeros included, the version ``qemu`` took for part of its state.
    """
    takes = f"the snapshot takes {ram.disk >> 20} of {ram.size >> 20} MiB"
    # The firmware's flash and the secure RAM are always in the state; they are smaller than any RAM.
    if streamed >= ram.size:
        return (
            f"QEMU {qemu} wrote the machine's memory into its state, so resuming takes longer and machines "
            "share less of it: use QEMU 7.2, 10 or 11, which are known not to"
        )
    if ram.disk - ram.data > ram.size // 2:
        return (
            f"{takes}, for its filesystem keeps no holes: set `build_dir` in config.yaml to a folder on "
            "another, such as ext4, XFS, Btrfs or tmpfs"
        )
    if ram.data > ram.size // 2:
        return f"{takes}, for the machine has used so much already: a smaller initramfs leaves more unused"
    return ""


def _put(path: Path, data: bytes) -> None:
    with new_private_file(path) as file:
        file.write(data)


def _save_state(qmp: Qmp, path: Path) -> int:
    """Save the state of a QEMU; return how many bytes of memory, zeros included, it took for part of it."""
    qmp.command("migrate-set-capabilities", capabilities=_WITHOUT_RAM)
    with _connected(qmp) as connection:
        qmp.command("migrate", uri="fd:state")
        _receive(connection, path)
    return int(_await_migration(qmp).get("ram", {}).get("total", 0))


@contextlib.contextmanager
def _connected(qmp: Qmp) -> Iterator[socket.socket]:
    """Give our end of a connection that QEMU calls ``fd:state``.

    Why not a file: QEMU 11 takes none by its descriptor any more, QEMU 7.2 none by its path yet. A socket
    they all take.
    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            qmp.hand_over(theirs.fileno(), "state")
        ours.settimeout(_MIGRATION_SECONDS)
        try:
            yield ours
        except TimeoutError as error:
            raise TeeforgeError(f"QEMU did nothing about its state for {_MIGRATION_SECONDS:g} s") from error


def _receive(connection: socket.socket, path: Path) -> None:
    with new_private_file(path) as file:
        while data := connection.recv(1 << 20):
            file.write(data)


def _await_migration(qmp: Qmp) -> dict[str, Any]:
    deadline = time.monotonic() + _MIGRATION_SECONDS
    while (told := qmp.command("query-migrate")).get("status") != "completed":
        if told.get("status") in ("failed", "cancelled") or time.monotonic() > deadline:
            raise TeeforgeError(f"QEMU could not write its state: {told.get('error-desc', told)}")
        time.sleep(0.005)
    return dict(told)
