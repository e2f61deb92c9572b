"""Debian packages: from whichever archive serves them, trusted by their hash alone."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError, UnreachableError
from teeforge.base.files import write_atomically
from teeforge.base.progress import say, time_left
from teeforge.fetch.archives import archive_bases, proxies
from teeforge.fetch.deb import unpack_debs
from teeforge.fetch.waiting import PATIENCE, SAID, Waiting, asked, by_proxy, plainly

if TYPE_CHECKING:
    from teeforge.settings.config import Config
    from teeforge.settings.lock import DebianLock, LockedPackage

_CHUNK = 1 << 16
# Seconds between two lines of progress, while a package arrives.
_TELL_EVERY = 1.0
_AT_ONCE = 4
_PAUSES = (1, 2)  # seconds before an archive is asked once more
_LONGER = (4, 8, 15)  # and after those, before one that has answered: nobody took the network away for good
_TIMEOUT = (SAID, PATIENCE)  # seconds to connect, seconds without a byte: slow proxies are patient ones
# Archives that could not be reached: no other package waits for them.
_away: dict[str, str] = {}
_answered: set[str] = set()


class Pool:
    """A folder of .deb files named by their SHA-256."""

    def __init__(self, folder: Path, config: Config, lock: DebianLock) -> None:
        self.folder = folder
        self._archive = config.debian
        self._lock = lock

    def fetch(self, section: str, on_line: Callable[[str], None] = lambda _: None) -> list[Path]:
        """Return the .deb files of a section of debian.lock; those that are here already are not fetched."""
        return list(self._arriving(section, on_line))

    def unpack(self, section: str, folder: Path, on_line: Callable[[str], None] = lambda _: None) -> None:
        """Unpack all packages of a section into ``folder``, each as soon as it is here."""
        unpack_debs(self._arriving(section, on_line), folder)

    def _arriving(self, section: str, on_line: Callable[[str], None]) -> Iterator[Path]:
        """Yield the .deb files of a section as they are here, the largest are asked for first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        packages = sorted(self._lock.of(section), key=lambda package: package.size, reverse=True)
        meter = _Meter([package for package in packages if not self._path(package).is_file()], on_line)

        def one(package: LockedPackage) -> Path:
            path = self._path(package)
            if not path.is_file():
                self._download(package, path, meter)
            return path

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                for done in as_completed([pool.submit(one, package) for package in packages]):
                    yield done.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _path(self, package: LockedPackage) -> Path:
        return self.folder / f"{package.sha256}.deb"

    def _download(self, package: LockedPackage, path: Path, meter: _Meter) -> None:
        problems: list[str] = []
        bases = list(archive_bases(self._archive.mirror, self._archive.snapshot, self._lock.snapshot))
        for base, following in zip(bases, [*bases[1:], ""], strict=True):
            if base in _away:
                problems.append(_away[base])
                continue
            try:
                data = _insisting(base, package, meter)
            except TeeforgeError as error:
                problems.append(error.message)
                if isinstance(error, UnreachableError):
                    _away[base] = error.message
                if following:
                    say(f"{error.message}; now asking {following}")
                continue
            _answered.add(base)
            write_atomically(path, data)
            return
        told = "\n".join(f"    {problem}" for problem in problems)
        gone = problems and all(": HTTP 404 " in problem for problem in problems)
        hint = "`invoke lock` pins what Debian has today" if gone else "check the network and https_proxy"
        raise UnreachableError(
            f"{package.name} {package.version} cannot be had:\n{told}",
            f"{hint}, or set `debian.mirror:` or `debian.snapshot:` in config.yaml",
        )


class _Meter:
    """Tells how much of what has to be fetched is here, and how long the rest takes."""

    def __init__(self, wanted: Sequence[LockedPackage], on_line: Callable[[str], None]) -> None:
        self._total = sum(package.size for package in wanted)
        self._here: dict[str, int] = {}
        self._began = self._told = time.monotonic()
        self._on_line = on_line
        self._lock = threading.Lock()

    def arriving(self, package: LockedPackage, size: int) -> None:
        """Take note that so many bytes of a package are here; it is told once a second, and at the end."""
        with self._lock:
            self._here[package.sha256] = size
            now = time.monotonic()
            if size < package.size and now - self._told < _TELL_EVERY:
                return
            self._told = now
            here = sum(self._here.values())
            left = time_left(here, self._total, now - self._began)
        told = f"{here / 1e6:.0f} of {self._total / 1e6:.0f} MB{left and f', {left}'}"
        self._on_line(f"{package.name} {package.version}, {told}")


def download(url: str, on_size: Callable[[int], None] = lambda _: None) -> bytes:
    """Return the bytes at ``url``, by the user's proxies, else by apt's own; ``on_size`` hears how many."""
    import requests

    try:
        with (
            Waiting(asked(url, proxies())) as waiting,
            requests.get(url, timeout=_TIMEOUT, stream=True, proxies=proxies()) as answer,
        ):
            if answer.status_code != 200:
                raise TeeforgeError(f"{url}: HTTP {answer.status_code} {answer.reason}")
            data = bytearray()
            for chunk in answer.iter_content(_CHUNK):
                waiting.heard()
                data += chunk
                on_size(len(data))
            return bytes(data)
    except requests.RequestException as error:
        silent = isinstance(error, (requests.Timeout, requests.exceptions.ProxyError))
        away = silent or any(sign in str(error) for sign in ("NewConnectionError", "NameResolutionError"))
        kind = UnreachableError if away else TeeforgeError
        raise kind(f"{url}{by_proxy(url, proxies())}: {plainly(str(error))}") from error


def _insisting(base: str, package: LockedPackage, meter: _Meter) -> bytes:
    """Return a package from an archive; who is away at once is asked again, for name servers stumble."""
    url = f"{base}/{package.path}"
    for pause in (*_PAUSES, *_LONGER):
        began = time.monotonic()
        try:
            return _verified(url, package, meter)
        except UnreachableError:
            if time.monotonic() - began > SAID or (pause in _LONGER and base not in _answered):
                raise
            time.sleep(pause)
    return _verified(url, package, meter)


def _verified(url: str, package: LockedPackage, meter: _Meter) -> bytes:
    data = download(url, lambda size: meter.arriving(package, size))
    digest = hashlib.sha256(data).hexdigest()
    if digest != package.sha256:
        raise TeeforgeError(
            f"{url}: serves other bytes: SHA-256 {digest[:16]}… ({len(data)} bytes), "
            f"debian.lock wants {package.sha256[:16]}… ({package.size} bytes)"
        )
    return data
