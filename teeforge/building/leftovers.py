"""The output folder of a component's last build: reused by make where that gives the same bits.

Only a recipe that says `incremental: true` has its folder reused, and only if nothing but the contents of
source files has changed since: not a tool, a flag, a product that it reads, nor which files there are (a
header that comes or goes may be found in another's place). A build that was killed leaves no folder to be
trusted, nor does a host that was started anew; one that a compiler refused does, since make and compilers
remove what they did not finish.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.base.hostboot import host_boot


@contextmanager
def output_folder(
    out: Path, source: Path, inputs: Mapping[str, str], *, reuse: bool, stopped: Callable[[], bool]
) -> Iterator[None]:
    """Have ``out`` ready for the steps that the block runs on ``source``, with ``inputs`` as `explain` shows.

    It is empty, unless ``reuse`` and what the last build left can be relied on. ``stopped`` says whether
    steps were ended from outside.
    """
    stamp = out.with_name(f"{out.name}.stamp")
    wanted = _digest(source, inputs) if reuse else ""
    trusted = reuse and out.is_dir() and _reads(stamp) == wanted
    stamp.unlink(missing_ok=True)
    if not trusted:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        out.chmod(0o755)  # whatever the user's umask: a step may copy it
    try:
        yield
    except TeeforgeError:
        if reuse and not stopped():
            write_atomically(stamp, wanted.encode())
        raise
    if reuse:
        write_atomically(stamp, wanted.encode())


def _reads(stamp: Path) -> str:
    """Return what a stamp says; nothing where the clock has gone back, for make goes by the time."""
    try:
        return stamp.read_text(encoding="utf-8") if stamp.stat().st_mtime <= time.time() else ""
    except OSError:
        return ""


def _digest(source: Path, inputs: Mapping[str, str]) -> str:
    """Return a digest of all that must not change: the inputs without the tree, and its files' names."""
    names = sorted(
        str(Path(folder, name).relative_to(source)) for folder, _, files in os.walk(source) for name in files
    )
    kept = {name: value for name, value in inputs.items() if name not in ("source tree", "source commit")}
    return hashlib.sha256(json.dumps([kept, names, host_boot()], sort_keys=True).encode()).hexdigest()
