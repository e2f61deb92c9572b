"""What every test gets: an environment that none of the user's settings reaches."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from teeforge.base import hostboot

# Also before there is any fixture: in a container the tests of this checkout have a build folder in it, too.
os.environ.pop("TEEFORGE_OUT", None)
# A shell without job control has what it puts into the background ignore Ctrl-C, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)

_OURS = (
    "TEEFORGE_CALLED",
    "TEEFORGE_CONFIG",
    "TEEFORGE_MIN_FREE_MIB",
    "WASI_SDK_PATH",
    "MAKEFLAGS",
    "CFLAGS",
    "SOURCE_DATE_EPOCH",
)


@pytest.fixture
def restart_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Let it look as if the host had been started anew."""

    def restart() -> None:
        (tmp_path / "boot_id").write_text(os.urandom(8).hex())
        monkeypatch.setattr(hostboot, "_BOOT_ID", tmp_path / "boot_id")
        hostboot.host_boot.cache_clear()

    yield restart
    hostboot.host_boot.cache_clear()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*_OURS, *(name for name in os.environ if name.startswith("GIT_"))]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_AUTHOR_NAME", "A Test")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "test@localhost")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "A Test")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "test@localhost")
