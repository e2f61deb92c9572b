"""Which words a shell is offered."""

from __future__ import annotations

from pathlib import Path

import pytest

import tasks
from teeforge.commandline.complete import candidates

ROOT = Path(__file__).resolve().parents[2]


def offered(*words: str, root: Path = ROOT) -> list[str]:
    return candidates(words, tasks.namespace.to_contexts(), root)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_the_names_of_tasks_are_completed() -> None:
    assert offered("build") == ["build", "build-all"]
    assert {"run", "store", "store.list", "bench.code"} <= set(offered(""))
    assert offered("--help", "bench.cod") == ["bench.code"]
    assert offered() == offered("")


def test_another_task_may_follow() -> None:
    assert offered("build", "wamrc", "expl") == ["explain", "explain-error"]
    assert offered("halt", "--all", "boo") == ["boot"]


def test_components_are_completed_where_one_is_wanted() -> None:
    for task in ("build", "explain", "why"):
        assert offered(task, "wam") == ["wamr", "wamrc"]
    assert len(offered("build", "")) == len(list((ROOT / "recipes").glob("*.yaml")))


def test_machines_and_targets_are_completed(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "sources: {}\ntargets: {board: {kind: ssh, host: b, host_key: k}}\n"
    )
    for name in ("left", "right", ".hidden"):
        (tmp_path / "build/targets" / name).mkdir(parents=True)
        (tmp_path / "build/targets" / name / "lock").touch()
    for words in (["run", "x.c", "--name"], ["halt", "-n"], ["shell", "--name", "="]):
        assert offered(*words, "", root=tmp_path) == ["left", "right"]
    assert offered("boot", "--name=r", root=tmp_path) == ["--name=right"]
    assert offered("boot", "--name", "=", root=tmp_path) == ["left", "right"]
    assert offered("boot", "--target", "b", root=tmp_path) == ["board"]


def test_nothing_is_made_and_nothing_said_where_the_settings_are_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text("sauces: {}\n")
    assert offered("halt", "--name", "", root=tmp_path) == []
    assert offered("build", "", root=tmp_path) == []
    assert offered("run", "", root=tmp_path / "gone") == []
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("here")
def test_samples_are_completed_where_a_program_is_wanted() -> None:
    assert offered("run", "samples/he") == ["samples/hello.c"]
    assert offered("dev", "samples/hello.c", "--source", "samples/se") == offered("dev", "samples/se")
    assert "samples/hello.c" in offered("run", "samples/cat.c", "")


def test_samples_and_files_are_named_from_where_the_user_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checkout/samples").mkdir(parents=True)
    (tmp_path / "checkout/samples/hello.c").touch()
    (tmp_path / "desk/my sources").mkdir(parents=True)
    for name in ("main.c", "notes.txt", "my sources/more.wasm", ".hidden.c"):
        (tmp_path / "desk" / name).touch()
    monkeypatch.chdir(tmp_path / "desk")
    root = tmp_path / "checkout"
    assert offered("run", "", root=root) == ["../checkout/samples/hello.c", "main.c", "my sources/"]
    for typed in ("'my sources/", r"my\ sources/m", '"my sources/more'):
        assert offered("run", typed, root=root) == ["my sources/more.wasm"]


def test_options_and_their_words_are_completed() -> None:
    assert offered("run", "x.c", "--he") == ["--heap", "--help"]
    assert offered("run", "x.c", "--where", "") == ["normal", "secure"]
    assert offered("run", "x.c", "--where=s") == ["--where=secure"]
    assert offered("test", "--only", "") == ["e2e", "hosts", "integration", "unit"]
    assert offered("-") == ["--help", "--list"]


def test_a_value_that_may_be_anything_is_left_to_the_shell() -> None:
    for words in (["run", "x.c", "--args", ""], ["run", "x.c", "--report", "a"], ["verify", "tok"]):
        assert offered(*words) == []
