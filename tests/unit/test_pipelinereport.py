"""The figures of `invoke bench.pipeline`: judged by the median, beside the plain way and the run before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.diagnosis.hostfacts import host_facts
from teeforge.pipeline.measure import ROWS, choose_rows
from teeforge.pipeline.report import Row, Taken, keep, previous, report, table

SECONDS = Row("c", "a change to output", "s", 1.5)
RATIO = Row("cold", "cold build", "x", 1.05, "the bare tools, s")
RESUME = Row("resume", "resume", "s", 0.8, "a cold boot, s")
COUNT = Row("git", "built again", "", 0.0)
HOST = {"when": "2026-11-22T10:00:00Z", "commit": "abc", "load": [1.0], "work_ms": 20.0}


@pytest.mark.parametrize(
    ("values", "verdict"),
    [([1.0, 1.4, 9.0], "met"), ([1.4, 1.6, 1.7], "at best"), ([1.6, 1.7, 1.8], "MISSED")],
)
def test_a_goal_is_judged_by_the_median_and_the_best(values: list[float], verdict: str) -> None:
    assert Taken(SECONDS, values).verdict == verdict


def test_a_count_has_to_be_none() -> None:
    assert Taken(COUNT, [0, 0]).verdict == "met"
    assert Taken(COUNT, [2, 3]).verdict == "MISSED"


def test_the_plain_way_is_compared_turn_by_turn() -> None:
    # The third turn was on a busy host: both took long, and their ratio says so.
    assert Taken(RESUME, [0.5, 0.6, 5.0], [2.0, 3.0, 20.0]).over_plain == 0.25
    assert Taken(RATIO, [0.9, 1.0, 1.1], [60.0, 61.0, 62.0]).over_plain == 1.0
    assert Taken(SECONDS, [1.0]).over_plain is None


def test_a_row_that_became_slower_is_marked(tmp_path: Path) -> None:
    first = [Taken(SECONDS, [1.0, 1.1, 1.2]), Taken(RESUME, [0.5])]
    keep(tmp_path, report(first, HOST, {}))
    before = previous(tmp_path)
    now = [Taken(SECONDS, [1.4]), Taken(RESUME, [0.59])]
    found = report(now, {**HOST, "when": "2026-11-22T11:00:00Z"}, before)
    assert found["rows"]["c"]["over_previous"] == round(1.4 / 1.1, 3)
    assert found["rows"]["c"]["slower"] is True
    assert found["rows"]["resume"]["slower"] is False
    lines = table(now, {**HOST, "work_ms": 30.0}, before)
    assert [line.endswith("slower") for line in lines[1:3]] == [True, False]
    assert lines[-2:] == [
        "the run before: 2026-11-22T10:00:00Z, commit abc",
        "the host itself takes 1.50x as long as then for the same work",
    ]


def test_a_row_is_compared_with_the_last_run_that_measured_it(tmp_path: Path) -> None:
    keep(tmp_path, report([Taken(SECONDS, [1.0]), Taken(RESUME, [0.5])], HOST, {}))
    keep(tmp_path, report([Taken(SECONDS, [2.0])], {**HOST, "when": "2026-11-22T11:00:00Z"}, {}))
    (tmp_path / "2026-11-22T120000Z.json").write_text('{"torn')
    before = previous(tmp_path)
    assert Taken(SECONDS, [2.0]).over(before) == 1.0
    assert Taken(RESUME, [0.5]).over(before) == 1.0
    assert Taken(COUNT, [0]).over(before) is None


def test_the_first_run_is_compared_with_nothing(tmp_path: Path) -> None:
    assert previous(tmp_path / "nothing") == {}
    assert "run before" not in "\n".join(table([Taken(SECONDS, [1.0])], HOST, {}))


def test_a_run_is_kept_as_json_with_the_hosts_facts(tmp_path: Path) -> None:
    host = host_facts(Path(__file__).parent)
    assert {"cpu", "cores", "load", "commit", "python", "qemu"} <= host.keys()
    path = keep(tmp_path, report([Taken(RATIO, [1.0, 1.04], [60.0, 61.0])], host, {}))
    kept = json.loads(path.read_text())
    assert kept["rows"]["cold"]["plain"] == [60.0, 61.0]
    assert kept["rows"]["cold"]["verdict"] == "met"


def test_every_row_of_the_table_of_figures_is_there() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) >= 13
    assert all(len(row.title) <= 46 for row in ROWS)


def test_rows_are_chosen_by_name() -> None:
    assert [row.name for row in choose_rows("list, noop", quick=False)] == ["noop", "list"]
    assert "cold" in [row.name for row in choose_rows("", quick=False)]
    assert not {"cold", "cold-cpu"} & {row.name for row in choose_rows("", quick=True)}
    with pytest.raises(TeeforgeError) as caught:
        choose_rows("lst", quick=False)
    assert caught.value.message == "--only lst: there is no such row"
