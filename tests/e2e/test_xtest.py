"""OP-TEE's own suite, with our patches and without: by hand, as it takes ten minutes."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from teeforge.lab import Lab

from .conftest import run_invoke

pytestmark = pytest.mark.e2e

by_hand = pytest.mark.skipif(not os.environ.get("TEEFORGE_XTEST"), reason="TEEFORGE_XTEST is not set")


@by_hand
@pytest.mark.timeout(7200)
def test_nothing_passes_less_because_of_our_patches(lab: Lab, tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    done = run_invoke("xtest", "--junit", junit)
    assert done.status == 0, done.stdout.decode()
    assert b"nothing passes less with our patches" in done.stdout
    patched, plain, compared = ElementTree.parse(junit).getroot()
    assert int(patched.get("tests", 0)) == int(plain.get("tests", 0)) > 100
    assert compared.get("failures") == "0"
    for side in ("patched", "plain"):
        assert "TEE test application done!" in (lab.workspace.logs / f"xtest-{side}.log").read_text()
        assert "OP-TEE version:" in (lab.workspace.logs / f"xtest-{side}-secure.log").read_text()


@by_hand
@pytest.mark.timeout(1800)
def test_a_word_that_no_case_has_is_refused(lab: Lab) -> None:
    done = run_invoke("xtest", "--match", "9999")
    assert done.status == 1
    assert "--match 9999: no case of the suite has this in its name" in done.stderr
