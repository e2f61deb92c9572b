"""Completion: which words may stand where a shell's user presses TAB; and the scripts that ask for them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from teeforge.base.errors import TeeforgeError
from teeforge.commandline.known import Known
from teeforge.commandline.words import MORE, Line, by_name

# How a shell asks, `inv --complete -- WORDS WORD-BEING-TYPED`; the answer is a word a line.
SCRIPTS = {
    "bash": r"""
_teeforge() {
    local found
    COMPREPLY=()
    while IFS= read -r found; do
        printf -v found %q "$found"
        COMPREPLY+=("$found")
    done < <("${1/#\~/$HOME}" --complete -- "${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null </dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]]; then compopt -o nospace; fi
}
complete -o default -F _teeforge inv invoke
""",
    "zsh": r"""
_teeforge() {
    local -a found folders
    found=(${(f)"$(${~words[1]} --complete -- "${(@Q)words[1,CURRENT]}" 2>/dev/null </dev/null)"})
    folders=(${(M)found:#*/})
    found=(${found:#*/})
    if (( $#found + $#folders )); then
        (( $#found )) && compadd -- $found
        (( $#folders )) && compadd -S '' -- $folders
        return 0
    else
        _files
    fi
}
compdef _teeforge inv invoke
""",
    "fish": r"""
function __teeforge
    set -l words (commandline -opc) (commandline -ct)
    set -l found ($words[1] --complete -- $words 2>/dev/null </dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
for name in inv invoke
    complete --command $name --no-files --arguments '(__teeforge)'
end
""",
}


def script(shell: str) -> str:
    """Return the script that has a shell complete our names."""
    if shell not in SCRIPTS:
        raise TeeforgeError(f"completion {shell}: there is no script for it", f"give {', '.join(SCRIPTS)}")
    return SCRIPTS[shell].strip()


def candidates(words: Sequence[str], tasks: Iterable[Any], root: Path) -> list[str]:
    """Return the words that the last of ``words`` can become, sorted; none where it may be anything.

    ``words`` is what is typed after the program's name, ``tasks`` are Invoke's parser contexts of the tasks,
    ``root`` is the checkout.
    """
    *before, typed = [_bare(word) for word in _whole(words)]
    tasks = list(tasks)
    line = Line(by_name(tasks))
    for word in before:
        list(line.read(word))
    names = [name for task in tasks for name in (str(task.name), *task.aliases)]
    option, equals, value = typed.partition("=")
    if line.option:
        found = _values(line.task, line.option, root, typed)
    elif before and before[-1] in ("--help", "-h"):
        found = names
    elif equals and line.task and option in line.task.flags:
        found = [f"{option}={one}" for one in _values(line.task, option, root, value)]
    elif typed.startswith("-"):
        # Of Invoke's own options most are about running shell commands, which tasks here do not do.
        found = ["--help", *(line.task.flags if line.task else ["--list"])]
    elif line.task and line.lacks_positional:
        found = _names(line.task.positional_args[line.given].help, root, typed)
    elif line.task and MORE in line.task.flags:
        found = _values(line.task, MORE, root, typed)
    else:
        found = names
    return sorted({word for word in found if word.startswith(typed)})


def _values(task: Any, option: str, root: Path, typed: str) -> list[str]:
    return _names(task.flags[option].help, root, typed)


def _names(help: str | None, root: Path, typed: str) -> list[str]:
    """Return what an option of that help text can be; what cannot be known now is not offered."""
    with suppress(TeeforgeError, OSError):
        return list(help.names(root, typed)) if isinstance(help, Known) else []
    return []


def _whole(words: Sequence[str]) -> list[str]:
    """Return words as the user has typed them: to bash `--name=x` is three, and `--name=` two."""
    whole = [word for word in words if word != "="]
    return whole if words and words[-1] != "=" else [*whole, ""]


def _bare(word: str) -> str:
    """Return a word without the quotes that the user typed, closed or not."""
    for closed in (word, f"{word}'", f'{word}"'):
        with suppress(ValueError):
            return "".join(shlex.split(closed)[:1])
    return word
