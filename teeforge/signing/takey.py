"""The environment's own key for TAs: with `signing: own` the core loads what it signed, and nothing else."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically, write_if_other
from teeforge.base.locking import exclusive_lock

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

# As long as OP-TEE's development key, so that a signature takes as many bytes.
_BITS = 4096
# struct shdr of signed_hdr.h: magic, type, bytes of the image, algorithm, bytes of hash and of signature.
_HEADER = struct.Struct("<IIIIHH")
_MAGIC = 0x4F545348
_PKCS1_V1_5_SHA256 = 0x70004830


@dataclass(frozen=True)
class TaKey:
    """An RSA key in ``folder``, the private half for its owner alone, made when it is first asked for."""

    folder: Path

    @property
    def private(self) -> Path:
        """The private key's file, PEM in PKCS #8."""
        return self.folder / "ta_signing.pem"

    @property
    def public(self) -> Path:
        """The public key's file, PEM, for the core's build; it is there after this."""
        _ = self._key
        return self._public

    @property
    def public_digest(self) -> str:
        """The SHA-256 of the public key's file in hex."""
        return hashlib.sha256(self.public.read_bytes()).hexdigest()

    @property
    def _public(self) -> Path:
        return self.folder / "ta_signing.pub.pem"

    def signed(self, ta: bytes) -> bytes:
        """Return a signed TA with this key's signature in the place of the one it has.

        Header, hash and image stay what they are. ValueError for what is no TA in OP-TEE's form.
        """
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
        from cryptography.hazmat.primitives.hashes import SHA256

        if len(ta) < _HEADER.size:
            raise ValueError("it ends within its header")
        magic, _, _, algorithm, hash_size, signature_size = _HEADER.unpack_from(ta)
        if magic != _MAGIC or hash_size != SHA256.digest_size:
            raise ValueError("it does not begin as a signed TA")
        if algorithm != _PKCS1_V1_5_SHA256 or signature_size != _BITS // 8:
            raise ValueError(f"its signature is of another kind ({algorithm:#x}, {signature_size} bytes)")
        place = _HEADER.size + hash_size
        signature = self._key.sign(ta[_HEADER.size : place], PKCS1v15(), Prehashed(SHA256()))
        return ta[:place] + signature + ta[place + signature_size :]

    def signed_file(self, ta: Path, digest: str) -> Path:
        """Return a file with what signed() makes of the TA ``ta`` of a SHA-256; made once."""
        copy = self.folder / "signed" / f"{digest[:32]}.{self.public_digest[:16]}.ta"
        if not copy.is_file():
            try:
                data = self.signed(ta.read_bytes())
            except ValueError as error:
                raise TeeforgeError(
                    f"{ta} cannot be signed: {error}",
                    "its recipe signs with `--algo TEE_ALG_RSASSA_PKCS1_V1_5_SHA256`",
                ) from error
            write_atomically(copy, data)
        return copy

    @cached_property
    def _key(self) -> RSAPrivateKey:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
            PublicFormat,
            load_pem_private_key,
        )

        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with exclusive_lock(self.folder / "lock"):
            if not self.private.exists():
                made = generate_private_key(65537, _BITS)
                form = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
                write_atomically(self.private, form, 0o600)
            try:
                key = load_pem_private_key(self.private.read_bytes(), password=None)
            except (OSError, ValueError, TypeError) as error:
                raise self._unusable() from error
            if not isinstance(key, RSAPrivateKey) or key.key_size != _BITS:
                raise self._unusable()
            public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            write_if_other(self._public, public)
        return key

    def _unusable(self) -> TeeforgeError:
        return TeeforgeError(
            f"{self.private} is not an RSA key of {_BITS} bits",
            "put a copy of it back, or remove it: then a new one is made, and the core is built for it",
        )
