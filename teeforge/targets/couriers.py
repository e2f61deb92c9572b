"""Who brings files to a target: its `receive` or its shell; the `ssh` program where there are many bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from teeforge.ssh.connection import SshAddress
from teeforge.ssh.program import SshPipe, feed_by_ssh, has_ssh
from teeforge.ssh.remote import ChannelPipe, capture_remote
from teeforge.targets.parcel import Courier, Parcel, Sizes, State
from teeforge.targets.receiver import COMMAND, Receiver
from teeforge.targets.shellcourier import ShellCourier

if TYPE_CHECKING:
    import paramiko

# From here on it pays to connect anew with the `ssh` program: its cipher (ChaCha20) is one that paramiko
# lacks, and costs a target without crypto instructions half as much as AES.
_BULK = 4 << 20


class Couriers:
    """Those of one connection to the target ``name``; not for several threads at once."""

    def __init__(self, client: paramiko.SSHClient, address: SshAddress, name: str) -> None:
        self.name = name
        self._client = client
        self._address = address
        # Those that run, over the connection and over one of the `ssh` program. They stay.
        self._near: Receiver | None = None
        self._wide: Receiver | None = None
        self._has_none = False

    def expect(self, size: int) -> None:
        """Do what can be done ahead of sending so many bytes, without waiting for it."""
        if is_much(size) and not self._wide and not self._has_none:
            self._wide = Receiver(SshPipe(self._address, self.name, COMMAND))

    def look(self, sizes: Sizes) -> State:
        """Return SHA-256 and mode of those that are files on the target; see Courier."""
        with self._courier() as courier:
            return courier.look(sizes)

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Bring files there; see Courier."""
        if not parcels:
            return
        size = sum(parcel.size for parcel in parcels)
        self.expect(size)
        with self._courier() as courier:
            if not is_much(size):
                courier.send(parcels)
            elif self._wide and not self._has_none:
                self._wide.send(parcels)
            else:
                ShellCourier(self.name, self._feed_much).send(parcels)

    def feed(self, command: str, stdin: Iterable[bytes], size: int) -> tuple[int, str, str]:
        """Run a shell command that reads so many bytes; return its exit status, stdout and stderr."""
        return self._feed_much(command, stdin) if is_much(size) else self._feed(command, stdin)

    def close(self) -> None:
        """End what runs on the target."""
        for receiver in (self._near, self._wide):
            if receiver:
                receiver.close()
        self._near = self._wide = None

    @contextlib.contextmanager
    def _courier(self) -> Iterator[Courier]:
        """Give one for little; after an error others take the places of all."""
        try:
            yield self._receiver() or ShellCourier(self.name, self._feed)
        except BaseException:
            self.close()
            raise

    def _receiver(self) -> Receiver | None:
        """Return one that runs, else a new one over the connection, or nothing if the target has none."""
        if self._wide and not self._near and self._wide.greets():
            return self._wide
        if not self._near and not self._has_none:
            receiver = Receiver(ChannelPipe(self._client, self.name, COMMAND))
            self._has_none = not receiver.greets()
            self._near = None if self._has_none else receiver
        return self._near

    def _feed(self, command: str, stdin: Iterable[bytes]) -> tuple[int, str, str]:
        return capture_remote(self._client, self.name, command, stdin)

    def _feed_much(self, command: str, stdin: Iterable[bytes]) -> tuple[int, str, str]:
        return feed_by_ssh(self._address, self.name, command, stdin)


def is_much(size: int) -> bool:
    """Say whether so many bytes are better sent through the `ssh` program."""
    return size >= _BULK and has_ssh()
