"""What `invoke bench.compile` makes of what it measured."""

from __future__ import annotations

from teeforge.benchmarks.compiling import BEFORE, FULL, QUICK, Compiled, Taken

MIB = 1 << 20


def taken(*cpu: float) -> list[Taken]:
    return [Taken(seconds=one / 2, cpu=one, memory=40 * MIB, size=MIB) for one in cpu]


def test_cpu_time_is_compared_turn_by_turn() -> None:
    found = Compiled(2, {"a.c": {FULL: taken(2, 30, 3), QUICK: taken(1, 1, 1), BEFORE: taken(4, 60, 5)}})
    assert found.over_before("a.c", FULL) == 0.5
    assert found.over_before("a.c", BEFORE) is None
    assert found.as_json()["programs"]["a.c"][QUICK]["cpu_over_before"] == 0.2


def test_a_goal_that_is_missed_is_told() -> None:
    lines = Compiled(1, {"a.c": {FULL: taken(3), QUICK: taken(1), BEFORE: taken(6)}}).lines()
    full, quick, before = lines[1:4]
    assert "0.50 of its CPU time, the goal is 0.2" in full
    assert quick.endswith("0.17 of its CPU time") and before.endswith("1.00 MiB")


def test_without_another_wamrc_nothing_is_compared() -> None:
    found = Compiled(1, {"a.c": {FULL: taken(3)}})
    assert found.over_before("a.c", FULL) is None and "of its CPU time" not in "".join(found.lines())
