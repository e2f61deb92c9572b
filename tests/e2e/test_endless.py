"""Programs that do not end by themselves: whoever runs them ends them, and the next run works."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from teeforge.lab import Lab
from teeforge.targets.parcel import Upload

from .conftest import ROOT, SAMPLES, run_invoke
from .test_run import compiled

pytestmark = pytest.mark.e2e

# $1 is the signal, then come optee_wamr's arguments. The pid stays in /proc until the TEE returns.
SIGNALLED = """
signal=$1; shift
: > /tmp/endless.out
optee_wamr "$@" > /tmp/endless.out & pid=$!
until [ -s /tmp/endless.out ]; do sleep 0.1; done
kill -$signal $pid
while [ -d /proc/$pid ]; do sleep 0.1; done
"""


def seconds_until_gone(vm: Lab, path: Path, signal_name: str) -> float:
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        session.push([Upload(path, "/tmp/endless.aot")])
        began = time.monotonic()
        session.run(
            ["sh", "-c", SIGNALLED, "sh", signal_name, "2097152", "/tmp/endless.aot"],
            on_stdout=lambda _: None,
            on_stderr=lambda _: None,
        )
        return time.monotonic() - began


@pytest.fixture
def then_hello_runs(vm: Lab) -> Callable[[], None]:
    def run_it() -> None:
        done = run_invoke("run", SAMPLES / "hello.c")
        assert done.status == 0, done.stderr

    return run_it


def test_ctrl_c_ends_a_loop_that_calls_nobody(vm: Lab, then_hello_runs: Callable[[], None]) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "invoke", "run", str(SAMPLES / "loop.c")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    assert running.stdout.readline().startswith(b"looping")
    began = time.monotonic()
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    assert time.monotonic() - began < 5
    assert running.returncode == 130
    then_hello_runs()


def test_a_loop_is_left_within_a_second_and_cleaned_up_by_the_ta(
    vm: Lab, then_hello_runs: Callable[[], None]
) -> None:
    assert seconds_until_gone(vm, compiled(vm, "loop.c").signed, "TERM") < 5
    last = vm.fleet.machine_as_it_is("qemu").tail("secure", 5)
    assert any("the host app asked for the end of the run" in line for line in last), last
    then_hello_runs()


def test_a_loop_ends_even_when_its_host_app_is_killed(vm: Lab, then_hello_runs: Callable[[], None]) -> None:
    """Nobody is left to ask: the TEE notices that the host app gives no sign of life for 20 s."""
    assert 15 < seconds_until_gone(vm, compiled(vm, "loop.c").signed, "KILL") < 40
    last = vm.fleet.machine_as_it_is("qemu").tail("secure", 5)
    assert any("gave no sign of life" in line for line in last), last
    then_hello_runs()
