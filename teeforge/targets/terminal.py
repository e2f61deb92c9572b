"""Giving the user's terminal to something else: a remote shell, or a machine's console."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import sys
import termios
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import short_path

if TYPE_CHECKING:
    import paramiko

_LEAVE = b"\x1d"  # Ctrl-], as telnet has it


def remote_shell(client: paramiko.SSHClient) -> int:
    """Run a login shell on the other side with our terminal; return its exit status."""
    size = shutil.get_terminal_size()
    channel = client.invoke_shell(os.environ.get("TERM", "vt100"), size.columns, size.lines)

    def resize(*_: object) -> None:
        now = shutil.get_terminal_size()
        channel.resize_pty(now.columns, now.lines)

    previous = signal.signal(signal.SIGWINCH, resize)
    try:
        with _raw(sys.stdin.fileno()):
            _relay(channel, leave=None)
        return channel.recv_exit_status()
    finally:
        signal.signal(signal.SIGWINCH, previous)
        channel.close()


def attach(folder: Path, console: str) -> None:
    """Connect our terminal to the console ``normal`` or ``secure`` of a machine; Ctrl-] leaves."""
    with socket.socket(socket.AF_UNIX) as connection, short_path(folder, f"{console}.sock") as path:
        try:
            connection.connect(path)
        except OSError as error:
            raise TeeforgeError(
                f"the {console} console cannot be attached: {error.strerror}", "is the machine on?"
            ) from error
        print("Ctrl-] leaves the console", file=sys.stderr)
        with _raw(sys.stdin.fileno()):
            _relay(connection, leave=_LEAVE)


def _relay(peer: socket.socket | paramiko.Channel, leave: bytes | None) -> None:
    """Copy stdin to the peer and the peer to stdout until one of them ends."""
    source, sink = sys.stdin.fileno(), sys.stdout.buffer
    watched: list[int | socket.socket | paramiko.Channel] = [peer, source]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if peer in ready:
            data = peer.recv(1 << 16)
            if not data:
                return
            sink.write(data)
            sink.flush()
        if source in ready:
            typed = os.read(source, 4096)
            if leave and leave in typed:
                return
            if typed:
                peer.sendall(typed)
            else:
                watched.remove(source)


@contextlib.contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    """Hand every key through while the block runs; nothing to do when it is no terminal."""
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
