"""The source tree of each component: fetched, cherry-picked, patched, overlaid, and what it is called."""

from __future__ import annotations

import calendar
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from teeforge.base.digest import digest_file, digest_path
from teeforge.base.files import plain_mode, write_atomically
from teeforge.base.locking import exclusive_lock
from teeforge.fetch.debian import Pool
from teeforge.fetch.gitstore import OVERLAY_DATE, GitStore
from teeforge.settings.config import Config, DebianSource, GitSource
from teeforge.settings.lock import DebianLock, section_of
from teeforge.settings.recipe import Recipe
from teeforge.settings.workspace import Workspace

_FETCH_SECONDS = 1800.0  # how long another process may take for the same source
_NOT_SOURCE = ("~", ".swp", "__pycache__")


def quiet(_: str) -> None:
    """Take a line of progress and show it to nobody."""


@dataclass(frozen=True)
class Tree:
    """A source tree by content: ``name`` identifies it, ``date`` is in Unix seconds.

    ``version`` is what config.yaml calls the source.
    """

    name: str
    date: int
    commit: str
    version: str = ""


class Sources:
    """Source trees of the components of one workspace."""

    def __init__(self, workspace: Workspace, config: Config, lock: DebianLock) -> None:
        self._workspace = workspace
        self._config = config
        self._lock = lock

    def fetch(self, name: str, on_line: Callable[[str], None] = quiet) -> None:
        """Bring a source of config.yaml here; a commit or package that is here is not fetched again."""
        source = self._config.sources[name]
        if isinstance(source, DebianSource):
            self._pool().fetch(section_of(name, source), on_line)
            return
        with self._held(name):
            git = self._git(name)
            if not git.has(source.commit):
                on_line(f"fetching {source.url} {source.commit[:12]}")
            git.fetch(self._config.mirrored(source.url), source.commit)
            for pick in source.cherry_picks:
                git.fetch(self._config.mirrored(source.url), pick, depth=2)

    def tree(self, recipe: Recipe, on_line: Callable[[str], None] = quiet, architecture: str = "") -> Tree:
        """Return what the tree of ``recipe`` is on a host of an architecture (none named: on this one).

        Nothing is fetched or patched if it is known already.
        """
        source = self._config.sources[recipe.source] if recipe.source else None
        if isinstance(source, DebianSource):
            assert recipe.source is not None
            section = section_of(recipe.source, source, architecture)
            named = f"{self._lock.digest(section)} {self._overlay_digest(recipe)}"
            locked = calendar.timegm(time.strptime(self._lock.snapshot, "%Y%m%dT%H%M%SZ"))
            return Tree("debian:" + hashlib.sha256(named.encode()).hexdigest(), locked, "")
        memo = self._memo(recipe, source)
        version = source.version if source else ""
        try:
            tree = Tree(**json.loads(memo.read_text(encoding="utf-8")))
            return replace(tree, version=version)
        except (OSError, ValueError, TypeError):
            pass
        commit = self.compose(recipe, on_line)
        if self._memo(recipe, source) != memo:  # a patch or the overlay was saved meanwhile
            return self.tree(recipe, on_line)
        git = self._git(recipe.source)
        base = source.commit if source else ""
        date = git.date(base) if base else OVERLAY_DATE
        tree = Tree(f"git:{git.tree(commit)}", date, base)
        write_atomically(memo, json.dumps(asdict(tree)).encode())
        return replace(tree, version=version)

    def known(self, recipe: Recipe) -> bool:
        """Say whether tree() answers without fetching or patching anything."""
        source = self._config.sources[recipe.source] if recipe.source else None
        return isinstance(source, DebianSource) or self._memo(recipe, source).is_file()

    def compose(self, recipe: Recipe, on_line: Callable[[str], None] = quiet) -> str:
        """Fetch a git source and put cherry-picks, patches and overlay on top; return the commit."""
        source = self._config.sources[recipe.source] if recipe.source else None
        if recipe.source:
            self.fetch(recipe.source, on_line)
        base, picks = (source.commit, source.cherry_picks) if isinstance(source, GitSource) else (None, ())
        with self._held(recipe.source or "overlays"):
            return self._git(recipe.source).compose(base, picks, self._patches(recipe), self._overlay(recipe))

    def check_out(self, recipe: Recipe, folder: Path, on_line: Callable[[str], None] = quiet) -> str:
        """Make ``folder`` the tree of ``recipe``; return its commit, empty for Debian packages."""
        source = self._config.sources[recipe.source] if recipe.source else None
        if isinstance(source, DebianSource):
            assert recipe.source is not None
            shutil.rmtree(folder, ignore_errors=True)
            self._pool().unpack(section_of(recipe.source, source), folder, on_line)
            if overlay := self._overlay(recipe):
                ignore = shutil.ignore_patterns("*~", ".*.swp", "__pycache__")
                shutil.copytree(overlay, folder, symlinks=True, dirs_exist_ok=True, ignore=ignore)
                # The checkout's own modes are those of the umask that it was cloned with.
                for path in (overlay, *overlay.rglob("*")):
                    if (copy := folder / path.relative_to(overlay)).exists():
                        plain_mode(copy)
            return ""
        commit = self.compose(recipe, on_line)
        self._git(recipe.source).check_out(commit, folder)
        return commit

    def origin(self, recipe: Recipe) -> dict[str, str]:
        """Return a digest of each patch and of each file of the overlay, by name, and the cherry-picks."""
        source = self._config.sources[recipe.source] if recipe.source else None
        parts = {f"patch {path.parent.name}/{path.name}": digest_file(path) for path in self._patches(recipe)}
        if overlay := self._overlay(recipe):
            files = (path for path in sorted(overlay.rglob("*")) if path.is_file())
            parts |= {
                f"overlay {path.relative_to(overlay)}": digest_file(path)
                for path in files
                if not str(path).endswith(_NOT_SOURCE) and "__pycache__" not in path.parts
            }
        if isinstance(source, GitSource):
            parts["commit"] = source.commit
            parts["cherry_picks"] = " ".join(source.cherry_picks)
        return parts

    def _memo(self, recipe: Recipe, source: GitSource | None) -> Path:
        return self._workspace.cache / "trees" / f"{self._inputs(recipe, source)}.json"

    def _inputs(self, recipe: Recipe, source: GitSource | None) -> str:
        """Return a digest of all that decides the tree of a git source or an overlay."""
        named = [
            source.commit if source else "",
            list(source.cherry_picks) if source else [],
            [[path.name, digest_file(path)] for path in self._patches(recipe)],
            self._overlay_digest(recipe),
        ]
        return hashlib.sha256(json.dumps(named).encode()).hexdigest()

    def _patches(self, recipe: Recipe) -> list[Path]:
        named = [self._workspace.root / "patches" / name for name in recipe.patches]
        return [path for one in named for path in (sorted(one.glob("*.patch")) if one.is_dir() else [one])]

    def _overlay(self, recipe: Recipe) -> Path | None:
        return self._workspace.root / "overlays" / recipe.overlay if recipe.overlay else None

    def _overlay_digest(self, recipe: Recipe) -> str:
        overlay = self._overlay(recipe)
        return digest_path(overlay, skip=_NOT_SOURCE) if overlay else ""

    def _git(self, name: str | None) -> GitStore:
        self._workspace.sources.mkdir(parents=True, exist_ok=True)
        return GitStore(self._workspace.sources / f"{name or 'overlays'}.git")

    def _pool(self) -> Pool:
        return Pool(self._workspace.sources / "debian", self._config, self._lock)

    @contextmanager
    def _held(self, name: str) -> Iterator[None]:
        self._workspace.sources.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(self._workspace.sources / f"{name}.lock", wait=_FETCH_SECONDS):
            yield
