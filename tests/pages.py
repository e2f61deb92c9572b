"""README and the pages of docs/, taken apart: blocks of code, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from invoke.exceptions import ParseError
from invoke.parser import Parser
from invoke.program import Program

import tasks
from teeforge.commandline.words import expressible

ROOT = Path(__file__).resolve().parents[1]
_FENCE = re.compile(r'^```(\w+)?(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code: its language, the file that it is, its text."""

    language: str
    title: str
    text: str

    @property
    def commands(self) -> list[str]:
        """The command lines to type, less what is said about them."""
        lines = self.text.splitlines()
        if self.language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        elif self.language != "sh":
            return []
        return [bare for line in lines if (bare := re.sub(r"(^|\s)\s*#\s.*", "", line).strip())]

    @property
    def output(self) -> str:
        """What the commands of a console block print."""
        return "".join(line for line in self.text.splitlines(True) if not line.startswith("$ "))


def pages() -> list[Path]:
    """Return every page that people read: those in the root of the checkout, and the site's."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """Return the blocks of code of a page, in order."""
    found = _FENCE.finditer(page.read_text(encoding="utf-8"))
    return [Block(block[1] or "", block[2] or "", block[3]) for block in found]


def refused(command: str) -> str:
    """Return what a command line, without `invoke`, is refused for; empty if for nothing."""
    contexts = tasks.namespace.to_contexts()
    words = shlex.split(command, comments=True)
    words = words[: words.index("--")] if "--" in words else words
    try:
        Parser(contexts=contexts, initial=Program().initial_context).parse_argv(expressible(words, contexts))
    except ParseError as error:
        return str(error)
    return ""


def ours(page: Path) -> Iterator[tuple[str, bool]]:
    """Yield each command line of teeforge on a page, without `invoke`, and whether it is one to type.

    In running text a task may be named without the words that it takes.
    """
    typed = [command for block in blocks(page) for command in block.commands]
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    named = re.findall(r"`((?:\./inv|invoke) [^`\n]+)`", prose)
    for command in (*typed, *named):
        if found := re.search(r"(?:^|[\s/;])(?:inv|invoke) (.*)", command):
            yield re.sub(r" (<|>>?) \S+$", "", found[1]), command in typed
