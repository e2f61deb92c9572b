"""JSON schemas of config.yaml and of recipes, made from the dataclasses, for editors to check by."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import json
import re
import textwrap
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from teeforge.base.files import write_atomically
from teeforge.settings.config import Config
from teeforge.settings.recipe import SHAPES

# Files below the checkout, and what each describes: one of these.
FILES: Mapping[str, tuple[type, ...]] = {
    "schema/config.schema.json": (Config,),
    "schema/recipe.schema.json": SHAPES,
}

# What schema.py takes for text: `commit: 1234567` is meant as such, whatever YAML thinks.
_SCALARS: dict[Any, Any] = {
    str: ["string", "number", "boolean"],
    int: "integer",
    float: "number",
    bool: "boolean",
    types.NoneType: "null",
}


@functools.cache
def field_words(shape: type) -> dict[str, str]:
    """Return what the string below each field of a dataclass says of it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(shape)))
    assert isinstance(tree.body[0], ast.ClassDef)
    words: dict[str, str] = {}
    name = ""
    for line in tree.body[0].body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            name = line.target.id
        elif isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and name:
            words[name], name = str(line.value.value), ""
        else:
            name = ""
    return words


def default_of(field: dataclasses.Field[Any]) -> Any:
    """Return the default of a field; dataclasses.MISSING if it has to be given."""
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else made()


def json_schema(*shapes: type) -> dict[str, Any]:
    """Return the JSON schema (draft 7) of the YAML that schema.load() reads as one of these dataclasses.

    What a dataclass refuses in ``__post_init__`` is not in it.
    """
    definitions: dict[str, Any] = {}
    tops = [_object(shape, definitions) for shape in shapes]
    top = tops[0] if len(tops) == 1 else {"description": tops[0]["description"], "anyOf": tops}
    return {"$schema": "http://json-schema.org/draft-07/schema#", **top, "definitions": definitions}


def schema_text(*shapes: type) -> str:
    """Return the schema as it is written to its file."""
    return json.dumps(json_schema(*shapes), indent=1, ensure_ascii=False) + "\n"


def write_schemas(root: Path) -> Iterable[Path]:
    """Write the schemas below the checkout ``root``; yield the files that were not current."""
    for name, shapes in FILES.items():
        path, text = root / name, schema_text(*shapes).encode()
        if not path.is_file() or path.read_bytes() != text:
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, text)
            yield path


def _of(shape: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, parts = get_origin(shape), get_args(shape)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of(part, definitions) for part in parts]}
    if origin is Literal:
        return {"enum": list(parts)}
    if origin in (dict, Mapping):
        return {"type": ["object", "null"], "additionalProperties": _of(parts[1], definitions)}
    if origin is tuple:
        return {"type": ["array", "null"], "items": _of(parts[0], definitions)}
    if not dataclasses.is_dataclass(shape):
        return {"type": _SCALARS[shape]}
    kind = typing.cast(type, shape)
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # its place, before those that it refers to
        definitions[kind.__name__] = _object(kind, definitions)
    whole = {"$ref": f"#/definitions/{kind.__name__}"}
    if short := getattr(kind, "short", None):
        return {"anyOf": [_of(typing.get_type_hints(kind)[short], definitions), whole]}
    return whole


def _object(shape: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints, words = typing.get_type_hints(shape), field_words(shape)
    fields = [field for field in dataclasses.fields(shape) if field.init]
    properties = {}
    for field in fields:
        said = {"description": words[field.name]} if field.name in words else {}
        properties[field.name] = {**_of(hints[field.name], definitions), **said, **_default(field)}
    required = [field.name for field in fields if default_of(field) is dataclasses.MISSING]
    # A key may be written with - for _. One that must be there may then be there under either name.
    dashed = [name for name in properties if "_" in name]
    made = {
        "description": inspect.cleandoc(shape.__doc__ or ""),
        "type": "object",
        "properties": properties,
        "patternProperties": {
            f"^{re.escape(name).replace('_', '[-_]')}$": _of(hints[name], definitions) for name in dashed
        },
        "additionalProperties": False,
        "required": [name for name in required if name not in dashed],
        "allOf": [
            {"anyOf": [{"required": [name]}, {"required": [name.replace("_", "-")]}]}
            for name in required
            if name in dashed
        ],
    }
    return {key: value for key, value in made.items() if value not in ({}, [])}


def _default(field: dataclasses.Field[Any]) -> dict[str, Any]:
    value = default_of(field)
    if isinstance(value, tuple | dict) or value is dataclasses.MISSING or dataclasses.is_dataclass(value):
        return {}
    return {"default": value}
