"""Gather a program of Debian's with the loader and the libraries that it needs, so that it runs on any Linux.

It is called through that loader, so nothing in it has to be changed and it may lie anywhere.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

# The multiarch folder and the loader of each host (psABI).
HOSTS = {
    "x86_64": ("x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    "aarch64": ("aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
}


def main() -> None:
    """Gather what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, required=True, help="the folder they were unpacked into")
    parser.add_argument("--program", required=True, help="its name in /usr/bin")
    parser.add_argument("out", type=Path, help="the folder to make")
    told = parser.parse_args()
    triplet, loader = HOSTS[os.uname().machine]
    libraries = told.packages / "usr/lib" / triplet
    shutil.rmtree(told.out, ignore_errors=True)
    told.out.mkdir(parents=True)
    program = told.packages / "usr/bin" / told.program
    copy(program, told.out / told.program)
    copy(libraries / loader, told.out / "loader")
    left, seen = needed(program), {loader}
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        if not (libraries / name).is_file():
            sys.exit(f"gather: no package of the source has {name}")
        copy(libraries / name, told.out / name)
        left += needed(libraries / name)


def copy(source: Path, target: Path) -> None:
    """Copy what a file or link is to a program's mode."""
    shutil.copyfile(source, target)
    target.chmod(0o755)


def needed(path: Path) -> list[str]:
    """Return the libraries that an ELF file names (DT_NEEDED)."""
    with path.open("rb") as file:
        dynamic = ELFFile(file).get_section_by_name(".dynamic")
        tags: list[Any] = []
        if isinstance(dynamic, DynamicSection):
            tags += dynamic.iter_tags("DT_NEEDED")
        return [tag.needed for tag in tags]


if __name__ == "__main__":
    main()
