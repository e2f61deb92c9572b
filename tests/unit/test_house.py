"""The house rules: types, lint, format, shell scripts, and the floors of the engine."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "teeforge"
# Ground first: a module may import those of its own floor and of the floors below.
FLOORS = (
    ("errors", "digest", "jobserver", "reader", "locking", "bootlog", "memory", "bounds", "archive"),
    (
        "process",
        "progress",
        "devview",
        "watching",
        "schema",
        "workspace",
        "guard",
        "config",
        "tools",
        "sshsignals",
    ),
    ("recipe", "lock", "productlock", "qemu", "identity", "daemon", "qmp", "ssh", "terminal", "toolchain"),
    ("plan", "words", "panic"),
    ("wasm", "wasi", "aotbody", "aot", "heap", "verdict"),
    ("debian", "relock", "gitstore", "store", "leftovers", "sources", "remote", "push", "target", "folder"),
    ("wake", "snapshot", "ephemeral", "remotestore", "supply"),
    ("machine", "program"),
    ("build", "doctor", "wasminfo", "record"),
    ("fleet",),
    ("why", "storekeeping", "exchange", "lab"),
    ("barebuild", "scratch", "pipelinereport"),
    ("report", "selftest", "inspection", "wasi_test", "bench", "pipeline", "running"),
    ("dev",),
)


def check(*argv: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *argv], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_type_is_right() -> None:
    check("mypy")


def test_lint_finds_nothing() -> None:
    check("ruff", "check", ".")


def test_every_file_is_formatted() -> None:
    check("ruff", "format", "--check", ".")


def test_shell_scripts_are_clean() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    files = [path for path in (ROOT / "overlays").rglob("*") if path.is_file()]
    scripts = [path for path in files if path.read_bytes().startswith(b"#!/bin/sh")]
    scripts += [ROOT / "inv", ROOT / ".ci/run"]
    done = subprocess.run(["shellcheck", "-s", "sh", *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def _imports(path: Path) -> set[str]:
    """Return the modules of teeforge that a file imports, lazily or not; types alone do not count."""
    names: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "teeforge":
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("teeforge."):
            names.add(node.module.split(".")[1])
    return names


def test_nothing_imports_upward() -> None:
    floor = {name: level for level, names in enumerate(FLOORS) for name in names}
    modules = {path.stem: path for path in ENGINE.glob("*.py") if path.stem != "__init__"}
    assert set(modules) == set(floor), "a new module belongs to a floor"
    upward = [
        f"{name} imports {other}"
        for name, path in modules.items()
        for other in _imports(path)
        if floor[other] > floor[name]
    ]
    assert not upward


def test_no_file_of_the_engine_is_long() -> None:
    long = {path.name: len(path.read_text().splitlines()) for path in ENGINE.glob("*.py")}
    assert not {name: lines for name, lines in long.items() if lines > 480}


def test_recipes_alone_know_the_upstreams() -> None:
    for path in ENGINE.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "vexpress" not in text and "PLAT=" not in text, path.name


def _locked(name: str) -> set[tuple[str, str]]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pins = [line.split()[0] for line in lines if line and not line.startswith((" ", "#"))]
    return {(package, version) for package, _, version in (pin.partition("==") for pin in pins)}


def test_what_two_lock_files_name_is_the_same_version() -> None:
    main = _locked("requirements.txt")
    names = {package for package, _ in main}
    for other in ("requirements-test.txt", "requirements-remote.txt"):
        assert {pin for pin in _locked(other) - main if pin[0] in names} == set()
