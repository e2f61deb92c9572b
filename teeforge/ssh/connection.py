"""SSH connections: one pinned host key, one client key, no passwords, nothing taken on trust."""

from __future__ import annotations

import base64
import binascii
import logging
import shlex
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError

if TYPE_CHECKING:
    import paramiko

ALIVE_SECONDS = 30


@dataclass(frozen=True)
class SshAddress:
    """Where an SSH server is, who we are there, and which host key it must show.

    ``host_key`` is a line as in known_hosts or in a .pub file, without the host: `ssh-ed25519 AAAA…`.
    ``known_hosts`` is a file with the same key for the ``ssh`` program.
    """

    host: str
    port: int
    user: str
    client_key: Path
    host_key: str
    known_hosts: Path

    def ssh_options(self) -> list[str]:
        """Return what ``ssh`` and ``scp`` need to do what we do; none of the user's own settings."""
        return [
            *("-F", "none"),
            *_identity_option(self.client_key),
            *("-o", "IdentitiesOnly=yes"),
            *("-o", f"UserKnownHostsFile={_option_value(self.known_hosts)}"),
            *("-o", "StrictHostKeyChecking=yes"),
        ]

    def ssh_argv(self) -> list[str]:
        """Return the `ssh` command that logs in, to which a command for the other side may be added."""
        return ["ssh", *self.ssh_options(), "-p", str(self.port), f"{self.user}@{self.host}"]

    def ssh_line(self) -> str:
        """Return the `ssh` command to type."""
        return shlex.join(self.ssh_argv())

    def scp_line(self) -> str:
        """Return the `scp` command to type, with FILE to be replaced."""
        there = f"{self.user}@{self.host}:/tmp/"
        return shlex.join(["scp", *self.ssh_options(), "-P", str(self.port), "FILE", there])


def connect(name: str, address: SshAddress, deadline: float = 10.0) -> paramiko.SSHClient:
    """Connect to the target ``name``, trying again for ``deadline`` seconds while nobody answers.

    Raises TeeforgeError at once when the host key is another one or our key is refused.
    """
    import paramiko

    from teeforge.ssh.signals import SignalAwareTransport

    # It logs stack traces of what it raises as well, and what happened is told by us.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    client_key = _load_client_key(address.client_key)
    where = f"{name} ({address.user}@{address.host}, port {address.port})"
    begun = time.monotonic()
    while True:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        host_key = parse_host_key(address.host_key)
        lookup = address.host if address.port == 22 else f"[{address.host}]:{address.port}"
        client.get_host_keys().add(lookup, host_key.get_name(), host_key)
        left = max(1.0, deadline - (time.monotonic() - begun))
        try:
            client.connect(
                address.host,
                address.port,
                address.user,
                sock=_open_socket(address, left),
                pkey=client_key,
                allow_agent=False,
                look_for_keys=False,
                banner_timeout=left,
                auth_timeout=left,
                transport_factory=SignalAwareTransport,  # type: ignore[arg-type]
            )
        except paramiko.BadHostKeyException as error:
            client.close()
            raise TeeforgeError(
                f"{where} shows another host key than the pinned one: "
                f"{error.key.get_name()} {error.key.get_base64()}",
                "somebody else answers there, or the board was set up anew: then update its `host_key`",
            ) from error
        except paramiko.AuthenticationException as error:
            client.close()
            raise TeeforgeError(
                f"{where} refuses the key {address.client_key}",
                f"put {address.client_key}.pub into authorized_keys of {address.user} there",
            ) from error
        except (OSError, EOFError, paramiko.SSHException) as error:
            client.close()
            if _final(error):
                raise TeeforgeError(f"{where} cannot be trusted: {error}") from error
            if time.monotonic() - begun > deadline:
                said = str(error) or type(error).__name__
                raise TeeforgeError(
                    f"{where} did not answer within {deadline:g} s: {said}",
                    "is it on, and does its SSH server run?",
                ) from error
            time.sleep(0.1)
        except BaseException:
            client.close()
            raise
        else:
            # A board that lost its power, or a router that forgot us, would never be noticed.
            if transport := client.get_transport():
                transport.set_keepalive(ALIVE_SECONDS)
            return client


def _open_socket(address: SshAddress, timeout: float) -> socket.socket:
    opened = socket.create_connection((address.host, address.port), timeout)
    # paramiko leaves Nagle's algorithm on: every small request would wait 40 ms for an ACK.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def parse_host_key(line: str) -> paramiko.PKey:
    """Return the key of a line `ssh-ed25519 AAAA…`. Raises TeeforgeError when it is none."""
    import paramiko

    kind, _, rest = line.strip().partition(" ")
    try:
        key = base64.b64decode(rest.split()[0], validate=True)
        return paramiko.PKey.from_type_string(kind, key)
    except (IndexError, binascii.Error, paramiko.SSHException, ValueError) as error:
        raise TeeforgeError(
            f"host key `{line[:60]}` is not a public key",
            "it looks like `ssh-ed25519 AAAA…`; /etc/ssh/ssh_host_ed25519_key.pub on the board has it",
        ) from error


def _option_value(path: Path) -> str:
    """Return a path as ssh_config(5) takes it: split at spaces, % expanded."""
    escaped = str(path).replace("%", "%%")
    return f'"{escaped}"' if " " in escaped else escaped


def _identity_option(path: Path) -> tuple[str, str]:
    # -i expands % as well, but first looks for the file as it is spelt.
    return ("-o", f"IdentityFile={_option_value(path)}") if "%" in str(path) else ("-i", str(path))


def _load_client_key(path: Path) -> paramiko.PKey:
    import paramiko

    try:
        return paramiko.PKey.from_path(path)
    except FileNotFoundError as error:
        raise TeeforgeError(f"the SSH key {path} does not exist") from error
    except (paramiko.PasswordRequiredException, TypeError) as error:
        raise TeeforgeError(
            f"the SSH key {path} is protected by a passphrase",
            "name a key without one, made for this board: `ssh-keygen -t ed25519 -N ''`",
        ) from error
    except (OSError, ValueError, paramiko.SSHException) as error:
        raise TeeforgeError(f"{path} is not a private SSH key: {error}") from error


def _final(error: Exception) -> bool:
    """Say whether trying again cannot help: the server has no host key of the pinned type."""
    return "not found in known_hosts" in str(error) or "Incompatible ssh" in str(error)
