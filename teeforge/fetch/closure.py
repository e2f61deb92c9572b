"""Which Debian packages a few packages need: their dependencies, and what those depend on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from debian.deb822 import Packages

from teeforge.base.errors import TeeforgeError


def closure(index: Mapping[str, Packages], wanted: Sequence[str], without: Collection[str]) -> list[str]:
    """Return ``wanted`` and all they depend on, sorted by name, but for those ``without``.

    ``index`` has the packages of a suite by name. Of alternatives the first one is taken that is there, as
    apt does. Raises TeeforgeError for a dependency that nothing of the index satisfies.
    """
    providers: dict[str, list[str]] = {}
    for name, package in index.items():
        for provided in package.relations["provides"] or ():
            providers.setdefault(provided[0]["name"], []).append(name)
    chosen: dict[str, None] = dict.fromkeys(wanted)
    waiting = list(wanted)
    while waiting:
        name = waiting.pop(0)
        for alternatives in _dependencies(index[name]):
            able = [other for other in alternatives if other in index]
            able += [other for wish in alternatives for other in providers.get(wish, ())]
            if not able:
                raise TeeforgeError(
                    f"{name} depends on {' | '.join(alternatives)}, which the suite does not have",
                    "name another suite, or leave it out with `without:`",
                )
            if any(other in chosen for other in able) or any(other in without for other in able):
                continue
            chosen[able[0]] = None
            waiting.append(able[0])
    return sorted(chosen)


def _dependencies(package: Packages) -> Iterator[list[str]]:
    """Yield each dependency of a package as the names of its alternatives."""
    for field in ("pre-depends", "depends"):
        for group in package.relations[field] or ():
            yield [str(alternative["name"]) for alternative in group]
