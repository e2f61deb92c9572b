"""Sending files to a target: only what differs, verified over there, never half of a file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.targets.remote import capture_remote
from teeforge.targets.ssh import SshAddress, has_ssh, pipe_through_ssh

if TYPE_CHECKING:
    import paramiko

# SHA-256 and mode of each file that is there, by path.
State = Mapping[str, tuple[str, int]]

# dropbear hangs up on a command of more than 9000 bytes.
_BATCH = 3000
# From here on it pays to connect anew with the `ssh` program: its cipher (ChaCha20) is one that paramiko
# lacks, and costs a target without crypto instructions half as much as AES.
_BULK = 4 << 20

# Takes the files one after the other from stdin. Each goes to a temporary name in its own folder; when all
# are there and right, they are renamed. The end of the connection is the end of stdin, and so a failure.
# Under emulation each program that is started costs 15 ms and more: hence one dd for a small file, one
# sha256sum for all, and modes by umask.
_SCRIPT = """\
take() {
why="$1 folder"; [ -d "${2%%/*}/" ] || return 1
why="$1 write"; umask $6
if [ $4 -gt 1048576 ]; then
dd bs=65536 count=$(($4/65536)) iflag=fullblock >"$3" || return 1
[ $(($4%%65536)) = 0 ] || dd bs=$(($4%%65536)) count=1 iflag=fullblock >>"$3" || return 1
elif [ $4 = 0 ]; then : >"$3"
else dd bs=$4 count=1 iflag=fullblock >"$3"; fi &&
{ [ $5 = - ] || chmod $5 "$3"; }
}
right() {
why=bytes
sha256sum -c <<'X'
%(sums)s
X
}
move() { why="$1 replace"; [ ! -d "$2" ] && mv -f "$3" "$2"; }
drop() { rm -f "$3"; }
each() {
%(files)s
}
each take && right && each move || { each drop; echo "$why"; exit 1; }
"""


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


@dataclass(frozen=True)
class _Parcel:
    """An upload as it is to arrive, at first under its temporary name."""

    upload: Upload
    size: int
    sha256: str
    temporary: str

    def line(self, number: int) -> str:
        """Return the line of the script that does something with it."""
        mode = self.upload.mode
        # What a redirection makes is never executable.
        words = [f"{mode:04o}", "077"] if mode & 0o111 else ["-", f"{0o666 & ~mode:03o}"]
        paths = [self.upload.remote, self.temporary]
        return f'"$1" {number} {shlex.join([*paths, str(self.size), *words])}'


def push_files(
    client: paramiko.SSHClient,
    address: SshAddress,
    name: str,
    files: Sequence[Upload],
    there: State | None = None,
) -> Pushed:
    """Make ``files`` be on the target ``name`` with these bytes and modes.

    ``there`` is what remote_state() said, None to ask it. What differs is sent, all in one go, to
    temporary names in the same folders, verified by SHA-256 over there and renamed; before that no file
    is touched, so a failure leaves all the old ones. Raises TeeforgeError.
    """
    _check_paths(files)
    parcels = [_parcel(upload) for upload in files]
    if there is None:
        there = remote_state(client, name, [upload.remote for upload in files])
    stale = [p for p in parcels if there.get(p.upload.remote) != (p.sha256, p.upload.mode)]
    for batch in _batches(stale):
        _send(client, address, name, batch)
    sent = {parcel.upload.remote for parcel in stale}
    return Pushed(
        sent=tuple(u.remote for u in files if u.remote in sent),
        unchanged=tuple(u.remote for u in files if u.remote not in sent),
    )


def remote_state(client: paramiko.SSHClient, name: str, paths: Sequence[str]) -> State:
    """Return SHA-256 and mode of those of ``paths`` that exist, asked in as few commands as may be."""
    state: dict[str, tuple[str, int]] = {}
    batch: list[str] = []
    for path in paths:
        if batch and sum(map(len, batch)) + len(path) > _BATCH:
            state |= _state_of(client, name, batch)
            batch = []
        batch.append(path)
    return state | _state_of(client, name, batch) if batch else state


def _send(client: paramiko.SSHClient, address: SshAddress, name: str, parcels: Sequence[_Parcel]) -> None:
    lines = [parcel.line(number) for number, parcel in enumerate(parcels)]
    sums = [f"{parcel.sha256}  {parcel.temporary}" for parcel in parcels]
    script = _SCRIPT % {"files": " &&\n".join(lines), "sums": "\n".join(sums)}
    with _Contents(parcels) as contents:
        if sum(parcel.size for parcel in parcels) >= _BULK and has_ssh():
            status, told, complaint = pipe_through_ssh(address, name, script, contents)
        else:
            status, told, complaint = capture_remote(client, name, script, contents)
        if contents.error:
            raise contents.error
    if status != 0:
        raise _failure(client, name, parcels, told, complaint)


class _Contents:
    """The bytes of several files, one after the other, as a file to read from."""

    def __init__(self, parcels: Sequence[_Parcel]) -> None:
        self._parcels = iter(parcels)
        self._file: IO[bytes] | None = None
        self._left = 0
        self.error: TeeforgeError | None = None

    def __enter__(self) -> _Contents:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def read(self, most: int) -> bytes:
        """Return the next bytes, none after the last; a file that became shorter or longer ends it."""
        while not self._left:
            if self._file:
                self._file.close()
                self._file = None
            parcel = next(self._parcels, None)
            if parcel is None:
                return b""
            try:
                self._file = parcel.upload.local.open("rb")
            except OSError as error:
                self.error = TeeforgeError(f"{parcel.upload.local} cannot be read: {error.strerror}")
                return b""
            self._left = parcel.size
        assert self._file is not None
        data = self._file.read(min(most, self._left))
        self._left -= len(data)
        return data


def _failure(
    client: paramiko.SSHClient, name: str, parcels: Sequence[_Parcel], told: str, complaint: str
) -> TeeforgeError:
    """Return the error for what the script said: the number of a file, and what could not be done."""
    said = [line for line in complaint.splitlines() if not re.search(r"records (in|out)|copied", line)]
    last = said[-1].strip() if said else "it did not say why"
    *checked, why = told.splitlines() or [""]
    if why == "bytes":
        wrong = [p.upload for p in parcels if f"{p.temporary}: FAILED" in checked] or [parcels[0].upload]
        return TeeforgeError(
            f"{wrong[0].remote} arrived on {name} with other bytes than {wrong[0].local} has",
            "the old file was left as it was; is the local one being rebuilt?",
        )
    found = re.fullmatch(r"(\d+) (\w+)", why)
    if not found:
        return TeeforgeError(f"{name} cannot take files: {last}", "it needs sh, dd and sha256sum")
    upload = parcels[int(found[1])].upload
    if found[2] == "replace":
        return TeeforgeError(f"{upload.remote} cannot be replaced on {name}: {last}", "is it a folder there?")
    folder = str(PurePosixPath(upload.remote).parent)
    if found[2] == "folder":
        return TeeforgeError(
            f"{name} has no folder {folder}, where {upload.local.name} should go",
            f"make it there: mkdir -p {shlex.quote(folder)}",
        )
    with contextlib.suppress(TeeforgeError):
        # df does not know the root filesystem of an initramfs; statfs does.
        status, told, _ = capture_remote(client, name, f"stat -f -c '%a %S %b' {shlex.quote(folder)}")
        words = told.split()
        if status == 0 and len(words) == 3 and all(word.isdecimal() for word in words):
            free, needed = int(words[0]) * int(words[1]), sum(parcel.size for parcel in parcels)
            # Filesystems like /proc have no blocks at all.
            if free < needed and int(words[2]) > 0:
                return TeeforgeError(
                    f"{folder} on {name} is full: {upload.local.name} needs "
                    f"{parcels[int(found[1])].size} bytes, {free} are free",
                    "remove something there, or give the machine more memory",
                )
    return TeeforgeError(f"{upload.local.name} cannot be written to {folder} on {name}: {last}")


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


def _parcel(upload: Upload) -> _Parcel:
    try:
        with upload.local.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            path = PurePosixPath(upload.remote)
            temporary = str(path.with_name(f".{path.name}.{os.urandom(4).hex()}.part"))
            return _Parcel(upload, file.tell(), digest, temporary)
    except OSError as error:
        raise TeeforgeError(f"{upload.local} cannot be read: {error.strerror}") from error


def _batches(parcels: Sequence[_Parcel]) -> Iterator[list[_Parcel]]:
    """Divide parcels so that what names them fits into one command."""
    batch: list[_Parcel] = []
    length = 0
    for parcel in parcels:
        needs = len(parcel.line(0).encode()) + len(parcel.temporary.encode()) + 70
        if batch and length + needs > 2 * _BATCH:
            yield batch
            batch, length = [], 0
        batch.append(parcel)
        length += needs
    if batch:
        yield batch
