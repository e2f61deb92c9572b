"""The fuzzer of the system PTA: a seed's script stays what it is, and what is wrong is seen."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fuzz.pta.generate import make
from tests.fuzz.pta.model import (
    ANY_OWNER,
    BAD,
    DENIED,
    READ,
    SUCCESS,
    TARGET_DEAD,
    UR,
    UW,
    UX,
    WRITE,
    Model,
    judge,
)
from tests.fuzz.pta.steps import (
    BEGUN,
    HIGH,
    LOW,
    MOST_STEPS,
    NOT_BEGUN,
    PAGE,
    PLACES,
    Command,
    Kind,
    Place,
    Reply,
    Script,
    Step,
    Value,
    replies,
)

HEADER = Path(__file__).resolve().parents[2] / "overlays/mprotect_test/include/mprotect_test.h"
PLACED = (0,) * (1 + 8) + tuple((n + 1) << 30 for n in range(PLACES - 9))
FIRST = 1 << 40
AT_FIRST = (Value(0, Place.SLOT, HIGH), Value(0, Place.SLOT, LOW))


def answered(script: Script, core: Callable[[int, Step, int], int] = lambda _, __, result: result) -> Reply:
    """Return the reply of a core that keeps to the model, but for what ``core`` makes of a result."""
    model = Model(script.flagged, len(script.steps), list(PLACED))
    done = [(NOT_BEGUN, 0)] * MOST_STEPS
    for number, step in enumerate(script.steps):
        expected = model.expect(step)
        if expected.must_die:
            done[number] = (BEGUN, 0)
            return Reply(TARGET_DEAD, TARGET_DEAD, PLACED, tuple(done))
        sound = BAD if expected.results is None else min(expected.results)
        if step.kind == Kind.RUN and expected.results is None:
            sound = SUCCESS
        value = (
            FIRST + number * (1 << 30) if step.kind == Kind.MAP and sound == SUCCESS else expected.value or 0
        )
        done[number] = (core(number, step, sound), value)
        model.apply(step, sound, value)
    return Reply(SUCCESS, SUCCESS, PLACED, tuple(done))


def mapped(*steps: Step, flagged: bool = True) -> Script:
    """Return a script with two pages of its own in slot 0, and then these steps."""
    first = Step(Kind.MAP, (Value(2 * PAGE), *[Value(0)] * 5), Command.MAP_ZI, 0x131)
    return Script(0, flagged, 0, (first, *steps))


def protect(prot: int, size: int = PAGE, at: tuple[Value, Value] = AT_FIRST) -> Step:
    return Step(Kind.INVOKE, (Value(size), Value(prot), *at), Command.MPROTECT, 0x011)


def access(flags: int, size: int = PAGE) -> Step:
    return Step(Kind.ACCESS, (Value(flags | ANY_OWNER), Value(0, Place.SLOT), Value(size)))


def at(place: Place) -> tuple[Value, Value]:
    return Value(0, place, HIGH), Value(0, place, LOW)


SEAL = Step(Kind.INVOKE, (Value(1 << 7 | 1 << 8), Value(0), Value(0), Value(0)), Command.SEAL, 0x511)
CODE = (Step(Kind.WRITE, (Value(0, Place.SLOT), Value(42))), protect(UR | UX))
RUN = Step(Kind.RUN, (Value(0, Place.SLOT),))


def forced(script: Script, *results: int) -> str:
    """Return what is said when the last steps come to these results."""
    begin = len(script.steps) - len(results)
    return judge(script, answered(script, lambda n, _, sound: results[n - begin] if n >= begin else sound))


def test_a_seed_makes_the_same_script_each_time() -> None:
    assert [make(seed) for seed in range(30)] == [make(seed) for seed in range(30)]
    assert len({make(seed).steps for seed in range(30)}) == 30
    assert all(1 <= len(make(seed).steps) <= MOST_STEPS for seed in range(300))


def test_scripts_have_all_that_the_commands_are_to_be_tried_with() -> None:
    scripts = [make(seed) for seed in range(400)]
    steps = [step for script in scripts for step in script.steps]
    assert {step.kind for step in steps} == set(Kind)
    assert {20, 21, 22} <= {step.command for step in steps if step.kind == Kind.INVOKE}
    assert {script.flagged for script in scripts} == {True, False}
    assert sum(step.kind == Kind.RUN for step in steps) > 100


def test_a_core_that_keeps_its_promises_is_found_to() -> None:
    for seed in range(400):
        script = make(seed)
        assert judge(script, answered(script)) == "", "\n".join(script.lines())


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (protect(UR | UW | UX), "came to 0x0 instead of 0xffff0006"),
        (protect(UR | UX, at=at(Place.STACK)), "came to 0x0 instead of 0xffff0001 or 0xffff0006"),
        (protect(UR, at=at(Place.CODE)), "came to 0x0 instead of"),
        (protect(UR | UX, size=3 * PAGE), "came to 0x0 instead of"),
        (protect(UR | UX, size=0), "came to 0x0 instead of"),
        (
            protect(UR | UX, at=(Value(8, Place.SLOT, HIGH), Value(8, Place.SLOT, LOW))),
            "came to 0x0 instead of",
        ),
        (replace(protect(UR), types=0x111), "came to 0x0 instead of"),
    ],
)
def test_what_should_have_been_refused_is_found(step: Step, words: str) -> None:
    assert judge(mapped(step), answered(mapped(step))) == ""
    assert words in forced(mapped(step), SUCCESS)


def test_memory_that_is_writable_and_executable_is_found() -> None:
    script = mapped(*CODE, access(WRITE))
    assert judge(script, answered(script)) == ""
    assert "came to 0x0 instead of a refusal" in forced(script, SUCCESS)
    assert "instead of 0x0" in forced(mapped(*CODE, access(READ)), DENIED)


def test_code_that_runs_where_it_should_not_and_does_not_where_it_should_is_found() -> None:
    ran = mapped(*CODE, RUN)
    assert judge(ran, answered(ran)) == ""
    reply = answered(ran)
    done = list(reply.done)
    done[3] = (SUCCESS, 41)
    assert "returned 0x29 instead of 0x2a" in judge(ran, replace(reply, done=tuple(done)))
    done[3] = (BEGUN, 0)
    dead = replace(reply, result=TARGET_DEAD, after=TARGET_DEAD, done=tuple(done))
    assert "step 3 ended the instance" in judge(ran, dead)

    written = mapped(CODE[0], RUN)
    assert judge(written, answered(written)) == ""
    reply = answered(written)
    done = list(reply.done)
    done[2] = (SUCCESS, 42)
    assert "did not end the instance" in judge(written, replace(reply, done=tuple(done)))


def test_what_a_seal_gives_back_is_found() -> None:
    for step in (protect(UR | UX), Step(Kind.OPEN), Step(Kind.SET_WATCH, (Value(2),))):
        script = mapped(SEAL, step)
        assert judge(script, answered(script)) == ""
        assert "came to 0x0 instead of 0xffff0001" in forced(script, SUCCESS)


def test_the_ta_without_the_flag_changes_nothing() -> None:
    script = mapped(protect(UR), flagged=False)
    assert judge(script, answered(script)) == ""
    assert "came to 0x0 instead of 0xffff0001" in forced(script, SUCCESS)
    assert "came to 0xffff0006 instead of 0xffff0001" in forced(script, BAD)


def test_an_instance_that_is_not_usable_afterwards_is_found() -> None:
    script = mapped(SEAL)
    reply = answered(script)
    assert "the command after it came to 0xffff3024" in judge(script, replace(reply, after=TARGET_DEAD))
    assert "the command came to 0xffff0000" in judge(script, replace(reply, result=0xFFFF0000))
    assert "the TA did not begin" in judge(script, replace(reply, places=(0,) * PLACES))


def test_memory_that_is_mapped_twice_is_found() -> None:
    again = replace(mapped().steps[0], slot=1)
    reply = answered(mapped(again))
    done = list(reply.done)
    done[1] = (SUCCESS, done[0][1] + PAGE)
    assert "was mapped again" in judge(mapped(again), replace(reply, done=tuple(done)))


def test_scripts_and_replies_are_as_the_header_has_them() -> None:
    text = HEADER.read_text()

    def names(enum: str) -> list[str]:
        body = re.sub(
            r"/\*.*?\*/", "", text.partition(f"enum {enum} {{")[2].partition("}")[0], flags=re.DOTALL
        )
        return [
            word.partition("=")[0].strip().removeprefix("MPROTECT_TEST_")
            for word in body.split(",")
            if word.strip()
        ]

    assert names("mprotect_test_kind") == [kind.name for kind in Kind]
    places = [name.removeprefix("AT_") for name in names("mprotect_test_place")]
    assert places == [place.name for place in Place if place != Place.SLOT] + ["PLACES"]
    assert f"#define MPROTECT_TEST_MOST_STEPS\t{MOST_STEPS}" in text
    assert len(mapped().packed()) == 16 + 88
    one = bytes(8 + 8 * PLACES + 16 * MOST_STEPS)
    assert len(list(replies(one * 2 + one[:-1]))) == 2
