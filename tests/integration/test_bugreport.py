"""`invoke doctor --report`: one file that can be attached to an issue."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from .conftest import Checkout

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def mini(checkout: Checkout) -> Checkout:
    (checkout.root / "tasks.py").symlink_to(ROOT / "tasks.py")
    (checkout.root / "desk").mkdir()
    return checkout


def invoke(checkout: Checkout, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=checkout.root / "desk",
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(checkout.root), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def reported(checkout: Checkout, **variables: str) -> str:
    done = invoke(checkout, "doctor", "--report", **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("teeforge-report.txt is written.")
    return (checkout.root / "desk/teeforge-report.txt").read_text()


def test_it_has_versions_settings_and_the_end_of_the_step_that_failed(mini: Checkout) -> None:
    assert invoke(mini, "build", "greeting").returncode == 0
    mini.recipe("letter", steps=["sh -c 'seq 200; echo the ink is dry; exit 3'"])
    assert invoke(mini, "build", "letter").returncode == 1
    text = reported(mini)
    for line in (
        "== versions and host",
        "teeforge     0.",
        "python       3.",
        "greeting             up to date",
        "git  ",
    ):
        assert line in text
    failed = text.partition("== the last step that failed")[2]
    assert "letter.log:" in failed and "the ink is dry\n# failed with exit status 3\n" in failed
    assert "\n200\n" in failed and "\n100\n" not in failed


def test_a_step_that_works_again_is_none_that_failed(mini: Checkout) -> None:
    mini.recipe("greeting", steps=["false"])
    assert invoke(mini, "build", "greeting").returncode == 1
    assert "greeting.log:" in reported(mini)
    mini.recipe("greeting", steps=["make -C {source} O={out} NAME=greeting"])
    assert invoke(mini, "build", "greeting").returncode == 0
    assert "none, as far as build/logs tells" in reported(mini)


def test_nobody_learns_from_it_who_and_where_the_user_is(mini: Checkout) -> None:
    mini.configure(
        targets={
            "board": {
                "kind": "ssh",
                "host": "board.secret.example",
                "host_key": "ssh-ed25519 AAAA",
                "user": "op",
            }
        },
        mirrors={"https://github.com/": "https://me:hunter22@mirror.example/"},
    )
    home = str(mini.root)
    text = reported(
        mini, HOME=home, USER="gerda", LOGNAME="gerda", MY_TOKEN="0123456789", https_proxy="http://p:pw@x"
    )
    for secret in ("secret.example", "AAAA", "hunter22", "0123456789", "gerda", home, "p:pw"):
        assert secret not in text
    assert "https://(removed)@mirror.example/" in text and "https_proxy" in text
    assert (
        yaml.safe_load(text.partition("== config.yaml")[2].partition("== ")[0])["targets"]["board"]["kind"]
        == "ssh"
    )


def test_settings_that_are_wrong_are_no_reason_for_no_report(mini: Checkout) -> None:
    mini.configure(toolchian={})
    text = reported(mini)
    assert "cannot be found out: " in text and "did you mean `toolchain`?" in text
    assert "toolchian: {}" in text
    (mini.root / "config.yaml").write_text("a: [\n")
    assert "== versions and host\n\nteeforge" in reported(mini)


def test_a_failure_of_teeforge_itself_is_in_it(mini: Checkout) -> None:
    (mini.root / "teeforge-x.log").write_text("Traceback (most recent call last):\nKeyError: 'snow'\n")
    assert "KeyError: 'snow'" in reported(mini).partition("== the last failure of teeforge itself")[2]


def test_a_script_gets_the_path(mini: Checkout) -> None:
    told = json.loads(invoke(mini, "doctor", "--report", "--json").stdout)
    assert told == {"report": str(mini.root / "desk/teeforge-report.txt")}


def test_a_folder_that_cannot_be_written_is_told(mini: Checkout) -> None:
    (mini.root / "desk/teeforge-report.txt").mkdir()
    done = invoke(mini, "doctor", "--report")
    assert done.returncode == 1 and "teeforge-report.txt cannot be written: Is a directory" in done.stderr
