"""`invoke docs`: the site, built strictly by MkDocs, which the first use installs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say
from teeforge.fetch.pip import install_extra

_SERVED = ("127.0.0.1", 8000)


def build_site(root: Path, folder: Path) -> None:
    """Build the site of the checkout ``root`` into ``folder``.

    Raises TeeforgeError for a broken link, a page that is not in the navigation, a marker that nobody knows.
    """
    if _mkdocs(root, "build", "--site-dir", str(folder)):
        raise TeeforgeError("the site is not built", "correct what the lines above name")
    say(f"{folder}/index.html")


def serve_site(root: Path) -> None:
    """Serve the site on this host until Ctrl-C, made anew at each save."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(_SERVED)
        except OSError as error:
            raise TeeforgeError(
                f"port {_SERVED[1]} of {_SERVED[0]} cannot be used: {error.strerror}",
                "end what has it: `ss -ltnp` names it",
            ) from error
    try:
        failed = _mkdocs(root, "serve", "--dev-addr", "{}:{}".format(*_SERVED))
    except KeyboardInterrupt:
        return  # as is meant
    if failed:
        raise TeeforgeError("the site is not served", "correct what the lines above name")


def _mkdocs(root: Path, *words: str) -> int:
    """Run MkDocs, to which each warning is an error; return its exit status."""
    install_extra(root / "requirements-docs.txt")
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # an advertisement of the theme's
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", *words, "--strict"], cwd=root, env=env, check=False
    ).returncode
