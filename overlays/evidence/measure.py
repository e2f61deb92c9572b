"""Write what OP-TEE's attestation pseudo TA measures of a core and of a TA, computed from their files.

It hashes memory that nobody may write (core/pta/attestation.c): of the core its code and read-only data, of a
TA each region that ldelf maps read-only, the smaller ones first. Neither is relocated, so neither depends on
where it lies (ASLR), and both follow from the files alone. Of a TA that is code, constants and the header of
its ELF file; what it may write, and the pages that it made executable itself, are in no hash.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import uuid
from io import BytesIO
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

PAGE = 4096
# core/include/signed_hdr.h: magic, image type, image size, algorithm, sizes of hash and signature.
HEADER = struct.Struct("<4I2H")
MAGIC = 0x4F545348
# What comes between the signature and the image of type 1: UUID and version.
BOOTSTRAP = struct.Struct("<16sI")
BOOTSTRAP_TA = 1
# SHA-256 of the modulus of keys/default_ta.pem in optee_os, whose private half is public.
DEVELOPMENT_KEY = "ec00a6a57c4a34f174f3453458ff548e3af0b6a72ef772bd3ef01628b9dafad7"


def main() -> None:
    """Write the reference values of the files on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--core", type=Path, required=True, help="tee.elf")
    parser.add_argument("--ta", type=Path, required=True, help="a signed TA")
    parser.add_argument("out", type=Path, help="the JSON file to write")
    told = parser.parse_args()
    values = {"core": measure_core(told.core), "ta": measure_ta(told.ta.read_bytes())}
    told.out.write_text(json.dumps(values, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def measure_core(path: Path) -> dict[str, object]:
    """Return what its memory hashes to, and whose TAs it runs."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        symbols = {
            symbol.name: symbol.entry
            for table in elf.iter_sections()
            if isinstance(table, SymbolTableSection)
            for symbol in table.iter_symbols()
        }
        ranges = (
            ("__text_start", "__text_data_start"),
            ("__text_data_end", "__text_end"),
            ("__rodata_start", "__rodata_end"),
        )
        digest = hashlib.sha256()
        for begin, end in ranges:
            first = symbols[begin].st_value
            digest.update(read(elf, first, symbols[end].st_value - first))
        modulus = symbols["ta_pub_key_modulus"]
        key = hashlib.sha256(read(elf, modulus.st_value, modulus.st_size)).hexdigest()
    return {
        "memory": digest.hexdigest(),
        "signing_key": key,
        "development_key": key == DEVELOPMENT_KEY,
    }


def read(elf: ELFFile, address: int, size: int) -> bytes:
    """Return what a file has for so many bytes of memory; they lie in one segment."""
    for segment in elf.iter_segments("PT_LOAD"):
        offset = address - segment["p_vaddr"]
        if offset >= 0 and offset + size <= segment["p_filesz"]:
            return bytes(segment.data()[offset : offset + size])
    raise SystemExit(f"measure.py: {size} bytes at {address:#x} are in no segment of the core")


def measure_ta(file: bytes) -> dict[str, object]:
    """Return a TA's UUID and what its memory hashes to."""
    magic, kind, size, _, hash_size, signature_size = HEADER.unpack_from(file)
    if magic != MAGIC or kind != BOOTSTRAP_TA or size > len(file):
        raise SystemExit("measure.py: this is no TA with a plain signature")
    name, _ = BOOTSTRAP.unpack_from(file, HEADER.size + hash_size + signature_size)
    regions = sorted(read_only(ELFFile(BytesIO(file[-size:]))), key=lambda region: (len(region), region))
    return {
        "uuid": str(uuid.UUID(bytes=name)),
        "memory": hashlib.sha256(b"".join(regions)).hexdigest(),
    }


def read_only(elf: ELFFile) -> list[bytes]:
    """Return what ldelf maps and nobody may write: whole pages of the file, filled up with zeros."""
    # It reads the header from a page of its own, which stays.
    regions = [pages(elf, 0, PAGE)]
    for segment in elf.iter_segments("PT_LOAD"):
        if segment["p_flags"] & 2:
            continue
        begin = segment["p_offset"] // PAGE * PAGE
        regions.append(pages(elf, begin, segment["p_offset"] + segment["p_filesz"]))
    return regions


def pages(elf: ELFFile, begin: int, end: int) -> bytes:
    """Return the pages that have a file's bytes from ``begin`` to ``end``, the last filled up with zeros."""
    elf.stream.seek(begin)
    content: bytes = elf.stream.read(end - begin)
    return content + bytes(-len(content) % PAGE)


if __name__ == "__main__":
    main()
