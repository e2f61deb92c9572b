"""The host's own `ssh` program, where it does better than paramiko: many bytes, and a user's terminal."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.process import clean_environment
from teeforge.ssh.connection import ALIVE_SECONDS, SshAddress

# Run by a shell, after `ssh` has put something in the place of each %.
_PROXY = shlex.join([sys.executable, "-ISE", str(Path(__file__).with_name("nodelay.py"))]).replace("%", "%%")


def has_ssh() -> bool:
    """Say whether this host has the `ssh` program."""
    return shutil.which("ssh") is not None


def feed_by_ssh(address: SshAddress, name: str, command: str, stdin: Iterable[bytes]) -> tuple[int, str, str]:
    """Run a shell command on the target ``name``, which reads ``stdin``; give status, stdout, stderr."""
    with SshPipe(address, name, command) as pipe:
        for chunk in stdin:
            if not pipe.write(chunk):
                break
        return pipe.finish()


class SshPipe:
    """A program on a target that is fed and answers lines; see Pipe. A context manager that ends it."""

    def __init__(self, address: SshAddress, name: str, command: str) -> None:
        self._name = name
        settings = ["BatchMode=yes", f"ServerAliveInterval={ALIVE_SECONDS}", "ProxyUseFdpass=yes"]
        settings.append(f"ProxyCommand={_PROXY} %h %p")
        options = [word for setting in settings for word in ("-o", setting)]
        self._child = subprocess.Popen(
            [*address.ssh_argv(), "-T", *options, command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(),
        )

    def __enter__(self) -> SshPipe:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, data: bytes) -> bool:
        """Send bytes to its stdin; say whether it still reads."""
        assert self._child.stdin
        try:
            self._child.stdin.write(data)
            self._child.stdin.flush()
        except BrokenPipeError:
            return False
        return True

    def line(self) -> str:
        """Return its next line without the newline, nothing at its end."""
        assert self._child.stdout
        return self._child.stdout.readline().decode(errors="replace").rstrip("\n")

    def finish(self) -> tuple[int, str, str]:
        """End its stdin; return its exit status and what it still says on stdout and stderr."""
        assert self._child.stdin
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.close()
        self._child.stdin = None
        out, err = self._child.communicate()
        told = err.decode(errors="replace")
        if self._child.returncode == 255:
            last = (told.strip().splitlines() or ["it said nothing"])[-1]
            raise TeeforgeError(f"the connection to {self._name} was lost: {last}")
        return self._child.returncode, out.decode(errors="replace"), told

    def close(self) -> None:
        """End it, in the middle of whatever it does."""
        self._child.kill()
        # Which closes the pipes and waits.
        with contextlib.suppress(BrokenPipeError), self._child:
            pass

    def lost(self) -> TeeforgeError:
        """Return what to say if it ended and should not have."""
        try:
            status, _, _ = self.finish()
        except TeeforgeError as error:
            return error
        return TeeforgeError(f"the connection to {self._name} was lost: ssh ended with status {status}")
