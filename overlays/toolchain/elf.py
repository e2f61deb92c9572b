"""What of an ELF file decides whether it runs: its machine, its loader, the libraries that it names."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

_PT_DYNAMIC, _PT_INTERP = 2, 3


@dataclass(frozen=True)
class Elf:
    """A program (it names a ``loader``) or a library of 64 bits; ``machine`` is its e_machine."""

    path: Path
    machine: int
    program: bool

    def needed(self) -> list[str]:
        """Return the libraries that it names (DT_NEEDED)."""
        return [tag.needed for tag in self._tags("DT_NEEDED")]

    def has_runpath(self) -> bool:
        """Say whether it has folders of its own in which its libraries are looked for (DT_RUNPATH)."""
        return bool(self._tags("DT_RUNPATH"))

    def _tags(self, name: str) -> list[Any]:
        with self.path.open("rb") as file:
            dynamic = ELFFile(file).get_section_by_name(".dynamic")
            return list(dynamic.iter_tags(name)) if isinstance(dynamic, DynamicSection) else []


def read_elf(path: Path) -> Elf | None:
    """Return what ``path`` is if it is linked dynamically; None for whatever else lies there."""
    with path.open("rb") as file:
        header = file.read(64)
        if len(header) < 64 or header[:5] != b"\x7fELF\x02":
            return None
        (machine,) = struct.unpack_from("<H", header, 18)
        (offset,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(offset)
        table = file.read(size * count)
    kinds = {struct.unpack_from("<I", table, size * number)[0] for number in range(count)}
    return Elf(path, machine, _PT_INTERP in kinds) if _PT_DYNAMIC in kinds else None
