"""`invoke docs`: the site, built strictly by MkDocs, which the first use installs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say
from teeforge.fetch.pip import install_extra


def build_site(root: Path, folder: Path, serve: bool) -> None:
    """Build the site of the checkout ``root`` into ``folder``, or serve it on 127.0.0.1 until Ctrl-C.

    A broken link, a page that is nowhere in the navigation or a marker that nobody knows is an error.
    """
    install_extra(root / "requirements-docs.txt")
    words = ["serve"] if serve else ["build", "--site-dir", str(folder)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # an advertisement of the theme's
    command = [sys.executable, "-m", "mkdocs", *words, "--strict"]
    if subprocess.run(command, cwd=root, env=env, check=False).returncode:
        raise TeeforgeError("the site is not built", "correct what the lines above name")
    if not serve:
        say(f"{folder}/index.html")
