"""What a token is worth: its signature, its age, and what it measured, each in words.

A relying party does `appraise(token, key, reference, nonce, module).enforce()`, and has the evidence then.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from teeforge.attest.claims import STATES, Evidence, read_claims
from teeforge.attest.keys import Key
from teeforge.attest.reference import Reference
from teeforge.attest.token import Token
from teeforge.base.errors import TeeforgeError

_AGAIN = "ask for a new one: `invoke attest FILE --nonce HEX`"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``good`` is None for what is told and decides nothing."""

    subject: str
    good: bool | None
    text: str
    hint: str = ""

    def line(self) -> str:
        """Return it in one line, with the next step if there is one."""
        mark = "note" if self.good is None else "ok" if self.good else "NO"
        return f"{mark:<5} {self.subject:<10} {self.text}" + (f"; {self.hint}" if self.hint else "")


@dataclass(frozen=True)
class Verdict:
    """What was found; ``evidence`` is None where the token could not be read, or nobody's word."""

    findings: tuple[Finding, ...]
    evidence: Evidence | None

    @property
    def trustworthy(self) -> bool:
        """Whether nothing speaks against it."""
        return self.evidence is not None and all(finding.good is not False for finding in self.findings)

    def enforce(self) -> Evidence:
        """Return what the token says. Raises TeeforgeError with the first thing that speaks against it."""
        bad = next((finding for finding in self.findings if finding.good is False), None)
        if bad or self.evidence is None:
            assert bad
            raise TeeforgeError(f"not trustworthy: {bad.subject}: {bad.text}", bad.hint)
        return self.evidence

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        findings = [
            {"subject": finding.subject, "good": finding.good, "text": finding.text, "next": finding.hint}
            for finding in self.findings
        ]
        evidence = self.evidence.as_json() if self.evidence else None
        return {"trustworthy": self.trustworthy, "findings": findings, "evidence": evidence}


def appraise(
    token: Token, key: Key | None, reference: Reference, nonce: bytes | None, module: bytes | None
) -> Verdict:
    """Say what a token is worth.

    ``key`` is the public key of the machine that it should be from, None if there is none. ``nonce`` is what
    the verifier sent, and ``module`` the SHA-256 of the AOT file that should run; None: anything will do,
    and that is told.
    """
    if key is None or token.kid != key.kid:
        return Verdict((_stranger(token),), None)
    if not token.is_signed_by(key):
        altered = Finding(
            "signature", False, "is not that of the machine's key: the token was altered", _AGAIN
        )
        return Verdict((altered,), None)
    signed = Finding("signature", True, f"is of the key {key.kid.hex()}")
    try:
        evidence = read_claims(token.payload)
    except TeeforgeError as error:
        return Verdict((signed, Finding("claims", False, error.message, error.hint)), None)
    findings = [
        signed,
        _freshness(evidence, nonce),
        _ta(evidence, reference),
        _core(evidence, reference),
        _module(evidence, module),
        *_signer(evidence),
        *_promises(evidence, reference),
    ]
    return Verdict(tuple(findings), evidence)


def _stranger(token: Token) -> Finding:
    return Finding(
        "key",
        False,
        f"the token names the key {token.kid.hex()}, which is not known here: it is of another machine,"
        " or of a secure storage that was begun anew",
        "give that machine's key, got over a way that you trust, with --key PEM",
    )


def _freshness(evidence: Evidence, nonce: bytes | None) -> Finding:
    if nonce is None:
        hint = "give --nonce HEX, as it was given to `invoke attest`"
        return Finding("nonce", None, "is not compared, so the token may be an old one", hint)
    if hmac.compare_digest(evidence.nonce, nonce):
        return Finding("nonce", True, "is the one that was sent, so the token is no older than that")
    return Finding(
        "nonce", False, f"is {evidence.nonce.hex()}: an old token, or one for somebody else", _AGAIN
    )


def _ta(evidence: Evidence, reference: Reference) -> Finding:
    """Check what all other claims hang on: the signature is over this very hash."""
    if (str(evidence.ta_uuid), evidence.ta_memory) == (reference.ta_uuid, reference.ta_memory):
        return Finding("TA", True, f"its code is that of this build ({evidence.ta_memory.hex()})")
    return Finding(
        "TA",
        False,
        f"its code hashes to {evidence.ta_memory.hex()}, and the reference is {reference.ta_memory.hex()}:"
        " another TA, or reference values of another build",
        "`invoke deploy` sends this build's TA; or give that one's values with --reference FILE",
    )


def _core(evidence: Evidence, reference: Reference) -> Finding:
    version = f"OP-TEE {evidence.core_version}"
    if evidence.core_memory == reference.core_memory:
        return Finding(
            "core", True, f"{version}, its code is that of this build ({evidence.core_memory.hex()})"
        )
    return Finding(
        "core",
        False,
        f"{version}, its code hashes to {evidence.core_memory.hex()}, and the reference is"
        f" {reference.core_memory.hex()}: another core, or reference values of another build",
        "`invoke halt` and `invoke boot` start this build's; or give that one's values with --reference FILE",
    )


def _module(evidence: Evidence, module: bytes | None) -> Finding:
    measured = evidence.module.sha256
    if module is None:
        hint = "compare it, or name the file with --module FILE"
        return Finding("module", None, f"is the one with SHA-256 {measured.hex()}", hint)
    if measured == module:
        return Finding("module", True, f"is the one that was expected ({measured.hex()})")
    return Finding(
        "module",
        False,
        f"has SHA-256 {measured.hex()}, and {module.hex()} was expected",
        "`invoke attest` the module that you mean",
    )


def _signer(evidence: Evidence) -> Iterator[Finding]:
    module = evidence.module
    if module.signer:
        named = " ".join(word for word in (module.name, module.version) if word)
        yield Finding("signer", None, f"{named or 'the module'} is signed by the key {module.signer.hex()}")


def _promises(evidence: Evidence, reference: Reference) -> Iterator[Finding]:
    """Tell what all that is good for, and for what it is not."""
    for state in evidence.state:
        yield Finding("machine", None, STATES.get(state, state))
    yield Finding(
        "machine", None, "debugging is enabled: whoever runs an emulated machine sees and changes all"
    )
    if reference.development_key:
        yield Finding(
            "machine",
            None,
            "its core runs any TA that OP-TEE's public development key signed, so whoever is root in its"
            " Linux can have any token signed: good for development, and no evidence for a stranger",
        )
