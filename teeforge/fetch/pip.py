"""pip, installing what a requirements file locks by hash, with a word when nobody answers.

This and what it imports needs nothing but Python itself: `inv` uses it before anything is installed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from teeforge.base.errors import TeeforgeError, UnreachableError
from teeforge.base.process import end_with_children
from teeforge.base.progress import say
from teeforge.fetch.waiting import PATIENCE, Waiting, by_proxy, plainly

# A connection that is refused is refused again at once; one that broke off may do better the next time.
_OPTIONS = ("--disable-pip-version-check", "--no-input", "--no-color", "--retries", "3", "--timeout", "60")
_ONLY_LOCKED = ("--require-hashes", "--only-binary", ":all:", "--no-deps")
# A user's settings that would have it installed elsewhere, or say less or more than is read here.
_MISLEADING = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_QUIET", "PIP_VERBOSE")
_INDEX = "the Python package index (`pip config list` shows where pip looks)"
_ITS_URL = "https://index"  # of whatever name: for the proxy by which it is asked


def pip_install(pip: Sequence[str | Path], locked: Path) -> None:
    """Install what ``locked`` pins, by the command ``pip``.

    Raises UnreachableError when it cannot be had, with nothing changed; TeeforgeError for all the rest.
    """
    env = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    child = subprocess.Popen(
        [*map(str, pip), *_OPTIONS, "install", *_ONLY_LOCKED, "-r", str(locked)],
        env={**env, "PIP_USER": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert child.stdout is not None
    told: list[str] = []
    index = f"{_INDEX}{by_proxy(_ITS_URL)}"
    with child, Waiting(index, lambda: end_with_children(child)) as waiting:
        for line in (raw.decode(errors="replace").strip() for raw in child.stdout):
            told.append(line)
            if line.startswith("Looking in indexes: "):
                index = line.removeprefix("Looking in indexes: ") + by_proxy(_ITS_URL)
            if line.startswith("Downloading "):
                waiting.heard(f"not all of {line.removeprefix('Downloading ')} is here yet", endless=True)
            elif line.startswith("Installing collected packages"):
                waiting.rest()
            elif not line.startswith("WARNING: Retrying"):
                waiting.heard(f"no answer yet from {index}")
    if child.returncode != 0:
        raise _failure(locked.name, f"no answer in {PATIENCE:.0f} s" if waiting.gave_up else "", told)


def install_extra(locked: Path) -> None:
    """Install into this Python what ``locked`` pins beside requirements.txt, unless that was done already."""
    installed = Path(sys.prefix) / locked.with_suffix(".installed").name
    if installed.is_file() and installed.read_bytes() == locked.read_bytes():
        return
    say(f"installing {locked.name} into .venv")
    pip_install([sys.executable, "-I", "-m", "pip"], locked)
    installed.write_bytes(locked.read_bytes())


def _failure(name: str, silent: str, told: Sequence[str]) -> TeeforgeError:
    """Return the error for what pip said."""
    broken = re.findall(r"after connection broken by '(.*)': ", "\n".join(told))
    errors = [line.removeprefix("ERROR: ") for line in told if line.startswith("ERROR: ")]
    nothing_there = any("No matching distribution" in line or "Could not" in line for line in errors)
    if silent or (broken and nothing_there):
        return UnreachableError(
            f"pip could not fetch what {name} locks{by_proxy(_ITS_URL)}: {silent or plainly(broken[-1])}",
            "check the network, https_proxy and pip's own settings (`pip config list`), then run it again",
        )
    last = [f"    {line}" for line in (errors or told)[-8:]]
    return TeeforgeError(
        "\n".join([f"pip could not install {name}:", *last]),
        "where pip's own settings name another index, it must have these very files",
    )
