"""From a YAML file to checked dataclasses, all mistakes of the file shown at once."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import operator
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import yaml

from teeforge.base.errors import RESTORE, TeeforgeError, unreadable

T = TypeVar("T")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclasses.dataclass(frozen=True)
class _Fault:
    """Stands for a value that could not be made; the problem is already in the list."""


_FAULT = _Fault()


def load(path: Path, *shapes: type[T]) -> T:
    """Read ``path`` as a dataclass: of several ``shapes`` the one that fits its keys best.

    Keys are the field names with ``-`` for ``_`` allowed. A dataclass may refuse values in
    ``__post_init__`` with ``ValueError("key: what is wrong")``; where its class variable ``short`` names a
    field, a scalar stands for that field alone. Raises one TeeforgeError that lists every mistake as
    ``file:line: key: what``.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise TeeforgeError(f"{path} does not exist", RESTORE) from error
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error, "it must be UTF-8 text") from error
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TeeforgeError(f"{path}:{line}: not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise TeeforgeError(f"{path}: not YAML: {error}") from error
    reader = _Reader(path)
    made = reader.read(node, functools.reduce(operator.or_, shapes), "")
    if reader.problems:
        count = len(reader.problems)
        raise TeeforgeError("\n".join(reader.problems), f"{count} to correct in {path.name}")
    return typing.cast(T, made)


class _Reader:
    """Walks YAML nodes beside the type hints of a dataclass."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []

    def fault(self, node: yaml.Node | None, key: str, text: str) -> _Fault:
        line = node.start_mark.line + 1 if node is not None else 1
        self.problems.append(f"{self.path}:{line}: {key}: {text}" if key else f"{self.path}:{line}: {text}")
        return _FAULT

    def read(self, node: yaml.Node | None, shape: Any, key: str) -> Any:
        origin = get_origin(shape)
        if origin in (Union, types.UnionType):
            return self.union(node, get_args(shape), key)
        if dataclasses.is_dataclass(shape):
            return self.dataclass(node, typing.cast(type, shape), key)
        if origin in (dict, Mapping):
            return self.mapping(node, get_args(shape)[1], key)
        if origin is tuple:
            return self.sequence(node, get_args(shape)[0], key)
        return self.scalar(node, shape, key)

    def union(self, node: yaml.Node | None, shapes: tuple[Any, ...], key: str) -> Any:
        if types.NoneType in shapes and (node is None or node.tag.endswith(":null")):
            return None
        rest = [shape for shape in shapes if shape is not types.NoneType]
        if len(rest) == 1:
            return self.read(node, rest[0], key)
        if isinstance(node, yaml.MappingNode):
            classes = [shape for shape in rest if dataclasses.is_dataclass(shape)]
            return self.read(node, _closest(classes, node), key)
        scalars = [shape for shape in rest if not dataclasses.is_dataclass(shape)]
        for shape in scalars:
            trial = _Reader(self.path)
            value = trial.read(node, shape, key)
            if not trial.problems:
                return value
        return self.fault(node, key, f"should be {_words(tuple(rest))}")

    def dataclass(self, node: yaml.Node | None, shape: type, key: str) -> Any:
        if isinstance(node, yaml.ScalarNode) and (short := getattr(shape, "short", None)):
            value = self.read(node, typing.get_type_hints(shape)[short], key)
            return value if value is _FAULT else shape(**{short: value})
        if not isinstance(node, yaml.MappingNode):
            return self.fault(node, key, "should be a mapping (key: value lines)")
        hints = typing.get_type_hints(shape)
        fields = {field.name: field for field in dataclasses.fields(shape) if field.init}
        values: dict[str, Any] = {}
        for name, key_node, value_node in self.items(node, key):
            field = name.replace("-", "_")
            here = f"{key}.{name}" if key else name
            if field not in fields:
                near = difflib.get_close_matches(field, fields, n=1)
                meant = f"; did you mean `{near[0]}`?" if near else f"; known: {', '.join(fields)}"
                self.fault(key_node, here, f"unknown key{meant}")
                continue
            values[field] = self.read(value_node, hints[field], here)
        for name in _required(shape):
            if name not in values:
                values[name] = self.fault(node, f"{key}.{name}" if key else name, "is missing")
        if any(value is _FAULT for value in values.values()):
            return _FAULT
        try:
            return shape(**values)
        except ValueError as error:
            return self.fault(node, "", f"{key}.{error}" if key else str(error))

    def mapping(self, node: yaml.Node | None, shape: Any, key: str) -> Any:
        if node is not None and node.tag.endswith(":null"):
            return {}
        if not isinstance(node, yaml.MappingNode):
            return self.fault(node, key, "should be a mapping (key: value lines)")
        made = {name: self.read(value, shape, f"{key}.{name}") for name, _, value in self.items(node, key)}
        return _FAULT if any(value is _FAULT for value in made.values()) else made

    def sequence(self, node: yaml.Node | None, shape: Any, key: str) -> Any:
        if node is not None and node.tag.endswith(":null"):
            return ()
        if not isinstance(node, yaml.SequenceNode):
            return self.fault(node, key, "should be a list")
        made = [self.read(item, shape, f"{key}[{i}]") for i, item in enumerate(node.value)]
        return _FAULT if any(value is _FAULT for value in made) else tuple(made)

    def scalar(self, node: yaml.Node | None, shape: Any, key: str) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            return self.fault(node, key, f"should be {_words((shape,))}")
        if get_origin(shape) is Literal:
            if node.value in get_args(shape):
                return node.value
            return self.fault(node, key, f"is `{node.value}`, should be {_words((shape,))}")
        kind = node.tag.rsplit(":", 1)[-1]
        if shape is str and kind != "null":
            return node.value  # `commit: 1234567` is meant as text, whatever YAML thinks
        if shape is bool and kind == "bool":
            return node.value.lower() in ("true", "yes", "on")
        if shape is int and kind == "int":
            try:
                return int(node.value.replace("_", ""), 0)
            except ValueError:
                pass
        if shape is float and kind in ("int", "float"):
            return float(node.value)
        return self.fault(node, key, f"is `{node.value}`, should be {_words((shape,))}")

    def items(self, node: yaml.MappingNode, key: str) -> list[tuple[str, yaml.Node, yaml.Node]]:
        found: dict[str, tuple[str, yaml.Node, yaml.Node]] = {}
        for key_node, value_node in node.value:
            name = str(key_node.value)
            if name in found:
                self.fault(key_node, f"{key}.{name}" if key else name, "stands here twice")
            found[name] = (name, key_node, value_node)
        return list(found.values())


def _required(shape: Any) -> list[str]:
    """Return the fields of a dataclass that have no default."""
    return [
        field.name
        for field in dataclasses.fields(shape)
        if field.init
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]


def _closest(classes: list[Any], node: yaml.MappingNode) -> Any:
    """Return the dataclass of a union that fits the mapping's keys (and its Literals) best."""
    values = {
        str(key.value).replace("-", "_"): value.value
        for key, value in node.value
        if isinstance(key, yaml.ScalarNode)
    }

    def fit(shape: Any) -> int:
        hints = typing.get_type_hints(shape)
        score = sum(1 for name in values if name in hints)
        score -= sum(1 for field in _required(shape) if field not in values)
        for name, hint in hints.items():
            if get_origin(hint) is Literal and name in values:
                score += 100 if values[name] in get_args(hint) else 0
        return score

    return max(classes, key=fit)


def _words(shapes: tuple[Any, ...]) -> str:
    """Say what is wanted, for an error message."""
    names = {str: "text", int: "a whole number", bool: "true or false", float: "a number"}
    said: list[str] = []
    for shape in shapes:
        if get_origin(shape) is Literal:
            said += [f"`{value}`" for value in get_args(shape)]
        else:
            said.append(names.get(shape, "a mapping"))
    return " or ".join(said)
