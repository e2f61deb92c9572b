"""The graph of components: what is stale, in which order, several at once."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import platform
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teeforge.base import process
from teeforge.base.archive import bits_of
from teeforge.base.errors import TeeforgeError
from teeforge.base.jobserver import JobServer
from teeforge.base.locking import exclusive_lock
from teeforge.base.progress import Progress, say
from teeforge.base.tools import Tools
from teeforge.building.leftovers import output_folder
from teeforge.building.room import removed, require_room
from teeforge.building.steps import run_steps
from teeforge.fetch.sources import Sources, Tree
from teeforge.products.productlock import ProductLock
from teeforge.products.store import Store, Stored, copy_products, move_products
from teeforge.settings.config import Config
from teeforge.settings.lock import DebianLock
from teeforge.settings.recipe import TOOLCHAIN, Recipe, build_order, depends_on
from teeforge.settings.workspace import Workspace
from teeforge.signing.modulekeys import key_placeholders
from teeforge.signing.takey import TaKey

if TYPE_CHECKING:
    from teeforge.building.pinned import PinnedToolchain
    from teeforge.building.toolchain import Llvm
    from teeforge.products.supply import Supply

_BUILD_SECONDS = 3600.0  # how long another process may build the same component
_FORMAT = "teeforge content key 1"
_QEMU = "qemu-system-aarch64"


@dataclass(frozen=True)
class Inputs:
    """All that decides the products of a component, each under the name that `explain` shows."""

    tree: Tree
    values: Mapping[str, str]

    @property
    def key(self) -> str:
        """The content key: SHA-256 in hex."""
        lines = [f"{name}={value}" for name, value in sorted(self.values.items())]
        return hashlib.sha256("\n".join([_FORMAT, *lines]).encode()).hexdigest()


class Builder:
    """Builds components of one workspace into its store."""

    def __init__(
        self,
        workspace: Workspace,
        config: Config,
        lock: DebianLock,
        recipes: Mapping[str, Recipe],
        progress: Progress,
    ) -> None:
        self.workspace = workspace
        self.config = config
        self.recipes = recipes
        self.sources = Sources(workspace, config, lock)
        shared = [config.store_folder] if config.store_folder else []
        self.store = Store(*shared, workspace.store)
        # What runs only where it lies is the same for all checkouts of a user, so they share it.
        self.places = Store(*shared, workspace.shared / "store")
        self.stores = Store(*dict.fromkeys((*self.store.folders, *self.places.folders)))
        self.tools = Tools(workspace.cache / "tools.json")
        self._progress = progress
        self._stop = threading.Event()
        self.lock = ProductLock(workspace.root)
        self.supply = self._supply(config.remote) if config.remote else None
        self._llvms: dict[str, Llvm] = {}
        self._toolchains: dict[Path, PinnedToolchain] = {}
        self._looking = threading.Lock()

    def build(self, wanted: Iterable[str]) -> dict[str, Stored]:
        """Bring ``wanted`` and all that they need up to date; return the store's entry of each.

        The first component that fails ends the build: what runs beside it is finished and kept.
        """
        order = build_order(self.recipes, list(wanted))
        done: dict[str, Stored] = {}
        waiting = list(order)
        # What is in the store costs no thread: a build with nothing to do ends in this loop.
        for name in order:
            ready = all(other in done for other in depends_on(self.recipes[name]))
            if ready and (entry := self.peek(name, done)):
                self.store.used(entry)
                done[name] = entry
                waiting.remove(name)
        if waiting:
            self._build_parallel(waiting, done)
        self.tools.save()
        _offer(done)
        return {name: done[name] for name in order}

    def inputs(self, name: str, done: Mapping[str, Stored]) -> Inputs:
        """Return the inputs of a component whose needs are ``done``."""
        recipe = self.recipes[name]
        tree = self.sources.tree(recipe, lambda line: self._progress.line(name, line))
        values = {
            "recipe": recipe.text(),
            "source tree": tree.name,
            "source commit": tree.commit,
            "source date": str(tree.date),
            "source version": tree.version,
            "toolchain.cross": self.config.toolchain.cross,
        }
        for need in recipe.needs:
            component, product = need.split(".")
            values[f"product {need}"] = done[component].identity(product)
        for option in recipe.options:
            if words := recipe.option_words(option, self._optional | self._shown):
                values[f"option {option}"] = " ".join(words)
        if not self.config.toolchain.pinned:
            values |= self._host_inputs(recipe)
        return Inputs(tree, values)

    @functools.cached_property
    def ta_key(self) -> TaKey | None:
        """The key that TAs are signed with when they are sent; None where they stay as they were built."""
        return TaKey(self.workspace.identity) if self.config.signing == "own" else None

    @functools.cached_property
    def _optional(self) -> dict[str, str]:
        """The placeholders of options that have a value."""
        key = {"signing.public_key": str(self.ta_key.public)} if self.ta_key else {}
        modules = key_placeholders(self.config.modules, self.workspace.identity)
        return {**self.config.memory.placeholders(), **modules, **key}

    @property
    def _shown(self) -> dict[str, str]:
        """What stands in a content key for those of them that are files: what is in the file."""
        return {"signing.public_key": self.ta_key.public_digest} if self.ta_key else {}

    def _host_inputs(self, recipe: Recipe) -> dict[str, str]:
        """Return which of the host's own programs and packages a recipe uses."""
        values: dict[str, str] = {}
        for tool, package in recipe.host_tools(self.config.toolchain.cross).items():
            values[f"tool {tool}"] = self.tools.version(tool, package)
        for package in recipe.packages:
            values[f"package {package}"] = self.tools.package(package)
        if recipe.llvm:
            values["llvm"] = self._llvm(recipe).version_line
        if any("{python}" in step for step in recipe.steps):
            values["python"] = f"{platform.python_version()} zlib {zlib.ZLIB_RUNTIME_VERSION}"
        return values

    def peek(self, name: str, done: Mapping[str, Stored]) -> Stored | None:
        """Return the store's entry if the component is up to date; nothing is fetched to know it."""
        if not self.sources.known(self.recipes[name]):
            return None
        return self.find(name, self.inputs(name, done).key)

    def find(self, name: str, key: str) -> Stored | None:
        """Return the store's entry of a component, or None."""
        return self.store_of(name).find(name, key)

    def store_of(self, name: str) -> Store:
        """Return the store that a component's products are kept in."""
        return self.places if self.recipes[name].in_place else self.store

    def up_to_date(self) -> dict[str, Stored]:
        """Return the store's entry of each component that is up to date; nothing is fetched or built."""
        done: dict[str, Stored] = {}
        for name in build_order(self.recipes, list(self.recipes)):
            ready = all(other in done for other in depends_on(self.recipes[name]))
            if ready and (entry := self.peek(name, done)):
                done[name] = entry
        _offer(done)
        return done

    def _build_parallel(self, waiting: list[str], done: dict[str, Stored]) -> None:
        jobs = JobServer(self.config.job_count)
        running: dict[Future[Stored], str] = {}
        failures: list[TeeforgeError] = []
        with self._progress, ThreadPoolExecutor(len(waiting)) as pool:
            try:
                while (waiting and not failures) or running:
                    for name in [] if failures else list(waiting):
                        if all(other in done for other in depends_on(self.recipes[name])):
                            waiting.remove(name)
                            running[pool.submit(self._one, name, dict(done), jobs)] = name
                    finished, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in finished:
                        name = running.pop(future)
                        try:
                            done[name] = future.result()
                        except TeeforgeError as error:
                            self._progress.fail(name)
                            failures.append(_named(name, error))
            except BaseException:
                self._stop.set()
                jobs.open_wide()
                process.end_all()
                raise
        jobs.close()
        if failures:
            # All that failed is told, the last one with what to do: it stands just above the prompt.
            told = [f"{error.message}\n    {error.hint}" for error in failures[:-1]]
            last = failures[-1]
            raise TeeforgeError("\n".join([*told, last.message]), last.hint, last.status)

    def _one(self, name: str, done: Mapping[str, Stored], jobs: JobServer) -> Stored:
        """Build one component, or take it from the store; runs in a thread of its own."""
        progress = self._progress
        began = time.monotonic()
        progress.start(name)
        recipe = self.recipes[name]
        work = self._work(recipe, name)
        work.mkdir(parents=True, exist_ok=True)
        with (
            exclusive_lock(work.with_name(f"{name}.lock"), wait=_BUILD_SECONDS),
            removed(work) if recipe.in_place else contextlib.nullcontext(),
        ):
            source, out = work / "source", work / "out"
            while True:
                inputs = self.inputs(name, done)
                if entry := self.find(name, inputs.key):
                    progress.done(name, "unchanged")
                    return entry
                if entry := self.pull(name, inputs):
                    progress.done(name, "pulled")
                    return entry
                require_room(work, in_place=recipe.in_place)
                self.sources.check_out(recipe, source, lambda line: progress.line(name, line))
                facts = self._facts(name, inputs)
                # What an editor saved meanwhile may be in the tree, and is not in the key.
                if self.inputs(name, done) == inputs:
                    break
            values = self.values(recipe, inputs.tree, source, out, done)
            if recipe.in_place:
                home = self.places.writable() / name / inputs.key[:32] / "products"
                values["home"] = facts["home"] = str(home)
            with output_folder(
                out, source, inputs.values, reuse=recipe.incremental, stopped=self._stop.is_set
            ):
                run_steps(
                    recipe,
                    values,
                    jobs,
                    log=self.workspace.logs / f"{name}.log",
                    on_line=lambda line: progress.line(name, line),
                    stopped=self._stop.is_set,
                )
            facts["seconds"] = round(time.monotonic() - began, 2)
            take = move_products if recipe.in_place else copy_products
            fill = functools.partial(take, name, out, recipe.products)
            entry = self.store_of(name).add(name, inputs.key, recipe.products, fill, facts)
            self._compare(entry)
        progress.done(name, "built")
        return entry

    def _work(self, recipe: Recipe, name: str) -> Path:
        """Return the folder that a component is built in; what is made in place only moves from there."""
        return (self.places.writable() / ".work" if recipe.in_place else self.workspace.work) / name

    def _compare(self, entry: Stored) -> None:
        """Say so if what was built is not what products.lock says of the same inputs."""
        wanted = self.lock.bits(entry.component, entry.key)
        if wanted and bits_of(entry.folder / "products") != wanted:
            say(
                f"warning: {entry.component} {entry.key[:12]} is other bits than products.lock says: "
                "something that is not pinned got into it"
            )

    def pull(self, name: str, inputs: Inputs) -> Stored | None:
        """Return the entry with what the remote store has for ``inputs``; None if it is to be built."""
        if self.supply is None or self.recipes[name].in_place:
            return None
        if (bits := self.supply.bits(name, inputs.key)) is None:
            return None
        from teeforge.products.supply import NotSuppliedError

        fill = functools.partial(self.supply.get, name, bits)
        facts = {**self._facts(name, inputs), "pulled": self.supply.remote.shown}
        try:
            return self.store.add(name, inputs.key, self.recipes[name].products, fill, facts)
        except NotSuppliedError:
            return None

    def _supply(self, url: str) -> Supply:
        from teeforge.products.supply import Supply

        return Supply(self.lock, url, self._stop)

    def _facts(self, name: str, inputs: Inputs) -> dict[str, Any]:
        """Return what the manifest keeps of how a component was made.

        The origin says what the source tree was made of, of which the key has only the hash.
        """
        return {
            "inputs": dict(inputs.values),
            "origin": self.sources.origin(self.recipes[name]),
            "host": f"{platform.system()} {platform.release()} {platform.machine()}",
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }

    def _llvm(self, recipe: Recipe) -> Llvm:
        """Return the host's LLVM for a recipe."""
        from teeforge.building.toolchain import find_llvm

        accepted = str(recipe.llvm)
        if accepted not in self._llvms:
            self._llvms[accepted] = find_llvm(self.config.toolchain.llvm, recipe.llvm)
        return self._llvms[accepted]

    def toolchain(self) -> PinnedToolchain | None:
        """Return the pinned toolchain, made if it is not there; None where the host's compilers are used."""
        from teeforge.building.pinned import PinnedToolchain

        if not self.config.toolchain.pinned:
            return None
        return PinnedToolchain(self.build([TOOLCHAIN])[TOOLCHAIN].product("root"))

    @contextlib.contextmanager
    def toolchain_used(self) -> Iterator[None]:
        """Say of what fails in the block that it is the toolchain that is damaged, if it is."""
        try:
            yield
        except TeeforgeError:
            if self.config.toolchain.pinned and (entry := self.peek(TOOLCHAIN, {})):
                self._sound(entry)
            raise

    def qemu(self) -> str:
        """Return the QEMU to start machines with: the toolchain's, or a name to be found on the host."""
        pinned = self.toolchain()
        return str(pinned.programs / _QEMU) if pinned else _QEMU

    def _sound(self, entry: Stored) -> PinnedToolchain:
        """Return the toolchain of an entry, looked through once. Raises TeeforgeError if it is damaged."""
        from teeforge.building.pinned import sound

        with self._looking:
            if entry.folder not in self._toolchains:
                self._toolchains[entry.folder] = sound(self.places, entry)
            return self._toolchains[entry.folder]

    def values(
        self, recipe: Recipe, tree: Tree, source: Path, out: Path, done: Mapping[str, Stored]
    ) -> dict[str, str]:
        """Return the value of every placeholder that ``recipe`` may use."""
        values = {
            "source": str(source),
            "out": str(out),
            "python": str(self.workspace.python()),
            "source.date": str(tree.date),
            "source.commit": tree.commit,
            "source.version": tree.version,
            "toolchain.cross": self.config.toolchain.cross,
            "toolchain.usr": "/usr",
            **self._optional,
        }
        for need in recipe.needs:
            component, product = need.split(".")
            values[need] = str(done[component].product(product))
        pinned = self._sound(done[TOOLCHAIN]) if TOOLCHAIN in depends_on(recipe) else None
        if pinned:
            # Beside it only Python, for scripts of the sources that call it by name.
            values["toolchain.usr"] = str(pinned.root / "usr")
            values["path"] = f"{pinned.programs}:{self.workspace.python().parent}"
        if recipe.llvm:
            llvm = pinned.llvm() if pinned else self._llvm(recipe)
            values |= {"llvm.version": str(llvm.major), "llvm.cmakedir": str(llvm.cmakedir)}
            values |= {"llvm.static": "ON" if pinned else "OFF", "llvm.link": llvm.link}
        return values


def _offer(done: Mapping[str, Stored]) -> None:
    """Let what the host has not, an `ssh` for one, be taken from the toolchain."""
    if TOOLCHAIN in done:
        process.offer_programs(done[TOOLCHAIN].product("root") / "usr/bin")


def _named(name: str, error: TeeforgeError) -> TeeforgeError:
    """Say which component an error is about."""
    return TeeforgeError(f"{name}: {error.message}", error.hint, error.status)
