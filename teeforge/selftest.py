"""`invoke test`: the test suite, in the same .venv, with what the tests themselves need."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say
from teeforge.building.doctor import ensure_host
from teeforge.fetch.pip import install_extra

if TYPE_CHECKING:
    from teeforge.lab import Lab

_TOOLS = {"shellcheck": "shellcheck", "cpio": "cpio"}
_KINDS = ("unit", "integration", "e2e")
# Only by name: other systems, each of which builds everything.
_BY_NAME = {"hosts": {"mmdebstrap": "mmdebstrap", "podman": "podman"}}
KINDS = (*_KINDS, *_BY_NAME)


def run_tests(lab: Lab, only: str, match: str) -> int:
    """Run pytest on all tests, or ``only`` one kind of them; return its exit status."""
    if only and only not in KINDS:
        raise TeeforgeError(
            f"--only {only}: there are {', '.join(KINDS)}", "leave it out to run all but hosts"
        )
    install_extra(lab.root / "requirements-test.txt")
    try:
        ensure_host(lab.config, lab.recipes, {**_TOOLS, **_BY_NAME.get(only, {})})
    except TeeforgeError as error:
        say(f"{error.message}; tests that need them will be skipped ({error.hint})")
    try:
        lab.builder.toolchain()  # whose programs are offered to the tests, where the host has none
    except TeeforgeError as error:
        say(f"{error.message}; tests that need compilers will be skipped ({error.hint})")
    places = [str(lab.root / "tests" / kind) for kind in ([only] if only else _KINDS)]
    words = ["-k", match] if match else []
    command = [sys.executable, "-m", "pytest", *places, *words]
    return subprocess.run(command, cwd=lab.root, check=False).returncode
