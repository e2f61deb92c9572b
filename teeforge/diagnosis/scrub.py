"""Taking out of a text what is nobody's business: secrets, and whose machine it is from."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_GONE = "(removed)"
# Keys of a target that say where somebody's board is, and who may use it.
_PRIVATE = ("host", "host_key", "key", "user")
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|PRIVATE_KEY|ACCESS_KEY", re.IGNORECASE)
_PATTERNS = {
    # A PEM file of a key, also one that is cut short.
    r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)": _GONE,
    # What stands before the host in an address, and what follows `?` in it.
    r"(?<=://)[^/\s@'\"]+@": f"{_GONE}@",
    r"(://[^\s?'\"]+)\?[^\s'\"]+": rf"\1?{_GONE}",
    r"(?i)\b(authorization\s*[:=]\s*)[^\n]+": rf"\1{_GONE}",
    r"(?i)(\w*(?:token|secret|passw(?:or)?d|api_?key|access_?key)\w*['\"]?\s*[:=]\s*)[^\s,]+": rf"\1{_GONE}",
}
# Names of users and hosts that tell nobody from others.
_EVERYWHERE = ("root", "user", "nobody", "teeforge", "ubuntu", "debian", "runner")


def scrubbed(text: str, also: Iterable[str] = ()) -> str:
    """Return a text without secrets and what is ``also`` to go.

    This user's home is `~` in it, his name and the host's are words for them.
    """
    for secret in sorted({*_secrets(), *also}, key=len, reverse=True):
        text = text.replace(secret, _GONE)
    for pattern, instead in _PATTERNS.items():
        text = re.sub(pattern, instead, text)
    for name, instead in _names():
        text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", instead, text)
    return text


def without_private(settings: Any) -> Any:
    """Return what config.yaml has, right or wrong, without what says where somebody's boards are."""
    if not isinstance(settings, dict) or not isinstance(settings.get("targets"), dict):
        return settings
    targets = {
        name: {key: _GONE if key in _PRIVATE else value for key, value in target.items()}
        if isinstance(target, dict)
        else target
        for name, target in settings["targets"].items()
    }
    return {**settings, "targets": targets}


def private_values(settings: Any) -> set[str]:
    """Return the texts that without_private() takes out, but for everybody's: errors may cite them."""
    targets = settings.get("targets") if isinstance(settings, dict) else None
    found = {
        str(target[key])
        for target in (targets.values() if isinstance(targets, dict) else ())
        if isinstance(target, dict)
        for key in _PRIVATE
        if key in target
    }
    return {value for value in found if len(value) > 3 and value not in _EVERYWHERE}


def _secrets() -> Iterator[str]:
    """Yield what the environment has as secrets; a short one would be found everywhere."""
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and len(value) >= 6:
            yield value


def _names() -> Iterator[tuple[str, str]]:
    """Yield what tells whose host it is, with the word to put there; homes first, for names are in them."""
    homes = {str(Path.home()), str(Path.home().resolve()), os.environ.get("HOME", "")}
    yield from ((home, "~") for home in sorted(homes - {"", "/"}, key=len, reverse=True))
    users = {os.environ.get(name, "") for name in ("USER", "LOGNAME", "SUDO_USER")}
    with contextlib.suppress(KeyError, OSError):  # a container's user may have no name
        users.add(getpass.getuser())
    yield from ((user, "USER") for user in sorted(users - {"", *_EVERYWHERE}))
    host = socket.gethostname()
    if host not in ("", "localhost", *_EVERYWHERE):
        yield host, "HOST"
        yield host.partition(".")[0], "HOST"
