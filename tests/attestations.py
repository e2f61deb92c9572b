"""Tokens as the runtime TA and OP-TEE's attestation make them, without a TEE: with a key of the test's."""

from __future__ import annotations

from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from teeforge.attest import claims
from teeforge.attest.keys import Key, key_of_pem
from teeforge.attest.reference import Reference

NONCE = bytes(range(32))
MODULE, CORE_MEMORY, TA_MEMORY = b"m" * 32, b"c" * 32, b"t" * 32
TA_UUID = "7c1e4bb6-5a37-4a0e-9d2c-0f5d2f8b6a11"
REFERENCE = Reference(CORE_MEMORY, True, TA_UUID, TA_MEMORY)


class Machine:
    """What signs: a machine's attestation."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)

    @property
    def key(self) -> Key:
        """Its public key."""
        public = self._key.public_key()
        return key_of_pem(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "test")

    def sign(self, nonce: bytes, digest: bytes) -> bytes:
        """What core/pta/attestation.c does: PSS with SHA-256 and a salt of 32 bytes over both."""
        return self._key.sign(nonce + digest, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())

    def token(self, payload: bytes, header: dict[int, Any] | None = None) -> bytes:
        """What the TA makes of it: the nonce for the core is the Sig_structure less its end."""
        protected = cbor2.dumps({1: -37, 4: self.key.kid} if header is None else header)
        signed = cbor2.dumps(["Signature1", protected, b"", payload])
        signature = self.sign(signed[:-32], signed[-32:])
        return cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))


def told(**changes: Any) -> dict[int, Any]:
    """The claims of a TA that is what it should be, but for the changes."""
    everything: dict[str, Any] = {
        "cnf": {1: {1: 2, -1: 1, -2: b"x" * 32, -3: b"y" * 32}},
        "nonce": NONCE,
        "debug": 0,
        "profile": claims.PROFILE,
        "module": {1: MODULE},
        "core": {1: "4.10.0", 2: CORE_MEMORY},
        "state": ["no-device-identity", "zero-hardware-key"],
        "ta": {1: bytes.fromhex(TA_UUID.replace("-", "")), 2: TA_MEMORY},
        **changes,
    }
    names = ("cnf", "nonce", "debug", "profile", "module", "core", "state", "ta")
    keys = (8, 10, 263, 265, -65537, -65538, -65539, -65540)
    return {
        key: everything[name] for key, name in zip(keys, names, strict=True) if everything[name] is not None
    }


def payload(**changes: Any) -> bytes:
    """The same in CBOR."""
    return cbor2.dumps(told(**changes))
