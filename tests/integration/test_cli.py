"""The command line as a user meets it: exit statuses, one clear line, never a stack trace."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import Checkout

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def mini(checkout: Checkout) -> Checkout:
    (checkout.root / "tasks.py").symlink_to(ROOT / "tasks.py")
    return checkout


def invoke(checkout: Checkout, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *arguments],
        cwd=checkout.root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_build_all_builds_and_the_second_time_does_nothing(mini: Checkout) -> None:
    assert invoke(mini, "build-all").returncode == 0
    assert invoke(mini, "build-all").returncode == 0
    assert (mini.runs("greeting"), mini.runs("letter")) == (1, 1)


def test_a_component_made_on_request_is_built_only_by_name(mini: Checkout) -> None:
    mini.recipe("letter", on_request=True)
    assert invoke(mini, "build-all").returncode == 0
    assert (mini.runs("greeting"), mini.runs("letter")) == (1, 0)
    assert invoke(mini, "build", "letter").returncode == 0
    assert mini.runs("letter") == 1


def test_a_build_killed_at_any_moment_goes_on_next_time(mini: Checkout) -> None:
    mini.recipe("greeting", steps=["sleep 0.3", "make -C {source} O={out} NAME=greeting"])
    command = [sys.executable, "-m", "invoke", "build-all"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    for seconds in (0.1, 0.3, 0.5, 0.7):
        child = subprocess.Popen(command, cwd=mini.root, env=env, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        child.kill()
        child.wait()
    assert invoke(mini, "build-all").returncode == 0
    done = invoke(mini, "status")
    assert done.stdout.count("up to date") == 2


def test_an_unknown_key_is_one_line_with_the_file_and_line(mini: Checkout) -> None:
    mini.configure(toolchian={})
    done = invoke(mini, "build-all")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {mini.root}/config.yaml:")
    assert "did you mean `toolchain`?" in done.stderr


def test_an_unknown_component_gets_the_nearest_name(mini: Checkout) -> None:
    done = invoke(mini, "build", "leter")
    assert (done.returncode, done.stderr) == (
        1,
        "error: no component is called `leter`\nhint: did you mean `letter`?\n",
    )


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["biuld"], "there is no task `biuld`", "did you mean `build`?"),
        (["xyzzy"], "there is no task `xyzzy`", "`invoke --list` tells which there are"),
        (["run", "x.c", "--heep", "3"], "run: there is no option --heep", "did you mean `--heap`?"),
        (
            ["halt", "--xyzzy"],
            "halt: there is no option --xyzzy",
            "`invoke --help halt` tells which there are",
        ),
        (["run"], "run: FILE is missing", "`invoke --help run` tells what it is"),
        (["halt", "--name"], "halt: --name lacks its value", "`invoke --help halt` tells what it is"),
    ],
)
def test_what_is_mistyped_gets_the_nearest_name(
    mini: Checkout, words: list[str], error: str, hint: str
) -> None:
    done = invoke(mini, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {error}\nhint: {hint}")


def test_an_unknown_target_is_named_with_the_known_ones(mini: Checkout) -> None:
    done = invoke(mini, "halt", "--target", "quemu")
    assert done.returncode == 1
    assert "config.yaml has no target `quemu`" in done.stderr


def test_outside_a_checkout_it_says_so(mini: Checkout, tmp_path: Path) -> None:
    (tmp_path / "tasks.py").symlink_to(ROOT / "tasks.py")
    mini.root = tmp_path
    done = invoke(mini, "status")
    assert done.returncode == 1
    assert "no config.yaml in" in done.stderr


def test_a_program_that_is_not_there_is_one_line(mini: Checkout) -> None:
    done = invoke(mini, "run", "no-such.wasm")
    assert done.returncode == 1
    assert "no-such.wasm" in done.stderr


def test_clean_keeps_products_and_everything_removes_them(mini: Checkout) -> None:
    invoke(mini, "build-all")
    assert invoke(mini, "clean").returncode == 0
    assert (mini.root / "build/store/letter").is_dir()
    assert invoke(mini, "clean", "--everything").returncode == 0
    assert not (mini.root / "build").exists()


def test_a_full_disk_is_one_line(mini: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEEFORGE_MIN_FREE_MIB", str(1 << 40))
    done = invoke(mini, "build-all")
    assert done.returncode == 1
    assert "is full" in done.stderr


def test_the_list_has_a_line_of_help_for_every_task_below_its_subject(mini: Checkout) -> None:
    told = invoke(mini, "--list").stdout
    *parts, last = told.strip().split("\n\n")
    assert 5 <= len(parts) <= 10 and last.startswith("`invoke --help TASK`")
    for part in parts:
        subject, *lines = part.splitlines()
        assert subject[0].isupper() and lines
        # Each help fits its line: a continuation would be indented further.
        assert all(len(line.split(maxsplit=1)) == 2 and line[:2] == "  " and line[2] != " " for line in lines)
    assert max(map(len, told.splitlines())) <= 80
    assert "\n  bench.code " in told and "\n  store.prune " in told and "\n  store  " in told
    assert "Available 'store' tasks" in invoke(mini, "--list", "store").stdout
    names = json.loads(invoke(mini, "--list", "--list-format=json").stdout)
    assert {"run", "build-all"} <= {task["name"] for task in names["tasks"]}


def test_without_a_task_the_list_is_shown(mini: Checkout) -> None:
    assert invoke(mini).stdout == invoke(mini, "--list").stdout


@pytest.mark.parametrize("words", [["--list"], ["--help", "run"], ["status"]])
def test_a_reader_that_goes_away_gets_no_stack_trace(mini: Checkout, words: list[str]) -> None:
    command = shlex.join([sys.executable, "-m", "invoke", *words])
    done = subprocess.run(
        # What it prints comes when its reader has long gone.
        ["bash", "-c", f"{{ sleep 0.2; {command}; }} | true; exit ${{PIPESTATUS[0]}}"],
        cwd=mini.root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (141, "")


def test_json_is_all_that_a_script_gets_on_stdout(mini: Checkout) -> None:
    for words in (["status"], ["store"], ["plan"], ["doctor"]):
        assert isinstance(json.loads(invoke(mini, *words, "--json").stdout), list | dict)
