"""Commands that fail: how they ended, in words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.base.process import run, run_logged


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo no >&2; exit 3", "sh failed with exit status 3: no"),
        ("kill -9 $$", "sh was ended by SIGKILL (out of memory?): it said nothing"),
        ("kill -SEGV $$", "sh was ended by SIGSEGV: it said nothing"),
    ],
)
def test_a_command_that_fails_says_how_it_ended(script: str, told: str) -> None:
    with pytest.raises(TeeforgeError) as error:
        run(["sh", "-c", script])
    assert error.value.message == told


def test_so_does_a_step_of_a_build(tmp_path: Path) -> None:
    with pytest.raises(TeeforgeError, match=r"^sh was ended by SIGKILL \(out of memory\?\):"):
        run_logged(["sh", "-c", "kill -9 $$"], cwd=tmp_path, env=os.environ, log=tmp_path / "log")
