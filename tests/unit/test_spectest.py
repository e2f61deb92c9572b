"""The runner of the specification's testsuite: what it links, compares, skips and reports."""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.modules.wasm import read_wasm
from teeforge.spectest.binary import leb, read_module, vector
from teeforge.spectest.link import (
    SPECTEST,
    Exports,
    LinkError,
    SharedError,
    add_getters,
    exports_of,
    getter,
    link,
)
from teeforge.spectest.plan import Check, Planner
from teeforge.spectest.report import junit_xml, lines
from teeforge.spectest.running import judge
from teeforge.spectest.scripts import NULL_REF, Action, Command, Script, Value, load_script
from teeforge.spectest.values import Reply, compare_message, compare_values, read_reply

END = b"\x0b"
REGISTRY: Mapping[str, Exports] = {"spectest": SPECTEST}


def name(text: str) -> bytes:
    return leb(len(text)) + text.encode()


def module(**sections: Sequence[bytes]) -> bytes:
    """A module of sections by name, each a list of entries."""
    numbers = {
        "types": 1,
        "imports": 2,
        "functions": 3,
        "tables": 4,
        "memories": 5,
        "globals": 6,
        "exports": 7,
        "elements": 9,
        "code": 10,
        "data": 11,
    }
    made = b"\0asm\x01\0\0\0"
    for section, entries in sections.items():
        body = vector(entries)
        made += bytes([numbers[section]]) + leb(len(body)) + body
    return made


def function(code: bytes) -> bytes:
    body = b"\0" + code + END
    return leb(len(body)) + body


def imported(owner: str, what: str, description: bytes) -> bytes:
    return name(owner) + name(what) + description


NOTHING = b"\x60\0\0"
TAKES_I32 = b"\x60\x01\x7f\0"
GIVES_I32 = b"\x60\0\x01\x7f"


def test_what_spectest_offers_is_put_into_the_module_and_no_index_changes() -> None:
    data = module(
        types=[TAKES_I32, NOTHING],
        imports=[
            imported("spectest", "print_i32", b"\0\0"),
            imported("spectest", "global_i32", b"\x03\x7f\0"),
            imported("spectest", "table", b"\x01\x70\x01\x0a\x14"),
            imported("spectest", "memory", b"\x02\0\x01"),
        ],
        functions=[b"\x01"],
        globals=[b"\x7f\0\x23\0" + END],
        exports=[name("f") + b"\0\x01", name("g") + b"\x03\x01"],
        elements=[b"\0\x23\0" + END + b"\x01\x01"],
        code=[function(b"\x41\x07\x10\0")],
        data=[b"\0\x23\0" + END + b"\x01x"],
    )
    linked = link(data, REGISTRY)
    read = read_wasm(linked, "linked")
    assert read.imports == () and read.functions == 2
    assert [(entry.name, entry.index) for entry in read.exports] == [("f", 1), ("g", 1)]
    again = read_module(linked)
    assert again.functions[0] == (0, b"\0\x0b")
    assert again.tables[0][1].maximum == 20 and again.memories[0].maximum == 2
    # 666, where the global was imported and where it was read by a constant expression
    number = b"\x41\x9a\x05"
    assert again.globals == [("i32", False, number), ("i32", False, number)]
    assert again.sections[9] == b"\x01\0" + number + END + b"\x01\x01"
    assert again.sections[11] == b"\x01\0" + number + END + b"\x01x"


def test_a_module_without_imports_stays_as_it_is() -> None:
    data = module(types=[NOTHING]) + b"\0\x05\x04name"
    assert link(data, REGISTRY) is data


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (imported("spectest", "unknown", b"\0\0"), "unknown import"),
        (imported("nobody", "print", b"\0\0"), "unknown import"),
        (imported("spectest", "print_i32", b"\0\0"), "incompatible import type"),
        (imported("spectest", "global_i32", b"\x03\x7e\0"), "incompatible import type"),
        (imported("spectest", "global_i32", b"\x03\x7f\x01"), "incompatible import type"),
        (imported("spectest", "table", b"\0\0"), "incompatible import type"),
        (imported("spectest", "table", b"\x01\x6f\0\x0a"), "incompatible import type"),
        (imported("spectest", "memory", b"\x02\0\x03"), "incompatible import type"),
        (imported("spectest", "memory", b"\x02\x01\0\x01"), "incompatible import type"),
    ],
)
def test_what_is_imported_as_something_else_does_not_link(entry: bytes, message: str) -> None:
    with pytest.raises(LinkError, match=message):
        link(module(types=[NOTHING], imports=[entry]), REGISTRY)


def test_a_function_of_another_module_is_copied_only_if_it_touches_nothing_else() -> None:
    owner = module(
        types=[GIVES_I32],
        functions=[b"\0", b"\0"],
        memories=[b"\0\x01"],
        exports=[name("pure") + b"\0\0", name("loads") + b"\0\x01"],
        code=[function(b"\x41\x05"), function(b"\x41\0\x28\x02\0")],
    )
    registry = {"owner": exports_of(owner)}

    def user(what: str) -> bytes:
        return module(types=[GIVES_I32], imports=[imported("owner", what, b"\0\0")])

    assert read_module(link(user("pure"), registry)).functions == [(0, b"\0\x41\x05" + END)]
    with pytest.raises(SharedError, match="shares owner"):
        link(user("loads"), registry)


def test_a_global_is_read_by_a_function_that_is_put_at_the_end() -> None:
    data = module(
        types=[NOTHING],
        functions=[b"\0"],
        globals=[b"\x7e\0\x42\x05" + END],
        exports=[name("g") + b"\x03\0"],
        code=[function(b"")],
    )
    read = read_module(add_getters(data, ["g", "other"]))
    assert read.exports == {"g": ("global", 0), getter("g"): ("func", 1)}
    assert read.types[read.functions[1][0]].results == ("i64",)


def value(kind: str, bits: int | None, nan: str = "") -> tuple[Value, ...]:
    return (Value(kind, bits, nan),)


@pytest.mark.parametrize(
    ("expected", "given", "same"),
    [
        (value("i32", 1), value("i32", 1), True),
        (value("i32", 1), value("i64", 1), False),
        (value("f32", 0), value("f32", 0x80000000), False),
        (value("f32", 0x7FA00000), value("f32", 0x7FE00000), False),
        (value("f32", None, "nan:canonical"), value("f32", 0xFFC00000), True),
        (value("f32", None, "nan:canonical"), value("f32", 0x7FC00001), False),
        (value("f32", None, "nan:arithmetic"), value("f32", 0x7FC00001), True),
        (value("f32", None, "nan:arithmetic"), value("f32", 0x7FA00000), False),
        (value("f64", None, "nan:canonical"), value("f64", 0x7FF8000000000000), True),
        (value("f64", None, "nan:canonical"), value("f64", 0x7FFC000000000000), False),
        (value("f64", None, "nan:arithmetic"), value("f64", 0xFFFFFFFFFFFFFFFF), True),
        (value("f64", None, "nan:arithmetic"), value("f64", 0x7FF0000000000000), False),
        (value("funcref", None), value("funcref", 3), True),
        (value("funcref", None), value("funcref", NULL_REF), False),
        (value("externref", NULL_REF), value("externref", NULL_REF), True),
        ((), value("i32", 0), False),
        ((), (), True),
    ],
)
def test_values_are_compared_bit_for_bit_and_nans_by_their_class(
    expected: tuple[Value, ...], given: tuple[Value, ...], same: bool
) -> None:
    assert (compare_values(expected, given) == "") == same


def test_the_messages_of_traps_are_those_of_the_specification() -> None:
    assert compare_message("call stack exhausted", "native stack overflow") == ""
    assert compare_message("uninitialized element 2", "uninitialized element") == ""
    assert compare_message("out of bounds", "out of bounds memory access") == ""
    assert compare_message("unreachable", "integer overflow") == "`integer overflow` instead of `unreachable`"
    assert compare_message("unreachable", "") != ""


def test_a_line_of_the_driver_is_read_with_its_values() -> None:
    assert read_reply("returned 7f:ffffffff 7c:1") == Reply(
        "returned", (Value("i32", 0xFFFFFFFF), Value("f64", 1))
    )
    assert read_reply("returned") == Reply("returned")
    assert read_reply("trapped integer overflow") == Reply("trapped", message="integer overflow")


def check(kind: str, **named: str) -> Check:
    return Check("script", Command(kind, 1, **named))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "reply", "verdict"),
    [
        ("module", Reply("started"), "passed"),
        ("module", Reply("trapped", message="unreachable"), "failed"),
        ("assert_trap", Reply("trapped", message="unreachable"), "passed"),
        ("assert_trap", Reply("trapped", message="integer overflow"), "failed"),
        ("assert_trap", Reply("returned"), "failed"),
        ("assert_trap", Reply("refused", message="unreachable"), "failed"),
        ("assert_uninstantiable", Reply("refused", message="unreachable"), "passed"),
        ("assert_return", Reply("failed", message="unreachable"), "failed"),
        ("assert_return", Reply("returned"), "passed"),
        ("action", Reply("returned", (Value("i32", 1),)), "passed"),
    ],
)
def test_what_came_of_a_command_decides_it(kind: str, reply: Reply, verdict: str) -> None:
    decided = check(kind, text="unreachable")
    judge(decided, reply)
    assert decided.verdict == verdict


def test_what_works_on_the_state_of_a_module_that_is_not_there_is_not_applicable(tmp_path: Path) -> None:
    owner, user = tmp_path / "owner.wasm", tmp_path / "user.wasm"
    owner.write_bytes(module(memories=[b"\0\x01"], exports=[name("m") + b"\x02\0"]))
    user.write_bytes(module(imports=[imported("owner", "m", b"\x02\0\x01")]))
    call = Action("invoke", "", "f", ())
    commands = (
        Command("module", 1, module=owner, name="$owner"),
        Command("register", 2, name="$owner", alias="owner"),
        Command("assert_return", 3, action=Action("invoke", "$owner", "f", ())),
        Command("module", 4, module=user),
        Command("assert_return", 5, action=call),
        Command("assert_return", 6, action=Action("invoke", "$owner", "f", ())),
        Command("assert_malformed", 7, module=user, format="text"),
    )
    checks = Planner().plan(Script("script", commands))
    assert [(one.command.line, one.verdict) for one in checks] == [
        (1, ""),
        (3, ""),
        *((line, "skipped") for line in (4, 5, 6, 7)),
    ]


def converter(folder: Path, script: str) -> Path:
    """A product like wabt's: its loader is called with the program, whose last word is the .wast."""
    loader = folder / "loader"
    loader.write_text(f"#!/bin/sh\n{script}\n")
    loader.chmod(loader.stat().st_mode | stat.S_IXUSR)
    return folder


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'x.wast:3:4: error: unexpected token (' >&2; echo more >&2; exit 1", "x.wast:3:4: error"),
        ('echo \'{"commands":[{"type":"thread","line":3}]}\' >"$5"', "x.wast:3: the command thread"),
        (
            'echo \'{"commands":[{"type":"assert_return","line":3,"action":{"type":"invoke","field":"f",'
            '"args":[{"type":"v128","value":["1"]}]}}]}\' >"$5"',
            "x.wast:3: a value of type v128",
        ),
    ],
)
def test_a_script_of_a_newer_kind_is_one_line(tmp_path: Path, script: str, message: str) -> None:
    with pytest.raises(TeeforgeError, match=message) as failed:
        load_script(tmp_path / "x.wast", converter(tmp_path, script), tmp_path)
    assert "\n" not in failed.value.message


def test_the_table_and_the_junit_file_count_what_failed_and_what_is_not_applicable() -> None:
    checks = [
        check("assert_return").decide(""),
        check("assert_return").decide("bell \a <tag>"),
        check("assert_trap").skip("why not"),
    ]
    told = "\n".join(lines(checks))
    assert "script                             1       1       1" in told
    assert "FAIL script.wast:1 assert_return: bell \\x07 <tag>" in told
    assert "n/a      1  why not" in told
    (suite,) = ElementTree.fromstring(junit_xml(checks))
    assert [suite.get(key) for key in ("tests", "failures", "skipped")] == ["3", "1", "1"]
    assert suite[1][0].get("message") == "bell \\x07 <tag>"
    assert suite[2][0].tag == "skipped"
