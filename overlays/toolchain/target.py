"""A compiler for the target where the host is of the target's kind.

On other hosts that is Debian's cross compiler, with headers and libraries of its own. For this host there is
none, but its gcc makes the same code. So a second root in the toolchain, ``cross``, has a copy of its driver,
which finds what it needs beside itself, and the cross compiler's headers and libraries, out of the sight of
the gcc for host programs.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from compilers import confine

TRIPLET = "aarch64-linux-gnu"
_ROOT = Path("cross")
_DRIVERS = ("gcc-12", "cpp-12")
# gcc's programs do not lie with the libraries; binutils have the names that a cross compiler's have.
_PARTS = ("cc1", "collect2", "lto-wrapper", "liblto_plugin.so")
_BINUTILS = (
    *("ar", "as", "ld", "ld.bfd", "ld.gold", "nm"),
    *("objcopy", "objdump", "ranlib", "readelf", "strip"),
)


def set_apart(root: Path) -> Iterator[Path]:
    """Give the target's compiler a root of its own; yield its programs, which want the host's libraries."""
    own = root / _ROOT / "usr"
    parts = own / "lib/gcc-cross" / TRIPLET / "12"
    (own / "lib").mkdir(parents=True)
    (root / "usr" / TRIPLET).rename(own / TRIPLET)
    (root / "usr/lib/gcc-cross").rename(own / "lib/gcc-cross")
    # This is where it looks; what it finds there it knows, and names, by the real path.
    (own / "lib/gcc").symlink_to("gcc-cross")
    for name in _PARTS:
        link(parts / name, root / "usr/lib/gcc" / TRIPLET / "12" / name)
    for name in _BINUTILS:
        link(own / TRIPLET / "bin" / name, root / "usr/bin" / f"{TRIPLET}-{name}")
    # The target has no C++.
    (root / "usr/bin" / f"{TRIPLET}-g++").unlink()
    for name in _DRIVERS:
        driver = own / "bin" / f"{TRIPLET}-{name}"
        driver.parent.mkdir(exist_ok=True)
        shutil.copy(root / "usr/bin" / driver.name, driver)
        called = root / "usr/bin" / driver.name.removesuffix("-12")
        called.unlink()
        link(called, driver)
        yield driver


def link(place: Path, other: Path) -> None:
    """Let ``place`` be a relative link to ``other``."""
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(os.path.relpath(other, place.parent))


def confine_apart(run: list[str], root: Path, home: Path) -> None:
    """Let the target's compiler look in its own root, and name headers as on other hosts."""
    own = home / _ROOT
    confine(
        [*run, str(root / _ROOT / "usr/bin" / f"{TRIPLET}-gcc-12")],
        root / _ROOT / "usr/lib/gcc-cross" / TRIPLET / "12/specs",
        own,
        cross=True,
    )
