"""A root filesystem of another system, as a fresh machine has it, and an ordinary user in it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from teeforge.fetch.archives import host_archives
from tests.copies import copy_checkout

USER = "student"
# What a fresh machine has, and what `./inv` asks of it.
PACKAGES = ("python3", "git", "ca-certificates")
_LENT = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt")
# In a mount namespace of its own, so that nothing stays mounted whatever happens.
_ENTER = """\
set -e
root=$1 user=$2; shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for folder in $LENT_FOLDERS; do mkdir -p "$root$folder"; mount --bind "$folder" "$root$folder"; done
exec chroot "$root" /usr/bin/env -i HOME="/home/$user" PATH=/usr/bin:/bin LANG=C.UTF-8 $PASSED_ON \\
    su -m -s /bin/sh "$user" -c "$*"
"""


@dataclass(frozen=True)
class Ran:
    """What a command in the root gave."""

    status: int
    stdout: str
    stderr: str


class Root:
    """A root of one of Debian's suites below ``folder``, with a user and a copy of this checkout."""

    def __init__(self, suite: str, folder: Path, checkout: str) -> None:
        """Make it; ``checkout`` is the checkout's path below the user's home."""
        self.folder = folder
        self._checkout = f"/home/{USER}/{checkout}"
        bootstrap(suite, folder)
        for path in _LENT:
            if Path(path).exists():
                shutil.copy(path, folder / path[1:])
        subprocess.run(["chroot", folder, "useradd", "--create-home", USER], check=True)
        copy_checkout(folder / self._checkout[1:])
        home = folder / "home" / USER
        (home / ".gitconfig").write_text("".join(f"{line}\n" for line in mirrors_for_git()))
        subprocess.run(["chroot", folder, "chown", "-R", f"{USER}:", f"/home/{USER}"], check=True)

    @property
    def checkout(self) -> Path:
        """The checkout in it, as seen from here."""
        return self.folder / self._checkout[1:]

    def run(self, command: str) -> Ran:
        """Run a shell command as the user, in the checkout."""
        env = {
            **os.environ,
            "PASSED_ON": " ".join(passed_on()),
            "LENT_FOLDERS": " ".join(lent_folders()),
        }
        inside = f"cd {shlex.quote(self._checkout)} && {command}"
        done = subprocess.run(
            [
                "unshare",
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                _ENTER,
                "sh",
                self.folder,
                USER,
                inside,
            ],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


def bootstrap(
    suite: str, target: Path, packages: Sequence[str] = PACKAGES, options: Sequence[str] = ()
) -> None:
    """Unpack the least Debian there is, and packages, into a folder or a new .tar."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED ON OTHER HOSTS: making a root filesystem takes root")
    for program in ("mmdebstrap", "unshare", "chroot"):
        if shutil.which(program) is None:
            pytest.skip(f"NOT TESTED ON OTHER HOSTS: {program} is not installed")
    archives = host_archives()
    if not archives:
        pytest.skip("NOT TESTED ON OTHER HOSTS: this host's apt knows no archive of Debian's")
    done = subprocess.run(
        [
            *("mmdebstrap", "--quiet", "--variant=minbase", "--aptopt=Acquire::Check-Valid-Until false"),
            *(*options, f"--include={','.join(packages)}", suite, str(target), archives[0]),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"NOT TESTED ON {suite}: {done.stderr.strip().splitlines()[-1]}")


def _insteads() -> list[tuple[str, str]]:
    """Return what git is told to fetch instead of addresses: pairs of what and of which address."""
    told = subprocess.run(
        ["git", "config", "--global", "--get-regexp", r"^url\..*\.insteadof$"],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [line.split(" ", 1) for line in told.stdout.splitlines()]
    return [(row[0].removeprefix("url.").rsplit(".", 1)[0], row[1]) for row in rows]


def mirrors_for_git() -> list[str]:
    """Return the lines of a .gitconfig with the mirrors of this host's user."""
    lines = ["[safe]", "\tdirectory = *"]
    for what, address in _insteads():
        lines += [f'[url "{what}"]', f"\tinsteadOf = {address}"]
    return lines


def passed_on() -> list[str]:
    """Return the settings of pip and the proxies that this host's user has, as NAME=VALUE."""
    return [
        f"{name}={value}"
        for name, value in os.environ.items()
        if (name.startswith("PIP_") or name.lower().endswith("_proxy")) and " " not in value
    ]


def lent_folders() -> list[str]:
    """Return the folders of this host that git is to read instead of the network."""
    return [what for what, _ in _insteads() if Path(what).is_dir()]
