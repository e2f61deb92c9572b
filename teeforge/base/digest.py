"""SHA-256 of files and of whole folders."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def digest_path(path: Path, *, skip: tuple[str, ...] = ()) -> str:
    """Return the SHA-256 in hex of a file, or of a folder's names, modes, links and contents.

    Only the executable bit of a mode counts, as in git. ``skip`` are endings and names left out.
    """
    if path.is_file() and not path.is_symlink():
        return digest_file(path)
    total = hashlib.sha256()
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in skip)
        for name in sorted([*files, *(n for n in folders if Path(folder, n).is_symlink())]):
            if name.endswith(skip):
                continue
            full = Path(folder, name)
            inside = full.relative_to(path).as_posix()
            if full.is_symlink():
                entry = f"link {inside} {full.readlink()}"
            else:
                kind = "exec" if os.access(full, os.X_OK) else "file"
                entry = f"{kind} {inside} {digest_file(full)}"
            total.update(entry.encode() + b"\n")
    return total.hexdigest()
