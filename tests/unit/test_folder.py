"""Folders for programs: what --dir means, and what a folder is afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.targets.folder import Folder, mirror, parse_folder, parse_folders


def test_what_dir_says(tmp_path: Path) -> None:
    assert parse_folder(f"{tmp_path}") == Folder(tmp_path, "/", False)
    assert parse_folder(f"{tmp_path}:rw") == Folder(tmp_path, "/", True)
    assert parse_folder(f"{tmp_path}::/data") == Folder(tmp_path, "/data", False)
    assert parse_folder(f"{tmp_path}::/data:rw") == Folder(tmp_path, "/data", True)
    odd = tmp_path / "odd:rw"
    odd.mkdir()
    assert parse_folder(f"{odd}:ro") == Folder(odd, "/", False)


@pytest.mark.parametrize(
    "text", ["", ":rw", "{}::data", "{}::/a/../b", "{}::/secure/x", "{}/none", "{}/file"]
)
def test_what_dir_cannot_mean_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TeeforgeError, match="--dir"):
        parse_folder(text.format(tmp_path))


def test_a_folder_that_comes_back_shares_its_place_with_none(tmp_path: Path) -> None:
    assert len(parse_folders([f"{tmp_path}", f"{tmp_path}"])) == 2
    assert len(parse_folders([f"{tmp_path}", f"{tmp_path}::/out:rw"])) == 2
    with pytest.raises(TeeforgeError, match="both at /"):
        parse_folders([f"{tmp_path}", f"{tmp_path}:rw"])


def test_a_mirrored_folder_is_what_the_other_is(tmp_path: Path) -> None:
    host, tree = tmp_path / "host", tmp_path / "tree"
    (host / "sub").mkdir(parents=True)
    for name in ("changed", "gone", "sub/gone", "appeared-meanwhile"):
        (host / name).write_text("old")
    (host / "changed").chmod(0o640)
    (host / "was-folder").mkdir()
    (tree / "was-file").mkdir(parents=True)
    (host / "was-file").write_text("old")
    for name in ("changed", "was-folder", "was-file/new"):
        (tree / name).write_text("new")
    (tree / "link").symlink_to("changed")

    mirror(tree, host, {"changed", "gone", "sub", "sub/gone", "was-folder", "was-file"})

    found = {str(path.relative_to(host)) for path in host.rglob("*")}
    assert found == {"changed", "was-folder", "was-file", "was-file/new", "link", "appeared-meanwhile"}
    assert (host / "changed").read_text() == (host / "was-folder").read_text() == "new"
    assert (host / "changed").stat().st_mode & 0o777 == 0o640


def test_mirroring_does_not_follow_links_of_the_host(tmp_path: Path) -> None:
    host, tree, outside = tmp_path / "host", tmp_path / "tree", tmp_path / "outside"
    for path in (host, outside, tree / "out"):
        path.mkdir(parents=True)
    (outside / "file").write_text("precious")
    (host / "out").symlink_to(outside)
    (host / "file").symlink_to(outside / "file")
    (tree / "out/file").write_text("new")
    (tree / "file").write_text("new")

    mirror(tree, host, set())

    assert (outside / "file").read_text() == "precious"
    assert (host / "out/file").read_text() == (host / "file").read_text() == "new"
    assert not (host / "out").is_symlink()
