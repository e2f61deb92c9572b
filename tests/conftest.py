"""What every test gets: an environment that none of the user's settings reaches."""

from __future__ import annotations

import os

import pytest

_OURS = (
    "TEEFORGE_CONFIG",
    "TEEFORGE_MIN_FREE_MIB",
    "WASI_SDK_PATH",
    "MAKEFLAGS",
    "CFLAGS",
    "SOURCE_DATE_EPOCH",
)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*_OURS, *(name for name in os.environ if name.startswith("GIT_"))]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_AUTHOR_NAME", "A Test")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "test@localhost")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "A Test")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "test@localhost")
