"""A board: here the machine of QEMU, addressed as any host that has SSH and OP-TEE."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from teeforge.lab import Lab

from .conftest import ROOT, SAMPLES, run_invoke

pytestmark = pytest.mark.e2e

COPY = """
#include <stdio.h>
int main(int argc, char **argv) {
	char line[80];
	FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
	return !file || !fgets(line, sizeof(line), file) || fputs(line, stdout) < 0;
}
"""
BOARD = """
  board:
    kind: ssh
    host: {host}
    port: {port}
    host_key: {host_key}
"""


@pytest.fixture(autouse=True)
def board(vm: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a config.yaml in which the running machine is a board as well."""
    address = vm.fleet.machine_as_it_is("qemu").target().address
    told = BOARD.format(host=address.host, port=address.port, host_key=address.host_key)
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    assert "\ntargets:\n" in text
    config = tmp_path / "config.yaml"
    config.write_text(text.replace("\ntargets:\n", f"\ntargets:{told}"), encoding="utf-8")
    monkeypatch.setenv("TEEFORGE_CONFIG", str(config))


def test_deploy_sends_to_a_board_what_differs_and_then_nothing() -> None:
    first, again = (run_invoke("deploy", "--target", "board") for _ in range(2))
    assert first.status == again.status == 0, again.stderr
    assert "board:/" not in again.stderr


def test_a_program_runs_on_a_board_with_arguments_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "lent").mkdir()
    (tmp_path / "lent/file").write_text("from here\n")
    (tmp_path / "copy.c").write_text(COPY)
    place = ("--target", "board")
    done = run_invoke(
        "run", tmp_path / "copy.c", *place, "--dir", f"{tmp_path}/lent::/lent", "--", "/lent/file"
    )
    greeting = run_invoke("run", SAMPLES / "hello.c", *place)
    assert (greeting.status, b"hello" in greeting.stdout.lower()) == (0, True), greeting.stderr
    assert (done.status, done.stdout) == (0, b"from here\n"), done.stderr


def test_evidence_of_a_board_is_verified(tmp_path: Path) -> None:
    out = tmp_path / "token"
    done = run_invoke("attest", SAMPLES / "hello.c", "--target", "board", "--nonce", "ab" * 16, "--out", out)
    assert done.status == 0, done.stderr
    done = run_invoke("verify", out, "--nonce", "ab" * 16)
    assert done.status == 0, done.stderr


def test_the_largest_heap_of_a_board_is_found_by_trying() -> None:
    done = run_invoke("heap-bounds", SAMPLES / "hello.c", "--target", "board", "--json")
    assert done.status == 0, done.stderr
    assert json.loads(done.stdout)["largest"]["found"] > 1 << 20


def test_a_board_is_not_started_but_asked_whether_it_answers() -> None:
    done = run_invoke("boot", "--target", "board")
    assert (done.status, "board answers" in done.stderr) == (0, True), done.stderr


@pytest.mark.parametrize("task", ["halt", "console"])
def test_what_only_a_machine_of_ours_has_is_refused_in_a_line(task: str) -> None:
    done = run_invoke(task, "--target", "board")
    assert done.status != 0
    assert "board" in done.stderr and len(done.stderr.splitlines()) <= 2, done.stderr
