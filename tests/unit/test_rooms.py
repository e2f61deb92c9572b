"""The rooms of the runtime TA and its host app: who may call whom is said in each README.md, and is so."""

from __future__ import annotations

import graphlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "overlays/wasm_ta"
# Folders of sources, whose rooms are the folders in them that have a README.md. include/ is for all.
HOUSES = ("ta", "host")


def _rooms(house: str) -> dict[str, set[str]]:
    """Return the rooms of a house by name, with those that their README.md says they call."""
    rooms: dict[str, set[str]] = {}
    for readme in (SOURCES / house).glob("*/README.md"):
        said = re.search(r"^Calls: (.+)\.$", readme.read_text(encoding="utf-8"), re.M)
        assert said, f"{readme} has a line `Calls: ROOM, ROOM.` or `Calls: nothing.`"
        rooms[readme.parent.name] = set(said[1].split(", ")) - {"nothing"}
    return rooms


def _files(house: str) -> dict[str, Path]:
    """Return the sources of the rooms by their name in an #include line."""
    folder = SOURCES / house
    files = sorted(path for room in _rooms(house) for path in (folder / room).glob("*.[chd]*"))
    return {path.relative_to(folder).as_posix(): path for path in files}


def _includes(path: Path) -> list[str]:
    """Return what of its house a file includes, in its order."""
    return re.findall(r'^#include "([^"]+)"', path.read_text(encoding="utf-8"), re.M)


def _subject(name: str, files: dict[str, Path]) -> str:
    """Return the subject of a file, which is one with its header.

    A .c without a header of its name has its functions in the first header of its room that it includes.
    """
    stem = name.rpartition(".")[0].removesuffix("_internal")
    room, _, base = stem.partition("/")
    shown = files[name].parents[1] / "include" / f"{base}.h"
    if not name.endswith(".c") or f"{stem}.h" in files or shown.exists():
        return stem
    headers = [other for other in _includes(files[name]) if other.startswith(f"{room}/")]
    return _subject(headers[0], files) if headers else stem


@pytest.mark.parametrize("house", HOUSES)
def test_every_folder_is_a_room_that_says_whom_it_calls(house: str) -> None:
    folders = {path.parent.name for path in (SOURCES / house).glob("*/*.c")}
    assert folders == _rooms(house).keys()


@pytest.mark.parametrize("house", HOUSES)
def test_an_include_names_room_and_file(house: str) -> None:
    files = _files(house)
    wrong = {
        name: other
        for name, path in {**files, "main.c": SOURCES / house / "main.c"}.items()
        if path.exists()
        for other in _includes(path)
        if other not in files
    }
    assert not wrong


@pytest.mark.parametrize("house", HOUSES)
def test_each_room_calls_those_that_its_readme_names(house: str) -> None:
    used: dict[str, set[str]] = {room: set() for room in _rooms(house)}
    for name, path in _files(house).items():
        room = name.partition("/")[0]
        used[room] |= {other.partition("/")[0] for other in _includes(path)} - {room}
    assert used == _rooms(house)


@pytest.mark.parametrize("house", HOUSES)
def test_rooms_do_not_call_each_other_in_a_circle(house: str) -> None:
    # Raises CycleError, which names the circle.
    graphlib.TopologicalSorter(_rooms(house)).prepare()


@pytest.mark.parametrize("house", HOUSES)
def test_files_do_not_call_each_other_in_a_circle(house: str) -> None:
    files = _files(house)
    graph: dict[str, set[str]] = {}
    for name, path in files.items():
        subject = _subject(name, files)
        graph.setdefault(subject, set())
        graph[subject] |= {_subject(other, files) for other in _includes(path)} - {subject}
    graphlib.TopologicalSorter(graph).prepare()


def _lines(path: Path, name: str) -> list[str]:
    return re.findall(rf"^{name} \+= (\S+)$", path.read_text(encoding="utf-8"), re.M)


def test_the_makefiles_name_rooms_in_their_order_and_all_files_of_each() -> None:
    folder, rooms = SOURCES / "ta", _rooms("ta")
    order = _lines(folder / "sub.mk", "subdirs-y")
    assert sorted(order) == sorted(rooms)
    assert all(order.index(other) < order.index(room) for room in rooms for other in rooms[room])
    for room in rooms:
        files = sorted(path.name for path in (folder / room).glob("*.[cS]"))
        assert _lines(folder / room / "sub.mk", "srcs-y") == files
