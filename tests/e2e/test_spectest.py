"""The specification's testsuite in the secure world, and that its runner sees what is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from teeforge.base.errors import UnreachableError
from teeforge.lab import Lab

from .conftest import run_invoke

pytestmark = pytest.mark.e2e

SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture(scope="module")
def suite(vm: Lab) -> Lab:
    try:
        for source in ("wasm_testsuite", "wabt"):
            vm.builder.sources.fetch(source)
    except UnreachableError as error:
        pytest.skip(f"NOT TESTED, the testsuite cannot be had: {error.message}")
    return vm


@pytest.mark.parametrize(("match", "most"), [("ref_", 2), ("conversions", 0), ("memory_grow", 6)])
def test_scripts_of_the_specification_pass_in_the_tee(
    suite: Lab, tmp_path: Path, match: str, most: int
) -> None:
    junit = tmp_path / "junit.xml"
    done = run_invoke("spec-test", "--match", match, "--junit", junit)
    assert done.status == 0, done.stdout.decode()
    suites = list(ElementTree.parse(junit).getroot())
    assert suites and {one.get("failures") for one in suites} == {"0"}
    skipped = [case.attrib for one in suites for case in one.iter("skipped")]
    text = [case for case in skipped if "text format" in case["message"]]
    assert len(skipped) - len(text) <= most, skipped


def test_each_assertion_that_is_wrong_fails_and_no_other(suite: Lab) -> None:
    script = SCRIPTS / "wrong.wast"
    done = run_invoke("spec-test", "--wast", script)
    told = done.stdout.decode()
    assert done.status == 1, done.stderr
    wrong = [number for number, line in enumerate(script.read_text().splitlines(), 1) if ";; fails" in line]
    failed = [int(line) for line in re.findall(r"^FAIL wrong\.wast:(\d+) ", told, re.MULTILINE)]
    assert failed == wrong, told
    assert "0x00000003 instead of i32:0x00000004" in told
    assert "`integer divide by zero` instead of `integer overflow`" in told


def test_a_script_that_the_converter_does_not_know_is_one_line(suite: Lab, tmp_path: Path) -> None:
    newer = tmp_path / "newer.wast"
    newer.write_text('(module\n  (type (struct (field i31ref)))\n  (rec))\n(assert_return (invoke "f"))\n')
    done = run_invoke("spec-test", "--wast", newer)
    assert done.status == 1
    assert "wast2json cannot take newer.wast apart" in done.stderr
    assert (
        run_invoke("spec-test", "--wast", tmp_path / "none.wast").stderr.count("there is no such file") == 1
    )
