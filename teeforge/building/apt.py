"""Installing what the host lacks with apt, where the host has it and we may."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.process import clean_environment, run
from teeforge.base.progress import say

_LISTS = Path("/var/lib/apt/lists")
# Who does not answer is told in time.
_APT = ["apt-get", "-q", "-o", "Acquire::Retries=1"]
_APT += [word for scheme in ("http", "https") for word in ("-o", f"Acquire::{scheme}::Timeout=12")]


def has_apt() -> bool:
    """Say whether this host installs packages with apt."""
    return shutil.which("apt-get") is not None


def has_lists() -> bool:
    """Say whether apt knows any package at all; on a fresh machine it may know none."""
    return any(_LISTS.glob("*_Packages*"))


def available(packages: Iterable[str]) -> bool:
    """Say whether apt could install all of ``packages``."""
    wanted = list(packages)
    try:
        told = run(["apt-cache", "policy", *wanted])
    except TeeforgeError:
        return False
    candidates = [line for line in told.splitlines() if line.startswith("  Candidate:")]
    return len(candidates) == len(wanted) and not any("(none)" in line for line in candidates)


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Return the installed ones of ``packages`` with their versions."""
    wanted = sorted(packages)
    if not wanted or shutil.which("dpkg-query") is None:
        return {}
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status} ${Version}\\n", *wanted],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
    )
    rows = [line.split(" ", 2) for line in done.stdout.splitlines()]
    return {row[0]: row[2] for row in rows if len(row) == 3 and row[1] == "installed"}


def update() -> bool:
    """Fetch the package lists if we may; say whether they were asked for."""
    prefix = _privilege()
    if prefix is None or not has_apt():
        return False
    command = [*prefix, *_APT, "update"]
    done = subprocess.run(command, env=clean_environment(), stdout=sys.stderr, check=False)
    if done.returncode != 0:
        say("apt-get update failed; trying with the lists that are here")
    return True


def install(packages: Sequence[str]) -> None:
    """Install packages; TeeforgeError with the line to type where we may not, or apt fails."""
    names = " ".join(packages)
    arguments = ["install", "-y", "--no-install-recommends", *packages]
    line = f"apt-get {' '.join(arguments)}"
    if not has_apt():
        raise TeeforgeError(f"missing on this host: {names}", "no apt-get here: install them by hand")
    prefix = _privilege()
    if prefix is None:
        raise TeeforgeError("some packages are missing on this host", f"run: sudo {line}")
    say(f"installing {names}")
    # sudo drops the environment, so the variable is given on its command line.
    command = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", *_APT, *arguments]
    done = subprocess.run(command, env=clean_environment(), stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise TeeforgeError("apt-get could not install them (its own words are above)", f"run: sudo {line}")


def _privilege() -> list[str] | None:
    """Return what to put before a command to be root, or None."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    quiet = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    return ["sudo"] if quiet or sys.stdin.isatty() else None
