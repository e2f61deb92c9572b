"""The laboratory of one checkout: what the tasks do, each with what it needs first."""

from __future__ import annotations

import dataclasses
import functools
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO

from teeforge.build import Builder
from teeforge.config import find_root, load_config
from teeforge.errors import TeeforgeError
from teeforge.fleet import Fleet, Place
from teeforge.lock import load_lock
from teeforge.progress import Progress, say
from teeforge.recipe import Recipe, load_recipes
from teeforge.workspace import open_workspace

if TYPE_CHECKING:
    from teeforge.plan import Plan
    from teeforge.program import Program
    from teeforge.record import RunRecord
    from teeforge.store import Stored
    from teeforge.target import Session
    from teeforge.verdict import Verdict

# The host app's name on the target, and where programs are put there.
_HOST_APP = "optee_wamr"
# Its counterpart, which runs the same module in the normal world.
_REFERENCE = "iwasm"
_PROGRAMS = "/tmp"


@dataclass(frozen=True)
class RunOptions:
    """How `invoke run` runs a program.

    ``heap`` is `auto`, `max` or a size such as 408340 or 2MiB; ``folders`` are what --dir says, ``stdin``
    is what the program reads; ``where`` is the world: `secure` or `normal`.
    """

    heap: str = "auto"
    arguments: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    stdin: IO[bytes] | None = None
    where: str = "secure"

    def __post_init__(self) -> None:
        if self.where not in ("secure", "normal"):
            raise TeeforgeError(f"--where {self.where}: there is no such world", "give secure or normal")
        if self.where == "normal" and self.folders:
            raise TeeforgeError("--dir lends folders in the secure world only", "leave out --where normal")


class Lab:
    """The sources, products and targets of one checkout."""

    def __init__(self, root: Path | None = None, *, jobs: int = 0) -> None:
        self.root = root or find_root(Path.cwd())
        self.config = load_config(self.root)
        if jobs:
            self.config = dataclasses.replace(self.config, jobs=jobs)
        self.workspace = open_workspace(self.root, self.config)

    @functools.cached_property
    def recipes(self) -> dict[str, Recipe]:
        """Every component's recipe."""
        return load_recipes(self.root, self.config)

    @functools.cached_property
    def builder(self) -> Builder:
        """What builds components into the store."""
        lock = load_lock(self.root, self.config)
        return Builder(self.workspace, self.config, lock, self.recipes, Progress())

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
        built = self.builder.build(wanted)
        say(f"{len(built)} components up to date in {time.monotonic() - began:.2f} s")
        return built

    def deploy(self, place: Place) -> None:
        """Build and boot what is not yet, and make the target's TAs and host apps the current ones."""
        with self.deployed(place):
            pass

    def run(self, file: Path, place: Place, options: RunOptions) -> int:
        """Compile ``file`` as far as needed, run it on a target; return its exit status.

        stdout is the program's alone; the program's stderr and our lines go to stderr.
        """
        from teeforge.folder import lent, parse_folders

        folders = parse_folders(options.folders)
        program, heap = self.prepare(file, place, options.heap)
        for setting in options.environment:
            if "=" not in setting:
                raise TeeforgeError(f"--env {setting}: is not NAME=VALUE", "for example --env LANG=C")
        with self.deployed(place) as session:
            from teeforge.push import Upload

            remote = f"{_PROGRAMS}/{file.stem}.{program.sha256[:12]}.aot"
            session.push([Upload(program.aot, remote, 0o644)])
            words = [word for setting in options.environment for word in ("--env", setting)]
            out, err = _writer(sys.stdout.buffer), _writer(sys.stderr.buffer)
            if options.where == "normal":
                argv = [_REFERENCE, *words, remote, *options.arguments]
                return session.run(argv, stdin=options.stdin, on_stdout=out, on_stderr=err)
            record = self._record(place, file, program, heap, options)
            argv = [_HOST_APP, *record.options, *words]
            with lent(session, folders) as given:
                status = session.run(
                    [*argv, *given, str(heap), remote, *options.arguments],
                    stdin=options.stdin,
                    on_stdout=out,
                    on_stderr=err,
                )
            for line in record.finish(session, status):
                say(line)
            return status

    def prepare(self, file: Path, place: Place, heap: str = "auto") -> tuple[Program, int]:
        """Return ``file`` compiled as far as needed, and the bytes of the heap to run it on.

        Raises TeeforgeError if it cannot run on ``place``.
        """
        if heap == "max":
            # All that is left can only be known of a core and a TA that are built.
            self.build_deployed()
        program, verdict = self.judged(file, place)
        verdict.enforce()
        for warning in verdict.warnings:
            say(f"warning: {warning}")
        return program, _heap(verdict, heap)

    def plan(self, place: Place | None = None) -> Plan | None:
        """Return the memory budget of a target, with the TA as it is built now; None for a board."""
        from teeforge.plan import plan_of

        if place and self.fleet.is_board(place):
            return None
        return plan_of(self.config.memory, *self._elves)

    @functools.cached_property
    def _elves(self) -> tuple[Path | None, Path | None]:
        """The ELF of the runtime TA and of the core, where they are up to date."""
        built = self.builder.up_to_date()
        ta, core = built.get("wasm_ta"), built.get("optee_os")
        return ta.product("elf") if ta else None, core.product("elf") if core else None

    def judged(self, file: Path, place: Place) -> tuple[Program, Verdict]:
        """Compile ``file`` as far as needed; say whether it will run on a target, and on which heap.

        Raises TeeforgeError if it does not compile, or if a .wasm could not run in any case.
        """
        from teeforge.program import read_program, recorded_bounds_checks
        from teeforge.verdict import judge_aot, judge_wasm
        from teeforge.wasm import read_wasm

        room = self.plan(place)
        if file.suffix.lower() == ".wasm":
            judge_wasm(read_wasm(read_program(file), str(file)), str(file), room).enforce()
        program = self._program(file)
        data = program.aot.read_bytes()
        verdict = judge_aot(
            program.module,
            str(file),
            bounds_checks=recorded_bounds_checks(program.aot, data),
            file_bytes=len(data),
            room=room,
        )
        return program, verdict

    def _record(
        self, place: Place, file: Path, program: Program, heap: int, options: RunOptions
    ) -> RunRecord:
        """Return what records a run in build/runs."""
        from teeforge.record import RunRecord
        from teeforge.words import WORDS

        built = self.builder.up_to_date()
        facts = {
            "program": file.name,
            "sha256": program.sha256,
            "arguments": list(options.arguments),
            "target": place.name,
            "heap": heap,
            "built": {component: entry.key for component, entry in built.items()},
        }
        board = self.fleet.is_board(place)
        log = None if board else self.fleet.machine_as_it_is(place.name).console_log("secure")
        words = self.root / WORDS
        return RunRecord(self.workspace.runs, facts, log, self.elf_of, self.config.toolchain.cross, words)

    def elf_of(self, uuid: str) -> Path | None:
        """Return the unstripped ELF of the TA with a UUID, as it is built now."""
        for entry in self.builder.up_to_date().values():
            for product in entry.manifest["products"]:
                if entry.product(product).name == f"{uuid}.elf":
                    return entry.product(product)
        return None

    def demo(self, place: Place) -> int:
        """Everything, from a bare host to a greeting out of the secure world, with the evidence."""
        from teeforge.doctor import ensure_host

        ensure_host(self.config, self.recipes)
        self.build()
        status = self.run(self.root / "samples" / "hello.c", place, RunOptions())
        if not self.fleet.is_board(place):
            log = self.fleet.machine_as_it_is(place.name).tail("secure", 50)
            told = [line for line in log if "sha256" in line]
            say("the secure world's log says:")
            for line in told[-1:]:
                say(f"    {line}")
        return status

    def clean(self, everything: bool) -> None:
        """Remove work trees, logs and caches; with ``everything`` sources, products and machines too."""
        build = self.workspace.build
        if everything:
            self.fleet.halt_all()
        work = self.workspace
        gone = [build] if everything else [work.work, work.cache, work.logs, work.snapshots]
        for folder in gone:
            shutil.rmtree(folder, ignore_errors=True)
        link = self.root / self.config.build_dir
        if everything and link.is_symlink():
            link.unlink()
        say(f"removed {', '.join(str(folder) for folder in gone)}")

    def build_deployed(self) -> dict[str, Stored]:
        """Bring the components up to date of which something goes to a target, with what they need."""
        wanted = [component for component, recipe in self.recipes.items() if recipe.deploy]
        return self.builder.build(wanted)

    def deployed(self, place: Place) -> Session:
        """Return a connection to a target that has the current TAs and host apps."""
        from teeforge.push import Upload

        built = self.build_deployed()
        uploads = [
            Upload(stored.product(entry.product), entry.path, int(entry.mode, 8))
            for component, stored in built.items()
            for entry in self.recipes[component].deploy
        ]
        session = self.fleet.boot(place).connect()
        try:
            pushed = session.push(uploads)
        except BaseException:
            session.close()
            raise
        for path in pushed.sent:
            say(f"{place.name}:{path}")
        return session

    def _program(self, file: Path) -> Program:
        from teeforge.program import build_program
        from teeforge.toolchain import find_wasm_compiler

        kind = file.suffix.lower()
        cc = find_wasm_compiler(self.config.toolchain.wasm_cc) if kind == ".c" and file.is_file() else None
        wamrc = Path()
        if kind in (".c", ".wasm") and file.is_file():
            wamrc = self.builder.build(["wamrc"])["wamrc"].product("wamrc")
        program = build_program(file, wamrc=wamrc, cache=self.workspace.cache / "programs", cc=cc)
        if program.notes:
            say(program.notes.rstrip())
        return program


def split_arguments(text: str) -> tuple[str, ...]:
    """Return the words of --args, split as a shell would."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise TeeforgeError(f"--args {text}: {error}", "close the quotation") from error


def _heap(verdict: Verdict, wanted: str) -> int:
    """Return the pool that --heap asks for."""
    from teeforge.config import parse_size

    if wanted == "auto" and verdict.heap is not None:
        return verdict.heap
    if wanted == "max" and verdict.largest is not None:
        return verdict.largest
    try:
        return parse_size(wanted, "--heap")
    except ValueError as error:
        raise TeeforgeError(str(error), "for example --heap 2MiB, --heap auto or --heap max") from error


def standard_input() -> IO[bytes] | None:
    """Return our stdin for a program to read, without a buffer that would be waited for, or held at exit."""
    return getattr(sys.stdin.buffer, "raw", sys.stdin.buffer) if sys.stdin else None


def _writer(stream: BinaryIO) -> Callable[[bytes], None]:
    def write(data: bytes) -> None:
        stream.write(data)
        stream.flush()

    return write
