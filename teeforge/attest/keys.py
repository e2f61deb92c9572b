"""The public keys that evidence is signed with: of each machine the one it had when it was first asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError, unreadable
from teeforge.base.files import write_atomically

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

# Shorter ones are not what COSE allows for PS256 (RFC 8230, section 6.1).
_BITS_LEAST = 2048


@dataclass(frozen=True)
class Key:
    """A machine's public key in PEM, and its name: the thumbprint of its COSE_Key (RFC 9679)."""

    pem: bytes
    kid: bytes


def key_of_pem(pem: bytes, where: str) -> Key:
    """Return the key in a PEM file. Raises TeeforgeError if there is no RSA key in it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TeeforgeError(f"{where}: there is no public key in it", "give one in PEM") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < _BITS_LEAST:
        raise TeeforgeError(
            f"{where}: is no RSA key of {_BITS_LEAST} bits or more", "give the key of the TEE's attestation"
        )
    return _key(key)


def key_of_cose(data: bytes, where: str) -> Key:
    """Return the key in a COSE_Key, as the TA gives it. Raises TeeforgeError if it is none."""
    import cbor2
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    try:
        told = cbor2.loads(data)
        numbers = [int.from_bytes(told[label], "big") for label in (-2, -1)]
        key = RSAPublicNumbers(*numbers).public_key()
    except (cbor2.CBORError, ValueError, TypeError, KeyError) as error:
        raise TeeforgeError(
            f"{where} gives no key that can be read", "`invoke deploy` sends the TA of this build"
        ) from error
    return _key(key)


def _key(key: RSAPublicKey) -> Key:
    import cbor2
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    numbers = key.public_numbers()
    n, e = (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (numbers.n, numbers.e))
    thumbprint = hashlib.sha256(cbor2.dumps({1: 3, -1: n, -2: e})).digest()
    return Key(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), thumbprint)


def read_key(path: Path) -> Key:
    """Return the key in a file. Raises TeeforgeError if there is none."""
    try:
        return key_of_pem(path.read_bytes(), str(path))
    except OSError as error:
        raise unreadable(path, error, "give a public key in PEM") from error


def keep_key(path: Path, key: Key) -> None:
    """Keep the key of a machine, which is trusted from now on."""
    write_atomically(path, key.pem)


def kept_key(path: Path) -> Key:
    """Return the key of a machine that was kept. Raises TeeforgeError if the file is damaged."""
    try:
        return read_key(path)
    except TeeforgeError as error:
        raise TeeforgeError(
            error.message,
            "it was kept when the machine was first asked: put it back from a copy, or remove it, and the"
            " next `invoke attest` trusts the key that the machine has by then",
        ) from error


def kept_keys(paths: Iterable[Path]) -> dict[bytes, tuple[str, Key]]:
    """Return the keys that were kept, by their names, each with its machine's, which its folder has."""
    kept = [(path.parent.name, kept_key(path)) for path in paths]
    return {key.kid: (name, key) for name, key in kept}
