"""A session that is kept between runs: at once there, one user at a time, gone when it is not used."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from teeforge.lab import Lab
from teeforge.modules.program import build_program
from teeforge.targets.parcel import Upload
from teeforge.targets.target import Session

from .conftest import SAMPLES

pytestmark = pytest.mark.e2e

KEEP = "optee_wamr --keep 20 --quiet"
# The keeper is the one that a shell did not start.
# A process may end while it is looked at.
KEEPERS = (
    "for p in /proc/[0-9]*; do grep -qs '^PPid:.1$' $p/status && grep -qs optee_wamr $p/comm && echo $p; done"
)
# Its end is the end of its session with the TA, which takes a busy host a while.
NO_KEEPERS = f'for i in $(seq 50); do [ -z "$({KEEPERS})" ] && break; sleep 0.1; done; {KEEPERS} | wc -l'


def sh(session: Session, script: str) -> tuple[int, str]:
    told = bytearray()
    status = session.run(["sh", "-c", script], on_stdout=told.extend, on_stderr=told.extend)
    return status, told.decode()


def push_samples(vm: Lab, session: Session, *names: str) -> None:
    wamrc = vm.builder.build(["wamrc"])["wamrc"].product("wamrc")
    cc = vm.programs.wasm_compiler()
    for name in names:
        source = SAMPLES / f"{name}.c"
        program = build_program(
            source, wamrc=wamrc, cache=vm.workspace.cache / "programs", cc=cc, signer=vm.signer
        )
        session.push([Upload(program.signed, f"/tmp/{name}.aot", 0o644)])


@pytest.fixture
def session(vm: Lab) -> Iterator[Session]:
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        push_samples(vm, session, "hello", "trap", "loop", "cat")
        sh(session, f"for p in $(pidof optee_wamr); do kill $p; done; {NO_KEEPERS}")
        yield session


def open_ms(session: Session, options: str) -> float:
    status, told = sh(
        session, f"{options} --report /tmp/keep.json 1M /tmp/hello.aot >/dev/null; cat /tmp/keep.json"
    )
    assert status == 0, told
    return float(json.loads(told)["host_ms"]["open"])


def cold_ms(session: Session) -> float:
    """Return what opening takes where nothing was opened ahead, on a host that may be busy."""
    return min(open_ms(session, "optee_wamr --quiet") for _ in range(3))


def test_a_kept_session_is_there_at_once_and_ends_with_its_time(session: Session) -> None:
    cold = cold_ms(session)
    open_ms(session, "optee_wamr --keep 4 --quiet")
    assert min(open_ms(session, KEEP) for _ in range(3)) < cold / 2
    _, told = sh(session, f"sleep 6; {KEEPERS}")
    assert told == "", "the time of the first one counts, and it is over"


def test_programs_at_once_have_sessions_of_their_own(session: Session) -> None:
    script = f"for i in 1 2 3; do {KEEP} 1M /tmp/hello.aot & done; wait; {KEEPERS} | wc -l"
    _, told = sh(session, script)
    assert told.count("Hello") == 3, told
    assert told.split()[-1] == "1"


@pytest.mark.parametrize(
    ("before", "status"),
    [
        (f"{KEEP} 1M /tmp/trap.aot oob", 124),
        (f"{KEEP} 4K /tmp/hello.aot", 125),
        (f"timeout -s KILL 2 {KEEP} 1M /tmp/loop.aot; exit $?", 137),
    ],
    ids=["trapped", "refused", "killed"],
)
def test_what_went_before_does_not_matter(session: Session, before: str, status: int) -> None:
    sh(session, f"{KEEP} 1M /tmp/hello.aot")
    ended, told = sh(session, before)
    assert ended == status, told
    ended, told = sh(session, f"{KEEP} 1M /tmp/hello.aot")
    assert ended == 0 and "Hello" in told, told


def test_another_module_or_heap_has_a_session_opened_for_it(session: Session) -> None:
    sh(session, f"{KEEP} 1M /tmp/hello.aot")
    again = f"{KEEP} 2M /tmp/hello.aot && {KEEP} 1M /tmp/hello.aot"
    script = f"echo fed | {KEEP} 1M /tmp/cat.aot && {again} && {KEEPERS} | wc -l"
    status, told = sh(session, script)
    assert (status, told.count("fed"), told.count("Hello")) == (0, 1, 2), told
    assert told.split()[-1] == "1", "it is the same keeper"


def test_a_session_that_is_asked_for_ahead_is_a_fresh_one(session: Session) -> None:
    """It was used by one module, and whoever asks does not know yet for which it is going to be."""
    sh(session, f"{KEEP} 1M /tmp/hello.aot")
    assert sh(session, "optee_wamr --keep 20")[0] == 0
    cold = cold_ms(session)
    script = f"echo fed | {KEEP} --report /tmp/keep.json 1M /tmp/cat.aot >/dev/null; cat /tmp/keep.json"
    status, told = sh(session, script)
    assert status == 0 and float(json.loads(told)["host_ms"]["open"]) < cold / 2, told


def test_a_ta_that_was_deployed_anew_is_noticed(session: Session) -> None:
    sh(session, f"{KEEP} 1M /tmp/hello.aot")
    ta = "/lib/optee_armtz/7c1e4bb6-5a37-4a0e-9d2c-0f5d2f8b6a11.ta"
    script = f"cp -p {ta} /tmp/new.ta && mv /tmp/new.ta {ta} && {KEEP} 1M /tmp/hello.aot"
    _, told = sh(session, f"{script}; {NO_KEEPERS}")
    assert "Hello" in told, told
    assert told.split()[-1] == "0", "the keeper of the old TA is gone"


def test_a_session_that_was_opened_ahead_is_for_one_run(session: Session) -> None:
    cold = cold_ms(session)
    assert sh(session, f"optee_wamr --keep 20; {KEEPERS} | wc -l") == (0, "1\n")
    assert open_ms(session, "optee_wamr --keep 0 --quiet") < cold / 2
    assert sh(session, NO_KEEPERS)[1] == "0\n", "an instance of its own, as always"
    assert open_ms(session, "optee_wamr --keep 0 --quiet") > cold / 3
    assert sh(session, NO_KEEPERS)[1] == "0\n", "and none is started"


def test_a_module_may_come_ahead_of_the_programs_input(session: Session) -> None:
    script = (
        "size=$(stat -c %s /tmp/cat.aot); (cat /tmp/cat.aot; echo for the program) |"
        " optee_wamr --quiet --module-size $size 1M cat"
    )
    assert sh(session, script) == (0, "for the program\n")


@pytest.mark.parametrize("size", ["100000000", "4294967295", "0", "-5"])
def test_a_module_size_that_cannot_be_is_refused(session: Session, size: str) -> None:
    status, told = sh(session, f"optee_wamr --module-size={size} 1M hello < /tmp/hello.aot")
    assert status == 127, told
    assert told.startswith("optee_wamr: ")


def test_the_report_comes_last_on_stderr(session: Session) -> None:
    status, told = sh(session, "optee_wamr --report - 1M /tmp/hello.aot 2>&1 >/dev/null")
    before, _, report = told.rpartition("\x1e")
    assert status == 0
    assert "measured by the TA" in before
    assert json.loads(report)["outcome"] == "exited"
