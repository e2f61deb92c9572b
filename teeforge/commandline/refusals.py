"""What Invoke's parser does not take, in our words: what is wrong, and what to type instead."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from teeforge.base.errors import TeeforgeError, nearest

_UNKNOWN = re.compile(r"No idea what '(.*)' is!", re.DOTALL)
_MISSING = re.compile(r"'(.*)' did not receive required positional arguments: (.*)")
_NO_VALUE = re.compile(r"Flag <Argument: ([\w-]+).*> needed value and was not given one!")


def refusal(error: Any, tasks: Iterable[Any]) -> TeeforgeError:
    """Return the error for Invoke's ParseError; ``tasks`` are the parser contexts of all tasks."""
    text, task = str(error), getattr(error.context, "name", None)
    if missing := _MISSING.fullmatch(text):
        what = missing[2].replace("'", "").upper()
        return TeeforgeError(
            f"{missing[1]}: {what} is missing", f"`invoke --help {missing[1]}` tells what it is"
        )
    if (lacking := _NO_VALUE.fullmatch(text)) and task:
        return TeeforgeError(
            f"{task}: --{lacking[1]} lacks its value", f"`invoke --help {task}` tells what it is"
        )
    if not (unknown := _UNKNOWN.fullmatch(text)):
        return TeeforgeError(text, "`invoke --help TASK` tells the options of a task")
    word = unknown[1]
    if word.startswith("-") and task:
        options = [flag for flag in error.context.flags if flag.startswith("--")]
        hint = nearest(word, options, f"`invoke --help {task}` tells which there are")
        return TeeforgeError(f"{task}: there is no option {word}", hint)
    names = [name for one in tasks for name in (str(one.name), *one.aliases)]
    hint = nearest(word, names, "`invoke --list` tells which there are")
    return TeeforgeError(f"there is no task `{word}`", hint)
