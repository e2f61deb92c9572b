"""Building the real stack: the same bits twice, nothing twice, and fast."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from teeforge.lab import Lab
from tests import usershell
from tests.copies import copy_checkout

from .conftest import run_invoke

pytestmark = pytest.mark.e2e

BOARDS = ("rpi3", "imx8mm")


@pytest.mark.skipif(not os.environ.get("TEEFORGE_SECOND_BUILD"), reason="TEEFORGE_SECOND_BUILD is not set")
@pytest.mark.timeout(1800)
def test_every_product_is_the_same_bits_in_another_folder_from_another_shell(
    vm: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand: what CI makes in a clean clone, from such a shell, products.lock is compared with."""
    other_root = tmp_path / "a second place, 第二" / "checkout"
    copy_checkout(other_root)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a-cache"))
    other = Lab(other_root)
    assert other.workspace.build != vm.workspace.build
    # The toolchain is made anew, in another place; its packages need not travel again.
    shutil.copytree(vm.workspace.sources / "debian", other.workspace.sources / "debian")
    shell = usershell.soiled(tmp_path)
    done = run_invoke("build-all", root=other_root, env=shell, umask=usershell.UMASK)
    assert done.status == 0, done.stderr
    ours, theirs = vm.build(), other.up_to_date()
    digests = [
        {
            f"{name}.{product}": entry.identity(product)
            for name in ours
            for entry in [built[name]]
            for product in entry.manifest["products"]
        }
        for built in (ours, theirs)
    ]
    assert digests[0] == digests[1]
    assert all(theirs[name].manifest["seconds"] > 0 for name in ours)
    shutil.rmtree(tmp_path / "a-cache")


@pytest.mark.skipif(not os.environ.get("TEEFORGE_BOARDS"), reason="TEEFORGE_BOARDS is not set")
@pytest.mark.timeout(1800)
def test_the_firmware_of_boards_is_built(lab: Lab) -> None:
    built = lab.build(
        [*(f"trusted-firmware-a_{board}" for board in BOARDS), *map("evidence_{}".format, BOARDS), "evidence"]
    )
    for board in BOARDS:
        core = built[f"optee_os_{board}"]
        assert core.product("raw").stat().st_size > 100_000
        told = json.loads(built[f"evidence_{board}"].product("reference").read_text())
        assert told["core"] != json.loads(built["evidence"].product("reference").read_text())["core"]
    stub = built["trusted-firmware-a_rpi3"].product("armstub").read_bytes()
    assert built["optee_os_rpi3"].product("pager").read_bytes() in stub
    assert built["trusted-firmware-a_imx8mm"].product("bl31").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "limit"),
    [(["--list"], 0.5), (["build-all"], 1.0), (["deploy", "--target", "qemu"], 2.0)],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_with_nothing_to_do_it_is_fast(vm: Lab, words: list[str], limit: float) -> None:
    seconds = []
    for _ in range(3):
        began = time.monotonic()
        assert run_invoke(*words).status == 0
        seconds.append(time.monotonic() - began)
    assert min(seconds) < limit, seconds


def test_a_cold_boot_answers_over_ssh_within_six_seconds(vm: Lab) -> None:
    seconds = []
    for _ in range(2):
        assert run_invoke("halt").status == 0
        began = time.monotonic()
        done = run_invoke("boot", "--cold")
        assert done.status == 0, done.stderr
        seconds.append(time.monotonic() - began)
    assert min(seconds) < 6, seconds
    assert run_invoke("deploy", "--target", "qemu").status == 0
