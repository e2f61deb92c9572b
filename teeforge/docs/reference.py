"""Reference made from the sources: what a marker `<!-- teeforge: WHAT -->` of a page in docs/ stands for."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import re
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from teeforge.base import guard
from teeforge.base.errors import TeeforgeError
from teeforge.commandline.contents import by_subject
from teeforge.diagnosis.words import WORDS, load_words
from teeforge.docs.messages import messages
from teeforge.settings import recipe
from teeforge.settings.config import Config, load_config
from teeforge.settings.jsonschema import default_of, field_words
from teeforge.settings.recipe import Recipe, Variant, load_recipes

if TYPE_CHECKING:
    from invoke.parser.context import ParserContext

_MARKER = re.compile(r"^<!-- teeforge: ([\w /.-]+) -->$", re.MULTILINE)
# Where the host app says how it ends, and the row of one status there, with the lines that go on.
STATUSES = Path("overlays/wasm_ta/host/app/main.c")
_STATUS = re.compile(r"^ \*\t(\d{3})\t(.*(?:\n \*\t\t.*)*)", re.MULTILINE)
_SUBJECT = re.compile(r"^Subject: \[PATCH[^\]]*\] (.*(?:\n .*)*)", re.MULTILINE)
_KINDS = {
    "CODE": "Result codes",
    "TRAP": "Traps: why a program was ended",
    "REFUSAL": "Refusals: why a module does not run",
    "STORAGE": "Secure storage",
    "ORIGIN": "Where a result code comes from",
}


class Reference:
    """The parts of the reference of the checkout ``root``; ``tasks`` is the Invoke collection."""

    def __init__(self, root: Path, tasks: Any) -> None:
        self._root = root
        self._tasks = tasks
        self._parts: dict[str, Callable[[str], Iterable[str]]] = {
            "tasks": self._all_tasks,
            "config": lambda _: _dataclass(Config, "", seen=set()),
            "components": self._components,
            "recipe keys": lambda _: _dataclass(Recipe, "", seen=set()),
            "variant keys": lambda _: _dataclass(Variant, "", seen=set()),
            "placeholders": self._placeholders,
            "program statuses": self._program_statuses,
            "task statuses": lambda _: _task_statuses(),
            "errors": self._errors,
            "messages": self._messages,
            "file": self._file,
            "patches": self._patches,
        }

    def filled(self, page: str) -> str:
        """Return a page with its markers filled in. Raises TeeforgeError for a marker that nobody knows."""
        return _MARKER.sub(lambda found: "\n".join(self._part(found[1])), page)

    def _part(self, said: str) -> Iterable[str]:
        known = [name for name in self._parts if said == name or said.startswith(f"{name} ")]
        if not known:
            raise TeeforgeError(f"docs: the marker `{said}` is unknown", f"known: {', '.join(self._parts)}")
        return self._parts[known[0]](said.removeprefix(known[0]).strip())

    def _all_tasks(self, _: str) -> Iterator[str]:
        from invoke.main import program

        contexts = {
            name: context
            for context in self._tasks.to_contexts()
            for name in (str(context.name), *context.aliases)
        }
        for subject, rows in by_subject(program.contents).items():  # type: ignore[attr-defined]
            yield f"## {subject}\n"
            for name, _ in rows:
                yield from self._task(contexts[name])

    def _task(self, context: ParserContext) -> Iterator[str]:
        task = self._tasks[context.name]
        also = "".join(f", `{alias}`" for alias in context.aliases)
        words = " ".join(str(argument.name).upper() for argument in context.positional_args)
        yield f"### {context.name}\n"
        yield f"`invoke {context.name}{f' {words}' if words else ''}`{also and f' (also{also[1:]})'}\n"
        yield f"{inspect.getdoc(task)}\n"
        options = [
            (", ".join(f"`{_dashes(name)}`" for name in argument.names), argument)
            for argument in context.args.values()
        ]
        if options:
            rows = [(names, argument.help or "", _shown(argument)) for names, argument in options]
            yield from _table(("option", "meaning", "default"), rows)
            yield ""

    def _components(self, _: str) -> Iterator[str]:
        recipes = load_recipes(self._root, load_config(self._root))
        rows = [
            (f"`{name}`", made.summary, ", ".join(f"`{product}`" for product in made.products))
            for name, made in recipes.items()
        ]
        yield from _table(("component", "what it is", "products"), rows)

    def _placeholders(self, _: str) -> Iterator[str]:
        rows = [(f"`{{{name}}}`", meaning) for name, meaning in recipe.PLACEHOLDERS.items()]
        yield from _table(("placeholder", "stands for"), rows)

    def _program_statuses(self, _: str) -> Iterator[str]:
        text = (self._root / STATUSES).read_text(encoding="utf-8")
        rows = [(f"`{row[1]}`", _line(row[2].replace(" *", ""))) for row in _STATUS.finditer(text)]
        yield from _table(("exit status", "meaning"), rows)

    def _errors(self, _: str) -> Iterator[str]:
        words = load_words(self._root / WORDS)
        for kind, title in _KINDS.items():
            entries = [entry for entry in words if entry.kind == kind]
            if not entries:
                continue
            yield f"## {title}\n"
            if kind == "CODE":
                rows = [(f"`{e.number:#010x}`", f"`{e.texts[0]}`", *e.texts[1:]) for e in entries]
                yield from _table(("code", "name", "meaning", "what to do"), rows)
            elif kind == "ORIGIN":
                yield from _table(("origin", "in words"), [(f"`{e.number}`", *e.texts) for e in entries])
            else:
                yield from _table(
                    ("the message has", "what to do"), [(f"`{e.texts[0]}`", *e.texts[1:]) for e in entries]
                )
            yield ""

    def _messages(self, _: str) -> Iterator[str]:
        told: dict[str, list[tuple[str, str]]] = {}
        for one in messages(self._root):
            package = (self._root / one.file).with_name("__init__.py")
            told.setdefault(_subject(package), []).append((_plain(one.text), _plain(one.hint)))
        for subject, rows in sorted(told.items()):
            yield f"## {subject}\n"
            yield from _table(("message", "what to do"), sorted({*rows}))
            yield ""

    def _file(self, name: str) -> Iterator[str]:
        text = (self._root / name).read_text(encoding="utf-8").rstrip("\n")
        yield f'```c title="{name}"\n{text}\n```'

    def _patches(self, component: str) -> Iterator[str]:
        for path in sorted((self._root / "patches" / component).glob("*.patch")):
            found = _SUBJECT.search(path.read_text(encoding="utf-8"))
            yield f"- `{path.name[:4]}` {_line(found[1]) if found else path.stem}"


def _dashes(name: str) -> str:
    return f"-{name}" if len(name) == 1 else f"--{name}"


def _shown(argument: Any) -> str:
    if argument.positional:
        return "must be given"
    return f"`{argument.default}`" if argument.default not in (None, "", False, []) else ""


def _dataclass(shape: type, key: str, seen: set[type]) -> Iterator[str]:
    """Yield a table of a dataclass's keys, and after it one of each that its keys are made of."""
    seen.add(shape)
    hints, words = typing.get_type_hints(shape), field_words(shape)
    if key:
        yield f"### {key}\n\n{inspect.getdoc(shape)}\n"
    inner: list[tuple[str, type]] = []
    rows = []
    for field in dataclasses.fields(shape):
        default = default_of(field)
        if field.name not in words:
            raise TeeforgeError(f"{shape.__name__}.{field.name}: no string below it says what it means")
        rows.append((f"`{field.name}`", _type(hints[field.name]), words[field.name], _default(default)))
        inner += [(field.name, part) for part in _classes(hints[field.name]) if part not in seen]
    yield from _table(("key", "is", "meaning", "default"), rows)
    yield ""
    for name, part in inner:
        if part not in seen:
            yield from _dataclass(part, f"{key}.{name}" if key else _titled(name, part), seen)


def _titled(name: str, shape: type) -> str:
    kind = typing.get_type_hints(shape).get("kind")
    told = get_args(kind)[0] if get_origin(kind) is Literal and len(get_args(kind)) == 1 else ""
    return f"{name}, `kind: {told}`" if told else f"{name}: {shape.__name__}"


def _classes(hint: Any) -> Iterator[type]:
    if dataclasses.is_dataclass(hint):
        yield typing.cast(type, hint)
    for part in get_args(hint):
        yield from _classes(part)


def _type(hint: Any) -> str:
    names = {str: "text", int: "a whole number", bool: "true or false", float: "a number", type(None): "null"}
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " or ".join(f"`{part}`" for part in parts)
    if origin is tuple:
        return f"a list ({_type(parts[0])})"
    if origin is dict:
        return f"names, each with {_type(parts[1])}"
    if parts:
        return " or ".join(dict.fromkeys(_type(part) for part in parts))
    if short := getattr(hint, "short", None):
        return f"{_type(typing.get_type_hints(hint)[short])} or a mapping"
    return names.get(hint, "a mapping")


def _default(value: Any) -> str:
    if value is dataclasses.MISSING:
        return "must be given"
    if dataclasses.is_dataclass(value) or value in ((), {}, ""):
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _task_statuses() -> Iterator[str]:
    """Yield what a task ends with, if not with the status of a program."""
    rows = [(f"`{status}`", meaning) for status, meaning in guard.STATUSES.items()]
    yield from _table(("exit status", "meaning"), rows)


def _line(text: str) -> str:
    return " ".join(text.split())


def _subject(package: Path) -> str:
    """Return the first sentence of a package's docstring, without what a colon adds to it."""
    said = ast.get_docstring(ast.parse(package.read_text(encoding="utf-8"))) or package.parent.name
    return said.splitlines()[0].partition(": ")[0].rstrip(".")


def _plain(text: str) -> str:
    """Return a message so that Markdown takes it as text."""
    return text.replace("<", "&lt;").replace("*", "\\*")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_line(cell).replace('|', chr(92) + '|') for cell in row)} |"
