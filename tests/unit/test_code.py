"""The figures of `invoke bench.code`: ratios of the least, their means, and what is missed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.benchmarks.code import Ready, lap_of
from teeforge.benchmarks.codereport import COUNTED, TIMED, Code, Laps
from teeforge.benchmarks.kernels import Kernel

GEMM = Laps((2_000_000, 9_000_000), (5_000_000, 4_000_000), (6_000_000, 4_200_000))
QUICK = Laps((1_000_000,), (500_000,), (505_000,))


def code(**found: Laps) -> Code:
    return Code("small", {COUNTED: found, TIMED: found})


def test_what_interrupted_a_run_does_not_count() -> None:
    assert GEMM.ratio("tee", "native") == 2.1
    assert GEMM.ratio("iwasm", "native") == 2.0


def test_the_mean_is_the_geometric_one() -> None:
    assert code(gemm=GEMM, quick=QUICK).mean(TIMED, "tee", "native") == pytest.approx((2.1 * 0.505) ** 0.5)


def test_seconds_and_instructions_have_goals_of_their_own() -> None:
    found = code(one=Laps((1000,), (1000,), (1150,)))
    assert found.missed(COUNTED) and not found.missed(TIMED)


def test_the_table_names_what_is_missed() -> None:
    lines = code(gemm=GEMM, quick=QUICK).lines()
    row = "gemm 2.00 4.00 4.20 2.000 2.100 1.050"
    assert row.split() == next(line.split() for line in lines if line.startswith("gemm"))
    verdicts = [line.split()[-1] for line in lines if line.startswith("goal")]
    assert verdicts == ["met", "met"]
    assert "\x1b" not in "".join(lines)
    assert sum(line.endswith("MISSED") for line in code(gemm=GEMM).lines()) == 2


def test_only_what_is_over_its_goal_is_red() -> None:
    lines = code(gemm=GEMM, quick=QUICK).lines(colour=True)
    assert re.findall(r"\x1b\[31m *(\S+?)\x1b\[0m", "".join(lines)) == ["2.100", "2.100"]
    assert "\x1b[31mMISSED\x1b[0m" in "\n".join(code(gemm=GEMM).lines(colour=True))


def test_columns_stand_below_their_heads() -> None:
    lines = code(gemm=GEMM, quick=QUICK).lines()
    head, row, mean, goal = lines[0], lines[1], lines[3], lines[4]
    end = head.index("TEE/native") + len("TEE/native")
    assert row[:end].endswith(" 2.100") and mean[:end].endswith(" 1.030") and goal[:end].endswith(" 1.100")


def test_the_report_is_json() -> None:
    told = json.loads(json.dumps(code(gemm=GEMM).as_json()))
    assert told["dataset"] == "small"
    assert told[TIMED]["kernels"]["gemm"]["native"] == [2_000_000, 9_000_000]
    assert told[TIMED]["kernels"]["gemm"]["tee_over_native"] == 2.1
    assert told[COUNTED]["mean"]["tee_over_iwasm"] == 1.05
    assert (told[COUNTED]["goal"], told[TIMED]["missed"]) == ({"tee_over_native": 1.1}, True)


def test_on_a_board_there_are_seconds_only() -> None:
    found = Code("small", {TIMED: {"gemm": GEMM}})
    assert set(found.as_json()) == {"dataset", TIMED}
    assert not any(line.startswith(COUNTED) for line in found.lines())


def test_the_last_lap_counts() -> None:
    assert lap_of("lap 12\nchatter\nlap 7\n", "gemm") == 7


@pytest.mark.parametrize("output", ["", "overlap 3\n", "lap 0\n", "lap -4\n", "lap x\n"])
def test_a_program_that_tells_no_lap_is_no_measurement(output: str) -> None:
    with pytest.raises(TeeforgeError, match="gemm does not say how long it took"):
        lap_of(output, "gemm")


def test_each_world_has_its_own_command() -> None:
    ready = Ready(Kernel("gemm", (), (), ("2",)), Path("native"), Path("aot"), 4096)
    program, module = (upload.remote for upload in ready.files)
    assert ready.command("native") == (program, "2")
    assert ready.command("iwasm", "dump") == ("iwasm", module, "dump")
    assert ready.command("tee") == ("optee_wamr", "--quiet", "4096", module, "2")
