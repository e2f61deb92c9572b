"""The JSON schemas that editors use: current, true to the reader, and named where they count."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
import yaml

from teeforge.base.errors import TeeforgeError
from teeforge.settings import schema
from teeforge.settings.config import Config
from teeforge.settings.jsonschema import FILES, field_words, json_schema, schema_text, write_schemas
from teeforge.settings.recipe import SHAPES

ROOT = Path(__file__).resolve().parents[2]
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
COMMIT = "753afbbee1682f5d16fd30e87b31058a4fd4f4b8"
GOOD = f"""\
sources:
  up: {{url: "https://example.org/up.git", commit: {COMMIT}}}
targets:
  qemu: {{kind: qemu}}
"""
BOARD = "{kind: ssh, host: 192.0.2.1, %s: ssh-ed25519 AAAA}"


def validator(*shapes: type) -> Callable[[Any], Any]:
    compiled: Callable[[Any], Any] = fastjsonschema.compile(json_schema(*shapes))
    return compiled


def both(folder: Path, text: str) -> tuple[bool, bool]:
    """Say whether the schema and the reader take ``text`` as config.yaml."""
    path = folder / "config.yaml"
    path.write_text(text)
    try:
        validator(Config)(yaml.safe_load(text))
        by_schema = True
    except fastjsonschema.JsonSchemaException:
        by_schema = False
    try:
        schema.load(path, Config)
        by_reader = True
    except TeeforgeError:
        by_reader = False
    return by_schema, by_reader


@pytest.mark.parametrize("name", FILES)
def test_a_committed_schema_is_what_the_dataclasses_say(name: str) -> None:
    assert (ROOT / name).read_text() == schema_text(*FILES[name]), "`invoke docs.schema` writes it"


def test_writing_the_schemas_again_writes_nothing(tmp_path: Path) -> None:
    assert [path.relative_to(tmp_path).as_posix() for path in write_schemas(tmp_path)] == list(FILES)
    assert list(write_schemas(tmp_path)) == []


def test_the_schemas_accept_every_file_of_the_checkout() -> None:
    validator(Config)(yaml.safe_load((ROOT / "config.yaml").read_text()))
    check = validator(*SHAPES)
    for path in RECIPES:
        check(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("path", [ROOT / "config.yaml", *RECIPES], ids=lambda path: str(path.stem))
def test_each_file_names_its_schema_for_editors(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert json.loads((path.parent / named).read_text())["description"]
    assert FILES[str((path.parent / named).resolve().relative_to(ROOT))] in ((Config,), SHAPES)


def test_that_line_is_no_part_of_what_decides_a_recipes_products(tmp_path: Path) -> None:
    for path in RECIPES:
        bare = tmp_path / path.name
        bare.write_text(path.read_text().partition("\n")[2])
        assert schema.load(bare, *SHAPES) == schema.load(path, *SHAPES)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD + "toolchain: host\n",
        GOOD + "toolchain: {kind: host, llvm: 14}\n",
        GOOD + "mirrors:\njobs: 3\nbuild-dir: elsewhere\n",
        GOOD + "  board: " + BOARD % "host_key" + "\n",
        GOOD + "  board: " + BOARD % "host-key" + "\n",
        GOOD.replace("commit:", "cherry-picks: [], version: 4.10, commit:"),
    ],
)
def test_what_the_reader_takes_the_schema_takes(tmp_path: Path, text: str) -> None:
    assert both(tmp_path, text) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        GOOD + "toolchian: host\n",
        GOOD + "toolchain: mine\n",
        GOOD + "jobs: many\n",
        GOOD + "jobs: null\n",
        GOOD + "mirrors: [1]\n",
        GOOD + "signing: mine\n",
        GOOD.replace("commit", "comit"),
        GOOD.replace("kind: qemu", "cpus: 2"),
        GOOD.replace("kind: qemu", "kind: qemu, cpus: two"),
        GOOD + "  board: " + BOARD % "hostkey" + "\n",
        "sources: {}\n",
    ],
)
def test_what_the_schema_refuses_the_reader_refuses(tmp_path: Path, text: str) -> None:
    assert both(tmp_path, text) == (False, False)


def test_every_key_is_said_in_words() -> None:
    for shapes in FILES.values():
        for name, definition in json_schema(*shapes)["definitions"].items():
            silent = [key for key, value in definition["properties"].items() if "description" not in value]
            assert not silent, name
        for shape in shapes:
            assert field_words(shape).keys() == {field.name for field in dataclasses.fields(shape)}
