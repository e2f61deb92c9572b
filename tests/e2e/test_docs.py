"""The commands of README, tutorial and guides, typed as they stand there, or run by the test named here."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from teeforge.lab import Lab
from teeforge.machines.fleet import Place
from tests.pages import ROOT, blocks, pages

from .conftest import SAMPLES, install_in_ci, run_invoke
from .test_compilers import rust_target

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

RUST = ["rustc", "libstd-rust-dev-wasm32", "lld"]
# What a command begins with that is not typed here, and where it is: a test of this checkout.
ELSEWHERE = {
    "sudo apt-get install": "tests/e2e/test_docs.py",  # rust() below, in CI
    "./inv test": ".ci/run",
    "./inv completion ": "tests/integration/test_completion.py",
    "./inv docs": "tests/integration/test_site.py",
    "./inv dev ": "tests/e2e/test_dev.py",
    "invoke dev ": "tests/e2e/test_dev.py",
    "docker build ": "tests/hosts/test_container.py",
    "invoke run note.c --args get": "tests/e2e/test_storage.py",
    "invoke attest ": "tests/e2e/test_attest.py",
    "invoke verify ": "tests/e2e/test_attest.py",
    "invoke relay ": "tests/e2e/test_attest.py",
    ".venv/bin/python -m samples.attest.relying_party ": "tests/e2e/test_attest.py",
    "invoke boot ": "tests/e2e/test_machines.py",
    "invoke run hello.c --name a": "tests/e2e/test_machines.py",
    "invoke run hello.c --ephemeral": "tests/e2e/test_machines.py",
    "invoke halt --all": "tests/e2e/test_machines.py",
    "invoke store.prune ": "tests/integration/test_why.py",
}
TUTORIAL = ROOT / "docs/tutorial.md"


def here(command: str) -> bool:
    return not command.startswith(tuple(ELSEWHERE))


@pytest.fixture
def desk(vm: Lab, tmp_path: Path) -> Path:
    """A folder with `inv` in it and the files that the pages speak of."""
    (tmp_path / "inv").symlink_to(ROOT / "inv")
    (tmp_path / "samples").symlink_to(SAMPLES)
    shutil.copy(SAMPLES / "hello.c", tmp_path)
    (tmp_path / "include").mkdir()
    (tmp_path / "include/util.h").write_text("int twice(int number);\n")
    (tmp_path / "util.c").write_text('#include "util.h"\nint twice(int number) { return 2 * number; }\n')
    main = '#include <stdio.h>\n#include "util.h"\nint main(void) { printf("%d\\n", twice(N)); return 0; }\n'
    (tmp_path / "main.c").write_text(main)
    (tmp_path / "main.cpp").write_text('#include <iostream>\nint main() { std::cout << "C++\\n"; }\n')
    (tmp_path / "folder").mkdir()
    shutil.copy(SAMPLES / "env.c", tmp_path / "folder")
    (tmp_path / "data").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in").write_text("what it reads\n")
    program, _ = vm.programs.prepare(SAMPLES / "hello.c", Place("qemu"))
    assert program.wasm
    shutil.copy(program.wasm, tmp_path / "my.wasm")
    shutil.copy(program.signed, tmp_path / "my.aot")
    return tmp_path


def typed(desk: Path, *commands: str) -> subprocess.CompletedProcess[str]:
    """Type command lines into one shell; `invoke` is the one of ./inv, as with the environment active."""
    script = "\n".join(re.sub(r"^invoke ", "./inv ", command) for command in commands)
    done = subprocess.run(
        ["sh", "-c", script], cwd=desk, env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done


def test_what_is_run_elsewhere_is_run_there() -> None:
    said = [command for page in pages() for block in blocks(page) for command in block.commands]
    for beginning, place in ELSEWHERE.items():
        assert any(command.startswith(beginning) for command in said), beginning
        assert (ROOT / place).is_file(), place


@pytest.mark.parametrize(
    "name", ["README.md", "docs/guides/first-run.md", "docs/guides/programs.md", "docs/guides/stores.md"]
)
def test_each_command_of_a_page_works(desk: Path, name: str) -> None:
    commands = [command for block in blocks(ROOT / name) for command in block.commands if here(command)]
    assert commands
    for command in commands:
        done = typed(desk, command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def test_no_other_page_has_a_command_that_nobody_runs() -> None:
    run = {"README.md", "README.zh.md", "tutorial.md", "first-run.md", "programs.md", "stores.md"}
    for page in pages():
        left = [command for block in blocks(page) for command in block.commands if here(command)]
        assert page.name in run or not left, f"{page}: {left}"


def rust(desk: Path, command: str) -> None:
    """Compile as the tutorial says, by what this Debian calls WASI."""
    if shutil.which("/usr/bin/rustc") is None or os.environ.get("CI"):
        install_in_ci(RUST)
    if shutil.which("/usr/bin/rustc") is None:
        pytest.skip(f"NOT TESTED: no /usr/bin/rustc here (apt install {' '.join(RUST)})")
    called = command.replace("wasm32-wasi ", f"{rust_target()} ")
    done = typed(desk, f"PATH=/usr/bin:$PATH {called}")
    assert done.returncode == 0, done.stderr


def counted(text: str, first: int) -> str:
    """Return what the tutorial prints where its storage was visited ``first`` - 1 times before."""
    return re.sub(r"(?<=visit )\d+", lambda told: str(int(told[0]) + first - 1), text)


def test_the_tutorial_goes_as_it_says(desk: Path) -> None:
    first = 0
    for block in blocks(TUTORIAL):
        commands = [command for command in block.commands if here(command)]
        if block.title:
            (desk / block.title).write_text(block.text)
        elif block.language == "console":
            printed = typed(desk, *commands).stdout
            found = re.search(r"visit (\d+)", printed)
            first = first or (int(found[1]) if found else 0)
            assert printed == counted(block.output, first), commands
        elif commands and commands[0].startswith("rustc "):
            rust(desk, commands[0])
        else:
            for command in commands:
                done = typed(desk, command)
                assert done.returncode == 0, f"{command}\n{done.stderr}"
    assert first


def test_the_recording_ends_as_a_demo_ends_today(vm: Lab) -> None:
    done = run_invoke("demo")
    assert done.status == 0, done.stderr
    picture = html.unescape((ROOT / "docs/demo.svg").read_text()).replace("\xa0", " ")
    shown = " ".join(re.findall(r">([^<>]*)</text>", picture))

    def same(line: str) -> str:
        return " ".join(re.sub(r"\b([0-9a-f]{64}|\d+)\b", "#", line).split())

    tail = [done.stdout.decode().strip(), *done.stderr.splitlines()[-3:]]
    for line in tail:
        assert same(line) in same(shown), line
