"""What an attacker who is root in Linux gets out of OP-TEE's attestation, and what it is worth."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from teeforge.attest.keys import Key, read_key
from teeforge.attest.reference import Reference, read_reference
from teeforge.attest.token import read_token
from teeforge.attest.verdict import Verdict, appraise
from teeforge.lab import Lab
from teeforge.machines.fleet import Place
from teeforge.targets.parcel import Upload
from tests.attestations import NONCE, told

from .conftest import ROOT, SAMPLES, run_invoke

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

MODULE = hashlib.sha256(b"a module that never ran").digest()
RUNTIME_TA = "7c1e4bb6-5a37-4a0e-9d2c-0f5d2f8b6a11"
# include/signed_hdr.h: magic, type (1: a TA with UUID and version), sizes; RSASSA-PKCS1-v1_5 with SHA-256.
HEADER = struct.Struct("<4I2H")
MAGIC, BOOTSTRAP_TA, ALGORITHM = 0x4F545348, 1, 0x70004830
Forger = Callable[[str, bytes], Verdict]


@pytest.fixture
def files(vm: Lab) -> tuple[Key, Reference]:
    """The key and the reference values that a verifier has."""
    done = run_invoke("attest", SAMPLES / "hello.c")
    assert done.status == 0, done.stderr
    reference = vm.builder.build(["evidence"])["evidence"].product("reference")
    return read_key(vm.fleet.folder(Place()) / "attestation.pem"), read_reference(reference)


@pytest.fixture
def forge(vm: Lab, files: tuple[Key, Reference], tmp_path: Path) -> Iterator[Forger]:
    """Have a payload with the claims of the runtime TA signed, and say what it is worth."""
    key, reference = files
    program = tmp_path / "forger"
    export = vm.builder.build(["optee_client"])["optee_client"].product("export")
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", f"-I{export}/usr/include", f"-L{export}/usr/lib"]
    compiler = f"{vm.config.toolchain.cross}gcc"
    source = str(ROOT / "tests/e2e/forger.c")
    subprocess.run([compiler, *flags, source, "-o", str(program), "-lteec"], check=True)

    def forged(what: str, digest: bytes) -> Verdict:
        claims = told(module={1: MODULE}, core={1: "4.10.0", 2: reference.core_memory})
        claims[-65540] = {1: uuid.UUID(RUNTIME_TA).bytes, 2: digest}
        protected, payload = cbor2.dumps({1: -37, 4: key.kid}), cbor2.dumps(claims)
        out, err = bytearray(), bytearray()
        status = session.run(
            ["forger", what],
            stdin=cbor2.dumps(["Signature1", protected, b"", payload])[:-32],
            on_stdout=out.extend,
            on_stderr=err.extend,
        )
        assert status == 0, err
        assert bytes(out[:32]) == digest
        token = read_token(cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, bytes(out[32:])])))
        assert token.is_signed_by(key)
        return appraise(token, key, reference, NONCE, MODULE)

    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        session.push([Upload(program, "/usr/bin/forger", 0o755)])
        yield forged
        session.run(["rm", "/usr/bin/forger"], on_stdout=lambda _: None, on_stderr=lambda _: None)


def test_what_the_core_signs_for_linux_is_no_evidence_of_a_ta(
    vm: Lab, forge: Forger, files: tuple[Key, Reference]
) -> None:
    """Signed by the right key, with claims of the attacker's choice: the hash at the end is not the TA's."""
    ta = vm.builder.build(["wasm_ta"])["wasm_ta"].product("ta").read_bytes()
    header = ta[HEADER.size : HEADER.size + 32]
    for what, digest in (("core", files[1].core_memory), (RUNTIME_TA, header)):
        verdict = forge(what, digest)
        assert [finding.subject for finding in verdict.findings if finding.good is False] == ["TA"]


def test_who_can_sign_tas_can_forge_evidence_as_each_verdict_says(
    vm: Lab, forge: Forger, files: tuple[Key, Reference], tmp_path: Path
) -> None:
    """The note on the development key, shown: a header with the TA's hash in it, and no TA behind it."""
    kit = vm.builder.build(["optee_os"])["optee_os"].product("ta_dev_kit")
    key = load_pem_private_key((kit / "keys/default_ta.pem").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    name, digest = uuid.uuid4(), files[1].ta_memory
    signature = key.sign(digest, padding.PKCS1v15(), utils.Prehashed(SHA256()))
    file = HEADER.pack(MAGIC, BOOTSTRAP_TA, 4096, ALGORITHM, len(digest), len(signature))
    file += digest + signature + name.bytes + bytes(4) + bytes(4096)
    path = f"/lib/optee_armtz/{name}.ta"
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        local = tmp_path / f"{name}.ta"
        local.write_bytes(file)
        try:
            session.push([Upload(local, path, 0o444)])
            verdict = forge(str(name), digest)
        finally:
            session.run(["rm", "-f", path], on_stdout=lambda _: None, on_stderr=lambda _: None)
    assert verdict.trustworthy
    assert any("can have any token signed" in finding.text for finding in verdict.findings)
