"""`invoke xtest`: how its output is read, and how two runs are compared."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.lab import Lab
from teeforge.machines.fleet import Place
from teeforge.machines.qemu import Clock
from teeforge.xtest.alarm import Silence
from teeforge.xtest.compare import conclusion, differences, junit_xml, lines
from teeforge.xtest.output import OutputReader, Suite
from teeforge.xtest.running import run_xtest

ROOT = Path(__file__).resolve().parents[2]
BOARD = "  board: {kind: ssh, host: 192.0.2.1, host_key: ssh-ed25519 AAAA}\n"
BEGINNING = """\
Run test suite with level=0

TEE test application started over default TEE instance
######################################################
#
# regression
#
######################################################
"""
CASES = """\
 
* regression_1001 Core self tests
 - 1001 -   skip test, pseudo TA not found
  regression_1001 OK
 
* regression_1004 Test User Crypt TA
o regression_1004.1 AES encrypt
  regression_1004.1 OK
o regression_1004.2 SM3
SM3 not supported: skip subcase
  regression_1004.2 OK
  regression_1004 OK
 
* regression_4006_rsa Test RSA
o regression_4006_rsa.1 a key
o regression_4006_rsa.1.1 of 512 bits
/work/regression_4000.c:12: value has an unexpected value: 0x1 = TEE_ERROR, expected 0x0 = TEE_SUCCESS
  regression_4006_rsa.1.1 FAILED
  regression_4006_rsa.1 FAILED
  regression_4006_rsa FAILED
"""  # noqa: W293
END = """\
+-----------------------------------------------------
Result of testsuite regression:
regression_1001 OK
regression_1004 OK
regression_4006_rsa.1.1 FAILED first error at regression_4000.c:12
regression_4006_rsa.1 FAILED
regression_4006_rsa FAILED
+-----------------------------------------------------
20 subtests of which 1 failed
3 test cases of which 1 failed
0 test cases were skipped
TEE test application done!
"""


def suite(text: str, step: int = 7) -> Suite:
    """Return what was read of an output that comes in pieces of ``step`` bytes."""
    reader, data = OutputReader(), text.encode()
    for at in range(0, len(data), step):
        list(reader.feed(data[at : at + step]))
    return reader.suite


def passing(text: str) -> str:
    return text.replace("FAILED", "OK")


def test_cases_and_parts_are_read_however_the_output_is_cut() -> None:
    for step in (1, 7, 10_000):
        read = suite(BEGINNING + CASES + END, step)
        assert {name: unit.verdict for name, unit in read.units.items()} == {
            "regression_1001": "skipped",
            "regression_1004": "passed",
            "regression_1004.1": "passed",
            "regression_1004.2": "skipped",
            "regression_4006_rsa": "failed",
            "regression_4006_rsa.1": "failed",
            "regression_4006_rsa.1.1": "failed",
        }
        assert [case.name for case in read.cases] == [
            "regression_1001",
            "regression_1004",
            "regression_4006_rsa",
        ]
        assert (read.checks, read.whole) == (20, True)
        assert read.units["regression_4006_rsa.1.1"].reason == "first error at regression_4000.c:12"
        assert read.units["regression_1001"].reason == "- 1001 -   skip test, pseudo TA not found"
        assert read.units["regression_1004"].title == "Test User Crypt TA"


def test_each_case_is_given_as_it_ends_with_its_seconds() -> None:
    clock = itertools.count()
    ended = list(OutputReader(lambda: float(next(clock))).feed((BEGINNING + CASES).encode()))
    assert [(unit.name, unit.seconds) for unit in ended] == [
        ("regression_1001", 1.0),
        ("regression_1004", 5.0),
        ("regression_4006_rsa", 5.0),
    ]


def test_what_did_not_end_has_failed() -> None:
    cut = suite(BEGINNING + CASES[: CASES.index("o regression_4006_rsa.1.1")])
    assert not cut.whole
    for name in ("regression_4006_rsa", "regression_4006_rsa.1"):
        assert (cut.units[name].verdict, cut.units[name].reason) == ("failed", "it did not end")


def test_the_same_on_both_sides_is_no_difference() -> None:
    one = suite(BEGINNING + CASES + END)
    assert differences(one, one) == []
    told = list(lines(one, one))
    assert told[1].split() == ["with", "our", "patches", "3", "1", "1", "1", "4", "20", "0"]
    assert "FAIL regression_4006_rsa: with our patches and without: it failed" in told
    assert any(line.split()[:2] == ["skipped", "1"] for line in told)


def test_what_fails_is_skipped_or_is_missing_with_our_patches_passes_less() -> None:
    well = suite(passing(CASES))
    failed = suite(CASES)
    assert [one.name for one in differences(failed, well) if one.is_less] == [
        "regression_4006_rsa",
        "regression_4006_rsa.1",
        "regression_4006_rsa.1.1",
    ]
    skipped = suite(passing(CASES).replace("o regression_1004.1 AES", "skipped\no regression_1004.1 AES"))
    assert differences(skipped, well) == [], "a case that has parts ran"
    cut = suite(passing(CASES)[: CASES.index("* regression_4006_rsa")])
    (case, *parts) = differences(cut, well)
    assert case.line() == "LESS regression_4006_rsa: not run with our patches, passed without"
    assert len(parts) == 2
    bare = CASES.replace("o regression_1004.1 AES encrypt\n  regression_1004.1 OK\n", "").replace(
        "o regression_1004.2 SM3\n", ""
    )
    told = differences(suite(passing(bare)), well)[0].line()
    assert told.startswith("LESS regression_1004: skipped (SM3 not supported: skip subcase) with our patches")


def test_what_passes_more_is_told_and_no_harm() -> None:
    found = differences(suite(passing(CASES)), suite(CASES))
    assert found and not any(one.is_less for one in found)
    assert found[0].line().startswith("more regression_4006_rsa: passed with our patches, failed")


def test_what_did_not_come_to_its_end_shows_nothing() -> None:
    whole, cut = suite(CASES + END), suite(CASES)
    assert conclusion(whole, whole) == (True, "nothing passes less with our patches")
    assert conclusion(whole, suite(passing(CASES + END))) == (False, "3 pass less with our patches")
    for sides in ((cut, whole), (whole, cut)):
        well, words = conclusion(*sides)
        assert not well and words.startswith("xtest did not come to its end with")


def test_the_junit_file_has_both_runs_and_the_comparison() -> None:
    root = ElementTree.fromstring(junit_xml(suite(CASES + END), suite(passing(CASES + END))))
    counts = {one.get("name"): (one.get("tests"), one.get("failures"), one.get("skipped")) for one in root}
    assert counts == {
        "xtest.patched": ("3", "1", "1"),
        "xtest.plain": ("3", "0", "1"),
        "xtest.compared": ("3", "1", "0"),
    }
    (failure,) = root[2].iter("failure")
    assert failure.get("message", "").count("LESS") == 3


@pytest.mark.parametrize(
    ("before", "after", "target", "words"),
    [
        ("targets:\n", f"targets:\n{BOARD}", "board", "board is a board: two firmwares are compared"),
        ("signing: development", "signing: own", "qemu", "config.yaml has `signing: own`"),
    ],
)
def test_a_board_and_an_own_key_are_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str, target: str, words: str
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text((ROOT / "config.yaml").read_text().replace(before, after))
    monkeypatch.setenv("TEEFORGE_CONFIG", str(config))
    with pytest.raises(TeeforgeError, match=words):
        run_xtest(Lab(tmp_path), Place(target), (), None)


def test_machines_of_other_firmware_do_not_take_each_others_snapshots() -> None:
    assert Place("qemu", "a").kind == Place("qemu").kind == "qemu"
    assert Place("qemu", clock=Clock.COUNTING).kind == "qemu-counting"
    assert Place("qemu", firmware="trusted-firmware-a_plain.flash").kind == "qemu-trusted-firmware-a_plain"


def test_an_alarm_goes_off_when_nothing_is_heard_or_the_machine_has_failed() -> None:
    failures = [""]
    with Silence("qemu", lambda: failures[0], 0.2, every=0.01) as alarm:
        alarm.check()
        time.sleep(0.25)
        with pytest.raises(TeeforgeError, match=r"qemu has said nothing for 0\.2 s"):
            alarm.check()
        alarm.heard()
        alarm.check()
        failures[0] = "Panic at somewhere"
        with pytest.raises(TeeforgeError, match="the machine qemu has stopped working: Panic at somewhere"):
            alarm.check()
