"""What is good to know of a host beside what ran on it: its kind, its load, the versions of what it has."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

from teeforge.base.errors import TeeforgeError
from teeforge.base.process import run


def host_facts(root: Path) -> dict[str, Any]:
    """Return what a figure or a failure depends on beside the code: the host, its load, and versions."""
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": _told(["git", "rev-parse", "--short=12", "HEAD"], root),
        "changed": bool(_told(["git", "status", "--porcelain"], root)),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "load": [round(load, 2) for load in os.getloadavg()],
        "memory_mib": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "qemu": _told(["qemu-system-aarch64", "--version"], root).partition("\n")[0],
    }


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def _told(argv: list[str], root: Path) -> str:
    try:
        return run(argv, cwd=root).strip()
    except TeeforgeError:
        return ""
