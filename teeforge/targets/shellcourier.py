"""The courier of targets that have only sh, dd and sha256sum, as boards may: one script takes all."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TypeVar

from teeforge.base.errors import TeeforgeError
from teeforge.targets.parcel import Parcel, RefusedError, Sizes, State

# Runs a shell command on the target and feeds it these bytes; gives its exit status, stdout and stderr.
Shell = Callable[[str, Iterable[bytes]], tuple[int, str, str]]

Item = TypeVar("Item")

# dropbear hangs up on a command of more than 9000 bytes.
_LOOKS = 3000
_FILES = 6000

# Takes the files one after the other from stdin. Each goes to a temporary name in its own folder; when all
# are there and right, they are renamed. The end of the connection is the end of stdin, and so a failure.
# A small board takes milliseconds to start a program: hence one dd for a small file, one sha256sum for all,
# and modes by umask.
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


class ShellCourier:
    """Brings files to the target ``name`` by commands of its shell."""

    def __init__(self, name: str, shell: Shell) -> None:
        self._name = name
        self._shell = shell

    def look(self, sizes: Sizes) -> State:
        """Return SHA-256 and mode of those that are files there, of whatever size."""
        state: dict[str, tuple[str, int]] = {}
        for batch in _batches(list(sizes), lambda path: len(path.encode()), _LOOKS):
            state |= self._look(batch)
        return state

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Bring files there, all or none of those that fit into one command; see Courier."""
        lines = [_Line(parcel) for parcel in parcels]
        for batch in _batches(lines, _Line.length, _FILES):
            self._send(batch)

    def _look(self, paths: Sequence[str]) -> State:
        quoted = shlex.join(paths)
        status, told, complaint = self._shell(
            f"sha256sum -- {quoted}; echo; stat -c '%a %n' -- {quoted}; true", ()
        )
        first, _, second = told.partition("\n\n") if not told.startswith("\n") else ("", "", told)
        digests = {path: digest for digest, _, path in (line.partition("  ") for line in first.splitlines())}
        modes = {path: mode for mode, _, path in (line.partition(" ") for line in second.split("\n")) if path}
        if status != 0 or "not found" in complaint:
            raise TeeforgeError(
                f"{self._name} cannot compare files: {complaint.strip() or f'status {status}'}"
            )
        return {path: (digests[path], int(modes[path], 8)) for path in digests if path in modes}

    def _send(self, lines: Sequence[_Line]) -> None:
        script = _SCRIPT % {
            "files": " &&\n".join(line.words(number) for number, line in enumerate(lines)),
            "sums": "\n".join(line.sum() for line in lines),
        }
        contents = (chunk for line in lines for chunk in line.parcel.chunks())
        status, told, complaint = self._shell(script, contents)
        if status != 0:
            raise self._failure(lines, told, complaint)

    def _failure(self, lines: Sequence[_Line], told: str, complaint: str) -> Exception:
        """Return the error for what the script said: the number of a file, and what could not be done."""
        said = [line for line in complaint.splitlines() if not re.search(r"records (in|out)|copied", line)]
        last = said[-1].strip() if said else "it did not say why"
        *checked, why = told.splitlines() or [""]
        if why == "bytes":
            wrong = [line for line in lines if f"{line.temporary}: FAILED" in checked] or lines
            return RefusedError("bytes", wrong[0].parcel, last)
        found = re.fullmatch(r"(\d+) (folder|write|replace)", why)
        if found and int(found[1]) < len(lines):
            return RefusedError(found[2], lines[int(found[1])].parcel, last)
        return TeeforgeError(f"{self._name} cannot take files: {last}", "it needs sh, dd and sha256sum")


class _Line:
    """A file as the script has it, at first under its temporary name."""

    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel
        path = PurePosixPath(parcel.upload.remote)
        self.temporary = str(path.with_name(f".{path.name}.{os.urandom(4).hex()}.part"))

    def words(self, number: int) -> str:
        """Return the line that does something with it."""
        mode = self.parcel.upload.mode
        # What a redirection makes is never executable.
        modes = [f"{mode:04o}", "077"] if mode & 0o111 else ["-", f"{0o666 & ~mode:03o}"]
        paths = [self.parcel.upload.remote, self.temporary]
        return f'"$1" {number} {shlex.join([*paths, str(self.parcel.size), *modes])}'

    def sum(self) -> str:
        """Return the line by which it is verified."""
        return f"{self.parcel.sha256}  {self.temporary}"

    def length(self) -> int:
        """Return how many bytes of the script it takes, or a few more."""
        return len(self.words(0).encode()) + len(self.sum().encode()) + 6


def _batches(items: Sequence[Item], length: Callable[[Item], int], most: int) -> Iterator[list[Item]]:
    """Divide what is to be named in commands, for each to be short enough."""
    batch: list[Item] = []
    left = most
    for item in items:
        if batch and length(item) > left:
            yield batch
            batch, left = [], most
        batch.append(item)
        left -= length(item)
    if batch:
        yield batch
