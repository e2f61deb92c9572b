"""Sending files to a target: only what differs, verified over there, never half of a file."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from teeforge.errors import TeeforgeError
from teeforge.remote import capture_remote, close_channel

if TYPE_CHECKING:
    import paramiko

# dropbear hangs up on a command of more than 9000 bytes; each path is in it twice, and quoted.
_BATCH = 3000


@dataclass(frozen=True)
class Upload:
    """A local file, its absolute path on the target, and its permission bits there."""

    local: Path
    remote: str
    mode: int = 0o644


@dataclass(frozen=True)
class Pushed:
    """What a push did: remote paths that were sent, and those that were right already."""

    sent: tuple[str, ...]
    unchanged: tuple[str, ...]


def push_files(client: paramiko.SSHClient, name: str, files: Sequence[Upload]) -> Pushed:
    """Make ``files`` be on the target ``name`` with these bytes and modes.

    What differs is sent to a temporary name in the same folder, verified by SHA-256 over there and
    renamed; before that no file is touched, so a failure leaves all the old ones. Raises TeeforgeError.
    """
    _check_paths(files)
    digests = {upload.remote: _digest(upload.local) for upload in files}
    there = _remote_state(client, name, [upload.remote for upload in files])
    stale = [u for u in files if there.get(u.remote) != (digests[u.remote], u.mode)]
    if stale:
        _replace(client, name, stale, digests)
    sent = {upload.remote for upload in stale}
    return Pushed(
        sent=tuple(u.remote for u in files if u.remote in sent),
        unchanged=tuple(u.remote for u in files if u.remote not in sent),
    )


def _replace(
    client: paramiko.SSHClient, name: str, uploads: Sequence[Upload], digests: dict[str, str]
) -> None:
    temporary = {u.remote: _temporary_name(u.remote) for u in uploads}
    with _sftp(client, name) as sftp:
        try:
            for upload in uploads:
                _send(client, sftp, name, upload, temporary[upload.remote])
            there = _remote_state(client, name, list(temporary.values()))
            for upload in uploads:
                if there.get(temporary[upload.remote]) != (digests[upload.remote], upload.mode):
                    raise TeeforgeError(
                        f"{upload.remote} arrived on {name} with other bytes than {upload.local} has",
                        "the old file was left as it was; is the local one being rebuilt?",
                    )
            for upload in uploads:
                _rename(sftp, name, temporary[upload.remote], upload.remote)
        except BaseException:
            for path in temporary.values():
                with contextlib.suppress(Exception):
                    sftp.remove(path)
            raise


def _send(
    client: paramiko.SSHClient, sftp: paramiko.SFTPClient, name: str, upload: Upload, path: str
) -> None:
    try:
        with upload.local.open("rb") as file:
            sftp.putfo(file, path, confirm=False)
            size = os.fstat(file.fileno()).st_size
        # paramiko sends ahead and does not look at the answers.
        written = sftp.stat(path).st_size
        if written != size:
            raise OSError(errno.EIO, f"only {written} of {size} bytes were taken")
        sftp.chmod(path, upload.mode)
    except (OSError, EOFError) as error:
        # First, so that what is free is told as it was before.
        with contextlib.suppress(Exception):
            sftp.remove(path)
        raise _explain(client, name, upload, error) from error


def _rename(sftp: paramiko.SFTPClient, name: str, temporary: str, path: str) -> None:
    try:
        sftp.posix_rename(temporary, path)
    except (OSError, EOFError) as error:
        raise TeeforgeError(
            f"{path} cannot be replaced on {name}: {_words(error)}", "is it a folder there?"
        ) from error


def _explain(
    client: paramiko.SSHClient, name: str, upload: Upload, error: OSError | EOFError
) -> TeeforgeError:
    """Return the error with its likely cause: SFTP itself says no more than `Failure`."""
    if isinstance(error, OSError) and error.filename == str(upload.local):
        return TeeforgeError(f"{upload.local} cannot be read: {error.strerror}")
    folder = str(PurePosixPath(upload.remote).parent)
    with contextlib.suppress(TeeforgeError):
        quoted = shlex.quote(folder)
        status, _, _ = capture_remote(client, name, f"test -d {quoted}")
        if status != 0:
            return TeeforgeError(
                f"{name} has no folder {folder}, where {upload.local.name} should go",
                f"make it there: mkdir -p {quoted}",
            )
        # df does not know the root filesystem of an initramfs; statfs does.
        status, told, _ = capture_remote(client, name, f"stat -f -c '%a %S %b' {quoted}")
        words = told.split()
        size = upload.local.stat().st_size
        if status == 0 and len(words) == 3 and all(word.isdecimal() for word in words):
            free = int(words[0]) * int(words[1])
            # Filesystems like /proc have no blocks at all.
            if free < size and int(words[2]) > 0:
                return TeeforgeError(
                    f"{folder} on {name} is full: {upload.local.name} needs {size} bytes, {free} are free",
                    "remove something there, or give the machine more memory",
                )
    return TeeforgeError(f"{upload.local.name} cannot be written to {folder} on {name}: {_words(error)}")


def _remote_state(client: paramiko.SSHClient, name: str, paths: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Return SHA-256 and mode of those of ``paths`` that exist, asked in as few commands as may be."""
    state: dict[str, tuple[str, int]] = {}
    batch: list[str] = []
    for path in paths:
        if batch and sum(map(len, batch)) + len(path) > _BATCH:
            state |= _state_of(client, name, batch)
            batch = []
        batch.append(path)
    return state | _state_of(client, name, batch) if batch else state


def _state_of(client: paramiko.SSHClient, name: str, paths: Sequence[str]) -> dict[str, tuple[str, int]]:
    quoted = shlex.join(paths)
    status, told, complaint = capture_remote(
        client, name, f"sha256sum -- {quoted}; echo; stat -c '%a %n' -- {quoted}; true"
    )
    digests: dict[str, str] = {}
    modes: dict[str, int] = {}
    first, _, second = told.partition("\n\n") if not told.startswith("\n") else ("", "", told)
    for line in first.splitlines():
        digest, _, path = line.partition("  ")
        digests[path] = digest
    for line in second.split("\n"):
        mode, _, path = line.partition(" ")
        if path:
            modes[path] = int(mode, 8)
    if status != 0 or "not found" in complaint:
        raise TeeforgeError(f"{name} cannot compare files: {complaint.strip() or f'status {status}'}")
    return {path: (digests[path], modes[path]) for path in digests if path in modes}


def _check_paths(files: Sequence[Upload]) -> None:
    seen: set[str] = set()
    for upload in files:
        # sha256sum prints names with these characters in another form.
        plain = upload.remote.isprintable() and "\\" not in upload.remote
        if not plain or not upload.remote.startswith("/") or upload.remote.endswith("/"):
            raise TeeforgeError(f"{upload.remote!r} is not an absolute path of a file on a target")
        if upload.remote in seen:
            raise TeeforgeError(f"two files are to be sent to {upload.remote}")
        seen.add(upload.remote)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TeeforgeError(f"{path} cannot be read: {error.strerror}") from error


def _temporary_name(remote: str) -> str:
    path = PurePosixPath(remote)
    return str(path.with_name(f".{path.name}.{os.urandom(4).hex()}.part"))


@contextlib.contextmanager
def _sftp(client: paramiko.SSHClient, name: str) -> Iterator[paramiko.SFTPClient]:
    try:
        sftp = client.open_sftp()
    except Exception as error:
        raise TeeforgeError(
            f"{name} offers no SFTP: {error or 'the connection was closed'}",
            "its SSH server needs sftp-server",
        ) from error
    try:
        yield sftp
    finally:
        channel = sftp.get_channel()
        if channel is not None:
            close_channel(channel)
        sftp.close()


def _words(error: OSError | EOFError) -> str:
    if isinstance(error, EOFError):
        return "the connection was lost"
    if error.errno == errno.EACCES:
        return "permission denied"
    return error.strerror or str(error) or type(error).__name__
