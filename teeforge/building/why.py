"""`invoke explain` and `invoke why`: which input of a component changed, and who needs it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from teeforge.base.errors import as_typed
from teeforge.building.builder import Builder, Inputs
from teeforge.settings.recipe import Recipe, build_order, depends_on


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


def explain(builder: Builder, name: str) -> list[str]:
    """Say why a component is up to date, or which of its inputs changed since it was last built."""
    build_order(builder.recipes, [name])  # refuses an unknown name
    done = builder.up_to_date()
    stale = [other for other in depends_on(builder.recipes[name]) if other not in done]
    if stale:
        said = [f"{name}: cannot be known before {', '.join(stale)} is built, which is not up to date"]
        return said + [as_typed(f"    `invoke explain {other}` tells") for other in stale]
    inputs = builder.inputs(name, done)
    entry = builder.find(name, inputs.key)
    if entry:
        made = entry.manifest
        how = f"built {made['finished']} in {made.get('seconds')} s"
        if "pulled" in made:
            how = f"pulled {made['finished']} from {made['pulled']}"
        return [f"{name} is up to date: {how}"]
    last = builder.store_of(name).newest(name)
    if last is None:
        return [f"{name} was never built"]
    said = [f"{name} is to build; since {last.manifest['finished']} this changed:"]
    for change in _changes(last.manifest, inputs, builder.sources.origin(builder.recipes[name])):
        said += [f"    {line}" for line in change.lines()]
    return said


def dependents(recipes: Mapping[str, Recipe], name: str) -> list[str]:
    """Say who needs a component, directly and through whom."""
    build_order(recipes, [name])  # refuses an unknown name
    said: list[str] = []

    def visit(wanted: str, depth: int) -> None:
        for other, recipe in recipes.items():
            products = [need for need in recipe.needs if need.split(".")[0] == wanted]
            if products:
                said.append(f"{'    ' * depth}{other} needs {', '.join(products)}")
                visit(other, depth + 1)

    visit(name, 0)
    deployed = [f"{entry.path} on the target is {name}.{entry.product}" for entry in recipes[name].deploy]
    return (said + deployed) or [f"nobody needs {name}"]


def _changes(manifest: Mapping[str, Any], inputs: Inputs, origin: Mapping[str, str]) -> Iterator[Change]:
    origin = origin if "origin" in manifest else {}
    old = {**manifest["inputs"], **manifest.get("origin", {})}
    new = {**inputs.values, **origin}
    for key in sorted({*old, *new}):
        before, now = str(old.get(key, "")), str(new.get(key, ""))
        # The tree's own hash changes with each of its parts, and they say more.
        if before != now and not (key == "source tree" and origin):
            yield Change(key, before, now)
