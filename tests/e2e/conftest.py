"""The real thing: real sources, compilers and machine; skipped, loudly, where it cannot be."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError, UnreachableError
from teeforge.building import apt
from teeforge.building.doctor import examine, missing_packages
from teeforge.building.toolchain import CLANG_MAJORS, wasm_packages
from teeforge.lab import Lab
from tests import usershell

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"


@dataclass(frozen=True)
class Ran:
    """What a finished `invoke` gave."""

    status: int
    stdout: bytes
    stderr: str


def run_invoke(
    *arguments: str | Path, root: Path = ROOT, env: Mapping[str, str] | None = None, umask: int = -1
) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *map(str, arguments)],
        cwd=root,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        umask=umask,
        check=False,
    )
    stderr = done.stderr.decode(errors="replace")
    assert "Traceback" not in stderr
    return Ran(done.returncode, done.stdout, stderr)


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The laboratory of this checkout, all sources here; else the test is skipped with the reason."""
    lab = Lab(ROOT)
    try:
        missing = missing_packages(examine(lab.config, lab.recipes))
        if missing:
            pytest.skip(f"NOT TESTED END TO END: this host lacks {' '.join(missing)}")
        lab.fetch()
    except UnreachableError as error:
        pytest.skip(f"NOT TESTED END TO END, sources cannot be had: {error.message}")
    except TeeforgeError as error:
        if "apt has none" in error.message:
            pytest.skip(f"NOT TESTED END TO END: {error.message}")
        raise
    return lab


@pytest.fixture(scope="session")
def vm(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The machine, built, booted and deployed; off afterwards unless it ran before.

    What is not built yet is built from a user's shell, none of whose settings may be noticed.
    """
    ran_before = lab.fleet.machine_as_it_is("qemu").state() != "off"
    shell = usershell.soiled(tmp_path_factory.mktemp("shell"))
    done = run_invoke("build-all", env=shell, umask=usershell.UMASK)
    assert done.status == 0, done.stderr
    done = run_invoke("deploy", "--target", "qemu")
    assert done.status == 0, done.stderr
    yield lab
    if not ran_before:
        run_invoke("halt")


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ran]:
    """Compile a sample for the host and run it there: what the same program does without a TEE."""
    folder = tmp_path_factory.mktemp("native")

    def run_natively(sample: str, *arguments: str) -> Ran:
        program = folder / sample.removesuffix(".c")
        subprocess.run(["gcc", "-O2", "-o", program, SAMPLES / sample, "-lm"], check=True)
        done = subprocess.run([program, *arguments], capture_output=True, check=False)
        return Ran(done.returncode, done.stdout, done.stderr.decode())

    return run_natively


@functools.cache
def clang_of_the_host() -> int:
    """Return the clang that this host's distribution has for WebAssembly; the best known if none."""
    return next((major for major in CLANG_MAJORS if apt.available(wasm_packages(major))), CLANG_MAJORS[0])


def install_in_ci(packages: Sequence[str]) -> bool:
    """Install packages where that is this machine's purpose; say whether they are there."""
    if len(apt.installed(packages)) < len(packages) and os.environ.get("CI") and os.geteuid() == 0:
        apt.update()
        if apt.available(packages):
            apt.install(packages)
    return len(apt.installed(packages)) == len(packages)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
