"""Targets: what artefacts are sent to and programs run on, whatever kind of machine it is."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.ssh.connection import SshAddress, connect, parse_host_key
from teeforge.ssh.program import has_ssh
from teeforge.ssh.remote import Alarm, Sink, Source, run_remote
from teeforge.targets.couriers import Couriers
from teeforge.targets.parcel import State, Upload
from teeforge.targets.push import Pushed, push_files

if TYPE_CHECKING:
    import paramiko


class Session:
    """One open connection to a target; a context manager."""

    def __init__(self, name: str, client: paramiko.SSHClient, address: SshAddress) -> None:
        self.name = name
        self.client = client
        self._couriers = Couriers(client, address, name)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def look(self, paths: Sequence[str]) -> State:
        """Return SHA-256 and mode of those of ``paths`` that are there."""
        return self._couriers.look(dict.fromkeys(paths))

    def push(self, files: Sequence[Upload], there: State | None = None) -> Pushed:
        """Send what differs from ``there``, which look() gave, verified and whole; see push.py."""
        return push_files(self._couriers, files, there)

    def feed(self, argv: Sequence[str], stdin: Iterable[bytes], size: int) -> tuple[int, str, str]:
        """Run a program that reads ``size`` bytes; return its exit status, stdout and stderr."""
        return self._couriers.feed(shlex.join(argv), stdin, size)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: Source | bytes | None = None,
        on_stdout: Sink,
        on_stderr: Sink,
        alarm: Alarm | None = None,
    ) -> int:
        """Run a program, its output streamed to the sinks; return its exit status; see remote.py."""
        return run_remote(self.client, self.name, argv, stdin, on_stdout, on_stderr, alarm)

    def check(self, argv: Sequence[str]) -> None:
        """Run a program that says nothing. Raises TeeforgeError, with what it says, if it fails."""
        said = bytearray()
        if self.run(argv, on_stdout=said.extend, on_stderr=said.extend) != 0:
            raise TeeforgeError(f"{self.name}: {shlex.join(argv)}: {said.decode(errors='replace').strip()}")

    def alive(self) -> bool:
        """Say whether the connection still is one."""
        transport = self.client.get_transport()
        return transport is not None and transport.is_active()

    def close(self) -> None:
        """Close the connection."""
        self.client.close()
        self._couriers.close()


class Target(Protocol):
    """The verbs that every kind of target has."""

    @property
    def name(self) -> str:
        """Its name in config.yaml."""
        ...

    @property
    def address(self) -> SshAddress:
        """Where its SSH server is. Raises TeeforgeError when the target is off."""
        ...

    def connect(self) -> Session:
        """Open a connection. Raises TeeforgeError when nobody answers or the wrong one does."""
        ...

    def shell(self) -> int:
        """Give the user's terminal to a shell over there; return its exit status."""
        ...


@dataclass(frozen=True)
class SshTarget:
    """Any board that runs OP-TEE and an SSH server, known by its host key."""

    name: str
    host: str
    host_key: str
    client_key: Path
    folder: Path
    port: int = 22
    user: str = "root"

    @property
    def address(self) -> SshAddress:
        """Where the board's SSH server is; writes the known_hosts file for `ssh` into ``folder``."""
        parse_host_key(self.host_key)
        known_hosts = self.folder / "known_hosts"
        pattern = self.host if self.port == 22 else f"[{self.host}]:{self.port}"
        line = f"{pattern} {self.host_key}\n".encode()
        if not known_hosts.is_file() or known_hosts.read_bytes() != line:
            write_atomically(known_hosts, line)
        return SshAddress(self.host, self.port, self.user, self.client_key, self.host_key, known_hosts)

    def connect(self) -> Session:
        """Open a connection. Raises TeeforgeError when nobody answers or the wrong one does."""
        address = self.address
        return Session(self.name, connect(self.name, address), address)

    def shell(self) -> int:
        """Give the user's terminal to a shell on the board."""
        return open_shell(self)


def open_shell(target: Target) -> int:
    """Run the host's own `ssh`, or else a terminal over paramiko; return the shell's exit status."""
    address = target.address
    if has_ssh():
        return subprocess.run(address.ssh_argv(), check=False).returncode
    from teeforge.targets.terminal import remote_shell

    with target.connect() as session:
        return remote_shell(session.client)
