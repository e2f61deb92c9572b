"""`invoke wasi-test`: the official WASI test suite in the TEE, every module in one running machine."""

from __future__ import annotations

import io
import json
import re
import shlex
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.base.progress import say
from teeforge.junit import Entry, suites_xml
from teeforge.targets.parcel import Upload

if TYPE_CHECKING:
    from teeforge.lab import Lab
    from teeforge.machines.fleet import Place
    from teeforge.targets.target import Session

_COMPONENT = "wasi_testsuite"
_HOST_APP = "optee_wamr"
# Where modules, folders and lists of files are on the target.
_REMOTE = "/tmp/wasi-testsuite"
# The suite's word for a file that a test may leave behind (its doc/specification.md).
_LEFT_BEHIND = re.compile(r"\.cleanup(/|$)")
# What there is of a case that has run, and the most seconds that it may take.
_RESULTS = ("status", "out", "err", "files")
_SECONDS = 60
# doc/specification.md, legacy configuration; what is not here is a test of something newer.
_KEYS = {"args", "root", "env", "exit_code", "stderr", "stdout"}


@dataclass(frozen=True)
class Case:
    """One module and what its JSON says: how to run it, and what must come of it.

    ``stdout`` and ``stderr`` are compared when they are given.
    """

    suite: str
    name: str
    wasm: Path
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    root: Path | None = None
    exit_code: int = 0
    stdout: str | None = None
    stderr: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a case: ``reason`` is empty when it passed."""

    case: Case
    reason: str
    seconds: float


def load_cases(folder: Path, suite: str) -> list[Case]:
    """Return the cases of a folder of modules. Raises TeeforgeError for a JSON that is not understood."""
    return [_load_case(wasm, suite) for wasm in sorted(folder.glob("*.wasm"))]


def _load_case(wasm: Path, suite: str) -> Case:
    specification = wasm.with_suffix(".json")
    if not specification.is_file():
        return Case(suite, wasm.stem, wasm)
    told = json.loads(specification.read_text(encoding="utf-8"))
    if unknown := set(told) - _KEYS:
        raise TeeforgeError(f"{specification}: {', '.join(sorted(unknown))} is not known to teeforge")
    root = told.get("root")
    return Case(
        suite,
        wasm.stem,
        wasm,
        arguments=tuple(told.get("args", ())),
        environment=tuple(told.get("env", {}).items()),
        root=wasm.parent / root if root else None,
        exit_code=told.get("exit_code", 0),
        stdout=told.get("stdout"),
        stderr=told.get("stderr"),
    )


def compare(case: Case, status: int, stdout: bytes, stderr: bytes) -> str:
    """Return what is other than the case's JSON wants, or nothing."""
    told = stderr.decode(errors="replace").strip().splitlines()
    last = f": {told[-1][:160]}" if told else ""
    if status != case.exit_code:
        return f"exit status {status} instead of {case.exit_code}{last}"
    for name, wanted, given in (("stdout", case.stdout, stdout), ("stderr", case.stderr, stderr)):
        if wanted is not None and given != wanted.encode():
            return f"{name} is {given[:60]!r} instead of {wanted[:60]!r}"
    return ""


def compare_files(root: Path, listed: Sequence[str]) -> str:
    """Return how a root folder after a run differs from what it was, but for what may be left behind.

    ``listed`` are lines `<size> <path>` of its files, ``<path>/`` of its folders.
    """
    before = dict(_entries(root))
    after = {path: size for size, _, path in (line.partition(" ") for line in listed)}
    left = {path: size for path, size in after.items() if not _LEFT_BEHIND.search(path)}
    for path in sorted(before.keys() | left.keys()):
        if before.get(path) != left.get(path):
            what = "is new" if path not in before else "is gone" if path not in left else "has changed"
            return f"file {path} {what} after the run"
    return ""


def _entries(root: Path) -> Iterator[tuple[str, str]]:
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        yield (f"{name}/", "dir") if path.is_dir() else (name, str(path.stat().st_size))


def run_suite(lab: Lab, place: Place, match: str, junit: Path | None) -> int:
    """Compile and run the suite on a target; print a table; return 1 if a module failed."""
    modules = lab.build([_COMPONENT])[_COMPONENT].product("modules")
    folders = sorted(path for path in modules.iterdir() if path.is_dir())
    cases = [case for folder in folders for case in load_cases(folder, folder.name) if match in case.name]
    if not cases:
        raise TeeforgeError(f"--match {match}: no module of the suite has this in its name")
    began = time.monotonic()
    programs = _compile(lab, place, cases)
    say(f"{len(cases)} modules compiled in {time.monotonic() - began:.1f} s")
    began = time.monotonic()
    with lab.deployed(place) as session:
        _send(session, [case.root for case in cases if case.root], [aot for aot, _ in programs.values()])
        outcomes = _run(session, programs)
    failed = [outcome for outcome in outcomes if outcome.reason]
    _show(outcomes)
    print(
        f"{len(outcomes) - len(failed)} of {len(outcomes)} pass in the TEE of {place.name} "
        f"({time.monotonic() - began:.1f} s)"
    )
    if junit:
        write_atomically(junit, junit_xml(outcomes))
    return 1 if failed else 0


def _compile(lab: Lab, place: Place, cases: Sequence[Case]) -> dict[Case, tuple[Path, int]]:
    """Return signed AOT file and heap of each case."""
    made = {}
    for case in cases:
        program, heap = lab.programs.prepare(case.wasm, place)
        made[case] = (program.signed, heap)
    return made


def _send(session: Session, roots: Sequence[Path], modules: Sequence[Path]) -> None:
    """Bring AOT files and root folders to the target."""
    files = [Upload(module, _remote(module)) for module in dict.fromkeys(modules)]
    folders = {_REMOTE}
    for root in dict.fromkeys(roots):
        there = _remote_root(root)
        folders |= {
            there,
            *(f"{there}/{path.relative_to(root)}" for path in root.rglob("*") if path.is_dir()),
        }
        files += [
            Upload(path, f"{there}/{path.relative_to(root)}") for path in root.rglob("*") if path.is_file()
        ]
    session.check(["rm", "-rf", *(_remote_root(root) for root in dict.fromkeys(roots))])
    if folders:
        session.check(["mkdir", "-p", *sorted(folders)])
    session.push(files)


def _script(programs: Mapping[Case, tuple[Path, int]]) -> str:
    """Return the shell script that runs all cases: one round trip instead of several for each.

    Each root folder is a fresh copy that is written back, and listed afterwards. What a case gave is
    in files named after its number, which is printed when they are complete.
    """
    lines = [f"cd {_REMOTE} && rm -rf results && mkdir results || exit"]
    for number, (case, (module, heap)) in enumerate(programs.items()):
        words = ["timeout", str(_SECONDS), _HOST_APP, "--keep", "10", "--quiet"]
        for name, value in case.environment:
            words += ["--env", f"{name}={value}"]
        if case.root:
            words += ["--dir", f"{_REMOTE}/root::/:rw"]
            lines.append(f"rm -rf root; cp -r {_remote_root(case.root)} root")
        words += [str(heap), _remote(module), *case.arguments]
        lines.append(f"{shlex.join(words)} </dev/null >results/{number}.out 2>results/{number}.err")
        lines.append(f"echo $? >results/{number}.status")
        if case.root:
            find = "find . ! -name . -exec stat -c '%s %F %n' {} +"
            lines.append(f"(cd root && {find}) >results/{number}.files")
        lines.append(f"echo {number}")
    return "\n".join(lines) + "\n"


def _run(session: Session, programs: Mapping[Case, tuple[Path, int]]) -> list[Outcome]:
    """Run all cases, in one machine and over one connection."""
    with tempfile.TemporaryDirectory(prefix="teeforge-wasi-") as scratch:
        script = Path(scratch, "run")
        script.write_text(_script(programs), encoding="utf-8")
        session.push([Upload(script, f"{_REMOTE}/run")])
    seconds: list[float] = []
    last = time.monotonic()

    def took(data: bytes) -> None:
        nonlocal last
        now = time.monotonic()
        done = data.count(b"\n")
        seconds.extend((now - last) / done for _ in range(done))
        last = now

    said, archive = bytearray(), bytearray()
    failure = ""
    try:
        session.run(["sh", f"{_REMOTE}/run"], on_stdout=took, on_stderr=said.extend)
    except TeeforgeError as error:
        failure = error.message
    if not failure:
        session.run(
            ["tar", "-c", "-C", f"{_REMOTE}/results", "."], on_stdout=archive.extend, on_stderr=said.extend
        )
    files = _unpack(bytes(archive)) if archive else {}
    outcomes = []
    for number, case in enumerate(programs):
        reason = failure or _judge(case, {kind: files.get(f"{number}.{kind}") for kind in _RESULTS})
        outcomes.append(Outcome(case, reason, seconds[number] if number < len(seconds) else 0.0))
    return outcomes


def _unpack(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = {
            member.name.removeprefix("./"): tar.extractfile(member) for member in tar if member.isfile()
        }
        return {name: file.read() for name, file in members.items() if file}


def _judge(case: Case, results: Mapping[str, bytes | None]) -> str:
    """Return why a case failed, or nothing."""
    status, stdout, stderr, listed = (results[kind] for kind in _RESULTS)
    if status is None or stdout is None or stderr is None:
        return "it was not run: the machine stopped before"
    reason = compare(case, int(status), stdout, stderr)
    if case.root and not reason:
        reason = compare_files(case.root, list(_listing((listed or b"").decode(errors="replace"))))
    return reason


def _listing(told: str) -> Iterator[str]:
    """Turn lines of stat, `<size> <type> ./<path>`, into lines for compare_files()."""
    for line in told.splitlines():
        size, _, rest = line.partition(" ")
        kind, _, path = rest.partition(" ./")
        yield f"dir {path}/" if kind == "directory" else f"{size} {path}"


def _remote(module: Path) -> str:
    return f"{_REMOTE}/{module.name}"


def _remote_root(root: Path) -> str:
    return f"{_REMOTE}/{root.parent.name}.{root.name}"


def _show(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        name = f"{outcome.case.suite}/{outcome.case.name}"
        print(f"{name:<52} {'FAIL ' + outcome.reason if outcome.reason else 'ok'}")


def junit_xml(outcomes: Sequence[Outcome]) -> bytes:
    """Return the outcomes as JUnit XML."""
    suites: dict[str, list[Entry]] = {}
    for outcome in outcomes:
        case, verdict = outcome.case, "failed" if outcome.reason else "passed"
        entry = Entry(case.name, verdict, outcome.reason, outcome.seconds)
        suites.setdefault(f"wasi-testsuite.{case.suite}", []).append(entry)
    return suites_xml(suites)
