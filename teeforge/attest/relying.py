"""A relying party: who gives a secret to a program, once it has shown what it is and where it runs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from teeforge.attest.claims import Evidence, read_claims
from teeforge.attest.keys import Key
from teeforge.attest.reference import Reference
from teeforge.attest.token import read_token
from teeforge.attest.verdict import appraise
from teeforge.base.errors import TeeforgeError

NONCE_SIZE = 32
# For how long a nonce is good, and how many of them there are at a time.
_SECONDS = 60.0
_OPEN_MOST = 1024
# What the runtime TA decrypts at most (overlays/wasm_ta/ta/wasi/wasi_ra.c).
SECRET_MOST = 4096


class RelyingParty:
    """Holds a secret for one module in the TEE of one machine."""

    def __init__(
        self,
        key: Key,
        reference: Reference,
        module: bytes,
        secret: bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the machine's ``key``, what core, TA and module (SHA-256) have to be, and the secret."""
        if not 0 < len(secret) <= SECRET_MOST:
            raise TeeforgeError(f"a secret of {len(secret)} bytes", f"give one of 1 to {SECRET_MOST}")
        self._key, self._reference, self._module, self._secret = key, reference, module, secret
        self._clock = clock
        self._open: dict[bytes, float] = {}

    def challenge(self) -> bytes:
        """Return a nonce, which is good for one token."""
        now = self._clock()
        self._open = {nonce: until for nonce, until in self._open.items() if until > now}
        if len(self._open) >= _OPEN_MOST:
            raise TeeforgeError("too many nonces are open", "try again in a minute")
        nonce = secrets.token_bytes(NONCE_SIZE)
        self._open[nonce] = now + _SECONDS
        return nonce

    def release(self, data: bytes) -> bytes:
        """Return the secret, encrypted to the key in a token, if that is trustworthy.

        Raises TeeforgeError with what speaks against it. A nonce is used up by a token that the machine
        signed, and by no other one: nobody who only saw it can spoil it.
        """
        token = read_token(data)
        appraise(token, self._key, self._reference, None, None).enforce()
        evidence = read_claims(token.payload)
        if self._open.pop(evidence.nonce, 0.0) <= self._clock():
            raise TeeforgeError(
                "not trustworthy: nonce: it is none that was given out, or was used already, or is too old",
                "ask for another one, and for evidence with that",
            )
        appraise(token, self._key, self._reference, evidence.nonce, self._module).enforce()
        return seal(evidence, data, self._secret)


def seal(evidence: Evidence, token: bytes, secret: bytes) -> bytes:
    """Return a message that the TA of a token, and nobody else, can read: HPKE (RFC 9180), base mode.

    DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; the token is the ``info``. The message is the
    encapsulated key and then the ciphertext.
    """
    import pyhpke

    suite = pyhpke.CipherSuite.new(
        pyhpke.KEMId.DHKEM_P256_HKDF_SHA256, pyhpke.KDFId.HKDF_SHA256, pyhpke.AEADId.AES256_GCM
    )
    try:
        receiver = suite.kem.deserialize_public_key(evidence.session_key)
        encapsulated, context = suite.create_sender_context(receiver, info=token)
        return encapsulated + context.seal(secret)
    except (pyhpke.PyHPKEError, ValueError) as error:
        raise TeeforgeError("the session's key is no point of P-256", "ask for another token") from error
