"""Scripts by the batch: made up, carried out on the machine by mprotect_test, and judged."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from teeforge.base.errors import TeeforgeError
from teeforge.targets.target import Session
from teeforge.xtest.alarm import Silence

from .generate import make
from .model import SUCCESS, TARGET_DEAD, judge
from .steps import BEGUN, NOT_BEGUN, Command, Kind, Reply, Script, replies

_BATCH = 40
# A command may be given ten minutes by tee_watch(), but scripts end by themselves.
_SILENCE_SECONDS = 120.0


@dataclass
class Tally:
    """What came of all scripts so far; ``finds`` are told whole, with the script."""

    scripts: int = 0
    ended: int = 0
    seconds: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    finds: list[str] = field(default_factory=list)

    def add(self, script: Script, reply: Reply) -> None:
        """Count a script, and judge it."""
        self.scripts += 1
        self.ended += reply.result == TARGET_DEAD
        for step, (result, _) in zip(script.steps, reply.done, strict=False):
            if step.kind in (Kind.INVOKE, Kind.SET_WATCH) and result not in (BEGUN, NOT_BEGUN):
                number = step.command if step.kind == Kind.INVOKE else Command.WATCH
                self.done[f"{number} {'done' if result == SUCCESS else 'refused'}"] += 1
        if what := judge(script, reply):
            self.find(script, what)

    def find(self, script: Script, what: str) -> None:
        """Keep what is wrong."""
        self.finds.append("\n".join([f"FOUND {what}", *script.lines()]))

    def line(self) -> str:
        """Return it in one line."""
        counts = ", ".join(f"{name} {self.done[name]}" for name in sorted(self.done))
        return (
            f"{self.scripts} scripts, {self.ended} instances ended; commands {counts or 'none'}; "
            f"{len(self.finds)} found; {self.seconds:.0f} s"
        )


def fuzz(
    session: Session,
    failure: Callable[[], str],
    first: int,
    seconds: float,
    most: int = 0,
    say: Callable[[Tally], object] = lambda _: None,
) -> Tally:
    """Carry out the scripts of the seeds from ``first`` on for some seconds, or until there were ``most``.

    ``failure`` says why the machine has stopped working. The first find ends it, as each batch may be of use
    only to a machine that is whole.
    """
    tally, began = Tally(), time.monotonic()
    while not tally.finds and (tally.seconds < seconds) and (not most or tally.scripts < most):
        count = min(_BATCH, most - tally.scripts) if most else _BATCH
        batch = [make(first + tally.scripts + number) for number in range(count)]
        run_batch(session, failure, batch, tally)
        tally.seconds = time.monotonic() - began
        say(tally)
    return tally


def run_batch(session: Session, failure: Callable[[], str], batch: Sequence[Script], tally: Tally) -> None:
    """Carry out some scripts and judge them."""
    out, err = bytearray(), bytearray()
    why = ""
    stdin = b"".join(script.packed() for script in batch)
    with Silence(session.name, failure, _SILENCE_SECONDS) as alarm:

        def take(data: bytes) -> None:
            alarm.heard()
            out.extend(data)

        try:
            argv = ["mprotect_test", "--steps"]
            status = session.run(argv, stdin=stdin, on_stdout=take, on_stderr=err.extend, alarm=alarm)
            if status:
                why = f"mprotect_test ended with {status}: {err.decode(errors='replace').strip()}"
        except TeeforgeError as error:
            why = error.message
    answers = list(replies(bytes(out)))
    for script, reply in zip(batch, answers, strict=False):
        tally.add(script, reply)
    if why or len(answers) < len(batch):
        # Of this one nothing is known but that it was the last.
        tally.find(batch[min(len(answers), len(batch) - 1)], why or "there was no answer")
