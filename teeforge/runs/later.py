"""The full level of a program that was compiled quickly: made by a process of its own, when others have time.

python -m teeforge.runs.later WAMRC AOT FLAG...
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.locking import held_lock

if TYPE_CHECKING:
    from teeforge.programs import Compilers


class Later:
    """Starts that process, which outlives this one; stop() ends it where it is wanted no more."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, aot: Path, compilers: Compilers) -> None:
        """Have the program of an AOT file of the cache compiled as ``compilers`` do that are not quick."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(compilers.wamrc), str(aot), *compilers.flags],
            cwd=self._root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self) -> None:
        """End it, with the compilers that it has started."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait()
            self._process = None


def main(words: Sequence[str]) -> int:
    """Compile, unless another such process does that already."""
    from teeforge.modules.program import optimize

    wamrc, aot, *flags = words
    os.nice(10)
    with held_lock(Path(f"{aot}.lock")) as ours:
        if ours:
            optimize(Path(aot), Path(wamrc), flags)
            Path(f"{aot}.lock").unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
