"""Folders that a program is given: to the target before a run, and back from it when it may write."""

from __future__ import annotations

import contextlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say
from teeforge.base.reader import printable

if TYPE_CHECKING:
    from teeforge.targets.target import Session

_CHUNK = 1 << 18
_SYNTAX = "write HOST, HOST:rw, HOST::/GUEST or HOST::/GUEST:rw"


@dataclass(frozen=True)
class Folder:
    """A folder of ours, the absolute path that the program finds it at, and whether it comes back."""

    host: Path
    guest: str = "/"
    writable: bool = False


def parse_folder(text: str) -> Folder:
    """Return what --dir says. A HOST that itself ends in ``:rw`` takes another ``:rw`` or ``:ro``."""
    left, writable = text, False
    if left.endswith((":rw", ":ro")):
        writable = left.endswith(":rw")
        left = left[:-3]
    host, separator, guest = left.partition("::")
    guest = guest if separator else "/"
    if not host or not guest.startswith("/") or ".." in guest.split("/"):
        raise TeeforgeError(f"--dir {text}: is not a folder and where the program finds it", _SYNTAX)
    if guest.strip("/").split("/")[0] == "secure":
        raise TeeforgeError(f"--dir {text}: /secure is secure storage", "choose another path in the program")
    path = Path(host).expanduser()
    if not path.is_dir():
        kind = "is a file" if path.exists() else "is not there"
        raise TeeforgeError(f"--dir {text}: the folder {path} {kind}", _SYNTAX)
    return Folder(path, guest, writable)


def parse_folders(texts: Sequence[str]) -> list[Folder]:
    """Return what several --dir say; one that comes back must have its place in the program for itself."""
    folders = [parse_folder(text) for text in texts]
    for number, folder in enumerate(folders):
        for other in folders[:number]:
            same = PurePosixPath("/", folder.guest) == PurePosixPath("/", other.guest)
            if same and (folder.writable or other.writable):
                raise TeeforgeError(
                    f"--dir: {other.host} and {folder.host} are both at {folder.guest}, and one comes back",
                    f"give one another place: {folder.host}::/{folder.host.name}:rw",
                )
    return folders


@contextlib.contextmanager
def lent(session: Session, folders: Sequence[Folder]) -> Iterator[list[str]]:
    """Have ``folders`` on the target, and give the host app's options that name them.

    When the block is left without an error, those that are writable are made here what they are there.
    """
    if not folders:
        yield []
        return
    base = f"/tmp/teeforge-folders.{os.urandom(4).hex()}"
    places = [f"{base}/{number}" for number in range(len(folders))]
    try:
        session.check(["mkdir", "-p", *places])
        names = [_push(session, folder, place) for folder, place in zip(folders, places, strict=True)]
        words = []
        for folder, place in zip(folders, places, strict=True):
            words += ["--dir", f"{place}::{folder.guest}:{'rw' if folder.writable else 'ro'}"]
        yield words
        for folder, place, sent in zip(folders, places, names, strict=True):
            if folder.writable:
                _pull(session, folder, place, sent)
    finally:
        with contextlib.suppress(TeeforgeError):
            session.check(["rm", "-rf", base])


def _push(session: Session, folder: Folder, place: str) -> set[str]:
    """Send a folder as it is; return the paths in it."""
    names: set[str] = set()

    def keep(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if why := _unfit(member, folder.host / member.name):
            say(f"--dir: {_shown(folder.host / member.name)}: {why}: the program is not given it")
            return None
        # "." is the folder itself.
        if member.name != ".":
            names.add(member.name.removeprefix("./"))
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    with tempfile.TemporaryFile() as archive:
        try:
            # Without hard links: each name has the contents.
            with tarfile.open(fileobj=archive, mode="w", dereference=False) as tar:
                tar.inodes = {}  # type: ignore[attr-defined]
                tar.add(folder.host, ".", filter=keep)
        except OSError as error:
            raise TeeforgeError(f"--dir {folder.host}: {error.filename or ''}: {error.strerror}") from error
        size = archive.tell()
        archive.seek(0)
        chunks = iter(partial(archive.read, _CHUNK), b"")
        status, _, said = session.feed(["tar", "-x", "-f", "-", "-C", place], chunks, size)
        if status != 0:
            raise TeeforgeError(f"{session.name}: tar: {said.strip()}")
    return names


def _unfit(member: tarfile.TarInfo, path: Path) -> str:
    """Say why a file cannot be one of a program; nothing if it can."""
    if not (member.isfile() or member.isdir() or member.issym()):
        kinds = {tarfile.FIFOTYPE: "a pipe", tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device"}
        return f"it is {kinds.get(member.type, 'no file')}"
    try:
        member.name.encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    needs = os.R_OK | os.X_OK if member.isdir() else os.R_OK
    return "" if member.issym() or os.access(path, needs) else "it cannot be read"


def _shown(path: Path) -> str:
    """Return a path as it can be printed whatever its bytes are."""
    return printable(os.fsencode(path).decode(errors="backslashreplace"))


def _pull(session: Session, folder: Folder, place: str, sent: set[str]) -> None:
    """Make a folder what it is on the target."""
    with tempfile.TemporaryDirectory(prefix="teeforge-folder-") as scratch:
        archive, tree = Path(scratch, "archive"), Path(scratch, "tree")
        with archive.open("wb") as file:
            said = bytearray()
            status = session.run(
                ["tar", "-c", "-f", "-", "-C", place, "."], on_stdout=file.write, on_stderr=said.extend
            )
        if status != 0:
            raise TeeforgeError(f"{session.name}: tar: {said.decode(errors='replace').strip()}")
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(tree, filter=_links_of(folder.host))
        except tarfile.TarError as error:
            raise TeeforgeError(f"--dir {folder.host}: what {session.name} sends back: {error}") from error
        try:
            mirror(tree, folder.host, sent)
        except OSError as error:
            raise TeeforgeError(
                f"--dir {folder.host}: {error.filename}: {error.strerror}",
                "the folder was not written back whole",
            ) from error


def _links_of(host: Path) -> Callable[[tarfile.TarInfo, str], tarfile.TarInfo | None]:
    """Return tarfile's data filter, which lets nothing out of the folder, by path or by link.

    A link that the folder has already may lead where it leads; nothing is written through it. Any other one
    that may lead out is left out.
    """

    def check(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
        here = host / member.name
        if member.issym() and here.is_symlink() and str(here.readlink()) == member.linkname:
            member.name = os.path.normpath(member.name)
            if not member.name.startswith(("/", "..")):
                return member
        if not member.issym():
            return tarfile.data_filter(member, path)
        if stays_inside(member.name, member.linkname):
            with contextlib.suppress(tarfile.LinkOutsideDestinationError):
                return tarfile.data_filter(member, path)
        _tell_of_link(here)
        return None

    return check


def stays_inside(name: str, target: str) -> bool:
    """Tell whether a link leads to something in its folder, whatever other such links there are.

    So `..` may only be at the beginning: behind another link's name it would mean that one's target.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
    depth = len(PurePosixPath(os.path.normpath(name)).parts) - 1
    return bool(target) and not target.startswith("/") and up <= depth and ".." not in parts[up:]


def _tell_of_link(path: Path) -> None:
    say(f"--dir: {_shown(path)}: the program's link leads out of the folder: it is not written back")


def mirror(tree: Path, host: Path, sent: set[str]) -> None:
    """Make ``host`` what ``tree`` is; of what is not in ``tree``, only paths in ``sent`` are removed.

    Links in ``host`` are replaced, never followed.
    """
    came = set(_names(tree))
    for name in sorted(sent - came, key=lambda name: name.count("/"), reverse=True):
        path = host / name
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
    for name in sorted(came):
        _put(tree / name, host / name)
    for name in came:
        # By way of a link that was there before: each by itself is as it should be.
        if (tree / name).is_symlink() and name not in sent and not _is_below(host / name, host):
            (host / name).unlink()
            _tell_of_link(host / name)


def _is_below(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _names(tree: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(tree):
        for name in (*folders, *files):
            yield str(Path(folder, name).relative_to(tree))


def _put(new: Path, old: Path) -> None:
    """Make ``old`` what ``new`` is, its parent being a real folder already."""
    if new.is_dir() and not new.is_symlink():
        if old.is_symlink() or (old.exists() and not old.is_dir()):
            old.unlink()
        old.mkdir(exist_ok=True)
        return
    if old.is_dir() and not old.is_symlink():
        shutil.rmtree(old)
    if new.is_symlink():
        if not (old.is_symlink() and old.readlink() == new.readlink()):
            old.unlink(missing_ok=True)
            old.symlink_to(new.readlink())
        return
    if old.is_file() and not old.is_symlink():
        if _same(old, new):
            return
        new.chmod(old.stat().st_mode & 0o777)
    temporary = old.with_name(f".{old.name[:200]}.{os.urandom(4).hex()}")
    try:
        shutil.copy2(new, temporary)
        temporary.replace(old)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _same(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()
