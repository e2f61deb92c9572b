"""Every error that users see, read off the sources: what it says, and what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = "teeforge"


@dataclass(frozen=True)
class Message:
    """An error's words, as the source ``file`` has them in ``line``; what it puts in is in braces."""

    file: str
    line: int
    text: str
    hint: str


def messages(root: Path) -> Iterator[Message]:
    """Yield the errors of the checkout ``root`` whose words stand where they are made, by file and line."""
    files = sorted((root / _PACKAGE).rglob("*.py"))
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in files}
    constants = {name: text for tree in trees.values() for name, text in _constants(tree)}
    for path, tree in trees.items():
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda call: call.lineno):
            said = [_words(argument, constants) for argument in call.args]
            text, hint = _MAKERS.get(_name(call.func), _no_error)(said)
            if text:
                yield Message(str(path.relative_to(root)), call.lineno, text, hint)


def _of_error(said: Sequence[str]) -> tuple[str, str]:
    """Return an error's text and hint, nothing if all of the text is put in."""
    text, hint = (*said, "", "")[:2]
    return (text, hint) if re.search(r"\w{2}", re.sub(r"\{.*?\}", "", text)) else ("", "")


def _of_file(what: str) -> Callable[[Sequence[str]], tuple[str, str]]:
    return lambda said: (f"{{path}} cannot be {what}: {{strerror}}", (*said, "", "", "")[2])


def _no_error(_: Sequence[str]) -> tuple[str, str]:
    return "", ""


# What makes errors (base/errors.py), and what its arguments say.
_MAKERS: dict[str, Callable[[Sequence[str]], tuple[str, str]]] = {
    "TeeforgeError": _of_error,
    "UnreachableError": _of_error,
    "unreadable": _of_file("read"),
    "unwritable": _of_file("written"),
}


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the module's constants that are text."""
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and (text := _words(node.value, {}))
        ):
            yield node.targets[0].id, text


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _words(node: ast.expr, constants: Mapping[str, str]) -> str:
    """Return the text of an expression, nothing if it is none; what is put in is named in braces."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=values):
            return "".join(
                str(value.value) if isinstance(value, ast.Constant) else _filled(value, constants)
                for value in values
            )
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = [_words(left, constants), _words(right, constants)]
            return "".join(parts) if all(parts) else ""
        case ast.Name(id=name):
            return constants.get(name, "")
        case _:
            return ""


def _filled(node: ast.expr, constants: Mapping[str, str]) -> str:
    value = node.value if isinstance(node, ast.FormattedValue) else node
    return _words(value, constants) or f"{{{_put_in(value)}}}"


def _put_in(node: ast.expr) -> str:
    """Return what a reader is told of a value: what it is called in the source."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_")
        case ast.Call(func=ast.Attribute(value=ast.Name()), args=[first, *_]):
            return _put_in(first)  # as in shlex.join(argv)
        case ast.Call(func=ast.Attribute(value=value)) | ast.Subscript(value=value) | ast.IfExp(body=value):
            return _put_in(value)
        case ast.Call(func=ast.Name(id=name)):
            return name.strip("_")
        case ast.BinOp(left=value) | ast.BoolOp(values=[value, *_]):
            return _put_in(value)
        case _:
            return "…"
