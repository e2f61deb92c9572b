"""What `invoke bench.pipeline` measures with: a copy of the checkout, and the plain way to build it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.lab import Lab
from teeforge.pipeline.barebuild import bare_build
from teeforge.pipeline.measure import measure_pipeline
from teeforge.pipeline.report import Row
from teeforge.pipeline.scratch import Scratch, Spoken

from .conftest import Checkout, git

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def mini(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (checkout.root / "tasks.py").symlink_to(ROOT / "tasks.py")
    (checkout.root / ".gitignore").write_text("/build\n__pycache__/\n")
    (checkout.root / "patches/greeting/README").write_text("git keeps no empty folder\n")
    git(checkout.root, "init", "--quiet")
    git(checkout.root, "add", "--all")
    git(checkout.root, "commit", "--quiet", "--message=all")
    return checkout


def files(folder: Path) -> dict[str, tuple[int, int]]:
    paths = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in paths
        if "bench" not in path.parts and "__pycache__" not in path.parts
    }


def test_the_bare_commands_make_the_same_products(checkout: Checkout, tmp_path: Path) -> None:
    lab = Lab(checkout.root)
    took = bare_build(lab, tmp_path / "bare")
    assert list(took) == ["greeting", "letter"]
    assert all(seconds > 0 and cpu > 0 for seconds, cpu in took.values())
    assert (tmp_path / "bare/letter/out/greeting.txt").read_text() == "dear world\n"
    assert not lab.workspace.store.exists()


def test_a_bare_command_that_fails_names_its_log(checkout: Checkout, tmp_path: Path) -> None:
    checkout.recipe("greeting", steps=["false"])
    with pytest.raises(
        TeeforgeError, match=r"greeting: false failed with exit status 1: see .*/greeting/log"
    ):
        bare_build(Lab(checkout.root), tmp_path / "bare")


def test_a_copy_is_worked_in_and_nothing_of_ours_is_touched(mini: Checkout) -> None:
    lab = Lab(mini.root)
    lab.build()
    (mini.root / "overlays/letter/letter.in").write_text("not committed, WHO\n")
    before = files(mini.root)
    scratch = Scratch(mini.workspace.build / "bench/scratch")
    scratch.prepare(lab)
    assert scratch.invoke("build-all").built == []
    (scratch.root / "overlays/letter/letter.in").write_text("dearest WHO\n")
    done = scratch.invoke("build-all")
    assert done.built == ["letter"]
    assert 10 << 20 < done.peak < 500 << 20
    assert done.cpu > 0
    cold = scratch.invoke("build-all", env=scratch.cold())
    assert sorted(cold.built) == ["greeting", "letter"]
    scratch.git("checkout", "--quiet", "--", "overlays")
    assert (scratch.root / "overlays/letter/letter.in").read_text() == "not committed, WHO\n"
    after = files(mini.root)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    # The letter's tree of now was looked up, as `invoke status` does; nothing was built or removed.
    assert all("/build/cache/" in path or "/build/sources/" in path for path in changed), changed
    scratch.remove()
    assert not scratch.folder.exists()


def test_the_users_shared_and_remote_stores_are_left_alone(mini: Checkout, tmp_path: Path) -> None:
    mini.configure(store=str(tmp_path / "shared"), remote=str(tmp_path / "remote"), build_dir="elsewhere")
    scratch = Scratch(mini.workspace.build / "bench/scratch")
    scratch.prepare(Lab(mini.root))
    assert not (tmp_path / "shared").exists()
    assert len(list((scratch.build / "store").iterdir())) == 2


def test_a_task_that_fails_in_the_copy_says_what_and_how_to_repeat_it(mini: Checkout) -> None:
    scratch = Scratch(mini.workspace.build / "bench/scratch")
    scratch.prepare(Lab(mini.root))
    with pytest.raises(TeeforgeError) as caught:
        scratch.invoke("build", "leter")
    assert "no component is called `leter`" in caught.value.message
    assert "-m invoke build leter" in caught.value.hint


def test_rows_are_measured_by_turns_and_the_copy_is_gone(mini: Checkout) -> None:
    rows = [Row("list", "", "s", 1.0), Row("noop", "", "s", 1.0), Row("memory", "", "MB", 1.0)]
    taken, work_ms = measure_pipeline(Lab(mini.root), rows, 2)
    assert [len(one.values) for one in taken] == [2, 2, 1]
    assert all(value > 0 for one in taken for value in one.values)
    assert len(work_ms) == 2
    assert not (mini.workspace.build / "bench/scratch").exists()
    with pytest.raises(TeeforgeError, match="it takes at least one"):
        measure_pipeline(Lab(mini.root), rows, 0)


def test_what_a_task_says_is_heard_with_its_time(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    scratch.root.mkdir()
    script = (
        "import sys, time\nfor n in (1, 2): time.sleep(0.3); print('turn', n, flush=True)\ntime.sleep(60)"
    )
    child = scratch.start([sys.executable, "-c", script])
    began = time.monotonic()
    spoken = Spoken(child)
    first = spoken.until("turn")
    second = spoken.until("turn", 2)
    assert 0.2 < second - first < 2 and first > began
    with pytest.raises(TeeforgeError, match="`turn 3` was never said, but:\nturn 1\nturn 2"):
        spoken.until("turn 3", seconds=0.1)
    os.kill(child.pid, 9)
    child.wait()
