"""`invoke dev` as a user has it: on a terminal, with an editor beside it, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from teeforge.lab import Lab
from teeforge.pipeline.scratch import Scratch
from tests.terminal import SECONDS, Terminal

from .conftest import SAMPLES

pytestmark = pytest.mark.e2e

GREETING = '#include <stdio.h>\n#include "who.h"\nint main(void) {{ printf("{} %s\\n", WHO); }}\n'


@pytest.fixture(scope="module")
def scratch(vm: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scratch]:
    """A copy of the checkout whose TA may be changed."""
    scratch = Scratch(tmp_path_factory.mktemp("scratch"))
    scratch.prepare(vm)
    yield scratch
    scratch.halt()


def save(path: Path, text: str) -> None:
    """Save as many editors do: write another file, put it in the old one's place."""
    fresh = path.with_name(f".{path.name}.fresh")
    fresh.write_text(text)
    fresh.replace(path)


def test_dev_follows_every_save_until_ctrl_c(scratch: Scratch, tmp_path: Path) -> None:
    program = tmp_path / "greeting.c"
    (tmp_path / "who.h").write_text('#define WHO "world"\n')
    program.write_text(GREETING.format("hello"))
    terminal = Terminal(scratch.argv("dev", str(program)), scratch.root)
    try:
        terminal.wait("hello world")
        terminal.wait(r"exit status 0, [0-9.]+ s from save to output, compile [0-9.]+")

        save(program, GREETING.format("good day"))
        terminal.wait("greeting.c saved")
        terminal.wait("good day world")
        save(tmp_path / "who.h", '#define WHO "moon"\n')
        terminal.wait("good day moon")

        save(program, "int main(void) { return 3 }\n")
        terminal.wait("greeting.c:1:.*expected ';'")
        save(program, "int main(void) { return 3; }\n")
        terminal.wait("exit status 3")

        save(program, (SAMPLES / "loop.c").read_text())
        terminal.wait("looping until somebody ends it")
        save(program, GREETING.format("hello again"))
        terminal.wait("hello again moon")
        terminal.wait("exit status 0")

        # The TA that runs is the new one, though an instance of the old one was kept.
        ta = scratch.root / "overlays/wasm_ta/ta/session/instance.c"
        save(ta, ta.read_text().replace("exit_status = 0;", "exit_status = 42;"))
        terminal.wait("instance.c saved")
        assert "compile" in terminal.wait("exit status 42, .*")

        os.kill(int((scratch.build / "targets/qemu/qemu.pid").read_text()), signal.SIGKILL)
        save(program, GREETING.format("back"))
        terminal.wait("back moon")
        terminal.wait("exit status 42")

        save(program, (SAMPLES / "loop.c").read_text())
        terminal.wait("looping until")
        terminal.press("\x03")
        assert terminal.status() == 0
    finally:
        terminal.close()
    assert terminal.settings() == terminal.before
    assert terminal.shown.rfind("\x1b[?25h") > terminal.shown.rfind("\x1b[?25l"), "the cursor is back"
    assert "Traceback" not in terminal.shown
    left = scratch_shell(scratch, "pidof optee_wamr; ls -A /tmp")
    assert left.split() == [], "no process and no file is left over there"


def test_dev_in_a_pipe_says_plain_lines_and_ends_by_sigterm(scratch: Scratch, tmp_path: Path) -> None:
    program = tmp_path / "greeting.c"
    (tmp_path / "who.h").write_text('#define WHO "pipe"\n')
    program.write_text(GREETING.format("hello"))
    with subprocess.Popen(
        scratch.argv("dev", str(program)),
        cwd=scratch.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout and child.stderr
        assert child.stdout.readline() == "hello pipe\n"
        while "--- exit status" not in (line := child.stderr.readline()):
            assert line, "it ended"
        child.send_signal(signal.SIGTERM)
        assert child.wait(SECONDS) == 0
        assert child.stdout.read() == ""
        assert "\x1b" not in child.stderr.read()


def test_dev_wants_a_program_that_is_there(scratch: Scratch) -> None:
    done = subprocess.run(scratch.argv("dev", "nothing.c"), cwd=scratch.root, capture_output=True, text=True)
    assert done.returncode == 1
    assert "nothing.c: there is no such file" in done.stderr


def scratch_shell(scratch: Scratch, script: str) -> str:
    """Run a line of shell in the copy's machine."""
    told = "import sys; from pathlib import Path; from teeforge.lab import Lab; "
    told += "from teeforge.ssh.remote import capture_remote; "
    told += "s = Lab(Path.cwd()).fleet.machine_as_it_is('qemu').target().connect(); "
    told += "print(capture_remote(s.client, 'qemu', sys.argv[1])[1], end=''); s.close()"
    done = subprocess.run(
        [sys.executable, "-c", told, script], cwd=scratch.root, capture_output=True, text=True, check=True
    )
    return done.stdout
