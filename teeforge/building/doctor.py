"""The host's health: what is missing for a build or a boot, and installing it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from teeforge.base.errors import TeeforgeError
from teeforge.base.process import clean_environment
from teeforge.building import apt
from teeforge.building.toolchain import CLANG_MAJORS, find_llvm, find_wasm_compiler, wasm_packages
from teeforge.settings.config import Config
from teeforge.settings.recipe import Recipe

# What we use ourselves, beside what recipes name; with a pinned toolchain all but git is in that.
_ALWAYS = {"git": "git"}
_OF_THE_HOST = {
    "qemu-system-aarch64": "qemu-system-arm",
    # The lines that `status` prints, and what brings large files.
    "ssh": "openssh-client",
}
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Check:
    """One thing that the host should have.

    ``packages`` is what to install if it has not; ``problem`` says what else is to be done, in words.
    """

    name: str
    found: str
    packages: tuple[str, ...] = ()
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is there."""
        return not self.packages and not self.problem

    def words(self) -> str:
        """Say what was found, or what to do."""
        if self.ok:
            return self.found
        return f"MISSING: {self.problem or 'apt install ' + ' '.join(self.packages)}"


def examine(config: Config, recipes: Mapping[str, Recipe], extra: Mapping[str, str] = NOTHING) -> list[Check]:
    """Look for every program and package of the host that a build, a boot and a run need.

    ``extra`` are further programs, each with its Debian package. Whatever is wrong, every row is there.
    """
    tools = {**_ALWAYS, **extra}
    if config.toolchain.pinned:
        return [_tool(name, package) for name, package in sorted(tools.items())]
    tools |= _OF_THE_HOST
    packages: set[str] = set()
    for recipe in recipes.values():
        tools |= recipe.host_tools(config.toolchain.cross)
        packages |= set(recipe.packages)
    checks = [_tool(name, package) for name, package in sorted(tools.items())]
    installed = apt.installed(packages)
    checks += [
        Check(name, installed.get(name, ""), () if name in installed else (name,))
        for name in sorted(packages)
    ]
    checks += [_llvm(config, recipe.llvm) for recipe in recipes.values() if recipe.llvm]
    checks.append(_wasm_compiler(config))
    return checks


def missing_packages(checks: Iterable[Check]) -> list[str]:
    """Return the Debian packages to install, each once."""
    return sorted({package for check in checks for package in check.packages})


def ensure_host(config: Config, recipes: Mapping[str, Recipe], extra: Mapping[str, str] = NOTHING) -> None:
    """Install what is missing with apt, as root or with sudo.

    TeeforgeError that holds the line to run where we may not, or says what no package mends.
    """
    checks = examine(config, recipes, extra)
    if all(check.ok for check in checks):
        return
    if apt.update():
        checks = examine(config, recipes, extra)
    if problems := [check for check in checks if check.problem]:
        raise TeeforgeError(
            "\n".join(f"{check.name}: {check.problem}" for check in problems),
            "or write `toolchain: pinned` in config.yaml, which needs nothing of the host",
        )
    apt.install(missing_packages(checks))


def _tool(name: str, package: str) -> Check:
    found = shutil.which(name, path=clean_environment()["PATH"])
    return Check(name, found or "", () if found else (package,))


def _llvm(config: Config, accepted: tuple[int, ...]) -> Check:
    name, wanted = "LLVM for wamrc", config.toolchain.llvm
    try:
        return Check(name, find_llvm(wanted, accepted).version_line)
    except TeeforgeError as error:
        if wanted not in ("auto", *map(str, accepted)):
            return Check(name, "", problem=error.message)
        majors = accepted if wanted == "auto" else (int(wanted),)
        return _first_available(name, [(f"llvm-{major}-dev",) for major in majors], error)


def _wasm_compiler(config: Config) -> Check:
    name, wanted = "C to WebAssembly", config.toolchain.wasm_cc
    try:
        return Check(name, find_wasm_compiler(wanted).version_line)
    except TeeforgeError as error:
        if wanted != "auto":
            return Check(name, "", problem=error.message)
        return _first_available(name, [wasm_packages(major) for major in CLANG_MAJORS], error)


def _first_available(name: str, choices: list[tuple[str, ...]], error: TeeforgeError) -> Check:
    """Return what to install: the first of ``choices`` that apt has, or in words why there is none."""
    if not apt.has_apt():
        return Check(name, "", problem=f"{error.message}; no apt here: install one of these by hand")
    if not apt.has_lists():
        return Check(name, "", choices[0], f"{error.message}; apt's lists are empty: run apt-get update")
    for packages in choices:
        if apt.available(packages):
            return Check(name, "", packages)
    none = ", ".join(choice[0] for choice in choices)
    return Check(name, "", problem=f"{error.message}; apt has none of {none}")
