"""The figures of `invoke bench.code`: ratios of the least, their means, and what is missed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.benchmarks.code import Ready, lap_of
from teeforge.benchmarks.codereport import BEFORE, COUNTED, IWASM, NATIVE, TEE, TIMED, Code, Laps, ratios
from teeforge.benchmarks.kernels import Kernel


def laps(native: tuple[int, ...], iwasm: tuple[int, ...], tee: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return {NATIVE: native, IWASM: iwasm, TEE: tee}


GEMM = laps((2_000_000, 9_000_000), (5_000_000, 4_000_000), (6_000_000, 4_200_000))
QUICK = laps((1_000_000,), (500_000,), (505_000,))


def code(**found: Laps) -> Code:
    return Code("small", {COUNTED: found, TIMED: found})


def test_what_interrupted_a_run_does_not_count() -> None:
    assert ratios(GEMM) == {(IWASM, NATIVE): 2.0, (TEE, NATIVE): 2.1, (TEE, IWASM): 1.05}


def test_the_mean_is_the_geometric_one() -> None:
    assert code(gemm=GEMM, quick=QUICK).means(TIMED)[TEE, NATIVE] == pytest.approx((2.1 * 0.505) ** 0.5)


def test_seconds_and_instructions_have_goals_of_their_own() -> None:
    found = code(one=laps((1000,), (1000,), (1150,)))
    assert {goal.what: goal.verdict for goal in found.goals()} == {
        "TEE over native, instructions": "MISSED",
        "TEE over native, seconds": "met",
    }


def test_another_compiler_adds_a_column_and_a_goal() -> None:
    found = code(gemm={**GEMM, BEFORE: (6_000_000,)}, quick={**QUICK, BEFORE: (1_010_000,)})
    assert found.means(TIMED)[TEE, BEFORE] == pytest.approx((0.7 * 0.5) ** 0.5)
    assert [goal.what for goal in found.goals() if goal.most == 0.65] == [
        "TEE over before, instructions",
        "TEE over before, seconds",
    ]
    assert next(line for line in found.lines() if line.startswith("gemm")).endswith(
        "6.00         2.000         2.100         1.050         0.700"
    )
    assert found.as_json()[TIMED]["goal"] == {"tee_over_native": 1.2, "tee_over_before": 0.65}


def test_the_table_names_what_is_missed() -> None:
    lines = code(gemm=GEMM, quick=QUICK).lines()
    row = "gemm 2.00 4.00 4.20 2.000 2.100 1.050"
    assert row.split() == next(line.split() for line in lines if line.startswith("gemm"))
    assert [line.split() for line in lines if line.endswith("met")] == [["met"], ["met"]]
    assert "\x1b" not in "".join(lines)
    assert [line.split() for line in code(gemm=GEMM).lines()].count(["MISSED"]) == 2


def test_only_what_is_over_its_goal_is_red() -> None:
    lines = code(gemm=GEMM, quick=QUICK).lines(colour=True)
    assert re.findall(r"\x1b\[31m *(\S+?)\x1b\[0m", "".join(lines)) == ["2.100", "2.100"]
    assert "MISSED\x1b[0m" in "\n".join(code(gemm=GEMM).lines(colour=True))


def test_columns_stand_below_their_heads() -> None:
    lines = code(gemm=GEMM, quick=QUICK).lines()
    end = lines[0].index("TEE/native") + len("TEE/native")
    assert [line[:end].split()[-1] for line in (lines[1], *lines[3:6])] == ["2.100", "1.030", "1.100", "met"]


def test_the_report_is_json() -> None:
    told = json.loads(json.dumps(code(gemm=GEMM).as_json()))
    assert told["dataset"] == "small"
    assert told[TIMED]["kernels"]["gemm"]["native"] == [2_000_000, 9_000_000]
    assert told[TIMED]["kernels"]["gemm"]["tee_over_native"] == 2.1
    assert told[COUNTED]["mean"]["tee_over_iwasm"] == 1.05
    assert told[COUNTED]["goal"] == {"tee_over_native": 1.1}
    assert told[TIMED]["verdict"] == {"tee_over_native": "MISSED"}


def test_on_a_board_there_are_seconds_only() -> None:
    found = Code("small", {TIMED: {"gemm": GEMM}})
    assert set(found.as_json()) == {"dataset", TIMED}
    assert not any(line.startswith(COUNTED) for line in found.lines())


def test_the_lower_quartile_of_the_laps_counts() -> None:
    assert lap_of("lap 12\nchatter\nlap 7\n", "gemm") == 7
    assert lap_of("".join(f"lap {n}\n" for n in (90, 12, 11, 80, 13, 70, 60, 14)), "gemm") == 13


@pytest.mark.parametrize("output", ["", "overlap 3\n", "lap 0\n", "lap -4\n", "lap x\n"])
def test_a_program_that_tells_no_lap_is_no_measurement(output: str) -> None:
    with pytest.raises(TeeforgeError, match="gemm does not say how long it took"):
        lap_of(output, "gemm")


def test_each_world_has_its_own_command() -> None:
    ready = Ready(Kernel("gemm", (), (), ("2",)), Path("native"), Path("aot"), Path("signed"), 4096)
    program, plain, module = (upload.remote for upload in ready.files)
    assert [upload.local for upload in ready.files] == [Path("native"), Path("aot"), Path("signed")]
    assert ready.worlds == (NATIVE, IWASM, TEE)
    assert ready.command(NATIVE) == (program, "2")
    assert ready.command(IWASM, "dump") == ("iwasm", plain, "dump")
    assert ready.command(TEE) == ("optee_wamr", "--quiet", "4096", module, "2")


def test_the_code_of_another_compiler_runs_in_iwasm() -> None:
    kernel = Kernel("gemm", (), (), ("2",))
    ready = Ready(kernel, Path("native"), Path("aot"), Path("signed"), 4096, Path("other"))
    *_, other = ready.files
    assert (ready.worlds[-1], other.local) == (BEFORE, Path("other"))
    assert ready.command(BEFORE) == ("iwasm", other.remote, "2")
