"""What users type that Invoke's parser does not take: several files, values like options, words after --."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from teeforge.base.errors import TeeforgeError

# Options whose values are words for somebody else, and may look like options of ours.
_QUOTED = ("--args", "--cflags", "--ldflags")
# How a file is named that comes after a task's last positional argument.
MORE = "--source"


class Task(Protocol):
    """What Invoke's parser knows of a task."""

    name: Any
    flags: Any
    positional_args: Any


@dataclass
class Line:
    """A command line as far as it was read: in which ``task`` it stands, and what may come next.

    ``option`` is the one whose value comes next, as `--heap`; ``given`` counts the positional arguments.
    """

    tasks: Mapping[str, Task]
    task: Task | None = None
    option: str = ""
    given: int = 0

    def read(self, word: str) -> Iterator[str]:
        """Take the next word; yield it as Invoke's parser wants it."""
        task, (name, equals, value) = self.task, word.partition("=")
        if self.option:
            yield f" {word}" if self.option in _QUOTED else word
            self.option = ""
        elif task and equals and name in _QUOTED and name in task.flags:
            yield f"{name}= {value}"
        elif word.startswith("-"):
            yield word
            if task and word in task.flags and task.flags[word].takes_value:
                self.option = f"--{task.flags[word].name}"
        elif self.lacks_positional:
            self.given += 1
            yield word
        elif word in self.tasks:
            self.task, self.given = self.tasks[word], 0
            yield word
        elif task and MORE in task.flags:
            yield from (MORE, word)
        else:
            yield word

    @property
    def lacks_positional(self) -> bool:
        """Whether the task wants a further word that belongs to no option."""
        return self.task is not None and self.given < len(self.task.positional_args)


def by_name(tasks: Iterable[Task]) -> dict[str, Task]:
    """Return tasks by the name that is typed for them."""
    return {str(task.name): task for task in tasks}


def expressible(words: Sequence[str], tasks: Iterable[Task]) -> list[str]:
    """Return the words of a command line, without what follows `--`, as Invoke's parser takes them.

    `run main.c util.c` becomes `run main.c --source util.c`, and `--args=-d` gets a space before its value,
    which splitting it into words takes away.
    """
    line = Line(by_name(tasks))
    return [taken for word in words for taken in line.read(word)]


def after_dashes() -> list[str]:
    """Return the words of this process's command line that follow `--`."""
    return sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []


def arguments(text: str) -> tuple[str, ...]:
    """Return a program's arguments: the words of --args, and those that follow `--`."""
    from teeforge.compiling.sources import split_words

    return (*split_words("--args", text), *after_dashes())


def check_rest(rest: str, name: str, options: Iterable[str]) -> None:
    """Refuse words after `--` for a task that runs no program."""
    if rest and "args" not in options:
        raise TeeforgeError(f"{name}: what follows -- are arguments of a program, and this runs none: {rest}")
