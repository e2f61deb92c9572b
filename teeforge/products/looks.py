"""How the files of a folder look: enough to notice in no time that one was changed or is gone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def write_looks(folder: Path, record: Path) -> None:
    """Note the size and the time of every file below ``folder``."""
    record.write_text("".join(f"{line}\n" for line in _lines(folder)), encoding="utf-8")


def changed_file(folder: Path, record: Path) -> str:
    """Return the path of a file below ``folder`` that is not as noted in ``record``; empty if all are."""
    try:
        noted = set(record.read_text(encoding="utf-8").splitlines())
    except OSError:
        return str(record)
    # Files that came later do no harm to the others.
    different = noted.difference(_lines(folder))
    return str(folder / min(different).split(" ", 2)[2]) if different else ""


def _lines(folder: Path) -> Iterator[str]:
    waiting = [str(folder)]
    skip = len(waiting[0]) + 1
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    status = entry.stat(follow_symlinks=False)
                    yield f"{status.st_size} {status.st_mtime_ns} {entry.path[skip:]}"
