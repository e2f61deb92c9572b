"""Where cases run: the TA's sources in a process of this host, or the TA itself in the TEE of a machine."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from teeforge.base.errors import TeeforgeError
from teeforge.modules.wamrc import WAMRC_FLAGS
from teeforge.settings.terms import UNSAID
from teeforge.signing.manifest import split

if TYPE_CHECKING:
    from teeforge.signing.signer import Signer
    from teeforge.targets.target import Session

# Enough for a memory of four pages and its copy when it grows, little to be cleared for each module.
HEAP = 1 << 20
# For one trip to the TEE; who takes longer is ended by the watch.
SECONDS = 30
_AT_ONCE = 64


class Engine(Protocol):
    """``flags`` are wamrc's; ``run`` prints what spec_test does for a script about files in a folder."""

    flags: tuple[str, ...]

    def run(self, folder: Path, script: Sequence[str]) -> tuple[list[str], str]:
        """Return the lines of the replies, as far as there are, and why there are no more."""
        ...


class HostEngine:
    """``execute`` of this folder: the TA under ASan and UBSan, its code compiled for x86-64."""

    flags: tuple[str, ...] = (
        *("--target=x86_64", "--disable-simd"),
        *(flag for flag in WAMRC_FLAGS if not flag.startswith(("--target=", "--cpu="))),
    )

    def __init__(self, execute: Path, seconds: int = SECONDS, heap: int = HEAP) -> None:
        self._command = [str(execute), str(seconds), str(_AT_ONCE)]
        self._heap = f"heap {heap}"

    def run(self, folder: Path, script: Sequence[str]) -> tuple[list[str], str]:
        """Run a script in one process."""
        done = subprocess.run(
            self._command,
            cwd=folder,
            input="\n".join([self._heap, *script, ""]),
            env=os.environ | {"ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=0"},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return done.stdout.splitlines(), done.stderr if done.returncode else ""


class TeeEngine:
    """The TA in the secure world, called by spec_test on the machine; ``session`` is one with that."""

    flags: tuple[str, ...] = WAMRC_FLAGS

    def __init__(
        self, session: Session, driver: Path, signer: Signer, seconds: int = SECONDS, heap: int = HEAP
    ) -> None:
        from teeforge.targets.parcel import Upload

        self._arguments = f"{seconds} {_AT_ONCE}"
        self._heap = f"heap {heap}"
        # Of its own: others may run modules on the same machine.
        self._remote = f"/tmp/differential-{secrets.token_hex(4)}"
        self._session = session
        self._upload = Upload
        self._signer = signer
        self._do(f"mkdir -p {self._remote}")
        session.push([Upload(driver, f"{self._remote}/spec_test", 0o755)])

    def _do(self, line: str) -> tuple[str, str]:
        out, err = bytearray(), bytearray()
        try:
            status = self._session.run(["sh", "-c", line], on_stdout=out.extend, on_stderr=err.extend)
            why = err.decode(errors="replace") or f"exit {status}" if status else ""
        except TeeforgeError as error:
            why = error.message
        return out.decode(errors="replace"), why

    def run(self, folder: Path, script: Sequence[str]) -> tuple[list[str], str]:
        """Push what is in the folder and run a script in one session with the TA."""
        (folder / "script").write_text("\n".join([self._heap, *script, ""]), encoding="utf-8")
        for path in folder.glob("*.aot"):
            aot, _, _ = split(path.read_bytes(), path.name)
            path.write_bytes(self._signer.sign(aot, path.stem, UNSAID))
        files = [self._upload(path, f"{self._remote}/now/{path.name}") for path in sorted(folder.iterdir())]
        self._do(f"mkdir -p {self._remote}/now")
        self._session.push(files)
        command = f"cd {self._remote}/now && exec ../spec_test {self._arguments} <script"
        out, why = self._do(command)
        self._do(f"rm -rf {self._remote}/now")
        return out.splitlines(), why
