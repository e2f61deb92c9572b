"""What MkDocs calls while it builds: markers are filled in, pages of the checkout's root are added."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

import tasks
from teeforge.base.errors import TeeforgeError
from teeforge.docs.reference import Reference

ROOT = Path(__file__).resolve().parents[2]
# Pages that lie where people look for them in a repository, and what they are called in the site.
FROM_ROOT = {
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}

_reference = Reference(ROOT, tasks.namespace)


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add the pages of the checkout's root; their links become links inside the site."""
    for source, name in FROM_ROOT.items():
        if (path := ROOT / source).is_file():
            text = re.sub(r"\]\(docs/", "](", path.read_text(encoding="utf-8"))
            text = re.sub(r"\]\((\w+\.md)", lambda found: f"]({FROM_ROOT.get(found[1], found[1])}", text)
            files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in what is made of the sources."""
    try:
        return _reference.filled(markdown)
    except TeeforgeError as error:
        raise PluginError(f"{error.message}; {error.hint}") from error
