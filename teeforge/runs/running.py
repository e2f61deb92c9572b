"""Running a program on a place: compiled, built, connected and sent at the same time, then recorded."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from teeforge.attest.claims import parse_nonce
from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say
from teeforge.compiling.advice import Hints
from teeforge.compiling.sources import Sources, check_readable
from teeforge.diagnosis.record import Report, RunRecord, write_report
from teeforge.lab import Lab
from teeforge.machines.fleet import Place
from teeforge.programs import Compilers, enforced_heap
from teeforge.runs.devview import Stage
from teeforge.runs.later import Later
from teeforge.runs.streams import Ahead, writer
from teeforge.settings.config import parse_size
from teeforge.settings.memory import STACK_LEAST, STACK_MOST, words
from teeforge.targets.couriers import is_much
from teeforge.targets.folder import lent, parse_folders
from teeforge.targets.parcel import Upload

if TYPE_CHECKING:
    from teeforge.machines.machine import Machine
    from teeforge.modules.program import Program
    from teeforge.modules.verdict import Verdict
    from teeforge.products.store import Stored
    from teeforge.ssh.remote import Alarm, Sink, Source
    from teeforge.targets.target import Session, Target

# The host app on the target.
HOST_APP = "optee_wamr"
# Its counterpart, which runs the same module in the normal world.
_REFERENCE = "iwasm"
# How long a session waits that was opened for a program which is still being compiled, in seconds.
_AHEAD = "10"


@dataclass(frozen=True)
class RunOptions:
    """How `invoke run` runs a program.

    ``heap`` is `auto`, `max` or a size such as 408340 or 2MiB; ``folders`` are what --dir says, ``stdin`` is
    what the program reads; ``where`` is the world: `secure` or `normal`. ``keep`` is for how many seconds the
    TA's instance waits for a next run; with 0 each run has a fresh one. ``stdio`` is what the program's
    streams are here, as host app's --stdio has it; empty for what they are over there. ``stack`` is the size
    of the stack for compiled code, empty for the TA's own; ``report`` a file for how the run went. ``checks``
    is `proven`, which lets a loop go without those bounds checks that a condition ahead of it proves, or
    `plain`. With ``quick`` it is compiled at the lowest level first. ``nonce`` is what evidence
    of it is to have, hexadecimal; empty for no evidence.
    """

    heap: str = "auto"
    arguments: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    stdin: Source | None = None
    where: str = "secure"
    keep: int = 0
    stdio: str = ""
    stack: str = ""
    checks: str = "proven"
    quick: bool = False
    report: Path | None = None
    nonce: str = ""

    def __post_init__(self) -> None:
        if self.where not in ("secure", "normal"):
            raise TeeforgeError(f"--where {self.where}: there is no such world", "give secure or normal")
        if self.checks not in ("proven", "plain"):
            raise TeeforgeError(f"--checks {self.checks}: there is no such way", "give proven or plain")
        if self.where == "normal" and self.folders:
            raise TeeforgeError("--dir lends folders in the secure world only", "leave out --where normal")
        if self.where == "normal" and self.stack:
            raise TeeforgeError("--stack is of the secure world", "leave out --where normal")
        if self.where == "normal" and self.nonce:
            raise TeeforgeError("--nonce is of the secure world", "leave out --where normal")
        if self.nonce:
            parse_nonce(self.nonce)
        self.stack_bytes()
        for setting in self.environment:
            if "=" not in setting:
                raise TeeforgeError(f"--env {setting}: is not NAME=VALUE", "for example --env LANG=C")

    def stack_bytes(self) -> int:
        """Return the size of the stack; 0 for the TA's own."""
        try:
            size = parse_size(self.stack, "--stack") if self.stack else 0
        except ValueError as error:
            raise TeeforgeError(str(error), "for example --stack 1MiB") from error
        if self.stack and not STACK_LEAST <= size <= STACK_MOST:
            raise TeeforgeError(
                f"--stack {self.stack}: a stack has {words(STACK_LEAST)} to {words(STACK_MOST)}",
                "for example --stack 1MiB",
            )
        return size


class Runner:
    """Runs one program on one place, once or again and again over one connection; a context manager.

    ``stages`` tells of the parts of the last preparation and run, some of them at the same time; ``headers``
    of what the program includes, None if it did not compile.
    """

    def __init__(self, lab: Lab, file: Path | Sources, place: Place, options: RunOptions) -> None:
        self.lab = lab
        self.sources = Sources.of(file)
        self.file = self.sources.file
        self.place = place
        self.options = options
        self.stages: dict[str, Stage] = {}
        self.headers: tuple[Path, ...] | None = None
        self._folders = parse_folders(options.folders)
        self._compilers = Compilers()
        self._later = Later(lab.root)
        self._session: Session | None = None
        self._program: Program | None = None
        self._heap = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; an instance of the TA that was kept is kept no longer."""
        if self._session:
            if self.options.keep and self._session.alive():
                with suppress(TeeforgeError):
                    self._host_app("--keep", "0")
            self._session.close()
            self._session = None

    def prepare(self) -> None:
        """Bring the program, the TA, the host app and the place up to date, one beside the other.

        Raises TeeforgeError if something does not compile, or if the program cannot run there.
        """
        lab = self.lab
        self.stages.clear()
        self.headers = None
        self._later.stop()
        # Of what is deployed, a run needs only what it runs.
        wanted = lab.deployment.components(HOST_APP if self.options.where == "secure" else _REFERENCE)
        plain, quick = self.options.checks == "plain", self.options.quick
        self._compilers = lab.programs.compilers(self.sources, plain_checks=plain, quick=quick)
        with ThreadPoolExecutor(2) as pool:
            compiling = pool.submit(self._compile, self._compilers)
            # A machine that is off has nothing of ours, once it is on.
            fresh = not lab.fleet.is_board(self.place) and self._machine().state() == "off"
            with self._stage("boot"):
                target = lab.fleet.boot(self.place, connecting=True)
            reaching = pool.submit(self._reach, target, () if fresh else wanted)
            try:
                with self._stage("build"):
                    built = lab.deployment.build(wanted)
            finally:
                # Waited for in any case, for the connection to be known and closed.
                there = reaching.result()
            assert self._session
            with self._stage("push"):
                lab.deployment.push(self._session, built, there)
            self._open_ahead(pool, compiling)
            # Read now, to be known when the program is there.
            lab.plan(self.place)
            self._program = compiling.result()
        verdict = self._verdict(self._program)
        if self._program.quick and not verdict.runs:
            # Its code is twice as large as it has to be.
            self._program = self._compile(replace(self._compilers, quick=False))
            verdict = self._verdict(self._program)
        self.headers = self._program.headers
        self._heap = enforced_heap(verdict, self.options.heap)

    def improve(self) -> bool:
        """Have a program that was compiled quickly compiled at its full level, by a process of its own.

        Returns whether it was.
        """
        if not self._program or not self._program.quick:
            return False
        self._later.start(self._program.aot, self._compilers)
        return True

    def lost(self) -> bool:
        """Say whether there was a connection and is none any more."""
        return self._session is not None and not self._session.alive()

    def run(self, out: Sink, err: Sink, alarm: Alarm | None = None) -> int:
        """Run what prepare() prepared; return its exit status. The sinks get what it writes.

        What ``alarm`` raises ends the program over there, as any exception does.
        """
        assert self._session and self._program
        with self._stage("run"):
            if self.options.where == "normal":
                return self._run_in_normal_world(self._session, self._program, out, err, alarm)
            return self._run_in_tee(self._session, self._program, out, err, alarm)

    def _run_in_tee(
        self, session: Session, program: Program, out: Sink, err: Sink, alarm: Alarm | None
    ) -> int:
        record = self._record(program)
        hints = Hints(err)
        report = Report(hints.feed)
        with lent(session, self._folders) as given, self._module(session, program) as (options, name, stdin):
            argv = [HOST_APP, *report.options, "--keep", str(self.options.keep), *options]
            argv += ["--name", self.sources.name, *self._settings(), *self._environment(), *given]
            argv += [str(self._heap), name, *self.options.arguments]
            status = session.run(
                argv,
                stdin=stdin,
                on_stdout=out,
                on_stderr=report.feed,
                alarm=alarm,
            )
        told = report.end()
        if not self.lab.fleet.is_board(self.place):
            self._machine().storage.used()
        for line in (*record.finish(told, status, self.options.report), *hints.lines()):
            say(line)
        if told.get("sha256") not in (None, program.sha256):
            raise TeeforgeError(f"{session.name} ran another module than {program.aot}", "run it again")
        return status

    def _run_in_normal_world(
        self, session: Session, program: Program, out: Sink, err: Sink, alarm: Alarm | None
    ) -> int:
        with self._sent(session, program.aot, self._name(program)) as remote:
            argv = [_REFERENCE, "--name", self.sources.name, *self._environment(), remote]
            argv += self.options.arguments
            return session.run(argv, stdin=self.options.stdin, on_stdout=out, on_stderr=err, alarm=alarm)

    @contextmanager
    def _module(self, session: Session, program: Program) -> Iterator[tuple[list[str], str, Source | None]]:
        """Give the host app's options for the module, its name for it, and what it has as stdin.

        What the TA says is the module's SHA-256 tells whether it was this one.
        """
        size = program.signed.stat().st_size
        if is_much(size):
            with self._sent(session, program.signed, self._name(program)) as remote:
                yield [], remote, self.options.stdin
            return
        # Ahead of the program's own input: no file over there, and no round trip.
        with program.signed.open("rb") as module:
            yield ["--module-size", str(size)], self._name(program), Ahead(module, self.options.stdin)

    @contextmanager
    def _sent(self, session: Session, file: Path, name: str) -> Iterator[str]:
        """Give the path that a module's file has over there in the meantime."""
        remote = f"/tmp/{name}"
        session.push([Upload(file, remote)])
        try:
            yield remote
        finally:
            with suppress(TeeforgeError):
                session.run(["rm", "-f", remote], on_stdout=lambda _: None, on_stderr=lambda _: None)

    def _name(self, program: Program) -> str:
        """Return what its file is called over there."""
        return f"{self.sources.name}.{program.sha256[:12]}.aot"

    def _settings(self) -> list[str]:
        options = self.options
        settings = {
            "--stdio": options.stdio,
            "--stack": str(options.stack_bytes() or ""),
            "--nonce": options.nonce,
        }
        return [word for option, value in settings.items() if value for word in (option, value)]

    def _environment(self) -> list[str]:
        return [word for setting in self.options.environment for word in ("--env", setting)]

    def _verdict(self, program: Program) -> Verdict:
        return self.lab.programs.verdict(program, self.file, self.place, self.options.stack_bytes())

    def _compile(self, compilers: Compilers) -> Program:
        with self._stage("compile"):
            return self.lab.programs.compile(self.sources, compilers, self.place)

    def _reach(self, target: Target, wanted: Sequence[str]) -> Mapping[str, tuple[str, int]]:
        """Have a connection; say what is over there of what is deployed of ``wanted`` components."""
        with self._stage("connect"):
            if self._session:
                with suppress(TeeforgeError):
                    return self.lab.deployment.look(self._session, wanted)
                # The machine was off meanwhile, or is another one now.
                self._session.close()
            self._session = target.connect()
            return self.lab.deployment.look(self._session, wanted) if wanted else {}

    def _open_ahead(self, pool: ThreadPoolExecutor, compiling: Future[Program]) -> None:
        """While the program is being compiled, open the session with the TA that it will have."""
        if not compiling.done() and self.options.where == "secure":
            pool.submit(self._host_app, "--keep", str(self.options.keep or _AHEAD))

    def _host_app(self, *options: str) -> None:
        """Have the host app do what is no run; what is wrong with the TEE, the next run tells."""
        assert self._session
        self._session.run([HOST_APP, *options], on_stdout=lambda _: None, on_stderr=lambda _: None)

    def _machine(self) -> Machine:
        return self.lab.fleet.machine_as_it_is(self.place.name)

    def _record(self, program: Program) -> RunRecord:
        """Return what records a run in build/runs."""
        from teeforge.diagnosis.words import WORDS

        lab = self.lab
        built: dict[str, Stored] = lab.up_to_date()
        facts = {
            "program": self.file.name,
            "sha256": program.sha256,
            "arguments": list(self.options.arguments),
            "target": self.place.name,
            "heap": self._heap,
            "built": {component: entry.key for component, entry in built.items()},
        }
        board = lab.fleet.is_board(self.place)
        log = None if board else self._machine().console_log("secure")
        cross = lab.config.toolchain.cross
        return RunRecord(lab.workspace.runs, facts, log, lab.elf_of, cross, lab.root / WORDS)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        stage = self.stages[name] = Stage()
        try:
            yield
        finally:
            stage.seconds = stage.elapsed


def run(lab: Lab, file: Path | Sources, place: Place, options: RunOptions) -> int:
    """Compile ``file`` as far as needed, run it on a target; return its exit status.

    stdout is the program's alone; the program's stderr and our lines go to stderr.
    """
    sources = Sources.of(file)
    check_readable(sources)
    with Runner(lab, sources, place, options) as runner:
        runner.prepare()
        status = runner.run(writer(sys.stdout.buffer), writer(sys.stderr.buffer))
        if runner.improve():
            say(f"{sources.name}: this was code of the lowest level; that of the full one is being made")
        return status


@contextmanager
def reported(options: RunOptions) -> Iterator[None]:
    """Have a run that does not come about in the report as well, and its error raised."""
    if options.report:
        options.report.unlink(missing_ok=True)
    try:
        yield
    except TeeforgeError as error:
        if options.report and not options.report.exists():
            write_report(
                options.report, {"status": error.status, "outcome": "not run", "error": error.message}
            )
        raise


def demo(lab: Lab, place: Place) -> int:
    """Everything, from a bare host to a greeting out of the secure world, with the evidence."""
    from teeforge.building.doctor import ensure_host

    ensure_host(lab.config, lab.recipes)
    lab.build()
    status = run(lab, lab.root / "samples" / "hello.c", place, RunOptions())
    if not lab.fleet.is_board(place):
        log = lab.fleet.machine_as_it_is(place.name).tail("secure", 50)
        told = [line for line in log if "sha256" in line]
        say("the secure world's log says:")
        for line in told[-1:]:
            say(f"    {line}")
    return status
