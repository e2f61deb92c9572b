"""How the benchmarks in C take the time (overlays/bench/code/lap.c), with clocks of any tick."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

CODE = Path(__file__).resolve().parents[2] / "overlays/bench/code"
# Its clock_gettime() is found before the C library's: it goes on when it is asked and as work is done.
PROGRAM = """
#include <stdlib.h>
#include <time.h>
#include "lap.h"

static long long now = 1234567890123, tick, asking, late;

int clock_gettime(clockid_t clock, struct timespec *time)
{
	static int asked;

	(void)clock;
	now += asking;
	/* One of the calls in the first tick is interrupted */
	if (++asked == 3)
		now += late;
	time->tv_sec = now / tick * tick / 1000000000;
	time->tv_nsec = now / tick * tick % 1000000000;
	return 0;
}

int main(int argc, char *argv[])
{
	(void)argc;
	tick = atoll(argv[1]);
	asking = atoll(argv[2]);
	late = atoll(argv[3]);
	lap_begin();
	now += atoll(argv[4]);
	lap_end();
	lap_print();
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lap")
    source = folder / "main.c"
    source.write_text(PROGRAM)
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", f"-I{CODE}"]
    subprocess.run(["gcc", *flags, source, CODE / "lap.c", "-o", folder / "lap"], check=True)
    return folder / "lap"


def lap(program: Path, *words: int) -> int:
    done = subprocess.run([program, *map(str, words)], check=True, capture_output=True, text=True, timeout=20)
    word, nanoseconds = done.stdout.split()
    assert word == "lap"
    return int(nanoseconds)


@pytest.mark.parametrize("work", [1_000, 300_000, 999_999, 1_000_000, 7_654_321, 2_000_000_000])
def test_a_clock_of_milliseconds_tells_a_lap_to_one_time_of_asking(program: Path, work: int) -> None:
    asking = 13_000
    assert abs(lap(program, 1_000_000, asking, 0, work) - work) <= asking


@pytest.mark.parametrize("work", [100, 12_345, 7_654_321])
def test_a_clock_of_nanoseconds_tells_it_as_well(program: Path, work: int) -> None:
    assert abs(lap(program, 16, 96, 0, work) - work) <= 96


@pytest.mark.parametrize("tick", [16, 1_000_000])
def test_an_interruption_while_it_is_set_up_is_not_taken_for_the_clock(program: Path, tick: int) -> None:
    assert lap(program, tick, 96, 5_500_000, 3_000_000) == pytest.approx(3_000_000, rel=0.001)


def test_the_shortest_lap_is_what_can_be_told_apart(program: Path) -> None:
    assert 0 < lap(program, 1_000_000, 13_000, 0, 0) <= 13_000
