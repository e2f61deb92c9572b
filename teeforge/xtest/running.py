"""`invoke xtest`: the suite in two new machines at once, with our patches and without, and what differs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.base.progress import say
from teeforge.targets.parcel import Upload
from teeforge.xtest.alarm import Silence
from teeforge.xtest.compare import PATCHED, PLAIN, conclusion, junit_xml, lines
from teeforge.xtest.output import OutputReader, Suite

if TYPE_CHECKING:
    from teeforge.lab import Lab
    from teeforge.machines.fleet import Place
    from teeforge.targets.target import Session

# Longer than any case is silent: keys of 4096 bits are found in an emulated machine.
_SILENCE_SECONDS = 900.0
# It reads its plugins when it starts; init starts it again.
_RESTART = (
    "old=$(pidof tee-supplicant) && kill $old && "
    'while new=$(pidof tee-supplicant); [ -z "$new" ] || [ "$new" = "$old" ]; do sleep 0.1; done'
)


@dataclass(frozen=True)
class Side:
    """One of the two systems: what it is called, and the components that it is made of."""

    name: str
    file: str
    firmware: str
    suite: str


SIDES = (
    Side(PATCHED, "patched", "trusted-firmware-a_tests", "optee_test"),
    Side(PLAIN, "plain", "trusted-firmware-a_plain", "optee_test_plain"),
)


def run_xtest(lab: Lab, place: Place, match: Sequence[str], junit: Path | None) -> int:
    """Run OP-TEE's suite, or the cases with a ``match`` in their name, on both sides; print a table.

    Returns 1 if something passes less with our patches, or if that is not known. Raises TeeforgeError where
    nothing can be compared.
    """
    if lab.fleet.is_board(place):
        raise TeeforgeError(
            f"{place.name} is a board: two firmwares are compared, in machines of ours",
            "leave out --target, or name a target of kind qemu",
        )
    if lab.config.signing != "development":
        raise TeeforgeError(
            "config.yaml has `signing: own`, and the suite has keys that OP-TEE's development key signed",
            "write `signing: development` for this test",
        )
    built = lab.build([component for side in SIDES for component in (side.firmware, side.suite)])
    # Both at once: the suite waits and sleeps, and what disturbs one of them disturbs the other.
    with (
        ThreadPoolExecutor(len(SIDES)) as pool,
        lab.fleet.ephemeral(_place(place, SIDES[0])) as first,
        lab.fleet.ephemeral(_place(place, SIDES[1])) as second,
    ):
        running = [
            pool.submit(_run_side, lab, side, there, built[side.suite].product("root"), match)
            for side, there in zip(SIDES, (first, second), strict=True)
        ]
        # A machine that does not boot need not wait for the other one's suite.
        for future in wait(running, return_when=FIRST_EXCEPTION).done:
            future.result()
        patched, plain = (future.result() for future in running)
    if match and plain.whole and not plain.units:
        raise TeeforgeError(f"--match {','.join(match)}: no case of the suite has this in its name")
    print("\n".join(lines(patched, plain)))
    well, words = conclusion(patched, plain)
    print(words)
    say(f"what both sides said: {lab.workspace.logs}/xtest-*.log")
    if junit:
        write_atomically(junit, junit_xml(patched, plain))
    return 0 if well else 1


def _place(place: Place, side: Side) -> Place:
    return replace(place, machine="", firmware=f"{side.firmware}.flash")


def _run_side(lab: Lab, side: Side, place: Place, root: Path, match: Sequence[str]) -> Suite:
    """Run the suite in a machine; what it says, and the secure world beside it, is kept in build/logs."""
    machine = lab.fleet.machine_as_it_is(place.name)
    log = lab.workspace.logs / f"xtest-{side.file}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with lab.fleet.boot(place, connecting=True).connect() as session:
        _send(session, root)
        reader = OutputReader()
        try:
            with log.open("wb") as kept, Silence(place.name, machine.failure, _SILENCE_SECONDS) as alarm:

                def take(data: bytes) -> None:
                    alarm.heard()
                    kept.write(data)
                    kept.flush()
                    for case in reader.feed(data):
                        say(f"{side.file:<8} {case.name:<24} {case.verdict:<8} {case.seconds:6.1f} s")

                argv = ["xtest", "-l", "0", "-t", "regression", *match]
                session.run(argv, on_stdout=take, on_stderr=take, alarm=alarm)
        except TeeforgeError as error:
            # What was not run then has failed.
            say(f"{side.name}: {error.message}")
        finally:
            secure = machine.console_log("secure")
            if secure.is_file():
                shutil.copy(secure, log.with_name(f"xtest-{side.file}-secure.log"))
    return reader.suite


def _send(session: Session, root: Path) -> None:
    """Bring the suite's files to a machine, and have tee-supplicant know its plugin."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    uploads = [Upload(path, f"/{path.relative_to(root)}", _mode(path)) for path in files]
    _do(session, ["mkdir", "-p", *sorted({str(PurePosixPath(upload.remote).parent) for upload in uploads})])
    session.push(uploads)
    _do(session, ["sh", "-c", _RESTART])


def _mode(path: Path) -> int:
    return 0o444 if path.suffix == ".ta" else 0o755


def _do(session: Session, argv: Sequence[str]) -> None:
    status, said, wrong = session.feed(argv, (), 0)
    if status != 0:
        raise TeeforgeError(
            f"{session.name}: {' '.join(argv)}: {(said + wrong).strip() or f'status {status}'}"
        )
