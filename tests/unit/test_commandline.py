"""Command lines that Invoke's parser does not take as they are typed."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from invoke.parser.context import ParserContext
from invoke.parser.parser import Parser

from teeforge.commandline.words import expressible

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tasks() -> list[ParserContext]:
    return list(runpy.run_path(str(ROOT / "tasks.py"))["namespace"].to_contexts())


def parsed(tasks: list[ParserContext], *words: str) -> list[dict[str, object]]:
    found = Parser(contexts=tasks).parse_argv(expressible(words, tasks))
    return [{key: value for key, value in task.as_kwargs.items() if value} for task in found]


def test_more_files_follow_the_first_anywhere(tasks: list[ParserContext]) -> None:
    (run,) = parsed(tasks, "run", "main.c", "util.c", "--heap", "2MiB", "more.c")
    assert (run["file"], run["source"], run["heap"]) == ("main.c", ["util.c", "more.c"], "2MiB")


@pytest.mark.parametrize("value", ["-d", "--heap", "-Iinclude -DN=3", "--", "a=b", "", "-x=1"])
@pytest.mark.parametrize("option", ["args", "cflags", "ldflags"])
def test_values_may_look_like_options(tasks: list[ParserContext], option: str, value: str) -> None:
    for words in ([f"--{option}={value}"], [f"--{option}", value]):
        if "--" in words:
            continue  # which begins the program's arguments
        (run,) = parsed(tasks, "run", "x.c", *words)
        assert str(run[option]).strip() == value


def test_a_short_option_takes_such_a_value_too(tasks: list[ParserContext]) -> None:
    (run,) = parsed(tasks, "run", "x.c", "-a", "-d")
    assert str(run["args"]).strip() == "-d"


def test_tasks_may_still_follow_one_another(tasks: list[ParserContext]) -> None:
    run, halt = parsed(tasks, "run", "x.c", "y.c", "halt", "--all")
    assert (run["source"], halt["all"]) == (["y.c"], True)


def test_other_tasks_are_left_as_they_are(tasks: list[ParserContext]) -> None:
    for words in (["build", "wamrc", "explain", "wamrc"], ["halt", "--all"], ["run", "x.c", "--nonsense"]):
        assert expressible(words, tasks) == words


def test_each_option_keeps_its_help_however_often_it_is_asked_for() -> None:
    namespace = runpy.run_path(str(ROOT / "tasks.py"))["namespace"]
    for _ in range(2):
        silent = [
            f"{context.name} --{name}"
            for context in namespace.to_contexts()
            for name, argument in context.args.items()
            if not argument.help
        ]
        assert not silent
