"""`invoke dev`: at each save what changed is built, sent and run, over one connection, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.compiling.sources import COMPILED, LIST, Sources, check_readable
from teeforge.lab import Lab
from teeforge.machines.fleet import Place
from teeforge.runs.devview import LiveView, View
from teeforge.runs.running import Runner, RunOptions
from teeforge.runs.watching import Saves
from teeforge.settings.config import load_config
from teeforge.settings.recipe import build_order

# What says how the rest is read: when it changes, everything is read again.
_SETTINGS = ("config.yaml", "debian.lock", "products.lock")
# Seconds that an instance of the TA waits for the next turn.
KEEP = 60
_C_FILES = (*COMPILED, ".h", ".hpp", ".inc")
# Gives the program's sources as they are now: of a folder they may become others.
Find = Callable[[], Sources]


class _Saved(BaseException):
    """Files were saved while something was under way: no error, and nobody on the way may take it for one."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths


class _Alarm:
    """Ends a run when files are saved."""

    def __init__(self, saves: Saves) -> None:
        self._saves = saves

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._saves.fileno()

    def check(self) -> None:
        """Raise if files were saved."""
        if paths := self._saves.saved():
            raise _Saved(paths)


class Loop:
    """The turns of `invoke dev` on one program."""

    def __init__(self, lab: Lab, find: Find, place: Place, options: RunOptions, view: View) -> None:
        self._lab = lab
        self._find = find
        self._runner = Runner(lab, find(), place, options)
        self._view = view

    def run(self) -> None:
        """Take turns until Ctrl-C."""
        changed: Sequence[Path] = ()
        with self._runner, Saves(self._files) as saves:
            while True:
                try:
                    self._turn(changed, saves)
                    changed = saves.wait()
                except _Saved as saved:
                    changed = saved.paths

    def _turn(self, changed: Sequence[Path], saves: Saves) -> None:
        """Build, send and run once. Raises _Saved when there is cause for the next turn already."""
        view, alarm = self._view, _Alarm(saves)
        view.begin(changed, self._runner.stages)
        # A connection that was lost is tried once more: the machine is brought back, if it is one of ours.
        for last in (False, True):
            try:
                self._read_again(changed)
                self._runner.sources = self._find()
                try:
                    self._runner.prepare()
                finally:
                    saves.follow(self._included())
                alarm.check()
                view.end(self._runner.run(view.out, view.err, alarm))
                self._runner.improve()
                return
            except TeeforgeError as error:
                view.fail(error)
                if last or not self._runner.lost():
                    return

    def _read_again(self, changed: Sequence[Path]) -> None:
        """Take settings and recipes as they are now."""
        if any(path.name in _SETTINGS or path.parent.name == "recipes" for path in changed):
            load_config.cache_clear()
            self._lab = self._runner.lab = Lab(self._lab.root, live=False)

    def _files(self) -> Iterator[Path]:
        """List what the program, the TA and the host app are made of; the program's headers come later."""
        with suppress(TeeforgeError):
            self._runner.sources = self._find()
        sources = self._runner.sources
        yield from sources.files
        if sources.folder:
            yield sources.folder / LIST
        root, recipes = self._lab.root, self._lab.recipes
        yield from (root / name for name in _SETTINGS)
        for name in build_order(recipes, [name for name, recipe in recipes.items() if recipe.deploy]):
            yield root / "recipes" / f"{name}.yaml"
            folders = [root / "patches" / patches for patches in recipes[name].patches]
            if overlay := recipes[name].overlay:
                folders.append(root / "overlays" / overlay)
            for folder in folders:
                for where, _, files in os.walk(folder):
                    yield from (Path(where, file) for file in files if _is_source(file))

    def _included(self) -> list[Path]:
        """List the headers of the program; of one that does not compile, whatever might be missing."""
        if self._runner.headers is not None:
            return list(self._runner.headers)
        folders = dict.fromkeys(path.parent for path in self._runner.sources.files)
        with suppress(OSError):
            return [path for folder in folders for path in folder.iterdir() if path.suffix in _C_FILES]
        return []


def dev(lab: Lab, find: Find, place: Place, options: RunOptions) -> int:
    """Run a program now and at each save of what it, the TA or the host app is made of, until Ctrl-C.

    Returns 0: Ctrl-C, or SIGTERM, is how it ends. Raises TeeforgeError if there is nothing to begin with.
    """
    sources = find()
    check_readable(sources)
    view = LiveView(sources.file) if sys.stdout.isatty() else View(sources.file)
    try:
        with _ended_by_term(), view:
            Loop(lab, find, place, options, view).run()
    except KeyboardInterrupt:
        view.tell("ended; the machine stays on (`invoke halt` stops it)")
    return 0


@contextmanager
def _ended_by_term() -> Iterator[None]:
    """Have SIGTERM and SIGHUP do what Ctrl-C does."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _is_source(name: str) -> bool:
    """Say whether a name is not one of an editor's own files."""
    return not (name.startswith((".", "#")) or name.endswith(("~", ".swp", ".orig")) or name.isdigit())
