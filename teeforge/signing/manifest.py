"""The trailer of a signed module: overlays/wasm_ta/ta/include/wasm_signed.h says what is in it."""

from __future__ import annotations

import dataclasses
import hashlib
import struct
from dataclasses import dataclass

from teeforge.base.errors import TeeforgeError
from teeforge.settings.terms import FOLDERS, WASI_GROUPS, Terms, safe_name

VERSION = 1
SIZE = 288
_BEGIN, _END = b"wasm-sig", b"wasm-end"
_SIGNED = struct.Struct("<8s32sQ32s32sIIIIQQ64s")
_ENDING = struct.Struct("<II8s")
_SIGNATURE = 64
_AGAIN = "copy it again, whole, or sign what wamrc made: `invoke sign FILE`"


@dataclass(frozen=True)
class Manifest:
    """Who allows a module, and what: ``signer`` is a public key, ``wasm_sha256`` zeros if it is not known.

    ``wasi`` and ``folders`` are numbers as in the header, ``heap`` and ``storage`` bytes.
    """

    signer: bytes
    aot_size: int
    aot_sha256: bytes
    wasm_sha256: bytes
    name: str
    version: int
    heap: int
    wasi: int
    folders: int
    storage: int

    @classmethod
    def of(cls, aot: bytes, name: str, terms: Terms, signer: bytes, wasm_sha256: bytes | None) -> Manifest:
        """Return the manifest of an AOT file whose program is called ``name`` unless the terms say how."""
        return cls(
            signer,
            len(aot),
            hashlib.sha256(aot).digest(),
            wasm_sha256 or bytes(32),
            terms.name or safe_name(name) or "program",
            terms.version,
            terms.heap_bytes,
            sum({WASI_GROUPS[group] for group in terms.wasi}),
            FOLDERS[terms.folders],
            terms.storage_bytes,
        )

    def pack(self) -> bytes:
        """Return the bytes that are signed."""
        return _SIGNED.pack(
            _BEGIN,
            self.signer,
            self.aot_size,
            self.aot_sha256,
            self.wasm_sha256,
            self.version,
            self.heap,
            self.wasi,
            self.folders,
            self.storage,
            0,
            self.name.encode(),
        )

    def as_json(self) -> dict[str, object]:
        """Return it for scripts."""
        told: dict[str, object] = dataclasses.asdict(self)
        return {name: value.hex() if isinstance(value, bytes) else value for name, value in told.items()}

    def words(self) -> str:
        """Return it in one line, for people."""
        wasi = [group for group, bit in WASI_GROUPS.items() if self.wasi & bit]
        folders = next(word for word, number in FOLDERS.items() if number == self.folders)
        return (
            f"{self.name} version {self.version}, by the key {self.signer.hex()[:16]}…; "
            f"heap: up to {self.heap}; WASI: {' '.join(wasi) or 'streams alone'}; "
            f"folders: {folders}; /secure: {self.storage} bytes"
        )


def join(aot: bytes, signed: bytes, signature: bytes) -> bytes:
    """Return a signed module of its AOT bytes, what was signed, and the signature."""
    return aot + signed + signature + _ENDING.pack(VERSION, SIZE, _END)


def split(data: bytes, name: str) -> tuple[bytes, Manifest | None, bytes]:
    """Return the AOT bytes of a file, its manifest (None: it is not signed) and the signature.

    Whose signature it is, and whether it is right, is not looked at. Raises TeeforgeError if what stands at
    the file's end is no whole trailer of this version, or about other bytes.
    """
    if not data.endswith(_END):
        if _BEGIN in data[-(SIZE - 1) :]:
            raise TeeforgeError(f"{name}: the signature at its end is cut short", _AGAIN)
        return data, None, b""
    if len(data) < _ENDING.size:
        raise TeeforgeError(f"{name}: the signature at its end is cut short", _AGAIN)
    version, size, _ = _ENDING.unpack(data[-_ENDING.size :])
    if version != VERSION:
        raise TeeforgeError(
            f"{name}: its manifest is of version {version}, and this checkout knows version {VERSION}",
            "sign it with this checkout: `invoke sign FILE`, or use the one that signed it",
        )
    if len(data) < SIZE:
        raise TeeforgeError(f"{name}: the signature at its end is cut short", _AGAIN)
    aot, trailer = data[:-SIZE], data[-SIZE:]
    if size != SIZE or not trailer.startswith(_BEGIN):
        raise TeeforgeError(f"{name}: the signature at its end is damaged", _AGAIN)
    if aot.endswith(_END):
        raise TeeforgeError(f"{name}: it has two signatures, one behind the other", _AGAIN)
    return aot, _read(aot, trailer, name), trailer[_SIGNED.size : _SIGNED.size + _SIGNATURE]


def _read(aot: bytes, trailer: bytes, name: str) -> Manifest:
    _, signer, aot_size, aot_sha256, wasm_sha256, *rest, reserved, raw = _SIGNED.unpack_from(trailer)
    version, heap, wasi, folders, storage = rest
    if wasi & ~sum(WASI_GROUPS.values()) or folders not in FOLDERS.values() or reserved:
        raise TeeforgeError(
            f"{name}: its manifest has fields that this checkout does not know",
            "sign it with this checkout: `invoke sign FILE`, or use the one that signed it",
        )
    if aot_size != len(aot) or aot_sha256 != hashlib.sha256(aot).digest():
        raise TeeforgeError(
            f"{name}: it has other bytes than were signed", "copy it again, or sign it: `invoke sign FILE`"
        )
    text = raw.rstrip(b"\0").decode("utf-8", "replace")
    if not text or safe_name(text) != text:
        raise TeeforgeError(f"{name}: its manifest is damaged: its name is none", _AGAIN)
    return Manifest(signer, aot_size, aot_sha256, wasm_sha256, text, version, heap, wasi, folders, storage)
