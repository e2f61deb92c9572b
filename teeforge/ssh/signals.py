"""Signals of remote programs, which paramiko leaves out: RFC 4254, sections 6.9 and 6.10."""

from __future__ import annotations

import contextlib
from typing import Any, ClassVar

import paramiko
from paramiko.common import MSG_CHANNEL_REQUEST, cMSG_CHANNEL_REQUEST


def _handle_request(channel: Any, message: paramiko.Message) -> None:
    """Keep the name in an `exit-signal`; leave every other request to paramiko."""
    rest = message.get_remainder()
    peek = paramiko.Message(rest)
    with contextlib.suppress(Exception):
        if peek.get_text() == "exit-signal":
            peek.get_boolean()
            channel.exit_signal = peek.get_text()
            return
    channel._handle_request(paramiko.Message(rest))


class SignalAwareTransport(paramiko.Transport):
    """A transport whose channels remember the signal that ended their program."""

    _channel_handler_table: ClassVar[dict[int, Any]] = {
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]
        MSG_CHANNEL_REQUEST: _handle_request,
    }


def exit_signal(channel: paramiko.Channel) -> str | None:
    """Return the name, without SIG, of the signal that ended the channel's program."""
    return getattr(channel, "exit_signal", None)


def send_signal(channel: paramiko.Channel, name: str) -> None:
    """Ask the server to send the signal ``name``, without SIG, to the channel's program."""
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("signal")
    message.add_boolean(False)
    message.add_string(name)
    transport: Any = channel.get_transport()
    # It may be the connection's end that made us want the program's.
    with contextlib.suppress(OSError, EOFError, AttributeError, paramiko.SSHException):
        transport._send_user_message(message)
