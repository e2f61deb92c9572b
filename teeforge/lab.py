"""The laboratory of one checkout: its components, and what else has a subject of its own."""

from __future__ import annotations

import dataclasses
import functools
import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.progress import Progress, say
from teeforge.building.builder import Builder
from teeforge.machines.fleet import Fleet, Place
from teeforge.settings.config import load_config
from teeforge.settings.lock import load_lock
from teeforge.settings.recipe import Recipe, load_recipes
from teeforge.settings.workspace import build_folder, open_workspace

if TYPE_CHECKING:
    from teeforge.deployment import Deployment
    from teeforge.modules.plan import Plan
    from teeforge.products.store import Stored
    from teeforge.programs import Programs
    from teeforge.signing.signer import Signer
    from teeforge.targets.target import Session


class Lab:
    """The sources, products and targets of one checkout."""

    def __init__(self, root: Path, *, jobs: int = 0, live: bool = True) -> None:
        """Read the settings; ``live`` says whether builds may draw on a terminal."""
        self.root = root
        self.config = load_config(self.root)
        if jobs:
            self.config = dataclasses.replace(self.config, jobs=jobs)
        self.workspace = open_workspace(self.root, self.config)
        self._live = live
        self._up_to_date: dict[str, Stored] | None = None
        self._plan: tuple[tuple[Path | None, Path | None], Plan] | None = None

    @functools.cached_property
    def recipes(self) -> dict[str, Recipe]:
        """Every component's recipe."""
        return load_recipes(self.root, self.config)

    @functools.cached_property
    def builder(self) -> Builder:
        """What builds components into the store."""
        lock = load_lock(self.root, self.config)
        return Builder(self.workspace, self.config, lock, self.recipes, Progress(self._live))

    @functools.cached_property
    def signer(self) -> Signer:
        """What signs our own modules, and knows whose run."""
        from teeforge.signing.signer import Signer

        return Signer(self.config.modules, self.workspace.identity)

    @functools.cached_property
    def fleet(self) -> Fleet:
        """The targets, and the machines that were started."""
        return Fleet(self.config, self.workspace, lambda: self.builder)

    @functools.cached_property
    def programs(self) -> Programs:
        """What compiles programs, and says whether they will run."""
        from teeforge.programs import Programs

        return Programs(self)

    @functools.cached_property
    def deployment(self) -> Deployment:
        """What brings TAs and host apps to targets."""
        from teeforge.deployment import Deployment

        return Deployment(self)

    def everyday(self) -> list[str]:
        """Return the components that are built without being asked for by name."""
        return [name for name, recipe in self.recipes.items() if not recipe.on_request]

    def fetch(self) -> None:
        """Bring the sources of all everyday components here."""
        for name in dict.fromkeys(self.recipes[component].source for component in self.everyday()):
            if name is None:
                continue
            began = time.monotonic()
            self.builder.sources.fetch(name, lambda line, name=name: say(f"{name}: {line}"))  # type: ignore[misc]
            say(f"{name:<20} here       {time.monotonic() - began:6.1f} s")

    def patch(self) -> None:
        """Write out every everyday component's work tree, patched and overlaid, and name its commit."""
        for name in self.everyday():
            recipe = self.recipes[name]
            folder = self.workspace.work / name / "source"
            commit = self.builder.sources.check_out(recipe, folder)
            say(f"{name:<20} {commit[:12] or 'Debian':<12} {folder}")

    def build(self, names: Iterable[str] = ()) -> dict[str, Stored]:
        """Bring components (none named: all everyday ones) up to date."""
        wanted = list(names) or self.everyday()
        began = time.monotonic()
        built = self.make(wanted)
        say(f"{len(built)} components up to date in {time.monotonic() - began:.2f} s")
        return built

    def make(self, names: Sequence[str]) -> dict[str, Stored]:
        """Bring components up to date with what they need, without a word at the end."""
        self._up_to_date = None
        return self.builder.build(names)

    def deployed(self, place: Place) -> Session:
        """Return a connection to a target that has the current TAs and host apps."""
        return self.deployment.connect(place)

    def deploy(self, place: Place) -> None:
        """Build and boot what is not yet, and make the target's TAs and host apps the current ones."""
        with self.deployed(place):
            pass

    def plan(self, place: Place | None = None) -> Plan | None:
        """Return the memory budget of a target, with the TA as it is built now; None for a board."""
        from teeforge.modules.plan import plan_of

        if place and self.fleet.is_board(place):
            return None
        ta, core = self.up_to_date().get("wasm_ta"), self.up_to_date().get("optee_os")
        elves = ta.product("elf") if ta else None, core.product("elf") if core else None
        if self._plan is None or self._plan[0] != elves:
            self._plan = elves, plan_of(self.config.memory, *elves)
        return self._plan[1]

    def up_to_date(self) -> dict[str, Stored]:
        """Return the store's entry of each component that is up to date, as asked after the last build."""
        if self._up_to_date is None:
            self._up_to_date = self.builder.up_to_date()
        return self._up_to_date

    def elf_of(self, uuid: str) -> Path | None:
        """Return the unstripped ELF of the TA with a UUID, as it is built now."""
        for entry in self.up_to_date().values():
            for product in entry.manifest["products"]:
                if entry.product(product).name == f"{uuid}.elf":
                    return entry.product(product)
        return None

    def clean(self, everything: bool) -> None:
        """Remove work trees, logs and caches; with ``everything`` sources, products and machines too."""
        build = self.workspace.build
        if everything:
            self.fleet.halt_all()
        work = self.workspace
        gone = [build] if everything else [work.work, work.cache, work.logs, work.snapshots]
        for folder in gone:
            shutil.rmtree(folder, ignore_errors=True)
        link = build_folder(self.root, self.config)
        if everything and link.is_symlink():
            link.unlink()
        say(f"removed {', '.join(str(folder) for folder in gone)}")
