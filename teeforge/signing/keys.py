"""Private keys of an environment in files: made on first use, for their owner alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_if_other

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def load_or_make_key(path: Path, remedy: str) -> Ed25519PrivateKey:
    """Return the ed25519 key in a file of OpenSSH's form, made if there is none.

    It appears whole or not at all. Raises TeeforgeError with the hint ``remedy`` if the file is there but is
    not such a key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_ssh_private_key,
    )

    if not path.exists():
        key = Ed25519PrivateKey.generate()
        form = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        write_if_other(path, form, 0o600)
        return key
    unusable = TeeforgeError(f"{path} is not an ed25519 private key", remedy)
    try:
        loaded = load_ssh_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise unusable from error
    if not isinstance(loaded, Ed25519PrivateKey):
        raise unusable
    # ssh refuses a private key that others can read.
    path.chmod(0o600)
    return loaded
