"""What the host remembers of a machine's secure storage: that it was in use, and what it was left as."""

from __future__ import annotations

from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.machines.storage import SecureStorage


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A machine's folder, whose storage was in use and is as the machine left it."""
    SecureStorage("m", tmp_path).taken()
    for name in ("dirf.db", "0", "a"):
        (tmp_path / "tee" / name).write_text(name)
    SecureStorage("m", tmp_path).left()
    return tmp_path


def test_storage_that_was_never_used_may_be_empty_or_not_there(tmp_path: Path) -> None:
    storage = SecureStorage("m", tmp_path)
    storage.check()
    storage.taken()
    storage.left()
    storage.check()


@pytest.mark.parametrize("left_over", [(), ("dirf.db",)])
def test_storage_that_was_used_and_is_gone_is_an_error_each_time(
    used: Path, left_over: tuple[str, ...]
) -> None:
    for name in {"dirf.db", "0", "a"} - set(left_over):
        (used / "tee" / name).unlink()
    for _ in range(2):
        with pytest.raises(TeeforgeError, match="the secure storage of the machine m is gone") as error:
            SecureStorage("m", used).check()
        assert "storage.anew --name m" in error.value.hint


def test_use_is_remembered_while_the_machine_runs(tmp_path: Path) -> None:
    storage = SecureStorage("m", tmp_path)
    storage.taken()
    (tmp_path / "tee" / "0").touch()
    storage.used()
    (tmp_path / "tee" / "0").unlink()
    with pytest.raises(TeeforgeError):
        storage.check()


def test_another_directory_than_the_one_that_was_left_is_told_once(
    used: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    SecureStorage("m", used).taken()
    assert "changed" not in capsys.readouterr().err
    SecureStorage("m", used).left()
    (used / "tee" / "dirf.db").write_text("older")
    SecureStorage("m", used).taken()
    assert "m: its secure storage was changed while it was off" in capsys.readouterr().err
    # From now on it is the machine that changes it, and may end at any time.
    SecureStorage("m", used).taken()
    assert "changed" not in capsys.readouterr().err


def test_storage_is_set_aside_with_all_that_is_in_it_and_begins_anew(used: Path) -> None:
    storage = SecureStorage("m", used)
    assert storage.set_aside() == used / "tee-1"
    assert sorted(path.name for path in (used / "tee-1").iterdir()) == ["0", "a", "dirf.db"]
    storage.check()
    storage.taken()
    assert storage.set_aside() is None
    (used / "tee" / "0").touch()
    assert storage.set_aside() == used / "tee-2"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"directory": 1}'])
def test_a_record_that_is_damaged_still_says_that_it_was_used(used: Path, text: str) -> None:
    (used / "tee.json").write_text(text)
    SecureStorage("m", used).check()
    for path in (used / "tee").iterdir():
        path.unlink()
    with pytest.raises(TeeforgeError):
        SecureStorage("m", used).check()
