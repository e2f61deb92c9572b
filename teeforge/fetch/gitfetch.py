"""Fetching one commit: who does not answer is named, and what may help another time is tried again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError, UnreachableError
from teeforge.base.process import end_with_children
from teeforge.fetch.waiting import PATIENCE, Waiting, asked, by_proxy, plainly

if TYPE_CHECKING:
    from git import Git

_NOT_THERE = re.compile(
    r"not our ref|unadvertised object|remote error: upload-pack|no such remote ref|couldn't find remote ref"
)
# Nobody is there to ask: a second attempt would find nobody either.
_NOBODY = re.compile(
    r"Could not resolve|Name or service not known|name resolution|Could(n't| not) connect to server"
    r"|Connection refused|Network is unreachable|No route to host"
)
_TRIES = 3


def fetch_commit(git: Git, url: str, commit: str, depth: int) -> None:
    """Fetch ``commit`` from ``url`` into the repository of ``git``, under a ref of its own.

    Raises TeeforgeError if the server does not have it, UnreachableError if nobody serves it.
    """
    for attempt in range(1, _TRIES + 1):
        status, told = _fetch(git, url, commit, depth)
        if status == 0:
            return
        if status == -signal.SIGINT:
            raise TeeforgeError(f"{url}: interrupted", "run it again: what was fetched whole is kept")
        if _NOT_THERE.search(told):
            raise TeeforgeError(
                f"{url} does not have commit {commit}",
                "correct `commit:` in config.yaml, or `mirrors:` if the mirror is behind",
            )
        if attempt == _TRIES or status == -signal.SIGTERM or _NOBODY.search(told):
            raise UnreachableError(
                f"{url} cannot be fetched{by_proxy(url)}: {_reason(status, told)}",
                "check the network, set https_proxy, or name one of `mirrors:` in config.yaml",
            )
        time.sleep(attempt)


def _fetch(git: Git, url: str, commit: str, depth: int) -> tuple[int, str]:
    """Run git once; return its status and what it said."""
    # Kept by its name: when it goes, it takes the process along.
    running = git.execute(
        ["git", "-c", "protocol.version=2", "-c", "http.lowSpeedLimit=1",
         "-c", f"http.lowSpeedTime={PATIENCE:.0f}", "fetch", "--progress", "--no-tags",
         f"--depth={depth}", url, f"+{commit}:refs/teeforge/{commit}"],
        istream=subprocess.DEVNULL,
        as_process=True,
    )  # fmt: skip
    child = running.proc
    assert child is not None and child.stderr is not None
    told = bytearray()
    try:
        with Waiting(asked(url), lambda: end_with_children(child)) as waiting:
            while piece := os.read(child.stderr.fileno(), 1 << 16):
                waiting.heard()
                told += piece
            status = child.wait()
    except BaseException:
        end_with_children(child)
        raise
    return status, told.decode(errors="replace")


def _reason(status: int, told: str) -> str:
    """Return why git failed, in one line."""
    if status == -signal.SIGTERM:
        return f"no answer in {PATIENCE:.0f} s"
    if _NOBODY.search(told):
        return plainly(told)
    lines = [line.strip() for line in re.split(r"[\r\n]+", told) if line.strip()]
    worst = [line.removeprefix("fatal: ") for line in lines if line.startswith(("fatal:", "error:"))]
    return (worst or lines or ["git said nothing"])[-1]
