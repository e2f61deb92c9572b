"""The wheel: it builds, and in a fresh environment its parts work without a checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from teeforge import __version__
from tests import attestations
from tests.copies import ROOT, copy_checkout
from tests.pages import blocks

# What tells that something could not be had, and not that it does not work.
UNREACHABLE = ("No matching distribution", "Could not find a version", "Connection", "Temporary failure")


def pip(python: Path | str, *words: str | Path) -> None:
    command = [python, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", *words]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode != 0 and any(word in done.stderr for word in UNREACHABLE):
        last = done.stderr.splitlines()[-1]
        pytest.skip(f"NOT TESTED: the wheel, for pip cannot have what that takes: {last}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    copy_checkout(folder / "checkout")
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", folder, folder / "checkout")
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with nothing but the wheel and what it says that it needs."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.EnvBuilder(symlinks=True).create(folder)
    pip(sys.executable, "--python", folder / "bin/python", "install", wheel)
    return folder / "bin/python"


def told(python: Path, program: str, cwd: Path) -> str:
    done = subprocess.run(
        [python, "-c", program],
        cwd=cwd,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_has_the_version_and_nothing_that_needs_a_checkout(wheel: Path) -> None:
    assert wheel.name == f"teeforge-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as files:
        names = files.namelist()
    assert "teeforge/modules/wasm.py" in names and "teeforge/attest/verdict.py" in names
    assert not [name for name in names if "/tasks/" in name or "machines" in name or "lab.py" in name]


def test_each_of_its_modules_can_be_imported(python: Path, tmp_path: Path) -> None:
    program = """
import importlib, pkgutil, teeforge
names = [found.name for found in pkgutil.walk_packages(teeforge.__path__, "teeforge.")]
for name in names:
    importlib.import_module(name)
print(teeforge.__version__, len(names))
"""
    version, count = told(python, program, tmp_path).split()
    assert version == __version__ and int(count) > 30


def test_it_tells_what_is_in_a_module_as_the_guide_shows(python: Path, tmp_path: Path) -> None:
    (tmp_path / "my.wasm").write_bytes(b"\0asm\1\0\0\0")
    (program,) = (b.text for b in blocks(ROOT / "docs/guides/library.md") if b.title == "look.py")
    assert told(python, program, tmp_path) == (
        "it does not run: my.wasm: it exports no function _start, so there is nothing to run\n"
    )


def test_it_tells_what_evidence_is_worth_as_the_guide_shows(python: Path, tmp_path: Path) -> None:
    machine, reference = attestations.Machine(), attestations.REFERENCE
    (tmp_path / "token").write_bytes(machine.token(attestations.payload()))
    (tmp_path / "machine.pem").write_bytes(machine.key.pem)
    values = {
        "core": {"memory": reference.core_memory.hex(), "development_key": True},
        "ta": {"uuid": reference.ta_uuid, "memory": reference.ta_memory.hex()},
    }
    (tmp_path / "reference.json").write_text(json.dumps(values))
    (tmp_path / "nonce").write_bytes(attestations.NONCE)
    (program,) = (b.text for b in blocks(ROOT / "docs/guides/library.md") if b.title == "appraise.py")
    assert told(python, program, tmp_path) == f"{attestations.MODULE.hex()}\n"


def test_what_it_needs_is_what_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(project["dependencies"]) <= set((ROOT / "requirements.in").read_text().split())
