"""`invoke docs`: the site, built strictly, every link right, and nothing fetched by its reader."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError, UnreachableError
from teeforge.docs.site import build_site, serve_site
from teeforge.fetch.pip import install_extra
from tests.copies import ROOT, copy_checkout
from tests.terminal import Terminal

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", autouse=True)
def mkdocs() -> None:
    try:
        install_extra(ROOT / "requirements-docs.txt")
    except UnreachableError as error:
        pytest.skip(f"THE SITE IS NOT TESTED, MkDocs cannot be had: {error.message}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build_site(ROOT, folder)
    return folder


def test_the_site_has_a_page_for_each_file_and_those_of_the_root(site: Path) -> None:
    expected = {
        page.relative_to(ROOT / "docs").with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")
    }
    expected |= {Path("security.html"), Path("contributing.html"), Path("changelog.html")}
    assert expected <= {page.relative_to(site) for page in site.rglob("*.html")}


def test_the_reference_is_in_it(site: Path) -> None:
    tasks = (site / "reference/tasks.html").read_text()
    assert 'id="docsbuild"' in tasks and "<code>--heap</code>" in tasks
    assert "wasm_tee_call_all" in (site / "reference/libwasm-tee.html").read_text()


def test_tables_and_lists_are_tables_and_lists(site: Path) -> None:
    for page in site.rglob("*.html"):
        shown = re.sub(r"<(pre|script|style).*?</\1>", "", page.read_text(), flags=re.DOTALL)
        assert not re.search(r"<p>\|.*\|---", shown, re.DOTALL), page.name
        assert not re.search(r"^- \S", re.sub(r"<[^>]+>", "", shown), re.MULTILINE), page.name


def test_reading_it_asks_nobody_else(site: Path) -> None:
    for page in site.rglob("*.html"):
        for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", page.read_text()):
            assert not re.search(r'(?:src|href)="(?:https?:)?//', tag), f"{page.name}: {tag}"


def test_a_broken_link_is_an_error(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy_checkout(copy)
    page = copy / "docs/guides/heap.md"
    page.write_text(page.read_text() + "\n[nowhere](files.md#no-such-place)\n")
    with pytest.raises(TeeforgeError, match="the site is not built"):
        build_site(copy, tmp_path / "site")


def test_it_is_served_until_ctrl_c() -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8000)) == 0:
            pytest.skip("NOT TESTED: somebody has port 8000 here")
    terminal = Terminal([sys.executable, "-m", "invoke", "docs", "--serve"], ROOT)
    try:
        terminal.wait(r"Serving on http://127\.0\.0\.1:8000/")
        with urllib.request.urlopen("http://127.0.0.1:8000/reference/tasks.html") as answer:
            assert b"docs.schema" in answer.read()
        terminal.press("\x03")
        assert terminal.status() == 0
        assert "Traceback" not in terminal.shown
    finally:
        terminal.close()


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # somebody has it already
            other.bind(("127.0.0.1", 8000))
            other.listen()
        with pytest.raises(TeeforgeError, match=r"port 8000 of 127\.0\.0\.1 cannot be used"):
            serve_site(ROOT)


def test_mkdocs_is_not_what_every_task_needs() -> None:
    found = subprocess.run(
        [sys.executable, "-c", "import sys, tasks; print([m for m in sys.modules if 'mkdocs' in m])"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "[]\n"
    assert "mkdocs" not in (ROOT / "requirements.txt").read_text()
