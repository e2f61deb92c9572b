"""Building the target's initramfs from Debian packages, kernel modules and OP-TEE's client.

Run by recipes/rootfs.yaml. The same inputs give the same bytes: members are sorted and dated, and
nothing of this host is read.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from pathlib import Path, PurePosixPath

import newc
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

# Where Debian's dynamic loader looks, in its order.
LIBRARY_FOLDERS = ("lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib", "usr/lib")

# Target path -> path in the merged package tree, in OP-TEE's client export, or made/ for what is ours.
PROGRAMS = {
    "bin/busybox": "bin/busybox",
    "usr/sbin/dropbear": "usr/sbin/dropbear",
    # dropbear has this path compiled in; the package that ships it uses another one.
    "usr/lib/sftp-server": "usr/lib/openssh/sftp-server",
    # scp before OpenSSH 9.0 runs itself on the far side.
    "usr/bin/scp": "usr/bin/scp",
    "usr/sbin/tee-supplicant": "usr/sbin/tee-supplicant",
    "init": "made/init",
    "usr/sbin/wake": "made/wake",
    "usr/sbin/receive": "made/receive",
}
# What host apps may need that nothing above names (libgcc_s: glibc opens it when a thread ends).
EXTRA_LIBRARIES = (
    "libteec.so.2", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libgcc_s.so.1",
)  # fmt: skip
FOLDERS = {
    ".": 0o755,
    "dev": 0o755,
    "etc/dropbear": 0o700,
    "lib/optee_armtz": 0o755,
    "mnt": 0o755,
    "proc": 0o555,
    "root": 0o700,
    "root/.ssh": 0o700,
    "run": 0o755,
    "sys": 0o555,
    "tmp": 0o1777,
    "var/lib/tee": 0o700,
    "var/log": 0o755,
}


class BrokenInputError(Exception):
    """An input that is not what the builder was written for."""


class Tree:
    """Folders laid over each other in which a path of the target is looked up; the first has it."""

    def __init__(self, *roots: tuple[str, Path]) -> None:
        """Take pairs of a prefix of the target's paths and the folder that holds what is below."""
        self._roots = roots

    def find(self, path: str) -> Path | None:
        """Return the file that the target's ``path`` names, links followed inside its own root."""
        for prefix, root in self._roots:
            if not path.startswith(prefix):
                continue
            found = root / path.removeprefix(prefix)
            for _ in range(8):
                if not found.is_symlink():
                    break
                # An absolute link means the target's root, not this host's.
                target = str(found.readlink())
                found = root / target.lstrip("/") if target[0] == "/" else found.parent / target
            if found.is_file() and not found.is_symlink():
                return found
        return None

    def read(self, path: str) -> bytes:
        """Return the bytes of a file that must be there."""
        found = self.find(path)
        if found is None:
            raise BrokenInputError(f"{path} is in none of: {', '.join(str(root) for _, root in self._roots)}")
        return found.read_bytes()

    def library(self, name: str) -> tuple[str, bytes]:
        """Return a shared library's path on the target and its bytes."""
        for folder in LIBRARY_FOLDERS:
            found = self.find(f"{folder}/{name}")
            if found is not None:
                return f"{folder}/{name}", found.read_bytes()
        raise BrokenInputError(f"no package and no export has the shared library {name}")


def needed(elf: bytes) -> list[str]:
    """Return the shared libraries that a program or library names (DT_NEEDED)."""
    dynamic = ELFFile(io.BytesIO(elf)).get_section_by_name(".dynamic")
    if not isinstance(dynamic, DynamicSection):
        return []
    return [tag.needed for tag in dynamic.iter_tags("DT_NEEDED")]  # type: ignore[attr-defined]


def applets(busybox: bytes) -> list[str]:
    """Return the names that busybox answers to, from the sorted table that it keeps of them."""
    start = busybox.find(b"\0[\0[[\0") + 1
    names = busybox[start : busybox.find(b"\0\0", start)].decode("ascii", "replace").split("\0")
    if start == 0 or names != sorted(names) or not {"init", "sh"} <= set(names):
        raise BrokenInputError("busybox has no table of applet names where one was expected")
    return names


def collect(userland: Tree, modules: Path, skeleton: Path) -> dict[str, newc.Entry]:
    """Return every member of the initramfs by its path."""
    members = {path: newc.folder(mode) for path, mode in FOLDERS.items()}
    members["dev/console"] = newc.character_device(5, 1, 0o600)

    wanted = list(EXTRA_LIBRARIES)
    for path, origin in PROGRAMS.items():
        elf = userland.read(origin)
        members[path] = newc.file(elf, 0o755)
        wanted += needed(elf)
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        path, elf = userland.library(name)
        members[path] = newc.file(elf, 0o755)
        wanted += needed(elf)
    # The one path that programs have compiled in for their loader (PT_INTERP).
    loader = "lib/ld-linux-aarch64.so.1"
    members.pop(f"lib/aarch64-linux-gnu/{PurePosixPath(loader).name}", None)
    members[loader] = newc.file(userland.read(loader), 0o755)

    for name in applets(members["bin/busybox"].data):
        members.setdefault(f"bin/{name}", newc.link("busybox"))
    for file in sorted(modules.iterdir()):
        members[f"lib/modules/{file.name}"] = newc.file(file.read_bytes())
    for file in sorted(skeleton.rglob("*")):
        if file.is_file():
            mode = 0o755 if file.read_bytes()[:2] == b"#!" else 0o644
            members[str(file.relative_to(skeleton))] = newc.file(file.read_bytes(), mode)
    return members


def main() -> None:
    """Build the initramfs that the command line asks for."""
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, required=True, help="merged tree of the packages")
    parser.add_argument("--client", type=Path, required=True, help="usr folder of optee_client")
    parser.add_argument("--made", type=Path, required=True, help="programs of ours")
    parser.add_argument("--modules", type=Path, required=True, help="kernel modules and `load`")
    parser.add_argument("--date", type=int, default=int(os.environ.get("SOURCE_DATE_EPOCH", "0")))
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    try:
        userland = Tree(("made/", asked.made), ("usr/", asked.client), ("", asked.packages))
        members = collect(userland, asked.modules, here / "skeleton")
    except BrokenInputError as error:
        sys.exit(f"mkinitramfs: {error}")
    # Not compressed: it boots no slower, and the bytes do not depend on this host's zlib.
    packed = newc.archive(members, asked.date)
    asked.out.write_bytes(packed)
    print(f"{asked.out.name}: {len(members)} members, {len(packed)} bytes")


if __name__ == "__main__":
    main()
