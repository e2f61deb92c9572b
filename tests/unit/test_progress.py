"""What is shown while something takes long."""

from __future__ import annotations

import pytest

from teeforge.base.progress import time_left


@pytest.mark.parametrize(
    ("done", "total", "seconds", "told"),
    [
        (50, 100, 30, "30 s left"),
        (10, 100, 9, "81 s left"),
        (10, 100, 60, "9 min left"),
        (1, 232, 60, "231 min left"),
        # Not known yet, nothing left, or more than was thought.
        (0, 100, 60, ""),
        (50, 100, 0.5, ""),
        (100, 100, 60, ""),
        (101, 100, 60, ""),
        (0, 0, 60, ""),
    ],
)
def test_the_time_that_is_left_follows_from_the_time_that_was_taken(
    done: float, total: float, seconds: float, told: str
) -> None:
    assert time_left(done, total, seconds) == told
