"""Waiting for the network, but not in silence: who does not answer is named, and not waited for without end.

This and what it imports needs nothing but Python itself: `inv` uses it before anything is installed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from teeforge.base.progress import say

# Seconds of silence after which it is said, and after which nobody is waited for any more: some proxies
# take in a whole file before they hand on its first byte.
SAID = 10.0
PATIENCE = 120.0

_told: dict[str, float] = {}
_telling = threading.Lock()


class Waiting:
    """Says when ``whom`` is silent for long; a context manager around what asks.

    ``give_up`` is called once, from a thread, when there was no sign of life for PATIENCE seconds;
    ``gave_up`` says whether it was.
    """

    def __init__(self, whom: str, give_up: Callable[[], None] | None = None) -> None:
        self.gave_up = False
        self._give_up = give_up
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        # Since when, what to say, and whether to give up: replaced as one, for the thread reads it.
        self._now: tuple[float, str, bool] | None = None
        self.heard(f"no answer yet from {whom}")

    def __enter__(self) -> Waiting:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def heard(self, line: str = "", *, endless: bool = False) -> None:
        """Note a sign of life, and wait for the next: ``line`` says what for; ``endless``: however long."""
        self._now = time.monotonic(), line or (self._now[1] if self._now else ""), not endless

    def rest(self) -> None:
        """Expect nothing until the next heard()."""
        self._now = None

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            if self._now is None:
                continue
            since, line, ends = self._now
            if time.monotonic() - since > SAID:
                _tell(line, since)
            if self._give_up and ends and time.monotonic() - since > PATIENCE:
                self.gave_up = True
                self._give_up()
                return


def _tell(line: str, since: float) -> None:
    """Say what is waited for, once for each silence, however many wait for the same."""
    with _telling:
        if _told.get(line, -1.0) >= since:
            return
        _told[line] = time.monotonic()
    say(f"{line}; still trying, Ctrl-C ends")


def asked(url: str, proxies: Mapping[str, str] | None = None) -> str:
    """Return who is asked for ``url``: its host, and the proxy (the environment's if none is given)."""
    from urllib.parse import urlsplit

    return f"{urlsplit(url).hostname or url}{by_proxy(url, proxies)}"


def by_proxy(url: str, proxies: Mapping[str, str] | None = None) -> str:
    """Return words that name the proxy by which ``url`` is asked for; none if it is asked for directly."""
    from urllib.parse import urlsplit
    from urllib.request import (
        getproxies,
        proxy_bypass,
    )  # takes a tenth of a second; mostly nothing is fetched

    parts, known = urlsplit(url), proxies or getproxies()
    proxy = (known.get(parts.scheme) or known.get("all", "")) if parts.scheme in ("http", "https") else ""
    if not proxy or proxy_bypass(parts.hostname or ""):
        return ""
    return f" through the proxy {proxy.rpartition('@')[2].rpartition('//')[2].rstrip('/')}"


def plainly(error: str) -> str:
    """Say what went wrong on the network in a few words, from what a library or a program said."""
    for signs, words in _WORDS:
        if any(sign in error for sign in signs):
            return words
    return error.strip().splitlines()[0][:200] if error.strip() else "no reason was given"


_WORDS = (
    (
        ("Name or service not known", "No address associated"),
        "the host's name is not known (no network, or a proxy is needed)",
    ),
    (
        ("name resolution", "Failed to resolve", "Could not resolve", "NameResolutionError"),
        "the host's name cannot be looked up (no network?)",
    ),
    (
        ("Connection refused", "Couldn't connect to server", "Could not connect to server"),
        "connection refused",
    ),
    (("Network is unreachable", "No route to host"), "there is no way to it (no network?)"),
    (("CERTIFICATE_VERIFY_FAILED", "certificate problem"), "its certificate is not trusted on this host"),
    (("timed out", "Timeout"), "no answer"),
)
