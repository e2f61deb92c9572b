"""Options that several tasks have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.commandline import known
from teeforge.commandline.command import Bundle
from teeforge.commandline.known import Known

if TYPE_CHECKING:
    from teeforge.compiling.sources import Sources
    from teeforge.machines.fleet import Place
    from teeforge.runs.running import RunOptions

COMPONENT = Known("the component, as in recipes/", known.components)
JOBS = "compilers at once (default: `jobs:` of config.yaml)"
HEAP = "memory of the runtime: auto (default), max, 408340, 2MiB"
CHECKS = Known("`plain` keeps each bounds check in each loop (default: proven)", ("plain", "proven"))
ARGS = "the program's arguments, in one string; or all words after --"
JUNIT = "also write a JUnit XML file there"


def path(text: str) -> Path | None:
    """Return the path that an option names; None where it is left out."""
    return Path(text).expanduser() if text else None


def program(text: str) -> Sources | None:
    """Return the program that an option names; None where it is left out."""
    return _sources(text)() if text else None


def _place(target: str = "qemu", name: str = "") -> Place:
    from teeforge.machines.fleet import Place

    return Place(target, name)


def _sources(
    file: str, source: list[str] | None = None, cflags: str = "", ldflags: str = ""
) -> Callable[[], Sources]:
    from teeforge.compiling.sources import gather

    return lambda: gather(Path(file).expanduser(), source or (), cflags, ldflags)


def _options(
    heap: str = "auto",
    stack: str = "",
    checks: str = "proven",
    args: str = "",
    env: list[str] | None = None,
    dir: list[str] | None = None,
) -> RunOptions:
    from teeforge.commandline.words import arguments
    from teeforge.runs.running import RunOptions

    return RunOptions(
        heap=heap,
        arguments=arguments(args),
        environment=tuple(env or ()),
        folders=tuple(dir or ()),
        stack=stack,
        checks=checks,
    )


# Where it is to happen.
PLACE = Bundle(
    "place",
    _place,
    {
        "target": Known("a target of config.yaml (default: qemu)", known.targets),
        "name": Known("which machine of that kind (default: the target's own)", known.machines),
    },
)
# The program; given as something to call, since a folder's files may change until then.
SOURCES = Bundle(
    "sources",
    _sources,
    {
        "file": Known("a .c, .cpp, .wasm or .aot, more sources after it, or their folder", known.programs),
        "source": Known("one more source, as those that follow the first; may be repeated", known.programs),
        "cflags": "flags for clang, in one string",
        "ldflags": "flags for the linker, in one string",
    },
    ("source",),
)
# How it is run.
OPTIONS = Bundle(
    "options",
    _options,
    {
        "heap": HEAP,
        "stack": "stack for compiled code, e.g. 1MiB (default: the TA's own, 256KiB)",
        "checks": CHECKS,
        "args": ARGS,
        "env": "NAME=VALUE for the program; may be repeated",
        "dir": "HOST[::/GUEST][:rw], a folder for it; may be repeated",
    },
    ("env", "dir"),
)
