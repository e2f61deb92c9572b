"""The figures of `invoke bench`: ratios, and repetitions that take turns."""

from __future__ import annotations

import json

import pytest

from teeforge.benchmarks.start import Figure, Start, _rounds


def figures() -> Start:
    startup = {"/bin/true": Figure((10.0, 12.0, 30.0)), "hello, TEE, cold": Figure((60.0, 48.0, 50.0))}
    compute = {"slow.c": (Figure((200.0, 210.0, 900.0)), Figure((100.0, 100.0, 300.0)))}
    return Start(startup, {**compute, "fast.c": (Figure((50.0,)), Figure((100.0,)))})


def test_start_up_is_a_ratio_of_medians() -> None:
    assert figures().as_json()["startup_over_true"] == {
        "/bin/true": 1.0,
        "hello, TEE, cold": round(50 / 12, 2),
    }


def test_computing_is_the_median_of_ratios_of_neighbours() -> None:
    told = figures().as_json()
    assert told["secure_over_normal"] == {"slow.c": 2.1, "fast.c": 0.5}
    assert told["secure_over_normal_mean"] == round((2.1 * 0.5) ** 0.5, 3)


def test_the_report_is_json_and_the_table_has_every_figure() -> None:
    json.dumps(figures().as_json())
    table = "\n".join(figures().lines())
    for words in ("/bin/true", "hello, TEE, cold", "slow.c, TEE", "2.100", "geometric mean"):
        assert words in table


@pytest.mark.parametrize(("repeat", "rounds"), [(1, [1]), (3, [1, 1, 1]), (10, [3, 3, 2, 2])])
def test_repetitions_take_turns(repeat: int, rounds: list[int]) -> None:
    assert _rounds(repeat) == rounds
    assert sum(rounds) == repeat
