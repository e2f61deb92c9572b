"""A machine's secure storage on the host: whether it is as the machine left it, and how it is begun anew.

The TEE finds out what is damaged in it. What it cannot find out, without a counter that only counts up, is
told here: that all of it is gone, or is an older copy. It is for accidents: who writes there can undo this.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.base.progress import say
from teeforge.machines.qemu import SECURE_STORAGE

# OP-TEE's directory of it: with the digests of all objects, so that it stands for all of them.
_DIRECTORY = "dirf.db"
_OBJECT = re.compile(r"[0-9a-f]+")
# Beside it: the public half of the key in it that evidence is signed with, trusted since it was first asked.
EVIDENCE_KEY = "attestation.pem"


class SecureStorage:
    """The secure storage of the machine ``name``, whose state lies in ``folder``."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._folder = folder / SECURE_STORAGE
        self._record_file = folder / f"{SECURE_STORAGE}.json"

    def check(self) -> None:
        """Raise TeeforgeError if the storage was in use, and nothing of it is there any more."""
        if self._record() and not self._in_use():
            raise TeeforgeError(
                f"the secure storage of the machine {self._name} is gone: {self._folder} has no object in it",
                f"put a copy of it back, or `invoke storage.anew --name {self._name}` begins anew",
            )

    def taken(self) -> None:
        """Have the folder, for a machine that starts now; say so if it was changed since the last one."""
        left = self._record().get("directory")
        if left and left != self._directory():
            say(
                f"{self._name}: its secure storage was changed while it was off: {self._folder / _DIRECTORY} "
                "is not what the machine left; an older copy is older in all that it has"
            )
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self.used()
        if left:
            self._write(None)

    def used(self) -> None:
        """Remember that there is something in it, if there is."""
        if not self._record_file.exists() and self._in_use():
            self._write(None)

    def left(self) -> None:
        """Remember what it is when a machine has ended; one that ended by itself is not remembered."""
        if self._record_file.exists() or self._in_use():
            self._write(self._directory())

    def set_aside(self) -> Path | None:
        """Move it out of the way; return where to, None if there was nothing."""
        aside = None
        if self._folder.is_dir() and any(self._folder.iterdir()):
            taken = (self._folder.with_name(f"{SECURE_STORAGE}-{number}") for number in range(1, 1 << 20))
            aside = next(path for path in taken if not path.exists())
            try:
                self._folder.rename(aside)
            except OSError as error:
                why = f"{self._folder} cannot be moved: {error.strerror}"
                raise TeeforgeError(why, "copy it elsewhere, and empty it by hand") from error
        self._record_file.unlink(missing_ok=True)
        # What begins anew makes another one.
        self._folder.with_name(EVIDENCE_KEY).unlink(missing_ok=True)
        return aside

    def _in_use(self) -> bool:
        with contextlib.suppress(OSError):
            return any(_OBJECT.fullmatch(path.name) for path in self._folder.iterdir())
        return False

    def _directory(self) -> str:
        with contextlib.suppress(OSError):
            return hashlib.sha256((self._folder / _DIRECTORY).read_bytes()).hexdigest()
        return "missing"

    def _record(self) -> dict[str, Any]:
        """Return what is remembered; nothing if it was never in use."""
        try:
            read = json.loads(self._record_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            read = None
        return {"used": True, **read} if isinstance(read, dict) else {"used": True}

    def _write(self, directory: str | None) -> None:
        write_atomically(self._record_file, json.dumps({"directory": directory}).encode() + b"\n")
