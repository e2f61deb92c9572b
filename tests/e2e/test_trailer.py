"""The TA's reader of signed modules on this host: what is not allowed is refused in words, unread."""

from __future__ import annotations

import ctypes
import hashlib
import random
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from teeforge.base.errors import TeeforgeError
from teeforge.lab import Lab
from teeforge.settings.modules import DEVELOPMENT, DEVELOPMENT_KEY, DEVELOPMENT_SEED, Modules
from teeforge.settings.terms import UNSAID, Terms
from teeforge.signing.manifest import SIZE, Manifest, join, split
from teeforge.signing.signer import Signer

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
TA = ROOT / "overlays/wasm_ta/ta"
HERE = Path(__file__).parent
AOT = b"\0aot" + bytes(range(200))
SIGNER = Signer(DEVELOPMENT, Path())
KEY = Ed25519PrivateKey.from_private_bytes(DEVELOPMENT_SEED)
# Where the fields of a trailer are, see wasm_signed.h.
FIELDS = {
    "version": 112,
    "heap": 116,
    "wasi": 120,
    "folders": 124,
    "storage": 128,
    "reserved": 136,
    "name": 144,
}

_DIGEST = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p)
Check = Callable[..., str]


def _put_digest(data: int, length: int, size: int, to: int) -> None:
    made = (hashlib.sha256 if size == 32 else hashlib.sha512)(ctypes.string_at(data, length)).digest()
    ctypes.memmove(to, made, size)


_digest = _DIGEST(_put_digest)


@pytest.fixture(scope="module")
def headers(lab: Lab) -> Path:
    """The dev kit's headers, few of which are wanted."""
    return lab.build(["optee_os"])["optee_os"].product("ta_dev_kit") / "include"


def _library(headers: Path, folder: Path, *flags: str) -> ctypes.CDLL:
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("NOT TESTED: this host has no C compiler")
    library = folder / "signed.so"
    names = ("manifest", "signature", "digest", "ed25519")
    sources = [*(TA / f"trust/{name}.c" for name in names), TA / "base/hex.c", HERE / "trailer/shim.c"]
    includes = [f"-I{TA}", f"-I{TA}/include", "-idirafter", str(headers)]
    words = [compiler, "-std=gnu11", "-O2", "-fPIC", "-shared", f"-DMODULE_KEYS={DEVELOPMENT_KEY}", *flags]
    # size_t of the dev kit's headers is this host's.
    subprocess.run([*words, *includes, *map(str, sources), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


def _check_of(library: ctypes.CDLL) -> Check:
    library.check.restype = ctypes.c_char_p

    def check(
        data: bytes, heap: int = 4096, wasi: int = 0, folder: int = -1, space: bytearray | None = None
    ) -> str:
        room = ctypes.create_string_buffer(34)
        said: bytes = library.check(_digest, data, ctypes.c_size_t(len(data)), heap, wasi, folder, room)
        if space is not None:
            space[:] = room.value
        return said.decode()

    return check


@pytest.fixture(scope="module")
def library(headers: Path, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return _library(headers, tmp_path_factory.mktemp("signed"))


@pytest.fixture(scope="module")
def check(library: ctypes.CDLL) -> Check:
    return _check_of(library)


@pytest.fixture(scope="module")
def check_any(headers: Path, tmp_path_factory: pytest.TempPathFactory) -> Check:
    return _check_of(_library(headers, tmp_path_factory.mktemp("any"), "-DMODULES_ANY"))


def signed(terms: Terms = UNSAID, name: str = "hello") -> bytes:
    return SIGNER.sign(AOT, name, terms)


def altered(field: str, value: bytes) -> bytes:
    """Return a file with another field in its manifest, signed as if it were right."""
    trailer = bytearray(signed()[len(AOT) :])
    trailer[FIELDS[field] : FIELDS[field] + len(value)] = value
    message = bytes(trailer[: SIZE - 16 - 64])
    return join(AOT, message, KEY.sign(message))


def test_what_our_signer_signs_the_ta_takes(check: Check) -> None:
    assert check(signed()) == ""
    assert check(signed(Terms(name="grüße", version=7, heap="64KiB")), heap=65536, wasi=0x1F, folder=1) == ""


BAD = {
    "nothing": (AOT, "is not signed"),
    "empty": (b"", "is not signed"),
    "cut by one": (signed()[:-1], "cut short"),
    "cut to its first words": (signed()[: len(AOT) + 8], "cut short"),
    "cut at the front": (signed()[-SIZE + 40 :], "cut short"),
    "its end alone": (b"wasm-end", "cut short"),
    "two": (signed() + signed()[len(AOT) :], "two signatures"),
    "a bit of the AOT": (bytes([signed()[0] ^ 1]) + signed()[1:], "other bytes than were signed"),
    "a byte less of the AOT": (signed()[1:], "other bytes than were signed"),
    "a bit of the signature": (
        signed()[:-17] + bytes([signed()[-17] ^ 1]) + signed()[-16:],
        "is not what was signed",
    ),
    "a bit of the manifest": (
        signed()[: len(AOT) + FIELDS["heap"]] + b"\xff" + signed()[len(AOT) + FIELDS["heap"] + 1 :],
        "is not what was signed",
    ),
    "another version of the format": (
        signed()[:-16] + struct.pack("<II", 2, SIZE) + b"wasm-end",
        "of version 2",
    ),
    "another size": (signed()[:-16] + struct.pack("<II", 1, SIZE + 1) + b"wasm-end", "does not begin as one"),
    "an unknown right of WASI": (altered("wasi", struct.pack("<I", 0x20)), "does not know"),
    "an unknown right of folders": (altered("folders", struct.pack("<I", 3)), "does not know"),
    "an unknown field": (altered("reserved", struct.pack("<Q", 1)), "does not know"),
    "no name": (altered("name", bytes(64)), "name is none"),
    "a name without an end": (altered("name", b"x" * 64), "name is none"),
    "a name with a newline": (altered("name", b"a\nb"), "name is none"),
    "a name behind a name": (altered("name", b"hello\0x"), "name is none"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_in_one_line(check: Check, what: str) -> None:
    data, words = BAD[what]
    said = check(data)
    assert words in said and "\n" not in said and len(said) < 255, said
    # The host says the same before anything is sent.
    with pytest.raises(TeeforgeError) as caught:
        SIGNER.check(data, "x.aot")
    assert caught.value.hint


def test_another_key_is_named_and_refused(check: Check) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    message = Manifest.of(AOT, "hello", UNSAID, public, None).pack()
    data = join(AOT, message, key.sign(message))
    assert (
        check(data) == f"the module is signed by the key {public.hex()[:16]}..., which this TA does not know"
    )
    with pytest.raises(TeeforgeError, match=public.hex()[:16]):
        SIGNER.check(data, "x.aot")
    trusting = Signer(Modules(trust=(public.hex(),)), Path())
    manifest = trusting.check(data, "x.aot")
    assert manifest and manifest.name == "hello"
    # A signature of one key under the name of another is none of either.
    message = Manifest.of(AOT, "hello", UNSAID, bytes.fromhex(DEVELOPMENT_KEY), None).pack()
    assert "is not what was signed" in check(join(AOT, message, key.sign(message)))


@pytest.mark.parametrize(
    ("terms", "asked", "words"),
    [
        (Terms(heap="64KiB"), {"heap": 65537}, "more than the manifest allows: 65536"),
        (
            Terms(wasi=("clocks",)),
            {"wasi": 8},
            "more of WASI than the manifest allows: files (path_*, fd_readdir)",
        ),
        (Terms(wasi=()), {"wasi": 4}, "more of WASI than the manifest allows: random (random_get)"),
        (Terms(folders="none"), {"folder": 0}, "allows no folders"),
        (Terms(folders="read"), {"folder": 1}, "for reading only"),
    ],
)
def test_more_than_the_manifest_allows_is_refused(
    check: Check, terms: Terms, asked: dict[str, int], words: str
) -> None:
    assert words in check(signed(terms), **asked)
    assert check(signed(terms)) == ""


def test_name_and_signer_decide_the_name_space_and_nothing_else(check: Check) -> None:
    spaces = []
    for terms in (Terms(name="a"), Terms(name="a", version=2, storage="0"), Terms(name="b")):
        space = bytearray()
        assert check(signed(terms), space=space) == ""
        spaces.append(bytes(space))
    wanted = [
        hashlib.sha256(bytes.fromhex(DEVELOPMENT_KEY) + name.ljust(64, b"\0")).hexdigest()[:32] + "."
        for name in (b"a", b"b")
    ]
    assert [space.decode() for space in spaces] == [wanted[0], wanted[0], wanted[1]]


def test_any_module_runs_only_where_the_build_says_so(check_any: Check) -> None:
    spaces = bytearray(), bytearray()
    assert check_any(AOT, heap=1 << 30, wasi=0x1F, folder=1, space=spaces[0]) == ""
    key = Ed25519PrivateKey.generate()
    message = Manifest.of(AOT, "hello", Terms(heap="4KiB"), key.public_key().public_bytes_raw(), None).pack()
    # Whose key nobody knows is nobody: it has the name space of its own bytes, not of the name.
    assert check_any(join(AOT, message, key.sign(message)), heap=1 << 30, space=spaces[1]) == ""
    assert spaces[0] == spaces[1]
    # What is damaged is not taken for something that is not signed.
    assert "cut short" in check_any(signed()[:-1])
    assert "other bytes" in check_any(b"x" + signed()[1:])
    assert "more than" in check_any(signed(Terms(heap="4KiB")), heap=8192)


def test_the_arithmetic_agrees_with_openssl_on_signatures_right_and_wrong(library: ctypes.CDLL) -> None:
    library.ed25519_check.restype = ctypes.c_bool
    rng = random.Random(1)

    def ours(signature: bytes, key: bytes, message: bytes) -> bool:
        return bool(
            library.ed25519_check(signature, key, hashlib.sha512(signature[:32] + key + message).digest())
        )

    for n in range(300):
        key, message = Ed25519PrivateKey.from_private_bytes(rng.randbytes(32)), rng.randbytes(n)
        signature, public = key.sign(message), key.public_key().public_bytes_raw()
        assert ours(signature, public, message)
        for part in range(3):
            bad = [bytearray(signature), bytearray(public), bytearray(message + b"x")]
            bad[part][rng.randrange(len(bad[part]))] ^= 1 << rng.randrange(8)
            assert not ours(*map(bytes, bad))


def test_encodings_that_the_rfc_does_not_allow_are_no_signatures(library: ctypes.CDLL) -> None:
    """Points of small order and numbers beyond their end, against OpenSSL, which is less strict with keys."""
    library.ed25519_check.restype = ctypes.c_bool
    prime, order = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
    points = [
        (y | sign << 255).to_bytes(32, "little")
        for y in (0, 1, 2, prime - 1, prime, prime + 1, 2**255 - 1)
        for sign in (0, 1)
    ]
    taken = 0
    for key in points:
        y = int.from_bytes(key, "little") & (2**255 - 1)
        # With a key of small order anybody could sign.
        sound = 1 < y < prime - 1
        for first in points:
            for scalar in (0, 1, order - 1, order, 2**256 - 1):
                signature = first + scalar.to_bytes(32, "little")
                digest = hashlib.sha512(signature[:32] + key + b"m").digest()
                ours = library.ed25519_check(signature, key, digest)
                try:
                    Ed25519PublicKey.from_public_bytes(key).verify(signature, b"m")
                    theirs = True
                except (InvalidSignature, ValueError):
                    theirs = False
                assert ours == (theirs and sound), (key.hex(), signature.hex())
                taken += theirs
    assert taken


def test_the_ta_is_built_with_the_key_that_development_signs_with() -> None:
    assert KEY.public_key().public_bytes_raw().hex() == DEVELOPMENT_KEY
    assert f"MODULE_KEYS ?= {DEVELOPMENT_KEY}\n" in (TA / "trust/sub.mk").read_text()


def test_any_bytes_are_answered(check: Check) -> None:
    rng = random.Random(2)
    sound = signed()
    for _ in range(3000):
        data = bytearray(sound)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        data = data[: rng.choice([len(data), rng.randrange(len(data))])] if rng.random() < 0.5 else data
        assert (check(bytes(data)) == "") == (bytes(data) == sound)


def test_a_signed_file_is_split_into_what_it_was_made_of() -> None:
    data = SIGNER.sign(AOT, "hello", Terms(version=3), bytes(range(32)))
    aot, manifest, _ = split(data, "x")
    assert aot == AOT and manifest
    assert (manifest.name, manifest.version, manifest.wasm_sha256) == ("hello", 3, bytes(range(32)))
    assert len(data) == len(AOT) + SIZE
