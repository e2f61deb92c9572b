"""How a function becomes a task."""

from __future__ import annotations

import json

import pytest
from invoke.collection import Collection
from invoke.context import Context
from invoke.program import Program

from teeforge.answer import Answer
from teeforge.base.errors import TeeforgeError
from teeforge.commandline.command import Bundle, command


def _pair(left: str, right: list[str] | None = None, turned: bool = False) -> tuple[str, ...]:
    if left == "bad":
        raise TeeforgeError("--left bad: is none", "give another")
    return (*(right or ()), left) if turned else (left, *(right or ()))


PAIR = Bundle("pair", _pair, {"left": "one", "right": "others", "turned": "the other way"}, ("right",))


@command(PAIR, json=True, help={"twice": "two of it"})
def show(_: Context, pair: tuple[str, ...], twice: bool = False) -> Answer:
    """Show it."""
    words = [*pair, *pair] if twice else [*pair]
    return Answer(words, words, 7 if twice else 0, "a note, `invoke show`")


@command()
def fail(_: Context) -> int:
    """Fail."""
    return 3


def typed(*words: str) -> int:
    try:
        Program(namespace=Collection(show, fail)).run(["it", *words], exit=False)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_bundle_of_options_is_given_as_one_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("show", "l", "--right", "r", "--right", "s") == 0
    assert capsys.readouterr().out == "l\nr\ns\n"
    assert typed("show", "l", "-r", "r", "--turned") == 0
    assert capsys.readouterr().out == "r\nl\n"


def test_its_options_stand_where_it_does_and_keep_their_help() -> None:
    (context,) = [found for found in Collection(show).to_contexts() if found.name == "show"]
    assert [argument.name for argument in context.positional_args] == ["left"]
    assert [(name, found.help) for name, found in context.args.items()] == [
        ("left", "one"),
        ("right", "others"),
        ("turned", "the other way"),
        ("twice", "two of it"),
        ("json", "print JSON on stdout"),
    ]


def test_an_answer_is_lines_or_json_and_its_note_is_no_part_of_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEEFORGE_CALLED", "./inv")
    assert typed("show", "l", "--twice", "--json") == 7
    told = capsys.readouterr()
    assert json.loads(told.out) == ["l", "l"] and told.err == "a note, `./inv show`\n"


def test_an_error_of_an_option_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("show", "bad") == 1
    assert capsys.readouterr() == ("", "error: --left bad: is none\nhint: give another\n")


def test_the_result_of_a_task_is_the_exit_status() -> None:
    assert typed("fail") == 3


def test_words_after_dashes_are_refused_by_a_task_that_runs_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert typed("fail", "--", "x") == 1
    assert capsys.readouterr().err.startswith("error: fail: what follows -- are arguments of a program")
