"""The testsuite's modules compiled as a user's are, each called in a session of its own with the TA."""

from __future__ import annotations

import dataclasses
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say
from teeforge.modules.heap import heap_auto
from teeforge.modules.program import Program, build_program
from teeforge.modules.verdict import judge_wasm
from teeforge.modules.wamrc import CompilerDiedError, wamrc_flags
from teeforge.modules.wasm import read_wasm
from teeforge.spectest.plan import Check, Loaded
from teeforge.spectest.scripts import TYPES, Action
from teeforge.spectest.shortage import Shortage
from teeforge.spectest.values import Reply, compare_message, compare_values, read_reply
from teeforge.targets.parcel import Upload

if TYPE_CHECKING:
    from teeforge.lab import Lab
    from teeforge.machines.fleet import Place
    from teeforge.targets.target import Session

_REMOTE = "/tmp/spec-test"
# What one call may take, and a heap where nobody knows how large it may be: on a board.
_SECONDS = 60
# Calls in one trip to the TEE: WASM_TA_CALLS_MAX.
_AT_ONCE = 256
_HEAP_OF_A_BOARD = 8 << 20
# Modules that are loaded at once: SLOTS of spec_test.c.
_SLOTS = 16
# What a pool may need beside what is computed of a module.
_SLACK = 64 << 10
# Of the TA, for each session beside the first.
_SESSION = 1 << 20


@dataclass(frozen=True)
class Drivers:
    """Programs for the target: with the TA behind them, and with upstream's runtime if that is asked for."""

    secure: Path
    normal: Path | None

    def all(self) -> list[Path]:
        """Return those that there are."""
        return [self.secure, *([self.normal] if self.normal else [])]


Compiled = Mapping[Path, Program | TeeforgeError]


def compile_modules(lab: Lab, checks: Sequence[Check]) -> Compiled:
    """Compile what the checks want compiled, in as many jobs as there may be; return what became of each."""
    wamrc = lab.build(["wamrc"])["wamrc"].product("wamrc")
    flags = wamrc_flags(lab.config.toolchain.wasm_cpu)
    wanted = [check.load.wasm for check in checks if check.load]
    wanted += [check.accepted for check in checks if check.accepted]
    cache = lab.workspace.cache / "programs"

    def one(wasm: Path) -> Program | TeeforgeError:
        try:
            judge_wasm(read_wasm(wasm.read_bytes(), wasm.name), wasm.name, library=True).enforce()
            return build_program(wasm, wamrc=wamrc, cache=cache, cc=None, flags=flags, signer=lab.signer)
        except TeeforgeError as error:
            return error

    with ThreadPoolExecutor(lab.config.job_count) as pool:
        return dict(zip(wanted, pool.map(one, wanted), strict=True))


def judge_compiled(checks: Sequence[Check], compiled: Compiled) -> None:
    """Decide what is known when all is compiled."""
    for check in checks:
        if check.accepted:
            came = compiled[check.accepted]
            if isinstance(came, CompilerDiedError):
                check.decide(came.message)
            else:
                check.decide("" if isinstance(came, TeeforgeError) else "it is accepted")
        elif check.load and isinstance(came := compiled[check.load.wasm], TeeforgeError):
            check.decide(came.message)


@dataclass(frozen=True)
class _Run:
    """What all scripts for spec_test are made of; ``heap`` is the most that there is for a module.

    In the ``normal`` world a module has no signature.
    """

    session: Session
    compiled: Compiled
    heap: int
    normal: bool = False

    def file(self, wasm: Path) -> Path:
        """Return the file that a driver loads for a module."""
        program = self.program(wasm)
        return program.aot if self.normal else program.signed

    def program(self, wasm: Path) -> Program:
        """Return what a module was compiled to."""
        program = self.compiled[wasm]
        assert isinstance(program, Program)
        return program


def run_checks(
    lab: Lab, place: Place, drivers: Drivers, checks: Sequence[Check], compiled: Compiled
) -> Counter[str]:
    """Decide all the rest in the TEE of a target.

    With a driver for the normal world, return how many checks of each script pass there.
    """
    programs = [program for program in compiled.values() if isinstance(program, Program)]
    with lab.deployed(place) as session:
        run = _Run(session, compiled, _heap(lab, place, programs))
        _push(session, drivers, programs)
        replies = _ask(run, "spec_test", _AT_ONCE, checks)
        # Who made the TA die is found out one by one: a trip that fails has no replies.
        failed = {number for number, reply in replies.items() if reply.how == "failed"}
        died = {check.script for check in checks if id(check) in failed}
        again = [check for check in checks if check.script in died]
        if again:
            replies |= _ask(run, "spec_test", 1, again)
        normal = _run_normal(run, checks) if drivers.normal else Counter()
    shortage = Shortage(run.heap)
    for check in checks:
        if not check.verdict:
            reply = replies[id(check)]
            judge(check, reply)
            if check.call:
                shortage.excuse(check, reply, run.program(check.call[0].wasm))
    return normal


def _run_normal(run: _Run, checks: Sequence[Check]) -> Counter[str]:
    """Run each script for itself: upstream's runtime may end with it."""
    passed: Counter[str] = Counter()
    run = dataclasses.replace(run, normal=True)
    for script in dict.fromkeys(check.script for check in checks if not check.verdict):
        mine = [check for check in checks if check.script == script and not check.verdict]
        replies = _ask(run, "spec_test_normal", 1, mine)
        for check in mine:
            held = dataclasses.replace(check)
            judge(held, replies[id(check)])
            passed[script] += held.verdict == "passed"
    return passed


def _ask(run: _Run, driver: str, at_once: int, checks: Sequence[Check]) -> dict[int, Reply]:
    """Run checks with a driver; return the last reply to each, by its id()."""
    lines = list(_script(run, checks))
    with tempfile.TemporaryDirectory(prefix="teeforge-spec-") as scratch:
        path = Path(scratch, "script")
        path.write_text("\n".join([*(line for _, line in lines), ""]), encoding="utf-8")
        run.session.push([Upload(path, f"{_REMOTE}/script")])
    given, failure = _obey(run.session, driver, at_once)
    nothing = Reply("failed", message=failure or "nothing came back")
    asked = [check for check, _ in lines if check]
    replies = {id(check): nothing for check in asked}
    replies |= {id(check): reply for check, reply in zip(asked, given, strict=False)}
    return replies


def _heap(lab: Lab, place: Place, programs: Sequence[Program]) -> int:
    plan = lab.plan(place)
    if plan is None or not programs:
        return _HEAP_OF_A_BOARD
    code = [program.module.contents.code_pages for program in programs if program.module.contents]
    return plan.largest_heap(max(program.aot.stat().st_size for program in programs), max(code))


def _push(session: Session, drivers: Drivers, made: Sequence[Program]) -> None:
    modules = [program.signed for program in made]
    if drivers.normal:
        modules += [program.aot for program in made]
    session.run(["mkdir", "-p", _REMOTE], on_stdout=_nowhere, on_stderr=_nowhere)
    uploads = [Upload(module, _remote(module)) for module in dict.fromkeys(modules)]
    programs = [Upload(program, f"{_REMOTE}/{program.name}", 0o755) for program in drivers.all()]
    session.push([*programs, *uploads])


def _nowhere(_: bytes) -> None:
    pass


def _remote(module: Path) -> str:
    return f"{_REMOTE}/{module.name}"


def _obey(session: Session, driver: str, at_once: int) -> tuple[list[Reply], str]:
    """Return a reply for each line of the script, as far as there are; and why there are no more."""
    out, err = bytearray(), bytearray()
    command = f"exec {_REMOTE}/{driver} {_SECONDS} {at_once} <{_REMOTE}/script"
    failure = ""
    try:
        status = session.run(["sh", "-c", command], on_stdout=out.extend, on_stderr=err.extend)
        failure = err.decode(errors="replace").strip() if status else ""
    except TeeforgeError as error:
        failure = error.message
    if failure:
        say(f"{session.name}: {failure}")
    return [read_reply(line) for line in out.decode(errors="replace").splitlines()], failure


def _script(run: _Run, checks: Sequence[Check]) -> Iterator[tuple[Check | None, str]]:
    """Yield the lines for spec_test, each with the check that it is for; without one there is no reply."""
    for script in dict.fromkeys(check.script for check in checks):
        yield from _script_of(run, [check for check in checks if check.script == script])


def _heap_for(run: _Run, program: Program, at_once: int) -> int:
    """Return the bytes for a module, of which ``at_once`` share the memory: a small heap is mapped sooner."""
    if program.module.contents and program.module.contents.grows:
        return run.heap // at_once - (at_once - 1) * _SESSION
    return min(run.heap, heap_auto(program.module) + _SLACK)


def _at_once(checks: Sequence[Check]) -> int:
    """Return how many modules of a script are loaded at the same time, at most."""
    there, most = set[Loaded](), 1
    for check in checks:
        there -= set(check.unload_before)
        if check.load and not check.verdict:
            there.add(check.load)
        most = max(most, len(there))
        there -= set(check.unload_after)
    return most


def _script_of(run: _Run, checks: Sequence[Check]) -> Iterator[tuple[Check | None, str]]:
    free, slots = list(range(_SLOTS)), dict[Loaded, int]()
    at_once = _at_once(checks)
    for check in checks:
        yield from _unload(check.unload_before, slots, free)
        if check.load and not check.verdict and not free:
            check.decide(f"it takes more than {_SLOTS} modules at once")
        if check.load and not check.verdict:
            slots[check.load] = slot = free.pop(0)
            yield None, f"heap {_heap_for(run, run.program(check.load.wasm), at_once)}"
            yield check, f"load {slot} {_remote(run.file(check.load.wasm))}"
            yield check, f"start {slot}"
        if check.call and not check.verdict:
            module, name, action = check.call
            if module in slots:
                yield check, _call(slots[module], name, action)
            else:
                check.decide("its module does not compile")
        yield from _unload(check.unload_after, slots, free)


def _unload(
    modules: Sequence[Loaded], slots: dict[Loaded, int], free: list[int]
) -> Iterator[tuple[None, str]]:
    for module in modules:
        if module in slots:
            free.append(slot := slots.pop(module))
            yield None, f"unload {slot}"


def _call(slot: int, name: str, action: Action) -> str:
    args = [f"{TYPES[arg.type]:x}:{arg.bits:x}" for arg in action.args]
    return " ".join([f"call {slot} {name.encode().hex() or '-'}", *args])


def judge(check: Check, reply: Reply) -> None:
    """Decide whether what the TA replied is what the script wants."""
    kind, command = check.kind, check.command
    if kind in ("module", "action", "assert_return"):
        wanted = "started" if kind == "module" else "returned"
        if reply.how != wanted:
            check.decide(f"{reply} instead of {wanted}")
        elif kind == "assert_return":
            check.decide(compare_values(command.expected, reply.values))
        else:
            check.decide("")
    elif reply.how == "trapped" or (kind == "assert_uninstantiable" and reply.how == "refused"):
        check.decide(compare_message(command.text, reply.message))
    else:
        check.decide(f"{reply} instead of a trap: {command.text}")
