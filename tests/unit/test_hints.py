"""What messages tell users to type: there is such a task, and it has that option."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tasks
from tests.pages import ROOT, refused

# Where users are told what to do, beside the pages, which test_docs.py reads.
PLACES = ("teeforge", "overlays", "recipes", "schema", "samples", "config.yaml", "tasks.py", "inv")
FILES = [
    path
    for place in PLACES
    for path in ([ROOT / place] if (ROOT / place).is_file() else sorted((ROOT / place).rglob("*")))
    if path.is_file() and path.suffix in ("", ".py", ".c", ".h", ".def", ".sh", ".yaml", ".json")
]
OPTIONS = {flag for context in tasks.namespace.to_contexts() for flag in context.flags}
# Options of other programs that our messages name, and of the host app.
OTHERS = {
    "asc": {"--use"},
    "git": {"--format", "--git"},
    "dpkg-query": {"--showformat"},
    "make": {"--jobserver-auth"},
    "pip": {"--require-hashes", "--only-binary", "--no-deps"},
    "sign_encrypt.py": {"--algo"},
    "wamrc": {"--bounds-checks", "--format", "--target"},
    "wasm-ld": {"--import-memory", "--import-table", "--no-entry"},
}


def commands() -> Iterator[tuple[str, str]]:
    for path in FILES:
        text = path.read_text(encoding="utf-8", errors="ignore")
        for command in re.findall(r"`(?:invoke|\./inv) ([a-z-][^`\n…]+)`", text):
            if "context.name" not in command:  # docs/reference.py, where it is any task's
                yield command, f"{path.relative_to(ROOT)}: invoke {command}"


COMMANDS = dict(commands())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_a_message_names_is_one(command: str) -> None:
    # What is filled in stands for a word.
    error = refused(re.sub(r"\{[^}]*\}", "word", re.sub(r"^--help (?=[a-z])", "", command)))
    assert not error or "required positional" in error, COMMANDS[command]


def test_the_messages_have_commands() -> None:
    assert len(COMMANDS) > 40


def said(path: Path) -> Iterator[str]:
    """Yield the texts of a file that are no docstring, those of an f-string in one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            silent.add(node.value)
        if isinstance(node, ast.JoinedStr):
            silent |= set(node.values)
    for node in ast.walk(tree):
        if node in silent:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_an_option_that_a_message_names_is_one() -> None:
    known = OPTIONS.union({"--help", "--list"}, *OTHERS.values())
    unknown = [
        f"{path.relative_to(ROOT)}: {option} in: {text}"
        for path in (ROOT / "teeforge").rglob("*.py")
        if path.name != "complete.py"  # shell scripts
        for text in said(path)
        if " " in text.strip()  # else it is a word of an argument list
        for option in re.findall(r"(?<![\w-])--[a-z][a-z_-]*", text)
        if option not in known
    ]
    assert not unknown


def test_an_option_that_the_host_app_advises_is_one() -> None:
    words = (ROOT / "overlays/wasm_ta/host/library/words.def").read_text(encoding="utf-8")
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", words))
    assert options and options <= OPTIONS.union(*OTHERS.values())
