"""`invoke explain` and `invoke why`: which input of a component changed, and who needs it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from teeforge.base.errors import as_typed
from teeforge.building.builder import Builder, Inputs
from teeforge.settings.recipe import Deployment, Recipe, build_order, depends_on


@dataclass(frozen=True)
class Change:
    """One input that is another one than at the last build; empty text: it was not there."""

    name: str
    old: str
    new: str

    def lines(self) -> Iterator[str]:
        """Say it: one line, or the words that went and came where the text is long."""
        if "\n" not in self.old + self.new:
            yield f"{self.name}: {self.old or '(none)'} -> {self.new or '(none)'}"
            return
        yield f"{self.name}:"
        for word in difflib.ndiff(self.old.split(), self.new.split()):
            if word.startswith(("- ", "+ ")):
                yield f"    {word}"


@dataclass(frozen=True)
class Explanation:
    """Whether a component is up to date, and what changed since it was last built.

    ``state`` is `up to date`, `to build`, `never built`, or `unknown` before ``stale`` components are built;
    ``made`` is the manifest of the build that counts, or of the last one.
    """

    component: str
    state: str
    stale: Sequence[str] = ()
    made: Mapping[str, Any] = field(default_factory=dict)
    changes: Sequence[Change] = ()

    def lines(self) -> Iterator[str]:
        """Say it to people."""
        match self.state:
            case "up to date" if "pulled" in self.made:
                how = f"pulled {self.made['finished']} from {self.made['pulled']}"
                yield f"{self.component} is up to date: {how}"
            case "up to date":
                how = f"built {self.made['finished']} in {self.made.get('seconds')} s"
                yield f"{self.component} is up to date: {how}"
            case "to build":
                yield f"{self.component} is to build; since {self.made['finished']} this changed:"
                yield from (f"    {line}" for change in self.changes for line in change.lines())
            case "never built":
                yield f"{self.component} was never built"
            case _:
                names = ", ".join(self.stale)
                yield f"{self.component}: cannot be known before {names} is built, which is not up to date"
                yield from (as_typed(f"    `invoke explain {other}` tells") for other in self.stale)

    def as_json(self) -> dict[str, Any]:
        """Say it to scripts."""
        return {
            "component": self.component,
            "state": self.state,
            "stale": [*self.stale],
            "finished": self.made.get("finished"),
            "changes": [{"input": one.name, "old": one.old, "new": one.new} for one in self.changes],
        }


def explain(builder: Builder, name: str) -> Explanation:
    """Say why a component is up to date, or which of its inputs changed since it was last built."""
    build_order(builder.recipes, [name])  # refuses an unknown name
    done = builder.up_to_date()
    stale = [other for other in depends_on(builder.recipes[name]) if other not in done]
    if stale:
        return Explanation(name, "unknown", stale)
    inputs = builder.inputs(name, done)
    if entry := builder.find(name, inputs.key):
        return Explanation(name, "up to date", made=entry.manifest)
    last = builder.store_of(name).newest(name)
    if last is None:
        return Explanation(name, "never built")
    changes = _changes(last.manifest, inputs, builder.sources.origin(builder.recipes[name]))
    return Explanation(name, "to build", made=last.manifest, changes=[*changes])


@dataclass(frozen=True)
class Need:
    """A component that needs products of another one, and who needs it in turn."""

    component: str
    products: Sequence[str]
    needed_by: Sequence[Need]

    def lines(self, depth: int = 0) -> Iterator[str]:
        """Say it to people, one step to the right for each component between."""
        yield f"{'    ' * depth}{self.component} needs {', '.join(self.products)}"
        for need in self.needed_by:
            yield from need.lines(depth + 1)

    def as_json(self) -> dict[str, Any]:
        """Say it to scripts."""
        needed_by = [need.as_json() for need in self.needed_by]
        return {"component": self.component, "products": [*self.products], "needed_by": needed_by}


@dataclass(frozen=True)
class Dependents:
    """Who needs a component, directly and through whom, and what of it goes to the target."""

    component: str
    needed_by: Sequence[Need]
    deploy: Sequence[Deployment]

    def lines(self) -> list[str]:
        """Say it to people."""
        said = [line for need in self.needed_by for line in need.lines()]
        said += [f"{entry.path} on the target is {self.component}.{entry.product}" for entry in self.deploy]
        return said or [f"nobody needs {self.component}"]

    def as_json(self) -> dict[str, Any]:
        """Say it to scripts."""
        return {
            "component": self.component,
            "needed_by": [need.as_json() for need in self.needed_by],
            "deployed": [{"product": entry.product, "path": entry.path} for entry in self.deploy],
        }


def dependents(recipes: Mapping[str, Recipe], name: str) -> Dependents:
    """Say who needs a component. Raises TeeforgeError for an unknown name."""
    build_order(recipes, [name])

    def of(wanted: str) -> list[Need]:
        needing = {
            other: [need for need in recipe.needs if need.split(".")[0] == wanted]
            for other, recipe in recipes.items()
        }
        return [Need(other, products, of(other)) for other, products in needing.items() if products]

    return Dependents(name, of(name), recipes[name].deploy)


def _changes(manifest: Mapping[str, Any], inputs: Inputs, origin: Mapping[str, str]) -> Iterator[Change]:
    origin = origin if "origin" in manifest else {}
    old = {**manifest["inputs"], **manifest.get("origin", {})}
    new = {**inputs.values, **origin}
    for key in sorted({*old, *new}):
        before, now = str(old.get(key, "")), str(new.get(key, ""))
        # The tree's own hash changes with each of its parts, and they say more.
        if before != now and not (key == "source tree" and origin):
            yield Change(key, before, now)
