"""Evidence from the real TEE: made, verified, shown to a relying party, and refused where it should be."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import cbor2
import pytest

from teeforge.attest.claims import read_claims
from teeforge.attest.keys import read_key
from teeforge.attest.token import load_token, read_token
from teeforge.lab import Lab
from teeforge.machines.fleet import Place

from .conftest import ROOT, SAMPLES, Ran, install_in_ci, run_invoke
from .test_compilers import rust_target

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

NONCE = "00112233445566778899aabbccddeeff"
SECRET = b"the launch code is 12345"
TWICE = """#include <stdio.h>
#include "wasi_ra.h"
static uint8_t quote[WASI_RA_QUOTE_MAX], again[WASI_RA_QUOTE_MAX];
static uint8_t point[WASI_RA_POINT_SIZE], data[64], message[200];
int main(void)
{
	size_t size = 0, same = 0, length = 0;
	int small = wasi_ra_collect_quote(quote, 10, &length);
	int good = wasi_ra_collect_quote(quote, sizeof(quote), &size) +
		wasi_ra_collect_quote(again, sizeof(again), &same);
	int key = wasi_ra_session_key(point, sizeof(point), &length);
	printf("%d %d %d %zu ", small, good, key, length);
	printf("%d ", wasi_ra_receive_data(message, 80, data, sizeof(data), &length));
	printf("%d ", wasi_ra_receive_data(message, sizeof(message), data, sizeof(data), &length));
	for (int n = 0; n < 65; n++)
		message[n] = point[n];
	printf("%d ", wasi_ra_receive_data(message, sizeof(message), data, sizeof(data), &length));
	printf("%d\\n", size == same);
	for (size_t n = 0; n < size; n++)
		if (quote[n] != again[n])
			return 1;
	return 0;
}
"""


RUST = """#[path = "%s"]
mod wasi_ra;
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{:02x}", byte)).collect()
}
fn main() {
    println!("{}", hex(&wasi_ra::collect_quote().expect("no evidence")));
    println!("{}", hex(&wasi_ra::session_key().expect("no key")));
    println!("{:?}", wasi_ra::receive_data(&[0; 100]));
}
"""


@pytest.fixture(scope="module")
def token(vm: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evidence of hello.c with NONCE."""
    path = tmp_path_factory.mktemp("attest") / "token"
    done = run_invoke("attest", SAMPLES / "hello.c", "--nonce", NONCE, "--out", path)
    assert done.status == 0, done.stderr
    return path


def verify(token: Path, *options: str | Path) -> Ran:
    return run_invoke("verify", token, "--nonce", NONCE, *options)


def test_evidence_of_a_program_is_trustworthy_to_who_built_core_and_ta(token: Path) -> None:
    done = verify(token, "--module", SAMPLES / "hello.c")
    lines = done.stdout.decode().splitlines()
    assert done.status == 0, done.stdout
    assert {line.split()[1] for line in lines if line.startswith("ok")} == {
        *("signature", "nonce", "TA", "core", "module")
    }
    for words in ("hardware key is zero", "no manufacturer vouches", "public development key"):
        assert words in done.stdout.decode(), "what QEMU cannot promise"


def test_the_verdict_is_json_for_programs(token: Path) -> None:
    done = verify(token, "--json")
    told = json.loads(done.stdout)
    assert told["trustworthy"] and told["evidence"]["nonce"] == NONCE
    assert told["evidence"]["state"] == ["no-device-identity", "zero-hardware-key"]


def test_cbor_of_the_ta_is_deterministic(token: Path) -> None:
    """RFC 8949, section 4.2.1: shortest forms, keys in the order of their bytes."""

    def check(value: object) -> None:
        if isinstance(value, dict):
            keys = [cbor2.dumps(key) for key in value]
            assert keys == sorted(keys)
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(inner)

    payload = load_token(token).payload
    assert cbor2.dumps(cbor2.loads(payload)) == payload
    check(cbor2.loads(payload))


def test_each_evidence_has_a_key_of_its_own(token: Path, vm: Lab, tmp_path: Path) -> None:
    done = run_invoke("attest", SAMPLES / "hello.c", "--out", tmp_path / "other")
    assert done.status == 0, done.stderr
    nonce = done.stderr.split("nonce ")[1].split()[0]
    first, second = (read_claims(load_token(path).payload) for path in (token, tmp_path / "other"))
    assert first.session_key != second.session_key and first.ta_memory == second.ta_memory
    assert run_invoke("verify", tmp_path / "other", "--nonce", nonce).status == 0


def test_evidence_is_of_the_code_that_was_asked_for(token: Path, vm: Lab, tmp_path: Path) -> None:
    options = ("--checks", "plain", "--heap", "2MiB", "--out", tmp_path / "plain")
    done = run_invoke("attest", SAMPLES / "hello.c", *options)
    assert done.status == 0, done.stderr
    proven, plain = (read_claims(load_token(path).payload) for path in (token, tmp_path / "plain"))
    assert proven.module.sha256 != plain.module.sha256
    assert proven.module.wasm_sha256 == plain.module.wasm_sha256


@pytest.mark.parametrize(
    ("options", "subject"),
    [(["--nonce", "ff" * 16], "nonce"), (["--module", str(SAMPLES / "trap.c")], "module")],
)
def test_another_nonce_or_module_is_not_trustworthy(token: Path, options: list[str], subject: str) -> None:
    done = run_invoke("verify", token, *options)
    assert done.status == 1 and f"NO    {subject}" in done.stdout.decode()
    assert "NOT trustworthy" in done.stdout.decode()


def test_old_reference_values_are_told(token: Path, vm: Lab, tmp_path: Path) -> None:
    values = json.loads(vm.builder.build(["evidence"])["evidence"].product("reference").read_text())
    for part in ("ta", "core"):
        old = {**values, part: {**values[part], "memory": "00" * 32}}
        (tmp_path / "old.json").write_text(json.dumps(old))
        done = verify(token, "--reference", tmp_path / "old.json")
        assert done.status == 1 and "reference values of another build" in done.stdout.decode()


def test_a_stranger_verifies_with_a_key_and_reference_values_alone(token: Path, vm: Lab) -> None:
    key = vm.fleet.folder(Place()) / "attestation.pem"
    reference = vm.builder.build(["evidence"])["evidence"].product("reference")
    assert verify(token, "--key", key, "--reference", reference).status == 0
    assert read_key(key).kid == load_token(token).kid


def test_a_token_of_another_machine_is_told_to_be_one(token: Path, tmp_path: Path) -> None:
    from tests.attestations import Machine

    (tmp_path / "other.pem").write_bytes(Machine().key.pem)
    done = verify(token, "--key", tmp_path / "other.pem")
    assert done.status == 1 and "it is of another machine" in done.stdout.decode()


def test_a_machine_that_signs_with_another_key_than_the_one_kept_is_told(
    vm: Lab, tmp_path: Path, token: Path
) -> None:
    from tests.attestations import Machine

    kept = vm.fleet.folder(Place()) / "attestation.pem"
    right = kept.read_bytes()
    kept.write_bytes(Machine().key.pem)
    try:
        done = run_invoke("attest", SAMPLES / "hello.c", "--out", tmp_path / "token")
    finally:
        kept.write_bytes(right)
    assert done.status == 1 and "another key than the one that was kept" in done.stderr
    assert not (tmp_path / "token").exists()


def test_a_module_that_the_ta_refuses_gives_no_evidence(vm: Lab, tmp_path: Path) -> None:

    out = bytearray()
    with vm.deployed(Place()) as session:
        command = ["optee_wamr", "--attest", "--nonce", NONCE, "--module-size", "5", "512K", "x"]
        status = session.run(command, stdin=b"hello", on_stdout=out.extend, on_stderr=lambda _: None)
    assert status == 125 and not out


def test_a_program_gets_its_evidence_and_reads_nothing_that_is_not_for_it(vm: Lab, tmp_path: Path) -> None:
    (tmp_path / "twice.c").write_text(TWICE)
    include = f"-I{SAMPLES / 'attest'}"
    done = run_invoke("run", tmp_path / "twice.c", "--cflags", include, "--nonce", NONCE)
    # ENOBUFS is 42, EMSGSIZE 35, EBADMSG 9: of zeros, which are no point, and of a point with a wrong tag
    assert (done.status, done.stdout) == (0, b"42 0 0 65 35 9 9 1\n"), done.stderr
    done = run_invoke("run", tmp_path / "twice.c", "--cflags", include)
    assert done.stdout.startswith(b"58 116 58"), "without a nonce there is none: ENOTSUP"


def test_a_program_in_rust_gets_its_evidence_with_the_binding(vm: Lab, tmp_path: Path) -> None:
    if not install_in_ci(["rustc", "libstd-rust-dev-wasm32", "lld"]):
        pytest.skip("NOT TESTED: apt install rustc libstd-rust-dev-wasm32 lld")
    source, wasm = tmp_path / "quote.rs", tmp_path / "quote.wasm"
    source.write_text(RUST % (SAMPLES / "attest/wasi_ra.rs"))
    flags = ["--target", rust_target(), "-C", "linker=wasm-ld", "-O", "-C", "link-arg=-zstack-size=65536"]
    subprocess.run(["/usr/bin/rustc", "--edition", "2021", *flags, source, "-o", wasm], check=True)
    done = run_invoke("run", wasm, "--nonce", NONCE)
    assert done.status == 0, done.stderr
    quote, point, refused = done.stdout.decode().splitlines()
    told = read_claims(read_token(bytes.fromhex(quote)).payload)
    assert told.nonce.hex() == NONCE and told.session_key.hex() == point
    assert refused == "Err(Errno(9))"


@pytest.fixture
def party(vm: Lab, tmp_path: Path) -> Iterator[str]:
    """The address of the sample's relying party, a process of its own, which waits for samples/attest."""
    from teeforge.compiling.sources import gather
    from teeforge.runs.attesting import module_of

    (tmp_path / "secret").write_bytes(SECRET)
    reference = vm.builder.build(["evidence"])["evidence"].product("reference")
    command = [sys.executable, "-m", "samples.attest.relying_party", "--secret", str(tmp_path / "secret")]
    command += ["--key", str(vm.fleet.folder(Place()) / "attestation.pem"), "--reference", str(reference)]
    command += ["--module", module_of(vm, gather(SAMPLES / "attest")).hex()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().decode().strip()
        finally:
            process.terminate()


def post(url: str, body: bytes = b"") -> tuple[int, bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with contextlib.closing(opener):
        try:
            with opener.open(urllib.request.Request(url, body, method="POST"), timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


@pytest.mark.usefixtures("token")
def test_a_program_shows_its_evidence_and_gets_the_secret(party: str) -> None:
    done = run_invoke("relay", SAMPLES / "attest", "--to", party)
    assert (done.status, done.stdout.decode()) == (0, f"sha256 {hashlib.sha256(SECRET).hexdigest()}\n"), (
        done.stderr
    )
    assert "evidence" in done.stderr and "received" in done.stderr, "the time of each step"


@pytest.mark.usefixtures("token")
def test_another_program_does_not_get_the_secret(party: str, tmp_path: Path) -> None:
    other = (SAMPLES / "attest/secret.c").read_text().replace('"../sha256.h"', '"sha256.h"')
    (tmp_path / "other.c").write_text(other.replace("sha256 %s", "not sha256 %s"))
    flags = f"-I{SAMPLES} -I{SAMPLES / 'attest'}"
    done = run_invoke("relay", tmp_path / "other.c", "--cflags", flags, "--to", party)
    assert done.status == 1 and b"sha256" not in done.stdout
    assert "the relying party refuses" in done.stderr and "not trustworthy: module" in done.stderr


@pytest.mark.usefixtures("token")
def test_a_token_that_is_replayed_altered_or_for_another_nonce_gets_nothing(
    party: str, tmp_path: Path
) -> None:
    _, nonce = post(f"{party}/nonce")
    done = run_invoke("attest", SAMPLES / "attest", "--nonce", nonce.hex(), "--out", tmp_path / "good")
    assert done.status == 0, done.stderr
    good = (tmp_path / "good").read_bytes()
    altered = bytearray(good)
    altered[len(good) // 2] ^= 1
    status, words = post(f"{party}/evidence", bytes(altered))
    assert status == 403 and b"altered" in words
    status, message = post(f"{party}/evidence", good)
    assert status == 200 and SECRET not in message
    status, words = post(f"{party}/evidence", good)
    assert status == 403 and b"used already" in words
    done = run_invoke("attest", SAMPLES / "attest", "--nonce", NONCE, "--out", tmp_path / "foreign")
    assert done.status == 0, done.stderr
    status, words = post(f"{party}/evidence", (tmp_path / "foreign").read_bytes())
    assert status == 403 and b"none that was given out" in words
    assert read_token(good).kid == load_token(tmp_path / "foreign").kid
