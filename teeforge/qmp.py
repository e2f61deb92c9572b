"""Talking to QEMU over its control socket (QMP)."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teeforge.errors import TeeforgeError

if TYPE_CHECKING:
    from qemu.qmp.legacy import QEMUMonitorProtocol

_FORWARD = re.compile(r"TCP\[HOST_FORWARD\]\s+\S+\s+\S+\s+(\d+)\s+\S+\s+22\s")


@contextlib.contextmanager
def short_path(folder: Path, name: str) -> Iterator[str]:
    """Give a path of ``folder/name`` that fits in a socket address, however deep the folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


class Qmp:
    """One connection to the control socket ``qmp.sock`` of a machine's folder."""

    def __init__(self, folder: Path, timeout: float = 5.0) -> None:
        self._folder = folder
        self._timeout = timeout
        self._protocol: QEMUMonitorProtocol | None = None

    def __enter__(self) -> Qmp:
        # Here, not above: it takes longer to import than most commands need in all.
        from qemu.qmp.legacy import QEMUMonitorProtocol

        with short_path(self._folder, "qmp.sock") as path:
            protocol = QEMUMonitorProtocol(path)
            protocol.settimeout(self._timeout)
            try:
                protocol.connect()
            except BaseException as error:
                with contextlib.suppress(Exception):
                    protocol.close()
                if isinstance(error, Exception):
                    raise TeeforgeError(
                        f"QEMU's control socket does not answer: {error}"
                    ) from error
                raise
        self._protocol = protocol
        return self

    def __exit__(self, *_: object) -> None:
        if self._protocol is not None:
            # QEMU may be the one who hung up.
            with contextlib.suppress(Exception):
                self._protocol.close()

    def command(self, name: str, **arguments: Any) -> Any:
        """Run one command and return its answer. Raises TeeforgeError on refusal or silence."""
        assert self._protocol is not None
        try:
            return self._protocol.cmd(name, **arguments)
        except Exception as error:
            raise TeeforgeError(f"QEMU did not carry out {name}: {error}") from error

    def ssh_port(self) -> int:
        """Return the port of the host that is forwarded to the machine's port 22."""
        told = self.command("human-monitor-command", **{"command-line": "info usernet"})
        found = _FORWARD.search(str(told))
        if found is None:
            raise TeeforgeError("QEMU forwards no port to the machine's SSH server")
        return int(found[1])
