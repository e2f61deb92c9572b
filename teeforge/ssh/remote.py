"""Running a program on a target over SSH: its streams as they come, its status, its end."""

from __future__ import annotations

import contextlib
import select
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from teeforge.base.errors import TeeforgeError

if TYPE_CHECKING:
    import paramiko

Sink = Callable[[bytes], object]


class Source(Protocol):
    """What bytes are read from, until there are none."""

    def read(self, most: int, /) -> bytes:
        """Return some bytes, at most so many."""
        ...


class Alarm(Protocol):
    """What may end a run from our side: its descriptor becomes readable when it is time to check."""

    def fileno(self) -> int:
        """Return the descriptor."""
        ...

    def check(self) -> None:
        """Raise what ends the run, if it is to end."""
        ...


_CHUNK = 1 << 16


def run_remote(
    client: paramiko.SSHClient,
    name: str,
    argv: Sequence[str],
    stdin: Source | bytes | None,
    on_stdout: Sink,
    on_stderr: Sink,
    alarm: Alarm | None = None,
) -> int:
    """Run ``argv`` on the target ``name`` and return its exit status.

    The sinks get bytes as the program writes them, all of them. Raises TeeforgeError when a signal
    ends the program (``status`` is 128 + its number, as shells have it) or the connection is lost.
    An exception on our side, Ctrl-C and what ``alarm`` raises included, ends the program over there.
    """
    channel = _open_channel(client, name)
    # exec: signals that we send reach the program and not a shell around it.
    _start(channel, name, "exec " + shlex.join(argv))
    feeder = threading.Thread(target=_feed, args=(channel, _chunks(stdin)), daemon=True)
    feeder.start()
    try:
        _pump(channel, on_stdout, on_stderr, alarm)
        status = _status(channel, name, argv[0], alarm)
    except BaseException as error:
        from teeforge.ssh.signals import send_signal

        # dropbear hangs up on a signal for a channel that it has closed.
        if not channel.closed:
            send_signal(channel, "INT" if isinstance(error, KeyboardInterrupt) else "TERM")
        raise
    finally:
        close_channel(channel)
    return status


def capture_remote(
    client: paramiko.SSHClient, name: str, command: str, stdin: Iterable[bytes] = ()
) -> tuple[int, str, str]:
    """Run a shell command on the target, which may read ``stdin``; return its status, stdout and stderr."""
    channel = _open_channel(client, name)
    out, err = bytearray(), bytearray()
    try:
        _start(channel, name, command)
        _feed(channel, stdin)
        _pump(channel, out.extend, err.extend)
        status = _status(channel, name, command)
    finally:
        close_channel(channel)
    return status, out.decode(errors="replace"), err.decode(errors="replace")


class ChannelPipe:
    """A program on the target that answers lines; see Pipe."""

    def __init__(self, client: paramiko.SSHClient, name: str, command: str) -> None:
        self._name = name
        self._channel = _open_channel(client, name)
        _start(self._channel, name, command)
        self._answers = self._channel.makefile("rb")

    def write(self, data: bytes) -> bool:
        """Send bytes to its stdin; say whether it still reads."""
        try:
            self._channel.sendall(data)
        except (OSError, EOFError):
            return False
        return True

    def line(self) -> str:
        """Return its next line without the newline, nothing at its end."""
        line: bytes = self._answers.readline()
        return line.decode(errors="replace").rstrip("\n")

    def close(self) -> None:
        """End it."""
        close_channel(self._channel)

    def lost(self) -> TeeforgeError:
        """Return what to say if it ended and should not have."""
        return _lost(self._name)


def close_channel(channel: paramiko.Channel) -> None:
    """Close a channel whose program has nothing more to do, and wait until the server has, too.

    dropbear may end a channel that is opened while the one before it is still going down.
    """
    with contextlib.suppress(OSError, EOFError):
        channel.shutdown_write()
        deadline = time.monotonic() + 5
        while not channel.closed and time.monotonic() < deadline:
            time.sleep(0.001)
    channel.close()


def _open_channel(client: paramiko.SSHClient, name: str) -> paramiko.Channel:
    transport = client.get_transport()
    try:
        if transport is None:
            raise EOFError
        return transport.open_session(timeout=20)
    except Exception as error:
        raise _lost(name) from error


def _start(channel: paramiko.Channel, name: str, command: str) -> None:
    import paramiko

    try:
        channel.exec_command(command)
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise _lost(name) from error


def _feed(channel: paramiko.Channel, chunks: Iterable[bytes]) -> None:
    """Send the program's stdin, then its end."""
    # The program may end, or close its stdin, before it has read all.
    with contextlib.suppress(OSError, EOFError, ValueError):
        for chunk in chunks:
            channel.sendall(chunk)
        channel.shutdown_write()


def _chunks(source: Source | bytes | None) -> Iterable[bytes]:
    if source is None:
        return
    if isinstance(source, bytes):
        yield source
        return
    # read1: a line typed on a terminal must not wait for a full buffer.
    read = getattr(source, "read1", source.read)
    while chunk := read(_CHUNK):
        yield chunk


def _pump(channel: paramiko.Channel, on_stdout: Sink, on_stderr: Sink, alarm: Alarm | None = None) -> None:
    """Hand over both streams until both have ended."""
    watched: list[paramiko.Channel | Alarm] = [channel, alarm] if alarm else [channel]
    while True:
        # Asked before reading: what came before the end is then read for certain.
        ended = channel.eof_received or channel.closed
        some = False
        if channel.recv_stderr_ready():
            on_stderr(channel.recv_stderr(_CHUNK))
            some = True
        if channel.recv_ready():
            on_stdout(channel.recv(_CHUNK))
            some = True
        if ended and not some:
            return
        ready, _, _ = select.select(watched, [], [], 0 if some else 1.0)
        if alarm and alarm in ready:
            alarm.check()


def _status(channel: paramiko.Channel, name: str, program: str, alarm: Alarm | None = None) -> int:
    # A program may close its output and go on.
    while not channel.status_event.wait(1.0) and not channel.closed:
        if alarm:
            alarm.check()
    if channel.exit_status >= 0:
        return channel.exit_status
    from teeforge.ssh.signals import exit_signal

    ended_by = exit_signal(channel)
    if ended_by is not None:
        number = getattr(signal, f"SIG{ended_by}", 0)
        raise TeeforgeError(
            f"{program} was ended by signal {ended_by} on {name}",
            status=128 + number if number else 1,
        )
    transport = channel.get_transport()
    if transport is None or not transport.is_active():
        raise _lost(name)
    raise TeeforgeError(
        f"{program} ended on {name} without an exit status: by a signal, or its server gave up on it"
    )


def _lost(name: str) -> TeeforgeError:
    return TeeforgeError(f"the connection to {name} was lost", "`invoke status` shows whether it still runs")
