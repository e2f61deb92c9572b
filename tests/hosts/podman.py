"""The image of the Containerfile, on a base of mmdebstrap's, and containers of it by podman.

What is particular to a test is here, for the image is to work without: mirrors, limits, control groups.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.copies import ROOT, copy_checkout
from tests.hosts.root import Ran, bootstrap, lent_folders, mirrors_for_git, passed_on

IMAGE = "teeforge"
VOLUME = "teeforge"
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# As Debian's images for containers are made, which have no documentation.
_SLIM = [
    f"--dpkgopt=path-exclude=/usr/share/{folder}/*"
    for folder in ("doc", "man", "info", "locale", "groff", "lintian", "linda")
]
# Where podman runs, and nothing stays mounted afterwards. It does not take control groups of version 1 beside
# those of 2; ours want none of either.
_MOUNTS = """\
if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
    umount -R /sys/fs/cgroup
    mount -t cgroup2 none /sys/fs/cgroup
fi
echo ready
exec cat
"""


class Podman:
    """A podman with a storage of its own below ``folder``, and in it the image, built of this checkout."""

    def __init__(self, folder: Path) -> None:
        if os.geteuid() != 0:
            pytest.skip("NOT TESTED IN A CONTAINER: making a root filesystem takes root")
        for program in ("podman", "unshare", "nsenter"):
            if shutil.which(program) is None:
                pytest.skip(f"NOT TESTED IN A CONTAINER: {program} is not installed")
        self.folder = folder
        self._mounts = subprocess.Popen(
            ["unshare", "--mount", "--propagation=private", "sh", "-euc", _MOUNTS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._mounts.stdout is not None
        assert self._mounts.stdout.readline() == b"ready\n"
        bootstrap("trixie", folder / "base.tar", packages=("apt",), options=_SLIM)
        self._must("import", folder / "base.tar", "localhost/base")
        self._must(
            *("build", "--isolation=chroot", "--network=host", "--build-arg=BASE=localhost/base"),
            *("--file", ROOT / "Containerfile", "--tag", IMAGE, ROOT / ".devcontainer"),
        )
        (folder / "gitconfig").write_text("".join(f"{line}\n" for line in mirrors_for_git()))

    def close(self) -> None:
        """Let go of what is mounted."""
        self._mounts.communicate()

    def new_checkout(self, name: str, owner: int) -> Path:
        """Copy this checkout for somebody of this host."""
        checkout = self.folder / name
        copy_checkout(checkout)
        subprocess.run(["chown", "-R", f"{owner}:{owner}", checkout], check=True)
        return checkout

    def argv(self, *words: str | Path) -> list[str]:
        """Return the command line of podman itself."""
        enter = ["nsenter", f"--mount=/proc/{self._mounts.pid}/ns/mnt", "podman"]
        return [*enter, f"--root={self.folder}/storage", f"--runroot={self.folder}/run", *map(str, words)]

    def run_argv(self, checkout: Path, *command: str, options: Sequence[str] = ()) -> list[str]:
        """Return the guide's line on a checkout that may only be read, with what this host asks for."""
        lent = [_CERTIFICATES] if Path(_CERTIFICATES).exists() else []
        volumes = [f"{path}:{path}:ro" for path in (*lent, *lent_folders())]
        volumes += [f"{checkout}:/teeforge:ro", f"{VOLUME}:/cache"]
        volumes += [f"{self.folder}/gitconfig:/home/teeforge/.gitconfig:ro"]
        return self.argv(
            *("run", "--rm", "--cgroups=disabled", *_limits(), *options),
            *(word for volume in volumes for word in ("--volume", volume)),
            *(word for setting in passed_on() for word in ("--env", setting)),
            *(IMAGE, *command),
        )

    def run(self, checkout: Path, *command: str, network: str = "none") -> Ran:
        """Run a command in a new container, which is gone afterwards."""
        return self.call(self.run_argv(checkout, *command, options=[f"--network={network}"]))

    @contextmanager
    def going_on(self, checkout: Path, *command: str, until: str) -> Iterator[str]:
        """Have a command run in a container in the meantime, once it has said ``until``; give its name."""
        name = f"test-{os.urandom(4).hex()}"
        argv = self.run_argv(checkout, *command, options=["--network=none", f"--name={name}"])
        with subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as child:
            assert child.stdout is not None
            try:
                said = next((line for line in child.stdout if until in line), None)
                assert said, f"{until!r} was not said"
                yield name
            finally:
                self.call(self.argv("rm", "--force", "--ignore", name))

    def call(self, argv: Sequence[str]) -> Ran:
        """Run a command of this host, and wait for it."""
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return Ran(done.returncode, done.stdout, done.stderr)

    def _must(self, *words: str | Path) -> None:
        done = self.call(self.argv(*words))
        assert done.status == 0, done.stderr


def _limits() -> list[str]:
    """Ask for the limits that there are: podman likes to raise them, which takes CAP_SYS_RESOURCE."""
    files, processes = (
        resource.getrlimit(limit)[1] for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC)
    )
    most = int(Path("/proc/sys/kernel/pid_max").read_text())
    processes = most if processes == resource.RLIM_INFINITY else min(processes, most)
    return [f"--ulimit=nofile={files}:{files}", f"--ulimit=nproc={processes}:{processes}"]
