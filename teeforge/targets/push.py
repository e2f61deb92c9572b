"""Sending files to a target: only what differs, verified over there, never half of a file."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from teeforge.base.errors import TeeforgeError
from teeforge.targets.couriers import Couriers
from teeforge.targets.parcel import RefusedError, State, Upload, pack, size_of


@dataclass(frozen=True)
class Pushed:
    """What a push did: remote paths that were sent, and those that were right already."""

    sent: tuple[str, ...]
    unchanged: tuple[str, ...]


def push_files(couriers: Couriers, files: Sequence[Upload], there: State | None = None) -> Pushed:
    """Make ``files`` be on a target with these bytes and modes.

    ``there`` is what Couriers.look() said, None to ask it. What differs is sent, all in one go, to
    temporary names in the same folders, verified by SHA-256 over there and renamed; before that no file
    is touched, so a failure leaves all the old ones. Raises TeeforgeError.
    """
    _check_paths(files)
    couriers.expect(sum(size_of(upload) for upload in files if upload.remote not in (there or ())))
    parcels = [pack(upload) for upload in files]
    if there is None:
        there = couriers.look({parcel.upload.remote: parcel.size for parcel in parcels})
    stale = [p for p in parcels if there.get(p.upload.remote) != (p.sha256, p.upload.mode)]
    try:
        couriers.send(stale)
    except RefusedError as refused:
        raise _explained(couriers, refused, sum(parcel.size for parcel in stale)) from refused
    sent = {parcel.upload.remote for parcel in stale}
    return Pushed(
        sent=tuple(u.remote for u in files if u.remote in sent),
        unchanged=tuple(u.remote for u in files if u.remote not in sent),
    )


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


def _explained(couriers: Couriers, refused: RefusedError, needed: int) -> TeeforgeError:
    """Return the error that tells a user what a target could not do; it was to take ``needed`` bytes."""
    upload, name = refused.parcel.upload, couriers.name
    folder = str(PurePosixPath(upload.remote).parent)
    if refused.what == "bytes":
        return TeeforgeError(
            f"{upload.remote} arrived on {name} with other bytes than {upload.local} has",
            "the old file was left as it was; is the local one being rebuilt?",
        )
    if refused.what == "replace":
        return TeeforgeError(
            f"{upload.remote} cannot be replaced on {name}: {refused.why}", "is it a folder there?"
        )
    if refused.what == "folder":
        return TeeforgeError(
            f"{name} has no folder {folder}, where {upload.local.name} should go",
            f"make it there: mkdir -p {shlex.quote(folder)}",
        )
    free = _free_bytes(couriers, folder)
    if free is not None and free < needed:
        return TeeforgeError(
            f"{folder} on {name} is full: {upload.local.name} needs {refused.parcel.size} bytes, "
            f"{free} are free",
            "remove something there, or give the machine more memory",
        )
    return TeeforgeError(f"{upload.local.name} cannot be written to {folder} on {name}: {refused.why}")


def _free_bytes(couriers: Couriers, folder: str) -> int | None:
    """Return how much a folder's filesystem takes, None if it is not known or has no blocks, as /proc."""
    with contextlib.suppress(TeeforgeError):
        # df does not know the root filesystem of an initramfs; statfs does.
        status, told, _ = couriers.feed(f"stat -f -c '%a %S %b' {shlex.quote(folder)}", (), 0)
        words = told.split()
        if status == 0 and len(words) == 3 and all(word.isdecimal() for word in words) and words[2] != "0":
            return int(words[0]) * int(words[1])
    return None
