"""Talking to QEMU over its control socket (QMP), never longer than the given time."""

from __future__ import annotations

import json
import re
import socket
import time
from pathlib import Path
from typing import Any

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import short_path

_FORWARD = re.compile(r"TCP\[HOST_FORWARD\]\s+\S+\s+\S+\s+(\d+)\s+\S+\s+22\s")


class Qmp:
    """One connection to the control socket ``qmp.sock`` of a machine's folder.

    ``version`` is what QEMU calls itself, with the distribution's words. Why not qemu.qmp: its synchronous
    face waits for ever for a QEMU that has been stopped.
    """

    def __init__(self, folder: Path, timeout: float = 5.0) -> None:
        self._folder = folder
        self._timeout = timeout
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._unread = b""
        self.version = ""

    def __enter__(self) -> Qmp:
        try:
            with short_path(self._folder, "qmp.sock") as path:
                self._socket.settimeout(self._timeout)
                self._socket.connect(path)
            # The greeting; then the one command that is allowed before all others.
            self.version = _version(self._message(time.monotonic() + self._timeout))
            self.command("qmp_capabilities")
        except OSError as error:
            self._socket.close()
            raise TeeforgeError(f"QEMU's control socket does not answer: {error}") from error
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def command(self, name: str, **arguments: Any) -> Any:
        """Run one command and return its answer. Raises TeeforgeError on refusal or silence."""
        request = {"execute": name, "arguments": arguments}
        deadline = time.monotonic() + self._timeout
        try:
            self._socket.settimeout(self._timeout)
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            # Events come between a command and its answer.
            while not (answer := self._message(deadline)).keys() & {"return", "error"}:
                pass
        except (OSError, ValueError) as error:
            raise TeeforgeError(f"QEMU did not answer {name}: {error}") from error
        if "error" in answer:
            raise TeeforgeError(f"QEMU refuses {name}: {answer['error'].get('desc', '')}")
        return answer["return"]

    def hand_over(self, descriptor: int, name: str) -> None:
        """Give QEMU an open file, to be called ``fd:NAME`` in other commands."""
        # It goes with the first byte of the command that names it; QEMU keeps the last one it was sent.
        socket.send_fds(self._socket, [b" "], [descriptor])
        self.command("getfd", fdname=name)

    def status(self) -> str:
        """Return what the machine as a whole does: running, paused, inmigrate, postmigrate, …"""
        return str(self.command("query-status")["status"])

    def ssh_port(self) -> int:
        """Return the port of the host that is forwarded to the machine's port 22."""
        told = self.command("human-monitor-command", **{"command-line": "info usernet"})
        found = _FORWARD.search(str(told))
        if found is None:
            raise TeeforgeError("QEMU forwards no port to the machine's SSH server")
        return int(found[1])

    def _message(self, deadline: float) -> dict[str, Any]:
        """Return the next message: one JSON object per line."""
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._socket.settimeout(left)
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionError("it hung up")
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        message = json.loads(line)
        return message if isinstance(message, dict) else {}


def _version(greeting: dict[str, Any]) -> str:
    told = greeting.get("QMP", {}).get("version", {})
    number = ".".join(str(told.get("qemu", {}).get(part, "?")) for part in ("major", "minor", "micro"))
    return f"{number} ({told['package']})" if told.get("package") else number
