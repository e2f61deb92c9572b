"""The environment's key for TAs: made once, its owner's alone, and what it signs is what OP-TEE checks."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from teeforge.base.errors import TeeforgeError
from teeforge.signing.takey import TaKey

IMAGE = b"a bootstrap header and an ELF"


def ta(*, magic: int = 0x4F545348, algorithm: int = 0x70004830, hash_size: int = 32) -> bytes:
    header = struct.pack("<IIIIHH", magic, 1, len(IMAGE), algorithm, hash_size, 512)
    return header + hashlib.sha256(header + IMAGE).digest() + bytes(512) + IMAGE


def check(data: bytes, key: TaKey) -> None:
    """Do what the core does with a TA. Raises InvalidSignature."""
    public = load_pem_public_key(key.public.read_bytes())
    assert isinstance(public, RSAPublicKey)
    digest = data[20:52]
    assert digest == hashlib.sha256(data[:20] + data[564:]).digest()
    public.verify(data[52:564], digest, PKCS1v15(), Prehashed(SHA256()))


def test_what_is_signed_is_what_the_core_with_this_key_takes_and_no_other(tmp_path: Path) -> None:
    mine, other = TaKey(tmp_path / "mine"), TaKey(tmp_path / "other")
    signed = mine.signed(ta())
    check(signed, mine)
    with pytest.raises(InvalidSignature):
        check(signed, other)
    assert signed[564:] == IMAGE


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    first = TaKey(tmp_path / "identity").public_digest
    assert (tmp_path / "identity/ta_signing.pem").stat().st_mode & 0o777 == 0o600
    (tmp_path / "identity/ta_signing.pub.pem").unlink()
    assert TaKey(tmp_path / "identity").public_digest == first


def test_a_damaged_key_is_told_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "ta_signing.pem").write_text("nothing")
    with pytest.raises(TeeforgeError, match="is not an RSA key of 4096 bits"):
        _ = TaKey(tmp_path).public
    assert (tmp_path / "ta_signing.pem").read_text() == "nothing"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"HSTO", "within its header"),
        (ta(magic=1), "does not begin as"),
        (ta(hash_size=20), "does not begin as"),
        (ta(algorithm=0x70414930), "of another kind"),
    ],
)
def test_what_is_no_signed_ta_is_refused(tmp_path: Path, data: bytes, told: str) -> None:
    (tmp_path / "x.ta").write_bytes(data)
    with pytest.raises(TeeforgeError, match=told):
        TaKey(tmp_path / "identity").signed_file(tmp_path / "x.ta", "0" * 64)
