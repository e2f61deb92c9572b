"""The host's health: what is missing for a build or a boot, and installing it with apt."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from teeforge.base.errors import TeeforgeError
from teeforge.base.process import clean_environment, run
from teeforge.base.progress import say
from teeforge.building.toolchain import find_llvm, find_wasm_compiler
from teeforge.settings.config import Config
from teeforge.settings.recipe import Recipe

# What we use ourselves, beside what recipes name.
_OWN_TOOLS = {
    "git": "git",
    "dpkg-deb": "dpkg",
    "qemu-system-aarch64": "qemu-system-arm",
    # The lines that `status` prints, and what brings large files.
    "ssh": "openssh-client",
}
NOTHING: Mapping[str, str] = {}
# Programs for the TEE can be compiled with any of these clangs.
_CLANGS = (14, 15, 16, 17, 18, 19, 20)


@dataclass(frozen=True)
class Check:
    """One thing that the host should have; ``packages`` is what to install if it has not."""

    name: str
    found: str
    packages: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it is there."""
        return not self.packages


def examine(config: Config, recipes: Mapping[str, Recipe], extra: Mapping[str, str] = NOTHING) -> list[Check]:
    """Look for every program and package that a build, a boot and a run need.

    ``extra`` are further programs, each with its Debian package.
    """
    tools = {**_OWN_TOOLS, **extra}
    packages: set[str] = set()
    for recipe in recipes.values():
        tools |= recipe.host_tools(config.toolchain.cross)
        packages |= set(recipe.packages)
    checks = [_tool(name, package) for name, package in sorted(tools.items())]
    installed = _installed(packages)
    checks += [
        Check(name, installed.get(name, ""), () if name in installed else (name,))
        for name in sorted(packages)
    ]
    for recipe in recipes.values():
        if recipe.llvm:
            checks.append(_llvm(config, recipe.llvm))
    checks.append(_wasm_compiler(config))
    return checks


def missing_packages(checks: Iterable[Check]) -> list[str]:
    """Return the Debian packages to install, each once."""
    return sorted({package for check in checks for package in check.packages})


def ensure_host(config: Config, recipes: Mapping[str, Recipe], extra: Mapping[str, str] = NOTHING) -> None:
    """Install what is missing with apt, as root or with sudo.

    TeeforgeError that holds the line to run where we may not.
    """
    try:
        missing = missing_packages(examine(config, recipes, extra))
        if not missing:
            return
    except TeeforgeError:
        missing = []  # perhaps apt knows nothing yet: a fresh machine has no package lists
    prefix = _privilege()
    if prefix is not None and shutil.which("apt-get"):
        _update(prefix)
        missing = missing_packages(examine(config, recipes, extra))
    _install(missing or missing_packages(examine(config, recipes, extra)), prefix)


def _install(packages: list[str], prefix: list[str] | None) -> None:
    line = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise TeeforgeError(
            f"missing on this host: {' '.join(packages)}", "no apt-get here: install them by hand"
        )
    if prefix is None:
        raise TeeforgeError("some packages are missing on this host", f"run: sudo {line}")
    say(f"installing {' '.join(packages)}")
    # sudo drops the environment, so the variable is given on its command line.
    command = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", *line.split()]
    done = subprocess.run(command, env=clean_environment(), stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise TeeforgeError("apt-get could not install them (its own words are above)", f"run: sudo {line}")


def _privilege() -> list[str] | None:
    """Return what to put before a command to be root, or None."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    quiet = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    return ["sudo"] if quiet or sys.stdin.isatty() else None


def _update(prefix: list[str]) -> None:
    command = [*prefix, "apt-get", "update", "-qq"]
    done = subprocess.run(command, env=clean_environment(), stdout=sys.stderr, check=False)
    if done.returncode != 0:
        say("apt-get update failed; trying with the lists that are here")


def _tool(name: str, package: str) -> Check:
    found = shutil.which(name, path=clean_environment()["PATH"])
    return Check(name, found or "", () if found else (package,))


def _installed(packages: Iterable[str]) -> dict[str, str]:
    """Return the installed ones of ``packages`` with their versions."""
    wanted = sorted(packages)
    if not wanted or shutil.which("dpkg-query") is None:
        return {}
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status} ${Version}\\n", *wanted],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
    )
    rows = [line.split(" ", 2) for line in done.stdout.splitlines()]
    return {row[0]: row[2] for row in rows if len(row) == 3 and row[1] == "installed"}


def _llvm(config: Config, accepted: tuple[int, ...]) -> Check:
    try:
        llvm = find_llvm(config.toolchain.llvm, accepted)
        return Check("LLVM for wamrc", llvm.version_line)
    except TeeforgeError as error:
        fixed = config.toolchain.llvm
        majors = (int(fixed),) if fixed.isdecimal() else accepted
        for major in majors:
            if _available([f"llvm-{major}-dev"]):
                return Check("LLVM for wamrc", "", (f"llvm-{major}-dev",))
        raise TeeforgeError(
            error.message,
            f"apt has none of LLVM {', '.join(map(str, majors))} either: install one by hand, "
            "and name its folder as `toolchain.llvm:` in config.yaml",
        ) from error


def _wasm_compiler(config: Config) -> Check:
    try:
        return Check("C to WebAssembly", find_wasm_compiler(config.toolchain.wasm_cc).version_line)
    except TeeforgeError:
        for major in _CLANGS:
            wanted = (f"clang-{major}", f"lld-{major}", f"libclang-rt-{major}-dev-wasm32", "wasi-libc")
            if _available(wanted):
                return Check("C to WebAssembly", "", wanted)
        raise


def _available(packages: Iterable[str]) -> bool:
    """Say whether apt could install all of ``packages``."""
    wanted = list(packages)
    try:
        told = run(["apt-cache", "policy", *wanted])
    except TeeforgeError:
        return False
    candidates = [line for line in told.splitlines() if line.startswith("  Candidate:")]
    return len(candidates) == len(wanted) and not any("(none)" in line for line in candidates)
