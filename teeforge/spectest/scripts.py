"""Test scripts of the specification (.wast), as wast2json takes them apart."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teeforge.base.errors import TeeforgeError
from teeforge.base.process import clean_environment
from teeforge.base.reader import printable

# Value types in WebAssembly's binary format, and the width of their values in bits.
TYPES = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C, "funcref": 0x70, "externref": 0x6F}
WIDTHS = {"i64": 64, "f64": 64}
# The null of both kinds of reference: WASM_TA_NULL_REF of the TA's wasm_ta.h.
NULL_REF = 0xFFFFFFFF
NANS = ("nan:canonical", "nan:arithmetic")
# Commands of wast2json's JSON; what is not here is of a newer kind.
KINDS = (
    *("module", "action", "register", "assert_return", "assert_trap", "assert_exhaustion", "assert_invalid"),
    *("assert_malformed", "assert_unlinkable", "assert_uninstantiable"),
)


@dataclass(frozen=True)
class Value:
    """A value by its bits. One that is expected may be a class of NaNs instead, or any non-null reference."""

    type: str
    bits: int | None
    nan: str = ""

    def __str__(self) -> str:
        if self.nan or self.bits is None:
            return f"{self.type}:{self.nan or 'not null'}"
        if self.type.endswith("ref") and self.bits == NULL_REF:
            return f"{self.type}:null"
        return f"{self.type}:0x{self.bits:0{WIDTHS.get(self.type, 32) // 4}x}"


@dataclass(frozen=True)
class Action:
    """A call (`invoke`), or the value of a global (`get`), of an export of ``module``, or of the last one."""

    kind: str
    module: str
    field: str
    args: tuple[Value, ...]

    def __str__(self) -> str:
        whose = f"{self.module}." if self.module else ""
        told = f"{whose}{printable(self.field)[:60]}"
        return f"{told}({', '.join(map(str, self.args))})" if self.kind == "invoke" else told


@dataclass(frozen=True)
class Command:
    """One command of a script. ``module`` is a file, ``format`` text or binary, ``text`` a message."""

    kind: str
    line: int
    action: Action | None = None
    expected: tuple[Value, ...] = ()
    module: Path | None = None
    format: str = "binary"
    name: str = ""
    alias: str = ""
    text: str = ""


@dataclass(frozen=True)
class Script:
    """A .wast file by its name without the ending."""

    name: str
    commands: tuple[Command, ...]


def load_script(wast: Path, converter: Path, folder: Path) -> Script:
    """Take a script apart with the product `wast2json`; its modules go to ``folder``.

    Raises TeeforgeError with one line if there is anything in it that the converter, or this, does not know.
    """
    made = folder / f"{wast.stem}.json"
    program: list[str | Path] = [converter / "loader", "--library-path", converter, converter / "wast2json"]
    done = subprocess.run(
        [*program, "-o", made, wast.absolute()],
        env=clean_environment(),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0 or not made.is_file():
        told = done.stderr.decode(errors="replace").splitlines() or [f"it ended with {done.returncode}"]
        raise TeeforgeError(
            f"wast2json cannot take {wast.name} apart: {told[0]}",
            "it knows WebAssembly 2.0: correct the script, or pin a testsuite of that time in config.yaml",
        )
    told_commands = json.loads(made.read_text(encoding="utf-8"))["commands"]
    return Script(wast.stem, tuple(_command(entry, wast, folder) for entry in told_commands))


def _command(told: Mapping[str, Any], wast: Path, folder: Path) -> Command:
    where = f"{wast.name}:{told['line']}"
    if told["type"] not in KINDS:
        raise TeeforgeError(f"{where}: the command {told['type']} is not known to teeforge")
    action = told.get("action")
    # For a trap `expected` are the types that would have been returned.
    expected = told.get("expected", ()) if told["type"] == "assert_return" else ()
    return Command(
        told["type"],
        told["line"],
        action=_action(action, where) if action else None,
        expected=tuple(_value(entry, where) for entry in expected),
        module=folder / told["filename"] if "filename" in told else None,
        format=told.get("module_type", "binary"),
        name=told.get("name", ""),
        alias=told.get("as", ""),
        text=told.get("text", ""),
    )


def _action(told: Mapping[str, Any], where: str) -> Action:
    args: Sequence[Any] = told.get("args", ())
    if told["type"] not in ("invoke", "get"):
        raise TeeforgeError(f"{where}: the action {told['type']} is not known to teeforge")
    return Action(
        told["type"], told.get("module", ""), told["field"], tuple(_value(entry, where) for entry in args)
    )


def _value(told: Mapping[str, Any], where: str) -> Value:
    kind, value = told["type"], told.get("value")
    if kind not in TYPES:
        raise TeeforgeError(f"{where}: a value of type {kind} is not known to teeforge")
    if value in NANS:
        return Value(kind, None, value)
    if value is None:
        return Value(kind, None)
    return Value(kind, NULL_REF if value == "null" else int(value))
