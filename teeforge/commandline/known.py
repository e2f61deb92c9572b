"""What a shell completes: the names that an option's value can be."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

# Takes the checkout and the word that is being typed; gives words, those that do not begin with it as well.
Find = Callable[[Path, str], Iterable[str]]


class Known(str):
    """The help text of an option, which knows its values: Invoke hands it on, completion asks it."""

    __slots__ = ("names",)
    names: Find

    def __new__(cls, text: str, find: Find | tuple[str, ...]) -> Self:
        """Take a text, and the values or what finds them."""
        made = super().__new__(cls, text)
        made.names = find if callable(find) else lambda *_: find
        return made

    def __deepcopy__(self, _: object) -> Self:
        """Return itself: Invoke copies tasks, with their texts."""
        return self


def components(root: Path, _: str) -> list[str]:
    """Return every component: each has a recipe of its name."""
    return [path.stem for path in (root / "recipes").glob("*.yaml")]


def targets(root: Path, _: str) -> list[str]:
    """Return the targets of config.yaml."""
    from teeforge.settings.config import load_config

    return list(load_config(root).targets)


def machines(root: Path, _: str) -> list[str]:
    """Return every machine that there is, running or not."""
    from teeforge.machines.fleet import machine_names
    from teeforge.settings.config import load_config
    from teeforge.settings.workspace import build_folder

    config = load_config(root)
    return machine_names(config, build_folder(root, config) / "targets")


def kinds_of_tests(*_: object) -> tuple[str, ...]:
    """Return the kinds of tests."""
    from teeforge.selftest import KINDS

    return KINDS


def programs(root: Path, typed: str) -> Iterator[str]:
    """Yield the samples, and what lies where the user stands or is typing: sources, modules, folders."""
    from teeforge.compiling.sources import COMPILED, MODULES

    def runs(path: Path) -> bool:
        return path.suffix.lower() in (*COMPILED, *MODULES)

    samples = root / "samples"
    for sample in samples.iterdir():
        if runs(sample) or sample.is_dir():
            yield os.path.relpath(sample)
    folder = typed.rpartition("/")[0] + "/" if "/" in typed else ""
    for path in Path(folder or ".").expanduser().iterdir():
        if not path.name.startswith(".") and path.absolute() != samples and (runs(path) or path.is_dir()):
            yield f"{folder}{path.name}{'/' if path.is_dir() else ''}"
