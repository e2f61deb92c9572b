"""Which Debian packages a few packages need: their dependencies, and what those depend on."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from debian.deb822 import Packages

from teeforge.base.errors import TeeforgeError


@dataclass(frozen=True)
class Suite:
    """A suite of Debian for one architecture: its packages by name."""

    name: str
    packages: Mapping[str, Packages]

    def needs(self, name: str) -> Iterator[list[str]]:
        """Yield for each dependency of a package the names of what satisfies it, the preferred one first."""
        for alternatives in _dependencies(self.packages[name]):
            able = [other for other in alternatives if other in self.packages]
            able += [other for wish in alternatives for other in self._providers.get(wish, ())]
            if not able:
                raise TeeforgeError(
                    f"{name} depends on {' | '.join(alternatives)}, which {self.name} does not have",
                    "name another suite, or leave it out with `without:`",
                )
            yield able

    @functools.cached_property
    def _providers(self) -> dict[str, list[str]]:
        providers: dict[str, list[str]] = {}
        for name, package in self.packages.items():
            for provided in package.relations["provides"] or ():
                providers.setdefault(provided[0]["name"], []).append(name)
        return providers


def closure(
    suites: Mapping[str, Suite], wanted: Mapping[str, str], without: Collection[str], main: str
) -> dict[str, str]:
    """Return ``wanted`` and all they depend on, sorted by name, but for those ``without``; the suite of each.

    What a package depends on is of its own suite, but where it was chosen from another one already. So those
    of the ``main`` suite come last: they are content with what others need newer. Of alternatives the first
    one is taken that is there, as apt does. Raises TeeforgeError for a dependency that nothing satisfies.
    """
    chosen = dict(wanted)
    for now in (False, True):
        waiting = [name for name, suite in wanted.items() if (suite == main) is now]
        while waiting:
            name = waiting.pop(0)
            for able in suites[chosen[name]].needs(name):
                if any(other in chosen for other in able) or any(other in without for other in able):
                    continue
                chosen[able[0]] = chosen[name]
                waiting.append(able[0])
    return dict(sorted(chosen.items()))


def _dependencies(package: Packages) -> Iterator[list[str]]:
    """Yield each dependency of a package as the names of its alternatives."""
    for field in ("pre-depends", "depends"):
        for group in package.relations[field] or ():
            yield [str(alternative["name"]) for alternative in group]
