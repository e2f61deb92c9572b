"""The runner of the official WASI suite: what it reads, what it compares, what it reports."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.runs.wasi_test import Case, Outcome, compare, compare_files, junit_xml, load_cases

CASE = Case("c", "name", Path("name.wasm"), exit_code=3, stdout="out\n")


def test_a_case_is_what_its_json_says_or_the_default(tmp_path: Path) -> None:
    for name in ("plain", "told"):
        (tmp_path / f"{name}.wasm").touch()
    told = {"args": ["a b"], "env": {"N": "v\n"}, "root": "dir", "exit_code": 7, "stdout": "x"}
    (tmp_path / "told.json").write_text(json.dumps(told))
    (tmp_path / "manifest.json").write_text("{}")
    plain, case = load_cases(tmp_path, "c")
    assert plain == Case("c", "plain", tmp_path / "plain.wasm")
    assert (case.arguments, case.environment) == (("a b",), (("N", "v\n"),))
    assert (case.root, case.exit_code, case.stdout) == (tmp_path / "dir", 7, "x")


def test_a_json_of_a_newer_kind_is_an_error_and_not_a_pass(tmp_path: Path) -> None:
    (tmp_path / "new.wasm").touch()
    (tmp_path / "new.json").write_text('{"operations": []}')
    with pytest.raises(TeeforgeError, match="operations"):
        load_cases(tmp_path, "c")


def test_status_and_stdout_are_compared_and_the_reason_is_told() -> None:
    assert compare(CASE, 3, b"out\n", b"") == ""
    assert "exit status 124 instead of 3: optee_wamr: trapped" in compare(
        CASE, 124, b"out\n", b"x\noptee_wamr: trapped"
    )
    assert "stdout" in compare(CASE, 3, b"out", b"")


def test_files_may_be_left_behind_only_under_the_suites_name_for_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/file").write_text("four")
    same = ["dir sub/", "4 sub/file"]
    assert compare_files(tmp_path, same) == ""
    assert compare_files(tmp_path, [*same, "9 x.cleanup", "dir d.cleanup/", "1 d.cleanup/y"]) == ""
    assert "new is new" in compare_files(tmp_path, [*same, "0 new"])
    assert "sub/file is gone" in compare_files(tmp_path, same[:1])
    assert "sub/file has changed" in compare_files(tmp_path, ["dir sub/", "5 sub/file"])


def test_the_junit_file_counts_what_failed() -> None:
    outcomes = [Outcome(CASE, "", 0.5), Outcome(CASE, "bell \a & <tag>", 0.25)]
    (suite,) = ElementTree.fromstring(junit_xml(outcomes))
    assert (suite.get("tests"), suite.get("failures"), suite.get("time")) == ("2", "1", "0.750")
    assert suite[1][0].get("message") == "bell \\x07 & <tag>"
