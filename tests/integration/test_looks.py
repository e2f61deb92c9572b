"""How messages look on a terminal, narrow or without colours, and in a pipe."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from teeforge.base.progress import folded
from tests.terminal import Terminal

from .conftest import Checkout

ROOT = Path(__file__).resolve().parents[2]
COLOUR = re.compile(r"\x1b\[(?:\d+;)*[34]\d")


@pytest.fixture
def mini(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    (checkout.root / "tasks.py").symlink_to(ROOT / "tasks.py")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return checkout


def shown(checkout: Checkout, *words: str, columns: int = 100, **variables: str) -> str:
    terminal = Terminal([sys.executable, "-m", "invoke", *words], checkout.root, columns=columns, **variables)
    terminal.status()
    terminal.wait(r"\n$")
    return terminal.shown


def test_an_error_fits_the_terminal(mini: Checkout) -> None:
    text = shown(mini, "run", "x.c", "--stack", "1", columns=40)
    lines = text.replace("\r", "").splitlines()
    assert lines[0].startswith("error: --stack 1: ") and lines[1].startswith("    ")
    assert max(map(len, lines)) <= 40
    assert lines[-1] == "hint: for example --stack 1MiB"


def test_what_is_to_be_pasted_stays_whole() -> None:
    assert folded("hint: type `invoke sign FILE --heap 4MiB` and then run it", 24).splitlines() == [
        "hint: type",
        "    `invoke sign FILE --heap 4MiB`",
        "    and then run it",
    ]
    for line in (
        "repeat it by hand: cd /a && make -j2 all",
        "apt install one two three four five",
        "    cc -O2 -c a.c",
    ):
        assert folded(line, 20) == line
    assert (
        folded("error: short\n    kept as it is, however long", 20)
        == "error: short\n    kept as it is, however long"
    )
    assert folded("/a/path/without/any/space/in/it", 10) == "/a/path/without/any/space/in/it"


def test_in_a_pipe_an_error_is_one_line(mini: Checkout) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "run", "x.c", "--stack", "1"],
        cwd=mini.root,
        env={**os.environ, "COLUMNS": "20"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert len(done.stderr.splitlines()) == 2


def test_colours_are_for_terminals_and_nobody_has_to_have_them(mini: Checkout) -> None:
    mini.recipe("letter", steps=["sleep 1", "make -C {source} O={out} TEXT={greeting.text} NAME=letter"])
    assert COLOUR.search(shown(mini, "build-all"))
    (mini.root / "overlays/letter/letter.in").write_text("another WHO\n")
    assert not COLOUR.search(shown(mini, "build-all", NO_COLOR="1"))
    (mini.root / "overlays/letter/letter.in").write_text("a third WHO\n")
    for words in (["build-all"], ["status"], ["--list"], ["doctor"]):
        done = subprocess.run(
            [sys.executable, "-m", "invoke", *words], cwd=mini.root, capture_output=True, check=False
        )
        assert done.stdout + done.stderr and b"\x1b" not in done.stdout + done.stderr


def test_halting_what_does_not_run_says_so(mini: Checkout) -> None:
    for words, told in (
        (["halt"], "qemu was off already\n"),
        (["halt", "--all"], "all machines were off already\n"),
        (["halt", "--name", "nobody"], "there is no machine nobody; there is qemu\n"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "invoke", *words],
            cwd=mini.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", told)
    assert not (mini.root / "build/targets/nobody").exists()
