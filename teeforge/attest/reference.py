"""Reference values: what evidence has to say of a core and a TA, as the build writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from teeforge.base.errors import TeeforgeError, unreadable


@dataclass(frozen=True)
class Reference:
    """What the build computed of its core and its TA, and whether anybody can sign TAs for that core."""

    core_memory: bytes
    development_key: bool
    ta_uuid: str
    ta_memory: bytes


def read_reference(path: Path) -> Reference:
    """Return the values in a file. Raises TeeforgeError if they cannot be read."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        core, ta = told["core"], told["ta"]
        return Reference(
            core_memory=_digest(core["memory"]),
            development_key=bool(core["development_key"]),
            ta_uuid=str(ta["uuid"]),
            ta_memory=_digest(ta["memory"]),
        )
    except OSError as error:
        raise unreadable(
            path, error, "`invoke build evidence` makes the reference values of this checkout"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise TeeforgeError(
            f"{path}: these are no reference values", "give the file that `invoke build evidence` made"
        ) from error


def _digest(digits: str) -> bytes:
    digest = bytes.fromhex(digits)
    if len(digest) != 32:
        raise ValueError("is no SHA-256")
    return digest
