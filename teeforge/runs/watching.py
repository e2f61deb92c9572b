"""Seeing that files were saved: by inotify, through the watchfiles library, on their folders.

Editors save by writing a new file and renaming it, in several steps. So folders are watched and not files,
and what happens in them is only a reason to look: what counts is whether one of our files is another one
than it was, by inode, size and time.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from teeforge.base.errors import TeeforgeError

_Stamp = tuple[int, int, int] | None

# A save's several steps follow one another within this; the longest that saves in a row are put together.
_QUIET_MS = 30
_LONGEST_MS = 300


class Saves:
    """Tells which files were saved since it was last asked; its descriptor is readable when it may be some.

    A context manager. ``files`` lists what is followed, anew each time: a file that is new there counts as
    saved. What follow() adds does not.
    """

    def __init__(self, files: Callable[[], Iterable[Path]]) -> None:
        self._files = files
        self._more: tuple[Path, ...] = ()
        self._watched: frozenset[Path] = frozenset()
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._seen = self._look()

    def __enter__(self) -> Saves:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._read

    def follow(self, more: Iterable[Path]) -> None:
        """Follow these files, too, from how they are now."""
        self._more = tuple(more)
        self._seen = {path: _stamp(path) for path in self._more} | self._seen

    def saved(self) -> list[Path]:
        """Return the files that are not what they were when this was last asked."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._read, 4096):
                pass
        if self._failure:
            raise TeeforgeError(
                f"files cannot be watched: {self._failure}",
                "more inotify watches: sysctl fs.inotify.max_user_watches=524288; "
                "or, on a network filesystem, WATCHFILES_FORCE_POLLING=1",
            )
        now = self._look()
        changed = [path for path, stamp in now.items() if stamp and stamp != self._seen.get(path)]
        # One that is gone may be between two steps of a save.
        self._seen = {path: stamp or self._seen.get(path) for path, stamp in now.items()}
        return changed

    def wait(self) -> list[Path]:
        """Wait until files are saved, and return them."""
        while not (paths := self.saved()):
            # Looked at once in a while even if nothing is heard, as from some network filesystems.
            select.select([self], [], [], 2.0)
        return paths

    def _look(self) -> dict[Path, _Stamp]:
        """Return how all files are now; watches their folders."""
        now = {path: _stamp(path) for path in (*self._more, *self._files())}
        folders = frozenset(path.parent for path in now if path.parent.is_dir())
        if folders != self._watched:
            self._stop.set()
            self._stop = threading.Event()
            self._watched = folders
            threading.Thread(target=self._watch, args=(folders, self._stop), daemon=True).start()
        return now

    def _watch(self, folders: Iterable[Path], stop: threading.Event) -> None:
        from watchfiles import watch

        try:
            for _ in watch(
                *folders,
                watch_filter=None,
                debounce=_LONGEST_MS,
                step=_QUIET_MS,
                stop_event=stop,
                recursive=False,
                raise_interrupt=False,
            ):
                self._wake()
        except Exception as error:
            if not stop.is_set():
                self._failure = error
                self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: it is readable as it is
            os.write(self._write, b"!")


def _stamp(path: Path) -> _Stamp:
    """Return what changes when a file is saved; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
