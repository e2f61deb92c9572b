"""Commands 20, 21 and 22 of the system PTA, called at random: the core lives, and keeps its promises."""

from __future__ import annotations

import os

import pytest

from teeforge.lab import Lab
from teeforge.machines.fleet import Place
from tests.fuzz.pta.driver import fuzz

from .conftest import SAMPLES, run_invoke

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

# More by hand: `.venv/bin/python -m tests.fuzz.pta --seconds 3600`
SECONDS = float(os.environ.get("TEEFORGE_PTA_FUZZ_SECONDS", "60"))


@pytest.mark.timeout(280 + SECONDS)
def test_no_script_gets_more_from_the_core_than_it_promises(vm: Lab) -> None:
    machine = vm.fleet.machine_as_it_is("qemu")
    with vm.deployed(Place("qemu")) as session:
        tally = fuzz(session, machine.failure, first=0, seconds=SECONDS)
    assert not tally.finds, tally.finds[0]
    assert tally.scripts >= 40, tally.line()
    for command in (20, 21, 22):
        assert tally.done[f"{command} done"] and tally.done[f"{command} refused"], tally.line()
    assert not machine.failure()
    done = run_invoke("run", SAMPLES / "hello.c")
    assert done.status == 0, done.stderr
