"""Where a start goes: what is made of the kernel's trace."""

from __future__ import annotations

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.benchmarks.trace import (
    AFTER,
    BEFORE,
    CLOSE,
    COMMANDS,
    INTERRUPTS,
    LINUX,
    MEMORY,
    OPEN,
    REQUESTS,
    SECURE,
    stages,
)

SESSION, MEMORY_CALL, GO_ON = 0x32000013, 0x32000012, 0x32000003
DONE, INTERRUPT, REQUEST, FREE = 0, 0xFFFF0004, 0xFFFF0005, 0xFFFF0002


def trace(*events: tuple[float, str, int], program: str = "optee_wamr") -> str:
    """Return a trace as the kernel prints it: milliseconds, `begin` or `end`, a0."""
    words = {"begin": "({:x}, ffff, 0, 0, 0, 0, 0, 0)", "end": "ret ({:x}, 0, 0, 0)"}
    lines = ["# tracer: nop", line(0, program, "sched_process_exec", "filename=/usr/bin/optee_wamr pid=5")]
    for at, what, number in events:
        told = f"param=00000000f765e008 {words[what].format(number)}"
        lines.append(line(at, program, f"optee_invoke_fn_{what}", told))
        lines.append(line(at, "sh", "sched_process_exec", "filename=/bin/true pid=9"))
    lines.append(line(100, program, "sched_process_exit", "comm=optee_wamr pid=5 prio=120"))
    return "\n".join(lines)


def line(at: float, program: str, what: str, words: str) -> str:
    return f"{program:>16}-560     [001] d..2.   {7 + at / 1000:.6f}: {what}: {words}"


RUN = trace(
    *((10, "begin", SESSION), (12, "end", REQUEST), (15, "begin", GO_ON), (16, "end", INTERRUPT)),
    *((16.5, "begin", GO_ON), (18, "end", DONE)),
    *((20, "begin", MEMORY_CALL), (21, "end", DONE)),
    *((25, "begin", SESSION), (45, "end", FREE), (46, "begin", GO_ON), (60, "end", DONE)),
    *((61, "begin", SESSION), (63, "end", DONE)),
)


def test_all_time_of_a_run_went_somewhere() -> None:
    found = stages(RUN)
    assert [*found] == [BEFORE, OPEN, MEMORY, COMMANDS, CLOSE, AFTER]
    told = {name: {place: ms for place, ms in stage.ms.items() if ms} for name, stage in found.items()}
    assert told == {
        BEFORE: {LINUX: pytest.approx(10)},
        OPEN: {SECURE: pytest.approx(4.5), REQUESTS: pytest.approx(3), INTERRUPTS: pytest.approx(0.5)},
        MEMORY: {LINUX: pytest.approx(2), SECURE: pytest.approx(1)},
        COMMANDS: {LINUX: pytest.approx(4), SECURE: pytest.approx(34), REQUESTS: pytest.approx(1)},
        CLOSE: {LINUX: pytest.approx(1), SECURE: pytest.approx(2)},
        AFTER: {LINUX: pytest.approx(37)},
    }
    assert sum(ms for stage in found.values() for ms in stage.ms.values()) == pytest.approx(100)


def test_a_kept_session_is_neither_opened_nor_closed() -> None:
    found = stages(trace((10, "begin", SESSION), (12, "end", DONE)), kept=True)
    assert [*found] == [BEFORE, COMMANDS, AFTER]
    assert found[COMMANDS].ms[SECURE] == pytest.approx(2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# tracer: nop\n",
        trace((10, "begin", SESSION), (12, "end", DONE)),
        RUN.replace("sched_process_exit", "sched_process_free"),
        RUN.replace("optee_wamr-", "another-"),
    ],
)
def test_a_trace_that_is_not_whole_is_told(text: str) -> None:
    with pytest.raises(TeeforgeError, match="does not have all of a run"):
        stages(text)
