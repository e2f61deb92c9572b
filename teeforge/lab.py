"""The laboratory of one checkout: what the tasks do, each with what it needs first."""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import Progress, say, ticking
from teeforge.building.builder import Builder
from teeforge.machines.fleet import Fleet, Place
from teeforge.settings.config import load_config
from teeforge.settings.lock import load_lock
from teeforge.settings.recipe import Recipe, load_recipes
from teeforge.settings.workspace import build_folder, open_workspace

if TYPE_CHECKING:
    from teeforge.building.toolchain import WasmCompiler
    from teeforge.compiling.sources import Sources
    from teeforge.modules.plan import Plan
    from teeforge.modules.program import Program
    from teeforge.modules.verdict import Verdict
    from teeforge.products.store import Stored
    from teeforge.signing.signer import Signer
    from teeforge.targets.parcel import State
    from teeforge.targets.target import Session, Target

# The component that has C++'s library for WASI.
_CXX = "wasm_cxx"


@dataclasses.dataclass(frozen=True)
class Compilers:
    """What a program takes to become an AOT file: wamrc with its flags, and for C++ its library.

    With ``quick``, large programs are compiled at wamrc's lowest level.
    """

    wamrc: Path = Path()
    cxx: Path | None = None
    flags: tuple[str, ...] = ()
    quick: bool = False


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
        self._up_to_date = None
        built = self.builder.build(wanted)
        say(f"{len(built)} components up to date in {time.monotonic() - began:.2f} s")
        return built

    def deploy(self, place: Place) -> None:
        """Build and boot what is not yet, and make the target's TAs and host apps the current ones."""
        with self.deployed(place):
            pass

    def prepare(self, file: Path | Sources, place: Place, heap: str = "auto") -> tuple[Program, int]:
        """Return ``file`` compiled as far as needed, and the bytes of the heap to run it on.

        Raises TeeforgeError if it cannot run on ``place``.
        """
        if heap == "max":
            # All that is left can only be known of a core and a TA that are built.
            self.build_deployed()
        program, verdict = self.judged(file, place)
        return program, enforced_heap(verdict, heap)

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

    def judged(self, file: Path | Sources, place: Place) -> tuple[Program, Verdict]:
        """Compile ``file`` as far as needed; say whether it will run on a target, and on which heap.

        Raises TeeforgeError if it does not compile, or if a .wasm could not run in any case.
        """
        from teeforge.compiling.sources import Sources

        sources = Sources.of(file)
        program = self.program(sources, self.compilers(sources), place)
        return program, self.verdict(program, sources.file, place)

    def verdict(self, program: Program, file: Path, place: Place, stack: int = 0) -> Verdict:
        """Say whether a compiled ``file`` will run on a target, on which heap beside a ``stack`` (bytes)."""
        from teeforge.modules.verdict import judge_aot
        from teeforge.modules.wamrc import recorded_bounds_checks

        data = program.aot.read_bytes()
        told = program.aot if program.wasm else file
        return judge_aot(
            program.module,
            str(file),
            bounds_checks=recorded_bounds_checks(told, data),
            file_bytes=program.signed.stat().st_size,
            room=self.plan(place),
            stack=stack,
        )

    def compilers(self, sources: Sources, *, plain_checks: bool = False, quick: bool = False) -> Compilers:
        """Return what a program is compiled with, brought up to date."""
        from teeforge.modules.wamrc import wamrc_flags

        if sources.file.suffix.lower() == ".aot" or not all(path.is_file() for path in sources.files):
            return Compilers()
        wanted = ["wamrc"]
        if sources.cxx and not self._other_wasm_compiler() and self.config.toolchain.pinned:
            wanted.append(_CXX)
        built = self.builder.build(wanted)
        cxx = built[_CXX].product("root") if _CXX in wanted else None
        flags = wamrc_flags(self.config.toolchain.wasm_cpu, plain_checks=plain_checks)
        return Compilers(built["wamrc"].product("wamrc"), cxx, flags, quick)

    def wasm_compiler(self) -> WasmCompiler:
        """Return what compiles .c to .wasm: the toolchain's, unless another one is named."""
        from teeforge.building.toolchain import find_wasm_compiler

        memory = self.workspace.cache / "compilers.json"
        if self._other_wasm_compiler() or (toolchain := self.builder.toolchain()) is None:
            return find_wasm_compiler(self.config.toolchain.wasm_cc, memory)
        return toolchain.wasm_compiler(memory)

    def _other_wasm_compiler(self) -> bool:
        """Say whether the user names a compiler from C to WebAssembly."""
        return self.config.toolchain.wasm_cc != "auto" or "WASI_SDK_PATH" in os.environ

    def program(self, sources: Sources, compilers: Compilers, place: Place | None = None) -> Program:
        """Return a program compiled as far as needed; builds no component, so it may run in a thread.

        What cannot run on ``place``, if one is named, in any case is not compiled.
        """
        from teeforge.compiling.sources import check_readable, read_program
        from teeforge.modules.plan import Plan
        from teeforge.modules.program import build_program
        from teeforge.modules.verdict import hardly_fits, judge_wasm
        from teeforge.modules.wasm import read_wasm

        check_readable(sources)
        file, cache = sources.file, self.workspace.cache / "programs"
        if file.suffix.lower() == ".wasm":
            # It says more than wamrc would.
            module = read_wasm(read_program(file), str(file))
            known = place is not None and not self.fleet.is_board(place)
            room = Plan(self.config.memory) if known else None
            judge_wasm(module, str(file), room).enforce()
            if room and (warning := hardly_fits(module, str(file), room)):
                say(f"warning: {warning}")
        with ticking(f"compiling {file}"):
            build = functools.partial(
                build_program,
                sources,
                wamrc=compilers.wamrc,
                flags=compilers.flags,
                quick=compilers.quick,
                cache=cache,
                signer=self.signer,
                jobs=self.config.job_count,
            )
            if not sources.compiled:
                return build(cc=None)
            with self.builder.toolchain_used():
                cc = self.wasm_compiler()
                if compilers.cxx:
                    cc = cc.with_cxx(compilers.cxx)
                program = build(cc=cc)
        if program.notes:
            say(program.notes.rstrip())
        return program

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

    def deployable(self, program: str = "") -> list[str]:
        """Return the components of which something goes to a target, or those that bring ``program``."""
        return [
            component
            for component, recipe in self.recipes.items()
            if any(program in ("", PurePosixPath(entry.path).name) for entry in recipe.deploy)
        ]

    def build_deployed(self, components: Sequence[str] = ()) -> dict[str, Stored]:
        """Bring components (none named: all that are deployed) up to date, with what they need."""
        self._up_to_date = None
        return self.builder.build(components or self.deployable())

    def deployed(self, place: Place) -> Session:
        """Return a connection to a target that has the current TAs and host apps."""
        target = self.fleet.boot(place, connecting=True)
        with ThreadPoolExecutor(1) as pool:
            reaching = pool.submit(self.reach, target)
            try:
                built = self.build_deployed()
                session, there = reaching.result()
            except BaseException:
                reaching.add_done_callback(_close)
                raise
        try:
            self.push_deployed(session, built, there)
        except BaseException:
            session.close()
            raise
        return session

    def reach(self, target: Target) -> tuple[Session, State]:
        """Connect to a target; return the connection, and what is there of what is deployed."""
        session = target.connect()
        try:
            return session, self.look(session)
        except BaseException:
            session.close()
            raise

    def look(self, session: Session, components: Sequence[str] = ()) -> State:
        """Say what is on a target of what is deployed of components (none named: of all)."""
        names = components or self.deployable()
        return session.look([entry.path for name in names for entry in self.recipes[name].deploy])

    def push_deployed(self, session: Session, built: Mapping[str, Stored], there: State) -> None:
        """Send those of the deployed products that are not ``there``."""
        from teeforge.targets.parcel import Upload

        uploads = [
            Upload(self._as_deployed(stored, entry.product), entry.path, int(entry.mode, 8))
            for component, stored in built.items()
            for entry in self.recipes[component].deploy
        ]
        for path in session.push(uploads, there).sent:
            say(f"{session.name}:{path}")

    def _as_deployed(self, stored: Stored, product: str) -> Path:
        """Return the file that goes to a target for a product: a TA with the signature the core wants."""
        path, key = stored.product(product), self.builder.ta_key
        return key.signed_file(path, stored.digest(product)) if key and path.suffix == ".ta" else path


def _close(reaching: Future[tuple[Session, State]]) -> None:
    """Close the connection that came too late."""
    if not reaching.cancelled() and reaching.exception() is None:
        reaching.result()[0].close()


def enforced_heap(verdict: Verdict, wanted: str) -> int:
    """Return the pool that --heap asks for, with the verdict's warnings told.

    Raises TeeforgeError if the program cannot run, or --heap makes no sense.
    """
    from teeforge.settings.config import parse_size

    verdict.enforce()
    for warning in verdict.warnings:
        say(f"warning: {warning}")
    if wanted == "auto" and verdict.heap is not None:
        return verdict.heap
    if wanted == "max" and verdict.largest is not None:
        return verdict.largest
    try:
        return parse_size(wanted, "--heap")
    except ValueError as error:
        raise TeeforgeError(str(error), "for example --heap 2MiB, --heap auto or --heap max") from error
