"""What users type that Invoke's parser does not take: several files, values like options, words after --."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import invoke.tasks

from teeforge.base.errors import TeeforgeError
from teeforge.compiling.sources import split_words

# Options whose values are words for somebody else, and may look like options of ours.
_QUOTED = ("--args", "--cflags", "--ldflags")
# How a file is named that comes after a task's last positional argument.
_MORE = "--source"


class HelpedTask(invoke.tasks.Task[Any]):
    """A task that keeps the help of its options: Invoke's own gives it to whoever asks first."""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> Any:
        """Return the arguments, each with its help."""
        kept = dict(self.help)
        try:
            return super().get_arguments(ignore_unknown_help)
        finally:
            self.help = kept


class Task(Protocol):
    """What Invoke's parser knows of a task."""

    name: Any
    flags: Any
    positional_args: Any


def expressible(words: Sequence[str], tasks: Iterable[Task]) -> list[str]:
    """Return the words of a command line, without what follows `--`, as Invoke's parser takes them.

    `run main.c util.c` becomes `run main.c --source util.c`, and `--args=-d` gets a space before its value,
    which splitting it into words takes away.
    """
    return list(_expressed(words, {str(task.name): task for task in tasks}))


def _expressed(words: Sequence[str], tasks: dict[str, Task]) -> Iterator[str]:
    task: Task | None = None
    option, files = "", 0
    for word in words:
        name, equals, value = word.partition("=")
        if option:
            yield f" {word}" if option in _QUOTED else word
            option = ""
        elif task and equals and name in _QUOTED and name in task.flags:
            yield f"{name}= {value}"
        elif word.startswith("-"):
            yield word
            if task and word in task.flags and task.flags[word].takes_value:
                option = f"--{task.flags[word].name}"
        elif task and files < len(task.positional_args):
            files += 1
            yield word
        elif word in tasks:
            task, files = tasks[word], 0
            yield word
        elif task and _MORE in task.flags:
            yield from (_MORE, word)
        else:
            yield word


def arguments(text: str) -> tuple[str, ...]:
    """Return a program's arguments: the words of --args, and those that follow `--`."""
    rest = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    return (*split_words("--args", text), *rest)


def check_rest(rest: str, body: Callable[..., object]) -> None:
    """Refuse words after `--` for a task that runs no program."""
    if rest and "args" not in inspect.signature(body).parameters:
        name = body.__name__.replace("_", "-")
        raise TeeforgeError(f"{name}: what follows -- are arguments of a program, and this runs none: {rest}")
