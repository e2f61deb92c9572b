"""The SSH identity of an environment: a client key, the targets' host key, and how each side gets it."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.files import write_if_other
from teeforge.base.locking import exclusive_lock
from teeforge.signing.keys import load_or_make_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_KEY_TYPE = b"ssh-ed25519"
_REMEDY = "remove {}; a new identity is made at the next boot"


@dataclass(frozen=True)
class Identity:
    """Where the files are, and the public halves in OpenSSH's one-line form."""

    client_key: Path
    known_hosts: Path
    authorized_key: str
    host_public_key: str
    dropbear_host_key: bytes


def load_identity(folder: Path) -> Identity:
    """Return the identity kept in ``folder``, made on first use.

    Each file appears whole or not at all, and what can be derived from a key is written anew when
    it is missing. Raises TeeforgeError when a key file is there but is not an ed25519 key.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with exclusive_lock(folder / "lock"):
        client = load_or_make_key(folder / "id_ed25519", _REMEDY.format(folder))
        host = load_or_make_key(folder / "host_ed25519", _REMEDY.format(folder))
        authorized_key, host_public_key = _public_line(client), _public_line(host)
        known_hosts = folder / "known_hosts"
        # Pattern, as sshd(8) allows: the forwarded port is another one at every boot.
        write_if_other(known_hosts, f"[127.0.0.1]:* {host_public_key}\n".encode())
        write_if_other(folder / "id_ed25519.pub", f"{authorized_key}\n".encode())
    return Identity(
        client_key=folder / "id_ed25519",
        known_hosts=known_hosts,
        authorized_key=authorized_key,
        host_public_key=host_public_key,
        dropbear_host_key=_dropbear_form(host),
    )


def _public_line(key: Ed25519PrivateKey) -> str:
    return f"{_KEY_TYPE.decode()} {base64.b64encode(_public_blob(key)).decode()}"


def _public_blob(key: Ed25519PrivateKey) -> bytes:
    """Return the public key as RFC 8709 writes it."""
    return _string(_KEY_TYPE) + _string(key.public_key().public_bytes_raw())


def _dropbear_form(key: Ed25519PrivateKey) -> bytes:
    """Return the key as dropbear stores it: buf_put_ed25519_priv_key() of its ed25519 source."""
    both = key.private_bytes_raw() + key.public_key().public_bytes_raw()
    return _string(_KEY_TYPE) + _string(both)


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
