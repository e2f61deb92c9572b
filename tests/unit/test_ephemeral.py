"""Machines that disappear: when, and when not."""

from __future__ import annotations

from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.machines.ephemeral import Claim, is_ephemeral, sweep


class Targets:
    """A folder of machines, those that run, and what was halted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: set[str] = set()
        self.halted: list[str] = []

    def sweep(self) -> list[str]:
        """Sweep; return what is left."""
        sweep(self.folder, self.running.__contains__, self.halted.append)
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def targets(tmp_path: Path) -> Targets:
    return Targets(tmp_path / "targets")


def test_it_stays_as_long_as_somebody_is_in_charge(targets: Targets) -> None:
    claim = Claim(targets.folder / "a")
    assert is_ephemeral(claim.folder)
    assert targets.sweep() == ["a"]
    claim.close()
    assert targets.sweep() == []
    assert targets.halted == ["a"]


def test_one_that_was_handed_over_stays_as_long_as_it_runs(targets: Targets) -> None:
    claim = Claim(targets.folder / "a")
    claim.hand_over()
    claim.close()
    targets.running.add("a")
    assert targets.sweep() == ["a"]
    assert not targets.halted
    targets.running.clear()
    assert targets.sweep() == []


def test_a_machine_that_is_there_is_not_made_one_that_disappears(targets: Targets) -> None:
    kept = targets.folder / "a/tee"
    kept.mkdir(parents=True)
    with pytest.raises(TeeforgeError, match="there is a machine a already"):
        Claim(targets.folder / "a")
    assert targets.sweep() == ["a"]
    assert kept.is_dir()


def test_what_a_process_left_that_was_killed_on_the_way_is_swept(targets: Targets) -> None:
    part = targets.folder / ".part.1234"
    part.mkdir(parents=True)
    (part / "ephemeral").touch()
    assert targets.sweep() == []
    assert not targets.halted, "it had no machine yet"
