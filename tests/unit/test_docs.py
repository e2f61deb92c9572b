"""README, the pages of docs/ and their reference: true, whole, and no second copy of what a source says."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import tasks
from teeforge.base.errors import TeeforgeError
from teeforge.docs import record
from teeforge.docs.messages import messages
from teeforge.docs.reference import STATUSES, Reference
from tests.pages import ROOT, blocks, ours, pages, refused

REFERENCE = Reference(ROOT, tasks.namespace)
CONTEXTS = tasks.namespace.to_contexts()


def filled(name: str) -> str:
    return REFERENCE.filled((ROOT / "docs/reference" / f"{name}.md").read_text())


def test_the_readme_is_a_page_to_begin_with() -> None:
    for name in ("README.md", "README.zh.md"):
        assert len((ROOT / name).read_text().splitlines()) <= 130


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_is_one(page: Path) -> None:
    for command, typed in ours(page):
        error = refused(command)
        assert not error or (not typed and "required positional" in error), command


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda page: str(page.name))
def test_what_a_page_of_the_root_links_to_is_there(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if not link.startswith("https://"):
            assert (page.parent / link).is_file(), link


@pytest.mark.parametrize("name", ["README", "docs/tutorial"])
def test_the_chinese_page_has_the_same_commands_and_files(name: str) -> None:
    english = ROOT / f"{name}.md"
    chinese = ROOT / ("README.zh.md" if name == "README" else "docs/zh/tutorial.md")
    assert [block.commands for block in blocks(chinese)] == [block.commands for block in blocks(english)]
    assert [(b.title, b.output) for b in blocks(chinese) if b.language != "sh"] == [
        (b.title, b.output) for b in blocks(english) if b.language != "sh"
    ]
    for mark in (r"^#+ ", r"^\|"):
        assert len(re.findall(mark, chinese.read_text(), re.MULTILINE)) == len(
            re.findall(mark, english.read_text(), re.MULTILINE)
        )


def test_ci_runs_the_tests_as_the_readme_says() -> None:
    commands = [command for block in blocks(ROOT / "README.md") for command in block.commands]
    assert "./inv test" in commands
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == "exec ./inv test"


def test_every_task_and_option_is_in_the_reference() -> None:
    page = filled("tasks")
    for context in CONTEXTS:
        section = page.partition(f"\n### {context.name}\n")[2].partition("\n### ")[0]
        assert section, context.name
        for name, argument in context.args.items():
            assert f"`--{name}`" in section
            assert argument.help and argument.help.replace("|", "\\|") in section, name


def test_every_key_recipe_and_placeholder_is_in_the_reference() -> None:
    config, recipes = filled("config"), filled("recipes")
    for key in ("sources", "cherry_picks", "wasm_cpu", "ssh_port", "host_key", "secure_ram", "snapshot"):
        assert f"\n| `{key}` |" in config
    assert "`kind: qemu`" in config and "`kind: ssh`" in config
    for path in (ROOT / "recipes").glob("*.yaml"):
        assert f"\n| `{path.stem}` |" in recipes
    for row in ("| `by_architecture` |", "| `{llvm.cmakedir}` |", "| `product` |", "| `instead` |"):
        assert f"\n{row}" in recipes


def test_every_error_is_in_the_reference_with_its_hint() -> None:
    page = filled("messages")
    assert "| {path} does not exist | restore it with git |" in page
    assert "| --checks {checks}: there is no such way | give proven or plain |" in page
    assert len([line for line in page.splitlines() if line.startswith("| ")]) > 250


def test_what_several_files_say_is_written_once() -> None:
    """In base/errors.py, as a constant or by one function: two copies would be mended in one place only."""
    files: dict[str, set[str]] = {}
    for one in messages(ROOT):
        for words in (one.text, one.hint):
            beginning = words.partition("{")[0][:40]
            if len(beginning) > 16 and beginning in (ROOT / one.file).read_text():
                files.setdefault(words, set()).add(one.file)
    assert not {words: where for words, where in files.items() if len(where) > 1}


def test_the_exit_statuses_are_those_of_the_host_app() -> None:
    page = filled("exit-status")
    header = (ROOT / STATUSES).with_name("status.h").read_text()
    numbers = re.findall(r"#define STATUS_\w+\t(\d+)", header)
    assert len(numbers) == 4
    assert re.findall(r"^\| `(12\d)` \| \w", page, re.MULTILINE) == numbers
    assert "could not be stored at its end |" in page
    assert "| `130` | Ctrl-C" in page


def test_every_error_word_is_in_the_reference() -> None:
    page = filled("errors")
    words = (ROOT / "overlays/wasm_ta/host/library/words.def").read_text()
    told = re.findall(r'^(?:CODE\(0x\w+, |TRAP\(|REFUSAL\(|STORAGE\()"([^"]+)"', words, re.MULTILINE)
    assert len(told) > 30
    for text in told:
        assert f"`{text}`" in page


def test_a_marker_that_nobody_knows_is_told() -> None:
    with pytest.raises(TeeforgeError, match="the marker `taks` is unknown"):
        REFERENCE.filled("text\n<!-- teeforge: taks -->\n")


def test_each_marker_of_the_pages_is_filled() -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        assert "<!-- teeforge:" not in REFERENCE.filled(page.read_text())


def test_a_recording_shows_what_was_said_and_asks_nobody_for_a_font(tmp_path: Path) -> None:
    picture = tmp_path / "run.svg"
    said = "import sys; print('to stdout'); sys.stdout.flush(); print('~/my/to <stderr>', file=sys.stderr)"
    record.record([sys.executable, "-c", said], "./inv demo", Path("~/my"), picture)
    text = picture.read_text()
    for line in ("$&#160;", "./inv&#160;demo", "to&#160;stdout", "~/teeforge/to&#160;&lt;stderr&gt;"):
        assert line in text
    assert "url(" not in text.replace("url(#", "")


def test_of_a_run_that_failed_no_picture_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TeeforgeError, match=r"\./inv demo ended with 3"):
        record.record(
            [sys.executable, "-c", "raise SystemExit(3)"], "./inv demo", tmp_path, tmp_path / "run.svg"
        )
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""
