"""What `invoke wasm-info`, `heap-bounds`, `plan` and `explain-error` answer."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.answer import Answer
from teeforge.base.errors import as_typed
from teeforge.base.progress import say

if TYPE_CHECKING:
    from teeforge.compiling.sources import Sources
    from teeforge.lab import Lab
    from teeforge.machines.fleet import Place
    from teeforge.targets.target import Session

_REPORT = "/tmp/heap-bounds.json"


def wasm_info(lab: Lab, file: Path) -> Answer:
    """Say what is in a .wasm or .aot file; the status is 0 if it will run in the TEE, else 1."""
    from teeforge.modules import wasminfo

    info = wasminfo.inspect(file, lab.plan())
    return Answer(wasminfo.as_json(info), wasminfo.as_lines(info), 0 if info.verdict.runs else 1)


def plan(lab: Lab) -> Answer:
    """Say what the memory budget of the TEE is."""
    from teeforge.modules.plan import plan_json, plan_lines

    budget = lab.plan()
    assert budget is not None
    return Answer(plan_json(budget), plan_lines(budget))


def heap_bounds(lab: Lab, sources: Sources, place: Place, arguments: tuple[str, ...]) -> Answer:
    """Find the smallest and the largest pool that a program runs in, by running it."""
    from teeforge.modules.bounds import find_bounds
    from teeforge.targets.parcel import Upload

    program, verdict = lab.programs.judged(sources, place)
    file = sources.file
    verdict.enforce()
    assert verdict.needed is not None
    largest = verdict.largest if verdict.largest is not None else verdict.needed
    with lab.deployed(place) as session:
        remote = f"/tmp/{sources.name}.{program.sha256[:12]}.aot"
        session.push([Upload(program.signed, remote, 0o644)])
        say(f"running {file.name} again and again, to find the heaps that it starts in")
        found = find_bounds(lambda heap: starts(session, heap, [remote, *arguments]), verdict.needed, largest)
    told = {
        "smallest": {"found": found.smallest, "computed": verdict.needed},
        "largest": {"found": found.largest, "computed": verdict.largest},
        "auto": verdict.heap,
        "tries": found.tries,
    }
    lines = [
        f"{'heap':<10} {'found':>12} {'computed':>12}",
        f"{'smallest':<10} {found.smallest:>12} {verdict.needed:>12}",
        f"{'largest':<10} {found.largest:>12} {verdict.largest if verdict.largest is not None else '-':>12}",
        f"{'auto':<10} {'':>12} {verdict.heap:>12}",
    ]
    return Answer(told, lines)


def show_explanation(lab: Lab, what: str) -> int:
    """Explain a result code, a message, or a log that a panic is in; return 1 if nothing in it is known."""
    from teeforge.diagnosis.panic import read_panic
    from teeforge.diagnosis.words import WORDS, explain_abort, explain_text, load_words

    text = what
    with contextlib.suppress(OSError):  # no such file, or too long for the name of one: the words themselves
        text = Path(what).expanduser().read_text(encoding="utf-8", errors="replace")
    lines = []
    if panic := read_panic(text, lab.elf_of, lab.config.toolchain.cross):
        lines = [*panic.lines(), explain_abort(panic.reason)]
        text = panic.reason
    lines += explain_text(load_words(lab.root / WORDS), text)
    for line in lines:
        print(as_typed(line))
    if not lines:
        say("nothing in it is known: give a result code (0xffff3024), a message, or the secure world's log")
    return 0 if lines else 1


def starts(session: Session, heap: int, command: list[str]) -> bool:
    """Tell whether a program runs in a pool of ``heap`` bytes; how it ends does not matter."""
    reports: list[bytes] = []

    def ignore(_: bytes) -> None:
        pass

    options = ["--quiet", "--report", _REPORT]
    session.run(["optee_wamr", *options, str(heap), *command], on_stdout=ignore, on_stderr=ignore)
    session.run(["cat", _REPORT], on_stdout=reports.append, on_stderr=ignore)
    return json.loads(b"".join(reports))["outcome"] in ("exited", "trapped")
