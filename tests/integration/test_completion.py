"""TAB in real shells, with the scripts that `invoke completion` prints."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from teeforge import __version__

from .conftest import Checkout

ROOT = Path(__file__).resolve().parents[2]
# What a shell's user types before TAB, and what is offered.
TYPED = {
    ("build", "le"): ["letter"],
    ("halt", "--name", ""): ["qemu"],
    ("run", "sa"): ["samples/hello.c", "samples/it's $HOME.c"],
    ("run", "x.c", "--whe"): ["--where"],
}


@pytest.fixture
def inv(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An inv of a made-up checkout, which is where the user stands."""
    (checkout.root / "tasks.py").symlink_to(ROOT / "tasks.py")
    (checkout.root / "samples").mkdir()
    for name in ("hello.c", "it's $HOME.c", "notes.txt"):
        (checkout.root / "samples" / name).touch()
    made = checkout.root / "inv"
    made.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m invoke "$@"\n')
    made.chmod(0o755)
    monkeypatch.chdir(checkout.root)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return made


def told(*argv: str | Path, **variables: str) -> str:
    done = subprocess.run(
        argv,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def bash(script: str, words: tuple[str, ...]) -> list[str]:
    typed = shlex.join(["./inv", *words])
    asked = f'{script}\nCOMP_WORDS=({typed}); COMP_CWORD={len(words)}; _teeforge ./inv "{words[-1]}" x'
    # As it would stand on the command line, with quotes; the shell that reads it takes them away again.
    return told(
        "bash", "-c", f'{asked}; for one in "${{COMPREPLY[@]}}"; do eval "echo $one"; done'
    ).splitlines()


def zsh(script: str, words: tuple[str, ...]) -> list[str]:
    # Without a terminal zsh completes nothing: what its function would offer is printed instead.
    fake = """
        compdef() { : } ; _files() { : }
        compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -l -- "$@" }
    """
    typed = shlex.join(["./inv", *words])
    return told(
        "zsh", "-f", "-c", f"{fake}\n{script}\nwords=({typed}); CURRENT={len(words) + 1}; _teeforge"
    ).splitlines()


def fish(script: str, words: tuple[str, ...]) -> list[str]:
    typed = shlex.join(["./inv", *words[:-1]]) + f" {words[-1]}"
    asked = f"{script}\ncomplete --do-complete {shlex.quote(typed)}"
    return [line.partition("\t")[0] for line in told("fish", "--no-config", "-c", asked).splitlines()]


@pytest.mark.parametrize("shell", [bash, zsh, fish], ids=lambda shell: shell.__name__)
def test_a_shell_completes_components_machines_samples_and_options(
    inv: Path, shell: Callable[[str, tuple[str, ...]], list[str]]
) -> None:
    if shutil.which(shell.__name__) is None:
        pytest.skip(f"{shell.__name__} is not installed")
    script = told(inv, "completion", shell.__name__)
    for words, offered in TYPED.items():
        assert shell(script, words) == offered, words


def test_another_shell_is_told_which_there_are(inv: Path) -> None:
    done = subprocess.run([inv, "completion", "tcsh"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: completion tcsh: there is no script for it\nhint: give bash, zsh, fish\n"


def test_before_there_is_an_environment_nothing_is_completed_and_none_made(tmp_path: Path) -> None:
    shutil.copy(ROOT / "inv", tmp_path / "inv")
    (tmp_path / "tasks.py").touch()
    assert told(tmp_path / "inv", "--complete", "--", "./inv", "bu") == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inv", "tasks.py"]


def test_the_version_is_ours_and_asked_for_without_an_environment(tmp_path: Path) -> None:
    for name in ("inv", "teeforge/__init__.py", "tasks.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    assert told(tmp_path / "inv", "--version") == f"teeforge {__version__}\n"
    assert not (tmp_path / ".venv").exists()
