"""What tokens are worth: who signed them, when, and what was measured; one line each, with the next step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teeforge.attest.claims import parse_nonce, read_claims
from teeforge.attest.keys import keep_key, kept_keys, key_of_cose, key_of_pem, read_key
from teeforge.attest.reference import Reference, read_reference
from teeforge.attest.token import load_token, read_token, text_of_token, token_of_text
from teeforge.attest.verdict import Verdict, appraise
from teeforge.base.errors import TeeforgeError
from tests.attestations import (
    CORE_MEMORY,
    MODULE,
    NONCE,
    REFERENCE,
    TA_MEMORY,
    TA_UUID,
    Machine,
    payload,
    told,
)

MACHINE = Machine()
TOKEN = MACHINE.token(payload())


def worth(token: bytes = TOKEN, **changes: Any) -> Verdict:
    given = {"key": MACHINE.key, "reference": REFERENCE, "nonce": NONCE, "module": MODULE, **changes}
    return appraise(read_token(token), given["key"], given["reference"], given["nonce"], given["module"])


def the_bad(verdict: Verdict) -> tuple[str, str]:
    """The one thing that speaks against a token: what it is, and the line on it."""
    bad = [finding for finding in verdict.findings if finding.good is False]
    assert len(bad) == 1 and not verdict.trustworthy
    assert bad[0].hint, "each has a next step"
    with pytest.raises(TeeforgeError):
        verdict.enforce()
    return bad[0].subject, bad[0].line()


def test_a_token_of_what_was_built_is_trustworthy_and_says_what_it_cannot_promise() -> None:
    verdict = worth()
    assert verdict.trustworthy and verdict.enforce().module.sha256 == MODULE
    lines = "\n".join(finding.line() for finding in verdict.findings)
    for words in (
        "no manufacturer vouches",
        "hardware key is zero",
        "debugging is enabled",
        "public development key",
    ):
        assert words in lines
    assert json.loads(json.dumps(verdict.as_json()))["trustworthy"] is True


def test_a_core_with_a_key_of_its_own_is_not_said_to_take_the_development_key() -> None:
    own = Reference(CORE_MEMORY, False, TA_UUID, TA_MEMORY)
    assert "development key" not in "".join(finding.line() for finding in worth(reference=own).findings)


@pytest.mark.parametrize("at", range(0, len(TOKEN), 7))
def test_a_token_with_any_byte_altered_is_refused(at: int) -> None:
    altered = bytearray(TOKEN)
    altered[at] ^= 1
    try:
        verdict = worth(bytes(altered))
    except TeeforgeError as error:
        assert error.hint
        return
    assert the_bad(verdict)[0] in ("signature", "key")
    assert verdict.evidence is None, "nobody said so"


@pytest.mark.parametrize("end", range(0, len(TOKEN), 11))
def test_a_token_that_is_cut_off_is_refused_in_a_line(end: int) -> None:
    with pytest.raises(TeeforgeError, match="token"):
        read_token(TOKEN[:end])


def test_bytes_behind_a_token_are_refused() -> None:
    with pytest.raises(TeeforgeError, match="not encoded as it should be"):
        read_token(TOKEN + b"\0")


@given(st.binary(max_size=300))
def test_no_bytes_make_a_token_by_chance(data: bytes) -> None:
    with pytest.raises(TeeforgeError):
        read_token(b"\xd2\x84" + data)
    with pytest.raises(TeeforgeError):
        read_claims(data)


def test_another_nonce_is_an_old_token() -> None:
    assert the_bad(worth(nonce=bytes(32)))[0] == "nonce"


def test_without_a_nonce_the_age_is_told_to_be_unknown() -> None:
    verdict = worth(nonce=None)
    assert verdict.trustworthy
    assert any("may be an old one" in finding.line() for finding in verdict.findings if finding.good is None)


def test_another_module_is_refused() -> None:
    subject, line = the_bad(worth(module=b"o" * 32))
    assert subject == "module" and MODULE.hex() in line


@pytest.mark.parametrize(
    ("values", "subject"),
    [
        (Reference(b"o" * 32, True, TA_UUID, TA_MEMORY), "core"),
        (Reference(CORE_MEMORY, True, TA_UUID, b"o" * 32), "TA"),
        (Reference(CORE_MEMORY, True, "b0a1c4d2-6e0f-4f0c-8a57-3d9f2c1e7b20", TA_MEMORY), "TA"),
    ],
)
def test_old_reference_values_are_told_as_what_they_may_be(values: Reference, subject: str) -> None:
    found, line = the_bad(worth(reference=values))
    assert found == subject and "reference values of another build" in line and "--reference FILE" in line


def test_a_token_of_another_machine_is_told_to_be_one() -> None:
    subject, line = the_bad(worth(Machine().token(payload())))
    assert subject == "key" and "of another machine" in line and "--key PEM" in line


def test_a_token_that_names_a_key_it_was_not_signed_with_is_refused() -> None:
    forged = Machine().token(payload(), {1: -37, 4: MACHINE.key.kid})
    assert the_bad(worth(forged))[0] == "signature"


def test_what_another_command_of_the_core_signs_is_no_evidence() -> None:
    """HASH_TEE_MEMORY and GET_TA_SHDR_DIGEST sign for anybody, but over other digests than the TA's."""
    for digest in (CORE_MEMORY, b"h" * 32):
        forged = MACHINE.token(payload(ta={1: told()[-65540][1], 2: digest}))
        assert the_bad(worth(forged))[0] == "TA"


@pytest.mark.parametrize("header", [{1: -37}, {1: -7, 4: b"k" * 32}, {1: -37, 4: b"k" * 32, 3: 0}, {}])
def test_a_header_that_says_anything_else_than_ps256_and_a_key_is_refused(header: dict[int, Any]) -> None:
    with pytest.raises(TeeforgeError, match="PS256"):
        read_token(MACHINE.token(payload(), header))


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": b"n" * 7},
        {"nonce": b"n" * 65},
        {"nonce": None},
        {"debug": 3},
        {"debug": False},
        {"profile": "urn:uuid:04ca6ed1-1bfe-456e-8760-53b588721eb7"},
        {"module": {}},
        {"module": {1: b"m" * 31}},
        {"module": {1: MODULE, 9: 1}},
        {"cnf": {1: {1: 2, -1: 2, -2: b"x" * 32, -3: b"y" * 32}}},
        {"cnf": {1: {1: 2, -1: 1, -2: b"x" * 32, -3: True}}},
        {"ta": {2: TA_MEMORY}},
        {"state": [1]},
        {"core": {1: "4.10.0"}},
    ],
)
def test_claims_that_are_not_those_of_the_profile_are_refused(changes: dict[str, Any]) -> None:
    assert the_bad(worth(MACHINE.token(payload(**changes))))[0] == "claims"


def test_claims_beside_those_of_the_profile_are_refused() -> None:
    more = {8: told()[8], 9: 1, **told()}
    assert the_bad(worth(MACHINE.token(cbor2.dumps(more))))[0] == "claims"


def test_claims_after_the_hash_of_the_ta_are_refused() -> None:
    swapped = told()
    swapped[-65539] = swapped.pop(-65539)
    with pytest.raises(TeeforgeError, match="not at their end"):
        read_claims(cbor2.dumps(swapped))


def test_a_claim_that_is_there_twice_is_refused() -> None:
    once = payload()
    twice = bytes([once[0] + 1]) + once[1:] + cbor2.dumps(10) + cbor2.dumps(b"o" * 32)
    with pytest.raises(TeeforgeError):
        read_claims(twice)


def test_names_in_a_token_do_no_harm_to_a_terminal() -> None:
    named = {1: MODULE, 3: b"s" * 32, 4: "\x1b[2Jgood", 5: "1"}
    assert "\x1b" not in "".join(f.line() for f in worth(MACHINE.token(payload(module=named))).findings)


def test_a_token_is_a_line_of_text_or_its_bytes(tmp_path: Path) -> None:
    for text in (TOKEN, text_of_token(TOKEN).encode(), text_of_token(TOKEN).encode() + b"\n"):
        assert token_of_text(text) == TOKEN
        (tmp_path / "token").write_bytes(text)
        assert load_token(tmp_path / "token").data == TOKEN


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 20000, b"AAAA"])
def test_a_file_that_has_no_token_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(TeeforgeError, match="token") as error:
        load_token(tmp_path / "token")
    assert error.value.hint


def test_a_key_has_the_same_name_in_both_its_forms(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    public = load_pem_public_key(MACHINE.key.pem)
    assert isinstance(public, RSAPublicKey)
    modulus = public.public_numbers().n.to_bytes(256, "big")
    assert key_of_cose(cbor2.dumps({1: 3, -1: modulus, -2: b"\1\0\1"}), "test") == MACHINE.key
    path = tmp_path / "qemu" / "attestation.pem"
    path.parent.mkdir()
    keep_key(path, MACHINE.key)
    assert kept_keys([path]) == {MACHINE.key.kid: ("qemu", MACHINE.key)} and read_key(path) == MACHINE.key


def test_a_kept_key_that_is_damaged_stays_and_it_is_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "qemu" / "attestation.pem"
    path.parent.mkdir()
    for at in range(0, len(MACHINE.key.pem), 7):
        damaged = bytearray(MACHINE.key.pem)
        damaged[at] ^= 0x80
        path.write_bytes(damaged)
        with pytest.raises(TeeforgeError, match="there is no public key in it") as error:
            kept_keys([path])
        assert "put it back from a copy, or remove it" in error.value.hint
        assert path.read_bytes() == damaged


@pytest.mark.parametrize("data", [b"", b"\xa0", cbor2.dumps({1: 3, -1: b"", -2: 3}), b"\xff"])
def test_what_is_no_key_is_told(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(TeeforgeError, match="no key"):
        key_of_cose(data, "qemu")
    with pytest.raises(TeeforgeError, match="no public key"):
        key_of_pem(data, "file")
    with pytest.raises(TeeforgeError, match="No such file"):
        read_key(tmp_path / "missing")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"core": {"memory": "00"}, "ta": {}}', "\0"])
def test_reference_values_that_are_none_are_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "reference.json").write_text(text)
    with pytest.raises(TeeforgeError, match="no reference values") as error:
        read_reference(tmp_path / "reference.json")
    assert "invoke build evidence" in error.value.hint


@pytest.mark.parametrize("digits", ["", "00", "x" * 64, "00" * 7, "00" * 65, "0" * 17])
def test_a_nonce_has_8_to_64_bytes(digits: str) -> None:
    with pytest.raises(TeeforgeError, match="hexadecimal"):
        parse_nonce(digits)
