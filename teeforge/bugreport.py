"""`invoke doctor --report`: all that whoever looks into a failure asks for first, in one file."""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from teeforge import __version__
from teeforge.answer import Answer
from teeforge.base.errors import TeeforgeError, unwritable
from teeforge.base.files import write_atomically
from teeforge.base.process import FAILED
from teeforge.diagnosis.hostfacts import host_facts
from teeforge.diagnosis.scrub import private_values, scrubbed, without_private

if TYPE_CHECKING:
    from teeforge.lab import Lab

# The file, in the folder where the user stands.
NAME = "teeforge-report.txt"
_LINES = 60


def write_bug_report(root: Path, lab: Callable[[], Lab]) -> Answer:
    """Write the report on the checkout ``root``; what cannot be found out is said in it, with why.

    ``lab`` opens the laboratory, which fails where config.yaml is wrong: that is no reason for no report.
    """
    settings = _settings(root)
    parts: dict[str, Callable[[], Iterator[str]]] = {
        "versions and host": lambda: _facts(root),
        "what the doctor says": lambda: _health(lab()),
        "components and targets": lambda: _status(lab()),
        "config.yaml": lambda: _config(settings),
        "the last step that failed": lambda: _failed_step(lab().workspace.logs),
        "the last failure of teeforge itself": _own_failure,
    }
    text = "".join(f"== {title}\n\n{_said(part)}\n\n" for title, part in parts.items())
    path = Path(NAME).absolute()
    try:
        write_atomically(path, scrubbed(text, private_values(settings)).encode())
    except OSError as error:
        raise unwritable(path, error, "go to a folder that you can write to") from error
    return Answer(
        {"report": str(path)},
        [f"{NAME} is written. Secrets, your name and your home are taken out; read it before you attach it"],
    )


def _said(part: Callable[[], Iterator[str]]) -> str:
    try:
        return "\n".join(part()).rstrip()
    except TeeforgeError as error:
        return f"cannot be found out: {error.message}"
    except Exception as error:  # what is broken is what the report is about
        return f"cannot be found out: {''.join(traceback.format_exception_only(error)).strip()}"


def _facts(root: Path) -> Iterator[str]:
    yield f"{'teeforge':<12} {__version__}"
    for name, value in host_facts(root).items():
        yield f"{name:<12} {value}"
    with Path("/etc/os-release").open(encoding="utf-8") as release:
        yield from (
            f"{'os':<12} {line.partition('=')[2].strip()}" for line in release if line.startswith("PRETTY")
        )
    folder = os.statvfs(root)
    yield f"{'disk':<12} {folder.f_bavail * folder.f_frsize >> 20} MiB free"
    told = (name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("TEEFORGE_"))
    yield f"{'set':<12} {', '.join(sorted(told))}"


def _health(lab: Lab) -> Iterator[str]:
    from teeforge.report import health

    yield from health(lab, fix=False).lines


def _status(lab: Lab) -> Iterator[str]:
    from teeforge.report import status

    # The ssh lines name boards.
    yield from (line for line in status(lab).lines if not line.startswith("    s"))


def _settings(root: Path) -> Any:
    """Return what config.yaml has, right or wrong; where it is no YAML, words for that."""
    path = Path(os.environ.get("TEEFORGE_CONFIG") or root / "config.yaml")
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        # Its own words cite the line.
        return f"cannot be read: {type(error).__name__}"


def _config(settings: Any) -> Iterator[str]:
    yield yaml.safe_dump(without_private(settings), sort_keys=False, default_flow_style=None, width=110)


def _failed_step(logs: Path) -> Iterator[str]:
    """Yield the end of the newest log that ends with a step that failed."""
    for log in sorted(logs.glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if lines and lines[-1].startswith(FAILED):
            yield f"{log.name}:"
            yield from lines[-_LINES:]
            return
    yield "none, as far as build/logs tells"


def _own_failure() -> Iterator[str]:
    """Yield the newest stack trace that guard() has kept for this user."""
    kept = [
        path
        for path in Path(tempfile.gettempdir()).glob("teeforge-*.log")
        if path.is_file() and path.stat().st_uid == os.getuid()
    ]
    if not kept:
        yield "none is kept"
        return
    newest = max(kept, key=lambda path: path.stat().st_mtime)
    yield from newest.read_text(encoding="utf-8", errors="replace").splitlines()[-_LINES:]
