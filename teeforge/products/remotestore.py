"""A store that a team or CI already has, at any fsspec URL: S3, GCS, HTTP, a folder.

An archive lies at ``<url>/<component>/<sha256 of its tar>.tar.xz``: the name is the digest that
products.lock holds, so that nothing there can stand for something else. The remote is trusted with nothing
(see productlock.py); where it is slow, away or lying, the build goes on without it.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from teeforge.base.archive import BadArchiveError, Bits, pack, unpack
from teeforge.base.errors import TeeforgeError, UnreachableError
from teeforge.base.files import make_shared, shared_mode

T = TypeVar("T")

# Seconds until a remote has to answer at all, and until the next piece of an archive has to come.
_ANSWER = 10.0
_PIECE = 30.0
# An upload may take this many seconds, and one more for each so many bytes.
_UPLOAD, _SLOWEST = 60.0, 100_000
_CHUNK = 1 << 20
# A file appears whole there, so it needs no other name while it is written.
_WHOLE = ("s3", "gcs", "gs", "abfs", "az", "http", "https", "memory")
_DRIVERS = Path(__file__).resolve().parents[2] / "requirements-remote.txt"


class MissingError(TeeforgeError):
    """The remote does not have what was asked for."""


class RemoteStore:
    """Archives of products at one URL. After the first failure to reach it, it is not asked again."""

    def __init__(self, url: str, stop: threading.Event | None = None) -> None:
        self.shown = _without_password(url)
        self._url = url
        self._stop = stop or threading.Event()
        self._lock = threading.Lock()
        self._fs: Any = None
        self._root = ""
        self._failed: UnreachableError | None = None

    def get(self, component: str, bits: Bits, folder: Path) -> None:
        """Unpack an archive into the empty ``folder``.

        Raises MissingError if the remote does not have it, BadArchiveError if it has other bits under that
        name, UnreachableError if it cannot be asked.
        """
        fs, name = self._open(), self._name(component, bits)
        options = {"block_size": 0} if _protocol(fs) in ("http", "https") else {"block_size": 4 * _CHUNK}
        try:
            file = self._ask(lambda: fs.open(name, "rb", **options), _ANSWER)
        except FileNotFoundError as error:
            raise MissingError(f"{self.shown} does not have it") from error
        try:
            unpack(self._pieces(file), folder, bits)
        except FileNotFoundError as error:
            raise MissingError(f"{self.shown} does not have it any more") from error
        except BadArchiveError as error:
            raise BadArchiveError(
                f"{self.shown}/{component}/{bits.sha256}.tar.xz is not what products.lock says: "
                f"{error.message}",
                "`invoke store.push --again` puts the right one there",
            ) from error
        finally:
            # A driver may wait for the rest of what it was to read.
            threading.Thread(target=file.close, daemon=True).start()

    def has(self, component: str, bits: Bits) -> bool:
        """Say whether the remote has an archive of that name. Raises UnreachableError."""
        fs, name = self._open(), self._name(component, bits)
        return bool(self._ask(lambda: fs.exists(name), _ANSWER))

    def put(self, component: str, bits: Bits, products: Path, scratch: Path) -> int:
        """Send ``products`` as an archive, packed in the folder ``scratch``; return the bytes that were sent.

        Raises UnreachableError, and leaves nothing where the driver lets us.
        """
        fs, name = self._open(), self._name(component, bits)
        scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=scratch, suffix=".tar.xz") as archive:
            pack(products, Path(archive.name))
            size = Path(archive.name).stat().st_size
            part = f"{name}.{Path(archive.name).name}.part"
            try:
                self._ask(lambda: self._send(fs, archive.name, name, part), _UPLOAD + size / _SLOWEST)
            except BaseException:
                if _protocol(fs) not in _WHOLE:
                    with contextlib.suppress(Exception):
                        self._ask(lambda: fs.rm(part), _ANSWER)
                raise
        return size

    def _send(self, fs: Any, archive: str, name: str, part: str) -> None:
        protocol = _protocol(fs)
        if protocol in ("http", "https"):
            fs.put_file(archive, name, method="put")
            return
        local = protocol in ("file", "local")
        if local:
            make_shared(Path(name).parent)
        else:
            fs.makedirs(name.rsplit("/", 1)[0], exist_ok=True)
        if protocol in _WHOLE:
            fs.put_file(archive, name)
            return
        fs.put_file(archive, part)
        if local:
            Path(part).chmod(shared_mode(0o666))
        fs.mv(part, name)

    def _open(self) -> Any:
        """Return the driver, made once."""
        with self._lock:
            if self._failed:
                raise self._failed
            if self._fs is None:
                self._fs, self._root = self._ask(lambda: _driver(self._url), _ANSWER)
        return self._fs

    def _name(self, component: str, bits: Bits) -> str:
        return f"{self._root}/{component}/{bits.sha256}.tar.xz"

    def _pieces(self, file: Any) -> Iterator[bytes]:
        while piece := self._ask(lambda: file.read(_CHUNK), _PIECE):
            yield piece

    def _ask(self, call: Callable[[], T], seconds: float) -> T:
        """Return what a driver's ``call`` gives, waiting no longer than ``seconds``, nor after Ctrl-C.

        FileNotFoundError comes through; whatever else goes wrong is an UnreachableError.
        """
        answer: concurrent.futures.Future[T] = concurrent.futures.Future()
        threading.Thread(target=_answer, args=(answer, call), daemon=True).start()
        deadline = time.monotonic() + seconds
        while not concurrent.futures.wait([answer], timeout=0.1).done:
            if self._failed:
                raise self._failed
            if self._stop.is_set():
                raise UnreachableError("stopped")
            if time.monotonic() > deadline:
                raise self._away(f"no answer in {seconds:.0f} s")
        error = answer.exception()
        if error is None:
            return answer.result()
        if isinstance(error, UnreachableError):
            self._failed = error
            raise error
        reason = error
        if isinstance(error, FileNotFoundError):
            # The HTTP driver says it also where the server is not there, or is broken; the cause tells.
            reason = error.__cause__ or error
            if isinstance(reason, FileNotFoundError) or getattr(reason, "status", None) in (404, 410):
                raise error
        raise self._away(f"{type(reason).__name__}: {reason}".splitlines()[0].rstrip(": ")) from error

    def _away(self, why: str) -> UnreachableError:
        why = why.replace(self._url, self.shown)
        self._failed = UnreachableError(
            f"the remote store {self.shown} cannot be used: {why}",
            "check `remote:` in config.yaml, the network, and the proxy or credentials in the environment",
        )
        return self._failed


def _answer(answer: concurrent.futures.Future[T], call: Callable[[], T]) -> None:
    try:
        answer.set_result(call())
    except BaseException as error:
        answer.set_exception(error)


def _driver(url: str) -> tuple[Any, str]:
    """Return fsspec's driver for ``url`` and the path in it. Raises UnreachableError if there is none."""
    import fsspec

    protocol = url.split("://")[0] if "://" in url else "file"
    options: dict[str, Any] = {}
    if protocol in ("http", "https"):
        options = {"client_kwargs": {"trust_env": True}}  # proxies, and passwords in ~/.netrc
    elif protocol in ("gs", "gcs"):
        options = {"session_kwargs": {"trust_env": True}}
    try:
        place = url if "://" in url else str(Path(url).expanduser().absolute())
        fs, root = fsspec.core.url_to_fs(place, **options)
    except ImportError as error:
        raise UnreachableError(
            f"config.yaml: remote: the driver for {protocol}:// is not installed",
            f"{sys.executable} -m pip install --require-hashes --only-binary :all: --no-deps -r {_DRIVERS}",
        ) from error
    except ValueError as error:
        raise UnreachableError(
            f"config.yaml: remote: `{_without_password(url)}` cannot be used: {error}",
            "give a folder, or a URL such as s3://bucket/teeforge or https://host/teeforge",
        ) from error
    return fs, str(root).rstrip("/")


def _protocol(fs: Any) -> str:
    return fs.protocol if isinstance(fs.protocol, str) else str(fs.protocol[0])


def _without_password(url: str) -> str:
    """Return ``url`` as it may be shown."""
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=parts.netloc.rsplit("@", 1)[-1]).geturl() if "@" in parts.netloc else url
