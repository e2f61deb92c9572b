"""To whom a relying party gives its secret, and to whom not."""

from __future__ import annotations

import hashlib

import pyhpke
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from teeforge.attest.reference import Reference
from teeforge.attest.relying import SECRET_MOST, RelyingParty
from teeforge.base.errors import TeeforgeError
from teeforge.runs.relaying import check_address
from tests.attestations import CORE_MEMORY, MODULE, REFERENCE, TA_UUID, Machine, payload

MACHINE = Machine()
SECRET = b"the secret"


class Session:
    """A session's key, as the TA has one: what it is sent, it can read."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.cnf = {1: {1: 2, -1: 1, -2: point[1:33], -3: point[33:]}}

    def read(self, message: bytes, token: bytes) -> bytes:
        suite = pyhpke.CipherSuite.new(
            pyhpke.KEMId.DHKEM_P256_HKDF_SHA256, pyhpke.KDFId.HKDF_SHA256, pyhpke.AEADId.AES256_GCM
        )
        key = pyhpke.KEMKey.from_pyca_cryptography_key(self._key)
        return suite.create_recipient_context(message[:65], key, info=token).open(message[65:])


def party(**changes: object) -> RelyingParty:
    given = {"key": MACHINE.key, "reference": REFERENCE, "module": MODULE, "secret": SECRET, **changes}
    return RelyingParty(**given)  # type: ignore[arg-type]


def refused(party: RelyingParty, token: bytes) -> str:
    with pytest.raises(TeeforgeError) as caught:
        party.release(token)
    assert caught.value.hint
    return caught.value.message


def test_the_secret_is_for_the_key_in_the_token_and_bound_to_it() -> None:
    giver, session, other = party(), Session(), Session()
    token = MACHINE.token(payload(nonce=giver.challenge(), cnf=session.cnf))
    message = giver.release(token)
    assert session.read(message, token) == SECRET and SECRET not in message
    for reader, bound in ((other, token), (session, token + b"x")):
        with pytest.raises(pyhpke.PyHPKEError):
            reader.read(message, bound)


def test_a_token_is_taken_once() -> None:
    giver = party()
    token = MACHINE.token(payload(nonce=giver.challenge(), cnf=Session().cnf))
    giver.release(token)
    assert "used already" in refused(giver, token)


def test_a_nonce_of_somebody_else_is_refused() -> None:
    giver = party()
    giver.challenge()
    foreign = MACHINE.token(payload(nonce=party().challenge(), cnf=Session().cnf))
    assert "none that was given out" in refused(giver, foreign)


def test_a_nonce_is_good_for_a_minute() -> None:
    now = [0.0]
    giver = party(clock=lambda: now[0])
    nonce = giver.challenge()
    now[0] = 61
    assert "too old" in refused(giver, MACHINE.token(payload(nonce=nonce, cnf=Session().cnf)))


def test_a_token_that_the_machine_did_not_sign_uses_no_nonce_up() -> None:
    giver = party()
    nonce = giver.challenge()
    told = payload(nonce=nonce, cnf=Session().cnf)
    assert "not known here" in refused(giver, Machine().token(told))
    giver.release(MACHINE.token(told))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"module": b"o" * 32}, "module"),
        ({"reference": Reference(CORE_MEMORY, True, TA_UUID, b"o" * 32)}, "TA"),
        ({"reference": Reference(b"o" * 32, True, TA_UUID, REFERENCE.ta_memory)}, "core"),
    ],
)
def test_another_module_ta_or_core_is_refused(changes: dict[str, object], words: str) -> None:
    giver = party(**changes)
    token = MACHINE.token(payload(nonce=giver.challenge(), cnf=Session().cnf))
    assert refused(giver, token).startswith(f"not trustworthy: {words}")


def test_a_key_that_is_no_point_is_refused() -> None:
    giver = party()
    assert "no point" in refused(giver, MACHINE.token(payload(nonce=giver.challenge())))


def test_nonces_are_forgotten_and_not_without_number() -> None:
    now = [0.0]
    giver = party(clock=lambda: now[0])
    with pytest.raises(TeeforgeError, match="too many"):
        for _ in range(2000):
            giver.challenge()
    now[0] = 61
    assert len({giver.challenge() for _ in range(100)}) == 100


@pytest.mark.parametrize("size", [0, SECRET_MOST + 1])
def test_a_secret_has_a_size_that_the_ta_takes(size: int) -> None:
    with pytest.raises(TeeforgeError, match="a secret of"):
        party(secret=bytes(size))


def test_a_token_is_refused_whatever_byte_of_it_was_altered() -> None:
    giver = party()
    token = MACHINE.token(payload(nonce=giver.challenge(), cnf=Session().cnf))
    for at in range(0, len(token), 13):
        altered = bytearray(token)
        altered[at] ^= 0x80
        refused(giver, bytes(altered))
    assert hashlib.sha256(giver.release(token)).digest(), "and it is still good itself"


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://host", "http://", "http://host:99999", "http://[::1", "x"]
)
def test_what_is_no_address_of_a_relying_party_is_refused_before_anything_is_done(url: str) -> None:
    with pytest.raises(TeeforgeError, match=r"^--to .*: this is no address") as caught:
        check_address(url)
    assert "http://HOST:PORT" in caught.value.hint


def test_without_an_address_it_is_said_that_to_is_missing() -> None:
    with pytest.raises(TeeforgeError, match=r"^--to is missing"):
        check_address("")
    check_address("http://127.0.0.1:8080/")
    check_address("https://[::1]:8443/party")
