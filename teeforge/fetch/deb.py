"""Unpacking Debian packages without dpkg, without root, on any host.

Needs nothing but Python: `inv` takes pip out of such a package before anything is installed.
"""

from __future__ import annotations

import lzma
import os
import tarfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from teeforge.base.errors import TeeforgeError

_CHUNK = 1 << 20
_AR, _AR_HEADER = b"!<arch>\n", 60


def unpack_debs(paths: Iterable[Path], folder: Path) -> None:
    """Unpack .deb files into ``folder``, one beside the other; those that come later are waited for.

    Owners are left out, and what one may do with a file does not depend on the umask. Raises TeeforgeError
    for what is no package; OSError, a full disk for one, comes through.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Decompressing is what takes the time, and it runs beside Python.
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        try:
            for done in [pool.submit(_unpack, path, folder) for path in paths]:
                done.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _unpack(path: Path, folder: Path) -> None:
    """Unpack the file tree of one package."""
    try:
        with path.open("rb") as file:
            _seek_data(file)
            with tarfile.open(fileobj=file, mode="r|*") as tree:
                for entry in tree:
                    _place(tree, entry, folder)
    except (ValueError, tarfile.TarError, EOFError, lzma.LZMAError) as error:
        raise TeeforgeError(
            f"{path} is no Debian package that can be read: {error}", "remove it, and run it again"
        ) from error


def _seek_data(file: BinaryIO) -> None:
    """Go to where the file tree of a package begins: the last member, data.tar, of an ar archive (deb(5))."""
    if file.read(len(_AR)) != _AR:
        raise ValueError("it does not begin as an ar archive")
    while header := file.read(_AR_HEADER):
        name, size = header[:16], header[48:58]
        if not header.endswith(b"`\n") or not size.strip().isdigit():
            raise ValueError(f"there is no header at byte {file.tell() - len(header)}")
        if name.startswith(b"data.tar"):
            return
        file.seek(int(size) + int(size) % 2, os.SEEK_CUR)
    raise ValueError("it has no data.tar")


def _place(tree: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> None:
    place = _inside(folder, entry.name)
    if entry.isdir():
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    if entry.issym():
        place.symlink_to(entry.linkname)
    elif entry.islnk():
        place.hardlink_to(_inside(folder, entry.linkname))
    elif entry.isreg():
        content = tree.extractfile(entry)
        assert content is not None
        with place.open("xb") as file:
            while chunk := content.read(_CHUNK):
                file.write(chunk)
        place.chmod(0o755 if entry.mode & 0o100 else 0o644)


def _inside(folder: Path, name: str) -> Path:
    """Return the place of a member; ValueError if it would be outside."""
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts:
        raise tarfile.TarError(f"`{name}` would be outside")
    return folder / pure
