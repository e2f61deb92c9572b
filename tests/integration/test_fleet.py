"""The machines of a checkout: which there are, halting them all, and those that disappear."""

from __future__ import annotations

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.building.builder import Builder
from teeforge.machines.fleet import Fleet, Place
from teeforge.settings.config import Config, QemuTarget, SshTarget
from teeforge.settings.workspace import Workspace

from .bench import SLEEPER, Bench, is_alive, needs_qemu, pid_of

pytestmark = needs_qemu

BOARD = SshTarget("ssh", "board.example", "ssh-ed25519 AAAA")


def no_builder() -> Builder:
    raise AssertionError("to look at machines nothing is built")


@pytest.fixture
def fleet(bench: Bench) -> Fleet:
    targets: dict[str, QemuTarget | SshTarget] = {
        "qemu": QemuTarget("qemu"),
        "large": QemuTarget("qemu"),
        "board": BOARD,
    }
    return Fleet(Config({}, targets), Workspace(bench.folder, bench.folder), no_builder)


def test_machines_are_those_of_the_config_and_those_that_were_started(bench: Bench, fleet: Fleet) -> None:
    assert fleet.machines() == ["qemu", "large"]
    bench.machine(SLEEPER, "b").boot()
    bench.machine(SLEEPER, "a").boot()
    assert fleet.machines() == ["qemu", "large", "a", "b"]
    bench.machines[0].halt()
    assert fleet.machines() == ["qemu", "large", "a", "b"], "its secure storage is still there"


def test_all_are_halted_by_one_word(bench: Bench, fleet: Fleet) -> None:
    machines = [bench.machine(SLEEPER, name) for name in ("a", "qemu")]
    for machine in machines:
        machine.boot()
    pids = [pid_of(machine) for machine in machines]
    fleet.halt_all()
    assert not any(is_alive(pid) for pid in pids)
    assert {machine.state() for machine in machines} == {"off"}


def test_an_ephemeral_machine_is_gone_when_the_block_ends_come_what_may(bench: Bench, fleet: Fleet) -> None:
    with pytest.raises(KeyboardInterrupt), fleet.ephemeral(Place("qemu")) as place:
        machine = bench.machine(SLEEPER, place.name)
        machine.boot()
        pid = pid_of(machine)
        assert place.name in fleet.machines()
        raise KeyboardInterrupt
    assert not is_alive(pid)
    assert not machine.folder.exists()
    assert place.name not in fleet.machines()


def test_one_that_was_handed_over_is_gone_when_it_is_halted(bench: Bench, fleet: Fleet) -> None:
    with fleet.ephemeral(Place("qemu", "a"), hand_over=True) as place:
        machine = bench.machine(SLEEPER, place.name)
        machine.boot()
    fleet.sweep()
    assert machine.state() == "ssh"
    fleet.halt(place)
    assert not machine.folder.exists()


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place("board", "a"), "board is a board: there is one of it"),
        (Place("qemu", "large"), "config.yaml has a target of that name"),
        (Place("board"), "board is a board: it cannot disappear"),
        (Place("none"), "config.yaml has no target `none`"),
    ],
)
def test_a_place_that_cannot_be_is_told_before_anything_is_made(
    bench: Bench, fleet: Fleet, place: Place, words: str
) -> None:
    with pytest.raises(TeeforgeError, match=words), fleet.ephemeral(place):
        pass
    assert not (bench.folder / "targets").exists()
