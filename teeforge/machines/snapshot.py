"""Snapshots of a prepared machine: made once, resumed in a fraction of a second as often as is wanted."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.base.hostboot import host_boot
from teeforge.base.locking import held_lock
from teeforge.machines.qmp import Qmp

_FILES = ("ram", "state", "normal.log", "secure.log")
_MIGRATION_SECONDS = 20.0
_MEMFD = "/memfd:memory-backend-memfd"
# The RAM of the one is shared memory, of the other the file.
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
            return bool(json.loads(self._seal.read_text(encoding="utf-8")) == self._looks())
        except (OSError, ValueError):
            return False

    def seal(self) -> None:
        """Remember how its files look now that all are written."""
        write_atomically(self._seal, json.dumps(self._looks()).encode(), 0o600)

    @property
    def _seal(self) -> Path:
        return self.folder / "made.json"

    def _looks(self) -> dict[str, Any]:
        """Return what changes when somebody writes to a file, or the host is started anew."""
        known = {name: (self.folder / name).stat() for name in _FILES}
        files = {name: [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns] for name, stat in known.items()}
        return {"boot": host_boot(), "files": files}

    def load(self, qmp: Qmp) -> None:
        """Load the state into a QEMU that waits for it; it runs when it has it, or ends."""
        qmp.command("migrate-set-capabilities", capabilities=_WITHOUT_RAM)
        with self.state.open("rb") as state:
            qmp.hand_over(state.fileno(), "state")
            qmp.command("migrate-incoming", uri="fd:state")

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

    def make(self, key: str, qmp: Qmp, pid: int, logs: Path) -> Snapshot | None:
        """Make a snapshot of the machine that is ``pid`` and has its logs in ``logs``; this stops it.

        Returns None if another process is just making one. Raises TeeforgeError or OSError when it cannot
        be made; then there is none, and the machine can go on.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with held_lock(self._folder / "lock") as ours:
            if not ours:
                return None
            # What a killed process left, too.
            for old in self._folder.glob(".*"):
                shutil.rmtree(old, ignore_errors=True)
            part = self._folder / f".part.{os.urandom(4).hex()}"
            part.mkdir(mode=0o700)
            try:
                _write(part, qmp, pid, logs)
                for old in self._folder.iterdir():
                    if old.is_dir() and old != part:
                        self.remove(Snapshot(old))
                part.rename(self._folder / key)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise
        return Snapshot(self._folder / key)


def _write(folder: Path, qmp: Qmp, pid: int, logs: Path) -> None:
    qmp.command("stop")
    state = os.open(folder / "state", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        qmp.command("migrate-set-capabilities", capabilities=_WITHOUT_RAM)
        qmp.hand_over(state, "state")
        qmp.command("migrate", uri="fd:state")
        _await_migration(qmp)
    finally:
        os.close(state)
    _copy_ram(pid, folder / "ram")
    for name in _FILES:
        if name.endswith(".log"):
            _put(folder / name, (logs / name).read_bytes())
    Snapshot(folder).seal()


def _put(path: Path, data: bytes) -> None:
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(data)


def _await_migration(qmp: Qmp) -> None:
    deadline = time.monotonic() + _MIGRATION_SECONDS
    while (told := qmp.command("query-migrate")).get("status") != "completed":
        if told.get("status") in ("failed", "cancelled") or time.monotonic() > deadline:
            raise TeeforgeError(f"QEMU could not write its state: {told.get('error-desc', told)}")
        time.sleep(0.005)


def _copy_ram(pid: int, target: Path) -> None:
    """Copy the RAM of a QEMU, of which we have no more than its open file, holes as holes."""
    source = -1
    copy = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        source = _open_ram(pid)
        size = os.fstat(source).st_size
        os.ftruncate(copy, size)
        end = 0
        while end < size:
            try:
                start = os.lseek(source, end, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    break
                raise
            end = os.lseek(source, start, os.SEEK_HOLE)
            os.lseek(copy, start, os.SEEK_SET)
            while start < end:
                start += os.sendfile(copy, source, start, end - start)
    finally:
        os.close(copy)
        if source >= 0:
            os.close(source)


def _open_ram(pid: int) -> int:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if str(link.readlink()).startswith(_MEMFD):
                return os.open(link, os.O_RDONLY | os.O_CLOEXEC)
    raise TeeforgeError("QEMU has no RAM that can be read")
