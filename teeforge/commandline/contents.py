"""The table of contents: tasks by subject, as `--list` shows them, and the program that runs them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from invoke.collection import Collection
from invoke.exceptions import Exit, ParseError
from invoke.program import Program
from invoke.util import helpline

from teeforge.commandline.command import CHECKOUT

Contents = Mapping[str, Sequence[Any]]


def namespace_of(root: Path, contents: Contents) -> Collection:
    """Return the tasks of the checkout ``root`` as Invoke wants them; ``contents`` has them by subject.

    A subject's entries are tasks, and collections of tasks that are called by two names: `store.list`.
    """
    from invoke.main import program

    namespace = Collection(*(entry for entries in contents.values() for entry in entries))
    namespace.configure({CHECKOUT: str(root)})
    # Invoke has made its program before it comes to our tasks, and has no other way to have one of our own.
    program.__class__ = TaskProgram
    program.contents, program.root = contents, root  # type: ignore[attr-defined]
    return namespace


class TaskProgram(Program):
    """Invoke's program, that lists tasks by subject, completes names, and takes what its parser does not."""

    contents: Contents
    root: Path

    @property
    def binary(self) -> str:
        """What the user types, for help texts."""
        return os.environ.get("TEEFORGE_CALLED") or "invoke"

    def parse_tasks(self) -> None:
        """Have what is typed in words that Invoke's parser takes."""
        from teeforge.commandline.words import expressible

        self.core.unparsed[:] = expressible(self.core.unparsed, self.collection.to_contexts())
        try:
            super().parse_tasks()
        except ParseError as error:
            from teeforge.base.guard import tell
            from teeforge.commandline.refusals import refusal

            raise Exit(code=tell(refusal(error, self.collection.to_contexts()))) from None

    def parse_cleanup(self) -> None:
        """Answer what asks for no task: --list, --help, --complete."""
        from teeforge.base.guard import UNREAD, nobody_reads

        try:
            try:
                if self.args.complete.value:
                    self._complete()
                super().parse_cleanup()
            finally:
                sys.stdout.flush()
        except BrokenPipeError:
            nobody_reads()
            raise Exit(code=UNREAD) from None

    def no_tasks_given(self) -> None:
        """Show what there is to begin with."""
        self.list_root, self.list_depth, self.list_format = None, None, "flat"
        self.list_tasks()
        raise Exit

    def list_flat(self) -> None:
        """Print the tasks by subject, each with its line of help."""
        if self.list_root or self.list_depth:
            super().list_flat()
            return
        from teeforge.base.errors import as_typed

        parts = by_subject(self.contents)
        width = max(len(name) for rows in parts.values() for name, _ in rows)
        for subject, rows in parts.items():
            print(subject)
            # All subjects have the same columns.
            self.print_columns([(name.ljust(width), said) for name, said in rows])
        print(as_typed("`invoke --help TASK` tells the options of a task;"))
        print(as_typed("`invoke completion bash` prints a script that has TAB complete names."))

    def _complete(self) -> None:
        from teeforge.commandline.complete import candidates
        from teeforge.commandline.words import after_dashes

        words = after_dashes()[1:]  # the first is the program's name
        for word in candidates(words, self.collection.to_contexts(), self.root):
            print(word)
        raise Exit


def by_subject(contents: Contents) -> dict[str, list[tuple[str, str]]]:
    """Return what is typed for each task, and its line of help, by subject."""
    return {subject: list(_rows(entries)) for subject, entries in contents.items()}


def _rows(entries: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Yield what is typed for each task, and its line of help."""
    for entry in entries:
        part = entry if isinstance(entry, Collection) else Collection(entry)
        for name, task in part.tasks.items():
            typed = str(part.name) if name == part.default else f"{part.name}.{name}" if part.name else name
            yield typed, helpline(task) or ""
