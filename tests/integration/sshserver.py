"""A real SSH server in this process: programs run under sh."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    MSG_CHANNEL_REQUEST,
    OPEN_SUCCEEDED,
    cMSG_CHANNEL_REQUEST,
)


class Server:
    """Listens on a port of 127.0.0.1 that the kernel picks, until closed."""

    def __init__(self, host_key: paramiko.PKey, client_key: paramiko.PKey, port: int = 0) -> None:
        self.host_key = host_key
        self.client_key = client_key
        self.attempts: list[str] = []
        self.accepts_keys = True
        self.corrupts_uploads = False
        self.fails_uploads = False
        self.processes: list[subprocess.Popen[bytes]] = []
        self._transports: list[paramiko.Transport] = []
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def drop(self) -> None:
        """Break every connection without a word, as a crashing machine does."""
        for transport in self._transports:
            transport.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()
        for transport in self._transports:
            transport.close()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                transport = _Transport(connection)
                transport.add_server_key(self.host_key)
                self._transports.append(transport)
                with contextlib.suppress(EOFError, paramiko.SSHException):
                    transport.start_server(server=_Session(self), event=threading.Event())


def _handle_request(channel: Any, message: paramiko.Message) -> None:
    """Deliver a `signal` request, which paramiko's server side does not know."""
    rest = message.get_remainder()
    peek = paramiko.Message(rest)
    if peek.get_text() == "signal":
        peek.get_boolean()
        channel.program.send_signal(getattr(signal, f"SIG{peek.get_text()}"))
        return
    channel._handle_request(paramiko.Message(rest))
    # Only now has the request been answered: a quick program must not close the channel before that.
    if program := getattr(channel, "starting", None):
        channel.starting = None
        threading.Thread(target=_run, args=(channel, program), daemon=True).start()


class _Transport(paramiko.Transport):
    _channel_handler_table: ClassVar[dict[int, Any]] = {
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]
        MSG_CHANNEL_REQUEST: _handle_request,
    }


class _Session(paramiko.ServerInterface):
    def __init__(self, server: Server) -> None:
        self._server = server

    def get_allowed_auths(self, username: str) -> str:
        return "publickey,password,keyboard-interactive"

    def check_auth_none(self, username: str) -> int:
        self._server.attempts.append("none")
        return AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        self._server.attempts.append("password")
        return AUTH_SUCCESSFUL

    def check_auth_interactive(self, username: str, submethods: str) -> int:
        self._server.attempts.append("keyboard-interactive")
        return AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self._server.attempts.append(f"publickey {key.get_base64()}")
        good = self._server.accepts_keys and key == self._server.client_key
        return AUTH_SUCCESSFUL if good else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: Any, command: bytes) -> bool:
        program = subprocess.Popen(
            ["sh", "-c", command.decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=_write_little if self._server.fails_uploads else None,
        )
        channel.corrupts = self._server.corrupts_uploads
        channel.program = program
        self._server.processes.append(program)
        channel.starting = program
        return True


def _write_little() -> None:
    """Let files be no longer than this, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


def _run(channel: Any, program: subprocess.Popen[bytes]) -> None:
    assert program.stdin and program.stdout and program.stderr
    threading.Thread(target=_feed, args=(channel, program), daemon=True).start()
    senders = {program.stdout: channel.sendall, program.stderr: channel.sendall_stderr}
    with contextlib.suppress(OSError):
        while senders:
            for pipe in select.select(list(senders), [], [])[0]:
                data = os.read(pipe.fileno(), 1 << 16)
                if data:
                    senders[pipe](data)
                else:
                    del senders[pipe]
        status = program.wait()
        if status < 0:
            _send_exit_signal(channel, signal.Signals(-status).name.removeprefix("SIG"))
        else:
            channel.send_exit_status(status)
        channel.close()


def _feed(channel: Any, program: subprocess.Popen[bytes]) -> None:
    assert program.stdin
    with contextlib.suppress(OSError), program.stdin as stdin:
        while data := channel.recv(1 << 16):
            if channel.corrupts and len(data) > 1000:
                data = data[:500] + bytes([data[500] ^ 1]) + data[501:]
            stdin.write(data)
            stdin.flush()


def _send_exit_signal(channel: Any, name: str) -> None:
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("exit-signal")
    message.add_boolean(False)
    message.add_string(name)
    message.add_boolean(False)
    message.add_string("")
    message.add_string("")
    channel.transport._send_user_message(message)


@contextlib.contextmanager
def serving(host_key: paramiko.PKey, client_key: paramiko.PKey, port: int = 0) -> Iterator[Server]:
    server = Server(host_key, client_key, port)
    try:
        yield server
    finally:
        server.close()
