"""The same AOT in both worlds: what differs is the world's doing, not the compiler's."""

from __future__ import annotations

from pathlib import Path

import pytest

from teeforge.lab import Lab

from .conftest import SAMPLES, run_invoke

pytestmark = pytest.mark.e2e

# loop.c never ends, and env.c prints what no two runs have in common
ALONE = ("env.c", "loop.c", "trap.c")
CASES = [(path, "") for path in sorted(SAMPLES.glob("*.c")) if path.name not in ALONE]
CASES += [(SAMPLES / "trap.c", how) for how in ("unreachable", "oob", "recursion")]


@pytest.mark.parametrize(("sample", "arguments"), CASES, ids=lambda value: Path(value).name)
def test_both_worlds_print_and_end_the_same(vm: Lab, sample: Path, arguments: str) -> None:
    words: list[str | Path] = ["run", sample, *(["--args", arguments] if arguments else [])]
    secure = run_invoke(*words)
    normal = run_invoke(*words, "--where", "normal")
    assert (normal.status, normal.stdout) == (secure.status, secure.stdout), normal.stderr + secure.stderr
    assert "measured by the TA" in secure.stderr
    assert "measured by the TA" not in normal.stderr
    if secure.status == 124:
        reasons = [told.stderr.split("trapped: ")[1].split(";")[0].strip() for told in (secure, normal)]
        assert reasons[0] == reasons[1]


def test_arguments_and_environment_arrive_in_the_normal_world_as_well(vm: Lab) -> None:
    words: list[str | Path] = [
        "run",
        SAMPLES / "env.c",
        "--args",
        "one 'two words'",
        "--env",
        "GREETING=grüß dich",
    ]
    told = [run_invoke(*words, "--where", where).stdout.decode() for where in ("secure", "normal")]
    same = [[line for line in text.splitlines() if line.startswith(("argv[", "environ:"))] for text in told]
    assert same[0] == same[1]
    assert len(same[0]) == 4
    assert all("all right" in text for text in told)


def test_a_world_that_does_not_exist_is_one_line() -> None:
    done = run_invoke("run", SAMPLES / "hello.c", "--where", "nether")
    assert done.status == 1
    assert "--where nether: there is no such world\nhint: give secure or normal" in done.stderr
