"""What the runtime TA claims in its evidence, an Entity Attestation Token (RFC 9711) in CBOR.

| key | claim |
|---|---|
| 8 | cnf (RFC 8747): the session's key, a COSE_Key on P-256 |
| 10 | eat_nonce: the verifier's, 8 to 64 bytes |
| 263 | dbgstat: 0, debugging is enabled, as nobody can say that it is not |
| 265 | eat_profile: PROFILE, which names what follows |
| -65537 | module: 1 SHA-256 of the AOT file as loaded, 2 of its .wasm, 3 its signer (a key of Ed25519), |
|        | 4 name, 5 version |
| -65538 | core: 1 version, 2 SHA-256 of its code and read-only data |
| -65539 | state: what the machine cannot promise, see STATES |
| -65540 | TA: 1 UUID, 2 SHA-256 of its code and read-only data |

The core signs that last hash and all that comes before it, so all else is as true as the TA is known.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from teeforge.base.errors import TeeforgeError

PROFILE = "urn:uuid:04ca6ed1-1bfe-456e-8760-53b588721eb6"
CNF, NONCE, DEBUG, PROFILE_CLAIM = 8, 10, 263, 265
MODULE, CORE, STATE, TA = -65537, -65538, -65539, -65540
DIGEST_SIZE = 32
NONCE_LEAST, NONCE_MOST = 8, 64
# What a machine says of itself that it cannot promise, in words.
STATES = {
    "no-device-identity": "the machine made the key that signs by itself: no manufacturer vouches for it",
    "zero-hardware-key": "its hardware key is zero, as QEMU's is:"
    " whoever can read its secure storage can compute the key that signs",
}


@dataclass(frozen=True)
class Module:
    """What is known of the module that was loaded; empty where nothing is. Digests are SHA-256."""

    sha256: bytes
    wasm_sha256: bytes = b""
    signer: bytes = b""
    name: str = ""
    version: str = ""


@dataclass(frozen=True)
class Evidence:
    """What a token says. ``session_key`` is an uncompressed point of P-256, 65 bytes."""

    nonce: bytes
    session_key: bytes
    module: Module
    core_version: str
    core_memory: bytes
    state: tuple[str, ...]
    ta_uuid: uuid.UUID
    ta_memory: bytes

    def as_json(self) -> dict[str, Any]:
        """Return it with bytes as hexadecimal digits, and without what is not known."""
        module = {
            "sha256": self.module.sha256.hex(),
            "wasm_sha256": self.module.wasm_sha256.hex(),
            "signer": self.module.signer.hex(),
            "name": self.module.name,
            "version": self.module.version,
        }
        return {
            "nonce": self.nonce.hex(),
            "session_key": self.session_key.hex(),
            "module": {key: value for key, value in module.items() if value},
            "core": {"version": self.core_version, "memory": self.core_memory.hex()},
            "state": list(self.state),
            "ta": {"uuid": str(self.ta_uuid), "memory": self.ta_memory.hex()},
        }


def parse_nonce(digits: str) -> bytes:
    """Return the bytes of a nonce. Raises TeeforgeError unless they are hexadecimal, and 8 to 64."""
    try:
        nonce = bytes.fromhex(digits)
    except ValueError:
        nonce = b""
    if not NONCE_LEAST <= len(nonce) <= NONCE_MOST:
        raise TeeforgeError(
            f"--nonce {digits}: is not {NONCE_LEAST} to {NONCE_MOST} bytes in hexadecimal digits",
            "for example --nonce $(openssl rand -hex 32)",
        )
    return nonce


def read_claims(payload: bytes) -> Evidence:
    """Return what the payload of a token says.

    Raises TeeforgeError unless it has each claim of the profile, no other one, and the TA's hash at its end.
    """
    import cbor2

    try:
        claims = cbor2.loads(payload)
        # Shortest forms only, each key once, nothing behind: then there is one way to read it.
        if not isinstance(claims, dict) or cbor2.dumps(claims) != payload:
            raise ValueError("it is not encoded as it should be")
        return _evidence(_Map(claims, "claims"), payload)
    except (cbor2.CBORError, ValueError, TypeError, OverflowError) as error:
        raise TeeforgeError(
            f"the token's claims cannot be read: {error}", "is it a token of this project's runtime TA?"
        ) from error


def _evidence(claims: _Map, payload: bytes) -> Evidence:
    if claims.text(PROFILE_CLAIM) != PROFILE:
        raise ValueError("they are of another profile")
    if claims.take(DEBUG, int) != 0:
        raise ValueError("debugging is said to be disabled, which nobody can know")
    module, core, ta = claims.map(MODULE), claims.map(CORE), claims.map(TA)
    evidence = Evidence(
        nonce=claims.string(NONCE, NONCE_LEAST, NONCE_MOST),
        session_key=_point(claims.map(CNF)),
        module=Module(
            sha256=module.digest(1),
            wasm_sha256=module.digest(2) if 2 in module.left else b"",
            signer=module.digest(3) if 3 in module.left else b"",
            name=module.text(4) if 4 in module.left else "",
            version=module.text(5) if 5 in module.left else "",
        ),
        core_version=core.text(1),
        core_memory=core.digest(2),
        state=claims.texts(STATE),
        ta_uuid=uuid.UUID(bytes=ta.string(1, 16, 16)),
        ta_memory=ta.digest(2),
    )
    for read in (claims, module, core, ta):
        read.end()
    if not payload.endswith(evidence.ta_memory):
        raise ValueError("the hash of the TA's memory is not at their end")
    return evidence


def _point(cnf: _Map) -> bytes:
    """Return the key in a cnf claim: RFC 8747, section 3.2."""
    key = cnf.map(1)
    if (key.take(1, int), key.take(-1, int)) != (2, 1):
        raise ValueError("the session's key is not on P-256")
    point = b"\x04" + key.digest(-2) + key.digest(-3)
    key.end()
    cnf.end()
    return point


class _Map:
    """A map of which each key is taken once, as what it has to be."""

    def __init__(self, left: dict[Any, Any], name: str) -> None:
        self.left = left
        self._name = name

    def take(self, key: int, kind: type) -> Any:
        """Take a value of a type; bool is no int here."""
        value = self.left.pop(key, None)
        if type(value) is not kind:
            raise ValueError(f"{key} in {self._name} is missing, or no {kind.__name__}")
        return value

    def string(self, key: int, least: int, most: int) -> bytes:
        """Take a byte string with a length within bounds."""
        value: bytes = self.take(key, bytes)
        if not least <= len(value) <= most:
            raise ValueError(f"{key} in {self._name} has {len(value)} bytes")
        return value

    def digest(self, key: int) -> bytes:
        """Take a digest, or another number of 256 bits."""
        return self.string(key, DIGEST_SIZE, DIGEST_SIZE)

    def text(self, key: int) -> str:
        """Take a text, made harmless for a terminal."""
        value: str = self.take(key, str)
        return "".join(character if character.isprintable() else "?" for character in value)

    def texts(self, key: int) -> tuple[str, ...]:
        """Take an array of texts."""
        value = self.take(key, list)
        read = _Map(dict(enumerate(value)), f"{key} in {self._name}")
        return tuple(read.text(number) for number in range(len(value)))

    def map(self, key: int) -> _Map:
        """Take a map."""
        return _Map(self.take(key, dict), f"{key} in {self._name}")

    def end(self) -> None:
        """Refuse what was not taken."""
        if self.left:
            raise ValueError(f"{self._name} has {next(iter(self.left))!r}, which the profile does not know")
