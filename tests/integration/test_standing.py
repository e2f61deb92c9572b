"""Where the user stands: paths begin there, the checkout is the one that inv belongs to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Checkout, Upstream, make_checkout

ROOT = Path(__file__).resolve().parents[2]
# The smallest module there is, and one that wants what no TEE offers.
EMPTY = b"\0asm\1\0\0\0"


def with_inv(checkout: Checkout) -> Checkout:
    """Give a made-up checkout our inv, tasks and engine, and the environment that runs this test."""
    if not Path(sys.prefix, "requirements.installed").is_file():
        pytest.skip("this is not run in a .venv that inv made")
    for name in ("inv", "tasks.py", "teeforge", "requirements.txt"):
        (checkout.root / name).symlink_to(ROOT / name)
    (checkout.root / ".venv").symlink_to(sys.prefix)
    return checkout


@pytest.fixture
def mine(tmp_path: Path) -> Checkout:
    return with_inv(make_checkout(tmp_path / "my place, 我的" / "checkout", Upstream(tmp_path / "upstream")))


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder of the user's, with a program, and files that Python would take for its own."""
    folder = tmp_path / "书桌 desk"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "我的 program.wasm").write_bytes(EMPTY)
    for name in ("json.py", "yaml.py", "string.py", "tasks.py"):
        (folder / name).write_text("raise SystemExit('the user has a file of this name')\n")
    return folder


def inv(inv: str | Path, *arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [inv, *arguments],
        cwd=cwd,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def relative(checkout: Checkout, cwd: Path) -> str:
    return os.path.relpath(checkout.root / "inv", cwd)


def test_paths_begin_where_the_user_stands(mine: Checkout, desk: Path) -> None:
    told = inv(relative(mine, desk), "wasm-info", "sub/我的 program.wasm", cwd=desk)
    assert told.stdout.startswith("file       sub/我的 program.wasm"), told.stderr
    told = inv(relative(mine, desk / "sub"), "wasm-info", "../sub/我的 program.wasm", cwd=desk / "sub")
    assert told.stdout.startswith("file       ../sub/我的 program.wasm"), told.stderr
    told = inv(relative(mine, desk), "run", "sub/我的 progam.wasm", cwd=desk)
    assert told.stderr.splitlines() == [
        "error: sub/我的 progam.wasm: there is no such file",
        "hint: did you mean sub/我的 program.wasm?",
    ]


def test_a_lent_folder_and_a_log_file_begin_there_too(mine: Checkout, desk: Path) -> None:
    (mine.root / "here").mkdir()
    told = inv(relative(mine, desk), "run", "sub/我的 program.wasm", "--dir", "here", cwd=desk)
    assert "error: --dir here: the folder here is not there" in told.stderr
    (mine.root / "overlays/wasm_ta/host/library").mkdir(parents=True)
    words = "overlays/wasm_ta/host/library/words.def"
    (mine.root / words).write_bytes((ROOT / words).read_bytes())
    (desk / "secure world.log").write_text("E/TC: something 0xffff000c\n")
    told = inv(relative(mine, desk), "explain-error", "secure world.log", cwd=desk)
    assert told.returncode == 0 and "0xffff000c" in told.stdout.lower(), told.stdout + told.stderr
    # A pasted log may be longer than any file's name.
    told = inv(relative(mine, desk), "explain-error", "0xffff000c " * 500, cwd=desk)
    assert told.returncode == 0, told.stderr


def test_the_checkout_is_inv_s_own_also_inside_another(mine: Checkout, tmp_path: Path) -> None:
    other = with_inv(make_checkout(tmp_path / "other", Upstream(tmp_path / "other-upstream")))
    mine.recipe("letter", summary="only mine has this letter")
    told = inv(relative(mine, other.root), "status", cwd=other.root)
    assert "only mine has this letter" in told.stdout, told.stderr
    assert not (other.root / "build").exists()


def test_a_link_to_inv_leads_to_its_checkout(mine: Checkout, tmp_path: Path) -> None:
    (mine.root / "inv").unlink()
    (mine.root / "inv").write_bytes((ROOT / "inv").read_bytes())
    (mine.root / "inv").chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tee").symlink_to(mine.root / "inv")
    told = inv("tee", "status", cwd=tmp_path, PATH=f"{tmp_path}/bin:{os.environ['PATH']}")
    assert "a letter that holds the greeting" in told.stdout, told.stderr


def test_hints_are_what_to_type_from_there(mine: Checkout, desk: Path) -> None:
    called = relative(mine, desk)
    told = inv(called, "explain", "letter", cwd=desk)
    assert f"`'{called}' explain greeting`" in told.stdout
    unlocked = {"suite": "x", "architecture": "y", "packages": ["z"]}
    mine.configure(sources={"greeting": {"url": mine.upstream.url, "commit": mine.pin}, "deb": unlocked})
    told = inv("./inv", "build-all", cwd=mine.root)
    assert "hint: `./inv lock` writes it anew" in told.stderr


def test_an_active_environment_works_from_a_subfolder(mine: Checkout) -> None:
    below = mine.root / "samples" / "深"
    below.mkdir(parents=True)
    (below / "a.wasm").write_bytes(EMPTY)
    invoke = Path(sys.prefix, "bin", "invoke")
    told = inv(invoke, "wasm-info", "a.wasm", cwd=below)
    assert told.stdout.startswith("file       a.wasm"), told.stderr


def test_the_python_path_of_other_projects_is_none_of_ours(mine: Checkout, desk: Path) -> None:
    told = inv(relative(mine, desk), "status", cwd=desk, PYTHONPATH=str(desk), PYTHONHOME="/nonexistent")
    assert told.returncode == 0, told.stderr
