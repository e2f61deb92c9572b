"""Picking the kernel Image and the few modules that the target loads out of Debian's package."""

from __future__ import annotations

import argparse
import gzip
import io
import lzma
import sys
from pathlib import Path

from elftools.elf.elffile import ELFFile

# Bytes 56..59 of an arm64 Image: Documentation/arm64/booting.rst.
_ARM64_MAGIC = b"ARM\x64"


def image(packages: Path) -> bytes:
    """Return the uncompressed Image; Debian has shipped both plain and gzipped ones."""
    found = sorted((packages / "boot").glob("vmlinuz-*"))
    if len(found) != 1:
        sys.exit(f"pick_kernel: expected one boot/vmlinuz-* in the packages, found {len(found)}")
    data = found[0].read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data[56:60] != _ARM64_MAGIC:
        sys.exit(f"pick_kernel: {found[0].name} is not an arm64 Image")
    return data


def module_index(packages: Path) -> dict[str, Path]:
    """Return every module's file by its name as the kernel spells it."""
    roots = [packages / "lib/modules", packages / "usr/lib/modules"]
    files = [file for root in roots for file in root.rglob("*.ko*")]
    return {_spelt(file.name.split(".")[0]): file for file in files}


def read_module(file: Path) -> bytes:
    """Return a module's ELF, uncompressed."""
    return lzma.decompress(file.read_bytes()) if file.suffix == ".xz" else file.read_bytes()


def depends(module: bytes) -> list[str]:
    """Return the modules that this one names in its .modinfo section."""
    section = ELFFile(io.BytesIO(module)).get_section_by_name(".modinfo")
    fields = section.data().decode().split("\0") if section is not None else []
    listed = next((field[8:] for field in fields if field.startswith("depends=")), "")
    return [_spelt(name) for name in listed.split(",") if name]


def _spelt(name: str) -> str:
    """Return a module's name as the kernel spells it; files and dependencies may have hyphens."""
    return name.replace("-", "_")


def in_loading_order(wanted: list[str], index: dict[str, Path]) -> dict[str, bytes]:
    """Return the wanted modules and what they depend on, each after its own dependencies."""
    order: dict[str, bytes] = {}

    def add(name: str) -> None:
        if name in order:
            return
        if name not in index:
            sys.exit(f"pick_kernel: the kernel package has no module {name}")
        module = read_module(index[name])
        for other in depends(module):
            add(other)
        order[name] = module

    for name in wanted:
        add(name)
    return order


def main() -> None:
    """Write OUT/Image and OUT/modules/{*.ko,load}."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, required=True, help="unpacked kernel package")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("modules", nargs="+")
    asked = parser.parse_args()
    (asked.out / "Image").write_bytes(image(asked.packages))
    folder = asked.out / "modules"
    folder.mkdir(exist_ok=True)
    for stale in folder.iterdir():
        stale.unlink()
    chosen = in_loading_order(asked.modules, module_index(asked.packages))
    for name, module in chosen.items():
        (folder / f"{name}.ko").write_bytes(module)
    (folder / "load").write_text("".join(f"{name}.ko\n" for name in chosen))
    print(f"modules, in loading order: {' '.join(chosen)}")


if __name__ == "__main__":
    main()
