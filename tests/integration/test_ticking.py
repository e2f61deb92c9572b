"""What a terminal shows while something takes long."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
LONG = """
import time
from teeforge.base.progress import Progress, say, ticking
with ticking("compiling x.wasm"):
    time.sleep(2.5)
    say("meanwhile")
    with Progress() as table:
        table.start("component")
        time.sleep(1.5)
    time.sleep(1)
say("done")
with ticking("short"):
    pass
"""


def test_each_second_of_long_work_is_told_in_one_line_that_is_gone_afterwards() -> None:
    terminal = Terminal([sys.executable, "-c", LONG], ROOT)
    assert terminal.status() == 0
    terminal.wait("done")
    shown = terminal.shown
    assert re.match(r"compiling x\.wasm: 1 s\r +\rcompiling x\.wasm: 2 s\r +\rmeanwhile\r\n", shown), shown
    # While a table is drawn the line waits: it would be in its midst.
    assert "compiling x.wasm: 3 s" not in shown
    assert re.search(r"compiling x\.wasm: [45] s\r +\rdone\r\n$", shown), shown


def test_nothing_of_it_is_in_a_file() -> None:
    argv = [sys.executable, "-c", LONG.replace("2.5", "1.1")]
    told = subprocess.run(argv, cwd=ROOT, stderr=subprocess.PIPE, check=True).stderr.decode()
    assert "compiling" not in told and told.endswith("done\n")
