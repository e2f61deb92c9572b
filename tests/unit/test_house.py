"""The house rules: types, lint, format, shell scripts, and the floors of the engine."""

from __future__ import annotations

import ast
import graphlib
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "teeforge"
# Ground first: what is in a package may import those of its own and those before it. "" is teeforge itself.
PACKAGES = (
    *(
        "base",
        "settings",
        "signing",
        "fetch",
        "products",
        "building",
        "compiling",
        "modules",
        "ssh",
        "targets",
        "machines",
        "diagnosis",
        "attest",
    ),
    *("", "runs", "spectest", "xtest", "benchmarks", "pipeline"),
    *("commandline", "docs", "tasks"),
)
MODULES = {
    ".".join(path.relative_to(ENGINE).with_suffix("").parts): path
    for path in ENGINE.rglob("*.py")
    if path.stem != "__init__"
}


# What is run here, and before each commit by .pre-commit-config.yaml.
TYPES, LINT, FORMAT = "mypy", "ruff check .", "ruff format --check ."


def check(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_type_is_right() -> None:
    check(TYPES)


def test_lint_finds_nothing() -> None:
    check(LINT)


def test_every_file_is_formatted() -> None:
    check(FORMAT)


def test_the_hooks_before_a_commit_are_the_same_checks_and_fetch_nothing() -> None:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert local["repo"] == "local"
    assert {hook["entry"] for hook in local["hooks"]} == {
        f".venv/bin/python -m {command}" for command in (TYPES, LINT, FORMAT)
    }
    assert all(hook["language"] == "system" and not hook["pass_filenames"] for hook in local["hooks"])


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
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "teeforge":
            inside = node.module.partition(".")[2]
            names |= {inside} if inside in MODULES else {f"{inside}.{a.name}".lstrip(".") for a in node.names}
    return names


def _package(module: str) -> str:
    return module.rpartition(".")[0]


def test_each_package_imports_from_those_below_it() -> None:
    assert {_package(module) for module in MODULES} == set(PACKAGES), (
        "a new package has its place in the order"
    )
    upward = [
        f"{module} imports {other}"
        for module, path in MODULES.items()
        for other in _imports(path)
        if PACKAGES.index(_package(other)) > PACKAGES.index(_package(module))
    ]
    assert not upward


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    graph = {module: _imports(path) for module, path in MODULES.items()}
    # Raises CycleError, which names the circle.
    graphlib.TopologicalSorter(graph).prepare()


def test_no_file_of_the_engine_is_long() -> None:
    long = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}
    assert not {module: lines for module, lines in long.items() if lines > 400}


def test_the_tasks_file_is_a_table_of_contents() -> None:
    lines = (ROOT / "tasks.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 80 and not any(line.lstrip().startswith(("def ", "class ", "@")) for line in lines)


def test_no_package_of_the_engine_is_large() -> None:
    sizes = Counter(_package(module) for module in MODULES)
    assert not {package: size for package, size in sizes.items() if size > 12}


def test_recipes_alone_know_the_upstreams() -> None:
    for path in MODULES.values():
        text = path.read_text(encoding="utf-8")
        assert "vexpress" not in text and "PLAT=" not in text, path.name


def _locked(name: str) -> set[tuple[str, str]]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pins = [line.split()[0] for line in lines if line and not line.startswith((" ", "#"))]
    return {(package, version) for package, _, version in (pin.partition("==") for pin in pins)}


def test_what_two_lock_files_name_is_the_same_version() -> None:
    main = _locked("requirements.txt")
    names = {package for package, _ in main}
    for other in ("requirements-test.txt", "requirements-remote.txt", "requirements-docs.txt"):
        assert {pin for pin in _locked(other) - main if pin[0] in names} == set()
