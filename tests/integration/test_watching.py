"""Saves as editors make them: each is seen once, soon, and nothing else is."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from teeforge.runs.watching import Saves


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.c", "b.c"):
        (tmp_path / name).write_text("old\n")
    return tmp_path


@pytest.fixture
def saves(folder: Path) -> Iterator[Saves]:
    with Saves(lambda: [folder / "a.c", folder / "b.c"]) as opened:
        until_watched(opened, folder)
        yield opened


def until_watched(saves: Saves, folder: Path) -> None:
    """Wait until inotify has the folder, however busy this host is: until something in it is heard."""
    while not heard(saves, 0.1):
        (folder / "probe").write_text("x")
    time.sleep(0.4)  # what was written last may still be on its way
    assert saves.saved() == []


def heard(saves: Saves, seconds: float) -> bool:
    return bool(select.select([saves], [], [], seconds)[0])


def rename_save(path: Path, text: str) -> None:
    """Save as vim does: try the folder, move the old file away, write a new one."""
    (path.parent / "4913").write_text("")
    (path.parent / "4913").unlink()
    path.rename(f"{path}~")
    path.write_text(text)
    Path(f"{path}~").unlink()


def test_a_save_in_place_is_heard(saves: Saves, folder: Path) -> None:
    (folder / "a.c").write_text("new\n")
    assert heard(saves, 2)
    assert saves.saved() == [folder / "a.c"]
    assert saves.saved() == []


def test_a_save_by_renaming_is_one_save(saves: Saves, folder: Path) -> None:
    rename_save(folder / "a.c", "new\n")
    assert saves.wait() == [folder / "a.c"]
    time.sleep(0.4)
    assert saves.saved() == []


def test_a_save_that_replaces_the_file_is_seen(saves: Saves, folder: Path) -> None:
    (folder / "fresh").write_text("new\n")
    (folder / "fresh").replace(folder / "b.c")
    assert saves.wait() == [folder / "b.c"]


def test_other_files_are_none_of_ours(saves: Saves, folder: Path) -> None:
    (folder / "notes.txt").write_text("x")
    (folder / ".a.c.swp").write_text("x")
    time.sleep(0.4)
    assert saves.saved() == []


def test_a_file_that_is_followed_later_counts_from_then_on(saves: Saves, folder: Path) -> None:
    elsewhere = folder / "include"
    elsewhere.mkdir()
    (elsewhere / "a.h").write_text("old\n")
    saves.follow([elsewhere / "a.h"])
    assert saves.saved() == []
    (elsewhere / "a.h").write_text("newer\n")
    assert saves.wait() == [elsewhere / "a.h"]


def test_a_file_that_is_new_in_the_list_counts_as_saved(folder: Path) -> None:
    with Saves(lambda: folder.glob("*.c")) as saves:
        (folder / "c.c").write_text("new\n")
        assert saves.wait() == [folder / "c.c"]


def test_a_file_that_is_taken_away_and_comes_back_is_saved_once(saves: Saves, folder: Path) -> None:
    (folder / "a.c").unlink()
    time.sleep(0.2)
    assert saves.saved() == []
    (folder / "a.c").write_text("back\n")
    assert saves.wait() == [folder / "a.c"]
